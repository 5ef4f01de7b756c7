"""The numbers that are ours agree with those of the package `unicorn`."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from mpy_cross.emulator.cores import unicorn_common, unicorn_library
from mpy_cross.emulator.cores.core import CoreError

unicorn = pytest.importorskip("unicorn")


def test_registers_and_models() -> None:
    arm, arm64 = import_module("unicorn.arm_const"), import_module("unicorn.arm64_const")
    for name, number in unicorn_library.ARM_REGISTERS.items():
        assert number == getattr(arm, f"UC_ARM_REG_{name.upper()}"), name
    for name, number in unicorn_library.ARM64_REGISTERS.items():
        assert number == getattr(arm64, f"UC_ARM64_REG_{name.upper()}"), name
    for name, number in unicorn_library.CORTEX.items():
        assert number == getattr(arm, f"UC_CPU_ARM_CORTEX_{name}"), name
    assert arm64.UC_CPU_ARM64_A72 == unicorn_library.A72


def test_architectures_and_controls() -> None:
    names = {"ARCH_ARM": "UC_ARCH_ARM", "ARCH_ARM64": "UC_ARCH_ARM64", "MODE_ARM": "UC_MODE_ARM",
             "MODE_THUMB": "UC_MODE_THUMB"}
    for ours, theirs in names.items():
        assert getattr(unicorn_library, ours) == getattr(unicorn, theirs)
    controls = {"PAGE_SIZE": "UC_CTL_UC_PAGE_SIZE", "CPU_MODEL": "UC_CTL_CPU_MODEL",
                "REMOVE_CODE": "UC_CTL_TB_REMOVE_CACHE", "FLUSH_CODE": "UC_CTL_TB_FLUSH",
                "FLUSH_TLB": "UC_CTL_TLB_FLUSH", "TLB_MODE": "UC_CTL_TLB_TYPE",
                "BUFFER_SIZE": "UC_CTL_TCG_BUFFER_SIZE"}
    for ours, theirs in controls.items():
        code = getattr(unicorn_library, "CTL_" + ours)
        assert code & (1 << 26) - 1 == getattr(unicorn, theirs)
        assert code >> 30 == unicorn.UC_CTL_IO_WRITE


def test_hooks_and_errors() -> None:
    for ours, theirs in {"INTR": "INTR", "CODE": "CODE", "BLOCK": "BLOCK", "TLB_FILL": "TLB_FILL",
                         "UNMAPPED": "MEM_UNMAPPED", "WRITE_PROT": "MEM_WRITE_PROT",
                         "READ_PROT": "MEM_READ_PROT", "FETCH_PROT": "MEM_FETCH_PROT",
                         "INVALID_INSTRUCTION": "INSN_INVALID"}.items():
        number = getattr(unicorn, f"UC_HOOK_{theirs}")
        assert getattr(unicorn_common, f"HOOK_{ours}") == number
    with pytest.raises(CoreError, match="mapping"):
        engine = unicorn_common.Engine(unicorn_library.ARCH_ARM, unicorn_library.MODE_THUMB, 9,
                                       False, virtual=False)
        engine.check(unicorn.UC_ERR_MAP, "mapping")


def test_the_package_is_not_imported() -> None:
    program = ("import sys\nfrom mpy_cross.emulator.cores.unicorn_library import library\n"
               "library()\nprint('unicorn' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          check=True)
    assert done.stdout == "False\n"


def test_a_library_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    direct = unicorn_library.library_path()
    monkeypatch.setenv("LIBUNICORN_PATH", str(Path(direct).parent))
    assert os.path.samefile(unicorn_library.library_path(), direct)
