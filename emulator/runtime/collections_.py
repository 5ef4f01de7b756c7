"""list, tuple, dict, set and frozenset: constructors and methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, final

from mpy_cross.emulator.runtime import pacing, sets
from mpy_cross.emulator.runtime.arguments import check_count, native
from mpy_cross.emulator.runtime.facts import HEAP, LANGUAGE
from mpy_cross.emulator.runtime.heap import LOCKED
from mpy_cross.emulator.runtime.sets import AnySet, FrozenSet, Set
from mpy_cross.emulator.runtime.types import ClassMethod, FixedDict, MpClass, type_name

NOT_THERE = "object not in sequence"


def make_sequence(cls: Callable[..., Any]) -> Callable[..., Any]:
    """The constructor of a type that takes one iterable or nothing."""

    def construct(*args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs:
            return cls()
        check_count(args, 0, 1, kwargs)
        return cls(pacing.gathered(args[0]))

    return construct


def make_dict(*args: Any, **kwargs: Any) -> dict[Any, Any]:
    """`dict(...)`."""
    made: dict[Any, Any] = {}
    update(made, *args, **kwargs)
    return made


def update(self: dict[Any, Any], *args: Any, **kwargs: Any) -> None:
    """`d.update(...)`: another dictionary, an object with `keys`, or pairs."""
    if len(args) > 1:
        raise TypeError(f"function expected at most 2 arguments, got {len(args) + 1}")
    if args:
        other = args[0]
        if isinstance(other, dict):
            for key in list(dict.keys(other)):
                self[key] = dict.__getitem__(other, key)
        elif type(type(other)) is MpClass and hasattr(type(other), "keys"):
            for key in pacing.gathered(other.keys()):
                self[key] = other[key]
        else:
            for pair in pacing.gathered(other):
                items = list(islice(pacing.paced(pair), 3))
                if len(items) != 2:
                    raise ValueError("dict update sequence has wrong length")
                self[items[0]] = items[1]
    for name, value in kwargs.items():
        self[name] = value


@native
def _index(self: Any, value: Any, start: int = 0, stop: int | None = None, /) -> int:
    size = len(self)
    for i in range(*slice(start, size if stop is None else stop).indices(size)):
        if self[i] == value:
            return i
    raise ValueError(NOT_THERE)


@native
def _remove(self: list[Any], value: Any, /) -> None:
    del self[_index(self, value)]


@native
def _pop(self: list[Any], index: Any = -1, /) -> Any:
    if not self:
        raise IndexError("pop from empty list")
    if not isinstance(index, int):
        raise TypeError(f"list indices must be integers, not {type_name(index)}")
    try:
        return list.pop(self, index)
    except IndexError:
        raise IndexError("list index out of range") from None


@native
def _extend(self: list[Any], other: Any, /) -> None:
    heap = HEAP[0]
    if heap is not None and heap.locked:
        raise MemoryError(LOCKED)
    list.extend(self, other if type(other) is list else pacing.gathered(other))


def _sort(self: list[Any], *args: Any, key: Any = None, reverse: Any = False) -> None:
    if args:
        raise TypeError("extra positional arguments given")
    list.sort(self, key=key, reverse=bool(reverse))


LIST: dict[str, Any] = {
    "append": list.append,
    "clear": list.clear,
    "copy": list.copy,
    "count": list.count,
    "extend": _extend,
    "index": _index,
    "insert": list.insert,
    "pop": _pop,
    "remove": _remove,
    "reverse": list.reverse,
    "sort": _sort,
}
TUPLE: dict[str, Any] = {"count": tuple.count, "index": _index}


@final
class DictView:
    """`d.keys()` and `d.items()`: unlike the host's they are no sets."""

    __slots__ = ("view",)

    def __init__(self, view: Any) -> None:
        self.view = view

    def __iter__(self) -> Iterator[Any]:
        return iter(self.view)

    def __len__(self) -> int:
        return len(self.view)

    def __bool__(self) -> bool:
        return not LANGUAGE[0].view_length or bool(self.view)

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = None  # type: ignore[assignment]

    def __contains__(self, item: Any) -> bool:
        return item in self.view


VIEWS = frozenset((DictView, type({}.values())))
"""Types of the views of dictionaries."""


@native
def _keys(self: dict[Any, Any], /) -> DictView:
    return DictView(dict.keys(self))


@native
def _items(self: dict[Any, Any], /) -> DictView:
    return DictView(dict.items(self))


@native
def _fromkeys(cls: Any, keys: Any, value: Any = None, /) -> dict[Any, Any]:
    return dict.fromkeys(pacing.gathered(keys), value)


@native
def _popitem(self: dict[Any, Any], /) -> Any:
    if not self:
        raise KeyError("popitem(): dictionary is empty")
    return dict.popitem(self)


DICT: dict[str, Any] = {
    "clear": dict.clear,
    "copy": dict.copy,
    "fromkeys": ClassMethod(_fromkeys),
    "get": dict.get,
    "items": _items,
    "keys": _keys,
    "pop": dict.pop,
    "popitem": _popitem,
    "setdefault": dict.setdefault,
    "update": update,
    "values": dict.values,
    "__getitem__": dict.__getitem__,
    "__setitem__": dict.__setitem__,
    "__delitem__": dict.__delitem__,
}


FIXED: dict[str, Any] = {
    **DICT,
    **{
        name: getattr(FixedDict, name)
        for name in (
            "clear", "pop", "popitem", "setdefault", "update", "__setitem__", "__delitem__"
        )
    },
}


def _in_order(others: tuple[Any, ...]) -> list[Any]:
    return [other if isinstance(other, (Set, FrozenSet)) else list(pacing.gathered(other))
            for other in others]


@native
def _union(self: AnySet, other: Any, /) -> Any:
    return sets.union(self, *_in_order((other,)))


@native
def _intersection(self: AnySet, other: Any, /) -> Any:
    return sets.intersection(self, *_in_order((other,)))


@native
def _symmetric_difference(self: AnySet, other: Any, /) -> Any:
    return sets.symmetric_difference(self, *_in_order((other,)))


@native
def _isdisjoint(self: AnySet, other: Any, /) -> bool:
    return self.isdisjoint(*_in_order((other,)))


@native
def _issubset(self: AnySet, other: Any, /) -> bool:
    return self.issubset(*_in_order((other,)))


@native
def _issuperset(self: AnySet, other: Any, /) -> bool:
    return self.issuperset(*_in_order((other,)))


@native
def _intersection_update(self: Set, other: Any, /) -> None:
    self.keep(*_in_order((other,)))


@native
def _symmetric_difference_update(self: Set, other: Any, /) -> None:
    self.toggle(*_in_order((other,)))


def _difference(self: AnySet, *others: Any) -> Any:
    return sets.difference(self, *_in_order(others))


def _difference_update(self: Set, *others: Any) -> None:
    for other in _in_order(others):
        self.take_away(other)


def _update(self: Set, *others: Any) -> None:
    for other in _in_order(others):
        self.extend(list(other))


@native
def _contains(self: Any, item: Any, /) -> bool:
    return item in self


_BOTH = {
    "difference": _difference,
    "intersection": _intersection,
    "isdisjoint": _isdisjoint,
    "issubset": _issubset,
    "issuperset": _issuperset,
    "symmetric_difference": _symmetric_difference,
    "union": _union,
    "__contains__": _contains,
}
FROZENSET: dict[str, Any] = {**_BOTH, "copy": FrozenSet.copy}
SET: dict[str, Any] = {
    **_BOTH,
    "copy": Set.copy,
    "add": Set.add,
    "clear": Set.clear,
    "difference_update": _difference_update,
    "discard": Set.discard,
    "intersection_update": _intersection_update,
    "pop": Set.pop,
    "remove": Set.remove,
    "symmetric_difference_update": _symmetric_difference_update,
    "update": _update,
}
