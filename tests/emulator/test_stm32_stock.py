"""Real MicroPython on the pyboard and the NUCLEO-F411RE: the images of two releases."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from mpy_cross.emulator.blocks.stm32.spi import Spi
from mpy_cross.emulator.firmware.files import load
from mpy_cross.emulator.machine import machine
from mpy_cross.emulator.stock import Stock
from mpy_cross.emulator.stock_session import StockSession
from mpy_cross.emulator.testing_firmware import FirmwareUnderTest, RemoteProgramError, booted
from mpy_cross.emulator.wiring import I2CMemory, SPILog
from tests.emulator.stock_images import prompt_evaluates, stock_image

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra emulator")

RELEASES: Final = ("v1.17", "v1.28.0")
PYBOARDS: Final = tuple(f"{release}/PYBV11-UART" for release in RELEASES)
USBS: Final = tuple(f"{release}/PYBV11" for release in RELEASES)
NUCLEOS: Final = tuple(f"{release}/NUCLEO_F411RE" for release in RELEASES)
ALL: Final = PYBOARDS + USBS + NUCLEOS


def board_name(place: str) -> str:
    return "nucleo_f411re" if "NUCLEO" in place else "pyboard"


@pytest.fixture
def board(request: pytest.FixtureRequest) -> FirmwareUnderTest:
    place: str = request.param
    path = stock_image(place)
    console = "USART1" if "UART" in place else "usb" if "PYB" in place else "USART2"
    return FirmwareUnderTest(booted(board_name(place), path, console), path.parent)


everywhere = pytest.mark.parametrize("board", ALL, indirect=True)
pyboards = pytest.mark.parametrize("board", PYBOARDS, indirect=True)
usb = pytest.mark.parametrize("board", USBS, indirect=True)


# Start, prompt, files.

@everywhere
def test_boots_to_its_prompt(board: FirmwareUnderTest) -> None:
    lines = board.printed.splitlines()
    title = board.machine.board.machine
    banner = [line for line in lines if line.startswith("MicroPython v1.")]
    if banner:  # by USB the banner may be gone before the port is open
        assert title in banner[0]
    assert lines[-1] == ">>> "
    assert not board.machine.context.touched  # nothing that is not modelled


@everywhere
def test_prompt_evaluates(board: FirmwareUnderTest) -> None:
    prompt_evaluates(board)


@everywhere
def test_programs(board: FirmwareUnderTest) -> None:
    assert board.exec("print(sum(i * i for i in range(1000)), 2**100)") == \
        f"{sum(i * i for i in range(1000))} {2**100}\n"
    assert board.exec("print([x for x in 'abc'], {1: 2}, '%.4f' % (22 / 7))") == \
        "['a', 'b', 'c'] {1: 2} 3.1429\n"
    with pytest.raises(RemoteProgramError, match="ZeroDivisionError"):
        board.exec("print('before')\n1/0")
    assert board.exec("""
@micropython.native
def a(x, y):
    return x * y
@micropython.viper
def b(x: int, y: int) -> int:
    return x - y
@micropython.asm_thumb
def c(r0, r1):
    add(r0, r0, r1)
print(a(6, 7), b(9, 4), c(1, 2))
""".replace("\n@", "\nimport micropython\n@", 1)) == "42 5 3\n"


@everywhere
def test_files_survive_resets(board: FirmwareUnderTest) -> None:
    board.exec("f = open('/flash/x.txt', 'w')\nf.write('hello' * 500)\nf.close()")
    board.exec("f = open('/flash/main.py', 'w')\nf.write(\"print('main runs')\")\nf.close()\n"
               "import os\nif hasattr(os, 'sync'): os.sync()")
    board.repl.type("\x04")
    board.session.advance(2_000_000_000)
    assert "soft reboot" in board.printed and "main runs" in board.printed
    board.reset()
    assert board.exec("print(len(open('/flash/x.txt').read()))") == "2500\n"
    board.power_on()
    assert board.exec("import os; print(sorted(os.listdir('/flash'))[-1])") == "x.txt\n"


@everywhere
def test_identity(board: FirmwareUnderTest) -> None:
    assert board.eval("__import__('machine').unique_id()") == board.machine.unique_id
    assert board.eval("__import__('machine').freq()[0]") == board.machine.frequency


@pyboards
def test_reset_causes(board: FirmwareUnderTest) -> None:
    board.repl.type("import machine\rmachine.reset()\r")
    board.advance(ms=500)
    assert board.eval("__import__('machine').reset_cause()") == 2  # HARD_RESET
    board.repl.type("import machine\rw = machine.WDT(timeout=300)\r")
    board.advance(ms=800)
    assert board.eval("__import__('machine').reset_cause()") == 3  # WDT_RESET
    board.power_on()
    assert board.eval("__import__('machine').reset_cause()") == 1  # PWRON_RESET


# Time.

@everywhere
def test_sleeping(board: FirmwareUnderTest) -> None:
    before = board.session.now
    board.exec("import time\ntime.sleep(60)", timeout=100)
    assert 60_000_000_000 <= board.session.now - before < 60_200_000_000
    assert board.exec("t = time.ticks_ms()\ntime.sleep_ms(100)\n"
                      "print(time.ticks_diff(time.ticks_ms(), t))") in ("100\n", "101\n")
    assert board.exec("t = time.ticks_us()\ntime.sleep_us(500)\n"
                      "print(500 <= time.ticks_diff(time.ticks_us(), t) < 530)") == "True\n"


@pytest.mark.parametrize("place", (PYBOARDS[0], NUCLEOS[1], USBS[1]))
def test_foreseen_ticks_change_nothing(place: str) -> None:
    """A sleep, run and foreseen: equal instructions, times and output."""
    def run(foreseen: bool) -> tuple[int, int, str]:
        session = booted(board_name(place), stock_image(place),
                         "usb" if place in USBS else "USART1" if "PYB" in place else "USART2")
        pace = session.stock.runner
        skipper = pace.skipper  # type: ignore[attr-defined]
        if not foreseen:
            pace.skipper = None  # type: ignore[attr-defined]
        try:
            output = FirmwareUnderTest(session, Path()).exec(
                "import time\nfor n in range(3):\n    time.sleep(1)\n    print(time.ticks_us())")
        finally:
            pace.skipper = skipper  # type: ignore[attr-defined]
        return session.stock.core.instructions, session.now, output

    assert run(True) == run(False)


@pytest.mark.parametrize("place", PYBOARDS + NUCLEOS)
def test_polls_that_are_cut_short_change_nothing(place: str) -> None:
    """Printing at a UART, with all rounds of its loops run and without: equal instructions."""
    def run(short: bool) -> tuple[int, int, str]:
        session = booted(board_name(place), stock_image(place),
                         "USART1" if "PYB" in place else "USART2")
        devices = session.stock.core._devices  # type: ignore[attr-defined]
        polls = devices.polls
        if not short:
            devices.polls = None
        try:
            output = FirmwareUnderTest(session, Path()).exec("for n in range(100): print(n * 7)")
        finally:
            devices.polls = polls
        assert polls.skipped > 0
        return session.stock.core.instructions, session.now, output

    assert run(True) == run(False)


@pytest.mark.parametrize("place", ALL)
def test_two_runs_are_alike(place: str) -> None:
    def run() -> tuple[int, str, int]:
        session = booted(board_name(place), stock_image(place))
        output = FirmwareUnderTest(session, Path()).exec(
            "import time, os\nfor i in range(20):\n    print(i, time.ticks_us(), os.urandom(2)"
            " if hasattr(os, 'urandom') else '')\n    time.sleep_ms(7)")
        return session.stock.core.instructions, output, session.now

    assert run() == run()


@pyboards
def test_deep_sleep(board: FirmwareUnderTest) -> None:
    """In stop mode the tick stands still and the calendar goes on; standby ends with a reset."""
    board.exec("import machine, pyb\nrtc = pyb.RTC()\nrtc.datetime((2020, 1, 1, 3, 0, 0, 0, 0))")
    before = board.session.now
    assert board.exec("t = pyb.millis()\nmachine.lightsleep(1500)\n"
                      "print(pyb.elapsed_millis(t) < 3, rtc.datetime()[6])") == "True 1\n"
    assert 1_500_000_000 <= board.session.now - before < 1_600_000_000
    assert board.machine.frequency == 168_000_000
    assert board.exec("rtc.wakeup(2000)\npyb.stop()\nrtc.wakeup(None)\n"
                      "print(rtc.datetime()[6])") == "3\n"
    board.repl.type("machine.deepsleep(3000)\r")
    board.advance(ms=4000)
    assert board.printed.endswith(">>> ")
    assert board.eval("__import__('machine').reset_cause()") == 4  # DEEPSLEEP_RESET


# The pyboard's quick reference.

@pyboards
def test_leds_switch_and_pins(board: FirmwareUnderTest) -> None:
    board.exec("from pyb import LED, Pin, Switch\nLED(1).on()\nLED(2).on()\nLED(2).toggle()")
    assert [board.machine.led(n) for n in (1, 2)] == [True, False]
    assert board.exec("LED(4).intensity(128); print(LED(4).intensity())") == "128\n"
    assert board.exec("sw = Switch(); print(sw.value())") == "False\n"
    board.machine.press("SW")
    assert board.exec("print(sw.value())") == "True\n"
    board.machine.release("SW")
    board.exec("p = Pin('X1', Pin.OUT_PP); p.high()")
    assert board.machine.pin("X1").level == 1
    assert board.exec("p.low(); q = Pin('X2', Pin.IN, Pin.PULL_UP); print(q.value())") == "1\n"
    board.machine.pin("X2").force(0)
    assert board.exec("print(q.value(), p.value())") == "0 0\n"
    board.exec("from pyb import ExtInt\nn = []\n"
               "e = ExtInt('X4', ExtInt.IRQ_RISING, Pin.PULL_DOWN, lambda line: n.append(line))")
    board.machine.pin("X4").force(1)
    assert board.exec("e.swint(); print(n)") == "[3, 3]\n"


@pyboards
def test_timers_and_pwm(board: FirmwareUnderTest) -> None:
    assert board.exec("""
import pyb
n = [0]
def f(t): n[0] += 1
tim = pyb.Timer(1, freq=1000)
tim.callback(f)
pyb.delay(100)
tim.callback(None)
print(98 < n[0] < 102, tim.freq(), tim.source_freq())
""") == "True 1000 168000000\n"
    board.exec("tim = pyb.Timer(2, freq=1000)\n"
               "ch = tim.channel(1, pyb.Timer.PWM, pin=pyb.Pin('X1'), pulse_width_percent=25)")
    start = board.session.now
    board.advance(ms=10)
    edges = [event for event in board.machine.trace.edges("X1") if event[0] > start]
    assert 19 <= len(edges) <= 21
    high = [b[0] - a[0] for a, b in pairwise(edges) if a[1]]
    assert all(abs(ns - 250_000) < 50 for ns in high)
    assert board.exec("""
from pyb import Servo
s = Servo(1)
s.angle(45)
print(44 <= s.angle() <= 45)
""") == "True\n"


@pyboards
def test_clock_and_alarms(board: FirmwareUnderTest) -> None:
    assert board.exec("""
import pyb
rtc = pyb.RTC()
rtc.datetime((2017, 8, 23, 3, 12, 48, 58, 0))
pyb.delay(3100)
print(rtc.datetime()[:7])
n = []
rtc.wakeup(100, lambda t: n.append(pyb.millis()))
pyb.delay(1050)
rtc.wakeup(None)
print(len(n))
""") == "(2017, 8, 23, 3, 12, 49, 1)\n10\n"


@pyboards
def test_converters(board: FirmwareUnderTest) -> None:
    wiring = board.machine.wiring
    wiring.apply("X19", 1.1)
    wiring.temperature = 40.0
    assert board.eval("__import__('pyb').ADC(__import__('pyb').Pin('X19')).read()") == 1365
    core, battery, supply = board.exec(
        "import pyb\na = pyb.ADCAll(12, 0x70000)\n"
        "print(a.read_core_temp(), a.read_core_vbat(), a.read_vref())").split()
    assert abs(float(core) - 40) < 1 and abs(float(battery) - 3.3) < 0.01
    assert abs(float(supply) - 3.3) < 0.01
    assert board.exec("""
tim = pyb.Timer(6, freq=1000)
b = bytearray(10)
t = pyb.millis()
pyb.ADC('X19').read_timed(b, tim)
print(list(b), 8 < pyb.elapsed_millis(t) < 12)
""") == f"{[85] * 10} True\n"
    board.exec("from pyb import DAC\nd = DAC(1)\nd.write(128)")
    assert abs(wiring.outputs["X5"][-1][1] - 3.3 * 128 / 256) < 0.01
    board.exec("b = bytearray(range(0, 200, 2))\nd.write_timed(b, 10000, mode=DAC.CIRCULAR)\n"
               "pyb.delay(30)")
    times = [time for time, _ in wiring.outputs["X5"][-200:]]
    assert all(abs(b - a - 100_000) < 100 for a, b in pairwise(times))
    codes = [round(volts / 3.3 * 4095) >> 4 for _, volts in wiring.outputs["X5"][-100:]]
    assert sorted(codes) == list(range(0, 200, 2))


@pyboards
def test_serial_lines(board: FirmwareUnderTest) -> None:
    port = board.machine.uart(3)
    board.exec("from pyb import UART\nu = UART(3, 9600)\nu.write('hello')")
    assert port.sent == b"hello"
    port.feed(b"from outside\n")
    board.advance(ms=20)
    assert board.exec("print(u.any(), u.readline(), u.read())") == "13 b'from outside\\n' None\n"


@pyboards
def test_buses(board: FirmwareUnderTest) -> None:
    board.machine.wiring.i2c(I2CMemory(0x42, bytes(range(16))), "Y9", "Y10")
    log = SPILog(b"\x11\x22\x33\x44", idle=0x55)
    board.machine.wiring.spi(log, "X6", "X8", "X7", "X5")
    assert board.exec("""
from machine import I2C, SoftI2C, Pin
i = I2C('Y', freq=400000)
print(i.scan(), i.readfrom_mem(0x42, 3, 4), i.readfrom_mem(0x42, 3, 1), i.readfrom_mem(0x42, 3, 2))
i.writeto_mem(0x42, 2, b'ab')
print(i.readfrom_mem(0x42, 0, 5))
try:
    i.readfrom(0x43, 1)
except OSError as error:
    print(error.args[0])
print(SoftI2C(scl=Pin('Y9'), sda=Pin('Y10')).readfrom_mem(0x42, 8, 3))
""") == r"""[66] b'\x03\x04\x05\x06' b'\x03' b'\x03\x04'
b'\x00\x01ab\x04'
19
b'\x08\t\n'
"""
    assert board.exec("""
import pyb
i = pyb.I2C(2, pyb.I2C.MASTER, baudrate=100000)
print(i.scan(), i.is_ready(0x42), i.is_ready(0x43))
i.send(b'\\x00\\x10\\x20', 0x42)
print(i.mem_read(2, 0x42, 0), i.mem_read(1, 0x42, 1), i.recv(3, 0x42))
""".replace("MASTER", "MASTER" if "1.17" in board.folder.as_posix() else "CONTROLLER")) == \
        "[66] True False\nb'\\x10 ' b' ' b'ab\\x04'\n"
    assert board.exec("""
cs = pyb.Pin('X5', pyb.Pin.OUT_PP)
s = pyb.SPI(1, pyb.SPI.MASTER, baudrate=1000000)
cs.low()
print(s.send_recv(b'abc'), s.recv(2))
cs.high()
""".replace("MASTER", "MASTER" if "1.17" in board.folder.as_posix() else "CONTROLLER")) == \
        r"""b'\x11"3' b'DU'""" "\n"
    assert log.received[:3] == b"abc"


@pyboards
def test_i2s(board: FirmwareUnderTest) -> None:
    """What is played comes out, and takes its time."""
    port = board.machine.chip.blocks["SPI2"]
    assert isinstance(port, Spi)
    board.exec("from machine import I2S, Pin\nimport time\n"
               "i2s = I2S(2, sck=Pin('Y6'), ws=Pin('Y5'), sd=Pin('Y8'), mode=I2S.TX, bits=16,\n"
               "          format=I2S.STEREO, rate=16000, ibuf=4000)\n"
               "data = bytes(range(1, 251)) * 16\nt = time.ticks_us()\n"
               "for _ in range(4):\n    i2s.write(data)\n"
               "t = time.ticks_diff(time.ticks_us(), t)\ntime.sleep_ms(100)\ni2s.deinit()")
    played = bytes(port.i2s.played).lstrip(b"\0")
    assert played[:16_000] == bytes(range(1, 251)) * 64  # then silence, or the last buffer again
    # 16 kHz, 4 bytes a frame; a buffer of 4000 bytes is still to be played at the end.
    assert 12_000 / 64_000 * 0.9 < board.eval("t") / 1e6 < 12_000 / 64_000 * 1.1


@pyboards
def test_can_loopback(board: FirmwareUnderTest) -> None:
    assert board.exec("""
from pyb import CAN
can = CAN(1, CAN.LOOPBACK)
can.setfilter(0, CAN.LIST16, 0, (123, 124, 125, 126))
can.send('message!', 123)
print(can.recv(0)[0], can.recv if can.any(0) else can.any(0))
""") == "123 False\n"


@pyboards
def test_the_accelerometer(board: FirmwareUnderTest) -> None:
    board.machine.wiring.parts["accelerometer"].set(5, -7, 20)
    assert board.exec("import pyb\na = pyb.Accel()\nprint(a.x(), a.y(), a.z())") == "5 -7 20\n"


# USB.

@usb
def test_usb_device(board: FirmwareUnderTest) -> None:
    port = board.session._usb
    assert port is not None and port.open and board.session.by_usb
    host = port._host
    assert host is not None and host.configured
    assert host.device[8:12] == bytes.fromhex("55f00098")
    assert host.strings[1] == "MicroPython"
    long = "x = '" + "0123456789" * 200 + "'\nprint(len(x), x)"
    assert board.exec(long) == "2000 " + "0123456789" * 200 + "\n"


# How fast it is.

START: Final = """
import sys, time
from pathlib import Path
from mpy_cross.emulator.machine import machine
from mpy_cross.emulator.stock import Stock
class Segment:
    address, data = 0x08000000, Path(sys.argv[1]).read_bytes()
board = machine("pyboard")
stock = Stock(board, [Segment], console=board.uart(1))
print(stock.wait(b">>> ").decode(), stock.core.instructions)
"""


@pytest.mark.parametrize("place", PYBOARDS)
def test_start_from_a_formatted_flash(place: str, tmp_path: Path) -> None:
    """0.25 s on a quiet machine, process and all; on a busy one it is many times that."""
    session = booted("pyboard", stock_image(place), "USART1")
    flash = tmp_path / "flash.bin"
    flash.write_bytes(session.machine.chip.flash.buffer)
    times, output = [], set()
    for _ in range(5):
        before = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", START, flash], capture_output=True,
                              check=True, text=True)
        times.append(time.perf_counter() - before)
        output.add(done.stdout)
    assert len(output) == 1 and ">>> " in output.pop()
    assert min(times) < 3


@pytest.mark.parametrize("place", NUCLEOS[:1])
def test_flash_begins_formatted(place: str) -> None:
    """What one board wrote another one starts from."""
    first = StockSession("nucleo_f411re", load(stock_image(place)).segments, console="USART2")
    first.boot()
    board = machine("nucleo_f411re")
    board.chip.flash.buffer[:] = first.machine.chip.flash.buffer
    stock = Stock(board, [], console=board.uart(2))
    stock.wait(b">>> ", 1_000_000_000)
    assert stock.core.instructions < 2_000_000 < first.stock.core.instructions
