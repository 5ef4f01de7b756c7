"""Functions in the ROM of the ESP32: the usual ones, by name (linker files of the maker)."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.soc.rom_names import functions

FUNCTIONS: Final = functions(
    "isdigit:F64 srand:1004 rand:1058 strcmp:1274 strcpy:13AC strlen:14C0 strncpy:15D4 "
    "__addsf3:20E8 __subsf3:21D0 __adddf3:2590 __subdf3:26E4 __divdf3:2954 __fixdfsi:2A78 "
    "__truncdfsf2:2B90 __extendsfdf2:2C34 rom_i2c_writeReg:41A4 rom_i2c_writeReg_Mask:41FC "
    "rtc_get_reset_reason:81D4 software_reset:824C software_reset_cpu:8264 ets_delay_us:8534 "
    "ets_update_cpu_frequency:8550 ets_efuse_get_spiconfig:8658 gpio_matrix_in:9EDC "
    "gpio_matrix_out:9F0C memchr:C244 memcmp:C260 memcpy:C2C8 memmove:C3C0 memset:C44C "
    "strcat:C518 strchr:C53C strncmp:C5F4 strstr:C674 __divsi3:C7B8 __modsi3:C7C0 "
    "__udivsi3:C7C8 __umodsi3:C7D0 __floatsidf:C944 __muldi3:C9FC __divdi3:CA84 __moddi3:CD4C "
    "__udivdi3:CFF8 __umoddi3:D280 qsort:56424 itoa:566B4 strtol:5681C strtoul:5692C "
    "__swbuf:58CB4 crc32_le:5CFEC crc32_be:5D024 crc16_le:5D05C crc16_be:5D09C crc8_le:5D0E0 "
    "crc8_be:5D114 MD5Init:5DA7C MD5Update:5DA9C MD5Final:5DB1C __mulsf3:632C8 __muldf3:6358C")
"""Names by address."""
