class A:
    def __init__(self, *args, **kw):
        self.log = ["A", args, sorted(kw)]

    def m(self):
        return ["A.m"]

    @classmethod
    def c(cls):
        return "A.c " + cls.__name__


class B(A):
    def __init__(self, x, **kw):
        super().__init__(x, 1, **kw)
        self.log.append("B")

    def m(self):
        f = lambda: super(B, self).m()
        return f() + ["B.m"]

    @classmethod
    def c(cls):
        return "B.c " + super().c()


class C(B):
    def m(self):
        return [super().m(), "C.m"]


print(C(0, k=2).log, C(1).m(), C.c())
