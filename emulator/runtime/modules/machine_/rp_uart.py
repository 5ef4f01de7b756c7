"""`machine.UART` of RP2040, by the registers of its PL011."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar, Final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.hardware import MS
from mpy_cross.emulator.runtime.modules.machine_.pin import ALT, RpPin, pin_of
from mpy_cross.emulator.runtime.modules.machine_.uart import UartBase

INTERRUPTS: Final = (20, 21)
FUNCTION: Final = 2
DEFAULTS: Final = ((0, 1, 2, 3), (4, 5, 6, 7))
RX, TX, TIMEOUT = 1 << 4, 1 << 5, 1 << 6
TX_FULL, RX_EMPTY = 1 << 5, 1 << 4
CTS, RTS = 1, 2
INV_TX, INV_RX, INV_CTS, INV_RTS = 1, 2, 4, 8


class RpUart(UartBase):
    """`UART(id, baudrate=115200, bits=8, parity=None, stop=1, *, tx, rx, ...)`."""

    CTS, RTS = CTS, RTS
    INV_TX, INV_RX, INV_CTS, INV_RTS = INV_TX, INV_RX, INV_CTS, INV_RTS

    _known: ClassVar[dict[int, RpUart]]

    _id: int
    _outgoing: deque[int]
    _tx_size: int
    _pins: list[int]
    _invert: int
    _flow: int

    def __new__(cls, id: Any, *args: Any, **kwargs: Any) -> RpUart:
        number = as_int(id)
        if number not in (0, 1):
            raise ValueError(f"UART({number}) doesn't exist")
        made = cls._known.get(number)
        if made is None:
            made = cls._known[number] = object.__new__(cls)
            made._id = number
            made._baudrate, made._bits, made._parity, made._stop = 0, 8, None, 1
            made._buffer, made._outgoing = deque(), deque()
            made._size = made._tx_size = 256
            made._pins = list(DEFAULTS[number])
            made._invert = made._flow = 0
            made._timeouts(0, 0)
            cls._hw.interrupt(INTERRUPTS[number], made._handle)
            cls._hw.closers.append(made.deinit)
        return made

    def __init__(self, id: Any, *args: Any, **kwargs: Any) -> None:
        if args or kwargs or not self._baudrate:
            self.init(*args, **kwargs)

    @property
    def _block(self) -> str:
        return f"UART{self._id}"

    def _read(self, register: str) -> int:
        return self._hw.read(self._block, register)

    def _write(self, register: str, value: int) -> None:
        self._hw.write(self._block, register, value)

    def init(self, baudrate: Any = -1, bits: Any = -1, parity: Any = -1, stop: Any = -1, *,
             tx: Any = None, rx: Any = None, cts: Any = None, rts: Any = None, timeout: Any = 0,
             timeout_char: Any = 0, invert: Any = -1, flow: Any = -1, txbuf: Any = -1,
             rxbuf: Any = -1) -> None:
        """Set the parameters; those left out stay."""
        hw = self._hw
        self._baudrate = as_int(baudrate) if as_int(baudrate) > 0 else self._baudrate or 115200
        self._bits = as_int(bits) if as_int(bits) > 0 else self._bits
        if parity != -1:
            self._parity = None if parity is None else as_int(parity) & 1
        self._stop = as_int(stop) if as_int(stop) > 0 else self._stop
        for at, (name, pin) in enumerate((("TX", tx), ("RX", rx), ("CTS", cts), ("RTS", rts))):
            if pin is not None:
                self._pins[at] = self._checked(pin, at, name)
        if invert != -1:
            if as_int(invert) & ~15:
                raise ValueError("bad inversion mask")
            self._invert = as_int(invert)
        if flow != -1:
            if as_int(flow) & ~3:
                raise ValueError("bad hardware flow control mask")
            self._flow = as_int(flow)
        self._timeouts(as_int(timeout), as_int(timeout_char))
        for value, what in ((as_int(rxbuf), "rxbuf"), (as_int(txbuf), "txbuf")):
            if value > 32766:
                raise ValueError(f"{what} too large")
        self._size = max(as_int(rxbuf), 32) if as_int(rxbuf) >= 0 else self._size
        self._tx_size = max(as_int(txbuf), 32) if as_int(txbuf) >= 0 else self._tx_size
        self._buffer.clear()
        self._outgoing.clear()
        self._set_speed()
        for at in range(4):
            if at < 2 or self._flow & (CTS if at == 2 else RTS):
                pin_ = hw.types["Pin"]._all[self._pins[at]]
                pin_._mode(ALT, FUNCTION)
                inverted = self._invert >> at & 1
                hw.change("IO_BANK0", f"GPIO{self._pins[at]}_CTRL", 0x30300,
                          inverted << (16 if at in (1, 2) else 8))

    def _checked(self, pin: Any, at: int, name: str) -> int:
        found = pin_of(self._hw, pin)
        assert isinstance(found, RpPin)
        number = found._number
        if number & 3 != at or (number + 4 >> 3 & 1) != self._id:
            raise ValueError(f"bad {name} pin")
        return number

    def _set_speed(self) -> None:
        hw = self._hw
        self._write("UARTCR", 0)
        # The divider of the baud rate has 6 bits of fraction, rounded (datasheet, 4.2.7.1).
        clock = hw.chip.clocks.rates["peri"].hz  # type: ignore[attr-defined]
        divider = (8 * clock // self._baudrate + 1) // 2
        self._write("UARTIBRD", divider >> 6)
        self._write("UARTFBRD", divider & 63)
        line = (self._bits - 5) << 5 | 1 << 4 | (self._stop == 2) << 3
        if self._parity is not None:
            line |= 2 | (0 if self._parity else 4)
        self._write("UARTLCR_H", line)
        self._write("UARTIFLS", 0)
        self._write("UARTIMSC", RX | TIMEOUT)
        self._write("UARTCR", 0x301 | (self._flow & CTS) << 15 | (self._flow & RTS) << 13)

    def deinit(self) -> None:
        """Turn the UART off."""
        self._write("UARTIMSC", 0)
        self._write("UARTCR", 0)
        self._outgoing.clear()
        self._baudrate = 0

    # --------------------------------------------------------------------------- interrupt

    def _handle(self) -> None:
        self._write("UARTICR", RX | TIMEOUT | TX)
        self._fill()
        self._drain()

    def _fill(self) -> None:
        while not self._read("UARTFR") & RX_EMPTY and len(self._buffer) < self._size:
            self._buffer.append(self._read("UARTDR") & 0xFF)

    def _drain(self) -> None:
        """Moves bytes from the buffer to the FIFO."""
        while self._outgoing and not self._read("UARTFR") & TX_FULL:
            self._write("UARTDR", self._outgoing.popleft())
        wanted = RX | TIMEOUT | (TX if self._outgoing else 0)
        if self._read("UARTIMSC") != wanted:
            self._write("UARTIMSC", wanted)

    # ------------------------------------------------------------------------------ sending

    def _room(self) -> bool:
        return len(self._outgoing) < self._tx_size

    def _send(self, byte: int) -> bool:
        if not self._baudrate:
            return False
        if not self._outgoing and not self._read("UARTFR") & TX_FULL:
            self._write("UARTDR", byte)
            return True
        if not self._room() and not self._hw.wait(
                self._room, max(self._timeout, self._timeout_char) * MS + 40 * self._frame):
            return False
        self._outgoing.append(byte)
        self._drain()
        return True

    def _sent(self) -> bool:
        return not self._outgoing and not self._read("UARTFR") & 8

    def txdone(self) -> bool:
        """Has everything been sent?"""
        return self._sent()

    def flush(self) -> None:
        """Wait until everything has been sent."""
        left = len(self._outgoing) + 34
        if not self._hw.wait(self._sent, left * self._frame):
            raise OSError(110)

    def sendbreak(self) -> None:
        """Pull TX low for a little longer than a character."""
        self._hw.wait(self._sent, (len(self._outgoing) + 34) * self._frame)
        control = f"GPIO{self._pins[0]}_CTRL"
        self._hw.change("IO_BANK0", control, 0x300, 0x200)
        self._hw.spend(self._frame * 13 // 10)
        self._hw.change("IO_BANK0", control, 0x300, 0)

    def __repr__(self) -> str:
        parity = "None" if self._parity is None else str(self._parity)
        inverted = [name for bit, name in ((1, "INV_TX"), (2, "INV_RX"), (4, "INV_CTS"),
                                           (8, "INV_RTS")) if self._invert & bit]
        return (f"UART({self._id}, baudrate={self._baudrate}, bits={self._bits}, "
                f"parity={parity}, stop={self._stop}, tx={self._pins[0]}, rx={self._pins[1]}, "
                f"txbuf={self._tx_size}, rxbuf={self._size}, timeout={self._timeout}, "
                f"timeout_char={self._timeout_char}, "
                f"invert={'|'.join(inverted) or 'None'})")
