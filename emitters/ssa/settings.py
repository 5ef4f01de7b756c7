"""What the user wants optimised, and how: `-X opt=`, `-X opt-only=`, `--dump=ssa`."""

from __future__ import annotations

from typing import Final, NamedTuple, final

LEVELS: Final = ("0", "1", "2", "s")
"""Levels as `-X opt` names them: none, what makes code shorter and faster at once, everything,
everything that does not make code longer."""


@final
class Unsupported(Exception):
    """This function is left to the baseline; the text says why."""


@final
class Optimise(NamedTuple):
    """Settings of the optimising back end."""

    level: str = "0"
    only: tuple[str, ...] = ()
    """Names of the functions to optimise; empty for all."""
    strict: bool = False
    """Only programs that the reference accepts."""
    n_registers: int = 0
    """Use only so many registers, to test spilling; 0 for all."""
    check: bool = False
    """Verify the SSA form after each pass."""
    record: list[tuple[str, str, str]] | None = None
    """Takes (stage, function, text) of every function that is optimised, for `--dump`."""
    notes: list[str] | None = None
    """Takes a line for every function that is left to the baseline."""

    def wants(self, name: str) -> bool:
        """Whether a function of this name is to be optimised."""
        return self.level != "0" and (not self.only or name in self.only)
