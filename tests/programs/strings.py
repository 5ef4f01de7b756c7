print("a\tb\n\\ \x41\101\u0042'", 'single "quotes"', "it's")
print(r"raw\n\x", b"bytes\x00\xff\n", rb"raw\n", br'\t')
print("""triple "quoted"
text""" 'joined' "strings")
print("line \
continued")
print(len("\U0001F600"), "h\u00e9llo", "\0".encode(), b"\'\"")
print("%s %r %d %x %5.1f %c" % ("s", "r", 12, 255, 1.25, "c"), "{:>5}{!r}".format(1, "x"))
print("abc"[1], "abc"[-1], "abcdef"[1:4], "abcdef"[::1])
