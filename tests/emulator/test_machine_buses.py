"""UART, I2C, SPI and converters of modules machine and pyb, against devices outside."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mpy_cross.emulator.wiring import I2CMemory, SPILog
from tests.emulator.hardware_runs import MS, Start, printed, start

__all__ = ["start"]



@pytest.mark.spec("H22", "H109", "E035", "E036", "E121", "E122", "E123", "E124", "E383", "E544")
@pytest.mark.parametrize(("board", "made"), [
    ("pyboard", "UART(1, 9600, timeout=100)"),
    ("pico", "UART(1, baudrate=9600, tx=Pin(4), rx=Pin(5), timeout=100)")])
def test_uart(start: Start, board: str, made: str) -> None:
    session = start(board)
    port = session.machine.uart(1)
    lines = printed(session, f"""
from machine import UART, Pin
u = {made}
print(u.any(), u.read(1), u.write('hello'))
""")
    assert lines == ["0 None 5"]
    session.advance(10 * MS)
    assert port.sent == b"hello"
    port.feed(b"one\ntwo")
    session.advance(20 * MS)
    assert printed(session, """
print(u.any(), u.readline(), u.read(2))
buf = bytearray(4)
print(u.readinto(buf), buf, u.any())
""") == ["7 b'one\\n' b'tw'", "1 bytearray(b'o\\x00\\x00\\x00') 0"]
    # A byte takes ten bits at 9600 baud.
    times = [event.time for event in session.machine.trace.events if event.name.endswith(".rx")]
    assert {round((b - a) / 1000) for a, b in pairwise(times)} <= {1041, 1042}


def test_uart_of_the_pyboard(start: Start) -> None:
    session = start("pyboard")
    assert printed(session, """
import pyb
u = pyb.UART('XA', 115200)
print(u, u.readchar())
u.writechar(42)
for bad in ('UART(7)', "UART('Z')", 'UART(1, 9600, bits=5)', 'UART(1, 30000000)'):
    try:
        eval('pyb.' + bad)
    except ValueError as error:
        print(error)
""")[:4] == [
        "UART(4, baudrate=115068, bits=8, parity=None, stop=1, flow=0, timeout=0, "
        "timeout_char=1, rxbuf=64) -1",
        "UART(7) doesn't exist", "UART(Z) doesn't exist",
        "unsupported combination of bits and parity"]
    assert session.machine.uart("XA").sent == b"*"


def test_uart_idle_interrupt(start: Start) -> None:
    session = start("pyboard")
    printed(session, """
from machine import UART
u = UART(2, 9600)
seen = []
u.irq(lambda u: seen.append(u.read()), UART.IRQ_RXIDLE)
""")
    session.machine.uart(2).feed(b"ab")
    session.advance(20 * MS)
    assert printed(session, "print(seen)") == ["[b'ab']"]


I2C_MADE = {
    "pyboard": ("SoftI2C('Y9', 'Y10')", "I2C('Y', freq=100000)", "Y9", "Y10"),
    "pico": ("SoftI2C(scl=Pin(5), sda=Pin(4), freq=100_000)", "I2C(0, scl=Pin(5), sda=Pin(4))",
             "GP5", "GP4"),
}


@pytest.mark.spec("E039", "E549", "E550", "H33", "H113")
@pytest.mark.parametrize("board", I2C_MADE)
@pytest.mark.parametrize("soft", [True, False])
def test_i2c(start: Start, board: str, soft: bool) -> None:
    session = start(board)
    made = I2C_MADE[board][0 if soft else 1]
    scl, sda = I2C_MADE[board][2:]
    memory = I2CMemory(0x42, bytes(range(16)))
    session.machine.wiring.i2c(memory, scl, sda)
    session.machine.wiring.i2c(I2CMemory(0x50, b"\xa5" * 600, width=2), scl, sda)
    missing = "19" if soft or board == "pyboard" else "5"
    assert printed(session, f"""
from machine import I2C, SoftI2C, Pin
i2c = {made}
print(i2c.scan())
print(i2c.writeto(0x42, b'\\x03'), i2c.readfrom(0x42, 3))
print(i2c.readfrom_mem(0x42, 5, 2), i2c.writevto(0x42, (b'\\x08', b'xy')))
i2c.writeto_mem(0x42, 2, b'!')
buf = bytearray(3)
i2c.readfrom_mem_into(0x42, 1, buf)
print(buf, i2c.readfrom_mem(0x50, 0x101, 1, addrsize=16))
i2c.readfrom_into(0x42, buf)
print(buf)
try:
    i2c.readfrom(0x11, 1)
except OSError as error:
    print(error.errno)
""") == ["[66, 80]", "1 b'\\x03\\x04\\x05'", "b'\\x05\\x06' 3",
         "bytearray(b'\\x01!\\x03') b'\\xa5'", "bytearray(b'\\x04\\x05\\x06')", missing]
    assert memory.data[8:10] == b"xy"


def test_soft_i2c_primitives(start: Start) -> None:
    session = start("pico")
    session.machine.wiring.i2c(I2CMemory(0x42, bytes(range(16))), 5, 4)
    assert printed(session, """
from machine import SoftI2C, I2C
i2c = SoftI2C(5, 4)
i2c.start(); print(i2c.write(b'\\x84\\x06')); i2c.stop()
i2c.start(); print(i2c.write(b'\\x85'))
buf = bytearray(2); i2c.readinto(buf); i2c.stop(); print(buf)
try:
    I2C(1).start()
except OSError as error:
    print(error)
""") == ["2", "1", "bytearray(b'\\x06\\x07')", "I2C operation not supported"]


SPI_MADE = {
    "pyboard": ("SoftSPI(sck='X6', mosi='X8', miso='X7', {0})", "SPI(1, 1000000, {0})",
                "X6", "X8", "X7", "X5"),
    "pico": ("SoftSPI(sck=Pin(18), mosi=Pin(19), miso=Pin(16), {0})", "SPI(0, 1000000, {0})",
             "GP18", "GP19", "GP16", "GP17"),
}


@pytest.mark.spec("E038", "E547", "E548", "H112")
@pytest.mark.parametrize("board", SPI_MADE)
@pytest.mark.parametrize("soft", [True, False])
@pytest.mark.parametrize("mode", range(4))
def test_spi(start: Start, board: str, soft: bool, mode: int) -> None:
    session = start(board)
    sck, mosi, miso, cs = SPI_MADE[board][2:]
    device = SPILog(bytes(range(0x81, 0x90)))
    session.machine.wiring.spi(device, sck, mosi, miso, cs, mode)
    made = SPI_MADE[board][0 if soft else 1].format(f"polarity={mode >> 1}, phase={mode & 1}")
    assert printed(session, f"""
from machine import SPI, SoftSPI, Pin
cs = Pin({cs!r}, Pin.OUT, value=1)
spi = {made}
spi.write(b'lost')
cs(0)
spi.write(b'12')
print(spi.read(2), spi.read(1, 0xff))
buf = bytearray(2)
spi.readinto(buf)
spi.write_readinto(b'ab', buf)
cs(1)
print(buf)
try:
    spi.write_readinto(b'abc', buf)
except ValueError as error:
    print(error)
""") == ["b'\\x83\\x84' b'\\x85'", "bytearray(b'\\x88\\x89')", "buffers must be the same length"]
    assert device.received == b"12\x00\x00\xff\x00\x00ab"


@pytest.mark.spec("H11", "H18", "E093", "E097", "E098", "E112", "E113", "E384")
def test_older_buses_of_the_pyboard(start: Start) -> None:
    session = start("pyboard")
    memory, log = I2CMemory(0x42, bytes(range(16))), SPILog(echo=True)
    session.machine.wiring.i2c(memory, "Y9", "Y10")
    session.machine.wiring.spi(log, "X6", "X8", "X7")
    assert printed(session, """
from pyb import I2C, SPI
i2c = I2C(2, I2C.CONTROLLER)
print(i2c, i2c.is_ready(0x42), i2c.is_ready(0x43), i2c.scan())
print(i2c.mem_read(3, 0x42, 2))
i2c.mem_write('abc', 0x42, 2, timeout=1000)
i2c.send(3, 0x42)
print(i2c.recv(2, 0x42), i2c.recv(bytearray(1), 0x42))
i2c.deinit(); print(i2c)
spi = SPI(1, SPI.CONTROLLER, baudrate=6000000, polarity=1, phase=0, crc=0x7)
print(spi, spi.send_recv(b'1234'))
buf = bytearray(4)
print(spi.send_recv(b'5678', buf), buf, spi.recv(2))
""") == ["I2C(2, I2C.CONTROLLER, baudrate=400000) True False [66]", "b'\\x02\\x03\\x04'",
         "b'bc' bytearray(b'\\x05')", "I2C(2)",
         "SPI(1, SPI.CONTROLLER, baudrate=5250000, prescaler=16, polarity=1, phase=0, bits=8) "
         "b'\\x001" + "23'", "bytearray(b'4567') bytearray(b'4567') b'8\\x00'"]


# ---------------------------------------------------------------------------------------- analog


@pytest.mark.spec("E031", "E546", "H111")
def test_machine_adc(start: Start) -> None:
    for board, pin in (("pico", 26), ("pyboard", "X19")):
        session = start(board)
        session.machine.wiring.apply(pin, 1.65)
        assert printed(session, f"""
from machine import ADC, Pin
adc = ADC(Pin({pin!r}))
print(adc.read_u16())
""") == ["32776"]
        session.machine.wiring.apply(pin, lambda: 3.3)
        assert printed(session, "print(adc.read_u16())") == ["65535"]


@pytest.mark.spec("H07", "E079", "E080", "E081", "E082", "E381")
def test_pyb_adc(start: Start) -> None:
    session = start("pyboard")
    clock = session.machine.clock
    session.machine.wiring.apply("X19", lambda: 3.3 * (clock.now // (100 * MS) % 10) / 10)
    session.machine.wiring.apply("X1", 3.3)
    session.machine.wiring.temperature = 40.0
    lines = printed(session, """
import pyb, array
adc = pyb.ADC(pyb.Pin.board.X19)
tim = pyb.Timer(6, freq=10)
buf = bytearray(10)
start = pyb.millis()
adc.read_timed(buf, tim)
print(pyb.elapsed_millis(start), len(set(buf)))
adc.read_timed(buf, 1000)
tim = pyb.Timer(8, freq=100)
rx0 = array.array('H', (0 for i in range(5)))
rx1 = array.array('H', (0 for i in range(5)))
print(pyb.ADC.read_timed_multi((pyb.ADC('X1'), pyb.ADC('X2')), (rx0, rx1), tim), rx0, rx1)
print(round(pyb.ADCAll(12, 0x70000).read_core_temp()), adc)
try:
    pyb.ADC('X17')
except ValueError as error:
    print(error)
""")
    assert lines[0] in ("1000 10", "999 10")
    assert lines[1:] == [
        "True array('H', [4095, 4095, 4095, 4095, 4095]) array('H', [0, 0, 0, 0, 0])",
        "40 <ADC on C0 channel=10>", "Pin(B3) doesn't have ADC capabilities"]


@pytest.mark.spec("H09", "E086", "E087", "E382")
def test_dac(start: Start) -> None:
    session = start("pyboard")
    printed(session, """
from pyb import DAC, delay
dac = DAC(1)
dac.write(128)
delay(1)
dac = DAC(1, bits=12)
dac.write(4095)
delay(1)
dac = DAC(1)
dac.write_timed(bytes([0, 255]), 1000, mode=DAC.CIRCULAR)
delay(4)
""")
    outputs = [round(volts, 2) for _, volts in session.machine.wiring.outputs["X5"]]
    assert outputs[:7] == [1.66, 3.3, 0.0, 3.3, 0.0, 3.3, 0.0]
