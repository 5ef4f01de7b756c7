"""A state machine of RP2040's PIO: all instructions, in virtual time (datasheet, 3.2 to 3.5).

What a program does inside of its machine is done ahead of time; what can be seen from outside, or
depends on it, happens exactly when it is due.  A machine that waits costs nothing, and one that
goes round in a circle without any effect is left there.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, final

from mpy_cross.emulator.blocks.rp2040.dma import Request
from mpy_cross.emulator.clock import SECOND, Alarm

if TYPE_CHECKING:
    from mpy_cross.emulator.blocks.rp2040.pio import Pio

ALL: Final = 0xFFFFFFFF
DEPTH: Final = 4
INSIDE, LOOK, EFFECT = range(3)  # what others notice of an instruction
AHEAD: Final = 5000  # instructions that are done ahead of time at most
JMP, WAIT, IN, OUT, PUSH_PULL, MOV, IRQ, SET = range(8)
# Sources and destinations.
PINS, X, Y, NULL, PINDIRS, PC, ISR, OSR = range(8)
STATUS = EXEC = 4  # of MOV: 5 is STATUS as a source, 4 is EXEC as a destination
OUT_EXEC: Final = 7

SIDE_EN, SIDE_PINDIR = 1 << 30, 1 << 29
JOIN_RX, JOIN_TX, OUT_RIGHT, IN_RIGHT, AUTOPULL, AUTOPUSH = (
    1 << 31, 1 << 30, 1 << 19, 1 << 18, 1 << 17, 1 << 16)


def turned(value: int) -> int:
    return int(f"{value:032b}"[::-1], 2)


def rotated(value: int, by: int) -> int:
    """To the right, 32 bits."""
    return (value >> by | value << 32 - by) & ALL if by else value


@final
class StateMachine:
    """One of four.

    clock_divider: in 256ths; origin, tick: ns of tick 0, and the tick of the next instruction.
    settings: EXECCTRL, SHIFTCTRL and PINCTRL.  stalled: waits for something outside.
    """

    __slots__ = ("alarm", "autopull", "autopush", "clock_divider", "execctrl", "forced", "in_base",
                 "in_count", "in_right", "in_threshold", "incoming", "isr", "jmp_pin", "number",
                 "origin", "osr", "out_base", "out_count", "out_mask", "out_right",
                 "out_threshold", "outgoing", "pc", "pinctrl", "pio", "receive", "running",
                 "seen", "send", "set_base", "set_mask", "shiftctrl", "side_base", "side_count",
                 "side_mask", "side_optional", "side_pindirs", "stalled", "steps", "tick",
                 "waits_irq", "wrap_bottom", "wrap_top", "x", "y")

    def __init__(self, pio: Pio, number: int) -> None:
        self.pio, self.number = pio, number
        self.outgoing: deque[int] = deque()
        self.incoming: deque[int] = deque()
        self.send, self.receive = Request(), Request()
        self.alarm: Alarm | None = None
        self.running = False
        self.seen: tuple[int, ...] = ()
        self.reset()

    def reset(self) -> None:
        self.cancel()
        self.running = False
        self.outgoing.clear()
        self.incoming.clear()
        self.execctrl, self.shiftctrl, self.pinctrl = 0x1F000, 0xC0000, 0x14000000
        self.clock_divider = 1 << 8
        self.pc = self.x = self.y = self.osr = 0
        self.origin = self.tick = 0
        self.restart()
        self.configure()

    def restart(self) -> None:
        self.isr = self.in_count = 0
        self.out_count = 32
        self.forced: int | None = None
        self.waits_irq = self.stalled = False
        self.steps, self.seen = 0, (0,)

    def configure(self) -> None:
        """Takes what the three settings say."""
        control, shift, pins = self.execctrl, self.shiftctrl, self.pinctrl
        self.wrap_top, self.wrap_bottom = control >> 12 & 31, control >> 7 & 31
        self.jmp_pin = control >> 24 & 31
        self.side_optional = bool(control & SIDE_EN)
        self.side_pindirs = bool(control & SIDE_PINDIR)
        self.side_count = pins >> 29 & 7
        self.side_base, self.set_base, self.out_base = (
            pins >> 10 & 31, pins >> 5 & 31, pins & 31)
        self.in_base = pins >> 15 & 31
        self.side_mask = (1 << max(self.side_count - self.side_optional, 0)) - 1
        self.set_mask = (1 << (pins >> 26 & 7)) - 1
        self.out_mask = (1 << (pins >> 20 & 63)) - 1
        self.out_right, self.in_right = bool(shift & OUT_RIGHT), bool(shift & IN_RIGHT)
        self.autopull, self.autopush = bool(shift & AUTOPULL), bool(shift & AUTOPUSH)
        self.out_threshold = (shift >> 25 & 31) or 32
        self.in_threshold = (shift >> 20 & 31) or 32

    # FIFOs.

    def send_depth(self) -> int:
        if self.shiftctrl & JOIN_RX:
            return 0
        return 2 * DEPTH if self.shiftctrl & JOIN_TX else DEPTH

    def receive_depth(self) -> int:
        if self.shiftctrl & JOIN_TX:
            return 0
        return 2 * DEPTH if self.shiftctrl & JOIN_RX else DEPTH

    def moved(self) -> None:
        """The fill of a FIFO has changed."""
        self.send.set(len(self.outgoing) < self.send_depth())
        self.receive.set(bool(self.incoming))
        self.pio.update()

    # Time.

    def time(self, tick: int) -> int:
        """The ns of a tick."""
        hz = self.pio.rate.hz or 1
        return self.origin - (-tick * self.clock_divider * SECOND // (hz << 8))

    def cancel(self) -> None:
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None

    def go(self) -> None:
        """Counts ticks from now on, and runs if it is enabled."""
        self.cancel()
        self.origin, self.tick = self.pio.clock.now, 0
        self.stalled = False
        if self.running and self.pio.rate.hz:
            self.plan()

    def plan(self) -> None:
        self.cancel()
        self.alarm = self.pio.clock.at(self.time(self.tick), self.run)

    def wake(self) -> None:
        """Something changed outside: what stalled tries again at the next tick."""
        if not self.running:
            if self.forced is not None:
                self.force(self.forced)
        elif self.stalled and self.alarm is None:
            passed = (self.pio.clock.now - self.origin) * self.pio.rate.hz << 8
            self.tick = max(self.tick, -(-passed // (self.clock_divider * SECOND)))
            self.stalled = False
            self.plan()

    def plan_again(self) -> None:
        """Settings have changed: what waits or stands still looks again."""
        if self.stalled:
            self.wake()
        elif self.alarm is None:
            self.go()

    def run(self) -> None:
        """Executes what is due, and ahead what nobody can see."""
        self.alarm = None
        clock = self.pio.clock
        memory = self.pio.program
        done = 0
        while self.running:
            word = self.forced if self.forced is not None else memory[self.pc]
            kind = self.visible(word)
            if (kind or done >= AHEAD) and self.time(self.tick) > clock.now:
                self.plan()
                return
            if kind == EFFECT:
                self.steps = 0
            elif (word >> 13 == JMP or self.pc == self.wrap_top) and self.repeats():
                self.pio.watch_pads()
                self.stalled = True  # it does nothing else until something outside changes
                return
            done += 1
            if not self.execute(word):
                self.stalled = True
                return

    def repeats(self) -> bool:
        """Was it in the same state before, with nothing done in between? (Brent's algorithm)"""
        state = (self.pc, self.x, self.y, self.isr, self.osr, self.in_count, self.out_count)
        if self.steps and state == self.seen:
            self.steps = 0
            return True
        self.steps += 1
        if self.steps & self.steps - 1 == 0:
            self.seen = state
        return False

    def visible(self, word: int) -> int:
        """Does this instruction change what is outside, or look at it?"""
        kind = word >> 13
        if self.side_count and self.side_changes(word):
            return EFFECT
        if kind == JMP:
            return LOOK if word >> 5 & 7 == 6 else INSIDE
        if kind == SET:
            target = word >> 5 & 7
            if target not in (PINS, PINDIRS):
                return INSIDE
            now = self.pio.directions if target == PINDIRS else self.pio.levels
            changed = (rotated(now, self.set_base) ^ word) & self.set_mask & 31
            return EFFECT if changed else LOOK
        if kind == MOV:
            if word >> 5 & 7 == PINS:
                return EFFECT
            return LOOK if word & 7 in (PINS, 5) else INSIDE
        if kind == IN:
            if self.autopush and self.in_count + ((word & 31) or 32) >= self.in_threshold:
                return EFFECT
            return LOOK if word >> 5 & 7 == PINS else INSIDE
        if kind == OUT:
            if word >> 5 & 7 in (PINS, PINDIRS):
                return EFFECT
            if self.autopull and self.out_count + ((word & 31) or 32) >= self.out_threshold:
                return EFFECT
            return INSIDE
        if kind == PUSH_PULL and word & 0xA0 == 0x80 and not self.outgoing:
            return LOOK  # PULL NOBLOCK without data
        if kind == WAIT:
            return EFFECT if word & 0xE0 == 0xC0 else LOOK  # the first one may clear a flag
        if kind == IRQ and not word & 0x20:
            flag = self.pio.flags >> self.flag(word & 31) & 1
            return LOOK if bool(flag) != bool(word & 0x40) else EFFECT
        return EFFECT  # PUSH, PULL, IRQ that waits

    # Instructions.

    def side(self, word: int) -> int | None:
        """The value of side-set in an instruction, None if it has none."""
        field = word >> 8 & 31
        value = field >> 5 - self.side_count
        if self.side_optional:
            if not field & 16:
                return None
            value &= self.side_mask
        return value

    def side_changes(self, word: int) -> bool:
        value = self.side(word)
        if value is None:
            return False
        pio = self.pio
        now = pio.directions if self.side_pindirs else pio.levels
        return rotated(now, self.side_base) & self.side_mask != value

    def put(self, base: int, mask: int, value: int, directions: bool = False) -> None:
        """Writes to a group of pads."""
        self.pio.put(rotated(mask, 32 - base & 31), rotated(value & mask, 32 - base & 31),
                     directions)

    def execute(self, word: int) -> bool:
        """One instruction; False if it has to wait, and comes again then."""
        if self.side_count:
            value = self.side(word)
            if value is not None:
                self.put(self.side_base, self.side_mask, value, self.side_pindirs)
        if self.autopull and word >> 13 != OUT and self.outgoing and \
                self.out_count >= self.out_threshold:
            self.refill()
        forced = self.forced
        pc = self.pc
        self.forced = None
        jump = self.perform(word)
        if jump == -2:
            self.forced = forced
            return False
        if jump == -3:  # again, one cycle later
            self.forced = forced
            self.tick += 1
            return True
        delay = (word >> 8 & 31) & (1 << 5 - self.side_count) - 1
        self.tick += 1 + delay
        if jump >= 0:
            self.pc = jump
        elif forced is None:
            self.pc = self.wrap_bottom if pc == self.wrap_top else pc + 1 & 31
        return True

    def perform(self, word: int) -> int:
        """The effect of an instruction: where it jumps, -1 on, -2 it waits, -3 a cycle again."""
        kind = word >> 13
        if kind == JMP:
            return word & 31 if self.condition(word >> 5 & 7) else -1
        if kind == OUT:
            return self.out(word >> 5 & 7, (word & 31) or 32)
        if kind == IN:
            return self.take(word >> 5 & 7, (word & 31) or 32)
        if kind == SET:
            self.assign_set(word >> 5 & 7, word & 31)
            return -1
        if kind == MOV:
            return self.move(word)
        if kind == PUSH_PULL:
            return self.pull(word) if word & 0x80 else self.push(word)
        if kind == IRQ:
            return self.interrupt(word)
        return self.wait(word)

    def condition(self, code: int) -> bool:
        if code == 0:
            return True
        if code == 1:
            return not self.x
        if code == 2:
            self.x, before = self.x - 1 & ALL, self.x
            return bool(before)
        if code == 3:
            return not self.y
        if code == 4:
            self.y, before = self.y - 1 & ALL, self.y
            return bool(before)
        if code == 5:
            return self.x != self.y
        if code == 6:
            return bool(self.pio.inputs() >> self.jmp_pin & 1)
        return self.out_count < self.out_threshold

    def wait(self, word: int) -> int:
        polarity, source, index = word >> 7 & 1, word >> 5 & 3, word & 31
        pio = self.pio
        if source == 2:
            bit = 1 << self.flag(index)
            if bool(pio.flags & bit) != bool(polarity):
                return -2
            if polarity:
                pio.set_flags(pio.flags & ~bit)
            return -1
        number = index if source == 0 else index + self.in_base & 31
        pio.watch_pads()
        return -1 if pio.inputs() >> number & 1 == polarity else -2

    def flag(self, index: int) -> int:
        """Number of an interrupt flag, which may be relative to this machine."""
        return index & 4 | (index & 3) + self.number & 3 if index & 16 else index & 7

    def interrupt(self, word: int) -> int:
        bit = 1 << self.flag(word & 31)
        pio = self.pio
        if word & 0x40:
            pio.set_flags(pio.flags & ~bit)
            return -1
        if word & 0x20:
            if self.waits_irq:
                if pio.flags & bit:
                    return -2
                self.waits_irq = False
                return -1
            self.waits_irq = True
            pio.set_flags(pio.flags | bit)
            return -2 if pio.flags & bit else -3
        pio.set_flags(pio.flags | bit)
        return -1

    def refill(self) -> None:
        self.osr, self.out_count = self.outgoing.popleft(), 0
        self.moved()

    def pull(self, word: int) -> int:
        if word & 0x40 and self.out_count < self.out_threshold:
            return -1  # only if empty
        if self.autopull and self.out_count < self.out_threshold:
            return -1
        if self.outgoing:
            self.refill()
        elif word & 0x20:
            self.pio.FDEBUG |= 1 << 24 + self.number
            return -2
        else:
            self.osr, self.out_count = self.x, 0
        return -1

    def push(self, word: int) -> int:
        if word & 0x40 and self.in_count < self.in_threshold:
            return -1  # only if full
        if len(self.incoming) >= self.receive_depth():
            self.pio.FDEBUG |= 1 << self.number
            if word & 0x20:
                return -2
        else:
            self.incoming.append(self.isr)
        self.isr = self.in_count = 0
        self.moved()
        return -1

    def out(self, target: int, count: int) -> int:
        if self.autopull and self.out_count >= self.out_threshold:
            if not self.outgoing:
                self.pio.FDEBUG |= 1 << 24 + self.number
                return -2
            self.refill()
            return -3
        mask = (1 << count) - 1
        if self.out_right:
            value, self.osr = self.osr & mask, self.osr >> count
        else:
            value, self.osr = self.osr >> 32 - count, self.osr << count & ALL
        self.out_count = min(self.out_count + count, 32)
        if self.autopull and self.out_count >= self.out_threshold and self.outgoing:
            self.refill()
        if target == PINS:
            self.put(self.out_base, self.out_mask, value)
        elif target == X:
            self.x = value
        elif target == Y:
            self.y = value
        elif target == PINDIRS:
            self.put(self.out_base, self.out_mask, value, True)
        elif target == PC:
            return value & 31
        elif target == ISR:
            self.isr, self.in_count = value, count
        elif target == OUT_EXEC:
            self.forced = value & 0xFFFF
            self.pc = self.wrap_bottom if self.pc == self.wrap_top else self.pc + 1 & 31
            return self.pc
        return -1

    def take(self, source: int, count: int) -> int:
        full = min(self.in_count + count, 32)
        pushes = self.autopush and full >= self.in_threshold
        if pushes and len(self.incoming) >= self.receive_depth():
            self.pio.FDEBUG |= 1 << self.number
            return -2
        value = self.value(source) & (1 << count) - 1
        if self.in_right:
            self.isr = (self.isr >> count | value << 32 - count) & ALL
        else:
            self.isr = (self.isr << count | value) & ALL
        self.in_count = full
        if pushes:
            self.incoming.append(self.isr)
            self.isr = self.in_count = 0
            self.moved()
        return -1

    def value(self, source: int) -> int:
        if source == PINS:
            return rotated(self.pio.inputs(), self.in_base)
        if source == X:
            return self.x
        if source == Y:
            return self.y
        if source == ISR:
            return self.isr
        return self.osr if source == OSR else 0

    def assign_set(self, target: int, value: int) -> None:
        if target == X:
            self.x = value
        elif target == Y:
            self.y = value
        elif target in (PINS, PINDIRS):
            self.put(self.set_base, self.set_mask, value, target == PINDIRS)

    def move(self, word: int) -> int:
        target, operation, source = word >> 5 & 7, word >> 3 & 3, word & 7
        value = self.status() if source == 5 else self.value(source)
        if operation == 1:
            value ^= ALL
        elif operation == 2:
            value = turned(value)
        if target == PINS:
            self.put(self.out_base, self.out_mask, value)
        elif target == X:
            self.x = value
        elif target == Y:
            self.y = value
        elif target == EXEC:
            self.forced = value & 0xFFFF
            self.pc = self.wrap_bottom if self.pc == self.wrap_top else self.pc + 1 & 31
            return self.pc
        elif target == PC:
            return value & 31
        elif target == ISR:
            self.isr, self.in_count = value, 0
        elif target == OSR:
            self.osr, self.out_count = value, 0
        return -1

    def status(self) -> int:
        fill = len(self.incoming) if self.execctrl & 16 else len(self.outgoing)
        return ALL if fill < self.execctrl & 15 else 0

    def force(self, word: int) -> None:
        """An instruction from outside, at once; it may wait if the machine runs."""
        self.cancel()
        self.forced = word & 0xFFFF
        if not self.running:
            tick = self.tick
            while self.forced is not None:
                if not self.execute(self.forced):
                    self.stalled = True  # it comes again when something changes
                    break
            self.tick = tick
            return
        self.go()
