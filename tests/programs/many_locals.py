def f():
    a0, a1, a2, a3, a4, a5, a6, a7, a8, a9 = range(10)
    b0, b1, b2, b3, b4, b5, b6, b7, b8, b9 = range(10, 20)
    c0 = a0 + b0
    c1 = a1 + b1
    c2 = a9 * b9
    for i in range(3):
        c0 += i
        b9, a9 = a9, b9
    del a5
    return [a0, a1, a2, a3, a4, a6, a7, a8, a9, b0, b5, b8, b9, c0, c1, c2]


print(f())


def g(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t):
    return t, s, r, q, p, o, n, m, l, k, j, i, h, g, f, e, d, c, b, a


print(g(*range(20)))
