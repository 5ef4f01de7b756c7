#include "common.h"
void adpcm(u16 *dst, u8 *src, i32 n, u16 *steps, i32 *state) {
    i32 last = state[0], index = state[1];
    for (i32 i = 0; i < n; i++) {
        i32 c = src[i >> 1];
        if (i & 1) c = c >> 4;
        i32 step = steps[index], d = step >> 3;
        if (c & 4) d += step;
        if (c & 2) d += step >> 1;
        if (c & 1) d += step >> 2;
        if (c & 8) { last -= d; if (last < -32768) last = -32768; }
        else { last += d; if (last > 32767) last = 32767; }
        if (c & 4) { index += ((c & 3) + 1) * 2; if (index > 88) index = 88; }
        else { index -= 1; if (index < 0) index = 0; }
        dst[i] = last;
    }
    state[0] = last;
    state[1] = index;
}
