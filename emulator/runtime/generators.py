"""Generators: what the program can do with one."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from mpy_cross.emulator.runtime.errors import GeneratorClosed, caught, raised

AnyGenerator = Generator[Any, Any, Any]


def send(generator: AnyGenerator, value: Any) -> Any:
    """`generator.send(value)`."""
    if value is not None and generator.gi_frame is not None and generator.gi_frame.f_lasti < 0:  # type: ignore[attr-defined]
        raise TypeError("can't send non-None value to a just-started generator")
    return generator.send(value)


def throw(generator: AnyGenerator, kind: Any, value: Any = None, trace: Any = None) -> Any:
    """`generator.throw(type_or_instance, value)`."""
    if value is None:
        value = kind
    if isinstance(value, BaseException) or (
        isinstance(value, type) and issubclass(value, BaseException)
    ):
        error = raised(value)
    else:
        error = raised(kind(value))
    return generator.throw(error)


def close(generator: AnyGenerator) -> None:
    """`generator.close()`."""
    if generator.gi_frame is None or not _started(generator):  # type: ignore[attr-defined]
        generator.close()
        return
    try:
        generator.throw(GeneratorClosed())
    except (GeneratorClosed, StopIteration):
        return
    except Exception as error:
        raise caught(error) from None
    raise RuntimeError("generator ignored GeneratorExit")


def _started(generator: AnyGenerator) -> bool:
    frame = generator.gi_frame  # type: ignore[attr-defined]
    return frame is not None and (frame.f_lasti > 0 and _has_yielded(generator))


def _has_yielded(generator: AnyGenerator) -> bool:
    import inspect

    return inspect.getgeneratorstate(generator) == inspect.GEN_SUSPENDED


def step(generator: AnyGenerator) -> Any:
    """`generator.__next__()`."""
    return next(generator)


GENERATOR: dict[str, Any] = {
    "__next__": step,
    "send": send,
    "throw": throw,
    "close": close,
}
