"""Operand values to try for a row: every operand over its samples, the others drawn at random."""

from __future__ import annotations

import random
from collections.abc import Iterator

from mpy_cross.assembler.isa import Row


def spread(values: list[int], count: int) -> list[int]:
    """At most `count` of the values: the first, the last and some between."""
    if len(values) <= count:
        return values
    if count == 1:
        return values[:1]
    step = (len(values) - 1) / (count - 1)
    return [values[round(number * step)] for number in range(count)]


def operand_tuples(item: Row, per_operand: int, seed: int = 1) -> Iterator[tuple[int, ...]]:
    """Different valid operand tuples; each operand takes up to `per_operand` of its samples."""
    chance = random.Random(f"{item.name} {seed}")
    samples = [operand.kind.samples() for operand in item.operands]
    seen = set()
    if not samples:
        yield ()
    for number, own in enumerate(samples):
        for value in spread(own, per_operand):
            for _ in range(20):  # until the others obey the row's condition
                values = tuple(value if at == number else chance.choice(choices)
                               for at, choices in enumerate(samples))
                if item.holds(*values):
                    if values not in seen:
                        seen.add(values)
                        yield values
                    break
