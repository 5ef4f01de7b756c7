"""What the user wants optimised, and how: `-X opt=`, `-X opt-only=`, `--dump=ssa`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, final

from mpy_cross.loader.ops import ConstToken, ModuleOps, Op, Verb

if TYPE_CHECKING:
    from mpy_cross.emitters.ssa.inline import Inlined

LEVELS: Final = ("0", "1", "2", "s")
"""Levels as `-X opt` names them: none, what makes code shorter and faster at once, everything,
everything that does not make code longer."""

# Words of the comment behind a decorator, `# mpy: opt=2, checks, inline`, `# mpy: direct`.
OPT: Final = "opt="
CHECKS: Final = "checks"
INLINE: Final = "inline"
DIRECT: Final = "direct"


NO_NAME: Final = -1


@final
class Unsupported(Exception):
    """This function is left to the baseline; the text says why."""

    def __init__(self, reason: str, name: int = NO_NAME) -> None:
        """`name`: of a function that cannot be inlined or called directly here."""
        super().__init__(reason)
        self.name = name


@final
class Optimise(NamedTuple):
    """Settings of the optimising back end."""

    level: str = "0"
    only: tuple[str, ...] = ()
    """Names of the functions to optimise; empty for all."""
    strict: bool = False
    """Only programs that the reference accepts."""
    n_registers: int = 0
    """Use only so many registers, to test spilling; 0 for all."""
    check: bool = False
    """Verify the SSA form after each pass."""
    viper_checks: bool = False
    """Subscripts of pointers are checked in the functions that are optimised."""
    defaults: tuple[Op, ...] = ()
    """Of the function being compiled: the operations that load the default values of its last
    arguments, if all are constants that viper can have as defaults."""
    directives: bool = True
    """Comments behind decorators are heeded."""
    inlined: Mapping[int, Inlined] = MappingProxyType({})
    """Functions of the module that are put in the place of their calls, or called directly, by
    name."""
    record: list[tuple[str, str, str]] | None = None
    """Takes (stage, function, text) of every function that is optimised, for `--dump`."""
    notes: list[str] | None = None
    """Takes a line for every function that is left to the baseline."""

    def wants(self, name: str) -> bool:
        """Whether a function of this name is to be optimised."""
        return self.level != "0" and (not self.only or name in self.only)


def constant_defaults(module: ModuleOps, function: int) -> tuple[Op, ...]:
    """The operations that load the default values of `functions[function]`; none if some value is
    no small int, None, True or False."""
    made = module.functions[function]
    for outer in module.functions:
        for child, inner in enumerate(outer.children):
            if inner is made:
                return _defaults_of(outer.ops, child, made.n_def_pos_args)
    return ()


def _defaults_of(ops: list[Op], child: int, n: int) -> tuple[Op, ...]:
    for i, op in enumerate(ops):
        if op[0] in (Verb.MAKE_FUNCTION, Verb.MAKE_CLOSURE) and op[1] == child:
            loads = [load for load in ops[:i] if load[0] != Verb.LINE]
            while loads and loads[-1][0] != Verb.BUILD_TUPLE:
                loads.pop()  # the cells of a closure
            loads = loads[-1 - n : -1]
            if len(loads) == n and all(
                load[0] == Verb.LOAD_CONST_SMALL_INT
                or (load[0] == Verb.LOAD_CONST_TOK and load[1] != ConstToken.ELLIPSIS)
                for load in loads
            ):
                return tuple(loads)
    return ()
