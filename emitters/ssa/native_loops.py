"""Loops of native functions that have two versions, for `build_native`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from mpy_cross.emitters.ssa.build import Entry
from mpy_cross.emitters.ssa.ir import Block, Value
from mpy_cross.loader.ops import BinaryOp, Op, Verb

JUMPS: Final = (Verb.JUMP, Verb.POP_JUMP_IF, Verb.JUMP_IF_OR_POP, Verb.UNWIND_JUMP)


@final
class Plan:
    """What earlier tries at a function have found out, for the next one.

    Variables are locals by number, and places of the stack as -1 - place.
    """

    __slots__ = ("changed", "dropped", "float_wanted", "floats", "no_floats", "single", "wanted",
                 "with_floats")

    def __init__(self) -> None:
        self.dropped: dict[int, set[int]] = {}
        """By label: variables that do not come as small ints whenever control goes back to it."""
        self.wanted: dict[int, set[int]] = {}
        """By label of a loop: variables whose tags the loop would have to test."""
        self.single: set[int] = set()
        """Labels of loops that need no plain version."""
        self.floats: frozenset[int] | None = None
        """Values that are likely to be floats, by the names of `native_kinds`."""
        self.with_floats: dict[int, set[int]] = {}
        """By label of a loop with floats in registers: the constants of the module among them."""
        self.float_wanted: dict[int, set[int]] = {}
        """By label of a loop: variables that the loop would have to test for floats."""
        self.no_floats: dict[int, set[int]] = {}
        """By label: variables that do not come as floats in registers on every way."""
        self.changed = False

    def want(self, label: int, variable: int) -> None:
        if variable not in self.dropped.get(label, ()):
            wanted = self.wanted.setdefault(label, set())
            if variable not in wanted:
                wanted.add(variable)
                self.changed = True

    def want_float(self, label: int, variable: int) -> None:
        wanted = self.float_wanted.setdefault(label, set())
        if variable not in wanted and variable not in self.no_floats.get(label, ()):
            wanted.add(variable)
            self.changed = True

    def drop_float(self, label: int, variables: set[int]) -> None:
        self.no_floats.setdefault(label, set()).update(variables)
        self.changed = True

    def expect(self, floats: frozenset[int]) -> None:
        """What the first try has found out about floats; the next one begins anew."""
        self.floats = floats
        if floats:
            for facts in (self.dropped, self.wanted, self.single):
                facts.clear()
            self.changed = True

    def drop(self, label: int, variables: set[int]) -> None:
        dropped = self.dropped.setdefault(label, set())
        if not variables <= dropped:
            dropped |= variables
            self.changed = True


@final
class Region:
    """A loop that has two versions: operations `start` (its label) to `end` (behind its last)."""

    __slots__ = ("depth", "end", "exits", "gain", "label", "start", "stored")

    def __init__(self, label: int, start: int, end: int, gain: float) -> None:
        self.label = label
        self.start = start
        self.end = end
        self.gain = gain
        self.depth = 0
        """Of the stack where it begins."""
        self.exits = 0
        """Ways from the fast version to the plain one."""
        self.stored: set[int] = set()
        """Locals that it assigns to."""


@final
class Thread:
    """Where one version of the code has got to."""

    __slots__ = (
        "alive",
        "block",
        "floats",
        "objects",
        "plain",
        "seen",
        "small",
        "small_vars",
        "stack",
        "unboxed",
    )

    def __init__(self, block: Block, plain: bool) -> None:
        self.block = block
        self.plain = plain
        self.alive = True
        self.stack: list[Entry] = []
        self.seen: dict[int, Value] = {}
        """Values of locals, as far as they were read or written since the last label."""
        self.small: set[Value] = set()
        """Values that are small ints."""
        self.small_vars: set[int] = set()
        """Variables that were small ints at the last label, unless written since."""
        self.floats: set[int] = set()
        """Locals that are floats in registers."""
        self.unboxed: dict[Value, Value] = {}
        """Objects that are floats, and these."""
        self.objects: dict[Value, Value] = {}
        """Floats that objects were made of."""


COSTS: Final[dict[int, int]] = {
    Verb.LOAD_ATTR: 120, Verb.STORE_ATTR: 110, Verb.LOAD_METHOD: 120, Verb.CALL_METHOD: 80,
    Verb.CALL_FUNCTION: 80, Verb.LOAD_GLOBAL: 95, Verb.LOAD_NAME: 95, Verb.STORE_GLOBAL: 95,
    Verb.LOAD_SUBSCR: 58, Verb.STORE_SUBSCR: 58, Verb.FOR_ITER: 80, Verb.BUILD_LIST: 100,
    Verb.BUILD_TUPLE: 100, Verb.UNPACK_SEQUENCE: 60,
}
"""Instructions of the run-time, roughly, that stay what they are."""
SAVED: Final = 35
"""Instructions that an operator on small ints takes less, roughly."""
SAVED_FLOAT: Final = 120
"""The same for an operator on floats, which makes no object."""
WORTH_INLINE: Final = 0.5
"""Innermost loops that gain less have calls only."""
WORTH_TWO: Final = 1.0
"""Those that gain less have one version."""
BINARY_OP: Final = int(Verb.BINARY_OP)
UNLIKELY: Final = (BinaryOp.EQUAL, BinaryOp.NOT_EQUAL, BinaryOp.EXCEPTION_MATCH, BinaryOp.IN,
                   BinaryOp.NOT_IN, BinaryOp.IS, BinaryOp.IS_NOT, BinaryOp.TRUE_DIVIDE,
                   BinaryOp.POWER)
"""Operators that are not often about two small ints, or not done inline."""


def gain(ops: list[Op], floats: Sequence[bool]) -> float:
    """What inline operators save, by what the rest takes; `floats`: by operation, whether it is
    likely to give a float."""
    saved = sum(SAVED_FLOAT if is_float else SAVED
                for (verb, a, _), is_float in zip(ops, floats, strict=True)
                if verb == BINARY_OP and (is_float or a not in UNLIKELY))
    return saved / max(1, sum(COSTS.get(verb, 0) for verb, _, _ in ops))


def operates(ops: list[Op]) -> bool:
    """Whether there are operators that may be inline."""
    return any(a not in UNLIKELY for verb, a, _ in ops if verb == BINARY_OP)


SETUP_COST: Final = 30
"""Instructions of the run-time that a block with a handler takes, where the baseline takes few."""
SETUPS: Final = frozenset((Verb.SETUP_EXCEPT, Verb.SETUP_FINALLY, Verb.SETUP_WITH))


def handlers_pay(ops: list[Op]) -> bool:
    """Whether a function with handlers gains more than these take."""
    saved = sum([SAVED for verb, a, _ in ops if verb == BINARY_OP and a not in UNLIKELY])
    return saved > 0 and saved > SETUP_COST * len([0 for op in ops if op[0] in SETUPS])


def find_regions(
    ops: list[Op], places: dict[int, int], floats: Sequence[bool]
) -> list[Region | None]:
    """Innermost loops, by operation; `floats`: as in `gain`."""
    ends: dict[int, int] = {}
    for i, op in enumerate(ops):
        if op[0] in JUMPS and places.get(op[1], i) < i:
            ends[op[1]] = i + 1
    found: list[Region | None] = [None] * len(ops)
    if not ends:
        return found
    loops = sorted((places[label], end, label) for label, end in ends.items())
    for start, end, label in loops:
        if any(start < other and other < end for other, _, _ in loops) or any(
            other <= start and start < after < end for other, after, _ in loops
        ):
            continue
        region = Region(label, start, end, gain(ops[start:end], floats[start:end]))
        region.stored = {op[1] for op in ops[start:end]
                         if op[0] in (Verb.STORE_FAST, Verb.DELETE_FAST)}
        for i in range(start, end):
            if found[i] is None:
                found[i] = region
    return found
