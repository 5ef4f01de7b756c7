"""Random bytes: our decoder of x86 against Capstone 5: python -m tests.assembler.x86_sweep [COUNT]

Both must find instructions of the same size and text, but for the differences that have a rule
here.  Ends with 1 if there are others.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from mpy_cross.assembler.x86 import TABLE
from mpy_cross.assembler.x86_table import InstructionSet
from tests.assembler.x86_witness import ADDRESS, plain

_PREFIXES = frozenset((0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3))

# What the tables leave out, by Capstone's text, with the reason.
RULES = (
    ("for the supervisor",
     r"mov .*\b[cd]r\d+.*|cli|sti|hlt|clts|rdmsr|wrmsr|rsm|invd|wb(no)?invd|sys(exit|ret)q?|getsec"
     r"|iret[dq]?|[ls][gi]dt .*|[ls]ldt .*|ltr .*|str .*|[ls]msw .*|inv(lpg|pcid|ept|vpid)\w*.*"
     r"|swapgs|vm\w+.*|xsaves(64)? .*|xrstors(64)? .*|clac|stac|skinit.*|clgi|stgi|mwait\w*"
     r"|monitor\w*|encl[suv]|xsetbv|rd[su]sp\w*.*|saveprevssp|rstorssp.*|setssbsy|clrssbsy.*"
     r"|wr[su]ss\w*.*|incssp\w*.*|pconfig|rdpru|clzero|psmash|pvalidate|rmp\w+|l(call|jmp) .*"),
    ("another way to encode it",
     r"set\w+ .*|sal .*|test .*|ffreep .*|fstpnce .*|nop .*|fxch .*|fcomp? .*|fstp .*"
     r"|(add|or|adc|sbb|and|sub|xor|cmp) (byte .*|[a-d][lh], .*)|prefetch\w* .*|[lms]fence"),
    ("without a defined result",
     r"bswap \w+|ud[01].*|salc|f(set|n?set)pm|fn?(eni|disi)\w*|f\w+_nop"),
    ("extensions",
     r"v\w+( .*)?|bnd\w+ .*|femms|pf\w+ .*|pi2f[wd] .*|movnts[sd] .*|(insert|extr)q .*|ptwrite.*"
     r"|x(abort|begin|end|test).*|movdir\w+ .*|cldemote .*|gf2p8\w+ .*|wrpkru|rdpkru|syscall"
     r"|enqcmds? .*|tpause.*|umwait.*|umonitor.*|fwait|hreset.*|serialize|pmulhrw .*|pavgusb .*"
     r"|pswapd .*|[ls]lwpcb.*|bl\w+ .*|t1mskc .*|tzmsk .*|k\w+ .*|lwp\w+.*|x(store|crypt)\w*"
     r"|montmul|xsha\w+"),
)
# Texts that differ: riz is an index that is none; the hint not to track; the level of enter.
TEXTS = r"riz|eiz|notrack|xacquire|xrelease|^enter|^ptwrite|^clrssbsy|\b[cs]s:\[|^nop"


@dataclass
class Report:
    asked: int = 0
    both: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def engine(mode: int) -> Any:
    """Capstone 5 or later; raises ImportError."""
    capstone = import_module("capstone")
    return capstone.Cs(capstone.CS_ARCH_X86,
                       capstone.CS_MODE_64 if mode == 64 else capstone.CS_MODE_32)


def _code(chance: random.Random) -> bytes:
    code = bytearray(chance.randbytes(15))
    kind = chance.random()
    if kind < 0.25:
        code[0] = 0x0F
    elif kind < 0.5:
        code[:2] = (chance.choice((0x66, 0xF2, 0xF3)), 0x0F)
        if kind > 0.45:
            code[2] = chance.choice((0x38, 0x3A))
    elif kind < 0.6:
        code[0] = chance.randrange(0xD8, 0xE0)
    return bytes(code)


def _without_prefix(isa: InstructionSet, code: bytes, mnemonic: str) -> bool:
    """Is it an instruction of ours behind prefixes that do nothing there?"""
    for at in range(1, 8):
        if code[at - 1] not in _PREFIXES and not (isa.mode == 64 and code[at - 1] & 0xF0 == 0x40):
            return False
        found = isa.decode(code[at:], 0, ADDRESS)
        if found is not None and (found.row.mnemonic == mnemonic or found.row.digit >= 0
                                  or {code[0], code[1]} & {0x66, 0x67}):
            return True
    return False


def sweep(mode: int, count: int) -> Report:
    isa, capstone = TABLE.of_mode(mode), engine(mode)
    chance = random.Random(mode)
    report = Report()
    for _ in range(count):
        code = _code(chance)
        report.asked += 1
        found = next(capstone.disasm_lite(code, ADDRESS), None)
        ours = isa.decode(code, 0, ADDRESS)
        if found is None:
            if ours is not None:
                # Prefixes before an instruction where they mean nothing, or another instruction.
                rule = "repeat prefix" if ours.prefix.startswith("rep") else ""
                if rule:
                    report.rules[rule] += 1
                else:
                    report.problems.append(f"only ours: {code[:ours.size].hex()} {isa.text(ours)}")
            continue
        shown = f"{found[2]} {found[3]}".strip()
        if ours is None:
            bare = re.sub(r"^(repn?[ez]?|bnd|lock|xacquire|xrelease|notrack) ", "", shown)
            rule = next((name for name, one in RULES if re.fullmatch(one, bare)), "")
            if not rule and "lock " in shown:
                rule = "lock without a destination in memory"
            if not rule and _without_prefix(isa, code, found[2].split()[-1].replace("movabs",
                                                                                    "mov")):
                rule = "prefix that does nothing"
            if rule:
                report.rules[rule] += 1
            else:
                report.problems.append(f"only theirs: {code[:found[1]].hex()} {shown}")
            continue
        bits = min(max((one.bits for one in ours.row.operands), default=0) or mode, 32)
        if ours.row.mnemonic == "xchg":  # either way round
            mine = theirs = "xchg"
        else:
            mine, theirs = (plain(re.sub(r"^((repn?[ez]?|bnd|lock) )+", "", text), bits)
                            for text in (isa.text(ours, hex), shown))
        if ours.size == found[1] and mine == theirs:
            report.both += 1
        elif ours.size == found[1] and re.search(TEXTS, shown):
            report.rules["style"] += 1
        else:
            report.problems.append(f"{code[:found[1]].hex()}: {mine} but {theirs}")
    return report


def main(arguments: list[str]) -> int:
    bad = 0
    for mode in (32, 64):
        report = sweep(mode, int(arguments[0]) if arguments else 1_000_000)
        print(f"x86 with {mode} bits: {report.asked} asked, {report.both} alike, "
              + ", ".join(f"{name} {number}" for name, number in report.rules.most_common()))
        for line in report.problems[:60]:
            print(f"  {line}")
        print(f"  without a rule: {len(report.problems)}")
        bad += len(report.problems)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
