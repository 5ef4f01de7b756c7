"""Calls between host and program on an Xtensa core: `call` into it, traps out of it, to any depth.

A function that the host calls gets a stack frame and register windows of its own: the whole file of
address registers is kept aside until it returns.  To it the host looks like a function that called
it with CALL8 (or CALL0, on a core without windows) and that was called from address 0.

A trap looks like a function to the program.  What is written in the registers of its caller when it
returns is what ENTRY and RETW, or RET, would have left there; it counts as one instruction.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from mpy_cross.emulator.bus import BusFault
from mpy_cross.emulator.cores.core import (
    CoreError,
    CoreFault,
    DepthError,
    FaultKind,
    Frame,
    Trap,
    Unwind,
)
from mpy_cross.emulator.cores.xtensa.base import (
    EXIT_LIMIT,
    EXITS,
    RETURN,
    STUBS,
    STUBS_END,
    TRAP_LIMIT,
    TRAPS,
    XtensaBase,
)
from mpy_cross.emulator.cores.xtensa.exceptions import Raised
from mpy_cross.emulator.cores.xtensa.faults import make_fault, raised_fault
from mpy_cross.emulator.cores.xtensa.numbers import (
    ALLOCA,
    MASK,
    PS,
    PS_CALLINC,
    PS_CALLINC_SHIFT,
    WINDOWBASE,
    WINDOWSTART,
)

QUANTUM: Final = 10_000_000  # instructions after which `call` looks around at least
_REGISTER_ARGUMENTS: Final = 6  # words of arguments in registers, in both ABIs
_FRAME: Final = 64  # bytes of the frame of the host: its caller's registers are saved in it
_NO_ROTATION: Final = 0x3FFF_FFFF


class HostedXtensa(XtensaBase):
    """A core that a hosted run-time calls."""

    def add_trap(self, function: Trap) -> int:
        if len(self.traps) >= TRAP_LIMIT:
            raise CoreError(f"there are at most {TRAP_LIMIT} traps")
        self.traps.append(function)
        return TRAPS + 4 * (len(self.traps) - 1)

    def add_exit(self) -> int:
        if self._exits >= EXIT_LIMIT:
            raise CoreError(f"there are at most {EXIT_LIMIT} exits")
        self._exits += 1
        return EXITS + 4 * (self._exits - 1)

    # ------------------------------------------------------------------------------- calls

    def call(self, address: int, *args: int) -> int:
        """Arguments beyond the sixth go to the stack.  Interrupts are not taken; WAITI goes on
        after a call of `on_idle`."""
        if self.level >= self.depth:
            raise DepthError(f"more than {self.depth} calls between host and guest are nested")
        state = self.state
        saved, pc, took = self._pack(), state.pc, self.takes_interrupts
        self.level += 1
        self.takes_interrupts = False
        try:
            result = self._prepare(address, args)
            while state.pc != RETURN:
                self._go_on()
            return state.read(result)
        finally:
            self.level -= 1
            self.takes_interrupts = took
            self.fault = None
            self._unpack(saved)
            state.pc = pc

    def _prepare(self, address: int, args: tuple[int, ...]) -> int:
        """The frame of the host, and the arguments; the register of the result."""
        state, more = self.state, args[_REGISTER_ARGUMENTS:]
        old = state.read(1)
        sp = old - 4 * len(more) & ~15
        first = 2
        if self.model.windows:
            sp -= _FRAME
            first = 10
            base = state.sr[WINDOWBASE]
            state.sr[WINDOWSTART] = 1 << base
            state.sr[PS] = state.sr[PS] & ~PS_CALLINC | 2 << PS_CALLINC_SHIFT
            for at, word in enumerate((0, old, 0, 0)):
                self._put(sp - 16 + 4 * at, word)
            state.write(8, RETURN & _NO_ROTATION | 2 << 30)
        state.write(0, 0 if self.model.windows else RETURN)
        if sp != old:
            state.write(1, sp)
        for number, word in enumerate(args[:_REGISTER_ARGUMENTS]):
            state.write(first + number, word)
        for at, word in enumerate(more):
            self._put(sp + 4 * at, word)
        state.pc = address & MASK
        return first

    def _put(self, address: int, word: int) -> None:
        """Writes to the stack of a function that is to be called."""
        try:
            self.memory.store(address, 4, word)
        except Raised as error:
            raise CoreFault(raised_fault(self.bus, self.state, error)) from None

    def _go_on(self) -> None:
        """A piece of a called function."""
        state = self.state
        if STUBS <= state.pc < STUBS_END and self._in_stub(state.pc):
            return
        if state.instructions >= self.alarm:
            self.on_alarm()
        self.stopping = False
        self.advance(min(max(self.alarm, state.instructions + 1), state.instructions + QUANTUM))
        self._woken()

    def _woken(self) -> bool:
        """After a piece of a called function: raises its fault; True if it waited, which has an end
        with `on_idle`."""
        if self.fault is not None:
            raise CoreFault(self.fault)
        if not self.state.sleeping:
            return False
        self.state.sleeping = False
        if self.on_idle is not None:
            self.on_idle()
        return True

    # ------------------------------------------------------------------------------- traps

    def _in_stub(self, pc: int) -> bool:
        number, rest = divmod(pc - TRAPS, 4)
        if rest or not 0 <= number < len(self.traps):
            return False
        level = self.level
        if not level:
            self.level = 1  # in a run
        try:
            first = self._first()
            state = self.state
            result = self.traps[number](
                state.read(first), state.read(first + 1), state.read(first + 2),
                state.read(first + 3))
            if result is not None:
                state.write(first, result)
            self._leave()
        except BaseException as raised:
            self._trap_raised(raised)
        finally:
            self.level = level
        return True

    def _trap_raised(self, raised: BaseException) -> None:
        error: BaseException = raised
        try:
            error = self.on_error(raised)
        except BaseException as another:
            error = another
        if isinstance(error, Unwind) and error.frame.level == self.level:
            frame = error.frame
            self._unpack(frame.others)
            for register, value in enumerate(frame.registers):
                self.state.write(register, value)
            self.state.write(self._first(), error.value)
            self._leave()
            return
        if self.level == 1:
            self._leave()
        raise error

    def _first(self) -> int:
        """In a trap: the register of its first argument, and of its result."""
        if self.model.windows:
            return (self.state.sr[PS] & PS_CALLINC) >> PS_CALLINC_SHIFT << 2 | 2
        return 2

    def _leave(self) -> None:
        """A trap returns."""
        state = self.state
        address = state.read(self._first() - 2)
        if self.model.windows and self._first() > 2:
            address = address & _NO_ROTATION | STUBS & ~_NO_ROTATION
        state.pc = address
        state.instructions += 1

    def word_of_stack(self, at: int) -> int:
        """From a trap: argument number 4 + `at`, counted from 0, in a register or on the stack."""
        number = at + 4
        if number < _REGISTER_ARGUMENTS:
            return self.state.read(self._first() + number)
        return self.bus.read(self.state.read(1) + 4 * (number - _REGISTER_ARGUMENTS), 4)

    def frame(self) -> Frame:
        return Frame(self.level, self.state.window(), self._pack())

    def _pack(self) -> bytes:
        """What a called function has to keep: address registers, windows, PS."""
        state = self.state
        sr = state.sr
        return _KEPT[len(state.ar)].pack(sr[WINDOWBASE], sr[WINDOWSTART], sr[PS], *state.ar)

    def _unpack(self, kept: bytes) -> None:
        state = self.state
        sr = state.sr
        sr[WINDOWBASE], sr[WINDOWSTART], sr[PS], *words = _KEPT[len(state.ar)].unpack(kept)
        state.ar[:] = words

    # ------------------------------------------------------------------------------- faults

    def refused(self, error: BusFault) -> CoreFault:
        """From a trap: what it raises where it cannot access what the program has asked it to; the
        fault is put to the call of the trap."""
        kind = FaultKind.WRITE if error.kind == "write" else FaultKind.READ
        return CoreFault(make_fault(self.bus, self.state, kind, error.address, str(error)))

    def raised(self, error: Raised) -> bool:
        """An exception of the instruction at the pc that the program is not to see: True if it is
        dealt with, and the instruction done; False with `fault` set."""
        if error.cause == ALLOCA:
            try:
                self._move_stack()
            except Raised as another:
                error = another
            else:
                return True
        self.fault = raised_fault(self.bus, self.state, error)
        self.stopping = True
        return False

    def _move_stack(self) -> None:
        """MOVSP where the caller's registers are in memory: these move along."""
        state = self.state
        word = self.memory.fetch(state.pc)
        target, source = word >> 4 & 15, word >> 8 & 15
        old, new = state.read(target), state.read(source)
        words = [self.memory.load(old - 16 + at & MASK, 4) for at in range(0, 16, 4)]
        for at, value in enumerate(words):
            self.memory.store(new - 16 + 4 * at & MASK, 4, value)
        state.write(target, new)
        state.pc = state.pc + 3 & MASK


_KEPT: Final = {count: Struct(f"<{3 + count}I") for count in (16, 32, 64)}
