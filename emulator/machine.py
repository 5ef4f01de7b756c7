"""A machine: one board with its chip, clock and trace, and the core that runs on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, final

from mpy_cross.emulator.block import Context
from mpy_cross.emulator.board import Board
from mpy_cross.emulator.boards import board as find_board
from mpy_cross.emulator.boards import boards
from mpy_cross.emulator.clock import Clock
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.serial import SerialPort
from mpy_cross.emulator.trace import Trace
from mpy_cross.emulator.wiring import Wiring

__all__ = ["Core", "Machine", "UnknownNameError", "boards", "machine"]


class UnknownNameError(KeyError):
    """The board has no pin, LED, switch or UART of that name."""

    def __str__(self) -> str:
        return str(self.args[0])


class Core(Protocol):
    """What a machine asks of the core that is attached to it."""

    def reset(self) -> None:
        """Starts again from the vector table, when it runs next."""


@final
class Machine:
    """One board, switched on.

    core: what runs on it, None until `attach`.  reset_cause: "power", "pin", "software" or
    "watchdog"; reset_watchers: called with it after every reset.
    wiring: what is connected to the board from outside.
    """

    def __init__(self, board: Board, *, strict: bool = False, record: bool = False) -> None:
        self.board = board
        self.clock = Clock()
        self.trace = Trace(self.clock)
        self.trace.record = record
        self.context = Context(self.clock, self.trace, strict)
        self.chip = board.build(self.context, board.crystal)
        self.bus = self.chip.bus
        self.core: Core | None = None
        self.reset_cause = "power"
        self.reset_watchers: list[Callable[[str], None]] = []
        self.chip.reset_requested = self.reset
        self.wiring = self.chip.wiring = Wiring(self.pin, self.clock)
        labelled: set[str] = set()
        for name, pad in board.pins.items():
            if pad not in labelled:
                labelled.add(pad)
                self.chip.pins[pad].label = name
        board.wire(self.chip)
        self.chip.reset("power")

    def attach(self, core: Core) -> None:
        """Gives the machine its core."""
        self.core = core

    def start(self) -> None:
        """Does what the start-up code of stock firmware does, for a run without firmware."""
        self.chip.start()
        self.board.setup(self.chip)

    def reset(self, cause: str = "pin") -> None:
        """A reset: "power" (memory is lost), "pin", "software" or "watchdog". Time goes on."""
        self.reset_cause = cause
        if cause == "power":
            for memory in self.bus.memories:
                if "w" in memory.perms and not memory.alias:
                    memory.buffer[:] = bytes(memory.size)
        self.chip.reset(cause)
        if self.core is not None:
            self.core.reset()
        for watcher in self.reset_watchers:
            watcher(cause)

    # Time.

    @property
    def frequency(self) -> int:
        """Hz of the cores."""
        return self.chip.rate.hz

    def cycles(self, ns: int) -> int:
        """Whole core cycles in `ns` nanoseconds."""
        return self.chip.rate.cycles(ns)

    def ns(self, cycles: int) -> int:
        """Nanoseconds until `cycles` core cycles have passed."""
        return self.chip.rate.ns(cycles)

    # What a board has.

    def pin(self, name: str | int) -> Pin:
        """A pad by the board's name ("X1", "LED"), the chip's ("PA0", "A0", "GPIO25") or a number.

        UnknownNameError if there is none.
        """
        pins = self.chip.pins
        key = str(name)
        pad = self.board.pins.get(key)
        for candidate in (pad, key, f"P{key}", f"GPIO{key}"):
            if candidate is not None and candidate in pins:
                return pins[candidate]
        raise UnknownNameError(
            f"{self.board.name} has no pin {key!r}; there are {', '.join(self.board.pins)}")

    def led(self, number: int) -> bool:
        """Is LED `number`, counted from 1, lit?"""
        if not 1 <= number <= len(self.board.leds):
            raise UnknownNameError(f"{self.board.name} has LEDs 1 to {len(self.board.leds)}, "
                                   f"not {number}")
        return self.pin(self.board.leds[number - 1]).level == self.board.led_on

    def press(self, switch: str) -> None:
        """Presses a switch of the board, until `release`."""
        if switch not in self.board.switches:
            names = ", ".join(self.board.switches) or "none"
            raise UnknownNameError(f"{self.board.name} has no switch {switch!r}; there are {names}")
        self.pin(switch).force(self.board.switches[switch], source="switch")

    def release(self, switch: str) -> None:
        self.pin(switch).force(None, source="switch")

    def uart(self, name: int | str) -> SerialPort:
        """The host's end of a UART, by MicroPython's number or name, or by its block."""
        found = self.board.uarts.get(name)
        key = found.block if found is not None else str(name)
        if key not in self.chip.ports:
            names = ", ".join(str(each) for each in self.board.uarts)
            raise UnknownNameError(f"{self.board.name} has no UART {name!r}; there are {names}")
        return self.chip.ports[key]

    @property
    def unique_id(self) -> bytes:
        return self.chip.unique


def machine(name: str, *, strict: bool = False, record: bool = False) -> Machine:
    """A machine of the board of that name. UnknownBoardError if there is none."""
    return Machine(find_board(name), strict=strict, record=record)
