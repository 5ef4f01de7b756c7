"""Functions in the memory of a board: their bytecode, names, lines and the functions inside.

Where things stand (py/objfun.h, py/bc.h, py/emitglue.h), in words:

* a function object has, up to 1.18, its globals, bytecode and table of constants after the type;
  from 1.19 on, its module, table of children and bytecode.  From then on names in bytecode are
  indices into a table of the module.
* what a function is made of has its kind, its bytecode and that table.

The length of bytecode stands nowhere; it ends where nothing leads on.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.bus import BusFault
from mpy_cross.emulator.firmware.identify import Identity, identify
from mpy_cross.emulator.firmware.image import Image
from mpy_cross.emulator.observe.line_hits import LineHits
from mpy_cross.emulator.observe.qstrs import Qstrs
from mpy_cross.emulator.observe.words import ObserveError, Words
from mpy_cross.loader import opcodes as bc
from mpy_cross.loader.code_end import function_steps
from mpy_cross.loader.decode import Instruction, decode_lines
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, RawCode
from mpy_cross.loader.prelude import decode_prelude
from mpy_cross.loader.release import RELEASES, Release
from mpy_cross.loader.varint import decode_uint

MODULE: Final = "<module>"
BYTECODE: Final = 2  # the kind of code that is not native (py/emitglue.h)
LONGEST: Final = 1 << 16  # bytes of one function
_MAKERS: Final = (bc.MAKE_FUNCTION, bc.MAKE_FUNCTION_DEFARGS, bc.MAKE_CLOSURE,
                  bc.MAKE_CLOSURE_DEFARGS)


@final
class Function:
    """Bytecode in memory, as it was when it was read.

    address: of its prelude; data: from there to its end; start: offset of the first instruction;
    line: of its definition; children: the functions that it makes; frozen: part of the firmware;
    offsets: of all instructions; runs: how often each was executed, by offset; costs: the cycles.
    """

    __slots__ = ("address", "children", "costs", "data", "file", "frozen", "hits", "line", "name",
                 "offsets", "runs", "source", "start")

    def __init__(self, address: int, data: bytes, start: int, source: int) -> None:
        self.address, self.data, self.start, self.source = address, data, start, source
        self.file = self.name = "?"
        self.line = 1
        self.frozen = False
        self.children: list[Function] = []
        self.offsets: list[int] = []
        self.runs: dict[int, int] = {}
        self.costs: dict[int, int] = {}
        self.hits = LineHits((), (), 1, module=True)

    def family(self) -> list[Function]:
        """It and all functions inside."""
        found = [self]
        for function in found:
            found += function.children
        return found

    def key(self) -> tuple[object, ...]:
        """Equal for equal programs."""
        return self.name, self.data[self.start :], *(child.key() for child in self.children)


def release_of(identity: Identity) -> Release:
    """The release whose structures an image has.  ObserveError if that is unknown."""
    if identity.release is not None:
        return identity.release
    if identity.mpy is not None:
        for release in reversed(RELEASES.values()):
            if release.mpy_version == identity.mpy & 0xFF:
                return release  # a build between releases: the newest that may fit
    raise ObserveError("the image does not say which MicroPython it is")


@final
class FunctionReader:
    """Reads functions of the firmware of `image`.  ObserveError as `Qstrs` and `release_of`."""

    def __init__(self, words: Words, image: Image) -> None:
        identity = identify(image)
        release = release_of(identity)
        self._words = words
        self._release = release
        self._qstrs = Qstrs(words, image)
        cached = identity.mpy is not None and release.mpy_version == 5 and identity.mpy >> 8 & 1
        self._file = MpyFile(release, [], [], RawCode(CodeKind.BYTECODE, b""),
                             cache_lookup_bc=bool(cached))
        self._old = release.mpy_version == 5

    def place(self, function: int) -> tuple[int, int]:
        """Of a function object: address of the bytecode, and what tells the names apart."""
        word = self._words.word
        if self._old:
            return word(function + 8), 0
        names = word(word(function + 4) + 8)
        return word(function + 12), names << 16 | self._words.half(names)

    def read(self, function: int) -> Function | None:
        """The function object at an address, with all functions inside; None: unreadable."""
        word = self._words.word
        try:
            address, _ = self.place(function)
            if self._old:
                return self._read(address, word(function + 12), 0, None, 1)
            return self._read(address, word(function + 8), word(word(function + 4) + 8), None, 1)
        except (BusFault, IndexError, MpyError, RecursionError):
            return None

    def _read(self, address: int, table: int, names: int, parent: Function | None,
              line: int) -> Function:
        words = self._words
        data = words.upto(address, LONGEST)
        prelude = decode_prelude(data)
        pos = prelude.info_start
        source = 0
        if self._old:
            name = data[pos] | data[pos + 1] << 8
            file = data[pos + 2] | data[pos + 3] << 8
            pos += 4
        else:
            index, pos = decode_uint(data, pos)
            for _ in range(prelude.n_args):
                _, pos = decode_uint(data, pos)
            name, file = words.half(names + 2 * index), words.half(names)
            source = names << 16 | file
        start = prelude.code_start
        lines = decode_lines(data[pos : prelude.cells_start], self._old)
        steps = function_steps(self._file, data, start)
        end = steps[-1][0] + 1
        function = Function(address, data[:end], start, source)
        function.name, function.file = self._qstrs.text(name), self._qstrs.text(file)
        function.frozen = not words.writable(address)
        function.offsets = [step[0] for step in steps]
        module = parent is None and function.name == MODULE
        if parent is None and not module and lines:
            line = lines[0][1]
        function.line = line
        function.hits = LineHits(steps, [(start + offset, each) for offset, each in lines], line,
                                 module=module)
        self._add_children(function, steps, table, names)
        return function

    def _add_children(self, function: Function, steps: list[Instruction], table: int,
                      names: int) -> None:
        words = self._words
        for offset, opcode, operand, _ in steps:
            if opcode not in _MAKERS:
                continue
            made = words.word(table + 4 * operand)
            address, inner = made, 0
            if not self._release.proto_functions:
                kind = words.word(made) & 7
            elif words.half(made):
                kind = BYTECODE  # bytecode that makes no functions stands for itself
            else:
                kind = words.read(made + 2, 1)[0]
            if kind != BYTECODE:
                continue
            if not self._release.proto_functions or not words.half(made):
                address, inner = words.word(made + 4), words.word(made + 8)
            line = function.hits.line_at(offset)
            function.children.append(self._read(address, inner, names, function, line))
