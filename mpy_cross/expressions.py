"""The expression half of the parser: precedence climbing over the token lists.

The reference's parser is driven by a table and looks one token ahead.  This one accepts the same
language and stops at the same token, but most expressions are a single leaf or a name with a few
trailers, so these come first everywhere.

Every node gets the line of the first token of its construct (see tree.py).  Folding of constants
happens as soon as a node is complete, since `const()` must see its result.
"""

from __future__ import annotations

from typing import NoReturn

from mpy_cross import fold
from mpy_cross.errors import CompileError
from mpy_cross.lexer import Lexer
from mpy_cross.loader.builtin_qstrs import builtin_qstrs
from mpy_cross.loader.objects import ConstValue
from mpy_cross.loader.objects import Str as StrObject
from mpy_cross.loader.ops import BinaryOp, UnaryOp
from mpy_cross.numbers import NumberError, parse_decimal, parse_integer
from mpy_cross.options import CompileOptions
from mpy_cross.tokens import (
    AFTER_EXPRESSION,
    AFTER_OPERAND,
    AND,
    AWAIT,
    BINARY_OPS,
    BRACE_CLOSE,
    BRACE_OPEN,
    BRACKET_CLOSE,
    BRACKET_OPEN,
    BYTES,
    COLON,
    COMMA,
    DEDENT_MISMATCH,
    ELLIPSIS,
    ELSE,
    EQUAL,
    FALSE,
    FOR,
    FROM,
    IF,
    IN,
    INDENT,
    INTEGER,
    IS,
    LAMBDA,
    LESS,
    LONG_NAME,
    MALFORMED_FSTRING,
    MINUS,
    NAME,
    NAME_ESCAPE,
    NONE,
    NOT,
    OR,
    PAREN_CLOSE,
    PAREN_OPEN,
    PERIOD,
    PLUS,
    PRECEDENCE,
    RAW_FSTRING,
    STAR,
    STAR_STAR,
    STRING,
    TILDE,
    TRUE,
    WALRUS,
    YIELD,
)
from mpy_cross.tree import (
    Argument,
    Attr,
    Await,
    BinOp,
    BoolOp,
    Brace,
    Bytes,
    Call,
    CompFor,
    CompIf,
    CompKind,
    Compare,
    Comprehension,
    Const,
    DictItem,
    DoubleStarArg,
    Expr,
    IfExp,
    Index,
    KeywordArg,
    Lambda,
    List,
    Name,
    NamedExpr,
    Not,
    Param,
    ParamKind,
    Power,
    Primary,
    Slice,
    SmallInt,
    Star,
    StarArg,
    Str,
    Token,
    TokenLeaf,
    Trailer,
    Tuple,
    TupleForm,
    Unary,
    WalrusArg,
    Yield,
    YieldFrom,
)

_INTERNED_LENGTH = 10
"""String literals up to this long always become qstrs (MICROPY_ALLOC_PARSE_INTERN_STRING_LEN)."""

_TOKENS = {
    ELLIPSIS: Token(TokenLeaf.ELLIPSIS),
    FALSE: Token(TokenLeaf.FALSE),
    NONE: Token(TokenLeaf.NONE),
    TRUE: Token(TokenLeaf.TRUE),
}
_TOKEN_VALUES: dict[TokenLeaf, ConstValue] = {
    TokenLeaf.ELLIPSIS: ...,
    TokenLeaf.FALSE: False,
    TokenLeaf.NONE: None,
    TokenLeaf.TRUE: True,
}
_MATH_CONSTANTS = {
    b"e": 2.718281828459045,
    b"pi": 3.141592653589793,
    b"tau": 6.283185307179586,
    b"inf": float("inf"),
    b"nan": float("nan"),
}


class ExpressionParser:
    """Parses expressions; `Parser` adds the statements.

    Every method that parses starts at `pos` and leaves `pos` behind what it took.
    """

    __slots__ = (
        "_first_names",
        "_leaves",
        "_names",
        "_pool",
        "consts",
        "filename",
        "kinds",
        "lines",
        "options",
        "pos",
        "release",
        "values",
    )

    def __init__(
        self, tokens: Lexer, filename: bytes, source_name: bytes, options: CompileOptions
    ) -> None:
        self.kinds: list[int] = tokens.kinds
        self.values: list[bytes] = tokens.values
        self.lines: list[int] = tokens.lines
        self.pos: int = 0
        self.filename = filename
        self.options = options
        self.release = options.release
        self.consts: dict[bytes, tuple[ConstValue, bool]] = {}
        self._names: dict[bytes, Name] = {}
        self._leaves: dict[tuple[int, bytes], Expr] = {}
        self._first_names: dict[bytes, int] | None = None
        self._pool: frozenset[bytes] = builtin_qstrs(options.release) | {filename, source_name}

    # ------------------------------------------------------------------------------------ errors

    def syntax_error(self) -> NoReturn:
        """The current token fits no rule."""
        kind = self.kinds[self.pos]
        if kind == INDENT:
            self.fail("IndentationError", "unexpected indent")
        if kind == DEDENT_MISMATCH:
            self.fail("IndentationError", "unindent doesn't match any outer indent level")
        if kind == MALFORMED_FSTRING:
            self.fail("SyntaxError", "malformed f-string")
        if kind == RAW_FSTRING:
            self.fail("SyntaxError", "raw f-strings are not supported")
        if kind == NAME_ESCAPE:
            self.fail("NotImplementedError", "unicode name escapes", 0)
        if kind == LONG_NAME:
            self.fail("RuntimeError", "name too long", 0)
        self.fail("SyntaxError", "invalid syntax")

    def fail(self, kind: str, message: str, line: int = -1) -> NoReturn:
        """Raises a CompileError at the current token, or at `line`."""
        raise CompileError(
            kind,
            message,
            file=self.filename.decode("utf-8", "replace"),
            line=self.lines[self.pos] if line < 0 else line,
        )

    def expect(self, kind: int) -> None:
        """Steps over a token of this kind; anything else is a syntax error."""
        if self.kinds[self.pos] != kind:
            self.syntax_error()
        self.pos += 1

    def name(self) -> bytes:
        """Steps over a NAME and returns its text."""
        p = self.pos
        if self.kinds[p] != NAME:
            self.syntax_error()
        self.pos = p + 1
        return self.values[p]

    # ------------------------------------------------------------------------------------ leaves

    def leaf(self, kind: int, p: int) -> Expr:
        """The leaf that token `p` makes; the caller has moved `pos`, or will."""
        if kind == NAME:
            text = self.values[p]
            node = self._names.get(text)
            if node is not None:
                return node
            const = self.consts.get(text)
            if const is not None:
                return self.const_node(const, self.lines[p])
            node = self._names[text] = Name(text)
            return node
        if kind >= ELLIPSIS:
            return _TOKENS[kind]
        key = (kind, self.values[p])
        known = self._leaves.get(key)
        if known is not None:
            return known
        node = self._new_leaf(kind, p)
        if not isinstance(node, Const):  # a Const has a line of its own
            self._leaves[key] = node
        return node

    def _new_leaf(self, kind: int, p: int) -> Expr:
        text = self.values[p]
        line = self.lines[p]
        if kind == STRING:
            if len(text) <= _INTERNED_LENGTH or self._is_interned(text, p):
                return Str(text)
            return Const(line, StrObject(text))
        if kind == BYTES:
            release = self.release
            if release.bytes_leaf and (
                len(text) <= _INTERNED_LENGTH or self._is_interned(text, p)
            ):
                return Bytes(text)
            return Const(line, text)
        try:
            if kind == INTEGER:
                value = parse_integer(text, self.release)
                return self.int_node(value, not fold.is_small(value), line)
            return Const(line, parse_decimal(text, self.release))
        except NumberError as error:
            self.fail("SyntaxError", str(error), line)

    def _is_interned(self, text: bytes, p: int) -> bool:
        """Whether a string is among the qstrs once the parser has come to token `p`."""
        if text in self._pool:
            return True
        first = self._first_names
        if first is None:
            kinds = self.kinds
            values = self.values
            first = {}
            for i in range(len(kinds) - 1, -1, -1):
                if kinds[i] == NAME:
                    first[values[i]] = i
            self._first_names = first
        return first.get(text, p) < p

    def forget_name(self, name: bytes) -> None:
        """From here on the name stands for a constant."""
        self._names.pop(name, None)

    def int_node(self, value: int, big: bool, line: int) -> Expr:
        """The node of an int: part of the instruction where it is small enough."""
        if big:
            return Const(line, value, True)
        if self.release.parser_knows_small_int:
            limit = 1 << (self.options.small_int_bits - 1)
            if not -limit <= value < limit:
                return Const(line, value)
        return SmallInt(value)

    def const_node(self, const: tuple[ConstValue, bool], line: int) -> Expr:
        """The node that a name defined by `const()` stands for."""
        value, big = const
        if type(value) is int:
            return self.int_node(value, big, line)
        return Const(line, value)

    # --------------------------------------------------------------------------------- constants

    def constant(self, node: Expr) -> tuple[ConstValue, bool] | None:
        """The value of a constant node and whether it is a big int, or None."""
        if isinstance(node, SmallInt):
            return node.value, False
        if isinstance(node, Const):
            return node.value, node.big
        if isinstance(node, Token):
            return _TOKEN_VALUES[node.token], False
        if isinstance(node, Str):
            return StrObject(node.value), False
        if isinstance(node, Tuple) and not node.items:
            return (), False
        return None

    def number(self, node: Expr) -> fold.Number | None:
        """A constant that takes part in arithmetic, or None."""
        if isinstance(node, SmallInt):
            return node.value, False
        if isinstance(node, Const):
            value = node.value
            if type(value) is int:
                return value, node.big
            if self.release.fold_floats and isinstance(value, float):
                return value, False
        return None

    def number_node(self, number: fold.Number) -> Expr:
        """The node of a folded number."""
        value, big = number
        if isinstance(value, float):
            return Const(0, value)
        return self.int_node(value, big, 0)

    def truth(self, node: Expr) -> bool | None:
        """The truth of a constant, or None where the release does not know it."""
        if isinstance(node, SmallInt):
            return node.value != 0
        if self.release.const_truth:
            const = self.constant(node)
            if const is None:
                return None
            value = const[0]
            return bool(value.data if isinstance(value, StrObject) else value)
        if isinstance(node, Token):
            if node.token == TokenLeaf.TRUE:
                return True
            if node.token == TokenLeaf.FALSE:
                return False
        return None

    def _fold_binary(self, first: Expr, ops: list[BinaryOp], rest: list[Expr]) -> Expr | None:
        number = self.number(first)
        if number is None:
            return None
        for op, node in zip(ops, rest):
            right = self.number(node)
            if right is None:
                return None
            try:
                number = fold.binary(op, number, right, self.release)
            except fold.FoldError as error:
                if self.release.fold_floats:
                    return None
                self.fail(error.kind, error.message, 0)
            if number is None:
                return None
        return self.number_node(number)

    def _fold_tuple(self, items: list[Expr], line: int) -> Expr | None:
        """A tuple of constants as one object, where the release makes one."""
        if not self.release.const_objects:
            return None
        values: list[ConstValue] = []
        for item in items:
            const = self.constant(item)
            if const is None:
                return None
            values.append(const[0])
        return Const(line, tuple(values))

    def tuple_node(self, line: int, items: list[Expr], form: TupleForm) -> Expr:
        """A tuple without brackets of its own, folded if all items are constant."""
        return self._fold_tuple(items, line) or Tuple(line, items, form)

    # ------------------------------------------------------------------------------------- tests

    def test(self) -> Expr:
        """test: `lambda` or a conditional expression."""
        p = self.pos
        kinds = self.kinds
        kind = kinds[p]
        if NAME <= kind <= TRUE and AFTER_EXPRESSION[kinds[p + 1]]:
            self.pos = p + 1
            if kind == NAME:
                node = self._names.get(self.values[p])
                if node is not None:
                    return node
            return self.leaf(kind, p)
        if kind == LAMBDA:
            return self._lambda(True)
        if kind == NOT:
            left = self._not_test()
        else:
            left = self.operand(1)
        if AFTER_OPERAND[kinds[self.pos]]:
            return left
        line = self.lines[p]
        left = self._or_rest(left, line)
        if kinds[self.pos] != IF:
            return left
        return self._conditional(left, line)

    def _conditional(self, body: Expr, line: int) -> Expr:
        """The rest of `body if cond else orelse`; chains do not nest calls."""
        parts: list[tuple[int, Expr, Expr]] = []
        while True:
            self.pos += 1
            cond = self.or_test()
            self.expect(ELSE)
            parts.append((line, body, cond))
            line = self.lines[self.pos]
            if self.kinds[self.pos] == LAMBDA:
                body = self._lambda(True)
                break
            body = self.or_test()
            if self.kinds[self.pos] != IF:
                break
        for line, left, cond in reversed(parts):
            body = IfExp(line, left, cond, body)
        return body

    def or_test(self) -> Expr:
        """or_test: a test without a conditional expression."""
        p = self.pos
        kinds = self.kinds
        left = self._not_test() if kinds[p] == NOT else self.operand(1)
        if AFTER_OPERAND[kinds[self.pos]]:
            return left
        return self._or_rest(left, self.lines[p])

    def _or_rest(self, left: Expr, line: int) -> Expr:
        """Comparison, `and` and `or` behind their first operand."""
        kinds = self.kinds
        if LESS <= kinds[self.pos] <= NOT:
            left = self._comparison(left, line)
        if kinds[self.pos] == AND:
            left = self._and_rest(left, line)
        if kinds[self.pos] != OR:
            return left
        items = [left]
        while kinds[self.pos] == OR:
            self.pos += 1
            start = self.lines[self.pos]
            item = self._not_test()
            if kinds[self.pos] == AND:
                item = self._and_rest(item, start)
            items.append(item)
        return self._bool_op(line, True, items)

    def _and_rest(self, left: Expr, line: int) -> Expr:
        items = [left]
        while self.kinds[self.pos] == AND:
            self.pos += 1
            items.append(self._not_test())
        return self._bool_op(line, False, items)

    def _bool_op(self, line: int, is_or: bool, items: list[Expr]) -> Expr:
        """Drops what constants decide: `0 or x` is x, `1 or x` is 1."""
        kept: list[Expr] = []
        last = items[-1]
        for item in items:
            if item is last:
                kept.append(item)
                break
            truth = self.truth(item)
            if truth is is_or:
                kept.append(item)
                break
            if truth is None:
                kept.append(item)
        return kept[0] if len(kept) == 1 else BoolOp(line, is_or, kept)

    def _not_test(self) -> Expr:
        """not_test: any number of `not`, then a comparison."""
        start = self.pos
        p = start
        kinds = self.kinds
        while kinds[p] == NOT:
            p += 1
        self.pos = p
        node = self.operand(1)
        if LESS <= kinds[self.pos] <= NOT:
            node = self._comparison(node, self.lines[p])
        while p > start:
            p -= 1
            truth = self.truth(node)
            if truth is None:
                node = Not(self.lines[p], node)
            else:
                node = _TOKENS[FALSE if truth else TRUE]
        return node

    def _comparison(self, first: Expr, line: int) -> Expr:
        kinds = self.kinds
        ops: list[BinaryOp] = []
        rest: list[Expr] = []
        kind = kinds[self.pos]
        while LESS <= kind <= NOT:
            self.pos += 1
            if kind == NOT:
                self.expect(IN)
                ops.append(BinaryOp.NOT_IN)
            elif kind == IS:
                if kinds[self.pos] == NOT:
                    self.pos += 1
                    ops.append(BinaryOp.IS_NOT)
                else:
                    ops.append(BinaryOp.IS)
            else:
                ops.append(BINARY_OPS[kind])
            rest.append(self.operand(1))
            kind = kinds[self.pos]
        return Compare(line, first, ops, rest)

    # ---------------------------------------------------------------------------------- operands

    def operand(self, level: int) -> Expr:
        """expr: operators of precedence `level` (see PRECEDENCE) and tighter."""
        p = self.pos
        kinds = self.kinds
        kind = kinds[p]
        if NAME <= kind <= TRUE and not PAREN_OPEN <= kinds[p + 1] <= PERIOD:
            if kinds[p + 1] == STAR_STAR:
                left = self._factor()
            else:
                self.pos = p + 1
                left = self.leaf(kind, p)
        else:
            left = self._factor()
        found = PRECEDENCE[kinds[self.pos]]
        if found < level or not found:
            return left
        line = self.lines[p]
        while found >= level and found:
            ops: list[BinaryOp] = []
            rest: list[Expr] = []
            here = found
            while here == found:
                ops.append(BINARY_OPS[kinds[self.pos]])
                self.pos += 1
                rest.append(self.operand(found + 1))
                here = PRECEDENCE[kinds[self.pos]]
            left = self._fold_binary(left, ops, rest) or BinOp(line, left, ops, rest)
            found = here
        return left

    def _factor(self) -> Expr:
        """factor: any number of `+`, `-` and `~`, then a power."""
        start = self.pos
        p = start
        kinds = self.kinds
        while PLUS <= kinds[p] <= MINUS or kinds[p] == TILDE:
            p += 1
        self.pos = p
        node = self._power()
        while p > start:
            p -= 1
            kind = kinds[p]
            if kind == TILDE:
                op = UnaryOp.INVERT
            else:
                op = UnaryOp.POSITIVE if kind == PLUS else UnaryOp.NEGATIVE
            number = self.number(node)
            if number is None or (op == UnaryOp.INVERT and isinstance(number[0], float)):
                node = Unary(self.lines[p], op, node)
            else:
                node = self.number_node(fold.unary(op, number))
        return node

    def _power(self) -> Expr:
        """power: an atom with its trailers, and a factor behind `**`."""
        p = self.pos
        kinds = self.kinds
        kind = kinds[p]
        line = self.lines[p]
        if kind == AWAIT:
            self.pos = p + 1
            base = self._atom()
            node: Expr = Await(line, base, self._trailers())
        else:
            node = self._atom()
            if PAREN_OPEN <= kinds[self.pos] <= PERIOD:
                trailers = self._trailers()
                value = self._module_constant(node, trailers) if len(trailers) == 1 else None
                node = Primary(line, node, trailers) if value is None else Const(0, value)
        if kinds[self.pos] != STAR_STAR:
            return node
        self.pos += 1
        exponent = self._factor()
        if self.release.fold_power:
            folded = self._fold_binary(node, [BinaryOp.POWER], [exponent])
            if folded is not None:
                return folded
        return Power(line, node, exponent)

    def _module_constant(self, base: Expr, trailers: list[Trailer]) -> float | None:
        """The value of `math.pi` and the like, which the compiler knows from 1.26."""
        if not self.release.fold_floats or not isinstance(base, Name) or base.id != b"math":
            return None
        trailer = trailers[0]
        return _MATH_CONSTANTS.get(trailer.name) if isinstance(trailer, Attr) else None

    def _trailers(self) -> list[Trailer]:
        kinds = self.kinds
        trailers: list[Trailer] = []
        while True:
            p = self.pos
            kind = kinds[p]
            if kind == PERIOD:
                if kinds[p + 1] != NAME:
                    self.pos = p + 1
                    self.syntax_error()
                self.pos = p + 2
                trailers.append(Attr(self.lines[p], self.values[p + 1]))
            elif kind == PAREN_OPEN:
                if kinds[p + 1] == PAREN_CLOSE:
                    self.pos = p + 2
                    trailers.append(Call(self.lines[p], []))
                else:
                    self.pos = p + 1
                    args = self.arguments()
                    self.expect(PAREN_CLOSE)
                    trailers.append(Call(self.lines[p], args))
            elif kind == BRACKET_OPEN:
                self.pos = p + 1
                index = self._subscripts()
                self.expect(BRACKET_CLOSE)
                trailers.append(Index(self.lines[p], index))
            else:
                return trailers

    def _atom(self) -> Expr:
        p = self.pos
        kind = self.kinds[p]
        if NAME <= kind <= TRUE:
            self.pos = p + 1
            return self.leaf(kind, p)
        if kind == PAREN_OPEN:
            return self._paren()
        if kind == BRACKET_OPEN:
            return self._bracket()
        if kind == BRACE_OPEN:
            return self._brace()
        self.syntax_error()

    # ---------------------------------------------------------------------------------- brackets

    def _paren(self) -> Expr:
        p = self.pos
        kinds = self.kinds
        line = self.lines[p]
        self.pos = p + 1
        kind = kinds[p + 1]
        if kind == PAREN_CLOSE:
            self.pos = p + 2
            return Tuple(line, [], TupleForm.PAREN)
        if kind == YIELD:
            node = self.yield_expr()
            self.expect(PAREN_CLOSE)
            return node
        inner = self.lines[p + 1]
        first = self._item()
        kind = kinds[self.pos]
        if kind == PAREN_CLOSE:
            self.pos += 1
            return first
        if kind == FOR:
            node = Comprehension(line, CompKind.GENERATOR, first, self._comp_for(), inner)
            self.expect(PAREN_CLOSE)
            return node
        second = self.lines[self.pos + 1]
        items, trailing = self._items(first)
        self.expect(PAREN_CLOSE)
        # Three rules of the grammar share the work, which decides the line of a folded tuple.
        plain = len(items) == 1 or (len(items) == 2 and not trailing)
        folded = self._fold_tuple(items, inner if plain else second)
        return folded or Tuple(line, items, TupleForm.PAREN)

    def _bracket(self) -> Expr:
        p = self.pos
        line = self.lines[p]
        self.pos = p + 1
        if self.kinds[p + 1] == BRACKET_CLOSE:
            self.pos = p + 2
            return List(line, [])
        inner = self.lines[p + 1]
        first = self._item()
        node: Expr
        if self.kinds[self.pos] == FOR:
            node = Comprehension(line, CompKind.LIST, first, self._comp_for(), inner)
        else:
            node = List(line, self._items(first)[0])
        self.expect(BRACKET_CLOSE)
        return node

    def _item(self) -> Expr:
        """An item of a parenthesis or list: `*x`, or a test that may be `name := value`."""
        if self.kinds[self.pos] == STAR:
            return self.star_expr()
        return self.named_test()

    def _items(self, first: Expr) -> tuple[list[Expr], bool]:
        """The items behind the first one, and whether a comma ends them."""
        items = [first]
        kinds = self.kinds
        while kinds[self.pos] == COMMA:
            self.pos += 1
            kind = kinds[self.pos]
            if kind == PAREN_CLOSE or kind == BRACKET_CLOSE:
                return items, True
            items.append(self._item())
        return items, False

    def named_test(self) -> Expr:
        """namedexpr_test: a test, or `name := value`."""
        p = self.pos
        node = self.test()
        if self.kinds[self.pos] != WALRUS:
            return node
        self.pos += 1
        return NamedExpr(self.lines[p], node, self.test())

    def star_expr(self) -> Expr:
        """star_expr: `*` and an operand."""
        line = self.lines[self.pos]
        self.pos += 1
        return Star(line, self.operand(1))

    def _brace(self) -> Expr:
        p = self.pos
        kinds = self.kinds
        line = self.lines[p]
        self.pos = p + 1
        if kinds[p + 1] == BRACE_CLOSE:
            self.pos = p + 2
            return Brace(line, [], self.lines[p + 1])
        inner = self.lines[p + 1]
        first = self._brace_item()
        node: Expr
        if kinds[self.pos] == FOR:
            kind = CompKind.DICT if isinstance(first, DictItem) else CompKind.SET
            node = Comprehension(line, kind, first, self._comp_for(), inner)
        else:
            items = [first]
            while kinds[self.pos] == COMMA:
                self.pos += 1
                if kinds[self.pos] == BRACE_CLOSE:
                    break
                items.append(self._brace_item())
            node = Brace(line, items, inner)
        self.expect(BRACE_CLOSE)
        return node

    def _brace_item(self) -> Expr | DictItem:
        p = self.pos
        key = self.test()
        if self.kinds[self.pos] != COLON:
            return key
        self.pos += 1
        return DictItem(self.lines[p], key, self.test())

    def _comp_for(self) -> CompFor:
        """comp_for: the whole chain of `for` and `if` clauses, without nesting calls."""
        kinds = self.kinds
        clauses: list[CompFor | CompIf] = []
        while True:
            p = self.pos
            line = self.lines[p]
            self.pos = p + 1
            if kinds[p] == FOR:
                target = self.targets()
                self.expect(IN)
                clauses.append(CompFor(line, target, self.or_test(), None))
            else:
                cond = self._lambda(False) if kinds[p + 1] == LAMBDA else self.or_test()
                clauses.append(CompIf(line, cond, None))
            kind = kinds[self.pos]
            if kind != FOR and kind != IF:
                break
        for i in range(len(clauses) - 1):
            clauses[i].rest = clauses[i + 1]
        head = clauses[0]
        assert isinstance(head, CompFor)
        return head

    def targets(self) -> Expr:
        """exprlist: what `for` and `del` take."""
        p = self.pos
        kinds = self.kinds
        node = self.star_expr() if kinds[p] == STAR else self.operand(1)
        if kinds[self.pos] != COMMA:
            return node
        items = [node]
        while kinds[self.pos] == COMMA:
            self.pos += 1
            kind = kinds[self.pos]
            if kind == STAR:
                items.append(self.star_expr())
            elif self.starts_operand(kind):
                items.append(self.operand(1))
            else:
                break
        return Tuple(self.lines[p], items, TupleForm.TARGETS)

    def starts_operand(self, kind: int) -> bool:
        """Whether a token can begin an operand (and so, with `not` and `lambda`, a test)."""
        return (
            NAME <= kind <= BRACKET_OPEN
            or PLUS <= kind <= MINUS
            or kind == TILDE
            or kind == AWAIT
        )

    def starts_test(self, kind: int) -> bool:
        """Whether a token can begin a test."""
        return self.starts_operand(kind) or kind == NOT or kind == LAMBDA

    def test_list(self, form: TupleForm, star: bool) -> Expr:
        """testlist, or testlist_star_expr: tests with commas between; `*x` if `star`."""
        p = self.pos
        kinds = self.kinds
        node = self.star_expr() if star and kinds[p] == STAR else self.test()
        if kinds[self.pos] != COMMA:
            return node
        items = [node]
        while kinds[self.pos] == COMMA:
            self.pos += 1
            kind = kinds[self.pos]
            if star and kind == STAR:
                items.append(self.star_expr())
            elif self.starts_test(kind):
                items.append(self.test())
            else:
                break
        return self.tuple_node(self.lines[p], items, form)

    def yield_expr(self) -> Expr:
        """yield_expr: `yield`, `yield values` or `yield from value`."""
        p = self.pos
        line = self.lines[p]
        self.pos = p + 1
        kind = self.kinds[p + 1]
        if kind == FROM:
            self.pos = p + 2
            return YieldFrom(line, self.test())
        if self.starts_test(kind):
            return Yield(line, self.test_list(TupleForm.TESTLIST, False))
        return Yield(line, None)

    # --------------------------------------------------------------------------------- subscripts

    def _subscripts(self) -> Expr:
        p = self.pos
        kinds = self.kinds
        node = self._subscript()
        if kinds[self.pos] != COMMA:
            return node
        items = [node]
        while kinds[self.pos] == COMMA:
            self.pos += 1
            if kinds[self.pos] == BRACKET_CLOSE:
                break
            items.append(self._subscript())
        return self.tuple_node(self.lines[p], items, TupleForm.SUBSCRIPT)

    def _subscript(self) -> Expr:
        p = self.pos
        kinds = self.kinds
        start = None if kinds[p] == COLON else self.test()
        if kinds[self.pos] != COLON:
            assert start is not None
            return start
        self.pos += 1
        stop = self.test() if self.starts_test(kinds[self.pos]) else None
        step = None
        if kinds[self.pos] == COLON:
            self.pos += 1
            step = self.test() if self.starts_test(kinds[self.pos]) else None
        return Slice(self.lines[p], start, stop, step)

    # ---------------------------------------------------------------------- arguments, parameters

    def arguments(self) -> list[Argument]:
        """arglist, up to the closing parenthesis, which stays."""
        kinds = self.kinds
        args: list[Argument] = []
        while True:
            p = self.pos
            kind = kinds[p]
            if kind == STAR:
                self.pos = p + 1
                args.append(StarArg(self.lines[p], self.test()))
            elif kind == STAR_STAR:
                self.pos = p + 1
                args.append(DoubleStarArg(self.lines[p], self.test()))
            else:
                node = self.test()
                kind = kinds[self.pos]
                if kind == COMMA:
                    args.append(node)
                elif kind == EQUAL:
                    self.pos += 1
                    args.append(KeywordArg(self.lines[p], node, self.test()))
                elif kind == FOR:
                    line = self.lines[p]
                    clause = self._comp_for()
                    args.append(Comprehension(line, CompKind.GENERATOR, node, clause, line))
                elif kind == WALRUS:
                    self.pos += 1
                    args.append(WalrusArg(self.lines[p], node, self.test()))
                else:
                    args.append(node)
            if kinds[self.pos] != COMMA:
                return args
            self.pos += 1
            if kinds[self.pos] == PAREN_CLOSE:
                return args

    def _lambda(self, conditional: bool) -> Expr:
        """lambdef; `conditional` says whether its body may be a conditional expression."""
        line = self.lines[self.pos]
        self.pos += 1
        params: list[Param] = []
        if self.kinds[self.pos] != COLON:
            params = self.parameters(False)
        self.expect(COLON)
        if conditional:
            return Lambda(line, params, self.test())
        if self.kinds[self.pos] == LAMBDA:
            return Lambda(line, params, self._lambda(False))
        return Lambda(line, params, self.or_test())

    def parameters(self, typed: bool) -> list[Param]:
        """typedargslist of a `def`, or varargslist of a `lambda`."""
        kinds = self.kinds
        params: list[Param] = []
        while True:
            p = self.pos
            kind = kinds[p]
            line = self.lines[p]
            if kind == NAME:
                self.pos = p + 1
                annotation = self._annotation() if typed else None
                default = None
                if kinds[self.pos] == EQUAL:
                    self.pos += 1
                    default = self.test()
                if annotation is None and default is None:
                    line = 0
                params.append(Param(line, ParamKind.PLAIN, self.values[p], annotation, default))
            elif kind == STAR:
                self.pos = p + 1
                name = b""
                annotation = None
                if kinds[p + 1] == NAME:
                    name = self.name()
                    annotation = self._annotation() if typed else None
                params.append(Param(line, ParamKind.STAR, name, annotation, None))
            elif kind == STAR_STAR:
                self.pos = p + 1
                name = self.name()
                annotation = self._annotation() if typed else None
                params.append(Param(line, ParamKind.DOUBLE_STAR, name, annotation, None))
            elif params:
                return params  # a comma may end the list
            else:
                self.syntax_error()
            if kinds[self.pos] != COMMA:
                return params
            self.pos += 1

    def _annotation(self) -> Expr | None:
        if self.kinds[self.pos] != COLON:
            return None
        self.pos += 1
        return self.test()

