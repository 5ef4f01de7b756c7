"""The reference's native emitter, verb for verb: stack operations to machine code.

The reference walks a function three times: two computing passes settle the stack size and the label
offsets, the third emits.  Here the first pass tries to do it all, from a forecast of what the
computing passes find out; only where that goes wrong are there three.

What stands around the body is in `entry`, control flow in `exceptions`, the plain verbs in
`operations`, operators and subscripts in `viper`, and the target behind `Machine`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from mpy_cross.emitters.native import exceptions as flow
from mpy_cross.emitters.native import operations as ops
from mpy_cross.emitters.native import viper
from mpy_cross.emitters.native.entry import WIDE_PRELUDE_OFFSET, enter, leave
from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.emitters.native.forecast import forecast
from mpy_cross.emitters.native.machine import Machine
from mpy_cross.emitters.native.state import Linker, NativeState
from mpy_cross.emitters.native.values import INT, PYOBJ
from mpy_cross.loader.fun_table import Fun
from mpy_cross.loader.mpyfile import CodeKind, RawCode
from mpy_cross.loader.objects import ConstValue
from mpy_cross.loader.ops import FunctionOps, Op, Verb
from mpy_cross.loader.prelude import encode_signature, encode_sizes
from mpy_cross.loader.release import Release
from mpy_cross.loader.varint import encode_uint

STATEMENT_END = int(Verb.STATEMENT_END)
# Version 5: name and source file, two bytes each.
V5_INFO_SIZE = 4

# Below this many, no instruction's size depends on the number of a word, constant or child.
PLAIN = 256

# All releases keep the offset in 16 bits.  In version 6, functions above 64 KiB can be loaded, but
# not called; the compilers of version 5 crash.
PRELUDE_OFFSET_MASK = 0xFFFF


@final
class NativeCode:
    """A compiled function: its raw code without children, and which children it makes in order."""

    __slots__ = ("made", "raw_code")

    def __init__(self, raw_code: RawCode, made: list[int]) -> None:
        self.raw_code = raw_code
        self.made = made


def emit_native(
    function: FunctionOps, machine: Machine, release: Release, linker: Linker, source_file: int
) -> NativeCode:
    """Compile one function.  Raises NativeError."""
    n_labels = function.n_labels
    try:
        state = _emit_at_once(function, machine, release, linker, source_file, n_labels)
        if state is None:
            state = NativeState(function, machine, release, linker)
            machine.start_function(n_labels)
            for number in range(3):
                machine.start_pass(number == 2)
                _walk(state, number == 1, source_file)
    except NativeError as error:
        if not error.bare:
            error.line = error.line or function.line
            error.block = linker.name_text(function.name).decode("utf-8", "replace")
        raise
    return _finish(state, source_file)


def _emit_at_once(
    function: FunctionOps,
    machine: Machine,
    release: Release,
    linker: Linker,
    source_file: int,
    n_labels: int,
) -> NativeState | None:
    """Emit in a single pass, or two if the forecast is wrong; None where that may not be equal.

    Code is as after three passes if this one ends with the facts that it began with, and if code
    that depends on later code then still has its size: the third pass begins with these facts.
    """
    if not machine.emits_at_once or not (
        release.native_tables or release.native_fixed_prelude_offset
    ):
        return None
    carried, offset, n_warnings = machine.carried, machine.prelude_offset, len(machine.warnings)
    s = NativeState(function, machine, release, linker)
    expected = forecast(function, release)
    s.max_stack = expected.max_stack
    s.n_consts = expected.n_consts + s.prelude_is_const
    s.prelude_index = expected.n_children
    machine.expect(expected.n_table)
    machine.start_function(n_labels)
    try:
        for _ in range(2):
            before = s.facts()
            machine.start_single_pass()
            _walk(s, False, source_file)
            if s.facts() == before:
                if _is_plain(s) and s.jumps.finish() and len(machine.warnings) == n_warnings:
                    return s
                break
    except NativeError:
        pass  # the three passes tell which one the reference meets first
    machine.carried, machine.prelude_offset = carried, offset
    del machine.warnings[n_warnings:]
    return None


def _is_plain(s: NativeState) -> bool:
    """Whether the first computing pass found out what the second one did.

    It knows nothing of the stack size, the constants and the children, and the sizes of
    instructions, and then of the table of constants, may depend on those that are large.
    """
    return (
        not s.machine.moved
        and s.stack_start + s.n_state < PLAIN
        and s.n_args + s.n_consts + len(s.made) < PLAIN
        and (s.tables or s.viper or s.prelude_offset < WIDE_PRELUDE_OFFSET // 2)
    )


def _walk(s: NativeState, computing_sizes: bool, source_file: int) -> None:
    """One pass; `computing_sizes`: the second of the computing passes."""
    machine = s.machine
    s.begin()
    enter(s, computing_sizes)
    if machine.placing and machine.emitting:
        s.max_stack = 0  # it was a forecast
    ops = s.function.ops
    i = 0
    while i < len(ops):
        op = ops[i]
        i += 1
        if op[0] != STATEMENT_END:
            VERBS[op[0]](s, op)
        elif s.error is not None:
            s.error_line = s.error_line or op[1]
            i = _behind_block(ops, op)
    leave(s)
    if not s.viper:
        _write_prelude(s, source_file)
    machine.end_pass()
    s.n_consts = len(s.consts) + s.prelude_is_const
    if s.error is not None:
        s.error.line = s.error_line
        raise s.error


def _behind_block(ops: list[Op], end: Op) -> int:
    """Where the reference goes on after an error: behind the block, whose last error it reports."""
    last = (STATEMENT_END, end[2])
    return max(i for i, op in enumerate(ops) if (op[0], op[2]) == last) + 1


def _write_prelude(s: NativeState, source_file: int) -> None:
    """What bytecode has as its prelude, for the code that sets up the arguments."""
    machine = s.machine
    s.prelude_offset = machine.prelude_offset = machine.position
    s.prelude_index = len(s.made)
    machine.put(native_prelude(s.function, s.linker, s.n_state, s.tables, source_file))


def native_prelude(
    function: FunctionOps, linker: Linker, n_state: int, tables: bool, source_file: int
) -> bytes:
    """The prelude of a native function.  `tables`: of version 6, whose files have tables of names
    and constants."""
    signature = encode_signature(max(1, n_state), 0, function.flags, function.n_pos_args,
                                 function.n_kwonly_args, function.n_def_pos_args)
    cells = bytes(cell & 0xFF for cell in function.cells)
    if tables:
        info = encode_uint(linker.use_name(function.name))
        for name in function.arg_names:
            info += encode_uint(linker.use_name(name))
        return signature + encode_sizes(len(info), len(cells)) + info + cells
    names = linker.use_name(function.name), linker.use_name(source_file)
    info = b"".join((number & 0xFFFF).to_bytes(2, "little") for number in names)
    return signature + encode_sizes(V5_INFO_SIZE, len(cells)) + info + cells


def _finish(s: NativeState, source_file: int) -> NativeCode:
    function = s.function
    if not s.tables and not s.viper and s.prelude_offset > PRELUDE_OFFSET_MASK:
        raise OverflowError(
            f"machine code of {s.prelude_offset} bytes for one function; at most "
            f"{PRELUDE_OFFSET_MASK} fit (write it as several functions, or as bytecode)"
        )
    raw_code = RawCode(
        kind=CodeKind.VIPER if s.viper else CodeKind.NATIVE,
        code=bytes(s.machine.code),
        prelude_offset=s.prelude_offset & PRELUDE_OFFSET_MASK,
        scope_flags=s.flags & 0x0F if s.release.viper_signature else 0,
        lines=s.lines,
    )
    if not s.tables:
        raw_code.qstr_links = s.qstr_links
        raw_code.constants = list(s.consts)
        if not s.viper:
            raw_code.arg_names = function.arg_names
            raw_code.name = function.name
            raw_code.source_file = source_file
            if s.machine.traits.prelude_as_bytes:
                prelude: ConstValue = raw_code.code[s.prelude_offset :]
                raw_code.constants.insert(0, prelude)
    return NativeCode(raw_code, s.made)


# -------------------------------------------------------------------------------------------- verbs

NativeVerb = Callable[[NativeState, Op], None]


def _plain(function: Callable[[NativeState], None]) -> NativeVerb:
    return lambda s, op: function(s)


def _with_a(function: Callable[[NativeState, int], None]) -> NativeVerb:
    return lambda s, op: function(s, op[1])


def _with_ab(function: Callable[[NativeState, int, int], None]) -> NativeVerb:
    return lambda s, op: function(s, op[1], op[2])


def _named(function: Callable[[NativeState, int, int], None], fun: int) -> NativeVerb:
    return lambda s, op: function(s, fun, op[1])


def _load_const_obj(s: NativeState, op: Op) -> None:
    ops.load_const_obj_value(s, s.linker.const(op[1]))


def _setup_with(s: NativeState, op: Op) -> None:
    enter_name = s.linker.name_index_of(b"__enter__")
    flow.setup_with(s, op[1], enter_name, s.linker.name_index_of(b"__exit__"))


def _load_build_class(s: NativeState, op: Op) -> None:
    s.call(Fun.LOAD_BUILD_CLASS)
    s.push_reg(PYOBJ, s.machine.registers.ret)


def _async_with_setup_finally(s: NativeState, op: Op) -> None:
    finally_block, exit_plain, exit_unwind = op[1], op[1] + 1, op[1] + 2
    if not s.release.native_async_with:
        # the same operations that bytecode has
        ops.load_const_tok(s, 1)
        ops.rot_two(s)
        flow.jump(s, exit_plain)
        flow.place_label(s, finally_block)
        flow.duplicate_top(s)
        ops.load_name(s, Fun.LOAD_GLOBAL, op[2])
        viper.binary_op(s, 8)
        flow.jump_if(s, exit_unwind, False, True)
        return
    s.adjust_joined(1)  # a value that is never used, so that both ways have the same layout
    ops.rot_two(s)
    ops.load_const_tok(s, 1)
    ops.rot_two(s)
    flow.jump(s, exit_plain)
    s.adjust_joined(-1)
    flow.place_label(s, finally_block)
    ops.load_caught_exception(s)
    s.jumps.if_zero(s.machine.registers.arg_1, exit_unwind, False)


def _line(s: NativeState, op: Op) -> None:
    s.lines.append((s.machine.position, op[1]))


VERBS: dict[int, NativeVerb] = {
    Verb.LABEL: _with_a(flow.place_label),
    Verb.LINE: _line,
    Verb.ADJUST: lambda s, op: s.adjust_joined(op[1]),
    Verb.LOAD_FAST: _with_ab(ops.load_fast),
    Verb.LOAD_DEREF: _with_ab(ops.load_deref),
    Verb.LOAD_NAME: _named(ops.load_name, Fun.LOAD_NAME),
    Verb.LOAD_GLOBAL: _named(ops.load_name, Fun.LOAD_GLOBAL),
    Verb.STORE_FAST: _with_ab(ops.store_fast),
    Verb.STORE_DEREF: _with_ab(ops.store_deref),
    Verb.STORE_NAME: _named(ops.store_name, Fun.STORE_NAME),
    Verb.STORE_GLOBAL: _named(ops.store_name, Fun.STORE_GLOBAL),
    Verb.DELETE_FAST: lambda s, op: ops.delete_local(s, op[0], op[1], op[2]),
    Verb.DELETE_DEREF: lambda s, op: ops.delete_local(s, op[0], op[1], op[2]),
    Verb.DELETE_NAME: _named(ops.delete_name, Fun.DELETE_NAME),
    Verb.DELETE_GLOBAL: _named(ops.delete_name, Fun.DELETE_GLOBAL),
    Verb.LOAD_CONST_TOK: _with_a(ops.load_const_tok),
    Verb.LOAD_CONST_SMALL_INT: lambda s, op: s.push_imm(INT, op[1]),
    Verb.LOAD_CONST_STR: _with_a(ops.load_const_str),
    Verb.LOAD_CONST_OBJ: _load_const_obj,
    Verb.LOAD_NULL: lambda s, op: s.push_imm(PYOBJ, 0),
    Verb.LOAD_METHOD: lambda s, op: ops.load_method(s, op[1], bool(op[2])),
    Verb.LOAD_BUILD_CLASS: _load_build_class,
    Verb.LOAD_SUBSCR: _plain(viper.load_subscr),
    Verb.STORE_SUBSCR: _plain(viper.store_subscr),
    Verb.DELETE_SUBSCR: _plain(viper.delete_subscr),
    Verb.LOAD_ATTR: _with_a(ops.load_attr),
    Verb.STORE_ATTR: _with_a(ops.store_attr),
    Verb.DELETE_ATTR: _with_a(ops.delete_attr),
    Verb.DUP_TOP: _plain(flow.duplicate_top),
    Verb.DUP_TOP_TWO: _plain(ops.dup_top_two),
    Verb.POP_TOP: lambda s, op: s.discard(),
    Verb.ROT_TWO: _plain(ops.rot_two),
    Verb.ROT_THREE: _plain(ops.rot_three),
    Verb.JUMP: _with_a(flow.jump),
    Verb.POP_JUMP_IF: lambda s, op: flow.jump_if(s, op[1], bool(op[2]), True),
    Verb.JUMP_IF_OR_POP: lambda s, op: flow.jump_if(s, op[1], bool(op[2]), False),
    Verb.UNWIND_JUMP: lambda s, op: flow.unwind_jump(s, op[1], op[2] >> 1),
    Verb.SETUP_WITH: _setup_with,
    Verb.SETUP_EXCEPT: lambda s, op: flow.setup_block(s, op[1], False),
    Verb.SETUP_FINALLY: lambda s, op: flow.setup_block(s, op[1], True),
    Verb.WITH_CLEANUP: _with_a(flow.with_cleanup),
    Verb.ASYNC_WITH_SETUP_FINALLY: _async_with_setup_finally,
    Verb.END_FINALLY: _plain(flow.end_finally),
    Verb.GET_ITER: lambda s, op: ops.get_iter(s, bool(op[1])),
    Verb.FOR_ITER: _with_a(ops.for_iter),
    Verb.FOR_ITER_END: lambda s, op: s.adjust(-ops.ITER_SLOTS),
    Verb.POP_EXCEPT_JUMP: lambda s, op: flow.pop_except_jump(s, op[1], bool(op[2])),
    Verb.UNARY_OP: _with_a(ops.unary_op),
    Verb.BINARY_OP: _with_a(viper.binary_op),
    Verb.BUILD_TUPLE: lambda s, op: ops.build(s, Fun.BUILD_TUPLE, op[1]),
    Verb.BUILD_LIST: lambda s, op: ops.build(s, Fun.BUILD_LIST, op[1]),
    Verb.BUILD_MAP: lambda s, op: ops.build(s, Fun.BUILD_MAP, op[1]),
    Verb.BUILD_SET: lambda s, op: ops.build(s, Fun.BUILD_SET, op[1]),
    Verb.BUILD_SLICE: _with_a(ops.build_slice),
    Verb.STORE_MAP: _plain(ops.store_map),
    Verb.STORE_COMP: _with_ab(ops.store_comp),
    Verb.UNPACK_SEQUENCE: _with_a(ops.unpack_sequence),
    Verb.UNPACK_EX: _with_ab(ops.unpack_ex),
    Verb.MAKE_FUNCTION: _with_ab(ops.make_function),
    Verb.MAKE_CLOSURE: _with_ab(ops.make_closure),
    Verb.CALL_FUNCTION: _with_ab(ops.call_function),
    Verb.CALL_METHOD: _with_ab(ops.call_method),
    Verb.RETURN_VALUE: _plain(ops.return_value),
    Verb.RAISE: _with_a(ops.raise_),
    Verb.YIELD_VALUE: lambda s, op: flow.yield_(s, False),
    Verb.YIELD_FROM: lambda s, op: flow.yield_(s, True),
    Verb.IMPORT_NAME: _with_a(ops.import_name),
    Verb.IMPORT_FROM: _with_a(ops.import_from),
    Verb.IMPORT_STAR: _plain(ops.import_star),
    Verb.START_EXCEPT_HANDLER: _plain(flow.start_except_handler),
    Verb.END_EXCEPT_HANDLER: _plain(flow.end_except_handler),
}

__all__ = ["NativeCode", "NativeError", "emit_native", "native_prelude"]
