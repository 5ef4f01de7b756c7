"""Cortex-M cores on Unicorn: M0+, M3, M4F, M7 and M33.

    core = CortexM("cortex-m4f", machine.bus)
    core.reset(0x08000000)
    stop = core.run(1_000_000)

Where this differs from the chips: IT and CBZ are executed on an M0+; unaligned LDRD, STRD, LDM
and STM do not fault; division by 0 gives 0 whatever CCR.DIV_0_TRP says; floating point is always
on, whatever CPACR says; there is no MPU and no TrustZone.  An instruction of an IT block whose
condition fails is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, final

from mpy_cross.emulator.bus import BusFault
from mpy_cross.emulator.cores.arm_base import ABANDON, EXITS, Probe
from mpy_cross.emulator.cores.arm_hosted import HostedArm
from mpy_cross.emulator.cores.core import CoreError, CoreState, Fault, FaultKind, Stop, StopReason
from mpy_cross.emulator.cores.faults import AS_EXCEPTION
from mpy_cross.emulator.cores.straight import straight
from mpy_cross.emulator.cores.unicorn_arm import LR, PC, SP, THUMB_STATE
from mpy_cross.emulator.cores.unicorn_common import HOOK_CODE, CodeCall, Engine


@final
class CortexM(HostedArm):
    """A Cortex-M core.

    name: of a `Model`; vectors: address of the vector table at reset.
    exact: instructions are counted; without it only `call` can be used, at twice the speed.
    private: windows that this core sees in place of the bus's at these addresses (of the second
    core of a chip).
    depth: how many calls may be nested; Python's recursion limit has to leave room for 5 frames of
    each.

    on_error: what to raise in place of an exception of a trap.
    alarm: as soon as so many `instructions` are over, `call` calls `on_alarm`, which has to set
    the next; what it raises ends the call.  wants_fault: whether faults are taken as exceptions by
    the program rather than ending the run.  on_bkpt: called with the number of a BKPT, True if it
    is dealt with.  on_idle: called when a function under `call` executes WFI.
    """

    # ------------------------------------------------------------------------------- running

    def reset(self, vectors: int | None = None) -> None:
        """During a run, for instance from the device that the program resets the chip with, the
        reset is done after the current instruction."""
        if vectors is not None:
            self._vectors = vectors
        if self.level:
            self._reset = True
            self.kick()
            return
        self._reset = self._sleeping = self._halt = self._event = False
        self.nvic.reset()
        self.nvic.vectors = self._vectors
        self._skip = -1
        self.write("xpsr", THUMB_STATE | 1)  # privileged, so that the others can be written
        for name in self.register_names[16:]:
            if name not in ("xpsr", "control"):
                self.write(name, 0)
        self.write("control", 0)
        self.write("xpsr", THUMB_STATE)
        self.registers[0:13] = [0] * 13
        self.registers[LR] = 0xFFFF_FFFF
        self.registers[SP] = self.bus.read(self._vectors, 4) & ~3
        self.write("pc", self.bus.read(self._vectors + 4, 4))

    def run(self, budget: int) -> Stop:
        if self.level:
            raise CoreError("run was called inside of a run or call")
        if not self.exact:
            raise CoreError("a core that does not count instructions has no budgets")
        began = self.done
        self._end = began + budget
        if self._skip != self.registers[PC] & ~1:
            self._skip = -1
        engine, registers, exceptions = self._engine, self.registers, self.exceptions
        while True:
            if self._reset:
                self.reset()
            if self._halt:
                self._halt = False
                return self._stop(StopReason.HALTED, began)
            stepping = False
            if self.nvic.ready:
                found = exceptions.next()
                if found:
                    self._sleeping = self._waits_for_event = False
                    self._event = True
                    self._skip = -1
                    try:
                        exceptions.take(found, registers[PC])
                    except BusFault as refused:
                        fault = self._make_fault(FaultKind.WRITE, registers[PC], refused.address,
                                                 str(refused))
                        return self._stop(StopReason.FAULT, began, fault)
                stepping = bool(self.nvic.ready)
            if self._sleeping and not self._woken():
                return self._stop(StopReason.IDLE, began)
            left = self._end - self.done
            if left <= 0:
                return self._stop(StopReason.BUDGET, began)
            pc = registers[PC] & ~1
            masks = self.masks
            if stepping:
                # Exact: masks change only at the end of a straight piece of code.
                if masks is None or not masks.arm(self.done):
                    left = min(left, straight(self.bus, pc))
            elif masks is not None:
                masks.rest(self.done)
            error = self._execute(pc, left)
            stopped = self._after(error, began, engine)
            if stopped is not None:
                return stopped

    def _execute(self, pc: int, count: int) -> int:
        """One run of the engine at the outermost level; the uc_err."""
        polls = self._devices.polls
        if polls is not None:
            polls.broken = True  # counts begin anew
        self.level = 1
        try:
            return self._engine.run(pc | 1, count)
        finally:
            self.level = 0
            self.done += self._engine.executed()

    def _after(self, error: int, began: int, engine: Engine) -> Stop | None:
        """Why the engine came back: a Stop, or None to go on."""
        if self._error is not None:
            raised, self._error = self._error, None
            if self.registers[PC] & ~1 == ABANDON + 2:
                self.write("pc", self.registers[LR])
            raise raised
        fault = self._take_fault(error)
        if fault is not None:
            self.write("pc", fault.pc)
            if self.wants_fault and fault.kind in AS_EXCEPTION:
                exception, status = AS_EXCEPTION[fault.kind]
                if self.exceptions.fault(exception, fault.pc, status):
                    return None
            return self._stop(StopReason.FAULT, began, fault)
        if self._hit >= 0:
            self._skip, self._hit = self._hit, -1
            return self._stop(StopReason.BREAKPOINT, began)
        if engine.counter.value <= engine.count.value:  # it ended by itself
            pc = self.registers[PC] & ~1
            number, rest = divmod(pc - 2 - EXITS, 4)
            if not rest and 0 <= number < self._exits:
                return self._stop(StopReason.EXIT, began, number=number)
            self._sleeping = True
        return None

    def _woken(self) -> bool:
        """Is there a reason to go on after WFI or WFE?  If so, sleep is over."""
        if self._waits_for_event:
            woken = self._event or bool(self.nvic.sev_on_pend and self.nvic.pending) \
                or bool(self.exceptions.next())
            self._event = self._event and not woken
        else:
            woken = bool(self.nvic.ready and self.exceptions.next(primask=False))
        if woken:
            self._sleeping = self._waits_for_event = False
        return woken

    def _stop(self, reason: StopReason, began: int, fault: Fault | None = None,
              number: int = 0) -> Stop:
        return Stop(reason, self.done - began, self.registers[PC] & ~1, fault, number)

    # ------------------------------------------------------------------------------- breakpoints

    def add_breakpoint(self, address: int) -> None:
        """At an instruction; each breakpoint makes the core slower."""
        address &= ~1
        if address in self._breakpoints:
            return
        if len(self._parts) > 1 or self.level:
            raise CoreError("breakpoints are set before the program runs")
        call = CodeCall(self._reached)
        self._breakpoints[address] = self._engine.hook(HOOK_CODE, call, address, address)
        self._engine.forget_all_code()

    def remove_breakpoint(self, address: int) -> None:
        handle = self._breakpoints.pop(address & ~1, None)
        if handle is not None:
            self._engine.unhook(handle)
            self._engine.forget_all_code()

    def _reached(self, handle: int, address: int, size: int, user: int) -> None:
        if self.level != 1:
            return
        if address == self._skip:
            self._skip = -1
            return
        self._hit = address
        engine = self._engine
        engine.count.value = engine.counter.value - 1  # this instruction was counted already
        engine.stop(engine.handle)

    # ------------------------------------------------------------------------------- probes

    def add_probes(self, addresses: Iterable[int], make: Probe) -> list[int]:
        """Ahead of each execution of an instruction at one of these addresses calls what `make`
        gives, which may look but not change anything; handles for `remove_probes`.

        The call may come once more, with a count above the limit, before an instruction at which
        a run ends: it is to be ignored then.
        """
        if self.level:
            raise CoreError("probes are set between runs only")
        engine = self._engine
        call = CodeCall(make(self.words, engine.limit, engine.begun))
        handles = [engine.hook(HOOK_CODE, call, address, address) for address in addresses]
        engine.forget_all_code()
        return handles

    def remove_probes(self, handles: Iterable[int]) -> None:
        if self.level:
            raise CoreError("probes are removed between runs only")
        for handle in handles:
            self._engine.unhook(handle)
        self._engine.forget_all_code()

    # ------------------------------------------------------------------------------- state

    def save(self) -> CoreState:
        if self.level:
            raise CoreError("the state of a core can be saved between runs only")
        xpsr = self.read("xpsr")
        self.write("xpsr", xpsr & ~0x1FF | 1)  # or the unprivileged see zeroes
        registers = {name: self.read(name) for name in self.register_names}
        self.write("xpsr", xpsr)
        registers |= {"xpsr": xpsr, "sp": self.read("sp")}
        others = {"nvic": self.nvic.save(), "sleeping": self._sleeping, "event": self._event,
                  "waits_for_event": self._waits_for_event}
        return CoreState(registers, self.done, others)

    def restore(self, state: CoreState) -> None:
        if self.level:
            raise CoreError("the state of a core can be restored between runs only")
        values = dict(state.registers)
        self.write("xpsr", THUMB_STATE | 1)
        xpsr, sp, pc = values.pop("xpsr"), values.pop("sp"), values.pop("pc")
        for name, value in values.items():
            self.write(name, value)
        self.write("control", values["control"])
        self.write("xpsr", xpsr)
        self.write("sp", sp)
        self.write("pc", pc)
        others: Any = state.others
        self.nvic.restore(others["nvic"])
        self._sleeping, self._event = others["sleeping"], others["event"]
        self._waits_for_event = others["waits_for_event"]
        self.done, self._skip = state.instructions, -1
