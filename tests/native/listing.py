"""What a machine generates, as text: its verbs run through the three passes, then disassembled."""

from __future__ import annotations

from collections.abc import Callable

from mpy_cross.assembler.table import Table
from mpy_cross.emitters.native.machine import Machine

Verb = Callable[[], object]


def generate(machine: Machine, body: Verb, n_labels: int = 0) -> bytes:
    """The code that `body` gives in the emitting pass, after two computing passes."""
    machine.start_function(n_labels)
    for emitting in (False, False, True):
        machine.start_pass(emitting)
        body()
        machine.end_pass()
    return bytes(machine.code)


def in_turn(verbs: tuple[Verb, ...]) -> Verb:
    """A body for `generate` that does all of them."""

    def body() -> None:
        for verb in verbs:
            verb()

    return body


def listing(code: bytes, table: Table, features: frozenset[str], start: int = 0) -> list[str]:
    """The instructions from `start` on; labels as offsets in `code`."""
    lines = []
    at = start
    while at < len(code):
        decoded = table.decode(code, at, at, features)
        assert decoded is not None, f"no instruction at {at}: {code[at : at + 4].hex()}"
        lines.append(table.text(decoded))
        at += decoded.size
    return lines
