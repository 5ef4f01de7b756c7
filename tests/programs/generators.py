def squares(n):
    for i in range(n):
        got = yield i * i
        if got:
            print("got", got)


g = squares(4)
print(next(g), g.send("a"), g.send(None), g.send("b"))
try:
    next(g)
except StopIteration as e:
    print("stop", e.value)


def inner():
    try:
        x = yield 1
        print("inner", x)
        return "result"
    finally:
        print("inner finally")


def outer():
    r = yield from inner()
    print("outer", r)
    yield r


o = outer()
print(next(o), o.send("sent"), list(o))
print(sum(x for x in range(5) if x % 2), list(x + y for x in "ab" for y in "cd"))
o = outer()
next(o)
try:
    o.throw(ValueError("thrown"))
except ValueError as e:
    print("caught", e)
o = outer()
next(o)
o.close()
