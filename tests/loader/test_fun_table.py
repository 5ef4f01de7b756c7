"""The run-time's function table: names by index and release."""

from __future__ import annotations

import pytest

from mpy_cross.loader.fun_table import Fun
from mpy_cross.loader.release import RELEASES

# Entries whose purpose stayed while their arguments, and so their names, changed.
RENAMED = (Fun.MAKE_FUNCTION, Fun.MAKE_CLOSURE)


@pytest.mark.parametrize("release", RELEASES)
def test_names(release: str) -> None:
    names = RELEASES[release].fun_table
    assert len(set(names)) == len(names)
    assert [names[entry] for entry in Fun if entry not in RENAMED] == [
        entry.name.lower() for entry in Fun if entry not in RENAMED
    ]
    # Where modules written in C find these (tools/mpy_ld.py of 1.22 and 1.23).
    assert names.index("memset") == 50
    assert names.index("type_type") in (67, 73)


@pytest.mark.parametrize(
    ("release", "entries"),
    [
        ("1.12", {43: "make_closure_from_raw_code", 64: "get_buffer_raise", 66: "plat_print"}),
        ("1.18", {26: "make_function_from_raw_code", 43: "make_closure_from_raw_code"}),
        ("1.19", {43: "new_closure", 64: "get_buffer_raise", 67: "type_type"}),
        ("1.22", {26: "make_function_from_raw_code", 64: "get_buffer", 79: "stream_write_obj"}),
        ("1.23", {26: "make_function_from_proto_fun", 64: "load_method_maybe", 73: "type_type"}),
        ("1.29", {18: "binary_op", 65: "get_buffer", 82: "type_Exception", 86: "stream_write_obj"}),
    ],
)
def test_what_changed(release: str, entries: dict[int, str]) -> None:
    names = RELEASES[release].fun_table
    assert {index: names[index] for index in entries} == entries
