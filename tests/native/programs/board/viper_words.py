import array


@micropython.viper
def rotate(x: uint, n: uint) -> uint:
    return x << n | x >> (uint(32) - n)


@micropython.viper
def wrap(a: int, b: int) -> int:
    return a * b + (a ^ b) - (a & (b ^ -1))


@micropython.viper
def hashed(data) -> uint:
    p = ptr8(data)
    h = uint(0x811C9DC5)
    for i in range(int(len(data))):
        h = (h ^ uint(p[i])) * uint(0x01000193)
    return h


@micropython.viper
def compare(a: int, b: int) -> int:
    out = 0
    if a < b:
        out |= 1
    if a <= b:
        out |= 2
    if uint(a) < uint(b):
        out |= 4
    if a == b:
        out |= 8
    return out


for n in (1, 7, 16, 31):
    print(rotate(0x12345678, n), wrap(n, -0x12345), wrap(123456789, n * 1000003))
print(hashed(b""), hashed(b"viper"), hashed(array.array("H", [1, 2, 3])))
print([compare(a, b) for a in (-1, 0, 5) for b in (-7, 0, 5, 0x3FFFFFFF)])
