x = "module"


class A:
    x = "class"
    y = x + "!"

    def get(self):
        return x

    class Inner:
        z = [i for i in range(3)]

    for i in range(2):
        last = i
    del i


print(A.y, A().get(), A.Inner.z, A.last, hasattr(A, "i"), A.__name__)


def make(v):
    class B:
        value = v

        def read(self):
            return v

    return B


print(make(3).value, make(4)().read())


class Empty: pass


class Multi(A, Empty):
    "docstring"
    x = 2


print(Multi.x, Multi.y)
