"""The instruction sets made from the lines of the x86 table, and the decoder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, final

from mpy_cross.assembler.isa import TableError, plain_label
from mpy_cross.assembler.kinds import LabelText
from mpy_cross.assembler.x86_isa import (
    CONDITIONS,
    FLOAT_NAMES,
    MMX_NAMES,
    NAMES,
    NO_REGISTER,
    RIP,
    SEGMENT_PREFIXES,
    SSE_NAMES,
    Form,
    Memory,
    Operand,
    Row,
    Spec,
    Value,
)

FEATURES: Final = frozenset((
    "x86", "x64", "movbe", "popcnt", "lzcnt", "bmi1", "bmi2", "adx", "crc32", "rdrand", "rdseed",
    "rdpid", "fsgsbase", "cet", "x87", "mmx", "sse", "sse2", "sse3", "ssse3", "sse4", "aes", "sha",
    "xsave"))

_FORMS: Final = {"r": Form.REG, "g": Form.DIRECT, "rm": Form.RM, "o": Form.OPCODE, "v": Form.VEX,
                 "m": Form.MEMORY, "mem": Form.MEMORY, "moffs": Form.ADDRESS,
                 "sreg": Form.SEGMENT, "i": Form.SIGNED, "iz": Form.SIGNED, "iv": Form.SIGNED,
                 "u": Form.UNSIGNED, "rel": Form.RELATIVE,
                 "x": Form.REG, "xm": Form.RM, "xd": Form.DIRECT,
                 "q": Form.REG, "qm": Form.RM, "qd": Form.DIRECT, "f": Form.DIRECT}
_SHORT: Final = {"i": "imm", "iz": "imm", "iv": "imm", "u": "imm", "rel": "target",
                 "moffs": "address", "o": "r", "g": "r", "v": "r", "mem": "m", "xd": "xm",
                 "qd": "qm", "f": "st"}
_FILES: Final = {"x": SSE_NAMES, "xm": SSE_NAMES, "xd": SSE_NAMES, "q": MMX_NAMES,
                 "qm": MMX_NAMES, "qd": MMX_NAMES, "f": FLOAT_NAMES}
_TOKEN: Final = re.compile(r"(?:([a-z]\w*):)?(?:'([^']*)'|([a-z]+)(\d*))(!0)?(?:=(rw|r|w))?")
_IMPLIED: Final = {"NP": 0, "66": 1, "F3": 2, "F2": 3}
_SPACES: Final = {0x0F: 0x0F, 0x0F38: 0x0F38, 0x0F3A: 0x0F3A}

# Widths by the letter of a line: (bits, with prefix 66, REX.W: -1 when it does not matter).
_WIDTHS: Final[dict[str, dict[int, tuple[tuple[int, bool, int], ...]]]] = {
    "": {32: ((0, False, -1),), 64: ((0, False, -1),)},
    "v": {32: ((16, True, 0), (32, False, 0)), 64: ((16, True, 0), (32, False, 0), (64, False, 1))},
    "y": {32: ((32, False, 0),), 64: ((32, False, 0), (64, False, 1))},
    "d": {32: ((32, False, 0),), 64: ((32, False, 0),)},
    "w": {32: ((16, True, 0),), 64: ((16, True, 0),)},
    "q": {32: (), 64: ((64, False, 1),)},
    "p": {32: ((16, True, 0), (32, False, 0)), 64: ((16, True, 0), (64, False, 0))},
    "n": {32: ((32, False, 0),), 64: ((64, False, 0),)},
}


def _bytes_of(text: str) -> list[int]:
    try:
        return list(bytes.fromhex(text))
    except ValueError:
        raise TableError(f"{text!r} is no byte") from None


@final
class _Maker:
    """Makes the row of one line, width, mode and condition."""

    __slots__ = ("row", "spec", "width")

    def __init__(self, spec: Spec, mode: int, width: int, short: bool, wide: int,
                 condition: int) -> None:
        self.spec, self.width = spec, width
        name = CONDITIONS[condition] if condition >= 0 else ""
        mnemonic = spec.mnemonic.replace("{cc}", name)
        self.row = Row(mnemonic, mnemonic, mode)
        self.row.features = frozenset(spec.features.split())
        if not self.row.features <= FEATURES:
            raise TableError(f"{spec.features} has an unknown feature")
        self.row.also = spec.also
        self.row.wide = wide
        self._operands()
        self._opcode(short, max(condition, 0))
        self._check()

    def _opcode(self, short: bool, condition: int) -> None:
        made = self.row
        codes: list[int] = []
        prefix = b"\x66" if short else b""
        for token in self.spec.opcode.split():
            if token == "/r":
                made.modrm = True
            elif token[0] == "/" and token[1:] in "01234567":
                made.modrm, made.digit = True, int(token[1:])
            elif token[0] == "=":
                made.modrm, made.fixed = True, _bytes_of(token[1:])[0]
            elif token.startswith("VEX."):
                _, implied, space = token.split(".")
                made.vex, made.space = _IMPLIED[implied], int(space, 16)
            elif token.endswith("+r"):
                made.low = True
                codes += _bytes_of(token[:-2])
            elif token.endswith("+cc"):
                codes += [_bytes_of(token[:-3])[0] + condition]
            elif token in ("66", "67", "F2", "F3") and not codes and made.vex < 0:
                prefix += bytes(_bytes_of(token))
            else:
                codes += _bytes_of(token)
        made.prefix = prefix
        if not codes or (made.vex >= 0 and (len(codes) != 1 or prefix)):
            raise TableError(f"{self.spec.opcode} is no opcode")
        made.opcode = codes[-1]
        if made.vex < 0:
            for code in codes[:-1]:
                made.space = made.space << 8 | code
        if made.space and made.space not in _SPACES:
            raise TableError(f"{self.spec.opcode} is no opcode")

    def _operands(self) -> None:
        made = self.row
        operands: list[Operand] = []
        parts: list[str | int] = [made.mnemonic]
        for number, token in enumerate(filter(None, self.spec.operands.split(", "))):
            parts.append(", " if number else " ")
            found = _TOKEN.fullmatch(token)
            if found is None:
                raise TableError(f"cannot read {token!r}")
            label, quoted, form, digits, not_zero, access = found.groups()
            if quoted is not None or form in ("a", "cl", "one"):
                text = (quoted or (NAMES[int(digits or self.width)][0] if form == "a"
                                   else {"cl": "cl", "one": "1"}[form]))
                parts.append(text)
                made.name += f"_{text}"
                continue
            operand, shown = self._operand(label, form, digits, access, bool(not_zero))
            made.name += f"_{shown}"
            parts.append(len(operands))
            operands.append(operand)
        if len({one.name for one in operands}) != len(operands):
            raise TableError("two operands have one name")
        if not self.spec.operands and self.width and "+" not in self.spec.mnemonic:
            made.name += f"_{self.width}"
        made.operands, made.parts = tuple(operands), tuple(parts)

    def _operand(self, label: str | None, form: str, digits: str, access: str | None,
                 not_zero: bool) -> tuple[Operand, str]:
        if form not in _FORMS:
            raise TableError(f"{form} is no form of operand")
        kind = _FORMS[form]
        names = _FILES.get(form)
        bits = int(digits) if digits else 0 if form == "mem" else 128 if names else self.width
        stored = 0
        shown = _SHORT.get(form, form)
        if kind in (Form.SIGNED, Form.UNSIGNED, Form.RELATIVE):
            stored = bits if digits else min(bits, 64 if form == "iv" else 32)
            # An unsigned byte such as a shift count is no part of a wider value.
            bits = max(self.width, stored) if kind is Form.SIGNED else stored
            text = f"imm{stored}" if shown == "imm" else f"rel{stored}"
        elif kind is Form.ADDRESS:
            stored = self.row.mode
            text = f"moffs{bits}"
        elif kind is Form.SEGMENT:
            bits, text = 16, "sreg"
        elif names is not None:
            self.row.sse |= names is not FLOAT_NAMES
            text = f"{form}{bits}" if kind is Form.RM else "st" if form == "f" else form
        else:
            text = f"{shown}{bits or ''}"
        if access and kind in (Form.SIGNED, Form.UNSIGNED, Form.RELATIVE):
            raise TableError(f"{form} is no register and cannot be {access}")
        if not access and kind not in (Form.SIGNED, Form.UNSIGNED, Form.RELATIVE):
            access = "" if form == "mem" else "r"
        if bits == 0 and form != "mem":
            raise TableError(f"{form} has no width")
        if names is None:
            registers = kind in (Form.REG, Form.RM, Form.DIRECT, Form.OPCODE, Form.VEX)
            if registers and bits not in NAMES:
                raise TableError(f"{form} has no registers of {bits} bits")
            names = NAMES[bits] if registers else ()
        return Operand(label or shown, kind, bits, stored, access or "", not_zero, names), text

    def _check(self) -> None:
        made = self.row
        forms = [one.form for one in made.operands]
        in_reg = forms.count(Form.REG) + forms.count(Form.SEGMENT)
        in_rm = sum(form in (Form.RM, Form.DIRECT, Form.MEMORY) for form in forms)
        if (made.fixed < 0 and made.modrm != bool(in_rm)) or in_rm > 1:
            raise TableError("the operands do not fill the rm field")
        if in_reg != int(made.modrm and made.digit < 0 and made.fixed < 0):
            raise TableError("the operands do not fill the reg field")
        if made.low != (Form.OPCODE in forms) or (made.low and made.opcode & 7):
            raise TableError("no room for a register in the opcode")
        if Form.VEX in forms and made.vex < 0:
            raise TableError("no room for a third register")


def _expand(spec: Spec, mode: int) -> Iterator[Row]:
    if spec.widths not in _WIDTHS:
        raise TableError(f"{spec.mnemonic}: {spec.widths} are no widths")
    if ("x64" if mode == 32 else "x86") in spec.features.split():
        return
    conditions = range(16) if "+cc" in spec.opcode else (-1,)
    for width, short, wide in _WIDTHS[spec.widths][mode]:
        for condition in conditions:
            try:
                yield _Maker(spec, mode, width, short, wide, condition).row
            except TableError as error:
                raise TableError(f"{spec.mnemonic} {spec.opcode}: {error}") from None


@final
class Decoded:
    """An instruction found in code: its row, operand values in the row's order, and place.

    size: bytes.  prefix: "lock ", "rep " or "repne " in front, if any.
    """

    __slots__ = ("address", "operands", "prefix", "row", "size")

    def __init__(self, row: Row, operands: tuple[Value, ...], size: int, address: int,
                 prefix: str) -> None:
        self.row, self.operands, self.size = row, operands, size
        self.address, self.prefix = address, prefix

    def value(self, name: str) -> Value:
        """The operand of that name; raises KeyError."""
        for operand, value in zip(self.row.operands, self.operands, strict=True):
            if operand.name == name:
                return value
        raise KeyError(name)

    @property
    def target(self) -> int | None:
        """The address of the label among the operands, or that a RIP-relative operand means."""
        for operand, value in zip(self.row.operands, self.operands, strict=True):
            if isinstance(value, Memory):
                if value.base == RIP:
                    return self.address + self.size + value.disp
            elif operand.form is Form.RELATIVE:
                return self.address + self.size + value & (1 << self.row.mode) - 1
        return None


# What may have the prefix "lock", with a destination in memory.
_LOCKABLE: Final = frozenset((
    "add", "or", "adc", "sbb", "and", "sub", "xor", "not", "neg", "inc", "dec", "bts", "btr", "btc",
    "xchg", "xadd", "cmpxchg", "cmpxchg8b", "cmpxchg16b"))
_REPEATS: Final = {0xF0: "lock ", 0xF2: "repne ", 0xF3: "rep "}


@final
class InstructionSet:
    """The rows of one mode: 32 (x86) or 64 bits (x86-64)."""

    __slots__ = ("_index", "by_name", "mode", "rows")

    def __init__(self, specs: Iterable[Spec], mode: int) -> None:
        self.mode = mode
        self.rows = tuple(made for spec in specs for made in _expand(spec, mode))
        self.by_name: dict[str, Row] = {}
        self._index: dict[tuple[int, int, bool], list[Row]] = {}
        for made in self.rows:
            if made.name in self.by_name:
                raise TableError(f"two rows are called {made.name}")
            self.by_name[made.name] = made
            for low in range(8 if made.low else 1):
                bucket = self._index.setdefault((made.space, made.opcode | low, made.vex >= 0), [])
                for other in bucket:
                    if _overlap(made, other):
                        raise TableError(f"{made.name} and {other.name} overlap")
                bucket.append(made)
        for bucket in self._index.values():  # those with a prefix of their own first
            bucket.sort(key=lambda made: (-len(made.prefix), made.fixed < 0))

    def __getitem__(self, name: str) -> Row:
        return self.by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self.by_name

    def decode(self, data: bytes | bytearray | memoryview, offset: int, address: int,
               features: frozenset[str] = FEATURES) -> Decoded | None:
        """The instruction at data[offset], which stands at `address`; None if there is none."""
        try:
            return _Reader(self, bytes(data[offset:offset + 15])).read(address, features)
        except IndexError:  # it ends in the middle of an instruction
            return None

    def candidates(self, space: int, opcode: int, vex: bool) -> list[Row]:
        return self._index.get((space, opcode, vex), [])

    def text(self, decoded: Decoded, label: LabelText = plain_label) -> str:
        """The instruction as the assembler reads it; label: prints an address."""
        target = decoded.target
        return decoded.prefix + decoded.row.text(decoded.operands,
                                                 "" if target is None else label(target))


def _overlap(one: Row, two: Row) -> bool:
    if one.prefix != two.prefix or one.vex != two.vex:
        return False
    if one.wide >= 0 and two.wide >= 0 and one.wide != two.wide:
        return False
    if one.fixed >= 0 or two.fixed >= 0:
        return one.fixed == two.fixed
    if one.digit >= 0 and two.digit >= 0 and one.digit != two.digit:
        return False
    if not one.modrm and any(item.not_zero for item in (*one.operands, *two.operands)):
        return False
    # Registers only against memory only
    return {_kind(one), _kind(two)} != {Form.MEMORY, Form.DIRECT}


def _kind(item: Row) -> Form:
    for operand in item.operands:
        if operand.form in (Form.MEMORY, Form.DIRECT):
            return operand.form
    return Form.RM


@final
class _Reader:
    """Reads one instruction.  Raises IndexError when the bytes end."""

    __slots__ = ("at", "data", "isa", "prefixes", "repeat", "rex", "segment", "vex", "vvvv")

    def __init__(self, isa: InstructionSet, data: bytes) -> None:
        self.isa, self.data, self.at = isa, data, 0
        self.prefixes: list[int] = []
        self.repeat, self.rex, self.segment = 0, -1, NO_REGISTER
        self.vex, self.vvvv = -1, 0

    def read(self, address: int, features: frozenset[str]) -> Decoded | None:
        space, opcode = self._opcode()
        for item in self.isa.candidates(space, opcode, self.vex >= 0):
            if not item.features <= features:
                continue
            here = self.at
            found = self._try(item, opcode)
            if found is not None:
                values, repeat = found
                return Decoded(item, tuple(values), self.at, address, _REPEATS.get(repeat, ""))
            self.at = here
        return None

    def _opcode(self) -> tuple[int, int]:
        data = self.data
        while True:
            code = data[self.at]
            self.at += 1
            if code in SEGMENT_PREFIXES:
                self.segment = SEGMENT_PREFIXES.index(code)
            elif code in _REPEATS:
                self.repeat = code
            elif code in (0x66, 0x67):
                if code not in self.prefixes:  # padding repeats it
                    self.prefixes.append(code)
            else:
                break
        if self.isa.mode == 64 and code & 0xF0 == 0x40:
            self.rex = code & 15
            code = data[self.at]
            self.at += 1
        if code in (0xC4, 0xC5) and (self.isa.mode == 64 or data[self.at] >= 0xC0):
            return self._vex(code)
        if code != 0x0F:
            return 0, code
        code = data[self.at]
        self.at += 1
        if code not in (0x38, 0x3A):
            return 0x0F, code
        self.at += 1
        return 0x0F00 | code, data[self.at - 1]

    def _vex(self, code: int) -> tuple[int, int]:
        first = last = self.data[self.at]
        self.at += 1
        space, self.rex = 0x0F, ~first >> 5 & 4
        if code == 0xC4:
            last = self.data[self.at]
            self.at += 1
            space = {1: 0x0F, 2: 0x0F38, 3: 0x0F3A}.get(first & 31, -1)
            self.rex = ~first >> 5 & 7 | last >> 4 & 8
        self.vex, self.vvvv = last & 3, ~last >> 3 & 15
        self.at += 1
        return space, self.data[self.at - 1]

    def _try(self, item: Row, opcode: int) -> tuple[list[Value], int] | None:
        """The values of this row, and what repeat or lock prefix is left."""
        repeat = self.repeat
        rex = max(self.rex, 0)
        if self.vex != item.vex or (item.wide >= 0 and rex >> 3 != item.wide):
            return None
        left = list(self.prefixes)
        for prefix in item.prefix:
            if prefix == repeat:
                repeat = 0
            elif prefix in left:
                left.remove(prefix)
            else:
                return None
        if left or (item.sse and repeat):
            return None
        rm: Value | None = None
        reg = 0
        if item.modrm:
            modrm = self.data[self.at]
            reg = modrm >> 3 & 7
            if item.fixed >= 0:
                if modrm != item.fixed:
                    return None
                self.at += 1
            else:
                if item.digit >= 0 and reg != item.digit:
                    return None
                rm = self._rm(modrm, rex)
            reg |= rex << 1 & 8
        values: list[Value] = []
        for operand in item.operands:
            value = self._value(operand, item, rm, reg, opcode & 7 | rex << 3 & 8)
            if value is None:
                return None
            values.append(value)
        if repeat == 0xF0 and not (item.mnemonic in _LOCKABLE and isinstance(values[0], Memory)):
            return None
        if Form.VEX not in (one.form for one in item.operands) and self.vvvv:
            return None
        return values, repeat

    def _value(self, operand: Operand, item: Row, rm: Value | None, reg: int,
               low: int) -> Value | None:
        form = operand.form
        if form is Form.REG:
            if operand.names is MMX_NAMES:
                return reg & 7
            return self._byte(reg) if operand.byte else reg
        if form is Form.RM or form is Form.MEMORY or form is Form.DIRECT:
            if isinstance(rm, Memory):
                return None if form is Form.DIRECT else rm
            if form is Form.MEMORY or rm is None:
                return None
            if operand.names is FLOAT_NAMES or operand.names is MMX_NAMES:
                return rm & 7  # the bit of a REX prefix does not count
            return self._byte(rm) if operand.byte else rm
        if form is Form.OPCODE:
            if operand.not_zero and not low:
                return None
            return self._byte(low) if operand.byte else low
        if form is Form.VEX:
            return self.vvvv
        if form is Form.SEGMENT:
            return reg if reg < 6 else None
        size = operand.stored // 8
        signed = form is Form.RELATIVE or (form is Form.SIGNED and operand.bits > operand.stored)
        if self.at + size > len(self.data):
            raise IndexError
        data = self.data[self.at:self.at + size]
        self.at += size
        value = int.from_bytes(data, "little", signed=signed)
        if form is Form.ADDRESS and self.segment >= 0:
            return Memory(NO_REGISTER, value, segment=self.segment)
        return value

    def _byte(self, number: int) -> int:
        return number + 12 if self.rex < 0 and 4 <= number < 8 else number

    def _rm(self, modrm: int, rex: int) -> Value:
        self.at += 1
        mod, rm = modrm >> 6, modrm & 7
        if mod == 3:
            return rm | rex << 3 & 8
        base, index, scale = rm | rex << 3 & 8, NO_REGISTER, 1
        if rm == 4:
            sib = self.data[self.at]
            self.at += 1
            index = sib >> 3 & 7 | rex << 2 & 8
            scale = 1 << (sib >> 6)
            if index == 4:
                index, scale = NO_REGISTER, 1
            base = sib & 7 | rex << 3 & 8
            if base & 7 == 5 and mod == 0:
                return Memory(NO_REGISTER, self._disp(4), index, scale, self.segment)
        elif rm == 5 and mod == 0:
            where = RIP if self.isa.mode == 64 else NO_REGISTER
            return Memory(where, self._disp(4), NO_REGISTER, 1, self.segment)
        return Memory(base, self._disp((0, 1, 4)[mod]), index, scale, self.segment)

    def _disp(self, size: int) -> int:
        if self.at + size > len(self.data):
            raise IndexError
        self.at += size
        return int.from_bytes(self.data[self.at - size:self.at], "little", signed=True)


@final
class Table:
    """Both sets in one, told apart by the features "x86" and "x64"."""

    __slots__ = ("_sets", "lines", "name")

    def __init__(self, lines: Iterable[Spec]) -> None:
        self.name = "x86"
        self.lines = tuple(lines)
        self._sets: dict[int, InstructionSet] = {}

    def of_mode(self, mode: int) -> InstructionSet:
        """The set of a mode, 32 or 64; made on first use.  Raises TableError."""
        made = self._sets.get(mode)
        if made is None:
            made = self._sets[mode] = InstructionSet(self.lines, mode)
        return made

    def decode(self, data: bytes | bytearray | memoryview, offset: int, address: int,
               features: frozenset[str]) -> Decoded | None:
        """The instruction at data[offset], which stands at `address`; None if there is none."""
        isa = self.of_mode(64 if "x64" in features else 32)
        return isa.decode(data, offset, address, features)

    def text(self, decoded: Decoded, label: LabelText = plain_label) -> str:
        """The instruction as the assembler reads it; label: prints an address."""
        return self.of_mode(decoded.row.mode).text(decoded, label)

    def size_of(self, first: int) -> int:
        """Bytes to skip where no instruction starts."""
        return 1
