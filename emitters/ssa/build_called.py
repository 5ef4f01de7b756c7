"""Viper functions that the run-time calls as it calls native ones.

Variables that inner functions share, default values that are computed, keyword and starred
arguments: for native functions the run-time sees to all of them before the code begins, at 140 to
185 instructions for a call.  So a viper function that has such things is written as native code
and begins as that does; then its arguments become what their types say.

What is in a cell is an object.  A shared variable keeps its type all the same: it is converted
where the function reads it or assigns to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, final

from mpy_cross.emitters.native.values import PYOBJ, UNBOUND
from mpy_cross.emitters.ssa import bounds
from mpy_cross.emitters.ssa.build import MAX_LOCALS, MAX_OPS, USE_GLOBALS, Builder, Target, Verbs
from mpy_cross.emitters.ssa.inline import needs_globals, reached
from mpy_cross.emitters.ssa.ir import DEAD, OBJ, OPEN, Function, Value
from mpy_cross.emitters.ssa.native_entry import STAR_ARGUMENTS, NativeEntry
from mpy_cross.emitters.ssa.settings import Optimise, Unsupported
from mpy_cross.loader.ops import FunctionOps, Op, ScopeFlag, Verb

MAKES: Final = (int(Verb.MAKE_FUNCTION), int(Verb.MAKE_CLOSURE))


def is_called_as_native(function: FunctionOps, settings: Optimise) -> bool:
    """Whether a viper function has what only native functions are called with."""
    return not settings.strict and not function.flags & ScopeFlag.GENERATOR and bool(
        function.cells or function.n_kwonly_args or function.flags & STAR_ARGUMENTS
        or (function.n_def_pos_args and not settings.defaults)
        or any(op[0] in MAKES for op in function.ops)
    )


@final
class CalledBuilder(NativeEntry):
    """Builds one such function."""

    __slots__ = ()

    def __init__(
        self, function: FunctionOps, ops: list[Op], target: Target, verbs: Mapping[int, Verbs]
    ) -> None:
        super().__init__(function, ops, target)
        self.verbs = verbs
        self.ssa.tagged = False
        self.has_loop = True  # arguments come from the run-time
        self.return_type = function.viper_return
        n_params = self.n_args + bool(function.flags & ScopeFlag.VARARGS) + bool(
            function.flags & ScopeFlag.VARKEYWORDS)
        self.local_types = [PYOBJ] * n_params + [UNBOUND] * max(0, function.n_locals - n_params)
        for cell in function.cells:
            self.local_types[cell] = PYOBJ
            self.cell_types[cell] = function.viper_params.get(cell, UNBOUND)

    def build(self) -> Function:
        """The whole function.  Raises Unsupported."""
        function = self.function
        if len(self.ops) > MAX_OPS or function.n_locals > MAX_LOCALS:
            raise Unsupported(f"{len(self.ops)} operations, {function.n_locals} locals")
        if function.flags & ScopeFlag.VARARGS and any(
            vtype != PYOBJ and local >= function.n_pos_args
            for local, vtype in function.viper_params.items()
        ):
            # The compiler of the reference gives them other places than the run-time does.
            raise Unsupported("keyword arguments with a type behind starred ones")
        target = self.target
        inner = reached(self.ops, target.inlined)
        self.handler = any(needs_globals(ops, target.inlined, self.linker, USE_GLOBALS)
                           for ops in (self.ops, *(one.ops for one in inner)))
        if target.checks and any(
            bounds.makes_pointers(one.viper_params, ops, self.linker)
            for one, ops in ((function, self.ops), *((one.function, one.ops) for one in inner))
        ):
            self.limits = {}
        self._make_frame()
        self._enter()
        for local, vtype in function.viper_params.items():
            if vtype != PYOBJ and local not in self.cell_types:
                value = self.to_native(self.local_value(local, OBJ), vtype)
                self.local_types[local] = vtype
                self.set_local(local, value)
        for op in self.ops:
            verb = self.verbs.get(op[0])
            if verb is None:
                raise Unsupported(Verb(op[0]).name.lower())
            verb(self, op)
        if self.block.term == OPEN:
            self.block.term = DEAD
        self._leave()
        self.variables.finish()
        self.place_children()
        return self.ssa

    def to_object(self, vtype: int, value: Value) -> Value:
        return Builder.to_object(self, vtype, value)
