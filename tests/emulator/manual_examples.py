"""The examples of MicroPython's manual in `manual/*.test`, and how one is run on a board.

    [example E305 pyboard]
    spec: H19
    mended: what differs from the manual's text, and why
    until: 500ms          (it is paused then; `ends: reset` if the board is reset)
    [wired]
    accelerometer 7 0 20
    [assumes]
    ...what the manual's text takes for granted...
    [program]
    ...
    [outside]
    press SW
    advance 10ms
    [checks]
    ...statements that run after it...
    [edges]
    GP25 500ms 500ms      (the time between its edges: of these, the first)
    [shows]
    lights.pixels[0] == (1, 2, 3)     (of a device: `device lights NeoPixelStrip GP0 8`)
    [prints]
    ...

`[session]` in place of `[program]` is typed at the prompt: `>>>`, `...` and the printed lines.
`<...>` in what is printed stands for any text.  A program without `until` has to come to its end.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from mpy_cross.emulator import devices
from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.session import EXIT_RESET, Outcome, Session, parse_time
from mpy_cross.emulator.wiring import I2CMemory
from mpy_cross.loader.release import get

FOLDER: Final = Path(__file__).resolve().parent / "manual"
RELEASE: Final = "1.17"
ANY: Final = "<...>"
_NAME: Final = "<stdin>"
_SECTION: Final = re.compile(r"^\[(wired|assumes|program|session|outside|"
                              r"checks|edges|shows|prints)\]\n", re.M)
_EXAMPLE: Final = re.compile(r"^\[example (E\d+) (\w+)\]\n", re.M)
_SPAN: Final = re.compile(r"E(\d+)(?:-E(\d+))?")


@dataclass(frozen=True)
class Example:
    """One example; `sections` by their names."""

    name: str
    board: str
    facts: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)

    @property
    def requirements(self) -> list[str]:
        return [name.strip() for name in self.facts["spec"].split(",")]


@dataclass(frozen=True)
class Statement:
    """What was typed at the prompt, and what it printed."""

    source: str
    printed: str


def examples() -> list[Example]:
    found = []
    for path in sorted(FOLDER.glob("*.test")):
        _, *parts = _EXAMPLE.split(path.read_text("utf-8"))
        for name, board, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            head, *rest = _SECTION.split(body)
            pairs = [line.partition(": ") for line in head.splitlines()]
            facts = {key: value for key, _, value in pairs}
            sections = dict(zip(rest[::2], rest[1::2], strict=True))
            last = next(reversed(sections))
            sections[last] = sections[last].removesuffix("\n")  # between two examples
            found.append(Example(name, board, facts, sections))
    return found


def later() -> dict[str, str]:
    """For each example that is no case here, the reason."""
    found = {}
    for line in (FOLDER / "later.txt").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        reason, _, spans = line.partition(": ")
        for first, last in _SPAN.findall(spans):
            for number in range(int(first), int(last or first) + 1):
                found[f"E{number:03}"] = reason
    return found


def statements(text: str) -> list[Statement]:
    """What was typed in a session."""
    found = []
    for part in re.split(r"^>>> ?", text, flags=re.M)[1:]:
        first, *rest = part.splitlines()
        typed = [first]
        while rest and (rest[0] == "..." or rest[0].startswith("... ")):
            typed.append(rest.pop(0)[4:])
        found.append(Statement("\n".join(typed), "\n".join(rest)))
    return found


def echoed(source: str) -> str:
    """A statement as the prompt runs it: the value of an expression is printed."""
    try:
        ast.parse(source, mode="eval")
    except SyntaxError:
        return source
    # One line, so that lines of tracebacks are right.
    return f"(lambda value: value is None or print(repr(value)))({source.partition('#')[0]})"


def agrees(printed: str, expected: str) -> bool:
    """Is this what was expected? Blank space at the ends of lines does not count."""
    lines = [line.rstrip() for line in printed.strip().splitlines()]
    pattern = ".*".join(re.escape(part) for part in expected.strip().split(ANY))
    return re.fullmatch(pattern, "\n".join(lines), re.S) is not None


class Player:
    """One example on its board."""

    def __init__(self, example: Example) -> None:
        self.example = example
        release = get(RELEASE)
        self.session = Session(example.board, release, record="edges" in example.sections)
        self.devices: dict[str, Any] = {}
        self.session.runtime.compiler = compiler_for(release, self.session.board.arch)

    def run(self) -> str:
        """What the example prints.  Raises AssertionError where it ends in another way than said.

        An exception that nobody catches is an error unless its traceback is expected.
        """
        try:
            return self._run()
        finally:
            self.session.close()

    def _run(self) -> str:
        sections = self.example.sections
        self._hidden(sections.get("assumes", ""))
        for line in sections.get("wired", "").splitlines():
            self._act(*line.split())
        until = self.example.facts.get("until")
        if "session" in sections:
            outcome = self._typed(statements(sections["session"]), until)
        else:
            outcome = self._execute(sections["program"], until)
        for line in sections.get("outside", "").splitlines():
            self._act(*line.split())
        if self.session.outcome is not None:
            outcome = self.session.outcome
        if until is None:
            assert outcome is not None, "the program paused"
        if self.example.facts.get("ends") == "reset":
            assert outcome is not None and outcome.status == EXIT_RESET, outcome
        elif outcome is not None and outcome.text:
            assert "Traceback" in self.expected or self._interrupted(), outcome.text
        if "checks" in sections:
            self._shown(sections["checks"])
        for line in sections.get("edges", "").splitlines():
            self._edges(*line.split())
        for line in sections.get("shows", "").splitlines():
            assert eval(line, {}, self.devices), line
        return self.session.console

    @property
    def expected(self) -> str:
        """All that it has to print."""
        sections = self.example.sections
        typed = "\n".join(each.printed for each in statements(sections.get("session", ""))
                          if each.printed)
        return "\n".join(filter(None, (typed, sections.get("prints", "").strip())))

    @property
    def tells(self) -> bool:
        """Does the example say what it prints?"""
        return "prints" in self.example.sections or bool(self.expected)

    def _interrupted(self) -> bool:
        return "interrupt" in self.example.sections.get("outside", "")

    def _execute(self, source: str, until: str | None) -> Outcome | None:
        session = self.session
        session.start(lambda: session.runtime.run(session.compile(source, _NAME),
                                                  session.main_module()))
        return session.go(None if until is None else session.now + parse_time(until))

    def _typed(self, typed: list[Statement], until: str | None) -> Outcome | None:
        outcome: Outcome | None = None
        for each in typed:
            outcome = self._execute(echoed(each.source), until if each is typed[-1] else None)
            if outcome is not None and outcome.text:
                break
        return outcome

    def _hidden(self, source: str) -> None:
        """Run statements that must not fail or print."""
        before = self.session.console
        outcome = self._execute(source, None)
        assert outcome is not None and not outcome.text, outcome
        assert self.session.console == before

    def _shown(self, source: str) -> None:
        outcome = self._execute(source, None)
        assert outcome is not None and not outcome.text, outcome

    def _edges(self, pin: str, *between: str) -> None:
        """The times between the first edges of a pin, to the ns."""
        times = [when for when, _ in self.session.machine.trace.edges(pin)]
        found = [later - before for before, later in pairwise(times)]
        assert found[: len(between)] == [parse_time(each) for each in between]

    def _act(self, verb: str, *args: str) -> None:
        """Do what a line of `[wired]` or `[outside]` says."""
        session, machine = self.session, self.session.machine
        if verb == "i2c":
            machine.wiring.i2c(I2CMemory(int(args[0], 0)), args[1], args[2])
        elif verb == "accelerometer":
            x, y, z = map(int, args)
            machine.wiring.parts["accelerometer"].set(x, y, z)
        elif verb == "device":
            name, kind, pad, *numbers = args
            device = getattr(devices, kind)(*map(ast.literal_eval, numbers))
            self.devices[name] = machine.wiring.wire(device, pin=pad)
        elif verb == "volts":
            machine.wiring.apply(args[0], float(args[1]))
        elif verb == "wifi":
            machine.wiring.parts.setdefault("wifi", {})[args[0]] = args[1]
        elif verb == "drive":
            machine.pin(args[0]).force(int(args[1]))
        elif verb == "press":
            machine.press(args[0])
        elif verb == "release":
            machine.release(args[0])
        elif verb == "interrupt":
            session.interrupt()
            session.advance(parse_time("2s"))
        elif verb == "advance":
            session.advance(parse_time(args[0]))
        else:
            raise ValueError(f"{self.example.name}: no such action: {verb}")
