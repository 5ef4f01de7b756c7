"""Source text to tokens.

One compiled pattern finds every token; a dictionary tells names, keywords and operators apart.  The
result is three parallel lists, which the parser walks by index.  f-strings and t-strings leave the
fast path: their arguments are fed back into the input behind the literal, as the reference does.

Before the pattern sees it, the text is brought into the form in which the reference's lexer reads
it: CR and CR LF become LF, and a last line without an end gets one.
"""

from __future__ import annotations

import re
from typing import Final, final

from mpy_cross.loader.release import Release
from mpy_cross.options import CompileOptions
from mpy_cross.strings import (
    Escapes,
    scan_formatted,
    scan_plain,
    scan_template,
    unterminated,
)
from mpy_cross.tokens import (
    BRACE_CLOSE,
    BRACE_OPEN,
    BRACKET_OPEN,
    BYTES,
    COMMA,
    DEDENT,
    DEDENT_MISMATCH,
    END,
    FALSE,
    FLOAT,
    INDENT,
    INTEGER,
    INVALID,
    KEYWORDS,
    LONG_NAME,
    NAME,
    NEWLINE,
    OPERATORS,
    PERIOD,
    RAW_FSTRING,
    STRING,
    TRUE,
)

_LONGEST_NAME: Final = 255
"""A qstr has one byte for its length."""
_TAB: Final = 8
_WINDOW: Final = 4096
"""How much of the source is looked at behind the arguments of an odd f-string."""

_NEWLINES = rb"(?:#[^\n]*)?\n(?:[ \t\v\f]*(?:#[^\n]*|\\)?\n)*[ \t\v\f]*"
_QUOTED = (
    rb'(?:"""[^"\\]*(?:(?:\\[\s\S]|"(?!""))[^"\\]*)*"""'
    rb"|\'\'\'[^'\\]*(?:(?:\\[\s\S]|'(?!''))[^'\\]*)*\'\'\'"
    rb'|"(?!"")[^"\\\n]*(?:\\[\s\S][^"\\\n]*)*"'
    rb"|'(?!'')[^'\\\n]*(?:\\[\s\S][^'\\\n]*)*')"
)
_PREFIX = rb"[rub](?:(?<=r)b|(?<=b)r)?"
_NUMBER = rb"0[bBoOxX][0-9A-Za-z._]*|\.?[0-9](?:[0-9A-DF-Za-df-z._]|[eE][+-]?)*"
_OPERATOR = (
    rb"[()\[\]{},;~]|==?|\.\.\.|\.(?![0-9])|-[=>]?|\*\*?=?|//?=?|<<=?|<=?|>>=?|>=?|!=|[+&|%^@]=?"
)
_NAME = rb"[A-Za-z_\x80-\xff][0-9A-Za-z_\x80-\xff]*"

# The groups of the pattern, most frequent first; one of them is the token.
G_NAME: Final = 1
G_OPERATOR: Final = 2
G_NEWLINES: Final = 3
G_STRING: Final = 4
G_FORMATTED: Final = 5
G_UNTERMINATED: Final = 6
G_QUOTED_NAME: Final = 7
"""A name with a quote behind it that is no prefix."""
G_NUMBER: Final = 8
G_CONTINUATION: Final = 9
G_INVALID: Final = 10


def _pattern(formatted: bytes, walrus: bool) -> re.Pattern[bytes]:
    alternatives = (
        # A name, unless it looks like the prefix of a string.
        rb"[ac-eg-qsv-zA-Z_\x80-\xff][0-9A-Za-z_\x80-\xff]*"
        rb"|[bfrut](?![bfrut]?[\"'])[0-9A-Za-z_\x80-\xff]*",
        _OPERATOR + (rb"|:=?" if walrus else rb"|:"),
        _NEWLINES,
        rb"(?:" + _PREFIX + rb")?(?=[\"'])" + _QUOTED,
        formatted + rb"[\"']",
        rb"(?:" + _PREFIX + rb")?[\"']",
        _NAME,
        _NUMBER,
        rb"\\\n",
        rb"[^ \t\v\f]",
    )
    return re.compile(rb"[ \t\v\f]*(?:" + rb"|".join(b"(%b)" % a for a in alternatives) + rb")")


_PATTERNS: dict[tuple[bytes, bool], re.Pattern[bytes]] = {}
_FIRST_RE: Final = re.compile(rb"(?:[ \t\v\f]|\\\n)*(?:" + _NEWLINES + rb")?")
_STRING_START_RE: Final = re.compile(rb"(?:rb|br|[rubft]|rf|fr|rt|tr)?[\"']")


def pattern_for(release: Release) -> re.Pattern[bytes]:
    """The pattern of one token and the blanks before it; a `G_` group tells its kind."""
    formatted = rb"(?!)"
    if release.tstrings:
        formatted = rb"(?:rf|fr|rt|tr|[ft])"
    elif release.fstrings:
        formatted = rb"(?:rf|fr|f)"
    key = (formatted, release.walrus)
    pattern = _PATTERNS.get(key)
    if pattern is None:
        pattern = _PATTERNS[key] = _pattern(formatted, release.walrus)
    return pattern


def _width(blanks: bytes) -> int:
    """Columns of white space at the start of a line; a tab goes to the next multiple of eight."""
    if b"\t" not in blanks:
        return len(blanks)
    column = 0
    for c in blanks:
        column = (column // _TAB + 1) * _TAB if c == 0x09 else column + 1
    return column


def normalise(source: bytes, release: Release) -> bytes:
    """The text as the reference's lexer sees it: LF ends every line."""
    if b"\r" in source:
        source = source.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\0" in source and release.nul_becomes_one:
        source = source.replace(b"\0", b"\1")
    if source[-1:] != b"\n" and (source or not release.nul_becomes_one):
        source += b"\n"
    return source


@final
class Lexer:
    """The tokens of one source.

    `kinds[i]`, `values[i]` and `lines[i]` belong together.  The value of a name, keyword or
    operator is its text, that of a number its text without underscores, that of a string literal
    (adjacent ones joined) its decoded bytes.  Three END tokens close the lists, so that the parser
    may look ahead without asking.
    """

    __slots__ = (
        "_byte_escapes",
        "_depth",
        "_escapes",
        "_indents",
        "_joins",
        "_known",
        "_line",
        "_pattern",
        "_release",
        "kinds",
        "lines",
        "values",
    )

    def __init__(self, source: bytes, options: CompileOptions) -> None:
        release = options.release
        self.kinds: list[int] = []
        self.values: list[bytes] = []
        self.lines: list[int] = []
        self._release = release
        self._pattern = pattern_for(release)
        self._known: dict[bytes, int] = {
            **KEYWORDS,
            b"__debug__": TRUE if options.opt_level == 0 else FALSE,
        }
        self._escapes = Escapes(False, options.unicode or not release.unicode_option)
        self._byte_escapes = Escapes(True, True)
        self._joins: dict[int, list[bytes]] = {}
        self._line = 1
        self._depth = 0
        self._indents = [0]
        text = normalise(source, release)
        self._scan(text, 0)
        for index, pieces in self._joins.items():
            self.values[index] = b"".join(pieces)
        for _ in range(3):
            self._append(END, b"")
        self._check_first_column(text)

    def _append(self, kind: int, value: bytes) -> None:
        self.kinds.append(kind)
        self.values.append(value)
        self.lines.append(self._line)

    def _check_first_column(self, text: bytes) -> None:
        """The first token must stand in the first column; if not, it counts as an indent."""
        match = _FIRST_RE.match(text)
        if match is not None and match[0]:
            blanks = match[0]
            if self._release.newline_on_own_line and self.kinds[0] == NEWLINE:
                return
            if _width(blanks[blanks.rfind(b"\n") + 1 :]):
                self.kinds[0] = INDENT

    def _scan(self, src: bytes, injected: int) -> bool:
        """Appends the tokens of `src`, whose first `injected` bytes come from an f-string.

        Returns whether all of `src` is used up by complete tokens and the last one is a bracket or
        a comma, so that nothing behind `src` could change them.
        """
        kinds = self.kinds
        values = self.values
        lines = self.lines
        known = self._known
        get = known.get
        finditer = self._pattern.finditer
        line = self._line
        depth = self._depth
        pos = 0
        end = 0
        while True:
            for match in finditer(src, pos):
                group = match.lastindex
                if group == 1 or group == 7:  # G_NAME, G_QUOTED_NAME
                    text = match[group]
                    kind = get(text, 0)
                    if not kind:
                        kind = NAME if len(text) <= _LONGEST_NAME else LONG_NAME
                        known[text] = kind
                    kinds.append(kind)
                    values.append(text)
                    lines.append(line)
                elif group == 2:  # G_OPERATOR
                    text = match[2]
                    kind = OPERATORS[text]
                    if BRACE_OPEN <= kind <= BRACE_CLOSE and kind != PERIOD:
                        depth += 1 if kind <= BRACKET_OPEN else -1
                        end = match.end()
                    kinds.append(kind)
                    values.append(text)
                    lines.append(line)
                elif group == 3:  # G_NEWLINES
                    text = match[3]
                    if depth:
                        line += text.count(b"\n")
                        continue
                    self._newline(line, text)
                    line = self._line
                    if kinds[-1] == DEDENT_MISMATCH:
                        return False
                elif group == 4:  # G_STRING
                    text = match[4]
                    if not self._string(text, line):
                        return False
                    if b"\n" in text:
                        line += text.count(b"\n")
                elif group == 8:  # G_NUMBER
                    self._number(match[8], line)
                elif group == 9:  # G_CONTINUATION
                    line += 1
                else:
                    break
            else:
                break
            self._line = line
            if group != G_FORMATTED:
                if group == G_UNTERMINATED:
                    text = match[G_UNTERMINATED]
                    error = unterminated(src, match.end() - 1, b"r" in text)
                    self._fail_literal(error, BYTES if b"b" in text else STRING)
                else:
                    self._append(INVALID, match[G_INVALID])
                return False
            # From here on the f-string's arguments are part of the text.
            self._depth = depth
            src, pos, injected = self._formatted(src, match.start(G_FORMATTED), injected)
            if pos < 0:
                return False
            line = self._line
            depth = self._depth
        self._line = line
        self._depth = depth
        last = kinds[-1] if kinds else END
        return end == len(src) or (last == COMMA and src[-1:] == b",")

    def _newline(self, line: int, text: bytes) -> None:
        """A NEWLINE and the INDENT or DEDENTs behind it; `text` runs up to the next token."""
        after = line + text.count(b"\n")
        width = _width(text[text.rfind(b"\n") + 1 :])
        indents = self._indents
        self._line = line if self._release.newline_on_own_line else after
        if width == indents[-1]:
            self._append(NEWLINE, b"")
        elif width > indents[-1]:
            self._append(NEWLINE, b"")
            self._line = after
            self._append(INDENT, b"")
            indents.append(width)
        else:
            levels = 0
            while width < indents[-1]:
                indents.pop()
                levels += 1
            if width != indents[-1]:
                self._append(DEDENT_MISMATCH, b"")
                return
            self._append(NEWLINE, b"")
            self._line = after
            for _ in range(levels):
                self._append(DEDENT, b"")
        self._line = after

    def _number(self, text: bytes, line: int) -> None:
        kind = INTEGER
        if not text.isdigit():
            if b"_" in text:
                text = text.replace(b"_", b"")
            lower = text.lower()
            if b"." in text or b"j" in lower:
                kind = FLOAT
            if lower[:2] not in (b"0x", b"0o", b"0b") and b"e" in lower:
                kind = FLOAT
                text = text.replace(b"E", b"e")
        self.kinds.append(kind)
        self.values.append(text)
        self.lines.append(line)

    def _string(self, text: bytes, line: int) -> bool:
        """Appends a whole literal, or joins it to the one before; False if it is malformed."""
        quote = text[-1]
        start = 0
        kind = STRING
        raw = False
        while text[start] != quote:
            c = text[start]
            if c == 0x62:
                kind = BYTES
            elif c == 0x72:
                raw = True
            start += 1
        size = 3 if len(text) - start >= 6 and text[start + 1] == quote == text[start + 2] else 1
        value = text[start + size : -size]
        if b"\\" in value:
            escapes = self._escapes if kind == STRING else self._byte_escapes
            value = escapes.decode_raw(value) if raw else escapes.decode(value)
            if escapes.error:
                self._line = line
                self._fail_literal(escapes.error, kind)
                return False
        kinds = self.kinds
        if kinds and kinds[-1] == kind:
            index = len(kinds) - 1
            pieces = self._joins.get(index)
            if pieces is None:
                pieces = self._joins[index] = [self.values[index]]
            pieces.append(value)
            return True
        kinds.append(kind)
        self.values.append(value)
        self.lines.append(line)
        return True

    def _fail_literal(self, error: int, kind: int) -> None:
        """A malformed literal; if it is joined to others, the token is that of the first."""
        if self.kinds and self.kinds[-1] == kind:
            self.kinds[-1] = error
        else:
            self._append(error, b"")

    def _formatted(self, src: bytes, pos: int, injected: int) -> tuple[bytes, int, int]:
        """Reads the f-string or t-string at `pos` and all literals joined to it.

        Returns the text to go on with, the position in it and how much of it is injected; the
        position is -1 after an error.
        """
        release = self._release
        nested = injected > pos and not release.fstring_nesting
        args = bytearray()
        first_line = self._line
        value = bytearray()
        pieces = self._take_open_literal()
        if pieces is not None:
            first_line = self.lines.pop()
            value += pieces
        template = False
        error = 0
        while True:
            match = _STRING_START_RE.match(src, pos)
            if match is None:
                break
            prefix = match[0][:-1]
            if b"b" in prefix or (b"t" in prefix and not release.tstrings):
                break
            raw = b"r" in prefix
            start = match.end() - 1
            if b"f" in prefix:
                if raw and not release.fstring_join:
                    error = RAW_FSTRING
                    break
                found = scan_formatted(
                    src, start, raw, release, self._escapes, args, injected if nested else 0
                )
                value += found.value
                if nested:
                    src = found.src
                    injected = found.injected
            elif b"t" in prefix:
                template = True
                found = scan_template(src, start, raw, release, value, args)
            else:
                found = scan_plain(src, start, raw, self._escapes)
                value += found.value
            self._line += src.count(b"\n", pos, found.end)
            pos = found.end
            error = found.error
            if error:
                break
            pos = self._skip_blanks(src, pos)
        end_line = self._line
        self._line = first_line
        if error:
            self._append(error, b"")
            return src, -1, 0
        if template:
            self._append(NAME, b"__template__")
            args[0:0] = value + b",),"
        else:
            self._append(STRING, bytes(value))
        self._line = end_line
        if nested:
            return src, pos, injected
        args.append(0x29)
        return self._inject(bytes(args), src, pos, injected)

    def _inject(self, args: bytes, src: bytes, pos: int, injected: int) -> tuple[bytes, int, int]:
        """Feeds `args` into the input before `pos`.

        They are scanned by themselves where that gives the same tokens, which spares copying the
        rest of the source.
        """
        state = (len(self.kinds), self._line, self._depth, list(self._indents))
        if self._scan(args, len(args)):
            return src, pos, injected
        self._rewind(state)
        window = args + src[pos : pos + _WINDOW]
        end = self._scan_injected(window, len(args))
        if end >= 0:
            return src, pos + end, injected
        self._rewind(state)
        return args + src[pos:], 0, len(args) + max(0, injected - pos)

    def _rewind(self, state: tuple[int, int, int, list[int]]) -> None:
        """Forgets the tokens that came after `state`."""
        n, self._line, self._depth, indents = state
        self._indents = list(indents)
        del self.kinds[n:], self.values[n:], self.lines[n:]
        for index in [index for index in self._joins if index >= n]:
            del self._joins[index]

    def _scan_injected(self, window: bytes, injected: int) -> int:
        """Appends the tokens that begin in the first `injected` bytes of `window`, one by one.

        Returns how far the last of them reaches into the text behind, or -1 if that cannot be said
        without the rest of the source.
        """
        pos = 0
        match_token = self._pattern.match
        while pos < injected:
            match = match_token(window, pos)
            if match is None or match.end() == len(window):
                return -1
            group = match.lastindex
            if group in (G_UNTERMINATED, G_INVALID):
                return -1
            if group == G_FORMATTED:
                window, pos, injected = self._formatted(window, match.start(G_FORMATTED), injected)
                if pos < 0:
                    return -1
                continue
            self._scan(match[0], 0)
            pos = match.end()
        return pos - injected

    def _take_open_literal(self) -> bytes | None:
        """Takes back a string literal that an f-string follows directly; its line stays listed."""
        kinds = self.kinds
        if not kinds or kinds[-1] != STRING:
            return None
        kinds.pop()
        value = self.values.pop()
        pieces = self._joins.pop(len(kinds), None)
        return value if pieces is None else b"".join(pieces)

    def _skip_blanks(self, src: bytes, pos: int) -> int:
        """The position of the next token; inside brackets newlines and comments are blanks too."""
        match = (_BLANKS_RE if self._depth == 0 else _BRACKET_BLANKS_RE).match(src, pos)
        end = match.end() if match is not None else pos
        self._line += src.count(b"\n", pos, end)
        return end


_BLANKS_RE: Final = re.compile(rb"(?:[ \t\v\f]|\\\n)*(?:#[^\n]*)?")
_BRACKET_BLANKS_RE: Final = re.compile(rb"(?:[ \t\v\f\n]|\\\n|#[^\n]*)*")
