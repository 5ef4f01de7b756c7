"""The strings of more than ten characters that each reference compiler knows as qstrs."""

from __future__ import annotations

from mpy_cross.loader.release import Release


def builtin_qstrs(release: Release) -> frozenset[bytes]:
    """The long built-in qstrs of a release."""
    return frozenset()
