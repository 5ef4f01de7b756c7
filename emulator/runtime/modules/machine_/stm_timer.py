"""`pyb.Timer`: the timers of STM32, by their registers."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from mpy_cross.emulator.runtime.arguments import as_float, as_int
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.modules.machine_.stm_pin import ALTERNATE, StmPin, alternates
from mpy_cross.emulator.runtime.types import HostObject
from mpy_cross.emulator.soc.stm32f4 import ON_APB2, TIMERS

UP, DOWN, CENTER = 0x00, 0x10, 0x20
COUNTING: Final = {UP: "UP", DOWN: "DOWN", CENTER: "CENTER"}
(PWM, PWM_INVERTED, OC_TIMING, OC_ACTIVE, OC_INACTIVE, OC_TOGGLE, OC_FORCED_ACTIVE,
 OC_FORCED_INACTIVE, IC, ENC_A, ENC_B, ENC_AB) = range(12)
MODE_NAMES: Final = ("PWM", "PWM_INVERTED", "OC_TIMING", "OC_ACTIVE", "OC_INACTIVE", "OC_TOGGLE",
                     "OC_FORCED_ACTIVE", "OC_FORCED_INACTIVE", "IC", "ENC_A", "ENC_B", "ENC_AB")
# OCxM of the manual for the modes that drive outputs.
OUTPUT_MODES: Final = {PWM: 6, PWM_INVERTED: 7, OC_TIMING: 0, OC_ACTIVE: 1, OC_INACTIVE: 2,
                       OC_TOGGLE: 3, OC_FORCED_ACTIVE: 5, OC_FORCED_INACTIVE: 4}
HIGH, LOW = 0, 2
RISING, FALLING, BOTH = 0, 2, 10
BRK_OFF, BRK_LOW, BRK_HIGH = range(3)
INTERRUPTS: Final[dict[int, tuple[int, ...]]] = {
    1: (25, 27), 2: (28,), 3: (29,), 4: (30,), 5: (50,), 6: (54,), 7: (55,), 8: (44, 46),
    9: (24,), 10: (25,), 11: (26,), 12: (43,), 13: (44,), 14: (45,)}
# Bits of the clock enable registers.
ENABLES: Final = {1: ("APB2ENR", 0), 8: ("APB2ENR", 1), 9: ("APB2ENR", 16), 10: ("APB2ENR", 17),
                  11: ("APB2ENR", 18), 2: ("APB1ENR", 0), 3: ("APB1ENR", 1), 4: ("APB1ENR", 2),
                  5: ("APB1ENR", 3), 6: ("APB1ENR", 4), 7: ("APB1ENR", 5), 12: ("APB1ENR", 6),
                  13: ("APB1ENR", 7), 14: ("APB1ENR", 8)}


def source_frequency(hw: Hardware, number: int) -> int:
    """Hz of the clock of a timer: twice that of its bus, unless that is not divided."""
    config = hw.read("RCC", "CFGR")
    ahb = config >> 4 & 15
    core = hw.chip.rate.hz
    assert ahb < 16
    code = config >> (13 if f"TIM{number}" in ON_APB2 else 10) & 7
    return core if code < 4 else 2 * core // (2 << code - 4)


def split(total: int, top: int) -> tuple[int, int]:
    """(prescaler, period) registers for a period of so many cycles."""
    prescaler = 1
    total = max(total, 1)
    while total > top:
        for factor in (5, 3):
            if total % factor == 0:
                prescaler, total = prescaler * factor, total // factor
                break
        else:
            prescaler, total = prescaler << 1, total >> 1
    return prescaler - 1 & 0xFFFF, total - 1 & top


class Timer(HostObject):
    """`Timer(id, *, freq, prescaler, period, mode=UP, div=1, callback=None, deadtime=0)`."""

    UP, DOWN, CENTER = UP, DOWN, CENTER
    (PWM, PWM_INVERTED, OC_TIMING, OC_ACTIVE, OC_INACTIVE, OC_TOGGLE, OC_FORCED_ACTIVE,
     OC_FORCED_INACTIVE, IC, ENC_A, ENC_B, ENC_AB) = range(12)
    HIGH, LOW = HIGH, LOW
    RISING, FALLING, BOTH = RISING, FALLING, BOTH
    BRK_OFF, BRK_LOW, BRK_HIGH = BRK_OFF, BRK_LOW, BRK_HIGH

    _hw: ClassVar[Hardware]
    _known: ClassVar[dict[int, Timer]]

    _id: int
    _callback: Any
    _channels: dict[int, TimerChannel]
    _ready: bool
    _mode: int
    _div: int
    _deadtime: int

    def __new__(cls, id: Any, *args: Any, **kwargs: Any) -> Timer:
        number = as_int(id)
        if number not in TIMERS or number not in cls._hw.machine.board.timers:
            raise ValueError(f"Timer({number}) doesn't exist")
        made = cls._known.get(number)
        if made is None:
            made = object.__new__(cls)
            made._id, made._callback, made._channels = number, None, {}
            made._ready, made._mode, made._div, made._deadtime = False, UP, 1, 0
            cls._known[number] = made
            for line in INTERRUPTS[number]:
                cls._hw.interrupt(line, made._handle)
            cls._hw.closers.append(made.deinit)
        return made

    def __init__(self, id: Any, *args: Any, **kwargs: Any) -> None:
        if args or kwargs:
            self.init(*args, **kwargs)

    # ------------------------------------------------------------------------------ registers

    @property
    def _block(self) -> str:
        return f"TIM{self._id}"

    @property
    def _top(self) -> int:
        return (1 << TIMERS[self._id].bits) - 1

    def _read(self, register: str) -> int:
        return self._hw.read(self._block, register)

    def _write(self, register: str, value: int) -> None:
        self._hw.write(self._block, register, value)

    def _change(self, register: str, clear: int, set: int) -> None:
        self._hw.change(self._block, register, clear, set)

    def init(self, freq: Any = None, *, prescaler: Any = 0xFFFFFFFF, period: Any = 0xFFFFFFFF,
             tick_hz: Any = 1000, mode: Any = UP, div: Any = 1, callback: Any = None,
             deadtime: Any = 0, brk: Any = BRK_OFF) -> None:
        """Start the timer, by frequency or by prescaler and period."""
        hw = self._hw
        scale, length = as_int(prescaler), as_int(period)
        if freq is not None:
            scale, length = self._from_frequency(freq)
        elif scale == 0xFFFFFFFF and length != 0xFFFFFFFF:
            cycles = self.source_freq() * length // as_int(tick_hz)
            scale, length = split(cycles, self._top)
        elif scale == 0xFFFFFFFF or length == 0xFFFFFFFF:
            raise TypeError("must specify either freq, period, or prescaler and period")
        counting = as_int(mode)
        if counting not in COUNTING:
            raise ValueError(f"invalid mode ({counting})")
        register, bit = ENABLES[self._id]
        hw.change("RCC", register, 0, 1 << bit)
        self._mode, self._div = counting, {2: 2, 4: 4}.get(as_int(div), 1)
        self._write("CR1", 0)
        self._write("DIER", 0)
        division = {1: 0, 2: 1, 4: 2}[self._div]
        self._write("CR1", division << 8 | counting)
        self._write("PSC", scale & 0xFFFF)
        self._write("ARR", length & self._top)
        self._write("EGR", 1)  # takes the values over
        self._write("SR", 0)
        if TIMERS[self._id].advanced:
            self._deadtime = as_int(deadtime)
            self._write("BDTR", 1 << 15 | self._deadtime_bits(self._deadtime))
        self._ready = True
        if callback is None:
            self._change("CR1", 0, 1)
            self._callback = None
        else:
            self.callback(callback)

    @staticmethod
    def _deadtime_bits(ticks: int) -> int:
        """DTG: steps of 1, 2, 8 and 16 ticks in four ranges (RM0090, 17.4.18)."""
        if ticks < 128:
            return max(ticks, 0)
        if ticks < 256:
            return 0x80 | (ticks - 128) // 2
        if ticks < 512:
            return 0xC0 | (ticks - 256) // 8
        return 0xE0 | (min(ticks, 1008) - 512) // 16

    def _from_frequency(self, freq: Any) -> tuple[int, int]:
        source = self.source_freq()
        if isinstance(freq, float):
            hertz = float(freq)
            scale = 1
            if hertz <= 0:
                raise ValueError("must have positive freq")
            while hertz < 1 and scale < 6553:
                scale, hertz = scale * 10, hertz * 10
            prescaler, period = split(int(source / hertz), self._top)
            return (prescaler + 1) * scale - 1 & 0xFFFF, period
        number = as_int(freq)
        if number <= 0:
            raise ValueError("must have positive freq")
        return split(source // number, self._top)

    def deinit(self) -> None:
        """Stop the timer, with its callbacks and interrupts."""
        self._callback = None
        for channel in self._channels.values():
            channel._callback = None
        self._channels.clear()
        if self._ready:
            self._write("DIER", 0)
            self._write("CCER", 0)
            self._write("CR1", 0)
            self._ready = False

    # ------------------------------------------------------------------------------ callbacks

    def callback(self, function: Any) -> None:
        """Call `function(timer)` at every update; None: no more."""
        if function is not None and not callable(function):
            raise ValueError("callback must be None or a callable object")
        if function is None:
            self._change("DIER", 1, 0)
            self._callback = None
            return
        self._change("DIER", 1, 0)
        self._callback = function
        self._write("SR", ~1 & 0xFFFF)
        self._change("DIER", 0, 1)
        self._change("CR1", 0, 1)

    def _handle(self) -> None:
        while not self._hw.closed:
            pending = self._read("SR") & self._read("DIER") & 0x1F
            if not pending:
                return
            self._write("SR", ~pending & 0xFFFF)
            if pending & 1:
                self._call(1, self._callback, None)
            for number, channel in list(self._channels.items()):
                if pending >> number & 1:
                    self._call(1 << number, channel._callback, number)

    def _call(self, bit: int, function: Any, channel: int | None) -> None:
        if function is None:
            self._change("DIER", bit, 0)
            return

        def failed() -> str:
            self._change("DIER", bit, 0)
            if channel is None:
                self._callback = None
                return f"uncaught exception in Timer({self._id}) interrupt handler"
            self._channels[channel]._callback = None
            return f"uncaught exception in Timer({self._id}) channel {channel} interrupt handler"

        self._hw.callback((self, bit), function, (self,), hard=True, failed=failed)

    # ------------------------------------------------------------------------------- settings

    def counter(self, *value: Any) -> Any:
        """Get or set the counter."""
        self._hw.busy()
        if not value:
            return self._read("CNT")
        self._write("CNT", as_int(value[0]))
        return None

    def prescaler(self, *value: Any) -> Any:
        """Get or set the prescaler; it takes effect at the next update."""
        if not value:
            return self._read("PSC") & 0xFFFF
        self._write("PSC", as_int(value[0]) & 0xFFFF)
        return None

    def period(self, *value: Any) -> Any:
        """Get or set the period."""
        if not value:
            return self._read("ARR") & self._top
        self._write("ARR", as_int(value[0]) & self._top)
        return None

    def freq(self, *value: Any) -> Any:
        """Get or set the frequency."""
        if value:
            prescaler, period = self._from_frequency(value[0])
            self._write("PSC", prescaler)
            self._write("ARR", period)
            return None
        cycles = (self.prescaler() + 1) * (self.period() + 1)
        source = self.source_freq()
        if source % cycles == 0:
            return source // cycles
        return self._hw.float(source / cycles)

    def source_freq(self) -> int:
        """Hz of the clock that the prescaler divides."""
        return source_frequency(self._hw, self._id)

    def channel(self, channel: Any, *args: Any, **kwargs: Any) -> Any:
        """Configure a channel, or get one that was configured."""
        number = as_int(channel)
        if not 1 <= number <= 4:
            raise ValueError(f"invalid channel ({number})")
        if not args and not kwargs:
            return self._channels.get(number)
        made = TimerChannel(self, number)
        made._configure(*args, **kwargs)
        return made

    def __repr__(self) -> str:
        if not self._ready:
            return f"Timer({self._id})"
        text = (f"Timer({self._id}, prescaler={self.prescaler()}, period={self.period()}, "
                f"mode={COUNTING[self._mode]}, div={self._div}")
        if TIMERS[self._id].advanced:
            text += f", deadtime={self._deadtime}"
        return text + ")"


class TimerChannel(HostObject):
    """A channel of a timer; `Timer.channel` makes it."""

    def __init__(self, timer: Timer, number: int) -> None:
        self._timer, self._number = timer, number
        self._callback: Any = None
        self._mode = OC_TIMING

    def _configure(self, mode: Any, *, callback: Any = None, pin: Any = None,
                   pulse_width: Any = 0, pulse_width_percent: Any = None, compare: Any = 0,
                   polarity: Any = 0xFFFFFFFF) -> None:
        timer, n = self._timer, self._number
        wanted = as_int(mode)
        if not PWM <= wanted <= ENC_AB:
            raise ValueError(f"invalid mode ({wanted})")
        self._mode = wanted
        if n > TIMERS[timer._id].channels and wanted < ENC_A:
            raise ValueError(f"invalid channel ({n})")
        if pin is not None:
            self._connect(pin)
        timer._channels[n] = self
        edge = as_int(polarity)
        edge = 0 if edge == 0xFFFFFFFF else edge
        allowed = (HIGH, LOW) if wanted < IC else (RISING, FALLING, BOTH)
        if edge not in allowed:
            raise ValueError(f"invalid polarity ({edge})")
        if wanted >= ENC_A:
            self._encode(wanted, edge)
        elif wanted == IC:
            self._capture_mode(edge)
        else:
            value = as_int(compare)
            if wanted in (PWM, PWM_INVERTED):
                value = as_int(pulse_width)
                if pulse_width_percent is not None:
                    value = self._from_percent(pulse_width_percent)
            self._output(OUTPUT_MODES[wanted], edge, value, wanted in (PWM, PWM_INVERTED))
        if callback is not None:
            self.callback(callback)
        elif wanted != OC_TIMING:
            timer._change("CR1", 0, 1)

    def _connect(self, pin: Any) -> None:
        """Switches a pin to this channel."""
        timer = self._timer
        if not isinstance(pin, StmPin):
            raise ValueError("pin argument needs to be be a Pin type")
        wanted = {f"TIM{timer._id}_CH{self._number}", f"TIM{timer._id}_CH{self._number}N"}
        for index, signal in alternates(pin._pad.name):
            if signal in wanted:
                pin._configure(ALTERNATE, 0, index)
                return
        raise ValueError(f"Pin({pin.name()}) doesn't have an af for Timer({timer._id})")

    def _mode_bits(self, bits: int) -> None:
        """Writes the byte of CCMR that belongs to this channel, with the channel off."""
        timer, n = self._timer, self._number - 1
        timer._change("CCER", 15 << 4 * n, 0)
        shift = 8 * (n & 1)
        timer._change(f"CCMR{n // 2 + 1}", 0xFF << shift, bits << shift)

    def _output(self, mode: int, polarity: int, value: int, preload: bool) -> None:
        timer, n = self._timer, self._number - 1
        self._mode_bits(mode << 4)
        timer._write(f"CCR{self._number}", value)
        if preload:
            self._mode_bits(mode << 4 | 8)
        bits = 1 | polarity
        if TIMERS[timer._id].advanced and n < 3:
            bits |= 4 | polarity << 2
        if self._mode != OC_TIMING:
            timer._change("CCER", 0, bits << 4 * n)
        if TIMERS[timer._id].advanced:
            timer._change("BDTR", 0, 1 << 15)

    def _capture_mode(self, polarity: int) -> None:
        self._mode_bits(1)
        self._timer._change("CCER", 0, (1 | polarity) << 4 * (self._number - 1))

    def _encode(self, mode: int, polarity: int) -> None:
        timer = self._timer
        if timer._id not in (1, 2, 3, 4, 5, 8):
            raise ValueError(f"encoder not supported on timer {timer._id}")
        timer._change("CR1", 1, 0)
        timer._write("CCMR1", 0x0101)
        timer._write("CCER", (1 | polarity) * 0x11)
        timer._change("SMCR", 7, {ENC_A: 1, ENC_B: 2, ENC_AB: 3}[mode])

    # Values.

    def callback(self, function: Any) -> None:
        """Call `function(timer)` at every match or capture; None: no more."""
        if function is not None and not callable(function):
            raise ValueError("callback must be None or a callable object")
        timer, bit = self._timer, 1 << self._number
        timer._change("DIER", bit, 0)
        self._callback = function
        if function is not None:
            timer._write("SR", ~bit & 0xFFFF)
            timer._change("DIER", 0, bit)
            timer._change("CR1", 0, 1)

    def capture(self, *value: Any) -> Any:
        """Get or set the value of the channel's register."""
        register = f"CCR{self._number}"
        if not value:
            return self._timer._read(register) & self._timer._top
        self._timer._write(register, as_int(value[0]) & self._timer._top)
        return None

    def compare(self, *value: Any) -> Any:
        """The same as `capture`."""
        return self.capture(*value)

    def pulse_width(self, *value: Any) -> Any:
        """The same as `capture`."""
        return self.capture(*value)

    def _whole(self) -> int:
        """The value of the register that makes 100 percent."""
        period: int = self._timer.period()
        return period if self._timer._mode == CENTER else period + 1

    def _from_percent(self, percent: Any) -> int:
        whole = self._whole()
        share = as_float(percent)
        if share <= 0:
            return 0
        if share >= 100:
            return whole
        if isinstance(percent, float):
            return int(share / 100 * whole)
        return int(percent) * whole // 100

    def pulse_width_percent(self, *value: Any) -> Any:
        """Get or set the value in percent of the period."""
        if value:
            self.capture(self._from_percent(value[0]))
            return None
        whole, width = self._whole(), self.capture()
        return self._timer._hw.float(100.0 if width >= whole else width * 100 / whole)

    def __repr__(self) -> str:
        return (f"TimerChannel(timer={self._timer._id}, channel={self._number}, "
                f"mode={MODE_NAMES[self._mode]})")


def build_timer(hw: Hardware) -> type[Timer]:
    """`pyb.Timer`."""
    new = "pyb.Timer" not in hw.types
    made = hw.bind(Timer, "pyb.Timer")
    if new:
        made._known = {}
    return made
