"""Modules machine, pyb, stm and rp2 on both boards: what a program gets, registers and pads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware, hardware
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.session import Session
from mpy_cross.emulator.wiring import I2CMemory, SPILog
from mpy_cross.loader.release import get
from tests.emulator.hardware_names import NAMES

MS = 1_000_000
LIMIT = 100_000 * MS
Start = Callable[[str], Session]


@pytest.fixture
def start() -> Iterator[Start]:
    """Makes sessions with virtual time that ends."""
    made: list[Session] = []

    def begin(board: str) -> Session:
        session = Session(board, "1.17", compiler_for(get("1.17")), record=True)
        session.limit(LIMIT)
        made.append(session)
        return session

    yield begin
    for session in made:
        session.close()


def printed(session: Session, source: str) -> list[str]:
    """The lines that a program prints."""
    before = len(session.console)
    outcome = session.execute(source)
    assert outcome is not None and outcome.error is None, outcome
    return session.console[before:].splitlines()


def register(session: Session, block: str, name: str) -> int:
    return hardware(session.runtime).read(block, name)


def test_there_is_no_machine_without_a_board() -> None:
    runtime = Runtime(get("1.17"), compiler_for(get("1.17")))
    code = runtime.compile(b"import machine", "t.py")
    with pytest.raises(ImportError, match="no module named 'machine'"):
        runtime.main(code)


@pytest.mark.parametrize(("board", "module", "owner"), NAMES)
def test_documented_names(start: Start, board: str, module: str, owner: str) -> None:
    session = start(board)
    lines = printed(session, f"import {module} as m\n" + "".join(
        f"print(hasattr(m{'.' if owner else ''}{owner}, {name!r}), {name!r})\n"
        for name in NAMES[board, module, owner].split()))
    assert [line for line in lines if not line.startswith("True")] == []


@pytest.mark.parametrize(("board", "missing"), [("pico", "pyb"), ("pico", "stm"),
                                                ("pyboard", "rp2")])
def test_modules_of_the_other_board(start: Start, board: str, missing: str) -> None:
    assert printed(start(board), f"""
try:
    import {missing}
except ImportError as error:
    print(error)
""") == [f"no module named '{missing}'"]


# ------------------------------------------------------------------------------------------ pins


@pytest.mark.parametrize(("board", "pin", "pad"), [("pyboard", "'X1'", "X1"), ("pico", "2", "GP2")])
def test_pin_output(start: Start, board: str, pin: str, pad: str) -> None:
    session = start(board)
    lines = printed(session, f"""
from machine import Pin
p = Pin({pin}, Pin.OUT, value=1)
print(p.value(), p(), p is Pin({pin}))
p.off(); p.on(); p.low(); p.high(); p.value(0); p(1); p.toggle()
print(p())
""")
    assert lines == ["1 1 True", "0"]
    levels = [level for _, level in session.machine.trace.edges(pad)]
    assert levels == [1, 0, 1, 0, 1, 0, 1, 0]
    times = [time for time, _ in session.machine.trace.edges(pad)]
    assert times == sorted(set(times)), "every call takes time"


def test_pin_registers_of_the_pyboard(start: Start) -> None:
    session = start("pyboard")
    printed(session, """
from machine import Pin
Pin('X3', Pin.OPEN_DRAIN, Pin.PULL_UP, value=0)
Pin('X4', Pin.ALT, alt=7)
Pin('X1', Pin.ANALOG)
Pin('X2', mode=Pin.IN, pull=Pin.PULL_DOWN)
""")
    assert register(session, "GPIOA", "MODER") & 0xFF == 0b10_01_00_11
    assert register(session, "GPIOA", "OTYPER") & 0xF == 0b0100
    assert register(session, "GPIOA", "PUPDR") & 0xFF == 0b00_01_10_00
    assert register(session, "GPIOA", "AFRL") >> 12 & 15 == 7
    assert session.machine.pin("X4").function == "USART2_RX"


def test_pin_registers_of_the_pico(start: Start) -> None:
    session = start("pico")
    lines = printed(session, """
from machine import Pin
print(Pin(5, Pin.OUT), Pin(6, Pin.IN, Pin.PULL_UP), Pin(7, Pin.ALT, alt=4))
print(Pin(8, Pin.OPEN_DRAIN, value=1), Pin("LED") is Pin(25))
for bad in (30, -1, "GP99"):
    try:
        Pin(bad)
    except ValueError as error:
        print(error)
""")
    assert lines == [
        "Pin(5, mode=OUT) Pin(6, mode=IN, pull=PULL_UP) Pin(7, mode=ALT, alt=4)",
        "Pin(8, mode=OPEN_DRAIN) True", "invalid pin", "invalid pin",
        'unknown named pin "GP99"']
    assert register(session, "SIO", "GPIO_OE") == 1 << 5
    assert register(session, "PADS_BANK0", "GPIO6") & 0xC == 8
    assert register(session, "IO_BANK0", "GPIO7_CTRL") == 4


@pytest.mark.parametrize(("board", "pin"), [("pyboard", "Y1"), ("pico", "GP15")])
@pytest.mark.parametrize("hard", [False, True])
def test_pin_interrupts(start: Start, board: str, pin: str, hard: bool) -> None:
    session = start(board)
    printed(session, f"""
from machine import Pin
seen = []
p = Pin({pin!r}, Pin.IN, Pin.PULL_DOWN)
irq = p.irq(lambda p: seen.append(p()), Pin.IRQ_RISING | Pin.IRQ_FALLING, hard={hard})
""")
    pad = session.machine.pin(pin)
    for level in (1, 0, 1):
        pad.force(level)
        session.advance(MS)
    assert printed(session, "print(seen)") == ["[1, 0, 1]"]
    printed(session, "p.irq(None)")
    pad.force(0)
    session.advance(MS)
    assert printed(session, "print(seen, irq.flags() > 0)") == ["[1, 0, 1] True"]


def test_hard_interrupts_wait_while_disabled(start: Start) -> None:
    for board, pin in (("pyboard", "Y1"), ("pico", "GP15")):
        session = start(board)
        printed(session, f"""
import machine, time
seen = []
p = machine.Pin({pin!r}, machine.Pin.IN)
p.irq(lambda p: seen.append(1), machine.Pin.IRQ_RISING, hard=True)
""")
        pad = session.machine.pin(pin)
        session.machine.clock.after(2 * MS, lambda pad=pad: pad.force(1))  # type: ignore[misc]
        assert printed(session, """
state = machine.disable_irq()
time.sleep_ms(5)
print(seen)
machine.enable_irq(state)
print(seen)
""") == ["[]", "[1]"]


def test_errors_in_callbacks_are_printed_once(start: Start) -> None:
    session = start("pyboard")
    lines = printed(session, """
import pyb
def cb(t):
    1 / 0
t = pyb.Timer(7, freq=100, callback=cb)
pyb.delay(50)
""")
    assert lines == ["uncaught exception in Timer(7) interrupt handler",
                     "Traceback (most recent call last):",
                     '  File "<stdin>", line 4, in cb', "ZeroDivisionError: divide by zero"]


@pytest.mark.spec("H14", "H15", "E102", "E103", "E104", "E105", "E106", "E107", "E108", "E109")
def test_pin_mapper(start: Start) -> None:
    assert printed(start("pyboard"), """
import pyb, stm
x1_pin = pyb.Pin.board.X1
g = pyb.Pin(pyb.Pin.board.X1, pyb.Pin.IN)
print(g is pyb.Pin.cpu.A0, pyb.Pin('X1', pyb.Pin.OUT_PP) is g)
pyb.Pin.dict({'LeftMotorDir': pyb.Pin.cpu.C12})
print(pyb.Pin("LeftMotorDir", pyb.Pin.OUT_OD))
def MyMapper(pin_name):
    if pin_name == "LeftMotorDir":
        return pyb.Pin.cpu.A0
pyb.Pin.mapper(MyMapper)
print(pyb.Pin("LeftMotorDir", pyb.Pin.OUT_PP))
x3 = pyb.Pin.board.X3
af = x3.af_list()
print(af, af[0].index(), af[0].name(), af[0].reg() == stm.TIM2)
print(pyb.Pin(pyb.Pin.board.X3, mode=pyb.Pin.AF_PP, af=pyb.Pin.AF1_TIM2), x3.af())
print(pyb.Pin(pyb.Pin.board.X3, mode=pyb.Pin.AF_PP, af=2))
print(x3.name(), x3.names(), x3.pin(), x3.port(), x3.gpio() == stm.GPIOA, x3.pull())
try:
    pyb.Pin("nowhere")
except ValueError as error:
    print(error)
""") == [
        "True True", "Pin(Pin.cpu.C12, mode=Pin.OPEN_DRAIN)", "Pin(Pin.cpu.A0, mode=Pin.OUT)",
        "[Pin.AF1_TIM2, Pin.AF2_TIM5, Pin.AF3_TIM9, Pin.AF7_USART2] 1 AF1_TIM2 True",
        "Pin(Pin.cpu.A2, mode=Pin.ALT, af=Pin.AF1_TIM2) 1",
        "Pin(Pin.cpu.A2, mode=Pin.ALT, af=Pin.AF2_TIM5)",
        "A2 ['A2', 'X3'] 2 0 True 0", "Pin(nowhere) doesn't exist"]


@pytest.mark.parametrize(("board", "pin"), [("pyboard", "'X1'"), ("pico", "2")])
def test_signal(start: Start, board: str, pin: str) -> None:
    session = start(board)
    assert printed(session, f"""
from machine import Pin, Signal
p = Pin({pin}, Pin.OUT)
low, high = Signal(p, invert=True), Signal({pin}, Pin.OUT)
low.on(); print(p(), low(), high.value())
low.off(); print(p(), low.value(), high())
high.off(); print(p(), low())
""") == ["0 1 0", "1 0 1", "0 1"]


# ---------------------------------------------------------------------------------------- timers


@pytest.mark.spec("H20", "E318", "E319", "E320", "E321", "E116", "E117", "E118", "E119")
def test_pyb_timer(start: Start) -> None:
    session = start("pyboard")
    assert printed(session, """
import pyb
tim = pyb.Timer(4)
print(tim)
tim.init(freq=10)
print(tim, tim.source_freq(), tim.freq())
tim.callback(lambda t: pyb.LED(1).toggle())
pyb.delay(350)
tim.callback(None)
tim = pyb.Timer(4, prescaler=0, period=99)
tim.prescaler(2); tim.period(199)
print(tim.prescaler(), tim.period(), 0 <= tim.counter() < 200)
tim.deinit()
print(tim)
""") == ["Timer(4)", "Timer(4, prescaler=624, period=13439, mode=UP, div=1) 84000000 10",
         "2 199 True", "Timer(4)"]
    edges = session.machine.trace.edges("LED_RED")[-3:]
    assert [level for _, level in edges] == [1, 0, 1]
    assert [b[0] - a[0] for a, b in pairwise(edges)] == [100 * MS, 100 * MS]


@pytest.mark.spec("H21", "E120", "E345", "E380")
def test_pwm_of_a_timer(start: Start) -> None:
    session = start("pyboard")
    assert printed(session, """
from pyb import Pin, Timer, delay
p = Pin('X1')
tim = Timer(2, freq=1000)
ch = tim.channel(1, Timer.PWM, pin=p)
ch.pulse_width_percent(25)
delay(3)
print(ch, ch.pulse_width_percent(), ch.pulse_width(), tim.channel(1) is ch, tim.channel(2))
""") == ["TimerChannel(timer=2, channel=1, mode=PWM) 25.0 21000 True None"]
    edges = session.machine.trace.edges("X1")[-4:]
    widths = {end - begin for (begin, level), (end, _) in pairwise(edges)
              if level}
    assert widths == {250_000}
    assert session.machine.pin("X1").function == "TIM2_CH1"


def test_capture_and_compare(start: Start) -> None:
    session = start("pyboard")
    printed(session, """
from pyb import Pin, Timer
tim = Timer(2, prescaler=83, period=0xffffff)
seen = []
ch = tim.channel(1, Timer.IC, pin=Pin('X1'), polarity=Timer.RISING,
                 callback=lambda t: seen.append(ch.capture()))
out = Timer(3, freq=1000).channel(1, Timer.OC_TOGGLE, pin=Pin('X7'), compare=100)
""")
    pad = session.machine.pin("X1")
    for _ in range(2):
        session.advance(2 * MS)
        pad.force(1)
        session.advance(MS)
        pad.force(0)
    lines = printed(session, "print(seen[1] - seen[0])")
    assert lines == ["3000"]
    levels = session.machine.trace.edges("X7")
    assert {b[0] - a[0] for a, b in pairwise(levels)} == {MS}


@pytest.mark.spec("E045", "E541")
@pytest.mark.parametrize("board", ["pyboard", "pico"])
def test_virtual_timers(start: Start, board: str) -> None:
    assert printed(start(board), """
from machine import Timer
import time
tim = Timer(-1)
tim.init(period=50, mode=Timer.ONE_SHOT, callback=lambda t: print(1))
time.sleep_ms(120)
tim.init(period=20, mode=Timer.PERIODIC, callback=lambda t: print(2))
other = Timer(-1, period=30, callback=lambda t: print(3))
time.sleep_ms(65)
tim.deinit(); other.deinit()
time.sleep_ms(65)
try:
    Timer(99)
except ValueError as error:
    print(error)
""") == ["1", "2", "3", "2", "3", "2", "Timer doesn't exist"]


def test_virtual_timers_use_an_alarm_of_the_chip(start: Start) -> None:
    session = start("pico")
    printed(session, "from machine import Timer\n"
                     "t = Timer(period=1000, callback=lambda t: None)")
    assert register(session, "TIMER", "INTE") == 8 and register(session, "TIMER", "ARMED") == 8


@pytest.mark.spec("H110", "E545")
def test_pwm_of_the_pico(start: Start) -> None:
    session = start("pico")
    assert printed(session, """
from machine import Pin, PWM
import time
pwm0 = PWM(Pin(0))
pwm0.freq(1000)
print(pwm0.freq())
pwm0.duty_u16(16384)
time.sleep_ms(4)
print(pwm0, pwm0.duty_u16(), pwm0.duty_ns())
for hertz in (1, 200_000_000):
    try:
        pwm0.freq(hertz)
    except ValueError as error:
        print(error)
pwm0.deinit()
""") == ["1000", "<PWM slice=0 channel=0> 16383 250000", "freq too small", "freq too large"]
    edges = session.machine.trace.edges("GP0")
    assert edges[1][0] - edges[0][0] == 250_000
    assert register(session, "PWM", "CH0_CSR") & 1 == 0


# ----------------------------------------------------------------------------------------- buses


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


# ----------------------------------------------------------------------------- parts of the board


@pytest.mark.spec("H13", "E296", "E301", "E373")
def test_leds(start: Start) -> None:
    session = start("pyboard")
    assert printed(session, """
import pyb
led = pyb.LED(1)
led.on(); print(led, led.intensity())
led.toggle(); print(led.intensity())
blue = pyb.LED(4)
blue.intensity(128); pyb.delay(100); print(blue.intensity())
blue.toggle(); print(blue.intensity())
try:
    pyb.LED(5)
except ValueError as error:
    print(error)
""") == ["LED(1) 255", "0", "128", "0", "LED(5) doesn't exist"]
    high = [end - begin for (begin, level), (end, _) in zip(
        session.machine.trace.edges("LED_BLUE")[-6:],
        session.machine.trace.edges("LED_BLUE")[-5:], strict=False) if level]
    assert 5_019_000 in high, "5.019 ms of 10 ms"


@pytest.mark.spec("H19", "E114", "E115", "E374")
def test_switch(start: Start) -> None:
    session = start("pyboard")
    printed(session, """
import pyb
sw = pyb.Switch()
seen = []
sw.callback(lambda: seen.append(sw()))
""")
    session.machine.press("SW")
    session.advance(MS)
    assert printed(session, "print(sw.value(), seen, sw)") == ["True [True] Switch()"]
    session.machine.release("SW")
    printed(session, "sw.callback(None)")
    session.machine.press("SW")
    session.advance(MS)
    assert printed(session, "print(len(seen))") == ["1"]


@pytest.mark.spec("H17", "E111", "E336", "E337", "E338", "E341", "E342", "E343", "E376")
def test_servo(start: Start) -> None:
    session = start("pyboard")
    assert printed(session, """
import pyb
servo1 = pyb.Servo(1)
print(servo1.calibration(), servo1.angle())
servo1.angle(45)
servo1.angle(-60)
print(servo1.angle())
servo1.speed(30)
print(servo1.speed())
servo1.angle(0)
servo1.angle(60, 1500)
pyb.delay(700)
print(10 < servo1.angle() < 50)
pyb.delay(1000)
print(servo1.angle(), servo1)
servo1.pulse_width(1000); print(servo1.pulse_width())
""") == ["(640, 2420, 1500, 2470, 2200) 0", "-60", "30", "True", "60 <Servo 1 at 2150us>", "1000"]
    session.advance(50 * MS)
    edges = session.machine.trace.edges("X1")
    assert edges[-1][0] - edges[-2][0] in (MS, 19 * MS)


@pytest.mark.spec("H06", "E077", "E309", "E388")
def test_accelerometer(start: Start) -> None:
    session = start("pyboard")
    assert printed(session, """
import pyb
accel = pyb.Accel()
print(accel.x(), accel.y(), accel.z(), accel.tilt())
""") == ["0 0 21 0"]
    session.machine.wiring.parts["accelerometer"].set(7, -5, 20, 3)
    assert printed(session, """
print(accel.x(), accel.y(), accel.z(), accel.tilt())
for i in range(4):
    sums = accel.filtered_xyz()
print(sums)
""") == ["7 -5 20 3", "(28, -20, 80)"]


@pytest.mark.spec("H10", "E090", "E091", "E092", "E377")
def test_extint(start: Start) -> None:
    session = start("pyboard")
    printed(session, """
from pyb import Pin, ExtInt
ext = ExtInt(Pin('Y1'), ExtInt.IRQ_RISING, Pin.PULL_NONE, lambda line: print("line =", line))
""")
    session.machine.pin("Y1").force(1)
    session.advance(MS)
    lines = printed(session, """
ext.swint()
ext.disable(); ext.swint(); ext.enable()
print(ext, ext.line())
try:
    ExtInt('Y1', ExtInt.IRQ_FALLING, Pin.PULL_UP, print)
except ValueError as error:
    print(error)
""")
    assert session.console.splitlines()[0] == "line = 6"
    assert lines == ["line = 6", "<ExtInt line=6> 6", "ExtInt vector 6 is already in use"]


# --------------------------------------------------------------------------------- time and power


@pytest.mark.spec("H16", "H115", "E044", "E110", "E379", "E552")
@pytest.mark.parametrize(("board", "first", "rest"), [("pyboard", 3, 128), ("pico", 2, 0)])
def test_rtc(start: Start, board: str, first: int, rest: int) -> None:
    session = start(board)
    assert printed(session, f"""
from machine import RTC
import time
rtc = RTC()
rtc.datetime((2024, 2, 28, {first}, 23, 59, 58, 0))
time.sleep_ms(3499)
print(rtc.datetime())
rtc.init((2020, 5, 17, 12))
print(rtc.now()[:6], rtc.datetime()[3])
rtc.alarm(RTC.ALARM0, 100)
seen = []
rtc.irq(trigger=RTC.ALARM0, handler=lambda r: seen.append(1))
print(rtc.alarm_left())
time.sleep_ms(150)
print(seen, rtc.alarm_left())
""") == [f"(2024, 2, 29, {first + 1}, 0, 0, 1, {rest})", f"(2020, 5, 17, 12, 0, 0) {6 + first - 2}",
         "100", "[1] 0"]


def test_rtc_wakeup(start: Start) -> None:
    session = start("pyboard")
    assert printed(session, """
import pyb
rtc = pyb.RTC()
seen = []
rtc.wakeup(100, lambda line: seen.append(line))
pyb.delay(350)
rtc.wakeup(None)
pyb.delay(350)
print(seen, rtc.info() & 0x10000 != 0)
rtc.calibration(-10); print(rtc.calibration())
rtc.calibration(512); print(rtc.calibration())
""") == ["[22, 22, 22] True", "-10", "512"]


@pytest.mark.spec("H01", "H32", "E075", "E076")
def test_pyb_time(start: Start) -> None:
    session = start("pyboard")
    assert printed(session, """
import pyb
start = pyb.millis()
while pyb.elapsed_millis(start) < 1000:
    pass
print(pyb.elapsed_millis(start))
start = pyb.micros()
while pyb.elapsed_micros(start) < 1000:
    pass
pyb.udelay(10)
print(pyb.elapsed_micros(start) < 1300, pyb.elapsed_millis(0x3fffffff - 5) > 1000)
""") == ["1000", "True True"]


@pytest.mark.spec("H02", "E335", "E371")
def test_frequencies_of_the_pyboard(start: Start) -> None:
    session = start("pyboard")
    assert printed(session, """
import pyb, machine
print(pyb.freq())
for hz in (30000000, 60000000, 84000000, 168000000, 100000000, 600000000):
    pyb.freq(hz)
    print(pyb.freq()[0], pyb.Timer(4, freq=1000).freq())
print(machine.freq())
""") == ["(168000000, 168000000, 42000000, 84000000)", "30000000 1000", "60000000 1000",
         "84000000 1000", "168000000 1000", "96000000 1000", "168000000 1000",
         "(168000000, 168000000, 42000000, 84000000)"]


@pytest.mark.spec("H104", "E538")
def test_frequency_of_the_pico(start: Start) -> None:
    session = start("pico")
    assert printed(session, """
import machine
print(machine.freq())
machine.freq(240000000)
print(machine.freq())
try:
    machine.freq(1)
except ValueError as error:
    print(error)
""") == ["125000000", "240000000", "cannot change frequency"]
    assert session.machine.frequency == 240_000_000


@pytest.mark.parametrize("board", ["pyboard", "pico"])
def test_memory_by_address(start: Start, board: str) -> None:
    session = start(board)
    base = 0x20001000
    assert printed(session, f"""
import machine
machine.mem32[{base}] = 0x11223344
print(hex(machine.mem8[{base}]), hex(machine.mem16[{base} + 2]), machine.mem32)
machine.mem8[{base} + 3] = 0xff
print(hex(machine.mem32[{base}]))
try:
    machine.mem32[{base} + 2]
except ValueError as error:
    print(error)
print(machine.unique_id() == {session.machine.unique_id!r})
""") == ["0x44 0x1122 <32-bit memory>", "0xff223344",
         "address 20001002 is not aligned to 4 bytes", "True"]


@pytest.mark.spec("H26", "E125")
def test_stm(start: Start) -> None:
    session = start("pyboard")
    assert printed(session, """
import stm, pyb
pyb.Pin('X3', pyb.Pin.OUT)
stm.mem32[stm.GPIOA + stm.GPIO_BSRR] = 1 << 2
value = (stm.mem32[stm.GPIOA + stm.GPIO_IDR] >> 3) & 1
print(value, pyb.Pin('X3').value())
stm.mem16[stm.GPIOA + stm.GPIO_BSRRH] = 1 << 2
print(pyb.Pin('X3').value(), hex(stm.TIM2), hex(stm.RCC + stm.RCC_AHB1ENR))
""") == ["0 1", "0 0x40000000 0x40023830"]


@pytest.mark.parametrize("board", ["pyboard", "pico"])
def test_watchdog(start: Start, board: str) -> None:
    session = start(board)
    begin = session.now
    session.execute("""
from machine import WDT
import time
wdt = WDT(timeout=500)
for i in range(5):
    time.sleep_ms(400)
    wdt.feed()
print("fed")
time.sleep(10)
print("never")
""")
    assert session.console == "fed\n"
    assert session.machine.reset_cause == "watchdog"
    assert 2_500 * MS <= session.now - begin < 2_510 * MS


@pytest.mark.parametrize(("board", "cause"), [("pyboard", "software"), ("pico", "watchdog")])
def test_reset(start: Start, board: str, cause: str) -> None:
    session = start(board)
    assert printed(session, "import machine\n"
                   "print(machine.reset_cause() == machine.PWRON_RESET)") == ["True"]
    session.execute("machine.reset()\nprint('never')")
    assert "never" not in session.console
    assert session.machine.reset_cause == cause


@pytest.mark.parametrize(("board", "pin"), [("pyboard", "'X1'"), ("pico", "1")])
def test_pulses(start: Start, board: str, pin: str) -> None:
    session = start(board)
    pad = session.machine.pin("X1" if board == "pyboard" else 1)
    clock = session.machine.clock
    clock.after(MS, lambda: pad.force(1))
    clock.after(3 * MS, lambda: pad.force(None))
    lines = printed(session, f"""
import machine
p = machine.Pin({pin}, machine.Pin.IN, machine.Pin.PULL_DOWN)
print(machine.time_pulse_us(p, 1), machine.time_pulse_us(p, 1, 100))
p.init(machine.Pin.OUT, value=0)
machine.bitstream(p, 0, (400, 850, 800, 450), b'\\xa0')
""")
    assert lines == ["2000 -2"]
    edges = session.machine.trace.edges(pad.label)[-16:]
    widths = [b[0] - a[0] for a, b in pairwise(edges)]
    assert widths[:6] == [800, 450, 400, 850, 800, 450]


# ------------------------------------------------------------------------------------------- rp2


@pytest.mark.spec("E132", "E133", "H107", "E543")
def test_pio_programs(start: Start) -> None:
    lines = printed(start("pico"), """
from machine import Pin
import rp2

@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def blink_1hz():
    # Cycles: 1 + 7 + 32 * (30 + 1) = 1000
    set(pins, 1)
    set(x, 31)                [6]
    label("delay_high")
    nop()                     [29]
    jmp(x_dec, "delay_high")
    set(pins, 0)
    set(x, 31)                [6]
    label("delay_low")
    nop()                     [29]
    jmp(x_dec, "delay_low")

@rp2.asm_pio(sideset_init=rp2.PIO.OUT_LOW, out_shiftdir=rp2.PIO.SHIFT_LEFT, autopull=True,
             pull_thresh=24)
def ws2812():
    wrap_target()
    label("bitloop")
    out(x, 1)               .side(0)    [2]
    jmp(not_x, "do_zero")   .side(1)    [1]
    jmp("bitloop")          .side(1)    [4]
    label("do_zero")
    nop()                   .side(0)    [4]
    wrap()

print(*map(hex, blink_1hz[0]))
print(*map(hex, ws2812[0]))
print(hex(ws2812[4]))
print(rp2.asm_pio_encode("set(0, 1)", 0), rp2.PIO(1).state_machine(3))
sm = rp2.StateMachine(0, blink_1hz, freq=2000, set_base=Pin(25))
try:
    sm.active(1)
except NotImplementedError as error:
    print(error)
try:
    rp2.asm_pio()(lambda: out(x, 33))
except rp2.PIOASMError as error:
    print(error)
""")
    # The words are those of the encodings in the datasheet, 3.4.
    assert lines == [
        "0xe001 0xe63f 0xbd42 0x42 0xe000 0xe63f 0xbd42 0x46",
        "0x6221 0x1123 0x1400 0xa442", "0x30020000", "57345 StateMachine(7)",
        "the state machine of PIO0 is not modelled on the emulated board", "invalid bit count 33"]


@pytest.mark.spec("H117")
@pytest.mark.parametrize(("board", "module"), [("pico", "rp2"), ("pyboard", "pyb")])
def test_flash(start: Start, board: str, module: str) -> None:
    session = start(board)
    described = session.board
    assert printed(session, f"""
from {module} import Flash
f = Flash()
count, size = f.ioctl(4, 0), f.ioctl(5, 0)
print(count, size)
f.ioctl(6, 1)
f.writeblocks(1, b'hello', 3)
buf = bytearray(size)
f.readblocks(1, buf)
print(buf[:9])
try:
    f.readblocks(count, buf)
except OSError as error:
    print(error)
""") == [f"{described.file_size // described.block} {described.block}",
         "bytearray(b'\\xff\\xff\\xffhello\\xff')", "[Errno 22] EINVAL"]


def test_a_soft_reset_ends_the_callbacks(start: Start) -> None:
    session = start("pyboard")
    printed(session, "import pyb\npyb.Timer(4, freq=100, callback=lambda t: print('old'))")
    old = hardware(session.runtime)
    runtime: Any = Runtime(get("1.17"), compiler_for(get("1.17")), machine=session.machine)
    made: Hardware = hardware(runtime)
    assert old.closed and not made.closed
    before = session.console
    session.machine.clock.advance(100 * MS)
    assert session.console == before
    assert made.read("TIM4", "DIER") == 0
