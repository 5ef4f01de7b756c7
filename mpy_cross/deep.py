"""Runs a recursive function on input that nests too deeply for the ordinary stack."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar, final

_Result = TypeVar("_Result")
_FRAMES = 250_000
_STACK_BYTES = 512 * 1024 * 1024
"""Address space only; before Python 3.11 each frame takes some hundred bytes of it."""


@final
class TooDeep(Exception):
    """Even the large stack does not suffice."""


def run_deep(function: Callable[[], _Result]) -> _Result:
    """The result of `function()`, run with a stack for some 250,000 frames.

    Raises TooDeep, and whatever the function raises.
    """
    results: list[_Result] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    limit = sys.getrecursionlimit()
    size = threading.stack_size(_STACK_BYTES)
    try:
        sys.setrecursionlimit(max(limit, _FRAMES))
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)
    if errors:
        if isinstance(errors[0], RecursionError):
            raise TooDeep from None
        raise errors[0]
    return results[0]
