"""What opens a scope: functions, lambdas, classes, comprehensions; and their declarations."""

from __future__ import annotations

from mpy_cross.emitters.native.values import NATIVE_TYPES
from mpy_cross.errors import CompileError
from mpy_cross.loader.ops import ConstToken, Emit, ScopeFlag, Verb, pack_call
from mpy_cross.lower.assignment import lower_target
from mpy_cross.lower.calls import lower_call
from mpy_cross.lower.conditions import lower_condition
from mpy_cross.lower.context import LOAD_CLASS_CELL, Context
from mpy_cross.lower.generators import yield_value
from mpy_cross.scope import (
    DOUBLE_STAR_PARAM,
    FREE,
    GLOBAL_EXPLICIT,
    GLOBAL_IMPLICIT,
    LOCAL,
    PARAM,
    SIMPLE_NAMES,
    STAR_PARAM,
    UNDECIDED,
    Id,
    Scope,
    ScopeKind,
)
from mpy_cross.tree import (
    Async,
    ClassDef,
    CompFor,
    CompIf,
    CompKind,
    Comprehension,
    Decorated,
    Decorator,
    DictItem,
    Expr,
    FuncDef,
    Lambda,
    Name,
    Node,
    Param,
    ParamKind,
    Stmt,
)

BUILD_LIST = int(Verb.BUILD_LIST)
BUILD_MAP = int(Verb.BUILD_MAP)
BUILD_SET = int(Verb.BUILD_SET)
BUILD_TUPLE = int(Verb.BUILD_TUPLE)
CALL_FUNCTION = int(Verb.CALL_FUNCTION)
FOR_ITER = int(Verb.FOR_ITER)
FOR_ITER_END = int(Verb.FOR_ITER_END)
GET_ITER = int(Verb.GET_ITER)
JUMP = int(Verb.JUMP)
LOAD_ATTR = int(Verb.LOAD_ATTR)
LOAD_BUILD_CLASS = int(Verb.LOAD_BUILD_CLASS)
LOAD_CONST_STR = int(Verb.LOAD_CONST_STR)
LOAD_CONST_TOK = int(Verb.LOAD_CONST_TOK)
LOAD_NULL = int(Verb.LOAD_NULL)
POP_TOP = int(Verb.POP_TOP)
RETURN_VALUE = int(Verb.RETURN_VALUE)
STORE_COMP = int(Verb.STORE_COMP)
STORE_MAP = int(Verb.STORE_MAP)
NONE = int(ConstToken.NONE)
GENERATOR = int(ScopeFlag.GENERATOR)
VARARGS = int(ScopeFlag.VARARGS)
VARKEYWORDS = int(ScopeFlag.VARKEYWORDS)

COMP_SCOPES = {
    CompKind.LIST: ScopeKind.LIST_COMP,
    CompKind.DICT: ScopeKind.DICT_COMP,
    CompKind.SET: ScopeKind.SET_COMP,
    CompKind.GENERATOR: ScopeKind.GEN_EXPR,
}
# Stack slots that an iterator takes when it is kept on the stack.
ITER_SLOTS = 4


# --------------------------------------------------------------------- in the enclosing scope


def lower_func_def(c: Context, node: FuncDef) -> None:
    lower_func_def_as(c, node, c.scope.emit)
    c.store_id(node.name)


def lower_func_def_as(c: Context, node: FuncDef, emit: Emit) -> Scope:
    """Leave the function on the stack; its scope."""
    scope = c.open_scope(ScopeKind.FUNCTION, node.name, node.line, node, emit)
    _lower_defaults_and_make(c, scope, node.params)
    return scope


def lower_lambda(c: Context, node: Lambda) -> None:
    name = SIMPLE_NAMES[ScopeKind.LAMBDA]
    scope = c.open_scope(ScopeKind.LAMBDA, name, node.line, node, c.scope.emit)
    _lower_defaults_and_make(c, scope, node.params)


def _lower_defaults_and_make(c: Context, scope: Scope, params: list[Param]) -> None:
    """Default values: a tuple of the positional ones, above it a dict of the keyword-only."""
    n_positional = 0
    n_keyword = 0
    have_star = False
    for param in params:
        if param.kind == ParamKind.STAR:
            have_star = True
        elif param.kind == ParamKind.DOUBLE_STAR:
            pass
        elif param.default is None:
            if not have_star and n_positional:
                c.fail_at(param.line, "non-default argument follows default argument")
        elif not have_star:
            n_positional += 1
            c.visit(param.default)
        else:
            n_keyword += 1
            if n_keyword == 1:
                if n_positional:
                    c.emit(BUILD_TUPLE, n_positional)
                else:
                    c.emit(LOAD_NULL)
                c.emit(BUILD_MAP, 0)
            c.visit(param.default)
            c.emit(LOAD_CONST_STR, c.name(param.name))
            c.emit(STORE_MAP)
    if c.pending_error is not None:
        return
    if n_positional and not n_keyword:
        c.emit(BUILD_TUPLE, n_positional)
        c.emit(LOAD_NULL)
    c.make(scope, n_positional, n_keyword)


def lower_class_def(c: Context, node: ClassDef) -> None:
    _lower_class_def_as(c, node, c.scope.emit)
    c.store_id(node.name)


def _lower_class_def_as(c: Context, node: ClassDef, emit: Emit) -> None:
    scope = c.open_scope(ScopeKind.CLASS, node.name, node.line, node, emit)
    c.emit(LOAD_BUILD_CLASS)
    c.make(scope, 0, 0)
    c.emit(LOAD_CONST_STR, c.name(node.name))
    lower_call(c, node.args, CALL_FUNCTION, 2)


def lower_comprehension(c: Context, node: Comprehension) -> None:
    kind = COMP_SCOPES[node.kind]
    scope = c.open_scope(kind, SIMPLE_NAMES[kind], node.inner_line, node, c.scope.emit)
    c.make(scope, 0, 0)
    c.visit(node.clause.iter)
    if node.kind == CompKind.GENERATOR:
        c.emit(GET_ITER, 0)
    c.emit(CALL_FUNCTION, 1, pack_call(0, 0))


def lower_decorated(c: Context, node: Decorated) -> None:
    emit = c.scope.emit
    n_calls = 0
    for decorator in node.decorators:
        chosen = _built_in_decorator(c, decorator)
        if chosen is not None:
            emit = chosen
            continue
        n_calls += 1
        c.load_id(decorator.parts[0])
        for part in decorator.parts[1:]:
            c.emit(LOAD_ATTR, c.name(part))
        if decorator.args is not None:
            c.line(decorator.args_line)
            lower_call(c, decorator.args, CALL_FUNCTION, 0)
    body = node.body
    if isinstance(body, ClassDef):
        _lower_class_def_as(c, body, emit)
        name = body.name
    else:
        function = body.body if isinstance(body, Async) else body
        assert isinstance(function, FuncDef)
        scope = lower_func_def_as(c, function, emit)
        if isinstance(body, Async):
            scope.flags |= GENERATOR
        name = function.name
    for _ in range(n_calls):
        c.emit(CALL_FUNCTION, 1, pack_call(0, 0))
    c.store_id(name)


EMIT_DECORATORS = {
    b"bytecode": Emit.BYTECODE,
    b"native": Emit.NATIVE,
    b"viper": Emit.VIPER,
    b"asm_thumb": Emit.ASM,
    b"asm_xtensa": Emit.ASM,
}


def _built_in_decorator(c: Context, decorator: Decorator) -> Emit | None:
    """The emitter that `@micropython.x` chooses, or None for an ordinary decorator."""
    parts = decorator.parts
    if parts[0] != b"micropython":
        return None
    emit = EMIT_DECORATORS.get(parts[1]) if len(parts) == 2 else None
    if emit is None and len(parts) == 2 and parts[1] == b"asm_rv32" and c.release.has_asm_rv32:
        emit = Emit.ASM
    if emit is None:
        c.fail(None, "invalid micropython decorator")
        return Emit.BYTECODE
    if emit == Emit.ASM:
        if c.options.native_arch not in c.release.asm_archs:
            c.fail(None, "invalid arch")
    elif emit != Emit.BYTECODE and not c.options.has_native:
        c.fail(None, "invalid arch")
    return emit


def declare_global(c: Context, node: Node, ident: Id) -> None:
    """`global` for a name of this scope."""
    if ident.kind not in (UNDECIDED, GLOBAL_EXPLICIT):
        c.fail(node, "identifier redefined as global")
        return
    ident.kind = GLOBAL_EXPLICIT
    outer = c.scope.find_global(ident.name)
    if outer is not None:
        outer.kind = GLOBAL_EXPLICIT


def declare_nonlocal(c: Context, node: Node, ident: Id) -> None:
    """`nonlocal` for a name of this scope."""
    if ident.kind == UNDECIDED:
        ident.kind = GLOBAL_IMPLICIT
        c.scope.close_over(ident)
        if ident.kind == GLOBAL_IMPLICIT:
            c.fail(node, "no binding for nonlocal found")
            return
    elif ident.kind != FREE:
        c.fail(node, "identifier redefined as nonlocal")


def declare_walrus_target(c: Context, target: Name) -> None:
    """`:=` inside a comprehension binds in the scope around it (PEP 572)."""
    parent = c.scope.parent
    assert parent is not None  # a comprehension has one
    outer = parent.bind(target.id, c.release)
    if outer.kind == GLOBAL_EXPLICIT:
        c.scope.find_or_add(target.id, GLOBAL_EXPLICIT)
        return
    ident = c.scope.find_or_add(target.id, UNDECIDED)
    at_module_level = parent.parent is None
    if at_module_level:
        declare_global(c, target, ident)
    else:
        if ident.kind == GLOBAL_IMPLICIT:
            ident.kind = UNDECIDED  # it was read before; look for its owner again
        declare_nonlocal(c, target, ident)


# ------------------------------------------------------------------------- the scope itself


def lower_function_body(c: Context, node: FuncDef) -> None:
    _declare_params(c, node.params)
    if c.scope.emit == Emit.VIPER and node.returns is not None:
        c.scope.viper_return = _viper_type(c, node.returns)
    c.visit(node.body)
    if c.release.suppress_dead_code or not c.just_returned():
        c.emit(LOAD_CONST_TOK, NONE)
        c.emit(RETURN_VALUE)


def lower_lambda_body(c: Context, node: Lambda) -> None:
    c.line(node.line)
    _declare_params(c, node.params)
    c.visit(node.body)
    if c.scope.flags & GENERATOR:
        c.emit(POP_TOP)
        c.emit(LOAD_CONST_TOK, NONE)
    c.emit(RETURN_VALUE)


def _declare_params(c: Context, params: list[Param]) -> None:
    scope = c.scope
    have_star = False
    typed = scope.emit == Emit.VIPER and scope.kind == ScopeKind.FUNCTION
    for param in params:
        if scope.flags & VARKEYWORDS:
            c.fail_at(param.line, "invalid syntax")  # nothing may follow **kw
            return
        flags = PARAM
        if param.kind == ParamKind.STAR:
            if have_star:
                c.fail_at(param.line, "invalid syntax")
                return
            have_star = True
            flags |= STAR_PARAM
            if not param.name:
                continue
            scope.flags |= VARARGS
        elif param.kind == ParamKind.DOUBLE_STAR:
            flags |= DOUBLE_STAR_PARAM
            scope.flags |= VARKEYWORDS
        elif have_star:
            scope.n_kwonly_args += 1
        else:
            scope.n_pos_args += 1
        ident = scope.find_or_add(param.name, UNDECIDED)
        if ident.kind != UNDECIDED:
            c.fail_at(param.line, "argument name reused")
            return
        ident.kind = LOCAL
        ident.flags = flags
        if typed and param.annotation is not None:
            ident.viper_type = _viper_type(c, param.annotation)


def _viper_type(c: Context, annotation: Expr) -> int:
    """The type number that an annotation of a viper function names (manual 2.6.5)."""
    if not isinstance(annotation, Name):
        if c.pending_error is None:
            message = "annotation must be an identifier"
            c.pending_error = CompileError("SyntaxError", message, line=annotation.line)
        return 0
    vtype = NATIVE_TYPES.get(annotation.id)
    if vtype is None:
        text = annotation.id.decode("utf-8", "replace")
        # The last unknown type is the one reported, at the place of the first error.
        line = 0 if c.pending_error is None else c.pending_error.line
        c.pending_error = CompileError("ViperTypeError", f"unknown type '{text}'", line=line)
        return 0
    return vtype


def lower_class_body(c: Context, node: ClassDef) -> None:
    c.scope.find_or_add(b"__class__", LOCAL)
    c.load_id(b"__name__")
    c.store_id(b"__module__")
    c.emit(LOAD_CONST_STR, c.name(node.name))
    c.store_id(b"__qualname__")
    c.visit(node.body)
    c.emit(LOAD_CLASS_CELL, c.name(b"__class__"))
    c.emit(RETURN_VALUE)


def lower_comprehension_body(c: Context, node: Comprehension) -> None:
    c.scope.find_or_add(b"", LOCAL)  # the iterator arrives as an argument that has no name
    c.scope.n_pos_args = 1
    c.line(node.inner_line)
    if node.kind == CompKind.GENERATOR:
        # The slots of an iterator on the stack: null, then the iterator object.
        c.emit(LOAD_NULL)
        c.load_id(b"")
        c.emit(LOAD_NULL)
        c.emit(LOAD_NULL)
    else:
        build = {CompKind.LIST: BUILD_LIST, CompKind.DICT: BUILD_MAP, CompKind.SET: BUILD_SET}
        c.emit(build[node.kind], 0)
        c.load_id(b"")
        c.emit(GET_ITER, 1)
    _lower_clause(c, node.kind, node.clause, node.element, 0)
    if node.kind == CompKind.GENERATOR:
        c.emit(LOAD_CONST_TOK, NONE)
    c.emit(RETURN_VALUE)


def _lower_clause(
    c: Context, kind: CompKind, clause: CompFor, element: Expr | DictItem, depth: int
) -> None:
    top = c.new_label()
    end = c.new_label()
    c.place(top)
    c.emit(FOR_ITER, end)
    lower_target(c, clause.target)
    rest = clause.rest
    while isinstance(rest, CompIf):
        lower_condition(c, rest.cond, False, top)
        rest = rest.rest
    if rest is not None:
        c.visit(rest.iter)
        c.emit(GET_ITER, 1)
        _lower_clause(c, kind, rest, element, depth + 1)
    else:
        c.visit(element)
        if kind == CompKind.GENERATOR:
            yield_value(c)
            c.emit(POP_TOP)
        else:
            c.emit(STORE_COMP, int(kind), ITER_SLOTS * depth + ITER_SLOTS + 1)
    c.emit(JUMP, top)
    c.place(end)
    c.emit(FOR_ITER_END)


def lower_module_body(c: Context, node: Stmt | None) -> None:
    c.visit_optional(node)
    c.emit(LOAD_CONST_TOK, NONE)
    c.emit(RETURN_VALUE)
