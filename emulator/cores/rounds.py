"""What a program that sleeps does at each tick, foreseen for many ticks at once.

A program that sleeps with WFI while a tick interrupt counts milliseconds runs the same few dozen
instructions a thousand times for each second.  `Recipe` is made of two equal periods of such
rounds, recorded instruction by instruction.  Where all registers and memory words that change do so
by the same amount each period, and only instructions that are linear touch them, one can tell how
many more periods take the same way: until a comparison comes out otherwise.  Those periods are
then not run: counters in memory and registers, the count of instructions and the time become what
they would have been.

Whatever is not understood is simply run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, final

from mpy_cross.emulator.bus import Bus, Memory

if TYPE_CHECKING:
    from mpy_cross.assembler.isa import Decoded

MASK: Final = 0xFFFF_FFFF
SP, LR, PC = 13, 14, 15
FRAME_ORDER: Final = (0, 1, 2, 3, 12, LR)  # registers in an exception frame, then pc and xpsr
FRAME, FLOAT_FRAME = 0x20, 0x68
CAP: Final = 1 << 14  # periods that are looked ahead where only trying helps
SYSTICK_CSR: Final = 0xE000E010  # reads the same in each round

Bound = Callable[[int], int]
"""How many periods after number `t` still come out the same."""


class Unforeseen(Exception):
    """The rounds are not understood."""


def holds(condition: int, flags: int) -> bool:
    """Is a condition of an instruction fulfilled? flags: N, Z, C, V as the bits 3 to 0."""
    negative, zero, carry, overflow = (bool(flags >> n & 1) for n in (3, 2, 1, 0))
    true = (zero, carry, negative, overflow, carry and not zero, negative == overflow,
            not zero and negative == overflow, True)[condition >> 1]
    return true != bool(condition & 1 and condition < 14)


def conditional(bus: Bus, pc: int, flags: int) -> int:
    """Address of the first instruction that is executed in the block of an IT at `pc`, or 0."""
    half = bus.read(pc, 2)
    mask = half & 15
    if half >> 8 != 0xBF or not mask:
        return 0
    pc += 2
    for n in range(4 - ((mask & -mask).bit_length() - 1)):
        condition = half >> 4 & 15
        if n:
            condition = condition & 14 | mask >> 4 - n & 1
        if holds(condition, flags):
            return pc
        pc += 4 if bus.read(pc, 2) >= 0xE800 else 2
    return 0


@final
class Step:
    """One instruction that was executed. before, after: the registers; frame: size of the
    exception frame that was pushed before it, or 0; left: an exception ended with it."""

    __slots__ = ("after", "before", "frame", "left", "pc")

    def __init__(self, pc: int, before: list[int], after: list[int], frame: int,
                 left: bool) -> None:
        self.pc, self.before, self.after, self.frame, self.left = pc, before, after, frame, left


def signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


def line_bound(x: int, d: int) -> Bound:
    """While x + t * d, as a number of 32 bits, has the sign of x and is not 0."""
    step = signed(d)

    def bound(t: int) -> int:
        if not step:
            return CAP << 16
        now = x + (t + 1) * step & MASK
        if now == 0 or not x or (now ^ x) >> 31:
            return 0
        low = now & 1 << 31
        if step > 0:
            return 1 + (low + (1 << 31) - 1 - now) // step
        return 1 + (now - low - (not low)) // -step

    return bound


def zero_flags(x: int) -> int:
    """What becomes of N and Z."""
    return (x >> 31) << 1 | (not x)


def same_bound(function: Callable[[int], int], mask: int, x: int, d: int) -> Bound:
    """While a function of the bits `mask` of x + t * d has the same value as for t = 0."""
    result = function(x & mask)
    if mask < (d & -d):
        return lambda t: CAP << 16  # those bits never change
    low, top = mask & -mask, 1 << mask.bit_length()
    if function is zero_flags and result == 0 and mask == top - low < 1 << 31 and d <= low:
        # Bits in a row, not all 0: until the number below `top` comes to its end.
        def until_top(t: int) -> int:
            now = x + (t + 1) * d & top - 1
            return 1 + (top - 1 - now) // d if now & mask else 0

        return until_top
    span = [0, 0]  # from, and the first after it that is otherwise or not known

    def bound(t: int) -> int:
        if not span[0] <= t + 1 < span[1]:
            n = t + 1
            while n <= t + CAP and function(x + n * d & mask) == result:
                n += 1
            span[:] = t + 1, n
        return span[1] - t - 1

    return bound


@final
class Recipe:
    """Two equal periods, understood. Unforeseen.

    first, second: the steps of the periods; decoded: instructions by address, kept for others.
    bounds: how far it goes; registers: at the end of the second period, with their slopes;
    inputs: (address, size): value at its end, and slope; outputs: words that change, with slopes.
    """

    def __init__(self, bus: Bus, features: frozenset[str], first: Sequence[Step],
                 second: Sequence[Step], decoded: dict[int, Decoded]) -> None:
        self.bus, self.features, self.decoded = bus, features, decoded
        self.bounds: list[Bound] = []
        self.inputs: dict[tuple[int, int], tuple[int, int]] = {}
        self.slopes: dict[int, int] = {}  # of the words that were accessed, as they are now
        self.written: set[int] = set()
        self.parts: set[tuple[int, int]] = set()  # bytes and halfwords that were accessed
        if len(first) != len(second):
            raise Unforeseen("periods of different lengths")
        for one, two in zip(first, second, strict=True):
            if one.pc != two.pc or one.frame != two.frame or one.left != two.left:
                raise Unforeseen("periods that go different ways")
            self.step(one, two)
        begin, end = second[0].before, second[-1].after
        start = first[0].before
        slopes = [end[n] - begin[n] & MASK for n in range(16)]
        if slopes != [begin[n] - start[n] & MASK for n in range(16)]:
            raise Unforeseen("registers that do not change evenly")
        self.registers = [(end[n], slopes[n]) for n in range(16)]
        self.finish()

    def finish(self) -> None:
        """Checks memory, and brings inputs to the end of the second period."""
        sloped = {address for address, slope in self.slopes.items() if slope}
        for address, _ in self.parts:
            if address & ~3 in sloped:
                raise Unforeseen("part of a word that changes")
        for (address, size), (value, slope) in list(self.inputs.items()):
            now = self.bus.read(address, size)
            if size == 4 and (now - value & MASK) != slope:
                raise Unforeseen("a word that does not change evenly")
            if size != 4 and now != value:
                raise Unforeseen("a byte that changes")
            if address in self.written and self.slopes[address] != slope:
                raise Unforeseen("a word that is left otherwise than it was found")
            if slope and address not in self.written:
                raise Unforeseen("a word that changes by itself")
            self.inputs[address, size] = now, slope
        self.outputs = {address: (self.bus.read(address, 4), self.slopes[address])
                        for address in self.written if self.slopes.get(address)}

    # The analysis of one instruction, of which both executions are known.

    def decode(self, pc: int) -> Decoded:
        found = self.decoded.get(pc)
        if found is None:
            # The table is large, and most runs do not sleep long enough to need it.
            from mpy_cross.assembler.thumb import TABLE

            data = bytes(self.bus.view(pc, 4))
            made = TABLE.decode(data, 0, pc, self.features)
            if made is None:
                raise Unforeseen("an unknown instruction")
            found = self.decoded[pc] = made
        return found

    def step(self, one: Step, two: Step) -> None:
        before = [b - a & MASK for a, b in zip(one.before, two.before, strict=True)]
        after = [b - a & MASK for a, b in zip(one.after, two.after, strict=True)]
        instruction = self.decode(two.pc)
        values = two.before
        if two.frame:
            values, before = self.enter(two, before)
        kind = instruction.row.mnemonic.partition(".")[0]
        if kind.startswith(("v", "tb", "svc", "bkpt", "mcr", "mrc", "wfe")) or "ex" in kind[:5]:
            raise Unforeseen(kind)
        if kind.startswith(("ldr", "str", "ldm", "stm", "push", "pop")):
            self.access(instruction, kind, values, before, two, after)
        else:
            self.compute(instruction, kind, values, before, after)
        if two.left:
            self.leave(two, after)

    def enter(self, step: Step, slopes: list[int]) -> tuple[list[int], list[int]]:
        """An exception frame is pushed; the registers after that."""
        frame = step.before[SP] - step.frame & ~7 & MASK
        if slopes[SP]:
            raise Unforeseen("a stack that moves")
        for n, register in enumerate(FRAME_ORDER):
            self.store(frame + 4 * n, slopes[register])
        for n in range(6, step.frame // 4):
            self.store(frame + 4 * n, 0)
        values, slopes = list(step.before), list(slopes)
        values[SP] = frame
        slopes[LR] = 0
        return values, slopes

    def leave(self, step: Step, after: list[int]) -> None:
        """An exception frame was popped: its slopes are those of the registers."""
        sp = step.after[SP]
        for size in (FRAME, FLOAT_FRAME):
            for pad in (0, 4):
                frame = sp - size - pad & MASK
                if all(self.slopes.get(frame + 4 * n) == after[register]
                       for n, register in enumerate(FRAME_ORDER)):
                    return
        raise Unforeseen("a frame that was not found")

    def store(self, address: int, slope: int) -> None:
        self.slopes[address] = slope
        self.written.add(address)

    def load(self, address: int, value: int, slope: int) -> None:
        known = self.slopes.get(address)
        if known is None:
            self.slopes[address] = slope
            if self.is_ram(address):
                self.inputs[address, 4] = value, slope
        elif known != slope:
            raise Unforeseen("a word that does not change evenly")

    def is_ram(self, address: int) -> bool:
        """Is it memory that may change? Unforeseen for registers of devices."""
        found = self.bus.find(address)
        if not isinstance(found, Memory):
            if address == SYSTICK_CSR:
                return False
            raise Unforeseen(f"access to a device at 0x{address:08x}")
        return "w" in found.perms

    def access(self, instruction: Decoded, kind: str, values: list[int], slopes: list[int],
               step: Step, after: list[int]) -> None:
        """A load or store: its address must not change."""
        row = instruction.row
        names = {operand.name: value
                 for operand, value in zip(row.operands, instruction.operands, strict=True)}
        loads = kind.startswith(("ld", "pop"))
        if row.name.endswith("_lit"):
            return  # a literal of the code
        if "l" in names:
            registers = [n for n in range(16) if names["l"] >> n & 1]
            base = names.get("n", SP)
            down = kind in ("push", "stmdb", "ldmdb")
            address = values[base] - (4 * len(registers) if down else 0)
        else:
            base = SP if row.name.endswith("_sp") else names["n"]
            registers = [names["t"], names["t2"]] if "t2" in names else [names["t"]]
            address = values[base]
            if "m" in names:
                if slopes[names["m"]]:
                    raise Unforeseen("an address that changes")
                address += values[names["m"]] << names.get("i", 0)
            elif "post" not in row.name:
                address += names["i"]
        if slopes[base]:
            raise Unforeseen("an address that changes")
        address &= MASK
        if kind[:3] in ("ldr", "str") and kind[3:4] in ("b", "h", "s"):
            size = 1 if kind[-1] == "b" else 2
            self.part(address, size, loads, registers[0], slopes, step, after)
            return
        if address & 3:
            raise Unforeseen("an unaligned word")
        for n, register in enumerate(registers):
            at = address + 4 * n & MASK
            if not loads:
                if not self.is_ram(at):
                    raise Unforeseen("a store to a device")
                self.store(at, slopes[register])
            elif register != PC:
                if step.left and register in FRAME_ORDER:
                    raise Unforeseen("a register that is loaded and restored at once")
                self.load(at, step.after[register], after[register])
            elif not step.left and after[PC]:
                raise Unforeseen("a jump that changes")
            elif self.is_ram(at) and at not in self.slopes:
                self.load(at, self.bus.read(at, 4), 0)

    def part(self, address: int, size: int, loads: bool, register: int, slopes: list[int],
             step: Step, after: list[int]) -> None:
        """A byte or halfword: neither it nor its word may change."""
        if (after if loads else slopes)[register]:
            raise Unforeseen("a byte that changes")
        if not self.is_ram(address):
            if not loads:
                raise Unforeseen("a store to what is no RAM")
            return
        self.parts.add((address, size))
        if loads and address & ~3 not in self.written:
            mask = (1 << 8 * size) - 1
            self.inputs.setdefault((address, size), (step.after[register] & mask, 0))
        elif not loads:
            self.slopes.setdefault(address & ~3, 0)

    def compute(self, instruction: Decoded, kind: str, values: list[int], slopes: list[int],
                after: list[int]) -> None:
        """Anything else: if it touches what changes it has to be linear, or to come out the same
        for a while."""
        row = instruction.row
        names = {operand.name: value
                 for operand, value in zip(row.operands, instruction.operands, strict=True)}
        read = [names[name] for name in row.reads]
        written = [names[name] for name in row.writes]
        if not any(slopes[n] for n in read) and not any(after[n] for n in written):
            return
        if names.get("sh") or names.get("r"):
            raise Unforeseen("a shifted operand that changes")
        # The operands: a is n or, where there is none, d or m; b is m or a constant.
        first = names.get("n", names.get("d") if "d" in row.reads else names.get("m"))
        assert first is not None
        a, da = values[first], slopes[first]
        second = names.get("m") if "m" in row.reads and names.get("m") is not None \
            and ("n" in names or "d" in row.reads) else None
        b, db = (values[second], slopes[second]) if second is not None else (names.get("i", 0), 0)
        if kind in ("cbz", "cbnz"):
            self.bounds.append(line_bound(a, da))
            return
        result = after[names["d"]] if "d" in row.writes else None
        bare = kind.removesuffix("s") if kind not in ("lsls", "subs", "adds", "movs", "rsbs") \
            else kind[:-1]
        if bare in ("add", "addw", "sub", "subw", "cmp", "cmn", "rsb"):
            if bare == "rsb":
                a, da, b, db = b, db, a, da
            minus = bare in ("sub", "subw", "cmp", "rsb")
            total, slope = (a - b, da - db) if minus else (a + b, da + db)
            if result is not None and result != slope & MASK:
                raise Unforeseen(f"{kind} that is not linear")
            if kind in ("cmp", "cmn", "adds", "subs", "rsbs"):
                for x, d in ((a, da), (b, db), (total, slope)):
                    self.bounds.append(line_bound(x & MASK, d & MASK))
        elif bare == "mov":
            if result != da:
                raise Unforeseen("mov that is not linear")
            if kind == "movs":
                self.bounds.append(line_bound(a, da))
        else:
            self.constant(kind, names, a, da, b, db, result)

    def constant(self, kind: str, names: Mapping[str, int], a: int, da: int, b: int, db: int,
                 result: int | None) -> None:
        """An instruction whose result stays the same although its operand changes."""
        if result or db:
            raise Unforeseen(f"{kind} of something that changes")
        i, w = names.get("i", 0), names.get("w", 0)
        whole: Callable[[int], int] = lambda x: x  # noqa: E731
        masks = {"tst": b, "ands": b, "and": b, "bic": MASK ^ b, "bics": MASK ^ b, "uxtb": 0xFF,
                 "uxth": 0xFFFF, "sxtb": 0xFF, "sxth": 0xFFFF, "ubfx": (1 << w) - 1 << i,
                 "lsr": MASK << i & MASK, "lsrs": MASK << max(i - 1, 0) & MASK,
                 "lsl": MASK >> i, "lsls": MASK >> max(i - 1, 0)}
        mask = masks.get(kind)
        if mask is None:
            raise Unforeseen(f"{kind} of something that changes")
        self.bounds.append(same_bound(zero_flags if kind == "tst" else whole, mask & MASK, a, da))

    # Its use.

    def number(self, registers: Sequence[int]) -> int | None:
        """How many periods after the recorded one the program is now, if it is at their end."""
        t: int | None = None
        for n in range(16):
            value, slope = self.registers[n]
            if not slope and registers[n] != value:
                return None
        for (address, size), (value, slope) in self.inputs.items():
            now = self.bus.read(address, size)
            if not slope:
                if now != value:
                    return None
                continue
            if t is None:
                t, rest = divmod(signed(now - value & MASK), signed(slope))
                if rest or t < 0:
                    return None
            if value + t * slope & MASK != now:
                return None
        if t is None:
            t = 0
        for n in range(16):
            value, slope = self.registers[n]
            if slope and value + t * slope & MASK != registers[n]:
                return None
        return t

    def ahead(self, t: int, most: int) -> int:
        """How many periods after number `t` go the same way, at most so many."""
        for bound in self.bounds:
            most = min(most, bound(t))
            if most <= 0:
                return 0
        return most

    def apply(self, t: int, periods: int, registers: list[int]) -> list[int]:
        """Lets so many periods have passed in memory; the registers then."""
        for address, (value, slope) in self.outputs.items():
            word = value + (t + periods) * slope & MASK
            self.bus.view(address, 4)[:] = word.to_bytes(4, "little")
        return [registers[n] + periods * slope & MASK
                for n, (_, slope) in enumerate(self.registers)]
