@micropython.native
def biquadf(samples, n, b0, b1, b2, a1, a2):
    z1 = 0.0
    z2 = 0.0
    for i in range(n):
        x = samples[i] * 0.5
        y = b0 * x + z1
        z1 = b1 * x - a1 * y + z2
        z2 = b2 * x - a2 * y
        samples[i] = y
    return z1
