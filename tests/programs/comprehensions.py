print([x * x for x in range(6) if x % 2 == 0])
print({x: chr(97 + x) for x in range(3)} == {0: "a", 1: "b", 2: "c"})
print(sorted({x % 3 for x in range(10)}))
print([[y for y in range(x)] for x in range(4)])
print([(x, y) for x in range(3) if x for y in range(3) if y != x])
n = 3
print([n * i for i in range(n)], n)


def inside(k):
    return [k + i for i in range(k)], {i: k for i in range(2)}


print(inside(3))
print(list(map(lambda p: p[0] + p[1], [(a, b) for a in (1, 2) for b in (10, 20)])))
