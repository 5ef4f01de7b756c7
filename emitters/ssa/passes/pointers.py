"""Addresses that go up with a loop's counter become pointers of their own.

    b2: preds b1, b2                       b2: preds b1, b2
      v3 = phi.int v1, v5           ->       v3 = phi.int v1, v5
      v4 = loadx8.int v2, v3, #0             v6 = phi.ptr8 v7, v8
      v5 = add.int v3, v9                    v4 = load8.int v6, #0
                                             v5 = add.int v3, v9
                                             v8 = add.ptr8 v6, v9

The step of the pointer then often joins the access (`[r1], #1`), and the counter may have nothing
left to do but to count.
"""

from __future__ import annotations

from typing import NamedTuple, final

from mpy_cross.emitters.ssa.cfg import Flow, Loop, replace_values, uses_of
from mpy_cross.emitters.ssa.ir import WIDTHS, WORD, Block, Function, Value
from mpy_cross.emitters.ssa.passes import dead

MAX_POINTERS = 4
"""Pointers that one counter may be replaced by."""


@final
class Counter(NamedTuple):
    """A phi that the same is added to in each round."""

    phi: Value
    first: Value
    step: Value
    following: Value


def counters_of(loop: Loop) -> list[Counter]:
    """The counters of a loop with one way in and one way back."""
    found: list[Counter] = []
    entry = loop.entry_edge()
    if entry < 0 or len(loop.head.preds) != 2:
        return found
    for phi in loop.head.phis:
        following = phi.args[1 - entry]
        if following.op != "add" or following.args[0] is not phi:
            continue
        step = following.args[1]
        if step.is_const or step.block not in loop.body:
            found.append(Counter(phi, phi.args[entry], step, following))
    return found


def run(function: Function) -> None:
    for loop in Flow(function).loops:
        before = loop.preheader()
        if before is None:
            continue
        for counter in counters_of(loop):
            _one(function, loop, before, counter)
            dead.run(function)


Access = tuple[Value, bool]
"""A load or store with the counter as its index, or (True) an addition that makes an address."""


def _groups(
    loop: Loop, counter: Counter, uses: dict[Value, list[Value | Block]]
) -> tuple[dict[tuple[Value, int], list[Access]], bool]:
    """Accesses by base and scale, and whether the counter is needed for anything else."""
    groups: dict[tuple[Value, int], list[Access]] = {}
    phi, following = counter.phi, counter.following
    body = loop.body
    other = any(
        user is not phi and not isinstance(user, Block) for user in uses.get(following, ())
    )
    for user in uses.get(phi, ()):
        if user is following:
            continue
        if isinstance(user, Block) or user.block not in body:
            other = True
            continue
        args = user.args
        if (
            user.op in WIDTHS and "x" in user.op and args[1] is phi
            and args[0].block not in body and phi not in (args[0], *args[2:])
        ):
            groups.setdefault((args[0], user.imm), []).append((user, False))
        elif user.op == "add" and args[1] is phi and args[0].block not in body:
            groups.setdefault((args[0], 0), []).append((user, True))
        elif user.op == "add" and args[0] is phi and args[1].block not in body \
                and not args[1].is_const:
            groups.setdefault((args[1], 0), []).append((user, True))
        elif user.op == "shl" and args[1].is_const and _makes_addresses(user, body, uses):
            for sum_ in uses.get(user, ()):
                assert isinstance(sum_, Value)
                base = sum_.args[0] if sum_.args[1] is user else sum_.args[1]
                groups.setdefault((base, args[1].imm), []).append((sum_, True))
        else:
            other = True
    return groups, other


def _makes_addresses(
    shifted: Value, body: set[Block], uses: dict[Value, list[Value | Block]]
) -> bool:
    return all(
        isinstance(user, Value) and user.op == "add" and user.block in body
        and any(arg.block not in body for arg in user.args)
        for user in uses.get(shifted, ())
    )


def _one(function: Function, loop: Loop, before: Block, counter: Counter) -> None:
    uses = uses_of(function)
    groups, other = _groups(loop, counter, uses)
    additions = any(added for group in groups.values() for _, added in group)
    if not groups or len(groups) > MAX_POINTERS or (other and not additions):
        return
    if not other and not _pays(function, counter, groups, uses):
        return
    new: dict[Value, Value] = {}
    for (base, scale), accesses in groups.items():
        if other and not any(added for _, added in accesses):
            continue  # an index costs nothing while the counter is there
        pointer = _pointer(function, loop, before, counter, base, scale)
        for access, added in accesses:
            if added:
                access.block.values.remove(access)
                new[access] = pointer
            else:
                width = WIDTHS[access.op]
                kind = "load" if access.op.startswith("load") else "store"
                access.op = f"{kind}{8 * width}"
                access.args = [pointer, *access.args[2:]]
                access.imm = 0
    replace_values(function, new)


def _pays(
    function: Function, counter: Counter, groups: dict[tuple[Value, int], list[Access]],
    uses: dict[Value, list[Value | Block]],
) -> bool:
    """Whether steps of pointers take no more instructions than indices do, which are scaled, or
    added to a base.  A counter that is not compared then goes, one that goes up by 1 is compared no
    more.  Many pointers find no registers."""
    steps = function.access.steps
    if 1 in steps:
        return True
    n_added = 0
    if len(groups) <= MAX_POINTERS // 2:
        n_added = sum(any(added for _, added in accesses) for accesses in groups.values())
    n_steps = sum((1 << scale) not in steps or any(added for _, added in accesses)
                  for (_, scale), accesses in groups.items())
    saved = (counter.step.is_const and counter.step.imm == 1) or not any(
        isinstance(user, Block) for value in (counter.phi, counter.following)
        for user in uses.get(value, ()))
    return n_steps <= len({scale for _, scale in groups if scale}) + n_added + saved


def _pointer(
    function: Function, loop: Loop, before: Block, counter: Counter, base: Value, scale: int
) -> Value:
    """The phi of base + (counter << scale)."""

    def scaled(value: Value) -> Value:
        if not scale:
            return value
        if value.is_const:
            return function.const(before, value.imm << scale & WORD)
        return function.append(before, "shl", [value, function.const(before, scale)])

    step = counter.step
    if step.is_const and step.block in loop.body:
        step = function.const(before, step.imm)
    first = counter.first
    start = base
    if not (first.is_const and first.imm == 0):
        start = function.append(before, "add", [base, scaled(first)], 0, base.type)
    pointer = function.new_value("phi", base.type, [], 0, loop.head)
    loop.head.phis.append(pointer)
    block = counter.following.block
    following = function.new_value("add", base.type, [pointer, scaled(step)], 0, block)
    block.values.insert(block.values.index(counter.following), following)
    pointer.args = [start, following] if loop.entry_edge() == 0 else [following, start]
    return pointer
