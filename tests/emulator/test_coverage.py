"""Coverage and profile without firmware: structures in memory, lines, the report, the data file."""

from __future__ import annotations

import ast
import random
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import mpy_cross
from mpy_cross.assembler.thumb import TABLE
from mpy_cross.emulator.bus import Bus
from mpy_cross.emulator.cores.models import model
from mpy_cross.emulator.firmware.image import Image, Symbol
from mpy_cross.emulator.observe.data_file import Inference, save
from mpy_cross.emulator.observe.files import Files, Sender, ranges
from mpy_cross.emulator.observe.functions import Function, FunctionReader
from mpy_cross.emulator.observe.machine_code import byte_read, returns
from mpy_cross.emulator.observe.qstrs import FORMS, Form, Qstrs
from mpy_cross.emulator.observe.words import ObserveError, Words
from mpy_cross.loader.codec import read
from mpy_cross.loader.decode import function_info, instructions
from mpy_cross.loader.mpyfile import MpyFile, RawCode
from mpy_cross.loader.opcodes import OPERANDS, Operand
from mpy_cross.loader.prelude import decode_prelude
from mpy_cross.loader.release import RELEASES
from mpy_cross.loader.static_qstrs import STATIC_QSTRS
from tests.emulator.firmware_files import firmware

pytest_plugins = ["pytester"]

RAM = 0x2000_0000
PROGRAM = """\
x = 1


class Animal:
    legs = 4

    def name(self, *, long=False):
        if long:
            return "a long name"
        return [c for c in "name" if c != "m"]


def outer(a, b):
    def inner(c):
        return a + c
    while a < b:
        a += 1
    try:
        return inner(a), lambda: b
    finally:
        print("out")


def loop(n):
    for i in range(n):
        print(i)
    for j in [1, 2]:
        yield j
"""


class Guest:
    """Memory in which a firmware has laid out strings and functions."""

    def __init__(self, form: Form, seed: int = 1) -> None:
        self.bus = Bus()
        self.bus.memory("RAM", RAM, 1 << 16)
        self._at = RAM
        self._random = random.Random(seed)
        self._form = form
        self._numbers = {text: number for number, text in enumerate(STATIC_QSTRS, 1)}
        self._last = 0
        self._pool([b"", *STATIC_QSTRS])
        self.const_pool = self._pool([b"of the firmware"])
        self.state = self.put(b"")

    def put(self, data: bytes, room: int = 0) -> int:
        """Somewhere in memory, with other things behind it."""
        address = self._at
        rest = bytes(self._random.choices(range(256), k=room + -len(data) % 4))
        self.bus.load(address, data + rest)
        self._at += len(data) + len(rest)
        return address

    def words(self, *values: int) -> int:
        return self.put(struct.pack(f"<{len(values)}I", *values))

    def _pool(self, texts: Sequence[bytes]) -> int:
        form = self._form
        first = 0
        if self._last:
            view = self.bus.view(self._last, 16)
            _, before, _, length = struct.unpack("<4I", view)
            first = (before & 0x7FFF_FFFF) + length
        lengths = [len(text).to_bytes(form.length_bytes, "little") for text in texts]
        if form.arrays:
            strings = [self.put(text + b"\0") for text in texts]
            arrays = [self.put(bytes(2 * len(texts)))] * (form.arrays - 1)
            arrays.append(self.put(b"".join(lengths)))
            first |= 1 << 31  # sorted
        else:
            strings = [self.put(b"\x5a" * form.hash_bytes + length + text + b"\0")
                       for length, text in zip(lengths, texts, strict=True)]
            arrays = []
        for number, text in enumerate(texts, first & 0x7FFF_FFFF):
            self._numbers.setdefault(text, number)
        self._last = self.words(self._last, first, len(texts) + 3, len(texts), *arrays, *strings)
        return self._last

    def names(self, texts: Sequence[bytes]) -> list[int]:
        """Numbers of strings; new ones go into a pool of their own."""
        new = [text for text in dict.fromkeys(texts) if text not in self._numbers]
        if new:
            self._pool(new)
        return [self._numbers[text] for text in texts]

    def image(self, version: tuple[int, int, int], mpy: int) -> Image:
        # The newest pool is found among other words.
        state = self.words(7, self.const_pool, 0, RAM + 4, self._last, 0xFFFF_FFFF)
        segment = firmware(version=version, mpy=mpy, split=version > (1, 20, 0))
        return Image("ELF", (segment,), None, (
            Symbol("mp_qstr_const_pool", self.const_pool, 64, False),
            Symbol("mp_state_ctx", state, 24, False)))


def lay(guest: Guest, mpy: MpyFile, proto: bool) -> int:
    """Puts a file's code into memory as a loader does; the function object of the module."""
    numbers = guest.names(mpy.qstrs)
    old = mpy.release.mpy_version == 5
    table = guest.put(struct.pack(f"<{len(numbers)}H", *numbers))
    context = guest.words(0, 0, table, 0)

    def code(raw: RawCode) -> tuple[int, int]:
        """Addresses of bytecode and of the table of children."""
        data = bytearray(raw.code)
        prelude = decode_prelude(raw.code)
        if old:
            places = [prelude.info_start, prelude.info_start + 2]
            places += [step[0] + 1 for step in instructions(mpy, raw.code, prelude.code_start)
                       if OPERANDS[step[1]] == Operand.QSTR]
            for at in places:
                struct.pack_into("<H", data, at, numbers[data[at] | data[at + 1] << 8])
        address = guest.put(bytes(data), room=20)
        children = [made(child) for child in raw.children]
        before = [0] * (len(raw.arg_names) + len(raw.constants)) if old else []
        return address, guest.words(*before, *children) if children or before else 0

    def made(raw: RawCode) -> int:
        address, children = code(raw)
        if proto and not raw.children:
            return address
        return guest.words(2 << 16 if proto else 2 | 5 << 3, address, children)

    address, children = code(mpy.root)
    if old:
        return guest.words(0, 0, address, children)
    return guest.words(0, context, children, address)


LAYOUTS = {
    "1.17": (Form(0, 2, 1), (1, 17, 0), 7685, "1.17", False),
    "1.22": (Form(2, 0, 1), (1, 22, 0), 7686, "1.22", False),
    "1.28": (Form(2, 0, 1), (1, 28, 0), 7942, "1.28", True),
    "1.28 without hashes": (Form(1, 0, 2), (1, 28, 0), 7942, "1.28", True),
}


def in_memory(layout: str, source: str) -> tuple[Function, MpyFile]:
    form, version, word, release, proto = LAYOUTS[layout]
    mpy = read(mpy_cross.compile(source.encode(), "dir/prog.py", release=RELEASES[release]))
    guest = Guest(form)
    address = lay(guest, mpy, proto)
    found = FunctionReader(Words(guest.bus), guest.image(version, word)).read(address)
    assert found is not None
    return found, mpy


@pytest.mark.parametrize("layout", LAYOUTS)
def test_functions_in_memory(layout: str) -> None:
    """Names, places, lines and ends of functions are those of the file that was loaded."""
    found, mpy = in_memory(layout, PROGRAM)
    functions = found.family()
    raws = [mpy.root]
    for raw in raws:
        raws += raw.children
    assert len(functions) == len(raws) == 8
    for function, raw in zip(functions, raws, strict=True):
        info = function_info(mpy, raw)
        assert info is not None
        assert function.file == "dir/prog.py"
        assert function.name.encode() == mpy.qstrs[info.name]
        steps = instructions(mpy, raw.code, info.prelude.code_start)
        # Code that nothing reaches may be cut off at the end.
        assert function.offsets == [step[0] for step in steps][: len(function.offsets)]
        assert len(steps) - len(function.offsets) <= 3
        lines = {line for offset, line in info.lines
                 if info.prelude.code_start + offset in function.offsets}
        assert lines <= function.hits.lines
    assert {(each.name, each.line) for each in functions} == {
        ("<module>", 1), ("Animal", 4), ("name", 7), ("<listcomp>", 10), ("outer", 13),
        ("inner", 14), ("<lambda>", 19), ("loop", 24)}
    assert found.hits.lines == {1, 4, 13, 24}
    assert functions[1].hits.lines == {4, 5, 7}


@pytest.mark.parametrize("form", FORMS)
def test_strings(form: Form) -> None:
    """All forms of pools are told apart by themselves."""
    guest = Guest(form)
    numbers = guest.names([b"a", b"", b"\xc3\xa9" * 50])
    numbers += guest.names([b"later"])
    qstrs = Qstrs(Words(guest.bus), guest.image((1, 28, 0), 7942))
    assert qstrs.form == form
    assert [qstrs.text(number) for number in numbers] == ["a", "", "\xe9" * 50, "later"]
    assert qstrs.text(1 + STATIC_QSTRS.index(b"append")) == "append"
    assert qstrs.text(len(STATIC_QSTRS) + 1) == "of the firmware"
    assert qstrs.text(5000) == "?"


def test_strings_of_something_else() -> None:
    guest = Guest(Form(2, 0, 1))
    image = guest.image((1, 28, 0), 7942)
    bare = Image("ELF", image.segments, None, image.symbols[:1])
    with pytest.raises(ObserveError, match="the image has no symbol mp_state_ctx"):
        Qstrs(Words(guest.bus), bare)
    guest.bus.view(RAM, 1500)[:] = bytes(1500)
    with pytest.raises(ObserveError, match="unknown form; the image may not be the one"):
        Qstrs(Words(guest.bus), image)


def test_not_functions() -> None:
    """Random words are no functions, and no error of the host."""
    guest = Guest(Form(2, 0, 1))
    rng = random.Random(5)
    base = guest.words(*(rng.choice((0, 7, RAM + 4 * rng.randrange(4000))) for _ in range(2000)))
    reader = FunctionReader(Words(guest.bus), guest.image((1, 28, 0), 7942))
    for at in range(0, 7900, 4):
        found = reader.read(base + at)
        assert found is None or found.offsets


# ----------------------------------------------------------------------------------- machine code


def test_byte_loads() -> None:
    """The loads found are those that the assembler's table has, with the same operands."""
    features = model("cortex-m4f").features
    rng = random.Random(2)
    wide = [0xF810_0000 | rng.getrandbits(20) for _ in range(20_000)]
    wide += [0xF890_0000 | rng.getrandbits(20) for _ in range(5_000)]
    wide += [rng.randrange(0xE800_0000, 1 << 32) for _ in range(20_000)]
    narrow = [first << 16 for first in range(0xE800)]
    found = 0
    for word in narrow + wide:
        first, second = word >> 16, word & 0xFFFF
        decoded = TABLE.decode(struct.pack("<2H", first, second), 0, 0x1000, features)
        expected = None
        mnemonic = "" if decoded is None else decoded.row.mnemonic
        if decoded is not None and mnemonic.partition(".")[0] == "ldrb":
            row = decoded.row
            names = {operand.name: value
                     for operand, value in zip(row.operands, decoded.operands, strict=True)}
            offset = 0 if "post" in row.name else names.get("i", 0)
            offset = 0 if offset == -(1 << 31) else offset  # "#-0"
            shifted = "m" in names and offset
            if "n" in names and not shifted and names["n"] != 15:
                expected = names["n"], names.get("m", -1), offset
        taken = byte_read(first, second)
        if expected is not None:
            assert taken == expected, (hex(word), decoded)
            found += 1
        else:
            assert taken is None or mnemonic in ("", "pld", "pld.w", "ldrbt"), hex(word)
    assert found > 10_000


@pytest.mark.parametrize(("first", "second", "leaves"), [
    (0xBDF0, 0, True), (0xBCF0, 0, False), (0xE8BD, 0x8FF0, True), (0xE8BD, 0x4FF0, False),
    (0x4770, 0, True), (0x4718, 0, False), (0xF85D, 0xFB04, True), (0xF85D, 0x3B04, False),
])
def test_returns(first: int, second: int, leaves: bool) -> None:
    assert returns(first, second) == leaves


# ----------------------------------------------------------------------------------- lines


@pytest.mark.parametrize("layout", LAYOUTS)
def test_lines_of_loops(layout: str) -> None:
    """The head of a loop counts for each round, whatever line its condition stands under."""
    found, _ = in_memory(layout, PROGRAM)
    outer, loop = (next(each for each in found.family() if each.name == name)
                   for name in ("outer", "loop"))
    head = next(part for part in outer.hits.parts if part.line == 16 and part.without >= 0)
    body = next(part for part in outer.hits.parts if part.line == 17)
    assert outer.hits.line_at(head.offset) == 16 and outer.hits.line_at(head.offset - 1) == 17
    # Three rounds: the condition four times, the jump to it once.
    runs = {head.offset: 4, head.without: 1, body.offset: 3}
    hits = outer.hits.count(lambda offset: runs.get(offset, 0))
    assert (hits[16], hits[17], hits[18]) == (4, 3, 0)
    assert loop.hits.lines == {25, 26, 27, 28}
    assert sum(part.without >= 0 for part in loop.hits.parts) == 2


def test_ranges() -> None:
    assert ranges([3, 7, 9, 12], [1, 3, 5, 7, 9, 12, 13]) == "3, 7-12"
    assert ranges([], [1, 2]) == ""
    assert ranges([1, 2, 4], [1, 2, 3, 4]) == "1-2, 4"


def test_names_of_files() -> None:
    def named(source: str) -> str:
        found, _ = in_memory("1.17", source)
        found.file = "<stdin>"
        files.name(found)
        return found.file

    sender = Sender()
    files = Files(sender)
    assert [named(text) for text in ("a = 1", "b(2)", "a = 1")] == [
        "<stdin>", "<stdin 2>", "<stdin>"]
    sender.file = "app.py"
    assert named("a = 1") == "app.py"
    known = ["main.py", "/lib/x.py", "lib/y.py", "z/x.py"]
    assert Files.find("main.py", known) == Files.find("/main.py", known) == "main.py"
    assert Files.find("y.py", known) == "lib/y.py"
    with pytest.raises(LookupError, match=r"'x.py' may be /lib/x.py or z/x.py"):
        Files.find("x.py", known)
    with pytest.raises(LookupError, match=r"no code of 'w.py' was executed; there is /lib/x.py"):
        Files.find("w.py", known)
    assert sorted(["main.py", "<stdin 10>", "<stdin 2>", "<stdin>"], key=Files.order) == [
        "<stdin>", "<stdin 2>", "<stdin 10>", "main.py"]


# ----------------------------------------------------------------------------------- coverage.py

INFERRED = """\
'''A docstring.'''
import a
while True:
    if a:
        break
def f():
    '''Another.'''
    global x
    x = 1
@a
def g():
    pass
try:
    f()
except OSError:
    g()
except ValueError:
    x = 2
if x:
    pass
class C:
    '''A class.'''
    y = 1
"""


def test_lines_without_code() -> None:
    """Lines that coverage.py expects are passed if what is beside them was."""
    hits = {2: 1, 4: 3, 5: 1, 6: 1, 9: 1, 10: 1, 13: 1, 14: 1, 16: 1, 18: 0, 19: 1, 21: 1, 23: 1}
    ran = {line for line, count in hits.items() if count}
    Inference(hits).module(ast.parse(INFERRED), ran)
    assert sorted(ran) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 19, 21, 22, 23]
    ran = set()
    Inference(dict.fromkeys(hits, 0)).module(ast.parse(INFERRED), ran)
    assert ran == set()


def test_data_file(tmp_path: Path) -> None:
    """coverage.py reads what was written, and makes its report of it."""
    pytest.importorskip("coverage")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("x = 1\nif x:\n    x = 2\nelse:\n    x = 3\n")
    files = {"app.py": {1: 1, 2: 1, 3: 1, 5: 0}, "/lib/gone.py": {1: 1}}
    path = tmp_path / "cov.data"
    assert save(path, files, tmp_path / "src") == [tmp_path / "src" / "app.py"]
    assert save(path, files, {"app.py": tmp_path / "src" / "app.py"}), "a second time adds"
    done = subprocess.run(
        [sys.executable, "-m", "coverage", "report", "-m", f"--data-file={path}"],
        capture_output=True, text=True, cwd=tmp_path, check=False)
    row = next(line for line in done.stdout.splitlines() if "app.py" in line)
    assert row.split()[1:] == ["4", "1", "75%", "5"], done


def test_bad_data_file(tmp_path: Path) -> None:
    pytest.importorskip("coverage")
    path = tmp_path / "cov.data"
    path.write_text("no database")
    with pytest.raises(ObserveError, match=r"cov\.data"):
        save(path, {}, ".")


# ----------------------------------------------------------------------------------- in tests


def test_other_boards(pytester: pytest.Pytester) -> None:
    """The hosted board says that it is for firmware."""
    pytester.makepyfile("""
        import pytest
        from mpy_cross.emulator.observe.words import ObserveError

        def test_it(board):
            with pytest.raises(ObserveError, match="counted on boards with stock firmware: "):
                with board.coverage():
                    pass
            with pytest.raises(ObserveError, match='firmware="firmware.elf"'):
                with board.profile():
                    pass
    """)
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=1)
