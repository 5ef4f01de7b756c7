"""Kernels of `bench.codegen`: their inputs, and what has to come out, computed another way.

Viper kernels and those of drivers: `make()` gives the arguments, `check(args)` the result and, by
the number of the argument, what the buffers hold then.  Native kernels get what an expression of
MicroPython says, and what they give back is compared with a value of CPython's.
"""

from __future__ import annotations

import binascii
import math
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any, Final, NamedTuple

Args = list[Any]
Expected = tuple["int | None", dict[int, bytes]]


class Case(NamedTuple):
    """One kernel: its group is the folder of its sources."""

    name: str
    group: str
    make: Callable[[], Args]
    check: Callable[[Args], Expected]


CASES: Final[dict[str, Case]] = {}


def case(
    group: str, make: Callable[[], Args]
) -> Callable[[Callable[[Args], Expected]], Callable[[Args], Expected]]:
    """Registers the oracle of the kernel that it is named after."""

    def register(check: Callable[[Args], Expected]) -> Callable[[Args], Expected]:
        name = check.__name__
        CASES[name] = Case(name, group, make, check)
        return check

    return register


def noise(n: int, seed: int = 1) -> bytearray:
    r = random.Random(seed)
    return bytearray(r.randrange(256) for _ in range(n))


def numbers(n: int, low: int, high: int, seed: int) -> list[int]:
    r = random.Random(seed)
    return [r.randrange(low, high) for _ in range(n)]


def words(values: list[int]) -> bytearray:
    return bytearray(struct.pack(f"<{len(values)}i", *values))


def unwords(data: bytearray) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 4}i", data))


def halves(values: list[int]) -> bytearray:
    return bytearray(b"".join((value & 0xFFFF).to_bytes(2, "little") for value in values))


def w32(value: int) -> int:
    value &= 0xFFFF_FFFF
    return value - (value >> 31 << 32)


def crc_table() -> bytearray:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
        table.append(value)
    return bytearray(struct.pack("<256I", *table))


# ------------------------------------------------------------------------------------------- viper


@case("viper", lambda: [2000])
def sumsq(a: Args) -> Expected:
    return w32(sum(i * i for i in range(a[0]))), {}


@case("viper", lambda: [701408733, 433494437])
def gcd(a: Args) -> Expected:
    return math.gcd(*a), {}


@case("viper", lambda: [noise(200), 200])
def crc32_bit(a: Args) -> Expected:
    return zlib.crc32(a[0]), {}


@case("viper", lambda: [noise(1000), 1000, crc_table()])
def crc32_tab(a: Args) -> Expected:
    return zlib.crc32(a[0]), {}


@case("viper", lambda: [noise(200), 200])
def crc16(a: Args) -> Expected:
    return binascii.crc_hqx(a[0], 0xFFFF), {}


@case("viper", lambda: [bytearray(1000), noise(1000), 1000])
def memcpy8(a: Args) -> Expected:
    return None, {0: bytes(a[1])}


@case("viper", lambda: [bytearray(1000), 0x5A, 1000])
def memset8(a: Args) -> Expected:
    return None, {0: b"\x5a" * 1000}


@case("viper", lambda: [bytearray(1200), noise(1800), 600])
def rgb565(a: Args) -> Expected:
    s = a[1]
    return None, {0: bytes(halves([
        s[i] >> 3 << 11 | s[i + 1] >> 2 << 5 | s[i + 2] >> 3 for i in range(0, 1800, 3)]))}


@case("viper", lambda: [noise(2000), 1000])
def swap16(a: Args) -> Expected:
    return None, {0: bytes(a[0][i ^ 1] for i in range(len(a[0])))}


@case("viper", lambda: [bytearray(2000), 2000])
def sieve(a: Args) -> Expected:
    return sum(all(i % d for d in range(2, math.isqrt(i) + 1)) for i in range(2, 2000)), {}


@case("viper", lambda: [words(numbers(64, -999, 999, 2)), words(numbers(64, -999, 999, 3)),
                        bytearray(256)])
def matmul8(a: Args) -> Expected:
    x, y = unwords(a[0]), unwords(a[1])
    return None, {2: bytes(words([sum(x[i * 8 + k] * y[k * 8 + j] for k in range(8))
                                  for i in range(8) for j in range(8)]))}


@case("viper", lambda: [words(numbers(216, -20000, 20000, 4)), words(numbers(16, -8000, 8000, 5)),
                        bytearray(800), 200, 16])
def fir(a: Args) -> Expected:
    x, h = unwords(a[0]), unwords(a[1])
    return None, {2: bytes(words([w32(sum(x[i + k] * h[k] for k in range(16))) >> 15
                                  for i in range(200)]))}


@case("viper", lambda: [words(numbers(64, -9999, 9999, 6)), 64])
def bubble(a: Args) -> Expected:
    return None, {0: bytes(words(sorted(unwords(a[0]))))}


@case("viper", lambda: [words(numbers(80, -9999, 9999, 7)), 80])
def inssort(a: Args) -> Expected:
    return None, {0: bytes(words(sorted(unwords(a[0]))))}


@case("viper", lambda: [150])
def collatz(a: Args) -> Expected:
    total = 0
    for x in range(1, a[0]):
        while x != 1:
            x = 3 * x + 1 if x & 1 else x // 2
            total += 1
    return total, {}


@case("viper", lambda: [123456789, 2000])
def xorshift(a: Args) -> Expected:
    x = a[0]
    for _ in range(a[1]):
        x ^= x << 13 & 0xFFFF_FFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFF_FFFF
    return x, {}


@case("viper", lambda: [words([300, 12, 150, 0, 0, -4000, 4000, 1000]),
                        words(numbers(400, -3000, 3000, 8)), bytearray(1600), 400])
def pid(a: Args) -> Expected:
    st, y = unwords(a[0]), []
    for v in unwords(a[1]):
        e = st[7] - v
        g = st[3] = max(-20000, min(20000, st[3] + e))
        d, st[4] = e - st[4], e
        y.append(max(st[5], min(st[6], st[0] * e + st[1] * g + st[2] * d >> 8)))
    return None, {0: bytes(words(st)), 2: bytes(words(y))}


@case("viper", lambda: [words(numbers(500, -8000, 8000, 9)), bytearray(2000),
                        words([1200, 2400, 1200, -21000, 9000]), 500])
def biquad(a: Args) -> Expected:
    c, y = unwords(a[2]), []
    x1 = x2 = y1 = y2 = 0
    for v in unwords(a[0]):
        t = w32(c[0] * v + c[1] * x1 + c[2] * x2 - c[3] * y1 - c[4] * y2) >> 14
        x2, x1, y2, y1 = x1, v, y1, t
        y.append(t)
    return None, {1: bytes(words(y))}


_HAY: Final = b"abcabd" * 150 + b"abcabcxabcd"


@case("viper", lambda: [bytearray(_HAY), len(_HAY), bytearray(b"abcabcx"), 7])
def find(a: Args) -> Expected:
    return bytes(a[0]).find(bytes(a[2])), {}


@case("viper", lambda: [2000])
def gpio(a: Args) -> Expected:
    return None, {}


@case("viper", lambda: [words(numbers(200, -2**31, 2**31, 10)), 200])
def popcount(a: Args) -> Expected:
    return sum(bin(v & 0xFFFF_FFFF).count("1") for v in unwords(a[0])), {}


@case("viper", lambda: [bytearray(v & 1 for v in noise(1000, 11)), bytearray(1000), 1000])
def life1d(a: Args) -> Expected:
    s, d = a[0], bytearray(1000)
    for i in range(2, 998):
        around = s[i - 2] + s[i - 1] + s[i + 1] + s[i + 2]
        d[i] = around in ((2, 4) if s[i] else (2, 3))
    return None, {1: bytes(d)}


@case("viper", lambda: [24, 16, 30])
def mandel(a: Args) -> Expected:
    w, h, most = a
    total = 0
    for py in range(h):
        for px in range(w):
            x0, y0 = px * 12288 // w - 8192, py * 8192 // h - 4096
            x = y = turns = 0
            while turns < most:
                xx, yy = x * x >> 12, y * y >> 12
                if xx + yy > 16384:
                    break
                x, y = xx - yy + x0, (x * y >> 11) + y0
                turns += 1
            total += turns
    return total, {}


@case("viper", lambda: [600])
def digsum(a: Args) -> Expected:
    return sum(sum(map(int, str(i))) for i in range(a[0])), {}


# ----------------------------------------------------------------------------------------- drivers


@case("drivers", lambda: [bytearray(640), noise(160, 12), halves(numbers(16, 0, 65536, 13)), 160])
def line4(a: Args) -> Expected:
    palette = [a[2][i : i + 2] for i in range(0, 32, 2)]
    return None, {0: b"".join(palette[c >> 4] + palette[c & 15] for c in a[1])}


@case("drivers", lambda: [bytearray(180), 60, 100, 200, 150])
def hsv(a: Args) -> Expected:
    n, hue, s, v = a[1:]
    out = bytearray()
    for i in range(n):
        sector, f = divmod((hue + i * 1536 // n) % 1536, 256)
        p, q = v * (255 - s) >> 8, v * (255 - (s * f >> 8)) >> 8
        t = v * (255 - (s * (255 - f) >> 8)) >> 8
        r, g, b = [(v, t, p), (q, v, p), (p, v, t), (p, q, v), (t, p, v), (v, p, q)][sector]
        out += bytes((g, r, b))
    return None, {0: bytes(out)}


@case("drivers", lambda: [bytearray(800), halves(numbers(400, -32768, 32768, 14)),
                          halves(numbers(400, -32768, 32768, 15)), 400, 220 << 8 | 150])
def mix16(a: Args) -> Expected:
    x, y = (struct.unpack("<400h", data) for data in a[1:3])
    mixed = [max(-32768, min(32767, p * 220 + q * 150 >> 8)) for p, q in zip(x, y, strict=True)]
    return None, {0: struct.pack("<400h", *mixed)}


def adpcm_steps() -> list[int]:
    """The 89 step sizes: each about 1.1 times the one before, from 7 to 32767."""
    return [min(32767, round(7 * 1.1 ** n)) for n in range(89)]


@case("drivers", lambda: [bytearray(1200), noise(300, 16), 600, halves(adpcm_steps()),
                          words([-123, 10])])
def adpcm(a: Args) -> Expected:
    last, index = unwords(a[4])
    steps, out = adpcm_steps(), []
    for i in range(600):
        c = a[1][i // 2] >> 4 * (i % 2) & 15
        step = steps[index]
        d = (step >> 3) + sum(step >> n for n in range(3) if c >> (2 - n) & 1)
        last = max(-32768, last - d) if c & 8 else min(32767, last + d)
        index = max(0, min(88, index + (-1, -1, -1, -1, 2, 4, 6, 8)[c & 7]))
        out.append(last)
    return None, {0: struct.pack("<600h", *out), 4: bytes(words([last, index]))}


def twiddles(half: int) -> bytearray:
    angles = [-math.pi * k / half for k in range(half)]
    turns = [(round(16384 * math.cos(t)), round(16384 * math.sin(t))) for t in angles]
    return words([part for turn in turns for part in turn])


@case("drivers", lambda: [words(numbers(128, -30000, 30000, 17)),
                          words(numbers(128, -30000, 30000, 18)), twiddles(16), 128, 16])
def fftstage(a: Args) -> Expected:
    re, im, w, n, half = unwords(a[0]), unwords(a[1]), unwords(a[2]), a[3], a[4]
    for i in (base + k for base in range(0, n, 2 * half) for k in range(half)):
        c, s = w[2 * (i % half)], w[2 * (i % half) + 1]
        xr, xi = (re[i + half] * c - im[i + half] * s >> 14,
                  re[i + half] * s + im[i + half] * c >> 14)
        re[i], re[i + half] = re[i] + xr >> 1, re[i] - xr >> 1
        im[i], im[i + half] = im[i] + xi >> 1, im[i] - xi >> 1
    return None, {0: bytes(words(re)), 1: bytes(words(im))}


@case("drivers", lambda: [bytearray(2 * 8 * 100), noise(96, 19), 96, 100, halves([0xF81F, 0x0841])])
def blit(a: Args) -> Expected:
    rows = [[0xF81F if bits >> y & 1 else 0x0841 for bits in a[1]] + [0] * 4 for y in range(8)]
    return None, {0: bytes(halves([colour for line in rows for colour in line]))}


# ------------------------------------------------------------------------------------------ native


class NativeCase(NamedTuple):
    """arguments: expressions; setup: what runs ahead of them; result: what the call gives; after:
    an expression that has that value then; iterated: what kind of object, as
    `codegen_cost.CALLS` has it."""

    name: str
    arguments: str
    result: object
    setup: str = ""
    after: tuple[str, object] = ("None", None)
    iterated: str = "others"


def _fib(n: int) -> int:
    return n if n < 2 else _fib(n - 1) + _fib(n - 2)


def _text_sum(data: bytes) -> int:
    value = 0
    for byte in data:
        value = (value * 31 + byte) & 0xFFFF
    return value


_LIST: Final = numbers(500, -9999, 9999, 20)
_SHORT: Final = numbers(30, -9999, 9999, 21)
_BYTES: Final = bytes(noise(500, 22))
_TEXT: Final = "the quick brown fox jumps over the lazy dog " * 10

NATIVE: Final = {each.name: each for each in (
    NativeCase("fib", "12", _fib(12)),
    NativeCase("sumloop", "1000", sum(range(1000))),
    NativeCase("listsum", f"{_LIST}, 500", sum(_LIST)),
    NativeCase("countdown", "1000", 1000),
    NativeCase("bytesum", repr(_BYTES), _text_sum(_BYTES), iterated="bytes"),
    NativeCase("attrinc", "o, 200", None, "class P: pass\no = P()\no.x = 0\no.y = 0\n",
               ("(o.x, o.y)", (200, sum(range(201))))),
    NativeCase("gcdn", "701408733, 433494437", math.gcd(701408733, 433494437)),
    NativeCase("collatzn", "40", CASES["collatz"].check([40])[0]),
    NativeCase("bubblen", "l, 30", None, f"l = {_SHORT}\n", ("l", sorted(_SHORT))),
    NativeCase("strcount", f"{_TEXT!r}, 'o'", _TEXT.count("o"), iterated="str"),
)}  # fmt: skip
