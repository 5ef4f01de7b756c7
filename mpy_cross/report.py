"""How errors are shown: first what the reference prints, word for word, then our own lines.

    Traceback (most recent call last):
      File "x.py", line 3
    SyntaxError: invalid syntax
        return = 3
               ^
    note: ...
    hint: ...
"""

from __future__ import annotations

import errno
import os
import re
from typing import NamedTuple

from mpy_cross.errors import CompileError
from mpy_cross.loader.release import Release

# Kinds that the parser and compiler raise at a place in the source.  Anything else (MemoryError,
# RuntimeError, ...) comes from deeper down, and the reference then knows neither file nor line.
_WITH_PLACE = frozenset({"SyntaxError", "IndentationError", "ViperTypeError"})

_WIDTH = 100  # of the source line shown, in characters
_RED = "\x1b[1;31m"
_GREEN = "\x1b[1;32m"
_CYAN = "\x1b[36m"
_PLAIN = "\x1b[0m"


class Hint(NamedTuple):
    """Shown when the message starts with `message` and `line` is found in the source line."""

    message: str
    line: str
    text: str


# The first that fits is shown, so the particular ones come first.
HINTS = (
    Hint(
        "invalid syntax",
        r"^\s*(match\b.*:\s*(#.*)?$|case\b.*:)",
        "MicroPython has no match statement; write if/elif",
    ),
    Hint(
        "invalid syntax",
        r"\bdef\b.*[(,]\s*/\s*[,)]|\blambda\b[^:]*[ ,]/\s*[,:]",
        "MicroPython has no positional-only parameters; leave the / out",
    ),
    Hint(
        "invalid syntax",
        r"^\s*print\s+[^(=\s]",
        "print is a function: write print(...)",
    ),
    Hint("invalid syntax", r"^\s*exec\s+[^(=\s]", "exec is a function: write exec(...)"),
    Hint(
        "invalid syntax",
        r"^\s*except\b[^:(]*,[^:]*:",
        "write `except (A, B):` for several types and `except A as e:` for a name",
    ),
    Hint("invalid syntax", r"^\s*except\s*\*", "MicroPython has no exception groups (except*)"),
    Hint(
        "invalid syntax",
        r"^\s*(async\s+)?with\s*\(.*\bas\b",
        "MicroPython takes no parentheses around the items of a with statement",
    ),
    Hint(
        "invalid syntax",
        r"^\s*(def|class)\s+\w+\s*\[",
        "MicroPython has no type parameters; leave the [...] out",
    ),
    Hint("invalid syntax", r"^\s*type\s+\w+.*=", "MicroPython has no type statement"),
    Hint("invalid syntax", r":=", "`:=` is known from 1.13 on; as a statement it needs ()"),
    Hint(
        "invalid syntax",
        r"""\b[fF]["']""",
        "an f-string takes plain expressions: assign nested quotes, backslashes or braces to a "
        "name first",
    ),
    Hint(
        "invalid syntax",
        r"""\b([tT]|[rR][tT]|[tT][rR])["']""",
        "t-strings are not known to this release",
    ),
    Hint("invalid syntax", r"<>", "write != for <>"),
    Hint("invalid syntax", r"`", "write repr(...) for backquotes"),
    Hint("invalid syntax", r"\b[0-9]+[lL]\b", "integers need no L: they grow by themselves"),
    Hint("invalid syntax for integer", r"\b0[0-9]", "octal numbers are written 0o17"),
    Hint(
        "invalid syntax",
        r"^\s*(if|elif|else|for|while|try|except|finally|with|def|class)\b[^:]*$",
        "a colon ends the first line of a block",
    ),
    Hint(
        "raw f-strings are not supported",
        "",
        "write an f-string with doubled backslashes, or join a raw string and an f-string by +",
    ),
    Hint("unicode name escapes", "", "write the character itself or its number, \\uXXXX"),
    Hint(
        "*x must be assignment target",
        "",
        "MicroPython unpacks * only in calls and assignments; build the list with + or .extend()",
    ),
    Hint(
        "non-keyword arg after",
        "",
        "put positional and *arguments before keyword and **arguments",
    ),
    Hint("* arg after kwarg", "", "put *arguments before keyword arguments"),
    Hint("can't have multiple *x", "", "this release takes one *argument per call; join them by +"),
    Hint("can't have multiple **x", "", "this release takes one **argument per call"),
    Hint("identifier redefined as global", "", "put the global statement before the first use"),
    Hint("identifier redefined as nonlocal", "", "put the nonlocal statement before the first use"),
    Hint(
        "no binding for nonlocal found",
        "",
        "nonlocal needs the name in an enclosing function; use global for one of the module",
    ),
    Hint("default 'except' must be last", "", "move the bare except: below the others"),
    Hint(
        "unindent doesn't match",
        "",
        "this line starts deeper or less deep than any block it could belong to; look for tabs",
    ),
    Hint(
        "overflow converting long int to machine word",
        "",
        "shift counts and powers of constants must be small; compute them at run time",
    ),
)


def reference_text(error: CompileError) -> str:
    """What the reference prints on stderr for this error; ends with a newline.

    Bytes that are not UTF-8 in names appear as surrogate escapes.
    """
    lines = []
    if error.line or error.block is not None or error.kind in _WITH_PLACE:
        block = "" if error.block is None else f", in {error.block}"
        lines.append("Traceback (most recent call last):")
        lines.append(f'  File "{error.file}", line {error.line}{block}')
    lines.append(f"{error.kind}: {error.message}" if error.message else error.kind)
    return "\n".join(lines) + "\n"


def render(error: CompileError, source: bytes, color: bool) -> str:
    """The whole report of a rejected source; ends with a newline."""
    head, last = reference_text(error).rstrip("\n").rpartition("\n")[::2]
    if color:
        last = f"{_RED}{last}{_PLAIN}"
    parts = [f"{head}\n{last}\n" if head else f"{last}\n"]
    line = source_line(source, error.line)
    if line is not None and line.strip():
        parts.append(_excerpt(line, error.column, color))
    if error.note:
        parts.append(f"{_CYAN}note:{_PLAIN} {error.note}\n" if color else f"note: {error.note}\n")
    hint = error.hint or find_hint(error.message, line or "")
    if hint:
        parts.append(f"{_CYAN}hint:{_PLAIN} {hint}\n" if color else f"hint: {hint}\n")
    return "".join(parts)


def find_hint(message: str, line: str) -> str:
    """The hint for a message and the source line it points at; "" if there is none."""
    for hint in HINTS:
        if message.startswith(hint.message) and re.search(hint.line, line):
            return hint.text
    return ""


def source_line(source: bytes, number: int) -> str | None:
    """Line `number` (from 1) without its end; None if there is no such line."""
    if number < 1:
        return None
    lines = re.split(b"\r\n|\r|\n", source, maxsplit=number)
    if len(lines) < number:
        return None
    return lines[number - 1].decode("utf-8", "replace")


def _excerpt(line: str, column: int, color: bool) -> str:
    """The source line and, if the column (in bytes, from 1) is known, a caret below it."""
    shown = "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line)
    if column < 1:
        at = -1
    else:
        at = len(line.encode("utf-8", "surrogateescape")[: column - 1].decode("utf-8", "replace"))
    start = 0
    if len(shown) > _WIDTH:
        start = max(0, min(at - _WIDTH // 2, len(shown) - _WIDTH))
        shown = shown[start : start + _WIDTH]
    else:
        indent = len(shown) - len(shown.lstrip())
        shown, start = shown[indent:], indent
    text = f"    {shown.rstrip()}\n"
    if at >= 0:
        pad = "".join("\t" if c == "\t" else " " for c in shown[: max(0, at - start)])
        pad += " " * max(0, at - start - len(pad))
        text += f"    {pad}{_GREEN}^{_PLAIN}\n" if color else f"    {pad}^\n"
    return text


def os_error_text(release: Release, number: int, name: str) -> str:
    """What the reference prints when it cannot open `name`, and our own line below it."""
    # A folder opens for reading, and the first read fails: the reference then names no file.
    if release.open_error_names_file and number != errno.EISDIR:
        first = f"OSError: ({number}, {_quoted(f'can{chr(39)}t open {name}')})\n"
    else:
        first = f"OSError: {number}\n"
    return f"{first}{name or 'the empty name'}: {os.strerror(number)}\n"


def _quoted(text: str) -> str:
    """A string as MicroPython's repr prints it."""
    quote = '"' if "'" in text and '"' not in text else "'"
    special = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", quote: "\\" + quote}
    out = []
    for char in text:
        if char in special:
            out.append(special[char])
        elif char < " " or char == "\x7f":
            out.append(f"\\x{ord(char):02x}")
        else:
            out.append(char)
    return quote + "".join(out) + quote
