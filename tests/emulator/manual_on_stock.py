"""The manual's examples for a board, run by stock firmware of the manual's release."""

from __future__ import annotations

import ast
from contextlib import suppress
from itertools import pairwise
from typing import Any, Final, final

from mpy_cross.emulator import devices
from mpy_cross.emulator.raw_repl import RemoteError, Running
from mpy_cross.emulator.session import parse_time
from mpy_cross.emulator.stock_session import StockSession
from mpy_cross.emulator.wiring import I2CMemory
from tests.emulator.manual_examples import Example, echoed, statements

IMAGES: Final = {"pyboard": "v1.17/PYBV11", "pico": "v1.17/PICO"}
"""By the board of an example."""
LIMIT: Final = 120.0
"""Virtual seconds in which a program comes to its end."""
SLACK: Final = 1_000_000
"""ns that an edge may be off: the firmware takes time, which our own run-time takes none of."""
SHARE: Final = 50
"""Or one part in so many of the time between two edges."""


@final
class StockPlayer:
    """One example on a board that is at its prompt.

    boot: what boot.py does, if it matters.
    """

    def __init__(self, example: Example, session: StockSession, boot: str = "") -> None:
        self.example, self.session, self.boot = example, session, boot
        self.devices: dict[str, Any] = {}

    def run(self) -> str:
        """What it prints, with the traceback if it ends by an exception that is expected.

        Raises AssertionError where it ends in another way than said.
        """
        sections, session = self.example.sections, self.session
        if self.boot:
            session.repl.exec(f"with open('boot.py', 'w') as file: file.write({self.boot!r})")
            session.machine.reset("pin")
            session.boot()
        if "assumes" in sections:
            assert session.repl.exec(sections["assumes"], LIMIT) == ""
        for line in sections.get("wired", "").splitlines():
            self._act(*line.split())
        printed, running = self._typed() if "session" in sections else self._execute(
            sections["program"], self._until)
        before = len(session.console)
        for line in sections.get("outside", "").splitlines():
            self._act(*line.split())
        if running is None:
            printed += session.console[before:]
        else:
            printed += _text(running.take())
            if running.ended:
                printed += self._traceback(_text(running.finish()))
        if "checks" in sections:
            printed += session.repl.exec(sections["checks"], LIMIT)
        for line in sections.get("edges", "").splitlines():
            self._edges(*line.split())
        for line in sections.get("shows", "").splitlines():
            assert eval(line, {}, self.devices), line
        return printed

    @property
    def _until(self) -> str | None:
        return self.example.facts.get("until")

    def _typed(self) -> tuple[str, Running | None]:
        printed, running = "", None
        typed = statements(self.example.sections["session"])
        for each in typed:
            last = each is typed[-1]
            text, running = self._execute(echoed(each.source), self._until if last else None, last)
            printed += text
        return printed, running

    def _execute(
        self, source: str, until: str | None, last: bool = True
    ) -> tuple[str, Running | None]:
        """What was printed; the program, if it goes on."""
        session = self.session
        if last and self.example.facts.get("ends") == "reset":
            session.repl.exec("before = 1")
            session.repl.start(source)
            session.boot()
            with suppress(RemoteError):
                raise AssertionError("no reset: " + session.repl.exec("before"))
            return "", None
        if until is None:
            try:
                return session.repl.exec(source, LIMIT), None
            except RemoteError as error:
                return error.output + self._traceback(str(error) + "\n"), None
        running = session.repl.start(source)
        session.advance(parse_time(until))
        printed = _text(running.take())
        if running.ended:
            return printed + self._traceback(_text(running.finish())), None
        return printed, running

    def _traceback(self, text: str) -> str:
        """What is printed of it."""
        if "Traceback" in self.expected:
            return text
        interrupted = "interrupt" in self.example.sections.get("outside", "")
        assert not text or (interrupted and "KeyboardInterrupt" in text), text
        return ""

    @property
    def expected(self) -> str:
        """All that it has to print."""
        sections = self.example.sections
        typed = "\n".join(each.printed for each in statements(sections.get("session", ""))
                          if each.printed)
        return "\n".join(filter(None, (typed, sections.get("prints", "").strip())))

    def _edges(self, pin: str, *between: str) -> None:
        times = [when for when, _ in self.session.machine.trace.edges(pin)]
        found = [later - before for before, later in pairwise(times)]
        wanted = [parse_time(each) for each in between]
        assert len(found) >= len(wanted)
        for real, said in zip(found, wanted, strict=False):
            assert abs(real - said) <= max(SLACK, said // SHARE), (found, wanted)

    def _act(self, verb: str, *args: str) -> None:
        session, machine = self.session, self.session.machine
        if verb == "i2c":
            machine.wiring.i2c(I2CMemory(int(args[0], 0)), args[1], args[2])
        elif verb == "accelerometer":
            machine.wiring.parts["accelerometer"].set(*map(int, args))
        elif verb == "device":
            name, kind, pad, *numbers = args
            device = getattr(devices, kind)(*map(ast.literal_eval, numbers))
            self.devices[name] = machine.wiring.wire(device, pin=pad)
        elif verb == "volts":
            machine.wiring.apply(args[0], float(args[1]))
        elif verb == "drive":
            machine.pin(args[0]).force(int(args[1]))
        elif verb == "press":
            machine.press(args[0])
        elif verb == "release":
            machine.release(args[0])
        elif verb == "interrupt":
            session.stock.type(b"\x03")
            session.advance(parse_time("2s"))
        elif verb == "advance":
            session.advance(parse_time(args[0]))
        else:
            raise ValueError(f"{self.example.name}: no such action: {verb}")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n")
