"""Operand values to try for each row of the x86 tables."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd

from mpy_cross.assembler.isa import EncodeError
from mpy_cross.assembler.x86 import NO_REGISTER, RIP, Memory, Row, Value
from mpy_cross.assembler.x86_isa import Form, Operand

MOST = 48
"""Samples per row."""

_MEMORY_32 = (
    Memory(0), Memory(4), Memory(5), Memory(3, 8), Memory(4, -8), Memory(5, 0x80), Memory(6, -128),
    Memory(1, -129), Memory(2, 0x12345678), Memory(0, 0, 1, 2), Memory(4, 4, 5, 8),
    Memory(5, 0, 0, 4), Memory(5, -0x1000, 7), Memory(NO_REGISTER, 0x12345678),
    Memory(NO_REGISTER, 0x10, 6, 4), Memory(NO_REGISTER, 0, 3, 8), Memory(3, 16, segment=4),
    Memory(7, 127, segment=5),
)  # fmt: skip
_MEMORY_64 = (
    *_MEMORY_32,
    Memory(8), Memory(12), Memory(13), Memory(12, 127), Memory(13, 128), Memory(15, -0x7FFFFFFF),
    Memory(12, 0, 12, 2), Memory(13, 0, 13, 4), Memory(0, 1, 15, 8), Memory(9, 0, 5, 2),
    Memory(NO_REGISTER, 0x10, 12, 8), Memory(RIP, 0), Memory(RIP, 0x12345678), Memory(RIP, -4),
    Memory(NO_REGISTER, 0x28, segment=4),
)  # fmt: skip


def operand_samples(operand: Operand, mode: int) -> list[Value]:
    """Values of one operand, valid by themselves."""
    memory: list[Value] = list(_MEMORY_64 if mode == 64 else _MEMORY_32)
    form = operand.form
    if form is Form.MEMORY:
        return memory
    if form is Form.SEGMENT:
        return [0, 2, 3, 4, 5]
    if form is Form.RELATIVE:
        limit = 1 << operand.stored - 1
        return [0, 1, -1, -16, limit - 1, -limit]
    if form is Form.ADDRESS:
        return [0x1234, (1 << operand.stored - 1) - 1, 0x89ABCDEF,
                Memory(NO_REGISTER, 0x28, segment=4)]
    if form in (Form.SIGNED, Form.UNSIGNED):
        top = 1 << operand.stored
        if form is Form.SIGNED and operand.bits > operand.stored:
            return [0, 1, 9, 10, -1, top // 2 - 1, -(top // 2), 0x5A]
        return [0, 1, 9, 10, top - 1, top // 2 - 1, top // 2, 0x5A]
    count = min(mode // 4, len(operand.names))
    numbers: list[Value] = list(range(int(operand.not_zero), count))
    if operand.byte:
        numbers = [*(numbers if mode == 64 else numbers[:4]), 16, 17, 18, 19]
    return memory + numbers if form is Form.RM else numbers


def samples(item: Row) -> Iterator[tuple[Value, ...]]:
    """Valid operand tuples, in the same order each time: every value of every operand occurs."""
    lists = [operand_samples(operand, item.mode) for operand in item.operands]
    sizes = [len(values) for values in lists]
    count = min(MOST, 4 * max(sizes)) if len(sizes) > 1 else max(sizes, default=1)
    # Steps that differ, so that the operands meet in many combinations, and reach every value.
    steps = [next(step for step in range(1 + 2 * at, 99) if gcd(step, size) == 1)
             for at, size in enumerate(sizes)]
    seen = set()
    for number in range(max(count, *sizes, 0) if sizes else 1):
        values = tuple(one[(number * steps[at] + number // len(one) * at) % len(one)]
                       for at, one in enumerate(lists))
        if values not in seen and _possible(item, values):
            seen.add(values)
            yield values


def _possible(item: Row, values: tuple[Value, ...]) -> bool:
    """ah to bh have no encoding beside a register that needs a REX prefix."""
    high = any(operand.byte and not isinstance(value, Memory) and value >= 16
               for operand, value in zip(item.operands, values, strict=True)
               if operand.form in (Form.REG, Form.RM, Form.OPCODE))
    if not high:
        return True
    try:
        item.encode(*values)
    except EncodeError as error:
        return "REX" not in error.allowed
    return True
