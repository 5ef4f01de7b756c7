def find(items, x):
    for i, y in enumerate(items):
        if x == y:
            print("found", i)
            break
    else:
        print("missing", x)


find([1, 2], 2)
find([1, 2], 3)
for i in range(5):
    i = i * 2
    if i == 4:
        continue
    print(i, end=" ")
else:
    print("else")
for i in range(10, 0, -3):
    print(i, end=" ")
for i in range(0):
    print("never")
print(i)


def down(n):
    for i in range(n, -1, -1):
        for j in range(i):
            if j == 2:
                break
        else:
            yield i


print(list(down(4)))
for k in {"a": 1}:
    print(k)
for a, (b, *c) in [(1, (2, 3, 4)), (5, (6,))]:
    print(a, b, c)
