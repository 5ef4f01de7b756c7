"""Timers of both chips and SysTick: counts against virtual time, interrupts, PWM edges."""

from __future__ import annotations

import pytest

from mpy_cross.emulator.clock import SECOND
from mpy_cross.emulator.machine import Machine, machine

# STM32F405: TIM2 and TIM1 run at 84 and 168 MHz.
TIM1, TIM2, TIM3 = 0x40010000, 0x40000000, 0x40000400
CR1, CR2, SMCR, DIER, SR, EGR, CCMR1, CCER = 0, 4, 8, 0xC, 0x10, 0x14, 0x18, 0x20
CNT, PSC, ARR, RCR, CCR1, CCR2, BDTR = 0x24, 0x28, 0x2C, 0x30, 0x34, 0x38, 0x44
CEN, OPM, DIR, ARPE = 1, 8, 16, 128
UIE = 1
APB1ENR, APB2ENR = 0x40023840, 0x40023844
SYSTICK = 0xE000E010

# RP2040
TIMER, WATCHDOG, PWM, RTC = 0x40054000, 0x40058000, 0x40050000, 0x4005C000
MICROSECOND = 1000


@pytest.fixture
def pyb() -> Machine:
    board = machine("pyboard", record=True)
    board.start()
    bus = board.bus
    bus.write(APB1ENR, 4, bus.read(APB1ENR, 4) | 3)
    bus.write(APB2ENR, 4, bus.read(APB2ENR, 4) | 1)
    return board


@pytest.fixture
def pico() -> Machine:
    board = machine("pico", record=True)
    board.start()
    return board


def run_timer(board: Machine, base: int, psc: int, arr: int, cr1: int = 0) -> None:
    """Starts a timer at zero with these values at work and no flag set."""
    bus = board.bus
    bus.write(base + PSC, 4, psc)
    bus.write(base + ARR, 4, arr)
    bus.write(base + CR1, 4, cr1)
    bus.write(base + EGR, 4, 1)
    bus.write(base + SR, 4, 0)
    bus.write(base + CR1, 4, cr1 | CEN)


def at(board: Machine, seconds: float) -> None:
    board.clock.advance_to(round(seconds * SECOND))


def test_count_follows_virtual_time(pyb: Machine) -> None:
    run_timer(pyb, TIM2, 83, 0xFFFFFFFF)  # microseconds
    for us in (1, 2, 1000, 123_456_789):
        pyb.clock.advance_to(us * 1000 - 1)
        assert pyb.bus.read(TIM2 + CNT, 4) == us - 1
        pyb.clock.advance_to(us * 1000)
        assert pyb.bus.read(TIM2 + CNT, 4) == us
    assert pyb.clock.next_alarm() is None  # nothing needs waking up for this


def test_sixteen_bits_wrap(pyb: Machine) -> None:
    assert pyb.bus.read(TIM3 + ARR, 4) == 0xFFFF
    run_timer(pyb, TIM3, 83, 0xFFFFFFFF)
    assert pyb.bus.read(TIM3 + ARR, 4) == 0xFFFF
    pyb.clock.advance(65_541_000)
    assert pyb.bus.read(TIM3 + CNT, 4) == 5
    assert pyb.bus.read(TIM3 + SR, 4) & 1 == 1


def test_update_interrupts_come_in_time(pyb: Machine) -> None:
    times: list[int] = []
    pyb.chip.interrupts[0][28].watch(
        lambda level: times.append(pyb.clock.now) if level else None)
    bus = pyb.bus
    run_timer(pyb, TIM2, 8399, 9)  # every millisecond
    bus.write(TIM2 + DIER, 4, UIE)
    for _ in range(4):
        assert pyb.clock.idle()
        assert bus.read(TIM2 + SR, 4) & 1
        bus.write(TIM2 + SR, 4, 0)
    assert times == [1_000_000, 2_000_000, 3_000_000, 4_000_000]


def test_rounding_does_not_add_up(pyb: Machine) -> None:
    """A period of 7 cycles is 83.33 ns; the 3 000 000th update is at exactly 250 ms."""
    bus, clock = pyb.bus, pyb.clock
    run_timer(pyb, TIM2, 0, 6)
    clock.advance_to(SECOND // 4 - 1)
    assert bus.read(TIM2 + CNT, 4) == 6
    clock.advance_to(SECOND // 4)
    assert bus.read(TIM2 + CNT, 4) == 0


def test_an_unacknowledged_interrupt_needs_no_alarms(pyb: Machine) -> None:
    run_timer(pyb, TIM2, 0, 1)
    pyb.bus.write(TIM2 + DIER, 4, UIE)
    assert pyb.clock.idle()
    assert pyb.chip.interrupts[0][28].level
    assert not pyb.clock.idle()


def test_down_and_centre(pyb: Machine) -> None:
    bus = pyb.bus
    run_timer(pyb, TIM2, 83, 9, cr1=DIR)
    seen = []
    for _ in range(12):
        seen.append(bus.read(TIM2 + CNT, 4))
        pyb.clock.advance(1000)
    assert seen == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 9, 8]
    bus.write(TIM2 + CR1, 4, 0)
    run_timer(pyb, TIM3, 83, 4, cr1=1 << 5)
    seen, falling = [], []
    for _ in range(10):
        seen.append(bus.read(TIM3 + CNT, 4))
        falling.append(bus.read(TIM3 + CR1, 4) & DIR)
        pyb.clock.advance(1000)
    assert seen == [0, 1, 2, 3, 4, 3, 2, 1, 0, 1]
    assert falling == [0] * 4 + [DIR] * 4 + [0] * 2


def test_one_pulse(pyb: Machine) -> None:
    run_timer(pyb, TIM2, 83, 99, cr1=OPM)
    pyb.clock.advance(SECOND)
    assert pyb.bus.read(TIM2 + CR1, 4) == OPM
    assert pyb.bus.read(TIM2 + CNT, 4) == 0
    assert pyb.bus.read(TIM2 + SR, 4) & 1


def test_preload_of_arr_and_psc(pyb: Machine) -> None:
    bus, clock = pyb.bus, pyb.clock
    run_timer(pyb, TIM2, 83, 9, cr1=ARPE)
    bus.write(TIM2 + ARR, 4, 4)
    bus.write(TIM2 + PSC, 4, 167)
    clock.advance_to(9_000)
    assert bus.read(TIM2 + CNT, 4) == 9  # the old values are at work
    clock.advance_to(10_000 + 9_999)
    assert bus.read(TIM2 + CNT, 4) == 4
    clock.advance_to(20_000)
    assert bus.read(TIM2 + CNT, 4) == 0
    assert bus.read(TIM2 + ARR, 4) == 4


def test_a_count_above_the_reload_value_runs_to_the_end(pyb: Machine) -> None:
    bus = pyb.bus
    run_timer(pyb, TIM3, 83, 0xFFFF)
    bus.write(TIM3 + CNT, 4, 0xFFFE)
    bus.write(TIM3 + ARR, 4, 9)
    assert bus.read(TIM3 + CNT, 4) == 0xFFFE
    pyb.clock.advance(1000)
    assert bus.read(TIM3 + CNT, 4) == 0xFFFF
    pyb.clock.advance(1000)
    assert bus.read(TIM3 + CNT, 4) == 0
    pyb.clock.advance(12_000)
    assert bus.read(TIM3 + CNT, 4) == 2


def test_stopping_keeps_the_count(pyb: Machine) -> None:
    run_timer(pyb, TIM2, 83, 999)
    pyb.clock.advance(5_500)
    pyb.bus.write(TIM2 + CR1, 4, 0)
    pyb.clock.advance(SECOND)
    assert pyb.bus.read(TIM2 + CNT, 4) == 5
    pyb.bus.write(TIM2 + CR1, 4, CEN)
    pyb.clock.advance(2_000)
    assert pyb.bus.read(TIM2 + CNT, 4) == 7


def test_compare_interrupt_and_flag(pyb: Machine) -> None:
    bus = pyb.bus
    bus.write(TIM2 + CCR1, 4, 250)
    run_timer(pyb, TIM2, 83, 999)
    bus.write(TIM2 + DIER, 4, 2)
    assert pyb.clock.idle()
    assert pyb.clock.now == 250_000
    assert bus.read(TIM2 + SR, 4) & 3 == 2
    bus.write(TIM2 + SR, 4, 0)
    assert pyb.clock.idle()
    assert pyb.clock.now == 1_250_000
    assert bus.read(TIM2 + SR, 4) & 3 == 3


def test_pwm_edges_in_the_trace(pyb: Machine) -> None:
    """X1 is PA0: TIM2 channel 1 as alternate function 1; 1 kHz, 25 %, then 75 % by preload."""
    bus = pyb.bus
    bus.write(TIM2 + CCMR1, 4, 0x68)  # PWM mode 1 with preload
    bus.write(TIM2 + CCR1, 4, 250)
    run_timer(pyb, TIM2, 83, 999)
    bus.write(TIM2 + CCER, 4, 1)
    bus.write(0x40020020, 4, 1)
    bus.write(0x40020000, 4, bus.read(0x40020000, 4) | 2)
    assert pyb.pin("X1").function == "TIM2_CH1"
    at(pyb, 0.0015)
    bus.write(TIM2 + CCR1, 4, 750)
    at(pyb, 0.0039)
    us = [(time // 1000, level) for time, level in pyb.trace.edges("X1")]
    assert us == [(0, 1), (250, 0), (1000, 1), (1250, 0), (2000, 1), (2750, 0), (3000, 1),
                  (3750, 0)]
    assert all(time % 1000 == 0 for time, _ in pyb.trace.edges("X1"))


def test_pwm_inverted_full_and_off(pyb: Machine) -> None:
    bus, pin = pyb.bus, pyb.pin("X1")
    bus.write(0x40020020, 4, 1)
    bus.write(0x40020000, 4, bus.read(0x40020000, 4) | 2)
    bus.write(TIM2 + CCMR1, 4, 0x60)
    bus.write(TIM2 + CCR1, 4, 1000)
    run_timer(pyb, TIM2, 83, 999)
    bus.write(TIM2 + CCER, 4, 1)
    at(pyb, 0.01)
    assert pyb.trace.edges("X1") == [(0, 1)]  # the compare value is above the top: always on
    bus.write(TIM2 + CCER, 4, 3)
    assert pin.level == 0
    bus.write(TIM2 + CCER, 4, 0)
    assert pin.driven is None
    assert pyb.clock.next_alarm() is None


def test_toggle_makes_a_square(pyb: Machine) -> None:
    bus = pyb.bus
    bus.write(0x40020020, 4, 1)
    bus.write(0x40020000, 4, bus.read(0x40020000, 4) | 2)
    bus.write(TIM2 + CCMR1, 4, 0x30)
    bus.write(TIM2 + CCR1, 4, 100)
    run_timer(pyb, TIM2, 83, 999)
    bus.write(TIM2 + CCER, 4, 1)
    at(pyb, 0.0032)
    assert pyb.trace.edges("X1") == [(100_000, 1), (1_100_000, 0), (2_100_000, 1), (3_100_000, 0)]


def test_advanced_timer_repetition_and_main_output(pyb: Machine) -> None:
    bus, irq = pyb.bus, pyb.chip.interrupts[0][25]
    bus.write(TIM1 + RCR, 4, 3)
    run_timer(pyb, TIM1, 167, 999)  # 1 kHz
    bus.write(TIM1 + DIER, 4, 1)
    at(pyb, 0.0039)
    assert not irq.level
    at(pyb, 0.004)
    assert irq.level
    # Y11 is PB0: TIM1_CH2N as alternate function 1; the output needs MOE.
    bus.write(0x40020420, 4, 1)
    bus.write(0x40020400, 4, bus.read(0x40020400, 4) | 2)
    bus.write(TIM1 + CCMR1, 4, 0x6000)
    bus.write(TIM1 + CCR2, 4, 500)
    bus.write(TIM1 + CCER, 4, 1 << 6)
    assert pyb.pin("Y11").driven is None
    bus.write(TIM1 + BDTR, 4, 1 << 15)
    assert pyb.pin("Y11").level == 1
    bus.write(TIM1 + CCER, 4, 1 << 6 | 1 << 4)  # beside the main output it is the complement
    assert pyb.pin("Y11").level == 0


def test_input_capture(pyb: Machine) -> None:
    bus, pin = pyb.bus, pyb.pin("X1")
    bus.write(0x40020020, 4, 1)
    bus.write(0x40020000, 4, bus.read(0x40020000, 4) | 2)
    bus.write(TIM2 + CCMR1, 4, 1)
    bus.write(TIM2 + CCER, 4, 1)
    run_timer(pyb, TIM2, 83, 0xFFFFFFFF)
    pyb.clock.advance(40_000)
    pin.force(1)
    pyb.clock.advance(10_000)
    pin.force(0)
    assert bus.read(TIM2 + SR, 4) & 0x202 == 2
    assert bus.read(TIM2 + CCR1, 4) == 40
    assert bus.read(TIM2 + SR, 4) & 2 == 0
    for _ in range(2):
        pyb.clock.advance(5_000)
        pin.force(1)
        pin.force(0)
    assert bus.read(TIM2 + SR, 4) & 0x202 == 0x202  # one was lost
    assert bus.read(TIM2 + CCR1, 4) == 60


def test_encoder(pyb: Machine) -> None:
    bus = pyb.bus
    a, b = pyb.pin("X1"), pyb.pin("X2")
    bus.write(0x40020020, 4, 0x11)
    bus.write(0x40020000, 4, bus.read(0x40020000, 4) | 0xA)
    bus.write(TIM2 + CCMR1, 4, 0x0101)
    bus.write(TIM2 + ARR, 4, 0xFFFF)
    bus.write(TIM2 + SMCR, 4, 3)
    bus.write(TIM2 + CR1, 4, CEN)
    for level in (1, 0):
        a.force(level)
        b.force(level)
    assert bus.read(TIM2 + CNT, 4) == 4
    pyb.clock.advance(SECOND)
    for level in (1, 0):
        b.force(level)
        a.force(level)
    b.force(1)
    assert bus.read(TIM2 + CNT, 4) == 0xFFFF
    assert bus.read(TIM2 + CR1, 4) & DIR


def test_a_change_of_the_clock_tree_changes_the_speed(pyb: Machine) -> None:
    bus = pyb.bus
    run_timer(pyb, TIM2, 83, 0xFFFFFFFF)
    pyb.clock.advance(1_000_000)
    bus.write(0x40023808, 4, 0x9402 & ~0x1C00)  # APB1 undivided: timers at 168 MHz
    assert pyb.frequency == 168_000_000
    pyb.clock.advance(1_000_000)
    assert bus.read(TIM2 + CNT, 4) == 3000
    bus.write(0x40023808, 4, 0)
    assert bus.read(0x40023808, 4) == 8  # HSI is off: the PLL stays in use
    assert pyb.frequency == 168_000_000
    bus.write(0x40023800, 4, bus.read(0x40023800, 4) | 1)
    assert bus.read(0x40023808, 4) == 0
    assert pyb.frequency == 16_000_000


def test_systick_counts_down_and_interrupts(pyb: Machine) -> None:
    bus, clock = pyb.bus, pyb.clock
    ticks: list[int] = []
    pyb.chip.systicks[0].tick.watch(lambda level: ticks.append(clock.now) if level else None)
    bus.write(SYSTICK + 4, 4, 167_999)
    bus.write(SYSTICK + 8, 4, 0)
    bus.write(SYSTICK, 4, 7)
    clock.advance_to(10_000)
    assert bus.read(SYSTICK + 8, 4) == 168_000 - 1680
    clock.advance_to(3_500_000)
    assert ticks == [1_000_000, 2_000_000, 3_000_000]
    assert bus.read(SYSTICK, 4) == 0x10007
    assert bus.read(SYSTICK, 4) == 7  # reading clears COUNTFLAG
    bus.write(SYSTICK + 4, 4, 83_999)  # from the next reload on
    clock.advance_to(5_100_000)
    assert ticks[3:] == [4_000_000, 4_500_000, 5_000_000]
    bus.write(SYSTICK, 4, 0)
    value = bus.read(SYSTICK + 8, 4)
    clock.advance(SECOND)
    assert bus.read(SYSTICK + 8, 4) == value == 84_000 - 16_800


def test_systick_with_the_reference_clock(pyb: Machine) -> None:
    bus = pyb.bus
    bus.write(SYSTICK + 4, 4, 20_999)
    bus.write(SYSTICK, 4, 1)
    pyb.clock.advance(999_999)
    assert bus.read(SYSTICK, 4) == 1
    pyb.clock.advance(1)
    assert bus.read(SYSTICK, 4) == 0x10001


# Real-time clock and watchdog of the STM32F405.

def test_stm32_calendar_and_wakeup(pyb: Machine) -> None:
    bus, rtc = pyb.bus, 0x40002800
    assert (bus.read(rtc, 4), bus.read(rtc + 4, 4)) == (0, 0x158101)
    at(pyb, 59.5)
    assert bus.read(rtc, 4) == 0x59
    assert bus.read(rtc + 0x28, 4) == 127
    at(pyb, 86400 * 59 + 3661)
    assert bus.read(rtc, 4) == 0x010101
    assert bus.read(rtc + 4, 4) == 0x15E301  # 59 days later: Sunday, 1 March 2015
    bus.write(rtc + 4, 4, 0)
    assert bus.read(rtc + 4, 4) == 0x15E301  # protected
    for key in (0xCA, 0x53):
        bus.write(rtc + 0x24, 4, key)
    bus.write(rtc + 0x14, 4, 2047)
    bus.write(0x40013C00, 4, 1 << 22)
    bus.write(0x40013C08, 4, 1 << 22)
    bus.write(rtc + 8, 4, 1 << 14 | 1 << 10)  # 16 / 32768 s per tick: 2048 are one second
    start = pyb.clock.now
    assert pyb.clock.idle()
    assert pyb.clock.now - start == SECOND
    assert pyb.chip.interrupts[0][3].level


def fires(board: Machine, line: int, limit: int) -> int | None:
    """The ns at which an interrupt comes, None if it does not within `limit` ns."""
    clock, end = board.clock, board.clock.now + limit
    while clock.now < end and not board.chip.interrupts[0][line].level:
        clock.idle(end)
    return clock.now if board.chip.interrupts[0][line].level else None


def test_stm32_alarms(pyb: Machine) -> None:
    bus, rtc, exti = pyb.bus, 0x40002800, 0x40013C00

    def acknowledge() -> None:
        bus.write(rtc + 12, 4, 0xFFFFFF7F & ~0x300)
        bus.write(exti + 0x14, 4, 1 << 17)

    assert bus.read(rtc + 12, 4) & 3 == 3  # they may be written
    bus.write(rtc + 0x1C, 4, 0x05)
    assert not bus.read(rtc + 0x1C, 4)  # not without the keys
    for key in (0xCA, 0x53):
        bus.write(rtc + 0x24, 4, key)
    bus.write(exti, 4, 1 << 17)
    bus.write(exti + 8, 4, 1 << 17)
    # A: second 5 of each minute; B: half past three on a 2nd, in the middle of a second.
    bus.write(rtc + 0x1C, 4, 1 << 31 | 1 << 23 | 1 << 15 | 0x05)
    bus.write(rtc + 0x20, 4, 0x02 << 24 | 0x033000)
    bus.write(rtc + 0x48, 4, 15 << 24 | 127)
    bus.write(rtc + 8, 4, 1 << 12 | 1 << 8)
    assert bus.read(rtc + 12, 4) & 3 == 2
    start = pyb.clock.now
    assert fires(pyb, 41, 10 * SECOND) == start + 5 * SECOND
    assert bus.read(rtc, 4) == 5 and bus.read(rtc + 12, 4) & 0x300 == 0x100
    acknowledge()
    assert fires(pyb, 41, 70 * SECOND) == start + 65 * SECOND
    bus.write(rtc + 8, 4, 1 << 13 | 1 << 9)
    acknowledge()
    half = start + (86400 + 3 * 3600 + 1800) * SECOND + SECOND // 2
    assert fires(pyb, 41, 90 * 86400 * SECOND) == half
    assert bus.read(rtc, 4) == 0x033000 and bus.read(rtc + 4, 4) & 0x1FFF == 0x0102
    assert bus.read(rtc + 12, 4) & 0x300 == 0x200 and not pyb.context.touched
    acknowledge()
    assert fires(pyb, 41, 90 * 86400 * SECOND) == half + 31 * 86400 * SECOND  # 2 February
    acknowledge()
    bus.write(rtc + 8, 4, 0)
    assert fires(pyb, 41, 400 * 86400 * SECOND) is None


def test_stm32_alarm_wakes_from_standby(pyb: Machine) -> None:
    bus, rtc = pyb.bus, 0x40002800
    for key in (0xCA, 0x53):
        bus.write(rtc + 0x24, 4, key)
    bus.write(rtc + 0x1C, 4, 1 << 31 | 0x02)
    bus.write(0x40007000, 4, bus.read(0x40007000, 4) | 2)  # PWR: standby
    bus.write(rtc + 8, 4, 1 << 12 | 1 << 8)
    pyb.chip.deep_sleep(True)
    start = pyb.clock.now
    while pyb.reset_cause == "power" and pyb.clock.now < start + 5 * SECOND:
        pyb.clock.idle(start + 5 * SECOND)
    assert pyb.reset_cause == "standby" and pyb.clock.now == start + 2 * SECOND


def test_stm32_watchdog_resets_the_chip(pyb: Machine) -> None:
    bus, iwdg = pyb.bus, 0x40003000
    bus.write(iwdg, 4, 0x5555)
    bus.write(iwdg + 4, 4, 3)  # 32000 / 32 Hz
    bus.write(iwdg + 8, 4, 99)
    bus.write(iwdg, 4, 0xCCCC)
    at(pyb, 0.09)
    bus.write(iwdg, 4, 0xAAAA)
    at(pyb, 0.18)
    assert pyb.reset_cause == "power"
    at(pyb, 0.19)
    assert pyb.reset_cause == "watchdog"
    assert bus.read(0x40023874, 4) & 1 << 29
    assert pyb.frequency == 16_000_000
    at(pyb, 1)
    assert pyb.clock.next_alarm() is None


# RP2040.

def test_rp2040_time(pico: Machine) -> None:
    bus = pico.bus
    at(pico, 5000)
    assert bus.read(TIMER + 0x0C, 4) == 5_000_000_000 & 0xFFFFFFFF
    at(pico, 10000)
    assert bus.read(TIMER + 0x08, 4) == 1  # latched when the lower half was read
    assert bus.read(TIMER + 0x24, 4) == 2
    bus.write(TIMER + 4, 4, 7)
    bus.write(TIMER, 4, 1)
    pico.clock.advance(3 * MICROSECOND)
    assert bus.read(TIMER + 0x28, 4) == 10
    bus.write(TIMER + 0x30, 4, 1)
    pico.clock.advance(3 * MICROSECOND)
    assert bus.read(TIMER + 0x28, 4) == 10


def test_rp2040_alarms(pico: Machine) -> None:
    bus, irq = pico.bus, pico.chip.interrupts[0][2]
    bus.write(TIMER + 0x38, 4, 0b0100)
    bus.write(TIMER + 0x18, 4, 1500)
    assert bus.read(TIMER + 0x20, 4) == 0b0100
    pico.clock.advance(1500 * MICROSECOND - 1)
    assert not irq.level
    pico.clock.advance(1)
    assert irq.level
    assert bus.read(TIMER + 0x20, 4) == 0
    bus.write(TIMER + 0x34, 4, 0b0100)
    assert not irq.level
    bus.write(TIMER + 0x18, 4, 2000)
    bus.write(TIMER + 0x20, 4, 0b0100)  # disarmed
    pico.clock.advance(SECOND)
    assert not irq.level
    bus.write(TIMER + 0x10, 4, 100)  # in the past: only after the lower half has gone round
    assert pico.clock.next_alarm() == ((1 << 32) + 100) * MICROSECOND


def test_rp2040_pwm(pico: Machine) -> None:
    """GP2 is slice 1 A: 125 MHz / 12.5 / 1000 = 10 kHz, 30 %; new values come at the wrap."""
    bus = pico.bus
    slice1 = PWM + 20
    bus.write(0x40014000 + 8 * 2 + 4, 4, 4)
    bus.write(slice1 + 4, 4, 12 << 4 | 8)
    bus.write(slice1 + 0x10, 4, 999)
    bus.write(slice1 + 0xC, 4, 300)
    bus.write(PWM + 0xA8, 4, 2)
    bus.write(slice1, 4, 1)
    pico.clock.advance_to(50_000)
    assert bus.read(slice1 + 8, 4) == 500
    bus.write(slice1 + 0xC, 4, 600)
    pico.clock.advance_to(199_999)
    assert pico.trace.edges("GP2") == [(0, 1), (30_000, 0), (100_000, 1), (160_000, 0)]
    assert pico.chip.interrupts[0][4].level
    bus.write(PWM + 0xA4, 4, 2)
    assert not pico.chip.interrupts[0][4].level
    pico.clock.advance_to(200_000)
    assert pico.chip.interrupts[0][4].level
    bus.write(slice1, 4, 5)  # inverted
    assert pico.pin("GP2").level == 0


def test_rp2040_pwm_with_phase_correction(pico: Machine) -> None:
    bus = pico.bus
    bus.write(0x40014000 + 4, 4, 4)
    bus.write(PWM + 4, 4, 125 << 4)
    bus.write(PWM + 0x10, 4, 9)
    bus.write(PWM + 0xC, 4, 3)
    bus.write(PWM, 4, 3)
    seen = []
    for _ in range(22):
        seen.append(bus.read(PWM + 8, 4))
        pico.clock.advance(MICROSECOND)
    assert seen == [*range(10), *range(9, -1, -1), 0, 1]
    assert pico.trace.edges("GP0") == [(0, 1), (3_000, 0), (17_000, 1)]


def test_rp2040_pwm_counts_edges(pico: Machine) -> None:
    bus = pico.bus
    bus.write(0x40014000 + 8 * 3 + 4, 4, 4)  # GP3 is slice 1 B
    bus.write(PWM + 20, 4, 1 | 2 << 4)
    for _ in range(5):
        pico.pin("GP3").force(1)
        pico.clock.advance(1000)
        pico.pin("GP3").force(0)
    assert bus.read(PWM + 28, 4) == 5


def test_rp2040_an_unseen_pwm_needs_no_alarms(pico: Machine) -> None:
    pico.bus.write(PWM + 0xC, 4, 1)
    pico.bus.write(PWM, 4, 1)
    assert pico.clock.next_alarm() is None


def test_rp2040_watchdog(pico: Machine) -> None:
    bus = pico.bus
    causes: list[str] = []
    pico.reset_watchers.append(causes.append)
    bus.write(WATCHDOG + 0x0C, 4, 0xB007C0DE)
    bus.write(WATCHDOG + 4, 4, 2 * 50_000)
    bus.write(WATCHDOG, 4, 1 << 30)
    at(pico, 0.04)
    assert bus.read(WATCHDOG, 4) & 0xFFFFFF == 20_000
    bus.write(WATCHDOG + 4, 4, 2 * 50_000)
    at(pico, 0.089)
    assert not causes
    at(pico, 0.09)
    assert causes == ["watchdog"]
    assert bus.read(WATCHDOG + 8, 4) == 1
    assert bus.read(WATCHDOG + 0x0C, 4) == 0xB007C0DE
    pico.start()
    bus.write(WATCHDOG, 4, 1 << 31)
    assert causes == ["watchdog"] * 2


def test_rp2040_calendar(pico: Machine) -> None:
    bus = pico.bus
    at(pico, 86400 * 58 + 3661)
    bus.read(RTC + 0x1C, 4)
    assert bus.read(RTC + 0x18, 4) == 2021 << 12 | 2 << 8 | 28
    assert bus.read(RTC + 0x1C, 4) == 0 << 24 | 1 << 16 | 1 << 8 | 1  # a Sunday
    at(pico, 86400 * 59)
    assert bus.read(RTC + 0x18, 4) == 2021 << 12 | 3 << 8 | 1


def test_rp2040_systick_with_the_microsecond_tick(pico: Machine) -> None:
    pico.bus.write(SYSTICK + 4, 4, 999)
    pico.bus.write(SYSTICK, 4, 1)
    pico.clock.advance(100 * MICROSECOND)
    assert pico.bus.read(SYSTICK + 8, 4) == 900
