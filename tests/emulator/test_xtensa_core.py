"""The Xtensa cores: the contract, on the plain interpreter."""

from __future__ import annotations

from tests.emulator.core_contract import CoreContract
from tests.emulator.core_xtensa import XtensaBench


class InterpretedContract(CoreContract):
    kind = XtensaBench


class TestInterpretedLx106(InterpretedContract):
    name = "lx106"


class TestInterpretedLx6(InterpretedContract):
    name = "lx6"
