"""Details of the language that generated programs do not reach, on boards."""

from __future__ import annotations

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.session import Session
from mpy_cross.loader.release import get


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
