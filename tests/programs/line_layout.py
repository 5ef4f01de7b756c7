x = (1 +
     2 +

     # a comment in between
     3)
y = [
    1,
    2,
]
if x: y.append(3)
def f(a,
      b=2,
      *c): return a, b, \
    c
print(x, y, f(1),
      f(1, 2, 3)
      )
if (x == 6
        and y):
	print("tab indent")
	if y:
	        print("deeper")
z = {
    "a": 1, "b": (2,
                  3),
}; print(z["b"]); w = 4
print(w)
