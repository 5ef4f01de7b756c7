"""Parts of the pyboard: `LED`, `Switch`, `Servo`, `Accel`."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from mpy_cross.emulator.parts import ACCELEROMETER as ACCEL
from mpy_cross.emulator.runtime.arguments import as_float, as_int
from mpy_cross.emulator.runtime.modules.machine_.exti import IRQ_FALLING, User
from mpy_cross.emulator.runtime.modules.machine_.hardware import MS, Hardware
from mpy_cross.emulator.runtime.modules.machine_.i2c import StmI2C
from mpy_cross.emulator.runtime.modules.machine_.stm_pin import (
    ALTERNATE,
    INPUT,
    OUTPUT,
    StmPin,
)
from mpy_cross.emulator.runtime.modules.machine_.stm_timer import ENABLES, source_frequency
from mpy_cross.emulator.runtime.types import HostObject

# Timers of the LEDs whose brightness can be set; both use channel 1.
LED_TIMERS: Final = {3: (2, 1), 4: (3, 2)}
"""LED: timer, alternate function of its pad."""
LED_PERIOD: Final = 10000  # us
SERVO_PERIOD: Final = 2000  # units of 10 us
ACCEL_DELAY: Final = 30  # ms until it has started


class LED(HostObject):
    """`LED(id)`: 1 red, 2 green, 3 yellow, 4 blue."""

    _hw: ClassVar[Hardware]
    _dimmed: ClassVar[set[int]]

    def __init__(self, id: Any, /) -> None:
        number = as_int(id)
        if not 1 <= number <= len(self._hw.board.leds):
            raise ValueError(f"LED({number}) doesn't exist")
        self._id = number
        self._pin: StmPin = self._hw.types["Pin"]._find(self._hw.board.leds[number - 1])

    def _set(self, on: bool) -> None:
        self._hw.busy()
        self._pin._write(on)
        if self._id in self._dimmed:
            self._dimmed.discard(self._id)
            self._pin._configure(OUTPUT, 0)

    def on(self) -> None:
        """Turn it on fully."""
        self._set(True)

    def off(self) -> None:
        """Turn it off."""
        self._set(False)

    def toggle(self) -> None:
        """Turn it off if it is on in any way, else on."""
        if self._id in self._dimmed:
            self._set(False)
        else:
            self._pin.toggle()

    def intensity(self, *value: Any) -> Any:
        """Get or set the brightness, 0 to 255; only LEDs 3 and 4 know steps."""
        if value:
            self._dim(as_int(value[0]))
            return None
        if self._id in self._dimmed:
            width = self._hw.read(f"TIM{LED_TIMERS[self._id][0]}", "CCR1")
            return min((width * 255 + LED_PERIOD - 2) // (LED_PERIOD - 1), 255)
        output = self._hw.read(self._pin._block, "ODR")
        return 255 if output >> self._pin.pin() & 1 else 0

    def _dim(self, value: int) -> None:
        if self._id not in LED_TIMERS or not 0 < value < 255:
            self._set(value > 0)
            return
        timer, function = LED_TIMERS[self._id]
        hw, block = self._hw, f"TIM{timer}"
        if self._id not in self._dimmed:
            self._dimmed.add(self._id)
            self._pin._configure(ALTERNATE, 0, function)
            register, bit = ENABLES[timer]
            hw.change("RCC", register, 0, 1 << bit)
            hw.write(block, "CR1", 0)
            hw.write(block, "PSC", source_frequency(hw, timer) // 1_000_000 - 1)
            hw.write(block, "ARR", LED_PERIOD - 1)
            hw.write(block, "CCR1", 0)
            hw.write(block, "EGR", 1)
            hw.change(block, "CCMR1", 0xFF, 6 << 4 | 8)
            hw.change(block, "CCER", 15, 1)
            hw.write(block, "CR1", 1)
        hw.write(block, "CCR1", value * (LED_PERIOD - 1) // 255)

    def __repr__(self) -> str:
        return f"LED({self._id})"


class Switch(HostObject):
    """`Switch()`: the USR switch."""

    _hw: ClassVar[Hardware]

    def __init__(self) -> None:
        self._pin: StmPin = self._hw.types["Pin"]._find("SW")

    def value(self) -> bool:
        """Is it pressed?"""
        self._hw.busy()
        return not self._pin._read()

    def __call__(self) -> bool:
        """The same as `value`."""
        return self.value()

    def callback(self, fun: Any) -> None:
        """Call `fun()` when it is pressed; None: no more."""
        exti, line = self._hw.types["exti"], self._pin.pin()
        if fun is None:
            exti.release(line)
            return
        self._pin._configure(INPUT, 1)
        exti.register(self._pin, line, IRQ_FALLING, User(self, fun, ()))

    def __repr__(self) -> str:
        return "Switch()"


class Servo(HostObject):
    """`Servo(id)`: a servo at PA0 to PA3, which are X1 to X4, by timer 5.  Widths are in units of
    10 us."""

    _hw: ClassVar[Hardware]
    _all: ClassVar[dict[int, Servo]]

    _id: int
    _limits: tuple[int, int, int]
    _angle_90: int
    _speed_100: int
    _now: int
    _wanted: int
    _rest: int
    _left: int

    def __new__(cls, id: Any, /) -> Servo:
        number = as_int(id)
        if not 1 <= number <= 4:
            raise ValueError(f"Servo({number}) doesn't exist")
        made = cls._all.get(number)
        if made is None:
            if not cls._all:
                cls._hw.interrupt(50, cls._step_all)
            made = cls._all[number] = object.__new__(cls)
            made._id = number
            made._limits, made._angle_90, made._speed_100 = (64, 242, 150), 97, 70
            made._now, made._rest = 150, 0
        made._wanted, made._left = made._now, 0
        return made

    def __init__(self, id: Any, /) -> None:
        hw = self._hw
        pin: StmPin = hw.types["Pin"]._all[f"PA{self._id - 1}"]
        pin._configure(ALTERNATE, 0, 2)
        register, bit = ENABLES[5]
        if not hw.read("RCC", register) >> bit & 1:
            hw.change("RCC", register, 0, 1 << bit)
            hw.write("TIM5", "PSC", source_frequency(hw, 5) // 100_000 - 1)
            hw.write("TIM5", "ARR", SERVO_PERIOD - 1)
            hw.write("TIM5", "EGR", 1)
            hw.write("TIM5", "SR", 0)
        shift = 8 * (self._id - 1 & 1)
        hw.write("TIM5", f"CCR{self._id}", self._now)
        hw.change("TIM5", f"CCMR{(self._id + 1) // 2}", 0xFF << shift, (6 << 4 | 8) << shift)
        hw.change("TIM5", "CCER", 15 << 4 * (self._id - 1), 1 << 4 * (self._id - 1))
        hw.change("TIM5", "EGR", 0, 1)
        hw.write("TIM5", "SR", 0)
        hw.change("TIM5", "CR1", 0, 1)

    @classmethod
    def _step_all(cls) -> None:
        """The update interrupt of timer 5: one step of every servo that moves."""
        hw = cls._hw
        if not hw.read("TIM5", "DIER") & hw.read("TIM5", "SR") & 1:
            return
        hw.write("TIM5", "SR", 0xFFFE)
        cls._step()

    @classmethod
    def _step(cls) -> None:
        moving = False
        for servo in cls._all.values():
            if servo._now != servo._wanted:
                moving = servo._move() or moving
        cls._hw.change("TIM5", "DIER", 1, int(moving))

    def _move(self) -> bool:
        """One step; does it go on?"""
        low, high, _ = self._limits
        self._wanted = min(max(self._wanted, low), high)
        again = self._left > 1
        if again:
            # What is left of a step is added to the next one.
            self._rest += self._wanted - self._now
            step = abs(self._rest) // self._left * (1 if self._rest >= 0 else -1)
            self._now += step
            self._rest -= step * self._left
            self._left -= 1
        else:
            self._now, self._left = self._wanted, 0
        self._hw.write("TIM5", f"CCR{self._id}", self._now)
        return again

    def _go(self, wanted: int, time: tuple[Any, ...]) -> None:
        self._wanted = wanted
        self._left = as_int(time[0]) // 20 if time else 0
        self._rest = 0
        self._step()

    def pulse_width(self, *value: Any) -> Any:
        """Get or set the width of the pulse in us."""
        if not value:
            return 10 * self._now
        self._go(as_int(value[0]) // 10, ())
        return None

    def calibration(self, *values: Any) -> Any:
        """Get or set (minimum, maximum, centre, at 90 degrees, at speed 100), in us."""
        low, high, centre = self._limits
        if not values:
            return (10 * low, 10 * high, 10 * centre, 10 * (self._angle_90 + centre),
                    10 * (self._speed_100 + centre))
        if len(values) not in (3, 5):
            raise TypeError(
                f"calibration expecting 1, 4 or 6 arguments, got {len(values) + 1}")
        numbers = [as_int(value) // 10 for value in values]
        self._limits = numbers[0], numbers[1], numbers[2]
        if len(values) == 5:
            self._angle_90, self._speed_100 = numbers[3] - numbers[2], numbers[4] - numbers[2]
        return None

    def angle(self, *angle: Any) -> Any:
        """Get or set the angle in degrees; the second argument is the time in ms."""
        if not angle:
            return _towards_zero((self._now - self._limits[2]) * 90, self._angle_90)
        # To the nearest step: then the manual's servo at -60 degrees says so.
        self._go(self._limits[2] + round(self._angle_90 * as_float(angle[0]) / 90), angle[1:])
        return None

    def speed(self, *speed: Any) -> Any:
        """Get or set the speed, -100 to 100; the second argument is the time in ms."""
        if not speed:
            return _towards_zero((self._now - self._limits[2]) * 100, self._speed_100)
        self._go(self._limits[2] + round(self._speed_100 * as_float(speed[0]) / 100), speed[1:])
        return None

    def __repr__(self) -> str:
        return f"<Servo {self._id} at {10 * self._now}us>"


def _towards_zero(a: int, b: int) -> int:
    """The quotient as C has it."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


class Accel(HostObject):
    """`Accel()`: the accelerometer, read over I2C."""

    _hw: ClassVar[Hardware]

    def __init__(self) -> None:
        hw = self._hw
        power: StmPin = hw.types["Pin"]._find("MMA_AVDD")
        self._bus: StmI2C = hw.bind(StmI2C)(1)
        self._samples: list[tuple[int, int, int]] = []
        if not power._hw.read(power._block, "ODR") >> power.pin() & 1:
            power._configure(OUTPUT, 0)
            power._write(False)
            hw.spend(ACCEL_DELAY * MS)
            power._write(True)
            hw.spend(ACCEL_DELAY * MS)
        self._bus.writeto(ACCEL, b"\x07\x01")  # active

    def _register(self, number: int) -> int:
        return self._bus.readfrom_mem(ACCEL, number, 1)[0]

    def _axis(self, number: int) -> int:
        value = self._register(number) & 0x3F
        return value - 64 if value & 0x20 else value

    def x(self) -> int:
        """The x axis, -32 to 31."""
        return self._axis(0)

    def y(self) -> int:
        """The y axis, -32 to 31."""
        return self._axis(1)

    def z(self) -> int:
        """The z axis, -32 to 31."""
        return self._axis(2)

    def tilt(self) -> int:
        """The tilt register."""
        return self._register(3)

    def filtered_xyz(self) -> tuple[int, ...]:
        """The sum of the last four samples of each axis."""
        self._samples = [*self._samples[-3:], (self._axis(0), self._axis(1), self._axis(2))]
        return tuple(sum(each[at] for each in self._samples) for at in range(3))

    def read(self, register: Any, /) -> int:
        """A register of the chip."""
        return self._register(as_int(register))

    def write(self, register: Any, value: Any, /) -> None:
        """Write a register of the chip."""
        self._bus.writeto_mem(ACCEL, as_int(register), bytes([as_int(value) & 0xFF]))


def build_parts(hw: Hardware) -> None:
    """Binds the classes."""
    hw.bind(LED)._dimmed = set()
    hw.bind(Switch)
    hw.bind(Servo)._all = {}
    hw.bind(Accel)
