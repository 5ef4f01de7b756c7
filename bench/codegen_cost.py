"""What instructions and calls of the run-time cost: estimates, by documents and one measurement.

Cycles of a Cortex-M4 and a Cortex-M0+, from memory without wait states, by their technical
reference manuals: see `CYCLES`.  A call of the run-time is charged with `CALLS` instructions: the
average that release 1.17 executes, called functions included, built for a Cortex-M4 with -Os and
without floats.  Other ports and releases differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from mpy_cross.assembler.isa import Decoded
from mpy_cross.emulator.runtime.native.handles import FALSE, NONE, TRUE
from mpy_cross.loader.ops import BinaryOp

BOOL, INT = 1, 2
SMALL, MINUS_SMALL = 0x4000_0000, 0xC000_0000


class Cycles(NamedTuple):
    """Clock cycles of a core.

    load, store: of one; next_load: of a load right after a load; multiple: of a push, pop, load or
    store of n registers, without the n; branch: one that is taken; call, back: to a register, from
    a function; to_pc: more for a pop that branches; multiply, divide: of 32 bits.
    """

    load: int
    next_load: int
    store: int
    multiple: int
    branch: int
    call: int
    back: int
    to_pc: int
    multiply: int
    divide: int


# Division takes a Cortex-M4 2 to 12 cycles, by the operands; 6 is taken for all.
CYCLES: Final = {
    "cortex-m4": Cycles(load=2, next_load=1, store=1, multiple=1, branch=3, call=3, back=3,
                        to_pc=3, multiply=1, divide=6),
    "cortex-m0+": Cycles(load=2, next_load=2, store=2, multiple=1, branch=2, call=2, back=2,
                         to_pc=2, multiply=1, divide=0),
}

_LOADS: Final = ("ldr", "ldrb", "ldrh", "ldrsb", "ldrsh")
_STORES: Final = ("str", "strb", "strh")
_MULTIPLE: Final = ("push", "pop", "ldm", "ldmia", "ldmdb", "stm", "stmia", "stmdb")
_DOUBLE: Final = ("ldrd", "strd")
_DIVIDE: Final = ("sdiv", "udiv")
_MULTIPLY: Final = ("mul", "muls", "mla", "mls", "smull", "umull", "smlal", "umlal")


def name_of(instruction: Decoded) -> str:
    """The mnemonic, without its width and form."""
    return instruction.row.name.partition("_")[0].partition(".")[0]


def registers_of(instruction: Decoded) -> int:
    """The list of registers of a push, pop, ldm or stm, as bits."""
    return instruction.value("l")


def cycles_of(instruction: Decoded, before: str, costs: Cycles) -> int:
    """Cycles of an instruction that does not branch, or would not; before: the one ahead."""
    name = name_of(instruction)
    if name in _LOADS:
        return costs.next_load if before in _LOADS else costs.load
    if name in _STORES:
        return costs.store
    if name in _DOUBLE:
        return 2 + costs.multiple
    if name in _MULTIPLE:
        return costs.multiple + bin(registers_of(instruction)).count("1")
    if name in _DIVIDE:
        return costs.divide
    if name in _MULTIPLY:
        return costs.multiply
    return 1


# ---------------------------------------------------------------------------------- the run-time

Registers = Any
"""The general registers by number, at the call."""
Kind = Callable[[Registers, "Callable[[int], Any]"], str]

_SIMPLE: Final = (*range(BinaryOp.LESS, BinaryOp.NOT_EQUAL + 1), BinaryOp.IS,
                  BinaryOp.ADD, BinaryOp.SUBTRACT, BinaryOp.INPLACE_ADD, BinaryOp.INPLACE_SUBTRACT)


def _binary(r: Registers, value: Callable[[int], Any]) -> str:
    if r[1] & r[2] & 1:
        return "small ints: + - and comparisons" if r[0] in _SIMPLE else "small ints: others"
    return "others"


def _truth(r: Registers, value: Callable[[int], Any]) -> str:
    return "bool, None" if r[0] in (TRUE, FALSE, NONE) else "others"


def _to_native(r: Registers, value: Callable[[int], Any]) -> str:
    if r[0] & 1:
        return "small int"
    return "big int" if isinstance(value(r[0]), int) else "buffer"


def _to_object(r: Registers, value: Callable[[int], Any]) -> str:
    kind, word = r[1] & 15, r[0]
    small = kind == BOOL or word < SMALL or (kind == INT and word >= MINUS_SMALL)
    return "small int, bool" if small else "big int"


KINDS: Final[dict[str, Kind]] = {
    "binary_op": _binary, "obj_is_true": _truth,
    "convert_obj_to_native": _to_native, "convert_native_to_obj": _to_object,
}
"""Entries whose costs depend on what they get."""

CALLS: Final[dict[str, dict[str, int]]] = {
    "binary_op": {"small ints: + - and comparisons": 26, "small ints: others": 38, "others": 45},
    "obj_is_true": {"bool, None": 8, "others": 15},
    "setup_code_state": {"": 160},
    "load_global": {"": 95},
    "load_name": {"": 95},
    "load_attr": {"": 121},
    "store_attr": {"": 110},
    "obj_subscr": {"": 58},
    "native_call_function_n_kw": {"": 49},
    "native_getiter": {"": 38},
    "native_iternext": {"bytes": 57, "str": 298, "others": 57},
    "native_swap_globals": {"": 7},
    "convert_obj_to_native": {"small int": 20, "buffer": 74, "big int": 47},
    "convert_native_to_obj": {"small int, bool": 11, "big int": 461},
    "small_int_modulo": {"": 8},
    "small_int_floor_divide": {"": 6},
    "arg_check_num_sig": {"": 12},
}
ITERATION: Final = "native_iternext"
"""Its costs depend on what is iterated."""
OTHER: Final = 60
"""For what was not measured, such as making a list."""
