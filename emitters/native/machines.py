"""The machine for an architecture."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from mpy_cross.emitters.native.machine import Machine
    from mpy_cross.loader.release import Release

FAMILIES: Final = {
    "x86": ("x86", "X86Machine"),
    "x64": ("x64", "X64Machine"),
    "armv6": ("arm", "ArmMachine"),
    "armv6m": ("thumb", "ThumbMachine"),
    "armv7m": ("thumb", "ThumbMachine"),
    "armv7em": ("thumb", "ThumbMachine"),
    "armv7emsp": ("thumb", "ThumbMachine"),
    "armv7emdp": ("thumb", "ThumbMachine"),
    "xtensa": ("xtensa", "XtensaMachine"),
    "xtensawin": ("xtensa", "XtensaWinMachine"),
    "rv32imc": ("riscv", "Rv32Machine"),
    "debug": ("debug", "DebugMachine"),
}
"""Architecture -> module of this package and class in it.  An architecture that is not here has no
machine code: its files are bytecode."""


class _Factory(Protocol):
    """What every class of `FAMILIES` can be called with."""

    def __call__(self, arch: str, release: Release, arch_flags: int) -> Machine: ...


def make_machine(arch: str, arch_flags: int, release: Release) -> Machine:
    """A machine that generates code for `arch` as the reference of `release` does.

    `arch_flags` are those of -march-flags.  Raises NativeError for an architecture without one.
    """
    if arch not in FAMILIES:
        from mpy_cross.emitters.native.errors import NativeError

        raise NativeError("NotImplementedError", "cannot emit native code for this architecture")
    module, name = FAMILIES[arch]
    factory: _Factory = getattr(import_module(f"mpy_cross.emitters.native.{module}"), name)
    return factory(arch, release, arch_flags)
