@micropython.asm_thumb
def choose(r0, r1, r2):
    cmp(r0, 0)
    blt(negative)
    mov(r0, r1)
    b(end)
    label(negative)
    mov(r0, r2)
    label(end)


@micropython.asm_thumb
def saved(r0, r1):
    push({r4, r5, r6})
    mov(r4, r0)
    mov(r5, r1)
    mul(r4, r5)
    mov(r6, r4)
    add(r0, r6, r5)
    pop({r4, r5, r6})


print(choose(-3, 10, 20), choose(0, 10, 20), saved(6, 7))
print([saved(a, b) for a in (-9, 0, 12345) for b in (-1, 2)])
