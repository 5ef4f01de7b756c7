x = 1
del x
try:
    print(x)
except NameError:
    print("gone")
d = {"a": 1, "b": 2}
del d["a"]
print(d)


class A:
    pass


a = A()
a.p, a.q = 1, 2
del a.p
print(hasattr(a, "p"), a.q)
b = c = e = 1
del b, (c, e)


def f():
    v = 1
    del v
    try:
        return v
    except NameError:
        return "unbound"


def g():
    v = 1

    def h():
        return v

    del v
    try:
        return h()
    except NameError:
        return "unbound cell"


print(f(), g())
