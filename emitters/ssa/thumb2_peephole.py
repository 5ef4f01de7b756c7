"""What is done after registers are chosen: real registers, steps that join an access."""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.ssa.machine import COPY, FIRST_VIRTUAL, SLOT, Ins, MFunction

POST: Final = frozenset(kind + size for kind in ("ldr", "str") for size in ("", "b", "h"))


def peephole(function: MFunction) -> None:
    """Put in the chosen registers, and look for better instructions."""
    chosen = function.registers
    for block in function.blocks:
        code: list[Ins] = []
        for ins in block.code:
            ins.dests = [chosen[r] if FIRST_VIRTUAL <= r < SLOT else r for r in ins.dests]
            ins.srcs = [chosen[r] if FIRST_VIRTUAL <= r < SLOT else r for r in ins.srcs]
            if ins.op == COPY and ins.dests == ins.srcs:
                continue
            code.append(ins)
        block.code = _post_index(code)


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
