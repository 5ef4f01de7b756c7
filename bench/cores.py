"""Speed of the emulated cores: `python -m bench.cores`.

Million instructions per second in a loop such as viper makes (load, store, add, compare, branch),
counted and free-running; microseconds of a call from machine code to Python with two arguments, and
of one from Python to machine code inside of it: for the bare core, then as programs on boards see
it, in the hosted run-time (`bench.bridge`).  CPU time, the best of some runs.
"""

from __future__ import annotations

from typing import Final

from bench import bridge
from bench.timing import best
from mpy_cross.assembler.code import Code
from mpy_cross.assembler.thumb import TABLE
from mpy_cross.emulator.bus import Bus
from mpy_cross.emulator.cores.arm import CortexM

CODE: Final = 0x0800_0000
RAM: Final = 0x2000_0000
LOOPS: Final = 2_000_000
CALLS: Final = 50_000
NE: Final = 1


def make(exact: bool) -> tuple[CortexM, int, int, int]:
    """A core, and the addresses of a loop, of a loop of calls, and of a function."""
    bus = Bus()
    bus.memory("flash", CODE, 0x1000, "rx")
    bus.memory("ram", RAM, 0x1_0000)
    code = Code(CODE)

    def emit(row: str, *values: int) -> None:
        code.emit(TABLE[row], *values)

    def back(label: int) -> None:
        code.branch([TABLE["b_cond"]], label, NE)

    start = code.label()  # loop(n, address): 6 instructions each time
    code.bind(start)
    emit("ldr_imm5", 3, 1, 0)
    emit("adds_reg", 3, 3, 0)
    emit("str_imm5", 3, 1, 0)
    emit("eors_reg2", 2, 3)
    emit("subs_imm8", 0, 1)
    back(start)
    emit("bx", 14)
    calls = code.label()  # calls(n, function): calls function(3, 4)
    code.bind(calls)
    emit("push", 1 << 14 | 0x30)
    emit("mov_any", 4, 1)
    emit("mov_any", 5, 0)
    again = code.label()
    code.bind(again)
    emit("movs_imm8", 0, 3)
    emit("movs_imm8", 1, 4)
    emit("blx", 4)
    emit("subs_imm8", 5, 1)
    back(again)
    emit("pop", 1 << 15 | 0x30)
    function = code.label()
    code.bind(function)
    emit("adds_imm8", 0, 1)
    emit("bx", 14)
    bus.load(CODE, code.finish())
    core = CortexM("cortex-m4f", bus, exact=exact)
    core.write("sp", RAM + 0x1_0000)
    addresses = [code.address(label) | 1 for label in (start, calls, function)]
    return core, addresses[0], addresses[1], addresses[2]


def measure(exact: bool) -> None:
    core, loop, calls, function = make(exact)
    add = core.add_trap(lambda a, b, c, d: a + b)
    back = core.add_trap(lambda a, b, c, d: core.call(function, a))
    seconds = best(lambda: core.call(loop, LOOPS, RAM))
    trap = best(lambda: core.call(calls, CALLS, add)) / CALLS
    nested = best(lambda: core.call(calls, CALLS, back)) / CALLS - trap
    print(f"{'counted' if exact else 'free':8} {6 * LOOPS / seconds / 1e6:6.0f} "
          "million instructions/s "
          f"(limit {150 if exact else 300})")
    print(f"{'':8} {trap * 1e6:6.2f} us: machine code calls Python, two arguments")
    print(f"{'':8} {nested * 1e6:6.2f} us: Python calls machine code, from there")


def main() -> None:
    measure(True)
    measure(False)
    bridge.report()


if __name__ == "__main__":
    main()
