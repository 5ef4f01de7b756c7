"""Frozen drivers onewire, ds18x20, dht and neopixel, with the devices that they are for."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.devices import DHT11, DHT22, DS18B20, NeoPixelStrip
from mpy_cross.emulator.session import Session
from mpy_cross.loader.release import get

BOARDS = [("pico", "GP22"), ("pyboard", "X8")]


def board(name: str, pad: str, *devices: Any, release: str = "1.17") -> Session:
    chosen = get(release)
    session = Session(name, chosen, compiler_for(chosen), record=True)
    for device in devices:
        session.machine.wiring.wire(device, pin=pad)
    return session


def printed(session: Session, source: str, pad: str) -> list[str]:
    before = len(session.console)
    outcome = session.execute(f"from machine import Pin\nimport time\npin = Pin('{pad}')\n{source}")
    assert outcome is not None and not outcome.text, outcome
    return session.console[before:].splitlines()


@pytest.mark.spec("H116", "H68")
@pytest.mark.parametrize(("name", "pad"), BOARDS)
def test_thermometers(name: str, pad: str) -> None:
    """Found in the order of a search that takes 1 first; each measures for itself."""
    sensors = [DS18B20(23.5, 7), DS18B20(-10.0625, 8), DS18B20(12.25, 0x8000_0000_0001)]
    session = board(name, pad, *sensors)
    lines = printed(session, """
import onewire, ds18x20
ds = ds18x20.DS18X20(onewire.OneWire(pin))
roms = ds.scan()
for rom in roms:
    print(''.join('%02x' % each for each in rom), ds.read_temp(rom))
ds.convert_temp()
time.sleep_ms(750)
print([ds.read_temp(rom) for rom in roms])
ds.write_scratch(roms[0], bytes((1, 2, 0x1f)))
ds.convert_temp()
time.sleep_ms(94)
print(ds.read_temp(roms[0]), bytes(ds.read_scratch(roms[0]))[2:5])
""", pad)
    found = [sensors[0].code, sensors[2].code, sensors[1].code]
    assert lines[:3] == [f"{code.hex()} 85.0" for code in found]
    assert lines[3:] == ["[23.5, 12.25, -10.0625]", "23.5 b'\\x01\\x02\\x1f'"]


@pytest.mark.spec("H68")
def test_bus_of_1_wire() -> None:
    session = board("pico", "GP22", DS18B20(21, 5))
    assert printed(session, """
import onewire
ow = onewire.OneWire(pin)
start = time.ticks_us()
print(ow.reset(), time.ticks_diff(time.ticks_us(), start) // 100)
ow.writebyte(0x33)
code = bytearray(8)
ow.readinto(code)
print(code[0], ow.crc8(code), ow.crc8(b'\\x02\\x1c\\xb8\\x01\\x00\\x00\\x00') == 0xa2)
ow.select_rom(code)
ow.writebyte(0xbe)
print([ow.readbit() for _ in range(8)], ow.readbyte())
""", "GP22") == ["True 9", "40 0 True", "[0, 0, 0, 0, 1, 0, 1, 0] 5"]
    edges = session.machine.trace.edges("GP22")
    lows = [later[0] - edge[0] for edge, later in pairwise(edges)
            if not edge[1]]
    assert lows[0] == 480_000  # the reset


@pytest.mark.parametrize("name", ["pico", "pyboard"])
def test_nothing_on_the_wire(name: str) -> None:
    pad = dict(BOARDS)[name]
    assert printed(board(name, pad), """
import onewire, ds18x20, dht
ow = onewire.OneWire(pin)
print(ow.reset(), ow.scan())
try:
    ds18x20.DS18X20(ow).convert_temp()
except onewire.OneWireError:
    print('OneWireError')
try:
    dht.DHT22(pin).measure()
except OSError as error:
    print(error)
""", pad) == ["False []", "OneWireError", "[Errno 110] ETIMEDOUT"]


@pytest.mark.spec("H71")
@pytest.mark.parametrize(("name", "pad"), BOARDS)
@pytest.mark.parametrize(("kind", "temperature", "humidity", "shown"), [
    (DHT22, -7.3, 55.1, "-7.3 55.1"), (DHT22, 40.2, 99.9, "40.2 99.9"),
    (DHT11, 22, 41, "22 41"),
])
def test_sensors_of_humidity(name: str, pad: str, kind: type[DHT11 | DHT22], temperature: float,
                             humidity: float, shown: str) -> None:
    sensor = kind(temperature, humidity)
    session = board(name, pad, sensor)
    program = f"import dht\nd = dht.{kind.__name__}(pin)\n"
    assert printed(session, program + """
d.measure()
t, h = d.temperature(), d.humidity()
print(t, h) if isinstance(t, int) else print('%.1f %.1f' % (t, h))
""", pad) == [shown]
    sensor.spoil_checksum = True
    assert printed(session, program + """
try:
    d.measure()
except Exception as error:
    print(error)
""", pad) == ["checksum error"]


@pytest.mark.spec("G62", "H69")
@pytest.mark.parametrize(("name", "pad"), BOARDS)
def test_lights(name: str, pad: str) -> None:
    """Pulses of 0.4 and 0.8 us; the lights take green first."""
    strip = NeoPixelStrip(3)
    session = board(name, pad, strip)
    assert printed(session, """
import neopixel
np = neopixel.NeoPixel(pin, 3)
np[0] = (1, 2, 3)
np[2] = (255, 0, 128)
np.write()
time.sleep_ms(1)
print(len(np), np[0], np[2], np.bpp, np.n)
""", pad) == ["3 (1, 2, 3) (255, 0, 128) 3 3"]
    assert strip.pixels == [(1, 2, 3), (0, 0, 0), (255, 0, 128)]
    edges = session.machine.trace.edges(pad)[-2 * 72:]
    highs = {later[0] - edge[0] for edge, later in pairwise(edges) if edge[1]}
    assert highs == {400, 800}
    assert printed(session, "np.fill((9, 8, 7))\nnp.write()\ntime.sleep_ms(1)", pad) == []
    assert strip.pixels == [(9, 8, 7)] * 3


@pytest.mark.spec("H69")
def test_lights_with_white_and_other_times() -> None:
    strip = NeoPixelStrip(2, 4)
    session = board("pico", "GP0", strip)
    printed(session, """
import neopixel
np = neopixel.NeoPixel(pin, 2, bpp=4, timing=(300, 900, 700, 500))
np[1] = (1, 2, 3, 4)
np.write()
time.sleep_ms(1)
""", "GP0")
    assert strip.pixels == [(0,) * 4, (1, 2, 3, 4)]
