"""Whole machines: memory maps, resets, names, trace files, the same run twice."""

from __future__ import annotations

import doctest
import io
import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from mpy_cross.emulator.block import UnmodelledError
from mpy_cross.emulator.boards import BOARDS, UnknownBoardError, board
from mpy_cross.emulator.bus import BusFault
from mpy_cross.emulator.clock import SECOND
from mpy_cross.emulator.machine import Machine, boards, machine
from mpy_cross.emulator.soc.rp2040 import functions
from mpy_cross.emulator.trace import Event, identifier, write_json, write_vcd

NAMES = tuple(BOARDS)


def started(name: str, strict: bool = False) -> Machine:
    made = machine(name, strict=strict, record=True)
    made.start()
    return made


def test_the_boards() -> None:
    assert boards() == ("pico", "pyboard", "nucleo_f411re", "esp32", "esp8266")
    assert board("PYBV11").name == "pyboard"
    assert board("rpi_pico").name == "pico"
    with pytest.raises(UnknownBoardError,
                       match="no board 'teensy'; there are pico, pyboard, nucleo_f411re"):
        machine("teensy")


@pytest.mark.parametrize("name", NAMES)
def test_a_started_board_runs_at_its_frequency(name: str) -> None:
    made = started(name, strict=True)  # and touches nothing unmodelled
    assert made.frequency == made.board.frequency
    assert made.ns(made.frequency) == SECOND
    assert made.cycles(SECOND) == made.frequency
    assert made.cycles(made.ns(12345)) == 12345
    assert made.clock.next_alarm() is None
    assert made.context.touched == {}


@pytest.mark.parametrize("name", NAMES)
def test_the_names_of_a_board_exist(name: str) -> None:
    made = started(name)
    for pin in made.board.pins:
        assert made.pin(pin).level in (0, 1)
    for number in range(1, len(made.board.leds) + 1):
        assert not made.led(number)
    for uart in made.board.uarts:
        assert made.uart(uart).sent == b""
    for serial in made.board.uarts.values():
        for pad in (serial.tx, serial.rx, serial.cts, serial.rts):
            assert not pad or made.pin(pad)
    for two in made.board.i2cs.values():
        assert two.block in made.chip.blocks
    for four in made.board.spis.values():
        assert four.block in made.chip.blocks
    assert len(made.unique_id) in (4, 6, 8, 12)
    with pytest.raises(KeyError, match=f"{name} has no pin 'Q1'"):
        made.pin("Q1")


def test_other_names_of_pins() -> None:
    pyb, pico = started("pyboard"), started("pico")
    assert pyb.pin("X1") is pyb.pin("PA0") is pyb.pin("A0")
    assert pico.pin("GP25") is pico.pin("LED") is pico.pin(25) is pico.pin("GPIO25")
    assert pyb.pin("SW").label == "X17"


def test_serial_pads_of_the_boards_carry_their_uarts() -> None:
    """Every TX pad that a board names can be switched to that UART."""
    pico = started("pico")
    for serial in pico.board.uarts.values():
        assert functions(pico.pin(serial.tx).number)[2] == f"{serial.block}_TX"
        assert functions(pico.pin(serial.rx).number)[2] == f"{serial.block}_RX"
    for spi in pico.board.spis.values():
        assert functions(pico.pin(spi.sck).number)[1] == f"{spi.block}_SCK"
        assert functions(pico.pin(spi.mosi).number)[1] == f"{spi.block}_TX"
    for i2c in pico.board.i2cs.values():
        assert functions(pico.pin(i2c.sda).number)[3] == f"{i2c.block}_SDA"
    pyb = started("pyboard")
    for serial in pyb.board.uarts.values():
        pad = pyb.pin(serial.tx)
        choices = pyb.chip.blocks[f"GPIO{pad.name[1]}"].alternates  # type: ignore[attr-defined]
        names = [signal.name for signal in choices[pad.number].values()]
        assert f"{serial.block}_TX" in names


@pytest.mark.parametrize("name", NAMES)
def test_memory_map_for_a_core(name: str) -> None:
    made = started(name)
    flash, ram = made.chip.flash, made.chip.ram
    assert flash in made.bus.memories and ram in made.bus.memories
    made.bus.load(flash.base, b"\x01\x02\x03\x04")
    for memory in made.bus.memories:
        assert len(memory.buffer) == memory.size and memory.base % 1024 == memory.size % 1024 == 0
        if memory.alias and memory.name.startswith(flash.name):
            assert made.bus.read(memory.base, 4) == 0x04030201
    made.bus.write(ram.base + 8, 4, 0xDEADBEEF)
    assert bytes(ram.buffer[8:12]) == b"\xef\xbe\xad\xde"
    with pytest.raises(BusFault, match="is not writable"):
        made.bus.write(flash.base, 4, 0)
    with pytest.raises(BusFault, match="is not mapped"):
        made.bus.read(0x90000000, 4)
    spans = made.bus.spans(1024)
    if made.chip.systicks:
        assert any(window.base == 0xE000E010 for window in made.bus.windows)
        assert (0xE000E000, 1024) in spans
    for window in made.bus.windows:
        assert any(base <= window.base and window.base + window.size <= base + size
                   for base, size in spans)
    for base, size in spans:
        assert base % 1024 == size % 1024 == 0
        for memory in made.bus.memories:
            assert base + size <= memory.base or memory.base + memory.size <= base
    assert all(a + size < b for (a, size), (b, _) in pairwise(spans))


@pytest.mark.parametrize("name", NAMES)
def test_every_register_can_be_touched(name: str) -> None:
    """No register of any block raises, whatever is read or written, in any width."""
    made = machine(name)
    for block in made.chip.blocks.values():
        block.enable(True)
    for window in list(made.bus.windows):
        if window.alias:
            continue
        for offset in range(0, min(window.size, 0x1000), 4):
            for value in (0xFFFFFFFF, 0x5A5A5A5A, 0):
                window.write(offset, 4, value)
                assert 0 <= window.read(offset, 4) <= 0xFFFFFFFF
            window.write(offset + 1, 1, 0xFF)
            assert 0 <= window.read(offset + 2, 2) <= 0xFFFF
    assert made.context.touched


@pytest.mark.parametrize(("name", "address", "what"), [
    ("pyboard", 0x50050000, "DCMI.CR"), ("pyboard", 0x40040008, "OTG_HS.GAHBCFG"),
    ("pyboard", 0x40028008, "ETH.MACHTHR"), ("pyboard", 0xA0000004, "FSMC.BTR1"),
    ("pico", 0x40004018, "SYSCFG.MEMPOWERDOWN"), ("pico", 0x40008000, "CLOCKS.CLK_GPOUT0_CTRL"),
    ("pico", 0xD0000030, "SIO.GPIO_HI_OUT"), ("pico", 0x40004008, "SYSCFG.PROC_CONFIG"),
])
def test_what_is_not_modelled_is_named(name: str, address: int, what: str) -> None:
    made = started(name)
    for block in made.chip.blocks.values():
        block.enable(True)
    made.bus.read(address, 4)
    made.bus.write(address, 4, 0)
    assert list(made.context.touched.items()) == [(what, 2)]
    assert made.trace.notes() == [f"read of {what}, which is not modelled"]
    strict = started(name, strict=True)
    for block in strict.chip.blocks.values():
        block.enable(True)
    with pytest.raises(UnmodelledError, match=re.escape(what)):
        strict.bus.write(address, 4, 0)


@pytest.mark.parametrize("cause", ["pin", "software", "watchdog", "power"])
@pytest.mark.parametrize("name", NAMES)
def test_reset(name: str, cause: str) -> None:
    made = started(name)
    ram = made.chip.ram
    made.bus.write(ram.base, 4, 0x12345678)
    made.clock.advance(1000)
    calls: list[str] = []

    class Core:
        def reset(self) -> None:
            calls.append("core")

    made.attach(Core())
    made.reset_watchers.append(calls.append)
    made.reset(cause)
    assert calls == ["core", cause] and made.reset_cause == cause
    assert made.frequency < made.board.frequency
    assert made.clock.now == 1000
    assert made.bus.read(ram.base, 4) == (0 if cause == "power" else 0x12345678)
    made.start()
    assert made.frequency == made.board.frequency


def test_reset_flags_of_the_stm32f405() -> None:
    made = started("pyboard")
    csr = 0x40023874
    assert made.bus.read(csr, 4) >> 24 == 0x0E
    made.bus.write(csr, 4, 1 << 24)
    assert made.bus.read(csr, 4) >> 24 == 0
    made.reset("software")
    assert made.bus.read(csr, 4) >> 24 == 0x14
    made.start()
    made.bus.write(0x40002850, 4, 0x1234)  # a backup register
    made.reset("pin")
    assert made.bus.read(0x40002850, 4) == 0x1234
    made.reset("power")
    assert made.bus.read(0x40002850, 4) == 0


def test_flash_locks_and_sectors() -> None:
    made = started("pyboard")
    bus, flash = made.bus, 0x40023C00
    bus.load(0x08004000, b"data")
    bus.write(flash + 0x10, 4, 1 << 16 | 1 << 3 | 2)
    assert bus.read(0x08004000, 4) == int.from_bytes(b"data", "little")  # locked
    bus.write(flash + 4, 4, 0x45670123)
    bus.write(flash + 4, 4, 0xCDEF89AB)
    assert bus.read(flash + 0x10, 4) >> 31 == 0
    bus.write(flash + 0x10, 4, 1 << 16 | 1 << 3 | 2)
    assert bus.read(0x08004000, 4) == 0xFFFFFFFF
    bus.write(flash + 0x10, 4, 1 << 31)
    bus.write(flash + 4, 4, 1)  # a wrong key locks until reset
    bus.write(flash + 4, 4, 0x45670123)
    bus.write(flash + 4, 4, 0xCDEF89AB)
    assert bus.read(flash + 0x10, 4) >> 31 == 1


def test_clocks_of_the_rp2040() -> None:
    made = started("pico")
    bus, clocks = made.bus, 0x40008000
    assert bus.read(clocks + 0x44, 4) == 2 and bus.read(clocks + 0x38, 4) == 4
    assert bus.read(0x40024004, 4) == 0x80001000
    assert bus.read(0x40028000, 4) >> 31 == 1
    for source, khz in ((5, 12_000), (9, 125_000), (11, 48_000), (13, 46_875 // 1000)):
        bus.write(clocks + 0x94, 4, source)
        assert bus.read(clocks + 0x98, 4) & 0x10
        assert bus.read(clocks + 0x9C, 4) >> 5 == khz
    bus.write(clocks + 0x40, 4, 2 << 8)
    assert made.frequency == 62_500_000
    bus.write(clocks + 0x3000 + 0x3C, 4, 1)  # back to the reference clock
    assert made.frequency == 6_000_000


def test_the_same_run_twice() -> None:
    def run(name: str, work: Callable[[Machine], None]) -> str:
        made = started(name)
        work(made)
        file = io.StringIO()
        write_vcd(made.trace.events, file)
        write_json(made.trace.events, file)
        return f"{made.clock.now}\n{file.getvalue()}"

    def blink(made: Machine) -> None:
        bus = made.bus
        bus.write(0x40014000 + 8 * 25 + 4, 4, 4)
        bus.write(0x40050000 + 20 * 4 + 0xC, 4, 0x4000 << 16)
        bus.write(0x40050000 + 20 * 4, 4, 1)
        bus.write(0x40034024, 4, 67)
        bus.write(0x4003402C, 4, 0x70)
        bus.write(0x40034030, 4, 0x301)
        for _ in range(20):
            bus.write(0x40034000, 4, bus.read(0x4006001C, 4))
            made.clock.advance(100_000)
        bus.read(0x40004018, 4)

    first, second = run("pico", blink), run("pico", blink)
    assert first == second
    assert "UART0.tx" in first and "GP25" in first and "SYSCFG" in first


# Trace files.

def read_vcd(text: str) -> list[tuple[int, str, str]]:
    """(time, name, value) of every change; checks the grammar of what it reads."""
    header, rest = text.split("$enddefinitions $end\n")
    names: dict[str, str] = {}
    for line in header.splitlines():
        match = re.fullmatch(r"\$var (wire|reg|event) (\d+) ([!-~]+) (\S+) \$end", line)
        if match:
            assert match[3] not in names
            names[match[3]] = match[4]
        else:
            assert re.fullmatch(r"\$(timescale|scope|upscope).* ?\$end", line), line
    changes: list[tuple[int, str, str]] = []
    time, defaults = 0, False
    for line in rest.splitlines():
        if line.startswith("#"):
            assert int(line[1:]) > time or not changes
            time = int(line[1:])
        elif line in ("$dumpvars", "$end"):
            defaults = line == "$dumpvars"
        elif line.startswith("$comment"):
            assert line.endswith(" $end") and line.count("$end") == 1
        else:
            match = re.fullmatch(r"([01x])([!-~]+)|b([01x]+) ([!-~]+)", line)
            assert match, line
            if not defaults:
                changes.append((time, names[match[2] or match[4]], match[1] or match[3]))
    return changes


def test_vcd() -> None:
    events = [Event(0, "pin", "LED", 1), Event(5, "uart", "UART0.tx", 0x41),
              Event(5, "pin", "LED", 0), Event(9, "note", "topic", "a $end\nin it"),
              Event(12, "uart", "UART0.tx", 0x41)]
    file = io.StringIO()
    write_vcd(events, file, scope="pico")
    assert "$scope module pico $end" in file.getvalue()
    assert read_vcd(file.getvalue()) == [
        (0, "LED", "1"), (5, "UART0.tx", "1000001"), (5, "UART0.tx.byte", "1"), (5, "LED", "0"),
        (12, "UART0.tx", "1000001"), (12, "UART0.tx.byte", "1")]


def test_vcd_identifiers_are_unique() -> None:
    made = [identifier(n) for n in range(20_000)]
    assert len(set(made)) == len(made)
    assert all("!" <= letter <= "~" for name in made for letter in name)


def test_json_lines() -> None:
    file = io.StringIO()
    write_json([Event(7, "pin", "X1", 1)], file)
    assert json.loads(file.getvalue()) == {"time": 7, "kind": "pin", "name": "X1", "value": 1}


def test_recording_is_a_choice() -> None:
    made = machine("pico")
    made.start()
    seen: list[Event] = []
    made.trace.listeners.append(seen.append)
    made.pin("GP1").force(1)
    assert not made.trace.events and not seen
    made.trace.record = True
    made.pin("GP1").force(0)
    assert made.trace.events == seen == [Event(0, "pin", "GP1", 0)]


def test_the_example_in_the_documentation() -> None:
    path = Path(__file__).resolve().parents[2] / "docs" / "emulator.md"
    failed, tried = doctest.testfile(str(path), module_relative=False)
    assert tried > 10 and not failed
