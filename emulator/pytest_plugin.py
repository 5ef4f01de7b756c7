"""The pytest plugin: fixture `board`, a board that runs the program under test.

    @pytest.mark.board("pico", release="1.17")
    def test_blink(board):
        board.run("blink.py", ms=2500)
        assert board.pin("LED").edges() == [(0, 1), (1000, 0), (2000, 1)]

Everything is loaded when a test asks for it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mpy_cross.emulator.testing import BoardUnderTest
    from mpy_cross.emulator.testing_firmware import FirmwareUnderTest

_MARK = (
    'board(name="pyboard", release=None, emit="bytecode", opt=None, arch=None, heapsize=None, '
    "seed=0): "
    "the board of the fixture `board`; "
    'board(name, firmware="image.uf2", console="auto"): the same with stock firmware'
)
_OPTIONS = ("name", "release", "emit", "opt", "arch", "heapsize", "seed", "firmware", "console")
_OF_FIRMWARE = ("name", "firmware", "console")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARK)


@pytest.fixture
def board(request: pytest.FixtureRequest) -> Iterator[BoardUnderTest | FirmwareUnderTest]:
    """A board, just switched on; the marker `board` says which one."""
    options = _options(request.node)
    if "firmware" in options:
        made = _with_firmware(request, options)
        request.node.stash[_BOARD] = made
        yield made
        return
    yield from _hosted(request, options)


def _with_firmware(request: pytest.FixtureRequest, options: dict[str, Any]) -> FirmwareUnderTest:
    """A board at the prompt of its firmware."""
    from mpy_cross.emulator.boards import UnknownBoardError
    from mpy_cross.emulator.firmware.image import ImageError
    from mpy_cross.emulator.stock import StockError
    from mpy_cross.emulator.testing_firmware import FirmwareUnderTest, booted

    for key in options:
        if key not in _OF_FIRMWARE:
            pytest.fail(f"marker board: {key!r} has no effect with firmware=", pytrace=False)
    folder = request.path.parent
    try:
        session = booted(options.get("name", "pyboard"), folder / options["firmware"],
                         options.get("console", "auto"))
    except (ImageError, OSError, StockError, UnknownBoardError) as error:
        fault = str(error)
    else:
        return FirmwareUnderTest(session, folder, folder / options["firmware"])
    pytest.fail(f"marker board: {fault}", pytrace=False)


def _hosted(
    request: pytest.FixtureRequest, options: dict[str, Any]
) -> Iterator[BoardUnderTest]:
    """A board on whose run-time programs run."""
    from mpy_cross.emulator.boards import UnknownBoardError
    from mpy_cross.emulator.boards import board as find_board
    from mpy_cross.emulator.compiler import compiler_for
    from mpy_cross.emulator.session import Session, SessionError
    from mpy_cross.emulator.testing import BoardUnderTest
    from mpy_cross.loader.release import UnknownRelease
    from mpy_cross.project import ProjectError, choose_release
    from mpy_cross.target import UnknownTarget, check_opt

    fault = ""
    try:
        facts = find_board(options.get("name", "pyboard"))
        release = choose_release(options.get("release"), folder=request.path.parent)
        arch = options.get("arch") or facts.arch
        opt = options.get("opt")
        if opt is not None:
            check_opt(opt)
        session = Session(
            facts.name,
            release,
            compiler_for(release, arch, options.get("emit", "bytecode"), opt),
            heap=options.get("heapsize"),
            seed=options.get("seed", 0),
            record=True,
        )
    except (ProjectError, SessionError, UnknownBoardError, UnknownRelease, UnknownTarget) as error:
        fault = str(error)
    if fault:
        pytest.fail(f"marker board: {fault}", pytrace=False)
    made = BoardUnderTest(
        session, request.path.parent, lambda emit, level: compiler_for(release, arch, emit, level),
        opt or "2",
    )
    request.node.stash[_BOARD] = made
    try:
        yield made
    finally:
        session.close()


_BOARD: pytest.StashKey[Any] = pytest.StashKey()


def _options(node: Any) -> dict[str, Any]:
    """The arguments of the nearest marker."""
    mark = node.get_closest_marker("board")
    if mark is None:
        return {}
    if len(mark.args) > 1:
        pytest.fail(f"marker board takes one name, not {mark.args}", pytrace=False)
    for key in mark.kwargs:
        if key not in _OPTIONS:
            pytest.fail(
                f"marker board has no {key!r}; there are {', '.join(_OPTIONS)}", pytrace=False
            )
    return {**({"name": mark.args[0]} if mark.args else {}), **mark.kwargs}


def _place(item: pytest.Item, info: pytest.ExceptionInfo[BaseException]) -> str:
    """The line of the test that ran the program."""
    inner = [entry for entry in info.traceback if entry.path == item.path]
    return f"{item.path.name}:{inner[-1].lineno + 1}: in {item.name}\n" if inner else ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """An error of the program is shown as MicroPython does; the console is a section of its own."""
    report = yield
    board = item.stash.get(_BOARD, None)
    if call.when == "call" and board is not None:
        from mpy_cross.emulator.testing import ProgramError
        from mpy_cross.emulator.testing_firmware import RemoteProgramError

        errors = ProgramError, RemoteProgramError
        if call.excinfo is not None and isinstance(call.excinfo.value, errors):
            report.longrepr = f"{_place(item, call.excinfo)}{call.excinfo.value}"
        if report.failed and board.console.text:
            report.sections.append(("Console of the board", board.console.text))
    return report
