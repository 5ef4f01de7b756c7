# Two streams of 16-bit samples with a volume of 8 bits each, mixed with saturation.
@micropython.viper
def mix16(dst: ptr16, a: ptr16, b: ptr16, n: int, volumes: int):
    va = volumes >> 8
    vb = volumes & 255
    for i in range(n):
        x = (a[i] ^ 0x8000) - 0x8000
        y = (b[i] ^ 0x8000) - 0x8000
        s = (x * va + y * vb) >> 8
        if s > 32767:
            s = 32767
        elif s < -32768:
            s = -32768
        dst[i] = s
