"""What is wired to a board from outside: voltages at analog pads, devices on I2C and SPI buses.

A device is an object of the host with a few methods, see `I2CDevice` and `SPIDevice`.  A bus is
known by its pads.  Software that toggles the pads reaches the devices bit by bit (`I2CWire`,
`SPIWire`); a bus controller whose registers are not modelled does so byte by byte, through `I2CBus`
and `SPIBus`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, final

if TYPE_CHECKING:
    from mpy_cross.emulator.clock import Clock
    from mpy_cross.emulator.pin import Pin

SUPPLY: Final = 3.3
"""Volts of the boards' supply, which is the reference of their converters."""
ROOM: Final = 27.0
"""Degrees Celsius of a chip that nobody heated."""

Volts = float | Callable[[], float]


class I2CDevice(Protocol):
    """A device on an I2C bus. address: 7 bits."""

    address: int

    def start(self, read: bool) -> bool:
        """It has been addressed; False: it does not answer."""

    def write(self, byte: int) -> bool:
        """A byte from the controller; False: not acknowledged."""

    def read(self) -> int:
        """The next byte for the controller."""

    def stop(self) -> None:
        """The transfer is over."""


class SPIDevice(Protocol):
    """A device on an SPI bus."""

    def select(self, selected: bool) -> None:
        """Its chip select has changed."""

    def send(self) -> int:
        """The byte that goes out while the next one comes in."""

    def receive(self, byte: int) -> None:
        """A byte has come in."""


class Part(Protocol):
    """What can be wired to a board."""

    @property
    def connect(self) -> Callable[..., None]:
        """Called with the wiring, and with pads by keyword."""


PartT = TypeVar("PartT", bound=Part)


class SDCardSlot(Protocol):
    """A card on an SD bus, as a controller sees it."""

    def command(self, index: int, argument: int) -> bytes | None:
        """A command; its response without index and check: 4 bytes, 16 of a register, or None."""

    def give(self) -> bytes | None:
        """The next block of data from the card, None if it has none."""

    def take(self, data: bytes) -> bool:
        """A block of data for the card; False if it does not take it."""


@final
class I2CMemory:
    """A device with registers: the first `width` bytes written are the address, big-endian.

    data: the registers; on: asked whether the device has power.
    """

    def __init__(
        self, address: int, data: bytes | int = 256, width: int = 1,
        on: Callable[[], bool] | None = None,
    ) -> None:
        self.address = address
        self.data = bytearray(data)
        self.width = width
        self.on = on
        self.pointer = 0
        self._left = 0

    def start(self, read: bool) -> bool:
        if self.on is not None and not self.on():
            return False
        if not read:
            self._left = self.width
        return True

    def write(self, byte: int) -> bool:
        if self._left:
            first = self._left == self.width
            self._left -= 1
            self.pointer = byte if first else self.pointer << 8 | byte
            return True
        self.data[self.pointer % len(self.data)] = byte
        self.pointer += 1
        return True

    def read(self) -> int:
        self.pointer += 1
        return self.data[(self.pointer - 1) % len(self.data)]

    def stop(self) -> None:
        self._left = 0


@final
class Accelerometer:
    """The MMA7660 of the pyboard: six bits for each axis, and a register for the tilt."""

    def __init__(self, address: int, on: Callable[[], bool]) -> None:
        self.device = I2CMemory(address, 16, on=on)
        self.set(0, 0, 21)  # flat: 1 g is 21.33 steps

    def set(self, x: int, y: int, z: int, tilt: int = 0) -> None:
        """What it measures: steps of 1/21 g from -32 to 31, and its tilt register."""
        self.device.data[:4] = bytes([x & 0x3F, y & 0x3F, z & 0x3F, tilt & 0xFF])


@final
class SPILog:
    """A device that notes what it receives and sends what it was given.

    received: bytes; answers: bytes still to send, then `idle`; with `echo` it sends back each byte
    with the one after it.
    """

    def __init__(self, answers: bytes = b"", idle: int = 0, echo: bool = False) -> None:
        self.received = bytearray()
        self.answers = bytearray(answers)
        self.idle, self.echo = idle, echo
        self.selected = False

    def select(self, selected: bool) -> None:
        self.selected = selected

    def send(self) -> int:
        return self.answers.pop(0) if self.answers else self.idle

    def receive(self, byte: int) -> None:
        self.received.append(byte)
        if self.echo:
            self.answers.append(byte)


@final
class I2CBus:
    """The devices of one bus, and the transfer that is going on."""

    def __init__(self, refuses: Callable[[int], bool] = lambda address: False) -> None:
        self.devices: list[I2CDevice] = []
        self.current: I2CDevice | None = None
        self._refuses = refuses

    def start(self, address: int, read: bool) -> bool:
        """START and an address: does a device answer?"""
        if not self._refuses(address):
            for device in self.devices:
                if device.address == address and device.start(read):
                    self.current = device
                    return True
        self.current = None
        return False

    def write(self, byte: int) -> bool:
        """A byte to the device; was it acknowledged?"""
        return self.current is not None and self.current.write(byte)

    def read(self) -> int:
        """A byte from the device; a bus that nobody drives reads 0xFF."""
        return self.current.read() & 0xFF if self.current is not None else 0xFF

    def stop(self) -> None:
        if self.current is not None:
            self.current.stop()
        self.current = None


@final
class I2CWire:
    """The devices of a bus as its two pads see them, bit by bit."""

    def __init__(self, bus: I2CBus, scl: Pin, sda: Pin) -> None:
        self.bus, self.scl, self.sda = bus, scl, sda
        self._active = self._sending = self._addressed = self._turn = False
        self._shift = self._count = 0
        scl.watch(self._clock)
        sda.watch(self._data)

    def _drive(self, level: int) -> None:
        """Pulls SDA low, or lets it go: a device never drives high."""
        self.sda.force(None if level else 0, source="I2C device")

    def _data(self, level: int) -> None:
        if not self.scl.level:
            return
        self._drive(1)
        if level:
            if self._active:
                self.bus.stop()
            self._active = False
        else:
            self._active = True
            self._sending = self._addressed = self._turn = False
            self._shift = self._count = 0

    def _clock(self, level: int) -> None:
        if not self._active:
            return
        if level:
            self._rise()
        elif self._sending:
            self._fall_sending()
        else:
            self._fall_receiving()

    def _rise(self) -> None:
        if self._count == 8 and self._sending:
            self._turn = not self.sda.level  # acknowledged: one more byte
        elif self._count < 8 and not self._sending:
            self._shift = self._shift << 1 | self.sda.level
        self._count += 1

    def _fall_receiving(self) -> None:
        if self._count == 8:
            if self._addressed:
                answer = self.bus.write(self._shift)
            else:
                self._addressed = True
                self._turn = bool(self._shift & 1)
                answer = self.bus.start(self._shift >> 1, self._turn)
                self._active = answer
            self._drive(not answer)
        elif self._count == 9:
            self._shift = self._count = 0
            self._drive(1)
            if self._turn:
                self._turn, self._sending = False, True
                self._load()

    def _fall_sending(self) -> None:
        if self._count < 8:
            self._drive(self._shift >> 7 - self._count & 1)
        elif self._count == 8:
            self._drive(1)
        elif self._turn:
            self._load()
        else:
            self._active = False
            self._drive(1)
            self.bus.stop()

    def _load(self) -> None:
        self._shift, self._count = self.bus.read(), 0
        self._drive(self._shift >> 7)


@final
class SPIBus:
    """One device on an SPI bus. cs: the pad that selects it, low; None: always selected."""

    def __init__(self, device: SPIDevice, cs: Pin | None = None) -> None:
        self.device, self.cs = device, cs
        self._next: int | None = None
        if cs is None:
            device.select(True)
        else:
            cs.watch(lambda level: device.select(not level))

    @property
    def selected(self) -> bool:
        return self.cs is None or not self.cs.level

    def exchange(self, byte: int) -> int:
        """A byte each way at the same time."""
        answer = self.outgoing()
        self.take(byte)
        return answer

    def outgoing(self) -> int:
        """The byte that the device sends next: its first bit may show before the transfer."""
        if self._next is None:
            self._next = self.device.send() & 0xFF
        return self._next

    def take(self, byte: int) -> None:
        """A byte has gone each way."""
        self._next = None
        self.device.receive(byte)


@final
class SPIWire:
    """A device as the pads of its bus see it, bit by bit, in one of the four SPI modes."""

    def __init__(self, bus: SPIBus, sck: Pin, mosi: Pin | None, miso: Pin | None,
                 mode: int) -> None:
        self.bus, self.sck, self.mosi, self.miso = bus, sck, mosi, miso
        self.polarity, self.phase = mode >> 1, mode & 1
        self._out = self._in = self._count = 0
        self._loaded = False
        sck.watch(self._edge)
        if bus.cs is not None:
            bus.cs.watch(self._select)
        elif not self.phase:
            self._show()

    def _select(self, level: int) -> None:
        self._count, self._loaded = 0, False
        if level:
            self._drive(None)
        elif not self.phase:
            self._show()

    def _drive(self, level: int | None) -> None:
        if self.miso is not None:
            self.miso.force(level, source="SPI device")

    def _show(self) -> None:
        """Puts the next bit on MISO."""
        if not self._loaded:
            self._out, self._in, self._loaded = self.bus.outgoing(), 0, True
        self._drive(self._out >> 7 - self._count & 1)

    def _edge(self, level: int) -> None:
        if not self.bus.selected:
            return
        leading = level != self.polarity
        if leading == bool(self.phase):
            self._show()
            return
        if not self._loaded:
            self._show()
        self._in = self._in << 1 | (self.mosi.level if self.mosi is not None else 0)
        self._count += 1
        if self._count == 8:
            self._count, self._loaded = 0, False
            self.bus.take(self._in)


@final
class Wiring:
    """All that is wired to one board; `pin` finds a pad by any of its names.

    temperature: of the chip in degrees Celsius.  outputs: volts that analog outputs drive, by pad,
    with the time in ns of each change.  parts: parts of the board that can be set from outside, by
    name, such as the "accelerometer" of the pyboard.
    """

    def __init__(self, pin: Callable[[str | int], Pin], clock: Clock) -> None:
        self._pin = pin
        self.clock = clock
        self._volts: dict[Pin, Volts] = {}
        self._i2c: dict[tuple[Pin, Pin], I2CBus] = {}
        self._spi: dict[Pin, list[SPIBus]] = {}
        self._sd: dict[Pin, SDCardSlot] = {}
        self.temperature = ROOM
        self.outputs: dict[str, list[tuple[int, float]]] = {}
        self.parts: dict[str, Any] = {}
        self._refusals: dict[int, list[int]] = {}  # by address: transfers to let pass, to refuse

    def pad(self, name: str | int) -> Pin:
        """A pad by any of its names."""
        return self._pin(name)

    def wire(self, device: PartT, **pads: str | int) -> PartT:
        """Connects a device to the pads that its `connect` names; gives the device.

        TypeError, which tells the names, for pads that it has not.
        """
        from inspect import signature

        try:
            signature(device.connect).bind(self, **pads)
        except TypeError as error:
            known = ", ".join(list(signature(device.connect).parameters)[1:])
            raise TypeError(
                f"{type(device).__name__}: {error}; its pads are {known}") from None
        device.connect(self, **pads)
        return device

    def apply(self, pin: str | int, volts: Volts | None) -> None:
        """Applies a voltage to a pad, or a function that is asked for it; None takes it away."""
        pad = self._pin(pin)
        if volts is None:
            self._volts.pop(pad, None)
        else:
            self._volts[pad] = volts

    def volts(self, pad: Pin) -> float:
        """The voltage at a pad: as applied, or that of its level."""
        applied = self._volts.get(pad)
        if applied is None:
            driven = self.outputs.get(pad.label)
            return driven[-1][1] if driven else SUPPLY * pad.level
        return applied() if callable(applied) else applied

    def sample(self, pad: Pin, bits: int = 12) -> int:
        """What a converter of so many bits reads at a pad."""
        return quantized(self.volts(pad), bits)

    def i2c(self, device: I2CDevice, scl: str | int, sda: str | int) -> None:
        """Puts a device on the bus of two pads, with pull-up resistors."""
        pads = self._pin(scl), self._pin(sda)
        bus = self._i2c.get(pads)
        if bus is None:
            bus = self._i2c[pads] = I2CBus(self._refuses)
            for pad in pads:
                pad.tie(1)
            I2CWire(bus, *pads)
        bus.devices.append(device)

    def refuse(self, address: int, times: int, after: int = 0) -> None:
        """The device does not acknowledge its address `times` times, after `after` that it does."""
        self._refusals[address] = [after, times]

    def _refuses(self, address: int) -> bool:
        plan = self._refusals.get(address)
        if plan is None:
            return False
        if plan[0]:
            plan[0] -= 1
            return False
        plan[1] -= 1
        if plan[1] <= 0:
            del self._refusals[address]
        return True

    def i2c_bus(self, scl: Pin, sda: Pin) -> I2CBus:
        """The bus of two pads; one without devices if nothing is wired there."""
        return self._i2c.get((scl, sda)) or I2CBus()

    def spi(
        self, device: SPIDevice, sck: str | int, mosi: str | int | None = None,
        miso: str | int | None = None, cs: str | int | None = None, mode: int = 0,
    ) -> None:
        """Puts a device on the bus with this clock. mode: clock polarity times 2, plus phase."""
        pads = [None if name is None else self._pin(name) for name in (sck, mosi, miso, cs)]
        clock = pads[0]
        assert clock is not None
        bus = SPIBus(device, pads[3])
        self._spi.setdefault(clock, []).append(bus)
        SPIWire(bus, clock, pads[1], pads[2], mode)

    def spi_bus(self, sck: Pin) -> SPIBus | None:
        """The selected device of the bus with this clock, None if there is none."""
        return next((bus for bus in self._spi.get(sck, ()) if bus.selected), None)

    def sd(self, slot: SDCardSlot, cmd: str | int) -> None:
        """Puts a slot for a card on the SD bus with this line for commands."""
        self._sd[self._pin(cmd)] = slot

    @property
    def has_slot(self) -> bool:
        """Is there a slot for a card on an SD bus?"""
        return bool(self._sd)

    def sd_slot(self, cmd: Pin) -> SDCardSlot | None:
        """The slot of the SD bus with this line for commands, None if there is none."""
        return self._sd.get(cmd)


def quantized(volts: float, bits: int) -> int:
    """A voltage as a converter of so many bits reads it."""
    top = (1 << bits) - 1
    return min(max(int(volts / SUPPLY * top + 0.5), 0), top)
