x = list(range(10))
print(x[2:5], x[:3], x[7:], x[:], x[::3], x[1:8:2], x[-3:], x[:-3])
x[2:4] = ["a"]
print(x)
del x[0], x[1:3]
print(x)
x[:0] = [9, 9]
print(x)
print("hello"[1:-1], b"bytes"[1:3], (1, 2, 3)[:2], x[len(x) // 2 :])


class S:
    def __getitem__(self, i):
        return i

    def __setitem__(self, i, v):
        print("set", i, v)

    def __delitem__(self, i):
        print("del", i)


s = S()
print(s[1], s[1:2], s[1, 2:3], s[::], s[:, 1], s[...])
s[1:2] = 3
s["k"] += "v"
del s[0:1], s["x"]
