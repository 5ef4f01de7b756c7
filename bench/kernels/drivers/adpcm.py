# IMA ADPCM to 16-bit samples, the low nibble first.  state: 0 the last sample, 1 the step's index.
@micropython.viper
def adpcm(dst: ptr16, src: ptr8, n: int, steps: ptr16, state: ptr32):
    last = state[0]
    index = state[1]
    for i in range(n):
        c = src[i >> 1]
        if i & 1:
            c = c >> 4
        step = steps[index]
        d = step >> 3
        if c & 4:
            d += step
        if c & 2:
            d += step >> 1
        if c & 1:
            d += step >> 2
        if c & 8:
            last -= d
            if last < -32768:
                last = -32768
        else:
            last += d
            if last > 32767:
                last = 32767
        if c & 4:
            index += ((c & 3) + 1) * 2
            if index > 88:
                index = 88
        else:
            index -= 1
            if index < 0:
                index = 0
        dst[i] = last
    state[0] = last
    state[1] = index
