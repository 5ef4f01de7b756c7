"""Operations to a Python function: what the run-time executes.

A function of the program becomes a function of the host, made on its first call.  Values stay on
the host's stack of locals, `+` is the host's `+`, a call is the host's call; what MicroPython does
otherwise than the host goes through a function of `support`.  The text that is compiled is for
people too: `mpy-emu run --dump=python` prints it.

Names made here hold a middle dot, which keeps them apart from those of the program: `l·3` is local
3, `s·0` stack slot 0 between blocks, `t·5` a value inside a block, `k·1` a constant, `c·0` a cell
of an outer function, `x·2` the exception that the handler of region 2 has caught.

Control flow: a block that a jump may skip is guarded by `if pc· <= its rank`; jumping forward sets
`pc·` to the rank of the target.  Loops are loops of the host, entered at their first block.
"""

from __future__ import annotations

import ast
import keyword
from types import CodeType
from typing import Final, final

from mpy_cross.emulator.runtime.flow import (
    ITER_SLOTS,
    RETURN_OUTCOME,
    Block,
    Flow,
    FlowError,
    Loop,
    Region,
    RegionKind,
)
from mpy_cross.loader.objects import ConstValue, Str
from mpy_cross.loader.ops import (
    BinaryOp,
    ConstToken,
    FunctionOps,
    Op,
    ScopeFlag,
    UnaryOp,
    Verb,
    unpack_call,
    unpack_defaults,
)

_V = Verb
DOT: Final = "\u00b7"
NULL: Final = f"NULL{DOT}"
GLOBALS: Final = f"G{DOT}"
NAMES: Final = f"n{DOT}"
PC: Final = f"pc{DOT}"
TIME: Final = f"time{DOT}"
RESULT: Final = f"r{DOT}"
ERRORS: Final = f"errors{DOT}"
FACTORY: Final = f"factory{DOT}"
CHILDREN: Final = f"children{DOT}"

_B = BinaryOp
INLINE_BINARY: Final[dict[int, str]] = {
    _B.LESS: "<",
    _B.MORE: ">",
    _B.EQUAL: "==",
    _B.LESS_EQUAL: "<=",
    _B.MORE_EQUAL: ">=",
    _B.NOT_EQUAL: "!=",
    _B.IN: "in",
    _B.OR: "|",
    _B.XOR: "^",
    _B.AND: "&",
    _B.RSHIFT: ">>",
    _B.ADD: "+",
    _B.SUBTRACT: "-",
    _B.FLOOR_DIVIDE: "//",
    _B.MAT_MULTIPLY: "@",
}
HELPED_BINARY: Final[dict[int, str]] = {
    _B.IS: "is_",
    _B.EXCEPTION_MATCH: "matches",
    _B.LSHIFT: "lshift",
    _B.MULTIPLY: "multiply",
    _B.TRUE_DIVIDE: "divide",
    _B.MODULO: "modulo",
    _B.POWER: "power",
    _B.INPLACE_LSHIFT: "inplace_lshift",
    _B.INPLACE_MULTIPLY: "inplace_multiply",
    _B.INPLACE_TRUE_DIVIDE: "inplace_divide",
    _B.INPLACE_MODULO: "inplace_modulo",
    _B.INPLACE_POWER: "inplace_power",
}
INPLACE: Final[dict[int, str]] = {
    _B.INPLACE_OR: "|=",
    _B.INPLACE_XOR: "^=",
    _B.INPLACE_AND: "&=",
    _B.INPLACE_RSHIFT: ">>=",
    _B.INPLACE_ADD: "+=",
    _B.INPLACE_SUBTRACT: "-=",
    _B.INPLACE_FLOOR_DIVIDE: "//=",
    _B.INPLACE_MAT_MULTIPLY: "@=",
}
UNARY: Final[dict[int, str]] = {
    UnaryOp.POSITIVE: "+",
    UnaryOp.NEGATIVE: "-",
    UnaryOp.INVERT: "~",
    UnaryOp.NOT: "not ",
}
CONSTANTS: Final = {
    ConstToken.FALSE: "False",
    ConstToken.NONE: "None",
    ConstToken.TRUE: "True",
    ConstToken.ELLIPSIS: "...",
}
# Verbs that use the value on top at once, wherever it stands: it need not be a variable first.
_TAKES_EXPRESSION: Final = frozenset((_V.STORE_FAST, _V.STORE_GLOBAL, _V.STORE_NAME, _V.POP_TOP))
POLL_COST: Final = 1000
"""Operations after which a loop looks whether time has come for something else."""


def text_of(name: bytes) -> str:
    """A name of the program as the host's string; invalid UTF-8 survives a round trip."""
    return name.decode("utf-8", "surrogateescape")


def is_plain(name: str) -> bool:
    """Whether the host takes the name as an identifier, and as this very one."""
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name)


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
) -> Translation:
    """Make the host's form of one function.

    `n_closed` is the number of cells that it gets from around it.  With `named_locals` names are
    looked up in a dictionary that is its argument: class bodies, and `exec` with a dictionary of
    its own.  Raises FlowError for operations that do not fit together.
    """
    writer = _Writer(function, names, consts, n_closed, bitmap, named_locals)
    return writer.run(source_file)


@final
class _Writer:
    __slots__ = (
        "bitmap",
        "consts",
        "constants",
        "flow",
        "function",
        "globals_stored",
        "guarded",
        "indent",
        "line",
        "lines",
        "linenos",
        "local_names",
        "loops",
        "n_closed",
        "n_temps",
        "named_locals",
        "names",
        "open",
        "reraised",
        "slices",
        "stack",
        "uses_pc",
        "yields",
    )

    def __init__(
        self,
        function: FunctionOps,
        names: list[bytes],
        consts: list[ConstValue],
        n_closed: int,
        bitmap: bool,
        named_locals: bool,
    ) -> None:
        self.function = function
        self.names = names
        self.consts = consts
        self.n_closed = n_closed
        self.bitmap = bitmap
        self.named_locals = named_locals
        self.flow = Flow(function, names, bitmap)
        self.lines: list[str] = []
        self.linenos: list[int] = []
        self.indent = 0
        self.line = 1
        self.stack: list[str] = []
        self.n_temps = 0
        self.slices: set[str] = set()
        self.constants: list[ConstValue] = []
        self.loops: list[Loop] = []
        """The loops around what is being written, outermost first."""
        self.globals_stored: set[str] = set()
        self.local_names = self._local_names()
        self.guarded = self._guarded()
        self.uses_pc = bool(self.guarded)
        self.reraised = self._reraised()
        """Numbers of the regions whose handlers have a bare `raise`."""
        self.open: set[int] = set()
        """Numbers of the regions being written."""
        self.yields = False

    # ------------------------------------------------------------------------------ names

    def _local_names(self) -> list[str]:
        function = self.function
        out = [f"c{DOT}{i}" for i in range(self.n_closed)]
        taken: set[str] = set()
        for i, index in enumerate(function.arg_names[self.n_closed :], self.n_closed):
            name = text_of(self.names[index])
            usable = is_plain(name) and name not in taken and i not in function.cells
            out.append(name if usable else f"l{DOT}{i}")
            taken.add(name)
        return out

    def local(self, number: int) -> str:
        names = self.local_names
        while number >= len(names):
            names.append(f"l{DOT}{len(names)}")
        return names[number]

    def name(self, index: int) -> str:
        return text_of(self.names[index])

    # ------------------------------------------------------------------------------- text

    def put(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)
        self.linenos.append(self.line)

    def temp(self, expression: str) -> str:
        """A new variable that holds the value of the expression."""
        name = f"t{DOT}{self.n_temps}"
        self.n_temps += 1
        self.put(f"{name} = {expression}")
        return name

    def push(self, expression: str) -> None:
        """Push a value that is computed here."""
        self.stack.append(f"({expression})")

    def push_value(self, text: str) -> None:
        """Push a constant or a variable."""
        self.stack.append(text)

    def pop(self) -> str:
        return self.stack.pop()

    def pops(self, count: int) -> list[str]:
        if not count:
            return []
        out = self.stack[-count:]
        del self.stack[-count:]
        return out

    def settle(self) -> None:
        """Compute what is on top, if it is an expression still."""
        stack = self.stack
        if stack and stack[-1][0] == "(":
            stack[-1] = self.temp(stack[-1][1:-1])

    def forget_local(self, local: str) -> None:
        """Before a local changes: save the values on the stack that are read from it."""
        stack = self.stack
        if local in stack:
            saved = self.temp(local)
            for i, entry in enumerate(stack):
                if entry == local:
                    stack[i] = saved

    def flush(self, count: int) -> None:
        """Bring the lowest `count` stack values to where the next block expects them."""
        targets: list[str] = []
        sources: list[str] = []
        for i, entry in enumerate(self.stack[:count]):
            slot = f"s{DOT}{i}"
            if entry != slot and entry != NULL:
                targets.append(slot)
                sources.append(entry)
                self.stack[i] = slot
        if targets:
            self.put(f"{', '.join(targets)} = {', '.join(sources)}")

    def _flush_changes(self, expression: str) -> bool:
        """Whether `flush` assigns to a slot that the expression reads."""
        return any(
            entry not in (f"s{DOT}{i}", NULL) and f"s{DOT}{i}" in expression
            for i, entry in enumerate(self.stack)
        )

    # ------------------------------------------------------------------------------ whole

    def run(self, source_file: str) -> Translation:
        function = self.function
        head = self._head()
        self.indent = 2
        self._prologue()
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
        if self.flow.loops:
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
        for node in ast.walk(tree):
            at = getattr(node, "lineno", None)
            if at is not None:
                line = marks[at - 1]
                node.lineno = line  # type: ignore[attr-defined]
                node.end_lineno = line  # type: ignore[attr-defined]
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
        name = self.name(function.name) if function.name >= 0 else "<module>"
        shown = name if is_plain(name) else f"f{DOT}"
        cells = [f"c{DOT}{i}" for i in range(self.n_closed)]
        # Constants come to be known while the body is written; the factory takes them as one.
        factory = ", ".join([GLOBALS, CHILDREN, f"k{DOT}", *cells])
        return (
            f"def {FACTORY}({factory}):",
            f"    def {shown}({', '.join(params)}):",
            shown,
        )

    def _parameter(self, number: int) -> str:
        """The host's name of an argument: the program's, as callers may give it as a keyword."""
        index = self.function.arg_names[number] if number < len(self.function.arg_names) else -1
        name = self.name(index) if index >= 0 else ""
        return name if is_plain(name) else self.local(number)

    def _plain_local(self, number: int) -> str:
        self.local(number)
        self.local_names[number] = f"l{DOT}{number}"
        return self.local_names[number]

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

    # -------------------------------------------------------------------------- structure

    def _active(self, block: Block) -> int:
        """The region in whose handler the end of the block stands, or -1."""
        position = block.position + len(block.ops)
        for number in reversed(block.exc_stack):
            if self.flow.regions[number].handler <= position:
                return number
        return -1

    def _reraised(self) -> set[int]:
        found = {
            self._active(block)
            for block in self.flow.order
            if block.last is not None and block.last[:2] == (_V.RAISE, 0)
        }
        return found - {-1}

    def _guarded(self) -> set[int]:
        """Ranks of the blocks that some jump skips."""
        out: set[int] = set()
        order = self.flow.order
        for block in order:
            for target in self.flow.jumps(block):
                out.update(self._skipped(block.rank, target))
            for region in self.flow.enclosing(block.position + len(block.ops)):
                if region.kind != RegionKind.EXCEPT:
                    handler = self.flow.blocks[region.handler_block].rank
                    out.update(self._skipped(block.rank, handler))
        for region in self.flow.regions:
            span = self.flow.span(region)
            handler = self.flow.blocks[region.handler_block].rank
            if span is not None and handler >= 0:
                out.update(self._skipped(span[1], handler))
        return out

    def _skipped(self, source: int, target: int) -> range:
        """The ranks that a jump skips while it stays in a loop; from others it breaks out."""
        first = source + 1
        for loop in self.flow.loops:
            if loop.first <= source <= loop.last and not loop.first <= target <= loop.last:
                first = max(first, loop.last + 1)
        return range(first, target)

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
            iterator = f"s{DOT}{head.depth - ITER_SLOTS}"
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

    def _again(self, loop: Loop) -> None:
        """The end of a loop's body, where it starts over."""
        if any(rank in self.guarded for rank in range(loop.first, loop.last + 1)):
            pad = "    " * self.indent
            if self.lines[-1] != f"{pad}continue":
                self.put(f"{PC} = 0")

    def _after_loop(self, loop: Loop) -> None:
        """Go on with a jump that left this loop for a place outside the next one too."""
        if not self.loops:
            return
        outer = self.loops[-1]
        if any(
            target > outer.last
            for rank in range(loop.first, loop.last + 1)
            for target in self._targets(self.flow.order[rank])
        ):
            self.uses_pc = True
            self.put(f"if {PC} > {outer.last}: break")
        if any(
            target <= outer.first or self._is_head_of_outer(target)
            for rank in range(loop.first, loop.last + 1)
            for target in self._targets(self.flow.order[rank])
        ):
            self.uses_pc = True
            self.put(f"if {PC} < 0:")
            self.indent += 1
            self._resume_back(outer)
            self.indent -= 1

    def _is_head_of_outer(self, target: int) -> bool:
        return any(loop.first == target for loop in self.loops)

    def _resume_back(self, outer: Loop) -> None:
        """`pc·` is -1 - target: go there if it is the head of this loop, else leave it."""
        if len(self.loops) == 1:
            self.put(f"{PC} = 0")
            self.put("continue")
            return
        self.put(f"if {PC} != {-1 - outer.first}: break")
        self.put(f"{PC} = 0")
        self.put("continue")

    def _targets(self, block: Block) -> list[int]:
        """Ranks where the end of the block may go, pending jumps and handlers included."""
        out = self.flow.jumps(block)
        last = block.last
        if last is None:
            return out
        position = block.position + len(block.ops)
        if last[0] in (_V.RETURN_VALUE, _V.UNWIND_JUMP, _V.END_FINALLY):
            for region in self.flow.enclosing(position):
                handler = self.flow.blocks[region.handler_block].rank
                if handler >= 0:
                    out.append(handler)
            if last[0] == _V.END_FINALLY:
                for region in self.flow.regions:
                    out += [outcome for outcome in region.outcomes if outcome >= 0]
        for region in self.flow.enclosing(block.position):
            out.append(self.flow.blocks[region.handler_block].rank)
        return out

    def _poll(self, loop: Loop) -> None:
        cost = sum(len(self.flow.order[rank].ops) for rank in range(loop.first, loop.last + 1)) + 1
        self.put(f"{TIME} += {cost}")
        self.put(f"if {TIME} > {POLL_COST}: {TIME} = poll{DOT}({TIME})")

    def _jump(self, target: int, source: int) -> None:
        """Go from the block of rank `source` to the start of the one of rank `target`."""
        loops = self.loops
        if loops and target == loops[-1].first and target <= source:
            if any(r in self.guarded for r in range(loops[-1].first, loops[-1].last + 1)):
                self.uses_pc = True
                self.put(f"{PC} = 0")
            self.put("continue")
            return
        if loops and not loops[-1].first <= target <= loops[-1].last:
            self.uses_pc = True
            if target > source:
                if target != loops[-1].last + 1 or target in self.guarded or len(loops) > 1:
                    self.put(f"{PC} = {target}")
            else:
                self.put(f"{PC} = {-1 - target}")
            self.put("break")
            return
        if target == source + 1 and target not in self.guarded:
            self.put("pass")
            return
        if target <= source:
            raise FlowError("a jump back that is no loop")
        self.uses_pc = True
        self.put(f"{PC} = {target}")

    # ----------------------------------------------------------------------------- blocks

    def _write_block(self, block: Block) -> None:
        guard = block.rank in self.guarded
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

    def _fall(self, block: Block) -> None:
        """Fall through to the next block, which may have moved."""
        self.flush(len(self.stack))
        target = self.flow.blocks[block.fall].rank
        if target != block.rank + 1:
            self._jump(target, block.rank)
        elif self.loops and target > self.loops[-1].last:
            self._jump(target, block.rank)

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
            self.put(f"s{DOT}{depth} = next{DOT}(s{DOT}{depth - ITER_SLOTS}, {end})")
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

    # ------------------------------------------------------------- leaving protected regions

    def _finally_around(self, position: int, target: int) -> Region | None:
        """The innermost region with a `finally` that going from here to there leaves."""
        to = self.flow.order[target].position if target >= 0 else -1
        for region in reversed(self.flow.enclosing(position)):
            if region.kind != RegionKind.EXCEPT and not (to >= 0 and region.covers(to)):
                return region
        return None

    def _return(self, position: int, value: str, block: Block) -> None:
        if value[0] == "(":
            value = value[1:-1]
        region = self._finally_around(position, -1)
        if region is None:
            self.put(f"return {value}")
            return
        self.put(f"{RESULT} = {value}")
        self._pend(region, RETURN_OUTCOME, block)

    def _unwind(self, position: int, target: int, block: Block) -> None:
        region = self._finally_around(position, target)
        if region is None:
            self.flush(self.flow.order[target].depth)
            self._jump(target, block.rank)
            return
        self.flush(len(self.stack))
        self._pend(region, target, block)

    def _pend(self, region: Region, outcome: int, block: Block) -> None:
        """Run the region's handler, then go on with the outcome."""
        if outcome not in region.outcomes:
            region.outcomes.append(outcome)
        self.put(f"s{DOT}{region.depth} = {outcome}")
        self._jump(self.flow.blocks[region.handler_block].rank, block.rank)

    def _end_finally(self, block: Block, position: int) -> None:
        tags = list(block.tags)
        for op in block.ops:
            self.flow._step(op, tags)
        value = self.pop()
        self.flush(len(self.stack))
        number = tags[-1]
        if number < 0:
            # Only the plain end comes here: there is nothing to go on with.
            self._fall(block)
            return
        region = self.flow.regions[number]
        if region.kind == RegionKind.EXCEPT:
            self.put(f"raise {value}")
            return
        self.put(f"if {value} is not None:")
        self.indent += 1
        if not region.outcomes:
            self.put(f"raise {value}")
            self.indent -= 1
            self._fall(block)
            return
        self.put(f"if type{DOT}({value}) is not int{DOT}: raise {value}")
        for outcome in region.outcomes:
            self.put(f"if {value} == {outcome}:")
            self.indent += 1
            if outcome == RETURN_OUTCOME:
                self._return(position, RESULT, block)
            else:
                self._unwind(position, outcome, block)
            self.indent -= 1
        self.indent -= 1
        self.put("else:")
        self.indent += 1
        start = len(self.lines)
        self._fall(block)
        if len(self.lines) == start:
            self.put("pass")
        self.indent -= 1

    def _raise(self, count: int, block: Block, position: int) -> None:
        if count == 0:
            number = self._active(block)
            caught = "None" if number < 0 else f"x{DOT}{number}"
            self.put(f"raise reraised{DOT}({caught})")
            return
        if count == 2:
            self.pop()
        self.put(f"raise raised{DOT}({self.pop()})")

    # ------------------------------------------------------------------------- operations

    def operation(self, op: Op) -> None:
        verb, a, b = op
        if verb == _V.LOAD_FAST:
            self.push_value(self.local(a))
        elif verb == _V.LINE:
            self.line = a
        elif verb == _V.STORE_FAST:
            value = self._taken()
            local = self.local(a)
            self.forget_local(local)
            self.put(f"{local} = {value}")
        elif verb == _V.LOAD_CONST_SMALL_INT:
            self.push_value(str(a) if a >= 0 else f"-{-a}")
        elif verb == _V.LOAD_CONST_TOK:
            self.push_value(CONSTANTS[ConstToken(a)])
        elif verb == _V.LOAD_CONST_STR:
            self.push_value(repr(self.name(a)))
        elif verb == _V.LOAD_CONST_OBJ:
            self._constant(self.consts[a])
        elif verb == _V.LOAD_GLOBAL:
            self.push_value(self.temp(self._global(self.name(a))))
        elif verb == _V.BINARY_OP:
            self._binary(a)
        elif verb == _V.CALL_FUNCTION or verb == _V.CALL_METHOD:
            self._call(op)
        elif verb == _V.POP_TOP:
            value = self.pop()
            if value[0] == "(":
                self.put(value[1:-1])
            elif value in self.local_names:
                self.put(value)
        elif verb == _V.LOAD_ATTR:
            self.push(f"attribute{DOT}({self.pop()}, {self.name(a)!r})")
        elif verb == _V.LOAD_METHOD:
            if b:
                _, cls, instance = self.pops(3)
                self.push_value(
                    self.temp(f"super_attribute{DOT}({cls}, {instance}, {self.name(a)!r})")
                )
            else:
                self.push_value(self.temp(f"method{DOT}({self.pop()}, {self.name(a)!r})"))
            self.push_value(NULL)
        elif verb == _V.STORE_ATTR:
            value, obj = self.pops(2)
            if value == NULL:
                self.put(f"del_attribute{DOT}({obj}, {self.name(a)!r})")
            else:
                self.put(f"set_attribute{DOT}({obj}, {self.name(a)!r}, {value})")
        elif verb == _V.LOAD_SUBSCR:
            obj, index = self.pops(2)
            if index in self.slices:
                self.push(f"get_slice{DOT}({obj}, {index})")
            else:
                self.push(f"{obj}[{index}]")
        elif verb == _V.STORE_SUBSCR:
            value, obj, index = self.pops(3)
            if value == NULL:
                self.put(f"del_item{DOT}({obj}, {index})")
            elif index in self.slices:
                self.put(f"set_slice{DOT}({obj}, {index}, {value})")
            else:
                self.put(f"{obj}[{index}] = {value}")
        elif verb == _V.UNARY_OP:
            operand = self.pop()
            if operand[0] == "-":
                operand = f"({operand})"
            self.push(f"{UNARY[a]}{operand}")
        elif verb == _V.DUP_TOP:
            self.stack.append(self.stack[-1])
        elif verb == _V.DUP_TOP_TWO:
            self.stack += self.stack[-2:]
        elif verb == _V.ROT_TWO:
            self.stack[-2:] = [self.stack[-1], self.stack[-2]]
        elif verb == _V.ROT_THREE:
            self.stack[-3:] = [self.stack[-1], self.stack[-3], self.stack[-2]]
        elif verb == _V.GET_ITER:
            self.push_value(self.temp(f"iter{DOT}({self.pop()})"))
            if a:
                self.stack += [NULL] * (ITER_SLOTS - 1)
        elif verb == _V.LOAD_NULL:
            self.push_value(NULL)
        elif verb == _V.STORE_GLOBAL:
            self._store_global(self.name(a), self._taken())
        elif verb == _V.LOAD_NAME:
            self._load_name(self.name(a))
        elif verb == _V.STORE_NAME:
            name = self.name(a)
            if self.named_locals:
                self.put(f"{NAMES}[{name!r}] = {self._taken()}")
            else:
                self._store_global(name, self._taken())
        else:
            self._rarer(op)

    def _rarer(self, op: Op) -> None:
        verb, a, b = op
        if verb == _V.BUILD_TUPLE:
            items = self.pops(a)
            self.push_value(self.temp(f"({', '.join(items)}{',' if a == 1 else ''})"))
        elif verb == _V.BUILD_LIST:
            self.push_value(self.temp(f"[{', '.join(self.pops(a))}]"))
        elif verb == _V.BUILD_SET:
            items = self.pops(a)
            self.push_value(self.temp(f"{{{', '.join(items)}}}" if items else f"set{DOT}()"))
        elif verb == _V.BUILD_MAP:
            self.push_value(self.temp("{}"))
        elif verb == _V.STORE_MAP:
            value, key = self.pops(2)
            self.put(f"{self.stack[-1]}[{key}] = {value}")
        elif verb == _V.BUILD_SLICE:
            name = self.temp(f"slice{DOT}({', '.join(self.pops(a))})")
            self.slices.add(name)
            self.push_value(name)
        elif verb == _V.STORE_COMP:
            if a == 1:
                value, key = self.pops(2)
                self.put(f"{self.stack[1 - b - 1]}[{key}] = {value}")
            else:
                value = self.pop()
                self.put(f"{self.stack[-b]}.{'append' if a == 0 else 'add'}({value})")
        elif verb == _V.LOAD_DEREF:
            self.push_value(self.temp(f"{self.local(a)}.value"))
        elif verb == _V.STORE_DEREF:
            self.put(f"{self.local(a)}.value = {self.pop()}")
        elif verb == _V.DELETE_DEREF:
            self.put(f"del {self.local(a)}.value")
        elif verb == _V.DELETE_FAST:
            local = self.local(a)
            self.forget_local(local)
            self.put(f"del {local}")
        elif verb == _V.DELETE_GLOBAL:
            self.put(f"delete_name{DOT}({GLOBALS}, {self.name(a)!r})")
        elif verb == _V.DELETE_NAME:
            where = NAMES if self.named_locals else GLOBALS
            self.put(f"delete_name{DOT}({where}, {self.name(a)!r})")
        elif verb == _V.UNPACK_SEQUENCE:
            value = self.pop()
            names = self._fresh(a)
            self.put(f"[{', '.join(names)}] = {value}")
            self.stack += reversed(names)
        elif verb == _V.UNPACK_EX:
            value = self.pop()
            names = self._fresh(a + b + 1)
            starred = [*names[:a], f"*{names[a]}", *names[a + 1 :]]
            self.put(f"[{', '.join(starred)}] = {value}")
            self.stack += reversed(names)
        elif verb in (_V.MAKE_FUNCTION, _V.MAKE_CLOSURE):
            self._make(a, b)
        elif verb == _V.LOAD_BUILD_CLASS:
            self.push_value(f"build_class{DOT}")
        elif verb == _V.YIELD_VALUE:
            self.yields = True
            self.push_value(self.temp(f"yield {self.pop()}"))
        elif verb == _V.YIELD_FROM:
            self.yields = True
            iterator, _ = self.pops(2)
            self.push_value(self.temp(f"yield from delegate{DOT}({iterator})"))
        elif verb == _V.IMPORT_NAME:
            level, names = self.pops(2)
            self.push_value(
                self.temp(f"import_name{DOT}({GLOBALS}, {self.name(a)!r}, {names}, {level})")
            )
        elif verb == _V.IMPORT_FROM:
            self.push_value(self.temp(f"import_from{DOT}({self.stack[-1]}, {self.name(a)!r})"))
        elif verb == _V.IMPORT_STAR:
            where = NAMES if self.named_locals else GLOBALS
            self.put(f"import_star{DOT}({self.pop()}, {where})")
        elif verb == _V.WITH_CLEANUP:
            bound, _, cause = self.pops(3)
            self.push_value(self.temp(f"leave_with{DOT}({bound}, {cause})"))
        else:
            raise FlowError(f"{Verb(verb).name} cannot stand here")

    def _taken(self) -> str:
        value = self.pop()
        return value[1:-1] if value[0] == "(" else value

    def _fresh(self, count: int) -> list[str]:
        names = [f"t{DOT}{self.n_temps + i}" for i in range(count)]
        self.n_temps += count
        return names

    def _constant(self, value: ConstValue) -> None:
        if isinstance(value, bool) or value is None or value is ...:
            self.push_value(repr(value) if value is not ... else "...")
        elif type(value) is int:
            self.push_value(hex(value) if value >= 0 else f"-{hex(-value)}")
        elif isinstance(value, Str):
            self.push_value(repr(text_of(value.data)))
        elif type(value) is bytes:
            self.push_value(repr(value))
        else:
            self.constants.append(value)
            self.push_value(self.temp(f"k{DOT}[{len(self.constants) - 1}]"))

    def _global(self, name: str) -> str:
        if is_plain(name):
            return name
        return f"load_name{DOT}({GLOBALS}, {GLOBALS}, {name!r})"

    def _store_global(self, name: str, value: str) -> None:
        if is_plain(name) and name not in self.local_names:
            self.globals_stored.add(name)
            self.put(f"{name} = {value}")
        else:
            self.put(f"{GLOBALS}[{name!r}] = {value}")

    def _load_name(self, name: str) -> None:
        if self.named_locals:
            self.push_value(self.temp(f"load_name{DOT}({NAMES}, {GLOBALS}, {name!r})"))
        else:
            self.push_value(self.temp(self._global(name)))

    def _binary(self, op: int) -> None:
        left, right = self.pops(2)
        sign = INLINE_BINARY.get(op)
        if sign is not None:
            self.push(f"{left} {sign} {right}")
        elif op in INPLACE:
            name = left
            own = f"s{DOT}{len(self.stack)}"
            if left in self.stack or not (left == own or left[:2] == f"t{DOT}"):
                name = self.temp(left)
            self.put(f"{name} {INPLACE[op]} {right}")
            self.push_value(name)
        elif op == _B.IS and ("None" in (left, right)):
            self.push(f"{left} is {right}")
        else:
            self.push(f"{HELPED_BINARY[op]}{DOT}({left}, {right})")

    def _call(self, op: Op) -> None:
        verb, n_positional, b = op
        n_keyword, star = unpack_call(b)
        extra: list[str] = []
        if star:
            extra = self.pops(1 if self.bitmap else 2)
        pairs = self.pops(2 * n_keyword)
        positional = self.pops(n_positional)
        if verb == _V.CALL_METHOD:
            self.pop()
        called = self.pop()
        args: list[str] = list(positional)
        if star and self.bitmap:
            bits = int(extra[0], 0)
            args = [f"*star{DOT}({v})" if bits >> i & 1 else v for i, v in enumerate(positional)]
        elif star and extra[0] != NULL:
            args.append(f"*star{DOT}({extra[0]})")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            name = ast.literal_eval(key) if key[0] in "'\"" else ""
            if key == NULL:
                args.append(f"**double_star{DOT}({value})")
            elif is_plain(name):
                args.append(f"{name}={value}")
            else:
                args.append(f"**{{{key}: {value}}}")
        if star and not self.bitmap and extra[1] != NULL:
            args.append(f"**double_star{DOT}({extra[1]})")
        self.push(f"{called}({', '.join(args)})")

    def _make(self, child: int, b: int) -> None:
        n_closed, n_positional, n_keyword = unpack_defaults(b)
        cells = self.pops(n_closed)
        defaults, keyword_defaults = "None", "None"
        if n_positional or n_keyword:
            first, second = self.pops(2)
            defaults = "None" if first == NULL else first
            keyword_defaults = "None" if second == NULL else second
        values = ", ".join([GLOBALS, defaults, keyword_defaults, *cells])
        self.push_value(self.temp(f"{CHILDREN}[{child}]({values})"))
