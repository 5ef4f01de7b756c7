def t(x):
    print("t", x, end=" ")
    return x


print(t(1) < t(2) < t(3))
print(t(3) < t(2) < t(1))
print(1 < 2 > 1 != 0 == False, 1 in [1] == True, 1 < 3 < 2)
print(not 1 < 2, 1 is 1 is 1, "a" in "abc" not in ["abc"])
x = 5
if 0 < x <= 5 and not x == 4 or x > 100:
    print("yes")
print([y for y in range(10) if 2 <= y < 5])
