"""Direct calls: viper functions that call others of their module without the run-time.

    @micropython.viper  # mpy: direct
    def gcd(a: int, b: int) -> int:
        return int(gcd(b, a % b)) if b else a

The run-time loads the code of each function by itself, so where another function is cannot be
known.  Therefore what a function calls directly is compiled once more, behind its own code and in
the same piece: a part.  A part takes numbers, pointers and objects as they are, in registers, and
returns one.  A function that calls itself is a part and an entry that calls it.

What calls of the name mean is settled as it is for functions that are inlined (`inline`).

A call has its words in registers as of `machine.Convention`; from the fifth on they are in the
caller's frame, if there are more than five, and the fifth is their address.  The function object
of the caller, which leads to the tables of the module, is passed where the part needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mpy_cross.emitters.native.values import PTR_NONE, PYOBJ
from mpy_cross.emitters.ssa import bounds, inline, ir
from mpy_cross.emitters.ssa.ir import ENVIRONMENT, MOST_DIRECT, OBJ, Function, Value
from mpy_cross.emitters.ssa.settings import Unsupported

if TYPE_CHECKING:
    from mpy_cross.emitters.ssa.build import Builder

MAX_OPS: Final = 10_000
"""Operations of all parts of one function."""
WITH_ENVIRONMENT: Final = 1


def call(b: Builder, n: int) -> None:
    """Replace the function and its `n` arguments on the stack by the result."""
    name = b.top(n).data
    function = b.target.inlined[name].function
    words: list[Value] = []
    limits: list[Value] = []
    for vtype, value in zip(inline.parameter_types(function), inline.arguments(b, n), strict=True):
        words.append(value)
        if b.limits is not None and bounds.is_pointer(vtype):
            limits.append(bounds.limit_of(b, value))
    _result(b, name, words + limits)


def _result(b: Builder, name: int, words: list[Value]) -> None:
    """Call a part with words, and push what it returns."""
    if len(words) > MOST_DIRECT:
        first = len(b.stack)
        for place, word in enumerate(words[MOST_DIRECT - 1 :], first):
            b.block_value("putframe", [word], b.frame_word(place))
        address = b.block_value("frame", [], b.frame_word(first), "ptr")
        words[MOST_DIRECT - 1 :] = [address]
    part = b.parts.setdefault(name, len(b.parts))
    vtype = returned(b.target.inlined[name])
    result = b.block_value("direct", [*words, b.fun_obj], part << 1 | WITH_ENVIRONMENT,
                           name_of(vtype))
    if vtype == PYOBJ:
        b.push_object(result)
    else:
        b.push_boxed(vtype, result)


def returned(one: inline.Inlined) -> int:
    """The type of what a part returns: for nothing but None it is any number."""
    return PTR_NONE if one.returns_none else one.function.viper_return


def name_of(vtype: int) -> str:
    """The same as a type of the SSA form."""
    return ir.INT if vtype == PTR_NONE else ir.TYPES[vtype]


def forward(b: Builder, own: inline.Inlined) -> None:
    """The body of a function that calls itself: a call of the part that it is as well."""
    function = own.function
    words: list[Value] = []
    limits: list[Value] = []
    for i, vtype in enumerate(inline.parameter_types(function)):
        value = b.local_value(i, ir.TYPES[vtype])
        words.append(value)
        if b.limits is not None and bounds.is_pointer(vtype):
            limits.append(bounds.limit_of(b, value))
    _result(b, function.name, words + limits)
    vtype = function.viper_return
    if vtype == PYOBJ:
        b.return_(b.pop_object())
        return
    boxed = b.boxed(b.stack.pop())
    assert boxed is not None
    b.return_(boxed[1])


def parameters(b: Builder, types: list[int]) -> int:
    """What a part finds when it is called becomes its local variables; how many words it is."""
    n_limits = sum(bounds.is_pointer(vtype) for vtype in types) if b.limits is not None else 0
    names = [ir.TYPES[vtype] for vtype in types] + [ir.INT] * n_limits
    words: list[Value] = []
    in_memory = len(names) > MOST_DIRECT
    for i, name in enumerate(names[: MOST_DIRECT - in_memory]):
        words.append(b.block_value("livein", [], i, name))
    if in_memory:
        address = b.block_value("livein", [], MOST_DIRECT - 1, "ptr")
        words += [b.field(address, i, name) for i, name in enumerate(names[MOST_DIRECT - 1 :])]
    if b.limits is not None:
        pointers = [i for i, vtype in enumerate(types) if bounds.is_pointer(vtype)]
        for i, limit in zip(pointers, words[len(types) :], strict=True):
            b.limits[words[i]] = limit
    for i, value in enumerate(words[: len(types)]):
        b.set_local(i, value)
    return len(words)


# -------------------------------------------------------------------------------- function objects


def drop_environments(functions: list[Function]) -> None:
    """Calls of parts that do not need the function object are without it; `functions` has the
    function and then its parts."""
    parts = functions[1:]
    needed = {i for i, part in enumerate(parts) if _reads_environment(part)}
    changed = True
    while changed:
        changed = False
        for i, part in enumerate(parts):
            if i not in needed and any(value.imm >> 1 in needed for value in _calls(part)):
                needed.add(i)
                changed = True
    for function in functions:
        for value in _calls(function):
            if value.imm >> 1 not in needed and value.imm & WITH_ENVIRONMENT:
                value.args.pop()
                value.imm ^= WITH_ENVIRONMENT


def _calls(function: Function) -> list[Value]:
    return [value for block in function.blocks for value in block.values if value.op == "direct"]


def _reads_environment(part: Function) -> bool:
    """Whether a part needs the function object for more than to pass it on."""
    for block in part.blocks:
        for value in (*block.phis, *block.values):
            args = value.args[:-1] if value.op == "direct" and value.imm & WITH_ENVIRONMENT \
                else value.args
            if any(arg.op == "livein" and arg.imm == ENVIRONMENT for arg in args):
                return True
    return False


def table_of(part: Function) -> Value:
    """The table of the run-time's functions in a part that has no call of one yet."""
    entry = part.entry
    known = next((value for value in entry.values
                  if value.op == "livein" and value.imm == ENVIRONMENT), None)
    if known is None:
        known = part.new_value("livein", OBJ, [], ENVIRONMENT, entry)
        entry.values.insert(0, known)
    at = entry.values.index(known) + 1
    for offset in part.table_fields:
        known = part.new_value("field", "ptr", [known], offset, entry)
        entry.values.insert(at, known)
        at += 1
    return known


def check_size(b: Builder) -> None:
    """Raises Unsupported if the parts of a function are too long together."""
    ops = sum(len(b.target.inlined[name].ops) for name in b.parts)
    if ops > MAX_OPS:
        raise Unsupported(f"more than {MAX_OPS} operations of functions that are called directly")
