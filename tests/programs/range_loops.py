n = 4
for i in range(n):
    n = 2
    print(i, end=" ")
for i in range(2, n + 3):
    print(i, end=" ")
for i in range(0, 10, 4):
    print(i, end=" ")
for i in range(3, -1, -1):
    print(i, end=" ")
print(i)


def f(a, b, step=None):
    out = []
    for i in range(a, b):
        i += 10
        out.append(i)
    return out, i


print(f(0, 3))
