"""Constant folding with zeros that have a sign, against the reference."""

from __future__ import annotations

import itertools

import pytest

import mpy_cross
from tests.oracle import reference
from tests.oracle.reference import Unavailable

BIG = 1 << 70
MINUS_ZERO = f"(0 // -{BIG})"
ZEROS = (MINUS_ZERO, f"(({BIG}) - {BIG})", f"(-{BIG} % {BIG})", f"(-{BIG} + {BIG})", "0")
OTHERS = ("1", "2", "-3", "-(1 << 31)", "(1 << 32)", "-(1 << 61)", f"{BIG}", f"-{BIG}")
OPERATORS = ("+", "-", "*", "//", "%", "&", "|", "^", "<<", ">>", "**")


def expressions() -> list[str]:
    """Each operator on each zero, then `^ 2`, which brings the sign of a result out."""
    texts = [f"{sign}{zero}" for sign in "+-~" for zero in ZEROS]
    for zero, operator in itertools.product(ZEROS, OPERATORS):
        for other in (*OTHERS, *ZEROS):
            for left, right in ((zero, other), (other, zero)):
                if operator in ("//", "%", "|") and right in ZEROS:
                    continue  # an error, or (for `|`) a failed assertion of the reference
                if operator == "|" and left in ZEROS and right in ZEROS:
                    continue
                if operator in ("<<", ">>") and (right.startswith("-") or right == f"{BIG}"):
                    continue
                if operator == "**" and (right.startswith("-") or right in OTHERS[3:]):
                    continue
                texts.append(f"{left} {operator} {right}")
    return list(dict.fromkeys(texts))


@pytest.mark.parametrize("release", ["1.12", "1.17", "1.19", "1.29"])
def test_the_sign_of_zero(release: str) -> None:
    texts = expressions()
    lines = [line for text in texts for line in (f"f({text})", f"f(({text}) ^ 2)")]
    source = "\n".join(lines).encode()
    try:
        expected = reference.answer(release, source, "zeros.py").code
    except Unavailable as unavailable:
        pytest.skip(str(unavailable))
    assert expected
    if mpy_cross.compile(source, "zeros.py", release=release) == expected:
        return
    wrong = [
        line
        for line in lines
        if mpy_cross.compile(line.encode(), "zeros.py", release=release)
        != reference.run(release, line.encode(), "zeros.py", reference.Settings()).code
    ]
    assert wrong == []
    raise AssertionError("each expression folds right alone, but not all together")
