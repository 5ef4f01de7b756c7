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

from mpy_cross.emitters.ssa.ir import WIDTHS, Function, Value, signed


def run(function: Function) -> None:
    for block in function.blocks:
        if not any(value.op.startswith(("loadx", "storex")) for value in block.values):
            continue
        values = block.values
        block.values = []
        for value in values:
            if value.op.startswith(("loadx", "storex")):
                _one(function, value)
            block.values.append(value)


def _one(function: Function, access: Value) -> None:
    base, index = access.args[:2]
    scale = access.imm
    rest: Value | None = None
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
