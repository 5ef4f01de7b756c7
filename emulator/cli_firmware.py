"""`mpy-emu` with `--firmware`: boards that run stock images."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from mpy_cross.emulator.boards import UnknownBoardError
from mpy_cross.emulator.boards import board as find_board
from mpy_cross.emulator.cli_card import insert
from mpy_cross.emulator.firmware.files import load
from mpy_cross.emulator.firmware.identify import identify
from mpy_cross.emulator.firmware.image import ImageError
from mpy_cross.emulator.machine import UnknownNameError
from mpy_cross.emulator.program_run import EXIT_ERROR, EXIT_USAGE, Program, fail
from mpy_cross.emulator.serve import ServeError, serve_firmware
from mpy_cross.emulator.stock import StockError
from mpy_cross.emulator.stock_flash import FlashFile
from mpy_cross.emulator.stock_session import StockSession

if TYPE_CHECKING:
    from mpy_cross.emulator.card_file import CardFile

EXIT_TIME: Final = 124
EXIT_FAULT: Final = 125
STEP: Final = 10_000_000
"""ns of virtual time between two looks at what was printed."""
FOREVER: Final = 1 << 62
SETTLE: Final = 6_000_000_000
"""ns after which firmware has written to flash what it still holds in RAM."""


def refuse(*names: str) -> None:
    """Parameters that mean nothing to stock firmware. Raises UsageError if one was given."""
    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "")
        if parameter.name in names and given is ParameterSource.COMMANDLINE:
            shown = parameter.opts[0] if isinstance(parameter, click.Option) else (
                parameter.human_readable_name)
            raise click.UsageError(f"{shown} has no effect with --firmware")


def flash_file(name: str | None) -> FlashFile | None:
    """The file of `--flash`."""
    if name is None:
        return None
    try:
        return FlashFile(Path(name))
    except OSError as error:
        fail(f"{name}: {error.strerror or error}", EXIT_USAGE)


def firmware_session(board: str, firmware: str, console: str, flash: FlashFile | None = None,
                     card: CardFile | None = None) -> StockSession:
    """A board with the firmware of an image, and with a card in its slot.

    board: counts only if it was given on the command line; else the image tells.
    """
    try:
        image = load(firmware)
        given = click.get_current_context().get_parameter_source("board")
        if given is ParameterSource.COMMANDLINE:
            facts = find_board(board)
        else:
            known = identify(image).emulated
            if known is None:
                fail(f"{firmware}: does not tell for which board it is; say --board", EXIT_USAGE)
            facts = known
        session = StockSession(facts.name, image.segments, console=console,
                               flash=None if flash is None else flash.content)
        insert(card, session.machine)
        return session
    except (ImageError, UnknownBoardError, UnknownNameError, StockError) as error:
        fail(str(error), EXIT_USAGE)


def keep_flash(session: StockSession, flash: FlashFile, settle: int) -> None:
    """Writes the file of `--flash`, after `settle` more ns of virtual time."""
    try:
        session.advance(settle)
        flash.save(session.machine)
    except StockError as error:
        fail(str(error), EXIT_FAULT)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror or error}")


def serve(session: StockSession, tcp: str | None, link: str | None,
          flash: FlashFile | None = None) -> int:
    """`mpy-emu serve --firmware`."""
    settle = SETTLE
    try:
        session.boot()
        serve_firmware(session, tcp=tcp, link=link, say=click.echo)
    except ServeError as error:
        fail(str(error), EXIT_USAGE)
    except StockError as error:
        settle = 0
        fail(str(error), EXIT_FAULT)
    finally:
        if flash is not None:
            keep_flash(session, flash, settle)
    return 0


def run(session: StockSession, source: str, limit: int | None,
        flash: FlashFile | None = None) -> int:
    """`mpy-emu run --firmware`: the program's output goes to standard output as it comes.

    limit: ns of virtual time for the program, None for any.  flash: what keeps the board's flash
    afterwards, whatever became of the program: one that is stopped is as if power was cut.  Gives
    the exit status.
    """
    settle = 0
    try:
        status = _run(session, source, limit)
        settle = SETTLE
    finally:
        if flash is not None:
            keep_flash(session, flash, settle)
    return status


def _run(session: StockSession, source: str, limit: int | None) -> int:
    try:
        session.boot()
        running = session.repl.start(source)
        end = FOREVER if limit is None else session.now + limit
        while not running.ended and session.now < end:
            session.stock.run_until(min(session.now + STEP, end))
            _show(running.take())
        if not running.ended:
            fail(f"stopped: {(limit or 0) / 1e6:g} ms of virtual time are over", EXIT_TIME)
        traceback = running.finish()
    except StockError as error:
        fail(str(error), EXIT_FAULT)
    _show(traceback)
    return EXIT_ERROR if traceback else 0


def _show(data: bytes) -> None:
    if data:
        sys.stdout.buffer.write(data.replace(b"\r\n", b"\n"))
        sys.stdout.buffer.flush()


def source(program: Program) -> str:
    """The text that goes to the prompt: that of a .py file, or of -c, or of standard input."""
    if program.kind == "text":
        return program.text
    if program.kind == "module":
        return f"import {program.name}"
    path = Path(program.name)
    if path.is_dir() or path.suffix == ".mpy":
        fail(f"{path}: --firmware runs .py files; others go to the board by serve and mpremote",
             EXIT_USAGE)
    try:
        return path.read_text("utf-8")
    except OSError as error:
        fail(f"{path}: {error.strerror or error}", EXIT_USAGE)
    except UnicodeDecodeError as error:
        fail(f"{path}: no UTF-8 text: {error.reason} at byte {error.start}", EXIT_USAGE)
