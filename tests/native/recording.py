"""What the native emitters ask a machine to refer to, recorded while they work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mpy_cross.emitters.native import baseline, machines
from mpy_cross.emitters.native.machine import Machine
from mpy_cross.emitters.native.state import NativeState
from mpy_cross.loader.listing import const_text, name_text

Event = tuple[str, str]


class Recorder:
    """Of each function, by its code: calls by the function table, names, objects, children."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.functions: dict[bytes, list[Event]] = {}
        self._now: list[Event] = []
        make, emit = machines.make_machine, baseline.emit_native

        def make_machine(*args: Any) -> Machine:
            machine = make(*args)
            machine.__class__ = self._recording(type(machine))
            return machine

        def emit_native(*args: Any) -> baseline.NativeCode:
            self._now = []
            native = emit(*args)
            self.functions[native.raw_code.code] = self._now
            return native

        patch.setattr(machines, "make_machine", make_machine)
        patch.setattr(baseline, "emit_native", emit_native)
        self._watch(patch, "load_qstr", lambda s, reg, name: _qstr(s, name))
        self._watch(patch, "load_fun_const", lambda s, reg, entry: ("function", str(entry)))
        self._watch(patch, "load_qstr_object", lambda s, reg, name, value: (
            None if s.tables else _qstr(s, name)))
        self._watch(patch, "load_object", lambda s, reg, value: ("object", const_text(value)))
        self._watch(patch, "load_child", lambda s, reg, child: ("code", str(len(s.made))))

    def _recording(self, kind: type[Machine]) -> type[Machine]:
        def start_pass(machine: Machine, *args: Any) -> None:
            self._now.clear()
            kind.start_pass(machine, *args)

        added: dict[str, Any] = {"__slots__": (), "start_pass": start_pass}
        for name in ("call", "call_keeping_arg_4"):
            if name == "call" or name in kind.__dict__:
                added[name] = self._call(getattr(kind, name))
        return type("Recording", (kind,), added)

    def _call(self, verb: Callable[[Machine, int], None]) -> Callable[[Machine, int], None]:
        def call(machine: Machine, index: int) -> None:
            start = machine.position
            verb(machine, index)
            if machine.position > start:
                self._now.append(("function", str(int(index))))

        return call

    def _watch(self, patch: pytest.MonkeyPatch, name: str,
               event_of: Callable[..., Event | None]) -> None:
        method = getattr(NativeState, name)

        def watched(state: NativeState, *args: Any) -> None:
            event = event_of(state, *args)
            start = state.machine.position
            method(state, *args)
            if event is not None and state.machine.position > start:
                self._now.append(event)

        patch.setattr(NativeState, name, watched)


def _qstr(state: NativeState, name: int) -> Event:
    return "qstr", name_text(state.linker.name_text(name))
