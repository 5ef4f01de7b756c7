"""Short ways out of a block become instructions under a condition."""

from __future__ import annotations

from typing import Final

import pytest

from mpy_cross.dump import dump
from mpy_cross.emitters.ssa import thumb2_conditional as conditional
from mpy_cross.emitters.ssa.machine import CONST, COPY, Ins, MFunction
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.loader.release import get
from mpy_cross.options import CompileOptions
from tests.ssa.boards import placed
from tests.ssa.differential import compiled
from tests.ssa.test_tails import diamond, edge, function

FUNCTION: Final = "@micropython.viper\ndef f(a: int, b: int) -> int:\n"
CASES: Final = {
    "one way": ("    if a < b:\n        a = b\n    return a", "it", [(1, 2), (2, 1), (-1, 1)]),
    "both ways": ("    if a > b:\n        a = a - b\n    else:\n        a = b ^ a\n    return a",
                  "ite", [(7, 2), (2, 7), (-3, 5)]),
    "the same at first": (
        "    for i in range(8):\n        if a & 2:\n            a = (a >> 1) ^ 45\n"
        "        else:\n            a = a >> 1\n    return a", "it",
        [(0x1234, 0x2D), (-5, 1), (0, 9)]),
    "a bit that is dropped": (
        "    if a & 16:\n        a = (a >> 5) + 3\n    else:\n        a >>= 5\n    return a", "it",
        [(16, 100), (15, 100), (-1, 3), (-32, 3)]),
    "zero": ("    if a:\n        a = b + 1\n    else:\n        a = b - 1\n    return a", "ite",
             [(0, 5), (3, 5)]),
    "a choice": ("    return a * 2 if a & 4 else b", "it", [(4, 7), (3, 7)]),
    "two instructions": ("    c = 70000 if a > b else 5\n    return c + a", "itee",
                         [(3, 2), (2, 3)]),
}


@pytest.mark.parametrize("limit", [0, 4])
@pytest.mark.parametrize("name", CASES)
def test_functions(name: str, limit: int) -> None:
    pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")
    body, block, calls = CASES[name]
    names: dict[str, object] = {}
    exec(f"def f(a, b):\n{body}\n", names)
    f = names["f"]
    assert callable(f)
    source = f"{FUNCTION}{body}\n"
    optimise = Optimise("2", n_registers=limit, check=True)
    if not limit:
        options = CompileOptions(get("1.17"), arch="armv7m", optimise=optimise)
        text = dump("asm", source.encode(), "case.py", options)
        assert f" {block} " in text
    module = placed(compiled(source, "1.17", "armv7m", optimise), "1.17", "armv7m")
    for args in calls:
        assert module.call("f", *args) == f(*args)


MOVES: Final = {
    "one way": ("    if a < b:\n        a = b\n    return a", {"xtensawin": "max"},
                [(1, 2), (2, 1), (-1, 1)]),
    "between": ("    if a > 100:\n        a = 100\n    elif a < -9:\n        a = -9\n    return a",
                {"xtensawin": "min"}, [(100, 0), (101, 0), (-9, 0), (-10, 0), (5, 0)]),
    "without a sign": ("    c = uint(a)\n    d = uint(b)\n    return int(c if c < d else d)",
                       {"xtensawin": "minu"}, [(-1, 2), (2, -1), (3, 3)]),
    "a bit": ("    if a & 4:\n        a = (a >> 1) ^ 2345\n    else:\n        a >>= 1\n"
              "    return a",
              {"xtensawin": "moveqz", "xtensa": "moveqz"}, [(4, 0), (3, 0), (-1, 0)]),
    "equal": ("    if a == b:\n        c = a + 1\n    else:\n        c = b - 1\n    return c",
              {"xtensawin": "movnez", "xtensa": "movnez"}, [(4, 4), (3, 4), (-1, 1)]),
    "negative": ("    return b if a < 0 else a", {"xtensawin": "movgez", "xtensa": "movgez"},
                 [(4, 7), (-1, 7), (0, 7)]),
}


@pytest.mark.parametrize("arch", ["xtensawin", "xtensa"])
@pytest.mark.parametrize("name", MOVES)
def test_moves_under_a_condition(name: str, arch: str) -> None:
    pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")
    body, found, calls = MOVES[name]
    for limit in (0, 4):
        optimise = Optimise("2", n_registers=limit, check=True)
        options = CompileOptions(get("1.29"), arch=arch, optimise=optimise)
        source = f"{FUNCTION}{body}\n"
        if arch in found and not limit:
            assert f" {found[arch]} " in dump("asm", source.encode(), "case.py", options)
        module = placed(compiled(source, "1.29", arch, optimise), "1.29", arch)
        for a, b in calls:
            assert module.call("f", a, b) == wanted(name, a, b)


def wanted(name: str, a: int, b: int) -> int:
    """What those functions give."""
    if name == "one way":
        return max(a, b)
    if name == "between":
        return min(max(a, -9), 100)
    if name == "without a sign":
        return a if a & 0xFFFFFFFF < b & 0xFFFFFFFF else b
    if name == "a bit":
        return (a >> 1) ^ 2345 if a & 4 else a >> 1
    if name == "equal":
        return a + 1 if a == b else b - 1
    return b if a < 0 else a


# ------------------------------------------------------------------------ blocks of instructions


def run(machine: MFunction, zero: bool = False) -> None:
    conditional.run(machine, lambda ins: ins.imm >> 16 or 1, lambda block: zero)


def test_both_ways_are_put_into_the_block() -> None:
    machine, (top, one, other, end) = diamond()
    top.code = [Ins("cmpi", [], [1], 3)]
    one.code = [Ins(CONST, [7], [], 1), Ins(COPY, [0], [5])]
    other.code = [Ins(CONST, [7], [], 1), Ins("add", [0], [6, 7])]
    run(machine)
    assert machine.blocks == [top, end] and top.succs == [end] and not top.cond
    assert [ins.op for ins in top.code] == ["cmpi", CONST, conditional.IT, COPY, "add"]
    mark = top.code[2]
    assert (mark.imm, mark.cond, mark.nums) == (1, "eq", (1, 1))


@pytest.mark.parametrize("ins", [
    Ins("ldr", [0], [1]), Ins("strb", [], [0, 1]), Ins("sdiv", [0], [1, 2]),
    Ins("call", [0], [4, 0]), Ins("cmpi", [], [1]), Ins("set", [0], []), Ins("addv", [0], [1, 2]),
    Ins("floordiv", [0], [1, 2]),
], ids=lambda ins: ins.op)
def test_what_stays_behind_a_branch(ins: Ins) -> None:
    machine, (top, one, other, _) = diamond()
    top.code = [Ins("cmpi", [], [1], 3)]
    one.code = [ins]
    other.code = [Ins(COPY, [0], [6])]
    run(machine)
    assert top.cond == "eq" and len(machine.blocks) == 4


@pytest.mark.parametrize(("sizes", "zero", "converted"), [
    ((2, 2), False, True), ((3, 2), False, False), ((1, 1), True, True), ((2, 1), True, False)])
def test_how_much_two_ways_may_have(sizes: tuple[int, int], zero: bool, converted: bool) -> None:
    machine, (top, one, other, _) = diamond()
    top.code = [Ins("cmpi", [], [1])]
    one.code = [Ins("addi", [0], [5], sizes[0] << 16)]
    other.code = [Ins("addi", [0], [6], sizes[1] << 16)]
    run(machine, zero)
    assert (not top.cond) == converted


@pytest.mark.parametrize(("size", "zero", "converted"), [
    (1, False, True), (2, False, False), (1, True, False)])
def test_how_much_one_way_may_have(size: int, zero: bool, converted: bool) -> None:
    machine, (top, one, end) = function(3)
    edge(top, end, one)
    edge(one, end)
    top.cond = "lt"
    top.code = [Ins("cmp", [], [1, 2])]
    one.code = [Ins("addi", [0], [5], size << 16)]
    end.code = [Ins("ret", [], [0])]
    run(machine, zero)
    assert (not top.cond) == converted
    if converted:
        assert top.code[1].nums == (0, 1)


def test_a_branch_that_is_there_anyway() -> None:
    """The ways meet above, at the start of a loop."""
    machine, (start, top, one) = function(3)
    edge(start, top)
    start.code = top.code = [Ins("cmp", [], [1, 2])]
    edge(top, start, one)
    edge(one, start)
    top.cond = "lt"
    one.code = [Ins("addi", [0], [0], 1)]
    run(machine)
    assert top.cond == "lt"


def test_what_others_need_as_well_is_copied_if_short() -> None:
    for size, converted in ((1, True), (2, False)):
        machine, (start, top, one, other, end) = function(5)
        start.cond = top.cond = "eq"
        start.code = [Ins("cmpi", [], [1], 7)]
        top.code = [Ins("cmpi", [], [1], 3)]
        edge(start, one, top)
        edge(top, one, other)
        edge(one, end)
        edge(other, end)
        one.code = [Ins(CONST, [0], [], size << 16)]
        other.code = [Ins(CONST, [0], [], 0)]
        end.code = [Ins("ret", [], [0])]
        run(machine)
        assert (not top.cond) == converted
        assert one in machine.blocks and (other in machine.blocks) != converted


def test_the_bit_that_a_shift_drops() -> None:
    for amount, shift, cond in ((1, 1, "lo"), (1, 2, "eq"), (16, 5, "lo")):
        machine, (top, one, other, _) = diamond()
        top.code = [Ins("tsti", [], [3], amount)]
        one.code = [Ins("lsri", [3], [3], shift)]
        other.code = [Ins("lsri", [3], [3], shift), Ins("eor", [3], [3, 1])]
        run(machine)
        assert next(ins for ins in top.code if ins.op == conditional.IT).cond == cond
        assert (top.code[0].op == "tsti") == (cond == "eq")
