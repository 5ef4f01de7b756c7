"""Operations to a Python function: what the run-time executes.

A function of the program becomes a function of the host, made on its first call.  Values stay on
the host's stack of locals, `+` is the host's `+`, a call is the host's call; what MicroPython does
otherwise than the host goes through a function of `support`.  The text that is compiled is for
people too: `mpy-emu run --dump=python` prints it.

Control flow: a block that a jump may skip is guarded by `if pc· <= its rank`; jumping forward sets
`pc·` to the rank of the target.  Loops are loops of the host, entered at their first block.
"""

from __future__ import annotations

import ast
import warnings
from types import CodeType
from typing import Final, final

from mpy_cross.emulator.runtime.flow import (
    ITER_AT,
    ITER_SLOTS,
    Block,
    FlowError,
    Loop,
    Region,
)
from mpy_cross.emulator.runtime.function_text import (
    CHILDREN,
    DOT,
    ERRORS,
    FACTORY,
    GLOBALS,
    HEX,
    NAMES,
    NULL,
    PC,
    TIME,
    keyword_name,
)
from mpy_cross.emulator.runtime.jumps import JumpText
from mpy_cross.emulator.runtime.operations import INPLACE
from mpy_cross.loader.objects import ConstValue
from mpy_cross.loader.ops import FunctionOps, Op, ScopeFlag, UnaryOp, Verb

_V = Verb
# Verbs that use the value on top at once, wherever it stands: it need not be a variable first.
_TAKES_EXPRESSION: Final = frozenset((_V.STORE_FAST, _V.STORE_GLOBAL, _V.STORE_NAME, _V.POP_TOP))
_CALLS: Final = frozenset((_V.CALL_FUNCTION, _V.CALL_METHOD))
_MAKES: Final = _CALLS | {
    _V.BUILD_LIST, _V.BUILD_TUPLE, _V.BUILD_MAP, _V.BUILD_SET, _V.STORE_SUBSCR, _V.STORE_MAP,
    _V.YIELD_VALUE, _V.YIELD_FROM,
}
POLL_COST: Final = 1000
"""Operations after which a loop looks whether time has come for something else."""


@final
class Translation:
    """The text of a function's factory, and what to hand it."""

    __slots__ = ("code", "constants", "text")

    def __init__(self, text: str, code: CodeType, constants: list[ConstValue]) -> None:
        self.text = text
        self.code = code
        """A module that defines the factory; called with globals, children, constants, cells, the
        factory returns the function."""
        self.constants = constants


def translate(
    function: FunctionOps,
    names: list[bytes],
    consts: list[ConstValue],
    n_closed: int,
    source_file: str,
    *,
    bitmap: bool,
    named_locals: bool,
    locks_heap: bool = False,
) -> Translation:
    """Make the host's form of one function.

    `n_closed` is the number of cells that it gets from around it.  With `named_locals` names are
    looked up in a dictionary that is its argument: class bodies, and `exec` with a dictionary of
    its own; with `locks_heap` what is made is looked at (`locked_heap`).  Raises FlowError for
    operations that do not fit together.
    """
    try:
        writer = _Writer(function, names, consts, n_closed, bitmap, named_locals)
        writer.locks_heap = locks_heap
        try:
            return writer.run(source_file)
        except (SyntaxError, RecursionError):
            # The host nests no more than 20 loops and handlers, and as many lines' indents as fit.
            writer = _Writer(function, names, consts, n_closed, bitmap, named_locals)
            writer.locks_heap = locks_heap
            writer.flat = True
            return writer.run(source_file)
    except (IndexError, KeyError, SyntaxError) as error:
        # Only a broken file takes more from the stack than there is, or names what is not there.
        raise FlowError(f"the operations do not fit together ({error})") from error


def _name_keywords(tree: ast.Module) -> None:
    """Give arguments the names of the program; in a tree the host takes any."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.arg = keyword_name(node.arg)
        elif isinstance(node, ast.Name):
            node.id = keyword_name(node.id)


@final
class _Writer(JumpText):
    """Writes the whole function: arguments, blocks, loops, handlers."""

    # ------------------------------------------------------------------------------ whole

    def run(self, source_file: str) -> Translation:
        function = self.function
        head = self._head()
        self.indent = 2
        self._prologue()
        if self.flat:
            self._write_flat()
        else:
            self.write(0, len(self.flow.order) - 1)
        body, numbers = self.lines, self.linenos
        first = function.line or (min(numbers) if numbers else 1)
        lines = [head[0], head[1]]
        marks = [first, first]
        if self.globals_stored:
            lines.append(f"        global {', '.join(sorted(self.globals_stored))}")
            marks.append(first)
        if self.uses_pc:
            lines.append(f"        {PC} = 0")
            marks.append(first)
        if self.flow.loops or self.flat:
            lines.append(f"        {TIME} = 0")
            marks.append(first)
        for number in sorted(self.reraised):
            lines.append(f"        x{DOT}{number} = None")
            marks.append(first)
        if function.flags & ScopeFlag.GENERATOR and not self.yields:
            lines.append("        if False: yield")
            marks.append(first)
        lines += body
        marks += numbers
        lines.append(f"    return {head[2]}")
        marks.append(first)
        text = "\n".join(lines) + "\n"
        tree = ast.parse(text)
        if HEX in text:
            _name_keywords(tree)
        for node in ast.walk(tree):
            at = getattr(node, "lineno", None)
            if at is not None:
                line = marks[at - 1]
                node.lineno = line  # type: ignore[attr-defined]
                node.end_lineno = line  # type: ignore[attr-defined]
        with warnings.catch_warnings():  # about what the program says, not we
            warnings.simplefilter("ignore")
            code = compile(tree, source_file, "exec", dont_inherit=True)
        return Translation(text, code, self.constants)

    def _head(self) -> tuple[str, str, str]:
        function = self.function
        n_args = function.n_pos_args + function.n_kwonly_args
        params: list[str] = []
        if self.named_locals:
            params.append(NAMES)
        names = [self.local(i) for i in range(self.n_closed, n_args)]
        names = [self._parameter(i) for i in range(self.n_closed, n_args)]
        n_positional = function.n_pos_args - self.n_closed
        params += names[:n_positional]
        rest = n_args
        if function.flags & ScopeFlag.VARARGS:
            params.append(f"*{self._plain_local(rest)}")
            rest += 1
        elif function.n_kwonly_args:
            params.append("*")
        params += names[n_positional:]
        if function.flags & ScopeFlag.VARKEYWORDS:
            params.append(f"**{self._plain_local(rest)}")
        # Not the program's name: that may be the name of a global, too, which it would hide.
        shown = f"f{DOT}"
        cells = [f"c{DOT}{i}" for i in range(self.n_closed)]
        # Constants come to be known while the body is written; the factory takes them as one.
        factory = ", ".join([GLOBALS, CHILDREN, f"k{DOT}", *cells])
        return (
            f"def {FACTORY}({factory}):",
            f"    def {shown}({', '.join(params)}):",
            shown,
        )

    def _prologue(self) -> None:
        function = self.function
        n_args = function.n_pos_args + function.n_kwonly_args
        n_args += bool(function.flags & ScopeFlag.VARARGS)
        n_args += bool(function.flags & ScopeFlag.VARKEYWORDS)
        self.line = function.line or 1
        for op in self.flow.order[0].ops if self.flow.order else ():
            if op[0] == _V.LINE:
                self.line = op[1]
                break
        for number in function.cells:
            if number < self.n_closed:
                continue
            cell = self.local(number)
            if number >= n_args:
                self.put(f"{cell} = Cell{DOT}()")
            elif number < len(function.arg_names):
                self.put(f"{cell} = Cell{DOT}({self._parameter(number)})")
            else:
                self.put(f"{cell} = Cell{DOT}({cell})")
        if any(op[0] in _CALLS for op in function.ops):
            # Recursion takes time as well.
            self.put(f"if called{DOT}(): poll{DOT}({POLL_COST})")

    # -------------------------------------------------------------------------- structure

    def write(self, first: int, last: int) -> None:
        """The blocks of these ranks, with the loops and regions that start among them."""
        rank = first
        while rank <= last:
            region = self._region_at(rank)
            if region is not None:
                rank = self._write_region(region) + 1
                continue
            loop = self._loop_at(rank)
            if loop is not None:
                self._write_loop(loop)
                rank = loop.last + 1
                continue
            self._write_block(self.flow.order[rank])
            rank += 1

    def _write_flat(self) -> None:
        """All blocks in one loop of the host; `pc·` says which one runs, and which has failed."""
        flow = self.flow
        self.uses_pc = True
        self.put("while True:")
        self.indent += 1
        self.put(f"{TIME} += {len(flow.order)}")
        self.put(f"if {TIME} > {POLL_COST}: {TIME} = poll{DOT}({TIME})")
        self.put("try:")
        self.indent += 1
        for block in flow.order:
            self.put(f"if {PC} == {block.rank}:")
            self.indent += 1
            start = len(self.lines)
            self._write_block(block)
            if len(self.lines) == start:
                self.put("pass")
            self.indent -= 1
        self.indent -= 1
        self.put(f"except {ERRORS} as e{DOT}:")
        self.indent += 1
        spans = [(span, region) for region in flow.regions if (span := flow.span(region))]
        for (first, last), region in sorted(spans, key=lambda entry: entry[0][1] - entry[0][0]):
            self.put(f"if {first} <= {PC} <= {last}:")
            self.indent += 1
            self.put(f"s{DOT}{region.depth} = caught{DOT}(e{DOT})")
            if region.number in self.reraised:
                self.put(f"x{DOT}{region.number} = s{DOT}{region.depth}")
            self.put(f"{PC} = {flow.blocks[region.handler_block].rank}")
            self.put("continue")
            self.indent -= 1
        self.put("raise")
        self.indent -= 2

    def _region_at(self, rank: int) -> Region | None:
        """The outermost region that starts at this rank and is not being written."""
        found: Region | None = None
        for region in self.flow.regions:
            span = self.flow.span(region)
            if span is None or span[0] != rank or region.number in self.open:
                continue
            if found is None or region.handler > found.handler:
                found = region
        return found

    def _loop_at(self, rank: int) -> Loop | None:
        for loop in self.flow.loops:
            if loop.first == rank and loop not in self.loops:
                return loop
        return None

    def _write_region(self, region: Region) -> int:
        span = self.flow.span(region)
        if span is None:
            raise FlowError("nothing is protected")
        self.open.add(region.number)
        self.put("try:")
        self.indent += 1
        start = len(self.lines)
        if region.number in self.refusing:
            self.put(f"if {TIME} > {POLL_COST}: {TIME} = refuse{DOT}()")
        self.write(span[0], span[1])
        if len(self.lines) == start:
            self.put("pass")
        self.indent -= 1
        self.put(f"except {ERRORS} as e{DOT}:")
        self.indent += 1
        self.put(f"s{DOT}{region.depth} = caught{DOT}(e{DOT})")
        if region.number in self.reraised:
            self.put(f"x{DOT}{region.number} = s{DOT}{region.depth}")
        handler = self.flow.blocks[region.handler_block]
        self._jump(handler.rank, span[1])
        self.indent -= 1
        self.open.discard(region.number)
        return span[1]

    def _write_loop(self, loop: Loop) -> None:
        self.loops.append(loop)
        head = self.flow.order[loop.first]
        if head.last is not None and head.last[0] == _V.FOR_ITER:
            iterator = f"s{DOT}{head.depth - ITER_SLOTS + ITER_AT}"
            exits = self.flow.blocks[self.flow.target(head.last[1])].rank
            guard = loop.first in self.guarded
            if guard:
                self.put(f"if {PC} <= {loop.first}:")
                self.indent += 1
            for op in head.ops:
                if op[0] == _V.LINE:
                    self.line = op[1]
            self.put(f"for s{DOT}{head.depth} in {iterator}:")
            self.indent += 1
            self._poll(loop)
            self.write(loop.first + 1, loop.last)
            self._again(loop)
            self.indent -= 1
            inner = self.loops.pop()
            if exits != loop.last + 1:
                self.put("else:")
                self.indent += 1
                self._jump(exits, loop.last)
                self.indent -= 1
            if guard:
                self.indent -= 1
            self._after_loop(inner)
            return
        guard = any(rank in self.guarded for rank in range(loop.first, loop.last + 1))
        if loop.first in self.guarded:
            # Something may skip the whole loop, or enter it in the middle.
            self.put(f"while {PC} <= {loop.last}:")
        else:
            self.put("while True:")
        self.indent += 1
        self._poll(loop)
        start = len(self.lines)
        if guard:
            self.uses_pc = True
        self.write(loop.first, loop.last)
        if len(self.lines) == start:
            self.put("pass")
        self._again(loop)
        self.indent -= 1
        self.loops.pop()
        self._after_loop(loop)

    def _poll(self, loop: Loop) -> None:
        ops = [op for rank in range(loop.first, loop.last + 1) for op in self.flow.order[rank].ops]
        self.put(f"{TIME} += {len(ops) + 1}")
        # Interrupts come at the jump back to the start, which belongs to the last line.
        before = self.line
        self.line = next((op[1] for op in reversed(ops) if op[0] == _V.LINE), before)
        region = self._handled_in(loop)
        if region is None:
            self.put(f"if {TIME} > {POLL_COST}: {TIME} = poll{DOT}({TIME})")
        else:
            # A full heap is an error of what the handler guards, not of the jump back.
            self.refusing.add(region.number)
            self.put(f"if {TIME} > {POLL_COST}: {TIME} = poll_later{DOT}({TIME})")
        self.line = before

    def _handled_in(self, loop: Loop) -> Region | None:
        """The region that starts in the loop before anything is made."""
        for rank in range(loop.first, loop.last + 1):
            region = self._region_at(rank)
            if region is not None:
                span = self.flow.span(region)
                return region if span is not None and span[1] <= loop.last else None
            if any(op[0] in _MAKES for op in self.flow.order[rank].ops):
                return None
        return None

    def _write_block(self, block: Block) -> None:
        guard = block.rank in self.guarded and not self.flat
        self.line = block.line or self.line
        for op in block.ops:
            if op[0] == _V.LINE:
                self.line = op[1]
                break
            break
        if guard:
            self.uses_pc = True
            self.put(f"if {PC} <= {block.rank}:")
            self.indent += 1
        start = len(self.lines)
        self.stack = [f"s{DOT}{i}" for i in range(block.depth)]
        self.forget_temps()
        ops = block.ops
        for i, op in enumerate(ops):
            if i and op[0] == _V.STORE_FAST and self._updates_local(ops[i - 1], op[1]):
                continue
            if op[0] not in _TAKES_EXPRESSION and not (
                op[0] == _V.UNARY_OP and op[1] == UnaryOp.NOT
            ):
                self.settle()
            self.operation(op)
        self._end(block)
        if guard:
            if len(self.lines) == start:
                self.put("pass")
            self.indent -= 1

    def _updates_local(self, before: Op, number: int) -> bool:
        """`local = t·n` right behind `t·n = local; t·n += x` becomes `local += x`."""
        local = self.local(number)
        if before[0] != _V.BINARY_OP or before[1] not in INPLACE or local in self.stack:
            return False
        name = self.stack[-1]
        pad = "    " * self.indent
        sign = INPLACE[before[1]]
        if (
            len(self.lines) < 2
            or self.lines[-2] != f"{pad}{name} = {local}"
            or not self.lines[-1].startswith(f"{pad}{name} {sign} ")
        ):
            return False
        self.lines[-1] = f"{pad}{local}{self.lines[-1][len(pad) + len(name) :]}"
        del self.lines[-2], self.linenos[-2]
        self.pop()
        return True

    def _end(self, block: Block) -> None:
        last = block.last
        if last is None:
            self.settle()
            self._fall(block)
            return
        verb, a, b = last
        position = block.position + len(block.ops)
        if verb in (_V.JUMP, _V.POP_EXCEPT_JUMP):
            self.settle()
            self.flush(len(self.stack))
            self._jump(self.flow.blocks[self.flow.target(a)].rank, block.rank)
        elif verb == _V.POP_JUMP_IF:
            condition = self.pop()
            if condition[0] == "(":
                condition = condition[1:-1]
            if self._flush_changes(condition):
                condition = self.temp(condition)
            self.flush(len(self.stack))
            self._branch(condition, bool(b), a, block)
        elif verb == _V.JUMP_IF_OR_POP:
            self.settle()
            self.flush(len(self.stack))
            self._branch(self.stack[-1], bool(b), a, block)
        elif verb == _V.FOR_ITER:
            # A loop that never comes back: one step by hand.
            self.flush(len(self.stack))
            depth = block.depth
            end = f"end{DOT}"
            self.put(f"s{DOT}{depth} = next{DOT}(s{DOT}{depth - ITER_SLOTS + ITER_AT}, {end})")
            self.put(f"if s{DOT}{depth} is {end}:")
            self.indent += 1
            self._jump(self.flow.blocks[self.flow.target(a)].rank, block.rank)
            self.indent -= 1
            self._fall(block)
        elif verb == _V.RETURN_VALUE:
            self._return(position, self.pop(), block)
        elif verb == _V.RAISE:
            self.settle()
            self._raise(a, block, position)
        elif verb == _V.UNWIND_JUMP:
            self.settle()
            self._unwind(position, self.flow.blocks[self.flow.target(a)].rank, block)
        elif verb == _V.END_FINALLY:
            self.settle()
            self._end_finally(block, position)
        elif verb == _V.SETUP_WITH:
            self.settle()
            manager = self.pop()
            depth = len(self.stack)
            bound = self.temp(f"method{DOT}({manager}, '__exit__')")
            self.stack += [bound, NULL]
            self.flush(depth + 1)
            self.put(f"s{DOT}{depth + 2} = method{DOT}({manager}, '__enter__')()")
            self.stack.append(f"s{DOT}{depth + 2}")
            self._fall(block)
        else:  # SETUP_EXCEPT, SETUP_FINALLY
            self.settle()
            self._fall(block)

    def _branch(self, condition: str, if_true: bool, label: int, block: Block) -> None:
        taken = self.flow.blocks[self.flow.target(label)].rank
        other = self.flow.blocks[block.fall].rank
        if self.flat:
            self.put(f"if {condition}:" if if_true else f"if not ({condition}):")
            self.indent += 1
            self._jump(taken, block.rank)
            self.indent -= 1
            self.put("else:")
            self.indent += 1
            self._jump(other, block.rank)
            self.indent -= 1
            return
        if taken == block.rank + 1 and not (self.loops and taken > self.loops[-1].last):
            if_true = not if_true
            taken, other = other, taken
        if taken == other == block.rank + 1:
            self.put(condition)
            return
        self.put(f"if {condition}:" if if_true else f"if not ({condition}):")
        self.indent += 1
        self._jump(taken, block.rank)
        self.indent -= 1
        if other != block.rank + 1 or (self.loops and other > self.loops[-1].last):
            self.put("else:")
            self.indent += 1
            self._jump(other, block.rank)
            self.indent -= 1
