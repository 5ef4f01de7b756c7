a = 123456789012345678901234567890
b = 0xFFFFFFFFFFFFFFFFFFFFFFFF
print(a, b, a + b, a * b, a // 12345, a % 98765, -a, ~b, a > b, a == a + 0)
print(1 << 100, (1 << 100) >> 98, a & b, a | 1, a ^ b, hash(a) == hash(a), bool(a))
print(2**63, 2**64 - 1, -(2**63), 9223372036854775807, -9223372036854775808)
print(a if a else 0, [a], {a: 1}[a], (a, b)[0], str(a)[:5], int(a / 10**20))


def f(x=99999999999999999999):
    return x


print(f(), f(1))
