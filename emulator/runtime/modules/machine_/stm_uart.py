"""`pyb.UART`, which is `machine.UART` on STM32, by the registers of its USARTs."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar, Final

from mpy_cross.emulator.board import Serial
from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.hardware import MS
from mpy_cross.emulator.runtime.modules.machine_.irq import Irq
from mpy_cross.emulator.runtime.modules.machine_.stm_pin import ALTERNATE, StmPin, alternates
from mpy_cross.emulator.runtime.modules.machine_.uart import UartBase

INTERRUPTS: Final = {"USART1": 37, "USART2": 38, "USART3": 39, "UART4": 52, "UART5": 53,
                     "USART6": 71}
ENABLES: Final = {"USART1": ("APB2ENR", 4), "USART6": ("APB2ENR", 5), "USART2": ("APB1ENR", 17),
                  "USART3": ("APB1ENR", 18), "UART4": ("APB1ENR", 19), "UART5": ("APB1ENR", 20)}
RTS, CTS = 0x100, 0x200
IRQ_RXIDLE: Final = 0x10
IDLE, RXNE, TC, TXE = 1 << 4, 1 << 5, 1 << 6, 1 << 7
UE, M, PCE, PS, TE, RE = 1 << 13, 1 << 12, 1 << 10, 1 << 9, 1 << 3, 1 << 2
NUMBERS: Final = {"XA": 4, "XB": 1, "YA": 6, "YB": 3}


class StmUart(UartBase):
    """`UART(bus, baudrate, bits=8, parity=None, stop=1, *, timeout=0, flow=0, ...)`."""

    RTS, CTS = RTS, CTS
    IRQ_RXIDLE = IRQ_RXIDLE

    _known: ClassVar[dict[int, StmUart]]

    _id: int
    _serial: Serial
    _flow: int
    _on: bool
    _irq: Irq | None
    _mask: int

    def __new__(cls, bus: Any, *args: Any, **kwargs: Any) -> StmUart:
        uarts = cls._hw.board.uarts
        if isinstance(bus, str):
            if bus not in uarts:
                raise ValueError(f"UART({bus}) doesn't exist")
            number = NUMBERS[bus]
        else:
            number = as_int(bus)
            if number not in uarts:
                raise ValueError(f"UART({number}) doesn't exist")
        made = cls._known.get(number)
        if made is None:
            made = cls._known[number] = object.__new__(cls)
            made._id, made._serial = number, uarts[number]
            made._baudrate, made._bits, made._parity, made._stop, made._flow = 0, 8, None, 1, 0
            made._buffer, made._size, made._on, made._irq = deque(), 64, False, None
            made._mask = 0xFF
            made._timeouts(0, 0)
            cls._hw.interrupt(INTERRUPTS[made._block], made._handle)
            cls._hw.closers.append(made.deinit)
        return made

    def __init__(self, bus: Any, *args: Any, **kwargs: Any) -> None:
        if args or kwargs:
            self.init(*args, **kwargs)

    @property
    def _block(self) -> str:
        return self._serial.block

    def _read(self, register: str) -> int:
        return self._hw.read(self._block, register)

    def _write(self, register: str, value: int) -> None:
        self._hw.write(self._block, register, value)

    def init(self, baudrate: Any = 9600, bits: Any = 8, parity: Any = None, stop: Any = 1, *,
             flow: Any = 0, timeout: Any = 0, timeout_char: Any = 0, rxbuf: Any = -1,
             read_buf_len: Any = 64) -> None:
        """Set the parameters.  ValueError for a speed that is off by more than 5 percent."""
        hw = self._hw
        speed, size = as_int(baudrate), as_int(bits)
        odd = None if parity is None else as_int(parity) & 1
        if (size, odd is not None) not in ((8, False), (9, False), (7, True), (8, True)):
            raise ValueError("unsupported combination of bits and parity")
        register, bit = ENABLES[self._block]
        hw.change("RCC", register, 0, 1 << bit)
        self._on = True
        # The parity bit counts as one of the bits of the frame.
        frame = size + (odd is not None)
        self._bits, self._parity, self._baudrate = size, odd, speed
        self._stop, self._flow = (2 if as_int(stop) == 2 else 1), as_int(flow)
        self._mask = 0x1FF if size == 9 else (1 << size) - 1
        self._timeouts(as_int(timeout), as_int(timeout_char))
        self._size = as_int(rxbuf) if as_int(rxbuf) >= 0 else as_int(read_buf_len)
        self._buffer.clear()
        clock = hw.chip.blocks[self._block].rate.hz  # type: ignore[attr-defined]
        divider = (clock + speed // 2) // max(speed, 1)
        if divider < 16 or divider > 0xFFFF or not 20 * abs(clock // divider - speed) <= speed:
            actual = clock // min(max(divider, 16), 0xFFFF)
            raise ValueError(f"set baudrate {actual} is not within 5% of desired value")
        self._write("CR1", 0)
        self._write("BRR", divider)
        self._write("CR2", (2 if self._stop == 2 else 0) << 12)
        self._write("CR3", self._flow & (RTS | CTS))
        self._connect()
        parities = 0 if odd is None else PCE | (PS if odd else 0)
        self._write("CR1", UE | TE | RE | (M if frame == 9 else 0) | parities | RXNE)

    def _connect(self) -> None:
        """Switches the pads of the board to this UART."""
        used = [(self._serial.tx, "TX"), (self._serial.rx, "RX")]
        used += [(self._serial.cts, "CTS")] if self._flow & CTS else []
        used += [(self._serial.rts, "RTS")] if self._flow & RTS else []
        for name, role in used:
            pin = self._hw.types["Pin"]._find(name)
            assert isinstance(pin, StmPin)
            for index, signal in alternates(pin._pad.name):
                if signal == f"{self._block}_{role}":
                    pin._configure(ALTERNATE, 1, index)

    def deinit(self) -> None:
        """Turn the UART off."""
        if self._on:
            self._write("CR1", 0)
            self._on = False
        self._irq = None

    # --------------------------------------------------------------------------- interrupt

    def _handle(self) -> None:
        status = self._read("SR")
        if status & RXNE:
            value = self._read("DR") & self._mask
            if len(self._buffer) < max(self._size, 1):
                self._buffer.append(value)
        if status & IDLE and self._irq is not None and self._read("CR1") & IDLE:
            self._read("DR")  # after SR, this clears the flag
            irq = self._irq
            irq._flags = IRQ_RXIDLE
            self._hw.callback(irq, irq._handler, (self,), hard=irq._hard,
                              failed=lambda: "Uncaught exception in IRQ callback handler")

    def irq(self, handler: Any = None, trigger: Any = IRQ_RXIDLE, hard: Any = False, *,
            priority: Any = 1, wake: Any = None) -> Irq:
        """Call `handler(uart)` when the line falls silent after data."""
        wanted = as_int(trigger)
        if handler is not None and not callable(handler):
            raise ValueError("handler must be None or callable")
        if wanted & ~IRQ_RXIDLE:
            raise ValueError(f"trigger 0x{wanted & ~IRQ_RXIDLE:08x} unsupported")
        if self._irq is None:
            self._irq = Irq(self, self._enable_idle)
        self._irq._set(handler, wanted, bool(hard))
        return self._irq

    def _enable_idle(self, trigger: int) -> None:
        self._hw.change(self._block, "CR1", IDLE, IDLE if trigger else 0)

    # ------------------------------------------------------------------------------ sending

    def _room(self) -> bool:
        return self._on and bool(self._read("SR") & TXE)

    def _send(self, byte: int) -> bool:
        if not self._on:
            raise OSError(22)
        if not self._room() and not self._hw.wait(self._room, self._limit):
            return False
        self._write("DR", byte & self._mask)
        return True

    @property
    def _limit(self) -> int:
        """Without flow control a byte is gone after two frames."""
        return self._timeout * MS if self._flow & CTS else 2 * self._frame + MS

    def _flush(self) -> None:
        self._hw.wait(lambda: bool(self._read("SR") & TC), self._limit)

    # --------------------------------------------------------------------------- characters

    def readchar(self) -> int:
        """One character as a number, -1 after the timeout."""
        self._hw.busy()
        if not self._arrived() and not self._hw.wait(self._arrived, self._timeout * MS):
            return -1
        return self._buffer.popleft()

    def writechar(self, char: Any) -> None:
        """Send one character.  OSError 116 if the other side is not ready in time."""
        self._hw.busy()
        if not self._send(as_int(char)):
            raise OSError(116)
        self._flush()

    def sendbreak(self) -> None:
        """Send a break: the line low for 13 bits."""
        self._flush()
        self._hw.change(self._block, "CR1", 0, 1)
        self._hw.spend(13 * 1_000_000_000 // max(self._baudrate, 1))

    def __repr__(self) -> str:
        if not self._on:
            return f"UART({self._id})"
        parity = "None" if self._parity is None else str(self._parity)
        flow = "|".join(name for bit, name in ((RTS, "RTS"), (CTS, "CTS")) if self._flow & bit)
        clock = self._hw.chip.blocks[self._block].rate.hz  # type: ignore[attr-defined]
        actual = clock // max(self._read("BRR"), 1)
        return (f"UART({self._id}, baudrate={actual}, bits={self._bits}, parity={parity}, "
                f"stop={self._stop}, flow={flow or '0'}, timeout={self._timeout}, "
                f"timeout_char={self._timeout_char}, rxbuf={self._size})")
