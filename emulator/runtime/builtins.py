"""The built-in functions and types (manual 1.1.3)."""

from __future__ import annotations

import sys
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

from mpy_cross.emulator.runtime import attributes, byte_methods, functions, streams, support
from mpy_cross.emulator.runtime.arguments import check_count, native
from mpy_cross.emulator.runtime.buffers import install_buffers
from mpy_cross.emulator.runtime.collections_ import (
    DICT,
    FIXED,
    FROZENSET,
    LIST,
    SET,
    TUPLE,
    DictView,
    make_dict,
    make_sequence,
)
from mpy_cross.emulator.runtime.errors import (
    GeneratorClosed,
    ProgramException,
    ViperTypeError,
)
from mpy_cross.emulator.runtime.generators import GENERATOR
from mpy_cross.emulator.runtime.integers import (
    INT,
    complex_attributes,
    complex_constructor,
    float_constructor,
    make_int,
)
from mpy_cross.emulator.runtime.program import Code
from mpy_cross.emulator.runtime.sets import FrozenSet, Set
from mpy_cross.emulator.runtime.strings import (
    bytes_attributes,
    make_bytes,
    str_attributes,
    str_constructor,
)
from mpy_cross.emulator.runtime.types import (
    BY_HOST,
    MARK,
    BuiltinType,
    FixedDict,
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
    check_count(args, 1, 3)
    raise TypeError("type takes 1 or 3 arguments")


def make_object(*args: Any, **kwargs: Any) -> Instance:
    """`object()`."""
    check_count(args, 0, 0, kwargs)
    return Instance()


def make_super(*args: Any, **kwargs: Any) -> Super:
    """`super(cls, obj)`."""
    check_count(args, 2, 2, kwargs)
    return Super(*args)


def make_bool(*args: Any, **kwargs: Any) -> bool:
    """`bool(...)`."""
    check_count(args, 0, 1, kwargs)
    return bool(*args)


def caller_globals() -> dict[str, Any]:
    """The globals of the function of the program that is running."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(MARK):
            return frame.f_globals
        if frame.f_code in support.HOST_FRAMES:
            return support.HOST_FRAMES[frame.f_code](frame)[0]  # type: ignore[no-any-return]
        frame = frame.f_back  # type: ignore[assignment]
    return {}


def caller_locals() -> dict[str, Any]:
    """`locals()`: the names of a class body; else those of the module (manual 3.7.13)."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(MARK):
            names = frame.f_locals.get("n\u00b7")
            return frame.f_globals if names is None else names
        if frame.f_code in support.HOST_FRAMES:
            return support.HOST_FRAMES[frame.f_code](frame)[1]  # type: ignore[no-any-return]
        frame = frame.f_back  # type: ignore[assignment]
    return {}


def install_types(names: dict[str, Any]) -> None:
    """The types that do not depend on the board."""
    names["object"] = builtin_type(
        "object",
        object,
        make_object,
        {
            "__init__": lambda self, *args: None,
            "__new__": attributes.new_instance,
            "__setattr__": attributes.plain_set,
            "__delattr__": attributes.plain_delete,
        },
    )
    names["type"] = builtin_type("type", type, make_type, None, MpClass, BuiltinType)
    names["bool"] = builtin_type("bool", bool, make_bool)
    names["list"] = builtin_type("list", list, make_sequence(list), LIST)
    names["tuple"] = builtin_type("tuple", tuple, make_sequence(tuple), TUPLE)
    names["dict"] = builtin_type("dict", dict, make_dict, DICT)
    builtin_type("dict", FixedDict, None, FIXED)
    names["set"] = builtin_type("set", Set, make_sequence(Set), SET)
    names["frozenset"] = builtin_type("frozenset", FrozenSet, make_sequence(FrozenSet), FROZENSET)
    parts: dict[str, Any] = {
        "start": Getter(lambda self: self.start),
        "stop": Getter(lambda self: self.stop),
        "step": Getter(lambda self: self.step),
    }
    names["range"] = builtin_type("range", range, functions.make_range, dict(parts))
    names["slice"] = builtin_type(
        "slice", slice, None, {**parts, "indices": lambda self, n: self.indices(n)}
    )
    names["map"] = builtin_type("map", map, functions.make_map)
    names["filter"] = builtin_type("filter", filter, functions.make_filter)
    names["zip"] = builtin_type("zip", zip, functions.make_zip)
    names["enumerate"] = builtin_type("enumerate", enumerate, functions.make_enumerate)
    names["reversed"] = builtin_type("reversed", reversed, functions.make_reversed)
    names["super"] = builtin_type("super", Super, make_super)
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
    builtin_type(
        "dict_view", DictView, None, None, type({}.keys()), type({}.values()), type({}.items())
    )
    samples: tuple[Any, ...] = ([], (), {}, "", b"", range(0), {}.items(), {}.values())
    iterator_types = [type(iter(x)) for x in (*samples, range(1 << 70), "\u0100")]
    step = {"__next__": functions.next_}
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
        functions.abs_,
        functions.all_,
        functions.any_,
        functions.bin_,
        functions.callable_,
        functions.chr_,
        functions.delattr_,
        functions.divmod_,
        functions.getattr_,
        functions.hasattr_,
        functions.hash_,
        functions.hex_,
        functions.input_,
        functions.isinstance_,
        functions.issubclass_,
        functions.len_,
        functions.max_,
        functions.min_,
        functions.next_,
        functions.oct_,
        functions.ord_,
        functions.pow_,
        functions.round_,
        functions.setattr_,
        functions.sorted_,
        functions.sum_,
    ):
        names[function.__name__.rstrip("_")] = native(function)
    names["iter"] = native(functions.iter_builtin)
    names["globals"] = caller_globals
    names["locals"] = caller_locals
    if not runtime.release.next_default:
        names["next"] = native(functions.next_only)
    names["id"] = native(functions.id_)
    names["__build_class__"] = support.build_class
    _install_text(runtime)
    install_buffers(runtime)
    byte_methods.install(runtime)
    _install_code(runtime)


def _install_text(runtime: Runtime) -> None:
    names = runtime.builtins
    printer = runtime.printer

    def print_(
        *args: Any, sep: Any = " ", end: Any = "\n", file: Any = None, **others: Any
    ) -> None:
        if others:
            raise TypeError("extra keyword arguments given")
        for option in (sep, end):
            if not isinstance(option, str):
                raise TypeError(f"can't convert '{type_name(option)}' object to str implicitly")
        pieces = [printer.text(arg) for arg in args]
        if file is None or file is runtime.stdout:
            runtime.write(sep.join(pieces) + end)
        else:
            streams.print_to(file, pieces, sep, end)

    def repr_(x: Any, /) -> str:
        return printer.representation(x)

    def dir_(*args: Any) -> list[str]:
        check_count(args, 0, 1)
        if not args:
            return sorted(caller_locals())
        return directory(args[0])

    names["print"] = print_
    names["repr"] = native(repr_)
    names["dir"] = dir_
    single = runtime.float_type
    names["int"] = builtin_type("int", int, make_int, INT)
    names["float"] = builtin_type("float", single, float_constructor(single), None, float)
    names["complex"] = builtin_type(
        "complex", complex, complex_constructor(single), complex_attributes(single)
    )
    names["str"] = builtin_type("str", str, str_constructor(runtime), str_attributes(runtime))
    names["bytes"] = builtin_type("bytes", bytes, make_bytes, bytes_attributes(runtime))


SHOWN = frozenset(("__del__", "__enter__", "__exit__", "__next__"))
"""Special methods that `dir()` shows of built-in classes."""
OF_TYPES = ("__bases__", "__dict__", "__name__")


def _is_inner(name: str) -> bool:
    """Is this the host's part of a built-in class?"""
    return (name.startswith("_") and name not in SHOWN) or name == "type_name"


def directory(obj: Any) -> list[str]:
    """`dir(obj)`."""
    if isinstance(obj, Instance):
        own = attributes.lookup(type(obj), "__dir__")
        if not attributes.is_missing(own):
            return own(obj)  # type: ignore[no-any-return]
    out: set[str] = set()
    if isinstance(obj, Module):
        return sorted(obj.__dict__)
    cls = obj if isinstance(obj, MpClass) else type(obj)
    if type(cls) is MpClass:
        for base in cls.__mro__:
            if isinstance(base, MpClass) and base not in (Instance, HostObject):
                own = issubclass(base, Instance)  # a class of the program
                out.update(
                    k for k in base.__dict__
                    if not attributes.is_host_name(k) and (own or not _is_inner(k))
                )
                out.update(base.hidden_)
            else:
                known = BY_HOST.get(base)
                if known is not None and base is not object:
                    out.update(known.attributes)
        if isinstance(obj, MpClass):
            out.update(OF_TYPES)
        elif isinstance(obj, Instance):
            out.update(obj.__dict__)
            out.add("__dict__")
        else:
            names = getattr(obj, "__dict__", {})
            out.update(name for name in names if not _is_inner(name))
        out.add("__class__")
        return sorted(out)
    core = obj if isinstance(obj, BuiltinType) else builtin_of(obj)
    if core is not None and (core.host is not object or core is obj):
        out.update(core.attributes)
    if isinstance(obj, (BuiltinType, type)):
        out.update(OF_TYPES)
    elif isinstance(obj, BaseException):
        out.update(("args", "errno", "value"))
    elif isinstance(obj, FunctionType) and obj.__code__.co_filename.startswith(MARK):
        out.update(("__globals__", "__name__"))
    out.add("__class__")
    return sorted(out)


EVAL_NAME = "eval\u00b7"


def _assigned(source: bytes) -> bytes:
    """An expression, as a statement that keeps its value.  Raises SyntaxError."""
    if not source.replace(b"\\\n", b"").strip():
        raise SyntaxError("invalid syntax")
    head = EVAL_NAME.encode() + b" = "
    # In parentheses an assignment is no expression; outside of them `:=` is none.
    return head + (source.strip() if b":=" in source else b"(" + source.strip() + b"\n)")


def _install_code(runtime: Runtime) -> None:
    names = runtime.builtins

    def source_of(text: Any) -> bytes:
        if isinstance(text, str):
            return text.encode("utf-8", "surrogateescape")
        return bytes(text)

    def compiled(text: Any, name: str, mode: str) -> CodeObject:
        source = source_of(text)
        if mode == "eval":
            source = _assigned(source)
        if mode == "single" and not source:
            raise SyntaxError("invalid syntax")
        form = "single" if mode == "single" else "exec"
        return CodeObject(runtime.compile(source, name, form), mode)

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

    def repl_print(value: Any, /) -> None:
        if value is not None:
            runtime.write(runtime.printer.representation(value) + "\n")
            names["_"] = value

    def exec_(code: Any, *args: Any) -> None:
        if not isinstance(code, CodeObject):
            code = compiled(code, "<string>", "exec")
        execute(code, args)

    def eval_(code: Any, *args: Any) -> Any:
        if not isinstance(code, CodeObject):
            code = compiled(code, "<string>", "eval")
        return execute(code, args)

    names["__repl_print__"] = native(repl_print)
    names["compile"] = compile_
    names["exec"] = exec_
    names["eval"] = eval_
