"""The files of a board's USB disk, as the computer sees them that it is plugged into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, final

from mpy_cross.emulator.filesystems.fat import FatVolume, NotFatError
from mpy_cross.emulator.filesystems.host import host_files
from mpy_cross.emulator.filesystems.image import make_folders, read_file, tree, write_file
from mpy_cross.emulator.image_file import seconds
from mpy_cross.emulator.stock_session import StockSession
from mpy_cross.emulator.usb.storage import UsbDisk

STEP: Final = 100_000
"""ns of virtual time between two looks whether a command is over."""
PATIENCE: Final = 20_000_000_000
"""ns that a command may take: the flash of an STM32 erases slowly."""
FLUSH: Final = 6_000_000_000
"""ns: a pyboard writes its cache to the flash when nobody has written for 5 s."""


class DiskError(Exception):
    """The board offers no disk, or one that has no FAT filesystem."""


@final
class UsbFiles:
    """Files on the disk of a board with stock firmware.

    The firmware does not notice what a computer writes: after `write` and `put` it has to be reset,
    as on a board.  Raises DiskError; methods raise OSError.
    """

    def __init__(self, session: StockSession) -> None:
        self._session = session
        driver = session.storage
        if driver is None or not driver.there:
            raise DiskError("the firmware offers no disk over USB")
        self._disk = UsbDisk(driver, self._go_on)
        try:
            self._disk.start(False)
            self._volume = FatVolume(self._disk, seconds)
        except (OSError, NotFatError) as error:
            raise DiskError(f"no FAT filesystem on the disk: {error}") from None

    def _go_on(self, over: Callable[[], bool]) -> None:
        end = self._session.now + PATIENCE
        while not over():
            if self._session.now > end:
                raise DiskError("the disk does not answer")
            self._session.advance(STEP)

    def files(self) -> list[str]:
        """Paths of all files, "/main.py" and so on."""
        return [path for path, folder in tree(self._volume) if not folder]

    def read(self, path: str) -> bytes:
        return read_file(self._volume, path)

    def write(self, path: str, data: bytes) -> None:
        """Makes a file, and the folders it is in, or gives one other contents."""
        self._write(path, data)
        self._flush()

    def _write(self, path: str, data: bytes) -> None:
        make_folders(self._volume, path.rpartition("/")[0])
        write_file(self._volume, path, data)

    def _flush(self) -> None:
        self._disk.sync()
        self._session.advance(FLUSH)

    def remove(self, path: str) -> None:
        self._volume.remove(path)
        self._flush()

    def get(self, folder: str | Path) -> None:
        """Copies all files to a folder of the host."""
        for path in self.files():
            place = Path(folder, *path.strip("/").split("/"))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(self.read(path))

    def put(self, folder: str | Path) -> None:
        """Copies the files of a folder of the host to the disk."""
        for path, place in host_files(Path(folder)):
            self._write(path, place.read_bytes())
        self._flush()
