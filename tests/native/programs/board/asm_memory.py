import array


@micropython.asm_thumb
def fill(r0, r1, r2):
    label(loop)
    strh(r2, [r0, 0])
    ldrh(r3, [r0, 0])
    add(r2, r2, r3)
    add(r0, 2)
    sub(r1, 1)
    bne(loop)
    mov(r0, r2)


@micropython.asm_thumb
def word(r0) -> uint:
    ldr(r1, [r0, 4])
    mov(r0, r1)


halves = array.array("H", bytes(20))
print(fill(halves, 10, 3), halves)
print(word(array.array("I", (1, 0xFEDC1234, 3))))
