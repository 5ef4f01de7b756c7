"""String literals: escapes, and the two kinds of literal that turn into more source text.

MicroPython has no tree for f-strings.  Its lexer takes the fields out of the literal, and feeds
`.format(...)` back into its own input behind the literal; a t-string becomes a call of
`__template__` in the same way.  The lexer knows nothing of expressions while it does so, which
shows in many corners; `scan_formatted` and `scan_template` repeat them release by release
(py/lexer.c).
"""

from __future__ import annotations

import re
from typing import Final, final

from mpy_cross.loader.release import Release
from mpy_cross.tokens import ENDLESS, INVALID, MALFORMED_FSTRING, NAME_ESCAPE

_ESCAPE_RE: Final = re.compile(
    rb"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|[\s\S])"
)
_RAW_HIGH_RE: Final = re.compile(rb"\\[\x80-\xff]")
_PLAIN: Final = {
    0x0A: b"",
    0x5C: b"\\",
    0x27: b"'",
    0x22: b'"',
    0x61: b"\x07",
    0x62: b"\x08",
    0x74: b"\t",
    0x6E: b"\n",
    0x76: b"\x0b",
    0x66: b"\x0c",
    0x72: b"\r",
}


@final
class Escapes:
    """Decodes escapes of one sort of literal; what an escape means is worked out once.

    After a call, `error` is 0, or the token kind of an error found in it.
    """

    __slots__ = ("_known", "byte_values", "error", "is_bytes")

    def __init__(self, is_bytes: bool, unicode: bool) -> None:
        self.is_bytes = is_bytes
        self.byte_values = is_bytes or not unicode
        self.error = 0
        self._known: dict[bytes, bytes] = {}

    def decode(self, body: bytes) -> bytes:
        """The value of a literal's text."""
        self.error = 0
        return _ESCAPE_RE.sub(self._replace, body)

    def decode_raw(self, body: bytes) -> bytes:
        """The value of a raw literal's text: a byte above 127 behind a backslash is a character."""
        self.error = 0
        return body if self.byte_values else _RAW_HIGH_RE.sub(_raw_high, body)

    def escape(self, src: bytes, pos: int) -> tuple[bytes, int]:
        """The value of the one escape at `pos` of `src`, and the position behind it."""
        match = _ESCAPE_RE.match(src, pos)
        if match is None:  # a backslash that ends the source
            self.error = INVALID
            return b"", pos + 1
        return self._replace(match), match.end()

    def raw_escape(self, src: bytes, pos: int) -> tuple[bytes, int]:
        """The same for a raw literal: the backslash stays."""
        pair = src[pos : pos + 2]
        return (pair if self.byte_values else _RAW_HIGH_RE.sub(_raw_high, pair)), pos + 2

    def _replace(self, match: re.Match[bytes]) -> bytes:
        text = match[0]
        value = self._known.get(text)
        if value is None:
            kind, value = self._value(text)
            if kind:
                # An unknown name raises at once; any other error is told at the literal's end.
                if self.error != NAME_ESCAPE:
                    self.error = kind
                return b""
            self._known[text] = value
        return value

    def _value(self, text: bytes) -> tuple[int, bytes]:
        c = text[1]
        plain = _PLAIN.get(c)
        if plain is not None:
            return 0, plain
        if c == 0x4E:  # N
            return NAME_ESCAPE, b""
        if 0x30 <= c <= 0x37:
            return self._char(int(text[1:], 8))
        if c == 0x78 or ((c == 0x75 or c == 0x55) and not self.is_bytes):  # x, u, U
            if len(text) == 2:
                return INVALID, b""
            return self._char(int(text[2:], 16))
        if self.is_bytes and len(text) > 2:
            return 0, text  # b"\u1234" is six bytes
        kind, value = self._char(c)
        return kind, b"\\" + value

    def _char(self, code: int) -> tuple[int, bytes]:
        if self.byte_values:
            return (0, bytes((code,))) if code < 0x100 else (INVALID, b"")
        if code < 0x110000:
            return 0, chr(code).encode("utf-8", "surrogatepass")
        return INVALID, b""


def _raw_high(match: re.Match[bytes]) -> bytes:
    return b"\\" + chr(match[0][1]).encode("utf-8")


_QUOTE_STOPS: Final = {
    0x22: re.compile(rb'[^"\\{]+'),
    0x27: re.compile(rb"[^'\\{]+"),
}
_QUOTE_LINE_STOPS: Final = {
    0x22: re.compile(rb'[^"\\{\n]+'),
    0x27: re.compile(rb"[^'\\{\n]+"),
}


@final
class FormattedLiteral:
    """What `scan_formatted` and `scan_template` found.

    `value` is the text of the token, `end` the position behind the literal; `args` is the text to
    feed back, growing over adjacent literals; `error` is a token kind or 0.  `src` is the source
    and `injected` how much of it is fed back already: before 1.28, a literal in there adds to it.
    """

    __slots__ = ("args", "end", "error", "injected", "src", "value")

    def __init__(self, args: bytearray, src: bytes, injected: int) -> None:
        self.args = args
        self.src = src
        self.injected = injected
        self.value = bytearray()
        self.end = 0
        self.error = 0

    def feed(self, start: int) -> bytes:
        """Appends what `args` has from `start` on to the injected text; returns the new source."""
        src = self.src
        end = self.injected
        self.src = src[:end] + self.args[start:] + src[end:]
        self.injected = end + len(self.args) - start
        return self.src


def _opening(src: bytes, pos: int) -> int:
    """1 or 3, the number of quotes that open the literal at `pos`."""
    return 3 if src[pos : pos + 3] == src[pos : pos + 1] * 3 else 1


def _field_end(src: bytes, pos: int, release: Release) -> int:
    """Where the expression that starts at `pos` ends: at `}`, `:`, a conversion or the end."""
    n = len(src)
    depth = 0
    while pos < n:
        c = src[pos]
        if depth == 0:
            if c == 0x7D or c == 0x3A:
                break
            if (
                c == 0x21
                and release.fstring_conversion
                and src[pos + 1 : pos + 2] in (b"r", b"s")
                and src[pos + 2 : pos + 3] in (b":", b"}")
            ):
                break
        if release.fstring_brackets:
            if c == 0x5B or c == 0x7B:
                depth += 1
            elif c == 0x5D or c == 0x7D:
                depth -= 1  # below 0 it never ends, as an unsigned number in the reference
        pos += 1
    return pos


def scan_formatted(
    src: bytes,
    pos: int,
    raw: bool,
    release: Release,
    escapes: Escapes,
    args: bytearray,
    injected: int,
) -> FormattedLiteral:
    """Reads the f-string whose opening quote is at `pos`.

    `args` collects `.format(` and the arguments, without the closing parenthesis.  If `injected`
    is not 0, that much of `src` comes from another f-string and the arguments are to follow there.
    """
    found = FormattedLiteral(args, src, injected)
    value = found.value
    quote = src[pos]
    n_quotes = _opening(src, pos)
    pos += n_quotes
    closing = 0
    if not (release.fstring_join and (args or injected)):
        args += b".format("
        if injected:
            src = found.feed(len(args) - 8)
    n = len(src)
    stops = (_QUOTE_LINE_STOPS if n_quotes == 1 else _QUOTE_STOPS)[quote]
    while pos < n and closing < n_quotes:
        c = src[pos]
        if c == quote:
            closing += 1
            value.append(c)
            pos += 1
            continue
        if c == 0x0A and n_quotes == 1:
            break
        closing = 0
        while c == 0x7B:  # {
            pos += 1
            if src[pos : pos + 1] == b"{":
                value += b"{{"
                pos += 1
            else:
                first = len(args)
                if release.fstring_parens:
                    args.append(0x28)
                start = len(args)
                end = _field_end(src, pos, release)
                if pos <= found.injected <= end and injected:
                    found.error = ENDLESS  # it reads what it appends
                    found.end = end
                    return found
                args += src[pos:end]
                pos = end
                if args[-1] == 0x3D:  # =
                    value += args[start:]
                    del args[-1]
                if release.fstring_nesting and len(args) == start:
                    found.error = MALFORMED_FSTRING
                if release.fstring_parens:
                    args.append(0x29)
                args.append(0x2C)
                value.append(0x7B)
                if injected:
                    src = found.feed(first)
                    n = len(src)
            c = src[pos] if pos < n else -1
            if release.fstring_nesting:
                break
        else:
            # Before 1.28 a field was followed by one character without a look at what it is.
            if c < 0:
                break
            if c == 0x5C:
                if raw:
                    text, pos = escapes.raw_escape(src, pos)
                else:
                    escapes.error = 0
                    text, pos = escapes.escape(src, pos)
                    if escapes.error and found.error != NAME_ESCAPE:
                        found.error = escapes.error
                value += text
            else:
                match = stops.match(src, pos)
                if match is None:
                    value.append(c)
                    pos += 1
                else:
                    value += match[0]
                    pos = match.end()
    found.end = pos
    if closing < n_quotes:
        found.error = found.error if found.error == NAME_ESCAPE else INVALID
    elif closing:
        del value[-closing:]
    return found


def scan_template(
    src: bytes, pos: int, raw: bool, release: Release, out: bytearray, args: bytearray
) -> FormattedLiteral:
    """Reads the t-string whose opening quote is at `pos`.

    `out` collects the strings of the template as source text, `args` its interpolations.
    """
    found = FormattedLiteral(args, src, 0)
    n = len(src)
    quote = src[pos]
    n_quotes = _opening(src, pos)
    quotes = bytes((quote,)) * n_quotes
    pos += n_quotes
    if not args:
        out += b"((" + quotes
    closing = 0
    n_fields = 0
    format_start = 0
    nesting = 0
    needs_fstring = False
    while pos < n and closing < n_quotes:
        c = src[pos]
        if c == quote:
            closing += 1
            out.append(c)
            pos += 1
            continue
        if c == 0x0A:
            if n_quotes == 1:
                break
            out += b"\\n"  # closing quotes before it still count
            pos += 1
            continue
        closing = 0
        if c == 0x7B:
            if nesting:
                nesting += 1
            else:
                pos += 1
                if src[pos : pos + 1] == b"{":
                    pos += 1
                else:
                    args.append(0x28)
                    start = len(args)
                    end = _field_end(src, pos, release)
                    args += src[pos:end]
                    pos = end
                    debug = args[-1] == 0x3D
                    if debug:
                        out += args[start:]
                        del args[-1]
                    while args and args[-1] in b" \t\n\r\v\f":
                        del args[-1]
                    if len(args) == start:
                        found.error = MALFORMED_FSTRING
                    text = bytes(args[start:])
                    args += b"),"
                    args.append(quote)
                    for b in text:
                        if b == quote or b == 0x5C:
                            args.append(0x5C)
                        args.append(b)
                    args.append(quote)
                    args.append(0x2C)
                    out += quotes + b"," + quotes
                    following = src[pos : pos + 1]
                    if following == b"!":
                        args.append(quote)
                        args += src[pos + 1 : pos + 2]
                        args.append(quote)
                        args.append(0x2C)
                        pos += 2
                    elif debug and following != b":":
                        args += b"'r',"
                    else:
                        args += b"None,"
                    if src[pos : pos + 1] == b":":
                        pos += 1
                    nesting = 1
                    format_start = len(out)
                out.append(0x7B)
                continue
        if c == 0x5C:
            out.append(0x5C)
            if raw:
                out.append(0x5C)
            else:
                pos += 1
                out += src[pos : pos + 1]
        elif nesting and c == 0x7D:
            nesting -= 1
            if nesting > 0:
                needs_fstring = True
                out.append(c)
            else:
                n_fields += 1
                if needs_fstring:
                    args.append(0x66)
                    needs_fstring = False
                args.append(quote)
                args += out[format_start + 1 :]
                del out[format_start:]
                args.append(quote)
                args.append(0x2C)
        else:
            out.append(c)
            if c == 0x7D:
                if src[pos + 1 : pos + 2] == b"}":
                    pos += 1
                else:
                    found.error = MALFORMED_FSTRING
        pos += 1
    found.end = pos
    if closing < n_quotes:
        found.error = INVALID
    if nesting > 0:
        found.error = MALFORMED_FSTRING
    if 1 + n_fields * 4 > 255:
        args[0:0] = b"("
        args.append(0x29)
    return found


def unterminated(src: bytes, pos: int, raw: bool) -> int:
    """The token kind of a literal that has no end: a `\\N` in it raises before that is noticed."""
    n_quotes = _opening(src, pos)
    end = len(src)
    start = pos + n_quotes
    if raw:
        return INVALID
    while start < end:
        c = src[start]
        if c == 0x5C:
            if src[start + 1 : start + 2] == b"N":
                return NAME_ESCAPE
            start += 2
        elif c == 0x0A and n_quotes == 1:
            break
        else:
            start += 1
    return INVALID


_QUOTED_RE: Final = re.compile(
    rb'"""([^"\\]*(?:(?:\\[\s\S]|"(?!""))[^"\\]*)*)"""'
    rb"|'''([^'\\]*(?:(?:\\[\s\S]|'(?!''))[^'\\]*)*)'''"
    rb'|"(?!"")([^"\\\n]*(?:\\[\s\S][^"\\\n]*)*)"'
    rb"|'(?!'')([^'\\\n]*(?:\\[\s\S][^'\\\n]*)*)'"
)


def scan_plain(src: bytes, pos: int, raw: bool, escapes: Escapes) -> FormattedLiteral:
    """Reads the ordinary literal whose opening quote is at `pos`; it stands beside an f-string."""
    found = FormattedLiteral(bytearray(), src, 0)
    match = _QUOTED_RE.match(src, pos)
    if match is None:
        found.error = unterminated(src, pos, raw)
        found.end = len(src)
        return found
    body = match[match.lastindex or 0]
    found.value += escapes.decode_raw(body) if raw else escapes.decode(body)
    found.error = escapes.error
    found.end = match.end()
    return found
