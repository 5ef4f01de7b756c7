"""Sets and their order, which is that of MicroPython's hash tables; hashes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.session import Session
from mpy_cross.loader.release import get
from tests.emulator.running import run
from tests.emulator.unix_runs import reference
from tests.oracle import unix_port

SHOWN = [
    # As stock firmware of PYBV11 1.17 prints it.
    ("{2, 3}, {1, 2}, {3, 100, 7, 12, 55, -1, 1 << 40}",
     "{2, 3} {2, 1} {7, 1099511627776, 100, 3, -1, 12, 55}"),
    ("{'a', 'b', 'c', 'foo', 'bar'}, set('hello world')",
     "{'b', 'bar', 'a', 'foo', 'c'} {'e', 'l', 'o', 'w', 'd', ' ', 'h', 'r'}"),
    ("{1} & {True}, {True} | {1}, frozenset([1, 2, 3]) & {2, 3}", "{True} {True} {2, 3}"),
    ("frozenset([1, 2, 3]) | {7}, frozenset([1, 2]) ^ {2, 3}, frozenset([1, 2]) - {2}",
     "frozenset({7, 1, 2, 3}) frozenset({3, 1}) frozenset({1})"),
    ("{1.5, 2.5, 0.1, 3.0}, {None, 0, 1, False}", "{0.1, 1.5, 2.5, 3.0} {0, 1, None}"),
    ("hash(1.5), hash(-2.25), hash(1e30), hash(True), hash(1 << 70), hash(-1), hash(1.5 + 2j)",
     "1 -2 -1 1 0 -1 3"),
    ("hash(None), hash((1, 2)) - hash(()), hash((1, 'a')) - hash(())", "6 3 46533"),
]
CHANGES = """s = set()
for i in range(20): s.add(i * 7)
print(s)
for i in range(0, 20, 3): s.discard(i * 7)
s.add(1000)
s.add(-5)
print(s, s.pop(), s.pop())
print(s.copy() | {0}, s - {28, 7}, s ^ {28, 3}, s & [28, 7, 1000] if 0 else s & {28, 7, 1000})
for x in s: s.discard(x)
print(s)
"""
AFTER = """{0, 70, 49, 119, 28, 98, 7, 77, 56, 126, 35, 105, 14, 84, 63, 133, 42, 112, 21, 91}
{119, 28, 98, 7, 77, -5, 56, 1000, 35, 14, 133, 112, 91} 70 49
"""


def test_pico_hashes_text_to_one_byte() -> None:
    """As stock firmware of RPI_PICO 1.28 prints it."""
    source = "print({'a', 'b', 'c', 'foo', 'bar'}, set('hello world'), hash('a'))"
    session = Session("pico", "1.28", compiler_for(get("1.28")))
    session.execute(source, "app.py")
    session.close()
    assert session.console == (
        "{'foo', 'a', 'bar', 'c', 'b'} {'e', 'l', 'o', 'w', 'd', 'h', ' ', 'r'} 196\n"
    )


@pytest.mark.parametrize(("source", "printed"), SHOWN)
def test_shown(source: str, printed: str) -> None:
    assert run(f"print({source})") == printed + "\n"


def test_order_after_changes() -> None:
    printed = run(CHANGES)
    assert printed.startswith(AFTER)
    assert printed.endswith("\nset()\n")


def test_a_set_may_change_while_it_is_iterated() -> None:
    source = (
        "s, n = set(range(3)), 0\n"
        "for x in s:\n    n += 1\n    if x < 40: s.add(x + 3)\nprint(n, len(s))\n"
    )
    assert run(source) == "43 43\n"


def program(seed: int) -> str:
    """Random operations on sets of small ints and text; prints each set as it is."""
    chosen = random.Random(seed)
    lines = ["a, b, c = set(), {1, 'x', 40}, frozenset(range(9))"]
    items = [str(chosen.randrange(200)) for _ in range(40)]
    items += [f"'{chosen.choice('abcdefgh') * chosen.randrange(1, 4)}'" for _ in range(20)]
    for _ in range(60):
        one, two = chosen.choice("ab"), chosen.choice("abc")
        some = ", ".join(chosen.sample(items, chosen.randrange(1, 9)))
        lines.append(
            chosen.choice(
                [
                    f"{one}.add({chosen.choice(items)})",
                    f"{one}.discard({chosen.choice(items)})",
                    f"{one}.update([{some}])",
                    f"{one}.difference_update([{some}])",
                    f"{one}.symmetric_difference_update([{some}])",
                    f"{one}.intersection_update(set({two}) | {{{some}}})",
                    f"{one} |= {two}",
                    f"{one} ^= {{{some}}}",
                    f"{one} -= {{{some}}}",
                    f"{one} &= {{{some}}} | {two}",
                    f"{one} = {{{some}}}",
                    f"{one} = {one}.copy()",
                    f"{one} = {one}.union({two})",
                    f"{one} = set({two}).difference([{some}])",
                    f"if {one}: print({one}.pop())",
                    f"c = frozenset([{some}]) | {one}",
                    f"print([x for x in {one}], {one} & {two}, {one} - {two}, {one} ^ {two})",
                ]
            )
        )
        lines.append("print(a, b, c)")
    return "\n".join(lines) + "\n"


def test_random_programs_print_what_micropython_prints(tmp_path: Path) -> None:
    source = "\n".join(program(seed) for seed in range(30))
    wanted = reference(source, tmp_path)
    assert run(source, release=unix_port.RELEASE) == wanted
    assert len(wanted) > 30_000


def test_order_does_not_depend_on_the_host() -> None:
    source = (
        "class C: pass\n"
        "c = [C() for i in range(9)]\n"
        "print({'b', 'a', 'xyz', b'a', (1, 'a')}, frozenset('hello'))\n"
        "print([c.index(x) for x in set(c)], [x for x in {len, print, C, c[0].__init__}])\n"
    )
    seen = set()
    for seed in ("0", "1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "mpy_cross.emulator.cli", "run", "-c", source],
            capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed},
        )
        seen.add(done.stdout)
    assert len(seen) == 1


def test_equal_bound_methods_have_one_hash() -> None:
    source = (
        "class C:\n    def f(self): pass\nc = C()\n"
        "print(hash(c.f) == hash(c.f), len({c.f, c.f}), c.f in {c.f})"
    )
    assert run(source, release="1.28") == "True 1 True\n"
