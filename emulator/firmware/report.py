"""What `mpy-emu info` tells about an image."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.firmware.identify import describe_mpy, identify
from mpy_cross.emulator.firmware.image import Image
from mpy_cross.emulator.firmware.uf2 import family_name

_SHOWN: Final = 16  # segments


def rows(image: Image) -> list[tuple[str, str]]:
    """Title and text of each line about an image."""
    identity = identify(image)
    board = identity.emulated
    form = image.form
    if image.family is not None:
        form += f", family {family_name(image.family)}"
    table = [("form", form)]
    for segment in image.segments[:_SHOWN]:
        table.append(("bytes", f"{len(segment.data):,} at 0x{segment.address:08x} "
                               f"to 0x{segment.end - 1:08x}"))
    if rest := image.segments[_SHOWN:]:
        size = sum(len(segment.data) for segment in rest)
        table.append(("bytes", f"{size:,} more in {len(rest):,} pieces"))
    if image.entry is not None:
        table.append(("entry", f"0x{image.entry:08x}"))
    if image.symbols:
        table.append(("symbols", f"{len(image.symbols):,}"))
    for title, text in (
        ("board", identity.board), ("chip", identity.soc), ("MicroPython", identity.version),
        ("build", identity.build), ("build date", identity.date),
    ):
        table.append((title, text or "not found"))
    table.append(("mpy word", "not found" if identity.mpy is None else
                  f"{identity.mpy} (0x{identity.mpy:x}): {describe_mpy(identity.mpy)}"))
    table.append(("emulated as", "no board of ours" if board is None else board.name))
    return table
