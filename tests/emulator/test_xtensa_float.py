"""Floating point of the LX6: rounding, which NaN comes out, flags, and the steps of division.

Everything but the steps is judged by QEMU as well (`test_xtensa_interpreter.py`); what the steps do
by themselves was measured on chips, and together they have to give what IEEE 754 wants.
"""

from __future__ import annotations

import math
import struct

import pytest

from mpy_cross.emulator.bus import Bus
from mpy_cross.emulator.cores.xtensa import softfloat, steps
from mpy_cross.emulator.cores.xtensa.interpreter import Interpreter
from mpy_cross.emulator.cores.xtensa.memory import BusMemory
from mpy_cross.emulator.cores.xtensa.models import model
from mpy_cross.emulator.cores.xtensa.numbers import CPENABLE, FCR, FSR, MASK
from mpy_cross.emulator.cores.xtensa.softfloat import (
    DIVIDE,
    DOWN,
    INEXACT,
    INFINITY,
    INVALID,
    NAN,
    NEAREST,
    ONE,
    OVERFLOW,
    SIGN,
    TO_ZERO,
    UNDERFLOW,
    UP,
)
from mpy_cross.emulator.cores.xtensa.state import State
from tests.emulator.core_xtensa import Program
from tests.emulator.xtensa_kernels import DIVISION, ROOT
from tests.emulator.xtensa_random import Chance

CODE = 0x4008_0000


def bits(value: float) -> int:
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def number(x: int) -> float:
    return float(struct.unpack("<f", struct.pack("<I", x))[0])


def test_by_the_host() -> None:
    """To nearest, the host's double precision rounded to single is right for these four."""
    chance = Chance(1)
    for _ in range(3000):
        x, y = chance.single(), chance.single()
        a, b = number(x), number(y)
        if not (math.isfinite(a) and math.isfinite(b)):
            continue
        for operation, exact in ((softfloat.add, a + b), (softfloat.subtract, a - b),
                                 (softfloat.multiply, a * b)):
            try:
                wanted = bits(exact)
            except OverflowError:
                wanted = bits(math.copysign(math.inf, exact))
            if exact == 0:
                continue  # the sign of zero has tests of its own
            assert operation(x, y, NEAREST)[0] == wanted, (hex(x), hex(y))


@pytest.mark.parametrize(("mode", "third", "minus", "huge"), [
    (NEAREST, 0x3EAA_AAAB, 0xBEAA_AAAB, INFINITY), (TO_ZERO, 0x3EAA_AAAA, 0xBEAA_AAAA, 0x7F7F_FFFF),
    (UP, 0x3EAA_AAAB, 0xBEAA_AAAA, INFINITY), (DOWN, 0x3EAA_AAAA, 0xBEAA_AAAB, 0x7F7F_FFFF)])
def test_rounding(mode: int, third: int, minus: int, huge: int) -> None:
    assert softfloat.divide(ONE, bits(3), mode) == (third, INEXACT)
    assert softfloat.divide(ONE | SIGN, bits(3), mode) == (minus, INEXACT)
    assert softfloat.multiply(bits(1e30), bits(1e30), mode) == (huge, OVERFLOW | INEXACT)
    tiny = softfloat.multiply(1, bits(0.5), mode)
    assert tiny == (1 if mode == UP else 0, INEXACT | UNDERFLOW)
    assert softfloat.subtract(ONE, ONE, mode) == (SIGN if mode == DOWN else 0, 0)
    assert softfloat.square_root(bits(2), mode)[0] == (
        0x3FB5_04F4 if mode == UP else 0x3FB5_04F3)


@pytest.mark.parametrize(("x", "y", "result", "flags"), [
    (0x00FF_FFFF, 0x3F00_0000, 0x0080_0000, INEXACT | UNDERFLOW),
    (0x00FF_FFFE, 0x3F00_0000, 0x007F_FFFF, 0),
    (0x00FF_FFFF, 0x3F00_0001, 0x0080_0000, INEXACT),
    (0x0080_0000, 0x3F7F_FFFF, 0x0080_0000, INEXACT | UNDERFLOW),
    (0x00FF_FFFF, 0x3F00_0002, 0x0080_0001, INEXACT)])
def test_underflow(x: int, y: int, result: int, flags: int) -> None:
    """As QEMU has it: what is too small after it was rounded to 24 bits."""
    assert softfloat.multiply(x, y, NEAREST) == (result, flags)


def test_special_results() -> None:
    minus = INFINITY | SIGN
    assert softfloat.add(INFINITY, minus, NEAREST) == (NAN, INVALID)
    assert softfloat.multiply(INFINITY, SIGN, NEAREST) == (NAN, INVALID)
    assert softfloat.divide(ONE, SIGN, NEAREST) == (minus, DIVIDE)
    assert softfloat.divide(0, 0, NEAREST) == (NAN, INVALID)
    assert softfloat.square_root(SIGN, NEAREST) == (SIGN, 0)
    assert softfloat.square_root(bits(-4), NEAREST) == (NAN, INVALID)
    # The second NaN, made quiet.
    assert softfloat.add(0x7FC0_0001, 0xFF80_0002, NEAREST) == (0xFFC0_0002, INVALID)
    assert softfloat.multiply_add(0x7FC0_0001, 0x7FC0_0002, 0x7FC0_0003, NEAREST) == (
        0x7FC0_0003, 0)
    assert softfloat.to_integer(NAN, 0, NEAREST, True) == (0x7FFF_FFFF, INVALID)
    assert softfloat.to_integer(minus, 0, NEAREST, True) == (0x8000_0000, INVALID)
    # Rounded once: the product alone would be 1.
    x = bits(1 + 2 ** -12)
    y = bits(1 - 2 ** -12)
    assert softfloat.multiply_add(x, y, ONE | SIGN, NEAREST) == (bits(-(2.0 ** -24)), 0)


@pytest.mark.parametrize(("found", "measured"), [
    (steps.recip0(ONE), 0x3F7F_0000), (steps.recip0(0x7E80_0000), 0x007F_8000),
    (steps.div0(NAN), 0x3F2A_0000), (steps.rsqrt0(ONE | SIGN), 0xFFFF_0000),
    (steps.rsqrt0(ONE), 0x3F7F_0000), (steps.sqrt0(INFINITY), 0x3F7F_0000),
    (steps.sqrt0(bits(2)), 0x3F34_0000), (steps.nexp01(0x4049_0FDB), 0xC049_0FDB),
    (steps.nexp01(bits(0.5)), 0xC000_0000), (steps.nexp01(0x7FD5_AA55), 0xFFD5_AA55),
    (steps.mksadj(ONE)[0], 0x3F9F_C000), (steps.mksadj(ONE | SIGN)[0], 0x4FB7_C000),
    (steps.mkdadj(ONE, bits(0.5))[0], 0x379D_C000),
    (steps.mkdadj(0x1234_5678, ONE)[0], 0x2FA3_C000),
    (steps.addexp(0x1234_5678, 0x1F80_0000), 0x7234_5678),
    (steps.addexpm(0x1234_5678, 0x4049_0FDB), 0xE4B4_5678)])
def test_steps_as_measured(found: int, measured: int) -> None:
    assert hex(found) == hex(measured)


def test_seeds() -> None:
    """They are right to 7 bits, and never grow."""
    for x in range(128):
        seed = number(steps.recip0(ONE | x << 16))
        assert abs(seed * (1 + (x + 0.5) / 128) - 1) < 1 / 128
    for exponent in (127, 128):
        for x in range(64):
            value = exponent << 23 | x << 17
            assert abs(number(steps.rsqrt0(value)) * math.sqrt(number(value)) - 1) < 1 / 64
    for seeds in (steps.RECIPROCAL, steps.ROOT_ODD, steps.ROOT_EVEN):
        assert sorted(seeds, reverse=True) == list(seeds) and min(seeds) >= 0 and max(seeds) < 128


def test_division_and_roots() -> None:
    """The sequences of compilers give what IEEE 754 does, in all rounding modes, with its flags."""
    p, starts = Program(CODE), []
    for rows in (DIVISION, ROOT):
        starts.append(len(p.finish()))
        for row, *operands in rows:
            p(row, *operands)
    bus = Bus()
    bus.memory("code", CODE, 0x1000)
    bus.load(CODE, p.finish())
    state = State(model("lx6"))
    state.sr[CPENABLE] = 1
    interpreter, chance = Interpreter(state, BusMemory(bus)), Chance(7)
    seen = 0
    for _ in range(300):
        x, y, mode = chance.single(), chance.single(), chance.below(4)
        for start, rows, wanted in zip(starts, (DIVISION, ROOT), (
                softfloat.divide(x, y, mode), softfloat.square_root(x, mode)), strict=True):
            state.fr[1], state.fr[2], state.ur[FCR], state.ur[FSR] = x, y, mode, 0
            state.pc = CODE + start
            interpreter.run(state.instructions + len(rows))
            found = state.fr[0], state.ur[FSR]
            if softfloat.is_nan(wanted[0]):
                assert softfloat.is_nan(found[0])
            else:
                assert found == wanted, (hex(x), hex(y), mode)
            seen |= found[1]
    assert seen == INEXACT | UNDERFLOW | OVERFLOW | DIVIDE | INVALID


@pytest.mark.parametrize(("value", "whole", "flags"), [
    (-0.3, 0, INEXACT), (-1.0, MASK, INVALID), (-1.5, MASK, INVALID), (-0.0, 0, 0),
    (0.5, 0, INEXACT), (3e9, 3_000_000_000, 0), (5e9, MASK, INVALID),
    (-5e9, 0x8000_0000, INVALID)])
def test_unsigned_numbers(value: float, whole: int, flags: int) -> None:
    """UTRUNC, as QEMU does it."""
    p = Program(CODE)
    p("utrunc.s", 4, 2, 0)
    bus = Bus()
    bus.memory("code", CODE, 0x1000)
    bus.load(CODE, p.finish())
    state = State(model("lx6"))
    state.sr[CPENABLE], state.fr[2], state.pc = 1, bits(value), CODE
    Interpreter(state, BusMemory(bus)).step()
    assert (state.read(4), state.ur[FSR]) == (whole, flags)
