"""Code of a program: from a .mpy file to functions of the host."""

from __future__ import annotations

from typing import Any, Final, final

from mpy_cross.emulator.runtime import locked_heap
from mpy_cross.emulator.runtime.arguments import program_mark
from mpy_cross.emulator.runtime.flow import FlowError
from mpy_cross.emulator.runtime.function_text import text_of
from mpy_cross.emulator.runtime.translate import Translation, translate
from mpy_cross.emulator.runtime.types import MARK
from mpy_cross.loader.decode import decode
from mpy_cross.loader.mpyfile import MpyFile, RawCode
from mpy_cross.loader.objects import ConstValue, Str
from mpy_cross.loader.ops import Emit, FunctionOps, ScopeFlag, Verb

MACHINE_CODE: Final = "machine_code\u00b7"
"""Name of what gives the bridge to machine code."""
FACTORY: Final = "factory\u00b7"


@final
class Code:
    """A loaded file: its functions, and what they share."""

    __slots__ = (
        "__weakref__",
        "_made",
        "_raw",
        "bitmap",
        "builtins",
        "consts",
        "float_type",
        "locks_heap",
        "mpy",
        "names",
        "protos",
        "root",
        "source_file",
    )

    def __init__(self, mpy: MpyFile, builtins: dict[str, Any], float_type: type[float]) -> None:
        """`builtins` are the names that all its functions see.  Raises MpyError."""
        decoded = decode(mpy)
        module = decoded.module
        self.builtins = builtins
        self.float_type = float_type
        self.names = module.names
        self._made: dict[int, Any] = {}
        """Constants as objects, by the identity of what the file has."""
        self.mpy = mpy
        self._raw = {
            id(function): raw
            for function, raw in zip(module.functions, decoded.codes, strict=True)
            if function.emit != Emit.BYTECODE
        }
        self.consts = module.consts
        self.bitmap = mpy.release.mpy_version >= 6
        self.locks_heap = locked_heap.NAME in module.names
        """Whether the heap may be locked while its functions run."""
        self.source_file = text_of(module.names[module.source_file]) if module.names else ""
        self.protos: dict[int, Proto] = {}
        self.root = self._proto(module.functions[0])
        self._raw.clear()

    def _proto(self, function: FunctionOps) -> Proto:
        children = [self._proto(child) for child in function.children]
        return Proto(self, function, children, self._raw.get(id(function)))

    def constant(self, value: ConstValue) -> Any:
        """A constant of the file as an object of the run-time."""
        if isinstance(value, Str):
            return text_of(value.data)
        if isinstance(value, tuple):
            made = self._made.get(id(value))
            if made is None:
                made = self._made[id(value)] = tuple([self.constant(item) for item in value])
            return made
        if isinstance(value, complex):
            return complex(value)
        if isinstance(value, float):
            return self.float_type(value)
        return value


@final
class Proto:
    """A function before it has globals, defaults and cells; calling it makes the function."""

    __slots__ = ("children", "code", "factories", "function", "raw", "refusals")

    def __init__(
        self,
        code: Code,
        function: FunctionOps,
        children: list[Proto],
        raw: RawCode | None = None,
    ) -> None:
        self.code = code
        self.function = function
        self.children = children
        self.raw = raw
        """Of a function in machine code."""
        self.refusals: dict[tuple[int, int], str] = {}
        """By number of cells and of defaults."""
        self.factories: dict[tuple[int, bool], tuple[Translation, tuple[Any, ...]]] = {}
        """By number of cells, and whether names are looked up in a dictionary."""

    def translation(self, n_closed: int, named_locals: bool) -> tuple[Translation, tuple[Any, ...]]:
        """The host's code and the constants that it needs.  ValueError for a broken file."""
        key = (n_closed, named_locals)
        known = self.factories.get(key)
        if known is None:
            code = self.code
            try:
                made = translate(
                    self.function,
                    code.names,
                    code.consts,
                    n_closed,
                    MARK + code.source_file,
                    bitmap=code.bitmap,
                    named_locals=named_locals,
                    locks_heap=code.locks_heap,
                )
            except FlowError as error:
                raise ValueError("incompatible .mpy file") from error
            known = made, tuple(code.constant(value) for value in made.constants)
            self.factories[key] = known
        return known

    def __call__(
        self,
        module: dict[str, Any],
        defaults: tuple[Any, ...] | None,
        keyword_defaults: dict[str, Any] | None,
        *cells: Any,
        named_locals: bool | None = None,
    ) -> Any:
        """Make the function."""
        if self.raw is not None:
            made = self.code.builtins[MACHINE_CODE]().make(
                self, module, defaults, keyword_defaults, cells
            )
            if named_locals is None:
                return made
            return lambda names=module: made.with_names(names)
        if named_locals is None:
            named_locals = self.uses_names(len(cells))
        translation, constants = self.translation(len(cells), named_locals)
        # The host takes a function's built-in names from its globals when it makes it.
        module["__builtins__"] = self.code.builtins
        try:
            space: dict[str, Any] = {}
            exec(translation.code, module, space)
            made = space[FACTORY](module, self.children, constants, *cells)
        finally:
            del module["__builtins__"]
        shown = self.shown_name()
        if made.__name__ != shown:
            made.__name__ = shown
            made.__code__ = made.__code__.replace(co_name=shown)
        made.__qualname__ = self._refusal(len(cells), 0 if defaults is None else len(defaults))
        if defaults is not None:
            made.__defaults__ = defaults
        if keyword_defaults is not None:
            made.__kwdefaults__ = keyword_defaults
        return made

    def _refusal(self, n_closed: int, n_defaults: int) -> str:
        """What the host's texts have as the function's name: what MicroPython's texts need."""
        key = n_closed, n_defaults
        known = self.refusals.get(key)
        if known is None:
            function = self.function
            names = self.code.names
            count = function.n_pos_args - n_closed
            args = function.arg_names[n_closed : n_closed + count]
            known = program_mark(
                count - n_defaults,
                bool(function.flags & ScopeFlag.DEFKWARGS),
                [text_of(names[index]) for index in args],
            )
            self.refusals[key] = known
        return known

    def shown_name(self) -> str:
        """The function's name."""
        name = self.function.name
        return text_of(self.code.names[name]) if name >= 0 else "<module>"

    def uses_names(self, n_closed: int) -> bool:
        """Whether the function is the body of a class, which gets a dictionary for its names.

        Elsewhere a name that is no local is a global: comprehensions of a module have such.
        """
        function = self.function
        if function.n_pos_args > n_closed or function.flags & ScopeFlag.GENERATOR:
            return False
        return any(op[0] in _NAME_VERBS for op in function.ops)


_NAME_VERBS: Final = frozenset((Verb.LOAD_NAME, Verb.STORE_NAME, Verb.DELETE_NAME))
