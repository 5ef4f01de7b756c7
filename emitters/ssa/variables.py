"""Variables become values: a block that several lead to gets a phi for each variable read in it.

While the operations of a function are read, most blocks do not know all their predecessors yet.
Such a block gets a phi, which `finish` fills; those that turn out to stand for one value are
removed by the pass `phis`.  (M. Braun et al., Simple and Efficient Construction of Static Single
Assignment Form, without its recursion.)
"""

from __future__ import annotations

from typing import final

from mpy_cross.emitters.ssa.ir import INT, Block, Function, Value


@final
class Variables:
    """Which value a variable, a number, has at the end of each block."""

    __slots__ = ("closed", "defs", "function", "pending", "types", "zero")

    def __init__(self, function: Function) -> None:
        self.function = function
        self.defs: dict[Block, dict[int, Value]] = {}
        self.closed: set[Block] = set()
        """Blocks whose predecessors are all known."""
        self.pending: list[tuple[Value, int]] = []
        self.types: dict[int, str] = {}
        self.zero: Value | None = None

    def write(self, variable: int, block: Block, value: Value) -> None:
        self.defs.setdefault(block, {})[variable] = value

    def read(self, variable: int, block: Block, vtype: str) -> Value:
        """The value of a variable at the end of what a block has so far."""
        passed: list[Block] = []
        while True:
            known = self.defs.setdefault(block, {})
            value = known.get(variable)
            if value is not None:
                break
            # Blocks that control never gets to may lead to each other in a circle.
            if block in self.closed and len(block.preds) == 1 \
                    and len(passed) <= self.function.n_blocks:
                passed.append(block)
                block = block.preds[0]
                continue
            if block in self.closed and len(block.preds) < 2:
                value = self._undefined()
            else:
                value = self.function.new_value("phi", vtype, [], 0, block)
                block.phis.append(value)
                self.pending.append((value, variable))
            known[variable] = value
            break
        for block in passed:
            self.defs[block][variable] = value
        return value

    def _undefined(self) -> Value:
        """What a variable holds that nothing was assigned to."""
        if self.zero is None:
            entry = self.function.entry
            self.zero = self.function.new_value("const", INT, [], 0, entry)
            entry.values.insert(0, self.zero)
        return self.zero

    def finish(self) -> None:
        """All predecessors are known: fill the phis."""
        self.closed.update(self.function.blocks)
        while self.pending:
            phi, variable = self.pending.pop()
            phi.args = [self.read(variable, pred, phi.type) for pred in phi.block.preds]
