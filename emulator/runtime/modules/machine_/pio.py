"""`rp2.PIO` and `rp2.StateMachine` (manual 1.3.4): the registers of the chip's two blocks.

Programs are placed in the instruction memory, state machines get their registers, and what they do
then is the chip's.  `get` and `put` wait in virtual time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.buffers import Buffer, buffer_of
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.modules.machine_.irq import Irq
from mpy_cross.emulator.runtime.modules.machine_.pin import ALT, RpPin, pin_of
from mpy_cross.emulator.runtime.types import HostObject

ENOMEM: Final = 12
WORDS: Final = 32
BLOCKS: Final = 2
MACHINES: Final = 4
FIRST_IRQ: Final = 7  # of PIO0; each block has two
SLOWEST: Final = 65536 * 256
"""The largest divider, in 256ths."""
# Places in the list that `asm_pio` makes.
DATA, OFFSETS, EXECCTRL, SHIFTCTRL, OUT_INIT, SET_INIT, SIDE_INIT = 0, 1, 3, 4, 5, 6, 7
FIRST_FUNCTION: Final = 6  # of a pad, for PIO0
SET_PINS, SET_DIRECTIONS = 0xE000, 0xE080  # SET PINS, 0 and SET PINDIRS, 0
JOIN_RECEIVE: Final = 1 << 31
SIDE_ENABLE: Final = 1 << 30
RESTART, CLOCK_RESTART = 4, 8  # their first bits in CTRL
FLAGS: Final = 8  # the first bit of the flags in INTE0 and INTS0
ITEM_SIZES: Final = {"b": 1, "h": 2, "i": 4}


class PIO(HostObject):
    """`PIO(id)`: block 0 or 1."""

    IN_LOW, IN_HIGH, OUT_LOW, OUT_HIGH = range(4)
    SHIFT_LEFT, SHIFT_RIGHT = 0, 1
    JOIN_NONE, JOIN_TX, JOIN_RX = range(3)
    IRQ_SM0, IRQ_SM1, IRQ_SM2, IRQ_SM3 = 0x100, 0x200, 0x400, 0x800

    _hw: ClassVar[Hardware]
    _known: ClassVar[dict[int, PIO]]

    _id: int
    _used: int
    _irq: Irq | None

    def __new__(cls, id: Any, /) -> PIO:
        number = as_int(id)
        if number not in (0, 1):
            raise ValueError("invalid PIO")
        made = cls._known.get(number)
        if made is None:
            made = cls._known[number] = object.__new__(cls)
            made._id, made._used, made._irq = number, 0, None
        return made

    def __init__(self, id: Any, /) -> None:
        """There is one object for each block."""

    def add_program(self, program: Any) -> None:
        """Place a program in the instruction memory.  OSError(ENOMEM) if it does not fit."""
        self._place(program)

    def _where(self, program: Any) -> int:
        """The place of a program, which it gets if it has none yet."""
        known = as_int(program[OFFSETS + self._id])
        return known if known >= 0 else self._place(program)

    def _place(self, program: Any) -> int:
        words = list(program[DATA])
        mask = (1 << len(words)) - 1
        # From the end, so that programs that must stand at 0 find room.
        for start in range(WORDS - len(words), -1, -1):
            if not self._used & mask << start:
                break
        else:
            raise OSError(ENOMEM)
        self._used |= mask << start
        program[OFFSETS + self._id] = start
        for at, word in enumerate(words):
            # Jumps are relative to the beginning of the program.
            value = word + start if word >> 13 == 0 else word
            self._hw.write(f"PIO{self._id}", f"INSTR_MEM{start + at}", value)
        return start

    def remove_program(self, *program: Any) -> None:
        """Remove a program, or all of them."""
        if not program:
            self._used = 0
            return
        start = program[0][OFFSETS + self._id]
        if start >= 0:
            self._used &= ~(((1 << len(program[0][DATA])) - 1) << start)
            program[0][OFFSETS + self._id] = -1

    def state_machine(self, id: Any, *args: Any, **kwargs: Any) -> Any:
        """State machine 0 to 3 of this block."""
        number = as_int(id)
        if not 0 <= number < MACHINES:
            raise ValueError("invalid state machine")
        return self._hw.types["StateMachine"](MACHINES * self._id + number, *args, **kwargs)

    def irq(self, *args: Any, **kwargs: Any) -> Irq:
        """`irq(handler=None, trigger=IRQ_SM0|IRQ_SM1|IRQ_SM2|IRQ_SM3, hard=False)`."""
        if self._irq is None:
            self._irq = Irq(self, self._enable)
        if args or kwargs:
            self._set_irq(self._irq, *args, **kwargs)
        return self._irq

    @staticmethod
    def _set_irq(irq: Irq, handler: Any = None, trigger: Any = 0xF00, hard: Any = False) -> None:
        irq._set(handler, as_int(trigger), bool(hard))

    def _enable(self, trigger: int) -> None:
        if trigger:
            self._hw.write(f"PIO{self._id}", "IRQ0_INTE", trigger & 0xFFF)

    def __repr__(self) -> str:
        return f"PIO({self._id})"


class StateMachine(HostObject):
    """`StateMachine(id, program, freq=-1, *, ...)`: state machine 0 to 7."""

    _hw: ClassVar[Hardware]
    _known: ClassVar[dict[int, StateMachine]]
    _encode: ClassVar[Callable[..., int]]
    """`rp2.asm_pio_encode`."""

    _id: int
    _irq: Irq | None
    _start: int

    def __new__(cls, id: Any, *args: Any, **kwargs: Any) -> StateMachine:
        number = as_int(id)
        if not 0 <= number < BLOCKS * MACHINES:
            raise ValueError("invalid StateMachine")
        made = cls._known.get(number)
        if made is None:
            made = cls._known[number] = object.__new__(cls)
            made._id, made._irq, made._start = number, None, 0
        return made

    def __init__(self, id: Any, *args: Any, **kwargs: Any) -> None:
        if args or kwargs:
            self.init(*args, **kwargs)

    # ------------------------------------------------------------------------------ registers

    @property
    def _block(self) -> str:
        return f"PIO{self._id // MACHINES}"

    @property
    def _number(self) -> int:
        """0 to 3, within the block."""
        return self._id % MACHINES

    def _write(self, register: str, value: int) -> None:
        self._hw.write(self._block, f"SM{self._number}_{register}", value)

    def _read(self, register: str) -> int:
        return self._hw.read(self._block, f"SM{self._number}_{register}")

    def _control(self, clear: int, set: int) -> None:
        self._hw.change(self._block, "CTRL", clear << self._number, set << self._number)

    # -------------------------------------------------------------------------- configuration

    def init(self, program: Any, freq: Any = -1, *, in_base: Any = None, out_base: Any = None,
             set_base: Any = None, jmp_pin: Any = None, sideset_base: Any = None,
             in_shiftdir: Any = None, out_shiftdir: Any = None, push_thresh: Any = None,
             pull_thresh: Any = None) -> None:
        """Load a program and set all registers.  ValueError for a frequency out of range."""
        block = self._hw.types["PIO"](self._id // MACHINES)
        self._start = block._where(program)
        divider = self._divider(as_int(freq))
        execution, shifting = as_int(program[EXECCTRL]), as_int(program[SHIFTCTRL])
        execution += self._start << 12 | self._start << 7
        if jmp_pin is not None:
            execution |= self._pad(jmp_pin) << 24
        for value, at, width in ((in_shiftdir, 18, 1), (out_shiftdir, 19, 1),
                                 (push_thresh, 20, 5), (pull_thresh, 25, 5)):
            if value is not None:
                mask = (1 << width) - 1
                shifting = shifting & ~(mask << at) | (as_int(value) & mask) << at
        pins = 0 if in_base is None else self._pad(in_base) << 15
        groups: list[tuple[int, list[int]]] = []
        for base, levels, base_at, count_at in (
                (out_base, program[OUT_INIT], 0, 20), (set_base, program[SET_INIT], 5, 26),
                (sideset_base, program[SIDE_INIT], 10, 29)):
            if base is None:
                continue
            first, wanted = self._pad(base), self._levels(levels)
            groups.append((first, wanted))
            pins |= first << base_at | len(wanted) << count_at
            if count_at == 29 and execution & SIDE_ENABLE:
                pins += 1 << count_at  # the enable bit counts as one
        self._hw.busy()
        self._stop(shifting)
        self._write("CLKDIV", divider << 8)
        self._write("EXECCTRL", execution)
        self._control(0, 1 << RESTART | 1 << CLOCK_RESTART)
        self._write("INSTR", self._start)  # JMP
        for first, wanted in groups:
            self._prepare(first, wanted)
        self._write("PINCTRL", pins)

    def _stop(self, shifting: int) -> None:
        """Halts it, and empties both FIFOs by joining them in another way for a moment."""
        self._control(1, 0)
        self._write("SHIFTCTRL", shifting ^ JOIN_RECEIVE)
        self._write("SHIFTCTRL", shifting)
        self._hw.write(self._block, "FDEBUG", 0x01010101 << self._number)

    def _divider(self, freq: int) -> int:
        """The clock divider, in 256ths; 0 stands for the largest one."""
        if freq < 0:
            return 256
        if freq == 0:
            return 0
        hz: int = self._hw.chip.rate.hz
        divider = hz * 256 // freq
        if not 256 <= divider <= SLOWEST:
            raise ValueError("freq out of range")
        return divider & 0xFFFFFF

    def _pad(self, pin: Any) -> int:
        found = pin_of(self._hw, pin)
        assert isinstance(found, RpPin)
        return found._number

    @staticmethod
    def _levels(levels: Any) -> list[int]:
        """What the pads of a group do at first: IN_LOW to OUT_HIGH for each."""
        if levels is None:
            return []
        if isinstance(levels, int):
            return [int(levels)]
        return [as_int(each) for each in levels]

    def _prepare(self, first: int, wanted: list[int]) -> None:
        """Sets levels and directions of a group, with instructions, and takes its pads."""
        pads = [(first + at) % WORDS for at in range(len(wanted))]
        for pad, value in zip(pads, wanted, strict=True):
            self._write("PINCTRL", 1 << 26 | pad << 5)
            self._write("INSTR", SET_PINS | value & 1)
            self._write("INSTR", SET_DIRECTIONS | value >> 1 & 1)
        for pad in pads:
            pin: RpPin | None = self._hw.types["Pin"]._all.get(pad)
            if pin is not None:
                pin._mode(ALT, FIRST_FUNCTION + self._id // MACHINES)

    # -------------------------------------------------------------------------------- running

    def active(self, *value: Any) -> bool:
        """Get or set whether it runs."""
        if value:
            self._hw.busy()
            self._control(1, int(bool(value[0])))
        return bool(self._hw.read(self._block, "CTRL") >> self._number & 1)

    def restart(self) -> None:
        """Start the program from its beginning."""
        self._hw.busy()
        self._control(0, 1 << RESTART)
        self._write("INSTR", self._start)

    def exec(self, instr: Any) -> None:
        """Execute one instruction, given as text; from 1.21 also as a number."""
        self._hw.busy()
        if isinstance(instr, int) and self._hw.runtime.release.library.pio_exec_words:
            word = int(instr)
        else:
            optional = bool(self._read("EXECCTRL") & SIDE_ENABLE)
            word = type(self)._encode(instr, self._read("PINCTRL") >> 29, optional)
        self._write("INSTR", word & 0xFFFF)

    # ---------------------------------------------------------------------------------- FIFOs

    def rx_fifo(self) -> int:
        """Words in the RX FIFO."""
        return self._hw.read(self._block, "FLEVEL") >> 8 * self._number + 4 & 15

    def tx_fifo(self) -> int:
        """Words in the TX FIFO."""
        return self._hw.read(self._block, "FLEVEL") >> 8 * self._number & 15

    def _status(self, first: int) -> int:
        return self._hw.read(self._block, "FSTAT") >> first + self._number & 1

    def _take(self, shift: int) -> int:
        """The next word that it pushes."""
        self._hw.busy()
        self._hw.scheduler.wait(lambda: not self._status(8))
        return self._hw.read(self._block, f"RXF{self._number}") >> shift

    def get(self, buf: Any = None, shift: Any = 0) -> Any:
        """A word of the RX FIFO, or a buffer full of them; waits for them."""
        by = as_int(shift)
        if buf is None:
            return self._take(by)
        view = buffer_of(buf, True)
        size = item_size(buf)
        for at in range(0, len(view), size):
            value = self._take(by)
            view[at : at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
        return buf

    def put(self, value: Any, shift: Any = 0) -> None:
        """A word, or all items of a buffer, to the TX FIFO; waits for room."""
        by = as_int(shift)
        words = [as_int(value)] if isinstance(value, int) else items(value)
        for word in words:
            self._hw.busy()
            self._hw.scheduler.wait(lambda: not self._status(16))
            self._hw.write(self._block, f"TXF{self._number}", word << by & 0xFFFFFFFF)

    # ------------------------------------------------------------------------------ interrupt

    def irq(self, *args: Any, **kwargs: Any) -> Irq:
        """`irq(handler=None, trigger=0|1, hard=False)`."""
        if self._irq is None:
            self._irq = Irq(self, self._enable)
        if args or kwargs:
            self._set_irq(self._irq, *args, **kwargs)
        return self._irq

    @staticmethod
    def _set_irq(irq: Irq, handler: Any = None, trigger: Any = 1, hard: Any = False) -> None:
        irq._set(handler, as_int(trigger), bool(hard))

    def _enable(self, trigger: int) -> None:
        bit = 1 << FLAGS + self._number
        has_handler = self._irq is not None and self._irq._handler is not None
        self._hw.change(self._block, "IRQ0_INTE", bit, bit if has_handler else 0)

    def __repr__(self) -> str:
        return f"StateMachine({self._id})"


def item_size(buf: Any) -> int:
    """Bytes of an item of a buffer.  Raises ValueError for what does not fit a FIFO."""
    if not isinstance(buf, Buffer):
        return 1
    size = ITEM_SIZES.get(buf._kind.letter.lower(), 1 if buf._kind.size == 1 else 0)
    if not size:
        raise ValueError("unsupported buffer type")
    return size


def items(value: Any) -> list[int]:
    """The items of a buffer, without sign.  Raises ValueError for other sizes than 1, 2 and 4."""
    if not isinstance(value, (Buffer, bytes, str)):
        return [as_int(value)]
    data, size = buffer_of(value).tobytes(), 1
    if isinstance(value, Buffer):
        if value._kind.letter in ("b", "h", "i"):
            raise ValueError("unsupported buffer type")
        size = item_size(value)
    return [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)]


def dispatch(hw: Hardware, number: int) -> None:
    """The interrupt of a block: acknowledges the flags and calls handlers."""
    pending = hw.read(f"PIO{number}", "IRQ0_INTS")
    hw.write(f"PIO{number}", "IRQ", pending >> FLAGS)
    block: PIO = hw.types["PIO"](number)
    if block._irq is not None and pending & block._irq._trigger:
        block._irq._flags = pending & block._irq._trigger
        _call(hw, block._irq)
    known: dict[int, StateMachine] = hw.types["StateMachine"]._known
    for place in range(MACHINES):
        machine = known.get(MACHINES * number + place)
        if machine is not None and machine._irq is not None and \
                pending >> FLAGS + place & machine._irq._trigger:
            machine._irq._flags = 1
            _call(hw, machine._irq)


def _call(hw: Hardware, irq: Irq) -> None:
    if irq._handler is None:
        return

    def failed() -> str:
        irq._handler = None
        return "Uncaught exception in IRQ callback handler"

    hw.callback(irq, irq._handler, (irq._parent,), hard=irq._hard, failed=failed)


def build_pio(hw: Hardware, encode: Callable[..., int]) -> None:
    """Binds both classes.  encode: `rp2.asm_pio_encode`."""
    hw.bind(PIO)._known = {}
    machines = hw.bind(StateMachine)
    machines._known = {}
    machines._encode = staticmethod(encode)
    for number in range(BLOCKS):
        hw.interrupt(FIRST_IRQ + 2 * number, Handler(hw, number).run)

    def close() -> None:
        for number in range(BLOCKS):
            hw.write(f"PIO{number}", "IRQ0_INTE", 0)

    hw.closers.append(close)


@final
class Handler:
    """The interrupt handler of one block."""

    __slots__ = ("hw", "number")

    def __init__(self, hw: Hardware, number: int) -> None:
        self.hw, self.number = hw, number

    def run(self) -> None:
        dispatch(self.hw, self.number)
