"""The interrupt controller and the system control block of a Cortex-M: what is pending, enabled and
active, and who goes first (ARMv7-M manual B1.5 and B3.2 to B3.4, ARMv6-M manual B1.5 and B3.2).

Exceptions are known by number: 2 NMI, 3 HardFault, ..., 15 SysTick, 16 + n interrupt n.  Sets of
them are integers with a bit for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, final

from mpy_cross.emulator.bus import Window
from mpy_cross.emulator.cores.models import Model

NMI, HARD_FAULT, MEM_MANAGE, BUS_FAULT, USAGE_FAULT = 2, 3, 4, 5, 6
SVCALL, DEBUG_MONITOR, PEND_SV, SYS_TICK, FIRST_INTERRUPT = 11, 12, 14, 15, 16

CONTROLLER: Final = 0xE000E100
CONTROLLER_SIZE: Final = 0xC00
SYSTEM: Final = 0xE000ED00
SYSTEM_SIZE: Final = 0x300
THREAD: Final = 256  # priority of a program without exceptions: lower than all of them

# Offsets from SYSTEM.
_CPUID, _ICSR, _VTOR, _AIRCR, _SCR, _CCR, _SHPR, _SHCSR = 0, 4, 8, 0xC, 0x10, 0x14, 0x18, 0x24
_CFSR, _HFSR, _STIR = 0x28, 0x2C, 0x200
_KEY: Final = 0x05FA  # without it a write to AIRCR is ignored
_ALWAYS: Final = (1 << NMI | 1 << HARD_FAULT | 1 << SVCALL | 1 << DEBUG_MONITOR | 1 << PEND_SV
                  | 1 << SYS_TICK)
_FAULT_ENABLES: Final = {16: MEM_MANAGE, 17: BUS_FAULT, 18: USAGE_FAULT}  # bits of SHCSR


@final
class Nvic:
    """State of the controller.

    vectors: address of the vector table; changed: called when something may have become ready;
    reset_requested: called when the program asks for a reset.
    """

    __slots__ = ("_group", "_level", "_limit", "_other", "_priority_mask", "active", "changed",
                 "enabled", "model", "pending", "priority", "reset_requested", "vectors")

    def __init__(self, model: Model) -> None:
        self.model = model
        self.changed: Callable[[], None] = lambda: None
        self.reset_requested: Callable[[], None] | None = None
        self.vectors = 0
        self._level = 0  # lines that are high now
        self._limit = FIRST_INTERRUPT + model.interrupts
        self._priority_mask = 0xFF00 >> model.priority_bits & 0xFF
        self.reset()

    def reset(self) -> None:
        """Everything but the address of the vector table and the lines."""
        self.pending = self._level
        self.enabled = _ALWAYS
        self.active: list[int] = []  # the one that runs last
        self.priority = [0] * self._limit
        self.priority[1:4] = [-3, -2, -1]
        self._group = 0xFE  # bits of a priority that decide about preemption
        self._other: dict[int, int] = {_CCR: 0x208 if not self.model.v7 else 0x200}

    # Lines and pending.

    def pend(self, exception: int) -> None:
        self.pending |= 1 << exception
        self.changed()

    def line(self, exception: int, level: bool) -> None:
        """The line of an interrupt: while it is high, the interrupt pends again after it ran."""
        if level:
            self._level |= 1 << exception
            if exception not in self.active:
                self.pend(exception)
        else:
            self._level &= ~(1 << exception)

    def enter(self, exception: int) -> None:
        self.pending &= ~(1 << exception)
        self.active.append(exception)

    def leave(self, exception: int) -> None:
        self.active.remove(exception)
        self.pending |= self._level & 1 << exception

    # Priorities.

    def group(self, priority: int) -> int:
        return priority & self._group if priority > 0 else priority

    def running(self) -> int:
        """Priority of what runs, without the mask registers."""
        return min((self.group(self.priority[each]) for each in self.active), default=THREAD)

    def boosted(self, primask: int, basepri: int, faultmask: int) -> int:
        """Priority of what runs, with the mask registers."""
        priority = self.running()
        if basepri:
            priority = min(priority, self.group(basepri))
        if primask & 1:
            priority = min(priority, 0)
        if faultmask & 1:
            priority = min(priority, -1)
        return priority

    @property
    def ready(self) -> int:
        """Those that are pending and enabled."""
        return self.pending & self.enabled

    def first(self) -> int:
        """Of the ready ones that with the highest priority; 0 if there is none."""
        ready, best, at = self.ready, 0, THREAD
        while ready:
            each = (ready & -ready).bit_length() - 1
            ready &= ready - 1
            if self.priority[each] < at:
                best, at = each, self.priority[each]
        return best

    def preempts(self, exception: int, priority: int) -> bool:
        return self.group(self.priority[exception]) < priority

    # State.

    def save(self) -> dict[str, object]:
        return {"pending": self.pending, "enabled": self.enabled, "active": list(self.active),
                "priority": list(self.priority), "group": self._group, "vectors": self.vectors,
                "other": dict(self._other)}

    def restore(self, state: dict[str, Any]) -> None:
        self.pending, self.enabled = state["pending"], state["enabled"]
        self.active, self.priority = list(state["active"]), list(state["priority"])
        self._group, self.vectors = state["group"], state["vectors"]
        self._other = dict(state["other"])

    def note_fault(self, status: int, forced: bool) -> None:
        """Sets bits of CFSR, and FORCED of HFSR for a fault that became a HardFault."""
        if self.model.v7:
            self._other[_CFSR] = self._other.get(_CFSR, 0) | status
            if forced:
                self._other[_HFSR] = self._other.get(_HFSR, 0) | 1 << 30

    @property
    def sev_on_pend(self) -> bool:
        return bool(self._other.get(_SCR, 0) & 1 << 4)

    @property
    def sleep_deep(self) -> bool:
        return bool(self._other.get(_SCR, 0) & 1 << 2)

    @property
    def sleep_on_exit(self) -> bool:
        return bool(self._other.get(_SCR, 0) & 1 << 1)

    # Registers.

    def windows(self) -> list[Window]:
        return [
            Window("NVIC", CONTROLLER, CONTROLLER_SIZE, self.read_controller,
                   self.write_controller),
            Window("SCB", SYSTEM, SYSTEM_SIZE, self.read_system, self.write_system),
        ]

    def read_controller(self, offset: int, size: int) -> int:
        kind, at = offset & ~0x7F, (offset & 0x7C) * 8 + FIRST_INTERRUPT
        if offset >= 0x300:
            return self._read_priorities(FIRST_INTERRUPT + offset - 0x300, size)
        if kind in (0x000, 0x080):
            word = self.enabled >> at
        elif kind in (0x100, 0x180):
            word = self.pending >> at
        else:
            word = sum(1 << each for each in self.active) >> at
        return (word & 0xFFFFFFFF) >> (offset & 3) * 8 & (1 << size * 8) - 1

    def write_controller(self, offset: int, size: int, value: int) -> None:
        kind, at = offset & ~0x7F, (offset & 0x7F) * 8 + FIRST_INTERRUPT
        bits = value << at & (1 << self._limit) - 1
        if offset >= 0x300:
            self._write_priorities(FIRST_INTERRUPT + offset - 0x300, size, value)
        elif kind == 0x000:
            self.enabled |= bits
        elif kind == 0x080:
            self.enabled &= ~bits
        elif kind == 0x100:
            self.pending |= bits
        elif kind == 0x180:
            held = self._level & ~sum(1 << each for each in self.active)
            self.pending = self.pending & ~bits | bits & held
        self.changed()

    def _read_priorities(self, first: int, size: int) -> int:
        cells = self.priority[first : first + size]
        return int.from_bytes(bytes(max(cell, 0) for cell in cells), "little")

    def _write_priorities(self, first: int, size: int, value: int) -> None:
        for each in range(first, min(first + size, self._limit)):
            if each > HARD_FAULT:
                self.priority[each] = value & self._priority_mask
            value >>= 8

    def read_system(self, offset: int, size: int) -> int:
        if _SHPR <= offset < _SHCSR:
            return self._read_priorities(MEM_MANAGE + offset - _SHPR, size)
        word = self._read_word(offset & ~3)
        return word >> (offset & 3) * 8 & (1 << size * 8) - 1

    def _read_word(self, offset: int) -> int:
        if offset == _CPUID:
            return self.model.cpuid
        if offset == _ICSR:
            pending = self.pending
            return ((self.active[-1] if self.active else 0)
                    | (len(self.active) <= 1) << 11
                    | self.first() << 12
                    | (pending >> FIRST_INTERRUPT != 0) << 22
                    | (pending >> SYS_TICK & 1) << 26 | (pending >> PEND_SV & 1) << 28
                    | (pending >> NMI & 1) << 31)
        if offset == _VTOR:
            return self.vectors
        if offset == _AIRCR:
            return 0xFA05 << 16 | ((~self._group & 0xFF).bit_length() - 1 & 7) << 8 \
                if self.model.v7 else 0xFA05 << 16
        if offset == _SHCSR:
            return (sum((self.enabled >> each & 1) << bit for bit, each in _FAULT_ENABLES.items())
                    | (SVCALL in self.active) << 7 | (PEND_SV in self.active) << 10
                    | (SYS_TICK in self.active) << 11 | (self.pending >> SVCALL & 1) << 15)
        return self._other.get(offset, 0)

    def write_system(self, offset: int, size: int, value: int) -> None:
        if _SHPR <= offset < _SHCSR:
            self._write_priorities(MEM_MANAGE + offset - _SHPR, size, value)
        elif size != 4:
            shift = (offset & 3) * 8
            word = self._read_word(offset & ~3) & ~(((1 << size * 8) - 1) << shift)
            self._write_word(offset & ~3, word | value << shift)
        else:
            self._write_word(offset, value)
        self.changed()

    def _write_word(self, offset: int, value: int) -> None:
        if offset == _ICSR:
            self.pending |= ((value >> 31 & 1) << NMI | (value >> 28 & 1) << PEND_SV
                             | (value >> 26 & 1) << SYS_TICK)
            self.pending &= ~((value >> 27 & 1) << PEND_SV | (value >> 25 & 1) << SYS_TICK)
        elif offset == _VTOR:
            self.vectors = value & ~0x7F
        elif offset == _AIRCR:
            if value >> 16 == _KEY:
                if self.model.v7:
                    self._group = 0xFF << (value >> 8 & 7) + 1 & 0xFF
                if value & 4 and self.reset_requested is not None:
                    self.reset_requested()
        elif offset == _SHCSR and self.model.v7:
            for bit, each in _FAULT_ENABLES.items():
                self.enabled = self.enabled & ~(1 << each) | (value >> bit & 1) << each
        elif offset in (_CFSR, _HFSR):  # writing ones clears
            self._other[offset] = self._other.get(offset, 0) & ~value
        elif offset == _STIR and self.model.v7:
            self.pending |= 1 << FIRST_INTERRUPT + (value & 0x1FF) & (1 << self._limit) - 1
        elif offset != _CPUID:
            self._other[offset] = value
