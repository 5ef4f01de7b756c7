"""Viper functions in the place of their calls, where the program asks for it.

    @micropython.viper  # mpy: inline
    def clamp(x: int) -> int: ...

A call of `clamp` by its name in a viper function of the same module becomes the body of `clamp`.
That the global is the function is then known when compiling, so who binds it anew, at a prompt for
example, changes nothing for the functions of the module.  Therefore it is done on request only, and
only if in the module itself the name is bound once, by the definition, and never deleted.

Arguments become what the parameters say, as in a call.  The result of a call is an object in
viper; here the object is made only if it is needed: `int(clamp(x))` has none.

Functions that are too big for that, have handlers or call themselves are called directly
(`direct`), as those are whose comment says so.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, final

from mpy_cross.emitters.native.values import BOOL, NATIVE_TYPES, PTR_NONE, PYOBJ, UNBOUND
from mpy_cross.emitters.ssa import bounds, direct, ir
from mpy_cross.emitters.ssa.ir import OBJ, TYPES, Value
from mpy_cross.emitters.ssa.rotate import rotate
from mpy_cross.emitters.ssa.settings import DIRECT, INLINE, Unsupported, constant_defaults
from mpy_cross.loader.ops import ConstToken, Emit, FunctionOps, ModuleOps, Op, ScopeFlag, Verb

if TYPE_CHECKING:
    from mpy_cross.emitters.native.state import Linker
    from mpy_cross.emitters.ssa.build import Builder, Entry

MAX_OPS: Final = 400
"""Operations of a function that is inlined."""
MAX_INLINED: Final = 4000
"""Operations that one function gets by inlining."""
FIRST_LABEL: Final = 1 << 26
FIRST_RESULT: Final = 1 << 27
"""Variables with results."""
LOCALS: Final = frozenset((int(Verb.LOAD_FAST), int(Verb.STORE_FAST), int(Verb.DELETE_FAST)))
LABELS: Final = frozenset(int(verb) for verb in (
    Verb.LABEL, Verb.JUMP, Verb.POP_JUMP_IF, Verb.JUMP_IF_OR_POP, Verb.UNWIND_JUMP, Verb.FOR_ITER))
NO_CODE: Final = (int(Verb.LINE), int(Verb.STATEMENT_END))
BINDS: Final = frozenset((int(Verb.STORE_GLOBAL), int(Verb.DELETE_GLOBAL)))
BINDS_AT_TOP: Final = BINDS | {int(Verb.STORE_NAME), int(Verb.DELETE_NAME)}
MAKES: Final = (int(Verb.MAKE_FUNCTION), int(Verb.MAKE_CLOSURE))
OTHER_KINDS: Final = int(ScopeFlag.GENERATOR | ScopeFlag.VARARGS | ScopeFlag.VARKEYWORDS)


@final
class Inlined(NamedTuple):
    """A function that calls are replaced by, with the loads of its default values."""

    function: FunctionOps
    ops: list[Op]
    defaults: tuple[Op, ...]
    is_direct: bool = False
    """It is called, but directly."""
    returns_none: bool = False
    """It returns nothing but None."""


def candidates(module: ModuleOps, notes: list[str] | None) -> dict[int, Inlined]:
    """The functions to inline or call directly, by name; `notes` gets a line for each that cannot
    be."""
    found: dict[int, Inlined] = {}
    for place, function in enumerate(module.functions):
        words = module.directives.get(function.line, ())
        if INLINE not in words and DIRECT not in words:
            continue
        reason = _refused(module, function)
        if not reason:
            found[function.name] = Inlined(
                function, rotate(function.ops, function.n_labels),
                constant_defaults(module, place) if function.n_def_pos_args else (),
                DIRECT in words or function.exc_stack_size > 0 or len(function.ops) > MAX_OPS,
                function.viper_return == PYOBJ and _returns_none(function.ops))
        elif notes is not None:
            name = module.names[function.name].decode("utf-8", "replace")
            note = f"{name}: not inlined: {reason}"
            if note not in notes:
                notes.append(note)
    for key, one in found.items():
        if not one.is_direct and any(other is one for other in reached(one.ops, found)):
            found[key] = one._replace(is_direct=True)  # it calls itself
    return found


def _refused(module: ModuleOps, function: FunctionOps) -> str:
    """Why a function is neither inlined nor called directly; "" if it is."""
    if function.emit != Emit.VIPER:
        return "it is no viper function"
    if function.cells or function.n_kwonly_args or function.flags & OTHER_KINDS:
        return "this kind of arguments or variables"
    if any(op[0] in MAKES for op in function.ops):
        return "it has functions inside"
    top = module.functions[0]
    definition = -1
    for other in module.functions:
        binds = BINDS_AT_TOP if other is top else BINDS
        for i, (verb, a, _) in enumerate(other.ops):
            if verb == Verb.IMPORT_STAR:
                return "the module has an import of all names"
            if verb in binds and a == function.name:
                if definition >= 0 or other is not top:
                    return "its name is bound more than once"
                definition = i
    made = top.ops[definition - 1] if definition > 0 else (0, 0, 0)
    if made[0] != Verb.MAKE_FUNCTION or top.children[made[1]] is not function:
        return "its name is not bound by its definition at the top of the module"
    return ""


def _returns_none(ops: list[Op]) -> bool:
    """Whether each return is one of None."""
    ops = [op for op in ops if op[0] not in NO_CODE]
    return all(before[0] == Verb.LOAD_CONST_TOK and before[1] == ConstToken.NONE
               for before, op in itertools.pairwise(ops) if op[0] == Verb.RETURN_VALUE)


def reached(ops: list[Op], inlined: Mapping[int, Inlined]) -> list[Inlined]:
    """The functions that are inlined in some operations, and in those."""
    names: dict[int, None] = {}
    waiting = [ops]
    while waiting:
        for op in waiting.pop():
            if op[0] == Verb.LOAD_GLOBAL and op[1] in inlined and op[1] not in names:
                names[op[1]] = None
                waiting.append(inlined[op[1]].ops)
    return [inlined[name] for name in names]


def needs_globals(ops: Iterable[Op], inlined: Mapping[int, Inlined], linker: Linker,
                  verbs: frozenset[int]) -> bool:
    """Whether an operation needs the module's globals: not for types, nor what is inlined."""
    for op in ops:
        if op[0] not in verbs:
            continue
        if op[0] != Verb.LOAD_GLOBAL or not (
            op[1] in inlined or NATIVE_TYPES.get(linker.name_text(op[1]), PYOBJ) >= BOOL
        ):
            return True
    return False


# ------------------------------------------------------------------------------------------ calls


def call(b: Builder, n: int) -> None:
    """Replace the function and its `n` arguments on the stack by the result."""
    name = b.top(n).data
    inlined = b.target.inlined[name]
    function = inlined.function
    if inlined.is_direct or b.n_inlined + len(inlined.ops) > MAX_INLINED:
        direct.call(b, n)
        return
    b.n_inlined += len(inlined.ops)
    base = len(b.local_types)
    types = parameter_types(function)
    values = arguments(b, n)
    b.local_types += types
    b.local_types += [UNBOUND] * (function.n_locals - function.n_pos_args)
    for i, value in enumerate(values):
        b.set_local(base + i, value)
    outer = b.return_type, b.inlined_end, b.inlined_depth
    b.return_type = function.viper_return
    b.inlined_depth = len(b.stack)
    labels = b.next_label
    b.next_label += len(inlined.ops) + function.n_labels + 1
    b.inlined_end = b.next_label - 1
    b.inlining.append(name)
    _walk(b, inlined.ops, base, labels)
    b.inlining.pop()
    if b.block.term == ir.OPEN:
        b.block.term = ir.DEAD  # behind the last return
    end = b.inlined_end
    vtype = b.return_type
    b.return_type, b.inlined_end, b.inlined_depth = outer
    b.block = b.label_block(end)
    b.variables.closed.add(b.block)
    b.unsettle()
    result = b.variables.read(FIRST_RESULT + end, b.block, TYPES[vtype])
    if vtype == PYOBJ:
        b.push_object(result)
    else:
        b.push_boxed(vtype, result)


def parameter_types(function: FunctionOps) -> list[int]:
    """What the arguments of a function become."""
    return [function.viper_params.get(i, PYOBJ) for i in range(function.n_pos_args)]


def arguments(b: Builder, n: int) -> list[Value]:
    """Pop a function that is inlined and its `n` arguments; all arguments as what the parameters
    say."""
    inlined = b.target.inlined[b.top(n).data]
    missing = inlined.function.n_pos_args - n
    if not 0 <= missing <= len(inlined.defaults):
        raise Unsupported("the number of arguments", b.top(n).data)
    first = len(b.stack) - n
    for op in inlined.defaults[len(inlined.defaults) - missing :] if missing else ():
        b.verbs[op[0]](b, op)
    values = [_argument(b, first + i, vtype)
              for i, vtype in enumerate(parameter_types(inlined.function))]
    del b.stack[first - 1 :]
    return values


def _walk(b: Builder, ops: list[Op], base: int, labels: int) -> None:
    """The operations, with variables and labels of their own."""
    verbs = b.verbs
    for op in ops:
        verb, a, more = op
        if verb in LOCALS:
            op = verb, base + a, more
        elif verb in LABELS:
            op = verb, labels + a, more
        run = verbs.get(verb)
        if run is None:
            raise Unsupported(Verb(verb).name.lower())
        run(b, op)


def leave(b: Builder, value: Value) -> None:
    """Return from a function that is inlined."""
    b.variables.write(FIRST_RESULT + b.inlined_end, b.block, value)
    stack = b.stack
    b.stack = stack[: b.inlined_depth]
    b.settle()
    b.jump(b.label_block(b.inlined_end))
    b.stack = b.stack + stack[b.inlined_depth :]
    b.start_dead()
    b.unsettle()


def _argument(b: Builder, place: int, vtype: int) -> Value:
    """An entry of the stack as a parameter of a type."""
    entry: Entry = b.stack[place]
    if vtype == PYOBJ:
        return b.to_object(entry.vtype, b.value_of(place))
    boxed = b.boxed(entry)
    if boxed is not None:
        return as_type(b, *boxed, vtype)
    if entry.vtype in (PYOBJ, PTR_NONE):
        return b.to_native(b.to_object(entry.vtype, b.value_of(place)), vtype)
    return as_type(b, entry.vtype, b.value_of(place), vtype)


def as_type(b: Builder, known: int, value: Value, vtype: int) -> Value:
    """A machine word of a type as one of another, by way of an object that is not made."""
    if known >= len(TYPES):
        raise Unsupported("such an argument")
    if (vtype == BOOL or known == BOOL) and not _is_truth(value):
        # True and False as objects; as a machine word a bool has all the bits of what it was.
        value = b.block_value("ne", [value, b.const(0)], 0, ir.BOOL)
        if vtype == BOOL:
            return value
    if b.limits is not None and bounds.is_pointer(vtype) and not bounds.is_pointer(known):
        return b.block_value("add", [value, b.const(0)], 0, TYPES[vtype])
    assert value.type != OBJ
    return value


def _is_truth(value: Value) -> bool:
    """Whether a word is known to be 0 or 1."""
    return value.op in ir.CONDITIONS or (value.is_const and value.imm < 2)
