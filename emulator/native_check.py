"""One function as bytecode, native and viper code, as the reference makes it and optimised, on the
same arguments: do the results agree?"""

from __future__ import annotations

import copy
import re
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, Final

from mpy_cross.emulator.runtime.runtime import Compiler
from mpy_cross.emulator.runtime.types import class_name
from mpy_cross.emulator.session import Session
from mpy_cross.emulator.testing import NativeError, NoNativeCode, ProgramError

BYTECODE: Final = "bytecode"
KINDS: Final = (BYTECODE, "native", "viper")
_DECORATOR: Final = re.compile(r"^[ \t]*@micropython\.(?:native|viper|bytecode)[ \t]*\n", re.M)
_NAME: Final = re.compile(r"^def[ \t]+(\w+)", re.M)


def compare(
    session: Session,
    function: str,
    cases: Sequence[Any],
    compiler_for: Callable[[str, str], Compiler],
    opt: str,
) -> None:
    """`opt`: the level of what is optimised, beside the reference's code.

    Raises NativeError at the first difference, NoNativeCode, ProgramError, LookupError."""
    __tracebackhide__ = True
    if not cases:
        raise ValueError("check_native needs at least one case: check_native(source, (1, 2), ...)")
    source = function if "\n" in function or function.startswith("def") else None
    text = source_of(session, function) if source is None else textwrap.dedent(source)
    text = _DECORATOR.sub("", text)
    names = _NAME.findall(text)
    if not names:
        raise ValueError(f"no function at the left margin of {text!r}")
    name = names[-1] if source is not None else function
    made: dict[str, Any] = {}
    for emit in KINDS:
        made[emit] = _function(session, text, name, emit, compiler_for(emit, "0"))
        if opt != "0" and emit != BYTECODE:
            kind = f"{emit} at opt={opt}"
            made[kind] = _function(session, text, name, kind, compiler_for(emit, opt))
    for case in cases:
        args = case if isinstance(case, tuple) else (case,)
        results = {kind: _result(session, each, copy.deepcopy(args))
                   for kind, each in made.items()}
        wanted = results.pop(BYTECODE)
        for kind, found in results.items():
            if found != wanted:
                shown = ", ".join(map(repr, args))
                raise NativeError(
                    f"{name}({shown}): {wanted} as bytecode, {found} as {kind}"
                )


def source_of(session: Session, name: str) -> str:
    """The text of a function of the program, from the sources that were run, the last first."""
    start = re.compile(rf"^(?:@.*\n)*def[ \t]+{re.escape(name)}\b.*\n(?:[ \t].*\n|[ \t]*\n)*", re.M)
    for text in reversed(session.sources):
        match = start.search(text if text.endswith("\n") else text + "\n")
        if match is not None:
            return match[0]
    raise LookupError(f"no source that was run has a function {name!r} at its left margin")


def _function(session: Session, text: str, name: str, kind: str, compiler: Compiler) -> Any:
    __tracebackhide__ = True
    names = dict(session.main_module().__dict__)
    runtime = session.runtime

    def define() -> None:
        code = runtime.load(compiler(text.encode("utf-8", "surrogateescape"), f"<{kind}>"))
        runtime.execute(code, names, names)

    session.start(define)
    outcome = session.go()
    if outcome is not None and outcome.error is not None:
        if isinstance(outcome.error, NotImplementedError):
            raise NoNativeCode(f"{kind} code of {name} cannot run: {outcome.error}")
        raise ProgramError(outcome)
    return names[name]


def _result(session: Session, function: Any, args: tuple[Any, ...]) -> str:
    """What a call gives, and what becomes of its arguments, as a text to compare."""
    outcome = session.call(function, *args)
    show = session.runtime.printer.representation
    error = outcome.error if outcome is not None else None
    if error is not None:
        return f"{class_name(type(error))}: {', '.join(map(str, error.args))}"
    return f"{show(session.result)}, arguments then {show(args)}"
