"""The older classes `pyb.I2C` and `pyb.SPI`."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.buffers import buffer_of
from mpy_cross.emulator.runtime.modules.machine_.hardware import ENODEV, Hardware
from mpy_cross.emulator.runtime.modules.machine_.i2c import StmI2C
from mpy_cross.emulator.runtime.modules.machine_.spi import CONTROLLER, LSB, MSB, StmSPI
from mpy_cross.emulator.runtime.types import HostObject

I2C_CONTROLLER, I2C_PERIPHERAL = 0, 1
SPI_PERIPHERAL: Final = 0


def outgoing(value: Any) -> bytes:
    """The bytes of a `send` argument: a number or a buffer."""
    if isinstance(value, int):
        return bytes([value & 0xFF])
    return buffer_of(value).tobytes()


class I2C(HostObject):
    """`I2C(bus, mode, *, addr=0x12, baudrate=400000, gencall=False, dma=False)`."""

    CONTROLLER, PERIPHERAL = I2C_CONTROLLER, I2C_PERIPHERAL
    MASTER, SLAVE = I2C_CONTROLLER, I2C_PERIPHERAL

    _hw: ClassVar[Hardware]

    def __init__(self, bus: Any, *args: Any, **kwargs: Any) -> None:
        number = {"X": 1, "Y": 2}.get(bus) if isinstance(bus, str) else as_int(bus)
        if number not in (1, 2):
            raise ValueError(f"I2C({bus}) doesn't exist")
        self._id = number
        self._mode: int | None = None
        self._bus: StmI2C | None = None
        if args or kwargs:
            self.init(*args, **kwargs)

    def init(self, mode: Any, *, addr: Any = 0x12, baudrate: Any = 400000, gencall: Any = False,
             dma: Any = False) -> None:
        """Start as controller or peripheral."""
        self._mode, self._address, self._rate = as_int(mode), as_int(addr), as_int(baudrate)
        if not 0 < self._rate <= 400000:
            raise ValueError(f"unsupported I2C baudrate: {self._rate}")
        self._bus = self._hw.bind(StmI2C, "I2C of machine")(self._id, freq=self._rate)

    def deinit(self) -> None:
        """Turn the bus off."""
        self._mode = self._bus = None

    def _controller(self) -> StmI2C:
        if self._mode != I2C_CONTROLLER or self._bus is None:
            raise TypeError("I2C must be a controller")
        return self._bus

    def is_ready(self, addr: Any, /) -> bool:
        """Does a device answer at this address?"""
        bus = self._controller()
        try:
            bus.writeto(addr, b"")
        except OSError:
            return False
        return True

    def scan(self) -> list[int]:
        """Addresses from 0x01 to 0x7f that answer."""
        return [address for address in range(1, 128) if self.is_ready(address)]

    def _target(self, addr: Any) -> int:
        number = as_int(addr)
        if number == 0:
            raise TypeError("addr argument required")
        return number

    def send(self, send: Any, addr: Any = 0, *, timeout: Any = 5000) -> None:
        """Send a number or a buffer."""
        data = outgoing(send)
        if self._controller().writeto(self._target(addr), data) != len(data):
            raise OSError(ENODEV)

    def recv(self, recv: Any, addr: Any = 0, *, timeout: Any = 5000) -> Any:
        """Receive so many bytes, or into a buffer."""
        bus, target = self._controller(), self._target(addr)
        if isinstance(recv, int):
            return bus.readfrom(target, recv)
        bus.readfrom_into(target, recv)
        return recv

    def mem_read(self, data: Any, addr: Any, memaddr: Any, *, timeout: Any = 5000,
                 addr_size: Any = 8) -> Any:
        """Read so many bytes, or into a buffer, from an address within a device."""
        bus = self._controller()
        if isinstance(data, int):
            return bus.readfrom_mem(addr, memaddr, data, addrsize=addr_size)
        bus.readfrom_mem_into(addr, memaddr, data, addrsize=addr_size)
        return data

    def mem_write(self, data: Any, addr: Any, memaddr: Any, *, timeout: Any = 5000,
                  addr_size: Any = 8) -> None:
        """Write a number or a buffer to an address within a device."""
        self._controller().writeto_mem(addr, memaddr, outgoing(data), addrsize=addr_size)

    def __repr__(self) -> str:
        if self._mode is None:
            return f"I2C({self._id})"
        if self._mode == I2C_PERIPHERAL:
            return f"I2C({self._id}, I2C.PERIPHERAL, addr=0x{self._address:02x})"
        return f"I2C({self._id}, I2C.CONTROLLER, baudrate={self._rate})"


class SPI(StmSPI):
    """`SPI(bus, mode, baudrate=328125, *, prescaler, polarity=1, phase=0, bits=8, ...)`."""

    PERIPHERAL = SPI_PERIPHERAL
    MASTER, SLAVE = CONTROLLER, SPI_PERIPHERAL
    MSB, LSB = MSB, LSB

    _peripheral = False

    def init(self, mode: Any, baudrate: Any = 328125, *,  # type: ignore[override]
             prescaler: Any = 0xFFFFFFFF, polarity: Any = 1, phase: Any = 0, bits: Any = 8,
             firstbit: Any = MSB, ti: Any = False, crc: Any = None, dir: Any = 0,
             nss: Any = 0) -> None:
        """Start as controller or peripheral; a prescaler overrides the baud rate."""
        self._peripheral = as_int(mode) != CONTROLLER
        self._parameters(baudrate, polarity, phase, bits, firstbit)
        divider = as_int(prescaler)
        if divider != 0xFFFFFFFF:
            # The next power of two, 2 to 256.
            power = next((by for by in (2, 4, 8, 16, 32, 64, 128) if divider <= by), 256)
            self._baudrate = self._source() // power
        else:
            self._baudrate = self._divided(self._baudrate)
        self._configure()

    def send(self, send: Any, *, timeout: Any = 5000) -> None:
        """Send a number or a buffer."""
        self._exchange(outgoing(send))

    def recv(self, recv: Any, *, timeout: Any = 5000) -> Any:
        """Receive so many bytes, or into a buffer."""
        if isinstance(recv, int):
            return self._exchange(bytes(recv))
        view = buffer_of(recv, True)
        view[:] = self._exchange(bytes(len(view)))
        return recv

    def send_recv(self, send: Any, recv: Any = None, *, timeout: Any = 5000) -> Any:
        """Send a number or a buffer; what came back, in the buffer `recv` if there is one."""
        data = outgoing(send)
        if recv is None:
            return self._exchange(data)
        view = buffer_of(recv, True)
        if len(view) != len(data):
            raise ValueError("recv must be same length as send")
        view[:] = self._exchange(data)
        return recv

    def __repr__(self) -> str:
        if self._on and self._peripheral:
            return (f"SPI({self._id}, SPI.PERIPHERAL, polarity={self._polarity}, "
                    f"phase={self._phase}, bits={self._size})")
        return super().__repr__()
