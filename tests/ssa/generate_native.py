"""Programs of native functions about small ints, and what may turn up where those are expected.

Loops over ranges and with conditions, sums that leave the small ints, operands that are floats,
strings, lists, None or objects with operators of their own; handlers, `with`, and ways out of
them; items of lists, bytes and of what is indexed as they are.  They print what a call gives or
raises.  One of three functions may be a generator, which is resumed, sent numbers, and thrown into.
"""

from __future__ import annotations

import random
from typing import Final

OPERATORS: Final = ("+", "-", "*", "&", "|", "^", "<<", ">>", "//", "%")
LIKELY: Final = ("+", "-", "+", "-", "*", "&", "|", "^", ">>", "//", "%")
COMPARISONS: Final = ("<", ">", "==", "<=", ">=", "!=", "is", "is not")
EDGES: Final = (0, 1, -1, 2, 3, 7, -8, 31, 32, 255, 65535, (1 << 30) - 1, -(1 << 30), 1 << 30,
                -(1 << 30) - 1, (1 << 31) - 1, 1 << 40, 12345, -777)
ITEMS: Final = ("[1, 2, 3]", "[5, 0.5, None, 40, -3, 1 << 29]", "[]", "L([1, 2])", "(3, 4, 5)",
                "b'abcd'", "bytearray(b'xyz')", "{0: 1, 1: 2, 2: 3}", "'text'", "range(3, 9)",
                "b'\\x00\\x7f\\x80\\xff'", "b''")
"""What items are taken from; lists most of all."""
LIKELY_ITEMS: Final = (ITEMS[0], ITEMS[0], ITEMS[0], ITEMS[1], ITEMS[10])
SENDS: Final = ("None", "None", "None", "5", "-3", "1 << 29", "'ab'", "ValueError")
ARGUMENTS: Final = ("1.5", "'ab'", "None", "True", "[1, 2]", "N(3)", "(1,)", "-0.0")

HEADER: Final = """\
class N:
    def __init__(self, n):
        self.n = n
    def __add__(self, other):
        return ('add', self.n)
    def __radd__(self, other):
        return N(self.n + 1)
    def __iadd__(self, other):
        self.n += 1
        return self
    def __lt__(self, other):
        return self.n < 5
    def __gt__(self, other):
        return self.n > 5
    def __eq__(self, other):
        return 7
    def __bool__(self):
        return self.n > 0
    def __getitem__(self, index):
        if index > 9:
            raise IndexError
        return index
class L(list):
    def __getitem__(self, index):
        if index > 9:
            raise IndexError
        return 100
class W:
    def __init__(self, eats):
        self.eats = eats
    def __enter__(self):
        return 5
    def __exit__(self, kind, error, trace):
        print('exit', kind is ValueError, error is None)
        return self.eats
def drive(g, sends):
    out = []
    try:
        out.append(show(next(g)))
        for value in sends:
            out.append(show(g.throw(value) if type(value) is type else g.send(value)))
    except StopIteration as error:
        out.append(('stop', error.args))
    except Exception as error:
        out.append(type(error).__name__)
    g.close()
    return out
def show(value):
    return ('N', value.n) if type(value) is N else value
def run(f, *args):
    try:
        print(show(f(*args)))
    except Exception as error:
        print(type(error).__name__)
"""


class Writer:
    """Writes one function."""

    def __init__(self, rng: random.Random, name: str, yields: bool = False) -> None:
        self.rng = rng
        self.yields = yields
        self.name = name
        self.lines: list[str] = []
        self.names = ["a", "b", "c"][: rng.randint(1, 3)]
        self.params = [*self.names, "items"]
        self.n_loops = 0
        self.within = 0
        """Loops around what is being written."""

    def number(self) -> str:
        rng = self.rng
        return str(rng.choice(EDGES) if rng.random() < 0.3 else rng.randint(-20, 40))

    def atom(self) -> str:
        rng = self.rng
        if rng.random() < 0.65:
            return rng.choice(self.names)
        return self.number() if rng.random() < 0.9 else rng.choice(ARGUMENTS[:5])

    def expression(self, depth: int = 2) -> str:
        rng = self.rng
        kind = rng.random()
        if depth == 0 or kind < 0.25:
            return self.atom()
        if kind < 0.33:
            return f"items[{self.index()}]"
        if kind < 0.85:
            op = rng.choice(LIKELY)
            x, y = self.expression(depth - 1), self.expression(depth - 1)
            if op == "*" and self.within:
                y = self.number()
            elif op == ">>" or (op == "<<"):
                y = str(rng.randint(0, 34))
            elif op in ("//", "%") and rng.random() < 0.7:
                y = str(rng.choice((1, 2, 3, 7, 8, 10, 64, -3, 1 << 20)))
            return f"({x} {op} {y})"
        if kind < 0.9:
            return f"({rng.choice('-~+')}{self.expression(depth - 1)})"
        if kind < 0.95:
            return f"({self.condition()})"
        return f"({self.expression(depth - 1)} {rng.choice(('and', 'or'))} " \
               f"{self.expression(depth - 1)})"

    def index(self) -> str:
        rng = self.rng
        kind = rng.random()
        if kind < 0.5:
            return f"{rng.choice(self.names)} & {rng.choice((1, 3))}"
        if kind < 0.8:
            return str(rng.randint(-4, 4))
        return rng.choice(self.names) if kind < 0.95 else "1:"

    def condition(self) -> str:
        rng = self.rng
        if rng.random() < 0.15:
            return self.atom()
        text = f"{self.expression(1)} {rng.choice(COMPARISONS[:6])} {self.expression(1)}"
        if rng.random() < 0.15:
            return f"{self.atom()} {rng.choice(COMPARISONS[6:])} None"
        return f"not {text}" if rng.random() < 0.1 else text

    def target(self) -> str:
        rng = self.rng
        if rng.random() < 0.3 and len(self.names) < 7:
            name = f"v{len(self.names)}"
            return name
        return rng.choice(self.names)

    def assign(self, indent: str) -> None:
        rng = self.rng
        if rng.random() < 0.4:
            name = rng.choice(self.names)
            value = self.expression(1)
            op = rng.choice(LIKELY)
            if op == "*" and self.within:
                value = self.number()
            elif op == ">>":
                value = str(rng.randint(0, 33))
            self.lines.append(f"{indent}{name} {op}= {value}")
            return
        if rng.random() < 0.15:
            op = "=" if rng.random() < 0.7 else "+="
            self.lines.append(f"{indent}items[{self.index()}] {op} {self.expression(1)}")
            return
        name = self.target()
        self.lines.append(f"{indent}{name} = {self.expression()}")
        if indent == "    " and name not in self.names:
            self.names.append(name)
        elif name not in self.names:
            self.lines[-1] = f"{indent}{rng.choice(self.names)} = {self.expression()}"

    def clamp(self, indent: str) -> None:
        """Numbers are not to grow without end."""
        name = self.rng.choice(self.names)
        self.lines.append(f"{indent}{name} = {name} & 0x3fffffff" if self.rng.random() < 0.5
                          else f"{indent}{name} %= 1000003")

    def block(self, indent: str, depth: int) -> None:
        rng = self.rng
        for _ in range(rng.randint(1, 3)):
            if self.yields and rng.random() < 0.3:
                self.give(indent)
            kind = rng.random()
            if kind < 0.55 or depth == 0:
                self.assign(indent)
            elif kind < 0.7:
                self.lines.append(f"{indent}if {self.condition()}:")
                self.block(indent + "    ", depth - 1)
                if rng.random() < 0.4:
                    self.lines.append(f"{indent}else:")
                    self.block(indent + "    ", depth - 1)
            elif kind < (0.71 if self.yields else 0.8):
                self.handled(indent, depth)
            elif self.n_loops < 4:
                self.loop(indent, depth)

    def give(self, indent: str) -> None:
        """A yield."""
        rng = self.rng
        kind = rng.random()
        name = rng.choice(self.names)
        if kind < 0.5:
            self.lines.append(f"{indent}yield {self.expression(1)}")
        elif kind < 0.8:
            self.lines.append(f"{indent}got = yield {self.atom()}")
            self.lines.append(f"{indent}if got is not None:")
            self.lines.append(f"{indent}    {name} = got")
        else:
            self.lines.append(f"{indent}{name} = {self.atom()} if (yield {name}) else "
                              f"{self.expression(1)}")

    def handled(self, indent: str, depth: int) -> None:
        """A block with a handler, which may be left in every way."""
        rng = self.rng
        inner = indent + "    "
        if rng.random() < 0.3:
            name = rng.choice(self.names)
            self.lines.append(f"{indent}with W({rng.random() < 0.5}) as {name}:")
            self.guarded(inner, depth)
            return
        self.lines.append(f"{indent}try:")
        self.guarded(inner, depth)
        kind = rng.random()
        if kind < 0.8:
            caught = rng.choice((" ValueError as error", " (KeyError, TypeError)", ""))
            self.lines.append(f"{indent}except{caught}:")
            if caught.endswith("error") and rng.random() < 0.5:
                self.lines.append(f"{inner}{rng.choice(self.names)} = error.args[0]")
            self.block(inner, depth - 1)
            if rng.random() < 0.2:
                self.lines.append(f"{indent}else:")
                self.assign(inner)
        if kind > 0.6:
            self.lines.append(f"{indent}finally:")
            self.assign(inner)

    def guarded(self, indent: str, depth: int) -> None:
        rng = self.rng
        self.block(indent, depth - 1)
        kind = rng.random()
        if kind < 0.5:
            error = rng.choice(("ValueError", "KeyError"))
            self.lines.append(f"{indent}if {self.condition()}:")
            self.lines.append(f"{indent}    raise {error}({self.atom()})")
        elif kind < 0.6:
            self.lines.append(f"{indent}if {self.condition()}:")
            self.lines.append(f"{indent}    return show({self.atom()})")
        elif kind < 0.7 and self.within:
            self.lines.append(f"{indent}if {self.condition()}:")
            self.lines.append(f"{indent}    {rng.choice(('break', 'continue'))}")
        self.assign(indent)

    def loop(self, indent: str, depth: int) -> None:
        rng = self.rng
        self.n_loops += 1
        n = self.n_loops
        inner = indent + "    "
        kind = rng.random()
        if kind < 0.55:
            limit = rng.choice((str(rng.randint(0, 9)), "(a & 7 if type(a) is int else 3)"))
            start = rng.choice(("", f"{rng.randint(-3, 3)}, "))
            step = f", {rng.choice((1, 2, -1, 3))}" if start and rng.random() < 0.3 else ""
            self.lines.append(f"{indent}for i{n} in range({start}{limit}{step}):")
            self.names.append(f"i{n}")
        elif kind < 0.75:
            self.lines.append(f"{indent}for i{n} in [1, {self.number()}, {self.atom()}, 5]:")
            self.names.append(f"i{n}")
        else:
            self.lines.append(f"{indent}w{n} = 0")
            self.lines.append(f"{indent}while w{n} < {rng.randint(1, 8)}:")
            self.lines.append(f"{inner}w{n} += {rng.randint(1, 2)}")
        self.within += 1
        self.block(inner, depth - 1)
        self.within -= 1
        self.clamp(inner)
        if rng.random() < 0.3:
            self.lines.append(f"{inner}if {self.condition()}:")
            self.lines.append(f"{inner}    {rng.choice(('break', 'continue'))}")
        if kind < 0.75:
            self.names.remove(f"i{n}")

    def write(self) -> str:
        parameters = ", ".join(self.params)
        self.block("    ", 2)
        self.loop("    ", 2)
        if self.yields:
            self.give("    ")
        self.block("    ", 1)
        total = ", ".join([f"show({name})" for name in self.names] + ["items"])
        return "\n".join([f"@micropython.native\ndef {self.name}({parameters}):", *self.lines,
                          f"    return {total}", ""])


def program(seed: int) -> str:
    """The source for a seed."""
    rng = random.Random(seed)
    parts = ["import micropython\n", HEADER]
    calls = []
    for n in range(3):
        writer = Writer(rng, f"f{n}", n == 2 and rng.random() < 0.6)
        parts.append(writer.write())
        for _ in range(5):
            args = [str(rng.choice(EDGES)) if rng.random() < 0.5 else str(rng.randint(-9, 60))
                    for _ in writer.params]
            args[-1] = rng.choice(LIKELY_ITEMS if rng.random() < 0.5 else ITEMS)
            if rng.random() < 0.25:
                args[rng.randrange(len(args) - 1)] = rng.choice(ARGUMENTS)
            if writer.yields:
                sends = [rng.choice(SENDS) for _ in range(rng.randint(0, 9))]
                calls.append(f"run(lambda: drive(f{n}({', '.join(args)}), [{', '.join(sends)}]))\n")
            else:
                calls.append(f"run(f{n}, {', '.join(args)})\n")
    return "".join(parts + calls)


def as_python(source: str) -> str:
    """The same for bytecode and CPython."""
    return source.replace("@micropython.native\n", "").replace("import micropython\n", "")
