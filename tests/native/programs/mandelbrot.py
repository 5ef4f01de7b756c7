import micropython


@micropython.viper
def escape(re: int, im: int) -> int:
    x = 0
    y = 0
    for n in range(50):
        xx = x * x >> 12
        yy = y * y >> 12
        if xx + yy > 4 << 12:
            return n
        y = (x * y >> 11) + im
        x = xx - yy + re
    return 50


for row in range(-8, 9, 2):
    print("".join(" .:-=+*#%@"[escape(column * 250, row * 600) // 6] for column in range(-36, 12)))
