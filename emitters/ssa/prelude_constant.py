"""Version 5 on cores that read code by words only: the prelude is an object as well.

      v5 = prelude.int       ->    v6 = field.ptr v2, #8      (the object, of the constant table v2)
                                   v7 = field.ptr v6, #12     (its bytes)
                                   v8 = field.ptr v1, #8      (the code of the function v1)
                                   v5 = sub.int v7, v8

It is the first one of the function's constants, as the official tool has it.
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.build import WORD_SIZE
from mpy_cross.emitters.ssa.ir import Function, Value
from mpy_cross.emitters.ssa.native_entry import NativeEntry
from mpy_cross.loader.fun_table import FUN_BC_BYTECODE, STR_DATA


def add(builder: NativeEntry, function: Function, prelude: bytes) -> None:
    """Make the prelude a constant of the function that has just been built."""
    first = (builder.n_args + 1) * WORD_SIZE
    table = builder.const_table
    assert table is not None
    for block in function.blocks:
        values = block.values
        block.values = []
        for value in values:
            if value.op == "field" and value.args[0] is table and value.imm >= first:
                value.imm += WORD_SIZE
            elif value.op == "prelude":
                fields: list[Value] = []
                for base, offset in ((table, first), (None, STR_DATA * WORD_SIZE),
                                     (builder.fun_obj, FUN_BC_BYTECODE * WORD_SIZE)):
                    base = fields[-1] if base is None else base
                    fields.append(function.append(block, "field", [base], offset, "ptr"))
                value.op = "sub"
                value.args = fields[1:]
            block.values.append(value)
    builder.module_consts.insert(0, prelude)
