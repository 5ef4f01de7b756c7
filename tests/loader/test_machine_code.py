"""Dumps of machine code: every byte is shown, and compiled code has no undecoded bytes."""

from __future__ import annotations

import re

import pytest

import mpy_cross
from mpy_cross.loader.dump import dump_file

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
    text = dump_file(mpy_cross.compile(SOURCE, "x.py", release=release, arch=arch))
    at = 0
    listed = rows(text, title)
    for offset, data, _ in listed:
        assert offset == at, (offset, at)
        at += len(data) // 2
    assert at > 20, text


@pytest.mark.parametrize("arch", [arch for arch in ARCHS if not arch.startswith("xtensa")])
def test_viper_code_is_all_instructions(arch: str) -> None:
    text = dump_file(mpy_cross.compile(SOURCE, "x.py", release="1.29", arch=arch))
    assert [row for row in rows(text, "code 0") if row[2].startswith(".byte")] == []
    assert "L1" in text


def test_names_of_version_5_stand_at_their_places() -> None:
    text = dump_file(mpy_cross.compile(SOURCE, "x.py", release="1.17", arch="armv7m"))
    commented = [row[2] for row in rows(text, "g") if "#" in row[2]]
    assert any(line.startswith("movw") and line.endswith("# first") for line in commented)
