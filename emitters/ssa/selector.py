"""What the selection of instructions has in common for all targets.

Values of one block are looked at from the end, so that an operation with a single reader can become
part of the reader.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from mpy_cross.emitters.ssa.cfg import Flow, count_uses
from mpy_cross.emitters.ssa.ir import BRANCH, JUMP, RETURN, Block, Function, Value
from mpy_cross.emitters.ssa.layout import block_order, split_critical_edges
from mpy_cross.emitters.ssa.machine import (
    CONST,
    COPY,
    FIRST_VIRTUAL,
    Convention,
    Ins,
    MBlock,
    MFunction,
)
from mpy_cross.loader.fun_table import SENTINEL


def item_operands(value: Value) -> tuple[list[int], list[Value]]:
    """Of a call marked with `ir.ITEMS`: registers of the table and of the type of bytes, if there
    is one; the object, the index, and what is written, if that is done."""
    table, obj, index, new, *types = value.args
    args = [obj, index] if new.is_const and new.imm == SENTINEL else [obj, index, new]
    return [reg(table), *map(reg, types)], args


class BaseSelector:
    """Selects for one function; a target says what becomes of comparisons and values."""

    __slots__ = ("block", "constants", "depth", "folded", "function", "machine", "out", "uses")

    result: ClassVar[int] = 0
    """The register of what a function returns."""
    convention: Convention
    clobbers: tuple[int, ...]
    """What calls do not keep."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.folded: set[Value] = set()
        """Values that have become part of others."""
        self.out: list[Ins] = []
        """Instructions of the block, the last one first."""
        self.constants: list[tuple[int, Block]] = []
        """Registers that are made to keep numbers, and where."""
        self.block = function.entry

    def compare(self, cond: str, x: Value, y: Value, block: Block) -> str:
        """Set the flags for the branch of a block; the condition that then holds."""
        raise NotImplementedError

    def value(self, value: Value) -> None:
        """Instructions for a value that is not folded."""
        raise NotImplementedError

    def run(self) -> MFunction:
        function = self.function
        split_critical_edges(function)
        flow = Flow(function)
        self.depth = flow.depth
        order = block_order(function, flow)
        self.machine = machine = MFunction(function)
        self.uses = count_uses(function)
        made: dict[Block, MBlock] = {}
        for block in order:
            made[block] = MBlock(block, flow.depth[block])
            machine.blocks.append(made[block])
        for block in order:
            self._one_block(block, made)
        self._drop_unread(made)
        return machine

    def _one_block(self, block: Block, made: dict[Block, MBlock]) -> None:
        mblock = made[block]
        mblock.succs = [made[succ] for succ in block.succs]
        for following in mblock.succs:
            following.preds.append(mblock)
        self.block = block
        self.out = out = []
        if block.term == BRANCH:
            mblock.cond = self.compare(block.cond, block.targs[0], block.targs[1], block)
        elif block.term == RETURN:
            out.append(Ins("ret", [], [self.result]))
            self.fixed([(self.result, block.targs[0])])
        elif block.term == JUMP:
            succ = block.succs[0]
            if succ.phis:
                at = succ.preds.index(block)
                pairs = [(reg(phi), phi.args[at]) for phi in succ.phis]
                self.fixed(pairs)
        for value in reversed(block.values):
            if value not in self.folded:
                self.value(value)
        out.reverse()
        mblock.code = out

    def constant(self, value: Value) -> None:
        """A register with a number, if anything reads that in the end."""
        register = FIRST_VIRTUAL + value.id
        self.constants.append((register, self.block))
        self.out.append(Ins(CONST, [register], [], value.imm))

    def _drop_unread(self, made: dict[Block, MBlock]) -> None:
        """Constants that became immediates are not made."""
        read: list[int] = []
        for mblock in self.machine.blocks:
            for ins in mblock.code:
                read += ins.srcs
        needed = set(read)
        for block in {block for register, block in self.constants if register not in needed}:
            made[block].code = [ins for ins in made[block].code
                                if ins.op != CONST or ins.dests[0] in needed
                                or ins.dests[0] < FIRST_VIRTUAL]

    def fixed(self, pairs: Iterable[tuple[int, Value]]) -> None:
        """Put values into given registers, all at once; constants last."""
        dests: list[int] = []
        srcs: list[int] = []
        for register, value in pairs:
            if value.op == "const":
                self.out.append(Ins(CONST, [register], [], value.imm))
                continue
            source = FIRST_VIRTUAL + value.id
            if source != register:
                dests.append(register)
                srcs.append(source)
        if dests:
            self.out.append(Ins(COPY, dests, srcs))

    def direct(self, value: Value) -> None:
        """A call of a part."""
        convention = self.convention
        if self.uses.get(value):
            self.out.append(Ins(COPY, [reg(value)], [convention.result]))
        n = len(value.args)
        registers = list(convention.words[:n])
        if value.imm & 1:
            registers[n - 1 :] = [convention.environment]
        ins = Ins("direct", [convention.result], registers, value.imm >> 1)
        ins.clobbers = self.clobbers
        self.machine.fixed.update(registers)
        self.out.append(ins)
        self.fixed(zip(registers, value.args, strict=True))

    def livein(self, value: Value) -> None:
        """What the function finds when it is called."""
        register = self.convention.entry(value.imm)
        self.machine.fixed.add(register)
        self.out.append(Ins(COPY, [reg(value)], [register]))

    def single(self, value: Value) -> bool:
        """Whether a value's only reader is being selected, in the same block."""
        return value.block is self.block and self.uses.get(value) == 1

    def fold(self, value: Value) -> None:
        """The value becomes part of what is being selected."""
        self.folded.add(value)

    def emit(
        self, op: str, value: Value | None, srcs: list[Value], imm: int = 0, shift: int = 0,
        cond: str = "",
    ) -> Ins:
        """An instruction before those that the block has so far."""
        registers: list[int] = []
        for source in srcs:
            registers.append(FIRST_VIRTUAL + source.id)
        ins = Ins(op, [] if value is None else [FIRST_VIRTUAL + value.id], registers, imm, shift,
                  cond)
        self.out.append(ins)
        return ins


def reg(value: Value) -> int:
    """The register, still to be chosen, of a value."""
    return FIRST_VIRTUAL + value.id
