def walk(tree):
    if tree is None:
        return 0
    left, value, right = tree
    n = yield from walk(left)
    yield value
    m = yield from walk(right)
    return n + m + 1


def count(tree):
    n = yield from walk(tree)
    print("nodes", n)


print(list(count((((None, 1, None), 2, None), 3, (None, 4, None)))))
