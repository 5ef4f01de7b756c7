"""Viper functions for comparison with the reference: every operator, pointer and conversion by
type, and random ones."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

BINARY = ("+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>")
# Not `not in`: for its message the reference reads beyond the end of a table.
COMPARE = ("<", ">", "<=", ">=", "==", "!=", "in", "is", "is not")
UNARY = ("-", "+", "~", "not ")
TYPES = ("int", "uint", "bool", "object", "ptr", "ptr8", "ptr16", "ptr32")
INDICES = (
    *("0", "1", "7", "31", "32", "63", "127", "128", "2047", "4096", "-1", "-300", "i", "i + 1"),
)
CONSTANTS = (
    *("0", "1", "-1", "127", "128", "-128", "-129", "255", "256", "4095", "4096", "65535", "65536"),
    *("0x7fffffff", "0x3fffffff", "-0x40000000", "-0x80000000", "0xffffffff", "0x12345678"),
)


def function(params: str, returns: str, *body: str) -> str:
    arrow = f" -> {returns}" if returns else ""
    lines = "\n".join(f"    {line}" for line in body)
    return f"@micropython.viper\ndef f({params}){arrow}:\n{lines}\n"


def systematic() -> Iterator[tuple[str, str]]:
    """(name, source) of every small program."""
    for op in BINARY:
        for a, b in (("int", "int"), ("uint", "uint"), ("int", "uint"), ("object", "object")):
            result = a if a == b else ""
            yield f"{a} {op} {b}", function(f"a: {a}, b: {b}", result, f"return a {op} b")
            yield f"{a} {op}= {b}", function(f"a: {a}, b: {b}", "", f"a {op}= b", "return a")
    for op in COMPARE:
        for a, b in (("int", "int"), ("uint", "uint"), ("uint", "int"), ("object", "object")):
            yield f"{a} {op} {b}", function(
                f"a: {a}, b: {b}", "int", f"if a {op} b:", "    return 1", "return 0"
            )
            yield f"return {a} {op} {b}", function(f"a: {a}, b: {b}", "bool", f"return a {op} b")
    for op in UNARY:
        for a in TYPES[:4]:
            yield f"{op}{a}", function(f"a: {a}", a, f"return {op}a")
    for a in TYPES:
        for b in TYPES:
            yield f"{b}({a})", function(f"a: {a}", b, f"return {b}(a)")
            yield f"{a} to {b}", function(f"a: {a}", b, "return a")
    for pointer in TYPES[4:]:
        for index in INDICES:
            params = f"p: {pointer}, i: int"
            yield f"{pointer}[{index}]", function(params, "int", f"return p[{index}]")
            yield f"{pointer}[{index}] =", function(params, "", f"p[{index}] = i")
            yield f"{pointer}[{index}] +=", function(params, "", f"p[{index}] += i")
    for constant in CONSTANTS:
        yield f"constant {constant}", function("", "int", f"x = {constant}", "return x")
        yield f"+ {constant}", function("a: int", "int", f"return a + {constant}")
    for n in (1, 2, 3, 4, 5, 8):
        names = [f"a{i}" for i in range(n)]
        params = ", ".join(f"{name}: int" for name in names)
        yield f"{n} arguments", function(params, "int", f"return {' + '.join(names)}")
    yield "while", function(
        "n: int", "int", "i = 0", "while i < n:", "    i += 3", "    if i == 9:", "        break",
        "else:", "    i = 1", "return i",
    )  # fmt: skip
    yield "for range", function(
        "n: int", "int", "t = 0", "for i in range(n):", "    t += i", "return t"
    )
    yield "and or", function("a: int, b: int", "int", "return (a and b) or 5")
    yield "if else", function("a: int, b: int", "int", "return a if b else 7")
    yield "call", function("a: int", "object", "return print(a, 'x', end=int(a) + 1)")
    yield "try", function("a", "", "try:", "    a()", "except ValueError as e:", "    print(e)")
    yield "globals", function("a: int", "", "global g", "g = a", "print(g)")
    yield "no value", function("a: int", "int", "return")
    yield "unknown type", function("a: float", "", "pass")
    yield "bad annotation", function("a: 5", "", "pass")
    yield "unbound", function("a: int", "int", "if a:", "    b = 1", "return c")
    yield "changes type", function("a: int", "int", "b = 1", "b = None", "return b")
    yield "raise", function("a: int", "", "raise a")
    yield "two errors", function("a: int", "int", "if a:", "    x = a + None", "    y", "return z")


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A random function over ints, uints and pointers, right in its types more often than not."""
    kinds = {"a": "int", "b": "int", "u": "uint", "p": "ptr8", "q": "ptr16", "r": "ptr32"}
    lines = ["i = 0", "j = 0x1234"]

    def expression(depth: int) -> str:
        choice = draw(st.integers(0, 9))
        if depth == 0 or choice < 3:
            return draw(st.sampled_from(["a", "b", "i", "j", "3", "-200", "70000"]))
        if choice < 7:
            op = draw(st.sampled_from(["+", "-", "*", "&", "|", "^", "<<", ">>"]))
            return f"({expression(depth - 1)} {op} {expression(depth - 1)})"
        if choice == 7:
            return f"int(u {draw(st.sampled_from(['+', '>>', '^']))} uint({expression(depth - 1)}))"
        pointer = draw(st.sampled_from(["p", "q", "r"]))
        index = draw(st.sampled_from(["0", "5", "33", "300", "-2", "i", "a + 1"]))
        return f"{pointer}[{index}]"

    def block(depth: int, indent: str) -> None:
        for _ in range(draw(st.integers(1, 4))):
            choice = draw(st.integers(0, 7))
            if choice < 3 or depth == 0:
                target = draw(st.sampled_from(["a", "i", "j", "p[i]", "q[2]", "r[b]", "r[-1]"]))
                op = draw(st.sampled_from(["=", "=", "+=", "^=", ">>="]))
                lines.append(f"{indent}{target} {op} {expression(2)}")
                continue
            compare = draw(st.sampled_from(["<", ">=", "==", "!="]))
            test = f"{expression(1)} {compare} {expression(1)}"
            if choice < 6:
                lines.append(f"{indent}if {test}:")
                block(depth - 1, indent + "    ")
                if draw(st.booleans()):
                    lines.append(f"{indent}else:")
                    block(depth - 1, indent + "    ")
            else:
                lines.append(f"{indent}while {test}:")
                block(depth - 1, indent + "    ")
                if draw(st.booleans()):
                    lines.append(f"{indent}    {draw(st.sampled_from(['break', 'continue']))}")

    block(2, "")
    lines.append(f"return {expression(2)}")
    count = draw(st.integers(1, len(kinds)))
    params = ", ".join(f"{name}: {kinds[name]}" for name in list(kinds)[: max(count, 5)])
    if count < len(kinds):
        lines.insert(0, "r = ptr32(p)")
    return function(params, "int", *lines)
