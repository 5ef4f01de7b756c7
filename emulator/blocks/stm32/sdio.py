"""SDIO of STM32F4 (RM0090, chapter 31) without a card: commands end, responses never come."""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.clock import SECOND, Alarm, Rate
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Bank, Register

CTIMEOUT, DTIMEOUT, CMDSENT, CMDACT = 4, 8, 1 << 7, 1 << 11
WAITRESP, CPSMEN = 3 << 6, 1 << 10
CARD_CLOCK: Final = 48_000_000  # Hz, from the PLL
COMMAND, TIMEOUT = 48, 64  # clocks of a command, and of the wait for its response
_FLAGS: Final = ("CEATAEND[23] SDIOIT[22] RXDAVL[21] TXDAVL[20] RXFIFOE[19] TXFIFOE[18] "
                 "RXFIFOF[17] TXFIFOF[16] RXFIFOHF[15] TXFIFOHE[14] RXACT[13] TXACT[12] CMDACT[11] "
                 "DBCKEND[10] STBITERR[9] DATAEND[8] CMDSENT[7] CMDREND[6] RXOVERR[5] TXUNDERR[4] "
                 "DTIMEOUT[3] CTIMEOUT[2] DCRCFAIL[1] CCRCFAIL[0]")


@final
class Sdio(Block):
    """The interface. irq: its interrupt."""

    POWER = Register(0x00, "PWRCTRL[1:0]")
    CLKCR = Register(0x04, "HWFC_EN[14] NEGEDGE[13] WIDBUS[12:11] BYPASS[10] PWRSAV[9] CLKEN[8] "
                           "CLKDIV[7:0]")
    ARG = Register(0x08)
    CMD = Register(0x0C, "CEATACMD[14] nIEN[13] ENCMDcompl[12] SDIOSuspend[11] CPSMEN[10] "
                         "WAITPEND[9] WAITINT[8] WAITRESP[7:6] CMDINDEX[5:0]")
    RESPCMD = Register(0x10, access="ro")
    RESP = Bank(0x14, "RESP{}", 4, first=1, access="ro")
    DTIMER = Register(0x24)
    DLEN = Register(0x28, "DATALENGTH[24:0]")
    DCTRL = Register(0x2C, "SDIOEN[11] RWMOD[10] RWSTOP[9] RWSTART[8] DBLOCKSIZE[7:4] DMAEN[3] "
                           "DTMODE[2] DTDIR[1] DTEN[0]")
    DCOUNT = Register(0x30, access="ro")
    STA = Register(0x34, _FLAGS, access="ro", reset=0)
    ICR = Register(0x38, access="wo")
    MASK = Register(0x3C, _FLAGS)
    FIFOCNT = Register(0x48, access="ro")
    FIFO = Register(0x80)
    steady = (STA,)

    def __init__(self, name: str, context: Context, rate: Rate) -> None:
        super().__init__(name, context)
        self.rate = rate
        self.irq = Line(name)
        self.command: Alarm | None = None
        self.data: Alarm | None = None

    def update(self) -> None:
        self.irq.set(self.enabled and bool(self.STA & self.MASK))

    def on_reset(self) -> None:
        for alarm in (self.command, self.data):
            if alarm is not None:
                alarm.cancel()
        self.command = self.data = None
        self.update()

    def clocks(self, count: int) -> int:
        """ns of so many clocks of the card."""
        divider = 1 if self.CLKCR & 0x400 else (self.CLKCR & 0xFF) + 2
        return count * divider * SECOND // CARD_CLOCK

    def write_CMD(self, written: int, before: int) -> None:
        if not self.CMD & CPSMEN or not self.CLKCR & 0x100:
            return
        waits = self.CMD & WAITRESP not in (0, 2 << 6)
        self.STA |= CMDACT
        if self.command is not None:
            self.command.cancel()
        self.command = self.clock.after(
            self.clocks(COMMAND + (TIMEOUT if waits else 0)),
            lambda: self.command_over(CTIMEOUT if waits else CMDSENT))

    def command_over(self, flag: int) -> None:
        self.command = None
        self.STA = self.STA & ~CMDACT | flag
        self.update()

    def write_DCTRL(self, written: int, before: int) -> None:
        if self.DCTRL & 1 and not before & 1:
            self.data = self.clock.after(self.clocks(self.DTIMER), self.no_data)
        elif not self.DCTRL & 1 and self.data is not None:
            self.data.cancel()
            self.data = None

    def no_data(self) -> None:
        self.data = None
        self.STA |= DTIMEOUT
        self.update()

    def write_ICR(self, written: int, before: int) -> None:
        self.STA &= ~(written & 0x00C007FF)
        self.update()

    def write_MASK(self, written: int, before: int) -> None:
        self.update()
