"""Names that the manual documents for the hardware modules, by board, module and class."""

from __future__ import annotations

from typing import Final

NAMES: Final[dict[tuple[str, str, str], str]] = {
    ("pico", "machine", ""): (
        "ADC DEEPSLEEP DEEPSLEEP_RESET HARD_RESET I2C I2S IDLE PWM PWRON_RESET Pin RTC "
        "SLEEP SOFT_RESET SPI Signal SoftI2C SoftSPI Timer UART WDT WDT_RESET bitstream "
        "bootloader deepsleep disable_irq enable_irq freq idle lightsleep mem16 mem32 "
        "reset reset_cause sleep soft_reset time_pulse_us unique_id"
    ),
    ("pico", "machine", "ADC"): (
        "read_u16"
    ),
    ("pico", "machine", "I2C"): (
        "init readfrom readfrom_into readfrom_mem readfrom_mem_into scan writeto "
        "writeto_mem writevto"
    ),
    ("pico", "machine", "I2S"): (
        "MONO RX STEREO TX deinit init irq readinto shift write"
    ),
    ("pico", "machine", "PWM"): (
        "deinit duty_ns duty_u16 freq init"
    ),
    ("pico", "machine", "Pin"): (
        "ALT ALT_OPEN_DRAIN ANALOG IN IRQ_FALLING IRQ_HIGH_LEVEL IRQ_LOW_LEVEL IRQ_RISING "
        "OPEN_DRAIN OUT PULL_DOWN PULL_UP __call__ high init irq low off on value"
    ),
    ("pico", "machine", "RTC"): (
        "ALARM0 alarm alarm_left cancel datetime deinit init irq now"
    ),
    ("pico", "machine", "SPI"): (
        "LSB MSB deinit init read readinto write write_readinto"
    ),
    ("pico", "machine", "Signal"): (
        "off on value"
    ),
    ("pico", "machine", "SoftI2C"): (
        "readinto start stop write"
    ),
    ("pico", "machine", "Timer"): (
        "ONE_SHOT PERIODIC deinit init"
    ),
    ("pico", "machine", "UART"): (
        "CTS RTS any deinit init read readinto readline sendbreak write"
    ),
    ("pico", "machine", "WDT"): (
        "feed"
    ),
    ("pico", "rp2", ""): (
        "Flash PIO PIOASMError StateMachine asm_pio asm_pio_encode"
    ),
    ("pico", "rp2", "Flash"): (
        "ioctl readblocks writeblocks"
    ),
    ("pico", "rp2", "PIO"): (
        "IN_HIGH IN_LOW IRQ_SM0 IRQ_SM1 IRQ_SM2 IRQ_SM3 JOIN_NONE JOIN_RX JOIN_TX "
        "OUT_HIGH OUT_LOW SHIFT_LEFT SHIFT_RIGHT add_program irq remove_program "
        "state_machine"
    ),
    ("pico", "rp2", "StateMachine"): (
        "active exec get init irq put restart rx_fifo tx_fifo"
    ),
    ("pyboard", "machine", ""): (
        "ADC DEEPSLEEP DEEPSLEEP_RESET HARD_RESET I2C I2S IDLE PWRON_RESET Pin RTC "
        "SDCard SLEEP SOFT_RESET SPI Signal SoftI2C SoftSPI Timer UART WDT WDT_RESET "
        "bitstream bootloader deepsleep disable_irq enable_irq freq idle lightsleep mem16 "
        "mem32 reset reset_cause sleep soft_reset time_pulse_us unique_id"
    ),
    ("pyboard", "machine", "ADC"): (
        "read_u16"
    ),
    ("pyboard", "machine", "I2C"): (
        "init readfrom readfrom_into readfrom_mem readfrom_mem_into scan writeto "
        "writeto_mem writevto"
    ),
    ("pyboard", "machine", "I2S"): (
        "MONO RX STEREO TX deinit init irq readinto shift write"
    ),
    ("pyboard", "machine", "Pin"): (
        "ALT ALT_OPEN_DRAIN ANALOG IN IRQ_FALLING IRQ_HIGH_LEVEL IRQ_LOW_LEVEL IRQ_RISING "
        "OPEN_DRAIN OUT PULL_DOWN PULL_UP __call__ board high init irq low mode off on "
        "pull value"
    ),
    ("pyboard", "machine", "RTC"): (
        "ALARM0 alarm alarm_left cancel datetime deinit init irq now"
    ),
    ("pyboard", "machine", "SPI"): (
        "LSB MSB deinit init read readinto write write_readinto"
    ),
    ("pyboard", "machine", "Signal"): (
        "off on value"
    ),
    ("pyboard", "machine", "SoftI2C"): (
        "readinto start stop write"
    ),
    ("pyboard", "machine", "Timer"): (
        "ONE_SHOT PERIODIC deinit init"
    ),
    ("pyboard", "machine", "UART"): (
        "CTS RTS any deinit init read readinto readline sendbreak write"
    ),
    ("pyboard", "machine", "WDT"): (
        "feed"
    ),
    ("pyboard", "pyb", ""): (
        "ADC ADCAll Accel CAN DAC ExtInt Flash I2C LCD LED Pin PinAF RTC SDCard SPI Servo "
        "Switch Timer TimerChannel UART USB_HID USB_VCP bootloader delay disable_irq "
        "elapsed_micros elapsed_millis enable_irq fault_debug freq hard_reset have_cdc "
        "hid hid_keyboard hid_mouse info main micros millis mount repl_uart rng standby "
        "stop sync udelay unique_id usb_mode wfi"
    ),
    ("pyboard", "pyb", "ADC"): (
        "read read_timed read_timed_multi"
    ),
    ("pyboard", "pyb", "ADCAll"): (
        "read_channel read_core_temp read_core_vbat read_core_vref read_vref"
    ),
    ("pyboard", "pyb", "Accel"): (
        "filtered_xyz tilt x y z"
    ),
    ("pyboard", "pyb", "CAN"): (
        "BUS_OFF ERROR_ACTIVE ERROR_PASSIVE ERROR_WARNING LIST16 LIST32 LOOPBACK MASK16 "
        "MASK32 NORMAL SILENT SILENT_LOOPBACK STOPPED any clearfilter deinit info init "
        "initfilterbanks recv restart rxcallback send setfilter state"
    ),
    ("pyboard", "pyb", "DAC"): (
        "CIRCULAR NORMAL deinit init noise triangle write write_timed"
    ),
    ("pyboard", "pyb", "ExtInt"): (
        "EVT_FALLING EVT_RISING EVT_RISING_FALLING IRQ_FALLING IRQ_RISING "
        "IRQ_RISING_FALLING disable enable line regs swint"
    ),
    ("pyboard", "pyb", "Flash"): (
        "ioctl readblocks writeblocks"
    ),
    ("pyboard", "pyb", "I2C"): (
        "CONTROLLER PERIPHERAL deinit init is_ready mem_read mem_write recv scan send"
    ),
    ("pyboard", "pyb", "LCD"): (
        "command contrast fill get light pixel show text write"
    ),
    ("pyboard", "pyb", "LED"): (
        "intensity off on toggle"
    ),
    ("pyboard", "pyb", "Pin"): (
        "AF1_TIM2 AF2_TIM5 AF3_TIM9 AF7_USART2 AF_OD AF_PP ANALOG IN OUT_OD OUT_PP "
        "PULL_DOWN PULL_NONE PULL_UP __str__ af af_list board cpu debug dict gpio high "
        "init low mapper mode name names pin port pull value"
    ),
    ("pyboard", "pyb", "PinAF"): (
        "__str__ index name reg"
    ),
    ("pyboard", "pyb", "RTC"): (
        "calibration datetime info wakeup"
    ),
    ("pyboard", "pyb", "SPI"): (
        "CONTROLLER LSB MSB PERIPHERAL deinit init recv send send_recv"
    ),
    ("pyboard", "pyb", "Servo"): (
        "angle calibration pulse_width speed"
    ),
    ("pyboard", "pyb", "Switch"): (
        "__call__ callback value"
    ),
    ("pyboard", "pyb", "Timer"): (
        "BOTH CENTER DOWN ENC_A ENC_AB ENC_B FALLING HIGH IC LOW OC_ACTIVE "
        "OC_FORCED_ACTIVE OC_FORCED_INACTIVE OC_INACTIVE OC_TIMING OC_TOGGLE PWM "
        "PWM_INVERTED RISING UP callback channel counter deinit freq init period "
        "prescaler source_freq"
    ),
    ("pyboard", "pyb", "TimerChannel"): (
        "callback capture compare pulse_width pulse_width_percent"
    ),
    ("pyboard", "pyb", "UART"): (
        "CTS RTS any deinit init read readchar readinto readline sendbreak write "
        "writechar"
    ),
    ("pyboard", "pyb", "USB_HID"): (
        "recv send"
    ),
    ("pyboard", "pyb", "USB_VCP"): (
        "CTS IRQ_RX RTS any close init irq isconnected read readinto readline readlines "
        "recv send setinterrupt write"
    ),
    ("pyboard", "stm", ""): (
        "CRC CRC_CR CRC_DR GPIOA GPIOB GPIO_BSRR GPIO_BSRRH GPIO_IDR GPIO_ODR RCC "
        "RCC_AHB1ENR TIM2 mem16 mem32 mem8 rfcore_fw_version rfcore_status rfcore_sys_hci"
    ),
}
