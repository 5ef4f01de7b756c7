"""The types of the run-time and how they map to the host's.

* A class of the program is a class of the host whose type is `MpClass`; so are the types that the
  run-time implements itself (`deque`, `Pin`): classes derived from `HostObject`, whose public names
  the program sees.
* The core types (int, str, list ...) are the host's; the program sees them as `BuiltinType`
  objects, which hold what MicroPython has of them: a constructor and a table of attributes.
* Exceptions are the host's classes, also to the program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import FunctionType, MethodType
from typing import Any, final

from mpy_cross.emulator.runtime.facts import LANGUAGE

Attributes = dict[str, Any]
MARK = "\u00b7"
"""Starts the file name of translated code for the host, which tells it from the host's own."""


class Cell:
    """A variable shared with an inner function; `value` is missing while it is not bound."""

    __slots__ = ("value",)

    value: Any

    def __init__(self, *value: Any) -> None:
        if value:
            self.value = value[0]


def depth_first(bases: Iterable[type]) -> list[type]:
    """The order in which MicroPython looks through base classes: each with its own bases first."""
    out: list[type] = []
    for base in bases:
        own = (
            base.__mro__ if not isinstance(base, MpClass) else [base, *depth_first(base.__bases__)]
        )
        for cls in own:
            if cls not in out and cls is not object:
                out.append(cls)
    return out


class MpClass(type):
    """Type of the classes of the program and of those that the run-time implements."""

    hidden_: Attributes
    """Attributes whose names would mean something to the host but not to MicroPython."""

    def mro(cls) -> list[type]:
        rest = depth_first(cls.__bases__)
        roots = [base for base in rest if base in (Instance, HostObject)]
        return [cls, *(base for base in rest if base not in roots), *roots, object]


class Instance(metaclass=MpClass):
    """Root of the classes of the program."""

    type_name = "object"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """A class without `__init__` takes whatever it gets."""


class HostObject(metaclass=MpClass):
    """Root of the types that the run-time implements: public names are the program's to use.

    The name of the class is what `type()` shows, unless it has `type_name`.
    """


Instance.hidden_ = {}
HostObject.hidden_ = {}


@final
class Getter:
    """An attribute of a core type that is computed when it is read."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function


@final
class Static:
    """An attribute of a core type that does not get the object it is read from."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


@final
class ClassMethod:
    """A function of a core type that gets the class."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


@final
class BuiltinType:
    """A core type as the program sees it."""

    __slots__ = ("attributes", "construct", "host", "name")

    def __init__(
        self,
        name: str,
        host: type,
        construct: Callable[..., Any] | None,
        attributes: Attributes | None = None,
    ) -> None:
        self.name = name
        self.host = host
        """The host's class of its objects, and the base of classes derived from it."""
        self.construct = construct
        self.attributes: Attributes = attributes or {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.construct is None:
            raise TypeError(f"can't create '{self.name}' instances")
        return self.construct(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<class '{self.name}'>"


@final
class FixedDict(dict[Any, Any]):
    """A dictionary in read-only memory, or one that shows what is elsewhere: it cannot change."""

    __slots__ = ()

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError()

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


@final
class Super:
    """`super(cls, obj)` that is kept in a variable; calls through `super()` do not make one."""

    __slots__ = ("cls", "obj")

    def __init__(self, cls: Any, obj: Any) -> None:
        """Raises TypeError."""
        if type(cls) is Cell:
            cls = cls.value
        if not isinstance(cls, (type, BuiltinType)):
            raise TypeError("first argument to super must be type")
        if LANGUAGE[0].super_checked:
            host = cls.host if isinstance(cls, BuiltinType) else cls
            inner = obj.host if isinstance(obj, BuiltinType) else obj
            known = isinstance(inner, type) and issubclass(inner, host)
            if not known and not isinstance(obj, host):
                raise TypeError()
        self.cls = cls
        self.obj = obj

    def _show(self, printer: Any) -> str:
        return f"<super: {printer.text(self.cls)}, {printer.text(self.obj)}>"


BY_HOST: dict[type, BuiltinType] = {}
"""Core types by the host's class."""


def builtin_type(
    name: str,
    host: type,
    construct: Callable[..., Any] | None = None,
    attributes: Attributes | None = None,
    *others: type,
) -> BuiltinType:
    """Make a core type known; `others` are further host classes that count as it."""
    made = BuiltinType(name, host, construct, attributes)
    for cls in (host, *others):
        BY_HOST[cls] = made
    return made


@final
class Module:
    """A module: its attributes are its host dictionary, which is the `globals` of its functions."""

    def __init__(self, name: str, attributes: Attributes | None = None) -> None:
        if attributes:
            self.__dict__.update(attributes)
        self.__dict__["__name__"] = name


def type_name(obj: Any) -> str:
    """The name of the object's type, as messages have it."""
    return class_name(type(obj))


def class_name(cls: Any) -> str:
    """The name of a type."""
    if isinstance(cls, BuiltinType):
        return cls.name
    known = BY_HOST.get(cls)
    if known is not None:
        return known.name
    if isinstance(cls, MpClass):
        return str(cls.__dict__.get("type_name", cls.__name__))
    return getattr(cls, "__name__", "object")


def builtin_of(obj: Any) -> BuiltinType | None:
    """The core type of an object of the host, or of an object of a class derived from it."""
    cls = type(obj)
    known = BY_HOST.get(cls)
    if known is None and not isinstance(cls, MpClass):
        for base in cls.__mro__[1:]:
            known = BY_HOST.get(base)
            if known is not None:
                if base is not object:
                    BY_HOST[cls] = known
                return known
    return known


def bind(value: Any, obj: Any, cls: Any) -> Any:
    """An entry of an attribute table as `obj.name` gives it."""
    kind = type(value)
    if kind is Getter:
        return value.function(obj)
    if kind is Static:
        return value.value
    if kind is ClassMethod:
        return MethodType(value.function, cls)
    if callable(value):
        return MethodType(value, obj)
    return value


# Special methods that mean the same to the host as to MicroPython.
SPECIAL = (
    frozenset(
        f"__{name}__"
        for name in [
            "init",
            "new",
            "call",
            "len",
            "bool",
            "getitem",
            "setitem",
            "delitem",
            "iter",
            "next",
            "contains",
            "eq",
            "ne",
            "lt",
            "le",
            "gt",
            "ge",
            "hash",
            "neg",
            "pos",
            "invert",
            "abs",
            "enter",
            "exit",
            "getattr",
            "setattr",
            "delattr",
            "str",
            "repr",
            "int",
            "float",
            "complex",
            "aiter",
            "anext",
            "aenter",
            "aexit",
            "await",
            "get",
            "set",
            "delete",
            "module",
        ]
    )
    | frozenset(
        f"__{prefix}{name}__"
        for prefix in ("", "r", "i")
        for name in [
            "add",
            "sub",
            "mul",
            "matmul",
            "truediv",
            "floordiv",
            "mod",
            "pow",
            "lshift",
            "rshift",
            "and",
            "or",
            "xor",
        ]
    )
    | {"__divmod__", "__rdivmod__", "__reversed__"}
)


def new_class(name: str, bases: tuple[Any, ...], namespace: Attributes) -> MpClass:
    """`type(name, bases, namespace)`.  Raises TypeError for bases that cannot be."""
    hosts: list[type] = []
    for base in bases:
        if isinstance(base, BuiltinType):
            if base.host is object:
                continue
            if base.construct is None or base.host in (bool, type(None)):
                raise TypeError(f"type '{base.name}' isn't an acceptable base type")
            hosts.append(base.host)
        elif isinstance(base, MpClass) or (
            isinstance(base, type) and issubclass(base, BaseException)
        ):
            hosts.append(base)
        else:
            raise TypeError("type isn't an acceptable base type")
    if not isinstance(namespace, dict):
        raise TypeError("type takes a dictionary of names")
    if not any(issubclass(host, Instance) for host in hosts):
        hosts.append(Instance)
    hidden: Attributes = {}
    visible: Attributes = {}
    for key, value in namespace.items():
        if isinstance(value, FunctionType) and not value.__code__.co_filename.startswith(MARK):
            value = staticmethod(value)  # a function of the run-time does not bind
        elif key == "__new__" and not isinstance(value, (FunctionType, staticmethod)):
            value = staticmethod(value)  # as the host does with its functions
        special = key[:2] == "__" and key[-2:] == "__"
        (visible if not special or key in SPECIAL else hidden)[key] = value
    made = MpClass(name, tuple(hosts), visible)
    made.hidden_ = hidden
    for host in hosts:
        if not isinstance(host, MpClass) and issubclass(host, (int, float)):
            for key, value in _number_operators(host).items():
                if key not in visible:
                    type.__setattr__(made, key, value)
    return made


_ARITHMETIC = (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lshift", "rshift",
    "and", "or", "xor",
)


def _refused(name: str, other: Any, own: str) -> TypeError:
    """The error of arithmetic whose right operand is of a class derived from a number's type.

    MicroPython then tries the reverse on the number inside, which takes no numbers.
    """
    left = "float" if isinstance(other, float) else type_name(other)
    name = f"__r{name}__" if own == "int" else f"__{name}__"
    pair = (own, left) if own == "int" else (left, own)
    return TypeError(f"unsupported types for {name}: '{pair[0]}', '{pair[1]}'")


def _direct(name: str, host: Any) -> Callable[[Any, Any], Any]:
    operator = getattr(host, f"__{name}__")

    def operate(self: Any, other: Any) -> Any:
        if type(type(other)) is MpClass and isinstance(other, (int, float)):
            own = "int" if isinstance(other, int) else "float"
            left = int(self) if isinstance(self, int) else float(self)
            raise _refused(name, left, own)
        return operator(self, other)

    return operate


def _reversed(name: str, own: str) -> Callable[[Any, Any], Any]:
    def operate(self: Any, other: Any) -> Any:
        if not isinstance(other, (int, float)):
            return NotImplemented
        raise _refused(name, other, own)

    return operate


def _number_operators(host: Any) -> Attributes:
    own = "int" if issubclass(host, int) else "float"
    made: Attributes = {}
    for name in _ARITHMETIC:
        if hasattr(host, f"__{name}__"):
            made[f"__{name}__"] = _direct(name, host)
            made[f"__r{name}__"] = _reversed(name, own)
    return made


def exception_args(error: BaseException) -> tuple[Any, ...]:
    """`error.args`; the host keeps the third argument of an OSError elsewhere."""
    if isinstance(error, OSError) and error.filename is not None:
        return (*error.args, error.filename)
    return error.args
