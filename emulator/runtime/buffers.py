"""bytearray, memoryview and array.array: values in the heap of the emulated board.

A buffer's bytes are where native code can reach them.  Their address stays until the buffer grows.
A memoryview refers to the bytes that its object had when it was made, as MicroPython's does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

from mpy_cross.emulator.runtime import pacing
from mpy_cross.emulator.runtime.arguments import (
    KEYWORDS,
    as_int,
    as_word,
    check_count,
    native,
    to_utf8,
)
from mpy_cross.emulator.runtime.facts import LANGUAGE
from mpy_cross.emulator.runtime.heap import BLOCK, Block
from mpy_cross.emulator.runtime.printing import bytes_text
from mpy_cross.emulator.runtime.storage import Storage
from mpy_cross.emulator.runtime.strings import decode
from mpy_cross.emulator.runtime.typecodes import BYTEARRAY, TYPECODES, Typecode, typecode
from mpy_cross.emulator.runtime.types import Getter, builtin_type, type_name

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.printing import Printer
    from mpy_cross.emulator.runtime.runtime import Runtime

STEP_ONE: Final = "only slices with step=1 (aka None) are supported"
NO_BUFFER: Final = "object with buffer protocol required"
_BYTES: Final = TYPECODES[BYTEARRAY]
_MORE_ITEMS: Final = 8
"""Items that `append` makes room for."""


class Buffer:
    """Base of the types whose contents have an address."""

    __slots__ = ("_address", "_block", "_bytes", "_items", "_kind", "_plain")

    storage: ClassVar[Storage]
    """The memory of the run-time that makes buffers."""
    shown_name: ClassVar[str]

    _address: int
    """Of the first byte, as the machine sees it; 0 for an empty buffer."""
    _block: Block | None
    """Keeps the bytes allocated; None for memory that belongs to nobody."""
    _bytes: memoryview
    _items: memoryview
    """The same memory, item by item."""
    _kind: Typecode
    _plain: bool
    """Whether the host's items are the program's."""

    # -------------------------------------------------------------------------------- making

    def _allocate(self, kind: Typecode, data: bytes | memoryview) -> None:
        """Take memory for bytes, which are copied."""
        self._kind = kind
        size = len(data)
        if not size:
            self._block, self._address = None, 0
            self._bytes = memoryview(bytearray())
        else:
            block = self.storage.heap.alloc(size)
            self._block, self._address = block, block.address
            self._bytes = block.view(size)
            self._bytes[:] = data
        self._cast()

    def _cast(self) -> None:
        kind = self._kind
        format: Any = kind.format
        self._plain = kind.kind == "i"
        self._items = self._bytes if format == "B" else self._bytes.cast(format)

    def _resize(self, size: int, room: int) -> None:
        """Have `size` bytes, old contents first, and memory for `room` if more has to be taken."""
        block = self._block
        full = block is None or size > block.size
        if block is None or (full and not block.heap.grow(block, room)):
            block = self.storage.heap.alloc(room)
            block.view(len(self._bytes))[:] = self._bytes
            self._block, self._address = block, block.address
        self._bytes = block.view(size)
        self._cast()

    def __memory__(self, writable: bool) -> memoryview:
        """The bytes, for functions that take any buffer."""
        return self._bytes

    # ------------------------------------------------------------------------------- reading

    def __len__(self) -> int:
        return len(self._items)

    def _load(self, value: Any) -> Any:
        """An item as the program sees it."""
        kind = self._kind.kind
        if kind == "i":
            return value
        if kind == "f":
            return self.storage.float_type(value)
        return self.storage.words.value(value) if kind == "O" else 0

    def __iter__(self) -> Iterator[Any]:
        if self._plain:
            return iter(self._items)
        return map(self._load, self._items)

    def _index(self, index: Any) -> int:
        """An index that is not an int, or is outside."""
        if isinstance(index, int):
            raise IndexError(f"{self.shown_name} index out of range")
        raise TypeError(f"{self.shown_name} indices must be integers, not {type_name(index)}")

    def _range(self, index: slice) -> tuple[int, int]:
        if index.step is not None and index.step != 1:
            raise NotImplementedError(STEP_ONE)
        start, stop, _ = index.indices(len(self._items))
        return start, max(start, stop)

    def __getitem__(self, index: Any) -> Any:
        if type(index) is slice:
            start, stop = self._range(index)
            return self._slice(start, stop)
        try:
            value = self._items[index]
        except (IndexError, TypeError):
            self._index(index)
        return value if self._plain else self._load(value)

    def _slice(self, start: int, stop: int) -> Buffer:
        raise NotImplementedError

    # ------------------------------------------------------------------------------- writing

    def __setitem__(self, index: Any, value: Any) -> None:
        if type(index) is slice:
            start, stop = self._range(index)
            self._replace(start, stop, self._source(value))
            return
        if type(value) is int and self._plain:
            try:
                self._items[index] = value
                return
            except (IndexError, TypeError, ValueError):
                pass  # outside, or a value that has to be cut
        if not isinstance(index, int) or not -len(self._items) <= index < len(self._items):
            self._index(index)
        self._items[index] = self._kind.narrow(value, self.storage)

    def __delitem__(self, index: Any) -> None:
        raise TypeError(f"'{self.shown_name}' object doesn't support item deletion")

    def _source(self, value: Any) -> memoryview:
        """What can be assigned to a slice."""
        if isinstance(value, Buffer):
            size, data = value._kind.size, value._bytes
        elif isinstance(value, bytes):
            size, data = 1, memoryview(value)
        else:
            raise NotImplementedError("array/bytes required on right side")
        if size != self._kind.size:
            raise ValueError("lhs and rhs should be compatible")
        return data

    def _replace(self, start: int, stop: int, data: memoryview) -> None:
        """Assign bytes to items."""
        size = self._kind.size
        start, stop = start * size, stop * size
        more = len(data) - (stop - start)
        if not more:
            self._bytes[start:stop] = data
            return
        copy = data.tobytes()
        tail = self._bytes[stop:].tobytes()
        length = len(self._bytes) + more
        self._resize(length, length)
        self._bytes[start:] = copy + tail

    # ----------------------------------------------------------------------------- operators

    def __contains__(self, item: Any) -> bool:
        if has_buffer(item):
            return False
        if isinstance(item, (int, float)):
            raise NotImplementedError()
        return False

    def __add__(self, other: Any) -> Any:
        if isinstance(self, MemoryView) and not LANGUAGE[0].views_add:
            return NotImplemented
        data = buffer_of(other)
        size = self._kind.size
        whole = self._bytes.tobytes() + data[: len(data) // size * size].tobytes()
        return (ByteArray if self._kind.letter == BYTEARRAY else Array).of(self._kind, whole)

    def __radd__(self, other: Any) -> Any:
        if isinstance(other, bytes):
            return other + self._bytes.tobytes()
        return NotImplemented

    def _comparable(self, other: Any) -> tuple[bytes, str, bool] | None:
        """Bytes of an operand, letter without sign, whether one is unsigned; None if no buffer."""
        if isinstance(other, Buffer):
            letter = other._kind.letter
            data = other._bytes.tobytes()
        elif has_buffer(other):
            letter, data = "B", buffer_of(other).tobytes()
        else:
            return None
        own = self._kind.letter
        unsigned = own <= "Z" or letter <= "Z"
        if own.replace(BYTEARRAY, "B").lower() != letter.replace(BYTEARRAY, "B").lower():
            raise NotImplementedError()
        if self._kind.kind == "f":
            raise NotImplementedError()
        return data, letter, unsigned

    def __eq__(self, other: Any) -> Any:
        if self is other:
            return True
        found = self._comparable(other)
        return found is not None and self._bytes.tobytes() == found[0]

    def __ne__(self, other: Any) -> Any:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    __hash__ = None  # type: ignore[assignment]

    def _ordered(self, other: Any) -> bytes | None:
        found = self._comparable(other)
        if found is None:
            return None
        if not found[2]:
            raise NotImplementedError()
        return found[0]

    def __lt__(self, other: Any) -> bool:
        data = self._ordered(other)
        return data is not None and self._bytes.tobytes() < data

    def __le__(self, other: Any) -> bool:
        data = self._ordered(other)
        return data is not None and self._bytes.tobytes() <= data

    def __gt__(self, other: Any) -> bool:
        data = self._ordered(other)
        return data is not None and self._bytes.tobytes() > data

    def __ge__(self, other: Any) -> bool:
        data = self._ordered(other)
        return data is not None and self._bytes.tobytes() >= data


class Growing(Buffer):
    """What bytearray and array.array have in common."""

    __slots__ = ()

    @classmethod
    def of(cls, kind: Typecode, data: bytes | memoryview) -> Any:
        """An object with a copy of these bytes."""
        made = object.__new__(cls)
        made._allocate(kind, data)
        return made

    def _fill(self, kind: Typecode, items: Any) -> None:
        """Take memory for the items of an iterable."""
        self._allocate(kind, b"")
        if type(items) in (list, tuple):
            self._allocate(kind, bytes(len(items) * kind.size))
            storage, target = self.storage, self._items
            for place, item in enumerate(items):
                target[place] = kind.narrow(item, storage)
            return
        for item in pacing.paced(items):
            self.append(item)

    def _slice(self, start: int, stop: int) -> Buffer:
        size = self._kind.size
        cls = ByteArray if isinstance(self, ByteArray) else Array
        return cls.of(self._kind, self._bytes[start * size : stop * size])  # type: ignore[no-any-return]

    @native
    def append(self, value: Any, /) -> None:
        """Add an item at the end."""
        kind = self._kind
        item = kind.narrow(value, self.storage)
        length = len(self._bytes) + kind.size
        self._resize(length, length + (_MORE_ITEMS - 1) * kind.size)
        self._items[-1] = item

    @native
    def extend(self, other: Any, /) -> None:
        """Add the bytes of a buffer, or the items of an iterable."""
        if not has_buffer(other):
            for item in pacing.paced(other):
                self.append(item)
            return
        size = self._kind.size
        data = buffer_of(other)
        more = len(data) // size * size
        if more:
            copy = data[:more].tobytes()
            length = len(self._bytes)
            self._resize(length + more, length + more)
            self._bytes[length:] = copy

    def __iadd__(self, other: Any) -> Any:
        data = buffer_of(other)
        self.extend(other if not isinstance(other, Growing) or other is not self else data)
        return self


class ByteArray(Growing):
    """The program's bytearray."""

    __slots__ = ()
    shown_name = "bytearray"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs:
            raise NotImplementedError(KEYWORDS)
        if len(args) != 1:
            check_count(args, 0, 3)
        kind = _BYTES
        value = args[0] if args else b""
        if isinstance(value, int):
            size = as_word(value)
            self._kind, self._plain = kind, True
            if size == 0:
                self._block, self._address = None, 0
                self._bytes = self._items = memoryview(bytearray())
                return
            heap = self.storage.heap
            self._block = block = heap.alloc(size)
            self._address = address = block.address
            start = address - heap.base
            self._bytes = self._items = view = heap.arena[start : start + size]
            view[:] = bytes(size)
        elif len(args) == 1 and isinstance(value, str) and LANGUAGE[0].bytearray_encoding:
            raise TypeError("wrong number of arguments")
        elif has_buffer(value):
            self._allocate(kind, buffer_of(value))
        else:
            self._fill(kind, value)

    @classmethod
    def at(cls, address: int, memory: memoryview) -> ByteArray:
        """A bytearray that is memory of the machine."""
        made = object.__new__(cls)
        made._kind, made._plain = _BYTES, True
        made._address, made._block = address, None
        made._bytes = made._items = memory
        return made

    def __getitem__(self, index: Any) -> Any:
        if type(index) is int:
            try:
                return self._bytes[index]
            except IndexError:
                raise IndexError("bytearray index out of range") from None
        return super().__getitem__(index)

    def __setitem__(self, index: Any, value: Any) -> None:
        if type(index) is int and type(value) is int:
            try:
                self._bytes[index] = value & 255
            except IndexError:
                raise IndexError("bytearray index out of range") from None
            return
        super().__setitem__(index, value)

    def __len__(self) -> int:
        return len(self._bytes)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._bytes)

    @native
    def append(self, value: Any, /) -> None:
        """Add a byte at the end."""
        byte = (value if type(value) is int else as_int(value)) & 255
        block = self._block
        length = len(self._bytes)
        if block is None or length >= block.count * BLOCK:
            self._resize(length + 1, length + _MORE_ITEMS)
        else:
            heap = block.heap
            start = block.address - heap.base
            self._bytes = self._items = heap.arena[start : start + length + 1]
        self._bytes[length] = byte

    def __contains__(self, item: Any) -> bool:
        if has_buffer(item):
            return buffer_of(item).tobytes() in self._bytes.tobytes()
        return super().__contains__(item)

    def _show(self, printer: Printer) -> str:
        return f"bytearray({bytes_text(self._bytes.tobytes())})"


class Array(Growing):
    """The program's array.array."""

    __slots__ = ()
    shown_name = "array"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_count(args, 1, 2, kwargs)
        letter = args[0]
        if not isinstance(letter, (str, bytes)):
            raise TypeError(f"can't convert '{type_name(letter)}' object to str implicitly")
        text = letter if isinstance(letter, str) else letter.decode("latin-1")
        kind = typecode(text[:1])
        if len(args) == 1:
            self._allocate(kind, b"")
        elif isinstance(args[1], (bytes, ByteArray)):
            data = buffer_of(args[1])
            self._allocate(kind, data[: len(data) // kind.size * kind.size])
        else:
            self._fill(kind, args[1])

    def __eq__(self, other: Any) -> Any:
        if isinstance(other, (Array, ByteArray, MemoryView)):
            return super().__eq__(other)
        return False

    __hash__ = None  # type: ignore[assignment]

    def _show(self, printer: Printer) -> str:
        head = f"array('{self._kind.letter}'"
        if not len(self):
            return head + ")"
        return head + ", [" + ", ".join([printer.representation(item) for item in self]) + "])"


@final
class MemoryView(Buffer):
    """The program's memoryview."""

    __slots__ = ("_base", "_offset", "_writable")
    shown_name = "memoryview"

    _base: bytes
    """The constant bytes that this is a view of, where they are not in the heap."""
    _offset: int
    _writable: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_count(args, 1, 1, kwargs)
        obj = args[0]
        self._base, self._offset = b"", 0
        self._block = None
        if isinstance(obj, Buffer):
            self._view_of(obj)
            return
        self._writable = has_buffer(obj) and not isinstance(obj, (bytes, str))
        self._bytes = buffer_of(obj, self._writable)
        self._kind = TYPECODES[BYTEARRAY if self._writable else "B"]
        if self._writable:
            self._address = address_of(obj)
        else:
            self._address = 0
            self._base = self._bytes.obj  # type: ignore[assignment]
        self._cast()

    def _view_of(self, obj: Buffer) -> None:
        self._address, self._block, self._kind = obj._address, obj._block, obj._kind
        self._bytes, self._items, self._plain = obj._bytes, obj._items, obj._plain
        self._writable = not isinstance(obj, MemoryView) or obj._writable
        if isinstance(obj, MemoryView):
            self._base, self._offset = obj._base, obj._offset

    def _slice(self, start: int, stop: int) -> Buffer:
        made = object.__new__(MemoryView)
        made._base, made._offset = b"", 0
        made._view_of(self)
        size = self._kind.size
        made._bytes = self._bytes[start * size : stop * size]
        if self._address:
            made._address += start * size
        made._offset += start * size
        made._cast()
        return made

    def __memory__(self, writable: bool) -> memoryview:
        if writable and not self._writable:
            raise TypeError(NO_BUFFER)
        return self._bytes

    def _check_writable(self) -> None:
        if not self._writable:
            raise TypeError("'memoryview' object doesn't support item assignment")

    def __setitem__(self, index: Any, value: Any) -> None:
        if type(index) is not slice and not self._writable:
            if not isinstance(index, int) or not -len(self._items) <= index < len(self._items):
                self._index(index)
            self._check_writable()
        super().__setitem__(index, value)

    def _replace(self, start: int, stop: int, data: memoryview) -> None:
        self._check_writable()
        if len(data) != (stop - start) * self._kind.size:
            raise ValueError("lhs and rhs should be compatible")
        super()._replace(start, stop, data)

    def __iadd__(self, other: Any) -> Any:
        raise TypeError(f"unsupported types for __iadd__: 'memoryview', '{type_name(other)}'")

    def _show(self, printer: Printer) -> str:
        return "<memoryview>"


for _cls in (ByteArray, Array, MemoryView):
    _cls.__name__ = _cls.__qualname__ = _cls.shown_name


# ------------------------------------------------------------------------------ for all modules


def has_buffer(obj: Any) -> bool:
    """Whether an object has the buffer protocol, for reading."""
    return isinstance(obj, (Buffer, bytes, str)) or hasattr(type(obj), "__memory__")


def buffer_of(obj: Any, writable: bool = False) -> memoryview:
    """The bytes of an object with the buffer protocol, shared.  Raises TypeError."""
    if isinstance(obj, Buffer):
        return obj.__memory__(writable)
    if not writable:
        if isinstance(obj, bytes):
            return memoryview(obj)
        if isinstance(obj, str):
            return memoryview(to_utf8(obj))
    own = getattr(type(obj), "__memory__", None)
    if own is None:
        raise TypeError(NO_BUFFER)
    return own(obj, writable)  # type: ignore[no-any-return]


def address_of(obj: Any) -> int:
    """Where the bytes of an object are; constants are copied to the heap.  Raises TypeError."""
    if isinstance(obj, MemoryView) and not obj._address:
        return Buffer.storage.keep(obj._base) + obj._offset
    if isinstance(obj, Buffer):
        return obj._address
    if isinstance(obj, bytes):
        return Buffer.storage.keep(obj)
    if isinstance(obj, str):
        return Buffer.storage.keep(to_utf8(obj))
    own = getattr(type(obj), "__address__", None)
    if own is None:
        raise TypeError(NO_BUFFER)
    return own(obj)  # type: ignore[no-any-return]


def install_buffers(runtime: Runtime) -> None:
    """Give the run-time its memory and the built-in types bytearray and memoryview."""
    Buffer.storage = runtime.storage
    names = runtime.builtins
    names["bytearray"] = builtin_type(
        "bytearray",
        ByteArray,
        ByteArray,
        {"append": ByteArray.append, "extend": ByteArray.extend, "decode": decode},
    )
    builtin_type(
        "array",
        Array,
        Array,
        {"append": Array.append, "extend": Array.extend, "decode": decode},
    )
    names["memoryview"] = builtin_type(
        "memoryview",
        MemoryView,
        MemoryView,
        {"itemsize": Getter(lambda self: self._kind.size)},
    )
    step: dict[str, Any] = {"__next__": next}
    builtin_type("iterator", type(iter(memoryview(b""))), None, step)
