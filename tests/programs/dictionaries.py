d = {}
d["a"] = 1
e = {"x": 1, 2: "two", (3, 4): [5], None: None}
print(d, len(e), e[2], e[3, 4], e[None])
d.update(b=2)
print(sorted(d.items()), d.get("z", 0), d.pop("a"), "b" in d)
n = {"in": {"ner": {"most": 1}}}
n["in"]["ner"]["most"] += 41
print(n["in"]["ner"]["most"])
print({i: {j: i * j for j in range(2)} for i in range(2)})
f = {"k": lambda x: x * 2}
print(f["k"](4))
print(dict(a=1, **{"b": 2}) == {"a": 1, "b": 2})
