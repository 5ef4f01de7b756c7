"""Images of stock firmware: they are looked for in MPY_FIRMWARE_DIR, VERSION/BOARD/firmware.elf."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def stock_image(place: str) -> Path:
    """The image of a place such as "v1.17/PYBV11"; skips the test where there is none."""
    folder = os.environ.get("MPY_FIRMWARE_DIR")
    if not folder:
        pytest.skip("MPY_FIRMWARE_DIR is not set: no stock firmware to run")
    path = Path(folder) / place / "firmware.elf"
    if not path.exists():
        pytest.skip(f"{path}: no such image")
    return path
