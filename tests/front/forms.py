"""Short forms of tokens, trees and errors, for tables of expectations.

A tree is one line: `(Kind@line part part)`, lists in square brackets, a missing part as `-`.
Leaves are bare: a name, a number, a quoted string.
"""

from __future__ import annotations

from enum import Enum

from mpy_cross.errors import CompileError
from mpy_cross.lexer import Lexer
from mpy_cross.loader.objects import Str as StrObject
from mpy_cross.loader.release import get
from mpy_cross.options import CompileOptions
from mpy_cross.parser import parse
from mpy_cross.tokens import END, KIND_NAMES
from mpy_cross.tree import Bytes, Name, Newline, SmallInt, Stmt, Str, Token


def options(release: str = "1.17", opt_level: int = 0, small_int_bits: int = 31) -> CompileOptions:
    return CompileOptions(release=get(release), opt_level=opt_level, small_int_bits=small_int_bits)


def tokens(source: bytes, release: str = "1.17") -> str:
    """`line:kind=value` of each token but the END; no value where the kind says it."""
    lexer = Lexer(source, options(release))
    shown = []
    for kind, value, line in zip(lexer.kinds, lexer.values, lexer.lines, strict=True):
        if kind == END:
            break
        name = KIND_NAMES[kind]
        text = value.decode("latin-1")
        shown.append(f"{line}:{name}" + (f"={text}" if text and text != name else ""))
    return " ".join(shown)


def tree(source: bytes, release: str = "1.17", opt_level: int = 0) -> Stmt:
    return parse(source, "t.py", options(release, opt_level))


def short(node: object) -> str:
    """The one-line form of a tree or a part of one."""
    if node is None:
        return "-"
    if isinstance(node, Name):
        return node.id.decode("latin-1")
    if isinstance(node, SmallInt):
        return str(node.value)
    if isinstance(node, Str):
        return repr(node.value.decode("latin-1"))
    if isinstance(node, Bytes):
        return repr(node.value)
    if isinstance(node, Token):
        return node.token.name
    if isinstance(node, Newline):
        return "Newline"
    if isinstance(node, StrObject):
        return f"str:{node.data.decode('latin-1')!r}"
    if isinstance(node, bytes):
        return node.decode("latin-1") or "''"
    if isinstance(node, Enum):
        return node.name
    if isinstance(node, (list, tuple)):
        return "[" + " ".join(short(item) for item in node) + "]"
    if type(node).__module__.startswith("mpy_cross.tree"):
        line = getattr(node, "line", None)
        parts = [type(node).__name__ + ("" if line is None else f"@{line}")]
        code = type(node).__init__.__code__
        names = code.co_varnames[1 : code.co_argcount]
        parts += [short(getattr(node, name)) for name in names if name not in _HIDDEN]
        return "(" + " ".join(parts) + ")"
    return repr(node)


_HIDDEN = ("line", "int_kind")


def error(source: bytes, release: str = "1.17", opt_level: int = 0) -> str:
    """`line kind: message` of the rejection, or "accepted"."""
    try:
        tree(source, release, opt_level)
    except CompileError as found:
        return f"{found.line} {found.kind}: {found.message}"
    return "accepted"
