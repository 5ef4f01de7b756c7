@micropython.native
def firf(samples, taps, n, k):
    best = 0.0
    for i in range(n - k):
        total = 0.0
        for j in range(k):
            total += samples[i + j] * taps[j]
        if total > best:
            best = total
    return best
