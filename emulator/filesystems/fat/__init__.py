"""FAT12, FAT16 and FAT32 with long names, laid out as the firmware of boards does it."""

from __future__ import annotations

from mpy_cross.emulator.filesystems.fat.layout import NotFatError, format_fat
from mpy_cross.emulator.filesystems.fat.volume import FatVolume, fat_time

__all__ = ["FatVolume", "NotFatError", "fat_time", "format_fat"]
