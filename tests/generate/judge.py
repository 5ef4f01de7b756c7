"""Compare one program with the reference compilers."""

from __future__ import annotations

from tests.oracle import compare, reference
from tests.oracle.reference import Settings

RELEASES = ("1.17", "1.29")


def differences(source: str, settings: Settings) -> list[str]:
    """What differs from the references, in words; none if all agree."""
    found = []
    data = source.encode("utf-8")
    for release in RELEASES:
        theirs = reference.run(release, data, "generated.py", settings)
        mine = compare.ours(release, data, "generated.py", settings)
        kind, explanation = compare.compare(theirs, mine)
        if kind not in ("same", "reference crash"):
            found.append(f"{release}: {kind}: {explanation}")
    return found
