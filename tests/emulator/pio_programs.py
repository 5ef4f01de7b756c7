"""Programs of PIO that run on hosted boards and on stock firmware."""

from __future__ import annotations

from typing import Final

WS2812: Final = """
@rp2.asm_pio(sideset_init=rp2.PIO.OUT_LOW, out_shiftdir=rp2.PIO.SHIFT_LEFT, autopull=True,
             pull_thresh=24)
def ws2812():
    wrap_target()
    label("bitloop")
    out(x, 1)               .side(0)    [2]
    jmp(not_x, "do_zero")   .side(1)    [1]
    jmp("bitloop")          .side(1)    [4]
    label("do_zero")
    nop()                   .side(0)    [4]
    wrap()
"""
"""Lights in a row: 24 bits a light, high bit first; ten cycles a bit."""
