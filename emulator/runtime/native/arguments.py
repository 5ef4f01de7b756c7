"""Binding the arguments of a call to the state of a native function (py/bc.c)."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from mpy_cross.emulator.runtime.types import Cell
from mpy_cross.loader.ops import ScopeFlag

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.native.bridge import Bridge
    from mpy_cross.emulator.runtime.native.functions import NativeFunction
    from mpy_cross.emulator.runtime.native.image import Signature


def mismatch(wanted: int, given: int) -> TypeError:
    """The error for a wrong number of positional arguments."""
    return TypeError(f"function takes {wanted} positional arguments but {given} were given")


def bind(
    bridge: Bridge,
    function: NativeFunction,
    signature: Signature,
    positional: list[int],
    keywords: list[tuple[str, int]],
) -> array[int]:
    """The words of the state, locals from its end down.  Raises the program's TypeError."""
    word = bridge.handles.word
    n_pos, n_kwonly, flags = signature.n_pos, signature.n_kwonly, signature.flags
    given = len(positional)
    n_args = n_pos + n_kwonly
    slots = [0] * n_args
    extra: list[int] = []
    if given > n_pos:
        if not flags & ScopeFlag.VARARGS:
            raise mismatch(n_pos, given)
        rest = tuple([bridge.handles.value(each) for each in positional[n_pos:]])
        extra.append(word(rest))
        positional = positional[:n_pos]
    elif flags & ScopeFlag.VARARGS:
        extra.append(word(()))
    slots[: len(positional)] = positional
    defaults = function.defaults
    first_default = n_pos - len(defaults)
    if keywords or flags & ScopeFlag.DEFKWARGS:
        others = _bind_keywords(bridge, signature, slots, keywords)
        for at, value in enumerate(defaults, first_default):
            if not slots[at]:
                slots[at] = word(value)
        for at in range(n_pos - 1, -1, -1):
            if not slots[at]:
                missing = next(n for n in range(n_pos) if not slots[n])
                raise TypeError(f"function missing required positional argument #{missing + 1}")
        for at in range(n_pos, n_args):
            if not slots[at]:
                slots[at] = _keyword_default(bridge, function, signature.arg_names[at])
        if flags & ScopeFlag.VARKEYWORDS:
            extra.append(word(others))
    else:
        if len(positional) < first_default:
            raise mismatch(first_default, given)
        for at in range(len(positional), n_pos):
            slots[at] = word(defaults[at - first_default])
        if n_kwonly:
            raise TypeError("function missing keyword-only argument")
        if flags & ScopeFlag.VARKEYWORDS:
            extra.append(word({}))
    state = array("I", bytes(4 * signature.n_state))
    for at, value in enumerate([*slots, *extra], 1):
        state[-at] = value
    for local in signature.cells:
        at = -1 - local
        state[at] = word(Cell(bridge.handles.value(state[at])) if state[at] else Cell())
    return state


def _bind_keywords(
    bridge: Bridge, signature: Signature, slots: list[int], keywords: list[tuple[str, int]]
) -> dict[str, Any]:
    others: dict[str, Any] = {}
    names = signature.arg_names
    for name, value in keywords:
        if name in names:
            at = names.index(name)
            if slots[at]:
                raise TypeError(f"function got multiple values for argument '{name}'")
            slots[at] = value
        elif not signature.flags & ScopeFlag.VARKEYWORDS:
            raise TypeError(f"unexpected keyword argument '{name}'")
        elif name in others:
            raise TypeError(f"function got multiple values for argument '{name}'")
        else:
            others[name] = bridge.handles.value(value)
    return others


def _keyword_default(bridge: Bridge, function: NativeFunction, name: str) -> int:
    known = function.keyword_defaults
    if known is None or name not in known:
        raise TypeError(f"function missing required keyword argument '{name}'")
    return bridge.handles.word(known[name])


def setup_state(bridge: Bridge, state: int, n_args: int, n_kw: int, args: int) -> None:
    """mp_setup_code_state: `state` and `args` are indices of words."""
    words = bridge.region.words
    function = bridge.functions[words[state]]
    signature = function.placed.signature
    assert signature is not None
    n_state = signature.n_state
    words[state + 2] = bridge.address(state + 4)
    words[state + 3] = n_state
    start = state + 5
    if n_kw == 0 and signature.simple and n_args <= signature.n_pos:
        words[start : start + n_state] = signature.zeros
        last = start + n_state - 1
        for at in range(n_args):
            words[last - at] = words[args + at]
        if n_args < signature.n_pos:
            first_default = signature.n_pos - len(function.defaults)
            if n_args < first_default:
                raise mismatch(first_default, n_args)
            word = bridge.handles.word
            for at in range(n_args, signature.n_pos):
                words[last - at] = word(function.defaults[at - first_default])
        return
    positional = words[args : args + n_args].tolist()
    value = bridge.handles.value
    pairs = words[args + n_args : args + n_args + 2 * n_kw].tolist()
    keywords = [(value(name), each) for name, each in zip(pairs[::2], pairs[1::2], strict=True)]
    bound = bind(bridge, function, signature, positional, keywords)
    words[start : start + n_state] = memoryview(bound)
