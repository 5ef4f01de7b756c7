"""The Xtensa cores: the contract, on the plain interpreter."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import pytest

from mpy_cross.emulator.bus import Bus
from mpy_cross.emulator.cores.xtensa.interpreted_core import InterpretedXtensa
from tests.emulator import xtensa_exceptions, xtensa_kernels
from tests.emulator.core_contract import CoreContract
from tests.emulator.core_xtensa import XtensaBench


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
