class Base:
    kind = "base"

    def __init__(self, n):
        self.n = n

    def show(self):
        return "%s %d" % (self.kind, self.n)

    @classmethod
    def make(cls):
        return cls(5)

    @staticmethod
    def helper(x):
        return x * 2

    @property
    def twice(self):
        return self.helper(self.n)


class Child(Base):
    kind = "child"

    def show(self):
        return "<" + super().show() + ">"

    def __repr__(self):
        return "Child(%r)" % self.n

    def __eq__(self, other):
        return self.n == other.n

    def __add__(self, other):
        return Child(self.n + other.n)

    def __getitem__(self, key):
        return key

    def __len__(self):
        return self.n

    def __contains__(self, x):
        return x == self.n

    def __call__(self, *args):
        return args


c = Child.make()
print(c.show(), Base(1).show(), c.twice, c + c, c == Child(5), len(c), 5 in c, 6 not in c, c(1, 2))
print(c[1], c[1:2], c[1, 2], c["a":"b":"c"], isinstance(c, Base), issubclass(Base, Child))
