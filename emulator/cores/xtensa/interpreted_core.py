"""An Xtensa core that the plain interpreter drives: for judging others, and where nothing faster is
installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from mpy_cross.emulator.bus import Bus, Range
from mpy_cross.emulator.cores.core import FaultKind
from mpy_cross.emulator.cores.xtensa.base import DEPTH, STUBS, STUBS_END
from mpy_cross.emulator.cores.xtensa.exceptions import Raised
from mpy_cross.emulator.cores.xtensa.faults import make_fault
from mpy_cross.emulator.cores.xtensa.hosted import HostedXtensa
from mpy_cross.emulator.cores.xtensa.interpreter import Interpreter
from mpy_cross.emulator.cores.xtensa.numbers import DEBUG_BREAK_N
from mpy_cross.emulator.cores.xtensa.state import State


class SteppedXtensa(HostedXtensa):
    """A core with an interpreter, which does some or all of its instructions."""

    def __init__(self, name: str, bus: Bus, *, exact: bool = True, vectors: int | None = None,
                 private: Sequence[Range] = (), depth: int = DEPTH,
                 state: State | None = None) -> None:
        super().__init__(name, bus, exact=exact, vectors=vectors, private=private, depth=depth,
                         state=state)
        self.interpreter = Interpreter(self.state, self.memory)
        self.interpreter.on_raised = self._raised
        self.interpreter.on_break = self._break

    def interpret(self, until: int) -> None:
        """What `advance` does, by the interpreter."""
        state, step, breakpoints = self.state, self.interpreter.step, self.breakpoints
        interrupts = self.takes_interrupts
        first = True
        while state.instructions < until:
            pc = state.pc
            if STUBS <= pc < STUBS_END and pc >= STUBS + 0x180:
                return
            if pc in breakpoints and not first:
                return
            step()
            first = False
            if self.stopping or state.sleeping or (state.attention and interrupts):
                return

    def _raised(self, error: Raised) -> None:
        if self.wants_fault:
            self.interpreter.take(error)
        elif not self.raised(error):
            self.state.instructions -= 1  # the instruction is not counted

    def _break(self, cause: int) -> int | None:
        state = self.state
        found = self.interpreter.instruction(state.pc)
        assert found is not None
        if self.on_bkpt is not None and self.on_bkpt(found.operands[0]):
            return None
        if self.wants_fault:
            return self.interpreter.take_break(cause)
        self.fault = make_fault(self.bus, state, FaultKind.BREAKPOINT,
                                text="narrow" if cause == DEBUG_BREAK_N else "")
        self.stopping = True
        state.instructions -= 1
        return state.pc


@final
class InterpretedXtensa(SteppedXtensa):
    """A core of the protocol `cores.core.Core`."""

    def advance(self, until: int) -> None:
        self.interpret(until)
