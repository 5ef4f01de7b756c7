@micropython.native
def mandelf(width, height, limit):
    total = 0
    for row in range(height):
        ci = row / height * 2.0 - 1.0
        for column in range(width):
            cr = column / width * 3.0 - 2.0
            x = 0.0
            y = 0.0
            n = 0
            while n < limit:
                xx = x * x
                yy = y * y
                if xx + yy > 4.0:
                    break
                y = 2.0 * x * y + ci
                x = xx - yy + cr
                n += 1
            total += n
    return total
