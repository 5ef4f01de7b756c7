"""Methods that bytearray shares with bytes, and hexadecimal digits, in releases that have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpy_cross.emulator.runtime.arguments import native
from mpy_cross.emulator.runtime.buffers import Buffer, ByteArray, MemoryView, buffer_of
from mpy_cross.emulator.runtime.modules.binascii import hexlify, unhexlify
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import BY_HOST, ClassMethod


def _plain(value: Any) -> Any:
    """An argument as methods of bytes take it."""
    if isinstance(value, Buffer):
        return buffer_of(value).tobytes()
    if type(value) in (list, tuple):
        return [_plain(item) for item in value]
    return value


def _result(value: Any) -> Any:
    if type(value) is bytes:
        return ByteArray(value)
    if type(value) in (list, tuple):
        return type(value)([_result(item) for item in value])
    return value


def _shared(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, *args: Any) -> Any:
        return _result(method(_plain(self), *[_plain(arg) for arg in args]))

    return call


@native
def _hex(self: Any, separator: Any = None, /) -> str:
    return hexlify(self, separator).decode()


@native
def _fromhex(cls: Any, text: Any, /) -> Any:
    try:
        data = bytes.fromhex(text) if isinstance(text, str) else unhexlify(text)
    except ValueError:
        raise ValueError("non-hex digit found") from None
    return data if cls is BY_HOST[bytes] else ByteArray(data)


def install(runtime: Runtime) -> None:
    """Give bytes, bytearray and memoryview what they have in the run-time's release."""
    facts = runtime.release.language
    of_bytes = BY_HOST[bytes].attributes
    of_bytearray = BY_HOST[ByteArray].attributes
    if facts.bytearray_methods:
        for name, method in of_bytes.items():
            if name not in of_bytearray and callable(method):
                of_bytearray[name] = _shared(method)
    if facts.hex_methods:
        for table in (of_bytes, of_bytearray):
            table["hex"] = _hex
            table["fromhex"] = ClassMethod(_fromhex)
        BY_HOST[MemoryView].attributes["hex"] = _hex
