"""Pins of STM32: `pyb.Pin`, which is `machine.Pin` there, and their alternate functions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar, Final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.modules.machine_.irq import Irq
from mpy_cross.emulator.runtime.modules.machine_.pin import PinBase, names
from mpy_cross.emulator.runtime.types import HostObject
from mpy_cross.emulator.soc.stm32f405_pads import PADS

# Modes: the value of MODER, and 16 for an open drain.
INPUT, OUTPUT, ALTERNATE, ANALOG = range(4)
OPEN_DRAIN: Final = 16
MODES: Final = {INPUT: "IN", OUTPUT: "OUT", OUTPUT | OPEN_DRAIN: "OPEN_DRAIN", ALTERNATE: "ALT",
                ALTERNATE | OPEN_DRAIN: "ALT_OPEN_DRAIN", ANALOG: "ANALOG"}
PULLS: Final = {0: "", 1: "PULL_UP", 2: "PULL_DOWN"}

# Signals that the firmware has names for.
NAMED: Final = re.compile(
    r"(TIM\d+_(?:CH\dN?|ETR|BKIN)|I2C\d_(?:SDA|SCL|SMBA)|SPI\d_\w+|I2S\d(?:ext)?_\w+|"
    r"US?ART\d_\w+|CAN\d_\w+)$"
)


def alternates(pad: str) -> list[tuple[int, str]]:
    """(number, signal) of the alternate functions of a pad that the firmware knows."""
    found = []
    for word in PADS.get(pad, "").partition("|")[0].split():
        number, _, signals = word.partition(":")
        found += [(int(number), name) for name in signals.split("/") if NAMED.match(name)]
    return found


def converters(pad: str) -> tuple[str, int] | None:
    """The converters of a pad, as digits, and their channel."""
    match = re.match(r"ADC(\d+)_IN(\d+)", PADS.get(pad, "").partition("|")[2].strip())
    return (match[1], int(match[2])) if match else None


class PinAF(HostObject):
    """An alternate function of a pin."""

    _hw: ClassVar[Hardware]

    def __init__(self, index: int, unit: str) -> None:
        self._index, self._unit = index, unit

    def index(self) -> int:
        """The number of the function."""
        return self._index

    def name(self) -> str:
        """Its name, such as AF1_TIM2."""
        return f"AF{self._index}_{self._unit}"

    def reg(self) -> int:
        """The address of the peripheral."""
        unit = self._unit if self._unit[:3] != "I2S" else f"SPI{self._unit[3]}"
        return self._hw.base(unit)

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        return f"Pin.{self.name()}"


Pins = dict[str, "StmPin"]


class StmPin(PinBase):
    """`Pin(id, mode, pull=PULL_NONE, af=-1, *, value, alt=-1)`."""

    IN = INPUT
    OUT = OUT_PP = OUTPUT
    OPEN_DRAIN = OUT_OD = OUTPUT | OPEN_DRAIN
    ALT = AF_PP = ALTERNATE
    ALT_OPEN_DRAIN = AF_OD = ALTERNATE | OPEN_DRAIN
    ANALOG = ANALOG
    PULL_NONE, PULL_UP, PULL_DOWN = 0, 1, 2
    IRQ_RISING, IRQ_FALLING = 0x10110000, 0x10210000
    IRQ_LOW_LEVEL, IRQ_HIGH_LEVEL = 1, 2  # documented; this chip has no such interrupts

    _all: ClassVar[Pins]
    _mapper: ClassVar[Any] = None
    _dict: ClassVar[Any] = None
    _debug: ClassVar[bool] = False
    _make_irq: ClassVar[Callable[..., Irq]]
    _port: int
    _number: int

    def __new__(cls, id: Any, *args: Any, **kwargs: Any) -> StmPin:
        return cls._find(id)

    def __init__(self, id: Any, *args: Any, **kwargs: Any) -> None:
        if args or kwargs:
            self.init(*args, **kwargs)

    # ----------------------------------------------------------------------------- the mapper

    @classmethod
    def _find(cls, id: Any) -> StmPin:
        """The pin for an object, in the five steps that the manual gives."""
        if isinstance(id, StmPin):
            return cls._mapped("Pin map passed pin", None, id)
        if cls._mapper is not None:
            found = cls._mapper(id)
            if found is not None:
                if not isinstance(found, StmPin):
                    raise ValueError("Pin.mapper didn't return a Pin object")
                return cls._mapped("Pin.mapper maps", id, found)
        if cls._dict is not None and id in cls._dict:
            return cls._mapped("Pin.map_dict maps", id, cls._dict[id])
        if isinstance(id, tuple) and len(id) == 2:
            id = f"{id[0]}{id[1]}"
        if not isinstance(id, str):
            from mpy_cross.emulator.runtime.arguments import no_implicit

            raise no_implicit(id)
        pad = cls._hw.board.pins.get(id)
        if pad is not None:
            return cls._mapped("Pin.board maps", id, cls._all[pad])
        if f"P{id}" in cls._all:
            return cls._mapped("Pin.cpu maps", id, cls._all[f"P{id}"])
        raise ValueError(f"Pin({id}) doesn't exist")

    @classmethod
    def _mapped(cls, how: str, id: Any, pin: StmPin) -> StmPin:
        if cls._debug:
            printer, write = cls._hw.runtime.printer, cls._hw.runtime.write
            what = "" if id is None else f" {printer.representation(id)} to"
            write(f"{how}{what} {printer.text(pin)}\n")
        return pin

    @classmethod
    def mapper(cls, *function: Any) -> Any:
        """Get or set the function that maps objects to pins."""
        if not function:
            return cls._mapper
        cls._set("_mapper", function[0])
        return None

    @classmethod
    def dict(cls, *names: Any) -> Any:
        """Get or set the dictionary that maps objects to pins."""
        if not names:
            return cls._dict
        cls._set("_dict", names[0])
        return None

    @classmethod
    def debug(cls, *state: Any) -> Any:
        """Get or set whether the mapper tells what it does."""
        if not state:
            return cls._debug
        cls._set("_debug", bool(state[0]))
        return None

    @classmethod
    def _set(cls, name: str, value: Any) -> None:
        # A function in a class would bind to its objects.
        setattr(cls, name, staticmethod(value) if callable(value) else value)

    # ------------------------------------------------------------------------------ registers

    @property
    def _block(self) -> str:
        return f"GPIO{self._pad.name[1]}"

    def init(self, mode: Any, pull: Any = None, af: Any = -1, *, value: Any = None,
             drive: Any = None, alt: Any = -1) -> None:
        """Configure the pin; `value` is the level of the output from the beginning."""
        self._hw.busy()
        wanted = as_int(mode)
        if wanted not in MODES:
            raise ValueError(f"invalid pin mode: {wanted}")
        pulled = 0 if pull is None else as_int(pull)
        if pulled not in PULLS:
            raise ValueError(f"invalid pin pull: {pulled}")
        number = self._alternate(alt if alt != -1 else af)
        if wanted & 15 == ALTERNATE and not 0 <= number <= 15:
            raise ValueError(f"invalid pin af: {number}")
        if value is not None:
            self._hw.change("RCC", "AHB1ENR", 0, 1 << self._port)
            self._write(bool(value))
        self._configure(wanted, pulled, number if wanted & 15 == ALTERNATE else 0)

    def _alternate(self, value: Any) -> int:
        """The number of an alternate function, given by number, name or PinAF."""
        if isinstance(value, PinAF):
            return value.index()
        if isinstance(value, str):
            for index, signal in alternates(self._pad.name):
                if value in (signal, f"AF{index}_{signal.partition('_')[0]}"):
                    return index
            raise ValueError(f"invalid pin af: {value}")
        return as_int(value)

    def _configure(self, mode: int, pull: int, alternate: int = 0) -> None:
        """Writes the registers of the port."""
        hw, block, n = self._hw, self._block, self._number
        hw.change("RCC", "AHB1ENR", 0, 1 << self._port)
        hw.change(block, "OSPEEDR", 3 << 2 * n, 2 << 2 * n)
        hw.change(block, "OTYPER", 1 << n, (mode >> 4) << n)
        hw.change(block, "PUPDR", 3 << 2 * n, pull << 2 * n)
        shift = n % 8 * 4
        hw.change(block, "AFRH" if n > 7 else "AFRL", 15 << shift, alternate << shift)
        hw.change(block, "MODER", 3 << 2 * n, (mode & 3) << 2 * n)

    def _read(self) -> int:
        return self._hw.read(self._block, "IDR") >> self._number & 1

    def _write(self, level: bool) -> None:
        self._hw.write(self._block, "BSRR", 1 << self._number + (0 if level else 16))

    def toggle(self) -> None:
        """Invert the output."""
        self._write(not self._hw.read(self._block, "ODR") >> self._number & 1)
        self._hw.busy()

    def irq(self, *args: Any, **kwargs: Any) -> Irq:
        """Call `handler(pin)` at edges: irq(handler, trigger, *, hard=False)."""
        return type(self)._make_irq(self, *args, **kwargs)

    # ------------------------------------------------------------------------------ questions

    def mode(self, *mode: Any) -> Any:
        """Get or set the mode."""
        if mode:
            self.init(mode[0], self.pull(), self.af())
            return None
        mode_ = self._hw.read(self._block, "MODER") >> 2 * self._number & 3
        open_drain = self._hw.read(self._block, "OTYPER") >> self._number & 1
        return mode_ | (open_drain << 4 if mode_ in (OUTPUT, ALTERNATE) else 0)

    def pull(self, *pull: Any) -> Any:
        """Get or set the pull."""
        if pull:
            self._configure(self.mode(), as_int(pull[0]), self.af())
            return None
        return self._hw.read(self._block, "PUPDR") >> 2 * self._number & 3

    def af(self) -> int:
        """The number of the alternate function that is set."""
        register = "AFRH" if self._number > 7 else "AFRL"
        return self._hw.read(self._block, register) >> self._number % 8 * 4 & 15

    def af_list(self) -> list[PinAF]:
        """The alternate functions of this pin."""
        found = {(index, signal.partition("_")[0]): None
                 for index, signal in alternates(self._pad.name)}
        make = self._hw.types["PinAF"]
        return [make(index, unit) for index, unit in found]

    def gpio(self) -> int:
        """The address of the port."""
        return self._hw.base(self._block)

    def name(self) -> str:
        """The name of the chip's pad, such as A0."""
        return self._pad.name[1:]

    def names(self) -> list[str]:
        """The chip's name and those of the board."""
        board = self._hw.board.pins
        return [self.name(), *(name for name, pad in board.items() if pad == self._pad.name)]

    def pin(self) -> int:
        """The number within the port."""
        return self._number

    def port(self) -> int:
        """The number of the port, 0 for A."""
        return self._port

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        mode = self.mode()
        text = f"Pin(Pin.cpu.{self.name()}, mode=Pin.{MODES[mode]}"
        if mode != ANALOG:
            pull = PULLS.get(self.pull(), "")
            text += f", pull=Pin.{pull}" if pull else ""
            if mode & 3 == ALTERNATE:
                number = self.af()
                known = [each.name() for each in self.af_list() if each.index() == number]
                text += f", af=Pin.{known[0]}" if known else f", af={number}"
        return text + ")"


def build_stm(hw: Hardware) -> type[StmPin]:
    """`Pin` for STM32."""
    hw.bind(PinAF)
    made = hw.bind(StmPin)
    made._all = {}
    for name, pad in hw.chip.pins.items():
        pin = object.__new__(made)
        pin._pad, pin._irq = pad, None
        pin._port, pin._number = ord(name[1]) - ord("A"), int(name[2:])
        made._all[name] = pin
        for index, signal in alternates(name):
            setattr(made, f"AF{index}_{signal.partition('_')[0]}", index)
    # The board has those pads that its package has.
    made.cpu = names("cpu", {  # type: ignore[attr-defined]
        name[1:]: pin for name, pin in made._all.items() if name in PADS})
    made.board = names(  # type: ignore[attr-defined]
        "board", {name: made._all[pad] for name, pad in hw.board.pins.items()})
    return made
