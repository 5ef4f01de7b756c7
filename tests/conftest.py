"""Options and fixtures for all tests."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--bless",
        action="store_true",
        help="write what the compiler says now into tests/cases/*.test instead of comparing",
    )
    parser.addoption(
        "--spec-report",
        metavar="FILE",
        help="append the requirement ids (marker `spec`) and outcomes of the tests to FILE",
    )


@pytest.fixture(autouse=True)
def no_release_from_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The caller's environment must not choose the release of a test."""
    monkeypatch.delenv("MPY_RELEASE", raising=False)
    yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note the outcome of every test that carries requirement ids, for `python -m tests.spec`."""
    report = yield
    path = item.config.getoption("--spec-report")
    decided = report.when == "call" or report.outcome != "passed"
    if path and decided:
        ids = [str(name) for mark in item.iter_markers("spec") for name in mark.args]
        if ids:
            line = json.dumps([ids, report.outcome, item.nodeid]) + "\n"
            # One write of one short line: workers of pytest-xdist may append at the same time.
            descriptor = os.open(Path(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            os.write(descriptor, line.encode())
            os.close(descriptor)
    return report
