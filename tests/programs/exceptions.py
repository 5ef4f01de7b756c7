class Own(Exception):
    def __init__(self, code):
        super().__init__("own", code)
        self.code = code


def classify(f):
    try:
        f()
    except (KeyError, IndexError) as e:
        return "lookup " + type(e).__name__
    except Own as e:
        return "own %d" % e.code
    except Exception as e:
        return "other " + type(e).__name__
    else:
        return "none"


def own():
    raise Own(7)


print(classify(lambda: {}[1]), classify(lambda: [][1]), classify(own))
print(classify(lambda: 1 + ""), classify(lambda: None))
try:
    try:
        raise ValueError("first")
    except ValueError:
        raise
except ValueError as e:
    print("again", e.args)
try:
    raise TypeError from None
except TypeError as e:
    print(repr(e))
try:
    assert 1 == 2, "assertion text"
except AssertionError as e:
    print("assert", e)
