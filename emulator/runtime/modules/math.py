"""Module `math` (manual 1.1.4): results in the board's precision."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from mpy_cross.emulator.runtime.arguments import as_float, as_word, native
from mpy_cross.emulator.runtime.facts import LANGUAGE
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import Module

NAMES: Final[tuple[str, ...]] = ("math",)
DOMAIN: Final = "math domain error"

_ONE: Final[dict[str, Callable[[float], float]]] = {
    "sqrt": math.sqrt,
    "exp": math.exp,
    "expm1": math.expm1,
    "log2": math.log2,
    "log10": math.log10,
    "cosh": math.cosh,
    "sinh": math.sinh,
    "tanh": math.tanh,
    "acosh": math.acosh,
    "asinh": math.asinh,
    "atanh": math.atanh,
    "cos": math.cos,
    "sin": math.sin,
    "tan": math.tan,
    "acos": math.acos,
    "asin": math.asin,
    "atan": math.atan,
    "fabs": math.fabs,
    "erf": math.erf,
    "erfc": math.erfc,
    "gamma": math.gamma,
    "lgamma": math.lgamma,
}
_TWO: Final[dict[str, Callable[[float, float], float]]] = {
    "pow": math.pow,
    "atan2": math.atan2,
    "copysign": math.copysign,
    "fmod": math.fmod,
}
_TEST: Final[dict[str, Callable[[float], bool]]] = {
    "isfinite": math.isfinite,
    "isinf": math.isinf,
    "isnan": math.isnan,
}
_ROUND: Final[dict[str, Callable[[float], int]]] = {
    "ceil": math.ceil,
    "floor": math.floor,
    "trunc": math.trunc,
}


def domain_error() -> ValueError:
    """The error for an argument that a function is not defined for."""
    return ValueError(DOMAIN)


def _one(
    name: str, function: Callable[[float], float], single: type[float]
) -> Callable[..., Any]:
    @native
    def call(x: Any, /) -> float:
        value = as_float(x)
        try:
            result = single(function(value))
        except (OverflowError, ValueError):
            if name == "lgamma" and math.isinf(value):
                return single(math.inf)
            raise domain_error() from None
        if math.isinf(result) and not math.isinf(value):
            raise domain_error()
        return result

    return call


def _two(
    name: str, function: Callable[[float, float], float], single: type[float]
) -> Callable[..., Any]:
    @native
    def call(x: Any, y: Any, /) -> float:
        first, second = as_float(x), as_float(y)
        try:
            result = single(function(first, second))
        except (OverflowError, ValueError):
            raise domain_error() from None
        # Of pow(2, inf) earlier releases look at the 2 only.
        infinite = math.isinf(first) or (LANGUAGE[0].power_of_infinity and math.isinf(second))
        if math.isinf(result) and not infinite:
            raise domain_error()
        return result

    return call


def _test(function: Callable[[float], bool]) -> Callable[..., Any]:
    return native(lambda x: function(as_float(x)))


def _round(function: Callable[[float], int]) -> Callable[..., Any]:
    @native
    def call(x: Any, /) -> int:
        value = as_float(x)
        if math.isinf(value):
            raise OverflowError("can't convert inf to int")
        if math.isnan(value):
            raise ValueError("can't convert NaN to int")
        return function(value)

    return call


@native
def factorial(x: Any, /) -> int:
    """`math.factorial`."""
    number = as_word(x)
    if number < 0:
        raise ValueError("negative factorial")
    return math.factorial(number)


def build(runtime: Runtime) -> Module:
    single = runtime.float_type

    @native
    def log(x: Any, base: Any = None, /) -> float:
        value = as_float(x)
        if value <= 0:
            raise domain_error()
        if base is None:
            return single(math.log(value))
        other = as_float(base)
        if other <= 0:
            raise domain_error()
        if other == 1:
            raise ZeroDivisionError("divide by zero")
        return single(single(math.log(value)) / single(math.log(other)))

    @native
    def frexp(x: Any, /) -> tuple[float, int]:
        fraction, exponent = math.frexp(as_float(x))
        return single(fraction), exponent

    @native
    def modf(x: Any, /) -> tuple[float, float]:
        fraction, whole = math.modf(as_float(x))
        return single(fraction), single(whole)

    @native
    def ldexp(x: Any, exponent: Any, /) -> float:
        try:
            return single(math.ldexp(as_float(x), as_word(exponent)))
        except OverflowError:
            return single(math.copysign(math.inf, as_float(x)))

    @native
    def radians(x: Any, /) -> float:
        return single(single(as_float(x)) * single(math.pi / 180))

    @native
    def degrees(x: Any, /) -> float:
        return single(single(as_float(x)) * single(180 / math.pi))

    def isclose(a: Any, b: Any, /, *, rel_tol: Any = 1e-9, abs_tol: Any = 0) -> bool:
        first, second = as_float(a), as_float(b)
        relative, least = as_float(rel_tol), as_float(abs_tol)
        if relative < 0 or least < 0:
            raise domain_error()
        return math.isclose(first, second, rel_tol=relative, abs_tol=least)

    names: dict[str, Any] = {"e": single(math.e), "pi": single(math.pi)}
    for name, one in _ONE.items():
        names[name] = _one(name, one, single)
    for name, two in _TWO.items():
        names[name] = _two(name, two, single)
    for name, test in _TEST.items():
        names[name] = _test(test)
    for name, rounded in _ROUND.items():
        names[name] = _round(rounded)
    names.update(
        log=log,
        frexp=frexp,
        modf=modf,
        ldexp=ldexp,
        radians=radians,
        degrees=degrees,
        isclose=isclose,
        factorial=factorial,
    )
    return Module(NAMES[0], names)
