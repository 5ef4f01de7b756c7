"""The language as programs see it at run time: what changed from release to release.

Facts from py/ and extmod/ of the releases, checked with the unix port of 1.17 and of 1.28.
"""

# Annotations are no texts here, for the reason given in release_record.
from typing import NamedTuple, final


@final
class LanguageFacts(NamedTuple):
    """What objects do in a release.  A comment at each field names the release."""

    zero_fills_text: bool = False
    """1.19: `{:06s}` fills with zeros on the right; before, strings refuse it."""
    bytearray_methods: bool = False
    """1.20: bytearray has the methods of bytes."""
    float_method: bool = False
    """1.20: `float(x)` and functions of numbers use `x.__float__()`."""
    complex_text: bool = False
    """1.20: `complex()` reads a sum such as `1+2j`, and uses `x.__complex__()`."""
    json_checks_text: bool = False
    """1.20: strings of JSON have to be UTF-8."""
    bytearray_encoding: bool = False
    """1.20: `bytearray('text')` needs an encoding."""
    native_attributes: bool = False
    """1.20: functions in machine code have `__name__` and `__globals__`."""
    native_names: bool = False
    """1.23: `__name__` of functions in machine code is their name; before, it is empty."""
    power_of_infinity: bool = False
    """1.20: `math.pow` of an infinite exponent may be infinite."""
    view_length: bool = False
    """1.21: views of dictionaries have a length."""
    int_of_buffer: bool = False
    """1.21: `int()` takes any buffer that holds digits."""
    views_add: bool = True
    """1.21: `+` refuses a memoryview on its left."""
    pad_bytes: bool = False
    """1.21: `x` in formats of `struct` is a byte of zeros."""
    dict_is_used: bool = False
    """1.21: `'text' % {}` is no error."""
    broken_modules_go: bool = False
    """1.21: a module that fails while it is imported leaves `sys.modules`."""
    hex_methods: bool = False
    """1.21: bytes, bytearray and memoryview have `hex`, the first two `fromhex`."""
    deque_sequence: bool = False
    """1.23: deques take initial items, work at both ends, and have indices and iterators."""
    half_floats: bool = False
    """1.23: typecode `e`."""
    text_streams: bool = False
    """1.24: the type of `sys.stdout` is called TextIOWrapper."""
    bytes_defaults: bool = False
    """1.24: `int.to_bytes()` and `int.from_bytes(data)` have defaults."""
    bytes_checked: bool = False
    """1.24: `int.to_bytes` refuses an int that is too big."""
    super_checked: bool = False
    """1.24: `super()` refuses an object that is not of the class."""
    slice_on_stack: bool = False
    """1.26: a slice that is an index needs no memory."""
    leading_zero: bool = True
    """1.25: `int('01', 0)` is an error."""
    affix_tuples: bool = False
    """1.25: `startswith` and `endswith` take tuples and ends."""
    separators: bool = False
    """1.26: format has `_`, `,` is for decimal numbers, and zeros before a number have them."""
    named_percent: bool = False
    """1.26: a named tuple, too, holds the values for `%`."""
    star_all: bool = False
    """1.26: `from module import *` looks at `__all__`."""
    import_globals: bool = False
    """1.27: relative imports use the globals that `__import__` gets."""
    set_name: bool = False
    """1.26: `__set_name__` of attributes is called when their class has been made."""


LANGUAGE_1_12 = LanguageFacts()
LANGUAGE_1_19 = LANGUAGE_1_12._replace(zero_fills_text=True)
LANGUAGE_1_20 = LANGUAGE_1_19._replace(
    bytearray_methods=True,
    float_method=True,
    complex_text=True,
    json_checks_text=True,
    bytearray_encoding=True,
    native_attributes=True,
    power_of_infinity=True,
)
LANGUAGE_1_21 = LANGUAGE_1_20._replace(
    view_length=True,
    int_of_buffer=True,
    hex_methods=True,
    views_add=False,
    pad_bytes=True,
    dict_is_used=True,
    broken_modules_go=True,
)
LANGUAGE_1_23 = LANGUAGE_1_21._replace(
    deque_sequence=True, half_floats=True, native_names=True
)
LANGUAGE_1_24 = LANGUAGE_1_23._replace(
    bytes_defaults=True, bytes_checked=True, super_checked=True, text_streams=True
)
LANGUAGE_1_25 = LANGUAGE_1_24._replace(affix_tuples=True, leading_zero=False)
LANGUAGE_1_26 = LANGUAGE_1_25._replace(
    separators=True, set_name=True, slice_on_stack=True, named_percent=True, star_all=True
)
LANGUAGE_1_27 = LANGUAGE_1_26._replace(import_globals=True)
