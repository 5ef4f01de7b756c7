"""`-X viper-checks`: subscripts of a pointer stay within the buffer that it was made of.

Beside each pointer there is a limit, the number of bytes of its buffer, which the run-time tells
when an object becomes a pointer.  It goes wherever the pointer goes: into variables, through casts
between pointers, and over joins of control.  The limit of a pointer that was made of a number is
`UNLIMITED`; nothing is known of what is there.

An index is outside if, as a number without sign, it is not less than the limit in elements; so are
negative ones.  Then the run-time is asked for an element of an empty bytes object, which raises
IndexError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mpy_cross.emitters.native.values import NATIVE_TYPES, PTR, PYOBJ
from mpy_cross.emitters.ssa import ir
from mpy_cross.emitters.ssa.ir import OBJ, TYPES, Value
from mpy_cross.loader.fun_table import Fun
from mpy_cross.loader.ops import Op, Verb

if TYPE_CHECKING:
    from mpy_cross.emitters.native.state import Linker
    from mpy_cross.emitters.ssa.build import Builder

UNLIMITED: Final = ir.WORD
BUFFER_WORDS: Final = 3
"""Of mp_buffer_info_t: address, length in bytes, type (py/obj.h)."""
READ: Final = 1  # MP_BUFFER_READ; the run-time itself asks for no more
LIMITS: Final = 1 << 22
"""Added to the number of a local for the variable with its limit; subtracted for places of the
stack, whose numbers are negative."""
SENTINEL: Final = 4  # MP_OBJ_SENTINEL: load, not store or delete


def is_pointer(vtype: int) -> bool:
    return PTR <= vtype < len(TYPES)


def makes_pointers(params: dict[int, int], ops: list[Op], linker: Linker) -> bool:
    """Whether a function has pointers: as arguments, or by a cast."""
    return any(is_pointer(vtype) for vtype in params.values()) or any(
        op[0] == Verb.LOAD_GLOBAL and is_pointer(NATIVE_TYPES.get(linker.name_text(op[1]), PYOBJ))
        for op in ops
    )


def limit_variable(variable: int) -> int:
    """The variable with the limit of what a variable, or a place of the stack, holds."""
    return variable + LIMITS if variable >= 0 else variable - LIMITS


def limit_of(b: Builder, value: Value) -> Value:
    """The limit of a pointer, as a value of the current block or an earlier one."""
    assert b.limits is not None
    limit = b.limits.get(value)
    return b.const(UNLIMITED) if limit is None else limit


def pointer_of(b: Builder, value: Value, vtype: int) -> Value:
    """An object as a pointer: the address of its buffer, or the number that it is."""
    assert b.limits is not None
    table = b.release.fun_table
    info = b.block_value("frame", [], b.buffer_word, "ptr")
    buffer, number, after = b.new_block(), b.new_block(), b.new_block()
    if "get_buffer" in table:
        has_one = b.call(table.index("get_buffer"), [value, info, b.const(READ)], ir.BOOL)
        b.branch("ne", has_one, b.const(0), buffer, number)
        b.block = buffer
    else:
        # The run-time has only what raises TypeError for an object without a buffer.
        get_type = table.index("obj_get_type")
        kind = b.call(get_type, [value], "ptr")
        b.branch("eq", kind, b.call(get_type, [b.const(1, OBJ)], "ptr"), number, buffer)
        b.block = buffer
        b.call(table.index("get_buffer_raise"), [value, info, b.const(READ)], ir.INT)
    address = b.block_value("getframe", [], b.buffer_word, TYPES[vtype])
    length = b.block_value("getframe", [], b.buffer_word + 1)
    b.jump(after)
    b.block = number
    other = b.call(Fun.CONVERT_OBJ_TO_NATIVE, [value, b.const(vtype)], TYPES[vtype])
    unlimited = b.const(UNLIMITED)
    b.jump(after)
    b.block = after
    pointer = b.ssa.new_value("phi", TYPES[vtype], [address, other], 0, after)
    limit = b.ssa.new_value("phi", ir.INT, [length, unlimited], 0, after)
    after.phis += [pointer, limit]
    b.limits[pointer] = limit
    return pointer


def check(b: Builder, pointer: Value, index: Value, width: int) -> None:
    """Raise IndexError unless element `index`, of `width` bytes, is in the pointer's buffer."""
    if b.limits is None:
        return
    limit = b.limits.get(pointer)
    if limit is None or limit.is_const:
        return
    n = limit
    if width > 1:
        n = b.block_value("lsr", [limit, b.const(width >> 1)])
    inside, outside = b.new_block(False), b.new_block()
    outside.is_cold = True
    b.branch("hs", index, n, outside, inside)
    b.block = outside
    b.branch("eq", limit, b.const(UNLIMITED), inside, _failing(b))
    b.variables.closed.add(inside)
    b.block = inside


def _failing(b: Builder) -> ir.Block:
    """The block that raises IndexError, of which a function needs one."""
    if b.failing is None:
        here = b.block
        b.block = b.failing = b.new_block(False)
        b.failing.is_cold = True
        empty = b.load_object(b"")
        b.call(Fun.OBJ_SUBSCR, [empty, b.const(1, OBJ), b.const(SENTINEL)])
        b.failing.term = ir.DEAD
        b.block = here
    return b.failing
