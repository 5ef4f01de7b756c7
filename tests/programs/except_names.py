def f():
    e = "before"
    try:
        raise ValueError("x")
    except ValueError as e:
        inner = [lambda: e][0]
        print(repr(e))
    try:
        return e
    except NameError:
        return "deleted"


print(f())
for kind in (OSError, ValueError, StopIteration):
    try:
        raise kind(1, 2)
    except OSError as o:
        print("os", o.errno)
    except (ValueError, TypeError) as v:
        print("value", v.args)
    except:
        print("bare")
try:
    try:
        raise KeyError
    except ValueError:
        print("no")
except Exception as top:
    print(type(top).__name__)
try:
    top
except NameError:
    print("top deleted")
