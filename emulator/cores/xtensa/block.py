"""A block while it is being translated: a straight piece of the program, and host code for it.

Functions for instructions (`Make`) append to `Block.out`.  What happens seldom is put behind the
block: branches to such places are noted as exits (to a routine, with the state as before the
instruction) and sites (to other blocks).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.cores.xtensa.a64 import X, add_i, branch, constant
from mpy_cross.emulator.cores.xtensa.decode import Instruction
from mpy_cross.emulator.cores.xtensa.layout import BUDGET, EXCEPTION, PC
from mpy_cross.emulator.cores.xtensa.models import Model
from mpy_cross.emulator.cores.xtensa.state import State

DIRECT: Final = -1
"""In place of a number of instructions: the branch goes to the routine itself."""


@final
class Block:
    """One block.

    at: host address of out[0]; key: see `Translated`; mode: see `layout`; quad: highest group of
    registers that is known to belong to the present window; start: address; count: instructions;
    index: of the present one, whose address is `address`; end: address after the last one.
    parts: numbers of the instructions behind each branch that may leave the block in between, and
    `count`; taken: the one of them up to which instructions have been taken off the budget.
    body: place behind the look at the budget, -1 if the words of the program are compared ahead of
    it; back: place of the branch there, at the end of a loop that is this block; 0 for none.
    exits: (place of the branch, instructions that go back to the budget, or `DIRECT`, address,
    routine); sites: (place of the branch, address in the program, quad); places: of the first word
    of each instruction.
    entry: the code for the usual ENTRY; entries: (place of the branch for others, instructions
    from this one on, address, place behind).
    loops: known ends of loops, with their begins (-1 for none); pages: numbers of pages, of
    2 ** `page_bits` bytes, at which the instruction at an address met what only the host can
    access.
    differs: place of the branch that is taken if these are not what they were, 0 for none.
    accesses: (places of branches, instructions from this one on, address, base, offset, kind,
    place behind) of accesses that the host does, see `layout`.
    ended: no code comes after this.
    """

    __slots__ = ("accesses", "address", "at", "back", "body", "count", "differs", "end",
                 "ended", "entries", "entry", "exits", "index", "key", "loops", "mode", "model",
                 "out", "page_bits", "pages", "parts", "places", "quad", "sites", "start", "state",
                 "taken")

    def __init__(self, model: Model, state: State, at: int, mode: int, quad: int, start: int,
                 parts: list[int], end: int, loops: dict[int, int], pages: dict[int, set[int]],
                 page_bits: int, entry: list[int]) -> None:
        self.model, self.state = model, state
        self.at, self.mode, self.quad, self.start, self.end = at, mode, quad, start, end
        self.parts, self.taken, self.count = parts, parts[0], parts[-1]
        self.key = start | mode << 32 | quad << 36
        self.body = self.back = self.differs = 0
        self.loops, self.pages, self.page_bits = loops, pages, page_bits
        self.out: list[int] = []
        self.exits: list[tuple[int, int, int, str]] = []
        self.sites: list[tuple[int, int, int]] = []
        self.places: list[int] = []
        self.accesses: list[tuple[list[int], int, int, int, int, int, int]] = []
        self.entry = entry
        self.entries: list[tuple[int, int, int, int]] = []
        self.address = self.index = 0
        self.ended = False

    def leave(self, word: int, routine: str = "step") -> None:
        """A branch: if it is taken, `routine` goes on from the state before this instruction."""
        self.exits.append((len(self.out), self.rest, self.address, routine))
        self.out.append(word)

    def go(self, target: int, word: int = 0x1400_0000, quad: int = -1) -> None:
        """A branch, by default without a condition, to the block at `target`."""
        self.sites.append((len(self.out), target, self.quad if quad < 0 else quad))
        self.out.append(word)

    def step(self) -> None:
        """The host executes this instruction, which ends the block."""
        self.out += (X | add_i(BUDGET, BUDGET, self.rest),
                     *constant(PC, self.address))
        self.leave_now("step")

    def leave_now(self, routine: str) -> None:
        """Goes on in a routine."""
        self.exits.append((len(self.out), DIRECT, 0, routine))
        self.out.append(branch(0))
        self.ended = True

    def go_on(self) -> bool:
        """After a branch: does more of the block come? It is taken off the budget."""
        following = self.index + 1
        if following == self.count:
            return False
        self.taken = next(part for part in self.parts if part > following)
        self.out.append(X | add_i(BUDGET, BUDGET, following - self.taken))
        return True

    @property
    def rest(self) -> int:
        """How many instructions that were taken off the budget are not executed so far."""
        return self.taken - self.index

    @property
    def in_exception(self) -> bool:
        return self.mode & 3 == EXCEPTION


Make = Callable[[Block, Instruction], None]
