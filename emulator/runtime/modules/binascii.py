"""Module `binascii` (manual 1.1.3)."""

from __future__ import annotations

import base64
import re
import zlib
from typing import Any, Final

from mpy_cross.emulator.runtime.arguments import as_int, native, to_utf8
from mpy_cross.emulator.runtime.buffers import buffer_of
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import Module, type_name

NAMES: Final[tuple[str, ...]] = ("ubinascii", "binascii")
_NOT_HEX: Final = re.compile(rb"[^0-9a-fA-F]")
_ALPHABET: Final = {
    byte: value
    for value, byte in enumerate(
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    )
}
_PAD: Final = ord("=")


@native
def hexlify(data: Any, separator: Any = None, /) -> bytes:
    """Two hexadecimal digits for each byte; the first character of `separator` between them."""
    found = buffer_of(data).tobytes()
    if separator is None or not found:
        return found.hex().encode()
    if not isinstance(separator, (str, bytes)):
        raise TypeError(f"can't convert '{type_name(separator)}' object to str implicitly")
    sign = to_utf8(separator) if isinstance(separator, str) else separator
    return (sign[:1] or b"\0").join([b"%02x" % byte for byte in found])


@native
def unhexlify(data: Any, /) -> bytes:
    """The bytes for hexadecimal digits."""
    found = buffer_of(data).tobytes()
    if len(found) & 1:
        raise ValueError("odd-length string")
    if _NOT_HEX.search(found):
        raise ValueError("non-hex digit found")
    return bytes.fromhex(found.decode("ascii"))


@native
def a2b_base64(data: Any, /) -> bytes:
    """Decode base64; characters outside its alphabet are skipped."""
    out = bytearray()
    shift = bits = 0
    padded = False
    for byte in buffer_of(data):
        if byte == _PAD:
            if bits == 2 or (bits == 4 and padded):
                bits = 0
                break
            padded = True
        value = _ALPHABET.get(byte)
        if value is None:
            continue
        padded = False
        shift = (shift << 6 | value) & 0xFFFF
        bits += 6
        if bits >= 8:
            bits -= 8
            out.append(shift >> bits & 0xFF)
    if bits:
        raise ValueError("incorrect padding")
    return bytes(out)


@native
def b2a_base64(data: Any, /) -> bytes:
    """Encode as base64, with a new line at the end."""
    return base64.b64encode(buffer_of(data)) + b"\n"


@native
def crc32(data: Any, start: Any = 0, /) -> int:
    """The CRC-32 of data, continued from `start`."""
    return zlib.crc32(buffer_of(data), as_int(start) & 0xFFFFFFFF)


def build(runtime: Runtime) -> Module:
    return Module(
        NAMES[0],
        {
            "hexlify": hexlify,
            "unhexlify": unhexlify,
            "a2b_base64": a2b_base64,
            "b2a_base64": b2a_base64,
            "crc32": crc32,
        },
    )
