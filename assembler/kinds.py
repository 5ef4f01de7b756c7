"""Operand kinds: how the value of an operand becomes a bit field, and back.

Every operand value is an `int`: a register number, the number that the programmer wrote, the
distance of a label from the program counter as the manual defines it, a bit mask of registers, or
a code of a small composite (a shift) made by a helper of the instruction set.  The kinds are a
small closed set; an instruction set gives them its register names, prefixes and special codecs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, final

# How a label is printed; the argument is the address that it stands for.
LabelText = Callable[[int], str]

# The value of an offset that is subtracted from its base, but zero.
MINUS_ZERO: Final = -0x80000000


class Kind:
    """One operand codec.

    form: what an operand of this kind is to the programmer: "reg:<file>", "imm", "label",
        "list:<file>", "shift", "cond", "flag", "name"; inline assemblers choose a row by these.
    allowed: the values that fit, for error texts.
    default: the value taken when a keyword operand is left out, None when it must be given.
    """

    __slots__ = ("allowed", "default", "form")
    form: str
    allowed: str
    default: int | None

    def put(self, value: int) -> int:
        """The field of a value, or -1 when it does not fit."""
        raise NotImplementedError

    def get(self, field: int) -> int | None:
        """The value of a field, None when no value has that field."""
        raise NotImplementedError

    def text(self, value: int, address: int, label: LabelText) -> str:
        """The value as the assembler reads it; address: of the instruction, in bytes."""
        raise NotImplementedError

    def check(self, name: str) -> str:
        """A Python condition that the variable `name` fits; "" to use put()."""
        return ""

    def field(self, name: str) -> str:
        """A Python expression for the field, valid when check() holds; "" to use put()."""
        return ""

    def samples(self) -> list[int]:
        """Values worth testing: the ends of the range, each single bit, all of them if few."""
        raise NotImplementedError


def spread(bits: int) -> list[int]:
    """Fields of `bits` bits worth testing."""
    if bits <= 6:
        return list(range(1 << bits))
    top = (1 << bits) - 1
    chosen = {0, 1, 2, 3, top, top - 1, top >> 1, (top >> 1) + 1, 0x55555555 & top,
              0xAAAAAAAA & top, 0x12345678 & top, 0x9E3779B9 & top}
    for bit in range(bits):
        chosen |= {1 << bit, top ^ (1 << bit)}
    return sorted(chosen)


def without(allowed: str, excluded: frozenset[int]) -> str:
    return allowed + "".join(f", not {value}" for value in sorted(excluded))


@final
class Number(Kind):
    """value = field * scale + bias, the field signed or not; a prefix such as "#" is printed."""

    __slots__ = ("bias", "bits", "excluded", "hex", "high", "low", "prefix", "scale", "signed")

    def __init__(self, bits: int, *, signed: bool = False, scale: int = 1, bias: int = 0,
                 prefix: str = "", excluded: frozenset[int] = frozenset(),
                 hexadecimal: bool = False, form: str = "imm") -> None:
        low = -(1 << (bits - 1)) if signed else 0
        high = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1
        self.bits, self.signed, self.scale, self.bias = bits, signed, scale, bias
        self.low, self.high = low * scale + bias, high * scale + bias
        self.prefix, self.excluded, self.hex = prefix, excluded, hexadecimal
        self.form, self.default = form, None
        limits = f"{self.low}..{self.high}"
        self.allowed = without(
            limits if scale == 1 else f"a multiple of {scale} in {limits}", excluded)

    def put(self, value: int) -> int:
        field, rest = divmod(value - self.bias, self.scale)
        if rest or not self.low <= value <= self.high or value in self.excluded:
            return -1
        return field & ((1 << self.bits) - 1)

    def get(self, field: int) -> int | None:
        if self.signed and field >> (self.bits - 1):
            field -= 1 << self.bits
        value = field * self.scale + self.bias
        return None if value in self.excluded else value

    def text(self, value: int, address: int, label: LabelText) -> str:
        if self.hex:
            return f"{self.prefix}{value:#x}"
        return f"{self.prefix}{value}"

    def check(self, name: str) -> str:
        terms = [f"{self.low} <= {name} <= {self.high}"]
        if self.scale > 1:
            terms.append(f"not ({name}{-self.bias or '':+}) % {self.scale}" if self.bias
                         else f"not {name} % {self.scale}")
        terms += [f"{name} != {value}" for value in sorted(self.excluded)]
        return " and ".join(terms)

    def field(self, name: str) -> str:
        base = f"({name} - {self.bias})" if self.bias else name
        if self.scale > 1:
            base = f"({base} // {self.scale})"
        return f"({base} & {(1 << self.bits) - 1})" if self.signed else base

    def samples(self) -> list[int]:
        values = (self.get(field) for field in spread(self.bits))
        return [value for value in values if value is not None]


@final
class Label(Kind):
    """A distance in bytes from the program counter, which runs ahead of the instruction.

    base: the program counter that the distance counts from, as a function of the address of the
    instruction: address + 4 in Thumb, for example.
    """

    __slots__ = ("base", "number")

    def __init__(self, number: Kind, base: Callable[[int], int]) -> None:
        self.number, self.base = number, base
        self.form, self.allowed, self.default = "label", number.allowed, None

    def put(self, value: int) -> int:
        return self.number.put(value)

    def get(self, field: int) -> int | None:
        return self.number.get(field)

    def target(self, value: int, address: int) -> int:
        """The address that a distance means for the instruction at `address`."""
        return self.base(address) + (0 if value == MINUS_ZERO else value)

    def text(self, value: int, address: int, label: LabelText) -> str:
        if value == MINUS_ZERO:  # a label would come back as plus zero
            return "[pc, #-0]"
        return label(self.target(value, address))

    def check(self, name: str) -> str:
        return self.number.check(name)

    def field(self, name: str) -> str:
        return self.number.field(name)

    def samples(self) -> list[int]:
        return self.number.samples()


@final
class Register(Kind):
    """A register of one file; value = field + first (compressed forms start at a later one)."""

    __slots__ = ("bits", "excluded", "first", "names")

    def __init__(self, file: str, names: tuple[str, ...], bits: int, *, first: int = 0,
                 excluded: frozenset[int] = frozenset(), default: int | None = None) -> None:
        self.names, self.bits, self.first, self.excluded = names, bits, first, excluded
        self.form, self.default = f"reg:{file}", default
        last = min(first + (1 << bits), len(names)) - 1
        self.allowed = f"{names[first]}..{names[last]} ({first}..{last})" + "".join(
            f", not {names[number]}" for number in sorted(excluded))

    def put(self, value: int) -> int:
        field = value - self.first
        if not 0 <= field < 1 << self.bits or value >= len(self.names) or value in self.excluded:
            return -1
        return field

    def get(self, field: int) -> int | None:
        value = field + self.first
        return None if value in self.excluded or value >= len(self.names) else value

    def text(self, value: int, address: int, label: LabelText) -> str:
        return self.names[value]

    def check(self, name: str) -> str:
        last = min(self.first + (1 << self.bits), len(self.names)) - 1
        terms = [f"{self.first} <= {name} <= {last}"]
        terms += [f"{name} != {value}" for value in sorted(self.excluded)]
        return " and ".join(terms)

    def field(self, name: str) -> str:
        return f"({name} - {self.first})" if self.first else name

    def samples(self) -> list[int]:
        values = (self.get(field) for field in range(1 << self.bits))
        return [value for value in values if value is not None]


@final
class Choice(Kind):
    """One of some named values; the value is the field."""

    __slots__ = ("excluded", "names")

    def __init__(self, form: str, names: Mapping[int, str], *,
                 excluded: frozenset[int] = frozenset(), default: int | None = None) -> None:
        self.names = {key: name for key, name in names.items() if key not in excluded}
        self.form, self.default, self.excluded = form, default, excluded
        shown = [f"{name or 'nothing'} ({key})" for key, name in self.names.items()]
        self.allowed = "one of " + ", ".join(shown[:24]) + (", ..." if len(shown) > 24 else "")

    def put(self, value: int) -> int:
        return value if value in self.names else -1

    def get(self, field: int) -> int | None:
        return field if field in self.names else None

    def text(self, value: int, address: int, label: LabelText) -> str:
        return self.names[value]

    def samples(self) -> list[int]:
        return list(self.names)


@final
class Coded(Kind):
    """Any other codec, given as functions: put and get as in Kind, and a printer."""

    __slots__ = ("excluded", "getter", "printer", "putter", "tests")

    def __init__(self, form: str, allowed: str, put: Callable[[int], int],
                 get: Callable[[int], int | None], text: Callable[[int], str],
                 samples: list[int], *, excluded: frozenset[int] = frozenset(),
                 default: int | None = None) -> None:
        self.form, self.allowed, self.default = form, without(allowed, excluded), default
        self.putter, self.getter, self.printer = put, get, text
        self.tests, self.excluded = samples, excluded

    def put(self, value: int) -> int:
        return -1 if value in self.excluded else self.putter(value)

    def get(self, field: int) -> int | None:
        value = self.getter(field)
        return None if value in self.excluded else value

    def text(self, value: int, address: int, label: LabelText) -> str:
        return self.printer(value)

    def samples(self) -> list[int]:
        return [value for value in self.tests if value not in self.excluded]
