class Count:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def __next__(self):
        if self.n <= 0:
            raise StopIteration
        self.n -= 1
        return self.n


print(list(Count(3)), sum(Count(5)), max(Count(4)), 2 in Count(4))
a, b = Count(2)
print(a, b, *Count(3))
print([(x, y) for x, y in zip(Count(3), "abc")], list(enumerate(Count(2), 1)))
it = iter([1, 2, 3])
print(next(it), list(it), next(it, "default"))
print(list(map(str, filter(None, [0, 1, 2]))), any(Count(2)), all(Count(2)), list(reversed([1, 2])))
