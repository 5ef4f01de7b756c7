"""The modules of the run-time: each file has `build(runtime)`, which makes the module."""

from __future__ import annotations

TABLE: dict[str, str] = {
    "array": "array",
    "uarray": "array",
    "binascii": "binascii",
    "ubinascii": "binascii",
    "collections": "collections",
    "ucollections": "collections",
    "hashlib": "hashlib",
    "uhashlib": "hashlib",
    "heapq": "heapq",
    "uheapq": "heapq",
    "io": "io",
    "uio": "io",
    "json": "json",
    "ujson": "json",
    "struct": "struct",
    "ustruct": "struct",
    "uctypes": "uctypes",
    "cmath": "cmath",
    "framebuf": "framebuf",
    "gc": "gc",
    "machine": "machine",
    "umachine": "machine",
    "math": "math",
    "micropython": "micropython",
    "errno": "errno",
    "uerrno": "errno",
    "os": "os",
    "uos": "os",
    "pyb": "pyb",
    "random": "random",
    "urandom": "random",
    "re": "re",
    "ure": "re",
    "rp2": "rp2",
    "select": "select",
    "stm": "stm",
    "uselect": "select",
    "sys": "sys",
    "usys": "sys",
    "time": "time",
    "utime": "time",
    "vfs": "vfs",
    "zlib": "zlib",
    "uzlib": "zlib",
}
"""The file of each module, by the names that a program may import it by."""

PLATFORMS: dict[str, tuple[str, ...]] = {
    "umachine": ("pyboard", "rp2"),
    "pyb": ("pyboard",),
    "stm": ("pyboard",),
    "rp2": ("rp2",),
}
"""The boards (`sys.platform`) with a module, where not all have it."""
