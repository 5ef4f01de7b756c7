"""What a .mpy file holds, as plain data: the compiler makes it, the codec writes and reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
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
@dataclass(slots=True, eq=False)
class RawCode:
    """One code object.

    `code` is the function data as the virtual machine sees it: prelude, source info, bytecode.

    * Version 5: each qstr operand in it is two bytes, little-endian, an index into
      `MpyFile.qstrs`; so are the two qstrs (name, source file) at the start of the source info.
      `arg_names` and `constants` are the constant table of this code object.
    * Version 6: qstr and object operands are variable-length indices into the tables of the file,
      and `arg_names` and `constants` stay empty.
    """

    kind: CodeKind
    code: bytes
    arg_names: list[int] = field(default_factory=list)
    constants: list[ConstValue] = field(default_factory=list)
    children: list[RawCode] = field(default_factory=list)
    # --- machine code only (the three other kinds)
    prelude_offset: int = 0
    """NATIVE: where in `code` the prelude stands."""
    name: int = 0
    """NATIVE in version 5: index into `MpyFile.qstrs`; what `code` has in its place is unused."""
    source_file: int = 0
    """NATIVE in version 5: as `name`."""
    qstr_links: list[tuple[int, int]] = field(default_factory=list)
    """NATIVE and VIPER in version 5: (offset << 2 | kind of link, index into `MpyFile.qstrs`)."""
    scope_flags: int = 0
    """VIPER and ASM: NativeFlag bits."""
    n_pos_args: int = 0
    """ASM: number of arguments."""
    type_sig: int = 0
    """ASM: four bits for each type, the return type first (lowest)."""
    rodata: bytes = b""
    """With NativeFlag.RODATA: read-only data."""
    bss_size: int = 0
    """With NativeFlag.BSS: bytes of zeroed data."""
    relocations: bytes = b""
    """With NativeFlag.RELOC: the relocation program, without its final 0xff."""


@final
@dataclass(slots=True, eq=False)
class MpyFile:
    """A whole .mpy file.

    `qstrs` is, for version 6, exactly the qstr table of the file (entry 0 is the source file name)
    and, for version 5, any list that the indices of the raw codes point into.
    """

    release: Release
    qstrs: list[bytes]
    objects: list[ConstValue]
    """The object table (version 6 only)."""
    root: RawCode
    small_int_bits: int = 31
    unicode: bool = True
    cache_lookup_bc: bool = False
    arch: int = 0
    """Number of the native architecture (`Release.archs`), 0 for none.  Version 5 files have one if
    they hold machine code, version 6 files if native code was emitted anywhere."""
    arch_flags: int = 0
    """Flags of the architecture (releases with `Release.arch_flags`), else 0."""
    qstr_window: int = 32
    """Size of the qstr window (version 5 only)."""
