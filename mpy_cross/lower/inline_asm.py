"""Functions of the inline assemblers: the statements are checked and handed on, not compiled."""

from __future__ import annotations

from collections.abc import Iterable

from mpy_cross.emitters.native.values import BOOL, INT, PYOBJ, UINT
from mpy_cross.errors import CompileError
from mpy_cross.loader.inline import ArgKind, InlineArg, InlineCode, InlineStatement
from mpy_cross.loader.ops import BinaryOp, UnaryOp
from mpy_cross.lower.context import Context
from mpy_cross.tree import (
    BinOp,
    Block,
    Brace,
    Call,
    Const,
    DictItem,
    ExprStmt,
    FuncDef,
    Index,
    List,
    Name,
    Newline,
    Node,
    Param,
    ParamKind,
    Pass,
    Primary,
    SmallInt,
    Stmt,
    Unary,
)

RETURN_TYPES = {b"object": PYOBJ, b"bool": BOOL, b"int": INT, b"uint": UINT}
OTHER = InlineArg(ArgKind.OTHER)
SIGNS = {UnaryOp.NEGATIVE: "-", UnaryOp.POSITIVE: "+"}


def lower_inline_asm(c: Context, node: FuncDef) -> InlineCode:
    """The statements of an assembler function.  Raises CompileError."""
    pending: CompileError | None = None
    return_type = INT
    if node.returns is not None:
        if not isinstance(node.returns, Name):
            pending = _error("return annotation must be an identifier", node.line)
        elif node.returns.id not in RETURN_TYPES:
            raise _error("unknown type", node.line)
        else:
            return_type = RETURN_TYPES[node.returns.id]
    body = _suite(node.body)
    statements = []
    for statement in body:
        if isinstance(statement, (Pass, Newline)):
            continue
        found = _statement(statement)
        if pending is not None:
            pending.line = found.args_line
            raise pending
        _check_directive(found)
        statements.append(found)
    if pending is not None:
        raise pending
    params = tuple(_param(param) for param in node.params)
    return InlineCode(node.line, params, return_type, tuple(statements), c.options.strict)


def _error(message: str, line: int) -> CompileError:
    return CompileError("SyntaxError", message, line=line)


def _suite(node: Stmt) -> list[Stmt]:
    """The statements of the body; `a; b` on one line is one, and no instruction."""
    if not isinstance(node, Block):
        return [node]
    return [node] if node.simple else node.body


def _statement(node: Node) -> InlineStatement:
    value = node.value if isinstance(node, ExprStmt) else None
    if isinstance(value, Primary) and isinstance(value.base, Name) and len(value.trailers) == 1:
        call = value.trailers[0]
        if isinstance(call, Call):
            args = tuple(_arg(arg) for arg in call.args)
            name = value.base.id.decode("utf-8", "surrogateescape")
            return InlineStatement(node.line, call.line, name, args)
    raise _error("expecting an assembler instruction", node.line)


def _check_directive(statement: InlineStatement) -> None:
    args = statement.args
    if statement.name == "label":
        fits = len(args) == 1 and args[0].kind == ArgKind.NAME
        wanted = "1 argument"
    elif statement.name == "align":
        fits = len(args) == 1 and args[0].small
        wanted = "1 argument"
    elif statement.name == "data":
        fits = len(args) >= 2 and args[0].small
        wanted = "at least 2 arguments"
    else:
        return
    if not fits:
        raise _error(f"'{statement.name}' requires {wanted}", statement.line)


def _param(param: Param) -> InlineArg:
    if param.kind != ParamKind.PLAIN or param.annotation is not None or param.default is not None:
        return OTHER
    return InlineArg(ArgKind.NAME, param.name.decode("utf-8", "surrogateescape"))


def _arg(node: object) -> InlineArg:
    if isinstance(node, Name):
        return InlineArg(ArgKind.NAME, node.id.decode("utf-8", "surrogateescape"))
    if isinstance(node, SmallInt):
        return InlineArg(ArgKind.INT, value=node.value, small=True)
    if isinstance(node, Const) and type(node.value) is int:
        return InlineArg(ArgKind.INT, value=node.value)
    if isinstance(node, Const) and type(node.value) is float:
        return InlineArg(ArgKind.FLOAT, repr(node.value))
    if isinstance(node, List):
        return InlineArg(ArgKind.BRACKET, parts=_args(node.items))
    if isinstance(node, Brace):
        if any(isinstance(item, DictItem) for item in node.items):
            return OTHER
        return InlineArg(ArgKind.BRACE, "," if node.comma else "", parts=_args(node.items))
    if isinstance(node, Primary):
        return _indexed(node, "")
    if isinstance(node, Unary) and isinstance(node.operand, Primary):
        return _indexed(node.operand, SIGNS[node.op]) if node.op in SIGNS else OTHER
    if isinstance(node, Unary) and node.op is UnaryOp.NEGATIVE:
        inner = _arg(node.operand)  # an integer would have been folded
        return inner._replace(text=f"-{inner.text}") if inner.kind == ArgKind.FLOAT else OTHER
    if isinstance(node, BinOp) and node.ops == [BinaryOp.SUBTRACT]:
        return _range(_arg(node.first), _arg(node.rest[0]))
    return OTHER


def _indexed(node: Primary, sign: str) -> InlineArg:
    """`4(a1)`; the reference takes `4[a1]` and `4 .a1` for the same."""
    inside: Iterable[object] = ()
    trailer = node.trailers[0]
    if len(node.trailers) > 1:
        inside = (None,)
    elif isinstance(trailer, Call):
        inside = trailer.args
    elif isinstance(trailer, Index):
        inside = (trailer.index,)
    else:
        inside = (Name(trailer.name),)
    return InlineArg(ArgKind.INDEXED, sign, parts=_args([node.base, *inside]))


def _range(first: InlineArg, last: InlineArg) -> InlineArg:
    if first.kind == last.kind == ArgKind.NAME:
        return InlineArg(ArgKind.RANGE, parts=(first, last))
    return OTHER


def _args(nodes: Iterable[object]) -> tuple[InlineArg, ...]:
    return tuple(_arg(node) for node in nodes)
