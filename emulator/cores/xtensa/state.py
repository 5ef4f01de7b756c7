"""The architectural state of one core: registers as plain integers, and the timers.

The four files of registers are sequences of unsigned 32-bit numbers.  Any mutable sequence will do:
an engine may give views of memory that its machine code uses.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableSequence
from typing import Any, Final, final

from mpy_cross.assembler.xtensa_registers import SPECIAL, USER
from mpy_cross.emulator.cores.xtensa.models import Model
from mpy_cross.emulator.cores.xtensa.numbers import (
    ATOMCTL,
    CCOMPARE,
    CCOUNT,
    CONFIGID0,
    CONFIGID1,
    INTENABLE,
    INTERRUPT,
    MASK,
    PRID,
    PS,
    PS_EXCM,
    PS_INTLEVEL,
    PS_WOE,
    VECBASE,
    WINDOWBASE,
    WINDOWSTART,
)

Words = MutableSequence[int]

NEVER: Final = 1 << 62
_PS_RESET: Final = 0x1F
_ATOMCTL_RESET: Final = 0x28


@final
class State:
    """What an instruction can change, but for memory.

    pc: of the next instruction.
    ar: the file of address registers, `model.registers` of them; a0 of the present window is
        ar[4 * WINDOWBASE], and the file wraps.
    sr: special registers by number; ur: user registers by number (FCR, FSR, THREADPTR ...);
    fr: floating-point registers, their bits.
    CCOUNT stands in none of them, it follows from `instructions`; INTERRUPT is sr[226], with the
    levels of the lines in it.
    instructions: how many have been executed; inside of one, those before it.
    slept: clock cycles that went by without instructions.
    sleeping: after WAITI, until an interrupt is taken.
    processor: what PRID gives; each core of a chip has another number.
    attention: an interrupt may have become possible since it was last looked for.
    """

    __slots__ = ("_due", "_offset", "ar", "attention", "fr", "instructions", "model", "nmi_pending",
                 "pc", "processor", "sleeping", "slept", "sr", "ur")

    def __init__(self, model: Model, ar: Words | None = None, sr: Words | None = None,
                 ur: Words | None = None, fr: Words | None = None) -> None:
        self.model = model
        self.ar: Words = [0] * model.registers if ar is None else ar
        self.sr: Words = [0] * 256 if sr is None else sr
        self.ur: Words = [0] * 256 if ur is None else ur
        self.fr: Words = [0] * 16 if fr is None else fr
        self.instructions = self.slept = 0
        self.processor = model.processor
        self.reset()

    def reset(self) -> None:
        """As after a reset; `instructions` goes on."""
        for words in (self.ar, self.sr, self.ur, self.fr):
            for at in range(len(words)):
                words[at] = 0
        sr, model = self.sr, self.model
        sr[PS], sr[VECBASE], sr[PRID] = _PS_RESET, model.vector_base, self.processor
        sr[CONFIGID0], sr[CONFIGID1] = model.config
        sr[WINDOWSTART] = 1
        if ATOMCTL in model.specials:
            sr[ATOMCTL] = _ATOMCTL_RESET
        self.pc = model.reset
        self.sleeping = self.attention = self.nmi_pending = False
        self._offset = -self.cycles & MASK
        self._due = [NEVER] * len(model.interrupts.timers)
        for number in range(len(self._due)):
            self.compare(number, 0)

    # Registers of the present window.

    def read(self, number: int) -> int:
        """Register a0 to a15."""
        return self.ar[((self.sr[WINDOWBASE] << 2) + number) % self.model.registers]

    def write(self, number: int, value: int) -> None:
        self.ar[((self.sr[WINDOWBASE] << 2) + number) % self.model.registers] = value & MASK

    def window(self) -> list[int]:
        """a0 to a15."""
        base, count = self.sr[WINDOWBASE] << 2, self.model.registers
        return [self.ar[(base + number) % count] for number in range(16)]

    def checks_windows(self) -> bool:
        """Are accesses to a register that another frame holds window overflows?"""
        return self.sr[PS] & (PS_WOE | PS_EXCM) == PS_WOE

    # Time.

    @property
    def cycles(self) -> int:
        """Clock cycles that `instructions` take, and those that were slept through."""
        return self.instructions * self.model.cycles // 100 + self.slept

    @property
    def ccount(self) -> int:
        return self.cycles + self._offset & MASK

    def set_ccount(self, value: int) -> None:
        self._offset = value - self.cycles & MASK
        for number in range(len(self._due)):
            self._set_due(number)

    def compare(self, number: int, value: int) -> None:
        """WSR.CCOMPAREn: the interrupt of the timer ends, and comes when CCOUNT is `value`."""
        self.sr[CCOMPARE + number] = value & MASK
        self.sr[INTERRUPT] &= ~(1 << self.model.interrupts.timers[number]) & MASK
        self._set_due(number)

    def _set_due(self, number: int) -> None:
        wait = self.sr[CCOMPARE + number] - self.ccount & MASK
        self._due[number] = self.cycles + (wait or 1 << 32)

    def next_timer(self) -> int:
        """`instructions` when the next timer comes to its value; look for it with `tick` then."""
        return -(-(min(self._due, default=NEVER) - self.slept) * 100 // self.model.cycles)

    def cycles_to_timer(self) -> int:
        """Clock cycles until then, if the core does nothing."""
        return min(self._due, default=NEVER) - self.cycles

    def tick(self) -> None:
        """Between instructions: lets the timers go off that are due."""
        now = self.cycles
        for number, due in enumerate(self._due):
            if due <= now:
                self._due[number] = due + (1 << 32)
                self.sr[INTERRUPT] |= 1 << self.model.interrupts.timers[number]
                self.attention = True

    # Interrupts.

    def line(self, number: int, level: bool) -> None:
        """The wire of interrupt `number` has this level now; an edge or NMI stays when it ends."""
        interrupts, bit = self.model.interrupts, 1 << number
        if number == interrupts.nmi:
            self.nmi_pending = self.nmi_pending or level
            self.attention = self.attention or level
        elif level:
            self.sr[INTERRUPT] |= bit
            self.attention = True
        elif not bit & (interrupts.edge | interrupts.software):
            self.sr[INTERRUPT] &= ~bit & MASK

    def ready_level(self) -> int:
        """The level of the interrupt that is to be taken now, 0 for none."""
        sr, interrupts = self.sr, self.model.interrupts
        ps = sr[PS]
        if self.nmi_pending and ps & PS_INTLEVEL != interrupts.nmi_level:
            return interrupts.nmi_level
        active = sr[INTERRUPT] & sr[INTENABLE]
        if not active:
            return 0
        held = ps & PS_INTLEVEL
        if ps & PS_EXCM and held < interrupts.exception_level:
            held = interrupts.exception_level
        for level in range(interrupts.top_level, held, -1):
            if active & interrupts.mask(level):
                return level
        return 0

    # As a whole.

    def registers(self) -> dict[str, int]:
        """All of them by name: a0 to a15 of the window, pc, special and user registers, f0 on, and
        ar0 on where there are windows."""
        model = self.model
        found = {f"a{number}": value for number, value in enumerate(self.window())}
        found["pc"] = self.pc
        for number in sorted(model.specials):
            if number in SPECIAL and number != 227:
                found[SPECIAL[number]] = self.ccount if number == CCOUNT else self.sr[number]
        if "user" in model.features:
            for number, name in USER.items():
                found[name] = self.ur[number]
        if "float" in model.features:
            found |= {f"f{number}": value for number, value in enumerate(self.fr)}
        if model.windows:
            found |= {f"ar{number}": value for number, value in enumerate(self.ar)}
        return found

    def save(self) -> dict[str, Any]:
        """Everything, for `restore`."""
        return {"pc": self.pc, "ar": list(self.ar), "sr": list(self.sr), "ur": list(self.ur),
                "fr": list(self.fr), "instructions": self.instructions, "slept": self.slept,
                "offset": self._offset, "due": list(self._due), "sleeping": self.sleeping,
                "nmi": self.nmi_pending}

    def restore(self, saved: Mapping[str, Any]) -> None:
        for words, name in ((self.ar, "ar"), (self.sr, "sr"), (self.ur, "ur"), (self.fr, "fr")):
            for at, value in enumerate(saved[name]):
                words[at] = value
        self.pc, self.instructions = saved["pc"], saved["instructions"]
        self.slept = saved["slept"]
        self._offset, self._due = saved["offset"], list(saved["due"])
        self.sleeping, self.nmi_pending = saved["sleeping"], saved["nmi"]
        self.attention = True
