"""Words counted in a dictionary, and sets."""


def main(n):
    counts = {}
    seen = set()
    state = 7
    for i in range(n):
        state = (state * 1103 + 12345) & 0x7FFF
        key = state % 701
        counts[key] = counts.get(key, 0) + 1
        if key not in seen:
            seen.add(key)
    best = 0
    for key, count in counts.items():
        if count > best:
            best = count
    return len(counts), len(seen), best


print(main(80000))
