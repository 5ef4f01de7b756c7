"""What MicroPython does otherwise than CPython (manual 3.6 to 3.9), by the example of each row.

Of J04 and J05 the manual prints errors that the reference compiler of 1.17 does not have.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.emulator.language_programs import Player

_TEXT = (Path(__file__).resolve().parent / "differences.test").read_text(encoding="utf-8")
_CASE = re.compile(
    r"^\[case (J\d\d)\]\n(.*?)^\[out\]\n(.*?)(?=^\[case|\Z)", re.MULTILINE | re.DOTALL
)
CASES = [
    pytest.param(match[2], match[3], id=match[1], marks=pytest.mark.spec(match[1]))
    for match in _CASE.finditer(_TEXT)
]


@pytest.fixture(scope="module")
def player() -> Player:
    return Player("1.17")


@pytest.mark.parametrize(("source", "wanted"), CASES)
def test_example_prints_what_the_manual_says(source: str, wanted: str, player: Player) -> None:
    """Of a traceback the last line counts, unless the example shows all of it."""
    found = player.console(source)
    if "Traceback" not in wanted and "Traceback" in found:
        found = found[: found.index("Traceback")] + found.splitlines(keepends=True)[-1]
    assert found == wanted
