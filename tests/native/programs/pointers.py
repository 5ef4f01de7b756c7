import array

import micropython


@micropython.viper
def fill(buf, n: int):
    p = ptr8(buf)
    for i in range(n):
        p[i] = i * i


@micropython.viper
def checksum(buf, n: int) -> int:
    p = ptr8(buf)
    total = 0
    for i in range(n):
        total = (total << 1) ^ p[i]
        total &= 0xFFFF
    return total


@micropython.viper
def halves(buf, n: int) -> int:
    p = ptr16(buf)
    return p[0] + p[n - 1]


@micropython.viper
def words(buf, n: int):
    p = ptr32(buf)
    i = 0
    while i < n:
        p[i] = p[i] + 1000
        i += 1


data = bytearray(40)
fill(data, 40)
print(data)
print(checksum(data, 40), halves(data, 20))
numbers = array.array("I", [1, 2, 3, 0xFFFFFFFF])
words(numbers, 4)
print(numbers)
