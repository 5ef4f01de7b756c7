"""Snapshots of boards: everything is as it was, and goes on as it did."""

from __future__ import annotations

import functools
import random
import struct
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from mpy_cross.emulator.firmware.image import Segment
from mpy_cross.emulator.machine import Machine
from mpy_cross.emulator.machine import machine as make
from mpy_cross.emulator.snapshot import Snapshot, SnapshotError
from mpy_cross.emulator.stock import StockError
from mpy_cross.emulator.stock_session import StockSession
from tests.emulator.core_programs import NE, Program

FLASH: Final = 0x0800_0000
RAM: Final = 0x2000_0000
RCC, GPIOB, USART1 = 0x4002_3800, 0x4002_0400, 0x4001_1000


def prompt_firmware() -> Segment:
    """Firmware that prints a prompt, and for each key the key, how many there were, and a prompt.

    'x' reads from where nothing is.
    """
    p = Program(FLASH + 8)
    p.store(RCC + 0x30, 1 << 1)  # clock of GPIOB
    p.store(RCC + 0x44, 1 << 4)  # clock of USART1
    p.store(GPIOB, 0xA << 12 | 0x280)
    p.store(GPIOB + 0x20, 0x77 << 24)
    p.store(USART1 + 8, 139)
    p.store(USART1 + 0xC, 1 << 13 | 1 << 3 | 1 << 2)
    p.const(4, USART1)
    p.const(5, RAM)
    p.const(6, 0x30)
    p("str_imm5", 6, 5, 0)
    p.to("b", "prompt")
    p.here("key")
    p("ldr_imm5", 0, 4, 0)
    p("lsls_imm", 0, 0, 31 - 5)  # RXNE
    p("cmp_imm8", 0, 0)
    p.to("b_cond", "key", 5)  # PL: bit 31 is clear
    p("ldr_imm5", 0, 4, 4)
    p("cmp_imm8", 0, ord("x"))
    p.if_(NE, "answer")
    p.const(1, 0x6000_0000)
    p("ldr_imm5", 0, 1, 0)
    p.here("answer")
    p.to("bl", "print")
    p("ldr_imm5", 0, 5, 0)
    p("adds_imm8", 0, 1)
    p("str_imm5", 0, 5, 0)
    p.to("bl", "print")
    p.here("prompt")
    for letter in b">>> ":
        p("movs_imm8", 0, letter)
        p.to("bl", "print")
    p.to("b", "key")
    p.here("print")
    p("ldr_imm5", 1, 4, 0)
    p("lsls_imm", 1, 1, 31 - 7)  # TXE
    p("cmp_imm8", 1, 0)
    p.to("b_cond", "print", 5)
    p("str_imm5", 0, 4, 4)
    p("bx", 14)
    code = p.code.finish()
    return Segment(FLASH, struct.pack("<II", RAM + 0x1000, FLASH + 9) + code)


def session() -> StockSession:
    made = StockSession("pyboard", [prompt_firmware()], record=True)
    made.boot()
    return made


def keys(board: StockSession, text: bytes) -> bytes:
    before = len(board.stock.output)
    board.stock.type(text)
    board.advance(5_000_000)
    return board.stock.output[before:]


def test_firmware_goes_back() -> None:
    board = session()
    assert board.console == ">>> "
    assert keys(board, b"a") == b"a1>>> "
    board.keep()
    state = board.now, board.stock.core.cycles
    first = keys(board, b"bc"), board.now, board.stock.core.cycles
    assert first[0] == b"b2>>> c3>>> "
    for _ in range(2):
        board.again()
        assert (board.now, board.stock.core.cycles) == state
        assert board.console == ">>> a1>>> "
        assert (keys(board, b"bc"), board.now, board.stock.core.cycles) == first


def test_firmware_goes_back_after_a_fault() -> None:
    board = session()
    board.keep()
    with pytest.raises(StockError, match="0x60000000"):
        keys(board, b"x")
    board.again()
    assert keys(board, b"y") == b"y1>>> "


def test_wires_and_alarms() -> None:
    machine = make("pico")
    machine.trace.record = True
    pin, clock = machine.pin("GP2"), machine.clock
    clock.after(1000, lambda: pin.force(1))
    snapshot = Snapshot(machine)
    seen: list[int] = []
    pin.watch(seen.append)
    machine.wiring.apply("GP26", 1.0)
    clock.advance(2000)
    assert seen == [1] and machine.trace.edges("GP2") == [(1000, 1)]
    snapshot.restore()
    assert clock.now == 0 and pin.level == 0 and machine.trace.edges("GP2") == []
    assert machine.wiring.volts(machine.pin("GP26")) == 0
    clock.advance(2000)
    assert seen == [1]  # whoever came later does not watch any more
    assert pin.level == 1 and machine.trace.edges("GP2") == [(1000, 1)]


def test_memory_is_kept_once() -> None:
    machine = make("pico")
    memory = next(memory for memory in machine.bus.memories if memory.name == "SRAM")
    memory.buffer[:4] = b"abcd"
    snapshot = Snapshot(machine)
    memory.buffer[:4] = b"wxyz"
    snapshot.restore()
    assert bytes(memory.buffer[:4]) == b"abcd"


@dataclass
class Box:
    """A stand-in for a part of the board: only classes of the project are looked into."""

    content: Any


Box.__module__ = "mpy_cross.emulator.box"


def counter() -> tuple[Callable[[], int], Callable[[], int]]:
    count = 0

    def more() -> int:
        nonlocal count
        count += 1
        return count

    return more, lambda: count


def test_kinds_of_things() -> None:
    more, count = counter()
    number = random.Random(1)
    box = Box({"list": [1, [2]], "set": {3}, "deque": deque([4], 9), "bytes": bytearray(b"5"),
               "call": functools.partial(more), "random": number, "tuple": (Box(6),)})
    more()
    snapshot = Snapshot(box)
    expected = [number.random() for _ in range(3)]
    content = box.content
    content["list"][1].append(0)
    content["set"].clear()
    content["deque"].append(0)
    content["bytes"] += b"more"
    content["tuple"][0].content = 0
    content["new"] = 1
    more()
    box.content = None
    snapshot.restore()
    assert box.content is content
    assert content["list"] == [1, [2]] and content["set"] == {3} and content["bytes"] == b"5"
    assert content["deque"] == deque([4]) and content["tuple"][0].content == 6
    assert "new" not in content and count() == 1
    assert [number.random() for _ in range(3)] == expected


def test_what_cannot_be_kept() -> None:
    def running() -> Iterator[int]:
        yield 1

    generator = running()
    with pytest.raises(SnapshotError, match=r"^Box\.content\[0\] is a generator"):
        Snapshot(Box([generator]))
    list(generator)
    Snapshot(Box([generator]))  # it has ended


def test_machines_are_apart() -> None:
    """A snapshot of one machine does not reach another."""
    one, other = make("pico"), make("pico")
    snapshot = Snapshot(one)
    other.clock.advance(5)
    one.clock.advance(7)
    snapshot.restore()
    assert (one.clock.now, other.clock.now) == (0, 5)
    assert isinstance(other, Machine)
