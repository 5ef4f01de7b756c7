"""Blink a LED: the first program for a new board."""

import time

from machine import Pin

led = Pin(2, Pin.OUT)


def blink(times, pause_ms=250):
    for _ in range(times):
        led.value(not led.value())
        time.sleep_ms(pause_ms)


blink(10)
