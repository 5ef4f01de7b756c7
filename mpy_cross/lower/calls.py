"""Calls, subscripts and attributes: atoms with trailers."""

from __future__ import annotations

from mpy_cross.loader.ops import STAR_DOUBLE, STAR_SINGLE, Verb, pack_call
from mpy_cross.lower.context import LOAD_FIRST_PARAM, Context
from mpy_cross.scope import ScopeKind
from mpy_cross.tree import (
    Argument,
    Attr,
    Await,
    Call,
    Comprehension,
    DoubleStarArg,
    Index,
    KeywordArg,
    Name,
    Primary,
    StarArg,
    Trailer,
    WalrusArg,
)

CALL_FUNCTION = int(Verb.CALL_FUNCTION)
CALL_METHOD = int(Verb.CALL_METHOD)
LOAD_ATTR = int(Verb.LOAD_ATTR)
LOAD_CONST_SMALL_INT = int(Verb.LOAD_CONST_SMALL_INT)
LOAD_CONST_STR = int(Verb.LOAD_CONST_STR)
LOAD_METHOD = int(Verb.LOAD_METHOD)
LOAD_NULL = int(Verb.LOAD_NULL)
LOAD_SUBSCR = int(Verb.LOAD_SUBSCR)


def lower_primary(c: Context, node: Primary | Await) -> None:
    c.visit(node.base)
    trailers = node.trailers
    if trailers:
        i = _special_primary(c, node, trailers)
        lower_trailers(c, trailers, i, len(trailers))


def lower_trailers(c: Context, trailers: list[Trailer], start: int, stop: int) -> None:
    """Trailers [start:stop] of the object on the stack; `.name(...)` becomes a method call."""
    i = start
    while i < stop:
        trailer = trailers[i]
        if i + 1 < stop and isinstance(trailer, Attr):
            following = trailers[i + 1]
            if isinstance(following, Call):
                c.ops.append((LOAD_METHOD, c.name(trailer.name), 0))
                lower_call(c, following.args, CALL_METHOD, 0)
                i += 2
                continue
        c.visit(trailer)
        i += 1


def _special_primary(c: Context, node: Primary | Await, trailers: list[Trailer]) -> int:
    """`super()` without arguments in a function; the number of trailers that were used up."""
    first = trailers[0]
    if not (
        isinstance(node.base, Name)
        and node.base.id == b"super"
        and isinstance(first, Call)
        and not first.args
        and c.scope.kind == ScopeKind.FUNCTION
    ):
        return 0
    c.load_id(b"__class__")
    if not c.first_parameter():
        c.fail(first, "super() can't find self")
        return 1
    c.emit(LOAD_FIRST_PARAM)
    if len(trailers) >= 3:
        attr, call = trailers[1], trailers[2]
        if isinstance(attr, Attr) and isinstance(call, Call):
            c.emit(LOAD_METHOD, c.name(attr.name), 1)
            lower_call(c, call.args, CALL_METHOD, 0)
            return 3
    c.emit(CALL_FUNCTION, 2, pack_call(0, 0))
    return 1


def lower_call_trailer(c: Context, node: Call) -> None:
    lower_call(c, node.args, CALL_FUNCTION, 0)


def lower_index(c: Context, node: Index) -> None:
    c.visit(node.index)
    c.ops.append((LOAD_SUBSCR, 0, 0))


def lower_attr(c: Context, node: Attr) -> None:
    c.ops.append((LOAD_ATTR, c.name(node.name), 0))


def lower_call(c: Context, args: list[Argument], verb: int, n_extra: int) -> None:
    """Arguments, then the call; the callee and `n_extra` positional ones are on the stack."""
    if c.release.star_args_bitmap:
        _lower_call_bitmap(c, args, verb, n_extra)
        return
    n_positional = n_extra
    n_keyword = 0
    star: StarArg | None = None
    double_star: DoubleStarArg | None = None
    for arg in args:
        if isinstance(arg, StarArg):
            if star is not None:
                c.fail(arg, "can't have multiple *x")
                return
            star = arg
        elif isinstance(arg, DoubleStarArg):
            if double_star is not None:
                c.fail(arg, "can't have multiple **x")
                return
            double_star = arg
        elif isinstance(arg, KeywordArg):
            lower_keyword(c, arg)
            n_keyword += 1
        elif isinstance(arg, WalrusArg):
            c.visitors[WalrusArg](c, arg)
            n_positional += 1
        elif is_bare_generator(arg):
            c.visit(arg)
            n_positional += 1
        else:
            if star is not None or double_star is not None:
                c.fail(arg, "non-keyword arg after */**")
                return
            if n_keyword:
                c.fail(arg, "non-keyword arg after keyword arg")
                return
            c.visit(arg)
            n_positional += 1
    flags = 0
    if star is not None or double_star is not None:
        if star is None:
            c.emit(LOAD_NULL)
        else:
            flags |= STAR_SINGLE
            c.visit(star.value)
        if double_star is None:
            c.emit(LOAD_NULL)
        else:
            flags |= STAR_DOUBLE
            c.visit(double_star.value)
    c.ops.append((verb, n_positional, pack_call(n_keyword, flags)))


def _lower_call_bitmap(c: Context, args: list[Argument], verb: int, n_extra: int) -> None:
    n_positional = n_extra
    n_keyword = 0
    flags = 0
    star_args = 0
    for i, arg in enumerate(args):
        if isinstance(arg, StarArg):
            if flags & STAR_DOUBLE:
                c.fail(arg, "* arg after **")
                return
            if n_keyword and c.release.star_after_keyword_refused:
                c.fail(arg, "* arg after kwarg")
                return
            if i >= c.options.small_int_bits - 1:
                c.fail(arg, "too many args")
                return
            flags |= STAR_SINGLE
            star_args |= 1 << i
            c.visit(arg.value)
            n_positional += 1
        elif isinstance(arg, DoubleStarArg):
            flags |= STAR_DOUBLE
            c.emit(LOAD_NULL)
            c.visit(arg.value)
            n_keyword += 1
        elif isinstance(arg, KeywordArg):
            lower_keyword(c, arg)
            n_keyword += 1
        elif isinstance(arg, WalrusArg):
            c.visitors[WalrusArg](c, arg)
            n_positional += 1
        elif is_bare_generator(arg):
            c.visit(arg)
            n_positional += 1
        else:
            if flags & STAR_DOUBLE:
                c.fail(arg, "positional arg after **")
                return
            if n_keyword:
                c.fail(arg, "positional arg after keyword arg")
                return
            c.visit(arg)
            n_positional += 1
    if flags:
        c.ops.append((LOAD_CONST_SMALL_INT, star_args, 0))
    c.ops.append((verb, n_positional, pack_call(n_keyword, flags)))


def lower_keyword(c: Context, arg: KeywordArg) -> None:
    """`name=value` of a call: key, then value."""
    if not isinstance(arg.name, Name):
        c.fail(arg, "LHS of keyword arg must be an id")
        return
    c.ops.append((LOAD_CONST_STR, c.name(arg.name.id), 0))
    c.visit(arg.value)


def is_bare_generator(arg: Argument) -> bool:
    """A generator that is an argument without parentheses of its own (it has no line)."""
    return isinstance(arg, Comprehension) and arg.line == 0
