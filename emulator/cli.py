"""The command `mpy-emu`: run programs on emulated boards, and tell what boards there are."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from mpy_cross import __version__
from mpy_cross.emulator.cli_card import SDCARD_HELP, card_file, insert, keep_card
from mpy_cross.emulator.cli_fs import fs_group
from mpy_cross.emulator.program_run import (
    EXIT_ERROR,
    EXIT_INTERRUPT,
    EXIT_USAGE,
    Program,
    connect,
    dump_python,
    end,
    fail,
    pace,
    run,
    write_trace,
)
from mpy_cross.project import ProjectError, choose_release

if TYPE_CHECKING:
    from mpy_cross.emulator.board import Board
    from mpy_cross.emulator.card_file import CardFile
    from mpy_cross.emulator.session import Session
    from mpy_cross.loader.release import Release

_T = TypeVar("_T")
FIRMWARE_HELP = "Run this stock firmware: UF2, ELF, Intel HEX or DfuSe."
OF_OUR_RUN_TIME = ("arguments", "release", "arch", "emit", "opt", "heapsize", "files", "typed",
                   "realtime", "trace", "seed", "dump")
"""Parameters of `run` that stock firmware does not know."""
CONSOLE_HELP = "Where the firmware's prompt is: usb, a UART such as USART1, or auto."


class _Group(click.Group):
    """Wrong usage ends with status 2, a broken pipe quietly."""

    def main(self, *args: object, **extra: object) -> NoReturn:
        extra["standalone_mode"] = False
        try:
            status = super().main(*args, **extra)  # type: ignore[call-overload]
            sys.stdout.flush()
        except click.ClickException as error:
            error.show()
            status = EXIT_USAGE
        except (click.Abort, KeyboardInterrupt):
            status = EXIT_INTERRUPT
        except BrokenPipeError:  # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            status = EXIT_ERROR
        sys.exit(status if isinstance(status, int) else 0)


def _converted(parse: Callable[[str], _T]) -> Callable[[Any, Any, str | None], _T | None]:
    """A function of click for the value of an option."""

    def convert(context: Any, parameter: Any, value: str | None) -> _T | None:
        if value is None:
            return None
        try:
            return parse(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return convert


def _time(text: str) -> int:
    from mpy_cross.emulator.session import parse_time

    return parse_time(text)


def _size(text: str) -> int:
    from mpy_cross.emulator.session import parse_size

    return parse_size(text)


def _address(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f"an address is a number such as 0x08000000, not {text!r}") from None


_EXAMPLES = """\b
Examples:
  mpy-emu run main.py                     on a pyboard, newest release
  mpy-emu run --board pico --release 1.17 main.py
  mpy-emu run project/                    boot.py, then main.py of a folder
  mpy-emu run --max-time 10s blink.py     stop after 10 s of the board's time
  mpy-emu run -c "import sys; print(sys.platform)"
  mpy-emu boards
  mpy-emu info pico
  mpy-emu info firmware.uf2               which board and version it is for
"""

_RUN_EXAMPLES = """\b
Examples:
  mpy-emu run --trace vcd blink.vcd --max-time 5s blink.py
  mpy-emu run tool.py -- -x 3             the program's sys.argv
  mpy-emu run --files lib -m pkg.tool     a package of a folder
  echo "print(1)" | mpy-emu run -         a program from standard input
  mpy-emu run --input keys.txt ask.py     what input() gets
  mpy-emu run --emit viper --heapsize 64k sieve.py
"""

_STATUS = """\b
Exit status:
  that of sys.exit() in the program, 0 at its end;
  1    an exception that nobody caught (the traceback is console output)
  2    wrong usage
  122  the program reset the board, which has no main.py to start again with
  123  the program waits for something that nothing can bring about
  124  --max-time is over
  125  a fault: machine code or an access that the processor cannot do
  130  Ctrl-C that the program did not catch
"""


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXAMPLES,
    no_args_is_help=True,
)
@click.version_option(__version__, "--version", prog_name="mpy-emu")
def main() -> None:
    """Run MicroPython programs on emulated boards, in virtual time."""


@main.command(
    name="run",
    short_help="Run a program.",
    epilog=f"{_RUN_EXAMPLES}\n{_STATUS}",
    options_metavar="[OPTIONS]",
)
@click.argument("path", metavar="[FILE|DIR|-]", required=False)
@click.argument("arguments", metavar="[[--] ARGS...]", nargs=-1, type=click.UNPROCESSED)
@click.option("-c", "command", metavar="COMMAND", help="Run this source text.")
@click.option("-m", "module", metavar="MODULE", help="Run a module that the board can import.")
@click.option("--board", default="pyboard", show_default=True, metavar="B", help="The board.")
@click.option(
    "--release",
    metavar="R",
    help="MicroPython's release, such as 1.17; else $MPY_RELEASE, pyproject.toml, the newest.",
)
@click.option("--arch", metavar="A", help="Architecture of machine code, if not the board's.")
@click.option(
    "--emit",
    type=click.Choice(["bytecode", "native", "viper"]),
    default="bytecode",
    show_default=True,
    help="Code for functions that no decorator says otherwise of.",
)
@click.option(
    "--opt",
    type=click.Choice(["0", "1", "2", "s"]),
    help="How much machine code of sources is optimised, as by mpy-cross -X opt; else it is that of"
    " a board.",
)
@click.option(
    "--heapsize", metavar="N", callback=_converted(_size), help="Bytes of the heap: 65536, 100k."
)
@click.option("--firmware", metavar="IMAGE", help=FIRMWARE_HELP)
@click.option("--console", default="auto", metavar="C", help=CONSOLE_HELP)
@click.option("--files", metavar="DIR", help="Copy a folder to the board's files first.")
@click.option(
    "--flash",
    metavar="FILE",
    help="The board's files are in this flash image, also after the run; a new one is made.",
)
@click.option("--sdcard", metavar="FILE", help=SDCARD_HELP)
@click.option(
    "--input",
    "typed",
    metavar="FILE",
    help="What the program reads from its console; else that is standard input.",
)
@click.option("--realtime", is_flag=True, help="No faster than the board: a second is a second.")
@click.option(
    "--trace",
    nargs=2,
    metavar="vcd|json FILE",
    help="Write edges of pins and bytes of serial lines to a file.",
)
@click.option(
    "--max-time",
    metavar="T",
    callback=_converted(_time),
    help="Stop after that much virtual time: 10s, 500ms, 2min.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Where random numbers start."
)
@click.option(
    "--dump",
    type=click.Choice(["python"]),
    help="Print the Python functions that the program's become; do not run it.",
)
def run_command(
    path: str | None,
    arguments: tuple[str, ...],
    command: str | None,
    module: str | None,
    board: str,
    release: str | None,
    arch: str | None,
    emit: str,
    opt: str | None,
    heapsize: int | None,
    firmware: str | None,
    console: str,
    files: str | None,
    flash: str | None,
    sdcard: str | None,
    typed: str | None,
    realtime: bool,
    trace: tuple[str, str] | None,
    max_time: int | None,
    seed: int,
    dump: str | None,
) -> int:
    """Run FILE, a .py or .mpy file, or the folder DIR: it becomes the board's files, and their
    boot.py and main.py are run, again after each reset.

    Time is virtual: sleeping takes no time, and every run is the same.  Console output goes to
    standard output, and so does the traceback of an exception that nobody caught, as on a board.
    Ctrl-C raises KeyboardInterrupt in the program; a second one that it does not take ends it.

    With --firmware the board runs that image instead of our run-time, and FILE is sent to its
    prompt; the image tells which board it is for, unless --board says so.
    """
    if trace is not None and trace[0] not in ("vcd", "json"):
        raise click.BadParameter(f"the form is vcd or json, not {trace[0]!r}", param_hint="--trace")
    program = Program.chosen(path, arguments, command, module)
    if firmware is not None:
        from mpy_cross.emulator import cli_firmware

        cli_firmware.refuse(*OF_OUR_RUN_TIME)
        source = cli_firmware.source(program)
        kept, card = cli_firmware.flash_file(flash), card_file(sdcard)
        stock = cli_firmware.firmware_session(board, firmware, console, kept, card)
        try:
            return cli_firmware.run(stock, source, max_time, kept)
        finally:
            keep_card(card)
    if dump and program.kind != "file":
        raise click.UsageError("--dump takes a file")
    session = _session(
        program.argv, board, release, arch, emit, opt, heapsize, trace is not None, seed
    )
    if dump:
        return dump_python(session, program.name)
    if flash is not None:
        _use_flash(session, flash)
    card = _use_card(session, sdcard)
    connect(session, program, files, typed)
    if max_time is not None:
        session.limit(max_time)
    if realtime:
        pace(session)
    outcome = run(session, program)
    _save_flash(session)
    keep_card(card)
    if trace is not None:
        write_trace(session, *trace)
    return end(outcome, program)


def _session(
    argv: list[str],
    board: str,
    release: str | None,
    arch: str | None,
    emit: str,
    opt: str | None,
    heap: int | None,
    record: bool,
    seed: int,
) -> Session:
    from mpy_cross.emulator.compiler import compiler_for
    from mpy_cross.emulator.session import Session, SessionError

    facts = _board(board)
    chosen = _release(release)
    if arch is not None and arch not in chosen.archs:
        names = ", ".join(each for each in chosen.archs if each)
        fail(f"{chosen.version} has no architecture {arch!r}; there are {names}", EXIT_USAGE)
    # Programs write bytes of any kind as text: they come out as they are.
    write = sys.stdout.buffer.write
    flush = sys.stdout.buffer.flush if sys.stdout.isatty() else None

    def console(text: str) -> None:
        write(text.encode("utf-8", "surrogateescape"))
        if flush is not None:
            flush()

    try:
        return Session(
            facts.name,
            chosen,
            compiler_for(chosen, arch or facts.arch, emit, opt),
            heap=heap,
            record=record,
            write=console,
            argv=argv,
            seed=seed,
        )
    except SessionError as error:
        fail(str(error), EXIT_USAGE)


def _use_flash(session: Session, flash: str) -> None:
    from pathlib import Path

    from mpy_cross.emulator.session import SessionError

    try:
        session.use_flash(Path(flash))
    except SessionError as error:
        fail(str(error), EXIT_USAGE)


def _use_card(session: Session, sdcard: str | None) -> CardFile | None:
    card = card_file(sdcard)
    if card is not None:
        insert(card, session.machine)
        session.start_files()
    return card


def _save_flash(session: Session) -> None:
    from mpy_cross.emulator.session import SessionError

    try:
        session.save_flash()
    except SessionError as error:
        fail(str(error))


def _board(name: str) -> Board:
    from mpy_cross.emulator.boards import UnknownBoardError, board

    try:
        return board(name)
    except UnknownBoardError as error:
        fail(str(error), EXIT_USAGE)


def _release(name: str | None) -> Release:
    try:
        return choose_release(name)
    except ProjectError as error:
        fail(str(error), EXIT_USAGE)


# -------------------------------------------------------------------------------------- serve


@main.command(name="serve", short_help="Offer a board's prompt to tools.")
@click.argument("folder", metavar="[DIR]", required=False)
@click.option("--board", default="pyboard", show_default=True, metavar="B", help="The board.")
@click.option("--release", metavar="R", help="MicroPython's release, as for run.")
@click.option("--firmware", metavar="IMAGE", help=FIRMWARE_HELP)
@click.option("--console", default="auto", metavar="C", help=CONSOLE_HELP)
@click.option("--flash", metavar="FILE", help="A file with the board's flash, also afterwards.")
@click.option("--sdcard", metavar="FILE", help=SDCARD_HELP)
@click.option("--tcp", metavar="[HOST:]PORT", help="Listen on a TCP port; 0: any that is free.")
@click.option("--pty", is_flag=True, help="Make a pseudo-terminal.")
@click.option("--link", metavar="PATH", help="A name for the pseudo-terminal.")
@click.option("--realtime", is_flag=True, help="No faster than the board: a second is a second.")
@click.option(
    "--heapsize", metavar="N", callback=_converted(_size), help="Bytes of the heap: 65536, 100k."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Where random numbers start."
)
def serve_command(
    folder: str | None,
    board: str,
    release: str | None,
    firmware: str | None,
    console: str,
    flash: str | None,
    sdcard: str | None,
    tcp: str | None,
    pty: bool,
    link: str | None,
    realtime: bool,
    heapsize: int | None,
    seed: int,
) -> int:
    """Switch a board on, with the files of DIR, and offer its prompt: to mpremote, pyboard.py,
    or a terminal program.

    While the prompt waits for input, virtual time follows the host's; a program that sleeps does
    not, unless --realtime is given.  SIGINT (Ctrl-C) and SIGTERM end the server.

    With --firmware the board runs that image instead of our run-time; the image tells which board
    it is for, unless --board says so.
    """
    from mpy_cross.emulator.compiler import compiler_for
    from mpy_cross.emulator.serve import ServeError, serve_hosted
    from mpy_cross.emulator.session import Session, SessionError

    if (tcp is None) == (not pty):
        raise click.UsageError("say --tcp PORT or --pty")
    if link is not None and not pty:
        raise click.UsageError("--link belongs to --pty")
    if firmware is not None:
        from mpy_cross.emulator import cli_firmware

        cli_firmware.refuse("folder", "release", "realtime", "heapsize", "seed")
        kept, card = cli_firmware.flash_file(flash), card_file(sdcard)
        session = cli_firmware.firmware_session(board, firmware, console, kept, card)
        try:
            return cli_firmware.serve(session, tcp, link, kept)
        finally:
            keep_card(card)
    facts = _board(board)
    chosen = _release(release)
    try:
        hosted = Session(
            facts.name, chosen, compiler_for(chosen, facts.arch), heap=heapsize, seed=seed
        )
        if flash is not None:
            _use_flash(hosted, flash)
        card = _use_card(hosted, sdcard)
        serve_hosted(hosted, folder=folder, tcp=tcp, link=link, realtime=realtime, say=click.echo)
    except (ServeError, SessionError) as error:
        fail(str(error), EXIT_USAGE)
    _save_flash(hosted)
    keep_card(card)
    return 0


# ------------------------------------------------------------------------------------- boards


@main.command(name="boards", short_help="List the boards.")
def boards_command() -> None:
    """List the boards, one a line: name, title, core, speed, heap."""
    from mpy_cross.emulator.boards import board, boards

    for name in boards():
        facts = board(name)
        click.echo(
            f"{name:10}{facts.title:24}{facts.frequency // 1_000_000:4} MHz  "
            f"{facts.heap >> 10:4} KiB heap  {facts.arch}"
        )


@main.command(name="info", short_help="Tell about a board or a firmware image.")
@click.argument("name", metavar="BOARD|IMAGE")
@click.option(
    "--address",
    metavar="A",
    callback=_converted(_address),
    help="Where a raw binary belongs: 0x08000000.",
)
def info_command(name: str, address: int | None) -> None:
    """Tell what BOARD has: chip, memory, pins, LEDs, serial lines; or which board and version of
    MicroPython IMAGE is for: a UF2, ELF, Intel HEX, DfuSe or raw binary file.
    """
    from mpy_cross.emulator.boards import UnknownBoardError, board
    from mpy_cross.emulator.firmware.files import load
    from mpy_cross.emulator.firmware.image import ImageError
    from mpy_cross.emulator.firmware.report import rows as image_rows

    try:
        rows = _board_rows(board(name))
        if address is not None:
            raise click.UsageError("--address belongs to raw binaries, not to boards")
    except UnknownBoardError as unknown:
        try:
            rows = image_rows(load(name, address=address))
        except ImageError as error:
            # A name without dot or slash was meant to be a board's.
            is_path = os.path.exists(name) or "." in name or os.sep in name
            fail(str(error if is_path else unknown), EXIT_USAGE)
    width = max(len(title) for title, _ in rows) + 2
    for title, text in rows:
        lines = click.wrap_text(
            text, 98, initial_indent=f"{title:{width}}", subsequent_indent=" " * width
        )
        click.echo(lines)


def _board_rows(facts: Board) -> list[tuple[str, str]]:
    from mpy_cross.emulator.machine import machine

    chip = machine(facts.name).chip
    return [
        ("name", facts.name),
        ("title", facts.title),
        ("firmware", ", ".join(facts.firmware)),
        ("machine", facts.machine),
        ("sys.platform", facts.platform),
        ("chip", f"{chip.name}, {chip.cores} x {chip.core}"),
        ("frequency", f"{facts.frequency // 1_000_000} MHz"),
        ("RAM", f"{chip.ram.size >> 10} KiB, {facts.heap >> 10} KiB of it heap"),
        ("flash", f"{chip.flash.size >> 10} KiB, {facts.file_size >> 10} KiB of it files"),
        ("floats", f"{facts.float_bits} bits"),
        ("native code", facts.arch),
        ("LEDs", ", ".join(facts.leds) or "none"),
        ("switches", ", ".join(facts.switches) or "none"),
        ("UARTs", ", ".join(str(key) for key in facts.uarts)),
        ("I2C", ", ".join(str(key) for key in facts.i2cs) or "none"),
        ("SPI", ", ".join(str(key) for key in facts.spis)),
        ("pins", ", ".join(facts.pins)),
    ]


main.add_command(fs_group)

if __name__ == "__main__":
    main()
