"""The settings for one function, with what the comment behind its decorator asks for.

    @micropython.viper  # mpy: opt=2, checks
    @micropython.viper  # mpy: inline
    @micropython.viper  # mpy: direct

`opt=LEVEL` is for this function what `-X opt` is for all, `checks` what `-X viper-checks` is.
`inline` puts the function in the place of its calls (`inline`), `direct` makes its calls jump to
code of its own (`direct`).
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.inline import candidates
from mpy_cross.emitters.ssa.settings import CHECKS, DIRECT, INLINE, OPT, Optimise, constant_defaults
from mpy_cross.loader.ops import Emit, FunctionOps, ModuleOps


def settings_of(function: FunctionOps, module: ModuleOps, settings: Optimise) -> Optimise:
    """The settings for one function; level "0" if it is left to the baseline."""
    directives = module.directives if settings.directives else {}
    for word in directives.get(function.line, ()):
        if word.startswith(OPT):
            settings = settings._replace(level=word[len(OPT) :], only=())
        elif word == CHECKS:
            settings = settings._replace(viper_checks=True)
    if not settings.wants(module.names[function.name].decode("utf-8", "replace")):
        return settings._replace(level="0")
    if function.emit == Emit.VIPER and not settings.strict:
        if function.n_def_pos_args:
            place = module.functions.index(function)
            settings = settings._replace(defaults=constant_defaults(module, place))
        if not settings.inlined and any(
            INLINE in words or DIRECT in words for words in directives.values()
        ):
            settings = settings._replace(inlined=candidates(module, settings.notes))
    return settings
