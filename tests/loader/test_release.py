"""The release records, as far as the container is concerned."""

from __future__ import annotations

import pytest

from mpy_cross.loader.release import DEFAULT_RELEASE, RELEASES, UnknownRelease, get


@pytest.mark.parametrize(
    ("name", "version"),
    [("1.17", "1.17"), ("v1.17", "1.17"), ("1.20", "1.20"), ("1.20.0", "1.20"), ("v1.29.0", "1.29"),
     ("1.22.1", "1.22.1"), (" 1.12 ", "1.12")],
)  # fmt: skip
def test_names(name: str, version: str) -> None:
    assert get(name).version == version


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownRelease, match=r"'1\.11'; known are 1\.12, 1\.13, .*, 1\.29$"):
        get("1.11")


@pytest.mark.spec("A16")
@pytest.mark.parametrize(
    ("version", "mpy", "sub"),
    [("1.12", 5, 0), ("1.18", 5, 0), ("1.19", 6, 0), ("1.19.1", 6, 0), ("1.20", 6, 1),
     ("1.21", 6, 1), ("1.22", 6, 2), ("1.22.2", 6, 2), ("1.23", 6, 3), ("1.29", 6, 3)],
)  # fmt: skip
def test_mpy_versions(version: str, mpy: int, sub: int) -> None:
    assert (RELEASES[version].mpy_version, RELEASES[version].mpy_sub_version) == (mpy, sub)


def test_keys_are_the_versions() -> None:
    assert all(release.version == name for name, release in RELEASES.items())
    assert DEFAULT_RELEASE == "1.17"


def test_architectures() -> None:
    assert RELEASES["1.17"].archs[4:6] == ("armv6m", "armv7m")
    assert "rv32imc" not in RELEASES["1.23"].archs
    assert RELEASES["1.24"].archs.index("rv32imc") == 11
    assert RELEASES["1.27"].archs.index("rv64imc") == 12
