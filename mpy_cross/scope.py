"""Scopes: which names a block uses, and where each of them lives.

A scope is filled while its block is lowered (every first mention of a name adds an `Id`, in order);
names that are only read become global for now.  After the whole file was walked, `Scope.settle`
numbers the locals.  The rules, their order included, decide local numbers and so bytes: they follow
MicroPython (manual 4.3.4).
"""

from __future__ import annotations

from enum import IntEnum
from typing import final

from mpy_cross.loader.ops import Emit, ScopeFlag
from mpy_cross.loader.release import Release


class ScopeKind(IntEnum):
    """What opened the scope; LAMBDA and above behave like functions."""

    MODULE = 0
    CLASS = 1
    LAMBDA = 2
    LIST_COMP = 3
    DICT_COMP = 4
    SET_COMP = 5
    GEN_EXPR = 6
    FUNCTION = 7


SIMPLE_NAMES = {
    ScopeKind.MODULE: b"<module>",
    ScopeKind.LAMBDA: b"<lambda>",
    ScopeKind.LIST_COMP: b"<listcomp>",
    ScopeKind.DICT_COMP: b"<dictcomp>",
    ScopeKind.SET_COMP: b"<setcomp>",
    ScopeKind.GEN_EXPR: b"<genexpr>",
}


class IdKind(IntEnum):
    """Where a name lives."""

    UNDECIDED = 0
    GLOBAL_IMPLICIT = 1  # only read so far
    GLOBAL_IMPLICIT_ASSIGNED = 2  # assigned in a class or module body
    GLOBAL_EXPLICIT = 3  # declared global, or read in a function
    LOCAL = 4
    CELL = 5  # a local that an inner scope uses
    FREE = 6  # belongs to an outer function


UNDECIDED = int(IdKind.UNDECIDED)
GLOBAL_IMPLICIT = int(IdKind.GLOBAL_IMPLICIT)
GLOBAL_IMPLICIT_ASSIGNED = int(IdKind.GLOBAL_IMPLICIT_ASSIGNED)
GLOBAL_EXPLICIT = int(IdKind.GLOBAL_EXPLICIT)
LOCAL = int(IdKind.LOCAL)
CELL = int(IdKind.CELL)
FREE = int(IdKind.FREE)

REFGLOBALS = int(ScopeFlag.REFGLOBALS)
VARARGS = int(ScopeFlag.VARARGS)

# Viper's casting operators are no references to globals.
CASTS = frozenset({b"int", b"uint", b"ptr", b"ptr8", b"ptr16", b"ptr32"})

PARAM = 1
STAR_PARAM = 2
DOUBLE_STAR_PARAM = 4


@final
class Id:
    """One name of a scope."""

    __slots__ = ("flags", "kind", "local_num", "name", "viper_type")

    def __init__(self, name: bytes, kind: int) -> None:
        self.name = name
        self.kind = kind
        self.flags = 0
        self.local_num = 0
        self.viper_type = 0
        """Type number of a parameter of a viper function."""


@final
class Scope:
    """The names of one block, in order of first mention."""

    __slots__ = (
        "closed",
        "emit",
        "flags",
        "func_like",
        "ids",
        "kind",
        "line",
        "n_def_pos_args",
        "n_kwonly_args",
        "n_locals",
        "n_pos_args",
        "name",
        "parent",
        "viper_return",
    )

    def __init__(
        self, kind: ScopeKind, name: bytes, parent: Scope | None, line: int, emit: Emit
    ) -> None:
        self.kind = kind
        self.name = name
        self.parent = parent
        self.line = line
        self.emit = emit
        self.func_like = kind >= ScopeKind.LAMBDA
        self.ids: dict[bytes, Id] = {}
        self.closed: list[Id] = []
        """Ids that inner scopes may close over (cells and free ones), once settled."""
        self.flags = 0
        self.n_pos_args = 0
        self.n_kwonly_args = 0
        self.n_def_pos_args = 0
        self.n_locals = 0
        self.viper_return = 0
        """Type number of the result of a viper function."""

    @property
    def is_comprehension(self) -> bool:
        return ScopeKind.LIST_COMP <= self.kind <= ScopeKind.GEN_EXPR

    def find_or_add(self, name: bytes, kind: int) -> Id:
        """The id called `name`; a new one gets `kind`."""
        ident = self.ids.get(name)
        if ident is None:
            ident = self.ids[name] = Id(name, kind)
        return ident

    def bind(self, name: bytes, release: Release) -> Id:
        """Note that `name` is assigned or deleted here."""
        ident = self.find_or_add(name, GLOBAL_IMPLICIT)
        if ident.kind == GLOBAL_IMPLICIT:
            if self.func_like:
                ident.kind = LOCAL
            elif release.class_assignment_hides:
                ident.kind = GLOBAL_IMPLICIT_ASSIGNED
        return ident

    def find_global(self, name: bytes) -> Id | None:
        """The id of that name in the module scope, if any."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope.ids.get(name)

    def close_over(self, ident: Id) -> None:
        """If an outer function has `ident` as a local, make it a free variable here."""
        outer = self.parent
        if outer is None:
            return
        name = ident.name
        while outer.parent is not None:
            found = outer.ids.get(name)
            if found is not None:
                if found.kind >= LOCAL:
                    ident.kind = FREE
                    self._close_over_in_parents(name)
                return
            outer = outer.parent

    def _close_over_in_parents(self, name: bytes) -> None:
        outer = self.parent
        while outer is not None:
            ident = outer.find_or_add(name, UNDECIDED)
            if ident.kind == UNDECIDED:
                ident.kind = FREE  # passes through this scope
            else:
                if ident.kind == LOCAL:
                    ident.kind = CELL
                return
            outer = outer.parent

    def close_over_implicit(self) -> None:
        """Decide for every name that was only read whether an outer function owns it."""
        for ident in list(self.ids.values()):
            if ident.kind == GLOBAL_IMPLICIT:
                self.close_over(ident)

    def settle(self) -> None:
        """Number parameters, locals, cells and free variables; call outer scopes first."""
        if self.flags & VARARGS:
            self._move_star_param_last()
        n_locals = 0
        idents = list(self.ids.values())
        in_class = self.kind == ScopeKind.CLASS
        viper = self.emit == Emit.VIPER
        for ident in idents:
            if in_class and ident.name == b"__class__":
                continue  # not a local; it becomes a cell if a method uses it
            if self.func_like and ident.kind == GLOBAL_IMPLICIT:
                ident.kind = GLOBAL_EXPLICIT
            if ident.kind == GLOBAL_EXPLICIT and not (viper and ident.name in CASTS):
                self.flags |= REFGLOBALS
            if ident.kind == LOCAL or ident.flags & PARAM:
                ident.local_num = n_locals
                n_locals += 1
        for ident in idents:
            if ident.kind == CELL and not ident.flags & PARAM:
                ident.local_num = n_locals
                n_locals += 1
        if self.parent is not None:
            n_free = 0
            for outer in self.parent.closed:
                inner = self.ids.get(outer.name)
                if inner is not None and inner.kind == FREE:
                    inner.local_num = n_free
                    n_free += 1
            if n_free:
                for ident in idents:
                    if ident.kind != FREE or ident.flags & PARAM:
                        ident.local_num += n_free
                self.n_pos_args += n_free
                n_locals += n_free
        self.n_locals = n_locals
        self.closed = [ident for ident in idents if ident.kind >= CELL]

    def _move_star_param_last(self) -> None:
        """`*args` takes the slot after the keyword-only parameters (but before `**kw`)."""
        order = list(self.ids.values())
        last_plain = -1
        for i in range(len(order) - 1, -1, -1):
            flags = order[i].flags
            if flags & STAR_PARAM:
                if last_plain >= 0:
                    order[i], order[last_plain] = order[last_plain], order[i]
                break
            # (a typed parameter of a viper function does not count, as in the reference)
            if last_plain < 0 and flags == PARAM and not order[i].viper_type:
                last_plain = i
        self.ids = {ident.name: ident for ident in order}

    def argument_names(self) -> list[bytes]:
        """The name of each argument slot, `*` for the slots of closed-over variables."""
        names = [b"*"] * (self.n_pos_args + self.n_kwonly_args)
        taken = [False] * len(names)
        for ident in self.ids.values():
            slot = ident.local_num
            if ident.flags & PARAM and slot < len(names) and not taken[slot]:
                names[slot] = ident.name
                taken[slot] = True
        return names

    def cells(self) -> list[int]:
        """Local numbers that the run-time turns into cells on entry."""
        return [ident.local_num for ident in self.ids.values() if ident.kind == CELL]
