"""`obj.name`: loading, storing and deleting attributes, as translated code does it."""

from __future__ import annotations

from types import FunctionType, MethodType
from typing import Any, Final

from mpy_cross.emulator.runtime.errors import ProgramException
from mpy_cross.emulator.runtime.facts import LANGUAGE
from mpy_cross.emulator.runtime.types import (
    BY_HOST,
    SPECIAL,
    BuiltinType,
    Cell,
    ClassMethod,
    FixedDict,
    Getter,
    HostObject,
    Instance,
    Module,
    MpClass,
    Static,
    Super,
    bind,
    builtin_of,
    class_name,
    exception_args,
    type_name,
)

_MISSING: Any = object()
_MACHINE_CODE: Final = ("NativeFunction", "NativeGeneratorFunction", "NativeClosure")


def visible_type(obj: Any) -> Any:
    """`type(obj)` as the program sees it."""
    cls = type(obj)
    known = BY_HOST.get(cls)
    if known is not None:
        return known
    if isinstance(cls, MpClass):
        return cls
    if issubclass(cls, BaseException):
        # The host makes FileNotFoundError and the like of OSError(2, text).
        return OSError if issubclass(cls, OSError) and cls.__module__ == "builtins" else cls
    return builtin_of(obj) or cls


def no_attribute(obj: Any, name: str) -> AttributeError:
    """The error for an attribute that is not there."""
    if isinstance(obj, (MpClass, BuiltinType, type)):
        return AttributeError(f"type object '{class_name(obj)}' has no attribute '{name}'")
    return AttributeError(f"'{type_name(obj)}' object has no attribute '{name}'")


def attribute(obj: Any, name: str) -> Any:
    """`obj.name`."""
    cls = type(obj)
    if type(cls) is MpClass:
        if name[:2] != "__":
            try:
                return getattr(obj, name)
            except AttributeError as error:
                if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
                    raise  # from a property or __getattr__ of the program
                found = _native_attribute(obj, cls, name)
                if found is _MISSING:
                    raise no_attribute(obj, name) from None
                return found
        return _special_of_instance(obj, cls, name)
    if cls is Module:
        try:
            return obj.__dict__[name]
        except KeyError:
            return _module_attribute(obj, name)
    known = BY_HOST.get(cls)
    if known is not None:
        entry = known.attributes.get(name, _MISSING)
        if entry is not _MISSING:
            return bind(entry, obj, known)
    if cls is MpClass:
        return _class_attribute(obj, name)
    return _builtin_attribute(obj, name)


method = attribute
"""`obj.name` that is about to be called."""


def attribute_or(obj: Any, name: str, default: Any) -> Any:
    """`getattr(obj, name, default)`."""
    try:
        return attribute(obj, name)
    except AttributeError:
        return default


def _module_attribute(module: Module, name: str) -> Any:
    if name == "__class__":
        return visible_type(module)
    if name == "__dict__":
        return module.__dict__
    getter = module.__dict__.get("__getattr__")
    if getter is not None:
        return getter(name)
    raise AttributeError(f"'module' object has no attribute '{name}'")


def _builtin_attribute(obj: Any, name: str) -> Any:
    if type(obj) is Super:
        return super_attribute(obj.cls, obj.obj, name)
    if isinstance(obj, BuiltinType):
        entry = obj.attributes.get(name, _MISSING)
        if entry is not _MISSING:
            own = isinstance(entry, (Static, ClassMethod))
            return bind(entry, None, obj) if own else entry
        if name == "__name__":
            return obj.name
        if name == "__bases__":
            return () if obj.host is object else (BY_HOST[object],)
        if name == "__dict__":
            return FixedDict(obj.attributes)
    elif isinstance(obj, type):
        if name == "__name__":
            return obj.__name__
        if name == "__bases__":
            bases = obj.__bases__
            if bases == (BaseException,):
                return (ProgramException,)
            return tuple([BY_HOST.get(base, base) for base in bases])
        if name == "__dict__":
            return FixedDict()
    elif isinstance(obj, BaseException):
        return exception_attribute(obj, name)
    elif isinstance(obj, MethodType) and name == "__name__":
        called: Any = obj.__func__
        kind = type(called).__name__
        return attribute(called, name) if kind in _MACHINE_CODE else called.__name__
    elif isinstance(obj, FunctionType):
        if name == "__name__":
            return function_name(obj)
        if name == "__globals__":
            return obj.__globals__
    elif LANGUAGE[0].native_attributes and type(obj).__name__ in _MACHINE_CODE:
        function = obj.function if type(obj).__name__ == "NativeClosure" else obj
        if name == "__name__":
            return function.name if LANGUAGE[0].native_names else ""
        if name == "__globals__":
            return function.module
    known = builtin_of(obj)
    if known is not None:
        entry = known.attributes.get(name, _MISSING)
        if entry is not _MISSING:
            return bind(entry, obj, known)
    if name == "__class__":
        return visible_type(obj)
    raise no_attribute(obj, name)


def function_name(function: FunctionType) -> str:
    """The name of a function, which the host could not always take as an identifier."""
    return function.__name__


def exception_attribute(obj: BaseException, name: str) -> Any:
    """Attributes of the built-in exceptions; all have `value` and `errno` (manual 3.8.1)."""
    if name == "args":
        return exception_args(obj)
    if name == "value" or (name == "errno" and isinstance(obj, OSError)):
        return obj.args[0] if obj.args else None
    if name == "errno":
        return obj.args[0] if obj.args else None
    if name == "__class__":
        return visible_type(obj)
    raise no_attribute(obj, name)


def _native_attribute(obj: Any, cls: Any, name: str) -> Any:
    """An attribute that an instance has from a core type that its class derives from."""
    for base in cls.__mro__:
        known = BY_HOST.get(base)
        if known is not None and base is not object:
            entry = known.attributes.get(name, _MISSING)
            if entry is not _MISSING:
                return bind(entry, obj, known)
    if isinstance(obj, BaseException):
        try:
            return exception_attribute(obj, name)
        except AttributeError:
            pass
    return _MISSING


def lookup(cls: Any, name: str) -> Any:
    """What a class has under a name, not bound; `_MISSING` if nothing."""
    for base in cls.__mro__:
        if base is object:
            continue
        if base.__dict__.get(name, _MISSING) is not _MISSING and base not in (Instance, HostObject):
            return base.__dict__[name]
        if isinstance(base, MpClass):
            found = base.hidden_.get(name, _MISSING)
            if found is not _MISSING:
                return found
        else:
            known = BY_HOST.get(base)
            if known is not None and name in known.attributes:
                return known.attributes[name]
    return _MISSING


def is_missing(value: Any) -> bool:
    """Whether `lookup` has found nothing."""
    return value is _MISSING


def _special_of_instance(obj: Any, cls: Any, name: str) -> Any:
    if name == "__class__":
        return cls
    own = getattr(obj, "__dict__", {})
    if name == "__dict__":
        return FixedDict(own)
    if name in own:
        return own[name]
    found = lookup(cls, name)
    if found is not _MISSING:
        if hasattr(found, "__get__") and not isinstance(found, type):
            return found.__get__(obj, cls)
        return bind(found, obj, cls) if type(found).__module__ == __name__ else found
    native = _native_attribute(obj, cls, name)
    if native is not _MISSING:
        return native
    getter = lookup(cls, "__getattr__")
    if getter is not _MISSING:
        return getter(obj, name)
    if name == "__init__" or name == "__new__":
        if isinstance(obj, BaseException):
            return getattr(obj, name)
        return getattr(obj, name)
    raise no_attribute(obj, name)


def _class_attribute(cls: MpClass, name: str) -> Any:
    found = lookup(cls, name)
    if found is not _MISSING:
        if isinstance(found, (staticmethod, classmethod)):
            return found.__get__(None, cls)
        if isinstance(found, ClassMethod):
            return MethodType(found.function, cls)
        if isinstance(found, Static):
            return found.value
        return found
    if name == "__name__":
        return class_name(cls)
    if name == "__bases__":
        return visible_bases(cls)
    if name == "__class__":
        return BY_HOST[type]
    if name == "__dict__":
        return FixedDict(
            {**cls.hidden_, **{k: v for k, v in cls.__dict__.items() if not is_host_name(k)}}
        )
    raise no_attribute(cls, name)


def is_host_name(name: str) -> bool:
    """Whether the host, not the program, has put this name into a class."""
    return name in ("__dict__", "__weakref__", "__doc__", "hidden_")


def visible_bases(cls: MpClass) -> tuple[Any, ...]:
    """`cls.__bases__` as the program sees it."""
    bases = [
        BY_HOST.get(base, base) for base in cls.__bases__ if base not in (Instance, HostObject)
    ]
    return tuple(bases) or (BY_HOST[object],)


def super_attribute(cls: Any, obj: Any, name: str) -> Any:
    """`super().name` inside a class: the first base that has it, bases depth first.

    A property comes back as the object itself (manual 3.7.7).
    """
    if type(cls) is Cell:
        cls = cls.value
    if not isinstance(cls, type):
        raise TypeError("first argument to super must be type")
    for base in cls.__bases__:
        if isinstance(base, MpClass) and base not in (Instance, HostObject):
            found = lookup(base, name)
        elif base in (Instance, HostObject):
            continue
        else:
            known = BY_HOST.get(base)
            found = known.attributes.get(name, _MISSING) if known is not None else _MISSING
            if found is _MISSING and name in ("__init__", "__new__"):
                found = getattr(base, name)
                if name == "__init__" and getattr(base, name) is getattr(object, name):
                    return _nothing
        if found is not _MISSING:
            if isinstance(found, property):
                return found
            if isinstance(found, (Getter, Static, ClassMethod)):
                return bind(found, obj, cls)
            if name == "__new__":
                return found.__func__ if isinstance(found, staticmethod) else found
            if hasattr(found, "__get__") and not isinstance(found, type):
                if isinstance(obj, type):
                    return found.__get__(None, obj)
                return found.__get__(obj, type(obj))
            return found
    if name == "__init__":
        return _nothing
    if name == "__new__":
        return new_instance
    if name == "__class__":
        return visible_type(obj)
    if name == "__setattr__":
        return _Bound(obj, plain_set)
    if name == "__delattr__":
        return _Bound(obj, plain_delete)
    if isinstance(obj, BaseException):
        return exception_attribute(obj, name)
    raise AttributeError(f"'super' object has no attribute '{name}'")


class _Bound:
    __slots__ = ("function", "obj")

    def __init__(self, obj: Any, function: Any) -> None:
        self.obj = obj
        self.function = function

    def __call__(self, *args: Any) -> Any:
        return self.function(self.obj, *args)


def plain_set(obj: Any, name: str, value: Any) -> None:
    """`object.__setattr__`."""
    object.__setattr__(obj, name, value)


def plain_delete(obj: Any, name: str) -> None:
    """`object.__delattr__`."""
    try:
        object.__delattr__(obj, name)
    except AttributeError:
        raise no_attribute(obj, name) from None


def _nothing(*args: Any, **kwargs: Any) -> None:
    """object.__init__, which takes whatever it gets."""


def new_instance(cls: Any, *args: Any, **kwargs: Any) -> Any:
    """object.__new__: an object on which nothing was initialised."""
    if not isinstance(cls, type):
        raise TypeError("argument isn't a user type")
    for base in cls.__mro__:
        if not isinstance(base, MpClass) and "__new__" in base.__dict__:
            if base is object:
                return object.__new__(cls)
            return base.__new__(cls, *args, **kwargs)
    return object.__new__(cls)


def set_attribute(obj: Any, name: str, value: Any) -> None:
    """`obj.name = value`."""
    cls = type(obj)
    if type(cls) is MpClass:
        if name[:2] == "__" and name[-2:] == "__" and name in ("__class__", "__dict__"):
            raise no_attribute(obj, name)
        try:
            setattr(obj, name, value)
        except AttributeError as error:
            if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
                raise
            raise no_attribute(obj, name) from None
        return
    if cls is Module:
        obj.__dict__[name] = value
        return
    if cls is MpClass:
        if not issubclass(obj, Instance):
            raise no_attribute(obj, name)
        if name[:2] == "__" and name[-2:] == "__" and name not in SPECIAL:
            obj.hidden_[name] = value
            return
        setattr(obj, name, value)
        return
    if name == "__traceback__" and value is None and isinstance(obj, BaseException):
        obj.__traceback__ = None
        return
    raise no_attribute(obj, name)


def del_attribute(obj: Any, name: str) -> None:
    """`del obj.name`."""
    cls = type(obj)
    if type(cls) is MpClass or cls is MpClass:
        try:
            delattr(obj, name)
        except AttributeError as error:
            if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
                raise
            raise no_attribute(obj, name) from None
        return
    if cls is Module and name in obj.__dict__:
        del obj.__dict__[name]
        return
    raise no_attribute(obj, name)
