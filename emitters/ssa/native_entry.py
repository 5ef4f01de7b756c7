"""Native functions: arguments, constants, children, for `build_native`."""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.native.values import BOOL, PTR_NONE, PYOBJ
from mpy_cross.emitters.ssa import ir
from mpy_cross.emitters.ssa.build import Builder, Target
from mpy_cross.emitters.ssa.ir import OBJ, Value
from mpy_cross.loader.fun_table import (
    CODE_STATE_FUN_BC,
    CODE_STATE_IP,
    CODE_STATE_N_STATE,
    CODE_STATE_WORDS,
    FUN_BC_CHILD_TABLE,
    Fun,
)
from mpy_cross.loader.objects import ConstValue
from mpy_cross.loader.ops import FunctionOps, Op, ScopeFlag, Verb

STAR_ARGUMENTS: Final = int(ScopeFlag.VARARGS | ScopeFlag.VARKEYWORDS)


class NativeEntry(Builder):
    """What a native function has around its operations."""

    __slots__ = ("child_places", "const_places", "has_loop", "late_children", "n_state")

    def __init__(self, function: FunctionOps, ops: list[Op], target: Target) -> None:
        super().__init__(function, ops, target, {})
        self.return_type = PYOBJ
        self.local_types = [PYOBJ] * len(self.local_types)
        self.ssa.tagged = True
        self.const_places: dict[int, int] = {}
        """Constant of the module -> place among those of the function."""
        self.child_places: dict[int, int] = {}
        self.late_children: list[Value] = []
        self.has_loop = False
        self.n_state = 1
        """Words that the run-time has for arguments and cells."""

    @property
    def n_args(self) -> int:
        return self.function.n_pos_args + self.function.n_kwonly_args

    def _enter(self) -> None:
        """Arguments: read where the caller has them if they are plain, else by the run-time.

        So they are in functions with loops: what the run-time takes for a call is little beside a
        loop, and a second way in is a tenth of a small function.
        """
        function = self.function
        n_given = self.block_value("livein", [], 1)
        n_keyword = self.block_value("livein", [], 2)
        args = self.block_value("livein", [], 3, "ptr")
        self._load_tables(self.n_args)
        body = self.new_block(False)
        n_locals = max(1, self.n_args + bool(function.flags & ScopeFlag.VARARGS)
                       + bool(function.flags & ScopeFlag.VARKEYWORDS))
        by_run_time = range(n_locals)
        simple = not (self.has_loop or function.n_kwonly_args or function.cells
                      or function.flags & STAR_ARGUMENTS)
        if simple:
            by_run_time = range(function.n_pos_args)
            direct, slow = self.new_block(), self.new_block()
            slow.is_cold = True
            n_args = function.n_pos_args
            wrong = n_given
            if n_args:
                wrong = self.block_value("sub", [n_given, self.const(n_args)])
            wrong = self.block_value("or", [wrong, n_keyword])
            self.branch("eq", wrong, self.const(0), direct, slow)
            self.block = direct
            for i in range(n_args):
                self.set_local(i, self.field(args, i, OBJ))
            self.jump(body)
            self.block = slow
        n_state = self.n_state = max([n_locals, *(cell + 1 for cell in function.cells)])
        self.ssa.n_frame = max(self.ssa.n_frame, CODE_STATE_WORDS + n_state)
        self.block_value("putframe", [self.fun_obj], CODE_STATE_FUN_BC)
        if not self.release.native_tables:
            self.block_value("putframe", [self.block_value("prelude", [])], CODE_STATE_IP)
        elif not self.release.native_prelude_word:
            # The prelude stands behind the children; without any it is what would be their table.
            prelude = self.field(self.fun_obj, FUN_BC_CHILD_TABLE)
            place = self._all_children()
            if place:
                prelude = self.field(prelude, place)
            self.block_value("putframe", [prelude], CODE_STATE_IP)
        self.block_value("putframe", [self.const(n_state)], CODE_STATE_N_STATE)
        self.call(Fun.SETUP_CODE_STATE,
                  [self.block_value("frame", [], 0, "ptr"), n_given, n_keyword, args], ir.INT)
        last = CODE_STATE_WORDS + n_state - 1
        known = {i: self.block_value("getframe", [], last - i, OBJ)
                 for i in sorted({*by_run_time, *function.cells})}
        for i, value in known.items():  # locals in the frame may be where the state was
            self.set_local(i, value)
        self.jump(body)
        self.variables.closed.add(body)
        self.block = body
        if self.handler:
            self._enter_handler()

    def _all_children(self) -> int:
        """How many children the function makes; gives them their places."""
        for verb, child, _ in self.ops:
            if verb in (Verb.MAKE_FUNCTION, Verb.MAKE_CLOSURE):
                self.child_index(child)
        return len(self.made)

    def child_index(self, child: int) -> int:
        place = self.child_places.get(child)
        if place is None:
            place = self.child_places[child] = len(self.made)
            self.made.append(child)
        return place

    def load_child(self, child: int) -> Value:
        """The raw code of a child."""
        place = self.child_index(child)
        if self.const_table is None:
            return self.field(self.field(self.fun_obj, FUN_BC_CHILD_TABLE), place)
        value = self.field(self.const_table, self.n_args + 1 + place)
        self.late_children.append(value)
        return value

    def load_const(self, index: int) -> Value:
        """Constant `index` of the module."""
        if self.const_table is None:
            return self.load_object(self.linker.const(index))
        place = self.const_places.get(index)
        if place is None:
            place = self.const_places[index] = self._add_const(self.linker.const(index))
        return self.field(self.const_table, self.n_args + 1 + place, OBJ)

    def load_object(self, value: ConstValue) -> Value:
        if self.const_table is None:
            return super().load_object(value)
        return self.field(self.const_table, self.n_args + 1 + self._add_const(value), OBJ)

    def _add_const(self, value: ConstValue) -> int:
        self.module_consts.append(value)
        return len(self.module_consts) - 1

    def to_object(self, vtype: int, value: Value) -> Value:
        if vtype == BOOL:
            yes = self.field(self.fun_table, Fun.CONST_TRUE_OBJ, OBJ)
            no = self.field(self.fun_table, Fun.CONST_FALSE_OBJ, OBJ)
            cond, x, y = "ne", value, None
            if value.op in ir.CONDITIONS:
                cond, (x, y) = value.op, value.args
            zero = self.const(0) if y is None else y
            return self.block_value("select", [x, zero, yes, no], ir.CONDITIONS.index(cond), OBJ)
        if vtype == PTR_NONE:
            return self.field(self.fun_table, Fun.CONST_NONE_OBJ, OBJ)
        return value

    def place_children(self) -> None:
        """Version 5: children stand behind all constants, which are all known now."""
        for value in self.late_children:
            value.imm += 4 * len(self.module_consts)
