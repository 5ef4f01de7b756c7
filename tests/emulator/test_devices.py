"""Devices on a board: what programs read from them, and what tests see of what programs sent."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from mpy_cross.emulator.crc8 import crc8
from mpy_cross.emulator.devices import (
    AT24,
    BME280,
    DHT11,
    DHT22,
    DS18B20,
    LED,
    MPU6050,
    SSD1306,
    Button,
    NeoPixelStrip,
    Potentiometer,
    SDCard,
    Servo,
)
from mpy_cross.emulator.devices.sdcard import crc7, crc16
from mpy_cross.emulator.testing import BoardUnderTest

pytestmark = pytest.mark.board("pico")

KINDS = ("hardware", "software")


def i2c(kind: str) -> str:
    made = "I2C(0, scl=Pin(5), sda=Pin(4))" if kind == "hardware" else "SoftI2C(Pin(5), Pin(4))"
    return f"from machine import Pin, I2C, SoftI2C\nimport time, struct\ni2c = {made}\n"


# --------------------------------------------------------------------------------------- displays


@pytest.mark.parametrize("kind", KINDS)
def test_display(board: BoardUnderTest, kind: str, tmp_path: Path) -> None:
    display = board.wire(SSD1306(128, 32), scl="GP5", sda="GP4")
    board.exec(i2c(kind) + """
def cmd(*b):
    for c in b:
        i2c.writeto(0x3c, bytes((0x80, c)))
cmd(0xae, 0x20, 0, 0x40, 0xa1, 0xa8, 31, 0xc8, 0xd3, 0, 0x81, 0x33, 0xa6, 0x8d, 0x14, 0xaf)
buf = bytearray(128 * 4)
def pixel(x, y):
    buf[(y >> 3) * 128 + x] |= 1 << (y & 7)
for x in range(8):
    pixel(x, 0)
    pixel(x + 100, 31)
pixel(0, 9)
cmd(0x21, 0, 127, 0x22, 0, 3)
i2c.writevto(0x3c, (b'\\x40', buf))
""")
    assert display.lit and display.contrast == 0x33
    lit = {(x, y) for y, row in enumerate(display.rows()) for x, bit in enumerate(row) if bit}
    assert lit == {(x, 0) for x in range(8)} | {(x + 100, 31) for x in range(8)} | {(0, 9)}
    board.exec("cmd(0xa7)")
    assert sum(map(sum, display.rows())) == 128 * 32 - 17
    board.exec("cmd(0xa6, 0xc0)")  # rows the other way
    assert display.pixel(0, 31 - 9) == 1 and display.pixel(0, 9) == 0
    board.exec("cmd(0xc8, 0xae)")
    assert not any(map(any, display.rows()))
    board.exec("cmd(0xaf)")
    picture = tmp_path / "display.png"
    data = display.png(picture, scale=2)
    assert picture.read_bytes() == data and decoded(data, 2) == display.rows()
    assert display.text().splitlines()[0] == "#" * 8 + "." * 120


def decoded(data: bytes, scale: int) -> list[list[int]]:
    """The points of a one-bit grey PNG."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, found = 8, {}
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", data, at + 8 + size)[0] == zlib.crc32(kind + body)
        found[kind] = body
        at += 12 + size
    width, height = struct.unpack_from(">II", found[b"IHDR"])
    lines, stride = zlib.decompress(found[b"IDAT"]), -(-width // 8) + 1
    return [[lines[y * stride + 1 + (x >> 3)] >> (7 - (x & 7)) & 1 for x in range(0, width, scale)]
            for y in range(0, height, scale)]


def test_display_by_spi(board: BoardUnderTest) -> None:
    display = board.wire(SSD1306(64, 16), sck=2, mosi=3, dc=6, cs=7, res=8)
    board.exec("""
from machine import Pin, SPI
spi = SPI(0, sck=Pin(2), mosi=Pin(3), miso=Pin(0), baudrate=1_000_000)
dc, cs, res = Pin(6, Pin.OUT), Pin(7, Pin.OUT, value=1), Pin(8, Pin.OUT, value=1)
def send(data, level):
    dc(level); cs(0); spi.write(data); cs(1)
send(bytes((0xa1, 0xc8, 0x8d, 0x14, 0xaf, 0xb1, 0x03, 0x10)), 0)
send(b'\\x81\\x01', 1)
spi.write(b'\\xff\\xff')      # not selected
""")
    lit = {(x, y) for y, row in enumerate(display.rows()) for x, bit in enumerate(row) if bit}
    assert lit == {(3, 8), (3, 15), (4, 8)}
    board.exec("res(0); res(1)")
    assert not display.lit


def test_display_modes() -> None:
    """Addressing modes: the order in which bytes fill the memory."""
    for mode, places in ((0, (5 + 128, 6 + 128, 5 + 256, 6 + 256, 5 + 128)),
                         (1, (5 + 128, 5 + 256, 6 + 128, 6 + 256, 5 + 128))):
        display = SSD1306()
        for byte in (0x20, mode, 0x21, 5, 6, 0x22, 1, 2):
            display.command(byte)
        for value, place in enumerate(places, 1):
            display.show(value)
            assert display.memory[place] == value


# ---------------------------------------------------------------------------------------- sensors

BME = """
def comp():
    c = i2c.readfrom_mem(0x76, 0x88, 26)
    h = i2c.readfrom_mem(0x76, 0xe1, 7)
    T = struct.unpack('<Hhh', c)
    P = struct.unpack('<Hhhhhhhhh', c[6:])
    H1 = c[25]
    H2, H3 = struct.unpack('<hB', h)
    H4 = (h[3] << 4) | (h[4] & 15)
    H5 = (h[5] << 4) | (h[4] >> 4)
    H6 = h[6]
    i2c.writeto_mem(0x76, 0xf2, b'\\x01')
    i2c.writeto_mem(0x76, 0xf4, b'\\x25')
    n = 0
    while i2c.readfrom_mem(0x76, 0xf3, 1)[0] & 8:
        n += 1
        time.sleep_ms(1)
    d = i2c.readfrom_mem(0x76, 0xf7, 8)
    p = ((d[0] << 16) | (d[1] << 8) | d[2]) >> 4
    t = ((d[3] << 16) | (d[4] << 8) | d[5]) >> 4
    h = (d[6] << 8) | d[7]
    fine = (t / 16384 - T[0] / 1024) * T[1] + (t / 131072 - T[0] / 8192) ** 2 * T[2]
    v1 = fine / 2 - 64000
    v2 = v1 * v1 * P[5] / 32768 + v1 * P[4] * 2
    v2 = v2 / 4 + P[3] * 65536
    v1 = (P[2] * v1 * v1 / 524288 + P[1] * v1) / 524288
    v1 = (1 + v1 / 32768) * P[0]
    pr = (1048576 - p - v2 / 4096) * 6250 / v1
    pr = pr + (P[8] * pr * pr / 2147483648 + pr * P[7] / 32768 + P[6]) / 16
    x = fine - 76800
    x = (h - (H4 * 64 + H5 / 16384 * x)) * (H2 / 65536 * (
        1 + H6 / 67108864 * x * (1 + H3 / 67108864 * x)))
    x = x * (1 - H1 * x / 524288)
    return fine / 5120, x, pr / 100, n
"""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("values", [(21.5, 40.0, 1013.25), (-12.25, 88.5, 720.5), (60, 5, 1090)])
def test_bme280(board: BoardUnderTest, kind: str, values: tuple[float, float, float]) -> None:
    """The program computes by the floating point formulas of the data sheet, the device inverts
    those for integers."""
    board.wire(BME280(*values), scl="GP5", sda="GP4")
    board.exec(i2c(kind) + BME)
    assert board.eval("i2c.readfrom_mem(0x76, 0xd0, 1)") == b"\x60"
    temperature, humidity, pressure, waits = board.eval("comp()")
    assert float(temperature) == pytest.approx(values[0], abs=0.02)
    assert float(humidity) == pytest.approx(values[1], abs=0.1)
    assert float(pressure) == pytest.approx(values[2], abs=0.3)  # floats of 32 bits on the board
    assert 7 <= waits <= 9  # 8 ms of measuring, 1 ms each


def test_bme280_asleep(board: BoardUnderTest) -> None:
    board.wire(BME280(), scl="GP5", sda="GP4")
    board.exec(i2c("hardware"))
    assert board.eval("i2c.readfrom_mem(0x76, 0xf7, 8)") == b"\x80\0\0\x80\0\0\x80\0"


@pytest.mark.parametrize("kind", KINDS)
def test_mpu6050(board: BoardUnderTest, kind: str) -> None:
    sensor = board.wire(MPU6050((0.5, -1, 1), (10, -20, 250)), scl="GP5", sda="GP4")
    board.exec(i2c(kind) + """
def read():
    return struct.unpack('>7h', i2c.readfrom_mem(0x68, 0x3b, 14))
""")
    assert board.eval("i2c.scan()") == [0x68]
    assert board.eval("read()") == (0,) * 7
    board.exec("i2c.writeto_mem(0x68, 0x6b, b'\\0')")
    assert board.eval("read()") == (8192, -16384, 16384, -3920, 1311, -2621, 32767)
    board.exec("i2c.writeto_mem(0x68, 0x1b, b'\\x18\\x08')")
    sensor.temperature = 36.53
    assert board.eval("read()") == (4096, -8192, 8192, 0, 164, -328, 4096)
    board.exec("i2c.writeto_mem(0x68, 0x6b, b'\\x80')")
    assert board.eval("i2c.readfrom_mem(0x68, 0x6b, 1)") == b"\x40"


ONE_WIRE = """
from machine import Pin
import time
pin = Pin(22, Pin.OPEN_DRAIN, value=1)
def reset():
    pin(0); time.sleep_us(480); pin(1); time.sleep_us(70)
    found = not pin()
    time.sleep_us(410)
    return found
def bit_out(b):
    pin(0)
    if b:
        time.sleep_us(2)
        pin(1); time.sleep_us(58)
    else:
        time.sleep_us(60); pin(1); time.sleep_us(5)
def bit_in():
    pin(0); time.sleep_us(2); pin(1); time.sleep_us(8)
    b = pin()
    time.sleep_us(50)
    return b
def out(*data):
    for byte in data:
        for i in range(8):
            bit_out(byte >> i & 1)
def take(n):
    return bytes(sum([bit_in() << i for i in range(8)]) for _ in range(n))
def scan():
    found, todo = [], [[]]
    while todo:
        path = todo.pop()
        reset(); out(0xf0)
        bits = []
        while len(bits) < 64:
            a, b = bit_in(), bit_in()
            if a and b:
                break
            if len(bits) < len(path):
                a = path[len(bits)]
            elif not a and not b:
                todo.append(bits + [1])
            bits.append(a)
            bit_out(a)
        else:
            found.append(sum([b << i for i, b in enumerate(bits)]).to_bytes(8, 'little'))
    return sorted(found)
def measure(rom):
    reset(); out(0xcc, 0x44)
    start = time.ticks_ms()
    while not bit_in():
        pass
    took = time.ticks_diff(time.ticks_ms(), start)
    reset(); out(0x55, *rom); out(0xbe)
    return take(9), took
"""


def test_ds18b20(board: BoardUnderTest) -> None:
    sensors = [board.wire(DS18B20(degrees, serial), pin="GP22")
               for degrees, serial in ((21.0625, 0x1234), (-10.125, 0x1235), (125, 0xFFFF00000001))]
    board.exec(ONE_WIRE)
    assert board.eval("reset()") is True
    assert board.eval("scan()") == sorted(sensor.code for sensor in sensors)
    for sensor, low in zip(sensors, (0x0151, 0xFF5E, 0x07D0), strict=True):
        data, took = board.eval(f"measure({sensor.code!r})")
        assert struct.unpack("<H", data[:2]) == (low,)  # examples of the data sheet's table 1
        assert crc8(data[:8]) == data[8] and 740 <= took <= 760
    # 9 bits: a write of the configuration, a shorter conversion.
    board.exec("reset(); out(0xcc, 0x4e, 30, 10, 0x1f)")
    data, took = board.eval(f"measure({sensors[0].code!r})")
    assert data[:5] == b"\x50\x01\x1e\x0a\x1f" and 90 <= took <= 96


def test_ds18b20_alone(board: BoardUnderTest) -> None:
    board.exec(ONE_WIRE.replace("value=1)", "value=1)\nPin(22, Pin.OPEN_DRAIN, Pin.PULL_UP)"))
    assert board.eval("reset()") is False  # nobody there
    sensor = board.wire(DS18B20(30, 7), pin="GP22")
    board.exec("reset(); out(0x33)")
    assert board.eval("take(8)") == sensor.code
    board.exec("reset(); out(0xcc, 0xbe)")
    assert board.eval("take(2)") == b"\x50\x05"  # 85 degrees until the first conversion


DHT = """
from machine import Pin, time_pulse_us
import time
def measure(ms):
    pin = Pin(15, Pin.OUT, value=0)
    time.sleep_ms(ms)
    pin.init(Pin.IN, Pin.PULL_UP)
    time.sleep_us(50)
    widths = [time_pulse_us(pin, 1, 1000) for _ in range(41)][1:]
    if min(widths) < 0:
        return b''
    bits = [int(w > 48) for w in widths]
    return bytes(sum([b << 7 - i for i, b in enumerate(bits[n:n + 8])]) for n in range(0, 40, 8))
"""


def test_dht(board: BoardUnderTest) -> None:
    board.exec(DHT)
    sensor = board.wire(DHT22(-10.1, 65.2), pin="GP15")
    assert board.eval("measure(2)") == bytes.fromhex("028c8065") + bytes([0x028C // 256 + 0x8C
                                                                         + 0x80 + 0x65 & 0xFF])
    sensor.temperature, sensor.humidity, sensor.spoil_checksum = 35.1, 99.9, True
    assert board.eval("measure(2)") == bytes([0x03, 0xE7, 0x01, 0x5F, 0x4B])
    assert sensor.readings == 2


def test_dht11(board: BoardUnderTest) -> None:
    board.exec(DHT)
    sensor = board.wire(DHT11(24, 53), pin="GP15")
    assert board.eval("measure(2)") == b""  # too short a call
    assert board.eval("measure(18)") == bytes([53, 0, 24, 0, 77])
    assert sensor.readings == 1


# --------------------------------------------------------------------------------------- memories


@pytest.mark.parametrize("kind", KINDS)
def test_eeprom(board: BoardUnderTest, kind: str) -> None:
    memory = board.wire(AT24(32), scl="GP5", sda="GP4")
    board.exec(i2c(kind) + """
def write(place, data):
    i2c.writeto(0x50, struct.pack('>H', place) + data)
    n = 0
    while True:
        try:
            i2c.writeto(0x50, b'')
            return n
        except OSError:
            n += 1
            time.sleep_ms(1)
""")
    assert 3 <= board.eval("write(0x120, b'hello')") <= 6
    assert memory.data[0x120:0x126] == b"hello\xff"
    board.exec("write(0x1f, b'ABC')")  # the page wraps
    assert memory.data[0x1F:0x21] == b"A\xff" and memory.data[:2] == b"BC"
    assert board.eval("i2c.readfrom_mem(0x50, 0x120, 5, addrsize=16)") == b"hello"
    memory.protected = True
    assert board.eval("write(0, b'x')") == 0
    assert memory.writes == 2 and memory.data[0] == ord("B")


def test_small_eeprom(board: BoardUnderTest) -> None:
    memory = board.wire(AT24(8, data=b"first"), scl="GP5", sda="GP4")
    board.exec(i2c("hardware"))
    assert board.eval("i2c.scan()") == [0x50, 0x51, 0x52, 0x53]
    board.exec("i2c.writeto_mem(0x52, 0x10, b'z')\ntime.sleep_ms(6)")
    assert memory.data[0x210] == ord("z")
    assert board.eval("i2c.readfrom_mem(0x50, 0, 5)") == b"first"
    with pytest.raises(ValueError, match=r"size in kbit of 1, 2, 4.* not 3"):
        AT24(3)


CARD = """
from machine import Pin, SPI
cs = Pin(9, Pin.OUT, value=1)
spi = SPI(1, baudrate=1_000_000, sck=Pin(10), mosi=Pin(11), miso=Pin(12))
def cmd(n, arg=0, more=0, hold=False):
    cs(0)
    spi.write(bytes((0x40 | n, arg >> 24 & 255, arg >> 16 & 255, arg >> 8 & 255, arg & 255, 0x95)))
    for _ in range(20):
        r = spi.read(1, 0xff)[0]
        if not r & 0x80:
            break
    out = bytes((r,)) + (spi.read(more, 0xff) if more else b'')
    if not hold:
        cs(1)
    return out
def block(n):
    while spi.read(1, 0xff) != b'\\xfe':
        pass
    data = spi.read(n, 0xff)
    return data, spi.read(2, 0xff)
def start():
    spi.write(b'\\xff' * 10)
    return (cmd(0), cmd(8, 0x1aa, 4), cmd(17), cmd(55), cmd(41, 1 << 30), cmd(58, 0, 4))
def read(n):
    r = cmd(17, n, hold=True)
    data = block(512)
    cs(1)
    return data
def write(n, data):
    r = cmd(24, n, hold=True)
    spi.write(b'\\xfe' + data + b'\\0\\0')
    a = spi.read(1, 0xff)[0] & 0x1f
    while spi.read(1, 0xff) != b'\\xff':
        pass
    cs(1)
    return a
"""


def test_card(board: BoardUnderTest) -> None:
    card = board.wire(SDCard(1 << 20, b"\x55" * 512 + b"second"),
                      sck=10, mosi=11, miso=12, cs=9)
    board.exec(CARD)
    assert board.eval("start()") == (b"\1", b"\1\0\0\1\xaa", b"\5", b"\1", b"\0",
                                     b"\0\xc0\xff\x80\0")
    data, check = board.eval("read(1)")
    assert data == b"second" + bytes(506) and check == crc16(data).to_bytes(2, "big")
    assert board.eval("write(7, bytes(range(256)) * 2)") == 5
    assert card.data[7 * 512 : 8 * 512] == bytes(range(256)) * 2
    assert board.eval("cmd(17, 1 << 20)") == b"\x20"
    assert card.reads == [1] and card.writes == [7]
    # The size, as drivers compute it (5.3.3).
    board.exec("r = cmd(9, hold=True); csd = block(16)[0]; cs(1)")
    csd = board.eval("csd")
    assert csd[0] >> 6 == 1 and crc7(csd[:15]) == csd[15]
    size = int.from_bytes(csd[7:10], "big") & 0x3FFFFF
    assert (size + 1) * 512 * 1024 == len(card.data)
    # Several blocks.
    board.exec("""
r = cmd(18, 0, hold=True)
several = [block(512)[0][:6] for _ in range(3)]
cs(1); stop = cmd(12)
r = cmd(25, 20, hold=True)
for n in range(2):
    spi.write(b'\\xfc' + bytes([n + 1]) * 512 + b'\\0\\0')
    while spi.read(1, 0xff) != b'\\xff':
        pass
spi.write(b'\\xfd'); cs(1)
""")
    assert board.eval("several") == [b"UUUUUU", b"second", bytes(6)]
    assert card.data[20 * 512 : 22 * 512] == b"\1" * 512 + b"\2" * 512
    card.present = False
    assert board.eval("cmd(0)") == b"\xff"


def test_checks_of_cards() -> None:
    """CMD0 and CMD17 of 4.5 of the specification, and a block of 0xFF."""
    assert crc7(b"\x40\0\0\0\0") == 0x95 and crc7(b"\x51\0\0\0\0") == 0x55
    assert crc16(b"\xff" * 512) == 0x7FA1


# ------------------------------------------------------------------------------- by hand and light


def test_button(board: BoardUnderTest) -> None:
    button = board.wire(Button(bounce=(1, 2)), pin="GP14")
    board.exec("""
from machine import Pin
pin = Pin(14, Pin.IN, Pin.PULL_UP)
falls = []
pin.irq(lambda p: falls.append(1), Pin.IRQ_FALLING)
""")
    assert board.eval("pin()") == 1
    button.press()
    board.advance(ms=5)
    assert board.eval("(pin(), len(falls))") == (0, 2)
    button.release()
    board.advance(ms=5)
    assert board.eval("(pin(), len(falls))") == (1, 3)
    with pytest.raises(ValueError, match="even number of times"):
        board.wire(Button(bounce=(1,)), pin="GP13").press()


def test_light_servo_and_knob(board: BoardUnderTest) -> None:
    light = board.wire(LED(), pin="GP16")
    servo = board.wire(Servo(), pin="GP17")
    knob = board.wire(Potentiometer(0.25), pin="GP26")
    board.exec("""
from machine import Pin, PWM, ADC
a = PWM(Pin(16)); a.freq(1000); a.duty_u16(16384)
""")
    board.advance(ms=50)
    assert light.brightness() == pytest.approx(0.25, abs=0.01)
    board.exec("""
a.deinit()
a = PWM(Pin(17)); a.freq(50); a.duty_ns(2_000_000)
""")
    assert servo.position is None and not servo.driven
    board.advance(ms=50)
    assert servo.position == pytest.approx(135, abs=0.5) and servo.driven
    assert board.eval("ADC(0).read_u16()") == pytest.approx(16384, abs=20)
    knob.position = 1
    assert board.eval("ADC(0).read_u16()") == 65535


def test_strip(board: BoardUnderTest) -> None:
    """Pulses of 0.4 and 0.8 us, made by the clock of this test rather than by slow Python."""
    strip = board.wire(NeoPixelStrip(3), pin="GP28")
    pin, clock = board.session.machine.pin("GP28"), board.session.machine.clock

    def send(data: bytes) -> None:
        for byte in data:
            for bit in range(7, -1, -1):
                high = 800 if byte >> bit & 1 else 400
                pin.force(1)
                clock.advance(high)
                pin.force(0)
                clock.advance(1250 - high)

    send(bytes([1, 2, 3, 4, 5, 6]))
    assert strip.pixels == [(0, 0, 0)] * 3
    clock.advance(60_000)
    assert strip.pixels == [(2, 1, 3), (5, 4, 6), (0, 0, 0)]
    send(bytes([255, 0, 128]))
    clock.advance(60_000)
    assert strip.pixels == [(0, 255, 128), (5, 4, 6), (0, 0, 0)]
    assert len(strip.shown) == 2


def test_wrong_pads(board: BoardUnderTest) -> None:
    with pytest.raises(TypeError, match=r"BME280: .*its pads are scl, sda"):
        board.wire(BME280(), pin="GP4")
    with pytest.raises(TypeError, match="by scl= and sda=, or by sck="):
        board.wire(SSD1306(), scl="GP5")
    with pytest.raises(KeyError, match="pico has no pin"):
        board.wire(LED(), pin="GP99")
