def twice(f):
    def wrapper(*a, **k):
        return f(f(*a, **k))

    return wrapper


def named(name):
    def decorate(thing):
        thing_name = name
        return lambda *a: (thing_name, thing(*a))

    return decorate


@twice
def inc(x):
    return x + 1


@named("top")
@twice
def double(x):
    return 2 * x


@named("class")
class C:
    def __init__(self, v):
        self.v = v


print(inc(1), double(3), C(5)[1].v)


class D:
    @property
    def p(self):
        return self._p

    @p.setter
    def p(self, v):
        self._p = v * 2


d = D()
d.p = 4
print(d.p)
