import micropython


@micropython.native
def divide(a, b):
    try:
        return a // b
    except ZeroDivisionError as error:
        return type(error).__name__
    finally:
        print("divided", a, b)


@micropython.viper
def guarded(f, x: int) -> int:
    try:
        f(x)
    except ValueError:
        return 1
    except OSError:
        return 2
    return 0


def fails(x):
    if x == 1:
        raise ValueError(x)
    if x == 2:
        raise OSError(x)


print(divide(7, 2), divide(1, 0))
print([guarded(fails, x) for x in range(3)])
