"""Decode function data: instructions, line table, names; and whole files into `ModuleOps`.

What a decoded function lacks compared with what the compiler recorded: operations that give no
code (ADJUST, FOR_ITER_END, START_EXCEPT_HANDLER, END_EXCEPT_HANDLER), the names of locals that are
no arguments (-1), labels that nothing jumps to, line numbers that changed twice at one place; and
the compound operations appear as the instructions they became.  The number of state slots comes
from the prelude.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias, final

from mpy_cross.loader import opcodes as bc
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, RawCode
from mpy_cross.loader.opcodes import Operand
from mpy_cross.loader.ops import (
    BinaryOp,
    ConstToken,
    Emit,
    FunctionOps,
    ModuleOps,
    Op,
    ScopeFlag,
    UnaryOp,
    Verb,
    pack_call,
    pack_defaults,
)
from mpy_cross.loader.prelude import Prelude, decode_prelude
from mpy_cross.loader.varint import decode_int, decode_uint

Instruction: TypeAlias = tuple[int, int, int, int]
"""(offset in the function data, opcode, operand, further byte or 0).

Operands are resolved as far as the instruction alone allows: jumps give the offset of their target,
names the index into `MpyFile.qstrs`; objects and children give what stands in the code, see
`const_index` and `child_index`.
"""

_NONE = int(Operand.NONE)
_QSTR = int(Operand.QSTR)
_INT = int(Operand.INT)
_OBJ = int(Operand.OBJ)
_CHILD = int(Operand.CHILD)
_CHILD_BYTE = int(Operand.CHILD_BYTE)
_JUMP = int(Operand.JUMP)
_JUMP_BYTE = int(Operand.JUMP_BYTE)
_OR_POP = int(Operand.OR_POP)
_FORWARD = int(Operand.FORWARD)


@final
@dataclass(slots=True)
class FunctionInfo:
    """What stands before the instructions of a bytecode (or native) function."""

    prelude: Prelude
    name: int
    """Index into `MpyFile.qstrs`, as are the next two."""
    source_file: int
    arg_names: list[int]
    line_table: bytes
    """As stored; see `decode_lines`."""
    cells: list[int]
    """Local numbers that become cells."""
    lines: list[tuple[int, int]] = field(default_factory=list)
    """(offset counted from the first instruction, line that starts there), in order."""


def function_info(mpy: MpyFile, raw: RawCode) -> FunctionInfo | None:
    """The prelude of a code object and what follows it; None for viper and assembler code.

    Raises MpyError, with offsets into `raw.code`.
    """
    if raw.kind == CodeKind.BYTECODE:
        start = 0
    elif raw.kind == CodeKind.NATIVE:
        start = raw.prelude_offset
    else:
        return None
    code = raw.code
    try:
        prelude = decode_prelude(code, start)
    except IndexError:
        raise MpyError(start, "prelude", "does not end") from None
    if prelude.code_start > len(code):
        raise MpyError(
            start, "prelude", f"{prelude.code_start} bytes wanted, the code has {len(code)}"
        )
    pos = prelude.info_start
    end = prelude.cells_start
    version5 = mpy.release.mpy_version == 5
    try:
        if version5:
            if end - pos < 4:
                raise IndexError
            if raw.kind == CodeKind.NATIVE:
                name, source_file = raw.name, raw.source_file
            else:
                name = code[pos] | code[pos + 1] << 8
                source_file = code[pos + 2] | code[pos + 3] << 8
            pos += 4
            arg_names = raw.arg_names
        else:
            source_file = 0
            name, pos = decode_uint(code, pos)
            arg_names = []
            if prelude.n_args > end - pos:
                raise IndexError
            for _ in range(prelude.n_args):
                arg_name, pos = decode_uint(code, pos)
                arg_names.append(arg_name)
        if pos > end:
            raise IndexError
    except IndexError:
        raise MpyError(pos, "source info", "the names do not fit into it") from None
    n_qstrs = len(mpy.qstrs)
    for index in (name, source_file, *arg_names):
        if index >= n_qstrs:
            raise MpyError(prelude.info_start, "source info", f"there is no qstr {index}")
    info = FunctionInfo(
        prelude=prelude,
        name=name,
        source_file=source_file,
        arg_names=arg_names,
        line_table=code[pos:end],
        cells=list(code[end : prelude.code_start]),
    )
    info.lines = decode_lines(info.line_table, version5)
    return info


def decode_lines(table: bytes, zero_ends: bool) -> list[tuple[int, int]]:
    """(offset, line) pairs of a line table; with `zero_ends` a 0 byte ends it (version 5).

    Entries are `0LLBBBBB` or `1LLLBBBB LLLLLLLL`: skip B bytes of code, then L lines.
    """
    lines: list[tuple[int, int]] = []
    offset = 0
    line = 1
    pos = 0
    size = len(table)
    while pos < size:
        byte = table[pos]
        pos += 1
        if byte & 0x80:
            if pos >= size:
                break  # cut off; the virtual machine would read on into the code
            offset += byte & 0x0F
            skip = byte << 4 & 0x700 | table[pos]
            pos += 1
        elif byte == 0 and zero_ends:
            break
        else:
            offset += byte & 0x1F
            skip = byte >> 5
        if skip:
            line += skip
            if lines and lines[-1][0] == offset:
                lines[-1] = (offset, line)
            else:
                lines.append((offset, line))
    return lines


def instructions(mpy: MpyFile, code: bytes, start: int, last: int = -1) -> list[Instruction]:
    """The instructions of function data from offset `start` to its end.

    last: only up to the first instruction from this offset on that is not followed by the next.
    Raises MpyError at a byte that is no opcode or an instruction that is cut off.
    """
    version5 = mpy.release.mpy_version == 5
    cached = mpy.cache_lookup_bc and version5
    operands = bc.OPERANDS
    out: list[Instruction] = []
    pos = start
    end = len(code)
    try:
        while pos < end:
            here = pos
            op = code[pos]
            pos += 1
            kind = operands[op]
            if kind == _NONE:
                out.append((here, op, 0, 0))
                if 0 <= last <= here and op in ENDS:
                    break
                continue
            extra = 0
            if kind == _QSTR:
                if version5:
                    value = code[pos] | code[pos + 1] << 8
                    pos += 2
                    if cached and op in bc.CACHED:
                        extra = code[pos]
                        pos += 1
                else:
                    value, pos = decode_uint(code, pos)
            elif kind == _INT:
                value, pos = decode_int(code, pos)
            elif kind >= _JUMP:
                if version5:
                    value = code[pos] | code[pos + 1] << 8
                    pos += 2
                    if kind != _FORWARD:
                        value -= 0x8000
                else:
                    signed = kind in (_JUMP, _JUMP_BYTE)
                    value = code[pos]
                    pos += 1
                    if value & 0x80:
                        value = value & 0x7F | code[pos] << 7
                        pos += 1
                        if signed:
                            value -= 0x4000
                    elif signed:
                        value -= 0x40
                value += pos
                if kind == _JUMP_BYTE:
                    extra = code[pos]
                    pos += 1
            elif kind < 0:
                raise MpyError(here, "bytecode", f"0x{op:02x} is no opcode")
            else:
                value, pos = decode_uint(code, pos)
                if kind == _CHILD_BYTE:
                    extra = code[pos]
                    pos += 1
            out.append((here, op, value, extra))
            if 0 <= last <= here and op in ENDS:
                break
    except IndexError:
        raise MpyError(here, "bytecode", "the code ends inside an instruction") from None
    return out


def const_index(mpy: MpyFile, raw: RawCode, operand: int) -> int:
    """Operand of LOAD_CONST_OBJ as an index into the constants that `constants` gives."""
    return operand if mpy.release.mpy_version == 6 else operand - len(raw.arg_names)


def child_index(mpy: MpyFile, raw: RawCode, operand: int) -> int:
    """Operand of MAKE_FUNCTION and its like as an index into `raw.children`."""
    if mpy.release.mpy_version == 6:
        return operand
    return operand - len(raw.arg_names) - len(raw.constants)


# ------------------------------------------------------------------------------ instructions to ops


def _fixed_ops() -> tuple[Op | None, ...]:
    """For each opcode without an operand its operation."""
    table: list[Op | None] = [None] * 256
    for opcode, verb, a in (
        (bc.LOAD_CONST_FALSE, Verb.LOAD_CONST_TOK, ConstToken.FALSE),
        (bc.LOAD_CONST_NONE, Verb.LOAD_CONST_TOK, ConstToken.NONE),
        (bc.LOAD_CONST_TRUE, Verb.LOAD_CONST_TOK, ConstToken.TRUE),
        (bc.LOAD_NULL, Verb.LOAD_NULL, 0),
        (bc.LOAD_BUILD_CLASS, Verb.LOAD_BUILD_CLASS, 0),
        (bc.LOAD_SUBSCR, Verb.LOAD_SUBSCR, 0),
        (bc.STORE_SUBSCR, Verb.STORE_SUBSCR, 0),
        (bc.DUP_TOP, Verb.DUP_TOP, 0),
        (bc.DUP_TOP_TWO, Verb.DUP_TOP_TWO, 0),
        (bc.POP_TOP, Verb.POP_TOP, 0),
        (bc.ROT_TWO, Verb.ROT_TWO, 0),
        (bc.ROT_THREE, Verb.ROT_THREE, 0),
        (bc.END_FINALLY, Verb.END_FINALLY, 0),
        (bc.GET_ITER, Verb.GET_ITER, 0),
        (bc.GET_ITER_STACK, Verb.GET_ITER, 1),
        (bc.STORE_MAP, Verb.STORE_MAP, 0),
        (bc.RETURN_VALUE, Verb.RETURN_VALUE, 0),
        (bc.RAISE_LAST, Verb.RAISE, 0),
        (bc.RAISE_OBJ, Verb.RAISE, 1),
        (bc.RAISE_FROM, Verb.RAISE, 2),
        (bc.YIELD_VALUE, Verb.YIELD_VALUE, 0),
        (bc.YIELD_FROM, Verb.YIELD_FROM, 0),
        (bc.IMPORT_STAR, Verb.IMPORT_STAR, 0),
    ):
        table[opcode] = (int(verb), int(a), 0)
    for i in range(bc.SMALL_INT_MULTI_COUNT):
        op = (int(Verb.LOAD_CONST_SMALL_INT), i - bc.SMALL_INT_MULTI_EXCESS, 0)
        table[bc.LOAD_CONST_SMALL_INT_MULTI + i] = op
    for i in range(bc.UNARY_OP_COUNT):
        table[bc.UNARY_OP_MULTI + i] = (int(Verb.UNARY_OP), int(UnaryOp(i)), 0)
    for i in range(bc.BINARY_OP_COUNT):
        table[bc.BINARY_OP_MULTI + i] = (int(Verb.BINARY_OP), int(BinaryOp(i)), 0)
    return tuple(table)


_FIXED = _fixed_ops()

# Opcode -> verb whose only operand is a name, a number or a target.
_PLAIN: dict[int, int] = {
    opcode: int(verb)
    for opcode, verb in {
        bc.LOAD_CONST_STRING: Verb.LOAD_CONST_STR,
        bc.LOAD_NAME: Verb.LOAD_NAME,
        bc.LOAD_GLOBAL: Verb.LOAD_GLOBAL,
        bc.LOAD_ATTR: Verb.LOAD_ATTR,
        bc.LOAD_METHOD: Verb.LOAD_METHOD,
        bc.STORE_NAME: Verb.STORE_NAME,
        bc.STORE_GLOBAL: Verb.STORE_GLOBAL,
        bc.STORE_ATTR: Verb.STORE_ATTR,
        bc.DELETE_NAME: Verb.DELETE_NAME,
        bc.DELETE_GLOBAL: Verb.DELETE_GLOBAL,
        bc.IMPORT_NAME: Verb.IMPORT_NAME,
        bc.IMPORT_FROM: Verb.IMPORT_FROM,
        bc.LOAD_CONST_SMALL_INT: Verb.LOAD_CONST_SMALL_INT,
        bc.BUILD_TUPLE: Verb.BUILD_TUPLE,
        bc.BUILD_LIST: Verb.BUILD_LIST,
        bc.BUILD_MAP: Verb.BUILD_MAP,
        bc.BUILD_SET: Verb.BUILD_SET,
        bc.BUILD_SLICE: Verb.BUILD_SLICE,
        bc.UNPACK_SEQUENCE: Verb.UNPACK_SEQUENCE,
    }.items()
}

_LOCALS: dict[int, int] = {
    opcode: int(verb)
    for opcode, verb in {
        bc.LOAD_FAST_N: Verb.LOAD_FAST,
        bc.LOAD_DEREF: Verb.LOAD_DEREF,
        bc.STORE_FAST_N: Verb.STORE_FAST,
        bc.STORE_DEREF: Verb.STORE_DEREF,
        bc.DELETE_FAST: Verb.DELETE_FAST,
        bc.DELETE_DEREF: Verb.DELETE_DEREF,
    }.items()
}

# Opcode -> (verb, operand b): jumps.
_JUMPS: dict[int, tuple[int, int]] = {
    opcode: (int(verb), b)
    for opcode, (verb, b) in {
        bc.JUMP: (Verb.JUMP, 0),
        bc.POP_JUMP_IF_TRUE: (Verb.POP_JUMP_IF, 1),
        bc.POP_JUMP_IF_FALSE: (Verb.POP_JUMP_IF, 0),
        bc.JUMP_IF_TRUE_OR_POP: (Verb.JUMP_IF_OR_POP, 1),
        bc.JUMP_IF_FALSE_OR_POP: (Verb.JUMP_IF_OR_POP, 0),
        bc.UNWIND_JUMP: (Verb.UNWIND_JUMP, 0),
        bc.SETUP_WITH: (Verb.SETUP_WITH, 0),
        bc.SETUP_EXCEPT: (Verb.SETUP_EXCEPT, 0),
        bc.SETUP_FINALLY: (Verb.SETUP_FINALLY, 0),
        bc.POP_EXCEPT_JUMP: (Verb.POP_EXCEPT_JUMP, 0),
        bc.FOR_ITER: (Verb.FOR_ITER, 0),
    }.items()
}

_LABEL = int(Verb.LABEL)
_LINE = int(Verb.LINE)
_ELLIPSIS_OP: Op = (int(Verb.LOAD_CONST_TOK), int(ConstToken.ELLIPSIS), 0)
_ANY_STAR = 3

# Opcodes that are never followed by the next instruction.
ENDS = frozenset(
    (
        bc.RETURN_VALUE,
        bc.RAISE_LAST,
        bc.RAISE_OBJ,
        bc.RAISE_FROM,
        bc.JUMP,
        bc.UNWIND_JUMP,
        bc.POP_EXCEPT_JUMP,
    )
)


@final
@dataclass(slots=True, eq=False)
class Decoded:
    """A whole file: its operations, and for each function (same order) prelude and code object.

    The prelude of viper and assembler functions is None; they and native ones have no operations.
    """

    module: ModuleOps
    preludes: list[Prelude | None]
    codes: list[RawCode]


def decode(mpy: MpyFile) -> Decoded:
    """The operations of every function of the file.

    `ModuleOps.names` is `mpy.qstrs`.  Every index and jump target is checked: raises MpyError,
    with the offset in the data of that function.
    """
    module = ModuleOps(source_file=0, names=mpy.qstrs)
    out = Decoded(module, [], [])
    if mpy.release.mpy_version == 6:
        module.consts = mpy.objects
    todo: list[tuple[RawCode, FunctionOps | None]] = [(mpy.root, None)]
    while todo:
        raw, parent = todo.pop()
        info = function_info(mpy, raw)
        if not module.functions and info is not None:
            module.source_file = info.source_file
        function = FunctionOps(name=-1 if info is None else info.name, emit=Emit(int(raw.kind)))
        if parent is not None:
            parent.children.append(function)
        module.functions.append(function)
        out.preludes.append(None if info is None else info.prelude)
        out.codes.append(raw)
        if info is not None:
            _fill(function, info)
        todo.extend((child, function) for child in reversed(raw.children))
    # Functions are complete only now: the operands of MAKE_FUNCTION look at the child.
    for function, raw in zip(module.functions, out.codes, strict=True):
        if raw.kind != CodeKind.BYTECODE:
            continue
        info = function_info(mpy, raw)
        if info is not None:
            first_const = 0
            if mpy.release.mpy_version == 5:
                first_const = len(module.consts)
                module.consts.extend(raw.constants)
            _Decoder(mpy, raw, info, function, module, first_const).run()
    return out


def _fill(function: FunctionOps, info: FunctionInfo) -> None:
    prelude = info.prelude
    function.flags = prelude.flags
    function.n_pos_args = prelude.n_pos_args
    function.n_kwonly_args = prelude.n_kwonly_args
    function.n_def_pos_args = prelude.n_def_pos_args
    function.exc_stack_size = prelude.n_exc_stack
    function.arg_names = info.arg_names
    function.cells = info.cells


@final
class _Decoder:
    """Turns the instructions of one function into operations."""

    __slots__ = ("_first_const", "_function", "_info", "_labels", "_module", "_mpy", "_raw")

    def __init__(
        self,
        mpy: MpyFile,
        raw: RawCode,
        info: FunctionInfo,
        function: FunctionOps,
        module: ModuleOps,
        first_const: int,
    ) -> None:
        self._mpy = mpy
        self._raw = raw
        self._info = info
        self._function = function
        self._module = module
        self._first_const = first_const
        self._labels: dict[int, int] = {}
        """Number of the label at each offset."""

    def run(self) -> None:
        start = self._info.prelude.code_start
        steps = instructions(self._mpy, self._raw.code, start)
        self._number_labels(steps)
        labels = self._labels
        lines = iter([(start + offset, line) for offset, line in self._info.lines])
        line_at, line = next(lines, (-1, 0))
        ops = self._function.ops
        for index, step in enumerate(steps):
            offset = step[0]
            if offset in labels and step[1] != bc.WITH_CLEANUP:
                ops.append((_LABEL, labels[offset], 0))
            while 0 <= line_at <= offset:
                ops.append((_LINE, line, 0))
                line_at, line = next(lines, (-1, 0))
            if step[1] == bc.WITH_CLEANUP:
                self._drop_none(steps, index)
                label = labels.get(offset)
                if label is None:
                    label = labels[offset] = self._new_label()
                ops.append((int(Verb.WITH_CLEANUP), label, 0))
            else:
                ops.append(self._operation(step))
        end = len(self._raw.code)
        if end in labels:
            ops.append((_LABEL, labels[end], 0))

    def _drop_none(self, steps: list[Instruction], index: int) -> None:
        """Take back the LOAD_CONST_NONE that is part of the verb WITH_CLEANUP.

        From 1.19 on the compiler leaves it out where nothing falls through to it.
        """
        before = steps[index - 1][1] if index else -1
        if before == bc.LOAD_CONST_NONE:
            ops = self._function.ops
            last = len(ops) - 1
            while ops[last][0] in (_LINE, _LABEL):
                last -= 1
            del ops[last]
        elif before not in ENDS:
            raise MpyError(steps[index][0], "bytecode", "WITH_CLEANUP without a LOAD_CONST_NONE")

    def _new_label(self) -> int:
        label = self._function.n_labels
        self._function.n_labels = label + 1
        return label

    def _number_labels(self, steps: list[Instruction]) -> None:
        targets = sorted({step[2] for step in steps if step[1] in _JUMPS})
        starts = {step[0] for step in steps}
        starts.add(len(self._raw.code))
        for target in targets:
            if target not in starts:
                source = next(s[0] for s in steps if s[1] in _JUMPS and s[2] == target)
                raise MpyError(
                    source, "bytecode", f"jumps to {target}, where no instruction starts"
                )
            self._labels[target] = self._new_label()

    def _local(self, step: Instruction, verb: int, number: int) -> Op:
        if number >= self._info.prelude.n_state:
            raise MpyError(step[0], "bytecode", f"there is no local {number}")
        names = self._info.arg_names
        return (verb, number, names[number] if number < len(names) else -1)

    def _operation(self, step: Instruction) -> Op:
        offset, opcode, operand, extra = step
        fixed = _FIXED[opcode]
        if fixed is not None:
            return fixed
        if bc.LOAD_FAST_MULTI <= opcode < bc.LOAD_FAST_MULTI + bc.FAST_MULTI_COUNT:
            return self._local(step, int(Verb.LOAD_FAST), opcode - bc.LOAD_FAST_MULTI)
        if bc.STORE_FAST_MULTI <= opcode < bc.STORE_FAST_MULTI + bc.FAST_MULTI_COUNT:
            return self._local(step, int(Verb.STORE_FAST), opcode - bc.STORE_FAST_MULTI)
        if bc.OPERANDS[opcode] == _QSTR and operand >= len(self._module.names):
            raise MpyError(offset, "bytecode", f"there is no qstr {operand}")
        verb = _PLAIN.get(opcode)
        if verb is not None:
            return (verb, operand, 0)
        verb = _LOCALS.get(opcode)
        if verb is not None:
            return self._local(step, verb, operand)
        jump = _JUMPS.get(opcode)
        if jump is not None:
            b = jump[1]
            if opcode == bc.UNWIND_JUMP:
                b = (extra & 0x7F) << 1 | extra >> 7
            return (jump[0], self._labels[operand], b)
        if opcode == bc.LOAD_SUPER_METHOD:
            return (int(Verb.LOAD_METHOD), operand, 1)
        if opcode == bc.LOAD_CONST_OBJ:
            return self._constant(step)
        if opcode in _MAKERS:
            return self._make(step)
        if opcode == bc.STORE_COMP:
            kind = operand & 3
            return (int(Verb.STORE_COMP), kind, (operand >> 2) - (1 if kind == 1 else 0))
        if opcode == bc.UNPACK_EX:
            return (int(Verb.UNPACK_EX), operand & 0xFF, operand >> 8)
        function = opcode in (bc.CALL_FUNCTION, bc.CALL_FUNCTION_VAR_KW)
        star = opcode in (bc.CALL_FUNCTION_VAR_KW, bc.CALL_METHOD_VAR_KW)
        call = pack_call(operand >> 8 & 0xFF, _ANY_STAR if star else 0)
        return (int(Verb.CALL_FUNCTION if function else Verb.CALL_METHOD), operand & 0xFF, call)

    def _constant(self, step: Instruction) -> Op:
        index = const_index(self._mpy, self._raw, step[2])
        version5 = self._mpy.release.mpy_version == 5
        count = len(self._raw.constants) if version5 else len(self._mpy.objects)
        if not 0 <= index < count:
            raise MpyError(step[0], "bytecode", f"there is no constant {index}")
        index += self._first_const
        if self._module.consts[index] is ...:
            return _ELLIPSIS_OP
        return (int(Verb.LOAD_CONST_OBJ), index, 0)

    def _make(self, step: Instruction) -> Op:
        offset, opcode, operand, extra = step
        index = child_index(self._mpy, self._raw, operand)
        if not 0 <= index < len(self._function.children):
            raise MpyError(offset, "bytecode", f"there is no code object {index}")
        child = self._function.children[index]
        n_positional = n_keyword = 0
        if opcode in (bc.MAKE_FUNCTION_DEFARGS, bc.MAKE_CLOSURE_DEFARGS):
            n_positional = child.n_def_pos_args
            n_keyword = 1 if child.flags & ScopeFlag.DEFKWARGS else 0
            if not n_positional and not n_keyword:
                n_positional = 1  # machine code does not say; the two stack slots are there
        closure = opcode in (bc.MAKE_CLOSURE, bc.MAKE_CLOSURE_DEFARGS)
        defaults = pack_defaults(extra, n_positional, n_keyword)
        return (int(Verb.MAKE_CLOSURE if closure else Verb.MAKE_FUNCTION), index, defaults)


_MAKERS = frozenset(
    (bc.MAKE_FUNCTION, bc.MAKE_FUNCTION_DEFARGS, bc.MAKE_CLOSURE, bc.MAKE_CLOSURE_DEFARGS)
)
