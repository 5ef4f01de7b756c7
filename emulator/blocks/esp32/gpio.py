"""GPIO, GPIO matrix and IO_MUX of the ESP32 (Technical Reference Manual, 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.esp32 import pads
from mpy_cross.emulator.blocks.esp32.pads import HIGH, LOW, OPEN_DRAIN, Owner, Sensor
from mpy_cross.emulator.line import Line, Signal
from mpy_cross.emulator.pin import KEEP, Pin
from mpy_cross.emulator.register import Bank, Register, Todo

PINS: Final = 40
ABSENT: Final = frozenset((20, 24, 28, 29, 30, 31))
FIRST_INPUT: Final = 34
"""From this pad on they are inputs only, without pulls."""
GPIO_FUNCTION: Final = 2
SIMPLE: Final = 256
"""OUT_SEL of a pad that GPIO_OUT drives."""
ALWAYS_LOW, ALWAYS_HIGH = 0x30, 0x38
"""IN_SEL of a signal that no pad is connected to."""
INPUT_ENABLE, PULL_UP, PULL_DOWN = 1 << 9, 1 << 8, 1 << 7
TO_PRO_CPU: Final = 1 << 15  # INT_ENA

# Registers of IO_MUX, by pad, in the order of their addresses from 0x04 on.
ORDER: Final = (36, 37, 38, 39, 34, 35, 32, 33, 25, 26, 27, 14, 12, 13, 15, 2, 0, 4, 16, 17, 9, 10,
                11, 6, 7, 8, 5, 18, 19, 20, 21, 22, 3, 1, 23, 24)
# Pads whose function 0 is no GPIO (datasheet, table of IO_MUX).
OTHERS: Final = frozenset((1, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
# Pulls after a reset: the strapping pads and those of UART0.
UP_AT_RESET, DOWN_AT_RESET = frozenset((0, 1, 3, 5, 15)), frozenset((2, 4, 12))
PAD: Final = ("MCU_SEL[14:12] FUN_DRV[11:10] FUN_IE[9] FUN_WPU[8] FUN_WPD[7] MCU_DRV[6:5] "
              "MCU_IE[4] MCU_WPU[3] MCU_WPD[2] SLP_SEL[1] MCU_OE[0]")


@final
class IoMux(Block):
    """IO_MUX: function, pulls and input of each pad. changed: called with the number of a pad."""

    size = 0x100
    PIN_CTRL = Register(0x00, "CLK3[11:8] CLK2[7:4] CLK1[3:0]")
    PAD = Bank(0x04, "IO_MUX_{}", len(ORDER), PAD, reset=0x800)

    def __init__(self, context: Context) -> None:
        super().__init__("IO_MUX", context)
        self.changed: Callable[[int], None] = lambda number: None
        self.places = {pad: 0x04 + 4 * at for at, pad in enumerate(ORDER)}
        for pad, place in self.places.items():
            pull = PULL_UP if pad in UP_AT_RESET else PULL_DOWN if pad in DOWN_AT_RESET else 0
            self.presets[place] = 0x800 | pull | (INPUT_ENABLE if pull else 0)

    def of(self, number: int) -> int:
        """The register of a pad."""
        return self.values[self.places[number]]

    def write_PAD(self, at: int, written: int, before: int) -> None:
        self.changed(ORDER[at])


@final
class Gpio(Block, pads.Bank):
    """GPIO and the matrix.

    pins: by number, None where there is none; outputs, inputs: signals of the peripherals by their
    numbers in the matrix; direct: the output of a pad by (pad, function), where IO_MUX gives it to
    a peripheral without the matrix; direct_inputs: the pad of an input, by number of the signal.
    irq: to the first core.
    """

    size = 0x600
    BT_SELECT = Todo(0x00)
    OUT = Register(0x04)
    OUT_W1TS = Register(0x08, access="wo")
    OUT_W1TC = Register(0x0C, access="wo")
    OUT1 = Register(0x10, "DATA[7:0]")
    OUT1_W1TS = Register(0x14, access="wo")
    OUT1_W1TC = Register(0x18, access="wo")
    SDIO_SELECT = Todo(0x1C)
    ENABLE = Register(0x20)
    ENABLE_W1TS = Register(0x24, access="wo")
    ENABLE_W1TC = Register(0x28, access="wo")
    ENABLE1 = Register(0x2C, "DATA[7:0]")
    ENABLE1_W1TS = Register(0x30, access="wo")
    ENABLE1_W1TC = Register(0x34, access="wo")
    STRAP = Register(0x38, access="ro", reset=0x13)  # boot from flash
    IN = Register(0x3C, access="ro")
    IN1 = Register(0x40, access="ro")
    STATUS = Register(0x44)
    STATUS_W1TS = Register(0x48, access="wo")
    STATUS_W1TC = Register(0x4C, access="wo")
    STATUS1 = Register(0x50, "INT[7:0]")
    STATUS1_W1TS = Register(0x54, access="wo")
    STATUS1_W1TC = Register(0x58, access="wo")
    ACPU_INT = Register(0x60, access="ro")
    ACPU_NMI_INT = Register(0x64, access="ro")
    PCPU_INT = Register(0x68, access="ro")
    PCPU_NMI_INT = Register(0x6C, access="ro")
    CPUSDIO_INT = Todo(0x70)
    ACPU_INT1 = Register(0x74, access="ro")
    ACPU_NMI_INT1 = Register(0x78, access="ro")
    PCPU_INT1 = Register(0x7C, access="ro")
    PCPU_NMI_INT1 = Register(0x80, access="ro")
    CPUSDIO_INT1 = Todo(0x84)
    PIN = Bank(0x88, "PIN{}", PINS, "INT_ENA[17:13] CONFIG[12:11] WAKEUP_ENABLE[10] INT_TYPE[9:7] "
               "PAD_DRIVER[2]")
    CALI_CONF = Todo(0x128)
    CALI_DATA = Todo(0x12C)
    FUNC_IN_SEL_CFG = Bank(0x130, "FUNC{}_IN_SEL_CFG", 256,
                           "SIG_IN_SEL[7] IN_INV_SEL[6] IN_SEL[5:0]")
    FUNC_OUT_SEL_CFG = Bank(0x530, "FUNC{}_OUT_SEL_CFG", PINS,
                            "OEN_INV_SEL[11] OEN_SEL[10] OUT_INV_SEL[9] OUT_SEL[8:0]", reset=SIMPLE)

    def __init__(self, context: Context, pins: Sequence[Pin | None], mux: IoMux,
                 outputs: Mapping[int, Signal], inputs: Mapping[int, Signal],
                 direct: Mapping[tuple[int, int], Signal],
                 direct_inputs: Mapping[int, tuple[int, int]]) -> None:
        super().__init__("GPIO", context)
        self.pins, self.mux = pins, mux
        self.outputs, self.inputs = outputs, inputs
        self.direct, self.direct_inputs = direct, direct_inputs
        self.irq = Line("GPIO_INTERRUPT_PRO")
        self.app_irq = Line("GPIO_INTERRUPT_APP")
        self.levels = 0
        self.owner = Owner(self, PINS)
        self.sensing: dict[int, list[int]] = {}  # input signals by the pad that they look at
        mux.changed = self.configure
        for number, pin in enumerate(pins):
            if pin is not None:
                pin.watch(Sensor(self, number))

    def pad_of(self, signal: Signal) -> Pin | None:
        """The pad that a signal drives, None if none does."""
        for number, owner in enumerate(self.owner.signals):
            if owner is signal:
                return self.pins[number]
        return None

    def pad_for(self, number: int) -> Pin | None:
        """The pad that an input signal looks at."""
        place = self._source(number)
        return self.pins[place] if place is not None and place < PINS else None

    def on_reset(self) -> None:
        self.sensing.clear()
        for number in range(PINS):
            self.configure(number)
        for number in self.inputs:
            self._connect(number)
        self.update()

    # ---------------------------------------------------------------------------------- outputs

    @property
    def out(self) -> int:
        """GPIO_OUT and GPIO_OUT1 as one number."""
        return self.OUT | self.OUT1 << 32

    @property
    def enabled_outputs(self) -> int:
        return self.ENABLE | self.ENABLE1 << 32

    def _is_gpio(self, number: int) -> bool:
        function = self.mux.of(number) >> 12 & 7
        return function == GPIO_FUNCTION or (function == 0 and number not in OTHERS)

    def configure(self, number: int) -> None:
        """Puts one pad into the state that its registers say."""
        pin = self.pins[number]
        if pin is None:
            return
        control = self.mux.of(number)
        if self._is_gpio(number):
            select = self.FUNC_OUT_SEL_CFG[number] & 0x1FF
            signal = None if select >= SIMPLE else self.outputs.get(select)
        else:
            signal = self.direct.get((number, control >> 12 & 7))
        self.owner.switch(number, signal)
        up, down = control & PULL_UP, control & PULL_DOWN
        if number >= FIRST_INPUT:
            up = down = 0
        pin.pull(KEEP if up and down else 1 if up else 0 if down else None)
        self.output(number)
        self.sense(number)
        for each, (pad, _) in self.direct_inputs.items():
            if pad == number:
                self._connect(each)

    def output(self, number: int) -> None:
        pin = self.pins[number]
        if pin is None:
            return
        signal, gpio = self.owner.signals[number], self._is_gpio(number)
        config = self.FUNC_OUT_SEL_CFG[number] if gpio else 0
        level: int | None
        if gpio and config & 0x1FF == SIMPLE:
            level = self.out >> number & 1
            enabled = bool(self.enabled_outputs >> number & 1)
            pin.function = "output" if enabled else "input"
        else:
            level = signal.level if signal is not None else None
            enabled = level is not None
            if gpio and config & 1 << 10:
                enabled = enabled and bool(self.enabled_outputs >> number & 1)
            pin.function = signal.name if signal is not None else "unconnected"
        if config & 1 << 11:
            enabled = not enabled
        if number >= FIRST_INPUT or not enabled:
            pin.drive(None)
            return
        level = (level or 0) ^ (config >> 9 & 1)
        pads.drive(pin, level, bool(self.PIN[number] & OPEN_DRAIN))

    def _outputs(self, changed: int) -> None:
        while changed:
            number = (changed & -changed).bit_length() - 1
            changed &= changed - 1
            if number < PINS:
                self.output(number)

    def _set_out(self, value: int) -> None:
        changed = value ^ self.out
        self.OUT, self.OUT1 = value & 0xFFFFFFFF, value >> 32 & 0xFF
        self._outputs(changed)

    def _set_enable(self, value: int) -> None:
        changed = value ^ self.enabled_outputs
        self.ENABLE, self.ENABLE1 = value & 0xFFFFFFFF, value >> 32 & 0xFF
        self._outputs(changed)

    def write_OUT(self, written: int, before: int) -> None:
        self._outputs(self.OUT ^ before)

    def write_OUT_W1TS(self, written: int, before: int) -> None:
        self._set_out(self.out | written)

    def write_OUT_W1TC(self, written: int, before: int) -> None:
        self._set_out(self.out & ~written)

    def write_OUT1(self, written: int, before: int) -> None:
        self._outputs((self.OUT1 ^ before) << 32)

    def write_OUT1_W1TS(self, written: int, before: int) -> None:
        self._set_out(self.out | (written & 0xFF) << 32)

    def write_OUT1_W1TC(self, written: int, before: int) -> None:
        self._set_out(self.out & ~((written & 0xFF) << 32))

    def write_ENABLE(self, written: int, before: int) -> None:
        self._outputs(self.ENABLE ^ before)

    def write_ENABLE_W1TS(self, written: int, before: int) -> None:
        self._set_enable(self.enabled_outputs | written)

    def write_ENABLE_W1TC(self, written: int, before: int) -> None:
        self._set_enable(self.enabled_outputs & ~written)

    def write_ENABLE1(self, written: int, before: int) -> None:
        self._outputs((self.ENABLE1 ^ before) << 32)

    def write_ENABLE1_W1TS(self, written: int, before: int) -> None:
        self._set_enable(self.enabled_outputs | (written & 0xFF) << 32)

    def write_ENABLE1_W1TC(self, written: int, before: int) -> None:
        self._set_enable(self.enabled_outputs & ~((written & 0xFF) << 32))

    def write_FUNC_OUT_SEL_CFG(self, number: int, written: int, before: int) -> None:
        self.configure(number)

    def write_PIN(self, number: int, written: int, before: int) -> None:
        self.output(number)
        self._level_interrupt(number)
        self.update()

    # ----------------------------------------------------------------------------------- inputs

    def sense(self, number: int) -> None:
        """Takes the level of a pad to GPIO_IN, the peripherals and the interrupts."""
        pin = self.pins[number]
        level = int(pin is not None and pin.level and bool(self.mux.of(number) & INPUT_ENABLE))
        before = self.levels >> number & 1
        if level != before:
            self.levels ^= 1 << number
            for signal in self.sensing.get(number, ()):
                self._pass(signal, level)
        kind = self.PIN[number] >> 7 & 7
        if kind and pads.fires(kind, before, level):
            self._raise(number)

    def _raise(self, number: int) -> None:
        if number < 32:
            self.STATUS |= 1 << number
        else:
            self.STATUS1 |= 1 << number - 32
        self.update()

    def _level_interrupt(self, number: int) -> None:
        kind = self.PIN[number] >> 7 & 7
        if kind in (LOW, HIGH) and (self.levels >> number & 1) == (kind == HIGH):
            self._raise(number)

    def _source(self, number: int) -> int | None:
        """Where an input signal comes from: a pad, a constant, None for nowhere."""
        config = self.FUNC_IN_SEL_CFG[number]
        if config & 1 << 7:
            return config & 0x3F
        pad = self.direct_inputs.get(number)
        if pad is not None and self.mux.of(pad[0]) >> 12 & 7 == pad[1]:
            return pad[0]
        return None

    def _connect(self, number: int) -> None:
        for known in self.sensing.values():
            if number in known:
                known.remove(number)
        source = self._source(number)
        if source is None or source == ALWAYS_HIGH:
            self._pass(number, 1)  # a line of a UART that nobody drives is idle
        elif source < PINS:
            self.sensing.setdefault(source, []).append(number)
            self._pass(number, self.levels >> source & 1)
        else:
            self._pass(number, 0)

    def _pass(self, number: int, level: int) -> None:
        signal = self.inputs.get(number)
        if signal is not None:
            signal.sense(level ^ (self.FUNC_IN_SEL_CFG[number] >> 6 & 1))

    def read_IN(self) -> int:
        return self.levels & 0xFFFFFFFF

    def read_IN1(self) -> int:
        return self.levels >> 32

    def write_FUNC_IN_SEL_CFG(self, number: int, written: int, before: int) -> None:
        self._connect(number)

    # ------------------------------------------------------------------------------- interrupts

    def pending(self, shift: int) -> int:
        """Pads that interrupt and that have this bit of INT_ENA."""
        status = self.STATUS | self.STATUS1 << 32
        found, number = 0, 0
        while status >> number:
            if status >> number & 1 and self.PIN[number] >> shift & 1:
                found |= 1 << number
            number += 1
        return found

    def update(self) -> None:
        self.irq.set(bool(self.pending(15)))
        self.app_irq.set(bool(self.pending(13)))

    def _set_status(self, value: int) -> None:
        self.STATUS, self.STATUS1 = value & 0xFFFFFFFF, value >> 32 & 0xFF
        self.update()

    def write_STATUS(self, written: int, before: int) -> None:
        self.update()

    def write_STATUS1(self, written: int, before: int) -> None:
        self.update()

    def write_STATUS_W1TS(self, written: int, before: int) -> None:
        self._set_status(self.STATUS | self.STATUS1 << 32 | written)

    def write_STATUS_W1TC(self, written: int, before: int) -> None:
        self._clear(written)

    def write_STATUS1_W1TS(self, written: int, before: int) -> None:
        self._set_status(self.STATUS | self.STATUS1 << 32 | (written & 0xFF) << 32)

    def write_STATUS1_W1TC(self, written: int, before: int) -> None:
        self._clear((written & 0xFF) << 32)

    def _clear(self, bits: int) -> None:
        """Clears interrupts; those of a level that lasts come again."""
        self._set_status((self.STATUS | self.STATUS1 << 32) & ~bits)
        number = 0
        while bits >> number:
            if bits >> number & 1 and number < PINS:
                self._level_interrupt(number)
            number += 1

    def read_ACPU_INT(self) -> int:
        return self.pending(13) & 0xFFFFFFFF

    def read_ACPU_NMI_INT(self) -> int:
        return self.pending(14) & 0xFFFFFFFF

    def read_PCPU_INT(self) -> int:
        return self.pending(15) & 0xFFFFFFFF

    def read_PCPU_NMI_INT(self) -> int:
        return self.pending(16) & 0xFFFFFFFF

    def read_ACPU_INT1(self) -> int:
        return self.pending(13) >> 32

    def read_ACPU_NMI_INT1(self) -> int:
        return self.pending(14) >> 32

    def read_PCPU_INT1(self) -> int:
        return self.pending(15) >> 32

    def read_PCPU_NMI_INT1(self) -> int:
        return self.pending(16) >> 32
