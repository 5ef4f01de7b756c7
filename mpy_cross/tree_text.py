"""The text forms of tokens and of the syntax tree, for `--dump` and for tests."""

from __future__ import annotations

from enum import IntEnum

from mpy_cross.lexer import Lexer
from mpy_cross.loader.objects import Str
from mpy_cross.options import CompileOptions
from mpy_cross.tokens import END, KIND_NAMES
from mpy_cross.tree import Stmt


def tokens_text(source: bytes, filename: str, options: CompileOptions) -> str:
    """One token a line: its line, its kind, and its value where the kind does not tell it.

    Raises CompileError.
    """
    tokens = Lexer(source, options)
    lines = []
    for kind, value, line in zip(tokens.kinds, tokens.values, tokens.lines, strict=True):
        name = KIND_NAMES[kind]
        text = _shown(value)
        lines.append(f"{line:5} {name}" + (f" {text}" if value and text != name else ""))
        if kind == END:  # the lexer adds a few more, for looking ahead
            break
    return "\n".join(lines) + "\n"


def tree_text(tree: Stmt) -> str:
    """One node a line, its parts indented below it; plain parts stand on the node's own line."""
    out: list[str] = []
    # (depth, label, value); a list and not recursion, since trees may be deep
    todo: list[tuple[int, str, object]] = [(0, "", tree)]
    while todo:
        depth, label, value = todo.pop()
        start = "  " * depth + (f"{label}: " if label else "")
        below: list[tuple[int, str, object]] = []
        if isinstance(value, list | tuple):
            out.append(f"{start}({len(value)})")
            below = [(depth + 1, "", item) for item in value]
        elif _is_node(value):
            plain = [f"@{line}"] if (line := getattr(value, "line", 0)) else []
            for name in _fields(value):
                part = getattr(value, name)
                if name == "line" or part is None:
                    continue
                if _is_node(part) or (isinstance(part, list | tuple) and part):
                    below.append((depth + 1, name, part))
                else:
                    plain.append(f"{name}={_plain(part)}")
            out.append(f"{start}{type(value).__name__} {' '.join(plain)}".rstrip())
        else:
            out.append(f"{start}{_plain(value)}")
        todo += reversed(below)
    return "\n".join(out) + "\n"


def _is_node(value: object) -> bool:
    return type(value).__module__.startswith("mpy_cross.tree") and not isinstance(value, IntEnum)


def _fields(node: object) -> tuple[str, ...]:
    """The fields of a node in the order in which they are written, that of its __init__."""
    code = type(node).__init__.__code__
    return code.co_varnames[1 : code.co_argcount]


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return repr(value.decode("utf-8", "backslashreplace"))
    if isinstance(value, Str):
        return repr(value.data.decode("utf-8", "backslashreplace"))
    if isinstance(value, IntEnum):
        return value.name.lower()
    return "..." if value is Ellipsis else repr(value)


def _shown(value: bytes) -> str:
    """A token's value on one line."""
    text = value.decode("utf-8", "backslashreplace")
    return text if text.isprintable() else repr(text)
