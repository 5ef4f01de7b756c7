"""The inline assemblers beyond the reference: every row of the tables, called from source text."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from mpy_cross.assembler.isa import Row
from mpy_cross.assembler.kinds import Label
from mpy_cross.assembler.table import call
from mpy_cross.cli import main
from mpy_cross.driver import compile_source
from mpy_cross.errors import CompileError
from mpy_cross.report import reference_text
from tests.native import inline_rows
from tests.native.inline_rows import (
    LABEL,
    RELEASE,
    TARGETS,
    Target,
    between,
    call_of,
    compiled,
    error_of,
    has_label,
    options_of,
    samples,
    source_of,
)
from tests.oracle import reference
from tests.oracle.reference import Settings, Unavailable, Verdict

WHOLE = ("armv7emdp", "xtensa", "xtensawin", "rv32imc")
"""Architectures that have, together, every row for which there is an inline assembler."""
PARTS = 4


def part_of(one: Target, part: int) -> list[Row]:
    return one.rows[part::PARTS]


def reference_takes(one: Target, line: str) -> bytes | None:
    """The bytes of a line that is in the reference's own set, else None."""
    try:
        return between(one, [line], strict=True)
    except CompileError:
        return None


each_part = pytest.mark.parametrize(
    ("arch", "part"), [(arch, part) for arch in WHOLE for part in range(PARTS)]
)


@each_part
def test_every_row(arch: str, part: int) -> None:
    """The call of a row gives the row's bytes, or those of the reference if it knows the call."""
    one = TARGETS[arch]
    tried = 0
    for item in part_of(one, part):
        if has_label(item):
            continue
        for values in samples(item, 4):
            line = call_of(item, values)
            expected = reference_takes(one, line)
            if expected is None:
                expected = item.to_bytes(call(item, values))
            assert between(one, [line]) == expected, line
            tried += 1
    assert tried > 100


@each_part
@pytest.mark.parametrize("gap", [4, 24])
@pytest.mark.parametrize("backward", [False, True])
def test_labels(arch: str, part: int, gap: int, backward: bool) -> None:
    """A label before or behind an instruction is what the instruction reaches, if it can."""
    one = TARGETS[arch]
    for item in part_of(one, part):
        if not has_label(item):
            continue
        values = next(samples(item, 1))
        line = call_of(item, values)
        filler = f"data(4{', 0' * (gap // 4)})"
        lines = ["align(4)", "label(begin)", line, "align(4)", filler, f"label({LABEL})",
                 "data(4, 0x5AA55AA5)"]
        if backward:
            lines = ["align(4)", f"label({LABEL})", "data(4, 0x5AA55AA5)", filler, line]
        kind = next(one.kind for one in item.operands if isinstance(one.kind, Label))
        assert isinstance(kind, Label)
        strict = error_of(one, lines, strict=True)
        if strict is not None and strict.kind == "RuntimeError":  # the reference's own limits
            error = error_of(one, lines)
            assert error is not None
            assert reference_text(error) == reference_text(strict)
            continue
        try:
            code = compiled(one, lines)
        except CompileError as failed:
            signed = any(value < 0 for value in kind.samples())
            unsigned = any(value >= 0 for value in kind.samples())
            assert not signed if backward else not unsigned, f"{line}: {failed}"
            assert re.search("bytes away|allowed", failed.note), f"{line}: {failed.note}"
            continue
        if strict is None:
            assert code == compiled(one, lines, strict=True)
            continue
        marked = code.index((0x5AA55AA5).to_bytes(4, "little"))
        at = marked + 4 + gap if backward else _begin(one, code, lines, line)
        found = one.table.decode(code, at, at, one.features)
        assert found is not None, line
        assert found.target == marked, line
        assert found.row.mnemonic.replace(".w", "") == item.mnemonic.replace(".w", ""), line


def _begin(one: Target, code: bytes, lines: list[str], line: str) -> int:
    """Where the label `begin` is: a data word in its place tells."""
    other = [f"data(4, {inline_rows.MARK:#x})" if text == line else text for text in lines]
    return compiled(one, other).index(inline_rows.MARK.to_bytes(4, "little"))


@each_part
def test_out_of_range(arch: str, part: int) -> None:
    """An integer beyond its range is refused by number, value and range, or fits a longer row."""
    one = TARGETS[arch]
    refused = 0
    for item in part_of(one, part):
        if has_label(item):
            continue
        values = next(samples(item, 1))
        for number in range(len(item.operands)):
            for value in inline_rows.beyond(item, number):
                changed = (*values[:number], value, *values[number + 1:])
                try:
                    line = call_of(item, changed)
                except (KeyError, IndexError, ValueError):  # has no text
                    continue
                error = error_of(one, [line])
                if error is None:
                    if reference_takes(one, line) is None:
                        found = one.table.decode(between(one, [line]), 0, 0, one.features)
                        assert found is not None, line
                        assert plain(call_of(found.row, found.operands)) == plain(line), line
                else:
                    assert re.search(rf" is {value}, allowed|requires|takes these", error.note), \
                        f"{line}: {error.message}: {error.note}"
                    assert not error_note_when_strict(one, line), line
                    refused += 1
    assert refused > 5


def plain(line: str) -> str:
    """A call without what tells the widths of one instruction apart."""
    number = re.sub(r"0x[0-9a-f]+", lambda found: str(int(found[0], 16)), line)
    return number.replace("_w(", "(").replace("_w_", "_").replace("_(", "(")


def error_note_when_strict(one: Target, line: str) -> str:
    error = error_of(one, [line], strict=True)
    return "" if error is None else error.note


@pytest.mark.parametrize("arch", ["armv6m", "armv7m", "armv7em", "armv7emsp", "xtensa", "rv32imc"])
def test_features(arch: str) -> None:
    """What an architecture lacks is refused, by the name of the one that has it."""
    one = TARGETS[arch]
    table = one.table
    refused = 0
    here = {call_of(item, next(samples(item, 1))).partition("(")[0] for item in one.rows}
    for item in table.rows:
        if item.features <= one.features or has_label(item):
            continue
        line = call_of(item, next(samples(item, 1)))
        name = line.partition("(")[0]
        error = error_of(one, [line])
        if error is None:  # the reference knows it, or another row has this name
            assert reference_takes(one, line) is not None or name in here, line
            continue
        refused += 1
        assert name in here or f"{name} needs " in error.note, f"{line}: {error.note}"
    assert refused > 10


def test_feature_note() -> None:
    error = error_of(TARGETS["armv7m"], ["smlad(r0, r1, r2, r3)"])
    assert error is not None
    assert error.message == "unsupported Thumb instruction 'smlad' with 4 arguments"
    assert error.note == "smlad needs armv7em (DSP), this is armv7m"
    assert error.line == 3


@pytest.mark.parametrize(
    ("arch", "line", "note"),
    [
        ("armv7m", "movw(r0, 0x10000)", "operand 2 of movw is 65536, allowed 0..65535"),
        ("armv7m", "mov(r0, 256)", "operand 2 of mov is 256, allowed 0..255; "
                                   "mov_w takes these operands"),
        ("armv7m", "add(r9, 1)", "operand 1 of add is r9, allowed r0..r7"),
        ("armv7m", "ldr(r0, [r1, 126])", "operand 2 of ldr is 126, allowed a multiple of 4 "
                                         "in 0..124; ldr_w takes these operands"),
        ("armv7m", "b(x)", "the labels of this function are start"),
        ("armv7m", "ldrd(r0, r0, [r1, 8])", "ldrd(t, t2, [n, i]) requires t != t2"),
        ("armv7m", "ldrd(r0, r1, [r2, 1024])",
         "operand 3 of ldrd is 1024, allowed a multiple of 4 in -1020..1020"),
        ("armv7m", "smull(r0, r1)", "there is smull(dlo, dhi, n, m)"),
        ("armv7m", "bfi(r0, r1, 30, 3)", "operand 3 of bfi is 30, allowed a field within bits "
                                         "0..31"),
        ("armv7m", "add_w(r0, r1, r2, lsl(32))",
         "operand 4 of add_w is lsl 32, allowed lsl 0..31, lsr 1..32, asr 1..32, ror 1..31 or rrx"),
        ("armv7m", "smlat(r0, r1, r2, r3)", "similar names: smlawt, smlatt, smlatb"),
        ("armv7m", "ldr(r0, nowhere)", "label 'nowhere' is not defined"),
        ("xtensa", "addi(a2, a3, 128)", "operand 3 of addi is 128, allowed -128..127"),
        ("xtensa", "quou(a2, a3, a4)", "quou needs xtensawin (div), this is xtensa"),
        ("rv32imc", "addi(a0, a1, 2048)", "operand 3 of addi is 2048, allowed -2048..2047"),
        ("rv32imc", "lw(a0, 2048(a1))", "operand 2 of lw is 2048, allowed -2048..2047"),
        ("rv32imc", "c_addi(a0, 0)", "operand 2 of c_addi is 0, allowed -32..31, not 0"),
        ("rv32imc", "c_lw(t0, 4(a0))", "operand 1 of c_lw is t0, allowed s0, s1, a0, a1, a2, a3, "
                                       "a4, a5"),
        ("rv32imc", "addw(a0, a1, a2)", "addw needs rv64imc (rv64), this is rv32imc"),
    ],
)
def test_notes(arch: str, line: str, note: str) -> None:
    one = TARGETS[arch]
    error = error_of(one, ["label(start)", line])
    assert error is not None
    assert error.note == note
    strict = error_of(one, ["label(start)", line], strict=True)
    assert strict is not None
    assert strict.note == ""
    assert reference_text(strict) == reference_text(error)


def test_far_label() -> None:
    """A branch of our own out of its reach."""
    filler = f"data(4{', 0' * 40})"
    error = error_of(TARGETS["armv7m"], ["cbz(r0, x)", filler, "label(x)"])
    assert error is not None
    assert error.note == "operand 2 of cbz is 158 bytes away, allowed a multiple of 2 in 0..126"
    error = error_of(TARGETS["armv7m"], ["beq(x)", filler, filler, "label(x)"])
    assert error is not None
    assert error.message == "branch not in range"
    assert error.note == "label 'x' is 318 bytes away from beq, allowed -256..254"


# What an argument may look like, sensible or not.
ARGUMENTS = (
    *("r0", "r9", "sp", "s1", "d2", "a2", "f3", "b4", "m1", "zero", "t0", "here", "eq", "mstatus"),
    *("0", "-1", "4", "32", "255", "65536", "-2147483648", "1 << 40", "1.5", "-2.25", "None"),
    *("{r0}", "{r1-r4}", "{s0-s2}", "{ra, s0}", "{}", "{5}", "{r0: 1}", "[r0]", "[r0, 4]", "[]"),
    *("[r1, r2, lsl(2)]", "[[r0], 1]", "lsl(3)", "lsl(r1)", "asr(0)", "rrx", "rrx(1)", "ror(8)"),
    *("4(a1)", "-4(a1)", "4(a1, a2)", "d0[1]", "a.b", "a + b", "f(x)(y)", "[r0:4]", "(1, 2)"),
)


@pytest.mark.parametrize("arch", [*WHOLE, "armv6m"])
def test_any_arguments(arch: str) -> None:
    """Whatever the arguments are, there is code or an error with the reference's message."""
    one = TARGETS[arch]
    chance = random.Random(arch)
    names = sorted({call_of(item, next(samples(item, 1))).partition("(")[0] for item in one.rows})
    accepted = 0
    for name in names * 3:
        arguments = chance.choices(ARGUMENTS, k=chance.randint(0, 4))
        lines = [f"label({LABEL})", f"{name}({', '.join(arguments)})"]
        error = error_of(one, lines)
        if error is None:
            accepted += 1
        else:
            strict = error_of(one, lines, strict=True)
            assert strict is not None
            assert strict.message == error.message
    assert accepted > 0


def test_error_without_a_line() -> None:
    """Where the reference names no line, the note does."""
    lines = ["l32r(a2, here)", "label(here)"]
    error = error_of(TARGETS["xtensa"], lines)
    assert error is not None
    assert error.line == 0
    assert error.note == "line 3: l32r, label 'here' is 3 bytes away"


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("add(r0, r1)", "add_any"),  # of the two rows of this name, the one with two registers
        ("ldr(r0, [sp, 8])", "ldr_sp"),
        ("adds(r0, r1, 1)", "adds_imm3"),
        ("adds(r0, r1, 9)", "adds.w_imm"),  # the width is left out
        ("ldr(r0, [r1], -4)", "ldr.w_post"),
        ("ldr_pre(r0, [r1, -4])", "ldr.w_pre"),
        ("stmia_wb(r0, {r1-r3, r5})", "stmia"),
        ("stmia_wb(r8, {r1-r3})", "stmia.w_wb"),
        ("ldmia(r0, {r0, r1})", "ldmia_in"),
        ("vldmia_wb(r0, {s4-s7})", "vldmia_32wb"),
        ("vmov_f32(s1, -1.5)", "vmov.f32_imm"),
        ("vcmp_f64(d1, 0.0)", "vcmp.f64_zero"),
        ("vmov(s2, s3, r0, r1)", "vmov_to_ss"),
        ("vmov_32(d3[1], r0)", "vmov.32_to_half"),
        ("tbh([pc, r0, lsl(1)])", "tbh"),
        ("and_(r0, r1, r2)", "and.w_reg"),
        ("yield_()", "yield"),
        ("msr(PRIMASK, r0)", "msr"),
        ("it(al)", "it"),
    ],
)
def test_names(text: str, row: str) -> None:
    """Which row a call of Thumb means."""
    one = TARGETS["armv7emdp"]
    found = one.table.decode(between(one, [text]), 0, 0, one.features)
    assert found is not None
    assert found.row.name == row


def test_command_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The note comes below the reference's lines; with --strict there is none."""
    source = tmp_path / "x.py"
    source.write_text(source_of(TARGETS["armv7m"], ["smlad(r0, r1, r2, r3)"]))
    arguments = ["--release", RELEASE, str(source)]
    note = "note: smlad needs armv7em (DSP), this is armv7m"
    assert main(["-march=armv7m", *arguments]) == 1
    lines = capfd.readouterr().err.splitlines()
    assert lines[-1] == note
    assert main(["-march=armv7m", "--strict", *arguments]) == 1
    assert capfd.readouterr().err.splitlines() == lines[:-1]
    assert main(["-march=armv7em", "--strict", *arguments]) == 1
    assert not (tmp_path / "x.mpy").exists()
    assert main(["-march=armv7em", *arguments]) == 0
    assert bytes.fromhex("21fb0230") in (tmp_path / "x.mpy").read_bytes()


@pytest.mark.parametrize("arch", WHOLE)
def test_strict(arch: str) -> None:
    """Strict is the reference; else what it accepts is the same, what both refuse has its text."""
    one = TARGETS[arch]._replace(flags=0)  # the oracle knows no -march-flags
    one = one._replace(features=one.features - {"zba", "zcmp"})
    for item in one.rows[::2]:
        line = call_of(item, next(samples(item, 1)))
        lines = [f"label({LABEL})", line] if has_label(item) else [line]
        source = source_of(one, lines).encode()
        try:
            theirs = reference.answer(RELEASE, source, "inline.py", Settings(arch=arch))
        except Unavailable as error:
            pytest.skip(str(error))
        if theirs.verdict is Verdict.CRASHED:
            continue
        for strict in (True, False):
            try:
                mine = compile_source(source, "inline.py", options_of(one, strict))
            except CompileError as error:
                assert theirs.text == reference_text(error), line
            else:
                if theirs.verdict is Verdict.ACCEPTED:
                    assert mine == theirs.code, line
                else:
                    assert not strict, line
