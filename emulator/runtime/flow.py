"""The control flow of a function: basic blocks, loops and protected regions of its operations.

The operations come from the decoder, that is, from a .mpy file.  The order of blocks is that of
the code, except that the test at the end of a `while` or `range` loop moves to the loop's start,
where it is entered; so every loop starts at its head.
"""

from __future__ import annotations

from enum import IntEnum
from typing import final

from mpy_cross.loader.ops import BinaryOp, ConstToken, FunctionOps, Op, Verb, unpack_call
from mpy_cross.loader.ops import unpack_defaults as unpack_make

_V = Verb


class FlowError(ValueError):
    """The operations do not fit together; only a broken file can have such."""


class RegionKind(IntEnum):
    """What set the region up."""

    EXCEPT = 0
    FINALLY = 1
    WITH = 2


@final
class Region:
    """Operations protected by a handler: positions `start` up to but not including `handler`."""

    __slots__ = (
        "below",
        "depth",
        "handler",
        "handler_block",
        "kind",
        "number",
        "outcomes",
        "start",
    )

    def __init__(self, number: int, kind: RegionKind, start: int, handler: int) -> None:
        self.number = number
        self.kind = kind
        self.start = start
        self.handler = handler
        self.handler_block = -1
        self.below = 2 if kind == RegionKind.WITH else 0
        """Stack slots below `depth` that the handler takes too: the manager of a `with`."""
        self.depth = 0
        """Stack size below the exception when the handler starts."""
        self.outcomes: list[int] = []
        """FINALLY, WITH: how END_FINALLY may go on: RETURN_OUTCOME or a target block."""

    def covers(self, position: int) -> bool:
        return self.start <= position < self.handler


RETURN_OUTCOME = -1


@final
class Block:
    """Operations that run one after the other; `next` is where the last one falls through to."""

    __slots__ = (
        "depth",
        "exc_stack",
        "fall",
        "last",
        "line",
        "number",
        "ops",
        "position",
        "rank",
        "tags",
    )

    def __init__(self, number: int, position: int, line: int = 0) -> None:
        self.number = number
        self.line = line
        """The source line of what stands before; 0 if none is known."""
        self.position = position
        """Of the first operation, in the code."""
        self.ops: list[Op] = []
        self.fall = -1
        """Block that follows when the last operation does not jump; -1 for none."""
        self.depth = -1
        """Stack size at the start; -1 while nothing reaches the block."""
        self.tags: tuple[int, ...] = ()
        """For each stack slot the region whose exception it holds, or -1."""
        self.exc_stack: tuple[int, ...] = ()
        """Numbers of the regions entered and not left, handlers included."""
        self.rank = -1
        """Place in the order in which blocks are written."""
        self.last: Op | None = None
        """The operation that ends the block, if it is a jump or the like; not among `ops`."""


@final
class Loop:
    """Blocks of ranks `first` to `last`, entered at `first`."""

    __slots__ = ("first", "last")

    def __init__(self, first: int, last: int) -> None:
        self.first = first
        self.last = last


_ENDS = frozenset((_V.JUMP, _V.UNWIND_JUMP, _V.POP_EXCEPT_JUMP, _V.RETURN_VALUE, _V.RAISE))
_BRANCHES = frozenset((_V.POP_JUMP_IF, _V.JUMP_IF_OR_POP, _V.FOR_ITER))
_SETUPS = {
    int(_V.SETUP_EXCEPT): RegionKind.EXCEPT,
    int(_V.SETUP_FINALLY): RegionKind.FINALLY,
    int(_V.SETUP_WITH): RegionKind.WITH,
}
ITER_SLOTS = 4
"""Stack slots of an iterator that stays on the stack."""
ITER_AT = 1
"""Which of these slots holds it; generator expressions put it there themselves."""

# Change of the stack size by verbs for which it is fixed.
EFFECTS: dict[int, int] = {
    _V.LOAD_FAST: 1,
    _V.LOAD_DEREF: 1,
    _V.LOAD_NAME: 1,
    _V.LOAD_GLOBAL: 1,
    _V.STORE_FAST: -1,
    _V.STORE_DEREF: -1,
    _V.STORE_NAME: -1,
    _V.STORE_GLOBAL: -1,
    _V.DELETE_FAST: 0,
    _V.DELETE_DEREF: 0,
    _V.DELETE_NAME: 0,
    _V.DELETE_GLOBAL: 0,
    _V.LOAD_CONST_TOK: 1,
    _V.LOAD_CONST_SMALL_INT: 1,
    _V.LOAD_CONST_STR: 1,
    _V.LOAD_CONST_OBJ: 1,
    _V.LOAD_NULL: 1,
    _V.LOAD_BUILD_CLASS: 1,
    _V.LOAD_SUBSCR: -1,
    _V.STORE_SUBSCR: -3,
    _V.LOAD_ATTR: 0,
    _V.STORE_ATTR: -2,
    _V.DUP_TOP: 1,
    _V.DUP_TOP_TWO: 2,
    _V.POP_TOP: -1,
    _V.ROT_TWO: 0,
    _V.ROT_THREE: 0,
    _V.UNARY_OP: 0,
    _V.BINARY_OP: -1,
    _V.BUILD_MAP: 1,
    _V.STORE_MAP: -2,
    _V.YIELD_VALUE: 0,
    _V.YIELD_FROM: -1,
    _V.IMPORT_NAME: -1,
    _V.IMPORT_FROM: 1,
    _V.IMPORT_STAR: -1,
    _V.WITH_CLEANUP: -2,
    _V.END_FINALLY: -1,
    _V.RETURN_VALUE: -1,
}


# Verbs that take values and leave none.
_CONSUMERS = frozenset(
    (
        _V.STORE_FAST,
        _V.STORE_DEREF,
        _V.STORE_NAME,
        _V.STORE_GLOBAL,
        _V.STORE_ATTR,
        _V.STORE_SUBSCR,
        _V.STORE_MAP,
        _V.STORE_COMP,
        _V.DELETE_FAST,
        _V.DELETE_DEREF,
        _V.DELETE_NAME,
        _V.DELETE_GLOBAL,
        _V.POP_TOP,
        _V.IMPORT_STAR,
        _V.UNPACK_SEQUENCE,  # of none; of more it adds values
    )
)


def effect(op: Op) -> int:
    """Change of the stack size by an operation that neither jumps nor sets up a handler."""
    verb, a, b = op
    fixed = EFFECTS.get(verb)
    if fixed is not None:
        return fixed
    if verb == _V.LOAD_METHOD:
        return -1 if b else 1
    if verb == _V.GET_ITER:
        return ITER_SLOTS - 1 if a else 0
    if verb in (_V.BUILD_TUPLE, _V.BUILD_LIST, _V.BUILD_SET, _V.BUILD_SLICE):
        return 1 - a
    if verb == _V.STORE_COMP:
        return -2 if a == 1 else -1
    if verb == _V.UNPACK_SEQUENCE:
        return a - 1
    if verb == _V.UNPACK_EX:
        return a + b
    if verb in (_V.MAKE_FUNCTION, _V.MAKE_CLOSURE):
        n_closed, n_positional, n_keyword = unpack_make(b)
        return 1 - n_closed - (2 if n_positional or n_keyword else 0)
    if verb == _V.RAISE:
        return -a
    raise FlowError(f"{Verb(verb).name} cannot stand here")


def call_slots(op: Op, bitmap: bool) -> int:
    """Stack slots that a call takes, the function included."""
    verb, n_positional, b = op
    n_keyword, star = unpack_call(b)
    slots = n_positional + 2 * n_keyword + (1 if verb == _V.CALL_FUNCTION else 2)
    if star:
        slots += 1 if bitmap else 2
    return slots


@final
class Flow:
    """Blocks in the order in which to write them, loops and regions."""

    __slots__ = (
        "async_handlers",
        "bitmap",
        "blocks",
        "by_label",
        "loops",
        "order",
        "region_of",
        "regions",
    )

    def __init__(self, function: FunctionOps, names: list[bytes], bitmap: bool) -> None:
        """`bitmap` says that a call's star arguments are told by a bitmap (version 6).

        Raises FlowError.
        """
        self.bitmap = bitmap
        ops, self.async_handlers = _prepared(function.ops, names)
        self.blocks: list[Block] = []
        self.by_label: dict[int, int] = {}
        self.regions: list[Region] = []
        self.region_of: dict[int, Region] = {}
        """By number of the block whose last operation sets the region up."""
        self._split(ops)
        self._walk()
        self.order = [block for block in self.blocks if block.depth >= 0]
        self._rank()
        self._rotate()
        self.loops = self._loops()

    # ------------------------------------------------------------------------------- blocks

    def _split(self, ops: list[Op]) -> None:
        blocks = self.blocks
        setups: list[tuple[int, RegionKind, int, int]] = []
        current = Block(0, 0)
        blocks.append(current)
        line = 0
        for position, op in enumerate(ops):
            verb = op[0]
            if verb == _V.LINE:
                line = op[1]
            if verb == _V.LABEL or (current.last is not None):
                if current.ops or current.last is not None:
                    before = current
                    current = Block(len(blocks), position, line)
                    blocks.append(current)
                    if before.last is None or before.last[0] not in _ENDS:
                        before.fall = current.number
                if verb == _V.LABEL:
                    self.by_label[op[1]] = current.number
                    continue
            if verb == _V.FOR_ITER and any(other[0] != _V.LINE for other in current.ops):
                before = current
                current = Block(len(blocks), position, line)
                blocks.append(current)
                before.fall = current.number
            if verb in _ENDS or verb in _BRANCHES or verb in _SETUPS or verb == _V.END_FINALLY:
                current.last = op
                if verb in _SETUPS:
                    setups.append((position + 1, _SETUPS[verb], op[1], current.number))
            else:
                current.ops.append(op)
        if current.last is None or current.last[0] not in _ENDS:
            # The code of every function ends with a return; what is left over is never reached.
            current.last = (int(_V.RAISE), 0, 0)
        position_of = {block.number: block.position for block in blocks}
        for number, (start, kind, label, source) in enumerate(setups):
            handler = self.target(label)
            region = Region(number, kind, start, position_of[handler])
            region.handler_block = handler
            if label in self.async_handlers:
                region.below = 1
            if region.handler < start:
                raise FlowError("a handler stands before what it protects")
            self.regions.append(region)
            self.region_of[source] = region

    def target(self, label: int) -> int:
        """The block of a label.  Raises FlowError if there is none."""
        block = self.by_label.get(label)
        if block is None:
            raise FlowError(f"there is no label {label}")
        return block

    def enclosing(self, position: int) -> list[Region]:
        """The regions that protect a position, outermost first."""
        return [region for region in self.regions if region.covers(position)]

    # ------------------------------------------------------------------------- stack sizes

    def _walk(self) -> None:
        """Stack size, and where exceptions are, at the start of each block."""
        todo: list[int] = []
        self._reach(0, (), (), todo)
        while todo:
            block = self.blocks[todo.pop()]
            tags = list(block.tags)
            exc = block.exc_stack
            for op in block.ops:
                self._step(op, tags)
            last = block.last
            if last is None:
                self._reach(block.fall, tuple(tags), exc, todo)
                continue
            verb, a, _ = last
            if verb in (_V.JUMP, _V.UNWIND_JUMP, _V.POP_EXCEPT_JUMP):
                target = self.target(a)
                if verb == _V.POP_EXCEPT_JUMP:
                    exc = exc[:-1]
                elif verb == _V.UNWIND_JUMP:
                    exc = self._unwind(tags, exc, last[2] >> 1, bool(last[2] & 1))
                self._reach(target, tuple(tags), exc, todo)
            elif verb == _V.POP_JUMP_IF:
                self._pop(tags, 1)
                self._reach(self.target(a), tuple(tags), exc, todo)
                self._reach(block.fall, tuple(tags), exc, todo)
            elif verb == _V.JUMP_IF_OR_POP:
                self._reach(self.target(a), tuple(tags), exc, todo)
                self._pop(tags, 1)
                self._reach(block.fall, tuple(tags), exc, todo)
            elif verb == _V.FOR_ITER:
                self._reach(block.fall, (*tags, -1), exc, todo)
                self._pop(tags, ITER_SLOTS)
                self._reach(self.target(a), tuple(tags), exc, todo)
            elif verb in _SETUPS:
                region = self.region_of[block.number]
                inside = (*exc, region.number)
                if verb == _V.SETUP_WITH:
                    tags.append(-1)
                region.depth = len(tags)
                self._reach(region.handler_block, (*tags, region.number), inside, todo)
                if verb == _V.SETUP_WITH:
                    tags.append(-1)
                self._reach(block.fall, tuple(tags), inside, todo)
            elif verb == _V.END_FINALLY:
                self._pop(tags, 1)
                self._reach(block.fall, tuple(tags), exc[:-1], todo)
            # RETURN_VALUE, RAISE: nothing follows

    def _unwind(
        self, tags: list[int], exc: tuple[int, ...], count: int, leaves_for: bool
    ) -> tuple[int, ...]:
        """Take off the stack what a jump out of `count` regions takes; gives the regions left."""
        if count > len(exc):
            raise FlowError("a jump out of more regions than were entered")
        if count:
            region = self.regions[exc[len(exc) - count]]
            del tags[region.depth - region.below :]
        if leaves_for:
            self._pop(tags, ITER_SLOTS)
        return exc[: len(exc) - count]

    def _reach(
        self, number: int, tags: tuple[int, ...], exc: tuple[int, ...], todo: list[int]
    ) -> None:
        if number < 0:
            raise FlowError("the code runs off its end")
        block = self.blocks[number]
        if block.depth < 0:
            block.depth = len(tags)
            block.tags = tags
            block.exc_stack = exc
            todo.append(number)
            return
        if block.depth != len(tags):
            raise FlowError(
                f"stack sizes {block.depth} and {len(tags)} meet at position {block.position}"
            )
        merged = tuple(max(a, b) for a, b in zip(block.tags, tags, strict=True))
        if merged != block.tags:
            block.tags = merged
            todo.append(number)

    def _pop(self, tags: list[int], count: int) -> None:
        if count > len(tags):
            raise FlowError("more is taken from the stack than there is")
        if count:
            del tags[-count:]

    def _step(self, op: Op, tags: list[int]) -> None:
        verb = op[0]
        if verb == _V.LINE:
            return
        if verb == _V.DUP_TOP:
            self._need(tags, 1)
            tags.append(tags[-1])
        elif verb == _V.DUP_TOP_TWO:
            self._need(tags, 2)
            tags.extend(tags[-2:])
        elif verb == _V.ROT_TWO:
            self._need(tags, 2)
            tags[-2:] = [tags[-1], tags[-2]]
        elif verb == _V.ROT_THREE:
            self._need(tags, 3)
            tags[-3:] = [tags[-1], tags[-3], tags[-2]]
        elif verb == _V.WITH_CLEANUP:
            self._need(tags, 3)
            tags[-3:] = [tags[-1]]
        elif verb in (_V.CALL_FUNCTION, _V.CALL_METHOD):
            self._pop(tags, call_slots(op, self.bitmap))
            tags.append(-1)
        else:
            change = effect(op)
            if change <= 0:
                self._pop(tags, -change)
                if verb not in _CONSUMERS:
                    self._need(tags, 1)
                    tags[-1] = -1
            else:
                tags.extend([-1] * change)

    def _need(self, tags: list[int], count: int) -> None:
        if count > len(tags):
            raise FlowError("more is taken from the stack than there is")

    # -------------------------------------------------------------------------------- order

    def _rank(self) -> None:
        for rank, block in enumerate(self.order):
            block.rank = rank

    def jumps(self, block: Block) -> list[int]:
        """Ranks of the blocks that the end of the block may go to, handlers aside."""
        last = block.last
        numbers: list[int] = []
        if last is not None and (
            last[0] in _BRANCHES
            or last[0]
            in (
                _V.JUMP,
                _V.UNWIND_JUMP,
                _V.POP_EXCEPT_JUMP,
            )
        ):
            numbers.append(self.target(last[1]))
        if block.fall >= 0 and not (last is not None and last[0] in _ENDS):
            numbers.append(block.fall)
        return [self.blocks[number].rank for number in numbers]

    def _rotate(self) -> None:
        """Move the test at the end of a loop to the front, where the loop is entered."""
        rank = 0
        while rank < len(self.order):
            ends = [
                source.rank
                for source in self.order[rank:]
                if rank in self.jumps(source) and source.rank >= rank
            ]
            if ends and rank > 0:
                last = max(ends)
                entry = self.order[rank - 1]
                if entry.last is not None and entry.last[0] == _V.JUMP:
                    test = self.blocks[self.target(entry.last[1])].rank
                    if rank < test <= last and self._is_plain(test, last):
                        body = self.order[rank:test]
                        self.order[rank : last + 1] = self.order[test : last + 1] + body
                        self._rank()
            rank += 1

    def _is_plain(self, first: int, last: int) -> bool:
        """Whether the blocks have nothing to do with handlers, and no end of a region is near."""
        for block in self.order[first : last + 1]:
            if block.last is not None and block.last[0] not in (_V.JUMP, _V.POP_JUMP_IF):
                return False
            if any(region.handler_block == block.number for region in self.regions):
                return False
        inside = [r.number for r in self.enclosing(self.order[first].position)]
        return all(
            [r.number for r in self.enclosing(block.position)] == inside
            for block in self.order[first : last + 1]
        )

    def _loops(self) -> list[Loop]:
        ends: dict[int, int] = {}
        for block in self.order:
            for target in self.jumps(block):
                if target <= block.rank:
                    ends[target] = max(ends.get(target, -1), block.rank)
        loops = [Loop(first, last) for first, last in sorted(ends.items())]
        changed = True
        while changed:  # loops and regions either lie inside each other or apart
            changed = False
            spans = [self.span(region) for region in self.regions]
            for loop in loops:
                for other in loops:
                    if loop.first < other.first <= loop.last < other.last:
                        loop.last = other.last
                        changed = True
                for span in spans:
                    if span is not None and loop.first < span[0] <= loop.last < span[1]:
                        loop.last = span[1]
                        changed = True
        return loops

    def span(self, region: Region) -> tuple[int, int] | None:
        """Ranks of the first and last protected block; None if nothing of it is reached."""
        ranks = [block.rank for block in self.order if region.covers(block.position)]
        if not ranks:
            return None
        first, last = min(ranks), max(ranks)
        if last - first + 1 != len(ranks):
            raise FlowError("protected code lies in several places")
        return first, last


def _prepared(ops: list[Op], names: list[bytes]) -> tuple[list[Op], set[int]]:
    """The operations with WITH_CLEANUP's None made visible, and `async with` made regular.

    The labels are those of the handlers of `async with`.
    """
    out: list[Op] = []
    for op in ops:
        if op[0] == _V.WITH_CLEANUP:
            out.append((int(_V.LOAD_CONST_TOK), int(ConstToken.NONE), 0))
            out.append((int(_V.LABEL), op[1], 0))
        if op[0] == _V.LABEL and out and out[-1] == op:
            continue
        out.append(op)
    return out, _regular_async_with(out, names)


def _regular_async_with(ops: list[Op], names: list[bytes]) -> set[int]:
    """In the handler of `async with` a pending jump is one value on the stack, not two.

    The handler asks whether it has an exception, and if not turns three values round by two
    ROT_THREE; here there are only two values to turn.  Gives the labels of such handlers.
    """
    found: set[int] = set()
    i = 3
    while i < len(ops):
        if (
            ops[i][0] == _V.POP_JUMP_IF
            and ops[i][2] == 0
            and ops[i - 1][:2] == (_V.BINARY_OP, BinaryOp.EXCEPTION_MATCH)
            and ops[i - 2][0] == _V.LOAD_GLOBAL
            and names[ops[i - 2][1]] == b"BaseException"
            and ops[i - 3][0] == _V.DUP_TOP
            and (int(_V.LABEL), ops[i][1], 0) in ops
        ):
            at = ops.index((int(_V.LABEL), ops[i][1], 0)) + 1
            while at < len(ops) and ops[at][0] == _V.LINE:
                at += 1
            if [op[0] for op in ops[at : at + 2]] == [_V.ROT_THREE, _V.ROT_THREE]:
                ops[at : at + 2] = [(int(_V.ROT_TWO), 0, 0)]
                start = i - 4
                while start >= 0 and ops[start][0] in (_V.LINE, _V.LABEL):
                    if ops[start][0] == _V.LABEL:
                        found.add(ops[start][1])
                    start -= 1
        i += 1
    return found
