def f():
    x = yield
    while x is not None:
        y = (yield x * 2) or "none"
        print("y", y)
        x = yield [(yield), (yield)]
        print("x", x)


g = f()
print(next(g), g.send(4), g.send(None), g.send("p"), g.send("q"))
try:
    g.send(None)
except StopIteration:
    print("end")


def deleg(n):
    if n:
        yield from deleg(n - 1)
    yield n


print(list(deleg(4)))


def finish():
    try:
        yield 1
        yield 2
    except GeneratorExit:
        print("closing")
        raise
    finally:
        print("closed")


h = finish()
print(next(h))
h.close()
