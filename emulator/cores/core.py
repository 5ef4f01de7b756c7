"""What a core is: a processor on a bus that runs for a budget and says why it stopped.

Instructions are counted exactly and never depend on how a run is cut into budgets; nothing stops a
core at a moment that the host's clock decides.

Firmware is driven with `run`.  A hosted run-time uses `call` instead: the guest function gets its
arguments in registers, reaches Python through the addresses that `add_trap` gives, and those
functions may `call` again.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, final

from mpy_cross.emulator.bus import Bus

Trap = Callable[[int, int, int, int], "int | None"]
"""A host function that guest code calls: it gets the first four argument registers.  Its result
goes to the result register, None leaves that as it is."""


class CoreError(Exception):
    """A core cannot do what the host asked of it."""


class MissingEngineError(CoreError):
    """The library that executes machine code is not installed."""


@final
class DepthError(RecursionError):
    """Calls from host to guest are nested too deeply."""


@final
class StopReason(enum.Enum):
    """Why `run` came back."""

    BUDGET = "the budget is used up"
    BREAKPOINT = "a breakpoint was reached; its instruction has not run yet"
    IDLE = "the program waits for an interrupt or an event"
    FAULT = "the program did what the processor cannot do"
    HALTED = "the host or the program asked for a halt"
    EXIT = "the program came to an exit address"


@final
class FaultKind(enum.Enum):
    READ = "read where nothing answers"
    WRITE = "write where nothing answers"
    FETCH = "execution where nothing answers"
    NO_READ = "read that the memory does not allow"
    NO_WRITE = "write that the memory does not allow"
    NO_EXECUTE = "execution that the memory does not allow"
    UNALIGNED = "unaligned access"
    DIVISION = "division by zero"
    UNDEFINED = "undefined instruction"
    NO_COPROCESSOR = "instruction of a coprocessor that this core does not have"
    BREAKPOINT = "breakpoint instruction without a debugger"
    STATE = "jump to an address that selects another instruction set"
    ESCALATION = "exception that cannot be taken at this priority"
    RETURN = "invalid return from an exception"
    ENGINE = "internal error of the engine"


@final
class Fault(NamedTuple):
    """What went wrong.

    pc: of the instruction; address: of the access, None where there is none; text: what a device
    said about it, or ""; instruction: in assembler, "" where its bytes cannot be read; registers:
    by name, at the fault.
    """

    kind: FaultKind
    pc: int
    address: int | None
    instruction: str
    registers: Mapping[str, int]
    text: str = ""

    def __str__(self) -> str:
        where = "" if self.address is None else f" at 0x{self.address:08x}"
        what = f": {self.instruction}" if self.instruction else ""
        more = f" ({self.text})" if self.text else ""
        return f"{self.kind.value}{where}, pc=0x{self.pc:08x}{what}{more}"

    def report(self) -> str:
        """Some lines: the fault, and all registers."""
        lines = [str(self)]
        cells = [f"{name:>8}=0x{value:08x}" for name, value in self.registers.items()]
        lines += ["".join(cells[at : at + 4]) for at in range(0, len(cells), 4)]
        return "\n".join(lines)


@final
class CoreFault(CoreError):
    """Guest code that was called by the host faulted."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@final
class Stop(NamedTuple):
    """How a run ended.

    instructions: how many this run executed; pc: of the next instruction; fault: for FAULT;
    number: for EXIT, which of the exits.
    """

    reason: StopReason
    instructions: int
    pc: int
    fault: Fault | None = None
    number: int = 0


@final
class Frame:
    """A place in guest code to come back to, such as nlr_push returning a second time.

    level: how many guest calls were active; registers: the general registers, by number;
    others: what else a called function has to keep, private to the core.  Registers may be changed
    before it is used.
    """

    __slots__ = ("level", "others", "registers")

    def __init__(self, level: int, registers: list[int], others: bytes = b"") -> None:
        self.level, self.registers, self.others = level, registers, others


@final
class Unwind(Exception):
    """Raised by a trap: execution goes on at `frame`, with `value` in the result register.

    Calls on the way end, in guest and in host; a host function on the way may catch it to clean up
    and has to raise it again.
    """

    def __init__(self, frame: Frame, value: int) -> None:
        super().__init__()
        self.frame, self.value = frame, value


@final
class CoreState(NamedTuple):
    """A snapshot of a core, without the memory on its bus.

    registers: by name; others: what is not a register, private to the core.
    """

    registers: Mapping[str, int]
    instructions: int
    others: Mapping[str, object]


class Core(Protocol):
    """A processor on a bus."""

    @property
    def name(self) -> str:
        """Kind of the core, such as "cortex-m4f"."""

    @property
    def bus(self) -> Bus: ...

    @property
    def register_names(self) -> tuple[str, ...]:
        """All registers that `read` and `write` know."""

    # Registers and memory.

    def read(self, register: str) -> int:
        """Value of a register. CoreError for an unknown name."""

    def write(self, register: str, value: int) -> None:
        """Changes a register. CoreError for an unknown name."""

    def code_changed(self, address: int, size: int) -> None:
        """The host wrote instructions there; without this the old ones may still run."""

    # Running.

    def reset(self, vectors: int | None = None) -> None:
        """State after a reset, with the vector table at `vectors`; by default where it was."""

    def run(self, budget: int) -> Stop:
        """Runs at most `budget` instructions. CoreError inside of a call."""

    def kick(self) -> None:
        """From a device access: let the host look at interrupts after this instruction."""

    def halt(self) -> None:
        """The current run ends after this instruction, or the next before its first."""

    @property
    def instructions(self) -> int:
        """Executed since the core was made; inside of a device access, those before it."""

    @property
    def cycles(self) -> int:
        """Clock cycles estimated for `instructions`."""

    def budget(self, cycles: int) -> int:
        """The number of instructions, at least 1, after which `cycles` more are over."""

    def add_breakpoint(self, address: int) -> None: ...

    def remove_breakpoint(self, address: int) -> None: ...

    def raise_interrupt(self, number: int) -> None:
        """Interrupt `number` of the chip becomes pending."""

    # Guest and host call each other.

    def add_trap(self, function: Trap) -> int:
        """An address; guest code that calls it calls `function`, which may raise Unwind."""

    def add_exit(self) -> int:
        """An address; a run that comes there stops with EXIT."""

    def call(self, address: int, *args: int) -> int:
        """Runs the guest function until it returns; its result register.

        CoreFault for a fault, DepthError; exceptions of traps come through.
        """

    def frame(self) -> Frame:
        """From a trap: the place where it returns to, for an Unwind later."""

    # State.

    def save(self) -> CoreState: ...

    def restore(self, state: CoreState) -> None: ...
