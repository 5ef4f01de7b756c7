"""Which release is chosen: option, environment, project file, default."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpy_cross.project import ProjectError, choose_release


def project(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def test_default(tmp_path: Path) -> None:
    project(tmp_path, "")
    assert choose_release(None, {}, tmp_path).version == "1.17"


def test_project_file_above(tmp_path: Path) -> None:
    project(tmp_path, '[tool.mpy-cross]\nrelease = "1.29"\n')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert choose_release(None, {}, below).version == "1.29"


def test_the_nearest_project_file_decides(tmp_path: Path) -> None:
    project(tmp_path, '[tool.mpy-cross]\nrelease = "1.29"\n')
    below = tmp_path / "a"
    below.mkdir()
    project(below, "[project]\nname = 'x'\n")
    assert choose_release(None, {}, below).version == "1.17"


def test_order(tmp_path: Path) -> None:
    project(tmp_path, '[tool.mpy-cross]\nrelease = "1.29"\n')
    environment = {"MPY_RELEASE": "1.22"}
    assert choose_release(None, environment, tmp_path).version == "1.22"
    assert choose_release("1.12", environment, tmp_path).version == "1.12"
    assert choose_release(None, {"MPY_RELEASE": ""}, tmp_path).version == "1.29"


def test_names_of_releases(tmp_path: Path) -> None:
    assert choose_release("v1.29.0", {}, tmp_path).version == "1.29"
    assert choose_release("1.20", {}, tmp_path).version == "1.20"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.mpy-cross\n", "not valid TOML"),
        ("[tool.mpy-cross]\nrelease = 1.29\n", 'must be a string: release = "1.29"'),
        ("[tool.mpy-cross]\nreleases = '1.29'\n", "has no key 'releases'; known: release"),
        ("[tool.mpy-cross]\nrelease = '3.11'\n", "unknown MicroPython release '3.11'; known are"),
        ("[tool]\nmpy-cross = 3\n", "must be a table"),
        ("tool = 'mpy-cross'\n", None),
    ],
)
def test_faults_in_the_project_file(tmp_path: Path, text: str, message: str | None) -> None:
    project(tmp_path, text)
    if message is None:
        assert choose_release(None, {}, tmp_path).version == "1.17"
        return
    with pytest.raises(ProjectError) as caught:
        choose_release(None, {}, tmp_path)
    assert message in str(caught.value)
    assert str(tmp_path / "pyproject.toml") in str(caught.value)


def test_unknown_release_names_its_source(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"^--release: unknown MicroPython release '2\.0'"):
        choose_release("2.0", {}, tmp_path)
    with pytest.raises(ProjectError, match=r"^environment variable MPY_RELEASE: unknown"):
        choose_release(None, {"MPY_RELEASE": "x"}, tmp_path)


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"[tool.mpy-cross]\nrelease = '\xff'\n")
    with pytest.raises(ProjectError, match="not valid TOML"):
        choose_release(None, {}, tmp_path)
