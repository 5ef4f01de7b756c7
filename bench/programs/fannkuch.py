"""Permutations of a list: small ints, list items, nested loops."""


def fannkuch(n):
    p = list(range(n))
    q = [0] * n
    s = list(range(n))
    sign = 1
    most = 0
    total = 0
    while True:
        first = p[0]
        if first != 0:
            for i in range(1, n):
                q[i] = p[i]
            flips = 1
            while True:
                other = q[first]
                if other == 0:
                    total += sign * flips
                    if flips > most:
                        most = flips
                    break
                q[first] = first
                if first >= 3:
                    i = 1
                    j = first - 1
                    while True:
                        t = q[i]
                        q[i] = q[j]
                        q[j] = t
                        i += 1
                        j -= 1
                        if i >= j:
                            break
                first = other
                flips += 1
        if sign == 1:
            p[0], p[1] = p[1], p[0]
            sign = -1
        else:
            p[1], p[2] = p[2], p[1]
            sign = 1
            for i in range(2, n):
                k = s[i]
                if k != 0:
                    s[i] = k - 1
                    break
                if i == n - 1:
                    return total, most
                s[i] = i
                t = p[0]
                for j in range(i + 1):
                    p[j] = p[j + 1]
                p[i + 1] = t


print(fannkuch(8))
