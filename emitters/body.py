"""The instructions of one function, before the distances of its jumps are known."""

from __future__ import annotations

from typing import final

from mpy_cross.emitters.encoding import ITER_SLOTS, Encoder
from mpy_cross.loader import opcodes as bc
from mpy_cross.loader.ops import BinaryOp, ConstToken, FunctionOps, Verb, unpack_defaults
from mpy_cross.loader.varint import encode_uint

ADJUST = int(Verb.ADJUST)
ASYNC_WITH_SETUP_FINALLY = int(Verb.ASYNC_WITH_SETUP_FINALLY)
END_EXCEPT_HANDLER = int(Verb.END_EXCEPT_HANDLER)
FOR_ITER_END = int(Verb.FOR_ITER_END)
JUMP = int(Verb.JUMP)
JUMP_IF_OR_POP = int(Verb.JUMP_IF_OR_POP)
LABEL = int(Verb.LABEL)
LINE = int(Verb.LINE)
LOAD_CONST_OBJ = int(Verb.LOAD_CONST_OBJ)
LOAD_CONST_TOK = int(Verb.LOAD_CONST_TOK)
LOAD_GLOBAL = int(Verb.LOAD_GLOBAL)
MAKE_CLOSURE = int(Verb.MAKE_CLOSURE)
MAKE_FUNCTION = int(Verb.MAKE_FUNCTION)
POP_EXCEPT_JUMP = int(Verb.POP_EXCEPT_JUMP)
POP_JUMP_IF = int(Verb.POP_JUMP_IF)
RAISE = int(Verb.RAISE)
RETURN_VALUE = int(Verb.RETURN_VALUE)
START_EXCEPT_HANDLER = int(Verb.START_EXCEPT_HANDLER)
UNWIND_JUMP = int(Verb.UNWIND_JUMP)
WITH_CLEANUP = int(Verb.WITH_CLEANUP)
ELLIPSIS = int(ConstToken.ELLIPSIS)

# Verb -> (opcode, stack change): jumps whose only operand is a label.
JUMPS: dict[int, tuple[int, int]] = {
    Verb.JUMP: (bc.JUMP, 0),
    Verb.SETUP_WITH: (bc.SETUP_WITH, 2),
    Verb.SETUP_EXCEPT: (bc.SETUP_EXCEPT, 0),
    Verb.SETUP_FINALLY: (bc.SETUP_FINALLY, 0),
    Verb.FOR_ITER: (bc.FOR_ITER, 1),
    Verb.POP_EXCEPT_JUMP: (bc.POP_EXCEPT_JUMP, 0),
}

# Verbs whose bytes depend on where they stand, or that give none.
POSITIONAL = {
    int(verb)
    for verb in (
        Verb.LABEL,
        Verb.LINE,
        Verb.ADJUST,
        Verb.LOAD_CONST_OBJ,
        Verb.POP_JUMP_IF,
        Verb.JUMP_IF_OR_POP,
        Verb.UNWIND_JUMP,
        Verb.WITH_CLEANUP,
        Verb.ASYNC_WITH_SETUP_FINALLY,
        Verb.FOR_ITER_END,
        Verb.MAKE_FUNCTION,
        Verb.MAKE_CLOSURE,
        Verb.START_EXCEPT_HANDLER,
        Verb.END_EXCEPT_HANDLER,
        *JUMPS,
    )
}

# Verbs after which nothing runs until the next label.
ENDS = {JUMP, UNWIND_JUMP, POP_EXCEPT_JUMP, RETURN_VALUE, RAISE}

# Bytes of a jump in its longest form.
LONG_JUMP = 3


@final
class Body:
    """The instructions of one function with all jumps in the longest form."""

    __slots__ = (
        "code",
        "consts",
        "depth",
        "first_child",
        "first_const",
        "jumps",
        "labels",
        "lines",
        "made",
        "max_depth",
    )

    def __init__(self, n_labels: int, first_child: int, first_const: int) -> None:
        self.first_child = first_child
        self.first_const = first_const
        """Number of the first constant, or -1 if constants have numbers of the whole file."""
        self.code = bytearray()
        self.labels = [0] * n_labels
        self.jumps: list[tuple[int, int, int]] = []
        """(position, opcode, label) in order of position."""
        self.lines: list[tuple[int, int]] = []
        """(position, line) in order."""
        self.consts: list[int] = []
        """Constants in order of use (version 5)."""
        self.made: list[int] = []
        """Children in order of creation."""
        self.depth = 0
        self.max_depth = 0

    def adjust(self, change: int) -> None:
        """Change the stack size."""
        self.depth += change
        if self.depth > self.max_depth:
            self.max_depth = self.depth

    def jump(self, opcode: int, label: int, dead: bool) -> None:
        """A jump with room for the longest distance."""
        if not dead:
            self.jumps.append((len(self.code), opcode, label))
            self.code += bytes((opcode, 0, 0))


def record(
    function: FunctionOps,
    encoder: Encoder,
    const_operands: list[bytes],
    ellipsis_operand: bytes,
    first_const: int,
    suppress_dead_code: bool,
    first_child: int,
    per_function: bool,
) -> Body:
    """Encode the operations of one function.

    `const_operands[i]` stands for constant i; with `per_function` constants are numbered per
    function from `first_const` instead (version 5).  Children are numbered from `first_child`.
    """
    body = Body(function.n_labels, first_child, first_const if per_function else -1)
    code = body.code
    cache = encoder.cache
    dead = False
    depth = 0
    max_depth = 0
    for op in function.ops:
        encoded = cache.get(op)
        verb = op[0]
        if encoded is None and verb not in POSITIONAL and not (
            verb == LOAD_CONST_TOK and op[1] == ELLIPSIS
        ):
            encoded = encoder.encode(op)
        if encoded is not None:
            if not dead:
                code += encoded[0]
            if depth + encoded[2] > max_depth:
                max_depth = depth + encoded[2]
            depth += encoded[1]
            if suppress_dead_code and verb in ENDS:
                dead = True
            continue
        body.depth = depth
        body.max_depth = max_depth
        if verb == LABEL:
            dead = False
            body.labels[op[1]] = len(code)
        elif verb == LINE:
            body.lines.append((len(code), op[1]))
        else:
            dead = _record_positional(
                body, op, dead, const_operands, ellipsis_operand, encoder
            ) or (suppress_dead_code and verb in ENDS)
            depth = body.depth
            max_depth = body.max_depth
    body.max_depth = max_depth
    return body


def _record_positional(
    body: Body,
    op: tuple[int, int, int],
    dead: bool,
    const_operands: list[bytes],
    ellipsis_operand: bytes,
    encoder: Encoder,
) -> bool:
    """Operations that depend on their position; whether the code is dead afterwards."""
    verb, a, b = op
    code = body.code
    if verb in JUMPS:
        opcode, change = JUMPS[verb]
        body.adjust(change)
        body.jump(opcode, a, dead)
    elif verb == POP_JUMP_IF:
        body.adjust(-1)
        body.jump(bc.POP_JUMP_IF_TRUE if b else bc.POP_JUMP_IF_FALSE, a, dead)
    elif verb == JUMP_IF_OR_POP:
        body.adjust(-1)
        body.jump(bc.JUMP_IF_TRUE_OR_POP if b else bc.JUMP_IF_FALSE_OR_POP, a, dead)
    elif verb == ADJUST:
        body.adjust(a)
    elif verb in (LOAD_CONST_OBJ, LOAD_CONST_TOK):
        if body.first_const >= 0:
            operand = encode_uint(body.first_const + len(body.consts))
            body.consts.append(-1 if verb == LOAD_CONST_TOK else a)
        elif verb == LOAD_CONST_TOK:
            operand = ellipsis_operand
        else:
            operand = const_operands[a]
        body.adjust(1)
        if not dead:
            code.append(bc.LOAD_CONST_OBJ)
            code += operand
    elif verb == FOR_ITER_END:
        body.adjust(-ITER_SLOTS)
    elif verb == UNWIND_JUMP:
        _record_unwind(body, a, b, dead)
    elif verb in (MAKE_FUNCTION, MAKE_CLOSURE):
        _record_make(body, verb, a, b, dead)
    elif verb == WITH_CLEANUP:
        body.adjust(1)
        if not dead:
            code.append(bc.LOAD_CONST_NONE)
        body.labels[a] = len(code)
        body.adjust(2)  # room to call __exit__
        code.append(bc.WITH_CLEANUP)
        body.adjust(-4)
        return False
    elif verb == START_EXCEPT_HANDLER:
        body.adjust(4)  # the exception, and three slots for a pending jump
    elif verb == END_EXCEPT_HANDLER:
        body.adjust(-3)
    elif verb == ASYNC_WITH_SETUP_FINALLY:
        _record_async_with(body, a, b, dead, encoder)
        return False
    return dead


def _record_unwind(body: Body, label: int, b: int, dead: bool) -> None:
    """Leave `b >> 1` blocks and jump; bit 0: a for loop is left, drop its iterator."""
    depth, from_for = b >> 1, b & 1
    if depth == 0:
        if from_for and not dead:
            body.code += bytes((bc.POP_TOP,)) * ITER_SLOTS
        body.jump(bc.JUMP, label, dead)
    else:
        body.jump(bc.UNWIND_JUMP, label, dead)
        if not dead:
            body.code.append((0x80 if from_for else 0) | depth & 0xFF)


def _record_make(body: Body, verb: int, a: int, b: int, dead: bool) -> None:
    n_closed, n_positional, n_keyword = unpack_defaults(b)
    defaults = n_positional or n_keyword
    opcode = bc.MAKE_FUNCTION if verb == MAKE_FUNCTION else bc.MAKE_CLOSURE
    body.adjust((-1 if defaults else 1) - n_closed)
    if not dead:
        body.code.append(opcode + 1 if defaults else opcode)
        body.code += encode_uint(body.first_child + len(body.made))
        if verb == MAKE_CLOSURE:
            body.code.append(n_closed & 0xFF)
    body.made.append(a)


def _record_async_with(body: Body, label: int, name: int, dead: bool, encoder: Encoder) -> None:
    """The end of an `async with` body, and the start of its finally block."""
    finally_block, exit_plain, exit_unwind = label, label + 1, label + 2
    body.adjust(1)
    if not dead:
        body.code += bytes((bc.LOAD_CONST_NONE, bc.ROT_TWO))
    body.jump(bc.JUMP, exit_plain, dead)
    body.labels[finally_block] = len(body.code)
    body.adjust(1)
    body.code.append(bc.DUP_TOP)
    load, change, _ = encoder.encode((LOAD_GLOBAL, name, 1))
    body.adjust(change)
    body.code += load
    body.adjust(-1)
    body.code.append(bc.BINARY_OP_MULTI + BinaryOp.EXCEPTION_MATCH)
    body.adjust(-1)
    body.jump(bc.POP_JUMP_IF_FALSE, exit_unwind, False)
