"""The layers of the packages, read from the imports, and a few rules that keep them apart."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("assembler", "loader", "emitters", "mpy_cross", "emulator")

# What each package may import of the others (docs/architecture.md has the picture).
MAY_IMPORT: dict[str, frozenset[str]] = {
    "assembler": frozenset(),
    "loader": frozenset({"assembler"}),
    "emitters": frozenset({"loader", "assembler"}),
    "mpy_cross": frozenset({"emitters", "loader", "assembler"}),
    "emulator": frozenset({"loader", "assembler"}),
}
# Edge modules: command lines and the pytest plugin wire everything together.
EDGES = frozenset({"mpy_cross/cli.py", "mpy_cross/tool.py"} | {
    f"emulator/{name}.py" for name in ("cli", "compiler", "program_run", "pytest_plugin")
})
EXTRAS = ("unicorn", "capstone", "keystone", "click")


def modules() -> list[Path]:
    """All modules of the packages, each once: the links inside mpy_cross/ are left out."""
    found = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            inside = path.relative_to(ROOT / folder).parts
            if "frozen" in inside:
                continue  # programs for the emulated board
            if folder != "mpy_cross" or inside[0] not in FOLDERS:
                found.append(path)
    return found


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write absolute imports"
            assert node.module is not None
            yield node.module
            if node.module == "mpy_cross":
                yield from (f"mpy_cross.{alias.name}" for alias in node.names)


def package_of(name: str) -> str | None:
    """Our package that an import name belongs to, None for others'."""
    parts = name.split(".")
    if parts[0] != "mpy_cross":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in FOLDERS else "mpy_cross"


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", modules(), ids=relative)
def test_imports_follow_the_picture(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for name in imports(tree):
        assert name.split(".")[0] not in set(FOLDERS) - {"mpy_cross"}, (
            f"{relative(path)} imports {name}: write mpy_cross.{name}"
        )
        package = package_of(name)
        if package is None or package == own or relative(path) in EDGES:
            continue
        # Importing mpy_cross.loader runs mpy_cross/__init__.py, which is light; that is no layer.
        assert package in MAY_IMPORT[own], f"{relative(path)} must not import {name}"


def test_a_wrong_import_would_be_seen() -> None:
    tree = ast.parse("from mpy_cross.emitters import bytecode\nfrom mpy_cross import driver")
    found = {package_of(name) for name in imports(tree)}
    assert found == {"emitters", "mpy_cross"}
    assert not found & MAY_IMPORT["loader"]


# unicorn is optional and under another licence: only the cores of the emulator know it.
CORES = "emulator/cores/"


@pytest.mark.parametrize("path", modules(), ids=relative)
def test_only_cores_import_unicorn(path: Path) -> None:
    names = set(imports(ast.parse(path.read_text(encoding="utf-8"))))
    if not relative(path).startswith(CORES):
        assert "unicorn" not in {name.split(".")[0] for name in names}


def compares_release(tree: ast.AST) -> list[int]:
    """Lines that compare with a release version string, or look inside `version`."""
    lines = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        for side in (node.left, *node.comparators):
            parts = [part for part in ast.walk(side) if isinstance(part, ast.Constant)]
            texts = [part.value for part in parts if isinstance(part.value, str)]
            named = isinstance(side, ast.Attribute) and side.attr == "version"
            if named or any(re.fullmatch(r"v?1\.[0-9]+(\.[0-9]+)?", text) for text in texts):
                lines.append(node.lineno)
    return sorted(set(lines))


@pytest.mark.parametrize("path", modules(), ids=relative)
def test_no_module_compares_versions(path: Path) -> None:
    if relative(path) == "loader/release.py":
        pytest.skip("the records themselves")
    lines = compares_release(ast.parse(path.read_text(encoding="utf-8")))
    assert not lines, f"{relative(path)} compares versions; give Release a field instead"


def test_a_version_comparison_would_be_seen() -> None:
    assert compares_release(ast.parse("if release.version >= '1.20': pass")) == [1]
    assert compares_release(ast.parse("x = version in ('1.17', '1.18')")) == [1]
    assert compares_release(ast.parse("x = name == 'bool'")) == []


@pytest.mark.parametrize("statement", [
    "import mpy_cross", "import mpy_cross.cli", "import mpy_cross.emulator.machine",
])
def test_import_loads_no_extras(statement: str) -> None:
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "mpy_cross" in loaded
    assert not loaded & set(EXTRAS)


def test_import_does_not_load_the_compiler() -> None:
    program = "import mpy_cross, sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "mpy_cross.driver" not in done.stdout.split()


@pytest.mark.parametrize("path", modules(), ids=relative)
def test_modules_stay_small(path: Path) -> None:
    """At most 600 lines, tables aside: a table is a module-level tuple, list, set or dict."""
    text = path.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            lines -= (node.end_lineno or node.lineno) - node.lineno
    if path.name == "tree.py":
        pytest.skip("one data class per node: a table in the form of classes")
    assert lines <= 600, f"{relative(path)} has {lines} lines without its tables"
