"""How variables become values."""

from __future__ import annotations

from mpy_cross.emitters.ssa.ir import INT, Block, Function
from mpy_cross.emitters.ssa.variables import Variables


def made(*preds: list[int]) -> tuple[Function, list[Block], Variables]:
    """A function of blocks with these predecessors, all known."""
    function = Function("f")
    blocks = [function.new_block() for _ in preds]
    for block, numbers in zip(blocks, preds, strict=True):
        block.preds = [blocks[number] for number in numbers]
    variables = Variables(function)
    variables.closed.update(blocks)
    return function, blocks, variables


def test_a_value_is_found_through_blocks() -> None:
    function, blocks, variables = made([], [0], [1], [2])
    value = function.new_value("const", INT, [], 7, blocks[0])
    variables.write(5, blocks[0], value)
    assert variables.read(5, blocks[3], INT) is value
    assert variables.read(5, blocks[1], INT) is value


def test_where_ways_meet_there_is_a_phi() -> None:
    function, blocks, variables = made([], [0, 2], [1])
    value = function.new_value("const", INT, [], 7, blocks[0])
    other = function.new_value("const", INT, [], 8, blocks[2])
    variables.write(5, blocks[0], value)
    phi = variables.read(5, blocks[1], INT)
    variables.write(5, blocks[2], other)
    variables.finish()
    assert blocks[1].phis == [phi]
    assert phi.args == [value, other]


def test_blocks_in_a_circle_that_nothing_leads_to() -> None:
    """Control never gets there, so that the variable holds whatever it holds."""
    _, blocks, variables = made([], [3], [1], [2])
    value = variables.read(5, blocks[2], INT)
    assert value in blocks[0].values
    assert variables.read(5, blocks[1], INT) is variables.read(5, blocks[3], INT) is value
