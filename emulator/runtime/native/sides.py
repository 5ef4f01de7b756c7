"""How machine code of one architecture and the run-time call each other: what the bridge asks of a
core beside running."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, Protocol, final

from mpy_cross.emulator.bus import Bus, BusFault
from mpy_cross.emulator.cores.core import CoreFault, Frame
from mpy_cross.emulator.runtime.native.guest import SIZE, Guest
from mpy_cross.emulator.runtime.native.traps import Trap

if TYPE_CHECKING:
    from mpy_cross.emulator.cores.arm import CortexM
    from mpy_cross.emulator.runtime.heap import Block
    from mpy_cross.emulator.runtime.native.region import Region

SP, LR = 13, 14
DIVIDES: Final = "v7m"
"""A core with this set of instructions divides."""


class HostedCore(Protocol):
    """What the bridge uses of every core."""

    level: int
    alarm: int
    on_alarm: Callable[[], None]
    on_error: Callable[[BaseException], BaseException]

    @property
    def before_access(self) -> Callable[[], None] | None: ...

    @before_access.setter
    def before_access(self, call: Callable[[], None] | None) -> None: ...

    @property
    def bus(self) -> Bus: ...

    @property
    def instructions(self) -> int: ...

    @property
    def cycles(self) -> int: ...

    def code_changed(self, address: int, size: int) -> None: ...

    def add_trap(self, function: Trap) -> int: ...

    def call(self, address: int, *args: int) -> int: ...

    def frame(self) -> Frame: ...

    def refused(self, error: BusFault) -> CoreFault: ...

    def word_of_stack(self, at: int) -> int: ...

    def read(self, register: str) -> int: ...

    def write(self, register: str, value: int) -> None: ...


class Side(ABC):
    """The side of the machine.

    bit: that addresses of code have; floats: arguments that are floats come in registers for
    floats; blocks: memory that has to stay.
    """

    bit = 0
    floats = False

    def __init__(self) -> None:
        self.blocks: list[Block] = []

    @abstractmethod
    def stack(self) -> int:
        """The stack pointer."""

    @abstractmethod
    def set_stack(self, address: int) -> None: ...

    @abstractmethod
    def room(self, sp: int, count: int) -> int:
        """Where so many words fit on the stack; they begin there, and the stack may, too."""

    @abstractmethod
    def call(self, entry: int, a: int, b: int, c: int, d: int) -> int:
        """Runs a function until it returns."""

    @abstractmethod
    def save(self, frame: Frame, words: memoryview, at: int) -> None:
        """Puts the registers of a frame into the jump buffer, whose words begin at an index."""

    @abstractmethod
    def land(self, frame: Frame, words: memoryview, at: int) -> None:
        """Takes them from there."""

    @abstractmethod
    def live(self) -> Iterator[int]:
        """Words of registers, in which objects may be."""

    @abstractmethod
    def entries(self, traps: Mapping[str, int], region: Region, magic: int) -> dict[str, int]:
        """Addresses of entries that are machine code themselves, by name."""

    @abstractmethod
    def variable(self) -> tuple[list[int], int]:
        """From a trap with a variable number of arguments: those after the fourth that are in
        registers, and the address of the others."""

    @abstractmethod
    def set_second(self, word: int) -> None:
        """From a trap: the second word of its result."""


@final
class ArmSide(Side):
    """Cortex-M, by the procedure call standard for Arm."""

    bit = 1

    def __init__(self, core: CortexM) -> None:
        super().__init__()
        self._core = core
        self.floats = bool(core.model.floats)

    def stack(self) -> int:
        return self._core.registers[SP]

    def set_stack(self, address: int) -> None:
        self._core.registers[SP] = address

    def room(self, sp: int, count: int) -> int:
        return sp - 4 * count & ~7

    def call(self, entry: int, a: int, b: int, c: int, d: int) -> int:
        core = self._core
        return core.call_with(entry, a, b, c, d, core.words[SP])

    def save(self, frame: Frame, words: memoryview, at: int) -> None:
        registers = frame.registers
        for value in (registers[LR], *registers[4:12], registers[SP]):
            words[at] = value
            at += 1

    def land(self, frame: Frame, words: memoryview, at: int) -> None:
        saved = words[at : at + 10].tolist()
        frame.registers[LR] = saved[0]
        frame.registers[4:12] = saved[1:9]
        frame.registers[SP] = saved[9]

    def live(self) -> Iterator[int]:
        yield from self._core.registers[0:13]

    def entries(self, traps: Mapping[str, int], region: Region, magic: int) -> dict[str, int]:
        core = self._core
        code = region.heap.alloc(SIZE)
        self.blocks.append(code)
        guest = Guest(code.address, traps, magic, region.limit, DIVIDES in core.model.features)
        data = guest.finish()
        code.view(len(data))[:] = data
        core.code_changed(code.address, len(data))
        return guest.entries

    def variable(self) -> tuple[list[int], int]:
        return [], self._core.words[SP]

    def set_second(self, word: int) -> None:
        self._core.registers[1] = word


