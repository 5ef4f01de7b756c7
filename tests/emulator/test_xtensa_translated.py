"""The Xtensa cores that translate: the contract, and random programs against the interpreter."""

from __future__ import annotations

from typing import Any, final

import pytest

from mpy_cross.emulator.cores.xtensa.core import TranslatedXtensa
from tests.emulator.core_contract import CoreContract
from tests.emulator.core_xtensa import XtensaBench
from tests.oracle import xtensa_lockstep


@final
class TranslatedBench(XtensaBench):
    def core_of(self, name: str, exact: bool) -> Any:
        return TranslatedXtensa(name, self.bus, exact=exact)


class TranslatedContract(CoreContract):
    kind = TranslatedBench


class TestTranslatedLx106(TranslatedContract):
    name = "lx106"


class TestTranslatedLx6(TranslatedContract):
    name = "lx6"


@pytest.mark.parametrize("name", xtensa_lockstep.NAMES)
def test_random_programs(name: str) -> None:
    """Together 20,000 instructions; `python -m tests.oracle.xtensa_lockstep` does more."""
    done, pieces = xtensa_lockstep.run(5000, 1, (name,))
    assert done >= 5000 and pieces > 20
