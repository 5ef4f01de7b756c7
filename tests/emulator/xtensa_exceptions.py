"""A program for Xtensa cores that raises every exception there is and logs what its handlers see.

    python -m tests.emulator.xtensa_exceptions --record     asks QEMU, step by step

An entry of the log is five words: which handler, where it returns to, the cause (EXCCAUSE, or
DEBUGCAUSE in the debug handler), PS, and EXCVADDR.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, final

from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emulator.bus import Bus
from mpy_cross.emulator.cores.core import StopReason
from mpy_cross.emulator.cores.xtensa import numbers as n
from mpy_cross.emulator.cores.xtensa.interpreter import Interpreter
from mpy_cross.emulator.cores.xtensa.memory import BusMemory
from mpy_cross.emulator.cores.xtensa.models import Model
from mpy_cross.emulator.cores.xtensa.models import model as find_model
from mpy_cross.emulator.cores.xtensa.state import State
from tests.emulator.core_xtensa import Program
from tests.emulator.xtensa_judge import PLACES, Place, set_registers
from tests.emulator.xtensa_qemu import Stub

FILE: Final = Path(__file__).parent / "recorded" / "xtensa_exceptions.json"
LX6_PLACE: Final = Place(0x4000_0000, 0x4000_1000, 0x3FFE_1000, 0x180, 0x400)
KERNEL, USER, DOUBLE, DEBUG, LEVEL = 1, 2, 3, 4, 0x10
_ENTRY: Final = 20  # bytes of a log entry
_POINTER, _FLAG, _LOG, _WATCHED, _PENDING = 0, 8, 16, 0xC00, 0xE00  # offsets in the data
_SOFTWARE: Final = 1 << 7  # an interrupt of level 1 on all cores
_A, _B, _C, _D = 12, 13, 14, 15  # registers of the handlers

Entry = tuple[int, int, int, int, int]


def place_of(model: Model) -> Place:
    return PLACES.get(model.name, LX6_PLACE)


@final
class Exceptions:
    """The program for one core: `vectors`, `code` (from `place.code` on), `end`."""

    def __init__(self, model: Model) -> None:
        self.model, self.place = model, place_of(model)
        self.high = next((number for number, level in enumerate(model.interrupts.levels)
                          if level == 3 and model.interrupts.software >> number & 1), -1)
        p = self.p = Program(self.place.code)
        p.to("j", "main")
        handlers = [(model.kernel, self.general, KERNEL), (model.user, self.general, USER),
                    (model.double, self.double, DOUBLE)]
        debug = model.interrupts.debug_level
        handlers.append((model.level_vector(debug), self.debug, DEBUG))
        if self.high >= 0:
            handlers.append((model.level_vector(3), self.level3, LEVEL + 3))
        for _, write, tag in handlers:
            p.code.align(4)
            p.here(f"handler {tag}")
            write(tag)
        p.code.align(4)
        p.here("main")
        self.main()
        p.here("end")
        p.to("j", "end")
        self.code = p.finish()
        self.end = p.address("end")
        vectors = bytearray(model.double + 0x40)
        for offset, _, tag in handlers:
            jump = TABLE["j"].encode(p.address(f"handler {tag}") - self.place.vectors - offset - 4)
            vectors[offset : offset + 3] = jump
        self.vectors = bytes(vectors)

    # Handlers; they may change a12 to a15.

    def log(self, tag: int, where: int, cause: int = n.EXCCAUSE) -> None:
        p = self.p
        p.const(_A, self.place.data)
        p("l32i", _B, _A, _POINTER)
        p("movi", _C, tag)
        p("s32i", _C, _B, 0)
        for at, register in ((4, where), (8, cause), (12, n.PS), (16, n.EXCVADDR)):
            p("rsr", register, _C)
            p("s32i", _C, _B, at)
        p("addi", _B, _B, _ENTRY)
        p("s32i", _B, _A, _POINTER)

    def clear(self, interrupts: int) -> None:
        self.p.const(_C, interrupts)
        self.p("wsr", n.INTCLEAR, _C)
        self.p("rsync")

    def skip(self, register: int, size: int = 3) -> None:
        p = self.p
        p("rsr", register, _C)
        p("addi", _C, _C, size)
        p("wsr", register, _C)

    def general(self, tag: int) -> None:
        p = self.p
        self.log(tag, n.EPC1)
        p("rsr", n.EXCCAUSE, _C)
        p.to("beqi", f"interrupt {tag}", _C, n.LEVEL1_INTERRUPT)
        p("l32i", _C, _A, _FLAG)
        p.to("beqz", f"single {tag}", _C)
        p("movi", _C, 0)
        p("s32i", _C, _A, _FLAG)
        p("ill")  # with PS.EXCM: a double exception
        p.here(f"single {tag}")
        if "float" in self.model.features:
            p("movi", _C, 255)
            p("wsr", n.CPENABLE, _C)
        self.skip(n.EPC1)
        p("rfe")
        p.here(f"interrupt {tag}")
        self.clear(_SOFTWARE)
        p("rfe")

    def double(self, tag: int) -> None:
        self.log(tag, n.DEPC)
        self.skip(n.DEPC)
        self.p("rfde")

    def level3(self, tag: int) -> None:
        self.log(tag, n.EPC + 3)
        self.clear(1 << self.high)
        self.p("rfi", 3)

    def debug(self, tag: int) -> None:
        p, level = self.p, self.model.interrupts.debug_level
        self.log(tag, n.EPC + level, n.DEBUGCAUSE)
        for register in (n.IBREAKENABLE, n.DBREAKC, n.ICOUNTLEVEL):
            p("movi", _B, 0)
            p("wsr", register, _B)
        p("rsr", n.DEBUGCAUSE, _C)
        p.to("bbsi", "debug narrow", _C, 4)
        p.to("bbci", "debug out", _C, 3)
        self.skip(n.EPC + level)
        p.to("j", "debug out")
        p.here("debug narrow")
        self.skip(n.EPC + level, 2)
        p.here("debug out")
        p("rfi", level)

    # What raises them; a2 to a7 are its registers.

    def main(self) -> None:
        p, features = self.p, self.model.features
        p.const(2, self.place.data)
        p("addi", 3, 2, _LOG)
        p("s32i", 3, 2, _POINTER)
        p("movi", 3, 0)
        p("s32i", 3, 2, _FLAG)
        self.causes()
        p("rsr", n.PS, 4)  # once more with the kernel's vector
        p("movi", 5, n.PS_UM)
        p("xor", 4, 4, 5)
        p("wsr", n.PS, 4)
        p("rsync")
        self.causes()
        p("movi", 3, 1)
        p("s32i", 3, 2, _FLAG)
        p("syscall")
        self.debugging()
        self.interrupts()
        if "window" in features:
            self.stack()
        if "float" in features:
            p("movi", 3, 0)
            p("wsr", n.CPENABLE, 3)
            p("rsync")
            p("add.s", 1, 2, 3)
            p("add.s", 1, 2, 3)

    def causes(self) -> None:
        p = self.p
        p("syscall")
        p("ill")
        p("addi", 3, 2, 1)
        p("l32i", 4, 3, 0)
        p("l16ui", 4, 3, 0)
        p("s32i", 4, 3, 4)
        p("s16i", 4, 3, 4)
        if "div" in self.model.features:
            p("movi", 3, 0)
            for row in ("quou", "quos", "remu", "rems"):
                p(row, 4, 2, 3)

    def debugging(self) -> None:
        p = self.p
        p("break", 1, 2)
        p("break.n", 3)
        p.to("call0", "watched")
        p.code.align(4)
        p.here("watched")
        p("movi", 3, 1)
        p("addi", 4, 0, 0)  # there is the address of what follows call0, and near it
        p("movi", 5, 3)
        p("or", 4, 4, 5)
        p("xor", 4, 4, 5)
        p("addi", 4, 4, 64)
        p("wsr", n.IBREAKA, 4)
        p("wsr", n.IBREAKENABLE, 3)
        p("isync")
        for _ in range(20):
            p("nop")
        p("addmi", 4, 2, _WATCHED)
        p("wsr", n.DBREAKA, 4)
        p.const(3, 0x8000_003C)
        p("wsr", n.DBREAKC, 3)
        p("dsync")
        p("l32i", 5, 4, 0)  # a load is not watched
        p("s32i", 5, 4, 4)  # another place
        p("s8i", 5, 4, 2)
        p("s8i", 5, 4, 2)
        p.const(3, 0x4000_003F)
        p("wsr", n.DBREAKC, 3)
        p("dsync")
        p("s8i", 5, 4, 0)
        p("l8ui", 5, 4, 1)
        p("l8ui", 5, 4, 0)
        p("movi", 3, -4)
        p("wsr", n.ICOUNT, 3)
        p("isync")
        p("movi", 3, 1)
        p("wsr", n.ICOUNTLEVEL, 3)
        p("isync")
        for _ in range(8):
            p("nop")
        # Held back by the level, BREAK does nothing.
        p("rsil", 3, 7)
        p("break", 0, 0)
        p("wsr", n.PS, 3)
        p("rsync")

    def interrupts(self) -> None:
        p = self.p
        both = _SOFTWARE | (1 << self.high if self.high >= 0 else 0)
        p.const(3, both)
        p("wsr", n.INTSET, 3)  # nothing is enabled
        p("rsync")
        p("nop")
        p("wsr", n.INTENABLE, 3)  # the higher first
        p("rsync")
        p("nop")
        p("nop")
        for level in (0, 1, 2, 3):
            p("rsil", 4, level)
            p("wsr", n.INTSET, 3)
            p("rsync")
            p("nop")
            p("rsr", n.INTERRUPT, 5)
            p("addmi", 6, 2, _PENDING)
            p("s32i", 5, 6, 4 * level)
            p("wsr", n.PS, 4)
            p("rsync")
            p("nop")
        p("rsr", n.PS, 4)  # PS.EXCM holds back both
        p("movi", 5, n.PS_EXCM)
        p("or", 5, 4, 5)
        p("wsr", n.PS, 5)
        p("rsync")
        p("wsr", n.INTSET, 3)
        p("nop")
        p("wsr", n.PS, 4)
        p("rsync")
        p("nop")
        p("rsil", 4, 3)
        p("wsr", n.INTSET, 3)
        p("rsync")
        p("waiti", 0)
        p("nop")
        if self.high >= 0:
            p("rsil", 5, 3)
            p("wsr", n.INTSET, 3)
            p("rsync")
            p("waiti", 2)
            p("nop")
        p("rsil", 5, 0)
        p("nop")
        p("movi", 5, 0)
        p("wsr", n.INTENABLE, 5)
        p("rsync")

    def stack(self) -> None:
        """MOVSP while no caller is in registers, and while one is."""
        p = self.p
        p("mov.n", 7, 1)
        p("movsp", 1, 7)
        p("rsr", n.WINDOWSTART, 4)
        p("slli", 5, 4, 1)
        p("srli", 6, 4, 1)
        p("or", 5, 5, 6)
        p("or", 5, 5, 4)
        p("wsr", n.WINDOWSTART, 4)
        p("rsync")
        p("nop")


def start(program: Exceptions) -> dict[str, int]:
    place = program.place
    found = {"pc": place.code, "a1": place.data + 0x800, "ps": 0x20, "vecbase": place.vectors}
    if program.model.windows:
        found |= {"windowbase": 0, "windowstart": 1, "ps": 0x4_0020}
    return found


def entries(data: bytes, base: int) -> list[Entry]:
    (end,) = struct.unpack_from("<I", data, _POINTER)
    return [struct.unpack_from("<5I", data, at) for at in range(_LOG, end - base, _ENTRY)]


def interpreted(core: str) -> tuple[int, list[Entry], list[int]]:
    """Instructions, the log, and INTERRUPT at four levels, on the plain interpreter."""
    program = Exceptions(find_model(core))
    place, bus = program.place, Bus()
    bus.memory("vectors", place.vectors, 0x1000)
    bus.memory("code", place.code, 0x1000)
    data = bus.memory("data", place.data, 0x1000)
    bus.load(place.vectors, program.vectors)
    bus.load(place.code, program.code)
    state = State(program.model)
    registers = start(program)
    set_registers(state, registers)
    state.pc = registers["pc"]
    interpreter = Interpreter(state, BusMemory(bus))
    while state.pc != program.end and state.instructions < 20_000:
        interpreter.run(state.instructions + 1)
        assert not state.sleeping or state.attention, f"asleep at {state.pc:#x}"
    return (state.instructions, entries(bytes(data.buffer), place.data),
            list(struct.unpack_from("<4I", data.buffer, _PENDING)))


def ran(make: Callable[[str, Bus], Any], core: str, slice_: int) -> tuple[int, list[Entry],
                                                                          list[int]]:
    """The same as firmware of a core that `make` makes, in slices of so many instructions."""
    program = Exceptions(find_model(core))
    place, bus = program.place, Bus()
    for name, base in (("vectors", place.vectors), ("code", place.code), ("data", place.data)):
        bus.memory(name, base, 0x1000)
    bus.load(place.vectors, program.vectors)
    bus.load(place.code, program.code)
    made = make(core, bus)
    made.wants_fault = True
    for register, value in (start(program) | {"cpenable": 0}).items():
        if register in made.register_names:
            made.write(register, value)
    made.add_breakpoint(program.end)
    for _ in range(20_000):
        stop = made.run(slice_)
        if stop.reason is not StopReason.BUDGET:
            break
    assert stop.reason is StopReason.BREAKPOINT, str(stop)
    data = bytes(bus.view(place.data, 0x1000))
    return (made.instructions, entries(data, place.data),
            list(struct.unpack_from("<4I", data, _PENDING)))


def recorded() -> dict[str, tuple[list[Entry], list[int]]]:
    """The log and the pending interrupts of each core."""
    return {core: ([(a, b, c, d, e) for a, b, c, d, e in found["log"]], found["pending"])
            for core, found in json.loads(FILE.read_text()).items()}


def judged(core: str) -> tuple[list[Entry], list[int]]:
    program = Exceptions(find_model(core))
    place = program.place
    with Stub(core) as stub:
        stub.order_to("Qqemu.sstep=1")  # with interrupts
        stub.write_memory(place.vectors, program.vectors)
        stub.write_memory(place.code, program.code)
        stub.write(start(program))
        for _ in range(20_000):
            if stub.pc() == program.end:
                break
            stub.step()
        data = stub.read_memory(place.data, 0x1000)
    return entries(data, place.data), list(struct.unpack_from("<4I", data, _PENDING))


def record() -> None:
    found = {}
    for core in PLACES:
        log, pending = judged(core)
        found[core] = {"log": log, "pending": pending}
        _, ours, pending2 = interpreted(core)
        print(core, len(log), "entries; alike:", log == ours and pending == pending2)
        for one, two in zip(log, ours, strict=False):
            if one != two:
                print("  ", [hex(x) for x in one], "but", [hex(x) for x in two])
    FILE.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] != ["--record"]:
        sys.exit(__doc__)
    record()
