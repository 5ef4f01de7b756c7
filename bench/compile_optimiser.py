"""What the optimising back end costs: `python -m bench.compile --optimiser [--files N] [--arch A]`.

The files of the standard library are compiled as native code, for armv7m if nothing else is said.
Emitters alone are timed, function by function: the baseline at opt 0, and the same functions at
opt 2.  Then come functions that are large on purpose, which have to compile or to be left to the
baseline with a note.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from mpy_cross.driver import compile_to_ops, emit
from mpy_cross.emitters import native_functions
from mpy_cross.emitters.native.baseline import NativeCode
from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.errors import CompileError
from mpy_cross.loader.ops import Emit, FunctionOps
from mpy_cross.loader.release import get
from mpy_cross.options import CompileOptions
from tests.oracle import corpus

RELEASE: Final = "1.29"
ARCH: Final = "armv7m"
MOST: Final = 6.0
"""So many times what the baseline costs."""
SLOWEST: Final = 2.0
"""Seconds that no function may take."""


def _locals(count: int) -> str:
    """So many variables, all of them alive in a loop."""
    names = [f"x{n}" for n in range(count)]
    first = "".join(f"    {name} = a + {n}\n" for n, name in enumerate(names))
    change = "".join(f"        {name} += {names[n - 1]}\n" for n, name in enumerate(names))
    return f"{first}    for i in range(a):\n{change}    a = {' + '.join(names)}\n"


def pathological() -> dict[str, str]:
    """Sources by what is special about them."""
    statements = "".join(f"    a = (a + {n % 200}) ^ (a >> {n % 31})\n" for n in range(10_000))
    branches = "".join(f"    if a & {1 << n % 30}:\n        a += {n}\n" for n in range(2_000))
    nested, indent = "", "    "
    for n in range(18):
        nested += f"{indent}for i{n} in range(2):\n"
        indent += "    "
    nested += f"{indent}a += 1\n"
    bodies = {
        "10,000 statements": statements,
        "300 statements": "\n".join(statements.splitlines()[:300]) + "\n",
        "100 locals in a loop": _locals(100), "300 locals in a loop": _locals(300),
        "2,000 branches": branches, "18 nested loops": nested,
    }
    made = {}
    for name, body in bodies.items():
        made[f"viper, {name}"] = f"@micropython.viper\ndef f(a: int) -> int:\n{body}    return a\n"
        made[f"native, {name}"] = f"@micropython.native\ndef f(a):\n{body}    return a\n"
    return made


class Stopwatch:
    """Seconds of each function that becomes machine code, in order."""

    def __init__(self) -> None:
        self.times: list[tuple[float, str, int]] = []
        self._compile = native_functions.NativeCompiler.compile

    def __enter__(self) -> Stopwatch:
        times, real = self.times, self._compile

        def compile(
            compiler: native_functions.NativeCompiler, function: FunctionOps
        ) -> NativeCode:
            began = time.process_time()
            try:
                return real(compiler, function)
            finally:
                took = time.process_time() - began
                name = compiler.module.names[function.name].decode("utf-8", "replace")
                times.append((took, name, len(function.ops)))

        setattr(native_functions.NativeCompiler, "compile", compile)  # noqa: B010
        return self

    def __exit__(self, *error: object) -> None:
        setattr(native_functions.NativeCompiler, "compile", self._compile)  # noqa: B010

    @property
    def seconds(self) -> float:
        return sum(took for took, _, _ in self.times)


def timed(
    source: bytes, name: str, level: str, notes: list[str] | None, arch: str = ARCH
) -> Stopwatch:
    """The functions of a source as native code.  Raises CompileError."""
    optimise = Optimise(level, notes=notes)
    options = CompileOptions(get(RELEASE), arch=arch, emit=Emit.NATIVE, optimise=optimise)
    module = compile_to_ops(source, name, options)
    with Stopwatch() as watch:
        emit(module, options)
    return watch


def measure(items: Sequence[corpus.Item], arch: str = ARCH) -> int:
    """Print the figures; status 1 if one is beyond its limit."""
    baseline = optimised = 0.0
    functions = 0
    slowest: list[tuple[float, str, int]] = []
    notes: list[str] = []
    timed(b"def f(a): return a + 1", "warm.py", "2", None, arch)
    for item in items:
        source = item.path.read_bytes()
        try:
            before = timed(source, item.name, "0", None, arch)
            after = timed(source, item.name, "2", notes, arch)
        except (CompileError, NativeError, OverflowError):
            continue
        except Exception as error:  # a mistake of the optimiser is reported, not the end
            print(f"{item.name}: {type(error).__name__}: {str(error).splitlines()[:1]}")
            continue
        baseline, optimised = baseline + before.seconds, optimised + after.seconds
        functions += len(after.times)
        slowest = sorted([*slowest, *((t, f"{item.name} {n}", k) for t, n, k in after.times)])[-5:]
    ratio = optimised / baseline
    print(f"{len(items)} files, {functions} functions, {len(notes)} left to the baseline")
    print(f"{arch}, emitters: opt=0 {baseline:.2f} s, opt=2 {optimised:.2f} s: {ratio:.1f} times "
          f"(limit {MOST:.0f})")
    for took, name, n_ops in reversed(slowest):
        print(f"  {took:6.2f} s  {name}, {n_ops} operations")
    worst = slowest[-1][0]
    for name, text in pathological().items():
        said: list[str] = []
        try:
            watch = timed(text.encode(), "large.py", "2", said, arch)
        except (CompileError, NativeError) as error:  # as the reference does
            print(f"  {'-':>6}    {name}: {error}")
            continue
        took = max(took for took, _, _ in watch.times)
        worst = max(worst, took)
        last = said[-1].partition(": ")[2] if said and said[-1].startswith("f:") else "optimised"
        print(f"  {took:6.2f} s  {name}: {last}")
    return 0 if ratio <= MOST and worst <= SLOWEST else 1
