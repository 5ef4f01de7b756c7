"""The hosted run-time: modules, import, `exec`, the console."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, final

from mpy_cross.emulator.runtime import errors, support
from mpy_cross.emulator.runtime.buffers import Buffer
from mpy_cross.emulator.runtime.float32 import Float32
from mpy_cross.emulator.runtime.formatting import use
from mpy_cross.emulator.runtime.printing import Printer
from mpy_cross.emulator.runtime.program import Code
from mpy_cross.emulator.runtime.scheduler import Scheduler
from mpy_cross.emulator.runtime.storage import Storage
from mpy_cross.emulator.runtime.types import BY_HOST, Module
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import Release

if TYPE_CHECKING:
    from mpy_cross.emulator.clock import Clock
    from mpy_cross.emulator.machine import Machine

Compiler = Callable[[bytes, str], bytes]
"""Source and file name to the bytes of a .mpy file; raises the run-time's SyntaxError."""


@final
class Runtime:
    """A MicroPython without a board: what a program needs to run, and its state."""

    def __init__(
        self,
        release: Release,
        compiler: Compiler | None = None,
        write: Callable[[str], object] | None = None,
        *,
        single_floats: bool = False,
        storage: Storage | None = None,
        machine: Machine | None = None,
    ) -> None:
        self.release = release
        self.machine = machine
        """The board that this runs on, if there is one."""
        self.compiler = compiler
        self.write: Callable[[str], object] = write or sys.stdout.write
        self.float_type: type[float] = Float32 if single_floats else float
        self.storage = storage or Storage()
        """Memory of the program's buffers."""
        self.storage.float_type = self.float_type
        self.stdout: Any = None
        """`sys.stdout`."""
        self.printer = Printer(7 if single_floats else 16, release.float_printer)
        self.modules: dict[str, Module] = {}
        """`sys.modules`."""
        self.builtins: dict[str, Any] = support.helpers()
        self.scheduler = Scheduler(self, machine)
        """Virtual time, interrupts, callbacks."""
        self.builtins["poll\u00b7"] = self.scheduler.poll
        self.builtins["import_name\u00b7"] = self.import_name
        self.argv: list[str] = []
        """`sys.argv`."""
        self.seed = 0
        """Where random numbers start."""
        self.elapsed = 0
        """Operations executed in loops, the base of virtual time."""
        from mpy_cross.emulator.runtime import builtins

        builtins.install(self)
        self._types = dict(BY_HOST)

    # ------------------------------------------------------------------------------- running

    def activate(self) -> None:
        """Make this the run-time whose types and floats the host's functions use."""
        global _active
        if _active is not self:
            BY_HOST.update(self._types)
            support.BUILTINS = self.builtins
            support.FLOAT[0] = self.float_type
            Buffer.storage = self.storage
            use(self.printer)
            _active = self

    @property
    def clock(self) -> Clock:
        """The clock of virtual time."""
        return self.scheduler.clock

    def load(self, data: bytes) -> Code:
        """The code of a .mpy file.  Raises MpyError."""
        return Code(read(data, None), self.builtins, self.float_type)

    def compile(self, source: bytes, name: str) -> Code:
        """The code of a source text."""
        if self.compiler is None:
            raise NotImplementedError("there is no compiler")
        return self.load(self.compiler(source, name))

    def run(self, code: Code, module: Module) -> Any:
        """Execute a file's code in a module."""
        return self.execute(code, module.__dict__, module.__dict__)

    def execute(self, code: Code, module: dict[str, Any], local: dict[str, Any]) -> Any:
        """Execute code with these global and local names."""
        self.activate()
        if local is module:
            return code.root(module, None, None, named_locals=False)()
        return code.root(module, None, None, named_locals=True)(local)

    def main(self, code: Code) -> Module:
        """Run a program as `__main__`."""
        module = Module("__main__")
        self.modules["__main__"] = module
        self.run(code, module)
        return module

    def report(self, error: BaseException) -> str:
        """The traceback that MicroPython prints."""
        return errors.format_traceback(errors.caught(error), self.printer.uncaught)

    # ------------------------------------------------------------------------------- imports

    def import_name(self, module: dict[str, Any], name: str, names: Any, level: int) -> Any:
        """`import name` and `from name import names`."""
        found = self.modules.get(name)
        if found is None:
            raise ImportError(f"no module named '{name}'")
        return found


_active: Runtime | None = None
