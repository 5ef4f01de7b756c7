"""The virtual machine of the firmware, watched while it runs: which bytecode is executed.

The firmware's interpreter (py/vm.c) is one function.  When it begins, its first argument leads to
the function object that it is to execute.  Every instruction of the program is read from memory by
a byte load of that function, so a look at the address of each such load tells which one is next.
The board does not notice: looking changes neither its memory nor its time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol, final

from mpy_cross.emulator.bus import BusFault
from mpy_cross.emulator.cores.arm import CortexM
from mpy_cross.emulator.cores.core import Core
from mpy_cross.emulator.cores.crew import Crew
from mpy_cross.emulator.cores.pace import Pace, Skipper
from mpy_cross.emulator.firmware.image import Image
from mpy_cross.emulator.observe.functions import Function, FunctionReader
from mpy_cross.emulator.observe.machine_code import ByteRead, reads_and_returns
from mpy_cross.emulator.observe.words import ObserveError, Words
from mpy_cross.emulator.stock import Stock

INTERPRETER: Final = "mp_execute_bytecode"
START: Final = "mp_init"
"""Begins a new run-time: after power-on, and after a soft reset."""
SP: Final = 13


class Listener(Protocol):
    """Hears when functions begin and end, see `Watch`."""

    def entered(self, core: int, function: Function | None, *, fresh: bool) -> None:
        """fresh: at its first instruction, rather than a generator that goes on."""

    def left(self, core: int) -> None:
        """What was entered last on this core ends."""

    def started(self, core: int) -> None:
        """Everything that was entered on this core is gone: it was reset."""


@final
class _Core:
    """One core. last: address of the instruction executed last; stack: for each active function
    the stack pointer at its beginning, and `last` there."""

    __slots__ = ("core", "handles", "last", "number", "stack")

    def __init__(self, core: CortexM, number: int) -> None:
        self.core, self.number = core, number
        self.last = 0
        self.stack: list[tuple[int, int]] = []
        self.handles: list[int] = []


@final
class Watch:
    """Watches the programs of a board from `start` to `stop`.

    functions: all that were found.  ObserveError if the image has no symbols or unknown structures.
    counting: instructions are counted, in `Function.runs`; costing: their cycles as well, in
    `Function.costs`.
    """

    def __init__(self, stock: Stock, image: Image, *, counting: bool = True, costing: bool = False,
                 listener: Listener | None = None, named: Callable[[Function], None]) -> None:
        if not image.symbols:
            raise ObserveError(
                f"coverage and profile need the symbols of the firmware: a {image.form} image has "
                "none; give the .elf file of the same build")
        interpreter = image.symbol(INTERPRETER)
        if interpreter is None or not interpreter.size:
            raise ObserveError(f"the image has no function {INTERPRETER}")
        self._stock, self._image = stock, image
        self._counting, self._costing = counting, costing
        self._listener = listener
        self._named = named
        self._words = Words(stock.machine.bus)
        self._reader = FunctionReader(self._words, image)
        code = self._words.read(interpreter.address, interpreter.size)
        self._entry = interpreter.address
        self._reads, self._leaves = reads_and_returns(code, interpreter.address)
        self.functions: list[Function] = []
        self.unreadable = 0
        self._here: dict[int, Function] = {}  # by address
        self._counts: dict[int, int] = {}  # by address, of instructions of those
        self._costs: dict[int, int] = {}
        self._cores: list[_Core] = []
        self._skipper: Skipper | None = None

    # ------------------------------------------------------------------------------- on and off

    def start(self) -> None:
        runner = self._stock.runner
        if isinstance(runner, Crew):
            runner.joined.append(self._join)
            for member in runner.members:
                self._join(member.core)
        else:
            self._join(runner.core)
            if isinstance(runner, Pace):  # what is skipped is not seen
                self._skipper, runner.skipper = runner.skipper, None
        self._stock.machine.reset_watchers.append(self._was_reset)

    def stop(self) -> None:
        runner = self._stock.runner
        if isinstance(runner, Crew):
            with suppress(ValueError):
                runner.joined.remove(self._join)
        elif isinstance(runner, Pace):
            runner.skipper = self._skipper
        with suppress(ValueError):
            self._stock.machine.reset_watchers.remove(self._was_reset)
        for each in self._cores:
            each.core.remove_probes(each.handles)
            self._forget(each)
        self._cores.clear()
        self.collect()

    def _join(self, core: Core) -> None:
        """Watches a core, also one that starts later."""
        assert isinstance(core, CortexM)
        each = _Core(core, len(self._cores))
        self._cores.append(each)
        each.handles += core.add_probes([self._entry], self._enter_probe(each))
        start = self._image.symbol(START)
        if start is not None:
            each.handles += core.add_probes([start.address], self._start_probe(each))
        each.handles += core.add_probes(self._leaves, self._leave_probe(each))
        if self._counting or self._costing:
            for read, addresses in self._reads.items():
                each.handles += core.add_probes(addresses, self._read_probe(each, read))

    def _was_reset(self, cause: str) -> None:
        for each in self._cores:
            self._forget(each)

    def _forget(self, each: _Core) -> None:
        self._switch(each, 0)
        each.stack.clear()
        each.last = 0
        if self._listener is not None:
            self._listener.started(each.number)

    def now(self, number: int) -> tuple[int, int]:
        """Where a core is: cycles since it was made, and virtual time in ns."""
        runner = self._stock.runner
        if isinstance(runner, Crew):
            member = runner.members[number]
            return member.core.cycles, max(member.time(), runner.clock.now)
        ns = runner.time() if isinstance(runner, Pace) else self._stock.machine.clock.now
        return runner.core.cycles, ns

    # ------------------------------------------------------------------------------- the probes

    def _read_probe(self, each: _Core, read: ByteRead) -> Callable[[Any, Any, Any], Any]:
        counts, costs, costing = self._counts, self._costs, self._costing
        base, more, offset = read

        def make(words: Any, limit: Any, begun: Any) -> Any:
            core = each.core

            def call(handle: int, address: int, size: int, user: int) -> None:
                at = words[base] + offset
                if more >= 0:
                    at += words[more]
                # The interpreter also looks again at the instruction that it is about.
                if at == each.last or at not in counts or begun[0] > limit[0]:
                    return
                counts[at] += 1
                if costing:
                    now = core.cycles
                    if each.last:
                        costs[each.last] = costs.get(each.last, 0) + now
                    costs[at] = costs.get(at, 0) - now
                each.last = at

            return call

        return make

    def _enter_probe(self, each: _Core) -> Callable[[Any, Any, Any], Any]:
        def make(words: Any, limit: Any, begun: Any) -> Any:
            def call(handle: int, address: int, size: int, user: int) -> None:
                if begun[0] <= limit[0]:
                    self._entered(each, words[0], words[SP])

            return call

        return make

    def _leave_probe(self, each: _Core) -> Callable[[Any, Any, Any], Any]:
        def make(words: Any, limit: Any, begun: Any) -> Any:
            def call(handle: int, address: int, size: int, user: int) -> None:
                if begun[0] <= limit[0] and each.stack:
                    self._left(each)

            return call

        return make

    def _start_probe(self, each: _Core) -> Callable[[Any, Any, Any], Any]:
        def make(words: Any, limit: Any, begun: Any) -> Any:
            def call(handle: int, address: int, size: int, user: int) -> None:
                if begun[0] <= limit[0]:
                    self._forget(each)
                    self.collect()

            return call

        return make

    def _entered(self, each: _Core, state: int, sp: int) -> None:
        """The interpreter begins; state: its first argument."""
        while each.stack and each.stack[-1][0] <= sp:
            self._left(each)  # its end was not seen
        function, fresh = self._function(state)
        self._switch(each, 0)
        each.stack.append((sp, each.last))
        each.last = 0
        if self._listener is not None:
            self._listener.entered(each.number, function, fresh=fresh)

    def _left(self, each: _Core) -> None:
        _, last = each.stack.pop()
        self._switch(each, last)
        each.last = last
        if self._listener is not None:
            self._listener.left(each.number)

    def _switch(self, each: _Core, last: int) -> None:
        """The time up to now went to the instruction executed last; from now on it goes to that at
        `last`, to none if 0."""
        if self._costing:
            now, costs = each.core.cycles, self._costs
            if each.last:
                costs[each.last] = costs.get(each.last, 0) + now
            if last:
                costs[last] = costs.get(last, 0) - now

    # ------------------------------------------------------------------------------- functions

    def _function(self, state: int) -> tuple[Function | None, bool]:
        """The function that the interpreter executes, and is it at its beginning?"""
        words = self._words
        try:
            place = words.word(state)
            address, source = self._reader.place(place)
            known = self._here.get(address)
            if (known is None or known.source != source
                    or words.read(address, len(known.data)) != known.data):
                known = self._reader.read(place)
                if known is None:
                    self.unreadable += 1
                    return None, False
                self._found(known)
            return known, words.word(state + 4) == address + known.start
        except BusFault:
            self.unreadable += 1
            return None, False

    def _found(self, function: Function) -> None:
        """Begins to count for new functions; what was at their place before is gone."""
        for new in function.family():
            end = new.address + len(new.data)
            gone = [old for old in self._here.values()
                    if old.address < end and new.address < old.address + len(old.data)]
            for old in gone:
                self._collect(old)
                del self._here[old.address]
            self._here[new.address] = new
            for offset in new.offsets:
                self._counts[new.address + offset] = 0
            self.functions.append(new)
        self._named(function)

    def _collect(self, function: Function) -> None:
        """Takes a function's counts out of the tables by address."""
        base, runs, costs = function.address, function.runs, function.costs
        for offset in function.offsets:
            count = self._counts.pop(base + offset, 0)
            if count:
                runs[offset] = runs.get(offset, 0) + count
            cost = self._costs.pop(base + offset, 0)
            if cost:
                costs[offset] = costs.get(offset, 0) + cost

    def collect(self) -> None:
        """Brings all counts to their functions, which will be read anew."""
        for function in self._here.values():
            self._collect(function)
        self._here.clear()
