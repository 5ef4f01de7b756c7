"""Virtual time: order of alarms, cancelling, idle jumps, rates and ticks."""

from __future__ import annotations

import pytest

from mpy_cross.emulator.clock import SECOND, Clock, Rate, Ticks
from mpy_cross.emulator.counter import Cycle, passes


def test_alarms_run_in_order_of_time_then_of_setting() -> None:
    clock, ran = Clock(), []
    for when, name in ((30, "c"), (10, "a1"), (20, "b"), (10, "a2"), (10, "a3")):
        clock.at(when, lambda name=name: ran.append((clock.now, name)))  # type: ignore[misc]
    clock.advance_to(25)
    assert ran == [(10, "a1"), (10, "a2"), (10, "a3"), (20, "b")]
    assert clock.now == 25
    assert clock.next_alarm() == 30


def test_a_cancelled_alarm_does_not_run_and_is_not_next() -> None:
    clock, ran = Clock(), []
    first = clock.at(10, lambda: ran.append("first"))
    clock.at(20, lambda: ran.append("second"))
    first.cancel()
    assert clock.next_alarm() == 20
    clock.advance(100)
    assert ran == ["second"]
    assert first.done


def test_alarms_set_again_and_again_leave_nothing_behind() -> None:
    clock, ran = Clock(), []
    alarm = clock.at(10**9, lambda: ran.append("first"))
    for n in range(10_000):
        alarm.cancel()
        alarm = clock.at(10**9 + n, lambda: ran.append("last"))
    assert len(clock._alarms) <= 64
    clock.advance_to(2 * 10**9)
    assert ran == ["last"]


def test_an_alarm_can_set_and_cancel_others_at_the_same_time() -> None:
    clock, ran = Clock(), []
    doomed = clock.at(10, lambda: ran.append("doomed"))
    clock.at(10, lambda: ran.append("kept"))

    def early() -> None:
        doomed.cancel()
        clock.at(10, lambda: ran.append("late"))

    clock.at(5, early)
    clock.advance_to(10)
    assert ran == ["kept", "late"]


def test_an_alarm_can_advance_time_itself() -> None:
    clock, ran = Clock(), []
    clock.at(10, lambda: clock.advance(50))
    clock.at(30, lambda: ran.append(clock.now))
    clock.advance_to(20)
    assert ran == [30]
    assert clock.now == 60  # time does not go back to 20


def test_an_alarm_in_the_past_runs_at_once_when_time_moves() -> None:
    clock, ran = Clock(), []
    clock.advance(100)
    clock.at(10, lambda: ran.append(clock.now))
    clock.advance(0)
    assert ran == [100]


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="does not go back"):
        Clock().advance(-1)


def test_idle_jumps_to_the_next_alarm_and_no_further() -> None:
    clock, ran = Clock(), []
    clock.at(3600 * SECOND, lambda: ran.append(clock.now))
    clock.at(7200 * SECOND, lambda: ran.append(clock.now))
    assert clock.idle()
    assert ran == [3600 * SECOND] and clock.now == 3600 * SECOND
    assert not clock.idle(limit=5000 * SECOND)
    assert clock.now == 5000 * SECOND
    assert clock.idle()
    assert not clock.idle()
    assert clock.now == 7200 * SECOND


def test_a_sooner_alarm_is_told() -> None:
    clock = Clock()
    told: list[int] = []
    clock.on_sooner = told.append
    clock.at(100, lambda: None)
    clock.at(200, lambda: None)
    clock.at(50, lambda: None)
    assert told == [100, 50]


@pytest.mark.parametrize("hz", [1, 3, 32768, 12_000_000, 125_000_000, 168_000_000, 84_000_001])
def test_the_time_of_a_tick_is_the_first_ns_that_counts_it(hz: int) -> None:
    clock = Clock()
    ticks = Ticks(clock, Rate("test", hz), divider=7)
    clock.advance(123)
    ticks.run(True)
    for tick in (1, 2, 3, 1000, 999_999):
        when = ticks.when(tick)
        assert when is not None
        clock.now = when - 1
        assert ticks.count() == tick - 1
        clock.now = when
        assert ticks.count() == tick


def test_a_change_of_rate_keeps_what_was_counted() -> None:
    clock, rate = Clock(), Rate("test", 1_000_000)
    seen: list[int] = []
    cycle = Cycle(clock, rate, lambda: seen.append(cycle.total()), lambda: None)
    cycle.place(0, 1 << 20)
    cycle.ticks.run(True)
    clock.advance(10_000)
    rate.change(2_000_000)
    assert seen == [10]
    clock.advance(10_000)
    assert cycle.total() == 30
    rate.change(0)
    clock.advance(SECOND)
    assert cycle.total() == 30
    assert cycle.ticks.when(31) is None


def test_passes_counts_like_a_loop() -> None:
    for period in (1, 2, 5):
        for phase in range(period):
            for start in range(7):
                for end in range(start, 14):
                    slow = sum(total % period == phase for total in range(start + 1, end + 1))
                    assert passes(start, end, phase, period) == slow
