"""Reading and writing .mpy files are inverses, and no file can do harm."""

from __future__ import annotations

import struct
import time

import pytest
from hypothesis import given, settings

from mpy_cross.loader import release
from mpy_cross.loader.codec import MpyError, read, read_annotated, write
from mpy_cross.loader.diff import first_difference
from mpy_cross.loader.dump import dump_file
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, RawCode
from mpy_cross.loader.objects import ConstValue, Str
from mpy_cross.loader.prelude import encode_signature, encode_sizes
from mpy_cross.loader.static_qstrs import STATIC_NUMBERS, STATIC_QSTRS
from mpy_cross.loader.varint import encode_uint
from tests.loader.samples import (
    CACHED_1_17,
    RECORDED,
    SAMPLE_1_17,
    SAMPLE_1_29,
    all_samples,
    dynamic_native,
)
from tests.loader.values import files5, files6


def plain(value: ConstValue) -> object:
    """A constant for comparison: types and bits count."""
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    if isinstance(value, bool) or value is None or value is ...:
        return value
    if isinstance(value, float):
        return ("float", struct.pack("<d", value))
    if isinstance(value, complex):
        return ("complex", struct.pack("<dd", value.real, value.imag))
    return (type(value).__name__, value)


def code_facts(mpy: MpyFile, raw: RawCode, code: bytes) -> tuple[object, ...]:
    return (
        raw.kind, code, [mpy.qstrs[i] for i in raw.arg_names], len(raw.children),
        raw.prelude_offset, raw.scope_flags, raw.n_pos_args, raw.type_sig, raw.rodata,
        raw.bss_size, raw.relocations, [(link, mpy.qstrs[i]) for link, i in raw.qstr_links],
    )  # fmt: skip


def all_code(mpy: MpyFile) -> list[RawCode]:
    found = []
    todo = [mpy.root]
    while todo:
        raw = todo.pop()
        found.append(raw)
        todo.extend(raw.children)
    return found


@pytest.mark.spec("A20")
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_files_are_reproduced(name: str) -> None:
    version, data = RECORDED[name]
    assert write(read(data, release.get(version))) == data
    assert write(read(data)) == data


@pytest.mark.parametrize("name", ["1.12", "1.17", "1.19", "1.20", "1.22", "1.26", "1.27", "1.29"])
def test_machine_code_with_data_and_relocations(name: str) -> None:
    mpy = dynamic_native(name)
    data = write(mpy)
    back = read(data, mpy.release)
    assert write(back) == data
    assert back.root.rodata == b"read only"
    assert back.root.bss_size == 12
    assert back.root.relocations == mpy.root.relocations
    assert (back.arch, back.arch_flags) == (mpy.arch, mpy.arch_flags)


@settings(max_examples=150, deadline=None)
@given(files6())
def test_version_6_round_trip(mpy: MpyFile) -> None:
    data = write(mpy)
    back = read(data, mpy.release)
    assert write(back) == data
    assert back.qstrs == mpy.qstrs
    # A file of 1.19 to 1.25 prints 16 digits only, so floats may come back a little different.
    if mpy.release.version == "1.29":
        assert [plain(v) for v in back.objects] == [plain(v) for v in mpy.objects]
    assert (back.arch, back.arch_flags, back.small_int_bits) == (
        mpy.arch,
        mpy.arch_flags,
        mpy.small_int_bits,
    )
    for ours, theirs in zip(all_code(mpy), all_code(back), strict=True):
        assert code_facts(mpy, ours, ours.code) == code_facts(back, theirs, theirs.code)


@settings(max_examples=150, deadline=None)
@given(files5())
def test_version_5_round_trip(mpy: MpyFile) -> None:
    data = write(mpy)
    back = read(data, mpy.release)
    assert write(back) == data
    assert (back.unicode, back.cache_lookup_bc, back.arch, back.qstr_window) == (
        mpy.unicode,
        mpy.cache_lookup_bc,
        mpy.arch,
        mpy.qstr_window,
    )
    for ours, theirs in zip(all_code(mpy), all_code(back), strict=True):
        # Names are renumbered by first use, so only the length of bytecode is compared here.
        bytecode = ours.kind == CodeKind.BYTECODE
        assert len(ours.code) == len(theirs.code)
        facts = code_facts(back, theirs, b"" if bytecode else theirs.code)
        assert code_facts(mpy, ours, b"" if bytecode else ours.code) == facts


@pytest.mark.spec("A05", "A12", "A19", "A21")
def test_header_of_version_5() -> None:
    assert SAMPLE_1_17[:5] == bytes((0x4D, 5, 2, 31, 32))
    mpy = read(SAMPLE_1_17)
    assert (mpy.unicode, mpy.cache_lookup_bc, mpy.small_int_bits, mpy.qstr_window) == (
        True, False, 31, 32,
    )  # fmt: skip
    assert read(CACHED_1_17).cache_lookup_bc
    mpy.unicode = False
    assert write(mpy)[2] == 0


@pytest.mark.spec("A04")
@pytest.mark.parametrize(("arch", "number"), [("x86", 1), ("armv7m", 5), ("xtensawin", 10)])
def test_architecture_in_the_header(arch: str, number: int) -> None:
    for name in ("1.17", "1.29"):
        known = release.get(name)
        assert known.archs.index(arch) == number
        mpy = dynamic_native(name)
        mpy.arch = number
        mpy.arch_flags = 0
        expected = number << 2 | (2 if name == "1.17" else known.mpy_sub_version)
        assert write(mpy)[2] == expected


@pytest.mark.spec("A20")
def test_raw_code_element_by_hand() -> None:
    """A module built from the manual's table, field by field."""
    info = b"\0\0\1\0\0"  # name, source file, end of the line table
    code = encode_signature(1, 0, 0, 0, 0, 0) + encode_sizes(len(info), 0) + info + b"\x51\x63"
    child = RawCode(CodeKind.BYTECODE, code)
    root = RawCode(CodeKind.BYTECODE, code, constants=[Str(b"hi"), 1 << 70], children=[child])
    known = release.get("1.17")
    data = write(MpyFile(release=known, qstrs=[b"<module>", b"a.py"], objects=[], root=root))
    kind_and_size = encode_uint(len(code) << 2)
    names_first = bytes((0, STATIC_NUMBERS[b"<module>"])) + b"\x08a.py"
    names_again = bytes((0, STATIC_NUMBERS[b"<module>"])) + b"\x01"
    assert data[5:] == (
        kind_and_size + code[:2] + names_first + code[6:]
        + b"\x02\x01" + b"s\x02hi" + b"i\x161180591620717411303424"
        + kind_and_size + code[:2] + names_again + code[6:] + b"\x00\x00"
    )  # fmt: skip


def test_static_names_are_not_spelt_out() -> None:
    assert STATIC_NUMBERS[b""] == 1
    assert STATIC_QSTRS[-1] == b"zip"
    assert STATIC_NUMBERS[b"zip"] == 165
    root = RawCode(CodeKind.BYTECODE, b"")
    known = release.get("1.29")
    mpy = MpyFile(release=known, qstrs=[b"zip", b"zap"], objects=[], root=root)
    assert write(mpy)[4:] == b"\x02\x00" + encode_uint(165 << 1 | 1) + b"\x06zap\0" + b"\x00"


def test_window_forgets_the_oldest_name() -> None:
    known = release.get("1.17")
    names = [b"name%d" % i for i in range(40)]
    order = [*range(33), 0, 5, 32, 5]  # 0 has fallen out when it comes again; 5 has not

    def index(number: int) -> bytes:
        return number.to_bytes(2, "little")

    info = index(0) + index(0) + b"\0"
    prelude = encode_signature(1, 0, 0, 0, 0, 0) + encode_sizes(len(info), 0) + info
    code = prelude + b"".join(b"\x11" + index(i) for i in order[1:]) + b"\x63"
    mpy = MpyFile(release=known, qstrs=names, objects=[], root=RawCode(CodeKind.BYTECODE, code))
    data = write(mpy)
    assert data.count(b"name0") == 2
    assert data.count(b"name5") == 1
    assert write(read(data)) == data
    tail = data[data.rindex(b"name0") + 5 :]
    window = [0, *range(32, 1, -1)]  # most recent first, when name 0 has come again
    depths = []
    for i in (5, 32, 5):
        depths.append(window.index(i))
        window.remove(i)
        window.insert(0, i)
    assert depths == [28, 2, 1]
    assert (
        tail == bytes(byte for depth in depths for byte in (0x11, depth << 1 | 1)) + b"\x63\x00\x00"
    )


# --------------------------------------------------------------------------------------- bad files


@pytest.mark.parametrize("sample", all_samples(), ids=lambda data: f"{len(data)} bytes")
def test_every_truncation_is_an_error(sample: bytes) -> None:
    for length in range(len(sample)):
        with pytest.raises(MpyError) as caught:
            read(sample[:length])
        assert caught.value.offset <= length
    with pytest.raises(MpyError, match="1 bytes too many"):
        read(sample + b"\0")


@pytest.mark.parametrize("sample", all_samples(), ids=lambda data: f"{len(data)} bytes")
def test_spans_cover_the_file(sample: bytes) -> None:
    _, spans = read_annotated(sample)
    pos = 0
    for span in spans:
        assert span.start == pos, span
        assert span.end > pos, span
        pos = span.end
    assert pos == len(sample)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "offset 0x0: magic: the file is empty"),
        (b"\x7fELF", "offset 0x0: magic: 0x7f instead of 'M' (0x4d)"),
        (b"M", "offset 0x1: version: the file ends here"),
        (b"M\x07", "offset 0x1: version: .mpy version 7 is not known; 5 and 6 are"),
        (
            b"M\x06\x00\x1f\x04\x00\x90\x00abcdefghijkl",
            "offset 0x6: qstr 0 length: 1024 bytes wanted, 12 left",
        ),
        (
            b"M\x06\x00\x1f\xff\xff\xff\xff\x7f\x00",
            "offset 0x4: number of qstrs: 34359738367 entries wanted, 1 bytes left",
        ),
        (b"M\x06\x00\x1f\x01\x00\x01", "offset 0x6: qstr 0: there is no static qstr 0"),
        (
            b"M\x05\x02\x1f\x20\x28\x00\x0a\x03",
            "offset 0x8: module, name: name 1 of the window wanted, it holds 0",
        ),
        (
            b"M\x06\x00\x1f" + b"\xff" * 20,
            "offset 0x4: number of qstrs: a number of more than 10 bytes",
        ),
    ],
)  # fmt: skip
def test_errors_name_offset_and_field(data: bytes, message: str) -> None:
    with pytest.raises(MpyError) as caught:
        read(data)
    assert str(caught.value) == message


@pytest.mark.spec("A16")
@pytest.mark.parametrize(
    ("version", "writers"),
    [(0, "1.5.1 to 1.8.7"), (2, "1.9 to 1.9.2"), (3, "1.9.3 to 1.10"), (4, "1.11")],
)
def test_old_versions_are_named(version: int, writers: str) -> None:
    with pytest.raises(MpyError, match=f"version {version}, written by MicroPython {writers};"):
        read(bytes((0x4D, version, 0, 31)) + bytes(20))


def test_wrong_release_is_an_error() -> None:
    with pytest.raises(MpyError, match=r"version 6, but release 1\.17 has 5"):
        read(SAMPLE_1_29, release.get("1.17"))


def test_deep_nesting() -> None:
    """50,000 levels of code objects: no recursion, no quadratic time."""
    data = b"M\x06\x00\x1f\x00\x00" + b"\x04\x01" * 50_000 + b"\x00"
    start = time.monotonic()
    mpy = read(data)
    assert write(mpy) == data
    assert time.monotonic() - start < 10


def test_deep_tuples_are_refused() -> None:
    data = b"M\x06\x00\x1f\x00\x01" + b"\x0a\x01" * 5000 + b"\x01" + b"\x00"
    with pytest.raises(MpyError, match="tuples nested deeper than 200"):
        read(data)


def test_big_integers_of_any_size() -> None:
    value = 7**120_000  # some 101,000 digits: more than the host's own conversion takes
    root = RawCode(CodeKind.BYTECODE, b"")
    mpy = MpyFile(release=release.get("1.29"), qstrs=[], objects=[value, -value], root=root)
    assert read(write(mpy)).objects == [value, -value]


def test_writer_refuses_what_the_format_cannot_hold() -> None:
    info = b"\0\0\0\0\0"
    code = encode_signature(1, 0, 0, 0, 0, 0) + encode_sizes(len(info), 0) + info + b"\x51\x63"
    for constant in (None, True, (1, 2)):
        root = RawCode(CodeKind.BYTECODE, code, constants=[constant])
        mpy = MpyFile(release=release.get("1.17"), qstrs=[b"x"], objects=[], root=root)
        with pytest.raises(ValueError, match="version 5 file cannot hold"):
            write(mpy)
    root = RawCode(CodeKind.BYTECODE, code + b"\x11\x07\x00")
    mpy = MpyFile(release=release.get("1.17"), qstrs=[b"x"], objects=[], root=root)
    with pytest.raises(ValueError, match="inconsistent code"):
        write(mpy)


def test_release_of_another_sub_version_is_an_error() -> None:
    data = write(dynamic_native("1.20"))
    with pytest.raises(
        MpyError, match=r"machine code of .mpy version 6.1, but release 1.29 has 6.3"
    ):
        read(data, release.get("1.29"))


def test_hostile_lengths_cost_no_time() -> None:
    """A megabyte of continuation bytes is refused at once, wherever it stands."""
    start = time.monotonic()
    mpy = read(SAMPLE_1_29)
    for code in (b"\xff" * 1_000_000, b"\x00\x0a\x00\x01" + b"\xff" * 1_000_000):
        mpy.root.code = code
        data = write(mpy)
        with pytest.raises(MpyError):
            dump_file(data)
    with pytest.raises(MpyError):
        read(b"M\x05\x02\x1f" + b"\xff" * 1_000_000)
    assert time.monotonic() - start < 5


def test_deep_nesting_can_be_dumped_and_compared() -> None:
    body = b"\x00\x02\x01\x63"  # one slot, one byte of source info (qstr 1), RETURN_VALUE
    levels = 5000
    level = encode_uint(len(body) << 3 | 4) + body + b"\x01"
    data = b"M\x06\x00\x1f\x02\x00\x02a\x00\x02b\x00" + level * levels
    data += encode_uint(len(body) << 3) + body
    text = dump_file(data)
    assert text.count("RETURN_VALUE\n") == levels + 1
    changed = data[:-1] + b"\x59"
    found = first_difference(data, changed)
    assert found is not None
    assert found.endswith("instruction 0: RETURN_VALUE in A, POP_TOP in B")
