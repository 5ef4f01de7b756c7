"""UARTs of both chips: bytes, their timing, flags and interrupts."""

from __future__ import annotations

import pytest

from mpy_cross.emulator.clock import SECOND
from mpy_cross.emulator.machine import Machine, machine

UART4, SR, DR, BRR, CR1, CR2 = 0x40004C00, 0, 4, 8, 0xC, 0x10
APB1ENR = 0x40023840
UE, TE, RE, RXNEIE, TCIE, TXEIE, IDLEIE = 1 << 13, 8, 4, 1 << 5, 1 << 6, 1 << 7, 1 << 4
RXNE, TC, TXE, IDLE, ORE = 1 << 5, 1 << 6, 1 << 7, 1 << 4, 1 << 3
BAUD = 115200
BRR_VALUE = 365  # 42 MHz / 115200, rounded up
FRAME = -(-10 * BRR_VALUE * SECOND // 42_000_000)

UART0 = 0x40034000
UDR, FR, IBRD, FBRD, LCR_H, CR, IFLS, IMSC, RIS, MIS, ICR = (
    0, 0x18, 0x24, 0x28, 0x2C, 0x30, 0x34, 0x38, 0x3C, 0x40, 0x44)


@pytest.fixture
def pyb() -> Machine:
    board = machine("pyboard", record=True)
    board.start()
    board.bus.write(APB1ENR, 4, board.bus.read(APB1ENR, 4) | 1 << 19)
    board.bus.write(UART4 + BRR, 4, BRR_VALUE)
    board.bus.write(UART4 + CR1, 4, UE | TE | RE)
    return board


@pytest.fixture
def pico() -> Machine:
    board = machine("pico", record=True)
    board.start()
    bus = board.bus
    bus.write(UART0 + IBRD, 4, 67)
    bus.write(UART0 + FBRD, 4, 52)
    bus.write(UART0 + LCR_H, 4, 0x70)  # 8 bits, FIFOs
    bus.write(UART0 + CR, 4, 0x301)
    return board


PICO_FRAME = -(-10 * (67 * 64 + 52) * SECOND // (4 * 125_000_000))


def test_stm32_sends_one_frame_after_the_other(pyb: Machine) -> None:
    bus, clock = pyb.bus, pyb.clock
    at: list[tuple[int, int]] = []
    pyb.uart("XA").listeners.append(lambda byte: at.append((clock.now, byte)))
    assert bus.read(UART4 + SR, 4) == TXE | TC
    bus.write(UART4 + DR, 4, 0x41)
    assert bus.read(UART4 + SR, 4) == TXE
    bus.write(UART4 + DR, 4, 0x42)
    assert bus.read(UART4 + SR, 4) == 0  # one is going out, one waits
    clock.advance(FRAME - 1)
    assert not at
    clock.advance(1)
    assert at == [(FRAME, 0x41)]
    assert bus.read(UART4 + SR, 4) == TXE
    clock.advance(FRAME)
    assert at == [(FRAME, 0x41), (2 * FRAME, 0x42)]
    assert bus.read(UART4 + SR, 4) == TXE | TC
    assert pyb.uart(4).sent == b"AB"
    assert [(e.time, e.name, e.value) for e in pyb.trace.events if e.kind == "uart"] == [
        (FRAME, "UART4.tx", 0x41), (2 * FRAME, "UART4.tx", 0x42)]


def test_stm32_receives_at_its_speed(pyb: Machine) -> None:
    bus, clock = pyb.bus, pyb.clock
    pyb.uart(4).feed(b"hi")
    clock.advance(FRAME - 1)
    assert bus.read(UART4 + SR, 4) & RXNE == 0
    clock.advance(1)
    assert bus.read(UART4 + SR, 4) & RXNE
    assert bus.read(UART4 + DR, 4) == ord("h")
    assert bus.read(UART4 + SR, 4) & RXNE == 0
    clock.advance(FRAME)
    assert bus.read(UART4 + DR, 4) == ord("i")
    clock.advance(FRAME + 1)
    assert bus.read(UART4 + SR, 4) & IDLE
    bus.read(UART4 + DR, 4)
    assert bus.read(UART4 + SR, 4) & IDLE == 0


def test_stm32_overrun_loses_the_new_byte(pyb: Machine) -> None:
    bus = pyb.bus
    pyb.uart(4).feed(b"12")
    pyb.clock.advance(2 * FRAME)
    assert bus.read(UART4 + SR, 4) & (ORE | RXNE) == ORE | RXNE
    assert bus.read(UART4 + DR, 4) == ord("1")
    assert bus.read(UART4 + SR, 4) & (ORE | RXNE) == 0


def test_a_port_with_flow_control_waits(pyb: Machine) -> None:
    bus, port = pyb.bus, pyb.uart(4)
    port.flow = True
    port.feed(b"123")
    got = b""
    for _ in range(3):
        pyb.clock.advance(10 * FRAME)
        assert bus.read(UART4 + SR, 4) & ORE == 0
        got += bytes([bus.read(UART4 + DR, 4)])
    assert got == b"123" and port.pending == 0


def test_stm32_interrupts(pyb: Machine) -> None:
    bus, irq = pyb.bus, pyb.chip.interrupts[0][52]
    bus.write(UART4 + CR1, 4, UE | TE | RE | TXEIE)
    assert irq.level
    bus.write(UART4 + CR1, 4, UE | TE | RE | RXNEIE)
    assert not irq.level
    pyb.uart(4).feed(b"x")
    pyb.clock.advance(FRAME)
    assert irq.level
    bus.read(UART4 + DR, 4)
    assert not irq.level
    bus.write(UART4 + CR1, 4, UE | TE | RE | TCIE)
    assert irq.level
    bus.write(UART4 + SR, 4, ~TC & 0xFFFFFFFF)
    assert not irq.level


def test_stm32_frame_length_follows_the_settings(pyb: Machine) -> None:
    bus = pyb.bus
    bus.write(UART4 + CR1, 4, UE | TE | RE | 1 << 12)  # nine bits
    bus.write(UART4 + CR2, 4, 2 << 12)  # two stop bits
    bus.write(UART4 + DR, 4, 0x155)
    frame = -(-12 * BRR_VALUE * SECOND // 42_000_000)
    pyb.clock.advance(frame - 1)
    assert not pyb.uart(4).sent
    pyb.clock.advance(1)
    assert pyb.uart(4).sent == b"\x55"


def test_bytes_wait_for_the_receiver() -> None:
    board = machine("pyboard")
    board.start()
    board.uart(4).feed(b"early")
    board.clock.advance(SECOND)
    assert board.uart(4).pending == 5
    board.bus.write(APB1ENR, 4, board.bus.read(APB1ENR, 4) | 1 << 19)
    board.bus.write(UART4 + BRR, 4, BRR_VALUE)
    board.bus.write(UART4 + CR1, 4, UE | RE)
    board.clock.advance(FRAME)
    assert board.bus.read(UART4 + DR, 4) == ord("e")


def test_rp2040_fifo_out(pico: Machine) -> None:
    bus, clock, port = pico.bus, pico.clock, pico.uart(0)
    text = bytes(range(33))
    for byte in text:
        assert bus.read(UART0 + FR, 4) & 1 << 5 == 0
        bus.write(UART0 + UDR, 4, byte)
    assert bus.read(UART0 + FR, 4) & 0xE8 == 1 << 5 | 1 << 3  # full and busy
    bus.write(UART0 + UDR, 4, 0xFF)  # lost
    clock.advance(PICO_FRAME)
    assert bytes(port.sent) == text[:1]
    assert bus.read(UART0 + FR, 4) & 1 << 5 == 0
    # Every frame is rounded up to a whole ns.
    clock.advance(32 * PICO_FRAME)
    assert bytes(port.sent) == text
    assert bus.read(UART0 + FR, 4) == 0x90
    assert abs(clock.now - 33 * 10 * SECOND / 115200) < 0.001 * clock.now


def test_rp2040_transmit_interrupt_at_the_trigger_level(pico: Machine) -> None:
    bus, irq = pico.bus, pico.chip.interrupts[0][20]
    bus.write(UART0 + IFLS, 4, 0)
    bus.write(UART0 + IMSC, 4, 1 << 5)
    for _ in range(32):
        bus.write(UART0 + UDR, 4, 0)
    assert not irq.level  # not before the fill comes down to the level
    while not irq.level:
        assert pico.clock.idle()
    assert pico.clock.now == 27 * PICO_FRAME  # 31 waited first; an eighth of the FIFO is 4
    bus.write(UART0 + ICR, 4, 1 << 5)
    assert not irq.level


def test_rp2040_receive_level_and_timeout(pico: Machine) -> None:
    bus, irq = pico.bus, pico.chip.interrupts[0][20]
    bus.write(UART0 + IFLS, 4, 0)  # four bytes
    bus.write(UART0 + IMSC, 4, 1 << 4 | 1 << 6)
    pico.uart(0).feed(b"abcd")
    pico.clock.advance(4 * PICO_FRAME)
    assert bus.read(UART0 + MIS, 4) == 1 << 4 and irq.level
    assert bus.read(UART0 + UDR, 4) == ord("a")
    assert bus.read(UART0 + RIS, 4) & 1 << 4 == 0 and not irq.level
    pico.clock.advance(4 * PICO_FRAME)  # more than 32 bit times of silence
    assert bus.read(UART0 + MIS, 4) == 1 << 6
    assert bytes(bus.read(UART0 + UDR, 4) for _ in range(3)) == b"bcd"
    assert not irq.level
    assert bus.read(UART0 + FR, 4) & 1 << 4


def test_rp2040_overrun_marks_the_next_byte(pico: Machine) -> None:
    bus = pico.bus
    bus.write(UART0 + LCR_H, 4, 0x60)  # no FIFO
    pico.uart(0).feed(b"123")
    pico.clock.advance(2 * PICO_FRAME)
    assert bus.read(UART0 + UDR, 4) == ord("1")
    pico.clock.advance(PICO_FRAME)
    assert bus.read(UART0 + UDR, 4) == ord("3") | 1 << 11
    assert bus.read(UART0 + 4, 4) == 8
    bus.write(UART0 + 4, 4, 0)
    assert bus.read(UART0 + 4, 4) == 0


def test_rp2040_loopback(pico: Machine) -> None:
    bus = pico.bus
    bus.write(UART0 + CR, 4, 0x381)
    bus.write(UART0 + UDR, 4, 0x5A)
    pico.clock.advance(PICO_FRAME)
    assert bus.read(UART0 + UDR, 4) == 0x5A
    assert not pico.uart(0).sent


def test_rp2040_breaks(pico: Machine) -> None:
    bus, port, irq = pico.bus, pico.uart(0), pico.chip.interrupts[0][20]
    bus.write(UART0 + IMSC, 4, 1 << 9)
    port.feed(b"a")
    pico.clock.advance(PICO_FRAME)
    assert not irq.level
    port.feed_break()
    pico.clock.advance(PICO_FRAME)
    assert irq.level and bus.read(UART0 + MIS, 4) == 1 << 9
    assert bus.read(UART0 + UDR, 4) == ord("a")
    assert bus.read(UART0 + UDR, 4) == 1 << 10 | 1 << 8  # a zero with both marks
    assert bus.read(UART0 + 4, 4) == 5
    bus.write(UART0 + ICR, 4, 1 << 9)
    assert not irq.level
    # The other way: the pad is low, and nothing is sent meanwhile.
    tx = pico.pin("GP0")
    bus.write(0x40014000 + 4, 4, 2)
    bus.write(UART0 + LCR_H, 4, 0x71)
    bus.write(UART0 + UDR, 4, 0x55)
    pico.clock.advance(2 * PICO_FRAME)
    assert tx.level == 0 and port.breaks == 1 and not port.sent
    bus.write(UART0 + LCR_H, 4, 0x70)
    assert tx.level == 1
    pico.clock.advance(PICO_FRAME)
    assert port.sent == b"\x55" and port.breaks == 1


def test_rp2040_flow_control(pico: Machine) -> None:
    bus, port = pico.bus, pico.uart(0)
    cts, rts = pico.pin("GP2"), pico.pin("GP3")
    for n in (2, 3):
        bus.write(0x40014000 + 4 + 8 * n, 4, 2)
    cts.force(1)
    bus.write(UART0 + IFLS, 4, 0)  # RTS at four bytes
    bus.write(UART0 + CR, 4, 0xC301)
    assert rts.level == 0
    bus.write(UART0 + UDR, 4, 0x41)
    pico.clock.advance(3 * PICO_FRAME)
    assert not port.sent and not bus.read(UART0 + FR, 4) & 1
    cts.force(0)
    assert bus.read(UART0 + FR, 4) & 1 and bus.read(UART0 + RIS, 4) & 2
    pico.clock.advance(PICO_FRAME)
    assert port.sent == b"A"
    port.feed(b"123456")
    pico.clock.advance(10 * PICO_FRAME)
    assert rts.level == 1 and port.pending == 2
    assert bus.read(UART0 + UDR, 4) == ord("1") and rts.level == 0
    pico.clock.advance(10 * PICO_FRAME)
    assert port.pending == 1 and not pico.context.touched


def test_wire_from_one_uart_to_another(pico: Machine) -> None:
    """GP0 and GP1 are UART0's, GP4 and GP5 UART1's; frames arrive when they have left."""
    bus, uart1 = pico.bus, UART0 + 0x4000
    for n in (0, 1, 4, 5):
        bus.write(0x40014000 + 4 + 8 * n, 4, 2)
    for register, value in ((IBRD, 67), (FBRD, 52), (LCR_H, 0x70), (CR, 0x301)):
        bus.write(uart1 + register, 4, value)
    pico.pin("GP0").wire(pico.pin("GP5"))
    bus.write(UART0 + UDR, 4, 0x99)
    pico.clock.advance(PICO_FRAME - 1)
    assert bus.read(uart1 + FR, 4) & 1 << 4
    pico.clock.advance(1)
    assert bus.read(uart1 + UDR, 4) == 0x99
    bus.write(UART0 + LCR_H, 4, 0x71)
    pico.clock.advance(2 * PICO_FRAME)
    assert bus.read(uart1 + UDR, 4) == 1 << 10 | 1 << 8
    assert bus.read(uart1 + FR, 4) & 1 << 4  # one only


def test_stm32_breaks_and_flow_control() -> None:
    board = machine("pyboard")
    board.start()
    bus, port, frame = board.bus, board.uart(3), FRAME
    usart, gpiob = 0x40004800, 0x40020400
    bus.write(0x40023840, 4, 1 << 18 | bus.read(0x40023840, 4))
    for n in (10, 11, 13, 14):  # TX, RX, CTS, RTS
        bus.write(gpiob, 4, bus.read(gpiob, 4) & ~(3 << 2 * n) | 2 << 2 * n)
        at = gpiob + 0x24
        bus.write(at, 4, bus.read(at, 4) & ~(15 << 4 * (n - 8)) | 7 << 4 * (n - 8))
    tx, cts, rts = (board.chip.pins[f"PB{n}"] for n in (10, 13, 14))
    bus.write(usart + BRR, 4, BRR_VALUE)
    bus.write(usart + 0x14, 4, 3 << 8)
    bus.write(usart + CR1, 4, UE | TE | RE)
    cts.force(1)
    assert rts.level == 0
    bus.write(usart + DR, 4, 0x42)
    board.clock.advance(2 * frame)
    assert not port.sent
    cts.force(0)
    assert bus.read(usart + SR, 4) & 1 << 9
    bus.write(usart + CR1, 4, UE | TE | RE | 1)  # a break after it
    board.clock.advance(frame)
    assert port.sent == b"B" and tx.level == 0 and port.breaks == 0
    board.clock.advance(frame)
    assert tx.level == 1 and port.breaks == 1 and not bus.read(usart + CR1, 4) & 1
    port.feed(b"xy")
    board.clock.advance(3 * frame)
    assert rts.level == 1 and port.pending == 1
    assert bus.read(usart + DR, 4) == ord("x") and rts.level == 0
    board.clock.advance(frame)
    assert bus.read(usart + DR, 4) == ord("y")
    port.feed_break()
    board.clock.advance(frame)
    assert bus.read(usart + SR, 4) & (RXNE | 2) == RXNE | 2 and bus.read(usart + DR, 4) == 0
    assert not bus.read(usart + SR, 4) & 2 and not board.context.touched


def test_unknown_uart(pico: Machine) -> None:
    with pytest.raises(KeyError, match="pico has no UART 7; there are 0, 1"):
        pico.uart(7)
