"""The matcher that polls finds what the host's finds, and ends where the host's would not."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime import support
from mpy_cross.emulator.runtime.regex import Pattern
from mpy_cross.emulator.runtime.regex_steps import executed
from mpy_cross.emulator.session import EXIT_TIME, Session
from mpy_cross.loader.release import get

POLLS = 100


class TooLong(Exception):
    """A loop that consumes nothing; the reference hangs there."""


@pytest.fixture
def polls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    seen: list[int] = []

    def poll(count: int) -> None:
        seen.append(count)
        if len(seen) > POLLS:
            raise TooLong

    monkeypatch.setitem(support.BUILTINS, "poll\u00b7", poll)
    yield seen


def pattern(source: random.Random, depth: int) -> str:
    kind = source.randrange(9)
    if depth <= 0 or kind < 3:
        return source.choice(["a", "b", ".", "[ab]", "[^a]", "\\w", "\\D", "^", "$", "c"])
    if kind == 3:
        return f"({pattern(source, depth - 1)})"
    if kind == 4:
        return f"({pattern(source, depth - 1)}|{pattern(source, depth - 1)})"
    if kind == 5:
        return f"(?:{pattern(source, depth - 1)})"
    if kind == 6:
        repeat = source.choice(["*", "+", "?", "*?", "+?", "??"])
        return f"({pattern(source, depth - 1)}){repeat}"
    return pattern(source, depth - 1) + pattern(source, depth - 1)


def test_random_patterns(polls: list[int]) -> None:
    source = random.Random(7)
    compared = 0
    for _ in range(1500):
        try:
            made = Pattern(pattern(source, 4).encode())
        except ValueError:
            continue  # too large
        data = "".join([source.choice("abc1") for _ in range(source.randrange(9))]).encode()
        if made.endless:
            continue
        for anchored in (True, False):
            polls.clear()
            try:
                found = executed(made.code, made.groups, data, anchored)
            except (RuntimeError, TooLong):
                continue
            host = made.host.match(data) if anchored else made.host.search(data)
            numbers = range(made.groups + 1)
            wanted = None if host is None else [host.span(number) for number in numbers]
            assert (None if found is None else found.spans) == wanted, (made.host, data)
            compared += 1
    assert compared > 2000


@pytest.mark.parametrize(
    "call",
    [
        "match('(a|a)*b', 'a' * 40)",
        "search('(a+)+b', 'a' * 60)",
        "match('(.*)(.*)(.*)(.*)(.*)x', 'a' * 2000)",
    ],
)
def test_slow_patterns_end_in_time(call: str) -> None:
    board = Session("pyboard", "1.17", compiler_for(get("1.17")))
    board.limit(10**9)
    outcome = board.execute(f"import ure\nure.{call}", "app.py")
    assert outcome is not None
    assert outcome.status == EXIT_TIME
    board.close()


def test_nested_repetition_still_matches() -> None:
    board = Session("pyboard", "1.17", compiler_for(get("1.17")))
    board.execute(
        "import ure\nm = ure.search('((a|b)+)+c', 'xx' + 'ab' * 10 + 'c')\n"
        "print(m.group(0), m.group(2), m.span(1), ure.sub('(a|b)*c', '-', 'abababababababcx'))\n",
        "app.py",
    )
    assert board.console == "ababababababababababc b (2, 22) -x\n"
    board.close()
