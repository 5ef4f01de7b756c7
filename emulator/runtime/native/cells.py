"""Cells of closures while machine code reads and writes them: in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mpy_cross.emulator.runtime.native.region import BASE
from mpy_cross.emulator.runtime.types import Cell

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.heap import Block
    from mpy_cross.emulator.runtime.native.bridge import Bridge

_SLOT: Final[Any] = Cell.__dict__["value"]
"""Where a cell has its value, and one in memory its place."""


class MemoryCell(Cell):
    """A cell whose value is a word in memory.  Cells become such, and cease to be."""

    __slots__ = ()

    @property
    def value(self) -> Any:
        bridge, block = _SLOT.__get__(self)
        word = bridge.region.words[(block.address - BASE >> 2) + 1]
        if not word:
            raise AttributeError("value", name="value", obj=self)
        return bridge.handles.value(word)

    @value.setter
    def value(self, value: Any) -> None:
        bridge, block = _SLOT.__get__(self)
        bridge.region.words[(block.address - BASE >> 2) + 1] = bridge.handles.word(value)

    @value.deleter
    def value(self) -> None:
        bridge, block = _SLOT.__get__(self)
        bridge.region.words[(block.address - BASE >> 2) + 1] = 0


def cell_word(bridge: Bridge, cell: Cell) -> int:
    """The address of a cell, which is put into memory if it is not there."""
    if type(cell) is MemoryCell:
        address: int = _SLOT.__get__(cell)[1].address
        return address
    try:
        content = cell.value
    except AttributeError:
        word = 0
    else:
        word = bridge.handles.word(content)
    block: Block = bridge.region.put_words([0, word])
    cell.__class__ = MemoryCell
    _SLOT.__set__(cell, (bridge, block))
    bridge.cells[block.address] = cell
    bridge.untidy = True
    return block.address


def take_out(cell: Cell) -> None:
    """Let a cell have its value on the host again."""
    try:
        content = cell.value
    except AttributeError:
        _SLOT.__delete__(cell)
        cell.__class__ = Cell
    else:
        _SLOT.__set__(cell, content)
        cell.__class__ = Cell
