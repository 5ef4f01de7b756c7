def step(cells):
    around = {}
    for x, y in cells:
        for dx in (-1, 0, 1):
            for dy in (-1, 0, 1):
                if dx or dy:
                    key = x + dx, y + dy
                    around[key] = around.get(key, 0) + 1
    return {key for key, n in around.items() if n == 3 or n == 2 and key in cells}


def shown(cells, width, height):
    return "\n".join(
        "".join("#" if (x, y) in cells else "." for x in range(width)) for y in range(height)
    )


cells = {(1, 0), (2, 1), (0, 2), (1, 2), (2, 2), (7, 3), (7, 4), (7, 5)}
for _ in range(6):
    cells = step(cells)
print(shown(cells, 10, 8))
