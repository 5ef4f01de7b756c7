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
    "zlib": "zlib",
    "uzlib": "zlib",
}
"""The file of each module, by the names that a program may import it by."""
