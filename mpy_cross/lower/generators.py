"""Yielding and awaiting, as expressions, loops and comprehensions need it."""

from __future__ import annotations

from mpy_cross.loader.ops import ConstToken, Verb, pack_call
from mpy_cross.lower.context import Context

CALL_METHOD = int(Verb.CALL_METHOD)
GET_ITER = int(Verb.GET_ITER)
LOAD_CONST_TOK = int(Verb.LOAD_CONST_TOK)
LOAD_METHOD = int(Verb.LOAD_METHOD)
YIELD_FROM = int(Verb.YIELD_FROM)
YIELD_VALUE = int(Verb.YIELD_VALUE)
NONE = int(ConstToken.NONE)


def yield_value(c: Context) -> None:
    """Yield the object on the stack."""
    c.emit(YIELD_VALUE)
    c.reserve_labels(1)
    c.mark_generator()


def yield_from(c: Context) -> None:
    """Delegate to the iterable on the stack until it is exhausted."""
    c.emit(GET_ITER, 0)
    c.emit(LOAD_CONST_TOK, NONE)
    c.emit(YIELD_FROM)
    c.reserve_labels(3)
    c.mark_generator()


def await_method(c: Context, name: bytes) -> None:
    """Call a method without arguments of the object on the stack and await the result."""
    c.emit(LOAD_METHOD, c.name(name), 0)
    c.emit(CALL_METHOD, 0, pack_call(0, 0))
    yield_from(c)
