"""Coverage and profile on stock firmware; the judge of lines is CPython's own trace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import mpy_cross
from mpy_cross.emulator.observe.words import ObserveError
from mpy_cross.emulator.testing_firmware import FirmwareUnderTest, booted
from mpy_cross.loader.release import RELEASES
from tests.emulator.coverage_programs import PROGRAMS, cpython_hits, explained
from tests.emulator.stock_images import stock_image

pytest_plugins = ["pytester"]

IMAGES = {
    "PYBV11 1.17": ("pyboard", "v1.17/PYBV11-UART"),
    "PYBV11 1.28": ("pyboard", "v1.28.0/PYBV11-UART"),
    "NUCLEO_F411RE 1.28": ("nucleo_f411re", "v1.28.0/NUCLEO_F411RE"),
    "PICO 1.17": ("pico", "v1.17/PICO-UART"),
    "RPI_PICO 1.28": ("pico", "v1.28.0/RPI_PICO-UART"),
}
THREADS = {name: place for name, place in IMAGES.items() if place[0] == "pico"}
RUNS = [("PYBV11 1.17", name) for name in PROGRAMS] + [
    ("RPI_PICO 1.28", name) for name in PROGRAMS] + [
    ("PYBV11 1.28", "loops"), ("NUCLEO_F411RE 1.28", "exceptions"), ("PICO 1.17", "generators")]


def image(name: str) -> tuple[str, Path]:
    board, place = IMAGES[name]
    return board, stock_image(place)


def under_test(name: str, folder: Path = Path()) -> FirmwareUnderTest:
    board, path = image(name)
    return FirmwareUnderTest(booted(board, path), folder, path)


def state(board: FirmwareUnderTest) -> tuple[int, int, str]:
    return board.now, board.session.stock.core.instructions, board.printed


@pytest.mark.parametrize(("name", "program"), RUNS)
def test_lines(name: str, program: str) -> None:
    """As often as in CPython, but for what is explained; and the board does not notice."""
    source = PROGRAMS[program]
    expected, output = cpython_hits(source)
    board = under_test(name)
    assert board.exec(source) == output
    without = state(board)
    board = under_test(name)
    with board.coverage() as cov:
        board.exec(source)
    assert state(board) == without
    hits = cov.lines("<stdin>")
    other = explained(source)
    different = {line: (expected.get(line, 0), hits.get(line, 0))
                 for line in expected.keys() | hits.keys()
                 if line not in other and expected.get(line, 0) != hits.get(line, 0)}
    assert different == {}
    assert len(hits.keys() - other) > 9
    assert set(cov.missing("<stdin>")) - other == {
        line for line, count in hits.items() if not count} - other
    assert bool(cov.missing("<stdin>")) == (program in ("branches", "exceptions", "loops",
                                                        "special"))


@pytest.mark.parametrize("name", IMAGES)
def test_files(name: str, tmp_path: Path) -> None:
    """Modules as source and compiled, programs of the prompt, strings, memory used again, main.py
    after a reset."""
    (tmp_path / "app.py").write_text("import mod, packed\nprint(mod.a(1), packed.go(3))\n")
    release = RELEASES["1.17" if "1.17" in name else "1.28"]
    packed = mpy_cross.compile(
        b"def go(n):\n    if n > 5:\n        return 1\n    return 2\n", "packed.py",
        release=release)
    board = under_test(name, tmp_path)
    board.exec("with open('mod.py', 'w') as f:\n    f.write('def a(x):\\n    if x:\\n"
               "        return 1\\n    return 2\\n\\ndef b():\\n    return 3\\n')\n"
               f"with open('packed.mpy', 'wb') as f:\n    f.write({packed!r})\n"
               "with open('main.py', 'w') as f:\n    f.write('import mod\\nmod.b()\\n')")
    with board.coverage() as cov:
        assert board.run("app.py") == "1 2\n"
        board.exec("mod.a(0)")
        board.exec("import gc\nfor i in range(12):\n"
                   "    exec('def f(x):\\n    return x\\nf(%d)\\n%s' % (i, 'i\\n' * (i & 1)))\n"
                   "    gc.collect()")
    assert cov.files == ["<stdin>", "<stdin 2>", "<string>", "app.py", "mod.py", "packed.py"]
    assert cov.lines("app.py") == {1: 1, 2: 1}
    assert cov.lines("mod.py") == {1: 1, 2: 2, 3: 1, 4: 1, 6: 1, 7: 0}
    assert cov.lines("packed.py") == {1: 1, 2: 1, 3: 0, 4: 1}
    assert cov.lines("<string>") == {1: 12, 2: 12, 3: 12, 4: 6}
    assert cov.lines("<stdin 2>")[2] == 13
    assert cov.report().splitlines()[-4:] == [
        "mod.py          6       1    83%   7",
        "packed.py       4       1    75%   3",
        "-" * 42,
        "TOTAL          21       2    90%",
    ]
    with pytest.raises(LookupError, match=r"no code of 'x.py' was executed; there is <stdin>, "):
        cov.lines("x.py")
    with board.coverage() as cov:
        board.reset()
    assert cov.lines("main.py") == {1: 1, 2: 1}
    assert cov.missing("mod.py") == [2, 3, 4]
    with board.coverage(frozen=True) as cov:
        board.reset()
    assert ("_boot.py" in cov.files) == (IMAGES[name][0] == "pico")


@pytest.mark.parametrize("name", IMAGES)
def test_profile(name: str) -> None:
    """Calls, cycles and time; the same in a second run, and the same as without."""
    source = PROGRAMS["recursion"] + (
        "import time\ndef slow():\n    time.sleep_ms(20)\n    return sum(gen(3))\n"
        "def gen(n):\n    for i in range(n):\n        yield i\nslow()\nslow()\n")
    board = under_test(name)
    board.exec(source)
    without = state(board)
    reports = []
    for by_line in (False, True, True):
        board = under_test(name)
        with board.profile(by_line=by_line) as prof:
            board.exec(source)
        assert state(board) == without
        reports.append(prof.report())
    assert reports[0] == reports[1] == reports[2]
    rows = {row.function: row for row in prof.functions}
    assert rows["fib"].calls == 109 + 5 + 9 + 3 and rows["fib"].line == 1
    assert rows["tail"].calls == 6
    assert rows["slow"].calls == rows["gen"].calls == 2
    assert 38 < rows["slow"].ms < 43 and 0 < rows["gen"].ms < 1  # two times 20, to the tick
    assert rows["slow"].total_cycles == rows["slow"].cycles + rows["gen"].cycles
    assert rows["fib"].total_cycles == rows["fib"].cycles
    main = [row for row in prof.functions if row.function == "<module>"]
    whole = next(row for row in main if row.file == "<stdin>")
    assert whole.total_cycles == sum(row.cycles for row in prof.functions)
    assert whole.total_ms == pytest.approx(sum(row.ms for row in prof.functions))
    lines = prof.lines("<stdin>")
    fib = sum(lines[line] for line in (2, 3, 4))
    assert 0.8 * rows["fib"].cycles < fib <= rows["fib"].cycles
    assert min(lines.values()) > 0
    by_calls = prof.sorted("calls")
    assert by_calls[0].function == "fib"
    assert prof.report("calls").splitlines()[3].endswith("<stdin>:1(fib)")
    with pytest.raises(ValueError, match="not sorted by 'size'; there is cycles, total_cycles"):
        prof.report("size")


@pytest.mark.parametrize("name", THREADS)
def test_second_core(name: str) -> None:
    source = ("import _thread, time\ndone = []\ndef work(n):\n    for i in range(n):\n"
              "        t = i\n    done.append(t)\n_thread.start_new_thread(work, (200,))\n"
              "while not done:\n    time.sleep_ms(1)\nprint(done)\n")
    board = under_test(name)
    assert board.exec(source) == "[199]\n"
    without = state(board)
    board = under_test(name)
    with board.coverage() as cov:
        board.exec(source)
    assert state(board) == without
    lines = cov.lines("<stdin>")
    assert (lines[4], lines[5], lines[6]) == (201, 200, 1)
    board = under_test(name)
    with board.profile() as prof:
        board.exec(source)
    assert state(board) == without
    assert {row.function: row.calls for row in prof.functions} == {"<module>": 1, "work": 1}


@pytest.mark.parametrize("name", ["PYBV11 1.17", "RPI_PICO 1.28"])
def test_data_file(name: str, tmp_path: Path) -> None:
    """coverage.py's report misses what did not run, and nothing else."""
    pytest.importorskip("coverage")
    source = PROGRAMS["special"] + PROGRAMS["branches"]
    (tmp_path / "app.py").write_text(source)
    board = under_test(name, tmp_path)
    with board.coverage() as cov:
        board.run("app.py")
    data = tmp_path / "cov.data"
    assert cov.save(data, tmp_path) == [tmp_path / "app.py"]
    done = subprocess.run(
        [sys.executable, "-m", "coverage", "report", "-m", f"--data-file={data}"],
        capture_output=True, text=True, cwd=tmp_path, check=False)
    row = next(line for line in done.stdout.splitlines() if "app.py" in line)
    lines = source.splitlines()
    never, no = lines.index("    b = a") + 1, lines.index('    print("no")') + 1
    assert row.split("%")[1].strip() == f"{no}, {never}-{never + 1}", done


def test_without_symbols(tmp_path: Path) -> None:
    board, path = image("PYBV11 1.28")
    under = FirmwareUnderTest(booted(board, path), tmp_path, path.with_name("firmware.dfu"))
    with pytest.raises(ObserveError, match=r"need the symbols of the firmware: a DfuSe image has "
                                           r"none; give the \.elf file of the same build"):
        under.coverage()
    with pytest.raises(ObserveError, match="need the symbols of the firmware"):
        under.profile()
    with pytest.raises(ObserveError, match="not known here"):
        FirmwareUnderTest(booted(board, path), tmp_path).coverage()


def test_other_image() -> None:
    """Symbols of another build are noticed."""
    board, path = image("PYBV11 1.28")
    _, other = image("NUCLEO_F411RE 1.28")
    with pytest.raises(ObserveError, match="the image may not be the one that runs"):
        FirmwareUnderTest(booted(board, path), Path(), other).coverage()


def test_in_a_test(pytester: pytest.Pytester) -> None:
    board, path = image("PYBV11 1.17")
    pytester.makepyfile(f"""
        import pytest

        @pytest.mark.board({board!r}, firmware={str(path)!r})
        def test_it(board):
            with board.coverage() as cov:
                board.exec("x = 1\\nif not x:\\n    x = 2")
            assert cov.missing("<stdin>") == [3]
            assert cov.percent("<stdin>") == pytest.approx(200 / 3)
            board.exec("x = 3")
            with board.profile() as prof:
                board.exec("def f(): return 1\\nf()")
            assert [row.calls for row in prof.functions] == [1, 1]
    """)
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=1)
