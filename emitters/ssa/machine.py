"""Instructions of a target with registers still to be chosen, and what a target has to provide.

A register is a number: below 32 one of the target, from 32 on one to be chosen.
"""

from __future__ import annotations

from typing import Final, NamedTuple, final

from mpy_cross.emitters.ssa.ir import ENVIRONMENT, FLOAT, Block, Function

FIRST_VIRTUAL: Final = 32
SLOT: Final = 1 << 24
"""From here on a "register" of a parallel copy is a word of the frame."""
NONE: Final = -1

COPY: Final = "copy"  # d[i] = s[i], all at once
CONST: Final = "const"  # d = imm
RELOAD: Final = "reload"  # d = spill slot imm
SPILL: Final = "spill"  # spill slot imm = s[0]

ALL: Final = -1


@final
class LoopTooLong(Exception):
    """A loop whose rounds the core counts has too many bytes."""


@final
class Ins:
    """One instruction.  `dests` and `srcs` are registers; the rest depends on `op`."""

    __slots__ = ("clobbers", "cond", "dests", "early", "imm", "nums", "op", "shift", "srcs")

    def __init__(
        self,
        op: str,
        dests: list[int],
        srcs: list[int],
        imm: int = 0,
        shift: int = 0,
        cond: str = "",
    ) -> None:
        self.op = op
        self.dests = dests
        self.srcs = srcs
        self.imm = imm
        self.shift = shift
        self.cond = cond
        self.nums: tuple[int | None, ...] = ()
        self.early = 0
        """Sources, as bits, that are still read when the result is written; ALL for all of them."""
        self.clobbers: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return ins_text(self)


@final
class MBlock:
    """A block of instructions; the branch at its end stays in the SSA block."""

    __slots__ = ("block", "code", "cond", "depth", "preds", "succs")

    def __init__(self, block: Block, depth: int) -> None:
        self.block = block
        self.code: list[Ins] = []
        self.cond = ""
        """Condition of the branch to succs[0], else to succs[1]; "" for none."""
        self.depth = depth
        self.succs: list[MBlock] = []
        self.preds: list[MBlock] = []


@final
class MFunction:
    """A function as machine instructions."""

    __slots__ = ("blocks", "fixed", "floats", "n_frame", "n_slots", "n_virtual", "registers",
                 "source")

    def __init__(self, source: Function) -> None:
        self.source = source
        self.blocks: list[MBlock] = []
        self.n_virtual = FIRST_VIRTUAL + source.n_values
        self.n_frame = source.n_frame
        self.n_slots = 0
        self.floats = {FIRST_VIRTUAL + value.id for block in source.blocks
                       for value in (*block.phis, *block.values) if value.type == FLOAT}
        """Registers to be chosen among those for floats."""
        self.registers: dict[int, int] = {}
        """What the allocator has chosen."""
        self.fixed: set[int] = set()
        """Registers in which parts of the piece get what they are called with."""

    def new_register(self) -> int:
        self.n_virtual += 1
        return self.n_virtual - 1


@final
class Convention(NamedTuple):
    """How the parts of a piece of code are called; `call_clobbers` are those of the run-time."""

    words: tuple[int, ...]
    """Registers of the caller for the words."""
    environment: int
    """The one for the function object, which calls keep where there is such a register."""
    result: int
    window: int = 0
    """How much lower the numbers of these registers are for what is called."""

    def entry(self, n: int) -> int:
        """Where a function finds what `livein` has the number for."""
        return (self.environment if n == ENVIRONMENT else self.words[n]) - self.window


@final
class Second(NamedTuple):
    """Registers that only some operands of some instructions may be in."""

    registers: tuple[int, ...]
    n_free: int
    """How many of the first ones need not be saved."""
    sources: frozenset[str]
    """Instructions all of whose sources may be in them."""
    results: frozenset[str]
    """Instructions whose result may be in one."""


def register_name(register: int) -> str:
    """A register in the text form of machine instructions."""
    if register >= SLOT:
        return f"[{register - SLOT}]"
    return f"v{register - FIRST_VIRTUAL}" if register >= FIRST_VIRTUAL else f"r{register}"


def ins_text(ins: Ins) -> str:
    """An instruction in the text form."""
    text = ins.op + (f".{ins.cond}" if ins.cond else "")
    parts = [register_name(register) for register in ins.srcs]
    if ins.imm or ins.op in (CONST, RELOAD, SPILL):
        parts.append(f"#{ins.imm}")
    if ins.shift:
        parts.append(f"shift {ins.shift}")
    if ins.nums:
        parts.append(str(ins.nums))
    dests = ", ".join(register_name(register) for register in ins.dests)
    return f"{dests} = {text} {', '.join(parts)}" if dests else f"{text} {', '.join(parts)}"


def machine_text(function: MFunction) -> str:
    """The text form of a function, with registers as far as they are chosen."""
    numbers = {block: i for i, block in enumerate(function.blocks)}
    lines = [f"function {function.source.name}: frame {function.n_frame} + {function.n_slots}"]
    if function.registers:
        chosen = sorted(function.registers.items())
        lines.append("  " + ", ".join(
            f"v{v - FIRST_VIRTUAL}:r{r}" for v, r in chosen if v >= FIRST_VIRTUAL
        ))
    for block in function.blocks:
        lines.append(f"m{numbers[block]}: ({block.block}, depth {block.depth})")
        lines += [f"  {ins}" for ins in block.code]
        to = ", ".join(f"m{numbers[s]}" for s in block.succs)
        lines.append(f"  b{block.cond} {to}".rstrip())
    return "\n".join(lines) + "\n"
