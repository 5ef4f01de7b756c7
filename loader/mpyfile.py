"""What a .mpy file holds, as plain data: the compiler makes it, the codec writes and reads it."""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import final

from mpy_cross.loader.objects import ConstValue
from mpy_cross.loader.release import Release


class CodeKind(IntEnum):
    """The low two bits of a raw code's kind word (manual 2.4.2)."""

    BYTECODE = 0
    NATIVE = 1
    VIPER = 2
    ASM = 3


class NativeFlag(IntFlag):
    """Flags of `RawCode.scope_flags` that say which parts follow (py/runtime0.h)."""

    RELOC = 0x10
    RODATA = 0x20
    BSS = 0x40


@final
class RawCode:
    """One code object.

    `code` is the function data as the virtual machine sees it: prelude, source info, bytecode.

    * Version 5: each qstr operand in it is two bytes, little-endian, an index into
      `MpyFile.qstrs`; so are the two qstrs (name, source file) at the start of the source info.
      `arg_names` and `constants` are the constant table of this code object.
    * Version 6: qstr and object operands are variable-length indices into the tables of the file,
      and `arg_names` and `constants` stay empty.
    """

    __slots__ = (
        "arg_names",
        "bss_size",
        "children",
        "code",
        "constants",
        "kind",
        "lines",
        "n_pos_args",
        "name",
        "prelude_offset",
        "qstr_links",
        "relocations",
        "rodata",
        "scope_flags",
        "source_file",
        "type_sig",
    )

    def __init__(
        self,
        kind: CodeKind,
        code: bytes,
        arg_names: list[int] | None = None,
        constants: list[ConstValue] | None = None,
        children: list[RawCode] | None = None,
        prelude_offset: int = 0,
        name: int = 0,
        source_file: int = 0,
        qstr_links: list[tuple[int, int]] | None = None,
        scope_flags: int = 0,
        n_pos_args: int = 0,
        type_sig: int = 0,
        rodata: bytes = b'',
        bss_size: int = 0,
        relocations: bytes = b'',
        lines: list[tuple[int, int]] | None = None,
    ) -> None:
        self.kind = kind
        self.code = code
        self.arg_names: list[int] = [] if arg_names is None else arg_names
        self.constants: list[ConstValue] = [] if constants is None else constants
        self.children: list[RawCode] = [] if children is None else children
        self.prelude_offset = prelude_offset
        """NATIVE: where in `code` the prelude stands."""
        self.name = name
        """NATIVE in version 5: index into `MpyFile.qstrs`, used in place of what `code` has."""
        self.source_file = source_file
        """NATIVE in version 5: as `name`."""
        self.qstr_links: list[tuple[int, int]] = [] if qstr_links is None else qstr_links
        """NATIVE and VIPER in version 5: (offset << 2 | kind of link, index into `qstrs`)."""
        self.scope_flags = scope_flags
        """VIPER and ASM: NativeFlag bits."""
        self.n_pos_args = n_pos_args
        """ASM: number of arguments."""
        self.type_sig = type_sig
        """ASM: four bits for each type, the return type first (lowest)."""
        self.rodata = rodata
        """With NativeFlag.RODATA: read-only data."""
        self.bss_size = bss_size
        """With NativeFlag.BSS: bytes of zeroed data."""
        self.relocations = relocations
        """With NativeFlag.RELOC: the relocation program, without its final 0xff."""
        self.lines: list[tuple[int, int]] = [] if lines is None else lines
        """Machine code fresh from the compiler: (offset in `code`, source line that starts there),
        in order.  No file holds them."""


@final
class MpyFile:
    """A whole .mpy file.

    `qstrs` is, for version 6, exactly the qstr table of the file (entry 0 is the source file name)
    and, for version 5, any list that the indices of the raw codes point into.
    """

    __slots__ = (
        "arch",
        "arch_flags",
        "cache_lookup_bc",
        "objects",
        "qstr_window",
        "qstrs",
        "release",
        "root",
        "small_int_bits",
        "unicode",
    )

    def __init__(
        self,
        release: Release,
        qstrs: list[bytes],
        objects: list[ConstValue],
        root: RawCode,
        small_int_bits: int = 31,
        unicode: bool = True,
        cache_lookup_bc: bool = False,
        arch: int = 0,
        arch_flags: int = 0,
        qstr_window: int = 32,
    ) -> None:
        self.release = release
        self.qstrs = qstrs
        self.objects = objects
        """The object table (version 6 only)."""
        self.root = root
        self.small_int_bits = small_int_bits
        self.unicode = unicode
        self.cache_lookup_bc = cache_lookup_bc
        self.arch = arch
        """Number of the native architecture (`Release.archs`), 0 for none.  Version 5 files have
        one if they hold machine code, version 6 files if native code was emitted anywhere."""
        self.arch_flags = arch_flags
        """Flags of the architecture (releases with `Release.arch_flags`), else 0."""
        self.qstr_window = qstr_window
        """Size of the qstr window (version 5 only)."""
