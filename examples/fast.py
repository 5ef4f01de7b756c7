import micropython


@micropython.viper
def checksum(data, n: int) -> int:
    p = ptr8(data)
    total = 0
    for i in range(n):
        total = (total << 1) ^ p[i]
    return total & 0xFFFF


@micropython.asm_thumb
def add(r0, r1) -> int:
    add(r0, r0, r1)


print(checksum(b"hello", 5), add(2, 3))
