"""A viper function from its arguments to its return, for `build`."""

from __future__ import annotations

from typing import final

from mpy_cross.emitters.native.values import BOOL, PYOBJ
from mpy_cross.emitters.ssa import bounds, direct, inline, ir
from mpy_cross.emitters.ssa.build import MAX_LOCALS, MAX_OPS, USE_GLOBALS, Builder
from mpy_cross.emitters.ssa.ir import OBJ, TYPES, Function, Value
from mpy_cross.emitters.ssa.settings import Unsupported
from mpy_cross.loader.fun_table import Fun
from mpy_cross.loader.ops import ConstToken, Op, ScopeFlag, Verb


@final
class ViperBuilder(Builder):
    """Builds one viper function."""

    __slots__ = ()

    def build(self) -> Function:
        """The whole function.  Raises Unsupported."""
        function = self.function
        if len(self.ops) > MAX_OPS or function.n_locals > MAX_LOCALS:
            raise Unsupported(f"{len(self.ops)} operations, {function.n_locals} locals")
        if function.n_kwonly_args or function.flags & (
            ScopeFlag.GENERATOR | ScopeFlag.VARARGS | ScopeFlag.VARKEYWORDS
        ) or function.cells:
            raise Unsupported("this kind of arguments or variables")
        target = self.target
        self.handler = any(
            inline.needs_globals(ops, target.inlined, self.linker, USE_GLOBALS)
            for ops in self._all_ops())
        if target.checks and any(
            bounds.makes_pointers(params, ops, self.linker)
            for params, ops in ((function.viper_params, self.ops), *(
                (one.function.viper_params, one.ops)
                for one in inline.reached(self.ops, target.inlined)))
        ):
            self.limits = {}
        self._make_frame()
        self._enter()
        own = target.inlined.get(function.name)
        if own is not None and own.function is function and any(
            one is own for one in inline.reached(self.ops, target.inlined)
        ):
            direct.forward(self, own)
        else:
            self.walk()
        if self.block.term == ir.OPEN:
            self.block.term = ir.DEAD
        self._leave()
        self.variables.finish()
        return self.ssa

    def walk(self) -> None:
        """What the operations do.  Raises Unsupported."""
        for op in self.ops:
            verb = self.verbs.get(op[0])
            if verb is None:
                raise Unsupported(Verb(op[0]).name.lower())
            verb(self, op)

    def _all_ops(self) -> list[list[Op]]:
        """The operations, and those of the functions that are inlined."""
        return [self.ops, *(one.ops for one in inline.reached(self.ops, self.target.inlined))]

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
        return self.to_native(value, vtype)

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
        if self.limits is not None and first in self.limits:
            limit = self.ssa.new_value("phi", ir.INT, [
                self.limits[first], self.ssa.const(absent, bounds.UNLIMITED)], 0, after)
            after.phis.append(limit)
            self.limits[value] = limit
        self.set_local(i, value)
