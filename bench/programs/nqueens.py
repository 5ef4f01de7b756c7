"""Recursion, generators and lists: the queens on a board."""


def free(columns, row, column):
    for r in range(row):
        c = columns[r]
        if c == column or abs(c - column) == row - r:
            return False
    return True


def solve(columns, row, n):
    if row == n:
        return 1
    count = 0
    for column in range(n):
        if free(columns, row, column):
            columns[row] = column
            count += solve(columns, row + 1, n)
    return count


print(solve([0] * 9, 0, 9))
