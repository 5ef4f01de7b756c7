"""Floats of single precision: what boards without a double-precision unit have."""

from __future__ import annotations

from ctypes import c_float
from typing import Any, final

_new = float.__new__


@final
class Float32(float):
    """A float whose every result is rounded to IEEE single precision."""

    __slots__ = ()

    def __new__(cls, value: Any = 0.0) -> Float32:
        return _new(cls, c_float(value).value)

    def __add__(self, other: Any) -> Any:
        result = float.__add__(self, _operand(other))
        return result if result is NotImplemented else _new(Float32, c_float(result).value)

    def __sub__(self, other: Any) -> Any:
        result = float.__sub__(self, _operand(other))
        return result if result is NotImplemented else _new(Float32, c_float(result).value)

    def __mul__(self, other: Any) -> Any:
        result = float.__mul__(self, _operand(other))
        return result if result is NotImplemented else _new(Float32, c_float(result).value)

    def __truediv__(self, other: Any) -> Any:
        result = float.__truediv__(self, _operand(other))
        return result if result is NotImplemented else _new(Float32, c_float(result).value)

    def __floordiv__(self, other: Any) -> Any:
        result = float.__floordiv__(self, _operand(other))
        return result if result is NotImplemented else _new(Float32, c_float(result).value)

    def __mod__(self, other: Any) -> Any:
        result = float.__mod__(self, _operand(other))
        return result if result is NotImplemented else _new(Float32, c_float(result).value)

    def __divmod__(self, other: Any) -> Any:
        result: Any = float.__divmod__(self, _operand(other))
        return result if result is NotImplemented else (Float32(result[0]), Float32(result[1]))

    def __pow__(self, other: Any, modulus: None = None) -> Any:
        return _rounded(float.__pow__(self, _operand(other)))

    def __radd__(self, other: Any) -> Any:
        result = float.__radd__(self, _operand(other))
        return result if result is NotImplemented else _new(Float32, c_float(result).value)

    def __rsub__(self, other: Any) -> Any:
        result = float.__rsub__(self, _operand(other))
        return result if result is NotImplemented else _new(Float32, c_float(result).value)

    def __rmul__(self, other: Any) -> Any:
        result = float.__rmul__(self, _operand(other))
        return result if result is NotImplemented else _new(Float32, c_float(result).value)

    def __rtruediv__(self, other: Any) -> Any:
        result = float.__rtruediv__(self, _operand(other))
        return result if result is NotImplemented else _new(Float32, c_float(result).value)

    def __rfloordiv__(self, other: Any) -> Any:
        result = float.__rfloordiv__(self, _operand(other))
        return result if result is NotImplemented else _new(Float32, c_float(result).value)

    def __rmod__(self, other: Any) -> Any:
        result = float.__rmod__(self, _operand(other))
        return result if result is NotImplemented else _new(Float32, c_float(result).value)

    def __rdivmod__(self, other: Any) -> Any:
        result: Any = float.__rdivmod__(self, _operand(other))
        return result if result is NotImplemented else (Float32(result[0]), Float32(result[1]))

    def __rpow__(self, other: Any, modulus: None = None) -> Any:
        return _rounded(float.__rpow__(self, _operand(other)))

    # An int is compared as the float that it becomes, an infinity if it is too large.
    __hash__ = float.__hash__

    def __eq__(self, other: Any) -> Any:
        return float.__eq__(self, other if type(other) is Float32 else _operand(other))

    def __ne__(self, other: Any) -> Any:
        return float.__ne__(self, other if type(other) is Float32 else _operand(other))

    def __lt__(self, other: Any) -> Any:
        return float.__lt__(self, other if type(other) is Float32 else _operand(other))

    def __le__(self, other: Any) -> Any:
        return float.__le__(self, other if type(other) is Float32 else _operand(other))

    def __gt__(self, other: Any) -> Any:
        return float.__gt__(self, other if type(other) is Float32 else _operand(other))

    def __ge__(self, other: Any) -> Any:
        return float.__ge__(self, other if type(other) is Float32 else _operand(other))

    def __neg__(self) -> Float32:
        return _new(Float32, float.__neg__(self))

    def __pos__(self) -> Float32:
        return self

    def __abs__(self) -> Float32:
        return _new(Float32, float.__abs__(self))


def _operand(other: Any) -> Any:
    """The other operand: an int becomes a float first, an infinity if it is too large.

    An object of a class of the program is no operand, though its class may derive from int.
    """
    kind = type(other)
    if kind is not int:
        return other if kind is Float32 or type(kind) is type else NotImplemented
    try:
        return c_float(other).value
    except (OverflowError, TypeError):  # an int too large for a double
        return float("inf") if other > 0 else float("-inf")


def _rounded(result: Any) -> Any:
    return Float32(result) if isinstance(result, float) else result
