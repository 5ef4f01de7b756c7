"""Import: built-in modules, frozen ones, and files of the board (manual 2.4, 1.4)."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from mpy_cross.emulator.runtime.arguments import as_int, check_name, no_implicit
from mpy_cross.emulator.runtime.attributes import attribute
from mpy_cross.emulator.runtime.facts import LANGUAGE
from mpy_cross.emulator.runtime.modules import TABLE
from mpy_cross.emulator.runtime.program import Code
from mpy_cross.emulator.runtime.types import Module
from mpy_cross.emulator.runtime.vfs import FILE, FOLDER
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.release import Release

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.runtime import Runtime

FROZEN: Final = ".frozen"
"""The entry of `sys.path` at which frozen modules are searched."""
SOURCES: Final = Path(__file__).parent / "frozen"
BAD_FILE: Final = "incompatible .mpy file"
BAD_ARCH: Final = "incompatible .mpy arch"
SMALL_INT_BITS: Final = 31
UNICODE: Final = 2
"""Feature bits of version 5 that firmware of boards has: strings are Unicode; no map caches."""
ARCH_FLAGS: Final = 0x40
THUMB: Final = ("armv6m", "armv7")
VARIABLES: Final = ("ps1", "ps2")
"""Names of built-in modules that a program may set."""
ALIASES: Final = {"asyncio": "uasyncio"}
"""Other names of frozen packages."""


class _BuiltinNames(dict[str, Any]):
    """Names of the module `builtins`: what is stored there is seen everywhere."""

    def __init__(self, names: dict[str, Any]) -> None:
        shown = {key: value for key, value in names.items() if "\u00b7" not in key}
        super().__init__(shown, __name__="builtins")
        self._names = names

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self._names[key] = value

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._names.pop(key, None)


class _FixedNames(dict[str, Any]):
    """Names of a built-in module, which is in ROM, apart from those of VARIABLES."""

    def __setitem__(self, key: str, value: Any) -> None:
        if key in VARIABLES and key in self:
            super().__setitem__(key, value)
            return
        raise AttributeError(f"'module' object has no attribute '{key}'")

    def __delitem__(self, key: str) -> None:
        raise AttributeError(f"'module' object has no attribute '{key}'")


@final
class Importer:
    """Finds and runs modules.  `path` is `sys.path`."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.path: list[Any] = ["", FROZEN, "/lib"]
        self._built: dict[str, Module] = {}
        """Built-in modules by file."""
        self._own = self.import_
        runtime.builtins["__import__"] = self._own
        runtime.builtins["import_from\u00b7"] = self.import_from

    # ----------------------------------------------------------------------- the two entries

    def import_name(self, module: dict[str, Any], name: str, names: Any, level: int) -> Any:
        """`import name`, `from name import names`."""
        function = self.runtime.builtins.get("__import__")
        if function is not self._own and function is not None:
            if LANGUAGE[0].import_globals:
                return function(name, module, None, names, level)
            return function(name, None, None, names, level)
        return self._import(module, name, names, level)

    def import_from(self, module: Any, name: str) -> Any:
        """`from module import name`: an attribute, or a module of the package."""
        try:
            return attribute(module, name)
        except AttributeError:
            if isinstance(module, Module) and "__path__" in module.__dict__:
                full = f"{module.__dict__['__name__']}.{name}"
                try:
                    return self.import_name(module.__dict__, full, True, 0)
                except ImportError as error:
                    if error.args != (missing(full),):
                        raise
            raise ImportError(f"cannot import name {name}") from None

    def import_(
        self,
        name: Any,
        space: Any = None,
        local: Any = None,
        names: Any = None,
        level: Any = 0,
        /,
    ) -> Any:
        """`__import__`."""
        if not isinstance(name, str):
            raise no_implicit(name)
        depth = as_int(level)
        if depth < 0:
            raise ValueError()
        from mpy_cross.emulator.runtime.builtins import caller_globals

        if depth and space is not None and LANGUAGE[0].import_globals:
            if not isinstance(space, dict):
                raise TypeError()
            return self._import(space, name, names, depth)
        return self._import(caller_globals(), name, names, depth)

    # --------------------------------------------------------------------------------- steps

    def _import(self, space: dict[str, Any], name: str, names: Any, level: int) -> Any:
        if level:
            name = absolute(space, name, level)
        if not name:
            raise ValueError()
        found = self.loaded(name)
        if found is not None:
            return found if names is not None else self.loaded(name.partition(".")[0])
        return self._walk(name, names)

    def loaded(self, name: str) -> Module | None:
        """A module that is loaded, or built in under just this name."""
        found = self.runtime.modules.get(name)
        if found is not None:
            return found
        if name == "builtins":
            return self._builtins()
        return self._builtin(name) if name in TABLE and not is_weak(name) else None

    def _walk(self, name: str, names: Any) -> Any:
        """Import each package of a dotted name, and at last the module."""
        top: Module | None = None
        outer: Module | None = None
        path = ""
        parts = name.split(".")
        for depth, part in enumerate(parts):
            full = ".".join(parts[: depth + 1])
            check_name(full)
            if depth == 0:
                kind, path = self._find(part)
            else:
                kind, path = self._kind(f"{path}/{part}")
            module: Module | None
            if kind:
                module = self.runtime.modules.get(full)
                if module is None:
                    module = self._load(full, kind, path)
            else:
                module = self._weak(full) if depth == len(parts) - 1 else self.loaded(full)
                if module is None:
                    raise ImportError(missing(full))
            if outer is not None:
                outer.__dict__[part] = module
            outer = module
            if top is None:
                top = module
        return outer if names is not None else top

    def _weak(self, name: str) -> Module | None:
        """The built-in module that a name stands for when there is no such file."""
        for known in (name, f"u{name}"):
            if known in TABLE:
                return self._builtin(known)
        return None

    def _find(self, name: str) -> tuple[int, str]:
        """Search `sys.path` for a package or module: its kind and path."""
        if not self.path:
            return self._kind(name)
        for entry in self.path:
            if not isinstance(entry, str):
                raise no_implicit(entry)
            found = self._kind(f"{entry}/{name}" if entry else name)
            if found[0]:
                return found
        return 0, ""

    def _kind(self, path: str) -> tuple[int, str]:
        """A folder, else a .py file, else a .mpy file: its kind and path."""
        look: Callable[[str], int] = self.runtime.files.kind
        if path.startswith(FROZEN + "/"):
            look = frozen_kind
        if look(path) == FOLDER:
            return FOLDER, path
        for ending in (".py", ".mpy"):
            if look(path + ending) == FILE:
                return FILE, path + ending
        return 0, path

    def _load(self, name: str, kind: int, path: str) -> Module:
        """Make a module of a file or folder.  Until 1.20 it stays registered if it fails (manual
        3.7.17)."""
        module = Module(name)
        self.runtime.modules[name] = module
        if kind == FOLDER:
            module.__dict__["__path__"] = path
            kind, file = self._file_in(path)
            if not kind:
                return module
            path = file
        self._run(module, path)
        return module

    def _file_in(self, package: str) -> tuple[int, str]:
        kind, file = self._kind(package + "/__init__")
        return (kind, file) if kind == FILE else (0, "")

    def _run(self, module: Module, path: str) -> None:
        try:
            self.runtime.run(self._code(module, path), module)
        except BaseException:
            if LANGUAGE[0].broken_modules_go:
                self.runtime.modules.pop(module.__dict__["__name__"], None)
            raise

    def main(self, name: str) -> tuple[Code, Module]:
        """What is run as `__main__` for the name of a module or package, and that `__main__`.

        Packages around it are imported, of a package its `__main__` is run.  Raises ImportError.
        """
        package, _, last = name.rpartition(".")
        if package:
            outer = self._walk(package, True)
            kind, path = self._kind(f"{getattr(outer, '__path__', '')}/{last}")
        else:
            kind, path = self._find(last)
        if kind == FOLDER:
            return self.main(name + ".__main__")
        if not kind:
            raise ImportError(missing(name))
        module = Module("__main__")
        module.__dict__["__main__"] = name
        return self._code(module, path), module

    def _code(self, module: Module, path: str) -> Code:
        """The code of a file, whose name the module gets."""
        runtime = self.runtime
        code: Code
        if path.startswith(FROZEN + "/"):
            inner = path[len(FROZEN) + 1 :]
            module.__dict__["__file__"] = inner
            code = runtime.compile(frozen_source(inner), inner)
        else:
            module.__dict__["__file__"] = path
            data = runtime.files.read(path, runtime.release.filesystems.import_asks_buffer)
            if path.endswith(".mpy"):
                code = self._machine_form(data)
            else:
                code = runtime.compile(data, path)
        return code

    def _machine_form(self, data: bytes) -> Code:
        """The code of a .mpy file.  Raises ValueError if it is not for this board and release."""
        runtime = self.runtime
        refusal = refused(data, runtime.release, runtime.arch)
        if refusal:
            raise ValueError(refusal)
        try:
            return runtime.load(data)
        except MpyError:
            raise ValueError(BAD_FILE) from None

    # ------------------------------------------------------------------------------ built in

    def _builtin(self, name: str) -> Module:
        file = TABLE[name]
        made = self._built.get(file)
        if made is None:
            loader = importlib.import_module(f"mpy_cross.emulator.runtime.modules.{file}")
            made = self._built[file] = loader.build(self.runtime)
            if self.runtime.release.prompt.plain_module_names:
                names = [each for each, known in TABLE.items() if known == file]
                plain = made.__dict__["__name__"].removeprefix("u")
                if plain in names:
                    made.__dict__["__name__"] = plain
            made.__dict__ = _FixedNames(made.__dict__)
        return made

    def _builtins(self) -> Module:
        made = self._built.get("builtins")
        if made is None:
            made = self._built["builtins"] = Module("builtins")
            made.__dict__ = _BuiltinNames(self.runtime.builtins)
        return made


def refused(data: bytes, release: Release, arch: str) -> str:
    """Why firmware does not take a file with this header (manual 2.4.1); "" if it does.

    arch: the board's architecture of machine code, "" for none.
    """
    header = 5 if release.mpy_version < 6 else 4
    if len(data) < header or data[0] != ord("M") or data[1] != release.mpy_version:
        return BAD_FILE
    feature = data[2]
    number = feature >> 2 & 0x2F
    if release.mpy_version < 6:
        if feature & 3 != UNICODE or data[4] > release.qstr_window:
            return BAD_FILE
        number = feature >> 2
    elif number and feature & 3 != release.mpy_sub_version:
        return BAD_FILE
    if data[3] > SMALL_INT_BITS:
        return BAD_FILE
    if runs(release, number, arch):
        return BAD_FILE if release.mpy_version == 6 and feature & ARCH_FLAGS else ""
    return BAD_ARCH if arch in release.archs[1:] else release.native_refusal


def runs(release: Release, number: int, arch: str) -> bool:
    """Whether a processor runs machine code for the architecture of this number, 0 for none."""
    own = release.archs.index(arch) if arch in release.archs else 0
    if number in (0, own):
        return True
    # Code of a lesser core of the same family is fine.
    return own > 0 and arch.startswith(THUMB) and release.archs.index("armv6m") <= number <= own


def missing(name: str) -> str:
    """The text of the error for a module that is not there."""
    return f"no module named '{name}'"


def is_weak(name: str) -> bool:
    """Whether files go before the built-in module of this name (manual 1.4)."""
    return f"u{name}" in TABLE


def absolute(space: dict[str, Any], name: str, level: int) -> str:
    """The whole name of what `from ..name import` means in a module.  Raises ImportError."""
    own = space.get("__name__", "")
    if own == "__main__":
        own = space.get("__main__", own)  # its real name, if it was run by name
    parts = str(own).split(".")
    keep = len(parts) - level + ("__path__" in space)
    if keep <= 0:
        raise ImportError("can't perform relative import")
    return ".".join([*parts[:keep], *([name] if name else [])])


# ---------------------------------------------------------------------------------------- frozen


def _frozen(path: str) -> Path | None:
    parts = path.removeprefix(FROZEN + "/").split("/")
    if not all(part.removesuffix(".py").isidentifier() for part in parts):
        return None
    return SOURCES.joinpath(ALIASES.get(parts[0], parts[0]), *parts[1:])


def frozen_kind(path: str) -> int:
    """Whether a frozen package or module has this path."""
    place = _frozen(path)
    if place is None:
        return 0
    return FOLDER if place.is_dir() else FILE if place.is_file() else 0


def frozen_source(path: str) -> bytes:
    """The source text of a frozen module."""
    place = _frozen(path)
    assert place is not None
    return place.read_bytes()
