"""Dumps of machine code: every byte is shown, and compiled code has no undecoded bytes."""

from __future__ import annotations

import random
import re

import pytest

import mpy_cross
from mpy_cross.driver import compile_source
from mpy_cross.dump import dump
from mpy_cross.loader.dump import dump_file
from mpy_cross.loader.machine_code import machine_lines
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import get
from mpy_cross.options import CompileOptions
from tests.loader.golden_machine_code import TARGETS, golden_path, golden_text

SOURCE = """
@micropython.viper
def f(x: int) -> int:
    i = 0
    while i < x:
        i += 2
    return i
@micropython.native
def g(a, b):
    yield a
    try:
        return a.first + b("second")
    except ValueError:
        return None
"""
LINE = re.compile(r"^ +(\d+)  ([0-9a-f]+) +(\S.*)$")
ARCHS = ["x86", "x64", "armv6", "armv6m", "armv7m", "armv7emsp", "xtensa", "xtensawin"]


def rows(text: str, title: str) -> list[tuple[int, str, str]]:
    """(offset, bytes, text) of each line of the machine code of one function."""
    body = text.split(f"\n{title} (", 1)[1].split("\n\n", 1)[0]
    found = []
    for line in body.split("  machine code\n", 1)[1].splitlines():
        match = LINE.match(line)
        if match:
            found.append((int(match[1]), match[2], match[3]))
    return found


@pytest.mark.parametrize("release", ["1.17", "1.29"])
@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("title", ["code 0", "g"])
def test_every_byte_is_listed_once(release: str, arch: str, title: str) -> None:
    text = dump_file(mpy_cross.compile(SOURCE, "x.py", release="1.29", arch=arch, opt="0"))
    at = 0
    listed = rows(text, title)
    for offset, data, _ in listed:
        assert offset == at, (offset, at)
        at += len(data) // 2
    assert at > 20, text


@pytest.mark.parametrize("arch", ARCHS)
def test_viper_code_is_all_instructions(arch: str) -> None:
    text = dump_file(mpy_cross.compile(SOURCE, "x.py", release="1.29", arch=arch, opt="0"))
    data = [row for row in rows(text, "code 0") if row[2].startswith(".byte")]
    # Xtensa code begins with a jump over its constants, which are aligned.
    assert [row[:2] for row in data] == ([(3, "00")] if arch.startswith("xtensa") else [])
    assert "L1" in text


def test_names_of_version_5_stand_at_their_places() -> None:
    text = dump_file(mpy_cross.compile(SOURCE, "x.py", release="1.17", arch="armv7m", opt="0"))
    commented = [row[2] for row in rows(text, "g") if "#" in row[2]]
    assert any(line.startswith("movw") and line.endswith("# qstr first") for line in commented)


@pytest.mark.parametrize(("release", "arch"), TARGETS)
def test_text(release: str, arch: str) -> None:
    expected = golden_path(release, arch).read_text(encoding="utf-8")
    assert golden_text(release, arch) == expected


INLINE = """\
@micropython.asm_thumb
def f(r0):
    label(TOP)
    sub(r0, 1)
    bne(TOP)
"""


def test_inline_functions_of_armv6_are_thumb_behind_arm() -> None:
    text = dump_file(mpy_cross.compile(INLINE, "x.py", release="1.29", arch="armv6"))
    listed = rows(text, "code 0")
    assert [row[2] for row in listed] == [
        "stmdb sp!, {r4, lr}",
        "add lr, pc, #0x9",
        "blx lr",
        "ldmia sp!, {r4, lr}",
        "bx lr",
        "push {r1, r4, r5, r6, r7, lr}",
        "subs r0, #1",
        "bne L1",
        "pop {r1, r4, r5, r6, r7, pc}",
    ]


def test_lines_of_the_source_where_the_compiler_tells_them() -> None:
    options = CompileOptions(release=get("1.29"), arch="armv7m")
    inline = dump("asm", INLINE.encode(), "x.py", options).splitlines()
    marks = [line.strip() for line in inline if line.startswith("    line ")]
    assert marks == ["line 4", "line 5"]
    at = inline.index("    line 4")
    assert inline[at + 1].endswith("subs r0, #1")
    viper = dump("asm", SOURCE.encode(), "x.py", options)
    assert re.search(r"line 4\n.*movs r5, #0", viper), viper
    assert "line 4" not in dump_file(compile_source(SOURCE.encode(), "x.py", options))


def test_garbage_is_listed() -> None:
    """Whatever stands in place of the code, each byte is shown and nothing fails."""
    chance = random.Random(5)
    for arch in ARCHS:
        mpy = read(mpy_cross.compile(SOURCE, "x.py", release="1.29", arch=arch))
        for child in mpy.root.children:
            for _ in range(40):
                child.code = chance.randbytes(chance.randrange(90))
                child.prelude_offset = chance.randrange(90)
                shown = 0
                for line in machine_lines(mpy, child):
                    found = LINE.match(line)
                    shown += len(found[2]) // 2 if found else 0
                assert shown == len(child.code), (arch, child.code.hex())
