"""Types and places of values while native code is generated, and the run-time's function table."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, final

# Types of values.  The low four bits are the type number that the run-time's conversion functions
# take (py/runtime0.h); the rest tells special values apart.
PYOBJ: Final = 0
BOOL: Final = 1
INT: Final = 2
UINT: Final = 3
PTR: Final = 4
PTR8: Final = 5
PTR16: Final = 6
PTR32: Final = 7
PTR_NONE: Final = 0x54  # the constant None
UNBOUND: Final = 0x60  # a local that was not assigned yet
BUILTIN_CAST: Final = 0x70  # int, ptr8, ... as a name to call

NATIVE_TYPES: Final[dict[bytes, int]] = {
    b"object": PYOBJ,
    b"bool": BOOL,
    b"int": INT,
    b"uint": UINT,
    b"ptr": PTR,
    b"ptr8": PTR8,
    b"ptr16": PTR16,
    b"ptr32": PTR32,
}
"""Type names of viper (manual 2.6.5)."""

TYPE_NAMES: Final = ("object", "bool", "int", "uint", "ptr", "ptr8", "ptr16", "ptr32")
INTEGERS: Final = (INT, UINT)
WIDTHS: Final = {PTR8: 1, PTR16: 2, PTR32: 4}


def type_name(vtype: int) -> str:
    """The name of a type in an error message."""
    return TYPE_NAMES[vtype] if vtype < len(TYPE_NAMES) else "None"


# Places of a value on the Python stack.
IN_MEMORY: Final = 0
IN_REG: Final = 1
IMMEDIATE: Final = 2


@final
class Slot:
    """A value on the Python stack: its type, its place, and the register or number."""

    __slots__ = ("data", "kind", "vtype")

    def __init__(self, vtype: int = UNBOUND, kind: int = IN_MEMORY, data: int = 0) -> None:
        self.vtype = vtype
        self.kind = kind
        self.data = data


class Fun(IntEnum):
    """Entries of mp_fun_table that generated code uses (py/nativeglue.h)."""

    CONST_NONE_OBJ = 0
    CONST_FALSE_OBJ = 1
    CONST_TRUE_OBJ = 2
    CONVERT_OBJ_TO_NATIVE = 3
    CONVERT_NATIVE_TO_OBJ = 4
    NATIVE_SWAP_GLOBALS = 5
    LOAD_NAME = 6
    LOAD_GLOBAL = 7
    LOAD_BUILD_CLASS = 8
    LOAD_ATTR = 9
    LOAD_METHOD = 10
    LOAD_SUPER_METHOD = 11
    STORE_NAME = 12
    STORE_GLOBAL = 13
    STORE_ATTR = 14
    OBJ_SUBSCR = 15
    OBJ_IS_TRUE = 16
    UNARY_OP = 17
    BINARY_OP = 18
    BUILD_TUPLE = 19
    BUILD_LIST = 20
    BUILD_MAP = 21
    BUILD_SET = 22
    STORE_SET = 23
    LIST_APPEND = 24
    STORE_MAP = 25
    MAKE_FUNCTION = 26
    NATIVE_CALL_FUNCTION_N_KW = 27
    CALL_METHOD_N_KW = 28
    CALL_METHOD_N_KW_VAR = 29
    NATIVE_GETITER = 30
    NATIVE_ITERNEXT = 31
    NLR_PUSH = 32
    NLR_POP = 33
    NATIVE_RAISE = 34
    IMPORT_NAME = 35
    IMPORT_FROM = 36
    IMPORT_ALL = 37
    NEW_SLICE = 38
    UNPACK_SEQUENCE = 39
    UNPACK_EX = 40
    DELETE_NAME = 41
    DELETE_GLOBAL = 42
    MAKE_CLOSURE = 43  # version 6: new closure from a function
    ARG_CHECK_NUM_SIG = 44
    SETUP_CODE_STATE = 45
    SMALL_INT_FLOOR_DIVIDE = 46
    SMALL_INT_MODULO = 47
    NATIVE_YIELD_FROM = 48
    SETJMP = 49
