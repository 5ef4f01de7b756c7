"""Special and user registers of the LX106 and LX6 by number (Xtensa ISA manual, chapter 5)."""

from __future__ import annotations

from typing import Final

SPECIAL: Final[dict[int, str]] = {
    0: "lbeg", 1: "lend", 2: "lcount", 3: "sar", 4: "br", 5: "litbase", 12: "scompare1",
    16: "acclo", 17: "acchi", 32: "m0", 33: "m1", 34: "m2", 35: "m3", 72: "windowbase",
    73: "windowstart", 96: "ibreakenable", 97: "memctl", 99: "atomctl", 104: "ddr",
    128: "ibreaka0", 129: "ibreaka1",
    144: "dbreaka0", 145: "dbreaka1", 160: "dbreakc0", 161: "dbreakc1", 176: "configid0",
    **{176 + level: f"epc{level}" for level in range(1, 8)}, 192: "depc",
    **{192 + level: f"eps{level}" for level in range(2, 8)}, 208: "configid1",
    **{208 + level: f"excsave{level}" for level in range(1, 8)}, 224: "cpenable",
    226: "interrupt", 227: "intclear", 228: "intenable", 230: "ps", 231: "vecbase",
    232: "exccause", 233: "debugcause", 234: "ccount", 235: "prid", 236: "icount",
    237: "icountlevel", 238: "excvaddr", 240: "ccompare0", 241: "ccompare1", 242: "ccompare2",
    244: "misc0", 245: "misc1", 246: "misc2", 247: "misc3",
}

def _without(*numbers: int) -> dict[int, str]:
    return {number: name for number, name in SPECIAL.items() if number not in numbers}


# Some can only be read, others only be written; the pending interrupts have a name of their own
# for what a write does.
SPECIAL_READ: Final = _without(227)
SPECIAL_WRITE: Final[dict[int, str]] = {**_without(208, 235), 89: "mmid", 226: "intset"}
SPECIAL_EXCHANGE: Final = _without(176, 208, 226, 227, 235)

USER: Final[dict[int, str]] = {230: "expstate", 231: "threadptr", 232: "fcr", 233: "fsr",
                               234: "f64r_lo", 235: "f64r_hi", 236: "f64s"}
