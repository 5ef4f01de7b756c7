"""Module `collections` (manual 1.1.7)."""

from __future__ import annotations

from collections import deque as HostDeque
from collections.abc import Iterator
from typing import Any, Final

from mpy_cross.emulator.runtime import collections_
from mpy_cross.emulator.runtime.arguments import as_word, check_count, native
from mpy_cross.emulator.runtime.pacing import paced
from mpy_cross.emulator.runtime.printing import Printer
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import HostObject, Module, MpClass, class_name, type_name

NAMES: Final[tuple[str, ...]] = ("ucollections", "collections")
CHECK_OVERFLOW: Final = 1
"""Flag of a deque: an error when it is full, in place of dropping the oldest item."""


class deque(HostObject):
    """A queue with a largest length."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_count(args, 2, 3, kwargs)
        if type(args[0]) is not tuple or args[0]:
            raise ValueError()
        self.__size = as_word(args[1])
        if self.__size < 0:
            raise ValueError()
        self.__checked = len(args) > 2 and bool(as_word(args[2]) & CHECK_OVERFLOW)
        self._held: HostDeque[Any] = HostDeque(maxlen=self.__size)

    def __len__(self) -> int:
        return len(self._held)

    @native
    def append(self, item: Any, /) -> None:
        """Add an item at the right end."""
        self._refuse_if_full()
        self._held.append(item)

    def _refuse_if_full(self) -> None:
        if self.__checked and len(self._held) == self.__size:
            raise IndexError("full")

    @native
    def popleft(self, /) -> Any:
        """Remove the item at the left end."""
        if not self._held:
            raise IndexError("empty")
        return self._held.popleft()


class Sequence(deque):
    """A deque as it is since it has items, indices and two ends."""

    type_name = "deque"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_count(args, 2, 3, kwargs)
        super().__init__((), *args[1:])
        if type(args[0]) is not tuple or args[0]:
            self.extend(args[0])

    def __iter__(self) -> Iterator[Any]:
        return iter(self._held)

    def __getitem__(self, index: Any) -> Any:
        return self._held[self.__place(index)]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._held[self.__place(index)] = value

    def __place(self, index: Any) -> int:
        if not isinstance(index, int):
            raise TypeError(f"deque indices must be integers, not {type_name(index)}")
        if not -len(self._held) <= index < len(self._held):
            raise IndexError("deque index out of range")
        return index

    def __delitem__(self, index: Any) -> None:
        raise TypeError("'deque' object doesn't support item deletion")

    @native
    def appendleft(self, item: Any, /) -> None:
        """Add an item at the left end."""
        self._refuse_if_full()
        self._held.appendleft(item)

    @native
    def extend(self, items: Any, /) -> None:
        """Add items at the right end."""
        for item in paced(items):
            self.append(item)

    @native
    def pop(self, /) -> Any:
        """Remove the item at the right end."""
        if not self._held:
            raise IndexError("empty")
        return self._held.pop()


class OrderedDict(dict[Any, Any], HostObject):
    """A dictionary whose order counts when it is compared."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        collections_.update(self, *args, **kwargs)

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, OrderedDict) or len(self) != len(other):
            return False
        return all(a == b for a, b in zip(self.items(), other.items(), strict=True))

    def __ne__(self, other: Any) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def _show(self, printer: Printer) -> str:
        show = printer.representation
        inner = ", ".join([f"{show(key)}: {show(value)}" for key, value in self.items()])
        return f"{type_name(self)}({{{inner}}})"

    @native
    def copy(self, /) -> OrderedDict:
        """A dictionary with the same items, of the same type."""
        return OrderedDict(self)

    @native
    def popitem(self, /) -> Any:
        """Remove the last item."""
        return collections_.DICT["popitem"](self)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Take over the items of a dictionary or of pairs."""
        collections_.update(self, *args, **kwargs)


class _Absent:
    """A method of tuples that named tuples do not have."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, obj: Any, cls: Any) -> Any:
        raise AttributeError(f"'{class_name(cls)}' object has no attribute '{self.name}'")


class NamedTuple(tuple[Any, ...], HostObject):
    """Base of the types that `namedtuple` makes."""

    __fields__: tuple[str, ...] = ()
    __title__ = ""
    """What the objects of derived classes show, too."""

    def __new__(cls, *args: Any, **kwargs: Any) -> NamedTuple:
        fields = cls.__fields__
        if len(args) + len(kwargs) != len(fields):
            raise TypeError(
                f"function takes {len(fields)} positional arguments"
                f" but {len(args) + len(kwargs)} were given"
            )
        if not kwargs:
            return tuple.__new__(cls, args)
        values = dict(zip(fields, args, strict=False))
        for name, value in kwargs.items():
            if name not in fields:
                raise TypeError(f"unexpected keyword argument '{name}'")
            if name in values:
                raise TypeError(f"function got multiple values for argument '{name}'")
            values[name] = value
        return tuple.__new__(cls, [values[name] for name in fields])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """`__new__` has done it all."""

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("can't set attribute")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("can't set attribute")

    def _asdict(self) -> OrderedDict:
        return OrderedDict(zip(self.__fields__, self, strict=True))

    def _show(self, printer: Printer) -> str:
        show = printer.representation
        inner = ", ".join(
            [f"{name}={show(value)}" for name, value in zip(self.__fields__, self, strict=True)]
        )
        return f"{self.__title__}({inner})"

    count: Any = _Absent("count")
    index: Any = _Absent("index")


class _Field:
    """An attribute of a named tuple."""

    __slots__ = ("place",)

    def __init__(self, place: int) -> None:
        self.place = place

    def __get__(self, obj: Any, cls: Any) -> Any:
        if obj is None:
            raise AttributeError
        return tuple.__getitem__(obj, self.place)


@native
def namedtuple(name: Any, fields: Any, /) -> MpClass:
    """A type of tuples whose items have names: a list or tuple of names, or names and spaces."""
    if not isinstance(name, str):
        raise TypeError(f"can't convert '{type_name(name)}' object to str implicitly")
    if isinstance(fields, str):
        fields = fields.split()
    if not isinstance(fields, (list, tuple)):
        raise TypeError(f"object '{type_name(fields)}' isn't a tuple or list")
    for field in fields:
        if not isinstance(field, str):
            raise TypeError(f"can't convert '{type_name(field)}' object to str implicitly")
    namespace: dict[str, Any] = {field: _Field(place) for place, field in enumerate(fields)}
    namespace["__fields__"] = tuple(fields)
    namespace["__title__"] = str(name)
    made = MpClass(name, (NamedTuple,), namespace)
    made.hidden_ = {}
    return made


def build(runtime: Runtime) -> Module:
    return Module(
        NAMES[0],
        {
            "namedtuple": namedtuple,
            "OrderedDict": OrderedDict,
            "deque": Sequence if runtime.release.language.deque_sequence else deque,
        },
    )


