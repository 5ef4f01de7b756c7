/* For all kernels: names of fixed width, and Python's division.  Viper's int wraps: -fwrapv. */
#include <stdint.h>
typedef int32_t i32;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

static inline i32 py_mod(i32 a, i32 b) {
    i32 r = a % b;
    return r != 0 && (r ^ b) < 0 ? r + b : r;
}

static inline i32 py_div(i32 a, i32 b) {
    i32 q = a / b;
    return a % b != 0 && (a ^ b) < 0 ? q - 1 : q;
}
