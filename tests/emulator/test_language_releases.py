"""What objects do in one release and not in the one before."""

from __future__ import annotations

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime.imports import BAD_ARCH, BAD_FILE, refused
from mpy_cross.emulator.runtime.native.handles import Handles
from mpy_cross.emulator.session import Session
from mpy_cross.loader.release import get
from mpy_cross.loader.static_qstrs import STATIC_NUMBERS
from tests.emulator.running import run

FILES = {
    "broken.py": "1 / 0\n",
    "chosen.py": "__all__ = ['_a']\n_a = 1\nb = 2\n",
    "pkg/__init__.py": "",
    "pkg/inner.py": "x = 7\n",
}
CHANGES = [
    ("print(bytearray('12'))", "1.19", "bytearray(b'12')", "1.20", "wrong number of arguments"),
    ("print(memoryview(b'a') + b'b')", "1.20", "array('B', [97, 98])", "1.21", "unsupported type"),
    ("import struct\nprint(struct.pack('<bxH', 1, 2))", "1.20", "bad typecode", "1.21",
     r"b'\x01\x00\x02\x00'"),
    ("import struct\nprint(struct.pack('<e', 1.5), struct.unpack('<e', b'\\0\\xc0'))", "1.22",
     "bad typecode", "1.23", r"b'\x00>' (-2.0,)"),
    ("print('a' % {})", "1.20", "didn't convert all arguments", "1.21", "a"),
    ("import sys\ntry:\n    import broken\nexcept ZeroDivisionError:\n"
     "    print('broken' in sys.modules)", "1.20", "True", "1.21", "False"),
    ("import sys\nprint(type(sys.stdout), sys.stdin)", "1.23", "<class 'FileIO'> <io.FileIO 0>",
     "1.24", "<class 'TextIOWrapper'> <io.TextIOWrapper 0>"),
    ("from collections import namedtuple\nprint('%d-%d' % namedtuple('T', 'a b')(1, 2))", "1.25",
     "can't convert", "1.26", "1-2"),
    ("from chosen import *\nprint('_a' in globals(), 'b' in globals())", "1.25", "False True",
     "1.26", "True False"),
    ("print(__import__('inner', {'__name__': 'pkg', '__path__': 'pkg'}, None, ('x',), 1).x)",
     "1.26", "relative import", "1.27", "7"),
    ("import cmath\nclass C:\n    def __complex__(self): return 3j\nprint(cmath.phase(C()) > 1)",
     "1.19", "can't convert C to complex", "1.20", "True"),
    ("from micropython import const\n_T = const((1, 'a'))\nx = _T\nprint(x is _T)", None, "",
     "1.19", "True"),
]


@pytest.mark.parametrize("row", CHANGES, ids=lambda row: row[0][:40].replace("\n", " "))
def test_changes(row: tuple[str, str | None, str, str, str]) -> None:
    source, before, printed, after, then = row
    if before is not None:
        assert printed in run(source, FILES, release=before)
    assert then in run(source, FILES, release=after)


@pytest.mark.parametrize(("release", "word"), [("1.17", 5637), ("1.18", 5637), ("1.28", 4870)])
def test_what_machine_code_a_pico_takes(release: str, word: int) -> None:
    """As stock firmware says; before 1.19 a core without Thumb-2 was taken for an ARMv7-M."""
    session = Session("pico", release, compiler_for(get(release), "armv6m"))
    name = get(release).implementation[-1] if release != "1.28" else "_mpy"
    session.execute(f"import sys\nprint(sys.implementation.{name})", "app.py")
    session.close()
    assert session.console == f"{word}\n"


def test_what_is_wrong_with_a_header() -> None:
    release = get("1.28")
    assert refused(bytes([77, 6, 0xFF, 31]), release, "armv6m") == BAD_ARCH
    assert refused(bytes([77, 6, 0x53, 31]), release, "armv6m") == BAD_FILE  # flags of the core
    assert refused(bytes([77, 6, 0x13, 31]), release, "armv6m") == ""
    assert refused(bytes([77, 6, 0x12, 31]), release, "armv6m") == BAD_FILE


def test_modules_in_c_know_static_names_by_number() -> None:
    handles = Handles()
    for name in (b"", b"get", b"zip"):
        assert handles.number(name.decode()) == STATIC_NUMBERS[name]
        assert handles.names[STATIC_NUMBERS[name]] == name.decode()
    assert handles.number("not static") > max(STATIC_NUMBERS.values())


def test_attributes_of_native_functions() -> None:
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")
    source = (
        "@micropython.native\ndef f():\n x = 1\n def g(): return x\n return g\n"
        "class A: m = f\n"
        "try: print([(e.__name__, e.__globals__ is globals()) for e in (f, f())], A().m.__name__)\n"
        "except AttributeError: print('none')"
    )
    for release, printed in (
        ("1.19", "none\n"),
        ("1.20", "[('', True), ('', True)] \n"),
        ("1.23", "[('f', True), ('g', True)] f\n"),
    ):
        session = Session("pico", release, compiler_for(get(release), "armv6m"))
        session.execute(source, "app.py")
        session.close()
        assert session.console == printed


@pytest.mark.parametrize(("board", "module", "name", "before", "release"), [
    ("pyboard", "machine", "PWM", "1.27", "1.28"), ("pico", "os", "dupterm", "1.19", "1.20"),
    ("pico", "machine", "PWM", None, "1.17"), ("pyboard", "os", "dupterm", None, "1.17"),
])
def test_names_that_came(
    board: str, module: str, name: str, before: str | None, release: str
) -> None:
    for version, there in ((before, False), (release, True)):
        if version is not None:
            session = Session(board, version, compiler_for(get(version)))
            session.execute(f"import {module}\nprint(hasattr({module}, '{name}'))", "app.py")
            session.close()
            assert session.console == f"{there}\n"


HEAD = """import io, re, machine, pyb
from collections import deque
class C:
    def __init__(self): self._x = 1
def f(): pass
"""


@pytest.mark.parametrize(("what", "names"), [
    # As stock firmware of PYBV11 1.17 has them; only the order is another.
    ("C()", "__class__ __dict__ __init__ __module__ __qualname__ _x"),
    ("C", "__bases__ __class__ __dict__ __init__ __module__ __name__ __qualname__"),
    ("f", "__class__ __globals__ __name__"),
    ("len", "__class__"),
    ("ValueError(1)", "__class__ args errno value"),
    ("ValueError", "__bases__ __class__ __dict__ __name__"),
    ("deque((), 3)", "__class__ append popleft"),
    ("re.compile('a')", "__class__ match search split sub"),
    ("pyb.LED(1)", "__class__ intensity off on toggle"),
    ("io.StringIO()", "__class__ __enter__ __exit__ __next__ close flush getvalue read readinto "
     "readline seek tell write"),
    ("[n for n in dir(machine.Pin('X1')) if n[0] == '_']", "__class__"),
    ("[n for n in dir(pyb.Timer(2)) if n[0] == '_']", "__class__"),
])
def test_dir(what: str, names: str) -> None:
    session = Session("pyboard", "1.17", compiler_for(get("1.17")))
    listed = what if what.startswith("[") else f"sorted(dir({what}))"
    session.execute(f"{HEAD}print(*{listed})\nprint(C.__qualname__)", "app.py")
    session.close()
    assert session.console == f"{names}\nC\n"


def test_dir_of_an_exception_leaves_its_name() -> None:
    assert run("dir(ValueError(1))\nraise ValueError(2)").endswith("\nValueError: 2\n")
