"""Random programs that end, run by CPython and on the run-time.

    python -m tests.emulator.generate_programs --count 1000
    python -m tests.emulator.generate_programs --count 1000 --seed 7 --show
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from typing import Final

from tests.emulator.language_programs import RELEASES, Player, host_output

NAMES: Final = ["a", "b", "c", "d"]
LITERALS: Final = ["0", "1", "2", "-3", "7", "100", "'x'", "'ab'", "[1, 2]", "(3, 4)", "None"]
BINARY: Final = ["+", "-", "*", "//", "|", "+", "-"]
COMPARE: Final = ["<", ">", "==", "!=", "<=", ">="]
# `s` makes a bool an int: `|` of two bools is an int to MicroPython only.
ERRORS: Final = ["ValueError", "KeyError", "TypeError", "Exception", "(IndexError, TypeError)"]
_COUNTS: Final = re.compile(r"\s+w\d+ \+= 1$")
_HEAD: Final = """def s(x):
    if isinstance(x, (int, bool)): return x + 0 if -10 ** 3 < x < 10 ** 3 else 1
    if isinstance(x, (str, list, tuple)): return x[:20]
    return x
"""


class Maker:
    """Writes one program; its loops count, so it ends."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.loops = 0
        self.in_loop = 0
        self.in_function = 0
        self.functions = 0

    def pick(self, options: list[str]) -> str:
        return self.random.choice(options)

    def expression(self, depth: int) -> str:
        """An expression of names, literals and operators."""
        kind = self.random.randrange(12) if depth > 0 else self.random.randrange(2)
        if kind == 0:
            return self.pick(LITERALS)
        if kind < 4:
            return self.pick(NAMES)
        x, y = self.expression(depth - 1), self.expression(depth - 1)
        if kind < 7:
            return f"s(s({x}) {self.pick(BINARY)} s({y}))"
        if kind == 7:
            return f"({x} {self.pick(COMPARE)} {y})"
        if kind == 8:
            return f"({x} {self.pick(['and', 'or'])} {y})"
        if kind == 9:
            return f"({x} if {y} else {self.expression(depth - 1)})"
        if kind == 10:
            return f"[s(z) for z in ({x}, {y}) if z]"
        return f"(not {x})"

    def put(self, indent: int, text: str) -> None:
        self.lines.append("    " * indent + text)

    def block(self, indent: int, depth: int) -> None:
        """Some statements; at least one."""
        for _ in range(self.random.randint(1, 3)):
            self.statement(indent, depth)

    def statement(self, indent: int, depth: int) -> None:
        kind = self.random.randrange(14 if depth > 0 else 6)
        if kind < 3:
            self.put(indent, f"{self.pick(NAMES)} = {self.expression(2)}")
        elif kind == 3:
            self.put(indent, f"print({self.pick(NAMES)}, {self.expression(2)})")
        elif kind == 4:
            self._leave(indent)
        elif kind == 5:
            name = self.pick(NAMES)
            self.put(indent, f"{name}, {self.pick(NAMES)} = {self.expression(1)}, {name}")
        elif kind < 8:
            self.put(indent, f"if {self.expression(2)}:")
            self.block(indent + 1, depth - 1)
            if self.random.randrange(2):
                self.put(indent, "else:")
                self.block(indent + 1, depth - 1)
        elif kind < 10:
            self._loop(indent, depth)
        elif kind < 13:
            self._try(indent, depth)
        else:
            self._with(indent, depth)

    def _leave(self, indent: int) -> None:
        options = ["raise ValueError", "raise KeyError(1)", "print('here')"]
        if self.in_loop:
            options += ["break", "continue", "continue"]
        if self.in_function:
            options += [f"return {self.expression(1)}", "yield_"]
        chosen = self.pick(options)
        if chosen == "yield_":
            chosen = "yield 5" if self.in_function == 2 else "print('there')"
        self.put(indent, f"if {self.expression(1)}: {chosen}")

    def _loop(self, indent: int, depth: int) -> None:
        self.loops += 1
        if self.random.randrange(2):
            self.put(indent, f"for i{self.loops} in range({self.random.randint(0, 4)}):")
            name = f"i{self.loops}"
        else:
            name = f"w{self.loops}"
            self.put(indent, f"{name} = 0")
            self.put(indent, f"while {name} < {self.random.randint(0, 4)}:")
            self.put(indent + 1, f"{name} += 1")
        self.put(indent + 1, f"{self.pick(NAMES)} = {name}")
        self.in_loop += 1
        self.block(indent + 1, depth - 1)
        self.in_loop -= 1
        if self.random.randrange(3) == 0:
            self.put(indent, "else:")
            self.block(indent + 1, depth - 1)

    def _try(self, indent: int, depth: int) -> None:
        self.put(indent, "try:")
        self.block(indent + 1, depth - 1)
        handlers = self.random.randrange(3)
        for _ in range(handlers):
            self.put(indent, f"except {self.pick(ERRORS)}:")
            self.block(indent + 1, depth - 1)
        if handlers and self.random.randrange(3) == 0:
            self.put(indent, "else:")
            self.block(indent + 1, depth - 1)
        if not handlers or self.random.randrange(3) == 0:
            self.put(indent, "finally:")
            self.put(indent + 1, "print('finally')")
            self.block(indent + 1, depth - 1)

    def _with(self, indent: int, depth: int) -> None:
        self.put(indent, f"with M({self.random.randrange(2)}) as {self.pick(NAMES)}:")
        self.block(indent + 1, depth - 1)

    def program(self) -> str:
        """Functions and generators with random bodies, each called."""
        self.lines = [
            _HEAD + "class M:\n    def __init__(self, n): self.n = n\n"
            "    def __enter__(self): return self.n\n"
            "    def __exit__(self, t, *rest):\n        print('exit', t is None)\n"
            "        return self.n"
        ]
        for number in range(self.random.randint(1, 2)):
            self.in_function = 1 + self.random.randrange(2)
            self.put(0, f"def f{number}(a, b, c=3, d='d'):")
            if self.in_function == 2:
                self.put(1, "yield a")
            self.block(1, 3)
            self.put(1, "return a, b, c, d")
            call = f"f{number}({self.pick(LITERALS)}, {self.pick(LITERALS)})"
            self.put(0, "try:")
            self.put(1, f"print({f'list({call})' if self.in_function == 2 else call})")
            self.put(0, "except NameError:\n    print('NameError')")
            self.put(0, "except Exception as e:\n    print('left by', type(e).__name__)")
        self.in_function = 0
        return "\n".join(self.lines) + "\n"


def program(seed: int) -> str:
    """The program of a seed."""
    return Maker(seed).program()


def difference(source: str, players: list[Player]) -> str | None:
    """What differs, or None."""
    wanted = host_output(source)
    for player in players:
        found = player.output(source)
        if found != wanted:
            return f"--- CPython\n{wanted}--- run-time of {player.runtime.release.version}\n{found}"
    return None


def shrunk(source: str, players: list[Player]) -> str:
    """A smaller program that differs still: lines are left out as long as it goes."""
    lines = source.splitlines()
    size = max(1, len(lines) // 2)
    while size:
        at = 0
        while at < len(lines):
            if any(_COUNTS.match(line) for line in lines[at : at + size]):
                at += size  # without this the loop might not end
                continue
            shorter = "\n".join(lines[:at] + lines[at + size :]) + "\n"
            try:
                compile(shorter, "program", "exec")
                differs = difference(shorter, players) is not None
            except SyntaxError:
                differs = False
            if differs:
                lines[at : at + size] = []
            else:
                at += size
        size //= 2
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.emulator.generate_programs")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--show", action="store_true", help="print the first program and stop")
    options = parser.parse_args(argv)
    if options.show:
        print(program(options.seed))
        return 0
    players = [Player(release) for release in RELEASES]
    print(f"seed {options.seed}")
    for seed in range(options.seed, options.seed + options.count):
        source = program(seed)
        if difference(source, players) is not None:
            small = shrunk(source, players)
            print(f"seed {seed} differs:\n{small}{difference(small, players)}")
            return 1
    print(f"{options.count} programs print the same")
    return 0


if __name__ == "__main__":
    sys.exit(main())
