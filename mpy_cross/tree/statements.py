"""Nodes that do something: simple and compound statements."""

from __future__ import annotations

from typing import ClassVar, TypeAlias, final

from mpy_cross.loader.ops import BinaryOp
from mpy_cross.tree.expressions import Argument, Expr, Param


@final
class Block:
    """Several statements: a suite, a file, or `a; b` on one line.  One alone has no Block.

    `simple`, which is set later: it is `a; b`, or `a;`.
    """

    __slots__ = ("body", "line", "simple")

    def __init__(self, line: int, body: list[Stmt]) -> None:
        self.line = line
        self.body = body
        self.simple = False


@final
class Newline:
    """A NEWLINE that the file grammar lets through; it compiles to nothing."""

    __slots__ = ()
    line: ClassVar[int] = 0


@final
class ExprStmt:
    __slots__ = ("line", "value")

    def __init__(self, line: int, value: Expr) -> None:
        self.line = line
        self.value = value


@final
class Assign:
    """`targets[0] = targets[1] = value`."""

    __slots__ = ("line", "targets", "value")

    def __init__(self, line: int, targets: list[Expr], value: Expr) -> None:
        self.line = line
        self.targets = targets
        self.value = value


@final
class AugAssign:
    """`target op= value`; `op` is the in-place operator."""

    __slots__ = ("line", "op", "target", "value")

    def __init__(self, line: int, target: Expr, op: BinaryOp, value: Expr) -> None:
        self.line = line
        self.target = target
        self.op = op
        self.value = value


@final
class AnnAssign:
    """`target: annotation` or `target: annotation = value`."""

    __slots__ = ("annotation", "line", "target", "value")

    def __init__(self, line: int, target: Expr, annotation: Expr, value: Expr | None) -> None:
        self.line = line
        self.target = target
        self.annotation = annotation
        self.value = value


@final
class Pass:
    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        self.line = line


@final
class Break:
    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        self.line = line


@final
class Continue:
    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        self.line = line


@final
class Return:
    __slots__ = ("line", "value")

    def __init__(self, line: int, value: Expr | None) -> None:
        self.line = line
        self.value = value


@final
class Raise:
    __slots__ = ("cause", "exc", "line")

    def __init__(self, line: int, exc: Expr | None, cause: Expr | None) -> None:
        self.line = line
        self.exc = exc
        self.cause = cause


@final
class Del:
    __slots__ = ("line", "target")

    def __init__(self, line: int, target: Expr) -> None:
        self.line = line
        self.target = target


@final
class ImportAlias:
    """`a.b.c as d` of an import (`parts` a, b, c), or `a as d` of a from-import."""

    __slots__ = ("asname", "parts")

    def __init__(self, parts: list[bytes], asname: bytes | None) -> None:
        self.parts = parts
        self.asname = asname


@final
class Import:
    __slots__ = ("line", "names")

    def __init__(self, line: int, names: list[ImportAlias]) -> None:
        self.line = line
        self.names = names


@final
class ImportFrom:
    """`from <level dots><module> import names`; `names` is None for `*`."""

    __slots__ = ("level", "line", "module", "names")

    def __init__(
        self, line: int, level: int, module: list[bytes], names: list[ImportAlias] | None
    ) -> None:
        self.line = line
        self.level = level
        self.module = module
        self.names = names


@final
class Global:
    __slots__ = ("line", "names")

    def __init__(self, line: int, names: list[bytes]) -> None:
        self.line = line
        self.names = names


@final
class Nonlocal:
    __slots__ = ("line", "names")

    def __init__(self, line: int, names: list[bytes]) -> None:
        self.line = line
        self.names = names


@final
class Assert:
    __slots__ = ("line", "message", "test")

    def __init__(self, line: int, test: Expr, message: Expr | None) -> None:
        self.line = line
        self.test = test
        self.message = message


@final
class If:
    """`if`/`elif` arms in order, then `else`."""

    __slots__ = ("arms", "line", "orelse")

    def __init__(self, line: int, arms: list[tuple[Expr, Stmt]], orelse: Stmt | None) -> None:
        self.line = line
        self.arms = arms
        self.orelse = orelse


@final
class While:
    __slots__ = ("body", "cond", "line", "orelse")

    def __init__(self, line: int, cond: Expr, body: Stmt, orelse: Stmt | None) -> None:
        self.line = line
        self.cond = cond
        self.body = body
        self.orelse = orelse


@final
class For:
    __slots__ = ("body", "iter", "line", "orelse", "target")

    def __init__(
        self, line: int, target: Expr, iter: Expr, body: Stmt, orelse: Stmt | None
    ) -> None:
        self.line = line
        self.target = target
        self.iter = iter
        self.body = body
        self.orelse = orelse


@final
class ExceptHandler:
    """`except type as name:`; `line` is that of `except`."""

    __slots__ = ("body", "line", "name", "type")

    def __init__(self, line: int, type: Expr | None, name: bytes | None, body: Stmt) -> None:
        self.line = line
        self.type = type
        self.name = name
        self.body = body


@final
class Try:
    __slots__ = ("body", "final", "handlers", "line", "orelse")

    def __init__(
        self,
        line: int,
        body: Stmt,
        handlers: list[ExceptHandler],
        orelse: Stmt | None,
        final: Stmt | None,
    ) -> None:
        self.line = line
        self.body = body
        self.handlers = handlers
        self.orelse = orelse
        self.final = final


@final
class With:
    """`with a as b, c: body`; a missing `as` is None."""

    __slots__ = ("body", "items", "line")

    def __init__(self, line: int, items: list[tuple[Expr, Expr | None]], body: Stmt) -> None:
        self.line = line
        self.items = items
        self.body = body


@final
class FuncDef:
    __slots__ = ("body", "line", "name", "params", "returns")

    def __init__(
        self, line: int, name: bytes, params: list[Param], returns: Expr | None, body: Stmt
    ) -> None:
        self.line = line
        self.name = name
        self.params = params
        self.returns = returns
        self.body = body


@final
class ClassDef:
    __slots__ = ("args", "body", "line", "name")

    def __init__(self, line: int, name: bytes, args: list[Argument], body: Stmt) -> None:
        self.line = line
        self.name = name
        self.args = args
        self.body = body


@final
class Decorator:
    """`@a.b(args)`; `args` is None without parentheses.  `line` is that of the `@`.

    `args_line` is the line of the `(`, or 0.
    """

    __slots__ = ("args", "args_line", "line", "parts")

    def __init__(
        self, line: int, parts: list[bytes], args: list[Argument] | None, args_line: int
    ) -> None:
        self.line = line
        self.parts = parts
        self.args = args
        self.args_line = args_line


@final
class Decorated:
    __slots__ = ("body", "decorators", "line")

    def __init__(
        self, line: int, decorators: list[Decorator], body: FuncDef | ClassDef | Async
    ) -> None:
        self.line = line
        self.decorators = decorators
        self.body = body


@final
class Async:
    """`async def`, `async for`, `async with`; `line` is that of `async`, `body.line` the rest."""

    __slots__ = ("body", "line")

    def __init__(self, line: int, body: FuncDef | For | With) -> None:
        self.line = line
        self.body = body


Stmt: TypeAlias = (
    "Block | Newline | ExprStmt | Assign | AugAssign | AnnAssign | Pass | Break | Continue | Return"
    " | Raise | Del | Import | ImportFrom | Global | Nonlocal | Assert | If | While | For | Try"
    " | With | FuncDef | ClassDef | Decorated | Async"
)
