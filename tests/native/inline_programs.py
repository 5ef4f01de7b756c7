"""Programs for the inline assemblers: each instruction with good arguments, then with one of them
replaced by whatever could be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from mpy_cross.emitters.inline import rv32, thumb, thumb_forms, xtensa
from mpy_cross.emitters.inline.thumb_forms import Field

Bases = dict[str, tuple[tuple[str, ...], ...]]


class Assembler(NamedTuple):
    """One inline assembler."""

    decorator: str
    parameters: str
    bases: Bases
    """Good arguments by instruction; several where the number or kind tells forms apart."""
    pool: tuple[str, ...]
    """What else an argument could be."""


LABEL: Final = "here"
WRONG: Final = ("nowhere", "'text'", "None", "1 << 40", "[r0, 4]", "r99", "a + b")

_XTENSA_KINDS: Final = {"r": "a3", "byte": "-5", "x1": "7", "x2": "6", "x4": "12", "addi_n": "3",
                        "addmi": "512", "movi_n": "20", "word": "8", "u4": "9", "u5": "19",
                        "slli": "5"}


def _xtensa() -> Assembler:
    bases: Bases = {name: (tuple(_XTENSA_KINDS[kind] for kind in form.kinds),)
                    for name, form in xtensa.FORMS.items()}
    for name, branch in xtensa.BRANCHES.items():
        bases[name] = ((*("a4", "a5")[: branch.n_registers], LABEL),)
    bases |= dict.fromkeys(xtensa.BIT_BRANCHES, (("a4", "17", LABEL),))
    bases |= {"j": ((LABEL,),), "call0": ((LABEL,),), "l32r": (("a4", LABEL),),
              "movi": (("a4", "1"), ("a4", "0x12345678")), "memw": ((),), "rsr": (("a2", "3"),)}
    numbers = ("0", "-1", "1", "15", "16", "31", "32", "60", "61", "95", "96", "127", "128", "-128",
               "-129", "-32", "-33", "255", "256", "510", "511", "1020", "1021", "-32768", "32512",
               "32513", "0x80000000", "0xffffffff")
    return Assembler("asm_xtensa", "a2, a3", bases, ("a0", "a15", "a16", *numbers, *WRONG))


_RV32_REGISTERS: Final = {0xFFFF_FFFF: "t1", 0xFFFF_FFFE: "s3", 0xFFFF_FFFA: "a6", 0xFF00: "a5"}


def _rv32_argument(kind: rv32.Kind) -> str:
    if kind.what == "r":
        return _RV32_REGISTERS[kind.mask]
    if kind.what == "l":
        return LABEL
    number = str(3 << (kind.unit - kind.shift))
    return f"{number}({_RV32_REGISTERS[kind.base_mask]})" if kind.what == "o" else number


def _rv32() -> Assembler:
    bases: Bases = {name: (tuple(_rv32_argument(kind) for kind in form.kinds),)
                    for name, form in rv32.FORMS.items()}
    bases["cm_push"] = (("{ra}", "0"),)
    bases["li"] = (("t1", "3"), ("t1", "1000"), ("t1", "0x1000"), ("t1", "0x12345678"))
    numbers = ("0", "-1", "1", "4", "6", "31", "32", "-32", "-33", "60", "63", "64", "-64", "124",
               "252", "256", "1020", "1024", "2047", "2048", "-2048", "-2049", "0x1f", "0xfffff",
               "0x7fffffff", "0x80000000", "-0x80000000", "0xffffffff", "0x12345678", "0x12345800")
    registers = ("zero", "sp", "s0", "a0", "s1", "s2", "x8", "x12", "x16", "x32", "fp")
    offsets = ("-4(a1)", "+8(a1)", "4(a0)", "(-4)(a1)", "~4(a1)", "4[a1]", "4 .a1", "4(a1)(a2)",
               "4()", "4(a1, a2)", "2047(a1)", "-2048(a1)", "2048(a1)", "-2049(a1)", "x(a1)",
               "5(a1)", "4(t6)", "4(7)", "-x(a1)", "64(a1)", "-64(a1)", "-(-4)(a1)", "- -4(a1)")
    return Assembler("asm_rv32", "a0, a1", bases, (*registers, *numbers, *offsets, *WRONG))


_THUMB_KINDS: Final = {"lo": "r5", "reg": "r9", "reg12": "r10", "split": "r8", "special": "IPSR",
                       "vd": "s3", "vm": "s30", "vn": "s17", "imm": "4", "imm16": "0xabcd"}


def _thumb_argument(field: Field | tuple[Field, Field]) -> str:
    if isinstance(field, Field):
        return _THUMB_KINDS[field.kind]
    return f"[{_thumb_argument(field[0])}, {_thumb_argument(field[1])}]"


def _thumb() -> Assembler:
    bases: Bases = {}
    for table in (thumb_forms.TWO_NAMES, thumb_forms.TWO, thumb_forms.THREE,
                  thumb_forms.THREE_NAMES, thumb_forms.FLOAT_TWO, thumb_forms.FLOAT_THREE):
        for name, form in table.items():
            arguments = tuple(_thumb_argument(field) for field in form.fields)
            bases[name] = (*bases.get(name, ()), arguments)
    bases |= dict.fromkeys(thumb.NONE, ((),))
    bases |= dict.fromkeys(thumb.INTERRUPTS, (("i",),))
    plain = (f"b{condition}" for condition in thumb.CONDITIONS)
    for name in ("b", "bl", *plain, "beq_n", "bne_w", "bhi_w", "bxx", "beq_x"):
        bases[name] = ((LABEL,),)
    for name in ("it", "ite", "itt", "itete", "ittt", "ittttt", "itx"):
        bases[name] = (("eq",), ("le",), ("xx",))
    for name in ("push", "pop"):
        bases[name] = (("{r0, r5}",), ("{r4}",), ("{r1, lr}",), ("{r1, pc}",), ("{r8}",), ("{}",),
                       ("{r1: r2}",), ("{5}",), ("{q}",))
    bases |= {"bx": (("lr",),), "movwt": (("r3", "0x12345678"),),
              "vmrs": (("r3", "FPSCR"), ("APSR_nzcv", "FPSCR"), ("r3", "FPSID")),
              "vmov": (("r3", "s5"), ("s5", "r3"))}
    numbers = ("0", "-1", "1", "7", "8", "31", "32", "62", "63", "64", "124", "128", "255", "256",
               "0x3fc", "0x400", "0xffff", "0x10000", "0x80000000", "0xffffffff")
    registers = ("r0", "r7", "r8", "r12", "r13", "r15", "r16", "sl", "fp", "sp", "lr", "pc", "s0",
                 "s31", "s32", "s", "s1x", "BASEPRI")
    addresses = ("[r0, 0]", "[r8, 4]", "[r1]", "[r1, r2]", "[r1, 4, 5]", "[4, 4]", "[r1, 0x7d]",
                 "[r1, 1024]", "[]")
    return Assembler("asm_thumb", "r0, r1", bases, (*registers, *numbers, *addresses, *WRONG))


ASSEMBLERS: Final = {"xtensa": _xtensa(), "rv32imc": _rv32(), "thumb": _thumb()}


def assembler_of(arch: str) -> Assembler:
    family = "xtensa" if arch.startswith("xtensa") else arch
    return ASSEMBLERS.get(family, ASSEMBLERS["thumb"])


def program(assembler: Assembler, lines: tuple[str, ...]) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    head = f"@micropython.{assembler.decorator}\ndef f({assembler.parameters}):\n"
    return head + body


def programs(arch: str, name: str, first: int = 0, step: int = 1) -> Iterator[str]:
    """Programs around one instruction; of the pool, every `step`th member from `first` on."""
    assembler = assembler_of(arch)
    pool = assembler.pool[first::step]
    for base in assembler.bases[name]:
        calls = [base, (*base, "1"), (*base, "r1"), base[:-1]]
        for place in range(len(base)):
            calls += [(*base[:place], other, *base[place + 1 :]) for other in pool]
        for call in calls:
            line = f"{name}({', '.join(call)})"
            if LABEL in call:
                yield program(assembler, (f"label({LABEL})", "data(1, 1, 2, 3, 4)", line))
                yield program(assembler, (line, "data(1, 1, 2, 3)", f"label({LABEL})"))
            else:
                yield program(assembler, (line,))
