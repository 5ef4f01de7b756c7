"""A running median filter for noisy sensor readings; runs on any board and on the PC."""


class Median:
    """Median of the last `size` values."""

    def __init__(self, size=5):
        self.size = size
        self.values = []

    def add(self, value):
        self.values.append(value)
        if len(self.values) > self.size:
            self.values.pop(0)
        ordered = sorted(self.values)
        return ordered[len(ordered) // 2]


def smooth(readings, size=3):
    median = Median(size)
    return [median.add(value) for value in readings]


print(smooth([20, 21, 95, 22, 21, -40, 23]))
