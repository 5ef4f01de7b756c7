"""From the operations of a native function, where all values are objects, to its SSA form.

Operators on small ints become machine instructions behind tests of the tags.  What is known of tags
is kept value by value, and at labels variable by variable.  Where a test fails the run-time is
called, as the baseline does everywhere; then

* outside of loops both ways meet again right behind the operation,
* an innermost loop stands there twice: fast, for variables whose tags are tested before it, and
  plain, with calls only.  A test that fails in the fast one goes to the plain one, to the same
  operation, from where control comes back behind the loop.

So the fast loop never has to test again what it has found out.  What holds at its head is guessed,
and where the guess turns out to be wrong the function is built once more: see `Plan`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from mpy_cross.emitters.native.values import PYOBJ
from mpy_cross.emitters.ssa import ir, native_floats, native_generators
from mpy_cross.emitters.ssa.build import (
    HELD,
    LAZY,
    USE_GLOBALS,
    Entry,
    Target,
    Unsupported,
)
from mpy_cross.emitters.ssa.ir import OBJ, Block, Function, Value
from mpy_cross.emitters.ssa.native_entry import NativeEntry
from mpy_cross.emitters.ssa.native_floats import FLOAT_ENTRY, Known
from mpy_cross.emitters.ssa.native_kinds import RESULT, SMALL
from mpy_cross.emitters.ssa.native_loops import (
    WORTH_INLINE,
    WORTH_TWO,
    Plan,
    Region,
    Thread,
    find_regions,
    handlers_pay,
    operates,
)
from mpy_cross.loader.fun_table import CODE_STATE_STATE, Fun
from mpy_cross.loader.ops import FunctionOps, Op, ScopeFlag, Verb

SUBSCRIPTS: Final = (Verb.LOAD_SUBSCR, Verb.STORE_SUBSCR)
LABELS: Final = (Verb.LABEL, Verb.WITH_CLEANUP)
PLAIN: Final = 1 << 24
"""Added to the number of a label in the plain version of a loop."""

MAX_NATIVE_OPS: Final = 3000
MAX_NATIVE_LOCALS: Final = 48
"""Functions with more take long to compile, as most of their variables are in the frame anyway."""

Verbs = Callable[["NativeBuilder", Op], None]


def check(function: FunctionOps, verbs: dict[int, Verbs]) -> None:
    """Raises Unsupported for what has no optimised form, or gains nothing."""
    ops = function.ops
    if len(ops) > MAX_NATIVE_OPS or function.n_locals > MAX_NATIVE_LOCALS:
        raise Unsupported(f"{len(ops)} operations, {function.n_locals} locals")
    if function.exc_stack_size and not handlers_pay(ops):
        raise Unsupported("handlers take more than operators gain")
    if function.flags & ScopeFlag.GENERATOR and not operates(ops):
        raise Unsupported("a generator without operators")
    if not verbs.keys() >= {op[0] for op in ops}:
        first = next(op[0] for op in ops if op[0] not in verbs)
        raise Unsupported(Verb(first).name.lower())


@final
class NativeBuilder(NativeEntry):
    """The state of building one function."""

    __slots__ = (
        "alive", "at", "bytes_type", "calls_only", "exit_blocks", "facts", "floats", "from_stack",
        "indexes", "is_generator", "known", "list_type", "live", "loaded", "native_verbs",
        "objects", "others", "places", "plain", "plan", "region", "regions", "resumed", "seen",
        "skip", "small", "small_vars", "state", "stores", "unboxed", "written",
    )

    def __init__(
        self, function: FunctionOps, target: Target, verbs: dict[int, Verbs], plan: Plan,
        versions: bool,
    ) -> None:
        """`versions`: loops may have two."""
        ops = function.ops
        super().__init__(function, ops, target)
        self.native_verbs = verbs
        self.is_generator = bool(function.flags & ScopeFlag.GENERATOR)
        versions = versions and not function.exc_stack_size and not self.is_generator
        self.plan = plan
        self.places = {op[1]: i for i, op in enumerate(ops) if op[0] in LABELS}
        floats = plan.floats or ()
        loops = find_regions(ops, self.places, [RESULT + i in floats for i in range(len(ops))])
        self.has_loop = any(loop is not None for loop in loops)
        self.regions: list[Region | None] = [*loops, None]
        self.calls_only = [False] * len(ops)
        """By operation: whether inline operators gain little there, because there are few, or
        because it is outside of the loops that take the time."""
        if self.has_loop:
            self.regions = [
                loop if versions and loop is not None and loop.gain >= WORTH_TWO else None
                for loop in self.regions
            ]
            gains = any(loop is not None and loop.gain >= WORTH_INLINE for loop in loops)
            self.calls_only = [loop.gain < WORTH_INLINE if loop is not None else gains
                               for loop in loops]
        self.list_type = 0
        """Index of `mp_type_list` in the function table, if items of lists are read inline."""
        self.stores = any(op[0] == Verb.STORE_SUBSCR for op in ops)
        """Items are written: then only those of lists are read inline, to save room."""
        self.bytes_type: Value | None = None
        """`mp_type_bytes`, once it is used."""
        self.indexes = self.has_loop and any(
            loop is not None and op[0] in SUBSCRIPTS for loop, op in zip(loops, ops, strict=True))
        self.region: Region | None = None
        self.exit_blocks: dict[int, Block] = {}
        """Operation -> the block of the plain version that begins with it."""
        self.facts: dict[int, set[int]] = {}
        """Label -> variables that are small ints on all ways there so far."""
        self.from_stack: dict[Value, int] = {}
        """Values that were on the stack at a label -> the variable of the place."""
        self.others: set[Value] = set()
        """Values that are no small ints."""
        self.at = 0
        self.skip = False
        self.plain = False
        self.alive = True
        self.seen: dict[int, Value] = {}
        self.small: set[Value] = set()
        self.small_vars: set[int] = set()
        self.written: set[int] = set()
        """Locals written since the loop's beginning."""
        self.state = self.fun_obj
        """A generator's state; by operation, locals that are read later; which of them values are
        that were loaded from their places; where yields go on."""
        self.live: list[set[int]] = []
        self.loaded: dict[Value, int] = {}
        self.resumed: native_generators.Resumed = {}
        self.known = Known()
        self.floats: set[int] = set()
        """Locals that are floats in registers here."""
        self.unboxed: dict[Value, Value] = {}
        """Objects that are floats here, and these."""
        self.objects: dict[Value, Value] = {}
        """Floats that objects were made of here."""

    def use_items(self, list_type: int) -> None:
        """Let items of lists be read and written inline, if that is done in a loop.  A function of
        its own in the code does so."""
        if self.indexes:
            self.list_type = list_type

    def item(self, base: Value, index: Value, value: Value) -> Value:
        """An item, read, or with a value in place of SENTINEL written."""
        fun = int(Fun.OBJ_SUBSCR)
        if self.list_type and not (
            index.op == "qstrobj" or index in self.others or base in self.others
            or (index.is_const and not index.imm & 1)
            or (index.op == "call" and index.imm == Fun.NEW_SLICE)
        ):
            fun |= self.list_type << ir.ITEMS
            if not self.stores:
                return self.call(fun, [base, index, value, self.type_of_bytes()])
        return self.call(fun, [base, index, value])

    def type_of_bytes(self) -> Value:
        """The type is not in the function table, so it is that of a constant."""
        if self.bytes_type is None:
            block, self.block = self.block, self.ssa.entry
            self.bytes_type = self.field(self.load_object(b""), 0)
            self.block = block
        return self.bytes_type

    def build(self) -> Function:
        function = self.function
        self.handler = self.is_generator or bool(function.flags & ScopeFlag.REFGLOBALS) or \
            not USE_GLOBALS.isdisjoint([op[0] for op in self.ops])
        self._make_frame()
        if self.is_generator:
            native_generators.enter(self)
        else:
            self._enter()
        self._walk()
        if self.alive:
            raise Unsupported("an end without return")
        self.block.term = ir.DEAD
        if self.is_generator:
            native_generators.finish(self)
        else:
            self._leave()
        if self.plan.floats is None and self.known.new_float:
            self.plan.expect(self.known.kinds.floats(self.n_args))
        self.variables.finish()
        self.place_children()
        return self.ssa

    def get_place(self, place: int) -> Value:
        if self.is_generator:
            return native_generators.get(self, CODE_STATE_STATE + place)
        return super().get_place(place)

    def put_place(self, place: int, value: Value) -> None:
        if self.is_generator:
            native_generators.put(self, CODE_STATE_STATE + place, value)
        else:
            super().put_place(place, value)

    def place_address(self, place: int) -> Value:
        if self.is_generator:
            return native_generators.address(self, CODE_STATE_STATE + place)
        return super().place_address(place)

    # ---------------------------------------------------------------------------------- versions

    def _walk(self) -> None:
        """All operations, in both versions where there are two."""
        other: Thread | None = None
        region: Region | None = None
        for i, op in enumerate(self.ops):
            if region is not None and i == region.end:
                self._join_versions(other, region)
                other = region = self.region = None
            here = self.regions[i]
            if region is None and here is not None and here.start == i:
                region = self.region = here
                self.written = set()
                here.depth = len(self.stack)
                if here.label not in self.plan.single:
                    other = Thread(self.ssa.new_block(), True)
                    other.alive = False
                    other.block.is_cold = True
            self.at = i
            if self.skip:
                self.skip = False
            else:
                self._one(op)
            if other is not None:
                if i == here.start if here else False:
                    other.stack = [Entry(e.vtype, LAZY) if e.kind == HELD else e
                                   for e in self.stack]
                skip, self.skip = self.skip, False
                fast = self._switch(other)
                self._one_plain(i, op)
                other = self._switch(fast)
                self.skip = skip
        if region is not None:
            self._join_versions(other, region)
            self.region = None

    def _one(self, op: Op) -> None:
        self.native_verbs[op[0]](self, op)

    def _one_plain(self, i: int, op: Op) -> None:
        block = self.exit_blocks.get(i)
        if block is not None:
            self.settle()
            if self.alive:
                self.jump(block)
            self.start_block(block)
        self._one(op)

    def _switch(self, to: Thread) -> Thread:
        """Go on with another version; what was interrupted."""
        now = Thread(self.block, self.plain)
        now.stack, now.alive = self.stack, self.alive
        now.seen, now.small, now.small_vars = self.seen, self.small, self.small_vars
        now.floats, now.unboxed, now.objects = self.floats, self.unboxed, self.objects
        self.block, self.plain, self.stack, self.alive = to.block, to.plain, to.stack, to.alive
        self.seen, self.small, self.small_vars = to.seen, to.small, to.small_vars
        self.floats, self.unboxed, self.objects = to.floats, to.unboxed, to.objects
        return now

    def _join_versions(self, other: Thread | None, region: Region) -> None:
        if not region.exits and region.label not in self.plan.single:
            self.plan.single.add(region.label)
            self.plan.changed = True
        if other is None:
            return
        if not other.alive or not region.exits:
            if self.alive:
                native_floats.leave_all(self)
            other.block.term = ir.DEAD
            return
        join = self.new_block(False)
        known: set[int] = set()
        if self.alive:
            native_floats.leave_all(self)
            self.settle()
            self.jump(join)
        else:
            self.block.term = ir.DEAD
            self.stack = [Entry(e.vtype, LAZY) if e.kind == HELD else e for e in other.stack]
        fast = self._switch(other)
        self.settle()
        self.jump(join)
        self._switch(fast)
        self.start_block(join)
        self.small_vars = known

    # ------------------------------------------------------------------------------------ blocks

    def new_block(self, closed: bool = True) -> Block:
        block = super().new_block(closed)
        block.is_cold = self.plain
        return block

    def start_block(self, block: Block) -> None:
        """Begin a block that several may lead to."""
        self.block = block
        self.alive = True
        self.unsettle()
        self.seen = {}
        self.small = set()
        self.small_vars = set()
        self.floats = set()
        self.unboxed = {}
        self.objects = {}

    def start_dead(self) -> None:
        super().start_dead()
        self.alive = False

    def go_on(self, block: Block, small: set[Value] | None = None) -> None:
        """Continue in a block that only the current one leads to."""
        self.block = block
        if small is not None:
            self.small = small

    def known_variables(self) -> set[int]:
        """Variables that are small ints here."""
        known = set(self.small_vars)
        for local, value in self.seen.items():
            known.discard(local)
            if self.is_small(value):
                known.add(local)
        for place, entry in enumerate(self.stack):
            if entry.kind == HELD:
                known.discard(-1 - place)
                if entry.value is not None and self.is_small(entry.value):
                    known.add(-1 - place)
        return {v for v in known if v not in self.memory and -1 - v < len(self.stack)}

    def label_block(self, label: int) -> Block:
        return self._block_of(label)

    def way_to(self, label: int) -> Block:
        """The block that a jump to a label from the current block leads to; the stack has been
        settled.  Records what is known here."""
        place = self.places[label]
        region = self.regions[place]
        if self.plain:
            if region is self.region:
                return self._block_of(label | PLAIN)
            self._note(label, set())
            return self._block_of(label)
        if not self.alive:
            return self._block_of(label)
        known = self.known_variables()
        block = self._block_of(label)
        if region is None or self._within(region):
            block = native_floats.way_on(self, block, label, region)
        elif region.label not in self.plan.single:
            block = native_floats.way_in(self, block, label, region)
            missing = self.plan.wanted.get(region.label, set()) - known
            missing -= self.plan.dropped.get(region.label, set())
            known |= missing
            block = self._tested(missing, block, label, region)
            block = native_floats.way_on(self, block, label, None)
        self._note(label, known)
        return block

    def label_plain(self, label: int) -> Block:
        """The block of a label in the plain version."""
        return self._block_of(label | PLAIN)

    def _within(self, region: Region) -> bool:
        return region.start < self.at < region.end

    def _block_of(self, key: int) -> Block:
        block = self.labels.get(key)
        if block is None:
            block = self.labels[key] = self.ssa.new_block()
            block.is_cold = key >= PLAIN
        return block

    def _note(self, label: int, known: set[int]) -> None:
        if self.places[label] < self.at:
            missing = self.facts.get(label, set()) - known
            if missing:
                self.plan.drop(label, missing)
        elif label in self.facts:
            self.facts[label] &= known
        else:
            self.facts[label] = set(known)

    def _tested(
        self, variables: set[int], block: Block, label: int, region: Region
    ) -> Block:
        """A block that tests variables of a loop before control goes to the fast version."""
        if not variables:
            return block
        before = self.new_block(False)
        word: Value | None = None
        for variable in sorted(variables):
            value = self.variables.read(variable, before, OBJ)
            word = value if word is None else self.ssa.append(before, "and", [word, value])
        assert word is not None
        test = self.ssa.append(before, "tag", [word])
        region.exits += 1
        self.ssa.branch(before, "lt", test, self.ssa.const(before, 0), block,
                        self._block_of(label | PLAIN))
        return before

    def label(self, label: int) -> None:
        """A label stands here."""
        if self.is_generator and self.alive:
            native_generators.place_iterator(self)
        self.settle()
        plain = self.plain
        if self.alive:
            block = self.way_to(label)
            self.jump(block)
        else:
            self.block.term = ir.DEAD
        self.start_block(self._block_of(label | PLAIN if plain else label))
        if not plain:
            facts = self.facts.setdefault(label, set())
            facts -= self.plan.dropped.get(label, set())
            region = self.region
            if region is not None and label == region.label:
                facts |= self.plan.wanted.get(label, set()) - self.plan.dropped.get(label, set())
            # A way out of a block with a handler may come with more on its stack.
            self.small_vars = {v for v in facts if -1 - v < len(self.stack)}
            native_floats.arrive(self, label)

    def leave_to(self, label: int) -> None:
        """Jump."""
        self.settle()
        self.jump(self.way_to(label))
        self.start_dead()
        self.unsettle()

    # ------------------------------------------------------------------------------------- facts

    def is_small(self, value: Value) -> bool:
        """Whether a value is known to be a small int."""
        return value in self.small or (value.is_const and value.type == OBJ
                                       and bool(value.imm & 1))

    def read_local(self, local: int) -> Value:
        value = self.seen.get(local)
        if local in self.floats:
            return native_floats.box(self, native_floats.read(self, local))
        if value is None and local in self.memory:
            value = self.seen[local] = self.local_value(local, OBJ)
        elif value is None:
            value = self.seen[local] = self.variables.read(local, self.block, OBJ)
            if local in self.small_vars:
                self.small.add(value)
        self.known.origins.setdefault(value, local)
        return value

    def write_local(self, local: int, value: Value) -> None:
        if not self.plain:
            native_floats.note_assigned(self, local, value)
        self.floats.discard(local)
        self.set_local(local, value)
        self.seen[local] = value
        self.small_vars.discard(local)
        if not self.plain:
            self.written.add(local)

    def value_of(self, place: int) -> Value:
        entry = self.stack[place]
        if entry.vtype == FLOAT_ENTRY:
            return native_floats.value_at(self, place)
        value = super().value_of(place)
        if entry.kind == LAZY:
            if self.region is None or place < self.region.depth:
                self.known.origins.setdefault(value, SMALL)  # the counter of a range
            self.stack[place] = Entry(entry.vtype, HELD, value)
            if -1 - place in self.small_vars:
                self.small.add(value)
                self.small_vars.discard(-1 - place)
            self.from_stack[value] = -1 - place
            # It stays what the variable holds, for those who read it later.
            self.variables.write(-1 - place, self.block, value)
        return value

    def object_at(self, depth: int) -> Value:
        """The entry `depth` below the top, which becomes an object if it is none."""
        entry = self.top(depth)
        place = len(self.stack) - 1 - depth
        value = self.value_of(place)
        if entry.vtype != PYOBJ:
            value = self.to_object(entry.vtype, value)
            self.stack[place] = Entry(PYOBJ, HELD, value)
        return value

    def to_object(self, vtype: int, value: Value) -> Value:
        if vtype == FLOAT_ENTRY:
            return native_floats.box(self, value)
        return super().to_object(vtype, value)

    def push_object(self, value: Value) -> None:
        self.known.origins.setdefault(value, RESULT + self.at)
        super().push_object(value)

    def leave_at(self, place: int, vtype: int, value: Value) -> None:
        if vtype == FLOAT_ENTRY:
            self.variables.write(native_floats.UNBOXED - 1 - place, self.block, value)
        else:
            super().leave_at(place, vtype, value)

    def pop_object(self) -> Value:
        value = self.object_at(0)
        self.stack.pop()
        return value

    def settle(self) -> None:
        for depth, entry in enumerate(reversed(self.stack)):
            if entry.vtype not in (PYOBJ, FLOAT_ENTRY):
                self.object_at(depth)
        super().settle()

    # ------------------------------------------------------------------------------------- exits

    def exit_block(self) -> Block | None:
        """In the fast version of a loop: where the plain one does the current operation.

        The stack is settled for it, so nothing of the operation may have been done yet.
        """
        if self.plain:
            return None
        origin = self.at
        region = self.regions[origin]
        if region is None or region.label in self.plan.single:
            return None
        self.settle()
        block = self.exit_blocks.get(origin)
        if block is None:
            block = self.exit_blocks[origin] = self.ssa.new_block()
            block.is_cold = True
        return block

    def count_exit(self) -> None:
        """There is a way from here to that block."""
        region = self.regions[self.at]
        assert region is not None
        region.exits += 1

    def note_test(self, value: Value) -> None:
        """The tag of a value is tested: if it is that of a variable since the loop began, the test
        had better be before the loop."""
        region = self.region
        if region is None or self.plain or region.label in self.plan.single:
            return
        for local, known in self.seen.items():
            if known is value and local not in self.written:
                self.plan.want(region.label, local)
        variable = self.from_stack.get(value, 0)
        if variable and -1 - variable < region.depth:
            self.plan.want(region.label, variable)
