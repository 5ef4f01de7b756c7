import array


@micropython.viper
def reverse(buf, n: int):
    p = ptr8(buf)
    i = 0
    while i < n - 1:
        n -= 1
        t = p[i]
        p[i] = p[n]
        p[n] = t
        i += 1


@micropython.viper
def spread(source, target, n: int) -> int:
    a = ptr16(source)
    b = ptr32(target)
    total = 0
    for i in range(n):
        b[i] = a[i] * a[n - 1 - i]
        total += b[i]
    return total


@micropython.viper
def count(p: ptr8, n: int, value: int) -> int:
    found = 0
    for i in range(n):
        if p[i] == value:
            found += 1
    return found


text = bytearray(b"machine code on boards")
reverse(text, len(text))
print(text)
words = array.array("I", bytes(4 * 9))
print(spread(array.array("H", range(100, 1000, 100)), words, 9), words)
print(count(b"mississippi", 11, ord("s")))
