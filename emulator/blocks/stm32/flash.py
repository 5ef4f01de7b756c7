"""Flash interface of STM32F4 (RM0090 and RM0383, chapter 3): locks, erasing, programming.

The chip executes from the flash that it changes, and fetches wait until the operation is over.  So
does the program here: time passes during the access that starts an operation, and BSY is never
seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.flash_cells import Cells
from mpy_cross.emulator.bus import Memory
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Register

LOCK, ERRIE, EOPIE, STRT, MER, SER, PG = 1 << 31, 1 << 25, 1 << 24, 1 << 16, 4, 2, 1  # of CR
PGSERR, PGPERR, PGAERR, OPERR, EOP = 1 << 7, 1 << 6, 1 << 5, 2, 1  # of SR
OPTLOCK: Final = 1  # of OPTCR

# Sizes of the flash sectors in KiB, for a part with 1 MiB; smaller parts have the first of them.
SECTORS: Final = (16, 16, 16, 16, 64, 128, 128, 128, 128, 128, 128, 128)
KEYS: Final = (0x45670123, 0xCDEF89AB)
OPTION_KEYS: Final = (0x08192A3B, 0x4C5D6E7F)

# Typical times in ns (datasheet DS8626, tables 38 and 39).  Erasing: by size of the sector in KiB
# and by PSIZE; with 64 bits at a time it is as long as with 32.
PROGRAM: Final = 16_000
_MS: Final = 1_000_000
ERASE: Final[dict[int, tuple[int, ...]]] = {
    16: (400 * _MS, 300 * _MS, 250 * _MS, 250 * _MS),
    64: (1200 * _MS, 700 * _MS, 550 * _MS, 550 * _MS),
    128: (2000 * _MS, 1300 * _MS, 1000 * _MS, 1000 * _MS),
}
ERASE_ALL: Final = (16000 * _MS, 11000 * _MS, 8000 * _MS, 8000 * _MS)
# PSIZE: which sizes of stores go with it.
SIZES: Final = ((1,), (2,), (4,), (4, 8))


@final
class Flash(Block):
    """The flash interface of a part.

    memory: the flash, once it is on the bus; changed: called with offset and size after the host
    changed code in it; operations: programmed units and erased sectors so far; guard: called
    with "program" or "erase", offset and size before each of them (what it raises cuts it off).
    """

    ACR = Register(0x00, "DCRST[12] ICRST[11] DCEN[10] ICEN[9] PRFTEN[8] LATENCY[3:0]")
    KEYR = Register(0x04, access="wo")
    OPTKEYR = Register(0x08, access="wo")
    SR = Register(0x0C, "BSY[16]=ro RDERR[8]=w1c PGSERR[7]=w1c PGPERR[6]=w1c PGAERR[5]=w1c "
                        "WRPERR[4]=w1c OPERR[1]=w1c EOP[0]=w1c")
    CR = Register(0x10, "LOCK[31]=w1s ERRIE[25] EOPIE[24] STRT[16]=sc PSIZE[9:8] SNB[6:3] MER[2] "
                        "SER[1] PG[0]", reset=0x80000000)
    OPTCR = Register(0x14, "SPRMOD[31] nWRP[27:16] RDP[15:8] nRST_STDBY[7] nRST_STOP[6] WDG_SW[5] "
                           "BOR_LEV[3:2] OPTSTRT[1]=sc OPTLOCK[0]=w1s", reset=0x0FFFAAED)

    memory: Memory
    timeless = True

    def __init__(self, context: Context, size: int = 1 << 20) -> None:
        super().__init__("FLASH", context)
        self.irq = Line("FLASH")
        self.keys = self.option_keys = 0
        self.sectors: list[tuple[int, int]] = []  # offset and size in bytes
        offset = 0
        for kib in SECTORS:
            if offset < size:
                self.sectors.append((offset, kib << 10))
                offset += kib << 10
        self.changed: Callable[[int, int], None] = lambda offset, size: None
        self.flash_cells = Cells()
        self.operations = 0
        self.guard: Callable[[str, int, int], None] | None = None

    def read(self, offset: int, size: int = 4) -> int:
        # These two are read ten times for each word that is programmed.
        if size == 4 and offset in (0x0C, 0x10):
            return self.values[offset]
        return super().read(offset, size)

    def on_reset(self) -> None:
        self.keys = self.option_keys = 0
        self.irq.set(False)

    def write_KEYR(self, written: int, before: int) -> None:
        self.keys = self.keys + 1 if self.keys < 2 and written == KEYS[self.keys] else 9
        if self.keys == 2:
            self.CR &= ~LOCK
            self.keys = 0

    def write_OPTKEYR(self, written: int, before: int) -> None:
        right = self.option_keys < 2 and written == OPTION_KEYS[self.option_keys]
        self.option_keys = self.option_keys + 1 if right else 9
        if self.option_keys == 2:
            self.OPTCR &= ~OPTLOCK
            self.option_keys = 0

    def write_CR(self, written: int, before: int) -> None:
        if before & LOCK:
            self.CR = before
        elif written & STRT:
            self.start()

    def start(self) -> None:
        """Erases what the control register says."""
        control = self.CR
        if control & MER:
            self.erase(0, self.memory.size, ERASE_ALL[control >> 8 & 3])
        elif control & SER:
            number = control >> 3 & 15
            if number >= len(self.sectors):
                self.SR |= PGSERR
                self.fail()
                return
            offset, size = self.sectors[number]
            self.erase(offset, size, ERASE[size >> 10][control >> 8 & 3])
        self.done()

    def erase(self, offset: int, size: int, duration: int) -> None:
        self.begin("erase", offset, size)
        self.memory.buffer[offset : offset + size] = self.flash_cells.settle(offset, b"\xff" * size)
        self.changed(offset, size)
        self.clock.advance(duration)

    def begin(self, kind: str, offset: int, size: int) -> None:
        self.operations += 1
        if self.guard is not None:
            self.guard(kind, offset, size)

    def done(self) -> None:
        if self.CR & EOPIE:
            self.SR |= EOP
            self.irq.set(True)

    def fail(self) -> None:
        if self.CR & ERRIE:
            self.SR |= OPERR
            self.irq.set(True)

    def store(self, offset: int, size: int, value: int) -> bool:
        """A store into the flash range: programs it. False while programming is off, where the chip
        only sets PGSERR: it is a mistake that one wants to see.

        The engine or the bus stores the value after this; what has to stay otherwise is put back
        before the next instruction.
        """
        error = 0
        control = self.CR
        if control & (LOCK | PG) != PG:
            return False
        if size not in SIZES[control >> 8 & 3]:
            error = PGPERR
        elif offset % size:
            error = PGAERR
        buffer = self.memory.buffer
        old = int.from_bytes(buffer[offset : offset + size], "little")
        result = old
        if error:
            self.SR |= error
            self.fail()
        else:
            self.begin("program", offset, size)
            written = self.flash_cells.settle(offset, (old & value).to_bytes(size, "little"))
            result = int.from_bytes(written, "little")
            self.clock.advance(PROGRAM)
            self.done()
        if result != value:
            data = result.to_bytes(size, "little")

            def put_back() -> None:
                buffer[offset : offset + size] = data

            self.clock.after(0, put_back)
        return True

    def write_SR(self, written: int, before: int) -> None:
        self.irq.set(bool(self.SR & (EOP | OPERR)))

    def write_OPTCR(self, written: int, before: int) -> None:
        if before & OPTLOCK:
            self.OPTCR = before
