"""The command `mpy-tool`: look into .mpy files, compare them, tell where they load."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from mpy_cross import __version__
from mpy_cross.loader import check as checking
from mpy_cross.loader.diff import first_difference
from mpy_cross.loader.dump import arch_name, dump_file, writers
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import RELEASES, UnknownRelease, get

STDIN = "-"

EXIT_DIFFERENT = 1
EXIT_ERROR = 1
EXIT_DIFF_TROUBLE = 2


def _fail(message: str, status: int = EXIT_ERROR) -> NoReturn:
    click.echo(f"mpy-tool: {message}", err=True)
    sys.exit(status)


def _load(file: str, status: int = EXIT_ERROR) -> bytes:
    """The bytes of a file, or of standard input for `-`; ends the program if there are none."""
    try:
        if file == STDIN:
            return sys.stdin.buffer.read()
        with open(file, "rb") as stream:
            return stream.read()
    except OSError as error:
        _fail(f"{file}: {error.strerror or error}", status)
    except ValueError as error:  # a NUL in the name
        _fail(f"{file!r}: {error}", status)


class _Group(click.Group):
    """Wrong usage ends with status 1 like every other error (`diff` keeps 1 for "different")."""

    def main(self, *args: object, **extra: object) -> NoReturn:
        extra["standalone_mode"] = False
        try:
            status = super().main(*args, **extra)  # type: ignore[call-overload]
        except click.ClickException as error:
            error.show()
            context = getattr(error, "ctx", None)
            different = context is not None and context.info_name == "diff"
            status = EXIT_DIFF_TROUBLE if different else EXIT_ERROR
        except (click.Abort, KeyboardInterrupt):
            status = 130
        except BrokenPipeError:  # whoever read our output has seen enough
            sys.stderr.close()
            status = 1
        sys.exit(status if isinstance(status, int) else 0)


_EXAMPLES = """\b
Examples:
  mpy-tool dump main.mpy             what is in the file
  mpy-tool dump --hex main.mpy       ... and what each byte is for
  mpy-tool diff mine.mpy theirs.mpy  the first difference, in words
  mpy-tool check main.mpy            which releases load it
  mpy-tool check main.mpy --release 1.17 --arch armv7m
  mpy-tool size main.mpy             bytes of each function
  mpy-tool size --arch armv7m main.py   ... as it is and as -X opt=2 makes it
"""


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXAMPLES,
    no_args_is_help=True,
)
@click.version_option(__version__, "--version", prog_name="mpy-tool")
def main() -> None:
    """Look into compiled MicroPython files (.mpy), versions 5 and 6: releases 1.12 to 1.29.

    FILE may be - for standard input.  Every command ends with status 0 if all is well.
    """


@main.command(name="dump", short_help="Show what is in a file.")
@click.argument("file")
@click.option("--hex", "hex_dump", is_flag=True, help="Show every byte and its field as well.")
def dump_command(file: str, hex_dump: bool) -> None:
    """Show what is in FILE: header, names, constants, and the code of every function.

    Each instruction stands with its source line (where it changes), its offset from the start of
    the code, its name and its operands; jump targets are such offsets.

    \b
    Example:
      $ mpy-tool dump main.mpy
      ...
      blink (bytecode, code 0, 31 bytes)
        source file     main.py
        state slots     3, exception handlers 0
        ...
        code
             4     0  LOAD_GLOBAL time
                   3  LOAD_METHOD sleep
    """
    try:
        text = dump_file(_load(file), hex_dump=hex_dump)
    except MpyError as error:
        _fail(f"{file}: {error}")
    _print(text)


def _print(text: str) -> None:
    """Print a dump; on a terminal with its headings in bold."""
    if not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    for line in text.splitlines():
        heading = line[:1] not in (" ", "")
        click.echo(click.style(line, bold=True) if heading else line)


@main.command(name="diff", short_help="Name the first difference of two files.")
@click.argument("a")
@click.argument("b")
def diff_command(a: str, b: str) -> None:
    """Name the first field or instruction in which the files A and B differ.

    Names and constants are compared by what they are, not by their number in a table.  Exit status:
    0 the same byte for byte, 1 different, 2 trouble.

    \b
    Example:
      $ mpy-tool diff old.mpy new.mpy
      function f, instruction 12 (line 7): LOAD_FAST 0 (x) in A, LOAD_NAME x in B
    """
    data_a = _load(a, EXIT_DIFF_TROUBLE)
    data_b = _load(b, EXIT_DIFF_TROUBLE)
    for file, data in ((a, data_a), (b, data_b)):
        try:
            read(data)
        except MpyError as error:
            _fail(f"{file}: {error}", EXIT_DIFF_TROUBLE)
    try:
        difference = first_difference(data_a, data_b)
    except MpyError as error:
        _fail(f"{a} or {b}: {error}", EXIT_DIFF_TROUBLE)
    if difference is not None:
        click.echo(difference)
        sys.exit(EXIT_DIFFERENT)


@main.command(name="check", short_help="Tell which releases and boards load a file.")
@click.argument("file")
@click.option("--release", "release_name", metavar="R", help="Ask about one release, such as 1.17.")
@click.option(
    "--arch",
    metavar="A",
    help="The board's architecture, such as armv7m; none: it runs no machine code.",
)
def check_command(file: str, release_name: str | None, arch: str | None) -> None:
    """Tell which MicroPython releases load FILE, and why the others do not.

    The words after "no:" are those that the board prints.  Exit status 1 if no release in question
    loads the file.

    \b
    Example:
      $ mpy-tool check fast.mpy --arch armv7m
      fast.mpy: .mpy version 5, written by MicroPython 1.12 to 1.18, armv7emsp code
      1.12 to 1.18    no: incompatible .mpy arch (the file has armv7emsp code, the board is armv7m)
      1.19 to 1.29    no: incompatible .mpy file (...)
    """
    archs = [*list(RELEASES.values())[-1].archs[1:], checking.NO_NATIVE]
    if arch is not None and arch not in archs:
        _fail(f"unknown architecture {arch!r}; known are {', '.join(archs)}")
    try:
        releases = list(RELEASES.values()) if release_name is None else [get(release_name)]
    except UnknownRelease as error:
        _fail(str(error))
    try:
        mpy = read(_load(file))
    except MpyError as error:
        _fail(f"{file}: {error}")
    code = f"{arch_name(mpy)} code" if mpy.arch else "no machine code"
    version = str(mpy.release.mpy_version)
    if mpy.arch and mpy.release.mpy_sub_version:
        version += f".{mpy.release.mpy_sub_version}"
    click.echo(f"{file}: .mpy version {version}, written by MicroPython {writers(mpy)}, {code}")
    verdicts = [checking.check_release(mpy, release, arch) for release in releases]
    for line in checking.summary(verdicts):
        click.echo(line)
    if not any(verdict.loads for verdict in verdicts):
        sys.exit(EXIT_ERROR)


@main.command(name="size", short_help="Show how many bytes each function takes.")
@click.argument("file")
@click.option("--release", "release_name", metavar="R", help="For a source: the release.")
@click.option("--arch", metavar="A", help="For a source: the architecture, such as armv7m.")
@click.option(
    "--opt",
    "levels",
    multiple=True,
    type=click.Choice(["0", "1", "2", "s"]),
    help="For a source: the levels of -X opt to compare (default: 2).",
)
@click.option(
    "--emit",
    type=click.Choice(["bytecode", "native", "viper"]),
    default="bytecode",
    help="For a source: the code of functions without decorator.",
)
def size_command(
    file: str, release_name: str | None, arch: str | None, levels: tuple[str, ...], emit: str
) -> None:
    """Show how many bytes the code of each function in FILE takes.

    Of a .mpy file, all functions; their constants are not counted.  Any other file is a source:
    its functions that become machine code are shown as the reference compiles them, and beside
    that as the optimising back end does; - stands for one that the reference refuses.

    \b
    Example:
      $ mpy-tool size --arch armv7m copy.py
      function          kind       opt=0   opt=2
      memcpy8           viper        154      76    -51 %
    """
    from mpy_cross import sizes

    data = _load(file)
    if file.endswith(".mpy") or (file == STDIN and data[:1] == b"M"):
        try:
            found = sizes.function_sizes(read(data))
        except MpyError as error:
            _fail(f"{file}: {error}")
        rows = [sizes.Comparison(one.name or "module", one.kind, one.size, ()) for one in found]
        lines = sizes.size_lines(rows, ())
    else:
        lines = _source_sizes(file, data, release_name, arch, levels or ("2",), emit)
    for line in lines:
        click.echo(line)


def _source_sizes(
    file: str, source: bytes, release_name: str | None, arch: str | None,
    levels: tuple[str, ...], emit: str,
) -> list[str]:
    """The lines of `size` for a source text; ends the program if it is refused."""
    from mpy_cross import sizes
    from mpy_cross.errors import CompileError
    from mpy_cross.project import ProjectError, choose_release
    from mpy_cross.target import UnknownTarget

    try:
        release = choose_release(release_name)
        rows = sizes.compare_levels(source, file, release, arch or "", levels, emit)
    except (ProjectError, UnknownTarget) as error:
        _fail(str(error))
    except CompileError as error:
        _fail(f"{error}")
    if not rows:
        _fail(f"{file}: no function becomes machine code: none is decorated with "
              "@micropython.native or @micropython.viper, and --emit says nothing else")
    return sizes.size_lines(rows, levels)


if __name__ == "__main__":
    main()
