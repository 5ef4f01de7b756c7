"""Records what GNU as and Capstone say of the x86 tables: `python -m tests.assembler.x86_witness`.

Each sample of each row must print as Capstone prints it, and must be what GNU as makes of that
text.  Where one text has several encodings and GNU as takes another one, what it takes must print
as the same text in Capstone.  One line per row is recorded: mode, row, how many samples GNU as
encodes alike and how many otherwise, a digest of all bytes and texts, and the first sample.
"""

from __future__ import annotations

import hashlib
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from mpy_cross.assembler.x86 import TABLE, Row, Value
from mpy_cross.assembler.x86_isa import Form
from tests.assembler.gnu import Gnu
from tests.assembler.x86_samples import samples

RECORD = Path(__file__).parent / "recorded" / "x86.txt"
ADDRESS = 0x100000


def digest(item: Row) -> str:
    """Of the bytes and texts of all samples."""
    total = hashlib.sha256()
    for values in samples(item):
        total.update(item.encode(*values) + b"\n" + shown(item, values).encode() + b"\n")
    return total.hexdigest()[:16]


def shown(item: Row, values: tuple[Value, ...]) -> str:
    """The text of an instruction that stands at ADDRESS."""
    size = len(item.encode(*values))
    end = ""
    for operand, value in zip(item.operands, values, strict=True):
        if operand.form is Form.RELATIVE and isinstance(value, int):
            end = f"{ADDRESS + size + value & (1 << item.mode) - 1:#x}"
    return item.text(values, end)


def read() -> dict[tuple[int, str], list[str]]:
    """The record: (mode, row) to its other fields."""
    found = {}
    for line in RECORD.read_text().splitlines():
        if not line.startswith("#"):
            mode, name, *rest = line.split("\t")
            found[int(mode), name] = rest
    return found


def plain(text: str, bits: int) -> str:
    """A text without the differences of taste: numbers modulo the width, one way to write each."""
    text = re.sub(r"\b(ds|fs|gs|es|cs|ss):(-?(?:0x)?[0-9a-f]+)", r"\1:[\2]", text)
    text = text.replace("ds:[", "[").replace("*1", "").replace("movabs", "mov")
    text = text.replace("fwait", "wait").replace("xmmword ptr ", "").replace("nop.", "nop")
    text = text.replace("fword ptr", "ptr").replace("pushal", "pushad").replace("popal", "popad")
    text = re.sub(r"^(push|pop)f$", r"\1fw", text)
    text = re.sub(r"^(mov [c-gs]s, )(?:[er]?([abcd]x|[sbd][ip])|(r\d+)[dw]?)$", r"\1\2\3", text)
    text = re.sub(r"^((?:movs|cmps|stos|lods|scas)[bwdq]) .*\b[er][sd]i\].*", r"\1", text)
    if text.startswith("xchg ") and "[" not in text:  # the same either way round
        text = "xchg " + ", ".join(sorted(text[5:].split(", ")))
    text = re.sub(r"^(ins[bd]|outs[bd]) .*", r"\1", text)
    text = _float(text)
    if text in ("xchg ax, ax", "xchg eax, eax"):
        text = "nop"
    if text.startswith("rcl "):  # Capstone leaves out a count of 1 with memory
        text = text.removesuffix(", 1")
    mask = (1 << bits) - 1

    def number(found: re.Match[str]) -> str:
        value = int(found.group(2), 0)
        return str((-value if found.group(1) else value) & mask)

    text = re.sub(r"- (0x[0-9a-f]+|\d+)", r"+ -\1", text)
    return re.sub(r"(?<![\w])(-?)(0x[0-9a-f]+|\d+)\b", number, text)


_PREDICATES = ("eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord")


def _float(text: str) -> str:
    """Comparisons with their number; x87 without the st(0) that Capstone leaves out."""
    found = re.match(r"cmp(eq|lt|le|unord|neq|nlt|nle|ord)([ps][sd]) (.*)", text)
    if found:
        text = f"cmp{found[2]} {found[3]}, {_PREDICATES.index(found[1])}"
    text = re.sub(r"^(f\w+) st\(0\), (st\(\d\))$", r"\1 \2", text)
    text = re.sub(r"^(f\w+p) (st\(\d\)), st\(0\)$", r"\1 \2", text)
    text = re.sub(r"^(fu?com)pi\b", r"\1ip", text).replace("xword ptr", "tbyte ptr")
    if text.startswith("comisd "):  # Capstone: an xmmword
        text = text.replace("qword ptr ", "")
    if re.match(r"(f(ldenv|nstenv|rstor|nsave|xsave|xrstor)|x(save|rstor))", text):
        text = re.sub(r" (\w+ )?ptr ", " ", text)
    text = re.sub(r"(\[.*), xmm0$", r"\1", text) if "blendv" in text else text
    return text


def gnu_text(item: Row, values: tuple[Value, ...]) -> str:
    """The text for GNU as, with hints for the encoding."""
    size = len(item.encode(*values))
    label = ""
    hint = ""
    for operand, value in zip(item.operands, values, strict=True):
        if operand.form is Form.RELATIVE and isinstance(value, int):
            label = f".{size + value:+d}"
            hint = "{disp32} " if operand.stored == 32 else ""
    if item.name.split("_")[-1].startswith("rm") and item.digit < 0:
        hint = "{load} "
    text = item.text(values, label)
    if any(operand.form is Form.ADDRESS for operand in item.operands) and item.mode == 64:
        text = text.replace("mov ", "movabs ", 1)
    if item.name == "mov_r64_imm64":
        text = text.replace("mov ", "movabs ", 1)
    return hint + text


def main() -> None:
    capstone = import_module("capstone")

    gnu = {mode: Gnu(("as",), (f"--{mode}",), ".intel_syntax noprefix", "objcopy")
           for mode in (32, 64)}
    lines = [f"# {gnu[32].version()}; Capstone {capstone.__version__}",
             "# mode, row, samples that GNU as encodes alike, otherwise, digest, first sample"]
    failed = 0
    for mode in (32, 64):
        witness = capstone.Cs(capstone.CS_ARCH_X86,
                              capstone.CS_MODE_64 if mode == 64 else capstone.CS_MODE_32)

        def disassemble(code: bytes, cs: Any = witness) -> str:
            for found in cs.disasm(code, ADDRESS, 1):
                return f"{found.mnemonic} {found.op_str}".strip() + f" ; {found.size}"
            return "?"

        rows = TABLE.of_mode(mode).rows
        cases = [(item, values) for item in rows for values in samples(item)]
        made = gnu[mode].assemble([gnu_text(item, values) for item, values in cases])
        refused: dict[str, int] = {}
        counts: dict[str, list[int]] = {item.name: [0, 0] for item in rows}
        for (item, values), other in zip(cases, made, strict=True):
            code = item.encode(*values)
            text = shown(item, values)
            bits = min(max((one.bits for one in item.operands), default=0) or mode, 32)
            if item.mnemonic == "enter":  # Capstone shows the level as a signed byte
                bits = 8
            said = disassemble(code)
            want = f"{plain(text, bits)} ; {len(code)}"
            got = plain(said.rpartition(" ; ")[0], bits) + " ; " + said.rpartition(" ; ")[2]
            problem = "" if want == got else f"Capstone: {said}"
            if isinstance(other, str):
                problem += f" GNU as: {other} for {gnu_text(item, values)}"
            elif other == code.ljust(len(other), b"\0"):
                counts[item.name][0] += 1
            else:
                counts[item.name][1] += 1
                again = disassemble(other).rpartition(" ; ")[0]
                if plain(again, bits) != plain(said.rpartition(" ; ")[0], bits):
                    problem += f" GNU as: {other.hex()} ({again})"
            if problem:
                failed += 1
                refused[item.name] = refused.get(item.name, 0) + 1
                if refused[item.name] < 3:
                    print(mode, item.name, code.hex(), text, "|", problem)
        for item in rows:
            first = next(iter(samples(item)))
            lines.append("\t".join((str(mode), item.name, *map(str, counts[item.name]),
                                    digest(item), item.encode(*first).hex(),
                                    shown(item, first))))
    print(failed, "samples refused")
    if failed:
        sys.exit(1)
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
