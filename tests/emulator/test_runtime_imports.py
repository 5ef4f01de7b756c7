"""Import: where modules are found, and what becomes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpy_cross.emulator.runtime.imports import refused
from mpy_cross.loader.release import get
from tests.emulator.running import Board, mpy, run


@pytest.mark.spec("A08")
def test_py_goes_before_mpy_in_each_folder_in_turn() -> None:
    files: dict[str, str | bytes] = {
        "a/both.py": "x = 'a/both.py'",
        "a/both.mpy": mpy("x = 'a/both.mpy'"),
        "a/second.mpy": mpy("x = 'a/second.mpy'"),
        "b/second.py": "x = 'b/second.py'",
        "b/third.mpy": mpy("x = 'b/third.mpy'"),
    }
    program = """
import sys
sys.path[:] = ["/a", "/b"]
import both, second, third
print(both.x, second.x, third.x, third.__file__)
"""
    assert run(program, files) == "a/both.py a/second.mpy b/third.mpy /b/third.mpy\n"


@pytest.mark.spec("A01")
def test_mpy_gives_what_its_source_gives() -> None:
    source = "def f(n):\n    return [i * i for i in range(n)]\nprint(f(5), __name__)\n"
    compiled = run("import module", {"module.mpy": mpy(source)})
    assert compiled == run("import module", {"module.py": source}) == "[0, 1, 4, 9, 16] module\n"


@pytest.mark.spec("A22", "A28")
def test_frozen_modules_are_searched_at_their_place_in_the_path() -> None:
    own = {"uasyncio.py": "x = 'own'", ".frozen/gone.py": "x = 1"}
    before = "import sys\nsys.path[:] = ['', '.frozen']\n"
    after = "import sys\nsys.path[:] = ['.frozen', '']\n"
    never = "import sys\nsys.path[:] = ['/lib']\n"
    shown = "import uasyncio\nprint(hasattr(uasyncio, 'x'), hasattr(uasyncio, 'gather'))\n"
    assert run(before + shown, own) == "True False\n"
    assert run(after + shown, own) == "False True\n"
    assert run(never + shown, own).endswith("ImportError: no module named 'uasyncio'\n")
    # A folder of that name is never looked into.
    assert run(after + "import gone", own).endswith("ImportError: no module named 'gone'\n")


@pytest.mark.spec("A24")
def test_files_go_before_built_in_modules_but_not_before_their_u_names() -> None:
    files = {
        "time.py": "from utime import *\nextra = 1",
        "utime.py": "print('never')",
        "math.py": "print('never')",
    }
    program = """
import time, utime, math
print(time.extra, time.ticks_ms is utime.ticks_ms, hasattr(utime, "extra"), math.floor(1.5))
"""
    assert run(program, files) == "1 True False 1\n"
    assert run("import time, utime\nprint(time is utime)") == "True\n"


@pytest.mark.spec("A27", "J19")
def test_path_of_a_package_is_a_string() -> None:
    files = {"lib/pkg/__init__.py": "", "lib/pkg/sub.py": "print(__name__, __file__)"}
    program = "import pkg.sub\nprint(pkg.__path__, pkg.__file__, pkg.sub.__name__)"
    expected = "pkg.sub /lib/pkg/sub.py\n/lib/pkg /lib/pkg/__init__.py pkg.sub\n"
    assert run(program, files) == expected


@pytest.mark.spec("J18")
def test_all_of_a_package_means_nothing() -> None:
    files = {"modules2/__init__.py": "__all__ = ['foo']", "modules2/foo.py": "def hello(): pass"}
    text = run("from modules2 import *\nfoo.hello()", files)
    assert text.endswith("line 2, in <module>\nNameError: name 'foo' isn't defined\n")


@pytest.mark.spec("A26", "J20")
def test_a_module_that_failed_stays_registered() -> None:
    program = """
try:
    from modules import foo
except NameError as e:
    print(e)
try:
    from modules import foo
    print("Should not get here")
except NameError as e:
    print(e)
"""
    files = {"modules/__init__.py": "", "modules/foo.py": "print('foo')\nxxx"}
    assert run(program, files) == "foo\nname 'xxx' isn't defined\nShould not get here\n"


@pytest.mark.spec("J21")
def test_packages_are_not_split() -> None:
    files = {"a/subpkg/foo.py": "print('foo')", "b/subpkg/bar.py": "print('bar')"}
    program = "import sys\nsys.path[:] = ['a', 'b']\nimport subpkg.foo\nimport subpkg.bar\n"
    text = run(program, files)
    assert text.startswith("foo\nTraceback")
    assert text.endswith("ImportError: no module named 'subpkg.bar'\n")


def test_relative_imports() -> None:
    files = {
        "top/__init__.py": "print('top')",
        "top/one.py": "from . import two\nfrom .inner.deep import up\nprint(two.name, up)",
        "top/two.py": "name = __name__",
        "top/inner/__init__.py": "",
        "top/inner/deep.py": "from ..two import name as up\nfrom .. import two\nprint(two.name)",
        "top/far.py": "from ... import x",
    }
    assert run("import top.one", files) == "top\ntop.two\ntop.two top.two\n"
    assert run("from . import x").endswith("ImportError: can't perform relative import\n")
    assert run("import top.far", files).endswith("ImportError: can't perform relative import\n")


def test_what_import_gives() -> None:
    files = {"p/__init__.py": "", "p/q.py": "value = 3"}
    program = """
import p.q
top = __import__("p.q")
leaf = __import__("p.q", None, None, ("value",))
print(top.__name__, leaf.__name__, leaf.value)
from p import q
print(q is leaf)
import p.q as r
print(r is q)
try:
    from p import nothing
except ImportError as e:
    print(e)
try:
    import p.q.more
except ImportError as e:
    print(e)
"""
    expected = "p p.q 3\nTrue\nTrue\n"
    text = run(program, files).splitlines()
    assert text[:3] == expected.splitlines()
    assert "nothing" in text[3]
    assert text[4] == "no module named 'p.q.more'"


def test_import_can_be_replaced() -> None:
    program = """
def replacement(name, globals, locals, fromlist, level):
    print(name, fromlist, level)
    return original("helper")
original = __import__
__import__("builtins").__import__ = replacement
import anything
from . import other
"""
    text = run(program, {"helper.py": "other = 1"})
    assert text == "anything None 0\n ('other',) 1\n"


@pytest.mark.spec("A09")
@pytest.mark.parametrize(
    ("data", "release"),
    [
        (b"", "1.17"),
        (b"M", "1.17"),
        (b"M\x04\x02\x1f\x20", "1.17"),
        (b"M\x05\x00\x1f\x20", "1.17"),  # strings without Unicode
        (b"M\x05\x03\x1f\x20", "1.17"),  # map caches
        (b"M\x05\x02\x20\x20", "1.17"),  # small ints of more bits
        (b"M\x05\x02\x1f\x21", "1.17"),  # names further back than 32
        (b"M\x06\x00\x1f\x01\x00", "1.17"),
        (b"M\x05\x02\x1f\x20", "1.20"),
        (b"M\x05\x02\x1f\x20\xff\xff", "1.17"),  # damaged behind the header
    ],
)
def test_files_that_do_not_fit(data: bytes, release: str) -> None:
    program = "try:\n    import bad\nexcept ValueError as e:\n    print(e)\n"
    assert run(program, {"bad.mpy": data}, release) == "incompatible .mpy file\n"


@pytest.mark.spec("A10")
def test_code_for_another_architecture() -> None:
    release = get("1.17")
    for_x64 = mpy("@micropython.native\ndef f(): pass\n", arch="x64")
    for_m4 = mpy("@micropython.native\ndef f(): pass\n", arch="armv7em")
    assert refused(for_x64, release, "armv7emsp") == "incompatible .mpy arch"
    assert refused(for_m4, release, "armv7emsp") == ""
    assert refused(for_m4, release, "armv6m") == "incompatible .mpy arch"
    program = "try:\n    import bad\nexcept ValueError as e:\n    print(e)\n"
    assert run(program, {"bad.mpy": for_x64}) == "incompatible .mpy arch\n"


def test_modules_are_shared_and_listed() -> None:
    board = Board({"shared.py": "n = 0"})
    program = "import shared, sys\nshared.n += 1\nprint(shared.n, sys.modules['shared'] is shared)"
    assert board.run(program) == "1 True\n"
    assert board.run(program) == "2 True\n"


def test_names_of_files_in_tracebacks() -> None:
    text = run("import broken", {"lib/broken.py": "\n\n1 // 0\n"})
    assert 'File "/lib/broken.py", line 3, in <module>' in text


def test_frozen_sources_are_the_only_ones() -> None:
    program = "import sys\nsys.path[:] = ['.frozen']\nimport __init__\n"
    assert run(program).endswith("ImportError: no module named '__init__'\n")
    assert (Path(__file__).parents[2] / "emulator/runtime/frozen/uasyncio/__init__.py").is_file()


@pytest.mark.spec("A25")
def test_help_lists_the_modules() -> None:
    lines = run("help('modules')").splitlines()
    assert lines[-1] == "Plus any modules on the filesystem"
    names = [name for line in lines[:-1] for name in line.split()]
    assert {"__main__", "math", "utime", "uasyncio/core"} < set(names)
    assert "time" not in names  # it is utime, unless there is a file time.py
    assert all(
        line[place - 1] == " " for line in lines[:-1] for place in (18, 36) if len(line) > 36
    )
    down = [line[:18].split()[0] for line in lines[:-1]]
    assert down == sorted(down)


def test_help_of_an_object() -> None:
    text = run("class A:\n    x = 1\nhelp(A)\nhelp(5)\nhelp()")
    assert "object <class 'A'> is of type type\n" in text and "  x -- 1\n" in text
    assert "hidden" not in text
    assert "object 5 is of type int\n" in text and "  to_bytes -- <function>\n" in text
    assert "type help(obj)" in text


def test_built_in_modules_cannot_be_changed() -> None:
    program = """
import math, sys
for call in (lambda: setattr(math, "pi", 3), lambda: setattr(sys, "stdout", None),
             lambda: delattr(math, "pi")):
    try:
        call()
    except AttributeError as e:
        print(e)
print(math.pi > 3.1)
"""
    text = "'module' object has no attribute '{}'\n"
    expected = text.format("pi") + text.format("stdout") + text.format("pi") + "True\n"
    assert run(program) == expected


def test_names_have_a_length() -> None:
    program = """
class A:
    pass

def told(function, *args):
    try:
        print(function(*args))
    except RuntimeError as error:
        print(error)

for name in "a" * 255, "a" * 256, "\\u00e9" * 127, "\\u00e9" * 128:
    told(hasattr, A(), name)
    told(getattr, A(), name, 5)
told(setattr, A(), "a" * 256, 1)
told(delattr, A(), "a" * 256)
told(__import__, "a" * 300)
"""
    refused = "name too long\n"
    expected = ("False\n5\n" + refused * 2) * 2 + refused * 3
    assert run(program) == expected
