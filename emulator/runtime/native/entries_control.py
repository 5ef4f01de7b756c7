"""Entries of mp_fun_table: iteration, exceptions, delegation of generators."""

from __future__ import annotations

from types import GeneratorType
from typing import TYPE_CHECKING, Any

from mpy_cross.emulator.runtime import attributes, errors, generators, support
from mpy_cross.emulator.runtime.errors import GeneratorClosed
from mpy_cross.emulator.runtime.native.generators import NativeGenerator
from mpy_cross.emulator.runtime.native.handles import NONE, NULL
from mpy_cross.emulator.runtime.native.region import BASE
from mpy_cross.emulator.runtime.native.traps import Trap

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.native.bridge import Bridge


def control_entries(bridge: Bridge) -> dict[str, Trap]:
    """These entries, by name."""
    word, value = bridge.handles.word, bridge.handles.value
    words = bridge.region.words

    def getiter(obj: int, buffer: int, c: int, d: int) -> int:
        iterator = support.iter_(value(obj))
        if buffer == NULL:
            return word(iterator)
        at = buffer - BASE >> 2
        words[at] = NULL
        words[at + 1] = word(iterator)
        return NULL

    def iternext(buffer: int, b: int, c: int, d: int) -> int:
        iterator = value(words[(buffer - BASE >> 2) + 1])
        try:
            return word(next(iterator))
        except StopIteration:
            return NULL

    def nlr_push(buffer: int, b: int, c: int, d: int) -> int:
        return bridge.push_handler(buffer)

    def setjmp(buffer: int, b: int, c: int, d: int) -> int:
        bridge.set_landing(buffer)
        return 0

    def nlr_pop(a: int, b: int, c: int, d: int) -> None:
        bridge.pop_handler()

    def native_raise(obj: int, b: int, c: int, d: int) -> None:
        if obj != NULL and obj != NONE:
            raise errors.raised(value(obj))

    def yield_from(generator: int, sent: int, to: int, d: int) -> int:
        at = to - BASE >> 2
        thrown = value(words[at]) if words[at] != NULL else None
        try:
            result = resume(value(generator), None if thrown is not None else value(sent), thrown)
        except StopIteration as stop:
            result = stop.args[0] if stop.args else None
        except Finished as finished:
            result = finished.args[0]
        else:
            words[at] = word(result)
            return 1
        words[at] = word(result)
        if thrown is not None and is_kind(thrown, GeneratorClosed):
            raise errors.raised(thrown)
        return 0

    return {
        "native_getiter": getiter,
        "native_iternext": iternext,
        "nlr_push": nlr_push,
        "setjmp": setjmp,
        "nlr_pop": nlr_pop,
        "native_raise": native_raise,
        "native_yield_from": yield_from,
    }


def is_kind(thrown: Any, kind: type[BaseException]) -> bool:
    """Whether what is thrown, a class or an instance, is of a class."""
    return isinstance(thrown, kind) or (isinstance(thrown, type) and issubclass(thrown, kind))


class Finished(Exception):
    """What was delegated to has ended, with this value."""


def resume(generator: Any, sent: Any, thrown: Any) -> Any:
    """Go on with what a generator delegates to; the value that it yields (py/runtime.c)."""
    kind = type(generator)
    if thrown is None:
        if sent is None:
            return next(generator)
        if kind is GeneratorType or kind is NativeGenerator:
            return generator.send(sent)
        return attributes.attribute(generator, "send")(sent)
    if kind is NativeGenerator:
        return generator.resume(None, thrown)
    if kind is GeneratorType:
        return generators.throw(generator, thrown)
    closing = isinstance(thrown, GeneratorClosed)
    try:
        method = attributes.attribute(generator, "close" if closing else "throw")
    except AttributeError:
        if is_kind(thrown, StopIteration):
            raise RuntimeError("generator raised StopIteration") from None
        raise errors.raised(thrown) from None
    if closing:
        raise Finished(method())
    return method(thrown)
