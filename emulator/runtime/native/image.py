"""A file's machine code in memory: linked, with the tables that it reads."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, final

from mpy_cross.emulator.runtime.function_text import text_of
from mpy_cross.emulator.runtime.heap import Block
from mpy_cross.emulator.runtime.native.handles import Handles
from mpy_cross.emulator.runtime.native.region import Region
from mpy_cross.loader.decode import function_info
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, NativeFlag, RawCode
from mpy_cross.loader.objects import FunTable
from mpy_cross.loader.ops import ScopeFlag
from mpy_cross.loader.place import link_qstr, relocate

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.program import Code, Proto

PRELUDE_IS_OBJECT: Final = "xtensawin"
"""Of this architecture, functions of version 5 have their prelude as their first constant: bytes.
"""
LINKS_IN_WORDS: Final = frozenset(("xtensa", "xtensawin"))
"""Architectures whose code of version 5 has the numbers of qstrs in words."""


@final
class Signature:
    """What a native function's prelude says of its arguments and its state."""

    __slots__ = ("arg_names", "cells", "flags", "n_def_pos", "n_kwonly", "n_pos", "n_state",
                 "simple", "zeros")

    def __init__(self, mpy: MpyFile, raw: RawCode) -> None:
        info = function_info(mpy, raw)
        assert info is not None
        prelude = info.prelude
        self.n_state = prelude.n_state
        self.flags = prelude.flags
        self.n_pos = prelude.n_pos_args
        self.n_kwonly = prelude.n_kwonly_args
        self.n_def_pos = prelude.n_def_pos_args
        self.cells = info.cells
        self.arg_names = [text_of(mpy.qstrs[index]) for index in info.arg_names]
        stars = ScopeFlag.VARARGS | ScopeFlag.VARKEYWORDS | ScopeFlag.DEFKWARGS
        self.simple = not (self.flags & stars or self.n_kwonly or self.cells)
        self.zeros = memoryview(bytes(4 * self.n_state)).cast("I")
        """The state before arguments are in it."""


@final
class Placed:
    """One function's code in memory.

    entry: where a call goes; resume: where a generator goes on, start: where it begins; table: its
    constants (version 5) or children (version 6); signature: of native functions; relocated: it is
    a module written in C.
    """

    __slots__ = ("address", "code", "entry", "generator", "kind", "raw", "relocated", "resume",
                 "signature", "start", "table", "table_block")

    def __init__(self, raw: RawCode, code: Block, signature: Signature | None, bit: int) -> None:
        self.raw = raw
        self.kind = raw.kind
        self.relocated = raw.kind == CodeKind.VIPER and bool(raw.scope_flags & NativeFlag.RELOC)
        self.code = code
        self.address = code.address
        self.entry = code.address | bit
        self.signature = signature
        self.resume = self.start = 0
        self.generator = False
        self.table = 0
        self.table_block: Block | None = None


@final
class FileImage:
    """What the functions of one file share.

    fun_table: address of mp_fun_table; changed: called with address and size of new code; bit: that
    addresses of code have.
    """

    def __init__(
        self,
        code: Code,
        mpy: MpyFile,
        region: Region,
        handles: Handles,
        fun_table: int,
        entry: Callable[[int], int],
        changed: Callable[[int, int], None],
        bit: int,
    ) -> None:
        self._code = weakref.ref(code)
        self.mpy, self.region, self.handles, self.bit = mpy, region, handles, bit
        self.fun_table, self._entry, self._changed = fun_table, entry, changed
        self._placed: dict[int, Placed] = {}
        self._contexts: dict[int, tuple[dict[str, Any], Block, int]] = {}
        self._pins: list[int] = []
        self._data: list[Block] = []
        self.tables = mpy.release.native_tables
        self.qstr_table = self.obj_table = 0
        if self.tables:
            self._make_tables(code)

    def __del__(self) -> None:
        for word in self._pins:
            self.handles.unpin(word)

    def pin(self, value: Any) -> int:
        """A word for an object that lives as long as the file."""
        word = self.handles.pin(value)
        self._pins.append(word)
        return word

    def _make_tables(self, code: Code) -> None:
        numbers = [self.handles.number(text_of(name)) for name in self.mpy.qstrs]
        qstrs = self.region.put(b"".join([n.to_bytes(2, "little") for n in numbers]))
        objects = self.region.put_words([self._constant(code, v) for v in self.mpy.objects])
        self._data += [qstrs, objects]
        self.qstr_table, self.obj_table = qstrs.address, objects.address

    def _constant(self, code: Code, value: Any) -> int:
        if isinstance(value, FunTable):
            return self.fun_table
        return self.pin(code.constant(value))

    def context(self, module: dict[str, Any]) -> int:
        """The word by which functions of the file find their globals: those, or the module's
        context."""
        known = self._contexts.get(id(module))
        if known is None:
            word = self.pin(module)
            block = self.region.put_words([0, word, self.qstr_table, self.obj_table])
            known = module, block, block.address if self.tables else word
            self._contexts[id(module)] = known
        return known[2]

    # -------------------------------------------------------------------------------- placing

    def place(self, proto: Proto) -> Placed:
        """The function's code in memory.  Raises ValueError for a broken file, MemoryError."""
        placed = self._placed.get(id(proto))
        if placed is None:
            try:
                placed = self._place(proto)
            except MpyError as error:
                raise ValueError("incompatible .mpy file") from error
            self._placed[id(proto)] = placed
        return placed

    def _place(self, proto: Proto) -> Placed:
        raw = proto.raw
        assert raw is not None
        text = bytearray(raw.code)
        arch = self.mpy.release.archs[self.mpy.arch]
        for link, index in raw.qstr_links:
            number = self.handles.number(text_of(self.mpy.qstrs[index]))
            link_qstr(text, link, number, arch in LINKS_IN_WORDS)
        block = self.region.heap.alloc(max(len(text), 4))
        signature = Signature(self.mpy, raw) if raw.kind == CodeKind.NATIVE else None
        placed = Placed(raw, block, signature, self.bit)
        data = self._place_data(raw, text, block.address)
        block.view(len(text))[:] = text
        self._changed(block.address, len(text))
        if raw.kind == CodeKind.ASM:
            return placed
        self._entries(placed, text)
        children = [self.pin(child) for child in proto.children]
        if not self.tables:
            code = self._code()
            assert code is not None
            words = [self.handles.name_word(text_of(self.mpy.qstrs[n])) for n in raw.arg_names]
            words += [self.fun_table, *data]
            constants = [self._constant(code, value) for value in raw.constants]
            if signature is not None and arch == PRELUDE_IS_OBJECT:
                # Code reads where the bytes of the object are; these are as good.
                place = block.address + raw.prelude_offset
                made = self.region.put_words([0, 0, len(text) - raw.prelude_offset, place])
                self._data.append(made)
                constants[0] = made.address
            words += constants
            words += children
        else:
            prelude = block.address + raw.prelude_offset
            if not children:
                placed.table = prelude
                return placed
            words = [*children, prelude]
        placed.table_block = self.region.put_words(words)
        placed.table = placed.table_block.address
        return placed

    def _entries(self, placed: Placed, text: bytearray) -> None:
        signature = placed.signature
        if signature is None:
            return
        base = placed.address
        if signature.flags & ScopeFlag.GENERATOR:
            placed.generator = True
            if len(text) < 8:
                raise MpyError(0, "machine code", "a generator has 8 bytes at least")
            placed.start = base + int.from_bytes(text[4:8], "little") | self.bit
            placed.resume = base + 8 | self.bit
        elif self.mpy.release.native_prelude_word:
            placed.entry = base + 4 | self.bit

    def _place_data(self, raw: RawCode, text: bytearray, base: int) -> list[int]:
        """Read-only data and zeroed data of a module written in C; their addresses."""
        rodata = bytearray(raw.rodata)
        flags = raw.scope_flags if raw.kind == CodeKind.VIPER else 0
        out: list[int] = []
        where: dict[int, int] = {0: base, 6: self.fun_table}
        first_entry = 7
        read_only: Block | None = None
        if flags & NativeFlag.RODATA:
            read_only = self.region.heap.alloc(len(rodata) + 4)
            out.append(read_only.address)
        if flags & NativeFlag.BSS:
            block = self.region.heap.alloc(raw.bss_size + 4)
            block.view(raw.bss_size)[:] = bytes(raw.bss_size)
            self._data.append(block)
            out.append(block.address)
        for number, address in enumerate(out, 1):
            where[number] = address
        if self.tables:
            where = {0: base, 6: self.qstr_table, 7: self.obj_table, 8: self.fun_table}
            first_entry = 9
            if flags & NativeFlag.RODATA:
                where[1] = out[0]
            if flags & NativeFlag.BSS:
                where[2] = out[-1]

        def destination(operand: int) -> int:
            if operand >= first_entry:
                return self._entry(operand - first_entry)
            if operand not in where:
                raise MpyError(0, "relocations", f"there is nothing with the number {operand}")
            return where[operand]

        if flags & NativeFlag.RELOC:
            relocate(raw.relocations, text, rodata, destination)
        if read_only is not None:
            read_only.view(len(rodata))[:] = rodata
            self._data.append(read_only)
        return out
