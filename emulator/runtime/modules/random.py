"""Module `random` (manual 3.9.6): the generator of the reference, Yasmarang."""

from __future__ import annotations

import random as host_random
from typing import Any, Final, final

from mpy_cross.emulator.runtime.arguments import as_float, as_int, as_word, native
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.support import iter_
from mpy_cross.emulator.runtime.types import Module, type_name

NAMES: Final[tuple[str, ...]] = ("urandom", "random")
_WORD: Final = 0xFFFFFFFF
_DOUBLE_BITS: Final = 52
_SINGLE_BITS: Final = 23


@final
class Yasmarang:
    """Ilya Levin's generator: four numbers of state, 32 bits at a time."""

    __slots__ = ("d", "dat", "n", "pad")

    def __init__(self, seed: int) -> None:
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Start anew."""
        self.pad = seed & _WORD
        self.n = 69
        self.d = 233
        self.dat = 0

    def next(self) -> int:
        """The next 32 bits."""
        pad = (self.pad + self.dat + self.d * self.n) & _WORD
        pad = ((pad << 3) + (pad >> 29)) & _WORD
        d = self.d ^ ((pad << 31) + (pad >> 1)) & _WORD
        dat = (self.dat ^ pad ^ (d >> 8) ^ 1) & 0xFF
        self.pad, self.n, self.d, self.dat = pad, pad | 2, d, dat
        return (pad ^ (d << 5) ^ (pad >> 18) ^ (dat << 1)) & _WORD

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1."""
        mask = (1 << max(limit.bit_length(), 1)) - 1
        while True:
            number = self.next() & mask
            if number < limit:
                return number

    def fraction(self, bits: int) -> float:
        """A number from 0 up to but not 1, with so many bits."""
        number = self.next()
        if bits > 32:
            number = number << 32 | self.next()
        return (number & ((1 << bits) - 1)) / (1 << bits)


def build(runtime: Runtime) -> Module:
    single = runtime.float_type
    bits = _DOUBLE_BITS if single is float else _SINGLE_BITS
    noise = host_random.Random(runtime.seed)
    """Stands for the board's source of random numbers: the same at every run."""
    generator = Yasmarang(noise.getrandbits(32))

    @native
    def seed(number: Any = None, /) -> None:
        generator.seed(noise.getrandbits(32) if number is None else as_int(number))

    @native
    def getrandbits(count: Any, /) -> int:
        wanted = as_word(count)
        if not 0 <= wanted <= 32:
            raise ValueError("bits must be 32 or less")
        return generator.next() & ((1 << wanted) - 1) if wanted else 0

    @native
    def randint(a: Any, b: Any, /) -> int:
        first, last = as_word(a), as_word(b)
        if first > last:
            raise ValueError()
        return first + generator.below(last - first + 1)

    @native
    def randrange(start: Any, stop: Any = None, step: Any = None, /) -> int:
        first = as_word(start)
        if stop is None:
            values = range(first)
        elif step is None:
            values = range(first, as_word(stop))
        else:
            values = range(first, as_word(stop), as_word(step) or 1)
            if not as_word(step):
                raise ValueError()
        if not values:
            raise ValueError()
        return values[generator.below(len(values))]

    @native
    def choice(sequence: Any, /) -> Any:
        if not hasattr(type(sequence), "__len__"):
            raise TypeError(f"object of type '{type_name(sequence)}' has no len()")
        size = len(sequence)
        if not size:
            raise IndexError()
        if not hasattr(type(sequence), "__getitem__"):
            iter_(sequence)
            raise TypeError(f"'{type_name(sequence)}' object isn't subscriptable")
        return sequence[generator.below(size)]

    @native
    def random() -> float:
        return single(generator.fraction(bits))

    @native
    def uniform(a: Any, b: Any, /) -> float:
        low, high = as_float(a), as_float(b)
        return single(low + single(single(high - low) * generator.fraction(bits)))

    return Module(
        NAMES[0],
        {
            "seed": seed,
            "getrandbits": getrandbits,
            "randint": randint,
            "randrange": randrange,
            "choice": choice,
            "random": random,
            "uniform": uniform,
        },
    )
