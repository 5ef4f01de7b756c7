"""Viper functions run by CPython: the same source, with machine integers in place of its numbers.

`int`, `uint`, `bool` and the pointers become the classes below, each number of the source an `Int`,
and each loop counts its turns.  What CPython's own `if`, `while`, `for` and operators then do is
what the machine code has to do.  Nothing here comes from the compiler.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

WORD = 0xFFFF_FFFF
TURNS = 20_000
"""Turns of all loops of a call together; more is `Endless`."""


class Unfit(Exception):
    """A call whose result is not defined: it uses memory of nobody, or does not end."""


class Memory:
    """The buffers that pointers point into."""

    def __init__(self, buffers: Sequence[tuple[int, bytearray]]) -> None:
        self._buffers = buffers

    def find(self, address: int, size: int) -> tuple[bytearray, int]:
        """The buffer with `size` bytes at an address, and where in it.  Raises Unfit."""
        if address % size:
            raise Unfit(f"{address:#x} is no address for {size} bytes")
        for start, buffer in self._buffers:
            if start <= address and address + size <= start + len(buffer):
                return buffer, address - start
        raise Unfit(f"{address:#x} is in no buffer")


T = TypeVar("T", bound="Word")


class Word:
    """A value of a machine type: 32 bits.  An operation has the type of its left operand."""

    __slots__ = ("bits",)

    def __init__(self, bits: int) -> None:
        self.bits = bits & WORD

    def number(self) -> int:
        """The number that the bits mean."""
        return self.bits

    def __bool__(self) -> bool:
        return self.bits != 0

    def __index__(self) -> int:
        return self.number()

    def __add__(self: T, other: Word) -> T:
        return type(self)(self.bits + other.bits)

    def __sub__(self: T, other: Word) -> T:
        return type(self)(self.bits - other.bits)

    def __mul__(self: T, other: Word) -> T:
        return type(self)(self.bits * other.bits)

    def __and__(self: T, other: Word) -> T:
        return type(self)(self.bits & other.bits)

    def __or__(self: T, other: Word) -> T:
        return type(self)(self.bits | other.bits)

    def __xor__(self: T, other: Word) -> T:
        return type(self)(self.bits ^ other.bits)

    # Shifts look at the lowest byte of the count, as those of the processor do.

    def __lshift__(self: T, other: Word) -> T:
        return type(self)(self.bits << (other.bits & 255))

    def __rshift__(self: T, other: Word) -> T:
        return type(self)(self.number() >> (other.bits & 255))

    def __floordiv__(self: T, other: Word) -> T:
        return type(self)(self.number() // other.number())

    def __mod__(self: T, other: Word) -> T:
        return type(self)(self.number() % other.number())

    def __neg__(self: T) -> T:
        return type(self)(-self.bits)

    def __pos__(self: T) -> T:
        return self

    def __invert__(self: T) -> T:
        return type(self)(~self.bits)

    def __lt__(self, other: Word) -> Bool:
        return Bool(self.number() < other.number())

    def __le__(self, other: Word) -> Bool:
        return Bool(self.number() <= other.number())

    def __gt__(self, other: Word) -> Bool:
        return Bool(self.number() > other.number())

    def __ge__(self, other: Word) -> Bool:
        return Bool(self.number() >= other.number())

    def __eq__(self, other: object) -> Bool:  # type: ignore[override]
        assert isinstance(other, Word)
        return Bool(self.bits == other.bits)

    def __ne__(self, other: object) -> Bool:  # type: ignore[override]
        assert isinstance(other, Word)
        return Bool(self.bits != other.bits)

    __hash__ = None  # type: ignore[assignment]


class Int(Word):
    __slots__ = ()

    def number(self) -> int:
        return self.bits - (self.bits >> 31 << 32)


class Uint(Word):
    __slots__ = ()


class Bool(Word):
    """A cast to bool keeps all bits; they show again in a cast to int."""

    __slots__ = ()


class Object(Word):
    """The number that a call of another function gives, an object until it is converted."""

    __slots__ = ()


class Pointer(Word):
    __slots__ = ()
    width: ClassVar[int] = 1
    memory: ClassVar[Memory] = Memory(())

    def _find(self, index: Word) -> tuple[bytearray, int]:
        return Pointer.memory.find(self.bits + self.width * index.bits & WORD, self.width)

    def __getitem__(self, index: Word) -> Int:
        buffer, at = self._find(index)
        return Int(int.from_bytes(buffer[at : at + self.width], "little"))

    def __setitem__(self, index: Word, value: Word) -> None:
        buffer, at = self._find(index)
        data = (value.bits & (1 << 8 * self.width) - 1).to_bytes(self.width, "little")
        buffer[at : at + self.width] = data


class Ptr8(Pointer):
    __slots__ = ()


class Ptr16(Pointer):
    __slots__ = ()
    width = 2


class Ptr32(Pointer):
    __slots__ = ()
    width = 4


TYPES: dict[str, type[Word]] = {
    "int": Int, "uint": Uint, "bool": Bool, "ptr": Pointer, "ptr8": Ptr8, "ptr16": Ptr16,
    "ptr32": Ptr32,
}  # fmt: skip


class _Numbers(ast.NodeTransformer):
    """Numbers become Int, casts retype the bits of a word, and loops count."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if isinstance(node.value, (bool, int)):
            kind = "bool" if isinstance(node.value, bool) else "int"
            return ast.Call(ast.Name(f"_{kind}", ast.Load()), [node], [])
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        arguments = [self.visit(argument) for argument in node.args]
        return ast.Call(ast.Name(f"_cast_{node.func.id}", ast.Load()), arguments, [])

    def visit_While(self, node: ast.While) -> ast.stmt:
        return self._loop(node)

    def visit_For(self, node: ast.For) -> ast.stmt:
        return self._loop(node)

    def _loop(self, node: ast.While | ast.For) -> ast.stmt:
        self.generic_visit(node)
        node.body.insert(0, ast.Expr(ast.Call(ast.Name("_turn", ast.Load()), [], [])))
        return node


def _cast(kind: type[Word]) -> Callable[[Word], Word]:
    def cast(value: Word) -> Word:
        if isinstance(value, Object) and kind is Bool:
            return Bool(value.bits != 0)
        return kind(value.bits)

    return cast


def _through_object(word: Word, kind: str) -> Word:
    """A machine word that becomes an object, and that a machine word of a type."""
    bits = int(word.bits != 0) if kind == "bool" or isinstance(word, Bool) else word.bits
    return TYPES[kind](bits)


def _range(*args: Word) -> Iterator[Int]:
    return (Int(i) for i in range(*(arg.number() for arg in args)))


class Model:
    """The function `f` of a viper source, or its only one, as CPython understands it; functions may
    call each other."""

    def __init__(self, source: str) -> None:
        tree = ast.parse(source)
        self._turns = 0
        names: dict[str, Any] = {f"_cast_{name}": _cast(kind) for name, kind in TYPES.items()}
        names |= {"_int": Int, "_bool": Bool, "_cast_range": _range, "_turn": self._turn}
        signatures: dict[str, tuple[list[tuple[str, str]], str]] = {}
        for function in tree.body:
            assert isinstance(function, ast.FunctionDef)
            signatures[function.name] = (
                [(arg.arg, _name(arg.annotation)) for arg in function.args.args],
                _name(function.returns))
            function.decorator_list = []
            function.returns = None
            for arg in function.args.args:
                arg.annotation = None
        exec(compile(ast.fix_missing_locations(_Numbers().visit(tree)), "case.py", "exec"), names)
        for name, (parameters, returns) in signatures.items():
            names[f"_cast_{name}"] = self._callable(
                names[name], [kind for _, kind in parameters], returns)
        first = "f" if "f" in signatures else next(iter(signatures))
        self.parameters, self._returns = signatures[first]
        self._function: Callable[..., Any] = names[first]

    def _callable(
        self, function: Callable[..., Word], kinds: Sequence[str], returns: str
    ) -> Callable[..., Word]:
        """A function as others call it: what goes to it and comes back is an object meanwhile."""
        def call(*args: Word) -> Word:
            self._turn()
            words = [_through_object(arg, kind) for arg, kind in zip(args, kinds, strict=True)]
            return Object(_through_object(TYPES[returns](function(*words).bits), returns).bits)

        return call

    def _turn(self) -> None:
        self._turns += 1
        if self._turns > TURNS:
            raise Unfit("the function does not end")

    def call(self, args: Sequence[int | bool | bytearray], addresses: Sequence[int]) -> int | bool:
        """The result, with buffers changed in place.  `addresses` are where the buffers among the
        arguments are, in order.  Raises Unfit."""
        buffers = [arg for arg in args if isinstance(arg, bytearray)]
        Pointer.memory = Memory(list(zip(addresses, buffers, strict=True)))
        self._turns = 0
        left = iter(addresses)
        words = [
            TYPES[kind](next(left) if isinstance(arg, bytearray) else arg)
            for (_, kind), arg in zip(self.parameters, args, strict=True)
        ]
        result = self._function(*words)
        # What a function without annotation returns is an object; there is none in the model.
        number = TYPES[self._returns](result.bits).number()
        return bool(number) if self._returns == "bool" else number


def _name(annotation: ast.expr | None) -> str:
    assert isinstance(annotation, ast.Name)
    return annotation.id
