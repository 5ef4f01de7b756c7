"""An SD card on the SD bus, with a line for commands and one or four for data.

Source: SD Specifications Part 1, Physical Layer Simplified 6.00, chapter 4.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.devices.sdcard import BLOCK, SDCard
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.wiring import Wiring

ADDRESS: Final = 0xB368
"""That the card publishes (CMD3)."""
IDLE, READY, IDENTIFY, STANDBY, TRANSFER, SENDING, RECEIVING = range(7)
_READY_FOR_DATA, _APP_CMD = 1 << 8, 1 << 5
_OUT_OF_RANGE, _MISALIGNED, _ERASE_SEQUENCE = 1 << 31, 1 << 30, 1 << 28
_VOLTAGES, _HIGH_CAPACITY, _POWERED = 0xFF8000, 1 << 30, 1 << 31
_SCR: Final = bytes.fromhex("0235800001000000")
"""Version 2, erased bits are 0, one and four data lines, CMD23 is not there (5.6)."""
_SWITCHED: Final = bytes.fromhex("00648001800180018001c0018001") + bytes([1]) + bytes(49)
"""Status of CMD6: nothing but the default functions (4.3.10.4)."""


@final
class SDSlot:
    """A slot with a card on an SD bus: `board.wire(SDSlot(card), cmd="SD_CMD", detect="SD")`.

    card: what is in it; `insert` and `eject` change `card.present` and the switch of the slot.
    """

    def __init__(self, card: SDCard) -> None:
        self.card = card
        self._switch: Pin | None = None
        self._reset()

    def connect(self, wiring: Wiring, *, cmd: str | int, detect: str | int | None = None) -> None:
        """cmd: the pad of the line for commands, by which a controller finds the slot.

        detect: that of a switch, which is closed to ground while a card is there.
        """
        wiring.sd(self, cmd)
        self._switch = None if detect is None else wiring.pad(detect)
        self._show()

    def insert(self, card: SDCard | None = None) -> None:
        """Puts a card into the slot, the one that was there if none is given."""
        if card is not None:
            self.card = card
        self.card.present = True
        self._reset()
        self._show()

    def eject(self) -> None:
        """Takes the card out."""
        self.card.present = False
        self._show()

    def _show(self) -> None:
        if self._switch is not None:
            self._switch.force(0 if self.card.present else None, source="SD card")

    def _reset(self) -> None:
        self.state = IDLE
        self._application = False
        self._asked = 0  # times that it was asked to power up
        self._place = 0
        self._many = False
        self._answer = b""  # that goes out as data
        self._erase = [0, 0]

    # ------------------------------------------------------------------------------- commands

    def command(self, index: int, argument: int) -> bytes | None:
        """A command; its response without index and check: 4 bytes, 16 of a register, or None."""
        if not self.card.present:
            return None
        application, self._application = self._application, False
        state = self.state
        if index == 0:
            self._reset()
            return None
        if application:
            return self._special(index, argument)
        if index == 8 and state == IDLE:
            return (argument & 0xFFF).to_bytes(4, "big")
        if index == 55:
            if state > IDENTIFY and argument >> 16 != ADDRESS:
                return None
            self._application = True
            return self._status(_APP_CMD)
        if index == 2 and state == READY:
            self.state = IDENTIFY
            return self.card.cid()
        if index == 3 and state in (IDENTIFY, STANDBY):
            self.state = STANDBY
            status = _READY_FOR_DATA | state << 9
            return (ADDRESS << 16 | status & 0x1FFF).to_bytes(4, "big")
        if index == 7 and state >= STANDBY:
            if argument >> 16 != ADDRESS:
                self.state = STANDBY
                return None
            response = self._status()
            self.state = TRANSFER
            return response
        if index in (9, 10) and state == STANDBY and argument >> 16 == ADDRESS:
            return self.card.csd() if index == 9 else self.card.cid()
        if index == 13 and state >= STANDBY and argument >> 16 == ADDRESS:
            return self._status()
        if index == 12 and state in (SENDING, RECEIVING):
            response = self._status()
            self.state = TRANSFER
            return response
        if state != TRANSFER:
            return None
        return self._in_transfer(index, argument)

    def _in_transfer(self, index: int, argument: int) -> bytes | None:
        """Commands of a selected card."""
        if index == 16:
            return self._status()
        if index == 6:
            return self._sends(_SWITCHED)
        if index in (17, 18, 24, 25, 32, 33):
            place = argument * BLOCK if self.card.high_capacity else argument
            if place % BLOCK:
                return self._status(_MISALIGNED)
            if place >= len(self.card.data):
                return self._status(_OUT_OF_RANGE)
            response = self._status()
            if index >= 32:
                self._erase[index - 32] = place
            else:
                self._place, self._many, self._answer = place, index in (18, 25), b""
                self.state = SENDING if index <= 18 else RECEIVING
            return response
        if index == 38:
            first, last = self._erase
            if last < first:
                return self._status(_ERASE_SEQUENCE)
            self.card.data[first : last + BLOCK] = bytes(last + BLOCK - first)
            return self._status()
        return None

    def _special(self, index: int, argument: int) -> bytes | None:
        """Commands for applications."""
        if index == 41 and self.state == IDLE:
            self._asked += 1
            ready = _VOLTAGES
            if argument & _VOLTAGES and self._asked > 1:
                self.state = READY
                ready |= _POWERED
                if self.card.high_capacity and argument & _HIGH_CAPACITY:
                    ready |= _HIGH_CAPACITY
            return ready.to_bytes(4, "big")
        if self.state != TRANSFER:
            return None
        if index in (6, 23, 42):
            return self._status(_APP_CMD)
        if index == 51:
            return self._sends(_SCR, _APP_CMD)
        if index == 13:
            return self._sends(bytes([0x80]) + bytes(63), _APP_CMD)
        return None

    def _status(self, more: int = 0) -> bytes:
        return (_READY_FOR_DATA | self.state << 9 | more).to_bytes(4, "big")

    def _sends(self, answer: bytes, more: int = 0) -> bytes:
        response = self._status(more)
        self.state, self._answer, self._many = SENDING, answer, False
        return response

    # ----------------------------------------------------------------------------------- data

    def give(self) -> bytes | None:
        """The next block of data, None if the card does not send."""
        if self.state != SENDING or not self.card.present:
            return None
        data, self._answer = self._answer, b""
        if not data:
            if self._place >= len(self.card.data):
                return None
            data = bytes(self.card.data[self._place : self._place + BLOCK])
            self.card.reads.append(self._place // BLOCK)
            self._place += BLOCK
        if not self._many:
            self.state = TRANSFER
        return data

    def take(self, data: bytes) -> bool:
        """A block of data; False if the card does not take it."""
        if self.state != RECEIVING or not self.card.present or len(data) != BLOCK \
                or self._place >= len(self.card.data):
            return False
        self.card.data[self._place : self._place + BLOCK] = data
        self.card.writes.append(self._place // BLOCK)
        self._place += BLOCK
        if not self._many:
            self.state = TRANSFER
        return True
