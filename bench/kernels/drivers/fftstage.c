#include "common.h"
void fftstage(i32 *re, i32 *im, i32 *w, i32 n, i32 half) {
    i32 base = 0;
    while (base < n) {
        for (i32 k = 0; k < half; k++) {
            i32 c = w[2 * k], s = w[2 * k + 1], i = base + k, j = i + half;
            i32 xr = (re[j] * c - im[j] * s) >> 14;
            i32 xi = (re[j] * s + im[j] * c) >> 14;
            i32 yr = re[i], yi = im[i];
            re[j] = (yr - xr) >> 1;
            im[j] = (yi - xi) >> 1;
            re[i] = (yr + xr) >> 1;
            im[i] = (yi + xi) >> 1;
        }
        base += 2 * half;
    }
}
