"""Programs made from tables: every operator on every pair of types, every method of a type."""

from __future__ import annotations

from tests.emulator.language_programs import Program

VALUES = {
    "int": ["0", "1", "-8", "2**31", "-2**30"],
    "bool": ["True", "False"],
    "float": ["0.5", "-2.0"],
    "str": ["''", "'ab'"],
    "bytes": ["b''", "b'ab'"],
    "bytearray": ["bytearray(b'ab')"],
    "tuple": ["()", "(1, 2)"],
    "list": ["[]", "[1, 2]"],
    "dict": ["{}", "{1: 2}"],
    "set": ["set()", "{2, 3}"],
    "none": ["None"],
    "range": ["range(3)"],
}
ARITHMETIC = ["+", "-", "*", "/", "//", "%", "&", "|", "^", "<<", ">>", "**"]
COMPARE = ["<", ">", "<=", ">=", "==", "!=", "in", "is not"]
# Where MicroPython prints something else than CPython.
_SKIP = {
    ("str", "%"): "formats",
    ("bytes", "%"): "formats",
}
_PAIRS = {
    ("bool", "bool", op): "gives an int" for op in ("&", "|", "^")
} | {
    ("range", "range", op): "range has no operators" for op in ("==", "!=")
} | {
    ("int", "int", "is not"): "equal constants may be one",
    ("float", "float", "is not"): "equal constants may be one",
    ("float", "int", "/"): "digits",
    ("bytes", "bytes", "is not"): "equal short objects may be one",
    ("tuple", "tuple", "is not"): "equal short objects may be one",
}

_HEAD = """def t(f, *args):
    try:
        r = f(*args)
    except Exception as e:
        r = type(e).__name__
    print(sorted(r) if isinstance(r, set) else r)
"""
_GROWING = ("<<", "**", "*")
"""Operators that want small numbers: of large ones MicroPython lacks the memory."""


def _pair(left: str, right: str) -> str:
    lines = [_HEAD]
    for growing in (False, True):
        operators = [
            op
            for op in ARITHMETIC + COMPARE
            if (op in _GROWING) == growing
            and (left, op) not in _SKIP
            and (left, right, op) not in _PAIRS
            and not (op == "in" and right == "bytes" and left != "bytes")  # CPython refuses
            and not (op == "**" and "float" in (left, right))  # digits of complex numbers
        ]
        few = slice(0, 3) if growing else slice(None)
        lines.append(f"""for f in ({"".join(f"lambda a, b: a {op} b, " for op in operators)}):
    for a in ({"".join(value + ", " for value in VALUES[left][few])}):
        for b in ({"".join(value + ", " for value in VALUES[right][few])}):
            t(f, a, b)
""")
    return "".join(lines)


_METHODS = {
    "'a,b'": ["upper()", "split(',')", "find('b')", "replace(',', ';')", "encode()", "nothing()"],
    "[3, 1, 2]": ["index(1)", "index(9)", "count(3)", "pop()", "pop(0)", "pop(7)", "copy()"],
    "(3, 1, 3)": ["index(1)", "index(9)", "count(3)"],
    "{1: 2}": ["get(1)", "get(5)", "pop(1)", "pop(5)", "pop(5, 0)", "setdefault(7, 1)"],
    "{1, 2}": ["union([3])", "pop() in (1, 2)", "discard(5)", "remove(5)", "issubset([1, 2, 3])"],
    "b'ab'": ["decode()", "find(b'b')", "split(b'a')", "count(b'a')", "join([b'x', b'y'])"],
}


def tables() -> list[Program]:
    """All programs of the tables."""
    # Arrays of bytes have rules of their own.
    kinds = [kind for kind in VALUES if kind != "bytearray"]
    out = [
        Program(f"operators: {left} and {right}", _pair(left, right))
        for left in kinds
        for right in kinds
    ]
    for value, calls in _METHODS.items():
        for call in calls:
            out.append(Program(f"method: {value}.{call}", f"{_HEAD}t(lambda: {value}.{call})\n"))
    for kind, values in VALUES.items():
        lines = [_HEAD]
        for value in values:
            for text in (
                f"-{value if kind != 'int' else f'({value})'}",
                f"not {value}",
                f"~({value})",
                f"+({value})",
                f"bool({value})",
                f"str({value})",
                f"len({value})",
                f"list({value})",
                f"abs({value})",
                f"({value})[0]",
                f"({value})[5]",
                f"({value})[0:1]",
                f"({value})(1)",
                f"iter({value}) is None",
                f"hash({value}) == hash({value})",
            ):
                if kind == "range" and text.startswith("hash"):
                    continue  # MicroPython has no hash of a range
                lines.append(f"t(lambda: {text})\n")
        out.append(Program(f"unary: {kind}", "".join(lines)))
    return out
