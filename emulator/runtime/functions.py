"""The built-in functions (manual 1.1.3) that need nothing of the run-time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from types import GeneratorType
from typing import Any

from mpy_cross.emulator.runtime import attributes, memory, support
from mpy_cross.emulator.runtime.arguments import check_count, check_name, native
from mpy_cross.emulator.runtime.collections_ import VIEWS
from mpy_cross.emulator.runtime.errors import ProgramException
from mpy_cross.emulator.runtime.facts import LANGUAGE
from mpy_cross.emulator.runtime.generators import PENDING, step
from mpy_cross.emulator.runtime.identity import address, stable_hash
from mpy_cross.emulator.runtime.pacing import chunks, gathered, paced
from mpy_cross.emulator.runtime.sets import FrozenSet, Set
from mpy_cross.emulator.runtime.types import (
    BY_HOST,
    BuiltinType,
    Module,
    MpClass,
    type_name,
)

_MISSING: Any = object()


def abs_(x: Any, /) -> Any:
    if isinstance(x, (int, float, complex)) or hasattr(x, "__abs__"):
        return abs(x)
    raise TypeError(f"unsupported type for __abs__: '{type_name(x)}'")


def all_(iterable: Any, /) -> bool:
    return all(paced(iterable))


def any_(iterable: Any, /) -> bool:
    return any(paced(iterable))


def _integer(x: Any) -> int:
    if isinstance(x, int):
        return int(x)
    raise TypeError(f"can't convert {type_name(x)} to int")


def bin_(x: Any, /) -> str:
    return bin(_integer(x))


def oct_(x: Any, /) -> str:
    return oct(_integer(x))


def hex_(x: Any, /) -> str:
    return hex(_integer(x))


def callable_(x: Any, /) -> bool:
    if type(type(x)) is MpClass:
        return callable(x)
    return callable(x)


def chr_(x: Any, /) -> str:
    value = _integer(x)
    if not 0 <= value < 0x110000:
        raise ValueError("chr() arg not in range(0x110000)")
    return chr(value)


def ord_(x: Any, /) -> int:
    if isinstance(x, (str, bytes)) or hasattr(x, "__len__"):
        if not isinstance(x, (str, bytes)) and type_name(x) != "bytearray":
            raise TypeError("ord expects a character")
        if len(x) != 1:
            raise TypeError(f"ord() expected a character, but string of length {len(x)} found")
        return ord(x) if isinstance(x, (str, bytes)) else int(x[0])
    raise TypeError("ord expects a character")


def delattr_(obj: Any, name: Any, /) -> None:
    check_name(name)
    attributes.del_attribute(obj, name)


def getattr_(obj: Any, name: Any, default: Any = _MISSING, /) -> Any:
    check_name(name)
    try:
        return attributes.attribute(obj, name)
    except AttributeError:
        if default is not _MISSING:
            return default
        raise


def hasattr_(obj: Any, name: Any, /) -> bool:
    check_name(name)
    try:
        attributes.attribute(obj, name)
    except AttributeError:
        return False
    return True


def setattr_(obj: Any, name: Any, value: Any, /) -> None:
    check_name(name)
    attributes.set_attribute(obj, name, value)


def id_(x: Any, /) -> int:
    return address(x)


def divmod_(a: Any, b: Any, /) -> Any:
    return divmod(a, b)


def hash_(x: Any, /) -> int:
    if isinstance(x, (MpClass, BuiltinType, Module)):
        return address(x)
    return stable_hash(x)


def instance_check(obj: Any, cls: Any) -> bool:
    """`isinstance(obj, cls)` for one class; bool is not an int."""
    if type(cls) is BuiltinType:
        if cls.host is object:
            return True
        if type(obj) is bool:
            return cls.host is bool
        known = BY_HOST.get(type(obj))
        if known is not None:
            return known is cls or (isinstance(obj, cls.host) and known.host is not bool)
        return isinstance(obj, cls.host)
    if cls is ProgramException:
        return isinstance(obj, BaseException)
    return isinstance(obj, cls)


def _classes(wanted: Any) -> tuple[Any, ...]:
    classes = wanted if type(wanted) is tuple else (wanted,)
    for cls in classes:
        if not isinstance(cls, (BuiltinType, type)):
            raise TypeError("issubclass() arg 2 must be a class or a tuple of classes")
    return classes


def isinstance_(obj: Any, wanted: Any, /) -> bool:
    return any(instance_check(obj, cls) for cls in _classes(wanted))


def issubclass_(cls: Any, wanted: Any, /) -> bool:
    classes = _classes(wanted)
    if not isinstance(cls, (BuiltinType, type)):
        raise TypeError("issubclass() arg 1 must be a class")
    for other in classes:
        if cls is other:
            return True
        if type(other) is BuiltinType:
            if other.host is object:
                return True
            if type(cls) is MpClass and issubclass(cls, other.host):
                return True
        elif isinstance(cls, type) and issubclass(
            cls, BaseException if other is ProgramException else other
        ):
            return True
    return False


def len_(x: Any, /) -> int:
    if type(x) in VIEWS and not LANGUAGE[0].view_length:
        raise TypeError("object of type 'dict_view' has no len()")
    try:
        return len(x)
    except TypeError as error:
        if "has no len()" in str(error):
            raise TypeError(f"object of type '{type_name(x)}' has no len()") from None
        raise


def _extreme(pick: Callable[..., Any], args: tuple[Any, ...], key: Any, default: Any) -> Any:
    options = {} if key is None else {"key": key}
    if len(args) == 1:
        items = paced(args[0])
        for first in items:
            return pick(chain((first,), items), **options)
        if default is not _MISSING:
            return default
        raise ValueError("arg is an empty sequence")
    if not args:
        raise TypeError("function missing 1 required positional arguments")
    return pick(args, **options)


def max_(*args: Any, key: Any = None, default: Any = _MISSING, **others: Any) -> Any:
    return _extreme(max, args, key, default)


def min_(*args: Any, key: Any = None, default: Any = _MISSING, **others: Any) -> Any:
    return _extreme(min, args, key, default)


def next_(iterator: Any, default: Any = _MISSING, /) -> Any:
    cls = type(iterator)
    if PENDING and cls is GeneratorType and iterator in PENDING:
        return step(iterator)
    if not hasattr(cls, "__next__"):
        raise TypeError(f"'{type_name(iterator)}' object isn't an iterator")
    try:
        return cls.__next__(iterator)
    except StopIteration:
        if default is not _MISSING:
            return default
        raise


def next_only(iterator: Any, /) -> Any:
    """`next()` of releases that take no second argument."""
    return next_(iterator)


def pow_(base: Any, exponent: Any, modulus: Any = None, /) -> Any:
    if modulus is not None:
        if not all(isinstance(x, int) for x in (base, exponent, modulus)):
            raise TypeError("pow() with 3 arguments requires integers")
        if modulus == 0:
            raise ValueError("divide by zero")
        return pow(base, exponent, modulus)
    return support.power(base, exponent)


def round_(x: Any, digits: Any = _MISSING, /) -> Any:
    if isinstance(x, int):
        if digits is _MISSING or digits >= 0:
            return int(x)
        memory.integer(-3 * digits)  # ten to this power
        return round(x, digits)
    if not isinstance(x, float):
        raise TypeError(f"can't convert {type_name(x)} to float")
    if digits is _MISSING:
        return round(x)
    scale = 10.0**digits
    return type(x)(round(x * scale) / scale)


def sorted_(*args: Any, key: Any = None, reverse: Any = False, **others: Any) -> list[Any]:
    if not args:
        raise TypeError("function missing 1 required positional arguments")
    if others or len(args) > 1:
        raise TypeError(f"extra {'keyword' if others else 'positional'} arguments given")
    iterable = args[0]
    return sorted(gathered(iterable), key=key, reverse=bool(reverse))


def sum_(iterable: Any, start: Any = 0, /) -> Any:
    for part in chunks(iterable):
        for item in part:
            start = start + item
            if type(start) is list or type(start) is tuple:
                memory.repeated(start, 1)
    return start


def input_(prompt: str = "", /) -> str:
    raise EOFError


# ------------------------------------------------------------------------------------ iterators


def make_map(*args: Any) -> Any:
    if len(args) < 2:
        raise TypeError(f"function missing {2 - len(args)} required positional arguments")
    function, *iterables = args
    return map(function, *[paced(one) for one in iterables])


@native
def make_filter(function: Any, iterable: Any, /) -> Any:
    return filter(function, paced(iterable))


def make_zip(*iterables: Any, **options: Any) -> Any:
    check_count(iterables, 0, len(iterables), options)
    return zip(*[paced(one) for one in iterables], strict=False)


def make_enumerate(*args: Any, **options: Any) -> Any:
    start: Any = 0
    more: list[Any] = []
    if args:
        iterable, *more = args
        if more:
            start, *more = more
    elif "iterable" in options:
        iterable = options.pop("iterable")
    else:
        raise TypeError("'iterable' argument required")
    start = options.pop("start", start)
    if more or options:
        raise TypeError(f"extra {'positional' if more else 'keyword'} arguments given")
    return enumerate(paced(iterable), start)


@native
def make_reversed(sequence: Any, /) -> Iterator[Any]:
    own = getattr(type(sequence), "__reversed__", None)
    if own is not None and type(type(sequence)) is MpClass:
        return own(sequence)  # type: ignore[no-any-return]
    size = len_(sequence)
    if isinstance(sequence, (list, tuple, str, bytes)):
        return reversed(sequence)
    if isinstance(sequence, range):
        return paced(sequence[::-1])
    return iter([sequence[i] for i in range(size - 1, -1, -1)])


def make_range(*args: Any, **options: Any) -> range:
    check_count(args, 1, 3, options)
    for arg in args:
        if not isinstance(arg, int):
            raise TypeError(f"can't convert {type_name(arg)} to int")
    if len(args) == 3 and args[2] == 0:
        raise ValueError("zero step")
    return range(*args)


def iter_builtin(obj: Any, /) -> Any:
    own = type(obj)
    if type(own) is MpClass:
        found = getattr(own, "__iter__", None)
        if found is not None:
            return found(obj)
        if not hasattr(own, "__getitem__"):
            raise TypeError(f"'{type_name(obj)}' object isn't iterable")
    made = support.iter_(obj)
    if isinstance(obj, (Set, FrozenSet)):
        return support.ForeignIterator(made.__next__)
    return made
