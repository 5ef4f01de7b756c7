"""`rp2.PIO` and `rp2.StateMachine`.

Programs are assembled, placed in the instruction memory, and the registers of a state machine are
set.  The state machines themselves are not modelled: what would make one run raises
NotImplementedError, which says so.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.audio import not_modelled
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.modules.machine_.irq import Irq
from mpy_cross.emulator.runtime.modules.machine_.pin import ALT, RpPin, pin_of
from mpy_cross.emulator.runtime.types import HostObject

ENOMEM: Final = 12
WORDS: Final = 32
# Places in the list that `asm_pio` makes.
DATA, OFFSETS, EXECCTRL, SHIFTCTRL, OUT_INIT, SET_INIT, SIDE_INIT = 0, 1, 3, 4, 5, 6, 7
FIRST_FUNCTION: Final = 6  # of a pad, for PIO0


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

    def _place(self, program: Any) -> int:
        """The place of a program, which it gets if it has none yet."""
        known = program[OFFSETS + self._id]
        if known >= 0:
            return int(known)
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
            self._used &= ~((1 << len(program[0][DATA])) - 1 << start)
            program[0][OFFSETS + self._id] = -1

    def state_machine(self, id: Any, *args: Any, **kwargs: Any) -> Any:
        """State machine 0 to 3 of this block."""
        number = as_int(id)
        if not 0 <= number < 4:
            raise ValueError("invalid state machine")
        return self._hw.types["StateMachine"](4 * self._id + number, *args, **kwargs)

    def irq(self, handler: Any = None, trigger: Any = 0xF00, hard: Any = False) -> Irq:
        """The interrupt of the block."""
        if self._irq is None:
            self._irq = Irq(self, lambda trigger: None)
        if handler is not None:
            self._irq._set(handler, as_int(trigger), bool(hard))
        return self._irq

    def __repr__(self) -> str:
        return f"PIO({self._id})"


class StateMachine(HostObject):
    """`StateMachine(id, program, freq=-1, *, ...)`: state machine 0 to 7."""

    _hw: ClassVar[Hardware]
    _known: ClassVar[dict[int, StateMachine]]

    _id: int
    _irq: Irq | None
    _start: int

    def __new__(cls, id: Any, *args: Any, **kwargs: Any) -> StateMachine:
        number = as_int(id)
        if not 0 <= number < 8:
            raise ValueError("invalid StateMachine")
        made = cls._known.get(number)
        if made is None:
            made = cls._known[number] = object.__new__(cls)
            made._id, made._irq, made._start = number, None, 0
        return made

    def __init__(self, id: Any, *args: Any, **kwargs: Any) -> None:
        if args or kwargs:
            self.init(*args, **kwargs)

    @property
    def _block(self) -> str:
        return f"PIO{self._id >> 2}"

    def _write(self, register: str, value: int) -> None:
        self._hw.write(self._block, f"SM{self._id & 3}_{register}", value)

    def init(self, program: Any, freq: Any = -1, *, in_base: Any = None, out_base: Any = None,
             set_base: Any = None, jmp_pin: Any = None, sideset_base: Any = None,
             in_shiftdir: Any = None, out_shiftdir: Any = None, push_thresh: Any = None,
             pull_thresh: Any = None) -> None:
        """Load a program and set all registers.  ValueError for a frequency out of range."""
        hw = self._hw
        self._start = hw.types["PIO"](self._id >> 2)._place(program)
        divider = self._divider(as_int(freq))
        execution, shifting = as_int(program[EXECCTRL]), as_int(program[SHIFTCTRL])
        execution += self._start << 12 | self._start << 7
        pins = 0
        for value, at in ((out_base, 0), (set_base, 5), (sideset_base, 10), (in_base, 15)):
            if value is not None:
                pins |= self._number(value) << at
        if jmp_pin is not None:
            execution |= self._number(jmp_pin) << 24
        for value, at, width in ((in_shiftdir, 18, 1), (out_shiftdir, 19, 1),
                                 (push_thresh, 20, 5), (pull_thresh, 25, 5)):
            if value is not None:
                mask = (1 << width) - 1
                shifting = shifting & ~(mask << at) | (as_int(value) & mask) << at
        for base, levels, at in ((out_base, program[OUT_INIT], 20), (set_base, program[SET_INIT],
                                 26), (sideset_base, program[SIDE_INIT], 29)):
            if base is not None and levels is not None:
                pins += self._prepare(self._number(base), levels) << at
        if program[SIDE_INIT] is not None and execution >> 30 & 1:
            pins += 1 << 29  # the enable bit counts as one
        self._write("CLKDIV", divider << 8)
        self._write("EXECCTRL", execution)
        self._write("SHIFTCTRL", shifting)
        self._write("PINCTRL", pins)

    def _divider(self, freq: int) -> int:
        """The clock divider, in 256ths."""
        hz: int = self._hw.chip.rate.hz
        divider = 256 if freq == -1 else hz * 256 // max(freq, 1)
        if not 256 <= divider <= 256 << 16 or freq == 0:
            raise ValueError("freq out of range")
        return divider & 0xFFFFFF

    def _number(self, pin: Any) -> int:
        found = pin_of(self._hw, pin)
        assert isinstance(found, RpPin)
        return found._number

    def _prepare(self, base: int, levels: Any) -> int:
        """Gives the pads of a group to the block; their number."""
        count = 1 if isinstance(levels, int) else len(levels)
        for at in range(count):
            pin: RpPin = self._hw.types["Pin"]._all[(base + at) % 30]
            pin._mode(ALT, FIRST_FUNCTION + (self._id >> 2))
        return count

    def _run(self) -> NotImplementedError:
        return not_modelled(self._hw, f"the state machine of {self._block}")

    def active(self, *value: Any) -> bool:
        """Get or set whether it runs."""
        if value and value[0]:
            raise self._run()
        return False

    def restart(self) -> None:
        """Start the program from its beginning."""
        raise self._run()

    def exec(self, instr: Any) -> None:
        """Execute one instruction, given as text or as a number."""
        raise self._run()

    def get(self, buf: Any = None, shift: Any = 0) -> Any:
        """A word of the RX FIFO: it would wait for ever."""
        raise self._run()

    def put(self, value: Any, shift: Any = 0) -> None:
        """A word to the TX FIFO."""
        raise self._run()

    def rx_fifo(self) -> int:
        """Words in the RX FIFO."""
        return 0

    def tx_fifo(self) -> int:
        """Words in the TX FIFO."""
        return 0

    def irq(self, handler: Any = None, trigger: Any = 1, hard: Any = False) -> Irq:
        """The interrupt of the state machine."""
        if self._irq is None:
            self._irq = Irq(self, lambda trigger: None)
        if handler is not None:
            self._irq._set(handler, as_int(trigger), bool(hard))
        return self._irq

    def __repr__(self) -> str:
        return f"StateMachine({self._id})"
