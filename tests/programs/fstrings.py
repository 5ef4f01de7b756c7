name, n, pi = "board", 7, 3.14159
print(f"{name}: {n}")
print(f"{n:04d}|{pi:.2f}|{name!r}|{name!s:>8}|{n + 1}")
print(f"{{literal}} {n}" f" joined {name}" " plain")
print(f"{[1, 2][0]} {name.upper()} {len(name)}")
print(f"{n} {n + 1 }", f"{ {1: 2}[1] }")
print(f"""multi
{n}""")
print(f"{n:>4}|{n!r}")
