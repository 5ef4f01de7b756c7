"""Registers that copies join become one, for `regalloc`."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpy_cross.emitters.ssa.regalloc import Allocator


def coalesce(allocator: Allocator) -> None:
    """Make one of registers that are copied and never alive together, the dearest copies first."""
    near, bits = allocator.near, allocator.bits
    weights, starts = allocator.weights, allocator.starts
    heap: list[tuple[float, int, int]] = []
    wanted: dict[int, dict[int, float]] = {}
    for (x, y), weight in allocator.copies.items():
        wanted.setdefault(x, {})[y] = weight
        wanted.setdefault(y, {})[x] = weight
        heap.append((-weight, x, y))
    heapify(heap)
    while heap:
        weight, x, y = heappop(heap)
        if wanted[x].get(y) != -weight:
            continue  # one has become part of another, or the pair is worth more by now
        if near[x] & bits[y] or (x in allocator.high) != (y in allocator.high):
            continue
        if x in allocator.apart or y in allocator.apart:
            continue
        allocator.rep[y] = x
        moved, near[y] = near[y], 0
        near[x] |= moved
        gone, bit = ~bits[y], bits[x]
        while moved:
            lowest = moved & -moved
            other = lowest.bit_length() - 1
            near[other] = near[other] & gone | bit
            moved ^= lowest
        weights[x] += weights[y]
        allocator.gains[x] += allocator.gains[y]
        if starts[y] and not 0 < starts[x] < starts[y]:
            starts[x] = starts[y]
        if y in allocator.temporary:
            allocator.temporary.add(x)
        allocator.hints[x] += allocator.hints[y]
        del wanted[x][y]
        for other, more in wanted.pop(y).items():
            if other == x:
                continue
            del wanted[other][y]
            more += wanted[x].get(other, 0.0)
            wanted[x][other] = wanted[other][x] = more
            heappush(heap, (-more, x, other))
        wanted[y] = {}
