"""Entry to and return from exceptions of a Cortex-M (ARMv7-M manual B1.5.6 to B1.5.8), done on the
registers of an engine that knows nothing of them.

Floating-point registers are saved at entry; lazy saving, which chips do, is the same to programs
that do not look below their own stack pointer.
"""

from __future__ import annotations

import struct
from typing import Final, final

from mpy_cross.emulator.bus import Bus, BusFault
from mpy_cross.emulator.cores.masks import Masks
from mpy_cross.emulator.cores.models import Model
from mpy_cross.emulator.cores.nvic import HARD_FAULT, NMI, SVCALL, Nvic
from mpy_cross.emulator.cores.unicorn_arm import (
    LR,
    SP,
    THUMB_STATE,
    Batch,
    Registers,
    numbers,
)
from mpy_cross.emulator.cores.unicorn_common import Engine

FRAME: Final = 0x20
FLOAT_FRAME: Final = 0x68
_ALIGNED: Final = 1 << 9  # bit of the stacked xPSR: the stack was moved by 4
_FLAGS: Final = 0xF800_0000
_HANDLER_BITS: Final = 0x1FF

# Bits of EXC_RETURN, and those that are always 1.  ARMv8-M without TrustZone has S and ES clear.
_THREAD, _PROCESS_STACK, _NO_FLOATS = 1 << 3, 1 << 2, 1 << 4
_BASE_V7, _BASE_V8 = 0xFFFF_FFE1, 0xFFFF_FFA0

_SPSEL, _FPCA = 1 << 1, 1 << 2  # bits of CONTROL


class BadReturn(Exception):
    """A value of EXC_RETURN that is not allowed here."""


@final
class Exceptions:
    """What the processor does by itself around handlers. `taken` counts entries."""

    __slots__ = ("_base", "_control", "_doubles", "_flags", "_floats", "_fpscr", "_ipsr", "_masks",
                 "_pc", "_xpsr", "bus", "engine", "masks", "nvic", "registers", "taken")

    def __init__(self, model: Model, engine: Engine, registers: Registers, nvic: Nvic,
                 bus: Bus) -> None:
        self.engine, self.registers, self.nvic, self.bus = engine, registers, nvic, bus
        self._floats = bool(model.floats)
        self._base = _BASE_V8 if model.unicorn == "M33" else _BASE_V7
        names = numbers().by_name
        self._control, self._xpsr, self._ipsr = names["control"], names["xpsr"], names["ipsr"]
        self._flags, self._pc, self._fpscr = names["apsr_nzcv"], names["pc"], names["fpscr"]
        self._masks = [names["primask"], names["basepri"], names["faultmask"]]
        self._doubles = Batch(numbers().doubles[:8])
        self.masks: Masks | None = None  # in place, if they are
        self.taken = 0

    def priority(self, primask: bool = True) -> int:
        """Priority of what runs. primask: False to leave that register out, as WFI does."""
        masks = self.masks
        if masks is not None:
            return self.nvic.boosted(masks.primask[0] if primask else 0, masks.basepri[0],
                                     masks.faultmask[0])
        read = self.engine.read
        values = [read(mask) for mask in self._masks]
        return self.nvic.boosted(values[0] if primask else 0, values[1], values[2])

    def next(self, primask: bool = True) -> int:
        """The exception that is to be taken now, 0 for none."""
        nvic = self.nvic
        if not nvic.ready:
            return 0
        first = nvic.first()
        return first if first and nvic.preempts(first, self.priority(primask)) else 0

    def take(self, exception: int, pc: int) -> None:
        """Enters an exception whose handler returns to `pc`. BusFault if its frame or its vector
        cannot be accessed."""
        vector = self._vector(exception)
        self._enter(exception, self._push(pc), vector)

    def supervisor_call(self, pc: int) -> bool:
        """Takes an SVC whose next instruction is at `pc`; False if the priority forbids it."""
        if not self.nvic.preempts(SVCALL, self.priority()):
            return False
        self.take(SVCALL, pc)
        return True

    def _vector(self, exception: int) -> int:
        view = self.bus.view(self.nvic.vectors + 4 * exception, 4)
        return int.from_bytes(view, "little")

    def _stack(self, address: int, size: int) -> memoryview:
        if address % 4:
            raise BusFault(address, size, "write", "exception frame is not aligned")
        return self.bus.view(address, size)

    def _push(self, pc: int) -> int:
        """Puts the frame on the current stack; EXC_RETURN."""
        registers, read = self.registers, self.engine.read
        control = read(self._control)
        xpsr = read(self._xpsr) | THUMB_STATE
        floats = self._floats and control & _FPCA
        before = registers[SP]
        size = FLOAT_FRAME if floats else FRAME
        sp = before - size & 0xFFFF_FFF8
        frame = self._stack(sp, size)
        xpsr = xpsr & ~_ALIGNED | (_ALIGNED if before & 4 else 0)
        struct.pack_into("<8I", frame, 0, registers[0], registers[1], registers[2], registers[3],
                         registers[12], registers[LR], pc & ~1, xpsr)
        if floats:
            struct.pack_into("<8QII", frame, FRAME, *self._doubles.read(self.engine.handle),
                             read(self._fpscr), 0)
        registers[SP] = sp
        result = self._base | (0 if floats else _NO_FLOATS)
        if not self.nvic.active:
            result |= _THREAD | (_PROCESS_STACK if control & _SPSEL else 0)
        return result

    def _enter(self, exception: int, result: int, vector: int) -> None:
        """Goes to a handler that returns with EXC_RETURN = `result`."""
        write = self.engine.write
        self.nvic.enter(exception)
        self.taken += 1
        xpsr = self.engine.read(self._xpsr)
        write(self._xpsr, xpsr & _FLAGS | THUMB_STATE | exception)  # and so SP is MSP
        if self._floats:
            write(self._control, self.engine.read(self._control) & ~_FPCA)
        self.registers[LR] = result
        write(self._flags, xpsr & 0xF000_0000)  # makes the engine see that it is in a handler
        write(self._pc, vector | 1)

    def come_back(self, result: int) -> None:
        """The handler branched to EXC_RETURN = `result`. BadReturn, BusFault."""
        nvic, read, write = self.nvic, self.engine.read, self.engine.write
        number = read(self._xpsr) & _HANDLER_BITS
        thread = bool(result & _THREAD)
        if number not in nvic.active:
            raise BadReturn(f"exception {number} is not active")
        if thread != (len(nvic.active) == 1):
            raise BadReturn(f"{result:#010x} with {len(nvic.active)} active exceptions")
        if result & _PROCESS_STACK and not thread:
            raise BadReturn(f"{result:#010x} returns to a handler on the process stack")
        nvic.leave(number)
        if number != NMI:
            write(self._masks[2], 0)
        follower = self.next()
        if follower:  # tail-chaining: the frame stays where it is
            self._enter(follower, result, self._vector(follower))
            return
        self._pop(result, thread)

    def _pop(self, result: int, thread: bool) -> None:
        registers, read, write = self.registers, self.engine.read, self.engine.write
        floats = self._floats and not result & _NO_FLOATS
        back_to = 0 if thread else self.nvic.active[-1]
        write(self._ipsr, back_to)
        control = read(self._control) & ~_FPCA
        if thread:
            control = control & ~_SPSEL | (_SPSEL if result & _PROCESS_STACK else 0)
        write(self._control, control | (_FPCA if floats else 0))
        sp = registers[SP]
        size = FLOAT_FRAME if floats else FRAME
        frame = self._stack(sp, size)
        r0, r1, r2, r3, r12, lr, pc, xpsr = struct.unpack_from("<8I", frame)
        if floats:
            values = struct.unpack_from("<8QI", frame, FRAME)
            self._doubles.write(self.engine.handle, values[:8])
            write(self._fpscr, values[8])
        registers[0:4] = [r0, r1, r2, r3]
        registers[12], registers[LR] = r12, lr
        registers[SP] = sp + size | (4 if xpsr & _ALIGNED else 0)
        write(self._flags, xpsr & 0xF000_0000)
        write(self._xpsr, xpsr & 0xFF00_FC00 | THUMB_STATE | back_to)  # the IT state, too
        write(self._pc, pc | 1)

    def fault(self, exception: int, pc: int, status: int) -> bool:
        """Takes a fault exception, as HardFault if it cannot be taken itself; False: lock-up."""
        priority = self.priority()
        enabled = self.nvic.enabled >> exception & 1
        forced = not (enabled and self.nvic.preempts(exception, priority))
        if forced:
            exception = HARD_FAULT
            if priority <= -1:
                return False
        self.nvic.note_fault(status, forced)
        try:
            self.take(exception, pc)
        except BusFault:
            return False
        return True
