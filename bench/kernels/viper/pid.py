# st: 0 kp, 1 ki, 2 kd, 3 integral, 4 previous error, 5 out min, 6 out max, 7 setpoint
# p[const] is read into a local first: 1.17 miscompiles `local - p[const]`.
@micropython.viper
def pid(st: ptr32, x: ptr32, y: ptr32, n: int):
    for i in range(n):
        e = st[7] - x[i]
        g = st[3] + e
        if g > 20000:
            g = 20000
        elif g < -20000:
            g = -20000
        st[3] = g
        q = st[4]
        d = e - q
        st[4] = e
        u = (st[0] * e + st[1] * g + st[2] * d) >> 8
        lo = st[5]
        hi = st[6]
        if u > hi:
            u = hi
        elif u < lo:
            u = lo
        y[i] = u
