"""Kernels of native functions with floats of single precision, and what they have to give.

Results are CPython's, with every operation rounded (`bench.single`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bench.codegen_cases import NativeCase
from bench.single import names

FOLDER: Final = Path(__file__).parent / "kernels" / "floats"
ARCHITECTURES: Final = ("armv7emsp",)
"""Those whose boards have such floats."""
_SAMPLES: Final = "[(i * 37 & 63) * 0.25 - 8.0 for i in range(200)]"
_TAPS: Final = "[0.5, 1.0, 2.0, 1.0, 0.5, 0.25, 0.125, 0.0625]"


class _Same:
    """What decorators of machine code are to CPython."""

    @staticmethod
    def native(function: object) -> object:
        return function


def _case(name: str, arguments: str, setup: str = "", after: str = "None") -> NativeCase:
    source = (FOLDER / f"{name}.py").read_text()
    source += f"{setup}result = {name}({arguments})\nrest = {after}\n"
    found = names(source, micropython=_Same)
    return NativeCase(name, arguments, found["result"], setup, (after, found["rest"]))


FLOATS: Final = {each.name: each for each in (
    _case("mandelf", "12, 8, 40"),
    _case("biquadf", "s, 200, 0.5, 0.25, 0.125, -0.5, 0.25", f"s = {_SAMPLES}\n", "s[199]"),
    _case("firf", f"{_SAMPLES}, {_TAPS}, 200, 8"),
    _case("orbit", "1.0, 0.0, 0.0, 0.75, 0.0625, 200"),
)}
"""Beside the ten of `NATIVE`, not among them."""
