TEXT = """the core reads the code and the code reads the data
what is read is not what was written when nobody waits"""


def counts(text):
    found = {}
    for word in text.split():
        found[word] = found.get(word, 0) + 1
    return found


def caesar(text, by):
    out = []
    for c in text:
        if "a" <= c <= "z":
            out.append(chr((ord(c) - 97 + by) % 26 + 97))
        else:
            out.append(c)
    return "".join(out)


def lengths(text):
    for line in text.split("\n"):
        yield len(line), line.count(" "), line[-5:]


many = counts(TEXT)
print(sorted((n, word) for word, n in many.items() if n > 1))
print(caesar(TEXT[:40], 13), caesar(caesar("round trip", 5), -5))
print(list(lengths(TEXT)))
print("%5d|%-6s|%x|%.3e" % (42, "ab", 255, 12345.678), "{:>8}{:<4}{:+d}".format("x", "y", 7))
