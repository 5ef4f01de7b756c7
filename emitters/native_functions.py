"""The functions of a module that become machine code."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.loader.ops import Emit, FunctionOps, ModuleOps
from mpy_cross.loader.release import Release

if TYPE_CHECKING:
    from mpy_cross.emitters.native.baseline import NativeCode
    from mpy_cross.emitters.native.machine import Machine
    from mpy_cross.emitters.native.state import Linker


@final
class NativeCompiler:
    """Makes machine code, function by function; the modules for it load on first use."""

    __slots__ = ("arch", "arch_flags", "inline_machine", "linker", "machine", "module",
                 "optimise", "release")

    def __init__(
        self,
        module: ModuleOps,
        release: Release,
        linker: Linker,
        arch: str,
        arch_flags: int,
        optimise: Optimise,
    ) -> None:
        self.module = module
        self.release = release
        self.linker = linker
        self.arch = arch
        self.arch_flags = arch_flags
        self.optimise = optimise
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
        if self.optimise.level != "0" or self.module.directives:
            from mpy_cross.emitters.ssa.directives import settings_of

            settings = settings_of(function, self.module, self.optimise)
            if settings.inlined:  # the same for all functions of the module
                self.optimise = self.optimise._replace(inlined=settings.inlined)
            if settings.level != "0":
                from mpy_cross.emitters.ssa.choice import compile_function

                return compile_function(function, machine, self.release, self.linker, self.arch,
                                        self.module.source_file, settings)
        return emit_native(function, machine, self.release, self.linker, self.module.source_file)

    def _make_machine(self) -> Machine:
        from mpy_cross.emitters.native.errors import NativeError
        from mpy_cross.emitters.native.machines import make_machine

        try:
            machine = make_machine(self.arch, self.arch_flags, self.release)
        except NativeError as error:
            # The reference names the function that it has looked at last.
            last = self.module.functions[-1]
            error.line = last.line
            error.block = self._name(last).decode("utf-8", "replace")
            raise
        machine.warnings = self.module.warnings
        return machine

    def _name(self, function: FunctionOps) -> bytes:
        return self.module.names[function.name]

    def _qualified_name(self, function: FunctionOps) -> bytes:
        """Its name after those of the functions and classes around it."""
        parents = {id(child): f for f in self.module.functions for child in f.children}
        name = self._name(function)
        outer = parents.get(id(function))
        while outer is not None and outer is not self.module.functions[0]:
            name = self._name(outer) + b"." + name
            outer = parents.get(id(outer))
        return name
