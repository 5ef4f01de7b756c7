"""Native generators, for `build_native`: their state outlives the calls that resume them.

The run-time calls the code with the generator's state (mp_code_state_t, py/bc.h) and what was
thrown into it.  Between two yields variables are values as in all functions.  At a yield those that
are read later go to their places in the state, from where the code behind the yield takes them;
the address where the official tool would go on is a number here, which the beginning of the code
compares: 1 for the first yield, and so on.  At first it is the address of the code.  It must not be
0, which means that the generator has ended.

Entries of the stack that the run-time reads or writes are in the state as well, as what a `for`
loop goes on with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mpy_cross.emitters.native.operations import ITER_SLOTS
from mpy_cross.emitters.native.state import EXC_VALUE
from mpy_cross.emitters.native.values import PYOBJ
from mpy_cross.emitters.ssa import ir
from mpy_cross.emitters.ssa.build import IN_FRAME, LAZY, WORD_SIZE, Entry
from mpy_cross.emitters.ssa.ir import OBJ, Block, Value
from mpy_cross.emitters.ssa.settings import Unsupported
from mpy_cross.loader.fun_table import (
    CODE_STATE_FUN_BC,
    CODE_STATE_IP,
    CODE_STATE_SP,
    CODE_STATE_STATE,
    Fun,
)
from mpy_cross.loader.ops import Op, Verb

if TYPE_CHECKING:
    from mpy_cross.emitters.ssa.build_native import NativeBuilder

RETURNED, YIELDED, RAISED = 0, 1, 2
"""What the code returns: mp_vm_return_kind_t (py/bc.h)."""
HEADER: Final = 8
"""Bytes before the code: where the prelude is, and where the code begins."""
MOST_YIELDS: Final = 16
NOTHING: Final = (Verb.LINE, Verb.STATEMENT_END)
READS: Final = (Verb.LOAD_FAST, Verb.LOAD_DEREF, Verb.STORE_DEREF, Verb.DELETE_DEREF)
WRITES: Final = (Verb.STORE_FAST, Verb.DELETE_FAST)
JUMPS: Final = (Verb.JUMP, Verb.POP_JUMP_IF, Verb.JUMP_IF_OR_POP, Verb.UNWIND_JUMP, Verb.FOR_ITER,
                Verb.POP_EXCEPT_JUMP)


def enter(b: NativeBuilder) -> None:
    """The beginning: put the exception handler up, raise what was thrown, go to where it goes on.

    Raises Unsupported.
    """
    if b.function.exc_stack_size:
        raise Unsupported("a generator with handlers")
    places = [i for i, op in enumerate(b.ops) if op[0] == Verb.YIELD_VALUE]
    if len(places) > MOST_YIELDS:
        raise Unsupported(f"a generator with {len(places)} yields")
    state = b.state = b.fun_obj
    state.type = "ptr"
    thrown = b.block_value("livein", [], 1, OBJ)
    b.fun_obj = b.field(state, CODE_STATE_FUN_BC, OBJ)
    b._load_tables(b.n_args)
    b.ssa.has_handler = True
    failed = b.call(Fun.NLR_PUSH, [b.block_value("frame", [], 0, "ptr")], ir.INT)
    run, caught = b.new_block(), b.new_block()
    b.branch("eq", failed, b.const(0), run, caught)
    caught.is_cold = True
    b.block = caught
    put(b, CODE_STATE_STATE, b.block_value("getframe", [], EXC_VALUE, OBJ))
    caught.term = ir.RETURN
    caught.targs = [b.const(RAISED)]
    b.block = run
    throw, choose = b.new_block(), b.new_block(False)
    throw.is_cold = True
    b.branch("eq", thrown, b.const(0), choose, throw)
    b.block = throw
    b.call(Fun.NATIVE_RAISE, [thrown], ir.INT)  # comes back if that was None
    b.jump(choose)
    b.variables.closed.add(choose)
    b.block = choose
    b.live = liveness(b.ops, b.places)
    b.resumed = {}
    place = get(b, CODE_STATE_IP, ir.INT) if places else b.const(0)
    for number, at in enumerate(places, 1):
        resumed, other = b.new_block(), b.new_block()
        b.branch("eq", place, b.const(number), resumed, other)
        b.resumed[at] = number, resumed
        b.block = other
    _load_locals(b, b.live[0])


def get(b: NativeBuilder, word: int, vtype: str = OBJ) -> Value:
    """A word of the state."""
    return b.block_value("load32", [b.state], word * WORD_SIZE, vtype)


def put(b: NativeBuilder, word: int, value: Value) -> None:
    b.block_value("store32", [b.state, value], word * WORD_SIZE)


def address(b: NativeBuilder, word: int) -> Value:
    """The address of a word of the state."""
    return b.block_value("add", [b.state, b.const(word * WORD_SIZE)], 0, "ptr")


def word_of(b: NativeBuilder, local: int) -> int:
    """The word of the state that is a local variable's."""
    return CODE_STATE_STATE + b.n_state - 1 - local


def _load_locals(b: NativeBuilder, locals_: set[int]) -> None:
    b.loaded.clear()
    for local in sorted(locals_):
        value = get(b, word_of(b, local))
        b.loaded[value] = local
        b.variables.write(local, b.block, value)


def place_iterator(b: NativeBuilder) -> None:
    """Ahead of the label of a loop: the iterator of a generator expression, which is pushed as four
    values, goes to where the run-time looks for it."""
    following = next((op[0] for op in b.ops[b.at + 1 :] if op[0] not in NOTHING), Verb.LABEL)
    first = len(b.stack) - ITER_SLOTS
    if following != Verb.FOR_ITER or first < 0:
        return
    for place in range(first, len(b.stack)):
        if b.stack[place].kind != IN_FRAME:
            b.put_place(place, b.value_of(place))
            b.stack[place] = Entry(PYOBJ, IN_FRAME)


def yield_value(b: NativeBuilder, op: Op) -> None:
    """Return what is on top of the stack, and go on with what is sent in its place."""
    number, resumed = b.resumed[b.at]
    live = b.live[b.at + 1]
    b.settle()
    top = len(b.stack) - 1
    if top < 0:
        raise Unsupported("a value of nowhere")
    known = b.known_variables() - {-1 - top}
    for place, entry in enumerate(b.stack):
        if entry.kind != IN_FRAME:
            put(b, CODE_STATE_STATE + place, b.value_of(place))
    for local in sorted(live):
        value = b.read_local(local)
        if b.loaded.get(value) != local:
            put(b, word_of(b, local), value)
    put(b, CODE_STATE_SP, address(b, CODE_STATE_STATE + top))
    put(b, CODE_STATE_IP, b.const(number))
    leave(b, YIELDED)
    b.start_block(resumed)
    _load_locals(b, live)
    for place, entry in enumerate(b.stack):
        if entry.kind != IN_FRAME:
            b.stack[place] = Entry(entry.vtype, LAZY)
            b.variables.write(-1 - place, resumed, get(b, CODE_STATE_STATE + place))
    b.small_vars = known


def return_value(b: NativeBuilder, op: Op) -> None:
    put(b, CODE_STATE_STATE, b.pop_object())
    put(b, CODE_STATE_SP, address(b, CODE_STATE_STATE))
    leave(b, RETURNED)
    b.start_dead()


def leave(b: NativeBuilder, kind: int) -> None:
    """Return from the code."""
    if b.exit is None:
        b.exit = b.new_block(False)
    b.exit_args.append(b.const(kind))
    b.jump(b.exit)


def finish(b: NativeBuilder) -> None:
    """The end that all ways out share."""
    if b.exit is None:
        return
    b.block = b.exit
    b.variables.closed.add(b.exit)
    result = b.ssa.new_value("phi", ir.INT, b.exit_args, 0, b.exit)
    b.exit.phis.append(result)
    b.call(Fun.NLR_POP, [], ir.INT)
    b.block.term = ir.RETURN
    b.block.targs = [result]


def liveness(ops: list[Op], places: dict[int, int]) -> list[set[int]]:
    """Before each operation, and behind the last: locals that are read before they are written."""
    live: list[set[int]] = [set() for _ in range(len(ops) + 1)]
    changed = True
    while changed:
        changed = False
        for i in range(len(ops) - 1, -1, -1):
            verb, a, _ = ops[i]
            now = set(live[i + 1]) if verb not in (Verb.JUMP, Verb.RETURN_VALUE) else set()
            if verb in JUMPS and a in places:
                now |= live[places[a]]
            if verb in WRITES:
                now.discard(a)
            elif verb in READS:
                now.add(a)
            if now != live[i]:
                live[i] = now
                changed = True
    return live


Resumed = dict[int, tuple[int, Block]]
"""By operation: the number of a yield, and the block behind it."""
