import micropython


@micropython.viper
def popcount(x: uint) -> int:
    n = 0
    while x:
        n += int(x & uint(1))
        x >>= uint(1)
    return n


@micropython.viper
def reverse(x: int) -> int:
    r = 0
    for i in range(16):
        r = (r << 1) | (x & 1)
        x >>= 1
    return r


@micropython.viper
def compare(a: int, b: int) -> int:
    r = 0
    if a < b:
        r |= 1
    if a <= b:
        r |= 2
    if a == b:
        r |= 4
    if a != b:
        r |= 8
    if a >= b:
        r |= 16
    if a > b:
        r |= 32
    return r


print([popcount(x) for x in (0, 1, 255, 0x12345)])
print([reverse(x) for x in (0, 1, 2, 0x1234)])
print([compare(a, b) for a in (-5, 0, 7) for b in (-5, 0, 7)])
