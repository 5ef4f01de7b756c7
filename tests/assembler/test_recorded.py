"""The bytes that GNU as, clang and Capstone gave, against the tables of today."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from mpy_cross.assembler.table import call
from tests.assembler import gnu, oracle
from tests.assembler.recorded import FOLDER, normal, read, text
from tests.assembler.sets import SETS

FILES = {"thumb": "thumb", "arm": "arm", "xtensa": "xtensa", "xtensawin": "xtensawin",
         "lx6": "xtensawin", "rv32": "rv32", "rv64": "rv64", "zcmp32": "rv32",
         "zcmp64": "rv64"}


@pytest.mark.parametrize("name", FILES)
def test_bytes_and_texts(name: str) -> None:
    one = SETS[FILES[name]]
    for line in read(name):
        item = one.table[line.row]
        assert item.to_bytes(call(item, line.values)) == line.data
        ours = text(item, line.values)
        if name == "xtensawin":
            assert normal(ours) == normal(line.text)
        else:
            assert ours == line.text
        decoded = one.table.decode(line.data, 0, 0, one.features)
        assert decoded is not None
        assert (decoded.row, decoded.operands) == (item, line.values)


def rows_of(name: str) -> Iterator[str]:
    yield from (line.row for file, one in FILES.items() if one == name for line in read(file))


@pytest.mark.parametrize("name", SETS)
def test_every_row_has_a_witness(name: str) -> None:
    one = SETS[name]
    known = set(rows_of(name))
    assert known == {item.name for item in one.table.rows if item.features <= one.features}


@pytest.mark.parametrize("name", FILES)
def test_the_tool_is_named(name: str) -> None:
    first = (FOLDER / f"{name}.txt").read_text(encoding="ascii").partition("\n")[0]
    assert first.startswith(("# GNU assembler (", "# clang version ", "# Capstone "))


@pytest.mark.parametrize("name", ["thumb", "arm", "rv32", "rv64", "xtensa"])
def test_against_the_live_assembler(name: str) -> None:
    """The same against GNU as itself, some instructions of each row."""
    tools = {"thumb": gnu.THUMB, "arm": gnu.ARM, "rv32": gnu.RV32, "rv64": gnu.RV64,
             "xtensa": gnu.LX106}
    tool = tools[name]
    if shutil.which(tool.command[0]) is None:
        pytest.skip(f"{tool.command[0]} is not installed")
    one = SETS[name]
    lines = list(read(name))
    cases = [(one.table[line.row], line.values) for line in lines]
    answers = tool.assemble([oracle.source(one, *case) for case in cases])
    for line, answer in zip(lines, answers, strict=True):
        assert isinstance(answer, bytes), f"{line.text}: {answer}"
        assert answer.startswith(line.data), line.text


def test_an_error_of_the_assembler_is_reported() -> None:
    if not gnu.THUMB.found():
        pytest.skip("arm-none-eabi-as is not installed")
    answers = gnu.THUMB.assemble(["movs r0, #1", "movs r0, #0x12345678", "nonsense", "nop"])
    assert [isinstance(answer, bytes) for answer in answers] == [True, False, False, True]
    assert isinstance(answers[3], bytes)
    assert answers[3][:2] == bytes.fromhex("00bf")
