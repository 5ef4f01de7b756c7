"""Small programs for Xtensa cores, with what QEMU says of them: result and instruction count.

    python -m tests.emulator.xtensa_kernels --record     asks QEMU, step by step (a minute)

Each is a function, for cores with windows and without; its argument `n` says how long it takes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emulator.bus import Bus
from mpy_cross.emulator.cores.xtensa.interpreter import Interpreter
from mpy_cross.emulator.cores.xtensa.memory import BusMemory
from mpy_cross.emulator.cores.xtensa.models import Model
from mpy_cross.emulator.cores.xtensa.models import model as find_model
from mpy_cross.emulator.cores.xtensa.state import State
from mpy_cross.emulator.cores.xtensa.vectors import window_vectors
from tests.emulator.core_xtensa import Program
from tests.emulator.xtensa_judge import PLACES, Place, set_registers
from tests.emulator.xtensa_qemu import Stub

FILE: Final = Path(__file__).parent / "recorded" / "xtensa_kernels.json"
DATA_SIZE: Final = 0x4000
LX6_PLACE: Final = Place(0x4000_0000, 0x4000_1000, 0x3FFE_1000, 0x180, 0x400)
END: Final = 0x800  # behind the vector base: where a kernel returns to


@final
class Frames:
    """How functions begin and end, and where the result of a call is."""

    def __init__(self, program: Program, model: Model) -> None:
        self.p, self.windows, self.registers = program, model.windows, model.registers
        self.first = 10 if model.windows else 2

    def enter(self) -> None:
        if self.windows:
            self.p("entry", 1, 32)

    def leave(self) -> None:
        self.p("retw.n" if self.windows else "ret.n")


def crc32(f: Frames, data: int) -> None:
    """CRC-32, bit by bit, of n bytes that it makes first."""
    p = f.p
    f.enter()
    p.const(3, data)
    p("mov.n", 4, 3)
    p("movi", 5, 0)
    p.here("fill")
    p("addx8", 6, 5, 5)
    p("s8i", 6, 4, 0)
    p("addi.n", 4, 4, 1)
    p("addi.n", 5, 5, 1)
    p.to("bne", "fill", 5, 2)
    p.const(7, 0xEDB8_8320)
    p("movi", 4, -1)
    p.here("byte")
    p("l8ui", 5, 3, 0)
    p("xor", 4, 4, 5)
    p("movi.n", 6, 8)
    p.here("bit")
    p("extui", 5, 4, 0, 1)
    p("srli", 4, 4, 1)
    p("neg", 5, 5)
    p("and", 5, 5, 7)
    p("xor", 4, 4, 5)
    p("addi.n", 6, 6, -1)
    p.to("bnez", "bit", 6)
    p("addi.n", 3, 3, 1)
    p("addi.n", 2, 2, -1)
    p.to("bnez", "byte", 2)
    p("movi.n", 5, -1)
    p("xor", 2, 4, 5)
    f.leave()


def sieve(f: Frames, data: int) -> None:
    """The primes below n."""
    p = f.p
    f.enter()
    p.const(3, data)
    p("movi", 4, 0)
    p("movi", 6, 1)
    p.here("set")
    p("add.n", 5, 3, 4)
    p("s8i", 6, 5, 0)
    p("addi.n", 4, 4, 1)
    p.to("bltu", "set", 4, 2)
    p("movi", 4, 2)
    p("movi", 7, 0)
    p.here("next")
    p("add.n", 5, 3, 4)
    p("l8ui", 6, 5, 0)
    p.to("beqz", "no", 6)
    p("addi.n", 7, 7, 1)
    p("add.n", 6, 4, 4)
    p("movi", 8, 0)
    p.to("bgeu", "no", 6, 2)
    p.here("strike")
    p("add.n", 5, 3, 6)
    p("s8i", 8, 5, 0)
    p("add.n", 6, 6, 4)
    p.to("bltu", "strike", 6, 2)
    p.here("no")
    p("addi.n", 4, 4, 1)
    p.to("bltu", "next", 4, 2)
    p("mov.n", 2, 7)
    f.leave()


def matrix(f: Frames, data: int) -> None:
    """The product of two n by n matrices; the sum of its elements, each with its place."""
    p = f.p
    f.enter()
    p.const(3, data)  # A; B is behind it
    p("mull", 4, 2, 2)
    p("addx4", 5, 4, 3)  # B
    p("movi", 6, 0)
    p("mov.n", 7, 3)
    p.here("fill")
    p("addx2", 8, 6, 6)
    p("s32i.n", 8, 7, 0)
    p("movi", 9, 5)
    p("xor", 8, 6, 9)
    p("addx4", 9, 6, 5)
    p("s32i.n", 8, 9, 0)
    p("addi.n", 7, 7, 4)
    p("addi.n", 6, 6, 1)
    p.to("bne", "fill", 6, 4)
    p("movi", 10, 0)  # sum
    p("movi", 6, 0)  # row
    p.here("row")
    p("movi", 7, 0)  # column
    p.here("column")
    p("mull", 8, 6, 2)
    p("addx4", 8, 8, 3)
    p("addx4", 9, 7, 5)
    p("movi", 11, 0)
    p("mov.n", 4, 2)
    p.here("element")
    p("l32i.n", 12, 8, 0)
    p("l32i.n", 13, 9, 0)
    p("mull", 12, 12, 13)
    p("add.n", 11, 11, 12)
    p("addi.n", 8, 8, 4)
    p("addx4", 9, 2, 9)
    p("addi.n", 4, 4, -1)
    p.to("bnez", "element", 4)
    p("add.n", 11, 11, 7)
    p("xor", 10, 10, 11)
    p("slli", 12, 10, 5)
    p("add.n", 10, 10, 12)
    p("addi.n", 7, 7, 1)
    p.to("bne", "column", 7, 2)
    p("addi.n", 6, 6, 1)
    p.to("bne", "row", 6, 2)
    p("mov.n", 2, 10)
    f.leave()


def fib(f: Frames, data: int) -> None:
    """Fibonacci numbers, by calls of itself."""
    p = f.p
    p.here("fib")
    if f.windows:
        p("entry", 1, 32)
        p.to("blti", "small", 2, 2)
        p("addi.n", 10, 2, -1)
        p.to("call8", "fib")
        p("mov.n", 3, 10)
        p("addi", 10, 2, -2)
        p.to("call8", "fib")
        p("add.n", 2, 10, 3)
        p.here("small")
        p("retw.n")
        return
    p.to("bgei", "large", 2, 2)
    p("ret.n")
    p.code.align(4)
    p.here("large")
    p("addi", 1, 1, -16)
    p("s32i.n", 0, 1, 0)
    p("s32i.n", 12, 1, 4)
    p("s32i.n", 13, 1, 8)
    p("mov.n", 12, 2)
    p("addi.n", 2, 2, -1)
    p.to("call0", "fib")
    p("mov.n", 13, 2)
    p("addi", 2, 12, -2)
    p.to("call0", "fib")
    p("add.n", 2, 2, 13)
    p("l32i.n", 0, 1, 0)
    p("l32i.n", 12, 1, 4)
    p("l32i.n", 13, 1, 8)
    p("addi", 1, 1, 16)
    p("ret.n")


def loops(f: Frames, data: int) -> None:
    """The three zero-overhead loops, n times; with a branch out of one and to the end of one."""
    p = f.p
    f.enter()
    p("movi", 3, 0)
    p.here("again")
    p("movi", 4, 40)
    p.const(5, data)
    p.to("loop", "end 1", 4)
    p("s32i.n", 4, 5, 0)
    p("addi.n", 5, 5, 4)
    p("addi.n", 4, 4, 3)
    p("add.n", 3, 3, 4)
    p.here("end 1")
    p("movi", 4, 40)
    p.const(5, data)
    p.to("loopnez", "end 2", 4)
    p("l32i.n", 6, 5, 0)
    p("addi.n", 5, 5, 4)
    p.to("bbsi", "odd", 6, 0)
    p("xor", 3, 3, 6)
    p.here("odd")
    p("add.n", 3, 3, 6)
    p.here("end 2")
    p("movi", 4, 0)
    p.to("loopgtz", "end 3", 4)
    p("movi", 3, 0)
    p("nop.n")
    p.here("end 3")
    p("movi", 4, 9)
    p.to("loop", "end 4", 4)
    p("addi.n", 4, 4, -1)
    p.to("beqi", "out", 4, 3)
    p("addi.n", 3, 3, 7)
    p.here("end 4")
    p("addi.n", 3, 3, 1)
    p.here("out")
    p("addi.n", 2, 2, -1)
    p.to("bnez", "again", 2)
    p("mov.n", 2, 3)
    f.leave()


def changing(f: Frames, data: int) -> None:
    """Rewrites a function and calls it, n times: each time it gives another number."""
    p = f.p
    f.enter()
    p.to("j", "over")
    p.code.align(4)
    p.here("code")
    p("movi.n", 8, 0)
    p("ret.n")
    p.here("word")
    p.code.data(TABLE["movi.n"].word(8, 0) | TABLE["ret.n"].word() << 16, 4)
    p.here("over")
    p("mov.n", 7, 0)
    p("movi", 3, 0)
    p.to("l32r", "word", 5)
    p.to("call0", "here")
    p.code.align(4)
    p.here("here")
    p("addi", 4, 0, 0)
    p("movi", 6, 3)
    p("or", 4, 4, 6)
    p("xor", 4, 4, 6)
    p("addi", 4, 4, -16)
    p.here("again")
    p("extui", 6, 2, 0, 4)
    p("slli", 6, 6, 12)
    p("or", 6, 5, 6)
    p("s32i.n", 6, 4, 0)
    p("memw")
    p("isync")
    p("callx0", 4)
    p("addx2", 3, 3, 3)
    p("add.n", 3, 3, 8)
    p("addi.n", 2, 2, -1)
    p.to("bnez", "again", 2)
    p("mov.n", 0, 7)
    p("mov.n", 2, 3)
    f.leave()


def floats(f: Frames, data: int) -> None:
    """A logistic map, n steps, and a scalar product of its values; the bits of the result."""
    p = f.p
    f.enter()
    p.const(3, 0x4069_999A)  # 3.65
    p("wfr", 0, 3)
    p.const(3, 0x3F00_0000)
    p("wfr", 1, 3)
    p("movi", 3, 1)
    p("float.s", 2, 3, 0)
    p.const(4, data)
    p("mov.n", 5, 4)
    p("mov.n", 6, 2)
    p.to("loop", "made", 6)
    p("sub.s", 3, 2, 1)
    p("mul.s", 3, 3, 1)
    p("mul.s", 1, 3, 0)
    p("ssip", 1, 5, 4)
    p.here("made")
    p("movi", 3, 0)
    p("wfr", 4, 3)
    p("mov.n", 5, 4)
    p.to("loopnez", "added", 2)
    p("lsip", 5, 5, 4)
    p("madd.s", 4, 5, 5)
    p("olt.s", 0, 5, 1)
    p.to("bf", "more", 0)
    p("msub.s", 4, 5, 2)
    p.here("more")
    p("nop.n")
    p.here("added")
    p("trunc.s", 3, 4, 8)
    p("rfr", 2, 4)
    p("xor", 2, 2, 3)
    f.leave()


# f0 = f1 / f2 and f0 = sqrt(f1), as compilers put them together; f3 to f8 are used.
DIVISION: Final[tuple[tuple[Any, ...], ...]] = (
    ("div0.s", 3, 2), ("nexp01.s", 4, 2), ("const.s", 5, 1), ("maddn.s", 5, 4, 3),
    ("mov.s", 6, 3), ("mov.s", 7, 2), ("nexp01.s", 2, 1), ("maddn.s", 6, 5, 6),
    ("const.s", 5, 1), ("const.s", 0, 0), ("neg.s", 8, 2), ("maddn.s", 5, 4, 6),
    ("maddn.s", 0, 8, 3), ("mkdadj.s", 7, 1), ("maddn.s", 6, 5, 6), ("maddn.s", 8, 4, 0),
    ("const.s", 3, 1), ("maddn.s", 3, 4, 6), ("maddn.s", 0, 8, 6), ("neg.s", 2, 2),
    ("maddn.s", 6, 3, 6), ("maddn.s", 2, 4, 0), ("addexpm.s", 0, 7), ("addexp.s", 6, 7),
    ("divn.s", 0, 2, 6))
ROOT: Final[tuple[tuple[Any, ...], ...]] = (
    ("sqrt0.s", 2, 1), ("const.s", 3, 0), ("maddn.s", 3, 2, 2), ("nexp01.s", 4, 1),
    ("const.s", 0, 3), ("addexp.s", 4, 0), ("maddn.s", 0, 3, 4), ("nexp01.s", 3, 1),
    ("neg.s", 5, 3), ("maddn.s", 2, 0, 2), ("const.s", 0, 0), ("const.s", 6, 0),
    ("const.s", 7, 0), ("maddn.s", 0, 5, 2), ("maddn.s", 6, 2, 4), ("const.s", 4, 3),
    ("maddn.s", 7, 4, 2), ("maddn.s", 3, 0, 0), ("maddn.s", 4, 6, 2), ("neg.s", 2, 7),
    ("maddn.s", 0, 3, 2), ("maddn.s", 7, 4, 7), ("mksadj.s", 2, 1), ("nexp01.s", 1, 1),
    ("maddn.s", 1, 0, 0), ("neg.s", 3, 7), ("addexpm.s", 0, 2), ("addexp.s", 3, 2),
    ("divn.s", 0, 1, 3))


def quotients(f: Frames, data: int) -> None:
    """Quotients and square roots of n numbers, by the steps that compilers make."""
    p = f.p
    f.enter()
    p("movi", 3, 0)
    p.const(4, 0x1234_5677)
    p.const(5, 1_103_515_245)
    p.here("again")
    for register in (1, 2):
        p("mull", 4, 4, 5)
        p("addi", 4, 4, 99)
        p("wfr", register, 4)
    for row, *operands in DIVISION:
        p(row, *operands)
    p("rfr", 6, 0)
    p("addx4", 3, 3, 3)
    p("xor", 3, 3, 6)
    p("abs.s", 1, 0)
    for row, *operands in ROOT:
        p(row, *operands)
    p("rfr", 6, 0)
    p("addx4", 3, 3, 3)
    p("xor", 3, 3, 6)
    p("addi.n", 2, 2, -1)
    p.to("bnez", "again", 2)
    p("mov.n", 2, 3)
    f.leave()


def filter_(f: Frames, data: int) -> None:
    """A filter by the multiply and add option, over n samples."""
    p = f.p
    f.enter()
    p.const(3, data)
    p("mov.n", 4, 3)
    p("mov.n", 5, 2)
    p("movi", 6, -77)
    p.to("loop", "filled", 5)
    p("s32i.n", 6, 4, 0)
    p("addi.n", 4, 4, 4)
    p("addx8", 6, 6, 5)
    p("xor", 6, 6, 4)
    p.here("filled")
    p("movi", 4, 0)
    p("wsr", 16, 4)
    p("wsr", 17, 4)
    p("addi", 4, 3, -4)
    p("ldinc", 0, 4)
    p("ldinc", 1, 4)
    p.to("loop", "done", 2)
    p("mula.da.hl.ldinc", 2, 4, 0, 5)
    p("mula.dd.lh", 0, 2)
    p("muls.da.ll", 1, 6)
    p("addi.n", 5, 5, 3)
    p.here("done")
    p("rsr", 16, 2)
    p("rsr", 17, 3)
    p("xor", 2, 2, 3)
    f.leave()


def spill(f: Frames, data: int) -> None:
    """n calls inside of one another, of all three sizes; the last one sends all windows to memory,
    by turning them once around as systems do before they change tasks."""
    p = f.p
    for size in (4, 8, 12):
        p.code.align(4)
        p.here(f"down {size}")
        p("entry", 1, 64)
        p("addi", 3, 2, size)
        p.to("beqz", f"bottom {size}", 2)
        following = {4: 12, 8: 4, 12: 8}[size]
        p("addi.n", following + 2, 2, -1)
        p.to(f"call{following}", f"down {following}")
        p("addx2", 2, 3, following + 2)
        p("retw.n")
        p.here(f"bottom {size}")
        for turn in (3, 3, 3, 3, 4) if f.registers == 64 else (3, 3, 2):
            register = 12 if turn > 2 else 4
            p("and", register, register, register)
            p("rotw", turn)
        p("rsr", 73, 4)
        p("addi", 5, 4, -1)
        p("and", 2, 4, 5)  # 0 if one window is left
        p("addi.n", 2, 2, 7)
        p("retw.n")


@final
@dataclass(frozen=True, slots=True)
class Kernel:
    """n: the argument for which QEMU was asked; cores: those of QEMU's that were."""

    build: Callable[[Frames, int], None]
    n: int
    cores: tuple[str, ...]


KERNELS: Final = {
    "crc32": Kernel(crc32, 150, ("lx106", "de212")),
    "sieve": Kernel(sieve, 600, ("lx106", "de212")),
    "matrix": Kernel(matrix, 8, ("lx106", "de212")),
    "fib": Kernel(fib, 12, ("lx106", "de212")),
    "loops": Kernel(loops, 12, ("de212",)),
    "changing": Kernel(changing, 40, ("lx106", "de212")),
    "floats": Kernel(floats, 60, ("de233_fpu",)),
    "quotients": Kernel(quotients, 60, ("de233_fpu",)),
    "spill": Kernel(spill, 9, ("de212",)),
    "filter": Kernel(filter_, 60, ("de212",)),
}


def place_of(model: Model) -> Place:
    return PLACES.get(model.name, LX6_PLACE)


def build(name: str, model: Model, place: Place) -> bytes:
    """The code of a kernel for a place; the function begins with it."""
    p = Program(place.code)
    KERNELS[name].build(Frames(p, model), place.data)
    return p.finish()


def start(model: Model, n: int) -> dict[str, int]:
    """The registers with which a kernel begins, as if it had been called."""
    place = place_of(model)
    end, sp = place.vectors + END, place.data + DATA_SIZE - 256
    if not model.windows:
        return {"a0": end, "a1": sp, "a2": n, "ps": 0x20, "vecbase": place.vectors}
    return {"a1": sp, "a8": end & 0x3FFF_FFFF | 2 << 30, "a10": n, "ps": 0x6_0020,
            "windowbase": 0, "windowstart": 1, "vecbase": place.vectors, "cpenable": 0xFF}


def stack(model: Model) -> tuple[int, bytes]:
    """A word of the stack that overflowing windows need: the stack pointer of who called."""
    place = place_of(model)
    sp = place.data + DATA_SIZE - 256
    return sp - 12, (sp + 128).to_bytes(4, "little")


def interpreted(name: str, model: Model, n: int) -> tuple[int, int]:
    """Result and instruction count on the plain interpreter."""
    place = place_of(model)
    bus = Bus()
    bus.memory("vectors", place.vectors, 0x1000)
    bus.memory("code", place.code, 0x1000)
    bus.memory("data", place.data, DATA_SIZE)
    bus.load(place.vectors, window_vectors())
    bus.load(place.code, build(name, model, place))
    bus.load(*stack(model))
    state = State(model)
    set_registers(state, start(model, n))
    state.pc = place.code
    interpreter = Interpreter(state, BusMemory(bus))
    end = place.vectors + END
    while state.pc != end and state.instructions < 1_000_000:
        interpreter.step()
    return state.read(10 if model.windows else 2), state.instructions


def called(make: Callable[[str, Bus], Any], name: str, core: str, n: int) -> tuple[int, int]:
    """Result and instruction count of a call from the host, on a core that `make` makes."""
    model = find_model(core)
    place = LX6_PLACE  # in the gigabyte that functions return to
    bus = Bus()
    bus.memory("code", place.code, 0x1000)
    bus.memory("data", place.data, DATA_SIZE)
    bus.load(place.code, build(name, model, place))
    made = make(core, bus)
    made.write("sp", place.data + DATA_SIZE - 256)
    return made.call(place.code, n), made.instructions


def judged(stub: Stub, name: str, model: Model, n: int) -> tuple[int, int]:
    """The same by QEMU."""
    place = place_of(model)
    stub.write_memory(place.vectors, window_vectors())
    stub.write_memory(place.code, build(name, model, place))
    stub.write_memory(*stack(model))
    stub.write(start(model, n) | {"pc": place.code})
    count, inside, end = 0, False, place.vectors + END
    while True:
        pc = stub.pc()
        if pc == end:
            break
        stub.step()
        offset = stub.pc() - place.vectors
        now_inside = 0 <= offset < place.windows
        count += not (now_inside and not inside and offset % 64 == 0)
        inside = now_inside
    registers = stub.read()
    base = registers.get("windowbase", 0) * 4
    result = registers[f"ar{(base + 10) % 32}"] if model.windows else registers["a2"]
    return result, count


def record() -> None:
    found: dict[str, dict[str, list[int]]] = {}
    for name, kernel in KERNELS.items():
        for core in kernel.cores:
            with Stub(core) as stub:
                found.setdefault(name, {})[core] = list(
                    judged(stub, name, find_model(core), kernel.n))
            print(name, core, found[name][core], interpreted(name, find_model(core), kernel.n))
    FILE.write_text(json.dumps(found, indent=1) + "\n")


def recorded() -> list[tuple[str, str, int, int]]:
    """Kernel, core, result and instruction count."""
    return [(name, core, result, count)
            for name, cores in json.loads(FILE.read_text()).items()
            for core, (result, count) in cores.items()]


if __name__ == "__main__":
    if sys.argv[1:] != ["--record"]:
        sys.exit(__doc__)
    record()
