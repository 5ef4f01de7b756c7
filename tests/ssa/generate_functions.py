"""Random viper functions over machine integers and pointers, by a seed, and arguments for them.

They are right in their types, end, and stay within their buffers, so the model of viper in CPython
(`tests.native.thumb_harness_model`) tells what each call has to give.  What they are made of is
what an optimiser takes apart: nested loops of all forms, counters that are used as indices, values
that do not change in a loop, common expressions, constants of every size, shifts by up to 255,
division of negative numbers, sums at the edges, pointers to the same memory, many variables.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

EDGES: Final = (
    *(0, 1, 2, 3, 5, 7, 8, 31, 32, 33, 255, 256, 0x3FFF_FFFF, 0x4000_0000, 0x7FFF_FFFF),
    *(0x8000_0000, 0x8000_0001, 0xC000_0000, 0xFFFF_0000, 0xFFFF_FF00, 0xFFFF_FFFE, 0xFFFF_FFFF),
)
BUFFER: Final = 64
"""Bytes of each buffer that is passed."""
LITERALS: Final = (
    "0", "1", "2", "3", "5", "31", "127", "128", "255", "256", "1000", "4095", "65535", "65536",
    "70000", "0xff00ff", "0x12345678", "0x3fffffff", "-1", "-2", "-128", "-129", "-65536",
    "-0x40000000", "int(0x7fffffff)", "int(0x80000000)", "int(0xedb88320)",
)  # fmt: skip
OPERATORS: Final = ("+", "-", "*", "&", "|", "^", "+", "-")
COMPARE: Final = ("<", ">", "<=", ">=", "==", "!=")
COUNTS: Final = ("1", "2", "3", "7", "8", "16", "31", "32", "33", "255")
DIVISORS: Final = ("1", "2", "3", "-7", "10", "16", "-16", "100", "256", "1000", "-1")
WIDTHS: Final = {"p": 1, "q": 2, "r": 4}
MOST_ARGUMENTS: Final = 4
"""The reference takes no more for a viper function."""


@dataclass(frozen=True)
class Case:
    """The source of a viper function `f` and arguments for several calls of it."""

    source: str
    calls: tuple[tuple[int | bool | bytes, ...], ...]


class Writer:
    """Writes one function.

    unary: whether the release's viper has -x and ~x of machine integers; depth: how deep
    statements are nested.
    """

    def __init__(self, seed: int, unary: bool, depth: int) -> None:
        self.random = random.Random(seed)
        self.depth = depth
        self.unary = unary
        self.lines: list[str] = []
        self.counters: list[str] = []
        self.loops = 0
        self.ints: tuple[str, ...] = ()
        self.uints: tuple[str, ...] = ()
        self.pointers: tuple[str, ...] = ()

    # -------------------------------------------------------------------------------- expressions

    def pick(self, choices: tuple[str, ...]) -> str:
        return self.random.choice(choices)

    def chance(self, n: int) -> bool:
        """True once in n times."""
        return self.random.randrange(n) == 0

    def variable(self, depth: int) -> str:
        """An int that is no literal: the compiler computes with literals in its own way."""
        text = self.integer(depth)
        return self.pick(self.ints) if text in LITERALS else text

    def integer(self, depth: int) -> str:
        """An expression of type int."""
        kind = self.random.randrange(15)
        if depth <= 0 or kind < 3:
            if self.chance(4):
                return self.pick(LITERALS)
            return self.pick((*self.ints, *self.counters, *self.counters))
        depth -= 1
        if kind < 7:
            return f"({self.variable(depth)} {self.pick(OPERATORS)} {self.integer(depth)})"
        if kind == 7:
            return f"({self.variable(depth)} {self.pick(('<<', '>>'))} {self.count(depth)})"
        if kind == 8:
            divisor = f"({self.pick(self.ints)} | 1)" if self.chance(3) else self.pick(DIVISORS)
            return f"({self.variable(depth)} {self.pick(('//', '%'))} {divisor})"
        if kind == 9:
            return f"int({self.test(depth) if self.chance(2) else self.unsigned(depth)})"
        if kind == 10 and self.unary:
            return f"({self.pick(('-', '~', '+'))}{self.variable(depth)})"
        if kind == 11:
            return f"({self.integer(depth)} if {self.test(depth)} else {self.integer(depth)})"
        if self.pointers:
            return self.element(depth)
        return f"({self.variable(depth)} {self.pick(('and', 'or'))} {self.integer(depth)})"

    def count(self, depth: int) -> str:
        if self.chance(4):
            return f"({self.variable(depth)} & {self.pick(('7', '31', '63', '255'))})"
        return self.pick(COUNTS)

    def unsigned(self, depth: int) -> str:
        """An expression of type uint."""
        kind = self.random.randrange(8)
        if depth <= 0 or kind < 2:
            if self.chance(5):
                return self.pick(("uint(5)", "uint(0x80000000)", "uint(0xffff)"))
            return self.pick(self.uints)
        depth -= 1
        if kind < 5:
            return f"({self.unsigned(depth)} {self.pick(OPERATORS)} {self.unsigned(depth)})"
        if kind < 7:
            return f"({self.unsigned(depth)} {self.pick(('<<', '>>'))} {self.count(depth)})"
        return f"uint({self.integer(depth)})"

    def test(self, depth: int) -> str:
        """An expression of type bool."""
        kind = self.random.randrange(8)
        depth -= 1
        if kind < 3:
            return f"({self.variable(depth)} {self.pick(COMPARE)} {self.integer(depth)})"
        if kind < 5:
            return f"({self.unsigned(depth)} {self.pick(COMPARE)} {self.unsigned(depth)})"
        if kind == 5 or depth <= 0:
            return "t"
        if kind == 6:
            return f"({self.test(depth)} {self.pick(('and', 'or'))} {self.test(depth)})"
        return f"bool({self.integer(depth) if self.chance(2) else self.unsigned(depth)})"

    def condition(self, depth: int) -> str:
        kind = self.random.randrange(6)
        if kind == 0:
            return f"not {self.test(depth)}"
        if kind == 1:
            return f"{self.variable(depth)} & {self.pick(LITERALS)}"
        return self.integer(depth) if kind == 2 else self.test(depth)

    def element(self, depth: int) -> str:
        """An element of a buffer."""
        pointer = self.pick(self.pointers)
        last = BUFFER // WIDTHS[pointer] - 1
        kind = self.random.randrange(5)
        if kind == 0:
            return f"{pointer}[{self.random.randint(0, last)}]"
        if self.counters and kind < 4:  # a counter is at least 0 and at most 7
            at, more = self.pick(tuple(self.counters)), self.random.randint(0, last - 7)
            return f"{pointer}[{at} + {more}]" if kind == 1 and more else f"{pointer}[{at}]"
        return f"{pointer}[{self.variable(depth)} & {last}]"

    # --------------------------------------------------------------------------------- statements

    def block(self, depth: int, indent: str, looping: bool = False) -> None:
        for _ in range(self.random.randint(1, 3)):
            self.statement(depth, indent, looping)

    def statement(self, depth: int, indent: str, looping: bool) -> None:
        kind = self.random.randrange(12)
        put = self.lines.append
        if kind < 4 or depth <= 0:
            put(indent + self.assignment())
        elif kind < 6 and self.pointers:
            op = self.pick(("=", "=", "+=", "^=", "-="))
            value = self.unsigned(2) if op == "=" and self.chance(5) else self.integer(2)
            put(f"{indent}{self.element(1)} {op} {value}")
        elif kind < 8:
            put(f"{indent}if {self.condition(2)}:")
            self.block(depth - 1, indent + "    ", looping)
            if self.chance(3):
                put(f"{indent}elif {self.condition(2)}:")
                self.block(depth - 1, indent + "    ", looping)
            if self.chance(2):
                put(f"{indent}else:")
                self.block(depth - 1, indent + "    ", looping)
        elif looping and kind == 8:
            put(f"{indent}if {self.condition(1)}:")
            put(f"{indent}    {self.pick(('break', 'continue', 'continue'))}")
        else:
            self.loop(depth, indent)

    def assignment(self) -> str:
        kind = self.random.randrange(10)
        if kind == 0:
            return f"t = {self.test(2)}"
        if kind == 1 and len(self.ints) > 2:
            a, b = self.random.sample(self.ints, 2)
            return f"{a}, {b} = {b}, {self.pick(self.ints)}"
        if kind < 4:
            if self.chance(4):
                return f"{self.pick(self.uints)} {self.pick(('<<=', '>>='))} {self.count(1)}"
            op = self.pick(("=", "=", "+=", "-=", "^=", "*="))
            return f"{self.pick(self.uints)} {op} {self.unsigned(3)}"
        if kind == 4:
            return f"{self.pick(self.ints)} {self.pick(('<<=', '>>='))} {self.count(1)}"
        op = self.pick(("=", "=", "=", "+=", "-=", "&=", "|=", "^=", "*="))
        return f"{self.pick(self.ints)} {op} {self.integer(3)}"

    def loop(self, depth: int, indent: str) -> None:
        self.loops += 1
        counter = f"i{self.loops}"
        put, inside = self.lines.append, indent + "    "
        kind = self.random.randrange(5)
        if kind == 0:
            put(f"{indent}{counter} = 0")
            put(f"{indent}while {counter} < {self.random.randint(1, 7)} and {self.condition(1)}:")
            put(f"{inside}{counter} += 1")
        elif kind == 1:
            put(f"{indent}{counter} = {self.random.randint(1, 7)}")
            put(f"{indent}while {counter}:")
            put(f"{inside}{counter} -= 1")
        elif kind == 2:
            put(f"{indent}for {counter} in range({self.pick(self.ints)} & 7):")
        elif kind == 3:
            put(f"{indent}for {counter} in range({self.random.randint(0, 8)}):")
        else:
            some = f"{self.pick(self.ints)} & 3"
            put(f"{indent}for {counter} in range("
                + self.pick(("0, 8, 3", "7, -1, -2", "2, 6", f"{some}, 7", f"{some}, 8, 2")) + "):")
        self.counters.append(counter)
        self.block(depth - 1, inside, True)
        self.counters.remove(counter)
        if self.chance(5):
            put(f"{indent}else:")
            self.block(depth - 1, inside)

    # ----------------------------------------------------------------------------------- function

    def argument(self, kind: str) -> int | bool | bytes:
        """An argument for a parameter of a type; numbers at the edges as often as not."""
        if kind.startswith("ptr"):
            return self.random.randbytes(BUFFER)
        if kind == "bool":
            return self.chance(2)
        word = self.random.choice(EDGES) if self.chance(2) else self.random.getrandbits(32)
        return word - (word >> 31 << 32) if kind == "int" else word

    def case(self) -> Case:
        """The function, and calls of it."""
        kinds = {"a": "int"}
        more = [("b", "int"), ("u", "uint"), ("t", "bool"), ("p", "ptr8"), ("q", "ptr16"),
                ("r", "ptr32")]
        kinds |= dict(self.random.sample(more, self.random.randint(1, MOST_ARGUMENTS - 1)))
        self.pointers = tuple(name for name in kinds if name in WIDTHS)
        own = []
        n_more = self.random.randint(1, 6 if self.chance(3) else 3)
        for number, name in enumerate("bcdefgh"[: 1 + n_more]):
            if name not in kinds:
                own.append(f"{name} = {self.random.choice(('3', '-4', '1000', 'a', 'a + 5'))}"
                           if number else f"{name} = 7")
        if "t" not in kinds:
            own.append("t = a > 5")
        if "u" not in kinds:
            own.append("u = uint(a)")
        own.append("v = uint(77)")
        if self.pointers and self.chance(3):
            new = self.pick(tuple(WIDTHS))
            if new not in kinds:  # the same memory by another type
                own.append(f"{new} = ptr{8 * WIDTHS[new]}({self.pointers[0]})")
                self.pointers = (*self.pointers, new)
        self.ints = ("a", *"bcdefgh"[: 1 + n_more])
        self.uints = ("u", "v")
        self.block(self.depth, "    ")
        self.statement(self.depth, "    ", False)
        returns = self.pick(("int", "int", "int", "uint", "bool"))
        # Whatever went wrong anywhere shall show in the result.
        everything = f"(({' * 3 + '.join(self.ints)}) + int(t) * 9 + int(u * v + u - v * uint(11)))"
        if returns == "int":
            result = f"{self.integer(3)} ^ {everything}"
        elif returns == "uint":
            result = f"{self.unsigned(3)} ^ uint({everything})"
        else:
            result = f"{self.test(3)} or {everything} > a"
        source = "\n".join((
            "@micropython.viper",
            f"def f({', '.join(f'{name}: {kind}' for name, kind in kinds.items())}) -> {returns}:",
            *(f"    {line}" for line in own),
            *self.lines,
            f"    return {result}",
            "",
        ))  # fmt: skip
        calls = [tuple(self.argument(kind) for kind in kinds.values()) for _ in range(3)]
        return Case(source, tuple(calls))


def case(seed: int, unary: bool = True, depth: int = 3) -> Case:
    """The function of a seed."""
    return Writer(seed, unary, depth).case()
