"""Devices that are wired to a board: sensors, displays, memories, and what a hand can touch.

`wiring.wire(device, ...)` connects one to the pads that its method `connect` names:

    display = board.wire(SSD1306(), scl="GP5", sda="GP4")
    button = board.wire(Button(), pin="GP14")

A device is the hardware only: it answers what comes over its pads, in virtual time, and tells a
test what it was told. Each module names the data sheet that its facts are from.
"""

from mpy_cross.emulator.devices.bme280 import BME280
from mpy_cross.emulator.devices.dht import DHT11, DHT22
from mpy_cross.emulator.devices.ds18b20 import DS18B20
from mpy_cross.emulator.devices.eeprom import AT24
from mpy_cross.emulator.devices.mpu6050 import MPU6050
from mpy_cross.emulator.devices.neopixel import NeoPixelStrip
from mpy_cross.emulator.devices.sdcard import SDCard
from mpy_cross.emulator.devices.sdcard_bus import SDSlot
from mpy_cross.emulator.devices.servo import Servo
from mpy_cross.emulator.devices.simple import LED, Button, Potentiometer
from mpy_cross.emulator.devices.ssd1306 import SSD1306

__all__ = ["AT24", "BME280", "DHT11", "DHT22", "DS18B20", "LED", "MPU6050", "SSD1306", "Button",
           "NeoPixelStrip", "Potentiometer", "SDCard", "SDSlot", "Servo"]
