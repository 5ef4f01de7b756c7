"""`esp32.NVS`: values that survive a reset, by namespace and key (manual 1.3.3)."""

from __future__ import annotations

from typing import Any, ClassVar, Final, final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.buffers import buffer_of
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.types import HostObject

NOT_FOUND, WRONG_TYPE, TOO_LONG, BAD_LENGTH = 0x1102, 0x1103, 0x1109, 0x110C
LONGEST: Final = 15
"""Characters of a key or a namespace."""
NAMES: Final = {NOT_FOUND: "ESP_ERR_NVS_NOT_FOUND", WRONG_TYPE: "ESP_ERR_NVS_TYPE_MISMATCH",
                TOO_LONG: "ESP_ERR_NVS_KEY_TOO_LONG",
                BAD_LENGTH: "ESP_ERR_NVS_INVALID_LENGTH"}
STORE: Final = "nvs"


def failed(code: int) -> OSError:
    """The error of the maker's library."""
    return OSError(-code, NAMES[code])


@final
class NVS(HostObject):
    """`NVS(namespace)`.  What is committed lasts as long as the machine."""

    _hw: ClassVar[Hardware]

    def __init__(self, namespace: Any, /) -> None:
        if len(str(namespace)) > LONGEST:
            raise failed(TOO_LONG)
        parts = self._hw.wiring.parts
        kept: dict[str, dict[str, int | bytes]] = parts.setdefault(STORE, {})
        self._kept = kept.setdefault(str(namespace), {})
        self._values = dict(self._kept)
        self._name = str(namespace)

    def _check(self, key: Any) -> str:
        if len(key) > LONGEST:
            raise failed(TOO_LONG)
        return str(key)

    def _get(self, key: Any, kind: type) -> Any:
        found = self._values.get(self._check(key))
        if found is None or not isinstance(found, kind):
            raise failed(NOT_FOUND)
        return found

    def set_i32(self, key: Any, value: Any, /) -> None:
        """Set a number of 32 bits."""
        number = as_int(value) & 0xFFFFFFFF
        self._values[self._check(key)] = number - (number >> 31 << 32)

    def get_i32(self, key: Any, /) -> int:
        """The number of a key."""
        number: int = self._get(key, int)
        return number

    def set_blob(self, key: Any, value: Any, /) -> None:
        """Set bytes."""
        self._values[self._check(key)] = buffer_of(value).tobytes()

    def get_blob(self, key: Any, buffer: Any, /) -> int:
        """Read the bytes of a key into a buffer; how many there are."""
        data: bytes = self._get(key, bytes)
        view = buffer_of(buffer, True)
        if len(data) > len(view):
            raise failed(BAD_LENGTH)
        view[: len(data)] = data
        return len(data)

    def erase_key(self, key: Any, /) -> None:
        """Forget a key."""
        if self._values.pop(self._check(key), None) is None:
            raise failed(NOT_FOUND)

    def commit(self) -> None:
        """Keep the values."""
        self._kept.clear()
        self._kept.update(self._values)

    def __repr__(self) -> str:
        return f'<NVS namespace="{self._name}">'
