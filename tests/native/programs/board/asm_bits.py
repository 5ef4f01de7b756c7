@micropython.asm_thumb
def count(r0):
    mov(r1, 0)
    label(again)
    cmp(r0, 0)
    beq(out)
    mov(r2, r0)
    sub(r2, 1)
    and_(r0, r2)
    add(r1, 1)
    b(again)
    label(out)
    mov(r0, r1)


@micropython.asm_thumb
def mix(r0, r1):
    mov(r2, 3)
    lsl(r0, r2)
    mov(r3, r1)
    eor(r0, r3)
    mvn(r1, r0)
    orr(r0, r2)
    asr(r1, r2)
    add(r0, r0, r1)


for n in (0, 1, 3, 255, 0x1234567, 0x3FFFFFFF):
    print(n, count(n), mix(n, 77), mix(77, n))
