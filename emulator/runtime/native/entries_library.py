"""Entries of mp_fun_table that modules written in C use: printing, arguments, arrays, streams."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, final

from mpy_cross.emulator.runtime import streams, support
from mpy_cross.emulator.runtime.arguments import as_int, to_utf8
from mpy_cross.emulator.runtime.function_text import text_of
from mpy_cross.emulator.runtime.heap import Block
from mpy_cross.emulator.runtime.native.handles import WORD
from mpy_cross.emulator.runtime.native.traps import Trap
from mpy_cross.emulator.runtime.typecodes import BYTEARRAY, typecode

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.native.bridge import Bridge

# Flags of mp_arg_t: its kind, and what else is asked.
ARG_KIND, ARG_BOOL, ARG_INT = 0xFF, 1, 2
ARG_REQUIRED, ARG_KEYWORD = 0x100, 0x200
ARG_SIZE: Final = 8
MAP_COUNT_SHIFT: Final = 3
"""mp_map_t begins with three flags and the number of entries."""
STREAM_READ, STREAM_WRITE, STREAM_IOCTL = 1, 2, 4
STREAM_ERROR: Final = WORD
_METHODS: Final = {STREAM_READ: "__stream_read__", STREAM_WRITE: "__stream_write__",
                   STREAM_IOCTL: "__stream_ioctl__"}
_EINVAL: Final = 22


@final
class VariableArguments:
    """The arguments behind the last that has a name, in C (AAPCS).

    first: those words that are in registers; address: of the others, a multiple of 8 if a double
    may stand at the beginning of `first`.
    """

    def __init__(self, read: Callable[[int, int], int], first: list[int], address: int) -> None:
        self._read, self._first, self._address = read, first, address
        self._at = 0

    def word(self) -> int:
        at, first = self._at, self._first
        self._at += 1
        return first[at] if at < len(first) else self._read(self._address + 4 * (at - len(first)),
                                                            4)

    def signed(self) -> int:
        return (self.word() ^ 0x8000_0000) - 0x8000_0000

    def double(self) -> float:
        if (self._address + 4 * (self._at - len(self._first))) % 8:
            self._at += 1
        raw = struct.pack("<II", self.word(), self.word())
        return float(struct.unpack("<d", raw)[0])


def formatted(bridge: Bridge, text: str, args: VariableArguments) -> str:
    """What mp_vprintf prints."""
    out: list[str] = []
    at, end = 0, len(text)

    def number() -> int:
        nonlocal at
        value = 0
        while at < end and text[at].isdigit():
            value = value * 10 + int(text[at])
            at += 1
        return value

    while at < end:
        percent = text.find("%", at)
        if percent < 0:
            percent = end
        out.append(text[at:percent])
        at = percent + 1
        flags = ""
        while at < end and text[at] in "-+ !0":
            flags += text[at]
            at += 1
        width, precision = number(), -1
        if text[at : at + 1] == ".":
            at += 1
            if text[at : at + 1] == "*":
                at += 1
                precision = max(args.signed(), 0)
            else:
                precision = number()
        if text[at : at + 1] == "l":
            at += 1
        if at < end:
            out.append(_converted(bridge, text[at], flags, width, precision, args))
            at += 1
    return "".join(out)


def _converted(bridge: Bridge, letter: str, flags: str, width: int, precision: int,
               args: VariableArguments) -> str:
    fill = "0" if "0" in flags else " "
    sign = ""
    if letter == "b":
        body = "true" if args.word() else "false"
    elif letter == "c":
        body = chr(args.word() & 0xFF)
    elif letter in "qs":
        word = args.word()
        if letter == "q":
            body = bridge.handles.names[word]
        else:
            body = text_of(bridge.runtime.storage.text_at(word)) if word else "(null)"
        if precision >= 0:
            body = body[:precision]
    elif letter in "duxXpP":
        value = args.signed() if letter == "d" else args.word()
        body = format(abs(value), {"d": "d", "u": "d", "X": "X"}.get(letter, "x"))
        if value < 0:
            sign = "-"
        elif letter == "d":
            sign = "+" if "+" in flags else " " if " " in flags else ""
    elif letter in "eEfFgG":
        shown = "".join(each for each in "-+ 0" if each in flags) + (str(width) if width else "")
        digits = "" if precision < 0 else f".{precision}"
        value_of = bridge.runtime.float_type(args.double())
        return str(support.modulo(f"%{shown}{digits}{letter}", (value_of,)))
    else:
        return letter
    if sign and fill == "0":
        return sign + _padded(body, width - 1, flags, fill)
    return _padded(sign + body, width, flags, fill)


def _padded(text: str, width: int, flags: str, fill: str) -> str:
    return text.ljust(width, fill) if "-" in flags else text.rjust(width, fill)


@final
class Library:
    """What of these entries is no function, and what keeps it in memory."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge
        self._blocks: dict[str, Block] = {}
        self._print = 0

    def address(self, name: str) -> int | None:
        """The word of an entry, None if it is none of these."""
        if name == "plat_print":
            return self.plat_print()
        if name.startswith("stream_") and name.endswith("_obj"):
            method = name.removeprefix("stream_").removesuffix("_obj")
            method = {"unbuffered_readline": "readline"}.get(method, method)

            def function(stream: Any, *args: Any) -> Any:
                from mpy_cross.emulator.runtime.attributes import attribute

                return attribute(stream, method)(*args)

            return self.bridge.handles.pin(function)
        return None

    def plat_print(self) -> int:
        """The address of mp_plat_print, an mp_print_t for the console."""
        return self._place("print", lambda: [0, self._trap_of_print()])

    def _place(self, name: str, words: Callable[[], list[int]]) -> int:
        if name not in self._blocks:
            self._blocks[name] = self.bridge.region.put_words(words())
        return self._blocks[name].address

    def _trap_of_print(self) -> int:
        bridge = self.bridge

        def print_strn(data: int, text: int, size: int, d: int) -> None:
            if size:
                raw = bytes(bridge.core.bus.view(text, size))
                streams.write_all(bridge.runtime.stdout, raw)

        self._print = bridge.core.add_trap(print_strn)
        return self._print

    def print_to(self, where: int, text: str) -> None:
        """Print through the mp_print_t at an address."""
        bridge = self.bridge
        data = to_utf8(text)
        read = bridge.core.bus.read
        function = read(where + 4, 4)
        if function == self._print:
            streams.write_all(bridge.runtime.stdout, data)
        elif data:
            block = bridge.region.put(data)
            bridge.run(function, read(where, 4), block.address, len(data), 0)

    def stream_protocol(self) -> int:
        """The address of an mp_stream_p_t that works for every stream."""
        add = self.bridge.core.add_trap
        bridge = self.bridge
        value, bus = bridge.handles.value, bridge.core.bus

        def errors(call: Callable[[Any, int, int], int]) -> Trap:
            def trap(stream: int, a: int, b: int, code: int) -> int:
                try:
                    return call(value(stream), a, b)
                except OSError as error:
                    number = error.args[0] if error.args and type(error.args[0]) is int else _EINVAL
                    bus.write(code, 4, number)
                    return STREAM_ERROR

            return trap

        def read(stream: Any, to: int, size: int) -> int:
            data = stream.__stream_read__(size)
            if data:
                bus.view(to, len(data))[:] = bytes(data)
            return len(data or b"")

        def write(stream: Any, source: int, size: int) -> int:
            return int(stream.__stream_write__(bytes(bus.view(source, size)) if size else b""))

        def ioctl(stream: Any, request: int, argument: int) -> int:
            return int(stream.__stream_ioctl__(request, argument))

        return self._place(
            "streams", lambda: [add(errors(each)) for each in (read, write, ioctl)] + [0])


def library_entries(bridge: Bridge, library: Library) -> dict[str, Trap]:
    """These entries, by name."""
    return {**_printing(bridge, library), **_arguments(bridge), **_arrays(bridge)}


def _printing(bridge: Bridge, library: Library) -> dict[str, Trap]:
    core, storage, value = bridge.core, bridge.runtime.storage, bridge.handles.value

    def show(where: int, text: int, args: VariableArguments) -> int:
        shown = formatted(bridge, text_of(storage.text_at(text)), args)
        library.print_to(where, shown)
        return len(to_utf8(shown))

    def printf(where: int, text: int, c: int, d: int) -> int:
        more, rest = bridge.side.variable()
        return show(where, text, VariableArguments(core.bus.read, [c, d, *more], rest))

    def vprintf(where: int, text: int, args: int, d: int) -> int:
        return show(where, text, VariableArguments(core.bus.read, [], args))

    def get_stream_raise(obj: int, flags: int, c: int, d: int) -> int:
        for flag, method in _METHODS.items():
            if flags & flag:
                streams.stream_of(value(obj), method)
        return library.stream_protocol()

    return {"printf": printf, "vprintf": vprintf, "get_stream_raise": get_stream_raise}


def _arguments(bridge: Bridge) -> dict[str, Trap]:
    core, value, names = bridge.core, bridge.handles.value, bridge.handles.names
    read, write = core.bus.read, core.bus.write

    def parse(n_pos: int, pos: int, pairs: list[tuple[int, int]], n_allowed: int, allowed: int,
              out: int) -> None:
        given = {value(key): word for key, word in pairs}
        used = 0
        for number in range(n_allowed):
            at = allowed + ARG_SIZE * number
            name, flags = names[read(at, 2)], read(at + 2, 2)
            to = out + 4 * number
            if number < n_pos:
                if flags & ARG_KEYWORD:
                    raise TypeError("extra positional arguments given")
                word = read(pos + 4 * number, 4)
            elif name in given:
                used += 1
                word = given[name]
            elif flags & ARG_REQUIRED:
                raise TypeError(f"'{name}' argument required")
            else:
                write(to, 4, read(at + 4, 4))
                continue
            kind = flags & ARG_KIND
            if kind == ARG_BOOL:
                write(to, 4, 1 if value(word) else 0)
            elif kind == ARG_INT:
                write(to, 4, as_int(value(word)) & WORD)
            else:
                write(to, 4, word)
        if n_pos > n_allowed:
            raise TypeError("extra positional arguments given")
        if used < len(given):
            raise TypeError("extra keyword arguments given")

    def pairs_at(table: int, count: int) -> list[tuple[int, int]]:
        places = range(table, table + 8 * count, 8)
        return [(read(at, 4), read(at + 4, 4)) for at in places]

    def parse_all(n_pos: int, pos: int, keywords: int, n_allowed: int) -> None:
        count, table = read(keywords, 4) >> MAP_COUNT_SHIFT, read(keywords + 8, 4)
        pairs = [pair for pair in pairs_at(table, count) if pair[0]]
        parse(n_pos, pos, pairs, n_allowed, core.word_of_stack(0), core.word_of_stack(1))

    def parse_all_array(n_pos: int, n_kw: int, args: int, n_allowed: int) -> None:
        parse(n_pos, args, pairs_at(args + 4 * n_pos, n_kw), n_allowed, core.word_of_stack(0),
              core.word_of_stack(1))

    return {"arg_parse_all": parse_all, "arg_parse_all_kw_array": parse_all_array}


def _arrays(bridge: Bridge) -> dict[str, Trap]:
    bus, word, value = bridge.core.bus, bridge.handles.word, bridge.handles.value
    storage = bridge.runtime.storage

    def get_size(order: int, kind: int, alignment: int, d: int) -> int:
        found = typecode(chr(kind & 255))
        if chr(order & 255) not in "<>@":
            raise ValueError("bad typecode")
        if alignment:
            bus.write(alignment, 4, found.size if chr(order & 255) == "@" else 1)
        return found.size

    def get_value(kind: int, array: int, index: int, d: int) -> int:
        found = typecode(chr(kind & 255) if kind & 255 else BYTEARRAY)
        data = bus.view(array + found.size * index & WORD, found.size)
        return word(found.unpack(data, 0, False, storage))

    def set_value(kind: int, array: int, index: int, obj: int) -> None:
        found = typecode(chr(kind & 255) if kind & 255 else BYTEARRAY)
        data = found.pack(value(obj), False, storage)
        bus.view(array + found.size * index & WORD, found.size)[:] = data

    return {"binary_get_size": get_size, "binary_get_val_array": get_value,
            "binary_set_val_array": set_value}


