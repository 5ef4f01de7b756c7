"""The command line of `mpy-cross`: the reference's options, spelled as there, and a few of ours.

The reference mixes options and file names freely and has long options behind a single dash, so the
arguments are read by a table of rows.  Parsing has two steps, since the options may name the
release and the release decides which options exist: `parse` reads the arguments, `check` asks
the release about each of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple, TypeAlias, final

from mpy_cross.emitters.ssa.settings import LEVELS
from mpy_cross.loader.release import Release
from mpy_cross.target import (
    EMITTERS,
    OPTIMISED_LEVEL,
    UnknownTarget,
    check_emit,
    check_opt,
    check_target,
    opt_for,
)

STAGES = ("tokens", "tree", "scope", "ops", "bytecode", "ssa", "regalloc", "asm", "mpy")


@final
class UsageError(Exception):
    """The arguments make no sense; the text says which one and what would."""


class Form(Enum):
    """How an option gets its value."""

    ALONE = 0  # -v
    NEXT = 1  # -o FILE
    JOINED = 2  # -march=ARCH; the spelling ends in "="
    EITHER = 3  # --release R or --release=R
    LEVEL = 4  # -O, -O2, -OOO


@final
class CommandLine:
    """The arguments as values; what is None or empty was not given."""

    __slots__ = (
        "arch",
        "arch_flags",
        "cache_lookup_bc",
        "color",
        "dump",
        "emit",
        "files",
        "given",
        "march",
        "march_flags",
        "opt",
        "opt_level",
        "opt_only",
        "output",
        "release",
        "show_help",
        "show_version",
        "small_int_bits",
        "source_lines",
        "source_name",
        "strict",
        "unicode",
        "verbose",
        "viper_checks",
    )

    def __init__(
        self,
        files: list[str] | None = None,
        output: str | None = None,
        source_name: str | None = None,
        verbose: int = 0,
        opt: str = "",
        opt_level: int = 0,
        opt_only: list[str] | None = None,
        small_int_bits: int = 31,
        unicode: bool = True,
        cache_lookup_bc: bool = False,
        source_lines: bool = True,
        march: str | None = None,
        march_flags: str | None = None,
        arch_flags: int = 0,
        emit: str = 'bytecode',
        release: str | None = None,
        dump: list[str] | None = None,
        color: str = 'auto',
        strict: bool = False,
        viper_checks: bool = False,
        show_version: bool = False,
        show_help: bool = False,
        given: list[tuple[Row, str]] | None = None,
    ) -> None:
        self.files: list[str] = [] if files is None else files
        self.output = output
        self.source_name = source_name
        self.verbose = verbose
        self.opt = opt
        """The level of -X opt, "" without it."""
        self.opt_level = opt_level
        self.opt_only: list[str] = [] if opt_only is None else opt_only
        self.small_int_bits = small_int_bits
        self.unicode = unicode
        self.cache_lookup_bc = cache_lookup_bc
        self.source_lines = source_lines
        self.march = march
        self.march_flags = march_flags
        self.arch = ""
        """What `check` made of `march`, "" without it."""
        self.arch_flags = arch_flags
        """What `check` made of `march_flags`."""
        self.emit = emit
        self.release = release
        self.dump: list[str] = [] if dump is None else dump
        self.color = color
        self.strict = strict
        self.viper_checks = viper_checks
        self.show_version = show_version
        self.show_help = show_help
        self.given: list[tuple[Row, str]] = [] if given is None else given
        """Every option as it was met, for `check`."""


_Action: TypeAlias = Callable[[CommandLine, str], None]


class Row(NamedTuple):
    """One option.  `known` tells whether the mpy-cross of a release has it."""

    spelling: str
    form: Form
    value_name: str
    action: _Action
    help: str
    known: Callable[[Release], bool] = lambda release: True


# ------------------------------------------------------------------------------ what options do


def _set(name: str, value: object) -> _Action:
    return lambda command, text: setattr(command, name, value)


def _text(name: str) -> _Action:
    return lambda command, text: setattr(command, name, text)


def _more_verbose(command: CommandLine, text: str) -> None:
    command.verbose += 1


def _level(command: CommandLine, text: str) -> None:
    if re.fullmatch("[0-9]", text):
        command.opt_level = int(text)
    elif re.fullmatch("O*", text):
        command.opt_level = 1 + len(text)
    else:
        raise UsageError(f"-O{text} is no optimisation level: write -O, -O0 to -O3, or -OO, -OOO")


def c_integer(text: str) -> int | None:
    """An integer as C's strtol reads it in base 0 (031, 0x1f and 31 differ); None if it is none."""
    found = re.fullmatch(r"\s*([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))", text, re.A)
    if found is None:
        return None
    sign, hexadecimal, octal, decimal = found.groups()
    base = 16 if hexadecimal else 8 if octal else 10
    return int(sign + (hexadecimal or octal or decimal), base)


def _small_int_bits(command: CommandLine, text: str) -> None:
    value = c_integer(text)
    if value is None or not 2 <= value <= 63:
        raise UsageError(
            f"-msmall-int-bits={text} is not a number from 2 to 63: "
            "31 suits 32-bit targets, 63 suits 64-bit ones"
        )
    command.small_int_bits = value


def _dump(command: CommandLine, text: str) -> None:
    for stage in text.split(","):
        if stage not in STAGES:
            raise UsageError(f"--dump={stage} is no stage: it is one of {', '.join(STAGES)}")
        command.dump.append(stage)


def _color(command: CommandLine, text: str) -> None:
    if text not in ("auto", "always", "never"):
        raise UsageError(f"--color={text} is none of auto, always, never")
    command.color = text


def _implementation(command: CommandLine, text: str) -> None:
    """The argument after -X."""
    for row in (*IMPLEMENTATION, *OUR_IMPLEMENTATION):
        if text == row.spelling or (row.form is Form.JOINED and text.startswith(row.spelling)):
            row.action(command, text[len(row.spelling) :])
            command.given.append((row, f"-X {text}"))
            return
    rows = (*IMPLEMENTATION, *OUR_IMPLEMENTATION)
    known = ", ".join(row.spelling + row.value_name for row in rows)
    raise UsageError(f"-X {text} is unknown: after -X comes one of {known}")


def _emit(command: CommandLine, text: str) -> None:
    try:
        check_emit(text)
    except UnknownTarget as error:
        raise UsageError(f"-X {error}") from None
    command.emit = text


def _opt(command: CommandLine, text: str) -> None:
    try:
        command.opt = check_opt(text)
    except UnknownTarget as error:
        raise UsageError(f"-X {error}") from None


def _opt_only(command: CommandLine, text: str) -> None:
    names = text.split(",")
    if not all(name.isidentifier() for name in names):
        raise UsageError(f"-X opt-only={text} is no function name, nor several with commas")
    command.opt_only += names


def _heap_size(command: CommandLine, text: str) -> None:
    number = re.match(r"[+-]?[0-9a-fA-FxX]+", text)
    rest = text[number.end() :] if number else text
    if not number or c_integer(number[0]) is None or not re.fullmatch("[wW]?[kKmM]?", rest):
        raise UsageError(f"-X heapsize={text} is no size: write a number, then w, k or m if needed")


# ------------------------------------------------------------------------------------ the tables

IMPLEMENTATION = (
    Row("emit=", Form.JOINED, f"{{{','.join(EMITTERS)}}}", _emit, "set the default code emitter"),
    Row("heapsize=", Form.JOINED, "<n>", _heap_size, "accepted, no effect: memory is not limited"),
    Row(
        "source-lines",
        Form.ALONE,
        "",
        _set("source_lines", True),
        "include source line numbers (default)",
        lambda release: release.source_lines_option,
    ),
    Row(
        "no-source-lines",
        Form.ALONE,
        "",
        _set("source_lines", False),
        "exclude source line numbers",
        lambda release: release.source_lines_option,
    ),
)

OUR_IMPLEMENTATION = (
    Row("opt-only=", Form.JOINED, "<names>", _opt_only, "optimise only these functions"),
    Row("viper-checks", Form.ALONE, "", _set("viper_checks", True),
        "check indices of ptr8, ptr16 and ptr32 in optimised functions: IndexError"),
    Row(  # the last one: `usage` goes on with the default
        "opt=",
        Form.JOINED,
        f"{{{','.join(LEVELS)}}}",
        _opt,
        "optimise machine code: 0 not at all (the reference's bytes), 1 a bit,\n"
        "2 for speed, s for size",
    ),
)

GENERAL = (
    Row("--version", Form.ALONE, "", _set("show_version", True), "show version information"),
    Row(
        "-o",
        Form.NEXT,
        "<file>",
        _text("output"),
        "output file (default: the input with .mpy in place of .py, or stdout if the\n"
        "input is stdin); - means stdout",
    ),
    Row(
        "-s",
        Form.NEXT,
        "<name>",
        _text("source_name"),
        "source filename to embed in the .mpy, for tracebacks (default: the input file)",
    ),
    Row("-v", Form.ALONE, "", _more_verbose, "verbose: say what is written; can be multiple"),
    Row(
        "-O",
        Form.LEVEL,
        "[N]",
        _level,
        "apply optimizations of level N: from 1 on without assert and `if __debug__:`,\n"
        "at 3 without line numbers",
    ),
)

TARGET = (
    Row(
        "-msmall-int-bits=",
        Form.JOINED,
        "<number>",
        _small_int_bits,
        "set the maximum bits used to encode a small-int (default 31, for 32-bit chips)",
    ),
    Row(
        "-mno-unicode",
        Form.ALONE,
        "",
        _set("unicode", False),
        "don't support unicode in compiled strings",
        lambda release: release.unicode_option,
    ),
    Row(
        "-municode",
        Form.ALONE,
        "",
        _set("unicode", True),
        "support unicode in compiled strings (default)",
        lambda release: release.unicode_option,
    ),
    Row(
        "-mcache-lookup-bc",
        Form.ALONE,
        "",
        _set("cache_lookup_bc", True),
        "cache map lookups in the bytecode",
        lambda release: release.cache_lookup_option,
    ),
    Row(
        "-mno-cache-lookup-bc",
        Form.ALONE,
        "",
        _set("cache_lookup_bc", False),
        "don't (default)",
        lambda release: release.cache_lookup_option,
    ),
    Row("-march=", Form.JOINED, "<arch>", _text("march"), "set architecture for native emitter"),
    Row(
        "-march-flags=",
        Form.JOINED,
        "<flags>",
        _text("march_flags"),
        "set architecture-specific flags of rv32imc: a dec/hex/bin value, or names\n"
        "with commas",
        lambda release: bool(release.march_flags),
    ),
)

OURS = (
    Row("-h", Form.ALONE, "", _set("show_help", True), "show this text; also --help"),
    Row("--help", Form.ALONE, "", _set("show_help", True), ""),
    Row(
        "--release",
        Form.EITHER,
        "<R>",
        _text("release"),
        "MicroPython release to compile for, such as 1.17 or 1.29 (default:\n"
        'environment variable MPY_RELEASE, then [tool.mpy-cross] release = "..."\n'
        "in the nearest pyproject.toml, then 1.17)",
    ),
    Row(
        "--dump",
        Form.EITHER,
        "<stage>",
        _dump,
        f"print a stage of the compilation instead of writing the .mpy:\n{', '.join(STAGES)}",
    ),
    Row(
        "--strict",
        Form.ALONE,
        "",
        _set("strict", True),
        "inline assemblers: only the instructions of the official tool; without it,\n"
        "every instruction of the architecture can be called by its manual name;\n"
        "viper: only the functions that the official tool takes",
    ),
    Row("--color", Form.EITHER, "<when>", _color, "colour in errors: auto, always or never"),
)

_IMPLEMENTATION_ROW = Row("-X", Form.NEXT, "<implopt>", _implementation, "")
_ROWS = (*GENERAL, *TARGET, *OURS, _IMPLEMENTATION_ROW)


# --------------------------------------------------------------------------------------- parsing


def parse(arguments: Sequence[str]) -> CommandLine:
    """Read the arguments (without the program's name).  Raises UsageError."""
    command = CommandLine()
    at = 0
    only_files = False
    while at < len(arguments):
        argument = arguments[at]
        at += 1
        if only_files or argument == "-" or not argument.startswith("-"):
            command.files.append(argument)
            continue
        if argument == "--":
            only_files = True
            continue
        row, value = _find(argument)
        if value is None:
            if at == len(arguments):
                raise UsageError(f"{argument} needs a value: {row.spelling} {row.value_name}")
            value = arguments[at]
            at += 1
        row.action(command, value)
        command.given.append((row, argument))
    return command


def _find(argument: str) -> tuple[Row, str | None]:
    """The row of an option and its value; None means that the next argument is the value."""
    for row in _ROWS:
        if row.form is Form.ALONE:
            if argument == row.spelling:
                return row, ""
        elif row.form is Form.NEXT:
            if argument == row.spelling:
                return row, None
        elif row.form is Form.EITHER:
            if argument == row.spelling:
                return row, None
            if argument.startswith(row.spelling + "="):
                return row, argument[len(row.spelling) + 1 :]
        elif argument.startswith(row.spelling):
            return row, argument[len(row.spelling) :]
    raise UsageError(_unknown(argument))


def _unknown(argument: str) -> str:
    import difflib

    near = difflib.get_close_matches(argument, [row.spelling for row in _ROWS], 1, 0.7)
    return f"unknown option {argument}" + (f"; did you mean {near[0]}?" if near else "")


def check(command: CommandLine, release: Release) -> None:
    """Ask the release about every option, and whether they go together.  Raises UsageError."""
    for row, text in command.given:
        if not row.known(release):
            raise UsageError(f"option {text} not known to mpy-cross {release.version}")
    if command.march == "":
        raise UsageError(f"-march= needs a value: {', '.join(release.march)}")
    try:
        command.arch = check_target(release, command.march or "", command.emit)
    except UnknownTarget as error:
        raise UsageError(str(error)) from None
    if command.march_flags is not None and command.march is not None:
        command.arch_flags = _march_flags(release, command.arch, command.march_flags)
    is_baseline = opt_for(release, command.arch, command.opt) == "0"
    if command.viper_checks and is_baseline and not command.dump:
        raise UsageError("-X viper-checks needs -X opt=1, 2 or s: code of the official tool has no "
                         "checks")
    if not command.files:
        raise UsageError("no input file")
    if len(command.files) > 1:
        if command.output is not None:
            raise UsageError("-o names one output file, but there are several input files")
        if command.source_name is not None:
            raise UsageError("-s names one source file, but there are several input files")
        if "-" in command.files:
            raise UsageError("- (stdin) must be the only input file")


def _march_flags(release: Release, march: str, text: str) -> int:
    names = release.march_flags
    value = 0
    if re.fullmatch(r"0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|[0-9]+", text):
        value = int(text, {"0x": 16, "0b": 2, "0o": 8}.get(text[:2].lower(), 10))
    else:
        for name in text.split(","):
            if name not in names:
                value = -1
                break
            value |= 1 << names.index(name)
    if march != "rv32imc" or not 0 <= value < 1 << len(names):
        known = f"rv32imc takes {', '.join(names)}, or a number made of their bits"
        raise UsageError(f"unrecognised arch flags: -march-flags={text} for {march}; {known}")
    return value


# ------------------------------------------------------------------------------------------ help


def usage(release: Release, program: str = "mpy-cross") -> str:
    """The help text: the options that this release's mpy-cross has, and ours."""
    lines = [f"usage: {program} [<opts>] [-X <implopt>] [--] <input filename>..."]
    lines.append("Compiles MicroPython source to .mpy files: the bytes that the mpy-cross of")
    lines.append(f"MicroPython {release.version} writes, but for machine code that is optimised")
    lines.append("(-X opt); - as input means stdin.")
    lines += ["", "Options:", *_help(GENERAL, release)]
    lines += ["", "Target specific options:", *_help(TARGET, release)]
    lines.append(f"{' ' * 21}architectures: {_wrapped(release.march)}")
    lines += ["", "Implementation specific options (after -X):", *_help(IMPLEMENTATION, release)]
    lines += ["", "Options of this implementation:", *_help(OURS, release)]
    lines += ["", "Of this implementation, after -X:", *_help(OUR_IMPLEMENTATION, release)]
    lines.append(f"{' ' * 21}{_default_level(release)}")
    return "\n".join(lines) + "\n"


def _wrapped(words: Sequence[str]) -> str:
    """The words in two lines of the help text; a single one in one."""
    half = (len(words) + 1) // 2
    lines = (", ".join(words[:half]), ", ".join(words[half:]))
    return f",\n{' ' * 21}".join(filter(None, lines))


def _default_level(release: Release) -> str:
    if not release.optimised:
        return "(default: 0)"
    return f"(default: {OPTIMISED_LEVEL} for {_wrapped(release.optimised)}; 0 for all others)"


def _help(rows: Sequence[Row], release: Release) -> list[str]:
    lines = []
    for row in rows:
        if not row.help or not row.known(release):
            continue
        gap = " " if row.form in (Form.NEXT, Form.EITHER) else ""
        name = f"{row.spelling}{gap}{row.value_name}"
        first, *more = row.help.split("\n")
        if len(name) > 20:
            lines += [name, f"{' ' * 21}{first}"]
        else:
            lines.append(f"{name:20} {first}")
        lines += [" " * 21 + text for text in more]
    return lines
