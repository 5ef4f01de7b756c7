"""Random viper functions that are right in their types and end, and arguments for them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hypothesis import strategies as st

from mpy_cross.loader.release import get

INTERESTING = (
    *(0, 1, 2, 3, 5, 7, 8, 31, 32, 33, 255, 256, 0x3FFF_FFFF, 0x4000_0000, 0x7FFF_FFFF),
    *(0x8000_0000, 0x8000_0001, 0xC000_0000, 0xFFFF_0000, 0xFFFF_FF00, 0xFFFF_FFFE, 0xFFFF_FFFF),
)
BUFFER = 64
"""Bytes of each buffer that is passed."""
_LITERALS = ("0", "1", "2", "5", "31", "127", "128", "255", "256", "1000", "65535", "65536",
             "70000", "0x12345678", "0x3fffffff", "-1", "-2", "-128", "-129", "-65536",
             "-0x40000000", "int(0x7fffffff)", "int(0x80000000)", "int(0xedb88320)")  # fmt: skip
_OPERATORS = ("+", "-", "*", "&", "|", "^", "+", "-")
_COMPARE = ("<", ">", "<=", ">=", "==", "!=")
_WIDTHS = {"p": 1, "q": 2, "r": 4}


@dataclass(frozen=True)
class Program:
    """The source of a viper function `f` and arguments for several calls of it."""

    source: str
    calls: tuple[tuple[int | bool | bytes, ...], ...]


def words(signed: bool) -> st.SearchStrategy[int]:
    """Numbers of 32 bits, many of them at the edges."""
    word = st.one_of(st.sampled_from(INTERESTING), st.integers(0, 0xFFFF_FFFF))
    return word.map(lambda bits: bits - (bits >> 31 << 32)) if signed else word


def arguments(kind: str) -> st.SearchStrategy[int | bool | bytes]:
    """Arguments for a parameter of a type."""
    if kind.startswith("ptr"):
        return st.binary(min_size=BUFFER, max_size=BUFFER)
    if kind == "bool":
        return st.booleans()
    return words(kind == "int")


class _Writer:
    """Writes statements over the variables: a b c d (int), u v (uint), t (bool), pointers p q r.

    `plain` is for a release whose compiler is wrong about a subscript with a constant while
    something waits on the stack: none is written then.
    """

    def __init__(self, draw: st.DrawFn, release: str, pointers: tuple[str, ...]) -> None:
        self._draw = draw
        self._unary = get(release).viper_unary
        self._plain = not get(release).native_subscr_saves_ret
        self._pointers = pointers
        self.lines: list[str] = []
        self._loops = 0
        self._counters: list[str] = []

    def number(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def one_of(self, choices: tuple[str, ...]) -> str:
        return choices[self.number(0, len(choices) - 1)]

    def index(self, depth: int) -> tuple[str, str]:
        """A pointer and an index within its buffer."""
        pointer = self.one_of(self._pointers)
        last = BUFFER // _WIDTHS[pointer] - 1
        if self.number(0, 2) == 0 and not self._plain:
            return pointer, str(self.number(0, last))
        if self._counters and self.number(0, 1):
            return pointer, self.one_of(tuple(self._counters))  # at most 7, and not negative
        if self.number(0, 3) == 0:
            return pointer, f"(uint({self.variable(depth)}) >> k{5 if last == 63 else 6} & u{last})"
        return pointer, f"({self.variable(depth)} & {last})"

    def variable(self, depth: int) -> str:
        """An int that is no literal: the compiler computes with literals in its own way."""
        text = self.integer(depth)
        return self.name() if text in _LITERALS else text

    def integer(self, depth: int) -> str:
        choice = self.number(0, 13)
        if depth <= 0 or choice < 3:
            names = ("a", "b", "c", "d", *self._counters)
            return self.one_of(names if self.number(0, 3) else _LITERALS)
        depth -= 1
        if choice < 7:
            return f"({self.variable(depth)} {self.one_of(_OPERATORS)} {self.integer(depth)})"
        if choice == 7:
            return f"({self.variable(depth)} {self.one_of(('<<', '>>'))} {self.count(depth)})"
        if choice == 8:
            divisor = self.one_of(("3", "-7", "10", "256", f"({self.name()} | 1)"))
            return f"({self.variable(depth)} {self.one_of(('//', '%'))} {divisor})"
        if choice == 9:
            return f"int({self.unsigned(depth) if self.number(0, 1) else self.test(depth)})"
        if choice == 10 and self._unary:
            return f"({self.one_of(('-', '~', '+'))}{self.name()})"
        if choice == 11:
            return f"({self.integer(depth)} if {self.test(depth)} else {self.integer(depth)})"
        if self._pointers:
            pointer, index = self.index(depth)
            return f"{pointer}[{index}]"
        return f"({self.variable(depth)} {self.one_of(('and', 'or'))} {self.integer(depth)})"

    def name(self) -> str:
        return self.one_of(("a", "b", "c", "d"))

    def count(self, depth: int) -> str:
        if self.number(0, 3) == 0:
            return f"({self.variable(depth)} & 255)"
        return self.one_of(("1", "3", "7", "8", "16", "31", "32", "255"))

    def unsigned(self, depth: int) -> str:
        choice = self.number(0, 7)
        if depth <= 0 or choice < 2:
            return self.one_of(("u", "v", "u", "v", "uint(5)", "uint(0x80000000)"))
        depth -= 1
        if choice < 5:
            return f"({self.unsigned(depth)} {self.one_of(_OPERATORS)} {self.unsigned(depth)})"
        if choice < 7:
            return f"({self.unsigned(depth)} {self.one_of(('<<', '>>'))} {self.count(depth)})"
        return f"uint({self.integer(depth)})"

    def test(self, depth: int) -> str:
        choice = self.number(0, 7)
        depth -= 1
        if choice < 3:
            return f"({self.variable(depth)} {self.one_of(_COMPARE)} {self.integer(depth)})"
        if choice < 5:
            return f"({self.unsigned(depth)} {self.one_of(_COMPARE)} {self.unsigned(depth)})"
        if choice == 5 or depth <= 0:
            return "t"
        if choice == 6:
            return f"({self.test(depth)} {self.one_of(('and', 'or'))} {self.test(depth)})"
        return f"bool({self.integer(depth) if self.number(0, 1) else self.unsigned(depth)})"

    def condition(self, depth: int) -> str:
        choice = self.number(0, 4)
        if choice == 0:
            return f"not {self.test(depth)}"
        return self.integer(depth) if choice == 1 else self.test(depth)

    def statements(self, depth: int, indent: str, in_loop: bool = False) -> None:
        for _ in range(self.number(1, 3)):
            self.statement(depth, indent, in_loop)

    def statement(self, depth: int, indent: str, in_loop: bool) -> None:
        choice = self.number(0, 10)
        put = self.lines.append
        if choice < 4 or depth <= 0:
            put(f"{indent}{self.assignment()}")
        elif choice < 6 and self._pointers:
            pointer, index = self.index(1)
            op = self.one_of(("=", "+=", "^="))
            kind = self.number(0, 5)
            value = self.integer(2) if kind else self.unsigned(1)
            put(f"{indent}{pointer}[{index}] {op} {value if op == '=' else self.integer(2)}")
        elif choice < 8:
            put(f"{indent}if {self.condition(2)}:")
            self.statements(depth - 1, indent + "    ", in_loop)
            if self.number(0, 1):
                put(f"{indent}elif {self.condition(1)}:")
                self.statements(depth - 1, indent + "    ", in_loop)
            if self.number(0, 1):
                put(f"{indent}else:")
                self.statements(depth - 1, indent + "    ", in_loop)
        elif in_loop and choice == 8:
            put(f"{indent}if {self.condition(1)}:")
            put(f"{indent}    {self.one_of(('break', 'continue'))}")
        else:
            self.loop(depth, indent)

    def assignment(self) -> str:
        choice = self.number(0, 8)
        if choice == 0:
            return f"t = {self.test(2)}"
        if choice < 3:
            if self.number(0, 3) == 0:
                shift = self.one_of(("<<=", ">>="))
                return f"{self.one_of(('u', 'v'))} {shift} {self.count(1)}"
            op = self.one_of(("=", "+=", "-=", "^=", "*="))
            return f"{self.one_of(('u', 'v'))} {op} {self.unsigned(3)}"
        if choice == 3:
            return f"{self.name()} {self.one_of(('<<=', '>>='))} {self.count(1)}"
        op = self.one_of(("=", "=", "=", "+=", "-=", "&=", "|=", "^=", "*="))
        return f"{self.name()} {op} {self.integer(3)}"

    def loop(self, depth: int, indent: str) -> None:
        self._loops += 1
        counter = f"i{self._loops}"
        put = self.lines.append
        inside = indent + "    "
        kind = self.number(0, 2)
        if kind == 0:
            put(f"{indent}{counter} = 0")
            put(f"{indent}while {counter} < {self.number(1, 7)} and {self.condition(1)}:")
            put(f"{inside}{counter} += 1")
        elif kind == 1:
            put(f"{indent}for {counter} in range({self.name()} & 7):")
        else:
            steps = ("0, 8, 3", "7, -1, -2", "2, 6", f"{self.name()} & 3, 7")
            put(f"{indent}for {counter} in range({self.one_of(steps)}):")
        self._counters.append(counter)
        self.statements(depth - 1, inside, True)
        self._counters.remove(counter)
        if self.number(0, 4) == 0:
            put(f"{indent}else:")
            self.statements(depth - 1, inside)


@st.composite
def programs(draw: st.DrawFn, release: str, n_calls: int = 3) -> Program:
    """A function for a release, and calls of it."""
    pointers = ("", "p", "pq", "r", "pqr")[draw(st.integers(0, 4))]
    kinds = {"a": "int", "b": "int", "u": "uint", "t": "bool"}
    kinds |= {name: f"ptr{8 * _WIDTHS[name]}" for name in pointers}
    order = draw(st.permutations(sorted(kinds)))
    writer = _Writer(draw, release, tuple(pointers))
    writer.statements(3, "    ")
    returns = draw(st.sampled_from(("int", "int", "int", "uint", "bool")))
    result = {"int": writer.integer, "uint": writer.unsigned, "bool": writer.test}[returns](3)
    # Whatever went wrong anywhere shall show in the result.
    everything = "(((a * 3 + b) * 5 + c) * 7 + d + int(t) * 9 + int(u * v + u - v * uint(11)))"
    if returns == "bool":
        result = f"{result} or {everything} > a"
    else:
        result = f"{result} ^ {everything if returns == 'int' else f'uint({everything})'}"
    own = ["c = 3", "d = -4", "v = uint(a)", "k5 = uint(26)", "k6 = uint(28)"]
    own += ["u63 = uint(63)", "u31 = uint(31)", "u15 = uint(15)"]
    used = " ".join([*writer.lines, result])
    own = [line for line in own if line[0] in "cdv" or line.split()[0] in used]
    source = "\n".join((
        "@micropython.viper",
        f"def f({', '.join(f'{name}: {kinds[name]}' for name in order)}) -> {returns}:",
        *(f"    {line}" for line in own),
        *writer.lines,
        f"    return {result}",
        "",
    ))  # fmt: skip
    calls = [tuple(draw(arguments(kinds[name])) for name in order) for _ in range(n_calls)]
    return Program(source, tuple(calls))


_CONSTANT_INDEX = re.compile(r"\[(-?\d+)\]")


def without_constant_indices(source: str) -> str:
    """The same function with each constant index in a variable of its own."""
    numbers = sorted(set(_CONSTANT_INDEX.findall(source)))
    names = {number: f"n{number.replace('-', '_')}" for number in numbers}
    changed = _CONSTANT_INDEX.sub(lambda match: f"[{names[match[1]]}]", source)
    head, _, body = changed.partition(":\n")
    return head + ":\n" + "".join(f"    {names[n]} = {n}\n" for n in numbers) + body
