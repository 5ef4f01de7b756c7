"""The operand of the Thumb `it` instruction: first condition and mask in one byte."""

from __future__ import annotations

from mpy_cross.assembler.arm_kinds import CONDITIONS


def it_block(pattern: str, condition: int) -> int:
    """The operand for it, itt, ite, ...; pattern: the letters after "it" ("" to "eee").

    Raises ValueError for letters other than t and e, more than three of them, or a condition that
    cannot be inverted.
    """
    if len(pattern) > 3 or pattern.strip("te"):
        raise ValueError(f"it{pattern}: up to three letters t or e follow it")
    bits = 0
    for letter in pattern:
        bits = bits << 1 | (condition & 1 if letter == "t" else ~condition & 1)
    value = condition << 4 | (bits << 1 | 1) << (3 - len(pattern))
    if it_put(value) < 0:
        raise ValueError(f"it{pattern} with condition {condition}")
    return value


def it_put(value: int) -> int:
    """The byte itself, -1 when it is no it instruction."""
    condition, mask = value >> 4, value & 15
    if not 0 <= condition <= 14 or not mask:
        return -1
    if condition == 14 and mask & (mask - 1):  # always: there is no else
        return -1
    return value


def it_get(field: int) -> int | None:
    return field if it_put(field) >= 0 else None


def it_text(value: int) -> str:
    """What follows "it": the letters, a blank, the condition."""
    condition, mask = value >> 4, value & 15
    letters = ""
    while mask & 7:
        letters += "t" if mask >> 3 == condition & 1 else "e"
        mask = mask << 1 & 15
    return f"{letters} {CONDITIONS[condition]}"
