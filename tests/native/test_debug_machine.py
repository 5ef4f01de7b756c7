"""-march=debug: the text and the files of the reference; and rv64imc, which has no machine code."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import mpy_cross
from mpy_cross.report import reference_text
from tests.native import viper_programs
from tests.native.test_releases import NATIVE, VIPER
from tests.oracle import compare, corpus, reference
from tests.oracle.reference import Settings, Unavailable, built_releases

RELEASES = ["1.29", *(r for r in built_releases() if r in ("1.24", "1.25", "1.26", "1.27", "1.28"))]
SOURCES = [
    *((source, "native") for source in NATIVE.values()),
    *((source, "bytecode") for source in VIPER.values()),
    *((source.encode(), "bytecode") for _, source in list(viper_programs.systematic())[::5]),
    *((item.path.read_bytes(), "native") for item in corpus.spread(10)),
]

ADD = b"@micropython.viper\ndef add(a: int) -> int:\n    return a + 1\n"
# What the compilers of 1.25 and 1.29 print for it.
ADD_BODY = """\
    load(r_fun_table, r_arg1, 1)
    load(r_local3, r_fun_table, 2)
    load(r_fun_table, r_fun_table, 3)
    load(r_fun_table, r_fun_table, 0)
    mov_reg_reg(r_arg1, r_arg2)
    mov_reg_reg(r_arg2, r_arg3)
    mov_reg_reg(r_local2, r_arg4)
    jump_if_reg_nonzero(r_arg2, label_4, true)
    mov_reg_imm(r_arg3, 1=0x1)
    jump_if_reg_eq(r_arg1, r_arg3, label_5)
label(label_4)
    mov_reg_imm(r_arg3, 131074=0x20002)
    call_ind(arg_check_num_sig)
label(label_5)
"""


def ours(
    release: str, source: bytes, emit: str, capture: pytest.CaptureFixture[bytes]
) -> tuple[bytes, bytes, str]:
    """What is printed, the file, and the error."""
    code, error_text = b"", ""
    try:
        code = mpy_cross.compile(source, "x.py", release=release, arch="debug", emit=emit)
    except mpy_cross.CompileError as error:
        error_text = reference_text(error)
    return capture.readouterr().out, code, error_text


@pytest.mark.parametrize("release", RELEASES)
def test_text_and_file(
    release: str, capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    try:
        binary = reference.binary(release)
    except Unavailable as reason:
        pytest.skip(str(reason))
    compared = 0
    for source, emit in SOURCES:
        (tmp_path / "x.py").write_bytes(source)
        out = tmp_path / "o.mpy"
        out.unlink(missing_ok=True)
        done = subprocess.run(
            [str(binary), "-march=debug", "-X", f"emit={emit}", "-o", "o.mpy", "x.py"],
            cwd=tmp_path, capture_output=True, timeout=60,
        )  # fmt: skip
        if done.returncode not in (0, 1):
            continue  # the reference aborts
        code = out.read_bytes() if out.exists() else b""
        theirs = done.stdout, code, done.stderr.decode()
        assert ours(release, source, emit, capsysbinary) == theirs
        compared += 1
    assert compared * 3 > len(SOURCES)


@pytest.mark.parametrize(
    ("release", "entry"), [("1.25", "ENTRY("), ("1.26", "ENTRY(add, "), ("1.29", "ENTRY(add, ")]
)
def test_text(release: str, entry: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    text, code, error = ours(release, ADD, "bytecode", capsysbinary)
    assert text.decode().startswith(f"{entry}num_locals=2)\n{ADD_BODY}")
    assert text.endswith(b"EXIT(0)\n")
    assert code and not error


@pytest.mark.parametrize(
    ("arch", "decorator"),
    [
        ("rv64imc", "native"),
        ("rv64imc", "viper"),
        ("rv64imc", "asm_thumb"),
        ("rv64imc", "asm_rv32"),
        ("debug", "asm_thumb"),  # the reference crashes
        ("debug", "asm_rv32"),
    ],
)
def test_decorators_without_code(arch: str, decorator: str) -> None:
    source = f"@micropython.{decorator}\ndef f(): pass\n".encode()
    with pytest.raises(mpy_cross.CompileError) as caught:
        mpy_cross.compile(source, "x.py", release="1.29", arch=arch)
    assert reference_text(caught.value) == (
        'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n'
        "SyntaxError: invalid arch\n"
    )


def test_no_machine_code_names_the_last_function() -> None:
    source = b"\ndef f(x):\n    return 1\nclass C:\n    def g(self): pass\n"
    with pytest.raises(mpy_cross.CompileError) as caught:
        mpy_cross.compile(source, "t.py", release="1.29", arch="rv64imc", emit="native")
    assert reference_text(caught.value) == (
        'Traceback (most recent call last):\n  File "t.py", line 5, in g\n'
        "NotImplementedError: cannot emit native code for this architecture\n"
    )


def test_no_machine_code_of_an_empty_module() -> None:
    with pytest.raises(mpy_cross.CompileError) as caught:
        mpy_cross.compile("# nothing\n", "t.py", release="1.29", arch="rv64imc", emit="native")
    assert '  File "t.py", line 0, in <module>\n' in reference_text(caught.value)


@pytest.mark.parametrize("emit", ["bytecode", "native", "viper"])
def test_rv64imc_against_reference(emit: str) -> None:
    settings = Settings(arch="rv64imc", emit=emit)
    for item in corpus.spread(40):
        source = item.path.read_bytes()
        try:
            theirs = reference.answer("1.29", source, "x.py", settings)
        except Unavailable as reason:
            pytest.skip(str(reason))
        mine = compare.ours("1.29", source, "x.py", settings)
        assert compare.compare(theirs, mine) == ("same", ""), item.name
