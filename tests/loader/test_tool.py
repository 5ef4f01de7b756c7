"""mpy-tool: dump, diff, check, and how it fails."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mpy_cross.loader import release
from mpy_cross.loader.check import check, check_release, runs, summary
from mpy_cross.loader.codec import read, write
from mpy_cross.loader.diff import first_difference
from mpy_cross.loader.dump import dump_file
from mpy_cross.loader.errors import MpyError
from mpy_cross.tool import main
from tests.loader.samples import (
    CACHED_1_17,
    NATIVE_1_17,
    NATIVE_1_20,
    NATIVE_1_29,
    SAMPLE_1_17,
    SAMPLE_1_29,
    all_samples,
    dynamic_native,
)


def tool(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(main, list(arguments), input=stdin)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.mpy").write_bytes(SAMPLE_1_17)
    (tmp_path / "b.mpy").write_bytes(SAMPLE_1_29)
    (tmp_path / "native.mpy").write_bytes(NATIVE_1_17)
    return tmp_path


# -------------------------------------------------------------------------------------------- dump


def test_dump_shows_header_tables_and_code() -> None:
    text = dump_file(SAMPLE_1_17)
    assert "  version         5 (MicroPython 1.12 to 1.18)\n" in text
    assert "  features        unicode\n" in text
    assert "  small int bits  31\n" in text
    assert "'<module>'  (static 7)\n" in text
    assert "A.f (bytecode, code 0.0, " in text
    assert "  argument names  self, a, b, d\n" in text
    assert "  flags           generator, takes **, takes *, keyword defaults\n" in text
    assert "       0  float    1.5\n" in text
    assert "       1  int      12345678901234567890\n" in text
    assert "       2  bytes    b'raw'\n" in text
    assert "       4     0  LOAD_GLOBAL open\n" in text
    assert "LOAD_DEREF 1 (a)\n" in text
    assert "MAKE_CLOSURE 0 (<lambda>), 2 closed over\n" in text
    assert "STORE_COMP list at depth " in text


def test_lookup_caches_do_not_show_in_the_code() -> None:
    def code(data: bytes) -> list[str]:
        """The instructions without their offsets; jumps by their name alone."""
        rows = [re.fullmatch(r"[ 0-9]{8} [ 0-9]{5}  (.*?)( to \d+.*)?", line) for line in
                dump_file(data).splitlines()]  # fmt: skip
        return [row[1] for row in rows if row]

    assert code(SAMPLE_1_17) == code(CACHED_1_17)
    assert len(code(SAMPLE_1_17)) > 60


@pytest.mark.parametrize("sample", all_samples(), ids=lambda data: f"{len(data)} bytes")
def test_hex_dump_has_every_byte_once(sample: bytes) -> None:
    lines = dump_file(sample, hex_dump=True).splitlines()
    rows = lines[lines.index("bytes") + 1 :]
    found = bytearray()
    for row in rows:
        assert int(row[2:8], 16) == len(found), row
        found += bytes.fromhex(row[10:58])
    assert bytes(found) == sample


def test_hex_dump_names_the_fields() -> None:
    lines = dump_file(SAMPLE_1_17, hex_dump=True).splitlines()
    assert any(
        line.startswith("  000003  1f") and line.endswith("small int bits") for line in lines
    )
    assert any("A.f: LOAD_GLOBAL open  (line 4)" in line for line in lines)
    lines = dump_file(SAMPLE_1_29, hex_dump=True).splitlines()
    assert any(line.endswith("A.f: line table") for line in lines)
    assert any(line.endswith("qstr 0 length") for line in lines)


def test_dump_of_machine_code() -> None:
    text = dump_file(NATIVE_1_29)
    assert "native code     armv7m\n" in text
    assert "n (native, code 0, " in text
    assert "code 1 (viper, code 1, " in text
    assert "  arguments       1, types 0x" in text
    text = dump_file(write(dynamic_native("1.17")))
    assert "  qstr link       4 (kind 1): init\n" in text
    assert "  rodata          9 bytes\n" in text


def test_dump_command(folder: Path) -> None:
    result = tool("dump", "a.mpy")
    assert (result.exit_code, result.output) == (0, dump_file(SAMPLE_1_17))
    assert tool("dump", "-", stdin=SAMPLE_1_29).output == dump_file(SAMPLE_1_29)
    result = tool("dump", "--hex", "b.mpy")
    assert result.output == dump_file(SAMPLE_1_29, hex_dump=True)


# -------------------------------------------------------------------------------------------- diff


def test_equal_files() -> None:
    assert first_difference(SAMPLE_1_17, SAMPLE_1_17) is None


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"sample.py", b"simple.py", "module, source file: sample.py in A, simple.py in B"),
        (b"b\x03raw", b"b\x03row", "{}: LOAD_CONST_OBJ b'raw' in A, LOAD_CONST_OBJ b'row' in B"),
        (b"f\x031.5", b"f\x032.5", "{}: LOAD_CONST_OBJ 1.5 in A, LOAD_CONST_OBJ 2.5 in B"),
        (b"\x08done", b"\x08gone", "{}: LOAD_CONST_STRING 'done' in A, "
         "LOAD_CONST_STRING 'gone' in B"),
        (b"M\x05\x02\x1f", b"M\x05\x00\x1f", "unicode: yes in A, no in B"),
        (b"M\x05\x02\x1f", b"M\x05\x02\x20", "small int bits: 31 in A, 32 in B"),
    ],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_differences_in_words(old: bytes, new: bytes, expected: str) -> None:
    assert SAMPLE_1_17.count(old) == 1
    found = first_difference(SAMPLE_1_17, SAMPLE_1_17.replace(old, new))
    assert found is not None
    if expected.startswith("{}"):
        place, colon, rest = found.partition(":")
        assert re.fullmatch(r"function A\.f, instruction \d+ \(line \d+\)", place)
        assert "{}" + colon + rest == expected
    else:
        assert found == expected


def test_difference_in_an_instruction_and_in_the_lines() -> None:
    mpy = read(SAMPLE_1_29)
    lambda_code = mpy.root.children[0].children[0].children[0]
    lambda_code.code = lambda_code.code[:-1] + b"\x5a"  # RETURN_VALUE becomes ROT_TWO
    assert first_difference(SAMPLE_1_29, write(mpy)) == (
        "function A.f.<lambda>, instruction 4 (line 13): RETURN_VALUE in A, ROT_TWO in B"
    )
    mpy = read(SAMPLE_1_29)
    mpy.qstrs[mpy.qstrs.index(b"done")] = b"gone"
    found = first_difference(SAMPLE_1_29, write(mpy))
    assert found is not None
    table, code = found.split("; ")
    assert table.endswith("'done' in A, 'gone' in B")
    assert table.startswith("qstr ")
    assert code.startswith("function A.f, instruction ")
    mpy = read(SAMPLE_1_29)
    comprehension = mpy.root.children[0].children[0].children[0].children[0]
    assert comprehension.code.count(b"\x80\x0c") == 1  # the line table: 0 bytes, 12 lines
    comprehension.code = comprehension.code.replace(b"\x80\x0c", b"\x80\x0b")
    assert first_difference(SAMPLE_1_29, write(mpy)) == (
        "function A.f.<lambda>.<listcomp>, line table, entry 0: "
        "line 13 at 0 in A, line 12 at 0 in B"
    )


def test_every_changed_byte_is_a_difference() -> None:
    """Whatever byte changes: either the file is broken or a difference is named."""
    for sample in all_samples():
        for pos in range(len(sample)):
            changed = bytearray(sample)
            changed[pos] ^= 1
            try:
                found = first_difference(sample, bytes(changed))
            except MpyError:
                continue
            assert found is not None
            assert " in A, " in found


def test_diff_command(folder: Path) -> None:
    result = tool("diff", "a.mpy", "a.mpy")
    assert (result.exit_code, result.output) == (0, "")
    result = tool("diff", "a.mpy", "b.mpy")
    assert (result.exit_code, result.output) == (1, "version: 5 in A, 6 in B\n")
    result = tool("diff", "a.mpy", "missing.mpy")
    assert result.exit_code == 2
    assert result.output == "mpy-tool: missing.mpy: No such file or directory\n"
    (folder / "bad.mpy").write_bytes(SAMPLE_1_29[:50])
    result = tool("diff", "a.mpy", "bad.mpy")
    assert result.exit_code == 2
    assert result.output.startswith("mpy-tool: bad.mpy: offset 0x")
    assert tool("diff", "a.mpy").exit_code == 2


# ------------------------------------------------------------------------------------------- check


@pytest.mark.spec("A09", "A10", "A16")
def test_which_release_loads_what() -> None:
    def loading(data: bytes, arch: str | None = None) -> list[str]:
        return [v.release.version for v in check(read(data), arch) if v.loads]

    assert loading(SAMPLE_1_17) == ["1.12", "1.13", "1.14", "1.15", "1.16", "1.17", "1.18"]
    assert loading(SAMPLE_1_29)[0] == "1.19"
    assert loading(SAMPLE_1_29)[-1] == "1.29"
    assert loading(NATIVE_1_20) == ["1.20", "1.21"]
    assert loading(NATIVE_1_29)[0] == "1.23"
    assert loading(NATIVE_1_29, "xtensa") == []
    assert loading(NATIVE_1_17, "armv7emsp") == loading(SAMPLE_1_17)
    assert loading(NATIVE_1_17, "armv6m") == []


@pytest.mark.spec("A09", "A10")
@pytest.mark.parametrize(
    ("data", "name", "arch", "error"),
    [
        (SAMPLE_1_29, "1.17", None, "incompatible .mpy file"),
        (NATIVE_1_20, "1.29", None, "incompatible .mpy file"),
        (NATIVE_1_17, "1.17", "xtensa", "incompatible .mpy arch"),
        (NATIVE_1_17, "1.17", "none", "incompatible .mpy arch"),
        (NATIVE_1_29, "1.29", "none", "native code in .mpy unsupported"),
        (NATIVE_1_29, "1.29", "armv7m", ""),
    ],
)
def test_words_of_the_board(data: bytes, name: str, arch: str | None, error: str) -> None:
    verdict = check_release(read(data), release.get(name), arch)
    assert verdict.error == error
    assert bool(verdict.reason) == bool(error)


@pytest.mark.spec("A11", "A12", "A13", "A14")
def test_conditions_of_the_manual() -> None:
    mpy = read(SAMPLE_1_17)
    known = release.get("1.17")
    assert check_release(mpy, known).conditions == []
    mpy.unicode = False
    assert check_release(mpy, known).conditions == ["the board is built without unicode strings"]
    mpy = read(CACHED_1_17)
    assert "cached map lookups" in check_release(mpy, known).conditions[0]
    mpy.small_int_bits = 47
    assert check_release(mpy, known).conditions[1] == "small integers have 47 bits or more"
    mpy.qstr_window = 33
    verdict = check_release(mpy, known)
    assert verdict.error == "incompatible .mpy file"
    assert "window of 33" in verdict.reason


def test_which_board_runs_what() -> None:
    assert runs("armv7em", "armv6m")
    assert not runs("armv6m", "armv7m")
    assert not runs("armv7m", "armv6")
    assert runs("xtensawin", "xtensawin")
    assert not runs("xtensawin", "xtensa")


def test_summary_joins_neighbours() -> None:
    lines = summary(check(read(NATIVE_1_20)))
    assert [line.split("  ")[0] for line in lines] == [
        "1.12 to 1.18",
        "1.19 to 1.19.1",
        "1.20 to 1.21",
        "1.22 to 1.22.2",
        "1.23 to 1.29",
    ]
    assert lines[2].endswith(
        "loads if the board is armv6m, armv7m, armv7em, armv7emsp or armv7emdp"
    )


def test_check_command(folder: Path) -> None:
    result = tool("check", "a.mpy")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "a.mpy: .mpy version 5, written by MicroPython 1.12 to 1.18, no machine code",
        "1.12 to 1.18    loads",
        "1.19 to 1.29    no: incompatible .mpy file (the file has .mpy version 5, "
        "the release loads 6)",
    ]
    result = tool("check", "native.mpy", "--release", "1.17", "--arch", "xtensa")
    assert result.exit_code == 1
    assert "no: incompatible .mpy arch (the file has armv7m code, the board is xtensa)" in (
        result.output
    )
    assert tool("check", "native.mpy", "--release", "1.17.0").exit_code == 0
    result = tool("check", "a.mpy", "--release", "9.9")
    assert result.exit_code == 1
    assert "unknown MicroPython release '9.9'; known are 1.12" in result.output
    result = tool("check", "a.mpy", "--arch", "z80")
    assert result.exit_code == 1
    assert "unknown architecture 'z80'; known are x86, x64" in result.output


# ------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize("command", ["dump", "check"])
def test_trouble_is_one_line_and_status_1(folder: Path, command: str) -> None:
    (folder / "empty.mpy").write_bytes(b"")
    (folder / "old.mpy").write_bytes(b"M\x03\x02\x1f" + bytes(9))
    (folder / "cut.mpy").write_bytes(SAMPLE_1_17[:100])
    for name, words in (
        ("missing.mpy", "No such file or directory"),
        (".", "Is a directory"),
        ("empty.mpy", "offset 0x0: magic: the file is empty"),
        ("old.mpy", "written by MicroPython 1.9.3 to 1.10; only versions 5 and 6"),
        ("cut.mpy", "offset 0x"),
    ):
        result = tool(command, name)
        assert result.exit_code == 1
        assert result.output.startswith(f"mpy-tool: {name}: ")
        assert words in result.output
        assert result.output.count("\n") == 1


def test_usage_errors_have_status_1() -> None:
    for arguments in (["dump"], ["frobnicate"], ["dump", "--no-such", "x"]):
        result = tool(*arguments)
        assert result.exit_code == 1
        assert "Usage: " in result.output


def test_help_teaches() -> None:
    result = tool("--help")
    assert result.exit_code == 0
    assert "mpy-tool diff mine.mpy theirs.mpy" in result.output
    for command in ("dump", "diff", "check"):
        result = tool(command, "--help")
        assert result.exit_code == 0
        assert "Example:" in result.output
    assert tool("--version").output.startswith("mpy-tool, version ")


def test_no_colour_into_a_pipe_and_no_traceback_when_it_closes(folder: Path) -> None:
    command = [sys.executable, "-m", "mpy_cross.tool", "dump", "a.mpy"]
    run = subprocess.run(command, capture_output=True, check=True)
    assert b"\x1b" not in run.stdout
    shell = f"{sys.executable} -m mpy_cross.tool dump --hex a.mpy | head -c 10"
    piped = subprocess.run(shell, shell=True, capture_output=True, check=False)
    assert b"Traceback" not in piped.stderr
