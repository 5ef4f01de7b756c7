"""Machine code for Xtensa: the same programs as on Arm, on ESP32 (windows) and ESP8266 (none)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from mpy_cross.assembler.code import Code
from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emulator.boards import board as find_board
from mpy_cross.emulator.cli import main
from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.cores.xtensa import base
from mpy_cross.emulator.cores.xtensa.numbers import OVERFLOW
from mpy_cross.emulator.cores.xtensa.vectors import window_vectors
from mpy_cross.emulator.native_check import compare
from mpy_cross.emulator.runtime.runtime import Compiler
from mpy_cross.emulator.session import EXIT_FAULT
from mpy_cross.emulator.testing import NativeError
from mpy_cross.loader.release import get
from tests.emulator.native_programs import (
    DEEP,
    DEEP_PRINTS,
    TOGGLE,
    edges_have_their_own_times,
    kinds_agree,
    ran,
    runs_are_the_same,
    session_of,
)
from tests.emulator.test_native_bridge import PROGRAMS, SAME, run

BOARDS: Final = ("esp32", "esp8266")
ARCHS: Final = ("xtensawin", "xtensa")
RELEASES: Final = ("1.17", "1.29")

# The machine code of reference compilers before 1.19 itself is wrong there: loads beyond the
# sixteenth word have their offset cut to four bits, conditional jumps are not lengthened, and
# handlers in viper functions with windows take the function table from another place.
WRONG_CODE: Final = {
    "programs/bytes_and_arrays.py": ARCHS, "programs/long_jumps.py": ARCHS,
    "programs/many_locals.py": ARCHS, "programs/numbers.py": ARCHS,
    "programs/recursion.py": ARCHS, "native/programs/handlers.py": ("xtensawin",)}
OFTEN: Final = [name for name in SAME if name.startswith("native/")] + SAME[::10]


@pytest.fixture(autouse=True)
def engine() -> None:
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("name", sorted(set(OFTEN)))
def test_native_code_prints_what_it_prints_on_arm(name: str, arch: str) -> None:
    source = (PROGRAMS / name).read_bytes()
    for release in RELEASES:
        if release == "1.17" and arch in WRONG_CODE.get(name, ()):
            continue
        assert run(source, release, arch, "native") == run(source, release, "armv7emsp", "native")


@pytest.mark.parametrize("name", ["life", "matrix", "queue_model", "viper_objects",
                                  "viper_pointers", "viper_sieve", "viper_words", "words"])
def test_programs_for_boards_print_what_they_print_on_arm(name: str) -> None:
    source = (PROGRAMS / f"native/programs/board/{name}.py").read_bytes()
    wanted = run(source, "1.29", "armv7emsp", "native")
    assert wanted
    for arch in ARCHS:
        assert run(source, "1.29", arch, "native") == wanted


@pytest.mark.spec("B18")
def test_bytecode_native_and_viper_agree() -> None:
    kinds_agree(BOARDS, RELEASES)


@pytest.mark.parametrize("board", BOARDS)
def test_functions_are_compared_as_bytecode_and_machine_code(board: str) -> None:
    arch = find_board(board).arch
    chosen = get("1.29")
    session = session_of(board, "1.29")

    def kind(emit: str, opt: str) -> Compiler:
        return compiler_for(chosen, arch, emit, opt)

    source = "def f(a: int, b: int) -> int:\n    return (a << 3) - b * (a ^ b)\n"
    compare(session, source, ((1, 2), (-7, 100), (1 << 20, 3)), kind, "2")
    lying = "def f(a: int) -> int:\n    return a * a * a\n"
    with pytest.raises(NativeError):  # viper calculates with words
        compare(session, lying, ((5000,),), kind, "2")
    session.close()


@pytest.mark.parametrize("emit", ["native", "viper"])
@pytest.mark.parametrize("board", BOARDS)
def test_command_line(board: str, emit: str, tmp_path: Path,
                      capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "main.py"
    program.write_text("def f(n):\n    return [each for each in range(n)]\nprint(f(3), 'x')\n")
    with pytest.raises(SystemExit) as ended:
        main(["run", "--board", board, "--release", "1.29", "--emit", emit, str(program)],
             standalone_mode=True)
    assert ended.value.code == 0
    assert capsys.readouterr().out == "[0, 1, 2] x\n"


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("board", BOARDS)
def test_calls_nest_to_a_depth_of_200(board: str, release: str) -> None:
    with ran(board, release, DEEP) as session:
        assert session.console == DEEP_PRINTS


NESTED: Final = """
@micropython.native
def chain(k, n, through):
    a, b, c, d = k + n, k - n, k ^ n, k * n
    below = chain(k - 1, n, through) if k else through(n - 1)
    return below if (a, b, c, d) == (k + n, k - n, k ^ n, k * n) else -1
@micropython.native
def native_level(n, through):
    a, b, c, d, e, f = n, n + 1, n + 2, n + 3, n + 4, n + 5
    below = chain(9, n, through)
    return below + a - b + c - d + e - f + 4
@micropython.viper
def viper_level(n: int, through) -> int:
    a = n * 3
    b = n ^ 85
    below = int(through(n - 1))
    return below + a - n * 3 + (b ^ 85) - n + 1
@micropython.native
def values(n, through):
    a, b = n, -n
    try:
        yield a + b
        yield through(n - 1)
    finally:
        closed.append(n)
@micropython.native
def generator_level(n, through):
    total = 1
    for value in values(n, through):
        total += value
    return total
@micropython.native
def delegating(n, through):
    got = yield from values(n, through)
    return got
@micropython.native
def builtin_level(n, through):
    return 1 + max(delegating(n, through), key=lambda value: value)
@micropython.native
def handler_level(n, through):
    a, b = n, [n]
    try:
        below = chain(9, n, through)
    except ValueError as error:
        passed.append(a)
        raise KeyError(error.args[0] + b[0])
    except KeyError as error:
        passed.append(a)
        raise ValueError(error.args[0] + b[0])
    finally:
        b.append(a)
        ended.append(sum(b))
    return below + 1
levels = native_level, viper_level, generator_level, builtin_level, handler_level
def through(n):
    if n == 0:
        if fail:
            raise ValueError(0)
        return 0
    return levels[n % 5](n, through)
for fail in False, True, False:
    closed, passed, ended = [], [], []
    try:
        print(through(200))
    except (ValueError, KeyError) as error:
        print(type(error).__name__, error)
    print(len(closed), sum(closed), len(passed), sum(passed), len(ended), sum(ended))
"""
"""200 levels, of five kinds in turn, with bytecode between all of them: chains of functions in
machine code, which need more windows than there are, viper, generators, builtins, and handlers that
raise another exception."""
NESTED_PRINTS: Final = (
    "200\n80 8000 0 0 40 8120\nValueError 4060\n80 8000 40 4060 40 8120\n"
    "200\n80 8000 0 0 40 8120\n")  # as CPython


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("board", BOARDS)
def test_levels_of_all_kinds_nest_to_a_depth_of_200(board: str, release: str) -> None:
    with ran(board, release, NESTED) as session:
        assert session.console == NESTED_PRINTS


def test_windows_spill_in_nested_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = bytearray(window_vectors())
    code = Code()
    code.emit(TABLE["rfwo"])
    keeps_nothing = code.finish()
    for place in OVERFLOW.values():
        vectors[place : place + len(keeps_nothing)] = keeps_nothing
    monkeypatch.setattr(base, "window_vectors", lambda: bytes(vectors))
    session = session_of("esp32", "1.29")
    session.run_source(NESTED)
    assert session.console != NESTED_PRINTS
    session.close()


ASSEMBLER: Final = """
@micropython.asm_xtensa
def total(a2):
    movi(a3, 0)
    label(AGAIN)
    add(a3, a3, a2)
    addi(a2, a2, -1)
    bnez(a2, AGAIN)
    mov(a2, a3)
@micropython.asm_xtensa
def swap(a2, a3):
    l8ui(a4, a2, 0)
    l8ui(a5, a3, 0)
    s8i(a5, a2, 0)
    s8i(a4, a3, 0)
    sub(a2, a4, a5)
one, two = bytearray(b'abc'), bytearray(b'xyz')
print(total(100), swap(one, two), one, two)
"""


@pytest.mark.spec("H80")
@pytest.mark.parametrize("board, release", [
    ("esp8266", "1.17"), ("esp8266", "1.29"), ("esp32", "1.29")])
def test_inline_assembler(board: str, release: str) -> None:
    with ran(board, release, ASSEMBLER) as session:
        assert session.console == "5050 -23 bytearray(b'xbc') bytearray(b'ayz')\n"


@pytest.mark.parametrize("board, rom, name", [
    ("esp32", 0x4000C2C8, "memcpy"), ("esp8266", 0x40002ECC, "ets_delay_us")])
@pytest.mark.parametrize("kind", ["store", "rom"])
def test_faults_are_reported(kind: str, board: str, rom: int, name: str) -> None:
    source = "@micropython.viper\ndef f():\n p = ptr32(0x10)\n p[0] = 1\nf()\n"
    expected = "write where nothing answers at 0x00000010, pc=0x"
    if kind == "rom":
        source = (f"@micropython.asm_xtensa\ndef f(a2):\n jx(a2)\nf({rom})\n")
        expected = f"in ROM function {name}"
    session = session_of(board, "1.29")
    outcome = session.run_source(source)
    assert outcome is not None and outcome.status == EXIT_FAULT
    assert expected in outcome.text
    session.close()


@pytest.mark.parametrize("board", BOARDS)
def test_two_runs_are_the_same(board: str) -> None:
    runs_are_the_same(board, "1.29", 2)


@pytest.mark.parametrize("board, register", [("esp32", 0x3FF4_4008), ("esp8266", 0x6000_0304)])
def test_edges_made_by_viper_have_their_own_times(board: str, register: int) -> None:
    program = TOGGLE.format(pin=2, register=register, high=4, low=4, low_at=1)
    edges_have_their_own_times(board, program, 2, 200, 30)
