"""Random modules of viper functions that call each other, by a seed, and arguments for `f`.

Each function is one of `generate_functions` with calls in its expressions.  Its first parameter `n`
goes down with every call, and where it is not above 0 the function returns at once, so that all
ends, whoever calls whom.  Comments say of each function whether it is inlined or called directly.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.ssa.generate_functions import WIDTHS, Case, Writer

MARKS: Final = ("direct", "direct", "direct", "inline", "inline")
PARAMETERS: Final = (("a", "int"), ("b", "int"), ("u", "uint"), ("t", "bool"), ("v", "uint"),
                     ("c", "int"))
MOST_CALLS: Final = 3
"""In the text of one function."""
POINTERS: Final = {"p": "ptr8", "q": "ptr16", "r": "ptr32"}


class Callee(NamedTuple):
    """A function: what it takes besides `n`, and what it returns."""

    name: str
    kinds: dict[str, str]
    returns: str


class ModuleWriter(Writer):
    """Writes one module."""

    def __init__(self, seed: int, unary: bool, depth: int) -> None:
        super().__init__(seed, unary, depth)
        self.callees: list[Callee] = []
        self.calls_left = 0
        self.shared = {name: POINTERS[name] for name in self.random.sample(
            sorted(POINTERS), self.random.choice((0, 1, 1, 2)))}

    def integer(self, depth: int) -> str:
        if depth > 0 and self.calls_left and self.chance(4):
            self.calls_left -= 1
            return f"int({self.call(depth - 1)})"
        return super().integer(depth)

    def unsigned(self, depth: int) -> str:
        if depth > 0 and self.calls_left and self.chance(6):
            self.calls_left -= 1
            return f"uint({self.call(depth - 1)})"
        return super().unsigned(depth)

    def test(self, depth: int) -> str:
        if depth > 0 and self.calls_left and self.chance(8):
            self.calls_left -= 1
            return f"bool({self.call(depth - 1)})"
        return super().test(depth)

    def call(self, depth: int) -> str:
        """A call; an argument may be of another type than the parameter."""
        callee = self.random.choice(self.callees)
        arguments = ["n - 1"]
        for kind in callee.kinds.values():
            if kind.startswith("ptr"):
                pointer = self.pick(self.pointers)
                arguments.append(pointer if self.kind_of(pointer) == kind else f"{kind}({pointer})")
            elif self.chance(8):
                arguments.append(self.random.choice(
                    (self.integer, self.unsigned, self.test))(depth))
            elif kind == "int":
                arguments.append(self.integer(depth))
            else:
                arguments.append(self.unsigned(depth) if kind == "uint" else self.test(depth))
        return f"{callee.name}({', '.join(arguments)})"

    @staticmethod
    def kind_of(pointer: str) -> str:
        return f"ptr{8 * WIDTHS[pointer]}"

    def signature(self, name: str) -> Callee:
        """A function that is still to be written."""
        most = len(PARAMETERS) if self.chance(4) else 3
        kinds = dict(self.random.sample(PARAMETERS, self.random.randint(0, most)))
        kinds |= self.shared
        order = list(kinds.items())
        self.random.shuffle(order)
        return Callee(name, dict(order), self.pick(("int", "int", "uint", "bool")))

    def function(self, callee: Callee, mark: str) -> str:
        """The text of a function."""
        self.lines = []
        self.loops = 0
        self.calls_left = 0
        kinds = callee.kinds
        own = [f"{name} = {value}" for name, value in (
            ("a", "n * 3"), ("b", "7"), ("c", "n - 70000"), ("t", "n > 1"), ("u", "uint(n)"),
            ("v", "uint(77)")) if name not in kinds]
        self.pointers = tuple(kinds.keys() & WIDTHS.keys())
        self.ints, self.uints = ("a", "b", "c", "n"), ("u", "v")
        first = {"int": self.integer, "uint": self.unsigned, "bool": self.test}[callee.returns](1)
        self.ints = ("a", "b", "c")
        self.calls_left = MOST_CALLS
        self.block(self.depth, "    ")
        everything = "((a * 3 + b * 3 + c) + int(t) * 9 + int(u * v + u - v * uint(11)))"
        if callee.returns == "int":
            result = f"{self.integer(3)} ^ {everything}"
        elif callee.returns == "uint":
            result = f"{self.unsigned(3)} ^ uint({everything})"
        else:
            result = f"{self.test(3)} or {everything} > a"
        parameters = ", ".join(f"{name}: {kind}" for name, kind in (("n", "int"), *kinds.items()))
        return "\n".join((
            f"@micropython.viper{mark}",
            f"def {callee.name}({parameters}) -> {callee.returns}:",
            *(f"    {line}" for line in own),
            "    if n <= 0:",
            f"        return {first}",
            *self.lines,
            f"    return {result}",
            "",
        ))  # fmt: skip

    def case(self) -> Case:
        """The module, and calls of `f`."""
        self.callees = [self.signature(f"g{i}") for i in range(self.random.randint(1, 3))]
        entry = self.signature("f")
        marks = [f"  # mpy: {self.pick(MARKS)}" for _ in self.callees]
        texts = []
        if self.chance(3):
            self.callees.append(entry)
            marks.append("  # mpy: direct")
        else:
            texts.append(self.function(entry, ""))
        texts += [self.function(*one) for one in zip(self.callees, marks, strict=True)]
        self.random.shuffle(texts)
        calls = [(self.random.randint(0, 3), *map(self.argument, entry.kinds.values()))
                 for _ in range(3)]
        return Case("".join(texts), tuple(calls))


def case(seed: int, unary: bool = True, depth: int = 2) -> Case:
    """The module of a seed."""
    return ModuleWriter(seed, unary, min(depth, 2)).case()
