"""Random sequences on the plain interpreter and on QEMU, from the same states.

    python -m tests.emulator.xtensa_judge --record     writes recorded/xtensa_vectors_*.json
    python -m tests.emulator.xtensa_judge --count 2000 compares so many sequences per core, live

The recorded files replay without QEMU: for each sequence its code, how many instructions it takes,
where it ends, and which registers it changes to what.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, final
from zlib import crc32

from mpy_cross.emulator.bus import Bus
from mpy_cross.emulator.cores.xtensa.interpreter import Interpreter
from mpy_cross.emulator.cores.xtensa.memory import BusMemory
from mpy_cross.emulator.cores.xtensa.models import Model
from mpy_cross.emulator.cores.xtensa.models import model as find_model
from mpy_cross.emulator.cores.xtensa.state import State
from mpy_cross.emulator.cores.xtensa.vectors import window_vectors
from tests.emulator.xtensa_qemu import ORDER, Stub, installed
from tests.emulator.xtensa_random import (
    DATA_SIZE,
    Chance,
    sequence,
    start_data,
    start_registers,
)

RECORDED: Final = Path(__file__).parent / "recorded"
LIMIT: Final = 3000  # instructions of a sequence
ATOMIC: Final = 0x2A  # S32C1I is done by the core itself, in any memory


@final
@dataclass(frozen=True, slots=True)
class Place:
    """Where things stand: the vector base, code, data, and the ends of the window vectors and of
    all vectors."""

    vectors: int
    code: int
    data: int
    windows: int
    end: int


PLACES: Final = {"lx106": Place(0x4000_0000, 0x4000_1000, 0x3FFC_1000, 0, 0x80),
                 "de212": Place(0x4000_0000, 0x4000_1000, 0x3FFE_1000, 0x180, 0x400),
                 "de233_fpu": Place(0x2000, 0x4000, 0x1_0000, 0x180, 0x400)}

# What differs by nature, or is another view of the same.
_OTHER_NAMES: Final = (
    "ccount interrupt icount prid configid0 configid1 ccompare0 ccompare1 ccompare2 ddr "
    "litbase expstate atomctl fsr")
_OTHERS: Final = frozenset(_OTHER_NAMES.split())


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """How a sequence ended."""

    pc: int
    instructions: int
    registers: dict[str, int]
    data: int

    def differences(self, other: Outcome) -> list[str]:
        found = [f"{name} {self.registers[name]:#x} {other.registers[name]:#x}"
                 for name in self.registers
                 if name in other.registers and self.registers[name] != other.registers[name]]
        for name in ("pc", "instructions", "data"):
            one, two = getattr(self, name), getattr(other, name)
            if one != two:
                found.append(f"{name} {one:#x} {two:#x}")
        return found


def start(model: Model, seed: int) -> dict[str, int]:
    """All registers that a sequence starts with but the pc."""
    place = PLACES[model.name]
    found = start_registers(model, seed, place.data)
    found |= {"vecbase": place.vectors, "ps": 0x20}
    if model.windows:
        base = Chance(seed).below(model.quads)
        found |= {"windowbase": base, "windowstart": 1 << base, "ps": 0x4_0020}
    return found


@cache
def compared(model: Model) -> list[str]:
    """The registers that are compared."""
    state = State(model).registers()
    left = {"a" + str(number) for number in range(16)} if model.windows else set()
    return [name for name in ORDER[model.name]
            if name in state and name not in _OTHERS and name not in left]


def ends(place: Place, pc: int, end: int) -> bool:
    return pc == end or place.vectors + place.windows <= pc < place.vectors + place.end


def interpreted(model: Model, seed: int, code: bytes, end: int) -> Outcome:
    place = PLACES[model.name]
    bus = Bus()
    bus.memory("vectors", place.vectors, 0x1000)
    bus.memory("code", place.code, 0x1000)
    data = bus.memory("data", place.data, 0x1000)
    bus.load(place.vectors, window_vectors())
    bus.load(place.code, code)
    data.buffer[:DATA_SIZE] = start_data(seed, place.data)
    state = State(model)
    set_registers(state, start(model, seed))
    state.pc = place.code
    interpreter = Interpreter(state, BusMemory(bus))
    while not ends(place, state.pc, end) and state.instructions < LIMIT:
        interpreter.step()
    all_ = state.registers()
    registers = {name: all_[name] for name in compared(model)}
    return Outcome(state.pc, state.instructions, registers, crc32(data.buffer[:DATA_SIZE]))


def set_registers(state: State, registers: dict[str, int]) -> None:
    """Registers by name; those of a window after its base."""
    from mpy_cross.assembler.xtensa_registers import SPECIAL

    numbers = {name: number for number, name in SPECIAL.items()}
    for name, value in registers.items():
        if name in numbers:
            state.sr[numbers[name]] = value
    for name, value in registers.items():
        if name[0] == "a" and name[1:].isdigit():
            state.write(int(name[1:]), value)
        elif name[0] == "f" and name[1:].isdigit():
            state.fr[int(name[1:])] = value


def judged(stub: Stub, model: Model, seed: int, code: bytes, end: int) -> Outcome:
    """The same on QEMU, step by step."""
    place = PLACES[model.name]
    stub.write_memory(place.vectors, window_vectors())
    stub.write_memory(place.code, code)
    stub.write_memory(place.data, start_data(seed, place.data))
    stub.write(start(model, seed) | {"pc": place.code, "atomctl": ATOMIC})
    count, inside = 0, False
    registers = stub.read()
    while not ends(place, registers["pc"], end) and count < LIMIT:
        stub.step()
        registers = stub.read()
        offset = registers["pc"] - place.vectors
        now_inside = 0 <= offset < place.windows
        # Going there was no instruction.
        count += not (now_inside and not inside and offset % 64 == 0)
        inside = now_inside
    wanted = {name: registers[name] for name in compared(model)}
    return Outcome(registers["pc"], count, wanted, crc32(stub.read_memory(place.data, DATA_SIZE)))


def record(name: str, count: int) -> None:
    """Writes the file of one core."""
    model = find_model(name)
    place = PLACES[name]
    cases: list[dict[str, Any]] = []
    with Stub(name) as stub:
        for seed in range(count):
            made = sequence(model, seed, place.code)
            found = judged(stub, model, seed, made.code, made.end)
            first = State(model)
            set_registers(first, start(model, seed))
            before = first.registers()
            changed = {register: value for register, value in found.registers.items()
                       if before[register] != value and register != "pc"}
            cases.append({"seed": seed, "code": made.code.hex(), "end": made.end, "pc": found.pc,
                          "instructions": found.instructions, "changed": changed,
                          "data": found.data})
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (RECORDED / f"xtensa_vectors_{name}.json").write_text(f"[\n{lines}\n]\n")
    print(f"{name}: {len(cases)} sequences, {sum(case['instructions'] for case in cases)} "
          "instructions")


def recorded(name: str) -> list[tuple[int, bytes, int, Outcome]]:
    """Seed, code, end and outcome of each recorded sequence."""
    model = find_model(name)
    found = []
    for case in json.loads((RECORDED / f"xtensa_vectors_{name}.json").read_text()):
        first = State(model)
        set_registers(first, start(model, case["seed"]))
        before = first.registers()
        registers = {register: before[register] for register in compared(model)}
        registers |= case["changed"] | {"pc": case["pc"]}
        found.append((case["seed"], bytes.fromhex(case["code"]), case["end"], Outcome(
            case["pc"], case["instructions"], registers, case["data"])))
    return found


def live(name: str, count: int, first: int = 100_000) -> list[str]:
    """Differences of so many sequences."""
    model = find_model(name)
    place = PLACES[name]
    found = []
    with Stub(name) as stub:
        for seed in range(first, first + count):
            made = sequence(model, seed, place.code)
            ours = interpreted(model, seed, made.code, made.end)
            differences = ours.differences(judged(stub, model, seed, made.code, made.end))
            if differences:
                found.append(f"{name} {seed}: " + ", ".join(differences))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--first", type=int, default=100_000)
    parser.add_argument("core", nargs="*", default=list(PLACES))
    options = parser.parse_args()
    if not installed():
        print("qemu-system-xtensa is not installed", file=sys.stderr)
        return 2
    failed = False
    for name in options.core:
        if options.record:
            record(name, options.count)
            continue
        differences = live(name, options.count, options.first)
        print(f"{name}: {options.count} sequences, {len(differences)} differ")
        for line in differences[:20]:
            print(" ", line[:300])
        failed = failed or bool(differences)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
