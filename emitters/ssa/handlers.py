"""try, except and finally, for `build`.

Each handler has an nlr_buf_t of its own in the frame, which is pushed where its block begins; a
second return of nlr_push leads to the handler.  Registers are then what they were at the push, and
so are values of the SSA form, of which each stands for one number or object.  Variables that may
change inside of a block with a handler live in the frame (`memory_locals`).

Ways out of a block by way of `finally` put a number into a variable, and the end of the `finally`
goes on to where the number says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from mpy_cross.emitters.native.state import EXC_VALUE
from mpy_cross.emitters.ssa import ir
from mpy_cross.emitters.ssa.ir import OBJ, Value
from mpy_cross.emitters.ssa.settings import Unsupported
from mpy_cross.loader.fun_table import Fun
from mpy_cross.loader.ops import Op, Verb

if TYPE_CHECKING:
    from mpy_cross.emitters.ssa.build import Builder, Verbs

RETURN: Final = -1
"""Instead of a label: where ways out end that return from the function."""
RETURN_VARIABLE: Final = 1 << 20
FIRST_VARIABLE: Final = RETURN_VARIABLE + 1
SETUPS: Final = (int(Verb.SETUP_EXCEPT), int(Verb.SETUP_FINALLY), int(Verb.SETUP_WITH))
STORES: Final = (int(Verb.STORE_FAST), int(Verb.DELETE_FAST))
END_FINALLY: Final = int(Verb.END_FINALLY)


@final
class Handler:
    """A block with a handler that the operations are in."""

    __slots__ = ("is_active", "is_finally", "label", "variable", "ways", "word")

    def __init__(self, label: int, is_finally: bool, word: int, variable: int) -> None:
        self.label = label
        self.is_finally = is_finally
        self.word = word
        """Where its nlr_buf_t is in the frame."""
        self.variable = variable
        """Of the exception in flight, and the next one of the way on behind `finally`."""
        self.is_active = True
        self.ways: list[tuple[list[Handler], int]] = []
        """Ways on: the handlers still to leave, and a label or RETURN."""


def memory_locals(ops: list[Op]) -> list[int]:
    """Locals that are assigned inside of a block with a handler."""
    depth = 0
    found: dict[int, None] = {}
    for verb, a, _ in ops:
        if verb in SETUPS:
            depth += 1
        elif verb == END_FINALLY:
            depth -= 1
        elif verb in STORES and depth > 0:
            found[a] = None
    return list(found)


def _setup(b: Builder, op: Op) -> None:
    begin(b, op[1], op[0] == Verb.SETUP_FINALLY)


def begin(b: Builder, label: int, is_finally: bool) -> None:
    """A block with a handler begins."""
    b.settle()
    word = b.first_buffer + b.target.nlr_buf_words * len(b.handlers)
    b.n_handlers += 1
    handler = Handler(label, is_finally, word, FIRST_VARIABLE + 2 * b.n_handlers)
    b.ssa.has_handler = True
    caught_now = b.call(Fun.NLR_PUSH, [b.block_value("frame", [], word, "ptr")], ir.INT)
    body, caught = b.new_block(), b.new_block()
    b.branch("eq", caught_now, b.const(0), body, caught)
    b.block = caught
    if handler.is_finally:
        error = b.block_value("getframe", [], word + EXC_VALUE, OBJ)
        b.variables.write(handler.variable, b.block, error)
        b.variables.write(handler.variable + 1, b.block, b.const(0))
    b.jump(b.way_to(handler.label))
    b.block = body
    b.handlers.append(handler)


def enter_finally(b: Builder, label: int) -> None:
    """At a label: if it is that of the current `finally`, the block before it ends here."""
    handler = b.handlers[-1]
    if handler.is_finally and handler.is_active and handler.label == label:
        handler.is_active = False
        _leave(b, handler, 0)


def _leave(b: Builder, handler: Handler, way: int) -> None:
    """Leave the block of a `finally` without an exception."""
    b.call(Fun.NLR_POP, [], ir.INT)
    b.variables.write(handler.variable, b.block, b.const(0, OBJ))
    b.variables.write(handler.variable + 1, b.block, b.const(way))


def unwind(b: Builder, handlers: list[Handler], to: int) -> None:
    """Leave blocks, the innermost first, and go to a label, or return."""
    for i, handler in enumerate(handlers):
        if not handler.is_active:
            continue
        if handler.is_finally:
            handler.ways.append((handlers[i + 1 :], to))
            _leave(b, handler, len(handler.ways))
            b.jump(b.way_to(handler.label))
            return
        b.call(Fun.NLR_POP, [], ir.INT)
    if to != RETURN:
        b.jump(b.way_to(to))
        return
    wanted = b.return_type
    b.return_(b.variables.read(RETURN_VARIABLE, b.block, ir.TYPES[wanted]))


def leave_all(b: Builder, value: Value) -> None:
    """Return a value, by way of every `finally` around."""
    if not b.handlers:
        b.return_(value)
        return
    b.variables.write(RETURN_VARIABLE, b.block, value)
    unwind(b, b.handlers[::-1], RETURN)


def _end_finally(b: Builder, op: Op) -> None:
    if not b.handlers:
        raise Unsupported("the end of nothing")
    handler = b.handlers.pop()
    if not handler.is_finally:
        error = b.value_of(len(b.stack) - 1)
        b.stack.pop()
        b.call(Fun.NATIVE_RAISE, [error], ir.INT)
        b.block.term = ir.DEAD
        b.start_dead()
        return
    b.top()
    b.stack.pop()
    error = b.variables.read(handler.variable, b.block, OBJ)
    again, following = b.new_block(), b.new_block()
    again.is_cold = True
    b.branch("eq", error, b.const(0), following, again)
    b.block = again
    b.call(Fun.NATIVE_RAISE, [error], ir.INT)
    again.term = ir.DEAD
    b.block = following
    for number, (rest, to) in enumerate(handler.ways, 1):
        chosen = b.variables.read(handler.variable + 1, b.block, ir.INT)
        way, following = b.new_block(), b.new_block()
        b.branch("eq", chosen, b.const(number), way, following)
        b.block = way
        unwind(b, rest, to)
        b.block = following


def _start_except_handler(b: Builder, op: Op) -> None:
    if not b.handlers:
        raise Unsupported("a handler of nothing")
    b.push_object(b.block_value("getframe", [], b.handlers[-1].word + EXC_VALUE, OBJ))


def _pop_except_jump(b: Builder, op: Op) -> None:
    if not op[2]:
        b.call(Fun.NLR_POP, [], ir.INT)
        b.handlers[-1].is_active = False
    b.settle()
    b.jump(b.way_to(op[1]))
    b.start_dead()
    b.unsettle()


def _unwind_jump(b: Builder, op: Op) -> None:
    depth = op[2] >> 1
    b.settle()
    unwind(b, b.handlers[len(b.handlers) - depth :][::-1], op[1])
    b.start_dead()
    b.unsettle()


HANDLER_VERBS: Final[dict[int, Verbs]] = {
    Verb.SETUP_EXCEPT: _setup,
    Verb.SETUP_FINALLY: _setup,
    Verb.END_FINALLY: _end_finally,
    Verb.START_EXCEPT_HANDLER: _start_except_handler,
    Verb.END_EXCEPT_HANDLER: lambda b, op: None,
    Verb.POP_EXCEPT_JUMP: _pop_except_jump,
    Verb.UNWIND_JUMP: _unwind_jump,
}
