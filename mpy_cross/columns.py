"""Where in its line a rejected token stands.

The lexer keeps lines only, which is all that a compilation needs.  Once an error is certain, the
line is read again to find the token.
"""

from __future__ import annotations

from mpy_cross.lexer import (
    G_CONTINUATION,
    G_FORMATTED,
    G_NAME,
    G_NEWLINES,
    G_NUMBER,
    G_OPERATOR,
    G_STRING,
    Lexer,
    normalise,
    pattern_for,
)
from mpy_cross.loader.release import Release
from mpy_cross.tokens import (
    BYTES,
    DEDENT,
    END,
    ENDLESS,
    FLOAT,
    INDENT,
    INTEGER,
    LONG_NAME,
    NAME,
    NEWLINE,
    STRING,
)


def column_of(source: bytes, release: Release, tokens: Lexer, index: int) -> int:
    """The column of token `index` in bytes from 1, or 0 if it has no plain place in its line."""
    kinds = tokens.kinds
    lines = tokens.lines
    line = lines[index]
    if kinds[index] in (NEWLINE, END, DEDENT):
        return 0
    first = index
    while first > 0 and lines[first - 1] == line:
        first -= 1
    while first < index and kinds[first] in (NEWLINE, INDENT, DEDENT):
        first += 1
    text = normalise(source, release)
    start = 0
    for _ in range(line - 1):
        start = text.find(b"\n", start) + 1
        if not start:
            return 0
    at = first
    joined = False
    for match in pattern_for(release).finditer(text, start):
        group = match.lastindex
        if group in (G_NEWLINES, G_CONTINUATION, G_FORMATTED) or group is None:
            return 0
        if group == G_STRING and joined:
            continue
        joined = group == G_STRING
        # A literal that began on an earlier line, or an f-string, may be in the way.
        if not _fits(kinds[at], tokens.values[at], group, match[group]):
            return 0
        if at >= index:
            return match.start(group) - start + 1
        at += 1
    return 0


def _fits(kind: int, value: bytes, group: int, text: bytes) -> bool:
    """Whether a token of the lexer is the one that the pattern finds."""
    if kind < NAME or kind == ENDLESS:
        return kind in (INDENT, LONG_NAME) or group not in (G_NAME, G_OPERATOR)
    if kind in (STRING, BYTES):
        return group == G_STRING
    if kind in (INTEGER, FLOAT):
        return group == G_NUMBER
    return value == text
