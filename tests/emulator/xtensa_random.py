"""Random instruction sequences for Xtensa cores, and the states that they start from.

A sequence is a function of a few dozen instructions of all kinds, with branches forward, loops and
windowed calls; it ends at its last address, or in an exception.  Everything follows from a number,
by a generator of our own so that it stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, final

from mpy_cross.assembler.isa import Operand, Row
from mpy_cross.assembler.kinds import Label
from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emulator.cores.xtensa.models import Model
from mpy_cross.emulator.cores.xtensa.numbers import SAR
from tests.emulator.core_xtensa import Program

DATA_SIZE: Final = 1024
POINTER: Final = 1  # a1 points to this place of the data and stays there, but for calls
POINTER_AT: Final = 640
MASK: Final = 0xFFFF_FFFF

_EDGES: Final = (0, 1, 2, 31, 32, 0x7F, 0x80, 0xFFFF, 0x8000, 0x7FFF_FFFF, 0x8000_0000, MASK,
                 0xFFFF_FF80, 0x0001_0000, 0xAAAA_AAAA)
_FLOATS: Final = (0, 0x8000_0000, 0x3F80_0000, 0xBF80_0000, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000,
                  0x7F80_0001, 1, 0x007F_FFFF, 0x0080_0000, 0x7F7F_FFFF, 0x4F00_0000, 0xCF00_0000,
                  0x3EFF_FFFF, 0x3F00_0000, 0x4B00_0001, 0x4EFF_FFFF)


@final
class Chance:
    """Numbers that look random (Marsaglia's xorshift of 64 bits)."""

    def __init__(self, seed: int) -> None:
        self.state = (seed * 0x9E37_79B9_7F4A_7C15 + 0x1234_5678_9ABC_DEF1) & ((1 << 64) - 1) or 1
        for _ in range(8):
            self.word()

    def word(self) -> int:
        """32 bits."""
        x = self.state
        x ^= x << 13 & ((1 << 64) - 1)
        x ^= x >> 7
        x ^= x << 17 & ((1 << 64) - 1)
        self.state = x
        return x >> 16 & MASK

    def below(self, end: int) -> int:
        return self.word() % end

    def value(self) -> int:
        """A word that instructions may find interesting."""
        kind = self.below(4)
        if kind == 0:
            return _EDGES[self.below(len(_EDGES))]
        if kind == 1:
            return self.below(64)
        return self.word()

    def single(self) -> int:
        """The bits of a floating-point number."""
        kind = self.below(4)
        if kind == 0:
            return _FLOATS[self.below(len(_FLOATS))]
        if kind == 1:
            return self.word()
        return self.word() & 0x80FF_FFFF | 0x3C00_0000 + (self.below(16) << 23)


# Rows that are not for sequences: they stop, sleep, jump, or are about the machine around the core.
_OUT_NAMES: Final = (
    "ill ill.n break break.n syscall simcall rfe rfde rfi rfdo rfdd rfwo rfwu waiti rsil rer wer "
    "jx ret ret.n retw retw.n call0 callx0 call4 call8 call12 callx4 callx8 callx12 entry movsp "
    "rotw loop loopnez loopgtz rsr wsr xsr rur wur lddr32.p sddr32.p read_impwire setb_expstate "
    "clrb_expstate wrmsk_expstate l32r l32e s32e s32c1i j s32nb "
    "div0.s recip0.s sqrt0.s rsqrt0.s nexp01.s mksadj.s mkdadj.s addexp.s addexpm.s maddn.s divn.s "
    "const.s")
_OUT: Final = frozenset(_OUT_NAMES.split())
_OUT_FEATURES: Final = frozenset(("tlb", "double"))
_SPECIALS: Final = ("sar", "br", "scompare1", "acclo", "acchi", "m0", "m1", "m2", "m3", "misc0",
                    "misc1", "excsave1", "excsave2", "epc2", "eps3", "depc", "exccause", "excvaddr",
                    "lcount", "intenable")
_NUMBERS: Final = {
    name: number for number, name in
    (TABLE["rsr"].operands[0].kind.names.items())}  # type: ignore[attr-defined]
_MEMORY: Final = {"l8ui": 1, "l16ui": 2, "l16si": 2, "l32i": 4, "l32i.n": 4, "l32ai": 4, "s8i": 1,
                  "s16i": 2, "s32i": 4, "s32i.n": 4, "s32ri": 4, "lsi": 4, "ssi": 4}


@final
@dataclass(frozen=True, slots=True)
class Sequence:
    """code: for `origin`, from which it runs to `end`; starts: where its instructions begin."""

    origin: int
    code: bytes
    end: int


def rows_of(model: Model) -> list[Row]:
    """The rows that stand in sequences as they are."""
    return [row for row in TABLE.rows if row.features <= model.features and row.name not in _OUT
            and not row.features & _OUT_FEATURES]


def sequence(model: Model, seed: int, origin: int, length: int = 24) -> Sequence:
    """A sequence of about so many instructions."""
    return _Maker(model, Chance(seed), origin).make(length)


@final
class _Maker:
    def __init__(self, model: Model, chance: Chance, origin: int) -> None:
        self.model, self.chance = model, chance
        self.p = Program(origin)
        self.rows = rows_of(model)
        self.floats = [row for row in self.rows if "float" in row.features]
        self.label = 0
        self.specials = [name for name in _SPECIALS if _NUMBERS.get(name, -1) in model.specials]

    def make(self, length: int) -> Sequence:
        p, chance = self.p, self.chance
        if self.floats:  # a judge may keep rounding mode and flags from before
            p("movi", 15, 0)
            p("wur", 232, 15)
            p("wur", 233, 15)
        for _ in range(length):
            kind = chance.below(20)
            if kind == 0 and "loop" in self.model.features:
                self.loop()
            elif kind == 1 and self.model.windows:
                self.calls(1 + chance.below(7))
            elif kind in (2, 3):
                self.special()
            elif kind == 4 and chance.below(12) == 0:
                self.exception()
            elif kind == 5 and "s32c1i" in self.model.features:
                p("s32c1i", self.target(), POINTER, 4 * chance.below(64))
            elif kind == 6 and "mac16" in self.model.features:
                self.plain(self.row("mac16"))
            elif kind in (7, 8, 9, 10, 11) and self.floats:
                self.plain(self.floats[chance.below(len(self.floats))])
            else:
                self.plain(self.rows[chance.below(len(self.rows))])
        p.here("end")
        code = p.finish()
        return Sequence(p.code.origin, code, p.address("end"))

    def row(self, feature: str) -> Row:
        rows = [row for row in self.rows if feature in row.features]
        return rows[self.chance.below(len(rows))]

    def target(self) -> int:
        """An address register that may be changed."""
        number = self.chance.below(15)
        return number + 1 if number >= POINTER else number

    def new_label(self) -> str:
        self.label += 1
        return f"{self.label}"

    def plain(self, row: Row) -> None:
        p, chance = self.p, self.chance
        if row.name in _MEMORY:
            size = _MEMORY[row.name]
            limit = row.operands[2].kind.samples()[-1] // size + 1
            first = chance.below(16) if row.operands[0].kind.form == "reg:f" else self.target()
            p(row.name, first, POINTER, size * chance.below(min(limit, 64)))
            return
        if row.name in ("ldinc", "lddec", "lsip", "ssip", "lsx", "ssx", "lsxp", "ssxp") or (
                row.name.endswith(("ldinc", "lddec"))):
            self.indexed(row)
            return
        if any(isinstance(operand.kind, Label) for operand in row.operands):
            name = self.new_label()
            p.to(row.name, name, *(self.pick(operand) for operand in row.operands
                                   if not isinstance(operand.kind, Label)))
            for _ in range(1 + chance.below(2)):
                p("addi", self.target(), chance.below(16), chance.below(100))
            p.here(name)
            return
        while True:
            values = tuple(self.pick(operand) for operand in row.operands)
            if row.holds(*values):
                p(row.name, *values)
                return

    def pick(self, operand: Operand) -> int:
        if operand.kind.form == "reg:a":
            return self.target() if "w" in operand.access else self.chance.below(16)
        samples = operand.kind.samples()
        return samples[self.chance.below(len(samples))]

    def indexed(self, row: Row) -> None:
        """A pointer that moves, or an index: set just before."""
        p, chance = self.p, self.chance
        pointer = 2 + chance.below(6)
        p("addi", pointer, POINTER, 4 * chance.below(16))
        names = [operand.name for operand in row.operands]
        values = []
        for name, operand in zip(names, row.operands, strict=True):
            if name == "s":
                values.append(pointer)
            elif name == "t" and row.name in ("lsx", "ssx", "lsxp", "ssxp"):
                values.append(8 + pointer)
                p("movi", 8 + pointer, 4 * chance.below(32))
            elif name == "i" and row.name[:2] in ("ls", "ss"):
                values.append(4 * chance.below(32))
            else:
                values.append(self.pick(operand))
        p(row.name, *values)

    def loop(self) -> None:
        p, chance = self.p, self.chance
        counter, name = self.target(), self.new_label()
        p("movi", counter, chance.below(6) - (1 if chance.below(4) == 0 else 0))
        kind = ("loopnez", "loopgtz", "loop")[chance.below(3)]
        if kind == "loop":  # 0 means as often as possible
            p("movi", counter, 1 + chance.below(5))
        p.to(kind, name, counter)
        for _ in range(1 + chance.below(5)):
            row = self.rows[chance.below(len(self.rows))]
            if any(isinstance(operand.kind, Label) for operand in row.operands):
                continue
            if "mac16" in row.features or row.name in ("lsip", "ssip", "lsx", "ssx"):
                continue
            self.plain(row)
        p("addi", self.target(), chance.below(16), 1)
        p.here(name)

    def calls(self, depth: int) -> None:
        """Functions inside of one another."""
        p, chance = self.p, self.chance
        over = self.new_label()
        names = [self.new_label() for _ in range(depth)]
        sizes = [1 + chance.below(3) for _ in range(depth)]
        p.to(f"call{4 * sizes[0]}", names[0])
        p.to("j", over)
        for number, name in enumerate(names):
            p.code.align(4)
            p.here(name)
            p("entry", POINTER, 64)
            for _ in range(1 + chance.below(3)):
                p("addi", 2 + chance.below(2), chance.below(16), chance.below(100))
            if number + 1 < depth:
                p.to(f"call{4 * sizes[number + 1]}", names[number + 1])
                p("add.n", 2, 2, 4 * sizes[number + 1] + 2)
            p("retw.n" if chance.below(2) else "retw")
        p.here(over)

    def special(self) -> None:
        p, chance = self.p, self.chance
        number = _NUMBERS[self.specials[chance.below(len(self.specials))]]
        kind = chance.below(4)
        if kind == 3 and "user" in self.model.features:
            user = (231, 232, 233)[chance.below(3)]
            if "float" not in self.model.features:
                user = 231
            if chance.below(2):
                p("rur", user, self.target())
            else:
                register = self.target()
                p("movi", register, chance.below(4) if user == 232 else chance.below(2048))
                p("wur", user, register)
        elif kind in (1, 2):
            register = self.target()
            if number == SAR:  # shifts by more than 32 are not defined
                p("extui", register, register, 0, 5)
            p("xsr" if kind == 2 else "wsr", number, register)
            p("rsync")
        else:
            p("rsr", number, self.target())

    def exception(self) -> None:
        p, chance = self.p, self.chance
        kind = chance.below(5)
        if kind == 0:
            p("syscall")
        elif kind == 1:
            p("ill")
        elif kind == 2 and "div" in self.model.features:
            p("movi", 7, 0)
            p("quou", 8, 9, 7)
        elif kind == 3 and not self.model.unaligned:
            p("addi", 7, POINTER, 1 + chance.below(3))
            p("l32i", 8, 7, 0)
        elif not self.model.unaligned:
            p("addi", 7, POINTER, 1)
            p("s16i", 8, 7, 0)


def start_registers(model: Model, seed: int, base: int) -> dict[str, int]:
    """The state that a sequence starts with, by the names of registers; the rest is 0.
    base: of the data."""
    chance = Chance(seed ^ 0x5555)
    found = {f"a{number}": chance.value() for number in range(16)}
    found["a1"] = base + POINTER_AT
    found["sar"] = chance.below(33)
    if "bool" in model.features:
        found["br"] = chance.word() & 0xFFFF
    if "mac16" in model.features:
        found |= {name: chance.value() for name in ("acclo", "m0", "m1", "m2", "m3")}
        found["acchi"] = ((chance.word() & 0xFF) ^ 0x80) - 0x80 & MASK
    if "s32c1i" in model.features:
        found["scompare1"] = chance.value()
    if "float" in model.features:
        found |= {f"f{number}": chance.single() for number in range(16)}
        found["cpenable"] = 0xFF if chance.below(16) else 0
    return found


def start_data(seed: int, base: int) -> bytes:
    """What the data at `base` is at first.  Below the pointer the frames of functions will be, for
    which there is a stack pointer of a caller."""
    chance = Chance(seed ^ 0xAAAA)
    data = bytearray(b"".join(chance.value().to_bytes(4, "little")
                              for _ in range(DATA_SIZE // 4)))
    data[POINTER_AT - 12 : POINTER_AT - 8] = (base + POINTER_AT + 256).to_bytes(4, "little")
    return bytes(data)


@cache
def _words(seed: int) -> bytes:
    chance = Chance(seed ^ 0xAAAA)
    return b"".join(chance.value().to_bytes(4, "little") for _ in range(DATA_SIZE // 4))
