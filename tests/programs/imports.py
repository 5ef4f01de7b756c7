import sys
import collections as c
from collections import namedtuple, OrderedDict as OD
from sys import (
    path,
    modules,
)


def local():
    import sys as s2
    from collections import deque

    q = deque((), 3)
    q.append(1)
    return s2 is sys, q.popleft()


P = namedtuple("P", "x y")
print(P(1, 2).y, list(OD([("k", 1)]).items()), c.namedtuple is namedtuple, local())
try:
    import no_such_module
except ImportError:
    print("ImportError")
try:
    from sys import no_such_name
except ImportError:
    print("ImportError too")
print(type(path), type(modules), sys.implementation.name)
