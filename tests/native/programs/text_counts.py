import micropython


@micropython.native
def words(text):
    found = {}
    for word in text.split():
        word = word.strip(".,").lower()
        found[word] = found.get(word, 0) + 1
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


@micropython.native
def render(rows):
    return "\n".join("%-6s|%3d" % (name, n) for name, n in rows)


print(render(words("The cat saw the dog, the dog saw a bird.")))
print(f"{len('abc')}", "x" * 3 + "y", b"ab"[0], "abc"[1:])
