"""Module `hashlib` (manual 1.1.9): SHA-256, SHA-1 and MD5.  A digest ends an object's life."""

from __future__ import annotations

import hashlib
from typing import Any, Final, final

from mpy_cross.emulator.runtime.arguments import check_count, native
from mpy_cross.emulator.runtime.buffers import buffer_of
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import HostObject, Module

NAMES: Final[tuple[str, ...]] = ("uhashlib", "hashlib")


class Hash(HostObject):
    """Base of the hash types; the name of the type is that of its algorithm."""

    __algorithm__ = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_count(args, 0, 1, kwargs)
        self.__state = hashlib.new(self.__algorithm__, usedforsecurity=False)
        self.__final = False
        if args:
            self.update(args[0])

    def __check(self) -> None:
        if self.__final:
            raise ValueError("hash is final")

    @native
    def update(self, data: Any, /) -> None:
        """Add data."""
        self.__check()
        self.__state.update(buffer_of(data))

    @native
    def digest(self, /) -> bytes:
        """The hash; nothing can be done with the object afterwards."""
        self.__check()
        self.__final = True
        return self.__state.digest()


@final
class sha256(Hash):
    __algorithm__ = "sha256"


@final
class sha1(Hash):
    __algorithm__ = "sha1"


@final
class md5(Hash):
    __algorithm__ = "md5"


def build(runtime: Runtime) -> Module:
    return Module(NAMES[0], {"sha256": sha256, "sha1": sha1, "md5": md5})
