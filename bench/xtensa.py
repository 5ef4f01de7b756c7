"""Speed of the Xtensa cores: `python -m bench.xtensa`, or `python -m bench.run xtensa`.

Million instructions per second in the kernels of the tests, beside qemu-system-xtensa where that is
installed (its LX106, and its DE212 in place of the ESP32's LX6, as it has none); microseconds of a
call from the program to Python, and of one from Python to the program inside of it; microseconds
for each instruction that is executed for the first time.  CPU time, the best of some runs.
"""

from __future__ import annotations

import random
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.timing import RUNS, best
from mpy_cross.emulator.bus import Bus
from mpy_cross.emulator.cores.xtensa.core import TranslatedXtensa
from mpy_cross.emulator.cores.xtensa.models import model as find_model
from mpy_cross.emulator.cores.xtensa.vectors import window_vectors
from tests.emulator.core_xtensa import Program
from tests.emulator.xtensa_kernels import LX6_PLACE, build
from tests.emulator.xtensa_qemu import PROGRAM, installed

CALLS: Final = 20_000
SIZE: Final = 0x8000
CODE, DATA = LX6_PLACE.code, LX6_PLACE.data
STACK: Final = DATA + SIZE - 0x100
FUNCTIONS: Final = 200  # of the program that is executed once
LOOPS_LIMIT, WINDOWS_LIMIT, CHANGING_LIMIT, TRAP_LIMIT, COLD_LIMIT = 200, 40, 1, 2.0, 25.0

# Kernel: argument, how often, and the least speed.
KERNELS: Final = {
    "crc32": (4000, 20, LOOPS_LIMIT), "sieve": (8000, 60, LOOPS_LIMIT),
    "matrix": (30, 20, LOOPS_LIMIT), "loops": (4000, 3, LOOPS_LIMIT), "fib": (21, 3, 0),
    "floats": (3000, 30, 0), "changing": (400, 10, CHANGING_LIMIT)}
QEMU: Final = {"lx106": "lx106", "lx6": "de212"}


def make(name: str, code: bytes) -> TranslatedXtensa:
    bus = Bus()
    bus.memory("code", LX6_PLACE.vectors, 0x2_0000)
    bus.memory("data", DATA & -0x1_0000, 0x1_0000)
    bus.load(CODE, code)
    core = TranslatedXtensa(name, bus)
    core.write("sp", STACK)
    return core


def kernel(name: str, core_name: str) -> tuple[int, float]:
    """Instructions of all its runs, and seconds."""
    n, times, _ = KERNELS[name]
    core = make(core_name, build(name, find_model(core_name), LX6_PLACE))
    core.call(CODE, n)
    core.call(CODE, n)
    begun = core.instructions

    def run() -> None:
        for _ in range(times):
            core.call(CODE, n)

    seconds = best(run)
    return (core.instructions - begun) // RUNS, seconds


def driver(name: str, core_name: str, times: int) -> bytes:
    """Code that sets up a core of QEMU, calls the kernel so often, and ends QEMU."""
    n = KERNELS[name][0]
    windows = find_model(core_name).windows
    p = Program(LX6_PLACE.code + 0x800)
    p.const(1, STACK)
    p.const(2, LX6_PLACE.vectors)
    p("wsr", 231, 2)
    if windows:
        p.const(2, STACK + 128)
        p("s32i", 2, 1, 0)
        p("addi", 1, 1, 12)
        p.const(2, 0x4_0020)
        p("wsr", 230, 2)
        p("movi", 2, 1)
        p("wsr", 73, 2)
        p("rsync")
        p.const(4, CODE)
        p.const(5, times)
        p.here("again")
        p.const(10, n)
        p("callx8", 4)
        p("addi", 5, 5, -1)
        p.to("bnez", "again", 5)
    else:
        p("movi", 2, 0x20)
        p("wsr", 230, 2)
        p("rsync")
        p.const(14, CODE)
        p.const(15, times)
        p.here("again")
        p.const(2, n)
        p("callx0", 14)
        p("addi", 15, 15, -1)
        p.to("bnez", "again", 15)
    p("movi", 2, 1)  # exit(0)
    p("movi", 3, 0)
    p("simcall")
    return p.finish()


def qemu(name: str, core_name: str, folder: Path) -> float:
    """Seconds that one run of all its calls takes there."""
    times = KERNELS[name][1]

    def run(count: int) -> float:
        image = bytearray(0x2000)
        image[: len(window_vectors())] = window_vectors()
        at = CODE - LX6_PLACE.vectors
        for place, code in ((at, build(name, find_model(core_name), LX6_PLACE)),
                            (at + 0x800, driver(name, core_name, count))):
            image[place : place + len(code)] = code
        file = folder / "image.bin"
        file.write_bytes(image)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [PROGRAM, "-M", "sim", "-cpu", QEMU[core_name], "-semihosting", "-display", "none",
             "-serial", "none", "-monitor", "none",
             "-device", f"loader,file={file},addr={LX6_PLACE.vectors:#x},force-raw=on",
             "-device", f"loader,addr={CODE + 0x800:#x},cpu-num=0"], timeout=60, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    factor = 40
    few = min(run(1) for _ in range(3))
    many = min(run(times * factor) for _ in range(3))
    return (many - few) / (factor - 1 / times)


def report_kernels() -> bool:
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for core in ("lx106", "lx6"):
            for one, (_, _, limit) in KERNELS.items():
                if core == "lx106" and one in ("loops", "floats"):
                    continue
                count, seconds = kernel(one, core)
                speed = count / seconds / 1e6
                line = f"{core:6} {one:9} {speed:7.1f} million instructions/s"
                least = WINDOWS_LIMIT if (core, one) == ("lx6", "fib") else limit
                if least:
                    line += f" (at least {least})"
                    good = good and speed >= least
                if installed() and one != "floats":
                    theirs = count / qemu(one, core, folder) / 1e6
                    line += f"; QEMU {theirs:.1f}, {theirs / speed:.1f} times ours"
                print(line, flush=True)
    return good


def calling(core_name: str) -> tuple[bytes, int]:
    """calls(n, function) calls function(3, 4) n times; and the address of such a function."""
    windows = find_model(core_name).windows
    p = Program(CODE)
    if windows:
        p("entry", 1, 32)
        p.here("again")
        p("movi.n", 10, 3)
        p("movi.n", 11, 4)
        p("callx8", 3)
        p("addi.n", 2, 2, -1)
        p.to("bnez", "again", 2)
        p("retw.n")
    else:
        p("mov.n", 14, 0)
        p("mov.n", 12, 2)
        p("mov.n", 13, 3)
        p.here("again")
        p("movi.n", 2, 3)
        p("movi.n", 3, 4)
        p("callx0", 13)
        p("addi.n", 12, 12, -1)
        p.to("bnez", "again", 12)
        p("jx", 14)
    p.code.align(4)
    p.here("function")
    if windows:
        p("entry", 1, 32)
    p("addi.n", 2, 2, 1)
    p("retw.n" if windows else "ret.n")
    return p.finish(), p.address("function")


def report_calls(name: str) -> bool:
    code, function = calling(name)
    core = make(name, code)
    add = core.add_trap(lambda a, b, c, d: a + b)
    back = core.add_trap(lambda a, b, c, d: core.call(function, a))
    trap = best(lambda: core.call(CODE, CALLS, add)) / CALLS * 1e6
    nested = best(lambda: core.call(CODE, CALLS, back)) / CALLS * 1e6 - trap
    leaf = best(lambda: core.call(CODE, 20 * CALLS, function)) / 20 / CALLS * 1e9
    print(f"{name:6} {trap:.2f} us: the program calls Python, two arguments "
          f"(at most {TRAP_LIMIT:.0f})")
    print(f"{name:6} {nested:.2f} us: Python calls the program, from there")
    print(f"{name:6} {leaf:.0f} ns: the program calls a function of its own, 5 to 7 instructions "
          "in all")
    return trap <= TRAP_LIMIT


def wide(core_name: str) -> bytes:
    """Many functions without loops, and one at the end that calls them; its address comes first."""
    rng = random.Random(1)
    windows = find_model(core_name).windows
    p = Program(CODE)
    p.to("j", "main")
    for number in range(FUNCTIONS):
        p.code.align(4)
        p.here(f"f{number}")
        if windows:
            p("entry", 1, 32)
        for at in range(rng.randrange(15, 40)):
            pick = rng.random()
            t, s = rng.randrange(4, 8), rng.randrange(2, 8)
            if pick < 0.4:
                p(rng.choice(("add", "sub", "xor", "and", "or", "addx4")), t, s, s)
            elif pick < 0.6:
                p("addi", t, s, 5)
            elif pick < 0.9:
                p("l32i" if pick < 0.8 else "s32i", t, 2, 4 * rng.randrange(10))
            else:
                p.to("beqz", f"{number} {at}", t)
                p("addi", 5, 5, 1)
                p.here(f"{number} {at}")
        p("retw.n" if windows else "ret.n")
    p.code.align(4)
    p.here("main")
    if windows:
        p("entry", 1, 32)
    else:
        p("mov.n", 12, 0)
    for number in range(FUNCTIONS):
        if windows:
            p("mov.n", 10, 2)
        p.to("call8" if windows else "call0", f"f{number}")
    p("retw.n" if windows else "jx", *(() if windows else (12,)))
    return p.finish()


def report_cold(name: str) -> bool:
    code, costs = wide(name), []
    for _ in range(RUNS):
        core = make(name, code)
        begin = time.process_time()
        core.call(CODE, DATA)
        costs.append((time.process_time() - begin) / core.translator.instructions * 1e6)
    begun = core.instructions
    for _ in range(5):
        core.call(CODE, DATA)
    steady = (core.instructions - begun) / RUNS / best(lambda: core.call(CODE, DATA)) / 1e6
    print(f"{name:6} {min(costs):.1f} us for each new instruction (at most {COLD_LIMIT:.0f}); "
          f"afterwards {steady:.0f} million instructions/s")
    return min(costs) <= COLD_LIMIT


def main() -> int:
    results = [report(name) for report in (report_calls, report_cold) for name in QEMU]
    results.append(report_kernels())
    return 0 if all(results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
