"""Declaration of registers: access rules, narrow accesses, hooks, names of what is missing."""

from __future__ import annotations

import io
import json

import pytest

from mpy_cross.emulator.block import (
    Block,
    Context,
    Unmodelled,
    UnmodelledError,
    place,
    place_atomic,
)
from mpy_cross.emulator.bus import Bus, BusFault, Window, bitband
from mpy_cross.emulator.clock import Clock
from mpy_cross.emulator.register import Bank, Register, RegisterError, Todo
from mpy_cross.emulator.trace import Trace, write_json


def context(strict: bool = False) -> Context:
    clock = Clock()
    return Context(clock, Trace(clock), strict)


class Sample(Block):
    PLAIN = Register(0x00, reset=0x12345678)
    MIXED = Register(0x04, "RW[31:28] RO[27:24]=ro W1C[23:20]=w1c W0C[19:16]=w0c W1S[15:12]=w1s "
                           "RC[11:8]=rc SC[7:4]=sc WO[3:0]=wo", reset=0xFFFFFFFF)
    HALF = Register(0x08, width=16, reset=0xABCD)
    HOLES = Register(0x0C, "A[31] B[3:2]", reset=0x5)
    SEEN = Register(0x10)
    COUNT = Register(0x14, access="ro")
    ONCE = Register(0x18, access="rw1o")
    LATER = Todo(0x1C, reset=7)
    MANY = Bank(0x40, "MANY{}", 4, stride=8, first=1)

    def __init__(self, name: str, context: Context) -> None:
        super().__init__(name, context)
        self.calls: list[tuple[object, ...]] = []

    def write_SEEN(self, written: int, before: int) -> None:
        self.calls.append(("SEEN", written, before, self.SEEN))

    def write_MIXED(self, written: int, before: int) -> None:
        self.calls.append(("MIXED", written, before))

    def read_COUNT(self) -> int:
        return len(self.calls)

    def write_MANY(self, n: int, written: int, before: int) -> None:
        self.calls.append(("MANY", n, written))


@pytest.fixture
def block() -> Sample:
    return Sample("SAMPLE", context())


def test_reset_values_and_plain_writes(block: Sample) -> None:
    assert block.read(0x00) == 0x12345678
    block.write(0x00, 4, 0xCAFEBABE)
    assert block.read(0x00) == block.PLAIN == 0xCAFEBABE
    block.reset()
    assert block.read(0x00) == 0x12345678


@pytest.mark.parametrize(("value", "expected"), [
    # Nibbles from the top: rw, ro, w1c, w0c, w1s, rc, sc, wo; all were 1 before.
    (0x00000000, 0x0FF0FFFF), (0xFFFFFFFF, 0xFF0FFFFF), (0xA5A5A5A5, 0xAF55FFFF),
])
def test_access_rules(block: Sample, value: int, expected: int) -> None:
    block.write(0x04, 4, value)
    assert expected == block.MIXED
    assert block.calls == [("MIXED", value, 0xFFFFFFFF)]


def test_reading_clears_and_write_only_reads_zero(block: Sample) -> None:
    assert block.read(0x04) == 0xFFFFFFF0
    assert block.read(0x04) == 0xFFFFF0F0


def test_set_fields_start_from_zero(block: Sample) -> None:
    block.MIXED = 0
    block.write(0x04, 4, 0xFFFFFFFF)
    assert block.MIXED == 0xF000F000
    block.write(0x18, 4, 0x5)
    block.write(0x18, 4, 0x2)
    assert block.read(0x18) == 7


def test_widths_and_holes(block: Sample) -> None:
    block.write(0x08, 4, 0xFFFFFFFF)
    assert block.read(0x08) == 0xFFFF
    block.write(0x0C, 4, 0xFFFFFFFF)
    assert block.read(0x0C) == 0x8000000D  # bits of no field keep their reset value


def test_narrow_writes_change_their_bytes_only(block: Sample) -> None:
    block.write(0x01, 1, 0xAA)
    assert block.read(0x00) == 0x1234AA78
    block.write(0x02, 2, 0xBEEF)
    assert block.read(0x00) == 0xBEEFAA78
    assert block.read(0x03, 1) == 0xBE
    assert block.read(0x02, 2) == 0xBEEF
    # Flags in the other bytes are not written: neither cleared by 1 nor by 0.
    block.write(0x07, 1, 0x00)
    assert block.MIXED == 0x0FFFFFFF


def test_a_bus_that_replicates_narrow_writes(block: Sample) -> None:
    block.replicate = True
    block.write(0x01, 1, 0xAA)
    assert block.read(0x00) == 0xAAAAAAAA
    block.write(0x02, 2, 0x1234)
    assert block.read(0x00) == 0x12341234


def test_hooks_get_value_and_old_value(block: Sample) -> None:
    block.write(0x10, 4, 5)
    block.write(0x10, 4, 6)
    assert block.calls == [("SEEN", 5, 0, 5), ("SEEN", 6, 5, 6)]
    assert block.read(0x14) == 2
    block.write(0x14, 4, 99)
    assert block.read(0x14) == 2


def test_banks(block: Sample) -> None:
    block.write(0x50, 4, 9)
    assert block.MANY[2] == 9 and block.read(0x50) == 9
    assert block.calls == [("MANY", 2, 9)]
    assert block.names()["MANY3"] == 0x50


def test_a_block_without_clock_is_dead(block: Sample) -> None:
    block.enable(False)
    block.write(0x00, 4, 1)
    assert block.read(0x00) == 0
    block.enable(True)
    assert block.read(0x00) == 0x12345678


def test_masks_of_fields() -> None:
    assert Sample.MIXED["RW"] == 0xF0000000
    assert Sample.HOLES["B"] == 0xC
    with pytest.raises(KeyError, match="HOLES has no field Z"):
        Sample.HOLES["Z"]


def test_unmodelled_registers_store_and_are_reported_once(block: Sample) -> None:
    assert block.read(0x1C) == 7
    block.write(0x1C, 4, 8)
    assert block.read(0x1C) == 8
    block.read(0x3C)
    assert block.context.touched == {"SAMPLE.LATER": 3, "SAMPLE+0x3C": 1}
    assert block.trace.notes("unmodelled") == [
        "read of SAMPLE.LATER, which is not modelled",
        "read of SAMPLE+0x3C, which is not modelled"]
    file = io.StringIO()
    write_json(block.trace.events, file)
    assert [json.loads(line)["name"] for line in file.getvalue().splitlines()] == ["unmodelled"] * 2


def test_strict_mode_makes_it_an_error() -> None:
    strict = Unmodelled("DAC", context(strict=True), 0x400, "CR:00 SWTRIGR:04=FF")
    with pytest.raises(UnmodelledError, match=r"write of DAC\.SWTRIGR, which is not modelled"):
        strict.write(4, 4, 1)


@pytest.mark.parametrize(("row", "message"), [
    (lambda: Register(0, "A[3:0] B[3]"), "B: its bits belong to another field too"),
    (lambda: Register(0, "A[16]", width=16), "A: bits 16"),
    (lambda: Register(0, "A[1:2]"), "A: bits 1..2"),
    (lambda: Register(0, "A[1]=rx"), "no access 'rx'"),
    (lambda: Register(0, "A"), "not a field: 'A'"),
    (lambda: Register(2), "not that of a word"),
    (lambda: Register(0, reset=256, width=8), "more than 8 bits"),
])
def test_a_wrong_row_is_refused(row: object, message: str) -> None:
    assert callable(row)
    with pytest.raises(RegisterError, match=message):
        row()


def test_a_wrong_block_is_refused() -> None:
    class Twice(Block):
        A = Register(0)
        B = Register(0)

    class Lost(Block):
        A = Register(0)

        def write_B(self, written: int, before: int) -> None: ...

    class Outside(Block):
        A = Register(0x400)

    for kind, message in ((Twice, "B and A are both at 0x0"), (Lost, "no register for write_B"),
                          (Outside, "A at 0x400 is outside")):
        with pytest.raises(RegisterError, match=message):
            kind("X", context())


# The bus.

def test_memories_share_their_bytes() -> None:
    bus = Bus()
    ram = bus.memory("ram", 0x20000000, 3000)
    again = bus.alias(ram, 0x30000000)
    bus.write(0x20000004, 4, 0x11223344)
    assert bus.read(0x30000005, 2) == 0x2233
    again.buffer[4] = 0xFF
    assert bus.read(0x20000004, 1) == 0xFF
    assert bytes(bus.view(0x20000004, 4)) == b"\xff\x33\x22\x11"
    assert [memory.alias for memory in bus.memories] == [False, True]
    with pytest.raises(BusFault):
        bus.read(0x20000000 + 2998, 4)


def test_faults_tell_where_and_what() -> None:
    bus = Bus()
    rom = bus.memory("rom", 0, 64, "rx", fill=0xFF)
    with pytest.raises(BusFault) as caught:
        bus.read(0x40000000, 4)
    assert (caught.value.address, caught.value.size, caught.value.kind) == (0x40000000, 4, "read")
    with pytest.raises(BusFault, match="write of 1 bytes at 0x00000003: rom is not writable"):
        bus.write(3, 1, 0)
    bus.load(3, b"ok")
    assert bytes(rom.buffer[2:6]) == b"\xffok\xff"
    place(bus, 0x1000, Sample("S", context()))
    with pytest.raises(BusFault, match="unaligned in device registers"):
        bus.read(0x1002, 4)
    with pytest.raises(ValueError, match="overlaps rom"):
        bus.memory("other", 63, 2)
    with pytest.raises(ValueError, match="overlaps S"):
        bus.window(Window("w", 0xFFC, 8, lambda at, size: 0, lambda at, size, value: None))


def test_windows_are_reached_with_offset_and_size() -> None:
    bus, seen = Bus(), []

    def read(offset: int, size: int) -> int:
        seen.append(("r", offset, size))
        return 0x77

    bus.window(Window("w", 0x1000, 0x100, read, lambda *a: seen.append(("w", *a))))
    assert bus.read(0x1004, 2) == 0x77
    bus.write(0x10FF, 1, 0x1FF)
    assert seen == [("r", 4, 2), ("w", 0xFF, 1, 0xFF)]


def test_atomic_views() -> None:
    bus, block = Bus(), Sample("S", context())
    place_atomic(bus, 0x40000000, block)
    bus.write(0x40001000, 4, 0xFF)
    assert block.PLAIN == 0x12345687
    bus.write(0x40002000, 4, 0x70)
    assert block.PLAIN == 0x123456F7
    bus.write(0x40003000, 4, 0x12000007)
    assert block.PLAIN == 0x003456F0
    assert bus.read(0x40003000, 4) == 0x003456F0
    # Flags cleared by 1: setting a bit clears that flag, and no other.
    block.MIXED = 0x00F00000
    bus.write(0x40002004, 4, 0x00100000)
    assert block.MIXED == 0x00E00000
    assert [window.alias for window in bus.windows] == [False, True, True, True]


def test_bit_band() -> None:
    bus = Bus()
    bus.memory("ram", 0x20000000, 1024)
    bitband("bits", 0x22000000, bus, 0x20000000, 1024)
    bus.write(0x22000000 + 5 * 32 + 3 * 4, 4, 0xFFFFFFFF)
    assert bus.read(0x20000005, 1) == 8
    assert bus.read(0x22000000 + 5 * 32 + 3 * 4, 4) == 1
    assert bus.read(0x22000000 + 5 * 32 + 2 * 4, 4) == 0
    bus.write(0x22000000 + 5 * 32 + 3 * 4, 4, 0xFFFFFFFE)
    assert bus.read(0x20000004, 4) == 0
