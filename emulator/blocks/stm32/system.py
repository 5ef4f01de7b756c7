"""Small system blocks of STM32F405: PWR, FLASH, IWDG, RNG, DBGMCU (RM0090)."""

from __future__ import annotations

from random import Random
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.bus import Memory
from mpy_cross.emulator.clock import Alarm
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Register, Todo

LSI: Final = 32_000  # Hz, the watchdog's oscillator


@final
class Pwr(Block):
    """Power control (5.4): scaling is ready at once; DBP unlocks the backup domain."""

    CR = Register(0x00, "VOS[14] FPDS[9] DBP[8] PLS[7:5] PVDE[4] CSBF[3]=sc CWUF[2]=sc PDDS[1] "
                        "LPDS[0]", reset=0x4000)
    CSR = Register(0x04, "VOSRDY[14]=ro BRE[9] EWUP[8] BRR[3]=ro PVDO[2]=ro SBF[1]=ro WUF[0]=ro",
                   reset=0x4000)

    def write_CR(self, written: int, before: int) -> None:
        if written & Pwr.CR["CSBF"]:
            self.CSR &= ~Pwr.CSR["SBF"]
        if written & Pwr.CR["CWUF"]:
            self.CSR &= ~Pwr.CSR["WUF"]

    def write_CSR(self, written: int, before: int) -> None:
        self.CSR = self.CSR & ~8 | (self.CSR & Pwr.CSR["BRE"]) >> 6


# Sizes of the flash sectors in KiB: 0 to 11 of a part with 1 MiB.
SECTORS: Final = (16, 16, 16, 16, 64, 128, 128, 128, 128, 128, 128, 128)
KEYS: Final = (0x45670123, 0xCDEF89AB)
OPTION_KEYS: Final = (0x08192A3B, 0x4C5D6E7F)


@final
class Flash(Block):
    """Flash interface (3.8): wait states, the two locks, erasing of sectors and of everything.

    Erasing takes no time.  Programming by stores into the flash range is the core's part.
    """

    ACR = Register(0x00, "DCRST[12] ICRST[11] DCEN[10] ICEN[9] PRFTEN[8] LATENCY[2:0]")
    KEYR = Register(0x04, access="wo")
    OPTKEYR = Register(0x08, access="wo")
    SR = Register(0x0C, "BSY[16]=ro PGSERR[7]=w1c PGPERR[6]=w1c PGAERR[5]=w1c WRPERR[4]=w1c "
                        "OPERR[1]=w1c EOP[0]=w1c")
    CR = Register(0x10, "LOCK[31]=w1s ERRIE[25] EOPIE[24] STRT[16]=sc PSIZE[9:8] SNB[6:3] MER[2] "
                        "SER[1] PG[0]", reset=0x80000000)
    OPTCR = Register(0x14, "nWRP[27:16] RDP[15:8] nRST_STDBY[7] nRST_STOP[6] WDG_SW[5] "
                           "BOR_LEV[3:2] OPTSTRT[1]=sc OPTLOCK[0]=w1s", reset=0x0FFFAAED)

    def __init__(self, context: Context, memory: Memory) -> None:
        super().__init__("FLASH", context)
        self.memory = memory
        self.irq = Line("FLASH")
        self.keys = self.option_keys = 0

    def on_reset(self) -> None:
        self.keys = self.option_keys = 0
        self.irq.set(False)

    def write_KEYR(self, written: int, before: int) -> None:
        self.keys = self.keys + 1 if self.keys < 2 and written == KEYS[self.keys] else 9
        if self.keys == 2:
            self.CR &= ~Flash.CR["LOCK"]
            self.keys = 0

    def write_OPTKEYR(self, written: int, before: int) -> None:
        right = self.option_keys < 2 and written == OPTION_KEYS[self.option_keys]
        self.option_keys = self.option_keys + 1 if right else 9
        if self.option_keys == 2:
            self.OPTCR &= ~Flash.OPTCR["OPTLOCK"]
            self.option_keys = 0

    def write_CR(self, written: int, before: int) -> None:
        if before & Flash.CR["LOCK"]:
            self.CR = before
            return
        if not written & Flash.CR["STRT"]:
            return
        if self.CR & Flash.CR["MER"]:
            self.memory.buffer[:] = b"\xff" * self.memory.size
        elif self.CR & Flash.CR["SER"]:
            number = self.CR >> 3 & 15
            if number >= len(SECTORS):
                self.SR |= Flash.SR["PGSERR"]
                return
            start, size = sum(SECTORS[:number]) << 10, SECTORS[number] << 10
            self.memory.buffer[start : start + size] = b"\xff" * size
        if self.CR & Flash.CR["EOPIE"]:
            self.SR |= Flash.SR["EOP"]
            self.irq.set(True)

    def write_SR(self, written: int, before: int) -> None:
        self.irq.set(bool(self.SR & Flash.SR["EOP"]) and bool(self.CR & Flash.CR["EOPIE"]))

    def write_OPTCR(self, written: int, before: int) -> None:
        if before & Flash.OPTCR["OPTLOCK"]:
            self.OPTCR = before


@final
class Iwdg(Block):
    """Independent watchdog (21): bites unless it is fed. `bite` pulses when it resets the chip."""

    KR = Register(0x00, access="wo")
    PR = Register(0x04, "PR[2:0]")
    RLR = Register(0x08, "RL[11:0]", reset=0xFFF)
    SR = Register(0x0C, "RVU[1]=ro PVU[0]=ro")

    def __init__(self, context: Context) -> None:
        super().__init__("IWDG", context)
        self.bite = Line("IWDG")
        self.alarm: Alarm | None = None
        self.started = self.unlocked = False

    def on_reset(self) -> None:
        self.started = self.unlocked = False
        if self.alarm is not None:
            self.alarm.cancel()

    def feed(self) -> None:
        if self.alarm is not None:
            self.alarm.cancel()
        divider = 4 << min(self.PR, 6)
        self.alarm = self.clock.after((self.RLR + 1) * divider * 1_000_000_000 // LSI,
                                      self.bite.pulse)

    def write_KR(self, written: int, before: int) -> None:
        key = written & 0xFFFF
        self.unlocked = key == 0x5555
        if key == 0xCCCC:
            self.started = True
        if self.started and key in (0xCCCC, 0xAAAA):
            self.feed()

    def write_PR(self, written: int, before: int) -> None:
        if not self.unlocked:
            self.PR = before

    def write_RLR(self, written: int, before: int) -> None:
        if not self.unlocked:
            self.RLR = before


@final
class Rng(Block):
    """Random numbers (24): from a seeded generator, so that a run can be repeated."""

    CR = Register(0x00, "IE[3] RNGEN[2]")
    SR = Register(0x04, "SEIS[6]=w0c CEIS[5]=w0c SECS[2]=ro CECS[1]=ro DRDY[0]=ro")
    DR = Register(0x08, access="ro")

    def __init__(self, context: Context, seed: int = 1) -> None:
        super().__init__("RNG", context)
        self.seed = seed
        self.random = Random(seed)
        self.irq = Line("RNG")

    def write_CR(self, written: int, before: int) -> None:
        on = bool(self.CR & Rng.CR["RNGEN"])
        self.SR = self.SR & ~1 | on
        self.irq.set(on and bool(self.CR & Rng.CR["IE"]))

    def read_DR(self) -> int:
        return self.random.getrandbits(32) if self.CR & Rng.CR["RNGEN"] else 0


@final
class Dbgmcu(Block):
    """Debug support (38.6): the identity of the chip, a revision Z of STM32F405."""

    IDCODE = Register(0x00, "REV_ID[31:16]=ro DEV_ID[11:0]=ro", reset=0x10076413)
    CR = Todo(0x04)
    APB1_FZ = Todo(0x08)
    APB2_FZ = Todo(0x0C)
