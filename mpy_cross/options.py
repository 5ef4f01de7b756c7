"""What the user asked for: the options that every stage of the compiler may look at."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple, final

from mpy_cross.emitters.native.machines import FAMILIES
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.loader.ops import Emit
from mpy_cross.loader.release import Release


class Form(IntEnum):
    """What a source text is.  At a prompt, values of the module's expressions are printed."""

    EXEC = 0  # a file
    PASTE = 1  # a file, pasted at a prompt
    SINGLE = 2  # one statement of a prompt


@final
class CompileOptions(NamedTuple):
    """The options of one compilation; the defaults are those of the reference's command line."""

    release: Release
    opt_level: int = 0
    """0 to 3, as `-O`: from 1 `__debug__` is False and asserts vanish, from 3 lines vanish."""
    small_int_bits: int = 31
    """Bits of a small int on the target, sign included."""
    unicode: bool = True
    """Strings are Unicode; `-mno-unicode` where the release has it."""
    cache_lookup_bc: bool = False
    source_lines: bool = True
    arch: str = ""
    """Architecture of machine code as `check_target` returns it; "" is what the release takes when
    nothing is said."""
    arch_flags: int = 0
    """Extensions of the architecture, as `-march-flags`: bit N is the release's Nth name of one."""
    emit: Emit = Emit.BYTECODE
    """The kind of code of functions that no decorator says otherwise of."""
    strict: bool = False
    """The inline assemblers take only what the reference's own do (viper: `Optimise.strict`)."""
    optimise: Optimise = Optimise()
    """What the optimising back end does."""
    constants: Mapping[bytes, Mapping[bytes, int]] = MappingProxyType({})
    """Numbers of modules that the compiler knows, as the one on a board knows those of `stm`."""

    form: Form = Form.EXEC
    """What the source is: a file, or something typed."""

    @property
    def native_arch(self) -> str:
        """The architecture of machine code, "" for none."""
        return self.arch or self.release.default_arch

    @property
    def has_native(self) -> bool:
        """Whether there is machine code at all: not for every architecture with a name."""
        return self.native_arch in FAMILIES
