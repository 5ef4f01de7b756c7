"""Blocks of RP2040 from the bus side: DMA, PIO, ADC, SPI, I2C, RTC, interpolators, flash."""

from __future__ import annotations

import binascii
from itertools import pairwise

import pytest

from mpy_cross.emulator.blocks.rp2040.flash import FlashChip
from mpy_cross.emulator.machine import Machine, machine
from mpy_cross.emulator.soc.rp2040 import Rp2040
from mpy_cross.emulator.soc.rp2040_wiring import connect
from mpy_cross.emulator.wiring import I2CMemory, SPILog

RAM, DMA, PIO0, ADC, SIO = 0x20000000, 0x50000000, 0x50200000, 0x4004C000, 0xD0000000
SPI0, I2C0, RTC, PWM, UART0 = 0x4003C000, 0x40044000, 0x4005C000, 0x40050000, 0x40034000
IO_BANK0, SSI, IO_QSPI = 0x40014000, 0x18000000, 0x40018000
SET, CLR = 0x2000, 0x3000
UNPACED = 0x3F << 15
BYTE, HALF, WORD = 0, 1 << 2, 2 << 2
READ_ON, WRITE_ON, EN = 1 << 4, 1 << 5, 1


@pytest.fixture
def pico() -> Machine:
    made = machine("pico", record=True)
    made.start()
    chip = made.chip
    assert isinstance(chip, Rp2040)
    connect(chip, made.wiring)
    return made


def setup_channel(board: Machine, number: int, read: int, write: int, count: int, control: int,
                  chain: int | None = None) -> None:
    base = DMA + 0x40 * number
    board.bus.write(base, 4, read)
    board.bus.write(base + 4, 4, write)
    board.bus.write(base + 8, 4, count)
    board.bus.write(base + 0xC, 4, control | (number if chain is None else chain) << 11)


# DMA.

@pytest.mark.parametrize(("size", "code"), [(1, BYTE), (2, HALF), (4, WORD)])
def test_dma_copies_at_a_transfer_a_cycle(pico: Machine, size: int, code: int) -> None:
    bus = pico.bus
    data = bytes(range(240))
    bus.load(RAM, data)
    count = len(data) // size
    setup_channel(pico, 0, RAM, RAM + 0x1000, count, UNPACED | code | READ_ON | WRITE_ON | EN)
    assert bus.read(DMA + 0xC, 4) >> 24 & 1  # busy
    pico.clock.advance(8 * count - 1)
    assert bus.read(DMA + 0xC, 4) >> 24 & 1 and bus.read(DMA + 0x400, 4) == 0
    pico.clock.advance(1)
    assert bus.read(DMA + 0xC, 4) >> 24 & 1 == 0 and bus.read(DMA + 0x400, 4) == 1
    assert bytes(bus.view(RAM + 0x1000, len(data))) == data
    assert bus.read(DMA, 4) == RAM + len(data) and bus.read(DMA + 4, 4) == RAM + 0x1000 + len(data)


def test_dma_of_many_pieces(pico: Machine) -> None:
    count = 20_000
    setup_channel(pico, 3, RAM, RAM + 0x20000, count, UNPACED | WORD | WRITE_ON | EN)
    pico.bus.write(RAM, 4, 0xA5A5A5A5)
    pico.clock.advance(8 * count)
    assert pico.bus.read(DMA + 0x400, 4) == 8
    assert bytes(pico.bus.view(RAM + 0x20000 + 4 * count - 8, 12)) == b"\xa5" * 8 + bytes(4)


def test_dma_ring_swap_and_fixed_address(pico: Machine) -> None:
    bus = pico.bus
    bus.load(RAM, bytes(range(16)))
    # A ring of 8 bytes on the reading side.
    setup_channel(pico, 0, RAM, RAM + 0x100, 4, UNPACED | WORD | READ_ON | WRITE_ON | 3 << 6 | EN)
    pico.clock.advance(1000)
    assert bytes(bus.view(RAM + 0x100, 16)) == bytes(range(8)) * 2
    setup_channel(pico, 0, RAM, RAM + 0x200, 2, UNPACED | WORD | READ_ON | WRITE_ON | 1 << 22 | EN)
    pico.clock.advance(1000)
    assert bytes(bus.view(RAM + 0x200, 8)) == bytes([3, 2, 1, 0, 7, 6, 5, 4])


def test_dma_chain_null_trigger_and_quiet(pico: Machine) -> None:
    """Channel 1 feeds channel 0 with control blocks until a null one."""
    bus = pico.bus
    bus.load(RAM, b"abcdefgh")
    blocks = [(4, RAM), (3, RAM + 4), (0, 0)]
    for n, (count, address) in enumerate(blocks):
        bus.write(RAM + 0x100 + 8 * n, 4, count)
        bus.write(RAM + 0x104 + 8 * n, 4, address)
    quiet = 1 << 21
    # Channel 0 copies bytes to one after the other, and starts channel 1 when it is done.
    bus.write(DMA + 4, 4, RAM + 0x200)
    bus.write(DMA + 0x10, 4, UNPACED | BYTE | READ_ON | WRITE_ON | quiet | 1 << 11 | EN)
    # Channel 1 writes count and read address of channel 0 (alias 3), which starts it.
    setup_channel(pico, 1, RAM + 0x100, DMA + 0x38, 2,
                  UNPACED | WORD | READ_ON | WRITE_ON | 1 << 10 | 3 << 6 | quiet | EN)
    pico.clock.advance(10_000)
    assert bytes(bus.view(RAM + 0x200, 8)) == b"abcdefg\0"
    assert bus.read(DMA + 0x400, 4) == 1  # the null trigger raises the quiet channel's interrupt


def test_dma_atomic_views_and_abort(pico: Machine) -> None:
    bus = pico.bus
    # Paced by timer 0: one transfer in 125 cycles.
    bus.write(DMA + 0x420, 4, 1 << 16 | 125)
    setup_channel(pico, 2, RAM, RAM + 0x100, 100, 0x3B << 15 | WORD | WRITE_ON | EN)
    pico.clock.advance(10_500)
    assert bus.read(DMA + 0x88, 4) == 90
    bus.write(DMA + CLR + 0x90, 4, EN)  # AL1_CTRL: paused
    pico.clock.advance(10_000)
    assert bus.read(DMA + 0x88, 4) == 90 and bus.read(DMA + 0x8C, 4) >> 24 & 1
    bus.write(DMA + SET + 0x90, 4, EN)
    pico.clock.advance(10_500)
    assert bus.read(DMA + 0x88, 4) == 80
    bus.write(DMA + 0x444, 4, 1 << 2)
    pico.clock.advance(10_000)
    assert bus.read(DMA + 0x88, 4) == 80 and bus.read(DMA + 0x8C, 4) >> 24 & 1 == 0


def test_dma_bus_error_stops_the_channel(pico: Machine) -> None:
    setup_channel(pico, 0, 0x30000000, RAM, 4, UNPACED | WORD | EN)
    pico.clock.advance(1000)
    control = pico.bus.read(DMA + 0xC, 4)
    assert control >> 30 == 3 and control >> 24 & 1 == 0  # AHB_ERROR, READ_ERROR
    assert pico.bus.read(DMA + 0x400, 4) == 0


DATA = b"123456789"


@pytest.mark.parametrize(("kind", "seed", "out", "expected"), [
    (1, 0xFFFFFFFF, 3 << 10, binascii.crc32(DATA)),  # reversed, output reversed and inverted
    (0, 0xFFFFFFFF, 0, 0x0376E6E7),  # CRC-32/MPEG-2
    (2, 0xFFFF, 0, binascii.crc_hqx(DATA, 0xFFFF)),  # CRC-16 of CCITT
    (15, 0, 0, sum(DATA)), (14, 0, 0, sum(bin(byte).count("1") for byte in DATA) & 1),
])
def test_dma_checksum(pico: Machine, kind: int, seed: int, out: int, expected: int) -> None:
    bus = pico.bus
    bus.load(RAM, DATA)
    bus.write(DMA + 0x438, 4, seed)
    bus.write(DMA + 0x434, 4, out | kind << 5 | 4 << 1 | 1)
    setup_channel(pico, 4, RAM, RAM + 0x100, len(DATA),
                  UNPACED | BYTE | READ_ON | WRITE_ON | 1 << 23 | EN)
    pico.clock.advance(1000)
    assert bus.read(DMA + 0x438, 4) == expected
    assert bytes(bus.view(RAM + 0x100, 9)) == DATA


def test_dma_feeds_a_uart_at_its_speed(pico: Machine) -> None:
    bus = pico.bus
    for offset, value in ((0x24, 67), (0x28, 52), (0x2C, 0x70), (0x30, 0x301), (0x48, 2)):
        bus.write(UART0 + offset, 4, value)
    text = bytes(range(65, 65 + 26)) * 4
    bus.load(RAM, text)
    setup_channel(pico, 0, RAM, UART0, len(text), 20 << 15 | BYTE | READ_ON | EN)
    assert bus.read(DMA + 8, 4) == len(text) - 33  # one is going out, 32 wait
    pico.clock.advance(87_000 * 50)
    assert 0 < bus.read(DMA + 8, 4) < len(text) - 33
    pico.clock.advance(87_000 * 70)
    assert pico.uart(0).sent == text and bus.read(DMA + 0x400, 4) == 1


def test_dma_follows_the_wraps_of_a_pwm_slice(pico: Machine) -> None:
    bus = pico.bus
    bus.load(RAM, b"".join(n.to_bytes(4, "little") for n in range(10, 20)))
    bus.write(PWM + 0x10, 4, 124)  # a wrap each microsecond
    setup_channel(pico, 0, RAM, PWM + 0xC, 10, 24 << 15 | WORD | READ_ON | EN)
    bus.write(PWM, 4, 1)
    pico.clock.advance(5_500)
    assert bus.read(PWM + 0xC, 4) == 14
    pico.clock.advance(10_000)
    assert bus.read(PWM + 0xC, 4) == 19 and bus.read(DMA + 0x400, 4) == 1


# PIO.

def assemble(board: Machine, *words: int, execctrl: int = 0, shift: int = 0xC0000, pins: int = 0,
             divider: int = 125 << 16, sm: int = 0) -> None:
    """Puts a program into PIO0 and starts a machine, by default at 1 MHz."""
    bus = board.bus
    for at, word in enumerate(words):
        bus.write(PIO0 + 0x48 + 4 * at, 4, word)
    base = PIO0 + 0x18 * sm
    for offset, value in ((0xC8, divider), (0xCC, execctrl | (len(words) - 1) << 12),
                          (0xD0, shift), (0xDC, pins)):
        bus.write(base + offset, 4, value)
    bus.write(PIO0 + SET, 4, 1 << sm)


def pad_to_pio(board: Machine, number: int) -> None:
    board.bus.write(IO_BANK0 + 8 * number + 4, 4, 6)


def test_pio_fifo_shift_and_arithmetic(pico: Machine) -> None:
    bus = pico.bus
    # pull; out x, 8; mov y, ~x; mov isr, y; in osr, 24; push
    assemble(pico, 0x80A0, 0x6028, 0xA049, 0xA0C2, 0x40F8, 0x8020,
             shift=1 << 19)  # out to the right, in to the left
    bus.write(PIO0 + 0x10, 4, 0x12345678)
    pico.clock.advance(20_000)
    assert bus.read(PIO0 + 0x20, 4) == (~0x78 << 24 & 0xFFFFFFFF) | 0x123456
    assert bus.read(PIO0 + 4, 4) >> 8 & 1  # and the FIFO is empty again
    assert bus.read(PIO0 + 0xD4, 4) == 0  # it waits in PULL


def test_pio_autopull_and_side_set(pico: Machine) -> None:
    """A clocked shift register: data on GPIO2, clock on GPIO3, most significant bit first."""
    bus = pico.bus
    pad_to_pio(pico, 2)
    pad_to_pio(pico, 3)
    # out pins, 1 side 0; nop side 1
    program = 0x6001, 0xB042
    bus.write(PIO0 + 0xDC, 4, 1 << 29 | 2 << 26 | 1 << 20 | 3 << 10 | 2 << 5 | 2)
    bus.write(PIO0 + 0xD8, 4, 0xE083)  # set pindirs, 3
    bits: list[int] = []
    pico.pin("GP3").watch(lambda level: bits.append(pico.pin("GP2").level) if level else None)
    assemble(pico, *program, shift=1 << 17 | 8 << 25,
             pins=1 << 29 | 1 << 20 | 3 << 10 | 2)
    for byte in (0xA5, 0x0F):
        bus.write(PIO0 + 0x10, 4, byte << 24)
    pico.clock.advance(100_000)
    assert bits == [1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1]
    rises = [time for time, level in pico.trace.edges("GP3") if level]
    times = {after - before for before, after in pairwise(rises)}
    assert times <= {2000, 3000}  # 2 cycles a bit, and one more where OUT waits for data


def test_pio_waits_for_a_pad_and_counts(pico: Machine) -> None:
    """wait 1 gpio 4; wait 0 gpio 4; jmp x--: counts pulses down from 0."""
    bus = pico.bus
    assemble(pico, 0x2084, 0x2004, 0x0043, 0xA0C1, 0x8000)  # ...; mov isr, x; push noblock
    pin = pico.pin("GP4")
    for n in range(3):
        pin.force(1)
        pico.clock.advance(50_000)
        pin.force(0)
        pico.clock.advance(50_000)
        assert bus.read(PIO0 + 0x20, 4) == 0xFFFFFFFF - n
    assert bus.read(PIO0 + 4, 4) >> 8 & 1


def test_pio_interrupt_flags_hold_machines_together(pico: Machine) -> None:
    """Machine 0 raises flag 4 every 10 us and waits until machine 1 has cleared it."""
    bus = pico.bus
    bus.write(PIO0 + 0x12C, 4, 1 << 8)  # IRQ0: flag 0
    # 0: irq wait 4 [9]; 1: irq 0; 2: wait 1 irq 4; 3: jmp 2
    assemble(pico, 0xC924, 0xC000, 0x20C4, 0x0002)
    bus.write(PIO0 + 0xCC, 4, 1 << 12)
    bus.write(PIO0 + 0xE0, 4, 125 << 16)
    bus.write(PIO0 + 0xF0, 4, 0x0002)  # machine 1 begins at 2
    pico.clock.advance(1_000)
    assert bus.read(PIO0 + 0x30, 4) == 0x10
    line = pico.chip.interrupts[0][7]
    pico.clock.advance(50_000)
    assert not line.level  # nobody has cleared it
    bus.write(PIO0 + SET, 4, 2)
    pico.clock.advance(12_000)
    assert line.level and bus.read(PIO0 + 0x134, 4) == 1 << 8
    bus.write(PIO0 + 0x30, 4, 1)
    assert not line.level
    pico.clock.advance(12_000)
    assert line.level


def test_pio_joined_fifo_and_dma(pico: Machine) -> None:
    bus = pico.bus
    # out x, 32 never happens, as the machine is off: the FIFO takes eight words.
    bus.write(PIO0 + 0xD0, 4, 1 << 30 | 0xC0000)
    bus.load(RAM, bytes(range(64)))
    setup_channel(pico, 0, RAM, PIO0 + 0x10, 16, 0 << 15 | WORD | READ_ON | EN)
    assert bus.read(DMA + 8, 4) == 8 and bus.read(PIO0 + 0xC, 4) & 15 == 8
    assert bus.read(PIO0 + 4, 4) >> 16 & 1
    # pull; mov x, osr; jmp 0: now it runs and takes the rest.
    assemble(pico, 0x80A0, 0xA027, shift=1 << 30 | 0xC0000)
    pico.clock.advance(100_000)
    assert bus.read(DMA + 8, 4) == 0 and bus.read(DMA + 0x400, 4) == 1


def test_pio_that_goes_in_circles_costs_nothing(pico: Machine) -> None:
    # jmp 0, at 125 MHz for an hour; then the pad decides: jmp pin
    assemble(pico, 0x0000, divider=1 << 16)
    pico.clock.advance(3600 * 10**9)
    bus = pico.bus
    bus.write(PIO0, 4, 0)
    # 0: jmp pin 2; 1: jmp 0; 2: irq 1
    assemble(pico, 0x00C2, 0x0000, 0xC001, execctrl=9 << 24, divider=1 << 16)
    bus.write(PIO0 + 0xD8, 4, 0)
    pico.clock.advance(3600 * 10**9)
    assert bus.read(PIO0 + 0x30, 4) == 0
    pico.pin("GP9").force(1)
    pico.clock.advance(100)
    assert bus.read(PIO0 + 0x30, 4) == 2


# Converters, buses, clock.

def test_adc_reads_pads_and_its_sensor(pico: Machine) -> None:
    bus = pico.bus
    pico.wiring.apply("GP27", 1.1)
    bus.write(ADC, 4, 1 << 12 | 4 | 1)
    assert bus.read(ADC, 4) >> 8 & 1
    assert bus.read(ADC + 4, 4) == round(1.1 / 3.3 * 4095)
    pico.wiring.temperature = 27.0
    bus.write(ADC, 4, 4 << 12 | 4 | 3)
    bus.read(ADC, 4)
    assert bus.read(ADC + 4, 4) == int(0.706 / 3.3 * 4095 + 0.5)


def test_adc_goes_round_into_its_fifo(pico: Machine) -> None:
    bus = pico.bus
    pico.wiring.apply("GP26", 0.0)
    pico.wiring.apply("GP28", 3.3)
    bus.write(ADC + 8, 4, 4 << 24 | 1)
    bus.write(ADC + 0x18, 4, 1)
    bus.write(ADC, 4, 0b101 << 16 | 8 | 1)
    line = pico.chip.interrupts[0][22]
    pico.clock.advance(4 * 2000 - 100)
    assert not line.level
    pico.clock.advance(200)  # four conversions of 96 cycles at 48 MHz
    assert line.level and bus.read(ADC + 8, 4) >> 16 & 15 == 4
    bus.write(ADC + CLR, 4, 8)
    assert [bus.read(ADC + 0xC, 4) for _ in range(4)] == [0, 4095, 0, 4095]
    assert not line.level


def test_spi_exchanges_with_a_device(pico: Machine) -> None:
    bus = pico.bus
    device = SPILog(b"\x11\x22\x33")
    pico.wiring.spi(device, "GP18", "GP19", "GP16", cs="GP17")
    for number in (16, 18, 19):
        bus.write(IO_BANK0 + 8 * number + 4, 4, 1)
    bus.write(IO_BANK0 + 8 * 17 + 4, 4, 5)
    bus.write(SIO + 0x24, 4, 1 << 17)  # chip select is an output, and low
    for offset, value in ((0, 7), (0x10, 125), (4, 2)):  # 8 bits, 1 MHz
        bus.write(SPI0 + offset, 4, value)
    began = pico.clock.now
    for byte in b"xyz":
        bus.write(SPI0 + 8, 4, byte)
    assert bus.read(SPI0 + 0xC, 4) & 0x10  # busy
    while bus.read(SPI0 + 0xC, 4) & 0x10:
        pass
    assert pico.clock.now - began == 3 * 8 * 124 * 8  # the divider is even
    assert [bus.read(SPI0 + 8, 4) for _ in range(3)] == [0x11, 0x22, 0x33]
    assert device.received == b"xyz"


def test_spi_loops_back(pico: Machine) -> None:
    bus = pico.bus
    for offset, value in ((0, 15), (0x10, 2), (4, 3)):
        bus.write(SPI0 + offset, 4, value)
    bus.write(SPI0 + 8, 4, 0xBEEF)
    pico.clock.advance(1000)
    assert bus.read(SPI0 + 8, 4) == 0xBEEF


def i2c_setup(board: Machine, address: int) -> None:
    bus = board.bus
    for number in (8, 9):
        bus.write(IO_BANK0 + 8 * number + 4, 4, 3)
    for offset, value in ((0x6C, 0), (0, 0x165), (4, address), (0x1C, 125), (0x20, 188), (0x6C, 1)):
        bus.write(I2C0 + offset, 4, value)


def test_i2c_writes_and_reads_a_device(pico: Machine) -> None:
    bus = pico.bus
    device = I2CMemory(0x50, bytes(range(100, 200)))
    pico.wiring.i2c(device, "GP9", "GP8")
    i2c_setup(pico, 0x50)
    for command in (3, 0x77, 0x400 | 4, 0x500, 0x100, 0x300):  # write 3: 77h; restart at 4; read 3
        bus.write(I2C0 + 0x10, 4, command)
    pico.clock.advance(1_000_000)
    assert bus.read(I2C0 + 0x78, 4) == 3
    assert [bus.read(I2C0 + 0x10, 4) for _ in range(3)] == [104, 105, 106]
    assert device.data[3] == 0x77
    assert bus.read(I2C0 + 0x34, 4) & 0x200 and bus.read(I2C0 + 0x70, 4) & 0x21 == 0
    bus.read(I2C0 + 0x60, 4)
    assert bus.read(I2C0 + 0x34, 4) & 0x200 == 0


def test_i2c_tells_when_nobody_answers(pico: Machine) -> None:
    bus = pico.bus
    i2c_setup(pico, 0x21)
    bus.write(I2C0 + 0x10, 4, 0x200 | 5)
    bus.write(I2C0 + 0x30, 4, 1 << 6)
    pico.clock.advance(1_000_000)
    assert bus.read(I2C0 + 0x80, 4) & 1 and bus.read(I2C0 + 0x34, 4) >> 6 & 1
    assert pico.chip.interrupts[0][23].level
    assert bus.read(I2C0 + 0x54, 4) == 1
    assert not pico.chip.interrupts[0][23].level and bus.read(I2C0 + 0x80, 4) == 0


def test_rtc_alarm(pico: Machine) -> None:
    bus = pico.bus
    bus.write(RTC + 4, 4, 2026 << 12 | 2 << 8 | 28)
    bus.write(RTC + 8, 4, 6 << 24 | 23 << 16 | 59 << 8 | 58)
    bus.write(RTC + 0xC, 4, 0x11)
    bus.write(RTC + 0x24, 4, 1)
    # On the first of any month, at second 1.
    bus.write(RTC + 0x10, 4, 1 << 24 | 1)
    bus.write(RTC + 0x14, 4, 1 << 28 | 1)
    bus.write(RTC + SET + 0x10, 4, 1 << 28)
    line = pico.chip.interrupts[0][25]
    pico.clock.advance(2_900_000_000)
    assert not line.level
    pico.clock.advance(200_000_000)
    assert line.level
    assert bus.read(RTC + 0x18, 4) == 2026 << 12 | 3 << 8 | 1
    bus.write(RTC + CLR + 0x10, 4, 1 << 28)
    assert not line.level


def test_interpolator_lanes(pico: Machine) -> None:
    """A table lookup: two fields of one word become addresses, as in the datasheet's example."""
    bus = pico.bus
    base = SIO + 0x80
    bus.write(base + 0x2C, 4, 4 | 4 << 5 | 7 << 10)  # lane 0: bits 8 to 11, times 16
    bus.write(base + 0x30, 4, 8 | 2 << 5 | 5 << 10 | 1 << 16)  # lane 1 looks at lane 0's input
    bus.write(base, 4, 0x0000_AB34)
    bus.write(base + 8, 4, 0x1000)
    bus.write(base + 12, 4, 0x2000)
    bus.write(base + 16, 4, 0x3000)
    lane0, lane1 = 0xAB34 >> 4 & 0xF0, 0xAB34 >> 8 & 0x3C
    assert bus.read(base + 0x20, 4) == 0x1000 + lane0
    assert bus.read(base + 0x24, 4) == 0x2000 + lane1
    assert bus.read(base + 0x1C, 4) == 0x3000 + lane0 + lane1  # POP_FULL writes back
    assert bus.read(base, 4) == 0x1000 + lane0 and bus.read(base + 4, 4) == 0x2000 + lane1


def test_interpolator_blends_and_clamps(pico: Machine) -> None:
    bus = pico.bus
    base = SIO + 0x80
    bus.write(base + 0x2C, 4, 1 << 21)
    bus.write(base + 0x30, 4, 7 << 10 | 1 << 15)
    bus.write(base + 0x3C, 4, 200 << 16 | (-100 & 0xFFFF))  # from -100 to 200
    for alpha, expected in ((0, -100), (128, 50), (255, 198)):
        bus.write(base + 4, 4, alpha)
        assert bus.read(base + 0x24, 4) == expected & 0xFFFFFFFF
    base += 0x40
    bus.write(base + 0x2C, 4, 1 << 22 | 1 << 15 | 31 << 10)
    bus.write(base + 8, 4, -5 & 0xFFFFFFFF)
    bus.write(base + 12, 4, 10)
    for value, expected in ((-20, -5), (3, 3), (11, 10)):
        bus.write(base, 4, value & 0xFFFFFFFF)
        assert bus.read(base + 0x20, 4) == expected & 0xFFFFFFFF


# Flash by commands.

def command(board: Machine, *sent: int) -> list[int]:
    """One transfer with chip select forced low, as the SDK does it."""
    bus = board.bus
    bus.write(IO_QSPI + 0xC, 4, 2 << 8)
    for byte in sent:
        bus.write(SSI + 0x60, 4, byte)
    assert bus.read(SSI + 0x28, 4) & 8
    received = [bus.read(SSI + 0x60, 4) for _ in sent]
    bus.write(IO_QSPI + 0xC, 4, 3 << 8)
    bus.write(IO_QSPI + 0xC, 4, 0)
    return received


@pytest.fixture
def serial(pico: Machine) -> Machine:
    for offset, value in ((8, 0), (0x14, 6), (0, 7 << 16), (0x10, 1), (8, 1)):
        pico.bus.write(SSI + offset, 4, value)
    return pico


def test_flash_identifies_itself(serial: Machine) -> None:
    assert command(serial, 0x9F, 0, 0, 0)[1:] == [0xEF, 0x40, 0x15]
    assert bytes(command(serial, 0x4B, *[0] * 12)[5:]) == serial.unique_id
    assert command(serial, 0x35, 0)[1] == 2  # quad enable


def test_flash_is_written_by_commands(serial: Machine) -> None:
    view = serial.bus.view(0x10000000, 0x4000)
    command(serial, 0x02, 0, 0x10, 0xFE, *b"abcd")  # without write enable nothing happens
    assert bytes(view[0x10FE:0x1102]) == b"\xff" * 4
    command(serial, 0x06)
    assert command(serial, 0x05, 0)[1] == 2
    command(serial, 0x02, 0, 0x10, 0xFE, *b"abcd")  # wraps within its page
    assert bytes(view[0x10FE:0x1100]) == b"ab" and bytes(view[0x1000:0x1003]) == b"cd\xff"
    assert command(serial, 0x05, 0)[1] == 0
    assert bytes(command(serial, 0x03, 0, 0x10, 0xFE, 0, 0)[4:]) == b"ab"
    view[0x2000] = 7
    command(serial, 0x06)
    command(serial, 0x20, 0, 0x10, 0)
    assert bytes(view[0x1000:0x1103]) == b"\xff" * 0x103 and view[0x2000] == 7


def test_flash_guard_can_stop_a_write() -> None:
    """A power cut at the n-th write: what was written before stays."""
    class PowerCut(Exception):
        pass

    data = memoryview(bytearray(b"\xff" * 0x4000))
    chip = FlashChip(data, bytes(8))
    seen: list[tuple[str, int, int]] = []

    def guard(what: str, offset: int, size: int) -> None:
        seen.append((what, offset, size))
        if len(seen) == 3:
            raise PowerCut

    chip.guard = guard
    chip.erase(0x1000, 0x1000)
    with pytest.raises(PowerCut):
        chip.program(0x1000, bytes(512))
    assert seen == [("erase", 0x1000, 0x1000), ("program", 0x1000, 256), ("program", 0x1100, 256)]
    assert bytes(data[0x1000:0x1200]) == bytes(256) + b"\xff" * 256 and chip.writes == 2


def test_clear_view_clears_what_ones_clear(pico: Machine) -> None:
    """The SDK acknowledges flags through the clearing view too."""
    bus = pico.bus
    bus.write(PWM + 0x10, 4, 124)
    bus.write(PWM, 4, 1)
    pico.clock.advance(2_000)
    assert bus.read(PWM + 0xA4, 4) == 1
    bus.write(PWM + CLR + 0xA4, 4, 2)
    assert bus.read(PWM + 0xA4, 4) == 1
    bus.write(PWM + CLR + 0xA4, 4, 1)
    assert bus.read(PWM + 0xA4, 4) == 0
