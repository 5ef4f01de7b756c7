"""The rows of an instruction table as calls in the source of an inline assembler.

A row is called by the mnemonic of its manual: a dot becomes an underscore (`vfma_f32`, `ldr_w`), a
keyword of Python gets one behind it (`yield_`), and what the manual marks with `!` is a suffix:
`_pre` for an address that is written back, `_wb` for a base register that is.  The width may be
left out where the manual has a `.w`; the shorter row that fits is then taken.  The operands are the
arguments, in the order of the manual:

    ldrd(r0, r1, [r2, 8])     add_w(r0, r1, r2, lsl(3))     vldmia_wb(r0, {s0-s3})
    ldr(r0, [r1], 4)     jalr(ra, 4(a0))               vmov_32(d0[1], r2)
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, final

from mpy_cross.assembler.arch import ARCHES
from mpy_cross.assembler.isa import Row
from mpy_cross.assembler.table import Table

# Words that MicroPython's grammar keeps for itself, in any release.
_KEYWORDS: Final = (
    "False None True and as assert async await break class continue def del elif else except "
    "finally for from global if import in is lambda nonlocal not or pass raise return try while "
    "with yield"
)
KEYWORDS: Final = frozenset(_KEYWORDS.split())
_WORD: Final = re.compile(r"[A-Za-z_][\w.]*|#[\d.]+|[][(){}]")
# What a feature of a table means to its user; others go by their own name.
FEATURE_WORDS: Final = {"v7m": "Thumb-2", "v7em": "DSP", "fpsp": "FPU", "fpv5": "FPv5",
                        "fpdp": "double precision"}


class Part(NamedTuple):
    """One item of a row's operand list: an operand, or fixed text."""

    operand: int
    """Its number; -1 for text."""
    text: str = ""
    """A bracket, a parenthesis, a brace, or a word or number."""


class Candidate(NamedTuple):
    """A row that a name can mean."""

    row: Row
    fixed: dict[int, int]
    """Values of the operands that the name itself holds, by number."""
    parts: tuple[Part, ...]
    width_left_out: bool
    """The row's mnemonic has a `.w` that the name lacks."""


@final
class Rows:
    """The rows of one table by the names of their calls."""

    __slots__ = ("_by_name", "table")

    def __init__(self, table: Table) -> None:
        self.table = table
        self._by_name: dict[str, list[Candidate]] | None = None

    @property
    def by_name(self) -> dict[str, list[Candidate]]:
        """All of them, shorter rows first."""
        if self._by_name is None:
            made: dict[str, list[Candidate]] = {}
            for mnemonic, pairs in self.table.mnemonics().items():
                for row, fixed in pairs:
                    left_out = ".w" in row.mnemonic and ".w" not in mnemonic
                    candidate = Candidate(row, fixed, _parts(row), left_out)
                    made.setdefault(call_name(mnemonic, row), []).append(candidate)
            for candidates in made.values():
                candidates.sort(key=lambda one: one.row.size)
            self._by_name = made
        return self._by_name

    def named(self, name: str) -> list[Candidate]:
        """What a name means; an underscore more than needed at its end is no harm."""
        return self.by_name.get(name) or self.by_name.get(name.rstrip("_")) or []


def call_name(mnemonic: str, row: Row) -> str:
    """The name of the function that stands for a spelled-out mnemonic of a row."""
    name = mnemonic.replace(".", "_")
    text = "".join(part for part in row.parts if isinstance(part, str))
    if "!" in text:
        name += "_pre" if "]!" in text else "_wb"
    return f"{name}_" if name in KEYWORDS else name


def _parts(row: Row) -> tuple[Part, ...]:
    found: list[Part] = []
    started = False
    closing = {"[": "]", "(": ")"}
    for part in row.parts:
        if isinstance(part, int):
            if row.operands[part].shown:
                found.append(Part(part))
                started = True
            continue
        text = part if started else part.partition(" ")[2]
        # `d0[1]`: an index, where other brackets hold an address; the source has it as a call.
        index = started and text.startswith("[")
        for word in _WORD.findall(text):
            if index and word in closing:
                word = "("
            elif word == "]" and _is_open(found, "("):
                word = ")"
            found.append(Part(-1, word))
            started = True
            index = False
    return tuple(found)


def _is_open(parts: list[Part], bracket: str) -> bool:
    """Is the bracket that was opened last one of these?"""
    depth = 0
    for part in reversed(parts):
        if part.text in ("]", ")"):
            depth += 1
        elif part.text in ("[", "("):
            if not depth:
                return part.text == bracket
            depth -= 1
    return False


def shown(name: str, candidate: Candidate) -> str:
    """The call as a user would write it, with the names of the operands."""
    out = ""
    for part in candidate.parts:
        word = candidate.row.operands[part.operand].name if part.operand >= 0 else part.text
        word = word.lstrip("#")
        glued = word in ("(", ")", "]", "}") or out.endswith(("[", "(", "{"))
        out += word if not out or glued else f", {word}"
    return f"{name}({out})"


def needs(row: Row, table: str, arch: str, features: frozenset[str]) -> str:
    """Which architecture has a row that this one lacks, in words."""
    missing = sorted(row.features - features)
    words = ", ".join(FEATURE_WORDS.get(feature, feature) for feature in missing)
    for one in ARCHES.values():
        if one.table == table and row.features <= one.features:
            return f"needs {one.name} ({words}), this is {arch}"
    return f"needs {words}, which {arch} does not have"
