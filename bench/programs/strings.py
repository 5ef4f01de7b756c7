"""Text: formatting, splitting, joining."""


def main(n):
    total = 0
    for i in range(n):
        line = "%d,%s,%x" % (i, "abc" * (i & 3), i * 7)
        parts = line.split(",")
        total += len("-".join(parts)) + line.find("a")
        if parts[0].endswith("9"):
            total += int(parts[0])
    return total


print(main(12000))
