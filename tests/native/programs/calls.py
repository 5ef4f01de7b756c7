import micropython


@micropython.native
def show(a, b=2, *rest, c, d=4, **more):
    return a, b, rest, c, d, sorted(more)


@micropython.native
def caller(f):
    pair = (1, 5)
    return f(*pair, c=0), f(9, c=1, **{"z": 1, "d": 7}), f(1, 2, 3, 4, c=5)


@micropython.viper
def three(a: int, b: int, c: int) -> int:
    return a * 100 + b * 10 + c


print(caller(show))
print(three(1, 2, 3), max(three(4, 5, 6), 3))
