"""Module `machine` (manual 1.2.5): the hardware of the board."""

from __future__ import annotations

from typing import Any, Final

from mpy_cross.emulator.runtime.modules.machine_ import control
from mpy_cross.emulator.runtime.modules.machine_.analog import RpADC, StmADC
from mpy_cross.emulator.runtime.modules.machine_.audio import I2S
from mpy_cross.emulator.runtime.modules.machine_.exti import Exti, ExtInt, pin_irq
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware, hardware
from mpy_cross.emulator.runtime.modules.machine_.i2c import RpI2C, SoftI2C, StmI2C
from mpy_cross.emulator.runtime.modules.machine_.memory import memories
from mpy_cross.emulator.runtime.modules.machine_.pin import build_rp
from mpy_cross.emulator.runtime.modules.machine_.pwm import StmPWM, build_pwm
from mpy_cross.emulator.runtime.modules.machine_.rp_uart import RpUart
from mpy_cross.emulator.runtime.modules.machine_.rtc import RpRTC, StmRTC
from mpy_cross.emulator.runtime.modules.machine_.signal import Signal
from mpy_cross.emulator.runtime.modules.machine_.single_wire import dht_reader
from mpy_cross.emulator.runtime.modules.machine_.soft_timer import AlarmPool, Timer
from mpy_cross.emulator.runtime.modules.machine_.spi import RpSPI, SoftSPI, StmSPI
from mpy_cross.emulator.runtime.modules.machine_.stm_pin import build_stm
from mpy_cross.emulator.runtime.modules.machine_.stm_uart import StmUart
from mpy_cross.emulator.runtime.modules.machine_.watchdog import RpWDT, StmWDT
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import Module

NAMES: Final[tuple[str, ...]] = ("umachine", "machine")
FUNCTIONS: Final = (
    "reset", "soft_reset", "reset_cause", "bootloader", "disable_irq", "enable_irq", "freq",
    "idle", "lightsleep", "deepsleep", "unique_id", "time_pulse_us", "bitstream",
)


def prepared(runtime: Runtime) -> Hardware:
    """The hardware of a run-time with the classes that all modules share."""
    hw = hardware(runtime)
    if "control" in hw.types:
        return hw
    if hw.esp:
        from mpy_cross.emulator.runtime.modules.machine_.esp import prepare_esp

        prepare_esp(hw)
        return hw
    hw.types["control"] = control.Control(hw)
    if hw.stm:
        pin = build_stm(hw)
        exti = hw.types["exti"] = Exti(hw)
        hw.bind(ExtInt)._exti = exti
        pin._make_irq = staticmethod(lambda *args, **kwargs: pin_irq(exti, *args, **kwargs))
        hw.bind(StmUart)._known = {}
    else:
        build_rp(hw)
        hw.bind(RpUart)._known = {}
        hw.bind(Timer)._pool = AlarmPool(hw)
        build_pwm(hw)
    for cls in (Signal, SoftI2C, SoftSPI, Timer):
        hw.bind(cls)
    return hw


def build(runtime: Runtime) -> Module:
    """Raises ImportError if the run-time runs on no machine."""
    hw = prepared(runtime)
    if hw.esp:
        from mpy_cross.emulator.runtime.modules.machine_.esp import esp_values

        return Module(NAMES[0], {**esp_values(hw), "dht_readinto": dht_reader(hw)})
    functions = hw.types["control"]
    values: dict[str, Any] = {name: getattr(functions, name) for name in FUNCTIONS}
    values["sleep"] = functions.lightsleep
    values["dht_readinto"] = dht_reader(hw)
    values.update(memories(hw))
    values.update((name, hw.types[name]) for name in
                  ("Pin", "Signal", "UART", "SoftI2C", "SoftSPI", "Timer"))
    own = ((StmADC, StmI2C, StmSPI, StmRTC, StmWDT, I2S) if hw.stm
           else (RpADC, RpI2C, RpSPI, RpRTC, RpWDT, I2S))
    for cls in own:
        bound = hw.bind(cls)
        values[bound.__name__] = bound
    causes = ("SOFT_RESET", "PWRON_RESET", "HARD_RESET", "WDT_RESET", "DEEPSLEEP_RESET")
    if hw.stm:
        values["info"] = functions.info
        if "RNG" in hw.machine.chip.blocks:
            values["rng"] = functions.rng
        if "SD" in hw.machine.board.pins:
            from mpy_cross.emulator.runtime.modules.machine_.sdcard import SDCard

            values["SDCard"] = hw.bind(SDCard)
        else:
            del values["I2S"]  # firmware has it for the pyboard only
        if runtime.release.library.stm_pwm:
            values["PWM"] = hw.bind(StmPWM)
        values.update((name, getattr(control, name)) for name in causes)
    else:
        values["PWM"] = hw.types["PWM"]
        values.update({"PWRON_RESET": control.RP_PWRON, "HARD_RESET": control.RP_HARD,
                       "WDT_RESET": control.RP_WDT, "DEEPSLEEP_RESET": control.RP_DEEPSLEEP,
                       "SOFT_RESET": control.RP_SOFT})
    values.update({"IDLE": 1, "SLEEP": 2, "DEEPSLEEP": 3})
    return Module(NAMES[0], values)
