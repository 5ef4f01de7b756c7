"""Objects with attributes and methods, in the manner of pystone."""


class Record:
    def __init__(self, next=None, kind=0, number=0, name=""):
        self.next = next
        self.kind = kind
        self.number = number
        self.name = name

    def copy(self):
        return Record(self.next, self.kind, self.number, self.name)

    def advance(self, step):
        self.number += step
        if self.number > 100:
            self.number -= 100
        return self.number


def pass_one(record):
    follower = record.next.copy()
    record.number = 5
    follower.number = record.number
    follower.next = record.next
    if follower.kind == 0:
        follower.number = 6
        follower.kind = pass_two(record.kind)
        follower.number = pass_three(follower.number, 10)
    else:
        follower = record.copy()
    follower.next = None
    return follower


def pass_two(kind):
    return 1 if kind == 2 else kind + 1


def pass_three(a, b):
    return b + a + 2


def main(n):
    last = Record(None, 0, 3, "last")
    first = Record(last, 2, 40, "first")
    total = 0
    for i in range(n):
        record = pass_one(first)
        total += record.number + first.advance(i & 7)
    return total


print(main(12000))
