"""Compiling for the measurements: a source text at an opt level, and the size of its functions."""

from __future__ import annotations

import mpy_cross
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import Release
from mpy_cross.sizes import function_sizes


def compiled(
    source: str, name: str, release: str, arch: str, opt: str, emit: str = "bytecode"
) -> bytes:
    """A .mpy file."""
    return mpy_cross.compile(
        source, f"{name}.py", release=release, arch=arch, emit=emit, opt=opt)


def code_sizes(mpy: bytes, release: Release) -> dict[str, int]:
    """Bytes of machine code of the functions in a file, by name."""
    return {one.name: one.size for one in function_sizes(read(mpy, release))
            if one.kind != "bytecode"}
