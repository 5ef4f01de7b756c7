"""The inline assembler of Thumb (manual, "Inline assembler for Thumb2 architectures")."""

from __future__ import annotations

from typing import final

from mpy_cross.assembler.arch import ARCHES
from mpy_cross.assembler.thumb import TABLE
from mpy_cross.emitters.inline.assembler import InlineAssembler
from mpy_cross.emitters.inline.extension import Extension
from mpy_cross.emitters.inline.rows import Rows
from mpy_cross.emitters.inline.thumb_forms import (
    ALWAYS,
    ARMV7M,
    FLOAT,
    FLOAT_THREE,
    FLOAT_TWO,
    FORGETFUL,
    THREE,
    THREE_NAMES,
    TWO,
    TWO_NAMES,
    Field,
    Form,
)
from mpy_cross.emitters.native.machine import Machine
from mpy_cross.loader.inline import ArgKind, InlineArg
from mpy_cross.loader.release import Release

REGISTERS = {f"r{i}": i for i in range(16)} | {"sl": 10, "fp": 11, "sp": 13, "lr": 14, "pc": 15}
SPECIAL_REGISTERS = {"IPSR": 5, "BASEPRI": 17}
CONDITIONS = {
    name: number
    for number, name in enumerate(
        ("eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")
    )
}
VFP_MAX = 31
TABLE_REGISTERS = (
    {name: ("reg:r", number) for name, number in REGISTERS.items()}
    | {"ip": ("reg:r", 12)}
    | {f"s{number}": ("reg:s", number) for number in range(32)}
    | {f"d{number}": ("reg:d", number) for number in range(16)}
)
"""Register names as the instruction table needs them."""
ROWS = Rows(TABLE)
WIDE = 1 << 16  # words from here on are two halfwords, the high one first

# ARM code that calls the Thumb code behind it:
# push {r4, lr}; add lr, pc, #9; blx lr; pop {r4, lr}; bx lr
FROM_ARM = (0xE92D4010, 0xE28FE009, 0xE12FFF3E, 0xE8BD4010, 0xE12FFF1E)
NONE = {"nop": 0xBF00, "wfi": 0xBF30}
INTERRUPTS = {"cpsid": 0xB672, "cpsie": 0xB662}  # the argument, always i, is not looked at


@final
class InlineThumb(InlineAssembler):
    """`@micropython.asm_thumb`."""

    __slots__ = ("allowed", "arch", "from_arm")

    def __init__(self, machine: Machine, arch: str, release: Release) -> None:
        super().__init__(machine, release)
        self.arch = arch
        # Version 5 compilers assemble everything for every architecture that they are for; those of
        # boards without Thumb-2, as of a Pico with 1.17, assemble what the board has.
        every = release.mpy_version < 6 and arch != "armv6m"
        self.from_arm = arch == "armv6"
        self.allowed = {ALWAYS}
        if every or arch.startswith("armv7"):
            self.allowed.add(ARMV7M)
        if every or arch in ("armv7emsp", "armv7emdp"):
            self.allowed.add(FLOAT)

    def make_extension(self) -> Extension | None:
        if self.from_arm:  # the 16-bit instructions of ARMv6
            return Extension(ROWS, TABLE_REGISTERS, self.arch, ARCHES["armv6m"].features, 2)
        arch = ARCHES.get(self.arch)
        if arch is None or arch.table != TABLE.name:
            return None
        return Extension(ROWS, TABLE_REGISTERS, arch.name, arch.features)

    def enter(self) -> None:
        if self.from_arm:
            for word in FROM_ARM:
                self.machine.data(4, word)
        self.machine.entry(0)

    def leave(self) -> None:
        self.machine.exit()

    def check_params(self, params: tuple[InlineArg, ...]) -> None:
        if len(params) > 4:
            self.fail("can only have up to 4 parameters to Thumb assembly")
        elif any(param.text != f"r{i}" for i, param in enumerate(params)):
            self.fail("parameters must be registers in sequence r0 to r3")

    # --- instructions

    def instruction(self, name: str, args: tuple[InlineArg, ...]) -> None:
        if not self._assemble(name, args):
            self.unsupported = True
            self.fail(f"unsupported Thumb instruction '{name}' with {len(args)} arguments")

    def _assemble(self, name: str, args: tuple[InlineArg, ...]) -> bool:
        """False if there is no such instruction with so many arguments."""
        if FLOAT in self.allowed and name.startswith("v"):
            return self._float(name, args)
        if not args:
            if name in NONE:
                self._put(NONE[name])
            return name in NONE
        if len(args) == 1:
            return self._one(name, args[0])
        form = None
        if len(args) == 2:
            if args[1].kind == ArgKind.NAME:
                form = TWO_NAMES.get(name)
            elif name == "movwt" and ARMV7M in self.allowed:
                self._movwt(name, args)
                return True
            else:
                form = TWO.get(name)
        elif len(args) == 3:
            if args[2].kind == ArgKind.NAME:
                form = THREE_NAMES.get(name)
            form = form or THREE.get(name)
        if form is None or form.needs not in self.allowed:
            return False
        return self._emit(name, form, args) or name not in FORGETFUL

    def _emit(self, name: str, form: Form, args: tuple[InlineArg, ...]) -> bool:
        """Assemble a form; False if an address is no address."""
        word = form.word
        for self.operand, (field, arg) in enumerate(zip(form.fields, args, strict=True), 1):
            if isinstance(field, Field):
                word |= self._bits(name, field, arg)
                continue
            n_parts = len(arg.parts) if arg.kind == ArgKind.BRACKET else 0
            if n_parts < 2 or (n_parts > 2 and self.release.inline_address_of_two):
                message = f"'{name}' expects an address of the form [a, b]"
                self.refuse(name, arg, message, "[register, integer]")
                return False
            word |= self._bits(name, field[0], arg.parts[0])
            offset = arg.parts[1] if len(arg.parts) == 2 else InlineArg(ArgKind.OTHER)
            word |= self._bits(name, field[1], offset)
        self._put(word)
        return True

    def _bits(self, name: str, field: Field, arg: InlineArg) -> int:
        kind = field.kind
        if kind == "imm":
            value = self.integer(name, arg, field.mask) >> field.shift
        elif kind == "imm16":
            return _imm16(self.integer(name, arg, field.mask))
        elif kind == "special":
            if arg.kind == ArgKind.NAME and arg.text in SPECIAL_REGISTERS:
                value = SPECIAL_REGISTERS[arg.text]
            else:
                message = f"'{name}' expects a special register"
                value = self.refuse(name, arg, message, " or ".join(SPECIAL_REGISTERS))
        elif kind.startswith("v"):
            return self._vfp_bits(kind, self._vfp(name, arg))
        else:
            value = self._register(name, arg, {"lo": 7, "reg12": 12}.get(kind, 15))
            if kind == "split":  # the high bit stands apart
                return (value & 7) | (value & 8) << 4
        bits = 0
        for place in field.places:
            bits |= value << place
        return bits

    def _put(self, word: int) -> None:
        if word >= WIDE:
            self.machine.data(2, word >> 16)
        self.machine.data(2, word)

    # --- arguments

    def _register(self, name: str, arg: InlineArg, highest: int) -> int:
        number = REGISTERS.get(arg.text)
        if number is None:
            return self.refuse(name, arg, f"'{name}' expects a register", f"r0..r{highest}")
        if number > highest:
            message = f"'{name}' expects at most r{highest}"
            return self.refuse(name, arg, message, f"r0..r{highest}")
        return number

    def _vfp(self, name: str, arg: InlineArg) -> int:
        digits = arg.text[1:]
        if arg.text[:1] != "s" or not (digits.isascii() and digits.isdigit()):
            return self.refuse(name, arg, f"'{name}' expects an FPU register", "s0..s31")
        number = int(digits) & 0xFFFF_FFFF_FFFF_FFFF
        if number > VFP_MAX:
            return self.refuse(name, arg, f"'{name}' expects at most r{VFP_MAX}", "s0..s31")
        return number

    @staticmethod
    def _vfp_bits(field: str, number: int) -> int:
        high, low = number >> 1, number & 1
        if field == "vd":
            return high << 12 | low << 22
        if field == "vn":
            return high << 16 | low << 7
        return high | low << 5

    def _register_list(self, name: str, arg: InlineArg) -> int:
        parts = arg.parts
        if (
            arg.kind != ArgKind.BRACE
            or not parts
            or (len(parts) == 1 and parts[0].kind != ArgKind.NAME)
        ):
            message = f"'{name}' expects {{r0, r1, ...}}"
            return self.refuse(name, arg, message, "a list of registers in braces")
        bits = 0
        for part in parts:
            bits |= 1 << self._register(name, part, 15)
        return bits

    # --- instructions of their own kind

    def _movwt(self, name: str, args: tuple[InlineArg, ...]) -> None:
        self.operand = 1
        register = self._register(name, args[0], 15) << 8
        self.operand = 2
        value = self.integer(name, args[1], 0xFFFF_FFFF)
        self._put(0xF2400000 | register | _imm16(value & 0xFFFF))
        self._put(0xF2C00000 | register | _imm16(value >> 16))

    def _one(self, name: str, arg: InlineArg) -> bool:
        self.operand = 1
        if name in ("b", "bl"):
            self._branch(name, arg)
        elif name == "bx":
            self._put(0x4700 | self._register(name, arg, 15) << 3)
        elif name[:1] == "b" and (len(name) == 3 or (len(name) == 5 and name[3] == "_")):
            return self._branch_if(name, arg)
        elif name[:2] == "it" and ARMV7M in self.allowed:
            return self._if_then(name, arg)
        elif name in INTERRUPTS:
            self._put(INTERRUPTS[name])
        elif name in ("push", "pop"):
            return self._push_pop(name, arg)
        else:
            return False
        return True

    def _branch(self, name: str, arg: InlineArg) -> None:
        label = self.label(name, arg)
        distance = self.distance(label, self.machine.position + 4)
        if name == "b":
            self._put(0xE000 | distance >> 1 & 0x7FF)
            reach = 1 << 11
        else:
            self._put(
                (0xF000 | distance >> 12 & 0x7FF) << 16 | 0xF800 | distance >> 1 & 0x7FF
            )
            reach = 1 << 22
        if self.final and not -reach <= distance < reach:
            self._too_far(name, arg, distance, reach)

    def _branch_if(self, name: str, arg: InlineArg) -> bool:
        condition = CONDITIONS.get(name[1:3])
        wide = name[4:] == "w"
        if condition is None or name[4:] not in ("", "n", "w"):
            return False
        if wide and ARMV7M not in self.allowed:
            return False
        label = self.label(name, arg)
        distance = self.distance(label, self.machine.position + 4)
        if wide:
            high = 0xF000 | condition << 6 | distance >> 10 & 0x400
            if self.release.thumb_far_branches:
                high |= distance >> 12 & 0x3F
                low = distance >> 5 & 0x2000 | distance >> 8 & 0x800 | distance >> 1 & 0x7FF
            else:
                high |= distance >> 14 & 0x3F
                low = distance & 0x2000 | distance >> 1 & 0xFFF
            self._put(high << 16 | 0x8000 | low)
        else:
            self._put(0xD000 | condition << 8 | distance >> 1 & 0xFF)
            if self.final and not -256 <= distance < 256:
                self._too_far(name, arg, distance, 256)
        return True

    def _too_far(self, name: str, arg: InlineArg, distance: int, reach: int) -> None:
        note = f"label '{arg.text}' is {distance} bytes away from {name}, "
        note += f"allowed {-reach}..{reach - 2}"
        self.fail_label("branch not in range", note)

    def _if_then(self, name: str, arg: InlineArg) -> bool:
        condition = CONDITIONS.get(arg.text)
        letters = name[2:]
        if condition is None or len(letters) > 3:
            return False
        mask = 8
        for letter in reversed(letters):
            if letter not in "te":
                return False
            mask = mask >> 1 | ((condition ^ (letter == "e")) & 1) << 3
        self._put(0xBF00 | condition << 4 | mask)
        return True

    def _push_pop(self, name: str, arg: InlineArg) -> bool:
        registers = self._register_list(name, arg)
        # The 16-bit forms take r0 to r7; from version 6 also lr or pc.
        extra = (1 << 14 if name == "push" else 1 << 15) if self.release.mpy_version >= 6 else 0
        if registers & ~(0xFF | extra):
            if ARMV7M not in self.allowed:
                return False
            self._put((0xE92D if name == "push" else 0xE8BD) << 16 | registers)
            return True
        narrow = 0xB400 if name == "push" else 0xBC00
        self._put(narrow | (registers & extra != 0) << 8 | registers & 0xFF)
        return True

    def _float(self, name: str, args: tuple[InlineArg, ...]) -> bool:
        if len(args) == 3:
            form = FLOAT_THREE.get(name)
        elif len(args) != 2:
            return False
        elif name == "vmrs":
            return self._vmrs(name, args)
        elif name == "vmov":
            self._vmov(name, args)
            return True
        else:
            form = FLOAT_TWO.get(name)
        if form is None:
            return False
        self._emit(name, form, args)
        return True

    def _vmrs(self, name: str, args: tuple[InlineArg, ...]) -> bool:
        self.operand = 1
        flags = args[0].text == "APSR_nzcv"
        register = 15 if flags else self._register(name, args[0], 15)
        if args[1].text != "FPSCR":
            return False
        self._put(0xEEF10A10 | register << 12)
        return True

    def _vmov(self, name: str, args: tuple[InlineArg, ...]) -> None:
        to_core = args[0].text.startswith("r")
        self.operand = 1
        if to_core:
            register = self._register(name, args[0], 15)
            self.operand = 2
            number = self._vfp(name, args[1])
        else:
            number = self._vfp(name, args[0])
            self.operand = 2
            register = self._register(name, args[1], 15)
        bits = number >> 1 << 16 | (number & 1) << 7
        self._put(0xEE000A10 | to_core << 20 | bits | register << 12)


def _imm16(value: int) -> int:
    """A 16-bit constant as movw and movt hold it."""
    return (
        (value & 0xF000) << 4 | (value & 0x800) << 15 | (value & 0x700) << 4 | value & 0xFF
    )
