"""The code buffer: labels, branch sizes, alignment, literals."""

from __future__ import annotations

import random

import pytest

from mpy_cross.assembler import riscv, thumb, xtensa
from mpy_cross.assembler.arch import ARCHES
from mpy_cross.assembler.code import Code, CodeError
from mpy_cross.assembler.isa import EncodeError
from mpy_cross.assembler.text import Data, disassemble, listing

T = thumb.TABLE
FEATURES = ARCHES["armv7m"].features
BRANCH = (T["b"], T["b.w"])
BRANCH_IF = (T["b_cond"], T["b.w_cond"])


def test_labels_forwards_and_backwards() -> None:
    code = Code()
    top, end = code.label("top"), code.label("end")
    code.bind(top)
    code.branch([T["cbz"]], end, 0)
    code.emit(T["subs_imm8"], 0, 1)
    code.branch(BRANCH, top)
    code.bind(end)
    code.emit(T["bx"], 14)
    assert code.finish() == bytes.fromhex("08b1 0138 fce7 7047")
    assert code.address(end) == 6


def test_a_branch_grows_only_when_it_must() -> None:
    for gap, size in ((254, 2), (256, 4)):  # bytes between the branch and its target
        code = Code()
        end = code.label()
        code.branch(BRANCH_IF, end, 1)
        code.raw(bytes(gap + 2))
        code.bind(end)
        data = code.finish()
        assert len(data) == gap + 2 + size
        found = T.decode(data, 0, 0, FEATURES)
        assert found is not None
        assert (found.row.name, found.target) == (
            ("b_cond" if size == 2 else "b.w_cond"), len(data))


def test_growth_spreads() -> None:
    """Each branch reaches until another one inside its reach has grown."""
    code = Code()
    ends = [code.label() for _ in range(20)]
    for end in ends:
        code.branch(BRANCH_IF, end, 0)
    code.raw(bytes(254 + 4 - 20 * 2))
    for end in ends[:-1]:
        code.bind(end)  # all just in reach
        code.raw(bytes(2))
    code.raw(bytes(2))
    code.bind(ends[-1])  # but for this one
    data = code.finish()
    found = [item for item in disassemble(T, data[:80], FEATURES) if not isinstance(item, tuple)]
    places = [code.address(end) for end in ends]
    assert [item.target for item in found[:20]] == places
    assert [item.row.name for item in found[:20]].count("b.w_cond") == 20


def test_random_layouts_reach_their_labels() -> None:
    chance = random.Random(7)
    for _ in range(50):
        code = Code(origin=chance.choice((0, 2, 0x1000)))
        labels = [code.label() for _ in range(8)]
        waiting = labels[:]
        expected = []
        for _ in range(40):
            choice = chance.random()
            if choice < 0.3:
                code.branch(BRANCH, wanted := chance.choice(labels))
                expected.append(wanted)
            elif choice < 0.6:
                code.branch(BRANCH_IF, wanted := chance.choice(labels), chance.randrange(14))
                expected.append(wanted)
            elif choice < 0.7:
                code.align(4, 0)
            elif waiting and choice < 0.8:
                code.bind(waiting.pop())
            else:
                for _ in range(chance.randrange(1, 60)):
                    code.emit(T["movs_reg"], 0, 0)
        for label in waiting:
            code.bind(label)
        data = code.finish()
        jumps = [item for item in disassemble(T, data, FEATURES, code.origin)
                 if not isinstance(item, tuple) and item.target is not None]
        assert [item.target for item in jumps] == [code.address(label) for label in expected]
        for item in jumps:  # no wide branch that a narrow one could replace, alignments apart
            assert item.row.name in ("b", "b.w", "b_cond", "b.w_cond")


def test_alignment_and_data() -> None:
    code = Code(origin=2)
    code.data(0x1234, 2)
    code.align(4, 0xAA)
    code.data(-1, 4)
    code.align(8)
    assert code.finish() == bytes.fromhex("3412 ffffffff") == b"\x34\x12" + b"\xff" * 4
    code = Code()
    code.raw(b"\1")
    code.align(4, 0xAA)
    assert code.finish() == b"\1\xaa\xaa\xaa"
    with pytest.raises(EncodeError, match=r"data: value=65536 does not fit 2 bytes"):
        code.data(65536, 2)


def test_literals() -> None:
    code = Code()
    code.branch([T["ldr_lit"]], code.literal(0x12345678), 0)
    code.branch([T["ldr_lit"]], code.literal(0x12345678), 1)
    code.branch([T["ldr_lit"]], code.literal(-1), 2)
    code.emit(T["bx"], 14)
    code.emit(T["nop"])
    data = code.finish()
    assert data == bytes.fromhex("0248 0249 024a 7047 00bf 0000 78563412 ffffffff")


def test_xtensa_literal_before_the_code() -> None:
    code = Code()
    value = code.literal(0x12345678)
    code.pool()
    code.branch([xtensa.TABLE["l32r"]], value, 2)
    assert code.finish() == bytes.fromhex("78563412 21ffff")


def test_compressed_branches_relax() -> None:
    code = Code()
    end = code.label("end")
    code.branch((riscv.TABLE["c.beqz"], riscv.TABLE["beq"]), end, 10)
    code.raw(bytes(20))
    code.bind(end)
    assert len(code.finish()) == 22


def test_errors() -> None:
    code = Code()
    lost = code.label("lost")
    code.branch(BRANCH, lost)
    with pytest.raises(CodeError, match=r"^lost is not bound$"):
        code.finish()
    with pytest.raises(CodeError, match=r"^lost is not bound$"):
        code.address(lost)
    code.bind(lost)
    with pytest.raises(CodeError, match=r"^lost is bound twice$"):
        code.bind(lost)
    far = code.label("far")
    code.branch([T["b_cond"]], far, 0)
    code.raw(bytes(1000))
    code.bind(far)
    with pytest.raises(EncodeError, match=r"b_cond: i=998 does not fit a multiple of 2 in -256"):
        code.finish()


def test_listing() -> None:
    code = bytes.fromhex("10b5 08b1 0138 fce7 ffffffff 10bd 01")
    text = listing(T, code, FEATURES, 0x100, {0x100: "main"},
                   lambda item: "back" if item.row.name == "b" else "")
    assert text == """\
main:
   100  10b5      push {r4, lr}
L1:
   102  08b1      cbz r0, L2
   104  0138      subs r0, #1
   106  fce7      b L1                              ; back
L2:
   108  ffffffff  .byte 0xff, 0xff, 0xff, 0xff
   10c  10bd      pop {r4, pc}
   10e  01        .byte 0x01
"""
    assert listing(T, b"", FEATURES) == ""


@pytest.mark.parametrize("call", ["call0", "call8"])
@pytest.mark.parametrize(
    ("before", "distance", "between", "pad"),
    [("", 0, "", 1), ("", 4, "j", 2), ("", 4, "ret.n", 3), ("", 4, "mov.n ret.n", 1),
     ("", 4, "j ret.n", 0), ("mov.n", 4, "j", 0), ("mov.n", 4, "", 3), ("mov.n", 4, "ret.n", 1)],
)
def test_zeros_that_align_what_calls_go_to(
    call: str, before: str, distance: int, between: str, pad: int
) -> None:
    operands = {"j": (4,), "mov.n": (2, 3), call: (distance,), "add.n": (2, 3, 4)}
    names = f"{before} {call} {between}".split()
    table = xtensa.TABLE
    code = b"".join(table[name].encode(*operands.get(name, ())) for name in names)
    target = len(code) + pad
    code += bytes(pad) + table["add.n"].encode(*operands["add.n"])
    found = list(disassemble(table, code, ARCHES["xtensawin"].features))
    assert [item.data for item in found if isinstance(item, Data)] == [bytes(pad)] * (pad > 0)
    steps = [item for item in found if not isinstance(item, Data)]
    assert [step.row.name for step in steps] == [*names, "add.n"]
    assert steps[-1].address == target == steps[bool(before)].target
