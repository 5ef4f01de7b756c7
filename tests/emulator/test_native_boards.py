"""Machine code on whole boards: faults, time, and the same results as bytecode."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from mpy_cross.emulator.cli import main
from mpy_cross.emulator.session import EXIT_FAULT
from tests.emulator.native_programs import (
    TOGGLE,
    edges_have_their_own_times,
    kinds_agree,
    runs_are_the_same,
)

BOARDS: Final = ("pyboard", "pico")
RELEASES: Final = ("1.17", "1.29")


@pytest.fixture(autouse=True)
def engine() -> None:
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")


# Faults: what is done, and what the report says of it.  The last part is the instruction.
FAULTS: Final = {
    "wild store": (
        "@micropython.viper\ndef f():\n    p = ptr32(0xdead0000)\n    p[0] = 1\n",
        r"write where nothing answers at 0xdead0000, pc=0x(\w{8}): str r\d, \[r\d, #0\]"),
    "wild load": (
        "@micropython.viper\ndef f() -> int:\n    p = ptr8(0xdead0003)\n    return p[0]\n",
        r"read where nothing answers at 0xdead0003, pc=0x(\w{8}): ldrb r\d, \[r\d, #0\]"),
    "undefined": (
        "@micropython.asm_thumb\ndef f():\n    nop()\n    data(2, 0xde05)\n",
        r"undefined instruction, pc=0x(\w{8}): udf #5"),
    "wild jump": (
        "@micropython.asm_thumb\ndef f():\n    movwt(r1, 0x51000001)\n    bx(r1)\n",
        r"execution where nothing answers at 0x51000000, pc=0x(51000000)"),
    "by the run-time": (
        "import machine\n@micropython.native\ndef f():\n"
        "    return machine.mem32[0xdead0000]\n",
        r"read where nothing answers at 0xdead0000, pc=0x(\w{8}): blx r\d"),
}


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("kind", FAULTS)
def test_faults_are_reported(kind: str, board: str, tmp_path: Path,
                             capsys: pytest.CaptureFixture[str]) -> None:
    source, pattern = FAULTS[kind]
    if kind == "wild jump" and board == "pico":  # no movwt on this core
        source = source.replace("movwt(r1, 0x51000001)", "mov(r1, 0x51)\n    mov(r2, 24)\n"
                                "    lsl(r1, r2)\n    add(r1, r1, 1)")
    program = tmp_path / "fault.py"
    program.write_text(source + "print('before')\ntry:\n    f()\nexcept Exception:\n"
                       "    print('handled')\nprint('after')\n")
    with pytest.raises(SystemExit) as ended:
        main(["run", "--board", board, str(program)], standalone_mode=True)
    out, err = capsys.readouterr()
    assert ended.value.code == EXIT_FAULT
    assert out == "before\n"
    found = re.search(pattern, err)
    assert found is not None, err
    registers = dict(re.findall(r"(\w+)=0x(\w{8})", err.partition("\n")[2]))
    assert {*(f"r{n}" for n in range(13)), "sp", "lr", "pc", "xpsr"} == set(registers)
    assert registers["pc"] == found[1]


# Time.

PINS: Final[dict[str, str | int]] = {"pyboard": "X1", "pico": 2}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("board", BOARDS)
def test_two_runs_are_the_same(board: str, release: str) -> None:
    runs_are_the_same(board, release, PINS[board])


@pytest.mark.parametrize("board, register, high, low", [
    ("pyboard", 0x4002_0018, 1, 1 << 16), ("pico", 0xD000_001C, 4, 4),  # BSRR; GPIO_OUT_XOR
])
def test_edges_made_by_viper_have_their_own_times(board: str, register: int, high: int,
                                                  low: int) -> None:
    program = TOGGLE.format(pin=PINS[board], register=register, high=high, low=low, low_at=0)
    edges_have_their_own_times(board, program, PINS[board], 100, 20)


def test_bytecode_native_and_viper_agree_on_both_boards() -> None:
    lines = kinds_agree(BOARDS, RELEASES)
    assert lines[:3] == ["arithmetic 0", "arithmetic 16", "arithmetic 2"]
