"""Functions in machine code as objects of the run-time."""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any, Final, final

from mpy_cross.emulator.cores.arm_base import RETURN
from mpy_cross.emulator.cores.arm_hosted import FIRST
from mpy_cross.emulator.cores.unicorn_arm import PC, SP
from mpy_cross.emulator.cores.unicorn_common import SIZES, WORDS, ZERO
from mpy_cross.emulator.runtime.arguments import check_count
from mpy_cross.emulator.runtime.heap import Block
from mpy_cross.emulator.runtime.native import guest
from mpy_cross.emulator.runtime.native.region import BASE
from mpy_cross.emulator.runtime.types import BY_HOST, Cell, builtin_type

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.native.bridge import Bridge
    from mpy_cross.emulator.runtime.native.image import FileImage, Placed


BACK: Final = RETURN | 1
RETURNED: Final = RETURN + 2
PREPARED_FIRST: Final = SIZES[FIRST]
MORE_FRAMES: Final = 7
"""At every eighth level of nested calls the host has to allow more nested functions."""


class MachineFunction:
    """What native, viper and assembler functions and their closures have in common."""

    __slots__ = ("__weakref__",)

    def __get__(self, obj: Any, cls: Any = None) -> Any:
        return self if obj is None else MethodType(self, obj)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


class NativeFunction(MachineFunction):
    """A native or viper function.

    struct: address of its mp_obj_fun_bc_t; entry: where a call goes; prepared: the same for the
    engine.
    """

    __slots__ = ("block", "bridge", "defaults", "entry", "image", "keyword_defaults", "module",
                 "name", "placed", "prepared", "struct")

    def __init__(
        self,
        bridge: Bridge,
        image: FileImage,
        placed: Placed,
        module: dict[str, Any],
        name: str,
        defaults: tuple[Any, ...] | None,
        keyword_defaults: dict[str, Any] | None,
    ) -> None:
        self.bridge, self.image, self.placed = bridge, image, placed
        self.module, self.name = module, name
        self.entry = placed.entry
        self.prepared = WORDS[placed.entry]
        self.defaults = defaults or ()
        self.keyword_defaults = keyword_defaults
        context = image.context(module)
        signature = placed.signature
        n_args, n_state = guest.NO_ARGS, 0
        if signature is not None and signature.simple:
            n_args, n_state = signature.n_pos, signature.n_state
        kind = 0 if placed.generator else bridge.table.magic
        tables = (placed.table, placed.address) if image.tables else (placed.address, placed.table)
        words = [kind, context, *tables, n_args, n_state, placed.entry]
        self.block: Block = bridge.region.put_words(words)
        self.struct: int = self.block.address
        bridge.functions[self.struct] = self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        bridge = self.bridge
        if kwargs or bridge.plain:
            return bridge.invoke(self.entry, self.struct, args, kwargs)
        core = bridge.arm
        level = core.level
        part = core.part
        begun = part.begun
        outer = begun[0] if level else 0
        if ((level and not level & MORE_FRAMES)
                or core.alarm - core.done - outer <= FIRST):
            return bridge.invoke(self.entry, self.struct, args, kwargs)
        # The same as `invoke` and, in there, `HostedArm.enter`, in the fastest way.
        registers, general = part.words, part.general
        count = len(args)
        at = registers[SP] - 4 * count & ~7
        if at < bridge.limit:
            raise RecursionError
        ints, index = bridge.ints, at - BASE >> 2
        for arg in args:
            if type(arg) is int:
                try:
                    ints[index] = arg + arg + 1
                except ValueError:  # not a small int
                    bridge.words[index] = bridge.handles.word(arg)
            else:
                bridge.words[index] = bridge.handles.word(arg)
            index += 1
        saved = general.tobytes()
        if level:
            limit = part.limit
            outer_limit, saved_floats = limit[0], part.floats.tobytes()
            core.done += outer
            core.slack = 0
        else:
            bridge.depth += 1  # inside of a call it is not 0 anyway
        try:
            part.set_call(self.struct, count, 0, at, at, BACK)
            core.level = level + 1
            error = part.start(part.ref, self.prepared, ZERO, ZERO, PREPARED_FIRST)
            if error or registers[PC] != RETURNED:
                core.go_on(error)
            core.done += begun[0] - 1 - outer  # without the instruction at the way back
            result = registers[0]
            if result & 1:
                return result >> 1 if result < 0x8000_0000 else (result >> 1) - 0x8000_0000
            return bridge.handles.value(result)
        except BaseException as error:
            if level:
                core.left_by_exception(part, saved_floats)
                core.done -= outer
            core.level = level
            bridge.failed(error)
            raise
        finally:
            core.level = level
            general[:] = saved
            if level:
                core.slack = 1
                limit[0], begun[0] = outer_limit, outer
            else:
                bridge.depth = depth = bridge.depth - 1
                handles = bridge.handles
                if not depth and (bridge.untidy or core.done > bridge.due
                                  or len(handles.free) != len(handles.order)):
                    bridge.ended()

    def with_names(self, names: dict[str, Any]) -> Any:
        """Run a module or the body of a class, whose names go to `names`."""
        return self.bridge.with_names(self, (), self.module, names)


@final
class NativeGeneratorFunction(NativeFunction):
    """A native function with `yield`: a call makes a generator."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from mpy_cross.emulator.runtime.native.generators import NativeGenerator

        return NativeGenerator(self, args, kwargs)


@final
class AsmFunction(MachineFunction):
    """A function in inline assembler."""

    __slots__ = ("bridge", "image", "n_args", "placed", "signature")

    def __init__(self, bridge: Bridge, image: FileImage, placed: Placed) -> None:
        self.bridge, self.image, self.placed = bridge, image, placed
        self.n_args = placed.raw.n_pos_args
        self.signature = placed.raw.type_sig

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        check_count(args, self.n_args, self.n_args, kwargs)
        return self.bridge.invoke_asm(self.placed.entry, self.signature, args)


@final
class NativeClosure(MachineFunction):
    """A function with cells of the functions around it."""

    __slots__ = ("cells", "function")

    def __init__(self, function: MachineFunction, cells: tuple[Cell, ...]) -> None:
        self.function = function
        self.cells = cells

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*self.cells, *args, **kwargs)

    def with_names(self, names: dict[str, Any]) -> Any:
        """Run the body of a class."""
        function = self.function
        assert isinstance(function, NativeFunction)
        return function.bridge.with_names(function, self.cells, function.module, names)


def install_types() -> None:
    """Let the program see these as functions."""
    from types import FunctionType

    known = BY_HOST[FunctionType]
    for cls in (NativeFunction, AsmFunction):
        BY_HOST[cls] = known
    builtin_type("generator", NativeGeneratorFunction)
    builtin_type("closure", NativeClosure)
