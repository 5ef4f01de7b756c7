"""What is done after registers are chosen: real registers, steps that join an access."""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.ssa import tails
from mpy_cross.emitters.ssa.machine import COPY, FIRST_VIRTUAL, Ins, MFunction
from mpy_cross.emitters.ssa.thumb_code import FIXED, put_registers

TESTS: Final = ("cmp", "cmpi", "cmni", "tst", "tsti", "set", "sel")
POST: Final = frozenset(kind + size for kind in ("ldr", "str") for size in ("", "b", "h"))

CALLS: Final = ("call", "item")
KEPT: Final = range(4, 12)
HIGH: Final = range(8, 12)
SHORT_ANYWAY: Final = (COPY, "cmp", "ret")
"""Instructions that are short with any register."""
CAN_SET_FLAGS: Final = frozenset((
    "add", "sub", "and", "orr", "eor", "bic", "rsb", "lsl", "lsr", "asr", "andi", "orri", "eori",
    "bici", "rsbi", "lsli", "lsri", "asri",
))


def peephole(function: MFunction) -> None:
    """Put in the chosen registers, and look for better instructions."""
    _prefer_low(function)
    put_registers(function)
    tails.run(function)
    for block in function.blocks:
        if "addi" in [ins.op for ins in block.code]:
            block.code = _post_index(block.code)
        _test_source(block.code)
        if block.cond in ("eq", "ne", "lt", "ge"):
            _sink_tested(block.code)


def _prefer_low(function: MFunction) -> None:
    """Of the registers that calls preserve the low ones, of short instructions, go to what needs
    them most."""
    chosen = function.registers
    used = set(chosen.values())
    if used.isdisjoint(HIGH):
        return
    wide = [0] * FIRST_VIRTUAL
    found = {**chosen, **FIXED}
    for block in function.blocks:
        for ins in block.code:
            op = ins.op
            if op in SHORT_ANYWAY:
                continue
            if op in CALLS:
                for register in ins.srcs[: ins.shift or 1]:
                    wide[found[register]] += 1
                continue
            for register in ins.dests:
                wide[found[register]] += 1
            for register in ins.srcs:
                wide[found[register]] += 1
    places = [register for register in KEPT
              if register in used and register not in function.fixed]
    new = dict(zip(sorted(places, key=lambda register: -wide[register]), places, strict=True))
    function.registers = {v: new.get(register, register) for v, register in chosen.items()}


def _test_source(code: list[Ins]) -> None:
    """mov r8, r0; cmp r8, #0    ->    mov r8, r0; cmp r0, #0"""
    if len(code) > 1:
        copy, test = code[-2:]
        if test.op == "cmpi" and copy.op == COPY and len(copy.dests) == 1 \
                and copy.dests == test.srcs and copy.srcs[0] < 8 <= copy.dests[0]:
            test.srcs = copy.srcs


def _sink_tested(code: list[Ins]) -> None:
    """ands r1, r3; add r2, #1; cmp r1, #0    ->    add r2, #1; ands r1, r3; cmp r1, #0

    The comparison is then not needed.
    """
    if not code or code[-1].op != "cmpi" or code[-1].imm:
        return
    tested = code[-1].srcs[0]
    written: set[int] = set()
    for i in range(len(code) - 2, -1, -1):
        ins = code[i]
        if ins.dests == [tested]:
            if (ins.op in CAN_SET_FLAGS or ins.op == "addi") and written.isdisjoint(ins.srcs):
                del code[i]
                code.insert(len(code) - 1, ins)
            return
        if tested in ins.srcs or tested in ins.dests or ins.op in TESTS or ins.clobbers:
            return
        written.update(ins.dests)


def _post_index(code: list[Ins]) -> list[Ins]:
    """ldr r0, [r1] ... add r1, #4    ->    ldr r0, [r1], #4"""
    i = 0
    while i < len(code):
        step = code[i]
        i += 1
        if step.op != "addi" or step.dests != step.srcs or not -256 < step.imm < 256:
            continue
        pointer = step.dests[0]
        if i < len(code) and code[i].op == "cmpi" and code[i].srcs[0] == pointer:
            continue  # it sets the flags
        for j in range(i - 2, -1, -1):
            ins = code[j]
            if pointer not in ins.srcs and pointer not in ins.dests \
                    and pointer not in ins.clobbers:
                continue
            if ins.op in POST and not ins.imm and ins.srcs[0] == pointer \
                    and pointer not in ins.dests and ins.srcs.count(pointer) == 1:
                ins.op += "p"
                ins.imm = step.imm
                ins.dests = [*ins.dests, pointer]
                del code[i - 1]
                i -= 1
            break
    return code
