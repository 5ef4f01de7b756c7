"""The place of an error in its line."""

from __future__ import annotations

import pytest

from mpy_cross.errors import CompileError
from tests.front.forms import tree


@pytest.mark.parametrize(
    ("source", "column"),
    [
        (b"x = a b", 7),
        (b"x = $", 5),
        (b"if x:\n    y = z w", 11),
        (b"x = 'a' 'b' c", 13),
        (b"f(a,\n  b c)", 5),
        (b"x = 0L + 1", 5),
        (b"x = 'abc", 5),
        (b"y\n   z", 4),
        (b"x = \\\n a b", 4),
        (b"x = '''\n''' + b c", 0),  # the line starts inside a literal
        (b"x = f'{a}' b", 0),  # what the f-string became stands in no line
        (b"x = (1", 0),
    ],
)
def test_column(source: bytes, column: int) -> None:
    with pytest.raises(CompileError) as error:
        tree(source, "1.29")
    assert error.value.column == column
