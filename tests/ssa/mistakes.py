"""Programs that some release of the reference compiles wrongly, and ours has to get right.

Each function is right in its types; what it has to give comes from the model of viper.  Reports of
the mistakes: github.com/micropython/micropython, issues and pull requests by their number.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Mistake(NamedTuple):
    """source: of a viper function `f`; args: of a call; releases: some whose code for armv7m is
    wrong."""

    name: str
    source: str
    args: tuple[int | bytes, ...]
    releases: tuple[str, ...]


DATA: Final = bytes((i * 37 + i // 5) & 127 for i in range(96))


def _f(text: str) -> str:
    return f"@micropython.viper\n{text.strip()}\n"


MISTAKES: Final = (
    Mistake("a subscript with a constant loses what waits: a - p[4]", _f("""
def f(p: ptr32, b: int, c: int, a: int) -> int:
    return a - p[4]
"""), (DATA, 1, 2, 70_000), ("1.17",)),
    Mistake("issue 7782: two elements of one buffer", _f("""
def f(p: ptr16) -> int:
    p[0] += p[1] << 1
    return p[0]
"""), (DATA,), ("1.17",)),
    Mistake("issue 6314: an element, shifted, with the next one", _f("""
def f(p: ptr8) -> int:
    return p[3] << 8 | p[4]
"""), (DATA,), ()),
    Mistake("issue 6643: an expression stored through a pointer", _f("""
def f(p: ptr8, q: ptr8, n: int) -> int:
    at = 0
    for x in range(0, n, 2):
        c = q[x]
        d = q[x + 1]
        p[at] = ((c & 0xe0) | ((c & 0x1c) >> 1))
        at += 1
        p[at] = (((c & 3) << 6) | ((d & 0xe0) >> 4))
        at += 1
        p[at] = (((d & 0x1c) << 3) | ((d & 3) << 2))
        at += 1
    return at
"""), (DATA, DATA[::-1], 8), ()),
    Mistake("pull request 18821: an index that is used again, of halves and words", _f("""
def f(i: int, p: ptr16, q: ptr32) -> int:
    x = p[i]
    y = q[i]
    p[i] = y
    q[i] = x
    return i * 65536 + x
"""), (5, DATA, DATA[::-1]), ("1.26", "1.27")),
    Mistake("pull request 17772: a pointer after a store at a large offset", _f("""
def f(p: ptr8, i: int) -> int:
    x = ptr8(p)
    x[0x1000] = i
    return int(x) - int(p) + x[0x1000]
"""), (bytes(0x1004), 77), ("1.17", "1.19")),
    Mistake("pull request 19508: a variable after its negation", _f("""
def f(x: int) -> int:
    a = x + 1
    b = -a
    c = ~a
    return a * 10000 + b * 100 + c
"""), (5,), ("1.23", "1.28")),
)

ATTRIBUTE: Final = """
class K:
    pass
@micropython.viper
def f(o, n: int):
    o.n = n
    o.m = n + 1
o = K()
f(o, 70)
print(o.n, o.m)
"""
"""1.17 stores machine integers in attributes as if they were objects."""
ATTRIBUTE_PRINTS: Final = "70 71\n"
