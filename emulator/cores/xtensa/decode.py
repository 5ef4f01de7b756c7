"""Instructions of a core as objects, from the assembler's table: there is no other decoder.

    decoder = Decoder(model("lx6"))
    found = decoder.decode(0x00120C, 0x40080000)   # movi.n a2, 1
    found.name, found.operands, found.size         # "movi", (2, 1), 2

Narrow forms have the name of the wide ones, as they do the same; only break.n keeps its own.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.assembler.isa import Row
from mpy_cross.assembler.kinds import Label, Register
from mpy_cross.assembler.xtensa import TABLE, size_of
from mpy_cross.emulator.cores.xtensa.models import Model

_RETURN_ADDRESS: Final = {"call4": 1, "call8": 2, "call12": 3,
                          "callx4": 1, "callx8": 2, "callx12": 3}
_SPECIAL: Final = ("rsr", "wsr", "xsr")
FCR, FSR = 232, 233


@final
class Instruction:
    """One instruction at one address.

    name: what it does: the row's, but "l32i" for l32i.n and so on.
    operands: in the order of the row, which is that of the printed operands (for rsr, wsr, xsr, rur
        and wur the number of the special register comes first); labels are absolute addresses.
    target: the address of its label, -1 if it has none.
    quad: the highest group of four registers that it names, 0 to 3, for the check of windows; the
        calls with a window count the register that takes the return address; 0 for entry.
    floats: it belongs to the floating-point coprocessor, which CPENABLE can switch off.
    """

    __slots__ = ("address", "floats", "name", "operands", "quad", "row", "size", "target", "word")

    def __init__(self, row: Row, name: str, word: int, address: int, operands: tuple[int, ...],
                 target: int, quad: int, floats: bool) -> None:
        self.row, self.name, self.word, self.address = row, name, word, address
        self.size = row.size
        self.operands, self.target, self.quad, self.floats = operands, target, quad, floats

    @property
    def end(self) -> int:
        """The address of the next instruction in memory."""
        return self.address + self.size & 0xFFFF_FFFF

    def value(self, name: str) -> int:
        """The operand with this name in the row, such as "r"; KeyError."""
        for operand, value in zip(self.row.operands, self.operands, strict=True):
            if operand.name == name:
                return value
        raise KeyError(name)

    def __repr__(self) -> str:
        return f"<{self.address:#x} {self.text()}>"

    def text(self) -> str:
        """As the assembler reads it."""
        parts = []
        for part in self.row.parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            kind, value = self.row.operands[part].kind, self.operands[part]
            parts.append(f"{value:#x}" if isinstance(kind, Label)
                         else kind.text(value, self.address, hex))
        return "".join(parts)


@final
class _Shape:
    """What a word means, wherever it stands."""

    __slots__ = ("floats", "label", "name", "operands", "quad", "row", "word")

    def __init__(self, row: Row, word: int, operands: tuple[int, ...]) -> None:
        self.row, self.word, self.operands = row, word, operands
        self.name = row.name
        if row.name.endswith(".n") and row.name != "break.n":
            self.name = row.name[:-2]
        self.quad = _RETURN_ADDRESS.get(row.name, 0)
        self.label = -1  # number of the operand that is one
        for number, (operand, value) in enumerate(zip(row.operands, operands, strict=True)):
            if isinstance(operand.kind, Label):
                self.label = number
            elif isinstance(operand.kind, Register) and operand.kind.form == "reg:a":
                self.quad = max(self.quad, value >> 2)
        if row.name == "entry":
            self.quad = 0
        self.floats = "float" in row.features or (
            row.name in ("rur", "wur") and operands[0] in (FCR, FSR))


@final
class Decoder:
    """Decodes for one configuration."""

    __slots__ = ("_shapes", "model")

    def __init__(self, model: Model) -> None:
        self.model = model
        self._shapes: dict[int, _Shape | None] = {}

    def decode(self, word: int, address: int) -> Instruction | None:
        """The instruction whose three bytes (little-endian; the third does not matter for a narrow
        one) stand at `address`; None for what this configuration does not have."""
        word &= 0xFFFF if word & 8 else 0xFF_FFFF
        try:
            shape = self._shapes[word]
        except KeyError:
            shape = self._shapes[word] = self._shape(word)
        if shape is None:
            return None
        at = shape.label
        if at < 0:
            return Instruction(shape.row, shape.name, word, address, shape.operands, -1,
                               shape.quad, shape.floats)
        operands, kind = shape.operands, shape.row.operands[at].kind
        assert isinstance(kind, Label)
        target = kind.target(operands[at], address) & 0xFFFF_FFFF
        return Instruction(shape.row, shape.name, word, address,
                           (*operands[:at], target, *operands[at + 1:]), target, shape.quad,
                           shape.floats)

    def _shape(self, word: int) -> _Shape | None:
        found = TABLE.decode_word(word, size_of(word), 0, self.model.features)
        if found is None:
            return None
        if found.row.name in _SPECIAL and found.operands[0] not in self.model.specials:
            return None
        return _Shape(found.row, word, found.operands)
