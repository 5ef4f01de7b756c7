"""The statement half of the parser."""

from __future__ import annotations

from typing import final

from mpy_cross.expressions import ExpressionParser
from mpy_cross.options import Form
from mpy_cross.tokens import (
    ARROW,
    AS,
    ASSERT,
    ASYNC,
    AT,
    AUGMENTED_FIRST,
    AUGMENTED_LAST,
    BREAK,
    CLASS,
    COLON,
    COMMA,
    CONTINUE,
    DEDENT,
    DEF,
    DEL,
    ELIF,
    ELLIPSIS,
    ELSE,
    END,
    ENDLESS,
    EQUAL,
    EXCEPT,
    FINALLY,
    FOR,
    FROM,
    GLOBAL,
    IF,
    IMPORT,
    IN,
    INDENT,
    INPLACE_OPS,
    LONG_NAME,
    NAME,
    NAME_ESCAPE,
    NEWLINE,
    NONLOCAL,
    PAREN_CLOSE,
    PAREN_OPEN,
    PASS,
    PERIOD,
    RAISE,
    RETURN,
    SEMICOLON,
    STAR,
    STARTS_TEST,
    TRY,
    WHILE,
    WITH,
    YIELD,
)
from mpy_cross.tree import (
    AnnAssign,
    Argument,
    Assert,
    Assign,
    Async,
    AugAssign,
    Block,
    Break,
    Bytes,
    Call,
    ClassDef,
    Const,
    Continue,
    Decorated,
    Decorator,
    Del,
    ExceptHandler,
    Expr,
    ExprStmt,
    For,
    FuncDef,
    Global,
    If,
    Import,
    ImportAlias,
    ImportFrom,
    Name,
    Newline,
    Nonlocal,
    Param,
    Pass,
    Primary,
    Raise,
    Return,
    SmallInt,
    Stmt,
    Str,
    Token,
    Try,
    TupleForm,
    While,
    With,
)


@final
class Parser(ExpressionParser):
    """Parses a whole file.  Make one for each file."""

    __slots__ = ()

    def file(self) -> Stmt:
        """file_input: the whole source.  An empty one gives an empty Block."""
        kinds = self.kinds
        line = self.lines[0]
        body: list[Stmt] = []
        while True:
            kind = kinds[self.pos]
            if kind == NEWLINE:
                self.pos += 1
                body.append(Newline())
            elif kind == END:
                break
            else:
                body.append(self.statement())
        return body[0] if len(body) == 1 else Block(line, body)

    def single(self) -> Stmt:
        """single_input: one statement of a prompt, of which a constant is one too."""
        if self.kinds[self.pos] == NEWLINE:
            self.pos += 1
            made: Stmt = Newline()
        else:
            made = self.statement()
        if self.kinds[self.pos] != END:
            self.syntax_error()
        return made

    def statement(self) -> Stmt:
        """stmt: a compound statement, or simple ones up to the end of the line."""
        kind = self.kinds[self.pos]
        if kind == IF:
            return self._if()
        if kind == DEF:
            return self._def()
        if kind == FOR:
            return self._for()
        if kind == WHILE:
            return self._while()
        if kind == TRY:
            return self._try()
        if kind == WITH:
            return self._with()
        if kind == CLASS:
            return self._class()
        if kind == AT:
            return self._decorated()
        if kind == ASYNC:
            return self._async()
        return self._simple()

    def _simple(self) -> Stmt:
        """simple_stmt: one line."""
        kinds = self.kinds
        line = self.lines[self.pos]
        first = self._small()
        if kinds[self.pos] == NEWLINE:
            self.pos += 1
            return first
        body = [first]
        while kinds[self.pos] == SEMICOLON:
            self.pos += 1
            if kinds[self.pos] == NEWLINE:
                break
            body.append(self._small())
        self.expect(NEWLINE)
        block = Block(line, body)
        block.simple = True
        return block

    def _suite(self) -> Stmt:
        """suite: what follows a colon, the colon included."""
        self.expect(COLON)
        kinds = self.kinds
        if kinds[self.pos] != NEWLINE:
            return self._simple()
        self.pos += 1
        self.expect(INDENT)
        line = self.lines[self.pos]
        first = self.statement()
        if kinds[self.pos] == DEDENT:
            self.pos += 1
            return first
        body = [first]
        while kinds[self.pos] != DEDENT:
            body.append(self.statement())
        self.pos += 1
        return Block(line, body)

    # --------------------------------------------------------------------------- small statements

    def _small(self) -> Stmt:
        p = self.pos
        kind = self.kinds[p]
        if kind < ASSERT:  # most statements are expressions and assignments
            return self._yield() if kind == YIELD else self._expression()
        line = self.lines[p]
        if kind == RETURN:
            self.pos = p + 1
            if not STARTS_TEST[self.kinds[p + 1]]:
                return Return(line, None)
            return Return(line, self.test_list(TupleForm.TESTLIST, False))
        self.pos = p + 1
        if kind == PASS:
            return Pass(line)
        if kind == RAISE:
            return self._raise(line)
        if kind == BREAK:
            return Break(line)
        if kind == CONTINUE:
            return Continue(line)
        if kind == IMPORT:
            return self._import(line)
        if kind == FROM:
            return self._import_from(line)
        if kind == DEL:
            return Del(line, self.targets())
        if kind == ASSERT:
            test = self.test()
            if self.kinds[self.pos] != COMMA:
                return Assert(line, test, None)
            self.pos += 1
            return Assert(line, test, self.test())
        if kind == GLOBAL:
            return Global(line, self._names_list())
        if kind == NONLOCAL:
            return Nonlocal(line, self._names_list())
        self.pos = p
        self.syntax_error()

    def _yield(self) -> Stmt:
        return ExprStmt(self.lines[self.pos], self.yield_expr())

    def _value(self) -> Expr:
        """What stands to the right of an assignment sign."""
        if self.kinds[self.pos] == YIELD:
            return self.yield_expr()
        return self.test_list(TupleForm.STATEMENT, True)

    def _expression(self) -> Stmt:
        """expr_stmt: an expression or one of the assignments."""
        kinds = self.kinds
        line = self.lines[self.pos]
        left = self.test_list(TupleForm.STATEMENT, True)
        kind = kinds[self.pos]
        if kind == EQUAL:
            self.pos += 1
            value = self._value()
            if kinds[self.pos] != EQUAL:
                if isinstance(value, Primary) and isinstance(left, Name):
                    return self._maybe_const(line, left, value) or Assign(line, [left], value)
                return Assign(line, [left], value)
            targets = [left]
            while kinds[self.pos] == EQUAL:
                self.pos += 1
                targets.append(value)
                value = self._value()
            return Assign(line, targets, value)
        if AUGMENTED_FIRST <= kind <= AUGMENTED_LAST:
            self.pos += 1
            return AugAssign(line, left, INPLACE_OPS[kind], self._value())
        if kind == COLON and self.release.annotated_names:
            self.pos += 1
            annotation = self.test()
            if kinds[self.pos] != EQUAL:
                return AnnAssign(line, left, annotation, None)
            self.pos += 1
            value = self._value()
            if self.release.const_annotated and isinstance(value, Primary):
                const = self._maybe_const(line, left, value) if isinstance(left, Name) else None
                if const is not None:
                    return const
            return AnnAssign(line, left, annotation, value)
        lonely = isinstance(left, (Const, SmallInt, Str, Bytes, Token))
        if lonely and self.options.form != Form.SINGLE:
            return Pass(line)  # a docstring, or another constant on its own
        return ExprStmt(line, left)

    def _maybe_const(self, line: int, target: Name, value: Primary) -> Stmt | None:
        """`name = const(x)`: defines the constant, and returns what is left to compile."""
        base = value.base
        if not isinstance(base, Name) or base.id != b"const" or len(value.trailers) != 1:
            return None
        call = value.trailers[0]
        if not isinstance(call, Call):
            return None
        args = call.args
        number = None
        p = self.pos
        # A comma behind the only argument makes it a list, which is no constant.
        if len(args) == 1 and self.values[p - 2] != b",":
            argument: Argument = args[0]
            number = self.constant(argument)  # type: ignore[arg-type]
            if number is not None and not self.release.const_objects:
                number = self.number(argument)  # type: ignore[arg-type]
        if number is None:
            if self.kinds[p] in (NAME_ESCAPE, LONG_NAME, ENDLESS):
                self.syntax_error()
            message = (
                "not a constant" if self.release.const_objects else "constant must be an integer"
            )
            self.fail("SyntaxError", message, value.line)
        name = target.id
        self.consts[name] = number
        self.forget_name(name)
        if name[:1] == b"_":
            return Pass(0)
        return Assign(line, [target], args[0])  # type: ignore[arg-type]

    def _raise(self, line: int) -> Stmt:
        if not STARTS_TEST[self.kinds[self.pos]]:
            return Raise(line, None, None)
        exc = self.test()
        if self.kinds[self.pos] != FROM:
            return Raise(line, exc, None)
        self.pos += 1
        return Raise(line, exc, self.test())

    def _names_list(self) -> list[bytes]:
        names = [self.name()]
        while self.kinds[self.pos] == COMMA:
            self.pos += 1
            names.append(self.name())
        return names

    def _dotted(self) -> list[bytes]:
        parts = [self.name()]
        while self.kinds[self.pos] == PERIOD:
            self.pos += 1
            parts.append(self.name())
        return parts

    def _as_name(self) -> bytes | None:
        if self.kinds[self.pos] != AS:
            return None
        self.pos += 1
        return self.name()

    def _import(self, line: int) -> Stmt:
        names = [ImportAlias(self._dotted(), self._as_name())]
        while self.kinds[self.pos] == COMMA:
            self.pos += 1
            names.append(ImportAlias(self._dotted(), self._as_name()))
        return Import(line, names)

    def _import_from(self, line: int) -> Stmt:
        kinds = self.kinds
        level = 0
        while True:
            kind = kinds[self.pos]
            if kind == PERIOD:
                level += 1
            elif kind == ELLIPSIS:
                level += 3
            else:
                break
            self.pos += 1
        module: list[bytes] = []
        if kinds[self.pos] == NAME or not level:
            module = self._dotted()
        self.expect(IMPORT)
        if kinds[self.pos] == STAR:
            self.pos += 1
            return ImportFrom(line, level, module, None)
        paren = kinds[self.pos] == PAREN_OPEN
        if paren:
            self.pos += 1
        names = [ImportAlias([self.name()], self._as_name())]
        while kinds[self.pos] == COMMA:
            self.pos += 1
            if kinds[self.pos] != NAME:
                break
            names.append(ImportAlias([self.name()], self._as_name()))
        if paren:
            self.expect(PAREN_CLOSE)
        return ImportFrom(line, level, module, names)

    # ------------------------------------------------------------------------ compound statements

    def _else(self) -> Stmt | None:
        if self.kinds[self.pos] != ELSE:
            return None
        self.pos += 1
        return self._suite()

    def _if(self) -> Stmt:
        line = self.lines[self.pos]
        arms: list[tuple[Expr, Stmt]] = []
        while True:
            self.pos += 1
            cond = self.named_test()
            arms.append((cond, self._suite()))
            if self.kinds[self.pos] != ELIF:
                return If(line, arms, self._else())

    def _while(self) -> Stmt:
        line = self.lines[self.pos]
        self.pos += 1
        cond = self.named_test()
        body = self._suite()
        return While(line, cond, body, self._else())

    def _for(self) -> For:
        line = self.lines[self.pos]
        self.pos += 1
        target = self.targets()
        self.expect(IN)
        iterable = self.test_list(TupleForm.TESTLIST, False)
        body = self._suite()
        return For(line, target, iterable, body, self._else())

    def _try(self) -> Stmt:
        kinds = self.kinds
        line = self.lines[self.pos]
        self.pos += 1
        body = self._suite()
        handlers: list[ExceptHandler] = []
        orelse: Stmt | None = None
        if kinds[self.pos] == EXCEPT:
            while kinds[self.pos] == EXCEPT:
                start = self.lines[self.pos]
                self.pos += 1
                exc: Expr | None = None
                name: bytes | None = None
                if STARTS_TEST[kinds[self.pos]]:
                    exc = self.test()
                    name = self._as_name()
                handlers.append(ExceptHandler(start, exc, name, self._suite()))
            orelse = self._else()
            if kinds[self.pos] != FINALLY:
                return Try(line, body, handlers, orelse, None)
        self.expect(FINALLY)
        return Try(line, body, handlers, orelse, self._suite())

    def _with(self) -> With:
        line = self.lines[self.pos]
        items: list[tuple[Expr, Expr | None]] = []
        while True:
            self.pos += 1
            value = self.test()
            target: Expr | None = None
            if self.kinds[self.pos] == AS:
                self.pos += 1
                target = self.operand(1)
            items.append((value, target))
            if self.kinds[self.pos] != COMMA:
                return With(line, items, self._suite())

    def _def(self) -> FuncDef:
        kinds = self.kinds
        line = self.lines[self.pos]
        self.pos += 1
        name = self.name()
        self.expect(PAREN_OPEN)
        params: list[Param] = []
        if kinds[self.pos] != PAREN_CLOSE:
            params = self.parameters(True)
        self.expect(PAREN_CLOSE)
        returns: Expr | None = None
        if kinds[self.pos] == ARROW:
            self.pos += 1
            returns = self.test()
        return FuncDef(line, name, params, returns, self._suite())

    def _parenthesised_arguments(self) -> list[Argument]:
        self.pos += 1
        args: list[Argument] = []
        if self.kinds[self.pos] != PAREN_CLOSE:
            args = self.arguments()
        self.expect(PAREN_CLOSE)
        return args

    def _class(self) -> ClassDef:
        line = self.lines[self.pos]
        self.pos += 1
        name = self.name()
        args: list[Argument] = []
        if self.kinds[self.pos] == PAREN_OPEN:
            args = self._parenthesised_arguments()
        return ClassDef(line, name, args, self._suite())

    def _decorated(self) -> Stmt:
        kinds = self.kinds
        line = self.lines[self.pos]
        decorators: list[Decorator] = []
        while kinds[self.pos] == AT:
            start = self.lines[self.pos]
            self.pos += 1
            parts = self._dotted()
            args: list[Argument] | None = None
            args_line = 0
            if kinds[self.pos] == PAREN_OPEN:
                args_line = self.lines[self.pos]
                args = self._parenthesised_arguments()
            self.expect(NEWLINE)
            decorators.append(Decorator(start, parts, args, args_line))
        kind = kinds[self.pos]
        body: FuncDef | ClassDef | Async
        if kind == DEF:
            body = self._def()
        elif kind == CLASS:
            body = self._class()
        elif kind == ASYNC:
            start = self.lines[self.pos]
            self.pos += 1
            if kinds[self.pos] != DEF:
                self.syntax_error()
            body = Async(start, self._def())
        else:
            self.syntax_error()
        return Decorated(line, decorators, body)

    def _async(self) -> Stmt:
        line = self.lines[self.pos]
        self.pos += 1
        kind = self.kinds[self.pos]
        if kind == DEF:
            return Async(line, self._def())
        if kind == WITH:
            return Async(line, self._with())
        if kind == FOR:
            return Async(line, self._for())
        self.syntax_error()
