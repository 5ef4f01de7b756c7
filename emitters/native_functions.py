"""The functions of a module that become machine code."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from mpy_cross.loader.ops import Emit, FunctionOps, ModuleOps
from mpy_cross.loader.release import Release

if TYPE_CHECKING:
    from mpy_cross.emitters.native.baseline import NativeCode
    from mpy_cross.emitters.native.machine import Machine
    from mpy_cross.emitters.native.state import Linker


@final
class NativeCompiler:
    """Makes machine code, function by function; the modules for it load on first use."""

    __slots__ = ("arch", "arch_flags", "inline_machine", "linker", "machine", "module", "release")

    def __init__(
        self, module: ModuleOps, release: Release, linker: Linker, arch: str, arch_flags: int
    ) -> None:
        self.module = module
        self.release = release
        self.linker = linker
        self.arch = arch
        self.arch_flags = arch_flags
        self.machine: Machine | None = None
        # The inline assembler has one of its own.
        self.inline_machine: Machine | None = None

    def compile(self, function: FunctionOps) -> NativeCode:
        """One function.  Raises NativeError."""
        if function.emit == Emit.ASM:
            from mpy_cross.emitters.inline.functions import assemble

            if self.inline_machine is None:
                self.inline_machine = self._make_machine()
            return assemble(function, self.arch, self.inline_machine, self.release, self.linker)
        from mpy_cross.emitters.native.baseline import emit_native

        machine = self.machine
        if machine is None:
            machine = self.machine = self._make_machine()
        if machine.traits.named:
            machine.name_function(self._qualified_name(function))
        return emit_native(function, machine, self.release, self.linker, self.module.source_file)

    def _make_machine(self) -> Machine:
        from mpy_cross.emitters.native.errors import NativeError
        from mpy_cross.emitters.native.machines import make_machine

        return make_machine(self.arch, self.arch_flags, self.release)
