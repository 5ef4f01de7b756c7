"""A function of an inline assembler as the compiler hands it on: statements with arguments."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class ArgKind(IntEnum):
    """What an argument looks like in the source."""

    NAME = 0  # r0; `text`
    INT = 1  # 5, or what folds to it; `value`
    BRACKET = 2  # [a, b]; `parts`
    BRACE = 3  # {a, b}; `parts`; `text` is "," if one ends it
    INDEXED = 4  # 4(a1), -4(a1); `parts`: what is before the parentheses, then what is in them
    OTHER = 5
    RANGE = 6  # s0-s2; `parts`: two names
    FLOAT = 7  # 1.5; `text` as float() reads it


class InlineArg(NamedTuple):
    """One argument."""

    kind: ArgKind
    text: str = ""
    """NAME; the sign of INDEXED, if there is one apart from the number."""
    value: int = 0
    small: bool = False
    """INT: it is a small int of the compiling side."""
    parts: tuple[InlineArg, ...] = ()


class InlineStatement(NamedTuple):
    """`name(arg, ...)`: an instruction, or `label`, `align` or `data`."""

    line: int
    """Of the statement."""
    args_line: int
    """Of the parentheses, where the reference places errors in arguments."""
    name: str
    args: tuple[InlineArg, ...]


class InlineCode(NamedTuple):
    """The whole function."""

    line: int
    """Of the definition."""
    params: tuple[InlineArg, ...]
    """Names of parameters, OTHER for those that have an annotation, a default or a star."""
    return_type: int
    """Number of the native type of the result."""
    statements: tuple[InlineStatement, ...]
    strict: bool = False
    """Only what the reference's own assembler knows."""
