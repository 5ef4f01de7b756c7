"""USB OTG FS of STM32F4 in device mode (RM0090, chapter 34): endpoints 0 to 3 and their FIFOs.

Host mode, isochronous transfers, suspend and DMA (which this controller has not) are not modelled.
"""

from __future__ import annotations

from collections import deque
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.stm32.otg_names import HOST_REGISTERS
from mpy_cross.emulator.clock import Alarm
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Bank, Register, Todo
from mpy_cross.emulator.usb.peripheral import Handshake, HostSide

ENDPOINTS: Final = 4
FIFOS: Final = 0x1000  # offset of the first; each takes 4 KiB
FIFO_END: Final = FIFOS * (ENDPOINTS + 1)
FRAME: Final = 1_000_000  # ns
ENABLE, DISABLE, SET_NAK, CLEAR_NAK = 1 << 31, 1 << 30, 1 << 27, 1 << 26
STALL, NAKED, ACTIVE = 1 << 21, 1 << 17, 1 << 15
COMPLETE, DISABLED, SETUP_DONE, FIFO_EMPTY = 1, 2, 8, 1 << 7  # of DIEPINT and DOEPINT
# PKTSTS of an entry in the receive FIFO.
OUT_DATA, OUT_COMPLETE, SETUP_COMPLETE, SETUP_DATA = 2, 3, 4, 6
_PACKET: Final = 1 << 19  # one, in the transfer size registers
_CONTROL: Final = ("EPENA[31]=w1s EPDIS[30]=sc SODDFRM[29]=sc SD0PID[28]=sc SNAK[27]=sc "
                   "CNAK[26]=sc TXFNUM[25:22] STALL[21] EPTYP[19:18] NAKSTS[17]=ro EONUM[16]=ro "
                   "USBAEP[15] MPSIZ[10:0]")


@final
class Entry:
    """Something in the receive FIFO: a packet, or that a transfer or a SETUP stage is over."""

    __slots__ = ("data", "endpoint", "kind")

    def __init__(self, endpoint: int, kind: int, data: bytes = b"") -> None:
        self.endpoint, self.kind, self.data = endpoint, kind, data

    def status(self) -> int:
        return self.kind << 17 | len(self.data) << 4 | self.endpoint

    def words(self) -> int:
        return 1 + (len(self.data) + 3 >> 2)


@final
class OtgFs(Block):
    """The controller. It implements `Peripheral`; irq: its interrupt."""

    size = 0x40000
    GOTGCTL = Register(0x00, "BSVLD[19]=ro ASVLD[18]=ro DBCT[17]=ro CIDSTS[16]=ro DHNPEN[11] "
                             "HSHNPEN[10] HNPRQ[9] HNGSCS[8]=ro SRQ[1] SRQSCS[0]=ro", reset=0x10800)
    GOTGINT = Register(0x04, "DBCDNE[19]=w1c ADTOCHG[18]=w1c HNGDET[17]=w1c HNSSCHG[9]=w1c "
                             "SRSSCHG[8]=w1c SEDET[2]=w1c")
    GAHBCFG = Register(0x08, "PTXFELVL[8] TXFELVL[7] GINT[0]")
    GUSBCFG = Register(0x0C, "CTXPKT[31] FDMOD[30] FHMOD[29] TRDT[13:10] HNPCAP[9] SRPCAP[8] "
                             "PHYSEL[6]=wo TOCAL[2:0]", reset=0xA00)
    GRSTCTL = Register(0x10, "AHBIDL[31]=ro TXFNUM[10:6] TXFFLSH[5]=sc RXFFLSH[4]=sc FCRST[2]=sc "
                             "HSRST[1]=sc CSRST[0]=sc", reset=0x80000000)
    GINTSTS = Register(0x14, "WKUPINT[31]=w1c SRQINT[30]=w1c DISCINT[29]=w1c CIDSCHG[28]=w1c "
                             "PTXFE[26]=ro HCINT[25]=ro HPRTINT[24]=ro IPXFR[21]=w1c "
                             "IISOIXFR[20]=w1c OEPINT[19]=ro IEPINT[18]=ro EOPF[15]=w1c "
                             "ISOODRP[14]=w1c ENUMDNE[13]=w1c USBRST[12]=w1c USBSUSP[11]=w1c "
                             "ESUSP[10]=w1c GONAKEFF[7]=ro GINAKEFF[6]=ro NPTXFE[5]=ro "
                             "RXFLVL[4]=ro SOF[3]=w1c OTGINT[2]=ro MMIS[1]=w1c CMOD[0]=ro",
                       reset=0x04000020)
    GINTMSK = Register(0x18)
    GRXSTSR = Register(0x1C, access="ro", name="GRXSTSR_Device")
    GRXSTSP = Register(0x20, access="ro", name="GRXSTSP_Device")
    GRXFSIZ = Register(0x24, width=16, reset=0x200)
    DIEPTXF0 = Register(0x28, "DEPTH[31:16] START[15:0]", reset=0x02000200)
    GNPTXSTS = Register(0x2C, access="ro", reset=0x80200)
    GCCFG = Register(0x38, "NOVBUSSENS[21] SOFOUTEN[20] VBUSBSEN[19] VBUSASEN[18] PWRDWN[16]")
    CID = Register(0x3C, reset=0x1200)
    HPTXFSIZ = Register(0x100, reset=0x02000600)
    DIEPTXF = Bank(0x104, "DIEPTXF{}", 15, first=1, reset=0x02000400)
    DCFG = Register(0x800, "PFIVL[12:11] DAD[10:4] NZLSOHSK[2] DSPD[1:0]", reset=0x02200000)
    DCTL = Register(0x804, "POPRGDNE[11] CGONAK[10]=sc SGONAK[9]=sc CGINAK[8]=sc SGINAK[7]=sc "
                           "TCTL[6:4] GONSTS[3]=ro GINSTS[2]=ro SDIS[1] RWUSIG[0]", reset=2)
    DSTS = Register(0x808, "FNSOF[21:8]=ro EERR[3]=ro ENUMSPD[2:1]=ro SUSPSTS[0]=ro", reset=0x6)
    DIEPMSK = Register(0x810)
    DOEPMSK = Register(0x814)
    DAINT = Register(0x818, access="ro")
    DAINTMSK = Register(0x81C)
    DVBUSDIS = Register(0x828, reset=0x17D7)
    DVBUSPULSE = Register(0x82C, reset=0x5B8)
    DIEPEMPMSK = Register(0x834)
    DIEPCTL = Bank(0x900, "DIEPCTL{}", ENDPOINTS, _CONTROL, stride=0x20)
    DIEPINT = Bank(0x908, "DIEPINT{}", ENDPOINTS, "FLAGS[13:8]=w1c TXFE[7]=ro EVENTS[6:0]=w1c",
                   stride=0x20, reset=0x80)
    DIEPTSIZ = Bank(0x910, "DIEPTSIZ{}", ENDPOINTS, stride=0x20)
    DTXFSTS = Bank(0x918, "DTXFSTS{}", ENDPOINTS, access="ro", stride=0x20)
    DOEPCTL = Bank(0xB00, "DOEPCTL{}", ENDPOINTS, _CONTROL, stride=0x20)
    DOEPINT = Bank(0xB08, "DOEPINT{}", ENDPOINTS, access="w1c", stride=0x20)
    DOEPTSIZ = Bank(0xB10, "DOEPTSIZ{}", ENDPOINTS, stride=0x20)
    PCGCCTL = Register(0xE00, "PHYSUSP[4]=ro GATEHCLK[1] STPPCLK[0]")
    registers = tuple(Todo(offset, name=name) for name, offset in HOST_REGISTERS)

    def __init__(self, name: str, context: Context) -> None:
        super().__init__(name, context)
        self.irq = Line(name)
        self.host: HostSide | None = None
        self.plugged = False
        self.received: deque[Entry] = deque()
        self.coming = b""  # of the entry that was popped, what has not been read yet
        self.sending = [bytearray() for _ in range(ENDPOINTS)]  # the transmit FIFOs
        self.began = 0  # time of the first frame
        self.running = False  # the host sends frames
        self.frames: Alarm | None = None

    # The host's side.

    @property
    def pulled_up(self) -> bool:
        return (self.enabled and not self.DCTL & OtgFs.DCTL["SDIS"]
                and bool(self.GCCFG & OtgFs.GCCFG["PWRDWN"]))

    def plug(self, plugged: bool) -> None:
        self.plugged = plugged
        session = OtgFs.GOTGCTL["BSVLD"] | OtgFs.GOTGCTL["ASVLD"]
        if plugged:
            self.GOTGCTL |= session
            self.GINTSTS |= OtgFs.GINTSTS["SRQINT"]
        else:
            self.GOTGCTL &= ~session
            self.GOTGINT |= OtgFs.GOTGINT["SEDET"]
            self.run_frames(False)
        self.update()

    def reset(self, active: bool | None = None) -> None:
        """A reset of the bus by the host; without an argument, of the block."""
        if active is None:
            super().reset()
        elif active:
            self.run_frames(False)
            self.flush(16)
            self.received.clear()
            self.coming = b""
            for n in range(ENDPOINTS):
                for bank in (self.DIEPCTL, self.DOEPCTL):
                    bank[n] &= ~(ENABLE | STALL | NAKED) if n else ~(ENABLE | STALL)
            self.DCFG &= ~OtgFs.DCFG["DAD"]
            self.GINTSTS |= OtgFs.GINTSTS["USBRST"]
            self.update()
        else:
            self.run_frames(True)
            self.GINTSTS |= OtgFs.GINTSTS["ENUMDNE"]
            self.update()

    def fits(self, data: bytes) -> bool:
        """Is there room in the receive FIFO for a packet and the two entries that follow it?"""
        used = sum(entry.words() for entry in self.received) + (len(self.coming) + 3 >> 2)
        return used + (len(data) + 3 >> 2) + 3 <= self.GRXFSIZ

    def setup(self, endpoint: int, data: bytes) -> Handshake:
        if not self.fits(data):
            return Handshake.NAK
        self.DIEPCTL[0] = self.DIEPCTL[0] & ~STALL | NAKED
        self.DOEPCTL[0] = self.DOEPCTL[0] & ~STALL | NAKED
        self.received.append(Entry(0, SETUP_DATA, data))
        self.received.append(Entry(0, SETUP_COMPLETE))
        self.update()
        return Handshake.ACK

    def take(self, endpoint: int, data: bytes) -> Handshake:
        if endpoint >= ENDPOINTS:
            return Handshake.STALL
        control, size = self.DOEPCTL[endpoint], self.DOEPTSIZ[endpoint]
        if control & STALL:
            return Handshake.STALL
        if not control & ENABLE or control & NAKED or not self.fits(data):
            return Handshake.NAK
        self.received.append(Entry(endpoint, OUT_DATA, data))
        left = max((size & 0x7FFFF) - len(data), 0)
        packets = max((size >> 19 & 0x3FF) - 1, 0)
        self.DOEPTSIZ[endpoint] = size & 0xE0000000 | packets << 19 | left
        if not packets or len(data) < self.packet_size(endpoint, control):
            self.DOEPCTL[endpoint] |= NAKED
            self.received.append(Entry(endpoint, OUT_COMPLETE))
        self.update()
        return Handshake.ACK

    def give(self, endpoint: int) -> bytes | Handshake:
        if endpoint >= ENDPOINTS:
            return Handshake.STALL
        control, size = self.DIEPCTL[endpoint], self.DIEPTSIZ[endpoint]
        if control & STALL:
            return Handshake.STALL
        packets = size >> 19 & 0x3FF
        if not control & ENABLE or control & NAKED or not packets:
            return Handshake.NAK
        fifo = self.sending[endpoint]
        # The size register counts down as the program fills the FIFO: what is left there is not
        # here yet, so a short packet waits until it is 0.
        full = self.packet_size(endpoint, control)
        if len(fifo) < full and size & 0x7FFFF:
            return Handshake.NAK
        data = bytes(fifo[:full])
        del fifo[: -(-len(data) // 4) * 4]
        packets -= 1
        self.DIEPTSIZ[endpoint] = size & ~(0x3FF << 19) | packets << 19
        if not packets:
            self.DIEPCTL[endpoint] &= ~ENABLE
            self.DIEPINT[endpoint] |= COMPLETE
            fifo.clear()
        self.update()
        return data

    def packet_size(self, endpoint: int, control: int) -> int:
        return control & 0x7FF if endpoint else 64 >> (control & 3)

    # Inside.

    def update(self) -> None:
        """Flags that follow from others, and the interrupt."""
        events = 0
        empty_mask, in_mask, out_mask = self.DIEPEMPMSK, self.DIEPMSK, self.DOEPMSK
        wholly = self.GAHBCFG & _TXFELVL
        values = self.values
        for n in range(ENDPOINTS):
            place, other, depth = _PLACES[n]
            flags = values[place] & ~FIFO_EMPTY
            used = len(self.sending[n]) + 3 >> 2
            # A transmit FIFO is empty, or half empty if that is what counts.
            if not used or (not wholly and used <= values[depth] >> 17):
                flags |= FIFO_EMPTY
            values[place] = flags
            if flags & (in_mask | (FIFO_EMPTY if empty_mask >> n & 1 else 0)):
                events |= 1 << n
            if values[other] & out_mask:
                events |= 0x10000 << n
        self.DAINT = events
        events &= self.DAINTMSK
        status = self.GINTSTS & ~(0xC0000 | 0x14)
        status |= (bool(events & 0xFFFF) << 18 | bool(events >> 16) << 19
                   | bool(self.received) << 4 | bool(self.GOTGINT) << 2)
        self.GINTSTS = status
        self.irq.set(self.enabled and bool(self.GAHBCFG & 1) and bool(status & self.GINTMSK))

    def depth(self, n: int) -> int:
        """Size of a transmit FIFO in words."""
        return (self.DIEPTXF[n - 1] if n else self.DIEPTXF0) >> 16

    def flush(self, number: int) -> None:
        for n in range(ENDPOINTS):
            if number in (n, 16):
                self.sending[n].clear()

    def run_frames(self, running: bool) -> None:
        self.running, self.began = running, self.clock.now
        self.plan_frames()

    def plan_frames(self) -> None:
        """An alarm for the next frame, while its interrupt is wanted."""
        wanted = self.running and bool(self.GINTMSK & OtgFs.GINTSTS["SOF"])
        if wanted and self.frames is None:
            passed = (self.clock.now - self.began) // FRAME
            self.frames = self.clock.at(self.began + (passed + 1) * FRAME, self.new_frame)
        elif not wanted and self.frames is not None:
            self.frames.cancel()
            self.frames = None

    def new_frame(self) -> None:
        self.frames = None
        self.GINTSTS |= OtgFs.GINTSTS["SOF"]
        self.update()
        self.plan_frames()

    def wake(self) -> None:
        if self.host is not None:
            self.host.wake()

    def pull(self, before: bool) -> None:
        """The pull-up may have changed."""
        if self.pulled_up != before and self.host is not None:
            self.host.pulled(not before)

    # FIFOs.

    def read(self, offset: int, size: int = 4) -> int:
        if offset < FIFOS:
            return super().read(offset, size)
        if not self.enabled or offset >= FIFO_END:
            return 0
        value = int.from_bytes(self.coming[:4], "little")
        self.coming = self.coming[4:]
        return value

    def write(self, offset: int, size: int, value: int) -> None:
        if offset < FIFOS:
            super().write(offset, size, value)
        elif self.enabled and offset < FIFO_END:
            n = (offset >> 12) - 1
            fifo, left = self.sending[n], self.DIEPTSIZ[n]
            count = left & 0x7FFFF
            self.DIEPTSIZ[n] = left & ~0x7FFFF | max(count - 4, 0)
            fifo += value.to_bytes(4, "little")[: min(count, 4)]
            if count <= 4 or len(fifo) >= self.packet_size(n, self.DIEPCTL[n]):
                self.update()
                self.wake()

    # Registers.

    def on_reset(self) -> None:
        self.received.clear()
        self.coming = b""
        self.flush(16)
        self.running = False
        self.plan_frames()
        if self.plugged:
            self.GOTGCTL |= OtgFs.GOTGCTL["BSVLD"] | OtgFs.GOTGCTL["ASVLD"]
        self.update()
        if self.host is not None:
            self.host.pulled(False)

    def on_enable(self) -> None:
        self.update()
        if self.host is not None and not self.enabled:
            self.host.pulled(False)

    def read_GRXSTSR(self) -> int:
        return self.received[0].status() if self.received else 0

    def read_GRXSTSP(self) -> int:
        if not self.received:
            return 0
        entry = self.received.popleft()
        self.coming = entry.data
        if entry.kind == OUT_COMPLETE:
            self.DOEPCTL[entry.endpoint] &= ~ENABLE
            self.DOEPINT[entry.endpoint] |= COMPLETE
        elif entry.kind == SETUP_COMPLETE:
            self.DOEPINT[0] |= SETUP_DONE
        self.update()
        self.wake()
        return entry.status()

    def read_DSTS(self) -> int:
        frame = (self.clock.now - self.began) // FRAME & 0x7FF if self.running else 0
        return self.DSTS & ~OtgFs.DSTS["FNSOF"] | frame << 8

    def read_DTXFSTS(self, n: int) -> int:
        return max(self.depth(n) - (len(self.sending[n]) + 3 >> 2), 0)

    def write_GRSTCTL(self, written: int, before: int) -> None:
        if written & OtgFs.GRSTCTL["CSRST"]:
            kept = self.GUSBCFG, self.GCCFG
            self.reset()
            self.GUSBCFG, self.GCCFG = kept
        if written & OtgFs.GRSTCTL["TXFFLSH"]:
            self.flush(written >> 6 & 31)
        if written & OtgFs.GRSTCTL["RXFFLSH"]:
            self.received.clear()
            self.coming = b""
        self.update()

    def write_GINTSTS(self, written: int, before: int) -> None:
        self.update()

    def write_GOTGINT(self, written: int, before: int) -> None:
        self.update()

    def write_GAHBCFG(self, written: int, before: int) -> None:
        self.update()

    def write_GINTMSK(self, written: int, before: int) -> None:
        self.plan_frames()
        self.update()

    def write_DIEPMSK(self, written: int, before: int) -> None:
        self.update()

    def write_DOEPMSK(self, written: int, before: int) -> None:
        self.update()

    def write_DAINTMSK(self, written: int, before: int) -> None:
        self.update()

    def write_DIEPEMPMSK(self, written: int, before: int) -> None:
        self.update()

    def write_DIEPINT(self, n: int, written: int, before: int) -> None:
        self.update()

    def write_DOEPINT(self, n: int, written: int, before: int) -> None:
        self.update()

    def write_GCCFG(self, written: int, before: int) -> None:
        after, self.GCCFG = self.GCCFG, before
        was = self.pulled_up
        self.GCCFG = after
        self.pull(was)

    def write_DCTL(self, written: int, before: int) -> None:
        after, self.DCTL = self.DCTL, before
        was = self.pulled_up
        for bit, name in ((9, "GONSTS"), (7, "GINSTS")):
            if written >> bit & 1:
                after |= OtgFs.DCTL[name]
            if written >> bit + 1 & 1:
                after &= ~OtgFs.DCTL[name]
        self.DCTL = after
        self.pull(was)

    def controlled(self, control: int, written: int) -> int:
        """The NAK bit after a write to a control register."""
        if written & SET_NAK:
            control |= NAKED
        if written & CLEAR_NAK:
            control &= ~NAKED
        return control

    def write_DIEPCTL(self, n: int, written: int, before: int) -> None:
        control = self.controlled(self.DIEPCTL[n], written)
        if written & DISABLE and control & ENABLE:
            control &= ~ENABLE
            self.DIEPINT[n] |= DISABLED
        self.DIEPCTL[n] = control | ACTIVE if n == 0 else control
        self.update()
        self.wake()

    def write_DOEPCTL(self, n: int, written: int, before: int) -> None:
        control = self.controlled(self.DOEPCTL[n], written)
        if written & DISABLE and control & ENABLE and n:
            control &= ~ENABLE
            self.DOEPINT[n] |= DISABLED
        self.DOEPCTL[n] = control | ACTIVE if n == 0 else control
        self.update()
        self.wake()


_TXFELVL: Final = OtgFs.GAHBCFG["TXFELVL"]
_PLACES: Final = tuple(
    (OtgFs.DIEPINT.rows[n].offset, OtgFs.DOEPINT.rows[n].offset,
     (OtgFs.DIEPTXF.rows[n - 1] if n else OtgFs.DIEPTXF0).offset)
    for n in range(ENDPOINTS))
"""Of each endpoint: offsets of its flags, in and out, and of the size of its transmit FIFO."""
