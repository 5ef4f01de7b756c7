"""`pyb.ADC`, `pyb.ADCAll` and `pyb.DAC`; voltages come from, and go to, the board's wiring."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar, Final

from mpy_cross.emulator.clock import Alarm
from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.buffers import Buffer, buffer_of
from mpy_cross.emulator.runtime.modules.machine_.analog import (
    REFERENCE,
    STM_BATTERY,
    STM_REFERENCE,
    STM_TEMPERATURE,
    channel_pin,
    stm_volts,
)
from mpy_cross.emulator.runtime.modules.machine_.hardware import US, Hardware
from mpy_cross.emulator.runtime.modules.machine_.stm_pin import ANALOG, StmPin, converters
from mpy_cross.emulator.runtime.modules.machine_.stm_timer import Timer
from mpy_cross.emulator.runtime.types import HostObject
from mpy_cross.emulator.wiring import SUPPLY, quantized

SAMPLE: Final = 2 * US
"""Time of one conversion in ns."""
ALL_CHANNELS: Final = 0xFFFFFFFF
RESOLUTIONS: Final = (6, 8, 10, 12)


class ADC(HostObject):
    """`ADC(pin)`: 12 bits."""

    _hw: ClassVar[Hardware]

    def __init__(self, pin: Any, /) -> None:
        hw = self._hw
        self._pin: StmPin | None
        if isinstance(pin, int):
            self._channel = pin
            self._pin = channel_pin(hw, pin)
            if self._pin is None and pin not in (STM_TEMPERATURE, STM_REFERENCE, STM_BATTERY):
                raise ValueError(f"not a valid ADC Channel: {pin}")
        else:
            found: StmPin = hw.types["Pin"]._find(pin)
            place = converters(found._pad.name)
            if place is None or "1" not in place[0]:
                raise ValueError(f"Pin({found.name()}) doesn't have ADC capabilities")
            self._channel, self._pin = place[1], found
        if self._pin is not None:
            self._pin._configure(ANALOG, 0)

    def _sample(self, bits: int = 12) -> int:
        if self._pin is None:
            return quantized(stm_volts(self._hw, self._channel), bits)
        return self._hw.wiring.sample(self._pin._pad, bits)

    def read(self) -> int:
        """The voltage, 0 to 4095."""
        self._hw.spend(SAMPLE)
        return self._sample()

    def read_timed(self, buf: Any, timer: Any, /) -> int:
        """Fill a buffer at the rate of a timer, or at a frequency in Hz by timer 6."""
        clock: Timer
        if isinstance(timer, Timer):
            clock = timer
        else:
            clock = self._hw.types["pyb.Timer"](6, freq=as_int(timer))
        _read_all(self._hw, (self,), (buf,), clock)
        return len(buffer_of(buf))

    @staticmethod
    def read_timed_multi(adcs: Any, bufs: Any, timer: Any, /) -> bool:
        """Fill one buffer for each converter; False if the timer was too fast."""
        sources, buffers = list(adcs), list(bufs)
        if not sources:
            raise ValueError("need at least 1 ADC")
        if len(sources) != len(buffers):
            raise ValueError("length of ADC and buffer lists differ")
        if len({(type(each), len(buffer_of(each)), getattr(each, "_kind", None))
                for each in buffers}) > 1:
            raise ValueError("size and type of buffers must match")
        if not isinstance(timer, Timer):
            raise ValueError("need a Timer object")
        return _read_all(sources[0]._hw, sources, buffers, timer)

    def __repr__(self) -> str:
        source = "" if self._pin is None else f" on {self._pin.name()}"
        return f"<ADC{source} channel={self._channel}>"


def _read_all(hw: Hardware, sources: Sequence[ADC], buffers: Sequence[Any], timer: Timer) -> bool:
    """A sample of every source at every update of the timer; were they all in time?"""
    views = [buffer_of(each, True) for each in buffers]
    kinds = [getattr(each, "_kind", None) for each in buffers]
    size = kinds[0].size if isinstance(buffers[0], Buffer) and kinds[0] is not None else 1
    block = hw.chip.blocks[timer._block]
    updates = 0

    def count() -> None:
        nonlocal updates
        updates += 1

    block.updated.append(count)  # type: ignore[attr-defined]
    block.plan()  # type: ignore[attr-defined]
    in_time = True
    try:
        for at in range(len(views[0]) // size):
            before = updates
            hw.scheduler.wait(lambda seen=before: updates > seen)  # type: ignore[misc]
            in_time = in_time and updates == before + 1
            for source, view in zip(sources, views, strict=True):
                hw.clock.advance(SAMPLE)
                value = source._sample(12 if size > 1 else 8)
                view[at * size : at * size + size] = value.to_bytes(size, "little")
            in_time = in_time and updates == before + 1
    finally:
        block.updated.remove(count)  # type: ignore[attr-defined]
    return in_time


class ADCAll(HostObject):
    """`ADCAll(resolution, mask=0xffffffff)`: all channels, with those inside the chip."""

    _hw: ClassVar[Hardware]

    def __init__(self, resolution: Any, mask: Any = ALL_CHANNELS, /) -> None:
        bits, wanted = as_int(resolution), as_int(mask)
        if bits not in RESOLUTIONS:
            raise ValueError(f"resolution {bits} not supported")
        self._bits = bits
        for channel in range(16):
            pin = channel_pin(self._hw, channel) if wanted >> channel & 1 else None
            if pin is not None:
                pin._configure(ANALOG, 0)

    def read_channel(self, channel: Any, /) -> int:
        """The raw value of a channel."""
        number = as_int(channel)
        self._hw.spend(SAMPLE)
        pin = channel_pin(self._hw, number)
        if pin is not None:
            return self._hw.wiring.sample(pin._pad, self._bits)
        if number not in (STM_TEMPERATURE, STM_REFERENCE, STM_BATTERY):
            raise ValueError(f"not a valid ADC Channel: {number}")
        return quantized(stm_volts(self._hw, number), self._bits)

    def read_core_temp(self) -> float:
        """The temperature of the chip in degrees Celsius."""
        self._hw.spend(SAMPLE)
        top = (1 << self._bits) - 1
        volts = quantized(stm_volts(self._hw, STM_TEMPERATURE), self._bits) * SUPPLY / top
        return self._hw.float((volts - 0.76) / 0.0025 + 25.0)

    def read_core_vbat(self) -> float:
        """The voltage of the backup battery."""
        self._hw.spend(SAMPLE)
        top = (1 << self._bits) - 1
        value = quantized(stm_volts(self._hw, STM_BATTERY), self._bits)
        return self._hw.float(value * 2 * SUPPLY / top)

    def read_core_vref(self) -> float:
        """The voltage of the internal reference."""
        self._hw.spend(SAMPLE)
        top = (1 << self._bits) - 1
        return self._hw.float(quantized(REFERENCE, self._bits) * SUPPLY / top)

    def read_vref(self) -> float:
        """The supply voltage."""
        return self._hw.float(SUPPLY)


class DAC(HostObject):
    """`DAC(port, bits=8, *, buffering=None)`: port 1 (X5), 2 (X6) or a pin."""

    NORMAL, CIRCULAR = 0, 0x100

    _hw: ClassVar[Hardware]

    def __init__(self, port: Any, bits: Any = 8, *, buffering: Any = None) -> None:
        hw = self._hw
        if isinstance(port, int):
            if port not in (1, 2):
                raise ValueError(f"DAC({port}) doesn't exist")
            self._id = port
        else:
            pin: StmPin = hw.types["Pin"]._find(port)
            if pin._pad.name not in ("PA4", "PA5"):
                raise ValueError(f"Pin({pin.name()}) doesn't have DAC capabilities")
            self._id = 1 if pin._pad.name == "PA4" else 2
        self._pin: StmPin = hw.types["Pin"]._all["PA4" if self._id == 1 else "PA5"]
        self._alarm: Alarm | None = None
        hw.closers.append(self._halt)
        self.init(bits, buffering=buffering)

    def init(self, bits: Any = 8, *, buffering: Any = None) -> None:
        """Set the resolution, 8 or 12 bits."""
        if as_int(bits) not in (8, 12):
            raise ValueError("unsupported bits")
        self._bits = as_int(bits)
        self._halt()
        self._pin._configure(ANALOG, 0)

    def deinit(self) -> None:
        """Release the pin."""
        self._halt()
        self._hw.wiring.outputs.pop(self._pin._pad.label, None)

    def _halt(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _drive(self, value: int, bits: int) -> None:
        volts = (value & (1 << bits) - 1) / ((1 << bits) - 1) * SUPPLY
        outputs = self._hw.wiring.outputs.setdefault(self._pin._pad.label, [])
        outputs.append((self._hw.clock.now, volts))

    def write(self, value: Any, /) -> None:
        """Set the output, 0 to 255 or to 4095."""
        self._halt()
        self._hw.busy()
        self._drive(as_int(value), self._bits)

    def _every(self, ns: float, values: Any) -> None:
        """Drives the next value of an iterator at every tick."""
        self._halt()
        start, count = self._hw.clock.now, 0

        def tick() -> None:
            nonlocal count
            value = next(values, None)
            if value is None:
                self._alarm = None
                return
            self._drive(value, 12)
            count += 1
            self._alarm = self._hw.alarm(start + int(count * ns) - self._hw.clock.now, tick)

        tick()

    def noise(self, freq: Any, /) -> None:
        """Pseudo-random noise at a frequency in Hz."""
        source = Random(1)
        self._every(1e9 / max(as_int(freq), 1), iter(lambda: source.getrandbits(12), None))

    def triangle(self, freq: Any, /) -> None:
        """A triangle wave: one step of 4096 up and 4096 down at every tick."""

        def steps() -> Any:
            while True:
                yield from range(4096)
                yield from range(4095, -1, -1)

        self._every(1e9 / max(as_int(freq), 1), steps())

    def write_timed(self, data: Any, freq: Any, *, mode: Any = NORMAL) -> None:
        """Output a buffer, one value at every tick of a timer or at a frequency in Hz."""
        view = buffer_of(data).tobytes()
        if self._bits == 12:
            values = [int.from_bytes(view[at : at + 2], "little") & 0xFFF
                      for at in range(0, len(view) - 1, 2)]
        else:
            values = [byte * 4095 // 255 for byte in view]
        if isinstance(freq, Timer):
            hertz = freq.source_freq() / ((freq.prescaler() + 1) * (freq.period() + 1))
        else:
            hertz = max(as_int(freq), 1)

        def circle() -> Any:
            while True:
                yield from values

        circular = as_int(mode) == self.CIRCULAR and bool(values)
        self._every(1e9 / hertz, circle() if circular else iter(values))

    def __repr__(self) -> str:
        return f"DAC({self._id}, bits={self._bits})"
