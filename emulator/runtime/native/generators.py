"""Generators in machine code: their state, and how they are resumed (py/objgenerator.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from mpy_cross.emulator.runtime import errors
from mpy_cross.emulator.runtime.errors import GeneratorClosed
from mpy_cross.emulator.runtime.heap import Block
from mpy_cross.emulator.runtime.native.arguments import bind
from mpy_cross.emulator.runtime.native.handles import HANDLES, PINNED, STEP
from mpy_cross.emulator.runtime.native.region import BASE
from mpy_cross.emulator.runtime.types import builtin_type

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.native.functions import NativeGeneratorFunction

STATE: Final = 5
"""Words of mp_code_state_t before the state."""
RETURNED, YIELDED, RAISED = 0, 1, 2
SENTINEL: Final = 0xFFFF
"""exc_sp_idx of native generators."""


@final
class NativeGenerator:
    """A generator.

    address: of its mp_code_state_t; at: the same as an index of words.  While no machine code
    runs its objects are in `saved`: else the words of its state are in memory.
    """

    __slots__ = ("__weakref__", "address", "at", "block", "done", "function", "n_state",
                 "running", "saved")

    def __init__(
        self, function: NativeGeneratorFunction, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        bridge = function.bridge
        self.function = function
        signature = function.placed.signature
        assert signature is not None
        self.n_state = signature.n_state
        self.block: Block = bridge.region.heap.alloc(4 * (STATE + self.n_state))
        self.address = self.block.address
        self.at = self.address - BASE >> 2
        self.saved: list[Any] | None = None
        self.done = self.running = False
        words = bridge.region.words
        bridge.depth += 1
        try:
            word = bridge.handles.word
            positional = [word(arg) for arg in args]
            keywords = [(name, word(value)) for name, value in kwargs.items()]
            state = bind(bridge, function, signature, positional, keywords)
            at = self.at
            words[at] = function.struct
            words[at + 1] = function.placed.start
            words[at + 2] = self.address + 4 * (STATE - 1)
            words[at + 3] = SENTINEL << 16 | self.n_state
            words[at + 4] = 0
            words[at + STATE : at + STATE + self.n_state] = memoryview(state)
            bridge.suspended.add(self)
            bridge.untidy = True
        finally:
            bridge.leave()

    # ------------------------------------------------------------------------------- its state

    def save(self) -> None:
        """Take the objects of the state out of memory."""
        bridge = self.function.bridge
        handles, cells = bridge.handles, bridge.cells
        start = self.at + STATE
        saved: list[Any] = []
        for word in bridge.region.words[start : start + self.n_state].tolist():
            if word & 3 or word < BASE:
                saved.append(word)
            elif HANDLES <= word < PINNED and word - HANDLES < STEP * len(handles.objects):
                saved.append((handles.value(word),))
            elif word in cells:
                saved.append((cells[word],))
            elif word in bridge.functions:
                saved.append((bridge.functions[word],))
            else:
                saved.append(word)
        self.saved = saved

    def restore(self) -> None:
        """Put them back."""
        saved = self.saved
        assert saved is not None
        bridge = self.function.bridge
        word = bridge.handles.word
        words = bridge.region.words
        for at, item in enumerate(saved, self.at + STATE):
            words[at] = item if type(item) is int else word(item[0])
        self.saved = None
        bridge.suspended.add(self)
        bridge.untidy = True

    def live_words(self) -> list[int]:
        """The words of the state, where they are in memory."""
        start = self.at + STATE
        return self.function.bridge.region.words[start : start + self.n_state].tolist()

    # --------------------------------------------------------------------------------- running

    def resume(self, sent: Any, thrown: Any) -> Any:
        """Go on; the value that is yielded.  Raises StopIteration at the end."""
        if self.done:
            raise StopIteration
        if self.running:
            raise ValueError("generator already executing")
        bridge = self.function.bridge
        words, word = bridge.region.words, bridge.handles.word
        at = self.at
        bridge.depth += 1
        outside = bridge.globals
        self.running = True
        try:
            if self.saved is not None:
                self.restore()
            sp = words[at + 2]
            if sp == self.address + 4 * (STATE - 1):
                if sent is not None:
                    raise TypeError("can't send non-None value to a just-started generator")
            else:
                words[sp - BASE >> 2] = word(sent) if thrown is None else 0
            bridge.globals = self.function.module
            try:
                kind = bridge.run(
                    self.function.placed.resume, self.address,
                    0 if thrown is None else word(thrown), 0, 0)
            finally:
                bridge.globals = outside
            if kind == YIELDED:
                return bridge.handles.value(words[words[at + 2] - BASE >> 2])
            self._finish()
            if kind == RETURNED:
                result = bridge.handles.value(words[words[at + 2] - BASE >> 2])
                raise StopIteration if result is None else StopIteration(result)
            error = bridge.handles.value(words[at + STATE])
            if isinstance(error, StopIteration):
                raise RuntimeError("generator raised StopIteration")
            raise errors.raised(error)
        finally:
            self.running = False
            bridge.leave()

    def _finish(self) -> None:
        self.done = True
        self.function.bridge.suspended.discard(self)

    # ------------------------------------------------------------------- as the host knows them

    def __iter__(self) -> NativeGenerator:
        return self

    def __next__(self) -> Any:
        return self.resume(None, None)

    def send(self, value: Any) -> Any:
        return self.resume(value, None)

    def throw(self, kind: Any, value: Any = None, trace: Any = None) -> Any:
        thrown = kind if value is None else value
        if isinstance(kind, type) and value is not None and not isinstance(value, BaseException):
            thrown = kind(value)
        return self.resume(None, getattr(thrown, "thrown", thrown))

    def close(self) -> None:
        if self.done:
            return
        try:
            self.resume(None, GeneratorClosed())
        except (GeneratorClosed, StopIteration):
            return
        raise RuntimeError("generator ignored GeneratorExit")

    def _show(self, printer: object) -> str:
        return f"<generator object '{self.function.name}' at {id(self) & 0xFFFFFF:#x}>"


def install_types() -> None:
    """Let the program see these as generators."""
    builtin_type("generator", NativeGenerator, None, {
        "__next__": lambda self: self.resume(None, None),
        "send": lambda self, value: self.resume(value, None),
        "throw": lambda self, kind, value=None, trace=None: self.throw(kind, value, trace),
        "close": lambda self: self.close(),
    })
