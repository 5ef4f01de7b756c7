"""Many ticks of a sleeping program at once: finds the rounds that `Recipe` can foresee."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, final

from mpy_cross.emulator.blocks.cortexm.systick import SysTick
from mpy_cross.emulator.clock import SECOND, Clock
from mpy_cross.emulator.cores.arm import CortexM
from mpy_cross.emulator.cores.core import Stop, StopReason
from mpy_cross.emulator.cores.nvic import SYS_TICK
from mpy_cross.emulator.cores.pace import Pace
from mpy_cross.emulator.cores.rounds import (
    FLOAT_FRAME,
    FRAME,
    PC,
    Recipe,
    Step,
    Unforeseen,
    conditional,
)

if TYPE_CHECKING:
    from mpy_cross.assembler.isa import Decoded

PERIODS: Final = (1, 2, 4, 8, 16)  # rounds of a period that are tried
SEEN: Final = 100  # rounds in a row after which it is worth it
COMPARED: Final = 48  # of which the lengths of three periods have to be alike, but at least
FEWEST: Final = 12  # so many
WORTH: Final = 250  # rounds still to come for which it is: to run these takes as long
LONGEST: Final = 2000  # instructions of a round
KEPT: Final = 8  # recipes for one place
FAILURES: Final = 4  # after which a place is left alone

_SPSEL, _FPCA = 2, 4  # bits of CONTROL


@final
class Known:
    """A recipe, with the rounds and the instructions of its period."""

    __slots__ = ("instructions", "recipe", "rounds")

    def __init__(self, recipe: Recipe, rounds: int, instructions: int) -> None:
        self.recipe, self.rounds, self.instructions = recipe, rounds, instructions


@final
class TickSkipper:
    """Sits where a core sleeps and waits for the next alarm.

    skipped: rounds that were not run; stop: what ended a recording early, for the caller.
    """

    def __init__(self, core: CortexM, clock: Clock, pace: Pace, systick: SysTick) -> None:
        self.core, self.clock, self.pace, self.systick = core, clock, pace, systick
        self.skipped = 0
        self.stop: Stop | None = None
        self._pc = -1
        self._done = self._seen = 0
        self._lengths: deque[int] = deque(maxlen=COMPARED)
        self._known: dict[int, list[Known]] = {}
        self._failed: dict[int, int] = {}
        self._decoded: dict[int, Decoded] = {}

    def forget(self) -> None:
        """Code has changed, or the program has started again."""
        self._known.clear()
        self._failed.clear()
        self._decoded.clear()
        self._lengths.clear()
        self._seen = 0

    def skip(self, when: int) -> bool:
        """The core sleeps: if it is understood what it does at its ticks until `when` ns, many of
        them are over, and it sleeps again."""
        core = self.core
        done, pc = core.instructions, core.registers[PC]
        if pc != self._pc:
            self._pc, self._seen = pc, 0
            self._lengths.clear()
        else:
            self._seen += 1
            self._lengths.append(done - self._done)
        self._done = done
        due = self._due()
        if due is None:
            return False
        rounds_left = (when - self.clock.now) // due[1]
        if rounds_left < 4:
            return False
        known = self._known.get(pc)
        if known is not None:
            registers = core.registers[0:16]
            for each in known:
                t = each.recipe.number(registers)
                if t is not None and self._apply(each, t, registers, when):
                    return True
        if self._seen < SEEN or rounds_left < WORTH or self._failed.get(pc, 0) >= FAILURES:
            return False
        period = self._rounds()
        return bool(period) and self._record(period, when)

    def _due(self) -> tuple[int, int] | None:
        """When the next tick comes, if that is the next thing to happen, and ns of a tick."""
        cycle = self.systick.cycle
        alarm = cycle.planned
        hz = cycle.ticks.rate.hz
        if alarm is None or alarm.done or not hz or self.clock.next_alarm() != alarm.when \
                or cycle.period != self.systick.RVR + 1:
            return None
        return alarm.when, max(cycle.period * SECOND // hz, 1)

    # Using a recipe.

    def _apply(self, known: Known, t: int, registers: list[int], when: int) -> bool:
        core, clock, systick = self.core, self.clock, self.systick
        cycle = systick.cycle
        ticks, period = cycle.ticks, cycle.period
        other = clock.next_other(cycle.planned)
        limit = when if other is None else min(when, other)
        last = ticks.count() - cycle.phase()  # the tick number of the last wrap
        at = ticks.when(last)
        if at is None:
            return False
        offset, length = clock.now - at, known.rounds * period
        most = (limit - clock.now) * ticks.rate.hz // (SECOND * length)
        count = known.recipe.ahead(t, most)
        until = 0
        while count > 0:
            until = (ticks.when(last + count * length) or 0) + offset
            if until < limit:
                break
            count -= 1
        if count < 1:
            return False
        after = known.recipe.apply(t, count, registers)
        for n in range(PC):
            if after[n] != registers[n]:
                core.registers[n] = after[n]
        core.done += count * known.instructions
        core.exceptions.taken += count * known.rounds
        self.skipped += count * known.rounds
        status = systick.CSR
        cycle.alarm(None, systick.zero)
        clock.advance_to(until)
        systick.settle()
        systick.CSR = status
        systick.plan()
        self._done = core.instructions
        return True

    # Making one.

    def _rounds(self) -> int:
        """The shortest period of the lengths of the last rounds, 0 for none."""
        lengths = list(self._lengths)
        for period in PERIODS if len(lengths) == COMPARED else ():
            first = COMPARED - max(3 * period, FEWEST)
            if all(lengths[n] == lengths[n - period] for n in range(first + period, COMPARED)):
                return period
        return 0

    def _record(self, shortest: int, when: int) -> bool:
        """Runs some rounds instruction by instruction and looks at them; the core sleeps again."""
        pc = self._pc
        self._seen = 0
        self._lengths.clear()
        try:
            for period in PERIODS[PERIODS.index(shortest) :]:
                first, second = self._period(period, when), self._period(period, when)
                instructions = len(second)
                try:
                    recipe = Recipe(self.core.bus, self.core.model.features, first, second,
                                    self._decoded)
                except Unforeseen:
                    continue
                kept = self._known.setdefault(pc, [])
                kept.insert(0, Known(recipe, period, instructions))
                del kept[KEPT:]
                return True
        except Unforeseen:
            pass
        self._failed[pc] = self._failed.get(pc, 0) + 1
        return self.stop is not None or self._sleeps

    def _period(self, rounds: int, when: int) -> list[Step]:
        steps: list[Step] = []
        for _ in range(rounds):
            self._round(steps, when)
        return steps

    @property
    def _sleeps(self) -> bool:
        return self.core.registers[PC] == self._pc

    def _round(self, steps: list[Step], when: int) -> None:
        """Wakes up at the tick, and runs until the core sleeps again. Unforeseen."""
        core, pace = self.core, self.pace
        due = self._due()
        if due is None or due[0] >= when:
            raise Unforeseen("something else comes first")
        control = core.read("control")
        if control & _SPSEL:
            raise Unforeseen("another stack")
        self.clock.idle(when)
        pace.anchor()
        for n in range(LONGEST):
            before, taken = core.registers[0:16], core.exceptions.taken
            active = len(core.nvic.active)
            done, flags = core.instructions, core.read("xpsr") >> 28
            stop = pace.step()
            entered = core.exceptions.taken - taken
            if stop.reason not in (StopReason.BUDGET, StopReason.IDLE):
                self.stop = stop
                raise Unforeseen("the run ends")
            if entered != (n == 0) or (n == 0 and core.nvic.active[-1:] not in ([SYS_TICK], [])):
                self._finish(stop)
                raise Unforeseen("another interrupt")
            frame = 0 if n else FLOAT_FRAME if control & _FPCA else FRAME
            # The handler's first instruction is the one that was executed.
            pc = before[PC] if n else core.vector(SYS_TICK)
            left = len(core.nvic.active) < active + entered
            if core.instructions - done != 1:
                # The engine executes IT and the next instruction together.
                inner = conditional(core.bus, pc & ~1, flags) if n else 0
                if not inner or core.instructions - done != 2:
                    self._finish(stop)
                    raise Unforeseen("instructions that cannot be told apart")
                steps.append(Step(pc & ~1, before, before, 0, False))
                pc, frame = inner, 0
            steps.append(Step(pc & ~1, before, core.registers[0:16], frame, left))
            if stop.reason is StopReason.IDLE:
                return
        self._finish(stop)
        raise Unforeseen("a long round")

    def _finish(self, stop: Stop) -> None:
        """Goes on until the core sleeps, or leaves the rest to the caller."""
        if stop.reason is not StopReason.IDLE:
            self.stop = Stop(StopReason.BUDGET, 0, self.core.registers[PC] & ~1)
