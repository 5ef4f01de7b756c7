"""The USB disk: its protocol against a disk made here, and that of pyboards."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from mpy_cross.emulator.clock import Clock
from mpy_cross.emulator.trace import Trace
from mpy_cross.emulator.usb.host import Host, Interface
from mpy_cross.emulator.usb.peripheral import Handshake, HostSide
from mpy_cross.emulator.usb.storage import StorageDriver, Transfer, UsbDisk
from mpy_cross.emulator.usb_files import DiskError
from tests.emulator.test_firmware_board import under_test

BLOCKS = 100


class Disk:
    """The device's side: endpoint 1 in, 2 out.

    busy: how often it is not ready at first; refuse: commands that it stalls.
    """

    def __init__(self, busy: int = 0, refuse: tuple[int, ...] = ()) -> None:
        self.data = bytearray(BLOCKS * 512)
        self.busy, self.refuse = busy, refuse
        self.pulled_up = True
        self.host: HostSide | None = None
        self.commands: list[int] = []
        self.cleared: list[int] = []
        self._out = bytearray()
        self._in: list[bytes | Handshake] = []
        self._tag = b""
        self._place = self._left = 0
        self._control: list[bytes] = []

    def plug(self, plugged: bool) -> None:
        """The cable."""

    def reset(self, on: bool) -> None:
        """The bus is reset."""

    def setup(self, endpoint: int, packet: bytes) -> Handshake:
        if packet[:2] == b"\x02\x01":
            self.cleared.append(packet[4])
            if self._in and self._in[0] is Handshake.STALL:
                self._in.pop(0)
        return Handshake.ACK

    def give(self, endpoint: int) -> bytes | Handshake:
        if endpoint == 0:
            return b""
        if not self._in:
            return Handshake.NAK
        packet = self._in[0]
        if packet is not Handshake.STALL:
            self._in.pop(0)
        return packet

    def take(self, endpoint: int, packet: bytes) -> Handshake:
        if endpoint == 0:
            return Handshake.ACK
        self._out += packet
        if self._left:
            if len(self._out) == self._left:
                self.data[self._place : self._place + self._left] = self._out
                self._out.clear()
                self._left = 0
                self._status(0)
        elif len(self._out) == 31:
            self._command(bytes(self._out))
            self._out.clear()
        if self.host is not None:
            self.host.wake()
        return Handshake.ACK

    def _status(self, status: int) -> None:
        self._in.append(struct.pack("<4s4sIB", b"USBS", self._tag, 0, status))

    def _answer(self, data: bytes) -> None:
        self._in += [data[at : at + 64] for at in range(0, len(data), 64)]
        self._status(0)

    def _command(self, block: bytes) -> None:
        signature, self._tag, length, _flags, _lun, size = struct.unpack_from("<4s4sIBBB", block)
        assert signature == b"USBC" and 6 <= size <= 16
        command = block[15]
        self.commands.append(command)
        place, = struct.unpack_from(">I", block, 17)
        if command in self.refuse:
            self._in.append(Handshake.STALL)
            self._status(1)
        elif command == 0 and self.busy:
            self.busy -= 1
            self._status(1)
        elif command == 3:
            self._answer(bytes(18))
        elif command == 0x25:
            self._answer(struct.pack(">II", BLOCKS - 1, 512))
        elif command == 0x28:
            self._answer(bytes(self.data[place * 512 : place * 512 + length]))
        elif command == 0x2A:
            self._place, self._left = place * 512, length
        else:
            self._status(0)


def connected(device: Disk) -> tuple[UsbDisk, StorageDriver, Host]:
    clock = Clock()
    driver = StorageDriver()
    host = Host(clock, Trace(clock), device, [driver])
    interface = Interface(bytes([9, 4, 0, 0, 2, 8, 6, 0x50, 0]))
    interface.endpoints += [(0x81, 2, 64), (0x02, 2, 64)]
    host.plugged = True
    script = driver.configure(host, [interface])
    assert script is not None
    assert list(script) == []

    def go_on(over: object) -> None:
        assert callable(over)
        for _ in range(100_000):
            if over():
                return
            assert clock.idle(), "the bus stands still"
        pytest.fail("no end")

    return UsbDisk(driver, go_on), driver, host


def test_blocks() -> None:
    device = Disk(busy=3)
    disk, driver, _ = connected(device)
    assert driver.there
    disk.start(False)
    assert (disk.block_size, disk.block_count) == (512, BLOCKS)
    assert device.commands == [0, 3, 0, 3, 0, 3, 0, 0x25]
    data = bytes(range(256)) * 2 * 70  # more than one command takes
    disk.write_blocks(20, data)
    assert device.data[20 * 512 : 90 * 512] == data
    assert disk.read_blocks(20, 70) == data
    assert disk.read(20, 700, 100) == data[700:800]
    assert device.commands[8:] == [0x2A, 0x2A, 0x28, 0x28, 0x28]
    disk.sync()
    with pytest.raises(OSError, match="5"):
        disk.erase(0)


def test_refused_commands() -> None:
    """The pipe is let go, the status is read, and the next command works."""
    device = Disk(refuse=(0x28,))
    disk, _, _ = connected(device)
    disk.start(False)
    with pytest.raises(OSError, match="5"):
        disk.read_blocks(0, 1)
    assert device.cleared == [0x81]
    disk.write_blocks(0, b"x" * 512)
    assert device.data[:3] == b"xxx"


def test_disk_goes() -> None:
    _disk, driver, host = connected(Disk())
    transfer = Transfer(bytes(6))
    driver.submit(transfer)
    host.unplug()
    assert transfer.status == 2 and not driver.there
    with pytest.raises(OSError, match="19"):
        driver.submit(transfer)


@pytest.mark.parametrize("name", ["PYBV11"])
def test_files_of_a_pyboard(name: str, tmp_path: Path) -> None:
    board = under_test(name)
    disk = board.disk
    assert disk.files() == ["/README.txt", "/boot.py", "/main.py", "/pybcdc.inf"]
    assert disk.read("/main.py").startswith(b"# main.py")
    folder = tmp_path / "project"
    (folder / "lib").mkdir(parents=True)
    (folder / "lib" / "mine.py").write_text("print('from the computer')\n")
    (folder / "data.bin").write_bytes(bytes(range(256)) * 9)
    disk.put(folder)
    board.reset()
    assert board.exec("import mine") == "from the computer\n"
    assert board.eval("open('data.bin', 'rb').read() == bytes(range(256)) * 9") is True
    board.exec("with open('log.txt', 'w') as f:\n    f.write('from the board')")
    board.disk.get(tmp_path / "copy")
    assert (tmp_path / "copy" / "log.txt").read_text() == "from the board"
    assert (tmp_path / "copy" / "lib" / "mine.py").exists()
    board.disk.remove("/log.txt")
    board.reset()
    assert board.exec("import os\nprint('log.txt' in os.listdir())") == "False\n"


def test_board_without_disk() -> None:
    board = under_test("PICO")
    with pytest.raises(DiskError, match="no disk"):
        _ = board.disk
