def f(kind):
    out = []
    for i in range(3):
        try:
            for j in range(3):
                try:
                    if kind == "continue" and j == 1:
                        continue
                    if kind == "break" and j == 1:
                        break
                    if kind == "return" and i == 1:
                        return out
                    if kind == "raise" and i == 2:
                        raise ValueError(kind)
                    out.append((i, j))
                finally:
                    out.append("inner")
        except ValueError as e:
            out.append(str(e))
        finally:
            out.append("outer")
    return out


for kind in ("plain", "continue", "break", "return", "raise"):
    print(kind, f(kind))
