"""Requirements of the manual for viper code and the inline assembler, executed on a core."""

from __future__ import annotations

import textwrap

import pytest

from tests.emulator.hardware_runs import Start, printed, start

__all__ = ["start"]


@pytest.fixture(autouse=True)
def engine() -> None:
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")


VIPER = [
    ("B17", """
        import micropython
        print(micropython.opt_level(), micropython.opt_level(1), micropython.opt_level())
        exec('assert 0')
        micropython.opt_level(0)
        try:
            exec('assert 0')
        except AssertionError:
            print('asserts')
    """, "0 None 1\nasserts"),
    ("B24", """
        @micropython.viper
        def f(a: int, b: int) -> int:
            return a * b + 1
        print(f(0x10000, 0x10000), f(0x7fffffff, 1), f(0x12345, 0x54321))
    """, "1 -2147483648 -54945050"),
    ("B29", """
        @micropython.viper
        def f(a, b):
            return a * b + 0.5
        print(f(1.5, 3))
    """, "5.0"),
    ("B30 B37", """
        @micropython.viper
        def f(buffer) -> uint:
            p = ptr(buffer)
            return uint(ptr8(p)[1]) + (uint(ptr16(buffer)[1]) << 8)
        print(hex(f(bytes([1, 2, 3, 4]))))
    """, "0x40302"),
    ("B36 B38", """
        @micropython.viper
        def f(x):
            n = int(x)
            u = uint(x)
            return n + 1, u >> 28
        print(f(-2), f(5), f(True))
    """, "(-1, 15) (6, 0) (2, 0)"),
    ("B39", """
        @micropython.viper
        def f(x) -> bool:
            return bool(x)
        @micropython.viper
        def g(x: int) -> bool:
            return x > 3
        print(f(0), f(7), f(True), g(3), g(4))
    """, "False True True False True"),
]

ASM = [
    ("B46 B53 B54", """
        @micropython.asm_thumb
        def add(r0, r1, r2):
            add(r0, r0, r1)
            add(r0, 7)
            add(r2, r2, 3)
            add(r0, r0, r2)
        @micropython.asm_thumb
        def sub(r0, r1):
            sub(r0, r0, r1)
            sub(r0, 1)
            sub(r0, r0, 2)
        @micropython.asm_thumb
        def wide(r0, r1, r2, r3):
            add(r0, r0, r2)
            adc(r1, r3)
            mov(r0, r1)
        @micropython.asm_thumb
        def borrow(r0, r1, r2, r3):
            sub(r0, r0, r2)
            sbc(r1, r3)
            mov(r0, r1)
        print(add(1, 2, 3), sub(10, 4), wide(0xffffffff, 1, 1, 2), borrow(0, 5, 1, 2))
    """, "16 3 4 2"),
    ("B46", """
        @micropython.asm_thumb
        def high(r0):
            mov(r8, r0)
            mov(r12, r8)
            mov(r1, r12)
            add(r0, r0, r1)
            mov(r2, sp)
            push({r0})
            pop({r3})
            add(r0, r0, r3)
        print(high(10))
    """, "40"),
    ("B49 B78", """
        from array import array
        @micropython.asm_thumb
        def store(r0, r1):
            str(r1, [r0, 4])
            strb(r1, [r0, 1])
            strh(r1, [r0, 2])
        a = array('I', [0, 0])
        store(a, -2)
        print([hex(x & 0xffffffff) for x in a])
    """, "['0xfffefe00', '0xfffffffe']"),
    ("B50", """
        @micropython.asm_thumb
        def logic(r0, r1, r2):
            mov(r3, r0)
            and_(r3, r1)
            mov(r4, r0)
            orr(r4, r1)
            mov(r5, r0)
            eor(r5, r1)
            mov(r6, r0)
            bic(r6, r1)
            mvn(r7, r0)
            str(r3, [r2, 0])
            str(r4, [r2, 4])
            str(r5, [r2, 8])
            str(r6, [r2, 12])
            str(r7, [r2, 16])
        from array import array
        a = array('i', [0] * 5)
        logic(0b1100, 0b1010, a)
        print(list(a))
    """, "[8, 14, 6, 4, -13]"),
    ("B51", """
        @micropython.asm_thumb
        def left(r0, r1):
            lsl(r0, r1)
        @micropython.asm_thumb
        def right(r0, r1):
            lsr(r0, r1)
        @micropython.asm_thumb
        def signed(r0, r1):
            asr(r0, r1)
        @micropython.asm_thumb
        def turn(r0, r1):
            ror(r0, r1)
        print(left(3, 4), right(-1, 28), signed(-256, 4), turn(1, 4), left(1, 32), turn(5, 32))
    """, "48 15 -16 268435456 0 5"),
    ("B52", """
        @micropython.asm_thumb
        def zeros(r0):
            clz(r0, r0)
        @micropython.asm_thumb
        def mirror(r0):
            rbit(r0, r0)
        print(zeros(1), zeros(0), zeros(-1), mirror(2), hex(mirror(0xf0)))
    """, "31 32 0 1073741824 0xf000000"),
    ("B55 B56", """
        @micropython.asm_thumb
        def minus(r0):
            neg(r0, r0)
        @micropython.asm_thumb
        def times(r0, r1):
            mul(r0, r1)
        @micropython.asm_thumb
        def by(r0, r1):
            sdiv(r0, r0, r1)
        @micropython.asm_thumb
        def unsigned(r0, r1):
            udiv(r0, r0, r1)
        print(minus(5), times(70000, 70000), by(-7, 2), unsigned(7, 2), by(1, 0))
    """, "-5 605032704 -3 3 0"),
    ("B57 B58 B59", """
        @micropython.asm_thumb
        def larger(r0, r1):
            cmp(r0, r1)
            ite(gt)
            mov(r0, 1)
            mov(r0, 0)
        @micropython.asm_thumb
        def same(r0, r1):
            cmp(r0, r1)
            itete(eq)
            mov(r0, 1)
            mov(r0, 2)
            add(r0, r0, 4)
            add(r0, r0, 5)
        @micropython.asm_thumb
        def below(r0, r1):
            cmp(r0, r1)
            mov(r0, 0)
            it(cc)
            mov(r0, 1)
        @micropython.asm_thumb
        def bits(r0, r1):
            tst(r0, r1)
            ite(ne)
            mov(r0, 1)
            mov(r0, 0)
        print(larger(3, 2), larger(-3, 2), same(4, 4), same(4, 5), below(1, -1), bits(6, 2),
              bits(4, 2))
    """, "1 0 5 7 1 1 0"),
    ("B61", """
        @micropython.asm_thumb
        def far(r0):
            cmp(r0, 0)
            beq_w(end)
            align(4)
            data(4, *N)
            label(end)
            mov(r0, 5)
        print(far(0))
    """.replace("*N", ", ".join(["0"] * 600)), "5"),
    ("B64", """
        @micropython.asm_thumb
        def masked(r0):
            nop()
            cpsid(i)
            mrs(r0, BASEPRI)
            mrs(r1, IPSR)
            cpsie(i)
            add(r0, r0, r1)
        print(masked(9))
    """, "0"),
    ("B66 B68 B69", """
        from array import array
        @micropython.asm_thumb
        def floats(r0):
            vldr(s0, [r0, 0])
            vldr(s1, [r0, 4])
            vadd(s2, s0, s1)
            vstr(s2, [r0, 8])
            vcvt_s32_f32(s3, s2)
            vmov(r1, s3)
            vcmp(s0, s1)
            vmrs(APSR_nzcv, FPSCR)
            ite(mi)
            mov(r0, 100)
            mov(r0, 200)
            add(r0, r0, r1)
        @micropython.asm_thumb
        def convert(r0, r1):
            vmov(s0, r1)
            vcvt_f32_s32(s1, s0)
            vstr(s1, [r0, 0])
        a = array('f', [1.5, 2.75, 0])
        print(floats(a), a[2])
        convert(a, -7)
        print(a[0])
    """, "104 4.25\n-7.0"),
    ("B72", """
        @micropython.asm_thumb
        def aligned(r0):
            b(over)
            data(1, 1)
            align(4)
            label(there)
            data(4, 1234)
            label(over)
            mov(r0, pc)
            lsl(r1, r0, 30)
            mov(r0, 7)
        print(aligned(0))
    """, "7"),
]


def check(start: Start, board: str, source: str, lines: str) -> None:
    assert printed(start(board), textwrap.dedent(source).lstrip("\n")) == lines.split("\n")


def cases(rows: list[tuple[str, str, str]]) -> list[object]:
    return [pytest.param(source, lines, id=ids, marks=pytest.mark.spec(*ids.split()))
            for ids, source, lines in rows]


@pytest.mark.parametrize("board", ["pyboard", "pico"])
@pytest.mark.parametrize(("source", "lines"), cases(VIPER))
def test_viper(source: str, lines: str, board: str, start: Start) -> None:
    check(start, board, source, lines)


@pytest.mark.parametrize(("source", "lines"), cases(ASM))
def test_assembler(source: str, lines: str, start: Start) -> None:
    check(start, "pyboard", source, lines)
