x = 1


def set_global():
    global x, y
    x = 2
    y = 3


set_global()
print(x, y)


def outer():
    x = "outer"

    def middle():
        def inner():
            nonlocal x
            x = "inner"

        inner()
        return x

    def reads_global():
        global x
        x += 1
        return x

    return middle(), x, reads_global()


print(outer(), x)


def delete():
    global y
    del y


delete()
try:
    y
except NameError:
    print("NameError")
