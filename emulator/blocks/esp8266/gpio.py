"""GPIO, IO_MUX and the pad of the RTC of the ESP8266 (ESP8266 Technical Reference, 3 to 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, final

from mpy_cross.emulator.block import Block, Context, todos
from mpy_cross.emulator.blocks.esp32 import pads
from mpy_cross.emulator.blocks.esp32.pads import HIGH, LOW, OPEN_DRAIN, Owner, Sensor
from mpy_cross.emulator.line import Line, Signal
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.register import Bank, Register

PINS: Final = 16
RTC_PIN: Final = 16
"""GPIO16 belongs to the RTC, which has registers of its own for it."""
MASK: Final = 0xFFFF
# Registers of IO_MUX, by pad, in the order of their addresses from 0x04 on.
ORDER: Final = (12, 13, 14, 15, 3, 1, 6, 7, 8, 9, 10, 11, 0, 2, 4, 5)
PULL_UP: Final = 1 << 7
# Pads whose function 0 is GPIO; of the others it is function 3.
PLAIN: Final = frozenset((0, 2, 4, 5))
UP_AT_RESET: Final = frozenset((0, 2, 3, 1))
PAD: Final = ("FUNC2[8] PULLUP[7] PULLUP2[6] FUNC[5:4] SLEEP_PULLUP[3] SLEEP_PULLUP2[2] "
              "SLEEP_OE[1] OE[0]")


def gpio_function(number: int) -> int:
    """The function by which a pad is GPIO."""
    return 0 if number in PLAIN else 3


@final
class IoMux(Block):
    """IO_MUX: function and pull of each pad. changed: called with the number of a pad."""

    size = 0x44
    CONF = Register(0x00, reset=0)
    PAD = Bank(0x04, "PIN_{}", len(ORDER), PAD)

    def __init__(self, context: Context) -> None:
        super().__init__("IO_MUX", context)
        self.changed: Callable[[int], None] = lambda number: None
        self.places = {pad: 0x04 + 4 * at for at, pad in enumerate(ORDER)}
        for pad, place in self.places.items():
            self.presets[place] = PULL_UP if pad in UP_AT_RESET else 0

    def of(self, number: int) -> int:
        return self.values[self.places[number]]

    def function(self, number: int) -> int:
        value = self.of(number)
        return value >> 4 & 3 | value >> 6 & 4

    def write_PAD(self, at: int, written: int, before: int) -> None:
        self.changed(ORDER[at])


@final
class Gpio(Block, pads.Bank):
    """GPIO 0 to 15.  pins: by number; direct: the signal of a pad by (pad, function)."""

    size = 0x74
    OUT = Register(0x00, "DATA[15:0] BT_SEL[31:16]")
    OUT_W1TS = Register(0x04, access="wo")
    OUT_W1TC = Register(0x08, access="wo")
    ENABLE = Register(0x0C, "DATA[15:0] SDIO_SEL[21:16]")
    ENABLE_W1TS = Register(0x10, access="wo")
    ENABLE_W1TC = Register(0x14, access="wo")
    IN = Register(0x18, access="ro")
    STATUS = Register(0x1C, "INT[15:0]")
    STATUS_W1TS = Register(0x20, access="wo")
    STATUS_W1TC = Register(0x24, access="wo")
    PIN = Bank(0x28, "PIN{}", PINS, "WAKEUP_ENABLE[10] INT_TYPE[9:7] DRIVER[2] SOURCE[0]")
    registers = todos("SIGMA_DELTA:68 RTC_CALIB_SYNC:6C RTC_CALIB_VALUE:70")

    def __init__(self, context: Context, pins: Sequence[Pin], mux: IoMux,
                 direct: Mapping[tuple[int, int], Signal]) -> None:
        super().__init__("GPIO", context)
        self.pins, self.mux, self.direct = pins, mux, direct
        self.irq = Line("GPIO_INTR")
        self.levels = 0
        self.owner = Owner(self, PINS)
        mux.changed = self.configure
        for number in range(PINS):
            pins[number].watch(Sensor(self, number))

    def pad_of(self, signal: Signal) -> Pin | None:
        """The pad that a signal drives, None if none does."""
        for number, owner in enumerate(self.owner.signals):
            if owner is signal:
                return self.pins[number]
        return None

    def on_reset(self) -> None:
        for number in range(PINS):
            self.configure(number)
        self.update()

    def configure(self, number: int) -> None:
        """Puts one pad into the state that its registers say."""
        pin = self.pins[number]
        signal = None
        if self.mux.function(number) != gpio_function(number):
            signal = self.direct.get((number, self.mux.function(number)))
        self.owner.switch(number, signal)
        pin.pull(1 if self.mux.of(number) & PULL_UP else None)
        self.output(number)
        self.sense(number)

    def output(self, number: int) -> None:
        pin, signal = self.pins[number], self.owner.signals[number]
        if self.mux.function(number) == gpio_function(number):
            enabled = bool(self.ENABLE >> number & 1)
            pin.function = "output" if enabled else "input"
            level: int | None = self.OUT >> number & 1 if enabled else None
        else:
            pin.function = signal.name if signal is not None else "unconnected"
            level = signal.level if signal is not None else None
        pads.drive(pin, level, bool(self.PIN[number] & OPEN_DRAIN))

    def _outputs(self, changed: int) -> None:
        changed &= MASK
        while changed:
            number = (changed & -changed).bit_length() - 1
            changed &= changed - 1
            self.output(number)

    def _set_out(self, value: int) -> None:
        changed, self.OUT = value ^ self.OUT, value
        self._outputs(changed)

    def _set_enable(self, value: int) -> None:
        changed, self.ENABLE = value ^ self.ENABLE, value
        self._outputs(changed)

    def write_OUT(self, written: int, before: int) -> None:
        self._outputs(self.OUT ^ before)

    def write_OUT_W1TS(self, written: int, before: int) -> None:
        self._set_out(self.OUT | written & MASK)

    def write_OUT_W1TC(self, written: int, before: int) -> None:
        self._set_out(self.OUT & ~(written & MASK))

    def write_ENABLE(self, written: int, before: int) -> None:
        self._outputs(self.ENABLE ^ before)

    def write_ENABLE_W1TS(self, written: int, before: int) -> None:
        self._set_enable(self.ENABLE | written & MASK)

    def write_ENABLE_W1TC(self, written: int, before: int) -> None:
        self._set_enable(self.ENABLE & ~(written & MASK))

    def sense(self, number: int) -> None:
        """Takes the level of a pad to GPIO_IN and the interrupts."""
        level, before = self.pins[number].level, self.levels >> number & 1
        if level != before:
            self.levels ^= 1 << number
        kind = self.PIN[number] >> 7 & 7
        if kind and pads.fires(kind, before, level):
            self.STATUS |= 1 << number
            self.update()

    def read_IN(self) -> int:
        # The upper half are the strapping pins GPIO15, 0 and 2 at reset: boot from flash.
        return self.levels | 0b011 << 16

    def update(self) -> None:
        self.irq.set(bool(self.STATUS))

    def _level_interrupt(self, number: int) -> None:
        kind = self.PIN[number] >> 7 & 7
        if kind in (LOW, HIGH) and (self.levels >> number & 1) == (kind == HIGH):
            self.STATUS |= 1 << number

    def write_PIN(self, number: int, written: int, before: int) -> None:
        self.output(number)
        self._level_interrupt(number)
        self.update()

    def write_STATUS(self, written: int, before: int) -> None:
        self.update()

    def write_STATUS_W1TS(self, written: int, before: int) -> None:
        self.STATUS |= written & MASK
        self.update()

    def write_STATUS_W1TC(self, written: int, before: int) -> None:
        self.STATUS &= ~written
        for number in range(PINS):
            if written >> number & 1:
                self._level_interrupt(number)
        self.update()


# Causes of a reset, as the SDK reports them.
POWER_ON, WATCHDOG, SOFTWARE, DEEP_SLEEP, EXTERNAL = 0, 1, 4, 5, 6
CAUSES: Final = {"power": POWER_ON, "pin": EXTERNAL, "software": SOFTWARE, "watchdog": WATCHDOG,
                 "deepsleep": DEEP_SLEEP}


@final
class Rtc(Block):
    """The RTC's registers: GPIO16, a counter, the cause of a reset. pin: GPIO16."""

    size = 0x100
    CTL = Register(0x00, "RESET[31]=sc")
    SLP_VAL = Register(0x04)
    STATE1 = Register(0x14)
    SLP_CNT_VAL = Register(0x1C, access="ro")
    STORE0 = Register(0x30)
    GPIO_OUT = Register(0x68, "DATA[0]")
    GPIO_ENABLE = Register(0x74, "DATA[0]")
    GPIO_IN_DATA = Register(0x8C, access="ro")
    GPIO_CONF = Register(0x90)
    PAD_XPD_DCDC_CONF = Register(0xA0)
    registers = todos("SLP_CTL:08 TIMER1:0C TIMER2:10 STATE2:18 INT_ENA:20 INT_CLR:24 INT_ST:28 "
                      "STORE1:34 STORE2:38 STORE3:3C")

    def __init__(self, context: Context, pin: Pin) -> None:
        super().__init__("RTC", context)
        self.pin = pin
        self.restart: Callable[[str], None] = lambda cause: None

    def on_reset(self) -> None:
        self.output()

    def output(self) -> None:
        enabled = bool(self.GPIO_ENABLE & 1)
        self.pin.function = "output" if enabled else "input"
        self.pin.drive(self.GPIO_OUT & 1 if enabled else None)

    def write_CTL(self, written: int, before: int) -> None:
        if written >> 31:
            self.restart("software")

    def write_GPIO_OUT(self, written: int, before: int) -> None:
        self.output()

    def write_GPIO_ENABLE(self, written: int, before: int) -> None:
        self.output()

    def read_GPIO_IN_DATA(self) -> int:
        return self.pin.level

    def read_SLP_CNT_VAL(self) -> int:
        return self.clock.now * 150_000 // 1_000_000_000 & 0xFFFFFFFF  # about 150 kHz
