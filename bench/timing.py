"""How the benches of the cores take the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

RUNS: Final = 5


def best(call: Callable[[], object]) -> float:
    """Seconds of CPU time that a call takes, the least of some runs."""
    times = []
    for _ in range(RUNS):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return min(times)
