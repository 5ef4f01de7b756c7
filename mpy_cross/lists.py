"""Lists inside expressions: targets, tests, subscripts, arguments, parameters, comprehensions."""

from __future__ import annotations

from mpy_cross.leaves import LeafParser
from mpy_cross.tokens import (
    BRACKET_CLOSE,
    COLON,
    COMMA,
    EQUAL,
    FOR,
    IF,
    IN,
    LAMBDA,
    NAME,
    PAREN_CLOSE,
    STAR,
    STAR_STAR,
    STARTS_OPERAND,
    STARTS_TEST,
    WALRUS,
)
from mpy_cross.tree import (
    Argument,
    CompFor,
    CompIf,
    CompKind,
    Comprehension,
    DoubleStarArg,
    Expr,
    KeywordArg,
    Lambda,
    Param,
    ParamKind,
    Slice,
    Star,
    StarArg,
    Tuple,
    TupleForm,
    WalrusArg,
)


class ListParser(LeafParser):
    """The parts of expressions that are lists of others.

    Every method that parses starts at `pos` and leaves `pos` behind what it took.
    """

    __slots__ = ()

    # ------------------------------------------------------------- what ExpressionParser provides

    def test(self) -> Expr:
        """test: `lambda` or a conditional expression."""
        raise NotImplementedError

    def or_test(self) -> Expr:
        """or_test: a test without a conditional expression."""
        raise NotImplementedError

    def operand(self, level: int) -> Expr:
        """expr: operators of precedence `level` (see PRECEDENCE) and tighter."""
        raise NotImplementedError

    # -------------------------------------------------------------------------------------- lists

    def star_expr(self) -> Expr:
        """star_expr: `*` and an operand."""
        line = self.lines[self.pos]
        self.pos += 1
        return Star(line, self.operand(1))

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
            elif STARTS_OPERAND[kind]:
                items.append(self.operand(1))
            else:
                break
        return Tuple(self.lines[p], items, TupleForm.TARGETS)

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
            elif STARTS_TEST[kind]:
                items.append(self.test())
            else:
                break
        return self.tuple_node(self.lines[p], items, form)

    def comp_for(self) -> CompFor:
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
                cond = self.lambda_expr(False) if kinds[p + 1] == LAMBDA else self.or_test()
                clauses.append(CompIf(line, cond, None))
            kind = kinds[self.pos]
            if kind != FOR and kind != IF:
                break
        for i in range(len(clauses) - 1):
            clauses[i].rest = clauses[i + 1]
        head = clauses[0]
        assert isinstance(head, CompFor)
        return head

    # --------------------------------------------------------------------------------- subscripts

    def subscripts(self) -> Expr:
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
        stop = self.test() if STARTS_TEST[kinds[self.pos]] else None
        step = None
        if kinds[self.pos] == COLON:
            self.pos += 1
            step = self.test() if STARTS_TEST[kinds[self.pos]] else None
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
                    clause = self.comp_for()
                    args.append(Comprehension(0, CompKind.GENERATOR, node, clause, line))
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

    def lambda_expr(self, conditional: bool) -> Expr:
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
            return Lambda(line, params, self.lambda_expr(False))
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
