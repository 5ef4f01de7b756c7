"""Thumb-2 with floats of single precision: instructions for values.

The registers s0 to s15 are numbers 16 to 31 here.  Calls change them; those behind are never used,
as an exception would have to put them back (py/nlrthumb.c saves six of them).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mpy_cross.emitters.ssa.ir import Value
from mpy_cross.emitters.ssa.machine import COPY, Ins
from mpy_cross.emitters.ssa.selector import reg

if TYPE_CHECKING:
    from mpy_cross.emitters.ssa.thumb2_select import Selector

S0: Final = 16
FLOAT_REGISTERS: Final = tuple(range(S0, 32))
CALL_LOSES: Final = (0, 1, 2, 3, 12, 14, *FLOAT_REGISTERS)
"""Registers that calls change."""
CONDITIONS: Final = {"feq": ("eq", "ne"), "fne": ("ne", "eq"), "flt": ("mi", "pl"),
                     "fle": ("ls", "hi"), "fgt": ("gt", "le"), "fge": ("ge", "lt")}
"""Conditions after `vcmp` that a comparison holds, and that it does not; they differ from those of
numbers where one of both is no number."""


def immediate(bits: int) -> int:
    """The operand of `vmov` for a float, -1 if there is none: four bits of fraction, three of an
    exponent around zero (ARMv7-M manual, A6.4.1)."""
    exponent = bits >> 25 & 0x3F
    if bits & 0x7FFFF or exponent not in (0x1F, 0x20):
        return -1
    return bits >> 24 & 0x80 | (0x40 if exponent == 0x1F else 0) | bits >> 19 & 0x3F


def _of_bits(selector: Selector, value: Value) -> None:
    word = value.args[0]
    number = immediate(word.imm) if word.is_const else -1
    if number >= 0:
        selector.emit("vimm", value, [], number)
    else:
        selector.emit("vmov", value, [word])


def _load(selector: Selector, value: Value) -> None:
    selector.emit("vldr", value, value.args, value.imm)


def _operator(selector: Selector, value: Value) -> None:
    selector.emit("v" + value.op[1:], value, value.args)


def _of_number(selector: Selector, value: Value) -> None:
    selector.emit("vcvt", value, value.args)


def _is_zero(value: Value) -> bool:
    return value.op == "fbits" and value.args[0].is_const and not value.args[0].imm


def compare_floats(selector: Selector, value: Value, negated: bool) -> str:
    """Set the flags by a comparison; the condition that then holds."""
    x, y = value.args
    if _is_zero(x) and value.op in ("feq", "fne"):
        x, y = y, x
    if _is_zero(y):
        selector.emit("vcmpz", None, [x])
    else:
        selector.emit("vcmp", None, [x, y])
    return CONDITIONS[value.op][negated]


def _compare(selector: Selector, value: Value) -> None:
    ins = Ins("set", [reg(value)], [])
    selector.out.append(ins)
    ins.cond = compare_floats(selector, value, False)


def _box(selector: Selector, value: Value) -> None:
    table, number = value.args
    selector.out.append(Ins(COPY, [reg(value)], [0]))
    # Some firmware takes floats in s0, some, as that of the RP2350, in r0 (-mfloat-abi=softfp).
    ins = Ins("box", [0], [reg(table), 0, S0], value.imm)
    ins.clobbers = CALL_LOSES
    selector.out.append(ins)
    selector.out.append(Ins("vget", [0], [reg(number)]))
    selector.fixed([(S0, number)])


FLOAT_SELECTORS: Final[dict[str, Callable[[Selector, Value], None]]] = {
    "fbits": _of_bits,
    "itof": _of_number,
    "loadf": _load,
    **dict.fromkeys(("fadd", "fsub", "fmul", "fdiv", "fneg"), _operator),
    **dict.fromkeys(CONDITIONS, _compare),
    "box": _box,
}
