a, b = 6, 4
print(a + b, a - b, a * b, a / b, a // b, a % b, a**b, a & b, a | b, a ^ b, a << b, a >> b)
for op in ("+=", "-=", "*=", "//=", "%=", "&=", "|=", "^=", "<<=", ">>=", "**="):
    x = 13
    exec("x %s 3" % op)
    print(op, x, end=" ")
print()
x = [1]
y = x
x += [2]
print(y, x is y, x is not y, x == y, [] is None)


class M:
    def __matmul__(self, other):
        return "matmul"

    def __imatmul__(self, other):
        return "imatmul"


m = M()
print(m @ m)
d = {"k": [1, 2]}
d["k"][1] += 5
print(d)
