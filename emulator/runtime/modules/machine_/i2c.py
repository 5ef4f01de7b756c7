"""I2C: the methods of `machine.I2C`, the controller in software and those of the chips."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from mpy_cross.emulator.pin import Pin as Pad
from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.buffers import ByteArray, buffer_of
from mpy_cross.emulator.runtime.modules.machine_.hardware import (
    EIO,
    ENODEV,
    ETIMEDOUT,
    Hardware,
)
from mpy_cross.emulator.runtime.modules.machine_.pin import ALT, RpPin, pin_of
from mpy_cross.emulator.runtime.modules.machine_.stm_pin import ALTERNATE, OPEN_DRAIN, StmPin
from mpy_cross.emulator.runtime.types import HostObject
from mpy_cross.emulator.wiring import I2CBus

NOT_SUPPORTED: Final = "I2C operation not supported"
RP_FUNCTION: Final = 3
STM_FUNCTION: Final = 4
STM_BUSES: Final = {"X": 1, "Y": 2}


class I2CBase(HostObject):
    """Transfers in terms of `_transfer`."""

    _hw: ClassVar[Hardware]

    def _transfer(self, address: int, writes: list[bytes], reads: int,
                  stop: bool) -> tuple[int, bytes]:
        """Writes, then reads: how many bytes were acknowledged, what was read.

        Writes of no bytes still address the device.  Raises OSError if it does not answer.
        """
        raise NotImplementedError

    def scan(self) -> list[int]:
        """Addresses from 0x08 to 0x77 that answer."""
        found = []
        for address in range(0x08, 0x78):
            try:
                self._transfer(address, [b""], -1, True)
            except OSError:
                continue
            found.append(address)
        return found

    def readfrom(self, addr: Any, nbytes: Any, stop: Any = True, /) -> bytes:
        """Read bytes from a device."""
        return self._transfer(as_int(addr), [], as_int(nbytes), bool(stop))[1]

    def readfrom_into(self, addr: Any, buf: Any, stop: Any = True, /) -> None:
        """Read into a buffer."""
        view = buffer_of(buf, True)
        view[:] = self._transfer(as_int(addr), [], len(view), bool(stop))[1]

    def writeto(self, addr: Any, buf: Any, stop: Any = True, /) -> int:
        """Write to a device; the number of bytes that it acknowledged."""
        data = buffer_of(buf).tobytes()
        return self._transfer(as_int(addr), [data], -1, bool(stop))[0]

    def writevto(self, addr: Any, vector: Any, stop: Any = True, /) -> int:
        """Write several buffers in one transfer."""
        data = b"".join(buffer_of(each).tobytes() for each in vector)
        return self._transfer(as_int(addr), [data], -1, bool(stop))[0]

    @staticmethod
    def _place(memaddr: Any, addrsize: Any) -> bytes:
        size = as_int(addrsize)
        if size % 8 or not 0 <= size <= 32:
            raise ValueError("invalid addrsize")
        return (as_int(memaddr) & (1 << size) - 1).to_bytes(size // 8, "big")

    def readfrom_mem(self, addr: Any, memaddr: Any, nbytes: Any, *, addrsize: Any = 8) -> bytes:
        """Read bytes from an address within a device."""
        place = self._place(memaddr, addrsize)
        return self._transfer(as_int(addr), [place], as_int(nbytes), True)[1]

    def readfrom_mem_into(self, addr: Any, memaddr: Any, buf: Any, *, addrsize: Any = 8) -> None:
        """Read an address within a device into a buffer."""
        view = buffer_of(buf, True)
        place = self._place(memaddr, addrsize)
        view[:] = self._transfer(as_int(addr), [place], len(view), True)[1]

    def writeto_mem(self, addr: Any, memaddr: Any, buf: Any, *, addrsize: Any = 8) -> None:
        """Write a buffer to an address within a device."""
        data = self._place(memaddr, addrsize) + buffer_of(buf).tobytes()
        self._transfer(as_int(addr), [data], -1, True)

    # Only the controller in software has these.

    def start(self) -> None:
        """Generate a START condition."""
        raise OSError(NOT_SUPPORTED)

    def stop(self) -> None:
        """Generate a STOP condition."""
        raise OSError(NOT_SUPPORTED)

    def readinto(self, buf: Any, nack: Any = True, /) -> None:
        """Read bytes, each acknowledged but the last one if `nack`."""
        raise OSError(NOT_SUPPORTED)

    def write(self, buf: Any, /) -> int:
        """Write bytes until one is not acknowledged; how many were."""
        raise OSError(NOT_SUPPORTED)


class SoftI2C(I2CBase):
    """`SoftI2C(scl, sda, *, freq=400000, timeout=255)`: bit by bit on any two pins."""

    def __init__(self, scl: Any, sda: Any, *, freq: Any = 400000, timeout: Any = 255) -> None:
        self.init(scl, sda, freq=freq, timeout=timeout)

    def init(self, scl: Any, sda: Any, *, freq: Any = 400000, timeout: Any = 255) -> None:
        """Set pins, speed, and the longest time in us that a device may hold the clock."""
        self._scl, self._sda = pin_of(self._hw, scl), pin_of(self._hw, sda)
        self._half = max(500_000_000 // max(as_int(freq), 1), 1)
        self._timeout = as_int(timeout)
        for pin in (self._scl, self._sda):
            pin.init(type(pin).OPEN_DRAIN, value=1)  # type: ignore[attr-defined]

    def deinit(self) -> None:
        """Let go of the pins."""
        for pin in (self._scl, self._sda):
            pin.init(type(pin).IN)  # type: ignore[attr-defined]

    # Bits.

    def _delay(self) -> None:
        self._hw.spend(self._half)

    def _release_clock(self) -> None:
        """SCL high; a device may stretch the clock for a while."""
        self._scl._write(True)
        self._delay()
        if not self._scl._read() and not self._hw.wait(
                lambda: bool(self._scl._read()), self._timeout * 1000):
            raise OSError(ETIMEDOUT)

    def start(self) -> None:
        """Generate a START condition."""
        self._sda._write(True)
        self._delay()
        self._release_clock()
        self._sda._write(False)
        self._delay()

    def stop(self) -> None:
        """Generate a STOP condition."""
        self._scl._write(False)
        self._sda._write(False)
        self._delay()
        self._release_clock()
        self._sda._write(True)
        self._delay()

    def _bit_out(self, bit: int) -> None:
        self._scl._write(False)
        self._sda._write(bool(bit))
        self._delay()
        self._release_clock()

    def _bit_in(self) -> int:
        self._scl._write(False)
        self._sda._write(True)
        self._delay()
        self._release_clock()
        return self._sda._read()

    def _byte_out(self, byte: int) -> bool:
        """Sends a byte; was it acknowledged?"""
        for at in range(7, -1, -1):
            self._bit_out(byte >> at & 1)
        answer = not self._bit_in()
        self._scl._write(False)
        return answer

    def _byte_in(self, acknowledge: bool) -> int:
        value = 0
        for _ in range(8):
            value = value << 1 | self._bit_in()
        self._bit_out(not acknowledge)
        self._scl._write(False)
        return value

    # Bytes.

    def readinto(self, buf: Any, nack: Any = True, /) -> None:
        """Read bytes, each acknowledged but the last one if `nack`."""
        view = buffer_of(buf, True)
        for at in range(len(view)):
            view[at] = self._byte_in(at < len(view) - 1 or not nack)

    def write(self, buf: Any, /) -> int:
        """Write bytes until one is not acknowledged; how many were."""
        done = 0
        for byte in buffer_of(buf).tobytes():
            if not self._byte_out(byte):
                break
            done += 1
        return done

    def _transfer(self, address: int, writes: list[bytes], reads: int,
                  stop: bool) -> tuple[int, bytes]:
        done, data = 0, b""
        for piece in writes:
            self._address(address, False)
            done += self.write(ByteArray(piece))
        if reads >= 0:
            self._address(address, True)
            data = bytes(self._byte_in(at < reads - 1) for at in range(reads))
        if stop:
            self.stop()
        return done, data

    def _address(self, address: int, read: bool) -> None:
        self.start()
        if not self._byte_out(address << 1 | read):
            self.stop()
            raise OSError(ENODEV)

    def __repr__(self) -> str:
        names = [getattr(pin, "name", None) for pin in (self._scl, self._sda)]
        shown = [name() if name is not None else str(getattr(pin, "_number", ""))
                 for name, pin in zip(names, (self._scl, self._sda), strict=True)]
        return (f"SoftI2C(scl={shown[0]}, sda={shown[1]}, "
                f"freq={500_000_000 // self._half})")


class HardI2C(I2CBase):
    """`I2C(id, *, scl, sda, freq=400000)`: a controller of the chip.

    The registers of the controllers are not modelled: the bytes go straight to the devices of the
    bus, and take the time that they take at this speed.
    """

    type_name = "I2C"

    _missing = ENODEV
    _pads: tuple[Pad, Pad]
    _freq: int
    _id: int

    def _bus(self) -> I2CBus:
        return self._hw.wiring.i2c_bus(*self._pads)

    def _bits(self, count: int) -> None:
        self._hw.spend(count * 1_000_000_000 // self._freq)

    def _transfer(self, address: int, writes: list[bytes], reads: int,
                  stop: bool) -> tuple[int, bytes]:
        bus = self._bus()
        done, data = 0, bytearray()
        for piece in writes:
            self._address(bus, address, False)
            for byte in piece:
                self._bits(9)
                if not bus.write(byte):
                    break
                done += 1
        if reads >= 0:
            self._address(bus, address, True)
            for _ in range(reads):
                self._bits(9)
                data.append(bus.read())
        if stop:
            self._bits(1)
            bus.stop()
        return done, bytes(data)

    def _address(self, bus: I2CBus, address: int, read: bool) -> None:
        self._bits(10)
        if not bus.start(address, read):
            self._bits(1)
            bus.stop()
            raise OSError(self._missing)


class RpI2C(HardI2C):
    """I2C of RP2040."""

    _missing = EIO

    def __init__(self, id: Any, *args: Any, **kwargs: Any) -> None:
        self._id = as_int(id)
        if self._id not in (0, 1):
            raise ValueError(f"I2C({self._id}) doesn't exist")
        bus = self._hw.board.i2cs[self._id]
        pins = self._hw.types["Pin"]
        self._pins: tuple[RpPin, RpPin] = pins._find(bus.scl), pins._find(bus.sda)
        self.init(*args, **kwargs)

    def init(self, scl: Any = None, sda: Any = None, *, freq: Any = 400000,
             timeout: Any = 255) -> None:
        """Set pins and speed."""
        chosen = []
        for at, (value, name) in enumerate(((scl, "SCL"), (sda, "SDA"))):
            pin = self._pins[at] if value is None else pin_of(self._hw, value)
            assert isinstance(pin, RpPin)
            if pin._number & 1 == at or pin._number >> 1 & 1 != self._id:
                raise ValueError(f"bad {name} pin")
            chosen.append(pin)
        self._pins = chosen[0], chosen[1]
        self._freq = as_int(freq)
        for pin in self._pins:
            pin.init(ALT, 1, alt=RP_FUNCTION)
        self._pads = self._pins[0]._pad, self._pins[1]._pad

    def __repr__(self) -> str:
        scl, sda = self._pins
        return f"I2C({self._id}, freq={self._freq}, scl={scl._number}, sda={sda._number})"


class StmI2C(HardI2C):
    """I2C of STM32; given pins in place of an id, it is the one in software."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if args and args[0] == -1:
            return cls._hw.types["SoftI2C"](*args[1:], **kwargs)
        if not args and {"scl", "sda"} <= kwargs.keys():
            return cls._hw.types["SoftI2C"](**kwargs)
        return object.__new__(cls)

    def __init__(self, id: Any, *, freq: Any = 400000, timeout: Any = 50000, scl: Any = None,
                 sda: Any = None) -> None:
        number = STM_BUSES.get(id) if isinstance(id, str) else as_int(id)
        if number not in (1, 2):
            raise ValueError(f"I2C({id}) doesn't exist")
        if scl is not None or sda is not None:
            raise ValueError("explicit choice of scl/sda is not implemented")
        self._id = number
        self._timeout = as_int(timeout)
        self.init(freq=freq)

    def init(self, *, freq: Any = 400000, timeout: Any = 50000) -> None:
        """Set the speed."""
        self._freq = max(as_int(freq), 1)
        bus = self._hw.board.i2cs[self._id]
        pins: list[StmPin] = [self._hw.types["Pin"]._find(name) for name in (bus.scl, bus.sda)]
        for pin in pins:
            pin._configure(ALTERNATE | OPEN_DRAIN, 1, STM_FUNCTION)
        self._names = pins[0].name(), pins[1].name()
        self._pads = pins[0]._pad, pins[1]._pad

    def __repr__(self) -> str:
        return (f"I2C({self._id}, scl={self._names[0]}, sda={self._names[1]}, "
                f"freq={self._freq}, timeout={self._timeout})")
