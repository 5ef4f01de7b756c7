t = (1, 2, 3)
u = ("a", b"b", 1.5, None, True, ..., (4, (5,)))
print(t, u, (), (1,), ((),))


def f(x=(1, 2), *, y=("k",)):
    return x + y


print(f(), f((3,), y=()))
print((1, 2)[0], (1, "x") == (1, "x"), 2 in (1, 2, 3), "%d-%d" % (1, 2))
for a in (1, 2.5, "s", b"b", 10**30):
    print(a, end=" ")
print()
print({(1, 2): "key"}[1, 2], [(1, 2), (3, 4)][1])
