"""Which back end compiles a function: the optimising one if it can, else the baseline."""

from __future__ import annotations

import gc

from mpy_cross.emitters.native.baseline import NativeCode, emit_native
from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.emitters.native.machine import Machine
from mpy_cross.emitters.native.state import Linker
from mpy_cross.emitters.ssa.backends import BACK_ENDS
from mpy_cross.emitters.ssa.build_called import is_called_as_native
from mpy_cross.emitters.ssa.inline import reached
from mpy_cross.emitters.ssa.pipeline import optimise, optimise_called, optimise_native
from mpy_cross.emitters.ssa.settings import Optimise, Unsupported
from mpy_cross.loader.ops import Emit, FunctionOps, ScopeFlag
from mpy_cross.loader.release import Release


def compile_function(
    function: FunctionOps,
    machine: Machine,
    release: Release,
    linker: Linker,
    arch: str,
    source_file: int,
    settings: Optimise,
) -> NativeCode:
    """One function.  Raises NativeError."""
    was_enabled = gc.isenabled()
    # The SSA form is full of cycles, and lives as long as its function is compiled: looking for
    # garbage meanwhile takes a tenth of the time and finds none.
    gc.disable()
    try:
        if arch in BACK_ENDS and function.emit == Emit.NATIVE and settings.level != "s" \
                and release.native_tables and not settings.strict \
                and not function.flags & ScopeFlag.GENERATOR:
            try:
                return optimise_native(function, machine, release, linker, arch, settings, None)
            except Unsupported as reason:
                _note(function, linker, settings, str(reason))
                return emit_native(function, machine, release, linker, source_file)
        return _choose(function, machine, release, linker, arch, source_file, settings)
    finally:
        if was_enabled:
            gc.enable()


def _choose(
    function: FunctionOps,
    machine: Machine,
    release: Release,
    linker: Linker,
    arch: str,
    source_file: int,
    settings: Optimise,
) -> NativeCode:
    """The baseline goes first: it knows which programs there are and what is wrong with the others,
    or how long its code is, or what generators and files of version 5 need of it."""
    refused: NativeError | None = None
    baseline: NativeCode | None = None
    n_warnings = len(machine.warnings)
    try:
        baseline = emit_native(function, machine, release, linker, source_file)
    except NativeError as error:
        is_final = error.bare and not error.limit
        if settings.strict or is_final or function.emit != Emit.VIPER:
            raise
        refused = error
    does_more = False  # than the baseline's code, which is no choice then
    reason = f"{arch} has no optimising back end"
    if arch in BACK_ENDS:
        try:
            if function.emit == Emit.VIPER:
                called = is_called_as_native(function, settings)
                does_more = called or settings.viper_checks or bool(
                    settings.defaults or reached(function.ops, settings.inlined))
                compiler = optimise_called if called else optimise
                optimised = compiler(function, machine, release, linker, arch, settings)
            else:
                assert baseline is not None
                optimised = optimise_native(function, machine, release, linker, arch, settings,
                                            baseline.raw_code)
            is_wrong = len(machine.warnings) > n_warnings  # the baseline's code, which says so
            if settings.level != "s" or baseline is None or does_more or is_wrong or (
                len(optimised.raw_code.code) <= len(baseline.raw_code.code)
            ):
                del machine.warnings[n_warnings:]
                return optimised
            reason = "the baseline's code is shorter"
        except Unsupported as unsupported:
            reason = str(unsupported)
    if settings.viper_checks and function.emit == Emit.VIPER:
        reason += "; its pointers are not checked"
    _note(function, linker, settings, reason)
    if refused is not None:
        raise refused
    assert baseline is not None
    return baseline


def _note(function: FunctionOps, linker: Linker, settings: Optimise, reason: str) -> None:
    """The function is left to the baseline."""
    if settings.notes is not None:
        name = linker.name_text(function.name).decode("utf-8", "replace")
        settings.notes.append(f"{name}: not optimised: {reason}")
