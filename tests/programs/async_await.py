class Wait:
    def __init__(self, n):
        self.n = n

    def __await__(self):
        r = yield self.n
        return r

    def __iter__(self):
        r = yield self.n
        return r


async def child(n):
    r = await Wait(n)
    return r + n


async def parent():
    a = await child(1)
    b = await child(2)
    return a, b


c = parent()
try:
    x = c.send(None)
    while True:
        print("waits", x)
        x = c.send(x * 10)
except StopIteration as e:
    print("done", e.value)


class Ctx:
    async def __aenter__(self):
        print("aenter")
        return "ctx"

    async def __aexit__(self, *a):
        print("aexit", a[0] and a[0].__name__)
        return True


class Items:
    def __init__(self):
        self.i = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        self.i += 1
        if self.i > 3:
            raise StopAsyncIteration
        return self.i


async def uses():
    async with Ctx() as c:
        print(c)
        raise ValueError
    async for i in Items():
        if i == 2:
            continue
        print("item", i)
    else:
        print("async else")
    async for i in Items():
        async with Ctx():
            break
    async with Ctx():
        return "returned"


try:
    uses().send(None)
except StopIteration as e:
    print("stop", e.value)
