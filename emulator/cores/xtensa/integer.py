"""Arithmetic, loads and stores, branches, calls, loops and windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mpy_cross.emulator.cores.xtensa import exceptions
from mpy_cross.emulator.cores.xtensa.context import (
    Context,
    Operation,
    WindowException,
    signed,
)
from mpy_cross.emulator.cores.xtensa.decode import Instruction
from mpy_cross.emulator.cores.xtensa.exceptions import Raised
from mpy_cross.emulator.cores.xtensa.numbers import (
    ALLOCA,
    BR,
    DIVIDE_BY_ZERO,
    ILLEGAL,
    LBEG,
    LCOUNT,
    LEND,
    LITBASE,
    MASK,
    PS,
    PS_CALLINC,
    PS_CALLINC_SHIFT,
    SAR,
    SCOMPARE1,
    WINDOWBASE,
    WINDOWSTART,
)

INTEGER: Final[dict[str, Operation]] = {}


def op(*names: str) -> Callable[[Operation], Operation]:
    """Registers a function for the instructions of these names."""
    def register(function: Operation) -> Operation:
        for name in names:
            INTEGER[name] = function
        return function

    return register


# Arithmetic: the result from the values of two registers, or of a register and a number.

def _quos(x: int, y: int) -> int:
    a, b = signed(x), signed(_divisor(y))
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _rems(x: int, y: int) -> int:
    a, b = signed(x), signed(_divisor(y))
    return abs(a) % abs(b) * (-1 if a < 0 else 1)


def _divisor(y: int) -> int:
    if not y:
        raise Raised(DIVIDE_BY_ZERO)
    return y


def _half(value: int) -> int:
    """The number in the low 16 bits."""
    return ((value & 0xFFFF) ^ 0x8000) - 0x8000


_THREE: Final[dict[str, Callable[[int, int], int]]] = {
    "and": lambda x, y: x & y, "or": lambda x, y: x | y, "xor": lambda x, y: x ^ y,
    "add": lambda x, y: x + y, "sub": lambda x, y: x - y,
    "addx2": lambda x, y: 2 * x + y, "addx4": lambda x, y: 4 * x + y,
    "addx8": lambda x, y: 8 * x + y, "subx2": lambda x, y: 2 * x - y,
    "subx4": lambda x, y: 4 * x - y, "subx8": lambda x, y: 8 * x - y,
    "mul16u": lambda x, y: (x & 0xFFFF) * (y & 0xFFFF), "mul16s": lambda x, y: _half(x) * _half(y),
    "mull": lambda x, y: x * y, "muluh": lambda x, y: x * y >> 32,
    "mulsh": lambda x, y: signed(x) * signed(y) >> 32,
    "quou": lambda x, y: x // _divisor(y), "remu": lambda x, y: x % _divisor(y),
    "quos": _quos, "rems": _rems,
    "min": lambda x, y: min(signed(x), signed(y)), "max": lambda x, y: max(signed(x), signed(y)),
    "minu": min, "maxu": max,
}


def _three(function: Callable[[int, int], int]) -> Operation:
    def run(core: Context, i: Instruction) -> None:
        r, s, t = i.operands
        core.set(r, function(core.get(s), core.get(t)))

    return run


INTEGER.update({name: _three(function) for name, function in _THREE.items()})


def _clamps(x: int, bit: int) -> int:
    return max(-1 << bit, min(signed(x), (1 << bit) - 1))


_IMMEDIATE: Final[dict[str, Callable[[int, int], int]]] = {
    "addi": lambda x, y: x + y, "addmi": lambda x, y: x + y, "slli": lambda x, y: x << y,
    "srli": lambda x, y: x >> y, "srai": lambda x, y: signed(x) >> y,
    "sext": lambda x, y: ((x & ((2 << y) - 1)) ^ (1 << y)) - (1 << y), "clamps": _clamps,
}


def _immediate(function: Callable[[int, int], int]) -> Operation:
    def run(core: Context, i: Instruction) -> None:
        r, s, number = i.operands
        core.set(r, function(core.get(s), number))

    return run


INTEGER.update({name: _immediate(function) for name, function in _IMMEDIATE.items()})


_TWO: Final[dict[str, Callable[[int], int]]] = {
    "neg": lambda x: -x, "abs": lambda x: abs(signed(x)), "mov": lambda x: x,
    "nsau": lambda x: 32 - x.bit_length(),
    "nsa": lambda x: 31 - (x if x >> 31 == 0 else ~x & MASK).bit_length(),
}


def _two(function: Callable[[int], int]) -> Operation:
    def run(core: Context, i: Instruction) -> None:
        r, s = i.operands
        core.set(r, function(core.get(s)))

    return run


INTEGER.update({name: _two(function) for name, function in _TWO.items()})


@op("movi")
def movi(core: Context, i: Instruction) -> None:
    core.set(*i.operands)


@op("extui")
def extui(core: Context, i: Instruction) -> None:
    r, t, shift, width = i.operands
    core.set(r, core.get(t) >> shift & ((1 << width) - 1))


CONDITIONS: Final[dict[str, Callable[[int], bool]]] = {
    "eqz": lambda x: x == 0, "nez": lambda x: x != 0,
    "ltz": lambda x: x >> 31 == 1, "gez": lambda x: x >> 31 == 0}


@op("moveqz", "movnez", "movltz", "movgez")
def move_if(core: Context, i: Instruction) -> None:
    r, s, t = i.operands
    if CONDITIONS[i.name[-3:]](core.get(t)):
        core.set(r, core.get(s))


# Shifts by SAR, which can be 32.

@op("ssr", "ssl", "ssa8l", "ssa8b")
def set_shift(core: Context, i: Instruction) -> None:
    x = core.get(i.operands[0])
    core.state.sr[SAR] = {"ssr": x & 31, "ssl": 32 - (x & 31), "ssa8l": (x & 3) * 8,
                          "ssa8b": 32 - (x & 3) * 8}[i.name]


@op("ssai")
def ssai(core: Context, i: Instruction) -> None:
    core.state.sr[SAR] = i.operands[0]


@op("src")
def src(core: Context, i: Instruction) -> None:
    r, s, t = i.operands
    core.set(r, (core.get(s) << 32 | core.get(t)) >> core.state.sr[SAR])


@op("srl")
def srl(core: Context, i: Instruction) -> None:
    r, t = i.operands
    core.set(r, core.get(t) >> core.state.sr[SAR])


@op("sra")
def sra(core: Context, i: Instruction) -> None:
    r, t = i.operands
    core.set(r, signed(core.get(t)) >> core.state.sr[SAR])


@op("sll")
def sll(core: Context, i: Instruction) -> None:
    r, s = i.operands
    core.set(r, core.get(s) << 32 >> core.state.sr[SAR])


# Loads and stores.

def _load(size: int, sign: int = 0, aligned: bool = False) -> Operation:
    def run(core: Context, i: Instruction) -> None:
        t, s, offset = i.operands
        value = core.load(core.get(s) + offset, size, aligned)
        core.set(t, (value ^ sign) - sign)

    return run


def _store(size: int, aligned: bool = False) -> Operation:
    def run(core: Context, i: Instruction) -> None:
        t, s, offset = i.operands
        core.store(core.get(s) + offset, size, core.get(t), aligned)

    return run


INTEGER.update({
    "l8ui": _load(1), "l16ui": _load(2), "l16si": _load(2, 0x8000), "l32i": _load(4),
    "l32ai": _load(4, aligned=True), "l32e": _load(4),
    "s8i": _store(1), "s16i": _store(2), "s32i": _store(4), "s32ri": _store(4, aligned=True),
    "s32nb": _store(4), "s32e": _store(4)})


@op("l32r")
def l32r(core: Context, i: Instruction) -> None:
    t, address = i.operands
    base = core.state.sr[LITBASE]
    if base & 1:  # the extended form counts from there
        address = (base & ~0xFFF) + ((i.word >> 8) - 0x1_0000 << 2)
    core.set(t, core.load(address, 4))


@op("s32c1i")
def s32c1i(core: Context, i: Instruction) -> None:
    t, s, offset = i.operands
    address = core.get(s) + offset & MASK
    old = core.load(address, 4, True)
    if old == core.state.sr[SCOMPARE1]:
        core.store(address, 4, core.get(t), True)
    core.set(t, old)


# Branches: the condition from two values.

_COMPARE: Final[dict[str, Callable[[int, int], bool]]] = {
    "beq": lambda x, y: x == y, "bne": lambda x, y: x != y,
    "blt": lambda x, y: signed(x) < signed(y), "bge": lambda x, y: signed(x) >= signed(y),
    "bltu": lambda x, y: x < y, "bgeu": lambda x, y: x >= y,
    "bany": lambda x, y: x & y != 0, "bnone": lambda x, y: x & y == 0,
    "ball": lambda x, y: ~x & y == 0, "bnall": lambda x, y: ~x & y != 0,
    "bbc": lambda x, y: not x >> (y & 31) & 1, "bbs": lambda x, y: bool(x >> (y & 31) & 1),
}
_NUMBERS: Final = ("beqi", "bnei", "blti", "bgei", "bltui", "bgeui", "bbci", "bbsi")


def _branch(function: Callable[[int, int], bool], number: bool) -> Operation:
    def run(core: Context, i: Instruction) -> int | None:
        s, t, target = i.operands
        taken = function(core.get(s), t & MASK if number else core.get(t))
        return target if taken else None

    return run


INTEGER.update({name: _branch(function, False) for name, function in _COMPARE.items()})
INTEGER.update({
    name: _branch(_COMPARE[name[:-2] + "u" if name.endswith("ui") else name[:-1]], True)
    for name in _NUMBERS})


@op("beqz", "bnez", "bltz", "bgez")
def branch_if(core: Context, i: Instruction) -> int | None:
    s, target = i.operands
    return target if CONDITIONS[i.name[1:]](core.get(s)) else None


@op("bf", "bt")
def branch_bool(core: Context, i: Instruction) -> int | None:
    b, target = i.operands
    return target if core.state.sr[BR] >> b & 1 == (i.name == "bt") else None


@op("j")
def j(core: Context, i: Instruction) -> int:
    return i.operands[0]


@op("jx")
def jx(core: Context, i: Instruction) -> int:
    return core.get(i.operands[0])


@op("ret")
def ret(core: Context, i: Instruction) -> int:
    return core.get(0)


@op("call0")
def call0(core: Context, i: Instruction) -> int:
    core.set(0, i.end)
    return i.operands[0]


@op("callx0")
def callx0(core: Context, i: Instruction) -> int:
    target = core.get(i.operands[0])
    core.set(0, i.end)
    return target


def _windowed_call(quads: int, by_register: bool) -> Operation:
    def run(core: Context, i: Instruction) -> int:
        target = core.get(i.operands[0]) if by_register else i.operands[0]
        sr = core.state.sr
        sr[PS] = sr[PS] & ~PS_CALLINC | quads << PS_CALLINC_SHIFT
        core.set(4 * quads, quads << 30 | i.end & 0x3FFF_FFFF)
        return target

    return run


for _quads in (1, 2, 3):
    INTEGER[f"call{4 * _quads}"] = _windowed_call(_quads, False)
    INTEGER[f"callx{4 * _quads}"] = _windowed_call(_quads, True)


# Windows.

@op("entry")
def entry(core: Context, i: Instruction) -> None:
    s, size = i.operands
    state, sr = core.state, core.state.sr
    if s > 3 or not state.checks_windows():
        raise Raised(ILLEGAL)
    quads = (sr[PS] & PS_CALLINC) >> PS_CALLINC_SHIFT
    if quads and exceptions.overflow(state, quads):
        raise WindowException
    stack = core.get(s) - size
    core.set(4 * quads + s, stack)
    base = (sr[WINDOWBASE] + quads) % state.model.quads
    sr[WINDOWBASE] = base
    sr[WINDOWSTART] |= 1 << base


@op("retw")
def retw(core: Context, i: Instruction) -> int:
    state, sr = core.state, core.state.sr
    address = core.get(0)
    size, quads, base, starts = address >> 30, state.model.quads, sr[WINDOWBASE], sr[WINDOWSTART]
    nearest = next((n for n in (1, 2, 3) if starts >> (base - n) % quads & 1), 0)
    if not size or nearest not in (0, size) or not state.checks_windows():
        raise Raised(ILLEGAL)
    caller = (base - size) % quads
    if not starts >> caller & 1:
        exceptions.underflow(state, size)
        raise WindowException
    sr[WINDOWSTART] = starts & ~(1 << base)
    sr[WINDOWBASE] = caller
    return address & 0x3FFF_FFFF | i.address & 0xC000_0000


@op("movsp")
def movsp(core: Context, i: Instruction) -> None:
    t, s = i.operands
    sr, quads = core.state.sr, core.state.model.quads
    if not any(sr[WINDOWSTART] >> (sr[WINDOWBASE] - n) % quads & 1 for n in (1, 2, 3)):
        raise Raised(ALLOCA)
    core.set(t, core.get(s))


@op("rotw")
def rotw(core: Context, i: Instruction) -> None:
    sr = core.state.sr
    sr[WINDOWBASE] = (sr[WINDOWBASE] + i.operands[0]) % core.state.model.quads


# Zero-overhead loops.

@op("loop", "loopnez", "loopgtz")
def loop(core: Context, i: Instruction) -> int | None:
    s, end = i.operands
    count, sr = core.get(s), core.state.sr
    sr[LBEG], sr[LEND], sr[LCOUNT] = i.end, end, count - 1 & MASK
    skips = (i.name == "loopnez" and not count) or (i.name == "loopgtz" and signed(count) <= 0)
    return end if skips else None


# Booleans.

@op("andb", "andbc", "orb", "orbc", "xorb")
def boolean(core: Context, i: Instruction) -> None:
    r, s, t = i.operands
    x, y = core.state.sr[BR] >> s & 1, core.state.sr[BR] >> t & 1
    y = 1 - y if i.name.endswith("c") else y
    set_boolean(core, r, bool(
        x & y if i.name[0] == "a" else x | y if i.name[0] == "o" else x ^ y))


@op("any4", "all4", "any8", "all8")
def boolean_group(core: Context, i: Instruction) -> None:
    t, s = i.operands
    every = (1 << int(i.name[3:])) - 1
    bits = core.state.sr[BR] >> s & every
    set_boolean(core, t, bits != 0 if i.name[:3] == "any" else bits == every)


@op("movf", "movt")
def move_boolean(core: Context, i: Instruction) -> None:
    r, s, t = i.operands
    if core.state.sr[BR] >> t & 1 == (i.name == "movt"):
        core.set(r, core.get(s))


def set_boolean(core: Context, number: int, value: bool) -> None:
    sr = core.state.sr
    sr[BR] = sr[BR] & ~(1 << number) | value << number
