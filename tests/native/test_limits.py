"""Passes of the compiler, and what the native emitter can and cannot do (manual 2.6.4, 4.3.4)."""

from __future__ import annotations

import pytest

import mpy_cross
from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.session import Session
from mpy_cross.loader.codec import read
from mpy_cross.loader.decode import decode
from mpy_cross.loader.ops import FunctionOps, Verb
from mpy_cross.loader.release import get

ARCH = "armv7emsp"


def functions(source: str, release: str = "1.17") -> list[FunctionOps]:
    made = mpy_cross.compile(source.encode(), "t.py", release=release)
    assert isinstance(made, bytes)
    return decode(read(made)).module.functions


def ran(source: str, release: str = "1.17") -> str:
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")
    session = Session("pyboard", release, compiler_for(get(release), ARCH))
    outcome = session.execute(source, "app.py")
    assert outcome is not None
    assert outcome.status == 0, outcome.text
    session.close()
    return session.console


@pytest.mark.spec("B07")
@pytest.mark.parametrize("release", ["1.17", "1.29"])
def test_names_are_local_global_or_closed_over(release: str) -> None:
    source = "def f(a):\n    b = a\n    def g(): return b\n    return a, b, c, g\n"
    f = functions(source, release)[1]
    verbs = [Verb(op[0]) for op in f.ops if Verb(op[0]) is not Verb.LINE]
    assert Verb.LOAD_FAST in verbs  # a
    assert verbs.count(Verb.LOAD_DEREF) == 1  # b, where it is read; g gets its cell
    assert Verb.MAKE_CLOSURE in verbs
    assert verbs.count(Verb.LOAD_GLOBAL) == 1  # c


@pytest.mark.spec("B08", "B09")
@pytest.mark.parametrize(
    ("expression", "depth"), [("a", 1), ("a + b", 2), ("a + (b + (a + b))", 4)]
)
@pytest.mark.parametrize("release", ["1.17", "1.29"])
def test_the_stack_is_as_large_as_it_has_to_be(expression: str, depth: int, release: str) -> None:
    source = f"def f(a, b): return {expression}\n"
    made = mpy_cross.compile(source.encode(), "t.py", release=release)
    assert isinstance(made, bytes)
    prelude = decode(read(made)).preludes[1]
    assert prelude is not None
    assert prelude.n_state == 2 + depth
    assert mpy_cross.compile(source.encode(), "t.py", release=release) == made


@pytest.mark.spec("B08", "B09", "B10")
@pytest.mark.parametrize("distance", [3, 100])
def test_labels_know_where_they_are_before_code_is_written(distance: int) -> None:
    """Jumps to labels that come later: their places are known from the pass before the last."""
    nops = "    nop()\n" * distance
    source = (
        "@micropython.asm_thumb\ndef f(r0):\n    cmp(r0, 0)\n    beq(zero)\n    b(out)\n"
        f"{nops}    label(zero)\n    mov(r0, 9)\n    label(out)\n"
        "print(f(0), f(5))\n"
        f"def g(a):\n    if a:\n{('        a += 1' + chr(10)) * distance}    return a\n"
        "print(g(0), g(1))\n"
    )
    assert ran(source) == f"9 5\n0 {1 + distance}\n"


@pytest.mark.spec("B19", "B20")
def test_native_functions_may_use_with_and_yield() -> None:
    """The manual says that they cannot; the compiler of 1.17 can."""
    source = (
        "class C:\n    def __enter__(self): print('in')\n"
        "    def __exit__(self, *args): print('out', args[0])\n"
        "@micropython.native\ndef f(c):\n    with c:\n        return 1\n"
        "@micropython.native\ndef g(n):\n    for i in range(n): yield i\n"
        "print(f(C()), list(g(3)))\n"
    )
    assert ran(source) == "in\nout None\n1 [0, 1, 2]\n"


@pytest.mark.spec("B21")
@pytest.mark.parametrize("release", ["1.12", "1.17"])
def test_native_functions_cannot_raise_again(release: str) -> None:
    source = (
        b"@micropython.native\ndef f():\n    try: g()\n    except ValueError:\n        raise\n"
    )
    with pytest.raises(mpy_cross.CompileError) as error:
        mpy_cross.compile(source, "t.py", release=release, arch="armv7m")
    assert (error.value.kind, error.value.message) == ("NotImplementedError", "native raise")
    plain = source.replace(b"@micropython.native\n", b"")
    assert mpy_cross.compile(plain, "t.py", release=release, arch="armv7m")
    assert mpy_cross.compile(source.replace(b"raise\n", b"raise ValueError\n"), "t.py",
                             release=release, arch="armv7m")


@pytest.mark.spec("B22")
def test_native_code_is_faster_and_larger() -> None:
    body = "def f(n):\n    x = 0\n    for i in range(n): x += i & 3\n    return x\n"
    sizes = [
        len(mpy_cross.compile((decorator + body).encode(), "t.py", release="1.17", arch="armv7m"))
        for decorator in ("", "@micropython.native\n")
    ]
    assert sizes[0] < sizes[1]
    source = (
        f"import time\n{body}@micropython.native\n{body.replace('def f', 'def g')}"
        "def t(f):\n    a = time.ticks_us()\n    f(3000)\n"
        "    return time.ticks_diff(time.ticks_us(), a)\n"
        "print(f(300) == g(300), t(f) > 1.5 * t(g))\n"
    )
    assert ran(source) == "True True\n"
