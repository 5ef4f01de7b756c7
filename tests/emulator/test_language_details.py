"""Details of the language that generated programs do not reach, on boards."""

from __future__ import annotations

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.session import Session
from mpy_cross.loader.release import get
from tests.emulator.running import run


def ran(source: str, board: str = "pyboard", release: str = "1.17") -> str:
    session = Session(board, release, compiler_for(get(release), emit="bytecode"))
    outcome = session.execute(source, "app.py")
    assert outcome is not None
    assert outcome.status == 0, outcome.text
    session.close()
    return session.console


FIXED = """class A: x = 1
a = A()
a.y = 2
import errno
for d in (A.__dict__, a.__dict__, errno.errorcode):
    for change in (lambda: d.pop(1), lambda: d.update({1: 2}), lambda: d.clear(),
                   lambda: d.popitem(), lambda: d.setdefault(1, 2)):
        try:
            change()
            print('changed')
        except TypeError as e:
            print(e.args, end='')
    try:
        d[1] = 2
    except TypeError:
        print('T')
    try:
        del d[1]
    except TypeError:
        print('T')
    c = d.copy()
    c[1] = 2
    print(1 in d, len(c) - len(d))
print(sorted(A.__dict__)[-1], a.__dict__, errno.errorcode[1])
print('from_bytes' in int.__dict__, object.__bases__, int.__bases__, ValueError.__bases__)
"""


def test_dictionaries_that_cannot_change() -> None:
    refused = "()()()()()T\nT\n"
    assert ran(FIXED) == (
        refused + "False 1\n" + refused + "False 1\n" + refused + "True 0\n"
        "x {'y': 2} EPERM\nTrue () (<class 'object'>,) (<class 'Exception'>,)\n"
    )


PEND = """def g():
    while True:
        try:
            print((yield 1))
        except ValueError as e:
            print('caught', e)
i = g()
next(i)
print(i.pend_throw(ValueError(1)), next(i))
i.pend_throw(ValueError(2))
print(i.send(5))
i.pend_throw(KeyError)
print(i.pend_throw(None), next(i))
j = g()
j.pend_throw(KeyError)
try:
    next(j)
except KeyError:
    print('at once')
"""


def test_pending_exception_of_a_generator() -> None:
    assert ran(PEND) == (
        "caught 1\nNone 1\ncaught 2\n1\nNone\n<class 'KeyError'> 1\nat once\n"
    )


def test_names_that_the_host_would_fold() -> None:
    source = "def f(\u03f5, \ufb01=2, **k): print(\u03f5, \ufb01, k)\n" \
             "f(\u03f5=1)\nf(3, \ufb01=4, \u03b5=5)\n"
    assert ran(source) == "1 2 {}\n3 4 {'\\u03b5': 5}\n"


COMPARE = """inf = float('inf')
print(10 ** 39 == inf, inf == 10 ** 39, 16777217 == 16777216.0, 16777217.0 < 16777218)
print(2 ** 24 + 1 > 16777216.0, {1.0: 'x'}[1], 1.5 == True, 0.0 == False, 1.0 != 'x')
"""


def test_int_is_compared_as_a_float_of_the_board() -> None:
    assert ran(COMPARE) == "True True True True\nFalse x False True True\n"


@pytest.mark.parametrize(("sign", "name"), [("+", "pos"), ("-", "neg"), ("~", "invert")])
def test_board_names_unary_operator_of_viper(sign: str, name: str) -> None:
    source = f"@micropython.viper\ndef f(x: int): {sign}x"
    assert ran(f"try:\n    exec({source!r})\nexcept ViperTypeError as e:\n    print(e)\n") == (
        f"unary op __{name}__ not implemented\n"
    )


NUMBERS = """class A(int): pass
class F(float): pass
class B(int):
    def __add__(self, other): return B(int(self) + other)
    def __rsub__(self, other): return 'own'
a, f = A(3), F(2.5)
for text in ('a + 1', '1 + a', 'a + a', '2 * a', 'a * 2', '7 // a', '1 << a', 'a & 1', '1.5 + a',
             'f + 1', '1 + f', 'f * f', 'a == 3', '-a', 'B(1) + 1', '1 - B(1)', 'B(1) + B(1)'):
    try:
        print(text, eval(text))
    except TypeError as e:
        print(text, e)
"""
NUMBERS_OUT = """a + 1 4
1 + a unsupported types for __radd__: 'int', 'int'
a + a unsupported types for __radd__: 'int', 'int'
2 * a unsupported types for __rmul__: 'int', 'int'
a * 2 6
7 // a unsupported types for __rfloordiv__: 'int', 'int'
1 << a unsupported types for __rlshift__: 'int', 'int'
a & 1 1
1.5 + a unsupported types for __radd__: 'int', 'float'
f + 1 3.5
1 + f unsupported types for __add__: 'int', 'float'
f * f unsupported types for __mul__: 'float', 'float'
a == 3 True
-a -3
B(1) + 1 2
1 - B(1) own
B(1) + B(1) unsupported types for __radd__: 'int', 'int'
"""


@pytest.mark.spec("J35")
def test_arithmetic_of_classes_derived_from_numbers() -> None:
    assert ran(NUMBERS) == NUMBERS_OUT


VIEWS = """d = {1: 2, 3: 4}
for text in ('d.keys() & {1}', 'd.keys() | {1}', 'd.items() - {1}', 'd.keys() == d.keys()',
             'len(d.keys())', 'len(d.values())', '1 in d.keys()', '(1, 2) in d.items()',
             'sorted(d.keys())', 'd.keys()', 'd.items()', 'hash(d.items())', 'bool({}.keys())'):
    try:
        print(eval(text))
    except TypeError as e:
        print(e)
"""


@pytest.mark.spec("J32")
def test_views_are_no_sets() -> None:
    shared = "unsupported types for __{}__: 'dict_view', 'set'\n"
    refused = "".join([shared.format(name) for name in ("and", "or", "sub")]) + "False\n"
    rest = (
        "True\nTrue\n[1, 3]\ndict_keys([1, 3])\ndict_items([(1, 2), (3, 4)])\n"
        "unsupported type for __hash__: 'dict_view'\n"
    )
    length = "object of type 'dict_view' has no len()\n"
    assert ran(VIEWS) == refused + 2 * length + rest + "True\n"
    assert ran(VIEWS, release="1.28") == refused + "2\n2\n" + rest + "False\n"


@pytest.mark.spec("J54")
def test_json_takes_bytes() -> None:
    source = (
        "import ujson\nprint(ujson.loads(ujson.dumps(b'a\"\\x01')))\n"
        "z = ujson.dumps(bytes(range(256)))\n"
        "try:\n    print(len(ujson.loads(z)) > 150)\nexcept UnicodeError:\n    print('checked')\n"
    )
    assert ran(source) == "a\"\x01\nTrue\n"
    assert ran(source, release="1.28").endswith("\nchecked\n")


CHANGES = [
    ("import math\nprint(math.pow(0.5, float('-inf')))", "ValueError: math domain error", "inf"),
    ("print('abc'.startswith(('x', 'a')))", "TypeError: can't convert", "True"),
    ("print('abc'.endswith('b', 0, 2))", "NotImplementedError: start/end", "True"),
    ("print((5).to_bytes())", "TypeError: function missing", "b'\\x05'"),
    ("print(int.from_bytes(b'a'))", "TypeError: function missing", "97"),
    ("print((300).to_bytes(1, 'big'))", "b','", "OverflowError: buffer too small"),
    ("print(int(bytearray(b'12')))", "TypeError: can't convert bytearray to int", "12"),
    ("print('{:06s}|'.format('ab'))", "ValueError: '=' alignment", "ab0000|"),
    ("print(bytearray(b'a,b').split(b','))", "AttributeError: 'bytearray' object has no",
     "[bytearray(b'a'), bytearray(b'b')]"),
    ("print(bytes.fromhex('01 ff').hex(':'), memoryview(b'a').hex())",
     "AttributeError: type object 'bytes' has no attribute 'fromhex'", "01:ff 61"),
    ("from ucollections import deque\nd = deque((1, 2), 5)\nd.appendleft(0)\n"
     "print(list(d), d[-1], d.pop())", "ValueError", "[0, 1, 2] 2 2"),
    ("print('{:_x} {:09,d}'.format(0xabcdef, 1234))", "ValueError: invalid format specifier",
     "ab_cdef 0,001,234"),
    ("import ucollections\nprint(ucollections.__name__)", "ucollections", "collections"),
    ("print(complex(' 1-2.5e-1j '), complex('j'))", "ValueError: invalid syntax for number",
     "(1-0.25j) 1j"),
    ("print(int('01', 0))", "1", "ValueError: invalid syntax for integer with base 0: '01'"),
    ("class A: pass\nclass B: pass\nsuper(A, B())\nprint('taken')", "taken", "TypeError"),
    ("print((-2).to_bytes(2, 'big'))", "b'", "b'\\xff\\xfe'"),
    ("class C:\n    def __float__(self): return 2.5\nprint(float(C()))",
     "TypeError: can't convert C to float", "2.5"),
    ("class D:\n    def __set_name__(self, c, n): print(n)\nclass C: x = D()\nprint('end')",
     "end", "x\nend"),
]


@pytest.mark.parametrize(("source", "before", "after"), CHANGES)
def test_changed_between_releases(source: str, before: str, after: str) -> None:
    for release, wanted in (("1.17", before), ("1.28", after)):
        found = ran(
            f"try:\n    exec({source!r})\nexcept Exception as e:\n"
            "    print(type(e).__name__ + ':', e)\n", release=release,
        )
        assert found.startswith(wanted), (release, found)


def test_a_container_may_be_its_own_argument() -> None:
    source = "s = {1, 2}\ns.difference_update(s)\nl = [1, 2]\nl.extend(l)\nprint(s, l)\n"
    assert ran(source) == "set() [1, 2, 1, 2]\n"
    source = "class A:\n    def __iter__(self): return self\n" \
             "    def __next__(self): raise StopIteration(42)\n" \
             "try:\n    next(map(lambda x: x, A()))\nexcept StopIteration as e:\n    print(e)\n"
    assert ran(source) == "42\n"


def test_locked_heap_and_slices() -> None:
    source = "import micropython\nl = bytearray(5)\nmicropython.heap_lock()\ntry:\n" \
             "    l[0:2] = b'ab'\n    micropython.heap_unlock()\n    print(l)\n" \
             "except MemoryError as e:\n    micropython.heap_unlock()\n    print(e)\n"
    assert ran(source) == "memory allocation failed, heap is locked\n"
    assert ran(source, release="1.28") == "bytearray(b'ab\\x00\\x00\\x00')\n"


@pytest.mark.parametrize(("release", "wanted"), [("1.17", "False"), ("1.28", "True")])
def test_text_is_read_as_a_float_by_the_release(release: str, wanted: str) -> None:
    """Without a board: floats of boards have single precision."""
    source = "print(float('1' + '0' * 300) == 10.0 ** 300)"
    assert run(source, release=release) == wanted + "\n"
