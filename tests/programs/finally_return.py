def override():
    try:
        return "try"
    finally:
        return "finally"


def order():
    for x in (1, 2):
        try:
            return print("body", x)
        finally:
            print("clean", x)


def swallow():
    while True:
        try:
            raise KeyError("lost")
        finally:
            break
    return "swallowed"


def nested():
    try:
        try:
            1 // 0
        finally:
            print("one")
    except ZeroDivisionError:
        print("two")
    else:
        print("not here")
    finally:
        print("three")


print(override(), order(), swallow(), nested())
