"""Generators: what the program can do with one, and delegating to other objects."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from types import GeneratorType
from typing import Any
from weakref import WeakKeyDictionary

from mpy_cross.emulator.runtime.errors import PROGRAM_ERRORS, GeneratorClosed, caught, raised

AnyGenerator = Any  # a generator of the host


PENDING: WeakKeyDictionary[AnyGenerator, Any] = WeakKeyDictionary()
"""What generators raise when they are next asked for a value, which is rare."""


def pend_throw(generator: AnyGenerator, error: Any) -> Any:
    """`generator.pend_throw(exception)`: the exception that was pending, or None."""
    if generator.gi_running:
        raise ValueError("generator already executing")
    before = PENDING.pop(generator, None)
    if error is not None:
        PENDING[generator] = error
    return before


def send(generator: AnyGenerator, value: Any) -> Any:
    """`generator.send(value)`."""
    if PENDING and generator in PENDING:
        return throw(generator, PENDING.pop(generator))
    try:
        return generator.send(value)
    except TypeError as error:
        if "just-started" in str(error):
            raise TypeError("can't send non-None value to a just-started generator") from None
        raise


def throw(generator: AnyGenerator, kind: Any, value: Any = None, trace: Any = None) -> Any:
    """`generator.throw(type_or_instance, value)`."""
    thrown = kind if value is None else value
    if isinstance(kind, type) and not isinstance(thrown, BaseException) and value is not None:
        thrown = kind(value)
    error = raised(thrown)
    error.thrown = thrown  # type: ignore[attr-defined]
    if isinstance(error, GeneratorClosed):
        _close_inner(generator)
    return generator.throw(error)


def close(generator: AnyGenerator) -> None:
    """`generator.close()`: GeneratorExit at the `yield` where it waits."""
    if not _waits(generator):
        generator.close()
        return
    _close_inner(generator)
    try:
        generator.throw(GeneratorClosed())
    except (GeneratorClosed, StopIteration):
        return
    except Exception as error:
        raise caught(error) from None
    raise RuntimeError("generator ignored GeneratorExit")


def _close_inner(generator: AnyGenerator) -> None:
    """Close what the generator delegates to, innermost first."""
    inner = generator.gi_yieldfrom
    if inner is None:
        return
    if type(inner) is GeneratorType:
        close(inner)


def _waits(generator: AnyGenerator) -> bool:
    """Whether the generator stands at a `yield`."""
    frame = generator.gi_frame
    if frame is None or generator.gi_running:
        return frame is not None
    first = getattr(generator, "gi_suspended", None)
    if first is not None:
        return bool(first)
    return bool(frame.f_lasti >= 0)  # 3.10


def step(generator: AnyGenerator) -> Any:
    """`generator.__next__()`."""
    if PENDING and generator in PENDING:
        return throw(generator, PENDING.pop(generator))
    return next(generator)


GENERATOR: dict[str, Any] = {
    "__next__": step,
    "send": send,
    "throw": throw,
    "close": close,
    "pend_throw": pend_throw,
}


def foreign(inner: Iterator[Any]) -> Generator[Any, Any, Any]:
    """`yield from` an object of the program: sends and throws go to its methods, if it has them."""
    cls = type(inner)
    try:
        value = next(inner)
    except StopIteration as stop:
        return stop.args[0] if stop.args else None
    while True:
        try:
            sent = yield value
        except GeneratorClosed:
            closer = getattr(inner, "close", None)
            if closer is not None:
                closer()
            raise
        except PROGRAM_ERRORS as error:
            thrower = getattr(cls, "throw", None)
            if thrower is None:
                raise
            try:
                value = thrower(inner, getattr(error, "thrown", error))
            except StopIteration as stop:
                return stop.args[0] if stop.args else None
            continue
        try:
            sender = getattr(cls, "send", None)
            value = next(inner) if sent is None or sender is None else sender(inner, sent)
        except StopIteration as stop:
            return stop.args[0] if stop.args else None
