"""Floats of single precision for CPython: every result is rounded with struct's 'f'.

`names` runs a program with them in the place of its floats.
"""

from __future__ import annotations

import ast
import io
import math
import struct
from contextlib import redirect_stdout
from typing import Any


def rounded(number: float) -> float:
    """The nearest number of single precision."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError:
        return math.copysign(math.inf, number)


def _binary(name: str) -> Any:
    plain = getattr(float, name)

    def operator(self: Single, other: Any) -> Any:
        if not isinstance(other, int | float):
            return NotImplemented
        result = plain(float(self), rounded(other))
        return Single(result) if type(result) is float else result

    return operator


class Single(float):
    """A float that is rounded whenever it is made."""

    def __new__(cls, value: Any = 0.0) -> Single:
        return super().__new__(cls, rounded(float(value)))

    def __neg__(self) -> Single:
        return Single(-float(self))

    def __pos__(self) -> Single:
        return self

    __hash__ = float.__hash__


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "radd", "rsub", "rmul", "rtruediv",
              "rfloordiv", "rmod", "pow", "lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Single, f"__{_name}__", _binary(f"__{_name}__"))


def divided(x: Any, y: Any) -> Any:
    """x / y; that of two ints is a float too."""
    if isinstance(x, int) and isinstance(y, int):
        return Single(x) / Single(y)
    return x / y


class _Translator(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if type(node.value) is not float:
            return node
        return ast.Call(ast.Name("float", ast.Load()), [node], [])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Div):
            return node
        return ast.Call(ast.Name("divided", ast.Load()), [node.left, node.right], [])

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        assert isinstance(node.target, ast.Name | ast.Subscript)
        if isinstance(node.op, ast.Div) and isinstance(node.target, ast.Name):
            left = ast.Name(node.target.id, ast.Load())
            return ast.Assign([node.target], self.visit_BinOp(ast.BinOp(left, node.op, node.value)))
        self.generic_visit(node)
        return node


def names(source: str, **known: Any) -> dict[str, Any]:
    """The names that a program leaves; `known`: those that it finds."""
    tree = ast.fix_missing_locations(_Translator().visit(ast.parse(source)))
    found: dict[str, Any] = {"float": Single, "divided": divided, **known}
    exec(compile(tree, "program", "exec"), found)
    return found


def output(source: str) -> str:
    """What a program prints."""
    text = io.StringIO()
    with redirect_stdout(text):
        names(source)
    return text.getvalue()
