"""Whole programs at every opt level, on the run-time: beside its bytecode, and beside CPython.

Viper functions with objects (`generate_objects`); as native code the programs of
`tests.emulator.generate_programs` (functions, generators, handlers, `with`), and nested functions
with numbers of every size (`generate_closures`); native functions with floats of single precision
(`generate_floats`).
"""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple, final

import mpy_cross
from bench import single
from mpy_cross.driver import compile_source
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.scheduler import HardFault
from mpy_cross.loader.ops import Emit
from mpy_cross.loader.release import get
from mpy_cross.options import CompileOptions
from tests.emulator import generate_programs
from tests.emulator.language_programs import host_output
from tests.ssa import (
    generate_closures,
    generate_floats,
    generate_native,
    generate_objects,
)

_ADDRESS: Final = re.compile(r"\b\d{9,}\b")
LIMIT: Final = 50_000_000
"""How many instructions a program may take: machine code that is wrong may never end."""
_RETURNS: Final = re.compile(r"^    return .*\nB = ", re.M)


class Kind(NamedTuple):
    """program: the source for a seed; plain: the same without machine code; emit: what functions
    without decorator become."""

    program: Callable[[int], str]
    plain: Callable[[str], str]
    emit: Emit
    single: bool = False
    """Floats have single precision."""


def _same(source: str) -> str:
    return source


KINDS: Final = {
    "objects": Kind(generate_objects.program, generate_objects.as_python, Emit.BYTECODE),
    "native": Kind(generate_programs.program, _same, Emit.NATIVE),
    "closures": Kind(generate_closures.program, _same, Emit.NATIVE),
    "floats": Kind(generate_floats.program, generate_floats.as_python, Emit.BYTECODE, True),
    "numbers": Kind(generate_native.program, generate_native.as_python, Emit.BYTECODE),
}


@final
class _Warnings(logging.Handler):
    """Counts what the compiler warns of."""

    def __init__(self) -> None:
        super().__init__()
        self.n = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.n += 1


@contextmanager
def _warnings() -> Iterator[_Warnings]:
    """What the compiler warns of meanwhile, which is shown nowhere."""
    logger, heard = logging.getLogger("mpy_cross"), _Warnings()
    logger.addHandler(heard)
    before, logger.propagate = logger.propagate, False
    try:
        yield heard
    finally:
        logger.removeHandler(heard)
        logger.propagate = before


@final
class _TimeUp(BaseException):
    """No handler of the program's takes it."""


def _time_is_up() -> None:
    raise _TimeUp


class Player:
    """Runs programs on run-times of a release, with machine code of an architecture."""

    def __init__(self, release: str, arch: str, single: bool = False) -> None:
        self.release, self.arch, self.single = get(release), arch, single
        self.is_cut = False
        """Branches of what was compiled last lead elsewhere, as the compiler says: before 1.26 the
        reference's do for Xtensa, if they are too far.  Such code may never end."""

    def compiled(self, source: str, emit: Emit, optimise: Optimise) -> bytes:
        """A .mpy file.  Raises CompileError."""
        options = CompileOptions(self.release, arch=self.arch, emit=emit, optimise=optimise)
        with _warnings() as heard:
            code = compile_source(source.encode(), "program.py", options)
        self.is_cut = heard.n > 0
        return code

    def output(self, mpy: bytes) -> str:
        """What a program prints, with what leaves it."""
        text: list[str] = []
        runtime = Runtime(self.release, compiler_for(self.release, self.arch), text.append,
                          single_floats=self.single)
        runtime.arch = self.arch
        if mpy[2] >> 2:  # it has machine code
            runtime.activate()
            core = runtime.native.core
            core.alarm, core.on_alarm = core.instructions + LIMIT, _time_is_up
        try:
            runtime.main(runtime.load(mpy))
        except HardFault:
            text.append("fault\n")
        except _TimeUp:
            text.append("does not end\n")
        except Exception as error:
            text.append(f"left by {type(error).__name__}\n")
        return "".join(text)


def difference(
    kind: Kind, source: str, player: Player, chosen: Sequence[Optimise]
) -> str | None:
    """What is wrong with a program as it is optimised, None if nothing is.

    Raises CompileError if the baseline does not take it, LookupError if bytecode does not print
    what CPython does, or a function that is left to the baseline has branches that are cut.
    """
    plain = kind.plain(source)
    wanted = player.output(player.compiled(plain, Emit.BYTECODE, Optimise()))
    if MemoryError.__name__ in wanted:  # (1,) * (1 << 30), which CPython would take its time for
        raise LookupError("there is not enough memory")
    if wanted != (single.output(plain) if kind.single else host_output(plain)):
        raise LookupError("bytecode does not do what CPython does")
    baseline = player.compiled(source, kind.emit, Optimise())
    is_cut = player.is_cut
    for optimise in chosen:
        where = f"{player.release.version} {player.arch} opt={optimise.level}"
        if optimise.n_registers:
            where += f", {optimise.n_registers} registers"
        try:
            mpy = player.compiled(source, kind.emit, optimise)
        except Exception as error:  # whatever is wrong with the compiler
            lines = str(error).splitlines() or [""]
            return f"{where}: the compiler fails: {type(error).__name__}: {lines[0]}"
        if player.is_cut:
            raise LookupError("what is left to the baseline is cut")
        if mpy == baseline:
            continue
        found = player.output(mpy)
        if found != wanted and not is_cut and _same_print(found, player.output(baseline)):
            continue  # a mistake of the reference, in a function that is left to the baseline
        if found != wanted and not _is_of_baseline(source, kind.emit, player, optimise, wanted):
            return f"{where}: prints\n{found}--- and not\n{wanted}"
    return None


def _is_of_baseline(
    source: str, emit: Emit, player: Player, optimise: Optimise, wanted: str
) -> bool:
    """Whether all is well if the functions that are left to the baseline are bytecode: then what is
    wrong is a mistake of the reference in them."""
    notes: list[str] = []
    player.compiled(source, emit, optimise._replace(notes=notes))
    settled = as_bytecode(source, {note.partition(":")[0] for note in notes})
    return settled != source and player.output(
        player.compiled(settled, emit, optimise)) == wanted


def as_bytecode(source: str, names: set[str]) -> str:
    """The program with functions of these names, which have no decorators, as bytecode."""
    lines = source.splitlines(keepends=True)
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)
                 and node.name in names and not node.decorator_list]
    for node in sorted(functions, key=lambda node: -node.lineno):
        lines.insert(node.lineno - 1, " " * node.col_offset + "@micropython.bytecode\n")
    return "".join(lines)


def _same_print(one: str, other: str) -> bool:
    """Whether two texts differ at most in addresses, which programs of other sizes have."""
    return _ADDRESS.sub("address", one) == _ADDRESS.sub("address", other)


def shrunk(kind: Kind, source: str, player: Player, chosen: Sequence[Optimise]) -> str:
    """A smaller program that is wrong still."""
    from tests.ssa.differential import fewer_lines

    def failing(text: str) -> str | None:
        try:
            return difference(kind, text, player, chosen)
        except Exception:  # what is left is no program any more
            return None

    fails = "the compiler fails" in (failing(source) or "")

    def wrong(text: str) -> bool:
        if any((f"while w{n} <" in text and f"w{n} += 1" not in text)
               or (f"while i{n} >" in text and f"i{n} -= 1" not in text) for n in range(30)):
            return False  # it might not end
        if kind.emit is Emit.BYTECODE and not (
            generate_objects.VIPER in text and _RETURNS.search(text)
        ):
            return False  # viper's end of a function is no return of None
        found = failing(text)
        return found is not None and ("the compiler fails" in found) == fails

    return fewer_lines(source, wrong)


def run(
    kind: Kind, first: int, count: int, targets: Sequence[tuple[str, str]],
    settings: Callable[[int], Sequence[Optimise]], most: int = 1,
) -> tuple[int, list[str]]:
    """Compare programs; how many the baseline takes, and reports of at most `most` wrong ones."""
    players = [Player(release, arch, kind.single) for release, arch in targets]
    ran = n_wrong = 0
    wrong: list[str] = []
    seen: set[str] = set()
    for seed in range(first, first + count):
        player, source = players[seed % len(players)], kind.program(seed)
        try:
            report = difference(kind, source, player, settings(seed))
        except (mpy_cross.CompileError, LookupError):
            continue
        ran += 1
        if report is None:
            continue
        n_wrong += 1
        what = report.splitlines()[0]
        if what not in seen:
            seen.add(what)
            small = shrunk(kind, source, player, settings(seed))
            report = difference(kind, small, player, settings(seed))
            wrong.append(f"seed {seed}: {report}\n{small}")
            if len(wrong) >= most:
                break
    if n_wrong > len(wrong):
        wrong.append(f"and {n_wrong - len(wrong)} more of the same kinds")
    return ran, wrong
