"""Random programs of nested functions, by a seed: closures, generators, numbers of every size.

They print the same under CPython, as bytecode and as native code.  Functions share variables with
those around them (`nonlocal`), generators are suspended in loops and handlers and left early.
Numbers go beyond small ints in both directions, shifts beyond 32, division meets negative numbers
and 0.
"""

from __future__ import annotations

import random
from typing import Final

HEAD: Final = """
def m(x):
    if not isinstance(x, int): return 0
    return x if -(1 << 40) < x < 1 << 40 else x % 1000003
"""
LITERALS: Final = ("0", "1", "2", "3", "-1", "-7", "10", "255", "1073741823", "-1073741824",
                   "1073741824", "2147483647", "4294967295", "-3000000000")
OPERATORS: Final = ("+", "-", "*", "&", "|", "^", "//", "%", "+", "-")
COMPARE: Final = ("<", ">", "<=", ">=", "==", "!=")


class Writer:
    """Writes one program."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.names: list[str] = []
        self.callables: list[str] = []
        self.generators: list[str] = []
        self.loops = 0
        self.numbers = 0
        self.yields = False

    def pick(self, choices: tuple[str, ...] | list[str]) -> str:
        return self.random.choice(choices)

    def put(self, indent: int, text: str) -> None:
        self.lines.append("    " * indent + text)

    def integer(self, depth: int) -> str:
        kind = self.random.randrange(11)
        if depth <= 0 or kind < 2:
            return self.pick(LITERALS) if self.random.randrange(4) == 0 else self.pick(self.names)
        x, y = self.integer(depth - 1), self.integer(depth - 1)
        if kind < 6:
            return f"m({x} {self.pick(OPERATORS)} {y})"
        if kind == 6:
            return f"m({x} << ({y} & {self.pick(('7', '31'))}))"
        if kind == 7:
            return f"({x} >> ({y} & {self.pick(('7', '63'))}))"
        if kind == 8 and self.callables:
            return f"{self.pick(self.callables)}({x})"
        if kind == 9:
            return f"({x} if {self.test()} else {y})"
        return f"(-{x})" if self.random.randrange(2) else f"(~{x})"

    def test(self) -> str:
        return f"{self.integer(1)} {self.pick(COMPARE)} {self.integer(1)}"

    def block(self, indent: int, depth: int) -> None:
        for _ in range(self.random.randint(1, 3)):
            self.statement(indent, depth)

    def statement(self, indent: int, depth: int) -> None:
        kind = self.random.randrange(13)
        if kind < 4 or depth <= 0:
            op = self.pick(("=", "=", "+=", "-=", "^="))
            value = self.integer(2)
            name = self.pick(self.names)
            self.put(indent, f"{name} = m({name} {op[0]} {value})" if op != "="
                     else f"{name} = {value}")
        elif kind == 4:
            self.put(indent, f"print({self.pick(self.names)}, {self.integer(1)})")
        elif kind < 7:
            self.put(indent, f"if {self.test()}:")
            self.block(indent + 1, depth - 1)
            if self.random.randrange(2):
                self.put(indent, "else:")
                self.block(indent + 1, depth - 1)
        elif kind == 7 and self.yields:
            self.put(indent, f"{self.pick(self.names)} = m((yield {self.integer(1)}))")
        elif kind < 10:
            self._loop(indent, depth)
        elif kind == 10 and self.yields:
            self.put(indent, f"if {self.test()}: return {self.integer(1)}")
        else:
            self.put(indent, "try:")
            self.block(indent + 1, depth - 1)
            self.put(indent, "except ZeroDivisionError:")
            self.put(indent + 1, f"print('zero', {self.pick(self.names)})")

    def _loop(self, indent: int, depth: int) -> None:
        self.loops += 1
        counter = f"i{self.loops}"
        source = f"range({self.random.randint(1, 4)})"
        if self.generators and self.random.randrange(2):
            source = f"{self.pick(self.generators)}({self.pick(self.names)})"
        self.put(indent, f"for {counter} in {source}:")
        self.put(indent + 1, f"{self.pick(self.names)} = m({counter})")
        self.block(indent + 1, depth - 1)
        if self.random.randrange(3) == 0:
            self.put(indent + 1, f"if {self.test()}: {self.pick(('break', 'continue'))}")

    def function(self, indent: int, depth: int) -> None:
        """A function or generator that uses variables of those around it, and what is in it."""
        self.numbers += 1
        name = f"f{self.numbers}"
        outer = self.names, self.callables, self.generators, self.yields
        self.yields = indent > 0 and self.random.randrange(3) == 0
        self.put(indent, f"def {name}(x{self.numbers}, y{self.numbers}={self.pick(LITERALS)}):")
        shared = [one for one in outer[0] if not one.startswith(("x", "y"))]
        if shared and self.random.randrange(3):
            self.put(indent + 1, f"nonlocal {self.pick(shared)}")
            used = True
        else:
            used = False
        own = [f"x{self.numbers}", f"y{self.numbers}", f"v{self.numbers}"]
        self.put(indent + 1, f"v{self.numbers} = {self.pick(LITERALS)}")
        # Without `nonlocal` a name of outside may only be read, so it is not among the names.
        declared = self.lines[-2].partition("nonlocal ")[2] if used else ""
        self.names = own + ([declared] if declared else [])
        self.callables, self.generators = [], []
        if depth > 0:
            for _ in range(self.random.randint(1, 2)):
                self.function(indent + 1, depth - 1)
        self.block(indent + 1, 2)
        if self.yields:
            self.put(indent + 1, f"for k in range(3): yield m(k + {self.integer(1)})")
        else:
            self.put(indent + 1, f"return {self.integer(2)}")
        made = self.yields
        self.names, self.callables, self.generators, self.yields = outer
        (self.generators if made else self.callables).append(name)

    def program(self) -> str:
        """The program."""
        self.lines = [HEAD]
        for _ in range(2):
            self.callables, self.generators = [], []
            self.function(0, 2)
            name = f"{self.callables[0]}"
            for _ in range(2):
                self.put(0, f"try: print({name}({self.pick(LITERALS)}))")
                self.put(0, "except Exception as e: print('left by', type(e).__name__)")
        return "\n".join(self.lines) + "\n"


def program(seed: int) -> str:
    """The program of a seed."""
    return Writer(seed).program()
