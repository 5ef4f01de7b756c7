"""Tests ahead of what native functions do inline, for `build_native`."""

from __future__ import annotations

from typing import final

from mpy_cross.emitters.ssa import native_floats
from mpy_cross.emitters.ssa.build_native import NativeBuilder
from mpy_cross.emitters.ssa.ir import Block, Value


@final
class Guard:
    """Where control goes if a test of the fast way fails: out of the loop's fast version, or to a
    call of the run-time after which it comes back."""

    __slots__ = ("b", "before", "fail", "leaves")

    def __init__(self, b: NativeBuilder, stay: bool = False) -> None:
        """`stay`: comes back even in a loop that has two versions."""
        block = None if stay else b.exit_block()
        self.b = b
        self.leaves = block is not None
        self.before = set(b.small)
        if block is None:
            block = b.ssa.new_block()
            block.is_cold = True
        else:
            block = native_floats.leaving(b, block)
        self.fail: Block = block

    def unless(self, cond: str, x: Value, y: Value) -> None:
        """Go on where the condition holds, fail elsewhere."""
        b = self.b
        good = b.new_block()
        b.branch(cond, x, y, good, self.fail)
        b.block = good
        if self.leaves:
            b.count_exit()

    def small(self, *values: Value) -> None:
        """All of these are small ints from here on."""
        b = self.b
        unknown = [value for value in dict.fromkeys(values) if not b.is_small(value)]
        if not unknown:
            return
        word = unknown[0]
        for value in unknown[1:]:
            word = b.block_value("and", [word, value])
        tag = b.block_value("tag", [word])
        self.unless("lt", tag, b.const(0))
        for value in unknown:
            if self.leaves:
                b.note_test(value)
            b.small.add(value)

    def floating(self, value: Value) -> None:
        """This is a float from here on."""
        b = self.b
        low = b.block_value("and", [value, b.const(3)])
        self.unless("eq", low, b.const(0))  # an address
        self.unless("eq", b.block_value("load32", [value]), native_floats.float_type(b))
        native_floats.note_test(b, value)

    @property
    def is_used(self) -> bool:
        return self.leaves or bool(self.fail.preds)

    def slow(self) -> None:
        """Continue on the slow way that comes back."""
        b = self.b
        b.variables.closed.add(self.fail)
        b.go_on(self.fail, set(self.before))


def is_candidate(b: NativeBuilder, value: Value) -> bool:
    """Whether a value may be a small int, as far as one can see."""
    if value.op == "qstrobj":
        return False
    return not (value.is_const and not value.imm & 1) and value not in b.others
