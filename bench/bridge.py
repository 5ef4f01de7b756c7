"""Speed of machine code in the hosted run-time, on a board and with everything that belongs to it.

Called by `bench.cores`.  A call from machine code to the run-time is measured twice: an operator on
two small ints, which the run-time has as machine code too, and a function of the program (bytecode)
with two small ints, for which the host is needed.  A call to native code is measured from a
function of the program, at the outermost level and inside of a call from native code.  What the
same loop takes without the call is taken off, for a call from bytecode also what it takes to call a
function in bytecode with the same arguments.
"""

from __future__ import annotations

from typing import Any, Final, final

from bench.timing import best
from mpy_cross.emulator.boards import board as facts
from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime.types import Module
from mpy_cross.emulator.session import Session
from mpy_cross.loader.release import get

TIMES: Final = 10
"""So often the measured thing stands in the body of a loop."""
STEPS: Final = 3_000
VIPER_STEPS: Final = 3_000_000


def _repeated(statement: str) -> str:
    return "; ".join([statement] * TIMES)


SOURCE: Final = f"""
def host(a, b): return a
@micropython.native
def empty(a, b): return a
@micropython.native
def steps(n):
    for i in range(n): pass
@micropython.native
def operators(n, a, b):
    for i in range(n): {_repeated("a + b")}
@micropython.native
def calls(n, f):
    for i in range(n): {_repeated("f(3, 4)")}
@micropython.native
def once(n, f):
    for i in range(n): f(3, 4)
def from_bytecode(n, f):
    for i in range(n): {_repeated("f(3, 4)")}
def back(a, b): {_repeated("empty(3, 4)")}
def no_back(a, b): {_repeated("host(3, 4)")}
@micropython.viper
def viper(p: ptr32, n: int) -> int:
    total = 0
    while n:
        p[0] = p[0] + n
        total += p[0]
        n -= 1
    return total
buffer = bytearray(4)
"""


@final
class Figures:
    """Microseconds, and instructions per second, of one board and release."""

    def __init__(self, board: str, release: str) -> None:
        chosen = get(release)
        session = Session(board, chosen, compiler_for(chosen, facts(board).arch))
        self.runtime = session.runtime
        self.runtime.activate()
        module = Module("bench")
        self.runtime.run(self.runtime.compile(SOURCE.encode(), "bench.py"), module)
        self._names: dict[str, Any] = module.__dict__
        self.step = self._time("steps")
        self.operator = (self._time("operators", 3, 4) - self.step) / TIMES
        self.call = self._per_call("calls", "host")
        self.native = self._per_call("calls", "empty")
        self.outer = self._over("from_bytecode", "empty", "host")
        self.inner = self._over("once", "back", "no_back")

    def _time(self, name: str, *args: Any) -> float:
        function = self._names[name]
        return 1e6 * best(lambda: function(STEPS, *args)) / STEPS

    def _per_call(self, name: str, function: str) -> float:
        return (self._time(name, self._names[function]) - self.step) / TIMES

    def _over(self, name: str, function: str, plain: str) -> float:
        with_call = self._time(name, self._names[function])
        return (with_call - self._time(name, self._names[plain])) / TIMES

    def viper(self) -> float:
        """Million instructions per second in a loop in viper that loads, stores and adds."""
        core = self.runtime.native.core
        function, buffer = self._names["viper"], self._names["buffer"]
        before = core.instructions
        function(buffer, VIPER_STEPS)
        executed = core.instructions - before
        return executed / best(lambda: function(buffer, VIPER_STEPS)) / 1e6


def report() -> None:
    """Print the figures beside the limits that the project has set itself."""
    for board, release in (("pyboard", "1.17"), ("pyboard", "1.29"), ("pico", "1.17")):
        figures = Figures(board, release)
        print(f"{board}, release {release}, counted, with the board's clock:")
        rows = (
            (figures.operator, "operator on two small ints, from native code", 1.5),
            (figures.call, "native code calls the host, two small ints", 1.5),
            (figures.native, "native code calls native code, two small ints", None),
            (figures.outer, "bytecode calls native code", 4.0),
            (figures.inner, "the same inside of a call from native code", 4.0),
            (figures.step, "step of `for i in range(n)` in native code", None),
        )
        for value, what, limit in rows:
            goal = "" if limit is None else f" (limit {limit})"
            print(f"{value:8.2f} us: {what}{goal}")
        print(f"{figures.viper():8.0f} million instructions/s: loop in viper (limit 150)")
