"""Our decoders against Capstone where it is installed; its verdict on 16-bit Thumb is recorded."""

from __future__ import annotations

from typing import Any

import pytest

from mpy_cross.assembler.table import call
from tests.assembler import x86_sweep
from tests.assembler.capstone_witness import compare, engine_of, words
from tests.assembler.recorded import FOLDER
from tests.assembler.sets import SETS

# Random words per set; of narrow Thumb all are asked.
COUNT = 15000


def engine(name: str) -> Any:
    pytest.importorskip("capstone", reason="Capstone is not installed")
    made = engine_of(name)
    if isinstance(made, str):
        pytest.skip(made)
    return made


@pytest.mark.parametrize("name", ["thumb16", "thumb", "arm", "xtensawin", "rv32", "rv64"])
def test_same_verdict_and_text(name: str) -> None:
    report = compare(name, engine(name), words(name, COUNT))
    assert report.both > 6000
    assert report.verdicts == []
    assert report.texts == []


@pytest.mark.parametrize("mode", [32, 64])
def test_x86(mode: int) -> None:
    engine("thumb")  # Capstone 5, for its style
    report = x86_sweep.sweep(mode, 20000)
    assert report.both > 12000
    assert report.problems == []


def test_a_difference_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A register printed wrongly, and a row that is missing."""
    adds = [half.to_bytes(2, "little") for half in range(0x1800, 0x1A00)]
    table = SETS["thumb"].table
    item = table["adds_reg"]
    assert compare("thumb16", engine("thumb16"), adds).texts == []
    monkeypatch.setattr(item, "parts", (*item.parts[:-1], 1))
    report = compare("thumb16", engine("thumb16"), adds)
    assert len(report.texts) == 448
    monkeypatch.setattr(item, "match", item.match | 1 << 20)
    report = compare("thumb16", engine("thumb16"), adds)
    assert len(report.verdicts) == 512


def test_recorded_verdict_on_narrow_thumb() -> None:
    """Every halfword that Capstone takes is ours, but for those listed with their reason."""
    one = SETS["thumb"]
    excused = 0
    lines = (FOLDER / "thumb16_valid.txt").read_text(encoding="ascii").splitlines()
    valid: set[int] = set()
    for line in lines:
        if not line.startswith("#"):
            first, _, last = line.partition("-")
            valid.update(range(int(first, 16), int(last or first, 16) + 1))
    assert len(valid) > 58000
    for half in range(0xE800):
        decoded = one.table.decode(half.to_bytes(2, "little"), 0, 0, one.features)
        if decoded is not None:
            assert call(decoded.row, decoded.operands) == half
        if (decoded is not None) != (half in valid):
            assert unpredictable(half), f"{half:04x}"
            excused += 1
    assert excused == 309


def unpredictable(half: int) -> bool:
    """Halfwords that the ARMv7-M manual calls unpredictable, or that are of ARMv8-M."""
    if half >> 8 == 0x45:  # cmp with the program counter, or of two low registers
        return half & 7 | half >> 4 & 8 == 15 or half >> 3 & 15 == 15 or not half & 0xC0
    if half >> 8 == 0x47:  # bx and blx with low bits, of the program counter
        return bool(half & 7) or half == 0x47F8
    if half & 0xFFE0 == 0xB660:  # cps with bit 3, with the flag a, or without flags
        return half & 12 != 0 or half & 3 == 0
    if half >> 8 == 0xBF:  # it with condition 15, or always with an else
        mask = half & 15
        return half >> 4 & 15 == 15 or (half >> 4 & 15 == 14 and mask & (mask - 1) != 0)
    return half == 0x44FF  # add pc, pc
