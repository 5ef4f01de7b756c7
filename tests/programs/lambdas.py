print((lambda: 1)(), (lambda x: x + 1)(2), (lambda x, y=5: x * y)(3))
print((lambda *a: a)(1, 2), (lambda **k: k)(z=1), (lambda a, *b, c=1, **d: (a, b, c, d))(1, 2, 3))
fs = [lambda x=x: x for x in range(3)]
print([f() for f in fs])
compose = lambda f, g: lambda x: f(g(x))
print(compose(lambda x: x + 1, lambda x: x * 10)(4))
print(sorted([3, 1, 2], key=lambda v: -v), (lambda: (yield))() is not None)
print((lambda x: x if x else (lambda: "zero")())(0))
