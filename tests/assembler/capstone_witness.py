"""Capstone as a witness of our decoders: which words are instructions, and how they print.

Differences that stay are explained here, each by a rule; everything else is a failure.  The long
run: python -m tests.assembler.capstone_witness [--count 1000000] [SET...]
asks about so many random words (with Capstone 5 thumb16, thumb, arm; with 6 xtensawin, rv32, rv64)
and ends with 1 if there is a difference without a rule.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from mpy_cross.assembler.isa import Row, parse_pattern
from tests.assembler.sets import SETS, Set

ADDRESS = 0x1000


def words(one: str, count: int) -> Iterator[bytes]:
    """The words to ask about: all narrow ones of Thumb, as many random ones of the others."""
    chance = random.Random(one)
    if one == "thumb16":
        for half in range(0xE800):
            yield half.to_bytes(2, "little")
    elif one == "thumb":
        for _ in range(count):
            yield chance.randrange(0xE800, 0x10000).to_bytes(2, "little") + chance.randbytes(2)
    elif one == "arm":
        for _ in range(count):
            yield chance.randbytes(4)
    elif one == "xtensawin":
        for _ in range(count):
            data = chance.randbytes(3)
            yield data[:2] if data[0] & 8 else data
    else:
        for half in chance.sample(range(65536), min(count, 65536)):
            if half & 3 != 3:
                yield half.to_bytes(2, "little")
        opcodes = (0x37, 0x17, 0x6F, 0x67, 0x63, 0x03, 0x23, 0x13, 0x33, 0x0F, 0x73, 0x1B, 0x3B)
        for _ in range(count):
            word = chance.getrandbits(32) & ~0x7F | chance.choice(opcodes)
            if chance.random() < 0.5:  # a funct7 that exists
                word = word & ~(0x7F << 25) | chance.choice((0, 1 << 30, 1 << 25, 1 << 29, 1 << 27))
            yield word.to_bytes(4, "little")


# Mnemonics of Capstone for instructions that our cores do not have.
_OTHER_CORES: dict[str, str] = {
    # ARMv8-M security; the Advanced SIMD unit, fp16 and dot products of application cores.
    "thumb16": r"bxns|blxns",
    "thumb": r"sg|tta?t?|(lda|stl)(ex)?[bh]?|(cdp|ldc|stc|mcrr?|mrrc?)2l?"
             r"|vm(sr|rs)|vmov\.[su]?(8|16)|vmovx.*|vins.*|vdup.*|v(ld|st)r\.16|vl(ld|st)m",
    # Instructions of ARMv6T2, ARMv7 and ARMv8; Advanced SIMD; forms for the supervisor.
    "arm": (r"(movw|movt|[us]bfx|bf[ic]|mls|ldrh?s?[bh]?t|strht|[us]div|sevl|dbg|d[sm]b|isb|rbit"
            r"|pldw|pli|hvc|smc|eret|crc32c?[bhw]|ld[ar]e?x?[bhd]?|st[lr]e?x?[bhd]?|lda\w*|stl\w*"
            r"|hlt|setpan|hint|csdb|esb|mrs|msr|srs\w*|rfe\w*|cps\w*|(ld|st)m(ia|ib|da|db)?"
            r"|rev|yield|nop|wfe|wfi|sev|udf)(eq|ne|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?(\..*)?"
            r"|(cdp|ldc|stc|mcrr?|mrrc?)2l?|vfn?m[as]\w*\..*|vmov\w*\.([su]?(8|16)|f32|f64)"
            r"|vm(sr|rs)\w*|v(max|min)nm.*|vrint.*|vcvt.*|vdup.*|v(ld|st)r\w*\.16|vsel.*"
            r"|vmovx.*|vins.*|(aes|sha)\w+(\..*)?|bfc\w*|subs|fldm\w*|fstm\w*"),
    # The wires of the ESP32-S2 and S3; special registers of other cores.
    "xtensawin": r"(wr_mask|set_bit|clr_bit)_gpio_out|get_gpio_in|ee\..*|rur|wur|rsr|wsr|xsr",
    # Zcb, Zfh, vectors, cryptography, core-V, and hints, all of which this Capstone always decodes.
    "rv32": r"16 (lbu|lhu?|sb|sh|mul|not|andi|lui|zext\.\w|sext\.\w|cmop\.\d+"
            r"|c\.(lui|li|slli|s[lr][la]i64|nop|addi|mv|add|ntl\.\w+))"
            r"|aes\w+|sm[34]\w+|sha\w+|mop\..*|czero\..*|[hs]fence.*|[hs]inval.*|sret|uret|dret"
            r"|cbo\..*|wrs\..*|mnret|ssamoswap.*|hlvx?\..*|hsv\..*",
}
_OTHER_CORES["rv64"] = _OTHER_CORES["rv32"]

# Rows that this Capstone does not decode: extensions that it has no switch for or lacks, gaps.
_GAPS: dict[str, str] = {
    "thumb16": r"udf",  # 0xdef9 is a trap of its own
    "thumb": "",
    "arm": "",
    "xtensawin": r"(beqz|bnez|break|nop|ill)\.n|l32ai|s32ri|[ip]itlb\d?|[pi]?dtlb|r[id]tlb[01]"
                 r"|w[id]tlb|ssa8b|wsr\.mmid|s32nb|[ls]ddr32\.p|rfd[od]|f64\w+|[rw]f64r|read|setb|clrb"
                 r"|wrmsk",
    "rv32": r"sh[123]add(\.uw)?|add\.uw|slli\.uw|cm\..*",
}
_GAPS["rv64"] = _GAPS["rv32"]


@dataclass
class Report:
    """Counts, and the differences that no rule explains."""

    asked: int = 0
    both: int = 0
    unpredictable: Counter[str] = field(default_factory=Counter)
    gaps: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    verdicts: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


def _relaxed(one: Set) -> list[tuple[int, int, int, int, int, Row]]:
    """Our rows: size, mask and match with the "should be" bits open, and with them, row."""
    found = []
    for item in one.table.rows:
        if item.features <= one.features:
            bits = item.pattern.split()
            pattern = " ".join(
                f"z{at}:{len(text) - 2}" if text.startswith("(") else text
                for at, text in enumerate(bits))
            _, mask, match, _ = parse_pattern(pattern)
            _, full, value, _ = parse_pattern(item.pattern)
            found.append((item.size, mask, match, full, value, item))
    return found


def engine_of(name: str) -> Any:
    """Capstone for a set; a text that says why not if the installed version will not do.

    Raises ImportError when there is none.
    """
    capstone = import_module("capstone")
    six = hasattr(capstone, "CS_ARCH_XTENSA")
    if name in ("thumb16", "thumb", "arm"):
        if six:
            return "the rules of style are those of Capstone 5"
        mode = capstone.CS_MODE_ARM if name == "arm" else \
            capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS
        return capstone.Cs(capstone.CS_ARCH_ARM, mode)
    if not six:
        return "Capstone 6 is needed"
    if name == "xtensawin":
        return capstone.Cs(capstone.CS_ARCH_XTENSA, capstone.CS_MODE_XTENSA_ESP32)
    width = capstone.CS_MODE_RISCV32 if name == "rv32" else capstone.CS_MODE_RISCV64
    return capstone.Cs(capstone.CS_ARCH_RISCV, width | capstone.CS_MODE_RISCVC)


def _sized(name: str, data: bytes) -> str:
    """Capstone prints a compressed instruction of RISC-V as the one that it stands for."""
    return "16 " if name in ("rv32", "rv64") and len(data) == 2 else ""


def _of_the_float_unit(item: Row, word: int) -> bool:
    """Is it a coprocessor row, but one of the two coprocessors with rows of their own?"""
    return word >> 8 & 15 in (10, 11) \
        and item.name[:3] in ("cdp", "mcr", "mrc", "mrr", "ldc", "stc")


def _vector(name: str, word: int, operands: str) -> bool:
    """Is it an instruction of Advanced SIMD, or with registers that only the larger units have?"""
    if name not in ("thumb", "arm"):
        return False
    return word >> 24 in ((0xEF, 0xFF, 0xF9) if name == "thumb" else (0xF2, 0xF3, 0xF4)) \
        or re.search(r"\bd(1[6-9]|2\d|3[01])\b", operands) is not None


def compare(name: str, engine: Any, asked: Iterable[bytes]) -> Report:
    """Ask Capstone about words of a set."""
    one = SETS["thumb" if name == "thumb16" else name]
    relaxed = _relaxed(one)
    report = Report()
    normal = NORMAL[name]
    mask = (1 << 64) - 1 if name == "rv64" else (1 << 32) - 1

    def label(address: int) -> str:
        return str(address & mask)

    for data in asked:
        report.asked += 1
        ours = one.table.decode(data, 0, ADDRESS, one.features)
        padded = data + b"\0" if name == "xtensawin" else data
        theirs = next(engine.disasm_lite(padded, ADDRESS), None)
        if theirs is not None and theirs[1] != len(data):
            theirs = None
        if theirs is None:
            if ours is not None:
                mine = one.table.text(ours)
                if re.fullmatch(_GAPS[name], ours.row.name.partition("_")[0]) \
                        or re.fullmatch(_GAPS[name], mine.split()[0]):
                    report.gaps[ours.row.name] += 1
                else:
                    report.verdicts.append(f"only ours: {data.hex()} {mine}")
            continue
        shown = f"{theirs[2]} {theirs[3]}".strip()
        if ours is None:
            word = int.from_bytes(data, "little")
            if one.table.swapped and len(data) == 4:
                word = word >> 16 | (word & 0xFFFF) << 16
            near = next((item for size, mask, match, full, value, item in relaxed
                         if size == len(data) and word & mask == match
                         and (word & full != value or item.values(word) is None)
                         and not _of_the_float_unit(item, word)), None)
            if near is not None:  # a row, but for an operand that its manual forbids
                report.unpredictable[near.name] += 1
            elif re.fullmatch(_OTHER_CORES[name], _sized(name, data) + theirs[2]) \
                    or _vector(name, word, theirs[3]):
                report.others[theirs[2]] += 1
            else:
                report.verdicts.append(f"only theirs: {data.hex()} {shown}")
            continue
        report.both += 1
        mine = one.table.text(ours, label)
        if mine != shown and normal(mine) != normal(shown) \
                and not re.search(EXPLAINED[name], shown):
            report.texts.append(f"{data.hex()}: {mine} but {shown} "
                                f"({normal(mine)} {normal(shown)})")
    return report


_ALIASES = (("sb", "r9"), ("sl", "r10"), ("fp", "r11"), ("ip", "r12"))


def _arm(ahead: int, align: int) -> Callable[[str], str]:
    def normal(text: str) -> str:
        head, _, tail = text.lower().replace("\t", " ").partition(" ")
        head = head.replace(".w", "")
        head = re.sub(r"hs(?=$|\.)", "cs", re.sub(r"lo(?=$|\.)", "cc", head))
        head = re.sub(r"^(ldm|stm)ia", r"\1", head)
        tail = re.sub(r"apsr_nzcv\b", "pc", tail.replace("#", ""))
        if head in ("hint", "nop"):
            head, tail = "nop", tail.strip("{}")
        if head.startswith("it"):
            tail = {"hs": "cs", "lo": "cc"}.get(tail, tail)
        for alias, name in _ALIASES:
            tail = re.sub(rf"\b{alias}\b", name, tail)
        tail = re.sub(r"0x[0-9a-f]+", lambda found: str(int(found[0], 16)), tail)
        tail = re.sub(r"-?\d+\.\d+(e[-+]\d+)?", lambda found: f"{float(found[0]):g}", tail)
        tail = re.sub(r"(?<![\w.])-?\d+\b(?!\.)",
                      lambda found: str(int(found[0]) & 0xFFFFFFFF), tail)

        def absolute(found: re.Match[str]) -> str:
            offset = int(found[1])
            base = (ADDRESS + ahead) & -align
            return str((base + offset) & 0xFFFFFFFF)

        relative = ("tb", "str", "stc", "vstr", *(("pld",) if ahead == 8 else ()))
        if not head.startswith(relative) and "]!" not in tail:
            tail = re.sub(r"\[pc, (\d+)\]$", absolute, tail)
            tail = re.sub(r"\[pc\]$", str((ADDRESS + ahead) & -align), tail)
        if head == "adr" and int(tail.split(", ")[1]) < ADDRESS:
            tail = absolute_adr(tail, (ADDRESS + ahead) & -align)
        for written, register in (("cpsr_s,", "apsr_g,"), ("cpsr_f,", "apsr_nzcvq,"),
                                  ("cpsr_fs,", "apsr_nzcvqg,")):
            tail = tail.replace(written, register)
        tail = tail.replace(", 0]", "]").replace(" ", "")
        shifted = re.fullmatch(r"(.*),(lsl|lsr|asr|ror|rrx)(\w*)", tail)
        if shifted and re.match(r"movs?(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?$", head):
            head = shifted[2] + head[3:]
            tail = f"{shifted[1]},{shifted[3]}".rstrip(",")
        head, tail = _stack(head, tail)
        tail = re.sub(r"\{([sd])(\d+)-\1(\d+)\}", spell_out, tail)
        return f"{head} {tail}"

    return normal


def _stack(head: str, tail: str) -> tuple[str, str]:
    """push and pop for the loads and stores that they are."""
    single = re.fullmatch(r"(\w+),\[sp(,4294967292\]!|\],4)", tail)
    if single:
        for name, stack, end in (("str", "push", "!"), ("ldr", "pop", "4")):
            if head[:3] == name and head[3:4] not in "bhs" and single[2].endswith(end):
                return stack + head[3:], f"{{{single[1]}}}"
    for name, stack in (("vstmdb", "vpush"), ("vldmia", "vpop"), ("stmdb", "push"), ("ldm", "pop")):
        if head.startswith(name) and head[len(name):][:2] not in ("da", "db", "ib") \
                and tail.startswith("sp!,"):
            return stack + head[len(name):], tail[4:]
    return head, tail


def absolute_adr(tail: str, base: int) -> str:
    register, _, offset = tail.partition(", ")
    return f"{register}, {base + int(offset)}"


def spell_out(found: re.Match[str]) -> str:
    names = [f"{found[1]}{number}" for number in range(int(found[2]), int(found[3]) + 1)]
    return "{" + ",".join(names) + "}"


def _xtensa(text: str) -> str:
    """Capstone prints targets as distances, but for l32r."""
    text = re.sub(r"0x[0-9a-f]+", lambda found: str(int(found[0], 16)), text)
    found = re.fullmatch(r"(rsr|wsr|xsr|rur|wur) (a\d+), (\w+)", text)
    if found:
        text = f"{found[1]}.{found[3]} {found[2]}"
    base = 0 if text.startswith("l32r") else ADDRESS

    def target(found: re.Match[str]) -> str:
        distance = int(found[1].replace(" ", ""))
        return str((base + distance) & 0xFFFFFFFF)

    return re.sub(r"\. ([+-]?\d+)", target, text).replace(" ", "")


_PSEUDO = (  # what Capstone prints for special cases, as the plain instruction
    (r"^nop$", "addi zero, zero, 0"), (r"^ret$", "jalr zero, 0(ra)"),
    (r"^li (\w+), (-?\d+)$", r"addi \1, zero, \2"), (r"^mv (\w+), (\w+)$", r"addi \1, \2, 0"),
    (r"^not (\w+), (\w+)$", r"xori \1, \2, -1"), (r"^neg(w?) (\w+), (\w+)$", r"sub\1 \2, zero, \3"),
    (r"^sext\.w (\w+), (\w+)$", r"addiw \1, \2, 0"),
    (r"^zext\.b (\w+), (\w+)$", r"andi \1, \2, 255"),
    (r"^zext\.w (\w+), (\w+)$", r"add.uw \1, \2, zero"),
    (r"^seqz (\w+), (\w+)$", r"sltiu \1, \2, 1"), (r"^snez (\w+), (\w+)$", r"sltu \1, zero, \2"),
    (r"^sltz (\w+), (\w+)$", r"slt \1, \2, zero"), (r"^sgtz (\w+), (\w+)$", r"slt \1, zero, \2"),
    (r"^j (-?\d+)$", r"jal zero, \1"), (r"^jal (-?\d+)$", r"jal ra, \1"),
    (r"^jr (\w+)$", r"jalr zero, 0(\1)"), (r"^jalr (\w+)$", r"jalr ra, 0(\1)"),
    (r"^jalr (\w+), (\w+)$", r"jalr \1, 0(\2)"),
    (r"^jr (-?\d+)\((\w+)\)$", r"jalr zero, \1(\2)"),
    (r"^jalr (-?\d+)\((\w+)\)$", r"jalr ra, \1(\2)"),
    (r"^blez (\w+), (\d+)$", r"bge zero, \1, \2"), (r"^bgtz (\w+), (\d+)$", r"blt zero, \1, \2"),
    (r"^(b\w\w)z (\w+), (\d+)$", r"\1 \2, zero, \3"), (r"^lpad (\d+)$", r"auipc zero, \1"),
    (r"^csrr (\w+), (.+)$", r"csrrs \1, \2, zero"),
    (r"^rd(cycle|time|instret)(h?) (\w+)$", r"csrrs \3, \1\2, zero"),
    (r"^csr([wsc]) (.+), (\w+)$", r"csrr\1 zero, \2, \3"),
    (r"^csr([wsc])i (.+), (\w+)$", r"csrr\1i zero, \2, \3"),
    (r"^fence$", "fence iorw, iorw"), (r"^pause$", "fence w, unknown"),
    (r"^(csrr\w+ \w+), \w+,", r"\1, CSR,"),  # each has names that the other gives as numbers
)


def _riscv(text: str) -> str:
    text = re.sub(r"0x[0-9a-f]+", lambda found: str(int(found[0], 16)), text.lower()).strip()
    text = re.sub(r"(?<!\w)\((\w+)\)", r"0(\1)", text)
    compressed = re.match(r"c\.(\w+)(.*)", text)
    if compressed:
        text = _plain(compressed[1], compressed[2].strip().split(", "))
    for pattern, plain in _PSEUDO:
        text = re.sub(pattern, plain, text)
    return text


def _plain(name: str, operands: list[str]) -> str:
    """The 32-bit instruction that a compressed one stands for."""
    joined = ", ".join(operands)
    if name in ("add", "sub", "xor", "or", "and", "addw", "subw"):
        return f"{name} {operands[0]}, {joined}"
    if name in ("addi", "addiw", "andi", "slli", "srli", "srai", "addi16sp"):
        return f"{name.replace('16sp', '')} {operands[0]}, {joined}"
    if name == "mv":
        return f"add {operands[0]}, zero, {operands[1]}"
    if name == "addi4spn":
        return f"addi {joined}"
    if name in ("lwsp", "swsp", "ldsp", "sdsp"):
        return f"{name[:2]} {joined}"
    return f"{name} {joined}".strip()


def _riscv_moves(text: str) -> str:
    """c.mv is an add, which Capstone prints as mv, as it does addi with 0."""
    return re.sub(r"^add (\w+), zero, (\w+)$", r"addi \1, \2, 0", _riscv(text))


NORMAL: dict[str, Callable[[str], str]] = {
    "thumb16": _arm(4, 4), "thumb": _arm(4, 4), "arm": _arm(8, 1), "xtensawin": _xtensa,
    "rv32": _riscv_moves, "rv64": _riscv_moves,
}

# Texts of Capstone that differ in more than style.
EXPLAINED: dict[str, str] = {
    # Two operands where one register is meant twice; a trap.
    "thumb16": r"^(muls r\d, r\d, r\d|add (\w+), sp, \2|add sp, #|sub sp, #|add sp, \w+|trap)",
    # Coprocessors 8, 9 and 13 are the units of later cores there; a wide adr.
    "thumb": r"^(v\w+(\.\w+)?\.(f16|s8|u8|16|bf16)|v(fm|cm|us|su|do|s\w*dot|u\w*dot)\w*"
             r"|addw \w+, pc)|p(8|9|13)",
    "arm": r"^(v\w+(\.\w+)?\.(f16|s8|u8|16|bf16)|v(fm|cm|us|su|do)\w*)",
    "xtensawin": r"^break\.n",  # movi.n of some constants
    "rv32": r"^prefetch",  # hints of ori with x0
    "rv64": r"^prefetch",
}


def main(arguments: list[str]) -> int:
    count, names = 1_000_000, arguments
    if arguments[:1] == ["--count"]:
        count, names = int(arguments[1]), arguments[2:]
    bad = 0
    for name in names or list(NORMAL):
        engine = engine_of(name)
        if isinstance(engine, str):
            print(f"{name}: {engine}")
            continue
        report = compare(name, engine, words(name, count))
        print(f"{name}: {report.asked} words, {report.both} instructions of both that print alike")
        for title, counts in (("operands that the manual forbids", report.unpredictable),
                              ("not known to Capstone", report.gaps),
                              ("of other cores", report.others)):
            print(f"  {title}: {counts.total()}: "
                  + ", ".join(f"{one} {number}" for one, number in counts.most_common(40)))
        for line in (report.verdicts + report.texts)[:40]:
            print(f"  {line}")
        print(f"  without a rule: {len(report.verdicts) + len(report.texts)}")
        bad += len(report.verdicts) + len(report.texts)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
