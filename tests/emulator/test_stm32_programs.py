"""Small programs on the STM32F405, put together with the project's own assembler."""

from __future__ import annotations

import shutil
import subprocess
from array import array
from pathlib import Path
from typing import Final

import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra emulator")

from mpy_cross.emulator.cores.attach import attach
from mpy_cross.emulator.cores.pace import Pace
from mpy_cross.emulator.cores.polls import EDGE, Polls
from mpy_cross.emulator.cores.rounds import conditional
from mpy_cross.emulator.cores.ticks import TickSkipper
from mpy_cross.emulator.machine import Machine, machine
from tests.emulator.core_programs import CC, EQ, NE, Program

FLASH: Final = 0x08000000
RAM: Final = 0x20000000
STACK: Final = RAM + 0x8000
RESULT: Final = RAM + 0x400
DONE: Final = RAM + 0x404
RCC, USART1, TIM2, DMA2 = 0x40023800, 0x40011000, 0x40000000, 0x40026400
INTERFACE, SYSTICK, ISER = 0x40023C00, 0xE000E010, 0xE000E100
TIM2_IRQ: Final = 28
FINISHED: Final = 0xD0DE


def image(main: Program, handlers: dict[int, str], start: str = "reset") -> bytes:
    """A program at the beginning of flash; handlers: labels by exception number."""
    code = bytearray(main.finish())
    size = 4 * VECTORS
    words = [STACK] + [main.address(handlers.get(n, start)) for n in range(1, VECTORS)]
    code[:size] = b"".join(word.to_bytes(4, "little") for word in words)
    return bytes(code)


VECTORS: Final = 16 + 60


def begin() -> Program:
    p = Program(FLASH)
    p.code.raw(bytes(4 * VECTORS))
    p.here("reset")
    return p


def end(p: Program) -> None:
    p.store(DONE, FINISHED)
    p.here("for ever")
    p("wfi")
    p.to("b", "for ever")
    p.pool()


class Run:
    """A board that ran a program until it said that it is done.

    instructions, ns: until then; took: at most so many ns.
    """

    def __init__(self, code: bytes, limit: int = 10_000_000_000, *, plain: bool = False) -> None:
        self.board: Machine = machine("pyboard", record=True)
        self.board.bus.load(FLASH, code)
        self.pace: Pace = attach(self.board)
        if plain:  # everything is run one by one
            self.pace.skipper = None
            core = self.board.core
            assert core is not None
            core._devices.polls = None  # type: ignore[attr-defined]
        self.pace.core.reset()
        step = 1_000_000_000 if limit > 1_000_000_000 else limit
        while self.word(DONE) != FINISHED:
            assert self.board.clock.now < limit, f"not done at pc {self.pace.core.read('pc'):#x}"
            assert self.pace.run_until(self.board.clock.now + step) is None
        self.ns = self.board.clock.now
        self.instructions = self.pace.core.instructions

    def word(self, address: int) -> int:
        return self.board.bus.read(address, 4)


LETTER: Final = FLASH + 0x15A
"""Where the loop of `printing` begins, with fast."""
TEXT: Final = "Waiting for the transmitter is most of the work.\n"


def printing(pause: int = 0, veneer: int = 0, fast: bool = False) -> bytes:
    """Prints TEXT on USART1, waiting for TXE before each letter and for TC at the end.

    pause: more instructions for each letter.  veneer: the loop goes back to this address by a
    word in flash, as linkers have it for far calls.  fast: at 84 MHz, whose cycles are no whole ns.
    """
    p = begin()
    if fast:
        p.store(RCC + 4, 336 << 6 | 1 << 16 | 16)  # the PLL makes 84 MHz of 16
        p.store(RCC, 1 << 24 | 1)
        p.store(RCC + 8, 2)
    p.store(RCC + 0x44, 1 << 4)  # the clock of USART1
    p.store(USART1 + 8, 729 if fast else 139)  # 115200 baud
    p.store(USART1 + 0xC, 0x2008)  # on, with transmitter
    p.const(4, USART1)
    p.to("adr", "text", 5)
    p.const(6, len(TEXT))
    p.here("letter")
    p("ldr_imm5", 0, 4, 0)
    p("movs_imm8", 1, 0x80)
    p("tst_reg2", 0, 1)
    if veneer:
        p.if_(NE, "send")
        p.code.align(4)
        p.code.raw(bytes.fromhex("5ff800f0") + (veneer | 1).to_bytes(4, "little"))
    else:
        p.if_(EQ, "letter")
    p.here("send")
    p("ldrb_imm5", 0, 5, 0)
    p("str_imm5", 0, 4, 4)
    for _ in range(pause):
        p("movs_imm8", 0, 1)
    p("adds_imm8", 5, 1)
    p("subs_imm8", 6, 1)
    p.if_(NE, "letter")
    p.here("last")
    p("ldr_imm5", 0, 4, 0)
    p("lsls_imm", 0, 0, 25)
    p("cmp_imm8", 0, 0)
    p.to("b_cond", "last", 5)  # plus: TC is not yet the sign
    end(p)
    p.code.align(4)
    p.here("text")
    p.code.raw(TEXT.encode())
    return image(p, {})


def test_uart_polled() -> None:
    run = Run(printing(), 20_000_000)
    assert run.board.uart(1).sent.decode() == TEXT
    frames = len(TEXT) * 10 * 139 / 16e6 * 1e9
    times = [event.time for event in run.board.trace.events if event.kind == "uart"]
    assert frames < times[-1] < frames + 200_000


@pytest.mark.parametrize("pause", range(4))
@pytest.mark.parametrize("far", [False, True])
def test_polling_is_cut_short_without_a_trace(pause: int, far: bool) -> None:
    """The same instructions, bytes and times as when every round of the loop is run.

    Pauses move the end of a frame through the rounds of four instructions.
    """
    code = printing(pause, LETTER if far else 0, True)
    fast, slow = Run(code, 20_000_000), Run(code, 20_000_000, plain=True)
    assert fast.board.uart(1).sent.decode() == TEXT
    assert fast.instructions == slow.instructions
    assert fast.board.trace.events == slow.board.trace.events
    assert fast.pace.core.read("r4") == slow.pace.core.read("r4") == USART1
    polls = fast.pace.core._devices.polls  # type: ignore[attr-defined]
    assert polls.skipped > fast.instructions // 2


def test_polls_stop_short_of_the_alarm() -> None:
    """A read in the last cycle before an alarm may be late enough to see it: it is run."""
    board = machine("pyboard")
    board.bus.load(FLASH, printing(fast=True))
    for limit in range(1000, 1010):
        words, count, end = array("I", [0] * 16), array("Q", [0]), array("Q", [limit])
        words[15] = LETTER
        polls = Polls(board.bus, words, memoryview(words), end, count)
        while not polls.skipped:  # rounds of four instructions
            assert count[0] < 100
            count[0] += 4
            polls.read(USART1, 0)
        assert EDGE <= limit - count[0] < EDGE + 4
        assert count[0] % 4 == 0


@pytest.mark.parametrize(("block", "flags", "found"), [
    ("0fbf 0068 034b 00f00f00 53f82000", 0b0100, 2),  # iteee eq: with Z the first
    ("0fbf 0068 034b 00f00f00 53f82000", 0b0000, 4),
    ("08bf 0068 034b", 0b0000, 0),  # it eq: nothing of it
    ("b4bf 00f00f00 034b", 0b1000, 2),  # ite lt
    ("b4bf 00f00f00 034b", 0b1001, 6),
    ("8cbf 0068 034b", 0b0010, 2),  # ite hi
    ("8cbf 0068 034b", 0b0110, 4),
    ("00bf 0068", 0b0000, 0),  # no block, but nop
])
def test_instruction_that_a_block_begins_with(block: str, flags: int, found: int) -> None:
    board = machine("pyboard")
    board.bus.load(FLASH, bytes.fromhex(block))
    assert conditional(board.bus, FLASH, flags) == (FLASH + found if found else 0)


def test_uart_in_qemu(tmp_path: Path) -> None:
    """QEMU's STM32F405 prints the same."""
    qemu = shutil.which("qemu-system-arm")
    if qemu is None:
        pytest.skip("qemu-system-arm is not installed")
    path = tmp_path / "image.bin"
    path.write_bytes(printing())
    process = subprocess.Popen(
        [qemu, "-M", "netduinoplus2", "-kernel", str(path), "-display", "none", "-monitor", "none",
         "-serial", "stdio"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.read(len(TEXT)).decode() == TEXT
    finally:
        process.kill()
        process.wait()


def ticking(count: int, mask: int) -> bytes:
    """Sleeps for so many ticks of a millisecond; at each whose number has none of the bits of
    `mask` the handler does something else."""
    p = begin()
    p.const(7, RESULT)
    p("movs_imm8", 0, 0)
    p("str_imm5", 0, 7, 0)
    p("str_imm5", 0, 7, 8)
    p.store(SYSTICK + 4, 15_999)
    p.store(SYSTICK + 8, 0)
    p.store(SYSTICK, 7)
    p.const(4, count)
    p.here("sleep")
    p("wfi")
    p("ldr_imm5", 0, 7, 0)
    p("cmp_reg2", 0, 4)
    p.if_(CC, "sleep")
    end(p)
    p.here("tick")
    p("push", 1 << 14 | 0x10)
    p.const(1, RESULT)
    p("ldr_imm5", 0, 1, 0)
    p("adds_imm8", 0, 1)
    p("str_imm5", 0, 1, 0)
    p("movs_imm8", 2, mask)
    p("tst_reg2", 0, 2)
    p.if_(NE, "usual")
    p("ldr_imm5", 3, 1, 8)
    p("adds_reg", 3, 3, 0)
    p("str_imm5", 3, 1, 8)
    p.here("usual")
    p("lsrs_imm", 3, 0, 16)
    p("strb_imm5", 3, 1, 12)
    p("pop", 1 << 15 | 0x10)
    p.pool()
    return image(p, {15: "tick"})


@pytest.mark.parametrize("mask", [0x3F, 0x10, 0xC0])
def test_ticks_are_foreseen_without_a_trace(mask: int) -> None:
    """A sleep is over at the same instruction and time, with the same memory, however it went."""
    code = ticking(1500, mask)
    fast, slow = Run(code), Run(code, plain=True)
    skipper = fast.pace.skipper
    assert isinstance(skipper, TickSkipper) and skipper.skipped > 500
    assert fast.word(RESULT) >= 1500
    assert fast.word(RESULT + 8) == sum(
        n for n in range(1, fast.word(RESULT) + 1) if not n & mask)
    assert (fast.instructions, fast.ns) == (slow.instructions, slow.ns)
    ram = [bytes(run.board.bus.view(RAM, 0x8000)) for run in (fast, slow)]
    assert ram[0] == ram[1]
    registers = [[run.pace.core.read(f"r{n}") for n in range(13)] for run in (fast, slow)]
    assert registers[0] == registers[1]


def test_a_sleep_of_minutes_is_short() -> None:
    run = Run(ticking(300_000, 0xFF), 400_000_000_000)
    skipper = run.pace.skipper
    assert isinstance(skipper, TickSkipper)
    assert run.word(RESULT) >= 300_000
    assert run.word(RESULT + 12) & 0xFF == 300_000 >> 16
    assert run.word(RESULT + 8) == sum(range(256, run.word(RESULT) + 1, 256)) & 0xFFFFFFFF
    assert skipper.skipped > 0.98 * 300_000


def test_timer_interrupts() -> None:
    """Ten updates of TIM2, 1 ms apart; the handler counts them and clears the flag."""
    p = begin()
    p.const(7, RESULT)
    p("movs_imm8", 0, 0)
    p("str_imm5", 0, 7, 0)
    p.store(RCC + 0x40, 1)
    p.store(TIM2 + 0x28, 15)  # 1 MHz
    p.store(TIM2 + 0x2C, 999)
    p.store(TIM2 + 0x14, 1)  # the prescaler to work
    p.store(TIM2 + 0x10, 0)
    p.store(TIM2 + 0xC, 1)
    p.store(ISER + 4 * (TIM2_IRQ // 32), 1 << TIM2_IRQ % 32)
    p.store(TIM2, 1)
    p.here("sleep")
    p("wfi")
    p("ldr_imm5", 0, 7, 0)
    p("cmp_imm8", 0, 10)
    p.if_(CC, "sleep")
    end(p)
    p.here("update")
    p.store(TIM2 + 0x10, 0)
    p.const(1, RESULT)
    p("ldr_imm5", 0, 1, 0)
    p("adds_imm8", 0, 1)
    p("str_imm5", 0, 1, 0)
    p("bx", 14)
    p.pool()
    run = Run(image(p, {16 + TIM2_IRQ: "update"}), 10_100_000)
    assert run.word(RESULT) == 10
    assert 10_000_000 < run.ns <= 10_100_000


def test_dma_from_memory_to_memory() -> None:
    p = begin()
    p.store(RCC + 0x30, 1 << 22)
    for n in range(4):
        p.store(RAM + 0x1000 + 4 * n, 0x01020304 * (n + 1))
    p.store(DMA2 + 0x18, RAM + 0x1000)  # S0PAR: from
    p.store(DMA2 + 0x1C, RAM + 0x2001)  # S0M0AR: to, in bytes
    p.pool_over()
    p.store(DMA2 + 0x14, 4)
    p.store(DMA2 + 0x24, 7)
    p.store(DMA2 + 0x10, 2 << 6 | 1 << 9 | 1 << 10 | 2 << 11 | 0 << 13 | 1)
    p.const(4, DMA2)
    p.here("wait")
    p("ldr_imm5", 0, 4, 0)
    p("movs_imm8", 1, 0x20)  # TCIF0
    p("tst_reg2", 0, 1)
    p.if_(EQ, "wait")
    p.const(1, RESULT)
    p("str_imm5", 0, 1, 0)
    end(p)
    run = Run(image(p, {}), 1_000_000)
    assert bytes(run.board.bus.view(RAM + 0x2001, 16)) == b"".join(
        (0x01020304 * n).to_bytes(4, "little") for n in range(1, 5))
    assert run.word(RESULT) == 0x30  # half and complete
    assert run.word(DMA2 + 0x10) & 1 == 0 and run.word(DMA2 + 0x14) == 0


def test_flash_is_programmed() -> None:
    """Erases sector 3, programs a word, and once more without erasing: bits only become 0."""
    target = FLASH + 0xC000
    p = begin()
    p.store(INTERFACE + 4, 0x45670123)
    p.store(INTERFACE + 4, 0xCDEF89AB)
    p.store(INTERFACE + 0x10, 1 << 16 | 2 << 8 | 3 << 3 | 2)
    p.store(INTERFACE + 0x10, 2 << 8 | 1)
    p.store(target, 0xF0F01234)
    p.store(target, 0xFF001111)
    p.store(target + 4, 0xCAFEF00D)
    p.pool_over()
    for at in (0, 4):
        p.const(0, target + at)
        p("ldr_imm5", 0, 0, 0)
        p.const(1, RESULT + at + 8)
        p("str_imm5", 0, 1, 0)
    p.store(INTERFACE + 0x10, 1 << 31)
    end(p)
    code = image(p, {})
    run = Run(code + bytes(0xC000 - len(code)) + bytes(16), 2_000_000_000)
    assert run.word(RESULT + 8) == 0xF0F01234 & 0xFF001111
    assert run.word(RESULT + 12) == 0xCAFEF00D
    assert run.word(target + 8) == 0xFFFFFFFF
    assert run.ns > 250_000_000  # what erasing takes
    assert run.word(INTERFACE + 0x10) >> 31


def test_bit_band_and_cycle_counter() -> None:
    p = begin()
    p.store(RAM + 0x40, 0)
    p.store(0x22000000 + 32 * 0x40 + 4 * 5, 1)
    p.store(0xE000EDFC, 1 << 24)
    p.store(0xE0001000, 1)
    p.const(4, 0xE0001004)
    p("ldr_imm5", 5, 4, 0)
    p.pool_over()
    for _ in range(100):
        p("nop")
    p("ldr_imm5", 6, 4, 0)
    p("subs_reg", 6, 6, 5)
    p.const(1, RESULT)
    p("str_imm5", 6, 1, 0)
    end(p)
    run = Run(image(p, {}), 1_000_000)
    assert run.word(RAM + 0x40) == 1 << 5
    assert 100 <= run.word(RESULT) <= 160


EXTI, SYSCFG, SCR = 0x40013C00, 0x40013800, 0xE000ED10
EXTI0_IRQ: Final = 6


@pytest.mark.parametrize("between", [0, 1_000, 5_000_000])
def test_stop_mode_ends_between_two_runs(between: int) -> None:
    """An edge at a pad wakes the core, whose clock stands still, from a stop mode in which the
    last run has ended."""
    p = begin()
    p.store(RCC + 0x30, 0x00100001)  # the clocks of GPIOA and of SYSCFG
    p.store(RCC + 0x44, 1 << 14)
    p.store(EXTI, 1)  # line 0: PA0, rising
    p.store(EXTI + 8, 1)
    p.store(ISER, 1 << EXTI0_IRQ)
    p.store(SCR, 4)
    p("wfi")
    p.store(RESULT, 1)
    end(p)
    p.here("edge")
    p.store(EXTI + 0x14, 1)
    p("bx", 14)
    p.pool()
    board = machine("pyboard")
    board.bus.load(FLASH, image(p, {16 + EXTI0_IRQ: "edge"}))
    pace = attach(board)
    pace.core.reset()
    assert pace.run_until(3_000_000) is None
    assert not pace.rate.hz
    before = pace.core.instructions
    if between:
        assert pace.run_until(board.clock.now + between) is None
    assert pace.core.instructions == before
    board.pin("PA0").force(1)
    assert pace.run_until(board.clock.now + 1_000_000) is None
    assert board.bus.read(DONE, 4) == FINISHED
