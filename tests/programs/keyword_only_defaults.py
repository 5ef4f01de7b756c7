log = []


def default(x):
    log.append(x)
    return x


def f(a=default(1), *, b=default(2), c, d=default(4)):
    return a, b, c, d


print(log, f(c=3), f(9, c=8, b=7, d=6))
print((lambda *, k=5: k)(), (lambda x, y=2, *z: (x, y, z))(1, 3, 5))
