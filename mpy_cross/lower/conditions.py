"""Conditions: code that jumps on the truth of an expression, and constant conditions."""

from __future__ import annotations

from mpy_cross.loader.objects import Str as StrObject
from mpy_cross.loader.ops import Verb
from mpy_cross.lower.context import Context
from mpy_cross.tree import (
    BoolOp,
    CompKind,
    Comprehension,
    Const,
    Expr,
    Not,
    SmallInt,
    Str,
    Token,
    TokenLeaf,
    Tuple,
    TupleForm,
)

JUMP = int(Verb.JUMP)
POP_JUMP_IF = int(Verb.POP_JUMP_IF)


def constant_condition(c: Context, node: Expr) -> bool | None:
    """The truth of a constant condition, or None if it has to be computed."""
    kind = node.__class__
    if isinstance(node, SmallInt):
        return node.value != 0
    if isinstance(node, Token):
        token = node.token
        if token is TokenLeaf.NONE:
            return False if c.release.const_truth else None
        if token is TokenLeaf.ELLIPSIS:
            return True if c.release.const_truth else None
        return token is TokenLeaf.TRUE
    if c.release.const_truth:
        if isinstance(node, Str):
            return bool(node.value)
        if isinstance(node, Const):
            value = node.value
            return bool(value.data if isinstance(value, StrObject) else value)
        if kind is Tuple and isinstance(node, Tuple):
            return False if not node.items and node.form == TupleForm.PAREN else None
    return None


def lower_condition(c: Context, node: Expr, jump_if: bool, label: int) -> None:
    """Jump to `label` if the truth of `node` is `jump_if`, else fall through."""
    constant = constant_condition(c, node)
    if constant is not None:
        if constant is jump_if:
            c.ops.append((JUMP, label, 0))
        return
    if isinstance(node, BoolOp):
        if node.is_or is jump_if:
            for item in node.items:
                lower_condition(c, item, jump_if, label)
        else:
            skip = c.new_label()
            for item in node.items[:-1]:
                lower_condition(c, item, not jump_if, skip)
            lower_condition(c, node.items[-1], jump_if, label)
            c.place(skip)
        return
    if isinstance(node, Not):
        lower_condition(c, node.operand, not jump_if, label)
        return
    if c.release.paren_tuple_condition:
        truth = _parenthesised_truth(node)
        if truth is not None:
            if truth is jump_if:
                c.ops.append((JUMP, label, 0))
            return
    c.visit(node)
    c.ops.append((POP_JUMP_IF, label, int(jump_if)))


def _parenthesised_truth(node: Expr) -> bool | None:
    """Old releases take `(...)` with a tuple or a generator inside for a constant."""
    if isinstance(node, Tuple) and node.form == TupleForm.PAREN:
        return bool(node.items)
    if isinstance(node, Comprehension) and node.kind == CompKind.GENERATOR:
        return True
    return None
