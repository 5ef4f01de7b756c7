"""Nodes that stand for a value: leaves, expressions, arguments, parameters."""

from __future__ import annotations

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
class Name:
    """An identifier that stands by itself."""

    __slots__ = ("id",)
    line: ClassVar[int] = 0

    def __init__(self, id: bytes) -> None:
        self.id = id


@final
class SmallInt:
    """An integer that fits the small int of the compiling side (or the target, see Release)."""

    __slots__ = ("value",)
    line: ClassVar[int] = 0

    def __init__(self, value: int) -> None:
        self.value = value


@final
class Str:
    """A string literal that is a qstr: short, or already interned."""

    __slots__ = ("value",)
    line: ClassVar[int] = 0

    def __init__(self, value: bytes) -> None:
        self.value = value


@final
class Bytes:
    """A bytes literal kept as a qstr (releases that do so, see `Release.bytes_leaf`)."""

    __slots__ = ("value",)
    line: ClassVar[int] = 0

    def __init__(self, value: bytes) -> None:
        self.value = value


@final
class Token:
    """`None`, `True`, `False` or `...`."""

    __slots__ = ("token",)
    line: ClassVar[int] = 0

    def __init__(self, token: TokenLeaf) -> None:
        self.token = token


# ----------------------------------------------------------------------------------- expressions


@final
class Const:
    """A literal object that is not a leaf: float, big int, long string, bytes, folded tuple.

    `int_kind` says for an int what it is on the compiling side, in the terms of `fold.Number`: a
    big int may stay one when it gets small.  Only constant folding asks.
    """

    __slots__ = ("int_kind", "line", "value")

    def __init__(self, line: int, value: ConstValue, int_kind: int = 0) -> None:
        self.line = line
        self.value = value
        self.int_kind = int_kind


@final
class BoolOp:
    """`a or b or c`, `a and b and c`: one node for the whole chain."""

    __slots__ = ("is_or", "items", "line")

    def __init__(self, line: int, is_or: bool, items: list[Expr]) -> None:
        self.line = line
        self.is_or = is_or
        self.items = items


@final
class Not:
    __slots__ = ("line", "operand")

    def __init__(self, line: int, operand: Expr) -> None:
        self.line = line
        self.operand = operand


@final
class Compare:
    """`first op0 rest0 op1 rest1 ...`; `in`, `not in`, `is`, `is not` are among the ops."""

    __slots__ = ("first", "line", "ops", "rest")

    def __init__(self, line: int, first: Expr, ops: list[BinaryOp], rest: list[Expr]) -> None:
        self.line = line
        self.first = first
        self.ops = ops
        self.rest = rest


@final
class Star:
    """`*x` outside a call: an assignment target (anything else is an error of the lowering)."""

    __slots__ = ("line", "value")

    def __init__(self, line: int, value: Expr) -> None:
        self.line = line
        self.value = value


@final
class BinOp:
    """A chain of one precedence level: `first op0 rest0 op1 rest1 ...`, left to right.

    `a - b + c` is one node; `a - b * c` is two.  Levels: `|`; `^`; `&`; `<< >>`; `+ -`;
    `* @ / % //`.
    """

    __slots__ = ("first", "line", "ops", "rest")

    def __init__(self, line: int, first: Expr, ops: list[BinaryOp], rest: list[Expr]) -> None:
        self.line = line
        self.first = first
        self.ops = ops
        self.rest = rest


@final
class Power:
    __slots__ = ("base", "exponent", "line")

    def __init__(self, line: int, base: Expr, exponent: Expr) -> None:
        self.line = line
        self.base = base
        self.exponent = exponent


@final
class Unary:
    """`+x`, `-x`, `~x`."""

    __slots__ = ("line", "op", "operand")

    def __init__(self, line: int, op: UnaryOp, operand: Expr) -> None:
        self.line = line
        self.op = op
        self.operand = operand


@final
class Call:
    """A trailer `(args)`; `line` is the line of the `(`."""

    __slots__ = ("args", "line")

    def __init__(self, line: int, args: list[Argument]) -> None:
        self.line = line
        self.args = args


@final
class Index:
    """A trailer `[index]`; several subscripts arrive as one `Tuple` of form SUBSCRIPT."""

    __slots__ = ("index", "line")

    def __init__(self, line: int, index: Expr) -> None:
        self.line = line
        self.index = index


@final
class Attr:
    """A trailer `.name`; `line` is the line of the `.`."""

    __slots__ = ("line", "name")

    def __init__(self, line: int, name: bytes) -> None:
        self.line = line
        self.name = name


@final
class Primary:
    """An atom with one or more trailers: `a.b(c)[d]`."""

    __slots__ = ("base", "line", "trailers")

    def __init__(self, line: int, base: Expr, trailers: list[Trailer]) -> None:
        self.line = line
        self.base = base
        self.trailers = trailers


@final
class Await:
    """`await atom trailers`; `trailers` may be empty."""

    __slots__ = ("base", "line", "trailers")

    def __init__(self, line: int, base: Expr, trailers: list[Trailer]) -> None:
        self.line = line
        self.base = base
        self.trailers = trailers


@final
class IfExp:
    """`body if cond else orelse`; `line` is that of `body`."""

    __slots__ = ("body", "cond", "line", "orelse")

    def __init__(self, line: int, body: Expr, cond: Expr, orelse: Expr) -> None:
        self.line = line
        self.body = body
        self.cond = cond
        self.orelse = orelse


@final
class NamedExpr:
    """`target := value`; a target that is not a name is an error of the lowering."""

    __slots__ = ("line", "target", "value")

    def __init__(self, line: int, target: Expr, value: Expr) -> None:
        self.line = line
        self.target = target
        self.value = value


@final
class Lambda:
    __slots__ = ("body", "line", "params")

    def __init__(self, line: int, params: list[Param], body: Expr) -> None:
        self.line = line
        self.params = params
        self.body = body


@final
class Tuple:
    __slots__ = ("form", "items", "line")

    def __init__(self, line: int, items: list[Expr], form: TupleForm) -> None:
        self.line = line
        self.items = items
        self.form = form


@final
class List:
    __slots__ = ("items", "line")

    def __init__(self, line: int, items: list[Expr]) -> None:
        self.line = line
        self.items = items


@final
class DictItem:
    """`key: value` inside braces."""

    __slots__ = ("key", "line", "value")

    def __init__(self, line: int, key: Expr, value: Expr) -> None:
        self.line = line
        self.key = key
        self.value = value


@final
class Brace:
    """`{...}` that is no comprehension: a dict, a set, or a forbidden mixture.

    `line` is the line of the `{`; `maker_line` that of the first token inside, which is where the
    reference places the error of a mixture.  `comma`, which is set later: one ends it.
    """

    __slots__ = ("comma", "items", "line", "maker_line")

    def __init__(self, line: int, items: list[Expr | DictItem], maker_line: int) -> None:
        self.line = line
        self.items = items
        self.maker_line = maker_line
        self.comma = False


@final
class CompFor:
    """`for target in iter` and what follows it inside the comprehension."""

    __slots__ = ("iter", "line", "rest", "target")

    def __init__(self, line: int, target: Expr, iter: Expr, rest: CompFor | CompIf | None) -> None:
        self.line = line
        self.target = target
        self.iter = iter
        self.rest = rest


@final
class CompIf:
    __slots__ = ("cond", "line", "rest")

    def __init__(self, line: int, cond: Expr, rest: CompFor | CompIf | None) -> None:
        self.line = line
        self.cond = cond
        self.rest = rest


@final
class Comprehension:
    """`[x for ...]`, `{...}`, `(x for ...)`, and a bare generator as a call's argument.

    `line` is the line of the bracket, `inner_line` that of the element: the new scope starts
    there.  A bare generator argument has no line (0), only an `inner_line`.  `element` is a
    `DictItem` for a dict comprehension.
    """

    __slots__ = ("clause", "element", "inner_line", "kind", "line")

    def __init__(
        self, line: int, kind: CompKind, element: Expr | DictItem, clause: CompFor, inner_line: int
    ) -> None:
        self.line = line
        self.kind = kind
        self.element = element
        self.clause = clause
        self.inner_line = inner_line


@final
class Yield:
    __slots__ = ("line", "value")

    def __init__(self, line: int, value: Expr | None) -> None:
        self.line = line
        self.value = value


@final
class YieldFrom:
    __slots__ = ("line", "value")

    def __init__(self, line: int, value: Expr) -> None:
        self.line = line
        self.value = value


@final
class Slice:
    """`start:stop:step`; a missing part is None.  `line` is that of `start` or of the first `:`."""

    __slots__ = ("line", "start", "step", "stop")

    def __init__(self, line: int, start: Expr | None, stop: Expr | None, step: Expr | None) -> None:
        self.line = line
        self.start = start
        self.stop = stop
        self.step = step


# ------------------------------------------------------------------------------- call arguments


@final
class StarArg:
    __slots__ = ("line", "value")

    def __init__(self, line: int, value: Expr) -> None:
        self.line = line
        self.value = value


@final
class DoubleStarArg:
    __slots__ = ("line", "value")

    def __init__(self, line: int, value: Expr) -> None:
        self.line = line
        self.value = value


@final
class KeywordArg:
    """`name=value`; a `name` that is no `Name` is an error of the lowering."""

    __slots__ = ("line", "name", "value")

    def __init__(self, line: int, name: Expr, value: Expr) -> None:
        self.line = line
        self.name = name
        self.value = value


@final
class WalrusArg:
    """`f(target := value)`: the grammar has a rule of its own for it."""

    __slots__ = ("line", "target", "value")

    def __init__(self, line: int, target: Expr, value: Expr) -> None:
        self.line = line
        self.target = target
        self.value = value


# ------------------------------------------------------------------------------------ parameters


class ParamKind(IntEnum):
    PLAIN = 0  # x
    STAR = 1  # *x, or a bare * (name is empty)
    DOUBLE_STAR = 2  # **x


@final
class Param:
    """One parameter.

    `line` is 0 for a plain name without annotation and default (the grammar's leaf).  A plain
    parameter that has either carries its line; so do `*x` and `**x`.
    """

    __slots__ = ("annotation", "default", "kind", "line", "name")

    def __init__(
        self, line: int, kind: ParamKind, name: bytes, annotation: Expr | None, default: Expr | None
    ) -> None:
        self.line = line
        self.kind = kind
        self.name = name
        self.annotation = annotation
        self.default = default


Expr: TypeAlias = (
    "Name | SmallInt | Str | Bytes | Token | Const | BoolOp | Not | Compare | Star | BinOp | Power"
    " | Unary | Primary | Await | IfExp | NamedExpr | Lambda | Tuple | List | Brace | Comprehension"
    " | Yield | YieldFrom | Slice"
)
Trailer: TypeAlias = "Call | Index | Attr"
Argument: TypeAlias = "Expr | StarArg | DoubleStarArg | KeywordArg | WalrusArg"
