"""Where things are in translated code: host registers, the state's memory, addresses.

The address space of the engine is that of the program below 4 GiB; above it, where no program can
reach, are the translated code, the table of addresses of indirect jumps, and the state.
"""

from __future__ import annotations

from typing import Final

# Host registers.  w0 to w15 are a0 to a15; their upper halves are always zero.  s0 to s15 are f0
# to f15; v16 to v19 are scratch, the others see `turning`.
T0, T1, T2, T3 = 16, 17, 18, 29  # scratch
BUDGET: Final = 19  # instructions that are left, 64 bits
SAR: Final = 20
LCOUNT: Final = 21
LEND: Final = 22  # 64 bits: LBEG in the upper half
# WINDOWSTART, rotated so that bit 0 is the present window; repeated to 32 bits.  For the upper half
# see `turning`.
STARTS: Final = 23
BASE: Final = 24  # WINDOWBASE
PS: Final = 25
TABLE: Final = 26  # address of the table of indirect jumps of the present mode
PC: Final = 27  # address in the program, for traps and indirect jumps
STATE: Final = 28  # address of the state
LINK: Final = 30

# Offsets in the state's memory.
NEXT: Final = 0  # 8 bytes: host address to go on at
SITE: Final = 8  # 8 bytes: the branch that has no target yet
LEFT: Final = 16  # 8 bytes: instructions that are left
TABLE_NOW, TABLE_EXCEPTION, TABLE_WINDOWS = 24, 32, 40  # 8 bytes each: tables of modes
AT: Final = 48  # 4 bytes: address in the program
REASON: Final = 52  # 4 bytes
# What a trap needs, or an access to a device, read at once:
MAIL: Final = 72  # 8 bytes: instructions that are left
KIND: Final = 80  # 4 bytes: 2 if the rest is filled in; of an access see below
NUMBER: Final = 84  # 4 bytes: of the trap
CALLED: Final = 88  # 4 bytes: its address; of the instruction
ARGUMENTS: Final = 92  # 16 bytes; address and value
# Only needed where it takes longer:
BACK: Final = 108  # 4 bytes: where the trap returns to
RESULT: Final = 112  # 4 bytes: place of the register of an access, as a word of the state
VALUE: Final = 116  # 4 bytes: its result, on the way back
TABLE_MISSED: Final = 120  # 8 bytes: the table in which an address was not found
# The kind of an access: its size, then
STORES, SIGNED = 1 << 3, 1 << 4
REGISTER_AT: Final = 5  # 4 bits: the register
REST_AT: Final = 9  # 6 bits: instructions of the block from this one on
AR: Final = 0x100
SR: Final = 0x400
UR: Final = 0x800
FR: Final = 0xC00
STATE_SIZE: Final = 0x1_0000

# Why translated code calls the host.
(CHAIN, MISS, BUDGET_OVER, STEP, STUB, BREAKPOINT, REFUSED, CHANGED, ACCESS,
 INTERPRET) = range(10)

# Modes: what is known when code is translated.
PLAIN, EXCEPTION, WINDOWS = 0, 1, 2  # windows are not checked; PS.EXCM is set; they are checked
FLOATS: Final = 4  # added: the floating-point coprocessor is enabled
MODES: Final = 8

# Addresses of the host.  Those of things that are used together differ in the bits by which the
# engine's table of pages is indexed.
STATE_AT: Final = 0x1_0080_0000
TABLES_AT: Final = 0x1_1100_0000
TABLE_BITS: Final = 17
TABLE_SIZE: Final = 16 << TABLE_BITS  # bytes of the table of one mode: address and host address
CODE_AT: Final = 0x2_0030_0000
CODE_SIZE: Final = 16 << 20


def special(number: int) -> int:
    """The offset of a special register."""
    return SR + 4 * number
