"""MPU-6050: accelerometer, gyroscope and thermometer over I2C.

Source: InvenSense RM-MPU-6000A-00 (register map) and PS-MPU-6000A-00.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.devices.registers import RegisterDevice

_GYRO_CONFIG, _ACCEL_CONFIG, _DATA = 0x1B, 0x1C, 0x3B
_RESET_PATHS, _POWER, _WHO_AM_I = 0x68, 0x6B, 0x75
_SLEEP: Final = 0x40
_READ_ONLY: Final = {_WHO_AM_I, *range(_DATA, _DATA + 14)}
Vector = tuple[float, float, float]


@final
class MPU6050(RegisterDevice):
    """An MPU-6050. acceleration: x, y, z in g; rotation: x, y, z in degrees a second; temperature
    in degrees Celsius. Asleep, as after power-on, its registers keep what they were."""

    def __init__(self, acceleration: Vector = (0.0, 0.0, 1.0), rotation: Vector = (0.0, 0.0, 0.0),
                 temperature: float = 25.0, address: int = 0x68) -> None:
        super().__init__(address)
        self.acceleration, self.rotation = acceleration, rotation
        self.temperature = temperature
        self._power_on()

    def _power_on(self) -> None:
        self.data[:] = bytes(256)
        self.data[_POWER] = _SLEEP
        self.data[_WHO_AM_I] = 0x68

    def store(self, register: int, byte: int) -> None:
        if register == _POWER and byte & 0x80:
            self._power_on()
        elif register not in _READ_ONLY:
            self.data[register] = byte
        if register == _RESET_PATHS:
            self.data[register] = 0

    def latch(self) -> None:
        if self.data[_POWER] & _SLEEP:
            return
        accel = 16384 >> (self.data[_ACCEL_CONFIG] >> 3 & 3)  # steps of 1 g
        gyro = 32768 / (250 << (self.data[_GYRO_CONFIG] >> 3 & 3))  # steps of 1 degree a second
        values = [value * accel for value in self.acceleration]
        values.append((self.temperature - 36.53) * 340)
        values += [value * gyro for value in self.rotation]
        for index, value in enumerate(values):
            self.put(_DATA + 2 * index, min(max(round(value), -32768), 32767), 2)
