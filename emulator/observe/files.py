"""Names of programs: the board's own, and those of programs that came through the prompt."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from mpy_cross.emulator.observe.functions import Function

STDIN: Final = "<stdin>"
"""What the firmware calls a program that it is sent; all have this name."""


@final
class Sender:
    """What is sent to a board. file: the name of the file whose text that is now, None if it is the
    text of no file."""

    __slots__ = ("file",)

    def __init__(self) -> None:
        self.file: str | None = None


@final
class Files:
    """Gives each program that the board was sent its own name."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._known: dict[tuple[object, ...], str] = {}

    def name(self, function: Function) -> None:
        """A function was found, with all functions inside: names its file.

        Programs without a file are "<stdin>", "<stdin 2>" and so on, by the order in which they
        ran first.
        """
        if function.file != STDIN:
            return
        name = self._sender.file
        if name is None:
            key = function.key()
            name = self._known.get(key)
            if name is None:
                count = len(self._known) + 1
                name = self._known[key] = STDIN if count == 1 else f"<stdin {count}>"
        for each in function.family():
            each.file = name

    @staticmethod
    def order(name: str) -> tuple[int, int, str]:
        """The key by which names are sorted: programs of the prompt first, in their order."""
        if not name.startswith(STDIN[:-1]):
            return 1, 0, name
        return 0, int(name[len(STDIN) : -1] or 1), name

    @staticmethod
    def find(name: str, known: Collection[str]) -> str:
        """The one of these files that is meant: by its name, or by the end of its path.

        LookupError if there is none, or several.
        """
        if name in known:
            return name
        wanted = "/" + name.lstrip("/")
        found = [each for each in known if ("/" + each.lstrip("/")).endswith(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            raise LookupError(f"{name!r} may be {' or '.join(sorted(found))}")
        there = ", ".join(sorted(known, key=Files.order)) or "nothing"
        raise LookupError(f"no code of {name!r} was executed; there is {there}")


def ranges(some: Iterable[int], all_lines: Iterable[int]) -> str:
    """Lines for people, "3, 7-9": those between which no other line of `all_lines` is are one."""
    wanted = set(some)
    runs: list[list[int]] = []
    go_on = False
    for line in sorted(all_lines):
        if line not in wanted:
            go_on = False
            continue
        if go_on:
            runs[-1].append(line)
        else:
            runs.append([line])
        go_on = True
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
