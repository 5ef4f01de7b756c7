"""What is done to instructions once registers are chosen: before and after, by hand."""

from __future__ import annotations

import pytest

from mpy_cross.emitters.ssa import thumb1_peephole, thumb2_peephole
from mpy_cross.emitters.ssa.machine import COPY, Ins
from mpy_cross.emitters.ssa.rotate import rotate
from mpy_cross.loader.ops import Op, Verb
from tests.ssa.test_tails import edge, function


def after(peephole: object, code: list[Ins], cond: str = "") -> list[str]:
    """The text of a block's instructions afterwards."""
    assert callable(peephole)
    machine, (block, one, other) = function(3)
    block.code = code
    block.cond = cond
    edge(block, one, *([other] if cond else []))
    peephole(machine)
    return [str(ins) for ins in block.code]


def test_a_step_joins_the_access_before_it() -> None:
    code = [Ins("ldrh", [0], [1]), Ins("add", [2], [2, 0]), Ins("addi", [1], [1], 2)]
    assert after(thumb2_peephole.peephole, code) == ["r0, r1 = ldrhp r1, #2", "r2 = add r2, r0"]
    code = [Ins("str", [], [1, 0]), Ins("addi", [1], [1], 4)]
    assert after(thumb1_peephole.peephole, code) == ["r1 = strp r1, r0"]


@pytest.mark.parametrize("between", [
    Ins("ldrb", [3], [1], 4), Ins("add", [3], [3, 1]), Ins("mul", [1], [1, 3])], ids=str)
def test_a_step_stays_behind_what_reads_the_pointer(between: Ins) -> None:
    code = [Ins("ldr", [0], [1]), between, Ins("addi", [1], [1], 4)]
    wanted = [str(ins) for ins in code]
    assert after(thumb2_peephole.peephole, code) == wanted


def test_a_step_of_what_is_loaded_or_stored_stays() -> None:
    for code in ([Ins("ldr", [1], [1]), Ins("addi", [1], [1], 4)],
                 [Ins("str", [], [1, 1]), Ins("addi", [1], [1], 4)],
                 [Ins("ldr", [0], [1]), Ins("addi", [1], [1], 256)]):
        wanted = [str(ins) for ins in code]
        assert after(thumb2_peephole.peephole, code) == wanted
    # With Thumb-1 only words move their pointer on.
    code = [Ins("ldrb", [0], [1]), Ins("addi", [1], [1], 1)]
    assert after(thumb1_peephole.peephole, code) == ["r0 = ldrb r1", "r1 = addi r1, #1"]


@pytest.mark.parametrize("peephole", [thumb1_peephole.peephole, thumb2_peephole.peephole])
def test_what_is_tested_is_calculated_last(peephole: object) -> None:
    code = [Ins("and", [1], [1, 3]), Ins("addi", [2], [2], 1), Ins("cmpi", [], [1])]
    assert after(peephole, code, "ne") == ["r2 = addi r2, #1", "r1 = and r1, r3", "cmpi r1"]
    # Not behind what changes its operands.
    code = [Ins("and", [1], [1, 3]), Ins("addi", [3], [3], 1), Ins("cmpi", [], [1])]
    assert after(peephole, code, "ne") == ["r1 = and r1, r3", "r3 = addi r3, #1", "cmpi r1"]


def test_a_pointer_that_is_less_by_the_step() -> None:
    code = [Ins("addi", [4], [6], -4), Ins("ldr", [4], [4]), Ins("addi", [6], [6], -4)]
    assert after(thumb1_peephole.peephole, code) == ["r6 = addi r6, #-4", "r4 = ldr r6"]


def test_of_a_copy_the_low_register_is_tested() -> None:
    code = [Ins(COPY, [8], [0]), Ins("add", [8], [8, 1]), Ins(COPY, [9], [1]), Ins("cmpi", [], [9])]
    assert after(thumb2_peephole.peephole, code, "eq")[-1] == "cmpi r1"


def test_low_registers_for_what_needs_them() -> None:
    """Of r4 and r8 the one with more instructions that are short with low registers is r4."""
    code = [Ins("add", [40], [40, 0]), Ins("sub", [40], [40, 0]), Ins("mul", [41], [41, 0])]
    machine, (block, one, _) = function(3)
    block.code = code
    edge(block, one)
    machine.registers = {40: 8, 41: 4}
    thumb2_peephole.peephole(machine)
    assert [ins.dests for ins in block.code] == [[4], [4], [8]]


def test_a_copy_there_and_back_is_none() -> None:
    code = [Ins(COPY, [5], [0]), Ins(COPY, [0], [5]), Ins(COPY, [3], [3])]
    assert after(thumb2_peephole.peephole, code) == ["r5 = copy r0"]


# ---------------------------------------------------------------------------------- rotated loops


def op(verb: Verb, a: int = 0, b: int = 0) -> Op:
    return (int(verb), a, b)


LOOP = [
    op(Verb.JUMP, 1), op(Verb.LABEL, 0), op(Verb.LOAD_FAST, 5), op(Verb.STORE_FAST, 6),
    op(Verb.LABEL, 1), op(Verb.LOAD_FAST, 7), op(Verb.POP_JUMP_IF, 0, 1), op(Verb.LOAD_FAST, 9),
]


def test_the_test_of_a_loop_stands_before_it_as_well() -> None:
    test = LOOP[5:7]
    assert rotate(LOOP, 10) == [
        *test, op(Verb.JUMP, 10), *LOOP[1:7], op(Verb.LABEL, 10), LOOP[7]]


def test_labels_within_a_test_are_new_in_its_copy() -> None:
    inner = [op(Verb.LOAD_FAST, 7), op(Verb.POP_JUMP_IF, 2, 0), op(Verb.LOAD_FAST, 8),
             op(Verb.POP_JUMP_IF, 0, 1), op(Verb.LABEL, 2)]
    ops = [*LOOP[:5], *inner, op(Verb.LOAD_FAST, 7), op(Verb.POP_JUMP_IF, 0, 1)]
    copied = rotate(ops, 10)[: len(inner) + 2]
    assert copied[1] == op(Verb.POP_JUMP_IF, 11, 0) and copied[4] == op(Verb.LABEL, 11)
    assert copied[3] == op(Verb.POP_JUMP_IF, 0, 1)


@pytest.mark.parametrize("changed", [
    [op(Verb.STORE_FAST, 7)], [op(Verb.RETURN_VALUE)], [op(Verb.YIELD_VALUE)],
    [op(Verb.LOAD_FAST, 1)] * 40])
def test_loops_that_stay(changed: list[Op]) -> None:
    ops = [*LOOP[:5], *changed, *LOOP[5:]]
    assert rotate(ops, 10) == ops
