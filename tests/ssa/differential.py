"""Generated functions at every opt level, on several architectures, beside what they have to give.

    python -m tests.ssa.differential --count 20000 --in-turn
    python -m tests.ssa.differential --count 500 --kind objects --seed 7
    python -m tests.ssa.differential --count 1000 --kind calls
    python -m tests.ssa.differential --count 1000 --arch armv6m
    python -m tests.ssa.differential --count 16000 --in-turn --release all
    python -m tests.ssa.differential --show --seed 7

Functions over machine integers (`generate_functions`) are judged by a model of viper in CPython and
run on a bare core that also watches registers and memory; so are modules of functions that call
each other (`generate_calls`, --kind calls).  Whole programs (`programs`) run on the run-time,
beside its bytecode and CPython.  What differs is made smaller and printed.
"""

from __future__ import annotations

import argparse
import ast
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import mpy_cross
from mpy_cross.emitters.ssa.backends import BACK_ENDS
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.emulator.runtime.scheduler import HardFault
from mpy_cross.loader.ops import Emit
from mpy_cross.loader.release import RELEASES, get
from mpy_cross.options import CompileOptions
from tests.native.thumb_harness import buffer_addresses
from tests.native.thumb_harness_model import TYPES, Model, Unfit
from tests.ssa import generate_calls
from tests.ssa.boards import placed
from tests.ssa.generate_functions import Case, case
from tests.ssa.programs import KINDS, run

LEVELS: Final = ("1", "2", "s")
TARGETS: Final = (("1.17", "armv7m"), ("1.29", "armv7emsp"), ("1.29", "armv6m"),
                  ("1.29", "xtensawin"), ("1.17", "xtensawin"), ("1.29", "xtensa"),
                  ("1.17", "xtensa"))
"""Releases and architectures in turn: of the versions 5 and 6 of .mpy files, and of each core."""
EVERY_TARGET: Final = tuple(
    (version, arch) for version, release in RELEASES.items() for arch in BACK_ENDS
    if arch in release.archs)
"""Every release that has machine code, with every architecture that there is a back end for."""
FEW_REGISTERS: Final = 4
"""With so few there is spilling everywhere."""
CHUNK: Final = 200
"""After so many a long run says how far it is."""
FAILURES: Final = (Exception, HardFault)
"""What code on a board may end with."""
_FAILS: Final = "the compiler fails"


def compiled(source: str, release: str, arch: str, optimise: Optimise) -> bytes:
    """A .mpy file.  Raises CompileError."""
    from mpy_cross.driver import compile_source

    options = CompileOptions(get(release), arch=arch, optimise=optimise, emit=Emit.BYTECODE)
    return compile_source(source.encode(), "case.py", options)


SETTINGS: Final = (
    *(Optimise(level, check=True) for level in LEVELS),
    Optimise("2", n_registers=FEW_REGISTERS + 2, check=True),
    Optimise("2", viper_checks=True, check=True),
    Optimise("2", n_registers=FEW_REGISTERS, check=True),
)
"""Every level, one with checked indices, and two with spilling forced (Thumb-1 has two second
registers in the first of them); the SSA form is verified after each pass."""


def every(seed: int) -> Sequence[Optimise]:
    """All settings, for each function."""
    return SETTINGS


def one(seed: int) -> Sequence[Optimise]:
    """The levels in turn; the SSA form is verified of every fifth function only."""
    chosen = SETTINGS[seed // len(TARGETS) % len(LEVELS)]
    return (chosen if seed % 5 == 0 else chosen._replace(check=False),)


def in_turn(seed: int) -> Sequence[Optimise]:
    """One of all settings, by turns on each target; verified as with `one`."""
    chosen = SETTINGS[seed // len(TARGETS) % len(SETTINGS)]
    return (chosen if seed % 5 == 0 else chosen._replace(check=False),)


def few_registers(seed: int) -> Sequence[Optimise]:
    """The setting with spilling."""
    return SETTINGS[-1:]


def copies(args: Sequence[Any]) -> list[Any]:
    return [bytearray(arg) if isinstance(arg, bytes) else arg for arg in args]



def expected(model: Model, args: Sequence[Any]) -> tuple[object, list[Any]]:
    """What a call has to give, and the arguments afterwards.  Raises Unfit."""
    mine = copies(args)
    buffers = [arg for arg in mine if isinstance(arg, bytearray)]
    return model.call(mine, buffer_addresses(buffers)), mine


def difference(
    test: Case, release: str, arch: str, chosen: Sequence[Optimise]
) -> str | None:
    """What is wrong with a function, in words; None if all is well.  Raises Unfit."""
    model = Model(test.source)
    wanted = [expected(model, call) for call in test.calls]
    for optimise in chosen:
        where = f"{release} {arch} opt={optimise.level}"
        if optimise.n_registers:
            where += f", {optimise.n_registers} registers"
        try:
            module = placed(compiled(test.source, release, arch, optimise), release, arch)
        except mpy_cross.CompileError as error:
            return f"{where}: CompileError: {error}"
        except Exception as error:  # whatever is wrong with the compiler
            lines = str(error).splitlines() or [""]
            return f"{where}: {_FAILS}: {type(error).__name__}: {lines[0]}"
        for args, (result, after) in zip(test.calls, wanted, strict=True):
            mine = copies(args)
            try:
                found = module.call("f", *mine)
            except FAILURES as error:
                return f"{where}: f{args}: {type(error).__name__}: {error}"
            if found != result:
                return f"{where}: f{args} gives {found}, not {result}"
            if mine != after:
                return f"{where}: f{args} leaves other buffers than it should"
    return None


def shrunk(test: Case, release: str, arch: str, chosen: Sequence[Optimise]) -> Case:
    """A smaller function that is wrong still, with one call."""

    fails = _FAILS in (difference(test, release, arch, chosen) or "")

    def wrong(smaller: Case) -> bool:
        try:
            if not names_are_known(smaller.source):
                return False
            compiled(smaller.source, release, arch, Optimise("1", directives=False))
            found = difference(smaller, release, arch, chosen)
            return found is not None and (_FAILS in found) == fails
        except Exception:  # what is left is no program any more
            return False

    for call in test.calls:
        if wrong(Case(test.source, (call,))):
            test = Case(test.source, (call,))
            break
    return Case(fewer_lines(test.source, lambda text: wrong(Case(text, test.calls))), test.calls)


def names_are_known(source: str) -> bool:
    """Whether every name is an argument or a local, viper's own or a viper function, `f` being one
    of these.  Raises SyntaxError."""
    known = {"micropython", "range", *TYPES}
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)
                 and node.decorator_list]
    known.update(function.name for function in functions)
    if "f" not in known:
        return False
    loaded: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.arg):
            known.add(node.arg)
        elif isinstance(node, ast.Name):
            (loaded if isinstance(node.ctx, ast.Load) else known).add(node.id)
    return loaded <= known


def fewer_lines(source: str, wrong: Callable[[str], bool]) -> str:
    """The text without lines that it is wrong without as well."""
    lines = source.splitlines()
    size = max(1, len(lines) // 2)
    while size:
        at = 2
        while at < len(lines):
            shorter = "\n".join(lines[:at] + lines[at + size :]) + "\n"
            if wrong(shorter):
                lines[at : at + size] = []
            else:
                at += 1
        size //= 2
    return "\n".join(lines) + "\n"


def kind_of(report: str) -> str:
    """What a report is about: of a mistake of the compiler the message, else the level."""
    where, _, what = report.partition(": ")
    return what if what.startswith(_FAILS) else f"{where} {'gives' in what}"


def functions(
    first: int, count: int, settings: Callable[[int], Sequence[Optimise]], most: int = 1,
    depth: int = 3, targets: Sequence[tuple[str, str]] = TARGETS,
    make: Callable[[int, bool, int], Case] = case,
) -> tuple[int, list[str]]:
    """Compare `count` functions that are made of a seed; how many had a result, and reports of at
    most `most` mistakes, each of another kind."""
    ran = n_wrong = 0
    wrong: list[str] = []
    seen: set[str] = set()
    for seed in range(first, first + count):
        release, arch = targets[seed % len(targets)]
        chosen = settings(seed)
        test = make(seed, get(release).viper_unary, depth)
        try:
            report = difference(test, release, arch, chosen)
        except Unfit:
            continue
        ran += 1
        if report is not None:
            kind = kind_of(report)
            n_wrong += 1
            if kind in seen:
                continue
            seen.add(kind)
            small = shrunk(test, release, arch, chosen)
            report = difference(small, release, arch, chosen)
            wrong.append(f"seed {seed}: {report}\n{small.source}")
            if len(wrong) >= most:
                break
    if n_wrong > len(wrong):
        wrong.append(f"and {n_wrong - len(wrong)} more of the same kinds")
    return ran, wrong


def targets_of(releases: Sequence[str], arch: str | None) -> Sequence[tuple[str, str]]:
    """What `--release` and `--arch` ask for."""
    known = EVERY_TARGET if releases else TARGETS
    chosen = [one for one in known if arch in (None, one[1])
              and (not releases or "all" in releases or one[0] in releases)]
    return chosen or [one for one in EVERY_TARGET[-len(BACK_ENDS):] if one[1] == arch]


MADE: Final = {"functions": case, "calls": generate_calls.case}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.ssa.differential", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--most", type=int, default=1, help="kinds of mistakes to stop after")
    parser.add_argument("--kind", choices=(*MADE, *KINDS), default="functions")
    parser.add_argument("--arch", choices=sorted(BACK_ENDS),
                        help="only this one of the architectures")
    parser.add_argument("--release", action="append", choices=("all", *RELEASES), default=[],
                        metavar="VERSION", help="this release, with all architectures; more than "
                        "one may be given, or all")
    parser.add_argument("--in-turn", action="store_true",
                        help="each at one of the settings, not at all of them: five times as fast")
    parser.add_argument("--show", action="store_true", help="print the function of the seed")
    options = parser.parse_args(argv)
    kind = KINDS.get(options.kind)
    if options.show:
        print(kind.program(options.seed) if kind
              else MADE[options.kind](options.seed, True, 3).source)
        return 0
    settings = in_turn if options.in_turn else every
    targets = targets_of(options.release, options.arch)
    print(f"seed {options.seed}", flush=True)
    ran = n_wrong = 0
    end = options.seed + options.count
    for first in range(options.seed, end, CHUNK):
        count = min(CHUNK, end - first)
        if kind is None:
            n, wrong = functions(first, count, settings, options.most, targets=targets,
                                 make=MADE[options.kind])
        else:
            n, wrong = run(kind, first, count, targets, settings, options.most)
        ran += n
        n_wrong += len(wrong)
        for report in wrong:
            print(report, flush=True)
        if n_wrong >= options.most:
            break
        print(f"{first + count - options.seed} done", file=sys.stderr, flush=True)
    print(f"{ran} of {options.count} ran, {n_wrong} wrong")
    return 1 if n_wrong or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
