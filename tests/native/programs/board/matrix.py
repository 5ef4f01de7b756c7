def product(a, b):
    columns = list(zip(*b))
    return [[sum(x * y for x, y in zip(row, column)) for column in columns] for row in a]


def power(m, n):
    size = len(m)
    result = [[int(i == k) for k in range(size)] for i in range(size)]
    while n:
        if n & 1:
            result = product(result, m)
        m = product(m, m)
        n >>= 1
    return result


def determinant(m):
    if len(m) == 1:
        return m[0][0]
    total = 0
    for k, top in enumerate(m[0]):
        minor = [row[:k] + row[k + 1 :] for row in m[1:]]
        total += (-1) ** k * top * determinant(minor)
    return total


print(power([[1, 1], [1, 0]], 90))
print(determinant([[2, 0, 1, 3], [1, 1, 0, 2], [4, 2, 5, 1], [0, 3, 1, 1]]))
print(product([[1.5, 2.0]], [[2], [0.25]]))
