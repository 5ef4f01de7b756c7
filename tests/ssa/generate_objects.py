"""Random programs in viper with objects among machine integers, by a seed.

They print the same as bytecode, as viper and under CPython, where `HEAD` stands in for what viper
has and Python has not: numbers are kept within 15 bits, so nothing wraps.  There are loops over
ranges and lists, list elements, attributes, globals, calls, pointers, exceptions of the
function itself and of what it calls, and handlers that see variables which changed in between.
"""

from __future__ import annotations

import random
from typing import Final

VIPER: Final = "@micropython.viper"
HEAD: Final = "ptr8 = uint = lambda x: x\n"
"""For everything but viper."""

PRELUDE: Final = """
NONE = None
THREE = 3
STRING = "ab"
G = 5
H = [1, 2, 3]
class K:
    def __init__(self, n): self.n = n
    def __add__(self, other): return K(self.n + 1)
    def __repr__(self): return 'K(%s)' % self.n
    def put(self, n): self.n = n; return n
def give(*args):
    print('give', args)
    return args[0]
def boom(n):
    if n & 1: raise ValueError(n)
    if n & 2: raise KeyError(n)
    return n >> 1
"""
INTS: Final = ("a", "b", "c", "d")
LITERALS: Final = ("0", "1", "2", "3", "7", "10", "100", "255", "4095", "32767")
COMPARE: Final = ("<", ">", "<=", ">=", "==", "!=")
ERRORS: Final = ("ValueError", "KeyError", "(ValueError, KeyError)", "Exception", "IndexError",
                 "LookupError")


class Writer:
    """Writes one program: a viper function `f`, and calls of it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.loops = 0
        self.looping = 0
        self.counters: list[str] = []

    def pick(self, choices: tuple[str, ...]) -> str:
        return self.random.choice(choices)

    def chance(self, n: int) -> bool:
        return self.random.randrange(n) == 0

    def put(self, indent: int, text: str) -> None:
        self.lines.append("    " * indent + text)

    def name(self) -> str:
        return self.pick((*INTS, *self.counters))

    def integer(self, depth: int) -> str:
        """A machine integer of at most 15 bits, not negative."""
        kind = self.random.randrange(14)
        if depth <= 0 or kind < 3:
            return self.pick(LITERALS) if self.chance(4) else self.name()
        x, y = self.integer(depth - 1), self.integer(depth - 1)
        if x in LITERALS:
            x = self.name()
        if kind < 6:
            return f"(({x} {self.pick(('+', '*', '-', '^', '|'))} {y}) & 32767)"
        if kind == 6:
            return f"(({x} << {self.random.randrange(9)}) & 32767)"
        if kind == 7:
            return f"({x} {self.pick(('//', '%', '>>'))} {self.pick(('1', '3', '7', '10'))})"
        if kind == 8:
            return f"(({x} - {y}) // {self.pick(('3', '8'))} & 32767)"
        if kind == 9:
            return f"int(l[{x} & 3])"
        if kind == 10:
            return f"(int({self.pick(('o.n', 'G', 'len(l)', 'K(7).n'))}) & 32767)"
        if kind == 11:
            return f"int({self.pick(('give', 'o.put', 'abs'))}({x}))"
        if kind == 12:
            return f"p[{x} & 7]"
        return f"({x} if {self.test(depth - 1)} else {y})"

    def test(self, depth: int) -> str:
        kind = self.random.randrange(7)
        if kind < 4:
            x = self.integer(depth)
            if x in LITERALS:
                x = self.name()
            return f"({x} {self.pick(COMPARE)} {self.integer(depth)})"
        if kind == 4 and depth > 0:
            return f"({self.test(depth - 1)} {self.pick(('and', 'or'))} {self.test(depth - 1)})"
        if kind == 5:
            return self.pick(("bool(x is NONE)", "bool(x == THREE)", "bool(isinstance(x, int))"))
        return f"({self.name()} & {self.pick(('1', '2', '64'))})"

    def anything(self) -> str:
        """An object."""
        return self.pick((
            "NONE", "'s'", "l", "(o, l)", "[x, 'x']", "l[a & 3]", "G", "o.n", "K(d)", "x",
            "l[b]", "give(o + o)"))

    def block(self, indent: int, depth: int) -> None:
        for _ in range(self.random.randint(1, 3)):
            self.statement(indent, depth)

    def statement(self, indent: int, depth: int) -> None:
        kind = self.random.randrange(22)
        if kind < 5:
            self.put(indent, f"{self.pick(INTS)} = {self.integer(2)}")
        elif kind == 5:
            self.put(indent, f"x = {self.anything()}")
        elif kind == 6:
            self.put(indent, f"l[{self.name()} & 3] = {self.integer(1)}")
        elif kind == 7:
            self.put(indent, f"{self.pick(('o.n', 'G'))} = {self.integer(1)}")
        elif kind == 8:
            self.put(indent, f"p[{self.name()} & 7] = {self.integer(1)} & 255")
        elif kind == 9:
            self.put(indent, f"print({self.pick(INTS)}, {self.pick((*INTS, 'x', 'l', 'G'))})")
        elif kind == 10:
            self.put(indent, f"{self.pick(INTS)} = int(boom({self.integer(1)}))")
        elif kind == 11:
            self._leave(indent)
        elif depth <= 0:
            self.put(indent, f"{self.pick(INTS)} = {self.integer(1)}")
        elif kind < 15:
            self.put(indent, f"if {self.test(2)}:")
            self.block(indent + 1, depth - 1)
            if self.chance(2):
                self.put(indent, "else:")
                self.block(indent + 1, depth - 1)
        elif kind < 18:
            self._loop(indent, depth)
        else:
            self._try(indent, depth)

    def _leave(self, indent: int) -> None:
        options = ["raise ValueError(a)", "raise KeyError", "return a + b", "print('here', c)"]
        if self.looping:
            options += ["break", "continue", "break", "continue"]
        self.put(indent, f"if {self.test(1)}:")
        self.put(indent + 1, self.random.choice(options))

    def _loop(self, indent: int, depth: int) -> None:
        self.loops += 1
        counter = f"i{self.loops}"
        kind = self.random.randrange(4)
        counts = True
        if kind == 0:
            self.put(indent, f"for {counter} in range({self.random.randrange(5)}):")
        elif kind == 1:
            self.put(indent, f"for {counter} in range({self.name()} & 3, 6, 2):")
        elif kind == 2:
            self.put(indent, f"{counter} = 4")
            self.put(indent, f"while {counter} > 0:")
            self.put(indent + 1, f"{counter} -= 1")
        else:
            counts = False
            self.put(indent, f"for x in {self.pick(('l', 'H', 'STRING', '(o, l)'))}:")
        if counts:
            self.counters.append(counter)
        self.looping += 1
        self.block(indent + 1, depth - 1)
        self.looping -= 1
        if counts:
            self.counters.remove(counter)
        if self.chance(5):
            self.put(indent, "else:")
            self.block(indent + 1, depth - 1)

    def _try(self, indent: int, depth: int) -> None:
        self.put(indent, "try:")
        self.block(indent + 1, depth - 1)
        kind = self.random.randrange(4)
        if kind:
            self.put(indent, f"except {self.pick(ERRORS)}:")
            self.put(indent + 1, f"print('caught', {self.pick(INTS)}, {self.pick(INTS)})")
            self.block(indent + 1, depth - 1)
        if kind != 1 and (not kind or self.chance(2)):
            self.put(indent, "finally:")
            self.put(indent + 1, f"print('finally', {self.pick(INTS)})")

    def program(self) -> str:
        """The program, with `VIPER` ahead of the function."""
        self.lines = [PRELUDE]
        self.put(0, VIPER)
        returns = self.pick(("int", "object"))
        self.put(0, f"def f(a: int, b: int, l, o) -> {returns}:")
        self.put(1, "global G")
        self.put(1, "c = 3\n    d = a\n    x = NONE\n    p = ptr8(B)")
        self.block(1, 3)
        self.block(1, 3)
        self.put(1, "print(a, b, c, d, l, G, o.n)")
        self.put(1, "return a" if returns == "int" else "return x")
        if returns == "object":  # a return of an int is one of an object then
            self.lines = [line.replace("return a + b", "return x") for line in self.lines]
        self.put(0, "B = bytearray(range(8))")
        for _ in range(3):
            args = ", ".join(str(self.random.choice((0, 1, 2, 3, 77, 255, 32767)))
                             for _ in range(2))
            self.put(0, f"try: print(f({args}, [1, 2, 3, 4], K(9)) is not None, list(B))")
            self.put(0, "except Exception as e: print('left by', type(e).__name__)")
        return "\n".join(self.lines) + "\n"


def program(seed: int) -> str:
    """The program of a seed."""
    return Writer(seed).program()


def as_python(source: str) -> str:
    """The program without viper."""
    return HEAD + source.replace(VIPER + "\n", "")
