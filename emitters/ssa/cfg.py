"""Facts about the flow graph: order, dominators, loops."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import final

from mpy_cross.emitters.ssa.ir import JUMP, Block, Function, Value


def order_of(function: Function) -> list[Block]:
    """Reverse post-order of the blocks that control can reach."""
    entry = function.blocks[0]
    seen = {entry}
    out: list[Block] = []
    stack = [entry]
    # Ways out of the blocks on the stack, the next one last.
    ways = [entry.succs[::-1]]
    while stack:
        rest = ways[-1]
        if rest:
            following = rest.pop()
            if following not in seen:
                seen.add(following)
                stack.append(following)
                ways.append(following.succs[::-1])
        else:
            ways.pop()
            out.append(stack.pop())
    out.reverse()
    return out


@final
class Loop:
    """A natural loop: `head` dominates `body`, the `latches` jump back to it."""

    __slots__ = ("body", "head", "latches")

    def __init__(self, head: Block) -> None:
        self.head = head
        self.latches: list[Block] = []
        self.body: set[Block] = {head}

    def entry_edge(self) -> int:
        """Index among the head's predecessors of the only one outside; -1 if there are more."""
        outside = [i for i, block in enumerate(self.head.preds) if block not in self.body]
        return outside[0] if len(outside) == 1 else -1

    def preheader(self) -> Block | None:
        """The block before the loop, if it goes nowhere else."""
        at = self.entry_edge()
        if at < 0 or self.head.preds[at].term != JUMP:
            return None
        return self.head.preds[at]


@final
class Flow:
    """Order, immediate dominators, loops (inner ones first) and loop depths of a function; what
    takes time is found out on first use."""

    __slots__ = ("_depth", "_idom", "_loops", "number", "order")

    def __init__(self, function: Function) -> None:
        self.order = order_of(function)
        self.number = {block: i for i, block in enumerate(self.order)}
        self._idom: dict[Block, Block] | None = None
        self._loops: list[Loop] | None = None if function.has_loops else []
        self._depth: dict[Block, int] | None = None

    @property
    def idom(self) -> dict[Block, Block]:
        """The immediate dominator of each block; the entry has itself."""
        if self._idom is None:
            self._idom = self._dominators()
        return self._idom

    @property
    def loops(self) -> list[Loop]:
        if self._loops is None:
            self._loops = self._find_loops()
        return self._loops

    @property
    def depth(self) -> dict[Block, int]:
        """How many loops each block is in."""
        if self._depth is None:
            self._depth = depth = dict.fromkeys(self.order, 0)
            for loop in self.loops:
                for block in loop.body:
                    depth[block] += 1
        return self._depth

    def _dominators(self) -> dict[Block, Block]:
        number = self.number
        entry = self.order[0]
        idom = {entry: entry}
        changed = True
        while changed:
            changed = False
            for block in self.order[1:]:
                preds = block.preds
                if len(preds) == 1:
                    if idom.get(block) is not preds[0]:
                        idom[block] = preds[0]
                        changed = True
                    continue
                new: Block | None = None
                for pred in preds:
                    if pred not in idom:
                        continue
                    if new is None:
                        new = pred
                        continue
                    a, b = pred, new
                    while a is not b:
                        while number[a] > number[b]:
                            a = idom[a]
                        while number[b] > number[a]:
                            b = idom[b]
                    new = a
                assert new is not None
                if idom.get(block) is not new:
                    idom[block] = new
                    changed = True
        return idom

    def dominates(self, a: Block, b: Block) -> bool:
        """Whether every way to `b` leads through `a`."""
        number, idom = self.number, self.idom
        while number[b] > number[a]:
            b = idom[b]
        return a is b

    def children(self) -> dict[Block, list[Block]]:
        """The dominator tree."""
        tree: dict[Block, list[Block]] = {block: [] for block in self.order}
        idom = self.idom
        for block in self.order[1:]:
            tree[idom[block]].append(block)
        return tree

    def _find_loops(self) -> list[Loop]:
        loops: dict[Block, Loop] = {}
        number = self.number
        for place, block in enumerate(self.order):
            for head in block.succs:
                if number[head] <= place and self.dominates(head, block):
                    loop = loops.setdefault(head, Loop(head))
                    loop.latches.append(block)
                    stack = [block]
                    while stack:
                        member = stack.pop()
                        if member not in loop.body:
                            loop.body.add(member)
                            stack += member.preds
        return sorted(loops.values(), key=lambda loop: (len(loop.body), self.number[loop.head]))


def uses_of(function: Function) -> dict[Value, list[Value | Block]]:
    """Where each value is read: values, and blocks whose terminator reads it."""
    uses: dict[Value, list[Value | Block]] = {}
    for block in function.blocks:
        for value in block.phis:
            for arg in value.args:
                uses.setdefault(arg, []).append(value)
        for value in block.values:
            for arg in value.args:
                uses.setdefault(arg, []).append(value)
        for arg in block.targs:
            uses.setdefault(arg, []).append(block)
    return uses


def count_uses(function: Function) -> dict[Value, int]:
    """How often each value is read."""
    read: list[Value] = []
    for block in function.blocks:
        for value in block.phis:
            read += value.args
        for value in block.values:
            read += value.args
        read += block.targs
    return Counter(read)


def replace_values(function: Function, new: dict[Value, Value]) -> None:
    """Read `new[value]` wherever `value` was read; chains are followed."""
    if not new:
        return

    def final_of(value: Value) -> Value:
        first = value
        while value in new:
            value = new[value]
        while first is not value:  # shorter the next time
            new[first], first = value, new[first]
        return value

    replaced = new.keys()
    for block in function.blocks:
        for values in (block.phis, block.values):
            for value in values:
                args = value.args
                if args and not replaced.isdisjoint(args):
                    for i, arg in enumerate(args):
                        if arg in new:
                            args[i] = final_of(arg)
        for i, arg in enumerate(block.targs):
            if arg in new:
                block.targs[i] = final_of(arg)


def renumber(function: Function) -> None:
    """Numbers of values without gaps, in the same order: sets of registers take less room."""
    values: list[Value] = []
    for block in function.blocks:
        values += block.phis
        values += block.values
    values.sort(key=attrgetter("id"))
    for number, value in enumerate(values):
        value.id = number
    function.n_values = len(values)


def remove_edge(block: Block, to: Block) -> None:
    """Control no longer goes from one block to the other: drop one predecessor and its values."""
    at = to.preds.index(block)
    del to.preds[at]
    for phi in to.phis:
        del phi.args[at]


def prune(function: Function) -> None:
    """Remove blocks that control cannot reach."""
    reached = set(order_of(function))
    if len(reached) == len(function.blocks):
        return
    for block in function.blocks:
        if block not in reached:
            for following in block.succs:
                if following in reached:
                    remove_edge(block, following)
    function.blocks = [block for block in function.blocks if block in reached]
