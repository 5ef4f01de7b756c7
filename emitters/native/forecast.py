"""What passes over a function will find out, guessed from its operations alone.

A right guess saves those passes.  A wrong one costs a pass and nothing else: the emitter compares
it with what it then finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, final

from mpy_cross.loader.ops import ConstToken, FunctionOps, Verb, unpack_call, unpack_defaults
from mpy_cross.loader.release import Release

ITER_SLOTS: Final = 4
ELLIPSIS: Final = int(ConstToken.ELLIPSIS)
SHORT_CONSTANTS: Final = range(-1024, 1024)
"""Small integers that, as objects, fit an instruction with twelve bits for them."""


def _by_verb(values: Mapping[int, tuple[Verb, ...]]) -> tuple[int, ...]:
    """Verbs by value to values by verb."""
    table = [0] * (max(Verb) + 1)
    for value, verbs in values.items():
        for verb in verbs:
            table[verb] = value
    return tuple(table)


# Changes of the stack size that no operand decides.
CHANGES: Final = _by_verb({
    -4: (Verb.FOR_ITER_END,),
    -3: (Verb.STORE_SUBSCR,),
    -2: (Verb.STORE_ATTR, Verb.DELETE_SUBSCR, Verb.STORE_MAP),
    -1: (
        Verb.STORE_FAST, Verb.STORE_DEREF, Verb.STORE_NAME, Verb.STORE_GLOBAL, Verb.LOAD_SUBSCR,
        Verb.DELETE_ATTR, Verb.POP_TOP, Verb.POP_JUMP_IF, Verb.JUMP_IF_OR_POP, Verb.BINARY_OP,
        Verb.RETURN_VALUE, Verb.RAISE, Verb.YIELD_FROM, Verb.IMPORT_NAME, Verb.IMPORT_STAR,
    ),
    1: (
        Verb.LOAD_FAST, Verb.LOAD_DEREF, Verb.LOAD_NAME, Verb.LOAD_GLOBAL, Verb.LOAD_CONST_TOK,
        Verb.LOAD_CONST_SMALL_INT, Verb.LOAD_CONST_STR, Verb.LOAD_CONST_OBJ, Verb.LOAD_NULL,
        Verb.LOAD_BUILD_CLASS, Verb.DUP_TOP, Verb.FOR_ITER, Verb.IMPORT_FROM,
        Verb.START_EXCEPT_HANDLER, Verb.BUILD_MAP,
    ),
    2: (Verb.DUP_TOP_TWO,),
    3: (Verb.SETUP_WITH,),
})  # fmt: skip

# Values that a verb has for a while, above the stack size after it.
PEAKS: Final = _by_verb({1: (Verb.DELETE_FAST,), 2: (Verb.STORE_DEREF,)})

# qstrs that a verb loads.
QSTRS: Final = _by_verb({
    1: (
        Verb.LOAD_NAME, Verb.LOAD_GLOBAL, Verb.STORE_NAME, Verb.STORE_GLOBAL, Verb.DELETE_NAME,
        Verb.DELETE_GLOBAL, Verb.LOAD_CONST_STR, Verb.LOAD_METHOD, Verb.LOAD_ATTR, Verb.STORE_ATTR,
        Verb.DELETE_ATTR, Verb.IMPORT_NAME, Verb.IMPORT_FROM,
    ),
    2: (Verb.SETUP_WITH,),
})  # fmt: skip

# Verbs that need a look at their operands, for one thing or the other.
PARTICULAR: Final = frozenset((
    Verb.LABEL, Verb.ADJUST, Verb.LOAD_CONST_TOK, Verb.LOAD_CONST_SMALL_INT, Verb.LOAD_CONST_OBJ,
    Verb.LOAD_METHOD, Verb.SETUP_WITH, Verb.SETUP_FINALLY, Verb.WITH_CLEANUP, Verb.END_FINALLY,
    Verb.GET_ITER, Verb.BUILD_TUPLE, Verb.BUILD_LIST, Verb.BUILD_SET, Verb.BUILD_SLICE,
    Verb.STORE_COMP, Verb.UNPACK_SEQUENCE, Verb.UNPACK_EX, Verb.MAKE_FUNCTION, Verb.MAKE_CLOSURE,
    Verb.CALL_FUNCTION, Verb.CALL_METHOD, Verb.END_EXCEPT_HANDLER,
))  # fmt: skip


# As plain integers, for the loop over all operations.
ADJUST: Final = int(Verb.ADJUST)
BUILD_LIST: Final = int(Verb.BUILD_LIST)
BUILD_SET: Final = int(Verb.BUILD_SET)
BUILD_SLICE: Final = int(Verb.BUILD_SLICE)
BUILD_TUPLE: Final = int(Verb.BUILD_TUPLE)
CALL_FUNCTION: Final = int(Verb.CALL_FUNCTION)
CALL_METHOD: Final = int(Verb.CALL_METHOD)
END_EXCEPT_HANDLER: Final = int(Verb.END_EXCEPT_HANDLER)
END_FINALLY: Final = int(Verb.END_FINALLY)
GET_ITER: Final = int(Verb.GET_ITER)
LABEL: Final = int(Verb.LABEL)
LOAD_CONST_OBJ: Final = int(Verb.LOAD_CONST_OBJ)
LOAD_CONST_SMALL_INT: Final = int(Verb.LOAD_CONST_SMALL_INT)
LOAD_CONST_TOK: Final = int(Verb.LOAD_CONST_TOK)
LOAD_METHOD: Final = int(Verb.LOAD_METHOD)
MAKE_CLOSURE: Final = int(Verb.MAKE_CLOSURE)
MAKE_FUNCTION: Final = int(Verb.MAKE_FUNCTION)
SETUP_FINALLY: Final = int(Verb.SETUP_FINALLY)
STORE_COMP: Final = int(Verb.STORE_COMP)
UNPACK_EX: Final = int(Verb.UNPACK_EX)
UNPACK_SEQUENCE: Final = int(Verb.UNPACK_SEQUENCE)
WITH_CLEANUP: Final = int(Verb.WITH_CLEANUP)


@final
class Forecast(NamedTuple):
    """`n_table`: constants that a machine with short immediates keeps in a table."""

    max_stack: int
    n_consts: int
    n_children: int
    n_table: int


def forecast(function: FunctionOps, release: Release) -> Forecast:
    """Guess for one function."""
    changes, peaks, qstrs, particular = CHANGES, PEAKS, QSTRS, PARTICULAR
    finally_labels: set[int] = set()
    size = highest = n_consts = n_children = n_qstrs = n_long = 0
    for verb, a, b in function.ops:
        if verb in particular:
            if verb == LABEL:
                if a in finally_labels and not release.native_finally_keeps_top:
                    size -= 1
            elif verb == SETUP_FINALLY:
                finally_labels.add(a)
            elif verb == LOAD_CONST_OBJ or (verb == LOAD_CONST_TOK and a == ELLIPSIS):
                n_consts += 1
            elif verb == LOAD_CONST_SMALL_INT:
                n_long += a not in SHORT_CONSTANTS
            elif verb in (MAKE_FUNCTION, MAKE_CLOSURE):
                n_children += 1
            elif verb == WITH_CLEANUP and size + 2 > highest:
                highest = size + 2
            size += _change(verb, a, b, release)
        size += changes[verb]
        n_qstrs += qstrs[verb]
        if size + peaks[verb] > highest:
            highest = size + peaks[verb]
    if release.native_tables:
        n_consts = 0  # those of a function have no numbers of their own
    else:
        n_long += n_qstrs
    return Forecast(highest, n_consts, n_children, n_long)


def _change(verb: int, a: int, b: int, release: Release) -> int:
    """The change of the stack size by a verb whose operands, or the release, decide it."""
    if verb in (CALL_FUNCTION, CALL_METHOD):
        n_keyword, stars = unpack_call(b)
        slots = (1 if release.star_args_bitmap else 2) if stars else 0
        return -a - 2 * n_keyword - slots - (verb == CALL_METHOD)
    if verb in (MAKE_FUNCTION, MAKE_CLOSURE):
        n_closed, n_positional, n_keyword = unpack_defaults(b)
        return 1 - n_closed - 2 * bool(n_positional or n_keyword)
    if verb in (BUILD_TUPLE, BUILD_LIST, BUILD_SET, BUILD_SLICE):
        return 1 - a
    if verb == LOAD_METHOD:
        return -1 if b else 1
    if verb == ADJUST:
        return a
    if verb == GET_ITER:
        return ITER_SLOTS - 1 if a else 0
    if verb == STORE_COMP:
        return -2 if a == 1 else -1
    if verb == UNPACK_SEQUENCE:
        return a - 1
    if verb == UNPACK_EX:
        return a + b
    if verb == WITH_CLEANUP:
        return -2 if release.native_finally_keeps_top else -3
    if verb in (END_FINALLY, END_EXCEPT_HANDLER):
        return -1 if release.native_finally_keeps_top == (verb == END_FINALLY) else 0
    return 0
