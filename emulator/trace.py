"""What happened and when: pin edges, bytes on serial lines, notes; written as VCD or JSON lines.

Recording of edges and bytes is off until `record` is set, as long runs make many.  Notes are
always kept.  All times are virtual, so two runs of one program write the same file, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, TextIO, final

from mpy_cross.emulator.clock import Clock

EDGE: Final = "pin"
BYTE: Final = "uart"
NOTE: Final = "note"


@final
class Event(NamedTuple):
    """time: ns; kind: "pin", "uart" or "note"; name: of the pin, the serial line or the topic.

    value: the level of a pin (0 or 1), a byte (0 to 255), for a note its text.  A serial line's
    name ends in ".tx" for what the board sends and in ".rx" for what it receives.
    """

    time: int
    kind: str
    name: str
    value: int | str

    def json(self) -> str:
        from json import dumps

        return dumps({"time": self.time, "kind": self.kind, "name": self.name,
                           "value": self.value})


@final
class Trace:
    """The events of one machine, in the order in which they happened."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.record = False
        self.events: list[Event] = []
        self.listeners: list[Callable[[Event], None]] = []

    def edge(self, pin: str, level: int) -> None:
        """A pin has a new level."""
        if self.record:
            self._add(Event(self.clock.now, EDGE, pin, level))

    def byte(self, line: str, value: int) -> None:
        """A byte has been sent or received in full."""
        if self.record:
            self._add(Event(self.clock.now, BYTE, line, value))

    def note(self, topic: str, text: str) -> None:
        """Something worth telling the user, kept whether or not edges and bytes are recorded."""
        self._add(Event(self.clock.now, NOTE, topic, text))

    def _add(self, event: Event) -> None:
        self.events.append(event)
        for listener in self.listeners:
            listener(event)

    def edges(self, pin: str) -> list[tuple[int, int]]:
        """(ns, level) of every recorded edge of one pin."""
        return [(event.time, int(event.value)) for event in self.events
                if event.kind == EDGE and event.name == pin]

    def notes(self, topic: str | None = None) -> list[str]:
        """Texts of the notes, of one topic or of all."""
        return [str(event.value) for event in self.events
                if event.kind == NOTE and topic in (None, event.name)]


def write_json(events: Iterable[Event], file: TextIO) -> None:
    """One JSON object per line: time in ns, kind, name, value."""
    for event in events:
        file.write(event.json() + "\n")


def identifier(number: int) -> str:
    """A VCD identifier: printable characters from ! to ~, shortest first."""
    text = chr(33 + number % 94)
    while number >= 94:
        number = number // 94 - 1
        text += chr(33 + number % 94)
    return text


def write_vcd(events: Iterable[Event], file: TextIO, scope: str = "board") -> None:
    """A value change dump (IEEE 1364-2005, 18.2) in ns.

    A pin is a wire, unknown until its first edge; a serial line is a vector of 8 bits that holds
    the byte just completed, next to an event that triggers on every byte; notes are comments.
    """
    events = list(events)
    names: dict[tuple[str, str], int] = {}
    for event in events:
        if event.kind != NOTE:
            names.setdefault((event.kind, event.name), 0)
    ids = {}
    file.write("$timescale 1 ns $end\n")
    file.write(f"$scope module {scope} $end\n")
    for number, (kind, name) in enumerate(sorted(names)):
        ids[kind, name] = (identifier(2 * number), identifier(2 * number + 1))
        data, trigger = ids[kind, name]
        if kind == EDGE:
            file.write(f"$var wire 1 {data} {name} $end\n")
        else:
            file.write(f"$var reg 8 {data} {name} $end\n")
            file.write(f"$var event 1 {trigger} {name}.byte $end\n")
    file.write("$upscope $end\n$enddefinitions $end\n")
    file.write("#0\n$dumpvars\n")
    for (kind, _), (data, _) in ids.items():
        file.write(f"x{data}\n" if kind == EDGE else f"bx {data}\n")
    file.write("$end\n")
    time = 0
    for event in events:
        if event.time != time:
            time = event.time
            file.write(f"#{time}\n")
        file.writelines(changes(event, ids))


def changes(event: Event, ids: dict[tuple[str, str], tuple[str, str]]) -> Iterator[str]:
    """The lines of one event."""
    if event.kind == NOTE:
        text = str(event.value).replace("$end", "$ end").replace("\n", " ")
        yield f"$comment {event.name}: {text} $end\n"
        return
    data, trigger = ids[event.kind, event.name]
    if event.kind == EDGE:
        yield f"{event.value}{data}\n"
    else:
        yield f"b{event.value:b} {data}\n"
        yield f"1{trigger}\n"
