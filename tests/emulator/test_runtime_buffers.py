"""bytearray, memoryview and array of the hosted run-time, and their memory."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from mpy_cross.emulator.runtime.buffers import (
    Array,
    Buffer,
    ByteArray,
    MemoryView,
    address_of,
    buffer_of,
)
from mpy_cross.emulator.runtime.storage import Storage
from tests.emulator.recorded_cases import Case, printed, program, read
from tests.oracle import unix_port
from tests.oracle.reference import Unavailable

FILES = ("buffers", "data_modules")
ALL = [
    pytest.param(head, case, id=f"{name}-{number}")
    for name in FILES
    for head, cases in [read(name)]
    for number, case in enumerate(cases)
]


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Storage:
    own = Storage()
    monkeypatch.setattr(Buffer, "storage", own, raising=False)
    return own


@pytest.mark.spec("J46", "J48", "J49", "J50", "J28", "J53", "J54", "J60", "J61", "J62", "C25")
@pytest.mark.spec("G02", "G05", "G06", "G11", "G13", "G14", "G67", "G68")
@pytest.mark.parametrize(("head", "case"), ALL)
def test_recorded_case(head: str, case: Case) -> None:
    assert printed(program(head, [case.source])).rstrip("\n") == f"--\n{case.printed}".rstrip("\n")


@pytest.mark.parametrize("name", FILES)
def test_the_real_port_prints_what_is_recorded(name: str, tmp_path: Path) -> None:
    try:
        unix_port.folder()
    except Unavailable as error:
        pytest.skip(str(error))
    head, cases = read(name)
    (tmp_path / "cases.py").write_text(program(head, [case.source for case in cases]))
    status, text = unix_port.import_module("cases", tmp_path)
    assert status == 0, text
    found = [part.rstrip("\n") for part in text.split("--\n")[1:]]
    assert found == [case.printed for case in cases]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("print(bytearray('ab'))", "bytearray(b'ab')"),
        ("print(memoryview(b'ab') + b'c', memoryview(bytearray(b'a')) + b'b')",
         "array('B', [97, 98, 99]) bytearray(b'ab')"),
        ("from array import array\nprint(memoryview(array('q', [1])).itemsize)", "8"),
        ("from array import array\nprint(array('l').extend(b''), array('l', b'abcd')[0])",
         "None 1684234849"),
        ("from array import array\na = array('i', [1])\ntry:\n    a += [2]\n"
         "except TypeError as e:\n    print(e)", "object with buffer protocol required"),
    ],
)
def test_what_release_1_17_does_and_later_ones_do_not(source: str, expected: str) -> None:
    assert printed(source) == expected + "\n"


@pytest.mark.spec("J47")
def test_array_values_are_cut_to_their_size() -> None:
    assert printed("from array import array\nprint(array('b', [257]))") == "array('b', [1])\n"


@pytest.mark.spec("C37")
def test_a_default_bytearray_is_made_once() -> None:
    source = "def f(b=bytearray(1)):\n    b[0] += 1\n    return b[0]\nf()\nprint(f())\n"
    assert printed(source) == "2\n"


def test_the_address_stays_until_the_buffer_grows(storage: Storage) -> None:
    own = ByteArray(b"0123456789")
    address = address_of(own)
    assert storage.heap.view(address, 10).tobytes() == b"0123456789"
    storage.heap.view(address, 10)[3] = 120
    assert own[3] == 120
    own[0:2] = b"ab"
    assert address_of(own) == address
    behind = ByteArray(4)
    view = MemoryView(own)
    own.extend(bytes(100))
    assert address_of(own) != address and len(own) == 110
    assert bytes(buffer_of(view)) == b"ab2x456789", "a view keeps the bytes that it was made of"
    assert address_of(view) == address and address_of(behind) != address


def test_addresses_of_slices_and_constants(storage: Storage) -> None:
    own = ByteArray(b"abcdef")
    assert address_of(MemoryView(own)[2:4]) == address_of(own) + 2
    assert address_of(b"text") == address_of(b"text")
    part = MemoryView(b"constant")[3:5]
    assert storage.read(address_of(part), 2) == b"st"
    words = MemoryView(Array("H", ByteArray(b"abcdef")))[1:]
    assert storage.read(address_of(words), 4) == b"cdef"
    with pytest.raises(TypeError, match="object with buffer protocol required"):
        address_of([1])


def test_memory_is_given_back(storage: Storage) -> None:
    own = ByteArray(5000)
    view = MemoryView(own)[10:20]
    used = storage.heap.used()
    del own
    assert storage.heap.used() == used
    del view
    assert storage.heap.used() == 0


def test_only_writable_buffers_can_be_written(storage: Storage) -> None:
    for obj in (b"ab", "ab", MemoryView(b"ab")):
        assert buffer_of(obj).tobytes() == b"ab"
        with pytest.raises(TypeError, match="object with buffer protocol required"):
            buffer_of(obj, True)
    for other in (ByteArray(b"ab"), MemoryView(ByteArray(b"ab")), Array("B", b"ab")):
        buffer_of(other, True)[0] = 120
        assert buffer_of(other).tobytes() == b"xb"


def test_memory_of_the_machine_as_a_bytearray(storage: Storage) -> None:
    memory = bytearray(b"abcdef")
    own = ByteArray.at(0x1000, memoryview(memory)[1:4])
    own[0] = 120
    assert bytes(memory) == b"axcdef" and address_of(own) == 0x1000
    own.append(33)
    assert bytes(buffer_of(own)) == b"xcd!" and storage.heap.holds(address_of(own), 4)
    assert bytes(memory) == b"axcdef"


def _operate(rng: random.Random, ours: Any, model: bytearray) -> None:
    """The same change of a bytearray of the program and of one of the host."""
    kind = rng.randrange(6)
    data = bytes(rng.randrange(256) for _ in range(rng.choice([0, 1, 3, 20])))
    if kind == 0:
        ours.append(data[:1][0] if data else 7)
        model.append(data[:1][0] if data else 7)
    elif kind == 1:
        ours.extend(data)
        model.extend(data)
    elif kind == 2:
        ours += ByteArray(data)
        model += data
    elif kind == 3 and model:
        at = rng.randrange(-len(model), len(model))
        ours[at] = model[at] = rng.randrange(256)
    else:
        start, stop = rng.randrange(-40, 40), rng.randrange(-40, 40)
        low, high, _ = slice(start, stop).indices(len(model))
        ours[start:stop] = data
        model[low : max(low, high)] = data


@pytest.mark.parametrize("seed", range(8))
def test_random_changes_against_the_host(storage: Storage, seed: int) -> None:
    rng = random.Random(seed)
    pairs = [(ByteArray(), bytearray()) for _ in range(4)]
    for _ in range(600):
        ours, model = rng.choice(pairs)
        if len(model) > 300:
            ours[20:] = b""
            del model[20:]
        _operate(rng, ours, model)
        assert bytes(buffer_of(ours)) == bytes(model)
        start, stop = rng.randrange(-60, 60), rng.randrange(-60, 60)
        assert bytes(buffer_of(ours[start:stop])) == bytes(model[start:stop])
    for ours, model in pairs:
        assert list(ours) == list(model) and len(ours) == len(model)
