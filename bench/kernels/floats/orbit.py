@micropython.native
def orbit(x, y, vx, vy, dt, steps):
    for i in range(steps):
        r = x * x + y * y
        k = dt / (r * (0.5 + r * 0.5))
        vx -= x * k
        vy -= y * k
        x += vx * dt
        y += vy * dt
    return x, y
