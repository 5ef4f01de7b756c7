"""Floats of native functions in registers of their own, for `build_native`.

A float is an object of its type and its value (py/objfloat.c, representation A of objects).  In the
fast version of a loop variables can hold the value itself: ahead of the loop it is tested that they
are floats, and what operators give is one anyway.  Such a variable is two: `variable`, the object,
which is not kept up, and UNBOXED + `variable`, the float.  Where control leaves the fast version,
by whichever way, objects are made again.

How the firmware represents floats is tested ahead of the loop too: the type is that of a constant,
1.0, which has to be an object that holds 1.0 in single precision.  On other firmware, with floats
in words of their own or of double precision, only the plain version of the loop runs.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, final

from mpy_cross.emitters.native.values import PYOBJ
from mpy_cross.emitters.ssa.build import HELD, LAZY, Entry
from mpy_cross.emitters.ssa.ir import FLOAT, INT, OBJ, Block, Value
from mpy_cross.emitters.ssa.native_kinds import FLOAT_CONSTANT, SMALL, UNKNOWN, Assigned, Kinds

if TYPE_CHECKING:
    from mpy_cross.emitters.ssa.build_native import NativeBuilder
    from mpy_cross.emitters.ssa.native_loops import Region

FLOAT_ENTRY: Final = 0x80
"""Type of an entry of the stack whose value is the float itself."""
UNBOXED: Final = 1 << 20
TYPE: Final = 1 << 21
"""The variable that holds the type of floats."""
CONSTANT: Final = 1 << 22
"""Added to the number of a constant: a variable with the float."""
TINY: Final = 1e-30
VALUE: Final = 4
"""Where the value stands in an object, in bytes."""
SIGN: Final = 0x80000000
ONE: Final = 0x3F800000
"""1.0 in single precision."""


@final
class Known:
    """What is known of floats all through a function."""

    __slots__ = ("constants", "facts", "homes", "kinds", "new_float", "one", "originals", "origins")

    def __init__(self) -> None:
        self.new_float = 0
        """Index of `mp_obj_new_float_from_f` in the function table, if there may be floats in
        registers."""
        self.one: Value | None = None
        """The constant 1.0, once it is used."""
        self.kinds = Kinds()
        self.origins: dict[Value, int] = {}
        """Names of values for `kinds`."""
        self.originals: dict[Value, Value] = {}
        """Floats and the objects that they were taken from."""
        self.constants: dict[Value, int] = {}
        """Floats that are constants of the module."""
        self.homes: dict[Value, int] = {}
        """Floats of variables that the loop does not change."""
        self.facts: dict[int, set[int]] = {}
        """Label -> variables, places of the stack too, that are floats in registers there."""


def _one(b: NativeBuilder) -> Value:
    """The constant 1.0."""
    one = b.known.one
    if one is None:
        block, b.block = b.block, b.ssa.entry
        one = b.known.one = b.load_object(1.0)
        b.block = block
    return one


def name_of(b: NativeBuilder, value: Value) -> int:
    """The name of a value for `native_kinds`."""
    if value.is_const:
        return SMALL if value.imm & 1 else UNKNOWN
    return b.known.origins.get(value, UNKNOWN)


def note_assigned(b: NativeBuilder, local: int, value: Value) -> None:
    """A local gets a value."""
    b.known.kinds.assigned.add(Assigned(local, name_of(b, value)))


def may_have(b: NativeBuilder) -> bool:
    """Whether there may be floats in registers at the current operation."""
    region = b.region
    return bool(b.known.new_float and b.plan.floats) and region is not None and not b.plain \
        and not b.is_generator \
        and b.alive and not b.calls_only[b.at] and region.label not in b.plan.single \
        and b.regions[b.at] is region


def use(b: NativeBuilder) -> None:
    """There is a float in a register in this loop."""
    region = b.region
    assert region is not None
    if region.label not in b.plan.with_floats:
        b.plan.with_floats[region.label] = set()
        b.plan.changed = True


def is_likely(b: NativeBuilder, value: Value) -> bool:
    """Whether an object is likely to be a float."""
    floats = b.plan.floats
    return bool(floats) and b.known.origins.get(value) in (floats or ())


# ----------------------------------------------------------------------------------- variables


def push(b: NativeBuilder, value: Value) -> None:
    b.stack.append(Entry(FLOAT_ENTRY, HELD, value))


def value_at(b: NativeBuilder, place: int) -> Value:
    """The float that a place of the stack holds."""
    entry = b.stack[place]
    if entry.value is None:
        value = b.variables.read(UNBOXED - 1 - place, b.block, FLOAT)
        b.stack[place] = Entry(FLOAT_ENTRY, HELD, value)
        return value
    return entry.value


def read(b: NativeBuilder, local: int) -> Value:
    """The float that a local holds."""
    value = b.variables.read(UNBOXED + local, b.block, FLOAT)
    if b.region is not None and local not in b.region.stored:
        b.known.homes[value] = local
    return value


def write(b: NativeBuilder, local: int, value: Value) -> None:
    """A local becomes a float; if it is that of an object that there is, the object itself, which
    the program may compare by `is`."""
    original = b.known.originals.get(value)
    if original is None and value in b.known.homes:
        original = b.variables.read(b.known.homes[value], b.block, OBJ)
    if original is not None:
        b.unboxed[original] = value
        b.write_local(local, original)
        return
    b.variables.write(UNBOXED + local, b.block, value)
    b.floats.add(local)
    b.seen.pop(local, None)
    b.small_vars.discard(local)
    b.written.add(local)


def bits_of(number: int) -> int:
    """A small int in single precision."""
    return int.from_bytes(struct.pack("<f", number), "little")


def constant(b: NativeBuilder, bits: int) -> Value:
    """A float by its bits."""
    return b.block_value("fbits", [b.const(bits)], 0, FLOAT)


def push_constant(b: NativeBuilder, index: int) -> None:
    """Push a constant object of the module."""
    number = b.linker.const(index)
    if type(number) is float and may_have(b):
        push(b, _module_constant(b, index, number))
        return
    value = b.load_const(index)
    b.others.add(value)
    if isinstance(number, float):
        b.known.origins[value] = FLOAT_CONSTANT
    b.push_object(value)


def _module_constant(b: NativeBuilder, index: int, number: float) -> Value:
    """A constant of the module.  The firmware makes it of a text, not always of the nearest number;
    so what the object holds is read ahead of the loop."""
    use(b)
    region = b.region
    assert region is not None
    if number in (0.0, 1.0) and str(number)[0] != "-":
        value = constant(b, ONE if number else 0)
    else:
        constants = b.plan.with_floats[region.label]
        if index not in constants:
            constants.add(index)
            b.plan.changed = True
        value = b.variables.read(CONSTANT + index, b.block, FLOAT)
    b.known.constants[value] = index
    return value


def may_be_zero(b: NativeBuilder, value: Value) -> bool:
    """Whether a float may be zero."""
    if value.op == "fbits":
        return not value.args[0].imm & ~SIGN
    if value in b.known.constants:
        number = b.linker.const(b.known.constants[value])
        return not isinstance(number, float) or abs(number) < TINY
    return True


def box(b: NativeBuilder, value: Value) -> Value:
    """The object for a float, of which there is one as far as the program can know."""
    known = b.known.originals.get(value) or b.objects.get(value)
    if known is not None:
        return known
    if value in b.known.constants:
        return b.load_const(b.known.constants[value])
    if value in b.known.homes:
        return b.variables.read(b.known.homes[value], b.block, OBJ)
    b.objects[value] = made = b.block_value("box", [b.fun_table, value], b.known.new_float, OBJ)
    b.others.add(made)
    b.unboxed[made] = value
    return made


def unbox(b: NativeBuilder, value: Value) -> Value:
    """The float that an object holds which is one."""
    known = b.unboxed.get(value)
    if known is None:
        known = b.unboxed[value] = b.block_value("loadf", [value], VALUE, FLOAT)
        b.known.originals[known] = value
        for local, held in b.seen.items():
            if held is value:
                b.variables.write(UNBOXED + local, b.block, known)
                b.floats.add(local)
        for local in b.floats:
            b.seen.pop(local, None)
    return known


def note_test(b: NativeBuilder, value: Value) -> None:
    """It is tested whether a value is a float: if it is that of a variable since the loop began,
    the test had better be before the loop."""
    region = b.region
    assert region is not None
    for local, known in b.seen.items():
        if known is value and local not in b.written:
            b.plan.want_float(region.label, local)


# ---------------------------------------------------------------------------------- ways and labels


def known(b: NativeBuilder) -> set[int]:
    """Variables that hold floats here; the stack has been settled."""
    found = set(b.floats)
    for place, entry in enumerate(b.stack):
        if entry.vtype == FLOAT_ENTRY:
            found.add(-1 - place)
    return found


def _stale(b: NativeBuilder, variables: set[int]) -> list[int]:
    """Those whose objects have to be made."""
    region = b.region
    assert region is not None
    return sorted(v for v in variables if v < 0 or v in region.stored)


def _keep_up(b: NativeBuilder, variables: list[int], block: Block) -> None:
    """Make the objects of variables, in a block that the current one leads to or is."""
    values = [value_at(b, -1 - v) if v < 0 else read(b, v) for v in variables]
    now, objects, unboxed = b.block, b.objects, b.unboxed
    b.block, b.objects, b.unboxed = block, dict(objects), dict(unboxed)
    for variable, value in zip(variables, values, strict=True):
        b.variables.write(variable, block, box(b, value))
    b.block, b.objects, b.unboxed = now, objects, unboxed


def leaving(b: NativeBuilder, block: Block) -> Block:
    """What tests that fail lead to in place of a block of the plain version."""
    stale = _stale(b, known(b)) if b.region is not None else []
    if not stale:
        return block
    way = b.ssa.new_block()
    way.is_cold = True
    _keep_up(b, stale, way)
    b.ssa.jump(way, block)
    return way


def leave_all(b: NativeBuilder) -> None:
    """The fast version ends here."""
    for depth, entry in enumerate(reversed(b.stack)):
        if entry.vtype == FLOAT_ENTRY:
            b.object_at(depth)
    if b.floats:
        _keep_up(b, _stale(b, set(b.floats)), b.block)
        b.floats = set()


def way_on(b: NativeBuilder, block: Block, label: int, region: Region | None) -> Block:
    """What a jump to a label leads to: objects are made of those floats that are none there."""
    here = known(b)
    kept: set[int] = set()
    if region is not None and region is b.region:
        dropped = b.plan.no_floats.get(label, set())
        if label == region.label and b.places[label] < b.at:
            kept = expected(b, region)
        else:
            kept = b.known.facts.setdefault(label, here - dropped)
        if kept - here:
            b.plan.drop_float(label, kept - here)
    stale = _stale(b, here - kept) if here else []
    if not stale:
        return block
    way = b.new_block(False)
    _keep_up(b, stale, way)
    b.ssa.jump(way, block)
    return way


def expected(b: NativeBuilder, region: Region) -> set[int]:
    """Variables that are to be floats when a loop begins."""
    return b.plan.float_wanted.get(region.label, set()) \
        - b.plan.no_floats.get(region.label, set())


def arrive(b: NativeBuilder, label: int) -> None:
    """A label stands here: which variables are floats."""
    region = b.regions[b.places[label]]
    here: set[int] = set()
    if region is not None and region is b.region and not b.plain:
        if label == region.label:
            here = b.known.facts.setdefault(label, expected(b, region))
        else:
            here = b.known.facts.setdefault(label, set())
    b.floats = {v for v in here if v >= 0}
    for place, entry in enumerate(b.stack):
        is_float = -1 - place in here
        if is_float or entry.vtype == FLOAT_ENTRY:
            b.stack[place] = Entry(FLOAT_ENTRY if is_float else PYOBJ, LAZY)


def way_in(b: NativeBuilder, block: Block, label: int, region: Region) -> Block:
    """What a jump into a loop leads to: tests of what has to be floats."""
    if region.label not in b.plan.with_floats:
        return block
    wanted = expected(b, region) - b.plan.no_floats.get(label, set())
    wanted = b.known.facts.setdefault(label, wanted)
    plain = b.label_plain(label)
    ssa = b.ssa
    one = _one(b)
    first = b.new_block(False)
    word = one
    values = [(v, b.variables.read(v, first, OBJ)) for v in sorted(wanted)]
    for _, value in values:
        word = ssa.append(first, "or", [word, value])
    tag = ssa.append(first, "and", [word, ssa.const(first, 3)])
    second = b.new_block(False)
    ssa.branch(first, "eq", tag, ssa.const(first, 0), second, plain)
    bits = ssa.append(second, "load32", [one], VALUE)
    third = b.new_block(False)
    ssa.branch(second, "eq", bits, ssa.const(second, ONE), third, plain)
    region.exits += 2
    kind = ssa.append(third, "load32", [one], 0)
    last = third
    if values:
        wrong: Value | None = None
        for _, value in values:
            other = ssa.append(third, "xor", [ssa.append(third, "load32", [value], 0), kind])
            wrong = other if wrong is None else ssa.append(third, "or", [wrong, other])
        assert wrong is not None
        last = b.new_block(False)
        ssa.branch(third, "eq", wrong, ssa.const(third, 0), last, plain)
        region.exits += 1
    for variable, value in values:
        number = ssa.append(last, "loadf", [value], VALUE, FLOAT)
        b.variables.write(UNBOXED + variable, last, number)
    for index in sorted(b.plan.with_floats[region.label]):
        now, b.block = b.block, last
        b.variables.write(CONSTANT + index, last,
                          ssa.append(last, "loadf", [b.load_const(index)], VALUE, FLOAT))
        b.block = now
    b.variables.write(TYPE, last, kind)
    ssa.jump(last, block)
    return first


def float_type(b: NativeBuilder) -> Value:
    """The type of floats."""
    return b.variables.read(TYPE, b.block, INT)
