"""Module `esp` (manual 1.3.3): the flash and the system of the ESP32 and the ESP8266."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from mpy_cross.emulator.runtime.arguments import as_int, native
from mpy_cross.emulator.runtime.board_files import watch_flash
from mpy_cross.emulator.runtime.buffers import ByteArray, buffer_of
from mpy_cross.emulator.runtime.modules.machine import prepared
from mpy_cross.emulator.runtime.modules.machine_.hardware import EIO, US, Hardware
from mpy_cross.emulator.runtime.modules.machine_.pin import PinBase, pin_of
from mpy_cross.emulator.runtime.modules.machine_.single_wire import dht_reader
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import BY_HOST, Module

NAMES: Final[tuple[str, ...]] = ("esp",)
SECTOR: Final = 4096
FLASH_ID: Final = 0x1640EF
"""A W25Q32: maker, type and size."""
NATIVE_LIMIT: Final = 1 << 20
LOGS: Final = ("LOG_NONE", "LOG_ERROR", "LOG_WARNING", "LOG_INFO", "LOG_DEBUG", "LOG_VERBOSE")
SLEEPS: Final = {"SLEEP_NONE": 0, "SLEEP_LIGHT": 1, "SLEEP_MODEM": 2}
# ns high and low of a 0 and of a 1, at 400 and 800 kHz.
PIXELS: Final = ((800, 1700, 1600, 900), (400, 850, 800, 450))
FREE: Final = 27_000
"""Bytes that the system of the ESP8266 has left: an estimate."""


def flash_functions(hw: Hardware) -> dict[str, Any]:
    """Reading, erasing and programming of the flash as it is, by offset."""
    chip, files = hw.chip, hw.runtime.files
    watch = watch_flash(chip)

    def place(offset: int, size: int) -> memoryview:
        files.before_flash()
        if offset < 0 or offset + size > chip.flash.size:
            raise OSError(EIO)
        return chip.flash.buffer[offset : offset + size]

    @native
    def flash_read(byte_offset: Any, length_or_buffer: Any, /) -> Any:
        """Read into a buffer, or so many bytes."""
        offset = as_int(byte_offset)
        if isinstance(length_or_buffer, int):
            return BY_HOST[ByteArray](bytes(place(offset, as_int(length_or_buffer))))
        view = buffer_of(length_or_buffer, True)
        view[:] = place(offset, len(view))
        return None

    @native
    def flash_write(byte_offset: Any, bytes: Any, /) -> None:
        """Program bytes: bits that are 0 stay so until their sector is erased."""
        data, offset = buffer_of(bytes).tobytes(), as_int(byte_offset)
        if len(data) % 4 and not hw.board.platform == "esp32":
            raise ValueError("len must be multiple of 4")
        view = place(offset, len(data))
        wanted = bytearray(old & new for old, new in zip(view, data, strict=True))
        view[:] = watch("program", offset, type(data)(wanted))

    @native
    def flash_erase(sector_no: Any, /) -> None:
        """Erase a sector of 4096 bytes."""
        offset = as_int(sector_no) * SECTOR
        view = place(offset, SECTOR)
        view[:] = watch("erase", offset, b"\xff" * SECTOR)

    @native
    def flash_size() -> int:
        """Bytes of the flash."""
        return chip.flash.size

    @native
    def flash_user_start() -> int:
        """Where the part for files begins."""
        return hw.board.files

    return {"flash_read": flash_read, "flash_write": flash_write, "flash_erase": flash_erase,
            "flash_size": flash_size, "flash_user_start": flash_user_start}


def build(runtime: Runtime) -> Module:
    """Raises ImportError where there is no such chip."""
    hw = prepared(runtime)
    if not hw.esp:
        raise ImportError("no module named 'esp'")
    control = hw.types["control"]

    @native
    def osdebug(level: Any, uart: Any = 0, /) -> None:
        """Where the system's own messages go: there are none here."""

    @native
    def neopixel_write(pin: Any, buf: Any, is800khz: Any, /) -> None:
        """Send the bytes of pixels."""
        control.bitstream(pin, 0, PIXELS[bool(is800khz)], buf)

    values: dict[str, Any] = {
        **flash_functions(hw), "osdebug": osdebug, "neopixel_write": neopixel_write,
        "dht_readinto": dht_reader(hw)}
    if hw.board.platform == "esp32":
        values.update((name, level) for level, name in enumerate(LOGS))
        values.update(_matrix(hw))
    else:
        values.update(_of_esp8266(hw))
    return Module(NAMES[0], values)


def _matrix(hw: Hardware) -> dict[str, Any]:
    """Of the ESP32: signals of the GPIO matrix, by number."""

    @native
    def gpio_matrix_in(gpio: Any, signal: Any, invert: Any, /) -> None:
        """An input of a peripheral looks at a pad."""
        hw.write("GPIO", f"FUNC{as_int(signal)}_IN_SEL_CFG",
                 1 << 7 | bool(invert) << 6 | as_int(gpio))

    @native
    def gpio_matrix_out(gpio: Any, signal: Any, out_invert: Any, oen_invert: Any, /) -> None:
        """An output of a peripheral drives a pad."""
        hw.write("GPIO", f"FUNC{as_int(gpio)}_OUT_SEL_CFG",
                 as_int(signal) | bool(out_invert) << 9 | bool(oen_invert) << 11)

    return {"gpio_matrix_in": gpio_matrix_in, "gpio_matrix_out": gpio_matrix_out}


def _of_esp8266(hw: Hardware) -> dict[str, Any]:
    kinds = [0]
    control = hw.types["control"]

    @native
    def sleep_type(kind: Any = None, /) -> int | None:
        """Get or set how the system sleeps while it waits."""
        if kind is None:
            return kinds[0]
        kinds[0] = as_int(kind)
        return None

    @native
    def deepsleep(time_us: Any = 0, /) -> None:
        """Sleep for so many us, or until a reset, and start from the beginning."""
        hw.scheduler.wait(lambda: False,
                          hw.clock.now + as_int(time_us) * US if as_int(time_us) else None)
        control._sleep_until_reset()

    @native
    def flash_id() -> int:
        """Maker, type and size of the flash."""
        return FLASH_ID

    @native
    def check_fw() -> bool:
        """Print the size and the check sum of the firmware, and whether they are right."""
        size = hw.board.files
        digest = hashlib.md5(hw.chip.flash.buffer[:size], usedforsecurity=False).hexdigest()
        hw.runtime.write(f"size: {size}\nmd5: {digest}\n")
        return True

    @native
    def freemem() -> int:
        """Bytes that the system has left."""
        return FREE

    @native
    def meminfo() -> None:
        """Print the memory of the system."""
        hw.runtime.write(f"heap  : 0x3ffef000 ~ 0x3fffc000, free: {FREE}\n")

    @native
    def info() -> None:
        """Print the memory of the chip."""
        ram = hw.chip.ram
        hw.runtime.write(f"_ram_start={ram.base:08x}\n_ram_end={ram.base + ram.size:08x}\n")

    @native
    def apa102_write(clock: Any, data: Any, buf: Any, /) -> None:
        """Send the lights' bytes (red, green, blue, brightness) by a clock and a data line."""
        sck, mosi = pin_of(hw, clock), pin_of(hw, data)
        colours = buffer_of(buf).tobytes()
        _shift(hw, sck, mosi, bytes(4))
        for at in range(0, len(colours) // 4 * 4, 4):
            red, green, blue, brightness = colours[at : at + 4]
            _shift(hw, sck, mosi, bytes((brightness | 0xE0, blue, green, red)))
        mosi._write(True)
        for _ in range(len(colours) // 8 + len(colours) // 4 % 2):  # each light delays by an edge
            _pulse(hw, sck)
        _shift(hw, sck, mosi, b"\xff" * 4)

    @native
    def set_native_code_location(start: Any, length: Any, /) -> None:
        """Say where native code goes: here it has memory of its own, the arguments are checked."""
        if start is None and length is None:
            return
        if as_int(start) + as_int(length) > NATIVE_LIMIT:
            raise ValueError("flash location must be below 1MByte")

    return {
        "sleep_type": sleep_type, "deepsleep": deepsleep, "flash_id": flash_id,
        "check_fw": check_fw, "freemem": freemem, "meminfo": meminfo, "info": info,
        "apa102_write": apa102_write, "set_native_code_location": set_native_code_location,
        **SLEEPS}


def _pulse(hw: Hardware, clock: PinBase) -> None:
    clock._write(True)
    hw.spend(US)
    clock._write(False)
    hw.spend(US)


def _shift(hw: Hardware, clock: PinBase, data: PinBase, sent: bytes) -> None:
    for byte in sent:
        for at in range(7, -1, -1):
            data._write(bool(byte >> at & 1))
            _pulse(hw, clock)
