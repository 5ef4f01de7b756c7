"""Machine code on whole boards: faults, time, and the same results as bytecode."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from mpy_cross.emulator.boards import board as find_board
from mpy_cross.emulator.cli import main
from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.session import EXIT_FAULT, Session
from mpy_cross.loader.release import get

BOARDS: Final = ("pyboard", "pico")
RELEASES: Final = ("1.17", "1.29")


@pytest.fixture(autouse=True)
def engine() -> None:
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")


# Faults: what is done, and what the report says of it.  The last part is the instruction.
FAULTS: Final = {
    "wild store": (
        "@micropython.viper\ndef f():\n    p = ptr32(0xdead0000)\n    p[0] = 1\n",
        r"write where nothing answers at 0xdead0000, pc=0x(\w{8}): str r\d, \[r\d, #0\]"),
    "wild load": (
        "@micropython.viper\ndef f() -> int:\n    p = ptr8(0xdead0003)\n    return p[0]\n",
        r"read where nothing answers at 0xdead0003, pc=0x(\w{8}): ldrb r\d, \[r\d, #0\]"),
    "undefined": (
        "@micropython.asm_thumb\ndef f():\n    nop()\n    data(2, 0xde05)\n",
        r"undefined instruction, pc=0x(\w{8}): udf #5"),
    "wild jump": (
        "@micropython.asm_thumb\ndef f():\n    movwt(r1, 0x51000001)\n    bx(r1)\n",
        r"execution where nothing answers at 0x51000000, pc=0x(51000000)"),
    "by the run-time": (
        "import machine\n@micropython.native\ndef f():\n"
        "    return machine.mem32[0xdead0000]\n",
        r"read where nothing answers at 0xdead0000, pc=0x(\w{8}): blx r\d"),
}


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("kind", FAULTS)
def test_faults_are_reported(kind: str, board: str, tmp_path: Path,
                             capsys: pytest.CaptureFixture[str]) -> None:
    source, pattern = FAULTS[kind]
    if kind == "wild jump" and board == "pico":  # no movwt on this core
        source = source.replace("movwt(r1, 0x51000001)", "mov(r1, 0x51)\n    mov(r2, 24)\n"
                                "    lsl(r1, r2)\n    add(r1, r1, 1)")
    program = tmp_path / "fault.py"
    program.write_text(source + "print('before')\ntry:\n    f()\nexcept Exception:\n"
                       "    print('handled')\nprint('after')\n")
    with pytest.raises(SystemExit) as ended:
        main(["run", "--board", board, str(program)], standalone_mode=True)
    out, err = capsys.readouterr()
    assert ended.value.code == EXIT_FAULT
    assert out == "before\n"
    found = re.search(pattern, err)
    assert found is not None, err
    registers = dict(re.findall(r"(\w+)=0x(\w{8})", err.partition("\n")[2]))
    assert {*(f"r{n}" for n in range(13)), "sp", "lr", "pc", "xpsr"} == set(registers)
    assert registers["pc"] == found[1]


# Time.

MIXED: Final = """
import time, machine
from machine import Pin, Timer
pin = Pin({pin!r}, Pin.OUT)
ticks = []
def tick(timer):
    ticks.append(time.ticks_us())
    pin(len(ticks) & 1)
timer = Timer(-1, mode=Timer.PERIODIC, period=3, callback=tick)
@micropython.viper
def spin(n: int) -> int:
    total = 0
    while n:
        total ^= n * 7
        n -= 1
    return total
@micropython.native
def halves(values):
    out = []
    for value in values:
        try:
            out.append(1000 // value)
        except ZeroDivisionError as error:
            out.append(repr(error))
    return out
@micropython.native
def numbers(n):
    for i in range(n):
        yield i * i
def plain(n):
    total = 0
    for i in range(n):
        total += spin(i) + sum(numbers(i % 7))
    return total
for step in range(12):
    print(step, plain(60), halves([step, 3, step - 4]), spin(20000), time.ticks_us())
    time.sleep_ms(1)
timer.deinit()
print(ticks)
"""
PINS: Final[dict[str, str | int]] = {"pyboard": "X1", "pico": 2}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("board", BOARDS)
def test_two_runs_are_the_same(board: str, release: str) -> None:
    results = []
    for _ in range(2):
        chosen = get(release)
        session = Session(board, chosen, compiler_for(chosen, find_board(board).arch), record=True)
        outcome = session.run_source(MIXED.format(pin=PINS[board]))
        assert outcome is not None and outcome.status == 0, outcome
        trace = [event.json() for event in session.machine.trace.events]
        core = session.runtime.native.core
        results.append((session.console, trace, session.now, core.instructions))
        session.close()
    assert results[0] == results[1]
    console, trace, now, instructions = results[0]
    assert console.count("\n") == 13 and len(trace) > 10 and instructions > 10_000
    assert len(eval(console.splitlines()[-1])) >= 5  # the timer went off
    assert now > 12_000_000


@pytest.mark.parametrize("board, register, high, low", [
    ("pyboard", 0x4002_0018, 1, 1 << 16), ("pico", 0xD000_001C, 4, 4),  # BSRR; GPIO_OUT_XOR
])
def test_edges_made_by_viper_have_their_own_times(board: str, register: int, high: int,
                                                  low: int) -> None:
    chosen = get("1.17")
    session = Session(board, chosen, compiler_for(chosen, find_board(board).arch), record=True)
    source = f"""
from machine import Pin
pin = Pin({PINS[board]!r}, Pin.OUT)
pin(0)
@micropython.viper
def toggle(n: int):
    register = ptr32({register})
    while n:
        register[0] = {high}
        register[0] = {low}
        n -= 1
toggle(6)
"""
    outcome = session.run_source(source)
    assert outcome is not None and outcome.status == 0, outcome
    edges = session.machine.trace.edges(session.machine.pin(PINS[board]).label)[-12:]
    assert [level for _, level in edges] == [1, 0] * 6
    highs = [edges[n + 1][0] - edges[n][0] for n in range(0, 12, 2)]
    periods = [edges[n + 2][0] - edges[n][0] for n in range(0, 10, 2)]
    assert min(highs) > 10 and max(highs) < 100  # some instructions
    assert max(periods) - min(periods) < 20 < min(periods)
    session.close()


# The same results.

INTS: Final = ("0, 0", "7, 3", "-7, 3", "7, -3", "-8, -3", "12345, 678", "-99999, 41", "1, 20")
FUNCTIONS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "arithmetic": ("(a: int, b: int) -> int:\n return a * 3 + b - (a - b) * 2\n", INTS),
    "bits": ("(a: int, b: int) -> int:\n return (a & b) | (a ^ 85) & b\n", INTS),
    "shifts": ("(a: int, b: int) -> int:\n return (a << (b & 7)) + (a >> (b & 15))\n", INTS),
    "division": ("(a: int, b: int) -> int:\n return a // (b | 1) * 100 + a % (b | 1)\n", INTS),
    "order": ("(a: int, b: int) -> int:\n n = 0\n if a < b:\n  n += 1\n if a <= b:\n  n += 2\n"
              " if a == b:\n  n += 4\n if a != b and not a > b:\n  n += 8\n return n\n", INTS),
    "loop": ("(a: int) -> int:\n total = 0\n for i in range(a):\n  if i == 7:\n   continue\n"
             "  if i > 30:\n   break\n  total += i * i\n return total\n",
             ("0", "1", "8", "100")),
    "gcd": ("(a: int, b: int) -> int:\n while b:\n  c = a % b\n  a = b\n  b = c\n return a\n",
            ("48, 36", "17, 5", "0, 4", "1 << 20, 1 << 12")),
    "buffers": ("(p: ptr8, q: ptr8, n: int) -> int:\n s = 0\n for i in range(n):\n"
                "  s += p[i] * 3 + q[i]\n  p[i] = i\n return s + p[n - 1]\n",
                ("bytearray(b'abcdef'), bytes([255, 0, 7]), 3",)),
    "objects": ("(a, b):\n return a + b\n",
                ("1, 2", "1.5, 2", "'a', 'b'", "[1], [2]", "(1,), ()", "1, 'b'", "None, 1",
                 "(1 << 30) - 1, 1", "-(1 << 30), -1", "True, True")),
    "subscripts": ("(a, b):\n return a[b]\n",
                   ("[1, 2], 1", "{'k': 5}, 'k'", "'xyz', -1", "[1], 5", "{}, 1", "5, 0")),
    "calls": ("(a, b):\n return sorted(a, key=b), len(a), max(a)\n",
              ("[3, -1, 2], None", "[3, -1, 2], abs", "[], None", "['b', 'a'], len")),
    "attributes": ("(a, b):\n return a.replace(b, 'x'), a.upper()\n",
                   ("'hello', 'l'", "'', 'a'", "5, 'a'")),
    "building": ("(a, b):\n x = [a, b]\n x.append((a, b))\n d = {a: b}\n"
                 " return x, d, a in d, b is a\n", ("1, 2", "'k', 'v'", "2.5, None")),
    "unpacking": ("(a):\n b, *c = a\n return c, b\n",
                  ("[1, 2, 3]", "'xy'", "[]", "range(4)", "7")),
    "recursion": ("(a, f):\n return a if a < 2 else f(a - 1, f) + f(a - 2, f)\n",
                  ("0, fib", "7, fib", "12, fib")),
}
KINDS: Final = ("bytecode", "native", "viper")
OBJECTS_ONLY: Final = {"recursion", "unpacking"}
"""These calculate with objects and constants, which viper does not."""


def agreement(kind: str) -> str:
    """A program that prints what all the functions give."""
    lines = ["def show(f, *args):", " try:", "  print(f(*args))", " except Exception as error:",
             "  print(type(error).__name__)",
             "def fib(a, f):", " return a if a < 2 else f(a - 1, f) + f(a - 2, f)"]
    for name, (text, cases) in FUNCTIONS.items():
        used = "native" if kind == "viper" and name in OBJECTS_ONLY else kind
        lines += [f"@micropython.{used}", f"def f{text}"]
        lines += [f"print({name!r}, end=' '); show(f, {case})" for case in cases]
    return "\n".join(lines) + "\n"


def test_bytecode_native_and_viper_agree_on_both_boards() -> None:
    results: dict[str, list[str]] = {}
    for board in BOARDS:
        for release in RELEASES:
            for kind in KINDS:
                chosen = get(release)
                session = Session(board, chosen, compiler_for(chosen, find_board(board).arch))
                outcome = session.run_source(agreement(kind))
                assert outcome is not None and outcome.status == 0, outcome
                results.setdefault(session.console, []).append(f"{kind} on {board}, {release}")
                session.close()
    texts = [text.splitlines() for text in results]
    differing = [lines for lines in zip(*texts, strict=True) if len(set(lines)) > 1]
    assert len(results) == 1, (list(results.values()), differing)
    lines = texts[0]
    assert len(lines) == sum(len(cases) for _, cases in FUNCTIONS.values())
    assert lines[:3] == ["arithmetic 0", "arithmetic 16", "arithmetic 2"]
    assert lines[-1] == "recursion 144"
