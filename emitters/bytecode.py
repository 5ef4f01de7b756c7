"""The bytecode emitter: stack operations to code objects, for both .mpy versions.

One pass over a function's operations gives a `Body`: the instructions with every jump in its
longest form, and where labels, jumps and lines are.  Version 5 jumps have a fixed size, so only the
distances remain to be filled in.  Version 6 jumps take two or three bytes, the choice of one can
bring others into reach, and the line table depends on the outcome: jumps are shortened until
nothing changes.  Once short a jump stays short, so this ends where the reference's repeated passes
end.
"""

from __future__ import annotations

from typing import final

from mpy_cross.emitters.encoding import ITER_SLOTS, Encoder
from mpy_cross.loader import opcodes as bc
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, RawCode
from mpy_cross.loader.objects import ConstKey, ConstValue, strict_key
from mpy_cross.loader.ops import (
    BinaryOp,
    ConstToken,
    FunctionOps,
    ModuleOps,
    Verb,
    unpack_defaults,
)
from mpy_cross.loader.prelude import encode_signature, encode_sizes
from mpy_cross.loader.release import Release
from mpy_cross.loader.varint import encode_uint

ADJUST = int(Verb.ADJUST)
ASYNC_WITH_SETUP_FINALLY = int(Verb.ASYNC_WITH_SETUP_FINALLY)
END_EXCEPT_HANDLER = int(Verb.END_EXCEPT_HANDLER)
FOR_ITER_END = int(Verb.FOR_ITER_END)
JUMP = int(Verb.JUMP)
JUMP_IF_OR_POP = int(Verb.JUMP_IF_OR_POP)
LABEL = int(Verb.LABEL)
LINE = int(Verb.LINE)
LOAD_CONST_OBJ = int(Verb.LOAD_CONST_OBJ)
LOAD_CONST_TOK = int(Verb.LOAD_CONST_TOK)
LOAD_GLOBAL = int(Verb.LOAD_GLOBAL)
MAKE_CLOSURE = int(Verb.MAKE_CLOSURE)
MAKE_FUNCTION = int(Verb.MAKE_FUNCTION)
POP_EXCEPT_JUMP = int(Verb.POP_EXCEPT_JUMP)
POP_JUMP_IF = int(Verb.POP_JUMP_IF)
RAISE = int(Verb.RAISE)
RETURN_VALUE = int(Verb.RETURN_VALUE)
START_EXCEPT_HANDLER = int(Verb.START_EXCEPT_HANDLER)
UNWIND_JUMP = int(Verb.UNWIND_JUMP)
WITH_CLEANUP = int(Verb.WITH_CLEANUP)
ELLIPSIS = int(ConstToken.ELLIPSIS)

# Verb -> (opcode, stack change): jumps whose only operand is a label.
JUMPS: dict[int, tuple[int, int]] = {
    Verb.JUMP: (bc.JUMP, 0),
    Verb.SETUP_WITH: (bc.SETUP_WITH, 2),
    Verb.SETUP_EXCEPT: (bc.SETUP_EXCEPT, 0),
    Verb.SETUP_FINALLY: (bc.SETUP_FINALLY, 0),
    Verb.FOR_ITER: (bc.FOR_ITER, 1),
    Verb.POP_EXCEPT_JUMP: (bc.POP_EXCEPT_JUMP, 0),
}

# Verbs whose bytes depend on where they stand, or that give none.
POSITIONAL = {
    int(verb)
    for verb in (
        Verb.LABEL,
        Verb.LINE,
        Verb.ADJUST,
        Verb.LOAD_CONST_OBJ,
        Verb.POP_JUMP_IF,
        Verb.JUMP_IF_OR_POP,
        Verb.UNWIND_JUMP,
        Verb.WITH_CLEANUP,
        Verb.ASYNC_WITH_SETUP_FINALLY,
        Verb.FOR_ITER_END,
        Verb.MAKE_FUNCTION,
        Verb.MAKE_CLOSURE,
        Verb.START_EXCEPT_HANDLER,
        Verb.END_EXCEPT_HANDLER,
        *JUMPS,
    )
}

# Verbs after which nothing runs until the next label.
ENDS = {JUMP, UNWIND_JUMP, POP_EXCEPT_JUMP, RETURN_VALUE, RAISE}

# Verbs whose name (operand a) is known before identifiers are resolved.
EARLY_NAMES = {
    int(verb)
    for verb in (
        Verb.LOAD_CONST_STR,
        Verb.LOAD_METHOD,
        Verb.LOAD_ATTR,
        Verb.STORE_ATTR,
        Verb.DELETE_ATTR,
        Verb.IMPORT_NAME,
        Verb.IMPORT_FROM,
    )
}
IDENTIFIERS = {
    int(verb)
    for verb in (
        Verb.LOAD_NAME,
        Verb.LOAD_GLOBAL,
        Verb.STORE_NAME,
        Verb.STORE_GLOBAL,
        Verb.DELETE_NAME,
        Verb.DELETE_GLOBAL,
    )
}

LONG_JUMP = 3
# Signed jump distances are stored in excess, one or two bytes long (version 6) or two (version 5).
SHORT_EXCESS = 0x40
LONG_EXCESS = 0x4000
V5_EXCESS = 0x8000


def emit_bytecode(
    module: ModuleOps,
    release: Release,
    *,
    small_int_bits: int,
    unicode: bool,
    cache_lookup_bc: bool,
    lines: bool,
) -> MpyFile:
    """A whole file as bytecode; `lines` keeps the line-number tables.

    Raises MpyError if the program does not fit the format.
    """
    if release.mpy_version == 5:
        return _emit_v5(module, release, small_int_bits, unicode, cache_lookup_bc, lines)
    return _emit_v6(module, release, small_int_bits, unicode, lines)


# ------------------------------------------------------------------------------------- one function


@final
class Body:
    """The instructions of one function with all jumps in the longest form."""

    __slots__ = (
        "code",
        "consts",
        "depth",
        "first_child",
        "first_const",
        "jumps",
        "labels",
        "lines",
        "made",
        "max_depth",
    )

    def __init__(self, n_labels: int, first_child: int, first_const: int) -> None:
        self.first_child = first_child
        self.first_const = first_const
        """Number of the first constant, or -1 if constants have numbers of the whole file."""
        self.code = bytearray()
        self.labels = [0] * n_labels
        self.jumps: list[tuple[int, int, int]] = []
        """(position, opcode, label) in order of position."""
        self.lines: list[tuple[int, int]] = []
        """(position, line) in order."""
        self.consts: list[int] = []
        """Constants in order of use (version 5)."""
        self.made: list[int] = []
        """Children in order of creation."""
        self.depth = 0
        self.max_depth = 0

    def adjust(self, change: int) -> None:
        """Change the stack size."""
        self.depth += change
        if self.depth > self.max_depth:
            self.max_depth = self.depth

    def jump(self, opcode: int, label: int, dead: bool) -> None:
        """A jump with room for the longest distance."""
        if not dead:
            self.jumps.append((len(self.code), opcode, label))
            self.code += bytes((opcode, 0, 0))


def _record(
    function: FunctionOps,
    encoder: Encoder,
    const_operands: list[bytes],
    ellipsis_operand: bytes,
    first_const: int,
    suppress_dead_code: bool,
    first_child: int,
    per_function: bool,
) -> Body:
    """Encode the operations of one function.

    `const_operands[i]` stands for constant i; with `per_function` constants are numbered per
    function from `first_const` instead (version 5).  Children are numbered from `first_child`.
    """
    body = Body(function.n_labels, first_child, first_const if per_function else -1)
    code = body.code
    cache = encoder.cache
    dead = False
    depth = 0
    max_depth = 0
    for op in function.ops:
        encoded = cache.get(op)
        verb = op[0]
        if encoded is None and verb not in POSITIONAL and not (
            verb == LOAD_CONST_TOK and op[1] == ELLIPSIS
        ):
            encoded = encoder.encode(op)
        if encoded is not None:
            if not dead:
                code += encoded[0]
            if depth + encoded[2] > max_depth:
                max_depth = depth + encoded[2]
            depth += encoded[1]
            if suppress_dead_code and verb in ENDS:
                dead = True
            continue
        body.depth = depth
        body.max_depth = max_depth
        if verb == LABEL:
            dead = False
            body.labels[op[1]] = len(code)
        elif verb == LINE:
            body.lines.append((len(code), op[1]))
        else:
            dead = _record_positional(
                body, op, dead, const_operands, ellipsis_operand, encoder
            ) or (suppress_dead_code and verb in ENDS)
            depth = body.depth
            max_depth = body.max_depth
    body.max_depth = max_depth
    return body


def _record_positional(
    body: Body,
    op: tuple[int, int, int],
    dead: bool,
    const_operands: list[bytes],
    ellipsis_operand: bytes,
    encoder: Encoder,
) -> bool:
    """Operations that depend on their position; whether the code is dead afterwards."""
    verb, a, b = op
    code = body.code
    if verb in JUMPS:
        opcode, change = JUMPS[verb]
        body.adjust(change)
        body.jump(opcode, a, dead)
    elif verb == POP_JUMP_IF:
        body.adjust(-1)
        body.jump(bc.POP_JUMP_IF_TRUE if b else bc.POP_JUMP_IF_FALSE, a, dead)
    elif verb == JUMP_IF_OR_POP:
        body.adjust(-1)
        body.jump(bc.JUMP_IF_TRUE_OR_POP if b else bc.JUMP_IF_FALSE_OR_POP, a, dead)
    elif verb == ADJUST:
        body.adjust(a)
    elif verb in (LOAD_CONST_OBJ, LOAD_CONST_TOK):
        if body.first_const >= 0:
            operand = encode_uint(body.first_const + len(body.consts))
            body.consts.append(-1 if verb == LOAD_CONST_TOK else a)
        elif verb == LOAD_CONST_TOK:
            operand = ellipsis_operand
        else:
            operand = const_operands[a]
        body.adjust(1)
        if not dead:
            code.append(bc.LOAD_CONST_OBJ)
            code += operand
    elif verb == FOR_ITER_END:
        body.adjust(-ITER_SLOTS)
    elif verb == UNWIND_JUMP:
        _record_unwind(body, a, b, dead)
    elif verb in (MAKE_FUNCTION, MAKE_CLOSURE):
        _record_make(body, verb, a, b, dead)
    elif verb == WITH_CLEANUP:
        body.adjust(1)
        if not dead:
            code.append(bc.LOAD_CONST_NONE)
        body.labels[a] = len(code)
        body.adjust(2)  # room to call __exit__
        code.append(bc.WITH_CLEANUP)
        body.adjust(-4)
        return False
    elif verb == START_EXCEPT_HANDLER:
        body.adjust(4)  # the exception, and three slots for a pending jump
    elif verb == END_EXCEPT_HANDLER:
        body.adjust(-3)
    elif verb == ASYNC_WITH_SETUP_FINALLY:
        _record_async_with(body, a, b, dead, encoder)
        return False
    return dead


def _record_unwind(body: Body, label: int, b: int, dead: bool) -> None:
    """Leave `b >> 1` blocks and jump; bit 0: a for loop is left, drop its iterator."""
    depth, from_for = b >> 1, b & 1
    if depth == 0:
        if from_for and not dead:
            body.code += bytes((bc.POP_TOP,)) * ITER_SLOTS
        body.jump(bc.JUMP, label, dead)
    else:
        body.jump(bc.UNWIND_JUMP, label, dead)
        if not dead:
            body.code.append((0x80 if from_for else 0) | depth & 0xFF)


def _record_make(body: Body, verb: int, a: int, b: int, dead: bool) -> None:
    n_closed, n_positional, n_keyword = unpack_defaults(b)
    defaults = n_positional or n_keyword
    opcode = bc.MAKE_FUNCTION if verb == MAKE_FUNCTION else bc.MAKE_CLOSURE
    body.adjust((-1 if defaults else 1) - n_closed)
    if not dead:
        body.code.append(opcode + 1 if defaults else opcode)
        body.code += encode_uint(body.first_child + len(body.made))
        if verb == MAKE_CLOSURE:
            body.code.append(n_closed & 0xFF)
    body.made.append(a)


def _record_async_with(body: Body, label: int, name: int, dead: bool, encoder: Encoder) -> None:
    """The end of an `async with` body, and the start of its finally block."""
    finally_block, exit_plain, exit_unwind = label, label + 1, label + 2
    body.adjust(1)
    if not dead:
        body.code += bytes((bc.LOAD_CONST_NONE, bc.ROT_TWO))
    body.jump(bc.JUMP, exit_plain, dead)
    body.labels[finally_block] = len(body.code)
    body.adjust(1)
    body.code.append(bc.DUP_TOP)
    load, change, _ = encoder.encode((LOAD_GLOBAL, name, 1))
    body.adjust(change)
    body.code += load
    body.adjust(-1)
    body.code.append(bc.BINARY_OP_MULTI + BinaryOp.EXCEPTION_MATCH)
    body.adjust(-1)
    body.jump(bc.POP_JUMP_IF_FALSE, exit_unwind, False)


def _signature(function: FunctionOps, body: Body) -> bytes:
    n_state = max(1, function.n_locals + body.max_depth)
    return encode_signature(
        n_state,
        function.exc_stack_size,
        function.flags,
        function.n_pos_args,
        function.n_kwonly_args,
        function.n_def_pos_args,
    )


def line_table(lines: list[tuple[int, int]]) -> bytes:
    """The line-number table for (position, line) pairs in order (py/bc.h).

    Each entry skips bytes of code and lines: `0LLBBBBB`, or `1LLLBBBB LLLLLLLL` for many lines.
    """
    out = bytearray()
    last_position = 0
    last_line = 1
    for position, line in lines:
        n_bytes = position - last_position
        n_lines = line - last_line
        last_position = position
        last_line = line
        while n_bytes or n_lines:
            if n_lines <= 6 or n_bytes > 0xF:
                skip = min(n_bytes, 0x1F)
                # lines can be skipped only once all bytes are
                step = 0 if skip < n_bytes else min(n_lines, 3)
                out.append(skip | step << 5)
            else:
                skip = min(n_bytes, 0xF)
                step = min(n_lines, 0x7FF)
                out.append(0x80 | skip | step >> 4 & 0x70)
                out.append(step & 0xFF)
            n_bytes -= skip
            n_lines -= step
    return bytes(out)


# ---------------------------------------------------------------------------------------- version 5


def _emit_v5(
    module: ModuleOps,
    release: Release,
    small_int_bits: int,
    unicode: bool,
    cache_lookup_bc: bool,
    lines: bool,
) -> MpyFile:
    if len(module.names) > 0xFFFF:
        raise MpyError(0, "qstr count", f"{len(module.names)} names, at most 65535 fit")
    operands = [index.to_bytes(2, "little") for index in range(len(module.names))]
    encoder = Encoder(operands, cache_lookup_bc, release.star_args_bitmap)
    raw_codes: dict[int, RawCode] = {}
    for function in reversed(module.functions):  # children first
        raw_codes[id(function)] = _function_v5(module, function, encoder, lines, raw_codes)
    return MpyFile(
        release=release,
        qstrs=module.names,
        objects=[],
        root=raw_codes[id(module.functions[0])],
        small_int_bits=small_int_bits,
        unicode=unicode,
        cache_lookup_bc=cache_lookup_bc,
    )


def _function_v5(
    module: ModuleOps,
    function: FunctionOps,
    encoder: Encoder,
    lines: bool,
    raw_codes: dict[int, RawCode],
) -> RawCode:
    n_args = function.n_pos_args + function.n_kwonly_args
    n_consts = 0
    for verb, a, _ in function.ops:
        if verb == LOAD_CONST_OBJ or (verb == LOAD_CONST_TOK and a == ELLIPSIS):
            n_consts += 1
    body = _record_v5(function, encoder, n_args, n_consts)
    code = body.code
    for position, opcode, label in body.jumps:
        distance = body.labels[label] - position - LONG_JUMP
        if opcode <= bc.JUMP_IF_FALSE_OR_POP:
            distance += V5_EXCESS
        code[position + 1] = distance & 0xFF
        code[position + 2] = distance >> 8 & 0xFF
    info = encoder.names[function.name] + encoder.names[module.source_file]
    if lines:
        info += line_table(body.lines)
    info += b"\0"
    cells = bytes(cell & 0xFF for cell in function.cells)
    prelude = _signature(function, body) + encode_sizes(len(info), len(cells))
    constants: list[ConstValue] = [
        Ellipsis if index < 0 else module.consts[index] for index in body.consts
    ]
    return RawCode(
        kind=CodeKind.BYTECODE,
        code=prelude + info + cells + bytes(code),
        arg_names=function.arg_names,
        constants=constants,
        children=[raw_codes[id(function.children[child])] for child in body.made],
    )


def _record_v5(function: FunctionOps, encoder: Encoder, n_args: int, n_consts: int) -> Body:
    """Constants are numbered after the arguments, children after the constants."""
    return _record(function, encoder, [], b"", n_args, False, n_args + n_consts, True)


# ---------------------------------------------------------------------------------------- version 6


def _emit_v6(
    module: ModuleOps, release: Release, small_int_bits: int, unicode: bool, lines: bool
) -> MpyFile:
    tables = Tables(module)
    operands = [b"" if index < 0 else encode_uint(index) for index in tables.name_index]
    const_operands = [encode_uint(index) for index in tables.const_index]
    ellipsis_operand = encode_uint(max(tables.ellipsis, 0))
    encoder = Encoder(operands, False, release.star_args_bitmap)
    raw_codes: dict[int, RawCode] = {}
    for function in reversed(module.functions):
        body = _record(
            function,
            encoder,
            const_operands,
            ellipsis_operand,
            0,
            release.suppress_dead_code,
            0,
            False,
        )
        raw_codes[id(function)] = _function_v6(function, body, encoder, lines, raw_codes)
    return MpyFile(
        release=release,
        qstrs=[module.names[index] for index in tables.names],
        objects=tables.objects,
        root=raw_codes[id(module.functions[0])],
        small_int_bits=small_int_bits,
        unicode=unicode,
    )


@final
class Tables:
    """The qstr and object tables of a version 6 file, numbered by first use.

    The reference's first walk over all scopes already interns everything but identifiers and
    argument names; those come in the later walks, function by function.
    """

    __slots__ = ("const_index", "ellipsis", "keys", "name_index", "names", "objects")

    def __init__(self, module: ModuleOps) -> None:
        self.names: list[int] = []
        self.name_index = [-1] * len(module.names)
        self.objects: list[ConstValue] = []
        self.const_index = [0] * len(module.consts)
        self.keys: dict[ConstKey, int] = {}
        self.ellipsis = -1
        self._use_name(module.source_file)
        for function in module.functions:
            self._use_name(function.name)
            self._use_early(function, module.consts)
        for function in module.functions:
            for name in function.arg_names:
                self._use_name(name)
            for verb, a, _ in function.ops:
                if verb in IDENTIFIERS:
                    self._use_name(a)

    def _use_name(self, name: int) -> None:
        if self.name_index[name] < 0:
            self.name_index[name] = len(self.names)
            self.names.append(name)

    def _use_const(self, value: ConstValue) -> int:
        key = strict_key(value)
        index = self.keys.get(key)
        if index is None:
            index = self.keys[key] = len(self.objects)
            self.objects.append(value)
        return index

    def _use_early(self, function: FunctionOps, consts: list[ConstValue]) -> None:
        for verb, a, b in function.ops:
            if verb in EARLY_NAMES:
                self._use_name(a)
            elif verb == LOAD_CONST_OBJ:
                self.const_index[a] = self._use_const(consts[a])
            elif verb == LOAD_GLOBAL:
                if b:
                    self._use_name(a)
            elif verb == ASYNC_WITH_SETUP_FINALLY:
                self._use_name(b)
            elif verb == LOAD_CONST_TOK and a == ELLIPSIS:
                self.ellipsis = self._use_const(Ellipsis)


def _function_v6(
    function: FunctionOps,
    body: Body,
    encoder: Encoder,
    lines: bool,
    raw_codes: dict[int, RawCode],
) -> RawCode:
    code, marks = _shorten_jumps(body)
    info = encoder.names[function.name]
    for name in function.arg_names:
        info += encoder.names[name]
    if lines:
        info += line_table(marks)
    cells = bytes(cell & 0xFF for cell in function.cells)
    prelude = _signature(function, body) + encode_sizes(len(info), len(cells))
    return RawCode(
        kind=CodeKind.BYTECODE,
        code=prelude + info + cells + code,
        children=[raw_codes[id(function.children[child])] for child in body.made],
    )


def _shorten_jumps(body: Body) -> tuple[bytes, list[tuple[int, int]]]:
    """The final code and line marks, every jump as short as it can be."""
    jumps = body.jumps
    if not jumps:
        return bytes(body.code), body.lines
    n = len(jumps)
    positions = [jump[0] for jump in jumps]
    before = _jumps_before(positions, body.labels)
    short = bytearray(n)
    saved = [0] * (n + 1)  # bytes saved by the jumps before jump i
    changed = True
    while changed:
        changed = False
        total = 0
        for i in range(n):
            saved[i] = total
            total += short[i]
        saved[n] = total
        for i in range(n):
            if short[i]:
                continue
            position, opcode, label = jumps[i]
            target = body.labels[label] - saved[before[label]]
            distance = target - (position - saved[i]) - 2
            if opcode <= bc.POP_JUMP_IF_FALSE:
                fits = -SHORT_EXCESS <= distance < SHORT_EXCESS
            else:
                fits = 0 <= distance <= 0x7F
            if fits:
                short[i] = 1
                changed = True
    return _assemble_v6(body, before, short, saved)


def _jumps_before(positions: list[int], labels: list[int]) -> list[int]:
    """For each label, how many jumps start before it."""
    order = sorted(range(len(labels)), key=labels.__getitem__)
    counts = [0] * len(labels)
    i = 0
    for label in order:
        place = labels[label]
        while i < len(positions) and positions[i] < place:
            i += 1
        counts[label] = i
    return counts


def _assemble_v6(
    body: Body, before: list[int], short: bytearray, saved: list[int]
) -> tuple[bytes, list[tuple[int, int]]]:
    code = body.code
    out = bytearray()
    start = 0
    for i, (position, opcode, label) in enumerate(body.jumps):
        out += code[start : position + 1]
        target = body.labels[label] - saved[before[label]]
        distance = target - (position - saved[i]) - 2
        signed = opcode <= bc.POP_JUMP_IF_FALSE
        if short[i]:
            out.append(distance + SHORT_EXCESS if signed else distance)
        else:
            distance -= 1
            if signed:
                distance += LONG_EXCESS
            if not 0 <= distance <= 0x7FFF:
                raise OverflowError("bytecode overflow")
            out.append(0x80 | distance & 0x7F)
            out.append(distance >> 7)
        start = position + LONG_JUMP
    out += code[start:]
    marks: list[tuple[int, int]] = []
    i = 0
    n = len(body.jumps)
    for position, line in body.lines:
        while i < n and body.jumps[i][0] < position:
            i += 1
        marks.append((position - saved[i], line))
    return bytes(out), marks
