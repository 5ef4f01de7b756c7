"""The raw REPL and raw-paste mode, byte for byte (manual 2.2.7)."""

from __future__ import annotations

import pytest

from tests.emulator.console import Console

SYNC = b"MPY: sync filesystems\r\n"
REBOOT = b"MPY: soft reboot\r\n"
BANNER = b"raw REPL; CTRL-B to exit\r\n"
BOARDS = pytest.mark.parametrize(
    ("board", "release"),
    [("pico", "1.17"), ("pyboard", "1.17"), ("pico", "1.28"), ("pyboard", "1.29")],
)


def raw(board: str = "pico", release: str = "1.17") -> Console:
    console = Console(board, release)
    assert console.type("\x01") == b"\r\n" + BANNER + b">"
    return console


@pytest.mark.spec("D11", "D12")
@BOARDS
def test_raw_repl(board: str, release: str) -> None:
    console = raw(board, release)
    assert console.type("print(1+1)\nprint('a')\x04") == b"OK2\r\na\r\n\x04\x04>"
    assert console.type("1/0\x04") == (
        b'OK\x04Traceback (most recent call last):\r\n  File "<stdin>", line 1, in <module>\r\n'
        b"ZeroDivisionError: divide by zero\r\n\x04>"
    )
    assert console.type("x = 1 1\x04") == (
        b'OK\x04Traceback (most recent call last):\r\n  File "<stdin>", line 1\r\n'
        b"SyntaxError: invalid syntax\r\n\x04>"
    )
    assert console.type("3\x04") == b"OK\x04\x04>"  # no value is printed
    assert console.type("print(1\x03print(2)\x04") == b"OK2\r\n\x04\x04>"  # Ctrl-C: from the start
    assert console.type("\x01") == BANNER + b">"
    shown = console.type("\x02")
    assert shown.startswith(b"\r\nMicroPython v")
    assert shown.endswith(b">>> ")
    assert console.type("_\r").endswith(b"NameError: name '_' isn't defined\r\n>>> ")


@pytest.mark.spec("D12")
def test_what_a_program_leaves_stays() -> None:
    console = raw()
    console.run("x = 5")
    assert console.run("print(x)") == b"5\r\n\x04"
    console.type("\x02")
    assert console.type("x\r") == b"x\r\n5\r\n>>> "


@pytest.mark.spec("D13")
def test_entry() -> None:
    assert raw().type(b"\x05A\x01") == b"R\x01\x80\x00\x01"
    assert raw().type(b"\x05B\x01") == b"R\x00>"
    # Old firmware takes it for a program and Ctrl-A for itself: "ra..." is what a host reads.
    assert raw("pyboard", "1.13").type(b"\x05A\x01") == BANNER + b">"
    assert raw("pyboard", "1.14").type(b"\x05A\x01") == b"R\x01\x80\x00\x01"
    assert raw().type(b"\x05\x01") == BANNER + b">"


@pytest.mark.spec("D14")
def test_windows() -> None:
    console = raw()
    console.type(b"\x05A\x01")
    assert console.type(b"#" * 127) == b""
    assert console.type(b"#") == b"\x01"
    assert console.type(b"#" * 300) == b"\x01\x01"
    assert console.type(b"#" * 84) == b"\x01"
    assert console.type(b"\nprint(7)\x04") == b"\x047\r\n\x04\x04>"


@pytest.mark.spec("D14")
def test_an_error_stops_the_host_early() -> None:
    console = raw()
    console.type(b"\x05A\x01")
    assert console.type(b"x = 1 1\n" + b"#" * 200) == b"\x04"
    assert console.type(b"print(1)\n" * 20) == b""
    assert console.type(b"\x04") == (
        b'\x04Traceback (most recent call last):\r\n  File "<stdin>", line 1\r\n'
        b"SyntaxError: invalid syntax\r\n\x04>"
    )
    assert console.run("print(1)") == b"1\r\n\x04"


@pytest.mark.spec("D14")
@pytest.mark.parametrize(
    "source",
    [
        "x = '''" + "x = 1 1\n" * 40 + "'''\nprint(len(x))",
        'x = """' + "a b\n''' \n" * 40 + '"""\nprint(len(x))',
        "try:\n" + "    x = 1\n" * 30 + "except Exception:\n    pass\nprint(1)",
        "x = (\n" + "1 +\n" * 60 + "1)\nprint(x)",
        "if 1:\n" + "  if 1:\n    pass\n" * 20 + "  print(2)",
    ],
)
def test_a_beginning_is_no_error(source: str) -> None:
    console = raw()
    console.type(b"\x05A\x01")
    shown = console.type(source.encode() + b"\x04")
    assert shown.lstrip(b"\x01").startswith(b"\x04")
    assert shown.endswith(b"\r\n\x04\x04>")
    assert b"Error" not in shown


@pytest.mark.spec("D15")
def test_end_and_result() -> None:
    console = raw()
    console.type(b"\x05A\x01")
    assert console.type(b"print(5)\n1/0\x04") == (
        b'\x045\r\n\x04Traceback (most recent call last):\r\n  File "<stdin>", line 2, in <module>'
        b"\r\nZeroDivisionError: divide by zero\r\n\x04>"
    )
    console.type(b"\x05A\x01")
    assert console.type(b"print(\x03") == b"\x04\x04KeyboardInterrupt: \r\n\x04>"


@pytest.mark.spec("D16")
@BOARDS
def test_the_example_of_the_manual(board: str, release: str) -> None:
    console = Console(board, release)
    seen = console.type(b"\x01") + console.type(b"\x05A\x01")
    assert seen == b"\r\n" + BANNER + b">R\x01\x80\x00\x01"
    assert console.type(b"print(123)\x04") == b"\x04123\r\n\x04\x04>"


@pytest.mark.spec("D12")
def test_file_name_from_1_27() -> None:
    assert raw("pico", "1.27").run("print(__file__)") == b"<stdin>\r\n\x04"
    assert b"NameError" in raw("pico", "1.26").run("print(__file__)")


@pytest.mark.spec("D07", "D12")
@pytest.mark.parametrize(("board", "sync"), [("pico", b""), ("pyboard", SYNC)])
def test_soft_reset_stays_raw_and_skips_main(board: str, sync: bytes) -> None:
    files = {"boot.py": "print('boot')", "main.py": "print('main')"}
    console = Console(board, "1.17", files)
    assert console.start.startswith(b"boot\r\nmain\r\nMicroPython")
    console.type("\x01")
    console.run("x = 1")
    assert console.type("\x04") == b"OK\r\n" + sync + REBOOT + b"boot\r\n" + BANNER + b">"
    assert b"NameError" in console.run("x")


@pytest.mark.spec("D12")
@pytest.mark.parametrize(("release", "resets"), [("1.23", False), ("1.24", True)])
def test_sys_exit(release: str, resets: bool) -> None:
    shown = raw("pico", release).type("import sys\nprint(1)\nsys.exit()\x04")
    assert shown.startswith(b"OK1\r\n\x04\x04")
    assert (b"MPY: soft reboot\r\n" in shown) is resets
    assert shown.endswith(b">")
