"""Entries of mp_fun_table that are machine code: each against the same calculation on the host."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable
from typing import Any, Final

import pytest

from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.loader.ops import BinaryOp, UnaryOp
from mpy_cross.loader.release import get

ARCHS: Final = ("armv6m", "armv7emsp")
LIMIT: Final = 1 << 30
EDGES: Final = [0, 1, -1, 2, 3, 5, 7, -7, 29, 30, 31, 32, 33, 64, 16383, 16384, -16384, -16385,
                32767, 46341, LIMIT - 1, -LIMIT, LIMIT // 2, -LIMIT // 2, LIMIT // 2 - 1]


@pytest.fixture(autouse=True)
def engine() -> None:
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")


class Entries:
    """The table of a run-time: entries are called by name."""

    def __init__(self, arch: str, release: str = "1.17") -> None:
        self.runtime = Runtime(get(release), single_floats=True)
        self.runtime.arch = arch
        self.runtime.activate()
        self.bridge = self.runtime.native
        self.names = get(release).fun_table

    def call(self, name: str, *args: int) -> int:
        entry = self.bridge.table.entry(self.names.index(name))
        return self.bridge.core.call(entry, *args)

    def on_objects(self, name: str, op: int, *objects: Any) -> Any:
        words = [self.bridge.handles.word(each) for each in objects]
        return self.bridge.handles.value(self.call(name, op, *words))


def pairs() -> list[tuple[int, int]]:
    numbers = random.Random(1)
    made = [(a, b) for a in EDGES for b in EDGES]
    for _ in range(300):
        bits = numbers.randrange(1, 31)
        made.append((numbers.randrange(-LIMIT, LIMIT) >> numbers.randrange(31),
                     numbers.randrange(-(1 << bits), 1 << bits)))
    return [(a, max(-LIMIT, min(LIMIT - 1, b))) for a, b in made]


OPERATORS: Final[dict[BinaryOp, Callable[[Any, Any], Any]]] = {
    BinaryOp.LESS: operator.lt, BinaryOp.MORE: operator.gt, BinaryOp.EQUAL: operator.eq,
    BinaryOp.LESS_EQUAL: operator.le, BinaryOp.MORE_EQUAL: operator.ge,
    BinaryOp.NOT_EQUAL: operator.ne, BinaryOp.IS: operator.eq,
    BinaryOp.OR: operator.or_, BinaryOp.XOR: operator.xor, BinaryOp.AND: operator.and_,
    BinaryOp.LSHIFT: operator.lshift, BinaryOp.RSHIFT: operator.rshift,
    BinaryOp.ADD: operator.add, BinaryOp.SUBTRACT: operator.sub, BinaryOp.MULTIPLY: operator.mul,
    BinaryOp.FLOOR_DIVIDE: operator.floordiv, BinaryOp.MODULO: operator.mod,
    BinaryOp.INPLACE_OR: operator.or_, BinaryOp.INPLACE_ADD: operator.add,
    BinaryOp.INPLACE_MODULO: operator.mod, BinaryOp.INPLACE_LSHIFT: operator.lshift,
    BinaryOp.INPLACE_SUBTRACT: operator.sub, BinaryOp.INPLACE_MULTIPLY: operator.mul,
    BinaryOp.INPLACE_FLOOR_DIVIDE: operator.floordiv, BinaryOp.INPLACE_RSHIFT: operator.rshift,
}


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.name)
def test_operators_on_two_small_ints(op: BinaryOp, arch: str) -> None:
    entries = Entries(arch)
    expected = OPERATORS[op]
    shifts = "SHIFT" in op.name
    for left, right in pairs():
        if shifts and right > 70:
            right %= 70
        try:
            wanted = expected(left, right)
        except (ZeroDivisionError, ValueError) as error:
            with pytest.raises(type(error)):
                entries.on_objects("binary_op", op, left, right)
            continue
        found = entries.on_objects("binary_op", op, left, right)
        assert (found, type(found)) == (wanted, type(wanted)), (left, right)


@pytest.mark.parametrize("arch", ARCHS)
def test_operators_on_other_objects(arch: str) -> None:
    entries = Entries(arch)
    some = [1, 2.5]
    for op, left, right, wanted in (
        (BinaryOp.IS, None, None, True), (BinaryOp.IS, some, None, False),
        (BinaryOp.IS, some, some, True), (BinaryOp.IS, 0, None, False),
        (BinaryOp.IS, None, 0, False), (BinaryOp.ADD, True, 1, 2), (BinaryOp.OR, True, False, 1),
        (BinaryOp.EQUAL, None, False, False), (BinaryOp.IN, 2.5, some, True),
        (BinaryOp.ADD, 1 << 40, 1, (1 << 40) + 1), (BinaryOp.TRUE_DIVIDE, 1, 2, 0.5),
        (BinaryOp.POWER, 3, 4, 81), (BinaryOp.AND, 1, True, 1),
    ):
        found = entries.on_objects("binary_op", op, left, right)
        assert (found, found is True, found is False) == (wanted, wanted is True, wanted is False)
    with pytest.raises(NameError, match="referenced before assignment"):
        entries.call("binary_op", BinaryOp.IS, 0, 0)


UNARY: Final[dict[UnaryOp, Callable[[Any], Any]]] = {
    UnaryOp.POSITIVE: operator.pos, UnaryOp.NEGATIVE: operator.neg,
    UnaryOp.INVERT: operator.invert, UnaryOp.NOT: operator.not_,
}


@pytest.mark.parametrize("arch", ARCHS)
def test_unary_operators_and_truth(arch: str) -> None:
    entries = Entries(arch)
    for value in [*EDGES, True, False, None, 1 << 40, [], [1], "", 0.5]:
        for op, expected in UNARY.items():
            if op is UnaryOp.NOT or isinstance(value, int):
                found = entries.on_objects("unary_op", op, value)
                wanted = expected(value)
                assert (found, type(found)) == (wanted, type(wanted)), (op, value)
        word = entries.bridge.handles.word(value)
        assert entries.call("obj_is_true", word) == bool(value), value


@pytest.mark.parametrize("arch", ARCHS)
def test_conversions(arch: str) -> None:
    entries = Entries(arch)
    word, value = entries.bridge.handles.word, entries.bridge.handles.value
    for number in [*EDGES, LIMIT, -LIMIT - 1, (1 << 31) - 1, -(1 << 31)]:
        pattern = number & 0xFFFF_FFFF
        for kind in (2, 3, 4, 5, 6, 7, 0x12):
            assert entries.call("convert_obj_to_native", word(number), kind) == pattern
        assert value(entries.call("convert_native_to_obj", pattern, 2)) == number
        assert value(entries.call("convert_native_to_obj", pattern, 3)) == pattern
        assert value(entries.call("convert_native_to_obj", pattern, 1)) is (number != 0)
        assert entries.call("convert_native_to_obj", pattern, 0) == pattern
        assert entries.call("convert_obj_to_native", word(number), 1) == (number != 0)
    for obj in (True, False, None, [], [0], 1 << 50):
        assert entries.call("convert_obj_to_native", word(obj), 1) == bool(obj)
        assert entries.call("convert_obj_to_native", 0x1234, 0) == 0x1234
    assert entries.call("convert_obj_to_native", word(True), 2) == 1
    with pytest.raises(TypeError, match="can't convert"):
        entries.call("convert_obj_to_native", word([]), 2)


@pytest.mark.parametrize("arch", ARCHS)
def test_division_of_native_ints(arch: str) -> None:
    entries = Entries(arch)
    most = 1 << 31
    for left, right in [*pairs(), (most - 1, -1), (-most, -1), (-most, 3), (-most, most - 1)]:
        if right:
            a, b = left & 0xFFFF_FFFF, right & 0xFFFF_FFFF
            found = entries.call("small_int_floor_divide", a, b)
            assert found == (left // right) & 0xFFFF_FFFF, (left, right)
            found = entries.call("small_int_modulo", a, b)
            assert found == (left % right) & 0xFFFF_FFFF, (left, right)


@pytest.mark.parametrize("arch", ARCHS)
def test_counts_of_arguments(arch: str) -> None:
    entries = Entries(arch)
    exactly_two, one_to_three = 2 << 17 | 2 << 1, 1 << 17 | 3 << 1
    entries.call("arg_check_num_sig", 2, 0, exactly_two)
    entries.call("arg_check_num_sig", 1, 0, one_to_three)
    entries.call("arg_check_num_sig", 3, 0, one_to_three)
    for n_args, n_kw, signature in ((1, 0, exactly_two), (2, 1, exactly_two), (3, 0, exactly_two),
                                    (0, 0, one_to_three), (4, 0, one_to_three)):
        with pytest.raises(TypeError):
            entries.call("arg_check_num_sig", n_args, n_kw, signature)
