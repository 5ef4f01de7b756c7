"""Programs of native functions with floats in loops, and with what may turn up in their place.

Sums and products of variables, constants, items and arguments, comparisons, choices, variables that
are floats at some times only; numbers that are none, infinities, and zeros of both signs.  Floats
are printed as the bits that they have in single precision.
"""

from __future__ import annotations

import random
from typing import Final

CONSTANTS: Final = ("0.0", "1.0", "0.5", "2.0", "-1.0", "0.1", "3.140625", "0.125", "100.0", "-0.0",
                    "1e10", "16777216.0", "0.3", "-2.5")
"""Those that every release reads as the nearest float."""
ARGUMENTS: Final = ("1.5", "-0.25", "0.0", "-0.0", "3", "0", "-7", "2.0 ** 100", "2.0 ** 127",
                    "float('nan')", "float('inf')", "2.0", "0.7", "16777217", "1 << 29", "'ab'",
                    "None", "True", "[1.0]", "N(2)", "2.0 ** -140", "12.75")
FLOATS: Final = ("1.5", "-0.25", "2.0", "0.7", "12.75", "-3.125", "0.1", "100.5")
ITEMS: Final = ("[0.5, 1.5, -2.25, 3.0]", "[1.0, 2, 3.5, 4]", "(0.25, 0.5, 0.75, 1.25)",
                "[1, 2, 3, 4]", "[0.5, None, 1.5, 2.5]", "b'abcd'")

HEADER: Final = """\
import struct
class N:
    def __init__(self, n):
        self.n = n
    def __add__(self, other):
        return 0.5
    def __radd__(self, other):
        return N(self.n + 1)
    def __mul__(self, other):
        return other
    def __lt__(self, other):
        return self.n < 5
    def __neg__(self):
        return self.n
def keep(x):
    return x
def half(x):
    return x * 0.5
def show(v):
    if isinstance(v, float):
        return 'nan' if v != v else struct.unpack('<I', struct.pack('<f', v))[0]
    if type(v) is list or type(v) is tuple:
        return [show(x) for x in v]
    return ('N', v.n) if type(v) is N else v
def run(f, *args):
    try:
        print(show(f(*args)))
    except Exception as error:
        print(type(error).__name__)
"""


class Writer:
    """Writes one function."""

    def __init__(self, rng: random.Random, name: str) -> None:
        self.rng = rng
        self.name = name
        self.lines: list[str] = []
        self.params = ["a", "b", "c"][: rng.randint(1, 3)]
        self.names = list(self.params)
        self.counters: list[str] = []
        self.n_loops = 0

    def atom(self) -> str:
        rng = self.rng
        kind = rng.random()
        if kind < 0.6:
            return rng.choice(self.names)
        if kind < 0.7 and self.counters:
            return rng.choice(self.counters)
        if kind < 0.9:
            return rng.choice(CONSTANTS)
        return str(rng.randint(-5, 9))

    def expression(self, depth: int = 2) -> str:
        rng = self.rng
        kind = rng.random()
        if depth == 0 or kind < 0.2:
            return self.atom()
        x = self.expression(depth - 1)
        if kind < 0.75:
            op = rng.choice("++--***/")
            return f"({x} {op} {self.expression(depth - 1)})"
        if kind < 0.80:
            return f"({x} {rng.choice(('//', '%'))} {rng.choice(('2.0', '0.75', '3', '-1.5'))})"
        if kind < 0.86:
            return f"({rng.choice('-+')}{x})"
        if kind < 0.90:
            return f"items[{rng.randint(-1, 3)}]"
        if kind < 0.93:
            return f"({x} if {self.condition()} else {self.expression(depth - 1)})"
        if kind < 0.95:
            return f"({x} {rng.choice(('and', 'or'))} {self.expression(depth - 1)})"
        return f"{rng.choice(('keep', 'half'))}({x})"

    def condition(self) -> str:
        rng = self.rng
        kind = rng.random()
        if kind < 0.1:
            return f"{rng.choice(('', 'not '))}{self.atom()}"
        if kind < 0.15:
            return f"{rng.choice(self.names)} is {rng.choice(('', 'not '))}None"
        op = rng.choice(("<", ">", "<=", ">=", "==", "!="))
        text = f"{self.expression(1)} {op} {self.expression(1)}"
        return f"not {text}" if rng.random() < 0.1 else text

    def statement(self, indent: str, depth: int) -> None:
        rng = self.rng
        kind = rng.random()
        if kind < 0.5:
            self.lines.append(f"{indent}{rng.choice(self.names)} = {self.expression()}")
        elif kind < 0.7:
            name, op = rng.choice(self.names), rng.choice("++--*/")
            self.lines.append(f"{indent}{name} {op}= {self.expression(1)}")
        elif kind < 0.75:
            x, y = rng.choice(self.names), rng.choice(self.names)
            self.lines.append(f"{indent}{x}, {y} = {self.expression(1)}, {x}")
        elif kind < 0.78:
            self.lines.append(f"{indent}items[{rng.randint(0, 3)}] = {self.expression(1)}")
        elif depth and kind < 0.92:
            self.lines.append(f"{indent}if {self.condition()}:")
            self.block(indent + "    ", depth - 1)
            if rng.random() < 0.5:
                self.lines.append(f"{indent}else:")
                self.block(indent + "    ", depth - 1)
        elif depth and self.n_loops < 3:
            self.loop(indent, depth)
        else:
            self.lines.append(f"{indent}{rng.choice(self.names)} = {self.atom()}")

    def block(self, indent: str, depth: int) -> None:
        for _ in range(self.rng.randint(1, 3)):
            self.statement(indent, depth)

    def loop(self, indent: str, depth: int) -> None:
        rng = self.rng
        self.n_loops += 1
        n = self.n_loops
        inner = indent + "    "
        kind = rng.random()
        counter = f"i{n}"
        if kind < 0.6:
            start = rng.choice(("", "", "-2, "))
            self.lines.append(f"{indent}for {counter} in range({start}{rng.randint(0, 7)}):")
        elif kind < 0.7:
            self.lines.append(f"{indent}for {counter} in items:")
        else:
            self.lines.append(f"{indent}{counter} = 0")
            self.lines.append(f"{indent}while {counter} < {rng.randint(1, 6)}:")
            self.lines.append(f"{inner}{counter} += 1")
        self.counters.append(counter)
        self.block(inner, depth - 1)
        if rng.random() < 0.35:
            self.lines.append(f"{inner}if {self.condition()}:")
            way = rng.choice(("break", "continue", f"return {self.expression(1)}"))
            self.lines.append(f"{inner}    {way}")
        self.block(inner, depth - 1)
        self.counters.remove(counter)

    def write(self) -> str:
        rng = self.rng
        for n in range(rng.randint(1, 4)):
            self.lines.append(f"    v{n} = {rng.choice((*CONSTANTS, *CONSTANTS, '0', 'a'))}")
            self.names.append(f"v{n}")
        self.loop("    ", 2)
        if rng.random() < 0.5:
            self.block("    ", 1)
            self.loop("    ", 1)
        total = ", ".join(self.names)
        return "\n".join([f"@micropython.native\ndef {self.name}({', '.join(self.params)}, items):",
                          *self.lines, f"    return {total}, items", ""])


def program(seed: int) -> str:
    """The source for a seed."""
    rng = random.Random(seed)
    parts = ["import micropython\n", HEADER]
    calls = []
    for n in range(3):
        writer = Writer(rng, f"f{n}")
        parts.append(writer.write())
        for k in range(6):
            choices = FLOATS if k < 3 else ARGUMENTS
            args = [rng.choice(choices) for _ in writer.params]
            args.append(ITEMS[0] if k < 3 else rng.choice(ITEMS))
            calls.append(f"run(f{n}, {', '.join(args)})\n")
    return "".join(parts + calls)


def as_python(source: str) -> str:
    """The same for bytecode and CPython."""
    return source.replace("@micropython.native\n", "").replace("import micropython\n", "")
