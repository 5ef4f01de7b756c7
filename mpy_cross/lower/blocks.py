"""Statements that set up a handler: try, with, async for, async with."""

from __future__ import annotations

from mpy_cross.loader.ops import BinaryOp, ConstToken, ScopeFlag, Verb, pack_call
from mpy_cross.lower.assignment import lower_target
from mpy_cross.lower.context import Context
from mpy_cross.lower.definitions import lower_func_def_as
from mpy_cross.lower.generators import await_method, yield_from
from mpy_cross.tree import (
    Async,
    Comprehension,
    ExceptHandler,
    Expr,
    For,
    FuncDef,
    Name,
    Stmt,
    Str,
    Try,
    With,
)

ADJUST = int(Verb.ADJUST)
ASYNC_WITH_SETUP_FINALLY = int(Verb.ASYNC_WITH_SETUP_FINALLY)
BINARY_OP = int(Verb.BINARY_OP)
CALL_METHOD = int(Verb.CALL_METHOD)
DUP_TOP = int(Verb.DUP_TOP)
END_EXCEPT_HANDLER = int(Verb.END_EXCEPT_HANDLER)
JUMP = int(Verb.JUMP)
LOAD_ATTR = int(Verb.LOAD_ATTR)
LOAD_CONST_TOK = int(Verb.LOAD_CONST_TOK)
LOAD_GLOBAL = int(Verb.LOAD_GLOBAL)
LOAD_METHOD = int(Verb.LOAD_METHOD)
POP_EXCEPT_JUMP = int(Verb.POP_EXCEPT_JUMP)
POP_JUMP_IF = int(Verb.POP_JUMP_IF)
POP_TOP = int(Verb.POP_TOP)
ROT_THREE = int(Verb.ROT_THREE)
ROT_TWO = int(Verb.ROT_TWO)
SETUP_EXCEPT = int(Verb.SETUP_EXCEPT)
SETUP_FINALLY = int(Verb.SETUP_FINALLY)
SETUP_WITH = int(Verb.SETUP_WITH)
START_EXCEPT_HANDLER = int(Verb.START_EXCEPT_HANDLER)
WITH_CLEANUP = int(Verb.WITH_CLEANUP)
NONE = int(ConstToken.NONE)
GENERATOR = int(ScopeFlag.GENERATOR)
EXCEPTION_MATCH = int(BinaryOp.EXCEPTION_MATCH)

# A try body with `finally` may be left by a jump, whose state takes three stack slots.
UNWIND_SLOTS = 3


# ---------------------------------------------------------------------------------------------- try


def lower_try(c: Context, node: Try) -> None:
    if node.final is None:
        _lower_try_except(c, node)
        return
    finally_block = c.new_label()
    c.begin_block(SETUP_FINALLY, finally_block)
    if node.handlers:
        _lower_try_except(c, node)
    else:
        c.emit(ADJUST, UNWIND_SLOTS)
        c.visit(node.body)
        c.emit(ADJUST, -UNWIND_SLOTS)
    c.emit(LOAD_CONST_TOK, NONE)  # tells END_FINALLY that the body ended normally
    c.place(finally_block)
    if c.release.finally_return_slot:
        c.emit(ADJUST, 1)
    c.visit(node.final)
    if c.release.finally_return_slot:
        c.emit(ADJUST, -1)
    c.end_block()


def _lower_try_except(c: Context, node: Try) -> None:
    handler_label = c.new_label()
    success = c.new_label()
    c.begin_block(SETUP_EXCEPT, handler_label)
    c.visit(node.body)
    c.emit(POP_EXCEPT_JUMP, success, 0)
    c.place(handler_label)
    c.emit(START_EXCEPT_HANDLER)
    end = c.new_label()
    for i, handler in enumerate(node.handlers):
        if handler.type is None and i + 1 < len(node.handlers):
            c.fail_at(handler.line, "default 'except' must be last")
            return
        _lower_handler(c, handler, end)
    c.end_block()
    c.emit(END_EXCEPT_HANDLER)
    c.place(success)
    c.visit_optional(node.orelse)
    c.place(end)


def _lower_handler(c: Context, handler: ExceptHandler, end: int) -> None:
    """One except clause; the exception is on the stack."""
    no_match = c.new_label()
    if handler.type is not None:
        c.emit(DUP_TOP)
        c.visit(handler.type)
        c.emit(BINARY_OP, EXCEPTION_MATCH)
        c.emit(POP_JUMP_IF, no_match, 0)
    if handler.name is None:
        c.emit(POP_TOP)
        c.visit(handler.body)
    else:
        # The name goes away again after the clause, come what may.
        c.store_id(handler.name)
        cleanup = c.new_label()
        c.begin_block(SETUP_FINALLY, cleanup)
        c.visit(handler.body)
        c.emit(LOAD_CONST_TOK, NONE)
        c.place(cleanup)
        if c.release.finally_return_slot:
            c.emit(ADJUST, 1)
        c.emit(LOAD_CONST_TOK, NONE)
        c.store_id(handler.name)
        c.delete_id(handler.name)
        if c.release.finally_return_slot:
            c.emit(ADJUST, -1)
        c.end_block()
    c.emit(POP_EXCEPT_JUMP, end, 1)
    c.place(no_match)
    c.emit(ADJUST, 1)  # the exception is still there for the next clause


# --------------------------------------------------------------------------------------------- with


def lower_with(c: Context, node: With) -> None:
    _lower_with_items(c, node.items, 0, node.body)


def _lower_with_items(
    c: Context, items: list[tuple[Expr, Expr | None]], i: int, body: Stmt
) -> None:
    if i == len(items):
        c.visit(body)
        return
    end = c.new_label()
    manager, target = items[i]
    c.visit(manager)
    c.begin_block(SETUP_WITH, end)
    if target is None:
        c.emit(POP_TOP)
    else:
        lower_target(c, target)
    _lower_with_items(c, items, i + 1, body)
    c.emit(WITH_CLEANUP, end)
    c.reserve_labels(3)
    c.end_block()


# -------------------------------------------------------------------------------------------- async


def lower_async(c: Context, node: Async) -> None:
    inner = node.body
    if isinstance(inner, FuncDef):
        scope = lower_func_def_as(c, inner, c.scope.emit)
        c.store_id(inner.name)
        scope.flags |= GENERATOR
        return
    if c.release.async_scope_checked and not c.scope.flags & GENERATOR:
        c.fail(inner, "async for/with outside async function")
        return
    if isinstance(inner, For):
        _lower_async_for(c, inner)
    else:
        _lower_async_with_items(c, inner.items, 0, inner.body)


def _iterator_variable(c: Context, it: Expr) -> bytes:
    """Where old releases keep the iterator of `async for`.

    They take the expression for a name: a real name is overwritten (and so the user's variable), a
    string names a variable, anything else becomes a variable that no program can name.
    """
    if isinstance(it, Name):
        return it.id
    if isinstance(it, Str):
        return it.value
    if isinstance(it, Comprehension):
        return b"\0%d:%d" % (it.line, c.n_labels)
    return b"\0%d" % c.n_labels


def _lower_async_for(c: Context, node: For) -> None:
    on_stack = c.release.async_for_keeps_iterator
    while_else = c.new_label()
    handler = c.new_label()
    try_else = c.new_label()
    try_finally = c.new_label()
    variable = b"" if on_stack else _iterator_variable(c, node.iter)
    c.visit(node.iter)
    c.emit(LOAD_METHOD, c.name(b"__aiter__"), 0)
    c.emit(CALL_METHOD, 0, pack_call(0, 0))
    if c.release.aiter_awaited:
        yield_from(c)
    if not on_stack:
        c.store_id(variable)
    saved = c.begin_loop()
    break_label, continue_label = c.break_label, c.continue_label
    c.place(continue_label)
    c.begin_block(SETUP_EXCEPT, handler)
    if on_stack:
        c.emit(DUP_TOP)
    else:
        c.load_id(variable)
    await_method(c, b"__anext__")
    lower_target(c, node.target)
    c.emit(POP_EXCEPT_JUMP, try_else, 0)
    c.place(handler)
    c.emit(START_EXCEPT_HANDLER)
    c.emit(DUP_TOP)
    c.emit(LOAD_GLOBAL, c.name(b"StopAsyncIteration"), 1)
    c.emit(BINARY_OP, EXCEPTION_MATCH)
    c.emit(POP_JUMP_IF, try_finally, 0)
    c.emit(POP_TOP)
    c.emit(POP_EXCEPT_JUMP, while_else, 1)
    c.place(try_finally)
    c.emit(ADJUST, 1)  # the exception is on the stack here
    c.end_block()
    c.emit(END_EXCEPT_HANDLER)
    c.place(try_else)
    c.visit(node.body)
    c.emit(JUMP, continue_label)
    c.end_loop(saved)
    c.place(while_else)
    c.visit_optional(node.orelse)
    c.place(break_label)
    if on_stack:
        c.emit(POP_TOP)


def _lower_async_with_items(
    c: Context, items: list[tuple[Expr, Expr | None]], i: int, body: Stmt
) -> None:
    if i == len(items):
        c.visit(body)
        return
    finally_block = c.new_label()
    exit_plain = c.new_label()
    exit_unwind = c.new_label()
    end = c.new_label()
    manager, target = items[i]
    c.visit(manager)
    c.emit(DUP_TOP)
    await_method(c, b"__aenter__")
    if target is None:
        c.emit(POP_TOP)
    else:
        lower_target(c, target)
    c.begin_block(SETUP_FINALLY, finally_block)
    c.emit(ADJUST, UNWIND_SLOTS)
    _lower_async_with_items(c, items, i + 1, body)
    c.emit(ADJUST, -UNWIND_SLOTS)
    # Stack here: manager.  In the finally block: manager and an exception, or manager, value and
    # the number that END_FINALLY uses for a return or jump.
    c.emit(ASYNC_WITH_SETUP_FINALLY, finally_block, c.name(b"BaseException"))
    # An exception: call __aexit__(type, value, None), which may swallow it.
    c.emit(DUP_TOP)
    c.emit(ROT_THREE)
    c.emit(ROT_TWO)
    c.emit(LOAD_METHOD, c.name(b"__aexit__"), 0)
    c.emit(ROT_THREE)
    c.emit(ROT_THREE)
    c.emit(DUP_TOP)
    c.emit(LOAD_ATTR, c.name(b"__class__"))
    c.emit(ROT_TWO)
    c.emit(LOAD_CONST_TOK, NONE)
    c.emit(CALL_METHOD, 3, pack_call(0, 0))
    yield_from(c)
    c.emit(POP_JUMP_IF, end, 0)
    c.emit(POP_TOP)
    c.emit(LOAD_CONST_TOK, NONE)
    c.emit(JUMP, end)
    c.emit(ADJUST, 2)
    # A return or jump, and the plain end: call __aexit__(None, None, None).
    c.place(exit_unwind)
    c.emit(ROT_THREE)
    c.emit(ROT_THREE)
    c.place(exit_plain)
    c.emit(LOAD_METHOD, c.name(b"__aexit__"), 0)
    c.emit(LOAD_CONST_TOK, NONE)
    c.emit(DUP_TOP)
    c.emit(DUP_TOP)
    c.emit(CALL_METHOD, 3, pack_call(0, 0))
    yield_from(c)
    c.emit(POP_TOP)
    c.emit(ADJUST, -1)
    c.place(end)
    c.end_block()
