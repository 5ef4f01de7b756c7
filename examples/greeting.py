def greet(name, *, excited=False):
    mark = "!" if excited else "."
    return f"Hello, {name}{mark}"


print(greet("board", excited=True))
