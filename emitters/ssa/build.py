"""From the operations of a viper function to its SSA form.

The operations are read in order, with the Python stack held as a list of entries.  The rules for
types are those of the baseline (`emitters.native.viper`), which has accepted the function before;
where it accepts what has no meaning, the function stays with it: `Unsupported`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, final

from mpy_cross.emitters.native.state import EXC_VALUE, Linker
from mpy_cross.emitters.native.values import (
    BOOL,
    INT,
    PTR_NONE,
    PYOBJ,
    UNBOUND,
)
from mpy_cross.emitters.ssa import bounds, inline, ir
from mpy_cross.emitters.ssa.handlers import (
    Handler,
    memory_locals,
)
from mpy_cross.emitters.ssa.ir import OBJ, TYPES, Block, Function, Value
from mpy_cross.emitters.ssa.settings import Unsupported as Unsupported
from mpy_cross.emitters.ssa.variables import Variables
from mpy_cross.loader.fun_table import (
    CONTEXT_GLOBALS,
    CONTEXT_OBJ_TABLE,
    CONTEXT_QSTR_TABLE,
    FUN_BC_CONST_TABLE,
    FUN_BC_CONTEXT,
    FUN_BC_GLOBALS,
    Fun,
)
from mpy_cross.loader.objects import ConstValue, FunTable, Str
from mpy_cross.loader.ops import FunctionOps, Op, Verb
from mpy_cross.loader.release import Release

WORD_SIZE: Final = 4
MAX_OPS: Final = 10_000
MAX_LOCALS: Final = 200

# Where the value of an entry of the stack is.
HELD: Final = 0  # `value`
LAZY: Final = 1  # whatever the blocks before leave at this place
IN_FRAME: Final = 2  # the word of the frame that belongs to this place
CAST: Final = 3  # nowhere: the entry is the name of type `data`
CONSTANT: Final = 4  # nowhere yet: constant `data` of the module
INLINED: Final = 5  # nowhere: the function with the name `data`, which is inlined
BOXED: Final = 6  # nowhere yet: the object for the machine word `value` of type `data`


@final
class Entry(NamedTuple):
    """An entry of the Python stack: its type as of `emitters.native.values`, and its place."""

    vtype: int
    kind: int
    value: Value | None = None
    data: int = 0


@final
class Target(NamedTuple):
    """What the SSA form depends on besides the function."""

    release: Release
    linker: Linker
    nlr_buf_words: int
    extended: bool = False
    """What viper of the release refuses is taken as well."""
    defaults: tuple[Op, ...] = ()
    """Loads of the default values of the last arguments."""
    checks: bool = False
    """Subscripts of pointers are checked."""
    inlined: Mapping[int, inline.Inlined] = MappingProxyType({})
    """Functions of the module that are put in the place of their calls, or called directly, by
    name."""


class Builder:
    """The state of building one function."""

    __slots__ = (
        "block",
        "buffer_word",
        "cell_types",
        "const_table",
        "context",
        "exit",
        "exit_args",
        "failing",
        "first_buffer",
        "frame_base",
        "fun_obj",
        "fun_table",
        "function",
        "handler",
        "handlers",
        "inlined_depth",
        "inlined_end",
        "inlining",
        "labels",
        "limits",
        "linker",
        "local_types",
        "made",
        "memory",
        "module_consts",
        "n_handlers",
        "n_inlined",
        "next_label",
        "object_table",
        "old_globals",
        "ops",
        "parts",
        "qstr_table",
        "release",
        "return_type",
        "saved_vtype",
        "sources",
        "ssa",
        "stack",
        "table_place",
        "target",
        "variables",
        "verbs",
    )

    def __init__(
        self, function: FunctionOps, ops: list[Op], target: Target, verbs: Mapping[int, Verbs]
    ) -> None:
        """`verbs`: what each operation does."""
        self.function = function
        self.verbs = verbs
        self.ops = ops
        self.target = target
        self.release = target.release
        self.linker = target.linker
        self.ssa = Function(target.linker.name_text(function.name).decode("utf-8", "replace"))
        self.variables = Variables(self.ssa)
        self.stack: list[Entry] = []
        self.sources: dict[int, list[tuple[Block, list[int]]]] = {}
        """Label -> blocks that jump there, with the types of their stacks."""
        self.labels: dict[int, Block] = {}
        self.return_type = function.viper_return
        self.saved_vtype = PYOBJ
        self.made: list[int] = []
        """Version 5: constant objects of the function, in the order of its constant table."""
        self.module_consts: list[ConstValue] = []
        self.context: Value | None = None
        self.const_table: Value | None = None
        self.object_table: Value | None = None
        self.qstr_table: Value | None = None
        self.old_globals: Value | None = None
        self.handler = False
        self.handlers: list[Handler] = []
        """Blocks with handlers around the current operation."""
        self.n_handlers = 0
        self.first_buffer = 0
        self.memory: dict[int, int] = {}
        """Locals that live in the frame, and where."""
        self.frame_base = 0
        self.limits: dict[Value, Value] | None = None
        """Where subscripts are checked: pointer -> the bytes of its buffer."""
        self.buffer_word = 0
        """Of the frame: where the run-time tells what buffer an object has."""
        self.failing: Block | None = None
        self.cell_types: dict[int, int] = {}
        """Local variables that inner functions share: the type of what is in the cell."""
        self.inlining: list[int] = []
        """Names of the functions that the current operation is in, if they are inlined."""
        self.inlined_end = 0
        """Label behind the innermost of them."""
        self.inlined_depth = 0
        """Entries of the stack that are not its own."""
        self.n_inlined = 0
        self.table_place = 0
        """Version 5: place of the table of the run-time's functions among the constants."""
        self.next_label = inline.FIRST_LABEL
        self.parts: dict[int, int] = {}
        """Names of functions that are called directly: their numbers in the piece of code."""
        self.exit: Block | None = None
        self.exit_args: list[Value] = []
        count = max(function.n_pos_args, function.n_locals)
        self.local_types = [PYOBJ] * function.n_pos_args
        self.local_types += [UNBOUND] * (count - function.n_pos_args)
        for local, vtype in function.viper_params.items():
            self.local_types[local] = vtype
        self.block = self.ssa.new_block()
        self.variables.closed.add(self.block)
        self.fun_obj = self.block_value("livein", [], 0, OBJ)
        self.fun_table = self.fun_obj

    # ------------------------------------------------------------------------------ instructions

    def block_value(
        self, op: str, args: list[Value], imm: int = 0, vtype: str = ir.INT
    ) -> Value:
        """An instruction at the end of the current block."""
        ssa, block = self.ssa, self.block
        value = Value(ssa.n_values, op, vtype, args, imm, block)
        ssa.n_values += 1
        block.values.append(value)
        return value

    def const(self, number: int, vtype: str = ir.INT) -> Value:
        return self.block_value("const", [], number & ir.WORD, vtype)

    def field(self, base: Value, word: int, vtype: str = "ptr") -> Value:
        """A word of an object that does not change."""
        return self.block_value("field", [base], word * WORD_SIZE, vtype)

    def call(self, fun: int, args: list[Value], vtype: str = OBJ) -> Value:
        """A call of the run-time."""
        return self.block_value("call", [self.fun_table, *args], int(fun), vtype)

    def new_block(self, closed: bool = True) -> Block:
        block = self.ssa.new_block()
        if closed:
            self.variables.closed.add(block)
        return block

    def label_block(self, label: int) -> Block:
        block = self.labels.get(label)
        if block is None:
            block = self.labels[label] = self.new_block(False)
        return block

    def way_to(self, label: int) -> Block:
        """The block that a jump to a label from the current block leads to."""
        return self.label_block(label)

    def branch(self, cond: str, x: Value, y: Value, then: Block, other: Block) -> None:
        self.ssa.branch(self.block, cond, x, y, then, other)

    def branch_to(
        self, cond: str, x: Value, y: Value, label: int, following: Block | None = None
    ) -> None:
        """Jump on a condition, and go on if it does not hold.  The stack has been settled."""
        if following is None:
            following = self.new_block()
        self.branch(cond, x, y, self.way_to(label), following)
        self.block = following

    def jump(self, to: Block) -> None:
        self.ssa.jump(self.block, to)

    def start_dead(self) -> None:
        """What follows is dead until the next label."""
        self.block = self.new_block()

    # ------------------------------------------------------------------------------------ entry

    def _make_frame(self) -> None:
        """The words of the frame: nlr_buf_t of the function and of its blocks, then variables."""
        size = self.target.nlr_buf_words
        self.first_buffer = size * self.handler
        self.frame_base = self.first_buffer + size * self.function.exc_stack_size
        if self.limits is not None:
            self.buffer_word = self.frame_base
            self.frame_base += bounds.BUFFER_WORDS
        if self.function.exc_stack_size:
            for local in memory_locals(self.ops):
                self.memory[local] = self.frame_base
                self.frame_base += 1
                if self.limits is not None:
                    self.memory[bounds.limit_variable(local)] = self.frame_base
                    self.frame_base += 1
        self.ssa.n_frame = self.frame_base

    def _load_tables(self, place: int) -> None:
        """The tables that the function object leads to; in version 5 the one of the run-time's
        functions is constant `place`."""
        self.table_place = place
        if self.release.native_tables:
            self.context = self.field(self.fun_obj, FUN_BC_CONTEXT)
            self.object_table = self.field(self.context, CONTEXT_OBJ_TABLE)
            self.fun_table = self.field(self.object_table, self.linker.use_const(FunTable()))
            fields = [self.context, self.object_table, self.fun_table]
        else:
            self.const_table = self.field(self.fun_obj, FUN_BC_CONST_TABLE)
            self.fun_table = self.field(self.const_table, place)
            fields = [self.const_table, self.fun_table]
        self.ssa.table_fields = tuple(field.imm for field in fields)

    def to_native(self, value: Value, vtype: int) -> Value:
        """An object as a machine word of a type."""
        if self.limits is not None and bounds.is_pointer(vtype):
            return bounds.pointer_of(self, value, vtype)
        return self.call(Fun.CONVERT_OBJ_TO_NATIVE, [value, self.const(vtype)], TYPES[vtype])

    def _enter_handler(self) -> None:
        """Make the function's globals the current ones, and put things right after an exception."""
        self.old_globals = old = self.call(Fun.NATIVE_SWAP_GLOBALS, [self.globals()], "ptr")
        push, start = self.new_block(), self.new_block(False)
        self.branch("eq", old, self.const(0), start, push)
        self.block = push
        failed = self.call(Fun.NLR_PUSH, [self.block_value("frame", [], 0, "ptr")], ir.INT)
        handler = self.new_block()
        handler.is_cold = True
        self.branch("eq", failed, self.const(0), start, handler)
        self.block = handler
        self.call(Fun.NATIVE_SWAP_GLOBALS, [old], "ptr")
        self.call(Fun.NATIVE_RAISE, [self.block_value("getframe", [], EXC_VALUE, OBJ)])
        handler.term = ir.DEAD
        self.variables.closed.add(start)
        self.block = start

    def set_local(self, local: int, value: Value) -> None:
        """A local variable gets a value."""
        self._set(local, value)
        if self.limits is not None and bounds.is_pointer(self.local_types[local]):
            self._set(bounds.limit_variable(local), bounds.limit_of(self, value))

    def _set(self, variable: int, value: Value) -> None:
        if variable in self.memory:
            self.block_value("putframe", [value], self.memory[variable])
        else:
            self.variables.write(variable, self.block, value)

    def local_value(self, local: int, vtype: str) -> Value:
        """The value of a local variable."""
        value = self._get(local, vtype)
        if self.limits is not None and bounds.is_pointer(self.local_types[local]):
            self.limits[value] = self._get(bounds.limit_variable(local), ir.INT)
        return value

    def _get(self, variable: int, vtype: str) -> Value:
        if variable in self.memory:
            return self.block_value("getframe", [], self.memory[variable], vtype)
        return self.variables.read(variable, self.block, vtype)

    def return_(self, value: Value) -> None:
        """Return a value of the type that the function returns."""
        if self.exit is None:
            self.exit = self.new_block(False)
        self.exit_args.append(value)
        self.jump(self.exit)

    def globals(self) -> Value:
        """The globals of the function's module."""
        if self.context is not None:
            return self.field(self.context, CONTEXT_GLOBALS)
        return self.field(self.fun_obj, FUN_BC_GLOBALS)

    def _leave(self) -> None:
        """The end that all returns share."""
        if self.exit is None:
            return
        self.block = self.exit
        self.variables.closed.add(self.exit)
        wanted = self.return_type
        vtype = OBJ if wanted == PYOBJ else TYPES[wanted]
        result = self.ssa.new_value("phi", vtype, self.exit_args, 0, self.exit)
        self.exit.phis.append(result)
        if wanted != PYOBJ:
            result = self.call(Fun.CONVERT_NATIVE_TO_OBJ, [result, self.const(wanted)])
        old = self.old_globals
        if old is not None:
            swap, done = self.new_block(), self.new_block()
            self.branch("eq", old, self.const(0), done, swap)
            self.block = swap
            self.call(Fun.NATIVE_SWAP_GLOBALS, [old], "ptr")
            self.call(Fun.NLR_POP, [], ir.INT)
            self.jump(done)
            self.block = done
        self.block.term = ir.RETURN
        self.block.targs = [result]

    # ------------------------------------------------------------------------------------ stack

    def push(self, vtype: int, value: Value) -> None:
        self.stack.append(Entry(vtype, HELD, value))

    def push_object(self, value: Value) -> None:
        self.stack.append(Entry(PYOBJ, HELD, value))

    def push_boxed(self, vtype: int, value: Value) -> None:
        """Push the object for a machine word, which is made when it is needed."""
        self.stack.append(Entry(PYOBJ, BOXED, value, vtype))

    def boxed(self, entry: Entry) -> tuple[int, Value] | None:
        """The type and the machine word of an object that is not made yet."""
        if entry.kind != BOXED or entry.value is None:
            return None
        return entry.data, entry.value

    def top(self, depth: int = 0) -> Entry:
        if depth >= len(self.stack):
            raise Unsupported("a value of nowhere")
        return self.stack[-1 - depth]

    def pop(self) -> tuple[int, Value]:
        """The type and the value of the top, as a machine word where it is no object."""
        entry = self.top()
        value = self.value_of(len(self.stack) - 1)
        self.stack.pop()
        return entry.vtype, value

    def pop_object(self) -> Value:
        """The top, which has to be an object."""
        vtype, value = self.pop()
        if vtype != PYOBJ:
            raise Unsupported("a number where an object belongs")
        return value

    def pop_as_object(self) -> Value:
        """The top, converted to an object if it is none."""
        entry = self.top()
        value = self.value_of(len(self.stack) - 1)
        self.stack.pop()
        return self.to_object(entry.vtype, value)

    def value_of(self, place: int) -> Value:
        """The value of the entry at a place, counted from the bottom."""
        entry = self.stack[place]
        if entry.kind == HELD:
            assert entry.value is not None
            return entry.value
        if entry.kind == LAZY:
            value = self.variables.read(-1 - place, self.block, name_of(entry.vtype))
            if self.limits is not None and bounds.is_pointer(entry.vtype):
                self.limits[value] = self.variables.read(
                    bounds.limit_variable(-1 - place), self.block, ir.INT)
            return value
        if entry.kind == IN_FRAME:
            return self.get_place(place)
        if entry.kind == CONSTANT:
            return self.load_object(self.linker.const(entry.data))
        boxed = self.boxed(entry)
        if boxed is not None:
            return self.to_object(*boxed)
        if entry.kind == INLINED:
            raise Unsupported("its name as a value", entry.data)
        raise Unsupported("a type as a value")

    def to_object(self, vtype: int, value: Value) -> Value:
        """A value of a type as an object."""
        if vtype == PYOBJ:
            return value
        if vtype == PTR_NONE:
            return self.field(self.fun_table, Fun.CONST_NONE_OBJ, OBJ)
        if value.op == "const":
            number = ir.signed(value.imm)
            if vtype == BOOL:
                return self.field(self.fun_table, Fun.CONST_FALSE_OBJ + bool(number), OBJ)
            if vtype == INT and -0x40000000 <= number < 0x40000000:
                return self.const(number << 1 | 1, OBJ)
        if vtype >= len(TYPES):
            raise Unsupported("conversion to an object")
        return self.call(Fun.CONVERT_NATIVE_TO_OBJ, [value, self.const(vtype)])

    def settle(self) -> None:
        """Leave the stack to the blocks that follow."""
        for place, entry in enumerate(self.stack):
            if entry.kind in (HELD, CONSTANT, BOXED):
                value = self.value_of(place)
                if entry.vtype == PTR_NONE:
                    value = self.const(0)
                self.stack[place] = Entry(entry.vtype, HELD, value)
                self.leave_at(place, entry.vtype, value)

    def leave_at(self, place: int, vtype: int, value: Value) -> None:
        """A value for the blocks that follow, at a place of the stack."""
        self.variables.write(-1 - place, self.block, value)
        if self.limits is not None and bounds.is_pointer(vtype):
            self.variables.write(bounds.limit_variable(-1 - place), self.block,
                                 bounds.limit_of(self, value))

    def unsettle(self) -> None:
        """At the start of a block that others may lead to: the stack is what they leave."""
        for place, entry in enumerate(self.stack):
            if entry.kind == HELD:
                self.stack[place] = Entry(entry.vtype, LAZY)

    def frame_word(self, place: int) -> int:
        """The word of the frame that belongs to a place of the stack."""
        word = self.frame_base + place
        if word >= self.ssa.n_frame:
            self.ssa.n_frame = word + 1
        return word

    def get_place(self, place: int) -> Value:
        """What is in memory at a place of the stack."""
        return self.block_value("getframe", [], self.frame_word(place), OBJ)

    def put_place(self, place: int, value: Value) -> None:
        self.block_value("putframe", [value], self.frame_word(place))

    def place_address(self, place: int) -> Value:
        """The address of a place of the stack in memory."""
        return self.block_value("frame", [], self.frame_word(place), "ptr")

    def pointer_for_pop(self, n: int) -> Value:
        """Pop `n` values, which become objects in the frame; their address."""
        first = len(self.stack) - n
        if first < 0:
            raise Unsupported("a value of nowhere")
        for place in range(first, first + n):
            entry = self.stack[place]
            if entry.kind != IN_FRAME:
                value = self.to_object(entry.vtype, self.value_of(place))
                self.put_place(place, value)
        del self.stack[first:]
        if not n:
            return self.const(0, "ptr")
        return self.place_address(first)

    def pointer_for_push(self, n: int) -> Value:
        """Push `n` objects that the run-time will write; their address."""
        first = len(self.stack)
        self.stack += [Entry(PYOBJ, IN_FRAME)] * n
        self.frame_word(first + n - 1)
        return self.place_address(first)

    # -------------------------------------------------------------------------------- constants

    def load_object(self, value: ConstValue) -> Value:
        """A constant object."""
        if self.object_table is not None:
            return self.field(self.object_table, self.linker.use_const(value), OBJ)
        assert self.const_table is not None
        self.module_consts.append(value)
        return self.field(self.const_table, len(self.module_consts), OBJ)

    def qstr(self, name: int) -> Value:
        """The number of a name."""
        if self.context is None:
            return self.block_value("qstr", [], name)
        if self.qstr_table is None:
            table = self.ssa.new_value("field", "ptr", [self.context],
                                       CONTEXT_QSTR_TABLE * WORD_SIZE, self.context.block)
            self.context.block.values.insert(
                self.context.block.values.index(self.context) + 1, table)
            self.qstr_table = table
        return self.block_value("field16", [self.qstr_table], 2 * self.linker.use_name(name))

    def string(self, name: int) -> Value:
        """A name as an object."""
        if self.context is None:
            return self.block_value("qstrobj", [], name, OBJ)
        return self.load_object(Str(self.linker.name_text(name)))


def name_of(vtype: int) -> str:
    """The type of the SSA form for one of the baseline."""
    return TYPES[vtype] if vtype < len(TYPES) else ir.INT


Verbs = Callable[[Builder, Op], None]

USE_GLOBALS: Final = frozenset(int(verb) for verb in (
    Verb.LOAD_GLOBAL, Verb.STORE_GLOBAL, Verb.DELETE_GLOBAL, Verb.LOAD_NAME, Verb.STORE_NAME,
    Verb.DELETE_NAME, Verb.MAKE_FUNCTION, Verb.MAKE_CLOSURE, Verb.IMPORT_NAME, Verb.IMPORT_STAR,
    Verb.LOAD_BUILD_CLASS,
))
