"""Line coverage as a data file of coverage.py, which makes reports of it beside the sources."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, final

from mpy_cross.emulator.observe.words import ObserveError

_ENDS: Final = (ast.Return, ast.Raise, ast.Break, ast.Continue)
_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def save(path: Path, files: Mapping[str, Mapping[int, int]],
         sources: Mapping[str, str | Path] | str | Path) -> list[Path]:
    """See `Coverage.save`.  files: for each name the hits of its lines."""
    try:
        from coverage import CoverageData
        from coverage.exceptions import CoverageException
    except ImportError:
        raise ObserveError("a data file of coverage.py is written with coverage.py, which is not "
                           "installed here: pip install coverage") from None
    found: dict[Path, list[int]] = {}
    for name, hits in files.items():
        source = _source(name, sources)
        if source is not None:
            ran = {line for line, count in hits.items() if count}
            try:
                tree = ast.parse(source.read_bytes())
            except (SyntaxError, ValueError):
                tree = None  # MicroPython's own syntax
            if tree is not None:
                Inference(hits).module(tree, ran)
            found[source] = sorted(ran)
    data: Any = CoverageData(basename=str(path))
    try:
        data.read()
        data.add_lines({str(source): lines for source, lines in found.items()})
        data.write()
    except CoverageException as error:
        raise ObserveError(f"{path}: {error}") from None
    finally:
        data.close()
    return list(found)


def _source(name: str, sources: Mapping[str, str | Path] | str | Path) -> Path | None:
    """Where the source of a file of the board is on this computer; None if it is not there."""
    if isinstance(sources, Mapping):
        if name not in sources:
            return None
        path = Path(sources[name])
    else:
        path = Path(sources) / name.lstrip("/")
    return path.resolve() if path.is_file() else None


@final
class Inference:
    """Finds which lines without code on the board were passed: coverage.py expects them.

    hits: how often each line with code was run.
    """

    def __init__(self, hits: Mapping[int, int]) -> None:
        self._hits = hits

    def module(self, tree: ast.Module, ran: set[int]) -> None:
        """Adds the lines of a module to `ran`."""
        self._ran = ran
        self._block(tree.body, bool(ran))

    def _block(self, body: Sequence[ast.stmt], begun: bool) -> None:
        """Statements one after the other; begun: it is certain that the first one was reached."""
        inside = [self._inside(statement) for statement in body]
        for index, statement in enumerate(body):
            reached = inside[index]
            if not reached and not self._has_code(statement):
                before = inside[index - 1] and not isinstance(body[index - 1], _ENDS) \
                    if index else begun
                reached = before or any(inside[index + 1 :])
                inside[index] = reached
            if reached and (not isinstance(statement, _SCOPES) or self._made(statement)):
                self._ran.add(statement.lineno)
            self._compound(statement, reached)

    def _compound(self, statement: ast.stmt, reached: bool) -> None:
        """What is inside of a statement; reached: it was run itself."""
        scope = isinstance(statement, _SCOPES)
        always = isinstance(statement, ast.With | ast.AsyncWith | ast.Try | ast.ClassDef)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(statement, name, None)
            if isinstance(block, list) and block:
                certain = reached and always and name != "orelse"
                self._block(block, certain and not (scope and not self._made(statement)))
        later = False
        for handler in reversed(getattr(statement, "handlers", ())):
            later = later or self._any(handler)
            if later:
                self._ran.add(handler.lineno)
            self._block(handler.body, False)
        for case in getattr(statement, "cases", ()):
            self._block(case.body, False)

    def _has_code(self, statement: ast.stmt) -> bool:
        """Does the line of a statement, or its first decorator, have code on the board?"""
        return any(line in self._hits for line in _head(statement))

    def _made(self, statement: ast.stmt) -> bool:
        """Was the line with the definition of a function or class run?"""
        return any(self._hits.get(line) for line in _head(statement))

    def _inside(self, statement: ast.stmt) -> bool:
        """Was any line of a statement run, a definition itself rather than what is in it?"""
        return self._made(statement) if isinstance(statement, _SCOPES) else self._any(statement)

    def _any(self, node: ast.stmt | ast.ExceptHandler) -> bool:
        end = node.end_lineno or node.lineno
        return any(self._hits.get(line) for line in range(node.lineno, end + 1))


def _head(statement: ast.stmt) -> Iterator[int]:
    """Lines of the statement itself, without those of a block inside."""
    for decorator in getattr(statement, "decorator_list", ()):
        yield decorator.lineno
    body = getattr(statement, "body", None)
    last = statement.end_lineno or statement.lineno
    if isinstance(body, list) and body:
        last = max(statement.lineno, body[0].lineno - 1)
    yield from range(statement.lineno, last + 1)
