"""The SSA form: functions of blocks of typed values.

A `Value` is an instruction and its result.  Blocks begin with phis, whose arguments stand in the
order of the block's predecessors, and end with a terminator, which is part of the block.  All
numbers are words of 32 bits; whether they have a sign is a matter of the operation.  `verify` has
the rules, `text` the text form.
"""

from __future__ import annotations

from typing import Final, NamedTuple, final

WORD: Final = 0xFFFFFFFF

INT: Final = "int"
UINT: Final = "uint"
BOOL: Final = "bool"
OBJ: Final = "obj"
FLOAT: Final = "float"
"""A float of single precision, in a register for floats; of native functions only."""
TYPES: Final = (OBJ, BOOL, INT, UINT, "ptr", "ptr8", "ptr16", "ptr32")
"""Types of values, by the number that the run-time's conversions take.  `obj` is a MicroPython
object, everything else a machine word."""


class OpInfo(NamedTuple):
    """What passes need to know of an operation."""

    n_args: int
    """Number of arguments; -1 for any."""
    pure: bool = True
    """Nothing but the result: may be removed, repeated, and moved to where its arguments are."""
    has_result: bool = True
    commutative: bool = False
    has_imm: bool = False


_BINARY: Final = OpInfo(2)
_COMMUTATIVE: Final = OpInfo(2, commutative=True)
_LOAD: Final = OpInfo(1, pure=False, has_imm=True)
_LOADX: Final = OpInfo(2, pure=False, has_imm=True)
_STORE: Final = OpInfo(2, pure=False, has_result=False, has_imm=True)
_STOREX: Final = OpInfo(3, pure=False, has_result=False, has_imm=True)

OPS: Final[dict[str, OpInfo]] = {
    # What the function finds in argument register `imm` when it is called.
    "livein": OpInfo(0, pure=False, has_imm=True),
    "const": OpInfo(0, has_imm=True),
    "phi": OpInfo(-1),
    "add": _COMMUTATIVE,
    "sub": _BINARY,
    "mul": _COMMUTATIVE,
    "and": _COMMUTATIVE,
    "or": _COMMUTATIVE,
    "xor": _COMMUTATIVE,
    # Shifts by the low byte of the count; 32 and more shift everything out.
    "shl": _BINARY,
    "lsr": _BINARY,
    "asr": _BINARY,
    # As add and sub; a branch on "vs" or "vc" asks whether the result has no room in the word.
    "addv": _COMMUTATIVE,
    "subv": _BINARY,
    # Less than zero if the lowest bit is set: shifted left by 31, each time anew.
    "tag": OpInfo(1, pure=False),
    # Division rounded to zero; by zero it is 0.
    "sdiv": _BINARY,
    "udiv": _BINARY,
    # Python's division of numbers with a sign: x // 0 is 0 and x % 0 is x.
    "floordiv": _BINARY,
    "floormod": _BINARY,
    "urem": _BINARY,
    # The upper word of a product.
    "smulh": _COMMUTATIVE,
    "umulh": _COMMUTATIVE,
    # args[0] rotated right by imm; its bytes swapped within each half.
    "ror": OpInfo(1, has_imm=True),
    "rev16": OpInfo(1),
    # Comparisons, 0 or 1.
    "eq": _COMMUTATIVE,
    "ne": _COMMUTATIVE,
    "lt": _BINARY,
    "le": _BINARY,
    "gt": _BINARY,
    "ge": _BINARY,
    "lo": _BINARY,
    "ls": _BINARY,
    "hi": _BINARY,
    "hs": _BINARY,
    # args[2] if args[0] compares to args[1] as condition number imm says, else args[3].
    "select": OpInfo(4, has_imm=True),
    # Memory that the program sees, at args[0] + imm bytes or at args[0] + (args[1] << imm).  The
    # program may mean registers of hardware, so each access happens once and in order.
    "load8": _LOAD,
    "load16": _LOAD,
    "load32": _LOAD,
    "loadx8": _LOADX,
    "loadx16": _LOADX,
    "loadx32": _LOADX,
    "store8": _STORE,
    "store16": _STORE,
    "store32": _STORE,
    "storex8": _STOREX,
    "storex16": _STOREX,
    "storex32": _STOREX,
    # Fields of objects that do not change while the function runs.
    "field": OpInfo(1, has_imm=True),
    "field16": OpInfo(1, has_imm=True),
    # Words of the frame: their address, and moves to and from them.
    "frame": OpInfo(0, has_imm=True),
    "putframe": OpInfo(1, pure=False, has_result=False, has_imm=True),
    "getframe": OpInfo(0, pure=False, has_imm=True),
    # A call of entry imm of the function table args[0] with up to three words.
    "call": OpInfo(-1, pure=False, has_imm=True),
    # A call of part imm >> 1 of the same piece of code, with words in registers; if imm is odd the
    # last one is the function object, for parts that need the run-time.
    "direct": OpInfo(-1, pure=False, has_imm=True),
    # Floats: of the bits of a word, of a signed number, from memory at args[0] + imm.
    "fbits": OpInfo(1),
    "itof": OpInfo(1),
    "loadf": OpInfo(1, pure=False, has_imm=True),
    "fadd": _COMMUTATIVE,
    "fsub": _BINARY,
    "fmul": _COMMUTATIVE,
    "fdiv": _BINARY,
    "fneg": OpInfo(1),
    # Comparisons of floats, 0 or 1; with what is no number all but fne are 0.
    "feq": _COMMUTATIVE,
    "fne": _COMMUTATIVE,
    "flt": _BINARY,
    "fle": _BINARY,
    "fgt": _BINARY,
    "fge": _BINARY,
    # A new object for the float args[1]: entry imm of the function table args[0] makes it.
    "box": OpInfo(2, pure=False, has_imm=True),
    # An object as the address that it is.
    "cast": OpInfo(1),
    # Version 5: the number of a name, and it as an object; imm is an index in the module's names.
    "qstr": OpInfo(0, has_imm=True),
    "qstrobj": OpInfo(0, has_imm=True),
    # Version 5: bytes from the start of the code to the prelude behind it.
    "prelude": OpInfo(0),
}

CONDITIONS: Final = ("eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs")
NEGATED: Final = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "le": "gt", "gt": "le",
                  "lo": "hs", "hs": "lo", "ls": "hi", "hi": "ls"}
SWAPPED: Final = {"eq": "eq", "ne": "ne", "lt": "gt", "gt": "lt", "le": "ge", "ge": "le",
                  "lo": "hi", "hi": "lo", "ls": "hs", "hs": "ls"}
"""The condition with both operands exchanged."""
ITEMS: Final = 8
"""From this bit on a call of obj_subscr has the index of `mp_type_list` in the function table:
items of lists may be read and written where they are.  With one more argument, which is
`mp_type_bytes`, those of bytes may be read."""
FLOAT_CONDITIONS: Final = ("feq", "fne", "flt", "fle", "fgt", "fge")
FLOAT_RESULTS: Final = ("fbits", "itof", "loadf", "fadd", "fsub", "fmul", "fdiv", "fneg")
FLOAT_OPERANDS: Final = (*FLOAT_CONDITIONS, "fadd", "fsub", "fmul", "fdiv", "fneg")
"""Operations all of whose operands are floats."""
OVERFLOW: Final = ("vs", "vc")
"""Conditions of a branch whose first operand is an `addv` or `subv`: no room for it, or room."""

MOST_DIRECT: Final = 5
"""Words that a call of a part has in registers, besides the function object."""
ENVIRONMENT: Final = 31
"""What `livein` has for the function object in a part that is called with it."""

WIDTHS: Final = {f"{name}{8 * width}": width for width in (1, 2, 4)
                 for name in ("load", "loadx", "store", "storex")}
"""Bytes that an access moves."""

# Terminators.
JUMP: Final = "jmp"  # to succs[0]
BRANCH: Final = "br"  # to succs[0] if targs[0] `cond` targs[1], else to succs[1]
RETURN: Final = "ret"  # targs[0], an object
DEAD: Final = "dead"  # control does not get here
OPEN: Final = ""  # not yet


def signed(word: int) -> int:
    """A word as a number with a sign."""
    word &= WORD
    return word - (word >> 31 << 32)


@final
class Access(NamedTuple):
    """What passes need to know of a target's loads and stores: `load32 [p + 4]`, `[p], #4`."""

    lowest: int
    highest: int
    """Displacements, in bytes if not `scaled`."""
    scaled: bool
    """The highest one is in units of what is moved, and all are multiples of it."""
    steps: tuple[int, ...]
    """Widths of which an access can move its pointer on."""

    def reaches(self, offset: int, width: int) -> bool:
        """Whether there is such a displacement."""
        if not self.scaled:
            return self.lowest <= offset <= self.highest
        return self.lowest <= offset <= self.highest * width and not offset % width


THUMB2_ACCESS: Final = Access(-255, 4095, False, (1, 2, 4))


@final
class Value:
    """One instruction and its result."""

    __slots__ = ("args", "block", "id", "imm", "op", "type")

    def __init__(
        self, number: int, op: str, vtype: str, args: list[Value], imm: int, block: Block
    ) -> None:
        self.id = number
        self.op = op
        self.type = vtype
        self.args = args
        self.imm = imm
        self.block = block

    def __repr__(self) -> str:
        return f"v{self.id}"

    @property
    def is_const(self) -> bool:
        return self.op == "const"


@final
class Block:
    """A basic block."""

    __slots__ = ("cond", "id", "is_cold", "phis", "preds", "succs", "targs", "term", "values")

    def __init__(self, number: int) -> None:
        self.id = number
        self.phis: list[Value] = []
        self.values: list[Value] = []
        self.preds: list[Block] = []
        self.term = OPEN
        self.cond = ""
        self.targs: list[Value] = []
        self.succs: list[Block] = []
        self.is_cold = False
        """Hardly ever runs, so it stands behind the others."""

    def __repr__(self) -> str:
        return f"b{self.id}"


@final
class Function:
    """A function; `blocks[0]` is its entry."""

    __slots__ = ("access", "blocks", "hardware_loops", "has_handler", "has_loops", "n_blocks",
                 "n_frame", "n_values", "name", "table_fields", "tagged")

    def __init__(self, name: str) -> None:
        self.name = name
        self.blocks: list[Block] = []
        self.n_values = 0
        self.n_blocks = 0
        self.access = THUMB2_ACCESS
        self.n_frame = 0
        """Words of the frame that `frame`, `putframe` and `getframe` use."""
        self.has_handler = False
        """Control can come back from a call of nlr_push a second time, and go on in the function:
        it is not only the globals that are put back before the exception is raised again."""
        self.has_loops = True
        """There may be loops."""
        self.hardware_loops = True
        """The core may count the rounds of loops, if it can."""
        self.tagged = False
        """Operations may read objects as the words that they are, tag included."""
        self.table_fields: tuple[int, ...] = ()
        """Of a part: offsets of the fields that lead from the function object to the table of the
        run-time's functions."""

    @property
    def entry(self) -> Block:
        return self.blocks[0]

    def new_block(self) -> Block:
        block = Block(self.n_blocks)
        self.n_blocks += 1
        self.blocks.append(block)
        return block

    def new_value(
        self, op: str, vtype: str, args: list[Value], imm: int, block: Block
    ) -> Value:
        """A value that is in no list yet."""
        value = Value(self.n_values, op, vtype, args, imm, block)
        self.n_values += 1
        return value

    def append(
        self, block: Block, op: str, args: list[Value], imm: int = 0, vtype: str = INT
    ) -> Value:
        """A value at the end of a block."""
        value = self.new_value(op, vtype, args, imm, block)
        block.values.append(value)
        return value

    def const(self, block: Block, number: int, vtype: str = INT) -> Value:
        """A constant at the end of a block."""
        return self.append(block, "const", [], number & WORD, vtype)

    def jump(self, block: Block, to: Block) -> None:
        block.term = JUMP
        block.succs = [to]
        to.preds.append(block)

    def branch(
        self, block: Block, cond: str, x: Value, y: Value, then: Block, other: Block
    ) -> None:
        block.term = BRANCH
        block.cond = cond
        block.targs = [x, y]
        block.succs = [then, other]
        then.preds.append(block)
        other.preds.append(block)
