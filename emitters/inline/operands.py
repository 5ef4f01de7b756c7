"""Arguments of an inline assembler's statement against the operands of a row.

The arguments become a flat list of tokens, and a row's operand list is read along it.  Operands
that are no plain register, number or label (shifts, bit fields, special registers, conditions) are
found by the text that the row itself prints for each of their values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, final

from mpy_cross.assembler.isa import EncodeError, plain_label
from mpy_cross.assembler.kinds import MINUS_ZERO, Coded, Kind, Label, Number
from mpy_cross.assembler.table import call
from mpy_cross.emitters.inline.rows import Candidate
from mpy_cross.loader.inline import ArgKind, InlineArg

# A register name: its form, as in Kind.form, and number.
Registers = Mapping[str, tuple[str, int]]
# The address of a label in the code, None where it is not known yet.  Raises KeyError.
Place = Callable[[str], "int | None"]

SHIFTS: Final = ("lsl", "lsr", "asr", "ror", "rrx")
FEW: Final = 8  # registers that are listed one by one


class Token(NamedTuple):
    """A piece of an argument."""

    arg: InlineArg
    number: int
    """Of the argument, from 1."""
    mark: str = ""
    """A bracket; a shift's name."""


@final
class Misfit(Exception):
    """An operand does not fit; the text says which and what does."""

    def __init__(self, number: int, found: str, allowed: str) -> None:
        super().__init__(f"operand {number} is {found}, allowed {allowed}")
        self.number, self.found, self.allowed = number, found, allowed


_NOTHING: Final = InlineArg(ArgKind.OTHER)
_texts_of: dict[int, tuple[Kind, dict[str, int]]] = {}


def tokens_of(args: tuple[InlineArg, ...]) -> list[Token]:
    found: list[Token] = []
    for number, arg in enumerate(args, 1):
        _add_tokens(arg, number, found)
    return found


def _add_tokens(arg: InlineArg, number: int, found: list[Token]) -> None:
    if arg.kind == ArgKind.BRACKET:
        found.append(Token(arg, number, "["))
        for part in arg.parts:
            _add_tokens(part, number, found)
        found.append(Token(_NOTHING, number, "]"))
    elif arg.kind == ArgKind.INDEXED and len(arg.parts) == 2:
        first, second = arg.parts
        if first.text in SHIFTS and second.kind == ArgKind.INT and not arg.text:
            found.append(Token(second, number, first.text))
            return
        if arg.text == "-" and first.kind == ArgKind.INT:
            first = first._replace(value=-first.value)
        found += [Token(first, number), Token(arg, number, "(")]
        _add_tokens(second, number, found)
        found.append(Token(_NOTHING, number, ")"))
    elif arg.kind == ArgKind.NAME and arg.text == "rrx":
        found.append(Token(arg, number, "rrx"))
    else:
        found.append(Token(arg, number))


def described(arg: InlineArg) -> str:
    """What an argument is, for a note."""
    if arg.kind == ArgKind.INT:
        return str(arg.value)
    if arg.kind in (ArgKind.NAME, ArgKind.FLOAT):
        return arg.text
    return {ArgKind.BRACKET: "a list in brackets", ArgKind.BRACE: "a list in braces",
            ArgKind.INDEXED: "a call or an index",
            ArgKind.RANGE: "a range"}.get(arg.kind, "another expression")


def texts(kind: Kind) -> dict[str, int]:
    """The values of a kind by what is printed for them, in small letters and without #."""
    found = _texts_of.get(id(kind))
    if found is None:
        made = {_plain(kind.text(value, 0, plain_label)): value for value in kind.samples()}
        found = _texts_of[id(kind)] = (kind, made)
    return found[1]


def _plain(text: str) -> str:
    return text.casefold().replace("#", "")


@final
class Match:
    """One row against the tokens of one statement.

    values: of the row's operands.  numbers: of the arguments that they come from.
    """

    __slots__ = ("at", "candidate", "forward", "numbers", "place", "position", "registers",
                 "tokens", "values")

    def __init__(self, candidate: Candidate, tokens: list[Token], registers: Registers,
                 place: Place, position: int) -> None:
        self.candidate = candidate
        self.tokens = tokens
        self.registers = registers
        self.place = place
        self.position = position
        self.at = 0
        self.forward = False
        """An operand is a label further down, whose distance is not known in every pass."""
        self.values: dict[int, int] = dict(candidate.fixed)
        self.numbers: dict[int, int] = {}

    def word(self) -> int | None:
        """The instruction; None if the arguments do not have the form of the row.

        Raises Misfit for an operand out of its range, KeyError for an unknown label.
        """
        for part in self.candidate.parts:
            fits = self._operand(part.operand) if part.operand >= 0 else self._text(part.text)
            if not fits:
                return None
        if self.at < len(self.tokens):
            return None
        row = self.candidate.row
        values = [self.values.get(number, operand.kind.default or 0)
                  for number, operand in enumerate(row.operands)]
        try:
            return call(row, values)
        except EncodeError as error:
            raise self._misfit(error) from None

    def _misfit(self, error: EncodeError) -> Misfit:
        row = self.candidate.row
        if row.where and error.allowed == row.where:
            return Misfit(0, "", row.where)
        for number, operand in enumerate(row.operands):
            if operand.name == error.operand:
                argument = self.numbers.get(number, 0)
                found = operand.kind.text(error.value, self.position, plain_label) \
                    if operand.kind.form.startswith(("reg:", "list:")) else str(error.value)
                if isinstance(operand.kind, Label):
                    found = f"{error.value} bytes away"
                return Misfit(argument, found, _allowed(operand.kind))
        raise error

    def _next(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _text(self, text: str) -> bool:
        """Fixed text: a bracket, a register, a number, or a word."""
        if text == "}":  # its brace was taken off
            return True
        token = self._next()
        if token is None:
            return False
        if text == "{":
            return self._brace(token)
        if text in SHIFTS and token.mark == text:  # its amount comes next
            self.tokens = [*self.tokens[:self.at], Token(token.arg, token.number),
                           *self.tokens[self.at + 1:]]
            return True
        if token.mark or text in ("[", "]", "(", ")"):
            fits = token.mark == text
        elif text.startswith("#"):
            number = _number(token.arg)
            fits = number is not None and number == float(text[1:])
        elif text in self.registers:
            fits = self.registers.get(token.arg.text) == self.registers[text]
        else:
            fits = token.arg.kind == ArgKind.NAME and token.arg.text.casefold() == text
        self.at += fits
        return fits

    def _brace(self, token: Token) -> bool:
        """`{n}`, where a number stands in braces."""
        if token.arg.kind != ArgKind.BRACE or len(token.arg.parts) != 1:
            return False
        inside = Token(token.arg.parts[0], token.number)
        self.tokens = [*self.tokens[:self.at], inside, *self.tokens[self.at + 1:]]
        return True

    def _operand(self, number: int) -> bool:
        """Read one operand; False if what stands there has another form."""
        kind = self.candidate.row.operands[number].kind
        token = self._next()
        value = None if token is None else self._value(kind, token)
        if value is None:
            if kind.default is None:
                return False
            value = kind.default
        elif token is not None:
            self.numbers[number] = token.number
        if number in self.values and self.values[number] != value:
            return False
        self.values[number] = value
        return True

    def _value(self, kind: Kind, token: Token) -> int | None:
        """The value of an operand, which counts on in `at`; None for another form."""
        arg = token.arg
        if isinstance(kind, Label):
            return self._distance(kind, token)
        if isinstance(kind, Number) or (kind.form == "imm" and arg.kind == ArgKind.INT):
            if arg.kind != ArgKind.INT or token.mark:
                return None
            if arg.value == MINUS_ZERO and isinstance(kind, Coded):  # a code, not a number
                raise Misfit(token.number, str(arg.value), kind.allowed)
            self.at += 1
            return arg.value
        if kind.form in ("shift", "ror"):
            return self._shift(kind, token)
        if token.mark:
            return None
        if kind.form.startswith("list:"):
            return self._list(kind.form[5:], token)
        known = texts(kind)
        if len(self.tokens) > self.at + 1 and not self.tokens[self.at + 1].mark:
            pair = f"{_text(arg)}, {_text(self.tokens[self.at + 1].arg)}"
            value = known.get(pair)
            if value is not None:
                self.at += 2
                return value
        if arg.kind == ArgKind.NAME:
            form, register = self.registers.get(arg.text, ("", 0))
            if form == kind.form:
                self.at += 1
                return register
        value = known.get(_text(arg))
        if value is not None:
            self.at += 1
        elif kind.form == "bitfield" and arg.kind == ArgKind.INT:
            raise Misfit(token.number, _text(arg), kind.allowed)
        return value

    def _distance(self, kind: Label, token: Token) -> int | None:
        if token.arg.kind != ArgKind.NAME or token.mark or token.arg.text in self.registers:
            return None
        place = self.place(token.arg.text)
        self.at += 1
        self.forward = place is None or place > self.position
        if place is None:  # any distance that fits, until the label is met
            return kind.samples()[0]
        return place - kind.base(self.position)

    def _shift(self, kind: Kind, token: Token) -> int | None:
        if token.mark not in SHIFTS:
            return None
        self.at += 1
        text = "rrx" if token.mark == "rrx" else f"{token.mark} {token.arg.value}"
        value = texts(kind).get("" if text in ("lsl 0", "ror 0") else f", {text}")
        if value is None:
            raise Misfit(token.number, text, kind.allowed)
        return value

    def _list(self, file: str, token: Token) -> int | None:
        """A mask of registers from `{r0, r2-r4}`."""
        arg = token.arg
        if arg.kind != ArgKind.BRACE:
            return None
        mask = 0
        for part in arg.parts:
            ends = part.parts if part.kind == ArgKind.RANGE else (part, part)
            numbers = []
            for end in ends:
                form, number = self.registers.get(end.text, ("", 0))
                if end.kind != ArgKind.NAME or form != f"reg:{file}":
                    return None
                numbers.append(number)
            for number in range(numbers[0], numbers[1] + 1):
                mask |= 1 << number
        self.at += 1
        return mask


def _allowed(kind: Kind) -> str:
    """The values that fit; a few registers by name."""
    if kind.form.startswith("reg:"):
        values = kind.samples()
        if len(values) <= FEW:
            return ", ".join(kind.text(value, 0, plain_label) for value in values)
    return kind.allowed


def _number(arg: InlineArg) -> float | None:
    if arg.kind == ArgKind.INT and abs(arg.value) < 1 << 53:
        return float(arg.value)
    return float(arg.text) if arg.kind == ArgKind.FLOAT else None


def _text(arg: InlineArg) -> str:
    """An argument as the rows print it, as texts() has it."""
    if arg.kind == ArgKind.INT:
        return str(arg.value)
    if arg.kind == ArgKind.FLOAT:
        return f"{float(arg.text):.9g}"
    if arg.kind == ArgKind.RANGE:
        return f"{arg.parts[0].text}-{arg.parts[1].text}"
    if arg.kind == ArgKind.BRACE:
        return "{" + ", ".join(map(_text, arg.parts)) + "}"
    return arg.text.casefold().rstrip("_")  # or_, if_: keywords
