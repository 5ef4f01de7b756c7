"""The machine for an architecture."""

from __future__ import annotations

from importlib import import_module

from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.emitters.native.machine import Machine
from mpy_cross.loader.release import Release

FAMILIES = {
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
}
"""Architecture -> module of this package and class in it."""


def make_machine(arch: str, arch_flags: int, release: Release) -> Machine:
    """A machine that generates code for `arch` as the reference of `release` does.

    `arch_flags` are those of -march-flags.  Raises NativeError for an architecture without one.
    """
    if arch == "rv32imc":
        from mpy_cross.emitters.native.riscv import Rv32Machine

        return Rv32Machine(release, arch_flags)
    if arch not in FAMILIES:
        raise NativeError("NotImplementedError", "cannot emit native code for this architecture")
    module, name = FAMILIES[arch]
    factory = getattr(import_module(f"mpy_cross.emitters.native.{module}"), name)
    machine: Machine = factory(arch, release)
    return machine
