"""The hosted run-time: modules, import, `exec`, the console."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from mpy_cross.emulator.runtime import errors, identity, pacing, support
from mpy_cross.emulator.runtime.buffers import Buffer
from mpy_cross.emulator.runtime.console import Console, StandardText
from mpy_cross.emulator.runtime.facts import HEAP, LANGUAGE, READER
from mpy_cross.emulator.runtime.filesystem import Files
from mpy_cross.emulator.runtime.float32 import Float32
from mpy_cross.emulator.runtime.formatting import use
from mpy_cross.emulator.runtime.help_ import make_help
from mpy_cross.emulator.runtime.identity import Identities
from mpy_cross.emulator.runtime.imports import BAD_ARCH, Importer, runs
from mpy_cross.emulator.runtime.locked_heap import LockedHeap
from mpy_cross.emulator.runtime.printing import Printer
from mpy_cross.emulator.runtime.program import MACHINE_CODE, Code
from mpy_cross.emulator.runtime.scheduler import Scheduler
from mpy_cross.emulator.runtime.storage import Storage
from mpy_cross.emulator.runtime.translate import POLL_COST
from mpy_cross.emulator.runtime.types import BY_HOST, Module
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import Release

if TYPE_CHECKING:
    from mpy_cross.emulator.clock import Clock
    from mpy_cross.emulator.machine import Machine
    from mpy_cross.emulator.runtime.native.bridge import Bridge


CALL_COST: Final = 20
"""Operations that the call of a function counts as, besides its loops."""


class Compiler(Protocol):
    """Source, file name, level of optimisation (`micropython.opt_level`) and what the source is to
    a .mpy file: "exec" a file, "paste" one that was typed, "single" a statement that was typed.

    Raises the run-time's SyntaxError and the like.
    """

    def __call__(
        self, source: bytes, name: str, optimise: int = 0, form: str = "exec", /
    ) -> bytes:
        """The bytes of the file."""



START_TIMES: Final = {"pyboard": 473_385_600, "rp2": 662_774_400}
"""What the clocks of boards show when they start, in seconds since 2000, if not that: 2015-01-01,
2021-01-01."""


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
        self.identities = Identities(machine.board.hash_bytes) if machine else Identities()
        """What `id` gives."""
        self.console = Console(self)
        """Standard input, and what else gets the output."""
        self.stdout: Any = StandardText(self.console, 1)
        """`sys.stdout`."""
        self.files = Files()
        """What is mounted."""
        self.printer = Printer(7 if single_floats else 16, release.float_printer)
        self.modules: dict[str, Module] = {}
        """`sys.modules`."""
        self.builtins: dict[str, Any] = {**support.helpers(), **pacing.helpers()}
        self.scheduler = Scheduler(self, machine)
        """Virtual time, interrupts, callbacks."""
        self.locked_heap = LockedHeap(self.storage.heap)
        """What a program may not do while it has locked the heap."""
        self.builtins["made\u00b7"] = self.locked_heap.made
        self.builtins["bound\u00b7"] = self.locked_heap.bound
        self.builtins["locked_set_item\u00b7"] = self.locked_heap.set_item
        self.builtins["grow\u00b7"] = self.locked_heap.grow
        self.builtins["poll\u00b7"] = self.scheduler.poll
        self.builtins["poll_later\u00b7"] = self.scheduler.poll_later
        self.builtins["refuse\u00b7"] = self.scheduler.refuse
        # True for one call of a function in so many, each worth some operations.
        turns = cycle((*(False,) * (POLL_COST // CALL_COST - 1), True))
        self.builtins["called\u00b7"] = turns.__next__
        self.importer = Importer(self)
        """Finds modules; has `sys.path`."""
        self.builtins["import_name\u00b7"] = self.importer.import_name
        self.builtins["open"] = self.files.open_
        self.arch = machine.board.arch if machine is not None else ""
        """The architecture of machine code that this runs, "" for none."""
        self._native: Bridge | None = None
        self.builtins[MACHINE_CODE] = self._bridge
        self.argv: list[str] = []
        """`sys.argv`."""
        self.seed = 0
        """Where random numbers start."""
        self.platform = machine.board.platform if machine is not None else "linux"
        """`sys.platform`."""
        self.start_time = START_TIMES.get(self.platform, 0)
        self.start_part = 0
        """ns beside its seconds."""
        """Seconds since 2000 at the start of virtual time."""
        self.board_title = machine.board.machine if machine is not None else "host"
        if self.platform == "esp32" and release.generic_esp32:
            self.board_title = f"Generic {self.board_title}"
        """`os.uname().machine`."""
        self.optimise = 0
        """`micropython.opt_level`."""
        self.at_exit: Any = None
        """`sys.atexit`."""
        self.main_script = "main.py"
        """What the board runs after boot.py: `pyb.main`."""
        self.elapsed = 0
        """Operations executed in loops, the base of virtual time."""
        from mpy_cross.emulator.runtime import builtins

        builtins.install(self)
        self.builtins["input"] = self.console.input
        self.builtins["help"] = make_help(self)
        self._types = dict(BY_HOST)

    # ------------------------------------------------------------------------------- running

    def activate(self) -> None:
        """Make this the run-time whose types and floats the host's functions use."""
        global _active
        if _active is not self:
            BY_HOST.update(self._types)
            support.BUILTINS = self.builtins
            support.FLOAT[0] = self.float_type
            LANGUAGE[0] = self.release.language
            HEAP[0] = self.storage.heap
            READER[0] = self.release.float_reader
            errors.STR_CONVERTS[0] = self.release.str_converts_operand
            Buffer.storage = self.storage
            use(self.printer)
            identity.use(self.identities)
            _active = self

    @property
    def native(self) -> Bridge:
        """The bridge to machine code, made when it is first needed.  Raises MissingEngineError,
        ValueError where no machine code can run."""
        if self._native is None:
            from mpy_cross.emulator.runtime.native.bridge import Bridge

            self._native = Bridge(self)
            self._types.update(self._native.types)
        return self._native

    def native_objects(self) -> list[Any]:
        """The objects that only running machine code may know."""
        return self._native.handles.held() if self._native is not None else []

    def _bridge(self) -> Bridge:
        return self.native

    @property
    def clock(self) -> Clock:
        """The clock of virtual time."""
        return self.scheduler.clock

    def load(self, data: bytes) -> Code:
        """The code of a .mpy file.  Raises MpyError, and ValueError if it has machine code for
        other processors."""
        mpy = read(data, None)
        if self.arch and not runs(mpy.release, mpy.arch, self.arch):
            raise ValueError(BAD_ARCH)
        return Code(mpy, self.builtins, self.float_type)

    def compile(self, source: bytes, name: str, form: str = "exec") -> Code:
        """The code of a source text; `form` as of `Compiler`."""
        if self.compiler is None:
            raise NotImplementedError("there is no compiler")
        return self.load(self.compiler(source, name, self.optimise, form))

    def run(self, code: Code, module: Module) -> Any:
        """Execute a file's code in a module."""
        return self.execute(code, module.__dict__, module.__dict__)

    def execute(self, code: Code, module: dict[str, Any], local: dict[str, Any]) -> Any:
        """Execute code with these global and local names."""
        self.activate()
        if local is module:
            return code.root(module, None, None, named_locals=False)()
        return code.root(module, None, None, named_locals=True)(local)

    def main(self, code: Code, module: Module | None = None) -> Module:
        """Run a program as `__main__`, a new module unless one is given."""
        if module is None:
            module = Module("__main__")
        self.modules["__main__"] = module
        try:
            self.run(code, module)
        finally:
            function, self.at_exit = self.at_exit, None
            if function is not None:
                function()
        return module

    def report(self, error: BaseException) -> str:
        """The traceback that MicroPython prints."""
        return errors.format_traceback(errors.caught(error), self.printer.uncaught)


_active: Runtime | None = None


def active() -> Runtime | None:
    """The run-time that runs, or ran last; None before the first."""
    return _active
