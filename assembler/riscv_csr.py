"""Control and status registers of RISC-V by number (privileged manual, chapter 2)."""

from __future__ import annotations

from typing import Final

CSRS: Final[dict[int, str]] = {
    0xC00: "cycle", 0xC01: "time", 0xC02: "instret", 0xC80: "cycleh", 0xC81: "timeh",
    0xC82: "instreth", 0x300: "mstatus", 0x301: "misa", 0x302: "medeleg", 0x303: "mideleg",
    0x304: "mie", 0x305: "mtvec", 0x306: "mcounteren", 0x320: "mcountinhibit", 0x340: "mscratch",
    0x341: "mepc", 0x342: "mcause", 0x343: "mtval", 0x344: "mip", 0x3A0: "pmpcfg0",
    0x3A1: "pmpcfg1", 0x3A2: "pmpcfg2", 0x3A3: "pmpcfg3",
    **{0x3B0 + number: f"pmpaddr{number}" for number in range(16)},
    0x7A0: "tselect", 0x7A1: "tdata1", 0x7A2: "tdata2", 0x7A3: "tdata3", 0x7B0: "dcsr",
    0x7B1: "dpc", 0xB00: "mcycle", 0xB02: "minstret", 0xB80: "mcycleh", 0xB82: "minstreth",
    0xF11: "mvendorid", 0xF12: "marchid", 0xF13: "mimpid", 0xF14: "mhartid",
}
