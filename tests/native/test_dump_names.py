"""Dumps of machine code name everything that the emitters made it refer to, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import mpy_cross
from mpy_cross.loader.listing import code_items
from mpy_cross.loader.machine_code import machine_lines
from mpy_cross.loader.mpyfile import CodeKind
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import RELEASES
from tests.native.recording import Event, Recorder

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))
RELEASE_NAMES = ("1.12", "1.17", "1.19", "1.22", "1.23", "1.25", "1.29")
ARCHS = ("x86", "x64", "armv6", "armv6m", "armv7m", "armv7emsp", "xtensa", "xtensawin", "rv32imc")
PROGRAM_RELEASES = ("1.17", "1.29")
TARGETS = [
    (release, arch)
    for release in RELEASE_NAMES
    for arch in ARCHS
    if arch in RELEASES[release].archs
]
# Before Release.xtensa_checked_offsets, Xtensa code with many constants loads wrong ones.
EXACT_TARGETS = [
    (release, arch)
    for release, arch in TARGETS
    if not arch.startswith("xtensa") or RELEASES[release].xtensa_checked_offsets
]
REMARK = re.compile(r"(?:(mp_fun_table)\[(\d+)\]: \w+|(qstr) (.+)|(object|constant) \d+: (.+)"
                    r"|(code) (\d+).*)$")  # fmt: skip


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    return Recorder(monkeypatch)


def remarks(lines: list[str], has_prelude: bool) -> Iterator[Event]:
    """has_prelude: the first constant is the prelude, which no operation loads."""
    for line in lines:
        _, mark, remark = line.partition("  # ")
        found = REMARK.match(remark) if mark else None
        if found is None:
            continue
        kind, what = (part for part in found.groups() if part is not None)
        if has_prelude and remark.startswith("constant 0: "):
            continue
        yield {"mp_fun_table": "function", "constant": "object"}.get(kind, kind), what


def check(recorder: Recorder, source: str, release: str, arch: str, emit: str) -> int:
    """How many remarks there are."""
    recorder.functions.clear()
    data = mpy_cross.compile(source, "x.py", release=release, arch=arch, emit=emit, opt="0")
    mpy = read(data, RELEASES[release])
    count = 0
    for item in code_items(mpy):
        if item.raw.kind not in (CodeKind.NATIVE, CodeKind.VIPER):
            continue
        expected = recorder.functions[item.raw.code]
        has_prelude = arch == "xtensawin" and item.raw.kind == CodeKind.NATIVE
        found = list(remarks(machine_lines(mpy, item.raw), has_prelude))
        where = (release, arch, item.title)
        # On Xtensa, names of version 5 stand in front of the code.
        assert sorted(e for e in found if e[0] == "qstr") == sorted(
            e for e in expected if e[0] == "qstr"
        ), where
        assert [e for e in found if e[0] != "qstr"] == [
            e for e in expected if e[0] != "qstr"
        ], where
        count += len(found)
    return count


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_programs(recorder: Recorder, program: Path) -> None:
    source = program.read_text()
    for release, arch in TARGETS:
        if release not in PROGRAM_RELEASES:
            continue
        if arch == "xtensawin" and RELEASES[release].mpy_version == 5 and "except" in source:
            continue  # a handler of viper code reloads the table from a wrong place there
        assert check(recorder, source, release, arch, "bytecode") > 3


@pytest.mark.parametrize("release", ("1.17", "1.29"))
@pytest.mark.parametrize(("arch", "call"), [("xtensa", "call0"), ("xtensawin", "call8")])
@pytest.mark.parametrize("shift", range(4))
def test_local_parts_of_optimised_code(release: str, arch: str, call: str, shift: int) -> None:
    """What stands before a part that is called is no code."""
    source = ("@micropython.native\ndef f(a, n):\n    s = 0\n    for i in range(n):\n"
              "        s += a[i]\n" + "        s ^= 1\n" * shift + "    return s\n")
    mpy = read(mpy_cross.compile(source, "x.py", release=release, arch=arch, opt="2"),
               RELEASES[release])
    lines = machine_lines(mpy, mpy.root.children[0])
    first = next(i for i, line in enumerate(lines) if f"  {call} " in line)
    label = lines[first].split()[-1]
    part = lines.index(f"{label}:")
    assert part > first and ".byte" not in "".join(lines[part:-1])
    assert {line.split()[1].strip("0") for line in lines[first:part] if ".byte" in line} <= {""}


STATEMENTS = (
    "x = a + b", "x = -a", "x = a < b", "x = not a", "x = a.first", "a.second = x", "x = a[b]",
    "a[b] = x", "del a[b]", "x = [a, b, 'c']", "x = {a: 'text', 2: b}", "x = {a, b}",
    "x = (a, 1.5)", "x = a[1:b]", "print(a, *b)", "x = a.third(b, key=1)", "x = a(b)", "x, y = a",
    "x, *y = a", "for x in a:\n  b(x)", "while a:\n  a = b", "x = b'bytes'", "x = 1 << 70",
    "def inner(c=1):\n  return c", "x = lambda: a", "import here", "from there import this",
    "global g\ng = a", "try:\n  a()\nexcept ValueError as e:\n  b(e)",
    "try:\n  a()\nfinally:\n  b()",
    "with a as x:\n  b()", "x = True", "x = None", "x = ...", "assert a, b", "raise a", "return x",
    "yield_(a)", "class C:\n  pass", "del x",
)  # fmt: skip


def indented(statement: str) -> str:
    return "".join(f"    {line}\n" for line in statement.splitlines())


@st.composite
def functions(draw: st.DrawFn) -> str:
    body = draw(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=12))
    if draw(st.booleans()):
        body.append("x = yield a")
    globals_first = [one for one in body if one.startswith("global")][:1]
    rest = [one for one in body if not one.startswith("global")]
    n_constants = draw(st.sampled_from((0, 0, 0, 40, 300)))
    filler = "".join(f"    n{i} = (1 << 70) + {i}\n" for i in range(n_constants))
    return "@micropython.native\ndef f(a, b, x=0):\n" + filler + "".join(
        indented(one) for one in (*globals_first, *rest)
    )


def adds_far_offsets_to_themselves(release: str, arch: str) -> bool:
    facts = RELEASES[release]
    return arch.startswith("xtensa") or (
        arch == "armv6m" and facts.native_tables and not facts.arm_indexed_memory
    )


@pytest.mark.parametrize("release", ("1.17", "1.23", "1.29"))
@pytest.mark.parametrize("arch", ("armv6m", "armv7m"))
def test_far_entries(recorder: Recorder, release: str, arch: str) -> None:
    constants = "".join(f"    x = (1 << 70) + {i}\n" for i in range(300))
    # A generator before arm_indexed_memory has its table of functions elsewhere, see above.
    last = "" if adds_far_offsets_to_themselves(release, arch) else "    yield x.name\n"
    source = f"@micropython.native\ndef f(x):\n{constants}{last}    return x + 1\n"
    assert check(recorder, source, release, arch, "bytecode") >= 300


@settings(max_examples=60, deadline=None, derandomize=True)
@given(functions(), st.sampled_from(EXACT_TARGETS))
def test_generated_functions(source: str, target: tuple[str, str]) -> None:
    # Beyond entry 255 of a table, the official tool adds the offset to itself, not to the table, if
    # the entry goes elsewhere than where the table is: on Xtensa, and on ARMv6-M in some releases.
    assume("n299" not in source or not adds_far_offsets_to_themselves(*target))
    with pytest.MonkeyPatch.context() as patch:
        recorder = Recorder(patch)
        try:
            check(recorder, source, *target, "bytecode")
        except mpy_cross.CompileError as error:
            # Frames and offsets beyond what an old machine can address.
            assert error.kind in ("NotImplementedError", "RuntimeError"), error
