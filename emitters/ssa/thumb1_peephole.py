"""What is done after registers are chosen for Thumb-1: steps join accesses, tests move to the end.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.ssa.machine import RELOAD, SLOT, Ins, MFunction
from mpy_cross.emitters.ssa.thumb_code import BY_RESULT, put_registers

SETS_FLAGS: Final = frozenset((
    "add", "addi", "sub", "and", "orr", "eor", "bic", "mul", "lsl", "lsr", "asr", "ror", "lsli",
    "lsri", "asri", "neg", "mvn", "addv", "subv",
))
LOADS: Final = ("ldr", "ldrb", "ldrh")
TESTS: Final = ("cmp", "cmpi", "tst", "sel", "carry", "borrow")


def peephole(function: MFunction) -> None:
    """Put in the chosen registers, and look for better instructions."""
    put_registers(function)
    for block in function.blocks:
        _items_from_frame(block.code)
        block.code = _post_index(block.code)
        _step_first(block.code)
        if block.cond in BY_RESULT:
            _sink_tested(block.code)


def _items_from_frame(code: list[Ins]) -> None:
    """r2 = reload #3; r0 = item r2, r0, r1    ->    r0 = item [3], r0, r1

    The function that reads and writes items takes the table and the type from the frame itself.
    """
    i = 0
    while i < len(code):
        ins = code[i]
        i += 1
        for n in range(ins.shift if ins.op == "item" else 0):
            register = ins.srcs[n]
            for j in range(i - 2, -1, -1):
                if register in code[j].dests or register in code[j].clobbers:
                    if code[j].op == RELOAD:
                        ins.srcs[n] = SLOT + code[j].imm
                        del code[j]
                        i -= 1
                    break


def _post_index(code: list[Ins]) -> list[Ins]:
    """ldr r0, [r1] ... adds r1, #4    ->    ldmia r1!, {r0}"""
    i = 0
    while i < len(code):
        step = code[i]
        i += 1
        if step.op != "addi" or step.dests != step.srcs or step.imm != 4:
            continue
        pointer = step.dests[0]
        if i < len(code) and code[i].op == "cmpi" and code[i].srcs[0] == pointer:
            continue  # it sets the flags
        for j in range(i - 2, -1, -1):
            ins = code[j]
            if pointer not in ins.srcs and pointer not in ins.dests \
                    and pointer not in ins.clobbers:
                continue
            if ins.op in ("ldr", "str") and not ins.imm and ins.srcs[0] == pointer \
                    and pointer not in ins.dests and ins.srcs.count(pointer) == 1:
                ins.op += "p"
                ins.dests = [*ins.dests, pointer]
                del code[i - 1]
                i -= 1
            break
    return code


def _step_first(code: list[Ins]) -> None:
    """subs r4, r6, #4; ldr r4, [r4]; subs r6, #4    ->    subs r6, #4; ldr r4, [r6]"""
    i = 0
    while i + 2 < len(code):
        other, load, step = code[i : i + 3]
        i += 1
        if (
            other.op == step.op == "addi" and other.imm == step.imm
            and step.dests == step.srcs == other.srcs and other.dests != step.dests
            and load.op in LOADS and not load.imm and load.srcs == load.dests == other.dests
        ):
            load.srcs = list(step.dests)
            code[i - 1 : i + 2] = [step, load]


def _sink_tested(code: list[Ins]) -> None:
    """ands r1, r3; adds r2, #1; cmp r1, #0    ->    adds r2, #1; ands r1, r3; cmp r1, #0

    The comparison is then not needed.
    """
    if not code or code[-1].op != "cmpi" or code[-1].imm:
        return
    tested = code[-1].srcs[0]
    written: set[int] = set()
    for i in range(len(code) - 2, -1, -1):
        ins = code[i]
        if ins.dests == [tested]:
            if ins.op in SETS_FLAGS and written.isdisjoint(ins.srcs):
                del code[i]
                code.insert(len(code) - 1, ins)
            return
        if tested in ins.srcs or tested in ins.dests or ins.op in TESTS or ins.clobbers:
            return
        written.update(ins.dests)
