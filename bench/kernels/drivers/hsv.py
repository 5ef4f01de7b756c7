# A rainbow for a strip of LEDs: hue 0..1535, saturation and value 0..255, bytes in order G, R, B.
@micropython.viper
def hsv(buf: ptr8, n: int, hue: int, s: int, v: int):
    at = 0
    for i in range(n):
        h = (hue + i * 1536 // n) % 1536
        f = h & 255
        p = v * (255 - s) >> 8
        q = v * (255 - (s * f >> 8)) >> 8
        t = v * (255 - (s * (255 - f) >> 8)) >> 8
        sector = h >> 8
        if sector == 0:
            r = v
            g = t
            b = p
        elif sector == 1:
            r = q
            g = v
            b = p
        elif sector == 2:
            r = p
            g = v
            b = t
        elif sector == 3:
            r = p
            g = q
            b = v
        elif sector == 4:
            r = t
            g = p
            b = v
        else:
            r = v
            g = p
            b = q
        buf[at] = g
        buf[at + 1] = r
        buf[at + 2] = b
        at += 3
