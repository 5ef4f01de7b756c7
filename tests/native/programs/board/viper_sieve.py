@micropython.viper
def sieve(flags, n: int) -> int:
    p = ptr8(flags)
    count = 0
    for i in range(2, n):
        if p[i] == 0:
            count += 1
            k = i * i
            while k < n:
                p[k] = 1
                k += i
    return count


@micropython.viper
def gcd(a: int, b: int) -> int:
    while b:
        a, b = b, int(a % b)
    return a


@micropython.viper
def collatz(n: int) -> int:
    steps = 0
    while n != 1:
        n = n >> 1 if not n & 1 else 3 * n + 1
        steps += 1
    return steps


flags = bytearray(5000)
print(sieve(flags, len(flags)), bytes(flags[:20]))
print(gcd(1071, 462), gcd(17, 5), gcd(2**20, 6**8))
print([collatz(n) for n in (1, 2, 3, 7, 27, 97)])
