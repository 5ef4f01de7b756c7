"""Text and numbers of the hosted run-time."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mpy_cross.emulator.runtime import formatting, integers, strings
from mpy_cross.emulator.runtime.errors import caught
from mpy_cross.emulator.runtime.float32 import Float32
from mpy_cross.emulator.runtime.floats import FloatStyle, parse_decimal, to_single
from mpy_cross.emulator.runtime.printing import Printer
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.sets import FrozenSet, Set
from mpy_cross.emulator.runtime.types import Attributes, ClassMethod
from mpy_cross.loader.release import get
from tests.emulator.text_tables import (
    CONSTRUCTORS,
    CONSTRUCTORS_1_17,
    FLOATS,
    FORMAT,
    FORMAT_1_17,
    METHODS,
    METHODS_1_17,
    PERCENT,
)
from tests.oracle import unix_port
from tests.oracle.reference import Unavailable


@pytest.fixture(autouse=True)
def release_1_17() -> None:
    """What functions of the host do depends on the run-time that was active last."""
    Runtime(get("1.17")).activate()


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return Runtime(get("1.17"))


def outcome(function: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """What the real thing prints for a call: `repr`, or the exception's name and text."""
    printer = Printer(16)
    try:
        return printer.representation(function(*args, **kwargs))
    except Exception as error:
        seen = caught(error)
        return f"{type(seen).__name__}: {printer.text(seen)}"


@pytest.mark.parametrize(("template", "values", "expected"), PERCENT)
def test_percent(template: Any, values: Any, expected: str) -> None:
    assert outcome(formatting.Formatter(Printer(16)).percent, template, values) == expected


@pytest.mark.spec("J29")
@pytest.mark.spec("J40")
@pytest.mark.parametrize(("template", "args", "kwargs", "expected"), FORMAT + FORMAT_1_17)
def test_format(
    template: Any, args: tuple[Any, ...], kwargs: dict[str, Any], expected: str
) -> None:
    formatter = formatting.Formatter(Printer(16))
    assert outcome(formatter.format, template, *args, **kwargs) == expected


@pytest.mark.spec("J39")
@pytest.mark.spec("J43")
@pytest.mark.parametrize(
    ("self", "name", "args", "kwargs", "expected"),
    [
        *METHODS,
        *METHODS_1_17,
        ("abc", "endswith", ("c", 1), {}, "NotImplementedError: start/end indices"),
        ("a a a", "rsplit", (None, 1), {}, "NotImplementedError: rsplit(None,n)"),
        ("abc", "endswith", ("c",), {}, "True"),
    ],
)
def test_method(
    runtime: Runtime,
    self: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    expected: str,
) -> None:
    runtime.activate()
    tables: dict[type, Attributes] = {
        str: strings.str_attributes(runtime),
        bytes: strings.bytes_attributes(runtime),
    }
    found = tables.get(type(self), integers.INT)[name]
    if isinstance(found, ClassMethod):
        found = found.function
    assert outcome(found, self, *args, **kwargs) == expected


@pytest.mark.spec("J34")
@pytest.mark.spec("J42")
def test_names(runtime: Runtime) -> None:
    """The names that release 1.17 has, as `dir()` of its unix port shows them."""
    names = (
        "center count endswith find format index isalpha isdigit islower isspace isupper join"
        " lower lstrip partition replace rfind rindex rpartition rsplit rstrip split splitlines"
        " startswith strip upper"
    )
    shared = names.split()
    assert sorted(strings.str_attributes(runtime)) == sorted([*shared, "encode"])
    assert sorted(strings.bytes_attributes(runtime)) == sorted([*shared, "decode"])
    assert sorted(integers.INT) == ["from_bytes", "to_bytes"]


@pytest.mark.parametrize(("name", "args", "expected"), CONSTRUCTORS + CONSTRUCTORS_1_17)
def test_constructor(runtime: Runtime, name: str, args: tuple[Any, ...], expected: str) -> None:
    constructors: dict[str, Callable[..., Any]] = {
        "str": strings.str_constructor(runtime),
        "bytes": strings.make_bytes,
        "int": integers.make_int,
        "float": integers.float_constructor(float),
        "complex": integers.complex_constructor(float),
    }
    assert outcome(constructors[name], *args) == expected


@pytest.mark.spec("J30")
@pytest.mark.spec("J41")
def test_keywords_of_constructors(runtime: Runtime) -> None:
    text = "NotImplementedError: keyword argument(s) not yet implemented - use normal args instead"
    assert outcome(strings.make_bytes, "abc", encoding="utf8") == text
    assert outcome(strings.str_constructor(runtime), b"abc", encoding="utf8") == text


@pytest.mark.parametrize(("digits", "value", "kind", "precision", "expected"), FLOATS)
def test_float_format(digits: int, value: float, kind: str, precision: int, expected: str) -> None:
    number = to_single(value) if digits == 7 else value
    assert FloatStyle(digits).formatted(number, kind, precision) == expected


@pytest.mark.spec("J33")
def test_float_precision_one() -> None:
    assert formatting.Formatter(Printer(16)).percent("%.1g", -9.9) == "-10"


@pytest.mark.parametrize(
    ("value", "double", "single"),
    [
        (1.1, "1.1", "1.1"),
        (0.1 + 0.2, "0.3", "0.3"),
        (1 / 3, "0.3333333333333333", "0.3333333"),
        (1e16, "1e+16", "1e+16"),
        (123456789.0, "123456789.0", "1.234568e+08"),
        (-0.0, "-0.0", "-0.0"),
        (float("inf"), "inf", "inf"),
        (float("nan"), "nan", "nan"),
        (1e-5, "1e-05", "1e-05"),
        (2.5j, "2.5j", "2.5j"),
        (1 - 2j, "(1-2j)", "(1-2j)"),
    ],
)
def test_float_repr(value: complex, double: str, single: str) -> None:
    assert Printer(16).representation(value) == double
    narrow = value if isinstance(value, complex) else Float32(value)
    assert Printer(7).representation(narrow) == single


def test_single_precision_arithmetic() -> None:
    x = Float32(1.1)
    assert x == 1.10000002384185791015625
    assert x + 1 == to_single(x + 0.0 + 1.0) and type(x + 1) is Float32
    assert type(1 + x) is type(x / 3) is type(3 / x) is type(-x) is type(abs(x)) is Float32
    assert Float32(16777216.0) + 1 == 16777216.0
    assert 16777217 + Float32(0.0) == 16777216.0
    assert Float32(3e38) * 10 == float("inf")
    assert Float32(1.0) + 10**400 == float("inf")
    assert divmod(Float32(7.5), 2) == (3.0, 1.5)
    assert Float32(2.0) ** Float32(0.5) == to_single(2.0**0.5)
    assert type(Float32(1.0) + 1j) is complex
    with pytest.raises(TypeError):
        _ = Float32(1.0) + "a"


def test_decimal_of_either_precision() -> None:
    assert parse_decimal("3.4028235e38", True) == (to_single(3.4028235e38), False)
    assert parse_decimal("1e39", True) == (float("inf"), False)
    assert parse_decimal("0.1", True) == (to_single(0.1), False)
    assert parse_decimal("1_0.2_5", False) == (10.25, False)


SHOWN: list[tuple[Any, str, str]] = [
    ("a'b\"\x00\x7f\xe9\u1234\U0001f600", "a'b\"\x00\x7f\xe9\u1234\U0001f600", ""),
    ("a'b\"\x00\x7f\xe9\u1234\U0001f600", "", "'a\\'b\"\\x00\\x7f\\xe9\\u1234\\U0001f600'"),
    ("'", "'", '"\'"'),
    ('"', '"', "'\"'"),
    (bytes([39, 34, 0, 255, 10]), "", "b'\\'\"\\x00\\xff\\n'"),
    ([1, "a", (1,), ()], "[1, 'a', (1,), ()]", "[1, 'a', (1,), ()]"),
    ({"a": Set([1])}, "{'a': {1}}", "{'a': {1}}"),
    ([Set(), FrozenSet(), FrozenSet([1])], "", "[set(), frozenset(), frozenset({1})]"),
    (KeyError("x"), "x", "KeyError('x',)"),
    (ValueError(), "", "ValueError()"),
    (ValueError(1, 2), "(1, 2)", "ValueError(1, 2)"),
    (OSError(2), "[Errno 2] ENOENT", "OSError(2,)"),
    (OSError(2, "foo"), "[Errno 2] ENOENT: foo", "OSError(2, 'foo')"),
    (OSError(9999), "9999", "OSError(9999,)"),
    (range(3), "range(0, 3)", "range(0, 3)"),
    (range(1, 3, 2), "range(1, 3, 2)", ""),
    (ValueError, "<class 'ValueError'>", "<class 'ValueError'>"),
    ({1: 2}.items(), "dict_items([(1, 2)])", ""),
    ({1: 2}.keys(), "dict_keys([1])", ""),
    (..., "Ellipsis", "Ellipsis"),
    (True, "True", "True"),
]


@pytest.mark.parametrize(("value", "text", "representation"), SHOWN)
def test_shown(value: Any, text: str, representation: str) -> None:
    """An empty column is not looked at."""
    printer = Printer(16)
    if text:
        assert printer.text(value) == text
    if representation:
        assert printer.representation(value) == representation


def test_endless_list() -> None:
    endless: list[Any] = []
    endless.append(endless)
    try:
        Printer(16).text(endless)
    except RecursionError as error:
        assert repr(caught(error)) == "RuntimeError('maximum recursion depth exceeded')"
    else:
        pytest.fail("a list within itself was printed")


def _random_formats(seed: int, count: int) -> list[tuple[str, Any]]:
    """Templates of `%` and values; floats are exact in few digits, which all releases print."""
    rng = random.Random(seed)
    out: list[tuple[str, Any]] = []
    for _ in range(count):
        flags = "".join(rng.sample("-+ #0", rng.randrange(3)))
        width = rng.choice(["", "1", "3", "8", "12"])
        precision = rng.choice(["", ".0", ".1", ".3", ".6"])
        kind = rng.choice("dixXosrcfeg")
        value: Any
        if kind in "sr":
            value = rng.choice(["", "a", "abc'd", None, 12, [1, "b"], b"x", True])
        elif kind == "c":
            value = rng.choice(["a", 65])
        elif kind in "feg":
            value = rng.choice([0.0, 1.0, -2.5, 1234.5, 0.25, -0.125, 100.0, 3])
            precision = rng.choice(["", ".3", ".6"])
        else:
            value = rng.choice([0, 1, -1, 255, -4096, 10**12, -(10**20), True])
        out.append((f"%{flags}{width}{precision}{kind}|", value))
    return out


def test_random_formats_against_the_real_port(tmp_path: Path) -> None:
    try:
        unix_port.folder()
    except Unavailable as error:
        pytest.skip(str(error))
    rows = _random_formats(1, 1500)
    program = [f"ROWS = {rows!r}", "for t, v in ROWS:", "    print(repr(t % (v,)))"]
    (tmp_path / "formats.py").write_text("\n".join(program) + "\n")
    status, text = unix_port.import_module("formats", tmp_path)
    assert status == 0, text
    formatter = formatting.Formatter(Printer(16))
    ours = [
        formatter.printer.representation(formatter.percent(template, (value,)))
        for template, value in rows
    ]
    wrong = [
        (row, mine, real)
        for row, mine, real in zip(rows, ours, text.splitlines(), strict=True)
        if mine != real
    ]
    assert not wrong, wrong[:10]


def test_random_specifiers_against_the_real_port(tmp_path: Path) -> None:
    try:
        unix_port.folder()
    except Unavailable as error:
        pytest.skip(str(error))
    rng = random.Random(2)
    rows: list[tuple[str, Any]] = []
    for _ in range(1500):
        align = rng.choice(["", "<", ">", "^", "*<", "*>", "_^"])
        kind = rng.choice(["d", "x", "X", "o", "b", "", "s", "f", "e", "g", "%"])
        sign = "" if kind in ("", "s") else rng.choice(["", "+", " ", "-"])
        prefix = rng.choice(["", "#"]) if kind in "xXob" else ""
        zero = "" if kind in ("", "s") else rng.choice(["", "0"])
        width = rng.choice(["", "1", "6", "11"])
        value: Any
        if kind in ("", "s"):
            value = rng.choice(["", "a", "abcdef"])
        elif kind in "fe%g":
            value = rng.choice([0.0, 1.0, -2.5, 1234.5, 0.25, 3])
        else:
            value = rng.choice([0, 1, -1, 255, -4096, 10**12, -(10**20)])
        rows.append((f"{{:{align}{sign}{prefix}{zero}{width}{kind}}}|", value))
    program = [f"ROWS = {rows!r}", "for t, v in ROWS:", "    print(repr(t.format(v)))"]
    (tmp_path / "specifiers.py").write_text("\n".join(program) + "\n")
    status, text = unix_port.import_module("specifiers", tmp_path)
    assert status == 0, text
    formatter = formatting.Formatter(Printer(16))
    ours = [
        formatter.printer.representation(formatter.format(template, value))
        for template, value in rows
    ]
    wrong = [
        (row, mine, real)
        for row, mine, real in zip(rows, ours, text.splitlines(), strict=True)
        if mine != real
    ]
    assert not wrong, wrong[:10]
