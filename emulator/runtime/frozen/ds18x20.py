"""Thermometers DS18S20 and DS18B20 on a 1-Wire bus."""

CONVERT = 0x44
READ_SCRATCHPAD = 0xBE
WRITE_SCRATCHPAD = 0x4E
FAMILIES = (0x10, 0x22, 0x28)
DS18S20 = 0x10


class DS18X20:
    def __init__(self, onewire):
        self.ow = onewire
        self.buf = bytearray(9)

    def scan(self):
        return [rom for rom in self.ow.scan() if rom[0] in FAMILIES]

    def convert_temp(self):
        self.ow.reset(True)
        self.ow.writebyte(self.ow.SKIP_ROM)
        self.ow.writebyte(CONVERT)

    def _command(self, rom, command):
        self.ow.reset(True)
        self.ow.select_rom(rom)
        self.ow.writebyte(command)

    def read_scratch(self, rom):
        self._command(rom, READ_SCRATCHPAD)
        self.ow.readinto(self.buf)
        if self.ow.crc8(self.buf):
            raise Exception("CRC error")
        return self.buf

    def write_scratch(self, rom, buf):
        self._command(rom, WRITE_SCRATCHPAD)
        self.ow.write(buf)

    def read_temp(self, rom):
        data = self.read_scratch(rom)
        steps = data[1] << 8 | data[0]
        if rom[0] != DS18S20:
            if steps & 0x8000:
                steps -= 0x10000
            return steps / 16
        # Half degrees; more comes from what is left of the count of a degree.
        if not data[7]:
            return None
        half = steps & 0xFF
        if data[1]:
            half -= 0x100
        return (half >> 1) - 0.25 + (data[7] - data[6]) / data[7]
