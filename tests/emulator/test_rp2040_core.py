"""RP2040 from its boot ROM on: programs that set blocks up, take interrupts, write flash and start
the second core."""

from __future__ import annotations

import platform
import random
import struct
from importlib import import_module
from itertools import pairwise
from typing import Any, Final

import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra emulator")

from mpy_cross.emulator.blocks.rp2040 import divider
from mpy_cross.emulator.blocks.rp2040.flash import ERASE_SECTOR, PROGRAM_PAGE
from mpy_cross.emulator.clock import SECOND
from mpy_cross.emulator.soc.rp2040_rom import NoProgramError
from tests.emulator.core_programs import NE, Program
from tests.emulator.rp2040_programs import (
    CODE,
    FLASH,
    ISER,
    MS,
    RAM,
    RESULT,
    SIO,
    Bare,
    launch,
    receive,
    rom_function,
)

TIMER, UART0, DMA, PIO0, IO_BANK0 = 0x40054000, 0x40034000, 0x50000000, 0x50200000, 0x40014000
ALL: Final = 0xFFFFFFFF


def test_boot_goes_through_the_second_stage() -> None:
    def write(p: Program) -> None:
        p.const(0, 0xE000ED08)
        p("ldr_imm5", 0, 0, 0)
        p.const(1, RESULT)
        p("str_imm5", 0, 1, 0)

    bare = Bare(write)
    bare.run(1 * MS)
    assert bare.word() == FLASH + 0x100  # VTOR, which the second stage has set
    bus = bare.machine.bus
    assert bytes(bus.view(0x20041F00, 256)) == bytes(bus.view(FLASH, 256))


def test_no_program_is_an_error() -> None:
    bare = Bare(lambda p: None)
    bare.machine.bus.load(FLASH, b"\xff")  # the checksum is wrong now
    with pytest.raises(NoProgramError, match="checksum"):
        bare.run()


def test_timer_interrupt_wakes_a_sleeping_core() -> None:
    def write(p: Program) -> None:
        p.store(ISER, 1)
        p.store(TIMER + 0x38, 1)  # INTE
        p.const(1, TIMER)
        p("ldr_imm5", 0, 1, 0x28)
        p.const(2, 1000)
        p("adds_reg", 0, 0, 2)
        p("str_imm5", 0, 1, 0x10)  # ALARM0
        p.to("b", "stop")
        p.pool()
        p.here("alarm")
        p.const(1, TIMER)
        p("ldr_imm5", 0, 1, 0x28)
        p("movs_imm8", 2, 1)
        p("str_imm5", 2, 1, 0x34)  # INTR
        p.const(1, RESULT)
        p("str_imm5", 0, 1, 0)
        p("ldr_imm5", 0, 1, 4)
        p("adds_imm8", 0, 1)
        p("str_imm5", 0, 1, 4)
        p("bx", 14)
        p.pool()

    bare = Bare(write, {0: "alarm"})
    began = bare.machine.clock.now
    bare.run(5 * MS)
    assert bare.word(1) == 1
    assert 1000 <= bare.word(0) - began // 1000 < 1010
    assert bare.crew.core.instructions < 200  # it slept


def test_uart_sends_and_echoes_by_interrupt() -> None:
    def write(p: Program) -> None:
        for offset, value in ((0x24, 67), (0x28, 52), (0x2C, 0x70), (0x30, 0x301), (0x34, 0),
                              (0x38, 0x50)):
            p.store(UART0 + offset, value)
        p.store(ISER, 1 << 20)
        for letter in b"Hi":
            p.store(UART0, letter)
        p.to("b", "stop")
        p.pool()
        p.here("received")
        p.const(1, UART0)
        p.here("more")
        p("ldr_imm5", 0, 1, 0x18)  # FR
        p("movs_imm8", 2, 0x10)
        p("tst_reg2", 0, 2)
        p.if_(NE, "empty")
        p("ldr_imm5", 0, 1, 0)
        p("adds_imm8", 0, 1)
        p("str_imm5", 0, 1, 0)
        p.to("b", "more")
        p.here("empty")
        p("bx", 14)
        p.pool()

    bare = Bare(write, {20: "received"})
    port = bare.machine.uart(0)
    bare.run(5 * MS)
    assert port.sent == b"Hi"
    port.feed(b"HAL!")
    bare.run(5 * MS)
    assert port.sent == b"HiIBM\""


def test_dma_copies_and_interrupts() -> None:
    def write(p: Program) -> None:
        p.store(ISER, 1 << 11)
        p.store(DMA + 0x404, 1 << 2)  # INTE0
        for offset, value in ((0x80, FLASH), (0x84, RAM + 0x2000), (0x88, 64),
                              (0x8C, 0x3F << 15 | 2 << 11 | 0x30 | 2 << 2 | 1)):
            p.store(DMA + offset, value)
        p.to("b", "stop")
        p.pool()
        p.here("done")
        p.store(DMA + 0x40C, 1 << 2)
        p.const(1, DMA)
        p("ldr_imm5", 0, 1, 0)
        p.store(RESULT, 1)
        p("bx", 14)
        p.pool()

    bare = Bare(write, {11: "done"})
    bare.run(1 * MS)
    bus = bare.machine.bus
    assert bare.word() == 1
    assert bytes(bus.view(RAM + 0x2000, 256)) == bytes(bus.view(FLASH, 256))
    assert bus.read(DMA + 0x80, 4) == FLASH + 256 and bus.read(DMA + 0x88, 4) == 0


def test_pio_blinks() -> None:
    """set pins, 1 [3]; set pins, 0 [1] at 125 MHz / 125 = 1 MHz."""
    def write(p: Program) -> None:
        p.store(IO_BANK0 + 8 * 15 + 4, 6)
        for at, word in enumerate((0xE081, 0xE301, 0xE100)):  # set pindirs, 1 comes first
            p.store(PIO0 + 0x48 + 4 * at, word)
        p.store(PIO0 + 0xC8, 125 << 16)
        p.store(PIO0 + 0xCC, 2 << 12 | 1 << 7)
        p.store(PIO0 + 0xDC, 1 << 26 | 15 << 5)
        p.store(PIO0, 1)

    bare = Bare(write, record=True)
    bare.run(1 * MS)
    edges = bare.machine.trace.edges("GP15")
    assert len(edges) > 300
    times = [after[0] - before[0] for before, after in pairwise(edges)]
    assert set(times[0::2]) == {4000} and set(times[1::2]) == {2000}
    assert edges[0][1] == 1


def test_flash_is_erased_and_programmed_through_the_rom() -> None:
    def write(p: Program) -> None:
        for name in ("IF", "EX"):
            rom_function(p, name)
            p("blx", 0)
        rom_function(p, "RE")
        p("mov_any", 4, 0)
        p.const(0, 0x100000)
        p.const(1, 0x2000)
        p.const(2, 1 << 16)
        p("movs_imm8", 3, 0xD8)
        p("blx", 4)
        rom_function(p, "RP")
        p("mov_any", 4, 0)
        p.const(0, 0x100100)
        p.const(1, RAM + 0x2000)
        p.const(2, 512)
        p("blx", 4)
        rom_function(p, "FC")
        p("blx", 0)
        p.const(0, FLASH + 0x100100)
        p("ldr_imm5", 0, 0, 0)
        p.const(1, RESULT)
        p("str_imm5", 0, 1, 0)

    bare = Bare(write)
    bus, clock = bare.machine.bus, bare.machine.clock
    data = random.Random(1).randbytes(512)
    bus.load(RAM + 0x2000, data)
    bus.load(FLASH + 0x100000, bytes(0x2000))
    began = clock.now
    bare.run(200 * MS)
    assert bare.word() == int.from_bytes(data[:4], "little")
    assert bytes(bus.view(FLASH + 0x100000, 0x2000)) == (b"\xff" * 256 + data).ljust(
        0x2000, b"\xff")
    assert bytes(bus.view(0x13100100, 512)) == data
    chip = bare.machine.chip
    assert chip.flash_chip.writes == 4  # type: ignore[attr-defined]
    assert 2 * ERASE_SECTOR + 2 * PROGRAM_PAGE < 200 * MS and clock.now - began == 200 * MS
    # It survives a reset, and bits only go from 1 to 0 without an erase.
    bare.machine.reset("pin")
    assert bytes(bus.view(FLASH + 0x100100, 512)) == data
    bare.run(200 * MS)
    assert bytes(bus.view(FLASH + 0x100100, 512)) == data


def test_second_core_starts_and_answers() -> None:
    """Core 1 gets words and sends them back doubled, each core sleeping until the other sends."""
    def write(p: Program) -> None:
        p.to("b", "main")
        p("nop")
        p.const(7, SIO)  # at CODE + 4: core 1
        p.here("core 1")
        receive(p, "job")
        p("adds_reg", 1, 1, 1)
        p("str_imm5", 1, 7, 0x54)
        p("sev")
        p.to("b", "core 1")
        p.pool()
        p.here("main")
        launch(p, CODE + 4)
        p.pool_over()
        for n, word in enumerate((5, 1000, 0x40000000)):
            p.const(0, word)
            p("str_imm5", 0, 7, 0x54)
            p("sev")
            receive(p, f"result {n}")
            p.const(0, RESULT + 4 * n)
            p("str_imm5", 1, 0, 0)

    bare = Bare(write)
    bare.run(2 * MS)
    assert bare.words(3) == [10, 2000, 0x80000000]
    assert [member.on for member in bare.crew.members] == [True, True]
    done = [member.core.instructions for member in bare.crew.members]
    bare.run(20 * MS)
    more = [member.core.instructions for member in bare.crew.members]
    assert all(after - before < 2000 for before, after in zip(done, more, strict=True))

    # The power-on state machine takes core 1 away, and it waits in its ROM again.
    bus = bare.machine.bus
    bus.write(0x40010000 + 4, 4, 1 << 16)
    assert not bare.crew.members[1].on
    bus.write(0x40010000 + 4, 4, 0)
    assert not bare.crew.members[1].on
    assert bus.read(SIO + 0x58, 4) == 0 and bus.read(SIO + 0x50, 4) & 1 == 0


def counting(p: Program) -> None:
    """Adds 1 to RESULT a thousand times, each time holding spinlock 3; r5 counts."""
    p.const(6, SIO + 0x100 + 4 * 3)
    p.const(4, RESULT)
    p.const(5, 1000)


def counting_loop(p: Program, name: str) -> None:
    p.here(f"{name} claim")
    p("ldr_imm5", 0, 6, 0)
    p("cmp_imm8", 0, 0)
    p.if_(NE, f"{name} has it")
    p.to("b", f"{name} claim")
    p.here(f"{name} has it")
    p("ldr_imm5", 1, 4, 0)
    for _ in range(7):  # time enough to lose an addition without the lock
        p("nop")
    p("adds_imm8", 1, 1)
    p("str_imm5", 1, 4, 0)
    p("str_imm5", 0, 6, 0)
    p("subs_imm8", 5, 1)
    p.if_(NE, f"{name} claim")


def both_count(p: Program, locked: bool = True) -> None:
    p.to("b", "main")
    p("nop")
    counting(p)  # at CODE + 4: core 1
    if not locked:
        p.const(6, RESULT + 0x40)  # a word that is never 0 instead of the lock
    counting_loop(p, "first")
    p.here("end of 1")
    p("wfi")
    p.to("b", "end of 1")
    p.pool()
    p.here("main")
    launch(p, CODE + 4)
    p.pool_over()
    counting(p)
    if not locked:
        p.const(6, RESULT + 0x40)
    counting_loop(p, "second")


@pytest.mark.parametrize("native", [True, False], ids=["machine code", "Python"])
def test_spinlock_keeps_two_cores_apart(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not native:
        monkeypatch.setattr(divider, "machine_code", lambda: None)
    bare = Bare(both_count)
    bare.run(10 * MS)
    assert bare.word() == 2000
    assert bare.machine.bus.read(SIO + 0x5C, 4) == 0
    again = Bare(both_count)
    again.run(10 * MS)
    assert [member.core.instructions for member in again.crew.members] == [
        member.core.instructions for member in bare.crew.members]


def test_without_the_lock_additions_are_lost() -> None:
    """Else the test before would show nothing."""
    bare = Bare(lambda p: both_count(p, locked=False))
    bare.machine.bus.write(RESULT + 0x40, 4, 1)
    bare.run(10 * MS)
    assert 1000 <= bare.word() < 2000


DIVISIONS: Final = (
    *((a, b) for a in (0, 1, 7, 0x7FFFFFFF, 0x80000000, ALL, 100) for b in (0, 1, 3, 0x80000000,
                                                                            ALL, 0xFFFFFFF9)),)


@pytest.mark.parametrize("native", [True, False], ids=["machine code", "Python"])
@pytest.mark.parametrize("with_sign", [False, True], ids=["unsigned", "signed"])
def test_divider(native: bool, with_sign: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quotients go to zero, remainders have the sign of the dividend (datasheet, 2.3.1.5)."""
    if not native:
        monkeypatch.setattr(divider, "machine_code", lambda: None)
    table = RAM + 0x2000
    count = len(DIVISIONS)

    def write(p: Program) -> None:
        p.const(7, SIO)
        p.const(4, table)
        p.const(5, RESULT)
        p.const(6, count)
        p.here("next")
        p("ldmia_wb", 4, 0b11)
        p("str_imm5", 0, 7, 0x68 if with_sign else 0x60)
        p("str_imm5", 1, 7, 0x6C if with_sign else 0x64)
        p("ldr_imm5", 1, 7, 0x74)
        p("ldr_imm5", 2, 7, 0x78)
        p("ldr_imm5", 0, 7, 0x70)
        p("ldr_imm5", 3, 7, 0x78)
        p("stmia", 5, 0b1111)
        p("subs_imm8", 6, 1)
        p.if_(NE, "next")

    bare = Bare(write)
    flat = [word for pair in DIVISIONS for word in pair]
    bare.machine.bus.load(table, struct.pack(f"<{len(flat)}I", *flat))
    bare.run(1 * MS)
    for n, (a, b) in enumerate(DIVISIONS):
        x, y = (a, b) if not with_sign else (divider.signed(a), divider.signed(b))
        if y:
            quotient = abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)
            remainder = x - quotient * y
        else:
            quotient, remainder = (1 if x < 0 else -1), x
        expected = [quotient & ALL, remainder & ALL, 3, 1]  # dirty until the quotient is read
        assert bare.words(4, RESULT + 16 * n) == expected, (a, b)


def test_there_is_machine_code_here() -> None:
    if platform.machine() not in divider.CODE:
        pytest.skip(f"there is none for {platform.machine()}")
    assert divider.machine_code() is not None


def test_aarch64_code_does_the_same() -> None:
    """The machine code for AArch64, run by an engine: random accesses against the model."""
    unicorn: Any = import_module("unicorn")
    arm: Any = import_module("unicorn.arm64_const")
    uc = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
    uc.mem_map(0x10000, 0x4000)
    uc.mem_write(0x10000, divider.AARCH64)
    uc.mem_write(0x12000, struct.pack("<6IQQQ", 0, 0, 0, 0, 0, 1, 0x12100, 0x13000, 0x13004))
    uc.mem_write(0x13000, bytes.fromhex("c0035fd6c0035fd6"))
    model, locks = divider.Divider(), 0
    rng = random.Random(2)
    for _ in range(2000):
        at = rng.choice([0x60, 0x64, 0x68, 0x6C, 0x70, 0x74, 0x78, 0, *range(0x100, 0x180, 4)])
        value = rng.choice([rng.getrandbits(32), rng.getrandbits(4), ALL, 1 << 31])
        writes = rng.random() < 0.5 and at not in (0, 0x78)
        uc.reg_write(arm.UC_ARM64_REG_X1, at)
        uc.reg_write(arm.UC_ARM64_REG_X2, 4)
        uc.reg_write(arm.UC_ARM64_REG_X3, value if writes else 0x12000)
        uc.reg_write(arm.UC_ARM64_REG_X4, 0x12000)
        uc.reg_write(arm.UC_ARM64_REG_LR, 0x13800)
        uc.emu_start(0x10000 + (164 if writes else 0), 0x13800)
        if writes:
            if at >= 0x100:
                locks &= ~(1 << (at >> 2 & 31))
            elif at < 0x70:
                setattr(model, "divisor" if at & 4 else "dividend", value)
                model.divide(bool(at & 8))
            else:
                setattr(model, "remainder" if at & 4 else "quotient", value)
                model.dirty = 1
            continue
        if at >= 0x100:
            expected = ~locks & 1 << (at >> 2 & 31)
            locks |= expected
        elif at >= 0x70:
            expected = {0x70: model.quotient, 0x74: model.remainder,
                        0x78: 1 | model.dirty << 1}[at]
            if at == 0x70:
                model.dirty = 0
        else:
            expected = 1 if at == 0 else model.divisor if at & 4 else model.dividend
        assert uc.reg_read(arm.UC_ARM64_REG_X0) & ALL == expected, hex(at)


def test_rom_functions() -> None:
    def call(p: Program, name: str, n: int, *arguments: int) -> None:
        rom_function(p, name)
        p("mov_any", 4, 0)
        for register, value in enumerate(arguments):
            p.const(register, value)
        p("blx", 4)
        p.const(1, RESULT + 4 * n)
        p("str_imm5", 0, 1, 0)
        p.pool_over()

    def write(p: Program) -> None:
        for n, (name, value) in enumerate((("P3", 0xF0F0), ("R3", 0x12345678), ("L3", 0x1234),
                                           ("L3", 0), ("T3", 0x5000), ("T3", 0))):
            call(p, name, n, value)
        for n in range(4):  # all alignments, and a size that is no multiple of 4
            call(p, "MS", 6, RAM + 0x2001 + 64 * n + n, 0xA0 + n, 21)
            call(p, "MC", 7, RAM + 0x3001 + 64 * n, RAM + 0x2001 + 64 * n + n, 21)
        call(p, "MC", 8, RAM + 0x4000, FLASH, 131)
        call(p, "MS", 9, RAM + 0x5000, 0, 0)
        rom_function(p, "XX")  # none of that name
        p.const(1, RESULT + 40)
        p("str_imm5", 0, 1, 0)

    bare = Bare(write)
    bare.run(1 * MS)
    assert bare.words(6) == [8, 0x1E6A2C48, 19, 32, 12, 32]
    assert bare.word(8) == RAM + 0x4000 and bare.word(10) == 0
    bus = bare.machine.bus
    for n in range(4):
        for place in (RAM + 0x2001 + 64 * n + n, RAM + 0x3001 + 64 * n):
            assert bytes(bus.view(place - 1, 23)) == b"\0" + bytes([0xA0 + n]) * 21 + b"\0"
    assert bytes(bus.view(RAM + 0x4000, 132)) == bytes(bus.view(FLASH, 131)) + b"\0"


def bits(value: float) -> int:
    return int.from_bytes(struct.pack("<f", value), "little")


def test_float_tables_of_the_rom() -> None:
    cases = [(0x00, 1.5, 2.25, bits(3.75)), (0x04, 1.0, 3.0, bits(-2.0)),
             (0x08, 3.0, -0.5, bits(-1.5)), (0x0C, 1.0, 3.0, bits(1 / 3)),
             (0x0C, 1.0, 0.0, bits(float("inf"))), (0x18, 2.0, 0.0, bits(2 ** 0.5)),
             (0x1C, -2.5, 0.0, -3 & ALL), (0x24, 3e9, 0.0, 3_000_000_000),
             (0x1C, 1e20, 0.0, 0x7FFFFFFF), (0x54, 1.0, 2.0, ALL), (0x54, 2.0, 2.0, 0)]

    def write(p: Program) -> None:
        p("movs_imm8", 3, 0x14)
        p("ldrh_imm5", 0, 3, 2)  # the data table
        p("ldrh_imm5", 2, 3, 4)
        p.const(1, ord("S") | ord("F") << 8)
        p("blx", 2)
        p("mov_any", 4, 0)
        for n, (offset, a, b, _) in enumerate(cases):
            p.const(0, bits(a))
            p.const(1, bits(b))
            p("ldr_imm5", 3, 4, offset)
            p("blx", 3)
            p.const(1, RESULT + 4 * n)
            p("str_imm5", 0, 1, 0)
            p.pool_over()

    bare = Bare(write)
    bare.run(1 * MS)
    assert bare.words(len(cases)) == [case[3] for case in cases]


def test_watchdog_starts_the_chip_again() -> None:
    """The program counts its starts in a scratch register, and lets the watchdog bite each time."""
    def write(p: Program) -> None:
        p.const(1, 0x40058000)
        p("ldr_imm5", 0, 1, 0x0C)
        p("adds_imm8", 0, 1)
        p("str_imm5", 0, 1, 0x0C)
        p.store(0x40058000 + 0x2C, 0x200 | 12)  # the microsecond tick
        p.store(0x40058000 + 4, 2 * 3000)
        p.store(0x40058000, 1 << 30)

    bare = Bare(write)
    bare.run(10 * MS)
    # From the second start on the reference clock is the ring oscillator: 6.5 MHz / 12.
    assert bare.machine.bus.read(0x40058000 + 0x0C, 4) == 3
    assert bare.machine.bus.read(0x40058000 + 0x08, 4) == 1


def test_long_sleep_costs_nothing() -> None:
    bare = Bare(lambda p: None)
    bare.run(3600 * SECOND)
    assert bare.crew.core.instructions < 100


def test_stores_to_the_rom_are_ignored() -> None:
    def write(p: Program) -> None:
        p("movs_imm8", 1, 0)
        p("str_imm5", 1, 1, 0)
        for _ in range(4):
            p("nop")
        p("ldr_imm5", 0, 1, 0)
        p.const(1, RESULT)
        p("str_imm5", 0, 1, 0)

    bare = Bare(write)
    bare.run(1 * MS)
    assert bare.word() == 0x20041F00


def test_events_from_outside_between_runs() -> None:
    """A pad changes while nothing runs: what it sets off is due at once."""
    def write(p: Program) -> None:
        p.store(PIO0 + 0x48, 0x2085)  # wait 1 gpio 5
        p.store(PIO0 + 0x4C, 0xC000)  # irq 0
        p.store(PIO0 + 0xCC, 1 << 12)
        p.store(PIO0, 1)

    bare = Bare(write)
    bare.run(1 * MS)
    bare.machine.pin("GP5").force(1)
    bare.run(1 * MS)
    assert bare.machine.bus.read(PIO0 + 0x30, 4) == 1
