"""An index that is a number, or that one was added to, becomes a displacement.

      v3 = const.int #4
      v4 = add.int v2, v3
      v5 = loadx32.int v1, v4, #2    ->    v6 = shl.int v2, v7
                                           v8 = add.int v1, v6
                                           v5 = load32.int v8, #16

Accesses at `i + 1` and `i - 1` then share one address.  A displacement that the target's
instructions do not take stays an index.
"""

from __future__ import annotations

from collections import Counter

from mpy_cross.emitters.ssa.cfg import uses_of
from mpy_cross.emitters.ssa.ir import WIDTHS, Function, Value, signed


def run(function: Function) -> None:
    needed = set() if 1 in function.access.steps else _needed(function)
    for block in function.blocks:
        if not any(value.op.startswith(("loadx", "storex")) for value in block.values):
            continue
        values = block.values
        block.values = []
        for value in values:
            if value.op.startswith(("loadx", "storex")):
                _one(function, value, needed)
            block.values.append(value)


def _needed(function: Function) -> set[Value]:
    """Accesses to bytes whose index is there in any case, and whose address no other one shares."""
    uses = uses_of(function)
    shared: Counter[tuple[Value, Value]] = Counter()
    plain: list[tuple[Value, tuple[Value, Value]]] = []
    for block in function.blocks:
        for value in block.values:
            if not value.op.startswith(("loadx", "storex")):
                continue
            base, index = value.args[:2]
            is_sum = index.op == "add" and index.args[1].is_const
            key = (base, index.args[0] if is_sum else index)
            shared[key] += 1
            if is_sum and not value.imm and len(uses[index]) > 1:
                plain.append((value, key))
    return {value for value, key in plain if shared[key] == 1}


def _one(function: Function, access: Value, needed: set[Value]) -> None:
    base, index = access.args[:2]
    scale = access.imm
    rest: Value | None = None
    if access in needed:
        return  # the address would be one more
    if index.is_const:
        offset = signed(index.imm) << scale
    elif index.op == "add" and index.args[1].is_const:
        offset = signed(index.args[1].imm) << scale
        rest = index.args[0]
    else:
        return
    width = WIDTHS[access.op]
    if not function.access.reaches(offset, width):
        return
    block = access.block
    if rest is not None:
        if scale:
            rest = function.append(block, "shl", [rest, function.const(block, scale)])
        base = function.append(block, "add", [base, rest], 0, base.type)
    access.op = f"{'load' if access.op.startswith('load') else 'store'}{8 * width}"
    access.args = [base, *access.args[2:]]
    access.imm = offset
