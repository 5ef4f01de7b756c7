x: int = 5
y: "anything"


def f(a: int, b: str = "b", *args: tuple, c: float = 1.0, **kw: dict) -> list:
    z: int = a
    w: str
    return [z, b, args, c, kw]


print(x, f(1), f(1, "c", 2, c=3))


class A:
    field: int = 3
    other: str

    def m(self: "A", v: int = 1) -> int:
        self.v: int = v
        return self.v


print(A.field, A().m(4), hasattr(A, "other"))
