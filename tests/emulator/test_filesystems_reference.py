"""Filesystems beside those of the real MicroPython: the same results, the same bytes, the same
writes in the same order."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpy_cross.emulator.filesystems.device import ImageDevice
from mpy_cross.emulator.filesystems.image import (
    format_device,
    identify,
    make_folders,
    open_filesystem,
    read_file,
    tree,
    write_file,
)
from mpy_cross.emulator.filesystems.volume import FAT, LITTLEFS1, LITTLEFS2, Found
from tests.emulator.filesystem_programs import SHAPES, Maker
from tests.emulator.running import run
from tests.emulator.unix_runs import reference
from tests.oracle import unix_port

SEEDS = 12
CONTENTS = {"/a.txt": b"short", "/dir/Long name.bin": bytes(range(256)) * 20, "/dir/sub/empty": b""}


@pytest.mark.spec("F04", "F05", "F06", "F08", "F09", "F10")
@pytest.mark.parametrize("kind", SHAPES)
def test_random_programs(kind: str, tmp_path: Path) -> None:
    for seed in range(SEEDS):
        program = Maker(seed, kind).program()
        wanted = reference(program, tmp_path)
        assert "Traceback" not in wanted and "medium" in wanted
        assert run(program, release=unix_port.RELEASE) == wanted, f"{kind} {seed}"


READ = """
import os
class Device:
    def __init__(self, data, size):
        self.data, self.size = data, size
    def readblocks(self, block, buf, offset=0):
        at = block * self.size + offset
        buf[:] = self.data[at : at + len(buf)]
    def writeblocks(self, block, buf, offset=0):
        at = block * self.size + offset
        self.data[at : at + len(buf)] = buf
    def ioctl(self, request, argument):
        return {4: len(self.data) // self.size, 5: self.size}.get(request, 0)
data = bytearray(open("image", "rb").read())
os.mount(Device(data, SIZE), "/x")
"""


@pytest.mark.spec("F08", "F09", "F10")
@pytest.mark.parametrize("found", [Found(FAT, 512), Found(LITTLEFS1, 512), Found(LITTLEFS2, 4096)],
                         ids=lambda found: found.kind)
def test_images_are_exchanged(found: Found, tmp_path: Path) -> None:
    """The real MicroPython reads our image, and we read what it makes of it."""
    device = ImageDevice(bytearray(b"\xff" * 262_144), found.block_size)
    format_device(device, found, lambda: 700_000_000)
    ours = open_filesystem(device, found, lambda: 700_000_000)
    for path, contents in CONTENTS.items():
        make_folders(ours, path.rpartition("/")[0])
        write_file(ours, path, contents)
    (tmp_path / "image").write_bytes(device.view)
    program = READ.replace("SIZE", str(found.block_size))
    for path, contents in CONTENTS.items():
        program += f"assert open('/x{path}', 'rb').read() == {contents!r}\n"
    program += """
os.mkdir("/x/theirs")
with open("/x/theirs/New File.txt", "w") as f:
    f.write("written by the reference" * 100)
os.remove("/x/a.txt")
open("image2", "wb").write(data)
print(os.listdir("/x"))
"""
    assert "dir" in reference(program, tmp_path)
    data = bytearray((tmp_path / "image2").read_bytes())
    now = identify(memoryview(data))
    assert now is not None and now[:2] == found[:2]
    theirs = open_filesystem(ImageDevice(data, found.block_size), now, lambda: 0)
    assert read_file(theirs, "/theirs/New File.txt") == b"written by the reference" * 100
    assert read_file(theirs, "/dir/Long name.bin") == CONTENTS["/dir/Long name.bin"]
    assert [path for path, folder in tree(theirs) if not folder] == [
        "/dir/Long name.bin", "/dir/sub/empty", "/theirs/New File.txt",
    ]


def test_the_programs_do_something() -> None:
    for kind in SHAPES:
        output = run(Maker(0, kind).program(), release=unix_port.RELEASE)
        assert output.count("\n") > 30 and "OSError" in output, output
