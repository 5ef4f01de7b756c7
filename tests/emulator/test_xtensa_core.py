"""The Xtensa cores: the contract, on the plain interpreter."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import pytest

from mpy_cross.emulator.bus import Bus, Window
from mpy_cross.emulator.cores.core import Core, StopReason
from mpy_cross.emulator.cores.xtensa.interpreted_core import InterpretedXtensa
from tests.emulator import xtensa_exceptions, xtensa_kernels
from tests.emulator.core_contract import CoreContract
from tests.emulator.core_xtensa import DEVICE, FLASH, Program, XtensaBench


class InterpretedContract(CoreContract):
    kind = XtensaBench


class TestInterpretedLx106(InterpretedContract):
    name = "lx106"


class TestInterpretedLx6(InterpretedContract):
    name = "lx6"


def translated(name: str, bus: Bus) -> Any:
    if importlib.util.find_spec("unicorn") is None:
        pytest.skip("unicorn is not installed; it is part of the extra emulator")
    from mpy_cross.emulator.cores.xtensa.core import TranslatedXtensa

    return TranslatedXtensa(name, bus)


@pytest.mark.parametrize("make", [InterpretedXtensa, translated])
@pytest.mark.parametrize(("kernel", "core", "result", "count"), xtensa_kernels.recorded())
def test_kernels(make: Callable[[str, Bus], Any], kernel: str, core: str, result: int,
                 count: int) -> None:
    """Called by the host: results and instruction counts of QEMU."""
    n = xtensa_kernels.KERNELS[kernel].n
    assert xtensa_kernels.called(make, kernel, core, n) == (result, count)


@pytest.mark.parametrize("make", [InterpretedXtensa, translated])
@pytest.mark.parametrize("core", ["lx106", "de212", "de233_fpu"])
@pytest.mark.parametrize("slice_", [1, 7, 100_000])
def test_exceptions(make: Callable[[str, Bus], Any], core: str, slice_: int) -> None:
    """As firmware: what handlers see is what they see in QEMU, however the run is cut up."""
    count, log, pending = xtensa_exceptions.ran(make, core, slice_)
    assert (log, pending) == xtensa_exceptions.recorded()[core]
    assert count == xtensa_exceptions.interpreted(core)[0]


@pytest.fixture(params=[InterpretedXtensa, translated])
def make(request: pytest.FixtureRequest) -> Any:
    return request.param


def machine(make: Any, **named: Any) -> tuple[Any, Bus]:
    bus = Bus()
    bus.memory("code", FLASH, 0x1000)
    return make("lx6", bus, **named), bus


def test_protocol() -> None:
    """Checked by the types."""
    core: Core = InterpretedXtensa("lx6", Bus())
    assert (core.name, core.cycles, core.instructions) == ("lx6", 0, 0)


def test_registers_by_name(make: Any) -> None:
    core, _ = machine(make)
    for number, name in enumerate(core.register_names):
        if name in ("ccount", "windowbase", "prid", "configid0", "configid1"):
            continue
        core.write(name, number)
        assert core.read(name) == number, name
    core.write("windowbase", 3)
    core.write("a2", 55)
    assert core.read("ar14") == 55
    assert core.read("prid") == 0xCDCD
    core.write("ccount", 1000)
    assert core.read("ccount") == 1000


def test_the_other_core_of_a_chip(make: Any) -> None:
    """It has another number, and sees windows of its own."""
    window = Window("own", DEVICE, 0x100, lambda offset, size: offset + 7,
                    lambda offset, size, value: None)
    bus = Bus()
    bus.memory("code", FLASH, 0x1000)
    bus.window(Window("common", DEVICE, 0x100, lambda offset, size: 1, window.write))
    cores = [make("lx6", bus), InterpretedXtensa("lx6", bus, private=[window])]
    cores[1].state.processor = 0xABAB
    p = Program(FLASH + 0x400)
    p("rsr", 235, 3)
    p("l32i", 4, 2, 8)
    bus.load(FLASH + 0x400, p.finish())
    seen = []
    for core in cores:
        core.reset(FLASH)
        core.write("a2", DEVICE)
        core.run(2)
        seen.append((core.read("a3"), core.read("a4")))
    assert seen == [(0xCDCD, 1), (0xABAB, 15)]


def test_reset_by_a_device(make: Any) -> None:
    """It comes after the instruction that asks for it."""
    core, bus = machine(make)
    times = []
    bus.window(Window("device", DEVICE, 0x100, lambda offset, size: 0,
                      lambda offset, size, value: core.reset()))
    core.before_access = lambda: times.append(core.instructions)
    p = Program(FLASH + 0x400)
    p("addi", 3, 3, 1)
    p("s32i", 3, 2, 0)
    p("addi", 3, 3, 1)
    p.here("for ever")
    p.to("j", "for ever")
    bus.load(FLASH + 0x400, p.finish())
    core.reset(FLASH)
    core.write("a2", DEVICE)
    core.write("a3", 5)
    assert core.run(2).reason is StopReason.BUDGET
    core.run(1)
    assert (core.read("pc"), core.read("a3"), core.read("a2")) == (FLASH + 0x403, 1, 0)
    assert times == [1]


def test_save_and_restore_timers(make: Any) -> None:
    """What a timer has still to wait comes back too."""
    core, bus = machine(make)
    p = Program(FLASH + 0x400)
    p("movi", 3, 1000)
    p("wsr", 240, 3)
    p.here("for ever")
    p.to("j", "for ever")
    bus.load(FLASH + 0x400, p.finish())
    core.reset(FLASH)
    core.run(100)
    state = core.save()
    seen = []
    for _ in range(2):
        core.run(400)
        before = core.read("interrupt")
        core.run(400)
        seen.append((before, core.read("interrupt"), core.instructions))
        core.restore(state)
    assert seen == [(0, 1 << 6, 900)] * 2
