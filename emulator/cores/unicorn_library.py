"""The Unicorn library itself: where it is, its functions, its numbers.

Of the package `unicorn` only the shared library is used, and that is loaded directly where `pip`
puts it: the Python half of the package brings in half of the standard library, which takes as long
as a board takes to boot.  Where the library is elsewhere, the package says where.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from importlib import import_module
from typing import Any, Final, final

from mpy_cross.emulator.cores.core import MissingEngineError

MINIMUM: Final = (2, 1, 4)
NAMES: Final = {"darwin": "libunicorn.2.dylib", "win32": "unicorn.dll"}
"""Of the library, by platform; elsewhere libunicorn.so.2."""

POINTER: Final = ctypes.c_void_p
_U64: Final = ctypes.c_uint64
_SIZE: Final = ctypes.c_size_t
_INT: Final = ctypes.c_int
_U32: Final = ctypes.c_uint32

_PROTOTYPES: Final[dict[str, tuple[Any, ...]]] = {
    "uc_open": (_INT, _INT, POINTER),
    "uc_close": (POINTER,),
    "uc_emu_start": (POINTER, _U64, _U64, _U64, _SIZE),
    "uc_emu_stop": (POINTER,),
    "uc_reg_read": (POINTER, _INT, POINTER),
    "uc_reg_write": (POINTER, _INT, POINTER),
    "uc_reg_read_batch": (POINTER, POINTER, POINTER, _INT),
    "uc_reg_write_batch": (POINTER, POINTER, POINTER, _INT),
    "uc_mem_map_ptr": (POINTER, _U64, _SIZE, _U32, POINTER),
    "uc_mem_protect": (POINTER, _U64, _SIZE, _U32),
    "uc_mmio_map": (POINTER, _U64, _SIZE, POINTER, POINTER, POINTER, POINTER),
    "uc_hook_del": (POINTER, _SIZE),
    "uc_context_alloc": (POINTER, POINTER),
    "uc_context_save": (POINTER, POINTER),
    "uc_context_restore": (POINTER, POINTER),
    "uc_context_free": (POINTER,),
}

# uc_arch, uc_mode
ARCH_ARM, ARCH_ARM64 = 1, 2
MODE_ARM, MODE_THUMB = 0, 16

# uc_control_type, with how many arguments it is given: all of these write.
CTL_PAGE_SIZE: Final = 1 << 30 | 1 << 26 | 1
CTL_CPU_MODEL: Final = 1 << 30 | 1 << 26 | 7
CTL_REMOVE_CODE: Final = 1 << 30 | 2 << 26 | 9
CTL_FLUSH_CODE: Final = 1 << 30 | 10
CTL_FLUSH_TLB: Final = 1 << 30 | 11
CTL_TLB_MODE: Final = 1 << 30 | 1 << 26 | 12
CTL_BUFFER_SIZE: Final = 1 << 30 | 1 << 26 | 13

# uc_cpu_arm, uc_cpu_arm64
CORTEX: Final = {"M0": 7, "M3": 8, "M4": 9, "M7": 10, "M33": 11}
A72: Final = 2

ARM_REGISTERS: Final[dict[str, int]] = {
    **{f"r{n}": 66 + n for n in range(13)}, "sp": 12, "lr": 10, "pc": 11,
    "xpsr": 120, "msp": 115, "psp": 116, "control": 117, "primask": 123, "basepri": 124,
    "faultmask": 126, "fpscr": 6, "ipsr": 114, "epsr": 121, "apsr_nzcv": 2,
    **{f"s{n}": 79 + n for n in range(32)}, **{f"d{n}": 14 + n for n in range(16)},
}
"""Names as in UC_ARM_REG_R0 and so on."""
ARM64_REGISTERS: Final[dict[str, int]] = {
    **{f"x{n}": 199 + n for n in range(29)}, "pc": 260, "fpcr": 291, "fpsr": 292, "cpacr_el1": 261,
}
"""Names as in UC_ARM64_REG_X0 and so on."""


def library_path() -> str:
    """Where the library is.  ImportError if there is none."""
    name = NAMES.get(sys.platform, "libunicorn.so.2")
    if "LIBUNICORN_PATH" not in os.environ:
        for folder in sys.path:
            path = os.path.join(folder, "unicorn", "lib", name)
            if os.path.exists(path):
                return path
    return str(import_module("unicorn.unicorn_py3.unicorn").uclib._name)


@final
class Library:
    """The loaded library.

    calls: functions by name; `start`, `read` and `write` take prepared arguments; while
    `start_held` runs no other thread of Python does, which is faster; `hook_add` and `control` are
    variadic: every argument has to be typed.
    """

    __slots__ = ("calls", "control", "hook_add", "message", "read", "start", "start_held", "write")

    def __init__(self) -> None:
        try:
            path = library_path()
            shared = ctypes.CDLL(path)
        except (ImportError, OSError) as error:
            raise MissingEngineError(
                "native code runs on Unicorn 2, which is not installed here: "
                f"pip install 'mpy-toolchain[emulator]' ({error})") from None
        packed: int = shared.uc_version(None, None)
        version = (packed >> 24, packed >> 16 & 0xFF, packed >> 8 & 0xFF)
        if version < MINIMUM:
            raise MissingEngineError(
                f"Unicorn {'.'.join(map(str, version))} is installed; "
                f"{'.'.join(map(str, MINIMUM))} or later is needed")
        self.calls: dict[str, Any] = {}
        for name, arguments in _PROTOTYPES.items():
            function = getattr(shared, name)
            function.argtypes, function.restype = arguments, _INT
            self.calls[name] = function
        self.message: Any = shared.uc_strerror
        self.message.argtypes, self.message.restype = (_INT,), ctypes.c_char_p
        another = ctypes.CDLL(path)  # prototypes are per handle
        self.start: Any = another.uc_emu_start
        self.read: Any = another.uc_reg_read
        self.write: Any = another.uc_reg_write
        self.start_held: Any = ctypes.PyDLL(path).uc_emu_start
        self.hook_add: Any = another.uc_hook_add
        self.control: Any = another.uc_ctl
        for function in (self.start, self.start_held, self.read, self.write, self.hook_add,
                         self.control):
            function.restype = _INT


@cache
def library() -> Library:
    """The library, loaded on first use. MissingEngineError."""
    return Library()
