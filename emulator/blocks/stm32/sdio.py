"""SDIO of STM32F4 (RM0090, chapter 31) with the card of a slot, see `wiring`.

Data move in pieces of half the FIFO, or of a block where DMA moves them, when their bits are over.
Cards for I/O, CE-ATA and the stream mode of multimedia cards are not modelled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.stm32.dma import Request
from mpy_cross.emulator.clock import SECOND, Alarm, Rate
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Bank, Register
from mpy_cross.emulator.wiring import SDCardSlot

CCRCFAIL, CTIMEOUT, DTIMEOUT, TXUNDERR, RXOVERR, CMDREND, CMDSENT, DATAEND = 1, 4, 8, 16, 32, 64, \
    128, 256
DBCKEND, CMDACT, TXACT, RXACT = 1 << 10, 1 << 11, 1 << 12, 1 << 13
TXFIFOHE, RXFIFOHF, TXFIFOF, RXFIFOF = 1 << 14, 1 << 15, 1 << 16, 1 << 17
TXFIFOE, RXFIFOE, TXDAVL, RXDAVL = 1 << 18, 1 << 19, 1 << 20, 1 << 21
QUEUE: Final = 0x3FC000
"""Flags of the FIFO, from TXFIFOHE to RXDAVL."""
CLEARED: Final = 0x00C007FF
"""Flags that are cleared by hand."""
WAITRESP, CPSMEN = 3 << 6, 1 << 10
DTEN, DTDIR, DMAEN = 1, 2, 8
CARD_CLOCK: Final = 48_000_000  # Hz, from the PLL
COMMAND, TIMEOUT = 48, 64  # clocks of a command, and of the wait for its response
WAIT: Final = 8  # clocks until a response begins; at least 2
ACCESS: Final = 2400  # clocks until a block begins that was asked for: 100 us at 24 MHz
FRAME: Final = 24  # clocks of start, check and end of a block, on each line
PROGRAM: Final = 100_000  # ns that a card is busy with a block; cards take up to 250 ms
WORDS: Final = 32  # of the FIFO
SHORT, LONG = 1, 3  # kinds of responses
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

    def __init__(self, name: str, context: Context, rate: Rate, request: Request,
                 slot: Callable[[], SDCardSlot | None]) -> None:
        super().__init__(name, context)
        self.rate, self.request, self.slot = rate, request, slot
        self.irq = Line(name)
        self.command: Alarm | None = None
        self.timeout: Alarm | None = None
        self.moving: Alarm | None = None
        self.fifo: deque[int] = deque()
        self.block = bytearray()  # what is under way, of one block
        self.at = 0  # bytes of it that are over
        self.reply: tuple[int, list[int]] = 0, []

    def update(self) -> None:
        """Flags of the FIFO, interrupt and request, after a change."""
        count, status = len(self.fifo), self.STA & ~QUEUE
        if status & TXACT:
            status |= (TXDAVL if count else TXFIFOE) | (TXFIFOHE if count <= WORDS - 8 else 0)
            status |= TXFIFOF if count >= WORDS else 0
        elif status & RXACT or count:
            status |= (RXDAVL if count else RXFIFOE) | (RXFIFOHF if count >= 8 else 0)
            status |= RXFIFOF if count >= WORDS else 0
        self.STA = status
        self.irq.set(self.enabled and bool(status & self.MASK))

    def raised(self, flags: int) -> None:
        self.STA |= flags
        self.update()

    def on_reset(self) -> None:
        if self.command is not None:
            self.command.cancel()
            self.command = None
        self.stop()
        self.fifo.clear()
        self.update()

    def clocks(self, count: int) -> int:
        """ns of so many clocks of the card."""
        divider = 1 if self.CLKCR & 0x400 else (self.CLKCR & 0xFF) + 2
        return count * divider * SECOND // CARD_CLOCK

    # ------------------------------------------------------------------------------- commands

    def write_CMD(self, written: int, before: int) -> None:
        if not self.CMD & CPSMEN or not self.CLKCR & 0x100:
            return
        kind = self.CMD >> 6 & 3
        slot = self.slot()
        answer = None if slot is None else slot.command(self.CMD & 0x3F, self.ARG)
        if kind not in (SHORT, LONG):
            clocks, flag = COMMAND, CMDSENT
        elif answer is None:
            clocks, flag = COMMAND + TIMEOUT, CTIMEOUT
        else:
            clocks = COMMAND + WAIT + (136 if kind == LONG else 48)
            # The response of ACMD41 has no check and no index.
            plain = self.CMD & 0x3F == 41
            flag = CCRCFAIL if plain else CMDREND
            words = [int.from_bytes(answer[n : n + 4], "big") for n in range(0, len(answer), 4)]
            self.reply = 0x3F if plain or kind == LONG else self.CMD & 0x3F, words
        self.raised(CMDACT)
        if self.command is not None:
            self.command.cancel()
        self.command = self.clock.after(self.clocks(clocks), lambda: self.command_over(flag))

    def command_over(self, flag: int) -> None:
        self.command = None
        if flag & (CMDREND | CCRCFAIL):
            self.RESPCMD, words = self.reply
            for n, word in enumerate(words):
                self.RESP[n] = word
        self.STA &= ~CMDACT
        self.raised(flag)
        self.begin()

    # ----------------------------------------------------------------------------------- data

    @property
    def lines(self) -> int:
        """Number of lines for data."""
        return (1, 4, 8, 1)[self.CLKCR >> 11 & 3]

    @property
    def block_size(self) -> int:
        """Bytes of a block."""
        return 1 << (self.DCTRL >> 4 & 15)

    def write_DCTRL(self, written: int, before: int) -> None:
        if not self.DCTRL & DTEN:
            self.stop()
        elif self.moving is None:
            # Also while it waits: drivers set DTEN again with each change of another bit.
            if self.DCTRL & 4:
                self.context.unmodelled(f"{self.name}.DCTRL stream mode", "write")
            self.stop()
            self.DCOUNT = self.DLEN
            self.fifo.clear()
            self.STA |= RXACT if self.DCTRL & DTDIR else TXACT
            self.timeout = self.clock.after(self.clocks(self.DTIMER), self.no_data)
            self.begin()
        self.serve()

    def stop(self) -> None:
        """The data path rests."""
        for alarm in (self.timeout, self.moving):
            if alarm is not None:
                alarm.cancel()
        self.timeout = self.moving = None
        self.block.clear()
        self.STA &= ~(RXACT | TXACT)
        self.request.set(False)
        self.update()

    def no_data(self) -> None:
        self.stop()
        self.raised(DTIMEOUT)

    def begin(self) -> None:
        """Begins with a block if both sides are ready for it."""
        if self.moving is not None or not self.DCOUNT or self.command is not None:
            return
        if self.STA & RXACT:
            slot = self.slot()
            data = None if slot is None else slot.give()
            if data is not None:
                if self.timeout is not None:
                    self.timeout.cancel()
                    self.timeout = None
                self.block[:], self.at = data, 0
                self.moving = self.clock.after(self.clocks(ACCESS) + self.piece(), self.received)
        elif self.STA & TXACT and self.fifo:
            if self.timeout is not None:
                self.timeout.cancel()
                self.timeout = None
            self.block.clear()
            self.moving = self.clock.after(self.piece(), self.sent)

    def piece(self) -> int:
        """ns of what moves at once."""
        size = self.block_size if self.DCTRL & DMAEN else min(self.block_size, 32)
        return self.clocks(size * 8 // self.lines)

    def received(self) -> None:
        """A piece of a block came from the card."""
        self.moving = None
        size = self.block_size if self.DCTRL & DMAEN else min(self.block_size, 32)
        piece = self.block[self.at : self.at + size]
        self.at += size
        for n in range(0, len(piece), 4):
            self.fifo.append(int.from_bytes(piece[n : n + 4], "little"))
        self.DCOUNT = max(self.DCOUNT - size, 0)
        if self.at < len(self.block) and self.DCOUNT:
            self.moving = self.clock.after(self.piece(), self.received)
        else:
            self.moving = self.clock.after(self.clocks(FRAME), self.block_in)
        self.serve()
        if len(self.fifo) > WORDS:
            self.stop()
            self.raised(RXOVERR)

    def block_in(self) -> None:
        self.moving = None
        self.block.clear()
        self.STA |= DBCKEND
        self.following()

    def sent(self) -> None:
        """A piece of a block has gone to the card."""
        self.moving = None
        size = self.block_size if self.DCTRL & DMAEN else min(self.block_size, 32)
        for _ in range(size // 4):
            if not self.fifo:
                self.stop()
                self.raised(TXUNDERR)
                return
            self.block += self.fifo.popleft().to_bytes(4, "little")
        self.DCOUNT = max(self.DCOUNT - size, 0)
        if len(self.block) < self.block_size and self.DCOUNT:
            self.moving = self.clock.after(self.piece(), self.sent)
        else:
            self.moving = self.clock.after(self.clocks(FRAME) + PROGRAM, self.block_out)
        self.serve()

    def block_out(self) -> None:
        self.moving = None
        slot = self.slot()
        taken = slot is not None and slot.take(bytes(self.block))
        self.block.clear()
        if not taken:
            self.no_data()
            return
        self.STA |= DBCKEND
        self.following()

    def following(self) -> None:
        """After a block: the next one, or the end."""
        if self.DCOUNT:
            self.timeout = self.clock.after(self.clocks(self.DTIMER), self.no_data)
            self.begin()
            self.serve()
            return
        received = self.STA & RXACT
        self.STA &= ~(RXACT | TXACT)
        self.STA |= DATAEND
        if received and self.DCTRL & DMAEN:
            self.request.last()
        self.update()

    # ----------------------------------------------------------------------------------- FIFO

    def serve(self) -> None:
        """Lets DMA move what it can."""
        if not self.DCTRL & DMAEN:
            self.request.set(False)
        elif self.STA & RXACT or not self.STA & TXACT:
            self.request.set(bool(self.fifo))
        else:
            self.request.set(self.wanted() > 0)
        self.update()

    def wanted(self) -> int:
        """Words that DMA is to bring for the block that is under way or begins."""
        rest = min(self.block_size - len(self.block), self.DCOUNT)
        return rest // 4 - len(self.fifo)

    def read_FIFO(self) -> int:
        value = self.fifo.popleft() if self.fifo else 0
        if self.request.level:
            if not self.fifo:
                self.request.level = False
        else:
            self.update()
        return value

    def write_FIFO(self, written: int, before: int) -> None:
        if not self.STA & TXACT:
            return
        self.fifo.append(written)
        if self.request.level and self.wanted() <= 0:
            self.request.level = False
            if 4 * len(self.fifo) >= self.DCOUNT:
                self.request.last()
        if self.moving is None:
            self.begin()
        self.update()

    def read_FIFOCNT(self) -> int:
        return self.DCOUNT + 3 >> 2

    def write_ICR(self, written: int, before: int) -> None:
        self.STA &= ~(written & CLEARED)
        self.update()

    def write_MASK(self, written: int, before: int) -> None:
        self.update()
