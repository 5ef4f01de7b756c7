"""Blocks of the STM32F4 parts, by their registers (RM0090)."""

from __future__ import annotations

import binascii
from typing import Final

import pytest

from mpy_cross.emulator.blocks.stm32.can import Can
from mpy_cross.emulator.blocks.stm32.can import Frame as CanFrame
from mpy_cross.emulator.blocks.stm32.flash import Flash
from mpy_cross.emulator.blocks.stm32.otg import OtgFs
from mpy_cross.emulator.blocks.stm32.spi import Spi
from mpy_cross.emulator.bus import BusFault
from mpy_cross.emulator.machine import Machine, machine
from mpy_cross.emulator.usb.cdc import CdcPort
from mpy_cross.emulator.usb.host import Host, parse_interfaces
from mpy_cross.emulator.usb.peripheral import Handshake
from mpy_cross.emulator.wiring import I2CMemory, SPILog

RCC: Final = 0x40023800
FLASH, FLASH_BASE = 0x40023C00, 0x08000000
SPI1, I2C2, ADC1, ADC_COMMON, DAC = 0x40013000, 0x40005800, 0x40012000, 0x40012300, 0x40007400
DMA1, DMA2, CAN1, SDIO, CRC, WWDG = (0x40026000, 0x40026400, 0x40006400, 0x40012C00, 0x40023000,
                                     0x40002C00)
GPIOA, GPIOB, USART1, TIM6, OTG = 0x40020000, 0x40020400, 0x40011000, 0x40001000, 0x50000000


class Bench:
    """A started board with all clocks on."""

    def __init__(self, name: str = "pyboard") -> None:
        self.board: Machine = machine(name)
        self.board.start()
        for at in (0x30, 0x34, 0x40, 0x44):
            self.write(RCC + at, 0xFFFFFFFF)
        self.clock = self.board.clock

    def read(self, address: int) -> int:
        return self.board.bus.read(address, 4)

    def write(self, address: int, value: int) -> None:
        self.board.bus.write(address, 4, value)

    def pass_ns(self, ns: int) -> None:
        self.clock.advance(ns)

    def irq(self, number: int) -> bool:
        return self.board.chip.interrupts[0][number].level

    def alternate(self, port: int, pin: int, function: int) -> None:
        """Switches a pad to an alternate function."""
        self.write(port, self.read(port) & ~(3 << 2 * pin) | 2 << 2 * pin)
        at = port + 0x20 + 4 * (pin >> 3)
        self.write(at, self.read(at) & ~(15 << 4 * (pin & 7)) | function << 4 * (pin & 7))


@pytest.fixture
def bench() -> Bench:
    return Bench()


# Flash.

def unlock(bench: Bench) -> None:
    bench.write(FLASH + 4, 0x45670123)
    bench.write(FLASH + 4, 0xCDEF89AB)


def test_flash_locks(bench: Bench) -> None:
    assert bench.read(FLASH + 0x10) == 1 << 31
    bench.write(FLASH + 4, 0xCDEF89AB)  # the wrong order locks until a reset
    unlock(bench)
    bench.write(FLASH + 0x10, 1)
    assert bench.read(FLASH + 0x10) == 1 << 31
    bench.board.reset()
    unlock(bench)
    assert bench.read(FLASH + 0x10) == 0
    with pytest.raises(BusFault, match="not writable"):
        bench.write(FLASH_BASE, 0)  # PG is not set
    bench.write(FLASH + 0x10, 1 << 31)
    assert bench.read(FLASH + 0x10) == 1 << 31


@pytest.mark.parametrize(("name", "sector", "offset", "size", "ms"), [
    ("pyboard", 0, 0, 16, 250), ("pyboard", 4, 64 << 10, 64, 550),
    ("pyboard", 11, 896 << 10, 128, 1000), ("nucleo_f411re", 7, 384 << 10, 128, 1000)])
def test_flash_erases_one_sector(name: str, sector: int, offset: int, size: int, ms: int) -> None:
    bench = Bench(name)
    flash = bench.board.chip.flash.buffer
    flash[:] = bytes(len(flash))
    unlock(bench)
    before = bench.clock.now
    bench.write(FLASH + 0x10, 1 << 16 | 1 << 24 | 2 << 8 | sector << 3 | 2)
    assert bench.clock.now - before == ms * 1_000_000
    erased = [n for n, byte in enumerate(flash) if byte]
    assert (erased[0], erased[-1] + 1) == (offset, offset + (size << 10))
    assert len(erased) == size << 10
    assert bench.irq(4) and bench.read(FLASH + 0xC) == 1  # EOP
    bench.write(FLASH + 0xC, 1)
    assert not bench.irq(4)
    if name != "pyboard":
        bench.write(FLASH + 0x10, 1 << 16 | 8 << 3 | 2)
        assert bench.read(FLASH + 0xC) & 0x80  # there is no such sector


def test_flash_programs_with_the_right_size_only(bench: Bench) -> None:
    unlock(bench)
    bench.write(FLASH + 0x10, 1 | 1 << 8)  # 16 bits
    bench.board.bus.write(FLASH_BASE + 0x102, 2, 0x1234)
    bench.pass_ns(0)
    assert bench.read(FLASH_BASE + 0x100) == 0x1234FFFF
    bench.board.bus.write(FLASH_BASE + 0x104, 4, 0x1234)
    bench.pass_ns(0)
    assert bench.read(FLASH_BASE + 0x104) == 0xFFFFFFFF
    assert bench.read(FLASH + 0xC) == 1 << 6  # PGPERR


def test_flash_operations_can_be_watched(bench: Bench) -> None:
    flash = bench.board.chip.blocks["FLASH"]
    assert isinstance(flash, Flash)
    seen: list[tuple[str, int, int]] = []
    flash.guard = lambda kind, offset, size: seen.append((kind, offset, size))
    unlock(bench)
    bench.write(FLASH + 0x10, 1 << 16 | 1 << 3 | 2)
    bench.write(FLASH + 0x10, 1 | 2 << 8)
    bench.write(FLASH_BASE + 0x4000, 5)
    assert seen == [("erase", 0x4000, 0x4000), ("program", 0x4000, 4)]
    assert flash.operations == 2


# DMA.

def test_dma_serves_a_uart_both_ways(bench: Bench) -> None:
    ram = 0x20000000
    bench.board.bus.load(ram, b"sent without the core")
    bench.write(USART1 + 8, 84_000_000 // 115200)
    bench.write(USART1 + 0x14, 0xC0)
    bench.write(USART1 + 0xC, 0x200C)
    for stream, source, count in ((7, ram, 21), (2, ram + 0x100, 8)):
        at = DMA2 + 0x10 + 0x18 * stream
        bench.write(at + 8, USART1 + 4)
        bench.write(at + 0xC, source)
        bench.write(at + 4, count)
    bench.write(DMA2 + 0x10 + 0x18 * 7, 4 << 25 | 1 << 10 | 1 << 6 | 1 << 4 | 1)
    bench.write(DMA2 + 0x10 + 0x18 * 2, 4 << 25 | 1 << 10 | 1 << 8 | 1 << 4 | 1 << 3 | 1)
    port = bench.board.uart(1)
    port.feed(b"abcdefghij")
    assert bench.read(DMA2 + 0x10 + 0x18 * 7 + 4) == 19  # two are in the transmitter
    bench.pass_ns(3_000_000)
    assert port.sent == b"sent without the core"
    assert bench.irq(70) and bench.irq(58)
    assert bench.read(DMA2 + 4) >> 22 & 0x3F == 0x30
    # Ten bytes into a ring of eight.
    assert bytes(bench.board.bus.view(ram + 0x100, 8)) == b"ijcdefgh"
    assert bench.read(DMA2 + 0x10 + 0x18 * 2 + 4) == 6
    bench.write(DMA2 + 0xC, 0x3F << 22)
    assert not bench.irq(70)


TIM3: Final = 0x40000400


def timer_table(bench: Bench, stream: int, channel: int, register: int, words: list[int]) -> None:
    """DMA1 takes words of 16 bits from a table to a register of TIM3."""
    for n, word in enumerate(words):
        bench.board.bus.write(0x20001000 + 2 * n, 2, word)
    at = DMA1 + 0x10 + 0x18 * stream
    for offset, value in ((4, len(words)), (8, TIM3 + register), (0xC, 0x20001000),
                          (0, channel << 25 | 1 << 13 | 1 << 11 | 1 << 10 | 1 << 6 | 1)):
        bench.write(at + offset, value)


def test_timer_asks_for_dma_at_each_update(bench: Bench) -> None:
    """A wave of pulses from a table, as for a strip of lights."""
    widths = [30, 70, 10, 0]
    timer_table(bench, 2, 5, 0x34, widths)
    for offset, value in ((0x28, 0), (0x2C, 99), (0x18, 0x68), (0x34, 50), (0x20, 1), (0x14, 1),
                          (0x10, 0), (0x0C, 1 << 8), (0, 0x80 | 1)):
        bench.write(TIM3 + offset, value)
    period = 100 * 1_000_000_000 // 84_000_000
    seen = []
    for n in range(1, 6):
        bench.clock.advance_to(bench.clock.now + period + 2)
        seen.append(bench.read(TIM3 + 0x34))
        assert bench.read(DMA1 + 0x14 + 0x18 * 2) == max(4 - n, 0)
    assert seen == [30, 70, 10, 0, 0]
    assert bench.read(DMA1) & 1 << 21  # the table is over
    assert not bench.board.context.touched


def test_timer_bursts(bench: Bench) -> None:
    """Two registers at each match of channel 1: CCR2 and CCR3."""
    timer_table(bench, 4, 5, 0x4C, [11, 22, 33, 44])
    for offset, value in ((0x28, 0), (0x2C, 99), (0x34, 50), (0x48, 1 << 8 | 0x38 // 4),
                          (0x0C, 1 << 9), (0, 1)):
        bench.write(TIM3 + offset, value)
    bench.pass_ns(500)
    assert (bench.read(TIM3 + 0x38), bench.read(TIM3 + 0x3C)) == (0, 0)
    bench.pass_ns(200)
    assert (bench.read(TIM3 + 0x38), bench.read(TIM3 + 0x3C)) == (11, 22)
    bench.pass_ns(1200)
    assert (bench.read(TIM3 + 0x38), bench.read(TIM3 + 0x3C)) == (33, 44)
    assert bench.read(DMA1 + 4) & 1 << 5 and not bench.board.context.touched


def test_dma_stops_at_a_bad_address(bench: Bench) -> None:
    bench.write(DMA2 + 0x18, 0x20000000)
    bench.write(DMA2 + 0x1C, 0x60000000)
    bench.write(DMA2 + 0x14, 4)
    bench.write(DMA2 + 0x10, 2 << 6 | 1 << 2 | 1)
    assert bench.read(DMA2) & 8 and bench.irq(56)
    assert not bench.read(DMA2 + 0x10) & 1


# SPI.

def spi_pads(bench: Bench) -> None:
    for pin in (5, 6, 7):
        bench.alternate(GPIOA, pin, 5)


def test_spi_exchanges_frames(bench: Bench) -> None:
    log = SPILog(b"\x81\x42", idle=0x99)
    bench.board.wiring.spi(log, "X6", "X8", "X7")
    spi_pads(bench)
    bench.write(SPI1, 1 << 9 | 1 << 8 | 3 << 3 | 1 << 6 | 1 << 2)  # PCLK / 16
    bench.write(SPI1 + 4, 1 << 6)
    bench.write(SPI1 + 0xC, 0xA5)
    assert bench.read(SPI1 + 8) & 0x83 == 0x82  # busy, and room for the next
    bench.write(SPI1 + 0xC, 0x5A)
    assert not bench.read(SPI1 + 8) & 2
    frame = 8 * 16 * 1_000_000_000 // 84_000_000 + 1
    bench.pass_ns(frame - 2)
    assert not bench.irq(35)
    bench.pass_ns(3)
    assert bench.irq(35) and bench.read(SPI1 + 0xC) == 0x81 and not bench.irq(35)
    bench.pass_ns(frame)
    assert bench.read(SPI1 + 0xC) == 0x42 and bench.read(SPI1 + 8) == 2
    assert log.received == b"\xa5\x5a"
    bench.write(SPI1, bench.read(SPI1) | 1 << 7)  # lowest bit first
    bench.write(SPI1 + 0xC, 0x01)
    bench.pass_ns(2 * frame)
    assert log.received[2:] == b"\x80" and bench.read(SPI1 + 0xC) == 0x99


def test_spi_overrun(bench: Bench) -> None:
    spi_pads(bench)
    bench.board.pin("X7").wire(bench.board.pin("X8"))
    bench.write(SPI1, 1 << 9 | 1 << 8 | 1 << 6 | 1 << 2)
    for byte in (1, 2):
        bench.write(SPI1 + 0xC, byte)
        bench.pass_ns(10_000)
    assert bench.read(SPI1 + 8) & 0x41 == 0x41
    assert bench.read(SPI1 + 0xC) == 1  # by the wire; the second is lost
    bench.read(SPI1 + 8)
    assert not bench.read(SPI1 + 8) & 0x40


# I2C.

class TwoWires:
    """Drives I2C2 as a driver does, with a device that has registers."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.memory = I2CMemory(0x42, bytes(range(16)))
        bench.board.wiring.i2c(self.memory, "Y9", "Y10")
        for pin in (10, 11):
            bench.write(GPIOB + 4, bench.read(GPIOB + 4) | 1 << pin)
            bench.alternate(GPIOB, pin, 4)
        bench.write(I2C2 + 4, 42)
        bench.write(I2C2 + 0x1C, 210)  # 100 kHz
        bench.write(I2C2, 1)

    def until(self, flags: int) -> int:
        """Waits for one of these flags of SR1."""
        for _ in range(3000):
            status = self.bench.read(I2C2 + 0x14)
            if status & flags:
                return status
            self.bench.pass_ns(1000)
        raise AssertionError(f"no {flags:#x}: {status:#x}")

    def start(self, address: int) -> int:
        self.bench.write(I2C2, self.bench.read(I2C2) | 1 << 8)
        self.until(1)
        self.bench.write(I2C2 + 0x10, address)
        return self.until(2 | 1 << 10)

    def send(self, *data: int) -> None:
        for byte in data:
            self.until(0x80)
            self.bench.write(I2C2 + 0x10, byte)
        self.until(4)

    def stop(self) -> None:
        self.bench.write(I2C2, self.bench.read(I2C2) | 1 << 9)
        self.bench.pass_ns(20_000)
        assert self.bench.read(I2C2 + 0x18) & 3 == 0  # not master, not busy


def test_i2s_plays_and_hears(bench: Bench) -> None:
    """16-bit samples at 48 MHz * 4 / 2 / 64 / 47 / 2 frames a second, half-word by half-word."""
    spi2 = 0x40003800
    port = bench.board.chip.blocks["SPI2"]
    assert isinstance(port, Spi)
    bench.write(RCC + 4, bench.read(RCC + 4) & ~63 | 12)
    bench.write(RCC + 0x84, 2 << 28 | 192 << 6)
    bench.write(RCC, bench.read(RCC) | 1 << 26)
    bench.write(spi2 + 0x20, 23 | 1 << 8)  # divides by 47
    bench.write(spi2 + 0x1C, 1 << 11 | 2 << 8)
    hz = bench.read(RCC) and 12_000_000 // 12 * 192 // 2
    assert port.i2s.rate == hz / (32 * 47)
    half_word = round(1e9 / port.i2s.rate / 2)
    bench.write(spi2 + 0x1C, 1 << 11 | 1 << 10 | 2 << 8)
    for value in (0xABCD, 0x00FF):
        bench.write(spi2 + 0xC, value)
        assert not bench.read(spi2 + 8) & 2
        bench.pass_ns(half_word + 1)
        assert bench.read(spi2 + 8) & 2
    assert port.i2s.played == b"\xcd\xab\xff\0"
    bench.write(spi2 + 0x1C, 1 << 11 | 3 << 8)
    heard = iter((5, 0x10006))
    port.i2s.source = lambda: next(heard)
    bench.write(spi2 + 0x1C, 1 << 11 | 1 << 10 | 3 << 8 | 1)  # channels of 32 clocks
    assert port.i2s.rate == hz / (64 * 47)
    bench.pass_ns(2 * half_word + 1)
    assert bench.read(spi2 + 8) & 1 and bench.read(spi2 + 0xC) == 5
    bench.pass_ns(2 * half_word + 1)
    assert bench.read(spi2 + 0xC) == 6


def test_i2c_writes_and_reads(bench: Bench) -> None:
    wires = TwoWires(bench)
    begin = bench.clock.now
    assert wires.start(0x84) & 2
    assert bench.read(I2C2 + 0x18) & 7 == 7
    wires.send(3, 0xAA, 0xBB)
    assert 360_000 < bench.clock.now - begin < 420_000  # 4 bytes of 9 bits at 100 kHz
    wires.stop()
    assert wires.memory.data[3:6] == b"\xaa\xbb\x05"
    wires.start(0x84)
    bench.read(I2C2 + 0x18)
    wires.send(3)
    bench.write(I2C2, bench.read(I2C2) | 1 << 10)  # ACK
    assert wires.start(0x85) & 2  # a repeated start
    bench.read(I2C2 + 0x18)
    got = []
    for last in (False, False, True):
        if last:
            bench.write(I2C2, bench.read(I2C2) & ~(1 << 10) | 1 << 9)
        wires.until(0x40)
        got.append(bench.read(I2C2 + 0x10))
    assert got == [0xAA, 0xBB, 5]
    bench.pass_ns(20_000)
    assert bench.read(I2C2 + 0x18) == 0


def test_i2c_without_an_answer(bench: Bench) -> None:
    wires = TwoWires(bench)
    bench.write(I2C2 + 4, 42 | 1 << 8)
    assert wires.start(0x86) & 1 << 10  # AF
    assert bench.irq(34)
    bench.write(I2C2 + 0x14, 0)
    assert not bench.irq(34)
    wires.stop()


def test_i2c_events_and_the_clock_that_is_stretched(bench: Bench) -> None:
    wires = TwoWires(bench)
    bench.write(I2C2 + 4, 42 | 1 << 9 | 1 << 10)
    bench.write(I2C2, 1 | 1 << 8)
    bench.pass_ns(20_000)
    assert bench.irq(33)
    bench.read(I2C2 + 0x14)
    bench.write(I2C2 + 0x10, 0x85)
    assert not bench.irq(33)
    bench.write(I2C2, 1 | 1 << 10)
    bench.pass_ns(100_000)
    assert bench.irq(33)
    bench.read(I2C2 + 0x14)
    bench.read(I2C2 + 0x18)
    bench.pass_ns(1_000_000)  # nobody reads: two bytes are held, and the device waits
    assert bench.read(I2C2 + 0x14) & 0x44 == 0x44
    assert wires.memory.pointer == 2
    assert bench.read(I2C2 + 0x10) == 0 and bench.read(I2C2 + 0x10) == 1


# Converters.

def test_adc_sequence_and_inner_channels(bench: Bench) -> None:
    bench.board.wiring.apply("X19", 1.65)  # PC0: channel 10
    bench.board.wiring.apply("X1", 3.3)  # PA0: channel 0
    bench.write(ADC_COMMON + 4, 1 << 23 | 1 << 22 | 1 << 16)
    bench.write(ADC1 + 4, 1 << 8 | 1 << 5)  # SCAN, EOCIE
    bench.write(ADC1 + 0x2C, 3 << 20)
    bench.write(ADC1 + 0x34, 10 | 0 << 5 | 17 << 10 | 16 << 15)
    bench.write(ADC1 + 8, 1 | 1 << 10)  # ADON, EOCS
    bench.write(ADC1 + 8, 1 | 1 << 10 | 1 << 30)
    values = []
    for _ in range(4):
        assert not bench.irq(18)
        bench.pass_ns(15 * 1_000_000_000 // 21_000_000 + 1)  # 3 + 12 cycles at 21 MHz
        assert bench.irq(18)
        values.append(bench.read(ADC1 + 0x4C))
    assert values == [2048, 4095, round(1.21 / 3.3 * 4095), round(0.765 / 3.3 * 4095)]
    bench.pass_ns(100_000)
    assert not bench.irq(18)
    calibration = bench.board.bus.read(0x1FFF7A2A, 2)
    assert calibration == values[2]


def test_adc_resolution_and_alignment(bench: Bench) -> None:
    bench.board.wiring.apply("X19", 1.65)
    bench.write(ADC1 + 0x34, 10)
    found = []
    for resolution in range(4):
        for left in (0, 1 << 11):
            bench.write(ADC1 + 4, resolution << 24)
            bench.write(ADC1 + 8, 1 | left)
            bench.write(ADC1 + 8, 1 | left | 1 << 30)
            bench.pass_ns(2_000)
            found.append(bench.read(ADC1 + 0x4C))
    assert found == [2048, 2048 << 4, 512, 512 << 4, 128, 128 << 4, 32, 32 << 2]


def test_temperature_channel_of_the_f411() -> None:
    bench = Bench("nucleo_f411re")
    bench.board.wiring.temperature = 110
    bench.write(ADC_COMMON + 4, 1 << 23)
    bench.write(ADC1 + 0x34, 18)
    bench.write(ADC1 + 8, 1)
    bench.write(ADC1 + 8, 1 | 1 << 30)
    bench.pass_ns(10_000)
    assert bench.read(ADC1 + 0x4C) == bench.board.bus.read(0x1FFF7A2E, 2)


def test_dac_holds_and_plays(bench: Bench) -> None:
    outputs = bench.board.wiring.outputs
    bench.write(DAC + 8, 2048)
    bench.write(DAC, 1)
    bench.write(DAC + 8, 4095)
    assert [round(volts, 3) for _, volts in outputs["X5"]] == [1.65, 3.3]
    bench.write(DAC, 0)
    assert "X5" not in outputs
    # A ring of four codes, one at each update of TIM6 (10 us).
    bench.board.bus.load(0x20000000, bytes([0, 64, 128, 255]))
    at = DMA1 + 0x10 + 0x18 * 5
    bench.write(at + 8, DAC + 0x10)
    bench.write(at + 0xC, 0x20000000)
    bench.write(at + 4, 4)
    bench.write(at, 7 << 25 | 1 << 10 | 1 << 8 | 1 << 6 | 1)
    bench.write(TIM6 + 4, 2 << 4)  # update is the trigger
    bench.write(TIM6 + 0x2C, 839)
    bench.write(DAC, 1 << 12 | 1 << 2 | 1)
    begin = bench.clock.now
    bench.write(TIM6, 1)
    bench.pass_ns(75_000)
    steps = [((time - begin) // 10_000, round(volts / 3.3 * 4095 / 16))
             for time, volts in outputs["X5"]][-6:]
    # What DMA brings after one trigger goes out at the next.
    assert steps == [(2, 0), (3, 64), (4, 128), (5, 255), (6, 0), (7, 64)]


# The rest.

def test_crc(bench: Bench) -> None:
    """The CRC of words, which is that of zlib without its reflections."""
    words = [0x12345678, 0xCAFEBABE, 0]
    for word in words:
        bench.write(CRC, word)
    mirrored = b"".join(int(f"{word:032b}"[::-1], 2).to_bytes(4, "little") for word in words)
    expected = binascii.crc32(mirrored) ^ 0xFFFFFFFF
    assert bench.read(CRC) == int(f"{expected:032b}"[::-1], 2)
    bench.write(CRC + 8, 1)
    assert bench.read(CRC) == 0xFFFFFFFF
    bench.write(CRC + 4, 0x1FF)
    assert bench.read(CRC + 4) == 0xFF


def test_sdio_without_a_card(bench: Bench) -> None:
    bench.write(SDIO + 4, 1 << 8 | 118)  # 400 kHz
    bench.write(SDIO + 0x3C, 4)
    bench.write(SDIO + 0xC, 1 << 10)  # CMD0 has no response
    bench.pass_ns(130_000)
    assert bench.read(SDIO + 0x34) == 1 << 7
    bench.write(SDIO + 0x38, 0x5FF)
    bench.write(SDIO + 0xC, 1 << 10 | 1 << 6 | 8)
    assert bench.read(SDIO + 0x34) == 1 << 11
    bench.pass_ns(300_000)
    assert bench.read(SDIO + 0x34) == 4 and bench.irq(49)
    bench.write(SDIO + 0x38, 4)
    assert not bench.irq(49)


def can_start(bench: Bench, mode: int) -> None:
    bench.write(CAN1, 1)
    assert bench.read(CAN1 + 4) & 3 == 1
    bench.write(CAN1 + 0x1C, mode | 7 << 20 | 4 << 16 | 5)  # 42 MHz / 6 / 14: 500 kbit/s
    bench.write(CAN1, 0)
    assert bench.read(CAN1 + 4) & 3 == 0


def can_filter(bench: Bench, bank: int, one: int, two: int, *, wide: bool, listed: bool,
               fifo: int = 0) -> None:
    bench.write(CAN1 + 0x200, 0x2A1C0E01)
    for at, on in ((0x20C, wide), (0x204, listed), (0x214, bool(fifo)), (0x21C, True)):
        old = bench.read(CAN1 + at)
        bench.write(CAN1 + at, old | 1 << bank if on else old & ~(1 << bank))
    bench.write(CAN1 + 0x240 + 8 * bank, one)
    bench.write(CAN1 + 0x244 + 8 * bank, two)
    bench.write(CAN1 + 0x200, 0x2A1C0E00)


def can_send(bench: Bench, identifier: int, data: bytes, box: int = 0) -> None:
    at = CAN1 + 0x180 + 16 * box
    bench.write(at + 4, len(data))
    whole = int.from_bytes(data, "little")
    bench.write(at + 8, whole & 0xFFFFFFFF)
    bench.write(at + 12, whole >> 32)
    bench.write(at, identifier | 1)


def test_can_loopback_and_filters(bench: Bench) -> None:
    can_start(bench, 1 << 30)
    can_filter(bench, 0, 123 << 5 | 124 << 21, 125 << 5 | 126 << 21, wide=False, listed=True)
    can_filter(bench, 1, 0x200 << 21, 0x700 << 21, wide=True, listed=False, fifo=1)
    bench.write(CAN1 + 0x14, 1 << 1 | 1)
    can_send(bench, 125 << 21, b"message!")
    bench.pass_ns(200_000)
    assert not bench.irq(20)
    bench.pass_ns(100_000)  # 111 bits of 2 us
    assert bench.irq(20) and bench.irq(19)
    assert bench.read(CAN1 + 8) & 3 == 3  # RQCP, TXOK
    assert bench.read(CAN1 + 0x1B0) == 125 << 21
    assert bench.read(CAN1 + 0x1B4) == 2 << 8 | 8  # the third filter number
    assert bench.read(CAN1 + 0x1B8).to_bytes(4, "little") == b"mess"
    bench.write(CAN1 + 0xC, 0x20)
    assert not bench.irq(20) and bench.read(CAN1 + 0xC) & 3 == 0
    can_send(bench, 0x2FF << 21, b"")
    can_send(bench, 0x300 << 21, b"", box=1)
    bench.pass_ns(500_000)
    assert bench.read(CAN1 + 0x10) & 3 == 1  # the first only
    can = bench.board.chip.blocks["CAN1"]
    assert isinstance(can, Can)
    assert [frame.identifier >> 21 for frame in can.sent] == [125, 0x2FF, 0x300]


def test_can_lower_identifiers_go_first_and_fifos_overrun(bench: Bench) -> None:
    can_start(bench, 1 << 30)
    can_filter(bench, 0, 0, 0, wide=True, listed=False)
    for box, identifier in enumerate((7, 5, 6)):
        can_send(bench, identifier << 21, b"x", box)
    bench.pass_ns(1_000_000)
    can = bench.board.chip.blocks["CAN1"]
    assert isinstance(can, Can)
    assert [frame.identifier >> 21 for frame in can.sent] == [7, 5, 6]  # 7 was under way
    assert bench.read(CAN1 + 0xC) & 0x1B == 0x0B  # full
    can_send(bench, 8 << 21, b"y")
    bench.pass_ns(300_000)
    assert bench.read(CAN1 + 0xC) & 0x10  # overrun: the last one was replaced
    kept = []
    while bench.read(CAN1 + 0xC) & 3:
        kept.append(bench.read(CAN1 + 0x1B0) >> 21)
        bench.write(CAN1 + 0xC, 0x20)
    assert kept == [7, 5, 8]


def test_can_needs_somebody_who_acknowledges(bench: Bench) -> None:
    can_start(bench, 0)
    can_send(bench, 1 << 21, b"x")
    bench.pass_ns(1_000_000)
    assert not bench.read(CAN1 + 8) & 1
    assert bench.read(CAN1 + 0x18) & 0x73 == 0x33  # no acknowledgement, error-passive
    bench.write(CAN1 + 8, 1 << 7)  # abort
    assert bench.read(CAN1 + 8) & 3 == 1
    can = bench.board.chip.blocks["CAN1"]
    assert isinstance(can, Can)
    heard: list[CanFrame] = []

    def partner(frame: CanFrame) -> bool:
        heard.append(frame)
        return True

    can.partner = partner
    can_send(bench, 1 << 21 | 2, b"")
    bench.pass_ns(1_000_000)
    assert bench.read(CAN1 + 8) & 3 == 3
    assert heard == [CanFrame(1 << 21 | 2, b"")]


def test_window_watchdog(bench: Bench) -> None:
    causes: list[str] = []
    bench.board.reset_watchers.append(causes.append)
    tick = 4096 * 1_000_000_000 // 42_000_000
    bench.write(WWDG + 4, 0x250)  # window 0x50, early wake-up
    bench.write(WWDG, 0xFF)
    bench.pass_ns(0x30 * tick)
    assert bench.read(WWDG) & 0x7F == 0x4F
    bench.write(WWDG, 0xFF)
    bench.pass_ns(0x3F * tick + 10)
    assert bench.irq(0) and not causes
    bench.pass_ns(tick)
    assert causes == ["window"]
    assert bench.read(RCC + 0x74) >> 30 & 1
    bench.write(RCC + 0x40, 1 << 11)
    bench.write(WWDG + 4, 0x50)
    bench.write(WWDG, 0xFF)
    bench.write(WWDG, 0xFF)  # too early
    assert causes == ["window", "window"]


# USB.

def test_usb_answers(bench: Bench) -> None:
    """What a host gets from endpoints that the program has or has not made ready."""
    otg = bench.board.chip.usb
    assert isinstance(otg, OtgFs)
    bench.write(OTG + 0x38, 1 << 16)
    assert not otg.pulled_up
    bench.write(OTG + 0x804, 0)
    assert otg.pulled_up
    bench.write(OTG + 0x18, 1 << 12 | 1 << 13 | 1 << 4 | 3 << 18)
    bench.write(OTG + 8, 1)
    otg.reset(True)
    assert bench.irq(67) and bench.read(OTG + 0x14) & 1 << 12
    otg.reset(False)
    bench.write(OTG + 0x14, 3 << 12)
    assert not bench.irq(67)
    assert otg.give(0) is Handshake.NAK and otg.take(1, b"x") is Handshake.NAK
    assert otg.setup(0, bytes(range(8))) is Handshake.ACK
    assert bench.irq(67)
    assert bench.read(OTG + 0x20) == 6 << 17 | 8 << 4
    assert [bench.read(OTG + 0x1000), bench.read(OTG + 0x1000)] == [0x03020100, 0x07060504]
    assert bench.read(OTG + 0x20) == 4 << 17 and bench.read(OTG + 0xB08) & 8
    # 70 bytes to the host: a full packet and a short one.
    bench.write(OTG + 0x900 + 0x20, 1 << 15 | 64)
    bench.write(OTG + 0x910 + 0x20, 2 << 19 | 70)
    bench.write(OTG + 0x900 + 0x20, 1 << 31 | 1 << 26 | 1 << 15 | 64)
    assert otg.give(1) is Handshake.NAK
    for n in range(18):
        bench.write(OTG + 0x2000, n * 0x01010101)
    assert otg.give(1) == bytes(n // 4 for n in range(64))
    assert otg.give(1) == bytes(n // 4 for n in range(64, 70))
    assert bench.read(OTG + 0x908 + 0x20) & 1
    assert otg.give(1) is Handshake.NAK
    bench.write(OTG + 0x900 + 0x20, 1 << 21 | 1 << 15 | 64)
    assert otg.give(1) is Handshake.STALL
    # From the host.
    bench.write(OTG + 0xB10 + 0x20, 1 << 19 | 64)
    bench.write(OTG + 0xB00 + 0x20, 1 << 31 | 1 << 26 | 1 << 15 | 64)
    assert otg.take(1, b"hello") is Handshake.ACK
    assert otg.take(1, b"more") is Handshake.NAK
    assert bench.read(OTG + 0x20) == 2 << 17 | 5 << 4 | 1
    assert bench.read(OTG + 0x1000).to_bytes(4, "little") == b"hell"
    assert bench.read(OTG + 0x1000) & 0xFF == ord("o")
    assert bench.read(OTG + 0x20) == 3 << 17 | 1
    assert bench.read(OTG + 0xB08 + 0x20) & 1


def test_usb_host_reads_descriptors() -> None:
    found = parse_interfaces(bytes.fromhex(
        "09020000020100c032" "0904000001020201000705820308002" "0"
        "090401000" "20a0000000705030240000007058302400000"))
    assert [(each.kind, each.endpoints) for each in found] == [
        (2, [(0x82, 3, 8)]), (10, [(0x03, 2, 64), (0x83, 2, 64)])]
    assert found[1].endpoint(True) == (3, 64) and found[1].endpoint(True, 3) is None
    assert parse_interfaces(b"\x09\x02") == []


def test_usb_host_waits_for_a_device(bench: Bench) -> None:
    """Nobody switches the pull-up on: nothing happens, and nothing is lost that was typed."""
    port = CdcPort()
    otg = bench.board.chip.usb
    assert otg is not None
    host = Host(bench.clock, bench.board.trace, otg, [port])
    host.plug()
    port.feed(b"typed")
    bench.pass_ns(1_000_000_000)
    assert not host.configured and not port.open and port.pending == 5
    host.unplug()
