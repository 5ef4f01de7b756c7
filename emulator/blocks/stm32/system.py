"""Small system blocks of STM32F405: PWR, IWDG, RNG, DBGMCU (RM0090)."""

from __future__ import annotations

from random import Random
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
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
    CR = Register(0x04)  # what goes on in the sleep modes for a debugger, which there is not
    APB1_FZ = Todo(0x08)
    APB2_FZ = Todo(0x0C)
