"""Whether what was typed so far wants more lines."""

from __future__ import annotations

import re
from typing import Final

COMPOUND: Final = re.compile(rb"@|(?:if|while|for|try|with|def|class|async)(?![A-Za-z0-9_])")
"""How a statement begins that an empty line ends."""
# A quote of three, one quote, an escaped quote or backslash, a bracket.
PIECE: Final = re.compile(rb"'''|\"\"\"|['\"]|\\['\"\\]|[()\[\]{}]", re.DOTALL)
CLOSES: Final = {b")": b"(", b"]": b"[", b"}": b"{"}


def wants_more(text: bytes) -> bool:
    """Does the prompt go on with another line?

    As in firmware this looks at quotes and brackets only, and not for comments: a bracket in a
    comment keeps a statement open.
    """
    if not text:
        return False
    quote = b""
    depth = {b"(": 0, b"[": 0, b"{": 0}
    at = 0
    while (found := PIECE.search(text, at)) is not None:
        piece = found[0]
        at = found.end()
        if piece[:1] == b"\\":
            if not quote:
                at -= 1  # the quote counts
        elif piece[:1] in b"'\"":
            if not quote:
                quote = piece
            elif piece == quote:
                quote = b""
            elif piece[:1] == quote:  # three quotes in a string that one closes
                quote = b""
                at -= 2
        elif not quote:
            depth[CLOSES.get(piece, piece)] += -1 if piece in CLOSES else 1
    if len(quote) == 3 or (not quote and max(depth.values()) > 0):
        return True
    if text.endswith(b"\\"):
        return True
    return COMPOUND.match(text) is not None and not text.endswith(b"\n")
