"""What holds for every function in SSA form between two passes.

1. The entry has no predecessors and no phis.  Every block has a terminator with the right number of
   arguments and successors; predecessors and successors agree, edge by edge.
2. Each value stands once, in the block that it names, phis before everything else.
3. An operation has as many arguments as it takes; a phi has one for each predecessor.
4. An argument is defined on every way to where it is read: in a block that dominates it, or before
   it in the same block; that of a phi at the end of the predecessor.
5. Only calls (direct ones too), phis, moves to the frame and `ret` take objects; `field` also reads
   from one.  A phi that has one object has only objects, but for words of zero, which stand for
   "nothing".  In a tagged function everything takes objects.
6. Numbers are in their range: shift scales 0 to 2, conditions, frame words below `n_frame`,
   constants 0 to 0xFFFFFFFF.
7. A branch on overflow is about an `addv` or a `subv`.
8. Operations on floats take floats and nothing else does, but phis of floats and `box`.  Floats are
   what they give, phis, and what is loaded or converted.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.ssa.cfg import Flow
from mpy_cross.emitters.ssa.ir import (
    BRANCH,
    CONDITIONS,
    DEAD,
    FLOAT,
    FLOAT_OPERANDS,
    FLOAT_RESULTS,
    JUMP,
    MOST_DIRECT,
    OBJ,
    OPS,
    OVERFLOW,
    RETURN,
    WORD,
    Block,
    Function,
    Value,
)

SHAPES: Final = {JUMP: (0, 1), BRANCH: (2, 2), RETURN: (1, 0), DEAD: (0, 0)}
"""Terminator -> number of arguments, of successors."""
TAKE_OBJECTS: Final = ("call", "direct", "phi", "putframe", "field", "field16", "cast", "eq", "ne",
                       "select", "store32")
MAX_CALL_ARGS: Final = 1 + 4
CALLS: Final = {"call": (1, MAX_CALL_ARGS), "direct": (0, MOST_DIRECT + 1)}
"""Fewest and most arguments."""


def verify(function: Function) -> list[str]:
    """Everything that is wrong, with its place; empty if the function is in order."""
    problems: list[str] = []
    if not function.blocks:
        return ["no blocks"]
    if function.entry.preds or function.entry.phis:
        problems.append("the entry has predecessors or phis")
    _check_edges(function, problems)
    if problems:
        return problems
    place: dict[Value, int] = {}
    for block in function.blocks:
        for i, value in enumerate((*block.phis, *block.values)):
            if value in place:
                problems.append(f"{block}: {value} stands twice")
            if value.block is not block:
                problems.append(f"{block}: {value} says that it is in {value.block}")
            if (value.op == "phi") != (i < len(block.phis)):
                problems.append(f"{block}: {value} is among the wrong values")
            place[value] = i
    flow = Flow(function)
    for block in function.blocks:
        if block not in flow.number:
            problems.append(f"{block}: control never gets here")
            continue
        for value in (*block.phis, *block.values):
            _check_value(function, value, problems)
        _check_places(block, place, flow, problems)
    return problems


def _check_edges(function: Function, problems: list[str]) -> None:
    edges: dict[tuple[Block, Block], int] = {}
    known = set(function.blocks)
    for block in function.blocks:
        if block.term not in SHAPES:
            problems.append(f"{block}: no terminator")
            continue
        shape = (len(block.targs), len(block.succs))
        if shape != SHAPES[block.term]:
            problems.append(f"{block}: {block.term} with {shape[0]} values and {shape[1]} targets")
        if block.term == BRANCH and block.cond not in CONDITIONS:
            if block.cond not in OVERFLOW:
                problems.append(f"{block}: no condition {block.cond}")
            elif block.targs[0].op not in ("addv", "subv"):
                problems.append(f"{block}: {block.cond} of {block.targs[0].op}")
        for following in block.succs:
            if following not in known:
                problems.append(f"{block}: goes to {following}, which is not in the function")
            edges[block, following] = edges.get((block, following), 0) + 1
    for block in function.blocks:
        for pred in block.preds:
            edges[pred, block] = edges.get((pred, block), 0) - 1
    for (pred, block), count in edges.items():
        if count:
            problems.append(f"{block}: {pred} is a predecessor on one side only")


def _check_value(function: Function, value: Value, problems: list[str]) -> None:
    info = OPS[value.op]
    where = f"{value.block}: {value} = {value.op}"
    wanted = len(value.block.preds) if value.op == "phi" else info.n_args
    if wanted not in (-1, len(value.args)):
        problems.append(f"{where} has {len(value.args)} arguments, not {wanted}")
    fewest, most = CALLS.get(value.op, (0, len(value.args)))
    if not fewest <= len(value.args) <= most:
        problems.append(f"{where} has {len(value.args)} arguments")
    if not function.tagged and value.op not in TAKE_OBJECTS and any(
        arg.type == OBJ for arg in value.args
    ):
        problems.append(f"{where} takes no objects")
    if not function.tagged and value.op == "phi" and (value.type == OBJ) != (
        any(arg.type == OBJ for arg in value.args if arg is not value)
    ) and not all(arg.op == "const" for arg in value.args):
        problems.append(f"{where} mixes objects with words")
    _check_floats(value, where, problems)
    if value.op == "const" and not 0 <= value.imm <= WORD:
        problems.append(f"{where} of {value.imm}")
    if value.op == "select" and not 0 <= value.imm < len(CONDITIONS):
        problems.append(f"{where} by condition {value.imm}")
    if value.op.startswith(("loadx", "storex")) and not 0 <= value.imm <= 2:
        problems.append(f"{where} with scale {value.imm}")
    if value.op in ("frame", "putframe", "getframe") and not 0 <= value.imm < function.n_frame:
        problems.append(f"{where} of word {value.imm}; there are {function.n_frame}")


def _check_floats(value: Value, where: str, problems: list[str]) -> None:
    is_float = value.type == FLOAT
    if value.op != "phi" and is_float != (value.op in FLOAT_RESULTS):
        problems.append(f"{where} is {value.type}")
    for i, arg in enumerate(value.args):
        wanted = value.op in FLOAT_OPERANDS or (value.op == "box" and i == 1) or (
            value.op == "phi" and is_float)
        if (arg.type == FLOAT) != wanted:
            problems.append(f"{where} takes {arg}, {arg.type}")


def _check_places(
    block: Block, place: dict[Value, int], flow: Flow, problems: list[str]
) -> None:
    for phi in block.phis:
        for pred, arg in zip(block.preds, phi.args, strict=False):
            if arg not in place:
                problems.append(f"{block}: {phi} reads {arg}, which stands nowhere")
            elif pred in flow.number and not flow.dominates(arg.block, pred):
                problems.append(f"{block}: {phi} reads {arg}, not defined at the end of {pred}")
    for value in (*block.values, None):
        args = block.targs if value is None else value.args
        for arg in args:
            reader = "the terminator" if value is None else str(value)
            if arg not in place:
                problems.append(f"{block}: {reader} reads {arg}, which stands nowhere")
            elif arg.block is block:
                if value is not None and place[arg] >= place[value]:
                    problems.append(f"{block}: {reader} reads {arg} before it is there")
            elif arg.block not in flow.number or not flow.dominates(arg.block, block):
                problems.append(f"{block}: {reader} reads {arg}, not defined on every way")
