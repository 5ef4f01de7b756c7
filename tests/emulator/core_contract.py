"""What every core has to do, as a class of tests; a subclass says how to make the core.

The programs stand beside it, per family of cores: `core_arm.py`, `core_xtensa.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, final

import pytest

from mpy_cross.emulator.bus import Bus, BusFault, Window
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

SIZE: Final = 0x1_0000
CODE_IN_RAM: Final = 0x8000  # offset


class Device:
    """Registers that remember accesses; reads give 0x100 + offset."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int, int, int]] = []
        self.core: Any = None
        self.base = 0
        self.times: list[int] = []

    def read(self, offset: int, size: int) -> int:
        self.seen.append(("read", offset, size, 0))
        if self.core is not None:
            self.times.append(self.core.instructions)
        return 0x100 + offset

    def write(self, offset: int, size: int, value: int) -> None:
        self.seen.append(("write", offset, size, value))
        if offset == 0x80:
            raise BusFault(self.base + offset, size, "write", "is locked")
        if offset == 0x84:
            raise ZeroDivisionError("a bug of this device")


@final
@dataclass(frozen=True, slots=True)
class Counts:
    """Instructions of the programs: of `summing` before and behind its loop of three, of
    `recursive` altogether, and at an exit."""

    before: int
    after: int
    recursive: int
    at_exit: int


class Bench:
    """A core with flash, RAM and a device; code is put into flash.

    Programs are functions; an argument of a method named `n` and so on is what the program is made
    with, while the docstrings say what it does with its own arguments.
    names: of the registers of the first arguments, inside of a function; result: of the register
    that has the result after a run; kept: of registers that a call from the host leaves alone;
    mark: bits of an address that say that code stands there; spelling: mnemonics of what
    `accessing_at` does.
    """

    flash = ram = device_base = hole = mark = 0
    counts: Counts
    names: tuple[str, ...]
    kept: tuple[str, ...]
    result: str
    spelling: dict[str, str]
    core: Any

    def __init__(self, name: str, exact: bool = True) -> None:
        self.bus = Bus()
        self.bus.memory("flash", self.flash, SIZE, "rx")
        self.bus.memory("ram", self.ram, SIZE)
        self.device = Device()
        self.device.base = self.device_base
        self.bus.window(Window("device", self.device_base, 0x100, self.device.read,
                               self.device.write))
        self.core = self.make(name, exact)
        self.core.write("sp", self.ram + SIZE)
        self.exit = self.core.add_exit() if exact else 0
        self.free = self.flash

    def make(self, name: str, exact: bool) -> Any:
        """The core on `self.bus`."""
        raise NotImplementedError

    def put(self, origin: int, code: bytes) -> None:
        """Puts code where it was made for."""
        self.bus.load(origin, code)
        self.core.code_changed(origin, len(code))
        if origin == self.free:
            self.free += -(-len(code) // 16) * 16

    def start(self, address: int, *args: int) -> None:
        """The next run begins with this function, and ends at the exit when it returns."""
        raise NotImplementedError

    def where(self, function: int) -> int:
        """The address of the first instruction of a function."""
        return function

    def run(self, address: int, *args: int, slice_: int = 1_000_000) -> Stop:
        """Runs to the end in slices."""
        self.start(address, *args)
        for _ in range(1_000_000):
            stop: Stop = self.core.run(slice_)
            if stop.reason is not StopReason.BUDGET:
                return stop
        raise AssertionError("no end")

    def argument(self, number: int) -> int:
        """Inside of a function: what is in the register of an argument."""
        value: int = self.core.read(self.names[number])
        return value

    @property
    def answer(self) -> int:
        """The result after a run."""
        value: int = self.core.read(self.result)
        return value

    def wake(self) -> None:
        """Makes an interrupt pending that ends what `waiting` waits for."""
        raise NotImplementedError

    def make_vectors(self, address: int) -> int:
        """Puts what a reset needs there; where execution begins then, with some instructions."""
        raise NotImplementedError

    # Programs.

    def summing(self) -> int:
        """f(n): the sum of 1 to n, by a loop of 3 instructions; the sum is kept in the register of
        the second argument."""
        raise NotImplementedError

    def recursive(self) -> int:
        """f(n, trap): 1 + trap(n, trap)."""
        raise NotImplementedError

    def deciding(self) -> int:
        """f(n): for each number from n down to 1, adds 1 if number & 0x7F < 50, else 3."""
        raise NotImplementedError

    def waiting(self) -> int:
        """f(): holds back interrupts (one instruction), waits for one, and gives 7."""
        raise NotImplementedError

    def counting(self) -> int:
        """f(p): p[1] = p[0] + 1, in words."""
        raise NotImplementedError

    def accessing(self) -> int:
        """f(p): reads a word at p + 8, puts it as byte to p + 1, as halfword to p + 2, as word to
        p + 4; the byte at p + 3 plus the halfword at p + 6."""
        raise NotImplementedError

    def constant(self, value: int, origin: int = -1) -> int:
        """f(): a small number; origin: where it stands, by default in flash."""
        raise NotImplementedError

    def changing(self) -> int:
        """f(): calls a function in RAM that gives 1, changes it into one that gives 2, calls it
        again; the first result times 16 plus the second."""
        raise NotImplementedError

    def accessing_at(self, kind: str, offset: int) -> tuple[int, int]:
        """f(p): "load" a word, or "store" or "store byte" of 5 from the register of the second
        argument, at p + offset, then goes on a little; and the place of that instruction."""
        raise NotImplementedError

    def jumping(self) -> int:
        """f(p): goes on at p."""
        raise NotImplementedError

    def undefined(self) -> tuple[int, int, str]:
        """A function with an undefined instruction, the place of that, and its text."""
        raise NotImplementedError

    def difference(self) -> int:
        """f(a, b, c, d, ...): of the last of eight arguments, less the one before."""
        raise NotImplementedError

    def calling(self) -> int:
        """f(a, b, c, d): d(a, b, c, d), with the registers of the rest changed before."""
        raise NotImplementedError

    def guarded(self) -> int:
        """f(n, push, inner): if push(n) is 0 inner(n, push, inner), else what push gave."""
        raise NotImplementedError

    def endless(self) -> int:
        raise NotImplementedError


class CoreContract:
    """kind: of bench; name: of the core."""

    kind: type[Bench]
    name = ""

    @pytest.fixture(autouse=True)
    def recursion(self) -> Iterator[None]:
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(5000)
        yield
        sys.setrecursionlimit(before)

    @pytest.fixture
    def bench(self) -> Bench:
        return self.kind(self.name)

    # Running.

    def test_arithmetic(self, bench: Bench) -> None:
        stop = bench.run(bench.summing(), 1000)
        assert stop.reason is StopReason.EXIT and stop.number == 0
        assert bench.answer == 500500
        counts = bench.counts
        assert bench.core.instructions == counts.before + 3000 + counts.after + counts.at_exit

    @pytest.mark.parametrize("slice_", [1, 2, 7, 100, 2999])
    def test_counts_do_not_depend_on_slices(self, bench: Bench, slice_: int) -> None:
        bench.run(bench.summing(), 1000, slice_=slice_)
        counts = bench.counts
        assert (bench.answer, bench.core.instructions) == (
            500500, counts.before + 3000 + counts.after + counts.at_exit)

    def test_budget_is_exact(self, bench: Bench) -> None:
        address = bench.summing()
        bench.start(address, 1000)
        before = bench.counts.before
        stop = bench.core.run(before)
        assert (stop.reason, stop.instructions) == (StopReason.BUDGET, before)
        loop = stop.pc
        assert loop > bench.where(address)
        assert bench.core.run(3).pc == loop  # once around the loop
        assert (bench.argument(0), bench.argument(1)) == (999, 1000)
        assert bench.core.run(1).pc > loop and bench.core.run(2).pc == loop
        assert bench.core.instructions == before + 6
        assert bench.core.run(0).instructions == 0

    def test_flags_survive_slices(self) -> None:
        seen = set()
        for slice_ in (1, 3, 5, 1000):
            bench = self.kind(self.name)
            bench.run(bench.deciding(), 300, slice_=slice_)
            seen.add((bench.answer, bench.core.instructions))
        assert len(seen) == 1
        assert seen.pop()[0] == sum(1 if n & 0x7F < 50 else 3 for n in range(1, 301))

    def test_cycles_follow_instructions(self, bench: Bench) -> None:
        core = bench.core
        bench.start(bench.summing(), 1000)
        for cycles in (1, 10, 333):
            before = core.cycles
            wanted = core.budget(cycles)
            core.run(wanted)
            assert core.cycles - before >= cycles
            one_less = (core.instructions - 1) * core.model.cycles // 100
            assert wanted == 1 or one_less - before < cycles

    def test_halt(self, bench: Bench) -> None:
        bench.start(bench.summing(), 1000)
        bench.core.halt()
        assert bench.core.run(10).reason is StopReason.HALTED
        assert bench.core.run(10).reason is StopReason.BUDGET

    def test_breakpoints(self, bench: Bench) -> None:
        address = bench.summing()
        core = bench.core
        bench.start(address, 3)
        before = bench.counts.before
        place = core.run(before + 1).pc  # in the loop
        core.add_breakpoint(place)
        bench.start(address, 3)
        began = core.instructions
        for n in (3, 2, 1):
            stop = core.run(1000)
            assert (stop.reason, stop.pc) == (StopReason.BREAKPOINT, place)
            assert bench.argument(0) == n
        assert core.instructions - began == before + 1 + 3 + 3
        core.remove_breakpoint(place)
        assert core.run(1000).reason is StopReason.EXIT
        assert bench.answer == 6
        assert core.instructions - began == before + 9 + bench.counts.after + bench.counts.at_exit

    def test_unknown_register(self, bench: Bench) -> None:
        first = bench.core.register_names[0]
        with pytest.raises(CoreError, match=f"no register 'x0'; there are {first}"):
            bench.core.read("x0")

    def test_wait_for_interrupt(self, bench: Bench) -> None:
        core = bench.core
        address = bench.waiting()
        bench.start(address)
        stop = core.run(100)
        assert (stop.reason, stop.instructions) == (StopReason.IDLE, bench.counts.before + 1)
        assert core.run(100).instructions == 0
        bench.wake()
        assert core.run(100).reason is StopReason.EXIT
        assert bench.answer == 7

    # Memory and devices.

    def test_memory_is_shared(self, bench: Bench) -> None:
        address = bench.counting()
        view = bench.bus.view(bench.ram + 0x40, 8)
        for value in (5, 0xFFFF_FFFF):
            view[:4] = value.to_bytes(4, "little")
            bench.run(address, bench.ram + 0x40)
            assert int.from_bytes(view[4:], "little") == (value + 1) & 0xFFFF_FFFF

    def test_device_accesses_in_order(self, bench: Bench) -> None:
        address = bench.accessing()
        bench.device.core = bench.core
        bench.run(address, bench.device_base)
        assert bench.device.seen == [
            ("read", 8, 4, 0), ("write", 1, 1, 8), ("write", 2, 2, 0x108), ("write", 4, 4, 0x108),
            ("read", 3, 1, 0), ("read", 6, 2, 0)]
        assert bench.answer == 3 + 0x106
        first = bench.counts.before - 1
        assert bench.device.times == [first, first + 4, first + 5]

    def test_host_changes_code(self, bench: Bench) -> None:
        results = []
        for number in (1, 2):
            bench.run(bench.constant(number, bench.ram + CODE_IN_RAM))
            results.append(bench.answer)
        assert results == [1, 2]

    def test_no_code_changed(self, bench: Bench) -> None:
        bench.core.code_changed(bench.ram, 0)
        assert bench.core.call(bench.summing(), 3) == 6

    def test_program_changes_its_code(self, bench: Bench) -> None:
        bench.run(bench.changing())
        assert bench.answer == 0x12

    # Faults.

    @pytest.mark.parametrize(("what", "offset", "kind"), [
        ("load", 4, FaultKind.READ), ("store", 8, FaultKind.WRITE),
        ("store byte", 3, FaultKind.WRITE),
    ])
    def test_hole(self, bench: Bench, what: str, offset: int, kind: FaultKind) -> None:
        address, pc = bench.accessing_at(what, offset)
        stop = bench.run(address, bench.hole)
        assert stop.reason is StopReason.FAULT and stop.fault is not None
        fault = stop.fault
        assert (fault.kind, fault.address, fault.pc) == (kind, bench.hole + offset, pc)
        assert fault.registers[bench.names[0]] == bench.hole
        assert fault.registers[bench.names[1]] == 5
        assert fault.instruction.startswith(bench.spelling[what])
        assert f"pc=0x{pc:08x}" in fault.report() and f"{bench.names[3]}=" in fault.report()
        assert bench.core.read("pc") == pc

    def test_write_to_flash(self, bench: Bench) -> None:
        address, pc = bench.accessing_at("store", 0)
        stop = bench.run(address, bench.flash + 0x800)
        assert stop.fault is not None
        assert (stop.fault.kind, stop.fault.address) == (FaultKind.NO_WRITE, bench.flash + 0x800)
        assert stop.fault.pc == pc

    def test_run_in_a_hole(self, bench: Bench) -> None:
        stop = bench.run(bench.jumping(), bench.hole | bench.mark)
        assert stop.fault is not None
        assert (stop.fault.kind, stop.fault.pc) == (FaultKind.FETCH, bench.hole)
        assert stop.fault.instruction == ""

    def test_undefined_instruction(self, bench: Bench) -> None:
        address, pc, text = bench.undefined()
        stop = bench.run(address)
        assert stop.fault is not None
        assert (stop.fault.kind, stop.fault.pc) == (FaultKind.UNDEFINED, pc)
        assert stop.fault.instruction == text

    def test_device_refuses(self, bench: Bench) -> None:
        address, pc = bench.accessing_at("store", 0)
        stop = bench.run(address, bench.device_base + 0x80)
        assert stop.fault is not None and stop.fault.kind is FaultKind.WRITE
        assert (stop.fault.pc, stop.fault.address) == (pc, bench.device_base + 0x80)
        assert "is locked" in str(stop.fault)

    def test_bug_in_a_device(self, bench: Bench) -> None:
        address, _ = bench.accessing_at("store", 4)
        with pytest.raises(ZeroDivisionError, match="a bug of this device"):
            bench.run(address, bench.device_base + 0x80)
        assert bench.run(bench.summing(), 2).reason is StopReason.EXIT

    # Calls between host and guest.

    def registers(self, bench: Bench) -> list[int]:
        return [bench.core.read(name) for name in bench.kept]

    def test_call(self, bench: Bench) -> None:
        core = bench.core
        address = bench.summing()
        before = self.registers(bench)
        assert core.call(address, 100) == 5050
        assert core.instructions == bench.counts.before + 300 + bench.counts.after
        assert self.registers(bench) == before

    def test_arguments_on_the_stack(self, bench: Bench) -> None:
        sp = bench.core.read("sp")
        assert bench.core.call(bench.difference(), 1, 2, 3, 4, 5, 6, 50, 92) == 42
        assert bench.core.read("sp") == sp

    def test_trap(self, bench: Bench) -> None:
        seen = []

        def trap(a: int, b: int, c: int, d: int) -> int | None:
            seen.append((a, b, c, d))
            return a + b if a else None

        address = bench.core.add_trap(trap)
        function = bench.calling()
        assert bench.core.call(function, 1, 2, 3, address) == 3
        assert bench.core.call(function, 0, 2, 3, address) == 0
        assert seen == [(1, 2, 3, address), (0, 2, 3, address)]

    def test_trap_under_run(self, bench: Bench) -> None:
        address = bench.core.add_trap(lambda a, b, c, d: a * 2)
        function = bench.recursive()
        assert bench.run(function, 21, address, slice_=3).reason is StopReason.EXIT
        assert bench.answer == 43

    @pytest.mark.parametrize("depth", [1, 59, 60, 61, 130, 230])
    def test_nested_calls(self, bench: Bench, depth: int) -> None:
        core, function = bench.core, bench.recursive()
        sp = core.read("sp")

        def trap(n: int, own: int, c: int, d: int) -> int:
            return int(core.call(function, n - 1, own)) if n else 1000

        address = core.add_trap(trap)
        assert core.call(function, depth, address) == 1000 + depth + 1
        assert (core.read("sp"), core.level) == (sp, 0)
        assert core.instructions == bench.counts.recursive * (depth + 1)
        assert core.call(function, depth, address) == 1000 + depth + 1

    def test_too_deep(self, bench: Bench) -> None:
        core, function = bench.core, bench.recursive()
        core.depth = 100

        def trap(n: int, own: int, c: int, d: int) -> int:
            return int(core.call(function, n, own))

        with pytest.raises(DepthError, match="more than 100 calls"):
            core.call(function, 0, core.add_trap(trap))
        assert core.level == 0
        assert core.call(bench.summing(), 10) == 55

    def test_exception_of_a_trap(self, bench: Bench) -> None:
        core, function = bench.core, bench.recursive()
        sp = core.read("sp")

        def trap(n: int, own: int, c: int, d: int) -> int:
            if n == 0:
                raise KeyError("from the innermost")
            if n == 3:
                with pytest.raises(KeyError):
                    core.call(function, n - 1, own)
                return 50
            return int(core.call(function, n - 1, own))

        address = core.add_trap(trap)
        with pytest.raises(KeyError, match="from the innermost"):
            core.call(function, 2, address)
        assert (core.read("sp"), core.level) == (sp, 0)
        assert core.call(function, 5, address) == 53

    def test_fault_in_a_call(self, bench: Bench) -> None:
        core, function = bench.core, bench.recursive()
        bad, _ = bench.accessing_at("load", 0)
        with pytest.raises(CoreFault) as caught:
            core.call(bad, bench.hole)
        assert caught.value.fault.address == bench.hole

        def trap(n: int, own: int, c: int, d: int) -> int:
            with pytest.raises(CoreFault):
                core.call(bad, bench.hole + 4)
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
        function = bench.guarded()
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
            assert isinstance(value, int)
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
        loop, function = bench.summing(), bench.recursive()
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
        endless, function = bench.endless(), bench.recursive()

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
        assert core.call(bench.summing(), 10) == 55

    def test_free_running(self) -> None:
        """Without counting, calls do the same."""
        bench = self.kind(self.name, exact=False)
        core, function = bench.core, bench.recursive()
        assert core.call(bench.summing(), 1000) == 500500

        def trap(n: int, own: int, c: int, d: int) -> int:
            return int(core.call(function, n - 1, own)) if n else 1

        assert core.call(function, 100, core.add_trap(trap)) == 102
        stores, _ = bench.accessing_at("store", 4)
        again, _ = bench.accessing_at("store", 0)
        with pytest.raises(CoreFault, match="is locked"):
            core.call(stores, bench.device_base + 0x7C)
        with pytest.raises(ZeroDivisionError):
            core.call(stores, bench.device_base + 0x80)
        with pytest.raises(CoreFault, match=f"nothing answers at 0x{bench.hole:x}"):
            core.call(again, bench.hole)
        assert bench.device.seen == [("write", 0x80, 4, 5), ("write", 0x84, 4, 5)]
        assert core.call(bench.summing(), 3) == 6
        with pytest.raises(CoreError, match="has no budgets"):
            core.run(10)

    # State.

    def test_save_and_restore(self, bench: Bench) -> None:
        core = bench.core
        bench.start(bench.summing(), 1000)
        core.run(100)
        state = core.save()
        first = core.run(49 + bench.counts.before), core.save()
        core.restore(state)
        assert core.instructions == 100
        assert (core.run(49 + bench.counts.before), core.save()) == first
        assert bench.argument(1) == sum(1000 - n for n in range(50))

    def test_reset(self, bench: Bench) -> None:
        core = bench.core
        vectors = bench.flash + 0x400
        start = bench.make_vectors(vectors)
        core.write(bench.kept[5], 5)
        core.reset(vectors)
        assert (core.read("pc"), core.read(bench.kept[5])) == (start, 0)
        core.run(1)
        assert core.read("pc") > start
        core.reset()
        assert core.read("pc") == start

    def test_runs_do_not_nest(self, bench: Bench) -> None:
        core = bench.core

        def trap(a: int, b: int, c: int, d: int) -> int:
            with pytest.raises(CoreError, match="inside of a run or call"):
                core.run(1)
            with pytest.raises(CoreError, match="between runs"):
                core.save()
            return 1

        assert core.call(bench.recursive(), 0, core.add_trap(trap)) == 2
