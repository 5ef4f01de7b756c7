"""An Xtensa core whose program is translated to A64 and executed by Unicorn.

    core = TranslatedXtensa("lx6", machine.bus)
    stop = core.run(1_000_000)

All registers are in the memory of the state whenever Python has control, so that the interpreter
executes what is not translated, and the last instructions of a budget, on the same state.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from struct import Struct
from typing import Any, Final, final

from mpy_cross.emulator.bus import Bus, BusFault, Memory, Range, Window
from mpy_cross.emulator.cores.core import (
    CoreError,
    CoreFault,
    CoreState,
    DepthError,
    MissingEngineError,
    Trap,
)
from mpy_cross.emulator.cores.unicorn_common import SIZES, WORDS, ZERO
from mpy_cross.emulator.cores.unicorn_library import library
from mpy_cross.emulator.cores.unicorn_memory import MEM_WRITE
from mpy_cross.emulator.cores.xtensa import layout as at
from mpy_cross.emulator.cores.xtensa import numbers as n
from mpy_cross.emulator.cores.xtensa.base import DEPTH, RETURN, STUBS, STUBS_END
from mpy_cross.emulator.cores.xtensa.buffer import CodeBuffer
from mpy_cross.emulator.cores.xtensa.engine import XtensaEngine
from mpy_cross.emulator.cores.xtensa.exceptions import Raised
from mpy_cross.emulator.cores.xtensa.hosted import QUANTUM
from mpy_cross.emulator.cores.xtensa.interpreted_core import InterpretedXtensa, SteppedXtensa
from mpy_cross.emulator.cores.xtensa.memory import BusMemory
from mpy_cross.emulator.cores.xtensa.models import model as find_model
from mpy_cross.emulator.cores.xtensa.state import State
from mpy_cross.emulator.cores.xtensa.translate import PAGE_BITS, Translator, mode_of
from mpy_cross.emulator.cores.xtensa.translate_jumps import LOOPS
from mpy_cross.emulator.cores.xtensa.translated import Translated

STUB_CODE: Final = STUBS + 0x180  # from here on stubs are the host's
_OFTEN: Final = 8  # stores to a page of code, after which the code is compared instead
_AT, _REASON = at.AT >> 2, at.REASON >> 2
_STUB: Final = at.STUB
_CHAIN: Final = at.CHAIN
_BACK, _VALUE, _RESULT = at.BACK >> 2, at.VALUE >> 2, at.RESULT >> 2
_NEXT, _SITE, _LEFT, _NOW = at.NEXT >> 3, at.SITE >> 3, at.LEFT >> 3, at.TABLE_NOW >> 3
_MISSED: Final = at.TABLE_MISSED >> 3
_EXCEPTION, _WINDOWS = at.TABLE_EXCEPTION >> 3, at.TABLE_WINDOWS >> 3
_NO_LIMIT: Final = SIZES[0]
_HEAD: Final = Struct("<3I")
_MAIL: Final = Struct("<q7I")  # from layout.MAIL on
_MAIL_AT: Final = at.MAIL
_SAVED: Final = Struct("<4I")  # registers that a callee's caller has below its stack pointer
_FRAME: Final = 64  # bytes of the host's frame
_REGISTERS_WITH_ARGUMENTS: Final = 6
_PS_MODE: Final = n.PS_EXCM | n.PS_WOE


@final
class WatchingMemory:
    """The memory as the interpreter sees it: translated code learns of its stores."""

    __slots__ = ("_core", "_memory", "fetch", "load")

    def __init__(self, core: TranslatedXtensa, memory: BusMemory) -> None:
        self._core, self._memory = core, memory
        self.load, self.fetch = memory.load, memory.fetch

    def store(self, address: int, size: int, value: int) -> None:
        self._memory.store(address, size, value)
        core = self._core
        if core.engine.watched(address) or core.translator.has_code(address):
            core.code_changed(address, size)


@final
class TranslatedXtensa(SteppedXtensa):
    """A core of the protocol `cores.core.Core`."""

    def __init__(self, name: str, bus: Bus, *, exact: bool = True, vectors: int | None = None,
                 private: Sequence[Range] = (), depth: int = DEPTH) -> None:
        stated = find_model(name)
        engine = self.engine = XtensaEngine(list(bus.memories), tuple(private))
        words = engine.words
        ar: Any = words[at.AR >> 2 : (at.AR >> 2) + stated.registers]
        sr: Any = words[at.SR >> 2 : (at.SR >> 2) + 256]
        ur: Any = words[at.UR >> 2 : (at.UR >> 2) + 256]
        fr: Any = words[at.FR >> 2 : (at.FR >> 2) + 16]
        super().__init__(name, bus, exact=exact, vectors=vectors, private=private, depth=depth,
                         state=State(stated, ar, sr, ur, fr))
        self._ar_bytes = memoryview(engine.state)[at.AR : at.AR + 4 * stated.registers]
        self.interpreter.memory = WatchingMemory(self, self.memory)
        self.translator = Translator(
            self.interpreter, CodeBuffer(engine.code), engine.table, engine.changed, self._watch,
            engine.forgotten, engine.page_bits)
        self.translator.stubs = STUB_CODE, STUBS_END
        self.translator.breakpoints = self.breakpoints
        self._rounding = 0
        self._known_ps, self._mode = -1, 0
        self._debugging = False
        self._windowed = stated.windows
        # In traps: registers of the result and of where to go on, and how that is an address.
        self._way_back = (10, 8, 0x3FFF_FFFF, STUBS & ~0x3FFF_FFFF) if stated.windows else (
            2, 0, n.MASK, 0)
        self._window = Window("none", 0, 0, lambda offset, size: 0, lambda *_: None)
        self._stack = 0, 0, memoryview(b"")
        self._begun = 0  # how often `advance` was
        places = self.translator.routines
        # What `advance` needs, at once.
        self._tools: tuple[State, Translator, memoryview, memoryview, memoryview, Any, Any, Any,
                           Any, Any, Any, int, dict[int, Translated], list[Trap]] = (
            self.state, self.translator, engine.words, engine.double, engine.state, engine.run,
            engine.ref, WORDS[places["resume"]], WORDS[places["go on"]],
            WORDS[places["back with VALUE"]], WORDS[places["back with nothing"]], places["back"],
            self.translator.blocks, self.traps)
        self._resume_near = WORDS[places["resume near"]]
        self._stores: dict[int, int] = {}  # by page: how often code there was stored to

    def close(self) -> None:
        self.engine.close()

    # What translated code is made from.

    def _watch(self, pages: set[int]) -> None:
        shift = self.engine.page_bits - PAGE_BITS
        checked = self.translator.checked
        self.engine.watch({page >> shift for page in pages if page not in checked})
        self._stack = 0, 0, memoryview(b"")

    def code_changed(self, address: int, size: int) -> None:
        for place in self.engine.twins(address):
            self.translator.kill(place, place + size)

    def _stored(self, address: int) -> None:
        """A store to a page of code was refused: the page is free for stores until code in it is
        translated again."""
        bits = self.engine.page_bits
        page = address >> bits
        times = self._stores[page] = self._stores.get(page, 0) + 1
        translator, shift = self.translator, bits - PAGE_BITS
        for one in self.engine.unwatch(page):
            small = range(one << shift, one + 1 << shift)
            if times >= _OFTEN:
                translator.checked.update(small)
            for number in small:
                translator.kill_page(number)

    def add_breakpoint(self, address: int) -> None:
        super().add_breakpoint(address)
        self.translator.kill(address, address + 1)

    def remove_breakpoint(self, address: int) -> None:
        super().remove_breakpoint(address)
        self.translator.kill(address, address + 1)

    # Running.

    def advance(self, until: int) -> None:
        (state, translator, words, double, mail, run, ref, resume, go_on, with_value,
         with_nothing, back_there, blocks, traps) = self._tools
        unpack, zero, none, tables, table_size = (
            _MAIL.unpack_from, ZERO, _NO_LIMIT, at.TABLES_AT, at.TABLE_SIZE)
        self._begun += 1
        trap_count = len(traps)
        if self.breakpoints and state.pc in self.breakpoints and state.instructions < until:
            self._step()
            if self._is_over():
                return
        while state.instructions < until:
            if self._debugging:
                self._step_until(until)
                return
            mode = self._mode_now()
            double[_NOW] = tables + mode * table_size
            double[_LEFT] = until - state.instructions
            found = blocks.get(state.pc | mode << 32)
            double[_NEXT] = found.host if found is not None else translator.find(state.pc, mode)
            error = run(ref, resume, zero, zero, none)
            while True:
                if error:
                    self._refused(until)
                    break
                reason = words[_REASON]
                if reason == _STUB:
                    left, kind, number, state.pc, a, b, c, d = unpack(mail, _MAIL_AT)
                    state.instructions = until - left
                    if number >= trap_count or not left:
                        if number >= len(traps) or not left:
                            return
                        trap_count = len(traps)
                    if kind != 2:
                        self._in_stub(state.pc)
                        break
                    begun, onward = self._begun, with_nothing
                    try:
                        result = traps[number](a, b, c, d)
                        if result is not None:
                            words[_VALUE] = result & 0xFFFF_FFFF
                            onward = with_value
                    except BaseException as raised:
                        self._trap_raised(raised)
                        break
                    over = self.stopping or self.alarm < until
                    if over or self._begun != begun:
                        # The state in memory is what counts from now on.
                        result_at, return_at, keep, region = self._way_back
                        ar, start = state.ar, state.sr[n.WINDOWBASE] << 2
                        last = len(ar) - 1
                        if onward is with_value:
                            ar[start + result_at & last] = words[_VALUE]
                        state.pc = ar[start + return_at & last] & keep | region
                        state.instructions += 1
                        if over or state.instructions >= until:
                            return
                        double[_NOW] = tables + self._mode_now() * table_size
                        double[_LEFT] = until - state.instructions + 1
                        words[_BACK] = state.pc
                        double[_NEXT] = back_there
                        onward = resume
                    error = run(ref, onward, zero, zero, none)
                    continue
                if reason == _CHAIN:
                    double[_NEXT] = translator.chain(double[_SITE])
                elif reason == at.CHANGED:
                    double[_NEXT] = translator.code_differs(double[_SITE])
                elif reason == at.MISS:
                    mode = (double[_MISSED] - at.TABLES_AT) // at.TABLE_SIZE
                    double[_NEXT] = translator.miss(words[_AT], mode)
                else:
                    if reason == at.ACCESS:
                        if self._access(until):
                            error = run(ref, self._resume_near, zero, zero, none)
                            continue
                        break
                    state.pc = words[_AT]
                    state.instructions = until - double[_LEFT]
                    if reason == at.STEP:
                        self._step()
                    elif reason == at.BUDGET_OVER:
                        self._step_until(until)
                    elif reason == at.INTERPRET:
                        self._step_unsteady(until)
                    else:
                        return  # at a breakpoint
                    break
                error = run(ref, go_on, zero, zero, none)
            if self._is_over():
                return

    def _access(self, until: int) -> bool:
        """Does an access to a device; True if the engine is to go on behind it."""
        state, engine = self.state, self.engine
        left, kind, _, state.pc, address, value, _, _ = _MAIL.unpack_from(
            engine.state, _MAIL_AT)
        state.instructions = until - left - (kind >> at.REST_AT)
        size, found = kind & 7, self._window
        if not 0 <= address - found.base <= found.size - size:
            other = self.memory.find(address)
            if type(other) is not Window or address - other.base > other.size - size:
                self._step()
                return False
            found = self._window = other
        if address % size:
            self._step()
            return False
        begun, forgotten = self._begun, self.translator.times_forgotten
        try:
            before = self.memory.before
            if before is not None:
                before()
            if kind & at.STORES:
                found.write(address - found.base, size, value & (1 << 8 * size) - 1)
            else:
                value = found.read(address - found.base, size) & (1 << 8 * size) - 1
                if kind & at.SIGNED and value >> 15:
                    value |= 0xFFFF_0000
                engine.words[engine.words[_RESULT]] = value
        except BusFault as error:
            cause = n.STORE_PROHIBITED if kind & at.STORES else n.LOAD_PROHIBITED
            self.interpreter.on_raised(Raised(cause, error.address, str(error)))
            state.instructions += 1
            return False
        state.instructions += 1
        if not (self.stopping or (state.attention and self.takes_interrupts)
                or begun != self._begun or forgotten != self.translator.times_forgotten):
            engine.double[_NEXT] = engine.double[_SITE]
            return True
        self._pass()
        return False

    def _pass(self) -> None:
        """The pc goes to the next instruction in memory."""
        state, sr = self.state, self.state.sr
        done = self.interpreter.instruction(state.pc)
        assert done is not None
        state.pc = done.end
        if state.pc == sr[n.LEND] and sr[n.LCOUNT] and not sr[n.PS] & n.PS_EXCM:
            sr[n.LCOUNT] -= 1
            state.pc = sr[n.LBEG]

    def call(self, address: int, *args: int) -> int:
        """The same as of every core, with less on the way."""
        level = self.level
        if level >= self.depth:
            raise DepthError(f"more than {self.depth} calls between host and guest are nested")
        state = self.state
        sr = state.sr
        window, starts, ps, registers = (
            sr[n.WINDOWBASE], sr[n.WINDOWSTART], sr[n.PS], bytes(self._ar_bytes))
        pc, took = state.pc, self.takes_interrupts
        self.level = level + 1
        self.takes_interrupts = False
        try:
            result = self._prepare(address, args)
            while True:
                begun = state.instructions
                alarm = self.alarm
                if alarm <= begun:
                    self.on_alarm()
                    alarm = max(self.alarm, begun + 1)
                self.stopping = False
                self.advance(alarm if alarm < begun + QUANTUM else begun + QUANTUM)
                if state.pc == RETURN:
                    return state.read(result)
                self._look_around()
        finally:
            self.level = level
            self.takes_interrupts = took
            self.fault = None
            sr[n.WINDOWBASE], sr[n.WINDOWSTART], sr[n.PS] = window, starts, ps
            self._ar_bytes[:] = registers
            state.pc = pc

    def _look_around(self) -> None:
        """A called function has not returned yet: why?"""
        pc = self.state.pc
        if not self._woken() and STUB_CODE <= pc < STUBS_END and not self._in_stub(pc):
            self._step()  # raises what is to be raised there
            if self.fault is not None:
                raise CoreFault(self.fault)

    def _prepare(self, address: int, args: tuple[int, ...]) -> int:
        state, ar = self.state, self.state.ar
        if len(args) > _REGISTERS_WITH_ARGUMENTS:
            return super()._prepare(address, args)
        if not self._windowed:
            ar[0] = RETURN
            ar[1] &= ~15
            for number, word in enumerate(args):
                ar[2 + number] = word & n.MASK
            state.pc = address & n.MASK
            return 2
        sr, last = state.sr, len(ar) - 1
        start = sr[n.WINDOWBASE] << 2
        old = ar[start + 1]
        sp = (old & ~15) - _FRAME
        first, end, stack = self._stack
        if not first <= sp - 16 < end:
            if not self._find_stack(sp - 16):
                return super()._prepare(address, args)
            first, end, stack = self._stack
        _SAVED.pack_into(stack, sp - 16 - first, 0, old, 0, 0)
        ar[start], ar[start + 1] = 0, sp
        ar[start + 8 & last] = RETURN & 0x3FFF_FFFF | 2 << 30
        sr[n.WINDOWSTART] = 1 << (start >> 2)
        sr[n.PS] = sr[n.PS] & ~n.PS_CALLINC | 2 << n.PS_CALLINC_SHIFT
        start += 10
        for number, word in enumerate(args):
            ar[start + number & last] = word & n.MASK
        state.pc = address & n.MASK
        return 10

    def _find_stack(self, address: int) -> bool:
        """Is there memory for a stack? It is remembered: (first, last + 1 for 16 bytes, bytes)."""
        found = self.memory.find(address)
        if not isinstance(found, Memory) or "w" not in found.perms or self.engine.watched(address):
            return False
        self._stack = found.base, found.base + found.size - 15, found.buffer
        return True

    def _mode_now(self) -> int:
        """The mode; the engine knows about it."""
        sr = self.state.sr
        ps = sr[n.PS] & _PS_MODE | sr[n.CPENABLE] & 1 | (self.state.ur[n.FCR] & 3) << 1
        if ps == self._known_ps:
            return self._mode
        mode = mode_of(self.state)
        self._prepare_mode(mode)
        self._mode, self._known_ps = mode, ps
        return mode

    def _look_for_debugging(self) -> None:
        """Is something watched that translated code does not look for?"""
        sr = self.state.sr
        self._debugging = bool(sr[n.IBREAKENABLE] | sr[n.DBREAKC] | sr[n.DBREAKC + 1]
                               | sr[n.ICOUNTLEVEL])

    def _step_until(self, until: int) -> None:
        state = self.state
        while state.instructions < until:
            self._step()
            if self._is_over():
                return

    def _step_unsteady(self, until: int) -> None:
        """Instructions that change so often that they are interpreted."""
        state, translator = self.state, self.translator
        while state.pc in translator.unsteady and state.instructions < until:
            translator.interpreted(state.pc)
            self._step()
            if self._is_over():
                return

    def _is_over(self) -> bool:
        """After an instruction of the interpreter: is something there for the host?"""
        state = self.state
        return (self.stopping or state.sleeping or (state.attention and self.takes_interrupts)
                or self.fault is not None or STUB_CODE <= state.pc < STUBS_END
                or state.pc in self.breakpoints)

    def _prepare_mode(self, mode: int) -> None:
        double, floats = self.engine.double, mode & at.FLOATS
        double[_EXCEPTION] = at.TABLES_AT + (at.EXCEPTION | floats) * at.TABLE_SIZE
        double[_WINDOWS] = at.TABLES_AT + (at.WINDOWS | floats) * at.TABLE_SIZE
        if floats and self.state.ur[n.FCR] & 3 != self._rounding:
            self._rounding = self.state.ur[n.FCR] & 3
            self.engine.set_rounding(self._rounding)

    def _step(self) -> None:
        """One instruction by the interpreter, which may change what translated code relies on."""
        sr = self.state.sr
        loop, literals = sr[n.LEND], sr[n.LITBASE]
        try:
            found = self.interpreter.next()
        except Raised:
            found = None  # it will be raised again
        if found is not None and found.name in ("rur", "wur"):
            self.take_flags()
        self.interpreter.step()
        if found is None:
            return
        if found.name in LOOPS:
            self.translator.add_loop(found.operands[1], found.end)
        if found.name not in ("wsr", "xsr"):
            return
        self._look_for_debugging()
        if sr[n.LEND] != loop:
            self.translator.loop_end(sr[n.LEND])
        if sr[n.LITBASE] != literals:
            self.translator.forget()
        if found.operands[0] == n.CCOUNT or found.operands[0] >= n.CCOMPARE:
            self.stopping = True  # timers go off at other times

    def take_flags(self) -> None:
        """FSR gets the flags of the operations so far."""
        if "float" in self.model.features:
            self.state.ur[n.FSR] |= self.engine.take_flags()

    def _refused(self, until: int) -> None:
        """An access was refused; the interpreter does it."""
        engine, state, translator = self.engine, self.state, self.translator
        found = translator.locate(engine.pc)
        if found is None:
            raise CoreError("the engine that executes translated code failed "
                            f"at 0x{engine.pc:x}")
        where, rest = found
        (address, kind), engine.refused = engine.refused, (-1, 0)
        if engine.start(translator.routines["refused"]):
            raise CoreError("the engine that executes translated code failed twice")
        state.pc = where
        state.instructions = until - (engine.double[_LEFT] + rest)
        page = address >> engine.page_bits
        if kind == MEM_WRITE and address >= 0 and engine.watched(address):
            self._stored(address)
        elif 0 <= address < 1 << 32 and not engine.is_memory(page):
            pages = translator.devices.setdefault(where, set())
            if page not in pages:
                pages.add(page)
                translator.kill(where, where + 1)
        self._step()

    # State.

    def write(self, register: str, value: int) -> None:
        super().write(register, value)
        self._begun += 1  # a trap may have done this
        self._look_for_debugging()
        if register == "lend":
            self.translator.loop_end(value & n.MASK)
        elif register == "litbase":
            self.translator.forget()

    def reset(self, vectors: int | None = None) -> None:
        super().reset(vectors)
        self._look_for_debugging()

    def restore(self, state: CoreState) -> None:
        super().restore(state)
        self._begun += 1
        self.translator.loop_end(self.state.sr[n.LEND])
        self._known_ps = -1
        self._look_for_debugging()

    def _pack(self) -> bytes:
        sr = self.state.sr
        return _HEAD.pack(sr[n.WINDOWBASE], sr[n.WINDOWSTART], sr[n.PS]) + bytes(self._ar_bytes)

    def _unpack(self, kept: bytes) -> None:
        sr = self.state.sr
        sr[n.WINDOWBASE], sr[n.WINDOWSTART], sr[n.PS] = _HEAD.unpack_from(kept)
        self._ar_bytes[:] = kept[12:]


def xtensa_core(name: str, bus: Bus, *, exact: bool = True, vectors: int | None = None,
                private: Sequence[Range] = (), depth: int = DEPTH) -> SteppedXtensa:
    """The fastest core that there is here: translated code, or the interpreter where Unicorn is
    missing, which a warning says."""
    try:
        library()
    except MissingEngineError as error:
        warnings.warn(f"Xtensa code is interpreted, a hundred times slower: {error}",
                      RuntimeWarning, stacklevel=2)
        return InterpretedXtensa(name, bus, exact=exact, vectors=vectors, private=private,
                                 depth=depth)
    return TranslatedXtensa(name, bus, exact=exact, vectors=vectors, private=private, depth=depth)
