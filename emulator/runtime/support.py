"""What translated code calls: operators that differ from the host's, classes, calls, iteration."""

from __future__ import annotations

from collections.abc import Iterator
from types import GeneratorType
from typing import Any, final

from mpy_cross.emulator.runtime import attributes, errors, memory
from mpy_cross.emulator.runtime.arguments import buffer_of
from mpy_cross.emulator.runtime.facts import LANGUAGE
from mpy_cross.emulator.runtime.formatting import percent
from mpy_cross.emulator.runtime.generators import foreign
from mpy_cross.emulator.runtime.integers import float_power
from mpy_cross.emulator.runtime.sets import display
from mpy_cross.emulator.runtime.types import (
    BY_HOST,
    BuiltinType,
    Cell,
    Module,
    MpClass,
    new_class,
    type_name,
)

DOT = "\u00b7"
"""In the names of what translated code uses; programs do not get at them."""
BIG_BITS = memory.LARGE * 8
"""Bits from which on the memory for an int is announced."""
HUGE = 1 << BIG_BITS
MINUS_HUGE = -HUGE
"""Kept, as each negation would copy all its bits."""


def is_(a: Any, b: Any) -> bool:
    """`a is b`: small ints and short strings are the same object when they are equal."""
    if a is b:
        return True
    kind = type(a)
    if kind is not type(b):
        return False
    if kind is int:
        return bool(a == b and -(1 << 30) <= a < 1 << 30)
    if kind is str:
        return bool(a == b and len(a) <= 10)
    return bool(kind is tuple and not a and not b) or (kind is bytes and not a and not b)


def multiply(a: Any, b: Any) -> Any:
    """`a * b`; a sequence may not grow beyond the memory."""
    if type(a) is int:
        if type(b) is int:
            product = a * b
            if not MINUS_HUGE < product < HUGE:
                memory.integer(product.bit_length())
            return product
        if isinstance(b, (str, bytes, list, tuple)):
            memory.repeated(b, a)
    elif type(b) is int and isinstance(a, (str, bytes, list, tuple)):
        memory.repeated(a, b)
    try:
        return a * b
    except TypeError as error:
        raise _not_multiplied(error, "__mul__", a, b) from None


def _not_multiplied(error: TypeError, name: str, a: Any, b: Any) -> TypeError:
    """The error of a sequence that was multiplied by no int; others stay as they are."""
    if str(error).startswith("can't multiply sequence by non-int"):
        return TypeError(f"unsupported types for {name}: '{type_name(a)}', '{type_name(b)}'")
    return error


def inplace_multiply(a: Any, b: Any) -> Any:
    """`a *= b`."""
    if type(a) is int and type(b) is int:
        return multiply(a, b)
    if isinstance(a, (str, bytes, list, tuple)) and type(b) is int:
        memory.repeated(a, b)
    try:
        a *= b
    except TypeError as error:
        raise _not_multiplied(error, "__imul__", a, b) from None
    return a


def divide(a: Any, b: Any) -> Any:
    """`a / b`."""
    if type(a) is int and type(b) is int:
        return FLOAT[0](a / b)
    return a / b


def inplace_divide(a: Any, b: Any) -> Any:
    """`a /= b`."""
    if type(a) is int:
        return divide(a, b)
    a /= b
    return a


def _defines(obj: Any, name: str) -> bool:
    """Whether the class of the object, one of the program's, has its own such method."""
    cls: Any = type(obj)
    return isinstance(cls, MpClass) and any(
        name in base.__dict__ for base in cls.__mro__ if isinstance(base, MpClass)
    )


def modulo(a: Any, b: Any) -> Any:
    """`a % b`; formatting is the run-time's."""
    if type(a) is int:
        return a % b
    if isinstance(a, (str, bytes)) and not _defines(a, "__mod__"):
        return percent(a, b)
    return a % b


def inplace_modulo(a: Any, b: Any) -> Any:
    """`a %= b`."""
    if type(a) is int or isinstance(a, (str, bytes)):
        return modulo(a, b)
    a %= b
    return a


def power(a: Any, b: Any) -> Any:
    """`a ** b`."""
    if type(a) is int and type(b) is int and b > 64 and a.bit_length() * b > BIG_BITS:
        memory.integer((a.bit_length() - 1) * b)
    inexact = isinstance(a, float) or isinstance(b, float) or (type(b) is int and b < 0)
    if inexact and isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return float_power(FLOAT[0](a), FLOAT[0](b))
    return a**b


def inplace_power(a: Any, b: Any) -> Any:
    """`a **= b`."""
    if type(a) is int or isinstance(a, float):
        return power(a, b)
    a **= b
    return a


def lshift(a: Any, b: Any) -> Any:
    """`a << b`."""
    if type(b) is int and b > BIG_BITS and isinstance(a, int) and a:
        memory.integer(a.bit_length() + b)
    return a << b


def inplace_lshift(a: Any, b: Any) -> Any:
    """`a <<= b`."""
    if type(a) is int:
        return lshift(a, b)
    a <<= b
    return a


def in_bytes(item: Any, data: bytes) -> bool:
    """`item in data`: a byte, or what has the buffer protocol; nothing else is in it."""
    if type(item) is int:
        return 0 <= item < 256 and item in data
    part = buffer_of(item)
    return part is not None and part in data


# --------------------------------------------------------------------------------- subscripts


def get_slice(obj: Any, index: slice) -> Any:
    """`obj[a:b:c]`."""
    if (
        index.step is not None
        and index.step != 1
        and isinstance(obj, (str, bytes, tuple))
        and not _defines(obj, "__getitem__")
    ):
        # Manual 3.8.3, 3.8.8, 3.8.9.
        raise NotImplementedError("only slices with step=1 (aka None) are supported")
    return obj[index]


def set_slice(obj: Any, index: slice, value: Any) -> None:
    """`obj[a:b] = value`."""
    if isinstance(obj, list) and not _defines(obj, "__setitem__"):
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"object '{type_name(value)}' isn't a tuple or list")
        if index.step is not None and index.step != 1:
            raise NotImplementedError()
    obj[index] = value


def del_item(obj: Any, index: Any) -> None:
    """`del obj[index]`."""
    if type(index) is slice and type(obj) is list and index.step not in (None, 1):
        raise NotImplementedError()
    try:
        del obj[index]
    except TypeError as error:
        if "doesn't support item deletion" in str(error) or "does not support" in str(error):
            raise TypeError(f"'{type_name(obj)}' object doesn't support item deletion") from None
        raise


# ---------------------------------------------------------------------------------- iteration


@final
class ForeignIterator:
    """An object of the program with `__next__` only, as an iterator of the host."""

    __slots__ = ("step",)

    def __init__(self, step: Any) -> None:
        self.step = step

    def __iter__(self) -> ForeignIterator:
        return self

    def __next__(self) -> Any:
        return self.step()


def iter_(obj: Any) -> Iterator[Any]:
    """`iter(obj)` for a loop of the host."""
    try:
        made: Any = iter(obj)
    except TypeError as error:
        if type(type(obj)) is MpClass and "iter() returned non-iterator" in str(error):
            raise TypeError(f"'{type_name(obj)}' object isn't iterable") from None
        if "not iterable" in str(error):
            raise TypeError(f"'{type_name(obj)}' object isn't iterable") from None
        raise
    if type(type(made)) is MpClass and not hasattr(made, "__iter__"):
        return ForeignIterator(made.__next__)
    return made  # type: ignore[no-any-return]


def delegate(obj: Any) -> Any:
    """The iterator for `yield from obj`."""
    if type(obj) is GeneratorType:
        return obj
    if isinstance(type(obj), MpClass):
        return foreign(obj)
    return obj


def star(value: Any) -> Any:
    """The values for `*value` in a call by machine code."""
    return BUILTINS[f"star{DOT}"](value)


def double_star(value: Any) -> dict[str, Any]:
    """The values for `**value` in a call."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError("keywords must be strings")
        return value
    keys = attributes.attribute(value, "keys")
    return {key: value[key] for key in keys()}


def leave_with(leave: Any, cause: Any) -> Any:
    """Call `__exit__` at the end of a `with`; what is left for END_FINALLY."""
    if isinstance(cause, BaseException):
        swallowed = leave(attributes.visible_type(cause), cause, None)
        return None if swallowed else cause
    leave(None, None, None)
    return cause


# -------------------------------------------------------------------------------------- names


def load_name(local: dict[str, Any], module: dict[str, Any], name: str) -> Any:
    """A name of a class body, or of code run by `exec`: local, global, built in."""
    if name in local:
        return local[name]
    if name in module:
        return module[name]
    builtins = BUILTINS.get(name, local) if DOT not in name else local
    if builtins is not local:
        return builtins
    raise NameError(f"name '{name}' isn't defined")


FLOAT: list[type[float]] = [float]
"""The type of floats of the active run-time."""
BUILTINS: dict[str, Any] = {}
"""The names that every module sees; filled by `builtins`."""


HOST_FRAMES: dict[Any, Any] = {}
"""By code of a function of the host that runs machine code: what gives the globals and locals of
that, from the frame."""


def delete_name(where: dict[str, Any], name: str) -> None:
    """`del name`."""
    if name not in where:
        raise NameError(f"name '{name}' isn't defined")
    del where[name]


def build_class(body: Any, name: str, *bases: Any, **keywords: Any) -> MpClass:
    """`class name(bases): body`."""
    if keywords:
        raise TypeError("metaclasses are not supported")
    namespace: dict[str, Any] = {}
    machine = getattr(type(body), "with_names", None)
    cell = body(namespace) if machine is None else machine(body, namespace)
    made = new_class(name, bases, namespace)
    if isinstance(cell, Cell):
        cell.value = made
    if LANGUAGE[0].set_name:
        for key, value in list(namespace.items()):
            if type(type(value)) is MpClass:
                method = attributes.lookup(type(value), "__set_name__")
                if not attributes.is_missing(method):
                    method(value, made, key)
    return made


def import_from(module: Any, name: str) -> Any:
    """`from module import name`."""
    try:
        return attributes.attribute(module, name)
    except AttributeError:
        raise ImportError(f"cannot import name {name}") from None


def import_star(module: Module, names: dict[str, Any]) -> None:
    """`from module import *`: the names of `__all__`, which releases before 1.26 do not know, else
    those without a leading underscore."""
    if LANGUAGE[0].star_all:
        chosen = attributes.attribute_or(module, "__all__", None)
        if chosen is not None:
            if not isinstance(chosen, (list, tuple)):
                raise TypeError(f"object '{type_name(chosen)}' isn't a tuple or list")
            for name in chosen:
                if not isinstance(name, str):
                    raise TypeError(f"can't convert '{type_name(name)}' object to str implicitly")
                names[name] = attributes.attribute(module, name)
            return
    for name, value in list(module.__dict__.items()):
        if not name.startswith("_"):
            names[name] = value


def helpers() -> dict[str, Any]:
    """The names with a middle dot that translated code uses, those of the run-time aside."""
    table = {
        "NULL": None,
        "errors": errors.PROGRAM_ERRORS,
        "caught": errors.caught,
        "raised": errors.raised,
        "reraised": errors.reraised,
        "matches": errors.matches,
        "attribute": attributes.attribute,
        "method": attributes.method,
        "set_attribute": attributes.set_attribute,
        "del_attribute": attributes.del_attribute,
        "super_attribute": attributes.super_attribute,
        "Cell": Cell,
        "end": object(),
        "next": next,
        "iter": iter_,
        "slice": slice,
        "set": display,
        "type": type,
        "int": int,
        "is_": is_,
        "multiply": multiply,
        "inplace_multiply": inplace_multiply,
        "divide": divide,
        "inplace_divide": inplace_divide,
        "modulo": modulo,
        "inplace_modulo": inplace_modulo,
        "power": power,
        "inplace_power": inplace_power,
        "lshift": lshift,
        "inplace_lshift": inplace_lshift,
        "get_slice": get_slice,
        "set_slice": set_slice,
        "del_item": del_item,
        "delegate": delegate,
        "double_star": double_star,
        "leave_with": leave_with,
        "load_name": load_name,
        "delete_name": delete_name,
        "import_from": import_from,
        "import_star": import_star,
    }
    return {f"{name}\u00b7": value for name, value in table.items()}


__all__ = ["BY_HOST", "BuiltinType", "helpers"]
