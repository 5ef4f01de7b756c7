"""I2C of RP2040, a DesignWare DW_apb_i2c (RP2040 datasheet, 4.3): controller, and target of 7 bits.

As a controller it moves whole bytes, see `wiring`; as a target it follows its pads bit by bit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.i2c_target import TargetWire
from mpy_cross.emulator.blocks.rp2040.dma import Request
from mpy_cross.emulator.clock import SECOND, Alarm, Rate
from mpy_cross.emulator.line import Line, Signal
from mpy_cross.emulator.register import Register
from mpy_cross.emulator.wiring import I2CBus

DEPTH: Final = 16
READ, STOP, RESTART = 1 << 8, 1 << 9, 1 << 10  # of a command
RX_UNDER, RX_OVER, RX_FULL, TX_OVER, TX_EMPTY = 1, 2, 4, 8, 16
READ_WANTED, RX_DONE, GENERAL_CALL = 1 << 5, 1 << 7, 1 << 11
TX_ABORT, ACTIVITY, STOP_SEEN, START_SEEN, RESTART_SEEN = 1 << 6, 1 << 8, 1 << 9, 1 << 10, 1 << 12
FLAGS: Final = ("RESTART_DET[12]{0} GEN_CALL[11]{0} START_DET[10]{0} STOP_DET[9]{0} ACTIVITY[8]{0} "
                "RX_DONE[7]{0} TX_ABRT[6]{0} RD_REQ[5]{0} TX_EMPTY[4]{0} TX_OVER[3]{0} "
                "RX_FULL[2]{0} RX_OVER[1]{0} RX_UNDER[0]{0}")
ADDRESS_REFUSED, DATA_REFUSED, FLUSHED = 1, 8, 1 << 13  # of IC_TX_ABRT_SOURCE
FIRST: Final = 1 << 11  # of a byte that was received: the first one of a transfer


@final
class I2c(Block):
    """bus: finds the devices that are wired to the pads which belong to this block now.

    requests: of the DMA, for sending and receiving.  wire: its pads, when it is a target.
    """

    replicate = True
    size = 0x1000
    CON = Register(0x00, "STOP_DET_IF_MASTER_ACTIVE[10]=ro RX_FIFO_FULL_HLD_CTRL[9] "
                         "TX_EMPTY_CTRL[8] STOP_DET_IFADDRESSED[7] IC_SLAVE_DISABLE[6] "
                         "IC_RESTART_EN[5] IC_10BITADDR_MASTER[4] IC_10BITADDR_SLAVE[3] "
                         "SPEED[2:1] MASTER_MODE[0]", reset=0x65, name="IC_CON")
    TAR = Register(0x04, "SPECIAL[11] GC_OR_START[10] IC_TAR[9:0]", reset=0x55, name="IC_TAR")
    SAR = Register(0x08, "IC_SAR[9:0]", reset=0x55, name="IC_SAR")
    DATA_CMD = Register(0x10, "FIRST_DATA_BYTE[11]=ro RESTART[10]=wo STOP[9]=wo CMD[8]=wo "
                              "DAT[7:0]=wo", name="IC_DATA_CMD")
    SS_SCL_HCNT = Register(0x14, width=16, reset=0x28, name="IC_SS_SCL_HCNT")
    SS_SCL_LCNT = Register(0x18, width=16, reset=0x2F, name="IC_SS_SCL_LCNT")
    FS_SCL_HCNT = Register(0x1C, width=16, reset=0x06, name="IC_FS_SCL_HCNT")
    FS_SCL_LCNT = Register(0x20, width=16, reset=0x0D, name="IC_FS_SCL_LCNT")
    INTR_STAT = Register(0x2C, access="ro", name="IC_INTR_STAT")
    INTR_MASK = Register(0x30, FLAGS.format(""), reset=0x8FF, name="IC_INTR_MASK")
    RAW_INTR_STAT = Register(0x34, access="ro", name="IC_RAW_INTR_STAT")
    RX_TL = Register(0x38, width=8, name="IC_RX_TL")
    TX_TL = Register(0x3C, width=8, name="IC_TX_TL")
    CLR_INTR = Register(0x40, access="ro", name="IC_CLR_INTR")
    CLR_RX_UNDER = Register(0x44, access="ro", name="IC_CLR_RX_UNDER")
    CLR_RX_OVER = Register(0x48, access="ro", name="IC_CLR_RX_OVER")
    CLR_TX_OVER = Register(0x4C, access="ro", name="IC_CLR_TX_OVER")
    CLR_RD_REQ = Register(0x50, access="ro", name="IC_CLR_RD_REQ")
    CLR_TX_ABRT = Register(0x54, access="ro", name="IC_CLR_TX_ABRT")
    CLR_RX_DONE = Register(0x58, access="ro", name="IC_CLR_RX_DONE")
    CLR_ACTIVITY = Register(0x5C, access="ro", name="IC_CLR_ACTIVITY")
    CLR_STOP_DET = Register(0x60, access="ro", name="IC_CLR_STOP_DET")
    CLR_START_DET = Register(0x64, access="ro", name="IC_CLR_START_DET")
    CLR_GEN_CALL = Register(0x68, access="ro", name="IC_CLR_GEN_CALL")
    ENABLE = Register(0x6C, "TX_CMD_BLOCK[2] ABORT[1]=sc ENABLE[0]", name="IC_ENABLE")
    STATUS = Register(0x70, access="ro", reset=6, name="IC_STATUS")
    TXFLR = Register(0x74, access="ro", name="IC_TXFLR")
    RXFLR = Register(0x78, access="ro", name="IC_RXFLR")
    SDA_HOLD = Register(0x7C, "RX[23:16] TX[15:0]", reset=1, name="IC_SDA_HOLD")
    TX_ABRT_SOURCE = Register(0x80, access="ro", name="IC_TX_ABRT_SOURCE")
    NACK_ONLY = Register(0x84, "NACK[0]", name="IC_SLV_DATA_NACK_ONLY")
    DMA_CR = Register(0x88, "TDMAE[1] RDMAE[0]", name="IC_DMA_CR")
    DMA_TDLR = Register(0x8C, "DMATDL[3:0]", name="IC_DMA_TDLR")
    DMA_RDLR = Register(0x90, "DMARDL[3:0]", name="IC_DMA_RDLR")
    SDA_SETUP = Register(0x94, width=8, reset=0x64, name="IC_SDA_SETUP")
    ACK_GENERAL_CALL = Register(0x98, width=8, reset=1, name="IC_ACK_GENERAL_CALL")
    ENABLE_STATUS = Register(0x9C, access="ro", name="IC_ENABLE_STATUS")
    FS_SPKLEN = Register(0xA0, width=8, reset=7, name="IC_FS_SPKLEN")
    CLR_RESTART_DET = Register(0xA8, access="ro", name="IC_CLR_RESTART_DET")
    COMP_PARAM_1 = Register(0xF4, access="ro", name="IC_COMP_PARAM_1")
    COMP_VERSION = Register(0xF8, access="ro", reset=0x3230312A, name="IC_COMP_VERSION")
    COMP_TYPE = Register(0xFC, access="ro", reset=0x44570140, name="IC_COMP_TYPE")

    def __init__(self, name: str, context: Context, rate: Rate, scl: Signal, sda: Signal) -> None:
        super().__init__(name, context)
        self.rate = rate
        self.wire = TargetWire(self, scl, sda)
        self.first = False  # the next byte that a controller sends is the first one
        self.bus: Callable[[], I2CBus] = I2CBus
        self.irq = Line(f"{name}_IRQ")
        self.requests = Request(), Request()
        self.commands: deque[int] = deque()
        self.incoming: deque[int] = deque()
        self.alarm: Alarm | None = None
        self.current: I2CBus | None = None  # while a transfer is going on
        self.reading = False
        self.flags = 0

    def on_reset(self) -> None:
        self.halt()
        if self.current is not None:
            self.current.stop()
            self.current = None
        self.flags = 0
        self.listen()
        self.update()

    def halt(self) -> None:
        """Everything stops where it is; a transfer without STOP goes on with a restart."""
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None
        self.commands.clear()
        self.incoming.clear()

    def bits(self, count: int) -> int | None:
        """Time of so many bits, in ns."""
        if (self.CON >> 1 & 3) == 1:
            cycles = self.SS_SCL_HCNT + self.SS_SCL_LCNT
        else:
            cycles = self.FS_SCL_HCNT + self.FS_SCL_LCNT
        hz = self.rate.hz
        return -(-count * max(cycles, 1) * SECOND // hz) if hz else None

    def raw(self) -> int:
        empty = len(self.commands) <= self.TX_TL
        if self.CON & I2c.CON["TX_EMPTY_CTRL"]:
            empty = empty and (self.alarm is None or bool(self.commands))
        return (self.flags | (RX_FULL if len(self.incoming) > self.RX_TL else 0)
                | (TX_EMPTY if empty and self.ENABLE & 1 else 0))

    def update(self) -> None:
        self.irq.set(bool(self.raw() & self.INTR_MASK))
        self.requests[0].set(bool(self.DMA_CR & 2 and self.ENABLE & 1 and not self.flags & TX_ABORT
                                  and len(self.commands) <= self.DMA_TDLR))
        self.requests[1].set(bool(self.DMA_CR & 1 and len(self.incoming) > self.DMA_RDLR))

    # Commands.

    def write_DATA_CMD(self, written: int, before: int) -> None:
        if not self.ENABLE & 1 or self.flags & TX_ABORT:
            return  # the FIFO is held empty after an abort
        if len(self.commands) >= DEPTH:
            self.flags |= TX_OVER
        else:
            self.commands.append(written & 0x7FF)
            self.next()
            self.wire.go_on()
        self.update()

    def next(self) -> None:
        """Begins the next byte."""
        if self.alarm is not None or not self.commands or not self.ENABLE & 1:
            return
        if not self.CON & 1:
            return
        command = self.commands[0]
        addressed = (self.current is not None and not command & RESTART
                     and self.reading == bool(command & READ))
        time = self.bits(9 if addressed else 20)
        if time is not None:
            self.alarm = self.clock.after(time, self.byte_over)

    def byte_over(self) -> None:
        self.alarm = None
        command = self.commands.popleft()
        read = bool(command & READ)
        if self.current is None or command & RESTART or self.reading != read:
            self.flags |= ACTIVITY | (START_SEEN if self.current is None else RESTART_SEEN)
            bus = self.current if self.current is not None else self.bus()
            self.current, self.reading = bus, read
            if not bus.start(self.TAR & 0x7F, read):
                self.abort(ADDRESS_REFUSED)
                return
        bus = self.current
        if read:
            if len(self.incoming) < DEPTH:
                self.incoming.append(bus.read())
            else:
                bus.read()
                self.flags |= RX_OVER
        elif not bus.write(command & 0xFF):
            self.abort(DATA_REFUSED)
            return
        if command & STOP:
            self.stop()
        self.next()
        self.update()

    def stop(self) -> None:
        if self.current is not None:
            self.current.stop()
            self.current = None
        self.flags |= STOP_SEEN

    def abort(self, reason: int) -> None:
        """Not acknowledged: the bus is let go and what waits is dropped."""
        self.TX_ABRT_SOURCE = reason | len(self.commands) << 23
        self.commands.clear()
        self.flags |= TX_ABORT
        self.stop()
        self.update()

    # As a target.

    def listen(self) -> None:
        """Takes part in what happens at its pads, if it is a target."""
        slave = not self.CON & (I2c.CON["MASTER_MODE"] | I2c.CON["IC_SLAVE_DISABLE"])
        ten = bool(self.CON & I2c.CON["IC_10BITADDR_SLAVE"])
        if slave and ten and self.ENABLE & 1:
            self.context.unmodelled(f"{self.name} as a target with 10 bits of address", "use")
        self.wire.listen(slave and not ten and bool(self.ENABLE & 1))

    def target_started(self) -> None:
        self.flags |= START_SEEN | (RESTART_SEEN if self.wire.taken else 0)
        self.update()

    def target_stopped(self) -> None:
        if self.wire.taken or not self.CON & I2c.CON["STOP_DET_IFADDRESSED"]:
            self.flags |= STOP_SEEN
            self.update()

    def target_begins(self, address: int, read: bool) -> bool:
        general = address == 0 and not read and bool(self.ACK_GENERAL_CALL & 1)
        if address != self.SAR & 0x7F and not general:
            return False
        self.flags |= ACTIVITY | (GENERAL_CALL if general else 0)
        self.first = True
        if read and self.commands:  # left over from a transfer before
            self.TX_ABRT_SOURCE = FLUSHED | len(self.commands) << 23
            self.commands.clear()
            self.flags |= TX_ABORT
        self.update()
        return True

    def target_takes(self, byte: int) -> bool:
        if self.NACK_ONLY & 1:
            return False
        if len(self.incoming) < DEPTH:
            self.incoming.append(byte | (FIRST if self.first else 0))
        else:
            self.flags |= RX_OVER
        self.first = False
        self.update()
        return True

    def target_ready(self, read: bool) -> bool:
        if not read:
            return (len(self.incoming) < DEPTH
                    or not self.CON & I2c.CON["RX_FIFO_FULL_HLD_CTRL"])
        if not self.commands and not self.wire.holding:
            self.flags |= READ_WANTED
            self.update()
        return bool(self.commands)

    def target_gives(self) -> int:
        byte = self.commands.popleft() & 0xFF
        self.update()
        return byte

    def target_refused(self) -> None:
        self.flags |= RX_DONE
        self.update()

    def hold(self) -> None:
        """Programs look again and again whether a byte is over: the look takes until it is."""
        if self.alarm is not None:
            self.clock.advance_to(self.alarm.when)

    # Registers.

    def read_DATA_CMD(self) -> int:
        if not self.incoming:
            self.flags |= RX_UNDER
            return 0
        value = self.incoming.popleft()
        self.wire.go_on()
        self.update()
        return value

    def read_RAW_INTR_STAT(self) -> int:
        self.hold()
        return self.raw()

    def read_TX_ABRT_SOURCE(self) -> int:
        self.hold()
        return self.TX_ABRT_SOURCE

    def read_INTR_STAT(self) -> int:
        return self.raw() & self.INTR_MASK

    def write_INTR_MASK(self, written: int, before: int) -> None:
        self.update()

    def read_STATUS(self) -> int:
        self.hold()
        active = self.current is not None or bool(self.commands)
        return (active * 0x21 | (len(self.commands) < DEPTH) << 1 | (not self.commands) << 2
                | bool(self.incoming) << 3 | (len(self.incoming) >= DEPTH) << 4
                | self.wire.taken * 0x41)

    def read_TXFLR(self) -> int:
        return len(self.commands)

    def read_RXFLR(self) -> int:
        if not self.incoming:
            self.hold()
        return len(self.incoming)

    def read_ENABLE_STATUS(self) -> int:
        return self.ENABLE & 1

    def write_ENABLE(self, written: int, before: int) -> None:
        if before & 1 and not self.ENABLE & 1:
            self.halt()
        elif written & 2:
            self.abort(1 << 16)
        self.listen()
        self.next()
        self.update()

    def clear(self, flags: int) -> int:
        seen = self.flags & flags
        self.flags &= ~flags
        self.update()
        return int(bool(seen))

    def read_CLR_INTR(self) -> int:
        self.TX_ABRT_SOURCE = 0
        return self.clear(0x1FFF)

    def read_CLR_RX_UNDER(self) -> int:
        return self.clear(RX_UNDER)

    def read_CLR_RX_OVER(self) -> int:
        return self.clear(RX_OVER)

    def read_CLR_TX_OVER(self) -> int:
        return self.clear(TX_OVER)

    def read_CLR_TX_ABRT(self) -> int:
        self.TX_ABRT_SOURCE = 0
        return self.clear(TX_ABORT)

    def read_CLR_RD_REQ(self) -> int:
        return self.clear(READ_WANTED)

    def read_CLR_RX_DONE(self) -> int:
        return self.clear(RX_DONE)

    def read_CLR_GEN_CALL(self) -> int:
        return self.clear(GENERAL_CALL)

    def read_CLR_ACTIVITY(self) -> int:
        return self.clear(ACTIVITY)

    def read_CLR_STOP_DET(self) -> int:
        return self.clear(STOP_SEEN)

    def read_CLR_START_DET(self) -> int:
        return self.clear(START_SEEN)

    def read_CLR_RESTART_DET(self) -> int:
        return self.clear(RESTART_SEEN)

    def write_RX_TL(self, written: int, before: int) -> None:
        self.update()

    def write_TX_TL(self, written: int, before: int) -> None:
        self.update()

    def write_DMA_CR(self, written: int, before: int) -> None:
        self.update()
