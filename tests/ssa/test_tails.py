"""Instructions that move before a branch, and ends of blocks that are joined."""

from __future__ import annotations

from mpy_cross.emitters.ssa import tails
from mpy_cross.emitters.ssa.ir import Function
from mpy_cross.emitters.ssa.machine import CONST, COPY, Ins, MBlock, MFunction


def function(n: int) -> tuple[MFunction, list[MBlock]]:
    """A function of empty blocks."""
    source = Function("f")
    machine = MFunction(source)
    machine.blocks = [MBlock(source.new_block(), 0) for _ in range(n)]
    return machine, list(machine.blocks)


def edge(block: MBlock, *succs: MBlock) -> None:
    block.succs = list(succs)
    for succ in succs:
        succ.preds.append(block)


def diamond() -> tuple[MFunction, list[MBlock]]:
    machine, blocks = function(4)
    top, one, other, end = blocks
    top.cond = "eq"
    edge(top, one, other)
    edge(one, end)
    edge(other, end)
    end.code = [Ins("ret", [], [0])]
    return machine, blocks


def test_what_both_ways_begin_with_moves_before_the_comparison() -> None:
    machine, (top, one, other, _) = diamond()
    top.code = [Ins("and", [1], [5, 6]), Ins("cmpi", [], [1])]
    one.code = [Ins(CONST, [7], [], 1), Ins(COPY, [0], [5])]
    other.code = [Ins(CONST, [7], [], 1), Ins(COPY, [0], [6])]
    tails.run(machine)
    assert [ins.op for ins in top.code] == [CONST, "and", "cmpi"]
    assert [len(one.code), len(other.code)] == [1, 1]


def test_what_the_comparison_needs_stays() -> None:
    for test in (Ins("cmpi", [], [7]), Ins("cmp", [], [1, 7])):
        machine, (top, one, other, _) = diamond()
        top.code = [test]
        one.code = [Ins(CONST, [7], [], 1), Ins(COPY, [0], [5])]
        other.code = [Ins(CONST, [7], [], 1), Ins(COPY, [0], [6])]
        tails.run(machine)
        assert top.code == [test]


def test_nothing_moves_before_a_call() -> None:
    machine, (top, one, other, _) = diamond()
    call = Ins("call", [0], [4, 0])
    call.clobbers = (0, 1, 2, 3)
    top.code = [call, Ins("cmpi", [], [0])]
    one.code = [Ins(CONST, [2], [], 0), Ins(COPY, [5], [0])]
    other.code = [Ins(CONST, [2], [], 0)]
    tails.run(machine)
    assert [ins.op for ins in top.code] == ["call", CONST, "cmpi"]


def test_equal_ends_are_there_once() -> None:
    machine, (top, one, other, end) = diamond()
    top.code = [Ins("cmpi", [], [1])]
    for block, register in ((one, 5), (other, 6)):
        block.code = [Ins(CONST, [2], [], register), Ins("add", [1], [1, 2]), Ins(COPY, [0], [1])]
    tails.run(machine)
    assert [len(one.code), len(other.code)] == [1, 1]
    assert one.succs == other.succs
    tail = one.succs[0]
    assert [ins.op for ins in tail.code] == ["add", COPY]
    assert tail.succs == [end] and end.preds == [tail]
    at = machine.blocks.index(tail)
    assert machine.blocks[at - 1] is other and machine.blocks[at + 1] is end


def test_what_reads_flags_is_not_parted_from_what_sets_them() -> None:
    machine, (_, one, other, _) = diamond()
    for block, number in ((one, 3), (other, 4)):
        block.code = [Ins("cmpi", [], [1], number), Ins("set", [0], [], cond="eq")]
    tails.run(machine)
    assert [len(one.code), len(other.code)] == [2, 2]
