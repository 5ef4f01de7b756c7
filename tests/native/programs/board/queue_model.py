class Full(Exception):
    pass


class Ring:
    def __init__(self, size):
        self._items = [None] * size
        self._start = self._used = 0

    def __len__(self):
        return self._used

    def __iter__(self):
        for k in range(self._used):
            yield self._items[(self._start + k) % len(self._items)]

    def put(self, item):
        if self._used == len(self._items):
            raise Full(item)
        self._items[(self._start + self._used) % len(self._items)] = item
        self._used += 1

    def get(self):
        item = self._items[self._start]
        self._start = (self._start + 1) % len(self._items)
        self._used -= 1
        return item


ring, log, seed = Ring(5), [], 7
for step in range(60):
    seed = seed * 75 % 65537
    if seed & 1 or not ring:
        try:
            ring.put(seed)
        except Full as full:
            log.append(-full.args[0])
    else:
        log.append(ring.get())
print(log, list(ring), len(ring), bool(ring))
