"""Record afresh what other tools say of our instructions: python -m tests.assembler.oracle [SET...]

Needs on the path, per set: arm-none-eabi-as (thumb, arm), riscv64-unknown-elf-as (rv32, rv64),
xtensa-lx106-elf-as (xtensa, and lx6, for which MPY_XTENSA_LX6 is the path of the ESP32's
configuration as a shared object, see github.com/jcmvbkbc/xtensa-dynconfig); the Python packages
ziglang for its clang (zcmp32, zcmp64, whose instructions as 2.40 lacks) and capstone (thumb16), in
version 6 for xtensawin.  A set whose tool is missing is left as it is.  Each difference is printed
and nothing is written for that set.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module

from mpy_cross.assembler.arm_kinds import CONDITIONS
from mpy_cross.assembler.isa import Row
from mpy_cross.assembler.table import call
from tests.assembler import gnu
from tests.assembler.recorded import FOLDER, Line, normal, text, unwitnessed, write
from tests.assembler.sampling import operand_tuples
from tests.assembler.sets import SETS, Set

# Values tried of each operand; instructions of each row that go into the file.
TRIED, KEPT = 24, 8

Case = tuple[Row, tuple[int, ...]]


def cases(one: Set, wanted: Callable[[Row], bool]) -> list[Case]:
    return [(item, values) for item in one.table.rows
            if item.features <= one.features and wanted(item)
            for values in operand_tuples(item, TRIED)]


def kept(asked: list[Case]) -> set[Case]:
    """The cases that go into the file: some of each row, the first and the last among them."""
    of_row: dict[Row, list[Case]] = {}
    for case in asked:
        of_row.setdefault(case[0], []).append(case)
    return {some[round(number * (len(some) - 1) / (KEPT - 1))]
            for some in of_row.values() for number in range(KEPT)}


def source(one: Set, item: Row, values: tuple[int, ...]) -> str:
    """The text for GNU as, with what it needs around it."""
    shown = text(item, values)
    if item.name == "it":  # the instructions that it makes conditional must follow
        condition = values[0] >> 4
        letters = shown.split()[0][2:]
        for letter in "t" + letters:
            shown += f"\nnop{CONDITIONS[condition if letter == 't' else condition ^ 1]}"
    if one.name in ("rv32", "rv64") and item.size == 4:
        shown = f".option push\n.option norvc\n{shown}\n.option pop"
    return shown


def against_assembler(one: Set, tool: gnu.Gnu, name: str, wanted: Callable[[Row], bool]) -> int:
    """Ask for the bytes of every case; write the file when all agree.  Differences found."""
    asked: list[Case] = []
    left_out: dict[str, int] = {}
    for item, values in cases(one, wanted):
        reason = unwitnessed(item, values)
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
        else:
            asked.append((item, values))
    answers = tool.assemble([source(one, *case) for case in asked])
    choice = kept(asked)
    lines, bad = [], 0
    for (item, values), answer in zip(asked, answers, strict=True):
        ours = item.to_bytes(call(item, values))
        theirs = answer if isinstance(answer, str) else answer[:item.size]
        if theirs != ours:
            bad += 1
            told = theirs if isinstance(theirs, str) else theirs.hex()
            print(f"{name}: {item.name} {values} {text(item, values)}: {ours.hex()}, not {told}")
        elif (item, values) in choice:
            lines.append(Line(item.name, values, ours, text(item, values)))
    heads = [f"{tool.version()}, {' '.join(tool.options)}",
             f"{len(asked)} instructions of {len({item.name for item, _ in asked})} rows asked"]
    heads += [f"left out, {count}: {reason}" for reason, count in left_out.items()]
    print(f"{name}: {heads[1]}, {bad} differ")
    if not bad:
        write(name, heads, lines)
    return bad


# Rows of the LX6 that Capstone's ESP32 mode does not decode, or decodes as another instruction;
# GNU as covers them.
CAPSTONE_GAPS = frozenset((
    "beqz.n", "bnez.n", "ssa8b", "break.n", "nop.n", "ill.n", "l32ai", "s32ri", "ritlb0", "ritlb1",
    "rdtlb0", "rdtlb1", "pitlb", "pdtlb", "witlb", "wdtlb", "iitlb", "idtlb", "movi.n",
    "s32nb", "lddr32.p", "sddr32.p", "rfdo", "rfdd", "f64iter", "f64rnd", "f64norm", "f64sexp",
    "f64cmpl", "f64cmph", "f64addc", "f64subc", "f64sig", "rf64r", "wf64r", "read_impwire",
    "setb_expstate", "clrb_expstate", "wrmsk_expstate"))
# A special register that it does not know.
CAPSTONE_UNKNOWN = "wsr.mmid"


def against_capstone(one: Set) -> int:
    """Ask Capstone 6 for the text of every case of the windowed LX6."""
    capstone = import_module("capstone")
    if not hasattr(capstone, "CS_ARCH_XTENSA"):
        print("xtensawin: capstone 6 is needed, not", capstone.__version__)
        return 0
    engine = capstone.Cs(capstone.CS_ARCH_XTENSA, capstone.CS_MODE_XTENSA_ESP32)
    asked = [(item, values) for item, values in cases(one, lambda item: True)
             if item.name not in CAPSTONE_GAPS
             and not text(item, values).startswith(CAPSTONE_UNKNOWN)]
    choice = kept(asked)
    lines, bad = [], 0
    for item, values in asked:
        data = item.to_bytes(call(item, values))
        found = next(engine.disasm_lite(data + b"\0", 0), None)
        theirs = f"{found[2]} {found[3]}".strip() if found and found[1] == item.size else "nothing"
        if normal(theirs) != normal(text(item, values)):
            bad += 1
            print(f"xtensawin: {item.name} {data.hex()}: {text(item, values)}, not {theirs}")
        elif (item, values) in choice:
            lines.append(Line(item.name, values, data, theirs))
    heads = [f"Capstone {capstone.__version__}, ESP32",
             f"{len(asked)} instructions of {len({item.name for item, _ in asked})} rows asked",
             "not decoded by it: " + " ".join(sorted(CAPSTONE_GAPS))]
    print(f"xtensawin: {heads[1]}, {bad} differ")
    if not bad:
        write("xtensawin", heads, lines)
    return bad


def thumb16_valid() -> None:
    """Write down which halfwords Capstone takes for narrow Thumb instructions."""
    capstone = import_module("capstone")
    engine = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    ranges: list[list[int]] = []
    for half in range(0xE800):
        found = next(engine.disasm_lite(half.to_bytes(2, "little"), 0), None)
        if found is not None:
            if ranges and ranges[-1][1] == half - 1:
                ranges[-1][1] = half
            else:
                ranges.append([half, half])
    text = "".join(f"{low:04x}-{high:04x}\n" for low, high in ranges)
    head = f"# Capstone {capstone.__version__}, Thumb, M class: halfwords that are instructions\n"
    (FOLDER / "thumb16_valid.txt").write_text(head + text, encoding="ascii")
    print(f"thumb16: {len(ranges)} ranges")


def main(arguments: list[str]) -> int:
    def plain(item: Row) -> bool:
        return "zcmp" not in item.features

    def zcmp(item: Row) -> bool:
        return "zcmp" in item.features

    tools: dict[str, tuple[str, gnu.Gnu, Callable[[Row], bool]]] = {
        "thumb": ("thumb", gnu.THUMB, plain), "arm": ("arm", gnu.ARM, plain),
        "rv32": ("rv32", gnu.RV32, plain), "rv64": ("rv64", gnu.RV64, plain),
        "xtensa": ("xtensa", gnu.LX106, plain), "lx6": ("xtensawin", gnu.LX6, plain),
        "zcmp32": ("rv32", gnu.CLANG32, zcmp), "zcmp64": ("rv64", gnu.CLANG64, zcmp),
    }
    bad = 0
    for name in arguments or [*tools, "xtensawin", "thumb16"]:
        if name in ("xtensawin", "thumb16"):
            try:
                if name == "thumb16":
                    thumb16_valid()
                else:
                    bad += against_capstone(SETS[name])
            except ImportError:
                print(f"{name}: the package capstone is missing")
            continue
        which, tool, wanted = tools[name]
        if tool.found():
            bad += against_assembler(SETS[which], tool, name, wanted)
        else:
            print(f"{name}: {' '.join(tool.command)} is missing")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
