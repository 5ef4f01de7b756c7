"""The numbers that qstrs have inside the reference compiler while it compiles a file.

Version 5 machine code holds such numbers; a loader patches them, so they mean nothing on a board,
but they are bytes of the file.  The compiler's own qstrs come first: those that every port knows
(`STATIC_QSTRS`), then the rest of its table.  The program's follow in the order in which its parser
and then its compiler meet them.

The table below is that of 1.17, measured: each MP_QSTR_ name of its sources was compiled in native
code and its number read from there.  1.12 was measured the same way; which releases between
them lack its missing names is known from their sources.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mpy_cross.loader.release import Release
from mpy_cross.loader.static_qstrs import FIRST_STATIC, STATIC_QSTRS

# fmt: off
COMPILER_QSTRS: Final[tuple[bytes, ...]] = (
    b"__add__", b"__aenter__", b"__aexit__", b"__aiter__", b"__anext__", b"__bases__",
    b"__bool__", b"__build_class__", b"__contains__", b"__dict__", b"__eq__", b"__ge__",
    b"__gt__", b"__iadd__", b"__import__", b"__isub__", b"__le__", b"__lt__", b"__ne__",
    b"__path__", b"__repl_print__", b"__reversed__", b"__sub__", b"__traceback__", b"%#o",
    b"%#x", b"{:#b}", b"maximum recursion depth exceeded", b"<lambda>", b"<listcomp>",
    b"<dictcomp>", b"<setcomp>", b"<genexpr>", b"<string>", b"<stdin>", b"None",
    b"StopAsyncIteration", b"UnicodeError", b"ViperTypeError", b"add", b"addi", b"align",
    b"and_", b"asm_thumb", b"asm_xtensa", b"asr", b"b", b"ball", b"bany", b"bbc", b"bbs", b"beq",
    b"beqz", b"bge", b"bgeu", b"bin", b"bl", b"blt", b"bnall", b"bne", b"bnez", b"bnone",
    b"bound_method", b"bx", b"calcsize", b"callx0", b"closure", b"clz", b"cmp", b"complex",
    b"cpsid", b"cpsie", b"data", b"decode", b"default", b"delattr", b"deleter", b"dict_view",
    b"difference", b"difference_update", b"discard", b"doc", b"encode", b"enumerate", b"errno",
    b"filter", b"float", b"fromkeys", b"function", b"generator", b"getter", b"heap_lock",
    b"heap_unlock", b"hex", b"imag", b"intersection", b"intersection_update", b"isdisjoint",
    b"issubset", b"issuperset", b"iterable", b"iterator", b"j", b"jx", b"l16si", b"l16ui",
    b"l32i", b"l8ui", b"label", b"ldr", b"ldrb", b"ldrex", b"ldrh", b"lsl", b"lsr", b"max",
    b"min", b"module", b"mov", b"mov_n", b"movi", b"movt", b"movw", b"movwt", b"mrs", b"mull",
    b"native", b"nop", b"oct", b"opt_level", b"or_", b"pack", b"pack_into", b"pend_throw",
    b"property", b"ptr", b"ptr16", b"ptr32", b"ptr8", b"push", b"rbit", b"real", b"ret_n",
    b"reversed", b"s16i", b"s32i", b"s8i", b"sdiv", b"setter", b"slice", b"strb", b"strex",
    b"strh", b"sub", b"symmetric_difference", b"symmetric_difference_update", b"udiv", b"uint",
    b"union", b"unpack", b"unpack_from", b"ustruct", b"vcmp", b"vcvt_f32_s32", b"vcvt_s32_f32",
    b"viper", b"vldr", b"vmov", b"vmrs", b"vneg", b"vsqrt", b"vstr", b"wfi", b"xor",
)
# fmt: on


def number_qstrs(met: Iterable[bytes], release: Release) -> dict[bytes, int]:
    """Numbers of all qstrs, given those of the program in the order in which they are met."""
    own = [text for text in COMPILER_QSTRS if text not in release.compiler_lacks]
    numbers = {text: i for i, text in enumerate((*STATIC_QSTRS, *own), FIRST_STATIC)}
    number = FIRST_STATIC + len(numbers)
    for text in met:
        if text not in numbers:
            numbers[text] = number
            number += 1
    return numbers
