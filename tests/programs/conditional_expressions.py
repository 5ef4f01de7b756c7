def f(x):
    return "neg" if x < 0 else "zero" if x == 0 else "pos"


print([f(x) for x in (-1, 0, 1)])
print((1 if True else 2), (0 or 1) if [] else (2 and 3))
x = 5 if False else (6, 7)
print(x, [1 if i % 2 else 0 for i in range(4)], (lambda a: a if a else None)(0))
print("a" if not None else "b", {"k": 1 if x else 2})
