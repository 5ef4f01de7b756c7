"""Lowering of statements: each leaves the stack as it was."""

from __future__ import annotations

from mpy_cross.loader.ops import BinaryOp, ConstToken, Verb, pack_call
from mpy_cross.lower.assignment import Mode, lower_delete_target, lower_target
from mpy_cross.lower.blocks import lower_async, lower_try, lower_with
from mpy_cross.lower.conditions import constant_condition, lower_condition
from mpy_cross.lower.context import NO_LOOP, Context, Visitor
from mpy_cross.lower.definitions import (
    declare_global,
    declare_nonlocal,
    lower_class_def,
    lower_decorated,
    lower_func_def,
)
from mpy_cross.scope import LOCAL, UNDECIDED, ScopeKind
from mpy_cross.tree import (
    AnnAssign,
    Assert,
    Assign,
    Async,
    AugAssign,
    Block,
    Break,
    Call,
    ClassDef,
    Comprehension,
    Continue,
    Decorated,
    Del,
    DoubleStarArg,
    Expr,
    ExprStmt,
    For,
    FuncDef,
    Global,
    If,
    IfExp,
    Import,
    ImportAlias,
    ImportFrom,
    KeywordArg,
    Name,
    Newline,
    Nonlocal,
    Pass,
    Primary,
    Raise,
    Return,
    SmallInt,
    Star,
    StarArg,
    Try,
    Tuple,
    TupleForm,
    WalrusArg,
    While,
    With,
)

ADJUST = int(Verb.ADJUST)
BINARY_OP = int(Verb.BINARY_OP)
BUILD_TUPLE = int(Verb.BUILD_TUPLE)
CALL_FUNCTION = int(Verb.CALL_FUNCTION)
DUP_TOP = int(Verb.DUP_TOP)
DUP_TOP_TWO = int(Verb.DUP_TOP_TWO)
FOR_ITER = int(Verb.FOR_ITER)
FOR_ITER_END = int(Verb.FOR_ITER_END)
GET_ITER = int(Verb.GET_ITER)
IMPORT_FROM = int(Verb.IMPORT_FROM)
IMPORT_NAME = int(Verb.IMPORT_NAME)
IMPORT_STAR = int(Verb.IMPORT_STAR)
JUMP = int(Verb.JUMP)
LOAD_ATTR = int(Verb.LOAD_ATTR)
LOAD_CONST_SMALL_INT = int(Verb.LOAD_CONST_SMALL_INT)
LOAD_CONST_STR = int(Verb.LOAD_CONST_STR)
LOAD_CONST_TOK = int(Verb.LOAD_CONST_TOK)
LOAD_GLOBAL = int(Verb.LOAD_GLOBAL)
POP_JUMP_IF = int(Verb.POP_JUMP_IF)
POP_TOP = int(Verb.POP_TOP)
RAISE = int(Verb.RAISE)
RETURN_VALUE = int(Verb.RETURN_VALUE)
ROT_THREE = int(Verb.ROT_THREE)
ROT_TWO = int(Verb.ROT_TWO)
UNWIND_JUMP = int(Verb.UNWIND_JUMP)
NONE = int(ConstToken.NONE)

# Arguments of range() that are no plain expressions.
SPECIAL_ARGUMENTS = (StarArg, DoubleStarArg, KeywordArg, WalrusArg)


# ------------------------------------------------------------------------------ simple statements


def lower_block(c: Context, node: Block) -> None:
    c.visit_all(node.body)


def lower_nothing(c: Context, node: Pass | Newline) -> None:
    pass


def lower_expr_stmt(c: Context, node: ExprStmt) -> None:
    c.visit(node.value)
    c.ops.append((POP_TOP, 0, 0))


def lower_typed_expr_stmt(c: Context, node: ExprStmt) -> None:
    """At a prompt: the value is printed, if it stands in the module."""
    if c.scope.kind != ScopeKind.MODULE:
        lower_expr_stmt(c, node)
        return
    c.load_id(b"__repl_print__")
    c.visit(node.value)
    c.emit(CALL_FUNCTION, 1, pack_call(0, 0))
    c.emit(POP_TOP)


def lower_assign(c: Context, node: Assign) -> None:
    targets = node.targets
    if len(targets) == 1:
        if not _assign_pairwise(c, targets[0], node.value):
            c.visit(node.value)
            lower_target(c, targets[0])
        return
    c.visit(node.value)
    last = len(targets) - 1
    for i, target in enumerate(targets):
        if i < last:
            c.ops.append((DUP_TOP, 0, 0))
        lower_target(c, target)


def _assign_pairwise(c: Context, target: Expr, value: Expr) -> bool:
    """`a, b = c, d` and the like with three: no tuple is built.  False if it does not apply."""
    if not (isinstance(target, Tuple) and isinstance(value, Tuple)):
        return False
    if target.form != TupleForm.STATEMENT or value.form != TupleForm.STATEMENT:
        return False
    n = len(target.items)
    if n != len(value.items) or not 2 <= n <= 3:
        return False
    if any(isinstance(item, Star) for item in target.items):
        return False
    for item in value.items:
        c.visit(item)
    if n == 3:
        c.emit(ROT_THREE)
    c.emit(ROT_TWO)
    for item in target.items:
        lower_target(c, item)
    return True


def lower_aug_assign(c: Context, node: AugAssign) -> None:
    lower_target(c, node.target, Mode.AUG_LOAD)
    c.visit(node.value)
    c.ops.append((BINARY_OP, int(node.op), 0))
    lower_target(c, node.target, Mode.AUG_STORE)


def lower_ann_assign(c: Context, node: AnnAssign) -> None:
    if node.value is not None:
        if not _assign_pairwise(c, node.target, node.value):
            c.visit(node.value)
            lower_target(c, node.target)
    elif c.scope.kind == ScopeKind.FUNCTION and isinstance(node.target, Name):
        c.scope.find_or_add(node.target.id, LOCAL)  # a bare annotation declares a local


def lower_loop_exit(c: Context, node: Break | Continue) -> None:
    if isinstance(node, Break):
        label, from_for = c.break_label, c.break_from_for
    else:
        label, from_for = c.continue_label, 0
    if label == NO_LOOP:
        c.fail(node, "'break'/'continue' outside loop")
        return
    depth = c.except_level - c.loop_except_level
    c.emit(UNWIND_JUMP, label, 2 * depth + from_for)


def lower_return(c: Context, node: Return) -> None:
    if c.scope.kind != ScopeKind.FUNCTION:
        c.fail(node, "'return' outside function")
        return
    value = node.value
    if value is None:
        c.ops.append((LOAD_CONST_TOK, NONE, 0))
    elif isinstance(value, IfExp):
        # each branch returns by itself; the node's own line is not noted
        fail = c.new_label()
        lower_condition(c, value.cond, False, fail)
        c.visit(value.body)
        c.ops.append((RETURN_VALUE, 0, 0))
        c.place(fail)
        c.visit(value.orelse)
    else:
        c.visit(value)
    c.ops.append((RETURN_VALUE, 0, 0))


def lower_raise(c: Context, node: Raise) -> None:
    n = 0
    if node.exc is not None:
        c.visit(node.exc)
        n = 1
        if node.cause is not None:
            c.visit(node.cause)
            n = 2
    c.emit(RAISE, n)


def lower_del(c: Context, node: Del) -> None:
    target = node.target
    if isinstance(target, Tuple) and target.form == TupleForm.TARGETS:
        for item in target.items:
            lower_delete_target(c, item)
    else:
        lower_delete_target(c, target)


def lower_assert(c: Context, node: Assert) -> None:
    if c.options.opt_level:
        return
    end = c.new_label()
    lower_condition(c, node.test, True, end)
    c.emit(LOAD_GLOBAL, c.name(b"AssertionError"), 1)
    if node.message is not None:
        c.visit(node.message)
        c.emit(CALL_FUNCTION, 1, pack_call(0, 0))
    c.emit(RAISE, 1)
    c.place(end)


def lower_global(c: Context, node: Global) -> None:
    for name in node.names:
        ident = c.scope.find_or_add(name, UNDECIDED)
        declare_global(c, node, ident)


def lower_nonlocal(c: Context, node: Nonlocal) -> None:
    if c.scope.kind == ScopeKind.MODULE:
        c.fail(node, "can't declare nonlocal in outer code")
        return
    for name in node.names:
        ident = c.scope.find_or_add(name, UNDECIDED)
        declare_nonlocal(c, node, ident)


# ---------------------------------------------------------------------------------------- imports


def lower_import(c: Context, node: Import) -> None:
    for alias in node.names:
        c.emit(LOAD_CONST_SMALL_INT, 0)
        c.emit(LOAD_CONST_TOK, NONE)
        _import_module(c, alias)
        c.store_id(alias.parts[0] if alias.asname is None else alias.asname)


def _import_module(c: Context, alias: ImportAlias) -> None:
    """The import itself; `import a.b as c` goes down to the submodule."""
    c.emit(IMPORT_NAME, c.name(b".".join(alias.parts)))
    if alias.asname is not None:
        for part in alias.parts[1:]:
            c.emit(LOAD_ATTR, c.name(part))


def lower_import_from(c: Context, node: ImportFrom) -> None:
    module = ImportAlias(node.module, None)
    if node.names is None:
        if c.scope.kind != ScopeKind.MODULE:
            c.fail(node, "import * not at module level")
            return
        c.emit(LOAD_CONST_SMALL_INT, node.level)
        c.emit(LOAD_CONST_STR, c.name(b"*"))
        c.emit(BUILD_TUPLE, 1)
        _import_module(c, module)
        c.emit(IMPORT_STAR)
        return
    c.emit(LOAD_CONST_SMALL_INT, node.level)
    for alias in node.names:
        c.emit(LOAD_CONST_STR, c.name(alias.parts[0]))
    c.emit(BUILD_TUPLE, len(node.names))
    _import_module(c, module)
    for alias in node.names:
        c.emit(IMPORT_FROM, c.name(alias.parts[0]))
        c.store_id(alias.parts[0] if alias.asname is None else alias.asname)
    c.emit(POP_TOP)


# ---------------------------------------------------------------------------------- if and loops


def lower_if(c: Context, node: If) -> None:
    end = c.new_label()
    last = len(node.arms) - 1
    for i, (cond, body) in enumerate(node.arms):
        constant = constant_condition(c, cond)
        if constant is False:
            continue
        fail = c.new_label()
        lower_condition(c, cond, False, fail)
        c.visit(body)
        if constant is True:
            c.place(end)  # nothing after it can run
            return
        # A lone `if` has nothing to jump over; an `elif` jumps even when it is the last.
        wanted = i > 0 or i < last or node.orelse is not None
        if wanted and (c.release.suppress_dead_code or not c.just_returned()):
            c.ops.append((JUMP, end, 0))
        c.place(fail)
    c.visit_optional(node.orelse)
    c.place(end)


def lower_while(c: Context, node: While) -> None:
    saved = c.begin_loop()
    break_label, continue_label = c.break_label, c.continue_label
    constant = constant_condition(c, node.cond)
    if constant is not False:
        top = c.new_label()
        if constant is None:
            c.ops.append((JUMP, continue_label, 0))
        c.place(top)
        c.visit(node.body)
        c.place(continue_label)
        lower_condition(c, node.cond, True, top)
    c.end_loop(saved)
    c.visit_optional(node.orelse)
    c.place(break_label)


def lower_for(c: Context, node: For) -> None:
    bounds = _range_bounds(node)
    if bounds is not None:
        start, stop, step = bounds
        _lower_for_range(c, node, start, stop, step)
        return
    saved = c.begin_loop()
    break_label, continue_label = c.break_label, c.continue_label
    c.break_from_for = 1
    exhausted = c.new_label()
    c.visit(node.iter)
    c.emit(GET_ITER, 1)
    c.place(continue_label)
    c.emit(FOR_ITER, exhausted)
    lower_target(c, node.target)
    c.visit(node.body)
    if c.release.suppress_dead_code or not c.just_returned():
        c.ops.append((JUMP, continue_label, 0))
    c.place(exhausted)
    c.emit(FOR_ITER_END)
    c.end_loop(saved)
    c.visit_optional(node.orelse)
    c.place(break_label)


def _range_bounds(node: For) -> tuple[Expr, Expr, SmallInt] | None:
    """Start, stop and step of `for name in range(...)` if it can count without an iterator."""
    it = node.iter
    if not (
        isinstance(node.target, Name)
        and isinstance(it, Primary)
        and isinstance(it.base, Name)
        and it.base.id == b"range"
        and len(it.trailers) == 1
    ):
        return None
    call = it.trailers[0]
    if not isinstance(call, Call) or not 1 <= len(call.args) <= 3:
        return None
    args: list[Expr] = []
    for arg in call.args[:2]:
        if isinstance(arg, SPECIAL_ARGUMENTS):
            return None
        if isinstance(arg, Comprehension) and arg.line == 0:
            return None
        args.append(arg)
    step = SmallInt(1)
    if len(call.args) == 3:
        third = call.args[2]
        if not isinstance(third, SmallInt) or third.value == 0:
            return None
        step = third
    if len(args) == 1:
        return SmallInt(0), args[0], step
    return args[0], args[1], step


def _lower_for_range(c: Context, node: For, start: Expr, stop: Expr, step: SmallInt) -> None:
    """Count on the stack; `stop` is below the counter unless it is a small constant."""
    saved = c.begin_loop()
    break_label, continue_label = c.break_label, c.continue_label
    top = c.new_label()
    entry = c.new_label()
    stop_on_stack = not isinstance(stop, SmallInt)
    if stop_on_stack:
        c.visit(stop)
    c.visit(start)
    c.emit(JUMP, entry)
    c.place(top)
    c.emit(DUP_TOP)
    lower_target(c, node.target)
    c.visit(node.body)
    c.place(continue_label)
    c.visit(step)
    c.emit(BINARY_OP, int(BinaryOp.INPLACE_ADD))
    c.place(entry)
    if stop_on_stack:
        c.emit(DUP_TOP_TWO)
        c.emit(ROT_TWO)
    else:
        c.emit(DUP_TOP)
        c.visit(stop)
    c.emit(BINARY_OP, int(BinaryOp.LESS if step.value >= 0 else BinaryOp.MORE))
    c.emit(POP_JUMP_IF, top, 1)
    c.end_loop(saved)
    end = -1
    if node.orelse is not None:
        c.emit(POP_TOP)
        if stop_on_stack:
            c.emit(POP_TOP)
        c.visit(node.orelse)
        end = c.new_label()
        c.emit(JUMP, end)
        c.emit(ADJUST, 1 + stop_on_stack)
    c.place(break_label)
    c.emit(POP_TOP)
    if stop_on_stack:
        c.emit(POP_TOP)
    if end >= 0:
        c.place(end)


STATEMENTS: dict[type, Visitor] = {
    AnnAssign: lower_ann_assign,
    Assert: lower_assert,
    Assign: lower_assign,
    Async: lower_async,
    AugAssign: lower_aug_assign,
    Block: lower_block,
    Break: lower_loop_exit,
    ClassDef: lower_class_def,
    Continue: lower_loop_exit,
    Decorated: lower_decorated,
    Del: lower_del,
    ExprStmt: lower_expr_stmt,
    For: lower_for,
    FuncDef: lower_func_def,
    Global: lower_global,
    If: lower_if,
    Import: lower_import,
    ImportFrom: lower_import_from,
    Newline: lower_nothing,
    Nonlocal: lower_nonlocal,
    Pass: lower_nothing,
    Raise: lower_raise,
    Return: lower_return,
    Try: lower_try,
    While: lower_while,
    With: lower_with,
}
