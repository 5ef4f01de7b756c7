"""Firmware images: each form of file, damaged files, and what firmware an image is.

Real images are looked for in $MPY_FIRMWARE_DIR, as VERSION/BOARD/firmware.uf2 and the like.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from mpy_cross.emulator.cli import main
from mpy_cross.emulator.firmware import dfuse, uf2
from mpy_cross.emulator.firmware.files import load, read
from mpy_cross.emulator.firmware.identify import Identity, describe_mpy, identify
from mpy_cross.emulator.firmware.image import Image, ImageError, Piece, Segment, join
from mpy_cross.emulator.stock import StockError
from mpy_cross.emulator.stock_session import StockSession
from tests.emulator.firmware_files import firmware, hex_record, write_elf, write_hex

FLASH = 0x0800_0000
TWO = (Segment(FLASH, bytes(range(256)) * 3), Segment(FLASH + 0x2_0000, b"second part" * 30))


def write_uf2(segments: tuple[Segment, ...]) -> bytes:
    return uf2.write_uf2(segments)


WRITERS: dict[str, Callable[[tuple[Segment, ...]], bytes]] = {
    "UF2": write_uf2, "DfuSe": dfuse.write_dfuse, "Intel HEX": write_hex, "ELF": write_elf,
}
FORMS = sorted(WRITERS)


@st.composite
def segments(draw: st.DrawFn) -> tuple[Segment, ...]:
    """Up to four segments with gaps between them, anywhere below 4 GiB."""
    at = draw(st.integers(0, 0xFFFF_0000))
    found = []
    for data in draw(st.lists(st.binary(min_size=1, max_size=700), min_size=1, max_size=4)):
        if at + len(data) > 1 << 32:
            break
        found.append(Segment(at, data))
        at += len(data) + draw(st.integers(1, 0x2_0000))
    return tuple(found)


# ---------------------------------------------------------------------------------- forms


@pytest.mark.parametrize("form", FORMS)
@given(parts=segments())
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read(form: str, parts: tuple[Segment, ...]) -> None:
    image = read(WRITERS[form](parts))
    assert image.form == form
    assert image.segments == parts
    assert image.size == sum(len(part.data) for part in parts)


@given(data=st.binary(min_size=1, max_size=300), address=st.integers(0, (1 << 32) - 300))
def test_raw_binary(data: bytes, address: int) -> None:
    data = b"\0" + data  # begins like no other form
    assert read(data, address=address) == Image("BIN", (Segment(address, data),))


def test_the_name_of_a_file_says_nothing(tmp_path: Path) -> None:
    for form, write in WRITERS.items():
        path = tmp_path / "firmware.bin"
        path.write_bytes(write(TWO))
        assert load(path).form == form


def test_plain_dfu_is_a_binary_with_a_suffix() -> None:
    data = dfuse.add_suffix(b"\0program")
    assert read(data, address=FLASH) == Image("DFU", (Segment(FLASH, b"\0program"),))


def test_elf_has_bytes_where_they_are_loaded_and_symbols() -> None:
    image = read(write_elf(TWO, FLASH + 0x21, [
        ("reset", FLASH + 0x21, 12, 2), ("$t", FLASH + 0x20, 0, 0), ("table", FLASH + 0x41, 5, 1),
        ("_estack", 0x2002_0000, 0, 0), ("main.c", 0, 0, 4), ("größe", FLASH, 4, 1),
    ]))
    assert image.segments == TWO
    assert image.entry == FLASH + 0x21
    assert [symbol.name for symbol in image.symbols] == ["größe", "reset", "table", "_estack"]
    reset = image.symbol("reset")
    assert reset is not None and reset == ("reset", FLASH + 0x20, 12, True)
    assert image.symbol("$t") is None


def test_hex_has_both_kinds_of_addresses_and_an_entry() -> None:
    text = (hex_record(0, 2, b"\x12\x34") + hex_record(0xFFFE, 0, b"ab") + "\n"
            + hex_record(0, 4, b"\x08\x00") + hex_record(0x10, 0, b"cd")
            + hex_record(0x12, 0, b"ef") + hex_record(0, 5, b"\x08\0\0\x11") + hex_record(0, 1))
    image = read(text.replace("\n", "\r\n").encode())
    assert image.segments == (Segment(0x2233E, b"ab"), Segment(FLASH + 0x10, b"cdef"))
    assert image.entry == FLASH + 0x11
    start = hex_record(0, 0, b"x") + hex_record(0, 3, b"\x10\0\0\x20") + hex_record(0, 1)
    assert read(start.encode()).entry == 0x10020


def test_uf2_families() -> None:
    both = uf2.write_uf2(TWO, uf2.RP2040) + uf2.write_uf2(TWO[:1], 0x57755A57)
    absolute = uf2.write_uf2([Segment(0x10FF_FF00, b"\xef" * 256)], uf2.ABSOLUTE)
    assert read(both, family=0x57755A57) == Image("UF2", TWO[:1], family=0x57755A57)
    assert read(absolute + uf2.write_uf2(TWO)).segments == TWO
    assert read(uf2.write_uf2(TWO, None)).family is None
    with pytest.raises(ImageError, match=r"0xe48bff56 \(RP2040\), 0x57755a57 \(STM32F4\); choose"):
        read(both)
    with pytest.raises(ImageError, match=r"no block is of family 0x00000007; there are 0xe48b"):
        read(both, family=7)


def test_uf2_skips_what_is_not_for_the_flash() -> None:
    data = bytearray(uf2.write_uf2(TWO))
    comment = bytearray(uf2.write_uf2([Segment(0, b"comment")]))
    struct.pack_into("<I", comment, 8, uf2.NOT_FLASH)
    assert read(bytes(comment + data)).segments == TWO


def _with_md5(digest: bytes) -> bytes:
    data = bytearray(uf2.write_uf2(TWO[:1]))
    flags = struct.unpack_from("<I", data, 8)[0]
    struct.pack_into("<I", data, 8, flags | uf2.HAS_MD5)
    struct.pack_into("<II16s", data, 32 + uf2.PAYLOAD - 24, FLASH, 300, digest)
    return bytes(data)


def test_uf2_md5() -> None:
    good = hashlib.md5(TWO[0].data[:300], usedforsecurity=False).digest()
    assert read(_with_md5(good)).segments == TWO[:1]
    with pytest.raises(ImageError, match=r"block 0 \(byte 0\): the 300 bytes at 0x08000000 have"):
        read(_with_md5(bytes(16)))


def test_image_reads_within_segments() -> None:
    image = Image("BIN", TWO)
    assert image.read(FLASH + 1, 3) == b"\1\2\3"
    assert image.read(FLASH + 0x2_0000, 6) == b"second"
    assert image.word(FLASH + 4) == 0x07060504
    for address, size in ((FLASH - 1, 2), (FLASH + 767, 2), (FLASH + 5, -1), (0, 1)):
        assert image.read(address, size) is None
    assert image.word(FLASH + 765) is None


def test_touching_pieces_become_one() -> None:
    pieces = [Piece(12, b"cd", "b"), Piece(10, b"ab", "a"), Piece(14, b"", "c"),
              Piece(15, b"f", "d")]
    assert join(pieces) == (Segment(10, b"abcd"), Segment(15, b"f"))


# ---------------------------------------------------------------------------- damaged files

_UF2 = uf2.write_uf2(TWO)
_DFU = dfuse.write_dfuse(TWO, "pyboard")
_ELF = write_elf(TWO, FLASH, [("main", FLASH, 4, 2)])
_HEX = write_hex(TWO).decode()
_LINE = hex_record(0, 4, b"\x08\0")


def patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def with_sum(data: bytes) -> bytes:
    """A DFU file with the right sum again."""
    return data[:-4] + dfuse._sum(data[:-4]).to_bytes(4, "little")


WRONG: list[tuple[str, bytes, str]] = [
    ("empty", b"", "the file is empty"),
    ("raw", b"\0\1", "a raw binary .* give the address of its first byte, such as 0x08000000"),
    # --- UF2
    ("uf2 cut", _UF2[:-1], r"UF2: 2559 bytes are no whole number of blocks of 512"),
    ("uf2 second", patched(_UF2, 4, b"\0"), r"UF2 block 0 \(byte 0\): the second magic number is "
                                            r"0x9e5d5100, not 0x9e5d5157"),
    ("uf2 first", patched(_UF2, 512, b"\0"), r"UF2 block 1 \(byte 512\): the first magic"),
    ("uf2 last", patched(_UF2, 508, b"\0"), r"the last magic number is 0x0ab16f00"),
    ("uf2 size", patched(_UF2, 16, b"\xdd\1"), r"477 bytes of data; 1 to 476 are allowed"),
    ("uf2 no size", patched(_UF2, 16, bytes(4)), r"0 bytes of data; 1 to 476"),
    ("uf2 number", patched(_UF2, 20, b"\5"), r"it is number 5 of 5, counted from 0"),
    ("uf2 count", patched(_UF2, 512 + 24, b"\6"), r"block 1 .* it says 6 blocks, .*block 0.* 5"),
    ("uf2 twice", patched(_UF2, 512 + 20, b"\0"), r"block 1 .* number 0 again, after UF2 block 0"),
    ("uf2 missing", _UF2[:512] + _UF2[1024:], r"1 of 5 blocks are missing, .* number 1"),
    ("uf2 overlap", patched(_UF2, 512 + 12, b"\x80\0"),
     r"UF2 block 1 .*: its bytes from 0x08000080 lie on those of UF2 block 0"),
    ("uf2 address", patched(_UF2, 512 * 4 + 12, b"\xff\xff\xff\xff"), r"go beyond 32-bit"),
    ("uf2 container", patched(_UF2, 9, b"\x10"), r"block of a file container"),
    ("uf2 none", patched(_UF2[:512], 8, b"\1\0\0\0"), r"no block is for the main flash"),
    # --- DfuSe
    ("dfu cut", _DFU[:-1], r"DFU: no suffix"),
    ("dfu damaged", patched(_DFU, 400, b"!"), r"the file has CRC 0x[0-9a-f]{8}, the suffix says"),
    ("dfu version", with_sum(patched(_DFU, 5, b"\2")), r"version 2; it can be b'DfuSe', 1"),
    ("dfu size", with_sum(patched(_DFU, 6, b"\0\0")), r"prefix: it says 0 bytes, there are"),
    ("dfu target", with_sum(patched(_DFU, 11, b"t")), r"DfuSe target 0 \(byte 11\): it begins with"
                                                      r" b'target', not b'Target'"),
    ("dfu targets", with_sum(patched(_DFU, 10, b"\2")), r"target 1 .*: 0 bytes are left; a target"),
    ("dfu no target", with_sum(patched(_DFU, 10, b"\0")), r"1388 bytes after the last of 0 target"),
    ("dfu target size", with_sum(patched(_DFU, 277, b"\xff\xff\xff")), r"it says \d+ bytes, \d+ "),
    ("dfu elements", with_sum(patched(_DFU, 281, b"\3")), r"element 2 .*: 0 bytes of the target"),
    ("dfu few", with_sum(patched(_DFU, 281, b"\1")), r"338 bytes after the last of 1 elements"),
    ("dfu element", with_sum(patched(_DFU, 289, b"\xff\xff")), r"element 0 .*: it says 65535 byt"),
    ("dfu suffix", with_sum(patched(_DFU, len(_DFU) - 5, b"\1")), r"suffix: it says it has 1 byte"),
    ("dfu empty", with_sum(b"DfuSe" + _DFU[-16:]), r"5 bytes before the suffix; the prefix has 11"),
    ("dfu nothing", dfuse.write_dfuse([]), r"no bytes for any address"),
    # --- ELF
    ("elf header", _ELF[:51], r"ELF: 51 bytes; the header alone has 52"),
    ("elf class", patched(_ELF, 4, b"\2"), r"ELF header: class 2; it can be 1 \(32 bits\)"),
    ("elf order", patched(_ELF, 5, b"\2"), r"byte order 2; it can be 1 \(little-endian\)"),
    ("elf type", write_elf(TWO, kind=1), r"type 1; it can be 2 \(linked program\)"),
    ("elf machine", write_elf(TWO, machine=62), r"machine 62; it can be 40 \(ARM\), 94 \(Xtensa\)"),
    ("elf table", patched(_ELF, 28, b"\0\0\1\0"), r"program headers: 64 bytes from byte 65536 of"),
    ("elf rows", patched(_ELF, 42, b"\x21"), r"program headers of 33 bytes each, not 32"),
    ("elf segment", patched(_ELF, 52 + 16, b"\xff\xff"), r"ELF segment 0: 65535 bytes from byte 1"),
    ("elf nothing", write_elf([]), r"no bytes for any address"),
    ("elf sections", _ELF[:-1], r"section headers: 120 bytes from byte \d+ of a file of"),
    ("elf name", patched(_ELF, len(_ELF) - 120 - 6 - 16, b"\x10"),
     r"ELF section 1, the symbols: the name of number 1 is at byte 16 of 6 bytes"),
    ("elf link", patched(_ELF, len(_ELF) - 80 + 24, b"\1"), r"section 1 has their names, and is n"),
    ("elf symbols", patched(_ELF, len(_ELF) - 80 + 20, b"\x11"), r"17 bytes in entries of 16"),
    # --- Intel HEX
    ("hex no end", _HEX[: _HEX.index(":00000001")].encode(), r"no record ends the file"),
    ("hex after", (_HEX + "\n" + hex_record(0, 1)).encode(), r"line \d+: a line after the record"),
    ("hex colon", (_LINE + "x\n").encode(), r"Intel HEX, line 2: it begins with 'x', not with ':'"),
    ("hex sum", (_LINE + ":01000000AA56\n").encode(), r"line 2: the sum is 0x56, not 0x55"),
    ("hex digits", (_LINE + ":0000000g\n").encode(), r"line 2: 8 characters that are no pairs"),
    ("hex sign", (_LINE + ":000000-1\n").encode(), r"line 2: something else than hexadecimal digi"),
    ("hex spaces", (_LINE + ":00 00 00 01 FF\n").encode(), r"line 2: something else than hexadec"),
    ("hex other digits", (_LINE + ":0000000²\n").encode(), r"line 2: something else"),
    ("hex odd", b":000000010\n", r"line 1: 9 characters that are no pairs of hexadecimal"),
    ("hex nothing in it", (_LINE + ":\n").encode(), r"line 2: something else than hexadecimal"),
    ("hex count", b":0200000001FD\n", r"6 bytes in a record that says it has 2 bytes of data; it"),
    ("hex short", b":00000001\n", r"4 bytes in a record that says it has 0 bytes of data; it need"),
    ("hex kind", hex_record(0, 6).encode(), r"line 1: record kind 6; there are 0 to 5"),
    ("hex base", hex_record(0, 4, b"a").encode(), r"1 bytes in a record of kind 4 \(linear addres"),
    ("hex segment", (hex_record(0, 2, b"\0\0") + hex_record(0xFFFF, 0, b"ab")).encode(),
     r"line 2: 2 bytes at 0xffff go beyond the 64 KiB of their segment"),
    ("hex overlap",
     (hex_record(0, 0, b"abcd") + hex_record(2, 0, b"x") + hex_record(0, 1)).encode(),
     r"line 2 of the Intel HEX file: its bytes from 0x00000002 lie on those of line 1"),
    ("hex nothing", hex_record(0, 1).encode(), r"no bytes for any address"),
]


@pytest.mark.parametrize(
    ("data", "text"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_damaged_files_say_what_is_wrong(data: bytes, text: str) -> None:
    with pytest.raises(ImageError, match=text):
        assert read(data).symbols == ()


def test_options_that_do_not_fit() -> None:
    with pytest.raises(ImageError, match=r"UF2 files have addresses of their own; 0x100 cannot"):
        read(_UF2, address=0x100)
    with pytest.raises(ImageError, match="ELF files have no families; UF2 files do"):
        read(_ELF, family=uf2.RP2040)
    with pytest.raises(ImageError, match="address -1 is negative"):
        read(b"\0", address=-1)
    with pytest.raises(ImageError, match=r"2 bytes at 0xffffffff go beyond 32-bit addresses"):
        read(b"\0\0", address=0xFFFF_FFFF)
    with pytest.raises(ImageError, match=r"suffix: it says it has 0 bytes"):
        read(with_sum(patched(dfuse.add_suffix(b"x"), 12, b"\0")), address=0)


def test_writers_refuse_what_no_file_can_have() -> None:
    far = [Segment((1 << 32) - 1, b"ab")]
    with pytest.raises(ValueError, match="is beyond 32 bits"):
        uf2.write_uf2(far)
    with pytest.raises(ValueError, match="is beyond 32 bits"):
        dfuse.write_dfuse(far)
    with pytest.raises(ValueError, match="477 data bytes in a block; 1 to 476"):
        uf2.write_uf2(TWO, payload=477)
    with pytest.raises(ValueError, match="a name of 255 bytes; a target has room for 254"):
        dfuse.write_dfuse(TWO, "x" * 255)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"none\.uf2: No such file"):
        load(tmp_path / "none.uf2")
    with pytest.raises(ImageError, match="directory"):
        load(tmp_path)
    (tmp_path / "cut.uf2").write_bytes(_UF2[:600])
    with pytest.raises(ImageError, match=r"cut\.uf2: UF2: 600 bytes"):
        load(tmp_path / "cut.uf2")


@pytest.mark.parametrize("form", FORMS)
def test_mutated_files_are_images_or_errors(form: str) -> None:
    whole = WRITERS[form]((firmware(), *TWO[:1]))
    generator = random.Random(form)
    refused = 0
    for _ in range(1500):
        data = bytearray(whole)
        for _ in range(generator.randint(1, 4)):
            at = generator.randrange(min(len(data), generator.choice((64, 600, 1 << 20))))
            what = generator.randrange(4)
            if what == 0:
                data[at] = generator.randrange(256)
            elif what == 1:
                word = generator.choice((0, 1, 0xFFFF_FFFF, 1 << 31))
                data[at : at + 4] = struct.pack("<I", word)
            elif what == 2:
                del data[at : at + generator.randint(1, 40)]
            else:
                data[at:at] = bytes(generator.randint(1, 8))
            data = data or bytearray(1)
        changed = bytes(data)
        if form == "DfuSe" and generator.random() < 0.8:
            changed = with_sum(changed)
        try:
            image = read(changed)
        except ImageError as error:
            assert str(error)
            refused += 1
        else:
            identify(image)
    assert refused > 300  # the mutations reach what is checked


# ---------------------------------------------------------------------------------- identify


def test_newer_firmware_is_identified() -> None:
    for name in WRITERS:
        identity = identify(read(WRITERS[name]((firmware(),))))
        assert identity == Identity(
            "v1.28.0", "2026-04-06", "PYBv1.1", "STM32F405RG", "PYBV11", 7942
        )
        assert identity.release is not None and identity.release.version == "1.28"
        assert identity.emulated is not None and identity.emulated.name == "pyboard"


def test_older_firmware_is_identified() -> None:
    part = firmware(version=(1, 17, 0), split=False, texts=["Raspberry Pi Pico with RP2040"],
                    mpy=5637)
    identity = identify(Image("BIN", (part,)))
    assert identity == Identity("v1.17", "2026-04-06", "Raspberry Pi Pico", "RP2040", None, 5637)
    assert identity.emulated is not None and identity.emulated.name == "pico"


def test_board_without_sys_implementation() -> None:
    data = b"\0MicroPython v1.30.0-preview.7.gabc on 2026-11-01\0abc\0; My with board with X-1\0"
    assert identify(Image("BIN", (Segment(0, data),))) == Identity(
        "v1.30.0-preview.7.gabc", "2026-11-01", "My with board", "X-1"
    )


def test_build_names_the_board_that_its_banner_does_not() -> None:
    identity = identify(Image("BIN", (firmware(texts=("Mine with ABC", "RPI_PICO")),)))
    assert (identity.board, identity.build) == ("Mine", "RPI_PICO")
    assert identity.emulated is not None and identity.emulated.name == "pico"


def test_firmware_without_mpy_files() -> None:
    part = firmware(mpy=None)
    assert identify(Image("BIN", (part,))).mpy is None
    at = part.data.index(struct.pack("<I", 0x112)) - 8
    image = read(write_elf([part], 0, [("mp_sys_implementation_obj", part.address + at, 32, 1)]))
    identity = identify(image)
    assert (identity.mpy, identity.build) == (None, "PYBV11")


def test_what_is_no_micropython() -> None:
    identity = identify(read(uf2.write_uf2(TWO)))
    assert identity == Identity(soc="RP2040")
    assert identity.release is None and identity.emulated is None
    assert identify(Image("BIN", TWO)) == Identity()


@pytest.mark.parametrize(("word", "text"), [
    (5637, "5, armv7m"), (7685, "5, armv7emsp"), (2821, "5, x64"), (7942, "6.3, armv7emsp"),
    (4870, "6.3, armv6m"), (774, "6.3, no native code"), (0xFF06, "6.3, architecture 15"),
])
def test_mpy_words(word: int, text: str) -> None:
    assert describe_mpy(word) == text


# --------------------------------------------------------------------------------- mpy-emu info


def emu_info(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["info", *arguments])
    return done.exit_code, done.output


def test_info_of_an_image(tmp_path: Path) -> None:
    path = tmp_path / "pico"  # a board's name, but there is a slash in front
    path.write_bytes(uf2.write_uf2([firmware(0x1000_0000, mpy=4870)]))
    code, text = emu_info(str(path))
    assert code == 0
    table = dict(line.split("  ", 1) for line in text.splitlines())
    assert {title: value.strip() for title, value in table.items()} == {
        "form": "UF2, family 0xe48bff56 (RP2040)",
        "bytes": f"{len(firmware().data)} at 0x10000000 to 0x{0xFFFFFFF + len(firmware().data):x}",
        "board": "PYBv1.1",
        "chip": "STM32F405RG",
        "MicroPython": "v1.28.0",
        "build": "PYBV11",
        "build date": "2026-04-06",
        "mpy word": "4870 (0x1306): 6.3, armv6m",
        "emulated as": "pyboard",
    }


def test_info_of_a_raw_binary(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"\0" * 8)
    code, text = emu_info("--address", "0x08000000", str(path))
    assert code == 0 and "8 at 0x08000000 to 0x08000007" in text and "not found" in text
    code, text = emu_info(str(path))
    assert code == 2 and "give the address of its first byte" in text
    code, text = emu_info("--address", "top", str(path))
    assert code == 2 and "an address is a number such as 0x08000000, not 'top'" in text


def test_info_of_an_image_in_many_pieces(tmp_path: Path) -> None:
    path = tmp_path / "many.hex"
    path.write_bytes(write_hex([Segment(2 * at, b"x") for at in range(100)]))
    code, text = emu_info(str(path))
    assert code == 0 and text.count(" 1 at 0x") == 16 and "84 more in 84 pieces" in text


def test_info_of_what_is_not_there() -> None:
    assert emu_info("nothing") == (2, "mpy-emu: no board 'nothing'; there are pico, pyboard, "
                                      "nucleo_f411re, esp32, esp8266\n")
    code, text = emu_info("--address", "0", "pico")
    assert code == 2 and "--address belongs to raw binaries" in text
    code, text = emu_info("no.uf2")
    assert code == 2 and "no.uf2: No such file" in text


# ----------------------------------------------------------------------------------- real images

FIRMWARE = os.environ.get("MPY_FIRMWARE_DIR")
# Board in the banner, chip, ours, and sys.implementation._mpy at 1.17 and 1.28 as boards print it.
KNOWN = {
    "PYBV11": ("PYBv1.1", "STM32F405RG", "pyboard", 7685, 7942),
    "NUCLEO_F411RE": ("NUCLEO-F411RE", "STM32F411xE", "nucleo_f411re", 7685, 7942),
    "PICO": ("Raspberry Pi Pico", "RP2040", "pico", 5637, 4870),
    "RPI_PICO": ("Raspberry Pi Pico", "RP2040", "pico", 5637, 4870),
    "MPS2_AN386": ("mps2-an386", "Cortex-M4F", None, 7685, 7942),
}
_SUFFIXES = (".uf2", ".elf", ".hex", ".dfu")


def real_files() -> list[Path]:
    if FIRMWARE is None:
        return []
    return sorted(path for path in Path(FIRMWARE).glob("v*/*/firmware*")
                  if path.suffix in _SUFFIXES)


REAL = real_files()
needs_firmware = pytest.mark.skipif(
    not REAL, reason="MPY_FIRMWARE_DIR names no folder with images, as VERSION/BOARD/firmware.uf2"
)


@needs_firmware
@pytest.mark.parametrize("path", REAL, ids=[str(Path(*path.parts[-3:])) for path in REAL])
def test_real_images_are_identified(path: Path) -> None:
    name = path.parent.name.split("-")[0]
    if name not in KNOWN:
        pytest.skip(f"nothing is known of {name}")
    board, soc, ours, old, new = KNOWN[name]
    identity = identify(load(path))
    assert identity.version == path.parents[1].name
    assert (identity.board, identity.soc) == (board, soc)
    assert identity.date is not None and identity.date[:2] == "20"
    assert identity.mpy == (old if identity.version == "v1.17" else new)
    emulated = identity.emulated
    assert (None if emulated is None else emulated.name) == ours


@needs_firmware
@pytest.mark.parametrize("folder", sorted({path.parent for path in REAL}),
                         ids=lambda folder: str(Path(*folder.parts[-2:])))
def test_real_files_of_a_build_have_the_same_bytes(folder: Path) -> None:
    images = [load(path) for path in sorted(folder.glob("firmware*")) if path.suffix in _SUFFIXES]
    least = min(images, key=lambda image: image.size)  # blocks are filled up at their ends
    for image in images:
        assert image.size - least.size < 512
        for segment in least.segments:
            assert image.read(segment.address, len(segment.data)) == segment.data


def _elf_files() -> list[Path]:
    return [path for path in REAL if path.suffix == ".elf"]


@needs_firmware
def test_symbols_as_pyelftools_reads_them() -> None:
    reader: Any = pytest.importorskip("elftools.elf.elffile")
    for path in _elf_files()[:2]:
        with open(path, "rb") as file:
            table = reader.ELFFile(file).get_section_by_name(".symtab")
            expected = sorted(
                (each["st_value"] & ~1 if kind == "STT_FUNC" else each["st_value"], each.name)
                for each in table.iter_symbols()
                if (kind := each["st_info"]["type"]) in ("STT_NOTYPE", "STT_OBJECT", "STT_FUNC")
                and each["st_shndx"] != "SHN_UNDEF" and each.name and each.name[0] != "$"
            )
        found = [(symbol.address, symbol.name) for symbol in load(path).symbols]
        assert sorted(found) == expected and len(found) > 1000


@given(parts=segments(), row=st.integers(1, 255))
@settings(max_examples=40, deadline=None)
def test_hex_as_intelhex_reads_it(parts: tuple[Segment, ...], row: int) -> None:
    reader: Any = pytest.importorskip("intelhex")
    data = write_hex(parts, FLASH, row)
    other = reader.IntelHex(io.StringIO(data.decode()))
    image = read(data)
    assert [(part.address, part.end) for part in image.segments] == other.segments()
    for part in image.segments:
        assert part.data == other.tobinstr(start=part.address, size=len(part.data))
    assert other.start_addr == {"EIP": image.entry}


@pytest.mark.parametrize(("board", "address", "text"), [
    ("pyboard", 0x60000000, r"its flash is 0x08000000 to 0x080fffff; is it for another board\?"),
    ("nucleo_f411re", 0x0807FFFE, r"4 bytes at 0x0807fffe, where the STM32F411RE has no memory"),
    ("pico", 0x08000000, r"where the RP2040 has no memory for them: its flash is 0x10000000 to"),
])
def test_an_image_for_another_chip(board: str, address: int, text: str, tmp_path: Path) -> None:
    """It is refused with both places, on the command line too."""
    pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of emulator")
    with pytest.raises(StockError, match=text):
        StockSession(board, [Segment(address, b"code")])
    path = tmp_path / "image.bin"
    path.write_bytes(write_hex([Segment(address, b"code")]))
    command = ["run", "--board", board, "--firmware", str(path), "-c", "1"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert re.search(text, result.output)
