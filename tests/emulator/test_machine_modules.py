"""Modules machine, pyb, stm and rp2 on both boards: what a program gets, registers and pads."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.loader.release import get
from tests.emulator.hardware_names import NAMES
from tests.emulator.hardware_runs import MS, Start, printed, register, start

__all__ = ["start"]


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
