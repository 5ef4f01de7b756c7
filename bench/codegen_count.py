"""Counts what a function in machine code executes on an emulated board, instruction by instruction.

On a Cortex-M the code is cut into blocks, which run from their first to their last instruction; a
probe at the beginning of each counts it.  So instructions of an IT block whose condition fails are
counted as well, as they take their cycle.  Calls of the run-time are counted by the entries of
mp_fun_table and by what they get; the instructions that the emulated run-time executes are not a
board's, so they are charged by a table (`codegen_cost`).

Of an Xtensa all instructions are counted, those of the run-time's entries that the emulator has as
machine code among them, and the cycles are the core's own estimate.  The other entries are charged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, final

from bench.codegen_cost import (
    CALLS,
    CYCLES,
    ITERATION,
    KINDS,
    OTHER,
    Cycles,
    cycles_of,
    name_of,
    registers_of,
)
from mpy_cross.assembler.isa import Decoded
from mpy_cross.assembler.thumb import TABLE
from mpy_cross.emulator.cores.arm import CortexM
from mpy_cross.emulator.cores.xtensa.base import TRAPS
from mpy_cross.emulator.cores.xtensa.hosted import HostedXtensa
from mpy_cross.emulator.runtime.native.functions import NativeFunction
from mpy_cross.emulator.runtime.native.traps import Trap
from mpy_cross.emulator.session import Session
from mpy_cross.loader.release import get

BOARDS: Final = {"armv6m": "pico", "armv7m": "pyboard", "armv7em": "pyboard",
                 "armv7emsp": "pyboard", "xtensawin": "esp32", "xtensa": "esp8266"}
"""The board that runs the code of an architecture."""
CORES: Final = {"armv6m": "cortex-m0+"}
"""The core whose cycles are estimated; a Cortex-M4 unless said otherwise."""
PC, LR = 15, 14


class CountError(Exception):
    """The code has an instruction that is not understood, or none where one should be."""


@final
class Block:
    """Instructions that are executed one after the other.

    end: how it ends: "" runs on, "if" may branch, "jump", "call", "back" (returns).
    follows: the address behind it; cycles: without what a branch adds; branch: what it adds.
    """

    __slots__ = ("address", "branch", "cycles", "end", "follows", "size")

    def __init__(self, address: int, code: Sequence[Decoded], end: str, costs: Cycles) -> None:
        self.address, self.end, self.size = address, end, len(code)
        last = code[-1]
        self.follows = last.address + last.size
        before, self.cycles = "", 0
        for one in code:
            self.cycles += cycles_of(one, before, costs)
            before = name_of(one)
        pops = name_of(last) in ("pop", "ldm", "ldmia", "ldmdb", "ldr")
        self.branch = {"": 0, "if": costs.branch - 1, "jump": costs.branch - 1,
                       "call": costs.call - 1,
                       "back": costs.to_pc - 1 if pops else costs.back - 1}[end]


def _ending(one: Decoded, conditional: bool) -> str | None:
    """How the instruction ends a block, None if it does not."""
    name = name_of(one)
    if name in ("cbz", "cbnz") or one.row.name in ("b_cond", "b.w_cond"):
        return "if"
    if name == "b":
        return "if" if conditional else "jump"
    if name in ("bl", "blx"):
        return "call"
    returns = name == "bx" or (
        name in ("pop", "ldm", "ldmia", "ldmdb") and registers_of(one) >> PC & 1)
    if name in ("tbb", "tbh") or (name in ("mov", "add", "ldr") and _writes_pc(one)):
        raise CountError(f"{TABLE.text(one)} at {one.address:#x} is not understood")
    if returns:
        return "if" if conditional else "back"
    return None


def _writes_pc(one: Decoded) -> bool:
    return any("w" in operand.access and operand.name in ("d", "t", "dn") and value == PC
               for operand, value in zip(one.row.operands, one.operands, strict=True))


def blocks_of(
    code: bytes, origin: int, entry: int, features: frozenset[str], costs: Cycles
) -> dict[int, Block]:
    """The blocks that can be reached from `entry`, by address.  Raises CountError.

    Behind a call that never returns there may be words, which look like instructions or do not.
    """
    found: dict[int, Decoded] = {}
    ends: dict[int, str] = {}
    starts = {entry}
    left = [(entry, False)]
    in_it: dict[int, bool] = {}
    while left:
        start, doubtful = left.pop()
        at = start
        run: list[int] = []
        while at not in found:
            one = TABLE.decode(code, at - origin, at, features)
            if one is None and doubtful:
                starts.discard(start)
                for place in run:
                    del found[place]
                    ends.pop(place, None)
                break
            if one is None:
                raise CountError(f"no instruction at {at - origin:#x}")
            found[at] = one
            run.append(at)
            after = at + one.size
            if name_of(one) == "it":
                mask = one.operands[0] & 15
                conditional = 4 - (mask & -mask).bit_length() + 1
                place = after
                for _ in range(conditional):
                    in_it[place] = True
                    inner = TABLE.decode(code, place - origin, place, features)
                    if inner is None:
                        break
                    place += inner.size
            end = _ending(one, at in in_it)
            if end is None:
                at = after
                continue
            ends[at] = end
            target = one.target
            if target is not None and origin <= target < origin + len(code):
                starts.add(target)
                left.append((target, doubtful))
            if end in ("if", "call"):
                starts.add(after)
                left.append((after, doubtful or end == "call"))
            break
    made = {}
    for start in starts:
        block, at = [], start
        while True:
            one = found[at]
            block.append(one)
            after = at + one.size
            if at in ends or after in starts:
                made[start] = Block(start, block, ends.get(at, ""), costs)
                break
            at = after
    return made


class Figures(NamedTuple):
    """Of one call: executed instructions and estimated cycles of the code itself; calls of the
    run-time by entry and kind; what they are charged with."""

    instructions: int
    cycles: int
    calls: dict[tuple[str, str], int]
    charged: int

    @property
    def total(self) -> int:
        return self.instructions + self.charged


def _charge(calls: Counter[tuple[str, str]]) -> int:
    """What calls of the run-time are charged with, by entry and kind."""
    return sum(count * CALLS.get(name, {}).get(kind, OTHER)
               for (name, kind), count in calls.items())


@final
class Bench:
    """A board of an architecture, with a run-time of a release.

    make: a `bytearray` of the board for bytes; back: bytes for it.
    """

    def __init__(self, release: str, arch: str) -> None:
        import mpy_cross

        self.release, self.arch = get(release), arch
        self.session = Session(BOARDS[arch], self.release)
        self.runtime = self.session.runtime
        self.runtime.activate()
        # A file of this architecture on the board of another one that runs it.
        self.runtime.arch = arch
        self.costs = CYCLES[CORES.get(arch, "cortex-m4")]
        helpers = self.load(mpy_cross.compile(
            "def make(b): return bytearray(b)\ndef back(b): return bytes(b)\n", "<bench>",
            release=self.release))
        self.make: Callable[[bytes], Any] = helpers["make"]
        self.back: Callable[[Any], bytes] = helpers["back"]

    def _core(self) -> CortexM:
        core = self.runtime.native.core
        assert isinstance(core, CortexM)
        return core

    def load(self, mpy: bytes) -> dict[str, Any]:
        """Run a .mpy file; its names."""
        names: dict[str, Any] = {"__name__": "kernel"}
        self.runtime.execute(self.runtime.load(mpy), names, names)
        return names

    def run(self, mpy: bytes, setup: str) -> dict[str, Any]:
        """Run a .mpy file and then a source text in its names."""
        import mpy_cross

        names = self.load(mpy)
        source = mpy_cross.compile(setup, "<bench>", release=self.release)
        self.runtime.execute(self.runtime.load(source), names, names)
        return names

    def count(
        self, names: dict[str, Any], call: Callable[[], Any], iterated: str = "others"
    ) -> tuple[Figures, Any]:
        """Run `call`, and count what the functions among `names` execute; its result.

        iterated: the type of what it iterates over, as `CALLS` has it.
        """
        core = self.runtime.native.core
        if isinstance(core, HostedXtensa):
            return self._whole(core, call, iterated)
        assert isinstance(core, CortexM)
        features = core.model.features
        blocks: dict[int, Block] = {}
        for function in names.values():
            function = getattr(function, "function", function)
            if isinstance(function, NativeFunction):
                placed = function.placed
                blocks |= blocks_of(
                    bytes(placed.code.view(len(placed.raw.code))), placed.address,
                    placed.entry & ~1, features, self.costs)
        runs, pairs, calls, handles = self._probe(blocks, iterated)
        try:
            result = call()
        finally:
            core.remove_probes(handles)
        return self._figures(blocks, runs, pairs, calls), result

    def _whole(self, core: HostedXtensa, call: Callable[[], Any], iterated: str
               ) -> tuple[Figures, Any]:
        """Without probes: all that the core executes, and calls of entries that it does not."""
        calls: Counter[tuple[str, str]] = Counter()
        value = self.runtime.native.handles.value
        kept = core.traps[:]

        def counting(name: str, trap: Trap) -> Trap:
            def counted(*words: int) -> int | None:
                kind = iterated if name == ITERATION else ""
                if name in KINDS:
                    kind = KINDS[name](words, value)
                calls[name, kind] += 1
                return trap(*words)

            return counted

        table = self.runtime.native.table
        for number, name in enumerate(self.release.fun_table):
            place = table.entry(number) - TRAPS >> 2
            if 0 <= place < len(kept) and not name.startswith("const_"):
                core.traps[place] = counting(name, kept[place])
        instructions, cycles = core.instructions, core.cycles
        try:
            result = call()
        finally:
            core.traps[:] = kept
        return Figures(core.instructions - instructions, core.cycles - cycles, dict(calls),
                       _charge(calls)), result

    def _probe(
        self, blocks: dict[int, Block], iterated: str
    ) -> tuple[dict[int, int], dict[tuple[int, int], int], Counter[tuple[str, str]], list[int]]:
        """Runs of each block, and of a block after another, and calls of the run-time."""
        core = self._core()
        runs = dict.fromkeys(blocks, 0)
        pairs: dict[tuple[int, int], int] = {}
        last = [0]

        def make(words: Any, limit: Any, begun: Any) -> Any:
            def call(handle: int, address: int, size: int, user: int) -> None:
                if begun[0] > limit[0]:
                    return
                runs[address] += 1
                pair = last[0], address
                pairs[pair] = pairs.get(pair, 0) + 1
                last[0] = address

            return call

        handles = core.add_probes(blocks, make)
        calls: Counter[tuple[str, str]] = Counter()
        table = self.runtime.native.table
        entries: dict[int, str] = {}
        for number, name in enumerate(self.release.fun_table):
            address = table.entry(number)
            if address & 1:
                entries[address & ~1] = name
        value = self.runtime.native.handles.value

        def make_entry(words: Any, limit: Any, begun: Any) -> Any:
            def call(handle: int, address: int, size: int, user: int) -> None:
                if begun[0] > limit[0]:
                    return
                name = entries[address]
                kind = ""
                if name in KINDS:
                    kind = KINDS[name](words, value)
                elif name == ITERATION:
                    kind = iterated
                calls[name, kind] += 1

            return call

        handles += core.add_probes(entries, make_entry)
        return runs, pairs, calls, handles

    def _figures(
        self, blocks: dict[int, Block], runs: dict[int, int], pairs: dict[tuple[int, int], int],
        calls: Counter[tuple[str, str]],
    ) -> Figures:
        instructions = cycles = 0
        for address, block in blocks.items():
            count = runs[address]
            taken = count
            if block.end == "if":
                taken = count - pairs.get((address, block.follows), 0)
            instructions += count * block.size
            cycles += count * block.cycles + taken * block.branch
        return Figures(instructions, cycles, dict(calls), _charge(calls))
