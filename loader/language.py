"""The language as programs see it at run time: what changed from release to release.

Facts from py/ and extmod/ of the releases, checked with the unix port of 1.17 and of 1.28.
"""

from __future__ import annotations

from typing import NamedTuple, final


@final
class LanguageFacts(NamedTuple):
    """What objects do in a release.  A comment at each field names the release."""

    float_method: bool = False
    """1.20: `float(x)` and functions of numbers use `x.__float__()`."""
    json_checks_text: bool = False
    """1.20: strings of JSON have to be UTF-8."""
    power_of_infinity: bool = False
    """1.20: `math.pow` of an infinite exponent may be infinite."""
    view_length: bool = False
    """1.21: views of dictionaries have a length."""
    int_of_buffer: bool = False
    """1.21: `int()` takes any buffer that holds digits."""
    bytes_defaults: bool = False
    """1.24: `int.to_bytes()` and `int.from_bytes(data)` have defaults."""
    bytes_checked: bool = False
    """1.24: `int.to_bytes` refuses an int that is too big."""
    affix_tuples: bool = False
    """1.25: `startswith` and `endswith` take tuples and ends."""
    set_name: bool = False
    """1.26: `__set_name__` of attributes is called when their class has been made."""


LANGUAGE_1_12 = LanguageFacts()
LANGUAGE_1_20 = LANGUAGE_1_12._replace(
    float_method=True, json_checks_text=True, power_of_infinity=True
)
LANGUAGE_1_21 = LANGUAGE_1_20._replace(view_length=True, int_of_buffer=True)
LANGUAGE_1_24 = LANGUAGE_1_21._replace(bytes_defaults=True, bytes_checked=True)
LANGUAGE_1_25 = LANGUAGE_1_24._replace(affix_tuples=True)
LANGUAGE_1_26 = LANGUAGE_1_25._replace(set_name=True)
