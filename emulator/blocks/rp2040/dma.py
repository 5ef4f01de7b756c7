"""DMA of RP2040: twelve channels, paced by peripherals or timers, chained, with a checksum unit
(RP2040 datasheet, 2.5).

A channel moves its data as soon as its pacing allows.  Without pacing that is at once, in pieces,
and the channel is busy for one cycle of the system clock for each transfer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.bus import Bus, BusFault, Memory
from mpy_cross.emulator.clock import SECOND, Alarm, Rate
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import ALL, Bank, Register

CHANNELS: Final = 12
PIECE: Final = 4096  # transfers without pacing between two looks at the rest of the chip
UNPACED, FIRST_TIMER = 0x3F, 0x3B

EN, SIZE, INCR_READ, INCR_WRITE, RING_SEL = 1, 3 << 2, 1 << 4, 1 << 5, 1 << 10
QUIET, BSWAP, SNIFF, BUSY = 1 << 21, 1 << 22, 1 << 23, 1 << 24
WRITE_ERROR, READ_ERROR, ERROR = 1 << 29, 1 << 30, 1 << 31
STORED: Final = 0x00FFFFFF  # of CTRL

# What each of the 16 words of a channel is; the last of each four starts it.
READ, WRITE, COUNT, CTRL = range(4)
_NAMES: Final = ("READ_ADDR", "WRITE_ADDR", "TRANS_COUNT", "CTRL")
LAYOUT: Final = (
    READ, WRITE, COUNT, CTRL, CTRL, READ, WRITE, COUNT,
    CTRL, COUNT, READ, WRITE, CTRL, WRITE, COUNT, READ)


def row_name(channel: int, at: int) -> str:
    alias = f"AL{at >> 2}_" if at >> 2 else ""
    return f"CH{channel}_{alias}{_NAMES[LAYOUT[at]]}{'_TRIG' if at & 3 == 3 else ''}"


_CHANNEL_ROWS: Final = tuple(
    Register(0x40 * n + 4 * at, name=row_name(n, at)) for n in range(CHANNELS) for at in range(16))


@final
class Request:
    """A peripheral's wish for a transfer (DREQ): while `level` is set, or one for each pulse."""

    __slots__ = ("level", "watchers")

    def __init__(self) -> None:
        self.level = False
        self.watchers: list[Callable[[], None]] = []  # channels that run by it

    def set(self, level: bool) -> None:
        self.level = level
        if level and self.watchers:
            for watcher in list(self.watchers):
                watcher()

    def pulse(self) -> None:
        for watcher in list(self.watchers):
            watcher()


def reverse(value: int, bits: int) -> int:
    return int(f"{value:0{bits}b}"[::-1], 2)


def crc(value: int, data: int, bits: int, polynomial: int, width: int) -> int:
    """Takes `bits` of data, the highest first, into a checksum of `width` bits."""
    top = 1 << width - 1
    mask = (1 << width) - 1
    for at in range(bits - 1, -1, -1):
        flip = bool(value & top) != bool(data >> at & 1)
        value = value << 1 & mask
        if flip:
            value ^= polynomial
    return value


@final
class Channel:
    """One channel. values: READ, WRITE, COUNT (left) and CTRL; reload: count for the next run."""

    __slots__ = ("alarm", "dma", "number", "reload", "request", "running", "values", "working")

    def __init__(self, dma: Dma, number: int) -> None:
        self.dma, self.number = dma, number
        self.alarm: Alarm | None = None
        self.request: Request | None = None
        self.values = [0, 0, 0, number << 11]
        self.reload = 0
        self.running = self.working = False

    def stop(self) -> None:
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None
        if self.request is not None:
            self.request.watchers.remove(self.requested)
            self.request = None
        self.running = False

    def read(self, kind: int) -> int:
        if kind == CTRL:
            return self.values[CTRL] | (BUSY if self.running else 0)
        return self.values[kind]

    def write(self, kind: int, value: int, starts: bool) -> None:
        if kind == COUNT:
            self.reload = value
            if not self.running:
                self.values[COUNT] = value
        elif kind == CTRL:
            errors = self.values[CTRL] & (READ_ERROR | WRITE_ERROR) & ~value
            self.values[CTRL] = value & STORED | errors | (ERROR if errors else 0)
            if self.running and not starts:
                self.pace()
        else:
            self.values[kind] = value
        if starts:
            if value:
                self.start()
            elif self.values[CTRL] & QUIET:
                self.dma.interrupt(self.number)  # a null trigger ends a list of blocks

    def start(self) -> None:
        if self.running or not self.values[CTRL] & EN:
            return
        self.values[COUNT] = self.reload
        self.running = True
        if self.values[COUNT]:
            self.pace()
        else:
            self.finish()

    def pace(self) -> None:
        """Begins to follow what paces this channel."""
        control = self.values[CTRL]
        if self.request is not None:
            self.request.watchers.remove(self.requested)
            self.request = None
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None
        if not control & EN:
            return  # paused
        source = control >> 15 & 0x3F
        if source == UNPACED:
            self.piece()
        elif source >= FIRST_TIMER:
            self.tick()
        else:
            request = self.dma.requests.get(source)
            if request is None:
                self.dma.context.unmodelled(f"DMA pacing by DREQ {source}", "use")
                return
            self.request = request
            request.watchers.append(self.requested)
            if request.level:
                self.requested()

    def requested(self) -> None:
        """The peripheral wants something."""
        request = self.request
        if request is None or self.working:
            return
        self.working = True
        try:
            self.transfer(1)
            while self.running and request.level and self.request is request:
                self.transfer(1)
        finally:
            self.working = False
        if self.running and not self.values[COUNT]:
            self.finish()

    def piece(self) -> None:
        """Without pacing: moves the next piece."""
        self.alarm = None
        count = min(self.values[COUNT], PIECE)
        self.transfer(count)
        if self.running:
            self.alarm = self.dma.clock.after(self.dma.time(count), self.piece_over)

    def piece_over(self) -> None:
        if self.values[COUNT]:
            self.piece()
        else:
            self.finish()

    def tick(self) -> None:
        """Paced by a timer: X transfers in Y cycles."""
        fraction = self.dma.TIMER[(self.values[CTRL] >> 15 & 0x3F) - FIRST_TIMER]
        x, y = fraction >> 16, fraction & 0xFFFF
        hz = self.dma.rate.hz
        if x and y and hz:
            self.alarm = self.dma.clock.after(-(-y * SECOND // (x * hz)), self.ticked)

    def ticked(self) -> None:
        self.alarm = None
        self.transfer(1)
        if not self.running:
            return
        if self.values[COUNT]:
            self.tick()
        else:
            self.finish()

    def finish(self) -> None:
        """All is moved: interrupt, and on to the channel that follows."""
        self.stop()
        control = self.values[CTRL]
        if not control & QUIET:
            self.dma.interrupt(self.number)
        follower = control >> 11 & 15
        if follower != self.number and follower < CHANNELS:
            self.dma.channels[follower].start()

    def transfer(self, count: int) -> None:
        """Moves so many; an error of the bus stops the channel."""
        values = self.values
        control = values[CTRL]
        size = 1 << (control >> 2 & 3)
        ring = (1 << (control >> 6 & 15)) - 1
        sniffed = self.dma.sniffs(self.number, control)
        plain = not (ring or sniffed or control & BSWAP)
        if count > 1 and plain and self.bulk(count, size):
            return
        bus = self.dma.bus
        for _ in range(min(count, values[COUNT])):
            values[COUNT] -= 1
            try:
                data = bus.read(values[READ] & -size, size)
            except BusFault:
                self.failed(READ_ERROR)
                return
            if control & BSWAP:
                data = int.from_bytes(data.to_bytes(size, "little"), "big")
            if sniffed:
                self.dma.sniff(data, size)
            try:
                bus.write(values[WRITE] & -size, size, data)
            except BusFault:
                self.failed(WRITE_ERROR)
                return
            if control & INCR_READ:
                values[READ] = stepped(values[READ], size, 0 if control & RING_SEL else ring)
            if control & INCR_WRITE:
                self.dma.stored(values[WRITE], size)
                values[WRITE] = stepped(values[WRITE], size, ring if control & RING_SEL else 0)

    def bulk(self, count: int, size: int) -> bool:
        """Moves from memory to memory in one go; False if this is no such case."""
        values, bus = self.values, self.dma.bus
        control = values[CTRL]
        if control & (INCR_READ | INCR_WRITE) != INCR_READ | INCR_WRITE:
            return False
        length = count * size
        source, target = values[READ] & -size, values[WRITE] & -size
        for start, perm in ((source, "r"), (target, "w")):
            found = bus.find(start)
            if not isinstance(found, Memory) or perm not in found.perms or \
                    start + length > found.base + found.size:
                return False
        if source < target < source + length:
            return False  # each transfer sees what the ones before it wrote
        bus.view(target, length)[:] = bytes(bus.view(source, length))
        self.dma.stored(target, length)
        values[READ], values[WRITE] = source + length & ALL, target + length & ALL
        values[COUNT] -= count
        return True

    def failed(self, error: int) -> None:
        self.values[CTRL] |= error | ERROR
        self.stop()


def stepped(address: int, size: int, ring: int) -> int:
    """The next address; with a ring its upper bits stay."""
    after = address + size & ALL
    return address & ~ring | after & ring if ring else after


@final
class Dma(Block):
    """bus: what it moves data on; requests: of peripherals, by number; rate: of the system clock.

    stored: called with address and size of what was written to memory.  irqs: DMA_IRQ_0 and 1.
    """

    replicate = True
    size = 0x1000
    INTR = Register(0x400, access="ro")
    INTE0 = Register(0x404, "INTE0[15:0]")
    INTF0 = Register(0x408, "INTF0[15:0]")
    INTS0 = Register(0x40C, access="ro")
    INTR1 = Register(0x410, access="ro")
    INTE1 = Register(0x414, "INTE1[15:0]")
    INTF1 = Register(0x418, "INTF1[15:0]")
    INTS1 = Register(0x41C, access="ro")
    TIMER = Bank(0x420, "TIMER{}", 4, "X[31:16] Y[15:0]")
    MULTI_CHAN_TRIGGER = Register(0x430, access="wo")
    SNIFF_CTRL = Register(0x434, "OUT_INV[11] OUT_REV[10] BSWAP[9] CALC[8:5] DMACH[4:1] EN[0]")
    SNIFF_DATA = Register(0x438)
    FIFO_LEVELS = Register(0x440, access="ro")
    CHAN_ABORT = Register(0x444, access="wo")
    N_CHANNELS = Register(0x448, access="ro", reset=CHANNELS)
    registers = (
        *_CHANNEL_ROWS,
        *(Register(0x800 + 0x40 * n + 4 * at, access="ro", name=f"CH{n}_DBG_{name}")
          for n in range(CHANNELS) for at, name in enumerate(("CTDREQ", "TCR"))))
    steady = _CHANNEL_ROWS[CTRL::16]  # programs wait for BUSY to go

    def __init__(self, context: Context, bus: Bus, rate: Rate,
                 requests: Mapping[int, Request]) -> None:
        super().__init__("DMA", context)
        self.bus, self.rate, self.requests = bus, rate, requests
        self.channels = [Channel(self, n) for n in range(CHANNELS)]
        self.irqs = (Line("DMA_IRQ_0"), Line("DMA_IRQ_1"))
        self.stored: Callable[[int, int], None] = lambda address, size: None
        self.flags = 0

    def on_reset(self) -> None:
        for number, channel in enumerate(self.channels):
            channel.stop()
            channel.values, channel.reload = [0, 0, 0, number << 11], 0
        self.flags = 0
        self.update()

    def time(self, transfers: int) -> int:
        """How long so many transfers without pacing take, in ns."""
        return -(-transfers * SECOND // self.rate.hz) if self.rate.hz else 0

    # Channels: these registers have several places each.

    def atomic_base(self, offset: int) -> int:
        if offset < 0x40 * CHANNELS:
            return self.channels[offset >> 6].read(LAYOUT[offset >> 2 & 15]) & ~(ERROR | BUSY)
        return super().atomic_base(offset)

    def read(self, offset: int, size: int = 4) -> int:
        if offset < 0x40 * CHANNELS and self.enabled:
            value = self.channels[offset >> 6].read(LAYOUT[offset >> 2 & 15])
            return value >> (offset & 3) * 8 & (1 << size * 8) - 1
        return super().read(offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        if offset < 0x40 * CHANNELS and self.enabled:
            if size != 4:
                value *= 0x01010101 if size == 1 else 0x00010001
            at = offset >> 2 & 15
            self.channels[offset >> 6].write(LAYOUT[at], value, at & 3 == 3)
        else:
            super().write(offset, size, value)

    # Interrupts.

    def interrupt(self, channel: int) -> None:
        self.flags |= 1 << channel
        self.update()

    def update(self) -> None:
        self.irqs[0].set(bool(self.read_INTS0()))
        self.irqs[1].set(bool(self.read_INTS1()))

    def acknowledge(self, written: int) -> None:
        self.flags &= ~written
        self.update()

    def read_INTR(self) -> int:
        return self.flags

    def read_INTR1(self) -> int:
        return self.flags

    def read_INTS0(self) -> int:
        return self.flags & self.INTE0 | self.INTF0

    def read_INTS1(self) -> int:
        return self.flags & self.INTE1 | self.INTF1

    def write_INTR(self, written: int, before: int) -> None:
        self.acknowledge(written)

    def write_INTR1(self, written: int, before: int) -> None:
        self.acknowledge(written)

    def write_INTS0(self, written: int, before: int) -> None:
        self.acknowledge(written)

    def write_INTS1(self, written: int, before: int) -> None:
        self.acknowledge(written)

    def write_INTE0(self, written: int, before: int) -> None:
        self.update()

    def write_INTE1(self, written: int, before: int) -> None:
        self.update()

    def write_INTF0(self, written: int, before: int) -> None:
        self.update()

    def write_INTF1(self, written: int, before: int) -> None:
        self.update()

    # Several at once.

    def write_MULTI_CHAN_TRIGGER(self, written: int, before: int) -> None:
        for number, channel in enumerate(self.channels):
            if written >> number & 1:
                channel.start()

    def write_CHAN_ABORT(self, written: int, before: int) -> None:
        for number, channel in enumerate(self.channels):
            if written >> number & 1:
                channel.stop()

    # Checksum.

    def sniffs(self, channel: int, control: int) -> bool:
        setting = self.SNIFF_CTRL
        return bool(control & SNIFF and setting & 1 and setting >> 1 & 15 == channel)

    def sniff(self, data: int, size: int) -> None:
        """Takes what a channel moves into the checksum."""
        setting, value = self.SNIFF_CTRL, self.SNIFF_DATA
        kind = setting >> 5 & 15
        if setting & Dma.SNIFF_CTRL["BSWAP"]:
            data = int.from_bytes(data.to_bytes(size, "little"), "big")
        bits = 8 * size
        if kind == 0xF:
            value = value + data & ALL
        elif kind == 0xE:
            value ^= bin(data).count("1") & 1
        else:
            if kind & 1:  # the lowest bit first
                data = reverse(data, bits)
            if kind < 2:
                value = crc(value, data, bits, 0x04C11DB7, 32)
            else:
                value = crc(value & 0xFFFF, data, bits, 0x1021, 16)
        self.SNIFF_DATA = value

    def read_SNIFF_DATA(self) -> int:
        value, setting = self.SNIFF_DATA, self.SNIFF_CTRL
        if setting & Dma.SNIFF_CTRL["OUT_REV"]:
            value = reverse(value, 32)
        if setting & Dma.SNIFF_CTRL["OUT_INV"]:
            value ^= ALL
        return value

