class Counter:
    def __init__(self):
        self.n = 0


@micropython.viper
def bump(counter, by: int) -> int:
    counter.n = int(counter.n) + by
    return int(counter.n)


@micropython.viper
def collect(items, out):
    for item in items:
        if not item:
            continue
        out.append((item, len(item)))
    return out


@micropython.viper
def guarded(call, value: int):
    try:
        return call(value)
    except ValueError:
        return "refused"
    finally:
        print("finally", value)


@micropython.viper
def truth(value) -> bool:
    return bool(value)


def picky(value):
    if value > 3:
        raise ValueError("too much", value)
    return value * 10


c = Counter()
print([bump(c, k) for k in (1, 20, -300)], c.n)
print(collect(["a", None, b"bcd", [1, 2]], []))
print(guarded(picky, 2), guarded(picky, 4))
print([truth(v) for v in (0, 1, "", "x", None, [0])])
