"""Loops that wait for a bit of a device register: their rounds are counted without being run.

A program that prints at 115200 baud asks a thousand times for each byte whether it may send the
next.  Where nothing can change before the run ends (its budget ends at the next alarm), all rounds
are alike, and the engine's count of instructions is moved on by whole rounds.  Registers, memory,
counts and times are afterwards what they would have been.

This is done only if certainly right: the same register was read at the same place with the same
result and equal core registers, only such registers were accessed in between, and every path of so
many instructions from there to there has only instructions that change nothing but registers.
"""

from __future__ import annotations

from typing import Any, Final, final

from mpy_cross.emulator.bus import Bus, BusFault

LONGEST: Final = 100  # instructions of a round
PATHS: Final = 2000  # steps of the search for paths
EDGE: Final = 3
"""Instructions before the next alarm that are run: times are rounded up to whole ns, so a read in
the last cycle may be late enough to see it."""
LR, PC = 14, 15
RAM: Final = 0x20000000
"""Where memory begins whose content changes."""

# What an instruction is: changes only registers; may jump; anything else.
PURE, JUMP, OTHER = 0, 1, 2


def kind16(first: int) -> int:
    """What a narrow instruction is, other than a branch."""
    top = first >> 8
    if top < 0x44:
        return PURE
    if top < 0x47:  # add, cmp, mov with any register: not to sp, lr, pc
        target = first >> 4 & 8 | first & 7
        return PURE if target < 13 or top == 0x45 else OTHER
    if top < 0x48:
        return OTHER
    if top < 0x50:
        return PURE  # a literal
    if top < 0x60:
        return PURE if first & 0x0E00 >= 0x0600 else OTHER
    if top < 0xA0:
        return PURE if first & 0x0800 else OTHER  # loads have this bit
    if top < 0xB0 or top == 0xB2 or top == 0xBA or first == 0xBF00:
        return PURE
    if 0xC8 <= top < 0xD0:
        return PURE
    return OTHER


def kind32(first: int, second: int) -> int:
    """What a wide instruction is, other than a branch."""
    top = first >> 8
    if top in (0xEA, 0xEB) or top in (0xFA, 0xFB) or (0xF0 <= top < 0xF8 and not second & 0x8000):
        target = second >> 8 & 15
        compares = target == PC and bool(first & 0x10)
        return PURE if target < 13 or compares else OTHER
    if top in (0xF8, 0xF9) and first & 0x10:
        base, target = first & 15, second >> 12
        return PURE if target < 13 and base != 13 else OTHER
    return OTHER


def signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 else value


@final
class Paths:
    """The search for paths through code."""

    __slots__ = ("_bus", "_steps")

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._steps = 0

    def lead_back(self, pc: int, lr: int, length: int) -> bool:
        """Do all paths of `length` instructions from `pc` to `pc` only change registers, and is
        there one?"""
        self._steps = PATHS
        try:
            found = self._search(pc, lr & ~1, length, pc, True)
        except BusFault:
            return False
        return found and self._steps > 0

    def _search(self, pc: int, lr: int, left: int, goal: int, first: bool = False) -> bool:
        """False if there is no such path; the search ends for good where one does more."""
        while True:
            if left == 0:
                return pc == goal
            if pc == goal and not first:
                return False
            first = False
            self._steps -= 1
            if self._steps <= 0:
                return False
            half = self._bus.read(pc, 2)
            if half >= 0xE800:
                after, targets, link = self._wide(pc, half, lr)
            else:
                after, targets, link = self._narrow(pc, half, lr)
            left -= 1
            if targets is None:
                return False  # cannot be on a path that comes back unchanged
            if not targets:
                pc = after
                continue
            if len(targets) == 1:
                pc, lr = targets[0], link
                continue
            found = False
            for target in targets:
                if self._search(target, link, left, goal):
                    found = True
            return found

    def _narrow(self, pc: int, half: int, lr: int) -> tuple[int, tuple[int, ...] | None, int]:
        """Where a narrow instruction leads: the next address; other targets, () for none, None if
        it does more than change registers; and lr after it."""
        after, top = pc + 2, half >> 8
        if half == 0x4770:
            return after, (lr,), lr
        if 0xD0 <= top < 0xDE:
            return after, (after, pc + 4 + 2 * signed(half & 0xFF, 8)), lr
        if 0xE0 <= top < 0xE8:
            return after, (pc + 4 + 2 * signed(half & 0x7FF, 11),), lr
        if half & 0xF500 == 0xB100:  # cbz, cbnz
            return after, (after, pc + 4 + (half >> 9 & 1) * 64 + (half >> 3 & 31) * 2), lr
        return after, () if kind16(half) == PURE else None, lr

    def _wide(self, pc: int, half: int, lr: int) -> tuple[int, tuple[int, ...] | None, int]:
        second, after = self._bus.read(pc + 2, 2), pc + 4
        if half & 0xF800 == 0xF000 and second & 0x8000:
            sign = half >> 10 & 1
            if second & 0x1000:  # b.w, bl
                high = signed(sign << 24 | (~(second >> 13 ^ sign) & 1) << 23
                              | (~(second >> 11 ^ sign) & 1) << 22 | (half & 0x3FF) << 12
                              | (second & 0x7FF) << 1, 25)
                link = after if second & 0x4000 else lr
                return after, (pc + 4 + high,), link
            if not second & 0x4000 and half & 0x380 != 0x380:
                offset = signed(sign << 20 | (second >> 11 & 1) << 19 | (second >> 13 & 1) << 18
                                | (half & 0x3F) << 12 | (second & 0x7FF) << 1, 21)
                return after, (after, pc + 4 + offset), lr
            return after, None, lr
        if half & 0xFF7F == 0xF85F and second >> 12 == PC:  # a veneer: ldr pc, a literal
            literal = (after & ~3) + (second & 0xFFF) * (1 if half & 0x80 else -1)
            if literal >= RAM:
                return after, None, lr
            return after, (self._bus.read(literal, 4) & ~1,), lr
        return after, () if kind32(half, second) == PURE else None, lr


@final
class Polls:
    """Watches the reads of steady registers: those whose value changes only when an alarm goes off
    or something is accessed.

    words, general: the registers by number, and all of them as bytes; limit, begun: the engine's
    counts, which are moved.  broken: set by who accesses anything else.  skipped: instructions that
    were not run.
    """

    __slots__ = ("_begun", "_general", "_known", "_limit", "_paths", "_seen", "_words", "broken",
                 "skipped")

    def __init__(self, bus: Bus, words: Any, general: Any, limit: Any, begun: Any) -> None:
        self._words, self._general, self._limit, self._begun = words, general, limit, begun
        self._paths = Paths(bus)
        self._known: dict[tuple[int, int, int], bool] = {}
        # By pc: address, value, count of instructions, length of the last round, registers.
        self._seen: dict[int, tuple[int, int, int, int, bytes]] = {}
        self.broken = False
        self.skipped = 0

    def forget(self) -> None:
        """Code has changed."""
        self._known.clear()
        self.broken = True

    def read(self, address: int, value: int) -> None:
        """A steady register was read."""
        begun = self._begun[0]
        pc = self._words[PC]
        if self.broken:
            self._seen.clear()
            self.broken = False
        seen = self._seen.get(pc)
        if seen is None or seen[0] != address or seen[1] != value or seen[2] > begun:
            self._seen[pc] = address, value, begun, 0, b""
            return
        length = begun - seen[2]
        general = b""
        if length <= LONGEST:
            general = self._general.tobytes()
            if length == seen[3] and general == seen[4] and self._pure(pc, length):
                rounds = (self._limit[0] - begun - EDGE) // length
                if rounds > 0:
                    begun += rounds * length
                    self._begun[0] = begun
                    self.skipped += rounds * length
        self._seen[pc] = address, value, begun, length, general

    def _pure(self, pc: int, length: int) -> bool:
        key = pc, self._words[LR], length
        pure = self._known.get(key)
        if pure is None:
            pure = self._known[key] = self._paths.lead_back(pc & ~1, key[1], length)
        return pure
