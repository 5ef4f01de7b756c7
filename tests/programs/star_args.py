def f(a, b=2, *args, c, d=4, **kw):
    return a, b, args, c, d, sorted(kw.items())


print(f(1, c=3))
print(f(1, 20, 30, 40, c=3, d=5, e=6))
print(f(*(1, 2, 3), **{"c": 9, "z": 0}))
print(f(*[1, 2], c=1), f(*"ab", **{"c": 1}, d=2))


def only(*, x, y=5):
    return x, y


print(only(x=1), only(y=2, x=3))


def pack(*a, **k):
    return a, sorted(k.items())


print(pack(), pack(1, *range(2)), pack(**{"p": 1}, q=2))
try:
    only(1)
except TypeError:
    print("TypeError")
