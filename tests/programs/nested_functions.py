def a(x):
    def b(y):
        def c(z):
            def d():
                return x, y, z

            return d

        return c

    return b


print(a(1)(2)(3)())


def fact(n):
    return 1 if n < 2 else n * fact(n - 1)


def local_fact(n):
    def go(k):
        return 1 if k < 2 else k * go(k - 1)

    return go(n)


print(fact(10), local_fact(20))


def args(x):
    def inner():
        nonlocal x
        x = x * 2
        return x

    inner()
    return x, inner()


print(args(3))


def star(*a, **k):
    return [lambda: (a, k)][0]()


print(star(1, b=2))
