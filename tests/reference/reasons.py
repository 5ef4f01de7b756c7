"""Why single tests of MicroPython print something else than what is expected."""

from __future__ import annotations

from typing import Final

_WARNINGS = "boards are built without warnings; the unix port has them"

REASONS: Final[dict[str, str]] = {
    "basics/bytes_compare3.py": _WARNINGS,
    "basics/exception_chain.py": _WARNINGS,
    "basics/memoryview_slice_size.py": "a bytearray is memory that there is",
    "basics/slice_optimise.py": "slices are no keys of the host's dictionaries before Python 3.12",
    "basics/string_format_error.py": "CPython 3.10 and later take '{:0}' of a string",
    "extmod/uctypes_32bit_intbig.py": "what is written over a constant changes a copy of its bytes",
    "extmod/vfs_fat_finaliser.py": "a temporary of the loop has the last file still",
    "extmod/vfs_lfs_superblock.py": "littlefs-python takes no blocks of less than 128 bytes",
    "import/builtin_ext.py": "modules of the unix port that files may extend",
    "import/import_file.py": "__file__ is the path as sys.path has it; CPython makes it absolute",
    "io/argv.py": "sys.argv has the path as it was given, the reference's runner gives a whole one",
    "io/file_stdio2.py": "the standard streams of boards have no fileno()",
    "io/file_stdio.py": "the standard streams of boards have no fileno()",
    "micropython/import_mpy_native.py": "a relocation beyond the data of a file is refused",
    "micropython/import_mpy_native_gc.py":
        "a Pico with 1.17 says that it runs code for ARMv7-M, which it would not survive",
    "micropython/incomplete_exc.py": "the host's exceptions are complete from the start",
    "micropython/meminfo.py": "mem_info of boards has no line of totals and peaks",
}
"""By file, as seen from the folder `tests`."""
_TEMPLATES: Final = "boards are built without template strings"
REASONS.update(
    dict.fromkeys(
        (
            "basics/string_module_tstring.py",
            "basics/string_tstring_basic.py",
            "basics/string_tstring_basic1.py",
            "basics/string_tstring_constructor.py",
            "basics/string_tstring_constructor1.py",
            "basics/string_tstring_errors1.py",
            "basics/string_tstring_format1.py",
            "basics/string_tstring_interpolation1.py",
            "basics/string_tstring_operations.py",
            "basics/string_tstring_parser1.py",
            "micropython/builtin_tstring.py",
            "micropython/heapalloc_fail_tstring.py",
        ),
        _TEMPLATES,
    )
)

_STATISTICS = "boards are built without statistics of memory (mem_total)"
SKIP_REASONS: Final[dict[str, str]] = {
    "basics/subclass_native_call.py": "boards have no machine.PinBase",
    "micropython/heapalloc_bytesio2.py": _STATISTICS,
    "micropython/memstats.py": _STATISTICS,
}
"""Why tests that the unix port runs skip themselves here."""

_DOUBLE = "for double precision; the reference skips it on boards with single precision"
SINGLE_REASONS: Final[dict[str, str]] = {
    "float/float2int_doubleprec_intbig.py": _DOUBLE,
    "float/float_divmod.py": _DOUBLE,
    "float/float_format_ints_doubleprec.py": _DOUBLE,
    "float/float_parse_doubleprec.py": _DOUBLE,
    "float/float_struct_e_doubleprec.py": _DOUBLE,
}
"""The same on boards with floats of single precision."""

_THUMB_2 = "a Cortex-M0+ has no Thumb-2; the reference skips it, and stock firmware refuses it"
_NO_FPU = "a Cortex-M0+ has no FPU; the reference skips it, and stock firmware refuses it"
THUMB_1_REASONS: Final[dict[str, str]] = {
    f"inlineasm/{folder}{name}.py": reason
    for folder in ("", "thumb/")
    for reason, names in (
        (_THUMB_2, ("asmbcc", "asmbitops", "asmconst", "asmdiv", "asmit", "asmspecialregs")),
        (_NO_FPU, ("asmfpaddsub", "asmfpcmp", "asmfpldrstr", "asmfpmuldiv", "asmfpsqrt")),
    )
    for name in names
}
"""The same on boards with a Cortex-M0+."""

_UNBOUND = "native code does not check for unbound locals; the reference skips it"
_RAISE = "native code has no bare raise; the reference skips it"
_ASYNC_WITH = "native code before 1.24 cannot do async with; the reference skips it"

NATIVE_REASONS: Final[dict[str, str]] = {
    "basics/annotate_var.py": _UNBOUND,
    "basics/async_with.py": _ASYNC_WITH,
    "basics/async_with2.py": _ASYNC_WITH,
    "basics/async_with_break.py": _ASYNC_WITH,
    "basics/async_with_return.py": _ASYNC_WITH,
    "basics/del_deref.py": _UNBOUND,
    "basics/del_local.py": _UNBOUND,
    "basics/exception_chain.py": "native code has no raise from; the reference skips it",
    "basics/fun_name.py": "native functions before 1.23 have no name; the reference skips it",
    "basics/gen_yield_from_close.py": _RAISE,
    "basics/generator_name.py":
        "native generators before 1.23 have no name; the reference skips it",
    "basics/scope_implicit.py": _UNBOUND,
    "basics/try_finally_loops.py":
        "Thumb-2 code before 1.19 jumps 64 KiB too far for `continue` in `finally`; on x64, where "
        "the reference runs it, and on armv6m it passes",
    "basics/try_finally_return2.py": _RAISE,
    "basics/try_reraise.py": _RAISE,
    "basics/try_reraise2.py": _RAISE,
    "basics/unboundlocal.py": _UNBOUND,
    "micropython/emg_exc.py": "native code has no lines in tracebacks; the reference skips it",
    "micropython/heapalloc_traceback.py":
        "native code has no lines in tracebacks; the reference skips it",
    "micropython/opt_level_lineno.py":
        "native code has no lines in tracebacks; the reference skips it",
    "micropython/schedule.py":
        "native code does not look for pending events; the reference skips it",
}
"""The same with `--emit native`."""

STRICT: Final = ("micropython/viper_error.py",)
"""Tests of what viper refuses: optimised viper takes more, unless the compiler is strict."""

MISTAKES: Final[dict[str, dict[str, str]]] = {
    "xtensa": {
        "xtensa_checked_offsets":
            "the reference's Xtensa code before 1.19 loads a constant beyond the sixteenth from "
            "another place; with 1.19's loads it passes",
        "xtensa_long_branches":
            "the reference's Xtensa code before 1.26 jumps elsewhere if a conditional jump is out "
            "of reach, and says so; with 1.26's jumps it passes",
    },
}
"""Mistakes in machine code by family of architectures and field of the release that ends them."""
