"""The manual's examples of the interactive prompt (2.2.1 to 2.2.6, 10.2.2), typed as it says.

`test_manual_examples` knows the numbers that are here.
"""

from __future__ import annotations

import pytest

from tests.emulator.console import Console

BACKSPACE = "\x7f"
STEP_BACK = b"\b\b\b\b\x1b[K"
"""What BACKSPACE shows that takes a level of indentation away."""


@pytest.mark.spec("D02")
def test_e136_a_colon_indents() -> None:
    assert Console().type("for i in range(30):\r") == b"for i in range(30):\r\n...     "


@pytest.mark.spec("D02")
def test_e137_a_second_colon_indents_further() -> None:
    console = Console()
    console.type("for i in range(30):\r")
    assert console.type("if i > 3:\r") == b"if i > 3:\r\n...         "


@pytest.mark.spec("D02")
def test_e138_backspace_takes_a_level_away() -> None:
    console = Console()
    console.type("for i in range(30):\rif i > 3:\r")
    assert console.type("break\r") == b"break\r\n...         "
    assert console.type(BACKSPACE) == STEP_BACK
    # Now the cursor stands below the `if`.
    assert console.type("print(i)\r") == b"print(i)\r\n...     "
    assert console.type(BACKSPACE) == STEP_BACK
    assert console.type("\r") == b"\r\n0\r\n1\r\n2\r\n3\r\n>>> "


@pytest.mark.spec("D04")
def test_e140_tab_after_a_dot_lists_the_names_of_a_module() -> None:
    console = Console("pyboard")
    console.type("import machine\r")
    assert console.type("m\t") == b"machine"
    assert console.type(".") == b"."
    listing = console.type("\t")
    assert listing.endswith(b"\r\n>>> machine.")
    # The manual's list is of an earlier release; from 1.16 names with an underscore are hidden.
    wanted = "info unique_id reset bootloader freq rng idle sleep deepsleep disable_irq enable_irq"
    assert {*wanted.split(), "Pin"} <= set(listing.decode().split())
    rows = listing.decode().split("\r\n")[1:-1]
    assert all(len(row) <= 64 for row in rows)
    assert all(row[at - 1] == " " for row in rows for at in (16, 32, 48) if len(row) > at)


@pytest.mark.spec("D04")
def test_e141_tab_extends_and_then_lists() -> None:
    console = Console("pyboard")
    console.type("import machine\r")
    assert console.type("machine.Pin.AF3\t") == b"machine.Pin.AF3_TIM"
    listing = console.type("\t")
    assert listing.endswith(b"\r\n>>> machine.Pin.AF3_TIM")
    assert listing.split()[:4] == [b"AF3_TIM10", b"AF3_TIM11", b"AF3_TIM8", b"AF3_TIM9"]


PASTED = """\
def foo():
    print('This is a test to show paste mode')
    print('Here is a second line')
foo()
"""


@pytest.mark.spec("D06")
@pytest.mark.parametrize("release", ["1.17", "1.28"])
def test_e144_pasting_into_the_normal_prompt_goes_wrong(release: str) -> None:
    console = Console("pico", release)
    shown = console.type(PASTED.replace("\n", "\r") + "\r\r\r").decode()
    lines = shown.split("\r\n")
    assert lines[0] == "def foo():"
    assert lines[1].startswith("...     ")
    if release == "1.17":  # the blanks of the text are added to the automatic ones
        assert lines[2] == "...             print('Here is a second line')"
        assert lines[-2] == "IndentationError: unexpected indent"
    else:  # from 1.19 a blank ends automatic indents, and only the last line is too much
        assert lines[2] == "...     print('Here is a second line')"
        assert lines[6:8] == ['  File "<stdin>", line 4', "SyntaxError: invalid syntax"]


@pytest.mark.spec("D06")
@pytest.mark.parametrize(("board", "release"), [("pico", "1.17"), ("pyboard", "1.28")])
def test_e145_paste_mode(board: str, release: str) -> None:
    console = Console(board, release)
    assert console.type("\x05") == (
        b"\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== "
    )
    assert console.type(PASTED.replace("\n", "\r")).decode() == PASTED.replace("\n", "\r\n=== ")
    assert console.type("\x04") == (
        b"\r\nThis is a test to show paste mode\r\nHere is a second line\r\n>>> "
    )


@pytest.mark.spec("D06")
def test_paste_mode_is_cancelled() -> None:
    console = Console()
    console.type("\x05x = 1\r")
    assert console.type("\x03") == b"\r\n>>> "
    assert b"NameError" in console.type("x\r")


@pytest.mark.spec("D07")
def test_e149_soft_reset_forgets_names() -> None:
    console = Console("pyboard", "1.17", {"boot.py": "import pyb"})
    console.type("i = 1\rj = 23\rx = 'abc'\r")
    assert console.type("dir()\r") == b"dir()\r\n['__name__', 'i', 'j', 'pyb', 'x']\r\n>>> "
    assert console.type("\x04") == (
        b"\r\nMPY: sync filesystems\r\nMPY: soft reboot\r\n"
        b"MicroPython v1.17 on 2021-09-02; PYBv1.1 with STM32F405RG\r\n"
        b'Type "help()" for more information.\r\n>>> '
    )
    assert console.type("dir()\r") == b"dir()\r\n['__name__', 'pyb']\r\n>>> "


@pytest.mark.spec("D08")
def test_e150_underscore() -> None:
    console = Console()
    assert console.type("1 + 2 + 3 + 4 + 5\r").endswith(b"\r\n15\r\n>>> ")
    console.type("x = _\r")
    assert console.type("x\r") == b"x\r\n15\r\n>>> "


@pytest.mark.spec("D07")
def test_e575_message_of_a_soft_reset() -> None:
    # The example is of a WiPy: all boards print these lines, each with its own name.
    shown = Console("pico", "1.17").type("\x04")
    assert shown == (
        b"\r\nMPY: soft reboot\r\n"
        b"MicroPython v1.17 on 2021-09-02; Raspberry Pi Pico with RP2040\r\n"
        b'Type "help()" for more information.\r\n>>> '
    )
