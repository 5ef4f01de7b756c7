"""Types and places of values while native code is generated."""

from __future__ import annotations

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
