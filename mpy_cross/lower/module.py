"""Lowering of a whole file: walk all scopes, settle their names, resolve what was symbolic."""

from __future__ import annotations

from mpy_cross.errors import CompileError
from mpy_cross.loader.ops import (
    ConstToken,
    Emit,
    FunctionOps,
    ModuleOps,
    Op,
    Verb,
    pack_defaults,
    unpack_defaults,
)
from mpy_cross.lower.context import (
    DELETE_ID,
    LOAD_CLASS_CELL,
    LOAD_FIRST_PARAM,
    LOAD_ID,
    MAKE,
    STORE_ID,
    STORE_ID_IN_PARENT,
    SYMBOLIC,
    Context,
    Pending,
    Visitor,
)
from mpy_cross.lower.definitions import (
    lower_class_body,
    lower_comprehension_body,
    lower_function_body,
    lower_lambda_body,
    lower_module_body,
)
from mpy_cross.lower.expressions import EXPRESSIONS
from mpy_cross.lower.inline_asm import lower_inline_asm
from mpy_cross.lower.statements import STATEMENTS, lower_typed_expr_stmt
from mpy_cross.options import CompileOptions, Form
from mpy_cross.scope import (
    CELL,
    FREE,
    GLOBAL_EXPLICIT,
    LOCAL,
    PARAM,
    SIMPLE_NAMES,
    Scope,
    ScopeKind,
)
from mpy_cross.tree import ClassDef, Comprehension, ExprStmt, FuncDef, Lambda, Stmt

LOAD_FAST = int(Verb.LOAD_FAST)
LOAD_CONST_TOK = int(Verb.LOAD_CONST_TOK)
MAKE_FUNCTION = int(Verb.MAKE_FUNCTION)
MAKE_CLOSURE = int(Verb.MAKE_CLOSURE)

VISITORS: dict[type, Visitor] = {**EXPRESSIONS, **STATEMENTS}
TYPED_VISITORS: dict[type, Visitor] = {**VISITORS, ExprStmt: lower_typed_expr_stmt}
"""For what is typed at a prompt."""

# Symbolic verb -> verbs for a fast local, a cell or free variable, a name, a global.
RESOLVED_VERBS: dict[int, tuple[int, int, int, int]] = {
    LOAD_ID: (Verb.LOAD_FAST, Verb.LOAD_DEREF, Verb.LOAD_NAME, Verb.LOAD_GLOBAL),
    STORE_ID: (Verb.STORE_FAST, Verb.STORE_DEREF, Verb.STORE_NAME, Verb.STORE_GLOBAL),
    DELETE_ID: (Verb.DELETE_FAST, Verb.DELETE_DEREF, Verb.DELETE_NAME, Verb.DELETE_GLOBAL),
}


def lower(tree: Stmt | None, source_file: bytes, options: CompileOptions) -> ModuleOps:
    """The operations of a whole file.

    Raises CompileError (without a file name) for what the grammar lets through and Python forbids.
    """
    c = _walk(tree, source_file, options)
    for pending in c.queue:
        _resolve(c, pending)
        c.module.functions.append(pending.function)
    return c.module


def find_scopes(tree: Stmt | None, source_file: bytes, options: CompileOptions) -> list[Scope]:
    """The scopes of a whole file, settled, in the order in which they are found.

    Raises CompileError as `lower` does.
    """
    return [pending.scope for pending in _walk(tree, source_file, options).queue]


def _walk(tree: Stmt | None, source_file: bytes, options: CompileOptions) -> Context:
    module = ModuleOps(0)
    c = Context(module, options, VISITORS if options.form == Form.EXEC else TYPED_VISITORS)
    module.source_file = c.name(source_file)
    name = SIMPLE_NAMES[ScopeKind.MODULE]
    line = 0 if tree is None else tree.line
    scope = Scope(ScopeKind.MODULE, name, None, line, options.emit)
    function = FunctionOps(c.name(name), emit=options.emit)
    c.queue.append(Pending(scope, tree, function))
    for pending in c.queue:  # grows while it is walked: breadth first, as scopes are found
        _walk_scope(c, pending)
    for pending in c.queue:
        pending.scope.settle()
    return c


def _walk_scope(c: Context, pending: Pending) -> None:
    c.enter(pending)
    node = pending.node
    try:
        if pending.scope.emit == Emit.ASM:
            if not isinstance(node, FuncDef):
                c.fail(None, "inline assembler must be a function")
            else:
                pending.function.inline = lower_inline_asm(c, node)
        elif isinstance(node, FuncDef) and pending.scope.kind == ScopeKind.FUNCTION:
            lower_function_body(c, node)
        elif isinstance(node, Lambda):
            lower_lambda_body(c, node)
        elif isinstance(node, Comprehension):
            lower_comprehension_body(c, node)
        elif isinstance(node, ClassDef) and pending.scope.kind == ScopeKind.CLASS:
            lower_class_body(c, node)
        else:
            lower_module_body(c, node)
        if c.pending_error is not None:
            c.pending_error.line = c.pending_error.line or pending.scope.line
            raise c.pending_error
    except CompileError as error:
        error.block = pending.scope.name.decode("utf-8", "replace")
        raise
    pending.scope.close_over_implicit()
    pending.function.n_labels = c.n_labels


def _resolve(c: Context, pending: Pending) -> None:
    """Replace the symbolic operations and fill in the facts of the scope."""
    scope, function = pending.scope, pending.function
    resolved = {
        op: _resolve_identifier(op[0], op[1], name, scope)
        for (_, name), op in pending.symbols.items()
    }
    ops: list[Op] = []
    append = ops.append
    for op in function.ops:
        verb = op[0]
        if verb < SYMBOLIC:
            append(op)
        elif verb <= DELETE_ID:
            append(resolved[op])
        elif verb == MAKE:
            _resolve_make(c, pending, op, ops)
        else:
            append(_resolve_special(c, pending, op))
    function.ops = ops
    function.line = scope.line
    function.flags = scope.flags
    function.n_pos_args = scope.n_pos_args
    function.n_kwonly_args = scope.n_kwonly_args
    function.n_def_pos_args = scope.n_def_pos_args
    function.n_locals = scope.n_locals
    function.arg_names = [c.name(name) for name in scope.argument_names()]
    function.cells = scope.cells()
    if scope.emit == Emit.VIPER:
        function.viper_return = scope.viper_return
        function.viper_params = {
            ident.local_num: ident.viper_type
            for ident in scope.ids.values()
            if ident.flags & PARAM
        }


def _resolve_identifier(verb: int, index: int, name: bytes, scope: Scope) -> Op:
    ident = scope.ids[name]
    fast, deref, by_name, by_global = RESOLVED_VERBS[verb]
    kind = ident.kind
    if kind == LOCAL:
        return (fast, ident.local_num, index)
    if kind >= CELL:
        return (deref, ident.local_num, index)
    if kind == GLOBAL_EXPLICIT:
        return (by_global, index, 0)
    return (by_name, index, 0)


def _resolve_special(c: Context, pending: Pending, op: Op) -> Op:
    scope = pending.scope
    verb, index, _ = op
    if verb == LOAD_CLASS_CELL:
        ident = scope.ids[b"__class__"]
        if ident.kind == LOCAL:
            return (LOAD_CONST_TOK, ConstToken.NONE, 0)
        return (LOAD_FAST, ident.local_num, index)
    if verb == LOAD_FIRST_PARAM:
        for ident in scope.ids.values():
            if ident.flags & PARAM:
                break
        return _resolve_identifier(LOAD_ID, c.name(ident.name), ident.name, scope)
    assert verb == STORE_ID_IN_PARENT and scope.parent is not None
    return _resolve_identifier(STORE_ID, index, c.module.names[index], scope.parent)


def _resolve_make(c: Context, pending: Pending, op: Op, ops: list[Op]) -> None:
    """Load what the child closes over, in the order of this scope, and make function or closure."""
    child = pending.children[op[1]].scope
    n_closed = 0
    if pending.scope.kind != ScopeKind.MODULE:
        for ident in pending.scope.closed:
            inner = child.ids.get(ident.name)
            if inner is not None and inner.kind == FREE:
                ops.append((LOAD_FAST, ident.local_num, c.name(ident.name)))
                n_closed += 1
    if n_closed == 0:
        ops.append((MAKE_FUNCTION, op[1], op[2]))
        return
    _, n_positional, n_keyword = unpack_defaults(op[2])
    ops.append((MAKE_CLOSURE, op[1], pack_defaults(n_closed, n_positional, n_keyword)))
