def counter(start):
    value = start

    def bump(step=1):
        nonlocal value
        value += step
        return value

    return bump


a, b = counter(0), counter(10)
print(a(), a(), b(), a(5), b(-1))


def makers():
    return [lambda: i for i in range(3)]


print([f() for f in makers()])


def three():
    x = 1

    def two():
        y = 2

        def one():
            nonlocal x, y
            x, y = y, x + y
            return x, y

        return one

    return two()


f = three()
print(f(), f(), f())
