"""The prompt and the rest of the board: Ctrl-C, resets, start files, standard input, dupterm."""

from __future__ import annotations

import pytest

from mpy_cross.emulator.repl.target import Condition
from tests.emulator.console import MS, RESET, Console

PROMPT = b">>> "
SYNC = b"MPY: sync filesystems\r\n"


# -------------------------------------------------------------------------------- interrupting


@pytest.mark.spec("D05", "D11")
@pytest.mark.parametrize("release", ["1.17", "1.28"])
def test_ctrl_c_interrupts_a_loop(release: str) -> None:
    console = Console("pico", release)
    seen = console.type("while True: pass\r\r", slices=5)
    assert seen == b"while True: pass\r\n... \r\n"
    assert console.type("\x03") == (
        b'Traceback (most recent call last):\r\n  File "<stdin>", line 1, in <module>\r\n'
        b"KeyboardInterrupt: \r\n>>> "
    )


@pytest.mark.spec("D05")
def test_a_program_may_catch_it() -> None:
    console = Console()
    console.type("\x01")
    source = "try:\n  while 1: pass\nexcept KeyboardInterrupt:\n  print('caught')\n"
    console.type(source + "\x04", slices=5)
    assert console.type("\x03") == b"caught\r\n\x04\x04>"


@pytest.mark.spec("D05")
def test_ctrl_c_ends_waiting() -> None:
    console = Console()
    assert console.type("input('name? ')\r") == b"input('name? ')\r\nname? "
    assert console.type("ab") == b"ab"
    assert console.type("\x03").endswith(b"KeyboardInterrupt: \r\n>>> ")
    console.type("import machine\r")
    console.type("machine.lightsleep()\r")  # for ever
    assert console.type("\x03").endswith(b"KeyboardInterrupt: \r\n>>> ")


@pytest.mark.spec("D05", "D11")
def test_ctrl_c_at_the_prompt_cancels_the_line() -> None:
    console = Console()
    assert console.type("abc\x03") == b"abc\r\n>>> "
    assert console.type("if 1:\r1\x03") == b"if 1:\r\n...     1\r\n>>> "


@pytest.mark.spec("D17")
def test_kbd_intr() -> None:
    console = Console()
    console.type("\x01")
    console.run("import micropython, sys")
    shown = console.type(
        "micropython.kbd_intr(-1)\nb = sys.stdin.buffer.read(1)\n"
        "micropython.kbd_intr(3)\nprint(b)\x04"
    )
    assert shown == b"OK"
    assert console.type("\x03") == b"b'\\x03'\r\n\x04\x04>"
    console.type("micropython.kbd_intr(24)\nwhile 1: pass\x04", slices=5)
    assert b"KeyboardInterrupt" in console.type("\x18")
    # The next program has Ctrl-C again.
    console.type("while 1: pass\x04", slices=5)
    assert b"KeyboardInterrupt" in console.type("\x03")


# --------------------------------------------------------------------------------------- resets


@pytest.mark.spec("D07", "D11")
@pytest.mark.parametrize(("board", "sync"), [("pico", b""), ("pyboard", SYNC)])
@pytest.mark.parametrize("how", ["\x04", "import machine;machine.soft_reset()\r"])
def test_soft_reset(board: str, sync: bytes, how: str) -> None:
    console = Console(board, "1.17", {"main.py": "y = 2\nprint('main')"})
    console.type("x = 1\r")
    shown = console.type(how)
    assert sync + b"MPY: soft reboot\r\nmain\r\nMicroPython v1.17" in shown
    assert shown.endswith(PROMPT)
    assert b"NameError" in console.type("x\r")
    assert console.type("y\r") == b"y\r\n2\r\n>>> "  # main.py runs in __main__


@pytest.mark.spec("D07")
def test_files_pins_and_time_outlive_a_soft_reset() -> None:
    console = Console("pico", "1.17")
    console.type("\x01")
    console.run(
        "from machine import Pin, Timer\nPin(25, Pin.OUT).on()\nopen('a', 'w').write('kept')\n"
        "import time\ntime.sleep(5)\nt = Timer(period=1, callback=lambda t: print('tick'))"
    )
    assert b"tick" in console.pass_time(5)
    console.type("\x04")
    assert console.session.machine.led(1)
    assert console.session.now > 5_000 * MS
    assert console.pass_time(20) == b""
    assert console.run("print(open('a').read())") == b"kept\r\n\x04"


@pytest.mark.parametrize("board", ["pico", "pyboard"])
def test_machine_reset_cuts_the_client_off_and_starts_anew(board: str) -> None:
    console = Console(board, "1.17", {"main.py": "import machine\nprint(machine.reset_cause())"})
    before = console.start.split(b"\r\n")[0]
    console.type("\x01")
    seen = console.type("import machine\nmachine.reset()\x04print(1)")
    shown, _, after = seen.partition(RESET)
    assert shown == b"OK"
    cause, banner = after.split(b"\r\n")[:2]
    assert banner.startswith(b"MicroPython v1.17")
    assert cause != before
    assert console.type("1\r") == b"1\r\n1\r\n>>> "  # what was typed ahead is gone


def test_a_fault_resets_the_board() -> None:
    console = Console("pyboard", "1.17")
    console.type("import machine\r")
    seen = console.type("machine.mem32[0x70000000] = 1\r")
    assert b"fault: " in seen
    assert RESET in seen
    assert seen.endswith(PROMPT)


@pytest.mark.spec("D01")
def test_prompts_can_be_set_from_1_19() -> None:
    console = Console("pico", "1.19")
    console.type("import sys\r")
    assert console.type("sys.ps1 = '$ '\r") == b"sys.ps1 = '$ '\r\n$ "
    assert console.type("sys.ps2 = '> '; (\r").endswith(b"\r\n... ")
    assert console.type("1)\r") == b"1)\r\n1\r\n$ "
    assert console.type("(\r") == b"(\r\n> "
    assert console.type("1)\rsys.ps1 = 5\r").endswith(b"sys.ps1 = 5\r\n")  # no text, no prompt
    old = Console("pico", "1.18")
    old.type("import sys\r")
    assert b"AttributeError" in old.type("sys.ps1 = ''\r")


# ---------------------------------------------------------------------------------- start files


def test_an_error_of_boot_and_main() -> None:
    files = {"boot.py": "1/0", "main.py": "print('main')"}
    error = b'  File "boot.py", line 1, in <module>\r\nZeroDivisionError: divide by zero\r\n'
    assert error + b"main\r\n" in Console("pico", "1.21", files).start
    for board, release in (("pico", "1.22"), ("pyboard", "1.12")):
        start = Console(board, release, files).start
        assert error + b"MicroPython" in start


def test_main_that_does_not_end() -> None:
    files = {"main.py": "n = 0\nwhile True:\n  n += 1"}
    console = Console("pico", "1.17", files, slices=5)
    assert console.start == b""
    shown = console.type("\x03")
    assert b'  File "main.py", line 3, in <module>\r\nKeyboardInterrupt: \r\nMicroPython' in shown
    assert console.type("n > 0\r") == b"n > 0\r\nTrue\r\n>>> "


def test_pyb_main_names_another_file() -> None:
    files = {"boot.py": "import pyb\npyb.main('other.py')", "other.py": "print('other')"}
    assert Console("pyboard", "1.17", files).start.startswith(b"other\r\nMicroPython")


# -------------------------------------------------------------------------------- standard input


@pytest.mark.parametrize("release", ["1.17", "1.28"])
def test_input_has_a_line_editor(release: str) -> None:
    console = Console("pico", release)
    assert console.type("x = input('? ')\r") == b"x = input('? ')\r\n? "
    assert console.type("abd\x7fc\r") == b"abd\b\x1b[Kc\r\n>>> "
    assert console.type("x\r") == b"x\r\n'abc'\r\n>>> "
    console.type("input()\r")
    assert console.type("\x04").endswith(b"EOFError: \r\n>>> ")
    console.type("input()\r")
    assert console.type("\x1b[A") == b"input()"  # the history of the prompt
    assert console.type("\x15\x03").endswith(b"KeyboardInterrupt: \r\n>>> ")


def test_stdin_as_text_and_as_bytes() -> None:
    console = Console()
    console.type("import sys\r")
    console.type("sys.stdin.readline()\r")
    assert console.type("hello\r") == b"'hello\\n'\r\n>>> "
    console.type("sys.stdin.buffer.read(3)\r")
    assert console.type("a\r\n") == b"b'a\\r\\n'\r\n>>> "
    assert console.type("sys.stdout.buffer.write(b'a\\nb')\r").endswith(b"a\nb3\r\n>>> ")
    assert console.type("sys.stdout.write('a\\nb')\r").endswith(b"a\r\nb3\r\n>>> ")


def test_waiting_for_stdin_takes_the_time_that_the_host_allows() -> None:
    console = Console()
    console.type("import select, sys, time\r")
    console.type("p = select.poll(); p.register(sys.stdin, 1)\r")
    console.type("t = time.ticks_ms(); r = p.poll(1000); print(r, time.ticks_ms() - t)\r")
    console.pass_time(900)
    assert console.board.take() == b""
    assert console.pass_time(200).startswith(b"[] 1000")
    console.type("p.poll()[0][1]\r")
    assert console.type("z").startswith(b"1\r\n>>> z")


def test_sleep_passes_at_once_and_timers_run_at_the_prompt() -> None:
    console = Console()
    console.type("import time, machine\r")
    before = console.session.now
    console.type("time.sleep(3600)\r")
    assert console.session.now - before >= 3_600_000 * MS
    console.type("t = machine.Timer(period=100, callback=lambda t: print('tick'))\r")
    assert console.pass_time(50) == b""
    assert console.pass_time(100) == b"tick\r\n"
    assert console.board.delay is not None
    assert console.board.delay <= 100 * MS


def test_delay_of_an_idle_board() -> None:
    console = Console()
    assert console.board.advance(0) is Condition.WAITING
    assert console.board.delay is None
    console.board.feed(b"1")
    assert console.board.delay == 0


# --------------------------------------------------------------------------------------- dupterm


@pytest.mark.spec("D18", "H48")
def test_a_uart_repeats_the_console_and_types() -> None:
    console = Console("pyboard", "1.17")
    console.type("import os, pyb\r")
    console.type("u = pyb.UART(1, 115200)\r")
    console.type("os.dupterm(u)\r")
    port = console.session.machine.uart(1)
    del port.sent[:]
    assert console.type("1+1\r") == b"1+1\r\n2\r\n>>> "
    console.pass_time(5)
    assert bytes(port.sent) == b"1+1\r\n2\r\n>>> "
    port.feed(b"6*7\r")
    assert console.pass_time(50) == b"6*7\r\n42\r\n>>> "
    assert console.type("os.dupterm(None) is u\r").endswith(b"True\r\n>>> ")
    del port.sent[:]
    console.type("3\r")
    console.pass_time(5)
    assert bytes(port.sent) == b""


@pytest.mark.spec("D18")
def test_a_stream_of_the_program_and_its_errors() -> None:
    console = Console("pyboard", "1.17")
    console.type("\x01")
    console.run(
        "import os, io\n"
        "class S(io.IOBase):\n"
        "  def __init__(self): self.got = b''\n"
        "  def write(self, b): self.got += b\n"
        "  def readinto(self, b): pass\n"
        "s = S()\nprint(os.dupterm(s, 2))"
    )
    assert console.run("print('x')") == b"x\r\n\x04"
    assert b"x\\r\\n" in console.run("g = s.got\nprint(g)")
    shown = console.run("S.write = lambda self, b: 1/0")
    assert b"dupterm: Exception in write() method, deactivating: " in shown
    assert b"ZeroDivisionError" in shown
    assert console.run("print('z')") == b"z\r\n\x04"
    assert console.run("print(os.dupterm(None, 2))") == b"None\r\n\x04"
    assert b"ValueError: invalid dupterm index" in console.run("os.dupterm(None, 3)")
    assert b"ValueError" in Console("pico", "1.28").type("import os;os.dupterm(None, 1)\r")


@pytest.mark.spec("D18")
def test_a_stream_at_its_end() -> None:
    console = Console("pyboard", "1.17")
    console.type("\x01")
    console.run(
        "import os, io\n"
        "class S(io.IOBase):\n"
        "  def write(self, b): return len(b)\n"
        "  def readinto(self, b): return 0\n"
    )
    assert b"dupterm: EOF received, deactivating\r\n" in console.type("os.dupterm(S())\x04")


def test_usb_vcp_is_the_console() -> None:
    console = Console("pyboard", "1.17")
    console.type("import pyb; v = pyb.USB_VCP()\r")
    assert console.type("v.read(), v.any()\r").endswith(b"(None, False)\r\n>>> ")
    console.type("v.recv(3)\r")
    assert console.type("abc") == b"b'abc'\r\n>>> "
    assert console.type("v.write(b'a\\nb')\r").endswith(b"\r\na\nb3\r\n>>> ")


def test_what_the_start_of_rp2_leaves_in_main() -> None:
    shown = Console("pico", "1.17").type("dir()\r")
    assert shown.endswith(b"['__name__', 'machine', 'rp2']\r\n>>> ")
    assert Console("pyboard", "1.17").type("dir()\r").endswith(b"['__name__']\r\n>>> ")
