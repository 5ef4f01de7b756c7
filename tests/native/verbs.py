"""Verbs of a machine as text, and what the reference's assembler makes of them.

Files in `recorded/` have, for a machine, sequences of verbs and below each the code by release, in
hex, or the error after an exclamation mark:

    armv7m: label 0; fill 1023; jump 0
      1.12 1.17: (1023)fff7fffb

`fill 1023` stands for that many instructions that do nothing, and `(1023)` for their code.

The code comes from the assembler functions of MicroPython's sources at these releases
(py/asmthumb.c, py/asmarm.c and the macros of their headers), compiled and called in the same order.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.emitters.native.machine import Machine
from mpy_cross.loader.ops import BinaryOp
from tests.native.listing import generate

FOLDER = Path(__file__).parent / "recorded"

METHODS = {
    "label": "place_label",
    "jnz": "jump_if_nonzero",
    "jz": "jump_if_zero",
    "jeq": "jump_if_equal",
    "jreg": "jump_reg",
    "call4": "call_keeping_arg_4",
    "mlr": "move_local_reg",
    "mrl": "move_reg_local",
    "mrla": "move_reg_local_address",
    "imm": "move_reg_imm",
    "fix16": "move_reg_imm_fix_u16",
    "fix32": "move_reg_imm_fix_word",
    "mov": "move_reg_reg",
    "pcrel": "move_reg_label",
    "lsl": "shift_left",
    "lsr": "shift_right_logical",
    "asr": "shift_right_arithmetic",
    "or": "or_",
    "and": "and_",
    "not": "invert",
    "clr": "clear",
    "lw": "load_word",
    "sw": "store_word",
    "lh": "load_half",
}
SIZED = {"l": "load", "s": "store", "la": "load_at", "sa": "store_at", "lr": "load_at_reg",
         "sr": "store_at_reg"}


# mov r1, r2 in Thumb and in ARM code.
FILLERS = ("1146", "0210a0e1")


class Recorded(NamedTuple):
    arch: str
    verbs: str
    release: str
    code: str


def recorded(name: str) -> list[Recorded]:
    """The expectations in `recorded/<name>.txt`."""
    found = []
    arch = verbs = ""
    for line in (FOLDER / f"{name}.txt").read_text().splitlines():
        head, _, tail = line.partition(": ")
        if not line.startswith(" "):
            arch, verbs = head, tail
            continue
        found += [Recorded(arch, verbs, release, tail) for release in head.split()]
    return found


def groups(cases: list[Recorded]) -> dict[str, list[Recorded]]:
    """The cases of each architecture and release, by a name for it."""
    found: dict[str, list[Recorded]] = {}
    for case in cases:
        found.setdefault(f"{case.arch}-{case.release}", []).append(case)
    return found


def _do(machine: Machine, verb: str) -> None:
    name, *texts = verb.split()
    if name == "fill":  # some code of that many instructions
        for _ in range(int(texts[0])):
            machine.move_reg_reg(1, 2)
        return
    numbers = [int(text, 0) for text in texts]
    if name == "cmp":
        machine.compare(BinaryOp(numbers[0] % 6), numbers[0] < 6, numbers[1], numbers[2])
    elif name in ("jz", "jnz"):
        getattr(machine, METHODS[name])(*numbers, False)
    elif name[-1] in "124" and name[:-1] in SIZED:
        getattr(machine, SIZED[name[:-1]])(int(name[-1]), *numbers)
    else:
        getattr(machine, METHODS.get(name, name))(*numbers)


def folded(code: bytes, verbs: str) -> str:
    """Code as hex, with the code of `fill` as the number of its instructions."""
    text = code.hex()
    for step in verbs.split("; "):
        name, *numbers = step.split()
        if name == "fill":
            count = int(numbers[0])
            for filler in FILLERS:
                text = text.replace(filler * count, f"({count})")
    return text


def code_of(machine: Machine, verbs: str) -> str:
    """What the machine generates, folded, or "!" and the error."""
    steps = verbs.split("; ")
    n_labels = 1 + max((int(step.split()[-1]) for step in steps if step.startswith("label")),
                       default=-1)

    def body() -> None:
        for step in steps:
            _do(machine, step)

    try:
        return folded(generate(machine, body, n_labels), verbs)
    except NativeError as error:
        assert error.bare
        return "!" + error.message


def differing(machine: Machine, cases: list[Recorded]) -> list[tuple[str, str, str]]:
    """Verbs of which the machine makes something else, what it makes, and what is recorded."""
    made = [(case.verbs, code_of(machine, case.verbs), case.code) for case in cases]
    return [each for each in made if each[1] != each[2]]
