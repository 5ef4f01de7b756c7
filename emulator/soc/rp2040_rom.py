"""The boot ROM of RP2040 (RP2040 datasheet, 2.8), served by the host.

The ROM has the chip's tables: firmware looks functions up through the pointers at 0x14 to 0x18.
Copying and filling of memory is machine code; everything else is a trap to Python.  After a reset
core 0 checks the second stage at the beginning of flash, copies it to SRAM and runs it there, as on
the chip; core 1 waits until core 0 sends it vector table, stack pointer and entry.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, final

from mpy_cross.emulator.cores.core import CoreError
from mpy_cross.emulator.soc.rp2040_floats import FLAGS, table

if TYPE_CHECKING:
    from mpy_cross.emulator.cores.arm import CortexM
    from mpy_cross.emulator.soc.rp2040 import Rp2040

VERSION: Final = 3  # of the ROM in stepping B2
FUNCTIONS, DATA, MEMORY, VENEERS, FLOATS = 0x200, 0x300, 0x400, 0x600, 0x1000
BOOT2_RAM: Final = 0x20041F00
BOOT2_SIZE: Final = 256
STACK: Final = 0x20041F00
CSR_MAGIC: Final = 0xB007C0D3  # in SCRATCH4: a watchdog reset goes to an address

# memset(r0 place, r1 byte, r2 size) and, at 0x34, memcpy(r0 to, r1 from, r2 size): whole words
# where both are aligned, else bytes.  r0 comes back; r1 to r3 and r12 are changed.
MACHINE_CODE: Final = bytes.fromhex(
    "844609060b0a19430b0c1943830704d0013a0cd301700130f8e7043a01d302c0"
    "fbe70432013a02d301700130fae760467047c046844603460b439b070ed170b4"
    "103a03d378c978c0103afbd2103270bc043a02d308c908c0fae70432013a04d3"
    "0b78037001310130f8e760467047c046")
MEMSET, MEMCPY = MEMORY, MEMORY + 0x34

# Goes to the word behind it and keeps all registers:
# push {r0, r1}; ldr r0, [pc, #4]; str r0, [sp, #4]; pop {r0, pc}
VENEER: Final = bytes.fromhex("03b40148019001bd")
# Calls the word behind it, and goes to where that says with lr = 0:
# ldr r0, [pc, #8]; blx r0; movs r1, #0; mov lr, r1; bx r0; nop
BOOT: Final = bytes.fromhex("0248804700218e460047c046")


class NoProgramError(CoreError):
    """There is no program in flash: the chip would show itself as a USB drive."""


def crc(data: bytes | memoryview) -> int:
    """The checksum of the second stage: CRC-32 of the datasheet's 2.8.1.3.1."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value >> 31 else 0)) & 0xFFFFFFFF
    return value


def code(name: str) -> int:
    return ord(name[0]) | ord(name[1]) << 8


@final
class Rom:
    """The ROM of one chip.

    started: called with the number of a core that leaves its waiting loop; stall: called with the
    time in ns that the core is to be busy.  bootloader: set when the program asked for it, or when
    there is no program.
    """

    def __init__(self, chip: Rp2040) -> None:
        self.chip = chip
        self.cores: list[CortexM] = []
        self.started: Callable[[int], None] = lambda number: None
        self.stopped: Callable[[int], None] = lambda number: None
        self.stall: Callable[[int], None] = lambda ns: None
        self.launch: list[int] = []  # what core 0 has sent in order
        self.functions: list[tuple[str, Callable[[CortexM], int | None]]] = [
            ("P3", lambda core: bin(core.registers[0]).count("1")),
            ("R3", lambda core: int(f"{core.registers[0]:032b}"[::-1], 2)),
            ("L3", lambda core: 32 - core.registers[0].bit_length()),
            ("T3", self.trailing_zeros),
            ("IF", self.connect), ("EX", self.exit_xip), ("RE", self.range_erase),
            ("RP", self.range_program), ("FC", self.flush), ("CX", self.enter_xip),
            ("UB", self.usb_boot), ("WV", self.returned),
            ("DT", self.nothing), ("DE", self.nothing),
        ]

    def attach(self, core: CortexM) -> None:
        """Makes the functions for one more core; the first call writes the ROM."""
        first = not self.cores
        self.cores.append(core)
        add = core.add_trap
        boot = add(lambda a, b, c, d: self.boot(core))
        lookup = add(lambda a, b, c, d: self.lookup(a, b))
        places = [add(self.trap(function, core)) for _, function in self.functions]
        floats = [[add(self.float_trap(core, function, at)) for at, function in
                   enumerate(table(wide))] for wide in (False, True)]
        if first:
            self.write(boot, lookup, places, floats)

    @staticmethod
    def trap(function: Callable[[CortexM], int | None],
             core: CortexM) -> Callable[[int, int, int, int], int | None]:
        return lambda a, b, c, d: function(core)

    @staticmethod
    def float_trap(core: CortexM, function: Callable[[list[int]], tuple[int, ...]],
                   at: int) -> Callable[[int, int, int, int], int | None]:
        registers = core.registers

        def call(a: int, b: int, c: int, d: int) -> None:
            result = function([a, b, c, d])
            for n, word in enumerate(result):
                registers[n] = word

        def flags(a: int, b: int, c: int, d: int) -> None:
            order = function([a, b, c, d])[0]
            # As after CMP: equal sets Z and C, greater C, less N.
            status = {0: 6, 1: 2}.get(order, 8) << 28
            core.write("xpsr", core.read("xpsr") & 0x0FFFFFFF | status)

        return flags if 4 * at == FLAGS else call

    def write(self, boot: int, lookup: int, places: list[int], floats: list[list[int]]) -> None:
        """Fills the ROM."""
        rom = self.chip.rom.buffer
        veneers = VENEERS
        entries: list[tuple[int, int]] = []

        def put(at: int, data: bytes) -> None:
            rom[at : at + len(data)] = data

        def veneer(target: int) -> int:
            nonlocal veneers
            put(veneers, VENEER + struct.pack("<I", target))
            veneers += len(VENEER) + 4
            return veneers - len(VENEER) - 4 | 1

        put(MEMORY, MACHINE_CODE)
        reset = veneers
        put(reset, BOOT + struct.pack("<I", boot))
        veneers += len(BOOT) + 4
        for name, place in (("MS", MEMSET), ("S4", MEMSET), ("MC", MEMCPY), ("C4", MEMCPY)):
            entries.append((code(name), place | 1))
        for (name, _), target in zip(self.functions, places, strict=True):
            entries.append((code(name), veneer(target)))
        words = FLOATS
        data = []
        for name, targets in zip(("SF", "SD"), floats, strict=True):
            put(words + 2, bytes([len(targets)]))  # number of words, two bytes ahead
            put(words + 4, struct.pack(f"<{len(targets)}I", *targets))
            data.append((code(name), words + 4))
            words += 4 + 4 * len(targets)
        notice = b"Functions of the boot ROM, served by the host\0"
        put(words, notice)
        data += [(code("CR"), words), (code("GR"), FUNCTIONS - 8)]
        put(FUNCTIONS, b"".join(struct.pack("<HH", *entry) for entry in entries))
        put(DATA, b"".join(struct.pack("<HH", *entry) for entry in data))
        put(0, struct.pack("<II", STACK, reset | 1))
        fault = veneer(boot)
        put(8, struct.pack("<II", fault, fault))  # NMI and HardFault start again
        put(0x10, bytes([ord("M"), ord("u"), 1, VERSION])
            + struct.pack("<HHH", FUNCTIONS, DATA, veneer(lookup)))
        self.entries = dict(entries)

    # Starting.

    def boot(self, core: CortexM) -> int:
        """After a reset: where to go. NoProgramError."""
        if core is not self.cores[0]:
            return self.returned(core)
        chip = self.chip
        self.launch.clear()
        scratch = [chip.watchdog.SCRATCH[n] for n in range(4, 8)]
        if scratch[0] == CSR_MAGIC and scratch[1] ^ scratch[3] == -CSR_MAGIC & 0xFFFFFFFF:
            chip.watchdog.SCRATCH[4] = 0
            core.registers[13] = scratch[2]
            return scratch[3] | 1
        second = chip.flash.buffer[:BOOT2_SIZE]
        if crc(second[:-4]) != int.from_bytes(second[-4:], "little"):
            raise NoProgramError("flash has no program: the checksum of its second stage is wrong")
        self.release_pads()
        chip.bus.load(BOOT2_RAM, second)
        for each in self.cores:
            each.code_changed(BOOT2_RAM, BOOT2_SIZE)
        core.registers[13] = BOOT2_RAM
        return BOOT2_RAM | 1

    def wait_for_vector(self) -> None:
        """Core 1 waits, and says so with a 0."""
        self.launch.clear()
        sio = self.chip.sio
        sio.boxes[1].clear()
        sio.send(0, 0)
        self.stopped(1)

    def returned(self, core: CortexM) -> int:
        """What core 1 was started with came to its end."""
        place = self.entries[code("WV")]
        core.registers[14] = place  # it stays there until it is off
        self.wait_for_vector()
        return place

    def mail(self, word: int) -> bool:
        """Core 0 has sent a word while core 1 waits in the ROM: 0, 0, 1 and three addresses."""
        expected = (0, 0, 1)
        at = len(self.launch)
        if at < 3 and word != expected[at]:
            self.launch.clear()
            if word:
                self.chip.sio.send(0, word)
                return True
        self.launch.append(word)
        self.chip.sio.send(0, word)
        if len(self.launch) == 6:
            _, _, _, vectors, sp, entry = self.launch
            self.launch.clear()
            core = self.cores[1]
            core.nvic.vectors = vectors
            core.write("msp", sp)
            core.write("sp", sp)
            core.write("lr", self.entries[code("WV")])
            core.write("pc", entry)
            self.started(1)
        return True

    # Functions.

    def release_pads(self) -> None:
        """IO_QSPI and PADS_QSPI come out of reset."""
        chip = self.chip
        chip.poke("RESETS", {"RESET": chip.blocks["RESETS"].read(0) & ~(1 << 6 | 1 << 9)})

    def lookup(self, place: int, wanted: int) -> int:
        """rom_table_lookup(table, code): 0 if there is none."""
        rom = self.chip.rom.buffer
        while True:
            found, value = struct.unpack_from("<HH", rom, place)
            if not found:
                return 0
            if found == wanted & 0xFFFF:
                return int(value)
            place += 4

    @staticmethod
    def trailing_zeros(core: CortexM) -> int:
        word = core.registers[0]
        return (word & -word).bit_length() - 1 if word else 32

    @staticmethod
    def nothing(core: CortexM) -> None:
        """Debugging aids of the ROM."""

    def connect(self, core: CortexM) -> None:
        """connect_internal_flash(): the pads and the SSI, ready for commands by hand."""
        chip = self.chip
        self.release_pads()
        for at in range(6):
            chip.blocks["IO_QSPI"].write(8 * at + 4, 4, 0)
        chip.poke("SSI", {"SSIENR": 0, "BAUDR": 6, "CTRLR0": 7 << 16, "SER": 1})
        chip.poke("SSI", {"SSIENR": 1})

    def exit_xip(self, core: CortexM) -> None:
        """flash_exit_xip(): the flash takes commands again."""
        self.flush(core)

    def flush(self, core: CortexM) -> None:
        """flash_flush_cache(): chip select is the SSI's again."""
        self.chip.blocks["IO_QSPI"].write(0x0C, 4, 0)

    def enter_xip(self, core: CortexM) -> None:
        """flash_enter_cmd_xip()."""

    def range_erase(self, core: CortexM) -> None:
        """flash_range_erase(offset, size, block size, block command)."""
        self.stall(self.chip.flash_chip.erase(core.registers[0], core.registers[1]))

    def range_program(self, core: CortexM) -> None:
        """flash_range_program(offset, data, size)."""
        offset, data, size = core.registers[0:3]
        self.stall(self.chip.flash_chip.program(offset, bytes(self.chip.bus.view(data, size))))

    def usb_boot(self, core: CortexM) -> None:
        """reset_to_usb_boot()."""
        raise NoProgramError("the program asked for the boot loader")
