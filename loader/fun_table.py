"""What machine code knows of the run-time: the entries of mp_fun_table, and fields of objects.

From MicroPython's py/nativeglue.h (the table), py/objfun.h and py/bc.h (the fields).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Fun(IntEnum):
    """Entries of mp_fun_table that compiled code uses; the same numbers since 1.12."""

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


def _entries(make_function: str, make_closure: str, modules: str) -> tuple[str, ...]:
    """Names by index; `modules` are those that only modules written in C use."""
    names = [entry.name.lower() for entry in Fun]
    names[Fun.MAKE_FUNCTION] = make_function
    names[Fun.MAKE_CLOSURE] = make_closure
    return (*names, *modules.split())


_LIBC: Final = "memset memmove realloc printf vprintf"
_VALUES: Final = (
    "raise_msg obj_get_type obj_new_str obj_new_bytes obj_new_bytearray_by_ref "
    "obj_new_float_from_f obj_new_float_from_d obj_get_float_to_f obj_get_float_to_d"
)
_TYPES: Final = (
    "type_type type_str type_list type_dict "
    "type_fun_builtin_0 type_fun_builtin_1 type_fun_builtin_2 type_fun_builtin_3 "
    "type_fun_builtin_var"
)
_STREAMS: Final = (
    "stream_read_obj stream_readinto_obj stream_unbuffered_readline_obj stream_write_obj"
)
_BUFFER_RAISE: Final = (
    f"{_LIBC} {_VALUES} get_buffer_raise get_stream_raise plat_print {_TYPES} {_STREAMS}"
)
_GET_BUFFER: Final = (
    f"{_LIBC} {_VALUES} get_buffer get_stream_raise plat_print {_TYPES} {_STREAMS}"
)
_PARSE_ARGUMENTS: Final = (
    f"{_LIBC} {_VALUES} load_method_maybe get_buffer get_stream_raise arg_parse_all "
    "arg_parse_all_kw_array binary_get_size binary_get_val_array binary_set_val_array plat_print "
    f"{_TYPES} type_Exception {_STREAMS}"
)

FUN_TABLE_1_12: Final = _entries(
    "make_function_from_raw_code", "make_closure_from_raw_code", _BUFFER_RAISE
)
FUN_TABLE_1_19: Final = _entries("make_function_from_raw_code", "new_closure", _BUFFER_RAISE)
FUN_TABLE_1_22: Final = _entries("make_function_from_raw_code", "new_closure", _GET_BUFFER)
FUN_TABLE_1_23: Final = _entries("make_function_from_proto_fun", "new_closure", _PARSE_ARGUMENTS)
"""Names of all entries, by index, of a release and those after it."""

SENTINEL: Final = 4
"""MP_OBJ_SENTINEL: what obj_subscr gets in place of a value to load an item."""

# Fields that compiled code reads, in machine words from the start of the object.
# The state of a running function, mp_code_state_t.
CODE_STATE_FUN_BC: Final = 0
CODE_STATE_IP: Final = 1
CODE_STATE_SP: Final = 2
CODE_STATE_N_STATE: Final = 3
CODE_STATE_STATE: Final = 5
CODE_STATE_WORDS: Final = 5
# A function object, mp_obj_fun_bc_t: version 5.
FUN_BC_GLOBALS: Final = 1
FUN_BC_BYTECODE: Final = 2
FUN_BC_CONST_TABLE: Final = 3
# The same: version 6.
FUN_BC_CONTEXT: Final = 1
FUN_BC_CHILD_TABLE: Final = 2
# What the functions of a module share, mp_module_context_t (version 6).
CONTEXT_GLOBALS: Final = 1
CONTEXT_QSTR_TABLE: Final = 2
CONTEXT_OBJ_TABLE: Final = 3
# A str or bytes object.
STR_DATA: Final = 3
