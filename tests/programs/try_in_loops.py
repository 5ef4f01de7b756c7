def f():
    out = []
    for i in range(6):
        try:
            if i == 1:
                continue
            try:
                if i == 2:
                    raise ValueError(i)
                if i == 3:
                    raise KeyError(i)
                if i == 4:
                    break
            except ValueError as e:
                out.append(("v", e.args[0]))
                continue
            finally:
                out.append(("f", i))
        except KeyError:
            out.append("k")
        else:
            out.append("else %d" % i)
        out.append(i)
    return out


print(f())


def g(n):
    while n:
        n -= 1
        try:
            while True:
                try:
                    if n % 2:
                        break
                    return n
                except Exception:
                    pass
                finally:
                    print("in", n)
        finally:
            print("out", n)


print(g(4))
