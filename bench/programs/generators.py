"""Generators, closures and exceptions."""


def numbers(n):
    for i in range(n):
        yield i


def adder(step):
    total = 0

    def add(x):
        nonlocal total
        total += x * step
        return total

    return add


def main(n):
    add = adder(3)
    caught = 0
    for x in numbers(n):
        try:
            if x % 11 == 0:
                raise ValueError(x)
            add(x)
        except ValueError:
            caught += 1
    return add(0), caught


print(main(200000))
