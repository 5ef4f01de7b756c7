import micropython


@micropython.viper
def collatz(n: int) -> int:
    steps = 0
    while n != 1:
        if n & 1:
            n = 3 * n + 1
        else:
            n = n >> 1
        steps += 1
    return steps


@micropython.viper
def gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


@micropython.viper
def mix(a: uint, b: uint) -> uint:
    return (a ^ (b << uint(3))) + (a >> uint(1))


print([collatz(n) for n in range(1, 30)])
print([gcd(a, b) for a in (12, 35, 1000) for b in (8, 49, 75)])
print([mix(a, b) for a in (0, 1, 77) for b in (3, 255)])
