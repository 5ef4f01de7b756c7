"""Between the run-time and machine code: calls in both directions, exceptions, memory."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, final

from mpy_cross.emulator.bus import Bus, BusFault, Memory
from mpy_cross.emulator.cores.arm import CortexM
from mpy_cross.emulator.cores.core import CoreFault, DepthError, Frame, Unwind
from mpy_cross.emulator.runtime import errors, support
from mpy_cross.emulator.runtime.attributes import visible_type
from mpy_cross.emulator.runtime.errors import PROGRAM_ERRORS
from mpy_cross.emulator.runtime.float32 import Float32
from mpy_cross.emulator.runtime.heap import Block
from mpy_cross.emulator.runtime.native import functions, generators
from mpy_cross.emulator.runtime.native.cells import MemoryCell, cell_word, take_out
from mpy_cross.emulator.runtime.native.functions import (
    AsmFunction,
    MachineFunction,
    NativeClosure,
    NativeFunction,
    NativeGeneratorFunction,
)
from mpy_cross.emulator.runtime.native.generators import NativeGenerator
from mpy_cross.emulator.runtime.native.handles import BadWord, Handles
from mpy_cross.emulator.runtime.native.image import FileImage
from mpy_cross.emulator.runtime.native.lists import Lists
from mpy_cross.emulator.runtime.native.region import BASE, Region
from mpy_cross.emulator.runtime.native.sides import ArmSide, HostedCore, Side
from mpy_cross.emulator.runtime.native.table import Table
from mpy_cross.emulator.runtime.scheduler import HardFault
from mpy_cross.emulator.runtime.types import BY_HOST, BuiltinType, Cell
from mpy_cross.loader.mpyfile import CodeKind

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.program import Code, Proto
    from mpy_cross.emulator.runtime.runtime import Runtime

HOST_FRAMES: Final = 16
"""Nested functions of the host that one call from host to machine code and back takes."""
CORES: Final = {
    "armv6m": "cortex-m0+", "armv7m": "cortex-m3", "armv7em": "cortex-m4f",
    "armv7emsp": "cortex-m4f", "armv7emdp": "cortex-m7", "xtensa": "lx106", "xtensawin": "lx6",
}

MACHINE_TYPES: Final = (
    NativeFunction, NativeGeneratorFunction, AsmFunction, NativeClosure, NativeGenerator)
OPERATIONS: Final = 8
"""Operations that an object counts as, where the heap is looked at now and then."""
SLICE: Final = 1_000_000
"""Instructions after which the clock is brought up to date, at most."""
SHORT: Final = 1000
"""So many instructions, about eight microseconds, need not move the clock yet."""
NEVER: Final = 1 << 62
RECENT: Final = 64
"""So many of the last cells may not have come to the machine yet."""


def make_core(runtime: Runtime) -> tuple[HostedCore, Side, Region, Lists]:
    """The core of the run-time's board, its side of calls, and the memory for machine code.  Raises
    ValueError where there is none, MissingEngineError."""
    machine = runtime.machine
    if machine is not None:
        bus, name = machine.chip.bus, machine.chip.core
    else:
        if runtime.arch not in CORES:
            raise ValueError("incompatible .mpy arch")
        bus, name = Bus(), CORES[runtime.arch]
        heap = runtime.storage.heap
        bus.alias(Memory("heap", heap.base, heap.size, heap.arena, "rwx"), heap.base)
        runtime.storage.bus = bus
    region, lists = Region(bus), Lists(bus)
    # Instructions are counted where there is a clock that they move.
    exact = machine is not None
    side: Side
    if name.startswith("lx"):
        from mpy_cross.emulator.cores.xtensa.core import xtensa_core
        from mpy_cross.emulator.runtime.native.xtensa_side import XtensaSide

        xtensa = xtensa_core(name, bus, exact=exact)
        side = XtensaSide(xtensa)
        side.set_stack(region.end)
        return xtensa, side, region, lists
    core = CortexM(name, bus, exact=exact)
    side = ArmSide(core)
    side.set_stack(region.end)
    return core, side, region, lists


@final
class Bridge:
    """Machine code of one run-time.

    globals, locals: the dictionaries that names of machine code are in now; functions: by the
    address of their struct; cells: those in memory, by address; suspended: generators whose state
    is in memory; depth: how many calls into machine code are active; untidy: something is to be
    taken out of memory after the outermost; due: beyond so many instructions the clock has to be
    moved before the host does anything that looks at it.
    side: how the core is called; plain: only so, as it is none that has quicker ways; arm: the core
    where these are used.
    """

    __slots__ = ("_called", "_cycles", "_files", "_handlers", "_raised", "_resident", "arm",
                 "cells", "core", "depth", "due", "functions", "globals", "handles", "ints",
                 "limit", "locals", "plain", "region", "runtime", "side", "suspended", "table",
                 "types", "untidy", "words")

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.core, self.side, self.region, lists = make_core(runtime)
        self.plain = True
        self.arm: CortexM
        if isinstance(self.core, CortexM):
            self.arm = self.core
            self.plain = not (self.arm.exact and self.arm.part.engine.counts_itself)
        self.words, self.limit = self.region.words, self.region.limit
        self.ints = self.region.memory.buffer.cast("i")
        self.handles = lists.handles = Handles()
        runtime.locked_heap.look_at(self.handles)
        self.handles.roots = self._roots
        self.handles.placed = {
            Cell: partial(cell_word, self), MemoryCell: partial(cell_word, self),
            NativeFunction: self._function_word}
        self.handles.collected = self._take_out_unused
        self.handles.made = self._account
        self.region.heap.reclaim = self._take_out_unused
        self.globals: dict[str, Any] = {}
        self.locals: dict[str, Any] = {}
        self.functions: weakref.WeakValueDictionary[int, NativeFunction] = (
            weakref.WeakValueDictionary())
        self.cells: dict[int, Cell] = {}
        self.suspended: set[NativeGenerator] = set()
        self.depth = 0
        self.untidy = False
        self._cycles = 0
        self.due = NEVER
        if runtime.machine is not None:
            self.core.on_alarm = self._alarm
            self.core.alarm = SLICE
            self.core.before_access = self.pass_time
            self.due = SHORT
        self._raised: dict[int, tuple[Block, BaseException]] = {}
        self._called: dict[int, NativeFunction] = {}
        self._handlers: list[tuple[int, Frame]] = []
        self.core.on_error = self._landing_of
        self._files: weakref.WeakKeyDictionary[Code, FileImage] = weakref.WeakKeyDictionary()
        self._resident: list[FileImage] = []
        """Modules written in C: their functions and objects are in there, and stay for good."""
        functions.install_types()
        generators.install_types()
        self.types: dict[type, BuiltinType] = {cls: BY_HOST[cls] for cls in MACHINE_TYPES}
        self.table = Table(self)
        lists.kinds = {list: self.table.entry(runtime.release.fun_table.index("type_list")),
                       bytes: self.handles.pin(BY_HOST[bytes]),
                       Float32: self.handles.pin(BY_HOST[runtime.float_type])}
        self.handles.place_value = self._at

    @property
    def symbols(self) -> Mapping[int, str]:
        """Functions in the chip's ROM, by address."""
        machine = self.runtime.machine
        return {} if machine is None else machine.chip.symbols

    def address(self, at: int) -> int:
        """The address of a word of the region."""
        return BASE + 4 * at

    def _at(self, word: int) -> Any:
        cell = self.cells.get(word)
        if cell is not None:
            return cell
        raised = self._raised.get(word)
        if raised is not None:
            return raised[1]
        function = self.functions.get(word)
        if function is not None:
            return function
        return self.table.object_at(word)

    # --------------------------------------------------------------------------------- functions

    def make(
        self,
        proto: Proto,
        module: dict[str, Any],
        defaults: tuple[Any, ...] | None,
        keyword_defaults: dict[str, Any] | None,
        cells: tuple[Cell, ...],
    ) -> MachineFunction:
        """The function of a file's code, with these globals."""
        code = proto.code
        image = self._files.get(code)
        if image is None:
            assert code.mpy is not None
            image = FileImage(code, code.mpy, self.region, self.handles, self.table.address,
                              self.table.entry, self.core.code_changed, self.side.bit)
            self._files[code] = image
        placed = image.place(proto)
        if placed.relocated and image not in self._resident:
            self._resident.append(image)
        made: MachineFunction
        if placed.kind == CodeKind.ASM:
            made = AsmFunction(self, image, placed)
        else:
            kind = NativeGeneratorFunction if placed.generator else NativeFunction
            made = kind(self, image, placed, module, proto.shown_name(), defaults,
                        keyword_defaults)
        return NativeClosure(made, cells) if cells else made

    def _function_word(self, function: NativeFunction) -> int:
        """The address of a function's struct, by which machine code can call it."""
        self._called[function.struct] = function
        self.untidy = True
        return function.struct

    # ------------------------------------------------------------------------------------- calls

    def invoke(
        self, entry: int, struct: int, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call a function with objects."""
        side, handles = self.side, self.handles
        word = handles.word
        self.depth += 1
        sp = side.stack()
        try:
            at = side.room(sp, len(args) + 2 * len(kwargs))
            if at < self.region.limit:
                raise RecursionError
            side.set_stack(at)
            words, index = self.region.words, at - BASE >> 2
            for arg in args:
                words[index] = word(arg)
                index += 1
            for name, value in kwargs.items():
                words[index] = handles.name_word(name)
                words[index + 1] = word(value)
                index += 2
            return handles.value(self.run(entry, struct, len(args), len(kwargs), at))
        finally:
            side.set_stack(sp)
            self.leave()

    def with_names(
        self,
        function: NativeFunction,
        args: tuple[Any, ...],
        module: dict[str, Any],
        names: dict[str, Any],
    ) -> Any:
        """Call a module or the body of a class."""
        outside = self.globals, self.locals
        self.globals, self.locals = module, names
        try:
            return self.invoke(function.entry, function.struct, args, {})
        finally:
            self.globals, self.locals = outside

    def invoke_asm(self, entry: int, signature: int, args: tuple[Any, ...]) -> Any:
        """Call a function in inline assembler."""
        self.depth += 1
        try:
            kept: list[Any] = []
            words = [self.table.for_asm(arg, kept) for arg in args]
            result = self.run(entry, *words, *([0] * (4 - len(words))))
            return self.handles.value(self.table.to_object(result, signature))
        finally:
            self.leave()

    def run(self, entry: int, a: int, b: int, c: int, d: int) -> int:
        """Run machine code until it returns."""
        core = self.core
        more = core.level and not core.level & functions.MORE_FRAMES
        limit = sys.getrecursionlimit()
        if more:
            sys.setrecursionlimit(limit + (functions.MORE_FRAMES + 1) * HOST_FRAMES)
        try:
            return self.side.call(entry, a, b, c, d)
        except BaseException as error:
            self.failed(error)
            raise
        finally:
            if more:
                sys.setrecursionlimit(limit)

    def failed(self, error: BaseException) -> None:
        """A call into machine code ends with an exception; the program's version of it is
        raised."""
        handlers, level = self._handlers, self.core.level
        while handlers and handlers[-1][1].level > level:
            handlers.pop()
        if isinstance(error, DepthError):
            raise RecursionError from None
        if isinstance(error, (CoreFault, BadWord)):
            raise HardFault(fault_text(error, self.symbols)) from error

    def leave(self) -> None:
        """A call into machine code ends; after the outermost no word means anything any more."""
        self.depth -= 1
        if not self.depth:
            self.ended()

    def ended(self) -> None:
        """The outermost call has ended."""
        if self.untidy:
            self.untidy = False
            for generator in self.suspended:
                generator.save()
            self.suspended.clear()
            for cell in self.cells.values():
                take_out(cell)
            self.cells.clear()
            self._raised.clear()
            self._called.clear()
        handles = self.handles
        if len(handles.free) != len(handles.order):
            handles.reset()
        if (self.core.instructions if self.plain else self.arm.done) > self.due:
            self.pass_time()

    # -------------------------------------------------------------------------------------- time

    def _alarm(self) -> None:
        """In the middle of machine code: time passes.  Callbacks of the program do not run here,
        as machine code does not look for them."""
        core = self.core
        core.alarm = core.instructions + SLICE
        self.pass_time()

    def pass_time(self) -> None:
        """Move the clock to where the core is."""
        machine = self.runtime.machine
        if machine is None:
            self.due = NEVER
            return
        self.due = self.core.instructions + SHORT
        cycles = self.core.cycles
        duration = machine.ns(cycles - self._cycles)
        self._cycles = cycles
        scheduler = self.runtime.scheduler
        clock = scheduler.clock
        when = clock.now + duration
        while when >= scheduler.stop_at:
            clock.advance_to(scheduler.stop_at)
            scheduler.stop_at = scheduler.on_stop()
        clock.advance_to(when)
        if scheduler.interrupted and scheduler.keyboard_interrupt:
            scheduler.interrupted = False
            raise KeyboardInterrupt

    # -------------------------------------------------------------------------------- exceptions

    def push_handler(self, buffer: int) -> int:
        """nlr_push: the registers go to memory, where version 5 code keeps values of its own."""
        frame = self.core.frame()
        self.side.save(frame, self.region.words, (buffer - BASE >> 2) + 2)
        self._handlers.append((buffer, frame))
        return 0

    def set_landing(self, buffer: int) -> None:
        """setjmp, for the jump buffer of the last handler: where nlr_push does not return twice."""
        frame = self.core.frame()
        at = buffer - BASE >> 2
        self.side.save(frame, self.region.words, at)
        self._handlers[-1] = 4 * at - 8 + BASE, frame

    def pop_handler(self) -> None:
        """nlr_pop."""
        self._handlers.pop()

    def _landing_of(self, error: BaseException) -> BaseException:
        """What to raise in a trap for an exception: for one of the program the way to its handler,
        if that is in the machine code of this level."""
        if isinstance(error, BusFault):
            return self.core.refused(error)
        if not self._handlers or not isinstance(error, PROGRAM_ERRORS):
            return error
        buffer, frame = self._handlers[-1]
        if frame.level != self.core.level:
            return error
        self._handlers.pop()
        at = buffer - BASE >> 2
        words = self.region.words
        words[at + 1] = self._exception_word(errors.caught(error))
        self.side.land(frame, words, at + 2)
        return Unwind(frame, 1)

    def _exception_word(self, error: BaseException) -> int:
        """The address of an exception: machine code reads its type from there."""
        block = self.region.put_words([self.handles.word(visible_type(error))])
        self._raised[block.address] = block, error
        self.untidy = True
        return block.address

    # ------------------------------------------------------------------------------------ memory

    def _roots(self) -> Iterator[int]:
        words = self.region.words
        start = max(self.side.stack(), self.region.limit) - BASE >> 2
        yield from words[start:].tolist()
        yield from self.side.live()
        for _, frame in self._handlers:
            yield from frame.registers
        for generator in self.suspended:
            yield from generator.live_words()
        for address in self.cells:
            yield words[(address - BASE >> 2) + 1]
        for address in self._raised:
            yield words[address - BASE >> 2]

    def _account(self, count: int) -> None:
        """Machine code has made that many objects.  Raises MemoryError."""
        memory = self.runtime.scheduler.memory
        if memory is not None and count:
            memory.passed(count * OPERATIONS)
        elif memory is not None:
            memory.forget()

    def _take_out_unused(self) -> None:
        """Cells and generators that no running machine code knows go back to the host."""
        idle = [each for each in self.suspended if not each.running]
        for generator in idle:
            generator.save()
            self.suspended.discard(generator)
        used = {word for word in self._roots() if word in self.cells or word in self._raised}
        for address in [each for each in [*self._raised][:-RECENT] if each not in used]:
            del self._raised[address]
        for address in [each for each in [*self.cells][:-RECENT] if each not in used]:
            take_out(self.cells.pop(address))


def fault_text(error: CoreFault | BadWord, symbols: Mapping[int, str]) -> str:
    """What is said of a fault of machine code.  symbols: functions in the chip's ROM, by address.
    """
    if not isinstance(error, CoreFault):
        return str(error)
    name = symbols.get(error.fault.pc)
    return (f"in ROM function {name}, which is not here: " if name else "") + error.fault.report()


def frame_names(frame: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Globals and locals of the machine code that a frame of the host runs."""
    caller = frame.f_locals["self"]
    bridge: Bridge = caller if isinstance(caller, Bridge) else caller.bridge
    return bridge.globals, bridge.locals


support.HOST_FRAMES[Bridge.run.__code__] = frame_names
support.HOST_FRAMES[NativeFunction.__call__.__code__] = frame_names
