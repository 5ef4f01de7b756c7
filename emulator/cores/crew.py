"""Several cores of one chip and the virtual clock at one pace.

The cores run one after the other, each for a fixed slice of time, so that two runs interleave
alike.  A core that sleeps costs nothing; when all sleep the clock jumps to the next alarm.

SEV is no event to the engine.  So a core that waits with WFE is woken when another core has done
something: when it ran and did not just come back to the place where it had waited before.  WFE may
wake without a reason (ARMv6-M manual, B1.5.18), so programs look and wait again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, final

from mpy_cross.emulator.clock import SECOND, Clock, Rate
from mpy_cross.emulator.cores.arm import CortexM
from mpy_cross.emulator.cores.core import Stop, StopReason

SLICE: Final = 16_000  # ns that a core runs before another that is awake has its turn
LONG_SLICE: Final = 64_000  # the same while all others sleep
NUDGE: Final = 1_000_000  # ns after which cores that wait with WFE look again


@final
class Member:
    """One core and its own time. on: it runs at all; place: where it waited with WFE last."""

    __slots__ = ("clock", "core", "crew", "cycles", "number", "on", "place", "rate", "start")

    def __init__(self, crew: Crew, core: CortexM, number: int) -> None:
        self.crew, self.core, self.number = crew, core, number
        self.clock, self.rate = crew.clock, crew.rate
        self.on = number == 0
        self.place = (0, 0, 0)
        self.start, self.cycles = self.clock.now, core.cycles  # these belong together

    def anchor(self) -> None:
        self.start, self.cycles = self.clock.now, self.core.cycles

    def time(self) -> int:
        """Where this core is, in ns."""
        return self.start - (-(self.core.cycles - self.cycles) * SECOND // self.rate.hz)

    def sync(self) -> None:
        """Before an access to a device: moves the clock to where this core is."""
        crew, hz = self.crew, self.rate.hz
        if crew.current is not self or not hz:
            return
        core, clock = self.core, self.clock
        when = self.start - (-(core.cycles - self.cycles) * SECOND // hz)
        now = clock.now
        if when > now:
            clock.advance_to(when)
        elif now - when > crew.slack:
            self.anchor()  # a device has held the core up, and moved the clock itself


@final
class Crew:
    """Runs the cores of a chip at the frequency `rate`, in time with `clock`.

    select: called with the number of a core before it runs; joined: called with each core that is
    added later.
    """

    def __init__(self, cores: Sequence[CortexM], clock: Clock, rate: Rate,
                 select: Callable[[int], None]) -> None:
        self.clock, self.rate, self.select = clock, rate, select
        self.core = cores[0]
        self.current: Member | None = None
        self.slack = 0
        self.members: list[Member] = []
        self.joined: list[Callable[[CortexM], None]] = []
        for core in cores:
            self.add(core)
        clock.on_sooner = self._sooner
        rate.subscribe(self._before, self._after)

    def add(self, core: CortexM) -> None:
        """One more core; only the first one is on at the beginning."""
        member = Member(self, core, len(self.members))
        self.members.append(member)
        core.before_access = member.sync
        for call in self.joined:
            call(core)

    def turn(self, number: int, on: bool) -> None:
        """Switches a core on or off; from now on it runs, or does not."""
        member = self.members[number]
        if member.on != on:
            member.on = on
            member.place = (0, 0, 0)
            member.anchor()
            self.slack = 2 * LONG_SLICE if sum(each.on for each in self.members) > 1 else 0
            if self.current is not None:
                self.current.core.preempt()

    def wake(self, number: int) -> None:
        """An event for a core: it wakes from WFE."""
        if number < len(self.members):
            self.members[number].core.send_event()

    def stall(self, ns: int) -> None:
        """From a trap: the core that runs now is busy for so long; alarms go off meanwhile."""
        member = self.current
        if member is not None:
            member.sync()
        self.clock.advance(ns)
        if member is not None:
            member.anchor()

    def _before(self) -> None:
        if self.current is not None:
            self.current.sync()

    def _after(self) -> None:
        for member in self.members:
            member.anchor()

    def _sooner(self, when: int) -> None:
        if self.current is not None:
            self.current.core.preempt()

    def run_until(self, when: int) -> Stop | None:
        """Runs until the clock is at `when` ns; None, or the Stop that came before that."""
        clock = self.clock
        asleep = 0  # how many cores slept at the end of the last round
        while clock.now < when:
            if not self.rate.hz:
                clock.idle(when)  # no clock, no work
                continue
            team = [member for member in self.members if member.on]
            alarm = clock.next_alarm()
            if alarm is not None and alarm <= clock.now:
                clock.advance_to(clock.now)  # set from outside, and due already
                continue
            until = when if alarm is None or alarm > when else alarm
            if len(team) > 1:
                until = min(until, clock.now + (SLICE if asleep < len(team) - 1 else LONG_SLICE))
            asleep = 0
            began = clock.now
            for member in team:
                if not member.on:
                    continue  # another one has just switched it off
                stop = self._turn(member, began, until, team)
                if stop is None:
                    continue
                if stop.reason is StopReason.IDLE:
                    asleep += 1
                elif stop.reason is not StopReason.BUDGET:
                    return stop
            if asleep == len(team) and clock.now == began:
                self._sleep(team, when)
        return None

    def _turn(self, member: Member, began: int, until: int, team: list[Member]) -> Stop | None:
        """Lets one core run from `began` to `until`; None if it is ahead of that already."""
        core, clock = member.core, self.clock
        time = member.time()
        if time < began:
            member.start, member.cycles = began, core.cycles
            time = began
        cycles = -(-(until - member.start) * self.rate.hz // SECOND)
        left = cycles - (core.cycles - member.cycles)
        if left <= 0:
            if time > clock.now:
                clock.advance_to(min(time, until))
            return None
        self.select(member.number)
        self.current = member
        try:
            stop = core.run(core.budget(left))
            member.sync()
        finally:
            self.current = None
        if len(team) > 1 and stop.instructions:
            self._tell(member, stop, team)
        return stop

    @staticmethod
    def _tell(member: Member, stop: Stop, team: list[Member]) -> None:
        """This core ran: the others may have waited for what it did."""
        if stop.reason is StopReason.IDLE:
            registers = member.core.registers
            place = (stop.pc, registers[13], registers[14])
            failed = place == member.place
            member.place = place
            if failed:
                return
        for other in team:
            if other is not member:
                other.core.send_event()

    def _sleep(self, team: list[Member], when: int) -> None:
        """All cores sleep: on to the next alarm."""
        clock = self.clock
        if len(team) > 1:
            until = min(when, clock.now + NUDGE)
            if not clock.idle(until):
                for member in team:
                    member.core.send_event()
        else:
            clock.idle(when)
