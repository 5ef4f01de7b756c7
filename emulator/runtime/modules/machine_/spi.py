"""SPI: the methods of `machine.SPI`, the controller in software and those of the chips."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from mpy_cross.emulator.pin import Pin as Pad
from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.buffers import buffer_of
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.modules.machine_.pin import ALT, PinBase, RpPin, pin_of
from mpy_cross.emulator.runtime.modules.machine_.stm_pin import ALTERNATE, StmPin
from mpy_cross.emulator.runtime.types import HostObject

MSB, LSB = 0, 1
CONTROLLER, PERIPHERAL = 0x104, 0  # SPI_CR1.MSTR with SSI, and neither
RP_FUNCTION: Final = 1
STM_FUNCTION: Final = 5
STM_BUSES: Final = {"X": 1, "Y": 2}
ON_APB2: Final = (1, 4, 5)


class SPIBase(HostObject):
    """Transfers in terms of `_exchange`."""

    MSB, LSB = MSB, LSB
    CONTROLLER = CONTROLLER

    _hw: ClassVar[Hardware]

    def _exchange(self, data: bytes) -> bytes:
        """Sends bytes; those that came back."""
        raise NotImplementedError

    def read(self, nbytes: Any, write: Any = 0, /) -> bytes:
        """Read bytes while a constant byte is sent."""
        return self._exchange(bytes([as_int(write) & 0xFF]) * as_int(nbytes))

    def readinto(self, buf: Any, write: Any = 0, /) -> None:
        """Read into a buffer while a constant byte is sent."""
        view = buffer_of(buf, True)
        view[:] = self._exchange(bytes([as_int(write) & 0xFF]) * len(view))

    def write(self, buf: Any, /) -> None:
        """Write a buffer."""
        self._exchange(buffer_of(buf).tobytes())

    def write_readinto(self, write_buf: Any, read_buf: Any, /) -> None:
        """Write one buffer while reading into another of the same length."""
        data, view = buffer_of(write_buf).tobytes(), buffer_of(read_buf, True)
        if len(data) != len(view):
            raise ValueError("buffers must be the same length")
        view[:] = self._exchange(data)

    def deinit(self) -> None:
        """Turn the bus off."""


class SoftSPI(SPIBase):
    """`SoftSPI(baudrate=500000, *, polarity=0, phase=0, bits=8, firstbit=MSB, sck, mosi, miso)`."""

    def __init__(self, baudrate: Any = 500000, *, polarity: Any = 0, phase: Any = 0, bits: Any = 8,
                 firstbit: Any = MSB, sck: Any = None, mosi: Any = None, miso: Any = None) -> None:
        if sck is None or mosi is None or miso is None:
            raise ValueError("must specify all of sck/mosi/miso")
        self._pins: tuple[PinBase, PinBase, PinBase]
        self.init(baudrate, polarity=polarity, phase=phase, bits=bits, firstbit=firstbit, sck=sck,
                  mosi=mosi, miso=miso)

    def init(self, baudrate: Any = -1, *, polarity: Any = -1, phase: Any = -1, bits: Any = 8,
             firstbit: Any = MSB, sck: Any = None, mosi: Any = None, miso: Any = None) -> None:
        """Set the parameters; those left out stay."""
        if as_int(bits) != 8:
            raise ValueError("bits must be 8")
        if as_int(firstbit) != MSB:
            raise ValueError("firstbit must be MSB")
        if as_int(baudrate) != -1:
            self._baudrate = max(as_int(baudrate), 1)
        if as_int(polarity) != -1:
            self._polarity = as_int(polarity) & 1
        if as_int(phase) != -1:
            self._phase = as_int(phase) & 1
        old = getattr(self, "_pins", (None, None, None))
        clock, out, in_ = (pin_of(self._hw, new if new is not None else known)
                           for new, known in zip((sck, mosi, miso), old, strict=True))
        self._pins = clock, out, in_
        clock.init(type(clock).OUT, value=self._polarity)  # type: ignore[attr-defined]
        out.init(type(out).OUT, value=0)  # type: ignore[attr-defined]
        in_.init(type(in_).IN)  # type: ignore[attr-defined]

    def _exchange(self, data: bytes) -> bytes:
        clock, out, in_ = self._pins
        half = max(500_000_000 // self._baudrate, 1)
        idle, spend = bool(self._polarity), self._hw.spend
        back = bytearray()
        for byte in data:
            value = 0
            for at in range(7, -1, -1):
                out._write(bool(byte >> at & 1))
                if not self._phase:
                    spend(half)
                    clock._write(not idle)
                else:
                    clock._write(not idle)
                    spend(half)
                value = value << 1 | in_._read()
                if not self._phase:
                    spend(half)
                    clock._write(idle)
                else:
                    clock._write(idle)
                    spend(half)
            back.append(value)
        return bytes(back)

    def __repr__(self) -> str:
        shown = [pin.name() if isinstance(pin, StmPin) else pin._number  # type: ignore[attr-defined]
                 for pin in self._pins]
        return (f"SoftSPI(baudrate={self._baudrate}, polarity={self._polarity}, "
                f"phase={self._phase}, sck={shown[0]}, mosi={shown[1]}, miso={shown[2]})")


class HardSPI(SPIBase):
    """`SPI(id, baudrate, *, polarity, phase, bits, firstbit)`: a controller of the chip.

    The registers of the controllers are not modelled: the bytes go straight to the device that is
    selected, and take the time that they take at this speed.
    """

    type_name = "SPI"

    _id: int
    _baudrate: int = 1000000
    _polarity: int = 0
    _phase: int = 0
    _firstbit: int = MSB
    _size: int = 8
    _sck: Pad

    def _exchange(self, data: bytes) -> bytes:
        hw = self._hw
        back = bytearray()
        for byte in data:
            hw.spend(8_000_000_000 // self._baudrate)
            bus = hw.wiring.spi_bus(self._sck)
            if bus is None:
                back.append(0)
                continue
            if self._firstbit == LSB:
                byte = int(f"{byte:08b}"[::-1], 2)
            answer = bus.exchange(byte)
            back.append(int(f"{answer:08b}"[::-1], 2) if self._firstbit == LSB else answer)
        return bytes(back)

    def _parameters(self, baudrate: Any, polarity: Any, phase: Any, bits: Any,
                    firstbit: Any) -> None:
        if baudrate is not None:
            self._baudrate = max(as_int(baudrate), 1)
        if polarity is not None:
            self._polarity = as_int(polarity) & 1
        if phase is not None:
            self._phase = as_int(phase) & 1
        if bits is not None:
            self._size = as_int(bits)
        if firstbit is not None:
            self._firstbit = as_int(firstbit)


class RpSPI(HardSPI):
    """SPI of RP2040."""

    def __init__(self, id: Any, *args: Any, **kwargs: Any) -> None:
        self._id = as_int(id)
        if self._id not in (0, 1):
            raise ValueError(f"SPI({self._id}) doesn't exist")
        bus, pins = self._hw.board.spis[self._id], self._hw.types["Pin"]
        self._pins: list[RpPin] = [pins._find(bus.sck), pins._find(bus.mosi), pins._find(bus.miso)]
        self.init(*args, **kwargs)

    def init(self, baudrate: Any = None, *, polarity: Any = None, phase: Any = None,
             bits: Any = None, firstbit: Any = None, sck: Any = None, mosi: Any = None,
             miso: Any = None) -> None:
        """Set the parameters; those left out stay."""
        if firstbit is not None and as_int(firstbit) == LSB:
            raise NotImplementedError("LSB")
        self._parameters(baudrate, polarity, phase, bits, firstbit)
        # SCK, MOSI (TX), MISO (RX) are the pads 2, 3 and 0 of groups of four.
        for at, (value, rest, name) in enumerate(((sck, 2, "SCK"), (mosi, 3, "MOSI"),
                                                  (miso, 0, "MISO"))):
            if value is not None:
                pin = pin_of(self._hw, value)
                assert isinstance(pin, RpPin)
                if pin._number & 3 != rest or pin._number >> 3 & 1 != self._id:
                    raise ValueError(f"bad {name} pin")
                self._pins[at] = pin
        for pin in self._pins:
            pin._mode(ALT, RP_FUNCTION)
        self._sck = self._pins[0]._pad

    def __repr__(self) -> str:
        sck, mosi, miso = (pin._number for pin in self._pins)
        return (f"SPI({self._id}, baudrate={self._baudrate}, polarity={self._polarity}, "
                f"phase={self._phase}, bits={self._size}, sck={sck}, mosi={mosi}, miso={miso})")


class StmSPI(HardSPI):
    """SPI of STM32."""

    def __init__(self, id: Any, *args: Any, **kwargs: Any) -> None:
        number = STM_BUSES.get(id) if isinstance(id, str) else as_int(id)
        if number is None or number not in self._hw.board.spis:
            raise ValueError(f"SPI({id}) doesn't exist")
        self._id = number
        self._on = False
        self._connect()
        if args or kwargs:
            self.init(*args, **kwargs)

    def _connect(self) -> None:
        bus, pins = self._hw.board.spis[self._id], self._hw.types["Pin"]
        self._bus = bus.block
        self._pins: list[StmPin] = [pins._find(name) for name in (bus.sck, bus.miso, bus.mosi)]
        self._sck = self._pins[0]._pad

    def _configure(self) -> None:
        """The pads go to the controller; the baud rate is the next one that a divider gives."""
        for pin in self._pins:
            pin._configure(ALTERNATE, 0, self._function(pin))
        self._on = True

    def _function(self, pin: StmPin) -> int:
        """Number of the alternate function by which a pad belongs to this controller."""
        pad = pin._pad.name
        names: Any = self._hw.chip.alternates(pad)  # type: ignore[attr-defined]
        return next((number for number, signal in names.items()
                     if signal.name.startswith(f"{self._bus}_")), STM_FUNCTION)

    def _source(self) -> int:
        """Hz of the controller's clock."""
        config = self._hw.read("RCC", "CFGR")
        code = config >> (13 if self._id in ON_APB2 else 10) & 7
        hz: int = self._hw.chip.rate.hz
        return hz if code < 4 else hz // (2 << code - 4)

    def _divided(self, baudrate: int) -> int:
        source = self._source()
        for shift in range(1, 9):
            if source >> shift <= baudrate:
                return source >> shift
        return source >> 8

    def init(self, baudrate: Any = 1000000, *, polarity: Any = 0, phase: Any = 0, bits: Any = 8,
             firstbit: Any = MSB, sck: Any = None, mosi: Any = None, miso: Any = None) -> None:
        """Set the parameters."""
        if sck is not None or mosi is not None or miso is not None:
            raise ValueError("explicit choice of sck/mosi/miso is not implemented")
        self._parameters(baudrate, polarity, phase, bits, firstbit)
        self._baudrate = self._divided(self._baudrate)
        self._configure()

    def deinit(self) -> None:
        """Turn the bus off."""
        self._on = False

    def __repr__(self) -> str:
        if not self._on:
            return f"SPI({self._id})"
        return (f"SPI({self._id}, SPI.CONTROLLER, baudrate={self._baudrate}, "
                f"prescaler={self._source() // self._baudrate}, polarity={self._polarity}, "
                f"phase={self._phase}, bits={self._size})")
