"""Sets: members, changes, operators, iteration."""


def count(n):
    seen = set()
    total = 0
    for i in range(n):
        seen.add(i * 7 % 1009)
        if i & 3 == 0:
            seen.discard(i)
    for i in range(n):
        if i in seen:
            total += 1
    for i in range(n // 500):
        for number in seen:
            total += number
        few = {number for number in range(50)}
        total += len(seen & few) + len(seen | few)
    words = ["alpha%d" % i for i in range(100)]
    for i in range(n // 500):
        known = set(words)
        for word in words:
            if word in known:
                total += 1
    for i in range(n // 10):
        total += len({i, "x", i + 1})
    return total


print(count(60000))
