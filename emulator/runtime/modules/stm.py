"""Module `stm` (manual 1.3.1): addresses of registers, and memory by address.

Constants are the bases of peripherals (GPIOA) and the offsets of their registers (GPIO_ODR, named
by the kind of the peripheral).
"""

from __future__ import annotations

import re
from typing import Any, Final

from mpy_cross.emulator.runtime.modules.machine import prepared
from mpy_cross.emulator.runtime.modules.machine_.audio import not_modelled
from mpy_cross.emulator.runtime.modules.machine_.memory import memories
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import Module

NAMES: Final[tuple[str, ...]] = ("stm",)
KINDS: Final = (
    (re.compile(r"GPIO[A-K]$"), "GPIO"), (re.compile(r"TIM\d+$"), "TIM"),
    (re.compile(r"U(?:S)?ART\d$"), "USART"), (re.compile(r"SPI\d$"), "SPI"),
    (re.compile(r"I2C\d$"), "I2C"), (re.compile(r"ADC\d$"), "ADC"),
    (re.compile(r"CAN\d$"), "CAN"), (re.compile(r"DMA\d$"), "DMA"),
)


def build(runtime: Runtime) -> Module:
    """Raises ImportError where there is no STM32."""
    hw = prepared(runtime)
    if not hw.stm:
        raise ImportError("no module named 'stm'")
    values: dict[str, Any] = {}
    for name, block in hw.chip.blocks.items():
        if name == "SysTick" or not name.isidentifier():
            continue
        values[name] = hw.base(name)
        kind = next((known for pattern, known in KINDS if pattern.match(name)), name)
        for register, offset in block.names().items():
            values.setdefault(f"{kind}_{register}", offset)
    # The halves of a register that the firmware names.
    values.update({"GPIO_BSRRL": values["GPIO_BSRR"], "GPIO_BSRRH": values["GPIO_BSRR"] + 2,
                   "GPIO_AFR0": values["GPIO_AFRL"], "GPIO_AFR1": values["GPIO_AFRH"]})

    def wireless(*args: Any) -> Any:
        """`rfcore_status` and its kin: this chip has no second core."""
        raise not_modelled(hw, "stm.rfcore")

    values.update(dict.fromkeys(("rfcore_status", "rfcore_fw_version", "rfcore_sys_hci"), wireless))
    values.update(memories(hw))
    return Module(NAMES[0], values)
