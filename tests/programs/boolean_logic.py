def t(v):
    print("t", v, end="; ")
    return v


print(t(0) or t(2) or t(3), t(1) and t(0) and t(3))
print(t(0) and t(1) or t(2), not t(0), not (t(1) and t(0)))
print(1 if t(0) else 2 if t(1) else 3)
x = None or [] or "" or 0 or "end"
print(x)
if not (x == "a" or x == "b") and (x or 0):
    print("ok")
while t(0) or False:
    print("never")
print((lambda: 1 and 2 or 3)(), True and not False)
if 0:
    print("no")
elif "" or None:
    print("no")
else:
    print("else")
