if (n := len("abc")) > 2:
    print(n)
print([y for x in range(4) if (y := x * x) > 2], y)
data = iter([1, 2, 0, 3])
while (v := next(data)):
    print(v)


def f(x):
    return (a := x + 1) * a


print(f(2), (z := 5), z)
print([(k := i, k + 1) for i in range(2)])
