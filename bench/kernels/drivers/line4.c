#include "common.h"
void line4(u16 *dst, u8 *src, u16 *palette, i32 n) {
    i32 at = 0;
    for (i32 i = 0; i < n; i++) {
        i32 c = src[i];
        dst[at] = palette[c >> 4];
        dst[at + 1] = palette[c & 15];
        at += 2;
    }
}
