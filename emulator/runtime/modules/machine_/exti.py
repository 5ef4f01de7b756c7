"""External interrupts of STM32: one table of lines for Pin.irq, ExtInt and Switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final, final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.modules.machine_.irq import Irq
from mpy_cross.emulator.runtime.modules.machine_.pin import PinBase
from mpy_cross.emulator.runtime.modules.machine_.stm_pin import INPUT, PULLS, StmPin
from mpy_cross.emulator.runtime.types import HostObject

LINES: Final = 23
IRQ_RISING, IRQ_FALLING, IRQ_RISING_FALLING = 0x10110000, 0x10210000, 0x10310000
EVT_RISING, EVT_FALLING, EVT_RISING_FALLING = 0x10120000, 0x10220000, 0x10320000
MODES: Final = {IRQ_RISING: (1, 0), IRQ_FALLING: (0, 1), IRQ_RISING_FALLING: (1, 1),
                EVT_RISING: (1, 0), EVT_FALLING: (0, 1), EVT_RISING_FALLING: (1, 1)}
# Interrupt numbers of the lines; lines 5 to 9 and 10 to 15 share theirs.
INTERRUPTS: Final = (6, 7, 8, 9, 10, 23, 40, 1, 41, 42, 76, 2, 3)


@final
@dataclass
class User:
    """Who uses a line. parent: what a second user is told; args: what the callback gets."""

    parent: Any
    function: Any
    args: tuple[Any, ...]
    hard: bool = True
    irq: Irq | None = None


class Exti:
    """The lines of one chip."""

    def __init__(self, hw: Hardware) -> None:
        self.hw = hw
        self.users: dict[int, User] = {}
        for number in INTERRUPTS:
            if number in hw.chip.interrupts[0]:
                hw.interrupt(number, self.handle)
        hw.closers.append(lambda: hw.write("EXTI", "IMR", 0))

    def handle(self) -> None:
        hw = self.hw
        pending = hw.read("EXTI", "PR") & hw.read("EXTI", "IMR")
        hw.write("EXTI", "PR", pending)
        for line, user in list(self.users.items()):
            if pending >> line & 1 and user.function is not None:
                self.call(line, user)

    def call(self, line: int, user: User) -> None:
        def failed() -> str:
            self.release(line)
            return f"uncaught exception in ExtInt interrupt handler line {line}"

        if user.irq is not None:
            user.irq._flags = user.irq._trigger
        self.hw.callback((self, line), user.function, user.args, hard=user.hard, failed=failed)

    def register(self, pin: PinBase | None, line: int, mode: int, user: User) -> None:
        """A line gets its user: edges, port, interrupt."""
        hw = self.hw
        rising, falling = MODES[mode]
        bit = 1 << line
        hw.change("EXTI", "IMR", bit, 0)
        hw.change("EXTI", "EMR", bit, 0)
        if isinstance(pin, StmPin):
            hw.change("RCC", "APB2ENR", 0, 1 << 14)
            hw.change("SYSCFG", f"EXTICR{line // 4 + 1}", 15 << line % 4 * 4,
                      pin.port() << line % 4 * 4)
        hw.change("EXTI", "RTSR", bit, bit * rising)
        hw.change("EXTI", "FTSR", bit, bit * falling)
        hw.write("EXTI", "PR", bit)
        self.users[line] = user
        event = mode in (EVT_RISING, EVT_FALLING, EVT_RISING_FALLING)
        hw.change("EXTI", "EMR" if event else "IMR", 0, bit)

    def enable(self, line: int, on: bool) -> None:
        self.hw.change("EXTI", "IMR", 1 << line, on << line)

    def release(self, line: int) -> None:
        self.enable(line, False)
        self.users.pop(line, None)


def pin_irq(
    exti: Exti, pin: StmPin, handler: Any = None, trigger: Any = IRQ_RISING_FALLING, *,
    priority: Any = 1, wake: Any = None, hard: Any = False,
) -> Irq:
    """`Pin.irq` of STM32."""
    wanted = as_int(trigger)
    if wanted not in MODES:
        raise ValueError(f"invalid ExtInt Mode: {wanted}")
    line = pin.pin()
    known = exti.users.get(line)
    if known is not None and known.parent is not pin:
        if isinstance(known.parent, StmPin):
            raise OSError(f"IRQ resource already taken by Pin('{known.parent.name()}')")
        raise OSError(f"ExtInt vector {line} is already in use")

    def enable(mode: int) -> None:
        if mode:
            user = User(pin, irq._handler, (pin,), irq._hard, irq)
            exti.register(pin, line, mode, user)
        else:
            exti.release(line)

    irq = pin._irq or Irq(pin, enable)
    pin._irq = irq
    irq._set(handler, wanted, bool(hard))
    return irq


class ExtInt(HostObject):
    """`pyb.ExtInt(pin, mode, pull, callback)`: callback(line) at edges."""

    IRQ_RISING, IRQ_FALLING, IRQ_RISING_FALLING = IRQ_RISING, IRQ_FALLING, IRQ_RISING_FALLING
    EVT_RISING, EVT_FALLING, EVT_RISING_FALLING = EVT_RISING, EVT_FALLING, EVT_RISING_FALLING

    _hw: ClassVar[Hardware]
    _exti: ClassVar[Exti]

    def __init__(self, pin: Any, mode: Any, pull: Any, callback: Any) -> None:
        wanted, pulled = as_int(mode), as_int(pull)
        source: StmPin | None = None
        if isinstance(pin, int) and not isinstance(pin, bool):
            line = pin
            if line < 16:
                raise ValueError(f"ExtInt vector {line} < 16, use a Pin object")
            if line >= LINES:
                raise ValueError(f"ExtInt vector {line} >= max of {LINES}")
        else:
            source = self._hw.types["Pin"]._find(pin)
            line = source.pin()
        if wanted not in MODES:
            raise ValueError(f"invalid ExtInt Mode: {wanted}")
        if pulled not in PULLS:
            raise ValueError(f"invalid ExtInt Pull: {pulled}")
        if line in self._exti.users:
            raise ValueError(f"ExtInt vector {line} is already in use")
        self._line = line
        self._callback = callback
        if source is not None:
            source._configure(INPUT, pulled)
        if callback is not None:
            self._exti.register(source, line, wanted, User(self, callback, (line,)))

    def line(self) -> int:
        """The number of the line."""
        return self._line

    def enable(self) -> None:
        """Let the interrupt come."""
        if self._line in self._exti.users:
            self._hw.write("EXTI", "PR", 1 << self._line)
            self._exti.enable(self._line, True)

    def disable(self) -> None:
        """Keep the interrupt from coming."""
        self._exti.enable(self._line, False)

    def swint(self) -> None:
        """Trigger the callback by software."""
        self._hw.write("EXTI", "SWIER", 1 << self._line)
        self._hw.busy()

    @classmethod
    def regs(cls) -> None:
        """Print the registers."""
        for name in ("IMR", "EMR", "RTSR", "FTSR", "SWIER", "PR"):
            value = cls._hw.read("EXTI", name)
            cls._hw.runtime.write(f"{'EXTI_' + name:<10} {value:08x}\n")

    def __repr__(self) -> str:
        return f"<ExtInt line={self._line}>"
