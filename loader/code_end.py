"""Bytecode that stands somewhere in memory: where it ends is not stored with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mpy_cross.loader import opcodes as bc
from mpy_cross.loader.decode import ENDS, Instruction, instructions
from mpy_cross.loader.mpyfile import MpyFile

_JUMPS: Final = frozenset(
    number for number, operand in enumerate(bc.OPERANDS) if operand >= bc.Operand.JUMP)


def function_steps(mpy: MpyFile, data: bytes, start: int) -> list[Instruction]:
    """The instructions of the function whose first one is at `start`; `data` may go on after it.

    It ends behind the last place that can be reached.  What the compiler left behind that, though
    nothing leads there, is not part of it.  Raises MpyError for bytes that are no instructions.
    """
    last = start
    while True:
        steps = instructions(mpy, data, start, last)
        reach = _reach(steps)
        if reach <= steps[-1][0]:
            return steps
        last = reach


def _reach(steps: Sequence[Instruction]) -> int:
    """The furthest offset to which something leads that can be reached itself."""
    at = {step[0]: index for index, step in enumerate(steps)}
    seen = bytearray(len(steps))
    todo = [0]
    reach = 0
    while todo:
        index = todo.pop()
        while index < len(steps) and not seen[index]:
            seen[index] = 1
            _, opcode, target, _ = steps[index]
            if opcode in _JUMPS:
                reach = max(reach, target)
                if target in at:
                    todo.append(at[target])
            if opcode in ENDS:
                break
            index += 1
    return reach
