"""The built-in functions and types (manual 1.1.3)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import (
    BuiltinFunctionType,
    EllipsisType,
    FunctionType,
    GeneratorType,
    MethodType,
    NoneType,
    NotImplementedType,
)
from typing import TYPE_CHECKING, Any, final

from mpy_cross.emulator.runtime import attributes, support
from mpy_cross.emulator.runtime.collections_ import (
    DICT,
    FROZENSET,
    LIST,
    SET,
    TUPLE,
    make_dict,
    make_sequence,
)
from mpy_cross.emulator.runtime.errors import (
    GeneratorClosed,
    ProgramException,
    ViperTypeError,
)
from mpy_cross.emulator.runtime.generators import GENERATOR
from mpy_cross.emulator.runtime.program import Code
from mpy_cross.emulator.runtime.types import (
    BY_HOST,
    MARK,
    BuiltinType,
    Getter,
    HostObject,
    Instance,
    Module,
    MpClass,
    Super,
    builtin_of,
    builtin_type,
    new_class,
    type_name,
)

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.runtime import Runtime

_MISSING: Any = object()

EXCEPTIONS: tuple[type[BaseException], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    Exception,
    ImportError,
    IndentationError,
    IndexError,
    KeyError,
    KeyboardInterrupt,
    LookupError,
    MemoryError,
    NameError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    StopAsyncIteration,
    StopIteration,
    SyntaxError,
    SystemExit,
    TypeError,
    UnicodeError,
    ValueError,
    ZeroDivisionError,
)


@final
class CodeObject(HostObject):
    """What `compile()` gives."""

    type_name = "code"

    def __init__(self, code: Code, mode: str) -> None:
        self._code = code
        self._mode = mode


# ------------------------------------------------------------------------------ plain functions


def abs_(x: Any) -> Any:
    if isinstance(x, (int, float, complex)) or hasattr(x, "__abs__"):
        return abs(x)
    raise TypeError(f"unsupported type for __abs__: '{type_name(x)}'")


def all_(iterable: Any) -> bool:
    return all(support.iter_(iterable))


def any_(iterable: Any) -> bool:
    return any(support.iter_(iterable))


def _integer(x: Any) -> int:
    if isinstance(x, int):
        return int(x)
    raise TypeError(f"can't convert {type_name(x)} to int")


def bin_(x: Any) -> str:
    return bin(_integer(x))


def oct_(x: Any) -> str:
    return oct(_integer(x))


def hex_(x: Any) -> str:
    return hex(_integer(x))


def callable_(x: Any) -> bool:
    if type(type(x)) is MpClass:
        return callable(x)
    return callable(x)


def chr_(x: Any) -> str:
    value = _integer(x)
    if not 0 <= value < 0x110000:
        raise ValueError("chr() arg not in range(0x110000)")
    return chr(value)


def ord_(x: Any) -> int:
    if isinstance(x, (str, bytes)) or hasattr(x, "__len__"):
        if not isinstance(x, (str, bytes)) and type_name(x) != "bytearray":
            raise TypeError("ord expects a character")
        if len(x) != 1:
            raise TypeError(f"ord() expected a character, but string of length {len(x)} found")
        return ord(x) if isinstance(x, (str, bytes)) else int(x[0])
    raise TypeError("ord expects a character")


def delattr_(obj: Any, name: str) -> None:
    attributes.del_attribute(obj, name)


def getattr_(obj: Any, name: Any, *default: Any) -> Any:
    if not isinstance(name, str):
        raise TypeError(f"can't convert '{type_name(name)}' object to str implicitly")
    try:
        return attributes.attribute(obj, name)
    except AttributeError:
        if default:
            return default[0]
        raise


def hasattr_(obj: Any, name: Any) -> bool:
    if not isinstance(name, str):
        raise TypeError(f"can't convert '{type_name(name)}' object to str implicitly")
    try:
        attributes.attribute(obj, name)
    except AttributeError:
        return False
    return True


def setattr_(obj: Any, name: Any, value: Any) -> None:
    if not isinstance(name, str):
        raise TypeError(f"can't convert '{type_name(name)}' object to str implicitly")
    attributes.set_attribute(obj, name, value)


def divmod_(a: Any, b: Any) -> Any:
    return divmod(a, b)


def hash_(x: Any) -> int:
    if isinstance(x, (MpClass, BuiltinType, Module)):
        return id(x) >> 4
    return hash(x)


def instance_check(obj: Any, cls: Any) -> bool:
    """`isinstance(obj, cls)` for one class; bool is not an int."""
    if type(cls) is BuiltinType:
        if cls.host is object:
            return True
        if type(obj) is bool:
            return cls.host is bool
        known = BY_HOST.get(type(obj))
        if known is not None:
            return known is cls or (isinstance(obj, cls.host) and known.host is not bool)
        return isinstance(obj, cls.host)
    if cls is ProgramException:
        return isinstance(obj, BaseException)
    return isinstance(obj, cls)


def _classes(wanted: Any) -> tuple[Any, ...]:
    classes = wanted if type(wanted) is tuple else (wanted,)
    for cls in classes:
        if not isinstance(cls, (BuiltinType, type)):
            raise TypeError("issubclass() arg 2 must be a class or a tuple of classes")
    return classes


def isinstance_(obj: Any, wanted: Any) -> bool:
    return any(instance_check(obj, cls) for cls in _classes(wanted))


def issubclass_(cls: Any, wanted: Any) -> bool:
    classes = _classes(wanted)
    if not isinstance(cls, (BuiltinType, type)):
        raise TypeError("issubclass() arg 1 must be a class")
    for other in classes:
        if cls is other:
            return True
        if type(other) is BuiltinType:
            if other.host is object:
                return True
            if type(cls) is MpClass and issubclass(cls, other.host):
                return True
        elif isinstance(cls, type) and issubclass(
            cls, BaseException if other is ProgramException else other
        ):
            return True
    return False


def len_(x: Any) -> int:
    try:
        return len(x)
    except TypeError as error:
        if "has no len()" in str(error):
            raise TypeError(f"object of type '{type_name(x)}' has no len()") from None
        raise


def _extreme(pick: Callable[..., Any], args: tuple[Any, ...], key: Any, default: Any) -> Any:
    options = {} if key is None else {"key": key}
    if len(args) == 1:
        items = list(support.iter_(args[0]))
        if not items:
            if default is not _MISSING:
                return default
            raise ValueError("arg is an empty sequence")
        return pick(items, **options)
    if not args:
        raise TypeError("function missing 1 required positional arguments")
    return pick(args, **options)


def max_(*args: Any, key: Any = None, default: Any = _MISSING) -> Any:
    return _extreme(max, args, key, default)


def min_(*args: Any, key: Any = None, default: Any = _MISSING) -> Any:
    return _extreme(min, args, key, default)


def next_(iterator: Any, *default: Any) -> Any:
    cls = type(iterator)
    if not hasattr(cls, "__next__"):
        raise TypeError(f"'{type_name(iterator)}' object isn't an iterator")
    try:
        return cls.__next__(iterator)
    except StopIteration:
        if default:
            return default[0]
        raise


def pow_(base: Any, exponent: Any, *modulus: Any) -> Any:
    if modulus:
        if not all(isinstance(x, int) for x in (base, exponent, modulus[0])):
            raise TypeError("pow() with 3 arguments requires integers")
        if modulus[0] == 0:
            raise ValueError("divide by zero")
        return pow(base, exponent, modulus[0])
    return support.power(base, exponent)


def round_(x: Any, digits: Any = _MISSING) -> Any:
    if isinstance(x, int):
        if digits is _MISSING or digits >= 0:
            return int(x)
        return round(x, digits)
    if not isinstance(x, float):
        raise TypeError(f"can't convert {type_name(x)} to float")
    if digits is _MISSING:
        return round(x)
    scale = 10.0**digits
    return type(x)(round(x * scale) / scale)


def sorted_(iterable: Any, *, key: Any = None, reverse: Any = False) -> list[Any]:
    return sorted(support.iter_(iterable), key=key, reverse=bool(reverse))


def sum_(iterable: Any, start: Any = 0) -> Any:
    for item in support.iter_(iterable):
        start = start + item
    return start


def input_(prompt: str = "") -> str:
    raise EOFError


# ------------------------------------------------------------------------------------ iterators


def _make_map(function: Any, *iterables: Any) -> Any:
    if not iterables:
        raise TypeError("function missing 1 required positional arguments")
    return map(function, *[support.iter_(one) for one in iterables])


def _make_filter(function: Any, iterable: Any) -> Any:
    return filter(function, support.iter_(iterable))


def _make_zip(*iterables: Any) -> Any:
    return zip(*[support.iter_(one) for one in iterables], strict=False)


def _make_enumerate(iterable: Any = _MISSING, start: int = 0) -> Any:
    if iterable is _MISSING:
        raise TypeError("'iterable' argument required")
    return enumerate(support.iter_(iterable), start)


def _make_reversed(sequence: Any) -> Iterator[Any]:
    own = getattr(type(sequence), "__reversed__", None)
    if own is not None and type(type(sequence)) is MpClass:
        return own(sequence)  # type: ignore[no-any-return]
    size = len_(sequence)
    return (
        reversed(sequence)
        if isinstance(sequence, (list, tuple, str, bytes, range))
        else iter([sequence[i] for i in range(size - 1, -1, -1)])
    )


def _make_range(*args: Any) -> range:
    for arg in args:
        if not isinstance(arg, int):
            raise TypeError(f"can't convert {type_name(arg)} to int")
    if len(args) == 3 and args[2] == 0:
        raise ValueError("zero step")
    return range(*args)


def iter_builtin(obj: Any) -> Any:
    own = type(obj)
    if type(own) is MpClass:
        found = getattr(own, "__iter__", None)
        if found is not None:
            return found(obj)
        if not hasattr(own, "__getitem__"):
            raise TypeError(f"'{type_name(obj)}' object isn't iterable")
    return support.iter_(obj)


# -------------------------------------------------------------------------------------- install


def make_type(*args: Any) -> Any:
    """`type(obj)`, `type(name, bases, names)`."""
    if len(args) == 1:
        return attributes.visible_type(args[0])
    if len(args) == 3:
        if (
            not isinstance(args[0], str)
            or not isinstance(args[1], tuple)
            or not isinstance(args[2], dict)
        ):
            raise TypeError("type takes 1 or 3 arguments")
        return new_class(*args)
    raise TypeError("type takes 1 or 3 arguments")


def caller_globals() -> dict[str, Any]:
    """The globals of the function of the program that is running."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(MARK):
            return frame.f_globals
        frame = frame.f_back  # type: ignore[assignment]
    return {}


def caller_locals() -> dict[str, Any]:
    """`locals()`: the names of a class body; else those of the module (manual 3.7.13)."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(MARK):
            names = frame.f_locals.get("n\u00b7")
            return frame.f_globals if names is None else names
        frame = frame.f_back  # type: ignore[assignment]
    return {}


def install_types(names: dict[str, Any]) -> None:
    """The types that do not depend on the board."""
    names["object"] = builtin_type(
        "object",
        object,
        lambda *args: Instance(),
        {
            "__init__": lambda self, *args: None,
            "__new__": attributes.new_instance,
            "__setattr__": attributes.plain_set,
            "__delattr__": attributes.plain_delete,
        },
    )
    names["type"] = builtin_type("type", type, make_type, None, MpClass, BuiltinType)
    names["bool"] = builtin_type("bool", bool, bool)
    names["list"] = builtin_type("list", list, make_sequence(list), LIST)
    names["tuple"] = builtin_type("tuple", tuple, make_sequence(tuple), TUPLE)
    names["dict"] = builtin_type("dict", dict, make_dict, DICT)
    names["set"] = builtin_type("set", set, make_sequence(set), SET)
    names["frozenset"] = builtin_type("frozenset", frozenset, make_sequence(frozenset), FROZENSET)
    parts: dict[str, Any] = {
        "start": Getter(lambda self: self.start),
        "stop": Getter(lambda self: self.stop),
        "step": Getter(lambda self: self.step),
    }
    names["range"] = builtin_type("range", range, _make_range, dict(parts))
    names["slice"] = builtin_type(
        "slice", slice, None, {**parts, "indices": lambda self, n: self.indices(n)}
    )
    names["map"] = builtin_type("map", map, _make_map)
    names["filter"] = builtin_type("filter", filter, _make_filter)
    names["zip"] = builtin_type("zip", zip, _make_zip)
    names["enumerate"] = builtin_type("enumerate", enumerate, _make_enumerate)
    names["reversed"] = builtin_type("reversed", reversed, _make_reversed)
    names["super"] = builtin_type("super", Super, Super)
    names["property"] = builtin_type(
        "property",
        property,
        property,
        {
            "getter": lambda self, f: self.getter(f),
            "setter": lambda self, f: self.setter(f),
            "deleter": lambda self, f: self.deleter(f),
        },
    )
    names["staticmethod"] = builtin_type("staticmethod", staticmethod, staticmethod)
    names["classmethod"] = builtin_type("classmethod", classmethod, classmethod)
    builtin_type("function", FunctionType, None, None, BuiltinFunctionType, type(list.append))
    builtin_type("bound_method", MethodType)
    builtin_type("generator", GeneratorType, None, GENERATOR)
    builtin_type("module", Module)
    builtin_type("NoneType", NoneType)
    builtin_type("", EllipsisType, None, None, NotImplementedType)
    builtin_type("dict_view", type({}.keys()), None, None, type({}.values()), type({}.items()))
    samples: tuple[Any, ...] = ([], (), {}, set(), "", b"", range(0), {}.items(), {}.values())
    iterator_types = [type(iter(x)) for x in (*samples, range(1 << 70), "\u0100")]
    step = {"__next__": next_}
    builtin_type("iterator", iterator_types[0], None, step, *iterator_types[1:])
    builtin_type("iterator", support.ForeignIterator, None, step)


def install(runtime: Runtime) -> None:
    """Give the run-time its built-in names."""
    names = runtime.builtins
    for error in (*EXCEPTIONS, ViperTypeError):
        names[error.__name__] = error
    names["GeneratorExit"] = GeneratorClosed
    names["BaseException"] = ProgramException
    names["Ellipsis"] = ...
    names["NotImplemented"] = NotImplemented
    names["__debug__"] = True
    install_types(names)
    for function in (
        abs_,
        all_,
        any_,
        bin_,
        callable_,
        chr_,
        delattr_,
        divmod_,
        getattr_,
        hasattr_,
        hash_,
        hex_,
        input_,
        isinstance_,
        issubclass_,
        len_,
        max_,
        min_,
        next_,
        oct_,
        ord_,
        pow_,
        round_,
        setattr_,
        sorted_,
        sum_,
    ):
        names[function.__name__.rstrip("_")] = function
    names["iter"] = iter_builtin
    names["globals"] = caller_globals
    names["locals"] = caller_locals
    names["id"] = lambda x: id(x) >> 4
    _install_text(runtime)
    _install_code(runtime)
    support.BUILTINS = names


def _install_text(runtime: Runtime) -> None:
    names = runtime.builtins
    printer = runtime.printer

    def print_(*args: Any, sep: Any = " ", end: Any = "\n", file: Any = None) -> None:
        for option in (sep, end):
            if not isinstance(option, str):
                raise TypeError(f"can't convert '{type_name(option)}' object to str implicitly")
        text = sep.join([printer.text(arg) for arg in args]) + end
        if file is None or file is runtime.stdout:
            runtime.write(text)
        else:
            attributes.attribute(file, "write")(text)

    def repr_(x: Any) -> str:
        return printer.representation(x)

    def dir_(*args: Any) -> list[str]:
        if not args:
            return sorted(caller_locals())
        return directory(args[0])

    names["print"] = print_
    names["repr"] = repr_
    names["dir"] = dir_
    names["int"] = builtin_type("int", int, int)
    names["str"] = builtin_type("str", str, printer.text)
    names["float"] = builtin_type("float", float, float)
    names["bytes"] = builtin_type("bytes", bytes, bytes)
    names["complex"] = builtin_type("complex", complex, complex)


def directory(obj: Any) -> list[str]:
    """`dir(obj)`."""
    out: set[str] = set()
    if isinstance(obj, Module):
        return sorted(obj.__dict__)
    cls = obj if isinstance(obj, MpClass) else type(obj)
    if type(cls) is MpClass:
        for base in cls.__mro__:
            if isinstance(base, MpClass) and base not in (Instance, HostObject):
                out.update(k for k in base.__dict__ if not attributes.is_host_name(k))
                out.update(base.hidden)
            else:
                known = BY_HOST.get(base)
                if known is not None and base is not object:
                    out.update(known.attributes)
        if not isinstance(obj, MpClass):
            out.update(getattr(obj, "__dict__", {}))
        out.add("__class__")
        return sorted(out)
    core = obj if isinstance(obj, BuiltinType) else builtin_of(obj)
    if core is not None:
        out.update(core.attributes)
    out.add("__class__")
    return sorted(out)


EVAL_NAME = "eval\u00b7"


def _install_code(runtime: Runtime) -> None:
    names = runtime.builtins

    def source_of(text: Any) -> bytes:
        if isinstance(text, str):
            return text.encode("utf-8", "surrogateescape")
        return bytes(text)

    def compiled(text: Any, name: str, mode: str) -> CodeObject:
        source = source_of(text)
        if mode == "eval":
            source = EVAL_NAME.encode() + b" = (" + source.strip() + b"\n)"
        return CodeObject(runtime.compile(source, name), mode)

    def compile_(source: Any, name: str, mode: str, *flags: Any) -> CodeObject:
        if mode not in ("exec", "eval", "single"):
            raise ValueError("bad compile mode")
        return compiled(source, name, mode)

    def execute(code: CodeObject, args: tuple[Any, ...]) -> Any:
        module, local = caller_globals(), caller_locals()
        for i, space in enumerate(args[:2]):
            if space is None:
                continue
            if not isinstance(space, dict):
                raise TypeError("globals and locals must be dictionaries")
            local = space
            if i == 0:
                module = space
        runtime.execute(code._code, module, local)
        return local.pop(EVAL_NAME, None) if code._mode == "eval" else None

    def exec_(code: Any, *args: Any) -> None:
        if not isinstance(code, CodeObject):
            code = compiled(code, "<string>", "exec")
        execute(code, args)

    def eval_(code: Any, *args: Any) -> Any:
        if not isinstance(code, CodeObject):
            code = compiled(code, "<string>", "eval")
        return execute(code, args)

    names["compile"] = compile_
    names["exec"] = exec_
    names["eval"] = eval_
