"""Declaration of device registers: one row per register, with access rules for each field.

    class Status(Block):
        CR1 = Register(0x00, "UE[13] RXNEIE[5] TE[3] RE[2]")
        SR = Register(0x04, "TC[6]=w0c RXNE[5]=w0c PE[0]", access="ro", reset=0xC0)
        BSRR = Register(0x18, access="wo")
        OAR = Todo(0x20)

        def write_CR1(self, written: int, before: int) -> None: ...
        def read_SR(self) -> int: ...

Fields are NAME[bit] or NAME[high:low], each with =access where it differs from the register's.
Bits in no field have the access of the register if the register has no fields at all; else they
read as their reset value.  Access rules:

    rw    read and written                   wo    written, reads as 0
    ro    writes change nothing              sc    the hook sees what is written; clears at once
    w1c   writing 1 clears                   w0c   writing 0 clears
    w1s   writing 1 sets                     rc    reading clears, writes change nothing
    rw1o  can be set, never cleared but by reset

`Status.CR1["UE"]` is the mask of a field, `block.CR1` the stored value of that register.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, final, overload

if TYPE_CHECKING:
    from mpy_cross.emulator.block import Block

ACCESSES: Final = ("rw", "ro", "wo", "sc", "w1c", "w0c", "w1s", "rc", "rw1o")
FIELD: Final = re.compile(r"(\w+)\[(\d+)(?::(\d+))?\](?:=(\w+))?$")
ALL: Final = 0xFFFFFFFF


class RegisterError(Exception):
    """A row that contradicts itself or another: a mistake in the declaration of a block."""


@final
class Field:
    """Bits `high` to `low` of a register, under one access rule."""

    __slots__ = ("access", "high", "low", "mask", "name")

    def __init__(self, name: str, high: int, low: int, access: str) -> None:
        self.name, self.high, self.low, self.access = name, high, low, access
        self.mask = (1 << high + 1) - (1 << low)


def parse_fields(text: str, width: int, access: str) -> tuple[Field, ...]:
    """The fields of a row's text. RegisterError for overlaps and for bits outside the register."""
    fields = []
    seen = 0
    for word in text.split():
        match = FIELD.match(word)
        if match is None:
            raise RegisterError(f"not a field: {word!r}; write NAME[bit] or NAME[high:low]")
        name, high, low, own = match.groups()
        field = Field(name, int(high), int(low or high), own or access)
        if field.access not in ACCESSES:
            raise RegisterError(f"{name}: no access {field.access!r}; there are {ACCESSES}")
        if field.high < field.low or field.high >= width:
            raise RegisterError(f"{name}: bits {high}..{low or high} of {width}")
        if field.mask & seen:
            raise RegisterError(f"{name}: its bits belong to another field too")
        seen |= field.mask
        fields.append(field)
    return tuple(fields)


@cache
def parse_masks(text: str, width: int, access: str) -> tuple[tuple[Field, ...], dict[str, int]]:
    """The fields of a row's text, and the mask of those with each access rule. RegisterError."""
    if access not in ACCESSES:
        raise RegisterError(f"no access {access!r}; there are {ACCESSES}")
    fields = parse_fields(text, width, access)
    masks = dict.fromkeys(ACCESSES, 0)
    for field in fields:
        masks[field.access] |= field.mask
    if not fields:
        masks[access] = (1 << width) - 1
    return fields, masks


class Register:
    """One row of a block.

    offset: in bytes; fields: see above; access: of fields without their own; reset: value after
    reset; width: 8, 16 or 32 bits, what is above reads as 0; name: the manual's, where it is not
    that of the attribute.
    """

    modelled = True

    def __init__(self, offset: int, fields: str = "", *, access: str = "rw", reset: int = 0,
                 width: int = 32, name: str = "") -> None:
        if offset % 4 or offset < 0:
            raise RegisterError(f"offset 0x{offset:x} is not that of a word")
        self.name, self.offset, self.reset, self.width = name, offset, reset, width
        self.attribute = name
        self.access = access
        self.fields, masks = parse_masks(fields, width, access)
        if reset >> width:
            raise RegisterError(f"reset value 0x{reset:x} has more than {width} bits")
        self.rw, self.wo, self.sc = masks["rw"], masks["wo"], masks["sc"]
        self.w1c, self.w0c, self.rc = masks["w1c"], masks["w0c"], masks["rc"]
        self.w1s = masks["w1s"] | masks["rw1o"]
        # A narrow write leaves the other bytes of these as they are; of all others, inactive.
        self.kept = self.rw | masks["ro"]
        self.plain = self.rw == ALL

    def __set_name__(self, owner: type, name: str) -> None:
        self.attribute = name
        self.name = self.name or name

    @overload
    def __get__(self, block: None, owner: type) -> Register: ...

    @overload
    def __get__(self, block: Block, owner: type) -> int: ...

    def __get__(self, block: Block | None, owner: type) -> Register | int:
        return self if block is None else block.values[self.offset]

    def __set__(self, block: Block, value: int) -> None:
        block.values[self.offset] = value

    def __getitem__(self, field: str) -> int:
        """The mask of a field. KeyError if there is none of that name."""
        return self.field(field).mask

    def field(self, name: str) -> Field:
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"{self.name} has no field {name}")

    def written(self, before: int, value: int, lanes: int) -> int:
        """What the register holds after `value` was written to the bytes under the mask `lanes`."""
        own = value & lanes
        take = self.rw & lanes
        after = before & ~take | own & take
        after &= ~(own & self.w1c)
        after &= own | ~(self.w0c & lanes)
        return after | own & self.w1s


@final
class Todo(Register):
    """A register of the manual that is not modelled: it stores what is written.

    The first touch is reported by name; in strict mode it is an error.
    """

    modelled = False

    def __init__(self, offset: int, *, reset: int = 0, name: str = "") -> None:
        super().__init__(offset, reset=reset, name=name)


@final
class Values:
    """The stored values of a `Bank`, by number."""

    __slots__ = ("bank", "values")

    def __init__(self, values: dict[int, int], bank: Bank) -> None:
        self.values, self.bank = values, bank

    def __getitem__(self, n: int) -> int:
        return self.values[self.bank.offset + n * self.bank.stride]

    def __setitem__(self, n: int, value: int) -> None:
        self.values[self.bank.offset + n * self.bank.stride] = value


@final
class Bank:
    """`count` equal registers, `stride` bytes apart: the hooks get their number first.

    The name of number n is `names` with n in place of {}.  Other arguments: see `Register`.
    """

    def __init__(self, offset: int, names: str, count: int, fields: str = "", *, stride: int = 4,
                 access: str = "rw", reset: int = 0, width: int = 32, first: int = 0) -> None:
        self.offset, self.stride, self.attribute = offset, stride, ""
        self.rows = tuple(
            Register(offset + n * stride, fields, access=access, reset=reset, width=width,
                     name=names.format(n + first))
            for n in range(count))

    def __set_name__(self, owner: type, name: str) -> None:
        self.attribute = name

    @overload
    def __get__(self, block: None, owner: type) -> Bank: ...

    @overload
    def __get__(self, block: Block, owner: type) -> Values: ...

    def __get__(self, block: Block | None, owner: type) -> Bank | Values:
        return self if block is None else Values(block.values, self)

    def __getitem__(self, field: str) -> int:
        """The mask of a field."""
        return self.rows[0][field]
