"""Which releases and boards load a .mpy file, and why the others do not (manual 2.4.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from mpy_cross.loader.mpyfile import MpyFile
from mpy_cross.loader.release import RELEASES, Release

INCOMPATIBLE_FILE = "incompatible .mpy file"

NO_NATIVE = "none"
"""The architecture of a board that runs no machine code."""

SMALL_INT_BITS_32 = 31
"""Small int bits of a 32-bit board with the usual object model."""

_THUMB = ("armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp")
"""Each of these runs the code of those before it."""


@final
@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one release loads the file."""

    release: Release
    error: str
    """What the board says, in MicroPython's words; "" if the file loads."""
    reason: str
    """Why it does not load; "" if it does."""
    conditions: list[str] = field(default_factory=list)
    """What the board must have for it to load."""

    @property
    def loads(self) -> bool:
        return not self.error


def runs(board: str, code: str) -> bool:
    """Whether a board of one architecture runs the machine code of another."""
    if board in _THUMB and code in _THUMB:
        return _THUMB.index(code) <= _THUMB.index(board)
    return board == code


def boards_for(code: str) -> list[str]:
    """The architectures that run the machine code of `code`."""
    return list(_THUMB[_THUMB.index(code) :]) if code in _THUMB else [code]


def check_release(mpy: MpyFile, release: Release, arch: str | None = None) -> Verdict:
    """Whether `release` loads the file, on a board of `arch` if given (`NO_NATIVE` for one that
    runs no machine code)."""
    own = mpy.release
    if release.mpy_version != own.mpy_version:
        return Verdict(
            release,
            INCOMPATIBLE_FILE,
            f"the file has .mpy version {own.mpy_version}, the release loads {release.mpy_version}",
        )
    if own.mpy_version == 5 and mpy.qstr_window > release.qstr_window:
        return Verdict(
            release,
            INCOMPATIBLE_FILE,
            f"the file needs a qstr window of {mpy.qstr_window}, the release has "
            f"{release.qstr_window}",
        )
    if mpy.arch_flags and not release.arch_flags:
        return Verdict(release, INCOMPATIBLE_FILE, "the release knows no flags of an architecture")
    conditions = _conditions(mpy)
    if not mpy.arch:
        return Verdict(release, "", "", conditions)
    if own.mpy_version == 6 and release.mpy_sub_version != own.mpy_sub_version:
        return Verdict(
            release,
            INCOMPATIBLE_FILE,
            f"its machine code is for .mpy version 6.{own.mpy_sub_version}, the release loads "
            f"6.{release.mpy_sub_version}",
        )
    if mpy.arch >= len(release.archs):
        known = mpy.arch < len(own.archs)
        name = own.archs[mpy.arch] if known else f"architecture {mpy.arch}"
        return Verdict(release, "incompatible .mpy arch", f"the release does not know {name}")
    code = release.archs[mpy.arch]
    if arch is None:
        conditions.append(f"the board is {_either(boards_for(code))}")
    elif arch == NO_NATIVE:
        return Verdict(
            release, release.native_refusal, f"the file has {code} code, the board runs none"
        )
    elif not runs(arch, code):
        return Verdict(
            release, "incompatible .mpy arch", f"the file has {code} code, the board is {arch}"
        )
    return Verdict(release, "", "", conditions)


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _conditions(mpy: MpyFile) -> list[str]:
    conditions = []
    if mpy.release.mpy_version == 5 and not mpy.unicode:
        conditions.append("the board is built without unicode strings")
    if mpy.cache_lookup_bc:
        conditions.append("the board is built with cached map lookups in bytecode")
    if mpy.small_int_bits > SMALL_INT_BITS_32:
        conditions.append(f"small integers have {mpy.small_int_bits} bits or more")
    if mpy.arch_flags:
        conditions.append(f"the processor has the extensions 0x{mpy.arch_flags:x}")
    return conditions


def check(mpy: MpyFile, arch: str | None = None) -> list[Verdict]:
    """The verdict of every release, oldest first."""
    return [check_release(mpy, release, arch) for release in RELEASES.values()]


def summary(verdicts: list[Verdict]) -> list[str]:
    """The verdicts as lines; neighbouring releases that say the same share one."""
    lines: list[str] = []
    start = 0
    while start < len(verdicts):
        end = start
        first = verdicts[start]
        while end + 1 < len(verdicts) and _alike(first, verdicts[end + 1]):
            end += 1
        lines.append(_line(first, verdicts[end]))
        start = end + 1
    return lines


def _alike(a: Verdict, b: Verdict) -> bool:
    return (a.error, a.reason, a.conditions) == (b.error, b.reason, b.conditions)


def _line(first: Verdict, last: Verdict) -> str:
    names = first.release.version
    if last is not first:
        names += f" to {last.release.version}"
    if first.loads:
        text = "loads"
        if first.conditions:
            text += f" if {' and '.join(first.conditions)}"
    else:
        text = f"no: {first.error} ({first.reason})"
    return f"{names:14}  {text}"
