"""Programs whose lines are counted on boards and in CPython, and what the two count differently."""

from __future__ import annotations

import ast
import contextlib
import io
import sys
from types import FrameType
from typing import Any, Final

PROGRAMS: Final[dict[str, str]] = {
    "branches": """\
def sign(x):
    if x > 0:
        return 1
    elif x < 0:
        return -1
    else:
        y = 0
    return y

def never(a):
    b = a
    return b

for n in (3, -3, 0, 5):
    print(sign(n))
x = 1 if sign(2) else 2
if x and not sign(0) or sign(1):
    print("yes")
""",
    "loops": """\
def count(n):
    total = 0
    while n:
        n -= 1
        if n == 3:
            continue
        if n == 1:
            break
        total += n
    else:
        total = -1
    return total

print(count(0), count(1), count(6))
for i in range(3):
    for j in range(i):
        print(i, j)
for i in range(10, 0, -3):
    if i == 4:
        continue
    print(i)
for c in "abc":
    if c == "b":
        continue
    print(c)
for c in []:
    print("never")
while False or count(0) == 0:
    print("once")
k = 0
while k < 3 and k != 7:
    k += 1
print([a * b for a in range(4) if a % 2 for b in (1, 2)], {q for q in range(2)})
""",
    "exceptions": """\
def risky(kind):
    try:
        if kind == 1:
            raise ValueError("one")
        if kind == 2:
            raise KeyError("two")
        result = "fine"
    except ValueError as error:
        result = str(error)
    finally:
        print("finally", kind)
    return result

for kind in range(3):
    try:
        print(risky(kind))
    except KeyError:
        print("key")
try:
    risky(0)
except OSError:
    print("never")
else:
    print("else")
""",
    "classes": """\
class Base:
    limit = 3

    def __init__(self, value):
        self.value = value

    def __iter__(self):
        return self

    def __next__(self):
        if self.value >= self.limit:
            raise StopIteration
        self.value += 1
        return self.value

class Small: size = 1

class Child(Base):
    def extra(self):
        return Small.size

print(list(Base(0)), Child(1).extra())
for v in Child(0):
    print(v)
""",
    "generators": """\
def squares(n):
    for i in range(n):
        yield i * i

def both(n):
    yield from squares(n)
    x = yield "more"
    print("got", x)

def outer(a):
    b = 2
    def inner(c):
        return a + b + c
    return inner

print(list(squares(4)), sum(squares(3)))
g = both(2)
print(next(g), next(g), next(g))
try:
    g.send("this")
except StopIteration:
    print("over")
print(outer(1)(3), (lambda z: z + 1)(4), list(map(lambda v: -v, [3, 1, 2])))
""",
    "recursion": """\
def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)

def tail(n):
    if not n: return 0
    return tail(n - 1)

print(fib(9), tail(5))
exec("y = fib(3)")
a = [fib(4),
     fib(2)]
print(a)
""",
    "special": """\
'''A docstring.'''
import sys

class Manager:
    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass

    @property
    def one(self):
        return 1

    @staticmethod
    def two():
        global z
        z = 2

while True:
    with Manager() as m:
        print(m.one)
    m.two()
    break
if True:
    print(z)
try:
    raise ValueError
except TypeError:
    print("no")
except ValueError:
    pass
""",
}


def cpython_hits(source: str) -> tuple[dict[int, int], str]:
    """Line events of a program in this Python, and what it prints."""
    hits: dict[int, int] = {}

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        if frame.f_code.co_filename != "<counted>":
            return None
        if event == "line":
            hits[frame.f_lineno] = hits.get(frame.f_lineno, 0) + 1
        return trace

    code = compile(source, "<counted>", "exec")
    output = io.StringIO()
    before = sys.gettrace()
    with contextlib.redirect_stdout(output):
        sys.settrace(trace)
        try:
            exec(code, {"__name__": "__main__"})
        finally:
            sys.settrace(before)
    return hits, output.getvalue()


def explained(source: str) -> set[int]:
    """Lines that CPython counts, and the board does not or otherwise.

    No code on the board: docstrings, `global`, `except`, conditions that are constants.  Counted
    twice by CPython: decorators, `with`, and there the line of `def` or `class` is one of its own.
    A line that goes on in the next: CPython comes back to the first one.  Comprehensions are part
    of the function around them from 3.12 on.
    """
    lines: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if (isinstance(node, ast.ExceptHandler | ast.Global | ast.With)
                or (isinstance(node, ast.If | ast.While) and isinstance(node.test, ast.Constant))
                or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))):
            lines.add(node.lineno)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) and node.decorator_list:
            lines |= {node.lineno, *(decorator.lineno for decorator in node.decorator_list)}
        elif isinstance(node, ast.Assign) and node.lineno != node.end_lineno:
            lines |= set(range(node.lineno, (node.end_lineno or 0) + 1))
        elif isinstance(node, ast.ListComp | ast.SetComp) and sys.version_info >= (3, 12):
            lines.add(node.lineno)
    return lines
