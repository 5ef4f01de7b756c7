"""What the inline assemblers know beyond the reference: every row of the instruction table."""

from __future__ import annotations

from difflib import get_close_matches
from typing import final

from mpy_cross.emitters.inline.operands import Match, Misfit, Place, Registers, tokens_of
from mpy_cross.emitters.inline.rows import Candidate, Rows, needs, shown
from mpy_cross.loader.inline import ArgKind, InlineArg

FORMS_SHOWN = 4
SIMILAR_SHOWN = 3


@final
class Extension:
    """The instructions of one architecture by the names of their calls.

    features: those of the table that the architecture has.  max_size: bytes of the longest
    instruction that it has.
    """

    __slots__ = ("arch", "features", "forms", "max_size", "note", "registers", "rows", "wide")

    def __init__(self, rows: Rows, registers: Registers, arch: str, features: frozenset[str],
                 max_size: int = 4) -> None:
        self.rows = rows
        self.registers = registers
        self.arch = arch
        self.features = features
        self.max_size = max_size
        self.note = ""
        """Which operand of the last statement does not fit; "" if none has the right form."""
        self.forms = ""
        """What else can be said about the last statement."""
        self.wide = ""
        """The name under which it is an instruction."""

    def assemble(self, name: str, args: tuple[InlineArg, ...], position: int, place: Place,
                 known: bool) -> bytes | None:
        """The bytes of a statement at `position`, None if it is no instruction.

        The shortest row is taken; how far a label further down is does not count, so that the size
        of the code is the same in every pass.  `known`: the reference has an instruction of this
        name and number of arguments, which it refuses.  The name then does not stand for a wide
        row, whose name ends in _w: instructions of one name would differ in what they do to the
        flags.
        """
        self.note = self.forms = self.wide = ""
        candidates = self.rows.named(name)
        if not candidates and args and args[-1].kind == ArgKind.NAME:  # it(eq)
            candidates = self.rows.named(f"{name} {args[-1].text}")
            args = args[:-1] if candidates else args
        here = [one for one in candidates
                if one.row.features <= self.features and one.row.size <= self.max_size]
        if candidates and not here:
            self.note = f"{name} " + needs(candidates[0].row, self.rows.table.name, self.arch,
                                           self.features)
            return None
        self.forms = _forms(name, here) if here else self._similar(name)
        misfits: list[tuple[Candidate, Misfit]] = []
        missing = ""
        for candidate in here:
            match = Match(candidate, tokens_of(args), self.registers, place, position)
            try:
                word = match.word()
            except Misfit as error:
                misfits.append((candidate, error))
                if match.forward:
                    break
                continue
            except KeyError as error:
                missing = f"label '{error.args[0]}' is not defined"
                continue
            if word is None:
                continue
            if known and candidate.width_left_out:
                self.wide = f"{name.rstrip('_')}_w takes these operands"
                return None
            return candidate.row.to_bytes(word)
        self.note = missing or _misfit_note(name, misfits)
        return None

    def _similar(self, name: str) -> str:
        close = get_close_matches(name, self.rows.by_name, SIMILAR_SHOWN)
        return f"similar names: {', '.join(close)}" if close else ""


def _misfit_note(name: str, misfits: list[tuple[Candidate, Misfit]]) -> str:
    if not misfits:
        return ""
    candidate, last = misfits[-1]
    if not last.number:
        return f"{shown(name, candidate)} requires {last.allowed}"
    allowed = [error.allowed for _, error in misfits
               if (error.number, error.found) == (last.number, last.found)]
    ranges = " or ".join(dict.fromkeys(allowed))
    return f"operand {last.number} of {name} is {last.found}, allowed {ranges}"


def _forms(name: str, candidates: list[Candidate]) -> str:
    forms = list(dict.fromkeys(shown(name, candidate) for candidate in candidates))
    more = ", ..." if len(forms) > FORMS_SHOWN else ""
    return f"there is {', '.join(forms[:FORMS_SHOWN])}{more}" if forms else ""
