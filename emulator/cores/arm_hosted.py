"""Calls between host and guest on a Cortex-M: `call` into it, traps out of it, to any depth.

Each call runs the engine inside of the callback of the trap that made it.  56 such levels are what
one engine can have; then the next engine goes on, on the same memory.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.cores.arm_base import (
    ABANDON,
    DIRECT,
    DIRECT_LIMIT,
    EXIT_LIMIT,
    EXITS,
    QUANTUM,
    RETURN,
    TRAP_LIMIT,
    TRAPS,
    ArmCore,
    Direct,
    Enter,
    Part,
)
from mpy_cross.emulator.cores.core import (
    CoreError,
    CoreFault,
    DepthError,
    FaultKind,
    Frame,
    Trap,
)
from mpy_cross.emulator.cores.unicorn_arm import PC, SP, THUMB_STATE, numbers
from mpy_cross.emulator.cores.unicorn_common import LEVELS, SIZES, WORDS, ZERO

FIRST: Final = 1 << 14
"""Instructions that a call runs at first, if it may run so many."""


class HostedArm(ArmCore):
    """A core that a hosted run-time calls."""

    def add_trap(self, function: Trap) -> int:
        if len(self._traps) >= TRAP_LIMIT:
            raise CoreError(f"there are at most {TRAP_LIMIT} traps")
        self._traps.append(function)
        return TRAPS + 2 * (len(self._traps) - 1) | 1

    def add_direct_trap(self, make: Direct) -> int:
        """An address as of `add_trap`.  For what is called most: `make` gives, for each engine, the
        callback itself.

        That has to return at once if the count of instructions has come to the limit; to set
        `slack` to 1, and to 0 at its end; and to give exceptions to `trap_raised`.
        """
        if len(self._direct) >= DIRECT_LIMIT:
            raise CoreError(f"there are at most {DIRECT_LIMIT} direct traps")
        self._direct.append(make)
        for part in self._parts:
            self._hook_direct(part, len(self._direct) - 1, make)
        return DIRECT + 4 * (len(self._direct) - 1) | 1

    def add_exit(self) -> int:
        if self._exits >= EXIT_LIMIT:
            raise CoreError(f"there are at most {EXIT_LIMIT} exits")
        self._exits += 1
        return EXITS + 4 * (self._exits - 1) | 1

    def call(self, address: int, *args: int) -> int:
        """Arguments beyond the fourth go to the stack.  Interrupts are not taken; WFI goes on after
        a call of `on_idle`."""
        a, b, c, d, *rest = args if len(args) >= 4 else (*args, 0, 0, 0, 0)[:4]
        sp = self.part.words[SP]
        if rest:
            sp = self._push_arguments(rest)
        return self.call_with(address | 1, a, b, c, d, sp)

    def call_with(self, address: int, a: int, b: int, c: int, d: int, sp: int) -> int:
        """The same with exactly four arguments, this stack pointer, and the Thumb bit."""
        if self.level >= self._ceiling:
            return self._call_above(address, a, b, c, d, sp)
        return self.enter(address, a, b, c, d, sp)

    def _entry(self, part: Part) -> Enter:
        """What calls a function on this engine: programs with callbacks spend their time here."""
        engine, words, general, floats = part.engine, part.words, part.general, part.floats
        limit, begun, exact = engine.limit, engine.begun, self.exact
        set_call, counts_itself = part.set_call, engine.counts_itself
        start, ref = engine.lib.start_held if exact else engine.start, engine.ref
        first = SIZES[FIRST if exact else 0]
        back, returned = RETURN | 1, RETURN + 2

        def enter(address: int, a: int, b: int, c: int, d: int, sp: int) -> int:
            level = self.level
            saved = general.tobytes()
            set_call(a, b, c, d, sp, back)
            outer_begun = 0
            if level:
                saved_floats = floats.tobytes()
                outer_limit, outer_begun = limit[0], begun[0]
                self.done += outer_begun
                self.slack = 0
            self.level = level + 1
            try:
                if counts_itself and self.alarm - self.done > FIRST:
                    error = start(ref, WORDS[address], ZERO, ZERO, first)
                else:
                    error = engine.run(address, self._allowance())
                if error or words[PC] != returned:
                    self.go_on(error)
                if exact:
                    self.done += begun[0] - 1 - outer_begun  # without the wfi at RETURN
                return words[0]  # type: ignore[no-any-return]
            except BaseException:
                if level:
                    self.left_by_exception(part, saved_floats)
                    self.done -= outer_begun
                raise
            finally:
                self.level = level
                general[:] = saved
                if level:
                    self.slack = 1
                    limit[0], begun[0] = outer_limit, outer_begun

        return enter

    def _allowance(self) -> int:
        """How many instructions `call` may run before it looks around; 0 for no limit."""
        left = self.alarm - self.done
        if left > QUANTUM:
            return self._most
        return left if left > 0 else 1

    def _push_arguments(self, words: list[int]) -> int:
        sp = self.registers[SP] - 4 * len(words) & 0xFFFF_FFF8
        for at, word in enumerate(words):
            self.bus.write(sp + 4 * at, 4, word)
        return sp

    def left_by_exception(self, part: Part, floats: bytes) -> None:
        """The current call ends that way, inside of another one: puts back what that has to keep.

        A stop request, an error or an IT state of this level must not reach the outer one; a level
        that was left by `_abandon` has none.
        """
        if part.words[PC] != ABANDON + 2:
            part.engine.write(numbers().by_name["epsr"], THUMB_STATE)
            part.engine.run(ABANDON | 1, 100 if self.exact else 0)
        part.floats[:] = floats

    def go_on(self, error: int) -> None:
        """A called function did not simply return: goes on until it does.  The last run's
        instructions are left to be counted."""
        engine, registers = self.part.engine, self.part.registers
        while True:
            if self._error is not None:
                self.done += engine.executed() if self.exact else 0
                raised, self._error = self._error, None
                raise raised
            fault = self._take_fault(error)
            if fault is not None:
                self.done += engine.executed() if self.exact else 0
                raise CoreFault(fault)
            pc = registers[PC]
            if pc == RETURN + 2:
                return
            if not pc:  # the engine's own sign for "no end": it never executes anything there
                raise CoreFault(self._make_fault(FaultKind.NO_EXECUTE, 0, 0))
            if self.exact:
                self.done += engine.executed()
                waits = engine.counter.value <= engine.count.value
                engine.counter.value = 1  # is counted already, if the host asks
                if self.done >= self.alarm:
                    self.on_alarm()
            else:
                waits = True
            if waits and self.on_idle is not None:
                self.on_idle()
            error = engine.run(pc | 1, self._allowance())

    def _call_above(self, address: int, a: int, b: int, c: int, d: int, sp: int) -> int:
        """A call that needs the next engine, as this one has all levels that it can have."""
        if self.level >= self.depth:
            raise DepthError(f"more than {self.depth} calls between host and guest are nested")
        below, at = self.part, self.level // LEVELS
        above = self._parts[at] if at < len(self._parts) else self._make_part()
        above.engine.forget_all_code()  # the program may have changed some below
        self._copy(below, above)
        xpsr = numbers().by_name["xpsr"]
        self._use(above)
        self.write("xpsr", below.engine.read(xpsr) & 0x1FF | THUMB_STATE)
        above.registers[0:15] = below.registers[0:15]
        try:
            return self.enter(address, a, b, c, d, sp)
        finally:
            self._use(below)
            self._copy(above, below)

    @staticmethod
    def _copy(source: Part, target: Part) -> None:
        """Copies what is not a general register: masks and floating point."""
        target.everything.write(target.engine.handle, source.everything.read(source.engine.handle))

    def frame(self) -> Frame:
        part = self.part
        return Frame(self.level, part.registers[0:15], part.floats.tobytes())
