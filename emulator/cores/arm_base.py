"""What Cortex-M cores on Unicorn are made of: engines, registers, interrupts, faults, and the calls
that the engine makes back.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, final

from mpy_cross.emulator.bus import Bus, BusFault, Memory, Window
from mpy_cross.emulator.cores.core import (
    CoreError,
    CoreFault,
    Fault,
    FaultKind,
    Trap,
    Unwind,
)
from mpy_cross.emulator.cores.devices import Devices
from mpy_cross.emulator.cores.exceptions import BadReturn, Exceptions
from mpy_cross.emulator.cores.faults import (
    BKPT,
    EXCEPTION_RETURN,
    GENERAL,
    KINDS,
    PREFETCH,
    SVC,
    engine_fault,
    make_fault,
)
from mpy_cross.emulator.cores.masks import Masks, find_masks
from mpy_cross.emulator.cores.models import model as find_model
from mpy_cross.emulator.cores.nvic import CONTROLLER, FIRST_INTERRUPT, SYS_TICK, Nvic
from mpy_cross.emulator.cores.polls import Polls
from mpy_cross.emulator.cores.unicorn_arm import (
    LR,
    PAGE,
    PC,
    SP,
    Batch,
    Registers,
    Saved,
    arm_engine,
    fast_registers,
    live_registers,
    numbers,
    saved_floats,
    saved_registers,
)
from mpy_cross.emulator.cores.unicorn_common import (
    HOOK_BLOCK,
    HOOK_INTR,
    HOOK_INVALID_INSTRUCTION,
    LEVELS,
    BareCall,
    Engine,
    InterruptCall,
    InvalidCall,
    PlaceCall,
)
from mpy_cross.emulator.line import Line

# Memory of the core itself, at addresses that no chip uses and that may be executed.
STUBS: Final = 0x9F00_0000
TRAPS: Final = STUBS + PAGE  # one "bx lr" each
TRAP_LIMIT: Final = 8192
STUBS_SIZE: Final = PAGE + 2 * TRAP_LIMIT
RETURN: Final = STUBS  # "wfi": where a called function returns to
ABANDON: Final = STUBS + 4  # "wfi": where a level ends that an exception leaves
EXITS: Final = STUBS + 8  # "wfi" each, 4 bytes apart
EXIT_LIMIT: Final = 200
DIRECT: Final = STUBS + 832  # "bx lr" each, 4 bytes apart: traps with a callback of their own
DIRECT_LIMIT: Final = 16
_BX_LR, _WFI = b"\x70\x47", b"\x30\xbf\x00\xbf"

QUANTUM: Final = 10_000_000  # instructions after which the host looks whether Ctrl-C was pressed
NEVER: Final = 1 << 62
DEPTH: Final = 400

_WFE, _YIELD, _SEV = 0xBF20, 0xBF10, 0xBF40

_V6_SPECIAL: Final = ("xpsr", "msp", "psp", "control", "primask")
_V7_SPECIAL: Final = ("basepri", "faultmask")


def _no_alarm() -> None:
    raise CoreError("an alarm is set and nobody listens to it")


Enter = Callable[[int, int, int, int, int, int], int]
"""Calls a function: its address, r0 to r3 and the stack pointer; its result."""


Direct = Callable[[Any, Any, Any], Callable[[], None]]
"""Makes the callback of a trap for one engine, of its registers, and of the limit and the count of
instructions (see `Engine`)."""

Probe = Callable[[Any, Any, Any], Callable[[int, int, int, int], None]]
"""The same for a place in a program; that callback gets handle, address, size and data."""


def _no_entry(address: int, a: int, b: int, c: int, d: int, sp: int) -> int:
    raise CoreError("nothing can be called here")


def _as_it_is(error: BaseException) -> BaseException:
    return error


@final
class Part:
    """One engine with what belongs to it; a core has one for each 56 levels of calls.

    general, floats: the general registers as bytes, and those floating-point registers that a
    called function has to keep; words: the general registers, each read and written fast;
    arguments, set_call: r0 to r3 at once, and with sp and lr; enter: calls a function; ref, start,
    limit, begun: see `Engine`.
    """

    __slots__ = ("arguments", "begun", "engine", "enter", "everything", "exceptions", "floats",
                 "general", "limit", "ref", "registers", "set_call", "start", "words")

    def __init__(self, engine: Engine, registers: Registers, exceptions: Exceptions,
                 special: list[int], floats: bool) -> None:
        self.engine, self.registers, self.exceptions = engine, registers, exceptions
        self.limit, self.begun, self.ref = engine.limit, engine.begun, engine.ref
        self.start = engine.lib.start_held if engine.exact else engine.start
        self.general = saved_registers(engine, registers)
        self.words, self.arguments, self.set_call = fast_registers(registers, self.general)
        self.floats: Saved = saved_floats(engine, registers) if floats else memoryview(bytearray())
        self.enter: Enter = _no_entry
        self.everything = Batch(special + (numbers().doubles if floats else []))


class ArmCore:
    """The common part of what follows in `HostedArm` and `CortexM`."""

    # What calls and traps use is faster there than among the other attributes.
    __slots__ = ("__dict__", "__weakref__", "alarm", "done", "level", "part", "slack")

    def __init__(self, name: str, bus: Bus, *, exact: bool = True, vectors: int = 0,
                 private: list[Window] | None = None, depth: int = DEPTH) -> None:
        self.model = find_model(name)
        self.bus, self.exact, self.depth = bus, exact, depth
        self.level = 0
        self._hundredths = self.model.cycles
        self.masks: Masks | None = None
        self.alarm = NEVER
        self.on_alarm: Callable[[], None] = _no_alarm
        self.on_error: Callable[[BaseException], BaseException] = _as_it_is
        self.wants_fault = False
        self.on_bkpt: Callable[[int], bool] | None = None
        self.on_idle: Callable[[], None] | None = None
        self.nvic = Nvic(self.model)
        self.nvic.changed = self._interrupts_changed
        self.register_names = (
            *GENERAL, *_V6_SPECIAL, *(_V7_SPECIAL if self.model.v7 else ()),
            *(("fpscr", *(f"s{n}" for n in range(32))) if self.model.floats else ()))
        self._private = private or []
        windows = self.nvic.windows()
        if bus.find(CONTROLLER) is None:
            for window in windows:
                bus.window(window)
        else:
            self._private = self._private + windows
        self._devices = Devices(bus, self._device_failed)
        self._traps: list[Trap] = []
        self._direct: list[Direct] = []
        self._exits = 0
        self._stubs = memoryview(bytearray(STUBS_SIZE + PAGE))
        self._stubs = self._page_aligned(self._stubs)
        self._stubs[:] = _BX_LR * (STUBS_SIZE // 2)
        self._stubs[: 8 + 4 * EXIT_LIMIT] = _WFI * (2 + EXIT_LIMIT)
        self._breakpoints: dict[int, int] = {}
        self._skip = -1  # address of the breakpoint at which the last run stopped
        self._hit = -1  # address of the breakpoint that was just reached
        self.done = 0  # instructions of finished runs, and of outer levels while inner ones run
        self._end = 0
        self._sleeping = False
        self.slack = 0  # 1 in a trap: its "bx lr" belongs to what the trap did
        self._event = self._waits_for_event = False
        self._halt = self._reset = False
        self._most = QUANTUM if exact else 0  # instructions of a call before the host looks around
        self._refusal: int | None = None  # address of a refused access
        self._fault: Fault | None = None
        self._error: BaseException | None = None
        self._parts: list[Part] = []
        self._use(self._make_part())
        self._vectors = vectors
        self.nvic.vectors = vectors

    @staticmethod
    def _page_aligned(buffer: memoryview) -> memoryview:
        start = -ctypes.addressof(ctypes.c_char.from_buffer(buffer)) % PAGE
        return buffer[start : start + STUBS_SIZE]

    @property
    def name(self) -> str:
        return self.model.name

    # ------------------------------------------------------------------------------- the engines

    def _make_part(self) -> Part:
        engine = arm_engine(self.model, self.exact)
        registers = live_registers(engine)
        exceptions = Exceptions(self.model, engine, registers, self.nvic, self.bus)
        names = numbers().by_name
        special = ["control", "primask", *(_V7_SPECIAL if self.model.v7 else ()),
                   *(("fpscr",) if self.model.floats else ())]
        part = Part(engine, registers, exceptions, [names[name] for name in special],
                     bool(self.model.floats))
        engine.map_bus(self.bus, self._private, PAGE, self._devices.callbacks, self._refused,
                       self._stored)
        engine.map_memory(Memory("stubs", STUBS, STUBS_SIZE, self._stubs, "rx"))
        engine.hook(HOOK_INTR, InterruptCall(self._interrupt))
        engine.hook(HOOK_INVALID_INSTRUCTION, InvalidCall(self._invalid))
        engine.hook(HOOK_BLOCK, self._trap_call(part), TRAPS, TRAPS + 2 * TRAP_LIMIT - 1)
        for number, make in enumerate(self._direct):
            self._hook_direct(part, number, make)
        part.enter = self._entry(part)
        self._parts.append(part)
        return part

    def _hook_direct(self, part: Part, number: int, make: Direct) -> None:
        call = make(part.words, part.engine.limit, part.engine.begun)
        address = DIRECT + 4 * number
        part.engine.hook(HOOK_BLOCK, BareCall(call), address, address)

    def _entry(self, part: Part) -> Enter:
        return _no_entry

    def _use(self, part: Part) -> None:
        self.part = part
        self._engine, self.registers, self.words = part.engine, part.registers, part.words
        self.exceptions, self.begun = part.exceptions, part.engine.begun
        self.enter = part.enter
        levels = LEVELS * (self._parts.index(part) + 1)  # with this engine
        self._ceiling = min(levels, self.depth)

    def _trap_call(self, part: Part) -> Any:
        """The callback at the traps; the innermost loop of a hosted program goes through it."""
        words, arguments, traps = part.words, part.arguments, self._traps
        limit, begun, exact = part.engine.limit, part.engine.begun, self.exact

        def trap(handle: int, address: int) -> None:
            if exact and begun[0] >= limit[0]:
                return  # the run ends before this instruction; it comes here again in the next one
            self.slack = 1
            try:
                a, b, c, d = arguments()
                result = traps[address - TRAPS >> 1](a, b, c, d)
                if result is not None:
                    words[0] = result
            except BaseException as error:  # must not go through the engine
                self.trap_raised(error)
            self.slack = 0

        return PlaceCall(trap)

    def trap_raised(self, error: BaseException) -> None:
        """At the end of a trap."""
        try:
            error = self.on_error(error)
        except BaseException as another:
            error = another
        if isinstance(error, Unwind) and error.frame.level == self.level:
            self._land(error)
        else:
            self._abandon(error)

    def close(self) -> None:
        """Frees the memory of the engines; the core cannot be used any more."""
        for part in self._parts:
            part.engine.close()

    # ------------------------------------------------------------------------------- registers

    def _number(self, register: str) -> int:
        if register not in self.register_names:
            raise CoreError(f"{self.name} has no register {register!r}; there are "
                            f"{', '.join(self.register_names)}")
        return numbers().by_name[register]

    def read(self, register: str) -> int:
        return self._engine.read(self._number(register)) & 0xFFFF_FFFF

    def write(self, register: str, value: int) -> None:
        number = self._number(register)
        value &= 0xFFFF_FFFF
        if register == "pc":
            value |= 1
        self._engine.write(number, value)
        if register in ("xpsr", "control"):
            self._engine.write(numbers().by_name["apsr_nzcv"], self.read("xpsr") & 0xF000_0000)

    def for_firmware(self) -> None:
        """What makes `run` faster and changes nothing else, see `Polls` and `Masks`."""
        part = self.part
        engine = part.engine
        if not (self.exact and engine.counts_itself):
            return
        self._devices.polls = Polls(self.bus, part.words, part.general, engine.limit, engine.begun)
        masks = find_masks(engine, part.registers, self.model.v7)
        self.masks = part.exceptions.masks = masks

    def code_changed(self, address: int, size: int) -> None:
        if self._devices.polls is not None:
            self._devices.polls.forget()
        for part in self._parts:
            part.engine.forget_code(address, size)

    def word_of_stack(self, at: int) -> int:
        """From a trap: the argument word number `at` of those on the stack, from 0."""
        return self.bus.read(self.registers[SP] + 4 * at, 4)

    # ------------------------------------------------------------------------------- counting

    @property
    def instructions(self) -> int:
        if self.level:
            return self.done + max(self._engine.counter.value - 1, 0)
        return self.done

    @property
    def cycles(self) -> int:
        if self.level:  # often asked for: the same without another call
            return (self.done + (self._engine.begun[0] or 1) - 1) * self._hundredths // 100
        return self.done * self._hundredths // 100

    def budget(self, cycles: int) -> int:
        done = self.instructions
        wanted = (done * self.model.cycles // 100 + cycles) * 100
        return max(-(-wanted // self.model.cycles) - done, 1)

    # ------------------------------------------------------------------------------- interrupts

    def connect(self, interrupts: Mapping[int, Line], tick: Line | None = None) -> None:
        """Listens to the lines of a chip's interrupts, and to that of SysTick."""
        for number, line in interrupts.items():
            exception = FIRST_INTERRUPT + number
            line.watch(partial(self.nvic.line, exception))
            self.nvic.line(exception, line.level)
        if tick is not None:
            tick.watch(lambda level: self.nvic.pend(SYS_TICK) if level else None)

    def raise_interrupt(self, number: int) -> None:
        self.nvic.pend(FIRST_INTERRUPT + number)

    def vector(self, exception: int) -> int:
        """The address of the handler of an exception, with bit 0 set."""
        return self.bus.read(self.nvic.vectors + 4 * exception, 4)

    def send_event(self) -> None:
        """What SEV of another core does: wakes this one from WFE."""
        self._event = True

    @property
    def before_access(self) -> Callable[[], None] | None:
        """Called ahead of each access to device registers."""
        return self._devices.before

    @before_access.setter
    def before_access(self, call: Callable[[], None] | None) -> None:
        self._devices.before = call

    def _interrupts_changed(self) -> None:
        if self.nvic.ready:
            self.kick()

    def kick(self) -> None:
        if self.level and self.exact:
            self._engine.stop_after(self.slack)

    def preempt(self) -> None:
        """The current run ends after this instruction with BUDGET."""
        self._end = 0
        self.alarm = min(self.alarm, self.instructions)
        self.kick()

    def halt(self) -> None:
        self._halt = True
        self.kick()

    # ------------------------------------------------------------------------------- faults

    def _refused(self, kind: int, address: int, size: int) -> None:
        self._refusal = address

    def _stored(self, memory: Memory, offset: int, size: int, value: int) -> bool:
        """A store to a memory that is not writable, but takes stores."""
        try:
            if self._devices.before is not None:
                self._devices.before()
            assert memory.store is not None
            taken = memory.store(offset, size, value)
            if self._devices.before is not None:
                self._devices.before()  # it may have taken its time
            return taken
        except BaseException as error:  # must not go through the engine
            self._device_failed(error)
            return False

    def _device_failed(self, error: BaseException) -> None:
        """A device access raised: the run ends after this instruction, or at once if it was no
        access of the program."""
        if isinstance(error, BusFault):
            kind = FaultKind.WRITE if error.kind == "write" else FaultKind.READ
            self._fault = self._make_fault(kind, self.registers[PC], error.address, str(error))
        elif self._error is None:
            self._error = error
        if self.exact:
            self._engine.stop_after()
        else:
            self._engine.write(numbers().by_name["pc"], ABANDON | 1)

    def _make_fault(self, kind: FaultKind, pc: int, address: int | None = None,
                    text: str = "") -> Fault:
        return make_fault(self._engine, self.bus, self.model, kind, pc, address, text)

    def refused(self, error: BusFault) -> CoreFault:
        """From a trap: what it raises where it cannot access what the program has asked it to; the
        fault is put to the call of the trap."""
        kind = FaultKind.WRITE if error.kind == "write" else FaultKind.READ
        called = (self.registers[LR] & ~1) - 2
        return CoreFault(self._make_fault(kind, called, error.address, str(error)))

    def _take_fault(self, error: int) -> Fault | None:
        """The fault that ended a run, None if none did; it is dealt with then."""
        fault, self._fault = self._fault, None
        refused, self._refusal = self._refusal, None
        if error:
            return engine_fault(self._engine, self.bus, self.model, error, refused)
        return fault

    def _end_with(self, kind: FaultKind, pc: int, text: str = "") -> None:
        """From a hook: this level ends with a fault."""
        self._fault = self._make_fault(kind, pc, None, text)
        self._engine.write(numbers().by_name["pc"], ABANDON | 1)

    # ------------------------------------------------------------------------------- hooks

    def _interrupt(self, handle: int, number: int, user: int) -> None:
        try:
            self._serve(number)
        except BadReturn as error:
            self._end_with(FaultKind.RETURN, self.registers[PC], str(error))
        except BusFault as error:
            self._end_with(FaultKind.WRITE, self.registers[PC], str(error))
        except BaseException as error:  # must not go through the engine
            self._abandon(error)

    def _serve(self, number: int) -> None:
        pc = self.registers[PC]
        if number == EXCEPTION_RETURN or (
                number == PREFETCH and pc >= 0xFFFF_FF00 and self.nvic.active):
            self.exceptions.come_back(pc | 1 if self.model.unicorn != "M33" else pc)
            if self.nvic.sleep_on_exit and not self.nvic.active:
                self._sleeping = True
                self.kick()
        elif number == SVC:
            if not self.exceptions.supervisor_call(pc):
                self._end_with(FaultKind.ESCALATION, pc - 2)
        elif number == BKPT:
            if self.on_bkpt is not None and self.on_bkpt(self.bus.read(pc, 1)):
                self._engine.write(numbers().by_name["pc"], pc + 2 | 1)
            else:
                self._end_with(FaultKind.BREAKPOINT, pc)
        elif number in KINDS:
            self._end_with(KINDS[number], pc)
        else:
            self._end_with(FaultKind.ENGINE, pc, f"exception {number} of the engine")

    def _invalid(self, handle: int, user: int) -> bool:
        """An instruction that the engine does not execute: True if it was done here."""
        try:
            opcode = self.bus.read(self.registers[PC] - 2 & 0xFFFF_FFFF, 2)
        except BusFault:
            return False
        if opcode == _WFE:
            if self._event:
                self._event = False
            else:
                self._sleeping = self._waits_for_event = True
                self.kick()
            return True
        return opcode == _YIELD

    def _land(self, unwind: Unwind) -> None:
        """From a trap of this level: execution goes on at a frame of it."""
        frame, part = unwind.frame, self.part
        part.registers[0:15] = frame.registers
        part.registers[0] = unwind.value & 0xFFFF_FFFF
        part.floats[:] = frame.others
        part.engine.write(numbers().by_name["pc"], frame.registers[LR] | 1)

    def _abandon(self, error: BaseException) -> None:
        """From a hook: this level ends, and `error` goes to whoever called it."""
        self._error = error
        self._engine.write(numbers().by_name["pc"], ABANDON | 1)
