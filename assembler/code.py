"""A code buffer: instructions, labels, data, alignment, literal pools.

    code = Code()
    loop = code.label("loop")
    code.bind(loop)
    code.emit(table["subs_imm8"], 0, 1)
    code.branch((table["b_cond"], table["b.w_cond"]), loop, 1)   # bne loop, narrow if it reaches
    data = code.finish()

An instruction with a label is written when all labels are known.  Where several rows are given,
each site starts with the first and goes on to the next as long as its label is out of reach;
a site never shrinks, so this ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from mpy_cross.assembler.isa import EncodeError, Row
from mpy_cross.assembler.kinds import Label
from mpy_cross.assembler.table import call


class CodeError(ValueError):
    """A label that is not bound, or bound twice."""


@final
class _Site:
    """A place in the code whose bytes depend on the layout: an instruction with a label, or an
    alignment (rows empty, label = the alignment, values = the fill byte)."""

    __slots__ = ("at", "choice", "label", "rows", "size", "values")

    def __init__(self, at: int, rows: tuple[Row, ...], label: int, values: tuple[int, ...]) -> None:
        self.at, self.rows, self.label, self.values = at, rows, label, values
        self.choice = 0
        self.size = rows[0].size if rows else 0


@final
class Code:
    """Machine code under construction; addresses count from `origin`."""

    __slots__ = ("_bound", "_literals", "_names", "_raw", "_sites", "origin")

    def __init__(self, origin: int = 0) -> None:
        self.origin = origin
        self._raw = bytearray()  # all bytes but those of the sites
        self._sites: list[_Site] = []
        self._names: list[str] = []
        # Per label: offset in the raw bytes and number of sites before it.
        self._bound: list[tuple[int, int] | None] = []
        self._literals: dict[tuple[int, int], int] = {}

    def label(self, name: str = "") -> int:
        """A new label; name: for error messages."""
        self._names.append(name or f"label {len(self._names)}")
        self._bound.append(None)
        return len(self._bound) - 1

    def bind(self, label: int) -> None:
        """The label stands here.  Raises CodeError when it already stands somewhere."""
        if self._bound[label] is not None:
            raise CodeError(f"{self._names[label]} is bound twice")
        self._bound[label] = (len(self._raw), len(self._sites))

    def emit(self, item: Row, *values: int) -> None:
        """An instruction without a label; raises EncodeError."""
        self._raw += item.encode(*values)

    def branch(self, rows: Sequence[Row], label: int, *values: int) -> None:
        """An instruction with a label: the first of the rows that reaches it.

        values: the other operands in the rows' order, without those that have a default.
        """
        self._sites.append(_Site(len(self._raw), tuple(rows), label, values))

    def data(self, value: int, size: int) -> None:
        """A little-endian number of `size` bytes; raises EncodeError when it does not fit."""
        if not -(1 << (size * 8 - 1)) <= value < 1 << (size * 8):
            raise EncodeError("data", "value", value, f"{size} bytes")
        self._raw += (value & ((1 << size * 8) - 1)).to_bytes(size, "little")

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self._raw += data

    def align(self, size: int, fill: int = 0) -> None:
        """Fill up with bytes `fill` to an address that is a multiple of `size`."""
        self._sites.append(_Site(len(self._raw), (), size, (fill,)))

    def literal(self, value: int, size: int = 4) -> int:
        """The label of a constant in the next pool; equal constants share one."""
        key = (value & ((1 << size * 8) - 1), size)
        if key not in self._literals:
            self._literals[key] = self.label(f"literal {value:#x}")
        return self._literals[key]

    def pool(self) -> None:
        """Put the pending literals here; the caller sees to it that no code runs into them."""
        for (value, size), label in self._literals.items():
            self.align(size)
            self.bind(label)
            self.data(value, size)
        self._literals.clear()

    def finish(self) -> bytes:
        """All bytes.  Raises CodeError for an unbound label, EncodeError for one out of reach."""
        if self._literals:
            self.pool()
        for site in self._sites:
            if site.rows and self._bound[site.label] is None:
                raise CodeError(f"{self._names[site.label]} is not bound")
        starts = self._layout()
        while self._grow(starts):
            starts = self._layout()
        out = bytearray()
        done = 0
        for number, site in enumerate(self._sites):
            out += self._raw[done:site.at]
            done = site.at
            if site.rows:
                row = site.rows[site.choice]
                out += row.to_bytes(self._word(site, row, starts, number))
            else:
                out += bytes(site.values) * site.size
        return bytes(out + self._raw[done:])

    def address(self, label: int) -> int:
        """Where a label stands in the finished code.  Raises CodeError when it is not bound."""
        return self._address(label, self._layout())

    def _layout(self) -> list[int]:
        """Bytes of all sites before each one, and before the end; sizes of alignments set."""
        starts = []
        total = 0
        for site in self._sites:
            starts.append(total)
            if not site.rows:
                site.size = -(self.origin + site.at + total) % site.label
            total += site.size
        starts.append(total)
        return starts

    def _address(self, label: int, starts: list[int]) -> int:
        bound = self._bound[label]
        if bound is None:
            raise CodeError(f"{self._names[label]} is not bound")
        return self.origin + bound[0] + starts[bound[1]]

    def _word(self, site: _Site, row: Row, starts: list[int], number: int) -> int:
        """The instruction at a site; raises EncodeError when its label is out of reach."""
        address = self.origin + site.at + starts[number]
        values: list[int] = []
        given = iter(site.values)
        for operand in row.operands:
            if isinstance(operand.kind, Label):
                values.append(self._address(site.label, starts) - operand.kind.base(address))
            elif operand.kind.default is not None:
                values.append(operand.kind.default)
            else:
                values.append(next(given))
        return call(row, values)

    def _grow(self, starts: list[int]) -> bool:
        """Take the next row at each site that is out of reach; False when there is none."""
        grown = False
        for number, site in enumerate(self._sites):
            while site.choice + 1 < len(site.rows):
                try:
                    self._word(site, site.rows[site.choice], starts, number)
                    break
                except EncodeError:
                    site.choice += 1
                    site.size = site.rows[site.choice].size
                    grown = True
        return grown
