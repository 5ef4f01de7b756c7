"""The syntax tree: what the parser hands to the lowering.

Every node is a final class of plain fields.  Names and strings are `bytes`: MicroPython's lexer is
8-bit clean and so are we.

Lines
-----
`line` is the line of the first token of the construct, 1-based.  It reaches the line-number table
of the bytecode and the line of an error message, so it follows the reference's rules exactly:

* *Leaves* carry no line (`line` is 0, as a class attribute): `Name`, `SmallInt`, `Str`, `Bytes` and
  `Token`.  Visiting one never moves the current line.
* Every other node carries the line of its first token.  A `Const` made by constant folding has
  line 0, and so does the `Pass` that replaces `_X = const(...)`.
* A parenthesised single expression has no node of its own: `(x)` is just `x`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, TypeAlias, final

from mpy_cross.loader.objects import ConstValue
from mpy_cross.loader.ops import BinaryOp, UnaryOp


class TokenLeaf(IntEnum):
    """The words that stand for an object of their own."""

    FALSE = 0
    NONE = 1
    TRUE = 2
    ELLIPSIS = 3


class TupleForm(IntEnum):
    """Where a tuple was written; the reference treats some places specially."""

    PAREN = 0  # (a, b) and ()
    STATEMENT = 1  # a, b = c, d       (grammar: testlist_star_expr)
    TESTLIST = 2  # return a, b        (grammar: testlist)
    TARGETS = 3  # for a, b in c / del (grammar: exprlist)
    SUBSCRIPT = 4  # x[a, b]           (grammar: subscriptlist)


class CompKind(IntEnum):
    """The four comprehensions."""

    LIST = 0
    DICT = 1
    SET = 2
    GENERATOR = 3


# ---------------------------------------------------------------------------------------- leaves


@final
@dataclass(slots=True, eq=False)
class Name:
    """An identifier that stands by itself."""

    line: ClassVar[int] = 0
    id: bytes


@final
@dataclass(slots=True, eq=False)
class SmallInt:
    """An integer that fits the small int of the compiling side (or the target, see Release)."""

    line: ClassVar[int] = 0
    value: int


@final
@dataclass(slots=True, eq=False)
class Str:
    """A string literal that is a qstr: short, or already interned."""

    line: ClassVar[int] = 0
    value: bytes


@final
@dataclass(slots=True, eq=False)
class Bytes:
    """A bytes literal kept as a qstr (releases that do so, see `Release.bytes_leaf`)."""

    line: ClassVar[int] = 0
    value: bytes


@final
@dataclass(slots=True, eq=False)
class Token:
    """`None`, `True`, `False` or `...`."""

    line: ClassVar[int] = 0
    token: TokenLeaf


# ----------------------------------------------------------------------------------- expressions


@final
@dataclass(slots=True, eq=False)
class Const:
    """A literal object that is not a leaf: float, big int, long string, bytes, folded tuple.

    `big` says that an int is a big int on the compiling side; some stay that when they get small.
    Only constant folding asks.
    """

    line: int
    value: ConstValue
    big: bool = False


@final
@dataclass(slots=True, eq=False)
class BoolOp:
    """`a or b or c`, `a and b and c`: one node for the whole chain."""

    line: int
    is_or: bool
    items: list[Expr]


@final
@dataclass(slots=True, eq=False)
class Not:
    line: int
    operand: Expr


@final
@dataclass(slots=True, eq=False)
class Compare:
    """`first op0 rest0 op1 rest1 ...`; `in`, `not in`, `is`, `is not` are among the ops."""

    line: int
    first: Expr
    ops: list[BinaryOp]
    rest: list[Expr]


@final
@dataclass(slots=True, eq=False)
class Star:
    """`*x` outside a call: an assignment target (anything else is an error of the lowering)."""

    line: int
    value: Expr


@final
@dataclass(slots=True, eq=False)
class BinOp:
    """A chain of one precedence level: `first op0 rest0 op1 rest1 ...`, left to right.

    `a - b + c` is one node; `a - b * c` is two.  Levels: `|`; `^`; `&`; `<< >>`; `+ -`;
    `* @ / % //`.
    """

    line: int
    first: Expr
    ops: list[BinaryOp]
    rest: list[Expr]


@final
@dataclass(slots=True, eq=False)
class Power:
    line: int
    base: Expr
    exponent: Expr


@final
@dataclass(slots=True, eq=False)
class Unary:
    """`+x`, `-x`, `~x`."""

    line: int
    op: UnaryOp
    operand: Expr


@final
@dataclass(slots=True, eq=False)
class Call:
    """A trailer `(args)`; `line` is the line of the `(`."""

    line: int
    args: list[Argument]


@final
@dataclass(slots=True, eq=False)
class Index:
    """A trailer `[index]`; several subscripts arrive as one `Tuple` of form SUBSCRIPT."""

    line: int
    index: Expr


@final
@dataclass(slots=True, eq=False)
class Attr:
    """A trailer `.name`; `line` is the line of the `.`."""

    line: int
    name: bytes


@final
@dataclass(slots=True, eq=False)
class Primary:
    """An atom with one or more trailers: `a.b(c)[d]`."""

    line: int
    base: Expr
    trailers: list[Trailer]


@final
@dataclass(slots=True, eq=False)
class Await:
    """`await atom trailers`; `trailers` may be empty."""

    line: int
    base: Expr
    trailers: list[Trailer]


@final
@dataclass(slots=True, eq=False)
class IfExp:
    """`body if cond else orelse`; `line` is that of `body`."""

    line: int
    body: Expr
    cond: Expr
    orelse: Expr


@final
@dataclass(slots=True, eq=False)
class NamedExpr:
    """`target := value`; a target that is not a name is an error of the lowering."""

    line: int
    target: Expr
    value: Expr


@final
@dataclass(slots=True, eq=False)
class Lambda:
    line: int
    params: list[Param]
    body: Expr


@final
@dataclass(slots=True, eq=False)
class Tuple:
    line: int
    items: list[Expr]
    form: TupleForm


@final
@dataclass(slots=True, eq=False)
class List:
    line: int
    items: list[Expr]


@final
@dataclass(slots=True, eq=False)
class DictItem:
    """`key: value` inside braces."""

    line: int
    key: Expr
    value: Expr


@final
@dataclass(slots=True, eq=False)
class Brace:
    """`{...}` that is no comprehension: a dict, a set, or a forbidden mixture.

    `line` is the line of the `{`; `maker_line` that of the first token inside, which is where the
    reference places the error of a mixture.
    """

    line: int
    items: list[Expr | DictItem]
    maker_line: int


@final
@dataclass(slots=True, eq=False)
class CompFor:
    """`for target in iter` and what follows it inside the comprehension."""

    line: int
    target: Expr
    iter: Expr
    rest: CompFor | CompIf | None


@final
@dataclass(slots=True, eq=False)
class CompIf:
    line: int
    cond: Expr
    rest: CompFor | CompIf | None


@final
@dataclass(slots=True, eq=False)
class Comprehension:
    """`[x for ...]`, `{...}`, `(x for ...)`, and a bare generator as a call's argument.

    `line` is the line of the bracket, `inner_line` that of the element: the new scope starts
    there.  A bare generator argument has no line (0), only an `inner_line`.  `element` is a
    `DictItem` for a dict comprehension.
    """

    line: int
    kind: CompKind
    element: Expr | DictItem
    clause: CompFor
    inner_line: int


@final
@dataclass(slots=True, eq=False)
class Yield:
    line: int
    value: Expr | None


@final
@dataclass(slots=True, eq=False)
class YieldFrom:
    line: int
    value: Expr


@final
@dataclass(slots=True, eq=False)
class Slice:
    """`start:stop:step`; a missing part is None.  `line` is that of `start` or of the first `:`."""

    line: int
    start: Expr | None
    stop: Expr | None
    step: Expr | None


# ------------------------------------------------------------------------------- call arguments


@final
@dataclass(slots=True, eq=False)
class StarArg:
    line: int
    value: Expr


@final
@dataclass(slots=True, eq=False)
class DoubleStarArg:
    line: int
    value: Expr


@final
@dataclass(slots=True, eq=False)
class KeywordArg:
    """`name=value`; a `name` that is no `Name` is an error of the lowering."""

    line: int
    name: Expr
    value: Expr


@final
@dataclass(slots=True, eq=False)
class WalrusArg:
    """`f(target := value)`: the grammar has a rule of its own for it."""

    line: int
    target: Expr
    value: Expr


# ------------------------------------------------------------------------------------ parameters


class ParamKind(IntEnum):
    PLAIN = 0  # x
    STAR = 1  # *x, or a bare * (name is empty)
    DOUBLE_STAR = 2  # **x


@final
@dataclass(slots=True, eq=False)
class Param:
    """One parameter.

    `line` is 0 for a plain name without annotation and default (the grammar's leaf).  A plain
    parameter that has either carries its line; so do `*x` and `**x`.
    """

    line: int
    kind: ParamKind
    name: bytes
    annotation: Expr | None
    default: Expr | None


# ------------------------------------------------------------------------------------ statements


@final
@dataclass(slots=True, eq=False)
class Block:
    """Several statements: a suite, a file, or `a; b` on one line.  One alone has no Block."""

    line: int
    body: list[Stmt]


@final
@dataclass(slots=True, eq=False)
class Newline:
    """A NEWLINE that the file grammar lets through; it compiles to nothing."""

    line: ClassVar[int] = 0


@final
@dataclass(slots=True, eq=False)
class ExprStmt:
    line: int
    value: Expr


@final
@dataclass(slots=True, eq=False)
class Assign:
    """`targets[0] = targets[1] = value`."""

    line: int
    targets: list[Expr]
    value: Expr


@final
@dataclass(slots=True, eq=False)
class AugAssign:
    """`target op= value`; `op` is the in-place operator."""

    line: int
    target: Expr
    op: BinaryOp
    value: Expr


@final
@dataclass(slots=True, eq=False)
class AnnAssign:
    """`target: annotation` or `target: annotation = value`."""

    line: int
    target: Expr
    annotation: Expr
    value: Expr | None


@final
@dataclass(slots=True, eq=False)
class Pass:
    line: int


@final
@dataclass(slots=True, eq=False)
class Break:
    line: int


@final
@dataclass(slots=True, eq=False)
class Continue:
    line: int


@final
@dataclass(slots=True, eq=False)
class Return:
    line: int
    value: Expr | None


@final
@dataclass(slots=True, eq=False)
class Raise:
    line: int
    exc: Expr | None
    cause: Expr | None


@final
@dataclass(slots=True, eq=False)
class Del:
    line: int
    target: Expr


@final
@dataclass(slots=True, eq=False)
class ImportAlias:
    """`a.b.c as d` of an import (`parts` a, b, c), or `a as d` of a from-import."""

    parts: list[bytes]
    asname: bytes | None


@final
@dataclass(slots=True, eq=False)
class Import:
    line: int
    names: list[ImportAlias]


@final
@dataclass(slots=True, eq=False)
class ImportFrom:
    """`from <level dots><module> import names`; `names` is None for `*`."""

    line: int
    level: int
    module: list[bytes]
    names: list[ImportAlias] | None


@final
@dataclass(slots=True, eq=False)
class Global:
    line: int
    names: list[bytes]


@final
@dataclass(slots=True, eq=False)
class Nonlocal:
    line: int
    names: list[bytes]


@final
@dataclass(slots=True, eq=False)
class Assert:
    line: int
    test: Expr
    message: Expr | None


@final
@dataclass(slots=True, eq=False)
class If:
    """`if`/`elif` arms in order, then `else`."""

    line: int
    arms: list[tuple[Expr, Stmt]]
    orelse: Stmt | None


@final
@dataclass(slots=True, eq=False)
class While:
    line: int
    cond: Expr
    body: Stmt
    orelse: Stmt | None


@final
@dataclass(slots=True, eq=False)
class For:
    line: int
    target: Expr
    iter: Expr
    body: Stmt
    orelse: Stmt | None


@final
@dataclass(slots=True, eq=False)
class ExceptHandler:
    """`except type as name:`; `line` is that of `except`."""

    line: int
    type: Expr | None
    name: bytes | None
    body: Stmt


@final
@dataclass(slots=True, eq=False)
class Try:
    line: int
    body: Stmt
    handlers: list[ExceptHandler]
    orelse: Stmt | None
    final: Stmt | None


@final
@dataclass(slots=True, eq=False)
class With:
    """`with a as b, c: body`; a missing `as` is None."""

    line: int
    items: list[tuple[Expr, Expr | None]]
    body: Stmt


@final
@dataclass(slots=True, eq=False)
class FuncDef:
    line: int
    name: bytes
    params: list[Param]
    returns: Expr | None
    body: Stmt


@final
@dataclass(slots=True, eq=False)
class ClassDef:
    line: int
    name: bytes
    args: list[Argument]
    body: Stmt


@final
@dataclass(slots=True, eq=False)
class Decorator:
    """`@a.b(args)`; `args` is None without parentheses.  `line` is that of the `@`.

    `args_line` is the line of the `(`, or 0.
    """

    line: int
    parts: list[bytes]
    args: list[Argument] | None
    args_line: int


@final
@dataclass(slots=True, eq=False)
class Decorated:
    line: int
    decorators: list[Decorator]
    body: FuncDef | ClassDef | Async


@final
@dataclass(slots=True, eq=False)
class Async:
    """`async def`, `async for`, `async with`; `line` is that of `async`, `body.line` the rest."""

    line: int
    body: FuncDef | For | With


Expr: TypeAlias = (
    "Name | SmallInt | Str | Bytes | Token | Const | BoolOp | Not | Compare | Star | BinOp | Power"
    " | Unary | Primary | Await | IfExp | NamedExpr | Lambda | Tuple | List | Brace | Comprehension"
    " | Yield | YieldFrom | Slice"
)
Trailer: TypeAlias = "Call | Index | Attr"
Argument: TypeAlias = "Expr | StarArg | DoubleStarArg | KeywordArg | WalrusArg"
Stmt: TypeAlias = (
    "Block | Newline | ExprStmt | Assign | AugAssign | AnnAssign | Pass | Break | Continue | Return"
    " | Raise | Del | Import | ImportFrom | Global | Nonlocal | Assert | If | While | For | Try"
    " | With | FuncDef | ClassDef | Decorated | Async"
)
Node: TypeAlias = "Expr | Trailer | Argument | Stmt | DictItem"
