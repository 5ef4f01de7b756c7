"""The boards with ESP32 and ESP8266: registers, pads, `machine`, `esp`, `esp32`."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from mpy_cross.emulator.boards import board as find_board
from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.machine import machine
from mpy_cross.emulator.repl.hosted import HostedBoard
from mpy_cross.emulator.session import EXIT_RESET, Session
from mpy_cross.emulator.stock import StockError
from mpy_cross.emulator.stock_session import StockSession
from mpy_cross.emulator.wiring import SPILog
from mpy_cross.loader.release import get
from tests.emulator.hardware_runs import MS, Start, printed, register, start

__all__ = ["start"]
BOTH: Final = ("esp32", "esp8266")


@pytest.mark.spec("H56", "H81")
@pytest.mark.parametrize("board, chip, core, mhz, flash", [
    ("esp32", "ESP32", "lx6", 160, 4), ("esp8266", "ESP8266EX", "lx106", 80, 4)])
def test_facts(board: str, chip: str, core: str, mhz: int, flash: int, start: Start) -> None:
    session = start(board)
    made = session.machine.chip
    assert (made.name, made.core, made.flash.size) == (chip, core, flash << 20)
    assert printed(session, "import sys, machine, os\n"
                            "print(sys.platform, machine.freq(), os.uname()[0])") == [
        f"{board} {mhz * 1_000_000} {board}"]


def test_memory_map_of_the_esp32() -> None:
    bus = machine("esp32").bus
    bus.write(0x3FFB0000, 4, 0x12345678)  # SRAM2
    assert bus.read(0x3FFB0000, 4) == 0x12345678
    bus.write(0x400C0010, 4, 7)  # RTC fast memory, by its two addresses
    assert bus.read(0x3FF80010, 4) == 7
    assert bus.read(0x3F400000, 4) == bus.read(0x400D0000, 4) == 0xFFFFFFFF  # flash
    mac = bus.read(0x3FF5A004, 4), bus.read(0x3FF5A008, 4)
    assert (mac[1] & 0xFFFF) << 32 | mac[0] == 0x240AC4A1B2C3
    assert bus.read(0x3FF75144, 4) != bus.read(0x3FF75144, 4)  # random numbers


def test_memory_map_of_the_esp8266() -> None:
    bus = machine("esp8266").bus
    bus.write(0x3FFE8000, 4, 5)
    bus.write(0x40100000, 4, 6)
    assert (bus.read(0x3FFE8000, 4), bus.read(0x40100000, 4)) == (5, 6)
    assert bus.read(0x402FFFFC, 4) == 0xFFFFFFFF
    assert bus.read(0x3FF00050, 4) >> 24 == 0xC3


@pytest.mark.spec("H64", "H93")
@pytest.mark.parametrize("board", BOTH)
def test_pins(board: str, start: Start) -> None:
    session = start(board)
    assert printed(session, """
from machine import Pin, Signal
p = Pin(13, Pin.OUT, value=1)
print(p, p(), p.value())
p.off()
print(p.value())
led = Signal(Pin(13, Pin.OUT), invert=True)
led.on()
print(led.value(), p())
i = Pin(4, Pin.IN, Pin.PULL_UP)
print(i())
seen = []
print(i.irq(seen.append, Pin.IRQ_FALLING).trigger())
o = Pin(14, Pin.OPEN_DRAIN, value=1)
try:
    Pin(99)
except ValueError as error:
    print(error)
""") == ["Pin(13) 1 1", "0", "1 0", "1", "2", "invalid pin"]
    pad = session.machine.pin("4")
    pad.force(0)
    session.advance(MS)
    pad.force(1)
    session.advance(MS)
    assert printed(session, "print(seen)") == ["[Pin(4)]"]
    drain = session.machine.pin("14")
    assert drain.driven is None
    drain.force(0)
    assert printed(session, "print(o(), o(0), o())") == ["0 None 0"]


def test_special_pins(start: Start) -> None:
    session = start("esp32")
    assert printed(session, """
from machine import Pin
for number, mode in ((34, Pin.OUT), (20, Pin.IN)):
    try:
        Pin(number, mode)
    except ValueError as error:
        print(error)
high = Pin(33, Pin.OUT, value=1)
print(high(), Pin(39, Pin.IN)())
""") == ["pin can only be input", "invalid pin", "1 0"]
    assert register(session, "GPIO", "OUT1") == 2 and register(session, "GPIO", "ENABLE1") == 2
    session = start("esp8266")
    assert printed(session, """
from machine import Pin
p = Pin(16, Pin.OUT, value=1)
print(p())
for call in (lambda: Pin(16, Pin.IN, Pin.PULL_UP), lambda: p.irq(print)):
    try:
        call()
    except (ValueError, OSError) as error:
        print(error)
""") == ["1", "Pin(16) doesn't support pull", "pin does not have IRQ capabilities"]
    assert register(session, "RTC", "GPIO_OUT") == 1


@pytest.mark.spec("H75", "H92")
@pytest.mark.parametrize("board, number", [("esp32", 0), ("esp32", 3), ("esp8266", -1)])
def test_timers(board: str, number: int, start: Start) -> None:
    session = start(board)
    assert printed(session, f"""
import time
from machine import Timer
times, once = [], []
t = Timer({number})
t.init(period=20, mode=Timer.PERIODIC, callback=lambda t: times.append(time.ticks_ms()))
begun = time.ticks_ms()
time.sleep_ms(105)
t.deinit()
print([each - begun for each in times])
t.init(period=5, mode=Timer.ONE_SHOT, callback=lambda t: once.append(1))
time.sleep_ms(50)
t.init(freq=1000, callback=lambda t: once.append(2))
time.sleep_us(3500)
t.deinit()
print(once)
""") == ["[20, 40, 60, 80, 100]", "[1, 2, 2, 2]"]


def test_timer_registers() -> None:
    board = machine("esp32")
    chip = board.chip
    chip.poke("TIMG0", {"T0CONFIG": 1 << 31 | 1 << 30 | 80 << 13, "T0ALARMLO": 1000})
    board.clock.advance(500_000)
    chip.poke("TIMG0", {"T0UPDATE": 1})
    assert chip.blocks["TIMG0"].read(4) == 500
    chip.poke("TIMG0", {"INT_ENA_TIMERS": 1,
                        "T0CONFIG": 1 << 31 | 1 << 30 | 80 << 13 | 1 << 11 | 1 << 10})
    board.clock.advance(499_000)
    assert not chip.interrupts[0][14].level
    board.clock.advance(1_000)
    assert chip.interrupts[0][14].level
    chip.poke("TIMG0", {"INT_CLR_TIMERS": 1})
    assert not chip.interrupts[0][14].level
    board = machine("esp8266")
    chip = board.chip
    chip.poke("FRC", {"FRC1_LOAD": 5000, "FRC1_CTRL": 1 << 7 | 1 << 2})  # 5 MHz, down
    board.clock.advance(999_000)
    assert chip.blocks["FRC"].read(4) == 5 and not chip.interrupts[0][9].level
    board.clock.advance(1_000)
    assert chip.interrupts[0][9].level


@pytest.mark.spec("H76", "H94")
@pytest.mark.parametrize("board", BOTH)
def test_uart(board: str, start: Start) -> None:
    session = start(board)
    printed(session, "from machine import UART\nu = UART(1, 9600)\nu.write(b'hello')\nu.flush()")
    port = session.machine.uart(1)
    assert bytes(port.sent) == b"hello"
    assert 5_000_000 < session.now < 6_000_000  # five frames
    if board == "esp8266":
        assert printed(session, "try:\n u.read()\nexcept OSError as e:\n print(e)\nprint(u)") == [
            "UART(1) can't read", "UART(1, baudrate=9600, bits=8, parity=None, stop=1, rxbuf=16, "
            "timeout=0, timeout_char=2)"]
        return
    port.feed(b"0123456789" * 20)
    session.advance(300 * MS)
    assert printed(session, "print(u.any(), u.read(3), len(u.read()))") == ["200 b'012' 197"]


@pytest.mark.spec("H65", "H87")
def test_pulses_have_their_lengths(start: Start) -> None:
    session = start("esp32")
    printed(session, "from machine import Pin, PWM\np = PWM(Pin(5), freq=1000, duty=256)\n"
                     "import time\ntime.sleep_ms(5)")
    edges = session.machine.trace.edges("5")
    spans = [later[0] - before[0] for before, later in pairwise(edges[1:])]
    high, low = spans[2:4] if edges[3][1] else spans[3:5]
    assert (high, low) in ((250_000, 750_000), (750_000, 250_000))
    assert printed(session, "p.deinit()\nprint(p)") == ["PWM(Pin(5))"]
    session = start("esp8266")
    printed(session, "from machine import Pin, PWM\np = PWM(Pin(5), 100, 1023 // 4)\n"
                     "import time\ntime.sleep_ms(50)")
    edges = session.machine.trace.edges("5")
    highs = [b[0] - a[0] for a, b in pairwise(edges) if a[1]]
    assert set(highs[1:]) == {10_000_000 * 255 // 1023}


@pytest.mark.spec("H66", "H95")
def test_converters(start: Start) -> None:
    session = start("esp32")
    session.machine.wiring.apply("34", 0.5)
    assert printed(session, """
from machine import ADC, Pin
a = ADC(Pin(34))
print(a.read(), a)
a.atten(ADC.ATTN_6DB)
a.width(ADC.WIDTH_10BIT)
print(a.read(), a.read_u16())
try:
    ADC(Pin(4))
except ValueError as error:
    print(error)
""") == ["2048 ADC(Pin(34))", "256 16400", "invalid Pin for ADC"]
    session = start("esp8266")
    session.machine.wiring.apply("A0", 0.25)
    assert printed(session, "from machine import ADC\nprint(ADC(0).read(), ADC(1))") == [
        "256 ADC(1)"]


@pytest.mark.spec("H67", "H79", "H98", "H99")
@pytest.mark.parametrize("board", BOTH)
def test_deep_sleep_and_what_survives_it(board: str, start: Start, tmp_path: Path) -> None:
    session = start(board)
    (tmp_path / "main.py").write_text("""
import machine, time
rtc = machine.RTC()
if machine.reset_cause() == machine.DEEPSLEEP_RESET:
    print('awake', rtc.memory(), time.ticks_ms() >= 2000)
else:
    print(machine.reset_cause() == machine.PWRON_RESET, rtc.memory())
    rtc.memory(b'kept')
    machine.deepsleep(2000)
""")
    outcome = session.run(tmp_path)
    assert outcome is not None and outcome.status == 0, outcome
    assert session.console == "True b''\nawake b'kept' True\n"


@pytest.mark.parametrize("board", BOTH)
def test_clock_and_watchdog(board: str, start: Start) -> None:
    session = start(board)
    assert printed(session, """
import time, machine
rtc = machine.RTC()
rtc.datetime((2020, 2, 29, 0, 23, 59, 59, 0))
time.sleep(1)
print(rtc.datetime()[:7], time.localtime()[:6])
print(machine.freq(80000000), machine.freq())
""") == ["(2020, 3, 1, 6, 0, 0, 0) (2020, 3, 1, 0, 0, 0)", "None 80000000"]
    outcome = session.execute("wdt = machine.WDT()\nfor i in range(3):\n    time.sleep(3)\n"
                              "    wdt.feed()\nprint('fed')\nwhile True:\n    pass")
    assert outcome is not None and outcome.status == EXIT_RESET
    assert session.machine.reset_cause == "watchdog" and session.console.endswith("fed\n")


@pytest.mark.spec("H89", "H74")
@pytest.mark.parametrize("board", BOTH)
def test_flash(board: str, start: Start) -> None:
    session = start(board)
    assert printed(session, """
import esp
sector = esp.flash_size() // 4096 - 2
esp.flash_erase(sector)
esp.flash_write(sector * 4096, b'abcd')
esp.flash_write(sector * 4096, b'\\xff\\x00\\xff\\xff')
b = bytearray(5)
esp.flash_read(sector * 4096, b)
print(b)
try:
    esp.flash_read(1 << 23, b)
except OSError as error:
    print(error.args[0])
""") == ["bytearray(b'a\\x00cd\\xff')", "5"]


@pytest.mark.spec("H83", "H86", "F18")
def test_partitions_and_values(start: Start) -> None:
    session = start("esp32")
    assert printed(session, """
import esp32, os
p = esp32.Partition.find(esp32.Partition.TYPE_DATA, label='vfs')[0]
print(p.info(), p.ioctl(4, 0), p.ioctl(5, 0))
open('kept', 'w').write('text')
os.umount('/')
os.mount(p, '/')
print(os.listdir(), esp32.Partition(esp32.Partition.RUNNING).info()[4])
n = esp32.NVS('space')
n.set_i32('number', -5)
n.set_blob('data', b'xyz')
print(esp32.NVS('space').get_i32('number') if 0 else n.get_i32('number'))
n.commit()
m = esp32.NVS('space')
b = bytearray(4)
print(m.get_i32('number'), m.get_blob('data', b), b)
m.erase_key('number')
try:
    m.get_i32('number')
except OSError as error:
    print(error.args[1])
""") == ["(1, 129, 2097152, 2097152, 'vfs', False) 512 4096", "['kept'] factory", "-5",
         "-5 3 bytearray(b'xyz\\x00')", "ESP_ERR_NVS_NOT_FOUND"]


@pytest.mark.spec("H102", "H82")
def test_what_wakes_the_esp32(start: Start) -> None:
    session = start("esp32")
    session.machine.wiring.parts["touch GPIO14"] = 100
    assert printed(session, """
import machine, esp32
from machine import Pin, TouchPad
t = TouchPad(Pin(14))
t.config(500)
esp32.wake_on_touch(True)
machine.lightsleep(1000)
print(t.read(), machine.wake_reason() == machine.TOUCHPAD_WAKE)
esp32.wake_on_touch(False)
esp32.wake_on_ext0(Pin(4, Pin.IN, Pin.PULL_UP), esp32.WAKEUP_ALL_LOW)
machine.lightsleep(10)
print(machine.wake_reason() == machine.TIMER_WAKE)
Pin(4, Pin.IN, Pin.PULL_DOWN)
machine.lightsleep(10)
print(machine.wake_reason() == machine.EXT0_WAKE)
""") == ["100 True", "True", "True"]


@pytest.mark.spec("H61")
@pytest.mark.parametrize("board, release, title", [
    ("esp32", "1.17", "ESP32 module with ESP32"),
    ("esp32", "1.28", "Generic ESP32 module with ESP32"),
    ("esp8266", "1.28", "ESP module with ESP8266")])
def test_prompt(board: str, release: str, title: str) -> None:
    chosen = get(release)
    session = Session(board, chosen, compiler_for(chosen, find_board(board).arch))
    prompt = HostedBoard(session)
    shown = b""
    for typed in (b"", b"print(6 * 7)\r", b"help()\r"):
        prompt.feed(typed)
        for _ in range(20):
            prompt.advance(1_000_000)
            shown += prompt.take()
    text = shown.decode()
    assert text.startswith(f"MicroPython {chosen.tag} on {chosen.date}; {title}\r\n")
    assert "print(6 * 7)\r\n42\r\n>>> " in text and "sta_if.isconnected()" in text
    prompt.close()


@pytest.mark.parametrize("board", BOTH)
def test_no_stock_firmware(board: str) -> None:
    with pytest.raises(StockError, match=f"{board} runs programs only"):
        StockSession(board, [])


@pytest.mark.spec("H70")
def test_lights_with_a_clock(start: Start) -> None:
    session = start("esp8266")
    log = SPILog()
    session.machine.wiring.spi(log, "14", "13", "12")
    printed(session, """
from machine import Pin
from apa102 import APA102
strip = APA102(Pin(14), Pin(13), 2)
strip[0] = (1, 2, 3, 31)
strip[1] = (4, 5, 6, 1)
strip.write()
""")
    assert bytes(log.received) == bytes(4) + b"\xff\3\2\1\xe1\6\5\4" + b"\xff" * 4
    assert printed(session, "print(strip[0], strip.n)") == ["(1, 2, 3, 31) 2"]


@pytest.mark.spec("F14", "F17", "F18", "F26")
@pytest.mark.parametrize("board, blocks", [("esp32", 512), ("esp8266", 763)])
def test_flash_for_files(board: str, blocks: int, start: Start) -> None:
    session = start(board)
    assert printed(session, """
import os
from flashbdev import bdev
print(bdev.ioctl(4, 0), bdev.ioctl(5, 0), [hasattr(os, n) for n in ('VfsFat', 'VfsLfs2')])
open('here', 'w').write('x' * 5000)
os.umount('/')
os.mount(bdev, '/')
print(os.stat('here')[6], type(os.VfsLfs2(bdev)).__name__)
os.umount('/')
os.VfsFat.mkfs(bdev)
os.mount(bdev, '/')
print(os.listdir())
""") == [f"{blocks} 4096 [True, True]", "5000 VfsLfs2", "[]"]


@pytest.mark.spec("H58", "H62", "H90", "F30")
@pytest.mark.parametrize("board", BOTH)
def test_network_without_a_radio(board: str, start: Start) -> None:
    session = start(board)
    session.machine.wiring.parts["wifi"] = {"home": "secret"}
    assert printed(session, """
import network, time
w = network.WLAN(network.STA_IF)
w.active(True)
print([each[0] for each in w.scan()], w.isconnected(), w.status() == network.STAT_IDLE)
w.connect('home', 'secret')
print(w.status() == network.STAT_CONNECTING)
time.sleep(3)
print(w.isconnected(), w.ifconfig()[0], w.status() == network.STAT_GOT_IP)
w.config(reconnects=0)
w.connect('elsewhere', 'x')
time.sleep(3)
print(w.isconnected(), w.status() == network.STAT_NO_AP_FOUND)
print(network.WLAN(network.AP_IF).active(), len(w.config('mac')))
try:
    w.config('nonsense')
except ValueError as error:
    print(error)
""") == ["[b'home'] False True", "True", "True 192.168.0.2 True", "False True",
         f"{board == 'esp8266'} 6", "unknown config param"]


@pytest.mark.parametrize("board", BOTH)
def test_names_of_modules_can_be_imported(board: str, start: Start) -> None:
    session = start(board)
    names = printed(session, "help('modules')")
    words = {name for line in names[:-1] for name in line.split() if "/" not in name}
    assert {"umachine", "esp", "neopixel", "onewire"} <= words and "pyb" not in words
    assert ("esp32" in words) == (board == "esp32")
    for name in sorted(words):
        outcome = session.execute(f"import {name}")
        assert outcome is not None and not outcome.text, name
