"""A locked heap refuses what a program makes; a full heap is an error where something is made."""

from __future__ import annotations

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.session import Session
from mpy_cross.loader.release import get

LOCKED = "memory allocation failed, heap is locked\n"
HEAD = """import micropython
class C:
    def m(self): pass
def f(x=None): return x
def g(): yield 1
c, t, l, b, z, s = C(), (1, 2), [1], bytearray(4), 2.5, 'abc'
n = 1 << 40
e = None
"""


def ran(statement: str, before: str = "", board: str = "pyboard") -> str:
    session = Session(board, "1.17", compiler_for(get("1.17")), heap=100 << 10)
    outcome = session.execute(
        HEAD + before + "\nmicropython.heap_lock()\ntry:\n"
        f"    {statement}\nexcept MemoryError as e:\n"
        "    micropython.heap_unlock()\n    print(e)\nelse:\n"
        "    micropython.heap_unlock()\n    print('made')\n",
        "app.py",
    )
    assert outcome is not None
    assert outcome.status == 0, outcome.text
    session.close()
    return session.console


ALLOCATE = [
    "[]", "{}", "{1}", "(f,)", "[x for x in t]", "z * 2", "n + 1", "s + 'd'", "c.m", "C()",
    "g()", "lambda: c", "l[:]", "range(f, 3) if 0 else range(3)", "l.extend(t)", "l += t",
    "bytearray(3)", "b.extend(b'12')", "memoryview(b)", "b'ab' * 3", "'%d' % 12345", "list(t)",
    "dict()", "set(t)", "l.copy()", "z + 1", "str(n)", "l[0:1] = t + t",
]


@pytest.mark.parametrize("statement", ALLOCATE)
def test_refused(statement: str) -> None:
    assert ran(statement) == LOCKED


HARMLESS = [
    "f()", "f(1) + 1", "c.m()", "t[1]", "l[0] = 5", "b[0] = 7", "c is None", "s[0]", "len(t)",
    "f('abc')", "f(t)", "f((1, 2))", "for x in t: pass", "z < 3", "n == 5", "'a' in s", "()",
    "True and 5", "f(z)", "f(n)", "globals", "isinstance(c, C)", "-5", "~7", "not l",
]


@pytest.mark.parametrize("statement", HARMLESS)
def test_needs_no_memory(statement: str) -> None:
    assert ran(statement) == "made\n"


def test_arguments_of_exceptions_take_the_emergency_buffer() -> None:
    show = "e = ValueError(1, 2)\n    micropython.heap_unlock()\n    print(e.args)\n" \
           "    micropython.heap_lock()"
    assert ran(show) == "()\nmade\n"
    assert ran(show, "micropython.alloc_emergency_exception_buf(100)") == "(1, 2)\nmade\n"


FULL = """l = []
try:
    while True:
        try:
            l.append(bytes(50))
            n = len(l)
        except MemoryError:
            l = None
            print('inner', n > 500)
            break
except MemoryError:
    print('outer')
l = []
for i in range(100000):
    try:
        l.append([i])
    except MemoryError:
        print(len(l) > 500)
        for i in range(300): print(end='')
        break
try:
    [bytes(50) for i in range(10000)]
except MemoryError:
    print('still')
"""


def test_full_heap_is_an_error_of_the_body_of_try() -> None:
    session = Session("pyboard", "1.17", compiler_for(get("1.17")), heap=100 << 10)
    outcome = session.execute(FULL, "app.py")
    assert outcome is not None
    assert (outcome.status, session.console) == (0, "inner True\nTrue\nstill\n")
    session.close()


NATIVE = [
    "(x,)", "[x]", "{x: x}", "{x}", "l[:]", "l.extend(t)", "l[0:1] = [1, 2, 3]", "t + t", "z * z",
    "n + 1", "memoryview(b'')", "d.items()", "list(t)", "C()", "t[x:2]", "s + 'd'",
    "c.m",
]
NOT_NEW = ["l", "l[0]", "t[1]", "d[1]", "x + 1", "len(l)", "f()", "l[0] = 7", "x is l"]


@pytest.mark.parametrize(
    ("statement", "printed"),
    [*[(each, LOCKED) for each in NATIVE], *[(each, "made\n") for each in NOT_NEW]],
)
def test_machine_code_makes_nothing_while_the_heap_is_locked(statement: str, printed: str) -> None:
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")
    session = Session("pyboard", "1.17", compiler_for(get("1.17"), "armv7emsp"), heap=100 << 10)
    outcome = session.execute(
        HEAD + "d = {1: [2]}\nx = 1\n"
        "@micropython.native\ndef body():\n    micropython.heap_lock()\n    try:\n"
        f"        {statement.replace('[1, 2, 3]', 'big')}\n"
        "    except MemoryError as e:\n        micropython.heap_unlock()\n        print(e)\n"
        "    else:\n        micropython.heap_unlock()\n        print('made')\n"
        "big = [1, 2, 3]\nbody()\nprint([], l)\n",
        "app.py",
    )
    assert outcome is not None
    assert outcome.status == 0, outcome.text
    session.close()
    assert session.console.startswith(printed)
    assert session.console.splitlines()[-1].startswith("[] [")


@pytest.mark.parametrize("emit", ["", "@micropython.native\n"])
def test_machine_code_fills_the_heap(emit: str) -> None:
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")
    session = Session("pyboard", "1.17", compiler_for(get("1.17"), "armv7emsp"), heap=64 << 10)
    outcome = session.execute(
        f"{emit}def fill():\n    lst, n = [], 0\n    while 1:\n        try:\n"
        "            lst = [lst]\n            n += 1\n        except MemoryError:\n"
        "            break\n    return n\n"
        "print(1000 < fill() < 9000)\nprint(1000 < fill() < 9000)\n",
        "app.py",
    )
    assert outcome is not None
    assert outcome.status == 0, outcome.text
    session.close()
    assert session.console == "True\nTrue\n"
