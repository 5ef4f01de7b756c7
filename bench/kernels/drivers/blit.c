#include "common.h"
void blit(u16 *frame, u8 *glyphs, i32 columns, i32 stride, u16 *colours) {
    i32 ink = colours[0], paper = colours[1];
    for (i32 x = 0; x < columns; x++) {
        i32 bits = glyphs[x], at = x;
        for (i32 y = 0; y < 8; y++) {
            if (bits & 1) frame[at] = ink; else frame[at] = paper;
            bits >>= 1;
            at += stride;
        }
    }
}
