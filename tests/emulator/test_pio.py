"""Module rp2 on the pico: the assembler of PIO programs, and state machines that run them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime.scheduler import Stuck
from mpy_cross.emulator.session import Outcome, Session
from mpy_cross.loader.release import get

# Datasheet of RP2040, 3.4: what the instructions of a program are encoded as.
INSTRUCTIONS = [
    # JMP
    *[pytest.param(f'jmp({name}0)', code << 5, marks=pytest.mark.spec("B85"), id=name or "always")
      for code, name in enumerate(("", "not_x, ", "x_dec, ", "not_y, ", "y_dec, ", "x_not_y, ",
                                   "pin, ", "not_osre, "))],
    # WAIT
    *[pytest.param(text, 0x2000 | bits, marks=pytest.mark.spec("B86"), id=text) for text, bits in (
        ("wait(1, gpio, 5)", 0x85), ("wait(0, gpio, 31)", 0x1F), ("wait(1, pin, 2)", 0xA2),
        ("wait(0, irq, 7)", 0x47), ("wait(1, irq, rel(3))", 0xD3))],
    # IN and OUT
    *[pytest.param(f"in_({name}, {count})", 0x4000 | code << 5 | count & 31,
                   marks=pytest.mark.spec("B87"), id=f"in-{name}") for name, code, count in (
        ("pins", 0, 1), ("x", 1, 32), ("y", 2, 8), ("null", 3, 31), ("isr", 6, 4), ("osr", 7, 9))],
    *[pytest.param(f"out({name}, {count})", 0x6000 | code << 5 | count & 31,
                   marks=pytest.mark.spec("B88"), id=f"out-{name}") for name, code, count in (
        ("pins", 0, 1), ("x", 1, 32), ("y", 2, 8), ("null", 3, 31), ("pindirs", 4, 2),
        ("pc", 5, 5), ("isr", 6, 4), ("exec", 7, 16))],
    # PUSH and PULL
    *[pytest.param(f"{name}({text})", base | bits, marks=pytest.mark.spec(row),
                   id=f"{name}-{text}")
      for name, base, when, row in (("push", 0x8000, "iffull", "B89"),
                                    ("pull", 0x8080, "ifempty", "B90"))
      for text, bits in (("", 0x20), ("block", 0x20), ("noblock", 0), (when, 0x60),
                         (f"{when}, block", 0x60), (f"{when}, noblock", 0x40))],
    # MOV
    *[pytest.param(f"mov({name}, {source})", 0xA000 | code << 5 | bits,
                   marks=pytest.mark.spec("B91"), id=f"mov-{name}-{source}")
      for name, code, source, bits in (
        ("pins", 0, "null", 3), ("x", 1, "pins", 0), ("y", 2, "invert(x)", 9),
        ("exec", 4, "osr", 7), ("pc", 5, "y", 2), ("isr", 6, "reverse(isr)", 22),
        ("osr", 7, "status", 5))],
    # IRQ
    *[pytest.param(text, 0xC000 | bits, marks=pytest.mark.spec("B92"), id=text)
      for text, bits in (("irq(3)", 3), ("irq(rel(2))", 0x12), ("irq(block, 5)", 0x25),
                         ("irq(clear, 7)", 0x47), ("irq(noblock, 1)", 1),
                         ("irq(clear, rel(1))", 0x51))],
    # SET and NOP
    *[pytest.param(f"set({name}, {value})", 0xE000 | code << 5 | value,
                   marks=pytest.mark.spec("B93"), id=f"set-{name}")
      for name, code, value in (("pins", 0, 1), ("x", 1, 31), ("y", 2, 0), ("pindirs", 4, 5))],
    pytest.param("nop()", 0xA042, marks=pytest.mark.spec("B94"), id="nop"),
    pytest.param("word(0xE03F)", 0xE03F, marks=pytest.mark.spec("B84"), id="word"),
    # Modifiers, with one pin of side-set.
    *[pytest.param(text, 0xA042 | bits, marks=pytest.mark.spec("B95"), id=text) for text, bits in (
        ("nop()[31]", 0x1F00), ("nop().delay(7)", 0x700))],
]


def board(release: str = "1.17") -> Session:
    chosen = get(release)
    return Session("pico", chosen, compiler_for(chosen), record=True)


def finished(session: Session, source: str) -> Outcome:
    outcome = session.execute(source)
    assert outcome is not None, "the program paused"
    return outcome


def run(source: str, release: str = "1.17") -> tuple[Session, Outcome]:
    session = board(release)
    outcome = finished(session, "import rp2, time\nfrom machine import Pin\n" + source)
    return session, outcome


def printed(source: str, release: str = "1.17") -> list[str]:
    session, outcome = run(source, release)
    assert not outcome.text, outcome.text
    return session.console.splitlines()


@pytest.mark.parametrize(("text", "word"), INSTRUCTIONS)
def test_instructions(text: str, word: int) -> None:
    body = f'    label("here")\n    {text}' if not text.startswith("jmp") else (
        f'    label("here")\n    {text.replace("0)", chr(34) + "here" + chr(34) + ")")}')
    assert printed(f"@rp2.asm_pio()\ndef program():\n{body}\nprint(hex(program[0][0]))") == [
        hex(word)]


@pytest.mark.spec("B95")
def test_side_set_takes_bits_of_the_delay() -> None:
    """All instructions side-set: no bit says which; else one does, and less is left for delays."""
    assert printed("""
@rp2.asm_pio(sideset_init=(rp2.PIO.OUT_LOW,) * 2)
def always():
    nop().side(2)[7]
    nop().side(1)
@rp2.asm_pio(sideset_init=(rp2.PIO.OUT_LOW,) * 2)
def sometimes():
    nop().side(2)[3]
    nop()
for program in always, sometimes:
    print(hex(program[0][0]), hex(program[0][1]), hex(program[3]))
""") == ["0xb742 0xa842 0x1000", "0xbb42 0xa042 0x40001000"]


@pytest.mark.spec("B95")
@pytest.mark.parametrize(("other", "most"), [("nop().side(0)", 7), ("nop()", 3)])
def test_delays_beside_side_set(other: str, most: int) -> None:
    source = ("@rp2.asm_pio(sideset_init=(rp2.PIO.OUT_LOW,) * 2)\ndef program():\n"
              f"    nop().side(1)[%d]\n    {other}\nprint(hex(program[0][0] >> 8 & %d))")
    assert printed(source % (most, most)) == [hex(most)]
    _, outcome = run(source % (most + 1, most))
    assert outcome.text.splitlines()[-1] == "PIOASMError: delay too large"


@pytest.mark.spec("B82", "B84", "B87")
@pytest.mark.parametrize(("body", "text"), [
    ('label("a")\n    label("a")', "duplicate label a"), ('jmp("b")', "unknown label b"),
    ("in_(x, 0)", "invalid bit count 0"), ("out(x, 33)", "invalid bit count 33"),
    ("nop()[32]", "delay too large"),
])
def test_mistakes(body: str, text: str) -> None:
    _, outcome = run(f"@rp2.asm_pio()\ndef program():\n    {body}\n    nop()")
    assert outcome.text.splitlines()[-1] == f"PIOASMError: {text}"


@pytest.mark.spec("B82")
def test_a_program_sees_its_own_names_only() -> None:
    _, outcome = run("count = 3\n@rp2.asm_pio()\ndef program():\n    set(x, count)")
    assert outcome.text.splitlines()[-1] == "NameError: name 'count' isn't defined"


@pytest.mark.parametrize(("release", "text"), [
    ("1.17", ""), ("1.18", "PIOASMError: sideset too large")])
def test_side_set_that_does_not_fit(release: str, text: str) -> None:
    _, outcome = run("@rp2.asm_pio(sideset_init=rp2.PIO.OUT_LOW)\ndef program():\n"
                     "    nop().side(2)", release)
    assert (outcome.text.splitlines() or [""])[-1] == text


@pytest.mark.spec("B83")
def test_wrapping_costs_nothing() -> None:
    session, _ = run("""
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def square():
    set(y, 3)
    wrap_target()
    set(pins, 1)
    set(pins, 0)
    wrap()
    set(x, 1)
sm = rp2.StateMachine(5, square, freq=1_000_000, set_base=Pin(3))
sm.active(1)
time.sleep_us(100)
sm.active(0)
""")
    times = [when for when, _ in session.machine.trace.edges("GP3")][:50]
    assert {after - before for before, after in pairwise(times)} == {1000}


UART = """
@rp2.asm_pio(sideset_init=rp2.PIO.OUT_HIGH, out_init=rp2.PIO.OUT_HIGH,
             out_shiftdir=rp2.PIO.SHIFT_RIGHT)
def uart_tx():
    pull()
    set(x, 7)  .side(0)  [7]
    label("bitloop")
    out(pins, 1)         [6]
    jmp(x_dec, "bitloop")
    nop()      .side(1)  [6]
sm = rp2.StateMachine(0, uart_tx, freq=8 * 9600, sideset_base=Pin(10), out_base=Pin(10))
sm.active(1)
"""


@pytest.mark.spec("B98", "B90")
def test_serial_output() -> None:
    """Bytes of 8 data bits at 9600 baud: the sender waits for room in the FIFO of four words."""
    session, outcome = run(UART + """
start = time.ticks_us()
for c in b'Hello, PIO':
    sm.put(c)
took = time.ticks_us() - start
print(sm.tx_fifo(), 5000 < took < 6600)
time.sleep_ms(10)
print(sm.tx_fifo())
""")
    assert not outcome.text and session.console.split() == ["4", "True", "0"]
    edges = session.machine.trace.edges("GP10")
    assert received(edges, 1_000_000_000 / 9600) == b"Hello, PIO"


def received(edges: list[tuple[int, int]], bit: float) -> bytes:
    """What a receiver makes of the edges of a line that rests high."""

    def level(when: float) -> int:
        return ([1] + [level for at, level in edges if at <= when])[-1]

    found, free = bytearray(), 0.0
    for when, value in edges:
        if value or when < free:
            continue
        bits = [level(when + (place + 1.5) * bit) for place in range(9)]
        assert bits[8] == 1  # the stop bit
        found.append(sum(one << place for place, one in enumerate(bits[:8])))
        free = when + 9.5 * bit
    return bytes(found)


@pytest.mark.spec("B98", "B87", "B89")
def test_words_go_both_ways() -> None:
    assert printed("""
from array import array
@rp2.asm_pio()
def invert_words():
    pull()
    mov(isr, invert(osr))
    push()
sm = rp2.StateMachine(3, invert_words)
sm.active(1)
sm.put(0x12345678)
print(hex(sm.get()))
sm.put(1, 31)
print(hex(sm.get(None, 4)))
sm.put(array('H', [1, 2]))
sm.put(b'\\x03')
words = array('I', [0] * 3)
print(sm.get(words) is words, *map(hex, words))
sm.put(array('B', [0xF0, 0x0F]))
print(sm.get(bytearray(2)))
for kind in 'bq':
    try:
        sm.put(array(kind, [1]))
    except ValueError as error:
        print(error)
print(sm.rx_fifo(), sm.tx_fifo())
for n in range(9):
    sm.put(n)
    if n == 7:
        break
time.sleep_ms(1)
print(sm.rx_fifo(), sm.tx_fifo())
""") == ["0xedcba987", "0x7ffffff", "True 0xfffffffe 0xfffffffd 0xfffffffc",
         "bytearray(b'\\x0f\\xf0')", "unsupported buffer type", "unsupported buffer type", "0 0",
         "4 3"]


@pytest.mark.spec("B98")
@pytest.mark.parametrize("call", ["sm.get()", "for n in range(5): sm.put(n)"])
def test_waiting_for_ever_is_told(call: str) -> None:
    session = board()
    outcome = finished(session, "import rp2\n@rp2.asm_pio()\ndef idle():\n    wait(1, gpio, 3)\n"
                              f"sm = rp2.StateMachine(0, idle)\nsm.active(1)\n{call}")
    assert isinstance(outcome.error, Stuck)


@pytest.mark.spec("B98")
def test_get_waits_for_what_comes_from_outside() -> None:
    """A pulse whose length a program measures, in two cycles each."""
    session = board()
    session.start(lambda: session.runtime.run(session.compile("""
import rp2
from machine import Pin
@rp2.asm_pio()
def measure():
    wrap_target()
    mov(x, invert(null))
    wait(0, pin, 0)
    wait(1, pin, 0)
    label("more")
    jmp(x_dec, "on")
    label("on")
    jmp(pin, "more")
    mov(isr, invert(x))
    push()
    wrap()
pin = Pin(16, Pin.IN)
sm = rp2.StateMachine(1, measure, freq=2_000_000, in_base=pin, jmp_pin=pin)
sm.active(1)
print(sm.get(), sm.get())
""", "main.py"), session.main_module()))
    pin = session.machine.pin("GP16")
    pin.force(0)
    session.go(session.now + 1_000_000)
    for length in (250_000, 40_000):
        pin.force(1)
        session.advance(length)
        pin.force(0)
        session.advance(1_000_000)
    found = [int(word) for word in session.console.split()]
    assert found == [pytest.approx(250, abs=2), pytest.approx(40, abs=2)]


@pytest.mark.spec("B98")
def test_frequencies() -> None:
    assert printed("""
@rp2.asm_pio()
def program():
    nop()
for freq in 1908, 1907, 125_000_000, 125_000_001:
    try:
        rp2.StateMachine(0, program, freq=freq)
        print(freq)
    except ValueError as error:
        print(error)
""") == ["1908", "freq out of range", "125000000", "freq out of range"]


@pytest.mark.spec("B97")
def test_instruction_memory() -> None:
    assert printed("""
def made():
    @rp2.asm_pio()
    def program():
        for _ in range(20):
            nop()
    return program
first, second = made(), made()
pio = rp2.PIO(1)
pio.add_program(first)
try:
    pio.add_program(second)
except OSError as error:
    print(error)
try:
    pio.state_machine(0, second)
except OSError as error:
    print(error)
rp2.PIO(0).add_program(second)
pio.remove_program(first)
pio.remove_program(first)
pio.add_program(second)
pio.remove_program()
pio.add_program(first)
print(pio, first[1:3], second[1:3])
""") == ["[Errno 12] ENOMEM", "[Errno 12] ENOMEM", "PIO(1) [-1, 12] [12, 12]"]


@pytest.mark.spec("B92", "B98")
@pytest.mark.parametrize("hard", [False, True])
def test_interrupts(hard: bool) -> None:
    """Of one machine, and of a block; the flag that a machine waits for is cleared by them."""
    assert printed(f"""
@rp2.asm_pio()
def program():
    pull()
    irq(block, rel(0))
    irq(clear, 7)
sm = rp2.StateMachine(6, program)
seen = []
def on_machine(which):
    seen.append((which, which.irq().flags()))
def on_block(which):
    seen.append((which, which.irq().flags()))
sm.irq(on_machine, hard={hard})
sm.active(1)
for n in range(2):
    sm.put(n)
    time.sleep_ms(1)
print(seen, sm.tx_fifo())
seen.clear()
sm.irq(handler=None)
rp2.PIO(1).irq(on_block, rp2.PIO.IRQ_SM2, hard={hard})
sm.put(3)
time.sleep_ms(1)
print(seen)
""") == ["[(StateMachine(6), 1), (StateMachine(6), 1)] 0", "[(PIO(1), 1024)]"]


@pytest.mark.spec("B98")
def test_restart_and_exec() -> None:
    assert printed("""
@rp2.asm_pio(set_init=rp2.PIO.OUT_HIGH)
def program():
    pull()
    set(pins, 0)
    label("end")
    jmp("end")
pin = Pin(8)
sm = rp2.StateMachine(2, program, set_base=pin)
print(pin.value())
sm.active(1)
sm.put(1)
time.sleep_us(10)
print(pin.value(), sm.tx_fifo())
sm.exec("set(pins, 1)")
print(pin.value())
sm.restart()
print(pin.value())
sm.put(1)
time.sleep_us(10)
print(pin.value(), sm.tx_fifo())
""") == ["1", "0 0", "1", "1", "0 0"]


@pytest.mark.parametrize(("release", "takes"), [("1.17", False), ("1.20", False), ("1.21", True)])
def test_exec_of_numbers(release: str, takes: bool) -> None:
    lines = printed("""
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def program():
    nop()
sm = rp2.StateMachine(2, program, set_base=Pin(8))
try:
    sm.exec(0xE001)
except Exception as error:
    print(type(error))
print(Pin(8).value())
""", release)
    assert lines[-1] == str(int(takes)) and len(lines) == 2 - takes
