"""An Xtensa core around whatever executes its instructions: runs, interrupts, breakpoints, state.

What executes is `advance`, which a subclass gives: it goes on from `state.pc` until something is
there for the host.  How host and program call each other is in `hosted.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from mpy_cross.assembler.xtensa_registers import SPECIAL, USER
from mpy_cross.emulator.bus import Bus, Memory, Range
from mpy_cross.emulator.cores.core import CoreError, CoreState, Fault, Stop, StopReason, Trap
from mpy_cross.emulator.cores.xtensa import exceptions, special
from mpy_cross.emulator.cores.xtensa.memory import BusMemory
from mpy_cross.emulator.cores.xtensa.models import model as find_model
from mpy_cross.emulator.cores.xtensa.numbers import (
    CCOUNT,
    CPENABLE,
    MASK,
    PS,
    PS_UM,
    PS_WOE,
    VECBASE,
)
from mpy_cross.emulator.cores.xtensa.state import State
from mpy_cross.emulator.cores.xtensa.vectors import window_vectors
from mpy_cross.emulator.line import Line

# Memory of the core itself, at addresses that no chip uses.  They lie in the same gigabyte as code,
# as RETW keeps the upper two bits of the address.
STUBS: Final = 0x7000_0000  # handlers of window exceptions, for programs that the host calls
RETURN: Final = STUBS + 0x400  # where a called function returns to
EXITS: Final = STUBS + 0x404  # 4 bytes apart
EXIT_LIMIT: Final = 200
TRAPS: Final = STUBS + 0x1000  # 4 bytes apart
TRAP_LIMIT: Final = 8192
STUBS_SIZE: Final = 0x1000 + 4 * TRAP_LIMIT
STUBS_END: Final = STUBS + STUBS_SIZE

NEVER: Final = 1 << 62
DEPTH: Final = 400


def _no_alarm() -> None:
    raise CoreError("an alarm is set and nobody listens to it")


def _as_it_is(error: BaseException) -> BaseException:
    return error


class XtensaBase:
    """The common part of what follows in `hosted.HostedXtensa` and its subclasses.

    name: of a `Model`; private: ranges that this core sees in place of the bus's.
    exact: false where only `call` is to be used.  depth: how many calls may be nested.

    on_error: what to raise in place of an exception of a trap.
    alarm: as soon as so many `instructions` are over, `call` calls `on_alarm`, which has to set the
    next; what it raises ends the call.  wants_fault: whether faults are taken as exceptions by
    the program rather than ending the run.  on_bkpt: called with the number of a BREAK, True if it
    is dealt with.  on_idle: called when a function under `call` executes WAITI.
    """

    def __init__(self, name: str, bus: Bus, *, exact: bool = True, vectors: int | None = None,
                 private: Sequence[Range] = (), depth: int = DEPTH,
                 state: State | None = None) -> None:
        self.model = find_model(name)
        self.bus, self.exact, self.depth = bus, exact, depth
        self.state = State(self.model) if state is None else state
        stubs = memoryview(bytearray(STUBS_SIZE))
        stubs[: len(window_vectors())] = window_vectors()
        self.stubs = Memory("stubs", STUBS, STUBS_SIZE, stubs, "rx")
        self.memory = BusMemory(bus, (*private, self.stubs))
        self.level = 0
        self.alarm = NEVER
        self.on_alarm: Callable[[], None] = _no_alarm
        self.on_error: Callable[[BaseException], BaseException] = _as_it_is
        self.on_idle: Callable[[], None] | None = None
        self.on_bkpt: Callable[[int], bool] | None = None
        self.wants_fault = False
        self.traps: list[Trap] = []
        self.breakpoints: set[int] = set()
        self.takes_interrupts = True
        self.fault: Fault | None = None
        self.stopping = False  # `advance` is to come back
        self._exits = 0
        self._skip = -1  # address of the breakpoint at which the last run stopped
        self._halt = self._reset = False
        self._end = 0
        self._vectors = vectors
        sr = self.state.sr
        sr[PS] = PS_UM | (PS_WOE if self.model.windows else 0)
        sr[VECBASE] = STUBS
        if "float" in self.model.features:
            sr[CPENABLE] = 0xFF
        self.register_names = tuple(self.state.registers())

    @property
    def name(self) -> str:
        return self.model.name

    def advance(self, until: int) -> None:
        """Executes from `state.pc` until `state.instructions` is `until`, and comes back earlier:
        when the pc is in the stubs; when the core sleeps; when an exception or interrupt ...

        * leaves `fault` set (of the instruction at the pc, which is not counted);
        * after an instruction in which `stopping` was set, or an interrupt became possible
          (`state.attention`) while `takes_interrupts`;
        * ahead of an instruction at one of `breakpoints`, but for the first instruction.

        What a device raises comes through, with the pc at the instruction.
        """
        raise NotImplementedError

    # ------------------------------------------------------------------------------- registers

    def _number(self, register: str) -> int:
        if register not in self.register_names and register != "sp":
            raise CoreError(f"{self.name} has no register {register!r}; there are "
                            f"{', '.join(self.register_names)}")
        return _NUMBERS.get(register, -1)

    def read(self, register: str) -> int:
        number, state = self._number(register), self.state
        if register == "pc":
            return state.pc
        if register == "sp":
            return state.read(1)
        if number >= 0:
            return special.read(state, number)
        if register in _USER_NUMBERS:
            return state.ur[_USER_NUMBERS[register]]
        if register.startswith("ar"):
            return state.ar[int(register[2:])]
        if register.startswith("f"):
            return state.fr[int(register[1:])]
        return state.read(int(register[1:]))

    def write(self, register: str, value: int) -> None:
        number, state = self._number(register), self.state
        value &= MASK
        if register == "pc":
            state.pc = value
        elif register == "sp":
            state.write(1, value)
        elif number == CCOUNT:
            state.set_ccount(value)
        elif number >= 0:
            state.sr[number] = value
            state.attention = True
        elif register in _USER_NUMBERS:
            state.ur[_USER_NUMBERS[register]] = value
        elif register.startswith("ar"):
            state.ar[int(register[2:])] = value
        elif register.startswith("f"):
            state.fr[int(register[1:])] = value
        else:
            state.write(int(register[1:]), value)

    def code_changed(self, address: int, size: int) -> None:
        """Nothing to do where instructions are read again each time."""

    def for_firmware(self) -> None:
        """For what makes `run` faster and changes nothing else."""

    def close(self) -> None:
        """The core is not used any more."""

    # ------------------------------------------------------------------------------- counting

    @property
    def instructions(self) -> int:
        return self.state.instructions

    @property
    def cycles(self) -> int:
        return self.state.instructions * self.model.cycles // 100

    def budget(self, cycles: int) -> int:
        done = self.state.instructions
        wanted = (done * self.model.cycles // 100 + cycles) * 100
        return max(-(-wanted // self.model.cycles) - done, 1)

    def sleep_limit(self) -> int:
        """While the core is idle: the cycles after which a timer of its own goes off."""
        return self.state.cycles_to_timer()

    def slept(self, cycles: int) -> None:
        """The core was idle for so long: its timers and CCOUNT follow."""
        self.state.slept += cycles

    # ------------------------------------------------------------------------------- interrupts

    def connect(self, interrupts: Mapping[int, Line]) -> None:
        """Listens to the lines of a chip's interrupts."""
        for number, line in interrupts.items():
            line.watch(partial(self.interrupt_line, number))
            self.interrupt_line(number, line.level)

    def interrupt_line(self, number: int, level: bool) -> None:
        """The wire of interrupt `number` has this level now."""
        self.state.line(number, bool(level))
        if level:
            self.kick()

    def raise_interrupt(self, number: int) -> None:
        """Interrupt `number` becomes pending; one of those by level stays until its line ends."""
        self.interrupt_line(number, True)

    @property
    def before_access(self) -> Callable[[], None] | None:
        """Called ahead of each access to device registers."""
        return self.memory.before

    @before_access.setter
    def before_access(self, call: Callable[[], None] | None) -> None:
        self.memory.before = call

    def kick(self) -> None:
        self.stopping = True

    def preempt(self) -> None:
        """The current run ends after this instruction with BUDGET."""
        self._end = 0
        self.alarm = min(self.alarm, self.state.instructions)
        self.stopping = True

    def halt(self) -> None:
        self._halt = self.stopping = True

    # ------------------------------------------------------------------------------- running

    def reset(self, vectors: int | None = None) -> None:
        """vectors: VECBASE, before which or behind which the reset vector stands as it does on the
        chip.  During a run the reset is done after the current instruction."""
        if vectors is not None:
            self._vectors = vectors
        if self.level:
            self._reset = True
            self.kick()
            return
        self._reset = self._halt = False
        self._skip = -1
        state, model = self.state, self.model
        state.reset()
        if self._vectors is not None:
            state.sr[VECBASE] = self._vectors
            state.pc = self._vectors + model.reset - model.vector_base & MASK

    def run(self, budget: int) -> Stop:
        if self.level:
            raise CoreError("run was called inside of a run or call")
        if not self.exact:
            raise CoreError("a core that does not count instructions has no budgets")
        state = self.state
        began = state.instructions
        self._end = began + budget
        if self._skip != state.pc:
            self._skip = -1
        while True:
            if self._reset:
                self.reset()
            if self._halt:
                self._halt = False
                return self._stop(StopReason.HALTED, began)
            if state.next_timer() <= state.instructions:
                state.tick()
            if state.attention:
                exceptions.interrupt(state)
            if state.sleeping:
                return self._stop(StopReason.IDLE, began)
            if state.instructions >= self._end:
                return self._stop(StopReason.BUDGET, began)
            pc = state.pc
            if STUBS <= pc < STUBS_END:
                if EXITS <= pc < EXITS + 4 * self._exits:
                    return self._stop(StopReason.EXIT, began, number=(pc - EXITS) // 4)
                if self._in_stub(pc):
                    continue
            if pc in self.breakpoints and pc != self._skip:
                self._skip = pc
                return self._stop(StopReason.BREAKPOINT, began)
            self._skip = -1
            self.stopping = False
            self.level = 1
            try:
                self.advance(min(self._end, state.next_timer()))
            finally:
                self.level = 0
            if self.fault is not None:
                fault, self.fault = self.fault, None
                return self._stop(StopReason.FAULT, began, fault)

    def _in_stub(self, pc: int) -> bool:
        """Does what is to be done there; False for what is code."""
        raise NotImplementedError

    def _stop(self, reason: StopReason, began: int, fault: Fault | None = None,
              number: int = 0) -> Stop:
        return Stop(reason, self.state.instructions - began, self.state.pc, fault, number)

    def add_breakpoint(self, address: int) -> None:
        """At an instruction."""
        self.breakpoints.add(address)

    def remove_breakpoint(self, address: int) -> None:
        self.breakpoints.discard(address)

    # ------------------------------------------------------------------------------- state

    def save(self) -> CoreState:
        if self.level:
            raise CoreError("the state of a core can be saved between runs only")
        return CoreState(self.state.registers(), self.state.instructions, self.state.save())

    def restore(self, state: CoreState) -> None:
        if self.level:
            raise CoreError("the state of a core can be restored between runs only")
        others: Any = state.others
        self.state.restore(others)
        self._skip = -1


_NUMBERS: Final = {name: number for number, name in SPECIAL.items()}
_USER_NUMBERS: Final = {name: number for number, name in USER.items()}
