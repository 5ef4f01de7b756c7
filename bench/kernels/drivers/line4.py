# A line of a display driver: pixels of 4 bits by a palette to RGB565, the high nibble first.
@micropython.viper
def line4(dst: ptr16, src: ptr8, palette: ptr16, n: int):
    at = 0
    for i in range(n):
        c = src[i]
        dst[at] = palette[c >> 4]
        dst[at + 1] = palette[c & 15]
        at += 2
