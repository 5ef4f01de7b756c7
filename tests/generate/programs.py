"""Random programs: statements over the expressions of `expressions`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

from hypothesis import strategies as st

from tests.generate.expressions import ATTRIBUTES, BINARY, NAMES, Writer

_AUGMENTED = [f"{op}=" for op in BINARY]


class Place(NamedTuple):
    """Where a statement stands; decides what may stand there."""

    kind: str = "module"  # "module", "class", "function" or "async"
    in_loop: bool = False
    outer_function: bool = False
    """Some function encloses this one, so `nonlocal` may find a name."""

    def inside(self, kind: str) -> Place:
        return Place(kind, False, self.kind in ("function", "async") or self.outer_function)


class ProgramWriter(Writer):
    """Writes statements as lists of lines."""

    def block(self, place: Place, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(self.number(1, 3)):
            lines += self.statement(place, depth)
        return ["    " + line for line in lines]

    def statement(self, place: Place, depth: int) -> list[str]:
        in_function = place.kind in ("function", "async")
        self.can_await = place.kind == "async"
        self.can_yield = in_function
        simple: list[Callable[[], str]] = [
            lambda: self.expression(3),
            self.assignment,
            self.assignment,
            lambda: f"{self.name()} {self.one_of(_AUGMENTED)} {self.expression(2)}",
            lambda: f"del {self.one_of([self.name(), f'{self.name()}.x', f'{self.name()}[0]'])}",
            lambda: "pass",
            lambda: self.imports(self.odd or place == Place()),
            lambda: f"assert {self.expression(2)}" + self.one_of(["", ", 'text'"]),
            lambda: f"raise {self.one_of(['', self.expression(2), 'x from y'])}".rstrip(),
            lambda: f"{self.name()}: {self.name()}" + self.one_of(["", f" = {self.expression(2)}"]),
        ]
        if in_function or (self.odd and self.chance(10)):
            simple.append(lambda: f"return {self.one_of(['', self.expression(3), 'a, b'])}")
            simple.append(lambda: f"{self.one_of(['', 'x = '])}yield {self.expression(2)}")
            simple.append(lambda: f"global {self.name()}")
        if place.outer_function or (self.odd and self.chance(10)):
            simple.append(lambda: f"nonlocal {self.name()}")
        if place.in_loop or (self.odd and self.chance(10)):
            simple += [lambda: "break", lambda: "continue"]
        if depth <= 0 or self.chance(2):
            text = self.one_of(simple)()
            if "\n" not in text and self.chance(8):
                text += self.one_of(["; pass", ";", "  # comment"])
            return text.split("\n") if "'''" not in text else [text]
        compound: list[Callable[[], list[str]]] = [
            lambda: self.if_statement(place, depth),
            lambda: self.while_statement(place, depth),
            lambda: self.for_statement(place, depth),
            lambda: self.try_statement(place, depth),
            lambda: self.with_statement(place, depth),
            lambda: self.function(place, depth),
            lambda: self.function(place, depth),
            lambda: self.class_statement(place, depth),
            lambda: ["", self.name()],
            lambda: ["# a comment", "", "pass"],
        ]
        return self.one_of(compound)()

    # ---------------------------------------------------------------------------------- statements

    def assignment(self) -> str:
        if self.odd and self.chance(10):
            return f"{self.expression(2)} = {self.expression(2)}"
        if self.chance(12):
            private = self.one_of(["_private", "A"])
            return f"{private} = const({self.constant_arithmetic()})"
        targets = self.several(lambda: self.target(2), 1, 2)
        values = self.several(lambda: self.expression(3), 1, 3)
        return " = ".join([*targets, ", ".join(values)])

    def imports(self, at_module: bool) -> str:
        return self.one_of(
            [
                "import a",
                "import a.b.c, x as y",
                "from a import b, c as x",
                "from a.b import (x, y,)",
                "from . import a",
                "from ..a.b import c",
                "from micropython import const",
                *(["from a import *"] if at_module else []),
            ]
        )

    def if_statement(self, place: Place, depth: int) -> list[str]:
        test = self.one_of([self.expression(2), "0", "1", "True", "not 0", "__debug__", "None"])
        lines = [f"if {test}:", *self.block(place, depth - 1)]
        for _ in range(self.number(0, 2)):
            lines += [f"elif {self.expression(2)}:", *self.block(place, depth - 1)]
        if self.chance(2):
            lines += ["else:", *self.block(place, depth - 1)]
        return lines

    def loop_else(self, place: Place, depth: int) -> list[str]:
        return ["else:", *self.block(place, depth - 1)] if self.chance(3) else []

    def while_statement(self, place: Place, depth: int) -> list[str]:
        test = self.one_of([self.expression(2), "True", "1", "0", "not x"])
        body = self.block(place._replace(in_loop=True), depth - 1)
        return [f"while {test}:", *body, *self.loop_else(place, depth)]

    def for_statement(self, place: Place, depth: int) -> list[str]:
        steps = ["", ", 2", ", -1", ", -3", f", {self.name()}"]
        ranges = [
            "range(10)",
            f"range({self.name()})",
            f"range({self.leaf()}, {self.leaf()}{self.one_of(steps)})",
            self.expression(2),
            "a, b",
        ]
        prefix = "async " if place.kind == "async" and self.chance(2) else ""
        head = f"{prefix}for {self.target(2)} in {self.one_of(ranges)}:"
        body = self.block(place._replace(in_loop=True), depth - 1)
        return [head, *body, *self.loop_else(place, depth)]

    def try_statement(self, place: Place, depth: int) -> list[str]:
        lines = ["try:", *self.block(place, depth - 1)]
        handlers = self.number(0, 2)
        for _ in range(handlers):
            what = self.one_of(["E", "E as e", f"({self.name()}, F) as {self.name()}", "a.b"])
            lines += [f"except {what}:", *self.block(place, depth - 1)]
        if self.chance(4):
            lines += ["except:", *self.block(place, depth - 1)]
            handlers += 1
        if handlers and self.chance(4):
            lines += ["else:", *self.block(place, depth - 1)]
        if not handlers or self.chance(3):
            lines += ["finally:", *self.block(place, depth - 1)]
        return lines

    def with_statement(self, place: Place, depth: int) -> list[str]:
        def item() -> str:
            text = self.one_of([self.name(), self.call(1)])
            return text + self.one_of(["", f" as {self.target(1)}"])

        prefix = "async " if place.kind == "async" and self.chance(2) else ""
        items = ", ".join(self.several(item, 1, 2))
        return [f"{prefix}with {items}:", *self.block(place, depth - 1)]

    def decorators(self) -> list[str]:
        if not self.chance(6):
            return []
        return self.several(lambda: "@" + self.one_of(["a", "a.b", "x(1)", "staticmethod"]), 1, 2)

    def function(self, place: Place, depth: int) -> list[str]:
        kind = "async" if self.chance(5) else "function"
        word = "async def" if kind == "async" else "def"
        returns = f" -> {self.name()}" if self.chance(6) else ""
        name = self.one_of(["f", "g", *NAMES[:5], *ATTRIBUTES[:2]])
        head = f"{word} {name}({self.parameters(2)}){returns}:"
        lines = [*self.decorators(), head]
        if self.chance(6):
            lines.append('    """docstring"""')
        if self.chance(8):
            lines[-1:] = [lines[-1] + " pass"] if lines[-1].endswith(":") else [lines[-1]]
            if lines[-1].endswith(" pass"):
                return lines
        return [*lines, *self.block(place.inside(kind), depth - 1)]

    def class_statement(self, place: Place, depth: int) -> list[str]:
        bases = self.one_of(["", "()", "(A)", "(A, b.C)", "(A, metaclass=M)"])
        body = self.block(place.inside("class"), depth - 1)
        return [*self.decorators(), f"class C{bases}:", *body]


@st.composite
def programs(draw: st.DrawFn, odd: bool = False) -> str:
    """A program of the whole language; with `odd`, one that may have a fault or two."""
    writer = ProgramWriter(cast("Callable[[st.SearchStrategy[object]], object]", draw), odd)
    lines: list[str] = []
    for _ in range(writer.number(1, 4)):
        lines += writer.statement(Place(), 4)
    return "\n".join(lines) + "\n"
