"""Which strings the reference's parser makes qstrs of, in its order."""

from __future__ import annotations

from mpy_cross.lexer import Lexer
from mpy_cross.tokens import BYTES, NAME, STRING

INTERNED_LENGTH = 10
"""Longest literal that is always interned, in bytes."""


def qstrs_met(tokens: Lexer) -> list[bytes]:
    """Names, and string and bytes literals that are short, in the order of the tokens."""
    met: dict[bytes, None] = {}
    for kind, value in zip(tokens.kinds, tokens.values, strict=False):
        if kind == NAME or (kind in (STRING, BYTES) and len(value) <= INTERNED_LENGTH):
            met[value] = None
    return list(met)
