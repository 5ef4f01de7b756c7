"""The long strings that the reference compilers know as qstrs from the start.

A string literal of more than ten characters is compiled as an object, unless an equal qstr exists
when the parser meets it.  These qstrs are built into the compiler's binary: its table of qstrs is
made of every MP_QSTR_ name in its C sources.  The lists were measured: each printable string of a
release's binary and each MP_QSTR_ name of its sources was compiled as a literal, and these came out
as qstrs.  1.12, 1.17, 1.19, 1.20, 1.22, 1.23 and 1.29 were measured, the releases between share
the list of their neighbour; the names of the t-strings came with 1.28.
"""

from __future__ import annotations

from typing import Final

QSTRS_1_12: Final = frozenset(
    {
        b"ArithmeticError",
        b"AssertionError",
        b"AttributeError",
        b"BaseException",
        b"GeneratorExit",
        b"ImportError",
        b"IndentationError",
        b"KeyboardInterrupt",
        b"LookupError",
        b"MemoryError",
        b"NotImplementedError",
        b"OverflowError",
        b"RuntimeError",
        b"StopAsyncIteration",
        b"StopIteration",
        b"SyntaxError",
        b"UnicodeError",
        b"ViperTypeError",
        b"ZeroDivisionError",
        b"__build_class__",
        b"__contains__",
        b"__delitem__",
        b"__getattr__",
        b"__getitem__",
        b"__qualname__",
        b"__repl_print__",
        b"__reversed__",
        b"__setitem__",
        b"__traceback__",
        b"bound_method",
        b"classmethod",
        b"difference_update",
        b"heap_unlock",
        b"intersection",
        b"intersection_update",
        b"maximum recursion depth exceeded",
        b"micropython",
        b"staticmethod",
        b"symmetric_difference",
        b"symmetric_difference_update",
        b"unpack_from",
        b"vcvt_f32_s32",
        b"vcvt_s32_f32",
    }
)
QSTRS_1_20: Final = QSTRS_1_12 | {b"__complex__"}
QSTRS_1_28: Final = QSTRS_1_20 | {
    b"Interpolation",
    b"__template__",
    b"format_spec",
    b"interpolations",
    b"string.templatelib",
    b"templatelib",
}
