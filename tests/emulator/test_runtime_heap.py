"""The heap of the emulated board, and what is in it."""

from __future__ import annotations

import random

import pytest

from mpy_cross.emulator.runtime.heap import BLOCK, FREE, HEAD, TAIL, Block, Heap
from mpy_cross.emulator.runtime.storage import ObjectWords, Storage
from tests.emulator.recorded_cases import printed


@pytest.mark.spec("C08")
def test_blocks_are_sixteen_bytes_and_marked_as_head_and_tail() -> None:
    heap = Heap(0x20000000, 256)
    first, second = heap.alloc(17), heap.alloc(1)
    assert (first.address, second.address) == (0x20000000, 0x20000020)
    assert heap.table()[:4] == bytes([HEAD, TAIL, HEAD, FREE])
    statistics = heap.statistics()
    assert statistics.total == 256
    assert (statistics.used, statistics.free) == (48, 208)
    assert (statistics.one_blocks, statistics.two_blocks) == (1, 1)
    assert (statistics.max_block, statistics.max_free) == (2, 13)


def test_memory_is_free_when_the_owner_is_gone_and_is_used_again() -> None:
    heap = Heap(0x1000, 128)
    first, second = heap.alloc(32), heap.alloc(32)
    del first
    assert heap.used() == 32
    assert heap.alloc(16).address == 0x1000
    assert second.address == 0x1020


def test_a_full_heap_raises_memory_error_with_the_size() -> None:
    heap = Heap(0x1000, 64)
    kept = heap.alloc(48)
    with pytest.raises(MemoryError, match=r"^memory allocation failed, allocating 17 bytes$"):
        heap.alloc(17)
    with pytest.raises(MemoryError, match="allocating 4294967295 bytes"):
        heap.alloc(-1)
    assert heap.alloc(16).address == kept.address + 48


def test_a_locked_heap_allocates_nothing() -> None:
    heap = Heap(0x1000, 64)
    heap.locked = 1
    with pytest.raises(MemoryError, match=r"^memory allocation failed, heap is locked$"):
        heap.alloc(1)
    heap.locked = 0
    assert heap.alloc(1).address == 0x1000


def test_an_allocation_grows_in_place_only_into_free_blocks() -> None:
    heap = Heap(0x1000, 128)
    first = heap.alloc(16)
    assert heap.grow(first, 40) and first.count == 3
    second = heap.alloc(16)
    assert second.address == 0x1030
    assert not heap.grow(first, 49)
    assert heap.grow(first, 48)


def test_bytes_of_the_arena_are_shared() -> None:
    memory = bytearray(256)
    heap = Heap(0x1000, 128, memoryview(memory))
    block = heap.alloc(4)
    block.view(4)[:] = b"abcd"
    assert bytes(memory[:4]) == b"abcd"
    assert heap.view(0x1001, 2).tobytes() == b"bc"
    with pytest.raises(ValueError, match="not in the heap"):
        heap.view(0x1000 + 128, 1)


def test_random_allocations_never_overlap() -> None:
    rng = random.Random(3)
    heap = Heap(0x4000, 4096)
    live: list[tuple[Block, bytes]] = []
    refused = 0
    for number in range(3000):
        if live and rng.random() < 0.45:
            block, content = live.pop(rng.randrange(len(live)))
            assert block.view(len(content)).tobytes() == content
            continue
        size = rng.choice([1, 15, 16, 17, 60, 200])
        try:
            block = heap.alloc(size)
        except MemoryError:
            refused += 1
            longest = heap.statistics().max_free
            assert longest * BLOCK < size
            continue
        content = bytes([number & 255]) * size
        block.view(size)[:] = content
        live.append((block, content))
    assert refused > 0
    assert heap.used() == sum(-(-len(content) // BLOCK) * BLOCK for _, content in live)
    del block
    live.clear()
    assert heap.used() == 0


def test_constants_are_kept_once_until_the_heap_is_full() -> None:
    storage = Storage(Heap(0x1000, 160))
    first = storage.keep(b"constant")
    assert storage.keep(b"constant") == first
    assert storage.read(first, 9) == b"constant\0"
    assert storage.text_at(first) == b"constant"
    for number in range(40):
        storage.keep(b"text number %d" % number)
    assert storage.heap.used() <= 160


def test_words_stand_for_objects_and_small_integers() -> None:
    words = ObjectWords()
    assert words.word(3) == 7
    for value in (0, 5, -1, (1 << 30) - 1, -(1 << 30)):
        assert words.value(words.word(value)) == value
    thing = ["x"]
    word = words.word(thing)
    assert word & 3 == 0
    assert words.value(word) is thing and words.word(thing) == word
    assert words.value(0) is None


def test_a_program_that_fills_the_heap_gets_memory_error() -> None:
    source = """
def fill():
    kept = []
    try:
        while True:
            kept.append(bytearray(1000))
    except MemoryError as error:
        print(error)
    return len(kept)
print(fill())
print(len(bytearray(15000)))
"""
    text = printed(source, Storage(Heap(0x20000000, 16384)))
    assert text == "memory allocation failed, allocating 1000 bytes\n16\n15000\n"
