"""What is optimised where no level is named, and what never is."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

import mpy_cross
from mpy_cross.cli import main
from mpy_cross.emitters.ssa.backends import BACK_ENDS
from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime.errors import ViperTypeError
from mpy_cross.loader.decode import decode
from mpy_cross.loader.mpyfile import CodeKind
from mpy_cross.loader.ops import Emit
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import RELEASES, get
from mpy_cross.ops_text import function_lines
from mpy_cross.options_parser import usage
from mpy_cross.report import reference_text
from tests.oracle.reference import Settings, Unavailable, Verdict, answer

TESTS: Final = Path(__file__).parents[1]
RELEASE_PAIR: Final = ("1.17", "1.29")

VIPER: Final = """
@micropython.viper
def total(p: ptr8, n: int) -> int:
    s = 0
    for i in range(n):
        s += p[i]
    return s
"""
EXTENSION: Final = """
@micropython.viper
def ratio(a: uint, b: uint) -> uint:
    return a // b
"""
MIXED: Final = VIPER + """
@micropython.native
def nodes(items, start=17):
    found = []
    for item in items:
        found.append(item.value + start * 5)
    return found
class Sensor:
    def read(self, scale=1.5, *, channel=b"adc"):
        try:
            return {channel: self.pin.read() * scale}
        except (OSError, ValueError) as error:
            print("no", error, 123456789012345678901234567890)
            return None
def lines(path):
    with open(path) as stream:
        for line in stream:
            yield line.strip()
"""


def compiled(source: str | bytes, arch: str, release: str = "1.29", **options: Any) -> bytes:
    return mpy_cross.compile(source, "a.py", release=release, arch=arch, **options)


def bytecode(code: bytes, release: str) -> list[str]:
    """The bytecode functions of a file as text, names and constants in place of their numbers."""
    found = decode(read(code, get(release)))
    return ["\n".join(function_lines(found.module, function))
            for function in found.module.functions if function.emit == Emit.BYTECODE]


# ------------------------------------------------------------------------------------- targets


@pytest.mark.parametrize("release", RELEASES)
def test_what_is_optimised_has_a_back_end(release: str) -> None:
    assert set(get(release).optimised) <= set(BACK_ENDS)
    assert set(get(release).optimised) <= set(get(release).march)


@pytest.mark.parametrize(
    ("release", "arch"),
    [*itertools.product(RELEASES, ["armv7m"]), *itertools.product(RELEASE_PAIR, BACK_ENDS)])
def test_the_default(release: str, arch: str) -> None:
    default = compiled(VIPER, arch, release)
    assert arch in get(release).optimised
    assert default == compiled(VIPER, arch, release, opt="2")
    assert default != compiled(VIPER, arch, release, opt="0")


@pytest.mark.parametrize(
    ("release", "arch"),
    [("1.17", ""), ("1.29", "rv32imc"), *itertools.product(RELEASE_PAIR, ["x86", "x64", "armv6"])])
def test_without_a_back_end_the_default_is_the_baseline(release: str, arch: str) -> None:
    assert compiled(VIPER, arch, release) == compiled(VIPER, arch, release, opt="0")
    with pytest.raises(mpy_cross.CompileError):
        compiled(EXTENSION, arch, release)


def test_a_release_that_is_not_covered() -> None:
    """One field of the record turns the default off, and with it what only optimised code can."""
    uncovered = get("1.29")._replace(optimised=("armv7m",))
    default = mpy_cross.compile(VIPER, release=uncovered, arch="armv6m")
    assert default == mpy_cross.compile(VIPER, release=uncovered, arch="armv6m", opt="0")
    assert default != mpy_cross.compile(VIPER, release=uncovered, arch="armv6m", opt="2")
    assert mpy_cross.compile(EXTENSION, release=uncovered, arch="armv7m")
    with pytest.raises(mpy_cross.CompileError):
        mpy_cross.compile(EXTENSION, release=uncovered, arch="armv6m")
    assert "(default: 2 for armv7m; 0 for all others)" in usage(uncovered)
    assert "(default: 0)" in usage(get("1.29")._replace(optimised=()))


@pytest.mark.parametrize("release", RELEASE_PAIR)
def test_level_0_is_the_reference(release: str) -> None:
    """Bytes of what it takes, errors of what it refuses."""
    for source in (MIXED, EXTENSION):
        try:
            wanted = answer(release, source.encode(), "a.py", Settings(arch="armv7m"))
        except Unavailable as reason:
            pytest.skip(str(reason))
        if wanted.verdict is Verdict.ACCEPTED:
            assert compiled(source, "armv7m", release, opt="0") == wanted.code
            continue
        with pytest.raises(mpy_cross.CompileError) as refused:
            compiled(source, "armv7m", release, opt="0")
        assert reference_text(refused.value) == wanted.text
        with pytest.raises(mpy_cross.CompileError) as strict:
            compiled(source, "armv7m", release, strict=True)
        assert reference_text(strict.value) == wanted.text
        assert compiled(source, "armv7m", release) == compiled(source, "armv7m", release, opt="2")


# --------------------------------------------------------------------------- what stays as it is


@pytest.mark.parametrize("release", RELEASE_PAIR)
def test_files_without_machine_code_are_the_references(release: str) -> None:
    n = 0
    for path in sorted((TESTS / "programs").glob("*.py")):
        source = path.read_bytes()
        try:
            wanted = answer(release, source, "a.py", Settings(arch="armv7m"))
        except Unavailable as reason:
            pytest.skip(str(reason))
        if wanted.verdict is not Verdict.ACCEPTED:
            continue
        ours = compiled(source, "armv7m", release)
        assert ours == wanted.code, path.name
        assert all(raw.kind == CodeKind.BYTECODE for raw in decode(read(ours)).codes), path.name
        n += 1
    assert n > 20


@pytest.mark.parametrize("release", RELEASE_PAIR)
@pytest.mark.parametrize("arch", ["armv7m", "armv7emsp", "xtensa"])
def test_inline_assembler_is_the_references(release: str, arch: str) -> None:
    kind, body = ("xtensa", "add(a2, a2, a3)") if "xtensa" in arch else ("thumb", "add(r0, r0, r1)")
    first, second = ("a2", "a3") if "xtensa" in arch else ("r0", "r1")
    source = f"@micropython.asm_{kind}\ndef f({first}, {second}):\n    {body}\nprint(f(1, 2))\n"
    try:
        wanted = answer(release, source.encode(), "a.py", Settings(arch=arch))
    except Unavailable as reason:
        pytest.skip(str(reason))
    assert wanted.verdict is Verdict.ACCEPTED
    assert compiled(source, arch, release) == wanted.code


@pytest.mark.parametrize("release", ["1.12", *RELEASE_PAIR])
@pytest.mark.parametrize("arch", ["armv6m", "armv7m", "xtensa"])
def test_bytecode_beside_machine_code(release: str, arch: str) -> None:
    """The functions of a file that stay bytecode are the same, though numbers of names may not be,
    which optimised code needs others of."""
    default, baseline = compiled(MIXED, arch, release), compiled(MIXED, arch, release, opt="0")
    assert default != baseline
    texts = bytecode(default, release)
    assert texts == bytecode(baseline, release)
    assert [text.split("\n")[0] for text in texts] == [
        "function <module>", "function Sensor", "function read", "function lines"]
    assert "123456789012345678901234567890" in texts[2]


def test_without_machine_code_nothing_of_its_compilers_is_loaded(tmp_path: Path) -> None:
    """The time that a usual build takes does not depend on the default."""
    path = tmp_path / "a.py"
    path.write_text("def f(a):\n    return a + 1\nprint(f(1))\n")
    program = ("import sys\nfrom mpy_cross.cli import main\n"
               "status = main(['-march=armv7m', '--release', '1.29', sys.argv[1]])\n"
               "print(*sys.modules)\nsys.exit(status)\n")

    def loaded() -> set[str]:
        done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True,
                              text=True, check=True)
        return {name.removeprefix("mpy_cross.emitters.") for name in done.stdout.split()
                if name.startswith(("mpy_cross.emitters.ssa.", "mpy_cross.emitters.native."))}

    settings = {"ssa.settings", "native.errors", "native.machines", "native.values"}
    assert loaded() <= settings
    path.write_text(VIPER)
    assert {"ssa.choice", "native.baseline"} <= loaded()


# ------------------------------------------------------------------------------- command lines


def test_command_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.py"
    path.write_text(VIPER)
    base = ["--release", "1.29", "-s", "a.py", "-march=armv7m"]

    def written(*options: str) -> bytes:
        assert main([*base, *options, str(path)]) == 0
        return path.with_suffix(".mpy").read_bytes()

    assert written() == written("-X", "opt=2") == compiled(VIPER, "armv7m")
    assert written("-X", "opt=0") == compiled(VIPER, "armv7m", opt="0") != written()
    assert written("-X", "opt-only=other") == written("-X", "opt=0")
    checked = compiled(VIPER, "armv7m", viper_checks=True)
    assert written("-X", "viper-checks") == checked != written()
    assert main([*base, "-march=x64", "-X", "viper-checks", str(path)]) == 1
    assert "-X viper-checks needs -X opt=1, 2 or s" in capfd.readouterr().err
    path.write_text(EXTENSION)
    assert written() == compiled(EXTENSION, "armv7m")
    for refused in (["-X", "opt=0"], ["--strict"]):
        assert main([*base, *refused, str(path)]) == 1
        assert "ViperTypeError" in capfd.readouterr().err


def test_a_function_that_cannot_be_optimised(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It gets the reference's code; only -v says so."""
    path = tmp_path / "a.py"
    path.write_text("@micropython.native\ndef f(a):\n    yield from a\n")
    options = ["--release", "1.29", "-s", "a.py", "-march=armv7m", str(path)]
    assert main(options) == 0
    assert capfd.readouterr().err == ""
    code = path.with_suffix(".mpy").read_bytes()
    assert code == compiled(path.read_text(), "armv7m", opt="0")
    assert main(["-v", *options]) == 0
    assert f"{path}: f: not optimised: a generator without operators\n" in capfd.readouterr().err


@pytest.mark.parametrize("release", RELEASES)
def test_help_names_the_default(release: str) -> None:
    text = " ".join(usage(get(release)).split())
    assert f"(default: 2 for {', '.join(get(release).optimised)}; 0 for all others)" in text


# -------------------------------------------------------------------------------------- boards


def test_boards_compile_as_their_own_compiler_does() -> None:
    """But functions whose comments ask for it are optimised."""
    release = get("1.29")
    compiler = compiler_for(release, "armv7m")
    assert compiler(VIPER.encode(), "a.py") == compiled(VIPER, "armv7m", opt="0")
    with pytest.raises(ViperTypeError):
        compiler(EXTENSION.encode(), "a.py")
    marked = VIPER.replace("viper\n", "viper  # mpy: opt=2\n")
    assert compiler(marked.encode(), "a.py") == compiled(VIPER, "armv7m")
    assert compiler_for(release, "armv7m", opt="0")(marked.encode(), "a.py") == compiled(
        VIPER, "armv7m", opt="0")
    assert compiler_for(release, "armv7m", opt="2")(VIPER.encode(), "a.py") == compiled(
        VIPER, "armv7m")
