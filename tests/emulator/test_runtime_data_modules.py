"""struct, uctypes, json, zlib, hashlib, heapq and binascii against the host's, at random."""

from __future__ import annotations

import base64
import binascii
import hashlib
import heapq
import importlib
import json
import random
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from mpy_cross.emulator.runtime.buffers import ByteArray, address_of, buffer_of
from mpy_cross.emulator.runtime.inflate import InflateError, Inflater
from mpy_cross.emulator.runtime.runtime import Runtime
from tests.emulator.recorded_cases import new_runtime, printed


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    made = new_runtime([])
    made.activate()
    return made


def _module(runtime: Runtime, name: str) -> Any:
    runtime.activate()
    place = f"mpy_cross.emulator.runtime.modules.{name}"
    return importlib.import_module(place).build(runtime)


@pytest.mark.parametrize(
    ("names", "first"),
    [
        (("uarray", "array"), "uarray"),
        (("ustruct", "struct"), "ustruct"),
        (("ucollections", "collections"), "ucollections"),
        (("uio", "io"), "uio"),
        (("uheapq", "heapq"), "uheapq"),
        (("ubinascii", "binascii"), "ubinascii"),
        (("uhashlib", "hashlib"), "uhashlib"),
        (("ujson", "json"), "ujson"),
        (("uzlib", "zlib"), "uzlib"),
        (("uctypes",), "uctypes"),
    ],
)
def test_both_names_import_the_module(names: tuple[str, ...], first: str) -> None:
    lines = [f"import {name}\nprint({name}.__name__)" for name in names]
    assert printed("\n".join(lines)) == f"{first}\n" * len(names)


def _format(rng: random.Random) -> tuple[str, list[Any]]:
    letters = [rng.choice(["<", ">", "!"])]
    values: list[Any] = []
    for _ in range(rng.randrange(1, 8)):
        letter = rng.choice("bBhHiIlLqQfds")
        count = rng.choice([None, None, 1, 2, 3])
        letters.append(f"{count or ''}{letter}")
        if letter == "s":
            values.append(rng.randbytes(count or 1))
            continue
        for _ in range(count or 1):
            if letter in "fd":
                values.append(rng.choice([0.0, 1.5, -2.25, 1024.0]))
            else:
                bits = struct.calcsize("<" + letter) * 8
                low = -(1 << bits - 1) if letter.islower() else 0
                values.append(rng.randrange(low, low + (1 << bits)))
    return "".join(letters), values


def test_struct_against_the_host(runtime: Runtime) -> None:
    rng = random.Random(5)
    module = _module(runtime, "struct")
    for _ in range(800):
        text, values = _format(rng)
        data = struct.pack(text, *values)
        assert module.pack(text, *values) == data, text
        assert module.calcsize(text) == len(data)
        assert module.unpack(text, data) == tuple(values)
        padded = b"xy" + data + b"z"
        assert module.unpack_from(text, padded, 2) == tuple(values)
        room = ByteArray(len(padded))
        module.pack_into(text, room, 2, *values)
        assert bytes(buffer_of(room)) == b"\0\0" + data + b"\0"


def test_struct_aligns_as_a_32_bit_machine(runtime: Runtime) -> None:
    module = _module(runtime, "struct")
    sizes = {"bh": 4, "bi": 8, "bl": 8, "bq": 16, "bP": 8, "bd": 16, "bf": 8, "bO": 8, "bs": 2}
    assert {text: module.calcsize(text) for text in sizes} == sizes


@pytest.mark.spec("G67", "G68")
def test_uctypes_scalars_and_bit_fields_in_memory(runtime: Runtime) -> None:
    rng = random.Random(6)
    module = _module(runtime, "uctypes")
    kinds = {"UINT8": "B", "INT8": "b", "UINT16": "H", "INT16": "h", "UINT32": "I", "INT32": "i"}
    kinds |= {"UINT64": "Q", "INT64": "q"}
    memory = ByteArray(64)
    address = address_of(memory)
    for _ in range(400):
        name, letter = rng.choice(list(kinds.items()))
        layout, order = rng.choice([(module.LITTLE_ENDIAN, "<"), (module.BIG_ENDIAN, ">")])
        offset = rng.randrange(50)
        content = rng.randbytes(64)
        memory[0:64] = content
        view = module.struct(address, {"f": getattr(module, name) | offset}, layout)
        assert view.f == struct.unpack_from(order + letter, content, offset)[0]
        value = struct.unpack(order + letter, rng.randbytes(struct.calcsize(letter)))[0]
        view.f = value
        expected = bytearray(content)
        struct.pack_into(order + letter, expected, offset, value)
        assert bytes(buffer_of(memory)) == bytes(expected)
        width = rng.choice([8, 16, 32])
        shift = rng.randrange(width)
        length = rng.randrange(1, min(width - shift, 31) + 1)
        field = getattr(module, f"BFUINT{width}") | offset
        field |= shift << module.BF_POS | length << module.BF_LEN
        whole = int.from_bytes(expected[offset : offset + width // 8],
                               "little" if order == "<" else "big")
        bits = module.struct(address, {"b": field}, layout)
        assert bits.b == whole >> shift & ((1 << length) - 1)
        bits.b = 5
        mask = (1 << length) - 1
        assert bits.b == 5 & mask
        left = int.from_bytes(bytes(buffer_of(memory))[offset : offset + width // 8],
                              "little" if order == "<" else "big")
        assert left == whole & ~(mask << shift) | (5 & mask) << shift


@pytest.mark.spec("G67")
def test_uctypes_pointers_of_32_bits() -> None:
    source = """
import uctypes, struct
target = bytearray(b"abcdefgh")
place = bytearray(struct.pack("<I", uctypes.addressof(target)))
S = uctypes.struct(uctypes.addressof(place), {
    "p": (uctypes.PTR | 0, uctypes.UINT16),
    "s": (uctypes.PTR | 0, {"x": uctypes.UINT8 | 1}),
}, uctypes.LITTLE_ENDIAN)
print(int(S.p) == uctypes.addressof(target), hex(S.p[1]), S.s[0].x, S.s[1].x)
print(uctypes.sizeof(S.p), uctypes.sizeof({"p": (uctypes.PTR | 4, uctypes.UINT8)}))
target[2] = 0x31
print(hex(S.p[1]), hex(struct.unpack("<P", place)[0]) == hex(uctypes.addressof(target)))
"""
    assert printed(source) == "True 0x6463 98 100\n4 8\n0x6431 True\n"


def _json_value(rng: random.Random, depth: int) -> Any:
    kind = rng.randrange(8 if depth else 6)
    if kind < 6:
        text = "".join(rng.choice("ab\"\\\n\x01é€ /") for _ in range(rng.randrange(6)))
        return [None, True, False, rng.randrange(-(1 << 40), 1 << 40), rng.randrange(99) / 4, text][
            kind
        ]
    items = [_json_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return items if kind == 6 else {f"k{place}": item for place, item in enumerate(items)}


@pytest.mark.spec("G14")
def test_json_against_the_host(runtime: Runtime) -> None:
    rng = random.Random(7)
    module = _module(runtime, "json")
    for _ in range(600):
        value = _json_value(rng, 3)
        for ascii_only in (True, False):
            text = json.dumps(value, ensure_ascii=ascii_only, indent=rng.choice([None, 1]))
            assert module.loads(text) == value
        assert module.dumps(value) == json.dumps(value, ensure_ascii=False)


def _source(data: bytes, taken: list[int]) -> Iterator[int]:
    for place, byte in enumerate(data):
        taken[0] = place + 1
        yield byte


@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_inflate_against_the_host(level: int) -> None:
    rng = random.Random(level)
    for size in (0, 1, 10, 1000, 40_000, 150_000):
        words = [rng.randbytes(rng.randrange(1, 30)) for _ in range(40)]
        plain = b"".join(rng.choice(words) for _ in range(size // 15))[:size] + rng.randbytes(9)
        for bits in (15, -15, 31):
            pack = zlib.compressobj(level, zlib.DEFLATED, bits)
            data = pack.compress(plain) + pack.flush()
            taken = [0]
            inflater = Inflater(_source(data + b"more", taken).__next__, 1 << 15)
            if bits == 15:
                inflater.zlib_header()
            elif bits == 31:
                inflater.gzip_header()
            out = bytearray()
            while piece := inflater.take(7001):
                out += piece
            assert bytes(out) == plain
            assert taken[0] == len(data), "not a byte more than the stream has"


def test_damaged_streams_are_errors_and_nothing_worse() -> None:
    rng = random.Random(1)
    data = zlib.compress(b"some text, some text, and other text" * 5)
    refused = 0
    for _ in range(1500):
        damaged = bytearray(data)
        damaged[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        inflater = Inflater(iter(damaged).__next__, 1 << 15)
        try:
            inflater.zlib_header()
            inflater.take(10_000)
        except (InflateError, StopIteration, RuntimeError):
            refused += 1
    assert refused > 1400


@pytest.mark.spec("G35")
def test_zlib_module() -> None:
    packed = zlib.compress(b"hello hello hello")
    source = f"""
import zlib, io
print(zlib.decompress({packed!r}), zlib.decompress({packed[2:-4]!r}, -15))
for data in (b"abc", {packed[:-1] + b"x"!r}, {packed[:9]!r}):
    try:
        zlib.decompress(data)
    except ValueError as error:
        print(error.args)
stream = zlib.DecompIO(io.BytesIO({packed!r}))
print(stream.read(5), stream.readline(3), stream.read(), stream.read())
try:
    zlib.DecompIO(io.BytesIO(b"xxxx"))
except ValueError as error:
    print(error)
try:
    zlib.DecompIO(io.BytesIO({packed[:9]!r})).read()
except EOFError:
    print("end")
print(zlib.DecompressIO is zlib.DecompIO)
"""
    assert printed(source) == (
        "bytearray(b'hello hello hello') bytearray(b'hello hello hello')\n"
        "(-3,)\n(-4,)\n(-3,)\n"
        "b'hello' b' he' b'llo hello' b''\ncompression header\nend\nTrue\n"
    )


@pytest.mark.spec("G09", "G11", "G02")
def test_hashes_heaps_and_base64_against_the_host(runtime: Runtime) -> None:
    rng = random.Random(8)
    hashes, heap, text = (_module(runtime, name) for name in ("hashlib", "heapq", "binascii"))
    for _ in range(200):
        data = rng.randbytes(rng.randrange(70))
        for name in ("sha256", "sha1", "md5"):
            one = getattr(hashes, name)(data[:5])
            one.update(data[5:])
            assert one.digest() == hashlib.new(name, data).digest()
            with pytest.raises(ValueError, match="hash is final"):
                one.update(b"")
        assert text.hexlify(data) == binascii.hexlify(data)
        assert text.unhexlify(data.hex()) == data
        assert text.b2a_base64(data) == base64.b64encode(data) + b"\n"
        assert text.a2b_base64(text.b2a_base64(data)) == data
        assert text.crc32(data) == zlib.crc32(data)
        items = [rng.randrange(50) for _ in range(rng.randrange(40))]
        own, host = list(items), list(items)
        heap.heapify(own)
        heapq.heapify(host)
        assert own == host
        heap.heappush(own, 25)
        assert [heap.heappop(own) for _ in range(len(own))] == sorted([*items, 25])
        with pytest.raises(IndexError, match="empty heap"):
            heap.heappop(own)


def test_streams_of_the_program_that_do_not_block() -> None:
    source = """
import io
class Slow(io.IOBase):
    def __init__(self, parts):
        self.parts = parts
    def readinto(self, buf):
        part = self.parts.pop(0) if self.parts else b""
        if part is None:
            return None
        buf[:len(part)] = part
        return len(part)
    def write(self, buf):
        return None
    def ioctl(self, request, arg):
        return -5
s = io.BufferedWriter(Slow([]), 2)
print(s.write(b"a"), s.write(b"bc"))
try:
    s.flush()
except OSError as error:
    print(error.args)
import json
print(json.load(Slow([b"[", b"1", b"]"])))
try:
    json.load(Slow([b"[", None]))
except OSError as error:
    print(error.args)
"""
    assert printed(source) == "1 None\n(11,)\n[1]\n(11,)\n"


def test_program_classes_from_the_types_of_the_modules() -> None:
    source = """
import io, collections
class Log(io.StringIO):
    def line(self, text):
        self.write(text + "\\n")
log = Log()
log.line("a")
print(repr(log.getvalue()), isinstance(log, io.StringIO))
class Default(collections.OrderedDict):
    def get2(self, key):
        return self.get(key, 2)
d = Default([("a", 1)])
print(d, d.get2("b"), d["a"])
class Keeper:
    def _show(self, printer):
        return "not this"
print("not this" in repr(Keeper()))
"""
    assert printed(source) == (
        "'a\\n' True\nDefault({'a': 1}) 2 1\nFalse\n"
    )
