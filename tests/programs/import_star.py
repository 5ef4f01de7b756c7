from collections import *

print(OrderedDict([(1, 2)]))


def f():
    from collections import namedtuple as nt

    return nt("N", ["a"])(1)


print(f().a)
