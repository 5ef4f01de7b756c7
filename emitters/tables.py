"""The qstr and object tables of a version 6 file."""

from __future__ import annotations

from typing import final

from mpy_cross.loader.objects import ConstKey, ConstValue, strict_key
from mpy_cross.loader.ops import ConstToken, Emit, FunctionOps, ModuleOps, Verb

ASYNC_WITH_SETUP_FINALLY = int(Verb.ASYNC_WITH_SETUP_FINALLY)
LOAD_CONST_OBJ = int(Verb.LOAD_CONST_OBJ)
LOAD_CONST_TOK = int(Verb.LOAD_CONST_TOK)
LOAD_GLOBAL = int(Verb.LOAD_GLOBAL)
ELLIPSIS = int(ConstToken.ELLIPSIS)

# Verbs whose name (operand a) is known before identifiers are resolved.
EARLY_NAMES = {
    int(verb)
    for verb in (
        Verb.LOAD_CONST_STR,
        Verb.LOAD_METHOD,
        Verb.LOAD_ATTR,
        Verb.STORE_ATTR,
        Verb.DELETE_ATTR,
        Verb.IMPORT_NAME,
        Verb.IMPORT_FROM,
    )
}
IDENTIFIERS = {
    int(verb)
    for verb in (
        Verb.LOAD_NAME,
        Verb.LOAD_GLOBAL,
        Verb.STORE_NAME,
        Verb.STORE_GLOBAL,
        Verb.DELETE_NAME,
        Verb.DELETE_GLOBAL,
    )
}


@final
class Tables:
    """The qstr and object tables of a version 6 file, numbered by first use.

    The reference's first walk over all scopes already interns everything but identifiers and
    argument names; `Tables` does so when it is made.  Those come in the later walks, function by
    function: `use_identifiers` for bytecode, the native emitters by themselves (for which this is a
    `Linker`).
    """

    __slots__ = ("const_index", "ellipsis", "keys", "module", "name_index", "names", "objects")

    def __init__(self, module: ModuleOps) -> None:
        self.module = module
        self.names: list[int] = []
        self.name_index = [-1] * len(module.names)
        self.objects: list[ConstValue] = []
        self.const_index = [0] * len(module.consts)
        self.keys: dict[ConstKey, int] = {}
        self.ellipsis = -1
        self.use_name(module.source_file)
        for function in module.functions:
            if function.emit == Emit.ASM:  # another walk, which has no use for its name
                continue
            self.use_name(function.name)
            self._use_early(function, module.consts)

    def use_name(self, name: int) -> int:
        """The index of a name in the qstr table, added if it is new."""
        index = self.name_index[name]
        if index < 0:
            index = self.name_index[name] = len(self.names)
            self.names.append(name)
        return index

    def use_const(self, value: ConstValue) -> int:
        """The index of a constant in the object table, added if it is new."""
        key = strict_key(value)
        index = self.keys.get(key)
        if index is None:
            index = self.keys[key] = len(self.objects)
            self.objects.append(value)
        return index

    def use_identifiers(self, function: FunctionOps) -> None:
        """Intern what a bytecode function names besides what is known already."""
        for name in function.arg_names:
            self.use_name(name)
        name_index = self.name_index
        for verb, a, _ in function.ops:
            if verb in IDENTIFIERS and name_index[a] < 0:
                self.use_name(a)

    def const(self, index: int) -> ConstValue:
        """A constant of the module."""
        return self.module.consts[index]

    def name_text(self, name: int) -> bytes:
        """A name of the module."""
        return self.module.names[name]

    def name_index_of(self, text: bytes) -> int:
        """The index among the module's names of one that only the emitter needs."""
        names = self.module.names
        if text not in names:
            names.append(text)
            self.name_index.append(-1)
        return names.index(text)

    def _use_early(self, function: FunctionOps, consts: list[ConstValue]) -> None:
        for verb, a, b in function.ops:
            if verb in EARLY_NAMES:
                self.use_name(a)
            elif verb == LOAD_CONST_OBJ:
                self.const_index[a] = self.use_const(consts[a])
            elif verb == LOAD_GLOBAL:
                if b:
                    self.use_name(a)
            elif verb == ASYNC_WITH_SETUP_FINALLY:
                self.use_name(b)
            elif verb == LOAD_CONST_TOK and a == ELLIPSIS:
                self.ellipsis = self.use_const(Ellipsis)
