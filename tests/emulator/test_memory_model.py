"""Objects as words, what needs memory, and what a locked heap refuses (manual 2.5, 4.4, 4.6.3)."""

from __future__ import annotations

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime.native.bridge import Bridge
from mpy_cross.emulator.runtime.native.functions import NativeFunction
from mpy_cross.emulator.runtime.native.handles import FALSE, NONE, TRUE, Handles
from mpy_cross.emulator.session import Session
from mpy_cross.loader.release import get

SMALL = 1 << 30
RULES = """import micropython
class C:
    def __init__(self): self.a = 1
c, l, d, g = C(), [1, 2], {1: 2}, 1
def t(name, f):
    micropython.heap_lock()
    try: f()
    except MemoryError: print(name, end=' ')
    finally: micropython.heap_unlock()
def list_(): [1]
def dict_(): {}
def function():
    def x(): pass
def class_():
    class D: pass
def instance(): C()
def key(): d[2] = 3
def old_key(): d[1] = 3
def same_global():
    global g
    g = 2
def local(): x = 1; y = x + 2; del x
def attribute(): c.a = 5
def index(): l[0] = 3
def loop():
    for i in range(5): i * 2
    while False: pass
def branch():
    if l: pass
def call(): local()
def handler():
    try: pass
    finally: pass
def constants(): x = None; x = True; x = 'text'; return 7
for f in (list_, dict_, function, class_, instance, key, old_key, same_global, local, attribute,
          index, loop, branch, call, handler, constants): t(f.__name__, f)
print()
"""


def printed(source: str, board: str = "pyboard", arch: str = "armv7emsp") -> str:
    session = Session(board, "1.17", compiler_for(get("1.17"), arch))
    outcome = session.execute(source, "app.py")
    assert outcome is not None
    assert outcome.status == 0, outcome.text
    session.close()
    return session.console


@pytest.mark.spec("C01", "C02", "C03", "C04", "C05")
def test_words() -> None:
    handles = Handles()
    values = [0, 1, -1, SMALL - 1, -SMALL]
    assert [handles.word(value) for value in values] == [
        1, 3, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000001
    ]
    assert [handles.value(handles.word(value)) for value in values] == values
    name = handles.name_word("some_name")
    assert name & 7 == 2
    assert handles.value(name) == "some_name"
    assert (NONE, FALSE, TRUE) == (0 << 3 | 6, 1 << 3 | 6, 3 << 3 | 6)
    assert [handles.word(value) for value in (None, False, True)] == [NONE, FALSE, TRUE]
    assert [handles.value(word) for word in (NONE, FALSE, TRUE)] == [None, False, True]
    things: list[object] = [[], {}, 1.5, SMALL, -SMALL - 1, (1,), b"x"]
    for thing in things:
        word = handles.word(thing)
        assert word & 3 == 0
        assert word < 1 << 32
        assert handles.value(word) is thing


@pytest.mark.spec("C07")
def test_a_function_in_memory_begins_with_its_type() -> None:
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")
    session = Session("pyboard", "1.17", compiler_for(get("1.17"), "armv7emsp"))
    session.execute("@micropython.native\ndef f(): pass\n@micropython.viper\ndef g(): pass", "a.py")
    module = session.runtime.modules["__main__"].__dict__
    bridge: Bridge = module["f"].bridge
    for name in ("f", "g"):
        function: NativeFunction = module[name]
        header = session.machine.bus.read(function.struct, 4)
        assert header == bridge.table.magic != 0
    session.close()


@pytest.mark.spec("C06")
def test_small_objects_need_no_heap() -> None:
    source = (
        "import micropython\n"
        "def t(n):\n"
        "    micropython.heap_lock()\n"
        "    try: x = n + 1; y = n - 1; return None is False, True, 'interned'\n"
        "    except MemoryError: return 'heap'\n"
        "    finally: micropython.heap_unlock()\n"
        "for n in (0, 2**30 - 2, 1 - 2**30, 2**30 - 1, -2**30): print(t(n) == 'heap', end=' ')\n"
    )
    assert printed(source.replace("return None is False, True, 'interned'", "return True")) == (
        "False False False True True "
    )


@pytest.mark.spec("C17")
def test_locks_nest_and_the_prompt_unlocks() -> None:
    source = (
        "import micropython\nn = m = 0\n"
        "micropython.heap_lock()\nmicropython.heap_lock()\n"
        "try: [1]\nexcept MemoryError: micropython.heap_unlock(); n = 1\n"
        "try: [1]\nexcept MemoryError: n = 2\n"
        "m = micropython.heap_unlock()\n"
        "print(n, m, micropython.heap_locked(), [1])\n"
    )
    assert printed(source) == "2 0 0 [1]\n"


@pytest.mark.spec("C24")
def test_what_needs_memory() -> None:
    """As the unix port of 1.17 prints it."""
    assert printed(RULES) == "list_ dict_ function class_ instance key \n"


@pytest.mark.spec("C24")
def test_a_new_global_variable_needs_memory() -> None:
    made = "".join(f"a{i} = {i}\n" for i in range(30))
    source = (
        f"import micropython\n{made}"
        "def f(i):\n    global g, h\n    micropython.heap_lock()\n"
        "    try: globals()['n%d' % i] = i\n    except MemoryError: return 1\n"
        "    finally: micropython.heap_unlock()\n    return 0\n"
    )
    # The names of the formatted strings are made before the heap is locked.
    source = source.replace("['n%d' % i]", "[names[i]]")
    source += "names = ['n%d' % i for i in range(40)]\nprint(sum([f(i) for i in range(40)]))\n"
    assert 0 < int(printed(source)) < 40


@pytest.mark.spec("B41")
def test_viper_does_not_check_what_it_writes_to() -> None:
    """Writing to read-only memory goes nowhere: the flash keeps what it has."""
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")
    source = (
        "@micropython.viper\ndef put(at: int) -> int:\n    p = ptr8(at)\n    p[0] = int(p[0]) ^ 1\n"
        "    return int(p[0])\n"
    )
    session = Session("pyboard", "1.17", compiler_for(get("1.17"), "armv7emsp"))
    before = session.machine.bus.read(0x0800_0000, 1)
    session.execute(source + "put(0x08000000)\nprint('done')", "app.py")
    assert session.machine.bus.read(0x0800_0000, 1) == before
    session.close()
