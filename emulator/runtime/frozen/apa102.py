"""Lights of type APA102 ("DotStar"), with a clock and a brightness from 0 to 31."""

from neopixel import NeoPixel


class APA102(NeoPixel):
    ORDER = (0, 1, 2, 3)

    def __init__(self, clock_pin, data_pin, n, bpp=4):
        super().__init__(data_pin, n, bpp)
        self.clock_pin = clock_pin
        clock_pin.init(clock_pin.OUT)

    def write(self):
        from esp import apa102_write

        apa102_write(self.clock_pin, self.pin, self.buf)
