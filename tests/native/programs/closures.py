import micropython


@micropython.native
def counter(start):
    count = start

    def step(by=1):
        nonlocal count
        count += by
        return count

    return step


@micropython.native
def compose(*functions):
    def run(x):
        for function in functions:
            x = function(x)
        return x

    return run


step = counter(10)
print(step(), step(5), step(by=2))
print(compose(str, len, lambda n: n * 3)(12345))
