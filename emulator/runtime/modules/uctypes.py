"""Module `uctypes` (manual 1.2.14): structures over memory, described by dictionaries.

A descriptor is an integer for a scalar: its type in the upper bits, its offset in the lower; for an
aggregate it is a tuple whose first item has two bits of type and the offset.
"""

from __future__ import annotations

from typing import Any, Final, final

from mpy_cross.emulator.runtime.arguments import as_int, as_word, check_count, native
from mpy_cross.emulator.runtime.buffers import Buffer, ByteArray, address_of
from mpy_cross.emulator.runtime.printing import Printer
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.storage import WORD
from mpy_cross.emulator.runtime.typecodes import TYPECODES
from mpy_cross.emulator.runtime.types import HostObject, Module

NAMES: Final[tuple[str, ...]] = ("uctypes",)

LITTLE_ENDIAN: Final = 0
BIG_ENDIAN: Final = 1
NATIVE: Final = 2

OFFSET_BITS: Final = 17
LENGTH_SHIFT: Final = 22
SCALAR_BITS: Final = 4
AGGREGATE_BITS: Final = 2

STRUCT: Final = 0
PTR: Final = 1
ARRAY: Final = 2

_TYPES: Final = (
    "UINT8",
    "INT8",
    "UINT16",
    "INT16",
    "UINT32",
    "INT32",
    "UINT64",
    "INT64",
    "BFUINT8",
    "BFINT8",
    "BFUINT16",
    "BFINT16",
    "BFUINT32",
    "BFINT32",
    "FLOAT32",
    "FLOAT64",
)
_LETTERS: Final = "BbHhIiQqBbHhIifd"
"""Typecodes of the scalar types; those of bit fields are of the integers they are in."""
_BIT_FIELDS: Final = range(8, 14)
_UINT8: Final = 0
_ALIASES: Final = {
    "VOID": "UINT8",
    "SHORT": "INT16",
    "USHORT": "UINT16",
    "INT": "INT32",
    "UINT": "UINT32",
    "LONG": "INT32",
    "ULONG": "UINT32",
    "LONGLONG": "INT64",
    "ULONGLONG": "UINT64",
}


def _constant(kind: int, bits: int) -> int:
    """A type in the upper bits of a small integer."""
    value = kind << (31 - bits)
    return value - (1 << 31) if value >> 30 else value


def _split(value: Any, bits: int) -> tuple[int, int]:
    """Type and rest of an integer of a descriptor."""
    if type(value) is not int:
        raise _syntax_error()
    return value >> (31 - bits) & ((1 << bits) - 1), value & ((1 << (31 - bits)) - 1)


def _syntax_error() -> TypeError:
    return TypeError("syntax error in uctypes descriptor")


def _scalar_size(kind: int) -> int:
    return TYPECODES[_LETTERS[kind]].size


def _aggregate_size(descriptor: tuple[Any, ...], layout: int) -> tuple[int, int]:
    """Size of an aggregate and of its largest scalar."""
    kind, _ = _split(descriptor[0], AGGREGATE_BITS)
    if kind == STRUCT:
        return _size(descriptor[1], layout)
    if kind == PTR:
        return WORD, WORD
    if kind != ARRAY:
        raise _syntax_error()
    scalar, count = _split(descriptor[1], SCALAR_BITS)
    if len(descriptor) == 2:
        size = largest = _scalar_size(scalar)
    else:
        size, largest = _size(descriptor[2], layout)
    return size * count, largest


def _size(descriptor: Any, layout: int) -> tuple[int, int]:
    """Size of a structure and of its largest scalar.  Raises TypeError."""
    if isinstance(descriptor, tuple):
        return _aggregate_size(descriptor, layout)
    if type(descriptor) is int:
        raise TypeError("can't unambiguously get sizeof scalar")
    if not isinstance(descriptor, dict):
        raise _syntax_error()
    total = largest = 0
    for field in descriptor.values():
        if type(field) is int:
            kind, offset = _split(field, SCALAR_BITS)
            if kind in _BIT_FIELDS:
                offset &= (1 << OFFSET_BITS) - 1
            size = alignment = _scalar_size(kind)
        elif isinstance(field, tuple):
            offset = _split(field[0], AGGREGATE_BITS)[1]
            size, alignment = _aggregate_size(field, layout)
        else:
            raise _syntax_error()
        largest = max(largest, alignment)
        total = max(total, offset + size)
    if layout == NATIVE and largest:
        total = -(-total // largest) * largest
    return total, largest


@final
class struct(HostObject):
    """A structure, an array or a pointer at an address; its attributes are its fields."""

    __place__: int
    __descriptor__: Any
    __layout__: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_count(args, 2, 3, kwargs)
        put = object.__setattr__
        put(self, "__place__", as_int(args[0]) & 0xFFFFFFFF)
        put(self, "__descriptor__", args[1])
        put(self, "__layout__", as_word(args[2]) if len(args) > 2 else NATIVE)

    # -------------------------------------------------------------------------------- scalars

    def __load(self, kind: int, address: int) -> Any:
        code = TYPECODES[_LETTERS[kind]]
        storage = Buffer.storage
        data = storage.read(address, code.size)
        return code.unpack(data, 0, self.__layout__ == BIG_ENDIAN, storage)

    def __store(self, kind: int, address: int, value: Any) -> None:
        code = TYPECODES[_LETTERS[kind]]
        storage = Buffer.storage
        storage.write(address, code.pack(value, self.__layout__ == BIG_ENDIAN, storage))

    def __bits(self, kind: int, offset: int) -> tuple[int, int, int, int]:
        """Address of the integer of a bit field, its value, shift and mask of the field."""
        shift = offset >> OFFSET_BITS & 31
        mask = (1 << (offset >> LENGTH_SHIFT & 31)) - 1
        address = self.__place__ + (offset & ((1 << OFFSET_BITS) - 1))
        return address, self.__load(kind & ~1, address), shift, mask

    def __field(self, name: str) -> Any:
        if not isinstance(self.__descriptor__, dict):
            raise TypeError("struct: no fields")
        try:
            return self.__descriptor__[name]
        except KeyError:
            raise KeyError(name) from None

    # ------------------------------------------------------------------------------- fields

    def __getattr__(self, name: str) -> Any:
        field = self.__field(name)
        if type(field) is int:
            kind, offset = _split(field, SCALAR_BITS)
            if kind in _BIT_FIELDS:
                _, value, shift, mask = self.__bits(kind, offset)
                return value >> shift & mask
            return self.__load(kind, self.__place__ + offset)
        if not isinstance(field, tuple):
            raise _syntax_error()
        kind, offset = _split(field[0], AGGREGATE_BITS)
        address = self.__place__ + offset
        if kind == STRUCT:
            return struct(address, field[1], self.__layout__)
        if kind == ARRAY and len(field) == 2 and _split(field[1], SCALAR_BITS)[0] == _UINT8:
            return _bytearray(address, _aggregate_size(field, self.__layout__)[0])
        return struct(address, field, self.__layout__)

    def __setattr__(self, name: str, value: Any) -> None:
        field = self.__field(name)
        if type(field) is not int:
            raise _syntax_error()
        kind, offset = _split(field, SCALAR_BITS)
        if kind not in _BIT_FIELDS:
            self.__store(kind, self.__place__ + offset, value)
            return
        address, old, shift, mask = self.__bits(kind, offset)
        new = old & ~(mask << shift) | (as_int(value) & mask) << shift
        self.__store(kind & ~1, address, new)

    # -------------------------------------------------------------------------------- items

    def __indexed(self) -> tuple[int, tuple[Any, ...]]:
        if not isinstance(self.__descriptor__, tuple):
            raise TypeError("struct: can't index")
        return _split(self.__descriptor__[0], AGGREGATE_BITS)[0], self.__descriptor__

    def __element(self, descriptor: Any, place: int, index: int) -> struct:
        size = _size(descriptor, self.__layout__)[0]
        return struct(place + size * index, descriptor, self.__layout__)

    def __scalar_item(self, descriptor: tuple[Any, ...], index: int) -> tuple[int, int]:
        """Kind and address of an item of an array of scalars; kind -1 for other arrays."""
        kind, count = _split(descriptor[1], SCALAR_BITS)
        if index >= count:
            raise IndexError("struct: index out of range")
        if len(descriptor) > 2:
            return -1, 0
        return kind, self.__place__ + _scalar_size(kind) * index

    def __getitem__(self, index: Any) -> Any:
        aggregate, descriptor = self.__indexed()
        at = as_word(index)
        if aggregate == ARRAY:
            kind, address = self.__scalar_item(descriptor, at)
            if kind < 0:
                return self.__element(descriptor[2], self.__place__, at)
            return self.__load(kind, address)
        if aggregate != PTR:
            raise TypeError("struct: can't index")
        target = int(self)
        if type(descriptor[1]) is int:
            kind = _split(descriptor[1], SCALAR_BITS)[0]
            return self.__load(kind, target + _scalar_size(kind) * at)
        return self.__element(descriptor[1], target, at)

    def __setitem__(self, index: Any, value: Any) -> None:
        aggregate, descriptor = self.__indexed()
        if aggregate == ARRAY:
            kind, address = self.__scalar_item(descriptor, as_word(index))
            if kind >= 0:
                self.__store(kind, address, value)
                return
        if aggregate == PTR and type(descriptor[1]) is int:
            kind = _split(descriptor[1], SCALAR_BITS)[0]
            self.__store(kind, int(self) + _scalar_size(kind) * as_word(index), value)
            return
        raise TypeError("'struct' object doesn't support item assignment")

    def __delitem__(self, index: Any) -> None:
        raise TypeError("'struct' object doesn't support item deletion")

    def __int__(self) -> int:
        aggregate = isinstance(self.__descriptor__, tuple) and self.__indexed()[0]
        if aggregate != PTR:
            raise TypeError("can't convert struct to int")
        return int.from_bytes(Buffer.storage.read(self.__place__, WORD), "little")

    __hash__ = None  # type: ignore[assignment]

    # ------------------------------------------------------------------------- other modules

    def __memory__(self, writable: bool) -> memoryview:
        return Buffer.storage.view(
            self.__place__, _size(self.__descriptor__, self.__layout__)[0]
        )

    def __address__(self) -> int:
        return self.__place__

    def _show(self, printer: Printer) -> str:
        kind = "ERROR"
        if isinstance(self.__descriptor__, dict):
            kind = "STRUCT"
        elif isinstance(self.__descriptor__, tuple):
            kind = {PTR: "PTR", ARRAY: "ARRAY"}.get(self.__indexed()[0], "unk")
        return f"<struct {kind} {self.__place__:x}>"


def _bytearray(address: int, size: int) -> ByteArray:
    return ByteArray.at(address, Buffer.storage.view(address, size))


@native
def sizeof(obj: Any, layout: Any = None, /) -> int:
    """Bytes of a structure, of a descriptor or of a bytearray."""
    if isinstance(obj, ByteArray):
        return len(obj)
    if isinstance(obj, struct):
        if layout is not None:
            raise TypeError()
        return _size(obj.__descriptor__, obj.__layout__)[0]
    return _size(obj, NATIVE if layout is None else as_word(layout))[0]


@native
def addressof(obj: Any, /) -> int:
    """Where the bytes of a buffer are."""
    return address_of(obj)


@native
def bytes_at(address: Any, size: Any, /) -> bytes:
    """A copy of memory."""
    return Buffer.storage.read(as_int(address) & 0xFFFFFFFF, as_word(size))


@native
def bytearray_at(address: Any, size: Any, /) -> ByteArray:
    """Memory as a bytearray."""
    return _bytearray(as_int(address) & 0xFFFFFFFF, as_word(size))


def build(runtime: Runtime) -> Module:
    kinds = {name: _constant(kind, SCALAR_BITS) for kind, name in enumerate(_TYPES)}
    return Module(
        NAMES[0],
        {
            "struct": struct,
            "sizeof": sizeof,
            "addressof": addressof,
            "bytes_at": bytes_at,
            "bytearray_at": bytearray_at,
            "LITTLE_ENDIAN": LITTLE_ENDIAN,
            "BIG_ENDIAN": BIG_ENDIAN,
            "NATIVE": NATIVE,
            **kinds,
            **{alias: kinds[name] for alias, name in _ALIASES.items()},
            "BF_POS": OFFSET_BITS,
            "BF_LEN": LENGTH_SHIFT,
            "PTR": _constant(PTR, AGGREGATE_BITS),
            "ARRAY": _constant(ARRAY, AGGREGATE_BITS),
        },
    )
