"""Entries of mp_fun_table that modules written in C use, called by machine code from C."""

from __future__ import annotations

import struct
from typing import Any, Final

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import Module as ProgramModule
from mpy_cross.loader.release import get

ARCHS: Final = ("armv6m", "armv7emsp")
RELEASES: Final = ("1.17", "1.29")

# Compiled by arm-none-eabi-gcc 12.2 -mcpu=cortex-m0 -Os from this source; the word 0x5a5a5a58 is
# replaced by the address of a struct context:
#
#   struct context { word **table; const char *format; void *allowed; word *out; };
#   word show(word plat_print, word printf, const char *name, int number) {
#     return printf(plat_print, CONTEXT->format, name, number, 3.25, 0xBEEF, 'z', 1, -0.5);
#   }
#   word parsed(word n_args, word *args, void *map) {
#     CONTEXT->table[0](n_args, args, map, 3, CONTEXT->allowed, CONTEXT->out);
#     return (CONTEXT->out[0] + CONTEXT->out[1]) << 1 | 1;
#   }
#   void collect(word *data, const unsigned char *text, word size) {
#     data[1] += size;
#     while (size--) data[0] += *text++;
#   }
CODE: Final = bytes.fromhex(
    "d0b500260c00094f012188b00696079700260491064f79310391064900960197"
    "029105494968a04708b0d0bd0000e0bf00000a40efbe0000585a5a5a37b5084c"
    "e56823680195a56800951d680323a8470120e2680cca9b185b0018433ebdc046"
    "585a5a5a10b543689b1843608a18914200d110bd0c78036801311b190360f6e7")
SHOW, PARSED, COLLECT = 0x00, 0x3C, 0x64
CONTEXT: Final = (0x5A5A5A58).to_bytes(4, "little")
FLAG_BOOL, FLAG_INT, FLAG_OBJ, FLAG_REQUIRED, FLAG_KEYWORD = 1, 2, 3, 0x100, 0x200


@pytest.fixture(autouse=True)
def engine() -> None:
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")


class Module:
    """The code above, in the memory of a run-time."""

    def __init__(self, arch: str, release: str) -> None:
        self.output: list[str] = []
        self.runtime = Runtime(get(release), write=self.output.append, single_floats=True)
        self.runtime.arch = arch
        self.runtime.activate()
        self.bridge: Any = self.runtime.native
        self.names = get(release).fun_table
        self.blocks: list[Any] = []
        self.context = self.words([0, 0, 0, 0])
        self.code = self.bytes(CODE.replace(CONTEXT, self.context.to_bytes(4, "little")))

    def bytes(self, data: bytes) -> int:
        self.blocks.append(self.bridge.region.put(data))
        return int(self.blocks[-1].address)

    def words(self, words: list[int]) -> int:
        return self.bytes(struct.pack(f"<{len(words)}I", *words))

    def entry(self, name: str) -> int:
        return int(self.bridge.table.entry(self.names.index(name)))

    def call(self, name: str, *args: int) -> int:
        return int(self.bridge.core.call(self.entry(name), *args))

    def run(self, offset: int, *args: int) -> int:
        return int(self.bridge.core.call(self.code + offset | 1, *args))

    def set(self, number: int, word: int) -> None:
        self.bridge.core.bus.write(self.context + 4 * number, 4, word)

    def read(self, address: int) -> int:
        return int(self.bridge.core.bus.read(address, 4))

    def show(self, text: str, where: int | None = None) -> tuple[str, int]:
        self.output.clear()
        self.set(1, self.bytes(text.encode() + b"\0"))
        where = self.entry("plat_print") if where is None else where
        name = self.bytes(b"name\0")
        count = self.run(SHOW, where, self.entry("printf"), name, 0xFFFF_FFF9)
        return "".join(self.output), count


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("release", RELEASES)
def test_printf(release: str, arch: str) -> None:
    module = Module(arch, release)
    for text, shown in (
        ("%s %d %f %x %c %b %g\n", "name -7 3.250000 beef z true -0.5\n"),
        ("[%6s|%05d|%.3f|%X|%3c|%u|%e]", "[  name|-0007|3.250|BEEF|  z|1|-5.000000e-01]"),
        ("[%-6s|%-5d|%8.3f|%p|%c|%+d|%G]", "[name  |-7   |   3.250|beef|z|+1|-0.5]"),
        ("%.2s%% %ld", "na% -7"),
    ):
        assert module.show(text) == (shown, len(shown)), text


@pytest.mark.parametrize("arch", ARCHS)
def test_vprintf_and_qstrs(arch: str) -> None:
    module = Module(arch, "1.17")
    number = module.bridge.handles.number("a_name")
    text = module.bytes(b"%q %.3q %.*s %8.2f|\0")
    ratio = list(struct.unpack("<II", struct.pack("<d", 2.5)))
    word = module.bytes(b"abcdef\0")
    # Five words, then one that is left out, as a double begins at a multiple of 8 bytes.
    args = module.words([number, number, 4, word, *ratio])
    assert module.call("vprintf", module.entry("plat_print"), text, args) > 0
    assert "".join(module.output) == "a_name a_n abcd     2.50|"
    module.output.clear()
    text = module.bytes(b"%d %.1f\0")
    args = module.words([1, 0xDEAD, *ratio])
    module.call("vprintf", module.entry("plat_print"), text, args)
    assert "".join(module.output) == "1 2.5"


@pytest.mark.parametrize("arch", ARCHS)
def test_printing_to_a_function_of_the_module(arch: str) -> None:
    module = Module(arch, "1.17")
    data = module.words([0, 0])
    target = module.words([data, module.code + COLLECT | 1])
    shown, count = module.show("%s=%d", target)
    assert (shown, count) == ("", 7)
    assert (module.read(data), module.read(data + 4)) == (sum(b"name=-7"), 7)


def keyword_function(module: Module, allowed: list[tuple[str, int, int]]) -> Any:
    """An mp_obj_fun_builtin_var_t with keywords that parses its arguments."""
    handles = module.bridge.handles
    table = b"".join(struct.pack("<HHI", handles.number(name), flags, default)
                     for name, flags, default in allowed)
    out = module.words([0] * len(allowed))
    module.set(0, module.words([module.entry("arg_parse_all")]))
    module.set(2, module.bytes(table))
    module.set(3, out)
    function = module.words([
        module.entry("type_fun_builtin_var"), 0 << 17 | 0xFFFF << 1 | 1, module.code + PARSED | 1])
    return handles.value(function), out


@pytest.mark.parametrize("arch", ARCHS)
def test_arguments_of_functions_in_c(arch: str) -> None:
    module = Module(arch, "1.29")
    function, out = keyword_function(module, [
        ("first", FLAG_INT | FLAG_REQUIRED, 0), ("second", FLAG_INT, 7),
        ("third", FLAG_BOOL | FLAG_KEYWORD, 0)])
    assert function(1) == 8 and module.read(out + 8) == 0
    assert function(1, 2) == 3
    assert function(second=5, first=-6, third=[0]) == -1 and module.read(out + 8) == 1
    for args, keywords, text in (
        ((), {}, "'first' argument required"),
        ((1, 2, 3), {}, "extra positional arguments given"),
        ((1,), {"fourth": 1}, "extra keyword arguments given"),
        ((1,), {"first": 1}, "extra keyword arguments given"),
        (("x",), {}, "can't convert"),
    ):
        with pytest.raises(TypeError, match=text):
            function(*args, **keywords)


@pytest.mark.parametrize("arch", ARCHS)
def test_arguments_in_an_array(arch: str) -> None:
    module = Module(arch, "1.29")
    handles = module.bridge.handles
    allowed = module.bytes(struct.pack("<HHIHHI", handles.number("a"), FLAG_OBJ, 0,
                                       handles.number("b"), FLAG_OBJ, 0))
    out = module.words([0, 0])
    some = handles.word([1])
    args = module.words([some, handles.name_word("b"), handles.word(5)])
    module.call("arg_parse_all_kw_array", 1, 1, args, 2, allowed, out)
    assert (module.read(out), handles.value(module.read(out + 4))) == (some, 5)


@pytest.mark.parametrize("arch", ARCHS)
def test_arrays(arch: str) -> None:
    module = Module(arch, "1.29")
    handles = module.bridge.handles
    alignment = module.words([0])
    for order, kind, size, aligned in (("<", "h", 2, 1), ("@", "i", 4, 4), ("@", "d", 8, 8),
                                       (">", "Q", 8, 1), ("@", "B", 1, 1)):
        assert module.call("binary_get_size", ord(order), ord(kind), alignment) == size
        assert module.read(alignment) == aligned
    with pytest.raises(ValueError, match="bad typecode"):
        module.call("binary_get_size", ord("<"), ord("z"), 0)
    array = module.words([0, 0, 0, 0])
    for kind, index, value in (("h", 1, -5), ("B", 0, 200), ("I", 1, 0xFFFF_FFFF), ("q", 1, -1),
                               ("f", 2, 0.5), ("i", 3, -(1 << 31))):
        module.call("binary_set_val_array", ord(kind), array, index, handles.word(value))
        assert handles.value(module.call("binary_get_val_array", ord(kind), array, index)) == value
    assert module.read(array + 8) == 0x3F00_0000
    assert handles.value(module.call("binary_get_val_array", 0, array, 0)) == 200


@pytest.mark.parametrize("arch", ARCHS)
def test_streams(arch: str) -> None:
    module = Module(arch, "1.17")
    handles = module.bridge.handles
    names = ProgramModule("m")
    module.runtime.compiler = compiler_for(module.runtime.release)
    source = b"import io\ns = io.BytesIO(b'abcdef')"
    module.runtime.run(module.runtime.compile(source, "m.py"), names)
    stream = handles.pin(names.__dict__["s"])
    protocol = module.call("get_stream_raise", stream, 1 | 2)
    room, code = module.bytes(bytes(8)), module.words([0])
    assert module.bridge.core.call(module.read(protocol), stream, room, 4, code) == 4
    assert bytes(module.bridge.core.bus.view(room, 5)) == b"abcd\0"
    assert module.bridge.core.call(module.read(protocol + 4), stream, room, 2, code) == 2
    assert names.__dict__["s"].getvalue() == b"abcdab"
    with pytest.raises(OSError, match="stream operation not supported"):
        module.call("get_stream_raise", handles.word(5), 1)
    read = handles.value(module.entry("stream_read_obj"))
    assert read(names.__dict__["s"], 1) == b""

