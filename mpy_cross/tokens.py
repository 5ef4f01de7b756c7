"""Token kinds: small integers in an order that lets the parser ask by range and by table."""

from __future__ import annotations

from typing import Final

from mpy_cross.loader.ops import BinaryOp

END: Final = 0
NEWLINE: Final = 1
INDENT: Final = 2
DEDENT: Final = 3
# Tokens that no rule accepts; each has its own message.
INVALID: Final = 4
DEDENT_MISMATCH: Final = 5
MALFORMED_FSTRING: Final = 6
RAW_FSTRING: Final = 7
NAME_ESCAPE: Final = 8  # "\N{...}": the lexer itself raises
LONG_NAME: Final = 9  # an identifier of more than 255 bytes
# Leaves: an expression may be just one of these.
NAME: Final = 10
INTEGER: Final = 11
FLOAT: Final = 12
STRING: Final = 13
BYTES: Final = 14
ELLIPSIS: Final = 15
FALSE: Final = 16
NONE: Final = 17
TRUE: Final = 18
# Brackets and the dot: 19 to 21 start an atom, 20 to 22 a trailer.
BRACE_OPEN: Final = 19
PAREN_OPEN: Final = 20
BRACKET_OPEN: Final = 21
PERIOD: Final = 22
PAREN_CLOSE: Final = 23
BRACKET_CLOSE: Final = 24
BRACE_CLOSE: Final = 25
COMMA: Final = 26
COLON: Final = 27
SEMICOLON: Final = 28
EQUAL: Final = 29
ARROW: Final = 30
WALRUS: Final = 31
# 32 to 44: augmented assignment, in the order of the binary operators below.
AUGMENTED_FIRST: Final = 32
AUGMENTED_LAST: Final = 44
TILDE: Final = 45
# 46 to 58: binary operators.
PIPE: Final = 46
CARET: Final = 47
AMPERSAND: Final = 48
LESS_LESS: Final = 49
MORE_MORE: Final = 50
PLUS: Final = 51
MINUS: Final = 52
STAR: Final = 53
AT: Final = 54
SLASH: Final = 55
PERCENT: Final = 56
SLASH_SLASH: Final = 57
STAR_STAR: Final = 58
# 59 to 67: comparisons; `not` begins `not in`.
LESS: Final = 59
MORE: Final = 60
EQUAL_EQUAL: Final = 61
LESS_EQUAL: Final = 62
MORE_EQUAL: Final = 63
NOT_EQUAL: Final = 64
IN: Final = 65
IS: Final = 66
NOT: Final = 67
AND: Final = 68
OR: Final = 69
IF: Final = 70
ELSE: Final = 71
LAMBDA: Final = 72
AWAIT: Final = 73
YIELD: Final = 74
FOR: Final = 75
AS: Final = 76
ASSERT: Final = 77
ASYNC: Final = 78
BREAK: Final = 79
CLASS: Final = 80
CONTINUE: Final = 81
DEF: Final = 82
DEL: Final = 83
ELIF: Final = 84
EXCEPT: Final = 85
FINALLY: Final = 86
FROM: Final = 87
GLOBAL: Final = 88
IMPORT: Final = 89
NONLOCAL: Final = 90
PASS: Final = 91
RAISE: Final = 92
RETURN: Final = 93
TRY: Final = 94
WHILE: Final = 95
WITH: Final = 96
ENDLESS: Final = 97  # the lexer feeds itself until its memory is used up
N_KINDS: Final = 98

OPERATORS: Final[dict[bytes, int]] = {
    b"...": ELLIPSIS,
    b"{": BRACE_OPEN,
    b"(": PAREN_OPEN,
    b"[": BRACKET_OPEN,
    b".": PERIOD,
    b")": PAREN_CLOSE,
    b"]": BRACKET_CLOSE,
    b"}": BRACE_CLOSE,
    b",": COMMA,
    b":": COLON,
    b";": SEMICOLON,
    b"=": EQUAL,
    b"->": ARROW,
    b":=": WALRUS,
    b"|=": 32,
    b"^=": 33,
    b"&=": 34,
    b"<<=": 35,
    b">>=": 36,
    b"+=": 37,
    b"-=": 38,
    b"*=": 39,
    b"@=": 40,
    b"/=": 41,
    b"%=": 42,
    b"//=": 43,
    b"**=": 44,
    b"~": TILDE,
    b"|": PIPE,
    b"^": CARET,
    b"&": AMPERSAND,
    b"<<": LESS_LESS,
    b">>": MORE_MORE,
    b"+": PLUS,
    b"-": MINUS,
    b"*": STAR,
    b"@": AT,
    b"/": SLASH,
    b"%": PERCENT,
    b"//": SLASH_SLASH,
    b"**": STAR_STAR,
    b"<": LESS,
    b">": MORE,
    b"==": EQUAL_EQUAL,
    b"<=": LESS_EQUAL,
    b">=": MORE_EQUAL,
    b"!=": NOT_EQUAL,
}

KEYWORDS: Final[dict[bytes, int]] = {
    b"False": FALSE,
    b"None": NONE,
    b"True": TRUE,
    b"and": AND,
    b"as": AS,
    b"assert": ASSERT,
    b"async": ASYNC,
    b"await": AWAIT,
    b"break": BREAK,
    b"class": CLASS,
    b"continue": CONTINUE,
    b"def": DEF,
    b"del": DEL,
    b"elif": ELIF,
    b"else": ELSE,
    b"except": EXCEPT,
    b"finally": FINALLY,
    b"for": FOR,
    b"from": FROM,
    b"global": GLOBAL,
    b"if": IF,
    b"import": IMPORT,
    b"in": IN,
    b"is": IS,
    b"lambda": LAMBDA,
    b"nonlocal": NONLOCAL,
    b"not": NOT,
    b"or": OR,
    b"pass": PASS,
    b"raise": RAISE,
    b"return": RETURN,
    b"try": TRY,
    b"while": WHILE,
    b"with": WITH,
    b"yield": YIELD,
}

KIND_NAMES: Final[dict[int, str]] = {
    END: "END",
    NEWLINE: "NEWLINE",
    INDENT: "INDENT",
    DEDENT: "DEDENT",
    INVALID: "INVALID",
    DEDENT_MISMATCH: "DEDENT_MISMATCH",
    MALFORMED_FSTRING: "MALFORMED_FSTRING",
    RAW_FSTRING: "RAW_FSTRING",
    NAME_ESCAPE: "NAME_ESCAPE",
    LONG_NAME: "LONG_NAME",
    ENDLESS: "ENDLESS",
    NAME: "NAME",
    INTEGER: "INTEGER",
    FLOAT: "FLOAT",
    STRING: "STRING",
    BYTES: "BYTES",
    **{kind: text.decode() for text, kind in OPERATORS.items()},
    **{kind: text.decode() for text, kind in KEYWORDS.items()},
}

BINARY_OPS: Final[list[BinaryOp]] = [BinaryOp.OR] * N_KINDS
"""The operator of a binary or comparison token."""
INPLACE_OPS: Final[list[BinaryOp]] = [BinaryOp.INPLACE_OR] * N_KINDS
"""The operator of an augmented assignment."""
PRECEDENCE: Final[list[int]] = [0] * N_KINDS
"""1 (`|`) to 6 (`*`) for the binary operators but `**`, 0 for all other tokens."""
AFTER_EXPRESSION: Final[list[bool]] = [True] * N_KINDS
"""Tokens that do not continue an expression: a leaf before one of them is all there is."""
AFTER_OPERAND: Final[list[bool]] = [True] * N_KINDS
"""Tokens that do not continue an operand of `|`: no comparison, `and`, `or`, `if` follows."""
STARTS_OPERAND: Final[list[bool]] = [False] * N_KINDS
"""Tokens that can begin an operand of `|`."""
STARTS_TEST: Final[list[bool]] = [False] * N_KINDS
"""Tokens that can begin a test."""


def _fill() -> None:
    inplace = list(BinaryOp)[BinaryOp.INPLACE_OR : BinaryOp.INPLACE_POWER + 1]
    plain = list(BinaryOp)[BinaryOp.OR : BinaryOp.POWER + 1]
    # The enumeration follows the tokens but for these two pairs of neighbours.
    assert inplace[8] is BinaryOp.INPLACE_MAT_MULTIPLY and plain[9] is BinaryOp.FLOOR_DIVIDE
    order = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 9, 12]
    for i, j in enumerate(order):
        INPLACE_OPS[AUGMENTED_FIRST + i] = inplace[j]
        BINARY_OPS[PIPE + i] = plain[j]
    for kind, op in (
        (LESS, BinaryOp.LESS),
        (MORE, BinaryOp.MORE),
        (EQUAL_EQUAL, BinaryOp.EQUAL),
        (LESS_EQUAL, BinaryOp.LESS_EQUAL),
        (MORE_EQUAL, BinaryOp.MORE_EQUAL),
        (NOT_EQUAL, BinaryOp.NOT_EQUAL),
        (IN, BinaryOp.IN),
    ):
        BINARY_OPS[kind] = op
    for kind in range(PIPE, SLASH_SLASH + 1):
        PRECEDENCE[kind] = (1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 6, 6)[kind - PIPE]
    for kind in range(LESS, IF + 1):
        AFTER_EXPRESSION[kind] = AFTER_OPERAND[kind] = False
    for kind in (*range(PIPE, STAR_STAR + 1), PAREN_OPEN, BRACKET_OPEN, PERIOD):
        AFTER_EXPRESSION[kind] = False
    for kind in (*range(NAME, BRACKET_OPEN + 1), PLUS, MINUS, TILDE, AWAIT):
        STARTS_OPERAND[kind] = STARTS_TEST[kind] = True
    STARTS_TEST[NOT] = STARTS_TEST[LAMBDA] = True


_fill()
