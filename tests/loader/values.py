"""Hypothesis strategies for constants, names and whole .mpy files."""

from __future__ import annotations

from hypothesis import strategies as st

from mpy_cross.loader import opcodes as bc
from mpy_cross.loader import release
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, NativeFlag, RawCode
from mpy_cross.loader.objects import ConstValue, FunTable, Str
from mpy_cross.loader.opcodes import Operand
from mpy_cross.loader.prelude import encode_signature, encode_sizes
from mpy_cross.loader.static_qstrs import STATIC_QSTRS
from mpy_cross.loader.varint import encode_int, encode_uint

names = st.one_of(st.sampled_from(STATIC_QSTRS), st.binary(min_size=0, max_size=20))
big_ints = st.integers(-(10**40), 10**40)
floats = st.floats(allow_nan=False)
complexes = st.builds(complex, st.just(0.0), floats)
plain5: st.SearchStrategy[ConstValue] = st.one_of(
    big_ints, floats, complexes, st.binary(max_size=40), st.builds(Str, st.binary(max_size=40)),
    st.just(...),
)  # fmt: skip
plain6: st.SearchStrategy[ConstValue] = st.one_of(plain5, st.sampled_from([None, True, False]))
constants6: st.SearchStrategy[ConstValue] = st.one_of(
    st.recursive(plain6, lambda inner: st.lists(inner, max_size=4).map(tuple), max_leaves=8),
    st.builds(FunTable),
)

_SIMPLE = [row.number for row in bc.OPCODES if row is not None and row.operand == Operand.NONE]
_NAMED = [row.number for row in bc.OPCODES if row is not None and row.operand == Operand.QSTR]
_NUMBERED = [row.number for row in bc.OPCODES if row is not None and row.operand == Operand.UINT]


@st.composite
def bytecode5(draw: st.DrawFn, n_qstrs: int, n_args: int, cached: bool) -> bytes:
    """Function data of version 5; the names are indices below `n_qstrs`."""
    index = st.integers(0, n_qstrs - 1).map(lambda i: i.to_bytes(2, "little"))
    code = bytearray()
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(st.integers(0, 4))
        if kind == 0:
            code.append(draw(st.sampled_from(_SIMPLE)))
        elif kind == 1:
            op = draw(st.sampled_from(_NAMED))
            code.append(op)
            code += draw(index)
            if cached and op in bc.CACHED:
                code.append(draw(st.integers(0, 255)))
        elif kind == 2:
            code.append(draw(st.sampled_from(_NUMBERED)))
            code += encode_uint(draw(st.integers(0, 1 << 20)))
        elif kind == 3:
            code.append(bc.LOAD_CONST_SMALL_INT)
            code += encode_int(draw(st.integers(-(1 << 40), 1 << 40)))
        else:
            code.append(bc.MAKE_CLOSURE)
            code += encode_uint(draw(st.integers(0, 300)))
            code.append(draw(st.integers(0, 255)))
    cells = draw(st.binary(max_size=3))
    lines = draw(st.binary(max_size=8)) + b"\0"
    info = draw(index) + draw(index) + lines
    signature = encode_signature(
        draw(st.integers(1, 200)), draw(st.integers(0, 8)), draw(st.integers(0, 15)), n_args, 0, 0
    )
    return signature + encode_sizes(len(info), len(cells)) + info + cells + bytes(code)


@st.composite
def code5(draw: st.DrawFn, n_qstrs: int, cached: bool, depth: int) -> RawCode:
    index = st.integers(0, n_qstrs - 1)
    kind = draw(st.sampled_from(list(CodeKind)))
    raw = RawCode(kind, b"")
    if kind == CodeKind.BYTECODE:
        raw.arg_names = draw(st.lists(index, max_size=3))
        raw.code = draw(bytecode5(n_qstrs, len(raw.arg_names), cached))
    else:
        machine = draw(st.binary(max_size=20))
        if kind == CodeKind.NATIVE:
            raw.arg_names = draw(st.lists(index, max_size=3))
            raw.prelude_offset = len(machine)
            raw.name, raw.source_file = draw(index), draw(index)
            machine += encode_signature(3, 0, 0, len(raw.arg_names), 0, 0)
            machine += encode_sizes(5, 0) + bytes(5)
        raw.code = machine
        if kind != CodeKind.ASM:
            raw.qstr_links = draw(st.lists(st.tuples(st.integers(0, 5000), index), max_size=3))
        _scope(draw, raw)
    if kind == CodeKind.ASM:
        return raw
    raw.constants = draw(st.lists(plain5, max_size=3))
    if depth:
        raw.children = draw(st.lists(code5(n_qstrs, cached, depth - 1), max_size=2))
    return raw


@st.composite
def code6(draw: st.DrawFn, depth: int) -> RawCode:
    kind = draw(st.sampled_from(list(CodeKind)))
    raw = RawCode(kind, draw(st.binary(max_size=30)))
    if kind == CodeKind.NATIVE:
        raw.prelude_offset = draw(st.integers(0, 1000))
    elif kind != CodeKind.BYTECODE:
        _scope(draw, raw)
    if depth:
        raw.children = draw(st.lists(code6(depth - 1), max_size=2))
    return raw


def _scope(draw: st.DrawFn, raw: RawCode) -> None:
    if raw.kind == CodeKind.ASM:
        raw.n_pos_args = draw(st.integers(0, 4))
        raw.type_sig = draw(st.integers(0, 1 << 20))
    elif raw.kind == CodeKind.VIPER:
        raw.scope_flags = draw(st.sampled_from([0, *map(int, NativeFlag), 0x70]))
        if raw.scope_flags & NativeFlag.RODATA:
            raw.rodata = draw(st.binary(max_size=9))
        if raw.scope_flags & NativeFlag.BSS:
            raw.bss_size = draw(st.integers(0, 1 << 30))
        if raw.scope_flags & NativeFlag.RELOC:
            raw.relocations = draw(
                st.sampled_from([b"", b"\x00", b"\x03\x81\x02\x05", b"\x0c\x10"])
            )


@st.composite
def files5(draw: st.DrawFn) -> MpyFile:
    qstrs = draw(st.lists(names, min_size=1, max_size=60, unique=True))
    cached = draw(st.booleans())
    return MpyFile(
        release=release.get(draw(st.sampled_from(["1.12", "1.17", "1.18"]))),
        qstrs=qstrs,
        objects=[],
        root=draw(code5(len(qstrs), cached, 2)),
        small_int_bits=draw(st.integers(0, 255)),
        unicode=draw(st.booleans()),
        cache_lookup_bc=cached,
        arch=draw(st.integers(0, 10)),
        qstr_window=draw(st.sampled_from([1, 2, 5, 32, 64])),
    )


@st.composite
def files6(draw: st.DrawFn) -> MpyFile:
    known = release.get(draw(st.sampled_from(["1.19", "1.20", "1.22", "1.23", "1.29"])))
    return MpyFile(
        release=known,
        qstrs=draw(st.lists(names, max_size=40)),
        objects=draw(st.lists(constants6, max_size=6)),
        root=draw(code6(2)),
        small_int_bits=draw(st.integers(0, 255)),
        arch=draw(st.integers(0, len(known.archs) - 1)),
        arch_flags=draw(st.integers(0, 300)) if known.arch_flags else 0,
        qstr_window=0,
    )
