"""What -march and -X emit stand for, and what is wrong with them."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

import mpy_cross
from mpy_cross.emitters.native.machines import FAMILIES, make_machine
from mpy_cross.loader.ops import Emit
from mpy_cross.loader.release import RELEASES, get
from mpy_cross.options import CompileOptions
from mpy_cross.options_parser import UsageError, check, parse
from mpy_cross.target import UnknownTarget, check_target

SOURCE = "@micropython.native\ndef f():\n    return 1\n"


def pretend(monkeypatch: pytest.MonkeyPatch, machine: str, bits: int) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(sys, "maxsize", (1 << bits - 1) - 1)


@pytest.mark.parametrize(
    ("machine", "bits", "arch"),
    [
        ("x86_64", 64, "x64"),
        ("AMD64", 64, "x64"),
        ("x86_64", 32, "x86"),
        ("i686", 32, "x86"),
        ("x86", 32, "x86"),
        ("armv6l", 32, "armv6"),
        ("armv7l", 32, "armv6"),
        ("aarch64", 32, "armv6"),
        ("riscv64", 64, "rv64imc"),
    ],
)
def test_host(monkeypatch: pytest.MonkeyPatch, machine: str, bits: int, arch: str) -> None:
    pretend(monkeypatch, machine, bits)
    assert check_target(get("1.29"), "host", "bytecode") == arch


@pytest.mark.parametrize(
    ("release", "machine", "bits"),
    [
        ("1.29", "aarch64", 64),
        ("1.29", "arm64", 64),
        ("1.29", "riscv32", 32),
        ("1.29", "s390x", 64),
        ("1.29", "", 64),
        ("1.26", "riscv64", 64),
    ],
)
def test_host_without_architecture(
    monkeypatch: pytest.MonkeyPatch, release: str, machine: str, bits: int
) -> None:
    pretend(monkeypatch, machine, bits)
    with pytest.raises(UnknownTarget) as caught:
        check_target(get(release), "host", "bytecode")
    assert str(caught.value).startswith("unable to determine host architecture for -march=host")
    assert f"{bits}-bit {machine}" in str(caught.value)


def test_host_writes_what_its_architecture_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "armv7l", 32)
    host = mpy_cross.compile(SOURCE, release="1.29", arch="host")
    assert host == mpy_cross.compile(SOURCE, release="1.29", arch="armv6")
    pretend(monkeypatch, "i686", 32)
    assert host != mpy_cross.compile(SOURCE, release="1.29", arch="host")


def test_without_march_all_hosts_write_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "aarch64", 64)
    with_x64 = mpy_cross.compile(SOURCE, release="1.17", arch="x64")
    assert mpy_cross.compile(SOURCE, release="1.17") == with_x64


@pytest.mark.parametrize(
    ("release", "arch", "emit", "message"),
    [
        ("1.17", "host", "bytecode", "-march=host not known to mpy-cross 1.17: it knows x86, x64"),
        ("1.23", "debug", "native", "-march=debug not known to mpy-cross 1.23"),
        ("1.26", "rv64imc", "native", "-march=rv64imc not known to mpy-cross 1.26"),
        ("1.29", "", "native", "arch not specified: emit=native goes with -march=ARCH"),
        ("1.29", "x64", "fast", "emit=fast is none of bytecode, native, viper"),
    ],
)
def test_command_and_function_complain_alike(
    release: str, arch: str, emit: str, message: str
) -> None:
    with pytest.raises(ValueError) as caught:
        mpy_cross.compile(SOURCE, release=release, arch=arch, emit=emit)
    assert message in str(caught.value)
    arguments = [f"-march={arch}"] if arch else []
    with pytest.raises(UsageError) as complaint:
        check(parse([*arguments, "-X", f"emit={emit}", "x.py"]), get(release))
    assert str(caught.value) in str(complaint.value)


@pytest.mark.parametrize("release", RELEASES)
def test_every_architecture_has_a_machine_or_refuses(release: str) -> None:
    known = get(release)
    for arch in set(known.march) - {"host"}:
        assert arch in known.archs
        options = CompileOptions(known, arch=arch, emit=Emit.NATIVE)
        assert options.has_native == (arch != "rv64imc")
        if options.has_native:
            assert make_machine(arch, 0, known).release is known
    assert set(FAMILIES) <= set(RELEASES["1.29"].march)


@pytest.mark.parametrize("release", ["1.12", "1.17", "1.18"])
def test_armv6m_before_the_tool_had_it(release: str) -> None:
    """Boards of these releases know the architecture."""
    code = mpy_cross.compile(SOURCE, release=release, arch="armv6m")
    assert code[2] >> 2 == get(release).archs.index("armv6m") == 4


def test_the_option_modules_load_no_machine() -> None:
    program = (
        "import sys, mpy_cross.options, mpy_cross.options_parser\n"
        "print([m for m in sys.modules if '.native.' in m and not m.endswith('.machines')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
