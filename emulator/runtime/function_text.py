"""Writing the text of a translated function: lines, names, and the values on the stack.

Names made here hold a middle dot, which keeps them apart from those of the program: `l·3` is local
3, `s·0` stack slot 0 between blocks, `t·5` a value inside a block, `k·1` a constant, `c·0` a cell
of an outer function, `x·2` the exception that the handler of region 2 has caught.
"""

from __future__ import annotations

import keyword
from typing import Final

from mpy_cross.loader.objects import ConstValue
from mpy_cross.loader.ops import FunctionOps

DOT: Final = "\u00b7"
NULL: Final = f"NULL{DOT}"
GLOBALS: Final = f"G{DOT}"
NAMES: Final = f"n{DOT}"
PC: Final = f"pc{DOT}"
TIME: Final = f"time{DOT}"
RESULT: Final = f"r{DOT}"
ERRORS: Final = f"errors{DOT}"
FACTORY: Final = f"factory{DOT}"
CHILDREN: Final = f"children{DOT}"


def text_of(name: bytes) -> str:
    """A name of the program as the host's string; invalid UTF-8 survives a round trip."""
    return name.decode("utf-8", "surrogateescape")


def is_plain(name: str) -> bool:
    """Whether the host takes the name as an identifier, and as this very one."""
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name)


HEX: Final = f"u{DOT}"
"""Starts the text of a keyword that the host would fold or refuse: its UTF-8 form follows."""


def keyword_text(name: str) -> str:
    """How the name of an argument stands in the text; `keyword_name` of it is the name."""
    return name if is_plain(name) else HEX + name.encode("utf-8", "surrogateescape").hex()


def keyword_name(text: str) -> str:
    """The name of an argument, from what stands in the text."""
    if not text.startswith(HEX):
        return text
    return bytes.fromhex(text[len(HEX) :]).decode("utf-8", "surrogateescape")


class FunctionText:
    """The text of one function as it grows."""

    def __init__(
        self,
        function: FunctionOps,
        names: list[bytes],
        consts: list[ConstValue],
        n_closed: int,
        named_locals: bool,
    ) -> None:
        self.function = function
        self.names = names
        self.consts = consts
        self.n_closed = n_closed
        """Number of cells that come from around the function."""
        self.named_locals = named_locals
        self.lines: list[str] = []
        self.linenos: list[int] = []
        """For each line of text the line of the program."""
        self.indent = 0
        self.line = 1
        self.stack: list[str] = []
        """A variable or constant for each value; the top may be an expression in parentheses."""
        self.n_temps = 0
        self.constants: list[ConstValue] = []
        self.globals_stored: set[str] = set()
        self.local_names = self._local_names()

    # ------------------------------------------------------------------------------ names

    def _local_names(self) -> list[str]:
        function = self.function
        out = [f"c{DOT}{i}" for i in range(self.n_closed)]
        taken: set[str] = set()
        for i, index in enumerate(function.arg_names[self.n_closed :], self.n_closed):
            name = text_of(self.names[index])
            usable = name not in taken and i not in function.cells
            out.append(keyword_text(name) if usable else f"l{DOT}{i}")
            taken.add(name)
        return out

    def local(self, number: int) -> str:
        names = self.local_names
        while number >= len(names):
            names.append(f"l{DOT}{len(names)}")
        return names[number]

    def name(self, index: int) -> str:
        return text_of(self.names[index])

    # ------------------------------------------------------------------------------- text

    def put(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)
        self.linenos.append(self.line)

    def temp(self, expression: str) -> str:
        """A new variable that holds the value of the expression."""
        name = f"t{DOT}{self.n_temps}"
        self.n_temps += 1
        self.put(f"{name} = {expression}")
        return name

    def push(self, expression: str) -> None:
        """Push a value that is computed here."""
        self.stack.append(f"({expression})")

    def push_value(self, text: str) -> None:
        """Push a constant or a variable."""
        self.stack.append(text)

    def pop(self) -> str:
        return self.stack.pop()

    def pops(self, count: int) -> list[str]:
        if not count:
            return []
        out = self.stack[-count:]
        del self.stack[-count:]
        return out

    def settle(self) -> None:
        """Compute what is on top, if it is an expression still."""
        stack = self.stack
        if stack and stack[-1][0] == "(":
            stack[-1] = self.temp(stack[-1][1:-1])

    def forget_local(self, local: str) -> None:
        """Before a local changes: save the values on the stack that are read from it."""
        stack = self.stack
        if local in stack:
            saved = self.temp(local)
            for i, entry in enumerate(stack):
                if entry == local:
                    stack[i] = saved

    def flush(self, count: int) -> None:
        """Bring the lowest `count` stack values to where the next block expects them."""
        targets: list[str] = []
        sources: list[str] = []
        for i, entry in enumerate(self.stack[:count]):
            slot = f"s{DOT}{i}"
            if entry != slot and entry != NULL:
                targets.append(slot)
                sources.append(entry)
                self.stack[i] = slot
        if targets:
            self.put(f"{', '.join(targets)} = {', '.join(sources)}")

    def _flush_changes(self, expression: str) -> bool:
        """Whether `flush` assigns to a slot that the expression reads."""
        return any(
            entry not in (f"s{DOT}{i}", NULL) and f"s{DOT}{i}" in expression
            for i, entry in enumerate(self.stack)
        )

    def _parameter(self, number: int) -> str:
        """The host's name of an argument: the program's, as callers may give it as a keyword."""
        index = self.function.arg_names[number] if number < len(self.function.arg_names) else -1
        name = self.name(index) if index >= 0 else ""
        return keyword_text(name) if name else self.local(number)

    def _plain_local(self, number: int) -> str:
        self.local(number)
        self.local_names[number] = f"l{DOT}{number}"
        return self.local_names[number]
