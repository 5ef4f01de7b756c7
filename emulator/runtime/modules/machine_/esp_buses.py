"""`machine.I2C` and `machine.SPI` of the ESP32 and the ESP8266."""

from __future__ import annotations

from typing import Any, Final, final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.esp_pin import Esp32Pin, EspPin
from mpy_cross.emulator.runtime.modules.machine_.hardware import ENODEV
from mpy_cross.emulator.runtime.modules.machine_.i2c import HardI2C
from mpy_cross.emulator.runtime.modules.machine_.pin import pin_of
from mpy_cross.emulator.runtime.modules.machine_.spi import MSB, HardSPI

I2C_SIGNALS: Final = ((29, 30), (95, 96))
SPI_SIGNALS: Final = {1: (8, 10), 2: (63, 65)}
"""Numbers of SCK and MOSI in the matrix."""
FUNCTION_8266: Final = 2
APB: Final = 80_000_000


@final
class Esp32I2C(HardI2C):
    """`I2C(id, *, scl, sda, freq=400000)`: any pins, by the matrix."""

    type_name = "I2C"
    _missing = ENODEV

    def __init__(self, id: Any, *, scl: Any = None, sda: Any = None, freq: Any = 400000,
                 timeout: Any = 50000) -> None:
        self._id = as_int(id)
        if self._id not in (0, 1):
            raise ValueError(f"I2C({self._id}) doesn't exist")
        default = self._hw.board.i2cs[self._id]
        self._pins = (pin_of(self._hw, int(default.scl) if scl is None else scl),
                      pin_of(self._hw, int(default.sda) if sda is None else sda))
        self._freq = max(as_int(freq), 1)
        for pin, signal in zip(self._pins, I2C_SIGNALS[self._id], strict=True):
            assert isinstance(pin, Esp32Pin)
            pin.init(Esp32Pin.OPEN_DRAIN, 2, value=1)
            pin._connect(signal)
        self._pads = self._pins[0]._pad, self._pins[1]._pad

    def __repr__(self) -> str:
        scl, sda = (pin._number for pin in self._pins)  # type: ignore[attr-defined]
        return f"I2C({self._id}, scl={scl}, sda={sda}, freq={self._freq})"


@final
class Esp32SPI(HardSPI):
    """`SPI(id, baudrate, *, polarity, phase, bits, firstbit, sck, mosi, miso)`; ids 1 and 2."""

    type_name = "SPI"

    def __init__(self, id: Any, baudrate: Any = 500000, **kwargs: Any) -> None:
        self._id = as_int(id)
        if self._id not in SPI_SIGNALS:
            raise ValueError(f"SPI({self._id}) doesn't exist")
        bus = self._hw.board.spis[self._id]
        pins = self._hw.types["Pin"]
        self._pins: dict[str, EspPin] = {
            "sck": pins._find(int(bus.sck)), "mosi": pins._find(int(bus.mosi)),
            "miso": pins._find(int(bus.miso))}
        self.init(baudrate, **kwargs)

    def init(self, baudrate: Any = None, *, polarity: Any = None, phase: Any = None,
             bits: Any = None, firstbit: Any = None, sck: Any = None, mosi: Any = None,
             miso: Any = None) -> None:
        """Set the parameters; those left out stay."""
        self._parameters(baudrate, polarity, phase, bits, firstbit)
        for name, value in (("sck", sck), ("mosi", mosi), ("miso", miso)):
            if value is not None:
                found = pin_of(self._hw, value)
                assert isinstance(found, EspPin)
                self._pins[name] = found
        clock, out = SPI_SIGNALS[self._id]
        for name, signal in (("sck", clock), ("mosi", out)):
            pin = self._pins[name]
            assert isinstance(pin, Esp32Pin)
            pin.init(Esp32Pin.OUT)
            pin._connect(signal)
        self._pins["miso"].init(Esp32Pin.IN)
        self._sck = self._pins["sck"]._pad

    def __repr__(self) -> str:
        sck, mosi, miso = (self._pins[name]._number for name in ("sck", "mosi", "miso"))
        return (f"SPI(id={self._id}, baudrate={self._baudrate}, polarity={self._polarity}, "
                f"phase={self._phase}, bits={self._size}, firstbit={self._firstbit}, sck={sck}, "
                f"mosi={mosi}, miso={miso})")


@final
class Esp8266SPI(HardSPI):
    """`SPI(1, baudrate=80000000, polarity=0, phase=0)`: pins 12 to 14; -1: the one in software."""

    type_name = "SPI"

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if args and args[0] == -1:
            return cls._hw.types["SoftSPI"](*args[1:], **kwargs)
        return object.__new__(cls)

    def __init__(self, id: Any, *args: Any, **kwargs: Any) -> None:
        if as_int(id) != 1:
            raise ValueError(f"SPI({as_int(id)}) doesn't exist")
        self._id = 1
        self._baudrate = APB
        pins = self._hw.types["Pin"]
        self._sck = pins._find(14)._pad
        for number in (12, 13, 14):
            pins._find(number)._gives(FUNCTION_8266)
        self.init(*args, **kwargs)

    def init(self, baudrate: Any = None, polarity: Any = None, phase: Any = None, *,
             bits: Any = None, firstbit: Any = MSB, sck: Any = None, mosi: Any = None,
             miso: Any = None) -> None:
        """Set the parameters; the speed is 80 MHz divided by an even number, or by 1."""
        if baudrate is not None:
            wanted = as_int(baudrate)
            if wanted <= 0:
                raise ValueError("impossible baudrate")
            if wanted <= APB // 2:
                baudrate = APB // (2 * -(-APB // (2 * wanted)))
        self._parameters(baudrate, polarity, phase, bits, firstbit)

    def __repr__(self) -> str:
        return (f"HSPI(id=1, baudrate={self._baudrate}, polarity={self._polarity}, "
                f"phase={self._phase})")
