"""bxCAN of STM32F4 (RM0090, chapter 32): mailboxes, filters, two receive FIFOs, loopback.

Whole frames on a bus of the host's making: `partner` is what else is on it.  Without anybody a
frame is never acknowledged, and the controller becomes error-passive.  Time-triggered mode is not
modelled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.clock import SECOND, Alarm, Rate
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Bank, Register

BANKS: Final = 28
DEPTH: Final = 3  # frames of a receive FIFO
INRQ, SLEEP, TXFP, RFLM, NART, ABOM, RESET = 1, 2, 4, 8, 16, 64, 1 << 15
INAK, SLAK, ERRI, WKUI, SLAKI = 1, 2, 4, 8, 16
LBKM, SILM = 1 << 30, 1 << 31
_TX: Final = " ".join(
    f"ABRQ{n}[{8 * n + 7}]=w1s TERR{n}[{8 * n + 3}]=w1c ALST{n}[{8 * n + 2}]=w1c "
    f"TXOK{n}[{8 * n + 1}]=w1c RQCP{n}[{8 * n}]=w1c" for n in range(3))


@final
class Frame(NamedTuple):
    """identifier: as the registers have it, standard in bits 31 to 21, extended in 31 to 3, with
    IDE and RTR in bits 2 and 1; data: up to eight bytes (for a remote frame their number only)."""

    identifier: int
    data: bytes


@final
class Filters:
    """The filter banks, which CAN1 and CAN2 share; they stand in CAN1."""

    def __init__(self) -> None:
        self.mode = self.scale = self.fifo = self.active = 0
        self.second = 14  # the first bank of CAN2
        self.values = [[0, 0] for _ in range(BANKS)]

    def match(self, frame: Frame, first: bool) -> tuple[int, int] | None:
        """FIFO and match index for a frame that some active filter lets through."""
        counts = [0, 0]
        begin, end = (0, self.second) if first else (self.second, BANKS)
        best: tuple[int, int, int] | None = None
        for n in range(begin, end):
            fifo = self.fifo >> n & 1
            listed, wide = self.mode >> n & 1, self.scale >> n & 1
            for at, hit in enumerate(self.hits(n, frame.identifier, listed, wide)):
                if hit and self.active >> n & 1:
                    # 32 bits before 16, lists before masks, then the lower number.
                    rank = 2 * (not wide) + (not listed)
                    if best is None or rank < best[0]:
                        best = rank, fifo, counts[fifo] + at
            counts[fifo] += (1 if wide else 2) << listed
        return None if best is None else best[1:]

    def hits(self, n: int, identifier: int, listed: int, wide: int) -> list[bool]:
        one, two = self.values[n]
        if wide:
            if listed:
                return [one ^ identifier < 2, two ^ identifier < 2]
            return [not (one ^ identifier) & two & ~1]
        # STID[10:0] RTR IDE EXID[17:15]
        short = (identifier >> 16 & 0xFFE0 | (identifier >> 1 & 1) << 4
                 | (identifier >> 2 & 1) << 3 | identifier >> 18 & 7)
        words = [one & 0xFFFF, one >> 16, two & 0xFFFF, two >> 16]
        if listed:
            return [word == short for word in words]
        return [not (words[0] ^ short) & words[1], not (words[2] ^ short) & words[3]]


@final
class Can(Block):
    """One controller.

    irqs: "TX", "RX0", "RX1", "SCE"; partner: called with each frame that is sent, True if somebody
    acknowledges it; None for an empty bus; sent: all frames that got through.
    """

    MCR = Register(0x00, "DBF[16] RESET[15]=sc TTCM[7] ABOM[6] AWUM[5] NART[4] RFLM[3] TXFP[2] "
                         "SLEEP[1] INRQ[0]", reset=0x10002)
    MSR = Register(0x04, "RX[11]=ro SAMP[10]=ro RXM[9]=ro TXM[8]=ro SLAKI[4]=w1c WKUI[3]=w1c "
                         "ERRI[2]=w1c SLAK[1]=ro INAK[0]=ro", reset=0xC02)
    TSR = Register(0x08, f"LOW[31:29]=ro TME[28:26]=ro CODE[25:24]=ro {_TX}", reset=0x1C000000)
    RFR = Bank(0x0C, "RF{}R", 2, "RFOM[5]=sc FOVR[4]=w1c FULL[3]=w1c FMP[1:0]=ro")
    IER = Register(0x14, "SLKIE[17] WKUIE[16] ERRIE[15] LECIE[11] BOFIE[10] EPVIE[9] EWGIE[8] "
                         "FOVIE1[6] FFIE1[5] FMPIE1[4] FOVIE0[3] FFIE0[2] FMPIE0[1] TMEIE[0]")
    ESR = Register(0x18, "REC[31:24]=ro TEC[23:16]=ro LEC[6:4] BOFF[2]=ro EPVF[1]=ro EWGF[0]=ro")
    BTR = Register(0x1C, "SILM[31] LBKM[30] SJW[25:24] TS2[22:20] TS1[19:16] BRP[9:0]",
                   reset=0x01230000)
    TIR = Bank(0x180, "TI{}R", 3, stride=16)
    TDTR = Bank(0x184, "TDT{}R", 3, "TIME[31:16] TGT[8] DLC[3:0]", stride=16)
    TDLR = Bank(0x188, "TDL{}R", 3, stride=16)
    TDHR = Bank(0x18C, "TDH{}R", 3, stride=16)
    RIR = Bank(0x1B0, "RI{}R", 2, stride=16, access="ro")
    RDTR = Bank(0x1B4, "RDT{}R", 2, stride=16, access="ro")
    RDLR = Bank(0x1B8, "RDL{}R", 2, stride=16, access="ro")
    RDHR = Bank(0x1BC, "RDH{}R", 2, stride=16, access="ro")
    FMR = Register(0x200, "KEPT[31:14]=ro CAN2SB[13:8] FINIT[0]", reset=0x2A1C0E01)
    FM1R = Register(0x204, "FBM[27:0]")
    FS1R = Register(0x20C, "FSC[27:0]")
    FFA1R = Register(0x214, "FFA[27:0]")
    FA1R = Register(0x21C, "FACT[27:0]")
    FR1 = Bank(0x240, "F{}R1", BANKS, stride=8)
    FR2 = Bank(0x244, "F{}R2", BANKS, stride=8)
    steady = (TSR, MSR)

    def __init__(self, name: str, context: Context, rate: Rate, filters: Filters,
                 first: bool) -> None:
        super().__init__(name, context)
        self.rate, self.filters, self.first = rate, filters, first
        self.irqs = {kind: Line(f"{name}_{kind}") for kind in ("TX", "RX0", "RX1", "SCE")}
        self.partner: Callable[[Frame], bool] | None = None
        self.sent: list[Frame] = []
        self.fifos: tuple[deque[tuple[Frame, int]], ...] = (deque(), deque())
        self.queue: list[int] = []  # mailboxes in the order of their requests
        self.sending: Alarm | None = None

    def update(self) -> None:
        enables, status, on = self.IER, self.MSR, self.enabled
        self.irqs["TX"].set(on and bool(self.TSR & 0x010101) and bool(enables & 1))
        for n in (0, 1):
            state = self.RFR[n]
            pending = (bool(state & 3) | bool(state & 8) << 1 | bool(state & 16) << 2) \
                & enables >> (1 + 3 * n)
            self.irqs[f"RX{n}"].set(on and bool(pending & 7))
        errors = status & ERRI and enables >> 15 & 1
        woken = (status & WKUI and enables >> 16 & 1) or (status & SLAKI and enables >> 17 & 1)
        self.irqs["SCE"].set(on and bool(errors or woken))

    def on_reset(self) -> None:
        if self.sending is not None:
            self.sending.cancel()
            self.sending = None
        self.queue.clear()
        for fifo in self.fifos:
            fifo.clear()
        self.update()

    @property
    def working(self) -> bool:
        return self.enabled and not self.MSR & (INAK | SLAK)

    def write_MCR(self, written: int, before: int) -> None:
        if written & RESET:
            self.reset()
            return
        state = self.MSR & ~(INAK | SLAK)
        if self.MCR & SLEEP:
            state |= SLAK
        elif self.MCR & INRQ:
            state |= INAK
        self.MSR = state
        if not state & (INAK | SLAK) and before & INRQ:
            self.ESR &= 0x70
        self.go_on()
        self.update()

    def write_MSR(self, written: int, before: int) -> None:
        self.update()

    def write_IER(self, written: int, before: int) -> None:
        self.update()

    def write_BTR(self, written: int, before: int) -> None:
        if not self.MSR & INAK:
            self.BTR = before

    # Sending.

    def write_TIR(self, n: int, written: int, before: int) -> None:
        if not before & 1 and written & 1:
            self.TSR &= ~(0xF << 8 * n | 1 << 26 + n)
            self.queue.append(n)
            self.go_on()
            self.update()

    def frame(self, n: int) -> Frame:
        length = min(self.TDTR[n] & 15, 8)
        data = (self.TDLR[n] | self.TDHR[n] << 32).to_bytes(8, "little")[:length]
        return Frame(self.TIR[n] & ~1, data)

    def time(self, frame: Frame) -> int:
        """ns of a frame, without stuffed bits."""
        bits = 47 + (20 if frame.identifier & 4 else 0)
        bits += 0 if frame.identifier & 2 else 8 * len(frame.data)
        quanta = (self.BTR >> 16 & 15) + (self.BTR >> 20 & 7) + 3
        cycles = bits * quanta * ((self.BTR & 0x3FF) + 1)
        return -(-cycles * SECOND // (self.rate.hz or 1))

    def go_on(self) -> None:
        """Sends the next frame, if there is one."""
        if self.sending is None and self.queue and self.working:
            n = self.queue[0]
            if not self.MCR & TXFP:
                n = min(self.queue, key=lambda each: (self.TIR[each], each))
            self.sending = self.clock.after(self.time(self.frame(n)), lambda: self.over(n))

    def over(self, n: int) -> None:
        """A frame is out: was it acknowledged?"""
        self.sending = None
        if n not in self.queue:
            self.go_on()
            return
        frame = self.frame(n)
        loop, silent = bool(self.BTR & LBKM), bool(self.BTR & SILM)
        done = loop or (not silent and self.partner is not None and self.partner(frame))
        if done:
            self.sent.append(frame)
            self.finish(n, 3)
            if loop:
                self.receive(frame)
        else:
            self.fail()
            if self.MCR & NART:
                self.finish(n, 1 | 8)
        if done or self.MCR & NART or (not silent and self.partner is not None):
            self.go_on()
        self.update()

    def finish(self, n: int, flags: int) -> None:
        """A mailbox is free again. flags: RQCP, TXOK, ALST, TERR."""
        if n in self.queue:
            self.queue.remove(n)
        self.TIR[n] &= ~1
        self.TSR = self.TSR & ~(0x8F << 8 * n) | flags << 8 * n | 1 << 26 + n

    def fail(self) -> None:
        """Nobody acknowledged: the counter goes up to error-passive, where it stays."""
        errors = 128
        self.ESR = self.ESR & 0xFF00FF8F | errors << 16 | 3 << 4 | 3
        if self.IER & 0xF00 & (0x300 | 0x800):
            self.MSR |= ERRI

    def write_TSR(self, written: int, before: int) -> None:
        for n in range(3):
            if written >> 8 * n & 1:
                self.TSR &= ~(0xF << 8 * n)
            if written >> 8 * n + 7 & 1:
                if n in self.queue:
                    self.finish(n, 1)
                else:
                    self.TSR &= ~(0x80 << 8 * n)
        self.update()

    def read_TSR(self) -> int:
        free = next((n for n in range(3) if self.TSR >> 26 + n & 1), 0)
        return self.TSR & ~(3 << 24) | free << 24

    # Receiving.

    def receive(self, frame: Frame) -> None:
        """A frame from the bus."""
        if not self.working:
            return
        found = self.filters.match(frame, self.first)
        if found is None:
            return
        n, index = found
        fifo = self.fifos[n]
        if len(fifo) == DEPTH:
            self.RFR[n] |= 16
            if not self.MCR & RFLM:
                fifo[-1] = frame, index
        else:
            fifo.append((frame, index))
        self.show(n)

    def show(self, n: int) -> None:
        """The registers of a FIFO show its first frame."""
        fifo = self.fifos[n]
        state = self.RFR[n] & ~3 | len(fifo)
        self.RFR[n] = state | 8 if len(fifo) == DEPTH else state
        if fifo:
            frame, index = fifo[0]
            data = int.from_bytes(frame.data, "little")
            self.RIR[n] = frame.identifier
            self.RDTR[n] = index << 8 | len(frame.data)
            self.RDLR[n], self.RDHR[n] = data & 0xFFFFFFFF, data >> 32
        self.update()

    def write_RFR(self, n: int, written: int, before: int) -> None:
        if written & 0x20 and self.fifos[n]:
            self.fifos[n].popleft()
            self.RFR[n] &= ~8
            self.show(n)
        self.update()

    # Filters: those of CAN1 are for both.

    def write_FMR(self, written: int, before: int) -> None:
        self.filters.second = min(self.FMR >> 8 & 0x3F, BANKS)

    def write_FM1R(self, written: int, before: int) -> None:
        self.filters.mode = self.FM1R

    def write_FS1R(self, written: int, before: int) -> None:
        self.filters.scale = self.FS1R

    def write_FFA1R(self, written: int, before: int) -> None:
        self.filters.fifo = self.FFA1R

    def write_FA1R(self, written: int, before: int) -> None:
        self.filters.active = self.FA1R

    def write_FR1(self, n: int, written: int, before: int) -> None:
        self.filters.values[n][0] = self.FR1[n]

    def write_FR2(self, n: int, written: int, before: int) -> None:
        self.filters.values[n][1] = self.FR2[n]
