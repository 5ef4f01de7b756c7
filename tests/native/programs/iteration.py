import micropython


@micropython.native
def squares(n):
    for i in range(n):
        yield i * i


@micropython.native
def chain(*sources):
    for source in sources:
        yield from source


@micropython.native
def flatten(rows):
    return [x for row in rows for x in row if x], {k: v for k, v in rows}, {a for a, _ in rows}


print(list(squares(6)), sum(chain(squares(4), [1, 2])))
print(flatten([(1, 0), (2, 3)]))
