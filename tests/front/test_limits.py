"""Deep, long and broken input: a tree or a clear error, within a bounded time."""

from __future__ import annotations

import random
import sys

import pytest

from mpy_cross.errors import CompileError
from tests.front.forms import error, tree

N = 10_000
DEEP = {
    "parentheses": b"x = " + b"(" * N + b"y" + b")" * N,
    "lists": b"x = " + b"[" * N + b"y" + b"]" * N,
    "calls": b"x = " + b"f(" * N + b")" * N,
    "subscripts": b"x = " + b"a[" * N + b"1" + b"]" * N,
    "signs": b"x = " + b"-" * N + b"y",
    "nots": b"x = " + b"not " * N + b"y",
    "lambdas": b"x = " + b"lambda: " * N + b"y",
    "powers": b"x = y" + b" ** y" * N,
    "conditionals": b"x = " + b"y if y else " * N + b"y",
    "attributes": b"x = y" + b".y" * N,
    "sums": b"x = y" + b" + y" * N,
    "clauses": b"x = [y" + b" for y in z" * 2000 + b"]",
    "branches": b"if x: y\n" + b"elif x: y\n" * 2000,
    "blocks": b"".join(b" " * i + b"if x:\n" for i in range(2000)) + b" " * 2000 + b"y\n",
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_input_is_parsed(name: str) -> None:
    limit = sys.getrecursionlimit()
    tree(DEEP[name])
    assert sys.getrecursionlimit() == limit


def test_open_brackets_are_an_error() -> None:
    assert error(b"x = " + b"(" * N, "1.17") == "2 SyntaxError: invalid syntax"


LONG = {
    "string": b"x = '" + b"a" * 1_000_000 + b"'",
    "joined strings": b"x = (" + b"'abc'\n" * 100_000 + b")",
    "decimal": b"x = " + b"7" * 100_000,
    "hexadecimal": b"x = 0x" + b"f" * 100_000,
    "f-strings": b"x = f'{a}' + f\"{b['c']}\"\n" * 2_000,
    "newlines": b"\n" * 1_000_000,
    "comment": b"#" * 1_000_000,
    "blanks": b" " * 1_000_000,
    "continuations": b"\\\n" * 1_000_000 + b"x",
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("release", ["1.17", "1.29"])
def test_long_input(name: str, release: str) -> None:
    assert error(LONG[name], release) == "accepted"


def test_many_comments_in_f_strings() -> None:
    # The comment hides part of what the lexer feeds back, so that the source has to close it.
    assert error(b"x = f'{a#}'\n)\n" * 20_000, "1.17") == "accepted"
    assert error(b"x = f'{a#}'\n))\n" * 20_000, "1.29") == "accepted"


@pytest.mark.parametrize("seed", range(4))
def test_noise_never_gets_past_a_compile_error(seed: int) -> None:
    rnd = random.Random(seed)
    pieces = [b"f'", b"'", b'"""', b"{", b"}", b"(", b")", b"\n", b"\n ", b"\\", b"#", b"x", b" ",
              b"0x", b"1e", b"t'", b"rb'", b":", b"=", b"if ", b"lambda ", b"\xff", b"\0", b"\t",
              b"const(", b"!r", b",", b".", b"\\N"]  # fmt: skip
    for _ in range(300):
        source = b"".join(rnd.choice(pieces) for _ in range(rnd.randrange(40)))
        for release in ("1.12", "1.17", "1.24", "1.29"):
            try:
                tree(source, release)
            except CompileError as found:
                assert found.kind.endswith("Error")
