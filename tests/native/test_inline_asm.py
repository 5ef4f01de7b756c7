"""The inline assemblers against the reference: bytes where it accepts, else the error text."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import mpy_cross
from mpy_cross.driver import compile_source
from mpy_cross.errors import CompileError
from mpy_cross.loader.release import get
from mpy_cross.options import CompileOptions
from mpy_cross.report import reference_text
from tests.native.inline_modules import MODULES
from tests.native.inline_programs import ASSEMBLERS, assembler_of, program, programs
from tests.oracle import compare, reference
from tests.oracle.reference import Answer, Settings, Unavailable, Verdict

TARGETS = (
    ("1.17", "xtensa"),
    ("1.29", "xtensa"),
    ("1.29", "xtensawin"),
    ("1.29", "rv32imc"),
    ("1.17", "armv7m"),
    ("1.29", "armv7m"),
    ("1.17", "armv7emsp"),
    ("1.29", "armv7emsp"),
    ("1.29", "armv6m"),
    ("1.17", "armv6"),
    ("1.29", "armv6"),
)
# Each target takes its share of the wrong arguments, to save time; 1 means all of them.
POOL_STEP = 4
# Architectures and releases without an inline assembler, or without much that is new.
OTHER_TARGETS = (
    ("1.12", "xtensa"),
    ("1.12", "armv7m"),
    ("1.19", "armv7emsp"),
    ("1.20", "armv7m"),
    ("1.22", "armv6m"),
    ("1.23", "xtensa"),
    ("1.17", "xtensawin"),
    ("1.23", "xtensawin"),
    ("1.17", "x64"),
    ("1.29", "x64"),
    ("1.29", ""),
    *((release, "rv32imc") for release in reference.built_releases() if get(release).has_asm_rv32),
    *((release, "armv7emsp") for release in reference.built_releases()),
)
CASES = [(release, arch, name) for release, arch in TARGETS for name in assembler_of(arch).bases]

# Whole functions: parameters, results, directives, labels.  `{a}` to `{d}` are the registers of
# parameters, `{nop}` and `{jump}` some instruction and a jump to nowhere.
FUNCTIONS = {
    "empty": "def f():\n    pass",
    "one line": "def f(): {nop}",
    "all parameters": "def f({a}, {b}, {c}, {d}):\n    {nop}",
    "too many parameters": "def f({a}, {b}, {c}, {d}, x):\n    {nop}",
    "parameters out of order": "def f({b}, {a}):\n    {nop}",
    "a default": "def f({a}=1):\n    {nop}",
    "a star": "def f(*{a}):\n    {nop}",
    "an annotation": "def f({a}: int):\n    {nop}",
    "returns object": "def f() -> object:\n    {nop}",
    "returns bool": "def f() -> bool:\n    {nop}",
    "returns int": "def f() -> int:\n    {nop}",
    "returns uint": "def f() -> uint:\n    {nop}",
    "returns an unknown type": "def f() -> float:\n    {nop}",
    "returns an expression": "def f() -> 1 + x:\n    {nop}",
    "unknown instruction": "def f():\n    {nop}\n    foo({a})",
    "no call": "def f():\n    {nop}\n    foo",
    "an assignment": "def f():\n    {nop}\n    x = 1",
    "a nested call": "def f():\n    {nop}\n    a.b(1)",
    "two on one line": "def f():\n    {nop}; {nop}",
    "two on one line and a half": "def f():\n    data(1, \n1); {nop}",
    "a semicolon": "def f():\n    data(1,\n 1);",
    "a docstring": "def f():\n    'text'\n    {nop}",
    "undefined label": "def f():\n    {nop}\n    {jump}",
    "label twice": "def f():\n    {nop}\n    label(x)\n    label(x)",
    "label without a name": "def f():\n    label()",
    "label of a number": "def f():\n    label(1)",
    "align": "def f():\n    data(1, 1)\n    align(4)\n    data(1, 1)\n    align(3)\n    {nop}",
    "align without a number": "def f():\n    align(x)",
    "data": "def f():\n    data(1, 1, 255, 256, -1)\n    data(2, 0x12345)\n    data(4, -1, 9)",
    "big data": "def f():\n    data(8, 1 << 62, 1 << 63, -1 << 63, (1 << 64) + 5)",
    "data of text": "def f():\n    {nop}\n    data(1, 'a')",
    "data without values": "def f():\n    data(1)",
    "error after others": "def f():\n    {nop}\n    label(q)\n\n    foo({a},\n     {b})",
}
WORDS = {
    "xtensa": {"nop": "mov(a3, a4)", "jump": "j(nowhere)"}
    | {letter: f"a{number}" for letter, number in zip("abcd", range(2, 6), strict=True)},
    "rv32imc": {"nop": "c_nop()", "jump": "c_j(nowhere)"}
    | {letter: f"a{number}" for letter, number in zip("abcd", range(4), strict=True)},
    "thumb": {"nop": "nop()", "jump": "b(nowhere)"}
    | {letter: f"r{number}" for letter, number in zip("abcd", range(4), strict=True)},
}


def mismatches(release: str, arch: str, sources: Iterator[str]) -> list[str]:
    """What differs, in words; programs that crash the reference do not count."""
    found = []
    settings = Settings(arch=arch)
    compared = 0
    for source in sources:
        try:
            theirs = reference.answer(release, source.encode(), "inline.py", settings)
        except Unavailable as error:
            pytest.skip(str(error))
        mine = compare.ours(release, source.encode(), "inline.py", settings)
        kind, explanation = compare.compare(theirs, mine)
        if kind == "reference crash":
            continue
        compared += 1
        if kind != "same":
            found.append(f"{kind}:\n{source}{explanation}")
        found += beyond(release, arch, source, theirs)
    if not compared:
        pytest.skip("the reference crashes")
    return found


def beyond(release: str, arch: str, source: str, theirs: Answer) -> list[str]:
    """What is wrong if the compiler is not strict: it may take more, but nothing else differs.

    An instruction that the reference lacks may be refused for its label in a later pass, where
    the line is known.
    """
    try:
        code = mpy_cross.compile(source, "inline.py", release=release, arch=arch, opt="0")
    except CompileError as error:
        text = reference_text(error)
        allowed = [text]
        if error.message.startswith("unsupported") and "label(" in source:
            allowed.append(text.replace(f"line {error.line},", "line 2,"))
        return [] if theirs.text in allowed else [f"not strict:\n{source}{theirs.text}{text}"]
    if theirs.verdict is Verdict.ACCEPTED and code != theirs.code:
        return [f"not strict, other bytes:\n{source}"]
    return []


@pytest.mark.parametrize(("release", "arch", "name"), CASES)
def test_instruction(release: str, arch: str, name: str) -> None:
    first = TARGETS.index((release, arch)) % POOL_STEP
    found = mismatches(release, arch, programs(arch, name, first, POOL_STEP))
    assert not found, "\n".join(found[:5])


def family_of(arch: str) -> str:
    """The key of ASSEMBLERS and WORDS."""
    return "xtensa" if arch.startswith("xtensa") else arch if arch in ASSEMBLERS else "thumb"


@pytest.mark.parametrize(("release", "arch"), (*TARGETS, *OTHER_TARGETS))
@pytest.mark.parametrize("name", MODULES)
def test_module(release: str, arch: str, name: str) -> None:
    family = family_of(arch)
    source = MODULES[name].format(dec=ASSEMBLERS[family].decorator, **WORDS[family])
    found = mismatches(release, arch, iter([source]))
    assert not found, found[0]


@pytest.mark.parametrize(("release", "arch"), (*TARGETS, *OTHER_TARGETS))
@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(release: str, arch: str, name: str) -> None:
    family = family_of(arch)
    text = FUNCTIONS[name].format_map(WORDS[family])
    source = f"@micropython.{ASSEMBLERS[family].decorator}\n{text}\n"
    found = mismatches(release, arch, iter([source]))
    assert not found, found[0]


# Fillers of so many bytes between a branch and its label, around the reach of branches.
GAPS = (100, 116, 124, 128, 132, 240, 248, 252, 256, 260, 2030, 2040, 2044, 2048, 2052, 4080, 4090,
        4096, 4104)
BRANCHES = {
    "xtensa": ("j({})", "beqz(a2, {})", "bne(a2, a3, {})", "bbci(a2, 3, {})", "bbsi(a2, 30, {})",
               "call0({})", "l32r(a4, {})"),
    "rv32imc": ("c_j({})", "c_beqz(a0, {})", "bne(a2, a3, {})", "jal(ra, {})", "la(a2, {})"),
    "thumb": ("b({})", "beq({})", "bne_w({})", "bl({})"),
}


def far_branches(arch: str) -> Iterator[str]:
    assembler = assembler_of(arch)
    for gap in GAPS:
        filler = f"data({gap}, 0)"
        for form in BRANCHES[family_of(arch)]:
            line = form.format("here")
            yield program(assembler, ("label(here)", filler, line))
            yield program(assembler, (line, filler, "label(here)"))


@pytest.mark.parametrize(("release", "arch"), TARGETS)
def test_reach(release: str, arch: str) -> None:
    found = mismatches(release, arch, far_branches(arch))
    assert not found, "\n".join(found[:5])


XTENSA_CONSTANTS = """
@micropython.asm_xtensa
def f(a2):
    movi(a2, 1)
    movi(a3, 0x12345678)

@micropython.asm_xtensa
def g(a2, a3):
    label(x)
    movi(a2, -1)
    j(x)

@micropython.native
def h(x):
    return x + 100000

@micropython.asm_xtensa
def i():
    pass
"""


@pytest.mark.parametrize(
    ("release", "arch"), [("1.17", "xtensa"), ("1.29", "xtensa"), ("1.29", "xtensawin")]
)
def test_constants_of_several_functions(release: str, arch: str) -> None:
    """Each function has a table of its own, whatever came before it."""
    found = mismatches(release, arch, iter([XTENSA_CONSTANTS]))
    assert not found, found[0]


# Instructions of Zba and Zcmp, and what could be wrong with them.
EXTENSIONS = (
    *(f"sh{bits}add(a0, t6, s11)" for bits in (1, 2, 3)),
    "sh1add(a0, a1)",
    "sh1add(a0, a1, 3)",
    "cm_push({ra}, -16)",
    "cm_push({ra,}, 0)",
    "cm_push({ra, s0-s1,}, 0)",
    "cm_push({ra, s0}, -32)",
    "cm_push({ra, s0-s1}, 0)",
    "cm_push({x1, x8-x27}, 0)",
    "cm_pop({ra, s0-s2}, 16)",
    "cm_popret({ra, s0-s9}, 16)",
    "cm_popretz({ra, s0-s11}, 48)",
    "cm_mva01s(s0, s1)",
    "cm_mva01s(s2, s7)",
    "cm_mvsa01(s3, x8)",
    "cm_mva01s(s1, s1)",
    "cm_mva01s(s1, s8)",
    "cm_mva01s(a1, s1)",
    "cm_mva01s(3, s1)",
    "cm_pop({ra}, -16)",
    "cm_push({ra}, 16)",
    "cm_push({ra}, 1 << 70)",
    "cm_pop({ra}, 1 << 32)",
    "cm_push({ra}, x)",
    "cm_push({ra, s0-s1}, -64)",
    "cm_push({ra, s0-s1}, -8)",
    "cm_push({s0}, 0)",
    "cm_push({ra, s1}, 0)",
    "cm_push({ra, s0, s1}, 0)",
    "cm_push({ra, s0-s0}, 0)",
    "cm_push({ra, s0-s10}, 0)",
    "cm_push({ra, s0+s1}, 0)",
    "cm_push({ra, s0-s1-s2}, 0)",
    "cm_push({ra: s0}, 0)",
    "cm_push({}, 0)",
    "cm_push(ra, 0)",
    "cm_push({ra}, 0, 0)",
)


@pytest.mark.parametrize("line", EXTENSIONS)
@pytest.mark.parametrize("flags", range(4))
def test_extensions(line: str, flags: int, tmp_path: Path) -> None:
    """-march-flags allows Zba (bit 0) and Zcmp (bit 1)."""
    try:
        binary = reference.binary("1.29")
    except Unavailable as error:
        pytest.skip(str(error))
    source = program(ASSEMBLERS["rv32imc"], (line,))
    (tmp_path / "inline.py").write_text(source)
    command = [str(binary), "-march=rv32imc", f"-march-flags={flags}", "-o", "out.mpy", "inline.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    options = CompileOptions(
        release=get("1.29"), arch="rv32imc", arch_flags=flags, strict=True
    )
    try:
        code = compile_source(source.encode(), "inline.py", options)
    except CompileError as error:
        assert reference_text(error) == done.stdout + done.stderr
    else:
        assert done.returncode == 0, done.stderr
        assert code == (tmp_path / "out.mpy").read_bytes()


def test_moved_label() -> None:
    """Where the reference aborts on an assertion, there is an error, not wrong code."""
    lines = ("label(x)", "beqz(a2, y)", "mov(a2, a3)", "label(y)")
    source = program(ASSEMBLERS["xtensa"], lines)
    mine = compare.ours("1.29", source.encode(), "inline.py", Settings(arch="xtensa"))
    assert mine.verdict is reference.Verdict.REJECTED
    assert "line 6" in mine.text and "label 'y' moved" in mine.text


@pytest.mark.parametrize("release", ["1.17", "1.19"])
def test_boards_without_thumb_2_refuse_its_instructions(release: str) -> None:
    """As a Pico with 1.17 does, of which there is no mpy-cross."""
    for line, name, n_args in (("it(eq)", "it", 1), ("sdiv(r0, r0, r1)", "sdiv", 3)):
        source = program(assembler_of("armv7m"), (line,))
        mpy_cross.compile(source, "inline.py", release=release, arch="armv7m")
        with pytest.raises(CompileError) as caught:
            mpy_cross.compile(source, "inline.py", release=release, arch="armv6m")
        wanted = f"unsupported Thumb instruction '{name}' with {n_args} arguments"
        assert caught.value.message == wanted
