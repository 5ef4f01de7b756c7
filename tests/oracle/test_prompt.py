"""Our prompt shows what MicroPython's own shows, key by key, in both REPLs."""

from __future__ import annotations

import sys

import pytest

from tests.oracle import unix_port
from tests.oracle.reference import Unavailable

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@pytest.fixture(scope="module")
def command() -> list[str]:
    try:
        return unix_port.command()
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.mark.spec("D09", "D10")
@pytest.mark.parametrize("number", range(6))
def test_friendly(command: list[str], number: int) -> None:
    from tests.oracle.prompt import SAMPLES, difference

    assert difference(command, unix_port.RELEASE, SAMPLES[number]) == ""


@pytest.mark.spec("D12", "D15")
@pytest.mark.parametrize("seed", range(6))
def test_raw(command: list[str], seed: int) -> None:
    from tests.oracle.prompt import difference, drawn_raw

    assert difference(command, unix_port.RELEASE, drawn_raw(seed)) == ""
