"""MicroPython releases as records: every behaviour that changed between them is one named field.

No other module compares versions; it asks a field of the `Release` it was given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import final


class FloatPrinter(IntEnum):
    """How a release turns a double into text (py/formatfloat.c)."""

    SCALE = 0  # scale into 1..10 by a table of powers of ten, then 16 digits, none exact
    SUBTRACT = 1  # subtract powers of ten from the value, 16 digits
    SHORTEST = 2  # try 16 to 19 digits, with a search, until the text reads back as the value


_ARCHS_1_12 = (
    "none",
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
)

_MARCH_1_12 = (
    "x86",
    "x64",
    "armv6",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
)
_MARCH_1_19 = (*_MARCH_1_12, "armv6m")
_MARCH_1_20 = (*_MARCH_1_19, "host")
_MARCH_1_24 = (*_MARCH_1_20, "rv32imc", "debug")


@final
@dataclass(frozen=True, slots=True)
class Release:
    """One MicroPython release.  A comment at each field names the release that changed it."""

    version: str
    """Such as "1.17"."""
    mpy_version: int
    """.mpy format: 5 for 1.12 to 1.18, 6 from 1.19."""
    mpy_sub_version: int
    """Sub-version of native code: 0 for 1.19, 1 for 1.20-1.21, 2 for 1.22, 3 from 1.23."""
    # --- container
    qstr_window: int = 32
    """Size of the qstr window of version 5; 0 from 1.19: version 6 has no window."""
    archs: tuple[str, ...] = _ARCHS_1_12
    """Native architectures by number; 1.24 added rv32imc, 1.27 rv64imc."""
    arch_flags: bool = False
    """1.27: a file may carry flags of its architecture (bit 6 of the feature byte)."""
    native_refusal: str = "incompatible .mpy arch"
    """What a board without native code says; 1.20: "native code in .mpy unsupported"."""
    float_printer: FloatPrinter = FloatPrinter.SCALE
    """How float constants are written; changed by 1.20 and 1.26."""
    # --- command line
    march: tuple[str, ...] = _MARCH_1_12
    """What -march= takes: 1.19 added armv6m, 1.20 host, 1.24 rv32imc, debug, 1.27 rv64imc."""
    march_flags: tuple[str, ...] = ()
    """Names that -march-flags= takes for rv32imc, by bit; 1.27 added zba, 1.28 zcmp."""
    unicode_option: bool = True
    """-municode and -mno-unicode exist; 1.19 removed them."""
    cache_lookup_option: bool = True
    """-mcache-lookup-bc and -mno-cache-lookup-bc exist; 1.18 removed them."""
    source_lines_option: bool = False
    """-X source-lines and -X no-source-lines exist; 1.29 added them."""
    backslash_paths: bool = False
    """A backslash in a file name means a slash, on every host; from 1.20."""
    open_error_names_file: bool = False
    """An OSError at opening a file has a text with its name, not just a number; from 1.20."""
    three_part_tag: bool = False
    """The git tag has three numbers, such as v1.20.0; from 1.20."""
    # --- lexer and parser
    # --- lowering and emitters


# Each release is its predecessor plus what changed: the arguments are the release notes.
_R1_12 = Release(version="1.12", mpy_version=5, mpy_sub_version=0)
_R1_13 = replace(_R1_12, version="1.13")
_R1_14 = replace(_R1_13, version="1.14")
_R1_15 = replace(_R1_14, version="1.15")
_R1_16 = replace(_R1_15, version="1.16")
_R1_17 = replace(_R1_16, version="1.17")
_R1_18 = replace(
    _R1_17,
    version="1.18",
    cache_lookup_option=False,
)
_R1_19 = replace(
    _R1_18,
    version="1.19",
    mpy_version=6,
    qstr_window=0,
    march=_MARCH_1_19,
    unicode_option=False,
)
_R1_19_1 = replace(_R1_19, version="1.19.1")
_R1_20 = replace(
    _R1_19_1,
    version="1.20",
    mpy_sub_version=1,
    native_refusal="native code in .mpy unsupported",
    float_printer=FloatPrinter.SUBTRACT,
    march=_MARCH_1_20,
    backslash_paths=True,
    open_error_names_file=True,
    three_part_tag=True,
)
_R1_21 = replace(_R1_20, version="1.21")
_R1_22 = replace(_R1_21, version="1.22", mpy_sub_version=2)
_R1_22_1 = replace(_R1_22, version="1.22.1")
_R1_22_2 = replace(_R1_22_1, version="1.22.2")
_R1_23 = replace(_R1_22_2, version="1.23", mpy_sub_version=3)
_R1_24 = replace(
    _R1_23,
    version="1.24",
    archs=(*_ARCHS_1_12, "rv32imc"),
    march=_MARCH_1_24,
)
_R1_24_1 = replace(_R1_24, version="1.24.1")
_R1_25 = replace(_R1_24_1, version="1.25")
_R1_26 = replace(_R1_25, version="1.26", float_printer=FloatPrinter.SHORTEST)
_R1_26_1 = replace(_R1_26, version="1.26.1")
_R1_27 = replace(
    _R1_26_1,
    version="1.27",
    archs=(*_ARCHS_1_12, "rv32imc", "rv64imc"),
    arch_flags=True,
    march=(*_MARCH_1_24, "rv64imc"),
    march_flags=("zba",),
)
_R1_28 = replace(
    _R1_27,
    version="1.28",
    march_flags=("zba", "zcmp"),
)
_R1_29 = replace(
    _R1_28,
    version="1.29",
    source_lines_option=True,
)

RELEASES: dict[str, Release] = {
    release.version: release
    for release in (
        _R1_12,
        _R1_13,
        _R1_14,
        _R1_15,
        _R1_16,
        _R1_17,
        _R1_18,
        _R1_19,
        _R1_19_1,
        _R1_20,
        _R1_21,
        _R1_22,
        _R1_22_1,
        _R1_22_2,
        _R1_23,
        _R1_24,
        _R1_24_1,
        _R1_25,
        _R1_26,
        _R1_26_1,
        _R1_27,
        _R1_28,
        _R1_29,
    )
}
"""Oldest first, by version; tags from 1.20 on end in ".0" as well, which `get` accepts."""

DEFAULT_RELEASE = "1.17"


@final
class UnknownRelease(ValueError):
    """No such release; the text lists the names there are."""


def get(name: str) -> Release:
    """The release called `name`: "1.17", "1.20" or "1.20.0", with or without a leading "v".

    Raises UnknownRelease.
    """
    key = name.strip()
    key = key[1:] if key[:1] in ("v", "V") else key
    release = RELEASES.get(key) or RELEASES.get(key.removesuffix(".0"))
    if release is not None:
        return release
    known = ", ".join(RELEASES)
    raise UnknownRelease(f"unknown MicroPython release {name!r}; known are {known}")
