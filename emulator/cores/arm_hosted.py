"""Calls between host and guest on a Cortex-M: `call` into it, traps out of it, to any depth.

Each call runs the engine inside of the callback of the trap that made it.  60 such levels are what
one engine can have; then the next engine goes on, on the same memory.
"""

from __future__ import annotations

from mpy_cross.emulator.cores.arm_base import (
    ABANDON,
    EXIT_LIMIT,
    EXITS,
    QUANTUM,
    RETURN,
    TRAP_LIMIT,
    TRAPS,
    ArmCore,
    Part,
)
from mpy_cross.emulator.cores.core import CoreError, CoreFault, DepthError, Frame, Trap
from mpy_cross.emulator.cores.unicorn_arm import LR, PC, SP, THUMB_STATE, Registers, numbers
from mpy_cross.emulator.cores.unicorn_common import LEVELS, Engine


class HostedArm(ArmCore):
    """A core that a hosted run-time calls."""

    def add_trap(self, function: Trap) -> int:
        if len(self._traps) >= TRAP_LIMIT:
            raise CoreError(f"there are at most {TRAP_LIMIT} traps")
        self._traps.append(function)
        return TRAPS + 2 * (len(self._traps) - 1) | 1

    def add_exit(self) -> int:
        if self._exits >= EXIT_LIMIT:
            raise CoreError(f"there are at most {EXIT_LIMIT} exits")
        self._exits += 1
        return EXITS + 4 * (self._exits - 1) | 1

    def call(self, address: int, *args: int) -> int:
        """Arguments beyond the fourth go to the stack.  Interrupts are not taken; WFI goes on after
        a call of `on_idle`."""
        if self.level % LEVELS == 0 and self.level:
            return self._call_above(address, args)
        return self._call(address, args)

    def _call(self, address: int, args: tuple[int, ...]) -> int:
        level, part = self.level, self._part
        if level >= self.depth:
            raise DepthError(f"more than {self.depth} calls between host and guest are nested")
        engine, registers = part.engine, part.registers
        count, counter = engine.count, engine.counter
        saved, floats = part.general.tobytes(), part.floats.tobytes()
        if len(args) > 4:
            self._push_arguments(args[4:])
            args = args[:4]
        for at, value in enumerate(args):
            registers[at] = value
        registers[LR] = RETURN | 1
        outer_count = outer_counter = 0
        if level:
            outer_count, outer_counter = count.value, counter.value
            self._done += outer_counter
        self.level = level + 1
        self._running = True
        self._slack = 0
        try:
            if engine.counts_itself:
                left = self.alarm - self._done  # the same as _allowance, in the fastest way
                error = engine.start(engine.handle, address | 1, 0, 0,
                                     QUANTUM if left > QUANTUM else left if left > 0 else 1)
            else:
                error = engine.run(address | 1, self._allowance())
            if error or registers[PC] != RETURN + 2:
                self._go_on(engine, registers, error)
            if self.exact:
                self._done += counter.value - 1  # without the wfi at RETURN
            return registers[0]
        except BaseException:
            # A stop request, an error or an IT state of this level must not reach the outer one;
            # a level that was left by `_abandon` has none.
            if level:
                if registers[PC] != ABANDON + 2:
                    engine.write(numbers().by_name["epsr"], THUMB_STATE)
                    engine.run(ABANDON | 1, 100 if self.exact else 0)
                part.floats[:] = floats
            raise
        finally:
            self.level, self._running = level, level > 0
            self._slack = 1 if level else 0
            part.general[:] = saved
            if level:
                self._done -= outer_counter
                count.value, counter.value = outer_count, outer_counter

    def _allowance(self) -> int:
        """How many instructions `call` may run before it looks around; 0 for no limit."""
        left = self.alarm - self._done
        if left > QUANTUM:
            return QUANTUM if self.exact else 0
        return left if left > 0 else 1

    def _push_arguments(self, words: tuple[int, ...]) -> None:
        sp = self.registers[SP] - 4 * len(words) & 0xFFFF_FFF8
        for at, word in enumerate(words):
            self.bus.write(sp + 4 * at, 4, word)
        self.registers[SP] = sp

    def _go_on(self, engine: Engine, registers: Registers, error: int) -> None:
        """A called function did not simply return: goes on until it does.  The last run's
        instructions are left to be counted."""
        while True:
            if self._error is not None:
                self._done += engine.executed() if self.exact else 0
                raised, self._error = self._error, None
                raise raised
            fault = self._take_fault(error)
            if fault is not None:
                self._done += engine.executed() if self.exact else 0
                raise CoreFault(fault)
            pc = registers[PC]
            if pc == RETURN + 2:
                return
            if self.exact:
                self._done += engine.executed()
                waits = engine.counter.value <= engine.count.value
                engine.counter.value = 1  # is counted already, if the host asks
                if self._done >= self.alarm:
                    self.on_alarm()
            else:
                waits = True
            if waits and self.on_idle is not None:
                self.on_idle()
            error = engine.run(pc | 1, self._allowance())

    def _call_above(self, address: int, args: tuple[int, ...]) -> int:
        """A call that needs the next engine, as this one has all levels that it can have."""
        below, at = self._part, self.level // LEVELS
        above = self._parts[at] if at < len(self._parts) else self._make_part()
        above.engine.forget_all_code()  # the program may have changed some below
        self._copy(below, above)
        xpsr = numbers().by_name["xpsr"]
        self._use(above)
        self.write("xpsr", below.engine.read(xpsr) & 0x1FF | THUMB_STATE)
        above.registers[0:15] = below.registers[0:15]
        try:
            return self._call(address, args)
        finally:
            self._use(below)
            self._copy(above, below)

    @staticmethod
    def _copy(source: Part, target: Part) -> None:
        """Copies what is not a general register: masks and floating point."""
        target.everything.write(target.engine.handle, source.everything.read(source.engine.handle))

    def frame(self) -> Frame:
        part = self._part
        return Frame(self.level, part.registers[0:15], part.floats.tobytes())
