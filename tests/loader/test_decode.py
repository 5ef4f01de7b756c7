"""Bytecode to operations."""

from __future__ import annotations

import pytest

from mpy_cross.loader import opcodes as bc
from mpy_cross.loader import release
from mpy_cross.loader.codec import read
from mpy_cross.loader.decode import decode, decode_lines, instructions
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, RawCode
from mpy_cross.loader.ops import BinaryOp, ConstToken, Emit, FunctionOps, Verb, unpack_defaults
from mpy_cross.loader.prelude import encode_signature, encode_sizes
from tests.loader.samples import CACHED_1_17, NATIVE_1_17, NATIVE_1_29, SAMPLE_1_17, SAMPLE_1_29

SAMPLES = {"1.17": SAMPLE_1_17, "1.17 cached": CACHED_1_17, "1.29": SAMPLE_1_29}


def verbs(function: FunctionOps) -> list[str]:
    return [Verb(op[0]).name for op in function.ops]


@pytest.mark.parametrize("name", SAMPLES)
def test_structure_of_the_sample(name: str) -> None:
    decoded = decode(read(SAMPLES[name]))
    module = decoded.module
    assert module.names[module.source_file] == b"sample.py"
    titles = [module.names[function.name] for function in module.functions]
    assert titles == [b"<module>", b"A", b"f", b"<lambda>", b"<listcomp>"]
    f = module.functions[2]
    assert [module.names[i] for i in f.arg_names] == [b"self", b"a", b"b", b"d"]
    assert (f.n_pos_args, f.n_kwonly_args, f.n_def_pos_args) == (3, 1, 1)
    assert f.children == [module.functions[3]]
    assert decoded.preludes[2] is not None
    assert decoded.preludes[2].n_exc_stack == f.exc_stack_size == 3
    assert all(code.kind == CodeKind.BYTECODE for code in decoded.codes)


@pytest.mark.parametrize("name", SAMPLES)
def test_operations_of_the_sample(name: str) -> None:
    module = decode(read(SAMPLES[name])).module
    f = module.functions[2]
    # the two closed-over arguments are read through cells, their number is that of the argument
    first = [op for op in f.ops if op[0] not in (Verb.LINE, Verb.LABEL)][:4]
    assert first[0][0] == Verb.LOAD_GLOBAL
    assert module.names[first[0][1]] == b"open"
    assert first[1][:2] == (Verb.LOAD_DEREF, 1)
    assert module.names[first[1][2]] == b"a"
    assert first[2] == (Verb.CALL_FUNCTION, 1, 0)
    assert first[3][0] == Verb.SETUP_WITH
    assert verbs(f).count("WITH_CLEANUP") == 1
    cleanup = next(op for op in f.ops if op[0] == Verb.WITH_CLEANUP)
    assert cleanup[1] == first[3][1], "the with block ends at its own clean-up"
    before = f.ops[f.ops.index(cleanup) - 1]
    assert before != (Verb.LOAD_CONST_TOK, ConstToken.NONE, 0), "part of WITH_CLEANUP"
    assert (Verb.LOAD_CONST_TOK, ConstToken.ELLIPSIS, 0) in f.ops
    constants = [module.consts[op[1]] for op in f.ops if op[0] == Verb.LOAD_CONST_OBJ]
    assert constants == [1.5, 12345678901234567890, b"raw"]
    lines = [op[1] for op in f.ops if op[0] == Verb.LINE]
    assert lines == sorted(lines)
    assert {4, 5, 8, 13} <= set(lines) <= set(range(4, 14))
    make = next(op for op in module.functions[1].ops if op[0] == Verb.MAKE_FUNCTION)
    assert unpack_defaults(make[2]) == (0, 1, 1)
    comprehension = module.functions[4]
    assert (Verb.STORE_COMP, 0) in [op[:2] for op in comprehension.ops]
    assert (Verb.BINARY_OP, int(BinaryOp.ADD), 0) in comprehension.ops
    assert (Verb.GET_ITER, 1, 0) in comprehension.ops


def test_both_versions_decode_to_the_same_program() -> None:
    one = decode(read(SAMPLE_1_17)).module
    cached = decode(read(CACHED_1_17)).module
    for ours, theirs in zip(one.functions, cached.functions, strict=True):
        assert ours.ops == theirs.ops


@pytest.mark.parametrize("data", [NATIVE_1_17, NATIVE_1_29], ids=["1.17", "1.29"])
def test_machine_code_has_no_operations(data: bytes) -> None:
    decoded = decode(read(data))
    emits = [function.emit for function in decoded.module.functions]
    assert emits == [Emit.BYTECODE, Emit.NATIVE, Emit.VIPER, Emit.ASM]
    native = decoded.module.functions[1]
    assert native.ops == []
    assert [decoded.module.names[i] for i in native.arg_names] == [b"a", b"b"]
    assert [prelude is None for prelude in decoded.preludes] == [False, False, True, True]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_label_is_placed_once(name: str) -> None:
    for function in decode(read(SAMPLES[name])).module.functions:
        placed = [op[1] for op in function.ops if op[0] in (Verb.LABEL, Verb.WITH_CLEANUP)]
        assert sorted(placed) == list(range(function.n_labels))


def module_with(code: bytes, version: str) -> MpyFile:
    """A file whose module is `code`, with ten state slots."""
    known = release.get(version)
    info = b"\0\0\0\0\0" if known.mpy_version == 5 else b"\0"
    prelude = encode_signature(10, 0, 0, 0, 0, 0) + encode_sizes(len(info), 0) + info
    root = RawCode(CodeKind.BYTECODE, prelude + code)
    return MpyFile(release=known, qstrs=[b"x"], objects=[1.5], root=root)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("42ff", "the code ends inside an instruction"),
        ("07", "0x07 is no opcode"),
        ("1105", "there is no qstr 5"),
        ("2401", None),
        ("2410", "there is no local 16"),
        ("2301", "there is no constant 1"),
        ("3200", "there is no code object 0"),
        ("4250", "jumps to 21, where no instruction starts"),
        ("5c", "WITH_CLEANUP without a LOAD_CONST_NONE"),
    ],
)
def test_errors_in_bytecode(code: str, message: str | None) -> None:
    mpy = module_with(bytes.fromhex(code), "1.29")
    if message is None:
        decode(mpy)
        return
    with pytest.raises(MpyError) as caught:
        decode(mpy)
    assert caught.value.text == message


def test_jumps_of_version_6() -> None:
    """The formula of the bytecode's own comments: one byte, or seven bits and eight."""
    code = bytes.fromhex("42 40 42 ff ff 43 80 80 44 3f 48 05 48 85 01 40 40 83 63")
    mpy = module_with(code, "1.29")
    steps = instructions(mpy, code, 0)
    targets = [(step[1], step[2], step[3]) for step in steps[:7]]
    assert targets == [
        (bc.JUMP, 2, 0),
        (bc.JUMP, 5 + 0x7FFF - 0x4000, 0),
        (bc.POP_JUMP_IF_TRUE, 8 + 0x4000 - 0x4000, 0),
        (bc.POP_JUMP_IF_FALSE, 10 - 1, 0),
        (bc.SETUP_EXCEPT, 12 + 5, 0),
        (bc.SETUP_EXCEPT, 15 + 0x85, 0),
        (bc.UNWIND_JUMP, 17, 0x83),
    ]


def test_jumps_of_version_5() -> None:
    code = bytes.fromhex("42 0080 42 ff7f 48 0500 45 0380 40 0080 02 63")
    mpy = module_with(code, "1.17")
    targets = [(step[1], step[2], step[3]) for step in instructions(mpy, code, 0)[:5]]
    assert targets == [
        (bc.JUMP, 3, 0),
        (bc.JUMP, 5, 0),
        (bc.SETUP_EXCEPT, 14, 0),
        (bc.JUMP_IF_TRUE_OR_POP, 15, 0),
        (bc.UNWIND_JUMP, 15, 2),
    ]


def test_line_table() -> None:
    # skip 3 bytes 1 line; 20 bytes 0 lines; 4 bytes 300 lines; the rest only with zero_ends off
    table = bytes((1 << 5 | 3, 20, 0x80 | 4 | 0x10, 0x2C, 0, 2 << 5 | 1))
    assert decode_lines(table, zero_ends=True) == [(3, 2), (27, 302)]
    assert decode_lines(table, zero_ends=False) == [(3, 2), (27, 302), (28, 304)]
    assert decode_lines(b"\x84", zero_ends=False) == []


def test_opcode_table() -> None:
    numbers = [row.number for row in bc.OPCODES if row is not None]
    plain = 13 + 16 + 8 + 11 + 16 + 8  # names, numbers, more numbers, jumps, bytes, more bytes
    assert len(numbers) == len(set(numbers)) == plain + 64 + 2 * 16 + 4 + 35
    assert bc.OPCODES[0x00] is None
    row = bc.OPCODES[bc.BINARY_OP_MULTI + BinaryOp.ADD]
    assert row is not None
    assert row.name == "BINARY_OP ADD"
