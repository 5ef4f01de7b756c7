"""What programs do to a board: endless recursion, a full heap, time that runs out."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime.memory import measure
from mpy_cross.emulator.session import EXIT_TIME, Outcome, Session, SessionError
from mpy_cross.loader.release import get

HEAP = 100 << 10


def session(board: str = "pyboard", heap: int | None = HEAP) -> Session:
    return Session(board, "1.17", compiler_for(get("1.17")), heap=heap)


@pytest.fixture
def board() -> Iterator[Session]:
    made = session()
    yield made
    made.close()


def ran(board: Session, source: str) -> Outcome:
    outcome = board.execute(source, "app.py")
    assert outcome is not None
    return outcome


RECURSIONS = {
    "function": "def f():\n    return f() + 1\nf()",
    "two functions": "def f(): g()\ndef g(): f()\nf()",
    "getattr": "class C:\n    def __getattr__(self, n): return self.x\nC().x",
    "operator": "class C:\n    def __add__(self, o): return self + o\nC() + 1",
    "key": "def f(x): sorted([1, 2], key=f)\nf(1)",
    "repr": "class C:\n    def __repr__(self): return repr(self)\nrepr(C())",
    "generator": "def g():\n    yield from g()\nlist(g())",
    "init": "class C:\n    def __init__(self): C()\nC()",
}


@pytest.mark.parametrize("source", RECURSIONS.values(), ids=RECURSIONS)
def test_endless_recursion(source: str, board: Session) -> None:
    outcome = ran(board, source)
    assert outcome.status == 1
    assert outcome.text.endswith("RuntimeError: maximum recursion depth exceeded\n")


def test_program_goes_on_after_recursion(board: Session) -> None:
    source = RECURSIONS["function"].replace("\nf()", "")
    ran(board, source + "\ntry:\n    f()\nexcept RuntimeError as e:\n    print(e)\nprint(2)")
    assert board.console == "maximum recursion depth exceeded\n2\n"


FILLING = {
    "lists": "l = []\nwhile True: l.append([1] * 100)",
    "small ints": "l = []\nwhile True: l.append(0)",
    "floats": "l = []\nwhile True: l.append(1.5 * len(l))",
    "strings": "l = []\nwhile True: l.append('%d' % len(l))",
    "dict": "d = {}\nwhile True: d[len(d)] = None",
    "set": "d = set()\nwhile True: d.add(len(d))",
    "objects": "class C:\n    pass\nl = []\nwhile True:\n    c = C()\n    c.x = l\n    l.append(c)",
    "bytearrays": "l = []\nwhile True: l.append(bytearray(1000))",
    "chain": "l = None\nwhile True: l = (l, 1)",
    "closures": "def f(x): return lambda: x\nl = None\nwhile True: l = f(l)",
    "local variable": "def f():\n    l = []\n    while True: l.append(0)\nf()",
    "comprehension": "[i for i in range(10 ** 9)]",
    "generator": "def g():\n    n = 0\n    while True:\n        yield n\n        n += 1\nlist(g())",
    "doubling text": "s = 'ab'\nwhile True: s += s",
    "big integer": "n = 3\nwhile True: n *= n",
}


@pytest.mark.parametrize("source", FILLING.values(), ids=FILLING)
def test_full_heap(source: str, board: Session) -> None:
    board.limit(60 * 10**9)
    outcome = ran(board, source)
    assert outcome.status == 1, outcome
    assert "MemoryError: memory allocation failed" in outcome.text


def test_heap_holds_what_a_board_holds(board: Session) -> None:
    """100 KiB take about 240 lists of 100 items: 16 bytes and 400."""
    ran(board, "l = []\ntry:\n    while True: l.append([1] * 100)\nexcept MemoryError:\n"
               "    print(len(l))")
    assert 230 <= int(board.console) <= 246


def test_larger_heap_holds_more() -> None:
    found = []
    for heap in (64 << 10, 128 << 10):
        board = session("pico", heap)
        ran(board, "l = []\ntry:\n    while True: l.append(0)\nexcept MemoryError:\n"
                   "    print(len(l))")
        found.append(int(board.console))
    assert 12_000 < found[0] < 20_000
    assert 1.7 < found[1] / found[0] < 2.3


def test_garbage_does_not_count(board: Session) -> None:
    outcome = ran(board, "for i in range(20000):\n    l = [i] * 100\nprint('done')")
    assert (outcome.status, board.console) == (0, "done\n")


BIG = [
    "b'x' * 10 ** 9", "[0] * n", "'a' * n", "n * (1, 2)", "list(range(n))", "tuple(range(n))",
    "set(range(n))", "sorted(range(n))", "max(*range(n))", "bytes(n)", "bytearray(n)", "1 << n",
    "3 ** n", "[].extend(range(n))",
]


@pytest.mark.parametrize("expression", BIG)
def test_big_allocation(expression: str, board: Session) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ran(board, f"n = 10 ** 9\ntry:\n    {expression}\nexcept MemoryError as e:\n    print(e)")
    assert board.console.startswith("memory allocation failed")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB


# Endless for a host that lets no virtual time pass in its own loops.
ENDLESS = [
    "sum(range(n))", "all(range(1, n))", "any(map(lambda x: 0, range(n)))", "max(range(n))",
    "min(map(abs, range(n)))", "-1 in map(abs, range(n))", "5.5 in range(n)",
    "-1 in reversed(range(n))", "next(filter(None, map(callable, range(n))))",
    "list(filter(None, map(lambda x: 0, range(n))))", "sum(C())", "any(C())", "-1 in zip(C(), C())",
    "bytes(x & 1 for x in range(n))", "[x for x in filter(abs, C())]",
]


@pytest.mark.parametrize("expression", ENDLESS)
def test_endless_loop_of_a_builtin(expression: str, board: Session) -> None:
    board.limit(10**9)
    outcome = ran(
        board,
        "class C:\n    def __iter__(self): return self\n    def __next__(self): return 0\n"
        f"n = 10 ** 12\n{expression}\n",
    )
    assert outcome.status == EXIT_TIME, outcome


GREEDY = [
    "list(map(abs, range(n)))", "set(map(abs, range(n)))", "{}.fromkeys(range(n))",
    "dict(zip(range(n), range(n)))", "''.join(map(str, range(n)))", "{1}.union(range(n))",
    "(lambda *a: a)(*map(abs, range(n)))", "sorted(map(abs, range(n)))", "list(C())",
    "[].extend(C())", "a, *b = range(n)", "a, *b = C()", "2 ** n", "1 << n", "7 ** 10 ** 7",
    "('a' * 50000).replace('a', 'b' * 50000)", "'x'.join(['a' * 10000] * 10000)",
    "'a'.center(10 ** 9)", "'%1000000000d' % 1", "'%*d' % (10 ** 9, 1)", "b'x' * n",
    "'{:1000000000}'.format(1)", "(1).to_bytes(10 ** 9, 'little')", "round(5, -10 ** 9)",
    "sum([[0] * 1000] * 10000, [])", "x = 1 << 300000; x = x * x * x * x", "'x' * n",
    "bytearray(map(abs, C()))",
]


@pytest.mark.parametrize("statement", GREEDY)
def test_more_than_the_heap(statement: str, board: Session) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    board.limit(60 * 10**9)
    outcome = ran(
        board,
        "class C:\n    def __iter__(self): return self\n    def __next__(self): return 0\n"
        f"n = 10 ** 12\n{statement}\n",
    )
    assert "MemoryError: memory allocation failed" in outcome.text
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB


def test_in_of_ranges(board: Session) -> None:
    ran(board, "r = range(3, 10, 2)\nprint([x in r for x in (3, 4, 5.0, 9, 11, 'a', True, None)])")
    assert board.console == "[True, False, True, True, False, False, False, False]\n"


def test_repeating_in_place(board: Session) -> None:
    ran(board, "l = [0]\ntry:\n    l *= 10 ** 9\nexcept MemoryError:\n    print(len(l))")
    assert board.console == "1\n"


def test_heap_must_fit() -> None:
    with pytest.raises(SessionError, match="pico has 270336 bytes of RAM, so 1024 to 262144"):
        session("pico", 1 << 20)


def test_sizes_of_objects() -> None:
    """Blocks of 16 bytes with words of 4 (manual 4.4.2)."""
    sizes = [
        ([1, 2], 32), ([], 32), ((), 0), ((1, 2), 16), ((1, 2, 3), 32), (1.5, 16), (7, 0),
        (1 << 40, 32), ("", 0), ("hello", 32), ("x" * 20, 48), (b"abc", 32), (None, 0), (True, 0),
    ]
    assert [(value, measure([value])[0]) for value, _ in sizes] == sizes


def test_shared_objects_count_once() -> None:
    item = [1]
    assert measure([[item, item]]) == (64, 2)


def test_time_passes_the_same_on_every_run() -> None:
    source = "n = 0\nfor i in range(100000):\n    n += i\n"
    times = []
    for _ in range(2):
        board = session()
        ran(board, source)
        times.append(board.now)
    assert times[0] == times[1] > 10**6


def test_hashes_and_addresses_are_the_boards() -> None:
    """Hashes of strings are those of MicroPython; addresses do not depend on the host."""
    source = (
        "print(hash('a'), hash(b'ab'), hash(''), hash('hello' * 100), hash(3), hash(-1))\n"
        "class C: pass\na, b = C(), C()\nprint(a, b, id(a) == id(a) != id(b))\n"
        "print(hash(('a', 1)) == hash(('a', 1)))\n"
    )
    consoles = []
    for _ in range(2):
        board = session()
        ran(board, source)
        consoles.append(board.console)
    assert consoles[0] == consoles[1]
    lines = consoles[0].splitlines()
    assert lines[0] == "46532 28198 5381 30341 3 -1"
    assert lines[1] == "<C object at 20008000> <C object at 20008010> True"
    assert lines[2] == "True"


def test_faster_core_is_faster() -> None:
    times = []
    for name in ("pyboard", "pico"):
        board = session(name)
        ran(board, "for i in range(100000): pass")
        times.append(board.now)
    assert times[0] < times[1]


def test_scheduled_functions_run_in_order(board: Session) -> None:
    ran(board, "out = []\ndef f(x): out.append(x)\ndef again(x):\n    out.append(x)\n")
    names = board.main_module().__dict__
    for number in range(8):  # MICROPY_SCHEDULER_DEPTH of both boards
        board.scheduler.schedule(names["f"], number)
    with pytest.raises(RuntimeError, match="schedule queue full"):
        board.scheduler.schedule(names["f"], 8)
    ran(board, "for i in range(2000): pass\nprint(out)")
    assert board.console == "[0, 1, 2, 3, 4, 5, 6, 7]\n"


def test_interrupts_of_the_clock(board: Session) -> None:
    ran(board, "ticks = 0\ndef tick(x):\n    global ticks\n    ticks += 1\n")
    names = board.main_module().__dict__

    def alarm() -> None:
        board.scheduler.interrupt("timer", names["tick"], None)
        board.machine.clock.after(1_000_000, alarm)

    board.machine.clock.after(1_000_000, alarm)
    board.advance(10_500_000)
    assert names["ticks"] == 10
    start = board.now
    ran(board, "while ticks < 20: pass")
    assert names["ticks"] == 20
    assert 9_000_000 < board.now - start < 11_000_000


def test_error_in_a_callback_is_printed(board: Session) -> None:
    ran(board, "def f(x):\n    1 // x\n")
    board.scheduler.schedule(board.main_module().__dict__["f"], 0)
    outcome = ran(board, "for i in range(2000): pass\nprint('on')")
    assert outcome.status == 0
    assert board.console.endswith("ZeroDivisionError: divide by zero\non\n")


def test_waiting_for_nothing(board: Session) -> None:
    board.start(lambda: board.scheduler.wait(lambda: False))
    outcome = board.go()
    assert outcome is not None
    assert outcome.status == 123
    assert "nothing can bring about" in outcome.text


def test_two_boards_side_by_side() -> None:
    first, second = session("pyboard"), session("pico")
    first.start(lambda: first._execute("n = 0\nwhile True:\n    n += 1\n", "a"))
    second.start(lambda: second._execute("n = 0\nwhile True:\n    n += 1\n", "b"))
    counts = []
    for board in (first, second, first, second):
        assert board.go(board.now + 10_000_000) is None
        counts.append(board.main_module().__dict__["n"])
    assert 0 < counts[0] < counts[2]
    assert 0 < counts[1] < counts[3]
    first.close()
    second.close()
    assert not first.running
