"""Leaves and constants: what a single token means, and what becomes of constant operands."""

from __future__ import annotations

from typing import NoReturn

from mpy_cross import fold
from mpy_cross.errors import CompileError
from mpy_cross.lexer import Lexer
from mpy_cross.loader.objects import ConstValue
from mpy_cross.loader.objects import Str as StrObject
from mpy_cross.loader.ops import BinaryOp
from mpy_cross.numbers import NumberError, parse_decimal, parse_integer
from mpy_cross.options import CompileOptions
from mpy_cross.tokens import (
    BYTES,
    DEDENT_MISMATCH,
    ELLIPSIS,
    ENDLESS,
    FALSE,
    INDENT,
    INTEGER,
    LONG_NAME,
    MALFORMED_FSTRING,
    NAME,
    NAME_ESCAPE,
    NONE,
    RAW_FSTRING,
    STRING,
    TRUE,
)
from mpy_cross.tree import (
    Bytes,
    Const,
    Expr,
    Name,
    SmallInt,
    Str,
    Token,
    TokenLeaf,
    Tuple,
    TupleForm,
)

_INTERNED_LENGTH = 10
"""String literals up to this long always become qstrs (MICROPY_ALLOC_PARSE_INTERN_STRING_LEN)."""

TOKEN_NODES = {
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


class LeafParser:
    """The state of a parser, its errors, leaves and constants.

    `pos` is the current token.
    """

    __slots__ = (
        "_first_names",
        "_leaves",
        "_pool",
        "consts",
        "filename",
        "kinds",
        "lines",
        "names",
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
        self.consts: dict[bytes, tuple[ConstValue, int]] = {}
        self.names: dict[bytes, Name] = {}
        self._leaves: dict[tuple[int, bytes], Expr] = {}
        self._first_names: dict[bytes, int] | None = None
        self._pool: frozenset[bytes] = options.release.builtin_qstrs | {filename, source_name}

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
        if kind == ENDLESS:
            self.fail("MemoryError", "", 0)
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
            name = self.names.get(text)
            if name is not None:
                return name
            const = self.consts.get(text)
            if const is not None:
                return self.const_node(const, self.lines[p])
            name = self.names[text] = Name(text)
            return name
        if kind >= ELLIPSIS:
            return TOKEN_NODES[kind]
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
            if release.bytes_leaf and (len(text) <= _INTERNED_LENGTH or self._is_interned(text, p)):
                return Bytes(text)
            return Const(line, text)
        try:
            if kind == INTEGER:
                value = parse_integer(text, self.release)
                kind = fold.SMALL if fold.is_small(value) else fold.BIG
                return self.int_node(value, kind, line)
            return Const(line, parse_decimal(text, self.release))
        except NumberError as error:
            self.pos = p
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
        self.names.pop(name, None)

    def int_node(self, value: int, kind: int, line: int) -> Expr:
        """The node of an int, `kind` as in `fold`: part of the instruction if small enough."""
        if kind != fold.SMALL:
            return Const(line, value, kind)
        if self.release.parser_knows_small_int:
            limit = 1 << (self.options.small_int_bits - 1)
            if not -limit <= value < limit:
                return Const(line, value)
        return SmallInt(value)

    def const_node(self, const: tuple[ConstValue, int], line: int) -> Expr:
        """The node that a name defined by `const()` stands for."""
        value, kind = const
        if type(value) is int:
            return self.int_node(value, kind, line)
        return Const(line, value)

    # --------------------------------------------------------------------------------- constants

    def constant(self, node: Expr) -> tuple[ConstValue, int] | None:
        """The value of a constant node and its kind as in `fold`, or None."""
        if isinstance(node, SmallInt):
            return node.value, fold.SMALL
        if isinstance(node, Const):
            return node.value, node.int_kind
        if isinstance(node, Token):
            return _TOKEN_VALUES[node.token], fold.SMALL
        if isinstance(node, Str):
            return StrObject(node.value), fold.SMALL
        if isinstance(node, Tuple) and not node.items:
            return (), fold.SMALL
        return None

    def number(self, node: Expr) -> fold.Number | None:
        """A constant that takes part in arithmetic, or None."""
        if isinstance(node, SmallInt):
            return node.value, fold.SMALL
        if isinstance(node, Const):
            value = node.value
            if type(value) is int:
                return value, node.int_kind
            if self.release.fold_floats and isinstance(value, float):
                return value, fold.SMALL
        return None

    def number_node(self, number: fold.Number) -> Expr:
        """The node of a folded number."""
        value, kind = number
        if isinstance(value, float):
            return Const(0, value)
        return self.int_node(value, kind, 0)

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

    def fold_binary(self, first: Expr, ops: list[BinaryOp], rest: list[Expr]) -> Expr | None:
        number = self.number(first)
        if number is None:
            return None
        for op, node in zip(ops, rest, strict=True):
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

    def fold_tuple(self, items: list[Expr], line: int) -> Expr | None:
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
        return self.fold_tuple(items, line) or Tuple(line, items, form)
