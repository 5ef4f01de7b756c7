"""Random expressions as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

NAMES = ["a", "b", "c", "x", "y", "self", "value", "_private", "len", "été", "print"]
ATTRIBUTES = ["a", "append", "__init__", "x", "a_rather_long_attribute_name"]
BINARY = ["+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>"]
COMPARE = ["<", ">", "==", "<=", ">=", "!=", "in", "not in", "is", "is not"]
UNARY = ["-", "+", "~", "not "]
_LITERALS = """
0 1 2 7 10 15 16 47 48 63 64 100 255 256 1000 65535 0x3fffffff 0x40000000 0x7fffffff 0x80000000
0xffffffff 123456789012345678901234567890 0b101 0o17 1_000
0.0 1.0 1.5 1e10 1e-7 3.141592653589793 .5 5. 1e100 123456.789 1j 2.5j
None True False ... __debug__ '' "q" 'abc' 'a\\n\\t' '\\x41' '\\u00e9' 'é' b'' b'ab\\x00' r'\\n'
"""
LITERALS = [
    *_LITERALS.split(),
    "'a string of more than the usual length, so that it is no qstr'",
    "'joined' 'string'",
    "b'joined' b'bytes'",
    "'''triple\nquoted'''",
]


class Writer:
    """Draws a program piece by piece; `depth` bounds the nesting, `odd` allows invalid text."""

    def __init__(self, draw: Callable[[st.SearchStrategy[object]], object], odd: bool) -> None:
        self._draw = draw
        self.odd = odd
        self.can_await = False
        self.can_yield = False

    # ------------------------------------------------------------------------------------ drawing

    def number(self, low: int, high: int) -> int:
        value = self._draw(st.integers(low, high))
        assert isinstance(value, int)
        return value

    def one_of(self, options: Sequence[T]) -> T:
        return options[self.number(0, len(options) - 1)]

    def chance(self, one_in: int) -> bool:
        return self.number(1, one_in) == one_in

    def name(self) -> str:
        return self.one_of(NAMES)

    def several(self, make: Callable[[], str], low: int, high: int) -> list[str]:
        return [make() for _ in range(self.number(low, high))]

    # -------------------------------------------------------------------------------- expressions

    def expression(self, depth: int) -> str:
        """Any expression that may stand anywhere (no bare comma, yield or walrus)."""
        if depth <= 0 or self.chance(4):
            return self.leaf()
        kinds: list[Callable[[], str]] = [
            self.leaf,
            lambda: f"{self.operand(depth)} {self.one_of(BINARY)} {self.operand(depth)}",
            lambda: f"{self.one_of(UNARY)}{self.operand(depth)}",
            lambda: self.comparison(depth),
            lambda: self.boolean(depth),
            lambda: self.conditional(depth),
            lambda: self.call(depth),
            lambda: f"{self.atom(depth)}.{self.one_of(ATTRIBUTES)}",
            lambda: f"{self.atom(depth)}[{self.subscript(depth)}]",
            lambda: self.display(depth),
            lambda: self.comprehension(depth),
            lambda: f"lambda{self.parameters(depth, plain=True)}: {self.expression(depth - 1)}",
            lambda: f"({self.expression(depth - 1)})",
            lambda: self.f_string(depth),
            lambda: self.suspended(depth),
            lambda: f"({self.name()} := {self.expression(depth - 1)})",
            self.constant_arithmetic,
        ]
        return self.one_of(kinds)()

    def leaf(self) -> str:
        return self.name() if self.chance(2) else self.one_of(LITERALS)

    def operand(self, depth: int) -> str:
        text = self.expression(depth - 1)
        return text if self.odd and self.chance(20) else f"({text})" if " " in text else text

    def atom(self, depth: int) -> str:
        if self.chance(2):
            return self.name()
        return f"({self.expression(depth - 1)})"

    def comparison(self, depth: int) -> str:
        parts = [self.operand(depth)]
        for _ in range(self.number(1, 3)):
            parts += [self.one_of(COMPARE), self.operand(depth)]
        return " ".join(parts)

    def boolean(self, depth: int) -> str:
        parts = [self.one_of(["", "", "not "]) + self.operand(depth)]
        for _ in range(self.number(1, 3)):
            parts += [self.one_of(["and", "or"]), self.operand(depth)]
        return " ".join(parts)

    def conditional(self, depth: int) -> str:
        test, then, other = (self.operand(depth) for _ in range(3))
        return f"{then} if {test} else {other}"

    def constant_arithmetic(self) -> str:
        """Integers that the compiler folds, near the edges of the small int."""
        numbers = ["0", "1", "2", "3", "7", "30", "31", "62", "63", "0x3fffffff", "-0x40000000"]
        small = ["0", "1", "2", "3", "7", "30", "31", "62", "63"]  # else the numbers explode
        parts = [self.one_of(numbers)]
        for _ in range(self.number(1, 3)):
            op = self.one_of(["+", "-", "*", "//", "%", "&", "|", "^", "<<", ">>", "/"])
            sign = self.one_of(["", "", "-", "~"])
            number = self.one_of(small if op in ("<<", ">>") else numbers)
            if self.chance(8):
                number += f" ** {self.one_of(small)}"
            parts += [op, sign + number]
        return " ".join(parts)

    def arguments(self, depth: int) -> str:
        parts = self.several(lambda: self.expression(depth - 1), 0, 3)
        if self.chance(4):
            parts.append(f"*{self.operand(depth)}")
        named = self.several(lambda: self.name(), 0, 2) if self.chance(3) else []
        parts += [f"{name}={self.expression(depth - 1)}" for name in named]
        if self.chance(5):
            parts.append(f"**{self.operand(depth)}")
        if self.odd and parts and self.chance(6):
            parts.insert(0, parts.pop())
        if len(parts) == 1 and "=" not in parts[0] and self.chance(6):
            return f"{self.operand(depth)} for {self.target(1)} in {self.operand(depth)}"
        return ", ".join(parts)

    def call(self, depth: int) -> str:
        method = f"{self.atom(depth)}.{self.one_of(ATTRIBUTES)}"
        head = self.one_of([self.name(), method, "super()"])
        if head == "super()" and self.chance(2):
            head = "super().__init__"
        return f"{head}({self.arguments(depth)})"

    def subscript(self, depth: int) -> str:
        def item() -> str:
            if not self.chance(2):
                return self.expression(depth - 1)
            ends = [self.one_of(["", self.expression(depth - 2)]) for _ in range(self.number(2, 3))]
            return ":".join(ends)

        return ", ".join(self.several(item, 1, 2))

    def display(self, depth: int) -> str:
        items = self.several(lambda: self.expression(depth - 1), 0, 4)
        kind = self.number(0, 3)
        if kind == 0:
            return f"[{', '.join(items)}]"
        if kind == 1:
            return f"({', '.join(items)},)" if items else "()"
        if kind == 2 and items:
            return f"{{{', '.join(items)}}}"
        pairs = ", ".join(f"{self.leaf()}: {item}" for item in items)
        return f"{{{pairs}}}"

    def comprehension(self, depth: int) -> str:
        loops = []
        for _ in range(self.number(1, 2)):
            loops.append(f"for {self.target(1)} in {self.operand(depth)}")
            loops += self.several(lambda: f"if {self.operand(depth)}", 0, 2)
        tail = " ".join(loops)
        head = self.operand(depth)
        left, right = self.one_of([("[", "]"), ("(", ")"), ("{", "}")])
        if left == "{" and self.chance(2):
            head = f"{self.name()}: {head}"
        return f"{left}{head} {tail}{right}"

    def f_string(self, depth: int) -> str:
        parts = []
        for _ in range(self.number(1, 3)):
            spec = self.one_of(["", "", ":>8", "!r", ":04d", "!s:x"])
            inner = self.one_of([self.name(), f"{self.name()} + 1", f"{self.name()}.x", "x[0]"])
            parts += [self.one_of(["", "text ", "{{", "}}"]), f"{{{inner}{spec}}}"]
        return f'f"{"".join(parts)}"'

    def suspended(self, depth: int) -> str:
        if self.can_await and self.chance(2):
            return f"(await {self.operand(depth)})"
        if self.can_yield or (self.odd and self.chance(8)):
            form = self.one_of(["yield", "yield from", ""])
            return f"({form} {self.operand(depth)})" if form else "(yield)"
        return self.leaf()

    # --------------------------------------------------------------------- targets and parameters

    def target(self, depth: int) -> str:
        """What a loop or an assignment may bind."""
        kind = self.number(0, 5) if depth > 0 else 0
        if kind <= 2:
            return self.name()
        if kind == 3:
            items = self.several(lambda: self.target(depth - 1), 1, 3)
            if self.chance(4):
                at = self.number(0, len(items) - 1)
                items[at] = f"*{self.name()}"
            text = ", ".join(items) + ("," if len(items) == 1 else "")
            return self.one_of([text, f"({text})", f"[{text}]"]) if depth > 1 else f"({text})"
        if kind == 4:
            return f"{self.name()}.{self.one_of(ATTRIBUTES)}"
        return f"{self.name()}[{self.subscript(1)}]"

    def parameters(self, depth: int, plain: bool = False) -> str:
        """Parameters of a def (in the caller's parentheses) or, `plain`, of a lambda."""
        names = NAMES[:]
        parts = []

        def take() -> str:
            if self.odd and self.chance(10):
                return self.name()
            return names.pop(self.number(0, len(names) - 1))

        def annotated(name: str) -> str:
            return name if plain or not self.chance(6) else f"{name}: {self.name()}"

        def with_default() -> str:
            return f"{annotated(take())}={self.expression(min(depth - 1, 1))}"

        parts += self.several(lambda: annotated(take()), 0, 2)
        parts += self.several(with_default, 0, 2) if self.chance(3) else []
        if self.chance(4):
            parts.append(self.one_of(["*", "*" + annotated(take())]))
            parts += [with_default() if self.chance(2) else annotated(take())]
        if self.chance(6):
            parts.append("**" + annotated(take()))
        text = ", ".join(parts)
        return f" {text}" if plain and text else text
