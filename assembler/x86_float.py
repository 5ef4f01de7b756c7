"""The x87, MMX and SSE (up to SSE4) instructions of x86 and x86-64, one line each.

Opcodes and forms: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.assembler.x86_isa import Spec, row


def _stack(mnemonic: str, number: int, opposite: int) -> tuple[Spec, ...]:
    """The seven forms of an x87 operation; opposite: its number when st(0) is the second operand.

    fsub and fsubr, fdiv and fdivr change places there.
    """
    return (
        row(mnemonic, f"D8 /{number}", "m32", "", "x87"),
        row(mnemonic, f"DC /{number}", "m64", "", "x87"),
        row(f"fi{mnemonic[1:]}", f"DA /{number}", "m32", "", "x87"),
        row(f"fi{mnemonic[1:]}", f"DE /{number}", "m16", "", "x87"),
        row(mnemonic, f"D8 /{number}", "'st(0)', f", "", "x87"),
        row(mnemonic, f"DC /{opposite}", "f=rw, 'st(0)'", "", "x87"),
        row(f"{mnemonic}p", f"DE /{opposite}", "f=rw, 'st(0)'", "", "x87"),
    )


def _compare(mnemonic: str, number: int) -> tuple[Spec, ...]:
    return (
        row(mnemonic, f"D8 /{number}", "m32", "", "x87"),
        row(mnemonic, f"DC /{number}", "m64", "", "x87"),
        row(f"fi{mnemonic[1:]}", f"DA /{number}", "m32", "", "x87"),
        row(f"fi{mnemonic[1:]}", f"DE /{number}", "m16", "", "x87"),
        row(mnemonic, f"D8 /{number}", "f", "", "x87"),
    )


_X87_FIXED: Final = (
    ("fnop", "D9 =D0"), ("fchs", "D9 =E0"), ("fabs", "D9 =E1"), ("ftst", "D9 =E4"),
    ("fxam", "D9 =E5"), ("fld1", "D9 =E8"), ("fldl2t", "D9 =E9"), ("fldl2e", "D9 =EA"),
    ("fldpi", "D9 =EB"), ("fldlg2", "D9 =EC"), ("fldln2", "D9 =ED"), ("fldz", "D9 =EE"),
    ("f2xm1", "D9 =F0"), ("fyl2x", "D9 =F1"), ("fptan", "D9 =F2"), ("fpatan", "D9 =F3"),
    ("fxtract", "D9 =F4"), ("fprem1", "D9 =F5"), ("fdecstp", "D9 =F6"), ("fincstp", "D9 =F7"),
    ("fprem", "D9 =F8"), ("fyl2xp1", "D9 =F9"), ("fsqrt", "D9 =FA"), ("fsincos", "D9 =FB"),
    ("frndint", "D9 =FC"), ("fscale", "D9 =FD"), ("fsin", "D9 =FE"), ("fcos", "D9 =FF"),
    ("fucompp", "DA =E9"), ("fnclex", "DB =E2"), ("fninit", "DB =E3"), ("fcompp", "DE =D9"),
)
# Memory: opcode, operands.
_X87_MEMORY: Final = (
    ("fld", "D9 /0", "m32"), ("fld", "DD /0", "m64"), ("fld", "DB /5", "m80"),
    ("fst", "D9 /2", "m32=w"), ("fst", "DD /2", "m64=w"), ("fstp", "D9 /3", "m32=w"),
    ("fstp", "DD /3", "m64=w"), ("fstp", "DB /7", "m80=w"),
    ("fild", "DF /0", "m16"), ("fild", "DB /0", "m32"), ("fild", "DF /5", "m64"),
    ("fist", "DF /2", "m16=w"), ("fist", "DB /2", "m32=w"), ("fistp", "DF /3", "m16=w"),
    ("fistp", "DB /3", "m32=w"), ("fistp", "DF /7", "m64=w"),
    ("fbld", "DF /4", "m80"), ("fbstp", "DF /6", "m80=w"),
    ("fldcw", "D9 /5", "m16"), ("fnstcw", "D9 /7", "m16=w"), ("fnstsw", "DD /7", "m16=w"),
    ("fldenv", "D9 /4", "mem"), ("fnstenv", "D9 /6", "mem"), ("frstor", "DD /4", "mem"),
    ("fnsave", "DD /6", "mem"),
)
_X87_REGISTER: Final = (
    ("fld", "D9 /0", "f"), ("fxch", "D9 /1", "f=rw"), ("ffree", "DD /0", "f"),
    ("fst", "DD /2", "f=w"), ("fstp", "DD /3", "f=w"), ("fucom", "DD /4", "f"),
    ("fucomp", "DD /5", "f"), ("fucomi", "DB /5", "'st(0)', f"),
    ("fcomi", "DB /6", "'st(0)', f"), ("fucomip", "DF /5", "'st(0)', f"),
    ("fcomip", "DF /6", "'st(0)', f"),
    *((f"fcmov{code}", f"DA /{number}", "'st(0)', f")
      for number, code in enumerate(("b", "e", "be", "u"))),
    *((f"fcmovn{code}", f"DB /{number}", "'st(0)', f")
      for number, code in enumerate(("b", "e", "be", "u"))),
)

_X87: Final = (
    *_stack("fadd", 0, 0), *_stack("fmul", 1, 1), *_compare("fcom", 2), *_compare("fcomp", 3),
    *_stack("fsub", 4, 5), *_stack("fsubr", 5, 4), *_stack("fdiv", 6, 7), *_stack("fdivr", 7, 6),
    *(row(name, opcode, "", "", "x87") for name, opcode in _X87_FIXED),
    *(row(name, opcode, operands, "", "x87") for name, opcode, operands in _X87_MEMORY),
    *(row(name, opcode, operands, "", "x87") for name, opcode, operands in _X87_REGISTER),
    row("fnstsw", "DF =E0", "'ax'", "", "x87", "a=w"),
    *(row("fisttp", opcode, f"{width}=w", "", "x87 sse3")
      for opcode, width in (("DF /1", "m16"), ("DB /1", "m32"), ("DD /1", "m64"))),
)

# The four precisions of an operation: suffix, prefix, memory, feature.
_PRECISIONS: Final = (("ps", "", 128, "sse"), ("pd", "66 ", 128, "sse2"), ("ss", "F3 ", 32, "sse"),
                      ("sd", "F2 ", 64, "sse2"))
_FLOAT: Final = (("51", "sqrt", "w"), ("58", "add", "rw"), ("59", "mul", "rw"), ("5C", "sub", "rw"),
                 ("5D", "min", "rw"), ("5E", "div", "rw"), ("5F", "max", "rw"))
_LOGIC: Final = (("54", "and"), ("55", "andn"), ("56", "or"), ("57", "xor"), ("14", "unpckl"),
                 ("15", "unpckh"))

_SSE: Final = (
    *(row(f"{name}{suffix}", f"{prefix}0F {code} /r", f"x={access}, xm{size}", "", feature)
      for code, name, access in _FLOAT for suffix, prefix, size, feature in _PRECISIONS),
    *(row(f"{name}{suffix}", f"{prefix}0F {code} /r", "x=rw, xm128", "", feature)
      for code, name in _LOGIC for suffix, prefix, _, feature in _PRECISIONS[:2]),
    *(row(f"cmp{suffix}", f"{prefix}0F C2 /r", f"x=rw, xm{size}, u8", "", feature)
      for suffix, prefix, size, feature in _PRECISIONS),
    *(row(f"shuf{suffix}", f"{prefix}0F C6 /r", "x=rw, xm128, u8", "", feature)
      for suffix, prefix, _, feature in _PRECISIONS[:2]),
    *(row(f"{name}{suffix}", f"{prefix}0F {code} /r", f"x, xm{size}", "", feature)
      for code, name in (("2E", "ucomi"), ("2F", "comi"))
      for suffix, prefix, size, feature in (("ss", "", 32, "sse"), ("sd", "66 ", 64, "sse2"))),
    *(row(f"{name}{suffix}", f"{prefix}0F {code} /r", f"x=w, xm{size}", "", "sse")
      for code, name in (("52", "rsqrt"), ("53", "rcp"))
      for suffix, prefix, size in (("ps", "", 128), ("ss", "F3 ", 32))),

    # Moves; a scalar from a register leaves the upper part as it is.
    *(one for name, prefix, code, feature in (
        ("movups", "", 0x10, "sse"), ("movupd", "66 ", 0x10, "sse2"), ("movaps", "", 0x28, "sse"),
        ("movapd", "66 ", 0x28, "sse2")) for one in (
        row(name, f"{prefix}0F {code:02X} /r", "x=w, xm128", "", feature),
        row(name, f"{prefix}0F {code + 1:02X} /r", "xm128=w, x", "", feature))),
    *(one for name, prefix, size, feature in (("movss", "F3", 32, "sse"),
                                              ("movsd", "F2", 64, "sse2")) for one in (
        row(name, f"{prefix} 0F 10 /r", "x=rw, xd", "", feature),
        row(name, f"{prefix} 0F 10 /r", f"x=w, m{size}", "", feature),
        row(name, f"{prefix} 0F 11 /r", f"xm{size}=w, x", "", feature))),
    *(one for suffix, prefix, feature in (("ps", "", "sse"), ("pd", "66 ", "sse2"))
      for half, code in (("l", 0x12), ("h", 0x16)) for one in (
        row(f"mov{half}{suffix}", f"{prefix}0F {code:02X} /r", "x=rw, m64", "", feature),
        row(f"mov{half}{suffix}", f"{prefix}0F {code + 1:02X} /r", "m64=w, x", "", feature))),
    row("movhlps", "0F 12 /r", "x=rw, xd", "", "sse"),
    row("movlhps", "0F 16 /r", "x=rw, xd", "", "sse"),
    row("movntps", "0F 2B /r", "m128=w, x", "", "sse"),
    row("movntpd", "66 0F 2B /r", "m128=w, x", "", "sse2"),
    row("movmskps", "0F 50 /r", "r32=w, xd", "", "sse"),
    row("movmskpd", "66 0F 50 /r", "r32=w, xd", "", "sse2"),
    row("movd", "66 0F 6E /r", "x=w, rm", "d", "sse2"),
    row("movq", "66 0F 6E /r", "x=w, rm", "q", "sse2"),
    row("movd", "66 0F 7E /r", "rm=w, x", "d", "sse2"),
    row("movq", "66 0F 7E /r", "rm=w, x", "q", "sse2"),
    row("movq", "F3 0F 7E /r", "x=w, xm64", "", "sse2"),
    row("movq", "66 0F D6 /r", "xm64=w, x", "", "sse2"),
    *(one for name, prefix in (("movdqa", "66"), ("movdqu", "F3")) for one in (
        row(name, f"{prefix} 0F 6F /r", "x=w, xm128", "", "sse2"),
        row(name, f"{prefix} 0F 7F /r", "xm128=w, x", "", "sse2"))),
    row("movntdq", "66 0F E7 /r", "m128=w, x", "", "sse2"),
    row("maskmovdqu", "66 0F F7 /r", "x, xd", "", "sse2", "di=r"),

    # Conversions
    row("cvtsi2ss", "F3 0F 2A /r", "x=rw, rm", "y", "sse"),
    row("cvtsi2sd", "F2 0F 2A /r", "x=rw, rm", "y", "sse2"),
    row("cvttss2si", "F3 0F 2C /r", "r=w, xm32", "y", "sse"),
    row("cvttsd2si", "F2 0F 2C /r", "r=w, xm64", "y", "sse2"),
    row("cvtss2si", "F3 0F 2D /r", "r=w, xm32", "y", "sse"),
    row("cvtsd2si", "F2 0F 2D /r", "r=w, xm64", "y", "sse2"),
    row("cvtps2pd", "0F 5A /r", "x=w, xm64", "", "sse2"),
    row("cvtpd2ps", "66 0F 5A /r", "x=w, xm128", "", "sse2"),
    row("cvtss2sd", "F3 0F 5A /r", "x=rw, xm32", "", "sse2"),
    row("cvtsd2ss", "F2 0F 5A /r", "x=rw, xm64", "", "sse2"),
    row("cvtdq2ps", "0F 5B /r", "x=w, xm128", "", "sse2"),
    row("cvtps2dq", "66 0F 5B /r", "x=w, xm128", "", "sse2"),
    row("cvttps2dq", "F3 0F 5B /r", "x=w, xm128", "", "sse2"),
    row("cvttpd2dq", "66 0F E6 /r", "x=w, xm128", "", "sse2"),
    row("cvtdq2pd", "F3 0F E6 /r", "x=w, xm64", "", "sse2"),
    row("cvtpd2dq", "F2 0F E6 /r", "x=w, xm128", "", "sse2"),

    row("ldmxcsr", "0F AE /2", "m32", "", "sse"),
    row("stmxcsr", "0F AE /3", "m32=w", "", "sse"),
    row("fxsave", "0F AE /0", "mem", "d", "sse"),
    row("fxrstor", "0F AE /1", "mem", "d", "sse"),
    row("fxsave64", "0F AE /0", "mem", "q", "sse"),
    row("fxrstor64", "0F AE /1", "mem", "q", "sse"),
)

# Packed integers of SSE2: x and memory or register, by opcode after 66 0F.
_PACKED: Final = (
    (0x60, "punpcklbw punpcklwd punpckldq packsswb pcmpgtb pcmpgtw pcmpgtd packuswb punpckhbw"
           " punpckhwd punpckhdq packssdw punpcklqdq punpckhqdq"),
    (0x74, "pcmpeqb pcmpeqw pcmpeqd"), (0xD1, "psrlw psrld psrlq paddq pmullw"),
    (0xD8, "psubusb psubusw pminub pand paddusb paddusw pmaxub pandn pavgb psraw psrad pavgw"
           " pmulhuw pmulhw"),
    (0xE8, "psubsb psubsw pminsw por paddsb paddsw pmaxsw pxor"),
    (0xF1, "psllw pslld psllq pmuludq pmaddwd psadbw"),
    (0xF8, "psubb psubw psubd psubq paddb paddw paddd"),
)
# Those after 66 0F 38.
_PACKED_38: Final = (
    (0x00, "ssse3", "pshufb phaddw phaddd phaddsw pmaddubsw phsubw phsubd phsubsw psignb psignw"
                    " psignd pmulhrsw"),
    (0x28, "sse4", "pmuldq pcmpeqq"), (0x2B, "sse4", "packusdw"), (0x37, "sse4", "pcmpgtq"),
    (0x38, "sse4", "pminsb pminsd pminuw pminud pmaxsb pmaxsd pmaxuw pmaxud pmulld"),
)
_SHIFTS: Final = (("71 /2", "psrlw"), ("71 /4", "psraw"), ("71 /6", "psllw"), ("72 /2", "psrld"),
                  ("72 /4", "psrad"), ("72 /6", "pslld"), ("73 /2", "psrlq"), ("73 /3", "psrldq"),
                  ("73 /6", "psllq"), ("73 /7", "pslldq"))
_EXTEND: Final = (("bw", 64), ("bd", 32), ("bq", 16), ("wd", 64), ("wq", 32), ("dq", 64))

_INTEGER: Final = (
    *(row(name, f"66 0F {first + at:02X} /r", "x=rw, xm128", "", "sse2")
      for first, names in _PACKED for at, name in enumerate(names.split())),
    *(row(name, f"66 0F {code}", "xd=rw, u8", "", "sse2") for code, name in _SHIFTS),
    *(row(name, f"{prefix} 0F 70 /r", "x=w, xm128, u8", "", "sse2")
      for prefix, name in (("66", "pshufd"), ("F3", "pshufhw"), ("F2", "pshuflw"))),
    row("pinsrw", "66 0F C4 /r", "x=rw, g32, u8", "", "sse2"),
    row("pinsrw", "66 0F C4 /r", "x=rw, m16, u8", "", "sse2"),
    row("pextrw", "66 0F C5 /r", "r32=w, xd, u8", "", "sse2"),
    row("pmovmskb", "66 0F D7 /r", "r32=w, xd", "", "sse2"),

    row("haddps", "F2 0F 7C /r", "x=rw, xm128", "", "sse3"),
    row("haddpd", "66 0F 7C /r", "x=rw, xm128", "", "sse3"),
    row("hsubps", "F2 0F 7D /r", "x=rw, xm128", "", "sse3"),
    row("hsubpd", "66 0F 7D /r", "x=rw, xm128", "", "sse3"),
    row("addsubps", "F2 0F D0 /r", "x=rw, xm128", "", "sse3"),
    row("addsubpd", "66 0F D0 /r", "x=rw, xm128", "", "sse3"),
    row("movsldup", "F3 0F 12 /r", "x=w, xm128", "", "sse3"),
    row("movshdup", "F3 0F 16 /r", "x=w, xm128", "", "sse3"),
    row("movddup", "F2 0F 12 /r", "x=w, xm64", "", "sse3"),
    row("lddqu", "F2 0F F0 /r", "x=w, m128", "", "sse3"),

    *(row(name, f"66 0F 38 {first + at:02X} /r", "x=rw, xm128", "", feature)
      for first, feature, names in _PACKED_38 for at, name in enumerate(names.split())),
    *(row(f"pabs{size}", f"66 0F 38 {0x1C + at:02X} /r", "x=w, xm128", "", "ssse3")
      for at, size in enumerate("bwd")),
    row("palignr", "66 0F 3A 0F /r", "x=rw, xm128, u8", "", "ssse3"),
    row("pblendvb", "66 0F 38 10 /r", "x=rw, xm128, 'xmm0'", "", "sse4"),
    row("blendvps", "66 0F 38 14 /r", "x=rw, xm128, 'xmm0'", "", "sse4"),
    row("blendvpd", "66 0F 38 15 /r", "x=rw, xm128, 'xmm0'", "", "sse4"),
    row("ptest", "66 0F 38 17 /r", "x, xm128", "", "sse4"),
    *(row(f"pmov{sign}x{sizes}", f"66 0F 38 {first + at:02X} /r", f"x=w, xm{memory}", "", "sse4")
      for first, sign in ((0x20, "s"), (0x30, "z"))
      for at, (sizes, memory) in enumerate(_EXTEND)),
    row("movntdqa", "66 0F 38 2A /r", "x=w, m128", "", "sse4"),
    row("phminposuw", "66 0F 38 41 /r", "x=w, xm128", "", "sse4"),
    row("roundps", "66 0F 3A 08 /r", "x=w, xm128, u8", "", "sse4"),
    row("roundpd", "66 0F 3A 09 /r", "x=w, xm128, u8", "", "sse4"),
    row("roundss", "66 0F 3A 0A /r", "x=rw, xm32, u8", "", "sse4"),
    row("roundsd", "66 0F 3A 0B /r", "x=rw, xm64, u8", "", "sse4"),
    *(row(name, f"66 0F 3A {code} /r", "x=rw, xm128, u8", "", "sse4")
      for code, name in (("0C", "blendps"), ("0D", "blendpd"), ("0E", "pblendw"), ("40", "dpps"),
                         ("41", "dppd"), ("42", "mpsadbw"))),
    row("pextrb", "66 0F 3A 14 /r", "g32=w, x, u8", "", "sse4"),
    row("pextrb", "66 0F 3A 14 /r", "m8=w, x, u8", "", "sse4"),
    row("pextrw", "66 0F 3A 15 /r", "g32=w, x, u8", "", "sse4"),
    row("pextrw", "66 0F 3A 15 /r", "m16=w, x, u8", "", "sse4"),
    row("pextrd", "66 0F 3A 16 /r", "rm=w, x, u8", "d", "sse4"),
    row("pextrq", "66 0F 3A 16 /r", "rm=w, x, u8", "q", "sse4"),
    row("extractps", "66 0F 3A 17 /r", "rm32=w, x, u8", "", "sse4"),
    row("pinsrb", "66 0F 3A 20 /r", "x=rw, g32, u8", "", "sse4"),
    row("pinsrb", "66 0F 3A 20 /r", "x=rw, m8, u8", "", "sse4"),
    row("insertps", "66 0F 3A 21 /r", "x=rw, xm32, u8", "", "sse4"),
    row("pinsrd", "66 0F 3A 22 /r", "x=rw, rm, u8", "d", "sse4"),
    row("pinsrq", "66 0F 3A 22 /r", "x=rw, rm, u8", "q", "sse4"),
    *(row(name, f"66 0F 3A {code} /r", "x, xm128, u8", "", "sse4", also)
      for code, name, also in (("60", "pcmpestrm", "a=r d=r"), ("61", "pcmpestri", "a=r d=r c=w"),
                               ("62", "pcmpistrm", ""), ("63", "pcmpistri", "c=w"))),
)

# Packed integers that SSE2 and SSSE3 brought to SSE registers only, though MMX has the opcode.
_SSE_ONLY: Final = frozenset(("punpcklqdq", "punpckhqdq", "psrldq", "pslldq"))
# Those that came to MMX registers with a later extension.
_LATER: Final = {**dict.fromkeys(("pminub", "pmaxub", "pavgb", "pavgw", "pmulhuw", "pminsw",
                                  "pmaxsw", "psadbw"), "mmx sse"),
                 **dict.fromkeys(("paddq", "psubq", "pmuludq"), "mmx sse2")}

_MMX: Final = (
    *(row(name, f"0F {first + at:02X} /r", f"q=rw, qm{32 if name.startswith('punpckl') else 64}",
          "", _LATER.get(name, "mmx"))
      for first, names in _PACKED for at, name in enumerate(names.split())
      if name not in _SSE_ONLY),
    *(row(name, f"0F {code}", "qd=rw, u8", "", "mmx") for code, name in _SHIFTS
      if name not in _SSE_ONLY),
    *(row(name, f"0F 38 {first + at:02X} /r", "q=rw, qm64", "", "mmx ssse3")
      for first, feature, names in _PACKED_38 if feature == "ssse3"
      for at, name in enumerate(names.split())),
    *(row(f"pabs{size}", f"0F 38 {0x1C + at:02X} /r", "q=w, qm64", "", "mmx ssse3")
      for at, size in enumerate("bwd")),
    row("palignr", "0F 3A 0F /r", "q=rw, qm64, u8", "", "mmx ssse3"),
    row("movd", "0F 6E /r", "q=w, rm", "d", "mmx"),
    row("movq", "0F 6E /r", "q=w, rm", "q", "mmx"),
    row("movd", "0F 7E /r", "rm=w, q", "d", "mmx"),
    row("movq", "0F 7E /r", "rm=w, q", "q", "mmx"),
    row("movq", "0F 6F /r", "q=w, qm64", "", "mmx"),
    row("movq", "0F 7F /r", "qm64=w, q", "", "mmx"),
    row("movntq", "0F E7 /r", "m64=w, q", "", "mmx sse"),
    row("maskmovq", "0F F7 /r", "q, qd", "", "mmx sse", "di=r"),
    row("pshufw", "0F 70 /r", "q=w, qm64, u8", "", "mmx sse"),
    row("pinsrw", "0F C4 /r", "q=rw, g32, u8", "", "mmx sse"),
    row("pinsrw", "0F C4 /r", "q=rw, m16, u8", "", "mmx sse"),
    row("pextrw", "0F C5 /r", "r32=w, qd, u8", "", "mmx sse"),
    row("pmovmskb", "0F D7 /r", "r32=w, qd", "", "mmx sse"),
    row("emms", "0F 77", "", "", "mmx"),
    row("movdq2q", "F2 0F D6 /r", "q=w, xd", "", "mmx sse2"),
    row("movq2dq", "F3 0F D6 /r", "x=w, qd", "", "mmx sse2"),
    row("cvtpi2ps", "0F 2A /r", "x=rw, qm64", "", "mmx sse"),
    row("cvtpi2pd", "66 0F 2A /r", "x=w, qm64", "", "mmx sse2"),
    row("cvttps2pi", "0F 2C /r", "q=w, xm64", "", "mmx sse"),
    row("cvttpd2pi", "66 0F 2C /r", "q=w, xm128", "", "mmx sse2"),
    row("cvtps2pi", "0F 2D /r", "q=w, xm64", "", "mmx sse"),
    row("cvtpd2pi", "66 0F 2D /r", "q=w, xm128", "", "mmx sse2"),
)

_CRYPTOGRAPHY: Final = (
    row("pclmulqdq", "66 0F 3A 44 /r", "x=rw, xm128, u8", "", "aes"),
    row("aesimc", "66 0F 38 DB /r", "x=w, xm128", "", "aes"),
    *(row(name, f"66 0F 38 {code} /r", "x=rw, xm128", "", "aes")
      for code, name in (("DC", "aesenc"), ("DD", "aesenclast"), ("DE", "aesdec"),
                         ("DF", "aesdeclast"))),
    row("aeskeygenassist", "66 0F 3A DF /r", "x=w, xm128, u8", "", "aes"),
    *(row(name, f"0F 38 {code} /r", "x=rw, xm128", "", "sha")
      for code, name in (("C8", "sha1nexte"), ("C9", "sha1msg1"), ("CA", "sha1msg2"),
                         ("CC", "sha256msg1"), ("CD", "sha256msg2"))),
    row("sha256rnds2", "0F 38 CB /r", "x=rw, xm128, 'xmm0'", "", "sha"),
    row("sha1rnds4", "0F 3A CC /r", "x=rw, xm128, u8", "", "sha"),
)

FLOAT_LINES: Final[tuple[Spec, ...]] = (*_X87, *_SSE, *_INTEGER, *_MMX, *_CRYPTOGRAPHY)
