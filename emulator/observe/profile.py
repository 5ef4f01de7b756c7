"""A profile of programs on stock firmware, by functions and by lines.

    with board.profile() as prof:
        board.run("app.py")
    print(prof.report())

Cycles and times are those of the emulated chip, so two runs give the same figures.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Final, NamedTuple, final

from mpy_cross.emulator.firmware.image import Image
from mpy_cross.emulator.observe.files import Files, Sender
from mpy_cross.emulator.observe.functions import Function
from mpy_cross.emulator.observe.watch import Watch
from mpy_cross.emulator.stock import Stock

MS: Final = 1_000_000  # ns
ORDERS: Final = ("cycles", "total_cycles", "ms", "total_ms", "calls")


@final
class Row(NamedTuple):
    """One function.

    line: of its definition; calls: how often it began.  cycles, ms: in the function itself and in
    functions of the firmware that it calls; total_cycles, total_ms: with the Python functions that
    it calls as well, recursion counted once.  Cycles pass while the core runs, milliseconds also
    while it sleeps.
    """

    file: str
    function: str
    line: int
    calls: int
    cycles: int
    total_cycles: int
    ms: float
    total_ms: float


@final
class _Account:
    """What one function took, in cycles and ns; depth: how often it is active now."""

    __slots__ = ("calls", "cycles", "depth", "ns", "total_cycles", "total_ns")

    def __init__(self) -> None:
        self.calls = self.depth = 0
        self.cycles = self.total_cycles = self.ns = self.total_ns = 0

    def add(self, other: _Account) -> None:
        self.calls += other.calls
        self.cycles += other.cycles
        self.ns += other.ns
        self.total_cycles += other.total_cycles
        self.total_ns += other.total_ns


@final
class _Stack:
    """What is active on one core: account, and cycles and ns at its beginning; cycles, ns: when the
    innermost one began to pay."""

    __slots__ = ("active", "cycles", "ns")

    def __init__(self) -> None:
        self.active: list[tuple[_Account, int, int]] = []
        self.cycles = self.ns = 0


@final
class Profile:
    """What took time between the beginning and the end of a `with` block.

    by_line: `lines` is wanted, which takes longer.  frozen: report modules that are part of the
    firmware, too.  Raises ObserveError if the image has no symbols.
    """

    def __init__(self, stock: Stock, image: Image, sender: Sender, *, by_line: bool = False,
                 frozen: bool = False) -> None:
        self._files: Final = Files(sender)
        self._frozen, self._by_line = frozen, by_line
        self._watch = Watch(stock, image, counting=False, costing=by_line, listener=self,
                            named=self._files.name)
        self._accounts: dict[Function, _Account] = {}
        self._unknown = _Account()
        self._stacks: dict[int, _Stack] = {}

    def __enter__(self) -> Profile:
        self._watch.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._watch.stop()

    # ------------------------------------------------------------------- what the watch tells

    def entered(self, core: int, function: Function | None, *, fresh: bool) -> None:
        """For the watch."""
        stack = self._stacks.get(core)
        if stack is None:
            stack = self._stacks[core] = _Stack()
        cycles, ns = self._watch.now(core)
        self._pay(stack, cycles, ns)
        account = self._unknown
        if function is not None:
            known = self._accounts.get(function)
            account = self._accounts[function] = _Account() if known is None else known
        account.calls += fresh
        account.depth += 1
        stack.active.append((account, cycles, ns))

    def left(self, core: int) -> None:
        """For the watch."""
        stack = self._stacks.get(core)
        if stack is None or not stack.active:
            return
        cycles, ns = self._watch.now(core)
        self._pay(stack, cycles, ns)
        self._end(stack, cycles, ns)

    def started(self, core: int) -> None:
        """For the watch."""
        stack = self._stacks.get(core)
        if stack is not None and stack.active:
            cycles, ns = self._watch.now(core)
            self._pay(stack, cycles, ns)
            while stack.active:
                self._end(stack, cycles, ns)

    @staticmethod
    def _pay(stack: _Stack, cycles: int, ns: int) -> None:
        """What has passed is on the innermost function."""
        if stack.active:
            account = stack.active[-1][0]
            account.cycles += cycles - stack.cycles
            account.ns += ns - stack.ns
        stack.cycles, stack.ns = cycles, ns

    @staticmethod
    def _end(stack: _Stack, cycles: int, ns: int) -> None:
        account, from_cycles, from_ns = stack.active.pop()
        account.depth -= 1
        if not account.depth:
            account.total_cycles += cycles - from_cycles
            account.total_ns += ns - from_ns

    # ------------------------------------------------------------------- what it gives

    @property
    def functions(self) -> list[Row]:
        """All functions that ran, those with the most cycles of their own first."""
        return self.sorted("cycles")

    def sorted(self, by: str) -> list[Row]:
        """All functions that ran, the largest first.  ValueError for an unknown order."""
        if by not in ORDERS:
            raise ValueError(f"a profile is not sorted by {by!r}; there is {', '.join(ORDERS)}")
        sums: dict[tuple[str, str, int], _Account] = {}
        for function, account in self._accounts.items():
            if self._frozen or not function.frozen:
                key = function.file, function.name, function.line
                sums.setdefault(key, _Account()).add(account)
        rows = [
            Row(*key, account.calls, account.cycles, account.total_cycles, account.ns / MS,
                account.total_ns / MS)
            for key, account in sums.items()
        ]
        rows.sort(key=_key(by))
        return rows

    def lines(self, file: str) -> dict[int, int]:
        """Line to cycles, with those of firmware functions called there, without those of Python
        functions.  LookupError for a file of which nothing ran; ValueError without by_line."""
        if not self._by_line:
            raise ValueError("cycles of lines are counted with profile(by_line=True)")
        ours = [each for each in self._watch.functions if self._frozen or not each.frozen]
        name = self._files.find(file, {function.file for function in ours})
        costs: dict[int, int] = {}
        for function in ours:
            if function.file == name:
                for offset, cost in function.costs.items():
                    line = function.hits.line_at(offset)
                    costs[line] = costs.get(line, 0) + cost
        return dict(sorted(costs.items()))

    def report(self, by: str = "cycles") -> str:
        """A table of all functions.  ValueError for an unknown order."""
        rows = self.sorted(by)
        cycles, ms = sum(row.cycles for row in rows), sum(row.ms for row in rows)
        calls = sum(row.calls for row in rows)
        text = [f"{calls} function calls in {ms:.3f} ms, {cycles} cycles", "",
                f"{'calls':>8} {'cycles':>12} {'total':>12} {'ms':>10} {'total ms':>10}  function"]
        for row in rows:
            text.append(f"{row.calls:8} {row.cycles:12} {row.total_cycles:12} {row.ms:10.3f} "
                        f"{row.total_ms:10.3f}  {row.file}:{row.line}({row.function})")
        if self._unknown.calls:
            text.append(f"{self._unknown.calls} calls of functions that could not be read")
        return "\n".join(text) + "\n"


def _key(by: str) -> Callable[[Row], tuple[float, str, int, str]]:
    def key(row: Row) -> tuple[float, str, int, str]:
        amount: float = getattr(row, by)
        return -amount, row.file, row.line, row.function

    return key
