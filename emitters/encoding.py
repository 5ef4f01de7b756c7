"""Bytes and stack effect of the operations that do not depend on their position.

An operation with the same operands always gives the same bytes within a file, so each distinct one
is encoded once and then found in a dictionary; this is where most of the emitter's time would go.
"""

from __future__ import annotations

from typing import TypeAlias, final

from mpy_cross.loader import opcodes as bc
from mpy_cross.loader.ops import (
    BinaryOp,
    ConstToken,
    Op,
    UnaryOp,
    Verb,
    unpack_call,
)
from mpy_cross.loader.varint import encode_int, encode_uint

Encoded: TypeAlias = tuple[bytes, int, int]
"""The bytes, the change of the stack size, and the most slots in use on the way (at least 0)."""

# Verb -> (opcode, stack change): no operand.
PLAIN: dict[int, tuple[int, int]] = {
    Verb.LOAD_NULL: (bc.LOAD_NULL, 1),
    Verb.LOAD_BUILD_CLASS: (bc.LOAD_BUILD_CLASS, 1),
    Verb.LOAD_SUBSCR: (bc.LOAD_SUBSCR, -1),
    Verb.STORE_SUBSCR: (bc.STORE_SUBSCR, -3),
    Verb.DUP_TOP: (bc.DUP_TOP, 1),
    Verb.DUP_TOP_TWO: (bc.DUP_TOP_TWO, 2),
    Verb.POP_TOP: (bc.POP_TOP, -1),
    Verb.ROT_TWO: (bc.ROT_TWO, 0),
    Verb.ROT_THREE: (bc.ROT_THREE, 0),
    Verb.END_FINALLY: (bc.END_FINALLY, -1),
    Verb.STORE_MAP: (bc.STORE_MAP, -2),
    Verb.YIELD_VALUE: (bc.YIELD_VALUE, 0),
    Verb.YIELD_FROM: (bc.YIELD_FROM, -1),
    Verb.IMPORT_STAR: (bc.IMPORT_STAR, -1),
    Verb.RETURN_VALUE: (bc.RETURN_VALUE, -1),
}

# Verb -> (opcode, stack change): operand a is a name.
NAMED: dict[int, tuple[int, int]] = {
    Verb.LOAD_NAME: (bc.LOAD_NAME, 1),
    Verb.LOAD_GLOBAL: (bc.LOAD_GLOBAL, 1),
    Verb.STORE_NAME: (bc.STORE_NAME, -1),
    Verb.STORE_GLOBAL: (bc.STORE_GLOBAL, -1),
    Verb.DELETE_NAME: (bc.DELETE_NAME, 0),
    Verb.DELETE_GLOBAL: (bc.DELETE_GLOBAL, 0),
    Verb.LOAD_CONST_STR: (bc.LOAD_CONST_STRING, 1),
    Verb.LOAD_ATTR: (bc.LOAD_ATTR, 0),
    Verb.STORE_ATTR: (bc.STORE_ATTR, -2),
    Verb.IMPORT_NAME: (bc.IMPORT_NAME, -1),
    Verb.IMPORT_FROM: (bc.IMPORT_FROM, 1),
}

# Verb -> (opcode, stack change): operand a is a local number.
LOCAL: dict[int, tuple[int, int]] = {
    Verb.LOAD_FAST: (bc.LOAD_FAST_N, 1),
    Verb.LOAD_DEREF: (bc.LOAD_DEREF, 1),
    Verb.STORE_FAST: (bc.STORE_FAST_N, -1),
    Verb.STORE_DEREF: (bc.STORE_DEREF, -1),
    Verb.DELETE_FAST: (bc.DELETE_FAST, 0),
    Verb.DELETE_DEREF: (bc.DELETE_DEREF, 0),
}
SHORT_LOCAL = {Verb.LOAD_FAST: bc.LOAD_FAST_MULTI, Verb.STORE_FAST: bc.STORE_FAST_MULTI}
SHORT_LOCALS = 16

# Verb -> opcode: operand a is a number of items, of which one object is built.
BUILD: dict[int, int] = {
    Verb.BUILD_TUPLE: bc.BUILD_TUPLE,
    Verb.BUILD_LIST: bc.BUILD_LIST,
    Verb.BUILD_SET: bc.BUILD_SET,
    Verb.BUILD_SLICE: bc.BUILD_SLICE,
}

# Operations that look a name up and may be followed by a byte for the look-up cache.
CACHED = (Verb.LOAD_NAME, Verb.LOAD_GLOBAL, Verb.LOAD_ATTR, Verb.STORE_ATTR, Verb.DELETE_ATTR)

TOKEN_OPCODES = {
    ConstToken.FALSE: bc.LOAD_CONST_FALSE,
    ConstToken.NONE: bc.LOAD_CONST_NONE,
    ConstToken.TRUE: bc.LOAD_CONST_TRUE,
}
SMALL_INT_MIN = -16
SMALL_INT_MAX = 47
INVERTED = {BinaryOp.NOT_IN: BinaryOp.IN, BinaryOp.IS_NOT: BinaryOp.IS}
ITER_SLOTS = 4


@final
class Encoder:
    """Encodes position-independent operations of one file.

    `names` gives the bytes that stand for each name (index of `ModuleOps.names`) as an operand.
    """

    __slots__ = ("cache", "cached_lookup", "names", "star_args_bitmap")

    def __init__(self, names: list[bytes], cached_lookup: bool, star_args_bitmap: bool) -> None:
        self.names = names
        self.cached_lookup = cached_lookup
        self.star_args_bitmap = star_args_bitmap
        self.cache: dict[Op, Encoded] = {}

    def encode(self, op: Op) -> Encoded:
        """The encoding of `op`, remembered in `cache`."""
        code, change, peak = self._encode(op)
        encoded = (code, change, max(change, peak, 0))
        self.cache[op] = encoded
        return encoded

    def _named(self, opcode: int, name: int, verb: int) -> bytes:
        code = bytes((opcode,)) + self.names[name]
        if self.cached_lookup and verb in CACHED:
            code += b"\0"
        return code

    def _encode(self, op: Op) -> Encoded:
        verb, a, b = op
        if verb in PLAIN:
            opcode, change = PLAIN[verb]
            return bytes((opcode,)), change, 0
        if verb in NAMED:
            opcode, change = NAMED[verb]
            return self._named(opcode, a, verb), change, 0
        if verb in LOCAL:
            opcode, change = LOCAL[verb]
            short = SHORT_LOCAL.get(Verb(verb))
            if short is not None and a < SHORT_LOCALS:
                return bytes((short + a,)), change, 0
            return bytes((opcode,)) + encode_uint(a), change, 0
        if verb in BUILD:
            return bytes((BUILD[verb],)) + encode_uint(a), 1 - a, 0
        return self._encode_other(verb, a, b)

    def _encode_other(self, verb: int, a: int, b: int) -> Encoded:
        if verb == Verb.LOAD_CONST_TOK:
            return bytes((TOKEN_OPCODES[ConstToken(a)],)), 1, 0
        if verb == Verb.LOAD_CONST_SMALL_INT:
            if SMALL_INT_MIN <= a <= SMALL_INT_MAX:
                return bytes((bc.LOAD_CONST_SMALL_INT_MULTI - SMALL_INT_MIN + a,)), 1, 0
            return bytes((bc.LOAD_CONST_SMALL_INT,)) + encode_int(a), 1, 0
        if verb == Verb.LOAD_METHOD:
            if b:
                return self._named(bc.LOAD_SUPER_METHOD, a, verb), -1, 0
            return self._named(bc.LOAD_METHOD, a, verb), 1, 0
        if verb == Verb.CALL_FUNCTION:
            return self._call(bc.CALL_FUNCTION, a, b, 0)
        if verb == Verb.CALL_METHOD:
            return self._call(bc.CALL_METHOD, a, b, -1)
        if verb == Verb.UNARY_OP:
            return bytes((bc.UNARY_OP_MULTI + a,)), 0, 0
        if verb == Verb.BINARY_OP:
            plain = INVERTED.get(BinaryOp(a))
            if plain is None:
                return bytes((bc.BINARY_OP_MULTI + a,)), -1, 0
            invert = bc.UNARY_OP_MULTI + UnaryOp.NOT
            return bytes((bc.BINARY_OP_MULTI + plain, invert)), -1, 0
        if verb == Verb.DELETE_SUBSCR:
            return bytes((bc.LOAD_NULL, bc.ROT_THREE, bc.STORE_SUBSCR)), -2, 1
        if verb == Verb.DELETE_ATTR:
            code = bytes((bc.LOAD_NULL, bc.ROT_TWO)) + self._named(bc.STORE_ATTR, a, verb)
            return code, -1, 1
        if verb == Verb.GET_ITER:
            if a:
                return bytes((bc.GET_ITER_STACK,)), ITER_SLOTS - 1, 0
            return bytes((bc.GET_ITER,)), 0, 0
        if verb == Verb.BUILD_MAP:
            return bytes((bc.BUILD_MAP,)) + encode_uint(a), 1, 0
        if verb == Verb.STORE_COMP:
            extra = 1 if a == 1 else 0  # a dict takes a key as well
            return bytes((bc.STORE_COMP,)) + encode_uint((b + extra) << 2 | a), -1 - extra, 0
        if verb == Verb.UNPACK_SEQUENCE:
            return bytes((bc.UNPACK_SEQUENCE,)) + encode_uint(a), a - 1, 0
        if verb == Verb.UNPACK_EX:
            return bytes((bc.UNPACK_EX,)) + encode_uint(a | b << 8), a + b, 0
        if verb == Verb.RAISE:
            return bytes((bc.RAISE_LAST + a,)), -a, 0
        raise AssertionError(f"no encoding for {Verb(verb).name}")

    def _call(self, opcode: int, n_positional: int, b: int, change: int) -> Encoded:
        n_keyword, star_flags = unpack_call(b)
        change -= n_positional + 2 * n_keyword
        if star_flags:
            change -= 1 if self.star_args_bitmap else 2
            opcode += 1
        return bytes((opcode,)) + encode_uint(n_keyword << 8 | n_positional), change, 0
