"""Functions in the ROM of the ESP8266: the usual ones, by name (linker files of the maker)."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.soc.rom_names import functions

FUNCTIONS: Final = functions(
    "_xtos_set_exception_handler:454 srand:5F0 rand:600 ets_isr_attach:F88 ets_isr_mask:F98 "
    "ets_isr_unmask:FA8 ets_memset:18A4 ets_memcpy:18B4 ets_memmove:18C4 ets_memcmp:18D4 "
    "ets_vprintf:1F00 ets_install_putc1:242C ets_printf:24CC rtc_get_reset_reason:25E0 "
    "software_reset:264C ets_strcmp:2AA8 ets_strlen:2AC8 ets_bzero:2AE8 ets_putc:2BE8 "
    "ets_timer_setfn:2C48 ets_timer_arm:2CC4 ets_timer_disarm:2D40 ets_delay_us:2ECC "
    "ets_update_cpu_frequency:2F04 ets_get_cpu_frequency:2F0C uart_div_modify:39D8 "
    "uart_tx_one_char:3B30 uart_rx_one_char:3B8C Cache_Read_Enable:4678 Cache_Read_Disable:47F0 "
    "SPIEraseSector:4A00 SPIWrite:4A4C SPIRead:4B1C gpio_init:4C50 gpio_output_set:4CD0 "
    "gpio_input_get:4CF0 gpio_pin_intr_state_set:4D90 MD5Init:9818 MD5Update:9834 MD5Final:9900 "
    "SHA1Init:B584 SHA1Update:B5A8 SHA1Final:B648 _xtos_set_interrupt_handler_arg:BD28 "
    "strcmp:BDC8 strcpy:BEC8 strlen:BF4C strncmp:BFA8 strncpy:C0A0 xthal_get_ccount:DD38 "
    "memcmp:DEA8 memcpy:DF48 memmove:E04C memset:E190 strstr:E1E0")
"""Names by address."""
