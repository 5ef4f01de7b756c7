"""Line coverage of programs on stock firmware.

    with board.coverage() as cov:
        board.run("app.py")
    assert cov.missing("app.py") == []
    print(cov.report())
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, final

from mpy_cross.emulator.firmware.image import Image
from mpy_cross.emulator.observe.files import Files, Sender, ranges
from mpy_cross.emulator.observe.functions import Function
from mpy_cross.emulator.observe.watch import Watch
from mpy_cross.emulator.stock import Stock


@final
class Coverage:
    """What was executed between the beginning and the end of a `with` block.

    Files have the names that the board knows them by, see `Files.find`.  Lines without code on the
    board (docstrings, `pass`, `global`) are no lines here.  frozen: report modules that are part of
    the firmware, too.  Raises ObserveError if the image has no symbols.
    """

    def __init__(self, stock: Stock, image: Image, sender: Sender, *, frozen: bool = False) -> None:
        self._files: Final = Files(sender)
        self._frozen = frozen
        self._watch = Watch(stock, image, named=self._files.name)

    def __enter__(self) -> Coverage:
        self._watch.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._watch.stop()

    def _functions(self) -> list[Function]:
        return [each for each in self._watch.functions if self._frozen or not each.frozen]

    @property
    def files(self) -> list[str]:
        """All files of which code was executed."""
        return sorted({function.file for function in self._functions()}, key=Files.order)

    def lines(self, file: str) -> dict[int, int]:
        """Line to how often it was run, 0 too.  LookupError for a file of which nothing ran."""
        name = self._files.find(file, self.files)
        hits: dict[int, int] = {}
        for function in self._functions():
            if function.file == name:
                for line, count in function.hits.count(_Runs(function)).items():
                    hits[line] = hits.get(line, 0) + count
        return dict(sorted(hits.items()))

    def missing(self, file: str) -> list[int]:
        """Lines that were not run.  LookupError."""
        return [line for line, hits in self.lines(file).items() if not hits]

    def percent(self, file: str) -> float:
        """The share of lines that were run, 0 to 100.  LookupError."""
        lines = self.lines(file)
        return 100 * sum(map(bool, lines.values())) / len(lines) if lines else 100.0

    def report(self) -> str:
        """A table: files, numbers of lines and of lines not run, share, lines not run."""
        rows = []
        total = missed = 0
        for file in self.files:
            lines = self.lines(file)
            missing = [line for line, hits in lines.items() if not hits]
            total, missed = total + len(lines), missed + len(missing)
            rows.append((file, len(lines), len(missing), ranges(missing, lines)))
        width = max([len("Name"), len("TOTAL"), *(len(row[0]) for row in rows)])
        head = f"{'Name':{width}}   Lines    Miss  Cover   Missing"
        rule = "-" * len(head)
        text = [head, rule]
        for file, count, miss, where in rows:
            text.append(_row(file, width, count, miss, where))
        text += [rule, _row("TOTAL", width, total, missed, "")]
        if self._watch.unreadable:
            text.append(f"{self._watch.unreadable} calls of functions that could not be read")
        return "\n".join(text) + "\n"

    def save(self, path: str | Path = ".coverage",
             sources: Mapping[str, str | Path] | str | Path = ".") -> list[Path]:
        """Write what was run to a data file of coverage.py, for `coverage report` and `html`.

        sources: where the board's files are on this computer: paths by name, or the folder that
        they are in.  Files that are not there are left out; gives those that were written.  Lines
        without code on the board count as run if a line beside them was.  Data that the file has
        already stays.  ObserveError if coverage.py is not installed.
        """
        from mpy_cross.emulator.observe.data_file import save

        return save(Path(path), {file: self.lines(file) for file in self.files}, sources)


def _row(name: str, width: int, count: int, missed: int, where: str) -> str:
    share = 100 * (count - missed) // count if count else 100
    return f"{name:{width}}  {count:6}  {missed:6}  {share:4}%   {where}".rstrip()


@final
class _Runs:
    """How often the instruction at an offset ran."""

    __slots__ = ("_runs",)

    def __init__(self, function: Function) -> None:
        self._runs = function.runs

    def __call__(self, offset: int) -> int:
        return self._runs.get(offset, 0)


