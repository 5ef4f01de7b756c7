"""The text form of stack operations, for `--dump=ops` and for tests."""

from __future__ import annotations

from collections.abc import Iterator

from mpy_cross.loader.objects import ConstValue, Str
from mpy_cross.loader.ops import (
    STAR_DOUBLE,
    STAR_SINGLE,
    BinaryOp,
    ConstToken,
    FunctionOps,
    ModuleOps,
    Op,
    ScopeFlag,
    UnaryOp,
    Verb,
    unpack_call,
    unpack_defaults,
)

LOCALS = {
    Verb.LOAD_FAST,
    Verb.LOAD_DEREF,
    Verb.STORE_FAST,
    Verb.STORE_DEREF,
    Verb.DELETE_FAST,
    Verb.DELETE_DEREF,
}
NAMES = {
    Verb.LOAD_NAME,
    Verb.LOAD_GLOBAL,
    Verb.STORE_NAME,
    Verb.STORE_GLOBAL,
    Verb.DELETE_NAME,
    Verb.DELETE_GLOBAL,
    Verb.LOAD_METHOD,
    Verb.LOAD_ATTR,
    Verb.STORE_ATTR,
    Verb.DELETE_ATTR,
    Verb.IMPORT_NAME,
    Verb.IMPORT_FROM,
}
LABELS = {
    Verb.JUMP,
    Verb.SETUP_WITH,
    Verb.SETUP_EXCEPT,
    Verb.SETUP_FINALLY,
    Verb.WITH_CLEANUP,
    Verb.FOR_ITER,
}
COUNTS = {
    Verb.BUILD_TUPLE,
    Verb.BUILD_LIST,
    Verb.BUILD_MAP,
    Verb.BUILD_SET,
    Verb.BUILD_SLICE,
    Verb.UNPACK_SEQUENCE,
    Verb.RAISE,
}
COMPREHENSIONS = ("list", "dict", "set")
LINE = int(Verb.LINE)
LABEL = int(Verb.LABEL)


def module_text(module: ModuleOps) -> str:
    """All functions of a file, in the order in which they are found."""
    blocks = ["\n".join(function_lines(module, function)) for function in module.functions]
    return "\n\n".join(blocks) + "\n"


def function_lines(module: ModuleOps, function: FunctionOps) -> Iterator[str]:
    """Head line, facts, and one line an operation."""
    yield f"function {text(module.names[function.name])}"
    args = ", ".join(text(module.names[name]) for name in function.arg_names)
    flags = [flag.name.lower() for flag in ScopeFlag if function.flags & flag & 0x0F and flag.name]
    yield (
        f"  args ({args}) kwonly {function.n_kwonly_args} defaults {function.n_def_pos_args}"
        f" locals {function.n_locals} blocks {function.exc_stack_size}"
        + (f" flags {' '.join(flags)}" if flags else "")
        + (f" cells {function.cells}" if function.cells else "")
    )
    for op in function.ops:
        if op[0] == LINE:
            yield f"  line {op[1]}"
        elif op[0] == LABEL:
            yield f" L{op[1]}:"
        else:
            yield f"    {op_text(module, function, op)}"


def op_text(module: ModuleOps, function: FunctionOps, op: Op) -> str:
    """One operation: its verb in small letters, then its operands."""
    verb = Verb(op[0])
    operands = _operands(module, function, verb, op[1], op[2])
    return f"{verb.name.lower()} {operands}".rstrip()


def _operands(module: ModuleOps, function: FunctionOps, verb: Verb, a: int, b: int) -> str:
    names = module.names
    if verb in LOCALS:
        return f"{a} {text(names[b])}"
    if verb in NAMES:
        super_call = " super" if verb == Verb.LOAD_METHOD and b else ""
        return text(names[a]) + super_call
    if verb in LABELS:
        return f"L{a}"
    if verb in COUNTS or verb == Verb.LOAD_CONST_SMALL_INT:
        return str(a)
    if verb == Verb.LOAD_CONST_STR:
        return quoted(names[a])
    if verb == Verb.LOAD_CONST_TOK:
        return ConstToken(a).name.capitalize()
    if verb == Verb.LOAD_CONST_OBJ:
        return const_text(module.consts[a])
    if verb == Verb.UNARY_OP:
        return UnaryOp(a).name.lower()
    if verb == Verb.BINARY_OP:
        return BinaryOp(a).name.lower()
    if verb in (Verb.POP_JUMP_IF, Verb.JUMP_IF_OR_POP):
        return f"{'true' if b else 'false'} L{a}"
    if verb == Verb.UNWIND_JUMP:
        return f"L{a} depth {b >> 1}" + (" from for" if b & 1 else "")
    if verb == Verb.POP_EXCEPT_JUMP:
        return f"L{a}" + (" in handler" if b else "")
    if verb == Verb.ASYNC_WITH_SETUP_FINALLY:
        return f"L{a} L{a + 1} L{a + 2}"
    if verb in (Verb.CALL_FUNCTION, Verb.CALL_METHOD):
        n_keyword, stars = unpack_call(b)
        marks = (" *" if stars & STAR_SINGLE else "") + (" **" if stars & STAR_DOUBLE else "")
        return f"{a} {n_keyword}{marks}"
    if verb in (Verb.MAKE_FUNCTION, Verb.MAKE_CLOSURE):
        n_closed, n_positional, n_keyword = unpack_defaults(b)
        closed = f" closed {n_closed}" if verb == Verb.MAKE_CLOSURE else ""
        child = text(names[function.children[a].name])
        return f"{child}{closed} defaults {n_positional} {n_keyword}"
    if verb == Verb.STORE_COMP:
        return f"{COMPREHENSIONS[a]} {b}"
    if verb == Verb.UNPACK_EX:
        return f"{a} {b}"
    if verb == Verb.GET_ITER:
        return "on stack" if a else ""
    if verb == Verb.ADJUST:
        return f"{a:+d}"
    return ""


def text(name: bytes) -> str:
    """A name for a person: UTF-8, anything else escaped."""
    return name.decode("utf-8", "backslashreplace") if name else "''"


def quoted(value: bytes) -> str:
    """A string literal for a person."""
    return repr(value.decode("utf-8", "backslashreplace"))


def const_text(value: ConstValue) -> str:
    """A constant for a person."""
    if isinstance(value, Str):
        return quoted(value.data)
    if isinstance(value, tuple):
        items = ", ".join(const_text(item) for item in value)
        return f"({items},)" if len(value) == 1 else f"({items})"
    if value is Ellipsis:
        return "..."
    return repr(value)
