"""The serial flash chip beside RP2040: W25Q16JV (its datasheet, chapter 8), and the SSI that talks
to it (RP2040 datasheet, 4.10).

The bytes of the flash are the memory that the cores read through the cache; both see a change at
once.  `FlashChip` is what a programmer, the functions of the boot ROM and commands over SPI share.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.flash_cells import Cells
from mpy_cross.emulator.register import Bank, Register

SECTOR: Final = 4096
PAGE: Final = 256
MS: Final = 1_000_000  # ns
# Typical times of the datasheet, in ns.
ERASE_SECTOR, ERASE_32K, ERASE_64K = 45 * MS, 120 * MS, 150 * MS
PROGRAM_PAGE: Final = 400_000

JEDEC: Final = bytes([0xEF, 0x40, 0x15])
_ERASES: Final = {0x20: SECTOR, 0x52: 32 << 10, 0xD8: 64 << 10}
_WRITES: Final = frozenset((*_ERASES, 0xC7, 0x60, 0x02, 0x01, 0x31, 0x11))
_STATUS: Final = {0x05: 0, 0x35: 1, 0x15: 2}
_QUAD_ENABLE: Final = 2  # of the second status byte


@final
class FlashChip:
    """The chip.

    data: its bytes; changed: called with offset and size after each change; writes: number of
    erases and programmed pages so far.  guard: called before each of them with what it is
    ("erase" or "program"), offset and size; what it raises ends the run before the change.
    """

    def __init__(self, data: memoryview, unique: bytes) -> None:
        self.data, self.unique = data, unique
        self.changed: list[Callable[[int, int], None]] = []
        self.guard: Callable[[str, int, int], None] | None = None
        self.flash_cells = Cells()
        self.writes = 0
        self.enabled = False  # WREN was given
        self.status = bytearray([0, _QUAD_ENABLE, 0])
        self.command = bytearray()
        self.answer: bytes = b""
        self.begin = 0  # length of the command at which the answer starts

    # What is done to the bytes.

    def erase(self, offset: int, size: int) -> int:
        """Sets whole sectors to ones; the time that takes in ns."""
        offset %= len(self.data)
        end = min(offset + size, len(self.data))
        time = 0
        while offset < end:
            part = 64 << 10 if offset % (64 << 10) == 0 and end - offset >= 64 << 10 else SECTOR
            part = min(part, end - offset)
            self._note("erase", offset, part)
            self.data[offset : offset + part] = self.flash_cells.settle(offset, b"\xff" * part)
            time += ERASE_64K if part > SECTOR else ERASE_SECTOR
            self._tell(offset, part)
            offset += part
        return time

    def program(self, offset: int, data: bytes) -> int:
        """Clears bits, page by page; the time that takes in ns."""
        time = at = 0
        while at < len(data):
            place = (offset + at) % len(self.data)
            part = data[at : at + PAGE - place % PAGE]
            self._note("program", place, len(part))
            old = int.from_bytes(self.data[place : place + len(part)], "little")
            new = old & int.from_bytes(part, "little")
            changed = new.to_bytes(len(part), "little")
            self.data[place : place + len(part)] = self.flash_cells.settle(place, changed)
            time += PROGRAM_PAGE
            self._tell(place, len(part))
            at += len(part)
        return time

    def _note(self, what: str, offset: int, size: int) -> None:
        if self.guard is not None:
            self.guard(what, offset, size)
        self.writes += 1

    def _tell(self, offset: int, size: int) -> None:
        for call in self.changed:
            call(offset, size)

    # Commands over SPI.

    def select(self) -> None:
        """Chip select goes low: a command begins."""
        self.command.clear()
        self.answer, self.begin = b"", 0

    def deselect(self) -> None:
        """Chip select goes high: a command that writes is executed now."""
        command = self.command
        if not command:
            return
        code = command[0]
        if code == 0x06:
            self.enabled = True
        elif code == 0x04:
            self.enabled = False
        elif self.enabled and code in _WRITES:
            self._write(code, command)
        self.command = bytearray()

    def _write(self, code: int, command: bytearray) -> None:
        self.enabled = False
        address = int.from_bytes(command[1:4], "big")
        if code in _ERASES and len(command) >= 4:
            size = _ERASES[code]
            self.erase(address & ~(size - 1), size)
        elif code in (0xC7, 0x60):
            self.erase(0, len(self.data))
        elif code == 0x02 and len(command) > 4:
            # Only the last 256 bytes count, and they wrap within their page.
            page, at = address & ~(PAGE - 1), address % PAGE
            image = bytearray(b"\xff" * PAGE)
            for byte in command[4:]:
                image[at % PAGE] = byte
                at += 1
            self.program(page, bytes(image))
        elif code in (0x01, 0x31, 0x11):
            first = {0x01: 0, 0x31: 1, 0x11: 2}[code]
            for at, byte in enumerate(command[1:3] if code == 0x01 else command[1:2], first):
                self.status[at] = byte & ~1 if at == 0 else byte

    def exchange(self, byte: int) -> int:
        """One byte each way."""
        command = self.command
        at = len(command)
        if at == 0 or self._wants(command[0], at):
            command.append(byte)
            self._decode()
            return 0xFF
        code = command[0]
        if code in (0x03, 0x0B):
            offset = (int.from_bytes(command[1:4], "big") + self.begin) % len(self.data)
            self.begin += 1
            return self.data[offset]
        if code in _STATUS:
            return self.status[_STATUS[code]] | (self.enabled << 1 if code == 0x05 else 0)
        value = self.answer[self.begin] if self.begin < len(self.answer) else 0xFF
        self.begin += 1
        return value

    @staticmethod
    def _wants(code: int, length: int) -> bool:
        """Does a command of this code go on after so many bytes?"""
        if code in (0x01, 0x31, 0x11, 0x02, 0x20, 0x52, 0xD8):
            return True
        return length < {0x03: 4, 0x0B: 5, 0x4B: 5, 0x90: 4, 0xAB: 4}.get(code, 1)

    def _decode(self) -> None:
        code = self.command[0]
        if code == 0x9F:
            self.answer = JEDEC
        elif code == 0x4B:
            self.answer = self.unique
        elif code == 0x90:
            self.answer = bytes([JEDEC[0], 0x14])
        elif code == 0xAB:
            self.answer = b"\x14"


@final
class Ssi(Block):
    """Synchronous serial interface to the flash, used by hand: one byte for each write to DR0.

    What the cache fetches needs no model, as the flash is a memory of the cores.  A transfer ends
    when the program looks whether it has ended.  forced: level of chip select that IO_QSPI forces,
    None while the SSI drives it.
    """

    replicate = True
    size = 0x1000
    CTRLR0 = Register(0x00, "SSTE[24] SPI_FRF[22:21] DFS_32[20:16] CFS[15:12] SRL[11] SLV_OE[10] "
                            "TMOD[9:8] SCPOL[7] SCPH[6] FRF[5:4] DFS[3:0]")
    CTRLR1 = Register(0x04, "NDF[15:0]")
    SSIENR = Register(0x08, "SSI_EN[0]")
    MWCR = Register(0x0C, "MHS[2] MDD[1] MWMOD[0]")
    SER = Register(0x10, "SER[0]")
    BAUDR = Register(0x14, "SCKDV[15:0]")
    TXFTLR = Register(0x18, "TFT[7:0]")
    RXFTLR = Register(0x1C, "RFT[7:0]")
    TXFLR = Register(0x20, access="ro")
    RXFLR = Register(0x24, access="ro")
    SR = Register(0x28, access="ro", reset=6)
    IMR = Register(0x2C, "MSTIM[5] RXFIM[4] RXOIM[3] RXUIM[2] TXOIM[1] TXEIM[0]", reset=0x3F)
    ISR = Register(0x30, access="ro")
    RISR = Register(0x34, access="ro")
    TXOICR = Register(0x38, access="ro")
    RXOICR = Register(0x3C, access="ro")
    RXUICR = Register(0x40, access="ro")
    MSTICR = Register(0x44, access="ro")
    ICR = Register(0x48, access="ro")
    DMACR = Register(0x4C, "TDMAE[1] RDMAE[0]")
    DMATDLR = Register(0x50, "DMATDL[7:0]")
    DMARDLR = Register(0x54, "DMARDL[7:0]")
    IDR = Register(0x58, access="ro", reset=0x51535049)
    VERSION = Register(0x5C, access="ro", reset=0x3430312A, name="SSI_VERSION_ID")
    DR = Bank(0x60, "DR{}", 36)
    RX_SAMPLE_DLY = Register(0xF0, "RSD[7:0]")
    SPI_CTRLR0 = Register(0xF4, "XIP_CMD[31:24] SPI_RXDS_EN[18] INST_DDR_EN[17] SPI_DDR_EN[16] "
                                "WAIT_CYCLES[15:11] INST_L[9:8] ADDR_L[5:2] TRANS_TYPE[1:0]",
                          reset=0x03000000)
    TXD_DRIVE_EDGE = Register(0xF8, "TDE[7:0]")

    def __init__(self, context: Context, chip: FlashChip) -> None:
        super().__init__("SSI", context)
        self.chip = chip
        self.received: deque[int] = deque()
        self.active = False
        self.forced: int | None = None

    def on_reset(self) -> None:
        self.received.clear()
        self.active, self.forced = False, None

    def force(self, level: int | None) -> None:
        """IO_QSPI forces chip select, or leaves it to the SSI."""
        if level != self.forced:
            self.forced = level
            self.finish()

    def finish(self) -> None:
        """The end of a transfer, unless chip select is held low."""
        if self.active and self.forced != 0:
            self.chip.deselect()
            self.active = False

    def write_SSIENR(self, written: int, before: int) -> None:
        if not self.SSIENR:
            self.finish()
            self.received.clear()

    def write_DR(self, number: int, written: int, before: int) -> None:
        self.DR[number] = 0
        mode = self.CTRLR0 >> 8 & 3
        if not self.SSIENR or self.forced == 1 or self.CTRLR0 & Ssi.CTRLR0["SPI_FRF"] or mode == 3:
            return  # addresses of the cache's own reads need no answer
        if not self.active:
            self.chip.select()
            self.active = True
        answer = self.chip.exchange(written & 0xFF)
        if mode != 1 and len(self.received) < 16:
            self.received.append(answer)

    def read_DR(self, number: int) -> int:
        return self.received.popleft() if self.received else 0

    def read_SR(self) -> int:
        self.finish()
        return 6 | bool(self.received) << 3 | (len(self.received) >= 16) << 4

    def read_RXFLR(self) -> int:
        return len(self.received)


@final
class QspiBank(Block):
    """IO_QSPI: the pads of the flash. select: called with the level that is forced on its chip
    select, None if none is."""

    replicate = True
    size = 0x1000
    STATUS = Bank(0x00, "GPIO_QSPI_{}_STATUS", 6, stride=8, access="ro")
    CTRL = Bank(0x04, "GPIO_QSPI_{}_CTRL", 6, "IRQOVER[29:28] INOVER[17:16] OEOVER[13:12] "
                "OUTOVER[9:8] FUNCSEL[4:0]", stride=8, reset=0x1F)
    INTR = Register(0x30, access="ro")
    INTE0 = Register(0x34, name="PROC0_INTE")
    INTF0 = Register(0x38, name="PROC0_INTF")
    INTS0 = Register(0x3C, access="ro", name="PROC0_INTS")
    INTE1 = Register(0x40, name="PROC1_INTE")
    INTF1 = Register(0x44, name="PROC1_INTF")
    INTS1 = Register(0x48, access="ro", name="PROC1_INTS")
    WAKE_INTE = Register(0x4C, name="DORMANT_WAKE_INTE")
    WAKE_INTF = Register(0x50, name="DORMANT_WAKE_INTF")
    WAKE_INTS = Register(0x54, access="ro", name="DORMANT_WAKE_INTS")

    def __init__(self, context: Context) -> None:
        super().__init__("IO_QSPI", context)
        self.select: Callable[[int | None], None] = lambda level: None

    def on_reset(self) -> None:
        self.select(None)

    def write_CTRL(self, number: int, written: int, before: int) -> None:
        if number == 1:  # chip select
            self.select((None, None, 0, 1)[self.CTRL[1] >> 8 & 3])


@final
class QspiPads(Block):
    """PADS_QSPI, stored only: nothing but the flash hangs there."""

    replicate = True
    size = 0x1000
    VOLTAGE_SELECT = Register(0x00, "VOLTAGE_SELECT[0]")
    SCLK = Register(0x04, "PAD[7:0]", reset=0x56, name="GPIO_QSPI_SCLK")
    SD = Bank(0x08, "GPIO_QSPI_SD{}", 4, "PAD[7:0]", reset=0x52)
    SS = Register(0x18, "PAD[7:0]", reset=0x5A, name="GPIO_QSPI_SS")


@final
class XipControl(Block):
    """XIP_CTRL: the cache, which is always right here, and its streaming reads."""

    replicate = True
    size = 0x1000
    CTRL = Register(0x00, "POWER_DOWN[3] ERR_BADWRITE[1] EN[0]", reset=3)
    FLUSH = Register(0x04, "FLUSH[0]=sc")
    STAT = Register(0x08, access="ro", reset=2)
    CTR_HIT = Register(0x0C, access="ro")
    CTR_ACC = Register(0x10, access="ro")
    STREAM_ADDR = Register(0x14, "STREAM_ADDR[31:2]")
    STREAM_CTR = Register(0x18, "STREAM_CTR[21:0]")
    STREAM_FIFO = Register(0x1C, access="ro")

    def __init__(self, context: Context, chip: FlashChip) -> None:
        super().__init__("XIP_CTRL", context)
        self.chip = chip

    def read_STAT(self) -> int:
        """The FIFO of a stream counts as full while words are left."""
        return 5 if self.STREAM_CTR else 3

    def read_FLUSH(self) -> int:
        return 0

    def read_STREAM_FIFO(self) -> int:
        if not self.STREAM_CTR:
            return 0
        offset = (self.STREAM_ADDR & 0x00FFFFFC) % len(self.chip.data)
        self.STREAM_ADDR += 4
        self.STREAM_CTR -= 1
        return int.from_bytes(self.chip.data[offset : offset + 4], "little")

    def write_CTR_HIT(self, written: int, before: int) -> None:
        """Any write clears the counter, which never counts."""

    def write_CTR_ACC(self, written: int, before: int) -> None:
        """As CTR_HIT."""
