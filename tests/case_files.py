"""The format of tests/cases/*.test: sources with the operations, bytecode or error they give.

    [case name of the case]
    x = 1
    [ops 1.17, 1.29]
    ...what --dump=ops prints...
    [bytecode 1.17]
    ...what --dump=bytecode prints...
    [error 1.29 -O3]
    ...what the reference prints...

A head names one or more releases and, after them, options of mpy-cross.  A case without any
expectation gets all of them from `pytest --bless`; later runs of `--bless` keep the heads' options.
"""

from __future__ import annotations

import difflib
import fcntl
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.oracle.reference import Settings

FOLDER = Path(__file__).resolve().parent / "cases"
RELEASES = ("1.17", "1.29")
_HEAD = re.compile(r"^\[(case|ops|bytecode|error) ([^\]\n]+)\]$")


class Key(NamedTuple):
    """What an expectation is about."""

    kind: str  # "ops", "bytecode" or "error"
    release: str
    options: str  # such as "-O3", or ""

    def settings(self) -> Settings:
        return settings_of(self.options)


@dataclass
class Case:
    file: Path
    name: str
    source: str
    expected: dict[Key, str] = field(default_factory=dict)

    @property
    def filename(self) -> str:
        return "case.py"


def settings_of(options: str) -> Settings:
    """Options of a head as settings.  Raises ValueError."""
    settings = Settings()
    for option in options.split():
        if re.fullmatch("-O[0-3]", option):
            settings = settings._replace(opt_level=int(option[2]))
        elif option.startswith("-msmall-int-bits="):
            settings = settings._replace(small_int_bits=int(option.partition("=")[2]))
        elif option == "-mno-unicode":
            settings = settings._replace(unicode=False)
        elif option == "-mcache-lookup-bc":
            settings = settings._replace(cache_lookup_bc=True)
        elif option == "no-source-lines":
            settings = settings._replace(source_lines=False)
        else:
            raise ValueError(f"unknown option {option!r} in the head of a case")
    return settings


def parse(path: Path) -> list[Case]:
    """The cases of a file.  Raises ValueError for text before the first case."""
    cases: list[Case] = []
    current: list[str] = []
    keys: list[Key] = []

    def close() -> None:
        if not cases:
            if "".join(current).strip():
                raise ValueError(f"{path}: text before the first [case ...]")
            return
        body = "\n".join(current).strip("\n") + "\n"
        if keys:
            cases[-1].expected.update(dict.fromkeys(keys, body))
        else:
            cases[-1].source = body

    for line in path.read_text(encoding="utf-8").split("\n"):
        found = _HEAD.match(line)
        if found is None:
            current.append(line)
            continue
        close()
        current = []
        kind, rest = found.groups()
        if kind == "case":
            cases.append(Case(path, rest, ""))
            keys = []
        else:
            releases, _, options = rest.partition(" -")
            options = f"-{options}" if options else ""
            keys = [Key(kind, release.strip(), options) for release in releases.split(",")]
    close()
    return cases


def render(case: Case) -> str:
    """The text of a case; expectations that agree between releases share one head."""
    parts = [f"[case {case.name}]\n{case.source}"]
    done: set[Key] = set()
    for key, text in case.expected.items():
        if key in done:
            continue
        same = [
            other
            for other, other_text in case.expected.items()
            if (other.kind, other.options, other_text) == (key.kind, key.options, text)
        ]
        done.update(same)
        releases = ", ".join(other.release for other in same)
        options = f" {key.options}" if key.options else ""
        parts.append(f"[{key.kind} {releases}{options}]\n{text}")
    return "".join(parts)


def bless(case: Case, actual: Callable[[str, str, str], dict[Key, str]]) -> None:
    """Write what the compiler says now into the case's file.

    `actual(source, release, options)` gives the new expectations for one release.
    """
    wanted = list(dict.fromkeys((key.release, key.options) for key in case.expected))
    wanted = wanted or [(release, "") for release in RELEASES]
    found: dict[Key, str] = {}
    for release, options in wanted:
        found.update(actual(case.source, release, options))
    kinds = ("ops", "bytecode", "error")
    fresh = {key: found[key] for kind in kinds for key in found if key.kind == kind}
    with open(case.file, "r+", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)  # other workers bless other cases of the same file
        cases = parse(case.file)
        for other in cases:
            if other.name == case.name:
                other.expected = fresh
        text = "\n".join(render(other) for other in cases)
        stream.seek(0)
        stream.write(text)
        stream.truncate()


def diff(expected: str, actual: str, head: str) -> str:
    before, after = expected.splitlines(), actual.splitlines()
    names = (f"{head} expected", f"{head} actual")
    lines = difflib.unified_diff(before, after, *names, n=2, lineterm="")
    return "\n".join(lines)


def all_cases() -> list[Case]:
    return [case for path in sorted(FOLDER.glob("*.test")) for case in parse(path)]
