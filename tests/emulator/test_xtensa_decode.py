"""The decoder of the Xtensa cores: the assembler's table, with what a configuration has."""

from __future__ import annotations

from typing import Any

import pytest

from mpy_cross.assembler.table import call
from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emulator.cores.core import CoreError
from mpy_cross.emulator.cores.xtensa.decode import Decoder
from mpy_cross.emulator.cores.xtensa.models import MODELS, model
from tests.assembler.capstone_witness import compare, engine_of, words
from tests.oracle.xtensa_decode import CORES, differences


@pytest.mark.parametrize("core", CORES)
def test_same_as_the_table(core: str) -> None:
    assert differences(model(core), words("xtensawin", 6000)) == []


def test_same_as_capstone() -> None:
    pytest.importorskip("capstone", reason="Capstone is not installed")
    engine: Any = engine_of("xtensawin")
    if isinstance(engine, str):
        pytest.skip(engine)
    report = compare("xtensawin", engine, words("xtensawin", 10000))
    assert report.both > 4000
    assert report.verdicts + report.texts == []


def test_every_row_comes_back() -> None:
    """What the assembler writes, with operands from the ends of their ranges, is decoded as it."""
    core = model("lx6")
    decoder, seen = Decoder(core), set()
    for row in TABLE.rows:
        if not row.features <= core.features:
            continue
        for choice in range(8):
            values = [samples[choice * 7 % len(samples)]
                      for samples in (operand.kind.samples() for operand in row.operands)]
            if not row.holds(*values) or (
                    row.name in ("rsr", "wsr", "xsr") and values[0] not in core.specials):
                continue
            found = decoder.decode(call(row, values), 0x4008_0000)
            assert found is not None and (found.row.size, found.size) == (row.size, row.size)
            if found.row is row:
                seen.add(row.name)
    assert {row.name for row in TABLE.rows if row.features <= core.features} - seen == set()


def test_what_instructions_tell() -> None:
    decoder = Decoder(model("lx6"))
    found = decoder.decode(0x00120C, 0x4008_0000)
    assert found is not None
    assert (found.name, found.row.name, found.operands, found.size, found.end) == (
        "movi", "movi.n", (2, 1), 2, 0x4008_0002)
    call8 = decoder.decode(TABLE["call8"].word(0x100), 0x4008_0002)
    assert call8 is not None
    assert (call8.target, call8.operands, call8.quad) == (0x4008_0104, (0x4008_0104,), 2)
    assert call8.text() == "call8 0x40080104" and "0x40080002" in repr(call8)
    load = decoder.decode(TABLE["lsi"].word(3, 14, 8), 0)
    assert load is not None and (load.quad, load.floats) == (3, True)
    assert load.value("s") == 14
    with pytest.raises(KeyError):
        load.value("x")
    status = decoder.decode(TABLE["rur"].word(232, 2), 0)
    pointer = decoder.decode(TABLE["rur"].word(231, 2), 0)
    assert status is not None and pointer is not None
    assert (status.floats, pointer.floats) == (True, False)
    entry = decoder.decode(TABLE["entry"].word(1, 32), 0)
    assert entry is not None and entry.quad == 0


def test_configurations() -> None:
    """What one core has is illegal on another."""
    for row, values, cores in (
            ("entry", (1, 32), {"lx6", "de212", "de233_fpu"}),
            ("loop", (2, 8), {"lx6", "de212", "de233_fpu"}),
            ("add.s", (1, 2, 3), {"lx6", "de233_fpu"}),
            ("andb", (1, 2, 3), {"lx6", "de233_fpu"}),
            ("muluh", (1, 2, 3), {"lx6"}),
            ("quou", (1, 2, 3), {"lx6", "de212", "de233_fpu"}),
            ("mull", (1, 2, 3), set(MODELS)),
            ("rsr", (72, 3), {"lx6", "de212", "de233_fpu"}),
            ("rsr", (247, 3), {"lx6"}),
            ("rsr", (5, 3), {"lx106"}),
            ("rsr", (230, 3), set(MODELS))):
        word = TABLE[row].word(*values)
        has = {name for name in MODELS if Decoder(model(name)).decode(word, 0) is not None}
        assert has == cores, row


def test_models() -> None:
    lx6, lx106 = model("lx6"), model("lx106")
    assert (lx6.quads, lx6.abi, lx106.quads, lx106.abi) == (16, "windowed", 4, "call0")
    assert (lx6.interrupts.nmi_level, lx6.interrupts.top_level, lx6.level_vector(2)) == (
        7, 7, 0x180)
    assert (lx106.interrupts.nmi_level, lx106.interrupts.top_level) == (3, 3)
    assert lx6.interrupts.mask(2) == 0x380000 and lx6.interrupts.outer == 0xDFFE_7F3F
    with pytest.raises(CoreError, match="there is no core 'lx7'; there are lx106, lx6"):
        model("lx7")
