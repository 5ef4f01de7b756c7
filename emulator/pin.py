"""Pads and the nets they are wired to: what level results from all that drives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.trace import Trace

KEEP: Final = 2  # a bus keeper: pulls to the level that is there


@final
class Net:
    """Pads that are wired together, and their common level."""

    __slots__ = ("conflict", "level", "pins")

    def __init__(self, pin: Pin) -> None:
        self.pins = [pin]
        self.level = 0
        self.conflict = False

    def resolve(self) -> int:
        """The level: strong drivers, then resistors outside, then pulls of the chip, then 0.

        Of strong drivers that fight, low wins, as on a bus of open drains.
        """
        low = high = False
        for pin in self.pins:
            for level in (pin.driven, *pin.forced.values()):
                low = low or level == 0
                high = high or level == 1
        if low and high and not self.conflict:
            names = ", ".join(pin.label for pin in self.pins)
            self.pins[0].trace.note("pin", f"{names}: driven high and low at once")
        self.conflict = low and high
        if low or high:
            return 0 if low else 1
        for pulls in ([pin.resistor for pin in self.pins], [pin.pulled for pin in self.pins]):
            levels = [pull for pull in pulls if pull is not None]
            if levels:
                return self.level if KEEP in levels else min(levels)
        return 0

    def update(self) -> None:
        pin = self.pins[0]
        # Most pads are alone and driven by nobody but the chip.
        if pin.driven is not None and len(self.pins) == 1 and not pin.forced:
            level = pin.driven
        else:
            level = self.resolve()
        if level != self.level:
            self.level = level
            for pin in list(self.pins):
                pin.changed(level)


@final
class Pin:
    """A pad of the chip.

    name: in the chip's terms, "PA13" or "GPIO25"; label: in the trace and messages, the board's
    name if it has one; number: of the pad within its port or bank; function: what it is used for,
    "input", "output", "analog", or the name of a signal such as "TIM2_CH1".
    driven: level that the chip drives (None: it does not); pulled: level of the chip's pull, or
    KEEP; forced: levels that sources outside drive; resistor: level of a resistor on the board.
    """

    __slots__ = ("driven", "forced", "function", "label", "name", "net", "number", "pulled",
                 "resistor", "trace", "watchers")

    def __init__(self, name: str, number: int, trace: Trace) -> None:
        self.name, self.number, self.trace = name, number, trace
        self.label = name
        self.function = "input"
        self.driven: int | None = None
        self.pulled: int | None = None
        self.resistor: int | None = None
        self.forced: dict[str, int] = {}
        self.watchers: list[Callable[[int], None]] = []
        self.net = Net(self)

    @property
    def level(self) -> int:
        """0 or 1: what a voltmeter would show and the chip's input would see."""
        return self.net.level

    def drive(self, level: int | None) -> None:
        """The chip drives 0 or 1, or lets go (None)."""
        if level != self.driven:
            self.driven = level
            self.net.update()

    def pull(self, level: int | None) -> None:
        """The chip's pull resistor: 1 up, 0 down, KEEP, or None."""
        if level != self.pulled:
            self.pulled = level
            self.net.update()

    def force(self, level: int | None, source: str = "outside") -> None:
        """Something outside drives 0 or 1, or lets go (None)."""
        if level is None:
            self.forced.pop(source, None)
        else:
            self.forced[source] = level
        self.net.update()

    def tie(self, level: int | None) -> None:
        """A resistor on the board, to supply (1) or ground (0)."""
        self.resistor = level
        self.net.update()

    def watch(self, watcher: Callable[[int], None]) -> None:
        """Calls `watcher(level)` on every edge."""
        self.watchers.append(watcher)

    def wire(self, other: Pin) -> None:
        """Joins the two with a wire."""
        if self.net is other.net:
            return
        net = self.net
        before = [(pin, pin.level) for pin in (*net.pins, *other.net.pins)]
        for pin in other.net.pins:
            pin.net = net
            net.pins.append(pin)
        net.level = net.resolve()
        for pin, level in before:
            if level != net.level:
                pin.changed(net.level)

    def changed(self, level: int) -> None:
        """For nets: the level is new."""
        self.trace.edge(self.label, level)
        for watcher in self.watchers:
            watcher(level)
