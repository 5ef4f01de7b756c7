#include "common.h"
void hsv(u8 *buf, i32 n, i32 hue, i32 s, i32 v) {
    i32 at = 0;
    for (i32 i = 0; i < n; i++) {
        i32 h = py_mod(hue + py_div(i * 1536, n), 1536);
        i32 f = h & 255;
        i32 p = v * (255 - s) >> 8;
        i32 q = v * (255 - (s * f >> 8)) >> 8;
        i32 t = v * (255 - (s * (255 - f) >> 8)) >> 8;
        i32 sector = h >> 8, r, g, b;
        if (sector == 0) { r = v; g = t; b = p; }
        else if (sector == 1) { r = q; g = v; b = p; }
        else if (sector == 2) { r = p; g = v; b = t; }
        else if (sector == 3) { r = p; g = q; b = v; }
        else if (sector == 4) { r = t; g = p; b = v; }
        else { r = v; g = p; b = q; }
        buf[at] = g;
        buf[at + 1] = r;
        buf[at + 2] = b;
        at += 3;
    }
}
