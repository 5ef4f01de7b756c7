"""Control flow, variables and moves on the stack, for `build`."""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.native.values import (
    BOOL,
    BUILTIN_CAST,
    INT,
    INTEGERS,
    PTR_NONE,
    PYOBJ,
    UNBOUND,
)
from mpy_cross.emitters.ssa import inline, ir
from mpy_cross.emitters.ssa.build import (
    CAST,
    CONSTANT,
    HELD,
    IN_FRAME,
    LAZY,
    Builder,
    Entry,
    Verbs,
    name_of,
)
from mpy_cross.emitters.ssa.handlers import HANDLER_VERBS, enter_finally, leave_all
from mpy_cross.emitters.ssa.ir import OBJ, TYPES
from mpy_cross.emitters.ssa.settings import Unsupported
from mpy_cross.emitters.ssa.with_blocks import setup_with, with_cleanup
from mpy_cross.loader.fun_table import Fun
from mpy_cross.loader.ops import ConstToken, Op, Verb


def _label(b: Builder, op: Op) -> None:
    if b.handlers:
        enter_finally(b, op[1])
    b.settle()
    _join(b, op[1])
    block = b.label_block(op[1])
    if b.block.term == ir.OPEN:
        b.jump(block)
    b.block = block
    b.unsettle()


def _note(b: Builder, label: int) -> None:
    """A jump leaves the current block with the stack as it is."""
    if b.stack:
        types = [entry.vtype for entry in b.stack]
        b.sources.setdefault(label, []).append((b.block, types))


def _join(b: Builder, label: int) -> None:
    """Where values of several types meet, all become what the last one is.

    The reference believes that they are, but does not convert them.
    """
    here = b.block
    for block, types in b.sources.pop(label, ()):
        b.block = block
        for place, (entry, vtype) in enumerate(zip(b.stack, types, strict=False)):
            wanted = entry.vtype
            if vtype == wanted or entry.kind == CAST or PYOBJ not in (vtype, wanted):
                continue
            value = b.variables.read(-1 - place, block, name_of(vtype))
            if wanted == PYOBJ:
                value = b.to_object(vtype, value)
            elif wanted < len(TYPES):
                # A pointer that is made here has no limit: the block has ended already.
                value = b.call(Fun.CONVERT_OBJ_TO_NATIVE, [value, b.const(wanted)],
                               TYPES[wanted])
            else:
                raise Unsupported("an object where None belongs")
            b.leave_at(place, wanted, value)
    b.block = here


def _jump(b: Builder, op: Op) -> None:
    b.settle()
    _note(b, op[1])
    b.jump(b.label_block(op[1]))
    b.start_dead()
    b.unsettle()


def _jump_if(b: Builder, op: Op, pop: bool) -> None:
    vtype, value = b.pop()
    if not pop:
        b.push(vtype, value)
        b.saved_vtype = vtype
    if vtype == PYOBJ:
        value = b.call(Fun.OBJ_IS_TRUE, [value], ir.BOOL)
    elif vtype != BOOL and vtype not in INTEGERS:
        raise Unsupported("a pointer as a condition")
    b.settle()
    following = b.new_block()
    zero = b.const(0)
    label = b.label_block(op[1])
    if pop:
        b.branch("ne" if op[2] else "eq", value, zero, label, following)
    else:
        way = b.new_block()
        b.branch("ne" if op[2] else "eq", value, zero, way, following)
        b.block = way
        _note(b, op[1])
        b.jump(label)
        b.stack.pop()
    b.block = following


def _adjust(b: Builder, op: Op) -> None:
    if op[1] <= 0:
        if -op[1] > len(b.stack):
            raise Unsupported("a value of nowhere")
        del b.stack[len(b.stack) + op[1]:]
    else:
        vtype = b.saved_vtype if op[1] == 1 else PYOBJ
        b.stack += [Entry(vtype, LAZY)] * op[1]


def _load_fast(b: Builder, op: Op) -> None:
    vtype = b.local_types[op[1]]
    if vtype in (UNBOUND, BUILTIN_CAST):
        raise Unsupported("a variable without a type")
    b.push(vtype, b.local_value(op[1], name_of(vtype)))


def _store_fast(b: Builder, op: Op) -> None:
    vtype, value = b.pop()
    known = b.local_types[op[1]]
    if known == UNBOUND:
        b.local_types[op[1]] = vtype
    elif known == PYOBJ and vtype == PTR_NONE and b.target.extended:
        value = b.to_object(vtype, value)
    elif known != vtype:
        raise Unsupported("a variable of another type")
    b.set_local(op[1], value)


def _delete_fast(b: Builder, op: Op) -> None:
    b.push(PTR_NONE, b.const(0))
    _store_fast(b, op)


def _load_const_tok(b: Builder, op: Op) -> None:
    if op[1] == ConstToken.ELLIPSIS:
        b.push_object(b.load_object(Ellipsis))
    elif op[1] == ConstToken.NONE:
        b.push(PTR_NONE, b.const(0))
    else:
        b.push(BOOL, b.const(int(op[1] == ConstToken.TRUE), ir.BOOL))


def _return(b: Builder, op: Op) -> None:
    entry = b.top()
    wanted = b.return_type
    if entry.vtype == PTR_NONE:
        b.stack.pop()
        if wanted == PYOBJ:
            value = b.field(b.fun_table, Fun.CONST_NONE_OBJ, OBJ)
        else:
            value = b.const(0, TYPES[wanted])
    else:
        vtype, value = b.pop()
        if vtype != wanted:
            raise Unsupported("a result of another type")
    if b.inlining:
        inline.leave(b, value)
        return
    leave_all(b, value)
    b.start_dead()


def _with_cleanup(b: Builder, op: Op) -> None:
    with_cleanup(b, op, lambda: _label(b, op))


def _nothing(b: Builder, op: Op) -> None:
    pass


def _discard(b: Builder, op: Op) -> None:
    b.top()
    b.stack.pop()


def _duplicate(b: Builder, op: Op) -> None:
    entry = b.top()
    if entry.kind in (CAST, CONSTANT):
        b.stack.append(entry)
        return
    vtype, value = b.pop()
    b.push(vtype, value)
    b.push(vtype, value)


def _shuffle(b: Builder, order: tuple[int, ...], n: int) -> None:
    """Replace the `n` upper values by those that stood `order` below the top, in this order."""
    held: list[Entry] = []
    for place in range(len(b.stack) - n, len(b.stack)):
        if place < 0:
            raise Unsupported("a value of nowhere")
        entry = b.stack[place]
        if entry.kind in (LAZY, IN_FRAME):
            entry = Entry(entry.vtype, HELD, b.value_of(place))
        held.append(entry)
    del b.stack[len(b.stack) - n:]
    b.stack += [held[n - 1 - depth] for depth in order]


VERBS: Final[dict[int, Verbs]] = {
    Verb.LABEL: _label,
    Verb.LINE: _nothing,
    Verb.STATEMENT_END: _nothing,
    Verb.ADJUST: _adjust,
    Verb.LOAD_FAST: _load_fast,
    Verb.STORE_FAST: _store_fast,
    Verb.DELETE_FAST: _delete_fast,
    Verb.LOAD_CONST_TOK: _load_const_tok,
    Verb.LOAD_CONST_SMALL_INT: lambda b, op: b.push(INT, b.const(op[1])),
    Verb.POP_TOP: _discard,
    Verb.DUP_TOP: _duplicate,
    Verb.DUP_TOP_TWO: lambda b, op: _shuffle(b, (1, 0, 1, 0), 2),
    Verb.ROT_TWO: lambda b, op: _shuffle(b, (0, 1), 2),
    Verb.ROT_THREE: lambda b, op: _shuffle(b, (0, 2, 1), 3),
    Verb.JUMP: _jump,
    Verb.POP_JUMP_IF: lambda b, op: _jump_if(b, op, True),
    Verb.JUMP_IF_OR_POP: lambda b, op: _jump_if(b, op, False),
    Verb.RETURN_VALUE: _return,
    **HANDLER_VERBS,
    Verb.SETUP_WITH: setup_with,
    Verb.WITH_CLEANUP: _with_cleanup,
}
