"""Machine code measured: ours at each opt level, the reference's, and a C compiler's.

    python -m bench.codegen                       # Cortex-M4, -X opt=2
    python -m bench.codegen --arch armv6m --opt 2 --opt s
    python -m bench.codegen --kernel gcd --json -

Every kernel runs on the emulated core of a board; its result and its buffers are compared with what
Python makes of the same input in another way.  Instructions are exact, cycles an estimate, calls of
the run-time are charged by a table (`bench.codegen_cost`).  The reference's code is that of opt=0,
which is the same byte for byte; C goes through viper's calling convention (`bench.codegen_gcc`).
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from bench.codegen_build import code_sizes, compiled
from bench.codegen_cases import CASES, NATIVE, NativeCase
from bench.codegen_count import BOARDS, Bench, Figures
from bench.codegen_floats import ARCHITECTURES, FLOATS
from bench.codegen_gcc import (
    KERNELS,
    LEVELS,
    RECORDED,
    TARGETS,
    NoCompiler,
    as_mpy,
    build,
    code_of,
    key_of,
    recorded_version,
    version,
)
from mpy_cross.emulator.runtime.scheduler import HardFault
from mpy_cross.loader.release import get

RELEASES: Final = {"armv6m": ("1.29",), "xtensawin": ("1.29",), "xtensa": ("1.29",)}
"""Releases that a kernel is compiled for, the one that the ratios are against first."""
BOTH: Final = ("1.17", "1.29")
BASELINE: Final = "0"
NOT_ON: Final = {"xtensawin": ("gpio",), "xtensa": ("gpio",)}
"""Kernels that write to a register which another chip has there."""


class Cell(NamedTuple):
    """One kernel in one version of its code."""

    size: int
    figures: Figures
    right: bool


Row = dict[str, Cell]
"""By version: "1.17", "1.29", "gcc -O2", "gcc -Os", "opt=2"."""


class NotRun(Exception):
    """A kernel could not be measured; the text says why."""


def _counted(
    bench: Bench, names: dict[str, Any], call: Callable[[], Any], iterated: str = "others"
) -> tuple[Figures, Any]:
    """What a call executes, and its result.  Raises NotRun."""
    try:
        return bench.count(names, call, iterated)
    except (Exception, HardFault) as error:  # whatever wrong code may lead to
        lines = str(error).splitlines() or [""]
        raise NotRun(f"{type(error).__name__}: {lines[0]}") from error


def viper_cell(bench: Bench, name: str, mpy: bytes, size: int) -> Cell:
    """Run a viper kernel and look at what it did."""
    case = CASES[name]
    names = bench.load(mpy)
    args = case.make()
    result, buffers = case.check(args)
    given = [bench.make(bytes(arg)) if isinstance(arg, bytearray) else arg for arg in args]
    figures, found = _counted(bench, names, lambda: names[name](*given))
    right = found == result and all(bench.back(given[n]) == data for n, data in buffers.items())
    return Cell(size, figures, right)


def native_cell(bench: Bench, case: NativeCase, mpy: bytes, size: int) -> Cell:
    """The same for a native kernel."""
    setup = f"{case.setup}def call(): return {case.name}({case.arguments})\n"
    setup += f"def after(): return {case.after[0]}\n"
    names = bench.run(mpy, setup)
    figures, found = _counted(bench, names, names["call"], case.iterated)
    return Cell(size, figures, found == case.result and names["after"]() == case.after[1])


def groups(names: Iterable[str]) -> list[tuple[str, str]]:
    """(group, kernel) of those names, or of all."""
    known = [(case.group, name) for name, case in CASES.items()]
    known += [("native", name) for name in NATIVE]
    known += [("floats", name) for name in FLOATS]
    chosen = set(names)
    for name in chosen - {name for _, name in known}:
        raise click.BadParameter(f"there is no kernel {name!r}; there are "
                                 f"{', '.join(name for _, name in known)}")
    return [one for one in known if not chosen or one[1] in chosen]


def measure(
    arch: str, names: Iterable[str], opts: Sequence[str], failures: list[str]
) -> dict[tuple[str, str], Row]:
    """All versions of the kernels; what went wrong is added to `failures`."""
    releases = RELEASES.get(arch, BOTH)
    benches = {release: Bench(release, arch) for release in releases}
    rows: dict[tuple[str, str], Row] = {}
    for group, name in groups(names):
        if name in NOT_ON.get(arch, ()) or (group == "floats" and arch not in ARCHITECTURES):
            continue
        row = rows[group, name] = {}
        source = (KERNELS / group / f"{name}.py").read_text()

        def add(label: str, bench: Bench, mpy: bytes, group: str = group, name: str = name,
                row: Row = row) -> None:
            size = code_sizes(mpy, bench.release)[name]
            try:
                if group in ("native", "floats"):
                    case = (FLOATS if group == "floats" else NATIVE)[name]
                    row[label] = native_cell(bench, case, mpy, size)
                else:
                    row[label] = viper_cell(bench, name, mpy, size)
            except NotRun as reason:
                failures.append(f"{name} {label}: {reason}")
                return
            if not row[label].right:
                failures.append(f"{name} {label}: wrong result")

        for release in releases:
            bench = benches[release]
            add(release, bench, compiled(source, name, release, arch, BASELINE))
        main = benches[releases[0]]
        if group not in ("native", "floats") and arch in TARGETS:
            for level in LEVELS:
                try:
                    code = code_of(group, name, arch, main.release, level)
                except NoCompiler as missing:
                    click.echo(f"note: {missing}", err=True)
                    break
                add(f"gcc -{level}", main, as_mpy(group, name, arch, releases[0], code))
        for opt in opts:
            for release in releases:
                label = f"opt={opt}" if release == releases[0] else f"opt={opt} {release}"
                try:
                    mpy = compiled(source, name, release, arch, opt)
                except Exception as error:  # a mistake of the compiler is no end of the others
                    failures.append(f"{name} {label}: {type(error).__name__}: {error}")
                    continue
                add(label, benches[release], mpy)
    return rows


# ------------------------------------------------------------------------------------------ figures

Value = Callable[[Cell], float]
VALUES: Final[dict[str, Value]] = {
    "instructions": lambda cell: cell.figures.instructions,
    "total": lambda cell: cell.figures.total,
    "cycles": lambda cell: cell.figures.cycles,
    "size": lambda cell: cell.size,
}
"""total: instructions and those that calls of the run-time are charged with."""


def mean(rows: Iterable[Row], over: str, under: str, value: str) -> float | None:
    """Geometric mean of the ratios of two versions; None where one is missing."""
    get_value = VALUES[value]
    ratios = [get_value(row[over]) / get_value(row[under])
              for row in rows if over in row and under in row]
    return statistics.geometric_mean(ratios) if ratios else None


class Goal(NamedTuple):
    """what: in words; found: the figure; limit; least: whether it has to be at least that."""

    what: str
    found: float
    limit: float
    least: bool = False

    @property
    def met(self) -> bool:
        return self.found >= self.limit if self.least else self.found <= self.limit

    def __str__(self) -> str:
        word = "at least" if self.least else "at most"
        return (f"{'met' if self.met else 'MISSED':7} {self.what}: {self.found:.2f} "
                f"({word} {self.limit:.2f})")


def goals(arch: str, rows: dict[tuple[str, str], Row], opts: Sequence[str]) -> list[Goal]:
    """What the optimiser has to reach, as far as it was measured."""
    base = RELEASES.get(arch, BOTH)[0]
    viper = [row for (group, _), row in rows.items() if group == "viper"]
    native = [row for (group, _), row in rows.items() if group == "native"]
    made: list[Goal] = []

    def add(what: str, found: float | None, limit: float, least: bool = False) -> None:
        if found is not None:
            made.append(Goal(what, found, limit, least))

    if "2" in opts:
        two = "opt=2"
        if arch in RELEASES:
            add(f"viper, {base}'s instructions by ours", mean(viper, base, two, "total"), 3.5, True)
        else:
            add("viper, our instructions by gcc -O2's", mean(viper, two, "gcc -O2", "instructions"),
                1.10)
            add(f"viper, {base}'s instructions by ours", mean(viper, base, two, "instructions"),
                4.8, True)
            add(f"viper, our code size by {base}'s", mean(viper, two, base, "size"), 0.6)
        add(f"native, {base}'s instructions, run-time included, by ours",
            mean(native, base, two, "total"), 3.5, True)
        add(f"native, our code size by {base}'s", mean(native, two, base, "size"), 1.1)
    if "s" in opts:
        small = [row for row in rows.values() if "opt=s" in row]
        for what, value in (("slower", "total"), ("larger", "size")):
            worst = max((VALUES[value](row["opt=s"]) / VALUES[value](row[base]) for row in small),
                        default=None)
            add(f"opt=s, the kernel that is {what} than {base}'s most", worst, 1.0)
    return made


# ----------------------------------------------------------------------------------------- printing


def table(rows: dict[tuple[str, str], Row], group: str, value: str, opts: Sequence[str],
          base: str) -> list[str]:
    """A table of one value, with the ratios that matter."""
    chosen = {name: row for (of, name), row in rows.items() if of == group}
    if not chosen:
        return []
    versions = max((list(row) for row in chosen.values()), key=lambda one: len(one))
    ours = f"opt={opts[0]}"
    ratios = [(a, b) for a, b in ((base, ours), (ours, "gcc -O2"), (base, "gcc -O2"))
              if a in versions and b in versions and a != b]
    heads = [*versions, *(f"{a}/{b}".replace("gcc ", "gcc") for a, b in ratios)]
    widths = [max(len(head) + 2, 9) for head in heads]
    lines = [f"{group}, {value}",
             f"{'':<11}" + "".join(f"{h:>{w}}" for h, w in zip(heads, widths, strict=True))]
    get_value = VALUES[value]
    for name, row in chosen.items():
        cells = [f"{get_value(row[version]):.0f}" + ("" if row[version].right else "!")
                 if version in row else "-" for version in versions]
        cells += [f"{get_value(row[a]) / get_value(row[b]):.2f}" if a in row and b in row else "-"
                  for a, b in ratios]
        lines.append(f"{name:<11}" + "".join(
            f"{c:>{w}}" for c, w in zip(cells, widths, strict=True)))
    means = [mean(chosen.values(), a, b, value) or 0.0 for a, b in ratios]
    blanks = sum(widths[: len(versions)])
    lines.append(f"{'mean':<11}" + " " * blanks + "".join(
        f"{m:>{w}.2f}" for m, w in zip(means, widths[len(versions) :], strict=True)))
    return [*lines, ""]


def markdown(rows: dict[tuple[str, str], Row], base: str, ours: str) -> list[str]:
    """The table of the documentation: instructions and bytes, of the reference, ours and C."""
    lines = [f"| kernel | {base} | {ours} | gcc -O2 | {base} by {ours} | bytes {base} | {ours} "
             "| gcc -O2 |", "|---|--:|--:|--:|--:|--:|--:|--:|"]
    for (_, name), row in rows.items():
        if base not in row or ours not in row:
            continue
        before, after, c = row[base], row[ours], row.get("gcc -O2")
        lines.append(
            f"| {name} | {before.figures.total} | {after.figures.total} "
            f"| {c.figures.total if c else ''} | {before.figures.total / after.figures.total:.1f} "
            f"| {before.size} | {after.size} | {c.size if c else ''} |")
    return lines


def as_json(arch: str, rows: dict[tuple[str, str], Row], found: list[Goal]) -> dict[str, Any]:
    """Everything that was measured."""
    kernels = {
        f"{group}/{name}": {
            version: {
                "size": cell.size, "instructions": cell.figures.instructions,
                "cycles": cell.figures.cycles, "charged": cell.figures.charged,
                "calls": {f"{entry} {kind}".strip(): count
                          for (entry, kind), count in cell.figures.calls.items()},
                "right": cell.right,
            } for version, cell in row.items()
        } for (group, name), row in rows.items()
    }
    listed = [{"what": g.what, "found": g.found, "limit": g.limit, "met": g.met} for g in found]
    return {"arch": arch, "compiler": version() or recorded_version(), "kernels": kernels,
            "goals": listed}


def record() -> None:
    """Write what the C compiler makes of all kernels to the file of recorded code."""
    if not version():
        raise click.ClickException("there is no compiler to record from")
    codes = {}
    for arch in ("armv6m", "armv7m"):
        release = get(RELEASES.get(arch, BOTH)[0])
        for name, case in CASES.items():
            for level in LEVELS:
                key = key_of(case.group, name, arch, release, level)
                codes[key] = build(case.group, name, arch, release, level).hex()
    text = json.dumps({"compiler": version(), "code": codes}, indent=1)
    RECORDED.write_text(text + "\n")
    click.echo(f"{len(codes)} pieces of code written to {RECORDED}")


HELP: Final = (__doc__ or "").replace("    python", "\b\n    python", 1)


@click.command(context_settings={"help_option_names": ["-h", "--help"]}, help=HELP)
@click.option("--kernel", "names", multiple=True, metavar="NAME",
              help="Only this one (again: these).")
@click.option("--arch", type=click.Choice(list(BOARDS)), default="armv7m", show_default=True)
@click.option("--opt", "opts", multiple=True, type=click.Choice(["0", "1", "2", "s"]),
              help="Levels to measure (default: 2).")
@click.option("--json", "json_file", metavar="FILE", help="Write all figures; - prints them.")
@click.option("--markdown", "as_markdown", is_flag=True,
              help="Print docs/optimising-measured.md's table.")
@click.option("--check", is_flag=True, help="End with status 1 if a goal is missed.")
@click.option("--record", "recording", is_flag=True,
              help=f"Compile the C kernels and write {RECORDED.name}.")
def main(names: tuple[str, ...], arch: str, opts: tuple[str, ...], json_file: str | None,
         as_markdown: bool, check: bool, recording: bool) -> None:
    if recording:
        record()
        return
    opts = opts or ("2",)
    failures: list[str] = []
    rows = measure(arch, names, opts, failures)
    found = goals(arch, rows, opts)
    if json_file:
        text = json.dumps(as_json(arch, rows, found), indent=1) + "\n"
        if json_file == "-":
            click.echo(text, nl=False)
        else:
            Path(json_file).write_text(text)
    base = RELEASES.get(arch, BOTH)[0]
    if as_markdown:
        click.echo("\n".join([*markdown(rows, base, f"opt={opts[0]}"), "", *map(str, found)]))
    elif json_file != "-":
        lines = []
        for group in ("viper", "drivers"):
            for value in ("instructions", "cycles", "size"):
                lines += table(rows, group, value, opts, base)
        for value in ("total", "instructions", "size"):
            lines += table(rows, "native", value, opts, base)
            lines += table(rows, "floats", value, opts, base)
        if arch in TARGETS:
            lines.append(f"{arch}; C: {version() or recorded_version() or 'no compiler'}"
                         + ("" if version() else " (recorded)"))
        lines += map(str, found)
        click.echo("\n".join(lines))
    for failure in failures:
        click.echo(failure, err=True)
    if failures or (check and not all(goal.met for goal in found)):
        sys.exit(1)


if __name__ == "__main__":
    main()
