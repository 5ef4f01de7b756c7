"""A program that is a USB device, without an operating system: the host enumerates it."""

from __future__ import annotations

import struct
from typing import Final

import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra emulator")

from mpy_cross.emulator.stock import plug_in
from tests.emulator.core_programs import CS, EQ, ICPR, ISER, LS, NE, PRIMASK, Program
from tests.emulator.rp2040_programs import MS, RAM, RESULT, Bare

RESETS_CLEAR, USB, MEMORY = 0x4000F000, 0x50110000, 0x50100000
FULL, DATA_1, STALL, AVAILABLE = 1 << 15, 1 << 13, 1 << 11, 1 << 10
SLOT: Final = 80
DESCRIPTORS: Final = RAM + 0x2000

DEVICE = bytes([18, 1, 0x10, 1, 0, 0, 0, 64, 0xFE, 0xCA, 1, 0x40, 0, 1, 0, 2, 0, 1])
CONFIGURATION = bytes([9, 2, 25, 0, 1, 1, 0, 0x80, 50,
                       9, 4, 0, 0, 1, 0xFF, 0, 0, 0,
                       7, 5, 0x81, 2, 64, 0, 0])
PRODUCT = "bare metal".encode("utf-16-le")
ANSWERS: Final = {0x100: DEVICE, 0x200: CONFIGURATION, 0x300: b"\x04\x03\x09\x04",
                  0x302: bytes([len(PRODUCT) + 2, 3]) + PRODUCT}
"""Descriptors by kind and number."""


def table() -> bytes:
    """The descriptors as the program looks them up: key, length, bytes; a key of 0 at the end."""
    return b"".join(struct.pack("<II", key, len(data)) + data.ljust(SLOT - 8, b"\0")
                    for key, data in ANSWERS.items()) + bytes(SLOT)


def device(p: Program) -> None:
    """Answers on endpoint 0.  r4: registers, r5: memory, r6 and r7: the SETUP packet."""
    p.store(RESETS_CLEAR, 1 << 24)
    for offset, value in ((0x74, 9), (0x78, 0xC), (0x40, 1), (0x90, 1 << 12 | 1 << 16),
                          (0x4C, 1 << 16 | 1 << 29)):
        p.store(USB + offset, value)
    p.store(ISER, 1 << 5)
    p("movs_imm8", 0, 1)
    p.msr(PRIMASK, 0)  # interrupts end WFI, and are not taken
    p.const(4, USB)
    p.const(5, MEMORY)
    p.here("look")
    p("wfi")
    p.store(ICPR, 1 << 5)
    p("ldr_imm5", 0, 4, 0x50)
    p.const(2, 1 << 19)
    p("tst_reg2", 0, 2)
    p.if_(EQ, "no reset")
    p("str_imm5", 2, 4, 0x50)
    p("movs_imm8", 1, 0)
    p("str_imm5", 1, 4, 0)
    p.here("no reset")
    p.const(2, 1 << 17)
    p("tst_reg2", 0, 2)
    p.if_(EQ, "look")
    p("str_imm5", 2, 4, 0x50)
    p("ldr_imm5", 6, 5, 0)
    p("ldr_imm5", 7, 5, 4)
    p("uxth", 0, 6)
    p.const(1, 0x0680)
    p("cmp_reg2", 0, 1)
    p.if_(NE, "no data")
    p("lsrs_imm", 0, 6, 16)
    p.const(1, DESCRIPTORS)
    p.here("next")
    p("ldr_imm5", 2, 1, 0)
    p("cmp_reg2", 2, 0)
    p.if_(EQ, "found")
    p("adds_imm8", 1, SLOT)
    p("cmp_imm8", 2, 0)
    p.if_(NE, "next")
    p("movs_imm8", 0, 1)  # not there: a stall
    p.const(1, USB + 0x68)
    p("str_imm5", 0, 1, 0)
    p.const(1, MEMORY + 0x80)
    p.const(0, STALL)
    p("str_imm5", 0, 1, 0)
    p.to("b", "look")
    p.pool()
    p.here("found")
    p("ldr_imm5", 2, 1, 4)
    p("lsrs_imm", 3, 7, 16)
    p("cmp_reg2", 2, 3)
    p.if_(LS, "fits")
    p("movs_reg", 2, 3)
    p.here("fits")
    p("movs_imm8", 0, 0)
    p.const(3, MEMORY + 0x100)
    p.here("copy")
    p("cmp_reg2", 0, 2)
    p.if_(CS, "copied")
    p("ldrb_imm5", 7, 1, 8)
    p("strb_imm5", 7, 3, 0)
    p("adds_imm8", 0, 1)
    p("adds_imm8", 1, 1)
    p("adds_imm8", 3, 1)
    p.to("b", "copy")
    p.here("copied")
    p.const(1, FULL | DATA_1 | AVAILABLE)
    p("orrs_reg2", 2, 1)
    p.to("bl", "send")
    p.const(1, MEMORY + 0x80)  # and the empty packet that ends it
    p.const(3, DATA_1 | AVAILABLE | 64)
    p("str_imm5", 3, 1, 4)
    p("movs_imm8", 2, 2)
    p.to("bl", "wait")
    p.to("b", "look")
    p.here("no data")
    p.const(2, FULL | DATA_1 | AVAILABLE)
    p.to("bl", "send")
    p("lsrs_imm", 1, 6, 16)
    p("uxth", 0, 6)
    p.const(2, 0x0500)
    p("cmp_reg2", 0, 2)
    p.if_(NE, "no address")
    p("str_imm5", 1, 4, 0)
    p.here("no address")
    p.const(2, 0x0900)
    p("cmp_reg2", 0, 2)
    p.if_(NE, "look far")
    p.const(2, RESULT)
    p("str_imm5", 1, 2, 0)
    p.here("look far")
    p.to("b", "look")
    p.here("send")  # the control word in r2
    p.const(1, MEMORY + 0x80)
    p("str_imm5", 2, 1, 0)
    p("movs_imm8", 2, 1)
    p.here("wait")  # for the buffers in r2
    p("ldr_imm5", 0, 4, 0x58)
    p("tst_reg2", 0, 2)
    p.if_(EQ, "wait")
    p("str_imm5", 2, 4, 0x58)
    p("bx", 14)
    p.pool()


def test_enumeration() -> None:
    bare = Bare(device)
    bare.machine.bus.load(DESCRIPTORS, table())
    host = plug_in(bare.machine)
    bare.run(200 * MS)
    assert host.configured and bare.word() == 1  # it has been told its configuration
    assert host.device == DEVICE and host.configuration == CONFIGURATION
    assert host.strings == {2: "bare metal"}
    assert bare.word(base=USB) == 1  # its address
    host.unplug()
    bare.run(10 * MS)
    assert not host.configured
    host.plug()
    bare.run(200 * MS)
    assert host.configured and host.device == DEVICE
    assert not bare.machine.context.touched


def test_descriptor_that_is_missing() -> None:
    """The product's name is refused by a stall, and the host goes on."""
    bare = Bare(device)
    short = {key: data for key, data in ANSWERS.items() if key != 0x302}
    bare.machine.bus.load(DESCRIPTORS, table()[: SLOT * len(short)] + bytes(SLOT))
    host = plug_in(bare.machine)
    bare.run(200 * MS)
    assert host.configured and host.strings == {}
