"""What is common to all traps."""

from __future__ import annotations

from collections.abc import Callable

Trap = Callable[[int, int, int, int], "int | None"]
