"""What a .mpy file holds, as plain data: the compiler makes it, the codec writes and reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import final

from mpy_cross.loader.objects import ConstValue
from mpy_cross.loader.release import Release


class CodeKind(IntEnum):
    """The low two bits of a raw code's kind word (manual 2.4.2)."""

    BYTECODE = 0
    NATIVE = 1
    VIPER = 2
    ASM = 3


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
