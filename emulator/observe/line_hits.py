"""From executed instructions to lines: which instructions mean that a line is run once more.

The line table (py/bc.h) tells where the code of a line begins; lines never go down in it.  The
condition of a loop stands behind its body and so under the body's last line there.  Here it counts
for the line of the loop, whose jump over the body leads to it.

A line is run as often as its first instruction; a line with the head of a loop once more for each
round.  Code that ends a handler or jumps over another branch thus counts for no line.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final, NamedTuple, final

from mpy_cross.loader import opcodes as bc
from mpy_cross.loader.decode import Instruction

_BACK: Final = (bc.POP_JUMP_IF_TRUE, bc.POP_JUMP_IF_FALSE)
_BINARY: Final = range(bc.BINARY_OP_MULTI, bc.BINARY_OP_MULTI + bc.BINARY_OP_COUNT)


class Part(NamedTuple):
    """One summand of a line's runs: how often the instruction at `offset` ran, but for as often as
    that at `without` ran, if it is not -1."""

    line: int
    offset: int
    without: int


@final
class LineHits:
    """Lines of one function.

    lines: all that have code; parts: see `Part`; line_at: the line of an instruction.
    """

    __slots__ = ("_lines", "_offsets", "lines", "parts")

    def __init__(self, steps: Sequence[Instruction], table: Sequence[tuple[int, int]],
                 defined: int, *, module: bool) -> None:
        """table: (offset, line that begins there); defined: line of the definition, 1 for a
        module's code."""
        self.parts: list[Part] = []
        starts = {step[0] for step in steps}
        begin = steps[0][0] if steps else 0
        entries = [(offset, line) for offset, line in table if offset in starts]
        first = entries[0][0] if entries else begin + 1
        if first > begin:
            # Code before the first entry has the line of the definition, or is line 1 of a module.
            names_class = any(step[1] == bc.STORE_NAME for step in steps if step[0] < first)
            entries.insert(0, (begin, defined))
            begun = entries
            if not (module or names_class or len(entries) == 1):
                begun = entries[1:]
            elif len(entries) > 1 and entries[1][1] == defined:
                begun = [entries[0], *entries[2:]]  # the line goes on
        else:
            begun = entries
        self.parts += [Part(line, offset, -1) for offset, line in begun]
        self._offsets = [offset for offset, _ in entries]
        self._lines = [line for _, line in entries]
        self._loops(steps)
        self.lines = {part.line for part in self.parts}

    def line_at(self, offset: int) -> int:
        at = bisect_right(self._offsets, offset) - 1
        return self._lines[max(at, 0)] if self._lines else 0

    def _loops(self, steps: Sequence[Instruction]) -> None:
        at = {step[0]: index for index, step in enumerate(steps)}
        regions: list[tuple[int, int, int]] = []  # begin, end, line
        for index, (offset, opcode, target, _) in enumerate(steps):
            if opcode == bc.FOR_ITER and index:
                # It comes after what makes the iterator, and again after each round.
                self.parts.append(Part(self.line_at(offset), offset, steps[index - 1][0]))
            elif opcode == bc.JUMP and target in at and target > offset:
                top = steps[index + 1][0]
                back = [step[0] for step in steps[at[target] :]
                        if step[1] in _BACK and step[2] == top]
                if back:
                    line = self.line_at(offset)
                    self.parts.append(Part(line, target, offset))
                    begin = at[target]
                    if steps[begin - 1][1] in _BINARY:
                        begin -= 2  # a counter goes up: that belongs to the loop as well
                    regions.append((steps[begin][0], _after(steps, at[back[-1]]), line))
        for begin_at, end, line in regions:
            self._insert(begin_at, end, line)

    def _insert(self, begin: int, end: int, line: int) -> None:
        """From `begin` to `end` it is this line."""
        rest = self.line_at(end)
        rows = [row for row in zip(self._offsets, self._lines, strict=True)
                if not begin <= row[0] < end]
        rows.append((begin, line))
        if all(offset != end for offset, _ in rows):
            rows.append((end, rest))
        rows.sort(key=itemgetter(0))
        self._offsets, self._lines = [row[0] for row in rows], [row[1] for row in rows]

    def count(self, runs: Callable[[int], int]) -> dict[int, int]:
        """Runs of each line, by the number of runs of the instruction at an offset."""
        hits = dict.fromkeys(self.lines, 0)
        for line, offset, without in self.parts:
            more = runs(offset) if without < 0 else runs(offset) - runs(without)
            if more > 0:  # less if an error came between the two
                hits[line] += more
        return hits


def _after(steps: Sequence[Instruction], index: int) -> int:
    """Offset of the instruction after that one; beyond the last one where there is none."""
    return steps[index + 1][0] if index + 1 < len(steps) else steps[index][0] + 1
