import array

import micropython  # noqa: F401


@micropython.asm_thumb
def total(r0, r1):
    mov(r2, 0)
    label(loop)
    cmp(r1, 0)
    beq(done)
    ldr(r3, [r0, 0])
    add(r2, r2, r3)
    add(r0, 4)
    sub(r1, 1)
    b(loop)
    label(done)
    mov(r0, r2)


@micropython.asm_thumb
def swap_bytes(r0, r1):
    label(loop)
    ldrb(r2, [r0, 0])
    ldrb(r3, [r0, 1])
    strb(r3, [r0, 0])
    strb(r2, [r0, 1])
    add(r0, 2)
    sub(r1, 2)
    bgt(loop)


numbers = array.array("i", range(-5, 40, 3))
print(total(numbers, len(numbers)), total(numbers, 0), total(numbers, 1))
text = bytearray(b"abcdefgh")
swap_bytes(text, len(text))
print(text)
