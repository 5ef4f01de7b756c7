"""Timers, interrupt lines, exceptions of memory and faults of Xtensa cores, on both engines.

What QEMU can say of interrupts is in `test_xtensa_interpreter.py`; time is our own.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import pytest

from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emulator.cores.core import CoreFault, FaultKind, StopReason
from mpy_cross.emulator.cores.xtensa import numbers as n
from mpy_cross.emulator.line import Line
from tests.emulator.core_xtensa import DEVICE, FLASH, HOLE, RAM, Program, XtensaBench

TICKS, EDGES = RAM + 0x400, RAM + 0x404
VECTORS, HANDLERS = RAM + 0x1000, RAM + 0x2000
TIMER, LEVEL, EDGE, NMI = 6, 5, {"lx6": 10, "lx106": 8}, 14


class TranslatedBench(XtensaBench):
    def core_of(self, name: str, exact: bool) -> Any:
        if importlib.util.find_spec("unicorn") is None:
            pytest.skip("unicorn is not installed; it is part of the extra emulator")
        from mpy_cross.emulator.cores.xtensa.core import TranslatedXtensa

        return TranslatedXtensa(name, self.bus, exact=exact)


@pytest.fixture(params=[XtensaBench, TranslatedBench])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=["lx106", "lx6"])
def bench(kind: Any, request: pytest.FixtureRequest) -> XtensaBench:
    made: XtensaBench = kind(request.param)
    made.core.write("vecbase", VECTORS)
    return made


def word(bench: XtensaBench, address: int) -> int:
    return int(bench.bus.read(address, 4))


def handler(bench: XtensaBench, offset: int, write: Callable[[Program], None]) -> None:
    """Code for a vector, which jumps to where there is room."""
    p = Program(HANDLERS)
    write(p)
    bench.place(p)
    jump = TABLE["j"].encode(HANDLERS - VECTORS - offset - 4)
    bench.put(VECTORS + offset, jump)


def user_vector(bench: XtensaBench) -> int:
    return int(bench.core.model.user)


def test_cycle_count(bench: XtensaBench) -> None:
    p = bench.new()
    bench.enter(p)
    p("movi", 3, 1000)
    p("wsr", n.CCOUNT, 3)
    for _ in range(20):
        p("nop")
    p("rsr", n.CCOUNT, 2)
    bench.leave(p)
    core = bench.core
    before = bench.counts.before  # up to the wsr
    bench.run(bench.place(p))
    cycles = core.model.cycles
    assert bench.answer == 1000 + (before + 21) * cycles // 100 - before * cycles // 100


def ticking(bench: XtensaBench, every: int) -> int:
    """A program that adds up in a loop while the timer ticks; the handler counts and sets it
    again."""
    def tick(p: Program) -> None:
        p("rsr", n.CCOMPARE, 14)
        p("movi", 15, every)
        p("add", 14, 14, 15)
        p("wsr", n.CCOMPARE, 14)
        p.const(15, TICKS)
        p("l32i", 14, 15, 0)
        p("addi", 14, 14, 1)
        p("s32i", 14, 15, 0)
        p("rfe")

    handler(bench, user_vector(bench), tick)
    p = bench.new()
    bench.enter(p)
    p("rsr", n.CCOUNT, 4)
    p("movi", 5, every)
    p("add", 4, 4, 5)
    p("wsr", n.CCOMPARE, 4)
    p("movi", 4, 1 << TIMER)
    p("wsr", n.INTENABLE, 4)
    p("rsync")
    p("movi", 3, 0)
    p.here("loop")
    p("add.n", 3, 3, 2)
    p("addi.n", 2, 2, -1)
    p.to("bnez", "loop", 2)
    p("movi", 4, 0)
    p("wsr", n.INTENABLE, 4)
    p("mov.n", 2, 3)
    bench.leave(p)
    return bench.place(p)


@pytest.mark.parametrize("name", ["lx106", "lx6"])
def test_timer_interrupts(kind: Any, name: str) -> None:
    """They come at their instruction, however the run is cut into pieces."""
    seen = set()
    for slice_ in (1, 13, 1000, 1_000_000):
        bench = kind(name)
        bench.core.write("vecbase", VECTORS)
        stop = bench.run(ticking(bench, 500), 3000, slice_=slice_)
        assert stop.reason is StopReason.EXIT
        assert bench.answer == 3000 * 3001 // 2
        seen.add((word(bench, TICKS), bench.core.instructions))
    assert len(seen) == 1
    ticks, instructions = seen.pop()
    loop = 9000 * bench.core.model.cycles // 100
    assert loop // 500 <= ticks <= loop // 480
    assert instructions > 9000 + 9 * ticks


def test_sleep_until_the_timer(bench: XtensaBench) -> None:
    """WAITI: the core says when its timer goes off, and is told how long it has slept."""
    core = bench.core

    def clear(p: Program) -> None:
        p("wsr", n.CCOMPARE, 15)
        p.const(15, TICKS)
        p("rsr", n.CCOUNT, 14)
        p("s32i", 14, 15, 0)
        p("rfe")

    handler(bench, user_vector(bench), clear)
    p = bench.new()
    bench.enter(p)
    p("movi", 3, 0)
    p("wsr", n.CCOUNT, 3)
    p.const(4, 100_000)
    p("wsr", n.CCOMPARE, 4)
    p("movi", 4, 1 << TIMER)
    p("wsr", n.INTENABLE, 4)
    p("waiti", 0)
    p("movi", 2, 5)
    bench.leave(p)
    bench.start(bench.place(p))
    assert core.run(1000).reason is StopReason.IDLE
    left = core.sleep_limit()
    assert 99_900 < left < 100_000
    core.slept(left // 2)
    assert core.run(1000).reason is StopReason.IDLE
    core.slept(core.sleep_limit())
    assert core.run(1000).reason is StopReason.EXIT
    assert bench.answer == 5
    assert 100_000 <= word(bench, TICKS) < 100_020


def test_lines(bench: XtensaBench) -> None:
    """One by level comes again and again while it lasts; one by edge once; enabled or not."""
    core, edge = bench.core, EDGE[bench.core.name]
    lines = {LEVEL: Line("level"), edge: Line("edge")}
    core.connect(lines)

    def count(p: Program) -> None:
        p("rsr", n.INTERRUPT, 14)
        p.const(15, TICKS)
        p.to("bbsi", "edge", 14, edge)
        p("l32i", 14, 15, 0)
        p("addi", 14, 14, 1)
        p("s32i", 14, 15, 0)
        p("rfe")
        p.here("edge")
        p("movi", 14, 1 << edge)
        p("wsr", n.INTCLEAR, 14)
        p("l32i", 14, 15, 4)
        p("addi", 14, 14, 1)
        p("s32i", 14, 15, 4)
        p("rfe")

    handler(bench, user_vector(bench), count)
    p = bench.new()
    p.here("for ever")
    p("nop")
    p.to("j", "for ever")
    bench.start(bench.place(p))
    core.run(100)
    for line in lines.values():
        line.set(True)
    lines[edge].set(False)
    core.run(100)
    assert (word(bench, TICKS), word(bench, EDGES)) == (0, 0)
    core.write("intenable", 1 << edge)
    core.run(100)
    assert (word(bench, TICKS), word(bench, EDGES)) == (0, 1)
    core.write("intenable", 1 << LEVEL)
    core.run(100)
    often = word(bench, TICKS)
    assert often > 5
    lines[LEVEL].set(False)
    core.run(100)
    assert often <= word(bench, TICKS) <= often + 1
    assert word(bench, EDGES) == 1


def test_nmi(bench: XtensaBench) -> None:
    """Nothing holds it back."""
    core = bench.core
    level = core.model.interrupts.nmi_level

    def count(p: Program) -> None:
        p.const(15, TICKS)
        p("rsr", n.EPS + level, 14)
        p("s32i", 14, 15, 0)
        p("rsr", n.PS, 14)
        p("s32i", 14, 15, 4)
        p("rfi", level)

    handler(bench, core.model.level_vector(level), count)
    p = bench.new()
    p("rsil", 3, 15)
    p.here("for ever")
    p("nop")
    p.to("j", "for ever")
    bench.start(bench.place(p))
    core.run(10)
    core.raise_interrupt(NMI)
    core.run(100)
    assert word(bench, TICKS) & 15 == 15
    assert word(bench, EDGES) & 31 == level | n.PS_EXCM
    assert core.read("ps") & 15 == 15


@pytest.mark.parametrize(("row", "address", "cause"), [
    ("l32i", HOLE, n.LOAD_PROHIBITED), ("s32i", HOLE + 8, n.STORE_PROHIBITED),
    ("s32i", FLASH + 0x800, n.STORE_PROHIBITED), ("s32i", DEVICE + 0x80, n.STORE_PROHIBITED),
    ("jx", HOLE, n.FETCH_PROHIBITED)])
def test_exceptions_of_memory(bench: XtensaBench, row: str, address: int, cause: int) -> None:
    """Firmware gets them as exceptions, with the address."""
    core = bench.core
    core.wants_fault = True

    def note(p: Program) -> None:
        p.const(15, TICKS)
        for at, register in enumerate((n.EXCCAUSE, n.EXCVADDR, n.EPC1)):
            p("rsr", register, 14)
            p("s32i", 14, 15, 4 * at)
        p.here("for ever")
        p.to("j", "for ever")

    handler(bench, user_vector(bench), note)
    p = bench.new()
    p.const(4, address)
    p("movi", 5, 1)
    p.here("it")
    if row == "jx":
        p("jx", 4)
    else:
        p(row, 5, 4, 0)
    bench.start(bench.place(p))
    assert core.run(200).reason is StopReason.BUDGET
    where = address if row == "jx" else p.address("it")
    assert [word(bench, TICKS + at) for at in (0, 4, 8)] == [cause, address, where]


def fault_of(bench: XtensaBench, *rows: tuple[Any, ...]) -> tuple[FaultKind, str]:
    p = bench.new()
    bench.enter(p)
    for row, *values in rows:
        p(row, *values)
    bench.leave(p)
    with pytest.raises(CoreFault) as caught:
        bench.core.call(bench.place(p), RAM + 0x101)
    fault = caught.value.fault
    return fault.kind, str(fault)


def test_faults(bench: XtensaBench) -> None:
    small = bench.core.name == "lx106"
    kind, text = fault_of(bench, ("syscall",))
    assert kind is FaultKind.UNDEFINED and "syscall" in text
    assert fault_of(bench, ("break", 1, 15))[0] is FaultKind.BREAKPOINT
    assert fault_of(bench, ("simcall",))[0] is FaultKind.UNDEFINED
    if small:
        kind, text = fault_of(bench, ("l32i.n", 3, 2, 0))
        assert kind is FaultKind.UNALIGNED and "0x40100101" in text
        assert fault_of(bench, ("loop", 3, 8))[0] is FaultKind.UNDEFINED
        return
    bench.bus.write(RAM + 0x101, 4, 0x1234_5678)
    p = bench.new()
    bench.enter(p)
    p("l32i.n", 2, 2, 0)
    bench.leave(p)
    assert bench.core.call(bench.place(p), RAM + 0x101) == 0x1234_5678
    assert fault_of(bench, ("l32ai", 3, 2, 0))[0] is FaultKind.UNALIGNED
    kind, text = fault_of(bench, ("movi", 3, 0), ("quos", 4, 2, 3))
    assert kind is FaultKind.DIVISION and "quos a4, a2, a3" in text
    bench.core.write("cpenable", 0)
    assert fault_of(bench, ("add.s", 1, 2, 3))[0] is FaultKind.NO_COPROCESSOR


def test_break_for_the_host(bench: XtensaBench) -> None:
    seen = []

    def on_bkpt(number: int) -> bool:
        seen.append(number)
        return True

    bench.core.on_bkpt = on_bkpt
    p = bench.new()
    bench.enter(p)
    p("break", 1, 14)
    p("break.n", 7)
    p("movi", 2, 3)
    bench.leave(p)
    assert bench.core.call(bench.place(p)) == 3
    assert seen == [1, 7]


@pytest.mark.parametrize("compare", [5, 6])
def test_compare_and_store(kind: Any, compare: int) -> None:
    bench = kind("lx6")
    p = bench.new()
    bench.enter(p)
    p("movi", 3, compare)
    p("wsr", n.SCOMPARE1, 3)
    p("movi", 4, 77)
    p("s32c1i", 4, 2, 4)
    p("mov.n", 2, 4)
    bench.leave(p)
    bench.bus.write(RAM + 4, 4, 5)
    assert bench.core.call(bench.place(p), RAM) == 5
    assert word(bench, RAM + 4) == (77 if compare == 5 else 5)


def test_deep_calls_with_windows(kind: Any) -> None:
    """Recursion far beyond the registers, with traps on the way that call again."""
    bench = kind("lx6")
    core = bench.core
    p = bench.new()
    p.here("sum")
    p("entry", 1, 32)
    p.to("beqz", "zero", 2)
    p("addi.n", 10, 2, -1)
    p("mov.n", 11, 3)
    p.to("call8", "sum")
    p("add.n", 2, 2, 10)
    p("retw.n")
    p.here("zero")
    p("movi", 10, 9)
    p("callx8", 3)
    p("mov.n", 2, 10)
    p("retw.n")
    function = bench.place(p)
    depth = 3

    def trap(a: int, b: int, c: int, d: int) -> int:
        nonlocal depth
        if not depth:
            return 1000
        depth -= 1
        return int(core.call(function, 40, address))

    address = core.add_trap(trap)
    assert core.call(function, 40, address) == 1000 + 4 * 820
    assert core.read("windowstart") == 1


def test_move_of_the_stack_pointer(kind: Any) -> None:
    """MOVSP after the caller's registers have gone to memory: they are found there again."""
    bench = kind("lx6")
    p = bench.new()
    p.here("deep")
    p("entry", 1, 32)
    p.to("beqz", "out", 2)
    p("addi.n", 10, 2, -1)
    p.to("call8", "deep")
    p.here("out")
    p("retw.n")
    p.code.align(4)
    p.here("function")
    p("entry", 1, 48)
    p("movi", 10, 30)
    p.to("call8", "deep")  # leaves only this function's registers where they are
    p("addi", 8, 1, -128)
    p("movsp", 1, 8)
    p("movi", 10, 30)
    p.to("call8", "deep")
    p("addi.n", 2, 2, 1)
    p("retw.n")
    p.code.align(4)
    p.here("main")
    p("entry", 1, 32)
    p("movi", 3, 0x123)
    p("mov.n", 10, 2)
    p.to("call8", "function")
    p("add.n", 2, 10, 3)
    p("retw.n")
    bench.place(p)
    assert bench.core.call(p.address("main"), 5) == 6 + 0x123
