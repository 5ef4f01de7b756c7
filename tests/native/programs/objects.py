import micropython


@micropython.viper
def total(items) -> object:
    print(len(items))
    return sum(items)


@micropython.viper
def describe(n: int, name) -> object:
    return "{}:{}".format(name, n + 1)


@micropython.native
def pairs(a, b=3, *rest, key=None, **options):
    return a, b, rest, key, sorted(options.items())


@micropython.native
def make(n):
    def add(x):
        return x + n

    return add


print(total([1, 2.5, 3]), describe(4, "n"))
print(pairs(1), pairs(1, 2, 7, 8, key=9, z=1))
print(make(5)(6))
