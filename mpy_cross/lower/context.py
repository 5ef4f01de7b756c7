"""What the lowering carries with it: the scope at hand, its operations, labels and loop targets.

The functions that lower a kind of node stand in `expressions`, `assignment`, `statements` and
`definitions`; each is `lower_x(c: Context, node)`.  `Context.visit` finds the right one by the
node's class.

Symbolic operations
-------------------
Where an identifier lives is known only after the whole file was walked.  Until then the stream
holds operations with verbs from SYMBOLIC up, which `resolve` replaces.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, final

from mpy_cross.errors import CompileError
from mpy_cross.loader.objects import ConstValue
from mpy_cross.loader.ops import Emit, FunctionOps, ModuleOps, Op, ScopeFlag, Verb, pack_defaults
from mpy_cross.options import CompileOptions
from mpy_cross.scope import PARAM, Scope, ScopeKind
from mpy_cross.tree import (
    ClassDef,
    Comprehension,
    Expr,
    FuncDef,
    Lambda,
    Node,
    Stmt,
)

LABEL = int(Verb.LABEL)
LINE = int(Verb.LINE)
STATEMENT_END = int(Verb.STATEMENT_END)
END_FINALLY = int(Verb.END_FINALLY)
RETURN_VALUE = int(Verb.RETURN_VALUE)
GENERATOR = int(ScopeFlag.GENERATOR)
DEFKWARGS = int(ScopeFlag.DEFKWARGS)
USES_GLOBALS_AND_CONSTS = int(ScopeFlag.REFGLOBALS | ScopeFlag.HASCONSTS)

SYMBOLIC = 100
LOAD_ID = 100  # a: name
STORE_ID = 101  # a: name
DELETE_ID = 102  # a: name
STORE_ID_IN_PARENT = 103  # a: name; stored as the enclosing scope would
LOAD_FIRST_PARAM = 104  # the first parameter in its final order
LOAD_CLASS_CELL = 105  # a: name __class__; the cell, or None when no method needs it
MAKE = 106  # a: child, b: pack_defaults(0, positional, keyword)

NO_LOOP = -1

ScopeNode: TypeAlias = "Stmt | FuncDef | ClassDef | Lambda | Comprehension | None"
Visitor: TypeAlias = Callable[["Context", Any], None]


@final
class Pending:
    """A scope that was met and still has to be walked."""

    __slots__ = ("children", "function", "node", "scope", "symbols")

    def __init__(self, scope: Scope, node: ScopeNode, function: FunctionOps) -> None:
        self.scope = scope
        self.node = node
        self.function = function
        self.children: list[Pending] = []
        self.symbols: dict[tuple[int, bytes], Op] = {}


@final
class Context:
    """The state of the lowering of one file; `enter` moves it to the next scope."""

    __slots__ = (
        "break_from_for",
        "break_label",
        "continue_label",
        "current",
        "except_level",
        "function",
        "last_line",
        "loop_except_level",
        "module",
        "n_blocks",
        "n_labels",
        "name_index",
        "ops",
        "options",
        "pending_error",
        "queue",
        "release",
        "scope",
        "symbols",
        "visitors",
    )

    def __init__(
        self, module: ModuleOps, options: CompileOptions, visitors: dict[type, Visitor]
    ) -> None:
        self.module = module
        self.options = options
        self.release = options.release
        self.visitors = visitors
        self.name_index: dict[bytes, int] = {}
        self.queue: list[Pending] = []
        self.pending_error: CompileError | None = None
        self.ops: list[Op] = []
        self.last_line = 1
        self.n_labels = 0
        self.n_blocks = 0
        """Lists of statements or items met so far."""
        self.break_label = NO_LOOP
        self.break_from_for = 0
        self.continue_label = NO_LOOP
        self.except_level = 0
        self.loop_except_level = 0

    def enter(self, pending: Pending) -> None:
        """Make `pending` the scope that is recorded from here on."""
        self.current = pending
        self.scope = pending.scope
        self.function = pending.function
        self.ops = pending.function.ops
        self.symbols = pending.symbols
        self.last_line = 1
        self.n_labels = 0
        self.reserve_labels(6)

    def open_scope(
        self, kind: ScopeKind, name: bytes, line: int, node: ScopeNode, emit: Emit
    ) -> Scope:
        """Queue a scope of its own for `node`; it becomes the newest child of this one."""
        scope = Scope(kind, name, self.scope, line, emit)
        function = FunctionOps(self.name(name), emit=emit)
        pending = Pending(scope, node, function)
        self.queue.append(pending)
        self.current.children.append(pending)
        self.function.children.append(function)
        return scope

    def make(self, scope: Scope, n_pos_defaults: int, n_kw_defaults: int) -> None:
        """Record the creation of the newest child, whose defaults are on the stack."""
        if n_kw_defaults > 0:
            scope.flags |= DEFKWARGS
        scope.n_def_pos_args = n_pos_defaults
        self.scope.flags |= USES_GLOBALS_AND_CONSTS
        children = self.current.children
        index = len(children) - 1
        while children[index].scope is not scope:  # a default value may have made inner ones
            index -= 1
        self.ops.append((MAKE, index, pack_defaults(0, n_pos_defaults, n_kw_defaults)))

    # ------------------------------------------------------------------------------- visiting

    def visit(self, node: Node) -> None:
        """Lower one node, noting its line."""
        line = node.line
        if line > self.last_line:
            self.last_line = line
            self.ops.append((LINE, line, 0))
        self.visitors[node.__class__](self, node)

    def visit_all(self, nodes: list[Any]) -> None:
        """Lower a list of nodes; an error without a line gets that of the node at hand."""
        native = self.scope.emit != Emit.BYTECODE
        block = self.n_blocks
        self.n_blocks += 1
        for node in nodes:
            self.visit(node)
            if self.pending_error is not None:
                self.pending_error.line = self.pending_error.line or node.line
                if self.pending_error.line:
                    raise self.pending_error
                return
            if native:
                self.ops.append((STATEMENT_END, node.line, block))

    def visit_optional(self, node: Stmt | Expr | None) -> None:
        """Lower a node that may be missing."""
        if node is not None:
            self.visit(node)

    def line(self, line: int) -> None:
        """Note the source line of what follows; lines never go back."""
        if line > self.last_line:
            self.last_line = line
            self.ops.append((LINE, line, 0))

    # ------------------------------------------------------------------------------- recording

    def emit(self, verb: int, a: int = 0, b: int = 0) -> None:
        """Record one operation."""
        self.ops.append((verb, a, b))

    def name(self, name: bytes) -> int:
        """The index of `name` in the module's name table."""
        index = self.name_index.get(name)
        if index is None:
            index = self.name_index[name] = len(self.module.names)
            self.module.names.append(name)
        return index

    def const(self, value: ConstValue) -> None:
        """Record the load of a constant object."""
        consts = self.module.consts
        self.ops.append((Verb.LOAD_CONST_OBJ, len(consts), 0))
        consts.append(value)

    def reserve_labels(self, n: int) -> None:
        """Leave the next `n` labels to the native emitter.

        Before the first operation of a function and after each one that needs some.
        """
        if self.function.emit != Emit.BYTECODE:
            self.function.reserved_labels.append(self.n_labels)
            self.n_labels += n

    def new_label(self) -> int:
        label = self.n_labels
        self.n_labels = label + 1
        return label

    def place(self, label: int) -> None:
        self.ops.append((LABEL, label, 0))

    def just_returned(self) -> bool:
        """Whether the last operation was a return (lines do not count)."""
        ops = self.ops
        i = len(ops) - 1
        while i >= 0 and ops[i][0] in (LINE, STATEMENT_END):
            i -= 1
        return i >= 0 and ops[i][0] == RETURN_VALUE

    # ----------------------------------------------------------------------------- identifiers

    def load_id(self, name: bytes) -> None:
        op = self.symbols.get((LOAD_ID, name))
        if op is None:
            op = self._new_symbol(LOAD_ID, name)
            self.scope.find_or_add(name, 1)  # IdKind.GLOBAL_IMPLICIT
        self.ops.append(op)

    def store_id(self, name: bytes) -> None:
        op = self.symbols.get((STORE_ID, name))
        if op is None:
            op = self._new_symbol(STORE_ID, name)
            self.scope.bind(name, self.release)
        self.ops.append(op)

    def delete_id(self, name: bytes) -> None:
        op = self.symbols.get((DELETE_ID, name))
        if op is None:
            op = self._new_symbol(DELETE_ID, name)
            self.scope.bind(name, self.release)
        self.ops.append(op)

    def _new_symbol(self, verb: int, name: bytes) -> Op:
        op = self.symbols[verb, name] = (verb, self.name(name), 0)
        return op

    def first_parameter(self) -> bool:
        """Whether the scope has a parameter (`super()` loads the first)."""
        return any(ident.flags & PARAM for ident in self.scope.ids.values())

    # --------------------------------------------------------------------------------- blocks

    def begin_block(self, verb: int, label: int) -> None:
        """Enter a try, with or finally block: SETUP_*."""
        self.ops.append((verb, label, 0))
        self.except_level += 1
        if self.except_level > self.function.exc_stack_size:
            self.function.exc_stack_size = self.except_level

    def end_block(self) -> None:
        """Leave it: END_FINALLY."""
        self.except_level -= 1
        self.ops.append((END_FINALLY, 0, 0))
        self.reserve_labels(1)

    def begin_loop(self) -> tuple[int, int, int, int]:
        """Make new break and continue labels the current ones; returns what `end_loop` wants."""
        saved = (
            self.break_label,
            self.break_from_for,
            self.continue_label,
            self.loop_except_level,
        )
        self.break_label = self.new_label()
        self.break_from_for = 0
        self.continue_label = self.new_label()
        self.loop_except_level = self.except_level
        return saved

    def end_loop(self, saved: tuple[int, int, int, int]) -> None:
        """Go back to the labels of the loop around."""
        self.break_label, self.break_from_for, self.continue_label, self.loop_except_level = saved

    def mark_generator(self) -> None:
        self.scope.flags |= GENERATOR

    def unsupported(self, line: int, message: str) -> CompileError:
        """Something that MicroPython can and we cannot."""
        return CompileError("NotImplementedError", message, line=line)

    def fail(self, node: Node | None, message: str) -> None:
        """Report the SyntaxError `message` at `node`.  See `fail_at`."""
        self.fail_at(0 if node is None else node.line, message)

    def fail_at(self, line: int, message: str, kind: str = "SyntaxError") -> None:
        """Report an error of the program: raise it if its line is known, else remember it.

        The reference goes on after an error; one at a leaf, which has no line, gets the line of
        whatever statement or list item ends next, even one after the culprit.  So the caller has
        to return (with the stack in any state) and `visit_all` supplies the line.
        """
        if self.pending_error is not None:
            return
        error = CompileError(kind, message, line=line)
        if line:
            raise error
        self.pending_error = error
