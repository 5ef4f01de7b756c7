#include "common.h"
void mix16(u16 *dst, u16 *a, u16 *b, i32 n, i32 volumes) {
    i32 va = volumes >> 8, vb = volumes & 255;
    for (i32 i = 0; i < n; i++) {
        i32 x = (a[i] ^ 0x8000) - 0x8000;
        i32 y = (b[i] ^ 0x8000) - 0x8000;
        i32 s = (x * va + y * vb) >> 8;
        if (s > 32767) s = 32767; else if (s < -32768) s = -32768;
        dst[i] = s;
    }
}
