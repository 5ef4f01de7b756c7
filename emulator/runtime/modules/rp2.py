"""Module `rp2` (manual 1.3.4): what only RP2040 has."""

from __future__ import annotations

from types import FunctionType
from typing import Any, Final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.buffers import Array
from mpy_cross.emulator.runtime.modules.machine import prepared
from mpy_cross.emulator.runtime.modules.machine_.flash import Rp2Flash
from mpy_cross.emulator.runtime.modules.machine_.pio import build_pio
from mpy_cross.emulator.runtime.modules.machine_.pio_assembler import (
    EXECCTRL_SIDE_DIRECTIONS,
    EXECCTRL_SIDE_ENABLE,
    Assembler,
    PIOASMError,
)
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import BY_HOST, MARK, Module

NAMES: Final[tuple[str, ...]] = ("rp2",)


def seeing(function: Any, names: dict[str, Any], builtins: dict[str, Any]) -> Any:
    """The same function with only these global names, as it sees no others."""
    if not isinstance(function, FunctionType):
        raise PIOASMError("a PIO program is a function of bytecode")
    # The translation has names of its own.  The host takes the built-in names from these, when it
    # makes the function.
    own = {name: value for name, value in function.__globals__.items() if MARK in name}
    space = {**own, **names, "__builtins__": builtins}
    return FunctionType(function.__code__, space, function.__name__, function.__defaults__,
                        function.__closure__)


def build(runtime: Runtime) -> Module:
    """Raises ImportError where there is no RP2040."""
    hw = prepared(runtime)
    if hw.stm or hw.esp:
        raise ImportError("no module named 'rp2'")
    facts = runtime.release.library

    def asm_pio(*, out_init: Any = None, set_init: Any = None, sideset_init: Any = None,
                in_shiftdir: Any = 0, out_shiftdir: Any = 0, autopush: Any = False,
                autopull: Any = False, push_thresh: Any = 32, pull_thresh: Any = 32,
                fifo_join: Any = 0, **later: Any) -> Any:
        """Decorator that makes a PIO program of a function; from 1.25 with `side_pindir`."""
        directions = bool(later.pop("side_pindir", False)) if facts.pio_side_directions else False
        if later:
            raise TypeError(f"unexpected keyword argument '{next(iter(later))}'")
        shifting = (as_int(fifo_join) << 30 | (as_int(pull_thresh) & 31) << 25
                    | (as_int(push_thresh) & 31) << 20 | as_int(out_shiftdir) << 19
                    | as_int(in_shiftdir) << 18 | bool(autopull) << 17 | bool(autopush) << 16)
        pins = 0
        if sideset_init is not None:
            pins = 1 if isinstance(sideset_init, int) else len(sideset_init)

        def decorate(function: Any) -> list[Any]:
            assembler = Assembler(facts.pio_side_checked)
            seeing(function, assembler.names(), runtime.builtins)()
            words, optional = assembler.words(pins)
            execution = (assembler.wraps() | (EXECCTRL_SIDE_ENABLE if optional else 0)
                         | (EXECCTRL_SIDE_DIRECTIONS if directions else 0))
            return [BY_HOST[Array]("H", words), -1, -1, execution, shifting, out_init, set_init,
                    sideset_init]

        return decorate

    def asm_pio_encode(instr: Any, sideset_count: Any, sideset_opt: Any = False) -> int:
        """Assemble one instruction, given as text.

        sideset_count: bits of the side-set, with the one that says whether there is any.
        """
        assembler = Assembler(facts.pio_side_checked)
        space = assembler.names()
        code = runtime.compile(str(instr).encode(), "<string>")
        runtime.execute(code, space, space)
        optional = bool(sideset_opt)
        words, _ = assembler.words(as_int(sideset_count) - optional, optional)
        if len(words) != 1:
            raise PIOASMError("expecting exactly 1 instruction")
        return words[0]

    def bootsel_button() -> int:
        """1 while the BOOTSEL button is pressed."""
        return int(bool(hw.wiring.parts.get("bootsel", False)))

    build_pio(hw, asm_pio_encode)
    values: dict[str, Any] = {
        "asm_pio": asm_pio, "asm_pio_encode": asm_pio_encode, "PIOASMError": PIOASMError,
        "bootsel_button": bootsel_button, "Flash": hw.bind(Rp2Flash), "PIO": hw.types["PIO"],
        "StateMachine": hw.types["StateMachine"],
    }
    return Module(NAMES[0], values)
