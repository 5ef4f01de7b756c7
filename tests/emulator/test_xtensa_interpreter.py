"""The plain Xtensa interpreter against QEMU: random sequences recorded once, and live where
qemu-system-xtensa is installed.  What QEMU does not say is reasoned from the ISA manual."""

from __future__ import annotations

import zlib

import pytest

from mpy_cross.emulator.bus import Bus
from mpy_cross.emulator.cores.xtensa.context import Context, Operation
from mpy_cross.emulator.cores.xtensa.decode import Instruction
from mpy_cross.emulator.cores.xtensa.interpreter import OPERATIONS, Interpreter
from mpy_cross.emulator.cores.xtensa.memory import BusMemory
from mpy_cross.emulator.cores.xtensa.models import model
from mpy_cross.emulator.cores.xtensa.numbers import LITBASE
from mpy_cross.emulator.cores.xtensa.state import State
from tests.emulator import xtensa_exceptions, xtensa_kernels
from tests.emulator.core_xtensa import Program
from tests.emulator.xtensa_judge import PLACES, interpreted, live, recorded
from tests.emulator.xtensa_qemu import installed
from tests.emulator.xtensa_random import rows_of


def noted(name: str, operation: Operation, seen: set[str]) -> Operation:
    """The same operation, which says that it was used."""
    def run(context: Context, i: Instruction) -> int | None:
        seen.add(name)
        return operation(context, i)

    return run


@pytest.mark.parametrize("core", list(PLACES))
def test_recorded_sequences(core: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ends as on QEMU; together they execute every row that sequences are made from."""
    seen: set[str] = set()
    for name, operation in list(OPERATIONS.items()):
        monkeypatch.setitem(OPERATIONS, name, noted(name, operation, seen))
    total = 0
    for seed, code, end, judged in recorded(core):
        found = interpreted(model(core), seed, code, end)
        assert found.differences(judged) == [], f"sequence {seed}"
        total += found.instructions
    assert total > 6000
    wanted = {row.name.removesuffix(".n") for row in rows_of(model(core))}
    assert wanted - seen == set()


def test_a_difference_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPERATIONS, "sub", OPERATIONS["add"])
    differing = [seed for seed, code, end, judged in recorded("lx106")[:100]
                 if interpreted(model("lx106"), seed, code, end).differences(judged)]
    assert len(differing) > 3


@pytest.mark.skipif(not installed(), reason="qemu-system-xtensa is not installed")
@pytest.mark.parametrize("core", list(PLACES))
def test_live_sequences(core: str) -> None:
    assert live(core, 8, 900_000) == []


@pytest.mark.parametrize(("kernel", "core", "result", "count"), xtensa_kernels.recorded())
def test_kernels(kernel: str, core: str, result: int, count: int) -> None:
    """Results and instruction counts are QEMU's; those of the core of the ESP32 follow."""
    n = xtensa_kernels.KERNELS[kernel].n
    assert xtensa_kernels.interpreted(kernel, model(core), n) == (result, count)
    if core != "lx106":
        found, counted = xtensa_kernels.interpreted(kernel, model("lx6"), n)
        assert found == result
        if kernel == "fib":  # more registers, fewer of them to save
            assert counted < count
        elif kernel == "spill":
            assert counted == count + 4  # twice as many registers to turn
        else:
            assert counted == count


def test_kernels_compute_what_they_say() -> None:
    """The judge has run the same code; this is what it is to do."""
    found = {kernel: result for kernel, _, result, _ in xtensa_kernels.recorded()}
    n = {name: kernel.n for name, kernel in xtensa_kernels.KERNELS.items()}
    assert found["crc32"] == zlib.crc32(bytes(9 * i & 255 for i in range(n["crc32"])))
    assert found["sieve"] == sum(all(x % d for d in range(2, x)) for x in range(2, n["sieve"]))
    total = 0
    for x in range(n["changing"], 0, -1):
        total = 3 * total + (x & 15)
    assert found["changing"] == total & 0xFFFF_FFFF
    size, product = n["matrix"], 0
    for i in range(size):
        for j in range(size):
            cell = j + sum(3 * (i * size + k) * ((k * size + j) ^ 5) for k in range(size))
            product = (product ^ cell) * 33 & 0xFFFF_FFFF
    assert found["matrix"] == product
    assert found["fib"] == 144


@pytest.mark.parametrize("core", list(PLACES))
def test_exceptions(core: str) -> None:
    """Causes, vectors, levels, double exceptions, BREAK and the debug registers, interrupts."""
    count, log, pending = xtensa_exceptions.interpreted(core)
    assert (log, pending) == xtensa_exceptions.recorded()[core]
    assert count > 800


def test_regions() -> None:
    """Attributes of the eighths of the address space, as on QEMU's core: they are kept."""
    p = Program(0x4000_0000)
    p("movi", 2, 4)
    p("wdtlb", 2, 9)
    p("idtlb", 9)
    for number, (row, where) in enumerate((
            ("rdtlb0", 9), ("rdtlb1", 9), ("ritlb1", 9), ("rdtlb1", 10), ("pdtlb", 10),
            ("pitlb", 9))):
        p(row, 3 + number, where)
    bus = Bus()
    bus.memory("code", 0x4000_0000, 0x1000)
    bus.load(0x4000_0000, p.finish())
    state = State(model("lx106"))
    state.pc = 0x4000_0000
    state.write(9, 0x8000_1234)
    state.write(10, 0x3000_0001)
    Interpreter(state, BusMemory(bus)).run(9)
    assert [state.read(3 + number) for number in range(6)] == [
        0x8000_0000, 0x8000_0004, 0x8000_0002, 0x2000_0002, 0x2000_0001, 0x8000_0001]


def test_literals_from_a_base() -> None:
    """LITBASE of the LX106: L32R counts from there, as on QEMU's core."""
    p = Program(0x4000_0000)
    p("l32r", 2, -0x4_0000 + 0x100)
    bus = Bus()
    bus.memory("code", 0x4000_0000, 0x1000)
    bus.memory("data", 0x3FFC_1000, 0x1000)
    bus.load(0x4000_0000, p.finish())
    bus.write(0x3FFC_1100, 4, 0x1234_5678)
    state = State(model("lx106"))
    state.pc = 0x4000_0000
    state.sr[LITBASE] = 0x4000_1001
    Interpreter(state, BusMemory(bus)).run(1)
    assert state.read(2) == 0x1234_5678
