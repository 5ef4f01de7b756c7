"""Real MicroPython on the Pico: the images of two releases, at a UART and over USB."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from mpy_cross.emulator.devices.ds18b20 import DS18B20
from mpy_cross.emulator.devices.neopixel import NeoPixelStrip
from mpy_cross.emulator.firmware.files import load
from mpy_cross.emulator.machine import machine
from mpy_cross.emulator.soc.rp2040_boot import boot
from mpy_cross.emulator.stock import Stock, StockError, usb_console
from mpy_cross.emulator.stock_session import StockSession
from mpy_cross.emulator.testing_firmware import FirmwareUnderTest, RemoteProgramError, booted
from mpy_cross.emulator.wiring import I2CMemory, SPILog
from tests.emulator.pio_programs import WS2812
from tests.emulator.stock_images import prompt_evaluates, stock_image

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra emulator")

UARTS = ("v1.17/PICO-UART", "v1.28.0/RPI_PICO-UART")
USBS = ("v1.17/PICO", "v1.28.0/RPI_PICO")
NEW = UARTS[1:]


@pytest.fixture
def board(request: pytest.FixtureRequest) -> FirmwareUnderTest:
    path = stock_image(request.param)
    return FirmwareUnderTest(booted("pico", path), path.parent)


both = pytest.mark.parametrize("board", UARTS, indirect=True)
usb = pytest.mark.parametrize("board", USBS, indirect=True)


# Start, prompt, files.

@both
def test_boots_to_its_prompt(board: FirmwareUnderTest) -> None:
    lines = board.printed.splitlines()
    assert lines[0].startswith("MicroPython v1.") and "Raspberry Pi Pico with RP2040" in lines[0]
    assert lines[1:] == ['Type "help()" for more information.', ">>> "]
    board.exec("import random; random.seed()")
    assert not board.machine.context.touched  # nothing that is not modelled


@both
def test_prompt_evaluates(board: FirmwareUnderTest) -> None:
    prompt_evaluates(board)


@both
def test_arithmetic(board: FirmwareUnderTest) -> None:
    assert board.eval("(1.5*2.25, 7.0**0.5, int(-3.7), 1e30*1e30, -7//2, -7%3, 2**70)") == \
        "(3.375, 2.645751, -3, inf, -4, 2, 1180591620717411303424)" or board.eval(
        "(1.5*2.25, int(-3.7), -7//2, -7%3, 2**70)") == (3.375, -3, -4, 2, 2**70)
    assert board.exec("import math; print('%.5f %.5f %.5f %.5f' % (math.sin(1), math.log(2), "
                      "math.atan2(1, 2), math.exp(1)))") == "0.84147 0.69315 0.46365 2.71828\n"
    assert board.exec("n = float('nan'); print(n == n, n != n, 0.1 < 0.2, -0.0 == 0.0)") == \
        "False True True True\n"


@both
def test_errors_are_reported(board: FirmwareUnderTest) -> None:
    with pytest.raises(RemoteProgramError, match="ZeroDivisionError"):
        board.exec("print('before')\n1/0")


@both
def test_files_survive_a_reset(board: FirmwareUnderTest) -> None:
    board.exec("f = open('x.txt', 'w')\nf.write('hello' * 1000)\nf.close()")
    board.exec("import os\nos.mkdir('d')\nopen('d/main2.py', 'w').write('print(42)')")
    board.reset()
    assert board.exec("f = open('x.txt'); print(len(f.read()))") == "5000\n"
    assert board.exec("import os; print(os.listdir('d'), os.stat('x.txt')[6])") == \
        "['main2.py'] 5000\n"
    board.exec("f = open('main.py', 'w')\nf.write(\"print('main runs')\")\nf.close()")
    board.repl.type("import machine; machine.reset()\r")
    board.advance(ms=500)
    assert "main runs\n" in board.printed
    board.repl.type("import machine; print(machine.reset_cause() == machine.WDT_RESET)\r")
    board.advance(ms=50)
    assert board.printed.endswith("True\n>>> ")


@both
def test_identity(board: FirmwareUnderTest) -> None:
    assert board.eval("__import__('machine').unique_id()") == board.machine.unique_id
    assert board.eval("__import__('machine').freq()") == 125_000_000
    board.exec("import machine; machine.freq(240000000)")
    assert board.machine.frequency == 240_000_000
    assert board.eval("machine.freq()") == 240_000_000


@pytest.mark.parametrize("place", UARTS)
def test_two_runs_are_alike(place: str) -> None:
    def run() -> tuple[int, str, int]:
        session = StockSession("pico", load(stock_image(place)).segments)
        session.boot()
        session.repl.exec("import _thread\n_thread.start_new_thread(lambda: print(1), ())\n"
                          "print(sum(range(1000)))")
        session.advance(10_000_000)
        return session.stock.core.instructions, session.console, session.now

    assert run() == run()


START = """
import sys
from mpy_cross.emulator.firmware.files import load
from mpy_cross.emulator.stock_session import StockSession
board = StockSession("pico", load(sys.argv[1]).segments, console="UART0")
board.boot()
if len(sys.argv) > 2:
    open(sys.argv[2], "wb").write(board.machine.chip.flash.buffer)
print(board.console.count(">>> "))
"""


@pytest.mark.parametrize("place", UARTS)
def test_start_takes_a_moment(place: str, tmp_path: Path) -> None:
    """Process start to prompt, from a formatted flash, in seconds of the processor; the limit
    leaves room for slow machines (0.2 s was measured)."""
    formatted = tmp_path / "formatted.bin"
    subprocess.run([sys.executable, "-c", START, stock_image(place), formatted], check=True)
    code = START.replace("load(sys.argv[1]).segments", "[Segment(0x10000000, data)]").replace(
        "import sys\n", "import sys\nfrom mpy_cross.emulator.firmware.image import Segment\n"
        "data = open(sys.argv[1], 'rb').read()\n")
    before = os.times()
    done = subprocess.run([sys.executable, "-c", code, formatted], check=True,
                          capture_output=True, text=True)
    after = os.times()
    assert done.stdout == "1\n"
    spent = (after.children_user - before.children_user
             + after.children_system - before.children_system)
    assert spent < 1.0


@both
def test_boot_loader_is_an_error(board: FirmwareUnderTest) -> None:
    board.repl.type("import machine; machine.bootloader()\r")
    with pytest.raises(StockError, match="boot loader"):
        board.advance(ms=500)


@both
def test_sleep_modes(board: FirmwareUnderTest) -> None:
    assert board.exec("import machine, time\nt = time.ticks_ms()\nmachine.lightsleep(100)\n"
                      "print(100 <= time.ticks_diff(time.ticks_ms(), t) < 102)") == "True\n"
    banners = board.printed.count("MicroPython v1")
    board.repl.type("machine.deepsleep(1000)\r")
    board.advance(ms=900)
    assert board.printed.count("MicroPython v1") == banners
    board.advance(ms=400)
    assert board.printed.count("MicroPython v1") == banners + 1


@both
def test_machine_code_of_the_board(board: FirmwareUnderTest) -> None:
    """What the firmware compiles itself, in memory that held other code before."""
    assert board.exec("""
for n in range(5):
    exec('''
@micropython.asm_thumb
def f(r0):
    add(r0, r0, r0)
    add(r0, %d)

@micropython.viper
def g(n: int) -> int:
    return n * n + %d

@micropython.native
def h(n):
    return [i + %d for i in range(n)]
''' % (n, n, n))
    print(f(21), g(12), h(3))
""") == "".join(f"{42 + n} {144 + n} {[n, n + 1, n + 2]}\n" for n in range(5))


# Time.

@both
def test_sleep_is_virtual(board: FirmwareUnderTest) -> None:
    began, real = board.now, time.process_time()
    board.exec("import time\ntime.sleep(60)", timeout=70)
    assert 60_000_000_000 <= board.now - began < 60_300_000_000
    assert time.process_time() - real < 2  # 0.1 s was measured
    assert board.exec("t = time.ticks_ms(); time.sleep_ms(100); u = time.ticks_us(); "
                      "time.sleep_us(500)\n"
                      "print(100 <= time.ticks_diff(time.ticks_ms(), t) < 102, "
                      "500 <= time.ticks_diff(time.ticks_us(), u) < 600)") == "True True\n"


@both
def test_timers(board: FirmwareUnderTest) -> None:
    assert board.exec("""
from machine import Timer
import time
ticks = []
t0 = time.ticks_ms()
tim = Timer(period=50, mode=Timer.ONE_SHOT, callback=lambda t: ticks.append('once'))
time.sleep_ms(60)
tim.init(period=20, mode=Timer.PERIODIC, callback=lambda t: ticks.append('more'))
time.sleep_ms(110)
tim.deinit()
time.sleep_ms(50)
print(ticks)
""") == "['once', 'more', 'more', 'more', 'more', 'more']\n"


@both
def test_rtc(board: FirmwareUnderTest) -> None:
    assert board.exec("""
from machine import RTC
import time
rtc = RTC()
rtc.datetime((2017, 8, 31, 4, 23, 59, 58, 0))
time.sleep(3)
print(rtc.datetime()[:3], rtc.datetime()[4:7])
""") == "(2017, 9, 1) (0, 0, 1)\n"


@both
def test_watchdog(board: FirmwareUnderTest) -> None:
    board.exec("from machine import WDT\nimport time\nw = WDT(timeout=2000)\n"
               "for _ in range(4):\n    time.sleep(1)\n    w.feed()")
    banners = board.printed.count("MicroPython v1")
    board.advance(ms=1900)
    assert board.printed.count("MicroPython v1") == banners
    board.advance(ms=400)
    assert board.printed.count("MicroPython v1") == banners + 1


# Pads.

@both
def test_pins_and_interrupts(board: FirmwareUnderTest) -> None:
    board.pin("GP2").drive(1)
    assert board.exec("""
from machine import Pin
p0 = Pin(3, Pin.OUT)
p0.on()
p2 = Pin(2, Pin.IN)
p4 = Pin(4, Pin.IN, Pin.PULL_UP)
print(p0.value(), p2.value(), p4.value())
seen = []
p2.irq(lambda p: seen.append(p.value()), Pin.IRQ_FALLING | Pin.IRQ_RISING)
""") == "1 1 1\n"
    for level in (0, 1, 0):
        board.pin("GP2").drive(level)
        board.advance(ms=1)
    assert board.eval("seen") == [0, 1, 0]
    assert board.machine.pin("GP3").level == 1


@both
def test_pwm(board: FirmwareUnderTest) -> None:
    board.exec("from machine import Pin, PWM\nimport time\npwm = PWM(Pin(15))\npwm.freq(1000)\n"
               "pwm.duty_u16(16384)\ntime.sleep_ms(20)")
    edges = board.machine.trace.edges("GP15")[-12:]
    times = [after[0] - before[0] for before, after in pairwise(edges)]
    first = edges[0][1]
    assert all(abs(time - 750_000) < 100 for time in times[first::2])
    assert all(abs(time - 250_000) < 100 for time in times[1 - first :: 2])
    assert board.eval("pwm.freq()") == 1000


@both
def test_adc(board: FirmwareUnderTest) -> None:
    board.machine.wiring.apply("GP26", 1.65)
    value = board.eval("__import__('machine').ADC(26).read_u16()")
    assert abs(value - 32768) <= 16
    board.machine.wiring.temperature = 42.0
    raw = board.eval("__import__('machine').ADC(4).read_u16()")
    assert abs(27 - (raw * 3.3 / 65535 - 0.706) / 0.001721 - 42) < 0.5


# Buses.

@both
def test_uart(board: FirmwareUnderTest) -> None:
    board.exec("from machine import UART, Pin\nimport time\n"
               "uart1 = UART(1, baudrate=9600, tx=Pin(4), rx=Pin(5))\nuart1.write('hello' * 20)\n"
               "time.sleep_ms(120)")
    assert board.machine.uart(1).sent == b"hello" * 20
    board.machine.uart(1).feed(b"world")
    board.advance(ms=20)
    assert board.eval("(uart1.any(), uart1.read(5))") == (5, b"world")


@both
def test_spi(board: FirmwareUnderTest) -> None:
    device = SPILog(b"from the device")
    board.machine.wiring.spi(device, "GP18", "GP19", "GP16", cs="GP17")
    assert board.exec("""
from machine import Pin, SPI
cs = Pin(17, Pin.OUT, value=1)
spi = SPI(0, 1_000_000, sck=Pin(18), mosi=Pin(19), miso=Pin(16))
cs(0)
print(spi.read(4, 0x55))
buf = bytearray(11)
spi.write_readinto(b'from pico!!', buf)
cs(1)
print(buf)
""") == "b'from'\nbytearray(b' the device')\n"
    assert device.received == b"UUUUfrom pico!!"


@both
def test_spi_by_dma(board: FirmwareUnderTest) -> None:
    """Long transfers go through DMA."""
    device = SPILog(echo=True)
    board.machine.wiring.spi(device, "GP10", "GP11", "GP8")
    assert board.exec("""
from machine import Pin, SPI
spi = SPI(1, 10_000_000, sck=Pin(10), mosi=Pin(11), miso=Pin(8))
out = bytes(range(256)) * 2
back = bytearray(512)
spi.write_readinto(out, back)
print(back[1:] == out[:-1])
""") == "True\n"
    assert device.received == bytes(range(256)) * 2


@both
@pytest.mark.parametrize("kind", ["I2C(0, ", "SoftI2C("])
def test_i2c(board: FirmwareUnderTest, kind: str) -> None:
    memory = I2CMemory(0x3A, bytes(range(256)))
    board.machine.wiring.i2c(memory, "GP9", "GP8")
    assert board.exec(f"""
from machine import Pin, I2C, SoftI2C
i2c = {kind}scl=Pin(9), sda=Pin(8), freq=400_000)
print(i2c.scan(), i2c.writeto(0x3a, b'\\x05abc'))
print(i2c.readfrom_mem(0x3a, 4, 5))
i2c.writeto_mem(0x3a, 0x20, b'xyz' * 20)
try:
    i2c.writeto(0x11, b'x')
except OSError as error:
    print('OSError')
""") == "[58] 4\nb'\\x04abc\\x08'\nOSError\n"
    assert memory.data[0x20 : 0x20 + 60] == b"xyz" * 20


@both
def test_onewire(board: FirmwareUnderTest) -> None:
    board.wire(DS18B20(23.5, 7), pin="GP22")
    assert board.exec("""
import time, onewire, ds18x20
from machine import Pin
ds = ds18x20.DS18X20(onewire.OneWire(Pin(22)))
roms = ds.scan()
ds.convert_temp()
time.sleep_ms(750)
print(len(roms), ds.read_temp(roms[0]))
""") == "1 23.5\n"


@pytest.mark.parametrize("board", NEW, indirect=True)  # the other has no module of that name
def test_neopixel(board: FirmwareUnderTest) -> None:
    strip = board.wire(NeoPixelStrip(3), pin="GP28")
    board.exec("""
from machine import Pin
from neopixel import NeoPixel
import time
np = NeoPixel(Pin(28, Pin.OUT), 3)
np[0] = (255, 255, 255)
np[1] = (1, 2, 3)
np.write()
time.sleep_ms(1)
np.write()
""")
    assert strip.shown and strip.shown[-1][1] == [(255, 255, 255), (1, 2, 3), (0, 0, 0)]


# PIO and the second core.

@both
def test_pio_blinks_at_1_hz(board: FirmwareUnderTest) -> None:
    """The example of the manual, with its interrupt."""
    assert board.exec("""
import time
from machine import Pin
import rp2

@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def blink_1hz():
    irq(rel(0))
    set(pins, 1)
    set(x, 31)                [5]
    label("delay_high")
    nop()                     [29]
    jmp(x_dec, "delay_high")
    set(pins, 0)
    set(x, 31)                [6]
    label("delay_low")
    nop()                     [29]
    jmp(x_dec, "delay_low")

stamps = []
sm = rp2.StateMachine(0, blink_1hz, freq=2000, set_base=Pin(25))
sm.irq(lambda p: stamps.append(time.ticks_ms()))
sm.active(1)
time.sleep_ms(3500)
sm.active(0)
print([time.ticks_diff(b, a) for a, b in zip(stamps, stamps[1:])])
""") == "[1000, 1000, 1000]\n"
    edges = board.machine.trace.edges("GP25")
    # From one SET to the other it is a cycle less, as IRQ comes in front.
    assert [after[0] - before[0] for before, after in pairwise(edges)] == [
        499_500_000, 500_500_000] * 3 + [499_500_000]


@both
def test_pio_drives_lights(board: FirmwareUnderTest) -> None:
    strip = board.wire(NeoPixelStrip(2), pin="GP22")
    board.exec("""
import array, time, rp2
from machine import Pin

""" + WS2812 + """
sm = rp2.StateMachine(1, ws2812, freq=8_000_000, sideset_base=Pin(22))
sm.active(1)
for _ in range(2):
    sm.put(array.array("I", [0x123456, 0xFF00AA]), 8)
    time.sleep_ms(1)
""")
    assert strip.shown[-1][1] == [(0x34, 0x12, 0x56), (0, 0xFF, 0xAA)]


@both
def test_pio_talks_to_the_program(board: FirmwareUnderTest) -> None:
    board.pin("GP5").drive(1)
    assert board.exec("""
import rp2
from machine import Pin

@rp2.asm_pio(in_shiftdir=rp2.PIO.SHIFT_LEFT)
def invert():
    pull()
    mov(isr, invert(osr))
    push()
    irq(rel(0))

@rp2.asm_pio()
def count():
    pull()
    mov(x, osr)
    wait(0, pin, 0)
    label("again")
    jmp(x_dec, "again")
    in_(pins, 1)
    push()

sm = rp2.StateMachine(4, invert)
sm.active(1)
sm.put(0x12345678)
print(hex(sm.get()))
other = rp2.StateMachine(1, count, in_base=Pin(5))
other.active(1)
other.put(100)
print(other.rx_fifo(), sm.tx_fifo())
""") == "0xedcba987\n0 0\n"
    board.pin("GP5").drive(0)
    board.advance(ms=1)
    assert board.eval("(other.rx_fifo(), other.get())") == (1, 0)
    assert board.exec("""
sm = rp2.StateMachine(0, invert)
sm.exec("set(x, 21)")
sm.exec("mov(isr, x)")
sm.exec("push()")
print(sm.get())
""") == "21\n"


@both
def test_second_core(board: FirmwareUnderTest) -> None:
    assert board.exec("""
import _thread, time
lock = _thread.allocate_lock()
n = 0
done = []

def work(name):
    global n
    for i in range(300):
        with lock:
            n += 1
    done.append(name)

_thread.start_new_thread(work, (1,))
work(0)
while len(done) < 2:
    time.sleep_ms(1)
print(n, sorted(done))
""") == "600 [0, 1]\n"
    # The core is free again, sleeps by itself, and the file system is written from both.
    assert board.exec("""
def sleeper():
    time.sleep(1)
    with open('by1.txt', 'w') as file:
        file.write('core 1')
    done.append('slept')

done.clear()
_thread.start_new_thread(sleeper, ())
time.sleep(3)
print(done, open('by1.txt').read())
""") == "['slept'] core 1\n"


# What only the later release has.

@pytest.mark.parametrize("board", NEW, indirect=True)
def test_i2s(board: FirmwareUnderTest) -> None:
    """PIO and DMA together: frames of 2 x 16 bits on three pads."""
    bits: list[tuple[int, int]] = []
    clock, word, data = (board.machine.pin(name) for name in ("GP16", "GP17", "GP18"))
    clock.watch(lambda level: bits.append((word.level, data.level)) if level else None)
    board.exec("""
from machine import I2S, Pin
i2s = I2S(0, sck=Pin(16), ws=Pin(17), sd=Pin(18), mode=I2S.TX, bits=16, format=I2S.STEREO,
          rate=8000, ibuf=2000)
i2s.write(b'\\x34\\x12\\xcd\\xab' * 100)
""")
    board.advance(ms=30)
    text = "".join(str(data) for _, data in bits)
    assert f"{0x1234:016b}{0xABCD:016b}" * 3 in text
    board.exec("i2s.deinit()")


@pytest.mark.parametrize("board", NEW, indirect=True)
def test_dma_class(board: FirmwareUnderTest) -> None:
    assert board.exec("""
import rp2
a, b = bytearray(range(64)), bytearray(64)
d = rp2.DMA()
d.config(read=a, write=b, count=16, ctrl=d.pack_ctrl(), trigger=True)
while d.active():
    pass
print(a == b)
d.close()
print(rp2.bootsel_button())
""") == "True\n0\n"


# USB.

@usb
def test_usb_prompt(board: FirmwareUnderTest) -> None:
    notes = board.machine.trace.notes("usb")
    assert notes[0] == "the host resets the bus" and "2e8a:0005/02 2e8a:0005/0a" in notes[1]
    assert ">>> " in board.printed
    assert board.eval("sum(range(100))") == 4950


@pytest.mark.parametrize("place", USBS)
def test_start_touches_nothing_that_is_not_modelled(place: str) -> None:
    segments = load(stock_image(place)).segments
    made = machine("pico", strict=True)
    stock = Stock(made, segments, runner=boot(made))
    stock.console = usb_console(made)
    stock.run(500_000_000)
    stock.type(b"\r")
    assert stock.wait(b">>> ").endswith(b">>> ")


@usb
def test_usb_long_transfers(board: FirmwareUnderTest) -> None:
    text = "".join(chr(65 + n % 26) for n in range(5000))
    assert board.exec(f"s = '{text}'\nprint(s)\nprint(s.lower())") == f"{text}\n{text.lower()}\n"


@usb
@pytest.mark.parametrize("size", [64, 128, 192, 256, 512])
def test_usb_full_packets(board: FirmwareUnderTest, size: int) -> None:
    """A program that ends with a full packet; 1.17 waits for one that is not full, or for 256."""
    source = "print(7)"
    source += "#" * (size - 1 - len(source))  # and the key that runs it
    assert board.exec(source) == "7\n"


@usb
def test_usb_idle_costs_little(board: FirmwareUnderTest) -> None:
    real = time.process_time()
    board.exec("import time\ntime.sleep(60)", timeout=70)
    assert time.process_time() - real < 2  # 0.1 s was measured


@usb
def test_usb_interrupts_and_soft_reset(board: FirmwareUnderTest) -> None:
    board.repl.type("while True: pass\r\r")
    board.advance(ms=50)
    board.repl.type(b"\x03")
    board.advance(ms=20)
    assert board.printed.endswith("KeyboardInterrupt: \n>>> ")
    board.repl.type(b"\x04")
    board.advance(ms=200)
    assert "soft reboot" in board.printed and board.printed.endswith(">>> ")


LISTING = "import os\nfor i in range(300):\n    print(i, os.listdir('/'))\n"


@usb
def test_long_listing_in_pieces_of_time(board: FirmwareUnderTest) -> None:
    """The output comes as it is printed, however time is cut; nothing waits for the host."""
    session = board.session
    board.exec("open('a.txt', 'w').close()")
    whole = "".join(f"{n} ['a.txt']\n" for n in range(300))
    assert board.exec(LISTING, timeout=5) == whole
    running, out, taken, n = session.repl.start(LISTING), bytearray(), 0, 0
    while not running.ended:
        n = n * 1103515245 + 12345 & 0x7FFFFFFF
        session.stock.run_until(session.now + 100 + (n >> 8) % 4_000_000)
        piece = running.take()
        taken += bool(piece)
        out += piece
    assert running.finish() == b""
    assert out.decode().replace("\r\n", "\n") == whole and taken > 20
