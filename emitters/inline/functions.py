"""A function of an inline assembler to a code object."""

from __future__ import annotations

from mpy_cross.emitters.inline.assembler import InlineAssembler
from mpy_cross.emitters.native.baseline import NativeCode
from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.emitters.native.machine import Machine
from mpy_cross.emitters.native.machines import make_machine
from mpy_cross.emitters.native.state import Linker
from mpy_cross.loader.mpyfile import CodeKind, RawCode
from mpy_cross.loader.ops import FunctionOps
from mpy_cross.loader.release import Release


def make_assembler(arch: str, machine: Machine, release: Release) -> InlineAssembler:
    """The inline assembler of an architecture; the reference assembles Thumb for ARMv6 too."""
    if arch.startswith("xtensa"):
        from mpy_cross.emitters.inline.xtensa import InlineXtensa
        from mpy_cross.emitters.native.xtensa import XtensaMachine

        assert isinstance(machine, XtensaMachine)
        return InlineXtensa(machine, arch, release)
    if arch == "rv32imc":
        from mpy_cross.emitters.inline.rv32 import InlineRv32
        from mpy_cross.emitters.native.riscv import Rv32Machine

        assert isinstance(machine, Rv32Machine)
        return InlineRv32(machine, release)
    from mpy_cross.emitters.inline.thumb import InlineThumb

    if arch == "armv6":
        machine = make_machine("armv6m", 0, release)
    return InlineThumb(machine, arch, release)


def assemble(
    function: FunctionOps, arch: str, machine: Machine, release: Release, linker: Linker
) -> NativeCode:
    """The code object of one function.  Raises NativeError."""
    code = function.inline
    assert code is not None
    assembler = make_assembler(arch, machine, release)
    try:
        n_params = assembler.assemble(code)
    except NativeError as error:
        if not error.bare:
            error.block = linker.name_text(function.name).decode("utf-8", "replace")
        raise
    return NativeCode(
        RawCode(
            kind=CodeKind.ASM,
            code=bytes(assembler.machine.code),
            n_pos_args=n_params,
            type_sig=code.return_type,
            lines=assembler.lines,
        ),
        [],
    )
