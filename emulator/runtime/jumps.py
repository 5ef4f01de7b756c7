"""Jumps of a translated function: which blocks they skip, how they leave loops and handlers.

A block that a jump may skip is guarded by `if pc· <= its rank`; jumping forward sets `pc·` to the
rank of the target.  A jump out of a loop breaks out of it; out of several, the loops around look at
`pc·` to see whether they are left too, and -1 - rank means back to the head of an outer loop.
"""

from __future__ import annotations

from mpy_cross.emulator.runtime.flow import (
    RETURN_OUTCOME,
    Block,
    Flow,
    FlowError,
    Loop,
    Region,
    RegionKind,
)
from mpy_cross.emulator.runtime.function_text import DOT, PC, RESULT
from mpy_cross.emulator.runtime.operations import OperationText
from mpy_cross.loader.objects import ConstValue
from mpy_cross.loader.ops import FunctionOps, Verb

_V = Verb


class JumpText(OperationText):
    """Writes how one block goes on to another."""

    def __init__(
        self,
        function: FunctionOps,
        names: list[bytes],
        consts: list[ConstValue],
        n_closed: int,
        bitmap: bool,
        named_locals: bool,
    ) -> None:
        super().__init__(function, names, consts, n_closed, named_locals, bitmap)
        self.flow = Flow(function, names, bitmap)
        self.flat = False
        """Blocks are told apart by `pc·` alone: without loops and protected regions in the text."""
        self.loops: list[Loop] = []
        """The loops around what is being written, outermost first."""
        self.guarded = self._guarded()
        """Ranks of the blocks that some jump skips."""
        self.uses_pc = bool(self.guarded)
        self.reraised = self._reraised()
        """Numbers of the regions whose handlers have a bare `raise`."""
        self.refusing: set[int] = set()
        """Regions, by number, that raise the MemoryError which the loop around them came by."""
        self.open: set[int] = set()
        """Numbers of the regions being written."""

    def _active(self, block: Block) -> int:
        """The region in whose handler the end of the block stands, or -1."""
        position = block.position + len(block.ops)
        for number in reversed(block.exc_stack):
            if self.flow.regions[number].handler <= position:
                return number
        return -1

    def _reraised(self) -> set[int]:
        found = {
            self._active(block)
            for block in self.flow.order
            if block.last is not None and block.last[:2] == (_V.RAISE, 0)
        }
        return found - {-1}

    def _guarded(self) -> set[int]:
        """Ranks of the blocks that some jump skips."""
        out: set[int] = set()
        order = self.flow.order
        for block in order:
            for target in self.flow.jumps(block):
                out.update(self._skipped(block.rank, target))
            for region in self.flow.enclosing(block.position + len(block.ops)):
                if region.kind != RegionKind.EXCEPT:
                    handler = self.flow.blocks[region.handler_block].rank
                    out.update(self._skipped(block.rank, handler))
        for region in self.flow.regions:
            span = self.flow.span(region)
            handler = self.flow.blocks[region.handler_block].rank
            if span is not None and handler >= 0:
                out.update(self._skipped(span[1], handler))
        return out

    def _skipped(self, source: int, target: int) -> range:
        """The ranks that a jump skips while it stays in a loop; from others it breaks out."""
        first = source + 1
        for loop in self.flow.loops:
            if loop.first <= source <= loop.last and not loop.first <= target <= loop.last:
                first = max(first, loop.last + 1)
        return range(first, target)

    def _again(self, loop: Loop) -> None:
        """The end of a loop's body, where it starts over."""
        if any(rank in self.guarded for rank in range(loop.first, loop.last + 1)):
            pad = "    " * self.indent
            if self.lines[-1] != f"{pad}continue":
                self.put(f"{PC} = 0")

    def _after_loop(self, loop: Loop) -> None:
        """Go on with a jump that left this loop for a place outside the next one too."""
        if not self.loops:
            return
        outer = self.loops[-1]
        if any(
            target > outer.last
            for rank in range(loop.first, loop.last + 1)
            for target in self._targets(self.flow.order[rank])
        ):
            self.uses_pc = True
            self.put(f"if {PC} > {outer.last}: break")
        if any(
            target <= outer.first or self._is_head_of_outer(target)
            for rank in range(loop.first, loop.last + 1)
            for target in self._targets(self.flow.order[rank])
        ):
            self.uses_pc = True
            self.put(f"if {PC} < 0:")
            self.indent += 1
            self._resume_back(outer)
            self.indent -= 1

    def _is_head_of_outer(self, target: int) -> bool:
        return any(loop.first == target for loop in self.loops)

    def _resume_back(self, outer: Loop) -> None:
        """`pc·` is -1 - target: go there if it is the head of this loop, else leave it."""
        if len(self.loops) == 1:
            self.put(f"{PC} = 0")
            self.put("continue")
            return
        self.put(f"if {PC} != {-1 - outer.first}: break")
        self.put(f"{PC} = 0")
        self.put("continue")

    def _targets(self, block: Block) -> list[int]:
        """Ranks where the end of the block may go, pending jumps and handlers included."""
        out = self.flow.jumps(block)
        last = block.last
        if last is None:
            return out
        position = block.position + len(block.ops)
        if last[0] in (_V.RETURN_VALUE, _V.UNWIND_JUMP, _V.END_FINALLY):
            for region in self.flow.enclosing(position):
                handler = self.flow.blocks[region.handler_block].rank
                if handler >= 0:
                    out.append(handler)
            if last[0] == _V.END_FINALLY:
                for region in self.flow.regions:
                    out += [outcome for outcome in region.outcomes if outcome >= 0]
        for region in self.flow.enclosing(block.position):
            out.append(self.flow.blocks[region.handler_block].rank)
        return out

    def _jump(self, target: int, source: int) -> None:
        """Go from the block of rank `source` to the start of the one of rank `target`."""
        if self.flat:
            self.put(f"{PC} = {target}")
            if target <= source:
                self.put("continue")
            return
        loops = self.loops
        if loops and target == loops[-1].first and target <= source:
            if any(r in self.guarded for r in range(loops[-1].first, loops[-1].last + 1)):
                self.uses_pc = True
                self.put(f"{PC} = 0")
            self.put("continue")
            return
        if loops and not loops[-1].first <= target <= loops[-1].last:
            self.uses_pc = True
            if target > source:
                if target != loops[-1].last + 1 or target in self.guarded or len(loops) > 1:
                    self.put(f"{PC} = {target}")
            else:
                self.put(f"{PC} = {-1 - target}")
            self.put("break")
            return
        if target == source + 1 and target not in self.guarded:
            self.put("pass")
            return
        if target <= source:
            raise FlowError("a jump back that is no loop")
        self.uses_pc = True
        self.put(f"{PC} = {target}")

    def _fall(self, block: Block) -> None:
        """Fall through to the next block, which may have moved."""
        self.flush(len(self.stack))
        target = self.flow.blocks[block.fall].rank
        if self.flat or target != block.rank + 1 or (self.loops and target > self.loops[-1].last):
            self._jump(target, block.rank)

    def _finally_around(self, position: int, target: int) -> Region | None:
        """The innermost region with a `finally` that going from here to there leaves."""
        to = self.flow.order[target].position if target >= 0 else -1
        for region in reversed(self.flow.enclosing(position)):
            if region.kind != RegionKind.EXCEPT and not (to >= 0 and region.covers(to)):
                return region
        return None

    def _return(self, position: int, value: str, block: Block) -> None:
        if value[0] == "(":
            value = value[1:-1]
        region = self._finally_around(position, -1)
        if region is None:
            self.put(f"return {value}")
            return
        self.put(f"{RESULT} = {value}")
        self._pend(region, RETURN_OUTCOME, block)

    def _unwind(self, position: int, target: int, block: Block) -> None:
        region = self._finally_around(position, target)
        if region is None:
            self.flush(self.flow.order[target].depth)
            self._jump(target, block.rank)
            return
        self.flush(len(self.stack))
        self._pend(region, target, block)

    def _pend(self, region: Region, outcome: int, block: Block) -> None:
        """Run the region's handler, then go on with the outcome."""
        if outcome not in region.outcomes:
            region.outcomes.append(outcome)
        self.put(f"s{DOT}{region.depth} = {outcome}")
        self._jump(self.flow.blocks[region.handler_block].rank, block.rank)

    def _end_finally(self, block: Block, position: int) -> None:
        tags = list(block.tags)
        for op in block.ops:
            self.flow._step(op, tags)
        value = self.pop()
        self.flush(len(self.stack))
        number = tags[-1]
        if number < 0:
            # Only the plain end comes here: there is nothing to go on with.
            self._fall(block)
            return
        region = self.flow.regions[number]
        if region.kind == RegionKind.EXCEPT:
            self.put(f"raise {value}")
            return
        self.put(f"if {value} is not None:")
        self.indent += 1
        if not region.outcomes:
            self.put(f"raise {value}")
            self.indent -= 1
            self._fall(block)
            return
        self.put(f"if type{DOT}({value}) is not int{DOT}: raise {value}")
        for outcome in region.outcomes:
            self.put(f"if {value} == {outcome}:")
            self.indent += 1
            if outcome == RETURN_OUTCOME:
                self._return(position, RESULT, block)
            else:
                self._unwind(position, outcome, block)
            self.indent -= 1
        self.indent -= 1
        self.put("else:")
        self.indent += 1
        start = len(self.lines)
        self._fall(block)
        if len(self.lines) == start:
            self.put("pass")
        self.indent -= 1

    def _raise(self, count: int, block: Block, position: int) -> None:
        if count == 0:
            number = self._active(block)
            caught = "None" if number < 0 else f"x{DOT}{number}"
            self.put(f"raise reraised{DOT}({caught})")
            return
        if count == 2:
            self.pop()
        self.put(f"raise raised{DOT}({self.pop()})")
