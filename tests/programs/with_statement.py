class Guard:
    def __init__(self, name, swallow=False):
        self.name, self.swallow = name, swallow

    def __enter__(self):
        print("enter", self.name)
        return self.name.upper()

    def __exit__(self, kind, value, tb):
        print("exit", self.name, kind and kind.__name__)
        return self.swallow


with Guard("a") as a, Guard("b") as b:
    print(a, b)
with Guard("quiet", True):
    raise ValueError
try:
    with Guard("loud"):
        raise KeyError(1)
except KeyError:
    print("out")


def leave():
    for i in range(3):
        with Guard("loop%d" % i) as g:
            if i == 0:
                continue
            if i == 1:
                break
    with Guard("ret"):
        return "value"


print(leave())
