"""What pins of all chips have, and those of RP2040 (`machine.Pin` on the pico)."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from mpy_cross.emulator.pin import Pin as Pad
from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.modules.machine_.irq import Irq
from mpy_cross.emulator.runtime.types import HostObject, MpClass


class PinBase(HostObject):
    """A pin; there is one object for each pad."""

    type_name = "Pin"

    _hw: ClassVar[Hardware]
    _pad: Pad
    _irq: Irq | None

    def _read(self) -> int:
        raise NotImplementedError

    def _write(self, level: bool) -> None:
        raise NotImplementedError

    def value(self, *level: Any) -> Any:
        """Get the level, or set it."""
        if len(level) > 1:
            raise TypeError(f"function expected at most 2 arguments, got {len(level) + 1}")
        if not level:
            self._hw.busy()
            return self._read()
        self._write(bool(level[0]))
        self._hw.busy()
        return None

    def __call__(self, *level: Any) -> Any:
        """The same as `value`."""
        return self.value(*level)

    def on(self) -> None:
        """Drive high."""
        self._write(True)
        self._hw.busy()

    def off(self) -> None:
        """Drive low."""
        self._write(False)
        self._hw.busy()

    def high(self) -> None:
        """Drive high."""
        self.on()

    def low(self) -> None:
        """Drive low."""
        self.off()


def names(kind: str, pins: dict[str, Any]) -> MpClass:
    """`Pin.board` and `Pin.cpu`: a type whose attributes are pins."""
    return MpClass(kind, (HostObject,), dict(pins))


def pin_of(hw: Hardware, value: Any) -> PinBase:
    """The pin for an argument of a constructor: a pin, its name or its number."""
    if isinstance(value, PinBase):
        return value
    found: PinBase = hw.types["Pin"]._find(value)
    return found


# Values of the constants of RP2's class.
IN, OUT, OPEN_DRAIN, ALT, ALT_OPEN_DRAIN, ANALOG = range(6)
PULL_UP, PULL_DOWN = 1, 2
LOW_LEVEL, HIGH_LEVEL, FALLING, RISING = 1, 2, 4, 8
SIO: Final = 5  # the function of a pad that software drives
NO_FUNCTION: Final = 31
IO_IRQ: Final = 13


class RpPin(PinBase):
    """`Pin(id, mode=None, pull=None, *, value=None, alt=5)`."""

    IN, OUT, OPEN_DRAIN, ALT, ALT_OPEN_DRAIN, ANALOG = range(6)
    PULL_UP, PULL_DOWN = 1, 2
    IRQ_LOW_LEVEL, IRQ_HIGH_LEVEL, IRQ_FALLING, IRQ_RISING = 1, 2, 4, 8

    _all: ClassVar[dict[int, RpPin]]
    _number: int
    _open_drain: bool

    def __new__(cls, id: Any, *args: Any, **kwargs: Any) -> RpPin:
        return cls._find(id)

    def __init__(self, id: Any, *args: Any, **kwargs: Any) -> None:
        if args or kwargs:
            self.init(*args, **kwargs)

    @classmethod
    def _find(cls, id: Any) -> RpPin:
        if isinstance(id, RpPin):
            return id
        if isinstance(id, str):
            pad = cls._hw.board.pins.get(id, id)
            number = int(pad[4:]) if pad[:4] == "GPIO" and pad[4:].isdigit() else -1
            if number not in cls._all:
                raise ValueError(f"unknown named pin \"{id}\"")
        else:
            number = as_int(id)
            if number not in cls._all:
                raise ValueError("invalid pin")
        return cls._all[number]

    def init(self, mode: Any = None, pull: Any = None, *, value: Any = None, drive: Any = None,
             alt: Any = SIO) -> None:
        """Configure the pin; `value` is the level of the output from the beginning."""
        hw = self._hw
        hw.busy()
        if value is not None:
            self._put(bool(value))
        if mode is not None and as_int(mode) >= 0:
            self._mode(as_int(mode), as_int(alt))
        if drive is not None:
            hw.change("PADS_BANK0", self._register, 0x30, (as_int(drive) & 3) << 4)
        if pull is None or as_int(pull) >= 0:
            pulls = 0 if pull is None else as_int(pull)
            hw.change("PADS_BANK0", self._register, 0xC,
                      (pulls & PULL_UP) << 3 | (pulls & PULL_DOWN) << 1)

    @property
    def _register(self) -> str:
        return f"GPIO{self._number}"

    def _mode(self, mode: int, alt: int) -> None:
        hw, bit = self._hw, 1 << self._number
        self._open_drain = mode == OPEN_DRAIN
        if mode == IN:
            hw.write("SIO", "GPIO_OE_CLR", bit)
        elif mode == OUT:
            hw.write("SIO", "GPIO_OE_SET", bit)
        elif mode == OPEN_DRAIN:
            # High is no output: released, or low if the output was low.
            low = not hw.read("SIO", "GPIO_OUT") & bit
            hw.write("SIO", "GPIO_OE_SET" if low else "GPIO_OE_CLR", bit)
            hw.write("SIO", "GPIO_OUT_CLR", bit)
        elif mode == ANALOG:
            self._function(NO_FUNCTION)
            hw.change("PADS_BANK0", self._register, 0x40, 0x80)
            return
        elif mode != ALT:
            raise ValueError("invalid pin mode")
        self._function(alt if mode == ALT else SIO)

    def _function(self, number: int) -> None:
        """Gives the pad to a peripheral: input on, output not disabled."""
        self._hw.change("PADS_BANK0", self._register, 0x80, 0x40)
        self._hw.write("IO_BANK0", f"{self._register}_CTRL", number)

    def _read(self) -> int:
        return self._hw.read("SIO", "GPIO_IN") >> self._number & 1

    def _put(self, level: bool) -> None:
        self._hw.write("SIO", "GPIO_OUT_SET" if level else "GPIO_OUT_CLR", 1 << self._number)

    def _write(self, level: bool) -> None:
        if self._open_drain:
            register = "GPIO_OE_CLR" if level else "GPIO_OE_SET"
            self._hw.write("SIO", register, 1 << self._number)
        else:
            self._put(level)

    def toggle(self) -> None:
        """Invert the output."""
        register = "GPIO_OE_XOR" if self._open_drain else "GPIO_OUT_XOR"
        self._hw.write("SIO", register, 1 << self._number)
        self._hw.busy()

    def mode(self, *mode: Any) -> Any:
        """Get or set the mode."""
        if mode:
            self._mode(as_int(mode[0]), SIO)
            return None
        hw = self._hw
        function = hw.read("IO_BANK0", f"{self._register}_CTRL") & 31
        if function != SIO:
            return ANALOG if function == NO_FUNCTION else ALT
        if self._open_drain:
            return OPEN_DRAIN
        return hw.read("SIO", "GPIO_OE") >> self._number & 1

    def pull(self, *pull: Any) -> Any:
        """Get or set the pull: None, PULL_UP, PULL_DOWN."""
        if pull:
            self.init(pull=pull[0])
            return None
        value = self._hw.read("PADS_BANK0", self._register)
        return (value >> 3 & 1 | value >> 1 & 2) or None

    def drive(self, *drive: Any) -> Any:
        """Get or set the strength of the output, 0 to 3."""
        if drive:
            self._hw.change("PADS_BANK0", self._register, 0x30, (as_int(drive[0]) & 3) << 4)
            return None
        return self._hw.read("PADS_BANK0", self._register) >> 4 & 3

    def irq(self, handler: Any = None, trigger: Any = FALLING | RISING, *, priority: Any = 1,
            wake: Any = None, hard: Any = False) -> Irq:
        """Call `handler(pin)` at these edges or levels; without handler, none."""
        wanted = as_int(trigger)
        if not 0 < wanted < 16:
            raise ValueError("invalid trigger")
        if self._irq is None:
            self._irq = Irq(self, self._enable)
        self._irq._set(handler, wanted, bool(hard))
        return self._irq

    def _enable(self, trigger: int) -> None:
        word, shift = divmod(self._number, 8)
        hw = self._hw
        hw.write("IO_BANK0", f"INTR{word}", 0xC << 4 * shift)
        hw.change("IO_BANK0", f"PROC0_INTE{word}", 0xF << 4 * shift, trigger << 4 * shift)

    def __repr__(self) -> str:
        mode = ("IN", "OUT", "OPEN_DRAIN", "ALT", "ALT", "ALT")[self.mode()]
        pull = self.pull() or 0
        pulls = "|".join(name for bit, name in ((1, "PULL_UP"), (2, "PULL_DOWN")) if pull & bit)
        function = self._hw.read("IO_BANK0", f"{self._register}_CTRL") & 31
        return (f"Pin({self._number}, mode={mode}" + (f", pull={pulls}" if pulls else "")
                + (f", alt={function}" if function != SIO else "") + ")")


def _dispatch(hw: Hardware, pins: dict[int, RpPin]) -> None:
    """The interrupt of the pads: acknowledges edges and calls the handlers."""
    for word in range(4):
        pending = hw.read("IO_BANK0", f"PROC0_INTS{word}")
        hw.write("IO_BANK0", f"INTR{word}", pending)
        number = 8 * word
        while pending:
            flags = pending & 15
            if flags:
                irq = pins[number]._irq
                if irq is not None and irq._handler is not None:
                    _call(hw, irq, flags)
            number, pending = number + 1, pending >> 4


def _call(hw: Hardware, irq: Irq, flags: int) -> None:
    irq._flags = flags

    def failed() -> str:
        irq._set(None, irq._trigger, False)
        return "Uncaught exception in IRQ callback handler"

    if flags & 3:
        # A level lasts: as the line stays high, this interrupt is off until the level changes.
        irq.disable()
        hw.alarm(1000, irq.enable)
    hw.callback(irq, irq._handler, (irq._parent,), hard=irq._hard, failed=failed)


def build_rp(hw: Hardware) -> type[RpPin]:
    """`Pin` for RP2040."""
    made = hw.bind(RpPin)
    made._all = {}
    for name, pad in hw.chip.pins.items():
        pin = object.__new__(made)
        pin._pad, pin._number, pin._irq = pad, int(name[4:]), None
        pin._open_drain = False
        made._all[pin._number] = pin
    pads = {f"GPIO{number}": pin for number, pin in made._all.items()}
    made.cpu = names("cpu", pads)  # type: ignore[attr-defined]
    made.board = names(  # type: ignore[attr-defined]
        "board", {name: pads[pad] for name, pad in hw.board.pins.items()})
    hw.interrupt(IO_IRQ, lambda: _dispatch(hw, made._all))

    def close() -> None:
        for word in range(4):
            hw.write("IO_BANK0", f"PROC0_INTE{word}", 0)

    hw.closers.append(close)
    return made
