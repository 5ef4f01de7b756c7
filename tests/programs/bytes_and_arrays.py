b = bytearray(b"abc")
b[0] = 65
b += b"\x00\xff"
print(b, bytes(b)[1:3], b"a" + b"b", b"x" * 3, len(b"\\x"), b"abc"[1], list(b"\x01\x02"))
m = memoryview(b)
m[1:3] = b"ZZ"
print(b, b"a" < b"b", b"in" in b"within", b"%s" if False else b"q")
print(int.from_bytes(b"\x01\x02", "little"), b"".join([b"p", b"q"]), b"\x41\102", str(b"t", "utf8"))
