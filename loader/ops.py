"""The stack operations: one vocabulary for every release and every back end.

The compiler records each function as a list of `Op`s; the bytecode emitter, the native emitters and
the virtual machine read it, and the bytecode decoder writes it.  An `Op` is three plain integers
`(verb, a, b)`: streams are long and hot, so there is one small tuple each and no object.  Names and
constants are indices into the tables of the `ModuleOps`, children and labels count per function.

The meaning of `a` and `b` stands beside each verb below.  The vocabulary is that of MicroPython's
emitters (py/emit.h), which hardly changed from 1.12 to 1.29.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import TypeAlias, final

from mpy_cross.loader.inline import InlineCode
from mpy_cross.loader.objects import ConstValue

Op: TypeAlias = tuple[int, int, int]


class UnaryOp(IntEnum):
    """Unary operators, numbered as in the bytecode."""

    POSITIVE = 0
    NEGATIVE = 1
    INVERT = 2
    NOT = 3


class BinaryOp(IntEnum):
    """Binary operators, numbered as in the bytecode; the last two are emitted inverted."""

    LESS = 0
    MORE = 1
    EQUAL = 2
    LESS_EQUAL = 3
    MORE_EQUAL = 4
    NOT_EQUAL = 5
    IN = 6
    IS = 7
    EXCEPTION_MATCH = 8
    INPLACE_OR = 9
    INPLACE_XOR = 10
    INPLACE_AND = 11
    INPLACE_LSHIFT = 12
    INPLACE_RSHIFT = 13
    INPLACE_ADD = 14
    INPLACE_SUBTRACT = 15
    INPLACE_MULTIPLY = 16
    INPLACE_MAT_MULTIPLY = 17
    INPLACE_FLOOR_DIVIDE = 18
    INPLACE_TRUE_DIVIDE = 19
    INPLACE_MODULO = 20
    INPLACE_POWER = 21
    OR = 22
    XOR = 23
    AND = 24
    LSHIFT = 25
    RSHIFT = 26
    ADD = 27
    SUBTRACT = 28
    MULTIPLY = 29
    MAT_MULTIPLY = 30
    FLOOR_DIVIDE = 31
    TRUE_DIVIDE = 32
    MODULO = 33
    POWER = 34
    NOT_IN = 35
    IS_NOT = 36


class ConstToken(IntEnum):
    """Operand of LOAD_CONST_TOK."""

    FALSE = 0
    NONE = 1
    TRUE = 2
    ELLIPSIS = 3


class Verb(IntEnum):
    """What an `Op` does; the comment gives `a` and `b` (unused ones are 0)."""

    LABEL = 0  # a: label, placed here
    LINE = 1  # a: source line of what follows; 0 means unknown
    ADJUST = 2  # a: signed change of the tracked stack size, no code
    LOAD_FAST = 3  # a: local number, b: name
    LOAD_DEREF = 4  # a: local number, b: name
    LOAD_NAME = 5  # a: name
    LOAD_GLOBAL = 6  # a: name, b: 1 if the compiler itself, not the program, names it
    STORE_FAST = 7
    STORE_DEREF = 8
    STORE_NAME = 9
    STORE_GLOBAL = 10
    DELETE_FAST = 11
    DELETE_DEREF = 12
    DELETE_NAME = 13
    DELETE_GLOBAL = 14
    LOAD_CONST_TOK = 15  # a: ConstToken
    LOAD_CONST_SMALL_INT = 16  # a: the integer
    LOAD_CONST_STR = 17  # a: name (a qstr)
    LOAD_CONST_OBJ = 18  # a: index into ModuleOps.consts
    LOAD_NULL = 19
    LOAD_METHOD = 20  # a: name, b: 1 for super().name
    LOAD_BUILD_CLASS = 21
    LOAD_SUBSCR = 22
    STORE_SUBSCR = 23
    DELETE_SUBSCR = 24
    LOAD_ATTR = 25  # a: name
    STORE_ATTR = 26  # a: name
    DELETE_ATTR = 27  # a: name
    DUP_TOP = 28
    DUP_TOP_TWO = 29
    POP_TOP = 30
    ROT_TWO = 31
    ROT_THREE = 32
    JUMP = 33  # a: label
    POP_JUMP_IF = 34  # a: label, b: 0 jump if false, 1 jump if true
    JUMP_IF_OR_POP = 35  # a: label, b: as above
    UNWIND_JUMP = 36  # a: label, b: 2 * exception depth + (1 if it leaves a for loop)
    SETUP_WITH = 37  # a: label
    SETUP_EXCEPT = 38  # a: label
    SETUP_FINALLY = 39  # a: label
    WITH_CLEANUP = 40  # a: label, placed inside
    ASYNC_WITH_SETUP_FINALLY = 41  # a: first of three labels: finally
    # block, plain end, unwinding; b: name BaseException
    END_FINALLY = 42
    GET_ITER = 43  # a: 1 to keep the iterator on the stack
    FOR_ITER = 44  # a: label
    FOR_ITER_END = 45
    POP_EXCEPT_JUMP = 46  # a: label, b: 1 inside an exception handler
    UNARY_OP = 47  # a: UnaryOp
    BINARY_OP = 48  # a: BinaryOp
    BUILD_TUPLE = 49  # a: number of items
    BUILD_LIST = 50  # a: number of items
    BUILD_MAP = 51  # a: size hint
    BUILD_SET = 52  # a: number of items
    BUILD_SLICE = 53  # a: 2 or 3
    STORE_MAP = 54
    STORE_COMP = 55  # a: 0 list, 1 dict, 2 set; b: stack index of the collection
    UNPACK_SEQUENCE = 56  # a: number of items
    UNPACK_EX = 57  # a: items left of the star, b: right of it
    MAKE_FUNCTION = 58  # a: child, b: see pack_defaults
    MAKE_CLOSURE = 59  # a: child, b: see pack_defaults
    CALL_FUNCTION = 60  # a: positional arguments, b: see pack_call
    CALL_METHOD = 61  # a: positional arguments, b: see pack_call
    RETURN_VALUE = 62
    RAISE = 63  # a: number of arguments, 0 to 2
    YIELD_VALUE = 64
    YIELD_FROM = 65
    IMPORT_NAME = 66  # a: name
    IMPORT_FROM = 67  # a: name
    IMPORT_STAR = 68
    START_EXCEPT_HANDLER = 69
    END_EXCEPT_HANDLER = 70
    # Only in functions that become machine code: a: line of the statement or 0, b: its block.
    STATEMENT_END = 71


STAR_SINGLE = 1
STAR_DOUBLE = 2


def pack_call(n_keyword: int, star_flags: int) -> int:
    """Operand `b` of a call: keyword arguments and the star flags (STAR_SINGLE, STAR_DOUBLE)."""
    return n_keyword << 2 | star_flags


def unpack_call(b: int) -> tuple[int, int]:
    """The inverse of pack_call: (n_keyword, star_flags)."""
    return b >> 2, b & 3


def pack_defaults(n_closed: int, n_pos_defaults: int, n_kw_defaults: int) -> int:
    """Operand `b` of MAKE_FUNCTION and MAKE_CLOSURE."""
    return n_closed | n_pos_defaults << 16 | n_kw_defaults << 32


def unpack_defaults(b: int) -> tuple[int, int, int]:
    """The inverse of pack_defaults: (n_closed, n_pos_defaults, n_kw_defaults)."""
    return b & 0xFFFF, b >> 16 & 0xFFFF, b >> 32


class ScopeFlag(IntFlag):
    """Flags of a function; the first four are stored in the prelude (py/runtime0.h)."""

    GENERATOR = 0x01
    VARKEYWORDS = 0x02
    VARARGS = 0x04
    DEFKWARGS = 0x08
    REFGLOBALS = 0x10
    HASCONSTS = 0x20

    @classmethod
    def signature_mask(cls) -> int:
        return 0x0F


class Emit(IntEnum):
    """How a function is to be compiled."""

    BYTECODE = 0
    NATIVE = 1
    VIPER = 2
    ASM = 3


@final
class FunctionOps:
    """One function (or module, class body, lambda, comprehension): its operations and its facts.

    Names are indices into `ModuleOps.names`, children into `children`.
    """

    __slots__ = (
        "arg_names",
        "cells",
        "children",
        "emit",
        "exc_stack_size",
        "flags",
        "inline",
        "line",
        "n_def_pos_args",
        "n_kwonly_args",
        "n_labels",
        "n_locals",
        "n_pos_args",
        "name",
        "ops",
        "reserved_labels",
        "viper_params",
        "viper_return",
    )

    def __init__(self, name: int, emit: Emit = Emit.BYTECODE) -> None:
        self.name = name
        self.emit = emit
        self.line = 0
        """Line of the definition."""
        self.ops: list[Op] = []
        self.children: list[FunctionOps] = []
        self.n_labels = 0
        self.reserved_labels: list[int] = []
        """Native code: the first of the labels that the emitter may use for the entry, then for
        each operation that needs some, in order; `n_labels` counts them too."""
        self.flags = 0
        self.n_pos_args = 0
        self.n_kwonly_args = 0
        self.n_def_pos_args = 0
        self.n_locals = 0
        self.exc_stack_size = 0
        self.arg_names: list[int] = []
        """Name of each argument slot, closed-over ones first and named `*`."""
        self.cells: list[int] = []
        """Local numbers that become cells, in order of first appearance."""
        self.inline: InlineCode | None = None
        """The statements of an assembler function, which has no operations."""
        self.viper_params: dict[int, int] = {}
        """Viper: type number of each parameter, by local number."""
        self.viper_return = 0
        """Viper: type number of the result."""


@final
class ModuleOps:
    """A whole source file: `functions[0]` is the module, the rest follow in order of discovery."""

    __slots__ = ("consts", "directives", "functions", "names", "qstrs_met", "source_file",
                 "warnings")

    def __init__(
        self,
        source_file: int,
        names: list[bytes] | None = None,
        consts: list[ConstValue] | None = None,
        functions: list[FunctionOps] | None = None,
    ) -> None:
        self.source_file = source_file
        self.names: list[bytes] = [] if names is None else names
        self.consts: list[ConstValue] = [] if consts is None else consts
        self.functions: list[FunctionOps] = [] if functions is None else functions
        self.qstrs_met: list[bytes] = []
        """Names and short strings in the order in which the reference's parser meets them, for
        machine code of version 5 (see `qstr_numbers`); empty if there is none."""
        self.directives: dict[int, tuple[str, ...]] = {}
        """Words of the comments `# mpy: ...` behind decorators, by the line of the function."""
        self.warnings: list[str] = []
        """What the reference prints while it makes machine code that is wrong, as lines."""
