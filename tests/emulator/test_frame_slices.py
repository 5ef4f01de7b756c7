"""How time is cut must not matter: timers looked at often behave as timers left alone.

Random settings are written at random times.  In one run time passes in whole steps, in the other in
small pieces with reads of counters and flags between them; edges, interrupts and registers agree.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from mpy_cross.emulator.line import Line
from mpy_cross.emulator.machine import Machine, machine

TIM1, TIM2, SYSTICK, PWM = 0x40010000, 0x40000000, 0xE000E010, 0x40050000

Write = Callable[[int, int], None]


def small(random: Random) -> int:
    return random.choice((0, 1, 2, 3, 7, 10, 19, 20, 21, 50))


def change_tim(random: Random, base: int, write: Write) -> None:
    offset, value = random.choice((
        (0x00, random.choice((0, 1, 1, 1, 0x81, 0x11, 0x21, 0x61, 0xA1, 0x09, 0x03))),
        (0x0C, random.randrange(32)), (0x10, random.randrange(32)), (0x14, random.randrange(32)),
        (0x18, random.choice((0x6868, 0x6060, 0x7870, 0x3030, 0x1020, 0x4050))),
        (0x20, random.randrange(1 << 16) & 0x7777), (0x24, small(random)),
        (0x28, random.randrange(4)), (0x2C, small(random)), (0x30, random.randrange(3)),
        (0x34, small(random)), (0x38, small(random)), (0x44, random.choice((0, 0x8000, 0x8000))),
    ))
    write(base + offset, value)


def change_pwm(random: Random, base: int, write: Write) -> None:
    offset, value = random.choice((
        (0x00, random.choice((0, 1, 1, 3, 5, 9, 15, 0x41, 0x81))), (0x04, random.randrange(16, 64)),
        (0x08, small(random)), (0x0C, small(random) | small(random) << 16), (0x10, small(random)),
    ))
    write(base + 20 * random.randrange(2) + offset, value)
    if random.random() < 0.3:
        write(base + random.choice((0xA4, 0xA8)), random.randrange(4))


def change_systick(random: Random, base: int, write: Write) -> None:
    write(base + random.choice((0, 0, 4, 8)), random.choice((0, 1, 3, 5, 7, 9, 30)))


def start(name: str) -> Machine:
    board = machine(name, record=True)
    board.start()
    write = board.bus.write
    if name == "pyboard":
        write(0x40023840, 4, 0x10000001)
        write(0x40023844, 4, 0x4001)
        write(0x40020020, 4, 0x11)  # X1, X2: TIM2_CH1 and CH2
        write(0x40020000, 4, 0x56A0000A)
        write(0x40020420, 4, 0x11)  # Y11, Y12: TIM1_CH2N and CH3N
        write(0x40020400, 4, 0x10A)
    else:
        for number in range(4):
            write(0x40014000 + 8 * number + 4, 4, 4)
    return board


def run(name: str, seed: int, base: int, change: Callable[[Random, int, Write], None],
        reads: tuple[int, ...], pieces: bool) -> tuple[object, ...]:
    random, cuts = Random(seed), Random(seed + 1)
    board = start(name)
    log: list[object] = []

    def watch(line: Line) -> None:
        line.watch(lambda level: log.append((board.clock.now, line.name, level)))

    for line in board.chip.interrupts[0].values():
        watch(line)
    watch(board.chip.systicks[0].tick)
    for _ in range(60):
        change(random, base, lambda address, value: board.bus.write(address, 4, value))
        target = board.clock.now + random.choice((1, 10, 100, 1000, 3000))
        while pieces and board.clock.now < target:
            board.clock.advance_to(min(target, board.clock.now + cuts.randrange(1, 400)))
            for offset in reads:
                board.bus.read(base + offset, 4)
        board.clock.advance_to(target)
        log.append((target, *(board.bus.read(base + offset, 4) for offset in reads)))
    return log, board.trace.events


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize(("name", "base", "change", "reads"), [
    ("pyboard", TIM2, change_tim, (0x00, 0x10, 0x24, 0x34)),
    ("pyboard", TIM1, change_tim, (0x00, 0x10, 0x24, 0x38)),
    ("pyboard", SYSTICK, change_systick, (0x8,)),
    ("pico", PWM, change_pwm, (0x08, 0x1C, 0xA4)),
], ids=["TIM2", "TIM1", "SysTick", "PWM"])
def test_slices_do_not_matter(name: str, base: int, reads: tuple[int, ...], seed: int,
                              change: Callable[[Random, int, Write], None]) -> None:
    whole = run(name, seed, base, change, reads, pieces=False)
    cut = run(name, seed, base, change, reads, pieces=True)
    assert whole == cut
