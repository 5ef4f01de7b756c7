"""Translates blocks of a program to A64 and keeps them.

A block is known by its address, its mode (see `layout`) and the highest group of registers that is
known to be free of other frames' values.  It begins with the instructions it takes off the budget;
if there are not so many left it gives up, and the host executes the rest one by one.  Branches to
blocks that do not exist yet go to the host, which translates them and changes the branch.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.cores.xtensa import a64
from mpy_cross.emulator.cores.xtensa import layout as at
from mpy_cross.emulator.cores.xtensa import numbers as n
from mpy_cross.emulator.cores.xtensa.a64 import (
    NE,
    NOP,
    X,
    add_i,
    branch,
    branch_if,
    branch_link,
    constant,
    logical,
)
from mpy_cross.emulator.cores.xtensa.block import DIRECT, Block, Make
from mpy_cross.emulator.cores.xtensa.buffer import CodeBuffer
from mpy_cross.emulator.cores.xtensa.decode import Instruction
from mpy_cross.emulator.cores.xtensa.exceptions import Raised
from mpy_cross.emulator.cores.xtensa.interpreter import Interpreter
from mpy_cross.emulator.cores.xtensa.layout import (
    BUDGET,
    CODE_AT,
    FLOATS,
    PC,
    STARTS,
    T0,
    T1,
    T2,
    T3,
    WINDOWS,
)
from mpy_cross.emulator.cores.xtensa.routines import Routines
from mpy_cross.emulator.cores.xtensa.state import State
from mpy_cross.emulator.cores.xtensa.translate_float import FLOAT
from mpy_cross.emulator.cores.xtensa.translate_integer import INTEGER, add_constant
from mpy_cross.emulator.cores.xtensa.translate_jumps import (
    CONDITIONAL,
    ENDS,
    JUMPS,
    LOOPS,
    budget_left,
    fall,
)
from mpy_cross.emulator.cores.xtensa.translate_memory import MEMORY
from mpy_cross.emulator.cores.xtensa.translate_system import SYSTEM
from mpy_cross.emulator.cores.xtensa.translated import Translated, compare

MAKES: Final[dict[str, Make]] = {**INTEGER, **MEMORY, **FLOAT, **JUMPS, **SYSTEM}
# Of these the code depends on the instruction only, unless it may leave the block.
_SAME: Final = (INTEGER.keys() | MEMORY.keys()) - {"l32r"}
_GOES_ON: Final = MAKES.keys() - ENDS - {"isync"}  # blocks do, behind these
LONGEST: Final = 48  # instructions of a block
MOST_PARTS: Final = 6
MOST_CHANGES: Final = 16  # of a block, after which what changes in it is interpreted
INTERPRETED: Final = 1000  # times, before it is translated again
PAGE_BITS: Final = 12  # of the pages in which code is looked for
_NOWHERE: Final = (1 << 64) - 1  # an entry of the table that no address has


def mode_of(state: State) -> int:
    """What translated code may take for granted now."""
    sr = state.sr
    ps = sr[n.PS]
    mode = at.EXCEPTION if ps & n.PS_EXCM else WINDOWS if ps & n.PS_WOE else at.PLAIN
    if mode == WINDOWS and not state.model.windows:
        mode = at.PLAIN
    return mode | (FLOATS if sr[n.CPENABLE] & 1 else 0)


@final
class Translator:
    """Blocks of one core.

    changed: called with a host address whose word has changed; watch: called with the numbers of
    pages of the program from which code was translated for the first time; forgotten: called when
    all of the code has gone.
    stubs: (first, last + 1) of the addresses that are the host's; breakpoints: addresses.
    devices: see `Block.pages`; checked: pages whose code is compared whenever it is executed, as
    it and data change too often.
    table: the memory of the tables of indirect jumps.
    unsteady: addresses of instructions that change so often that they are interpreted, and how many
    times more they are, until they are translated again.
    """

    def __init__(self, interpreter: Interpreter, buffer: CodeBuffer, table: memoryview,
                 changed: Callable[[int], None], watch: Callable[[set[int]], None],
                 forgotten: Callable[[], None], device_bits: int) -> None:
        self.interpreter, self.state = interpreter, interpreter.state
        self.model = self.state.model
        self.buffer, self.changed, self.watch = buffer, changed, watch
        self.forgotten = forgotten
        self.device_bits = device_bits
        self._table = table.cast("Q")
        routines = Routines(self.model, CODE_AT)
        self.routines = routines.places
        self._entry = routines.entry_of_two() if self.model.windows else []
        buffer.append(routines.code)
        self._begin = buffer.at
        self.stubs = (0, 0)
        self.breakpoints: set[int] = set()
        self.devices: dict[int, set[int]] = {}
        self.checked: set[int] = set()
        self.loops: dict[int, int] = {}
        self.blocks: dict[int, Translated] = {}
        self.instructions = 0  # that were translated
        self.times_forgotten = 0
        self._changes: dict[int, int] = {}  # by address: how often its block was not as it was
        self.unsteady: dict[int, int] = {}
        self._same: dict[int, list[int]] = {}  # by instruction: code that is the same everywhere
        self._often: set[int] = set()  # keys of blocks that are to be long
        self._sites: dict[int, tuple[int, int, int]] = {}
        self._taken: set[int] = set()  # branches without a target that were taken once
        self._differing: dict[int, int] = {}  # keys of blocks that are compared
        self._hosts: list[int] = []  # of all blocks, in order
        self._order: list[Translated] = []
        self._pages: dict[int, set[int]] = {}  # keys of the blocks by page
        self._entries: dict[int, int] = {}  # places in the table: keys
        for mode in range(at.MODES):
            self._table[mode * at.TABLE_SIZE >> 3] = _NOWHERE

    # Looking up.

    def find(self, address: int, mode: int, quad: int = 0) -> int:
        """The host address of a block."""
        found = self.blocks.get(address | mode << 32 | quad << 36)
        return found.host if found is not None else self._translate(address, mode, quad)

    def miss(self, address: int, mode: int) -> int:
        """The same for an indirect jump, which finds it by itself from then on."""
        host = self.find(address, mode)
        place = mode * at.TABLE_SIZE + ((address & (1 << at.TABLE_BITS) - 1) << 4) >> 3
        self._table[place], self._table[place + 1] = address, host
        self._entries[place] = address | mode << 32
        return host

    def chain(self, link: int) -> int:
        """A branch without a target was taken; `link` says which.  Its target, where it leads from
        then on; if the target is new, from the second time on, as that takes as long as to
        translate a few instructions and most code is executed once."""
        site, stub, key = self._sites[link]
        found = self.blocks.get(key)
        if found is None or (found.open and key not in self._often and link not in self._taken):
            times = self.times_forgotten
            if found is not None:  # there are several ways to it: it will be executed often
                self._often.add(key)
            host = self._translate(key & 0xFFFF_FFFF, key >> 32 & 15, key >> 36)
            if self.times_forgotten != times:
                return host  # the branch is gone
            if found is not None:
                self._replace(found, host)
            elif link not in self._taken:
                self._taken.add(link)
                return host
        else:
            host = found.host
        word = self.buffer.read(site)
        if a64.reaches(word, host - site):
            self.buffer.write(site, a64.redirect(word, host - site))
            self.changed(site)
        else:
            self.buffer.write(stub, branch(host - stub))
            self.changed(stub)
        return host

    def locate(self, host: int) -> tuple[int, int] | None:
        """The address of the instruction that is executed at a host address, and how many
        instructions of its block begin with it; None if no block is there."""
        which = bisect_right(self._hosts, host) - 1
        if which < 0:
            return None
        block = self._order[which]
        index = bisect_right(block.places, host - block.host) - 1
        if index < 0:
            return None
        return block.addresses[index], next(
            part for part in block.parts if part > index) - index

    # Translating.

    def _decode(self, address: int, long: bool, parts: list[int]) -> tuple[
            list[Instruction], int]:
        """The instructions of a block, and the address behind it; adds to `parts`, see `Block`.

        long: goes on behind branches that lead forward.
        """
        found: list[Instruction] = []
        decode, fetch = self.interpreter.decoder.decode, self.interpreter.memory.fetch
        loops, breakpoints = self.loops, self.breakpoints
        if self.unsteady:
            breakpoints = breakpoints | self.unsteady.keys()
        try:
            while True:
                one = decode(fetch(address), address)
                if one is None:
                    break
                found.append(one)
                address = one.address + one.size & 0xFFFF_FFFF
                name = one.name
                if name not in _GOES_ON or \
                        address in loops or address in breakpoints or len(found) == LONGEST:
                    if long and name in CONDITIONAL and one.operands[-1] > address and not (
                            address in loops or address in breakpoints
                            or len(found) == LONGEST or len(parts) == MOST_PARTS):
                        parts.append(len(found))
                        continue
                    if name in LOOPS:
                        self.add_loop(one.operands[1], address)
                    break
        except Raised:
            pass  # the interpreter will come to that
        if not parts or len(found) > parts[-1]:
            parts.append(max(len(found), 1))
        return found, address

    def add_loop(self, end: int, begin: int) -> None:
        """A loop ends there: blocks have to, too."""
        known = self.loops.get(end)
        if known is None:
            self.loops[end] = begin
            self.kill(end - 1, end + 1)
        elif known != begin:
            self.loops[end] = begin

    def loop_end(self, end: int) -> None:
        """LEND was written."""
        if end not in self.loops:
            self.loops[end] = -1
            self.kill(end - 1, end + 1)

    def _translate(self, address: int, mode: int, quad: int, older: Translated | None = None,
                   ) -> int:
        """older: a block for other words at this address, which stays."""
        if self.buffer.full:
            self.forget()
            older = None
        key = address | mode << 32 | quad << 36
        host = self.buffer.at
        first, last = self.stubs
        stub = first <= address < last
        if stub or address in self.breakpoints or address in self.unsteady:
            code = constant(PC, address)
            routine = ("stub" if stub else
                       "breakpoint" if address in self.breakpoints else "interpret")
            code.append(branch(self.routines[routine] - host - 4 * len(code)))
            made = Translated(key, host, [] if stub else [address], address + 1, [], [1])
            self.blocks[key] = made
            self._add(made, code)
            return host
        parts: list[int] = []
        long = key in self._often
        found, end = self._decode(address, long, parts)
        host = self.buffer.at  # a loop may have ended other blocks
        b = Block(self.model, self.state, host, mode, quad, address, parts, end, self.loops,
                  self.devices, self.device_bits, self._entry)
        made = Translated(key, host, [one.address for one in found] or [address], end, b.places,
                          parts)
        if older is None:
            self.blocks[key] = made
        else:
            older.newer.append(made)
            older.end = max(older.end, end)
        checks = mode & 3 == WINDOWS
        turns = [found[part - 1].operands[-1] for part in parts
                 if found and found[part - 1].name in CONDITIONAL]
        compared = bool(found) and self.checked and not self.checked.isdisjoint(
            (address >> PAGE_BITS, end - 1 >> PAGE_BITS))
        if compared:
            made.code = self._read(address, end)
            compare(b, made.code)
        self._prologue(b, checks and bool(found) and found[0].name == "entry"
                       and found[0].operands[0] == 1,
                       self.loops.get(end) == address or address in turns)
        out, places, same, pages = b.out, b.places, self._same, b.pages
        for index, one in enumerate(found):
            places.append(4 * len(out))
            if not checks or one.quad <= b.quad:
                words = same.get(one.word)
                if words is not None and (not pages or one.address not in pages):
                    out += words
                    continue
            b.index, b.address = index, one.address
            if checks and one.quad > b.quad:
                out.append(logical(a64.ANDS_I, a64.ZR, STARTS, (2 << one.quad) - 2))
                b.leave(branch_if(NE, 0), "overflow")
                b.quad = one.quad
            make = MAKES.get(one.name)
            if make is None or (one.floats and not mode & FLOATS):
                b.step()
            elif one.name in _SAME:
                begin, exits = len(out), len(b.exits)
                make(b, one)
                if len(b.exits) == exits and (not pages or one.address not in pages):
                    same[one.word] = out[begin:]
            else:
                make(b, one)
            if b.ended:
                break
        else:
            if found:
                fall(b, end)
            else:  # nothing can be decoded there
                b.address = address
                b.places.append(4 * len(out))
                b.step()
        if b.differs:
            made.differs = host + 4 * b.differs
        if not long and found and found[-1].name in CONDITIONAL:
            made.open = found[-1].operands[-1] > end and end not in self.loops
        if b.back:
            made.back = host + 4 * b.back
        self.instructions += b.count
        self._finish(b)
        self._add(made, out)
        return host

    def _prologue(self, b: Block, looks_itself: bool, turns: bool) -> None:
        """looks_itself: the first instruction looks whether the budget is enough; turns: there is
        a branch to the begin, and that looks, too."""
        out, address, first = b.out, b.start, b.parts[0]
        b.address = address
        take = X | add_i(BUDGET, BUDGET, -first)
        if looks_itself:
            out.append(take)
        elif first == b.count and not turns:
            out.append(take)
            b.leave(a64.tbnz(BUDGET, 63, 0), "budget")
        else:
            out.append(X | add_i(T0, BUDGET, -b.count))
            b.exits.append((len(out), 0, address, "budget"))
            out.append(a64.tbnz(T0, 63, 0))
            b.body = len(out)
            out.append(take)
        if b.differs:
            b.body = -1

    def _finish(self, b: Block) -> None:
        """What is behind the block."""
        out, host, routines, redirect = b.out, b.at, self.routines, a64.redirect
        for place, rest, address, routine in b.exits:
            if rest == DIRECT:
                out[place] = redirect(out[place], routines[routine] - host - 4 * place)
                continue
            out[place] = redirect(out[place], 4 * (len(out) - place))
            if rest:
                out.append(X | add_i(BUDGET, BUDGET, rest))
            out += constant(PC, address)
            out.append(branch(routines[routine] - host - 4 * len(out)))
        for place, rest, address, behind in b.entries:
            out[place] = a64.redirect(out[place], 4 * (len(out) - place))
            out += constant(PC, address)
            if address == b.start:
                budget_left(b, T1)
                out += (a64.tbz(T1, 63, 12), X | add_i(BUDGET, BUDGET, rest))
                out.append(branch(routines["budget"] - host - 4 * len(out)))
            out.append(a64.movz(T3, rest))
            out.append(branch_link(routines["entry"] - host - 4 * len(out)))
            out.append(branch(4 * (behind - len(out))))
        for places, rest, address, base, offset, kind, behind in b.accesses:
            for place in places:
                out[place] = a64.redirect(out[place], 4 * (len(out) - place))
            add_constant(b, T1, base, offset)
            out.append(a64.mov(T2, kind >> at.REGISTER_AT & 15))
            out.append(a64.movz(T3, kind | rest << at.REST_AT))
            out += constant(PC, address)
            out.append(branch_link(routines["access"] - host - 4 * len(out)))
            out.append(branch(4 * (behind - len(out))))
        if b.differs:
            out[b.differs] = a64.redirect(out[b.differs], 4 * (len(out) - b.differs))
            out += constant(PC, b.start)
            out.append(branch_link(routines["changed"] - host - 4 * len(out)))
            self._differing[host + 4 * len(out)] = b.key
        mode, blocks = b.mode << 32, self.blocks
        for place, target, quad in b.sites:
            key = target | mode | quad << 36
            found, word, stub = blocks.get(key), out[place], len(out)
            if found is not None and found.open and target <= b.start and key not in self._often:
                found = None  # the begin of a loop, which is made long when it is over once
            if found is None:
                out[place] = redirect(word, 4 * (stub - place))
                out += constant(PC, target)
                out.append(branch_link(routines["chain"] - host - 4 * len(out)))
                self._sites[host + 4 * len(out)] = host + 4 * place, host + 4 * stub, key
            elif a64.reaches(word, found.host - host - 4 * place):
                out[place] = redirect(word, found.host - host - 4 * place)
            else:
                out[place] = redirect(word, 4 * (stub - place))
                out.append(branch(found.host - host - 4 * stub))

    def _add(self, block: Translated, code: list[int]) -> None:
        self.buffer.append(code)
        self._hosts.append(block.host)
        self._order.append(block)
        if not block.addresses:
            return
        first, last = block.address >> PAGE_BITS, max(block.end - 1, block.address) >> PAGE_BITS
        new = set()
        pages = self._pages
        for page in (first, last) if first != last else (first,):
            if page in pages:
                pages[page].add(block.key)
            else:
                pages[page] = {block.key}
                new.add(page)
        if new:
            self.watch(new)

    def has_code(self, address: int) -> bool:
        """Was anything translated from the page of this address?"""
        return address >> PAGE_BITS in self._pages

    # Forgetting.

    def code_differs(self, link: int) -> int:
        """The program at the begin of a block is not what it was made from; `link` says which.
        Where to go on."""
        key = self._differing[link]
        address, mode, quad = key & 0xFFFF_FFFF, key >> 32 & 15, key >> 36
        times = self._changes[address] = self._changes.get(address, 0) + 1
        block = self.blocks.get(key)
        if block is None or not block.differs:
            return self.find(address, mode, quad)
        last = block.newer[-1] if block.newer else block
        if times >= MOST_CHANGES:
            self._find_unsteady(address, last.code)
            self.kill(address, address + 1)
            return self.find(address, mode, quad)
        forgotten = self.times_forgotten
        host = self._translate(address, mode, quad, block)
        if self.times_forgotten == forgotten:
            place = self._behind(last.differs)
            self.buffer.write(place, branch(host - place))
            self.changed(place)
        return host

    def _find_unsteady(self, address: int, code: bytes) -> None:
        """Instructions that are not what they were, which the code from that address on says."""
        place, end, interpreter = address, address + len(code), self.interpreter
        try:
            while place < end:
                one = interpreter.instruction(place)
                following = min(one.end, end) if one is not None else end
                if self._read(place, following) != code[place - address : following - address]:
                    self.unsteady[place] = INTERPRETED
                    self.kill(place, place + 1)
                place = following
        except Raised:
            self.unsteady[place] = INTERPRETED

    def _read(self, first: int, end: int) -> bytes:
        fetch = self.interpreter.memory.fetch
        return bytes(fetch(address) & 0xFF for address in range(first, end))

    def _behind(self, place: int) -> int:
        """Where the branch at a host address leads."""
        return place + a64.offset(self.buffer.read(place))

    def interpreted(self, address: int) -> None:
        """An instruction that changes often is about to be interpreted."""
        left = self.unsteady.pop(address, 1) - 1
        if left:
            self.unsteady[address] = left
        else:
            self.kill(address, address + 1)

    def _replace(self, old: Translated, host: int) -> None:
        """There is another block in place of this one."""
        self.buffer.write(old.host, branch(host - old.host))
        self.changed(old.host)

    def kill(self, first: int, last: int) -> bool:
        """Blocks with code in that range are no longer used; were there any?"""
        killed = False
        for page in range(first >> PAGE_BITS, (last - 1 >> PAGE_BITS) + 1):
            for key in list(self._pages.get(page, ())):
                block = self.blocks.get(key)
                if block is None:
                    self._pages[page].discard(key)
                elif block.address < last and first < max(block.end, block.address + 3):
                    self._kill(block)
                    self._pages[page].discard(key)
                    killed = True
        return killed

    def kill_page(self, page: int) -> bool:
        """The same for a page, of which nothing is watched any more."""
        keys = self._pages.pop(page, None)
        for key in keys or ():
            block = self.blocks.get(key)
            if block is not None:
                self._kill(block)
        return bool(keys)

    def _kill(self, block: Translated) -> None:
        """Whoever goes there looks for the block anew."""
        del self.blocks[block.key]
        address, host = block.key & 0xFFFF_FFFF, self.buffer.at
        code = constant(PC, address)
        code.append(branch(self.routines["indirect"] - host - 4 * len(code)))
        self.buffer.append(code)
        self.buffer.write(block.host, branch(host - block.host))
        self.changed(block.host)
        if block.back:  # its body is not to be executed again, either
            self.buffer.write(block.back, NOP)
            self.changed(block.back)
        mode = block.key >> 32 & 15
        place = mode * at.TABLE_SIZE + ((address & (1 << at.TABLE_BITS) - 1) << 4) >> 3
        if self._entries.get(place) == address | mode << 32:
            self._table[place] = _NOWHERE

    def forget(self) -> None:
        """All blocks are gone."""
        self.times_forgotten += 1
        for place in self._entries:
            self._table[place] = _NOWHERE
        self._entries.clear()
        self.blocks.clear()
        self._sites.clear()
        self._taken.clear()
        self._differing.clear()
        self._changes.clear()
        self.unsteady.clear()
        self._hosts.clear()
        self._order.clear()
        self._pages.clear()
        self.buffer.at = self._begin
        self.forgotten()
