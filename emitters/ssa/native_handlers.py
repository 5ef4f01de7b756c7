"""`return` and labels of native functions that have handlers, for `build_native`."""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.ssa import native_generators
from mpy_cross.emitters.ssa.build_native import NativeBuilder, Verbs
from mpy_cross.emitters.ssa.handlers import HANDLER_VERBS, enter_finally, leave_all
from mpy_cross.emitters.ssa.with_blocks import setup_with, with_cleanup
from mpy_cross.loader.ops import Op, Verb


def _label(b: NativeBuilder, op: Op) -> None:
    if b.handlers:
        enter_finally(b, op[1])
    b.label(op[1])


def _return(b: NativeBuilder, op: Op) -> None:
    if b.is_generator:
        native_generators.return_value(b, op)
        return
    value = b.pop_object()
    leave_all(b, value)
    b.start_dead()


def _with_cleanup(b: NativeBuilder, op: Op) -> None:
    with_cleanup(b, op, lambda: _label(b, op))


NATIVE_HANDLER_VERBS: Final[dict[int, Verbs]] = {
    **HANDLER_VERBS,
    Verb.LABEL: _label,
    Verb.RETURN_VALUE: _return,
    Verb.SETUP_WITH: setup_with,
    Verb.WITH_CLEANUP: _with_cleanup,
}
