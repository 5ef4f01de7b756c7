"""Our prompt against that of MicroPython's unix port, key by key.

    python -m tests.oracle.prompt --count 100 --seed 7
    python -m tests.oracle.prompt --release 1.17 --binary ports/unix/micropython --count 100
    python -m tests.oracle.prompt --release 1.17 --binary ports/unix/micropython --record FILE

What differs by design is not typed: the unix port takes LF for CR, ends at Ctrl-D, remembers more
lines, moves by words, and before 1.27 has no raw REPL.
"""

from __future__ import annotations

import argparse
import os
import pty
import random
import re
import select
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.emulator.console import Console
from tests.oracle import unix_port

Steps = Sequence[bytes]

TEXTS = (
    "1+2", "x=5", "x", "for i in range(3):", "i", "if x:", "pass", "print(i)", "else:",
    "def f(a):", "return a", "f(3)", "'abc'", "(1,", "2)", "'''a", "b'''", "foo bar", "_",
    "import sy", "while 0:", "break", "   ", "\\", "#c [", "@", "try:", "except:", "class A:",
    "async", "'it\\'s", "{", "}", "(lambda: 0)()", "x y", "None", "...", "1;2", "print(1);print(2)",
    "1/0", "raise ValueError(x)", "xa=xb=1", "x[", "__", "f(", "\"a'b\"", "with x:", "'''",
    "\"\"\"", "'\\\\'", "global x", "yield", "A.", "A().", "zzz",
)
KEYS = (
    "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[F", "\x1b[3~", "\x1b[1~", "\x1b[4~",
    "\x1b[7~", "\x1b[8~", "\x1bOH", "\x1bOF", "\x05", "\x08", "\x7f", "\x06", "\x0b", "\x0e",
    "\x10", "\x15", "\x04", "\t", " ", "\x1bx", "\x1b[9~", "\x1b[1x", "\x07", "\xe9", "\x03",
)
SAMPLES: tuple[Steps, ...] = (
    (b"for i in range(30):\r", b"if i > 3:\r", b"break\r", b"\x7f", b"print(i)\r", b"\x7f", b"\r"),
    (b"for i in range(2):\r", b"print(i)\r", b"\r", b"\r", b"\r"),
    (b"1 + 2 + 3 + 4 + 5\r", b"x = _\r", b"x\r", b"None\r", b"_\r"),
    (b"abc\x1b[D\x1b[D", b"X", b"\x01", b"\x06", b"\x04", b"\x05", b"\x08", b"\x15", b"1\r"),
    (b"'one'\r", b"'two'\r", b"\x1b[A", b"\x1b[A", b"\x1b[A", b"\x1b[B", b"\x1b[B", b"\x1b[A\r"),
    (b"\x05", b"def foo():\r    print('a')\r\r    print('b')\rfoo()\r", b"\x04"),
    (b"\x05", b"3\rx=4\rx\r", b"\x04", b"\x05", b"1\x03"),
    (b"(1,\r", b"2)\r", b"'''a\r", b"b'''\r", b"x = \\\r", b"7\r", b"x\r"),
    (b"def f(a):\r", b"return a\r", b"\r\r\r", b"f(\r", b"3)\r", b"f\x0b(4)\r"),
    (b"class A:\r", b"def f(self):\r", b"1/0\r", b"\x7f\x7f\r", b"A().f()\r"),
    (b"if 1:\r", b"2\r", b"\x7felse:\r", b"3\r", b"\x04"),
    (b"foo bar\r", b"1/0\r", b"raise SyntaxError\r", b"undefined\r", b"  1\r", b"x = \r"),
    (b"first=1;fist=2\r", b"fi\t", b"\t", b"r\t\r", b"\x1b[A\x01\x1b[C\t", b"\x03"),
    (b"print('a'", b"\x03", b"if 1:\r", b"\x03", b"'it\\'s'\r", b"\"\\\"\r"),
    (b"import sys\r", b"sys.ver\t", b"\t", b"_info[0]\r"),
)


def _drained(terminal: int, quiet: float) -> tuple[bytes, bool]:
    """What comes until nothing does for `quiet` seconds, and whether the end has come."""
    seen = b""
    while select.select([terminal], [], [], quiet)[0]:
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:
            return seen, True
        if not data:
            return seen, True
        seen += data
    return seen, False


def theirs(command: Sequence[str], steps: Steps, expected: Sequence[bytes]) -> list[bytes]:
    """What the unix port shows after each step, up to the first that is not as expected.

    `expected` tells how long to wait; the terminal's own CR is taken out.
    """
    process, terminal = pty.fork()
    if process == 0:
        os.environ["HOME"] = "/nonexistent"  # where it keeps its history
        os.execvp(command[0], list(command))
    seen: list[bytes] = []
    try:
        banner, limit = b"", time.monotonic() + 10
        while b">>> " not in banner and time.monotonic() < limit:
            banner += _drained(terminal, 0.05)[0]
        for step, wanted in zip(steps, expected, strict=True):
            os.write(terminal, step)
            shown, limit, ended = b"", time.monotonic() + 2, False
            while not ended and len(shown) < len(wanted) and time.monotonic() < limit:
                more, ended = _drained(terminal, 0.05)
                shown = (shown + more).replace(b"\r\r\n", b"\r\n")
            if not ended:
                shown += _drained(terminal, 0.03)[0].replace(b"\r\r\n", b"\r\n")
            seen.append(shown)
            if ended or shown != wanted:
                break
    finally:
        os.close(terminal)
        with suppress(OSError):
            os.kill(process, 9)
        os.waitpid(process, 0)
    return seen


def ours(release: str, steps: Steps) -> list[bytes]:
    """What our board shows after each step, up to a soft reset."""
    console = Console("pyboard", release)
    seen = []
    for step in steps:
        shown = console.type(step)
        if b"MPY: soft reboot" in shown:
            break
        seen.append(shown)
    console.board.close()
    return seen


def drawn(seed: int) -> Steps:
    """Random keys."""
    rng = random.Random(seed)
    steps = []
    for _ in range(rng.randint(3, 25)):
        kind = rng.random()
        if kind < 0.4:
            steps.append(rng.choice(TEXTS).encode())
        elif kind < 0.68:
            steps.append(b"\r")
        else:
            steps.append(rng.choice(KEYS).encode("latin-1"))
    return steps


RAW = (
    b"print(1)\x04", b"x=1\x04", b"1/0\x04", b"1\n\n2\x04", b"if 1:\n print(x)\x04", b"y\x03",
    b"\x01", b"\x02\x01", b"\x03", b"\x05\x01", b"\x05B\x01", b"\x05AA\x01", b"for\x04", b" 1\x04",
    b"\r", b"\x05A\x01", b"print('\xc3\xa9')\x04", b"raise KeyboardInterrupt\x04",
    b"def f():\n  1/0\nf()\x04", b"#" * 300, b"print(2)#" + b"-" * 118,
    b"print(3)#" + b"-" * 120 + b"\x04", b"__file__\x04", b"print(__file__)\x04",
    b"print('a\\nb', end='')\x04", b"'''" + b"z\n" * 200 + b"'''\x04",
)


def drawn_raw(seed: int) -> Steps:
    """Random pieces for the raw REPL."""
    rng = random.Random(seed)
    return [b"\x01", *(rng.choice(RAW) for _ in range(rng.randint(2, 12)))]


def plain(shown: bytes) -> bytes:
    """Without what cannot be the same: addresses, the name of the board."""
    return re.sub(rb"(?:0x| at )[0-9a-f]{6,}|(?<=MicroPython )[^\r]+", b"", shown)


def difference(command: Sequence[str], release: str, steps: Steps) -> str:
    """The first difference, "" if there is none."""
    expected = ours(release, steps)
    steps = steps[: len(expected)]
    found = theirs(command, steps, expected)
    for at, (mine, real) in enumerate(zip(expected, found, strict=False)):
        if plain(mine) != plain(real):
            return f"{steps[: at + 1]}\n  MicroPython {real[:400]!r}\n  ours        {mine[:400]!r}"
    return ""


def record(command: Sequence[str], release: str, path: Path, seeds: range) -> int:
    """Write what MicroPython shows to a file; how many sequences ours agrees on."""
    lines = [f"# What MicroPython {release} (unix port) shows for keys: tests/oracle/prompt.py.\n"]
    agreed = 0
    for steps in (*SAMPLES, *(drawn(seed) for seed in seeds)):
        expected = ours(release, steps)
        found = theirs(command, steps[: len(expected)], expected)
        agreed += found == expected
        lines.append("\n")
        lines += [f"{step!r} -> {shown!r}\n" for step, shown in zip(steps, found, strict=False)]
    path.write_text("".join(lines), "utf-8")
    return agreed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.prompt")
    parser.add_argument("--release", default=unix_port.RELEASE)
    parser.add_argument("--binary", help="the unix port; for 1.28 it is installed")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--raw", action="store_true", help="the raw REPL")
    options = parser.parse_args()
    command = [options.binary] if options.binary else unix_port.command()
    seeds = range(options.seed * 1000, options.seed * 1000 + options.count)
    if options.record is not None:
        print(record(command, options.release, options.record, seeds), "sequences agree")
        return 0
    bad = 0
    for seed in seeds:
        steps = drawn_raw(seed) if options.raw else drawn(seed)
        found = difference(command, options.release, steps)
        bad += bool(found)
        if found:
            print(f"seed {seed}: {found}")
    print(f"{options.count} sequences, {bad} differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
