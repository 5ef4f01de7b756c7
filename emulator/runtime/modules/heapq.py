"""Module `heapq` (manual 1.1.9): a list as a heap, smallest item first."""

from __future__ import annotations

from typing import Any, Final

from mpy_cross.emulator.runtime.arguments import native
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import Module

NAMES: Final[tuple[str, ...]] = ("uheapq", "heapq")


def _heap(heap: Any) -> list[Any]:
    if type(heap) is not list:
        raise TypeError("heap must be a list")
    return heap


def _rise(heap: list[Any], top: int, place: int) -> None:
    """Move an item up, not beyond `top`, until its parent is not greater."""
    item = heap[place]
    while place > top:
        parent = (place - 1) // 2
        if not item < heap[parent]:
            break
        heap[place] = heap[parent]
        place = parent
    heap[place] = item


def _sink(heap: list[Any], place: int) -> None:
    """Move the item at a place down to a leaf by way of the smaller children, then up again."""
    top, size = place, len(heap)
    item = heap[place]
    child = 2 * place + 1
    while child < size:
        if child + 1 < size and not heap[child] < heap[child + 1]:
            child += 1
        heap[place] = heap[child]
        place = child
        child = 2 * place + 1
    heap[place] = item
    _rise(heap, top, place)


@native
def heappush(heap: Any, item: Any, /) -> None:
    """Add an item."""
    _heap(heap).append(item)
    _rise(heap, 0, len(heap) - 1)


@native
def heappop(heap: Any, /) -> Any:
    """Remove the smallest item."""
    if not _heap(heap):
        raise IndexError("empty heap")
    last = heap.pop()
    if not heap:
        return last
    item, heap[0] = heap[0], last
    _sink(heap, 0)
    return item


@native
def heapify(heap: Any, /) -> None:
    """Make a list a heap."""
    for place in range(len(_heap(heap)) // 2 - 1, -1, -1):
        _sink(heap, place)


def build(runtime: Runtime) -> Module:
    return Module(NAMES[0], {"heappush": heappush, "heappop": heappop, "heapify": heapify})
