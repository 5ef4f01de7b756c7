"""What each operation becomes: the text of expressions and statements of the host."""

from __future__ import annotations

import ast
from typing import Final

from mpy_cross.emulator.runtime.flow import ITER_AT, ITER_SLOTS, FlowError
from mpy_cross.emulator.runtime.function_text import (
    CHILDREN,
    DOT,
    GLOBALS,
    NAMES,
    NULL,
    FunctionText,
    is_plain,
    text_of,
)
from mpy_cross.loader.objects import ConstValue, Str
from mpy_cross.loader.ops import (
    BinaryOp,
    ConstToken,
    FunctionOps,
    Op,
    UnaryOp,
    Verb,
    unpack_call,
    unpack_defaults,
)

_V = Verb
_B = BinaryOp
INLINE_BINARY: Final[dict[int, str]] = {
    _B.LESS: "<",
    _B.MORE: ">",
    _B.EQUAL: "==",
    _B.LESS_EQUAL: "<=",
    _B.MORE_EQUAL: ">=",
    _B.NOT_EQUAL: "!=",
    _B.IN: "in",
    _B.OR: "|",
    _B.XOR: "^",
    _B.AND: "&",
    _B.RSHIFT: ">>",
    _B.ADD: "+",
    _B.SUBTRACT: "-",
    _B.FLOOR_DIVIDE: "//",
    _B.MAT_MULTIPLY: "@",
}
HELPED_BINARY: Final[dict[int, str]] = {
    _B.IS: "is_",
    _B.EXCEPTION_MATCH: "matches",
    _B.LSHIFT: "lshift",
    _B.MULTIPLY: "multiply",
    _B.TRUE_DIVIDE: "divide",
    _B.MODULO: "modulo",
    _B.POWER: "power",
    _B.INPLACE_LSHIFT: "inplace_lshift",
    _B.INPLACE_MULTIPLY: "inplace_multiply",
    _B.INPLACE_TRUE_DIVIDE: "inplace_divide",
    _B.INPLACE_MODULO: "inplace_modulo",
    _B.INPLACE_POWER: "inplace_power",
}
INPLACE: Final[dict[int, str]] = {
    _B.INPLACE_OR: "|=",
    _B.INPLACE_XOR: "^=",
    _B.INPLACE_AND: "&=",
    _B.INPLACE_RSHIFT: ">>=",
    _B.INPLACE_ADD: "+=",
    _B.INPLACE_SUBTRACT: "-=",
    _B.INPLACE_FLOOR_DIVIDE: "//=",
    _B.INPLACE_MAT_MULTIPLY: "@=",
}
_OF_BITS: Final = frozenset(
    (_B.AND, _B.OR, _B.XOR, _B.INPLACE_AND, _B.INPLACE_OR, _B.INPLACE_XOR)
)
UNARY: Final[dict[int, str]] = {
    UnaryOp.POSITIVE: "+",
    UnaryOp.NEGATIVE: "-",
    UnaryOp.INVERT: "~",
    UnaryOp.NOT: "not ",
}
CONSTANTS: Final = {
    ConstToken.FALSE: "False",
    ConstToken.NONE: "None",
    ConstToken.TRUE: "True",
    ConstToken.ELLIPSIS: "...",
}


def _is_number(text: str) -> bool:
    """Whether the text of a value is a literal number."""
    return text[0].isdigit() or text[0] == "-"


class OperationText(FunctionText):
    """Writes single operations; the stack is that of the block being written."""

    def __init__(
        self,
        function: FunctionOps,
        names: list[bytes],
        consts: list[ConstValue],
        n_closed: int,
        named_locals: bool,
        bitmap: bool,
    ) -> None:
        super().__init__(function, names, consts, n_closed, named_locals)
        self.bitmap = bitmap
        """A call tells its star arguments by a bitmap."""
        self.locks_heap = False
        """What is made goes through `made`, which looks at the lock of the heap."""
        self.slices: set[str] = set()
        """Variables that hold slices."""
        self.yields = False

    # ------------------------------------------------------------------------- operations

    def push(self, expression: str) -> None:
        self.stack.append(f"(made{DOT}({expression}))" if self.locks_heap else f"({expression})")

    def made(self, expression: str) -> str:
        """A new variable that holds an object which the expression makes."""
        return self.temp(f"made{DOT}({expression})" if self.locks_heap else expression)

    def forget_temps(self) -> None:
        """Use the names again: what they hold should not live much longer than MicroPython's."""
        self.n_temps = 0
        self.slices.clear()

    def operation(self, op: Op) -> None:
        verb, a, b = op
        if verb == _V.LOAD_FAST:
            self.push_value(self.local(a))
        elif verb == _V.LINE:
            self.line = a
            if not self.stack:
                self.forget_temps()
        elif verb == _V.STORE_FAST:
            value = self._taken()
            local = self.local(a)
            self.forget_local(local)
            self.put(f"{local} = {value}")
        elif verb == _V.LOAD_CONST_SMALL_INT:
            self.push_value(str(a) if a >= 0 else f"-{-a}")
        elif verb == _V.LOAD_CONST_TOK:
            self.push_value(CONSTANTS[ConstToken(a)])
        elif verb == _V.LOAD_CONST_STR:
            self.push_value(repr(self.name(a)))
        elif verb == _V.LOAD_CONST_OBJ:
            self._constant(self.consts[a])
        elif verb == _V.LOAD_GLOBAL:
            self.push_value(self.temp(self._global(self.name(a))))
        elif verb == _V.BINARY_OP:
            self._binary(a)
        elif verb == _V.CALL_FUNCTION or verb == _V.CALL_METHOD:
            self._call(op)
        elif verb == _V.POP_TOP:
            value = self.pop()
            if value[0] == "(":
                self.put(value[1:-1])
            elif value in self.local_names:
                self.put(value)
        elif verb == _V.LOAD_ATTR:
            name = "bound" if self.locks_heap else "attribute"
            self.stack.append(f"({name}{DOT}({self.pop()}, {self.name(a)!r}))")
        elif verb == _V.LOAD_METHOD:
            if b:
                _, cls, instance = self.pops(3)
                self.push_value(
                    self.temp(f"super_attribute{DOT}({cls}, {instance}, {self.name(a)!r})")
                )
            else:
                obj = self.pop()
                if self.locks_heap and self.name(a) == "extend":
                    self.put(f"grow{DOT}({obj})")
                self.push_value(self.temp(f"method{DOT}({obj}, {self.name(a)!r})"))
            self.push_value(NULL)
        elif verb == _V.STORE_ATTR:
            value, obj = self.pops(2)
            if value == NULL:
                self.put(f"del_attribute{DOT}({obj}, {self.name(a)!r})")
            else:
                self.put(f"set_attribute{DOT}({obj}, {self.name(a)!r}, {value})")
        elif verb == _V.LOAD_SUBSCR:
            obj, index = self.pops(2)
            if index in self.slices:
                self.push(f"get_slice{DOT}({obj}, {index})")
            else:
                self.push(f"{obj}[{index}]")
        elif verb == _V.STORE_SUBSCR:
            value, obj, index = self.pops(3)
            if value == NULL:
                self.put(f"del_item{DOT}({obj}, {index})")
            elif index in self.slices:
                self.put(f"set_slice{DOT}({obj}, {index}, {value})")
            elif self.locks_heap:
                self.put(f"locked_set_item{DOT}({obj}, {index}, {value})")
            else:
                self.put(f"{obj}[{index}] = {value}")
        elif verb == _V.UNARY_OP:
            operand = self.pop()
            if operand[0] == "-":
                operand = f"({operand})"
            self.push(f"{UNARY[a]}{operand}")
        elif verb == _V.DUP_TOP:
            self.stack.append(self.stack[-1])
        elif verb == _V.DUP_TOP_TWO:
            self.stack += self.stack[-2:]
        elif verb == _V.ROT_TWO:
            self.stack[-2:] = [self.stack[-1], self.stack[-2]]
        elif verb == _V.ROT_THREE:
            self.stack[-3:] = [self.stack[-1], self.stack[-3], self.stack[-2]]
        elif verb == _V.GET_ITER:
            iterator = self.temp(f"iter{DOT}({self.pop()})")
            slots = [NULL] * ITER_SLOTS
            slots[ITER_AT] = iterator
            self.stack += slots if a else [iterator]
        elif verb == _V.LOAD_NULL:
            self.push_value(NULL)
        elif verb == _V.STORE_GLOBAL:
            self._store_global(self.name(a), self._taken())
        elif verb == _V.LOAD_NAME:
            self._load_name(self.name(a))
        elif verb == _V.STORE_NAME:
            name = self.name(a)
            if self.named_locals:
                self.put(f"{NAMES}[{name!r}] = {self._taken()}")
            else:
                self._store_global(name, self._taken())
        else:
            self._rarer(op)

    def _rarer(self, op: Op) -> None:
        verb, a, b = op
        if verb == _V.BUILD_TUPLE:
            items = self.pops(a)
            self.push_value(self.made(f"({', '.join(items)}{',' if a == 1 else ''})"))
        elif verb == _V.BUILD_LIST:
            self.push_value(self.made(f"[{', '.join(self.pops(a))}]"))
        elif verb == _V.BUILD_SET:
            items = self.pops(a)
            self.push_value(self.made(f"set{DOT}(({''.join([f'{item}, ' for item in items])}))"))
        elif verb == _V.BUILD_MAP:
            self.push_value(self.made("{}"))
        elif verb == _V.STORE_MAP:
            value, key = self.pops(2)
            self.put(f"{self.stack[-1]}[{key}] = {value}")
        elif verb == _V.BUILD_SLICE:
            name = self.made(f"slice{DOT}({', '.join(self.pops(a))})")
            self.slices.add(name)
            self.push_value(name)
        elif verb == _V.STORE_COMP:
            if a == 1:
                value, key = self.pops(2)
                self.put(f"{self.stack[1 - b - 1]}[{key}] = {value}")
            else:
                value = self.pop()
                self.put(f"{self.stack[-b]}.{'append' if a == 0 else 'add'}({value})")
        elif verb == _V.LOAD_DEREF:
            self.push_value(self.temp(f"{self.local(a)}.value"))
        elif verb == _V.STORE_DEREF:
            self.put(f"{self.local(a)}.value = {self.pop()}")
        elif verb == _V.DELETE_DEREF:
            self.put(f"del {self.local(a)}.value")
        elif verb == _V.DELETE_FAST:
            local = self.local(a)
            self.forget_local(local)
            self.put(f"del {local}")
        elif verb == _V.DELETE_GLOBAL:
            self.put(f"delete_name{DOT}({GLOBALS}, {self.name(a)!r})")
        elif verb == _V.DELETE_NAME:
            where = NAMES if self.named_locals else GLOBALS
            self.put(f"delete_name{DOT}({where}, {self.name(a)!r})")
        elif verb == _V.UNPACK_SEQUENCE:
            value = self.pop()
            names = self._fresh(a)
            self.put(f"[{', '.join(names)}] = {value}")
            self.stack += reversed(names)
        elif verb == _V.UNPACK_EX:
            value = self.pop()
            names = self._fresh(a + b + 1)
            starred = [*names[:a], f"*{names[a]}", *names[a + 1 :]]
            self.put(f"[{', '.join(starred)}] = star{DOT}({value})")
            self.stack += reversed(names)
        elif verb in (_V.MAKE_FUNCTION, _V.MAKE_CLOSURE):
            self._make(a, b)
        elif verb == _V.LOAD_BUILD_CLASS:
            self.push_value("__build_class__")
        elif verb == _V.YIELD_VALUE:
            self.yields = True
            self.push_value(self.temp(f"yield {self.pop()}"))
        elif verb == _V.YIELD_FROM:
            self.yields = True
            iterator, _ = self.pops(2)
            self.push_value(self.temp(f"yield from delegate{DOT}({iterator})"))
        elif verb == _V.IMPORT_NAME:
            level, wanted = self.pops(2)
            self.push_value(
                self.temp(f"import_name{DOT}({GLOBALS}, {self.name(a)!r}, {wanted}, {level})")
            )
        elif verb == _V.IMPORT_FROM:
            self.push_value(self.temp(f"import_from{DOT}({self.stack[-1]}, {self.name(a)!r})"))
        elif verb == _V.IMPORT_STAR:
            where = NAMES if self.named_locals else GLOBALS
            self.put(f"import_star{DOT}({self.pop()}, {where})")
        elif verb == _V.WITH_CLEANUP:
            bound, _, cause = self.pops(3)
            self.push_value(self.temp(f"leave_with{DOT}({bound}, {cause})"))
        else:
            raise FlowError(f"{Verb(verb).name} cannot stand here")

    def _taken(self) -> str:
        value = self.pop()
        return value[1:-1] if value[0] == "(" else value

    def _fresh(self, count: int) -> list[str]:
        names = [f"t{DOT}{self.n_temps + i}" for i in range(count)]
        self.n_temps += count
        return names

    def _constant(self, value: ConstValue) -> None:
        if isinstance(value, bool) or value is None or value is ...:
            self.push_value(repr(value) if value is not ... else "...")
        elif type(value) is int:
            self.push_value(hex(value) if value >= 0 else f"-{hex(-value)}")
        elif isinstance(value, Str):
            self.push_value(repr(text_of(value.data)))
        elif type(value) is bytes:
            self.push_value(repr(value))
        else:
            self.constants.append(value)
            self.push_value(self.temp(f"k{DOT}[{len(self.constants) - 1}]"))

    def _global(self, name: str) -> str:
        if is_plain(name):
            return name
        return f"load_name{DOT}({GLOBALS}, {GLOBALS}, {name!r})"

    def _store_global(self, name: str, value: str) -> None:
        if is_plain(name) and name not in self.local_names:
            self.globals_stored.add(name)
            self.put(f"{name} = {value}")
        else:
            self.put(f"{GLOBALS}[{name!r}] = {value}")

    def _load_name(self, name: str) -> None:
        if self.named_locals:
            self.push_value(self.temp(f"load_name{DOT}({NAMES}, {GLOBALS}, {name!r})"))
        else:
            self.push_value(self.temp(self._global(name)))

    def _binary(self, op: int) -> None:
        left, right = self.pops(2)
        sign = INLINE_BINARY.get(op)
        if sign is not None:
            text = f"{left} {sign} {right}"
            if op == _B.IN:
                # The host refuses much of what bytes may be asked for, and takes long for ranges.
                text += f" if type{DOT}({right}) not in odd{DOT} else in_odd{DOT}({left}, {right})"
            elif op in _OF_BITS and not (_is_number(left) or _is_number(right)):
                # Of two bools the host makes a bool, MicroPython an int.
                b = f"b{DOT}"
                text = f"{b} if ({b} := {text}) is not True and {b} is not False else int{DOT}({b})"
            self.push(text)
        elif op in INPLACE:
            name = left
            own = f"s{DOT}{len(self.stack)}"
            if left in self.stack or not (left == own or left[:2] == f"t{DOT}"):
                name = self.temp(left)
            if self.locks_heap:
                self.put(f"grow{DOT}({name})")
            self.put(f"{name} {INPLACE[op]} {right}")
            if op in _OF_BITS and not _is_number(right):
                self.put(f"if {name} is True or {name} is False: {name} = int{DOT}({name})")
            self.push_value(name)
        elif op == _B.IS and ("None" in (left, right)):
            self.push(f"{left} is {right}")
        else:
            self.push(f"{HELPED_BINARY[op]}{DOT}({left}, {right})")

    def _call(self, op: Op) -> None:
        verb, n_positional, b = op
        n_keyword, star = unpack_call(b)
        extra: list[str] = []
        if star:
            extra = self.pops(1 if self.bitmap else 2)
        pairs = self.pops(2 * n_keyword)
        positional = self.pops(n_positional)
        if verb == _V.CALL_METHOD:
            self.pop()
        called = self.pop()
        args: list[str] = list(positional)
        if star and self.bitmap:
            bits = int(extra[0], 0)
            args = [f"*star{DOT}({v})" if bits >> i & 1 else v for i, v in enumerate(positional)]
        elif star and extra[0] != NULL:
            args.append(f"*star{DOT}({extra[0]})")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            name = ast.literal_eval(key) if key[0] in "'\"" else ""
            if key == NULL:
                args.append(f"**double_star{DOT}({value})")
            elif is_plain(name):
                args.append(f"{name}={value}")
            else:
                args.append(f"**{{{key}: {value}}}")
        if star and not self.bitmap and extra[1] != NULL:
            args.append(f"**double_star{DOT}({extra[1]})")
        self.push(f"{called}({', '.join(args)})")

    def _make(self, child: int, b: int) -> None:
        n_closed, n_positional, n_keyword = unpack_defaults(b)
        cells = self.pops(n_closed)
        defaults, keyword_defaults = "None", "None"
        if n_positional or n_keyword:
            first, second = self.pops(2)
            defaults = "None" if first == NULL else first
            keyword_defaults = "None" if second == NULL else second
        values = ", ".join([GLOBALS, defaults, keyword_defaults, *cells])
        self.push_value(self.made(f"{CHILDREN}[{child}]({values})"))
