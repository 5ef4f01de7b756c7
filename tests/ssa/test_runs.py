"""Optimised functions run on emulated cores, results beside CPython's.

`SSA_RUNS=5000 python -m pytest tests/ssa/test_runs.py` runs so many random programs for each
release instead of the few of an ordinary run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings

from mpy_cross.emitters.native.baseline import NativeCode
from mpy_cross.emitters.native.machine import Machine
from mpy_cross.emitters.native.state import Linker
from mpy_cross.emitters.ssa import choice, pipeline
from mpy_cross.emitters.ssa.build import Unsupported
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.loader.ops import FunctionOps
from mpy_cross.loader.release import Release
from tests.native.test_thumb_runs import (
    KERNELS,
    ONE_OPERATION,
    TRY,
    expected,
    outcome,
    viper,
)
from tests.native.thumb_harness_model import Model, Unfit
from tests.native.thumb_harness_programs import INTERESTING, Program, programs
from tests.ssa.boards import load

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")

TARGETS: Final = (("1.17", "armv7m"), ("1.29", "armv7m"), ("1.29", "armv6m"),
                  ("1.17", "xtensawin"), ("1.29", "xtensawin"), ("1.17", "xtensa"),
                  ("1.29", "xtensa"))
EXAMPLES: Final = int(os.environ.get("SSA_RUNS", "20"))

random_runs = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="SSA_RUNS" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)
every_target = pytest.mark.parametrize(("release", "arch"), TARGETS)
every_core = pytest.mark.parametrize("arch", ["armv7m", "armv6m", "xtensawin", "xtensa"])


class Watch:
    """The back end, with the verifier between passes; what it could not do."""

    def __init__(self) -> None:
        self.n_registers = 0
        self.unsupported: list[str] = []

    def optimise(self, function: FunctionOps, machine: Machine, release: Release, linker: Linker,
                 arch: str, wanted: Optimise) -> NativeCode:
        wanted = wanted._replace(check=True, n_registers=self.n_registers)
        try:
            return pipeline.optimise(function, machine, release, linker, arch, wanted)
        except Unsupported as reason:
            self.unsupported.append(str(reason))
            raise


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    watch = Watch()
    monkeypatch.setattr(choice, "optimise", watch.optimise)
    yield watch
    assert watch.unsupported == []


@every_target
@pytest.mark.parametrize("level", ["1", "2"])
@pytest.mark.parametrize("name", KERNELS)
def test_kernels(name: str, level: str, release: str, arch: str, watch: Watch) -> None:
    body, args, oracle = KERNELS[name]
    module = load(viper(body), release, arch, opt=level)
    assert outcome(module, args)[0] == oracle(*args)
    assert outcome(module, args) == expected(Model(viper(body)), args)


@pytest.mark.parametrize(("release", "arch", "n_registers"), [
    ("1.17", "armv7m", 4), ("1.29", "armv6m", 4), ("1.29", "armv6m", 6),
    ("1.29", "xtensawin", 4), ("1.29", "xtensa", 4)])
@pytest.mark.parametrize("name", KERNELS)
def test_kernels_with_few_registers(
    name: str, release: str, arch: str, n_registers: int, watch: Watch
) -> None:
    body, args, oracle = KERNELS[name]
    watch.n_registers = n_registers
    assert outcome(load(viper(body), release, arch, opt="2"), args)[0] == oracle(*args)


@every_core
@pytest.mark.parametrize("name", ONE_OPERATION)
def test_one_operation_on_numbers_at_the_edges(name: str, arch: str, watch: Watch) -> None:
    returns, expression = ONE_OPERATION[name]
    source = viper(f"def f(a: int, b: int) -> {returns}:\n    return {expression}")
    module = load(source, "1.29", arch, opt="2")
    model = Model(source)
    numbers = [n - (n >> 31 << 32) for n in INTERESTING]
    for i, a in enumerate(numbers):
        for b in numbers[i % 7 :: 7]:
            if b or not {"//", "%"} & set(expression.split()):
                assert outcome(module, (a, b)) == expected(model, (a, b)), (a, b)


@every_core
@pytest.mark.parametrize("divisor", [3, 5, 6, 7, 10, 12, 25, 100, 125, 625, 641, 1000, 65537,
                                     0x3FFF_FFFF, -1, -3, -10])
def test_division_by_a_number(divisor: int, arch: str, watch: Watch) -> None:
    source = viper(f"def f(a: int) -> int:\n    return a // {divisor} * 31 ^ a % {divisor}")
    module = load(source, "1.29", arch, opt="2")
    model = Model(source)
    for number in (*INTERESTING, *(divisor * k + d & 0xFFFF_FFFF for k in (1, 7, -7, 1001, 99991)
                                   for d in (-1, 0, 1))):
        args = (number - (number >> 31 << 32),)
        assert outcome(module, args) == expected(model, args), args


def _run_random(program: Program, release: str, arch: str) -> None:
    model = Model(program.source)
    module = load(program.source, release, arch, opt="2")
    for args in program.calls:
        try:
            wanted = expected(model, args)
        except Unfit:
            continue
        assert outcome(module, args) == wanted, args


@pytest.mark.parametrize(("release", "arch"), [*TARGETS[:3], ("1.29", "xtensawin")])
def test_random_programs(release: str, arch: str, watch: Watch) -> None:
    @random_runs
    @given(programs(release))
    def run(program: Program) -> None:
        _run_random(program, release, arch)

    run()


@pytest.mark.parametrize(("arch", "n_registers"), [
    ("armv7em", 4), ("armv6m", 4), ("armv6m", 6), ("xtensa", 4)])
def test_random_programs_with_few_registers(arch: str, n_registers: int, watch: Watch) -> None:
    watch.n_registers = n_registers

    @random_runs
    @given(programs("1.29"))
    def run(program: Program) -> None:
        _run_random(program, "1.29", arch)

    run()


@every_target
def test_globals_objects_and_calls(release: str, arch: str, watch: Watch) -> None:
    module = load(
        viper("""
def f(items, n: int):
    global last
    total = 0
    for item in items:
        total += int(item)
    items[1] = g(total, n) + items[0]
    last = total
    return note("total", total, items[1])
""") + viper("def g(a: int, b: int) -> int:\n    return a * b"), release, arch,
        {"note": lambda *args: args}, "2",
    )  # fmt: skip
    items = [5, 6, 2**30]
    assert module.call("f", items, 3) == ("total", 2**30 + 11, items[1])
    assert items[1] == (2**30 + 11) * 3 - 2**32 + 5
    assert module.globals["last"] == 2**30 + 11


@every_target
def test_exceptions(release: str, arch: str, watch: Watch) -> None:
    errors = {"IndexError": IndexError, "ValueError": ValueError}
    module = load(TRY, release, arch, errors, "2")
    assert module.call("f", [1, 2], 1) == 103
    assert module.call("f", [1, 2], 2) == 112
    with pytest.raises(TypeError):
        module.call("f", None, 0)
    with pytest.raises(KeyError, match="why"):
        module.call("g", KeyError("why"))
    assert module.call("outer", ValueError("x")) == 37
    with pytest.raises(KeyError, match="not caught"):
        module.call("outer", KeyError("not caught"))
    with pytest.raises(TypeError, match="takes 1 positional arguments but 2 were given"):
        module.call("outer", 1, 2)


MISCOMPILED: Final = viper("""
def f(p: ptr32, a: int, b: int, c: int, e: int) -> int:
    g = a + b + c
    return (e - p[4]) * 3 + g
""")


@every_target
def test_what_the_reference_miscompiles(release: str, arch: str, watch: Watch) -> None:
    """1.17 loses the first operand where the second one is p[number]."""
    module = load(MISCOMPILED, release, arch, opt="2")
    data = bytes(16) + (104).to_bytes(4, "little")
    assert module.call("f", bytearray(data), 1, 2, 3, 1000) == 896 * 3 + 6


def test_hardware_is_read_as_often_as_the_program_says(watch: Watch) -> None:
    """No access is dropped, repeated or moved out of a loop."""
    import mpy_cross
    from mpy_cross.loader.dump import dump_file

    code = mpy_cross.compile(viper("""
def f(p: ptr32) -> int:
    p[0]
    p[0]
    while not p[1] & 1:
        pass
    return p[2] + p[2]
"""), "case.py", release="1.17", arch="armv7m", opt="2")
    lines = dump_file(code).splitlines()
    assert sum("ldr" in line and ", #4]" in line and "[r5" not in line for line in lines) >= 1
    assert sum("ldr" in line and ", #8]" in line for line in lines) == 2


HANDLERS: Final = '''
def f(a, n: int) -> int:
    t = 0
    for i in range(n):
        t += i
        try:
            for j in range(5):
                try:
                    t += int(a[i + j])
                    if t > 1000:
                        return t
                    if j == 3:
                        break
                finally:
                    t += 7
        except IndexError as e:
            t += 5000 if e is None else 300
            continue
        except TypeError:
            return -1
        else:
            t += 1
        finally:
            t += 11
    return t
'''
PLAIN_HANDLERS: Final = '''
def k(a, b):
    try:
        return a[b]
    except (IndexError, KeyError):
        pass
    finally:
        a[0] = 5
    return "none"
'''


@every_target
@pytest.mark.parametrize("n_registers", [0, 4])
def test_handlers(release: str, arch: str, n_registers: int, watch: Watch) -> None:
    watch.n_registers = n_registers
    errors = {"IndexError": IndexError, "TypeError": TypeError, "KeyError": KeyError}
    module = load(viper(HANDLERS) + viper(PLAIN_HANDLERS), release, arch, errors, "2")
    mine: dict[str, Any] = {}
    exec(HANDLERS, mine)
    for items, n in (([1, 2, 3, 4], 2), ([1, 2, 3, 4], 4), ([1] * 10, 6), ([500] * 10, 6),
                     ([1, None, 3], 2), ([], 0), ([1, 2, 3], 5)):
        assert module.call("f", list(items), n) == mine["f"](items, n), (items, n)
    items = [1, 2]
    assert module.call("k", items, 1) == 2
    assert items == [5, 2]
    assert module.call("k", items, 7) == "none"
    with pytest.raises(TypeError):
        module.call("k", items, "x")
    assert items == [5, 2]
