"""Every row of every table: what it encodes it decodes, and nothing else does."""

from __future__ import annotations

import random

import pytest

from mpy_cross.assembler.arch import ARCHES
from mpy_cross.assembler.isa import EncodeError, Row
from mpy_cross.assembler.table import call
from tests.assembler.sampling import operand_tuples
from tests.assembler.sets import SETS, Set

EACH_SET = pytest.mark.parametrize("one", SETS.values(), ids=SETS)


def rows(one: Set) -> list[Row]:
    return [item for item in one.table.rows if item.features <= one.features]


@EACH_SET
def test_encode_decode_encode(one: Set) -> None:
    for item in rows(one):
        count = 0
        for values in operand_tuples(item, 40):
            count += 1
            word = call(item, values)
            assert word & item.mask == item.match
            data = item.to_bytes(word)
            assert len(data) == item.size
            assert one.table.size_of(data[0] | data[1] << 8) == item.size, item
            decoded = one.table.decode(data, 0, 0x1000, one.features)
            assert decoded is not None, f"{item.name} {values}: {data.hex()} is not decoded"
            assert (decoded.row.name, decoded.operands) == (item.name, values)
            assert (decoded.size, decoded.word, decoded.address) == (item.size, word, 0x1000)
        assert count, f"{item.name} has no valid operands"


@EACH_SET
def test_every_value_of_a_single_operand(one: Set) -> None:
    """All the values of each field, the other operands fixed, encode to different words."""
    for item in rows(one):
        first = next(operand_tuples(item, 1))
        for number, operand in enumerate(item.operands):
            bits = sum(count for _, count, _ in operand.pieces)
            seen: dict[int, int] = {}
            for field in range(1 << min(bits, 9)):
                value = operand.kind.get(field)
                if value is None:
                    continue
                assert operand.kind.put(value) == field, f"{item.name}: {operand.name}={value}"
                values = (*first[:number], value, *first[number + 1:])
                if item.holds(*values):
                    assert seen.setdefault(call(item, values), value) == value


@EACH_SET
def test_a_value_that_does_not_fit_is_refused(one: Set) -> None:
    for item in rows(one):
        first = next(operand_tuples(item, 1))
        for number, operand in enumerate(item.operands):
            refused = 0
            for value in (-1, -2, 3, 1 << 33, -(1 << 33), 15, 13, 1, 0x101):
                if operand.kind.put(value) >= 0:
                    continue
                refused += 1
                with pytest.raises(EncodeError) as caught:
                    call(item, (*first[:number], value, *first[number + 1:]))
                error = caught.value
                assert (error.row, error.operand, error.value) == (item.name, operand.name, value)
                assert str(error) == (f"{item.name}: {operand.name}={value} does not fit "
                                      f"{operand.kind.allowed}")
            assert refused >= 2, f"{item.name}: {operand.name} takes everything"


@EACH_SET
def test_combinations_that_are_forbidden(one: Set) -> None:
    """A `where` condition refuses something that each operand alone would allow."""
    for item in rows(one):
        if not item.where:
            continue
        first = next(operand_tuples(item, 1))
        bad = [values for number, operand in enumerate(item.operands)
               for value in operand.kind.samples()
               if not item.holds(*(values := (*first[:number], value, *first[number + 1:])))]
        if not bad:  # two operands must change together
            chance = random.Random(item.name)
            samples = [operand.kind.samples() for operand in item.operands]
            bad = [values for _ in range(2000)
                   if not item.holds(*(values := tuple(map(chance.choice, samples))))]
        assert bad, f"{item.name}: nothing breaks {item.where}"
        for values in bad[:4]:
            with pytest.raises(EncodeError, match=item.name):
                call(item, values)


def test_no_two_rows_overlap() -> None:
    tables = {one.table.name: one.table for one in SETS.values()}
    for name, table in tables.items():
        features = [one.features for one in SETS.values() if one.table is table]
        features += [arch.features for arch in ARCHES.values() if arch.table == name]
        assert table.validate(features) == []


@EACH_SET
def test_access_of_operands(one: Set) -> None:
    """Only registers are read or written, and every register is."""
    for item in rows(one):
        for operand in item.operands:
            register = operand.kind.form.startswith(("reg:", "list:"))
            assert (operand.access in ("r", "w", "rw")) == register, f"{item.name} {operand.name}"


def test_reads_and_writes() -> None:
    table = SETS["thumb"].table
    assert table["muls_reg2"].reads == ("d", "m")
    assert table["muls_reg2"].writes == ("d",)
    assert table["smlal"].reads == ("dlo", "dhi", "n", "m")
    assert table["smlal"].writes == ("dlo", "dhi")
    assert table["str_imm5"].writes == ()
    assert table["ldmia_wb"].writes == ("n", "l")


@EACH_SET
def test_find_gives_back_the_row(one: Set) -> None:
    """The printed mnemonic and operands lead to an instruction that prints the same."""
    for item in rows(one):
        values = next(operand_tuples(item, 1))
        text = item.text(values, 0, hex)
        mnemonic = text if item.name == "it" else text.partition(" ")[0]
        operands = []
        for form, number, fixed in one.table.shape(item):
            operands.append((form, fixed if number < 0 else values[number]))
        found, named = one.table.find(mnemonic, operands, one.features)
        assert found.text(named, 0, hex) == text
