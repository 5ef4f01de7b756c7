"""The parts of a piece of code: functions that are called directly, for `direct`."""

from __future__ import annotations

from typing import final

from mpy_cross.emitters.native.values import INT, PYOBJ
from mpy_cross.emitters.ssa import direct, ir, tail_calls
from mpy_cross.emitters.ssa.build import MAX_LOCALS, Builder
from mpy_cross.emitters.ssa.inline import Inlined, parameter_types
from mpy_cross.emitters.ssa.ir import ENVIRONMENT, OBJ, TYPES, Function
from mpy_cross.emitters.ssa.settings import Unsupported
from mpy_cross.loader.ops import Verb


@final
class PartBuilder(Builder):
    """Builds one part.  The globals are the module's: whoever calls a part has seen to it."""

    __slots__ = ("n_words", "root")

    def __init__(self, one: Inlined, root: Builder) -> None:
        super().__init__(one.function, one.ops, root.target, root.verbs)
        self.root = root
        self.n_words = 0
        self.ssa.name = f"{root.ssa.name}.{self.ssa.name}"
        self.module_consts = root.module_consts
        self.made = root.made
        self.parts = root.parts
        self.limits = None if root.limits is None else {}
        self.fun_obj.imm = ENVIRONMENT
        if one.returns_none:
            self.return_type = INT

    def build(self) -> Function:
        """The whole function.  Raises Unsupported."""
        function = self.function
        if function.n_locals > MAX_LOCALS:
            raise Unsupported(f"{function.n_locals} locals")
        self._make_frame()
        self.n_words = direct.parameters(self, parameter_types(function))
        self._load_tables(self.root.table_place)
        for op in self.ops:
            verb = self.verbs.get(op[0])
            if verb is None:
                raise Unsupported(Verb(op[0]).name.lower())
            verb(self, op)
        if self.block.term == ir.OPEN:
            self.block.term = ir.DEAD
        self._leave()
        self.variables.finish()
        return self.ssa

    def _leave(self) -> None:
        """The end that all returns share."""
        if self.exit is None:
            return
        wanted = self.return_type
        self.variables.closed.add(self.exit)
        vtype = OBJ if wanted == PYOBJ else TYPES[wanted]
        result = self.ssa.new_value("phi", vtype, self.exit_args, 0, self.exit)
        self.exit.phis.append(result)
        self.exit.term = ir.RETURN
        self.exit.targs = [result]


def parts_of(root: Builder) -> list[Function]:
    """The parts that a function calls, and those that they call, by their numbers.

    Raises Unsupported.
    """
    made: list[Function] = []
    while len(made) < len(root.parts):
        direct.check_size(root)
        name = list(root.parts)[len(made)]
        one = root.target.inlined[name]
        builder = PartBuilder(one, root)
        made.append(builder.build())
        tail_calls.run(made[-1], len(made) - 1, builder.n_words, one.returns_none)
    return made
