# One stage of a fixed-point FFT, in place: n points, butterflies half apart; w: cos, sin in Q14.
@micropython.viper
def fftstage(re: ptr32, im: ptr32, w: ptr32, n: int, half: int):
    base = 0
    while base < n:
        for k in range(half):
            c = w[2 * k]
            s = w[2 * k + 1]
            i = base + k
            j = i + half
            xr = (re[j] * c - im[j] * s) >> 14
            xi = (re[j] * s + im[j] * c) >> 14
            yr = re[i]
            yi = im[i]
            re[j] = (yr - xr) >> 1
            im[j] = (yi - xi) >> 1
            re[i] = (yr + xr) >> 1
            im[i] = (yi + xi) >> 1
        base += 2 * half
