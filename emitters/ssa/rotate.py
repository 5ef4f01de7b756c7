"""Loops with their test at the end: before the first round the test stands once more.

    before                      after
     ...  jump L9                ...  TEST, pop_jump_if true L8
     L8:  body                        jump L20
     L9:  TEST                   L8:  body
          pop_jump_if true L8    L9:  TEST, pop_jump_if true L8
                                 L20:

The lowering jumps to the test of a loop.  With the test repeated, the body begins where both tests
go, so a loop that runs at all is a straight way in and one conditional jump back, and what does not
change in the loop has a place before it.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.loader.ops import Op, Verb

LABEL: Final = int(Verb.LABEL)
JUMP: Final = int(Verb.JUMP)
POP_JUMP_IF: Final = int(Verb.POP_JUMP_IF)
JUMP_IF_OR_POP: Final = int(Verb.JUMP_IF_OR_POP)
LINE: Final = int(Verb.LINE)
LOCAL_JUMPS: Final = (JUMP, POP_JUMP_IF, JUMP_IF_OR_POP)

MAX_TEST: Final = 40
"""Operations of a test that is worth repeating."""


def rotate(ops: list[Op], n_labels: int) -> list[Op]:
    """The operations with rotated loops; new labels count from `n_labels`."""
    places = {op[1]: i for i, op in enumerate(ops) if op[0] == LABEL}
    # Where a test ends -> the label to be placed there.
    ends: dict[int, int] = {}
    # Where a jump to a test is -> the test.
    starts: dict[int, tuple[int, int]] = {}
    for i, op in enumerate(ops[:-1]):
        if op[0] != JUMP or ops[i + 1][0] != LABEL or places.get(op[1], -1) <= i:
            continue
        start = places[op[1]] + 1
        end = _end_of_test(ops, start, ops[i + 1][1])
        if end > start:
            starts[i] = start, end
    out: list[Op] = []
    for i, op in enumerate(ops):
        if i in ends:
            out.append((LABEL, ends[i], 0))
        if i not in starts:
            out.append(op)
            continue
        start, end = starts[i]
        if end not in ends:
            ends[end] = n_labels
            n_labels += 1
        n_labels = _copy(ops[start:end], out, n_labels)
        out.append((JUMP, ends[end], 0))
    if len(ops) in ends:
        out.append((LABEL, ends[len(ops)], 0))
    return out


def _end_of_test(ops: list[Op], start: int, body: int) -> int:
    """Behind the last jump to `body` that only a test stands before; 0 if there is none."""
    inner: set[int] = set()
    end = 0
    for i in range(start, min(start + MAX_TEST, len(ops))):
        verb, a, _ = ops[i]
        if verb == LABEL:
            if a not in inner:
                break  # the loop is over, or something else comes here as well
        elif verb in LOCAL_JUMPS:
            if verb == POP_JUMP_IF and a == body:
                end = i + 1
            elif verb == JUMP and a not in inner and end == 0:
                inner.add(a)
            else:
                inner.add(a)
        elif verb in STOPPERS:
            break
    return end


STOPPERS: Final = tuple(int(verb) for verb in (
    Verb.STATEMENT_END, Verb.RETURN_VALUE, Verb.RAISE, Verb.UNWIND_JUMP, Verb.SETUP_EXCEPT,
    Verb.SETUP_FINALLY, Verb.SETUP_WITH, Verb.FOR_ITER, Verb.STORE_FAST, Verb.MAKE_FUNCTION,
    Verb.MAKE_CLOSURE, Verb.YIELD_VALUE, Verb.YIELD_FROM,
))
"""What a test has none of, or what makes it not worth repeating."""


def _copy(test: list[Op], out: list[Op], n_labels: int) -> int:
    """Append the test with labels of its own; the number of labels afterwards."""
    new: dict[int, int] = {}
    for verb, a, _ in test:
        if verb == LABEL:
            new[a] = n_labels
            n_labels += 1
    for op in test:
        if op[0] == LABEL or op[0] in LOCAL_JUMPS:
            out.append((op[0], new.get(op[1], op[1]), op[2]))
        else:
            out.append(op)
    return n_labels
