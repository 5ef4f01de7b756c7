"""Instructions on floats of single precision as bytes, and moves between registers of both kinds.

Numbers of registers are those of `thumb2_float`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mpy_cross.assembler.thumb import TABLE
from mpy_cross.emitters.native.buffer import encoder
from mpy_cross.emitters.ssa import thumb2_encode as enc
from mpy_cross.emitters.ssa.machine import Ins
from mpy_cross.emitters.ssa.thumb2_float import S0

IP: Final = 12
FARTHEST: Final = 1020
"""Bytes of a displacement."""
VMOV: Final = encoder(TABLE["vmov.f32"])
TO_FLOAT: Final = encoder(TABLE["vmov_to_s"])
FROM_FLOAT: Final = encoder(TABLE["vmov_from_s"])
VLDR: Final = encoder(TABLE["vldr_32"])
VSTR: Final = encoder(TABLE["vstr_32"])
VMOV_IMM: Final = encoder(TABLE["vmov.f32_imm"])
VCMP: Final = encoder(TABLE["vcmp.f32"])
VCMP_ZERO: Final = encoder(TABLE["vcmp.f32_zero"])
VCVT: Final = encoder(TABLE["vcvt.f32.s32"])
VNEG: Final = encoder(TABLE["vneg.f32"])
VMRS: Final = TABLE["vmrs"].to_bytes(TABLE["vmrs"].word(15))
"""The flags of the comparison become those that branches ask for."""
THREE: Final = {f"v{name}": encoder(TABLE[f"v{name}.f32"]) for name in ("add", "sub", "mul", "div")}


def move(d: int, s: int) -> bytes:
    """d = s"""
    if d >= S0:
        return VMOV(d - S0, s - S0) if s >= S0 else TO_FLOAT(d - S0, s)
    return FROM_FLOAT(d, s - S0) if s >= S0 else enc.MOV(d, s)


def load(d: int, offset: int) -> bytes:
    """A word of the frame."""
    if d < S0:
        return enc.frame_load(d, offset)
    if offset <= FARTHEST:
        return VLDR(d - S0, enc.SP, offset)
    return enc.frame_load(IP, offset) + TO_FLOAT(d - S0, IP)


def store(s: int, offset: int) -> bytes:
    """The same the other way."""
    if s < S0:
        return enc.frame_store(s, offset)
    if offset <= FARTHEST:
        return VSTR(s - S0, enc.SP, offset)
    return FROM_FLOAT(IP, s - S0) + enc.frame_store(IP, offset)


def _three(ins: Ins) -> bytes:
    return THREE[ins.op](ins.dests[0] - S0, ins.srcs[0] - S0, ins.srcs[1] - S0)


def _compare(ins: Ins) -> bytes:
    return VCMP(ins.srcs[0] - S0, ins.srcs[1] - S0) + VMRS


def _convert(ins: Ins) -> bytes:
    d = ins.dests[0] - S0
    return TO_FLOAT(d, ins.srcs[0]) + VCVT(d, d)


FLOAT_CODE: Final[dict[str, Callable[[Ins], bytes]]] = {
    **dict.fromkeys(THREE, _three),
    "vneg": lambda ins: VNEG(ins.dests[0] - S0, ins.srcs[0] - S0),
    "vimm": lambda ins: VMOV_IMM(ins.dests[0] - S0, ins.imm),
    "vldr": lambda ins: VLDR(ins.dests[0] - S0, ins.srcs[0], ins.imm),
    "vmov": lambda ins: TO_FLOAT(ins.dests[0] - S0, ins.srcs[0]),
    "vget": lambda ins: FROM_FLOAT(ins.dests[0], ins.srcs[0] - S0),
    "vcmp": _compare,
    "vcmpz": lambda ins: VCMP_ZERO(ins.srcs[0] - S0) + VMRS,
    "vcvt": _convert,
}
