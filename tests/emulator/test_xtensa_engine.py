"""What is particular to translated Xtensa code: pages, devices, code that changes, fall-backs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from mpy_cross.emulator.bus import Bus, Memory, Window
from mpy_cross.emulator.cores.core import CoreFault, FaultKind, MissingEngineError, StopReason
from mpy_cross.emulator.cores.xtensa import core as core_module
from mpy_cross.emulator.cores.xtensa import engine as engine_module
from mpy_cross.emulator.cores.xtensa.core import TranslatedXtensa, xtensa_core
from mpy_cross.emulator.cores.xtensa.engine import best_page, whole_pages
from mpy_cross.emulator.cores.xtensa.interpreted_core import InterpretedXtensa
from tests.emulator import core_contract, xtensa_kernels
from tests.emulator.core_xtensa import Program
from tests.emulator.test_xtensa_translated import TranslatedBench

CODE: Final = 0x4010_0000
RAM: Final = 0x3FFE_8000
ROM: Final = 0x3FFF_C000
DEVICE: Final = 0x6000_0000


def esp8266() -> tuple[Bus, list[tuple[int, int]]]:
    """A bus such as that chip's, whose memories do not fill large pages; a list of what is written
    to the device, whose reads give 0x1000 + offset."""
    bus, written = Bus(), []
    bus.memory("code", CODE, 0x8000)
    bus.memory("ram", RAM, 0x1_4000)
    bus.memory("rom", ROM, 0x4000, "rx")
    bus.window(Window("device", DEVICE, 0x100, lambda offset, size: 0x1000 + offset,
                      lambda offset, size, value: written.append((offset, value))))
    return bus, written


def place(core: TranslatedXtensa, make: Callable[[Program], None], address: int = CODE) -> int:
    p = Program(address)
    make(p)
    code = p.finish()
    core.bus.load(address, code)
    core.code_changed(address, len(code))
    return address


def make(bus: Bus, name: str = "lx106") -> TranslatedXtensa:
    core = TranslatedXtensa(name, bus)
    core.write("sp", RAM + 0x1000)
    return core


def load(p: Program) -> None:
    p("l32i", 2, 2, 0)
    p("ret.n")


def store(p: Program) -> None:
    p("s32i", 3, 2, 0)
    p("movi", 2, 1)
    p("ret.n")


def adding(p: Program) -> None:
    """add(n, address): adds 1 to a word n times."""
    p.here("again")
    p("l32i", 4, 3, 0)
    p("addi", 4, 4, 1)
    p("s32i", 4, 3, 0)
    p("addi", 2, 2, -1)
    p.to("bnez", "again", 2)
    p("mov.n", 2, 4)
    p("ret.n")


def memory(base: int, size: int) -> Memory:
    return Memory("m", base, size, memoryview(bytearray(size)), "rw")


def test_size_of_pages() -> None:
    assert best_page([memory(0x4008_0000, 0x2_0000), memory(0x3FFB_0000, 0x4_0000)]) == 16
    # A small part that stands elsewhere does not matter.
    assert best_page([memory(0x3FFA_E000, 0x5_2000), memory(0x5000_0000, 0x2000)]) == 16
    assert best_page(esp8266()[0].memories) == 14
    assert best_page([memory(0x3FFE_9000, 0x3000)]) == 12
    assert whole_pages(memory(0x1_8000, 0x2_0000), 16) == range(2, 3)


@pytest.mark.parametrize("address", [
    RAM, RAM + 0x7FFC, RAM + 0x8000, ROM - 4, ROM - 8])
def test_edges_of_memory(address: int) -> None:
    core = make(esp8266()[0])
    place(core, adding)
    core.bus.write(address, 4, 100)
    assert core.call(CODE, 50, address) == 150
    assert core.bus.read(address, 4) == 150


@pytest.mark.parametrize(("address", "kind"), [
    (RAM - 4, FaultKind.READ), (CODE + 0x8000, FaultKind.READ), (0, FaultKind.READ),
    (0xFFFF_FFFC, FaultKind.READ), (RAM + 2, FaultKind.UNALIGNED)])
def test_outside_of_memory(address: int, kind: FaultKind) -> None:
    core = make(esp8266()[0])
    place(core, load)
    for _ in range(3):
        with pytest.raises(CoreFault) as caught:
            core.call(CODE, address)
        assert (caught.value.fault.kind, caught.value.fault.address) == (kind, address)
        assert caught.value.fault.pc == CODE
    place(core, store)
    with pytest.raises(CoreFault) as caught:
        core.call(CODE, ROM, 5)
    assert caught.value.fault.kind is FaultKind.NO_WRITE


def test_unaligned_where_it_is_allowed() -> None:
    bus = Bus()
    bus.memory("code", CODE, 0x1_0000)
    bus.memory("ram", 0x3FFB_0000, 0x1_0000)
    core = make(bus, "lx6")
    core.write("sp", 0x3FFB_8000)

    def code(p: Program) -> None:
        p("entry", 1, 32)
        p("l32i", 2, 2, 0)
        p("retw.n")

    place(core, code)
    bus.load(0x3FFB_0000, bytes(range(16)))
    assert core.call(CODE, 0x3FFB_0003) == 0x0605_0403


def test_one_instruction_meets_memory_and_devices() -> None:
    bus, written = esp8266()
    core = make(bus)
    place(core, store)
    place(core, load, CODE + 0x100)
    for number in range(20):
        for address in (RAM + 4 * number, DEVICE + 4 * number, ROM - 4):
            core.call(CODE, address, number)
        assert core.call(CODE + 0x100, RAM + 4 * number) == number
        assert core.call(CODE + 0x100, DEVICE + 4 * number) == 0x1000 + 4 * number
        assert core.call(CODE + 0x100, ROM) == 0
    assert written == [(4 * number, number) for number in range(20)]
    assert core.instructions == 20 * (3 * 3 + 3 * 2)


@pytest.mark.parametrize("distance", [0x40, 0x1000, 0x4000])
def test_data_beside_code(distance: int) -> None:
    """Stores near to code that go on and on: the code is compared instead of being watched."""
    core = make(esp8266()[0])
    place(core, adding)
    translator = core.translator
    for number in range(1, 40):
        assert core.call(CODE, 10, CODE + distance) == 10 * number
    begun = translator.instructions
    assert core.call(CODE, 1000, CODE + distance) == 1390
    assert translator.instructions == begun  # nothing is translated again and again
    place(core, load)
    assert core.call(CODE, CODE + distance) == 1390


@pytest.mark.parametrize("times", [3, 200])
def test_code_that_changes(times: int) -> None:
    assert xtensa_kernels.called(TranslatedXtensa, "changing", "lx6", times) == \
        xtensa_kernels.called(InterpretedXtensa, "changing", "lx6", times)


def test_code_at_two_addresses() -> None:
    """A store to one alias of code changes what is executed at the other."""
    bus = Bus()
    code = bus.memory("code", CODE, 0x1_0000)
    bus.alias(code, CODE + 0x10_0000)
    bus.memory("ram", 0x3FFE_0000, 0x2_0000)
    core = make(bus)

    def constant(p: Program) -> None:
        p("movi", 2, 1)
        p("ret.n")

    place(core, constant)
    place(core, store, CODE + 0x8000)
    assert core.call(CODE) == 1
    other = Program(CODE)
    other("movi", 2, 7)
    other("nop")
    word = int.from_bytes(other.finish()[:4], "little") & 0xFF_FFFF | bus.read(CODE + 3, 1) << 24
    core.call(CODE + 0x8000, CODE + 0x10_0000, word)
    assert core.call(CODE) == core.call(CODE + 0x10_0000) == 7
    bus.load(CODE + 0x10_0000, bus.view(CODE + 0x8000 + 3, 5))
    core.code_changed(CODE + 0x10_0000, 5)
    assert core.call(CODE) == 1


def test_code_that_changes_in_a_page_that_memory_does_not_fill() -> None:
    bus = Bus()
    bus.memory("code", CODE, 0x1_0000)
    bus.memory("ram", 0x3FFE_0000, 0x2_0000)
    small = bus.memory("small", 0x5000_0000, 0x800)
    core = make(bus)
    assert not core.engine.is_memory(small.base >> core.engine.page_bits)
    p = Program(small.base)
    p("movi", 2, 1)
    p("ret.n")
    bus.load(small.base, p.finish())
    place(core, store)
    assert core.call(small.base) == 1
    word = bus.read(small.base, 4)
    for number in range(2, 20):
        core.call(CODE, small.base, word & ~0xFF_0000 | number << 16)
        assert core.call(small.base) == number


def test_a_loop_that_the_host_sets() -> None:
    """LEND in the middle of code that was translated before."""
    bus = Bus()
    bus.memory("code", CODE, 0x1_0000)
    bus.memory("ram", 0x3FFE_0000, 0x2_0000)
    core = make(bus, "lx6")

    def code(p: Program) -> None:
        for _ in range(4):
            p("addi", 2, 2, 1)
        p("jx", 4)

    place(core, code)
    exit_ = core.add_exit()
    for count, result in ((0, 4), (5, 4 + 5 * 2), (0, 4)):
        for name, value in (("a2", 0), ("a4", exit_), ("pc", CODE), ("lbeg", CODE + 3),
                            ("lend", CODE + 9), ("lcount", count)):
            core.write(name, value)
        assert core.run(1000).reason is StopReason.EXIT
        assert (core.read("a2"), core.read("lcount")) == (result, 0)


def test_code_that_never_stays_is_interpreted() -> None:
    """It is translated a few times; afterwards it is interpreted, until it stays as it is."""
    core = make(esp8266()[0])
    translator, function = core.translator, CODE + 0x100
    place(core, store)
    place(core, lambda p: p("ret.n"), function)

    def change(number: int) -> None:
        p = Program(function)
        p("movi.n", 2, number)
        p("ret.n")
        core.call(CODE, function, int.from_bytes(p.finish()[:4], "little"))
        for _ in range(2):
            assert core.call(function) == number

    for number in range(30):
        change(number)
    begun = translator.instructions
    for number in range(60):
        change(number)
    assert translator.instructions == begun
    assert [*translator.unsteady] == [function]
    for _ in range(translator.unsteady[function]):
        core.call(function)
    assert not translator.unsteady
    assert core.call(function) == 59
    assert translator.instructions == begun + 2
    for number in range(3):
        change(number)
        assert [*translator.unsteady] == [function]  # at once


def test_a_loop_with_branches_is_made_one_piece() -> None:
    """Where a branch leads back, what is behind the branches in between is put together; the
    result and the count do not change, whatever the budget, and stores to it are noticed."""
    bus = Bus()
    bus.memory("code", CODE, 0x1_0000)
    bus.memory("ram", 0x3FFE_0000, 0x2_0000)

    def code(p: Program) -> None:
        p("movi", 3, 0)
        p.here("again")
        for bit in range(4):
            p.to("bbci", f"skip {bit}", 2, bit)
            p("addi", 3, 3, 1 + bit)
            p.here(f"skip {bit}")
        p("addi", 2, 2, -1)
        p.to("bnez", "again", 2)
        p("mov.n", 2, 3)
        p("ret.n")

    core, plain = make(bus), InterpretedXtensa("lx106", bus)
    plain.write("sp", 0x3FFE_1000)
    place(core, code)
    assert core.call(CODE, 100) == plain.call(CODE, 100)
    assert core.instructions == plain.instructions
    assert any(len(block.parts) > 2 for block in core.translator.blocks.values())
    for budget in (1, 2, 3, 5, 7, 11, 16):
        for each in (core, plain):
            each.write("pc", CODE)
            each.write("a2", 30)
        for _ in range(60):
            for each in (core, plain):
                each.run(budget)
            assert core.read("pc") == plain.read("pc")
            assert core.read("a3") == plain.read("a3")
    place(core, lambda p: p("ret.n"), CODE + 6)
    assert core.call(CODE, 1) == plain.call(CODE, 1)


def test_translations_that_fill_their_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are forgotten then, and everything goes on."""
    bus = Bus()
    bus.memory("code", CODE, 0x1_0000)
    bus.memory("ram", 0x3FFE_0000, 0x2_0000)
    core = make(bus)
    count = 0
    forget = core.translator.forget

    def counted() -> None:
        nonlocal count
        count += 1
        forget()

    monkeypatch.setattr(type(core.translator), "forget", lambda self: counted())
    monkeypatch.setattr(type(core.translator.buffer), "full",
                        property(lambda self: self.at > 0x2_0030_0000 + 3000))

    def code(p: Program) -> None:
        p("movi", 3, 0)
        p.here("again")
        for number in range(60):
            p("addi", 3, 3, 1)
            p.to("bbci", f"skip {number}", 3, number & 3)
            p("addi", 3, 3, 2)
            p.here(f"skip {number}")
        p("addi", 2, 2, -1)
        p.to("beqz", "end", 2)
        p.to("j", "again")
        p.here("end")
        p("mov.n", 2, 3)
        p("ret.n")

    place(core, code)
    plain = InterpretedXtensa("lx106", bus)
    plain.write("sp", RAM)
    assert core.call(CODE, 5) == plain.call(CODE, 5)
    assert core.instructions == plain.instructions and count > 3


def test_many_instructions_in_slices() -> None:
    """Each budget is kept to the instruction, wherever it ends."""
    core = make(esp8266()[0])
    place(core, adding)
    exit_ = core.add_exit()
    for name, value in (("a2", 500), ("a3", RAM), ("a0", exit_), ("pc", CODE)):
        core.write(name, value)
    done, step = 0, 1
    while True:
        stop = core.run(step)
        done += stop.instructions
        if stop.reason is StopReason.EXIT:
            break
        assert stop.instructions == step and core.instructions == done
        step = step % 17 + 1
    assert (core.read("a2"), done) == (500, 2502)


# What is done where things are missing.

@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "virtual_works", lambda: False)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("name", ["lx106", "lx6"])
class TestPlainMemory:
    """The engine's own way to see memory does the same."""

    def test_kernels(self, name: str) -> None:
        for kernel in {kernel for kernel, core, _, _ in xtensa_kernels.recorded()
                       if (core == "lx106") == (name == "lx106")}:
            n = xtensa_kernels.KERNELS[kernel].n
            assert xtensa_kernels.called(TranslatedXtensa, kernel, name, n) == \
                xtensa_kernels.called(InterpretedXtensa, kernel, name, n)

    def test_stores(self, name: str) -> None:
        bench = TranslatedBench(name)
        contract = core_contract.CoreContract()
        contract.test_write_to_flash(bench)
        contract.test_host_changes_code(TranslatedBench(name))
        contract.test_program_changes_its_code(TranslatedBench(name))
        contract.test_device_accesses_in_order(TranslatedBench(name))


def test_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise MissingEngineError("no Unicorn here")

    bus = esp8266()[0]
    assert isinstance(xtensa_core("lx106", bus), TranslatedXtensa)
    monkeypatch.setattr(core_module, "library", missing)
    with pytest.warns(RuntimeWarning, match="interpreted, a hundred times slower: no Unicorn"):
        core = xtensa_core("lx106", bus)
    assert isinstance(core, InterpretedXtensa)
    core.write("sp", RAM + 0x1000)
    p = Program(CODE)
    adding(p)
    bus.load(CODE, p.finish())
    assert core.call(CODE, 3, RAM) == 3


def test_a_loop_that_begins_while_the_interpreter_is_at_work() -> None:
    """Where a budget ends behind a branch out of a long block, LOOP is not executed by translated
    code, which has to know the end of the loop all the same."""
    bus = Bus()
    bus.memory("code", CODE, 0x1_0000)
    bus.memory("ram", 0x3FFE_0000, 0x2_0000)

    def code(p: Program) -> None:
        p.here("again")
        p.to("bbci", "over", 2, 0)
        for _ in range(8):
            p("addi", 3, 3, 1)
        p("isync")  # where blocks end
        p.here("over")
        p("movi", 4, 5)
        p.to("loop", "end", 4)
        p("addi", 3, 3, 2)
        p.here("end")
        p("addi", 2, 2, -1)
        p.to("bnez", "again", 2)
        p.here("stay")
        p.to("j", "stay")

    core, plain = make(bus, "lx6"), InterpretedXtensa("lx6", bus)
    place(core, code)
    for known in (False, True):  # the first time makes the block long; then its loop is forgotten
        for each in (core, plain):
            for register, value in (("pc", CODE), ("a2", 6), ("a3", 0), ("lcount", 0)):
                each.write(register, value)
        if known:
            assert core.translator.blocks
            code_of_loop = {block.address for block in core.translator.blocks.values()
                            if len(block.parts) > 1}
            assert CODE in code_of_loop
            core.translator.loops.clear()
            core.translator.kill(CODE, CODE + 0x100)
        for _ in range(60):
            for each in (core, plain):
                each.run(3)
            assert core.read("pc") == plain.read("pc")
            assert core.read("a3") == plain.read("a3")
            assert core.read("lcount") == plain.read("lcount")
