n = 3
while n:
    n -= 1
    if n == 5:
        break
else:
    print("finished", n)
while True:
    n += 1
    if n == 2:
        continue
    if n > 3:
        break
else:
    print("never")
print(n)
while 0:
    print("never")
else:
    print("zero")


def f():
    while True:
        while True:
            break
        else:
            continue
        return "left"


print(f())
