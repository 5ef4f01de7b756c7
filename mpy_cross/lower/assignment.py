"""Assignment targets: storing, augmented loading and storing, deleting."""

from __future__ import annotations

from enum import IntEnum

from mpy_cross.loader.ops import Verb
from mpy_cross.lower.context import Context
from mpy_cross.tree import (
    Attr,
    CompKind,
    Comprehension,
    Expr,
    Index,
    List,
    Name,
    Primary,
    Star,
    Tuple,
    TupleForm,
)

DELETE_ATTR = int(Verb.DELETE_ATTR)
DELETE_SUBSCR = int(Verb.DELETE_SUBSCR)
DUP_TOP = int(Verb.DUP_TOP)
DUP_TOP_TWO = int(Verb.DUP_TOP_TWO)
LOAD_ATTR = int(Verb.LOAD_ATTR)
LOAD_SUBSCR = int(Verb.LOAD_SUBSCR)
ROT_THREE = int(Verb.ROT_THREE)
ROT_TWO = int(Verb.ROT_TWO)
STORE_ATTR = int(Verb.STORE_ATTR)
STORE_SUBSCR = int(Verb.STORE_SUBSCR)
UNPACK_EX = int(Verb.UNPACK_EX)
UNPACK_SEQUENCE = int(Verb.UNPACK_SEQUENCE)

CANNOT_ASSIGN = "can't assign to expression"
CANNOT_DELETE = "can't delete expression"


class Mode(IntEnum):
    """What is done with a target."""

    STORE = 0
    AUG_LOAD = 1  # first half of `x op= y`: leaves what AUG_STORE needs below the value
    AUG_STORE = 2


def lower_target(c: Context, node: Expr, mode: Mode = Mode.STORE) -> None:
    """Store the object on the stack to `node`, or one half of an augmented assignment."""
    if isinstance(node, Name):
        if mode == Mode.AUG_LOAD:
            c.load_id(node.id)
        else:
            c.store_id(node.id)
    elif isinstance(node, Primary):
        _primary_target(c, node, mode)
    else:
        items = _target_items(node) if mode == Mode.STORE else None
        if items is None:
            c.fail(node, CANNOT_ASSIGN)
            return
        _unpack(c, items)


def _target_items(node: Expr) -> list[Expr] | None:
    """The targets inside a tuple or list, or None if `node` is no sequence of targets."""
    if isinstance(node, List):
        return node.items
    if isinstance(node, Tuple):
        if node.form == TupleForm.PAREN:
            return node.items or None
        if node.form in (TupleForm.STATEMENT, TupleForm.TARGETS):
            return node.items
    return None


def _primary_target(c: Context, node: Primary, mode: Mode) -> None:
    if mode != Mode.AUG_STORE:
        c.visit(node.base)
        for trailer in node.trailers[:-1]:
            c.visit(trailer)
    last = node.trailers[-1]
    if isinstance(last, Index):
        if mode == Mode.AUG_STORE:
            c.emit(ROT_THREE)
            c.emit(STORE_SUBSCR)
        else:
            c.visit(last.index)
            if mode == Mode.AUG_LOAD:
                c.emit(DUP_TOP_TWO)
                c.emit(LOAD_SUBSCR)
            else:
                c.emit(STORE_SUBSCR)
    elif isinstance(last, Attr):
        name = c.name(last.name)
        if mode == Mode.AUG_LOAD:
            c.emit(DUP_TOP)
            c.emit(LOAD_ATTR, name)
        else:
            if mode == Mode.AUG_STORE:
                c.emit(ROT_TWO)
            c.emit(STORE_ATTR, name)
    else:
        c.fail(node, CANNOT_ASSIGN)


def _unpack(c: Context, items: list[Expr]) -> None:
    star = -1
    for i, item in enumerate(items):
        if isinstance(item, Star):
            if star >= 0:
                c.fail(item, "multiple *x in assignment")
                return
            star = i
            c.emit(UNPACK_EX, i, len(items) - i - 1)
    if star < 0:
        c.emit(UNPACK_SEQUENCE, len(items))
    for item in items:
        lower_target(c, item.value if isinstance(item, Star) else item)


def lower_delete_target(c: Context, node: Expr) -> None:
    """`del node`."""
    if isinstance(node, Name):
        c.delete_id(node.id)
    elif isinstance(node, Primary):
        c.visit(node.base)
        for trailer in node.trailers[:-1]:
            c.visit(trailer)
        last = node.trailers[-1]
        if isinstance(last, Index):
            c.visit(last.index)
            c.emit(DELETE_SUBSCR)
        elif isinstance(last, Attr):
            c.emit(DELETE_ATTR, c.name(last.name))
        else:
            c.fail(node, CANNOT_DELETE)
            return
    elif isinstance(node, Tuple) and node.form == TupleForm.PAREN:
        if not node.items:
            c.fail(None, CANNOT_DELETE)
            return
        for item in node.items:
            lower_delete_target(c, item)
    else:
        line = node.line
        if isinstance(node, Comprehension) and node.kind == CompKind.GENERATOR:
            line = node.inner_line
        c.fail_at(line, CANNOT_DELETE)
