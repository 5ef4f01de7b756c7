"""Entries of mp_fun_table: names, attributes, operators, making and taking apart of objects."""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import MethodType
from typing import TYPE_CHECKING, Any, Final

from mpy_cross.emulator.runtime import attributes, errors, support
from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.buffers import address_of, has_buffer
from mpy_cross.emulator.runtime.native.handles import FALSE, NULL, SENTINEL, TRUE, WORD
from mpy_cross.emulator.runtime.native.region import BASE
from mpy_cross.emulator.runtime.native.traps import Trap
from mpy_cross.emulator.runtime.sets import display

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.native.bridge import Bridge

NATIVE_OBJECT, NATIVE_BOOL, NATIVE_INT, NATIVE_UINT = 0, 1, 2, 3

_MISSING: Final[Any] = object()

def _contains(item: Any, container: Any) -> bool:
    if type(container) is bytes:
        return support.in_bytes(item, container)
    return item in container


def _of_bits(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def operation(left: Any, right: Any) -> Any:
        result = function(left, right)
        # Of two bools the host makes a bool, MicroPython an int.
        return int(result) if type(left) is type(right) is bool else result

    return operation


BINARY: Final[tuple[Callable[[Any, Any], Any], ...]] = (
    operator.lt, operator.gt, operator.eq, operator.le, operator.ge, operator.ne,
    _contains,
    support.is_,
    errors.matches,
    *[_of_bits(each) for each in (operator.ior, operator.ixor, operator.iand)],
    support.inplace_lshift, operator.irshift,
    operator.iadd, operator.isub, support.inplace_multiply, operator.imatmul, operator.ifloordiv,
    support.inplace_divide, support.inplace_modulo, support.inplace_power,
    *[_of_bits(each) for each in (operator.or_, operator.xor, operator.and_)],
    support.lshift, operator.rshift,
    operator.add, operator.sub, support.multiply, operator.matmul, operator.floordiv,
    support.divide, support.modulo, support.power,
)  # fmt: skip
"""By BinaryOp."""
UNARY: Final[tuple[Callable[[Any], Any], ...]] = (
    operator.pos, operator.neg, operator.invert, operator.not_,
)  # fmt: skip
"""By UnaryOp."""


def object_entries(bridge: Bridge) -> dict[str, Trap]:
    """These entries, by name."""
    return {**_names(bridge), **_attributes(bridge), **_operators(bridge), **_made(bridge),
            **_taken_apart(bridge), **_conversions(bridge)}


def _conversions(bridge: Bridge) -> dict[str, Trap]:
    word, value = bridge.handles.word, bridge.handles.value

    def to_native(obj: int, kind: int, c: int, d: int) -> int:
        kind &= 15
        if kind == NATIVE_OBJECT:
            return obj
        if obj & 1 and kind != NATIVE_BOOL:
            return obj >> 1 | (obj & 0x8000_0000)
        thing = value(obj)
        if kind == NATIVE_BOOL:
            return 1 if thing else 0
        if kind > NATIVE_UINT and has_buffer(thing):
            return address_of(thing)
        return as_int(thing) & WORD

    def to_object(native: int, kind: int, c: int, d: int) -> int:
        kind &= 15
        if kind == NATIVE_OBJECT:
            return native
        if kind == NATIVE_BOOL:
            return word(native != 0)
        if kind == NATIVE_INT and native & 0x8000_0000:
            native -= 0x1_0000_0000
        return word(native)

    return {"convert_obj_to_native": to_native, "convert_native_to_obj": to_object}


def _names(bridge: Bridge) -> dict[str, Trap]:
    word, value, names = bridge.handles.word, bridge.handles.value, bridge.handles.names
    builtins = bridge.runtime.builtins

    def swap_globals(new: int, b: int, c: int, d: int) -> int:
        if new == NULL:
            return NULL
        wanted = value(new)
        old = bridge.globals
        if wanted is old:
            return NULL
        bridge.globals = wanted
        return bridge.handles.new(old)

    def load_name(name: int, b: int, c: int, d: int) -> int:
        return word(support.load_name(bridge.locals, bridge.globals, names[name]))

    def load_global(name: int, b: int, c: int, d: int) -> int:
        text = names[name]
        found = bridge.globals.get(text, _MISSING)
        if found is _MISSING:
            found = builtins.get(text, _MISSING)
            if found is _MISSING:
                raise NameError(f"name '{text}' isn't defined")
        return word(found)

    def load_build_class(a: int, b: int, c: int, d: int) -> int:
        return word(builtins["__build_class__"])

    def store_name(name: int, obj: int, c: int, d: int) -> None:
        bridge.locals[names[name]] = value(obj)

    def store_global(name: int, obj: int, c: int, d: int) -> None:
        bridge.globals[names[name]] = value(obj)

    def delete_name(name: int, b: int, c: int, d: int) -> None:
        support.delete_name(bridge.locals, names[name])

    def delete_global(name: int, b: int, c: int, d: int) -> None:
        support.delete_name(bridge.globals, names[name])

    def import_name(name: int, wanted: int, level: int, d: int) -> int:
        load = builtins["import_name\u00b7"]
        return word(load(bridge.globals, names[name], value(wanted), value(level)))

    def import_from(module: int, name: int, c: int, d: int) -> int:
        return word(support.import_from(value(module), names[name]))

    def import_all(module: int, b: int, c: int, d: int) -> None:
        support.import_star(value(module), bridge.locals)

    return {
        "native_swap_globals": swap_globals,
        "load_name": load_name,
        "load_global": load_global,
        "load_build_class": load_build_class,
        "store_name": store_name,
        "store_global": store_global,
        "delete_name": delete_name,
        "delete_global": delete_global,
        "import_name": import_name,
        "import_from": import_from,
        "import_all": import_all,
    }


def _attributes(bridge: Bridge) -> dict[str, Trap]:
    word, value, names = bridge.handles.word, bridge.handles.value, bridge.handles.names
    words = bridge.region.words

    def put_method(found: Any, at: int) -> None:
        """A method for a call that follows: the function, and the object that goes before the
        arguments."""
        at = at - BASE >> 2
        if type(found) is MethodType:
            words[at] = word(found.__func__)
            words[at + 1] = word(found.__self__)
        else:
            words[at] = word(found)
            words[at + 1] = NULL

    def load_attr(obj: int, name: int, c: int, d: int) -> int:
        return word(attributes.attribute(value(obj), names[name]))

    def load_method(obj: int, name: int, to: int, d: int) -> None:
        put_method(attributes.method(value(obj), names[name]), to)

    def load_super_method(name: int, to: int, c: int, d: int) -> None:
        at = to - BASE >> 2
        cls, obj = value(words[at + 1]), value(words[at + 2])
        put_method(attributes.super_attribute(cls, obj, names[name]), to)

    def load_method_maybe(obj: int, name: int, to: int, d: int) -> None:
        try:
            found = attributes.method(value(obj), names[name])
        except AttributeError:
            words[to - BASE >> 2] = words[(to - BASE >> 2) + 1] = NULL
        else:
            put_method(found, to)

    def store_attr(obj: int, name: int, new: int, d: int) -> None:
        if new == NULL:
            attributes.del_attribute(value(obj), names[name])
        else:
            attributes.set_attribute(value(obj), names[name], value(new))

    return {
        "load_attr": load_attr,
        "load_method": load_method,
        "load_method_maybe": load_method_maybe,
        "load_super_method": load_super_method,
        "store_attr": store_attr,
    }


def _operators(bridge: Bridge) -> dict[str, Trap]:
    word, value = bridge.handles.word, bridge.handles.value
    set_item = bridge.runtime.locked_heap.set_item

    def subscr(obj: int, index: int, new: int, d: int) -> int | None:
        where, key = value(obj), value(index)
        if new == SENTINEL:
            if type(key) is slice:
                return word(support.get_slice(where, key))
            return word(where[key])
        if new == NULL:
            support.del_item(where, key)
        elif type(key) is slice:
            set_item(where, key, value(new))
        else:
            where[key] = value(new)
        return word(None)

    def is_true(obj: int, b: int, c: int, d: int) -> int:
        if obj == TRUE:
            return 1
        return 0 if obj == FALSE or not value(obj) else 1

    def unary_op(op: int, obj: int, c: int, d: int) -> int:
        return word(UNARY[op](value(obj)))

    def binary_op(op: int, left: int, right: int, d: int) -> int:
        result = BINARY[op](value(left), value(right))
        if result is True:
            return TRUE
        return FALSE if result is False else word(result)

    def floor_divide(left: int, right: int, c: int, d: int) -> int:
        return _signed(left) // _signed(right) & WORD

    def modulo(left: int, right: int, c: int, d: int) -> int:
        return _signed(left) % _signed(right) & WORD

    return {
        "obj_subscr": subscr,
        "obj_is_true": is_true,
        "unary_op": unary_op,
        "binary_op": binary_op,
        "small_int_floor_divide": floor_divide,
        "small_int_modulo": modulo,
    }


def _signed(word: int) -> int:
    return (word ^ 0x8000_0000) - 0x8000_0000


def _made(bridge: Bridge) -> dict[str, Trap]:
    word, value = bridge.handles.word, bridge.handles.value
    words = bridge.region.words

    def items(count: int, at: int) -> list[Any]:
        at = at - BASE >> 2
        return [value(each) for each in words[at : at + count].tolist()]

    def build_tuple(count: int, at: int, c: int, d: int) -> int:
        return word(tuple(items(count, at)))

    def build_list(count: int, at: int, c: int, d: int) -> int:
        return word(items(count, at) if at else [None] * count)

    def build_map(count: int, b: int, c: int, d: int) -> int:
        return word({})

    def build_set(count: int, at: int, c: int, d: int) -> int:
        return word(display(tuple(items(count, at))))

    def store_set(where: int, item: int, c: int, d: int) -> None:
        value(where).add(value(item))

    def list_append(where: int, item: int, c: int, d: int) -> int:
        value(where).append(value(item))
        return word(None)

    def store_map(where: int, key: int, item: int, d: int) -> int:
        value(where)[value(key)] = value(item)
        return where

    def new_slice(start: int, stop: int, step: int, d: int) -> int:
        return word(slice(value(start), value(stop), value(step) if step else None))

    return {
        "build_tuple": build_tuple,
        "build_list": build_list,
        "build_map": build_map,
        "build_set": build_set,
        "store_set": store_set,
        "list_append": list_append,
        "store_map": store_map,
        "new_slice": new_slice,
    }


def _taken_apart(bridge: Bridge) -> dict[str, Trap]:
    word, value = bridge.handles.word, bridge.handles.value
    words = bridge.region.words

    def unpack_sequence(sequence: int, count: int, to: int, d: int) -> None:
        obj = value(sequence)
        found: list[Any] = []
        if type(obj) is tuple or type(obj) is list:
            found = list(obj)
        else:
            for item in support.iter_(obj):
                found.append(item)
                if len(found) > count:
                    break
        if len(found) < count:
            raise ValueError(f"need more than {len(found)} values to unpack")
        if len(found) > count:
            raise ValueError(f"too many values to unpack (expected {count})")
        at = to - BASE >> 2
        for item in reversed(found):
            words[at] = word(item)
            at += 1

    def unpack_ex(sequence: int, counts: int, to: int, d: int) -> None:
        left, right = counts & 255, counts >> 8 & 255
        found = list(support.iter_(value(sequence)))
        if len(found) < left + right:
            raise ValueError(f"need more than {len(found)} values to unpack")
        end = len(found) - right
        at = to - BASE >> 2
        for item in [*reversed(found[end:]), found[left:end], *reversed(found[:left])]:
            words[at] = word(item)
            at += 1

    return {"unpack_sequence": unpack_sequence, "unpack_ex": unpack_ex}
