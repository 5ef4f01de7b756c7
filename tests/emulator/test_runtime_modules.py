"""Modules of the system: sys, gc, micropython, math, time, random, re, select, uasyncio."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from mpy_cross.emulator.runtime.modules import TABLE
from mpy_cross.emulator.runtime.modules.sys import mpy_word
from mpy_cross.emulator.runtime.modules.time import EPOCH, broken_down, ticks_diff
from mpy_cross.emulator.runtime.regex import Pattern
from mpy_cross.loader.release import get
from tests.emulator.running import Board, run
from tests.emulator.unix_runs import reference

DOCUMENTED = {
    "cmath": "cos exp log log10 phase polar rect sin sqrt e pi",
    "errno": "EAGAIN EEXIST EPERM EINVAL ENOENT ETIMEDOUT ENOMEM errorcode",
    "gc": "enable disable collect mem_alloc mem_free threshold",
    "math": "acos acosh asin asinh atan atan2 atanh ceil copysign cos cosh degrees erf erfc exp "
    "expm1 fabs floor fmod frexp gamma isfinite isinf isnan ldexp lgamma log log10 log2 modf pow "
    "radians sin sinh sqrt tan tanh trunc e pi isclose factorial",
    "micropython": "const opt_level alloc_emergency_exception_buf mem_info qstr_info stack_use "
    "heap_lock heap_unlock heap_locked kbd_intr schedule",
    "os": "uname urandom chdir getcwd ilistdir listdir mkdir remove rmdir rename stat statvfs sync "
    "dupterm mount umount",
    "random": "getrandbits randint randrange random uniform seed choice",
    "re": "compile match search sub DEBUG",
    "select": "poll select POLLIN POLLOUT POLLERR POLLHUP",
    "sys": "exit atexit print_exception argv byteorder implementation maxsize modules path "
    "platform stderr stdin stdout version version_info",
    "time": "gmtime localtime mktime sleep sleep_ms sleep_us ticks_ms ticks_us ticks_cpu ticks_add "
    "ticks_diff time time_ns",
    "uasyncio": "create_task current_task run sleep sleep_ms wait_for CancelledError TimeoutError "
    "wait_for_ms gather Task Event ThreadSafeFlag Lock open_connection start_server Stream "
    "StreamReader StreamWriter Server get_event_loop new_event_loop Loop",
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_documented_names_are_there(name: str) -> None:
    names = DOCUMENTED[name].split()
    for known in (name, f"u{name}"):
        if known == name or known in TABLE:
            program = f"import {known}\nprint([n for n in {names!r} if not hasattr({known}, n)])"
            assert run(program) == "[]\n"


# ------------------------------------------------------------------------------------------- sys


def test_sys() -> None:
    program = """
import sys
print(sys.implementation.name, sys.implementation[1], sys.version_info, sys.byteorder)
print(sys.maxsize, sys.version, sys.stdout.write("text"), sys.stdout.buffer.write(b"bytes"))
try:
    1 // 0
except Exception as e:
    sys.print_exception(e)
try:
    sys.exit(3)
except SystemExit as e:
    print(e.args)
print("to", file=sys.stderr)
"""
    assert run(program) == (
        "micropython (1, 17, 0) (3, 4, 0) little\ntextbytes2147483647 3.4.0 4 5\n"
        'Traceback (most recent call last):\n  File "main.py", line 6, in <module>\n'
        "ZeroDivisionError: divide by zero\n(3,)\nto\n"
    )


def test_implementation_mpy() -> None:
    # What the firmware of the pyboard and of the Pico shows.
    assert mpy_word(get("1.17"), "armv7emsp") == 7685
    assert mpy_word(get("1.17"), "armv6m") == 5637
    assert mpy_word(get("1.22"), "armv6m") & 0xFF == 6


def test_standard_input() -> None:
    board = Board()
    board.runtime.console.type("first\nsecond\nthi")
    program = """
import sys
print(input("? "))
print(sys.stdin.readline(), sys.stdin.read(2), sys.stdin.buffer.read())
try:
    input()
except EOFError:
    print("end")
"""
    assert board.run(program) == "? first\nsecond\n th b'i'\nend\n"


def test_atexit() -> None:
    program = "import sys\nprint(sys.atexit(lambda: print('bye')))\nprint('end')"
    assert run(program) == "None\nend\nbye\n"


# ----------------------------------------------------------------------------------- micropython


def test_mem_info_has_the_form_of_the_reference() -> None:
    text = run("import micropython\nb = bytearray(100)\nmicropython.mem_info(1)")
    lines = text.splitlines()
    assert re.fullmatch(r"stack: \d+ out of \d+", lines[0])
    assert re.fullmatch(r"GC: total: \d+, used: \d+, free: \d+", lines[1])
    assert re.fullmatch(
        r" No. of 1-blocks: \d+, 2-blocks: \d+, max blk sz: 7, max free sz: \d+", lines[2]
    )
    assert lines[3].startswith("GC memory layout; from ")
    assert "h======" in lines[4]
    total, used, free = map(int, re.findall(r"\d+", lines[1]))
    assert total == used + free


def test_qstr_info() -> None:
    lines = run("import micropython\nname_of_mine = 1\nmicropython.qstr_info(1)").splitlines()
    assert re.match(r"qstr pool: n_pool=1, n_qstr=\d+, n_str_data_bytes=\d+, n_total", lines[0])
    assert "Q(name_of_mine)" in lines


def test_schedule() -> None:
    program = """
import micropython, time
micropython.schedule(print, 1)
time.sleep_ms(1)
print("slept")
def outer(x):
    try:
        for i in range(20):
            micropython.schedule(print, i)
    except RuntimeError as e:
        print(e)
micropython.schedule(outer, 0)
time.sleep_ms(1)
"""
    text = run(program)
    assert text.startswith("1\nslept\nschedule queue full\n0\n1\n2\n3\n")


def test_levels_of_optimisation() -> None:
    program = """
import micropython
for level in range(4):
    micropython.opt_level(level)
    try:
        exec("assert 0\\nprint(__debug__)")
    except AssertionError:
        print("assert")
print(micropython.opt_level())
"""
    assert run(program) == "assert\nFalse\nFalse\nFalse\n3\n"


def test_locked_heap() -> None:
    program = """
import micropython
micropython.heap_lock()
micropython.heap_lock()
try:
    bytearray(100)
except MemoryError as e:
    print(e)
print(micropython.heap_locked(), micropython.heap_unlock(), micropython.heap_unlock())
print(len(bytearray(100)))
"""
    text = run(program).splitlines()
    assert text[0].startswith("memory allocation failed, heap is locked")
    assert text[1:] == ["2 1 0", "100"]


# ------------------------------------------------------------------------------------------ time


@pytest.mark.parametrize(
    ("end", "start", "difference"),
    [
        (5, 3, 2),
        (3, 5, -2),
        (0, (1 << 30) - 1, 1),
        (1 << 29, 0, -(1 << 29)),
        (0, 1 << 29, -1 << 29),
    ],
)
def test_ticks_diff(end: int, start: int, difference: int) -> None:
    assert ticks_diff(end, start) == difference


def test_calendar() -> None:
    assert broken_down(0) == (2000, 1, 1, 0, 0, 0, 5, 1)
    numbers = random.Random(1)
    for _ in range(200):
        seconds = numbers.randrange(4_000_000_000 - EPOCH)
        program = f"import time\nt = time.localtime({seconds})\nprint(time.mktime(t) == {seconds})"
        if _ < 5:
            assert run(program) == "True\n"
        year, month, day, *_rest = broken_down(seconds)
        assert 2000 <= year <= 2096 and 1 <= month <= 12 and 1 <= day <= 31


def test_sleeping_takes_virtual_time() -> None:
    program = """
import time
print(time.ticks_ms(), time.time())
time.sleep(100)
time.sleep_ms(5)
time.sleep_us(7)
time.sleep(-1)
time.sleep_ms(-1)
print(time.ticks_ms(), time.ticks_us(), time.time(), time.time_ns())
print(time.ticks_add(5, -10), time.ticks_diff(time.ticks_add(0, -1), 0))
"""
    expected = "0 0\n100005 100005007 100 100005007000\n1073741819 -1\n"
    assert run(program) == expected


# ---------------------------------------------------------------------------------------- random


@pytest.mark.spec("J58")
def test_getrandbits_gives_32_bits_at_most() -> None:
    text = run("import random\nprint(random.getrandbits(32) >= 0)\nrandom.getrandbits(64)")
    assert text.startswith("True\nTraceback")
    assert text.endswith("ValueError: bits must be 32 or less\n")


@pytest.mark.spec("J59")
def test_randint_is_limited_to_machine_words() -> None:
    text = run("import random\nrandom.randint(2 ** 128 - 1, 2 ** 128)")
    assert text.endswith("OverflowError: overflow converting long int to machine word\n")


RANDOM = """
import random
random.seed(12345)
print([random.getrandbits(32) for _ in range(20)], [random.getrandbits(n) for n in range(33)])
print([random.randrange(1000) for _ in range(20)], [random.randint(-5, 5) for _ in range(20)])
print([random.randrange(10, 1000, 7) for _ in range(9)], random.randrange(100, 0, -9))
print([random.choice("abcdef") for _ in range(9)], [int(random.random() * 1e9) for _ in range(9)])
print([int(random.uniform(-5, 5) * 1e6) for _ in range(9)])
"""


def test_random_numbers_are_those_of_the_reference(tmp_path: Path) -> None:
    assert run(RANDOM) == reference(RANDOM, tmp_path)


# -------------------------------------------------------------------------------------------- re

PATTERNS = [
    ("a|b|c", "xxc"), ("(a|b)*c", "ababc"), ("[^a-c]+", "abcxyz"), ("a.c", "a\nc"),
    (r"\d+\s\w", "12 x"), ("a{2}", "aa a{2}"), ("(?:ab)+", "ababx"), ("x*?y", "xxy"),
    ("(a)|b", "b"), ("^ab$", "ab"), ("^ab$", "abc"), ("a??b", "ab"), ("[a-]", "-"), ("[]a]", "a"),
    ("(a+)(b*)?c", "aac"), (r"\.", "a.b"), (r"[\]]", "]"), ("(((a)))", "a"), ("a|", "b"),
    ("(a|ab)(c|bcd)(d*)", "abcd"), (r"\W\S\D", "a!bc"), ("[a-c-e]+", "a-e"), ("a+?", "aaa"),
    (r"\n", "n\n"), ("[^]", "x"), ("x(?:a|b)?y", "xyxay"), ("(a)(?:b)(c)", "abc"),
    ("", "abc"), ("$", "abc"), ("a$|b", "ab"), (r"\\", "\\"), ("()a", "a"),
    ("(a*)b", "aab"), ("(x)?(y)?z", "yz"), ("a" * 20, "a" * 30), (".*b.*c", "xbxxcx"),
    ("(", ""), (")", ""), ("*", ""), ("a**", ""), ("a|*", ""), ("[a", ""), ("\\", ""),
    ("(?P<x>a)", "a"), ("^*", ""), ("(?:)*", ""), ("a+*", ""), ("(" + "a" * 70 + ")*", ""),
    ("[" + "a" * 128 + "]", ""),
]  # fmt: skip


def test_patterns_match_as_in_the_reference(tmp_path: Path) -> None:
    program = (
        f"import re\nfor p, s in {PATTERNS!r}:\n"
        + """
    for function in (re.match, re.search):
        try:
            m = function(p, s)
        except ValueError as e:
            print(p[:9], "ValueError")
            continue
        found = []
        if m:
            try:
                for i in range(5):
                    found.append(m.group(i))
            except IndexError as e:
                found.append(e.args)
        print(p, found)
print(re.compile("[,;]").split("a,b;c,,d"), re.compile("[,;]").split("a,b;c", 1))
print(re.match(b"a", b"ab").group(0), re.match("a", "ab"))
"""
    )
    assert run(program) == reference(program, tmp_path)


def test_groups_and_places() -> None:
    program = r"""
import re
m = re.search("(b)(x)?(c+)", "abcc")
print(m.groups(), m.span(), m.start(3), m.end(3), m.span(2), m.group(2))
print(re.sub("(a)(b)", r"\2\g<1>\\", "abcab"), re.sub("a", lambda m: m.group(0) * 2, "banana", 2))
print(re.sub("x*", "-", "abc"), re.sub("z", "-", b"abc"), re.search("\u00e4", "x\u00e4y").span())
print(re.search("[\\d]", "5d").span())
for call in (lambda: re.sub("a", r"\3", "a"), lambda: m.group(4), lambda: m.start(-1),
             lambda: re.compile("(,)").split("a,b"), lambda: re.match(1, "a")):
    try:
        call()
    except Exception as e:
        print(type(e).__name__, e)
"""
    assert run(program) == (
        "('b', None, 'cc') (1, 4) 2 4 (-1, -1) None\n"
        "ba\\cba\\ baanaana\nabc b'abc' (1, 3)\n(1, 2)\n"
        "IndexError 3\nIndexError 4\nIndexError -1\n"
        "NotImplementedError splitting with sub-captures\n"
        "TypeError can't convert 'int' object to str implicitly\n"
    )


def test_listing_of_a_pattern() -> None:
    text = Pattern(rb"^a|b[0-9]\w$").listing().splitlines()
    assert text[:4] == [" 0: rsplit 5 (3)", " 2: any", " 3: jmp 0 (-5)", " 5: save 0"]
    assert text[7:] == [
        "12: jmp 23 (9)", "14: char b", "16: class 1 0x30-0x39", "20: namedclass w",
        "22: assert eol", "23: save 1", "25: match", "Bytes: 26, insts: 14",
    ]  # fmt: skip


def test_a_loop_over_nothing_overflows_the_stack() -> None:
    text = run("import re\nre.match('(a*)*', 'aaa')")
    assert text.endswith("RuntimeError: maximum recursion depth exceeded\n")


# ---------------------------------------------------------------------------------------- select


def test_poll() -> None:
    board = Board()
    board.runtime.console.type("x")
    program = """
import select, sys, time
p = select.poll()
p.register(sys.stdin, select.POLLIN)
p.register(sys.stdout, select.POLLOUT)
print([(s is sys.stdin, e) for s, e in p.poll()])
sys.stdin.read(1)
p.modify(sys.stdout, select.POLLIN)
start = time.ticks_ms()
print(p.poll(50), time.ticks_ms() - start)
p.unregister(sys.stdout)
try:
    p.modify(sys.stdout, 1)
except OSError as e:
    print(e.errno)
try:
    p.register(5)
except OSError as e:
    print(e)
print(select.select([sys.stdin], [sys.stdout], [], 0)[0:2] == ([], [sys.stdout]))
"""
    expected = "[(True, 1), (False, 4)]\n[] 50\n2\nstream operation not supported\nTrue\n"
    assert board.run(program) == expected


# -------------------------------------------------------------------------------------- uasyncio


def test_tasks_run_by_time() -> None:
    program = """
import uasyncio as asyncio, time
def now():
    return time.ticks_ms() // 5 * 5  # the program itself takes some time too
async def work(name, ms):
    for i in range(3):
        await asyncio.sleep_ms(ms)
        print(name, now())
    return name
async def main():
    print(await asyncio.gather(work("a", 10), work("b", 15)))
    try:
        await asyncio.wait_for_ms(work("c", 100), 50)
    except asyncio.TimeoutError:
        print("timeout", now())
    lock, event = asyncio.Lock(), asyncio.Event()
    async def holder():
        async with lock:
            await event.wait()
            print("held")
    t = asyncio.create_task(holder())
    await asyncio.sleep_ms(1)
    print(lock.locked())
    event.set()
    async with lock:
        print("mine", t.done())
asyncio.run(main())
"""
    assert run(program) == (
        "a 10\nb 15\na 20\nb 30\na 30\nb 45\n['a', 'b']\ntimeout 95\nTrue\nheld\nmine True\n"
    )


def test_streams_of_tasks() -> None:
    board = Board()
    board.runtime.console.type("one\ntwo\n")
    program = """
import uasyncio as asyncio, sys
async def main():
    reader = asyncio.StreamReader(sys.stdin.buffer)
    print(await reader.readline(), await reader.readexactly(2))
    writer = asyncio.StreamWriter(sys.stdout.buffer)
    writer.write(b"written\\n")
    await writer.drain()
asyncio.run(main())
"""
    assert board.run(program) == "b'one\\n' b'tw'\nwritten\n"
