a, b = 1, 2
a, b = b, a
(c, d), [e, f] = (1, 2), [3, 4]
print(a, b, c, d, e, f)
first, *rest = [1, 2, 3]
*init, last = "abc"
x, *mid, y = range(5)
print(first, rest, init, last, x, mid, y)
(z,) = (9,)
[w] = [8]
print(z, w)
p = q = r = []
p.append(1)
print(q, r is p)
m = [0, 0]
m[0], m[1] = m[1], 5
i, m[i] = 1, 7
print(m, i)
try:
    a, b = 1, 2, 3
except ValueError:
    print("ValueError")
t = 1,
print(t, *t)
a, b, c = 1, 2, 3
a, b, c = c, a, b
print(a, b, c)
