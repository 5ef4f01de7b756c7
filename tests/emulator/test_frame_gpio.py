"""Pads and nets; GPIO and pin interrupts of both chips through their registers."""

from __future__ import annotations

import pytest

from mpy_cross.emulator.clock import Clock
from mpy_cross.emulator.machine import Machine, machine
from mpy_cross.emulator.pin import KEEP, Pin
from mpy_cross.emulator.trace import Trace

# STM32F405
GPIOA, GPIOB, GPIOC = 0x40020000, 0x40020400, 0x40020800
MODER, OTYPER, PUPDR, IDR, ODR, BSRR, LCKR, AFRL = 0, 4, 0xC, 0x10, 0x14, 0x18, 0x1C, 0x20
EXTI, SYSCFG = 0x40013C00, 0x40013800
IMR, RTSR, FTSR, SWIER, PR = 0, 8, 0xC, 0x10, 0x14
# RP2040
IO, PADS, SIO = 0x40014000, 0x4001C000, 0xD0000000
SET, CLR = 0x2000, 0x3000


@pytest.fixture
def pyb() -> Machine:
    board = machine("pyboard", record=True)
    board.start()
    return board


@pytest.fixture
def pico() -> Machine:
    board = machine("pico", record=True)
    board.start()
    return board


# Nets.

def pads(count: int) -> list[Pin]:
    trace = Trace(Clock())
    return [Pin(f"P{n}", n, trace) for n in range(count)]


def test_who_wins_on_a_pad() -> None:
    pin, = pads(1)
    assert pin.level == 0  # nothing drives it
    pin.pull(1)
    assert pin.level == 1
    pin.tie(0)  # a resistor on the board is stronger than the chip's pull
    assert pin.level == 0
    pin.force(1)
    assert pin.level == 1
    pin.force(None)
    pin.drive(1)
    assert pin.level == 1
    pin.drive(None)
    assert pin.level == 0


def test_a_keeper_keeps() -> None:
    pin, = pads(1)
    pin.pull(KEEP)
    pin.force(1)
    pin.force(None)
    assert pin.level == 1
    pin.force(0)
    pin.force(None)
    assert pin.level == 0


def test_a_wire_joins_pads() -> None:
    a, b, c = pads(3)
    seen: list[int] = []
    c.watch(seen.append)
    a.drive(1)
    a.wire(b)
    assert b.level == 1
    b.wire(c)
    assert seen == [1]
    a.drive(0)
    assert (b.level, c.level, seen) == (0, 0, [1, 0])
    c.wire(a)  # once more changes nothing
    assert len(a.net.pins) == 3


def test_a_fight_is_low_and_noted_once() -> None:
    a, b = pads(2)
    a.wire(b)
    a.drive(1)
    b.drive(0)
    assert a.level == 0
    assert a.trace.notes("pin") == ["P0, P1: driven high and low at once"]


# STM32F405.

def test_stm32_output_and_bsrr(pyb: Machine) -> None:
    bus = pyb.bus
    assert not pyb.led(1)
    bus.write(GPIOA + BSRR, 4, 1 << 13)
    assert pyb.led(1)
    bus.write(GPIOA + BSRR, 4, 1 << 13 | 1 << 29)  # set wins
    assert pyb.led(1)
    bus.write(GPIOA + BSRR + 2, 2, 1 << 13)  # the upper half resets
    assert not pyb.led(1)
    bus.write(GPIOA + ODR, 4, 1 << 14)
    assert pyb.led(2)
    assert bus.read(GPIOA + IDR, 4) >> 14 & 1 == 1
    assert bus.read(GPIOA + BSRR, 4) == 0
    with pytest.raises(KeyError, match="LEDs 1 to 4"):
        pyb.led(5)


def test_stm32_input_and_pulls(pyb: Machine) -> None:
    bus, pin = pyb.bus, pyb.pin("X1")
    assert bus.read(GPIOA + IDR, 4) & 1 == 0
    bus.write(GPIOA + PUPDR, 4, 1)
    assert bus.read(GPIOA + IDR, 4) & 1 == 1
    pin.force(0)
    assert bus.read(GPIOA + IDR, 4) & 1 == 0
    bus.write(GPIOA + PUPDR, 4, 2)
    pin.force(None)
    assert bus.read(GPIOA + IDR, 4) & 1 == 0
    pin.force(1)
    assert bus.read(GPIOA + IDR, 4) & 1 == 1
    bus.write(GPIOA + MODER, 4, bus.read(GPIOA + MODER, 4) | 3)  # an analog pad reads as 0
    assert bus.read(GPIOA + IDR, 4) & 1 == 0
    assert pin.function == "analog"


def test_stm32_open_drain(pyb: Machine) -> None:
    bus, pin = pyb.bus, pyb.pin("Y1")
    bus.write(GPIOC + OTYPER, 4, 1 << 6)
    bus.write(GPIOC + MODER, 4, 1 << 12)
    bus.write(GPIOC + BSRR, 4, 1 << 6)
    assert pin.level == 0 and pin.driven is None
    pin.tie(1)
    assert pin.level == 1
    bus.write(GPIOC + BSRR, 4, 1 << 22)
    assert pin.level == 0
    bus.write(GPIOC + BSRR, 4, 1 << 6)
    pin.force(0)  # somebody else pulls the line low
    assert bus.read(GPIOC + IDR, 4) >> 6 & 1 == 0


def test_stm32_port_without_clock(pyb: Machine) -> None:
    gpioe = 0x40021000
    pyb.bus.write(gpioe + MODER, 4, 1)
    assert pyb.bus.read(gpioe + MODER, 4) == 0
    pyb.bus.write(0x40023830, 4, 0x0010001F)
    pyb.bus.write(gpioe + MODER, 4, 1)
    assert pyb.bus.read(gpioe + MODER, 4) == 1


def test_stm32_lock(pyb: Machine) -> None:
    bus = pyb.bus
    for value in (0x10001, 0x00001, 0x10001):
        bus.write(GPIOC + LCKR, 4, value)
    bus.read(GPIOC + LCKR, 4)
    assert bus.read(GPIOC + LCKR, 4) == 0x10001
    bus.write(GPIOC + MODER, 4, 0b0101)
    assert bus.read(GPIOC + MODER, 4) == 0b0100  # pad 0 is locked, pad 1 is not


def test_stm32_bit_band_of_a_register(pyb: Machine) -> None:
    pyb.bus.write(0x42000000 + (GPIOA + ODR - 0x40000000) * 32 + 13 * 4, 4, 1)
    assert pyb.led(1)


@pytest.mark.parametrize("rising", [True, False])
def test_stm32_edge_interrupt(pyb: Machine, rising: bool) -> None:
    bus, pin = pyb.bus, pyb.pin("Y1")  # PC6: line 6, interrupt EXTI9_5
    irq = pyb.chip.interrupts[0][23]
    pin.force(0 if rising else 1)
    bus.write(SYSCFG + 0x0C, 4, 2 << 8)
    bus.write(EXTI + (RTSR if rising else FTSR), 4, 1 << 6)
    bus.write(EXTI + IMR, 4, 1 << 6)
    assert not irq.level
    pin.force(1 if rising else 0)
    assert irq.level and bus.read(EXTI + PR, 4) == 1 << 6
    pin.force(0 if rising else 1)  # the other edge counts for nothing
    bus.write(EXTI + PR, 4, 1 << 6)
    assert not irq.level and bus.read(EXTI + PR, 4) == 0


def test_stm32_only_the_selected_port_interrupts(pyb: Machine) -> None:
    bus = pyb.bus
    bus.write(SYSCFG + 0x0C, 4, 0)  # line 6 looks at PA6
    bus.write(EXTI + RTSR, 4, 1 << 6)
    pyb.pin("PC6").force(1)
    assert bus.read(EXTI + PR, 4) == 0
    pyb.pin("PA6").force(1)
    assert bus.read(EXTI + PR, 4) == 1 << 6
    assert not pyb.chip.interrupts[0][23].level  # masked


def test_stm32_software_interrupt(pyb: Machine) -> None:
    bus = pyb.bus
    bus.write(EXTI + IMR, 4, 1)
    bus.write(EXTI + SWIER, 4, 3)
    assert bus.read(EXTI + PR, 4) == 1  # line 1 is masked
    assert pyb.chip.interrupts[0][6].level
    bus.write(EXTI + PR, 4, 1)
    assert bus.read(EXTI + SWIER, 4) == 2
    assert not pyb.chip.interrupts[0][6].level


def test_the_switch_of_the_pyboard(pyb: Machine) -> None:
    bus = pyb.bus
    assert bus.read(GPIOB + IDR, 4) >> 3 & 1 == 1
    pyb.press("SW")
    assert bus.read(GPIOB + IDR, 4) >> 3 & 1 == 0
    pyb.release("SW")
    assert bus.read(GPIOB + IDR, 4) >> 3 & 1 == 1
    with pytest.raises(KeyError, match="no switch 'RESET'; there are SW"):
        pyb.press("RESET")


# RP2040.

def gpio_out(board: Machine, number: int) -> None:
    board.bus.write(IO + 8 * number + 4, 4, 5)
    board.bus.write(SIO + 0x24, 4, 1 << number)


def test_rp2040_output(pico: Machine) -> None:
    bus = pico.bus
    gpio_out(pico, 25)
    bus.write(SIO + 0x14, 4, 1 << 25)
    assert pico.led(1)
    bus.write(SIO + 0x1C, 4, 1 << 25)
    assert not pico.led(1)
    bus.write(SIO + 0x1C, 4, 1 << 25)
    bus.write(SIO + 0x18, 4, 1 << 25)
    assert not pico.led(1)
    bus.write(SIO + 0x10, 4, 1 << 25)
    assert pico.led(1)
    assert bus.read(SIO + 4, 4) >> 25 & 1 == 1
    bus.write(SIO + 0x28, 4, 1 << 25)  # no longer an output: the pull-down wins
    assert not pico.led(1)


def test_rp2040_pulls_and_input_enable(pico: Machine) -> None:
    bus = pico.bus
    pad = PADS + 4 + 4 * 7
    assert bus.read(pad, 4) == 0x56
    bus.write(pad, 4, 0x5A)
    assert bus.read(SIO + 4, 4) >> 7 & 1 == 1
    bus.write(pad + CLR, 4, 0x40)  # input off
    assert bus.read(SIO + 4, 4) >> 7 & 1 == 0
    assert pico.pin("GP7").level == 1
    bus.write(pad, 4, 0x52)  # no pull
    assert pico.pin("GP7").level == 0
    bus.write(pad, 4, 0x5E)  # both: a keeper
    pico.pin(7).force(1)
    pico.pin(7).force(None)
    assert bus.read(SIO + 4, 4) >> 7 & 1 == 1


def test_rp2040_open_drain_by_output_enable(pico: Machine) -> None:
    bus, pin = pico.bus, pico.pin("GP3")
    pin.tie(1)
    gpio_out(pico, 3)
    assert pin.level == 0
    bus.write(SIO + 0x28, 4, 1 << 3)
    assert pin.level == 1


def test_rp2040_overrides(pico: Machine) -> None:
    bus, pin = pico.bus, pico.pin("GP4")
    gpio_out(pico, 4)
    control = IO + 8 * 4 + 4
    bus.write(control, 4, 5 | 1 << 8)  # output inverted
    assert pin.level == 1
    assert bus.read(control - 4, 4) & 0x3300 == 0x3200
    bus.write(control, 4, 5 | 2 << 12)  # output off
    assert pin.driven is None
    bus.write(control, 4, 5 | 3 << 8 | 3 << 12)
    assert pin.level == 1
    bus.write(control, 4, 5 | 3 << 8 | 1 << 16)  # input inverted
    assert bus.read(SIO + 4, 4) >> 4 & 1 == 0
    bus.write(PADS + 4 + 4 * 4 + SET, 4, 0x80)
    assert pin.driven is None


def test_rp2040_interrupts(pico: Machine) -> None:
    bus, pin = pico.bus, pico.pin("GP9")
    irq = pico.chip.interrupts[0][13]
    bus.write(IO + 0x100 + 4, 4, 0b1100 << 4)  # both edges of GPIO9, in the second word
    pin.force(1)
    assert irq.level and bus.read(IO + 0x120 + 4, 4) == 0b1000 << 4
    bus.write(IO + 0xF0 + 4, 4, 0b1000 << 4)
    assert not irq.level
    pin.force(0)
    assert bus.read(IO + 0x120 + 4, 4) == 0b0100 << 4
    bus.write(IO + 0xF0 + 4, 4, 0b1111 << 4)
    assert bus.read(IO + 0xF0 + 4, 4) >> 4 & 15 == 0b0001  # a level cannot be cleared
    assert not pico.chip.interrupts[1][13].level
    bus.write(IO + 0x130 + 4, 4, 0b0001 << 4)  # low level, for core 1
    assert pico.chip.interrupts[1][13].level and not irq.level
    pin.force(1)
    assert not pico.chip.interrupts[1][13].level
    bus.write(IO + 0x110, 4, 1)  # forced
    assert irq.level


def test_rp2040_block_in_reset(pico: Machine) -> None:
    bus = pico.bus
    gpio_out(pico, 25)
    bus.write(SIO + 0x14, 4, 1 << 25)
    bus.write(0x4000C000 + SET, 4, 1 << 5)
    assert bus.read(IO + 8 * 25 + 4, 4) == 0
    assert not pico.led(1)
    bus.write(0x4000C000 + CLR, 4, 1 << 5)
    assert bus.read(0x4000C008, 4) >> 5 & 1 == 1
    assert bus.read(IO + 8 * 25 + 4, 4) == 0x1F


# RP2040: what else is in SIO.

@pytest.mark.parametrize(("a", "b", "quotient", "remainder"), [
    (100, 7, 14, 2), (0xFFFFFFFF, 10, 429496729, 5), (5, 0, 0xFFFFFFFF, 5),
])
def test_rp2040_unsigned_divider(pico: Machine, a: int, b: int, quotient: int,
                                 remainder: int) -> None:
    bus = pico.bus
    bus.write(SIO + 0x60, 4, a)
    bus.write(SIO + 0x64, 4, b)
    assert bus.read(SIO + 0x78, 4) == 3
    assert (bus.read(SIO + 0x74, 4), bus.read(SIO + 0x70, 4)) == (remainder, quotient)
    assert bus.read(SIO + 0x78, 4) == 1


@pytest.mark.parametrize(("a", "b", "quotient", "remainder"), [
    (-100, 7, -14, -2), (100, -7, -14, 2), (-1, 0, 1, -1), (3, 0, -1, 3),
    (-0x80000000, -1, -0x80000000, 0),
])
def test_rp2040_signed_divider(pico: Machine, a: int, b: int, quotient: int,
                               remainder: int) -> None:
    bus, mask = pico.bus, 0xFFFFFFFF
    bus.write(SIO + 0x68, 4, a & mask)
    bus.write(SIO + 0x6C, 4, b & mask)
    assert bus.read(SIO + 0x70, 4) == quotient & mask
    assert bus.read(SIO + 0x74, 4) == remainder & mask


def test_rp2040_spinlocks_and_mailbox(pico: Machine) -> None:
    bus = pico.bus
    assert bus.read(SIO + 0x100 + 4 * 9, 4) == 1 << 9
    assert bus.read(SIO + 0x100 + 4 * 9, 4) == 0
    assert bus.read(SIO + 0x5C, 4) == 1 << 9
    bus.write(SIO + 0x100 + 4 * 9, 4, 1)
    assert bus.read(SIO + 0x100 + 4 * 9, 4) == 1 << 9
    for n in range(9):
        assert bus.read(SIO + 0x50, 4) & 2 == (2 if n < 8 else 0)
        bus.write(SIO + 0x54, 4, n + 40)
    assert bus.read(SIO + 0x50, 4) == 4  # the ninth was lost
    assert pico.chip.interrupts[1][16].level
    pico.chip.blocks["SIO"].core = 1  # type: ignore[attr-defined]
    assert bus.read(SIO, 4) == 1
    assert [bus.read(SIO + 0x58, 4) for _ in range(8)] == list(range(40, 48))
    assert bus.read(SIO + 0x50, 4) == 2
    bus.read(SIO + 0x58, 4)
    assert bus.read(SIO + 0x50, 4) == 10
