"""Write a .mpy file: `MpyFile` to bytes (manual 2.4.2; py/persistentcode.c)."""

from __future__ import annotations

from types import EllipsisType
from typing import final

from mpy_cross.loader import opcodes as bc
from mpy_cross.loader.floatfmt import format_complex, format_float
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, NativeFlag, RawCode
from mpy_cross.loader.numtext import int_text
from mpy_cross.loader.objects import ConstValue, FileComplex, FileFloat, FunTable, Str
from mpy_cross.loader.opcodes import Operand
from mpy_cross.loader.prelude import decode_prelude
from mpy_cross.loader.release import FloatPrinter
from mpy_cross.loader.static_qstrs import STATIC_NUMBERS
from mpy_cross.loader.varint import encode_uint

ARCH_FLAGS_BIT = 0x40
"""Feature byte, releases with `Release.arch_flags`: flags of the architecture follow the header."""

TAG_FUN_TABLE = 0
TAG_NONE = 1
TAG_FALSE = 2
TAG_TRUE = 3
TAG_ELLIPSIS = 4
TAG_STR = 5
TAG_BYTES = 6
TAG_INT = 7
TAG_FLOAT = 8
TAG_COMPLEX = 9
TAG_TUPLE = 10


def write(mpy: MpyFile) -> bytes:
    """The bytes of the file.

    Raises ValueError if `mpy` is not consistent: an index outside its table, a constant that the
    format cannot hold, function data that ends inside an instruction.
    """
    if mpy.release.mpy_version == 5:
        return _Writer5(mpy).write()
    return _write6(mpy)


def _number_text(value: int | float | complex, printer: FloatPrinter) -> bytes:
    if isinstance(value, (FileFloat, FileComplex)):
        return value.text
    if isinstance(value, int):
        return int_text(value)
    if isinstance(value, float):
        return format_float(value, printer).encode("ascii")
    return format_complex(value, printer).encode("ascii")


# ------------------------------------------------------------------------------------- version 6


def _write6(mpy: MpyFile) -> bytes:
    feature = 0
    if mpy.arch:
        feature = mpy.release.mpy_sub_version | mpy.arch << 2
    if mpy.arch_flags:
        feature |= ARCH_FLAGS_BIT
    out = bytearray((0x4D, 6, feature, mpy.small_int_bits))
    if mpy.arch_flags:
        out += encode_uint(mpy.arch_flags)
    out += encode_uint(len(mpy.qstrs))
    out += encode_uint(len(mpy.objects))
    for name in mpy.qstrs:
        number = STATIC_NUMBERS.get(name)
        if number is not None:
            out += encode_uint(number << 1 | 1)
        else:
            out += encode_uint(len(name) << 1)
            out += name
            out.append(0)
    for value in mpy.objects:
        _put_object6(out, value, mpy.release.float_printer)
    _put_codes6(out, mpy.root)
    return bytes(out)


def _put_object6(out: bytearray, value: ConstValue, printer: FloatPrinter) -> None:
    if value is None:
        out.append(TAG_NONE)
    elif value is False:
        out.append(TAG_FALSE)
    elif value is True:
        out.append(TAG_TRUE)
    elif isinstance(value, EllipsisType):
        out.append(TAG_ELLIPSIS)
    elif isinstance(value, Str):
        out.append(TAG_STR)
        out += encode_uint(len(value.data))
        out += value.data
        out.append(0)
    elif isinstance(value, bytes):
        out.append(TAG_BYTES)
        out += encode_uint(len(value))
        out += value
        out.append(0)
    elif isinstance(value, tuple):
        out.append(TAG_TUPLE)
        out += encode_uint(len(value))
        for item in value:
            _put_object6(out, item, printer)
    elif isinstance(value, FunTable):
        out.append(TAG_FUN_TABLE)
    else:
        text = _number_text(value, printer)
        if isinstance(value, int):
            out.append(TAG_INT)
        elif isinstance(value, float):
            out.append(TAG_FLOAT)
        else:
            out.append(TAG_COMPLEX)
        out += encode_uint(len(text))
        out += text


def _put_codes6(out: bytearray, root: RawCode) -> None:
    """`root` and all below it, each before its children.

    No recursion: code may be nested deeper than the host's stack.  An entry of `todo` is a code
    object, or the relocations that follow the children of one.
    """
    todo: list[RawCode | bytes] = [root]
    while todo:
        item = todo.pop()
        if isinstance(item, bytes):
            out += item
            continue
        kind = item.kind
        out += encode_uint(len(item.code) << 3 | (4 if item.children else 0) | kind)
        out += item.code
        if kind == CodeKind.NATIVE:
            out += encode_uint(item.prelude_offset)
        elif kind != CodeKind.BYTECODE:
            out += encode_uint(item.scope_flags)
            if kind == CodeKind.ASM:
                out += encode_uint(item.n_pos_args)
                out += encode_uint(item.type_sig)
            else:
                if item.scope_flags & NativeFlag.RODATA:
                    out += encode_uint(len(item.rodata))
                if item.scope_flags & NativeFlag.BSS:
                    out += encode_uint(item.bss_size)
                out += item.rodata
            if item.scope_flags & NativeFlag.RELOC:
                todo.append(item.relocations + b"\xff")
        if item.children:
            out += encode_uint(len(item.children))
            todo.extend(reversed(item.children))


# ------------------------------------------------------------------------------------- version 5

_VARIABLE = 0
_VARIABLE_AND_BYTE = -1
_NAME = -2
_NAME_AND_CACHE = -3


def instruction_steps(cache_lookup_bc: bool) -> tuple[int, ...]:
    """For each opcode of version 5 its size in memory, or how to find it:

    0 a variable-length integer follows, -1 that and one byte, -2 a name (3 bytes in all), -3 a name
    and a cache byte (4 bytes in all).  Bytes that are no opcode have size 255.
    """
    steps = []
    for number, operand in enumerate(bc.OPERANDS):
        if operand == Operand.NONE:
            steps.append(1)
        elif operand == Operand.QSTR:
            cached = cache_lookup_bc and number in bc.CACHED
            steps.append(_NAME_AND_CACHE if cached else _NAME)
        elif operand in (Operand.UINT, Operand.INT, Operand.OBJ, Operand.CHILD):
            steps.append(_VARIABLE)
        elif operand == Operand.CHILD_BYTE:
            steps.append(_VARIABLE_AND_BYTE)
        elif operand == Operand.JUMP_BYTE:
            steps.append(4)
        elif operand < 0:
            steps.append(255)
        else:
            steps.append(3)
    return tuple(steps)


STEPS_PLAIN = instruction_steps(False)
STEPS_CACHED = instruction_steps(True)


@final
class _Writer5:
    """Version 5: names stand where they are used, and the last few can be referred to again."""

    __slots__ = ("_mpy", "_out", "_same", "_static", "_window")

    def __init__(self, mpy: MpyFile) -> None:
        self._mpy = mpy
        self._out = bytearray()
        first: dict[bytes, int] = {}
        self._same = [first.setdefault(name, i) for i, name in enumerate(mpy.qstrs)]
        """For each index the first one with the same name."""
        self._static = [STATIC_NUMBERS.get(name, 0) for name in mpy.qstrs]
        self._window: list[int] = []
        """Indices of names, the most recently used one first."""

    def write(self) -> bytes:
        mpy = self._mpy
        feature = (1 if mpy.cache_lookup_bc else 0) | (2 if mpy.unicode else 0) | mpy.arch << 2
        self._out += bytes((0x4D, 5, feature, mpy.small_int_bits))
        self._out += encode_uint(mpy.qstr_window)
        try:
            self._put_codes(mpy.root)
        except IndexError:
            raise ValueError(
                "inconsistent code: a name's index is outside the list of names, or function data "
                "ends inside an instruction"
            ) from None
        return bytes(self._out)

    def _put_name(self, index: int) -> None:
        out = self._out
        number = self._static[index]
        if number:
            out.append(0)
            out.append(number)
            return
        index = self._same[index]
        window = self._window
        if index in window:
            depth = window.index(index)
            del window[depth]
            out += encode_uint(depth << 1 | 1)
        else:
            if len(window) == self._mpy.qstr_window:
                window.pop()
            name = self._mpy.qstrs[index]
            out += encode_uint(len(name) << 1)
            out += name
        window.insert(0, index)

    def _put_codes(self, root: RawCode) -> None:
        """See `_put_codes6`."""
        todo: list[RawCode | bytes] = [root]
        while todo:
            item = todo.pop()
            if isinstance(item, bytes):
                self._out += item
                continue
            self._put_code(item)
            if item.scope_flags & NativeFlag.RELOC and item.kind >= CodeKind.VIPER:
                todo.append(item.relocations + b"\xff")
            todo.extend(reversed(item.children))

    def _put_code(self, raw: RawCode) -> None:
        out = self._out
        kind = raw.kind
        out += encode_uint(len(raw.code) << 2 | kind)
        n_args = 0
        if kind == CodeKind.BYTECODE:
            n_args = self._put_bytecode(raw.code)
        else:
            out += raw.code
            if kind != CodeKind.ASM:
                out += encode_uint(len(raw.qstr_links))
                for link, name in raw.qstr_links:
                    out += encode_uint(link)
                    self._put_name(name)
            if kind == CodeKind.NATIVE:
                out += encode_uint(raw.prelude_offset)
                self._put_name(raw.name)
                self._put_name(raw.source_file)
                n_args = decode_prelude(raw.code, raw.prelude_offset).n_args
            else:
                out += encode_uint(raw.scope_flags)
                if kind == CodeKind.ASM:
                    out += encode_uint(raw.n_pos_args)
                    out += encode_uint(raw.type_sig)
                    return
        if n_args != len(raw.arg_names):
            raise ValueError(f"{len(raw.arg_names)} argument names for {n_args} arguments")
        out += encode_uint(len(raw.constants))
        out += encode_uint(len(raw.children))
        for name in raw.arg_names:
            self._put_name(name)
        if kind == CodeKind.VIPER:
            if raw.scope_flags & NativeFlag.RODATA:
                out += encode_uint(len(raw.rodata))
                out += raw.rodata
            if raw.scope_flags & NativeFlag.BSS:
                out += encode_uint(raw.bss_size)
        for value in raw.constants:
            self._put_object(value)

    def _put_bytecode(self, code: bytes) -> int:
        """The function data with its names; the result is the number of arguments."""
        out = self._out
        prelude = decode_prelude(code)
        pos = prelude.info_start
        out += code[:pos]
        self._put_name(code[pos] | code[pos + 1] << 8)
        self._put_name(code[pos + 2] | code[pos + 3] << 8)
        steps = STEPS_CACHED if self._mpy.cache_lookup_bc else STEPS_PLAIN
        start = pos + 4  # first byte that is not written yet
        pos = prelude.code_start
        end = len(code)
        while pos < end:
            step = steps[code[pos]]
            if step > 0:
                pos += step
            elif step <= _NAME:
                pos += 3
                out += code[start : pos - 2]
                self._put_name(code[pos - 2] | code[pos - 1] << 8)
                start = pos
                if step == _NAME_AND_CACHE:
                    pos += 1
            else:
                pos += 1
                while code[pos] & 0x80:
                    pos += 1
                pos += 1 - step
        if pos != end:
            raise IndexError
        out += code[start:]
        return prelude.n_args

    def _put_object(self, value: ConstValue) -> None:
        out = self._out
        if isinstance(value, Str):
            out += b"s"
            text = value.data
        elif isinstance(value, bytes):
            out += b"b"
            text = value
        elif isinstance(value, EllipsisType):
            out += b"e"
            return
        elif value is None or isinstance(value, (bool, tuple, FunTable)):
            raise ValueError(f"a version 5 file cannot hold the constant {value!r}")
        else:
            if isinstance(value, int):
                out += b"i"
            elif isinstance(value, float):
                out += b"f"
            else:
                out += b"c"
            text = _number_text(value, self._mpy.release.float_printer)
        out += encode_uint(len(text))
        out += text
