"""Time, power, resets and memory of modules machine, pyb, stm and rp2."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware, hardware
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.session import EXIT_RESET
from mpy_cross.loader.release import get
from tests.emulator.hardware_runs import MS, Start, printed, start
from tests.emulator.pio_programs import WS2812

__all__ = ["start"]



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
    outcome = session.execute("machine.reset()\nprint('never')")
    assert outcome is not None and outcome.status == EXIT_RESET
    assert "never" not in session.console
    assert session.machine.reset_cause == cause


@pytest.mark.spec("G49")
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

""" + WS2812 + """
print(*map(hex, blink_1hz[0]))
print(*map(hex, ws2812[0]))
print(hex(ws2812[4]))
print(rp2.asm_pio_encode("set(0, 1)", 0), rp2.PIO(1).state_machine(3))
sm = rp2.StateMachine(0, blink_1hz, freq=2000, set_base=Pin(25))
sm.active(1)
print(sm.active())
try:
    rp2.asm_pio()(lambda: out(x, 33))
except rp2.PIOASMError as error:
    print(error)
""")
    # The words are those of the encodings in the datasheet, 3.4.
    assert lines == [
        "0xe001 0xe63f 0xbd42 0x42 0xe000 0xe63f 0xbd42 0x46",
        "0x6221 0x1123 0x1400 0xa442", "0x30020000", "57345 StateMachine(7)",
        "True", "invalid bit count 33"]


@pytest.mark.spec("H117")
@pytest.mark.parametrize(("board", "module"), [("pico", "rp2"), ("pyboard", "pyb")])
def test_flash(start: Start, board: str, module: str) -> None:
    session = start(board)
    described = session.board
    assert printed(session, f"""
from {module} import Flash
f = Flash({'start=0' if board == 'pyboard' else ''})
count, size = f.ioctl(4, 0), f.ioctl(5, 0)
print(count, size)
last = count - 1
f.ioctl(6, last)
f.writeblocks(last, b'hello', 3)
buf = bytearray(size)
f.readblocks(last, buf)
print(buf[3:8])
""") == [f"{described.file_size // described.block} {described.block}",
         "bytearray(b'hello')"]


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
