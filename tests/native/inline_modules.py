"""Whole modules with functions of the inline assemblers.

`{dec}` is the decorator, `{a}` and `{b}` are registers of parameters, `{nop}` and `{jump}` some
instruction and a jump to the label `nowhere`.
"""

from __future__ import annotations

from typing import Final

MODULES: Final = {
    "class": """
class A:
    @micropython.{dec}
    def f({a}):
        {nop}
    def g(self):
        return self.f
""",
    "nested": """
def g(x):
    @micropython.{dec}
    def f({a}):
        {nop}
        data(4, N)
    return f
""",
    "constants": """
from micropython import const
N = const(5)
_M = const(7)
@micropython.{dec}
def f({a}):
    data(4, N, _M, N + _M * 2, -N, ~N)
""",
    "the decorator of Thumb": """
@micropython.asm_thumb
def f({a}):
    {nop}
""",
    "the decorator of Xtensa": """
@micropython.asm_xtensa
def f({a}):
    {nop}
""",
    "the decorator of RV32": """
@micropython.asm_rv32
def f({a}):
    {nop}
""",
    "among machine code": """
@micropython.{dec}
def f({a}):
    {nop}
@micropython.native
def g(x):
    return (lambda y: x + y)
@micropython.viper
def h(x: int) -> int:
    return x + 123456
@micropython.{dec}
def k({a}, {b}):
    label(l1)
    {nop}
    label(l2)
    {nop}
""",
    "two functions": """
@micropython.{dec}
def f({a}):
    label(x)
    {nop}
    {jump}
    label(nowhere)
@micropython.{dec}
def g({a}):
    {nop}
    {jump}
    label(nowhere)
    label(x)
""",
    "a label of another function": """
@micropython.{dec}
def f({a}):
    label(nowhere)
    {nop}
@micropython.{dec}
def g({a}):
    {nop}
    {jump}
""",
    "error in a method": """
class A:
    @micropython.{dec}
    def f({a}):
        {nop}

        bar({a})
""",
    "a function inside": """
@micropython.{dec}
def f({a}):
    {nop}
    def g(): pass
""",
    "a lambda as argument": """
@micropython.{dec}
def f({a}):
    data(1, lambda: 1)
""",
    "stars and keywords": """
@micropython.{dec}
def f({a}):
    foo({a}, b=1, *c, **d)
""",
    "parentheses": """
@micropython.{dec}
def f({a}):
    ({nop})
""",
    "statements on one line": """
@micropython.{dec}
def f({a}):
    {nop}; {nop}; label(x); pass
""",
    "an if": """
@micropython.{dec}
def f({a}):
    if 1:
        {nop}
""",
    "async def": """
@micropython.{dec}
async def f({a}):
    {nop}
""",
    "native and assembler": """
@micropython.native
@micropython.{dec}
def f({a}):
    {nop}
""",
    "an ordinary decorator too": """
@foo
@micropython.{dec}
def f({a}):
    {nop}
""",
    "a decorated class": """
@micropython.{dec}
class A:
    pass
""",
    "label of a star": """
@micropython.{dec}
def f({a}):
    label(*x)
""",
    "return": """
@micropython.{dec}
def f({a}):
    return
""",
    "data of several kinds": """
@micropython.{dec}
def f({a}):
    data(1, 'x', 1.5, None, ...)
""",
    "data of a float": """
@micropython.{dec}
def f({a}):
    data(1, 1.5)
""",
    "data of True": """
@micropython.{dec}
def f({a}):
    data(1, True)
""",
    "align to 64": """
@micropython.{dec}
def f({a}):
    {nop}
    align(64)
    {nop}
    align(1)
    align(2)
""",
    "returns None": """
@micropython.{dec}
def f({a}) -> None:
    {nop}
    label(3)
""",
    "returns a string": """
@micropython.{dec}
def f({a}) -> 'int':
    pass
""",
    "keyword-only parameter": """
@micropython.{dec}
def f({a}, *, {b}):
    {nop}
""",
    "label in asm of others": """
@micropython.{dec}
def f({a}):
    {nop}
    label(f)
    {jump}
for i in range(3):
    while i: pass
""",
    "only a docstring": """
@micropython.{dec}
def f({a}):
    'doc'
""",
    "ellipsis": """
@micropython.{dec}
def f({a}):
    ...
""",
    "a yield": """
@micropython.{dec}
def f({a}):
    x = yield
""",
    "label over two lines": """
@micropython.{dec}
def f({a}):
    data(
      1,
      2,
      'x')
    label(
  3)
""",
    "error over several lines": """
@micropython.{dec}
def f({a},
  {b}):
    {nop}
    foo(
      1,
      2,
      'x')
""",
    "label twice over two lines": """
@micropython.{dec}
def f({a}):
    label(x)
    label(
  x)
""",
    "bad parameters far down": """
@micropython.{dec}


def f(
   x):
    label(x)
    label(
  x)
""",
    "an attribute of a call": """
@micropython.{dec}
def f({a}):
    {nop}.x
""",
    "a sum": """
@micropython.{dec}
def f({a}):
    {nop} + 1
""",
    "tuple": """
@micropython.{dec}
def f({a}):
    {nop}, {nop}
""",
}
