"""The floating-point coprocessor: single precision in f0 to f15."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mpy_cross.emulator.cores.xtensa import softfloat
from mpy_cross.emulator.cores.xtensa.context import Context, Operation, signed
from mpy_cross.emulator.cores.xtensa.decode import Instruction
from mpy_cross.emulator.cores.xtensa.integer import CONDITIONS, set_boolean
from mpy_cross.emulator.cores.xtensa.numbers import BR, FCR, FSR, MASK
from mpy_cross.emulator.cores.xtensa.softfloat import Result

SINGLE: Final[dict[str, Operation]] = {}


def op(*names: str) -> Callable[[Operation], Operation]:
    """Registers a function for the instructions of these names."""
    def register(function: Operation) -> Operation:
        for name in names:
            SINGLE[name] = function
        return function

    return register


def _put(core: Context, number: int, result: Result) -> None:
    bits, flags = result
    core.state.fr[number] = bits
    core.state.ur[FSR] |= flags


def _mode(core: Context) -> int:
    return core.state.ur[FCR] & 3


# Arithmetic.

_TWO: Final[dict[str, Callable[[int, int, int], Result]]] = {
    "add.s": softfloat.add, "sub.s": softfloat.subtract, "mul.s": softfloat.multiply}


@op("add.s", "sub.s", "mul.s")
def two(core: Context, i: Instruction) -> None:
    r, s, t = i.operands
    fr = core.state.fr
    _put(core, r, _TWO[i.name](fr[s], fr[t], _mode(core)))


@op("madd.s", "msub.s")
def multiply_add(core: Context, i: Instruction) -> None:
    r, s, t = i.operands
    fr = core.state.fr
    _put(core, r, softfloat.multiply_add(fr[s], fr[t], fr[r], _mode(core), i.name == "msub.s"))


# Moves.

@op("mov.s", "abs.s", "neg.s")
def move(core: Context, i: Instruction) -> None:
    r, s = i.operands
    fr = core.state.fr
    x = fr[s]
    fr[r] = x if i.name == "mov.s" else x & ~softfloat.SIGN if i.name == "abs.s" \
        else x ^ softfloat.SIGN


@op("moveqz.s", "movnez.s", "movltz.s", "movgez.s")
def move_if(core: Context, i: Instruction) -> None:
    r, s, t = i.operands
    if CONDITIONS[i.name[-5:-2]](core.get(t)):
        core.state.fr[r] = core.state.fr[s]


@op("movf.s", "movt.s")
def move_boolean(core: Context, i: Instruction) -> None:
    r, s, t = i.operands
    if core.state.sr[BR] >> t & 1 == (i.name == "movt.s"):
        core.state.fr[r] = core.state.fr[s]


@op("rfr")
def rfr(core: Context, i: Instruction) -> None:
    r, s = i.operands
    core.set(r, core.state.fr[s])


@op("wfr")
def wfr(core: Context, i: Instruction) -> None:
    r, s = i.operands
    core.state.fr[r] = core.get(s)


# Conversions; the last operand is a power of two.

_TO_INTEGER: Final = {"round.s": softfloat.NEAREST, "trunc.s": softfloat.TO_ZERO,
                      "floor.s": softfloat.DOWN, "ceil.s": softfloat.UP,
                      "utrunc.s": softfloat.TO_ZERO}


@op("round.s", "trunc.s", "floor.s", "ceil.s", "utrunc.s")
def to_integer(core: Context, i: Instruction) -> None:
    r, s, scale = i.operands
    x = core.state.fr[s]
    whole, flags = softfloat.to_integer(x, scale, _TO_INTEGER[i.name], i.name != "utrunc.s")
    if i.name == "utrunc.s" and x & softfloat.SIGN and not softfloat.is_nan(x):
        # A negative number gives a negative one, which is said to be invalid.
        whole, flags = softfloat.to_integer(x, scale, softfloat.TO_ZERO, True)
        flags = softfloat.INVALID if whole else flags
    core.set(r, whole)
    core.state.ur[FSR] |= flags


@op("float.s", "ufloat.s")
def from_integer(core: Context, i: Instruction) -> None:
    r, s, scale = i.operands
    x = core.get(s)
    _put(core, r, softfloat.pack(signed(x) if i.name == "float.s" else x, -scale, _mode(core)))


# Comparisons: to a boolean register.

@op("un.s", "oeq.s", "ueq.s", "olt.s", "ult.s", "ole.s", "ule.s")
def compare(core: Context, i: Instruction) -> None:
    r, s, t = i.operands
    x, y = core.state.fr[s], core.state.fr[t]
    unordered = softfloat.is_nan(x) or softfloat.is_nan(y)
    if unordered:
        result = i.name[0] == "u"
        if softfloat.is_signaling(x) or softfloat.is_signaling(y) or i.name[1:3] in ("lt", "le"):
            core.state.ur[FSR] |= softfloat.INVALID
    elif i.name == "un.s":
        result = False
    elif i.name[1:3] == "eq":
        result = x == y or (softfloat.is_zero(x) and softfloat.is_zero(y))
    elif i.name[1:3] == "lt":
        result = softfloat.less(x, y)
    else:
        result = not softfloat.less(y, x)
    set_boolean(core, r, result)


# Loads and stores: with an offset or an index, and those that move the pointer behind.

@op("lsi", "ssi", "lsip", "ssip", "lsx", "ssx", "lsxp", "ssxp")
def access(core: Context, i: Instruction) -> None:
    if i.name[2] == "i":
        t, s, step = i.operands
    else:
        t, s, index = i.operands
        step = core.get(index)
    base, moves = core.get(s), i.name.endswith("p")
    address = base if moves else base + step
    if i.name[0] == "l":
        core.state.fr[t] = core.load(address, 4)
    else:
        core.store(address, 4, core.state.fr[t])
    if moves:
        core.set(s, base + step & MASK)
