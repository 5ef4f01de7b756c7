"""From the operations of a viper function to its SSA form.

The operations are read in order, with the Python stack held as a list of entries.  The rules for
types are those of the baseline (`emitters.native.viper`), which has accepted the function before;
where it accepts what has no meaning, the function stays with it: `Unsupported`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, final

from mpy_cross.emitters.native.state import EXC_VALUE, Linker
from mpy_cross.emitters.native.values import (
    BOOL,
    INT,
    NATIVE_TYPES,
    PTR_NONE,
    PYOBJ,
    UNBOUND,
)
from mpy_cross.emitters.ssa import ir
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
from mpy_cross.loader.ops import ConstToken, FunctionOps, Op, ScopeFlag, Verb
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


class Builder:
    """The state of building one function."""

    __slots__ = (
        "block",
        "const_table",
        "context",
        "exit",
        "exit_args",
        "first_buffer",
        "frame_base",
        "fun_obj",
        "fun_table",
        "function",
        "handler",
        "handlers",
        "labels",
        "linker",
        "local_types",
        "made",
        "memory",
        "module_consts",
        "n_handlers",
        "object_table",
        "old_globals",
        "ops",
        "qstr_table",
        "release",
        "return_type",
        "saved_vtype",
        "sources",
        "ssa",
        "stack",
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
        return self.ssa.append(self.block, op, args, imm, vtype)

    def const(self, number: int, vtype: str = ir.INT) -> Value:
        return self.ssa.const(self.block, number, vtype)

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

    def build(self) -> Function:
        """The whole function.  Raises Unsupported."""
        function = self.function
        if len(self.ops) > MAX_OPS or function.n_locals > MAX_LOCALS:
            raise Unsupported(f"{len(self.ops)} operations, {function.n_locals} locals")
        if function.n_kwonly_args or function.flags & (
            ScopeFlag.GENERATOR | ScopeFlag.VARARGS | ScopeFlag.VARKEYWORDS
        ) or function.cells:
            raise Unsupported("this kind of arguments or variables")
        self.handler = any(op[0] in USE_GLOBALS and not self.is_cast(op) for op in self.ops)
        self._make_frame()
        self._enter()
        verbs = self.verbs
        for op in self.ops:
            verb = verbs.get(op[0])
            if verb is None:
                raise Unsupported(Verb(op[0]).name.lower())
            verb(self, op)
        if self.block.term == ir.OPEN:
            self.block.term = ir.DEAD
        self._leave()
        self.variables.finish()
        return self.ssa

    def _make_frame(self) -> None:
        """The words of the frame: nlr_buf_t of the function and of its blocks, then variables."""
        size = self.target.nlr_buf_words
        self.first_buffer = size * self.handler
        self.frame_base = self.first_buffer + size * self.function.exc_stack_size
        if self.function.exc_stack_size:
            for local in memory_locals(self.ops):
                self.memory[local] = self.frame_base
                self.frame_base += 1
        self.ssa.n_frame = self.frame_base

    def is_cast(self, op: Op) -> bool:
        """Is that the name of a machine type?"""
        return op[0] == Verb.LOAD_GLOBAL and NATIVE_TYPES.get(
            self.linker.name_text(op[1]), PYOBJ) >= BOOL

    def _enter(self) -> None:
        n_given = self.block_value("livein", [], 1)
        n_keyword = self.block_value("livein", [], 2)
        args = self.block_value("livein", [], 3, "ptr")
        self._load_tables(0)
        self._check_arguments(n_given, n_keyword)
        n_args = self.function.n_pos_args
        n_required = n_args - len(self.target.defaults)
        for i in range(n_required):
            self.set_local(i, self._argument(args, i))
        for i in range(n_required, n_args):
            self._optional_argument(args, i, n_given, self.target.defaults[i - n_required])
        if self.handler:
            self._enter_handler()

    def _load_tables(self, place: int) -> None:
        """The tables that the function object leads to; in version 5 the one of the run-time's
        functions is constant `place`."""
        if self.release.native_tables:
            self.context = self.field(self.fun_obj, FUN_BC_CONTEXT)
            self.object_table = self.field(self.context, CONTEXT_OBJ_TABLE)
            self.fun_table = self.field(self.object_table, self.linker.use_const(FunTable()))
        else:
            self.const_table = self.field(self.fun_obj, FUN_BC_CONST_TABLE)
            self.fun_table = self.field(self.const_table, place)

    def _check_arguments(self, n_given: Value, n_keyword: Value) -> None:
        """The right number of arguments and no keywords; otherwise the run-time raises."""
        n_args = self.function.n_pos_args
        n_defaults = len(self.target.defaults)
        n_required = n_args - n_defaults
        right, bad = self.new_block(), self.new_block(False)
        bad.is_cold = True
        wrong = n_given
        if n_required:
            wrong = self.block_value("sub", [n_given, self.const(n_required)])
        if n_defaults:
            among = self.new_block()
            self.branch("hi", wrong, self.const(n_defaults), bad, among)
            self.block = among
            wrong = n_keyword
        else:
            wrong = self.block_value("or", [wrong, n_keyword])
        self.branch("eq", wrong, self.const(0), right, bad)
        self.variables.closed.add(bad)
        self.block = bad
        signature = self.const(n_required << 17 | n_args << 1)
        self.call(Fun.ARG_CHECK_NUM_SIG, [n_given, n_keyword, signature], ir.INT)
        bad.term = ir.DEAD
        self.block = right

    def _argument(self, args: Value, i: int) -> Value:
        """An argument as a value of the type of its parameter."""
        vtype = self.local_types[i]
        value = self.field(args, i, OBJ)
        if vtype == PYOBJ:
            return value
        return self.call(Fun.CONVERT_OBJ_TO_NATIVE, [value, self.const(vtype)], TYPES[vtype])

    def _optional_argument(self, args: Value, i: int, n_given: Value, default: Op) -> None:
        """An argument, or its default value if there are fewer."""
        vtype = self.local_types[i]
        given, absent, after = self.new_block(), self.new_block(), self.new_block()
        self.branch("hi", n_given, self.const(i), given, absent)
        self.block = given
        first = self._argument(args, i)
        given = self.block
        self.jump(after)
        self.block = absent
        number = default[1]
        if default[0] == Verb.LOAD_CONST_SMALL_INT:
            second = self.const(number << 1 | 1, OBJ) if vtype == PYOBJ else self.const(number)
        elif vtype == PYOBJ:
            entry = {ConstToken.NONE: Fun.CONST_NONE_OBJ, ConstToken.TRUE: Fun.CONST_TRUE_OBJ}
            second = self.field(self.fun_table, entry.get(ConstToken(number),
                                                          Fun.CONST_FALSE_OBJ), OBJ)
        elif number == ConstToken.NONE:
            raise Unsupported("None as the default value of a number")
        else:
            second = self.const(int(number == ConstToken.TRUE), TYPES[vtype])
        if vtype == BOOL:
            second = self.const(int(second.imm != 0), ir.BOOL)
        self.jump(after)
        self.block = after
        value = self.ssa.new_value("phi", TYPES[vtype], [first, second], 0, after)
        after.phis.append(value)
        self.set_local(i, value)

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
        if local in self.memory:
            self.block_value("putframe", [value], self.memory[local])
        else:
            self.variables.write(local, self.block, value)

    def local_value(self, local: int, vtype: str) -> Value:
        """The value of a local variable."""
        if local in self.memory:
            return self.block_value("getframe", [], self.memory[local], vtype)
        return self.variables.read(local, self.block, vtype)

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
            return self.variables.read(-1 - place, self.block, name_of(entry.vtype))
        if entry.kind == IN_FRAME:
            return self.block_value("getframe", [], self.frame_word(place), OBJ)
        if entry.kind == CONSTANT:
            return self.load_object(self.linker.const(entry.data))
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
            if entry.kind in (HELD, CONSTANT):
                value = self.value_of(place)
                if entry.vtype == PTR_NONE:
                    value = self.const(0)
                self.stack[place] = Entry(entry.vtype, HELD, value)
                self.variables.write(-1 - place, self.block, value)

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

    def pointer_for_pop(self, n: int) -> Value:
        """Pop `n` values, which become objects in the frame; their address."""
        first = len(self.stack) - n
        if first < 0:
            raise Unsupported("a value of nowhere")
        for place in range(first, first + n):
            entry = self.stack[place]
            if entry.kind != IN_FRAME:
                value = self.to_object(entry.vtype, self.value_of(place))
                self.block_value("putframe", [value], self.frame_word(place))
        del self.stack[first:]
        if not n:
            return self.const(0, "ptr")
        return self.block_value("frame", [], self.frame_word(first), "ptr")

    def pointer_for_push(self, n: int) -> Value:
        """Push `n` objects that the run-time will write; their address."""
        first = len(self.stack)
        self.stack += [Entry(PYOBJ, IN_FRAME)] * n
        self.frame_word(first + n - 1)
        return self.block_value("frame", [], self.frame_word(first), "ptr")

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
