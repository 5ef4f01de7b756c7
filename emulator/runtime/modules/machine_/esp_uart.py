"""`machine.UART` of the ESP32 and the ESP8266, by the registers of their UARTs."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar, Final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.esp_pin import Esp32Pin, EspPin
from mpy_cross.emulator.runtime.modules.machine_.hardware import MS
from mpy_cross.emulator.runtime.modules.machine_.pin import PinBase
from mpy_cross.emulator.runtime.modules.machine_.uart import UartBase

APB: Final = 80_000_000
FIFO: Final = 126
"""Bytes that are put into the FIFO for sending."""
RX_FULL, OVERRUN, RX_TIMEOUT, FLAGS = 1, 1 << 4, 1 << 8, 0xFFFFFFFF
THRESHOLDS: Final = 1 << 31 | 10 << 24 | 10 << 8 | 100
"""The receiver interrupts at 100 bytes, or after ten byte times without one."""
INV_TX, INV_RX, INV_RTS, INV_CTS = 1 << 22, 1 << 19, 1 << 23, 1 << 20
RTS, CTS = 1, 2
# Numbers of the signals in the matrix, and of the interrupts.
SIGNALS: Final = (14, 17, 198)
SOURCES: Final = (34, 35, 36)
INTERRUPTS_8266: Final = (5, 37)


class EspUart(UartBase):
    """What both have; parameters that are left out stay."""

    _known: ClassVar[dict[int, EspUart]]
    _id: int
    _txbuf: int

    @property
    def _block(self) -> str:
        return f"UART{self._id}"

    def _get(self, register: str) -> int:
        return self._hw.read(self._block, register)

    def _put(self, register: str, value: int) -> None:
        self._hw.write(self._block, register, value)

    @classmethod
    def _made(cls, number: int, interrupt: int) -> EspUart:
        made = cls._known.get(number)
        if made is None:
            made = cls._known[number] = object.__new__(cls)
            made._id = number
            made._baudrate, made._bits, made._parity, made._stop = 115200, 8, None, 1
            made._buffer = deque()
            made._size, made._txbuf = 256, 256
            made._begin()
            cls._hw.interrupt(interrupt, made._handle)
            cls._hw.closers.append(made._off)
        return made

    def _begin(self) -> None:
        """The state of a new object."""

    def _set(self, baudrate: Any, bits: Any, parity: Any, stop: Any) -> None:
        """The line: speed and format."""
        if as_int(baudrate) > 0:
            self._baudrate = as_int(baudrate)
        if as_int(bits):
            if not 5 <= as_int(bits) <= 8:
                raise ValueError("invalid data bits")
            self._bits = as_int(bits)
        if parity != -1:
            self._parity = None if parity is None else as_int(parity) & 1
        if as_int(stop):
            if as_int(stop) not in (1, 2):
                raise ValueError("invalid stop bits")
            self._stop = as_int(stop)

    def _start(self, more: int = 0) -> None:
        sixteenths = 16 * APB // self._baudrate
        self._put("CLKDIV", sixteenths >> 4 | (sixteenths & 15) << 20)
        line = (self._bits - 5) << 2 | (3 if self._stop == 2 else 1) << 4
        if self._parity is not None:
            line |= 2 | self._parity
        self._put("CONF0", line | more)
        self._put("CONF1", THRESHOLDS)
        self._put("INT_CLR", FLAGS)
        self._put("INT_ENA", RX_FULL | RX_TIMEOUT | OVERRUN)

    def _off(self) -> None:
        self._put("INT_ENA", 0)

    def _handle(self) -> None:
        self._fill()
        self._put("INT_CLR", FLAGS)

    def _fill(self) -> None:
        while self._get("STATUS") & 0xFF and len(self._buffer) < self._size:
            self._buffer.append(self._get("FIFO"))

    def _room(self) -> bool:
        return self._get("STATUS") >> 16 & 0xFF < FIFO

    def _send(self, byte: int) -> bool:
        if not self._room() and not self._hw.wait(
                self._room, max(self._timeout, self._timeout_char) * MS + 200 * self._frame):
            return False
        self._put("FIFO", byte)
        return True

    def _sent(self) -> bool:
        return not self._get("STATUS") >> 16 & 0xFFF

    def txdone(self) -> bool:
        """Has everything been sent?"""
        return self._sent()

    def flush(self) -> None:
        """Wait until everything has been sent."""
        if not self._hw.wait(self._sent, 200 * self._frame):
            raise OSError(110)

    def _shown(self) -> str:
        parity = "None" if self._parity is None else "1" if self._parity else "0"
        return f"UART({self._id}, baudrate={self._baudrate}, bits={self._bits}, parity={parity}, " \
               f"stop={self._stop}, "


class Esp32Uart(EspUart):
    """`UART(id, baudrate=115200, bits=8, parity=None, stop=1, *, tx, rx, ...)` of the ESP32."""

    type_name = "UART"
    INV_TX, INV_RX, INV_RTS, INV_CTS = INV_TX, INV_RX, INV_RTS, INV_CTS
    RTS, CTS = RTS, CTS

    _lines: dict[str, int]
    _invert: int
    _flow: int

    def __new__(cls, id: Any, *args: Any, **kwargs: Any) -> Any:
        number = as_int(id)
        if not 0 <= number <= 2:
            raise ValueError(f"UART({number}) does not exist")
        if number == 0:
            raise ValueError("UART(0) is disabled (dedicated to REPL)")
        return cls._made(number, SOURCES[number])

    def __init__(self, id: Any, *args: Any, **kwargs: Any) -> None:
        default = self._hw.board.uarts[self._id]
        for name, pad in (("tx", default.tx), ("rx", default.rx)):
            kwargs.setdefault(name, int(pad))
        self.init(*args, **kwargs)

    def _begin(self) -> None:
        self._lines = {"tx": -1, "rx": -1, "rts": -1, "cts": -1}
        self._invert = self._flow = 0
        self._timeouts(0, 0)

    def init(self, baudrate: Any = 0, bits: Any = 0, parity: Any = -1, stop: Any = 0, *,
             tx: Any = -1, rx: Any = -1, rts: Any = -1, cts: Any = -1, txbuf: Any = -1,
             rxbuf: Any = -1, timeout: Any = 0, timeout_char: Any = 0, invert: Any = 0,
             flow: Any = 0) -> None:
        """Set the parameters."""
        self._set(baudrate, bits, parity, stop)
        for name, given in (("tx", tx), ("rx", rx), ("rts", rts), ("cts", cts)):
            number = given._number if isinstance(given, EspPin) else as_int(given)
            if number >= 0:
                self._lines[name] = number
        if as_int(txbuf) >= 0:
            self._txbuf = as_int(txbuf)
        if as_int(rxbuf) >= 0:
            self._size = as_int(rxbuf)
        self._timeouts(as_int(timeout), as_int(timeout_char))
        if as_int(invert) & ~(INV_TX | INV_RX | INV_RTS | INV_CTS):
            raise ValueError("invalid inversion mask")
        if as_int(flow) & ~3:
            raise ValueError("invalid flow control mask")
        self._invert, self._flow = as_int(invert), as_int(flow)
        self._buffer.clear()
        self._start(self._invert)
        signal = SIGNALS[self._id]
        self._pin("tx")._connect(signal, bool(self._invert & INV_TX))
        self._pin("rx")._feed(signal, bool(self._invert & INV_RX))

    def _pin(self, line: str) -> Esp32Pin:
        found: Esp32Pin = self._hw.types["Pin"]._find(self._lines[line])
        return found

    def deinit(self) -> None:
        """Turn the UART off."""
        self._off()
        self._known.pop(self._id, None)

    def sendbreak(self) -> None:
        """Pull TX low for a little longer than a character."""
        self.flush()
        pin = self._pin("tx")
        pin._gpio()
        pin._put(False)
        self._hw.spend(self._frame * 13 // 10)
        pin._connect(SIGNALS[self._id])

    def __repr__(self) -> str:
        lines = self._lines
        text = (f"{self._shown()}tx={lines['tx']}, rx={lines['rx']}, rts={lines['rts']}, "
                f"cts={lines['cts']}, txbuf={self._txbuf}, rxbuf={self._size}, "
                f"timeout={self._timeout}, timeout_char={self._timeout_char}")
        inverted = [name for bit, name in ((INV_TX, "INV_TX"), (INV_RX, "INV_RX"),
                                           (INV_RTS, "INV_RTS"), (INV_CTS, "INV_CTS"))
                    if self._invert & bit]
        flow = [name for bit, name in ((RTS, "RTS"), (CTS, "CTS")) if self._flow & bit]
        return (text + (f", invert={'|'.join(inverted)}" if inverted else "")
                + (f", flow={'|'.join(flow)}" if flow else "") + ")")


class Esp8266Uart(EspUart):
    """`UART(id, baudrate=115200, bits=8, parity=None, stop=1, ...)` of the ESP8266."""

    type_name = "UART"

    def __new__(cls, id: Any, *args: Any, **kwargs: Any) -> Any:
        number = as_int(id)
        if number not in (0, 1):
            raise ValueError(f"UART({number}) does not exist")
        return cls._made(number, INTERRUPTS_8266[number])

    def __init__(self, id: Any, *args: Any, **kwargs: Any) -> None:
        self.init(*args, **kwargs)

    def _begin(self) -> None:
        self._size = 16
        self._timeouts(0, 0)

    def init(self, baudrate: Any = -1, bits: Any = 0, parity: Any = -1, stop: Any = 0, *,
             tx: Any = None, rx: Any = None, rxbuf: Any = -1, timeout: Any = 0,
             timeout_char: Any = 0) -> None:
        """Set the parameters."""
        self._set(baudrate, bits, parity, stop)
        for pin in (tx, rx):
            if pin is not None and not isinstance(pin, PinBase):
                raise ValueError("invalid tx/rx")
        if as_int(rxbuf) >= 0:
            self._size = as_int(rxbuf)
        self._timeouts(as_int(timeout), as_int(timeout_char))
        self._start()
        pins = self._hw.types["Pin"]
        if self._id == 0:
            pins._find(1)._gives(0)
            pins._find(3)._gives(0)
        else:
            pins._find(2)._gives(2)

    def __stream_read__(self, size: int) -> bytes:
        if self._id == 1:
            raise OSError("UART(1) can't read")
        return super().__stream_read__(size)

    def __repr__(self) -> str:
        return (f"{self._shown()}rxbuf={self._size}, timeout={self._timeout}, "
                f"timeout_char={self._timeout_char})")
