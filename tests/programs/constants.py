from micropython import const

A = const(5)
_B = const(A * 2 + 1)
C = const(A << 3 | 1)
print(A, _B, C, -_B, A + _B)


def f():
    return A, _B, A if _B else C


print(f())
if A:
    print("A true")
print("fold", 2 + 3 * 4, "a" "b", 1 if A else 2, not A)
print(__name__ != "", __debug__)
