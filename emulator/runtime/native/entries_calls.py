"""Entries of mp_fun_table: functions, calls and arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from mpy_cross.emulator.cores.arm import CortexM
from mpy_cross.emulator.runtime import support
from mpy_cross.emulator.runtime.buffers import address_of, has_buffer
from mpy_cross.emulator.runtime.native.arguments import mismatch, setup_state
from mpy_cross.emulator.runtime.native.functions import NativeClosure, NativeFunction
from mpy_cross.emulator.runtime.native.guest import CALL_ON_STACK
from mpy_cross.emulator.runtime.native.handles import (
    HANDLES,
    NULL,
    PINNED,
    SHIFT,
    SMALL,
    WORD,
    Handles,
)
from mpy_cross.emulator.runtime.native.region import BASE
from mpy_cross.emulator.runtime.native.traps import Trap

if TYPE_CHECKING:
    from mpy_cross.emulator.cores.arm_base import Direct
    from mpy_cross.emulator.runtime.native.bridge import Bridge

DEFAULTS_GIVEN: Final = 0x100
IP, SP, LR = 12, 13, 14
MACHINE: Final = frozenset((NativeFunction, NativeClosure))


def call_entries(bridge: Bridge) -> dict[str, Trap]:
    """These entries, by name."""
    return {**_calls(bridge), **_calls_with_stars(bridge), **_makers(bridge), **_checks(bridge)}


def direct_entries(bridge: Bridge, core: CortexM, call: Trap) -> dict[str, Direct]:
    """The same for the entry that is called most; `call` is its trap for everything else."""
    word, value, objects = bridge.handles.word, bridge.handles.value, bridge.handles.objects
    ints = bridge.ints

    def make(registers: Any, limit: Any, begun: Any) -> Callable[[], None]:
        def trap() -> None:
            count = begun[0]
            if count >= limit[0]:
                return
            core.slack = 1
            try:
                function, n = registers[0], registers[1]
                if HANDLES <= function < PINNED and 0 < n < 3:
                    called = objects[function - HANDLES >> SHIFT]
                    if type(called) not in MACHINE:
                        if core.done + count > bridge.due:
                            bridge.pass_time()
                        index = registers[2] - BASE >> 2
                        one = ints[index]
                        if n == 1:
                            result = called(one >> 1 if one & 1 else value(one & WORD))
                        else:
                            two = ints[index + 1]
                            result = called(one >> 1 if one & 1 else value(one & WORD),
                                            two >> 1 if two & 1 else value(two & WORD))
                        registers[0] = (result + result + 1
                                        if type(result) is int and 0 <= result < SMALL
                                        else word(result))
                        core.slack = 0
                        return
                registers[0] = call(function, n, registers[2], 0)
            except BaseException as error:  # must not go through the engine
                core.trap_raised(error)
            core.slack = 0

        return trap

    return {"native_call_function_n_kw": make}


def _calls(bridge: Bridge) -> dict[str, Trap]:
    word, value = bridge.handles.word, bridge.handles.value
    words = bridge.region.words
    if not isinstance(bridge.core, CortexM):
        return _plain_calls(bridge)
    core = bridge.core
    limit = bridge.region.limit

    objects = bridge.handles.objects
    ints = bridge.ints

    def call(function: int, n: int, at: int, d: int) -> int:
        if core.done + core.begun[0] > bridge.due:
            bridge.pass_time()
        called = (objects[function - HANDLES >> SHIFT] if HANDLES <= function < PINNED
                  else value(function))
        if type(called) in MACHINE:
            if type(called) is NativeFunction:
                raise RecursionError  # machine code calls it itself as long as there is stack
            if type(called.function) is NativeFunction:
                return call_closure(called, n & 0xFF, n >> 8, at)
        index = at - BASE >> 2
        if n == 1:
            one = ints[index]
            result = called(one >> 1 if one & 1 else value(one & WORD))
        elif n == 2:
            one, two = ints[index], ints[index + 1]
            result = called(one >> 1 if one & 1 else value(one & WORD),
                            two >> 1 if two & 1 else value(two & WORD))
        elif n == 0:
            result = called()
        elif n < 256:
            result = called(*[each >> 1 if each & 1 else value(each & WORD)
                              for each in ints[index : index + n].tolist()])
        else:
            end = index + (n & 0xFF)
            args = [value(each) for each in words[index:end].tolist()]
            pairs = [value(each) for each in words[end : end + 2 * (n >> 8)].tolist()]
            result = called(*args, **dict(zip(pairs[::2], pairs[1::2], strict=True)))
        if type(result) is int and -SMALL <= result < SMALL:
            return result << 1 & WORD | 1
        return word(result)

    def call_closure(closure: NativeClosure, n_args: int, n_kw: int, at: int) -> int:
        registers = core.registers
        cells = closure.cells
        function: Any = closure.function
        count = n_args + 2 * n_kw
        frame = registers[SP] - 8
        sp = frame - 4 * (len(cells) + count) & ~7
        if sp < limit:
            raise RecursionError
        to, index = sp - BASE >> 2, at - BASE >> 2
        given = words[index : index + count].tolist()
        words[frame - BASE >> 2], words[(frame - BASE >> 2) + 1] = registers[5], registers[LR]
        registers[5], registers[LR] = frame, bridge.table.guest[CALL_ON_STACK]
        registers[SP] = sp
        for each in [*[word(cell) for cell in cells], *given]:
            words[to] = each
            to += 1
        registers[1] = n_args + len(cells)
        registers[2] = n_kw
        registers[3] = sp
        registers[IP] = function.entry
        return function.struct  # type: ignore[no-any-return]

    return {"native_call_function_n_kw": call}


def _plain_calls(bridge: Bridge) -> dict[str, Trap]:
    """The same for a core that the host calls for each function."""
    core, words = bridge.core, bridge.region.words
    word, value = bridge.handles.word, bridge.handles.value

    def called_with(function: int, index: int, n_args: int, n_kw: int) -> int:
        if core.instructions > bridge.due:
            bridge.pass_time()
        end = index + n_args
        args = [value(each) for each in words[index:end].tolist()]
        if not n_kw:
            return word(value(function)(*args))
        pairs = [value(each) for each in words[end : end + 2 * n_kw].tolist()]
        return word(value(function)(*args, **dict(zip(pairs[::2], pairs[1::2], strict=True))))

    def call(function: int, n: int, at: int, d: int) -> int:
        return called_with(function, at - BASE >> 2, n & 0xFF, n >> 8)

    def call_method(n_args: int, n_kw: int, at: int, d: int) -> int:
        index = at - BASE >> 2
        function, owner = words[index], words[index + 1]
        if owner == NULL:
            return called_with(function, index + 2, n_args, n_kw)
        return called_with(function, index + 1, n_args + 1, n_kw)

    return {"native_call_function_n_kw": call, "call_method_n_kw": call_method}


def _calls_with_stars(bridge: Bridge) -> dict[str, Trap]:
    word, value = bridge.handles.word, bridge.handles.value
    words = bridge.region.words
    bitmap = bridge.runtime.release.mpy_version >= 6

    def call_var(have_self: int, counts: int, at: int, d: int) -> int:
        index = at - BASE >> 2
        called = value(words[index])
        index += 1
        args: list[Any] = []
        if have_self:
            if words[index] != NULL:
                args.append(value(words[index]))
            index += 1
        n_args, n_kw = counts & 255, counts >> 8 & 255
        given = words[index : index + n_args].tolist()
        index += n_args
        pairs = words[index : index + 2 * n_kw].tolist()
        index += 2 * n_kw
        sequence, mapping, stars = NULL, NULL, 0
        if bitmap:
            stars = value(words[index])
        else:
            sequence, mapping = words[index : index + 2].tolist()
        for number, each in enumerate(given):
            if stars >> number & 1:
                args.extend(support.star(value(each)))
            else:
                args.append(value(each))
        if sequence != NULL:
            args.extend(support.star(value(sequence)))
        keywords: dict[str, Any] = {}
        for key, each in zip(pairs[::2], pairs[1::2], strict=True):
            more = {value(key): value(each)} if key != NULL else support.double_star(value(each))
            _merge(keywords, more)
        if mapping != NULL:
            _merge(keywords, support.double_star(value(mapping)))
        return word(called(*args, **keywords))

    return {"call_method_n_kw_var": call_var}


def _merge(keywords: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        if key in keywords:
            raise TypeError(f"function got multiple values for argument '{key}'")
        keywords[key] = value


def _makers(bridge: Bridge) -> dict[str, Trap]:
    word, value = bridge.handles.word, bridge.handles.value
    words = bridge.region.words

    def make_5(raw: int, defaults: int, keyword_defaults: int, d: int) -> int:
        return word(value(raw)(
            bridge.globals,
            value(defaults) if defaults else None,
            value(keyword_defaults) if keyword_defaults else None))

    def make_6(raw: int, context: int, defaults: int, d: int) -> int:
        first, second = NULL, NULL
        if defaults:
            at = defaults - BASE >> 2
            first, second = words[at : at + 2].tolist()
        return word(value(raw)(
            value(words[(context - BASE >> 2) + 1]),
            value(first) if first else None,
            value(second) if second else None))

    def closed(at: int, count: int) -> list[Any]:
        return [value(each) for each in words[at : at + count].tolist()]

    def closure_5(raw: int, n_closed: int, at: int, d: int) -> int:
        index = at - BASE >> 2
        first, second = NULL, NULL
        if n_closed & DEFAULTS_GIVEN:
            first, second = words[index : index + 2].tolist()
            index += 2
        return word(value(raw)(
            bridge.globals,
            value(first) if first else None,
            value(second) if second else None,
            *closed(index, n_closed & 255)))

    def closure_6(function: int, n_closed: int, at: int, d: int) -> int:
        cells = closed(at - BASE >> 2, n_closed & 255)
        return word(NativeClosure(value(function), tuple(cells)))

    tables = bridge.runtime.release.native_tables
    make = make_6 if tables else make_5
    return {
        "make_function_from_raw_code": make,
        "make_function_from_proto_fun": make,
        "make_closure_from_raw_code": closure_5,
        "new_closure": closure_6,
    }


def _checks(bridge: Bridge) -> dict[str, Trap]:
    def check_count(n_args: int, n_kw: int, signature: int, d: int) -> None:
        least, most = signature >> 17, signature >> 1 & 0xFFFF
        if n_kw and not signature & 1:
            raise TypeError("function doesn't take keyword arguments")
        if least == most:
            if n_args != least:
                raise mismatch(least, n_args)
        elif n_args < least:
            raise TypeError(f"function missing {least - n_args} required positional arguments")
        elif n_args > most:
            raise TypeError(f"function expected at most {most} arguments, got {n_args}")

    def setup(state: int, n_args: int, n_kw: int, args: int) -> None:
        setup_state(bridge, state - BASE >> 2, n_args, n_kw, args - BASE >> 2)

    return {"arg_check_num_sig": check_count, "setup_code_state": setup}


def native_to_object(handles: Handles, native: int, kind: int) -> int:
    """mp_native_to_obj, for the type in the low four bits of `kind`."""
    kind &= 15
    if kind == 0:
        return native
    if kind == 1:
        return handles.word(native != 0)
    return handles.word(native - 0x1_0000_0000 if kind == 2 and native >> 31 else native)


def for_asm(bridge: Bridge, value: Any, kept: list[Any]) -> int:
    """What a function in inline assembler gets for an object (py/objfun.c); `kept` takes what has
    to live as long as the call."""
    if value is None:
        return 0
    if isinstance(value, int):
        return int(value) & WORD
    if isinstance(value, float):
        return int(value) & WORD
    if isinstance(value, (tuple, list)):
        block = bridge.region.put_words([bridge.handles.word(item) for item in value])
        kept.append(block)
        return block.address
    if has_buffer(value):
        return address_of(value)
    return bridge.handles.word(value)
