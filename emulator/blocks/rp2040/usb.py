"""USB of RP2040 in device mode (RP2040 datasheet, 4.1)."""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.clock import Alarm
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Bank, Register
from mpy_cross.emulator.usb.peripheral import Handshake, HostSide

MEMORY: Final = 0x50100000
MEMORY_SIZE: Final = 0x1000
FRAME: Final = 1_000_000  # ns
ENDPOINTS: Final = 16

# Layout of the memory: the SETUP packet, control words of endpoints 1 to 15 and of all buffers,
# each for IN and OUT, the buffer of endpoint 0.
BUFFERS, DATA, BUFFER_0 = 0x80, 0x100, 0x100
# Of a control word of an endpoint.
EP_ON, EP_DOUBLE, EP_EVERY, EP_EVERY_TWO = 1 << 31, 1 << 30, 1 << 29, 1 << 28
# Of a buffer's half word.
FULL, LAST, SELECT_0, STALLS, AVAILABLE, LENGTH = 1 << 15, 1 << 14, 1 << 12, 1 << 11, 1 << 10, 0x3FF
PULL_UP, EP0_EVERY = 1 << 16, 1 << 29  # of SIE_CTRL
# Of SIE_STATUS.
BUS_RESET, COMPLETE, SETUP, CONNECTED, RESUMED, SUSPENDED, VBUS = (
    1 << 19, 1 << 18, 1 << 17, 1 << 16, 1 << 11, 1 << 4, 1)
# Bits of INTR, and those of SIE_STATUS that they come from.
I_BUFFER, I_SOF, I_ABORTED = 1 << 4, 1 << 17, 1 << 18
FROM_STATUS: Final = ((BUS_RESET, 1 << 12), (COMPLETE, 1 << 3), (SETUP, 1 << 16),
                      (RESUMED, 1 << 15), (SUSPENDED, 1 << 14))


@final
class Usb(Block):
    """The controller, and its memory, whose control words it looks at when they are written.

    memory: the bytes; host: what the cable leads to, None while nothing listens.
    """

    replicate = True
    size = 0x1000
    ADDR_ENDP = Bank(0x00, "ADDR_ENDP{}", ENDPOINTS)
    MAIN_CTRL = Register(0x40, "SIM_TIMING[31] HOST_NDEVICE[1] CONTROLLER_EN[0]")
    SOF_WR = Register(0x44, access="wo")
    SOF_RD = Register(0x48, access="ro")
    SIE_CTRL = Register(0x4C)
    SIE_STATUS = Register(0x50, "DATA_SEQ_ERROR[31]=w1c ACK_REC[30]=w1c STALL_REC[29]=w1c "
                          "NAK_REC[28]=w1c RX_TIMEOUT[27]=w1c RX_OVERFLOW[26]=w1c "
                          "BIT_STUFF_ERROR[25]=w1c CRC_ERROR[24]=w1c BUS_RESET[19]=w1c "
                          "TRANS_COMPLETE[18]=w1c SETUP_REC[17]=w1c CONNECTED[16]=ro "
                          "RESUME[11]=w1c VBUS_OVER_CURR[10]=ro SPEED[9:8]=ro SUSPENDED[4]=w1c "
                          "LINE_STATE[3:2]=ro VBUS_DETECTED[0]=ro")
    INT_EP_CTRL = Register(0x54, "INT_EP_ACTIVE[15:1]")
    BUFF_STATUS = Register(0x58, "BUFF[31:0]=w1c")
    SHOULD_HANDLE = Register(0x5C, access="ro", name="BUFF_CPU_SHOULD_HANDLE")
    EP_ABORT = Register(0x60)
    EP_ABORT_DONE = Register(0x64, "DONE[31:0]=w1c")
    EP_STALL_ARM = Register(0x68, "EP0_OUT[1] EP0_IN[0]")
    NAK_POLL = Register(0x6C, "DELAY_FS[25:16] DELAY_LS[9:0]", reset=0x100010)
    STALL_NAK = Register(0x70, "EP[31:0]=w1c", name="EP_STATUS_STALL_NAK")
    MUXING = Register(0x74, "SOFTCON[3] TO_DIGITAL_PAD[2] TO_EXTPHY[1] TO_PHY[0]",
                      name="USB_MUXING")
    PWR = Register(0x78, "OVERCURR_DETECT_EN[5] OVERCURR_DETECT[4] VBUS_DETECT_OVERRIDE_EN[3] "
                         "VBUS_DETECT[2] VBUS_EN_OVERRIDE_EN[1] VBUS_EN[0]", name="USB_PWR")
    PHY_DIRECT = Register(0x7C, name="USBPHY_DIRECT")
    PHY_OVERRIDE = Register(0x80, name="USBPHY_DIRECT_OVERRIDE")
    PHY_TRIM = Register(0x84, reset=0x1F1F, name="USBPHY_TRIM")
    GAP = Register(0x88, access="ro")  # nothing is there; programs clear the block as a whole
    INTR = Register(0x8C, access="ro")
    INTE = Register(0x90, "INTE[19:0]")
    INTF = Register(0x94, "INTF[19:0]")
    INTS = Register(0x98, access="ro")

    def __init__(self, context: Context) -> None:
        super().__init__("USB", context)
        self.memory = bytearray(MEMORY_SIZE)
        self.host: HostSide | None = None
        self.irq = Line("USBCTRL_IRQ")
        self.plugged = False
        self.was_up = self.resetting = False
        self.frame: Alarm | None = None
        self.sof = False
        self.selected = [0] * (2 * ENDPOINTS)  # the buffer of a double one that is next

    def on_reset(self) -> None:
        self.selected = [0] * (2 * ENDPOINTS)
        self.sof = False
        self.SIE_STATUS = VBUS if self.plugged else 0
        self.pull()
        self.update()

    def on_enable(self) -> None:
        self.pull()

    # Memory: bytes that the cores and the controller share.

    def load_memory(self, offset: int, size: int) -> int:
        return int.from_bytes(self.memory[offset : offset + size], "little")

    def store_memory(self, offset: int, size: int, value: int) -> None:
        self.memory[offset : offset + size] = value.to_bytes(size, "little")
        if BUFFERS <= offset < DATA:
            self.offered((offset - BUFFERS) >> 2)

    def word(self, offset: int) -> int:
        return int.from_bytes(self.memory[offset : offset + 4], "little")

    def half(self, number: int, buffer: int) -> int:
        """Control of one buffer."""
        at = BUFFERS + 4 * number + 2 * buffer
        return int.from_bytes(self.memory[at : at + 2], "little")

    def set_half(self, number: int, buffer: int, value: int) -> None:
        at = BUFFERS + 4 * number + 2 * buffer
        self.memory[at : at + 2] = value.to_bytes(2, "little")

    def offered(self, number: int) -> None:
        """The program wrote the control word of a buffer; number: endpoint times 2, plus 1 for
        OUT."""
        control = self.half(number, 0)
        if control & SELECT_0:
            self.selected[number] = 0
            self.set_half(number, 0, control & ~SELECT_0)
        if self.host is not None and (self.half(number, 0) | self.half(number, 1)) & (
                AVAILABLE | STALLS):
            self.host.wake()

    # Interrupts.

    def pending(self) -> int:
        status = self.SIE_STATUS
        value = sum(bit for flag, bit in FROM_STATUS if status & flag)
        if self.BUFF_STATUS:
            value |= I_BUFFER
        if self.EP_ABORT_DONE:
            value |= I_ABORTED
        return value | (I_SOF if self.sof else 0)

    def update(self) -> None:
        self.irq.set(bool(self.read_INTS()))

    def read_INTR(self) -> int:
        return self.pending()

    def read_INTS(self) -> int:
        return self.pending() & self.INTE | self.INTF

    def write_INTE(self, written: int, before: int) -> None:
        self.frames()
        self.update()

    def write_INTF(self, written: int, before: int) -> None:
        self.update()

    def read_SIE_STATUS(self) -> int:
        line = 1 if self.pulled_up and self.plugged and not self.resetting else 0  # J or SE0
        return self.SIE_STATUS | line << 2

    def write_SIE_STATUS(self, written: int, before: int) -> None:
        self.update()

    def write_BUFF_STATUS(self, written: int, before: int) -> None:
        self.update()

    def write_EP_ABORT(self, written: int, before: int) -> None:
        self.EP_ABORT_DONE |= self.EP_ABORT
        self.update()

    def write_EP_ABORT_DONE(self, written: int, before: int) -> None:
        self.update()

    def write_EP_STALL_ARM(self, written: int, before: int) -> None:
        if self.host is not None:
            self.host.wake()

    # Frames: every millisecond, if the program wants to know.

    def frames(self) -> None:
        wanted = bool(self.INTE & I_SOF) and self.SIE_STATUS & CONNECTED
        if wanted and self.frame is None:
            self.frame = self.clock.at((self.clock.now // FRAME + 1) * FRAME, self.frame_begins)

    def frame_begins(self) -> None:
        self.frame = None
        if self.INTE & I_SOF and self.SIE_STATUS & CONNECTED:
            self.sof = True
            self.update()
            self.frames()

    def read_SOF_RD(self) -> int:
        self.sof = False
        self.update()
        return self.clock.now // FRAME & 0x7FF

    # The cable, and what the host does with it.

    @property
    def pulled_up(self) -> bool:
        return bool(self.enabled and self.SIE_CTRL & PULL_UP and self.MAIN_CTRL & 1)

    def pull(self) -> None:
        """Tells the host about the pull-up resistor."""
        up = self.pulled_up
        if up != self.was_up:
            self.was_up = up
            if not up:
                self.SIE_STATUS &= ~CONNECTED
            if self.host is not None:
                self.host.pulled(up)

    def write_MAIN_CTRL(self, written: int, before: int) -> None:
        if self.MAIN_CTRL & 2:
            self.context.unmodelled("USB as a host", "use")
        self.pull()

    def write_SIE_CTRL(self, written: int, before: int) -> None:
        self.pull()

    def plug(self, plugged: bool) -> None:
        self.plugged = plugged
        self.SIE_STATUS = self.SIE_STATUS & ~VBUS | plugged
        if not plugged:
            self.SIE_STATUS &= ~CONNECTED
        self.update()

    def reset(self, active: bool | None = None) -> None:
        """Of the block; with `active`, the host begins or ends a reset of the bus."""
        if active is None:
            super().reset()
        elif active:
            self.resetting = True
            self.ADDR_ENDP[0] = 0
            self.SIE_STATUS |= BUS_RESET
            self.update()
        else:
            self.resetting = False
            self.SIE_STATUS |= CONNECTED
            self.frames()

    def setup(self, endpoint: int, data: bytes) -> Handshake:
        if not self.enabled:
            return Handshake.NAK
        self.memory[:8] = data
        self.EP_STALL_ARM = 0
        self.SIE_STATUS |= SETUP
        self.update()
        return Handshake.ACK

    def ready(self, number: int) -> tuple[int, int, int] | Handshake:
        """The buffer for a transaction: which one, its control and its place."""
        if not self.enabled:
            return Handshake.NAK
        endpoint = number >> 1
        control = self.word(4 * number) if endpoint else 0
        if endpoint and not control & EP_ON:
            return Handshake.NAK
        buffer = self.selected[number] if control & EP_DOUBLE else 0
        half = self.half(number, buffer)
        if half & STALLS and (endpoint or self.EP_STALL_ARM >> (number & 1) & 1):
            self.STALL_NAK |= 1 << number
            return Handshake.STALL
        if not half & AVAILABLE:
            return Handshake.NAK
        return buffer, half, (control & 0xFFC0 if endpoint else BUFFER_0) + 64 * buffer

    def done(self, number: int, buffer: int, half: int) -> None:
        """A buffer is full or empty again."""
        self.set_half(number, buffer, half)
        control = self.word(4 * number) if number > 1 else self.SIE_CTRL
        if number > 1 and control & EP_DOUBLE:
            self.selected[number] = 1 - buffer
            tells = control & EP_EVERY or (
                control & EP_EVERY_TWO and (buffer or half & LAST))
        else:
            tells = control & EP_EVERY
        if tells:
            self.SHOULD_HANDLE = self.SHOULD_HANDLE & ~(1 << number) | buffer << number
            self.BUFF_STATUS |= 1 << number
        if number < 2 and half & LAST:
            self.SIE_STATUS |= COMPLETE
        self.update()

    def take(self, endpoint: int, data: bytes) -> Handshake:
        number = 2 * endpoint + 1
        found = self.ready(number)
        if isinstance(found, Handshake):
            return found
        buffer, half, place = found
        data = data[: half & LENGTH]
        self.memory[place : place + len(data)] = data
        self.done(number, buffer, half & ~(AVAILABLE | LENGTH) | FULL | len(data))
        return Handshake.ACK

    def give(self, endpoint: int) -> bytes | Handshake:
        number = 2 * endpoint
        found = self.ready(number)
        if isinstance(found, Handshake):
            return found
        buffer, half, place = found
        if not half & FULL:
            return Handshake.NAK
        data = bytes(self.memory[place : place + (half & LENGTH)])
        self.done(number, buffer, half & ~(AVAILABLE | FULL))
        return data
