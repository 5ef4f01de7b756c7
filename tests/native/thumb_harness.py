"""Run the machine code of a compiled module on an emulated Cortex-M, without firmware.

    module = load(source, "1.17", "armv7m")
    module.call("f", 1, bytearray(8))

Viper and inline assembler functions are taken out of the .mpy file, linked as MicroPython's loader
does (py/persistentcode.c), and called as it calls them (py/objfun.c); mp_fun_table leads back here.
Functions of `builtins` can be called by name; a `bytearray` argument is in memory during the call.
Beyond results the harness checks what no result shows: that callee-saved registers come back and
that nothing is written outside the stack and the buffers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, final

import mpy_cross
from mpy_cross.loader import opcodes
from mpy_cross.loader.decode import child_index
from mpy_cross.loader.listing import code_items, item_instructions
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, NativeFlag, RawCode
from mpy_cross.loader.objects import FunTable, Str
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import get
from tests.native.thumb_harness_core import (
    LR,
    MODELS,
    N_TRAPS,
    RAM,
    RAM_SIZE,
    SP,
    TRAP_SIZE,
    TRAPS,
    Core,
    UnicornCore,
)
from tests.native.thumb_harness_runtime import (
    BINARY,
    FUNCTIONS,
    N_CONSTANTS,
    NULL,
    PTR,
    SENTINEL,
    UNARY,
    WORD,
    HarnessError,
    Objects,
    Raised,
    check_arguments,
    evaluate,
    floor_divide,
    modulo,
)

MADE: Final = (opcodes.MAKE_FUNCTION, opcodes.MAKE_FUNCTION_DEFARGS)
RETURN: Final = N_TRAPS - 1  # the trap that a function returns to
TABLE_SIZE: Final = 100  # entries of mp_fun_table, those for native modules included
DATA: Final = RAM + 0x4_0000
DATA_SIZE: Final = 0x2_0000
STACK: Final = RAM + RAM_SIZE
LIMIT: Final = 3_000_000
FILLER: Final = 0xA5
GAP: Final = 64  # bytes of filler around each buffer

# What a function finds in r4 to r11 and has to leave there, and what a call leaves in r1 to
# r3, r12 and lr.
KEPT: Final = tuple(0x4B4B_0004 + i for i in range(8))
CLOBBERED: Final = {n: 0xDEAD_0000 + n for n in (0, 1, 2, 3, 12, LR)}


@final
class Function:
    """A function in memory: where its function object and its code are."""

    __slots__ = ("entry", "name", "raw", "word")

    def __init__(self, name: str, raw: RawCode, word: int, entry: int) -> None:
        self.name = name
        self.raw = raw
        self.word = word
        self.entry = entry


@cache
def _core(arch: str) -> Core:
    return UnicornCore(MODELS[arch])


def load(
    source: str, release: str, arch: str, builtins: dict[str, Any] | None = None, opt: str = "0"
) -> ThumbModule:
    """Compile a module and put its functions into memory.  Raises CompileError."""
    code = mpy_cross.compile(source, "case.py", release=release, arch=arch, opt=opt)
    return ThumbModule(read(code, get(release)), _core(arch), builtins)


@final
class ThumbModule:
    """The machine code of one module in a core's memory.  A core has one module at a time."""

    def __init__(
        self, mpy: MpyFile, core: Core, builtins: dict[str, Any] | None = None
    ) -> None:
        self.core = core
        self.objects = Objects()
        self.globals: dict[str, Any] = {}
        self._builtins = {} if builtins is None else builtins
        self._mpy = mpy
        self._release = mpy.release
        self._handlers: list[list[int]] = []  # addresses of nlr_buf_t, per run
        self._free = RAM
        self._globals_word = self.objects.word(self.globals)
        self._current_globals = self.objects.word({"__name__": "the caller's"})
        self._fun_table = self._words(
            *(self.objects.word(value) for value in (None, False, True)),
            *((TRAPS + TRAP_SIZE * i) | 1 for i in range(N_CONSTANTS, TABLE_SIZE)),
        )
        self._context = self._make_context() if self._release.native_tables else 0
        for name, raw in _functions(mpy):
            self.globals[name] = self._make_function(name, raw)
        self._program = core.read(RAM, self._free - RAM)
        self._spans: list[tuple[int, bytearray]] = []

    # ------------------------------------------------------------------------------------- linking

    def _put(self, data: bytes) -> int:
        """Put something into memory, at a multiple of 8; its address."""
        address = self._free
        self._free = address + len(data) + 7 & ~7
        if self._free > DATA:
            raise HarnessError(f"the program takes more than {DATA - RAM} bytes")
        self.core.load(address, data)
        return address

    def _words(self, *words: int) -> int:
        return self._put(b"".join(word.to_bytes(4, "little") for word in words))

    def _constant(self, value: object) -> int:
        if isinstance(value, FunTable):
            return self._fun_table
        return self.objects.word(value.data.decode() if isinstance(value, Str) else value)

    def _make_context(self) -> int:
        """mp_module_context_t: type, globals, qstr table, object table."""
        numbers = (self.objects.name_number(name) for name in self._mpy.qstrs)
        names = self._put(b"".join(number.to_bytes(2, "little") for number in numbers))
        constants = self._words(*(self._constant(value) for value in self._mpy.objects))
        return self._words(0, self._globals_word, names, constants)

    def _make_function(self, name: str, raw: RawCode) -> Function:
        if raw.kind == CodeKind.NATIVE:
            raise HarnessError(f"{name} is native code; the harness runs viper and asm_thumb")
        if raw.scope_flags & NativeFlag.RELOC or raw.children:
            raise HarnessError(f"{name} has relocations or functions inside")
        code = bytearray(raw.code)
        for link, index in raw.qstr_links:
            self._link(code, link >> 2, link & 3, self.objects.name_number(self._mpy.qstrs[index]))
        entry = self._put(bytes(code))
        if raw.kind == CodeKind.ASM:
            word = self._words(0, raw.n_pos_args, entry, raw.type_sig)
        elif self._release.native_tables:
            word = self._words(0, self._context, 0, entry)
        else:
            table = self._words(self._fun_table, *(self._constant(v) for v in raw.constants))
            word = self._words(0, self._globals_word, entry, table)
        function = Function(name, raw, word, entry)
        self.objects.place(function, word)
        return function

    @staticmethod
    def _link(code: bytearray, place: int, kind: int, number: int) -> None:
        """Version 5: put a qstr into the code, in the way that the loader for Thumb does it."""
        word = number << 3 | 2
        if kind == 0:
            code[place : place + 2] = number.to_bytes(2, "little")
        elif kind == 3:
            code[place : place + 4] = word.to_bytes(4, "little")
        else:
            halves = (number,) if kind == 1 else (word & 0xFFFF, word >> 16)
            for at, half in zip((place, place + 4), halves, strict=False):
                upper = int.from_bytes(code[at : at + 2], "little") & 0xFBF0
                lower = int.from_bytes(code[at + 2 : at + 4], "little") & 0x0F00
                upper |= half >> 12 | half >> 1 & 0x0400
                lower |= half << 4 & 0x7000 | half & 0xFF
                code[at : at + 4] = upper.to_bytes(2, "little") + lower.to_bytes(2, "little")

    # ------------------------------------------------------------------------------------- calling

    def call(self, name: str, *args: Any) -> Any:
        """Call a function of the module.  Raises what the program raises, Fault, HarnessError."""
        function = self.globals[name]
        if not isinstance(function, Function):
            raise HarnessError(f"{name} is no function of the module")
        buffers = {id(arg): arg for arg in args if isinstance(arg, bytearray)}
        outside = self._current_globals
        with self._buffers(list(buffers.values())):
            try:
                word = self._invoke(function, [self.objects.word(arg) for arg in args])
            except Raised as raised:
                raise raised.error from None
            finally:
                self._handlers.clear()
                restored, self._current_globals = self._current_globals, outside
        if restored != outside:
            raise HarnessError(f"{name} does not restore the globals")
        return self.objects.value(word)

    @contextmanager
    def _buffers(self, buffers: list[bytearray]) -> Iterator[None]:
        """Put buffers into memory and take them back, with a check of what is around them."""
        places = buffer_addresses(buffers)
        memory = bytearray((FILLER,)) * (_end(places, buffers) - DATA)
        for place, buffer in zip(places, buffers, strict=True):
            memory[place - DATA : place - DATA + len(buffer)] = buffer
            self.objects.place_buffer(buffer, place)
        self.core.write(DATA, bytes(memory))
        try:
            yield
        finally:
            self.objects.forget_buffers()
        memory[:] = self.core.read(DATA, len(memory))
        for place, buffer in zip(places, buffers, strict=True):
            start = place - DATA
            buffer[:] = memory[start : start + len(buffer)]
            memory[start : start + len(buffer)] = bytes((FILLER,)) * len(buffer)
        if memory.count(FILLER) != len(memory):
            raise HarnessError("written outside the buffers")
        if self.core.read(RAM, len(self._program)) != self._program:
            raise HarnessError("written to code or tables")

    def _invoke(self, function: Function, args: list[int]) -> int:
        """Call a function with objects; the object that it returns."""
        before = self.core.registers() if self._handlers else []
        stack = (before[SP] if before else STACK) & ~7
        registers = [0] * 13 + [stack, (TRAPS + TRAP_SIZE * RETURN) | 1]
        registers[4:12] = KEPT
        if function.raw.kind == CodeKind.ASM:
            if len(args) != function.raw.n_pos_args:
                raise Raised(TypeError("function takes another number of arguments"))
            registers[: len(args)] = [self._inline_argument(arg) for arg in args]
        else:
            stack -= 4 * len(args) + 7 & ~7
            self.core.write(stack, b"".join(arg.to_bytes(4, "little") for arg in args))
            registers[:4] = [function.word, len(args), 0, stack]
            registers[SP] = stack
        self.core.set_registers(dict(enumerate(registers)))
        self._run(function.entry)
        after = self.core.registers()
        if after[SP] != stack or tuple(after[4:12]) != KEPT:
            raise HarnessError(f"{function.name} does not restore {[hex(r) for r in after[4:14]]}")
        self.core.set_registers(dict(enumerate(before)))
        if function.raw.kind == CodeKind.ASM:
            return self.objects.from_native(after[0], function.raw.type_sig)
        return after[0]

    def _inline_argument(self, word: int) -> int:
        """What an inline assembler function gets for an object."""
        value = self.objects.value(word)
        if value is None:
            return 0
        return self.objects.to_native(word, 2 if isinstance(value, int) else 4)

    def _run(self, pc: int) -> None:
        """Run until the function returns, and serve its calls of the run-time."""
        core = self.core
        handlers: list[int] = []
        self._handlers.append(handlers)
        while (trap := core.run(pc, LIMIT)) != RETURN:
            registers = core.registers()
            table = self._release.fun_table  # whose last part is for native modules
            name = FUNCTIONS[trap] if trap < len(FUNCTIONS) else table[trap]
            served = SERVED.get(name)
            if served is None:
                raise HarnessError(f"mp_fun_table[{trap}]: {name} is not in the harness")
            try:
                result = served(self, registers)
            except Raised as raised:
                if not handlers:
                    self._handlers.pop()
                    raise
                changed = self._land(handlers.pop(), raised.error)
                pc = changed[LR] & ~1
            else:
                changed = CLOBBERED if result is None else CLOBBERED | {0: result & WORD}
                pc = registers[LR] & ~1
            core.set_registers(changed)
        self._handlers.pop()

    # ------------------------------------------------------------------------------- the run-time

    def _read_words(self, address: int, n: int) -> list[int]:
        data = self.core.read(address, 4 * n)
        return [int.from_bytes(data[i : i + 4], "little") for i in range(0, 4 * n, 4)]

    def _write_word(self, address: int, word: int) -> None:
        self.core.write(address, word.to_bytes(4, "little"))

    def _values(self, address: int, n: int) -> list[Any]:
        return [self.objects.value(word) for word in self._read_words(address, n)]

    def _land(self, buf: int, error: BaseException) -> dict[int, int]:
        """nlr_jump: nlr_push returns once more.  The saved registers are read back from memory,
        where the code of version 5 files keeps values of its own among them."""
        self._write_word(buf + 4, self.objects.word(error))
        saved = self._read_words(buf + 8, 10)
        kept = dict(zip((LR, *range(4, 12), SP), saved, strict=True))
        return CLOBBERED | {0: 1} | kept

    def nlr_push(self, r: list[int]) -> int:
        saved = [r[LR], *r[4:12], r[SP]]
        self.core.write(r[0] + 8, b"".join(word.to_bytes(4, "little") for word in saved))
        self._handlers[-1].append(r[0])
        return 0

    def nlr_pop(self, r: list[int]) -> None:
        self._handlers[-1].pop()

    def raise_(self, r: list[int]) -> None:
        error = self.objects.value(r[0]) if r[0] else None
        if error is None:
            return  # no exception is in flight
        if isinstance(error, type) and issubclass(error, BaseException):
            error = error()
        if not isinstance(error, BaseException):
            error = TypeError("exceptions must derive from BaseException")
        raise Raised(error)

    def swap_globals(self, r: list[int]) -> int:
        old = self._current_globals
        if r[0] in (0, old):
            return 0
        self._current_globals = r[0]
        return old

    def load_global(self, r: list[int]) -> int:
        name = self.objects.name(r[0])
        if self._current_globals != self._globals_word:
            raise HarnessError(f"the globals are not those of the module where {name} is loaded")
        for names in (self.globals, self._builtins):
            if name in names:
                return self.objects.word(names[name])
        raise Raised(NameError(f"name '{name}' isn't defined"))

    def store_global(self, r: list[int]) -> None:
        self.globals[self.objects.name(r[0])] = self.objects.value(r[1])

    def _apply(self, function: Any, args: list[Any]) -> int:
        if isinstance(function, Function):
            return self._invoke(function, [self.objects.word(arg) for arg in args])
        return self.objects.word(evaluate(function, *args))

    def call_function(self, r: list[int]) -> int:
        if r[1] >> 8:
            raise HarnessError("call_function_n_kw: keyword arguments are not in the harness")
        return self._apply(self.objects.value(r[0]), self._values(r[2], r[1] & 0xFF))

    def binary_op(self, r: list[int]) -> int:
        values = self.objects.value(r[1]), self.objects.value(r[2])
        return self.objects.word(evaluate(BINARY[r[0]], *values))

    def unary_op(self, r: list[int]) -> int:
        return self.objects.word(evaluate(UNARY[r[0]], self.objects.value(r[1])))

    def subscr(self, r: list[int]) -> int:
        base, index = self.objects.value(r[0]), self.objects.value(r[1])
        if r[2] == SENTINEL:
            return self.objects.word(evaluate(lambda: base[index]))
        if r[2] == NULL:
            evaluate(base.__delitem__, index)
        else:
            evaluate(base.__setitem__, index, self.objects.value(r[2]))
        return self.objects.word(None)

    def getiter(self, r: list[int]) -> int:
        word = self.objects.word(evaluate(iter, self.objects.value(r[0])))
        if r[1]:
            self._write_word(r[1], word)
        return word

    def iternext(self, r: list[int]) -> int:
        values = self.objects.value(self._read_words(r[0], 1)[0])
        for value in values:
            return self.objects.word(value)
        return NULL


    def get_buffer(self, r: list[int]) -> int:
        """Only bytearrays are buffers here."""
        value = self.objects.value(r[0])
        if not isinstance(value, bytearray):
            return 0
        self._write_word(r[1], self.objects.to_native(r[0], PTR))
        self._write_word(r[1] + 4, len(value))
        return 1

    def get_buffer_raise(self, r: list[int]) -> None:
        if not self.get_buffer(r):
            raise Raised(TypeError("object with buffer protocol required"))


def _functions(mpy: MpyFile) -> Iterator[tuple[str, RawCode]]:
    """(name, code) of the functions that the module's bytecode makes and stores."""
    made: int | None = None
    for step in item_instructions(mpy, code_items(mpy)[0]):
        if step[1] == opcodes.STORE_NAME and made is not None:
            yield mpy.qstrs[step[2]].decode(), mpy.root.children[made]
        made = child_index(mpy, mpy.root, step[2]) if step[1] in MADE else None


def buffer_addresses(buffers: list[bytearray]) -> list[int]:
    """Where the buffers of a call are, in the order of its arguments: the same in every run."""
    places = []
    place = DATA + GAP
    for buffer in buffers:
        places.append(place)
        place += len(buffer) + GAP + 7 & ~7
    if place > DATA + DATA_SIZE:
        raise HarnessError(f"buffers of more than {DATA_SIZE} bytes")
    return places


def _end(places: list[int], buffers: list[bytearray]) -> int:
    return places[-1] + len(buffers[-1]) + GAP if places else DATA + GAP


SERVED: Final[dict[str, Callable[[ThumbModule, list[int]], int | None]]] = {
    "convert_obj_to_native": lambda m, r: m.objects.to_native(r[0], r[1]),
    "convert_native_to_obj": lambda m, r: m.objects.from_native(r[0], r[1]),
    "swap_globals": ThumbModule.swap_globals,
    "load_global": ThumbModule.load_global,
    "store_global": ThumbModule.store_global,
    "obj_subscr": ThumbModule.subscr,
    "obj_is_true": lambda m, r: int(bool(m.objects.value(r[0]))),
    "unary_op": ThumbModule.unary_op,
    "binary_op": ThumbModule.binary_op,
    "new_tuple": lambda m, r: m.objects.word(tuple(m._values(r[1], r[0]))),
    "new_list": lambda m, r: m.objects.word(m._values(r[1], r[0])),
    "call_function_n_kw": ThumbModule.call_function,
    "getiter": ThumbModule.getiter,
    "iternext": ThumbModule.iternext,
    "nlr_push": ThumbModule.nlr_push,
    "obj_get_type": lambda m, r: m.objects.word(type(m.objects.value(r[0]))),
    "get_buffer": ThumbModule.get_buffer,
    "get_buffer_raise": ThumbModule.get_buffer_raise,
    "nlr_pop": ThumbModule.nlr_pop,
    "raise": ThumbModule.raise_,
    "arg_check_num_sig": lambda m, r: check_arguments(r),
    "small_int_floor_divide": lambda m, r: floor_divide(r),
    "small_int_modulo": lambda m, r: modulo(r),
}
"""The entries of mp_fun_table that the harness has, by name."""
