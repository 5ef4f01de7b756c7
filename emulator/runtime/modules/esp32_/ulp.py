"""`esp32.ULP`: the co-processor, which takes programs but does not run here (manual 1.3.3)."""

from __future__ import annotations

from typing import Any, ClassVar, Final, final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.buffers import buffer_of
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.types import HostObject

RESERVE: Final = 2040
"""Bytes of the RTC's slow memory that programs may have."""


@final
class ULP(HostObject):
    """`ULP()`."""

    RESERVE_MEM = RESERVE

    _hw: ClassVar[Hardware]

    def __init__(self) -> None:
        pass

    def set_wakeup_period(self, period_index: Any, period_us: Any, /) -> None:
        """Set one of the five periods."""
        number = as_int(period_index)
        if not 0 <= number <= 4:
            raise ValueError("invalid index")
        cycles = as_int(period_us) * 150_000 // 1_000_000
        self._hw.write("SENS", f"ULP_CP_SLEEP_CYC{number}", cycles & 0xFFFFFFFF)

    def load_binary(self, load_addr: Any, program_binary: Any, /) -> None:
        """Put a program into the memory."""
        data, at = buffer_of(program_binary).tobytes(), as_int(load_addr)
        if at < 0 or at % 4 or at + len(data) > RESERVE:
            raise ValueError("load address out of range")
        memory = self._hw.chip.rtc_slow.buffer  # type: ignore[attr-defined]
        memory[at : at + len(data)] = data

    def run(self, entry_point: Any, /) -> None:
        """Start the co-processor: it is not modelled."""
        self._hw.machine.context.unmodelled("the ULP co-processor", "start")
