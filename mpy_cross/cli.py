"""The command `mpy-cross`: options and files in, .mpy files out, errors as the reference's."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mpy_cross import __date__, __version__
from mpy_cross.errors import CompileError
from mpy_cross.loader.release import Release
from mpy_cross.options_parser import CommandLine, UsageError, check, parse, usage
from mpy_cross.project import ProjectError, choose_release

if TYPE_CHECKING:
    from mpy_cross.options import CompileOptions

STDIN = "-"
STDOUT = "-"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0, or 1 after any error."""
    if arguments is None:
        arguments = sys.argv[1:]
    try:
        status = _run(arguments)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except Exception as error:
        _complain(f"internal error: {type(error).__name__}: {error}; please report it\n")
        if list(arguments).count("-v") >= 2:
            import traceback

            _complain(traceback.format_exc())
        else:
            _complain("-v -v shows where it happened\n")
        return 1


def _run(arguments: Sequence[str]) -> int:
    try:
        command = parse(arguments)
        release = choose_release(command.release)
        if command.show_version:
            print(version_line(release))
            return 0
        if command.show_help:
            print(usage(release), end="")
            return 0
        check(command, release)
    except UsageError as error:
        _complain(f"mpy-cross: {error}\nmpy-cross --help lists the options\n")
        return 1
    except ProjectError as error:
        _complain(f"mpy-cross: {error}\n")
        return 1
    status = 0
    for file in command.files:
        if not _compile_file(file, command, release):
            status = 1
    return status


def version_line(release: Release) -> str:
    """The line of the release's own tool, with our name and version at its end."""
    tag = f"v{release.version}"
    if release.three_part_tag and release.version.count(".") == 1:
        tag += ".0"
    mpy = f"v{release.mpy_version}"
    if release.mpy_sub_version:
        mpy += f".{release.mpy_sub_version}"
    return (
        f"MicroPython {tag} on {__date__}; mpy-cross emitting mpy {mpy}; "
        f"mpy-toolchain {__version__}"
    )


def output_name(file: str) -> str:
    """Where the .mpy of an input file goes: like the reference, cut two characters, add "mpy"."""
    return file[:-2] + "mpy"


def _compile_file(file: str, command: CommandLine, release: Release) -> bool:
    """Compile one input; False if it failed and the reason was printed."""
    if release.backslash_paths:
        file = file.replace("\\", "/")
    name = "<stdin>" if file == STDIN else file
    try:
        source = sys.stdin.buffer.read() if file == STDIN else _read(file)
    except OSError as error:
        return _failed(release, error, name)
    embedded = name if command.source_name is None else command.source_name
    if release.backslash_paths:
        embedded = embedded.replace("\\", "/")
    try:
        if command.dump:
            from mpy_cross.dump import dump

            for stage in command.dump:
                sys.stdout.write(dump(stage, source, embedded, _options(command, release)))
            if command.output is None:
                return True
        from mpy_cross.driver import compile_source

        options = _options(command, release)
        notes: list[str] = []
        if command.verbose:
            options = options._replace(optimise=options.optimise._replace(notes=notes))
        code = compile_source(source, embedded, options, name)
    except CompileError as error:
        if error.block is None:  # the parser names the file itself, only the compiler obeys -s
            error.file = name
        from mpy_cross.report import render

        _complain(render(error, source, _wants_color(command)))
        return False
    if command.output is not None:
        target = command.output
    else:
        target = STDOUT if file == STDIN else output_name(file)
    if target == STDOUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(code)
        sys.stdout.buffer.flush()
    else:
        try:
            write_whole(target, code)
        except OSError as error:
            return _failed(release, error, target)
        if command.output is None and not file.endswith(".py"):
            _complain(f"note: {file} does not end in .py, so the output is {target}\n")
    if command.verbose:
        for note in notes:
            _complain(f"{name}: {note}\n")
        shown = "stdout" if target == STDOUT else target
        _complain(f"{name}: {len(source)} bytes -> {shown}: {len(code)} bytes, ")
        _complain(f"MicroPython {release.version}\n")
    return True


def _options(command: CommandLine, release: Release) -> CompileOptions:
    from mpy_cross.emitters.ssa.settings import Optimise
    from mpy_cross.loader.ops import Emit
    from mpy_cross.options import CompileOptions
    from mpy_cross.target import opt_for

    return CompileOptions(
        release=release,
        opt_level=command.opt_level,
        small_int_bits=command.small_int_bits,
        unicode=command.unicode,
        cache_lookup_bc=command.cache_lookup_bc,
        source_lines=command.source_lines,
        arch=command.arch,
        arch_flags=command.arch_flags,
        emit=Emit[command.emit.upper()],
        strict=command.strict,
        optimise=Optimise(opt_for(release, command.arch, command.opt), tuple(command.opt_only),
                          command.strict, viper_checks=command.viper_checks,
                          directives=command.opt != "0"),
    )


def _read(file: str) -> bytes:
    with open(file, "rb") as stream:
        return stream.read()


def write_whole(target: str, data: bytes) -> None:
    """Write a file so that nobody ever sees half of it: under another name first, then renamed.

    Devices, pipes and the like are written directly.  Raises OSError.
    """
    target = os.path.realpath(target) if target else target
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
    if mode is not None and not stat.S_ISREG(mode):
        with open(target, "wb") as stream:
            stream.write(data)
        return
    folder, base = os.path.split(target)
    temporary = os.path.join(folder, f".{base[:200]}.{os.getpid()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o644 if mode is None else stat.S_IMODE(mode))
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _failed(release: Release, error: OSError, name: str) -> bool:
    from mpy_cross.report import os_error_text

    _complain(os_error_text(release, error.errno or 0, name))
    return False


def _wants_color(command: CommandLine) -> bool:
    if command.color != "auto":
        return command.color == "always"
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def _complain(text: str) -> None:
    """Write to stderr, byte for byte even where names are not valid UTF-8."""
    sys.stderr.flush()
    sys.stderr.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stderr.buffer.flush()
