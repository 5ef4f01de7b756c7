"""Machine code of programs on the emulated core: calls, objects, exceptions, generators."""

from __future__ import annotations

import gc
import struct
import threading
from pathlib import Path
from typing import Any

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.cores.core import CoreFault
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import Module
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.mpyfile import NativeFlag
from mpy_cross.loader.place import link_qstr, relocate
from mpy_cross.loader.release import get
from mpy_cross.loader.writer import write
from tests.emulator.native_programs import DEEP, DEEP_PRINTS

PROGRAMS = Path(__file__).parents[1]
RELEASES = ("1.17", "1.28")
ARCHS = ("armv7emsp", "armv6m")


@pytest.fixture(autouse=True)
def engine() -> None:
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")


def run(source: str | bytes, release: str = "1.17", arch: str = "armv7emsp",
        emit: str = "bytecode") -> str:
    """What a program prints, the report of an uncaught exception included."""
    out: list[str] = []
    raised: list[BaseException] = []

    def program() -> None:
        runtime = Runtime(get(release), compiler_for(get(release), arch, emit), out.append)
        runtime.arch = arch
        data = source.encode() if isinstance(source, str) else source
        try:
            runtime.main(runtime.compile(data, "case.py"))
        except Exception as error:
            out.append(runtime.report(error))
        except BaseException as error:
            raised.append(error)

    before = threading.stack_size(256 << 20)
    try:
        thread = threading.Thread(target=program)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    if raised:
        raise raised[0]
    return "".join(out)


# Where native code of the reference itself prints something else than bytecode: it does not see
# unbound locals, has no bare raise and no `async with`, and loses values in `finally` (its unix
# port prints the same).
OWN_WAYS = {"async_await.py", "delete.py", "except_names.py", "exceptions.py", "finally_loops.py",
            "generators.py", "try_in_loops.py", "yield_expressions.py"}
SAME = sorted(
    path.relative_to(PROGRAMS).as_posix()
    for folder in ("programs", "native/programs")
    for path in (PROGRAMS / folder).glob("*.py")
    if path.name not in OWN_WAYS
)


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("name", SAME[::6])
def test_native_code_prints_what_bytecode_prints(name: str, arch: str) -> None:
    source = (PROGRAMS / name).read_bytes()
    for release in RELEASES:
        assert run(source, release, arch, "native") == run(source, release, arch)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("arch", ARCHS)
def test_viper_writes_into_buffers(release: str, arch: str) -> None:
    source = """
@micropython.viper
def fill(p: ptr8, q: ptr16, n: int) -> int:
    total = 0
    for i in range(n):
        p[i] = i * 3
        q[i] = i * 1000
        total += p[i]
    return total
a = bytearray(4)
b = bytearray(8)
print(fill(a, b, 4), a, b)
"""
    assert run(source, release, arch) == (
        "18 bytearray(b'\\x00\\x03\\x06\\t') "
        "bytearray(b'\\x00\\x00\\xe8\\x03\\xd0\\x07\\xb8\\x0b')\n")


@pytest.mark.parametrize("release", RELEASES)
def test_calls_nest_to_a_depth_of_200(release: str) -> None:
    assert run(DEEP, release) == DEEP_PRINTS


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    "call, result",
    [
        ("f(1)", "(1, 2, (), 5, {})"),
        ("f(1, 3, 4)", "(1, 3, (4,), 5, {})"),
        ("f(b=7, a=8, k=9, z=1)", "(8, 7, (), 9, {'z': 1})"),
        ("f(*(1, 2, 3), **{'y': 4})", "(1, 2, (3,), 5, {'y': 4})"),
        ("f()", "function missing required positional argument #1"),
        ("f(1, a=2)", "function got multiple values for argument 'a'"),
        ("g(1, 2)", "function takes 1 positional arguments but 2 were given"),
        ("g(x=1)", "unexpected keyword argument 'x'"),
        ("v(1, 2)", "function takes 1 positional arguments but 2 were given"),
        ("v(a=1)", "function doesn't take keyword arguments"),
    ],
)
def test_arguments(release: str, call: str, result: str) -> None:
    source = f"""
@micropython.native
def f(a, b=2, *rest, k=5, **more):
    return a, b, rest, k, more
@micropython.native
def g(a):
    return a
@micropython.viper
def v(a: int) -> int:
    return a
try:
    print({call})
except TypeError as error:
    print(error)
"""
    assert run(source, release) == result + "\n"


@pytest.mark.parametrize("release", RELEASES)
def test_generators_and_closures(release: str) -> None:
    source = """
@micropython.native
def counter(start):
    count = start
    def step(by=1):
        nonlocal count
        count += by
        return count
    return step
a, b = counter(1), counter(10)
print(a(), a(5), b(), type(a()) is int)
@micropython.native
def gen(n):
    try:
        for i in range(n):
            got = yield i
            if got:
                print('got', got)
    except ValueError as error:
        yield 'caught', error
    return 'end'
g = gen(3)
print(next(g), g.send('x'), g.throw(ValueError('v')))
print(list(gen(2)))
@micropython.native
def outer():
    return (yield from gen(1))
o = outer()
print(next(o))
try:
    next(o)
except StopIteration as stop:
    print(stop.value)
class A:
    @micropython.native
    def method(self, x):
        return self, x
x = A()
print(x.method(3)[0] is x, type(A.method) is type(print))
"""
    assert run(source, release) == (
        "2 7 11 True\ngot x\n0 1 ('caught', ValueError('v',))\n[0, 1]\n0\nend\nTrue True\n")


def test_handles_are_freed_while_machine_code_runs() -> None:
    source = """
@micropython.native
def many(n):
    kept = [1.5]
    x = 0.25
    for i in range(n):
        x = x * 0.5 + 1.0
        t = (i, x)
    return kept, t[0]
print(many(30000))
"""
    assert run(source) == "([1.5], 29999)\n"


def test_a_fault_ends_the_program() -> None:
    from mpy_cross.emulator.runtime.scheduler import HardFault

    source = """
@micropython.viper
def wild():
    p = ptr32(0xdead0000)
    p[0] = 1
try:
    wild()
except Exception:
    print('no handler sees this')
"""
    with pytest.raises(HardFault, match="write where nothing answers at 0xdead0000"):
        run(source)


def test_machine_code_of_another_architecture() -> None:
    runtime = Runtime(get("1.17"), compiler_for(get("1.17"), "armv7emsp"))
    code = runtime.compile(b"@micropython.native\ndef f(): pass\n", "case.py")
    from mpy_cross.emulator.runtime.types import Module

    with pytest.raises(ValueError, match=r"incompatible \.mpy arch"):
        runtime.run(code, Module("m"))


def test_relocations() -> None:
    text, rodata = bytearray(16), bytearray(8)
    words: dict[int, int] = {0: 0x1000, 1: 0x2000, 7: 0x3000}
    # at word 1 of the code: two words of the code's address; at word 1 of rodata: entry 7
    relocate(bytes([0b11, 2, 2, 7 << 1 | 1, 3]), text, rodata, words.__getitem__)
    assert text.hex() == "00000000" "00100000" "00100000" "00000000"
    assert rodata.hex() == "00000000" "00300000"


@pytest.mark.parametrize("program", [b"\x01", b"\x01\x82", b"\x01\x10", b"\x03\x00\x05"])
def test_broken_relocations(program: bytes) -> None:
    def where(operand: int) -> int:
        return 0

    with pytest.raises(MpyError):
        relocate(program, bytearray(16), bytearray(), where)


@pytest.mark.parametrize("flags", [NativeFlag(0), NativeFlag.RELOC])
def test_modules_written_in_c_stay(flags: NativeFlag) -> None:
    """Functions in their data refer to them by addresses alone."""
    release = get("1.28")
    runtime = Runtime(release, compiler_for(release, "armv6m"))
    runtime.arch = "armv6m"
    runtime.activate()
    source = b"@micropython.viper\ndef f(a: int, b: int) -> int:\n    return a * b\n"
    mpy = runtime.compile(source, "m.py").mpy
    assert mpy is not None
    made = mpy.root.children[0]
    made.scope_flags |= flags
    module = Module("m")
    runtime.run(runtime.load(write(mpy)), module)
    address = module.__dict__.pop("f").placed.address
    text = bytes(runtime.native.core.bus.view(address, len(made.code)))
    del module
    gc.collect()
    others = [runtime.native.region.put(bytes(len(text))) for _ in range(100)]
    assert bytes(others[0].view(len(text))) != text
    stays = bytes(runtime.native.core.bus.view(address, len(text))) == text
    assert stays is bool(flags)


def test_qstr_links() -> None:
    code = bytearray.fromhex("40f20000 00000000")
    link_qstr(code, 0 << 2 | 1, 0x8765)
    assert code[:4].hex() == "48f26570"
    link_qstr(code, 4 << 2 | 3, 5)
    assert code[4:].hex() == "2a000000"
    with pytest.raises(MpyError):
        link_qstr(code, 6 << 2 | 3, 5)


def module_bridge(arch: str, release: str) -> tuple[Any, Any]:
    """A bridge, and a way to call an entry of its table by name."""
    runtime = Runtime(get(release), single_floats=True)
    runtime.arch = arch
    runtime.activate()
    bridge = runtime.native

    def call(name: str, *args: int) -> int:
        entry = bridge.table.entry(get(release).fun_table.index(name))
        return bridge.core.call(entry, *args)

    return bridge, call


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("release", RELEASES)
def test_entries_for_modules_in_c(release: str, arch: str) -> None:
    bridge, call = module_bridge(arch, release)
    handles, region = bridge.handles, bridge.region
    address = call("realloc", 0, 32, 1)
    call("memset", address, 0x41, 8)
    call("memmove", address + 4, address, 8)
    assert handles.value(call("obj_new_str", address, 12)) == "A" * 12
    assert handles.value(call("obj_new_bytes", address, 2)) == b"AA"
    grown = call("realloc", address, 4000, 1)
    assert bytes(bridge.core.bus.view(grown, 12)) == b"A" * 12
    assert call("realloc", grown, 0, 1) == 0
    info = region.put_words([0, 0, 0])
    get_buffer = "get_buffer" if release == "1.28" else "get_buffer_raise"
    call(get_buffer, handles.word(b"xyz"), info.address, 1)
    where, size, kind = struct.unpack("<III", info.view(12))
    assert (bytes(bridge.core.bus.view(where, size)), kind) == (b"xyz", ord("B"))
    text = region.put(b"went wrong\0")
    with pytest.raises(ValueError, match="went wrong"):
        call("raise_msg", handles.word(ValueError), text.address)
    with pytest.raises(CoreFault, match="read where nothing answers at 0x00000000"):
        call("vprintf")


@pytest.mark.parametrize("arch", ARCHS)
def test_functions_of_modules_in_c(arch: str) -> None:
    bridge, _ = module_bridge(arch, "1.28")
    names = get("1.28").fun_table
    # adds 2 to a small int; gives the number of arguments as a small int
    code = bridge.region.put(bytes.fromhex("0430 7047 4000 0130 7047".replace(" ", "")))
    fixed = bridge.table.entry(names.index("type_fun_builtin_1"))
    variable = bridge.table.entry(names.index("type_fun_builtin_var"))
    one = bridge.region.put_words([fixed, code.address | 1])
    many = bridge.region.put_words([variable, 1 << 17 | 3 << 1, code.address + 4 | 1])
    add, count = bridge.handles.value(one.address), bridge.handles.value(many.address)
    assert add(5) == 7
    assert count(1, 2, 3) == 3
    with pytest.raises(TypeError, match="takes 1 positional"):
        add(1, 2)
    with pytest.raises(TypeError, match="missing 1 required"):
        count()
