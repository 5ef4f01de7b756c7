"""Writes the expected dumps of machine code: python -m tests.loader.golden_machine_code.

Read the difference before you commit it.
"""

from __future__ import annotations

from pathlib import Path

import mpy_cross
from mpy_cross.loader.dump import dump_machine_code
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import RELEASES

FOLDER = Path(__file__).parent / "machine_code"
SOURCE = """\
@micropython.native
def f(a):
    while a:
        a = a.first(1.5, "text")
    return g
@micropython.viper
def g(p: ptr8, n: int) -> int:
    return p[3] + n
"""
TARGETS = [
    (release, arch)
    for release in ("1.17", "1.29")
    for arch in ("x86", "x64", "armv6", "armv6m", "armv7m", "xtensa", "xtensawin", "rv32imc")
    if arch in RELEASES[release].archs
]


def golden_path(release: str, arch: str) -> Path:
    return FOLDER / f"{release}-{arch}.txt"


def golden_text(release: str, arch: str) -> str:
    data = mpy_cross.compile(SOURCE, "x.py", release=release, arch=arch, opt="0")
    return dump_machine_code(read(data, RELEASES[release]))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for release, arch in TARGETS:
        golden_path(release, arch).write_text(golden_text(release, arch), encoding="utf-8")


if __name__ == "__main__":
    main()
