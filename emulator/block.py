"""A device block: the registers of one peripheral, behind a window of the bus.

A block knows its own registers, the clock, its lines, and where to report; never the whole chip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Final, final

from mpy_cross.emulator.bus import Bus, Window
from mpy_cross.emulator.clock import Clock
from mpy_cross.emulator.register import ALL, Bank, Register, RegisterError, Todo
from mpy_cross.emulator.trace import Trace

# Mask of the bytes that an access of some size touches, at byte 0 of a word.
LANES: Final = {1: 0xFF, 2: 0xFFFF, 4: ALL}


class UnmodelledError(Exception):
    """In strict mode: the program touched something that is not modelled."""


@final
class Context:
    """What a block may use of the machine around it.

    strict: a touch of something unmodelled is an error.  touched: what was touched, by name, with
    the number of accesses.
    """

    __slots__ = ("clock", "strict", "touched", "trace")

    def __init__(self, clock: Clock, trace: Trace, strict: bool = False) -> None:
        self.clock = clock
        self.trace = trace
        self.strict = strict
        self.touched: dict[str, int] = {}

    def unmodelled(self, what: str, kind: str) -> None:
        """Counts a touch and reports the first one. UnmodelledError in strict mode."""
        if what not in self.touched:
            self.touched[what] = 0
            self.trace.note("unmodelled", f"{kind} of {what}, which is not modelled")
        self.touched[what] += 1
        if self.strict:
            raise UnmodelledError(f"{kind} of {what}, which is not modelled")


@final
class Cell:
    """One register of one block, with its hooks."""

    __slots__ = ("read", "row", "write")

    def __init__(self, row: Register, read: Callable[[], int] | None,
                 write: Callable[[int, int], None] | None) -> None:
        self.row, self.read, self.write = row, read, write


def bind_read(hook: Callable[[int], int], n: int) -> Callable[[], int]:
    return lambda: hook(n)


def bind_write(hook: Callable[[int, int, int], None], n: int) -> Callable[[int, int], None]:
    return lambda written, before: hook(n, written, before)


_HOOKS: dict[type[Block], frozenset[str]] = {}
_ROWS: dict[type[Block], tuple[Register | Bank, ...]] = {}


def _hooks(cls: type[Block]) -> frozenset[str]:
    """The names of all hooks of a class of blocks."""
    known = _HOOKS.get(cls)
    if known is None:
        names = (each for each in dir(cls) if each.startswith(("read_", "write_")))
        known = _HOOKS[cls] = frozenset(names)
    return known


def _rows(cls: type[Block]) -> tuple[Register | Bank, ...]:
    """The rows of a class of blocks and its bases."""
    known = _ROWS.get(cls)
    if known is not None:
        return known
    found: dict[str, Register | Bank] = {}
    for owner in cls.__mro__:
        for name, row in vars(owner).items():
            if isinstance(row, (Register, Bank)):
                found.setdefault(name, row)
    made = _ROWS[cls] = tuple(found.values())
    return made


class Block:
    """Base of all blocks.

    Hooks are methods found by the attribute of the register or bank; one that belongs to none is
    refused.  `read_X()` gives the value to read instead of the stored one.  `write_X(written,
    before)` is called after the access rules: `written` is the word on the bus (for a narrow
    write, completed with the stored bytes), `before` the old value, and the stored value is new.
    The hooks of a bank get the number of the register first.

    replicate: narrow writes fill the whole word with copies, as RP2040's bus does; otherwise they
    change only their bytes.  enabled: clocked and out of reset; else reads give 0, writes nothing.
    """

    size = 0x400
    replicate = False
    registers: tuple[Register | Bank, ...] = ()  # further rows, without an attribute of their own
    steady: tuple[Register, ...] = ()  # see `Window`
    timeless = False  # see `Window`

    def __init__(self, name: str, context: Context) -> None:
        self.name, self.context = name, context
        self.clock, self.trace = context.clock, context.trace
        self.enabled = True
        self.values: dict[int, int] = {}
        self.cells: dict[int, Cell] = {}
        self.presets: dict[int, int] = {}
        hooks = set(_hooks(type(self)))
        for declared in self.declared():
            read = getattr(self, f"read_{declared.attribute}", None)
            write = getattr(self, f"write_{declared.attribute}", None)
            hooks -= {f"read_{declared.attribute}", f"write_{declared.attribute}"}
            if isinstance(declared, Bank):
                for n, row in enumerate(declared.rows):
                    self._add(row, read and bind_read(read, n), write and bind_write(write, n))
            else:
                self._add(declared, read, write)
        if hooks:
            raise RegisterError(f"{name}: no register for {', '.join(sorted(hooks))}")
        self.values.update((offset, cell.row.reset) for offset, cell in self.cells.items())

    def declared(self) -> Iterator[Register | Bank]:
        """All rows: those of the class and its bases, and `registers`."""
        yield from _rows(type(self))
        yield from self.registers

    def _add(self, row: Register, read: Callable[[], int] | None,
             write: Callable[[int, int], None] | None) -> None:
        if row.offset in self.cells:
            other = self.cells[row.offset].row.name
            raise RegisterError(f"{self.name}: {row.name} and {other} are both at 0x{row.offset:x}")
        if row.offset >= self.size:
            raise RegisterError(f"{self.name}: {row.name} at 0x{row.offset:x} is outside the block")
        self.cells[row.offset] = Cell(row, read, write)

    def reset(self) -> None:
        """All registers get their reset values, then `on_reset` does the rest."""
        for offset, cell in self.cells.items():
            self.values[offset] = cell.row.reset
        self.values.update(self.presets)
        self.on_reset()

    def preset(self, register: Register, value: int) -> None:
        """Gives a register of this instance another reset value than its row has."""
        self.presets[register.offset] = self.values[register.offset] = value

    def on_reset(self) -> None:
        """For the blocks: puts everything that hangs on the registers back, too."""

    def on_enable(self) -> None:
        """For the blocks: `enabled` has changed."""

    def enable(self, enabled: bool) -> None:
        """Switches the clock of this block on or off."""
        if enabled != self.enabled:
            self.enabled = enabled
            self.on_enable()

    def read(self, offset: int, size: int = 4) -> int:
        """What a program reads at `offset`."""
        if not self.enabled:
            return 0
        base = offset & ~3
        cell = self.cells.get(base)
        if cell is None:
            self.context.unmodelled(f"{self.name}+0x{base:02X}", "read")
            return 0
        row = cell.row
        if not row.modelled:
            self.context.unmodelled(f"{self.name}.{row.name}", "read")
        value = self.values[base] & ~row.wo if cell.read is None else cell.read()
        shift = (offset & 3) * 8
        lanes = LANES[size] << shift
        if row.rc:
            self.values[base] &= ~(row.rc & lanes)
        return (value & lanes) >> shift

    def write(self, offset: int, size: int, value: int) -> None:
        """What a program does by writing at `offset`."""
        if not self.enabled:
            return
        base = offset & ~3
        cell = self.cells.get(base)
        if cell is None:
            self.context.unmodelled(f"{self.name}+0x{base:02X}", "write")
            return
        row = cell.row
        if not row.modelled:
            self.context.unmodelled(f"{self.name}.{row.name}", "write")
        lanes = ALL
        if size != 4:
            if self.replicate:
                value = value * (0x01010101 if size == 1 else 0x00010001)
            else:
                shift = (offset & 3) * 8
                lanes = LANES[size] << shift
                value = value << shift & lanes | self.values[base] & row.kept & ~lanes
        before = self.values[base]
        self.values[base] = value if row.plain else row.written(before, value, lanes)
        if cell.write is not None:
            cell.write(value, before)

    def atomic_base(self, offset: int) -> int:
        """What an atomic write changes: the stored bits, without those where writing has an effect.
        """
        cell = self.cells.get(offset)
        if cell is None:
            return 0
        row = cell.row
        return self.values[offset] & ~(row.w1c | row.w1s | row.sc | row.wo)

    def cleared_by_ones(self, offset: int) -> int:
        """The bits of a register that writing 1 clears."""
        cell = self.cells.get(offset)
        return 0 if cell is None else cell.row.w1c

    def names(self) -> dict[str, int]:
        """Offsets of all registers by name."""
        return {cell.row.name: offset for offset, cell in self.cells.items()}


class Unmodelled(Block):
    """A block of which only the names of the registers are known.

    rows: NAME:offset or NAME:offset=reset, in hexadecimal.
    """

    def __init__(self, name: str, context: Context, size: int, rows: str = "") -> None:
        self.size = size
        self.registers = todos(rows)
        super().__init__(name, context)


def todo(text: str) -> Todo:
    """NAME:offset or NAME:offset=reset, in hexadecimal, as a row."""
    name, _, place = text.partition(":")
    offset, _, reset = place.partition("=")
    return Todo(int(offset, 16), reset=int(reset or "0", 16), name=name)


@cache
def todos(rows: str) -> tuple[Register | Bank, ...]:
    """The rows of a text; machines share them."""
    return tuple(todo(row) for row in rows.split())


def place(bus: Bus, base: int, block: Block) -> None:
    """Puts a block on the bus."""
    steady = frozenset(row.offset for row in block.steady)
    bus.window(Window(block.name, base, block.size, block.read, block.write, steady=steady,
                      timeless=block.timeless))


def place_atomic(bus: Bus, base: int, block: Block) -> None:
    """Puts a block of RP2040 on the bus, with its atomic views (datasheet, 2.1.2).

    At +0x1000 a write inverts the bits that are 1, at +0x2000 it sets them, at +0x3000 it clears
    them, those included that writing 1 clears; the other bits are written as they are stored,
    except where writing 1 has an effect.
    """
    place(bus, base, block)
    for at, name in enumerate(("xor", "set", "clr"), start=1):
        bus.window(Window(f"{block.name}.{name}", base + at * 0x1000, block.size, block.read,
                          Atomic(block, name).write, alias=True))


@final
class Atomic:
    """The writing side of an atomic view of a block: "xor", "set" or "clr"."""

    __slots__ = ("block", "kind")

    def __init__(self, block: Block, kind: str) -> None:
        self.block, self.kind = block, kind

    def write(self, offset: int, size: int, value: int) -> None:
        if size != 4:
            value *= 0x01010101 if size == 1 else 0x00010001
        block, base = self.block, offset & ~3
        stored = block.atomic_base(base)
        if self.kind == "set":
            value = stored | value
        elif self.kind == "clr":
            value = stored & ~value | value & block.cleared_by_ones(base)
        else:
            value = stored ^ value
        block.write(base, 4, value)
