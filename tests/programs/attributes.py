class N:
    pass


n = N()
n.a = N()
n.a.b = [N()]
n.a.b[0].c = 5
n.a.b[0].c += 1
n.a.b[0].c **= 2
print(n.a.b[0].c)
n.x = n.y = 3
n.x, n.a.z = n.y + 1, 2
print(n.x, n.a.z, getattr(n, "nope", "default"))
setattr(n, "q", 1)
print(n.q, "aXbXc".upper().lower().split("x"))
print("a,b".split(","), "-".join(["x", "y"]), [3, 1].sort(), (5).to_bytes(2, "big"))
