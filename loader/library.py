"""What releases do differently in the modules of boards: `framebuf`, `rp2`."""

# Annotations are no texts here, for the reason given in release_record.
from typing import NamedTuple


class LibraryFacts(NamedTuple):
    """Built-in modules of a release.  Each field names the release that changed it."""

    pio_exec_words: bool = False
    """1.21: `StateMachine.exec` takes an instruction as a number."""
    pio_side_checked: bool = False
    """1.18: `side()` refuses a value that does not fit, and a program without side-set."""
    pio_side_optional: bool = False
    """1.18: `asm_pio_encode` can tell an optional side-set."""
    pio_side_directions: bool = False
    """1.25: `asm_pio` takes `side_pindir`."""
    framebuf_shapes: bool = False
    """1.20: `FrameBuffer` has `ellipse` and `poly`, and `rect` can fill."""
    framebuf_size_checked: bool = False
    """1.22: the size has to fit the buffer."""
    framebuf_last_line: bool = False
    """1.24: the last line needs only the bytes that it shows."""
    framebuf_is_whole: bool = False
    """1.22: as a buffer it is all of the buffer that it draws in."""
    framebuf_point: bool = False
    """1.25: an ellipse without radius is a pixel."""
    framebuf_sources: bool = False
    """1.26: `blit` takes a tuple or list in place of a `FrameBuffer`, and read-only bytes."""

    rp_dupterm: bool = False
    """1.20: RP2 has `os.dupterm`."""
    stm_pwm: bool = False
    """1.28: STM32 has `machine.PWM`."""


LIBRARY_1_12 = LibraryFacts()
LIBRARY_1_18 = LIBRARY_1_12._replace(pio_side_checked=True, pio_side_optional=True)
LIBRARY_1_20 = LIBRARY_1_18._replace(framebuf_shapes=True, rp_dupterm=True)
LIBRARY_1_21 = LIBRARY_1_20._replace(pio_exec_words=True)
LIBRARY_1_22 = LIBRARY_1_21._replace(framebuf_size_checked=True, framebuf_is_whole=True)
LIBRARY_1_24 = LIBRARY_1_22._replace(framebuf_last_line=True)
LIBRARY_1_25 = LIBRARY_1_24._replace(framebuf_point=True, pio_side_directions=True)
LIBRARY_1_26 = LIBRARY_1_25._replace(framebuf_sources=True)
LIBRARY_1_28 = LIBRARY_1_26._replace(stm_pwm=True)
