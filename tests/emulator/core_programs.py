"""Programs for Cortex-M cores, put together with the project's own assembler."""

from __future__ import annotations

import struct
from typing import Final, final

from mpy_cross.assembler.code import Code
from mpy_cross.assembler.thumb import TABLE
from mpy_cross.assembler.thumb_it import it_block

RAM: Final = 0x2000_0000
STACK: Final = RAM + 0x3F00
LOG: Final = RAM + 0x100  # a word that points behind the text, then the text
TICKS: Final = RAM + 0x40
RESULTS: Final = RAM + 0x200
TASKS: Final = RAM + 0x300  # stack pointers of two tasks, and which one runs
TASK_STACKS: Final = RAM + 0x2000, RAM + 0x3000  # their ends
DONE: Final = RAM + 0x320

LR, PC = 1 << 14, 1 << 15  # in lists of push and pop
EQ, NE, CS, CC, LS = 0, 1, 2, 3, 9

ISER, ICER, ISPR, ICPR, IPR = 0xE000E100, 0xE000E180, 0xE000E200, 0xE000E280, 0xE000E400
ICSR, SHPR2, SHPR3, CPACR = 0xE000ED04, 0xE000ED1C, 0xE000ED20, 0xE000ED88
SYSTICK: Final = 0xE000E010
PEND_SV_SET: Final = 1 << 28

MSP, PSP, PRIMASK, BASEPRI, CONTROL = 8, 9, 16, 17, 20
_WRITE_MASK: Final = 0x200  # what MSR wants beside the number


@final
class Program:
    """Code from an address on; `p("adds_imm8", 0, 1)` adds one instruction."""

    def __init__(self, origin: int) -> None:
        self.code = Code(origin)
        self._labels: dict[str, int] = {}

    def __call__(self, row: str, *values: int, **named: int) -> None:
        self.code.raw(TABLE[row].encode(*values, **named))

    def label(self, name: str) -> int:
        if name not in self._labels:
            self._labels[name] = self.code.label(name)
        return self._labels[name]

    def here(self, name: str) -> None:
        self.code.bind(self.label(name))

    def to(self, rows: str, name: str, *values: int) -> None:
        """An instruction with a label: the first of the rows that reaches."""
        self.code.branch([TABLE[row] for row in rows.split()], self.label(name), *values)

    def if_(self, condition: int, name: str) -> None:
        self.to("b_cond", name, condition)

    def const(self, register: int, value: int) -> None:
        self.code.branch([TABLE["ldr_lit"]], self.code.literal(value), register)

    def store(self, address: int, value: int, byte: bool = False) -> None:
        """Puts a constant into memory or a device register; changes r2 and r3."""
        self.const(2, address)
        self.const(3, value)
        self("strb_imm5" if byte else "str_imm5", 3, 2, 0)

    def pend(self, bits: int) -> None:
        self.store(ISPR, bits)
        self.barrier()

    def barrier(self) -> None:
        self("dsb", 15)
        self("isb", 15)

    def msr(self, special: int, register: int) -> None:
        self("msr", _WRITE_MASK | special, register)

    def log(self, text: str) -> None:
        for letter in text:
            self("movs_imm8", 0, ord(letter))
            self.to("bl", "log")

    def it(self, pattern: str, condition: int) -> None:
        self("it", it_block(pattern, condition))

    def pool(self) -> None:
        self.code.pool()

    def pool_over(self) -> None:
        """A pool in the middle of code."""
        over = self.code.label()
        self.code.branch([TABLE["b"]], over)
        self.code.pool()
        self.code.align(2)
        self.code.bind(over)

    def log_word(self, address: int) -> None:
        self.const(0, address)
        self("ldr_imm5", 0, 0, 0)
        self.to("bl", "log word")

    def finish(self) -> bytes:
        self.code.pool()
        return self.code.finish()

    def address(self, name: str) -> int:
        """After `finish`: where a label stands, as a function address."""
        return self.code.address(self.label(name)) | 1


def log_routine(p: Program) -> None:
    """log: adds the letter in r0 to the text; changes r2 and r3."""
    p.here("log")
    p.const(2, LOG)
    p("ldr_imm5", 3, 2, 0)
    p("strb_imm5", 0, 3, 0)
    p("adds_imm8", 3, 1)
    p("str_imm5", 3, 2, 0)
    p("bx", 14)
    p.pool()
    p.here("log word")  # adds the eight digits of r0
    p("push", LR | 0x30)
    p("movs_reg", 4, 0)
    p("movs_imm8", 5, 8)
    p.here("digit")
    p("lsrs_imm", 0, 4, 28)
    p("lsls_imm", 4, 4, 4)
    p("adds_imm8", 0, ord("0"))
    p("cmp_imm8", 0, ord("9"))
    p.if_(LS, "decimal")
    p("adds_imm8", 0, ord("a") - ord("9") - 1)
    p.here("decimal")
    p.to("bl", "log")
    p("subs_imm8", 5, 1)
    p.if_(NE, "digit")
    p("pop", PC | 0x30)


def handlers(p: Program, v7: bool, floats: bool) -> None:
    """SVC doubles its first argument; interrupt 0 pends 1, which comes before it; 1 pends 2, which
    comes after it; 2 pends PendSV, which is last."""
    p.here("svc")
    p("mrs", 2, PSP)
    p("mov_any", 3, 14)
    p("movs_imm8", 1, 4)
    p("tst_reg2", 3, 1)
    p.if_(NE, "svc on psp")
    p("mrs", 2, MSP)
    p.here("svc on psp")
    p("ldr_imm5", 0, 2, 0)
    p("adds_reg", 0, 0, 0)
    p("str_imm5", 0, 2, 0)
    p("bx", 14)
    for number, letters, address, value in (
            (0, "aA", ISPR, 2), (1, "bB", ISPR, 4), (2, "cC", ICSR, PEND_SV_SET)):
        p.here(f"irq{number}")
        p("push", LR)
        p.log(letters[0])
        p.store(address, value)
        p.barrier()
        p.log(letters[1])
        p("pop", PC)
    p.pool()
    p.here("systick")
    p.const(0, TICKS)
    p("ldr_imm5", 1, 0, 0)
    p("adds_imm8", 1, 1)
    p("str_imm5", 1, 0, 0)
    p.const(1, TASKS)
    p("ldr_imm5", 1, 1, 12)  # are there tasks?
    p("cmp_imm8", 1, 0)
    p.if_(EQ, "no tasks")
    p.store(ICSR, PEND_SV_SET)
    p.here("no tasks")
    p("bx", 14)
    p.here("pendsv")
    p.const(1, TASKS)
    p("ldr_imm5", 0, 1, 12)
    p("cmp_imm8", 0, 0)
    p.if_(NE, "switch")
    p("push", LR)
    p.log("p")
    p("pop", PC)
    p.pool()
    p.here("switch")
    if v7:
        p("mrs", 0, PSP)
        if floats:
            p("tst.w_imm", 14, 0x10)
            p.it("", EQ)
            p("vstmdb_32wb", 0, 0xFFFF_0000)
        p("stmdb_wb", 0, 0x4FF0)  # r4 to r11 and lr
        p("ldr_imm5", 2, 1, 8)  # which task
        p("lsls_imm", 3, 2, 2)
        p("str_reg", 0, 1, 3)
        p("movs_imm8", 3, 1)
        p("eors_reg2", 2, 3)
        p("str_imm5", 2, 1, 8)
        p("lsls_imm", 3, 2, 2)
        p("ldr_reg", 0, 1, 3)
        p("ldmia.w_wb", 0, 0x4FF0)
        if floats:
            p("tst.w_imm", 14, 0x10)
            p.it("", EQ)
            p("vldmia_32wb", 0, 0xFFFF_0000)
        p.msr(PSP, 0)
    p("bx", 14)
    p.pool()


def masks(p: Program, v7: bool) -> None:
    """Interrupts by their priorities, and held back in all the ways there are."""
    p.store(IPR, 0x0080_2060)  # interrupt 0: 0x60, 1: 0x20, 2: 0x80
    p.store(SHPR3, 0x40F0_0000)  # SysTick 0x40, PendSV 0xF0
    p.store(ISER, 7)
    p.pend(1)
    p.log(" m")
    p("cpsid", 2)
    p.pend(1)
    p.log("1")
    p("cpsie", 2)
    p.log("2 d")
    p.pool_over()
    p.store(ICER, 1)
    p.pend(1)
    p.log("1")
    p.store(ISER, 1)
    p.barrier()
    p.log("2 k")
    p("cpsid", 2)
    p.pend(1)
    p.store(ICPR, 1)
    p("cpsie", 2)
    p.log(". s")
    p.pool_over()
    p("movs_imm8", 0, 21)
    p("svc", 1)
    p.const(1, RESULTS)
    p("str_imm5", 0, 1, 0)
    if v7:
        p.log(" b")
        p("movs_imm8", 0, 0x60)
        p.msr(BASEPRI, 0)
        p.pend(1)
        p.log("1")
        p.pend(2)
        p.log("2")
        p("movs_imm8", 0, 0)
        p.msr(BASEPRI, 0)
        p.log("3")
        p.pool_over()


MASKS_V6: Final = "abBAcCp m1abBAcCp2 d1abBAcCp2 k. s"
MASKS_V7: Final = f"{MASKS_V6} b1bB2abBAcCp3"
"""By the priorities: 0 pends 1, which preempts it (abBA); 2 and then PendSV follow (cCp).  BASEPRI
0x60 holds 0 and 2 back, but not 1, which pends 2; without it 0 goes first."""

LOOPS: Final = 20_000


LOOP_SUM: Final = sum(1 if i & 0xFF < 0x80 else 3 for i in range(1, LOOPS + 1))


def ticking(p: Program, v7: bool) -> None:
    """A loop with flags, and with IT blocks where there are any, under a SysTick of 97 cycles."""
    p.store(SYSTICK + 4, 96)
    p.store(SYSTICK + 8, 0)
    p.store(SYSTICK, 7)
    p.const(4, LOOPS)
    p("movs_imm8", 5, 0)
    p.here("loop")
    p("movs_imm8", 1, 0xFF)
    p("ands_reg2", 1, 4)
    p("cmp_imm8", 1, 0x80)
    if v7:
        p.it("e", CC)
        p("adds_imm8", 5, 1)
        p("adds_imm8", 5, 3)
    else:
        p.if_(CS, "three")
        p("adds_imm8", 5, 1)
        p.to("b", "counted")
        p.here("three")
        p("adds_imm8", 5, 3)
        p.here("counted")
    p("subs_imm8", 4, 1)
    p.if_(NE, "loop")
    p.const(1, RESULTS)
    p("str_imm5", 5, 1, 4)
    p.const(1, TICKS)  # sleep until five more ticks have come
    p("ldr_imm5", 4, 1, 0)
    p("adds_imm8", 4, 5)
    p.here("sleep")
    p("wfi")
    p("ldr_imm5", 0, 1, 0)
    p("cmp_reg2", 0, 4)
    p.if_(CC, "sleep")
    p.log("w")
    p.pool_over()


STEPS: Final = 3000
FACTOR, TERM = 1664525, 1013904223


def task_result(number: int) -> tuple[int, float]:
    x = number + 1
    for _ in range(STEPS):
        x = (x * FACTOR + TERM) & 0xFFFF_FFFF
    return x, STEPS * (number + 0.25)  # exact in single precision


def task(p: Program, number: int, floats: bool) -> None:
    """Numbers in registers, in floating-point registers too."""
    p("movs_imm8", 4, number + 1)
    p.const(5, STEPS)
    p.const(6, FACTOR)
    p.const(7, TERM)
    if floats:
        for register, bits in ((16, 0), (0, 0x3E80_0000 if number == 0 else 0x3FA0_0000)):
            p.const(0, bits)
            p("vmov_to_s", n=register, t=0)
    p.here(f"task {number}")
    p("muls_reg2", 4, 6)
    p("adds_reg", 4, 4, 7)
    if floats:
        p("vadd.f32", d=16, n=16, m=0)
    p("subs_imm8", 5, 1)
    p.if_(NE, f"task {number}")
    p.const(1, RESULTS + 8 + 8 * number)
    p("str_imm5", 4, 1, 0)
    if floats:
        p("vmov_from_s", n=16, t=0)
        p("str_imm5", 0, 1, 4)
    p.store(DONE + 4 * number, 1)


def tasks(p: Program, floats: bool, exc_return: int) -> None:
    """Two tasks on stacks of their own; PendSV, pended by SysTick, changes between them."""
    frame = TASK_STACKS[1] - 17 * 4
    p.store(frame + 8 * 4, exc_return)
    p.const(2, frame + 15 * 4)
    p.to("adr", "task entry", 3)
    p("str_imm5", 3, 2, 0)
    p.store(frame + 16 * 4, 1 << 24)
    p.store(TASKS + 4, frame)
    p.store(TASKS + 8, 0)
    p.const(0, TASK_STACKS[0])
    p.msr(PSP, 0)
    p("movs_imm8", 0, 2)
    p.msr(CONTROL, 0)
    p("isb", 15)
    p.store(TASKS + 12, 1)
    p.to("b", "first task")
    p.pool()
    p.code.align(4)
    p.here("task entry")
    task(p, 1, floats)
    p.here("for ever")
    p("wfi")
    p.to("b", "for ever")
    p.pool()
    p.here("first task")
    task(p, 0, floats)
    p.const(4, DONE)
    p.here("other task")
    p("ldr_imm5", 0, 4, 4)
    p("cmp_imm8", 0, 0)
    p.if_(EQ, "other task")
    p.pool_over()


def exceptions(v7: bool, floats: bool, exc_return: int) -> bytes:
    """The whole program, for address 0. It prints its log by semihosting, and ends by it."""
    p = Program(0)
    vectors = 16 + 3
    p.code.raw(bytes(4 * vectors))
    log_routine(p)
    handlers(p, v7, floats)
    p.here("fault")
    p.log("!")
    p.to("b", "end")
    p.here("reset")
    p.store(LOG, LOG + 4)
    if floats:
        p.store(CPACR, 0xF << 20)
        p.barrier()
    masks(p, v7)
    ticking(p, v7)
    if v7:
        tasks(p, floats, exc_return)
    p("cpsid", 2)
    for at in range(0, 24 if v7 else 8, 4):
        p.log(" ")
        p.log_word(RESULTS + at)
    p.here("end")
    p("movs_imm8", 0, 4)
    p.const(1, LOG + 4)
    p("bkpt", 0xAB)
    p("movs_imm8", 0, 0x18)
    p.const(1, 0x20026)
    p("bkpt", 0xAB)
    code = bytearray(p.finish())
    table = [STACK, p.address("reset"), *[p.address("fault")] * 9, p.address("svc"),
             p.address("fault"), p.address("fault"), p.address("pendsv"), p.address("systick"),
             *(p.address(f"irq{n}") for n in range(3))]
    code[: 4 * vectors] = b"".join(word.to_bytes(4, "little") for word in table)
    return bytes(code)


def printed(v7: bool, floats: bool) -> str:
    """What it prints, by the manuals."""
    words = [42, LOOP_SUM]
    if v7:
        for number in (0, 1):
            x, total = task_result(number)
            words += [x, struct.unpack("<I", struct.pack("<f", total))[0] if floats else 0]
    return f"{MASKS_V7 if v7 else MASKS_V6}w " + " ".join(f"{word:08x}" for word in words)
