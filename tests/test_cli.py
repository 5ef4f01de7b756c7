"""The command `mpy-cross`, run as users run it, beside the real one where that is available."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import mpy_cross
from mpy_cross import cli
from mpy_cross.loader.release import RELEASES, get
from tests.oracle import reference
from tests.oracle.reference import Unavailable

GOOD = "def f(a):\n    return a + 1\n\n\nprint(f(41))\n"
BAD = "def f():\n    x = 1\n    return = 3\n"


def run(
    *arguments: str, cwd: Path, stdin: bytes = b"", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run our command in a folder without any project file above it that names a release."""
    clean = {key: value for key, value in os.environ.items() if key != "MPY_RELEASE"}
    return subprocess.run(
        [sys.executable, "-m", "mpy_cross", *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        timeout=120,
        env=clean | (environment or {}),
    )


def run_reference(
    release: str, *arguments: str, cwd: Path, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    try:
        binary = reference.binary(release)
    except Unavailable as reason:
        pytest.skip(str(reason))
    return subprocess.run(
        [str(binary), *arguments], cwd=cwd, input=stdin, capture_output=True, timeout=60
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "other.py").write_text("x = 1\n")
    (tmp_path / "bad.py").write_text(BAD)
    (tmp_path / "worse.py").write_text("def f():\n  def g():\n    f() = 1\n")
    (tmp_path / "folder.py").mkdir()
    return tmp_path


# -------------------------------------------------------------------------------- what is written


def test_default_output(folder: Path) -> None:
    done = run("good.py", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (folder / "good.mpy").read_bytes() == mpy_cross.compile(GOOD, "good.py")


@pytest.mark.parametrize(
    ("release", "arguments"),
    [
        ("1.17", "good.py"),
        ("1.17", "-o out.mpy good.py"),
        ("1.17", "good.py -o out.mpy -s other_name.py"),
        ("1.17", "-O3 -X emit=bytecode -X heapsize=4wM good.py"),
        ("1.17", "-mno-unicode -mcache-lookup-bc -msmall-int-bits=20 -march=armv7m good.py"),
        ("1.17", "-OO good.py -mcache-lookup-bc -mno-cache-lookup-bc -mno-unicode -municode"),
        ("1.29", "-o out.mpy -s a/b/c.py -O good.py"),
        ("1.29", "-X no-source-lines good.py"),
        ("1.29", "-X no-source-lines -X source-lines -- good.py"),
        ("1.29", "-march=rv32imc -march-flags=zba,zcmp good.py"),
        ("1.29", "-march=rv32imc -march-flags=0x2 good.py"),
        ("1.29", "-march=host good.py"),
    ],
)
def test_same_files_as_the_reference(folder: Path, release: str, arguments: str) -> None:
    theirs = run_reference(release, *arguments.split(), cwd=folder)
    assert theirs.returncode == 0, theirs.stderr
    expected = {path.name: path.read_bytes() for path in folder.glob("*mpy")}
    for path in folder.glob("*mpy"):
        path.unlink()
    ours = run("--release", release, *arguments.split(), cwd=folder)
    assert (ours.returncode, ours.stderr) == (0, b"")
    assert {path.name: path.read_bytes() for path in folder.glob("*mpy")} == expected


@pytest.mark.parametrize("name", ["noext", "a", "ab", "a.b", "dir.d/x", "text.txt"])
def test_names_without_py(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("x = 1\n")
    theirs = run_reference("1.17", name, cwd=tmp_path)
    assert theirs.returncode == 0
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*mpy")}
    for path in tmp_path.rglob("*mpy"):
        path.unlink()
    done = run(name, cwd=tmp_path)
    assert done.returncode == 0
    assert b"does not end in .py" in done.stderr
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*mpy")} == names


def test_stdin_to_stdout(folder: Path) -> None:
    ours = run("--release", "1.29", "-", cwd=folder, stdin=GOOD.encode())
    assert ours.returncode == 0
    assert ours.stdout == mpy_cross.compile(GOOD, "<stdin>", release="1.29")
    theirs = run_reference("1.29", "-", cwd=folder, stdin=GOOD.encode())
    assert ours.stdout == theirs.stdout
    again = run("-", "-o", "out.mpy", "--release", "1.29", cwd=folder, stdin=GOOD.encode())
    assert (again.returncode, again.stdout) == (0, b"")
    assert (folder / "out.mpy").read_bytes() == theirs.stdout


def test_file_to_stdout(folder: Path) -> None:
    ours = run("--release", "1.29", "good.py", "-o", "-", cwd=folder)
    assert ours.stdout == run_reference("1.29", "good.py", "-o", "-", cwd=folder).stdout
    assert not list(folder.glob("*mpy"))


def test_several_files(folder: Path) -> None:
    done = run("good.py", "bad.py", "other.py", "missing.py", cwd=folder)
    assert done.returncode == 1
    assert {path.name for path in folder.glob("*.mpy")} == {"good.mpy", "other.mpy"}
    assert b'File "bad.py", line 3' in done.stderr
    assert b"missing.py" in done.stderr
    assert run("good.py", "other.py", cwd=folder).returncode == 0


def test_an_error_leaves_the_old_file_alone(folder: Path) -> None:
    (folder / "bad.mpy").write_bytes(b"old")
    assert run("bad.py", cwd=folder).returncode == 1
    assert (folder / "bad.mpy").read_bytes() == b"old"
    assert sorted(path.name for path in folder.glob(".*")) == []


def test_devices_are_written_directly(folder: Path) -> None:
    done = run("good.py", "-o", "/dev/null", cwd=folder)
    assert done.returncode == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_writing_keeps_mode_and_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_bytes(b"old")
    real.chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(real)
    cli.write_whole(str(link), b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    (tmp_path / "x.mpy").write_bytes(b"old")
    with pytest.raises(OSError, match="No space"):
        cli.write_whole(str(tmp_path / "x.mpy"), b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("x.mpy", b"old")]


# --------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("release", ["1.17", "1.29"])
@pytest.mark.parametrize("name", ["bad.py", "worse.py", "missing.py", "folder.py"])
def test_errors_begin_with_the_reference_s_words(folder: Path, release: str, name: str) -> None:
    ours = run("--release", release, name, cwd=folder)
    theirs = run_reference(release, name, cwd=folder)
    assert (ours.returncode, theirs.returncode) == (1, 1)
    assert ours.stderr.startswith(theirs.stderr)
    assert len(ours.stderr) > len(theirs.stderr)
    assert ours.stdout == b""
    assert not list(folder.glob("*mpy"))


@pytest.mark.parametrize("name", ["bad.py", "worse.py"])
def test_name_in_errors_with_option_s(folder: Path, name: str) -> None:
    ours = run(name, "-s", "shown.py", cwd=folder)
    assert ours.stderr.startswith(run_reference("1.17", name, "-s", "shown.py", cwd=folder).stderr)


def test_error_shows_the_line(folder: Path) -> None:
    lines = run("bad.py", cwd=folder).stderr.decode().splitlines()
    assert lines[:4] == [
        "Traceback (most recent call last):",
        '  File "bad.py", line 3',
        "SyntaxError: invalid syntax",
        "    return = 3",
    ]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(folder: Path) -> None:
    (folder / "good.py").chmod(0)
    done = run("good.py", cwd=folder)
    assert (done.returncode, done.stderr[:12]) == (1, b"OSError: 13\n")


@pytest.mark.parametrize("release", ["1.17", "1.29"])
def test_output_that_cannot_be_written(folder: Path, release: str) -> None:
    for target in ("no/such/folder.mpy", "folder.py"):
        done = run("--release", release, "good.py", "-o", target, cwd=folder)
        assert done.returncode == 1
        assert done.stderr.startswith(b"OSError: ")
        assert target.encode() in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        "-q good.py",
        "",
        "good.py -o",
        "-X foo good.py",
        "-march=z80 good.py",
        "good.py -msmall-int-bits=x",
    ],
)
def test_bad_options_exit_1_as_the_reference(folder: Path, arguments: str) -> None:
    ours = run(*arguments.split(), cwd=folder)
    assert ours.returncode == run_reference("1.17", *arguments.split(), cwd=folder).returncode == 1
    assert ours.stderr.startswith(b"mpy-cross: ")
    assert b"Traceback" not in ours.stderr


@pytest.mark.parametrize("decorator", ["asm_thumb", "asm_xtensa"])
def test_inline_assembler_needs_its_architecture(folder: Path, decorator: str) -> None:
    (folder / "n.py").write_text(f"@micropython.{decorator}\ndef f():\n    pass\n")
    ours = run("-march=x64", "n.py", cwd=folder)
    theirs = run_reference("1.17", "-march=x64", "n.py", cwd=folder)
    assert ours.returncode == theirs.returncode == 1
    assert ours.stderr.startswith(theirs.stderr)
    assert b"invalid arch" in ours.stderr


@pytest.mark.parametrize("release", ["1.17", "1.29"])
@pytest.mark.parametrize("arch", ["", "x64", "armv6", "xtensawin"])
@pytest.mark.parametrize("emitter", ["native", "viper"])
def test_native_emitter_as_the_reference(
    folder: Path, release: str, arch: str, emitter: str
) -> None:
    (folder / "n.py").write_text("def f(x: int) -> int:\n    return x + 1\nprint(f(1))\n")
    arguments = ["-X", f"emit={emitter}", "n.py"] + ([f"-march={arch}"] if arch else [])
    theirs = run_reference(release, *arguments, "-o", "theirs.mpy", cwd=folder)
    ours = run("--release", release, *arguments, "-X", "opt=0", "-o", "ours.mpy", cwd=folder)
    assert ours.returncode == theirs.returncode == (0 if arch or release == "1.17" else 1)
    assert theirs.stderr.strip() in ours.stderr
    if theirs.returncode == 0:
        assert (folder / "ours.mpy").read_bytes() == (folder / "theirs.mpy").read_bytes()


def test_internal_errors_are_reported_not_raised(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def broken(*arguments: object) -> bytes:
        raise ZeroDivisionError("our own bug")

    monkeypatch.setattr(cli, "_options", broken)
    assert cli.main([str(folder / "good.py")]) == 1
    text = capfdbinary.readouterr().err
    assert text.startswith(b"internal error: ZeroDivisionError: our own bug; please report it")
    assert b"Traceback" not in text
    assert cli.main(["-v", "-v", str(folder / "good.py")]) == 1
    assert b"Traceback" in capfdbinary.readouterr().err


def test_colour(folder: Path) -> None:
    assert b"\x1b" not in run("bad.py", cwd=folder).stderr
    assert b"\x1b" in run("bad.py", "--color=always", cwd=folder).stderr


# ------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize("release", ["1.17", "1.29"])
@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("empty", b""),
        ("nul", b"x = 1\x00y = 2\n"),
        ("nul only", b"\x00"),
        ("not utf-8", b"x = '\xff\xfe'\n"),
        ("latin-1 name", b"\xe9t\xe9 = 1\n"),
        ("bom", b"\xef\xbb\xbfx = 1\n"),
        ("cr only", b"x = 1\ry = 2\r"),
        ("no newline", b"x = 1"),
        ("form feed", b"x = 1\n\x0cy = 2\n"),
        ("only a comment", b"# nothing"),
        ("open line joining", b"x = 1 + \\"),
        ("tabs", b"if x:\n\ty\n        z\n"),
    ],
)
def test_odd_sources(release: str, name: str, source: bytes, folder: Path) -> None:
    (folder / "odd.py").write_bytes(source)
    theirs = run_reference(release, "odd.py", "-o", "ref.out", cwd=folder)
    ours = run("--release", release, "odd.py", "-o", "our.out", cwd=folder)
    assert ours.returncode == theirs.returncode, ours.stderr
    assert ours.stderr.startswith(theirs.stderr)
    if theirs.returncode == 0:
        assert (folder / "our.out").read_bytes() == (folder / "ref.out").read_bytes()


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("parentheses", b"x = " + b"(" * 10_000 + b"1" + b")" * 10_000),
        ("open parentheses", b"(" * 10_000),
        ("brackets", b"x = " + b"[" * 5_000 + b"]" * 5_000),
        ("unary", b"x = " + b"-" * 20_000 + b"a"),
        ("not", b"x = " + b"not " * 20_000 + b"a"),
        ("attributes", b"x = a" + b".b" * 20_000),
        ("calls", b"x = a" + b"()" * 20_000),
        ("power", b"x = a" + b" ** a" * 5_000),
        ("lambdas", b"x = " + b"lambda: " * 5_000 + b"1"),
        ("conditionals", b"x = " + b"a if b else " * 5_000 + b"c"),
        ("blocks", b"".join(b" " * i + b"if x:\n" for i in range(2_000)) + b" " * 2_000 + b"y\n"),
        ("functions", b"".join(b" " * i + b"def f():\n" for i in range(500)) + b" " * 500 + b"y\n"),
        ("elif", b"if a:\n b\n" + b"elif c:\n d\n" * 5_000),
        ("long integer", b"x = " + b"9" * 100_000 + b"\n"),
        ("long hexadecimal", b"x = 0x" + b"f" * 100_000 + b"\n"),
        ("long name", b"a" * 100_000 + b" = 1\n"),
        ("long string", b"x = '" + b"s" * 1_000_000 + b"'\n"),
        ("many names", b"".join(b"name%d = %d\n" % (i, i) for i in range(20_000))),
        ("wide tuple", b"x = (" + b"a, " * 50_000 + b")\n"),
    ],
)
def test_extreme_sources(name: str, source: bytes, folder: Path) -> None:
    (folder / "extreme.py").write_bytes(source)
    for release in ("1.17", "1.29"):
        done = run("--release", release, "extreme.py", cwd=folder)
        assert done.returncode in (0, 1), done.stderr[-500:]
        assert b"internal error" not in done.stderr, done.stderr[-500:]
        assert (folder / "extreme.mpy").exists() == (done.returncode == 0)
        (folder / "extreme.mpy").unlink(missing_ok=True)


# ------------------------------------------------------------------------- release, version, help


@pytest.mark.parametrize("release", list(RELEASES))
def test_version_line(release: str) -> None:
    line = cli.version_line(get(release))
    assert re.fullmatch(
        r"MicroPython v1\.\d+(\.\d+)? on \d{4}-\d\d-\d\d; mpy-cross emitting mpy v\d(\.\d)?; "
        r"mpy-toolchain \d+\.\d+\.\d+",
        line,
    )


@pytest.mark.parametrize("release", list(reference.BINARIES))
def test_version_as_the_reference(release: str, tmp_path: Path) -> None:
    theirs = run_reference(release, "--version", cwd=tmp_path).stdout.decode()
    ours = cli.version_line(get(release))
    date = r" on \d{4}-\d\d-\d\d"
    assert re.sub(date, "", ours).startswith(re.sub(date, "", theirs).rstrip("\n"))


def test_release_choice(folder: Path) -> None:
    def version(*arguments: str, environment: dict[str, str] | None = None) -> bytes:
        done = run(*arguments, cwd=folder, environment=environment)
        assert done.returncode == 0, done.stderr
        found = (folder / "good.mpy").read_bytes()[:2]
        (folder / "good.mpy").unlink()
        return found

    assert version("good.py") == b"M\x05"
    assert version("good.py", environment={"MPY_RELEASE": "1.29"}) == b"M\x06"
    (folder / "pyproject.toml").write_text('[tool.mpy-cross]\nrelease = "1.23"\n')
    assert version("good.py") == b"M\x06"
    assert version("good.py", "--release=1.17", environment={"MPY_RELEASE": "1.29"}) == b"M\x05"


def test_unknown_release_lists_the_known(folder: Path) -> None:
    done = run("--release", "9.9", "good.py", cwd=folder)
    assert done.returncode == 1
    for release in RELEASES:
        assert release.encode() in done.stderr


def test_help(folder: Path) -> None:
    for option in ("-h", "--help"):
        done = run(option, cwd=folder)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.startswith(b"usage: mpy-cross")


def test_verbose(folder: Path) -> None:
    done = run("-v", "good.py", cwd=folder)
    assert b"good.py: %d bytes -> good.mpy: " % len(GOOD) in done.stderr


# ------------------------------------------------------------------------------------------ dump


@pytest.mark.parametrize(
    ("stage", "part"),
    [
        ("tokens", "print"),
        ("tree", "print"),
        ("scope", "print"),
        ("ops", "load_name print"),
        ("bytecode", "print"),
        ("asm", "no machine code"),
        ("mpy", "print"),
    ],
)
def test_dump(folder: Path, stage: str, part: str) -> None:
    done = run(f"--dump={stage}", "good.py", cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert part in done.stdout.decode()
    assert not (folder / "good.mpy").exists()


def test_dump_of_a_rejected_source(folder: Path) -> None:
    done = run("--dump=ops", "bad.py", cwd=folder)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"SyntaxError" in done.stderr


# --------------------------------------------------------------------------- nothing from outside


def test_output_does_not_depend_on_the_outside(folder: Path) -> None:
    """Neither hash seed nor working directory nor earlier compilations change a byte."""
    expected = mpy_cross.compile(GOOD, "good.py")
    for seed in ("0", "1", "12345"):
        done = run("good.py", "-o", "-", cwd=folder, environment={"PYTHONHASHSEED": seed})
        assert done.stdout == expected
    for other in (GOOD * 3, "import a\nclass B(a.C): x = 1.5\n", "def g(): yield 'q'\n"):
        mpy_cross.compile(other, "other.py")
        assert mpy_cross.compile(GOOD, "good.py") == expected
    (folder / "sub").mkdir()
    done = run("../good.py", "-s", "good.py", "-o", "-", cwd=folder / "sub")
    assert done.stdout == expected
