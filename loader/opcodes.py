"""The bytecode: one row per opcode (py/bc0.h; the numbers are the same from 1.12 to 1.29).

What differs between .mpy version 5 and 6 is only how some operands are stored, see `Operand`.
The constants are plain integers, for the emitter and the virtual machine.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, final

from mpy_cross.loader.ops import BinaryOp, UnaryOp

LOAD_CONST_STRING = 0x10
LOAD_NAME = 0x11
LOAD_GLOBAL = 0x12
LOAD_ATTR = 0x13
LOAD_METHOD = 0x14
LOAD_SUPER_METHOD = 0x15
STORE_NAME = 0x16
STORE_GLOBAL = 0x17
STORE_ATTR = 0x18
DELETE_NAME = 0x19
DELETE_GLOBAL = 0x1A
IMPORT_NAME = 0x1B
IMPORT_FROM = 0x1C
MAKE_CLOSURE = 0x20
MAKE_CLOSURE_DEFARGS = 0x21
LOAD_CONST_SMALL_INT = 0x22
LOAD_CONST_OBJ = 0x23
LOAD_FAST_N = 0x24
LOAD_DEREF = 0x25
STORE_FAST_N = 0x26
STORE_DEREF = 0x27
DELETE_FAST = 0x28
DELETE_DEREF = 0x29
BUILD_TUPLE = 0x2A
BUILD_LIST = 0x2B
BUILD_MAP = 0x2C
BUILD_SET = 0x2D
BUILD_SLICE = 0x2E
STORE_COMP = 0x2F
UNPACK_SEQUENCE = 0x30
UNPACK_EX = 0x31
MAKE_FUNCTION = 0x32
MAKE_FUNCTION_DEFARGS = 0x33
CALL_FUNCTION = 0x34
CALL_FUNCTION_VAR_KW = 0x35
CALL_METHOD = 0x36
CALL_METHOD_VAR_KW = 0x37
UNWIND_JUMP = 0x40
JUMP = 0x42
POP_JUMP_IF_TRUE = 0x43
POP_JUMP_IF_FALSE = 0x44
JUMP_IF_TRUE_OR_POP = 0x45
JUMP_IF_FALSE_OR_POP = 0x46
SETUP_WITH = 0x47
SETUP_EXCEPT = 0x48
SETUP_FINALLY = 0x49
POP_EXCEPT_JUMP = 0x4A
FOR_ITER = 0x4B
LOAD_CONST_FALSE = 0x50
LOAD_CONST_NONE = 0x51
LOAD_CONST_TRUE = 0x52
LOAD_NULL = 0x53
LOAD_BUILD_CLASS = 0x54
LOAD_SUBSCR = 0x55
STORE_SUBSCR = 0x56
DUP_TOP = 0x57
DUP_TOP_TWO = 0x58
POP_TOP = 0x59
ROT_TWO = 0x5A
ROT_THREE = 0x5B
WITH_CLEANUP = 0x5C
END_FINALLY = 0x5D
GET_ITER = 0x5E
GET_ITER_STACK = 0x5F
STORE_MAP = 0x62
RETURN_VALUE = 0x63
RAISE_LAST = 0x64
RAISE_OBJ = 0x65
RAISE_FROM = 0x66
YIELD_VALUE = 0x67
YIELD_FROM = 0x68
IMPORT_STAR = 0x69
LOAD_CONST_SMALL_INT_MULTI = 0x70
LOAD_FAST_MULTI = 0xB0
STORE_FAST_MULTI = 0xC0
UNARY_OP_MULTI = 0xD0
BINARY_OP_MULTI = 0xD7

SMALL_INT_MULTI_COUNT = 64
SMALL_INT_MULTI_EXCESS = 16
"""LOAD_CONST_SMALL_INT_MULTI + n + 16 loads the integer n, -16 <= n < 48."""
FAST_MULTI_COUNT = 16
UNARY_OP_COUNT = 4
BINARY_OP_COUNT = 35


class Operand(IntEnum):
    """What follows the opcode byte."""

    NONE = 0
    QSTR = 1
    """A name.  Version 5: two bytes, little-endian, in memory; version 6: index, unsigned."""
    UINT = 2
    """Variable-length unsigned integer."""
    INT = 3
    """Variable-length signed integer."""
    OBJ = 4
    """Unsigned index.  Version 5: into the constant table of the function, behind its argument
    names; version 6: into the object table of the file."""
    CHILD = 5
    """Unsigned index of a child.  Version 5: in the constant table, behind the objects."""
    CHILD_BYTE = 6
    """As CHILD, then one byte: number of closed-over variables."""
    JUMP = 7
    """Signed distance from the next instruction.  Version 5: two bytes, little-endian, plus
    0x8000.  Version 6: one byte plus 0x40, or two bytes (7 low bits with the top bit set, then 8
    high bits) plus 0x4000."""
    JUMP_BYTE = 8
    """As JUMP, then one byte: exception handlers to leave; top bit: pop an iterator.
    The distance counts from before that byte."""
    OR_POP = 9
    """Version 5: as JUMP; version 6: as FORWARD."""
    FORWARD = 10
    """Unsigned distance from the next instruction, stored as JUMP is but without the excess."""


@final
class Opcode(NamedTuple):
    """One row."""

    number: int
    name: str
    operand: Operand


def _rows() -> list[Opcode]:
    rows = list(_PLAIN)
    for i in range(SMALL_INT_MULTI_COUNT):
        rows.append(
            Opcode(
                LOAD_CONST_SMALL_INT_MULTI + i,
                f"LOAD_CONST_SMALL_INT {i - SMALL_INT_MULTI_EXCESS}",
                Operand.NONE,
            )
        )
    for i in range(FAST_MULTI_COUNT):
        rows.append(Opcode(LOAD_FAST_MULTI + i, f"LOAD_FAST {i}", Operand.NONE))
        rows.append(Opcode(STORE_FAST_MULTI + i, f"STORE_FAST {i}", Operand.NONE))
    for i in range(UNARY_OP_COUNT):
        rows.append(Opcode(UNARY_OP_MULTI + i, f"UNARY_OP {UnaryOp(i).name}", Operand.NONE))
    for i in range(BINARY_OP_COUNT):
        rows.append(Opcode(BINARY_OP_MULTI + i, f"BINARY_OP {BinaryOp(i).name}", Operand.NONE))
    return rows


_PLAIN: tuple[Opcode, ...] = (
    Opcode(LOAD_CONST_STRING, "LOAD_CONST_STRING", Operand.QSTR),
    Opcode(LOAD_NAME, "LOAD_NAME", Operand.QSTR),
    Opcode(LOAD_GLOBAL, "LOAD_GLOBAL", Operand.QSTR),
    Opcode(LOAD_ATTR, "LOAD_ATTR", Operand.QSTR),
    Opcode(LOAD_METHOD, "LOAD_METHOD", Operand.QSTR),
    Opcode(LOAD_SUPER_METHOD, "LOAD_SUPER_METHOD", Operand.QSTR),
    Opcode(STORE_NAME, "STORE_NAME", Operand.QSTR),
    Opcode(STORE_GLOBAL, "STORE_GLOBAL", Operand.QSTR),
    Opcode(STORE_ATTR, "STORE_ATTR", Operand.QSTR),
    Opcode(DELETE_NAME, "DELETE_NAME", Operand.QSTR),
    Opcode(DELETE_GLOBAL, "DELETE_GLOBAL", Operand.QSTR),
    Opcode(IMPORT_NAME, "IMPORT_NAME", Operand.QSTR),
    Opcode(IMPORT_FROM, "IMPORT_FROM", Operand.QSTR),
    Opcode(MAKE_CLOSURE, "MAKE_CLOSURE", Operand.CHILD_BYTE),
    Opcode(MAKE_CLOSURE_DEFARGS, "MAKE_CLOSURE_DEFARGS", Operand.CHILD_BYTE),
    Opcode(LOAD_CONST_SMALL_INT, "LOAD_CONST_SMALL_INT", Operand.INT),
    Opcode(LOAD_CONST_OBJ, "LOAD_CONST_OBJ", Operand.OBJ),
    Opcode(LOAD_FAST_N, "LOAD_FAST_N", Operand.UINT),
    Opcode(LOAD_DEREF, "LOAD_DEREF", Operand.UINT),
    Opcode(STORE_FAST_N, "STORE_FAST_N", Operand.UINT),
    Opcode(STORE_DEREF, "STORE_DEREF", Operand.UINT),
    Opcode(DELETE_FAST, "DELETE_FAST", Operand.UINT),
    Opcode(DELETE_DEREF, "DELETE_DEREF", Operand.UINT),
    Opcode(BUILD_TUPLE, "BUILD_TUPLE", Operand.UINT),
    Opcode(BUILD_LIST, "BUILD_LIST", Operand.UINT),
    Opcode(BUILD_MAP, "BUILD_MAP", Operand.UINT),
    Opcode(BUILD_SET, "BUILD_SET", Operand.UINT),
    Opcode(BUILD_SLICE, "BUILD_SLICE", Operand.UINT),
    Opcode(STORE_COMP, "STORE_COMP", Operand.UINT),
    Opcode(UNPACK_SEQUENCE, "UNPACK_SEQUENCE", Operand.UINT),
    Opcode(UNPACK_EX, "UNPACK_EX", Operand.UINT),
    Opcode(MAKE_FUNCTION, "MAKE_FUNCTION", Operand.CHILD),
    Opcode(MAKE_FUNCTION_DEFARGS, "MAKE_FUNCTION_DEFARGS", Operand.CHILD),
    Opcode(CALL_FUNCTION, "CALL_FUNCTION", Operand.UINT),
    Opcode(CALL_FUNCTION_VAR_KW, "CALL_FUNCTION_VAR_KW", Operand.UINT),
    Opcode(CALL_METHOD, "CALL_METHOD", Operand.UINT),
    Opcode(CALL_METHOD_VAR_KW, "CALL_METHOD_VAR_KW", Operand.UINT),
    Opcode(UNWIND_JUMP, "UNWIND_JUMP", Operand.JUMP_BYTE),
    Opcode(JUMP, "JUMP", Operand.JUMP),
    Opcode(POP_JUMP_IF_TRUE, "POP_JUMP_IF_TRUE", Operand.JUMP),
    Opcode(POP_JUMP_IF_FALSE, "POP_JUMP_IF_FALSE", Operand.JUMP),
    Opcode(JUMP_IF_TRUE_OR_POP, "JUMP_IF_TRUE_OR_POP", Operand.OR_POP),
    Opcode(JUMP_IF_FALSE_OR_POP, "JUMP_IF_FALSE_OR_POP", Operand.OR_POP),
    Opcode(SETUP_WITH, "SETUP_WITH", Operand.FORWARD),
    Opcode(SETUP_EXCEPT, "SETUP_EXCEPT", Operand.FORWARD),
    Opcode(SETUP_FINALLY, "SETUP_FINALLY", Operand.FORWARD),
    Opcode(POP_EXCEPT_JUMP, "POP_EXCEPT_JUMP", Operand.FORWARD),
    Opcode(FOR_ITER, "FOR_ITER", Operand.FORWARD),
    Opcode(LOAD_CONST_FALSE, "LOAD_CONST_FALSE", Operand.NONE),
    Opcode(LOAD_CONST_NONE, "LOAD_CONST_NONE", Operand.NONE),
    Opcode(LOAD_CONST_TRUE, "LOAD_CONST_TRUE", Operand.NONE),
    Opcode(LOAD_NULL, "LOAD_NULL", Operand.NONE),
    Opcode(LOAD_BUILD_CLASS, "LOAD_BUILD_CLASS", Operand.NONE),
    Opcode(LOAD_SUBSCR, "LOAD_SUBSCR", Operand.NONE),
    Opcode(STORE_SUBSCR, "STORE_SUBSCR", Operand.NONE),
    Opcode(DUP_TOP, "DUP_TOP", Operand.NONE),
    Opcode(DUP_TOP_TWO, "DUP_TOP_TWO", Operand.NONE),
    Opcode(POP_TOP, "POP_TOP", Operand.NONE),
    Opcode(ROT_TWO, "ROT_TWO", Operand.NONE),
    Opcode(ROT_THREE, "ROT_THREE", Operand.NONE),
    Opcode(WITH_CLEANUP, "WITH_CLEANUP", Operand.NONE),
    Opcode(END_FINALLY, "END_FINALLY", Operand.NONE),
    Opcode(GET_ITER, "GET_ITER", Operand.NONE),
    Opcode(GET_ITER_STACK, "GET_ITER_STACK", Operand.NONE),
    Opcode(STORE_MAP, "STORE_MAP", Operand.NONE),
    Opcode(RETURN_VALUE, "RETURN_VALUE", Operand.NONE),
    Opcode(RAISE_LAST, "RAISE_LAST", Operand.NONE),
    Opcode(RAISE_OBJ, "RAISE_OBJ", Operand.NONE),
    Opcode(RAISE_FROM, "RAISE_FROM", Operand.NONE),
    Opcode(YIELD_VALUE, "YIELD_VALUE", Operand.NONE),
    Opcode(YIELD_FROM, "YIELD_FROM", Operand.NONE),
    Opcode(IMPORT_STAR, "IMPORT_STAR", Operand.NONE),
)

CACHED = frozenset((LOAD_NAME, LOAD_GLOBAL, LOAD_ATTR, STORE_ATTR))
"""Opcodes followed by one more byte, a lookup cache, if the file says so (version 5 only)."""


def _table() -> tuple[Opcode | None, ...]:
    table: list[Opcode | None] = [None] * 256
    for row in _rows():
        if table[row.number] is not None:
            raise ValueError(f"two rows for opcode 0x{row.number:02x}: {row.name}")
        table[row.number] = row
    return tuple(table)


OPCODES: tuple[Opcode | None, ...] = _table()
"""By number; None where there is no such opcode."""

OPERANDS: tuple[int, ...] = tuple(-1 if row is None else int(row.operand) for row in OPCODES)
"""The operand column alone, as plain integers; -1 where there is no such opcode."""
