import micropython


@micropython.viper
def bubble(buf, n: int):
    p = ptr8(buf)
    for i in range(n):
        for j in range(n - 1 - i):
            if p[j] > p[j + 1]:
                t = p[j]
                p[j] = p[j + 1]
                p[j + 1] = t


data = bytearray(b"the quick brown fox jumps over the lazy dog")
bubble(data, len(data))
print(data)
