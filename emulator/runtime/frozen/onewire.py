"""Devices on a 1-Wire bus."""

import _onewire


class OneWireError(Exception):
    pass


class OneWire:
    SEARCH_ROM = 0xF0
    MATCH_ROM = 0x55
    SKIP_ROM = 0xCC

    def __init__(self, pin):
        self.pin = pin
        pin.init(pin.OPEN_DRAIN, pin.PULL_UP)

    def reset(self, required=False):
        answered = _onewire.reset(self.pin)
        if required and not answered:
            raise OneWireError
        return answered

    def readbit(self):
        return _onewire.readbit(self.pin)

    def readbyte(self):
        return _onewire.readbyte(self.pin)

    def readinto(self, buf):
        for at in range(len(buf)):
            buf[at] = self.readbyte()

    def writebit(self, value):
        return _onewire.writebit(self.pin, value)

    def writebyte(self, value):
        return _onewire.writebyte(self.pin, value)

    def write(self, buf):
        for byte in buf:
            self.writebyte(byte)

    def select_rom(self, rom):
        self.reset()
        self.writebyte(self.MATCH_ROM)
        self.write(rom)

    def crc8(self, data):
        return _onewire.crc8(data)

    def scan(self):
        # Where devices differ in a bit, one search follows those with 1, and its place is kept
        # to take 0 there in a later one: a walk through a tree, depth first.
        found = []
        path = []
        while True:
            bits = self._search(path)
            if bits is None:
                return found
            code = bytearray(8)
            for at, (bit, _) in enumerate(bits):
                code[at >> 3] |= bit << (at & 7)
            found.append(code)
            path = bits
            while path and not path[-1][1]:
                path.pop()
            if not path:
                return found
            path[-1] = (0, False)

    def _search(self, path):
        """(bit, whether there are others with 0) of one device's code; None if none answers."""
        if not self.reset():
            return None
        self.writebyte(self.SEARCH_ROM)
        bits = []
        for at in range(64):
            bit = self.readbit()
            other = self.readbit()
            if bit and other:
                return None
            more = not bit and not other
            if at < len(path):
                bit, more = path[at]
            elif more:
                bit = 1
            self.writebit(bit)
            bits.append((bit, more))
        return bits
