"""The Xtensa translator against the interpreter: `python -m tests.oracle.xtensa_lockstep`.

Random programs run on both in pieces of random length; after each piece all registers have to be
equal, and at the end memory.  The programs have every instruction that does not need a system
around it, branches, loops, calls of functions with windows whose registers overflow to the stack,
accesses to a device, exceptions and interrupts of a timer.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import zlib
from typing import Final, final

from mpy_cross.assembler.code import Code
from mpy_cross.assembler.isa import Row
from mpy_cross.assembler.kinds import Register
from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emulator.bus import Bus, Window
from mpy_cross.emulator.cores.xtensa.core import TranslatedXtensa
from mpy_cross.emulator.cores.xtensa.interpreted_core import InterpretedXtensa, SteppedXtensa
from mpy_cross.emulator.cores.xtensa.models import Model
from mpy_cross.emulator.cores.xtensa.models import model as find_model
from mpy_cross.emulator.cores.xtensa.numbers import FSR
from mpy_cross.emulator.cores.xtensa.vectors import window_vectors

CODE: Final = 0x4008_0000
DATA: Final = 0x3FFB_0000
DEVICE: Final = 0x6000_0000
SIZE: Final = 0x1_0000
VECTORS: Final = CODE + 0xC000
STACK: Final = DATA + SIZE - 0x100

_AWAY: Final = frozenset({  # what would end the program, or is placed with care
    "entry", "retw", "retw.n", "rotw", "rfe", "rfde", "rfwo", "rfwu", "rfi", "rfdo", "rfdd",
    "waiti", "jx", "ret", "ret.n", "movsp", "rsil", "l32e", "s32e", "l32r", "j", "loop", "loopnez",
    "loopgtz", "rsr", "wsr", "xsr", "wur", "rur", "quou", "quos", "remu", "rems", "break",
    "break.n"})
_SAFE: Final = (3, 4, 12, 16, 17, 32, 33, 34, 35, 209, 210, 238, 244, 245, 246, 247)
_BASES: Final = frozenset({  # rows whose operand s is an address
    "l8ui", "l16ui", "l16si", "l32i", "l32i.n", "s8i", "s16i", "s32i", "s32i.n", "l32ai", "s32ri",
    "s32c1i", "s32nb", "lsi", "ssi", "lsip", "ssip", "lsx", "ssx", "lsxp", "ssxp"})
_NUMBERS: Final = (0, 1, 2, 3, 31, 32, 33, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF,
                   0x8000_0000, 0x8000_0001, 0xFFFF_FFFF, 0xFFFF_FF80)
_FLOATS: Final = (0, 0x8000_0000, 1, 0x8000_0001, 0x007F_FFFF, 0x0080_0000, 0x3F80_0000,
                  0xBF80_0000, 0x3F00_0000, 0x4B00_0000, 0x4F00_0000, 0xCF00_0000, 0x4F80_0000,
                  0x7F7F_FFFF, 0xFF7F_FFFF, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000)
# A result that is rounded up to the least normal number is an underflow on A64 alone.
UNDERFLOW: Final = 1 << 8
INDEX: Final = 15  # the register with an index that stays in memory


@final
class Differs(Exception):
    """The two cores do not agree."""


@final
class Generator:
    """Makes code.  a0 and a1 are left alone; a2 and a3 are addresses in the data."""

    def __init__(self, model: Model, rng: random.Random) -> None:
        self.model, self.random = model, rng
        self.windows = model.windows
        features = model.features
        rows = [row for row in TABLE.rows if set(row.features) <= features]
        self.rows = [
            row for row in rows
            if row.name not in _AWAY and not row.name.startswith(("call", "f64"))
            and not {"double", "ocd", "tlb", "exception"} & set(row.features)
            and not any(operand.kind.form == "label" for operand in row.operands)]
        # Each group is chosen from as often as the others.
        special = {name: [row for row in self.rows if name in row.features]
                   for name in ("mac16", "float", "bool")}
        plain = [row for row in self.rows if not special.keys() & set(row.features)]
        self.groups = [plain, plain, plain, plain,
                       *(found for found in special.values() if found)]
        self.branches = [row for row in rows if row.operands and row.name not in _AWAY
                         and not row.name.startswith("call")
                         and row.operands[-1].kind.form == "label"]
        self.specials = [number for number in _SAFE if number in model.specials]

    def number(self) -> int:
        if self.random.random() < 0.4:
            return self.random.choice(_NUMBERS)
        return self.random.getrandbits(self.random.choice((4, 8, 16, 32)))

    def float(self) -> int:
        if self.random.random() < 0.4:
            return self.random.choice(_FLOATS)
        bits = self.random.getrandbits(32)
        if self.random.random() < 0.7:  # of about the same size
            bits = bits & 0x807F_FFFF | 0x3C00_0000 + (self.random.getrandbits(4) << 23)
        return bits | 0x0040_0000 if not ~bits & 0x7F80_0000 else bits  # no signalling NaN

    def source(self) -> int:
        return self.random.randrange(16)

    def target(self) -> int:
        return self.random.randrange(4, 15)

    def encode(self, row: Row, *values: int) -> bytes:
        return row.word(*values).to_bytes(row.size, "little")

    def operation(self) -> bytes:
        """One instruction, or a few, that go on behind themselves."""
        rng, pick = self.random, self.random.random()
        if pick < 0.05:
            name = rng.choice(("rsr", "wsr", "xsr"))
            return self.encode(TABLE[name], rng.choice(self.specials), self.target())
        if pick < 0.07 and "user" in self.model.features:
            name = rng.choice(("rur", "wur"))
            number = 231 if rng.random() < 0.7 else 232
            values = {"number": number, "register": self.target()}
            return self.encode(TABLE[name], values["number"], values["register"])
        if pick < 0.10 and "div" in self.model.features:
            divisor = self.target()
            made = self.encode(TABLE["movi"], divisor, rng.choice((-1, 1, 3, 7, -9, 1000)))
            made = made if rng.random() < 0.8 else b""
            name = rng.choice(("quou", "quos", "remu", "rems"))
            return made + self.encode(TABLE[name], self.target(), self.source(), divisor)
        if pick < 0.14:
            base = self.target()
            row = TABLE[rng.choice(("l8ui", "l16ui", "l16si", "l32i", "s8i", "s16i", "s32i"))]
            return (self.encode(TABLE["movi"], base, 3) + self.encode(TABLE["slli"], base, base, 29)
                    + self.encode(row, self.target(), base, 8 * rng.randrange(8)))
        if pick < 0.16 and self.windows:
            return self.encode(TABLE["movsp"], 1, 1)
        return self.row(rng.choice(rng.choice(self.groups)))

    def row(self, row: Row) -> bytes:
        rng = self.random
        while True:
            values = []
            for operand in row.operands:
                kind = operand.kind
                if isinstance(kind, Register) and kind.form == "reg:a":
                    if operand.name == "s" and (row.name in _BASES or "inc" in row.name
                                                or "dec" in row.name):
                        values.append(rng.choice((2, 3)))
                    elif row.name[1:3] == "sx" and operand.name == "t":
                        values.append(INDEX)
                    else:
                        values.append(self.target() if "w" in operand.access else self.source())
                else:
                    values.append(rng.choice(kind.samples()))
            try:
                return self.encode(row, *values)
            except ValueError:
                continue

    def straight(self, count: int) -> bytes:
        return b"".join(self.operation() for _ in range(count))

    def piece(self) -> bytes:
        """Some instructions with a branch or a loop around."""
        rng, pick = self.random, self.random.random()
        body = self.straight(rng.choice((1, 2, 3, 5, 8, 12)))
        if pick < 0.3:
            row = rng.choice(self.branches)
            if row.size == 2:  # which reaches 63 bytes
                body = self.straight(rng.randrange(1, 5))
                if len(body) < 2:
                    body += self.encode(TABLE["nop"])
            values = [rng.choice(operand.kind.samples()) for operand in row.operands[:-1]]
            distance = row.size + len(body) - 4
            return self.encode(row, *values, distance) + body
        if pick < 0.45 and "loop" in self.model.features:
            row = TABLE[rng.choice(("loop", "loopnez", "loopgtz"))]
            counter = self.target()
            count = rng.randrange({"loop": 1, "loopnez": 0, "loopgtz": -1}[row.name], 5)
            return (self.encode(TABLE["movi"], counter, count)
                    + self.encode(row, counter, len(body) - 1) + body)
        return body

    def call(self, at: int, target: int) -> bytes:
        """A call, with the addresses of the data as its arguments."""
        rng = self.random
        if not self.windows:
            return self.encode(TABLE["call0"], target - (at & -4) - 4)
        quads = rng.choice((1, 2, 2, 3))
        made = b"".join(self.encode(TABLE["or"], 4 * quads + n, n, n) for n in (2, 3))
        row = TABLE[f"call{4 * quads}"]
        return made + self.encode(row, target - (at + len(made) & -4) - 4)

    def program(self) -> bytes:
        """Code for `CODE`: functions, each of which calls some of those before it, the last one
        being where it starts; the first four bytes are an endless loop."""
        rng = self.random
        code = bytearray(self.encode(TABLE["j"], -4) + b"\0")
        functions: list[int] = []
        for _ in range(rng.randrange(1, 6)):
            functions.append(CODE + len(code))
            if self.windows:
                code += self.encode(TABLE["entry"], 1, rng.choice((48, 64, 96)))
            for _ in range(rng.randrange(1, 6)):
                code += self.piece()
                if functions[:-1] and self.windows and rng.random() < 0.5:
                    code += self.call(CODE + len(code), rng.choice(functions[-3:-1] or functions))
            code += self.encode(TABLE["retw" if self.windows else "ret"])
            code += bytes(-len(code) % 4)
        self.start = CODE + len(code)
        for _ in range(rng.randrange(2, 6)):
            code += self.piece()
            code += self.piece()
            code += self.call(CODE + len(code), functions[-1])
            if not self.windows:
                code += self.piece()
        code += self.encode(TABLE["j"], CODE - (CODE + len(code)) - 4)
        return bytes(code)


def handlers(model: Model) -> bytes:
    """Vectors: those of windows; an exception goes on 3 bytes on, a timer is set back."""
    made = bytearray(0x400)
    if model.windows:
        made[: len(window_vectors())] = window_vectors()
    for place in sorted({model.kernel, model.user}):
        code = Code()
        after = code.label()
        code.emit(TABLE["wsr"], 209, 15)
        code.emit(TABLE["rsr"], 232, 15)
        if model.kernel == 0x30:  # there is little room
            code.emit(TABLE["rsr"], 177, 15)
            code.emit(TABLE["addi"], 15, 15, 3)
            code.emit(TABLE["wsr"], 177, 15)
        else:
            code.branch([TABLE["bnei"]], after, 15, 4)
            code.emit(TABLE["rsr"], 234, 15)
            code.emit(TABLE["wsr"], 240, 15)
            code.emit(TABLE["rsr"], 209, 15)
            code.emit(TABLE["rfe"])
            code.bind(after)
            code.emit(TABLE["rsr"], 177, 15)
            code.emit(TABLE["addi"], 15, 15, 3)
            code.emit(TABLE["wsr"], 177, 15)
        code.emit(TABLE["rsr"], 209, 15)
        code.emit(TABLE["rfe"])
        data = code.finish()
        made[place : place + len(data)] = data
    return bytes(made)


@final
class Device:
    """Registers that note each access with its time; what they read depends on that."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, int, int]] = []
        self.core: SteppedXtensa | None = None

    def read(self, offset: int, size: int) -> int:
        assert self.core is not None
        value = zlib.crc32(bytes(f"{len(self.seen)} {offset}", "ascii")) & (1 << 8 * size) - 1
        self.seen.append((offset, size, value, self.core.instructions))
        return value

    def write(self, offset: int, size: int, value: int) -> None:
        assert self.core is not None
        self.seen.append((offset, size, -value, self.core.instructions))


@final
class Pair:
    """Both cores, each with a bus of its own."""

    def __init__(self, name: str) -> None:
        self.model = find_model(name)
        self.cores: list[SteppedXtensa] = []
        self.devices: list[Device] = []
        for kind in (InterpretedXtensa, TranslatedXtensa):
            bus = Bus()
            bus.memory("code", CODE, SIZE)
            bus.memory("data", DATA, SIZE)
            device = Device()
            bus.window(Window("device", DEVICE, 0x100, device.read, device.write))
            core = device.core = kind(name, bus)
            self.cores.append(core)
            self.devices.append(device)
        self.pieces = 0

    def load(self, address: int, data: bytes) -> None:
        for core in self.cores:
            core.bus.load(address, data)
            core.code_changed(address, len(data))

    def registers(self, core: SteppedXtensa) -> list[int]:
        state = core.state
        if isinstance(core, TranslatedXtensa):
            core.take_flags()
        user = [*state.ur]
        user[FSR] &= ~UNDERFLOW
        return [state.pc, state.instructions, *state.ar, *state.sr, *user, *state.fr]

    def compare(self) -> None:
        found = [self.registers(core) for core in self.cores]
        if found[0] == found[1]:
            return
        names = ["pc", "instructions"]
        state = self.cores[0].state
        for kind, words in (("ar", state.ar), ("sr", state.sr), ("ur", state.ur), ("f", state.fr)):
            names += [f"{kind}[{number}]" for number in range(len(words))]
        lines = [f"{name}: interpreter {x:#x}, translator {y:#x}"
                 for name, x, y in zip(names, *found, strict=True) if x != y]
        raise Differs("; ".join(lines[:12]))

    def trial(self, seed: int) -> int:
        """One random program; the number of its instructions."""
        rng = random.Random(seed)
        generator = Generator(self.model, rng)
        code, data = generator.program(), rng.randbytes(SIZE)
        self.load(CODE, code)
        self.load(VECTORS, handlers(self.model))
        frame = b"".join(word.to_bytes(4, "little") for word in (0, STACK, 0, 0))
        data = data[: STACK - 16 - DATA] + frame + data[STACK - DATA :]
        self.load(DATA, data)
        ar = [generator.number() for _ in range(self.model.registers)]
        fr = [generator.float() for _ in range(16)]
        base = rng.randrange(self.model.quads) if self.model.windows else 0
        wants, timer = rng.random() < 0.7, rng.random() < 0.5
        when, held = rng.randrange(2000), rng.choice((0, 0, 15))
        for core in self.cores:
            state = core.state
            for words, values in ((state.ar, ar), (state.fr, fr)):
                for place, value in enumerate(values):
                    words[place] = value
            for place in range(256):
                state.ur[place] = 0
            core.reset(VECTORS)
            state.set_ccount(0)
            for words, values in ((state.ar, ar), (state.fr, fr)):
                for place, value in enumerate(values):
                    words[place] = value
            core.wants_fault = wants
            core.write("ps", held | (0x40020 if self.model.windows else 0x20))
            if "float" in self.model.features:
                core.write("cpenable", 1)
            if self.model.windows:
                core.write("windowbase", base)
                core.write("windowstart", 1 << base)
            core.write("a1", STACK)
            core.write("a2", DATA + 0x4000)
            core.write("a3", DATA + 0x8000)
            core.write(f"a{INDEX}", 0x40)
            core.write("pc", generator.start)
            state.instructions = 0
            state.compare(0, when)
            core.write("intenable", 1 << self.model.interrupts.timers[0] if timer else 0)
        total = 0
        while total < 1000:
            budget = rng.choice((1, 3, 10, 30, 100, 150))
            stops = [core.run(budget) for core in self.cores]
            self.pieces += 1
            self.compare()
            if stops[0] != stops[1]:
                raise Differs(f"{stops[0]} and {stops[1]}")
            total += stops[0].instructions
            if stops[0].fault is not None or stops[0].pc == CODE or not stops[0].instructions:
                break
        accesses = [device.seen for device in self.devices]
        if accesses[0] != accesses[1]:
            raise Differs(f"accesses: {accesses[0][-3:]} and {accesses[1][-3:]}")
        for device in self.devices:
            device.seen = []
        for address in (CODE, DATA):
            if self.cores[0].bus.view(address, SIZE) != self.cores[1].bus.view(address, SIZE):
                raise Differs(f"memory at {address:#x}")
        return total


NAMES: Final = ("lx6", "lx106", "de233_fpu", "de212")


def run(count: int, seed: int, names: tuple[str, ...] = NAMES) -> tuple[int, int]:
    """At least `count` instructions; how many, and after how many pieces they were compared.
    Differs, with the number of the trial."""
    done = pieces = 0
    pairs = [Pair(name) for name in names]
    while done < count:
        pair = pairs[seed % len(pairs)]
        try:
            done += pair.trial(seed)
        except Differs as error:
            raise Differs(f"{pair.model.name}, seed {seed}: {error}") from None
        seed += 1
    for pair in pairs:
        pieces += pair.pieces
    return done, pieces


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.xtensa_lockstep",
                                     description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=20_000, help="instructions")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--core", choices=NAMES, help="only this one")
    options = parser.parse_args()
    begin = time.process_time()
    try:
        done, pieces = run(options.count, options.seed,
                           (options.core,) if options.core else NAMES)
    except Differs as error:
        print(error)
        return 1
    print(f"{done} instructions in {pieces} pieces agree ({time.process_time() - begin:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
