"""A table of rows: looked up by name, decoded by an index over a few bits of the word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, final

from mpy_cross.assembler.isa import (
    BRACED,
    OPERAND,
    Decoded,
    EncodeError,
    MakeKind,
    Operand,
    Piece,
    Row,
    TableError,
    parse_pattern,
    plain_label,
)
from mpy_cross.assembler.kinds import Choice, Kind, LabelText

_WORD: Final = re.compile(r"[a-z_][a-z0-9_.]*|[][(){}!]")
_MARKS: Final = ("[", "]", "(", ")", "{", "}", "!")
_NO_KIND: Final = "a word in the operands that has no field in the pattern"


@final
class _Index:
    """The rows of one size that a set of features allows, keyed by the bits under `select`."""

    __slots__ = ("buckets", "select")

    def __init__(self, rows: Iterable[Row], select: int) -> None:
        self.select = select
        self.buckets: dict[int, list[Row]] = {}
        for item in rows:
            free = select & ~item.mask
            key = item.match & select
            subset = 0
            while True:  # every value of the selected bits that the row leaves open
                self.buckets.setdefault(key | subset, []).append(item)
                subset = (subset - free) & free
                if not subset:
                    break
        for bucket in self.buckets.values():
            # The row with the most fixed bits is the special case: it is tried first.
            bucket.sort(key=lambda item: -item.mask.bit_count())


@final
class Table:
    """An instruction set.

    kinds: how to make each operand kind by name.  defaults: kind and access of operand names.
    size_of: bytes of the instruction that starts with these two bytes (little-endian number).
    select: per size, the bits of the word by which rows are indexed.
    """

    __slots__ = ("_cache", "_indexes", "_mnemonics", "by_name", "defaults", "kinds", "name",
                 "registers", "rows", "select", "size_of", "swapped")

    def __init__(self, name: str, rows: Iterable[Row], *, kinds: Mapping[str, MakeKind],
                 defaults: Mapping[str, str], size_of: Callable[[int], int],
                 select: Mapping[int, int], swapped: bool = False,
                 registers: Mapping[str, tuple[str, int]] | None = None) -> None:
        self.name, self.kinds, self.defaults = name, kinds, defaults
        self.size_of, self.select, self.swapped = size_of, select, swapped
        # Register names that stand as fixed text in an operand list: their form and number.
        self.registers = dict(registers or {})
        self._cache: dict[tuple[str, int, int, int, str], Kind] = {}
        self._indexes: dict[tuple[int, frozenset[str]], _Index] = {}
        self._mnemonics: dict[str, list[tuple[Row, dict[int, int]]]] = {}
        self.rows = tuple(rows)
        self.by_name: dict[str, Row] = {}
        for item in self.rows:
            if item.name in self.by_name:
                raise TableError(f"{name}: two rows are called {item.name}")
            self.by_name[item.name] = item
            try:
                self._complete(item)
            except TableError as error:
                raise TableError(f"{name}: {item.name}: {error}") from None

    def __getitem__(self, name: str) -> Row:
        return self.by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self.by_name

    # Building

    def _complete(self, item: Row) -> None:
        bits, item.mask, item.match, fields = parse_pattern(item.pattern)
        if bits % 8 or bits // 8 not in self.select:
            raise TableError(f"the pattern has {bits} bits")
        item.size = bits // 8
        item.swapped = self.swapped and item.size == 4
        operands: list[Operand] = []
        numbers: dict[str, int] = {}
        parts: list[str | int] = []
        at = 0
        for found in BRACED.finditer(item.mnemonic):
            parts.append(item.mnemonic[at:found.start()])
            self._parse(found.group(1), fields, operands, numbers, parts, False)
            at = found.end()
        parts.append(item.mnemonic[at:] + (" " if item.syntax else ""))
        self._parse(item.syntax, fields, operands, numbers, parts, True)
        for name in fields:
            if name not in numbers:
                raise TableError(f"field {name} is no operand")
        item.operands = tuple(operands)
        merged: list[str | int] = []
        for part in parts:
            if isinstance(part, str) and merged and isinstance(merged[-1], str):
                merged[-1] += part
            elif part != "":
                merged.append(part)
        item.parts = tuple(merged)

    def _parse(self, syntax: str, fields: Mapping[str, tuple[Piece, ...]],
               operands: list[Operand], numbers: dict[str, int], parts: list[str | int],
               shown: bool) -> None:
        """Read operands of a syntax text; add them, and the printed parts."""
        at = 0
        for found in OPERAND.finditer(syntax):
            if found.start() != at:
                raise TableError(f"cannot read {syntax[at:]!r}")
            at = found.end()
            quoted, name, kind, scale, bias, excluded, access, literal = found.groups()
            if name is None:
                parts.append(literal if quoted is None else quoted)
                continue
            if name not in numbers:
                if name not in fields:
                    raise TableError(f"{name} is {_NO_KIND}")
                pieces = fields[name]
                numbers[name] = len(operands)
                operands.append(self._operand(name, kind or "", scale, bias, excluded, access,
                                              pieces, shown))
            elif kind or scale or bias or excluded or access:
                raise TableError(f"{name} is described twice")
            parts.append(numbers[name])
        if at != len(syntax):
            raise TableError(f"cannot read {syntax[at:]!r}")

    def _operand(self, name: str, kind: str, scale: str | None, bias: str | None, excluded: str,
                 access: str | None, pieces: tuple[Piece, ...], shown: bool) -> Operand:
        if not kind:
            if name not in self.defaults:
                raise TableError(f"{name} has no kind")
            kind = self.defaults[name]
        if kind not in self.kinds:
            raise TableError(f"{kind} is no kind of operand")
        zeros = min(low for low, _, _ in pieces)
        width = max(low + bits for low, bits, _ in pieces) - zeros
        covered = 0
        for low, bits, _ in pieces:
            covered |= ((1 << bits) - 1) << low
        if covered >> zeros != (1 << width) - 1:
            raise TableError(f"the field {name} has a gap")
        if zeros:  # the lowest bits are not stored: the value is a multiple
            pieces = tuple((low - zeros, bits, at) for low, bits, at in pieces)
        factor = int(scale or 1) << zeros
        key = (kind, width, factor, int(bias or 0), excluded)
        made = self._cache.get(key)
        if made is None:
            numbers = frozenset(int(part) for part in excluded.split("!") if part)
            made = self._cache[key] = self.kinds[kind](width, factor, int(bias or 0), numbers)
        if not made.form.startswith("reg:") and not made.form.startswith("list"):
            if access:
                raise TableError(f"{name} is no register and cannot be {access}")
            access = ""
        return Operand(name, made, pieces, "r" if access is None else access, shown)

    def validate(self, feature_sets: Iterable[frozenset[str]]) -> list[str]:
        """Pairs of rows that overlap in one of the feature sets, in words; none when all is well.

        A row may lie wholly inside another one (a special case, decoded first).
        """
        problems = []
        sets = list(feature_sets)
        for number, one in enumerate(self.rows):
            for two in self.rows[number + 1:]:
                both = one.mask & two.mask
                if one.size != two.size or (one.match ^ two.match) & both:
                    continue
                if one.mask != two.mask and both in (one.mask, two.mask):
                    continue
                features = one.features | two.features
                if not any(features <= allowed for allowed in sets):
                    continue
                if one.where and two.where:  # the same bits, told apart by their conditions
                    continue
                if not _kept_apart(one, two) and not _kept_apart(two, one):
                    problems.append(f"{one.name} and {two.name}")
        return problems

    # Decoding and printing

    def decode(self, data: bytes | bytearray | memoryview, offset: int, address: int,
               features: frozenset[str]) -> Decoded | None:
        """The instruction at data[offset], which stands at `address`; None if there is none."""
        if offset + 2 > len(data):
            return None
        size = self.size_of(data[offset] | data[offset + 1] << 8)
        if offset + size > len(data):
            return None
        word = int.from_bytes(data[offset:offset + size], "little")
        if self.swapped and size == 4:
            word = word >> 16 | (word & 0xFFFF) << 16
        return self.decode_word(word, size, address, features)

    def decode_word(self, word: int, size: int, address: int,
                    features: frozenset[str]) -> Decoded | None:
        """The same for a word of `size` bytes."""
        index = self._indexes.get((size, features))
        if index is None:
            index = self._index(size, features)
        for item in index.buckets.get(word & index.select, ()):
            if word & item.mask == item.match:
                values = item.values(word)
                if values is not None:
                    return Decoded(item, values, size, address, word)
        return None

    def _index(self, size: int, features: frozenset[str]) -> _Index:
        rows = [item for item in self.rows if item.size == size and item.features <= features]
        made = _Index(rows, self.select.get(size, 0))
        self._indexes[size, features] = made
        return made

    def text(self, decoded: Decoded, label: LabelText = plain_label) -> str:
        """The instruction as the assembler reads it; label: prints an address."""
        return decoded.row.text(decoded.operands, decoded.address, label)

    # Looking up what a programmer wrote

    def mnemonics(self) -> dict[str, list[tuple[Row, dict[int, int]]]]:
        """All mnemonics, conditions and flags spelled out: their rows and the values these fix."""
        if not self._mnemonics:
            for item in self.rows:
                for text, fixed in _spellings(item):
                    self._mnemonics.setdefault(text, []).append((item, fixed))
                    if ".w" in text:  # the width may be left to us
                        short = text.replace(".w", "", 1)
                        self._mnemonics.setdefault(short, []).append((item, fixed))
        return self._mnemonics

    def find(self, mnemonic: str, operands: Sequence[tuple[str, int]],
             features: frozenset[str]) -> tuple[Row, tuple[int, ...]]:
        """The shortest row that takes these operands, and the values for its word().

        operands: (form, value) each in the order of the printed text, forms as in Kind.form, and
        ("[", 0) and so on for brackets (see shape).  An operand with a default may be left out.
        Raises KeyError when the features have no such mnemonic, EncodeError when an operand fits
        no row of it (the row that came furthest is named), TypeError when the forms fit none.
        """
        rows = [pair for pair in self.mnemonics().get(mnemonic, ())
                if pair[0].features <= features]
        if not rows:
            raise KeyError(mnemonic)
        best: EncodeError | None = None
        for item, fixed in sorted(rows, key=lambda pair: pair[0].size):
            values = self._fit(item, fixed, operands)
            if values is None:
                continue
            try:
                call(item, values)
            except EncodeError as error:
                best = error
            else:
                return item, values
        if best is not None:
            raise best
        shapes = sorted({item.syntax for item, _ in rows})
        raise TypeError(f"{mnemonic} takes " + " or ".join(shapes))

    def shape(self, item: Row) -> list[tuple[str, int, int]]:
        """What stands among the printed operands, in order: (form, number of the operand, -1).

        A register that is fixed text is (form, -1, its number); a bracket, a parenthesis and the
        sign ! stand for themselves: ("[", -1, 0).
        """
        found: list[tuple[str, int, int]] = []
        started = False
        for part in item.parts:
            if isinstance(part, int):
                if item.operands[part].shown:
                    found.append((item.operands[part].kind.form, part, -1))
                    started = True
                continue
            text = part if started else part.partition(" ")[2]
            for word in _WORD.findall(text):
                if word in self.registers:
                    form, value = self.registers[word]
                    found.append((form, -1, value))
                    started = True
                elif word in _MARKS:
                    found.append((word, -1, 0))
        return found

    def _fit(self, item: Row, fixed: Mapping[int, int],
             operands: Sequence[tuple[str, int]]) -> tuple[int, ...] | None:
        """The values for all operands of the row, None when the forms differ from its own."""
        values = [operand.kind.default or 0 for operand in item.operands]
        for number, value in fixed.items():
            values[number] = value
        seen: set[int] = set()
        given = list(operands)
        for form, number, value in self.shape(item):
            if not given or given[0][0] != form:
                if number >= 0 and item.operands[number].kind.default is not None:
                    continue  # left out
                return None
            what = given.pop(0)[1]
            if number < 0:
                if value != what:
                    return None
                continue
            if number in seen and values[number] != what:
                return None
            seen.add(number)
            values[number] = what
        return None if given else tuple(values)


def call(item: Row, values: Sequence[int]) -> int:
    """The word of a row from all its operands in order, those with a default too."""
    plain = [value for operand, value in zip(item.operands, values, strict=True)
             if operand.kind.default is None]
    named = {operand.name: value for operand, value in zip(item.operands, values, strict=True)
             if operand.kind.default is not None}
    return item.word(*plain, **named)


def _spellings(item: Row) -> list[tuple[str, dict[int, int]]]:
    """The mnemonic with every value of the operands inside it."""
    found: list[tuple[str, dict[int, int]]] = [("", {})]
    for part in item.parts:
        if isinstance(part, str):
            head, blank, _ = part.partition(" ")
            found = [(text + head, fixed) for text, fixed in found]
            if blank:
                break
        elif not item.operands[part].shown:
            kind = item.operands[part].kind
            found = [(text + kind.text(value, 0, plain_label), {**fixed, part: value})
                     for text, fixed in found for value in kind.samples()]
        else:
            break
    return found


def _kept_apart(one: Row, two: Row) -> bool:
    """Does some operand of `one` exclude what the fixed bits of `two` put in its field?"""
    for operand in one.operands:
        covered = sum(((1 << bits) - 1) << at for _, bits, at in operand.pieces)
        fixed = covered & ~two.mask
        if not fixed and operand.kind.get(operand.field(two.match)) is None:
            return True
        for other in two.operands:
            if other.pieces == operand.pieces and isinstance(other.kind, Choice) and all(
                    operand.kind.get(field) is None for field in other.kind.names):
                return True
    return False
