"""`pyb.SDCard` and `machine.SDCard` of STM32 boards: the card in the board's slot (manual 1.3.13).

The commands go to the card itself, not through the registers of SDIO.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.buffers import ByteArray, buffer_of
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.types import HostObject

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.runtime import Runtime
    from mpy_cross.emulator.wiring import SDCardSlot

BLOCK: Final = 512
BLOCK_TIME: Final = 60_000
"""ns of a block: 1024 cycles of four lines at 24 MHz, and the command."""
POWER_TIME: Final = 10_000_000
INIT, DEINIT, SYNC, COUNT, SIZE = 1, 2, 3, 4, 5
VOLTAGES, HIGH_CAPACITY, POWERED = 0x100000, 1 << 30, 1 << 31
TABLE: Final = 0x1BE
"""Where the four partitions stand in the first block."""
CARD, SKIP = "/sd", "/flash/SKIPSD"


class SDCard(HostObject):
    """The card in the slot.  Powered up by `power(1)`, or when it is mounted."""

    _hw: ClassVar[Hardware]

    def __init__(self) -> None:
        self._hw.types.setdefault("card", _State())

    @property
    def _state(self) -> _State:
        state: Any = self._hw.types["card"]
        assert isinstance(state, _State)
        return state

    def _slot(self) -> SDCardSlot | None:
        hw = self._hw
        return hw.chip.wiring.sd_slot(hw.machine.pin("SD_CMD"))

    def present(self) -> bool:
        """Is a card in the slot?"""
        return not self._hw.machine.pin("SD_SW").level

    def power(self, state: Any, /) -> bool:
        """Switch the card on or off; was that possible?"""
        known = self._state
        if not state:
            known.blocks = None
            return True
        if known.blocks is None:
            slot = self._slot()
            if slot is None or not self.present():
                return False
            self._hw.spend(POWER_TIME)
            known.start(slot)
        return known.blocks is not None

    def info(self) -> Any:
        """Bytes, size of a block, and kind: 0 standard, 1 high capacity; None without power."""
        state = self._state
        if state.blocks is None:
            return None
        return (state.blocks * BLOCK, BLOCK, int(state.high))

    def _transfer(self, block: int, data: memoryview, write: bool) -> bool:
        state, slot = self._state, self._slot()
        if state.blocks is None or slot is None or not self.present():
            return False
        for at in range(0, len(data) // BLOCK * BLOCK, BLOCK):
            place = block + at // BLOCK
            self._hw.spend(BLOCK_TIME)
            if not 0 <= place < state.blocks:
                return False
            if slot.command(24 if write else 17, place if state.high else place * BLOCK) is None:
                return False
            if write:
                if not slot.take(bytes(data[at : at + BLOCK])):
                    return False
                continue
            got = slot.give()
            if got is None:
                return False
            data[at : at + BLOCK] = got
        return True

    def readblocks(self, block_num: Any, buf: Any, /) -> bool:
        """Read blocks into a buffer."""
        return self._transfer(as_int(block_num), buffer_of(buf, True), False)

    def writeblocks(self, block_num: Any, buf: Any, /) -> bool:
        """Write blocks."""
        return self._transfer(as_int(block_num), buffer_of(buf), True)

    def read(self, block_num: Any, /) -> ByteArray:
        """One block, as a bytearray (obsolete)."""
        made = ByteArray(BLOCK)
        if not self.readblocks(block_num, made):
            raise Exception("sdcard_read_blocks failed [1]")
        return made

    def write(self, block_num: Any, data: Any, /) -> None:
        """Write blocks (obsolete)."""
        if len(buffer_of(data)) % BLOCK:
            raise ValueError(f"writes must be a multiple of {BLOCK} bytes")
        if not self.writeblocks(block_num, data):
            raise Exception("sdcard_write_blocks failed [1]")

    def ioctl(self, cmd: Any, arg: Any, /) -> int:
        """Power up (1) and down (2), number of blocks (4), size of a block (5)."""
        request = as_int(cmd)
        if request == INIT:
            return 0 if self.power(1) else -1
        if request == DEINIT:
            self.power(0)
            return 0
        if request == COUNT:
            return self._state.blocks or 0
        return {SYNC: 0, SIZE: BLOCK}.get(request, -1)


@final
class _State:
    """What the board knows of the card.  blocks: None without power; high: of high capacity."""

    def __init__(self) -> None:
        self.blocks: int | None = None
        self.high = False

    def start(self, slot: SDCardSlot) -> None:
        """Brings a card to where it takes blocks; leaves it off if it does not answer."""
        slot.command(0, 0)
        slot.command(8, 0x1AA)
        for _ in range(10):
            if slot.command(55, 0) is None:
                return
            answer = int.from_bytes(slot.command(41, HIGH_CAPACITY | VOLTAGES) or b"", "big")
            if answer & POWERED:
                break
        else:
            return
        self.high = bool(answer & HIGH_CAPACITY)
        slot.command(2, 0)
        address = int.from_bytes(slot.command(3, 0) or b"", "big") & 0xFFFF0000
        register = int.from_bytes(slot.command(9, address) or bytes(16), "big")
        if slot.command(7, address) is None:
            return
        if register >> 126:  # version 2 of the register: units of 512 KiB
            self.blocks = ((register >> 48 & 0x3FFFFF) + 1) * 1024
        else:
            unit = (register >> 80 & 15) + (register >> 47 & 7) + 2 - 9
            self.blocks = ((register >> 62 & 0xFFF) + 1) << unit


@final
class _Part(HostObject):
    """One partition of a card, as a block device."""

    def __init__(self, card: SDCard, start: int, count: int) -> None:
        self._card, self._start, self._count = card, start, count

    def readblocks(self, block_num: Any, buf: Any, /) -> bool:
        return self._card.readblocks(self._start + as_int(block_num), buf)

    def writeblocks(self, block_num: Any, buf: Any, /) -> bool:
        return self._card.writeblocks(self._start + as_int(block_num), buf)

    def ioctl(self, cmd: Any, arg: Any, /) -> int:
        return self._count if as_int(cmd) == COUNT else self._card.ioctl(cmd, arg)


def mount_card(runtime: Runtime) -> None:
    """What a board does at its start with the card in its slot: /sd, and the current folder."""
    from mpy_cross.emulator.runtime.modules.machine import prepared
    from mpy_cross.emulator.runtime.vfs_types import types_of

    card = prepared(runtime).bind(SDCard)()
    if not card.present() or runtime.files.kind(SKIP):
        return
    first = ByteArray(BLOCK)
    parts: list[Any] = []
    if card.power(1) and card.readblocks(0, first):
        data = bytes(buffer_of(first))
        for at in range(TABLE, TABLE + 64, 16):
            start, count = (int.from_bytes(data[at + n : at + n + 4], "little") for n in (8, 12))
            parts.append(_Part(card, start, count) if data[at + 4] and start else None)
    else:
        return
    if runtime.release.filesystems.card_without_table:
        parts.append(card)
    vfs, mounted = types_of(runtime)["VfsFat"], 0
    for number, part in enumerate(parts, 1):
        if part is None or (number == 5 and mounted):
            continue
        try:
            point = f"{CARD}{number}" if mounted else CARD
            runtime.files.mount(vfs(part), point)
        except OSError:
            continue
        mounted += 1
    if not mounted:
        runtime.write("MPY: can't mount SD card\n")
        return
    runtime.files.chdir(CARD)
    runtime.importer.path[2:2] = [CARD, f"{CARD}/lib"]
