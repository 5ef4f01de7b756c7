"""The Cortex-M cores: the contract, exceptions, and what differs from one to the next.

What the exceptions program prints was reasoned from the manuals; QEMU prints the same, which is
tested where it is installed (Debian: qemu-system-arm).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra emulator")

from mpy_cross.emulator.block import Context, place
from mpy_cross.emulator.blocks.cortexm.systick import SysTick
from mpy_cross.emulator.bus import Bus, Window
from mpy_cross.emulator.clock import Clock, Rate
from mpy_cross.emulator.cores import arm_base, unicorn_arm, unicorn_common
from mpy_cross.emulator.cores.arm import CortexM
from mpy_cross.emulator.cores.attach import attach, second_core
from mpy_cross.emulator.cores.core import CoreError, CoreFault, FaultKind, StopReason
from mpy_cross.emulator.cores.models import MODELS
from mpy_cross.emulator.cores.pace import Pace
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.machine import machine
from mpy_cross.emulator.trace import Trace
from tests.emulator.core_arm import DEVICE, FLASH, HOLE
from tests.emulator.core_arm import ArmBench as Bench
from tests.emulator.core_contract import CoreContract
from tests.emulator.core_programs import (
    LR,
    NE,
    PC,
    RAM,
    SYSTICK,
    Program,
    exceptions,
    printed,
)


class ArmContract(CoreContract):
    kind = Bench

    def test_jump_to_arm_code(self) -> None:
        bench = Bench(self.name)
        stop = bench.run(bench.jumping(), FLASH + 0x100)
        assert stop.fault is not None and stop.fault.kind is FaultKind.STATE

    def test_free_running_stops_at_a_fault(self) -> None:
        """Not behind the instruction after the one that faults."""
        bench = Bench(self.name, exact=False)
        p = bench.new()
        p("str_imm5", 1, 0, 4)
        p("str_imm5", 1, 0, 0)
        p("bx", 14)
        stores = bench.place(p)
        with pytest.raises(CoreFault, match="is locked"):
            bench.core.call(stores, DEVICE + 0x7C)
        with pytest.raises(ZeroDivisionError):
            bench.core.call(stores, DEVICE + 0x80)
        with pytest.raises(CoreFault, match="nothing answers at 0x30000004"):
            bench.core.call(stores, HOLE)
        assert bench.device.seen == [("write", 0x80, 4, 0), ("write", 0x84, 4, 0)]


class TestCortexM0Plus(ArmContract):
    name = "cortex-m0+"


class TestCortexM3(ArmContract):
    name = "cortex-m3"


class TestCortexM4F(ArmContract):
    name = "cortex-m4f"


class TestCortexM7(ArmContract):
    name = "cortex-m7"


class TestCortexM33(ArmContract):
    name = "cortex-m33"


class TestWithoutPrivateFields(ArmContract):
    """Registers and counts of the engine that are not found in place."""

    name = "cortex-m4f"

    @pytest.fixture(autouse=True)
    def without(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(arm_base, "live_registers", unicorn_arm.CopiedRegisters)
        monkeypatch.setattr(unicorn_common, "count_places", lambda: None)


def test_the_fast_way_is_found() -> None:
    """On the systems where this is developed; elsewhere the slow way is used, which works too."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the fast way is looked for on Linux")
    core = Bench("cortex-m4f").core
    assert not isinstance(core.registers, unicorn_arm.CopiedRegisters)
    assert unicorn_common.count_places() is not None


# Exceptions.


class Board:
    """A core at 100 MHz with SysTick, and what its program prints by semihosting."""

    def __init__(self, name: str) -> None:
        clock, rate = Clock(), Rate("core", 100_000_000)
        self.systick = SysTick(Context(clock, Trace(clock)), rate, rate)
        self.bus = Bus()
        self.bus.memory("rom", 0, 1 << 16, "rx")
        self.bus.memory("ram", RAM, 1 << 16)
        place(self.bus, SYSTICK, self.systick)
        self.core = CortexM(name, self.bus)
        self.core.connect({}, self.systick.tick)
        self.core.on_bkpt = self.semihosting
        self.pace = Pace(self.core, clock, rate)
        self.clock = clock
        self.text = ""

    def semihosting(self, number: int) -> bool:
        operation, address = self.core.registers[0:2]
        if operation == 4:
            self.text += bytes(self.bus.view(address, 0x200)).partition(b"\0")[0].decode()
        else:
            self.core.halt()
        return number == 0xAB


def program(name: str) -> bytes:
    model = MODELS[name]
    return exceptions(model.v7, bool(model.floats), 0xFFFFFFBC if name == "cortex-m33"
                      else 0xFFFFFFFD)


def run(name: str, step: int) -> tuple[str, int, int, int]:
    """What the program prints, instructions, exceptions, time; the host comes by every `step`
    ns."""
    board = Board(name)
    board.bus.load(0, program(name))
    board.core.reset(0)
    for _ in range(20_000_000 // step):
        stop = board.pace.run_until(board.clock.now + step)
        if stop is not None:
            assert stop.reason is StopReason.HALTED, stop
            return (board.text, board.core.instructions, board.core.exceptions.taken,
                    board.clock.now)
    raise AssertionError(f"no end: {board.text}")


@pytest.mark.parametrize("name", list(MODELS))
def test_exceptions(name: str) -> None:
    model = MODELS[name]
    text, instructions, taken, now = run(name, 10_000_000)
    assert text == printed(model.v7, bool(model.floats))
    assert taken > 1000
    # The same whatever the slices: instructions, exceptions and virtual time.
    assert run(name, 7_777) == (text, instructions, taken, now)


QEMU: Final = {"cortex-m0+": "microbit", "cortex-m3": "mps2-an385", "cortex-m4f": "mps2-an386",
               "cortex-m7": "mps2-an500"}


@pytest.mark.parametrize("name", list(QEMU))
def test_exceptions_in_qemu(name: str, tmp_path: Path) -> None:
    qemu = shutil.which("qemu-system-arm")
    if qemu is None:
        pytest.skip("qemu-system-arm is not installed")
    image = tmp_path / "exceptions.bin"
    image.write_bytes(program(name))
    done = subprocess.run(
        [qemu, "-M", QEMU[name], "-kernel", str(image), "-display", "none", "-monitor", "none",
         "-serial", "none", "-semihosting-config", "enable=on,target=native"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    model = MODELS[name]
    assert (done.stdout or done.stderr) == printed(model.v7, bool(model.floats))


def handler(bench: Bench) -> int:
    """Counts in r7 how often it ran (r7 is not saved)."""
    p = bench.new()
    p("adds_imm8", 7, 1)
    p("bx", 14)
    return bench.place(p)


def spinning(bench: Bench) -> int:
    p = bench.new()
    p.here("loop")
    p("adds_imm8", 6, 1)
    p.to("b", "loop")
    return bench.place(p)


def vector(bench: Bench, exception: int, address: int) -> None:
    bench.bus.load(RAM + 4 * exception, address.to_bytes(4, "little"))
    bench.core.nvic.vectors = RAM


def test_a_line_that_stays_high_pends_again() -> None:
    bench = Bench("cortex-m4f")
    core = bench.core
    line = Line("irq")
    core.connect({3: line})
    core.nvic.write_controller(0, 4, 1 << 3)
    vector(bench, 19, handler(bench))
    bench.start(spinning(bench))
    core.run(10)
    line.set(True)
    core.run(20)  # adds, bx, adds, bx, ...: tail-chained, the program does not go on
    assert (core.read("r7"), core.read("r6")) == (10, 5)
    line.set(False)
    core.run(20)
    assert core.read("r7") == 11 and core.read("r6") > 5


def test_pulse_is_kept() -> None:
    bench = Bench("cortex-m0+")
    core = bench.core
    line = Line("irq")
    core.connect({0: line})
    line.pulse()
    vector(bench, 16, handler(bench))
    bench.start(spinning(bench))
    core.run(10)
    assert core.read("r7") == 0
    core.nvic.write_controller(0, 4, 1)
    core.run(10)
    assert core.read("r7") == 1


@pytest.mark.parametrize("name", ["cortex-m0+", "cortex-m4f"])
def test_masked_interrupt_comes_at_its_instruction(name: str) -> None:
    """Pending during a long loop with PRIMASK set: taken right after CPSIE, whatever the slices."""
    seen = set()
    for slice_ in (1, 3, 50, 100_000):
        bench = Bench(name)
        core = bench.core
        core.nvic.write_controller(0, 4, 1)
        p = bench.new()
        p("mov_any", 5, 6)  # how far the program was
        p("adds_imm8", 7, 1)
        p("bx", 14)
        vector(bench, 16, bench.place(p))
        p = bench.new()
        p("cpsid", 2)
        p.here("loop")
        p("adds_imm8", 6, 1)
        p("push", 0xF)
        p("pop", 0xF)
        p("subs_imm8", 0, 1)
        p.if_(NE, "loop")
        p("adds_imm8", 6, 1)
        p("cpsie", 2)
        p("adds_imm8", 6, 1)
        p("adds_imm8", 6, 1)
        p("bx", 14)
        bench.start(bench.place(p), 500)
        core.run(3)
        core.raise_interrupt(0)
        while (stop := core.run(slice_)).reason is StopReason.BUDGET:
            pass
        assert stop.reason is StopReason.EXIT
        assert (core.read("r5"), core.read("r6"), core.read("r7")) == (501, 503, 1)
        seen.add(core.instructions)
    assert seen == {1 + 500 * 5 + 2 + 3 + 3 + 1}


def test_fault_taken_by_the_program() -> None:
    bench = Bench("cortex-m4f")
    core = bench.core
    core.wants_fault = True
    p = bench.new()
    p("mrs", 7, 5)  # IPSR
    p("ldr_sp", 5, 24)  # where the fault was
    p("adds_imm8", 5, 2)
    p("str_sp", 5, 24)
    p("bx", 14)
    vector(bench, 3, bench.place(p))
    p = bench.new()
    p("udf", 1)
    p("movs_imm8", 0, 9)
    p("bx", 14)
    stop = bench.run(bench.place(p))
    assert (stop.reason, core.read("r7"), core.read("r0")) == (StopReason.EXIT, 3, 9)
    assert core.nvic.read_system(0x2C, 4) == 1 << 30  # HFSR.FORCED


def test_fault_in_hard_fault_is_a_lockup() -> None:
    bench = Bench("cortex-m4f")
    bench.core.wants_fault = True
    p = bench.new()
    p("udf", 2)
    address = bench.place(p)
    vector(bench, 3, address)
    stop = bench.run(address)
    assert stop.reason is StopReason.FAULT and stop.fault is not None
    assert stop.fault.kind is FaultKind.UNDEFINED and bench.core.exceptions.taken == 1


def test_wait_for_event() -> None:
    bench = Bench("cortex-m0+")
    p = bench.new()
    p("wfe")
    p("movs_imm8", 0, 1)
    p("wfe")
    p("movs_imm8", 0, 2)
    p("bx", 14)
    bench.start(bench.place(p))
    core = bench.core
    assert core.run(100).reason is StopReason.IDLE and core.read("r0") == 0
    core.send_event()
    assert core.run(100).reason is StopReason.IDLE and core.read("r0") == 1
    core.send_event()
    assert core.run(100).reason is StopReason.EXIT and core.read("r0") == 2


def test_reset_by_the_program() -> None:
    bench = Bench("cortex-m4f")
    core = bench.core
    core.nvic.reset_requested = core.reset
    p = bench.new()
    p.store(0xE000ED0C, 0x05FA0004)
    p("movs_imm8", 6, 1)
    address = bench.place(p)
    vector(bench, 0, RAM + 0x800)
    vector(bench, 1, spinning(bench))
    core.reset(RAM)
    bench.start(address)
    core.run(13)
    assert core.read("sp") == RAM + 0x800 and core.read("r6") > 1


# On boards.


def blinking(bench_origin: int, gpio: int, bit: int, period: int) -> bytes:
    """Toggles a bit of a register at every SysTick; sleeps in between."""
    p = Program(bench_origin)
    p.code.raw(bytes(64))
    p.here("systick")
    p.const(0, gpio)
    p("ldr_imm5", 1, 0, 0)
    p.const(2, bit)
    p("eors_reg2", 1, 2)
    p("str_imm5", 1, 0, 0)
    p("bx", 14)
    p.here("reset")
    p.store(SYSTICK + 4, period - 1)
    p.store(SYSTICK + 8, 0)
    p.store(SYSTICK, 7)
    p.here("for ever")
    p("wfi")
    p.to("b", "for ever")
    code = bytearray(p.finish())
    for at, word in ((0, RAM + 0x1000), (1, p.address("reset")), (15, p.address("systick"))):
        code[4 * at : 4 * at + 4] = word.to_bytes(4, "little")
    return bytes(code)


@pytest.mark.parametrize(("name", "gpio", "bit", "pad", "ns"), [
    ("pyboard", 0x4002_0014, 1 << 13, "LED_RED", 1_000_000),  # ODR of port A
    ("pico", 0xD000_0010, 1 << 25, "LED", 1_000_000),  # GPIO_OUT of SIO
])
def test_blinking(name: str, gpio: int, bit: int, pad: str, ns: int) -> None:
    results = []
    for _ in range(2):
        board = machine(name, record=True)
        board.start()
        origin = board.chip.flash.base
        if name == "pico":
            board.bus.write(0x4001_40CC, 4, 5)  # GPIO25 belongs to SIO
            board.bus.write(0xD000_0024, 4, bit)
        board.bus.load(origin, blinking(origin, gpio, bit, board.cycles(ns)))
        pace = attach(board)
        pace.core.reset()
        begin = board.clock.now
        assert pace.run_until(begin + 10 * ns + ns // 2) is None
        pin = board.pin(pad)
        edges = [when - begin for when, _ in board.trace.edges(pin.label)]
        results.append((edges, pace.core.instructions, board.clock.now))
    assert results[0] == results[1]
    edges = results[0][0][-10:]
    assert len(edges) == 10
    # One period apart to within a few cycles, as sleeping and waking take whole instructions.
    assert all(abs(later - earlier - ns) < 100 for earlier, later in pairwise(edges))


def test_software_reset_of_a_board() -> None:
    board = machine("pyboard")
    board.start()
    origin = board.chip.flash.base
    p = Program(origin)
    p.code.raw((RAM + 0x800).to_bytes(4, "little") + (origin + 9).to_bytes(4, "little"))
    p.store(0xE000ED0C, 0x05FA0004)
    p.here("for ever")
    p.to("b", "for ever")
    board.bus.load(origin, p.finish())
    pace = attach(board)
    pace.core.reset()
    causes: list[str] = []
    board.reset_watchers.append(causes.append)
    pace.run_until(board.clock.now + 2_000)
    assert len(causes) > 1 and set(causes) == {"software"}


def test_second_core_has_its_own_controller() -> None:
    board = machine("pico")
    first = attach(board).core
    second = second_core(board)
    assert isinstance(first, CortexM)
    second.raise_interrupt(3)
    assert (second.nvic.pending, first.nvic.pending) == (1 << 19, 0)


# What differs.


@pytest.mark.parametrize(("row", "values", "lacking"), [
    ("movw", (0, 5), {"cortex-m0+"}),
    ("udiv", (0, 1, 2), {"cortex-m0+"}),
    ("vadd.f32", (0, 0, 0), {"cortex-m0+", "cortex-m3"}),
    ("vadd.f64", (0, 0, 0), {"cortex-m0+", "cortex-m3", "cortex-m4f", "cortex-m33"}),
])
@pytest.mark.parametrize("name", list(MODELS))
def test_what_a_core_lacks(name: str, row: str, values: tuple[int, ...],
                           lacking: set[str]) -> None:
    bench = Bench(name)
    p = bench.new()
    p(row, *values)
    p("bx", 14)
    stop = bench.run(bench.place(p))
    if name in lacking:
        assert stop.fault is not None
        assert stop.fault.kind in (FaultKind.UNDEFINED, FaultKind.NO_COPROCESSOR)
    else:
        assert stop.reason is StopReason.EXIT


def test_unaligned_on_m0() -> None:
    for name, fails in (("cortex-m0+", True), ("cortex-m3", False)):
        bench = Bench(name)
        p = bench.new()
        p("ldr_imm5", 1, 0, 0)
        p("bx", 14)
        stop = bench.run(bench.place(p), RAM + 2)
        assert (stop.fault is not None) == fails
        if stop.fault is not None:
            assert stop.fault.kind is FaultKind.UNALIGNED


def test_floats_are_kept_over_unwinding_and_calls() -> None:
    """s16 after an exception that a host function catches is what it was before the call."""
    bench = Bench("cortex-m4f")
    core = bench.core
    p = bench.new()
    p("vmov_to_s", n=16, t=0)
    p("blx", 1)
    clobber = bench.place(p)
    bad = core.add_trap(lambda a, b, c, d: 1 // 0)

    def trap(a: int, b: int, c: int, d: int) -> int:
        with pytest.raises(ZeroDivisionError):
            core.call(clobber, 0x3F80_0000, bad)
        return 0

    p = bench.new()
    p("push", LR)
    p("vmov_to_s", n=16, t=0)
    p("blx", 1)
    p("vmov_from_s", n=16, t=0)
    p("pop", PC)
    assert core.call(bench.place(p), 0x4049_0FDB, core.add_trap(trap)) == 0x4049_0FDB


def test_unknown_core() -> None:
    with pytest.raises(CoreError, match="no core 'cortex-m9'; there are cortex-m0"):
        CortexM("cortex-m9", Bus())


def test_memory_off_the_pages() -> None:
    bus = Bus()
    bus.memory("odd", 0x2000_0200, 0x400)
    with pytest.raises(CoreError, match="odd at 0x20000200"):
        CortexM("cortex-m3", bus)


def test_windows_share_a_page() -> None:
    """Two small devices in one page: each gets its own accesses, between them is a fault."""
    bench = Bench("cortex-m3")
    seen: list[tuple[str, int, int]] = []
    bus = bench.bus

    def note(letter: str, offset: int, size: int, value: int) -> None:
        seen.append((letter, offset, value))

    for at, letter in ((0x5000_0000, "a"), (0x5000_0100, "b")):
        bus.window(Window(letter, at, 0x40, lambda offset, size: 0, partial(note, letter)))
    core = CortexM("cortex-m3", bus)
    p = bench.new()
    p("str_imm5", 1, 0, 4)
    p("adds_imm8", 0, 0x80)
    p("adds_imm8", 0, 0x80)
    p("str_imm5", 1, 0, 8)
    p("subs_imm8", 0, 0x80)
    p("str_imm5", 1, 0, 0)
    bench.place(p)
    core.write("r0", 0x5000_0000)
    core.write("r1", 3)
    core.write("pc", p.code.origin)
    stop = core.run(100)
    assert seen == [("a", 4, 3), ("b", 8, 3)]
    assert stop.fault is not None and stop.fault.address == 0x5000_0080


def test_engine_that_is_missing() -> None:
    program = (
        "import sys; sys.modules['unicorn'] = None\n"
        "from mpy_cross.emulator.bus import Bus\n"
        "from mpy_cross.emulator.cores.arm import CortexM\n"
        "from mpy_cross.emulator.cores.core import MissingEngineError\n"
        "sys.path.clear()\n"
        "try: CortexM('cortex-m3', Bus())\n"
        "except MissingEngineError as error: print(error)\n")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install 'mpy-toolchain[emulator]'" in done.stdout, done.stderr
