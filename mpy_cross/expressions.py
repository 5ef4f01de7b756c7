"""The expression half of the parser: precedence climbing over the token lists.

The reference's parser is driven by a table and looks one token ahead.  This one accepts the same
language and stops at the same token, but most expressions are a single leaf or a name with a few
trailers, so these come first everywhere.

Every node gets the line of the first token of its construct (see tree.py).  Folding of constants
happens as soon as a node is complete, since `const()` must see its result.
"""

from __future__ import annotations

from mpy_cross import fold
from mpy_cross.leaves import TOKEN_NODES
from mpy_cross.lists import ListParser
from mpy_cross.loader.ops import BinaryOp, UnaryOp
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
    COLON,
    COMMA,
    ELSE,
    FALSE,
    FOR,
    FROM,
    IF,
    IN,
    IS,
    LAMBDA,
    LESS,
    MINUS,
    NAME,
    NOT,
    OR,
    PAREN_CLOSE,
    PAREN_OPEN,
    PERIOD,
    PLUS,
    PRECEDENCE,
    STAR,
    STAR_STAR,
    STARTS_TEST,
    TILDE,
    TRUE,
    WALRUS,
    YIELD,
)
from mpy_cross.tree import (
    Attr,
    Await,
    BinOp,
    BoolOp,
    Brace,
    Call,
    Compare,
    CompKind,
    Comprehension,
    Const,
    DictItem,
    Expr,
    IfExp,
    Index,
    List,
    Name,
    NamedExpr,
    Not,
    Power,
    Primary,
    Trailer,
    Tuple,
    TupleForm,
    Unary,
    Yield,
    YieldFrom,
)

_MATH_CONSTANTS = {
    b"e": 2.718281828459045,
    b"pi": 3.141592653589793,
    b"tau": 6.283185307179586,
    b"inf": float("inf"),
    b"nan": float("nan"),
}


class ExpressionParser(ListParser):
    """Parses expressions; `Parser` adds the statements."""

    __slots__ = ()

    # ------------------------------------------------------------------------------------- tests

    def test(self) -> Expr:
        """test: `lambda` or a conditional expression."""
        p = self.pos
        kinds = self.kinds
        kind = kinds[p]
        if NAME <= kind <= TRUE and AFTER_EXPRESSION[kinds[p + 1]]:
            self.pos = p + 1
            if kind == NAME:
                node = self.names.get(self.values[p])
                if node is not None:
                    return node
            return self.leaf(kind, p)
        if kind == LAMBDA:
            return self.lambda_expr(True)
        left = self._not_test() if kind == NOT else self.operand(1)
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
                body = self.lambda_expr(True)
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
        for item in items[:-1]:
            truth = self.truth(item)
            if truth is not (not is_or):
                kept.append(item)
            if truth is is_or:
                break
        else:
            kept.append(items[-1])
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
                node = TOKEN_NODES[FALSE if truth else TRUE]
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
            left = self.fold_binary(left, ops, rest) or BinOp(line, left, ops, rest)
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
                node = self.number_node(fold.unary(op, number, self.release))
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
            folded = self.fold_binary(node, [BinaryOp.POWER], [exponent])
            if folded is not None:
                return folded
        return Power(line, node, exponent)

    def _module_constant(self, base: Expr, trailers: list[Trailer]) -> float | None:
        """The value of `math.pi` and the like, which the compiler knows from 1.26, and of those
        that the options name."""
        trailer = trailers[0]
        if not isinstance(base, Name) or not isinstance(trailer, Attr):
            return None
        known = self.options.constants.get(base.id)
        if known is not None:
            return known.get(trailer.name)
        if not self.release.fold_floats or base.id != b"math":
            return None
        return _MATH_CONSTANTS.get(trailer.name)

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
                index = self.subscripts()
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
            node = Comprehension(line, CompKind.GENERATOR, first, self.comp_for(), inner)
            self.expect(PAREN_CLOSE)
            return node
        second = self.lines[self.pos + 1]
        items, trailing = self._items(first)
        self.expect(PAREN_CLOSE)
        # Three rules of the grammar share the work, which decides the line of a folded tuple.
        plain = len(items) == 1 or (len(items) == 2 and not trailing)
        folded = self.fold_tuple(items, inner if plain else second)
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
            node = Comprehension(line, CompKind.LIST, first, self.comp_for(), inner)
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
            if PAREN_CLOSE <= kind <= BRACKET_CLOSE:
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
            node = Comprehension(line, kind, first, self.comp_for(), inner)
        else:
            items = [first]
            while kinds[self.pos] == COMMA:
                self.pos += 1
                if kinds[self.pos] == BRACE_CLOSE:
                    break
                items.append(self._brace_item())
            node = Brace(line, items, inner)
            node.comma = kinds[self.pos - 1] == COMMA
        self.expect(BRACE_CLOSE)
        return node

    def _brace_item(self) -> Expr | DictItem:
        p = self.pos
        key = self.test()
        if self.kinds[self.pos] != COLON:
            return key
        self.pos += 1
        return DictItem(self.lines[p], key, self.test())

    def yield_expr(self) -> Expr:
        """yield_expr: `yield`, `yield values` or `yield from value`."""
        p = self.pos
        line = self.lines[p]
        self.pos = p + 1
        kind = self.kinds[p + 1]
        if kind == FROM:
            self.pos = p + 2
            return YieldFrom(line, self.test())
        if STARTS_TEST[kind]:
            return Yield(line, self.test_list(TupleForm.TESTLIST, False))
        return Yield(line, None)
