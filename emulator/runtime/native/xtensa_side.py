"""Xtensa, with windows (ESP32) and without (ESP8266), by the two calling conventions of its
compilers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, final

from mpy_cross.emulator.cores.core import Frame
from mpy_cross.emulator.cores.xtensa.numbers import PS, PS_CALLINC, PS_CALLINC_SHIFT
from mpy_cross.emulator.runtime.native.sides import Side
from mpy_cross.emulator.runtime.native.xtensa_guest import SIZE, XtensaGuest

if TYPE_CHECKING:
    from mpy_cross.emulator.cores.xtensa.hosted import HostedXtensa
    from mpy_cross.emulator.runtime.native.region import Region

SP: Final = 1
SAVE_AREA: Final = 32
"""Bytes below the stack pointer where registers of the frames around may be."""
# Registers in the order of a jump buffer.  Without windows those that a function has to keep
# (py/nlrxtensa.c); with them those of the frame that are no arguments of functions it calls.
KEPT: Final = (0, 1, 8, 9, 10, 11, 12, 13, 14, 15)
WINDOW: Final = (0, 1, 2, 3, 4, 5, 6, 7)


@final
class XtensaSide(Side):
    """LX6 and LX106."""

    def __init__(self, core: HostedXtensa) -> None:
        super().__init__()
        self._core = core
        self._windows = core.model.windows
        self._order = WINDOW if self._windows else KEPT
        self._outer: list[list[int]] = []
        """Register files of the calls around this one, which the core puts aside."""

    def stack(self) -> int:
        return self._core.state.read(SP)

    def set_stack(self, address: int) -> None:
        self._core.state.write(SP, address)

    def room(self, sp: int, count: int) -> int:
        return sp - (SAVE_AREA if self._windows else 0) - 4 * count & ~15

    def call(self, entry: int, a: int, b: int, c: int, d: int) -> int:
        core = self._core
        self._outer.append([*core.state.ar])
        try:
            return core.call(entry, a, b, c, d)
        finally:
            self._outer.pop()

    def save(self, frame: Frame, words: memoryview, at: int) -> None:
        for number in self._order:
            words[at] = frame.registers[number]
            at += 1

    def land(self, frame: Frame, words: memoryview, at: int) -> None:
        for number in self._order:
            frame.registers[number] = words[at]
            at += 1

    def live(self) -> Iterator[int]:
        yield from self._core.state.ar
        for registers in self._outer:
            yield from registers

    def entries(self, traps: Mapping[str, int], region: Region, magic: int) -> dict[str, int]:
        core = self._core
        code = region.heap.alloc(SIZE)
        self.blocks.append(code)
        guest = XtensaGuest(code.address, traps, magic, region.limit, self._windows)
        data = guest.finish()
        code.view(len(data))[:] = data
        core.code_changed(code.address, len(data))
        return guest.entries

    def variable(self) -> tuple[list[int], int]:
        core = self._core
        return [core.word_of_stack(0), core.word_of_stack(1)], self.stack()

    def set_second(self, word: int) -> None:
        state = self._core.state
        first = 2
        if self._windows:
            first |= (state.sr[PS] & PS_CALLINC) >> PS_CALLINC_SHIFT << 2
        state.write(first + 1, word)
