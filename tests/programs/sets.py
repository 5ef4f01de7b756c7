s = {1, 2, 3}
t = {i % 4 for i in range(9)}
print(sorted(s), sorted(s & t), sorted(s | t), sorted(s ^ t), sorted(t - s), 2 in s)
s.add(9)
print(len(s), len({1, 1, 1}), {1} <= s)
print(sorted({"a", "b"}), {(1, 2)} == {(1, 2)}, frozenset((1,)) == {1})
