"""The bytecode emitter: stack operations to code objects, for both .mpy versions.

One pass over a function's operations gives a `Body`: the instructions with every jump in its
longest form, and where labels, jumps and lines are.  The module of each version does the rest.
"""

from __future__ import annotations

from mpy_cross.emitters.bytecode_v5 import emit_v5
from mpy_cross.emitters.bytecode_v6 import emit_v6
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.loader.mpyfile import MpyFile
from mpy_cross.loader.ops import ModuleOps
from mpy_cross.loader.release import Release

NO_OPTIMISATION = Optimise()


def emit_bytecode(
    module: ModuleOps,
    release: Release,
    *,
    small_int_bits: int,
    unicode: bool,
    cache_lookup_bc: bool,
    lines: bool,
    arch: str,
    arch_flags: int,
    optimise: Optimise = NO_OPTIMISATION,
) -> MpyFile:
    """A whole file; `lines` keeps the line-number tables.

    Functions that are marked for it become machine code for `arch`.  Raises MpyError if the program
    does not fit the format, NativeError if a function cannot become machine code.
    """
    if release.mpy_version == 5:
        return emit_v5(
            module, release, small_int_bits, unicode, cache_lookup_bc, lines, arch, arch_flags,
            optimise,
        )
    return emit_v6(
        module, release, small_int_bits, unicode, lines, arch, arch_flags, optimise
    )
