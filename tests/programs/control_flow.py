def grade(n):
    if n >= 90:
        return "A"
    elif n >= 80:
        return "B"
    elif n >= 70:
        pass
    else:
        return "F"
    return "C"


print([grade(n) for n in (95, 85, 75, 10)])


def early(n):
    if n:
        return
    print("not returned")


early(1), early(0)


def primes(n):
    out = []
    for c in range(2, n):
        for p in out:
            if c % p == 0:
                break
        else:
            out.append(c)
    return out


print(primes(40))
if True: print("one"); print("line")
for i in 1, 2: print(i); continue
while True: break
pass; pass
