"""Functions of module `machine`: clocks, resets, sleep, interrupts, pulses."""

from __future__ import annotations

from typing import Any, Final, NoReturn

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.buffers import buffer_of
from mpy_cross.emulator.runtime.modules.machine_.hardware import US, Hardware, Reset
from mpy_cross.emulator.runtime.modules.machine_.pin import PinBase, pin_of

# Causes of a reset: the values of the constants.
SOFT_RESET, PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET = range(5)
RP_PWRON, RP_HARD, RP_WDT, RP_DEEPSLEEP, RP_SOFT = 1, 2, 3, 4, 5

# Hz that `freq` of STM32 can set, by the manual's list.
SPEEDS: Final = tuple(mhz * 1_000_000 for mhz in (
    8, 16, 24, 30, 32, 36, 40, 42, 48, 54, 56, 60, 64, 72, 84, 96, 108, 120, 144, 168))
AHB_DIVIDERS: Final = {1: 0, 2: 8, 4: 9, 8: 10, 16: 11, 64: 12, 128: 13, 256: 14, 512: 15}
APB_DIVIDERS: Final = {1: 0, 2: 4, 4: 5, 8: 6}
POWER_FLAG, PIN_FLAG, WATCHDOG_FLAGS, REMOVE_FLAGS = 0x0A000000, 1 << 26, 0x60000000, 1 << 24
STANDBY_FLAG: Final = 2
STREAM_PAUSE: Final = 60_000
"""ns between two streams of bits: estimate of what a program does in between, which the clock may
not have got yet, as it takes operations by the thousand.  Lights show what came after 50 us."""


class Control:
    """The functions, for one machine."""

    def __init__(self, hw: Hardware) -> None:
        self.hw = hw
        self.cause = self._cause()
        self.stream_end = -STREAM_PAUSE
        """ns when the last stream of bits ended."""

    # --------------------------------------------------------------------------------- resets

    def _cause(self) -> int:
        """What the flags of the chip say; reading them clears them."""
        hw = self.hw
        if not hw.stm:
            return RP_WDT if hw.read("WATCHDOG", "REASON") else RP_PWRON
        flags = hw.read("RCC", "CSR")
        standby = hw.read("PWR", "CSR") & STANDBY_FLAG
        hw.change("RCC", "CSR", 0, REMOVE_FLAGS)
        if standby:
            hw.change("PWR", "CR", 0, 1 << 3)
            return DEEPSLEEP_RESET
        if flags & WATCHDOG_FLAGS:
            return WDT_RESET
        if flags & POWER_FLAG:
            return PWRON_RESET
        return HARD_RESET if flags & PIN_FLAG else SOFT_RESET

    def reset_cause(self) -> int:
        """The cause of the last reset."""
        return self.cause

    def reset(self) -> None:
        """Reset the chip."""
        if self.hw.stm:
            self.hw.machine.reset("software")
        else:
            self.hw.change("WATCHDOG", "CTRL", 0, 1 << 31)
        self._end("software")

    def _end(self, cause: str) -> NoReturn:
        """Ends the program at once."""
        if self.hw.stopping is not None:
            self.hw.stopping.cancel()
        raise Reset(cause)

    def soft_reset(self) -> None:
        """Start the interpreter anew."""
        error = SystemExit()
        error.soft_reset = True  # type: ignore[attr-defined]
        raise error

    def bootloader(self, value: Any = None, /) -> None:
        """Enter the bootloader: here, the program is over."""
        self.hw.machine.trace.note("reset", "the program has entered the bootloader")
        self._end("bootloader")

    def unique_id(self) -> bytes:
        """The bytes of the chip's number."""
        return self.hw.machine.unique_id

    # --------------------------------------------------------------------------------- clocks

    def freq(self, *values: Any) -> Any:
        """Get or set the frequency of the core (STM32: of core, AHB, APB1 and APB2)."""
        numbers = [as_int(value) for value in values]
        if not self.hw.stm:
            if not numbers:
                return self.hw.chip.rate.hz
            self._set_rp(numbers[0])
            return None
        if not numbers:
            return self._stm_clocks()
        self._set_stm(numbers)
        return None

    def _set_rp(self, hertz: int) -> None:
        """The system PLL from the crystal: the first exact setting, from the largest VCO down."""
        crystal = self.hw.board.crystal
        for feedback in range(320, 15, -1):
            vco = feedback * crystal
            if not 400_000_000 <= vco <= 1_600_000_000:
                continue
            for first in range(7, 0, -1):
                for second in range(first, 0, -1):
                    if vco == hertz * first * second:
                        self._pll(feedback, first, second)
                        return
        raise ValueError("cannot change frequency")

    def _pll(self, feedback: int, first: int, second: int) -> None:
        hw = self.hw
        hw.write("CLOCKS", "CLK_SYS_CTRL", 0)  # the reference, while the PLL is off
        hw.write("PLL_SYS", "PWR", 0x2D)
        hw.write("PLL_SYS", "FBDIV_INT", feedback)
        hw.write("PLL_SYS", "PRIM", first << 16 | second << 12)
        hw.write("PLL_SYS", "PWR", 0x4)
        hw.write("CLOCKS", "CLK_SYS_CTRL", 1)
        # The peripherals keep 48 MHz of the other PLL.
        hw.write("CLOCKS", "CLK_PERI_CTRL", 0x800 | 2 << 5)

    def _stm_clocks(self) -> tuple[int, int, int, int]:
        config = self.hw.read("RCC", "CFGR")
        hclk = self.hw.chip.rate.hz
        divider = {code: by for by, code in AHB_DIVIDERS.items()}.get(config >> 4 & 15, 1)
        apb = {code: by for by, code in APB_DIVIDERS.items()}
        first, second = (apb.get(config >> shift & 7, 16 if config >> shift & 7 == 7 else 1)
                         for shift in (10, 13))
        return hclk * divider, hclk, hclk // first, hclk // second

    def _set_stm(self, wanted: list[int]) -> None:
        hw = self.hw
        system = max((speed for speed in SPEEDS if speed <= wanted[0]), default=0)
        if not system:
            raise ValueError("cannot set frequency")
        ahb_wanted = wanted[1] if len(wanted) > 1 else system
        ahb = next((by for by in AHB_DIVIDERS if system // by <= ahb_wanted), 512)
        hclk = system // ahb
        buses = []
        for at, limit in ((2, hclk // 4 if hclk > 42_000_000 else hclk), (3, 84_000_000)):
            target = wanted[at] if len(wanted) > at else limit
            buses.append(next((by for by in APB_DIVIDERS if hclk // by <= target), 8))
        prescalers = (AHB_DIVIDERS[ahb] << 4 | APB_DIVIDERS[buses[0]] << 10
                      | APB_DIVIDERS[buses[1]] << 13)
        # From the internal oscillator, to change the PLL.
        hw.change("RCC", "CR", 0, 1)
        hw.change("RCC", "CFGR", 3, 0)
        hw.change("RCC", "CR", 1 << 24, 0)
        source = 0
        if system != 16_000_000:
            hw.change("RCC", "CR", 0, 1 << 16)
            source = 1 if system == hw.board.crystal else 2
            if source == 2:
                hw.write("RCC", "PLLCFGR", self._stm_pll(system))
                hw.change("RCC", "CR", 0, 1 << 24)
        config = hw.read("RCC", "CFGR") & ~0xFCF3
        hw.write("RCC", "CFGR", config | prescalers | source)

    def _stm_pll(self, system: int) -> int:
        """PLLCFGR for a frequency: 1 MHz in, as the firmware has it."""
        mhz = system // 1_000_000
        for output in (2, 4, 6, 8):
            # The VCO runs at a multiple of 48 MHz, for USB, where that is possible.
            for vco in (mhz * output,):
                if 192 <= vco <= 432:
                    usb = max(vco // 48, 2)
                    return (usb << 24 | 1 << 22 | (output // 2 - 1) << 16 | vco << 6
                            | self.hw.board.crystal // 1_000_000)
        # Below 24 MHz the PLL cannot go; 2 MHz in and the largest divider.
        return (8 << 24 | 1 << 22 | 3 << 16 | mhz * 8 << 6 | self.hw.board.crystal // 1_000_000)

    # ---------------------------------------------------------------------------------- sleep

    def idle(self) -> None:
        """Wait for an interrupt, at most 1 ms."""
        self.hw.idle()

    def lightsleep(self, *time_ms: Any) -> None:
        """Sleep for a time, or until an interrupt comes."""
        self.hw.sleep(as_int(time_ms[0]) if time_ms else None)

    def deepsleep(self, *time_ms: Any) -> None:
        """Sleep, and start from the beginning."""
        hw = self.hw
        hw.sleep(as_int(time_ms[0]) if time_ms else None)
        if not hw.stm:
            self.reset()
        hw.close()
        hw.machine.reset("software")
        hw.chip.blocks["PWR"].CSR |= STANDBY_FLAG  # type: ignore[attr-defined]
        self._end("deepsleep")

    # ----------------------------------------------------------------------------- interrupts

    def disable_irq(self) -> Any:
        """Disable interrupts; the state before, for `enable_irq`."""
        before = self.hw.scheduler.mask(True)
        # STM32 gives True if they were enabled, RP2 the PRIMASK register.
        return not before if self.hw.stm else int(before)

    def enable_irq(self, *state: Any) -> None:
        """Restore the state."""
        enabled = bool(state[0]) if state else True
        if not self.hw.stm and state:
            enabled = not as_int(state[0])
        self.hw.scheduler.mask(not enabled)

    # --------------------------------------------------------------------------------- pulses

    def time_pulse_us(self, pin: Any, pulse_level: Any, timeout_us: Any = 1000000, /) -> int:
        """Length of a pulse in us; -2 if it does not begin in time, -1 if it does not end."""
        hw, level, limit = self.hw, as_int(pulse_level), as_int(timeout_us) * US
        source = pin_of(hw, pin)
        wanted = bool(level)

        def at(state: bool) -> bool:
            return hw.wait(lambda: bool(source._read()) == state, limit)

        if bool(source._read()) == wanted and not at(not wanted):
            return -2
        if not at(wanted):
            return -2
        start = hw.clock.now
        if not at(not wanted):
            return -1
        return (hw.clock.now - start) // US

    def bitstream(self, pin: Any, encoding: Any, timing: Any, data: Any, /) -> None:
        """Send bits as pulses: (high 0, low 0, high 1, low 1) in ns."""
        if as_int(encoding) != 0:
            raise ValueError("encoding")
        times = [as_int(each) for each in timing]
        if len(times) != 4:
            raise ValueError("requested length 4 but object has length " + str(len(times)))
        out: PinBase = pin_of(self.hw, pin)
        clock = self.hw.clock
        self.hw.spend(max(self.stream_end + STREAM_PAUSE - clock.now, 0))
        masked = self.hw.scheduler.mask(True)
        for byte in buffer_of(data).tobytes():
            for at in range(7, -1, -1):
                one = 2 * (byte >> at & 1)
                out._write(True)
                clock.advance(times[one])
                out._write(False)
                clock.advance(times[one + 1])
        self.stream_end = clock.now
        self.hw.scheduler.mask(masked)

    def rng(self) -> int:
        """24 random bits."""
        hw = self.hw
        if hw.stm:
            hw.change("RCC", "AHB2ENR", 0, 1 << 6)
            hw.write("RNG", "CR", 1 << 2)
            return hw.read("RNG", "DR") >> 8
        value = 0
        for _ in range(24):
            value = value << 1 | hw.read("ROSC", "RANDOMBIT") & 1
        return value

    def info(self, *dump: Any) -> None:
        """Print information about the board."""
        hw = self.hw
        number = hw.machine.unique_id
        words = "-".join(number[at : at + 4].hex() for at in range(0, len(number), 4))
        clocks = self._stm_clocks()
        hw.runtime.write(
            f"ID={words}\nS={clocks[0]}\nH={clocks[1]}\nP1={clocks[2]}\nP2={clocks[3]}\n"
            f"_ram_start={hw.chip.ram.base:08x}\n"
            f"_ram_end={hw.chip.ram.base + hw.chip.ram.size:08x}\n")


