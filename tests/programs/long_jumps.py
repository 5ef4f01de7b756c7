def f(n):
    total = 0
    for i in range(n):
        if i % 3 == 0:
            total += i * 2 + 1; total ^= 5; total += len("abc") + len("de"); total -= i // 2
            total += i * 2 + 1; total ^= 6; total += len("abc") + len("de"); total -= i // 2
            total += i * 2 + 1; total ^= 7; total += len("abc") + len("de"); total -= i // 2
            total += i * 2 + 1; total ^= 8; total += len("abc") + len("de"); total -= i // 2
            total += i * 2 + 1; total ^= 9; total += len("abc") + len("de"); total -= i // 2
        elif i % 3 == 1:
            total += i * 3 + 1; total ^= 5; total += len("abc") + len("de"); total -= i // 3
            total += i * 3 + 1; total ^= 6; total += len("abc") + len("de"); total -= i // 3
            total += i * 3 + 1; total ^= 7; total += len("abc") + len("de"); total -= i // 3
            total += i * 3 + 1; total ^= 8; total += len("abc") + len("de"); total -= i // 3
        else:
            try:
                total += {0: 1, 1: 2, 2: 3}[i]
            except KeyError:
                total += 1000
            else:
                total += 1
            finally:
                total -= 1
            continue
        if total > 10**9:
            break
    return total


print(f(20))
