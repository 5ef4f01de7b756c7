"""Read a .mpy file: bytes to `MpyFile`, every bound checked.

Whatever the bytes, the only exception is `MpyError`; time and memory stay in proportion to the
length of the file (a count is never believed before the bytes for it are there).
"""

from __future__ import annotations

from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.input import Input, Span
from mpy_cross.loader.mpyfile import MpyFile
from mpy_cross.loader.reader5 import Reader5
from mpy_cross.loader.reader6 import Reader6
from mpy_cross.loader.release import RELEASES, Release

OLD_WRITERS: dict[int, str] = {
    0: "1.5.1 to 1.8.7",
    1: "development versions between 1.8.7 and 1.9",
    2: "1.9 to 1.9.2",
    3: "1.9.3 to 1.10",
    4: "1.11",
}
"""Which releases wrote the older versions of the format (manual 2.4.1)."""


def read(data: bytes, release: Release | None = None) -> MpyFile:
    """The file that `data` is.

    `release` is the one to believe where several write the same format; without it, it is the
    newest one that can have written the file.  Raises MpyError.
    """
    return _read(Input(bytes(data), None), release)


def read_annotated(data: bytes, release: Release | None = None) -> tuple[MpyFile, list[Span]]:
    """As `read`, with the field of each byte; the spans are in order and leave no gap."""
    spans: list[Span] = []
    return _read(Input(bytes(data), spans), release), spans


def _read(source: Input, release: Release | None) -> MpyFile:
    data = source.data
    if data[:1] != b"M":
        what = "the file is empty" if not data else f"0x{data[0]:02x} instead of 'M' (0x4d)"
        raise MpyError(0, "magic", what)
    source.byte("magic")
    version = source.byte("version")
    if version in OLD_WRITERS:
        raise MpyError(
            1,
            "version",
            f".mpy version {version}, written by MicroPython {OLD_WRITERS[version]}; "
            "only versions 5 and 6 (1.12 and later) can be read",
        )
    if version not in (5, 6):
        raise MpyError(1, "version", f".mpy version {version} is not known; 5 and 6 are")
    if release is not None and release.mpy_version != version:
        raise MpyError(
            1,
            "version",
            f".mpy version {version}, but release {release.version} has {release.mpy_version}",
        )
    feature = source.byte("feature flags")
    small_int_bits = source.byte("small int bits")
    if version == 5:
        mpy = Reader5(source, release or _newest5()).read(feature)
    else:
        mpy = Reader6(source, release).read(feature)
    mpy.small_int_bits = small_int_bits
    if source.pos != len(data):
        left = len(data) - source.pos
        raise MpyError(source.pos, "end of file", f"{left} bytes too many")
    return mpy


def _newest5() -> Release:
    """The newest release of version 5: nothing in a file tells them apart."""
    return next(known for known in reversed(RELEASES.values()) if known.mpy_version == 5)
