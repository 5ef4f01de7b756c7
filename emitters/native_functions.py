"""The functions of a module that become machine code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpy_cross.loader.ops import Emit, FunctionOps, ModuleOps
from mpy_cross.loader.release import Release

if TYPE_CHECKING:
    from mpy_cross.emitters.native.baseline import NativeCode
    from mpy_cross.emitters.native.machine import Machine
    from mpy_cross.emitters.native.state import Linker


def compile_native(
    module: ModuleOps, release: Release, linker: Linker, arch: str, arch_flags: int
) -> dict[int, NativeCode]:
    """Machine code by `id(function)`; empty if there is none to make.  Raises NativeError."""
    functions = [function for function in module.functions if function.emit != Emit.BYTECODE]
    if not functions:
        return {}
    compiler = NativeCompiler(module, release, linker, arch, arch_flags)
    return {id(function): compiler.compile(function) for function in functions}


class NativeCompiler:
    """Makes machine code, function by function; the modules for it load on first use."""

    __slots__ = ("arch", "arch_flags", "inline_machine", "linker", "machine", "module", "release")

    def __init__(
        self, module: ModuleOps, release: Release, linker: Linker, arch: str, arch_flags: int
    ) -> None:
        from mpy_cross.emitters.native.machines import make_machine

        self.module = module
        self.release = release
        self.linker = linker
        self.arch = arch
        self.arch_flags = arch_flags
        self.machine = make_machine(arch, arch_flags, release)
        # The inline assembler has one of its own.
        self.inline_machine: Machine | None = None

    def compile(self, function: FunctionOps) -> NativeCode:
        """One function.  Raises NativeError."""
        if function.emit == Emit.ASM:
            from mpy_cross.emitters.inline.functions import assemble
            from mpy_cross.emitters.native.machines import make_machine

            if self.inline_machine is None:
                self.inline_machine = make_machine(self.arch, self.arch_flags, self.release)
            return assemble(function, self.arch, self.inline_machine, self.release, self.linker)
        from mpy_cross.emitters.native.baseline import emit_native

        return emit_native(
            function, self.machine, self.release, self.linker, self.module.source_file
        )
