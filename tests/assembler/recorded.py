"""Bytes that other tools give for our texts, kept so that the tests run without the tools.

One file per witness and instruction set: comment lines (the tool and its version first), then one
line per instruction, separated by tabs: row, operand values, bytes in hexadecimal as the tool has
them, text.  For an assembler the text is ours and the bytes are its; for a disassembler the bytes
are ours and the text is its.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mpy_cross.assembler.isa import Row
from mpy_cross.assembler.kinds import MINUS_ZERO

FOLDER = Path(__file__).resolve().parent / "recorded"


@dataclass(frozen=True)
class Line:
    row: str
    values: tuple[int, ...]
    data: bytes
    text: str


def read(name: str) -> Iterator[Line]:
    for line in (FOLDER / f"{name}.txt").read_text(encoding="ascii").splitlines():
        if line and not line.startswith("#"):
            row, values, data, text = line.split("\t")
            numbers = tuple(int(number) for number in values.split(",") if number)
            yield Line(row, numbers, bytes.fromhex(data), text)


def write(name: str, heads: list[str], lines: list[Line]) -> None:
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{name}.txt").open("w", encoding="ascii", newline="\n") as out:
        for head in heads:
            out.write(f"# {head}\n")
        for line in lines:
            values = ",".join(map(str, line.values))
            out.write(f"{line.row}\t{values}\t{line.data.hex()}\t{line.text}\n")


# The special registers that GNU as for the LX106 knows; Capstone witnesses the others.
LX106_REGISTERS = frozenset((
    "sar", "litbase", "ibreakenable", "ddr", "ibreaka0", "dbreaka0", "dbreakc0", "epc1", "epc2",
    "epc3", "depc", "eps2", "eps3", "excsave1", "excsave2", "excsave3", "interrupt", "intset",
    "intclear", "intenable", "ps", "vecbase", "exccause", "debugcause", "ccount", "prid", "icount",
    "icountlevel", "excvaddr", "ccompare0"))


def dot(address: int) -> str:
    """A label of the instruction at address 0, as GNU as reads it and Capstone 6 writes it."""
    return f". + {address}" if address >= 0 else f". - {-address}"


def text(item: Row, values: tuple[int, ...]) -> str:
    return item.text(values, 0, dot)


def unwitnessed(item: Row, values: tuple[int, ...]) -> str:
    """Why GNU as cannot be asked about this instruction; "" when it can."""
    shown = text(item, values)
    features = item.features
    if MINUS_ZERO in values and not features & {"v6"}:
        return "as 2.40 writes #-0 as #0 in Thumb, and has no label for it"
    if MINUS_ZERO in values and item.name.endswith("_lit"):
        return "no label for #-0"
    if re.match(r"(ld|st)c", item.name) and "p9," in shown:
        return "as takes coprocessor 9 for the half-precision unit and scales offsets by 2"
    if item.name == "mrc2" and "APSR" in shown:
        return "as 2.40 knows APSR_nzcv with mrc only"
    if item.name in ("adds_imm3", "subs_imm3") and values[0] == values[1]:
        return "as takes the form with an 8-bit constant"
    if item.name == "msr_imm" and values[-1] >> 32:
        return "as takes no explicit rotation with msr"
    if item.mnemonic[:4] in ("rsr.", "wsr.", "xsr."):
        name = shown[4:].split()[0]
        known = name in LX106_REGISTERS and (name, shown[0]) not in (
            ("intclear", "r"), ("intclear", "x"), ("interrupt", "x"), ("prid", "w"), ("prid", "x"))
        if not known:
            return "as for the LX106 knows its own special registers, and which may be written"
    return ""


def normal(shown: str) -> str:
    """An Xtensa text without the differences of style: spaces, hexadecimal, names of registers."""
    shown = re.sub(r"0x[0-9a-f]+", lambda found: str(int(found.group(), 16)), shown.lower())
    found = re.fullmatch(r"(rsr|wsr|xsr|rur|wur) (a\d+), (\w+)", shown.strip())
    if found:
        shown = f"{found[1]}.{found[3]} {found[2]}"
    return re.sub(r"\s+", "", shown.replace(". 0", ". +0"))
