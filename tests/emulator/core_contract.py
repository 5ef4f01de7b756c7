"""What every core has to do, as a class of tests; a subclass says how to make the core."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

import pytest

from mpy_cross.emulator.bus import Bus, BusFault, Window
from mpy_cross.emulator.cores.arm import CortexM
from mpy_cross.emulator.cores.core import (
    CoreError,
    CoreFault,
    DepthError,
    FaultKind,
    Frame,
    Stop,
    StopReason,
    Unwind,
)
from tests.emulator.core_programs import CC, LR, NE, PC, RAM, Program

FLASH: Final = 0x0800_0000
DEVICE: Final = 0x4000_0000
HOLE: Final = 0x3000_0000
RAM_SIZE: Final = 0x1_0000
CODE_IN_RAM: Final = RAM + 0x8000


class Device:
    """Registers that remember accesses; reads give 0x100 + offset."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int, int, int]] = []
        self.core: CortexM | None = None
        self.times: list[int] = []

    def read(self, offset: int, size: int) -> int:
        self.seen.append(("read", offset, size, 0))
        if self.core is not None:
            self.times.append(self.core.instructions)
        return 0x100 + offset

    def write(self, offset: int, size: int, value: int) -> None:
        self.seen.append(("write", offset, size, value))
        if offset == 0x80:
            raise BusFault(DEVICE + offset, size, "write", "is locked")
        if offset == 0x84:
            raise ZeroDivisionError("a bug of this device")


class Bench:
    """A core with flash, RAM and a device; code is put into flash."""

    def __init__(self, name: str, exact: bool = True) -> None:
        self.bus = Bus()
        self.bus.memory("flash", FLASH, RAM_SIZE, "rx")
        self.bus.memory("ram", RAM, RAM_SIZE)
        self.device = Device()
        self.bus.window(Window("device", DEVICE, 0x100, self.device.read, self.device.write))
        self.core = CortexM(name, self.bus, exact=exact)
        self.core.write("sp", RAM + RAM_SIZE)
        self.exit = self.core.add_exit() if exact else 0
        self._free = FLASH

    def place(self, program: Program) -> int:
        """Puts code where it was made for; its address as a function."""
        origin, code = program.code.origin, program.finish()
        self.bus.load(origin, code)
        self.core.code_changed(origin, len(code))
        if origin == self._free:
            self._free += -(-len(code) // 16) * 16
        return origin | 1

    def new(self) -> Program:
        return Program(self._free)

    def start(self, address: int, *args: int) -> None:
        """The next run begins there, and ends at the exit when it returns."""
        for number, value in enumerate(args):
            self.core.write(f"r{number}", value)
        self.core.write("lr", self.exit)
        self.core.write("pc", address)

    def run(self, address: int, *args: int, slice_: int = 1_000_000) -> Stop:
        """Runs to the end in slices."""
        self.start(address, *args)
        for _ in range(1_000_000):
            stop = self.core.run(slice_)
            if stop.reason is not StopReason.BUDGET:
                return stop
        raise AssertionError("no end")


def summing(bench: Bench) -> int:
    """A function: the sum of 1 to r0, by a loop of 3 instructions."""
    p = bench.new()
    p("movs_imm8", 1, 0)
    p.here("loop")
    p("adds_reg", 1, 1, 0)
    p("subs_imm8", 0, 1)
    p.if_(NE, "loop")
    p("mov_any", 0, 1)
    p("bx", 14)
    return bench.place(p)


def recursive(bench: Bench) -> int:
    """A function f(n, trap): 1 + trap(n, trap)."""
    p = bench.new()
    p("push", LR | 0x10)
    p("mov_any", 4, 1)
    p("blx", 1)
    p("adds_imm8", 0, 1)
    p("pop", PC | 0x10)
    return bench.place(p)


class CoreContract:
    """name: of the core; it32: whether it has IT blocks and wide instructions."""

    name = ""
    it32 = True

    @pytest.fixture(autouse=True)
    def recursion(self) -> Iterator[None]:
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(5000)
        yield
        sys.setrecursionlimit(before)

    @pytest.fixture
    def bench(self) -> Bench:
        return Bench(self.name)

    # Running.

    def test_arithmetic(self, bench: Bench) -> None:
        address = summing(bench)
        stop = bench.run(address, 1000)
        assert stop.reason is StopReason.EXIT and stop.number == 0
        assert bench.core.read("r0") == 500500
        # movs, 1000 times three, mov, bx, and the wfi at the exit
        assert bench.core.instructions == 1 + 3000 + 2 + 1

    @pytest.mark.parametrize("slice_", [1, 2, 7, 100, 2999])
    def test_counts_do_not_depend_on_slices(self, bench: Bench, slice_: int) -> None:
        bench.run(summing(bench), 1000, slice_=slice_)
        assert (bench.core.read("r0"), bench.core.instructions) == (500500, 3004)

    def test_budget_is_exact(self, bench: Bench) -> None:
        address = summing(bench)
        bench.start(address, 1000)
        stop = bench.core.run(1)
        assert (stop.reason, stop.instructions) == (StopReason.BUDGET, 1)
        assert stop.pc == (address & ~1) + 2
        assert bench.core.run(3).pc == (address & ~1) + 2  # once around the loop
        assert (bench.core.read("r0"), bench.core.read("r1")) == (999, 1000)
        assert bench.core.instructions == 4
        assert bench.core.run(0).instructions == 0

    def test_flags_survive_slices(self) -> None:
        seen = set()
        for slice_ in (1, 3, 5, 1000):
            bench = Bench(self.name)
            p = bench.new()
            p("movs_imm8", 1, 0)
            p("movs_imm8", 3, 0x7F)
            p.here("loop")
            p("mov_any", 2, 0)
            p("ands_reg2", 2, 3)
            p("cmp_imm8", 2, 50)
            if self.it32:
                p.it("e", CC)
                p("adds_imm8", 1, 1)
                p("adds_imm8", 1, 3)
            else:
                p.if_(CC, "less")
                p("adds_imm8", 1, 2)
                p.here("less")
                p("adds_imm8", 1, 1)
            p("subs_imm8", 0, 1)
            p.if_(NE, "loop")
            p("bx", 14)
            bench.run(bench.place(p), 300, slice_=slice_)
            seen.add((bench.core.read("r1"), bench.core.instructions))
        assert len(seen) == 1
        assert seen.pop()[0] == sum(1 if n & 0x7F < 50 else 3 for n in range(1, 301))

    def test_cycles_follow_instructions(self, bench: Bench) -> None:
        core = bench.core
        bench.start(summing(bench), 1000)
        for cycles in (1, 10, 333):
            before = core.cycles
            wanted = core.budget(cycles)
            core.run(wanted)
            assert core.cycles - before >= cycles
            one_less = (core.instructions - 1) * core.model.cycles // 100
            assert wanted == 1 or one_less - before < cycles

    def test_halt(self, bench: Bench) -> None:
        bench.start(summing(bench), 1000)
        bench.core.halt()
        assert bench.core.run(10).reason is StopReason.HALTED
        assert bench.core.run(10).reason is StopReason.BUDGET

    def test_breakpoints(self, bench: Bench) -> None:
        address = summing(bench)
        core = bench.core
        place = (address & ~1) + 4  # the subs in the loop
        core.add_breakpoint(place)
        bench.start(address, 3)
        for n in (3, 2, 1):
            stop = core.run(1000)
            assert (stop.reason, stop.pc) == (StopReason.BREAKPOINT, place)
            assert core.read("r0") == n
        assert core.instructions == 2 + 3 + 3
        core.remove_breakpoint(place)
        assert core.run(1000).reason is StopReason.EXIT
        assert core.read("r0") == 6 and core.instructions == 1 + 9 + 3

    def test_unknown_register(self, bench: Bench) -> None:
        with pytest.raises(CoreError, match="no register 'x0'; there are r0"):
            bench.core.read("x0")

    def test_wait_for_interrupt(self, bench: Bench) -> None:
        p = bench.new()
        p("cpsid", 2)
        p("wfi")
        p("movs_imm8", 0, 7)
        p("bx", 14)
        core = bench.core
        bench.start(bench.place(p))
        stop = core.run(100)
        assert (stop.reason, stop.instructions) == (StopReason.IDLE, 2)
        assert core.run(100).instructions == 0
        core.nvic.write_controller(0, 4, 1 << 5)
        core.raise_interrupt(5)  # wakes, but is not taken
        assert core.run(100).reason is StopReason.EXIT
        assert core.read("r0") == 7

    # Memory and devices.

    def test_memory_is_shared(self, bench: Bench) -> None:
        p = bench.new()
        p("ldr_imm5", 1, 0, 0)
        p("adds_imm8", 1, 1)
        p("str_imm5", 1, 0, 4)
        p("bx", 14)
        address = bench.place(p)
        view = bench.bus.view(RAM + 0x40, 8)
        for value in (5, 0xFFFF_FFFF):
            view[:4] = value.to_bytes(4, "little")
            bench.run(address, RAM + 0x40)
            assert int.from_bytes(view[4:], "little") == (value + 1) & 0xFFFF_FFFF

    def test_device_accesses_in_order(self, bench: Bench) -> None:
        p = bench.new()
        p("ldr_imm5", 1, 0, 8)
        p("strb_imm5", 1, 0, 1)
        p("strh_imm5", 1, 0, 2)
        p("str_imm5", 1, 0, 4)
        p("ldrb_imm5", 2, 0, 3)
        p("ldrh_imm5", 3, 0, 6)
        p("bx", 14)
        bench.device.core = bench.core
        bench.run(bench.place(p), DEVICE)
        assert bench.device.seen == [
            ("read", 8, 4, 0), ("write", 1, 1, 8), ("write", 2, 2, 0x108), ("write", 4, 4, 0x108),
            ("read", 3, 1, 0), ("read", 6, 2, 0)]
        assert [bench.core.read(f"r{n}") for n in (1, 2, 3)] == [0x108, 3, 0x106]
        assert bench.device.times == [0, 4, 5]

    def test_host_changes_code(self, bench: Bench) -> None:
        results = []
        for number in (1, 2):
            p = Program(CODE_IN_RAM)
            p("movs_imm8", 0, number)
            p("bx", 14)
            bench.run(bench.place(p))
            results.append(bench.core.read("r0"))
        assert results == [1, 2]

    def test_no_code_changed(self, bench: Bench) -> None:
        bench.core.code_changed(RAM, 0)
        assert bench.core.call(summing(bench), 3) == 6

    def test_program_changes_its_code(self, bench: Bench) -> None:
        """It runs `movs r0, #1`, overwrites it with `movs r0, #2`, and runs it again."""
        p = Program(CODE_IN_RAM)
        p.const(1, CODE_IN_RAM + 0x40)
        p.const(2, 0x2002)
        p("push", LR)
        p("adds_imm3", 3, 1, 1)
        p("blx", 3)
        p("mov_any", 4, 0)
        p("strh_imm5", 2, 1, 0)
        p("dsb", 15)
        p("isb", 15)
        p("blx", 3)
        p("pop", PC)
        main = bench.place(p)
        q = Program(CODE_IN_RAM + 0x40)
        q("movs_imm8", 0, 1)
        q("bx", 14)
        bench.place(q)
        bench.run(main)
        assert (bench.core.read("r4"), bench.core.read("r0")) == (1, 2)

    # Faults.

    def fault(self, bench: Bench, row: str, *values: int, r0: int) -> tuple[Stop, int]:
        p = bench.new()
        p("nop")
        p("movs_imm8", 1, 5)
        p(row, *values)
        p("bx", 14)
        address = bench.place(p) & ~1
        return bench.run(address, r0), address + 4

    @pytest.mark.parametrize(("row", "values", "kind", "address"), [
        ("ldr_imm5", (2, 0, 4), FaultKind.READ, HOLE + 4),
        ("str_imm5", (1, 0, 8), FaultKind.WRITE, HOLE + 8),
        ("strb_imm5", (1, 0, 3), FaultKind.WRITE, HOLE + 3),
    ])
    def test_hole(self, bench: Bench, row: str, values: tuple[int, ...], kind: FaultKind,
                  address: int) -> None:
        stop, pc = self.fault(bench, row, *values, r0=HOLE)
        assert stop.reason is StopReason.FAULT and stop.fault is not None
        assert (stop.fault.kind, stop.fault.address, stop.fault.pc) == (kind, address, pc)
        assert stop.fault.registers["r0"] == HOLE and stop.fault.registers["r1"] == 5
        assert stop.fault.instruction.startswith(row.split("_")[0])
        assert f"pc=0x{pc:08x}" in stop.fault.report() and "r12=" in stop.fault.report()
        assert bench.core.read("pc") == pc

    def test_write_to_flash(self, bench: Bench) -> None:
        stop, pc = self.fault(bench, "str_imm5", 1, 0, 0, r0=FLASH + 0x800)
        assert stop.fault is not None
        assert (stop.fault.kind, stop.fault.address) == (FaultKind.NO_WRITE, FLASH + 0x800)
        assert stop.fault.pc == pc

    def test_run_in_a_hole(self, bench: Bench) -> None:
        stop, _ = self.fault(bench, "bx", 0, r0=HOLE | 1)
        assert stop.fault is not None
        assert (stop.fault.kind, stop.fault.pc) == (FaultKind.FETCH, HOLE)
        assert stop.fault.instruction == ""

    def test_undefined_instruction(self, bench: Bench) -> None:
        stop, pc = self.fault(bench, "udf", 3, r0=0)
        assert stop.fault is not None
        assert (stop.fault.kind, stop.fault.pc) == (FaultKind.UNDEFINED, pc)
        assert stop.fault.instruction == "udf #3"

    def test_jump_to_arm_code(self, bench: Bench) -> None:
        stop, _ = self.fault(bench, "bx", 0, r0=FLASH + 0x100)
        assert stop.fault is not None and stop.fault.kind is FaultKind.STATE

    def test_device_refuses(self, bench: Bench) -> None:
        p = bench.new()
        p("adds_imm8", 0, 0x80)
        p("str_imm5", 1, 0, 0)
        p("nop")
        address = bench.place(p) & ~1
        stop = bench.run(address, DEVICE)
        assert stop.fault is not None and stop.fault.kind is FaultKind.WRITE
        assert (stop.fault.pc, stop.fault.address) == (address + 2, DEVICE + 0x80)
        assert "is locked" in str(stop.fault)

    def test_bug_in_a_device(self, bench: Bench) -> None:
        p = bench.new()
        p("adds_imm8", 0, 0x80)
        p("str_imm5", 1, 0, 4)
        address = bench.place(p)
        with pytest.raises(ZeroDivisionError, match="a bug of this device"):
            bench.run(address, DEVICE)
        assert bench.run(summing(bench), 2).reason is StopReason.EXIT

    # Calls between host and guest.

    def test_call(self, bench: Bench) -> None:
        core = bench.core
        address = summing(bench)
        before = [core.read(f"r{n}") for n in range(13)] + [core.read("sp")]
        assert core.call(address, 100) == 5050
        assert core.instructions == 1 + 300 + 2
        assert [core.read(f"r{n}") for n in range(13)] + [core.read("sp")] == before

    def test_arguments_on_the_stack(self, bench: Bench) -> None:
        p = bench.new()
        p("ldr_sp", 0, 4)
        p("ldr_sp", 1, 0)
        p("subs_reg", 0, 0, 1)
        p("bx", 14)
        assert bench.core.call(bench.place(p), 1, 2, 3, 4, 50, 92) == 42

    def test_trap(self, bench: Bench) -> None:
        seen = []

        def trap(a: int, b: int, c: int, d: int) -> int | None:
            seen.append((a, b, c, d))
            return a + b if a else None

        address = bench.core.add_trap(trap)
        p = bench.new()
        p("push", LR)
        p("mov_any", 12, 3)
        p("blx", 3)
        p("pop", PC)
        function = bench.place(p)
        assert bench.core.call(function, 1, 2, 3, address) == 3
        assert bench.core.call(function, 0, 2, 3, address) == 0
        assert seen == [(1, 2, 3, address), (0, 2, 3, address)]

    def test_trap_under_run(self, bench: Bench) -> None:
        address = bench.core.add_trap(lambda a, b, c, d: a * 2)
        function = recursive(bench)
        assert bench.run(function, 21, address, slice_=3).reason is StopReason.EXIT
        assert bench.core.read("r0") == 43

    @pytest.mark.parametrize("depth", [1, 59, 60, 61, 130, 230])
    def test_nested_calls(self, bench: Bench, depth: int) -> None:
        core, function = bench.core, recursive(bench)
        sp = core.read("sp")

        def trap(n: int, own: int, c: int, d: int) -> int:
            return core.call(function, n - 1, own) if n else 1000

        address = core.add_trap(trap)
        assert core.call(function, depth, address) == 1000 + depth + 1
        assert (core.read("sp"), core.level) == (sp, 0)
        # push, mov, blx, bx of the trap, adds, pop
        assert core.instructions == 6 * (depth + 1)
        assert core.call(function, depth, address) == 1000 + depth + 1

    def test_too_deep(self, bench: Bench) -> None:
        core, function = bench.core, recursive(bench)
        core.depth = 100

        def trap(n: int, own: int, c: int, d: int) -> int:
            return core.call(function, n, own)

        with pytest.raises(DepthError, match="more than 100 calls"):
            core.call(function, 0, core.add_trap(trap))
        assert core.level == 0
        assert core.call(summing(bench), 10) == 55

    def test_exception_of_a_trap(self, bench: Bench) -> None:
        core, function = bench.core, recursive(bench)
        sp = core.read("sp")

        def trap(n: int, own: int, c: int, d: int) -> int:
            if n == 0:
                raise KeyError("from the innermost")
            if n == 3:
                with pytest.raises(KeyError):
                    core.call(function, n - 1, own)
                return 50
            return core.call(function, n - 1, own)

        address = core.add_trap(trap)
        with pytest.raises(KeyError, match="from the innermost"):
            core.call(function, 2, address)
        assert (core.read("sp"), core.level) == (sp, 0)
        assert core.call(function, 5, address) == 53

    def test_fault_in_a_call(self, bench: Bench) -> None:
        core, function = bench.core, recursive(bench)
        p = bench.new()
        p("ldr_imm5", 0, 0, 0)
        p("bx", 14)
        bad = bench.place(p)
        with pytest.raises(CoreFault) as caught:
            core.call(bad, HOLE)
        assert caught.value.fault.address == HOLE

        def trap(n: int, own: int, c: int, d: int) -> int:
            with pytest.raises(CoreFault):
                core.call(bad, HOLE + 4)
            return 5

        assert core.call(function, 0, core.add_trap(trap)) == 6

    @pytest.mark.parametrize(("depth", "catch"), [
        (0, {0}), (5, {3}), (5, {1, 5}), (50, {40}), (50, {10, 20, 30, 40, 50}), (150, {2, 100}),
        (4, set())])
    def test_unwinding(self, bench: Bench, depth: int, catch: set[int]) -> None:
        """As nlr does: functions f(n) that set a handler (or not) and call the host, which calls
        f(n - 1); the innermost raises 7, each handler adds 0x1000 and the host raises again."""
        core = bench.core
        sp = core.read("sp")
        handlers: list[tuple[int, Frame]] = []
        p = bench.new()
        p("push", LR | 0x70)
        for number, register in ((1, 4), (2, 5)):
            p("mov_any", register, number)
        p("mov_any", 6, 0)
        p("mov_any", 0, 6)
        p("blx", 4)  # push a handler: 0, and again the value that was raised
        p("cmp_imm8", 0, 0)
        p.if_(NE, "caught")
        p("mov_any", 0, 6)
        p("blx", 5)
        p.here("caught")
        p("mov_any", 1, 6)
        p("pop", PC | 0x70)
        function = bench.place(p)
        caught = []

        def raise_(value: int) -> int:
            if not handlers:
                raise ValueError(value)
            number, frame = handlers.pop()
            caught.append(number)
            raise Unwind(frame, value + 0x1000)

        def push(n: int, b: int, c: int, d: int) -> int:
            if n in catch:
                handlers.append((n, core.frame()))
            return 0

        def inner(n: int, b: int, c: int, d: int) -> int:
            if n == 0:
                return raise_(7)
            value = core.call(function, n - 1, *traps)
            if n - 1 in catch and handlers:
                return raise_(value)  # it was caught there: on to the next handler
            return value

        traps = core.add_trap(push), core.add_trap(inner)
        if catch:
            assert core.call(function, depth, *traps) == 7 + 0x1000 * len(catch)
            assert caught == sorted(catch)
        else:
            with pytest.raises(ValueError, match="7"):
                core.call(function, depth, *traps)
        assert (core.read("sp"), core.level, handlers) == (sp, 0, [])

    def test_alarm_during_calls(self, bench: Bench) -> None:
        """Alarms come at their instruction, in nested calls too, and do not disturb."""
        core = bench.core
        loop, function = summing(bench), recursive(bench)
        times: list[int] = []

        def on_alarm() -> None:
            times.append(core.instructions)
            core.alarm += 1000

        core.alarm, core.on_alarm = 500, on_alarm
        address = core.add_trap(lambda n, b, c, d: core.call(loop, 3000))
        assert core.call(function, 0, address) == 3000 * 3001 // 2 + 1
        assert times == list(range(500, core.instructions + 1, 1000)) and len(times) == 9

    def test_alarm_ends_a_call(self, bench: Bench) -> None:
        core = bench.core
        p = bench.new()
        p.here("for ever")
        p.to("b", "for ever")
        endless, function = bench.place(p), recursive(bench)

        def on_alarm() -> None:
            core.alarm = 1 << 62
            raise TimeoutError

        core.alarm, core.on_alarm = 10_000, on_alarm
        with pytest.raises(TimeoutError):
            core.call(endless)
        assert core.instructions == 10_000

        def trap(n: int, b: int, c: int, d: int) -> int:
            core.alarm = core.instructions + 5000
            with pytest.raises(TimeoutError):
                core.call(endless)
            return 8

        assert core.call(function, 0, core.add_trap(trap)) == 9
        assert core.call(summing(bench), 10) == 55

    def test_free_running(self) -> None:
        """Without counting, calls do the same."""
        bench = Bench(self.name, exact=False)
        core, function = bench.core, recursive(bench)
        assert core.call(summing(bench), 1000) == 500500

        def trap(n: int, own: int, c: int, d: int) -> int:
            return core.call(function, n - 1, own) if n else 1

        assert core.call(function, 100, core.add_trap(trap)) == 102
        p = bench.new()
        p("str_imm5", 1, 0, 4)
        p("str_imm5", 1, 0, 0)
        p("bx", 14)
        stores = bench.place(p)
        with pytest.raises(CoreFault, match="is locked"):
            core.call(stores, DEVICE + 0x7C)
        with pytest.raises(ZeroDivisionError):
            core.call(stores, DEVICE + 0x80)
        with pytest.raises(CoreFault, match="nothing answers at 0x30000004"):
            core.call(stores, HOLE)
        assert bench.device.seen == [("write", 0x80, 4, 0), ("write", 0x84, 4, 0)]
        assert core.call(summing(bench), 3) == 6
        with pytest.raises(CoreError, match="has no budgets"):
            core.run(10)

    # State.

    def test_save_and_restore(self, bench: Bench) -> None:
        core = bench.core
        bench.start(summing(bench), 1000)
        core.run(100)
        state = core.save()
        first = core.run(50), core.save()
        core.restore(state)
        assert core.instructions == 100
        assert (core.run(50), core.save()) == first
        assert first[1].registers["r1"] == sum(1000 - n for n in range(50))

    def test_reset(self, bench: Bench) -> None:
        core = bench.core
        vectors = (RAM + 0x800).to_bytes(4, "little") + summing(bench).to_bytes(4, "little")
        bench.bus.load(FLASH + 0x400, vectors)
        core.write("r5", 5)
        core.write("primask", 1)
        core.reset(FLASH + 0x400)
        assert (core.read("sp"), core.read("pc"), core.read("r5"), core.read("primask")) == (
            RAM + 0x800, FLASH, 0, 0)
        core.run(3)
        core.reset()
        assert core.read("pc") == FLASH

    def test_runs_do_not_nest(self, bench: Bench) -> None:
        core = bench.core

        def trap(a: int, b: int, c: int, d: int) -> int:
            with pytest.raises(CoreError, match="inside of a run or call"):
                core.run(1)
            with pytest.raises(CoreError, match="between runs"):
                core.save()
            return 1

        assert core.call(recursive(bench), 0, core.add_trap(trap)) == 2
