"""Instruction tables: one row per instruction, written like the bit diagram of its manual.

    row("muls", "010000 1101 n:3 d:3", "d=rw, n", "v6m")

The name comes first; what stands before its first underscore is the mnemonic ("ldr_imm5" prints
as ldr), and the rest tells forms of one mnemonic apart.  Then the pattern, from the most
significant bit down:

    0101        fixed bits; (0) and (1) are the manual's "should be" bits, fixed here too
    n:3         field n, three bits; a name that occurs again continues the field downwards
    i[12|10:5]  these bits of field i, as the RISC-V manual writes them; a bit may stand in two
                places, which must then agree

Then the operands as the assembler prints them.  A word is an operand, all else is literal, as is
text in 'single quotes'.  An operand is  name[:kind][*scale][+bias][!excluded...][=access]:

    d=rw        operand d, of the kind that the table gives to that name, read and written
    i:u*4       unsigned, in units of 4;  i:s+1 signed, plus one
    n!15        any register but number 15

Last the features that a target must have, separated by blanks.  From the row alone come encoder,
decoder, printer, and what is read and written.  A row with a wrong width, with an operand that has
no field or a field that is no operand, or of an unknown kind raises TableError when the table is
built.  An operand that does not fit raises EncodeError; nothing is ever masked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from mpy_cross.assembler.kinds import Kind, Label, LabelText


class TableError(Exception):
    """A row that contradicts itself or another row: a mistake in this package."""


class EncodeError(ValueError):
    """An operand does not fit its instruction.

    row, operand: names; value: what was given; allowed: the values that fit, in words.
    """

    def __init__(self, row: str, operand: str, value: int, allowed: str) -> None:
        super().__init__(f"{row}: {operand}={value} does not fit {allowed}")
        self.row, self.operand, self.value, self.allowed = row, operand, value, allowed


# How a table makes a kind: (bits, scale, bias, excluded values).
MakeKind = Callable[[int, int, int, frozenset[int]], Kind]

# A slice of a field: (lowest bit in the field, bits, lowest bit in the word).
Piece = tuple[int, int, int]

OPERAND: Final = re.compile(
    r"'([^']*)'"
    r"|([a-z]\w*)(?::([a-z]\w*))?(?:\*(\d+))?([+-]\d+)?((?:!\d+)*)(?:=(rw|r|w)\b)?"
    r"|([^'a-z]+)"
)
BRACED: Final = re.compile(r"\{([^}]*)\}")


@final
class Operand:
    """One operand of a row.

    pieces: where its field lies in the word.  access: "r", "w", "rw", or "" for no register.
    shown: it stands among the operands, not inside the mnemonic.
    """

    __slots__ = ("access", "kind", "name", "pieces", "shown", "twice")

    def __init__(self, name: str, kind: Kind, pieces: tuple[Piece, ...], access: str,
                 shown: bool) -> None:
        self.name, self.kind, self.pieces = name, kind, pieces
        self.access, self.shown = access, shown
        # Some bit stands in two places of the word.
        width = max(low + bits for low, bits, _ in pieces)
        self.twice = sum(bits for _, bits, _ in pieces) != width

    def agrees(self, word: int, field: int) -> bool:
        """Do all places of the field hold these bits?"""
        return all(word >> at & ((1 << bits) - 1) == field >> low & ((1 << bits) - 1)
                   for low, bits, at in self.pieces)

    def field(self, word: int) -> int:
        value = 0
        for low, bits, at in self.pieces:
            value |= (word >> at & ((1 << bits) - 1)) << low
        return value


def parse_pattern(pattern: str) -> tuple[int, int, int, dict[str, tuple[Piece, ...]]]:
    """(bits, mask of the fixed bits, their values, pieces of each field).

    Raises TableError for a malformed token.
    """
    tokens = pattern.split()
    spans: list[tuple[str, int, int, int]] = []  # (field, lowest bit or -1, bits, from the top)
    at = mask = match = 0
    for token in tokens:
        text = token.strip("()")
        if text and not text.strip("01"):
            size = len(text)
            mask = mask << size | ((1 << size) - 1)
            match = match << size | int(text, 2)
        elif token.endswith("]") and "[" in token:
            name, _, inner = token[:-1].partition("[")
            size = 0
            for part in inner.split("|"):
                first, _, last = part.partition(":")
                high, low = int(first), int(last or first)
                spans.append((name, low, high - low + 1, at + size))
                size += high - low + 1
            mask, match = mask << size, match << size
        else:
            name, colon, digits = token.partition(":")
            if not colon or not digits.isdigit() or not name.isidentifier():
                raise TableError(f"{pattern}: cannot read {token!r}")
            size = int(digits)
            spans.append((name, -1, size, at))
            mask, match = mask << size, match << size
        at += size
    fields: dict[str, tuple[Piece, ...]] = {}
    for name, low, size, start in reversed(spans):
        pieces = fields.get(name, ())
        if low < 0:  # a continued field fills up from the bottom
            low = sum(piece[1] for piece in pieces)
        fields[name] = ((low, size, at - start - size), *pieces)
    return at, mask, match, fields


@final
class Row:
    """One instruction form.

    size: bytes.  mask, match: the fixed bits of the word.  operands: in the order of word()'s
    arguments.  features: what a target must have.  where: a Python condition over the operands,
    for combinations that the manual forbids.  swapped: a word of two halfwords, the upper stored
    first, each little-endian (Thumb).
    """

    __slots__ = ("_test", "_word", "features", "mask", "match", "mnemonic", "name", "operands",
                 "parts", "pattern", "size", "swapped", "syntax", "where")

    def __init__(self, name: str, pattern: str, syntax: str, features: str, mnemonic: str,
                 where: str) -> None:
        self.name, self.pattern, self.syntax, self.where = name, pattern, syntax, where
        self.features = frozenset(features.split())
        self.mnemonic = mnemonic or name.partition("_")[0]
        self.operands: tuple[Operand, ...] = ()
        # The printed form: literal text, or the number of an operand.
        self.parts: tuple[str | int, ...] = ()
        self.size = self.mask = self.match = 0
        self.swapped = False
        self._word: Callable[..., int] | None = None
        self._test: Callable[..., bool] | None = None

    def __repr__(self) -> str:
        return f"<row {self.name}>"

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the register operands that the instruction reads."""
        return tuple(item.name for item in self.operands if "r" in item.access)

    @property
    def writes(self) -> tuple[str, ...]:
        """Names of the register operands that the instruction writes."""
        return tuple(item.name for item in self.operands if "w" in item.access)

    @property
    def word(self) -> Callable[..., int]:
        """The encoder: operands in their order or by name, to the instruction as a number.

        Operands with a default (conditions, flags) are given by name only.  Raises EncodeError.
        The function is made on first use; hot code keeps it: `adds = table["adds_reg"].word`.
        """
        if self._word is None:
            self._word = _make_encoder(self)
        return self._word

    def encode(self, *values: int, **named: int) -> bytes:
        """The instruction's bytes; raises EncodeError."""
        return self.to_bytes(self.word(*values, **named))

    def to_bytes(self, word: int) -> bytes:
        if self.swapped:
            word = word >> 16 | (word & 0xFFFF) << 16
        return word.to_bytes(self.size, "little")

    def values(self, word: int) -> tuple[int, ...] | None:
        """The operands in a word that matches, None when some field has no meaning here."""
        found = []
        for operand in self.operands:
            field = 0
            for low, bits, at in operand.pieces:
                field |= (word >> at & ((1 << bits) - 1)) << low
            value = operand.kind.get(field)
            if value is None or (operand.twice and not operand.agrees(word, field)):
                return None
            found.append(value)
        if self.where and not self.holds(*found):
            return None
        return tuple(found)

    def holds(self, *values: int) -> bool:
        """Do these operands obey the row's `where` condition?"""
        if not self.where:
            return True
        if self._test is None:
            names = ", ".join(item.name for item in self.operands)
            self._test = eval(f"lambda {names}: {self.where}")  # text of our own tables
        return bool(self._test(*values))

    def text(self, values: Sequence[int], address: int, label: LabelText) -> str:
        """The instruction as the assembler reads it."""
        return "".join(
            part if isinstance(part, str)
            else self.operands[part].kind.text(values[part], address, label)
            for part in self.parts
        )


def row(name: str, pattern: str, syntax: str, features: str, mnemonic: str = "",
        where: str = "") -> Row:
    """A row for a Table; mnemonic: when it differs from the name, with operands in braces."""
    return Row(name, pattern, syntax, features, mnemonic, where)


def _make_encoder(item: Row) -> Callable[..., int]:
    """Compile the row's encoder: checks in line, shifts and masks as constants."""

    def refuse(number: int, value: int) -> EncodeError:
        operand = item.operands[number]
        return EncodeError(item.name, operand.name, value, operand.kind.allowed)

    def refuse_where(values: tuple[int, ...]) -> EncodeError:
        return EncodeError(item.name, item.operands[0].name, values[0], item.where)

    scope: dict[str, Any] = {"refuse": refuse, "refuse_where": refuse_where}
    positional = [one.name for one in item.operands if one.kind.default is None]
    named = [f"{one.name}={one.kind.default}" for one in item.operands
             if one.kind.default is not None]
    head = ", ".join(positional + (["*", *named] if named else []))
    lines = [f"def word({head}):"]
    terms = [str(item.match)]
    for number, operand in enumerate(item.operands):
        name, check = operand.name, operand.kind.check(operand.name)
        if check:
            lines.append(f"    if not ({check}): raise refuse({number}, {name})")
            field = operand.kind.field(name)
        else:
            scope[f"put{number}"] = operand.kind.put
            lines.append(f"    f{number} = put{number}({name})")
            lines.append(f"    if f{number} < 0: raise refuse({number}, {name})")
            field = f"f{number}"
        if len(operand.pieces) == 1:  # no narrower than the field, which the check bounds
            terms.append(f"{field} << {operand.pieces[0][2]}")
        else:
            for low, bits, at in operand.pieces:
                terms.append(f"({field} >> {low} & {(1 << bits) - 1}) << {at}")
    if item.where:
        names = "".join(f"{one.name}, " for one in item.operands)
        lines.append(f"    if not ({item.where}): raise refuse_where(({names}))")
    lines.append(f"    return {' | '.join(terms)}")
    exec("\n".join(lines), scope)  # text of our own tables
    made: Callable[..., int] = scope["word"]
    return made


@dataclass(frozen=True, slots=True)
class Decoded:
    """An instruction found in code: its row, operand values in the row's order, and place."""

    row: Row
    operands: tuple[int, ...]
    size: int
    address: int
    word: int

    def value(self, name: str) -> int:
        """The operand of that name; raises KeyError."""
        for operand, value in zip(self.row.operands, self.operands, strict=True):
            if operand.name == name:
                return value
        raise KeyError(name)

    @property
    def target(self) -> int | None:
        """The address of the label among the operands, None if there is none."""
        for operand, value in zip(self.row.operands, self.operands, strict=True):
            if isinstance(operand.kind, Label):
                return operand.kind.target(value, self.address)
        return None


def plain_label(address: int) -> str:
    return f"{address:#x}"
