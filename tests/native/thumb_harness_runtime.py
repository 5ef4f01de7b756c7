"""What MicroPython's run-time does for machine code, in Python: objects, and mp_fun_table.

Facts are from MicroPython's sources: the order of the table (py/nativeglue.c), objects in words
(py/obj.h, representation A), the numbers of operators (py/runtime0.h), nlr_buf_t (py/nlr.h,
py/nlrthumb.c).  The order of the table is written down here once more on purpose: the emitter's own
list is among the things to be tested.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

FUNCTIONS: Final = (
    "const_none", "const_false", "const_true", "convert_obj_to_native", "convert_native_to_obj",
    "swap_globals", "load_name", "load_global", "load_build_class", "load_attr", "load_method",
    "load_super_method", "store_name", "store_global", "store_attr", "obj_subscr", "obj_is_true",
    "unary_op", "binary_op", "new_tuple", "new_list", "new_dict", "new_set", "set_store",
    "list_append", "dict_store", "make_function", "call_function_n_kw", "call_method_n_kw",
    "call_method_n_kw_var", "getiter", "iternext", "nlr_push", "nlr_pop", "raise", "import_name",
    "import_from", "import_all", "new_slice", "unpack_sequence", "unpack_ex", "delete_name",
    "delete_global", "new_closure", "arg_check_num_sig", "setup_code_state",
    "small_int_floor_divide", "small_int_modulo", "yield_from", "setjmp",
)  # fmt: skip
N_CONSTANTS: Final = 3  # entries at the start that are objects

WORD: Final = 0xFFFF_FFFF
OBJECTS: Final = 0x3000_0000
"""Where objects would be; no memory is there, as code has no business in them."""

BOOL, INT, UINT, PTR = 1, 2, 3, 4  # native types; above PTR are the other pointers
NULL, SENTINEL = 0, 4  # third argument of obj_subscr: delete, load

EXCEPTION_MATCH: Final = 8
_ARITHMETIC: Final[tuple[Callable[[Any, Any], Any], ...]] = (
    operator.or_, operator.xor, operator.and_, operator.lshift, operator.rshift, operator.add,
    operator.sub, operator.mul, operator.matmul, operator.floordiv, operator.truediv, operator.mod,
    operator.pow,
)  # fmt: skip
_INPLACE: Final[tuple[Callable[[Any, Any], Any], ...]] = (
    operator.ior, operator.ixor, operator.iand, operator.ilshift, operator.irshift, operator.iadd,
    operator.isub, operator.imul, operator.imatmul, operator.ifloordiv, operator.itruediv,
    operator.imod, operator.ipow,
)  # fmt: skip
BINARY: Final[tuple[Callable[[Any, Any], Any], ...]] = (
    operator.lt, operator.gt, operator.eq, operator.le, operator.ge, operator.ne,
    lambda item, container: item in container,
    operator.is_,
    lambda error, kind: isinstance(error, kind)
    or (isinstance(error, type) and issubclass(error, kind)),
    *_INPLACE,
    *_ARITHMETIC,
)  # fmt: skip
UNARY: Final[tuple[Callable[[Any], Any], ...]] = (
    operator.pos, operator.neg, operator.invert, operator.not_,
)  # fmt: skip


class HarnessError(Exception):
    """The program asks for what the harness has not, or breaks a rule of the calling convention."""


class Raised(Exception):
    """An exception of the program, on its way to a handler in it or to the caller."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


def signed(word: int) -> int:
    """The number that a word is as an int."""
    return (word & WORD ^ 0x8000_0000) - 0x8000_0000


def evaluate(function: Callable[..., Any], *args: Any) -> Any:
    """A function of Python on objects of the program; what it raises, the program raises."""
    try:
        return function(*args)
    except (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError) as e:
        raise Raised(e) from None


class Objects:
    """Python objects as the words that machine code knows them by."""

    __slots__ = ("_buffers", "_by_word", "_names", "_words")

    def __init__(self) -> None:
        self._by_word: dict[int, Any] = {}
        self._words: dict[int, int] = {}
        self._names: list[bytes] = []
        self._buffers: dict[int, int] = {}
        for value in (None, False, True):
            self._add(value)

    def name_number(self, name: bytes) -> int:
        """The number of a qstr: 16 bits, in which every bit is set now and then."""
        if name not in self._names:
            self._names.append(name)
        return 0x8765 + 0x1357 * self._names.index(name) & 0xFFFF

    def name(self, number: int) -> str:
        """The qstr with a number."""
        for name in self._names:
            if self.name_number(name) == number:
                return name.decode("utf-8", "surrogateescape")
        raise HarnessError(f"{number:#x} is not the number of a name")

    def place(self, value: object, address: int) -> None:
        """An object that is in the memory of the program: a function, or a buffer's data."""
        self._words[id(value)] = address
        self._by_word[address] = value

    def place_buffer(self, value: bytearray, address: int) -> None:
        """Where the data of a buffer is."""
        self._buffers[id(value)] = address

    def forget_buffers(self) -> None:
        """The buffers are nowhere any more."""
        self._buffers.clear()

    def word(self, value: object) -> int:
        """An object as a word."""
        if isinstance(value, int) and not isinstance(value, bool):
            if -(1 << 30) <= value < 1 << 30:
                return value << 1 & WORD | 1
            return self._add(value)
        if isinstance(value, str) and value.encode() in self._names:
            return self.name_number(value.encode()) << 3 | 2
        word = self._words.get(id(value))
        return self._add(value) if word is None else word

    def _add(self, value: object) -> int:
        word = OBJECTS + 16 * len(self._by_word)
        self._by_word[word] = value  # keeps it, so that its id stays its own
        self._words[id(value)] = word
        return word

    def value(self, word: int) -> Any:
        """The object that a word is."""
        if word & 1:
            return signed(word) >> 1
        if word & 7 == 2:
            return self.name(word >> 3)
        try:
            return self._by_word[word]
        except KeyError:
            raise HarnessError(f"{word:#010x} is no object") from None

    def to_native(self, word: int, kind: int) -> int:
        """convert_obj_to_native: an object as an int, uint, bool or pointer."""
        kind &= 15
        if kind == 0:
            return word
        value = self.value(word)
        if kind == BOOL:
            return int(bool(value))
        if kind >= PTR and isinstance(value, bytearray):
            return self._buffers[id(value)]
        if not isinstance(value, int):
            raise Raised(TypeError(f"can't convert {type(value).__name__} to int"))
        return value & WORD

    def from_native(self, word: int, kind: int) -> int:
        """convert_native_to_obj: an int, uint, bool or pointer as an object."""
        kind &= 15
        if kind == 0:
            return word
        if kind == BOOL:
            return self.word(word != 0)
        return self.word(signed(word) if kind == INT else word)


def floor_divide(words: Sequence[int]) -> int:
    """small_int_floor_divide.  The firmware's own is wrong where it leaves 32 bits on the way."""
    if words[1] == 0:
        raise HarnessError("small_int_floor_divide: division by zero is undefined")
    return signed(words[0]) // signed(words[1])


def modulo(words: Sequence[int]) -> int:
    """small_int_modulo."""
    if words[1] == 0:
        raise HarnessError("small_int_modulo: division by zero is undefined")
    return signed(words[0]) % signed(words[1])


def check_arguments(words: Sequence[int]) -> None:
    """arg_check_num_sig of (number of arguments, of keywords, what the function takes)."""
    n_args, n_keywords, signature = words[:3]
    least, most = signature >> 17, signature >> 1 & 0xFFFF
    if n_keywords and not signature & 1:
        raise Raised(TypeError("function doesn't take keyword arguments"))
    if not least <= n_args <= most:
        raise Raised(
            TypeError(f"function takes {least} positional arguments but {n_args} were given")
        )
