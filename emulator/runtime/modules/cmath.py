"""Module `cmath` (manual 1.1.3): complex numbers.

The results are those of the real functions below, so they are not numbers or infinite where the
host's `cmath` would raise an exception.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from mpy_cross.emulator.runtime.arguments import as_float, native
from mpy_cross.emulator.runtime.facts import LANGUAGE
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import Module, MpClass, type_name

NAMES: Final[tuple[str, ...]] = ("cmath",)


def as_complex(value: Any) -> complex:
    """A value where a complex number is needed.  Raises TypeError."""
    if isinstance(value, complex):
        return value
    if isinstance(value, (int, float)):
        return complex(as_float(value))
    if type(type(value)) is MpClass and LANGUAGE[0].complex_text:
        method = getattr(type(value), "__complex__", None)
        return as_complex(method(value)) if method is not None else complex(as_float(value))
    raise TypeError(f"can't convert {type_name(value)} to complex")


def _real(function: Callable[[float], float], x: float) -> float:
    """The function without exceptions."""
    try:
        return function(x)
    except OverflowError:
        return math.inf if function is not math.sinh or x > 0 else -math.inf
    except ValueError:
        return math.nan


def _log(z: complex) -> complex:
    size = abs(z)
    return complex(math.log(size) if size else -math.inf, math.atan2(z.imag, z.real))


def build(runtime: Runtime) -> Module:
    single = runtime.float_type

    def made(z: complex) -> complex:
        if single is float:
            return z
        return complex(single(z.real), single(z.imag))

    @native
    def phase(z: Any, /) -> float:
        value = as_complex(z)
        return single(math.atan2(value.imag, value.real))

    @native
    def polar(z: Any, /) -> tuple[float, float]:
        value = as_complex(z)
        return single(abs(value)), single(math.atan2(value.imag, value.real))

    @native
    def rect(r: Any, phi: Any, /) -> complex:
        size, angle = as_float(r), as_float(phi)
        return made(complex(size * _real(math.cos, angle), size * _real(math.sin, angle)))

    @native
    def exp(z: Any, /) -> complex:
        value = as_complex(z)
        size = _real(math.exp, value.real)
        cosine, sine = _real(math.cos, value.imag), _real(math.sin, value.imag)
        return made(complex(size * cosine, size * sine))

    @native
    def log(z: Any, /) -> complex:
        return made(_log(as_complex(z)))

    @native
    def log10(z: Any, /) -> complex:
        value = _log(as_complex(z))
        factor = math.log10(math.e)
        return made(complex(factor * value.real, factor * value.imag))

    @native
    def sqrt(z: Any, /) -> complex:
        value = as_complex(z)
        size = math.sqrt(abs(value))
        angle = 0.5 * math.atan2(value.imag, value.real)
        return made(complex(size * math.cos(angle), size * math.sin(angle)))

    @native
    def cos(z: Any, /) -> complex:
        value = as_complex(z)
        real = _real(math.cos, value.real) * _real(math.cosh, value.imag)
        return made(complex(real, -_real(math.sin, value.real) * _real(math.sinh, value.imag)))

    @native
    def sin(z: Any, /) -> complex:
        value = as_complex(z)
        real = _real(math.sin, value.real) * _real(math.cosh, value.imag)
        return made(complex(real, _real(math.cos, value.real) * _real(math.sinh, value.imag)))

    return Module(
        NAMES[0],
        {
            "e": single(math.e),
            "pi": single(math.pi),
            "phase": phase,
            "polar": polar,
            "rect": rect,
            "exp": exp,
            "log": log,
            "log10": log10,
            "sqrt": sqrt,
            "cos": cos,
            "sin": sin,
        },
    )
